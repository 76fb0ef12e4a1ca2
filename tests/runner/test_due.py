"""When something is to be done again, by a clock that may have been wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lcvsync.runner.due import is_due

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "due"),
    [
        (timedelta(0), False),
        (timedelta(minutes=59), False),
        (timedelta(hours=1), True),
        (timedelta(days=-1), True),
        (timedelta(days=-400), True),
    ],
)
def test_is_due(ago: timedelta, due: bool) -> None:
    """After its time; and at once where it was done in the future, by a clock that was set right since."""
    assert is_due((NOW - ago).isoformat(), timedelta(hours=1), NOW) is due


def test_never_done() -> None:
    """What was never done is due."""
    assert is_due(None, timedelta(hours=1), NOW)
