"""One exchange, its errors, its bounds and its repetition, over real sockets. Pinned certificates: tests/lcv."""

from __future__ import annotations

import gzip
import logging
import socket
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from lcvsync import __version__
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.http import Request as Received
from lcvsync.emulators.http import Response
from lcvsync.emulators.server import EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls
from lcvsync.errors import (
    BadAnswer,
    CertificateChanged,
    ConfigurationError,
    LcvsyncError,
    Maintenance,
    ShopRefused,
    Temporary,
    Uncertain,
)
from lcvsync.secrecy import is_loopback, redact
from lcvsync.transport import (
    LCV,
    ONCE,
    SHOP,
    Answer,
    Budget,
    Limits,
    Party,
    Request,
    Transport,
    one_line,
    retry_after,
    retry_delay,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = Request("GET", "/things", safe=True)
WRITE = Request("POST", "/things", body=b"<thing/>")


@dataclass
class FakeClock:
    """A clock that only moves when told; `tick` is what each look at it adds."""

    tick: float = 0.0
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        self.seconds += self.tick
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class Scripted:
    """A server that gives its answers in turn, the last one for ever, and keeps what it received."""

    def __init__(self, *responses: Response) -> None:
        self.received: list[Received] = []
        self._responses = list(responses) or [Response(200, b"fine")]

    def handle(self, request: Received) -> Response:
        self.received.append(request)
        return self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]

    def control(self, request: Received) -> Response:
        return Response(404)


@dataclass
class Stage:
    """A server, a clock, and transports to it that are closed at the end."""

    clock: FakeClock
    stack: ExitStack

    def serve(self, *responses: Response, faults: tuple[Fault, ...] = ()) -> EmulatorServer:
        server = self.stack.enter_context(EmulatorServer(Scripted(*responses)))
        server.faults = list(faults)
        return server

    def transport(self, url: str, *, party: Party = LCV, limits: Limits | None = None) -> Transport:
        made = Transport(party, url, self.clock, limits=limits, jitter=lambda: 1.0)
        return self.stack.enter_context(made)

    def exchange(self, request: Request, *responses: Response, fault: Fault | None = None) -> Answer:
        server = self.serve(*responses, faults=(fault,) if fault else ())
        return self.transport(server.url).send(request)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(FakeClock(), stack)


def received(server: EmulatorServer) -> list[Received]:
    assert isinstance(server.emulator, Scripted)
    return server.emulator.received


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# One exchange


def test_a_request_arrives_as_it_was_built(stage: Stage) -> None:
    """Path, query, headers and body arrive; the client names itself and its version."""
    server = stage.serve()
    request = Request("POST", "/a%2Fb", (("filter[id]", "[1|2]"), ("q", "é&=")), {"X-One": "1"}, b"body")
    stage.transport(server.url + "/base/").send(request)
    [got] = received(server)

    assert (got.method, got.path, got.body) == ("POST", "/base/a/b", b"body")
    assert got.query == [("filter[id]", "[1|2]"), ("q", "é&=")]
    assert got.headers["x-one"] == "1"
    assert got.headers["user-agent"] == f"lcvsync/{__version__}"
    assert got.headers["accept-encoding"] == "gzip"


def test_an_answer_has_status_headers_and_body(stage: Stage) -> None:
    """Any status is an answer; header names are in lower case; the address is that of the request."""
    answer = stage.exchange(READ, Response(404, b"no", {"X-Reason": "none"}))

    assert (answer.status, answer.body, answer.headers["x-reason"]) == (404, b"no", "none")
    assert answer.address.startswith("GET http://127.0.0.1:")
    assert answer.address.endswith("/things")


def test_redirects_are_not_followed(stage: Stage) -> None:
    """A redirect is an answer like another: nothing is sent to where it points."""
    server = stage.serve(Response(302, headers={"Location": "/elsewhere"}))

    assert stage.transport(server.url).send(READ).status == 302
    assert len(received(server)) == 1


def test_cookies_are_not_kept(stage: Stage) -> None:
    """What a server sets in one answer doesn't come back in the next request."""
    server = stage.serve(Response(200, headers={"Set-Cookie": "session=1; Path=/"}))
    transport = stage.transport(server.url)
    transport.send(READ)
    transport.send(READ)

    assert all("cookie" not in request.headers for request in received(server))


