"""The emulators' HTTP server, over real loopback sockets."""

from __future__ import annotations

import gzip
import json
import socket
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.server import Clock, EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo:
    """An emulator that says what it received, and counts the work it did."""

    base_url = ""

    def __init__(self) -> None:
        self.work: list[Request] = []

    def handle(self, request: Request) -> Response:
        self.work.append(request)
        if request.path == "/bug":
            raise ZeroDivisionError("a bug")
        if request.path == "/empty":
            return Response(204)
        if request.path == "/zipped":
            return Response(200, gzip.compress(b"0123456789"), {"Content-Encoding": "gzip"})
        said = {"method": request.method, "path": request.path, "query": request.query, "body": request.body.decode()}
        return Response(200, json.dumps(said).encode(), {"Content-Type": "application/json", "X-Seen": "yes"})

    def control(self, request: Request) -> Response:
        return Response(200, b"mine" if request.path == "/_emulator/echo/state" else b"not mine")


@contextmanager
def serving(**options: Any) -> Iterator[tuple[Echo, EmulatorServer, httpx.Client]]:
    """A server of a new `Echo` and a client that talks to it."""
    echo = Echo()
    with (
        EmulatorServer(echo, **options) as server,
        httpx.Client(base_url=server.url, verify=False, trust_env=False, timeout=5) as client,
    ):
        yield echo, server, client


def expect(client: httpx.Client, **fault: Any) -> None:
    """Put one fault in waiting."""
    assert client.post("/_emulator/faults", json=[fault]).status_code == 200


def log(client: httpx.Client) -> list[dict[str, Any]]:
    """The log of requests."""
    lines: list[dict[str, Any]] = client.get("/_emulator/requests").json()
    return lines


def test_the_emulator_gets_the_request_decoded() -> None:
    """Path and query arrive percent-decoded, in the order sent, and the body whole."""
    with serving() as (_, _, client):
        said = client.put("/a%20b/%C3%A9?x=1&x=2&e=&n=%5B1%7C2%5D", content=b"body").json()

    expected = {
        "method": "PUT", "path": "/a b/é", "query": [["x", "1"], ["x", "2"], ["e", ""], ["n", "[1|2]"]], "body": "body",
    }  # fmt: skip
    assert said == expected


def test_a_chunked_body_is_read_whole() -> None:
    """A body sent without announced length reaches the emulator, and the connection stays usable."""
    with serving() as (_, _, client):
        first = client.post("/a", content=iter([b"one ", b"two"])).json()["body"]
        second = client.get("/b").json()["path"]

    assert (first, second) == ("one two", "/b")


