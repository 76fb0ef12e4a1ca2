"""Promotion rows: at every moment the shop shows LCV's lowest price, with rows that stay the same from run to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from math import floor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import ArticleId, Promotion, PromotionId, PromotionKind, Sku
from lcvsync.planning.prices import PriceParts, price_parts
from lcvsync.planning.promotions import (
    PromotionPlan,
    PromotionRow,
    Reduction,
    ReductionKind,
    SkippedPromotion,
    SkipReason,
    end_of,
    plan_promotions,
    promotion_window,
    shop_time,
    shop_window,
)

PARIS = ZoneInfo("Europe/Paris")
A, B, C = SKUS = (Sku("A-36"), Sku("A-38"), Sku("B-36"))
ARTICLE_OF = {A: ArticleId("A"), B: ArticleId("A"), C: ArticleId("B")}
RATE = Decimal(20)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A moment of January 2027, by the clock in Paris."""
    return datetime(2027, 1, day, hour, minute, second, tzinfo=PARIS)


BEFORE, START, END = at(1), at(6, 8), at(31)


def promotion(
    name: str,
    value: str,
    *,
    kind: PromotionKind = PromotionKind.PERCENTAGE,
    starts: datetime = START,
    ends: datetime | None = END,
    price_list: str | None = None,
    articles: tuple[ArticleId, ...] = (ArticleId("A"),),
    skus: tuple[Sku, ...] = (),
) -> Promotion:
    """A promotion on article A over January, unless said otherwise."""
    return Promotion(
        PromotionId(name), 1, name, kind, Decimal(value), starts, ends, price_list, articles=articles, skus=skus
    )


def plan(
    prices: dict[Sku, str], *promotions: Promotion, now: datetime = BEFORE, whole_product: bool = True
) -> PromotionPlan:
    """The plan of the list WEB at 20 % VAT, on 1 January unless said otherwise."""
    amounts = {sku: Decimal(price) for sku, price in prices.items()}
    return plan_promotions(
        amounts, promotions, ARTICLE_OF, price_list="WEB", rate=RATE, now=now, whole_product=whole_product
    )


def percentage(fraction: str) -> Reduction:
    """A percentage by its fraction."""
    return Reduction(ReductionKind.PERCENTAGE, Decimal(fraction))


def amount(value: str) -> Reduction:
    """An amount including tax."""
    return Reduction(ReductionKind.AMOUNT, Decimal(value))


def row(sku: Sku | None, reduction: Reduction, starts: datetime = START, ends: datetime | None = END) -> PromotionRow:
    """A row over January unless said otherwise."""
    return PromotionRow(sku, starts, ends, reduction)


FIXED, AMOUNT = PromotionKind.FIXED_PRICE, PromotionKind.AMOUNT


@pytest.mark.parametrize(
    ("prices", "promotions", "rows"),
    [
        ({A: "40.00", B: "45.00"}, [promotion("P", "30")], [row(None, percentage("0.3"))]),
        ({A: "19.99", B: "19.99"}, [promotion("P", "50")], [row(None, amount("9.99"))]),
        ({A: "19.99", B: "20.00"}, [promotion("P", "50")], [row(A, amount("9.99")), row(B, percentage("0.5"))]),
        ({A: "40.00", B: "40.00"}, [promotion("P", "25", kind=FIXED)], [row(None, amount("15"))]),
        ({A: "40.00", B: "45.00"}, [promotion("P", "5", kind=AMOUNT)], [row(None, amount("5"))]),
        ({A: "40.00", B: "45.00"}, [promotion("P", "30", kind=FIXED)], [row(A, amount("10")), row(B, amount("15"))]),
        ({A: "40.00", B: "45.00"}, [promotion("P", "30", articles=(), skus=(B,))], [row(B, percentage("0.3"))]),
        ({A: "40.00", C: "45.00"}, [promotion("P", "30")], [row(A, percentage("0.3"))]),
        ({A: "40.00"}, [promotion("P", "30", price_list="SHOPS")], []),
        ({A: "40.00"}, [promotion("P", "30", price_list="WEB")], [row(None, percentage("0.3"))]),
        ({A: "40.00"}, [promotion("P", "30", articles=())], []),
        ({A: "40.00"}, [promotion("P", "30", ends=None)], [row(None, percentage("0.3"), ends=None)]),
        ({A: "300.00"}, [promotion("P", "33.333333")], [row(None, percentage("0.333333"))]),
        ({A: "19.97"}, [promotion("P", "50")], [row(None, amount("9.98"))]),
        ({A: "1.00"}, [promotion("P", "69.5001")], [row(None, amount("0.70"))]),
        ({A: "40.00"}, [promotion("P", "10", kind=AMOUNT), promotion("Q", "25")], [row(None, percentage("0.25"))]),
        (
            {A: "40.00", B: "45.00"},
            [promotion("P", "30", articles=(), skus=(A,)), promotion("Q", "30", articles=(), skus=(B,))],
            [row(None, percentage("0.3"))],
        ),
    ],
    ids=[
        "percentage",
        "half a cent",
        "half a cent on one",
        "fixed price",
        "amount",
        "other amounts",
        "one sku",
        "one article",
        "other list",
        "our list",
        "nothing named",
        "without end",
        "six decimals",
        "right only by a rounding of the shop",
        "just under half a cent",
        "percentage preferred",
        "two that are alike",
    ],
)
def test_rows_of_one_segment(prices: dict[Sku, str], promotions: list[Promotion], rows: list[PromotionRow]) -> None:
    """Product-level if all variants share it; a percentage where it gives LCV's cents, else an amount including tax."""
    assert list(plan(prices, *promotions).rows) == rows


