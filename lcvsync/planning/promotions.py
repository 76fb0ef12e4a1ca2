"""Promotions as rows of `specific_prices`: which, on what, from when to when.

**LCV**: any number of promotions may run on a variant, the lowest price counts. **The shop** applies one row only: a
combination's before the whole product's, and among equals one of its own choice (`SpecificPrice::getSpecificPrice`).
So time is cut wherever a promotion starts or ends, and in each segment every variant gets at most one row. The cuts
come from the promotions alone, never from now: a later plan has the same rows, less those that have ended.

**One row for the product** if all its variants have the same reduction in a segment, else one for each reduced variant;
never both at once, since taking the one away would uncover the other.

**Percentage or amount.** The shop subtracts the reduction from the price with tax before it rounds, in floats. An
amount including tax always gives LCV's cents. A percentage is easier to read ("-30 %"), and is taken where a winning
promotion is one and the shop's result stays off the half cents by `_MARGIN`: 50 % of 19.99 is 9.995, so an amount.
The same holds for a variant's own row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, assert_never

from lcvsync.domain.catalogue import ArticleId, Promotion, PromotionId, PromotionKind, Sku
from lcvsync.domain.money import to_cents, to_stored, with_tax, without_tax

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

_MARGIN = Decimal("0.00001")
"""A thousandth of a cent. The shop's price may be off by 2.4 millionths: base and impact are each left alone within a
millionth (`prices.same_price`), times the tax; its floats are off by far less."""

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)
NO_DATE = "0000-00-00 00:00:00"
"""`from` or `to` of a row without start or end."""
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


class ReductionKind(StrEnum):
    """`reduction_type` of a specific price."""

    PERCENTAGE = "percentage"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a row takes off: a fraction with six decimals (0.300000 is 30 %), or an amount including tax."""

    kind: ReductionKind
    value: Decimal


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """One specific price. *sku* None: the product. Times: UTC, whole seconds, *ends* exclusive, None: unbounded."""

    sku: Sku | None
    starts: datetime | None
    ends: datetime | None
    reduction: Reduction


class SkipReason(StrEnum):
    """Why a promotion that names a variant gives it no price."""

    ZERO_PRICE = "promotion_zero_price"
    WITHOUT_EFFECT = "promotion_without_effect"


@dataclass(frozen=True, slots=True)
class SkippedPromotion:
    """A promotion, not ended, that is left out for one variant; *detail* is for people."""

    promotion: PromotionId
    sku: Sku
    reason: SkipReason
    detail: str


