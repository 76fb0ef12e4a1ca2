"""The audit: one file a day, whole lines, nothing lost to a torn one."""

from __future__ import annotations

import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lcvsync.planning.changes import Action, Change, Failed, Kind, Lane, Skipped
from lcvsync.runner.audit import AuditLog, Seen, entry_time

from .support import JumpingClock

DAY = 24 * 3600.0
CHANGE = Change(Kind.PRICE, Action.UPDATE, "REF", "A", Lane.PRICE_FALL, {"price": "8"}, {"price": "9"}, "promotion")


@pytest.fixture
def clock() -> JumpingClock:
    """The 23rd of November, 9 o'clock."""
    return JumpingClock()


@pytest.fixture
def audit(tmp_path: Path, clock: JumpingClock) -> AuditLog:
    """The audit of run 7."""
    log = AuditLog(tmp_path, clock)
    log.run = 7
    return log


def files(directory: Path) -> list[str]:
    """The audit's files."""
    return sorted(path.name for path in directory.glob("audit-*"))


def test_what_is_kept(audit: AuditLog, tmp_path: Path) -> None:
    """Changes with before, after, reason and result; skips; failures; why a run stopped. For the owner alone."""
    audit.change(CHANGE)
    audit.change(CHANGE, result="error 85", seen=Seen({"price": "7.77"}))
    audit.skip(Skipped("article", "A-1", "brand_unmapped", "brand SES has no mapping", "lcvsync map set"))
    audit.failure(Failed("stock", "S1", "no"))
    audit.error("the shop is closed")

    found = list(audit.entries())

    assert [entry["event"] for entry in found] == ["change", "change", "skip", "failure", "error"]
    assert all(entry["run"] == 7 and entry_time(entry) == datetime(2026, 11, 23, 9, tzinfo=UTC) for entry in found)
    assert (found[0]["before"], found[0]["after"], found[0]["result"]) == ({"price": "9"}, {"price": "8"}, "ok")
    assert (found[1]["before"], found[1]["result"]) == ({"price": "7.77"}, "error 85")
    [path] = tmp_path.glob("audit-*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_file_a_day(audit: AuditLog, clock: JumpingClock, tmp_path: Path) -> None:
    """Days are UTC's; reading takes those from and until, oldest first."""
    for message in ("first", "second", "third"):
        audit.error(message)
        clock.sleep(DAY)

    assert files(tmp_path) == [f"audit-2026-11-{day}.jsonl" for day in (23, 24, 25)]

    def told(since: int | None = None, until: int | None = None) -> list[str]:
        days = [date(2026, 11, day) if day else None for day in (since, until)]
        return [entry["result"] for entry in audit.entries(*days)]

    assert told() == ["first", "second", "third"]
    assert told(24) == ["second", "third"]
    assert told(until=24) == ["first", "second"]
    assert told(24, 24) == ["second"]


def test_a_torn_last_line(audit: AuditLog, tmp_path: Path) -> None:
    """A line that a crash cut off is passed over; what is written after it is a line of its own."""
    audit.error("before")
    [path] = tmp_path.glob("audit-*")
    with path.open("a") as file:
        file.write('{"at": "2026-11-23T09:00:00+00:00", "ev')

    audit.error("after")
    audit.error("later")

    assert [entry["result"] for entry in audit.entries()] == ["before", "after", "later"]


@pytest.mark.parametrize("text", ["a\nb", "\u2028", "\x00\x1b[31m", "é😀", '"}{"', "\ud800"])
def test_any_text(audit: AuditLog, text: str) -> None:
    """Whatever LCV or a person typed is one line and comes back; half a character doesn't stop the run."""
    audit.error(text)
    audit.error("next")

    assert [entry["result"] for entry in audit.entries()] == [text, "next"]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        '"at"',
        "null",
        "{}",
        "\xff\xfe",
        "",
        "[" * 100_000,
        "9" * 5_000,
        '{"at": "2026-11-22"}',
        '{"at": "2026-11-22T10:00:00+00:00", "run": "7"}',
        '{"at": "2026-11-22T10:00:00+00:00", "event": "change"}',
    ],
)
def test_lines_of_others(audit: AuditLog, tmp_path: Path, line: str) -> None:
    """A line that is no entry is passed over."""
    whole = {"at": "2026-11-22T10:00:00+00:00"}
    (tmp_path / "audit-2026-11-22.jsonl").write_bytes(line.encode("latin-1") + b"\n" + json.dumps(whole).encode())

    assert list(audit.entries()) == [whole]


def test_prune(audit: AuditLog, clock: JumpingClock, tmp_path: Path) -> None:
    """Files older than so many days go, nothing else does."""
    for days in (0, 89, 90, 91, 400):
        day = clock.now() - timedelta(days=days)
        (tmp_path / f"audit-{day:%Y-%m-%d}.jsonl").write_text("")
    (tmp_path / "audit-notes.txt").write_text("")

    audit.prune(90)

    assert files(tmp_path) == [
        "audit-2026-08-25.jsonl",
        "audit-2026-08-26.jsonl",
        "audit-2026-11-23.jsonl",
        "audit-notes.txt",
    ]
