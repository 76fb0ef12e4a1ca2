"""At most so many requests a minute, for hosts that count."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcvsync.ports import Clock

_MINUTE = 60.0


class Throttle:
    """Waits before a request that would be one too many in any 60 seconds; a short burst goes at full speed.

    Threads may share it: they wait in turn.
    """

    def __init__(self, clock: Clock, most: int | None) -> None:
        """*most* requests a minute; None for no limit."""
        self._clock = clock
        self._most = most
        self._sent: deque[float] = deque()
        self._turn = Lock()

    def wait(self) -> None:
        """Return when the next request may leave, and count it."""
        if self._most is None:
            return
        with self._turn:
            if len(self._sent) >= self._most:
                due = self._sent.popleft() + _MINUTE
                if (delay := due - self._clock.monotonic()) > 0:
                    self._clock.sleep(delay)
            self._sent.append(self._clock.monotonic())
