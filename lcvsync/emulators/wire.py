"""Requests and answers as the bytes of HTTP/1.1."""

from __future__ import annotations

import http
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcvsync.emulators.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    from lcvsync.emulators.http import Response

_BODILESS = {204, 304}
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


@dataclass(frozen=True)
class Delivery:
    """The bytes to put on the wire, perhaps none, and whether to close the connection afterwards."""

    data: bytes
    close: bool


def read_body(stream: BufferedIOBase, headers: dict[str, str]) -> bytes:
    """The whole body of a request, its length announced or chunked; raises ValueError when it is cut short."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if "chunked" in lowered.get("transfer-encoding", "").lower():
        return b"".join(_chunks(stream))
    length = int(lowered.get("content-length", "0"))
    body = stream.read(length)
    if len(body) < length:
        raise ValueError("the body is cut short")
    return body


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """The chunks of a body without announced length (RFC 9112, section 7.1)."""
    while size := int(stream.readline(1024).partition(b";")[0], 16):
        yield stream.read(size)
        stream.readline(1024)
    while stream.readline(8192).strip():
        pass  # trailer fields mean nothing here


def deliver(method: str, response: Response | None, fault: Fault | None) -> Delivery:
    """The answer as bytes; a cut one ends in the middle of its body, or of its headers where it has no body."""
    if response is None:
        return Delivery(b"", close=True)
    data = wire(method, response)
    if fault is None or fault.kind is not FaultKind.CUT:
        return Delivery(data, close=False)
    head = data.index(b"\r\n\r\n") + 4
    body = len(data) - head
    return Delivery(data[: head + body // 2] if body else data[: head // 2], close=True)


def wire(method: str, response: Response) -> bytes:
    """The whole answer as HTTP/1.1."""
    reason = _PHRASES.get(response.status, "Unknown")
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
    body = b"" if response.status in _BODILESS else response.body
    if response.status not in _BODILESS:
        headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if method == "HEAD" else body)
