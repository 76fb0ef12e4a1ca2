"""Making a run's plan, article by article in slices, and spooling it into the state so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from lcvsync.domain.mapping import MappingKind, Unmapped
from lcvsync.domain.texts import fold
from lcvsync.planning.cards import desired_cards
from lcvsync.planning.changes import Change, GuardKind, Kind, Lane, Skipped
from lcvsync.planning.guards import left_of
from lcvsync.planning.known import Context, Origin
from lcvsync.planning.offers import TAX_UNKNOWN
from lcvsync.planning.plan import ArticlePlan, plan_article
from lcvsync.planning.undone import UNDONE
from lcvsync.ports import Reporter, Shop
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.facts import FactsReader
from lcvsync.runner.foreign import ForeignPlaces
from lcvsync.runner.report import Report
from lcvsync.runner.shop_settings import HOUR
from lcvsync.runner.stopping import Stopper
from lcvsync.runner.sweep import compare_with_shop
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderBook
from lcvsync.state.store import Store

SLICE = 100
"""Articles planned at a time, and products finished at a time."""
COMPARE = "resync.compare"
NOT_IN_RESYNC = (Kind.STOCK, Kind.PROMOTION)


@dataclass(frozen=True)
class Selection:
    """What a run is limited to: the cards of some articles (`resync REFERENCE...`), and what may be done to them."""

    articles: tuple[str, ...]
    recut: bool = False
    recreate: bool = False
    whole: bool = False
    """Their stock and promotions too, as in an ordinary run (`apply`)."""


Narrow = Callable[[str, list[Change], bool], list[Change]]
"""(an article, quantities of it that were planned anew, whether they are written after everything else) → those kept"""


def _everything(_article: str, stock: list[Change], _sold: bool) -> list[Change]:
    return stock


class Planner:
    """Plans one run. `planned`: its articles and when each is next due; `sale_changed`: those that sell otherwise."""

    def __init__(
        self,
        shop: Shop,
        store: Store,
        audit: AuditLog,
        reporter: Reporter,
        report: Report,
        stopper: Stopper,
        now: datetime,
        *,
        quiet: bool = False,
    ) -> None:
        """*quiet*: what is skipped was said already."""
        self._shop = shop
        self._store = store
        self._audit = audit
        self._reporter = reporter
        self._report = report
        self._stopper = stopper
        self._now = now
        self._quiet = quiet
        self.mirror = Mirror(store)
        self.bindings = Bindings(store)
        self.journal = Journal(store)
        self.mappings = MappingTable(store)
        self.planned: dict[str, datetime | None] = {}
        self.sale_changed: list[str] = []
        self._owners: dict[str, str] = {}
        self._foreign = ForeignPlaces(shop, store)
        self._values: set[tuple[str, int, str]] = set()
        self._number = 0
        self._slice = 0
        self._compare = False
        self._asked: tuple[Context, ZoneInfo] | None = None
        self.cut_off = False
        """Not everything that is dirty was planned."""
        self.narrow: Narrow = _everything
        """What `plan_stock` may plan."""
        self._held: frozenset[GuardKind] = frozenset()
        self.held_articles: set[str] = set()
        """Articles of which a guard holds something: the next run plans them anew."""

    def plan(self, context: Context, zone: ZoneInfo, selection: Selection | None) -> None:
        """Plan what is dirty, or the articles of *selection*, and spool it.

        Where that alone takes half of the run's time, what is planned by then is applied, and the rest waits for the
        next run: otherwise a run that must read much would never come to write.
        """
        self._asked = context, zone
        reader = self._reader(context)
        self._compare = bool(selection or self._store.get(COMPARE))
        with self._store.transaction():
            self.journal.clear_plan()
        self._reporter.step("Planning")
        if selection:
            if selection.recut:
                self._rename_products(reader, selection.articles, context)
            for start in range(0, len(selection.articles), SLICE):
                self._stopper.check()
                self._plan_slice(reader, selection.articles[start : start + SLICE], context, zone, selection)
            return
        after = ""
        while articles := self.mirror.dirty(after, SLICE):
            self._stopper.check()
            self._plan_slice(reader, articles, context, zone, None)
            after = articles[-1]
            self._reporter.advance(len(articles))
            if self._stopper.half_spent():
                self.cut_off = bool(self.mirror.dirty(after, 1))
                break
        self._note_unmapped_categories(context)

    def hold(self, kinds: frozenset[GuardKind], *, instead: bool = True) -> None:
        """Take what some guards hold out of the plan; quantities that are planned later in the run stay held too.

        *instead*: what is written while they are held is put in.
        """
        self._held = kinds
        if kinds:
            with self._store.transaction():
                self.held_articles |= self.journal.hold(kinds, instead=instead)

    def plan_stock(self, articles: Sequence[str], *, sold: bool) -> None:
        """Plan anew the quantities alone of some articles of which something was sold since.

        *sold*: their plan is carried out already, so that these are written after everything else.
        """
        if self._asked is None:
            return
        context, zone = self._asked
        plans = self._plans(self._reader(context), articles, context, zone)
        with self._store.transaction():
            for article, plan in plans.items():
                stock = [each for each in plan.changes if each.kind is Kind.STOCK and each.lane is not Lane.CREATION]
                if any(not self._held.isdisjoint(each.guards) for each in stock):
                    self.held_articles.add(article)
                stock = self.narrow(article, list(left_of(stock, self._held)), sold)
                self.journal.drop_stock(article)
                changes = [replace(each, lane=Lane.STOCK_SOLD) for each in stock] if sold else stock
                self._number = self.journal.plan(self._own(article, tuple(changes), None), self._number, self._slice)

    def _reader(self, context: Context) -> FactsReader:
        return FactsReader(self.mirror, self.bindings, context, OrderBook(self._store).pending())

    def _plan_slice(
        self,
        reader: FactsReader,
        articles: Sequence[str],
        context: Context,
        zone: ZoneInfo,
        selection: Selection | None,
    ) -> None:
        if self._compare:
            compare_with_shop(self._shop, self.bindings, self._store, articles)
        plans = self._plans(reader, articles, context, zone)
        sale_changed = []
        with self._store.transaction():
            for article, plan in plans.items():
                changes = self._own(article, plan.changes, selection)
                self._number = self.journal.plan(changes, self._number, self._slice)
                self._note_skipped(article, plan.skipped)
                for product in plan.news:
                    self.bindings.wrote_product(product, {UNDONE: None})
                if self.mirror.note_sale(article, plan.sale):
                    sale_changed.append(article)
        self.planned |= {article: self._due(plan) for article, plan in plans.items()}  # now that it can't be undone
        self.sale_changed += sale_changed
        self._slice += 1

    def _note_unmapped_categories(self, context: Context) -> None:
        """A dynamic category without mapping adds nothing to its articles; it is said once, not for each of them."""
        if not context.options.complete:
            return
        unmapped = tuple(
            Skipped(
                "category",
                row.code,
                "category_unmapped",
                f"{row.label or row.code}: no category comes from it; articles that have it: {row.articles}",
                f"lcvsync map set category '{row.code}' CATEGORY",
            )
            for row in self.mappings.rows(MappingKind.CATEGORY)
            if row.articles and isinstance(context.mappings.resolve(MappingKind.CATEGORY, row.code), Unmapped)
        )
        with self._store.transaction():
            self._note_skipped("mapping:category", unmapped)

    def _plans(
        self, reader: FactsReader, articles: Sequence[str], context: Context, zone: ZoneInfo
    ) -> dict[str, ArticlePlan]:
        facts = {article: found for article in articles if (found := reader.read(article))}
        plans = {article: plan_article(found, context, self._now, zone) for article, found in facts.items()}
        for article, foreign in self._foreign.of({key: plan.changes for key, plan in plans.items()}).items():
            plans[article] = plan_article(replace(facts[article], foreign=foreign), context, self._now, zone)
        return plans

    def _rename_products(self, reader: FactsReader, articles: Sequence[str], context: Context) -> None:
        """`--recut`: products made under other discriminating attributes are taken over by the first that fits."""
        for facts in filter(None, map(reader.read, articles)):
            free = {product.key: product for product in facts.products if product.origin is Origin.MADE}
            wanted = [desired for desired in desired_cards(facts, context).products if not free.pop(desired.key, None)]
            for desired in wanted:
                skus = {variant.sku for variant in desired.variants}
                fits = next((key for key, product in free.items() if skus & product.variants.keys()), None)
                if fits:
                    del free[fits]
                    with self._store.transaction():
                        self.bindings.rename_product(fits, desired.key)

    def _own(self, article: str, changes: tuple[Change, ...], selection: Selection | None) -> list[Change]:
        """An article's changes less what another article of this run has planned already: values, shared products."""
        kept = []
        for change in changes:
            if change.kind is Kind.VALUE:
                value = (change.after["kind"], change.after["group"], fold(change.after["name"]))
                if value in self._values:
                    continue
                self._values.add(value)
            elif self._owners.setdefault(change.product, article) != article:
                continue
            if selection is None or selection.whole or change.kind not in NOT_IN_RESYNC or change.lane is Lane.CREATION:
                kept.append(change)
        return kept

    def _due(self, plan: ArticlePlan) -> datetime | None:
        """When an article is planned again by itself: hourly, as settings are read, where those of the shop stop it."""
        stopped = any(item.reason == TAX_UNKNOWN for item in plan.skipped)
        return min(filter(None, (plan.next_due, self._now + HOUR))) if stopped else plan.next_due

    def _note_skipped(self, article: str, skipped: tuple[Skipped, ...]) -> None:
        if self._quiet:
            return
        self.journal.set_skipped(article, skipped, self._now)
        self._report.skipped += skipped
        for item in skipped:
            self._audit.skip(item)
