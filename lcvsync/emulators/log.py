"""The log of requests that an emulator's server keeps, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class LoggedRequest:
    """One line of the log; `status` is None and `response_bytes` 0 where no answer was given."""

    n: int
    at: str
    method: str
    path: str
    query: str
    status: int | None
    request_bytes: int
    response_bytes: int
    seconds: float
    """Until the answer was ready to leave."""
    fault: str | None
    entities: int | None
    """Children of the root of the request's XML body, which is how many records a bulk write carries."""
    real_seconds: float | None = None
    """What the real service takes for it by its measured times; None where nothing is measured."""


@dataclass
class Sum:
    """What several requests add up to."""

    requests: int = 0
    entities: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    seconds: float = 0.0
    real_seconds: float = 0.0

    def add(self, line: LoggedRequest) -> None:
        """Count one more."""
        self.requests += 1
        self.entities += line.entities or 0
        self.request_bytes += line.request_bytes
        self.response_bytes += line.response_bytes
        self.seconds += line.seconds
        self.real_seconds += line.real_seconds or 0.0


def summary(lines: Iterable[LoggedRequest]) -> dict[str, object]:
    """The whole log's `Sum`, and under `by` one for each method and resource, as "PATCH stock_availables"."""
    whole, by = Sum(), dict[str, Sum]()
    for line in lines:
        kind = f"{line.method} {resource_of(line.path)}"
        for each in (whole, by.setdefault(kind, Sum())):
            each.add(line)
    return {**vars(whole), "by": {kind: vars(by[kind]) for kind in sorted(by)}}


def resource_of(path: str) -> str:
    """`products` of /api/products/12, `articles` of /api/v1/articles; empty where there is none."""
    parts = path.strip("/").removeprefix("api").removeprefix("/v1").strip("/")
    return parts.partition("/")[0]


def count_entities(body: bytes) -> int | None:
    """How many children the root of an XML *body* has; None for any other body."""
    root = _parsed(body)
    return None if root is None else len(root)


def count_rows(body: bytes) -> int:
    """How many records an XML answer shows: the entries of a list, which bear the same name; else one, or none."""
    root = _parsed(body)
    if root is None or not len(root):
        return 0
    names = {child.tag for child in root[0]}
    return len(root[0]) if len(names) == 1 else min(len(names), 1)


def _parsed(body: bytes) -> etree._Element | None:
    if not body.lstrip().startswith(b"<"):
        return None
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
