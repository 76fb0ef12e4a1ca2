"""Which fault meets which request."""

from __future__ import annotations

from typing import Any

import pytest

from lcvsync.emulators.faults import Fault, FaultKind, InvalidFaultError, choose


def fault(**members: Any) -> Fault:
    """A fault as a control request would describe it."""
    return Fault.from_json({"kind": "status", **members})


def statuses(faults: list[Fault], *requests: tuple[str, str]) -> list[int | None]:
    """The status of the fault that meets each request, one after the other."""
    met: list[int | None] = []
    for method, target in requests:
        chosen, faults = choose(faults, method, target)
        met.append(chosen.status if chosen else None)
    return met


def test_a_fault_fires_once_by_default() -> None:
    """The second request meets nothing."""
    assert statuses([fault()], ("GET", "/a"), ("GET", "/a")) == [500, None]


def test_a_fault_fires_as_often_as_told_or_for_ever() -> None:
    """`times` counts; 0 never runs out."""
    requests = [("GET", "/a")] * 4

    assert statuses([fault(times=2)], *requests) == [500, 500, None, None]
    assert statuses([fault(times=0)], *requests) == [500] * 4


def test_skip_counts_matching_requests_only() -> None:
    """Requests that the fault doesn't concern are not counted."""
    requests = [("GET", "/a"), ("GET", "/b"), ("GET", "/a"), ("GET", "/a")]

    assert statuses([fault(path="/a", skip=2)], *requests) == [None, None, None, 500]


def test_the_first_matching_fault_fires() -> None:
    """Those behind it wait for their turn, and don't count what it took."""
    faults = [fault(status=501), fault(status=502, skip=1)]

    assert statuses(faults, *[("GET", "/a")] * 3) == [501, None, 502]


def test_a_skipping_fault_lets_the_next_one_fire() -> None:
    """A fault that lets a request through is no shield against the others."""
    faults = [fault(status=501, skip=1), fault(status=502)]

    assert statuses(faults, *[("GET", "/a")] * 2) == [502, 501]


@pytest.mark.parametrize(
    ("members", "met"),
    [
        ({"method": "post"}, True),
        ({"method": "PUT|POST"}, True),
        ({"method": "POS"}, False),
        ({"path": "products"}, True),
        ({"path": r"filter\[id\]=\[1\|2\]"}, True),
        ({"path": r"filter%5Bid%5D"}, True),
        ({"path": "^/products"}, False),
        ({"method": "GET", "path": "products"}, False),
    ],
)
def test_methods_and_paths_are_matched(members: dict[str, str], met: bool) -> None:
    """The whole method whatever its case; the path and query anywhere, as sent or decoded."""
    target = "/api/products?filter%5Bid%5D=%5B1%7C2%5D"

    assert fault(**members).matches("POST", target) is met


@pytest.mark.parametrize(
    "members",
    [{"kind": "odd"}, {"kind": None}, {"method": "("}, {"skip": -1}, {"times": -1}, {"seconds": -0.1}, {"stauts": 500}],
)
def test_a_fault_that_makes_no_sense_is_refused(members: dict[str, Any]) -> None:
    """A misspelt fault never waits in silence."""
    with pytest.raises(InvalidFaultError):
        fault(**members)


def test_each_kind_has_its_own_status_by_default() -> None:
    """A broken body and a proxy's page come with 200, an error with 500."""
    assert [Fault.from_json({"kind": kind}).status for kind in ("broken", "html", "saved", "status")] == [
        200,
        200,
        500,
        500,
    ]


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_shown_is_a_fault_understood(kind: FaultKind) -> None:
    """What GET lists can be posted again."""
    waiting = fault(kind=kind.value, status=503, path="/a", skip=2)

    assert Fault.from_json(waiting.to_json()) == waiting
