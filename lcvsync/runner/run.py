"""One run of `sync`: observe LCV, plan, apply by risk, record, report (design, section 2).

The plan is made article by article in slices and spooled into the state, so that memory stays flat; it is never
carried over to another run: what a stopped run left is planned anew from what was bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import Tables
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import GuardKind, Kind, Lane
from lcvsync.planning.guards import Guards, allowing
from lcvsync.planning.known import Context
from lcvsync.planning.undo import Undo
from lcvsync.ports import ShopSettings
from lcvsync.runner.apply import Applier
from lcvsync.runner.availability import AvailabilityOptions, AvailabilityStep
from lcvsync.runner.batches import Ledger
from lcvsync.runner.context import (
    CatalogueOptions,
    ShopValues,
    check_shop_choice,
    colour_group_id,
    kept_settings,
    make_context,
    outdate_settings,
    own_languages,
    shop_settings,
)
from lcvsync.runner.images import IMAGES
from lcvsync.runner.makers import makers
from lcvsync.runner.observe import Observer
from lcvsync.runner.orders.desk import Desk, ExportOptions
from lcvsync.runner.orders.step import OrderStep
from lcvsync.runner.planner import COMPARE, Planner, Selection
from lcvsync.runner.rehearsal import shown_plan, verdicts
from lcvsync.runner.report import Report
from lcvsync.runner.review import Review
from lcvsync.runner.rights import check_rights
from lcvsync.runner.spool import Spool
from lcvsync.runner.stopping import BudgetReached, Stopper
from lcvsync.runner.tools import Keep, Tools
from lcvsync.runner.undo import UndoStep
from lcvsync.runner.undo_reading import Undoing
from lcvsync.runner.upkeep import Upkeep
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import RETRY_FIRST, Group, Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

ACCEPTED_MODE = "mode.accepted"
RECREATE = "resync.recreate"
SEEN_SETTINGS = "shop.settings.seen"


LOOKS = 10
"""How often what was sold is written, and looked at again, at the end of a run; one sale a look would be many."""

MODE_WAITS = (
    "the mode changed to complete: `lcvsync sync --dry-run` shows its plan, `lcvsync sync --accept-mode` does it."
    " Until then stock, prices and promotions go on as in basic mode"
)


class Run:
    """One run, used once."""

    def __init__(
        self,
        tools: Tools,
        options: CatalogueOptions,
        report: Report,
        stopper: Stopper,
        export: ExportOptions | None = None,
        availability: AvailabilityOptions | None = None,
        guards: Guards | None = None,
    ) -> None:
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
        self._planner = self._new_planner()
        self._stock_written = False
        self._values = ShopValues(tools, self.bindings, self.mappings, needed=options.mode == "complete")
        desk = Desk(
            tools.shop,
            tools.back_office,
            tools.store,
            tools.clock,
            tools.audit,
            report,
            stopper,
            self._ledger,
            export or ExportOptions(),
            self._tables,
        )
        self.orders = OrderStep(desk)
        self._guards = guards or Guards()
        self._upkeep = Upkeep(tools, options, report, self._now)
        shown = availability or AvailabilityOptions()
        self._availability = AvailabilityStep(tools.shop, tools.store, shown, report, stopper, self._now)

    def _new_planner(self, *, quiet: bool = False) -> Planner:
        tools = self._tools
        return Planner(
            tools.shop, tools.store, tools.audit, tools.reporter, self._report, self._stopper, self._now, quiet=quiet
        )

    # -- stages ------------------------------------------------------------------------------------------------------

    def observe(self) -> None:
        """Bring the mirror up to date."""
        self._observer().observe(self._stopper, self._tools.reporter)
        self.orders.reckon()

    def _tables(self) -> Tables:
        return self.mirror.tables() or self._observer().pull_tables()

    def _observer(self) -> Observer:
        tools = self._tools
        return Observer(
            tools.back_office,
            tools.store,
            self.mirror,
            self.mappings,
            self.journal,
            self._report,
            tools.clock,
            self._options.web_store,
        )

    def sync(
        self,
        *,
        dry_run: bool = False,
        accept_mode: bool = False,
        selection: Selection | None = None,
        allow: Iterable[str] = (),
        keep: Keep | None = None,
    ) -> None:
        """Plan what is dirty (or selected) and apply it. With nothing to do, the shop isn't asked anything.

        *allow*: the kinds of change that no guard holds. *keep* gets the whole plan of a *dry_run*.
        """
        self._guards = allowing(self._guards, allow)
        with self._availability.afterwards(shown=not dry_run):
            self._sync(dry_run, accept_mode, selection, keep)

    def undo(self, wanted: Undoing, *, dry_run: bool) -> Undo:
        """Put back what an earlier run wrote; a dry run only shows it. See `lcvsync.runner.undo`."""
        settings = self._settings(fresh=True)
        check_shop_choice(self._options, settings)
        languages = own_languages(self._options.languages, settings)
        step = UndoStep(self._tools.shop, self._ledger, settings, languages, self._now)
        return step.run(wanted, None if dry_run else lambda: self._applier(settings))

    def _sync(self, dry_run: bool, accept_mode: bool, selection: Selection | None, keep: Keep | None) -> None:
        waits = False
        if selection is None:
            self._upkeep.mark_changed_options()
            waits = self._mode_waits(accept=accept_mode, dry_run=dry_run)
            if not dry_run:
                self._upkeep.sweep_stock_daily()
            self._upkeep.read_locks()
            if not dry_run:
                self._upkeep.clean_weekly()
            with self._tools.store.transaction():
                self.mirror.wake(self._now)
            if not self.mirror.any_dirty(self._now) and not self.journal.intents():
                if keep:
                    keep(())
                return
        settings = self._settings(fresh=bool(selection))
        check_shop_choice(self._options, settings)
        context = self._context(settings, selection)
        zone = ZoneInfo(settings.time_zone)
        if dry_run or waits:
            self._rehearse(context, zone, selection, keep)
        if waits:
            self._planner = self._new_planner(quiet=True)
            context = replace(context, options=replace(context.options, complete=False))
        if not dry_run:
            self._carry_out(settings, context, zone, selection)
            if selection is None and not waits:
                self._tools.store.put(ACCEPTED_MODE, self._options.mode)

    def apply(self, lines: Spool, articles: tuple[str, ...], *, allow: Iterable[str] = ()) -> None:
        """Carry out *lines* of a reviewed plan, those of *articles*, that are still so (design 3.9; `review`).

        Raises ConfigurationError while a switch to complete mode waits for somebody's word.
        """
        self._guards = allowing(self._guards, allow)
        if self._mode_changed():
            raise ConfigurationError(f"apply: {MODE_WAITS}", cure="lcvsync sync --accept-mode")
        if not articles:
            return
        self._upkeep.read_locks()
        with self._tools.store.transaction():
            self.mirror.mark(articles)
        selection = Selection(articles, whole=True)
        settings = self._settings(fresh=True)
        check_shop_choice(self._options, settings)
        review = Review(lines, self.journal, self.bindings, self._report, self._tools.audit)
        zone = ZoneInfo(settings.time_zone)
        self._carry_out(settings, self._context(settings, selection), zone, selection, review)
        review.tell_left_out(self._ledger.left_out)

    def _rehearse(self, context: Context, zone: ZoneInfo, selection: Selection | None, keep: Keep | None) -> None:
        """Make the plan and show it; the shop is left alone. Only a dry run says what would be held."""
        self._planner.plan(context, zone, selection)
        held = self._judge() if self._report.dry_run else frozenset()
        self._report.plan = self._report.plan or Spool()
        self._report.plan.extend(shown_plan(self.journal, held))
        if keep:
            keep(self.journal.all_changes())
        if self._report.dry_run:
            self._planner.hold(held)
            self._report.changes |= self.journal.count()
        with self._tools.store.transaction():
            self.journal.clear_plan()

    def _judge(self) -> frozenset[GuardKind]:
        """The kinds of change of which the plan has too many; said with their numbers."""
        held = verdicts(self.journal, self.bindings, self._guards)
        self._report.held += [each.as_json() for each in held]
        return frozenset(each.kind for each in held)

    def _carry_out(
        self,
        settings: ShopSettings,
        context: Context,
        zone: ZoneInfo,
        selection: Selection | None,
        review: Review | None = None,
    ) -> None:
        applier = self._applier(settings)
        try:
            self._planner.plan(replace(context, values=self.bindings.values()), zone, selection)
            if review:
                self._planner.narrow = review.narrow_stock
                with self._tools.store.transaction():
                    review.narrow_plan()
            self._planner.hold(self._judge(), instead=not review)
            self._apply(applier)
            if self._planner.cut_off:
                raise BudgetReached
        finally:
            self._planner.held_articles |= review.articles if review else set()
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
            self._values.read()
        return settings

    def _mode_waits(self, *, accept: bool, dry_run: bool) -> bool:
        """Switching an existing state to `complete` only shows its plan until somebody says `--accept-mode`.

        Stock, prices and promotions go on meanwhile, as in basic mode: what waits must not oversell.
        """
        if not self._mode_changed():
            return False
        if accept or dry_run:
            with self._tools.store.transaction():
                self.mirror.mark_all()
            return False
        self._report.notes.append(MODE_WAITS)
        return True

    def _mode_changed(self) -> bool:
        return self._options.mode == "complete" and self._tools.store.get(ACCEPTED_MODE) not in (None, "complete")

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
            options.sent_once,
            options.require_photo,
            self._values.renew,
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
        recreate = frozenset(tools.store.get(RECREATE) or ())
        if selection:
            ids = frozenset(selection.articles)
            recreate = ids if selection.recreate else recreate if selection.whole else frozenset()
            return replace(context, recut=ids if selection.recut else frozenset(), recreate=recreate)
        return replace(context, recreate=recreate)

    # -- applying ----------------------------------------------------------------------------------------------------

    def _apply(self, applier: Applier) -> None:
        counts = self.journal.count()
        self._tools.reporter.step("Writing to the shop", sum(sum(actions.values()) for actions in counts.values()))
        try:
            self._apply_groups(applier)
        finally:
            if self._stock_written:
                with self._stopper.finishing():
                    self._write_sold(applier)

    def _apply_groups(self, applier: Applier) -> None:
        """Group after group. Orders are read again right before the first quantities: what was sold by then counts."""
        done: set[Group] = set()
        while group := next((each for each in self.journal.groups() if each not in done), None):
            self._stopper.check()
            if group.kind is Kind.STOCK and group.lane is not Lane.CREATION and not self._stock_written:
                self._stock_written = True
                self._planner.plan_stock(self.orders.look(), sold=False)
                continue
            done.add(group)
            applier.run(group)

    def _write_sold(self, applier: Applier) -> None:
        """Quantities are absolute: one that was sold before its batch is on sale again, until it is written anew."""
        for _ in range(LOOKS):
            sold = self.orders.look()
            if not sold:
                return
            self._planner.plan_stock(sold, sold=True)
            for group in self.journal.groups():
                if group.lane is Lane.STOCK_SOLD:
                    applier.run(group)

    def _close_articles(self, selection: Selection | None) -> None:
        """What is planned and applied whole is clean; what was cut off stays dirty, what failed is tried again later.

        A failure makes nothing else wait: its article is planned whole as soon as anything about it changes.
        """
        if self._ledger.failed_articles:
            outdate_settings(self._tools.store)  # they may be what changed
        if selection is not None and not selection.whole:
            return
        left = self.journal.unfinished_articles() | self._ledger.stale_articles | self._planner.held_articles
        with self._tools.store.transaction():
            for article, due in self._planner.planned.items():
                if article in left:
                    continue
                if article in self._ledger.failed_articles | self._ledger.waiting_articles:
                    retry = self.journal.retry_at(article) or self._now + RETRY_FIRST
                    self.mirror.clean(article, min(filter(None, (due, retry))))
                else:
                    self.mirror.clean(article, due)
                    self.journal.cured(article)
            for article in self._planner.sale_changed:
                self.mirror.mark_peers(article)
        if not self.mirror.any_dirty(self._now, but=self._planner.held_articles):
            for name in (COMPARE, RECREATE):
                if self._tools.store.get(name):
                    self._tools.store.put(name, None)
