"""The generated catalogue: believable French fashion, with what real back offices have of odd."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from lcvsync.emulators.lcv import oddities
from lcvsync.emulators.lcv.drafts import Draft, Maker
from lcvsync.emulators.lcv.promotions import PROMOTION_ODDITIES, add_promotions
from lcvsync.emulators.lcv.state import Catalogue
from lcvsync.emulators.lcv.tables import SERVICES, build_tables

ODDITIES = (*oddities.ODDITIES, *PROMOTION_ODDITIES)
"""Names of everything odd that a catalogue of `ENOUGH_FOR_ODDITIES` articles shows, each in `Catalogue.oddities`."""
ENOUGH_FOR_ODDITIES = 60
DEFAULT_NOW = datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=1)))


def generate(seed: int, articles: int, *, now: datetime = DEFAULT_NOW) -> Catalogue:
    """A catalogue of as many *articles*; the same arguments give the same one.

    Promotions start and end around *now*. With fewer than `ENOUGH_FOR_ODDITIES` articles all are ordinary.
    """
    catalogue = Catalogue(build_tables(), SERVICES)
    maker = Maker(catalogue, seed)
    ordinary: list[Draft] = []
    for name in _plan(maker, articles):
        drafts = [maker.draft()] if name is None else oddities.ODDITIES[name].make(maker)
        for draft in drafts:
            maker.commit(draft)
        if name is None:
            ordinary += drafts
        else:
            catalogue.oddities[name] = [draft.article.id for draft in drafts]
    add_promotions(catalogue, [draft.article for draft in ordinary], now)
    return catalogue


def _plan(maker: Maker, articles: int) -> list[str | None]:
    """What to make, in order: names of oddities, and None for an ordinary article."""
    if articles < ENOUGH_FOR_ODDITIES:
        return [None] * articles
    odd = sum(oddity.articles for oddity in oddities.ODDITIES.values())
    plan: list[str | None] = [*oddities.ODDITIES, *[None] * (articles - odd)]
    maker.random.shuffle(plan)
    return plan