def test_requests_bytes_and_seconds_are_counted(stage: Stage) -> None:
    """The count has every request, the bytes of bodies as they were on the wire, and the time waited."""
    stage.clock.tick = 1.0
    zipped = gzip.compress(b"a" * 1000, mtime=0)
    server = stage.serve(Response(200, zipped, {"Content-Encoding": "gzip"}))
    transport = stage.transport(server.url)
    transport.send(WRITE)
    transport.send(READ)

    assert transport.count.requests == 2
    assert transport.count.bytes_sent == len(WRITE.body)
    assert transport.count.bytes_received == 2 * len(zipped)
    assert transport.count.seconds > 0


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://user:secret@127.0.0.1", "http://a..b", "http://a/?q=1"],
)
def test_an_address_that_requests_cannot_go_to_is_refused(stage: Stage, url: str) -> None:
    """The configuration is at fault, and a password typed into the address isn't repeated."""
    with pytest.raises(ConfigurationError) as caught:
        stage.transport(url)

    assert "secret" not in str(caught.value)


# Bounds


def test_a_compressed_answer_is_read(stage: Stage) -> None:
    """gzip is undone before anybody sees the body."""
    answer = stage.exchange(READ, Response(200, gzip.compress(b"hello", mtime=0), {"Content-Encoding": "gzip"}))

    assert answer.body == b"hello"


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("zipped", [True, False])
def test_the_bound_counts_decompressed_bytes(stage: Stage, size: int, fits: bool, zipped: bool) -> None:
    """A few hundred bytes that swell beyond the bound are refused like many bytes."""
    body = b"\0" * size
    response = (
        Response(200, gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"}) if zipped else Response(200, body)
    )
    transport = stage.transport(stage.serve(response).url, limits=Limits(max_bytes=1000))
    if fits:
        assert transport.send(READ).body == body
        return
    with pytest.raises(BadAnswer, match="larger than 1000 bytes"):
        transport.send(READ)


def test_a_request_may_have_its_own_bound(stage: Stage) -> None:
    """A photo's bound replaces that of the transport."""
    server = stage.serve(Response(200, b"x" * 11))
    with pytest.raises(BadAnswer, match="larger than 10 bytes"):
        stage.transport(server.url).send(Request("GET", "/photo", safe=True, max_bytes=10))


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("gzip", b"not gzip", "says gzip"),
        ("gzip", gzip.compress(b"hello" * 99, mtime=0)[:-9], "cut short"),
        ("gzip, gzip", gzip.compress(b"x", mtime=0), "encoded as gzip, gzip"),
        ("br", b"x", "encoded as br"),
        ("deflate", zlib.compress(b"x"), "encoded as deflate"),
    ],
)
def test_an_answer_that_cannot_be_decompressed_is_bad(stage: Stage, encoding: str, body: bytes, expected: str) -> None:
    """Other encodings than the one asked for, stacked ones, broken and shortened ones are refused."""
    with pytest.raises(BadAnswer, match=expected):
        stage.exchange(READ, Response(200, body, {"Content-Encoding": encoding}))


def test_an_answer_without_body_needs_no_encoding(stage: Stage) -> None:
    """304 may carry the header of the body that it doesn't have."""
    assert stage.exchange(READ, Response(304, headers={"Content-Encoding": "gzip"})).body == b""


# What errors mean


def test_nobody_listening_is_temporary_for_reads_and_writes(stage: Stage) -> None:
    """Without a connection nothing was sent: a write isn't uncertain. Message and cure say where and what to check."""
    transport = stage.transport(f"http://127.0.0.1:{closed_port()}")
    for request in (READ, WRITE):
        with pytest.raises(Temporary, match=r"127\.0\.0\.1:\d+/things: connection refused") as caught:
            transport.send(request)
        assert "check the address and the port" in caught.value.cure


def test_an_unknown_host_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in the host name is told as such."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Temporary, match="the host name is unknown"):
        stage.transport("http://shop.invalid").send(READ)


@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.REFUSED])
def test_a_lost_answer_leaves_a_write_uncertain(stage: Stage, kind: FaultKind) -> None:
    """When the connection ends before the whole answer, a read failed for now; a write may have been done."""
    for request, expected in ((READ, Temporary), (WRITE, Uncertain)):
        with pytest.raises(LcvsyncError, match="closed before the whole answer came") as caught:
            stage.exchange(request, Response(200, b"x" * 500), fault=Fault(kind))
        assert type(caught.value) is expected