def test_one_connection_serves_many_requests() -> None:
    """HTTP/1.1 keep-alive: a hundred requests on one socket."""
    with serving() as (_, server, _):
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            for _ in range(100):
                connection.sendall(b"GET /empty HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = connection.recv(4096)
                assert answer == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_head_has_the_length_but_no_body() -> None:
    """An answer to HEAD announces the body that GET would have."""
    with serving() as (_, _, client):
        response = client.head("/a")

    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("request_bytes", [b"Content-Length: x\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_a_malformed_body_is_refused(request_bytes: bytes) -> None:
    """A body whose length makes no sense is answered 400 and never reaches the emulator."""
    with serving() as (echo, server, _):
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\n" + request_bytes)
            assert connection.recv(4096).startswith(b"HTTP/1.1 400")

    assert echo.work == []


def test_the_emulator_learns_its_address_before_the_first_request() -> None:
    """`base_url` is set as soon as the port is known; only loopback is listened on."""
    echo = Echo()
    with EmulatorServer(echo) as server:
        assert echo.base_url == server.url
        assert server.url.startswith("http://127.0.0.1:")


def test_a_stopped_server_closes_idle_connections_and_its_port() -> None:
    """After `stop()` neither an open connection nor a new one is served."""
    with serving() as (echo, server, client):
        client.get("/a")
        server.stop()
        with pytest.raises(httpx.TransportError):
            client.get("/a")

    assert len(echo.work) == 1


def test_a_bug_of_the_emulator_is_loud(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception is answered 500 with its traceback, kept in `errors`, and the server goes on."""
    with serving() as (_, server, client):
        response = client.get("/bug")
        assert client.get("/a").status_code == 200

    assert response.status_code == 500
    assert "ZeroDivisionError: a bug" in response.text
    assert len(server.errors) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_control_requests_reach_the_emulators_control_only() -> None:
    """Paths under /_emulator/ never count as work, are never logged, and meet no fault."""
    with serving() as (echo, _, client):
        expect(client, kind="refused", times=0)
        assert client.get("/_emulator/echo/state").text == "mine"
        assert log(client) == []

    assert echo.work == []


# The log


def test_the_log_has_one_line_for_each_request() -> None:
    """Method, path, raw query, sizes, status, fault and the number of entities of an XML body."""
    with serving() as (_, _, client):
        expect(client, kind="lost", path="/gone")
        client.get("/api/a?x=%5B1%5D")
        body = b"<?xml version='1.0'?><prestashop><a/><a/><a/></prestashop>"
        answer = client.post("/api/b", content=body)
        with pytest.raises(httpx.TransportError):
            client.get("/gone")
        read, write, gone = log(client)

    assert (read["method"], read["path"], read["query"], read["status"]) == ("GET", "/api/a", "x=%5B1%5D", 200)
    assert (read["n"], read["entities"], read["fault"]) == (1, None, None)
    assert (write["n"], write["entities"], write["request_bytes"]) == (2, 3, len(body))
    assert write["response_bytes"] == len(answer.content)
    assert (gone["status"], gone["response_bytes"], gone["fault"]) == (None, 0, "lost")
    assert 0 <= read["seconds"] < 1
    assert datetime.fromisoformat(read["at"]).tzinfo is not None


def test_the_log_can_be_emptied() -> None:
    """After DELETE the log begins at 1 again."""
    with serving() as (_, _, client):
        client.get("/a")
        assert client.delete("/_emulator/requests").json() == []
        client.get("/b")

        assert [(line["n"], line["path"]) for line in log(client)] == [(1, "/b")]


def test_the_log_keeps_no_secrets() -> None:
    """Neither the Authorization header nor PrestaShop's key in the query is in the log."""
    with serving() as (_, _, client):
        client.get("/a?ws_key=SECRETKEY&x=1", headers={"Authorization": "Bearer SECRETKEY"})
        text = client.get("/_emulator/requests").text

    assert "SECRETKEY" not in text
    assert "ws_key=***&x=1" in text


# Faults


@pytest.mark.parametrize(("kind", "work"), [("refused", 0), ("lost", 1)])
def test_no_answer_at_all(kind: str, work: int) -> None:
    """`refused` closes before the work is done, `lost` after."""
    with serving() as (echo, _, client):
        expect(client, kind=kind)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.post("/a", content=b"x")
        assert len(echo.work) == work
        assert client.get("/a").status_code == 200


def test_a_slow_answer() -> None:
    """`slow` waits before the work, then answers as always."""
    with serving() as (echo, _, client):
        expect(client, kind="slow", seconds=0.03)
        started = time.perf_counter()
        response = client.get("/a")

    assert time.perf_counter() - started >= 0.03
    assert response.json()["path"] == "/a"
    assert len(echo.work) == 1


@pytest.mark.parametrize("path", ["/a", "/empty"])
def test_a_cut_answer(path: str) -> None:
    """`cut` does the work and closes in the middle of the body, or of the headers where there is no body."""
    with serving() as (echo, _, client):
        expect(client, kind="cut")
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(path)

    assert len(echo.work) == 1


@pytest.mark.parametrize(("status", "retry_after"), [(429, "1"), (500, None), (503, "1")])
def test_a_status_in_place_of_the_work(status: int, retry_after: str | None) -> None:
    """`status` answers without doing the work; 429 and 503 say when to come back."""
    with serving() as (echo, _, client):
        expect(client, kind="status", status=status)
        response = client.get("/a")

    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert echo.work == []


def test_retry_after_as_wanted() -> None:
    """A fault chooses its own Retry-After, or none at all."""
    with serving() as (_, _, client):
        expect(client, kind="status", status=503, retry_after=7)
        expect(client, kind="status", status=503, retry_after=None)
        waits = [client.get("/a").headers.get("Retry-After") for _ in range(2)]

    assert waits == ["7", None]


def test_an_error_after_the_work() -> None:
    """`saved` does the work, then answers an error with the body asked for."""
    with serving() as (echo, _, client):
        expect(client, kind="saved", body="<?xml version='1.0'?><prestashop/>")
        response = client.post("/a", content=b"x")

    assert (response.status_code, response.headers["Content-Type"]) == (500, "text/xml")
    assert response.text.endswith("<prestashop/>")
    assert len(echo.work) == 1


def test_a_broken_body() -> None:
    """`broken` does the work and answers 200 with half a body that is whole for HTTP."""
    with serving() as (echo, _, client):
        expect(client, kind="broken")
        response = client.get("/a")
        whole = client.get("/a").content

    assert response.status_code == 200
    assert response.content == whole[: len(whole) // 2]
    assert len(echo.work) == 2


def test_a_broken_body_is_broken_below_its_compression() -> None:
    """`broken` cuts the content, not its gzip form, so that it is the parser that stumbles."""
    with serving() as (_, _, client):
        expect(client, kind="broken")

        assert client.get("/zipped").text == "01234"


def test_a_page_of_a_proxy() -> None:
    """`html` answers a page with status 200, or another, without doing the work."""
    with serving() as (echo, _, client):
        expect(client, kind="html")
        expect(client, kind="html", status=502)
        responses = [client.get("/a") for _ in range(2)]

    assert [response.status_code for response in responses] == [200, 502]
    assert all("<html>" in response.text for response in responses)
    assert echo.work == []


def test_faults_in_waiting_are_listed_and_cleared() -> None:
    """GET shows what is left of each fault, DELETE forgets all."""
    with serving() as (_, _, client):
        expect(client, kind="status", times=3)
        client.get("/a")
        (left,) = client.get("/_emulator/faults").json()
        assert (left["kind"], left["times"]) == ("status", 2)
        assert client.delete("/_emulator/faults").json() == []
        assert client.get("/a").status_code == 200


@pytest.mark.parametrize(
    "body", ['[{"kind": "unheard"}]', '[{"kind": "slow", "path": "("}]', "[{}]", "nonsense", "[3]"]
)
def test_a_fault_that_makes_no_sense_is_refused(body: str) -> None:
    """Nothing of a list with a mistake is kept, so that a test can't believe in a fault that never comes."""
    with serving() as (_, _, client):
        assert client.post("/_emulator/faults", content=body).status_code == 400
        assert client.get("/_emulator/faults").json() == []


# The clock


def test_the_clock_can_be_set_advanced_and_freed() -> None:
    """`now` moves the emulator's time, `advance` adds to it, null gives the machine's time back."""
    clock = Clock()
    with serving(clock=clock) as (_, _, client):
        client.post("/_emulator/clock", json={"now": "2027-01-06T08:00:00+01:00", "advance": 3600})
        set_to = clock()
        shown = datetime.fromisoformat(client.get("/_emulator/clock").json()["now"])
        client.post("/_emulator/clock", json={"now": None})

    expected = datetime.fromisoformat("2027-01-06T09:00:00+01:00")
    assert timedelta(0) <= set_to - expected < timedelta(seconds=5)
    assert timedelta(0) <= shown - expected < timedelta(seconds=5)
    assert abs(clock() - datetime.now().astimezone()) < timedelta(seconds=5)


def test_a_time_without_offset_is_refused() -> None:
    """Nobody knows what 8 o'clock means without its offset."""
    with serving() as (_, _, client):
        assert client.post("/_emulator/clock", json={"now": "2027-01-06T08:00:00"}).status_code == 400
