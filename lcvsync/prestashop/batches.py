"""How many records go into one request, so that it takes about five seconds of the shop's own pace.

Pure: seconds come in as numbers. The starting costs and bounds are those of a real 8.2.1 with two cores (measured,
section 1); a real host is usually slower, so a start is cautious and every answer corrects it. The bounds keep a
request below the 30 to 60 seconds that PHP and web servers usually allow, were the shop five times slower at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lcvsync.ports import Resource

TARGET_SECONDS = 5.0
_CAUTION = 0.5
"""How much of a full batch is sent before the first answer is known."""
_RECOVERY = 1.5
"""By how much the allowed size grows again after each success."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What writing one record takes at first, and the most records that a request may have."""

    seconds: float
    most: int


_UNKNOWN = Cost(0.020, 100)
_CREATE = {
    Resource.PRODUCTS: Cost(0.025, 100),
    Resource.COMBINATIONS: Cost(0.006, 500),
    Resource.SPECIFIC_PRICES: Cost(0.001, 1000),
}
_UPDATE = {
    Resource.PRODUCTS: Cost(0.018, 100),
    Resource.COMBINATIONS: Cost(0.004, 500),
    Resource.SPECIFIC_PRICES: Cost(0.001, 1000),
    Resource.STOCK: Cost(0.003, 1000),
}


@dataclass(slots=True)
class _Pace:
    """What is known of one kind of write."""

    cost: Cost
    seconds: float
    """The running estimate for one record."""
    allowed: float
    """Falls by half with every failure, grows with every success."""


@dataclass(slots=True)
class Paces:
    """The sizes of the next batches; grows wiser with every `succeeded` and `failed`."""

    target: float = TARGET_SECONDS
    _known: dict[tuple[Resource, bool], _Pace] = field(default_factory=dict)

    def size(self, resource: Resource, *, creating: bool) -> int:
        """Records for the next request, at least 1."""
        pace = self._pace(resource, creating)
        fitting = self.target / pace.seconds
        return max(1, int(min(fitting, pace.allowed, pace.cost.most)))

    def part(self, resource: Resource, waiting: int, *, creating: bool) -> int:
        """How many of *waiting* records to send next: rather a quarter more than `size`, in its bound, than a rest."""
        size, most = self.size(resource, creating=creating), self._pace(resource, creating).cost.most
        return waiting if waiting <= min(most, size * 5 // 4) else min(size, waiting)

    def succeeded(self, resource: Resource, records: int, seconds: float, *, creating: bool) -> None:
        """A request of *records* records took *seconds*; small requests, mostly start-up time, say little."""
        if records < 1:
            return
        pace = self._pace(resource, creating)
        weight = 0.6 * min(1.0, records / self.size(resource, creating=creating))
        pace.seconds += weight * (max(seconds, 0.0001) / records - pace.seconds)
        pace.allowed = min(pace.allowed * _RECOVERY + 1, pace.cost.most)

    def failed(self, resource: Resource, records: int, *, creating: bool) -> None:
        """A request of *records* records was lost, too slow or too large: the next ones have half as many at most."""
        pace = self._pace(resource, creating)
        pace.allowed = max(1.0, min(pace.allowed, records) / 2)

    def _pace(self, resource: Resource, creating: bool) -> _Pace:
        cost = (_CREATE if creating else _UPDATE).get(resource, _UNKNOWN)
        start = _Pace(cost, cost.seconds, cost.most * _CAUTION)
        return self._known.setdefault((resource, creating), start)
