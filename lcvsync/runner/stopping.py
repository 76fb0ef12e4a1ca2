"""When a run ends before its work: the time budget, and signals. The batch in hand is always finished and saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcvsync.ports import Clock

GRACE = 30.0
"""Seconds that a run may take to write what was sold while it wrote."""


class StopRun(Exception):  # noqa: N818 - a decision, not an error
    """Leave the run cleanly; what is done is saved, the next run goes on."""


class BudgetReached(StopRun):
    """`sync.max_seconds` is over."""


class Interrupted(StopRun):
    """Ctrl-C, SIGTERM or a terminal that was closed; *signal* is SIGINT, or SIGTERM for the others."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Stopper:
    """Asked before every batch; raises when the run should end."""

    def __init__(self, clock: Clock, max_seconds: float) -> None:
        self._clock = clock
        self._half = clock.monotonic() + max_seconds / 2
        self._end = clock.monotonic() + max_seconds
        self._signal = 0
        self._grace = 0.0

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Finish what must not be left half done: nothing asks to leave for as long as `GRACE` allows."""
        self._grace = self._clock.monotonic() + GRACE
        try:
            yield
        finally:
            self._grace = 0.0

    def check(self) -> None:
        """Raise Interrupted or BudgetReached when it is time to leave."""
        if self._clock.monotonic() < self._grace:
            return
        if self._signal:
            raise Interrupted(self._signal)
        if self._clock.monotonic() >= self._end:
            raise BudgetReached

    def half_spent(self) -> bool:
        """Whether half of the time budget is gone."""
        return self._clock.monotonic() >= self._half

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP as a wish to leave; a second one acts at once. Ignored ones stay so."""
        previous = {
            number: handler
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if (handler := signal.getsignal(number)) is not signal.SIG_IGN
        }

        def note(number: int, frame: FrameType | None) -> None:
            self._signal = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM
            for each, handler in previous.items():  # the second one acts, whichever of them it is
                signal.signal(each, handler)

        try:
            for number in previous:
                signal.signal(number, note)
        except ValueError:  # not the main thread: signals are somebody else's
            yield
            return
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