def test_product_with_combinations_that_are_not_ours() -> None:
    """No row reduces the whole product, when a part of it isn't LCV's."""
    rows = plan({A: "40.00", B: "45.00"}, promotion("P", "30"), whole_product=False).rows

    assert rows == (row(A, percentage("0.3")), row(B, percentage("0.3")))


def test_overlap_is_cut() -> None:
    """A better offer for some days takes its time out of the longer one, for the variants where it is better."""
    flash = promotion("F", "30", kind=FIXED, starts=at(10), ends=at(12))
    rows = plan({A: "40.00", B: "60.00"}, promotion("P", "30"), flash).rows

    assert rows == (
        row(None, percentage("0.3"), ends=at(10)),
        row(A, percentage("0.3"), at(10), at(12)),
        row(B, amount("30"), at(10), at(12)),
        row(None, percentage("0.3"), at(12)),
    )


def test_equal_neighbours_are_one_row() -> None:
    """A worse offer in between, or the same reduction going on under another name, cuts nothing."""
    worse = promotion("W", "10", starts=at(10), ends=at(12))
    onward = promotion("O", "30", starts=at(31), ends=None)

    assert plan({A: "40.00"}, promotion("P", "30"), worse, onward).rows == (row(None, percentage("0.3"), ends=None),)


def test_segments_that_the_shop_cannot_see() -> None:
    """What is left between two full minutes is no row: the shop compares with its clock cut to the minute."""
    sooner, later = promotion("P", "30", ends=at(10, 9, 0, 20)), promotion("Q", "20", ends=at(10, 9, 1))

    assert plan({A: "40.00"}, sooner, later).rows == (row(None, percentage("0.3"), ends=at(10, 9, 0, 20)),)


def test_what_makes_no_price_is_reported() -> None:
    """Prices of 0 or below and prices not lowered are no rows but reports, variant by variant, until they end."""
    free = promotion("A", "20", kind=AMOUNT)
    dear = promotion("B", "40", kind=FIXED)
    blink = promotion("C", "30", starts=at(7, 9, 0, 10), ends=at(7, 9, 0, 50))
    ended = promotion("D", "100", starts=at(1), ends=at(6, 9))

    result = plan({A: "20.00", B: "40.00"}, ended, blink, dear, free, now=at(6, 9))

    zero, useless = SkipReason.ZERO_PRICE, SkipReason.WITHOUT_EFFECT
    instant = "it contains no full minute, and the shop's clock has no seconds"
    assert result.skipped == (
        SkippedPromotion(free.id, A, zero, "20.00 would become 0.00"),
        SkippedPromotion(dear.id, A, useless, "20.00 would become 40.00"),
        SkippedPromotion(dear.id, B, useless, "40.00 would become 40.00"),
        SkippedPromotion(blink.id, A, useless, instant),
        SkippedPromotion(blink.id, B, useless, instant),
    )
    assert result.rows == (row(B, amount("20.00")),)


