"""A first synchronisation that breaks off anywhere: the next ones go on, and nothing is in the shop twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lcvsync.emulators.faults import FaultKind
from lcvsync.runner.report import Outcome, Report

from .harness import World, world

ARTICLES = 5
REQUESTS = 40
"""About as many as the shop gets in the first run of so small a catalogue; proved below."""
KINDS = [
    (FaultKind.REFUSED, 0),
    (FaultKind.LOST, 0),
    (FaultKind.CUT, 0),
    (FaultKind.STATUS, 500),
    (FaultKind.STATUS, 503),
    (FaultKind.STATUS, 429),
    (FaultKind.SAVED, 500),
    (FaultKind.SAVED, 503),
    (FaultKind.BROKEN, 200),
    (FaultKind.HTML, 200),
    (FaultKind.HTML, 502),
]
NAMES = [f"{kind.value}-{status}" if status else kind.value for kind, status in KINDS]


@pytest.fixture(scope="module", params=["8.2.1", pytest.param("1.7.8.11", marks=pytest.mark.deep)])
def _untouched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made_for = {"articles": ARTICLES, "seed": 5, "version": request.param, "demo_data": False}
    with world(tmp_path_factory.mktemp("interrupted"), **made_for) as made:
        made.snapshot()
        yield made


@pytest.fixture
def untouched(_untouched: World) -> World:
    """A small catalogue that was never synchronised, and a shop."""
    _untouched.restore()
    return _untouched


def _finish(made: World) -> list[Report]:
    """Run as cron does until there is nothing to do."""
    reports = []
    for _ in range(6):
        made.advance(hours=1)
        reports.append(made.sync())
        if reports[-1].exit_code == 0 and not reports[-1].changes:
            return reports
    raise AssertionError([(report.outcome, report.error, report.failed, report.changes) for report in reports])


def test_how_many_requests_a_first_run_takes(untouched: World) -> None:
    """The faults of this module, spread over so many requests, meet every stage of a run."""
    untouched.converge(in_order=True)

    assert REQUESTS * 0.7 < len(untouched.shop.requests) < REQUESTS * 1.3


@pytest.mark.parametrize(("kind", "status"), KINDS, ids=NAMES)
def test_one_request_goes_wrong(untouched: World, kind: FaultKind, status: int) -> None:
    """Whatever answer is lost or broken, the shop ends as the oracle says: nothing lacks, nothing is there twice."""
    place = KINDS.index((kind, status)) + (len(KINDS) if untouched.version == "1.7.8.11" else 0)
    skip = place * 7 % (2 * len(KINDS)) * REQUESTS // (2 * len(KINDS))
    _spoil(untouched, kind, status, skip)


@pytest.mark.deep
@pytest.mark.parametrize("skip", range(REQUESTS))
@pytest.mark.parametrize(("kind", "status"), KINDS, ids=NAMES)
def test_any_request_goes_wrong(untouched: World, kind: FaultKind, status: int, skip: int) -> None:
    """The same for every kind of fault at every request."""
    _spoil(untouched, kind, status, skip)


def _spoil(made: World, kind: FaultKind, status: int, skip: int) -> None:
    options = {"status": status} if status else {}
    made.fault(kind, skip=skip, **options)
    first = made.sync()
    assert first.exit_code in (0, 3, 5), (first.exit_code, first.error)

    _finish(made)

    problems = made.problems()
    assert not problems, "\n".join(problems[:20])
    made.assert_idle()


@pytest.mark.parametrize("method", ["POST", "PATCH|PUT"])
@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.SAVED])
def test_every_second_write_goes_wrong(untouched: World, kind: FaultKind, method: str) -> None:
    """A shop that loses half of the answers to one kind of write is brought to the same end."""
    for _ in range(12):
        untouched.fault(kind, method=method, skip=1)

    first = untouched.sync()
    untouched.shop.faults = []
    _finish(untouched)

    problems = untouched.problems()
    assert not problems, (first.outcome, problems[:20])


@pytest.mark.parametrize("path", ["/api/images/", "/api/products$", "/api/combinations", "/api/specific_prices"])
def test_a_proxy_says_503_of_what_was_saved(untouched: World, path: str) -> None:
    """What the shop made although it was answered `503, Retry-After` is found by the next run, not made again."""
    untouched.fault(FaultKind.SAVED, status=503, method="POST", path=path)
    assert untouched.sync().exit_code in (0, 5)

    _finish(untouched)

    problems = untouched.problems()
    assert not problems, "\n".join(problems[:20])


@pytest.mark.parametrize("place", [1, 2])
def test_the_time_is_up(untouched: World, place: int) -> None:
    """`max_seconds` is over at any request: exit 10, what is done stays done, the next runs finish the work."""
    untouched.run_clock.stop_at = 1 + place * REQUESTS // 3
    report = untouched.sync()
    untouched.run_clock.stop_at = 0
    assert (report.outcome, report.exit_code) == (Outcome.BUDGET, 10)
    active = [p for p in untouched.look().products.values() if p.card.fields["active"] == "1"]
    assert all(product.card.ids("images") and product.rate for product in active)

    _finish(untouched)

    problems = untouched.problems(in_order=True)
    assert not problems, "\n".join(problems[:20])


def test_a_run_in_slices(untouched: World) -> None:
    """A budget of three requests a run: many runs make the same shop as one, never with a half-made product visible."""
    for _ in range(60):
        untouched.shop.requests.clear()
        untouched.run_clock.stop_at = 12  # nine are asked before the first write, what is there already included
        report = untouched.sync()
        if report.exit_code == 0:
            break
        assert report.exit_code == 10
        for product in untouched.look().products.values():
            assert product.card.fields["active"] == "0" or product.card.ids("images")
    untouched.run_clock.stop_at = 0

    problems = untouched.problems(in_order=True)
    assert not problems, "\n".join(problems[:20])
    untouched.assert_idle()
