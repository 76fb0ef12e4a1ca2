"""What disturbs the runs of random histories: faults at any request, and death between two of them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck

from lcvsync.emulators.faults import FaultKind
from lcvsync.emulators.http import Request, Response
from tests.whole.harness import World

FAULTS = [
    *((kind, 500) for kind in (FaultKind.REFUSED, FaultKind.LOST, FaultKind.CUT, FaultKind.BROKEN, FaultKind.HTML)),
    *((FaultKind.STATUS, status) for status in (429, 500, 503)),
    *((FaultKind.SAVED, status) for status in (500, 503)),
]
ACCEPTED = {0, 3, 5, 6}  # exit codes of a disturbed run: done, records failed, temporary, something held back
COMMON: dict[str, Any] = {"suppress_health_check": list(HealthCheck), "report_multiple_bugs": False}
"""Whole runs are slow, and much of what is drawn fits no order; one failure at a time is enough to look at."""


@dataclass
class Killed:
    """A run that is killed: after its request number *at* nothing arrives, its state is as it was on disk then."""

    made: World
    at: int
    served: bool
    """Whether that request was still carried out."""
    count: int = 0
    kept: Path | None = None

    def run(self) -> None:
        """The run, as far as it comes."""
        shop, lcv = self.made.shop.emulator, self.made.lcv.emulator
        self.made.shop.emulator, self.made.lcv.emulator = _Dying(self, shop), _Dying(self, lcv)
        try:
            self.made.sync()
        finally:
            self.made.shop.emulator, self.made.lcv.emulator = shop, lcv
        if self.kept:
            shutil.rmtree(self.made.directory)
            self.kept.rename(self.made.directory)

    def die(self) -> None:
        """Keep the state as another process would find it."""
        self.kept = self.made.directory.with_name("killed")
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.made.directory, self.kept, ignore=shutil.ignore_patterns("*.db*"))
        for path in self.made.directory.glob("*.db"):
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(self.kept / path.name)) as target:
                source.backup(target)


class _Dying:
    """One of the two parties, as a run sees it that dies."""

    def __init__(self, killed: Killed, emulator: Any) -> None:
        self._killed, self._emulator = killed, emulator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emulator, name)

    def handle(self, request: Request) -> Response:
        """The answer, 503 after death: nobody remembers it."""
        self._killed.count += 1
        if self._killed.count == self._killed.at:
            self._killed.die()
        if self._killed.count < self._killed.at + self._killed.served:
            response: Response = self._emulator.handle(request)
            return response
        return Response(503)
