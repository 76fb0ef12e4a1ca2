"""The audit: one file a day of changes, skips and errors (manual, "Audit et journalisation"). No personal data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lcvsync.errors import ConfigurationError, Temporary

if TYPE_CHECKING:
    from lcvsync.planning.changes import Change, Failed, Json, Skipped
    from lcvsync.ports import Clock

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_CURE = "check the owner of the file and the space left on the disk"


@dataclass(frozen=True, slots=True)
class Seen:
    """What writing a record found out, beyond its change: by field, in our own names."""

    before: Mapping[str, Json]
    """What the shop held, in every language."""
    after: Mapping[str, Json] | None = None
    """What was written, where that is more exact than the change: others' elements of lists, languages."""
    edited: Mapping[str, Json] = field(default_factory=dict)
    """What a person had typed there: neither what was last written nor what is written now."""


class AuditLog:
    """Writes and reads `audit-YYYY-MM-DD.jsonl` in the state directory; dates are UTC."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self.run = 0

    def change(self, change: Change, *, result: str = "ok", seen: Seen | None = None, identifier: int = 0) -> None:
        """A change that the shop accepted (or refused: *result* says why).

        What was there before is what the shop held where it was read (*seen*), else what was last written.
        *identifier*: the id of a record that was made.
        """
        self._write(_change(change, result, seen, identifier))

    def changes(self, changes: Iterable[tuple[Change, Seen | None, int]]) -> None:
        """Changes of one batch that the shop accepted, each with what was seen and made."""
        self._write(*(_change(change, "ok", seen, identifier) for change, seen, identifier in changes))

    def skip(self, item: Skipped) -> None:
        """Something that is not done."""
        self._write({"event": "skip", "kind": item.kind, "key": item.key, "reason": item.reason, "detail": item.detail})

    def failure(self, item: Failed) -> None:
        """A record that was refused."""
        self._write({"event": "failure", "kind": item.kind, "key": item.key, "result": item.error})

    def error(self, message: str) -> None:
        """Why a run stopped."""
        self._write({"event": "error", "result": message})

    def check(self) -> None:
        """Raise ConfigurationError where today's file is there and can't be written: before anything is done."""
        path = self._today()
        try:
            os.close(os.open(path, _APPEND))
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigurationError(f"the audit {path} can't be written: {error.strerror}", cure=_CURE) from error

    def _today(self) -> Path:
        return self._directory / f"audit-{self._clock.now():%Y-%m-%d}.jsonl"

    def _write(self, *entries: dict[str, Json]) -> None:
        """Raises Temporary: nothing is written to the shop that can't be told afterwards."""
        if not entries:
            return
        head = {"at": self._clock.now().isoformat(), "run": self.run}
        lines = b"".join(_line({**head, **entry}) for entry in entries)
        path = self._today()
        try:
            handle = os.open(path, _APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "ab") as file:
                size = os.fstat(handle).st_size
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # by a crash: it stays a line of its own
                file.write(b"\n" * torn + lines)
        except OSError as error:
            raise Temporary(f"the audit {path} can't be written: {error.strerror}", cure=_CURE) from error

    def days(self) -> list[date]:
        """The days that have a file, oldest first."""
        names = (path.stem.removeprefix("audit-") for path in self._directory.glob("audit-????-??-??.jsonl"))
        return sorted(day for name in names if (day := _day(name)))

    def entries(self, since: date | None = None, until: date | None = None) -> Iterator[dict[str, Json]]:
        """The entries of the days from *since* to *until*, oldest first; a torn last line is passed over.

        Raises ConfigurationError for a file that can't be read.
        """
        for path in sorted(self._directory.glob("audit-????-??-??.jsonl")):
            day = path.stem.removeprefix("audit-")
            if (since and day < since.isoformat()) or (until and day > until.isoformat()):
                continue
            try:
                with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
                    yield from _entries(lines)
            except OSError as error:
                raise ConfigurationError(f"the audit {path} can't be read: {error.strerror}", cure=_CURE) from error

    def prune(self, keep_days: int) -> None:
        """Remove the files that are older than *keep_days*."""
        oldest = (self._clock.now().astimezone(UTC).date() - timedelta(days=keep_days)).isoformat()
        for path in self._directory.glob("audit-????-??-??.jsonl"):
            if path.stem.removeprefix("audit-") < oldest:
                path.unlink(missing_ok=True)


def _change(change: Change, result: str, seen: Seen | None, identifier: int) -> dict[str, Json]:
    seen = seen or Seen(change.before)
    entry = {
        "event": "change",
        "kind": change.kind,
        "action": change.action,
        "key": change.key,
        "product": change.product,
        "sku": change.sku,
        "id": identifier or change.id,
        "before": dict(seen.before),
        "after": dict(change.after if seen.after is None else seen.after),
        "edited": dict(seen.edited),
        "reason": change.reason,
        "result": result,
    }
    needless = {name for name in ("sku", "id", "edited") if not entry[name]}
    return {name: value for name, value in entry.items() if name not in needless}


def _line(entry: Mapping[str, Json]) -> bytes:
    """An entry as it stands in the file: readable, or escaped where half a character (a lone surrogate) is in it."""
    try:
        return f"{json.dumps(entry, ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(entry)}\n".encode()


def _entries(lines: Iterable[str]) -> Iterator[dict[str, Json]]:
    """What lines say: those that are whole. Only LF ends one; U+2028 and its like are part of what was typed."""
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and _is_whole(entry):
            yield entry


_TEXTS = ("event", "kind", "action", "key", "product", "sku", "reason", "result", "detail")
_VALUES = ("before", "after", "edited")
_NUMBERS = ("run", "id")
_OF_A_CHANGE = {"kind", "action", "key", "product", "before", "after", "reason", "result"}


def _is_whole(entry: Mapping[str, Json]) -> bool:
    """Whether it is one of ours: a line that something else wrote, or that was damaged, is passed over."""
    try:
        aware = entry_time(entry).tzinfo is not None
    except (KeyError, ValueError):
        return False
    typed = (
        all(isinstance(entry.get(name, ""), str) for name in _TEXTS)
        and all(isinstance(entry.get(name, {}), dict) for name in _VALUES)
        and all(type(entry.get(name, 0)) is int for name in _NUMBERS)
    )
    return aware and typed and (entry.get("event") != "change" or entry.keys() >= _OF_A_CHANGE)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def entry_time(entry: Mapping[str, Json]) -> datetime:
    """When an entry was written."""
    return datetime.fromisoformat(str(entry["at"]))
