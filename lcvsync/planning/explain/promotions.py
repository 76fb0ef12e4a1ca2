"""What LCV's promotions do to an article: which lower its prices, when, and which of them the shop shows.

Any number may run in LCV, the shop applies the lowest only (`planning/promotions.py`), so that one may be hidden by
another at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import Promotion, PromotionId, Sku
from lcvsync.domain.money import to_cents
from lcvsync.planning.changes import Kind
from lcvsync.planning.explain.codes import promotion_code
from lcvsync.planning.explain.model import (
    Beaten,
    Effect,
    Explanation,
    Product,
    PromotionPart,
    PromotionTold,
    Row,
    Sights,
)
from lcvsync.planning.explain.verdict import article_verdict
from lcvsync.planning.known import BoundPromotion, Context, Facts
from lcvsync.planning.offers import ShopRow, pricing, product_promotions, shop_rows
from lcvsync.planning.promotions import NO_DATE, PromotionPlan
from lcvsync.planning.subjects import Subject

ARTICLES_REASONS = ("not for sale", "not in the shop")
"""Why a part has no price that isn't the promotion's own doing."""

Lowered = Mapping[PromotionId, Mapping[Sku, Decimal]]


def promotion_plans(subjects: Iterable[Subject], context: Context, now: datetime) -> dict[str, PromotionPlan]:
    """The promotions of each product that has a price, by its key."""
    price_list = context.options.web_store.price_list
    plans = ((each.key, product_promotions(each, pricing(each, context), price_list, now)) for each in subjects)
    return {key: plan for key, plan in plans if plan is not None}


def rows_of(subject: Subject, plan: PromotionPlan | None, now: datetime, zone: ZoneInfo) -> tuple[Row, ...]:
    """The specific prices that a product should have, by the shop's clock, and which of ours says so already."""
    if plan is None:
        return ()
    found = []
    for row, stored in zip(plan.rows, shop_rows(subject, plan.rows, zone), strict=True):
        in_force = (row.starts is None or row.starts <= now) and (row.ends is None or now < row.ends)
        written = _row_written(stored, subject.bound.promotions if subject.bound else ())
        found.append(Row(stored.sku or "", stored.starts, stored.ends, stored.kind, stored.value, in_force, written))
    return tuple(found)


def _row_written(wanted: ShopRow, ours: Iterable[BoundPromotion]) -> int:
    """The id of the row of ours that says what is wanted; 0: there is none."""
    meaning = (wanted.sku, wanted.starts, wanted.ends, wanted.kind, wanted.value)
    return next((row.id for row in ours if (row.sku, row.starts, row.ends, row.kind, row.value) == meaning), 0)


