"""When something is to be done again, by a clock that may have been wrong and was set right."""

from __future__ import annotations

from datetime import datetime, timedelta


def is_due(last: str | None, every: timedelta, now: datetime) -> bool:
    """Whether what was done at *last* (ISO 8601; None: never) is due again.

    What was done in the future was done by a clock that ran ahead: it is due, or it wouldn't be until then.
    """
    return last is None or passed(datetime.fromisoformat(last), every, now)


def passed(last: datetime, every: timedelta, now: datetime) -> bool:
    """The same of a time."""
    return not timedelta(0) <= now - last < every
