"""What a run did, as it is printed by `--json` and kept with the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from lcvsync.planning.changes import Action, Failed, Json, Kind, Skipped
from lcvsync.runner.spool import Spool


class Outcome(StrEnum):
    """How a run ended, in one word."""

    OK = "ok"
    FAILURES = "failures"
    """Done, but records failed."""
    HELD = "held"
    """Done, but a guard held a kind of change back."""
    BUDGET = "budget"
    """`sync.max_seconds` reached."""
    INTERRUPTED = "interrupted"
    LOCKED = "locked"
    DISABLED = "disabled"
    ERROR = "error"


@dataclass
class Report:
    """Counts and lists of one run; `as_json` is its form for machines (design, section 4)."""

    mode: str
    started_at: datetime
    run: int = 0
    dry_run: bool = False
    outcome: Outcome = Outcome.OK
    exit_code: int = 0
    seconds: float = 0.0
    requests: dict[str, int] = field(default_factory=lambda: {"lcv": 0, "prestashop": 0})
    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    standing: set[Skipped] = field(default_factory=set, repr=False)
    """Those of *skipped* that an earlier run had for the same reason: an order may wait for months."""
    failed: list[Failed] = field(default_factory=list)
    held: list[dict[str, Json]] = field(default_factory=list)
    """Kinds of change that a guard held back, with the numbers and the switch that lets them go on."""
    notes: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    """What is said once, whatever follows."""
    error: str = ""
    cure: str = ""
    cause: Exception | None = field(default=None, repr=False)
    """What *error* was, for whoever tells it to people."""
    products: set[str] = field(default_factory=set, repr=False)
    """Keys of the products that were changed, for `notify.command_after_changes`."""
    plan: Spool | None = None
    """The changes themselves; of a dry run only."""
    goes_on: str = field(default="the next run goes on", repr=False)
    """How the rest comes about of what the time budget or a signal cut off, for people."""

    def count(self, kind: Kind, action: Action, number: int = 1) -> None:
        """*number* more changes were applied (or planned, in a dry run)."""
        actions = self.changes.setdefault(kind, {})
        actions[action] = actions.get(action, 0) + number

    def total(self) -> int:
        """How many changes in all."""
        return sum(sum(actions.values()) for actions in self.changes.values())

    def summary(self) -> dict[str, Json]:
        """What is kept with the run: of what stands only how many.

        Else a thousand orders that wait for a mapping would fill the state: 288 runs a day would each keep all of them.
        """
        data = self.as_json()
        if self.standing:
            data["skipped"] = [asdict(item) for item in self.skipped if item not in self.standing]
            data["skipped_before"] = len(self.standing)
        return data

    def as_json(self) -> dict[str, Json]:
        """The one object that `sync --json` prints, without the plan of a dry run, which may be very long."""
        data: dict[str, Json] = {
            "run": self.run,
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "dry_run": self.dry_run,
            "mode": self.mode,
            "started_at": self.started_at.isoformat(),
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "changes": _ordered(self.changes),
            "skipped": [asdict(item) for item in self.skipped],
            "held": self.held,
            "failed": [asdict(item) for item in self.failed],
        }
        if self.notes or self.hints:
            data["notes"] = [*self.notes, *self.hints]
        if self.error:
            data["error"] = self.error
        return data


def _ordered(changes: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    kinds: Sequence[Kind] = tuple(Kind)
    return {kind.value: dict(sorted(changes[kind].items())) for kind in kinds if kind in changes}
