"""The types of members in LCV's payloads, and the reading of a payload with its faults in words.

Rules: required members must be there with the type that the contract gives; nothing is converted that isn't that type
(no 1 for "1", no 89.9 for "89.90"); unknown members are ignored.

- Decimals are decimal strings: no exponent, no NaN, at most ten digits before the point and six after it.
- Times carry an offset and become UTC. Back offices write "for ever" as year 9999 or 1: times are clamped to years
  in which every time zone's arithmetic works.
- Keys (codes, ids, skus) are not empty, not long, and have no control characters. Other texts lose theirs, and escape
  sequences of terminals, since neither XML nor a shop can hold them.
- Integers fit where they are kept: 64 bits for revisions, 32 for quantities and positions.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError

from lcvsync.domain.texts import sendable
from lcvsync.transport import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_KEY = 500
LONGEST_TEXT = 5_000_000
"""Characters; PrestaShop's longest column takes 65,535 bytes."""
_MONEY = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,6})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(9998, 12, 31, tzinfo=UTC)


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise ValueError('expected a decimal string such as "89.90"')
    return Decimal(value)


def _time(value: object) -> datetime:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("expected a time with an offset, such as 2026-11-23T10:00:00+01:00")
    moment = datetime.fromisoformat(value.upper())
    if moment.year in {1, 9999}:
        return _EARLIEST if moment.year == 1 else _LATEST
    return min(max(moment.astimezone(UTC), _EARLIEST), _LATEST)


def _key(value: object) -> str:
    if not isinstance(value, str) or not value or _NOT_IN_KEYS.search(value):
        raise ValueError("expected a text that isn't empty and has no control characters")
    if len(value) > LONGEST_KEY:
        raise ValueError(f"expected a text of at most {LONGEST_KEY} characters")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"expected a text of at most {LONGEST_TEXT} characters")
    return sendable(value)


def _nullable(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """*read*, with None for null."""
    return lambda value: None if value is None else read(value)


def _blank(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """*read*, with None for null and for the empty string, where both can only mean that there is none."""
    return lambda value: None if value is None or value == "" else read(value)


Money = Annotated[Decimal, BeforeValidator(_decimal)]
Time = Annotated[datetime, BeforeValidator(_time)]
Key = Annotated[str, BeforeValidator(_key)]
Text = Annotated[str, BeforeValidator(_text)]
MaybeMoney = Annotated[Decimal | None, BeforeValidator(_nullable(_decimal))]
MaybeTime = Annotated[datetime | None, BeforeValidator(_nullable(_time))]
MaybeKey = Annotated[str | None, BeforeValidator(_blank(_key))]
NullableKey = Annotated[str | None, BeforeValidator(_nullable(_key))]
"""For what means "all" when it is null: an empty string isn't taken for that."""
MaybeText = Annotated[str | None, BeforeValidator(_blank(_text))]
AccessKey = Annotated[str, Field(strict=True, min_length=32, max_length=4096, pattern=r"^[\x21-\x7e]+\z")]
"""What an HTTP header can carry."""
Revision = Annotated[StrictInt, Field(ge=0, lt=2**63)]
Small = Annotated[StrictInt, Field(ge=-(2**31), lt=2**31)]


class Payload(BaseModel):
    """What every payload shares."""

    # Built at first use: a run to which LCV says that nothing changed reads none.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


P = TypeVar("P", bound=Payload)


def read(kind: type[P], data: object) -> P:
    """*data* as a payload of this *kind*. Raises ValueError: members at fault and what was expected, in one line."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise ValueError(_faults(error)) from error


def _faults(error: ValidationError) -> str:
    """At most three members by their path, and how many more."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    texts = [
        f"{'.'.join(str(step) for step in fault['loc']) or 'record'}: {_expected(fault['msg'])}" for fault in faults
    ]
    more = [f"and {len(texts) - 3} more"] if len(texts) > 3 else []
    return one_line("; ".join(texts[:3] + more), 400)


def _expected(message: str) -> str:
    """pydantic's message in our words."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "expected")
    return {"Field required": "is missing"}.get(plain, plain)
