"""What a run does once something is dirty: look at the shop, plan, judge the plan, write by risk (design, section 2).

The plan is made article by article in slices and spooled into the state, so that memory stays flat; it is never
carried over to another run: what a stopped run left is planned anew from what was bound.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import GuardKind, Kind, Lane
from lcvsync.planning.guards import Guards
from lcvsync.planning.known import Context
from lcvsync.planning.undo import Undo
from lcvsync.ports import ShopSettings
from lcvsync.runner.apply import Applier
from lcvsync.runner.context import ShopValues, check_shop_choice, colour_group_id, make_context, own_languages
from lcvsync.runner.images import IMAGES
from lcvsync.runner.makers import makers
from lcvsync.runner.planner import COMPARE, Planner, Selection
from lcvsync.runner.rehearsal import shown_plan, verdicts
from lcvsync.runner.review import Review
from lcvsync.runner.rights import check_rights
from lcvsync.runner.shop_settings import outdate_settings, shop_settings
from lcvsync.runner.spool import Spool
from lcvsync.runner.stopping import BudgetReached
from lcvsync.runner.undo import UndoStep
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import RETRY_FIRST, Group, Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

if TYPE_CHECKING:
    from lcvsync.runner.batches import Ledger
    from lcvsync.runner.options import CatalogueOptions
    from lcvsync.runner.orders.step import OrderStep
    from lcvsync.runner.report import Report
    from lcvsync.runner.stopping import Stopper
    from lcvsync.runner.tools import Keep, Tools
    from lcvsync.runner.undo_reading import Undoing

RECREATE = "resync.recreate"
SEEN_SETTINGS = "shop.settings.seen"

LOOKS = 10
"""How often what was sold is written, and looked at again, at the end of a run; one sale a look would be many."""


class Work:
    """Planning and writing of one run, by what `Run` found."""

    def __init__(
        self,
        tools: Tools,
        options: CatalogueOptions,
        report: Report,
        stopper: Stopper,
        ledger: Ledger,
        orders: OrderStep,
        guards: Guards,
        now: datetime,
    ) -> None:
        self._tools = tools
        self._options = options
        self._report = report
        self._stopper = stopper
        self._ledger = ledger
        self._orders = orders
        self._guards = guards
        self._now = now
        self._mirror = Mirror(tools.store)
        self._bindings = Bindings(tools.store)
        self._journal = Journal(tools.store)
        self._mappings = MappingTable(tools.store)
        self._planner = self._new_planner()
        self._stock_written = False
        self._values = ShopValues(tools, self._bindings, self._mappings, now, needed=options.mode == "complete")

    def _new_planner(self, *, quiet: bool = False) -> Planner:
        tools = self._tools
        return Planner(
            tools.shop, tools.store, tools.audit, tools.reporter, self._report, self._stopper, self._now, quiet=quiet
        )

    # -- what is asked for ---------------------------------------------------------------------------------------------

    def sync(self, selection: Selection | None, *, dry_run: bool, waits: bool, keep: Keep | None) -> None:
        """Plan what is dirty, or selected, and write it; a dry run shows the plan only.

        *waits*: a switch to complete mode does, so that its plan is shown, and the one of basic mode written.
        """
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

    def apply(self, lines: Spool, articles: tuple[str, ...]) -> None:
        """Carry out *lines* of a reviewed plan, those of *articles*, that are still so (`review`)."""
        selection = Selection(articles, whole=True)
        settings = self._settings(fresh=True)
        check_shop_choice(self._options, settings)
        review = Review(lines, self._journal, self._bindings, self._report, self._tools.audit)
        zone = ZoneInfo(settings.time_zone)
        self._carry_out(settings, self._context(settings, selection), zone, selection, review)
        review.tell_left_out(self._ledger.left_out)

    def undo(self, wanted: Undoing, *, dry_run: bool) -> Undo:
        """Put back what an earlier run wrote; a dry run only shows it. See `lcvsync.runner.undo`."""
        settings = self._settings(fresh=True)
        check_shop_choice(self._options, settings)
        languages = own_languages(self._options.languages, settings)
        step = UndoStep(self._tools.shop, self._ledger, settings, languages, self._now)
        return step.run(wanted, None if dry_run else lambda: self._applier(settings))

    # -- planning ------------------------------------------------------------------------------------------------------

    def _rehearse(self, context: Context, zone: ZoneInfo, selection: Selection | None, keep: Keep | None) -> None:
        """Make the plan and show it; the shop is left alone. Only a dry run says what would be held."""
        self._planner.plan(context, zone, selection)
        held = self._judge() if self._report.dry_run else frozenset()
        self._report.plan = self._report.plan or Spool()
        self._report.plan.extend(shown_plan(self._journal, held))
        if keep:
            keep(self._journal.all_changes())
        if self._report.dry_run:
            self._planner.hold(held)
            self._report.changes |= self._journal.count()
        with self._tools.store.transaction():
            self._journal.clear_plan()

    def _judge(self) -> frozenset[GuardKind]:
        """The kinds of change of which the plan has too many; said with their numbers."""
        held = verdicts(self._journal, self._bindings, self._guards)
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
            self._planner.plan(replace(context, values=self._bindings.values()), zone, selection)
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
                self._journal.clear_plan()

    def _settings(self, *, fresh: bool) -> ShopSettings:
        """The shop's settings and the values of the mapped groups, each read at most hourly, and after a failure."""
        tools = self._tools
        settings = shop_settings(tools.shop, tools.store, self._now, fresh=fresh)
        plain = repr(settings)
        if tools.store.get(SEEN_SETTINGS) != plain:
            with tools.store.transaction():
                tools.store.put(SEEN_SETTINGS, plain)
                self._mirror.mark_all()
        self._values.read() if fresh else self._values.read_hourly()
        return settings

    def _applier(self, settings: ShopSettings) -> Applier:
        tools, options = self._tools, self._options
        check_rights(tools.shop.identity(), complete=options.mode == "complete")
        applier = Applier(
            tools.shop,
            tools.back_office,
            self._bindings,
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
        for intent in self._journal.intents():
            if intent.resource == IMAGES:
                applier.images.recover(intent)
        applier.batches.recover(makers(applier.resolver))
        return applier

    def _context(self, settings: ShopSettings, selection: Selection | None) -> Context:
        tables = self._mirror.tables()
        if tables is None:
            raise ConfigurationError("LCV's tables aren't there yet", cure="lcvsync pull-config")
        tools, rules = self._tools, self._mappings.rules()
        group = colour_group_id(tools.shop, tools.store, self._options.colour_group)
        context = make_context(self._options, tables, rules, settings, self._bindings, group)
        recreate = frozenset(tools.store.get(RECREATE) or ())
        if selection:
            ids = frozenset(selection.articles)
            recreate = ids if selection.recreate else recreate if selection.whole else frozenset()
            return replace(context, recut=ids if selection.recut else frozenset(), recreate=recreate)
        return replace(context, recreate=recreate)

    # -- applying ------------------------------------------------------------------------------------------------------

    def _apply(self, applier: Applier) -> None:
        counts = self._journal.count()
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
        while group := next((each for each in self._journal.groups() if each not in done), None):
            self._stopper.check()
            if group.kind is Kind.STOCK and group.lane is not Lane.CREATION and not self._stock_written:
                self._stock_written = True
                self._planner.plan_stock(self._orders.look(), sold=False)
                continue
            done.add(group)
            applier.run(group)

    def _write_sold(self, applier: Applier) -> None:
        """Quantities are absolute: one that was sold before its batch is on sale again, until it is written anew."""
        for _ in range(LOOKS):
            sold = self._orders.look()
            if not sold:
                return
            self._planner.plan_stock(sold, sold=True)
            for group in self._journal.groups():
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
        left = self._journal.unfinished_articles() | self._ledger.stale_articles | self._planner.held_articles
        with self._tools.store.transaction():
            for article, due in self._planner.planned.items():
                if article in left:
                    continue
                if article in self._ledger.failed_articles | self._ledger.waiting_articles:
                    retry = self._journal.retry_at(article) or self._now + RETRY_FIRST
                    self._mirror.clean(article, min(filter(None, (due, retry))))
                else:
                    self._mirror.clean(article, due)
                    self._journal.cured(article)
            for article in self._planner.sale_changed:
                self._mirror.mark_peers(article)
        if not self._mirror.any_dirty(self._now, but=self._planner.held_articles):
            for name in (COMPARE, RECREATE):
                if self._tools.store.get(name):
                    self._tools.store.put(name, None)
