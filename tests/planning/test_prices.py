"""Base and impacts show LCV's cents, and no order of writing makes a variant too cheap for a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Article, ArticleId, Rfs, Sku
from lcvsync.domain.money import shown
from lcvsync.planning.changes import Change, Lane
from lcvsync.planning.known import BoundProduct, BoundPromotion, Facts, Origin
from lcvsync.planning.offers import base_lane, impact_lane, promotion_changes, reduction_lane, shop_rows
from lcvsync.planning.prices import (
    DefaultCandidate,
    PriceParts,
    default_variant,
    impacts_from,
    price_parts,
    rises,
    same_price,
)
from lcvsync.planning.promotions import PromotionRow, Reduction, ReductionKind, shop_window
from lcvsync.planning.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

SKUS = tuple(Sku(name) for name in ("36", "38", "40", "42"))
A, B, C = SKUS[:3]
RATES = st.sampled_from([Decimal(rate) for rate in ("20", "10", "5.5", "2.1", "0")])
CENTS = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)
PRICES = st.dictionaries(st.sampled_from(SKUS), CENTS, min_size=1)


def test_default_variant_carries_the_price() -> None:
    """The product has the default variant's price, the others the difference, which may be negative."""
    parts = price_parts({A: Decimal("39.90"), B: Decimal("45.90"), C: Decimal("29.90")}, A, Decimal(20))

    assert parts == PriceParts(Decimal("33.25"), {A: Decimal(0), B: Decimal(5), C: Decimal("-8.333333")})


@given(prices=PRICES, rate=RATES, base=st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-6)))
def test_every_variant_shows_its_cents(prices: dict[Sku, Decimal], rate: Decimal, base: Decimal) -> None:
    """With its own base and with one that must stay, every variant shows LCV's price to the cent."""
    parts = price_parts(prices, next(iter(prices)), rate)
    others = impacts_from(base, prices, rate)

    assert {sku: shown(parts.base, impact, rate) for sku, impact in parts.impacts.items()} == prices
    assert {sku: shown(base, impact, rate) for sku, impact in others.items()} == prices


def test_more_than_cents_is_rounded_before_the_tax_goes() -> None:
    """A price of half a cent is not left to the shop's floats: 19.995 is stored as 20.00."""
    assert price_parts({A: Decimal("19.995")}, A, Decimal(20)).base == Decimal("16.666667")


def test_a_millionth_is_no_difference() -> None:
    """One unit of the sixth decimal is a rounding, two are another price."""
    assert same_price(Decimal("33.250000"), Decimal("33.250001"))
    assert same_price(Decimal("33.250001"), Decimal("33.250000"))
    assert not same_price(Decimal("33.250000"), Decimal("33.250002"))


def candidate(sku: Sku, *, active: bool = True, in_stock: bool = True) -> DefaultCandidate:
    """A candidate, for sale and in stock unless said otherwise."""
    return DefaultCandidate(sku, active, in_stock)


@pytest.mark.parametrize(
    ("candidates", "current", "chosen"),
    [
        ([candidate(A), candidate(B, in_stock=False)], B, B),
        ([candidate(A, in_stock=False), candidate(B), candidate(C)], None, B),
        ([candidate(A), candidate(B, active=False)], B, A),
        ([candidate(A, in_stock=False), candidate(B, in_stock=False)], C, A),
        ([candidate(A, active=False), candidate(B, in_stock=False)], None, B),
        ([candidate(A, active=False), candidate(B, active=False)], B, A),
        ([], A, None),
    ],
    ids=["kept", "first with stock", "gone", "no stock", "only active", "none active", "none at all"],
)
def test_choice_of_the_default(candidates: list[DefaultCandidate], current: Sku | None, chosen: Sku | None) -> None:
    """The current one while active, else the first in grid order with stock, else the first."""
    assert default_variant(candidates, current) == chosen


def test_a_new_impact_waits_for_its_base() -> None:
    """What is new counts as a fall, since before its base has risen it would be too cheap."""
    assert rises(Decimal(1), Decimal(2))
    assert not rises(Decimal(2), Decimal(1))
    assert not rises(Decimal(1), Decimal(1))
    assert not rises(None, Decimal(1))


