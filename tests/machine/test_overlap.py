"""Several at once, bad disks, bad clocks: each is told in clear words, breaks nothing, and the next run goes on."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lcvsync import bootstrap
from lcvsync.cli.main import run
from lcvsync.errors import ConfigurationError
from lcvsync.state.store import DATABASE, Store, open_store, run_lock
from tests.machine.test_crash_points import ORDERS, _configured, _finish, _ledger_is_right
from tests.whole.harness import World, world
from tests.whole.ledger import Ledger, Terms
from tests.whole.oracle import IGNORE
from tests.whole.stand_ins import RunClock

Captured = pytest.CaptureFixture[str]
NOBODY = 65534
LIMITS = [300_000, *(pytest.param(each, marks=pytest.mark.deep) for each in range(1, 700_000, 30_000))]
ROOM = [3, *(pytest.param(each, marks=pytest.mark.deep) for each in (0, 1, 2, 4, 5, 6, 7))]
DYING = str(Path(__file__).with_name("dying.py"))


@pytest.fixture(scope="module")
def _first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("overlap"), articles=3, seed=5, demo_data=False) as made:
        made.snapshot()
        yield made


@pytest.fixture
def first(_first: World) -> World:
    """A catalogue that was never synchronised, and a shop without products."""
    _first.restore()
    return _first


@pytest.fixture(scope="module")
def _ordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("nights"), articles=2, seed=5, demo_data=False, orders=ORDERS) as made:
        made.tell_lcv("services", ["PORT", "EMB"])
        made.map("payment", "*", ["CB"])
        assert made.sync().exit_code == 0
        made.adopt()
        assert made.sync().exit_code == 0
        made.snapshot()
        yield made


@pytest.fixture
def ordered(_ordered: World) -> World:
    """A synchronised and adopted shop without orders."""
    _ordered.restore()
    return _ordered


def started(made: World, *command: str, limit: int = 0) -> subprocess.Popen[str]:
    """`lcvsync` as cron starts it, in the emulators' time; *limit*: no file may grow beyond so many bytes."""

    def confine() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, DYING, made.clock().isoformat(), "0", "after", "-c", str(_configured(made)), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=confine,  # noqa: PLW1509 - nothing but a limit is set in the child
    )


def is_right(made: World) -> None:
    """Nothing is missing and nothing twice."""
    problems = made.problems()
    assert not problems, "\n".join(problems[:20])
    made.assert_idle()


