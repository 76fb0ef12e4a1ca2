"""An article from end to end: what LCV says, which mappings answer, what the plan makes of it, what the shop has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import Sku
from lcvsync.domain.catalogue import Variant as LcvVariant
from lcvsync.planning import fates
from lcvsync.planning.availability import PlacedVariant, variant_names
from lcvsync.planning.cards import Cards, DesiredProduct, desired_cards
from lcvsync.planning.changes import Kind
from lcvsync.planning.explain.codes import article_codes
from lcvsync.planning.explain.fields import Facets, Outlook, fields_of, next_of_variant
from lcvsync.planning.explain.model import (
    Explanation,
    Planned,
    Product,
    Reason,
    Seen,
    Sights,
    Standing,
    StoreStock,
    Variant,
)
from lcvsync.planning.explain.promotions import promotion_plans, promotions_told, rows_of
from lcvsync.planning.known import BoundProduct, Context, Facts
from lcvsync.planning.offers import Pricing, pricing
from lcvsync.planning.plan import ArticlePlan, plan_article, product_of
from lcvsync.planning.stock import quantity_for_sale
from lcvsync.planning.subjects import Subject

Levels = Mapping[tuple[Sku, str], int]
"""(sku, LCV's store) → quantity."""


@dataclass(frozen=True, slots=True)
class Sale:
    """Whether LCV sells an article on the web store; *why_not* with what cures it in LCV."""

    for_sale: bool
    why_not: str = ""
    cure: str = ""


def sale_of(facts: Facts, context: Context) -> Sale:
    """Active and published on the web store, with a variant that has a price (design 3.3)."""
    article, store = facts.article, context.options.web_store
    if facts.deleted:
        return Sale(False, "LCV deleted it")
    if not article.active:
        return Sale(False, "it is inactive in LCV", "activate it in LCV")
    if store.code not in article.web_stores:
        others = f"only on {', '.join(article.web_stores)}" if article.web_stores else "on no web store"
        return Sale(False, f"it isn't published on web store {store.code}, {others}", "publish it in LCV")
    if any(_sellable(facts, variant.sku) for variant in article.variants):
        return Sale(True)
    if not any(variant.active for variant in article.variants):
        return Sale(False, "no variant of it is active", "check it in LCV")
    return Sale(False, f"no variant of it has a price in price list {store.price_list}", "set its price in LCV")


def _sellable(facts: Facts, sku: Sku) -> bool:
    offer = facts.offers.get(sku)
    return bool(offer and offer.sellable)


def explain_article(
    facts: Facts,
    context: Context,
    now: datetime,
    zone: ZoneInfo,
    *,
    levels: Levels | None = None,
    seen: Sights | None = None,
    standing: Standing | None = None,
) -> Explanation:
    """Everything about an article, at *now*; *context* is what a run of now plans with, *zone* the shop's."""
    return _Explainer(facts, context, now, zone, levels or {}, seen or {}, standing or Standing()).explain()


@dataclass(frozen=True)
class _Part:
    """One product: as the plan sees it, and as it would be if nothing stopped it."""

    subject: Subject
    wanted: DesiredProduct | None
    planned: bool
    """The plan looks at it."""


class _Explainer:
    def __init__(
        self,
        facts: Facts,
        context: Context,
        now: datetime,
        zone: ZoneInfo,
        levels: Levels,
        seen: Sights,
        standing: Standing,
    ) -> None:
        self._facts = facts
        self._context = context
        self._now = now
        self._zone = zone
        self._levels = levels
        self._seen = seen
        self._standing = standing
        self._sale = sale_of(facts, context)
        self._plan: ArticlePlan = plan_article(facts, context, now, zone)
        self._cards: Cards = desired_cards(facts, context)
        self._parts = self._find_parts()
        self._promotions = promotion_plans((part.subject for part in self._parts), context, now)

    def explain(self) -> Explanation:
        article = self._facts.article
        facets = [self._facets(part) for part in self._parts]
        return Explanation(
            article=article.id,
            reference=article.reference,
            name=article.name,
            deleted=self._facts.deleted,
            active=article.active,
            web_stores=article.web_stores,
            for_sale=self._sale.for_sale,
            why_not=self._sale.why_not,
            why_not_cure=self._sale.cure,
            mode=self._mode(),
            codes=article_codes(article, self._context),
            variants=tuple(self._variants(facets)),
            promotions=promotions_told(self._facts, self._promotions, self._context, self._now),
            products=tuple(self._product(each) for each in facets),
            planned=tuple(map(Planned.of, self._plan.changes)),
            skipped=self._skipped(),
            failed=self._standing.failed,
            dirty=self._standing.dirty,
            next_due=self._standing.next_due,
        )

    def _mode(self) -> str:
        if self._standing.waits_for_mode:
            return "complete, once `lcvsync sync --accept-mode` said so; basic until then"
        return "complete" if self._context.options.complete else "basic"

    # -- products ----------------------------------------------------------------------------------------------------

    def _find_parts(self) -> list[_Part]:
        left = {product.key: product for product in self._facts.products}
        planned = {subject.key: subject for subject in self._plan.subjects}
        parts = []
        for wanted in self._cards.products:
            bound = product_of(wanted, left.values())
            if bound is not None:
                del left[bound.key]
            parts.append(self._part(bound, wanted, planned))
        return parts + [self._part(bound, None, planned) for bound in left.values()]

    def _part(self, bound: BoundProduct | None, wanted: DesiredProduct | None, planned: Mapping[str, Subject]) -> _Part:
        key = bound.key if bound else wanted.key if wanted else ""
        subject = planned.get(key)
        if subject is not None:
            return _Part(subject, wanted, True)
        reference = wanted.reference if wanted else str((bound.written if bound else {}).get("reference") or "")
        without = wanted if bound is None else None
        return _Part(Subject(key, reference, self._facts, bound, without), wanted, False)

    def _facets(self, part: _Part) -> Facets:
        subject = part.subject
        changes = tuple(c for c in self._plan.changes if c.product == subject.key and c.kind is not Kind.VALUE)
        price = pricing(subject, self._context)
        policies = dict.fromkeys(self._context.options.sent_once, "create")
        return Facets(
            subject,
            part.wanted.card if part.wanted else None,
            tuple(photo.id for photo in part.wanted.photos) if part.wanted else (),
            len(part.wanted.variants) if part.wanted and not part.wanted.simple else None,
            price if isinstance(price, Pricing) else None,
            changes,
            self._seen.get(subject.key),
            policies,
            self._outlook(part, None if price is None or isinstance(price, Pricing) else price.reason),
        )

    def _outlook(self, part: _Part, unpriced: str | None) -> Outlook:
        gone = bool(part.subject.bound and part.subject.bound.gone)
        card = "waits: deleted_in_shop" if gone else self._card_kept(part)
        offers = card if part.subject.bound is None or gone else f"waits: {unpriced}" if unpriced else ""
        retry = self._standing.retry_at
        waits = retry is not None and retry > self._now and not self._standing.dirty
        return Outlook(card, offers, "waits: its last attempt failed" if waits else "")

    def _card_kept(self, part: _Part) -> str:
        """Why the card isn't written; "": it is."""
        bound = part.subject.bound
        complete = self._context.options.complete
        kept = fates.card_kept(locked=bool(bound and bound.locked), complete=complete)
        if kept == fates.BASIC and self._standing.waits_for_mode:
            return "waits: lcvsync sync --accept-mode"
        if kept:
            return kept if bound else "waits: not_linked"
        if part.planned and part.subject.desired:
            return ""
        if not self._sale.for_sale:
            return "kept: not for sale"
        reasons = [each.reason for each in self._plan.skipped if each.kind != "variant"]
        return f"waits: {reasons[0]}" if reasons else "kept: none of its variants is for sale"

    def _product(self, facets: Facets) -> Product:
        subject, bound = facets.subject, facets.bound
        seen = self._seen.get(subject.key)
        price = facets.price
        return Product(
            key=subject.key,
            id=bound.id if bound else 0,
            reference=subject.reference,
            origin=bound.origin.value if bound else "",
            state=_state(bound, seen, looked=subject.key in self._seen),
            locked=bool(bound and bound.locked),
            seen=seen is not None,
            skus=subject.skus,
            tax=price.tax if price else 0,
            rate=price.rate if price else None,
            base=price.base if price else None,
            default_sku=(price.default if price else None) or "",
            fields=fields_of(facets, self._context),
            rows=rows_of(subject, self._promotions.get(subject.key), self._now, self._zone),
            foreign=tuple(row for row in seen.prices if not row.ours) if seen else (),
            planned=tuple(map(Planned.of, facets.changes)),
        )

    # -- variants ----------------------------------------------------------------------------------------------------

    def _variants(self, facets: Sequence[Facets]) -> list[Variant]:
        article = self._facts.article
        homes = {sku: each for each in reversed(facets) for sku in each.subject.skus}
        placed = [PlacedVariant(0, article, variant) for variant in article.variants]
        names = dict(zip((v.sku for v in article.variants), variant_names(placed, self._context.tables), strict=True))
        known = {variant.sku: variant for variant in article.variants}
        order = dict.fromkeys([*(sku for each in facets for sku in each.subject.skus), *known])
        return [self._variant(sku, known.get(sku), names.get(sku, ""), homes.get(sku)) for sku in order]

    def _variant(self, sku: Sku, variant: LcvVariant | None, name: str, home: Facets | None) -> Variant:
        offer, safety = self._facts.offers.get(sku), self._context.options.safety_stock
        quantity = quantity_for_sale(offer, safety)
        price = home.price if home else None
        impact = price.impacts.get(sku) if price else None
        bound = home.bound.variants.get(sku) if home and home.bound else None
        seen = home.seen.variants.get(sku) if home and home.seen else None
        return Variant(
            sku=sku,
            ean=variant.ean if variant else None,
            name=name,
            for_sale=bool(offer and offer.sellable),
            why_not=self._unsold(sku, variant),
            stock=self._stock(sku),
            pending=offer.pending if offer else 0,
            safety_stock=safety,
            quantity=quantity,
            price=offer.price if offer else None,
            price_excl_tax=price.base + impact if price and impact is not None else None,
            impact=impact,
            product=home.subject.key if home else "",
            combination=bound.combination if bound else 0,
            in_shop=bound is not None and not (home and home.bound and home.bound.gone),
            written=bound.written if bound else {},
            shop=seen,
            next=next_of_variant(sku, home, quantity, impact) if home else self._nowhere(),
        )

    def _unsold(self, sku: Sku, variant: LcvVariant | None) -> str:
        """Why LCV doesn't sell a variant; "" when it does."""
        offer = self._facts.offers.get(sku)
        if offer and offer.sellable:
            return ""
        if variant is None:
            other = offer.article if offer else ""
            return f"it is one of article {other}" if other else "LCV hasn't got it any more"
        if not variant.active:
            return "it is inactive in LCV"
        if offer is None or not offer.price:
            return f"it has no price in price list {self._context.options.web_store.price_list}"
        return self._sale.why_not

    def _nowhere(self) -> str:
        """What becomes of a variant that no product has."""
        if not self._sale.for_sale:
            return "not made: not for sale"
        reasons = [each.reason for each in self._plan.skipped if each.kind != "variant"]
        return f"waits: {reasons[0]}" if reasons else "not made: not for sale"

    def _stock(self, sku: Sku) -> tuple[StoreStock, ...]:
        """Every store of the web store, and others that have some."""
        counted = self._context.options.web_store.stock_stores
        names = {store.code: store.name for store in self._context.tables.stores}
        others = sorted(s for (owner, s), n in self._levels.items() if owner == sku and n and s not in counted)
        return tuple(
            StoreStock(store, names.get(store, ""), self._levels.get((sku, store), 0), store in counted)
            for store in (*counted, *others)
        )

    # -- what is not done --------------------------------------------------------------------------------------------

    def _skipped(self) -> tuple[Reason, ...]:
        """What a run of this moment skips, since when; then what the last runs found out while they applied."""
        since = {(each.kind, each.key, each.reason): each.since for each in self._standing.skipped}
        found = [
            Reason.of(each, since.pop((each.kind, each.key, each.reason), ""), now=True) for each in self._plan.skipped
        ]
        rest = [each for each in self._standing.skipped if (each.kind, each.key, each.reason) in since]
        return (*found, *rest)


def _state(bound: BoundProduct | None, seen: Seen | None, *, looked: bool) -> str:
    """A product in a few words; what the shop says of it now counts before what is remembered."""
    if bound is None:
        return "not made"
    if bound.gone or (looked and seen is None):
        return "deleted in the shop"
    if not bound.ready:
        return "unfinished"
    if bound.off:
        return "switched off"
    if bound.switched_off or (seen and seen.card.get("active") is False):
        return "switched off by a person"
    return "hidden" if bound.hidden else "on"