NOW = datetime(2027, 1, 20, 12, tzinfo=UTC)
WINDOWS: tuple[tuple[datetime | None, datetime | None], ...] = (
    (None, None),
    (datetime(2027, 1, 6, 7, tzinfo=UTC), None),
    (datetime(2027, 1, 6, 7, tzinfo=UTC), datetime(2027, 2, 2, 23, tzinfo=UTC)),
)
"""All of them contain NOW."""


def row(sku: Sku | None, kind: ReductionKind, value: str) -> PromotionRow:
    """A row without end or start."""
    return PromotionRow(sku, None, None, Reduction(kind, Decimal(value)))


@dataclass(frozen=True)
class RowChange:
    """What the plan does to one row, and whether it is written with what rises."""

    before: PromotionRow | None
    after: PromotionRow | None
    rises: bool


def row_changes(written: Iterable[PromotionRow], wanted: Iterable[PromotionRow]) -> list[RowChange]:
    """What `promotion_changes` plans between the rows of a product, rises first as a run writes them."""
    rows = dict(enumerate(written, start=1))
    targets = {_key(row): row for row in wanted}
    bound = BoundProduct("P", 1, "P", Origin.MADE, locked=False, promotions=[_bound(n, row) for n, row in rows.items()])
    article = Article(ArticleId("P"), 1, "P", "P", Rfs("F"), Decimal(20))
    subject = Subject("P", "P", Facts(article), bound, None)
    changes = sorted(
        promotion_changes(subject, shop_rows(subject, targets.values(), ZoneInfo("UTC"))),
        key=lambda change: change.lane,
    )
    return [
        RowChange(
            rows.get(change.id), targets[_planned_key(change)] if change.after else None, change.lane is Lane.PRICE_RISE
        )
        for change in changes
    ]


def _bound(number: int, row: PromotionRow) -> BoundPromotion:
    return BoundPromotion(
        number, row.sku, *shop_window(row, ZoneInfo("UTC")), str(row.reduction.kind), row.reduction.value
    )


def _key(row: PromotionRow) -> tuple[str, ...]:
    return row.sku or "", *shop_window(row, ZoneInfo("UTC"))


def _planned_key(change: Change) -> tuple[str, ...]:
    return change.sku, change.after["starts"], change.after["ends"]


def test_rows_that_rise_come_first() -> None:
    """Ends and shrinking reductions first, then starts and growing ones; what is equal is no change."""
    amount, percentage = ReductionKind.AMOUNT, ReductionKind.PERCENTAGE
    grown, shrunk = (row(A, amount, "5"), row(A, amount, "6")), (row(B, amount, "5"), row(B, amount, "4"))
    same = row(C, percentage, "0.300000")
    gone, new = row(SKUS[3], percentage, "0.5"), row(SKUS[3], amount, "5")

    changes = row_changes([grown[0], shrunk[0], same, gone], [new, same, grown[1], shrunk[1]])

    assert {(change.before, change.after) for change in changes[:2]} == {shrunk, (gone, None)}
    assert {(change.before, change.after) for change in changes[2:]} == {grown, (None, new)}
    assert [change.rises for change in changes] == [True, True, False, False]


