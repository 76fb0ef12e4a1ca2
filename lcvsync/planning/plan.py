"""The plan for one article: its products in the shop as they are known and as they should be, and what lies between.

Pure: no clock, network, database or environment; the runner gathers `Facts` and applies the `Change`s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import Article
from lcvsync.domain.mapping import Mapped, MappingKind
from lcvsync.planning.cards import DesiredProduct, desired_cards, stop_reason
from lcvsync.planning.changes import Change, Skipped
from lcvsync.planning.known import BoundProduct, Context, Facts, Origin
from lcvsync.planning.marks import marked
from lcvsync.planning.offers import (
    Pricing,
    old_rate,
    price_changes,
    pricing,
    product_promotions,
    promotion_changes,
    shop_rows,
)
from lcvsync.planning.photos import cover_change, photo_changes
from lcvsync.planning.products import (
    activation,
    card_changes,
    deactivation,
    promotion_category_change,
    value_changes,
    variant_changes,
    visibility_change,
)
from lcvsync.planning.promotions import PromotionPlan, end_of, shop_time
from lcvsync.planning.stock import quantities, stock_changes
from lcvsync.planning.subjects import Subject
from lcvsync.planning.undone import UNDONE, categories_left, rows_left, stays_undone, undone_skip


@dataclass(frozen=True)
class ArticlePlan:
    """What to do for an article, what is not done and why, and when time alone will ask for a new plan."""

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    next_due: datetime | None = None
    sale: str = ""
    """What is for sale of it, for articles that share its reference or an EAN: theirs depends on it."""
    subjects: tuple[Subject, ...] = ()
    """The products whose stock, prices and promotions it looks at; their cards where those are ours to write."""
    news: tuple[str, ...] = ()
    """Keys of products of whose prices or promotions LCV says something new since a person undid them."""


def plan_article(facts: Facts, context: Context, now: datetime, zone: ZoneInfo) -> ArticlePlan:
    """Everything that an article asks of the shop at *now*; *zone* is the shop's."""
    planner = _Planner(facts, context, now, zone)
    found = list(planner.run())
    changes = tuple(item for item in found if isinstance(item, Change))
    skipped = tuple(dict.fromkeys(item for item in found if isinstance(item, Skipped)))
    return ArticlePlan(
        changes, skipped, min(planner.due, default=None), planner.sale(), tuple(planner.subjects), tuple(planner.news)
    )


def product_of(desired: DesiredProduct, products: Iterable[BoundProduct]) -> BoundProduct | None:
    """The one of *products* with the key of *desired*, else the one in which a variant of it stands."""
    products = tuple(products)
    skus = {variant.sku for variant in desired.variants}
    by_key = (product for product in products if product.key == desired.key)
    by_sku = (product for product in products if skus & product.variants.keys())
    return next(by_key, None) or next(by_sku, None)


_Target = Pricing | Skipped | None
"""What `pricing` says of a product."""
_Part = Callable[[Subject, _Target], Iterable[Change | Skipped]]
"""What a planner does for one product."""