class TestTwoAtOnce:
    """Commands while a run is under way in another process, in the middle of its writes."""

    def test_everything_beside_a_run(self, first: World, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another sync does nothing; what reads answers; a mapping waits for nobody; what binds is told to wait."""
        monkeypatch.setattr(bootstrap.SystemClock, "now", lambda self: first.clock())
        inside, go = threading.Event(), threading.Event()

        def hold() -> None:
            inside.set()
            assert go.wait(60)

        with first.watched(hold), started(first, "sync") as slow:
            assert inside.wait(60), slow.communicate()
            asked = len(first.shop.requests)
            told = _beside(first, capsys)
            assert len(first.shop.requests) == asked
            copy = _copied(first)
            go.set()
            assert slow.wait(60) == 0, slow.communicate()

        assert {name: code for name, (code, _) in told.items()} == _BESIDE
        assert told["sync"][1] == ""
        waiting = [text for code, text in told.values() if code == 5]
        assert all("another run is under way\n  → try again when it is over" in text for text in waiting)
        assert copy == "ok"
        first.rules.mappings["category"]["OCC-MARIAGE"] = [IGNORE]
        _finish(first)
        is_right(first)


_BESIDE = {
    "sync": 0,
    "sync --fail-if-locked": 11,
    "status": 0,
    "runs": 0,
    "audit --json": 0,
    "map ignore category OCC-MARIAGE": 0,
    "map export -": 0,
    "product list": 0,
    "resync": 5,
    "resync --now": 5,
    "export-orders": 5,
    "product lock RO-00001": 5,
    "takeover accept": 5,
    "undo 1 --yes": 5,
    "adopt --yes": 5,
    "associate --username demo --password-stdin": 5,
    "dissociate": 5,
}
"""Commands that ask the shop nothing before they know that they may go on, and how they end beside a run."""


def _beside(made: World, capsys: Captured) -> dict[str, tuple[int, str]]:
    told = {}
    for command in _BESIDE:
        capsys.readouterr()
        code = run(["-c", str(made.directory.with_name("lcvsync.toml")), *command.split()])
        out, err = capsys.readouterr()
        told[command] = (code, err if code else out)
    return told


def _copied(made: World) -> str:
    """What SQLite says of a copy that is made while the state is in use, as docs/running.md has it."""
    copy = made.directory.with_name("copy.db")
    with closing(sqlite3.connect(made.directory / DATABASE)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with closing(sqlite3.connect(copy)) as opened:
        return str(opened.execute("PRAGMA integrity_check").fetchone()[0])


class TestDisks:
    """No room, no right, and what a crash of the disk leaves."""

    @pytest.mark.parametrize("pages", ROOM)
    def test_no_room_for_the_state(self, first: World, pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """A database that can't grow stops the run, exit 5; when there is room again nothing is missing or twice."""

        def full(directory: Path) -> Store:
            store = open_store(directory)
            used = store.rows("PRAGMA page_count").fetchone()[0]
            store.rows(f"PRAGMA max_page_count = {used + pages}")
            return store

        with monkeypatch.context() as small:
            small.setattr("lcvsync.runner.session.open_store", full)
            report = first.sync()

        assert (report.exit_code, report.error) == (5, "the state can't be written: database or disk is full")
        assert "the space left on its disk" in report.cure
        _finish(first)
        is_right(first)

    @pytest.mark.parametrize("limit", LIMITS)
    def test_files_that_can_not_grow(self, first: World, limit: int) -> None:
        """The same of a real process whose files, the log of the database and the audit too, may not grow."""
        with started(first, "sync", limit=limit) as process:
            _, err = process.communicate(timeout=60)

        assert process.returncode in {0, 2, 5}, err
        assert "unexpected" not in err
        assert not process.returncode or "→" in err
        _finish(first)
        is_right(first)

    def test_no_room_for_the_audit(self, first: World) -> None:
        """What can't be told afterwards stops the run, and is done by the next one."""
        audit = first.directory / f"audit-{first.clock():%Y-%m-%d}.jsonl"
        audit.symlink_to("/dev/full")

        report = first.sync()

        assert (report.exit_code, report.error) == (5, f"the audit {audit} can't be written: No space left on device")
        audit.unlink()
        _finish(first)
        is_right(first)

    def test_an_audit_of_somebody_else(self, first: World) -> None:
        """An audit that can't be written at all is seen before anybody is asked anything."""
        audit = first.directory / f"audit-{first.clock():%Y-%m-%d}.jsonl"
        audit.mkdir()

        with pytest.raises(ConfigurationError, match=r"the audit .* can't be written"):
            first.sync()

        assert (first.lcv.requests, first.shop.requests) == ([], [])

    def test_a_damaged_page(self, first: World, capsys: Captured) -> None:
        """A page that is rubbish is a damaged state wherever it is met, exit 2, and no bug; nothing is written."""
        assert first.sync().exit_code == 0
        with closing(sqlite3.connect(first.directory / DATABASE)) as state:
            size = state.execute("PRAGMA page_size").fetchone()[0]
            page = state.execute("SELECT rootpage FROM sqlite_master WHERE name = 'variant'").fetchone()[0]
        with (first.directory / DATABASE).open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        article = first.ordinary()[0]
        first.change_article(article["id"], name="Autre nom")

        report = first.sync()

        assert (report.exit_code, report.error) == (2, "the state is damaged: database disk image is malformed")
        assert "backup" in report.cure
        assert first.writes() == []
        for command in (["why", article["reference"]], ["drift"]):
            code = run(["-c", str(_configured(first)), *command])
            err = capsys.readouterr().err
            assert code == 0 or (code, "the state is damaged" in err) == (2, True), err

    def test_root_on_the_state_of_another_user(self, tmp_path: Path) -> None:
        """Root would leave files that the user of the runs can't read: it is told as whom to run."""
        if os.geteuid():
            pytest.skip("only root can be root")
        os.chown(tmp_path, NOBODY, NOBODY)

        with pytest.raises(ConfigurationError, match="belongs to another user") as refused, run_lock(tmp_path):
            pass

        assert "sudo -u nobody lcvsync" in refused.value.cure
        assert list(tmp_path.iterdir()) == []

    def test_a_state_of_yesterday(self, first: World) -> None:
        """A state that was restored goes on from where it was: nothing is made twice, stock and prices are right."""
        first.tell_lcv("articles", {**(held := first.ordinary()[0]), "active": False})
        assert first.sync().exit_code == 0
        yesterday = first.directory.with_name("yesterday")
        shutil.copytree(first.directory, yesterday)
        first.advance(days=1)
        first.tell_lcv("articles", held)
        for place, article in enumerate(first.ordinary(3)):
            first.change_article(article["id"], name=f"Nom {place}")
            first.stock_in(article["variants"][0]["sku"], 40 + place)
        assert first.sync().exit_code == 0

        shutil.rmtree(first.directory)
        yesterday.rename(first.directory)
        report = first.sync()

        assert report.exit_code == 0
        references = [row["reference"] for row in first.in_shop("products")]
        assert len(references) == len(set(references))
        made_meanwhile = {first.reference(held)}
        assert {skipped.key for skipped in report.skipped if skipped.reason == "reference_in_shop"} == made_meanwhile
        assert {problem.partition(":")[0] for problem in first.problems()} <= made_meanwhile


class Skewed(RunClock):
    """The time of lcvsync, which isn't that of the others."""

    off = timedelta(0)

    def now(self) -> datetime:
        """A wrong time."""
        return super().now() + self.off


class TestClocks:
    """Clocks that jump, and nights in which they are changed."""

    def test_jumps(self, first: World) -> None:
        """An hour back, a day ahead and back again: every run does what there is to do, and none does it twice."""
        assert first.sync().exit_code == 0
        first.run_clock = clock = Skewed(first.clock, first.shop)
        article = first.ordinary()[0]
        for place, off in enumerate((timedelta(hours=-1), timedelta(days=1), timedelta(0), timedelta(hours=-1))):
            clock.off = off
            first.advance(minutes=5)
            first.stock_in(article["variants"][0]["sku"], 20 + place)
            assert first.sync().exit_code == 0
            mine = {first.reference(article)}
            assert not [problem for problem in first.problems() if problem.partition(":")[0] in mine]
        clock.off = timedelta(0)
        first.sync()
        is_right(first)

    @pytest.mark.parametrize(
        "moments",
        [
            ("2027-10-30T23:50", "2027-10-31T00:40", "2027-10-31T01:10", "2027-10-31T01:50", "2027-10-31T02:20"),
            pytest.param(
                ("2027-03-28T00:10", "2027-03-28T00:50", "2027-03-28T01:05", "2027-03-28T02:30"), marks=pytest.mark.deep
            ),
            ("2028-02-28T22:50", "2028-02-28T23:10", "2028-02-29T22:50", "2028-02-29T23:10"),
        ],
        ids=["winter", "summer", "leap day"],
    )
    def test_orders_of_such_a_night(self, ordered: World, moments: tuple[str, ...]) -> None:
        """Orders are read by the shop's local time, of which an hour comes twice or never: each is exported, once."""
        for moment in moments:
            ordered.clock.set(datetime.fromisoformat(moment).replace(tzinfo=UTC))
            _order(ordered)
            assert ordered.sync(allowed=True).exit_code == 0
        ordered.advance(minutes=10)
        ordered.sync(allowed=True)

        _ledger_is_right(ordered)
        told = Ledger(ordered.shop_dump(), ordered.dump(), Terms({"*": "CB"}))
        assert len(told.orders) == len(moments)


def _order(made: World) -> None:
    skus = {variant["sku"] for article in made.in_lcv("articles") for variant in article["variants"]}
    piece = next(each for each in made.in_shop("combinations") if each["reference"] in skus)
    line = {"id_product": int(piece["id_product"]), "id_product_attribute": int(piece["id"]), "quantity": 1}
    made.tell_shop("order", customer={}, state=2, lines=[{**line, "oversell": True}])