def promotions_told(
    facts: Facts, plans: Mapping[str, PromotionPlan], context: Context, now: datetime
) -> tuple[PromotionTold, ...]:
    """Each promotion that names the article or one of its variants; those that are over too."""
    lowered: dict[PromotionId, dict[Sku, Decimal]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for plan in plans.values():
        for identifier, prices in plan.lowered.items():
            lowered.setdefault(identifier, {}).update(prices)
        reasons |= {(each.promotion, each.sku): f"{each.reason}: {each.detail}" for each in plan.skipped}
    ordered = sorted(facts.promotions, key=lambda each: (each.starts_at, each.id))
    return tuple(_told(each, facts, lowered, reasons, context, now) for each in ordered)


def _told(
    promotion: Promotion,
    facts: Facts,
    lowered: Lowered,
    reasons: Mapping[tuple[str, str], str],
    context: Context,
    now: datetime,
) -> PromotionTold:
    state = promotion_state(promotion, context.options.web_store.price_list, now)
    parts = tuple(_part(promotion, sku, facts, lowered, reasons, state, now) for sku in _named(promotion, facts))
    return PromotionTold(
        promotion.id,
        promotion.name,
        promotion.kind.value,
        promotion.value,
        promotion.starts_at,
        promotion.ends_at,
        promotion.price_list,
        state,
        promotion_code(promotion.name, context),
        parts,
    )


def promotion_state(promotion: Promotion, price_list: str, now: datetime) -> str:
    """running, planned, over, or other price list."""
    if promotion.price_list not in (None, price_list):
        return "other price list"
    if promotion.ends_at is not None and promotion.ends_at <= now:
        return "over"
    return "running" if promotion.starts_at <= now else "planned"


def _named(promotion: Promotion, facts: Facts) -> Iterator[Sku]:
    for sku, offer in facts.offers.items():
        if sku in promotion.skus or offer.article in promotion.articles:
            yield sku


def _part(
    promotion: Promotion,
    sku: Sku,
    facts: Facts,
    lowered: Lowered,
    reasons: Mapping[tuple[str, str], str],
    state: str,
    now: datetime,
) -> PromotionPart:
    offer = facts.offers[sku]
    before = to_cents(offer.price) if offer.price else None
    price = lowered.get(promotion.id, {}).get(sku) if state in {"running", "planned"} else None
    why = ""
    if price is None:
        why = state if state in {"over", "other price list"} else reasons.get((promotion.id, sku), "")
        why = why or ARTICLES_REASONS[offer.sellable]
    beaten = _beaten(promotion, sku, price, facts.promotions, lowered, now) if price is not None else ()
    return PromotionPart(sku, before, price, why, beaten)


def _beaten(
    promotion: Promotion, sku: Sku, price: Decimal, others: Sequence[Promotion], lowered: Lowered, now: datetime
) -> tuple[Beaten, ...]:
    """Those that give a lower price in what is left of its window."""
    found = []
    for other in others:
        lower = lowered.get(other.id, {}).get(sku)
        if lower is None or lower >= price:
            continue
        starts = max(promotion.starts_at, other.starts_at, now)
        ends = min((end for end in (promotion.ends_at, other.ends_at) if end is not None), default=None)
        if ends is None or starts < ends:
            found.append(Beaten(other.id, lower, starts, ends))
    return tuple(found)


def effect_of(identifier: str, told: Explanation, window: tuple[str, str], seen: Sights, now: datetime) -> Effect:
    """What the promotion *identifier*, whose *window* is by the shop's clock, does to an explained article."""
    mine = next(each for each in told.promotions if each.id == identifier)
    there = {variant.sku for variant in told.variants if variant.in_shop}
    sold = [part for part in mine.parts if part.price is not None and part.sku in there]
    made = [product for product in told.products if product.id]
    skus = {part.sku for part in sold}
    rows = tuple(
        row
        for product in made
        for row in product.rows
        if (row.sku in skus or (not row.sku and skus & set(product.skus))) and _overlaps(row, window)
    )
    outcome, why, cure = _outcome(mine, told, sold, rows, _lacking(made, rows, seen), now)
    ids = tuple(product.id for product in made)
    return Effect(told.article, told.reference, ids, outcome, why, cure, mine.parts, rows)


def _outcome(
    mine: PromotionTold,
    told: Explanation,
    sold: Sequence[PromotionPart],
    rows: Sequence[Row],
    lacking: Sequence[int],
    now: datetime,
) -> tuple[str, str, str]:
    """(outcome, why not, cure)."""
    if mine.state in {"over", "other price list"}:
        return mine.state, "", ""
    if not sold:
        return _without_effect(mine, told)
    if any(not row.id for row in rows):
        return _unwritten(told)
    if lacking:
        return "missing", f"the shop has no specific price {', '.join(map(str, lacking))} any more", "lcvsync resync"
    beaten = [next((each for each in part.beaten if _throughout(each, mine, now)), None) for part in sold]
    if all(beaten):
        others = sorted({each.promotion for each in beaten if each})
        return "hidden", f"lower at the same time: {', '.join(others)}", ""
    return "reduced", "", ""


def _unwritten(told: Explanation) -> tuple[str, str, str]:
    if any(change.kind == Kind.PROMOTION for change in told.planned):
        return "waiting", "its specific prices are written by the next run", "lcvsync sync"
    return "kept back", "no run would write its specific prices now", ""


def _without_effect(mine: PromotionTold, told: Explanation) -> tuple[str, str, str]:
    """It lowers no variant that is in the shop: for its own reason, or for the article's."""
    own = [part.why_not for part in mine.parts if part.why_not not in {"", *ARTICLES_REASONS}]
    if own and len(own) == len(mine.parts):
        return "without effect", "; ".join(dict.fromkeys(own)), "check the promotion in LCV"
    verdict = article_verdict(told)
    return "left out", verdict.text, next(iter(verdict.cures), "")


def _throughout(beaten: Beaten, mine: PromotionTold, now: datetime) -> bool:
    """Whether the lower one lasts as long as what is left of this one."""
    return beaten.starts <= max(mine.starts, now) and beaten.ends == mine.ends


def _lacking(made: Sequence[Product], rows: Sequence[Row], seen: Sights) -> list[int]:
    """Rows of ours that the shop, where it was looked at, hasn't got any more."""
    looked = [seen[product.key] for product in made if product.key in seen]
    there = {price.id for each in looked if each for price in each.prices}
    return [row.id for row in rows if row.id and row.id not in there] if looked else []


def _overlaps(row: Row, window: tuple[str, str]) -> bool:
    starts, ends = window
    return (NO_DATE in (row.ends, starts) or row.ends >= starts) and (ends == NO_DATE or row.starts <= ends)
