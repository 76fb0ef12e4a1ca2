"""What a run works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcvsync.planning.changes import Change

if TYPE_CHECKING:
    from lcvsync.ports import BackOffice, Clock, Reporter, Shop
    from lcvsync.runner.audit import AuditLog
    from lcvsync.state.store import Store

Keep = Callable[[Iterable[Change]], object]
"""What is done with a plan beside showing it."""


@dataclass(frozen=True)
class Tools:
    """The ports and the state."""

    shop: Shop
    back_office: BackOffice
    store: Store
    clock: Clock
    audit: AuditLog
    reporter: Reporter
    max_parallel: int = 1
    """How many photos are sent at once, each to another product."""
