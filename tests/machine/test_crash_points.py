"""`kill -9` of the real process at every request and every commit: the next runs finish the work, nothing is twice.

A first synchronisation, and an export of orders. `make test` tries one point, `make test-deep` all.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.server import EmulatorServer
from tests.whole.harness import KEY, World, world
from tests.whole.ledger import Ledger, Terms

ORDERS = {"min_id": 1, "shipping_reference": "PORT", "wrapping_reference": "EMB"}


class _Fatal:
    """A party whose request number *at* kills whoever asks, before or after its work."""

    count = 0

    def __init__(self, emulator: Any, at: int, when: str, kill: Callable[[], None], shared: list[int]) -> None:
        self._emulator, self._at, self._when, self._kill, self._shared = emulator, at, when, kill, shared

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emulator, name)

    def handle(self, request: Request) -> Response:
        """The answer, if anybody is left to hear it."""
        self._shared[0] += 1
        due = self._shared[0] == self._at
        if due and self._when == "before":
            self._kill()
            return Response(503)
        response: Response = self._emulator.handle(request)
        if due:
            self._kill()
        return response


class Process:
    """`lcvsync` as cron starts it, on a pair of emulators."""

    def __init__(self, made: World, command: tuple[str, ...]) -> None:
        self._made, self._command = made, command
        self._process: subprocess.Popen[str] | None = None
        self.requests = [0]

    def run(self, *, request: int = 0, commit: int = 0, when: str = "after") -> tuple[int, int]:
        """Run it, to die at a request or a commit; its exit code, and how often it committed if it lived."""
        made = self._made
        self.requests[:] = [0]
        shop, lcv = made.shop.emulator, made.lcv.emulator
        parties: list[EmulatorServer] = [made.shop, made.lcv]
        for server in parties:
            server.emulator = _Fatal(server.emulator, request, when, self._kill, self.requests)
        try:
            return self._start(commit, when)
        finally:
            made.shop.emulator, made.lcv.emulator = shop, lcv

    def _kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _start(self, commit: int, when: str) -> tuple[int, int]:
        file = _configured(self._made)
        arguments = [self._made.clock().isoformat(), str(commit), when, "-c", str(file), *self._command]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("dying.py")), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        out, err = self._process.communicate(timeout=60)
        code = self._process.returncode
        assert code in {0, -signal.SIGKILL}, (code, out, err)
        return code, int(out.splitlines()[-1]) if code == 0 else 0


def _configured(made: World) -> Path:
    """The configuration of a pair as a file."""
    sections: dict[str, dict[str, Any]] = {
        "lcv": {"url": made.lcv.url, "web_store": "WEB"},
        "prestashop": {"url": made.shop.url, "key": KEY},
        "sync": {"mode": "complete"},
        "state": {"directory": str(made.directory)},
        **made.settings,
    }
    lines = [
        f"[{name}]\n" + "".join(f"{option} = {json.dumps(value)}\n" for option, value in options.items())
        for name, options in sections.items()
    ]
    file = made.directory.with_name("lcvsync.toml")
    file.write_text("".join(lines))
    file.chmod(0o600)
    return file


def _finish(made: World) -> None:
    """Run as cron does until there is nothing to do."""
    for _ in range(6):
        made.advance(hours=1)
        report = made.sync()
        assert report.exit_code == 0, (report.error, report.failed)
        if not report.changes:
            return
    raise AssertionError(report.changes)


def _catalogue_is_right(made: World) -> None:
    problems = made.problems()
    assert not problems, "\n".join(problems[:20])
    made.assert_idle()


def _ledger_is_right(made: World) -> None:
    ledger = Ledger(made.shop_dump(), made.dump(), Terms({"*": "CB"}))
    problems = ledger.problems()
    assert not problems, "\n".join(problems)
    assert not [twice for order in ledger.orders for twice in ledger.held(order).twice]
    customers = [customer["external_id"] for customer in made.in_lcv("customers")]
    assert customers
    assert len(customers) == len(set(customers))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A catalogue that was never synchronised, and a shop without products."""
    with world(tmp_path_factory.mktemp("first"), articles=3, seed=5, demo_data=False) as made:
        made.snapshot()
        yield made


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An adopted shop with two orders that LCV was not told of, one of them refunded in part."""
    with world(tmp_path_factory.mktemp("ordered"), articles=3, seed=5, demo_data=False, orders=ORDERS) as made:
        made.tell_lcv("services", ["PORT", "EMB"])
        made.map("payment", "*", ["CB"])
        assert made.sync().exit_code == 0
        made.adopt()
        assert made.sync().exit_code == 0
        skus = {variant["sku"] for article in made.in_lcv("articles") for variant in article["variants"]}
        piece = next(each for each in made.in_shop("combinations") if each["reference"] in skus)
        line = {"id_product": int(piece["id_product"]), "id_product_attribute": int(piece["id"]), "quantity": 2}
        for _ in range(2):
            order = made.tell_shop("order", customer={}, state=2, lines=[{**line, "oversell": True}])
        made.tell_shop("order/refund", id=order["id"], lines=[{"line": order["lines"][0], "quantity": 1}])
        made.snapshot()
        yield made


WORK = {
    "first": (("sync",), _catalogue_is_right),
    "ordered": (("export-orders",), _ledger_is_right),
}


def test_one_point(ordered: World) -> None:
    """A process that is killed two thirds of its way leaves nothing that its successors can't finish."""
    _die(ordered, "ordered", "after", {"commit": _points(ordered, "ordered")["commit"] * 2 // 3})


@pytest.mark.deep
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["request", "commit"])
@pytest.mark.parametrize("work", WORK)
def test_every_point(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], work: str, kind: str, when: str
) -> None:
    """The same wherever it is killed."""
    made = request.getfixturevalue(work)
    total = _points(made, work)[kind]
    for point in range(1, total + 1):
        _die(made, work, when, {kind: point})
    with capsys.disabled():
        print(f"\n{work}: kill -9 {when} each of {total} {kind}s")  # noqa: T201 - the count is what it is run for


def _points(made: World, work: str) -> dict[str, int]:
    """How many requests, and commits, a run makes that nobody kills."""
    made.restore()
    process = Process(made, WORK[work][0])
    code, commits = process.run()
    assert code == 0
    assert process.requests[0] > 5
    return {"request": process.requests[0], "commit": commits}


def _die(made: World, work: str, when: str, point: dict[str, int]) -> None:
    command, judge = WORK[work]
    made.restore()
    code, _ = Process(made, command).run(when=when, **point)
    assert code == -signal.SIGKILL, f"{point}: it lived"
    _finish(made)
    judge(made)
