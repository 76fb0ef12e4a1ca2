"""The shapes of the bodies that the back office takes: each check adds what is wrong to the problems, by path.

They follow the schemas of `docs/lcv-api.yaml`: types are exact (no 1 for "1", no true for 1), required members must be
there, `null` is refused where the contract doesn't have it. Members that the contract doesn't know are let through, as
its schemas do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from lcvsync.emulators.lcv.answers import RefusalError

Problems = dict[str, str]
Check = Callable[[Any, str, Problems], None]
"""Takes a value, its path ("lines.0.sku") and the problems found so far."""

_MONEY = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,6})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST = 2**31 - 1


def refuse_unless(check: Check, body: Any, what: str) -> None:
    """Refuse with 422 `invalid` and every problem at once."""
    problems: Problems = {}
    check(body, "", problems)
    if problems:
        raise RefusalError(422, "invalid", f"The {what} can't be accepted.", details=problems)


def text(*, shortest: int = 0, longest: int | None = None, pattern: str = ".*", like: str = "") -> Check:
    """A string of so many characters, whole in *pattern*; *like* says what it should look like."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, str) or not _is_unicode(value):
            problems[path] = "must be a string"
        elif len(value) < shortest or (longest is not None and len(value) > longest):
            problems[path] = f"must have {shortest} to {longest or 'any number of'} characters"
        elif not re.fullmatch(pattern, value, re.DOTALL):
            problems[path] = f"must be {like}"

    return check


def one_of(*values: str | None) -> Check:
    """One of an enumeration."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not (value is None or isinstance(value, str)) or value not in values:
            problems[path] = f"must be one of {', '.join(str(each) for each in values)}"

    return check


def boolean(value: Any, path: str, problems: Problems) -> None:
    """True or false."""
    if not isinstance(value, bool):
        problems[path] = "must be true or false"


def integer(value: Any, path: str, problems: Problems) -> None:
    """A whole number of 32 bits, not 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < abs(value) <= _MOST:
        problems[path] = "must be an integer other than 0"


def money(value: Any, path: str, problems: Problems) -> None:
    """A decimal string."""
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        problems[path] = 'must be a decimal string such as "89.90"'


def moment(value: Any, path: str, problems: Problems) -> None:
    """A time in RFC 3339, with an offset."""
    if not _parses(value, _TIME, lambda found: datetime.fromisoformat(found.upper())):
        problems[path] = "must be a time with an offset, such as 2026-11-23T10:00:00+01:00"


def day(value: Any, path: str, problems: Problems) -> None:
    """A date."""
    if not _parses(value, _DAY, date.fromisoformat):
        problems[path] = "must be a date such as 1984-02-29"


def nullable(inner: Check) -> Check:
    """What *inner* takes, or null."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if value is not None:
            inner(value, path, problems)

    return check


def each(inner: Check) -> Check:
    """An array of what *inner* takes."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems[path] = "must be an array"
            return
        for place, item in enumerate(value):
            inner(item, f"{path}.{place}", problems)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """An object with these members."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems[path or "body"] = "must be an object"
            return
        for name, inner in {**required, **optional}.items():
            place = f"{path}.{name}" if path else name
            if name in value:
                inner(value[name], place, problems)
            elif name in required:
                problems[place] = "is required"

    return check


def _parses(value: Any, pattern: re.Pattern[str], parse: Callable[[str], object]) -> bool:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _is_unicode(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON has escapes for halves of characters."""
    return not re.search("[\ud800-\udfff]", value)