class _Planner:
    def __init__(self, facts: Facts, context: Context, now: datetime, zone: ZoneInfo) -> None:
        self._facts = facts
        self._context = context
        self._now = now
        self._zone = zone
        self._shop_time = shop_time(now, zone)
        self.due: list[datetime] = []
        self.subjects: list[Subject] = []
        self.news: list[str] = []

    def run(self) -> Iterator[Change | Skipped]:
        yield from self._sale_reports()
        left = {product.key: product for product in self._facts.products}
        settled = True
        if self._context.options.complete and self._for_sale():
            cards = desired_cards(self._facts, self._context)
            yield from cards.skipped
            settled = bool(cards.products)
            for desired in cards.products:
                yield from self._desired(desired, left, cards.products)
        for product in left.values():
            yield from self._undesired(product, frozen=self._for_sale() and not settled)

    def _for_sale(self) -> bool:
        """Active and published on the web store, with a price (design 3.3)."""
        return self._published() and any(
            self._facts.offers[v.sku].sellable for v in self._facts.article.variants if v.sku in self._facts.offers
        )

    def sale(self) -> str:
        """The variants for sale, and whether the mappings let the article in."""
        sold = [v.sku for v in self._facts.article.variants if (o := self._facts.offers.get(v.sku)) and o.sellable]
        return "|".join([*sorted(sold), "" if stop_reason(self._facts, self._context) else "mapped"])

    def _published(self) -> bool:
        article, store = self._facts.article, self._context.options.web_store.code
        return not self._facts.deleted and article.active and store in article.web_stores

    def _sale_reports(self) -> Iterator[Skipped]:
        """What keeps a published article, or one of its active variants, from being sold."""
        if not self._published():
            return
        for sku, other in self._facts.elsewhere.items():
            detail = f"article {other} has this sku too, and it is sold as that one's"
            yield Skipped("variant", sku, "sku_shared", detail, "give each variant its own sku in LCV")
        article, offers = self._facts.article, self._facts.offers
        active = [variant for variant in article.variants if variant.active]
        if not active:
            yield Skipped("article", article.reference, "no_active_variant", "no variant is active", "check it in LCV")
        for variant in active:
            offer = offers.get(variant.sku)
            if offer is None or offer.price is None or offer.price <= 0:
                price = "no price" if offer is None or offer.price is None else f"the price {offer.price}"
                yield Skipped(
                    "variant",
                    variant.sku,
                    "price_missing",
                    f"{price} in the web store's price list",
                    "set its price in LCV",
                )
        if not self._context.options.complete and not self._facts.products and self._for_sale():
            yield Skipped(
                "article",
                article.reference,
                "not_linked",
                "basic mode works on linked products only",
                f"lcvsync takeover scan; or by hand: lcvsync product link '{article.reference}' PRODUCT",
            )

    def _desired(
        self, desired: DesiredProduct, left: dict[str, BoundProduct], every: Sequence[DesiredProduct]
    ) -> Iterator[Change | Skipped]:
        """One of *every* product to be; what stands in the shop for it is no longer *left*."""
        bound = product_of(desired, self._facts.products)
        first = bound is not None and left.pop(bound.key, None) is not None
        shared = sum(product_of(each, self._facts.products) is bound for each in every) > 1
        if bound is None and (foreign := self._facts.foreign):
            reason = "ean_in_shop" if foreign.by_ean else "reference_in_shop"
            detail = f"product {foreign.place} of the shop has {foreign.bears} and isn't linked"
            cure = f"lcvsync product link '{self._facts.article.reference}' {foreign.product}"
            if foreign.never:
                detail = f"{detail}: {foreign.never}"
                cure = f"give product {foreign.product} another {'EAN' if foreign.by_ean else 'reference'} in the shop"
            yield Skipped("article", desired.reference, reason, detail, cure)
        elif bound is not None and bound.gone:
            if bound.article in self._context.recreate:
                yield from self._marked(self._subject(None, desired), self._product)
            else:
                yield Skipped(
                    "product",
                    desired.reference,
                    "deleted_in_shop",
                    "somebody deleted it in the shop",
                    f"lcvsync resync '{self._facts.article.reference}' --recreate",
                )
        elif bound is not None and (
            bound.locked or (bound.key != desired.key and (shared or bound.origin is Origin.MADE))
        ):
            if not bound.locked:
                yield _recut_needed(desired, bound, self._facts.article)
            owned = any(each.key == bound.key for each in every)
            if bound.key == desired.key or (first and not owned):  # several may stand in one product
                yield from self._undesired(bound, frozen=True)
        else:
            yield from self._marked(self._subject(bound, desired), self._product)

    def _subject(self, bound: BoundProduct | None, desired: DesiredProduct | None) -> Subject:
        key = desired.key if desired else bound.key if bound else ""
        reference = desired.reference if desired else ""
        if bound and not reference:
            reference = str(bound.written.get("reference") or self._facts.article.reference)
        recut = self._facts.article.id in self._context.recut
        return Subject(bound.key if bound else key, reference, self._facts, bound, desired, recut)

    def _undesired(self, product: BoundProduct, *, frozen: bool) -> Iterator[Change | Skipped]:
        """A product whose card we don't write now; *frozen*: its article is for sale, it is left as it is."""
        if not product.gone:
            yield from self._marked(self._subject(product, None), self._offers if frozen else self._withdrawn)

    def _marked(self, subject: Subject, plan: _Part) -> Iterator[Change | Skipped]:
        """What *plan* yields of a product, its changes with the guards that may hold them."""
        target = pricing(subject, self._context)
        found = list(plan(subject, target))
        yield from (item for item in found if isinstance(item, Skipped))
        changes = [item for item in found if isinstance(item, Change)]
        yield from marked(subject, target, changes, self._context, self._shop_time)

    def _withdrawn(self, subject: Subject, target: _Target) -> Iterator[Change | Skipped]:
        yield from deactivation(subject, self._context)
        yield from self._offers(subject, target)

    def _product(self, subject: Subject, target: _Target) -> Iterator[Change | Skipped]:
        desired, context = subject.desired, self._context
        if desired is None or not isinstance(target, Pricing):
            if isinstance(target, Skipped):
                yield target
                yield from stock_changes(subject, context.options.safety_stock)  # what is sold can't wait for a price
            return
        yield from value_changes(subject, desired, context)
        yield from card_changes(subject, desired, target, context)
        yield from photo_changes(subject, desired, context)
        yield from variant_changes(subject, desired, target, context)
        yield from cover_change(subject, desired, context)
        yield from self._offers(subject, target)
        yield from activation(subject, desired, context)

    def _offers(self, subject: Subject, target: _Target) -> Iterator[Change | Skipped]:
        """What is written in both modes, locked or not: stock, visibility, prices, promotions and their category."""
        self.subjects.append(subject)
        options = self._context.options
        yield from stock_changes(subject, options.safety_stock)
        in_stock = any(quantities(subject, options.safety_stock).values())
        yield from visibility_change(subject, in_stock, options.hide_out_of_stock)
        plan = product_promotions(subject, target, options.web_store.price_list, self._now)
        yield from self._told(plan)
        rows = shop_rows(subject, plan.rows if plan else (), self._zone)
        now = self._shop_time
        if isinstance(target, Pricing) and stays_undone(subject, target, rows, now):
            yield undone_skip(subject.reference)
            left = rows_left(subject, now)
            self.due += [end for row in left if (end := end_of(row.ends, self._zone))]
            yield from promotion_changes(subject, left)
            yield from promotion_category_change(subject, categories_left(subject, self._running(plan), now))
            return
        if subject.bound and subject.bound.written.get(UNDONE) and not isinstance(target, Skipped):
            self.news.append(subject.key)
        if isinstance(target, Skipped):
            yield target
        elif target is not None:
            yield from price_changes(subject, target, old_rate(subject, target, self._context))
        yield from promotion_changes(subject, rows)
        yield from promotion_category_change(subject, self._running(plan))

    def _told(self, plan: PromotionPlan | None) -> Iterator[Skipped]:
        """When promotions ask for a new plan, and which of them give a variant no price."""
        if plan is None:
            return
        if plan.next_due:
            self.due.append(plan.next_due)
        for skipped in plan.skipped:
            yield Skipped(
                "promotion",
                skipped.promotion,
                skipped.reason,
                f"{skipped.sku}: {skipped.detail}",
                "check the promotion in LCV",
            )

    def _running(self, plan: PromotionPlan | None) -> list[int]:
        """The categories of the promotions that run now."""
        names = {p.name for p in self._facts.promotions if plan and p.id in plan.running}
        categories: set[int] = set()
        for name in names:
            resolution = self._context.mappings.resolve(MappingKind.PROMOTION, name)
            categories.update(resolution.rule.ids if isinstance(resolution, Mapped) else ())
        return sorted(categories)


def _recut_needed(desired: DesiredProduct, bound: BoundProduct, article: Article) -> Skipped:
    """Its variants stand in a product that is cut otherwise: ours can be cut anew, one that a person linked stays."""
    if bound.origin is Origin.MADE:
        detail, cure = "the discriminating attributes changed", f"lcvsync resync '{article.reference}' --recut"
    else:
        detail = f"it would be a product of its own, and product {bound.id}, which is linked, has others' variants too"
        cure = f"lcvsync product lock '{bound.written.get('reference') or article.reference}'"
    return Skipped("product", desired.reference, "recut_needed", detail, cure)
