"""The HTTP server that an emulator stands behind: sockets, faults, a log of requests, a clock.

Rules: only loopback is listened on; one request at a time reaches the emulator; an answer leaves in one send;
a request is in the log before its answer leaves, so that who has the answer finds the request there.
Paths under `/_emulator/` steer the emulator and are never logged nor met by faults: `requests` (with `?summary` what
they add up to), `faults`, `clock` and `pace` are answered here, every other one by the emulator's own `control`.

With a pace (`POST /_emulator/pace {"times": 1}`) an answer leaves as late as the real service's would, by what the
emulator knows of it, or *times* as late; two are served at a time, as by the measured shop's two cores. `{"times": 0}`
waits for nothing, and only notes in the log what the real service would have taken; null, the default, not even that.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import sys
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import parse_qsl, unquote

from lcvsync.emulators.faults import Fault, FaultKind, broken, choose, own_answer
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.log import LoggedRequest, count_entities, summary
from lcvsync.emulators.wire import Delivery, deliver, read_body, wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from lcvsync.emulators.tls import ServerTls

CONTROL_PREFIX = "/_emulator/"
_HANDSHAKE_SECONDS = 10
_WORKERS = 2


class Emulator(Protocol):
    """What stands behind the server. If it has an attribute `base_url`, the server sets it before the first request.

    If it has a method `refusal(status) -> Response`, the faults that answer a bare status use its body. If it has a
    method `real_seconds(request, response) -> float`, that is how long the real service takes.
    """

    def handle(self, request: Request) -> Response:
        """Answer one request of the emulated service."""
        ...

    def control(self, request: Request) -> Response:
        """Answer one request under `/_emulator/`; 404 for what is not its own."""
        ...


class Clock:
    """The emulators' time: the machine's, plus an offset that `/_emulator/clock` sets. Calling it gives now, in UTC."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def set(self, now: datetime | None) -> None:
        """Make it *now*, from where time goes on; None: the machine's time again."""
        self._offset = timedelta(0) if now is None else now - datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Let *seconds* go by at once."""
        self._offset += timedelta(seconds=seconds)


class EmulatorServer:
    """Serves *emulator* on a loopback port, 0 for a free one, from `start()` to `stop()`; also a context manager."""

    def __init__(
        self, emulator: Emulator, *, port: int = 0, tls: ServerTls | None = None, clock: Clock | None = None
    ) -> None:
        self.emulator = emulator
        self.clock = clock or Clock()
        self.faults: list[Fault] = []
        self.requests: list[LoggedRequest] = []
        self.errors: list[str] = []
        """Tracebacks of the emulator's own bugs, each answered with 500: a test may assert that there is none."""
        self.pace: float | None = None
        """How many times as long as the real service an answer takes; 0: reckoned only; None: not even that."""
        self._lock = threading.Lock()
        self._workers = threading.BoundedSemaphore(_WORKERS)
        self._books = threading.Lock()
        self._stopping = threading.Event()
        self.wait: Callable[[float], object] = self._stopping.wait
        self._listener = _Listener(self, port, tls.context if tls else None)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.server_port}"
        if hasattr(emulator, "base_url"):
            emulator.base_url = self.url

    def start(self) -> Self:
        """Begin to serve, in a thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every open connection, and wait for what was being served."""
        self._stopping.set()
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def exchange(self, request: Request, target: str) -> Delivery:
        """Answer one request; *target* is its path and query as sent."""
        if request.path.startswith(CONTROL_PREFIX):
            return Delivery(wire(request.method, self._control(request)), close=False)
        with self._books:
            fault, self.faults = choose(self.faults, request.method, target)
        with self._workers if self.pace else contextlib.nullcontext():
            started = time.perf_counter()
            response = self._work(request, fault)
            real = self._real_seconds(request, response)
            if self.pace and real is not None:
                self.wait(max(0.0, real * self.pace - (time.perf_counter() - started)))
            seconds = time.perf_counter() - started
        self._record(request, target, response, fault, seconds, real)
        return deliver(request.method, response, fault)

    def _real_seconds(self, request: Request, response: Response | None) -> float | None:
        """How long the real service takes, where the emulator knows."""
        known: Callable[[Request, Response], float] | None = getattr(self.emulator, "real_seconds", None)
        return known(request, response) if self.pace is not None and known and response else None

    def _work(self, request: Request, fault: Fault | None) -> Response | None:
        """What to answer, None for nothing at all, the emulator's work done or not as *fault* has it."""
        if fault is None:
            return self._handle(request, self.emulator.handle)
        if fault.kind is FaultKind.REFUSED:
            return None
        refusal: Callable[[int], Response] | None = getattr(self.emulator, "refusal", None)
        if fault.kind in {FaultKind.STATUS, FaultKind.HTML}:
            return own_answer(fault, refusal)
        self._stopping.wait(fault.seconds)
        response = self._handle(request, self.emulator.handle)
        if fault.kind is FaultKind.LOST:
            return None
        if fault.kind is FaultKind.SAVED:
            return own_answer(fault, refusal)
        return broken(response, fault) if fault.kind is FaultKind.BROKEN else response

    def _handle(self, request: Request, handler: Callable[[Request], Response]) -> Response:
        """The emulator's answer, or 500 with the traceback where the emulator itself fails."""
        with self._lock:
            try:
                return handler(request)
            except Exception:  # noqa: BLE001 - a bug of the emulator must be loud, and not stop the server
                return self.report_bug()

    def report_bug(self) -> Response:
        """Keep and show the traceback of the exception being handled."""
        text = traceback.format_exc()
        self.errors.append(text)
        sys.stderr.write(text)
        return Response(500, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _record(
        self,
        request: Request,
        target: str,
        response: Response | None,
        fault: Fault | None,
        seconds: float,
        real: float | None,
    ) -> None:
        path, _, query = target.partition("?")
        with self._books:
            line = LoggedRequest(
                n=len(self.requests) + 1,
                at=self.clock().isoformat(),
                method=request.method,
                path=path,
                query=re.sub(r"(ws_key=)[^&]*", r"\1***", query),
                status=response.status if response else None,
                request_bytes=len(request.body),
                response_bytes=len(response.body) if response else 0,
                seconds=round(seconds, 6),
                fault=fault.kind.value if fault else None,
                entities=count_entities(request.body),
                real_seconds=real if real is None else round(real, 6),
            )
            self.requests.append(line)

    def _control(self, request: Request) -> Response:
        """Steer the harness, or hand over to the emulator's own control."""
        steer = {
            "requests": self._control_requests,
            "faults": self._control_faults,
            "clock": self._control_clock,
            "pace": self._control_pace,
        }
        handler = steer.get(request.path.removeprefix(CONTROL_PREFIX))
        if handler is None:
            return self._handle(request, self.emulator.control)
        try:
            with self._books:
                return handler(request)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return _json({"error": str(error)}, 400)

    def _control_requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.requests.clear()
        if request.parameter("summary") is not None:
            return _json(summary(self.requests))
        return _json([vars(line) for line in self.requests])

    def _control_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults = []
        elif request.method == "POST":
            described = json.loads(request.body)
            wanted = described if isinstance(described, list) else [described]
            self.faults = [*self.faults, *[Fault.from_json(fault) for fault in wanted]]
        return _json([fault.to_json() for fault in self.faults])

    def _control_pace(self, request: Request) -> Response:
        if request.method == "POST":
            times = json.loads(request.body)["times"]
            self.pace = times if times is None else float(times)
        return _json({"times": self.pace})

    def _control_clock(self, request: Request) -> Response:
        if request.method == "POST":
            wanted = json.loads(request.body)
            if "now" in wanted:
                self.clock.set(_moment(wanted["now"]))
            self.clock.advance(float(wanted.get("advance", 0)))
        return _json({"now": self.clock().isoformat()})


class _Listener(ThreadingHTTPServer):
    """The listening socket and the threads of its connections."""

    request_queue_size = 128

    def __init__(self, owner: EmulatorServer, port: int, context: ssl.SSLContext | None) -> None:
        self.owner = owner
        self._context = context
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; the TLS handshake waits for the connection's own thread, so that nobody holds up the others."""
        connection, address = super().get_request()
        if self._context is None:
            return connection, address
        try:
            wrapped = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:
            connection.close()
            raise
        return wrapped, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection until it closes."""
        thread = threading.current_thread()
        self._open[thread] = request
        try:
            if isinstance(request, ssl.SSLSocket):
                request.settimeout(_HANDSHAKE_SECONDS)
                request.do_handshake()
            super().finish_request(request, client_address)
        except OSError:
            return  # the client hung up, or refused the certificate
        finally:
            self._open.pop(thread, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An exception outside the emulator: a bug of this module."""
        self.owner.report_bug()

    def hang_up(self) -> None:
        """Close the connections still open, idle ones too, and wait for their threads."""
        for thread, connection in list(self._open.items()):
            with contextlib.suppress(OSError):  # it may have closed by itself meanwhile
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(2)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests off one connection and writes what `EmulatorServer.exchange` gives."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: _Listener

    def serve(self) -> None:
        """Read one request and answer it, whatever its method."""
        try:
            body = read_body(self.rfile, dict(self.headers.items()))
        except ValueError:
            self.close_connection = True
            self.send_error(400)
            return
        path, _, query = self.path.partition("?")
        request = Request(
            method=self.command,
            path=unquote(path),
            query=parse_qsl(query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        delivery = self.server.owner.exchange(request, self.path)
        self.close_connection = self.close_connection or delivery.close
        self.connection.sendall(delivery.data)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the log of requests is `/_emulator/requests`."""


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.serve)


def _moment(text: str | None) -> datetime | None:
    """A time that must carry its offset."""
    moment = datetime.fromisoformat(text) if text is not None else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError("now needs an offset, for example 2026-11-23T10:00:00+01:00")
    return moment


def _json(content: object, status: int = 200) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": "application/json"})