@dataclass(frozen=True, slots=True)
class PromotionPlan:
    """The rows that the shop should have now for one product, and what goes with them."""

    rows: tuple[PromotionRow, ...]
    """Running and future ones, by start, without two of the same sku and window."""
    running: frozenset[PromotionId]
    """Those that run now and lower a variant's price, even if another one wins: the product is in their categories."""
    next_due: datetime | None
    """The next start or end, after now, of a promotion that names one of the variants."""
    skipped: tuple[SkippedPromotion, ...]
    lowered: Mapping[PromotionId, Mapping[Sku, Decimal]] = field(default_factory=dict)
    """What each promotion that isn't over makes of the prices that it lowers, whichever of them wins."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """A promotion as far as it concerns the product: [starts, ends), and its prices for the variants that it lowers."""

    id: PromotionId
    starts: datetime
    ends: datetime
    fraction: Decimal | None
    lowered: dict[Sku, Decimal]
    skipped: tuple[SkippedPromotion, ...]

    def runs(self, moment: datetime) -> bool:
        return self.starts <= moment < self.ends


def plan_promotions(
    prices: Mapping[Sku, Decimal],
    promotions: Sequence[Promotion],
    article_of: Mapping[Sku, ArticleId],
    *,
    price_list: str,
    rate: Decimal,
    now: datetime,
    whole_product: bool = True,
) -> PromotionPlan:
    """What the *promotions* of *price_list* make of one product's *prices* (including tax at *rate* percent).

    Prices of 0 or below should not be there: such variants aren't for sale. *article_of* knows every sku of *prices*.
    *whole_product* False: the product has combinations that aren't ours, so every row names its variant.
    """
    offers = _offers(prices, promotions, article_of, price_list)
    rows = _merged(_cut(offers, prices, rate, whole_product))
    dues = {moment for offer in offers for moment in (offer.starts, offer.ends) if now < moment < _FOREVER}
    return PromotionPlan(
        rows=tuple(row for row in rows if row.ends is None or row.ends > now),
        running=frozenset(offer.id for offer in offers if offer.lowered and offer.runs(now)),
        next_due=min(dues, default=None),
        skipped=tuple(skip for offer in offers if offer.ends > now for skip in offer.skipped),
        lowered={offer.id: offer.lowered for offer in offers if offer.lowered and offer.ends > now},
    )


def _offers(
    prices: Mapping[Sku, Decimal], promotions: Sequence[Promotion], article_of: Mapping[Sku, ArticleId], price_list: str
) -> list[_Offer]:
    """What each promotion of the list that names a variant offers, in the order of their ids."""
    wanted = {article_of[sku] for sku in prices}
    offers = []
    for promotion in sorted(promotions, key=lambda promotion: promotion.id):
        if promotion.price_list is not None and promotion.price_list != price_list:
            continue
        articles, skus = wanted.intersection(promotion.articles), prices.keys() & set(promotion.skus)
        named = {sku: price for sku, price in prices.items() if sku in skus or article_of[sku] in articles}
        if named:
            offers.append(_offer(promotion, named))
    return offers


def _offer(promotion: Promotion, prices: Mapping[Sku, Decimal]) -> _Offer:
    """What *promotion* makes of *prices*, those of the variants that it names."""
    starts, ends = _utc(promotion.starts_at), _FOREVER if promotion.ends_at is None else _utc(promotion.ends_at)
    lowered, skipped, seen = {}, [], _seen_by_shop(starts, ends)
    for sku, price in sorted(prices.items()):
        before, after = to_cents(price), _promotional_price(promotion, price)
        change = f"{before} would become {after}"
        if not seen:
            why = "it contains no full minute, and the shop's clock has no seconds"
            skipped.append(SkippedPromotion(promotion.id, sku, SkipReason.WITHOUT_EFFECT, why))
        elif after <= 0:
            skipped.append(SkippedPromotion(promotion.id, sku, SkipReason.ZERO_PRICE, change))
        elif after >= before:
            skipped.append(SkippedPromotion(promotion.id, sku, SkipReason.WITHOUT_EFFECT, change))
        else:
            lowered[sku] = after
    fraction = to_stored(promotion.value / 100) if promotion.kind is PromotionKind.PERCENTAGE else None
    return _Offer(promotion.id, starts, ends, fraction, lowered, tuple(skipped))


def _promotional_price(promotion: Promotion, price: Decimal) -> Decimal:
    """*price* under the promotion, to the cent, as LCV's contract reckons it."""
    match promotion.kind:
        case PromotionKind.PERCENTAGE:
            return to_cents(price * (100 - promotion.value) / 100)
        case PromotionKind.AMOUNT:
            return to_cents(price - promotion.value)
        case PromotionKind.FIXED_PRICE:
            return to_cents(promotion.value)
        case _:
            assert_never(promotion.kind)


def _utc(moment: datetime) -> datetime:
    """*moment* in UTC and whole seconds. Many programs write "always" and "for ever" as the years 1 and 9999."""
    if moment.year < 1000:
        return _ALWAYS
    return _FOREVER if moment.year >= 9999 else moment.astimezone(UTC).replace(microsecond=0)


def _seen_by_shop(starts: datetime, ends: datetime) -> bool:
    """Whether [starts, ends) holds a full minute: the shop cuts its clock to the minute before it compares."""
    begun = starts.replace(second=0)
    return starts < ends and (begun == starts or begun + _MINUTE < ends)


def _cut(offers: Sequence[_Offer], prices: Mapping[Sku, Decimal], rate: Decimal, whole: bool) -> Iterator[PromotionRow]:
    """The rows segment by segment, a segment being the time from one start or end to the next."""
    effective = [offer for offer in offers if offer.lowered]
    moments = sorted({moment for offer in effective for moment in (offer.starts, offer.ends)})
    for starts, ends in pairwise(moments):
        if _seen_by_shop(starts, ends):
            running = [offer for offer in effective if offer.runs(starts)]
            for sku, reduction in _reductions(running, prices, rate, whole).items():
                start, end = None if starts == _ALWAYS else starts, None if ends == _FOREVER else ends
                yield PromotionRow(sku, start, end, reduction)


def _reductions(
    offers: Sequence[_Offer], prices: Mapping[Sku, Decimal], rate: Decimal, whole: bool
) -> dict[Sku | None, Reduction]:
    """What each variant (None: the product) is reduced by while exactly *offers* run."""
    lowest: dict[Sku, Decimal] = {}
    for offer in offers:
        for sku, price in offer.lowered.items():
            lowest[sku] = min(price, lowest.get(sku, price))
    fractions = sorted({offer.fraction for offer in offers if offer.fraction is not None})
    pairs = {sku: (to_cents(price), lowest[sku]) for sku, price in prices.items() if sku in lowest}
    if whole and len(pairs) == len(prices):
        common = _common_reduction(set(pairs.values()), fractions, rate)
        if common:
            return {None: common}
    own = ((sku, _common_reduction([pair], fractions, rate)) for sku, pair in pairs.items())
    return {sku: reduction for sku, reduction in own if reduction}


