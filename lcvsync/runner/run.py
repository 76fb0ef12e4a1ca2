"""One run of `sync`: observe LCV, plan, apply by risk, record, report (design, section 2).

The plan is made article by article in slices and spooled into the state, so that memory stays flat; it is never
carried over to another run: what a stopped run left is planned anew from what was bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lcvsync.domain.mapping import MappingKind, Unmapped
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError
from lcvsync.planning.cards import desired_cards
from lcvsync.planning.changes import Action, Change, Kind, Lane, Skipped
from lcvsync.planning.known import Context, Origin
from lcvsync.planning.plan import ArticlePlan, plan_article
from lcvsync.ports import BackOffice, Clock, Reporter, Resource, Shop, ShopSettings
from lcvsync.runner.apply import Applier
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.batches import Ledger
from lcvsync.runner.context import (
    SETTINGS,
    CatalogueOptions,
    colour_group_id,
    kept_settings,
    make_context,
    own_languages,
    refresh_values,
    shop_settings,
)
from lcvsync.runner.facts import FactsReader
from lcvsync.runner.images import IMAGES
from lcvsync.runner.makers import makers
from lcvsync.runner.observe import Observer
from lcvsync.runner.report import Report
from lcvsync.runner.rights import check_rights
from lcvsync.runner.stopping import Stopper
from lcvsync.runner.sweep import LOCKED_BY_CATEGORY, compare_with_shop, read_lock_category, sweep_stock
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import RETRY_FIRST, Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

SLICE = 100
"""Articles planned at a time, and products finished at a time."""
DAY = timedelta(days=1)
OPTIONS = "options.fingerprint"
ACCEPTED_MODE = "mode.accepted"
COMPARE = "resync.compare"
SWEPT = "stock.swept"
SEEN_SETTINGS = "shop.settings.seen"


@dataclass(frozen=True)
class Tools:
    """The ports and the state that a run works with."""

    shop: Shop
    back_office: BackOffice
    store: Store
    clock: Clock
    audit: AuditLog
    reporter: Reporter
    max_parallel: int = 1
    """How many photos are sent at once, each to another product."""


@dataclass(frozen=True)
class Selection:
    """What a run is limited to: the cards of some articles (`resync REFERENCE...`), and what may be done to them."""

    articles: tuple[str, ...]
    recut: bool = False
    recreate: bool = False


NOT_IN_RESYNC = (Kind.STOCK, Kind.PROMOTION)


class Run:
    """One run, used once."""

    def __init__(self, tools: Tools, options: CatalogueOptions, report: Report, stopper: Stopper) -> None:
        self._tools = tools
        self._options = options
        self._report = report
        self._stopper = stopper
        self._now = tools.clock.now().astimezone(UTC)
        self.mirror = Mirror(tools.store)
        self.bindings = Bindings(tools.store)
        self.journal = Journal(tools.store)
        self.mappings = MappingTable(tools.store)
        self._ledger = Ledger(tools.store, self.journal, tools.audit, report, tools.clock)
        self._planned: dict[str, datetime | None] = {}
        self._owners: dict[str, str] = {}
        self._sale_changed: list[str] = []
        self._values: set[tuple[str, int, str]] = set()

    # -- stages ------------------------------------------------------------------------------------------------------

    def observe(self) -> None:
        """Bring the mirror up to date."""
        tools = self._tools
        observer = Observer(
            tools.back_office,
            tools.store,
            self.mirror,
            self.mappings,
            self.journal,
            self._report,
            tools.clock,
            self._options.web_store,
        )
        observer.observe(self._stopper, tools.reporter)

    def sync(self, *, dry_run: bool = False, accept_mode: bool = False, selection: Selection | None = None) -> None:
        """Plan what is dirty (or selected) and apply it. With nothing to do, the shop isn't asked anything."""
        if selection is None:
            self._mark_changed_options()
            self._sweep_stock_daily(dry_run)
            self._read_locks()
            with self._tools.store.transaction():
                self.mirror.wake(self._now)
            if not self.mirror.any_dirty(self._now) and not self.journal.intents():
                return
        dry_run = dry_run or self._must_show_first(accept_mode)
        settings = self._settings(fresh=bool(selection))
        self._check_shop_choice(settings)
        applier = None if dry_run else self._applier(settings)
        context = self._context(settings, selection)
        try:
            self._plan(context, ZoneInfo(settings.time_zone), selection)
            if applier is None:
                self._show_plan()
            else:
                self._apply(applier)
                self._tools.store.put(ACCEPTED_MODE, self._options.mode)
        finally:
            if applier is not None:
                self._close_articles(selection)
            with self._tools.store.transaction():
                self.journal.clear_plan()

    def _settings(self, *, fresh: bool) -> ShopSettings:
        """The shop's settings and the values of the mapped groups, read at most hourly, and after a failure."""
        tools = self._tools
        known = not fresh and kept_settings(tools.store, self._now) is not None
        settings = shop_settings(tools.shop, tools.store, self._now, fresh=fresh)
        plain = repr(settings)
        if tools.store.get(SEEN_SETTINGS) != plain:
            with tools.store.transaction():
                tools.store.put(SEEN_SETTINGS, plain)
                self.mirror.mark_all()
        if not known:
            self._refresh_values()
        return settings

    def _refresh_values(self) -> None:
        if self._options.mode == "complete":
            refresh_values(self._tools.shop, self.bindings, self._tools.store, self.mappings.rules())

    def _check_shop_choice(self, settings: ShopSettings) -> None:
        if len(settings.shops) > 1 and self._options.shop_id is None:
            shops = ", ".join(map(str, settings.shops))
            raise ConfigurationError(
                f"prestashop.shop_id: this PrestaShop has several active shops ({shops}): name one"
            )

    def _must_show_first(self, accept_mode: bool) -> bool:
        """Switching an existing state to `complete` only shows its plan until somebody says `--accept-mode`."""
        accepted = self._tools.store.get(ACCEPTED_MODE)
        if self._options.mode != "complete" or accepted in (None, "complete") or accept_mode:
            return False
        self._report.notes.append(
            "the mode changed to complete: this is its plan; `lcvsync sync --accept-mode` carries it out"
        )
        return True

    def _mark_changed_options(self) -> None:
        fingerprint = self._options.fingerprint()
        if self._tools.store.get(OPTIONS) != fingerprint:
            with self._tools.store.transaction():
                self.mirror.mark_all()
                self._tools.store.put(OPTIONS, fingerprint)

    def _sweep_stock_daily(self, dry_run: bool) -> None:
        swept = self._tools.store.get(SWEPT)
        if dry_run or not self.bindings.product_keys():
            return
        if swept is None:
            self._tools.store.put(SWEPT, self._now.isoformat())
        elif datetime.fromisoformat(swept) + DAY <= self._now:
            self._tools.reporter.step("Comparing all quantities with the shop")
            sweep_stock(self._tools.shop, self.bindings, self.mirror, self._tools.store)
            self._tools.store.put(SWEPT, self._now.isoformat())

    def _read_locks(self) -> None:
        category = self._options.lock_category
        if category or self.bindings.locked(LOCKED_BY_CATEGORY):
            read_lock_category(self._tools.shop, self.bindings, self.mirror, self._tools.store, category)

    def _applier(self, settings: ShopSettings) -> Applier:
        tools, options = self._tools, self._options
        check_rights(tools.shop.identity(), complete=options.mode == "complete")
        applier = Applier(
            tools.shop,
            tools.back_office,
            self.bindings,
            self._ledger,
            self._stopper,
            tools.reporter,
            settings,
            tools.shop.identity(),
            own_languages(options.languages, settings),
            options.require_photo,
            self._refresh_values,
            tools.max_parallel,
        )
        for intent in self.journal.intents():
            if intent.resource == IMAGES:
                applier.images.recover(intent)
        applier.batches.recover(makers(applier.resolver))
        return applier

    def _context(self, settings: ShopSettings, selection: Selection | None) -> Context:
        tables = self.mirror.tables()
        if tables is None:
            raise ConfigurationError("LCV's tables aren't there yet", cure="lcvsync pull-config")
        tools, rules = self._tools, self.mappings.rules()
        group = colour_group_id(tools.shop, tools.store, self._options.colour_group)
        context = make_context(self._options, tables, rules, settings, self.bindings, group)
        recreate = frozenset(tools.store.get("resync.recreate") or ())
        if selection:
            ids = frozenset(selection.articles)
            return replace(
                context,
                recut=ids if selection.recut else frozenset(),
                recreate=ids if selection.recreate else frozenset(),
            )
        return replace(context, recreate=recreate)

    # -- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, context: Context, zone: ZoneInfo, selection: Selection | None) -> None:
        reader = FactsReader(self.mirror, self.bindings, context)
        with self._tools.store.transaction():
            self.journal.clear_plan()
        self._tools.reporter.step("Planning")
        compare = bool(selection or self._tools.store.get(COMPARE))
        number, slice_number, after = 0, 0, ""
        pending = list(selection.articles) if selection else []
        while articles := pending or self.mirror.dirty(after, SLICE):
            self._stopper.check()
            pending, after = [], articles[-1]
            if selection and selection.recut:
                self._rename_products(reader, articles, context)
            if compare:
                compare_with_shop(self._tools.shop, self.bindings, self._tools.store, articles)
            plans = self._plan_slice(reader, articles, context, zone)
            with self._tools.store.transaction():
                for article, plan in plans.items():
                    changes = self._own(article, plan.changes, selection)
                    number = self.journal.plan(changes, number, slice_number)
                    self._note_skipped(article, plan.skipped)
                    self._planned[article] = plan.next_due
                    if self.mirror.note_sale(article, plan.sale):
                        self._sale_changed.append(article)
            slice_number += 1
            self._tools.reporter.advance(len(articles))
            if selection:
                return
        self._note_unmapped_categories(context)

    def _note_unmapped_categories(self, context: Context) -> None:
        """A dynamic category without mapping adds nothing to its articles; it is said once, not for each of them."""
        if not context.options.complete:
            return
        unmapped = tuple(
            Skipped(
                "category",
                row.code,
                "category_unmapped",
                f"{row.label or row.code}: {row.articles} articles get no category for it",
                f"lcvsync map set category '{row.code}' CATEGORY",
            )
            for row in self.mappings.rows(MappingKind.CATEGORY)
            if row.articles and isinstance(context.mappings.resolve(MappingKind.CATEGORY, row.code), Unmapped)
        )
        with self._tools.store.transaction():
            self._note_skipped("mapping:category", unmapped)

    def _plan_slice(
        self, reader: FactsReader, articles: list[str], context: Context, zone: ZoneInfo
    ) -> dict[str, ArticlePlan]:
        facts = {article: found for article in articles if (found := reader.read(article))}
        plans = {article: plan_article(found, context, self._now, zone) for article, found in facts.items()}
        for article, product in self._foreign_products(plans).items():
            plans[article] = plan_article(replace(facts[article], foreign_product=product), context, self._now, zone)
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
                    with self._tools.store.transaction():
                        self.bindings.rename_product(fits, desired.key)

    def _foreign_products(self, plans: dict[str, ArticlePlan]) -> dict[str, int]:
        """Articles about to be made whose reference a product of the shop has that isn't ours."""
        made = {
            str(change.after["reference"]): article
            for article, plan in plans.items()
            for change in plan.changes
            if (change.kind, change.action) == (Kind.PRODUCT, Action.CREATE)
        }
        if not made:
            return {}
        wanted = {fold(reference): article for reference, article in made.items()}
        found = self._tools.shop.read(Resource.PRODUCTS, fields=["reference"], where={"reference": list(made)})
        ours = {product for _, product in self.bindings.product_keys()}
        return {
            wanted[key]: record.id
            for record in found
            if (key := fold(record.text("reference"))) in wanted and record.id not in ours
        }

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
            if selection is None or change.kind not in NOT_IN_RESYNC or change.lane is Lane.CREATION:
                kept.append(change)
        return kept

    def _note_skipped(self, article: str, skipped: tuple[Skipped, ...]) -> None:
        self.journal.set_skipped(article, skipped, self._now)
        self._report.skipped += skipped
        for item in skipped:
            self._tools.audit.skip(item)

    def _show_plan(self) -> None:
        self._report.dry_run = True
        for kind, actions in self.journal.count().items():
            for action, number in actions.items():
                self._report.count(Kind(kind), Action(action), number)
        self._report.plan = [
            {
                "kind": c.kind.value,
                "action": c.action.value,
                "key": c.key,
                "product": c.product,
                "before": dict(c.before),
                "after": dict(c.after),
                "reason": c.reason,
            }
            for c in self.journal.all_changes()
        ]

    # -- applying ----------------------------------------------------------------------------------------------------

    def _apply(self, applier: Applier) -> None:
        counts = self.journal.count()
        self._tools.reporter.step("Writing to the shop", sum(sum(actions.values()) for actions in counts.values()))
        for group in self.journal.groups():
            self._stopper.check()
            applier.run(group)
        for name in (COMPARE, "resync.recreate"):
            if self._tools.store.get(name) and not self.journal.unfinished_articles():
                self._tools.store.put(name, None)

    def _close_articles(self, selection: Selection | None) -> None:
        """What is planned and applied whole is clean; what was cut off stays dirty, what failed is tried again later.

        A failure makes nothing else wait: its article is planned whole as soon as anything about it changes.
        """
        if self._ledger.failed_articles:
            self._tools.store.put(SETTINGS, None)  # they may be what changed: the next run reads them anew
        if selection is not None:
            return
        left = self.journal.unfinished_articles()
        with self._tools.store.transaction():
            for article, due in self._planned.items():
                if article in left:
                    continue
                if article in self._ledger.failed_articles | self._ledger.waiting_articles:
                    retry = self.journal.retry_at(article) or self._now + RETRY_FIRST
                    self.mirror.clean(article, min(filter(None, (due, retry))))
                else:
                    self.mirror.clean(article, due)
                    self.journal.cured(article)
            for article in self._sale_changed:
                self.mirror.mark_peers(article)
