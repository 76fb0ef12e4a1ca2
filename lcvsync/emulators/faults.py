"""Which fault meets a request and what it makes of the answer: pure decisions; the server acts on them.

A fault waits in a list until a request matches its `method` and `path`. The first fault of the list that
matches and has let its `skip` requests through fires; those after it neither see nor count that request.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lcvsync.emulators.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FOR_EVER = 0
"""The `times` of a fault that never runs out."""


class FaultKind(StrEnum):
    """What goes wrong, and whether the emulator does the work before."""

    REFUSED = "refused"
    """The connection closes without an answer; the work is not done."""
    SLOW = "slow"
    """The work is done after `seconds`, and answered."""
    CUT = "cut"
    """The work is done; the headers and half of the body arrive, then the connection closes."""
    LOST = "lost"
    """The work is done; the connection closes without an answer."""
    STATUS = "status"
    """`status` is answered, 500 by default; the work is not done."""
    SAVED = "saved"
    """The work is done; `status`, 500 by default, is answered with `body`."""
    BROKEN = "broken"
    """The work is done; 200 is answered with `body`, by default the first half of the real one."""
    HTML = "html"
    """A proxy's page is answered with `status`, 200 by default; the work is not done."""


_DEFAULT_STATUS = {FaultKind.BROKEN: 200, FaultKind.HTML: 200}
_PATIENCE = {429: 1, 503: 1}
"""Retry-After in seconds that these statuses carry unless the fault says otherwise."""


class InvalidFaultError(ValueError):
    """A fault that can't be understood; the text says what is wrong with it."""


@dataclass(frozen=True)
class Fault:
    """One fault in waiting."""

    kind: FaultKind
    method: str | None = None
    """A regular expression for the whole method, whatever its case; None: all."""
    path: str | None = None
    """A regular expression found anywhere in path and query, as sent or percent-decoded; None: all."""
    skip: int = 0
    """How many matching requests are let through first."""
    times: int = 1
    """How often it fires; `FOR_EVER` without end."""
    seconds: float = 0.0
    status: int = 500
    retry_after: int | None = None
    """Seconds in a Retry-After header; None: no such header."""
    body: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """The fault that a control request describes; raises `InvalidFaultError`."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise InvalidFaultError(f"unknown members: {', '.join(unknown)}")
        try:
            kind = FaultKind(data["kind"])
            status = int(data.get("status", _DEFAULT_STATUS.get(kind, 500)))
            fault = cls(**{**data, "kind": kind, "status": status})
            re.compile(fault.method or "")
            re.compile(fault.path or "")
        except KeyError:
            raise InvalidFaultError("kind is missing") from None
        except (TypeError, ValueError, re.error) as error:
            raise InvalidFaultError(str(error)) from error
        if min(fault.skip, fault.times) < 0 or fault.seconds < 0:
            raise InvalidFaultError("skip, times and seconds can't be negative")
        return fault if "retry_after" in data else replace(fault, retry_after=_PATIENCE.get(status))

    def to_json(self) -> dict[str, Any]:
        """The fault as a control request would describe it."""
        return asdict(self)

    def matches(self, method: str, target: str) -> bool:
        """Whether it concerns a request; *target* is path and query as sent."""
        if self.method is not None and not re.fullmatch(self.method, method, re.IGNORECASE):
            return False
        return self.path is None or any(re.search(self.path, text) for text in (target, unquote(target)))


def choose(faults: Sequence[Fault], method: str, target: str) -> tuple[Fault | None, list[Fault]]:
    """The fault that meets this request, or None, and the faults that remain afterwards."""
    remaining = list(faults)
    for index, fault in enumerate(faults):
        if not fault.matches(method, target):
            continue
        if fault.skip:
            remaining[index] = replace(fault, skip=fault.skip - 1)
            continue
        remaining[index : index + 1] = _after_firing(fault)
        return fault, remaining
    return None, remaining


def _after_firing(fault: Fault) -> list[Fault]:
    """What is left of *fault* once it has fired."""
    if fault.times == FOR_EVER:
        return [fault]
    return [replace(fault, times=fault.times - 1)] if fault.times > 1 else []


_PROXY_PAGE = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def own_answer(fault: Fault, refusal: Callable[[int], Response] | None) -> Response:
    """The answer that a fault gives in place of the emulator's.

    *refusal* is how the emulator itself would refuse with a given status, where it can say.
    """
    if fault.body is not None:
        response = Response(fault.status, fault.body.encode(), {"Content-Type": _content_type(fault.body)})
    elif fault.kind is FaultKind.HTML:
        response = Response(fault.status, _PROXY_PAGE, {"Content-Type": "text/html"})
    elif refusal is not None:
        response = refusal(fault.status)
    else:
        response = Response(fault.status, b"", {"Content-Type": "text/plain"})
    headers = _without(response.headers, "retry-after")
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return replace(response, headers=headers)


def broken(response: Response, fault: Fault) -> Response:
    """*response* with a body that nobody can parse."""
    headers = _without(response.headers, "content-encoding")
    zipped = len(headers) < len(response.headers)
    real = gzip.decompress(response.body) if zipped else response.body
    body = fault.body.encode() if fault.body is not None else real[: len(real) // 2] or b"\x00garbage"
    return Response(fault.status, body, headers)


def _without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() != name}


def _content_type(body: str) -> str:
    """What a fault's own *body* looks like."""
    if body.lstrip().startswith(("{", "[")):
        return "application/json"
    return "text/xml" if body.lstrip().startswith(("<?xml", "<prestashop")) else "text/html"
