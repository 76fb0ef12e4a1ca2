"""What an emulator receives and what it answers, free of sockets."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One HTTP request, already read whole from the socket."""

    method: str
    path: str
    """Percent-decoded, without the query: `/api/products/12`."""
    query: list[tuple[str, str]]
    """Decoded pairs in the order sent; a name may come twice."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def parameter(self, name: str) -> str | None:
        """The last value of query parameter *name*, as PHP keeps it; None when absent."""
        return next((value for key, value in reversed(self.query) if key == name), None)


@dataclass(frozen=True)
class Response:
    """One HTTP answer; Content-Length is added by the server."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
