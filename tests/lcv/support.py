"""What the tests of the LCV adapter stand on: a clock, and servers that keep every byte they get."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from lcvsync.emulators.http import Request, Response

USERNAME = "martin"
PASSWORD = "p4ssw0rd-é"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that moves only by sleeping, at once."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class RawServer:
    """Answers 200 on each connection, with the certificate of that connection's turn; keeps what came after it.

    `received` has one entry a connection: every byte that the client sent inside TLS (or without, where the turn's
    context is None). With *hang_up* a connection ends after one answer.
    """

    def __init__(self, contexts: list[ssl.SSLContext | None], *, hang_up: bool = True) -> None:
        self.received: list[bytes] = []
        self._contexts = contexts
        self._hang_up = hang_up
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if contexts[0] else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        for context in [*self._contexts, *[self._contexts[-1]] * 20]:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            self.received.append(b"")
            with connection, suppress(OSError):
                self._converse(connection if context is None else context.wrap_socket(connection, server_side=True))

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                self.received[-1] += data
                if data.endswith(b"\r\n\r\n"):
                    ending = b"Connection: close\r\n" if self._hang_up else b""
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + ending + b"\r\n{}")
                    if self._hang_up:
                        return


class Tunnel:
    """A proxy that connects every CONNECT to one port of loopback, and keeps the heads of what it was asked."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(5)
            self.asked.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server = socket.create_connection(("127.0.0.1", self._target), 5)
            for source, sink in ((client, server), (server, client)):
                self._threads.append(threading.Thread(target=_pump, args=(source, sink)))
                self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()


class Scripted:
    """A server that gives its answers in turn, the last one for ever, and keeps what it received."""

    def __init__(self, *responses: Response) -> None:
        self.received: list[Request] = []
        self._responses = list(responses)

    def handle(self, request: Request) -> Response:
        self.received.append(request)
        return self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]

    def control(self, request: Request) -> Response:
        return Response(404)
