"""Whom a run tells how it went (`[notify]`), and what exactly. Whatever fails here is a note of the run, no more.

- **Pings**, as healthchecks.io and its like understand them: one when a `sync` begins to work, one when it ends. A run
  that found another one under way, or that is switched off, says nothing: it did nothing. Neither does one that was
  interrupted: the next one tells.
- **Troubles** are told by the rule of `troubles`: once, then daily, then their end; with a memory of their own, since
  what was printed may have been seen by nobody. A command that fails is tried again by the next run.
- **Changes** are told after every command that changed a product of the shop.
- Never anything in a dry run: the caller makes no `Notices` then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lcvsync.errors import LcvsyncError
from lcvsync.runner.metrics import Standing, metrics
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.troubles import Decision, Trouble, remember, undecided
from lcvsync.state.orders import OrderBook, OrderStatus

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.ports import Clock
    from lcvsync.state.store import Store

NOTIFIED = "troubles.notified"
"""What `command_on_failure` knows of."""
WATCHED = "sync"
"""The command that cron starts: the others have a person before them."""
SILENT = frozenset({Outcome.LOCKED, Outcome.DISABLED})
LINES = 10
"""How many failed records a summary names."""


class Messenger(Protocol):
    """Ways out of the program. No method raises: "" is success, else it says what went wrong, without secrets."""

    def ping(self, suffix: str, text: str = "") -> str:
        """Ask the ping address with *suffix*; with *text* as the body where there is one."""
        ...

    def run(self, command: Sequence[str], text: str, environment: Mapping[str, str]) -> str:
        """Run a command with *text* as its input and more of an *environment*."""
        ...

    def write(self, path: Path, text: str) -> str:
        """Replace a file."""
        ...


@dataclass(frozen=True)
class NotifyOptions:
    """The options of `[notify]`, but for those of the messenger."""

    shop: str
    """The shop's address, for whoever is told of several."""
    on_failure: tuple[str, ...] = ()
    on_recovery: tuple[str, ...] = ()
    after_changes: tuple[str, ...] = ()
    prometheus_file: Path | None = None