def test_running_and_next_due() -> None:
    """Running is what lowers a price now, even if another wins; due is the next start or end of what names one."""
    winner, loser = promotion("W", "30"), promotion("L", "10", ends=at(20))
    useless = promotion("U", "100", ends=at(15))
    future, foreign = promotion("F", "50", starts=at(25)), promotion("X", "50", articles=(ArticleId("Z"),), ends=at(13))
    shops = promotion("S", "50", price_list="SHOPS", ends=at(13))
    everything = (winner, loser, useless, future, foreign, shops)

    middle, start = plan({A: "40.00"}, *everything, now=at(12)), plan({A: "40.00"}, *everything, now=at(6, 8))
    end, after = plan({A: "40.00"}, *everything, now=at(20)), plan({A: "40.00"}, *everything, now=at(31))

    assert (set(map(str, middle.running)), middle.next_due) == ({"W", "L"}, at(15))
    assert (set(map(str, start.running)), start.next_due) == ({"W", "L"}, at(15))
    assert (set(map(str, end.running)), end.next_due) == ({"W"}, at(25))
    assert after == PromotionPlan((), frozenset(), None, ())


def test_always_and_for_ever() -> None:
    """The first and last dates that programs know mean no start and no end, and overflow nothing."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    always = promotion("P", "30", starts=first, ends=last)
    result = plan({A: "40.00"}, always, promotion("Q", "30", starts=last, ends=None))

    assert result.rows == (PromotionRow(None, None, None, percentage("0.3")),)
    assert result.next_due is None
    assert shop_window(result.rows[0], PARIS) == ("0000-00-00 00:00:00", "0000-00-00 00:00:00")
    assert promotion_window(always, PARIS) == ("0000-00-00 00:00:00", "0000-00-00 00:00:00")


def test_moments_by_the_clock_of_the_shop() -> None:
    """When a row is over is a second after its end; what is asked of the shop has whole seconds."""
    assert end_of("2027-01-31 23:59:59", PARIS) == datetime(2027, 1, 31, 23, tzinfo=UTC)
    assert end_of("2027-07-31 23:59:58", PARIS) == datetime(2027, 7, 31, 21, 59, 59, tzinfo=UTC)
    assert end_of("0000-00-00 00:00:00", PARIS) is None
    assert shop_time(datetime(2027, 7, 1, 6, 0, 30, 700_000, tzinfo=UTC), PARIS) == "2027-07-01 08:00:30"


def test_parts_of_seconds_are_cut() -> None:
    """The shop keeps whole seconds, so rows do."""
    (found,) = plan({A: "40.00"}, promotion("P", "30", starts=at(6).replace(microsecond=700_000))).rows

    assert found.starts == at(6)


@pytest.mark.parametrize(
    ("starts", "ends", "window"),
    [
        ("2027-01-06T07:00:00", "2027-02-02T23:00:00", ("2027-01-06 08:00:00", "2027-02-02 23:59:59")),
        ("2027-07-01T06:00:30", None, ("2027-07-01 08:00:30", "0000-00-00 00:00:00")),
        ("2027-03-28T00:30:00", "2027-03-28T01:00:00", ("2027-03-28 01:30:00", "2027-03-28 02:59:59")),
        ("2027-03-28T01:00:00", "2027-03-28T01:30:00", ("2027-03-28 03:00:00", "2027-03-28 03:29:59")),
        ("2027-10-30T23:00:00", "2027-10-31T00:00:00", ("2027-10-31 01:00:00", "2027-10-31 01:59:59")),
        ("2027-10-31T00:00:00", "2027-10-31T01:00:00", ("2027-10-31 02:00:00", "2027-10-31 02:29:59")),
        ("2027-10-31T00:30:00", "2027-10-31T01:15:00", ("2027-10-31 02:15:00", "2027-10-31 02:37:29")),
        ("2027-10-31T01:00:00", "2027-10-31T02:00:00", ("2027-10-31 02:30:00", "2027-10-31 02:59:59")),
        ("2027-10-31T01:00:00", "2027-10-31T01:00:01", ("2027-10-31 02:30:00", "2027-10-31 02:30:00")),
    ],
    ids=["winter", "summer", "before the gap", "after it", "before", "first pass", "both", "second pass", "a second"],
)
def test_windows_by_the_clock_of_the_shop(starts: str, ends: str | None, window: tuple[str, str]) -> None:
    """Local time, the last second inclusive; the hour that comes twice keeps the order of what happens in it."""
    start, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None for text in (starts, ends))

    assert shop_window(PromotionRow(None, start, end, percentage("0.3")), PARIS) == window


@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "America/St_Johns", "Indian/Reunion"])
def test_the_clock_never_goes_back(zone: str) -> None:
    """Rows in turn have windows in turn, through a year, and minute by minute in the nights when clocks change."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    moments = {start + timedelta(hours=hour) for hour in range(24 * 365)}
    for before, after in pairwise(sorted(moments)):
        if before.astimezone(ZoneInfo(zone)).utcoffset() != after.astimezone(ZoneInfo(zone)).utcoffset():
            moments |= {before + MINUTE * minute for minute in range(-180, 180)}
    rows = [PromotionRow(None, *span, percentage("0.3")) for span in pairwise(sorted(moments))]

    edges = [edge for row in rows for edge in shop_window(row, ZoneInfo(zone))]
    assert edges == sorted(edges)
    assert len(set(edges)) == len(edges)


