"""Servers that never come to an end: bytes that drip, headers and bodies without end. Over real sockets."""

from __future__ import annotations

import gzip
import itertools
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import lcvsync
from lcvsync.errors import BadAnswer, Temporary, Uncertain
from lcvsync.notify.messenger import SystemMessenger
from lcvsync.transport import SHOP, Limits, Request, Transport

READ = Request("GET", "/api/products", safe=True)
WRITE = Request("POST", "/api/products", body=b"<prestashop/>")
OK = b"HTTP/1.1 200 OK\r\n"
MEGABYTE = 1024 * 1024


class RealClock:
    """The machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Endless:
    """A server that sends *pieces* to whoever asks, one every *pause* seconds, and counts the bytes it got rid of."""

    def __init__(self, pieces: Iterable[bytes], pause: float = 0.0) -> None:
        self.sent = 0
        self._pieces = pieces
        self._pause = pause
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Endless:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            try:
                for piece in self._pieces:
                    connection.sendall(piece)
                    self.sent += len(piece)
                    if self._over.wait(self._pause) if self._pause else self._over.is_set():
                        return
            except OSError:
                return  # the client has left


@contextmanager
def transport(server: Endless, **limits: float) -> Iterator[Transport]:
    with Transport(SHOP, server.url, RealClock(), limits=Limits(connect_seconds=2, read_seconds=5, **limits)) as made:  # type: ignore[arg-type]
        yield made


def forever(*first: bytes, then: bytes) -> Iterator[bytes]:
    yield from first
    yield from itertools.repeat(then)


DRIPS = {
    "status line": forever(b"HTTP/1.1 200 ", then=b"O"),
    "headers": forever(OK, then=b"x"),
    "early hints": forever(then=b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": forever(OK, b"Content-Length: 999999\r\n\r\n", then=b"x"),
    "size of a chunk": forever(OK, b"Transfer-Encoding: chunked\r\n\r\n1", then=b";"),
    "chunks": forever(OK, b"Transfer-Encoding: chunked\r\n\r\n", then=b"1\r\nx\r\n"),
}


@pytest.mark.parametrize("where", DRIPS)
def test_whatever_drips_ends_in_time(where: str) -> None:
    """No single byte is late, and the exchange ends with its total time, wherever in the answer it drips."""
    with Endless(DRIPS[where], pause=0.02) as server, transport(server, total_seconds=0.2) as made:
        started = time.monotonic()
        with pytest.raises(Temporary, match=r"took longer than 0\.2 s"):
            made.send(READ)
        assert time.monotonic() - started < 2


def test_a_write_that_is_answered_with_drips_may_have_been_done() -> None:
    """Nobody knows: it is looked for before it is repeated."""
    with Endless(forever(OK, then=b"x"), pause=0.02) as server, transport(server, total_seconds=0.2) as made:  # noqa: SIM117
        with pytest.raises(Uncertain, match="may have been done"):
            made.send(WRITE)


def test_the_next_exchange_has_its_own_time() -> None:
    """The patience of one exchange says nothing of the next one, nor of another thread's."""
    whole = OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi"
    with Endless(forever(OK, then=b"x"), pause=0.02) as slow, transport(slow, total_seconds=0.2) as made:
        with pytest.raises(Temporary):
            made.send(READ)
        with Endless([whole]) as quick:
            made.base_url = quick.url
            assert made.send(READ).body == b"hi"


def test_a_ping_ends_in_time_too() -> None:
    """The address that a run reports to can't hold up the run."""
    with Endless(forever(OK, then=b"x"), pause=0.02) as server:
        messenger = SystemMessenger(server.url, 1, limits=Limits(total_seconds=0.2))
        assert messenger.ping("") == "no answer in time"


def _gzip_bomb() -> Iterator[bytes]:
    pack = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    nothing = bytes(MEGABYTE)
    while True:
        yield pack.compress(nothing) + pack.flush(zlib.Z_SYNC_FLUSH)


def _empty_blocks() -> Iterator[bytes]:
    pack = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield pack.flush(zlib.Z_SYNC_FLUSH)
    yield from itertools.repeat(b"\x00\x00\x00\xff\xff" * 20_000)


ZIPPED = b"Content-Encoding: gzip\r\n\r\n"
FLOODS = {
    "a body": (forever(OK, b"\r\n", then=bytes(65536)), "larger than 1048576 bytes"),
    "a gzip bomb": (itertools.chain([OK, ZIPPED], _gzip_bomb()), "larger than 1048576 bytes"),
    "blocks of nothing": (itertools.chain([OK, ZIPPED], _empty_blocks()), "larger than 1048576 bytes"),
    "what follows gzip": (forever(OK, ZIPPED, gzip.compress(b"hi"), then=bytes(65536)), "something follows"),
    "headers": (forever(OK, then=b"X-More: " + b"y" * 4000 + b"\r\n"), "the connection closed"),
    "one header": (forever(OK, b"X-More: ", then=b"y" * 4000), "the connection closed"),
}


@pytest.mark.parametrize("what", FLOODS)
def test_what_has_no_end_is_cut_off(what: str) -> None:
    """A gigabyte is refused after little more than the bound: it is never held, as it comes nor decompressed."""
    pieces, words = FLOODS[what]
    with Endless(itertools.islice(pieces, 20_000)) as server, transport(server, max_bytes=MEGABYTE) as made:
        with pytest.raises(Temporary, match=words) as raised:
            made.send(READ)
        assert isinstance(raised.value, BadAnswer) or "header" in what
        assert made.count.bytes_received < 2 * MEGABYTE
    assert server.sent < 30 * MEGABYTE  # the rest is what the kernel's buffers took


def test_two_gzip_members_are_no_short_answer() -> None:
    """The second one isn't dropped in silence: a cut answer must not pass for a whole one."""
    body = gzip.compress(b"a") + gzip.compress(b"b")
    with Endless([OK + ZIPPED + body]) as server, transport(server) as made, pytest.raises(BadAnswer, match="follows"):
        made.send(READ)


WORST = """
import resource, sys
sys.path[:0] = [{root!r}]
from lcvsync.lcv import protocol
from lcvsync.prestashop import xml
from lcvsync.transport import Answer
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
made = dict(
    objects=lambda: b'[' + b'{{"a":1}},' * (protocol.MOST_VALUES // 2 - 9) + b'0]',
    lists=lambda: b'[' + b'[],' * (protocol.MOST_VALUES // 2 - 9) + b'0]',
    characters=lambda: b'["' + '\U0001f600'.encode() * 16_000_000 + b'"]',
    elements=lambda: b'<prestashop>' + b'<a>b</a>' * (xml.MOST_MARKUP // 2 - 9) + b'</prestashop>',
    attributes=lambda: b'<prestashop>' + b'<a b="1"/>' * (xml.MOST_MARKUP // 2 - 9) + b'</prestashop>',
)
body = made[{what!r}]()
if {what!r} in ('elements', 'attributes'):
    xml.parse(body)
else:
    protocol.read_json(Answer(200, {{}}, body, 'GET x'), 'x')
"""


@pytest.mark.deep
@pytest.mark.parametrize("what", ["objects", "lists", "characters", "elements", "attributes"])
def test_the_worst_answer_that_is_read_fits_into_memory(what: str) -> None:
    """What the bounds on bytes, values and elements let pass takes less than a gigabyte once it is read."""
    program = WORST.format(root=str(Path(lcvsync.__file__).parents[1]), bytes=1024**3, what=what)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
