"""What bounds an answer that is being received: its time, whatever it drips with, and its bytes, before and after
decompression.

httpx only knows how long to wait for the next piece. A server that sends a byte a minute, in the status line, the
headers or the size of a chunk, or `103 Early Hints` for ever, would be listened to for months. So every read of a
connection is given what is left of its exchange's time; exchanges of several threads have a time each.
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore

from lcvsync.errors import BadAnswer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

    import httpx


class TookTooLongError(httpcore.ReadTimeout):
    """The whole time of an exchange is over, though no single read took too long."""


class Patience(threading.local):
    """How long the exchange of this thread may take: by the machine's clock, as the sockets' own limits are."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = math.inf

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """An exchange: what is read in it must come in time."""
        self._until = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._until = math.inf

    def left(self, seconds: float | None) -> float | None:
        """*seconds* for one read, or what is left for all of them. Raises TookTooLongError: nothing is."""
        if self._until == math.inf:
            return seconds
        left = self._until - time.monotonic()
        if left <= 0:
            raise TookTooLongError(f"the answer took longer than {self._seconds:g} s")
        return left if seconds is None else min(seconds, left)


def bound(client: httpx.Client, patience: Patience) -> None:
    """Let every connection of *client*, those through proxies too, read with *patience*.

    httpx has no public way to a connection's stream; `tests/test_receiving.py` fails where this one ends.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if inner := getattr(pool, "_network_backend", None):
            pool._network_backend = _Backend(inner, patience)


class _Backend(httpcore.NetworkBackend):
    """*inner*, whose connections read with patience."""

    def __init__(self, inner: httpcore.NetworkBackend, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(*arguments, **options), self._patience)

    def connect_unix_socket(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(*arguments, **options), self._patience)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """*inner*, read with patience."""

    def __init__(self, inner: httpcore.NetworkStream, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._inner.read(max_bytes, self._patience.left(timeout))
        except httpcore.ReadTimeout:
            self._patience.left(timeout)  # what was left for all of them may have been less than for one
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._patience.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._patience)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def read_body(pieces: Iterable[bytes], encoding: str, limit: int, address: str) -> bytes:
    """The body that *pieces* make, decompressed here rather than by httpx, whose decoders know no bound and may be
    stacked.

    Raises BadAnswer: more than *limit* bytes, as they come or decompressed, another encoding than gzip, or one that
    doesn't end where the body does.
    """
    encoding = encoding.strip().lower()
    if encoding not in {"identity", "gzip", ""}:
        raise BadAnswer(f"{address}: the answer is encoded as {_shown(encoding)}, expected gzip or nothing")
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    body, received = bytearray(), 0
    try:
        for raw in pieces:
            received += len(raw)
            body += unzip.decompress(raw, limit - len(body) + 1) if unzip else raw
            if len(body) > limit or received > _most_compressed(limit):
                raise BadAnswer(f"{address}: the answer is larger than {limit} bytes")
            if unzip and unzip.unused_data:
                raise BadAnswer(f"{address}: something follows the compressed answer")
    except zlib.error as error:
        raise BadAnswer(f"{address}: the answer says gzip, and isn't") from error
    if unzip and not unzip.eof and received:
        raise BadAnswer(f"{address}: the compressed answer is cut short")
    return bytes(body)


def _most_compressed(limit: int) -> int:
    """Bytes that *limit* bytes may take compressed: gzip adds little to what it can't make smaller."""
    return limit + limit // 100 + 1024


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:100])