@dataclass(frozen=True)
class Listed:
    """A row of `specific_prices` as the shop has it."""

    sku: Sku | None
    since: str
    until: str
    reduction: Reduction


ZERO = "0000-00-00 00:00:00"
REPEATED = (datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC))
"""The two hours that the shop's clock can't tell apart."""


def shop_shows(listed: list[Listed], parts: PriceParts, rate: Decimal, sku: Sku, now: datetime) -> Decimal:
    """PrestaShop's `priceCalculation`, in floats: choose one row, add the tax, reduce, round half up."""
    minute = now.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:00")
    begun = [row for row in listed if row.sku in {None, sku} and (row.since == ZERO or row.since <= minute)]
    rows = [row for row in begun if row.until == ZERO or minute <= row.until]
    rows.sort(key=lambda row: (row.sku is not None, row.until, row.since), reverse=True)
    price = (float(parts.base) + float(parts.impacts[sku])) * (1 + float(rate) / 100)
    for row in rows[:1]:
        share = row.reduction.kind is ReductionKind.PERCENTAGE
        price -= price * float(row.reduction.value) if share else float(row.reduction.value)
    exact, guessed = (Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP) for text in (price, f"{price:.15g}"))
    assert exact == guessed, "PHP 8.4 rounds the float as it is, older ones its first 15 digits: rows must not care"
    return exact


def lcv_sells(price: Decimal, sku: Sku, promotions: list[Promotion], now: datetime) -> Decimal:
    """The lowest price that LCV's contract gives, by brute force; what would be 0 or below is left out."""
    offers = [Fraction(price)]
    for each in promotions:
        value = Fraction(each.value)
        names = each.price_list != "SHOPS" and (sku in each.skus or ARTICLE_OF[sku] in each.articles)
        if names and each.starts_at <= now and (each.ends_at is None or now < each.ends_at):
            by_kind = {
                PromotionKind.PERCENTAGE: Fraction(price) * (100 - value) / 100,
                PromotionKind.AMOUNT: Fraction(price) - value,
                PromotionKind.FIXED_PRICE: value,
            }
            offers.append(Fraction(floor(by_kind[each.kind] * 100 + Fraction(1, 2)), 100))
    return Decimal(floor(min(offer for offer in offers if offer > 0) * 100)) / 100


PRICES = st.sampled_from(["19.99", "20.00", "49.95", "0.01"]) | st.integers(1, 30_000).map(lambda n: f"{n / 100:.2f}")
PRICED = st.dictionaries(st.sampled_from(SKUS), PRICES, min_size=1)
VALUES = {
    PromotionKind.PERCENTAGE: st.sampled_from(["0", "5", "12.5", "30", "33.33", "50", "66.666666", "99.99", "100"]),
    PromotionKind.AMOUNT: st.sampled_from(["0", "0.01", "5", "10.005", "20", "300"]),
    PromotionKind.FIXED_PRICE: st.sampled_from(["0", "0.01", "9.99", "19.99", "49.5", "100"]),
}
ORIGINS = st.sampled_from([datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC)])
"""Midnight in Paris before the nights when clocks change."""
SPANS = st.one_of(st.sampled_from([0, 1, 30, 59, 60, 1800, 3600, 5400, 7200, 86_400]), st.integers(0, 40_000))


