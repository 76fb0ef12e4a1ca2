"""Feeds of revisions: what changed since a cursor, oldest change first.

Every change takes the next number of one counter shared by all feeds. A record changed twice stands once, at its
newest revision, so that reading pages of any size while records change still ends at the present state.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Record = TypeVar("Record")


class Counter:
    """The revision number that all feeds share; it only grows."""

    def __init__(self) -> None:
        self.newest = 0

    def next(self) -> int:
        """A number greater than every one before."""
        self.newest += 1
        return self.newest


class CursorExpiredError(Exception):
    """Tombstones newer than this cursor have been dropped: the feed is to be read again from 0."""


@dataclass(frozen=True)
class Page(Generic[Record]):
    """One page: (key, revision, record) with None as the record of what was deleted."""

    items: list[tuple[Hashable, int, Record | None]]
    next: int
    more: bool


class Feed(Generic[Record]):
    """The records of one kind by key, each with its newest revision; deleted ones leave a tombstone."""

    def __init__(self, counter: Counter) -> None:
        self.newest = 0
        """Of every change ever made here, so that it never falls when tombstones are dropped."""
        self._counter = counter
        self._entries: dict[Hashable, tuple[int, Record | None]] = {}
        """In ascending order of revision."""
        self._order: list[tuple[int, Hashable]] | None = None
        """The same order, for searching; made when it is asked for."""
        self._expired = False

    def put(self, key: Hashable, record: Record) -> int:
        """Add or change a record; its revision."""
        return self._change(key, record)

    def delete(self, key: Hashable) -> bool:
        """Leave a tombstone; False where there is no such record."""
        if self.get(key) is None:
            return False
        self._change(key, None)
        return True

    def get(self, key: Hashable) -> Record | None:
        """The present record."""
        return self._entries.get(key, (0, None))[1]

    def revision(self, key: Hashable) -> int:
        """The newest revision of a record or tombstone; 0 where there never was one."""
        return self._entries.get(key, (0, None))[0]

    def records(self) -> list[tuple[int, Record]]:
        """Every present record with its revision, in order of revision."""
        return [(revision, record) for revision, record in self._entries.values() if record is not None]

    def page(self, since: int, limit: int) -> Page[Record]:
        """What changed after *since*, at most *limit* records; raises `CursorExpiredError`."""
        if since == 0:
            self._expired = False
        elif self._expired:
            raise CursorExpiredError
        order = self._sorted()
        start = bisect_right(order, since, key=lambda entry: entry[0])
        chosen = order[start : start + limit]
        more = start + limit < len(order)
        items = [(key, revision, self._entries[key][1]) for revision, key in chosen]
        # The last page ends at the newest change, even when its tombstone is gone: a client that has read
        # everything must not find /revisions ahead of its cursor for ever.
        return Page(items, chosen[-1][0] if more else max(since, self.newest), more)

    def expire(self, forgettable: Callable[[Record], bool] = lambda record: False) -> None:
        """Drop tombstones, and records that mean the same as none; cursors are refused until a reading from 0."""
        self._expired = True
        self._entries = {
            key: (revision, record)
            for key, (revision, record) in self._entries.items()
            if record is not None and not forgettable(record)
        }
        self._order = None

    def _change(self, key: Hashable, record: Record | None) -> int:
        self.newest = self._counter.next()
        self._entries.pop(key, None)
        self._entries[key] = (self.newest, record)
        self._order = None
        return self.newest

    def _sorted(self) -> list[tuple[int, Hashable]]:
        if self._order is None:
            self._order = [(revision, key) for key, (revision, _) in self._entries.items()]
        return self._order
