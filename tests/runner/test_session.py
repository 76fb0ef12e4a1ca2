"""The frame of a run: lock, record, outcome and exit code."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from lcvsync.errors import (
    BadAnswer,
    CertificateChanged,
    ConfigurationError,
    Held,
    LcvsyncError,
    Maintenance,
    NotAssociated,
    ShopRefused,
    Temporary,
)
from lcvsync.planning.changes import Failed
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.session import Session
from lcvsync.runner.stopping import BudgetReached, Interrupted
from lcvsync.state.journal import Journal, RunRecord
from lcvsync.state.store import DATABASE, Store, open_store, run_lock

from .support import NOW, JumpingClock


class Frame:
    """Sessions in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = JumpingClock()

    def run(self, work: Callable[[Store], None], report: Report | None = None) -> Report:
        """One run."""
        report = report or Report(mode="basic", started_at=NOW)
        Session(self.directory, self.clock, report, 90).execute("sync", work)
        return report

    def records(self) -> list[RunRecord]:
        """What is kept of the runs, newest first."""
        store = open_store(self.directory)
        try:
            return Journal(store).runs()
        finally:
            store.close()

    def audited(self) -> list[str]:
        """The audit's text."""
        return [path.read_text() for path in self.directory.glob("audit-*")]


@pytest.fixture
def frame(tmp_path: Path) -> Frame:
    """A new state."""
    return Frame(tmp_path)


def raising(error: BaseException) -> Callable[[Store], None]:
    """Work that ends with an exception."""

    def work(store: Store) -> None:
        raise error

    return work


def test_good(frame: Frame) -> None:
    """Exit 0, numbered, its duration and report kept; outside the lock nobody waits for it."""
    numbers = []

    def work(store: Store) -> None:
        frame.clock.sleep(4)
        with run_lock(frame.directory) as ours:
            numbers.append(ours)

    report = frame.run(work)

    assert (report.outcome, report.exit_code, report.run, report.seconds) == (Outcome.OK, 0, 1, 4)
    assert numbers == [False]
    [record] = frame.records()
    assert (record.outcome, record.exit_code, record.report["seconds"]) == ("ok", 0, 4)
    assert frame.run(lambda store: None).run == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LcvsyncError("x"), 1),
        (ConfigurationError("x"), 2),
        (NotAssociated("x"), 4),
        (CertificateChanged("x"), 4),
        (ShopRefused("x"), 4),
        (Temporary("x"), 5),
        (Maintenance("x"), 5),
        (BadAnswer("x"), 5),
        (Held("x"), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_expected_failures(frame: Frame, error: LcvsyncError, code: int) -> None:
    """Each class of error has its exit code; the message and its cure are in the report and the audit."""
    error.cure = "do this"

    report = frame.run(raising(error))

    assert (report.outcome, report.exit_code, report.error, report.cure) == (Outcome.ERROR, code, "x", "do this")
    assert report.cause is error
    [record] = frame.records()
    assert (record.outcome, record.exit_code) == ("error", code)
    assert '"event": "error"' in frame.audited()[0]


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (BudgetReached(), Outcome.BUDGET, 10),
        (Interrupted(2), Outcome.INTERRUPTED, 130),
        (Interrupted(15), Outcome.INTERRUPTED, 143),
    ],
)
def test_left_early(frame: Frame, error: Exception, outcome: Outcome, code: int) -> None:
    """A budget or a signal is an outcome of its own."""
    report = frame.run(raising(error))

    assert (report.outcome, report.exit_code, report.error) == (outcome, code, "")


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [(KeyboardInterrupt(), "interrupted", 130), (ZeroDivisionError(), "error", 1)],
    ids=lambda value: type(value).__name__,
)
def test_unexpected(frame: Frame, error: BaseException, outcome: str, code: int) -> None:
    """A bug or a second signal goes on to the error handler; the run is recorded, and the lock is free."""
    report = Report(mode="basic", started_at=NOW)
    with pytest.raises(type(error)):
        frame.run(raising(error), report)

    [record] = frame.records()
    assert (record.outcome, record.exit_code, report.exit_code) == (outcome, code, code)
    assert frame.run(lambda store: None).exit_code == 0


def test_records_failed(frame: Frame) -> None:
    """Done, but with records that failed: exit 3. A budget that is over says more than a record."""
    report = Report(mode="basic", started_at=NOW, failed=[Failed("stock", "S", "no")])
    assert frame.run(lambda store: None, report).exit_code == 3
    report = Report(mode="basic", started_at=NOW, failed=[Failed("stock", "S", "no")])
    assert frame.run(raising(BudgetReached()), report).exit_code == 10


def test_locked(frame: Frame) -> None:
    """Somebody else is at work: nothing is done, and no run is recorded."""
    with run_lock(frame.directory):
        report = frame.run(raising(AssertionError()))

    assert (report.outcome, report.exit_code) == (Outcome.LOCKED, 0)
    assert frame.records() == []


def test_a_run_that_was_killed(frame: Frame) -> None:
    """The next run finds one that never ended and calls it crashed."""
    store = open_store(frame.directory)
    Journal(store).start_run("sync", NOW)
    store.close()

    frame.run(lambda store: None)

    assert [record.outcome for record in frame.records()] == ["ok", "crashed"]


def test_a_broken_state(frame: Frame) -> None:
    """A state that can't be opened is a configuration error, and frees the lock."""
    (frame.directory / DATABASE).write_bytes(b"no database" * 100)

    with pytest.raises(ConfigurationError):
        frame.run(lambda store: None)

    with run_lock(frame.directory) as ours:
        assert ours


def test_the_work_is_rolled_back(frame: Frame) -> None:
    """What was being written when the run failed is not there; the record of the run is."""

    def work(store: Store) -> None:
        with store.transaction():
            store.put("half", 1)
            raise Temporary("cut")

    frame.run(work)

    store = open_store(frame.directory)
    assert store.get("half") is None
    store.close()
    assert len(frame.records()) == 1


def test_history_is_pruned(frame: Frame) -> None:
    """Every run removes audit files and records of runs that are older than `audit.keep_days`, and no others."""
    for day in (0, 1, 91):
        frame.clock.seconds = day * 24 * 3600
        frame.run(lambda store: store.put("fact", 1))
        AuditLog(frame.directory, frame.clock).error("found")

    assert sorted(path.name for path in frame.directory.glob("audit-*")) == [
        "audit-2026-11-24.jsonl",
        "audit-2027-02-22.jsonl",
    ]
    assert [record.id for record in frame.records()] == [3, 2]


def test_a_state_in_use(frame: Frame) -> None:
    """Another command that reads the state meanwhile doesn't disturb the run."""
    store = open_store(frame.directory)
    rows = store.rows("SELECT * FROM run")

    assert frame.run(lambda opened: opened.put("fact", 1)).exit_code == 0
    assert rows.fetchall() == []
    assert isinstance(store.db, sqlite3.Connection)
    store.close()
