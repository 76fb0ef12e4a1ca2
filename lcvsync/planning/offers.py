"""Prices and promotions of one product: what differs from what was last written, rises first and falls last.

What the shop shows equals LCV's price to the cent. The product carries the price of its default variant, combinations
the impact (design 3.3; webservice sheet, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import ArticleId, Sku
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Skipped, Step
from lcvsync.planning.known import BoundPromotion, Context
from lcvsync.planning.prices import DefaultCandidate, default_variant, impacts_from, price_parts, rises, same_price
from lcvsync.planning.promotions import PromotionPlan, PromotionRow, plan_promotions, shop_window
from lcvsync.planning.stock import quantities
from lcvsync.planning.subjects import Subject

TAX_UNKNOWN = "tax_unknown"
"""A reason that the shop gives: its settings may change without LCV's saying anything new."""


@dataclass(frozen=True)
class Pricing:
    """The prices excl. tax that make the shop show LCV's, and the tax rules group that they are reckoned with."""

    tax: int
    rate: Decimal
    base: Decimal
    impacts: dict[Sku, Decimal]
    default: Sku | None


def pricing(subject: Subject, context: Context) -> Pricing | Skipped | None:
    """What the product and its combinations should cost; None without any price, Skipped when the rate is unknown."""
    prices = subject.prices
    if not prices:
        return None
    tax = _tax_group(subject, context)
    rate = context.vat_rates.get(tax) if tax else Decimal(0)
    if rate is None:
        detail = f"tax rules group {tax} has no rate for the shop's country"
        return Skipped("product", subject.reference, TAX_UNKNOWN, detail, "lcvsync map set vat RATE GROUP")
    bound = subject.bound
    if bound and bound.base_fixed:
        base = Decimal(bound.written.get("price") or 0)
        return Pricing(tax, rate, base, dict(impacts_from(base, prices, rate)), bound.default_sku)
    default = _default(subject, prices, context.options.safety_stock)
    parts = price_parts(prices, default, rate)
    return Pricing(tax, rate, parts.base, dict(parts.impacts), default)


def old_rate(subject: Subject, target: Pricing, context: Context) -> Decimal:
    """The rate in percent of the tax rules group that was last written; where none was, the one to come."""
    tax = subject.bound.written.get("tax") if subject.bound else None
    return target.rate if tax is None else context.vat_rates.get(tax, Decimal(0))


def _tax_group(subject: Subject, context: Context) -> int:
    """LCV's VAT as mapped, unless the card isn't ours, its tax is sent once only, or it is others' price too."""
    bound, desired = subject.bound, subject.desired
    if desired and not (bound and bound.base_fixed) and (bound is None or "tax" not in context.options.sent_once):
        return int(desired.card["tax"])
    return int(bound.written.get("tax") or 0) if bound else 0


def _default(subject: Subject, prices: Mapping[Sku, Decimal], safety_stock: int) -> Sku:
    """The default variant; a combination that isn't there yet is none as long as one that is there is for sale."""
    stock = quantities(subject, safety_stock)
    there = [sku for sku in prices if (variant := subject.variant(sku)) and variant.combination]
    if any(subject.sellable(sku) for sku in there):
        prices = {sku: prices[sku] for sku in there}
    candidates = [DefaultCandidate(sku, subject.sellable(sku), stock[sku] > 0) for sku in prices]
    chosen = default_variant(candidates, subject.bound.default_sku if subject.bound else None)
    return chosen or candidates[0].sku


def price_changes(subject: Subject, target: Pricing, old_rate: Decimal) -> Iterator[Change]:
    """Price changes of a product that is in the shop already; rises in their lane before falls."""
    bound = subject.bound
    if bound is None:
        return
    written = bound.written.get("price")
    before = {"price": written, "tax": bound.written.get("tax"), "default": bound.default_sku}
    after: dict[str, Json] = {}
    if written is None or not same_price(Decimal(written), target.base):
        after["price"] = str(target.base)
    if bound.written.get("tax") != target.tax:
        after["tax"] = target.tax
    default = subject.variant(target.default) if target.default else None
    if default and default.combination and bound.default_sku != target.default:
        after["default"] = target.default
    if after:
        lane = base_lane(written, target.base, old_rate, target.rate)
        yield subject.change(
            Kind.PRICE,
            Action.UPDATE,
            lane,
            Step.PRICES,
            after=after,
            id=bound.id,
            before={name: before[name] for name in after},
        )
    bare = not any(variant.combination for variant in bound.variants.values())  # the first one made is the default
    if target.default and default is None and bound.default_sku != target.default and not (bound.simple or bare):
        yield subject.change(
            Kind.PRICE,
            Action.UPDATE,
            Lane.VARIANT_PROMOTIONS,
            Step.PROMOTIONS,
            after={"default": target.default},
            id=bound.id,
            before={"default": bound.default_sku},
            reason="its default combination is no longer for sale",
        )
    for sku, impact in target.impacts.items():
        variant = subject.variant(sku)
        if variant is None or not variant.combination:
            continue
        old = variant.written.get("price")
        if old is None or not same_price(Decimal(old), impact):
            yield subject.change(
                Kind.PRICE,
                Action.UPDATE,
                impact_lane(old, impact),
                Step.PRICES,
                sku=sku,
                id=variant.combination,
                before={"price": old},
                after={"price": str(impact)},
            )


