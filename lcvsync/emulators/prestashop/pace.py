"""How long a real PrestaShop takes for a request, from the times measured on one.

An 8.2.1 on loopback, PHP 7.4 and MariaDB 10.11 on two cores. A write costs so much a request and so much an entity:
what one more entity of a bulk request takes is the entity's, what is left of a request with one entity is the
request's. A reading costs so much a request and so much a row of the answer. What was not measured costs what its
nearest neighbour does. A real host is usually slower, and its network comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcvsync.emulators.log import count_entities, count_rows, resource_of

if TYPE_CHECKING:
    from lcvsync.emulators.http import Request, Response


@dataclass(frozen=True)
class Cost:
    """Milliseconds."""

    request: float
    each: float
    """An entity of a write; a row of a reading."""


REFUSAL = Cost(15.0, 0.0)
"""PrestaShop's start-up, which every request pays: GET stock_availables/1 takes 16.0, a simple stock row's PUT 16.9."""

READS = {
    "products": Cost(16.6, 4.0),  # one with 8 combinations 20.6; display=full of 100: 391, of 1000: 4200
    "images": Cost(16.7, 8.4),  # a file of 64 KB: 25.1
}
"""Whole records."""
SOME_FIELDS = {
    "products": Cost(16.6, 0.56),  # display=[id] of 2019: 1154
}
ANY_READ = Cost(15.8, 0.16)  # 4 fields of 2058 stock rows: 350; one stock row 16.0; one order 16.7
IDS = Cost(16.6, 0.007)  # those of 2019 products: 31; GET /api/: 16.7

WRITES = {
    ("POST", "products"): Cost(28.3, 28.0),  # one with 100 words of description 56.3; 22 to 34 each in bulk with 80
    ("PUT", "products"): Cost(33.3, 17.5),  # one with all fields and associations 50.8; bulk as PATCH
    ("PATCH", "products"): Cost(24.2, 17.5),  # one's price 41.7; 16.4 to 18.6 each in bulk
    ("DELETE", "products"): Cost(6.8, 30.5),  # one 37.3; 100 in one request: 30.5 each
    ("POST", "combinations"): Cost(14.0, 5.5),  # one 19.5; 5.5 each in bulk
    ("PUT", "combinations"): Cost(12.8, 3.7),  # as PATCH
    ("PATCH", "combinations"): Cost(12.8, 3.7),  # one's price 16.5; 3.7 each in bulk
    ("PUT", "stock_availables"): Cost(19.0, 3.1),  # a combination's row 22.1; bulk as PATCH
    ("PATCH", "stock_availables"): Cost(19.0, 3.1),  # a combination's row 22.1; 3.1 each in bulk
    ("POST", "specific_prices"): Cost(18.0, 0.64),  # one 18.6; 0.64 each in bulk
    ("POST", "order_histories"): Cost(15.0, 15.5),  # one without mail 30.5
    ("POST", "images"): Cost(0.0, 138.0),  # a JPEG of 800 by 600; 439 for 1500 by 1500
}
ANY_WRITE = Cost(15.0, 3.6)
"""As a specific price alone, 18.6: a row of one table."""


def real_seconds(request: Request, response: Response) -> float:
    """How long the shop takes from the request's arrival until its answer leaves."""
    cost, number = _cost(request, response)
    return (cost.request + cost.each * number) / 1000


def _cost(request: Request, response: Response) -> tuple[Cost, int]:
    """What it costs, and for how many entities or rows."""
    resource = resource_of(request.path)
    if response.status >= 400:
        return REFUSAL, 0
    if request.method in {"GET", "HEAD"}:
        return _read(request, resource), count_rows(response.body)
    if request.method == "DELETE":
        number = (request.parameter("id") or "").count(",") + 1
    else:
        number = count_entities(request.body) or 1
    return WRITES.get((request.method, resource), ANY_WRITE), number


def _read(request: Request, resource: str) -> Cost:
    """Ids alone, some fields, or whole records."""
    display = request.parameter("display")
    is_one = resource == "images" or request.path.count("/") > 2
    if display is None and not is_one:
        return IDS
    kinds = READS if is_one or display == "full" else SOME_FIELDS
    return kinds.get(resource, ANY_READ)