def test_no_answer_in_time_leaves_a_write_uncertain(stage: Stage) -> None:
    """A read timeout says nothing of what the server does with a write."""
    server = stage.serve(faults=(Fault(FaultKind.SLOW, seconds=30, times=2),))
    transport = stage.transport(server.url, limits=Limits(read_seconds=0.05))
    with pytest.raises(Temporary, match="no answer in time"):
        transport.send(READ)
    with pytest.raises(Uncertain, match="may have been done"):
        transport.send(WRITE)


def test_an_unreadable_answer_leaves_a_write_uncertain(stage: Stage) -> None:
    """The server did something before it answered rubbish."""
    with pytest.raises(Uncertain, match="encoded as br"):
        stage.exchange(WRITE, Response(201, b"x", {"Content-Encoding": "br"}))


@pytest.mark.parametrize("error", [httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), httpx.ProxyError("x")])
def test_failures_before_sending_are_never_uncertain(stage: Stage, error: httpx.HTTPError) -> None:
    """These can't be had from a server on loopback: httpx is made to raise them."""
    with respx.mock() as router:
        router.post("http://127.0.0.1:9/things").mock(side_effect=error)
        with pytest.raises(Temporary):
            stage.transport("http://127.0.0.1:9").send(WRITE)


@pytest.mark.parametrize(("party", "expected"), [(LCV, CertificateChanged), (SHOP, ShopRefused)])
def test_an_untrusted_certificate_is_not_a_passing_trouble(
    stage: Stage, party: Party, expected: type[LcvsyncError], tmp_path: Path
) -> None:
    """The system's verification fails: exit 4 with OpenSSL's reason, and no request leaves."""
    tls = make_tls(CertificateKind.SELF_SIGNED, tmp_path)
    emulator = Scripted()
    server = stage.stack.enter_context(EmulatorServer(emulator, tls=tls))
    with pytest.raises(expected, match=r"self.signed certificate") as caught:
        stage.transport(server.url, party=party).send(WRITE)

    assert caught.value.exit_code == 4
    assert emulator.received == []


def test_the_system_decides_whom_to_trust(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority that the system knows (here by SSL_CERT_FILE) is enough."""
    tls = make_tls(CertificateKind.TRUSTED, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca_file))
    server = stage.stack.enter_context(EmulatorServer(Scripted(), tls=tls))

    assert stage.transport(server.url).send(READ).status == 200


def test_https_where_http_is_spoken_is_explained(stage: Stage) -> None:
    """The handshake's failure is told in words, for a port that was mistaken."""
    server = stage.serve()
    with pytest.raises(Temporary, match="no TLS connection"):
        stage.transport(server.url.replace("http:", "https:")).send(READ)


# Secrets


def test_keys_never_reach_messages_nor_logs(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """A key in the query, in a header or in the body is in no message, repr or log line, at the lowest level too."""
    caplog.set_level(logging.DEBUG)
    request = Request(
        "GET", "/things", (("ws_key", "SECRET"),), {"Authorization": "Bearer SECRET"}, b"SECRET", safe=True
    )
    server = stage.serve(faults=(Fault(FaultKind.LOST, skip=1),))
    transport = stage.transport(server.url)
    answer = transport.send(request)
    with pytest.raises(Temporary) as caught:
        transport.send(request)

    assert "SECRET" not in f"{request!r} {answer!r} {caught.value} {caplog.text}"
    assert "ws_key=***" in answer.address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:pass@shop.example/api", "https://shop.example/api"),
        ("https://me:pa/ss@shop.example/api", "https://shop.example/api"),
        ("https://shop.example/?a=1&WS_KEY=x&b=2", "https://shop.example/?a=1&WS_KEY=***&b=2"),
        ("https://shop.example/?monkey=x", "https://shop.example/?monkey=x"),
    ],
)
def test_redaction(url: str, expected: str) -> None:
    """User name, password and keys go; the rest stays readable."""
    assert redact(url) == expected


def test_foreign_text_becomes_one_harmless_line() -> None:
    """Line breaks, escapes and length of a server's words don't reach the terminal."""
    assert one_line("a\r\n\x1b[31mb\t" + "c" * 300, 10) == "a [31mb c…"
    assert one_line("déjà vu", 7) == "déjà vu"


# Proxies


