"""The frame of every run: one at a time, its start and end recorded, its outcome and exit code decided."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lcvsync.errors import LcvsyncError
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.stopping import BudgetReached, Interrupted
from lcvsync.state.journal import Journal
from lcvsync.state.store import Store, open_store, run_lock, telling

if TYPE_CHECKING:
    from lcvsync.ports import Clock

RECORDS_FAILED = 3
SOMETHING_HELD = 6
TIME_BUDGET = 10
LOCKED = 11


class Session:
    """One run of a command that writes, with its report."""

    def __init__(self, directory: Path, clock: Clock, report: Report, keep_days: int) -> None:
        self._directory = directory
        self._clock = clock
        self._report = report
        self._keep_days = keep_days

    def execute(self, command: str, work: Callable[[Store], None]) -> None:
        """Take the lock, open the state, do *work*; the report has the outcome. Raises nothing that was expected."""
        with run_lock(self._directory) as ours:
            if not ours:
                self._report.outcome = Outcome.LOCKED
                return
            AuditLog(self._directory, self._clock).check()
            store = open_store(self._directory)
            try:
                self._record(command, store, work)
            finally:
                store.close()

    def _record(self, command: str, store: Store, work: Callable[[Store], None]) -> None:
        report, journal = self._report, Journal(store)
        start = self._clock.monotonic()
        report.run = journal.start_run(command, self._clock.now())
        audit = AuditLog(self._directory, self._clock)
        audit.run = report.run
        try:
            with telling():
                work(store)
        except Interrupted as stop:
            self._end(Outcome.INTERRUPTED, 128 + stop.signal)
        except BudgetReached:
            self._end(Outcome.BUDGET, TIME_BUDGET)
        except LcvsyncError as error:
            report.error, report.cure, report.cause = str(error), error.cure, error
            with suppress(LcvsyncError):  # what stops the run may be the audit itself
                audit.error(str(error))
            self._end(Outcome.ERROR, error.exit_code)
        except BaseException as error:
            report.error = type(error).__name__
            if isinstance(error, Exception):
                self._end(Outcome.ERROR, 1)
            else:  # a second Ctrl-C or SIGTERM, which doesn't wait for the batch in hand
                self._end(Outcome.INTERRUPTED, 130 if isinstance(error, KeyboardInterrupt) else 143)
            raise
        else:
            if report.held:
                self._end(Outcome.HELD, SOMETHING_HELD)
            elif report.failed:
                self._end(Outcome.FAILURES, RECORDS_FAILED)
        finally:
            report.seconds = self._clock.monotonic() - start
            journal.finish_run(report.run, report.outcome, report.exit_code, report.summary())
            audit.prune(self._keep_days)
            journal.prune_runs(self._clock.now() - timedelta(days=self._keep_days))

    def _end(self, outcome: Outcome, exit_code: int) -> None:
        self._report.outcome, self._report.exit_code = outcome, exit_code
