"""One run of `sync`: orders, observe LCV, look whether anything is dirty (design, section 2); the rest is `Work`.

Nearly every run that cron starts finds nothing to do. So what only some runs need (planning and writing, the export of
orders, the stores of product pages) is made, and imported, once it is needed, and at these few places.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

from lcvsync.errors import ConfigurationError
from lcvsync.planning.guards import Guards, allowing
from lcvsync.runner.batches import Ledger
from lcvsync.runner.observe import Observer
from lcvsync.runner.options import AvailabilityOptions, CatalogueOptions, ExportOptions
from lcvsync.runner.orders.step import OrderStep
from lcvsync.runner.upkeep import Upkeep
from lcvsync.state.availability import SHOWN
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lcvsync.domain.catalogue import Tables
    from lcvsync.planning.undo import Undo
    from lcvsync.runner.orders.export import Export
    from lcvsync.runner.planner import Selection
    from lcvsync.runner.report import Report
    from lcvsync.runner.spool import Spool
    from lcvsync.runner.stopping import Stopper
    from lcvsync.runner.tools import Keep, Tools
    from lcvsync.runner.undo_reading import Undoing
    from lcvsync.runner.work import Work

ACCEPTED_MODE = "mode.accepted"

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
        self._export = export or ExportOptions()
        self._shown = availability or AvailabilityOptions()
        self._guards = guards or Guards()
        self._upkeep = Upkeep(tools, options, report, self._now)
        self.orders = OrderStep(tools.store, report, self._export, self._exporting)

    # -- what only some runs need --------------------------------------------------------------------------------------

    def _exporting(self) -> Export:
        from lcvsync.runner.orders.desk import Desk  # noqa: PLC0415 - start-up time, as all of these
        from lcvsync.runner.orders.export import Export  # noqa: PLC0415

        tools = self._tools
        desk = Desk(
            tools.shop,
            tools.back_office,
            tools.store,
            tools.clock,
            tools.audit,
            self._report,
            self._stopper,
            self._ledger,
            self._export,
            self._tables,
            self._now,
        )
        return Export(desk)

    @cached_property
    def _work(self) -> Work:
        from lcvsync.runner.work import Work  # noqa: PLC0415

        return Work(
            self._tools,
            self._options,
            self._report,
            self._stopper,
            self._ledger,
            self.orders,
            self._guards,
            self._now,
        )

    def _showing_stores(self, *, dry_run: bool) -> AbstractContextManager[None]:
        """At whose end product pages are told of the stores, where that is asked for, or was until now."""
        if self._shown.showcase is None and not self._tools.store.get(SHOWN):
            return nullcontext()
        from lcvsync.runner.availability import AvailabilityStep  # noqa: PLC0415

        tools = self._tools
        step = AvailabilityStep(tools.shop, tools.store, self._shown, self._report, self._stopper, self._now)
        return step.afterwards(shown=not dry_run)

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
        with self._showing_stores(dry_run=dry_run):
            self._sync(dry_run, accept_mode, selection, keep)

    def undo(self, wanted: Undoing, *, dry_run: bool) -> Undo:
        """Put back what an earlier run wrote; a dry run only shows it. See `lcvsync.runner.undo`."""
        return self._work.undo(wanted, dry_run=dry_run)

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
        self._work.sync(selection, dry_run=dry_run, waits=waits, keep=keep)
        if selection is None and not dry_run and not waits:
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
        self._work.apply(lines, articles)

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
