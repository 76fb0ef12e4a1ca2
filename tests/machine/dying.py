"""`lcvsync` as a process of its own that can be killed at a commit: `python dying.py NOW COMMIT WHEN ARGUMENT...`.

It kills itself with SIGKILL `before` or `after` its commit number COMMIT, never where that is 0; then the number of its
commits is the last line that it prints. NOW is its time, since the emulators have one of their own.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from datetime import datetime
from typing import Any

from lcvsync import bootstrap
from lcvsync.cli.main import run


class _Connection(sqlite3.Connection):
    """A connection whose commits are counted."""

    commits = 0
    fatal = int(sys.argv[2])
    before = sys.argv[3] == "before"

    def commit(self) -> None:
        """Commit, and die where it is time to."""
        if not self.in_transaction:
            super().commit()
            return
        _Connection.commits += 1
        due = _Connection.commits == self.fatal
        if due and self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        super().commit()
        if due:
            os.kill(os.getpid(), signal.SIGKILL)


def _connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    return _open(*arguments, factory=_Connection, **options)


if __name__ == "__main__":
    _open = sqlite3.connect
    sqlite3.connect = _connect  # type: ignore[assignment]
    now = datetime.fromisoformat(sys.argv[1])
    bootstrap.SystemClock.now = lambda self: now  # type: ignore[method-assign]
    code = run(sys.argv[4:])
    print(_Connection.commits)  # noqa: T201 - what the test wants to know
    sys.exit(code)
