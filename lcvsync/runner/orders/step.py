"""Step 3 of every run: what moved in the shop is read, and LCV told of it; and what that means for the stock.

Orders come before everything else, so that LCV's stock knows of what was sold before it is read. What LCV can't know
yet is *pending* and taken off the quantities on sale (design 3.3).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lcvsync.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.runner.options import ExportOptions
    from lcvsync.runner.orders.export import Export
    from lcvsync.runner.orders.plan import Asked
    from lcvsync.runner.report import Report
    from lcvsync.state.store import Store

SAID = "orders.min_id.said"
NOT_ADOPTED = (
    "orders are not exported: this state was not adopted for the shop and its association with LCV. `lcvsync adopt`"
    " says that it belongs to them, and that no other program exports the shop's orders"
)
NO_MINIMUM = "orders are not exported: orders.min_id is not set. Set it to the id of the first order to export"


class OrderStep:
    """The orders of one run, as far as the state may export them: what does the work is made only then."""

    def __init__(self, store: Store, report: Report, options: ExportOptions, make: Callable[[], Export]) -> None:
        self._store = store
        self._report = report
        self._options = options
        self._make = make

    @property
    def active(self) -> bool:
        """Whether orders are looked at: the state is adopted."""
        return self._options.start is not None

    @cached_property
    def _export(self) -> Export:
        return self._make()

    def run(self, *, dry_run: bool = False, allowed: bool = False) -> None:
        """Read what moved and tell LCV. *allowed*: `--allow orders`, whatever the guard says."""
        minimum = self._options.orders.min_id
        if not self.active:
            if minimum is not None:
                self._report.notes.append(NOT_ADOPTED)
            return
        if minimum is None and not self._store.get(SAID):
            self._store.put(SAID, True)
            self._report.hints.append(NO_MINIMUM)
        self._export.run(dry_run=dry_run, allowed=allowed)

    def look(self) -> list[str]:
        """What was sold since the last look; the articles of which other quantities may be on sale now."""
        return self._export.look() if self.active else []

    def reckon(self) -> list[str]:
        """Reckon anew what is pending; the articles that it concerns are planned anew, and returned."""
        return self._export.reckon() if self.active else []

    def export_order(self, identifier: int, asked: Asked) -> None:
        """Export one order now, whatever `orders.min_id` and its age say. Raises ConfigurationError: there is none."""
        self._check_adopted()
        self._export.export_order(identifier, asked)

    def export_customers(self) -> None:
        """Tell LCV of everybody who ever bought. Raises ConfigurationError: not adopted, customers not exported."""
        self._check_adopted()
        self._export.export_customers()

    def _check_adopted(self) -> None:
        if not self.active:
            raise ConfigurationError("this state was not adopted for the shop", cure="lcvsync adopt")