def base_lane(before: str | None, base: Decimal, old_rate: Decimal, rate: Decimal) -> Lane:
    """A product's price goes with its rate when that changes: impacts that rise come before a falling rate,
    and impacts that fall come after a rising one, so that no combination is under its price in between."""
    if old_rate != rate:
        return Lane.PRICE_RISE if rate > old_rate else Lane.PRICE_FALL
    return impact_lane(before, base)


def impact_lane(before: str | None, after: Decimal) -> Lane:
    return Lane.PRICE_RISE if rises(Decimal(before) if before else None, after) else Lane.PRICE_FALL


def product_promotions(
    subject: Subject, target: Pricing | Skipped | None, web_price_list: str, now: datetime
) -> PromotionPlan | None:
    """The promotions of the product's variants for sale, cut in time; None when *target* says that it has no price."""
    if not isinstance(target, Pricing):
        return None
    prices = {sku: price for sku, price in subject.prices.items() if subject.sellable(sku)}
    articles = {sku: ArticleId(subject.facts.offers[sku].article) for sku in prices}
    whole = not (subject.bound and subject.bound.base_fixed)  # a row of the whole product reaches what isn't linked
    return plan_promotions(
        prices,
        subject.facts.promotions,
        articles,
        price_list=web_price_list,
        rate=target.rate,
        now=now,
        whole_product=whole,
    )


@dataclass(frozen=True)
class ShopRow:
    """A row of `specific_prices` as the shop stores it."""

    sku: Sku | None
    starts: str
    ends: str
    kind: str
    value: Decimal


def shop_rows(subject: Subject, rows: Iterable[PromotionRow], zone: ZoneInfo) -> list[ShopRow]:
    """Rows by the shop's clock."""
    return [_shop_row(subject, row, zone) for row in rows]


def promotion_changes(subject: Subject, rows: Iterable[ShopRow]) -> Iterable[Change]:
    """What to do with our specific prices: those that fit stay, others are changed in place where that can be."""
    wanted = list(rows)
    have = list(subject.bound.promotions) if subject.bound else []
    for row in [row for row in wanted if any(_same(row, old) for old in have)]:
        have.remove(next(old for old in have if _same(row, old)))
        wanted.remove(row)
    for row in list(wanted):
        old = next((old for old in have if _in_place(row, old)), None)
        if old is not None:
            have.remove(old)
            wanted.remove(row)
            yield _update(subject, old, row)
    for old in have:
        yield subject.change(
            Kind.PROMOTION,
            Action.DELETE,
            Lane.PRICE_RISE,
            Step.PROMOTIONS,
            id=old.id,
            sku=old.sku or "",
            before=_fields(old),
            after={},
        )
    for row in wanted:
        late = row.sku is not None and subject.variant(row.sku) is None
        lane = Lane.VARIANT_PROMOTIONS if late else Lane.PRICE_FALL
        yield subject.change(
            Kind.PROMOTION,
            Action.CREATE,
            lane,
            Step.PROMOTIONS,
            sku=row.sku or "",
            after=_fields(row),
        )


def _shop_row(subject: Subject, row: PromotionRow, zone: ZoneInfo) -> ShopRow:
    starts, ends = shop_window(row, zone)
    sku = None if (subject.desired and subject.desired.simple) or (subject.bound and subject.bound.simple) else row.sku
    return ShopRow(sku, starts, ends, str(row.reduction.kind), row.reduction.value)


def _in_place(row: ShopRow, old: BoundPromotion) -> bool:
    """Only its size or its end differs: any other change is the old row's end, first, and another's start, last."""
    if (row.sku, row.kind, row.starts) != (old.sku, old.kind, old.starts):
        return False
    return row.ends == old.ends or row.value == old.value


def _update(subject: Subject, old: BoundPromotion, row: ShopRow) -> Change:
    return subject.change(
        Kind.PROMOTION,
        Action.UPDATE,
        reduction_lane(old.value, row.value),
        Step.PROMOTIONS,
        id=old.id,
        sku=row.sku or "",
        before=_fields(old),
        after=_fields(row),
    )


def reduction_lane(before: Decimal, after: Decimal) -> Lane:
    """A larger reduction is a fall."""
    return Lane.PRICE_FALL if after > before else Lane.PRICE_RISE


def _fields(row: BoundPromotion | ShopRow) -> dict[str, Json]:
    return {"starts": row.starts, "ends": row.ends, "kind": row.kind, "value": str(row.value)}


def _same(row: ShopRow, old: BoundPromotion) -> bool:
    return (row.sku, row.starts, row.ends, row.kind, row.value) == (old.sku, old.starts, old.ends, old.kind, old.value)