@dataclass
class Notices:
    """What one run of a command tells."""

    options: NotifyOptions
    messenger: Messenger
    clock: Clock
    command: str
    clean: Callable[[str], str]
    """Takes secrets out of a text."""
    problems: dict[str, str] = field(default_factory=dict)
    """Option → why it didn't work."""

    def started(self) -> None:
        """The run has the lock and begins."""
        if self.command == WATCHED:
            self._note("ping_url", self.messenger.ping("/start"))

    def ended(self, report: Report, opened: Callable[[], Store]) -> None:
        """The run is over: tell of it, and note in *report* what couldn't be told. *opened* gives the state."""
        if report.outcome in SILENT:
            return
        if self.command == WATCHED:
            self._ping(report)
        try:
            store = opened()
        except LcvsyncError:  # the state itself is the trouble: nothing is known, and nothing can be remembered
            self._without_state(report)
        else:
            try:
                self._with_state(report, store)
            except LcvsyncError as error:
                self._note("state", str(error))
            finally:
                store.close()
        report.notes += [f"notify.{option}: {why}" for option, why in self.problems.items()]

    def _ping(self, report: Report) -> None:
        """A run that goes on in the next one is alive, which is what a ping is about."""
        if report.outcome is Outcome.INTERRUPTED:
            return
        well = report.outcome in {Outcome.OK, Outcome.BUDGET}
        self._note("ping_url", self.messenger.ping("") if well else self.messenger.ping("/fail", self.summary(report)))

    def _with_state(self, report: Report, store: Store) -> None:
        if self.command == WATCHED:
            self._troubles(report, store)
            self._metrics(report, _standing(store))
        self._changes(report, store)

    def _without_state(self, report: Report) -> None:
        if self.command != WATCHED:
            return
        self._metrics(report, Standing())
        if self.options.on_failure and report.error:
            self._run("command_on_failure", self.options.on_failure, report, [report.error], {"TROUBLES": "1"})

    def _troubles(self, report: Report, store: Store) -> None:
        options = self.options
        if not (options.on_failure or options.on_recovery):
            return
        decision = undecided(report, store, self.clock.now(), memory=NOTIFIED, only=_is_failure)
        told = self._failures(report, decision) and self._recoveries(report, decision)
        if told:
            remember(store, decision, memory=NOTIFIED)

    def _failures(self, report: Report, decision: Decision) -> bool:
        """Tell what is new, and daily what lasts; False when nobody could be told."""
        lines = [trouble.text for trouble in decision.new]
        lines += [f"still, since {_minute(since)}: {trouble.text}" for trouble, since in decision.again]
        if not (lines and self.options.on_failure):
            return True
        count = {"TROUBLES": str(len(lines))}
        return self._run("command_on_failure", self.options.on_failure, report, lines, count)

    def _recoveries(self, report: Report, decision: Decision) -> bool:
        """Tell what is over, and how much is left."""
        lines = [f"over: {told.text} (since {_minute(told.since)})" for told in decision.over]
        if not (lines and self.options.on_recovery):
            return True
        count = {"TROUBLES": str(len(decision.told or ()))}
        return self._run("command_on_recovery", self.options.on_recovery, report, lines, count)

    def _changes(self, report: Report, store: Store) -> None:
        if not (self.options.after_changes and report.products):
            return
        ids = sorted({number for key in report.products for number in _ids(store, key)})
        if ids:
            lines, count = list(map(str, ids)), {"PRODUCTS": str(len(ids))}
            self._run("command_after_changes", self.options.after_changes, report, lines, count)

    def _metrics(self, report: Report, standing: Standing) -> None:
        path = self.options.prometheus_file
        if path is not None:
            text = metrics(report, standing, self.options.shop, self.clock.now())
            self._note("prometheus_file", self.messenger.write(path, text))

    def _run(
        self, option: str, command: Sequence[str], report: Report, lines: Sequence[str], more: Mapping[str, str]
    ) -> bool:
        facts = {
            "SHOP": self.options.shop,
            "COMMAND": self.command,
            "RUN": str(report.run),
            "OUTCOME": report.outcome.value,
            "EXIT_CODE": str(report.exit_code),
            **more,
        }
        text = "".join(f"{self.clean(line)}\n" for line in lines)
        wrong = self.messenger.run(command, text, {f"LCVSYNC_{name}": value for name, value in facts.items()})
        self._note(option, wrong)
        return not wrong

    def _note(self, option: str, wrong: str) -> None:
        if wrong:
            self.problems[option] = self.clean(wrong)

    def summary(self, report: Report) -> str:
        """A failed run in a few lines, without secrets."""
        lines = [f"{self.command} of {self.options.shop}, run {report.run}: {report.outcome}, exit {report.exit_code}"]
        lines += [report.error, f"→ {report.cure}" if report.cure else ""]
        lines += report.notes
        lines += [f"{held['detail']}: held; {held['cure']}" for held in report.held]
        lines += [f"{item.kind} {item.key}: {item.error}" for item in report.failed[:LINES]]
        if len(report.failed) > LINES:
            lines.append(f"… and {len(report.failed) - LINES:,} more: lcvsync status")
        return "\n".join(self.clean(line) for line in lines if line) + "\n"


def _is_failure(trouble: Trouble) -> bool:
    """What stops or harms: no note, and no run that the next one goes on with."""
    return trouble.key.partition(" ")[0] in {"error", "held", "record"}


def _standing(store: Store) -> Standing:
    """What the state says beside the run itself."""
    book = OrderBook(store)
    row = store.rows(
        "SELECT started_at, json_extract(report, '$.seconds') FROM run WHERE outcome = 'ok' AND command = ?"
        " ORDER BY id DESC LIMIT 1",
        WATCHED,
    ).fetchone()
    success = datetime.fromisoformat(row[0]).timestamp() + float(row[1] or 0) if row else None
    return Standing(success, book.counts().get(OrderStatus.WAITING, 0), sum(book.pending().values()))


def _ids(store: Store, key: str) -> list[int]:
    rows: list[tuple[Json]] = store.rows("SELECT id FROM product WHERE key = ?", key).fetchall()
    return [int(row[0]) for row in rows]


def _minute(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