@dataclass
class Shelf:
    """A product in a shop, written part by part, with its rows that hold at NOW."""

    rate: Decimal
    base: Decimal
    impacts: dict[Sku, Decimal]
    rows: set[PromotionRow] = field(default_factory=set)

    def price(self, sku: Sku) -> Decimal:
        """What the shop shows; a combination's row goes before the product's."""
        price = (self.base + self.impacts[sku]) * (1 + self.rate / 100)
        for row in [row for row in self.rows if row.sku == sku] or [row for row in self.rows if row.sku is None]:
            percentage = row.reduction.kind is ReductionKind.PERCENTAGE
            price -= price * row.reduction.value if percentage else row.reduction.value
        return max(price, Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def prices(self) -> dict[Sku, Decimal]:
        """Every variant's price."""
        return {sku: self.price(sku) for sku in self.impacts}

    def set_base(self, base: Decimal) -> None:
        """PATCH of the product."""
        self.base = base

    def set_impact(self, sku: Sku, impact: Decimal) -> None:
        """POST or PATCH of a combination."""
        self.impacts[sku] = impact

    def change_row(self, change: RowChange) -> None:
        """DELETE, POST or PATCH of a specific price."""
        self.rows -= {change.before} if change.before else set()
        self.rows |= {change.after} if change.after else set()


REDUCTIONS = st.one_of(
    st.builds(Reduction, st.just(ReductionKind.AMOUNT), CENTS),
    st.builds(Reduction, st.just(ReductionKind.PERCENTAGE), st.integers(1, 99).map(lambda p: Decimal(p) / 100)),
)


@st.composite
def shelves(draw: st.DrawFn, rate: Decimal) -> Shelf:
    """A finished product: one row for all, or at most one for each variant, as promotions are planned."""
    prices = draw(PRICES)
    parts = price_parts(prices, draw(st.sampled_from(sorted(prices))), rate)
    subjects = draw(st.one_of(st.just([None]), st.lists(st.sampled_from(sorted(prices)), unique=True)))
    rows = {PromotionRow(subject, *draw(st.sampled_from(WINDOWS)), draw(REDUCTIONS)) for subject in subjects}
    return Shelf(rate, parts.base, dict(parts.impacts), rows)


def steps(shelf: Shelf, after: Shelf) -> Iterable[tuple[bool, Callable[[], None]]]:
    """What turns *shelf* into *after*, each with whether it rises."""
    yield rises(shelf.base, after.base), partial(shelf.set_base, after.base)
    for sku, impact in after.impacts.items():
        yield rises(shelf.impacts.get(sku), impact), partial(shelf.set_impact, sku, impact)
    for change in row_changes(shelf.rows, after.rows):
        yield change.rises, partial(shelf.change_row, change)


@given(data=st.data(), rate=RATES, random=st.randoms(use_true_random=False))
def test_no_variant_is_too_cheap_in_between(data: st.DataObject, rate: Decimal, random: Random) -> None:
    """Rises in any order, then falls in any order: nothing is ever shown under both its old and its new price."""
    shelf, after = data.draw(shelves(rate)), data.draw(shelves(rate))
    old, new = shelf.prices(), after.prices()
    todo = list(steps(shelf, after))
    random.shuffle(todo)

    for _, write in sorted(todo, key=lambda step: not step[0]):
        write()
        now = shelf.prices()
        assert all(now[sku] >= min(old.get(sku, price), price) for sku, price in new.items() if sku in now)

    assert {sku: shelf.price(sku) for sku in new} == new


@pytest.mark.parametrize(
    ("before", "after", "old_rate", "rate", "lane"),
    [
        ("10", "12", "20", "20", Lane.PRICE_RISE),
        ("10", "8", "20", "20", Lane.PRICE_FALL),
        ("10", "10", "20", "20", Lane.PRICE_FALL),
        ("10", "12", "20", "5.5", Lane.PRICE_FALL),
        ("10", "8", "5.5", "20", Lane.PRICE_RISE),
        (None, "8", "20", "20", Lane.PRICE_FALL),
    ],
)
def test_lane_of_a_base_price(before: str | None, after: str, old_rate: str, rate: str, lane: Lane) -> None:
    """A rise first, a fall last; where the rate changes the rate decides."""
    assert base_lane(before, Decimal(after), Decimal(old_rate), Decimal(rate)) is lane
    assert old_rate != rate or impact_lane(before, Decimal(after)) is lane


def test_lane_of_a_reduction() -> None:
    """A larger one is a fall, a smaller one a rise; where only its end moves it takes nothing more off."""
    lanes = [reduction_lane(Decimal("0.3"), Decimal(value)) for value in ("0.31", "0.29", "0.3")]

    assert lanes == [Lane.PRICE_FALL, Lane.PRICE_RISE, Lane.PRICE_RISE]