def test_loopback_goes_through_no_proxy(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is for the world, not for this machine."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert stage.exchange(READ).status == 200


def test_the_proxy_of_the_environment_is_used(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to another machine goes to HTTP_PROXY, as with curl."""
    server = stage.serve()
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert stage.transport("http://shop.invalid").send(READ).status == 200
    assert len(received(server)) == 1


def test_a_proxy_that_cannot_be_used_is_a_matter_of_configuration(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variables, not a missing Python package."""
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "gopher://me:secret@127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="proxy of the environment") as caught:
        stage.transport("https://shop.invalid")

    assert "HTTPS_PROXY" in caught.value.cure
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "LocalHost"])
def test_loopback_is_recognised(host: str) -> None:
    """Names and addresses that can't leave this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["128.0.0.1", "localhost.example", "0.0.0.0", ""])
def test_what_may_be_elsewhere_is_not_loopback(host: str) -> None:
    """A likeness is not enough."""
    assert not is_loopback(host)


# Trying again


def read_status(answer: Answer) -> int:
    """A `decipher` as adapters write them."""
    if answer.status == 503:
        raise Temporary("busy", retry_after=retry_after(answer.headers))
    if answer.status == 500:
        raise BadAnswer("broken")
    return answer.status


def test_a_safe_request_is_tried_three_times(stage: Stage) -> None:
    """Two failures and a success: two growing pauses, by the injected clock."""
    server = stage.serve(Response(503), Response(503), Response(200))

    assert stage.transport(server.url).ask(READ, read_status) == 200
    assert stage.clock.slept == [1.0, 2.0]


def test_the_third_failure_is_raised(stage: Stage) -> None:
    """The budget ends with the third try; its failure is what the caller gets."""
    server = stage.serve(Response(503))
    with pytest.raises(Temporary, match="busy"):
        stage.transport(server.url).ask(READ, read_status)

    assert len(received(server)) == 3


@pytest.mark.parametrize("fault", [Fault(FaultKind.LOST), Fault(FaultKind.STATUS, status=503)])
def test_an_unsafe_request_is_sent_once(stage: Stage, fault: Fault) -> None:
    """Neither a lost answer nor a refusal makes a write go out twice."""
    server = stage.serve(faults=(fault,))
    with pytest.raises(LcvsyncError):
        stage.transport(server.url).ask(WRITE, read_status)

    assert len(server.requests) == 1
    assert stage.clock.slept == []


def test_a_lost_answer_of_a_safe_request_is_asked_again(stage: Stage) -> None:
    """Failures of the network count like answers that say "later"."""
    server = stage.serve(faults=(Fault(FaultKind.CUT), Fault(FaultKind.REFUSED)))

    assert stage.transport(server.url).ask(READ, read_status) == 200
    assert len(server.requests) == 3


def test_the_server_s_own_pause_is_kept(stage: Stage) -> None:
    """Retry-After is waited for when it is longer than ours, up to the bound."""
    server = stage.serve(Response(503, headers={"Retry-After": "30"}), Response(200))
    stage.transport(server.url).ask(READ, read_status)

    assert stage.clock.slept == [30.0]


def test_a_caller_may_ask_once(stage: Stage) -> None:
    """A safe request with another budget, as for passwords."""
    server = stage.serve(Response(503))
    with pytest.raises(Temporary):
        stage.transport(server.url).ask(READ, read_status, budget=ONCE)

    assert len(received(server)) == 1


@pytest.mark.parametrize(
    ("failure", "attempt", "spent", "expected"),
    [
        (Temporary(""), 1, 0, 1.0),
        (Temporary(""), 2, 0, 2.0),
        (Temporary(""), 3, 0, None),
        (Temporary("", retry_after=0), 1, 0, 1.0),
        (Temporary("", retry_after=60), 1, 0, 60),
        (Temporary("", retry_after=61), 1, 0, None),
        (Temporary("", retry_after=30), 1, 95, None),
        (Temporary(""), 1, 120, None),
        (BadAnswer(""), 1, 0, None),
        (Maintenance(""), 1, 0, None),
        (ShopRefused(""), 1, 0, None),
        (Uncertain(""), 1, 0, None),
    ],
)
def test_whether_to_try_again(failure: LcvsyncError, attempt: int, spent: float, expected: float | None) -> None:
    """The decision: what passes is asked again within tries, time and the longest pause; what doesn't pass isn't."""
    assert retry_delay(failure, attempt, Budget(), spent=spent, jitter=1.0) == expected


def test_jitter_halves_the_pause_at_most() -> None:
    """Clients that failed together don't come back together."""
    assert [retry_delay(Temporary(""), 1, Budget(), jitter=jitter) for jitter in (0, 0.5, 1)] == [0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(headers: dict[str, str], expected: float | None) -> None:
    """A date is relative to the server's own clock, since ours may differ."""
    assert retry_after(headers) == expected
