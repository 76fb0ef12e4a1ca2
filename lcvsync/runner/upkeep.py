"""What an ordinary run looks at before it plans, beside LCV's news: options, quantities, locks, unused values.

Most runs have nothing of it to do: what asks the shop is imported when it is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lcvsync.errors import BadAnswer
from lcvsync.runner.due import is_due
from lcvsync.state.bindings import LOCKED_BY_CATEGORY, Bindings
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

if TYPE_CHECKING:
    from lcvsync.runner.options import CatalogueOptions
    from lcvsync.runner.report import Report
    from lcvsync.runner.tools import Tools

DAY = timedelta(days=1)
OPTIONS = "options.fingerprint"
SWEPT = "stock.swept"


class Upkeep:
    """Marks what must be planned anew for other reasons than LCV's."""

    def __init__(self, tools: Tools, options: CatalogueOptions, report: Report, now: datetime) -> None:
        self._tools = tools
        self._store = tools.store
        self._options = options
        self._report = report
        self._now = now
        self._mirror = Mirror(tools.store)
        self._bindings = Bindings(tools.store)

    def mark_changed_options(self) -> None:
        """Other options: everything is planned anew."""
        fingerprint = self._options.fingerprint()
        if self._store.get(OPTIONS) != fingerprint:
            with self._store.transaction():
                self._mirror.mark_all()
                self._store.put(OPTIONS, fingerprint)

    def sweep_stock_daily(self) -> None:
        """Compare all quantities with the shop's, once a day."""
        swept = self._store.get(SWEPT)
        if (swept and not is_due(swept, DAY, self._now)) or not self._bindings.product_keys():
            return
        if swept is None:
            self._store.put(SWEPT, self._now.isoformat())
        else:
            from lcvsync.runner.sweep import sweep_stock  # noqa: PLC0415 - start-up time

            self._tools.reporter.step("Comparing all quantities with the shop")
            self._store.put(SWEPT, self._now.isoformat())
            try:
                sweep_stock(self._tools.shop, self._bindings, self._mirror, self._store)
            except BadAnswer as error:  # nothing is concluded from it, and nothing else waits for it
                self._report.notes.append(str(error))

    def clean_weekly(self) -> None:
        """Remove the attribute values that no combination uses any more (`catalogue.clean_unused`)."""
        if not self._options.clean_unused:
            return
        from lcvsync.runner.cleaning import clean_unused, sweep_is_due  # noqa: PLC0415 - start-up time
        from lcvsync.runner.context import mapped_groups  # noqa: PLC0415

        tools, groups = self._tools, mapped_groups(MappingTable(self._store).rules())
        if groups and sweep_is_due(self._store, self._now):
            tools.reporter.step("Looking for unused attribute values")
            clean_unused(tools.shop, tools.store, self._bindings, groups, self._now, tools.audit, self._report)

    def read_locks(self) -> None:
        """Lock what somebody in the shop put into `catalogue.lock_category`, and unlock what left it."""
        category = self._options.lock_category
        if category or self._bindings.locked(LOCKED_BY_CATEGORY):
            from lcvsync.runner.sweep import read_lock_category  # noqa: PLC0415 - start-up time

            read_lock_category(self._tools.shop, self._bindings, self._mirror, self._store, category)
