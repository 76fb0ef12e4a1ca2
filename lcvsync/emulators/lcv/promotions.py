"""Promotions that overlap, start and end around now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lcvsync.emulators.lcv.records import Article, Promotion
from lcvsync.emulators.lcv.tables import LOYALTY_PRICE_LIST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.lcv.state import Catalogue

_PARIS = ZoneInfo("Europe/Paris")
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

PROMOTION_ODDITIES = (
    "promotion_overlap",
    "promotion_fixed_price",
    "promotion_on_skus",
    "promotion_on_other_price_list",
    "promotion_without_end",
    "promotion_to_zero",
    "promotion_about_to_start",
    "promotion_about_to_end",
)


def add_promotions(catalogue: Catalogue, articles: Sequence[Article], now: datetime) -> None:
    """Enter promotions on *articles*, which are ordinary ones; with fewer than nine, some apply to nothing."""
    now = now.astimezone(_PARIS).replace(microsecond=0)
    scope = _Scope.of(articles)
    for promotion in _promotions(scope, now):
        catalogue.put_promotion(promotion)
    overlap = sorted({*scope.winter} & {*scope.black_friday, *scope.fixed})
    shown = (overlap, scope.fixed, scope.on_pieces, scope.loyal, scope.stock_end, scope.gift, scope.flash, scope.flash)
    catalogue.oddities.update(dict(zip(PROMOTION_ODDITIES, shown, strict=True)))


@dataclass(frozen=True)
class _Scope:
    """Ids of the articles that each promotion is for."""

    winter: list[str]
    black_friday: list[str]
    fixed: list[str]
    on_pieces: list[str]
    pieces: list[str]
    """Skus of `on_pieces`, every other one."""
    loyal: list[str]
    stock_end: list[str]
    gift: list[str]
    flash: list[str]

    @classmethod
    def of(cls, articles: Sequence[Article]) -> _Scope:
        """Parts of *articles*, the first three overlapping."""
        ids = [article.id for article in articles]
        tenth = max(1, len(ids) // 10)
        by_piece, rest = articles[4 * tenth : 5 * tenth], ids[5 * tenth :]
        return cls(
            winter=ids[: 3 * tenth],
            black_friday=ids[2 * tenth : 4 * tenth],
            fixed=ids[tenth : 2 * tenth],
            on_pieces=[article.id for article in by_piece],
            pieces=[variant.sku for article in by_piece for variant in article.variants[::2]],
            loyal=rest[:1],
            stock_end=rest[1:2],
            gift=rest[2:3],
            flash=rest[3:6],
        )


def _promotions(scope: _Scope, now: datetime) -> list[Promotion]:
    today = now.replace(hour=0, minute=0, second=0)

    def days(first: int, last: int) -> tuple[datetime, datetime]:
        """From midnight to midnight, in days from today."""
        return today + first * _DAY, today + last * _DAY

    winter, friday = {"articles": scope.winter}, {"articles": scope.black_friday}
    loyal = {"articles": scope.loyal, "price_list": LOYALTY_PRICE_LIST}
    flash = {"articles": scope.flash}
    return [
        _promotion(1, "Soldes d'hiver", ("percentage", "30.00"), days(-3, 25), **winter),
        _promotion(2, "Black Friday", ("percentage", "20.00"), days(-1, 5), **friday),
        _promotion(3, "Prix rouges", ("fixed_price", "19.90"), days(-10, 10), articles=scope.fixed),
        _promotion(4, "Dix euros de moins", ("amount", "10.00"), (now - 2 * _DAY, now + 2 * _DAY), skus=scope.pieces),
        _promotion(5, "Vente privée", ("percentage", "40.00"), days(2, 6), articles=scope.winter[:5]),
        _promotion(6, "French Days", ("percentage", "25.00"), days(-60, -55), **friday),
        _promotion(7, "Avantage fidélité", ("percentage", "15.00"), days(-1, 90), **loyal),
        _promotion(8, "Déstockage", ("percentage", "33.33"), (today - 30 * _DAY, None), articles=scope.stock_end),
        _promotion(9, "Cadeau de la maison", ("amount", "5000.00"), days(-1, 9), articles=scope.gift),
        _promotion(10, "Vente flash", ("percentage", "50.00"), (now + 15 * _MINUTE, now + 75 * _MINUTE), **flash),
        _promotion(11, "Dernières heures", ("percentage", "60.00"), (now - 5 * _DAY, now + 10 * _MINUTE), **flash),
        _promotion(12, "Opération sans article", ("percentage", "10.00"), days(-1, 1)),
    ]


def _promotion(
    number: int, name: str, reduction: tuple[str, str], span: tuple[datetime, datetime | None], **scope: Any
) -> Promotion:
    start, end = span
    return Promotion(
        id=f"OP{number:04d}",
        name=name,
        kind=reduction[0],
        value=reduction[1],
        starts_at=start.isoformat(),
        ends_at=end.isoformat() if end else None,
        **scope,
    )