def _common_reduction(
    pairs: Collection[tuple[Decimal, Decimal]], fractions: Iterable[Decimal], rate: Decimal
) -> Reduction | None:
    """The one reduction that makes of each pair's first price its second, if any: one of *fractions* if it does."""
    for fraction in fractions:
        if all(_gives(before, after, fraction, rate) for before, after in pairs):
            return Reduction(ReductionKind.PERCENTAGE, fraction)
    amounts = {before - after for before, after in pairs}
    return Reduction(ReductionKind.AMOUNT, amounts.pop()) if len(amounts) == 1 else None


def _gives(before: Decimal, after: Decimal, fraction: Decimal, rate: Decimal) -> bool:
    """Whether the shop shows *after* for a price of *before* less *fraction*, surely."""
    exact = with_tax(without_tax(before, rate), rate) * (1 - fraction)
    return to_cents(exact - _MARGIN) == after == to_cents(exact + _MARGIN)


def _merged(rows: Iterable[PromotionRow]) -> list[PromotionRow]:
    """*rows*, given in order of time, with those that continue each other made one; by start, then sku."""
    merged: dict[Sku | None, list[PromotionRow]] = {}
    for row in rows:
        earlier = merged.setdefault(row.sku, [])
        if earlier and earlier[-1].ends == row.starts and earlier[-1].reduction == row.reduction:
            earlier[-1] = replace(earlier[-1], ends=row.ends)
        else:
            earlier.append(row)
    return sorted((row for rows in merged.values() for row in rows), key=_order)


def _order(row: PromotionRow) -> tuple[datetime, str, datetime]:
    return row.starts or _ALWAYS, row.sku or "", row.ends or _FOREVER


def shop_window(row: PromotionRow, zone: ZoneInfo) -> tuple[str, str]:
    """`from` and `to` of *row* by the shop's clock, both inclusive there, so `to` is a second before the end.

    `from` is never after `to`. Windows of rows that don't overlap don't either, and no two of them are the same.
    """
    start = _shop_clock(row.starts, zone) if row.starts else None
    end = _shop_clock(row.ends, zone) - _SECOND if row.ends else None
    if start and end:
        end = max(start, end)
    return str(start or NO_DATE), str(end or NO_DATE)


def promotion_window(promotion: Promotion, zone: ZoneInfo) -> tuple[str, str]:
    """`from` and `to` of a promotion by the shop's clock, as rows that cover all of it would have them."""
    starts, ends = _utc(promotion.starts_at), _FOREVER if promotion.ends_at is None else _utc(promotion.ends_at)
    start, end = None if starts == _ALWAYS else starts, None if ends == _FOREVER else ends
    return shop_window(PromotionRow(None, start, end, Reduction(ReductionKind.AMOUNT, Decimal(0))), zone)


def shop_time(moment: datetime, zone: ZoneInfo) -> str:
    """*moment* by the shop's clock, in the form of `from` and `to`."""
    return str(_shop_clock(moment.replace(microsecond=0), zone))


def end_of(ends: str, zone: ZoneInfo) -> datetime | None:
    """When a row that the shop has is over; None: never."""
    if ends == NO_DATE:
        return None
    return (datetime.fromisoformat(ends).replace(tzinfo=zone) + _SECOND).astimezone(UTC)


def _shop_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in *zone* shows at *moment*, but for one thing: it never goes back.

    The hour that comes twice in autumn passes here once, at half the speed. The shop, which compares local times, can't
    tell its two passes apart: in that hour a row may be early or late, whatever is written, but rows keep their order.
    """
    local = moment.astimezone(zone)
    repeated = _repeated(local)
    clock = local.replace(tzinfo=None, fold=0)
    if not repeated:
        return clock
    first = clock.replace(second=0)
    while _repeated((first - _MINUTE).replace(tzinfo=zone)):
        first -= _MINUTE
    passed = clock - first + (repeated if local.fold else timedelta())
    return (first + passed / 2).replace(microsecond=0)


def _repeated(local: datetime) -> timedelta:
    """By how much clocks go back when *local* comes twice; else 0."""
    offsets = [local.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1)]
    return max(offsets[0] - offsets[1], timedelta())
