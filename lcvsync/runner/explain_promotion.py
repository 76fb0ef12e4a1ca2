"""Explaining a promotion: its window by the shop's clock, what of it is in the shop, and why not the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lcvsync.domain.catalogue import Promotion
from lcvsync.errors import ConfigurationError
from lcvsync.planning.explain.codes import promotion_code
from lcvsync.planning.explain.model import Code, Effect
from lcvsync.planning.explain.promotions import effect_of, promotion_state
from lcvsync.planning.explain.verdict import Verdict, promotion_verdict
from lcvsync.planning.promotions import promotion_window
from lcvsync.runner.explain import Explainer

SLICE = 100
"""Articles whose products are asked of the shop at a time."""


@dataclass(frozen=True)
class ToldPromotion:
    """A promotion, explained."""

    promotion: Promotion
    state: str
    starts: str
    ends: str
    """By the shop's clock, the last second; zeros: no end."""
    zone: str
    category: Code
    verdict: Verdict
    effects: tuple[Effect, ...]
    unknown: tuple[str, ...]
    """Articles and variants that it names and that LCV never gave."""
    notes: tuple[str, ...]
    names: tuple[str, ...]
    """What the shop calls the targets of the category's mapping."""


def told_promotion(explainer: Explainer, identifier: str) -> ToldPromotion:
    """A promotion of LCV's explained. Raises ConfigurationError: it isn't there any more."""
    promotion = explainer.mirror.promotion(identifier)
    if promotion is None:
        raise ConfigurationError(f"LCV has no promotion {identifier} any more")
    articles = explainer.lookup.articles_of(promotion)
    known = [article for article in articles if explainer.mirror.article(article)]
    effects: list[Effect] = []
    for start in range(0, len(known), SLICE):
        effects += _effects(explainer, promotion, known[start : start + SLICE])
    state = promotion_state(promotion, explainer.context.options.web_store.price_list, explainer.now)
    name, outcomes = f"{promotion.name} ({promotion.id})", [each.outcome for each in effects]
    missing = [sku for sku in promotion.skus if explainer.lookup.article_of_sku(sku) is None]
    category = promotion_code(promotion.name, explainer.context)
    named = explainer.names([category])
    return ToldPromotion(
        promotion,
        state,
        *promotion_window(promotion, explainer.zone),
        explainer.zone.key,
        category,
        promotion_verdict(name, state, promotion.price_list, outcomes),
        tuple(effects),
        (*(article for article in articles if article not in known), *missing),
        explainer.notes(),
        tuple(named.get((category.kind, target), "") for target in category.targets),
    )


def _effects(explainer: Explainer, promotion: Promotion, articles: Sequence[str]) -> list[Effect]:
    facts = [explainer.facts(article) for article in articles]
    seen = explainer.look([product for each in facts for product in each.products if not product.gone])
    window = promotion_window(promotion, explainer.zone)
    return [effect_of(promotion.id, explainer.explanation(each, seen), window, seen, explainer.now) for each in facts]
