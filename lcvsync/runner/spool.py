"""A list of JSON values that may be longer than memory has room for: beyond a few megabytes it lies in a file."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

from lcvsync.planning.changes import Json

IN_MEMORY = 4_000_000
"""Bytes; what is longer goes to the directory for temporary files, for its owner alone, and goes with the list."""


class Spool:
    """Values that are added at the end and read from the beginning, as often as need be, by one reader at a time."""

    def __init__(self, values: Iterable[Json] = ()) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", prefix="lcvsync-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._count = 0
        self.extend(values)

    def extend(self, values: Iterable[Json]) -> None:
        """Add *values*. They must not read the spool meanwhile."""
        self._file.seek(0, 2)
        for value in values:
            self._file.write(f"{json.dumps(value)}\n")
            self._count += 1

    def append(self, value: Json) -> None:
        """Add one value."""
        self.extend((value,))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Json]:
        self._file.seek(0)
        for _ in range(self._count):
            yield json.loads(self._file.readline())
