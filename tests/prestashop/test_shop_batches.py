"""The pace of writes, and the limit of requests a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.ports import Resource
from lcvsync.prestashop.batches import Paces
from lcvsync.prestashop.throttle import Throttle

if TYPE_CHECKING:
    from datetime import datetime


def work(paces: Paces, seconds_each: float, batches: int, resource: Resource = Resource.PRODUCTS) -> int:
    """Let a shop of constant pace answer some batches; the size of the next."""
    for _ in range(batches):
        size = paces.size(resource, creating=False)
        paces.succeeded(resource, size, 0.02 + size * seconds_each, creating=False)
    return paces.size(resource, creating=False)


def test_a_shop_as_measured_gets_the_measured_sizes() -> None:
    """After a cautious start the bounds of the sheet are reached (measured, section 1)."""
    paces = Paces()
    assert paces.size(Resource.PRODUCTS, creating=False) == 50

    assert work(paces, 0.018, 4) == 100
    assert work(paces, 0.003, 4, Resource.STOCK) == 1000


def test_a_slow_shop_gets_batches_of_five_seconds() -> None:
    """Ten times slower than measured: the next requests take about five seconds."""
    size = work(Paces(), 0.18, 8)

    assert 20 <= size <= 28


def test_a_failure_halves_and_successes_recover() -> None:
    """What was lost was perhaps too much; afterwards the size grows again, step by step."""
    paces = Paces()
    work(paces, 0.018, 6)

    paces.failed(Resource.PRODUCTS, 100, creating=False)
    assert paces.size(Resource.PRODUCTS, creating=False) == 50
    paces.failed(Resource.PRODUCTS, 1, creating=False)
    assert paces.size(Resource.PRODUCTS, creating=False) == 1

    assert work(paces, 0.018, 12) == 100


def test_a_single_record_says_little_about_a_batch() -> None:
    """One record in 200 ms is mostly start-up and network: the size hardly falls."""
    paces = Paces()
    paces.succeeded(Resource.STOCK, 1, 0.2, creating=False)

    assert paces.size(Resource.STOCK, creating=False) > 400


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 2000), st.floats(0, 600)), max_size=40))
def test_sizes_stay_in_bounds(history: list[tuple[bool, int, float]]) -> None:
    """Whatever happened, the next request has at least one record and never more than the bound."""
    paces = Paces()
    for good, records, seconds in history:
        if good:
            paces.succeeded(Resource.COMBINATIONS, records, seconds, creating=True)
        else:
            paces.failed(Resource.COMBINATIONS, records, creating=True)

        assert 1 <= paces.size(Resource.COMBINATIONS, creating=True) <= 500


@pytest.mark.parametrize(
    ("good", "waiting", "sent"), [(0, 62, 62), (0, 63, 50), (0, 7, 7), (4, 100, 100), (4, 101, 100)]
)
def test_no_request_for_a_small_rest(good: int, waiting: int, sent: int) -> None:
    """A batch takes a small rest along, but never more than the bound."""
    paces = Paces()
    work(paces, 0.018, good)

    assert paces.part(Resource.PRODUCTS, waiting, creating=False) == sent


class Ticker:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        raise NotImplementedError

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_throttle_lets_a_burst_go_and_then_waits() -> None:
    """Three a minute: three at once, the fourth a minute after the first."""
    clock = Ticker()
    throttle = Throttle(clock, 3)
    left = []
    for _ in range(7):
        throttle.wait()
        left.append(clock.seconds)

    assert left == [0, 0, 0, 60, 60, 60, 120]


def test_no_limit_no_wait() -> None:
    """Without a limit nothing waits."""
    clock = Ticker()
    throttle = Throttle(clock, None)
    for _ in range(500):
        throttle.wait()

    assert clock.seconds == 0