@st.composite
def many_promotions(draw: st.DrawFn) -> list[Promotion]:
    """Up to five promotions of all kinds, close together in a night when clocks change."""
    origin = draw(ORIGINS)
    found = []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(PromotionKind))
        starts = origin + SECOND * draw(SPANS)
        found.append(
            promotion(
                f"P{number}",
                draw(VALUES[kind]),
                kind=kind,
                starts=starts,
                ends=starts + SECOND * draw(SPANS) if draw(st.booleans()) else None,
                price_list=draw(st.sampled_from([None, "WEB", "SHOPS"])),
                articles=tuple(draw(st.sets(st.sampled_from(list(ARTICLE_OF.values()))))),
                skus=tuple(draw(st.sets(st.sampled_from(SKUS)))),
            )
        )
    return found


def edges(promotions: list[Promotion]) -> list[datetime]:
    """All starts and ends."""
    return sorted({edge for each in promotions for edge in (each.starts_at, each.ends_at) if edge})


def listed(rows: tuple[PromotionRow, ...]) -> list[Listed]:
    """*rows* as the shop would store them."""
    return [Listed(row.sku, *shop_window(row, PARIS), row.reduction) for row in rows]


@given(
    prices=PRICED,
    promotions=many_promotions(),
    rate=st.sampled_from(["20", "5.5", "0"]),
    whole=st.booleans(),
    data=st.data(),
)
def test_shop_shows_the_lowest_price_at_every_moment(
    prices: dict[Sku, str], promotions: list[Promotion], rate: str, whole: bool, data: st.DataObject
) -> None:
    """Around every start and end, and between them, every variant has LCV's lowest price to the cent, by one row."""
    amounts, vat = {sku: Decimal(price) for sku, price in prices.items()}, Decimal(rate)
    now = data.draw(st.sampled_from([edges(promotions)[0] - MINUTE, *edges(promotions)]))
    result = plan_promotions(amounts, promotions, ARTICLE_OF, price_list="WEB", rate=vat, now=now, whole_product=whole)
    parts, rows = price_parts(amounts, next(iter(amounts)), vat), listed(result.rows)

    for edge in edges(promotions):
        for moment in (edge - MINUTE, edge, edge + MINUTE, edge + timedelta(minutes=17)):
            minute = moment.replace(second=0)
            if minute >= now and not REPEATED[0] <= minute < REPEATED[1]:
                for sku, price in amounts.items():
                    shown = shop_shows(rows, parts, vat, sku, minute)
                    assert shown == lcv_sells(price, sku, promotions, minute)


@given(prices=PRICED, promotions=many_promotions())
def test_rows_never_meet(prices: dict[Sku, str], promotions: list[Promotion]) -> None:
    """No two rows that concern one variant overlap, in time or by the shop's clock, and all are windows that open."""
    rows = plan(prices, *promotions, now=datetime(2026, 1, 1, tzinfo=UTC)).rows

    for one in listed(rows):
        assert one.until == ZERO or one.since <= one.until
    for one, other in combinations(listed(rows), 2):
        assert (one.sku, one.since, one.until) != (other.sku, other.since, other.until)
        if one.sku == other.sku or None in {one.sku, other.sku}:
            assert ZERO != one.until < other.since or ZERO != other.until < one.since


@given(prices=PRICED, promotions=many_promotions(), data=st.data())
def test_later_plans_have_the_same_rows(
    prices: dict[Sku, str], promotions: list[Promotion], data: st.DataObject
) -> None:
    """With time rows only go, when they have ended; until the next due moment nothing changes at all."""
    moments = edges(promotions)
    now, later = data.draw(st.sampled_from(moments)) - SECOND, data.draw(st.sampled_from(moments)) + SECOND
    assume(now < later)
    early, late = plan(prices, *promotions, now=now), plan(prices, *promotions[::-1], now=later)

    assert late.rows == tuple(row for row in early.rows if row.ends is None or row.ends > later)
    if early.next_due:
        assert plan(prices, *promotions, now=early.next_due - SECOND) == early
        assert early.next_due > now
    else:
        assert plan(prices, *promotions, now=later) == early
