"""`lcvsync sync` and `resync` from the command line, on both emulators."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lcvsync import config
from lcvsync.bootstrap import SystemClock, run_session, store_of
from lcvsync.cli import Application, output
from lcvsync.cli.errors import terminate
from lcvsync.cli.main import run
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.lcv import association
from lcvsync.runner.run import Run
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingTable
from lcvsync.state.store import run_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lcvsync.config import Settings
    from lcvsync.emulators.http import Request, Response

    Captured = pytest.CaptureFixture[str]

KEY = "SYNCSYNCSYNCSYNCSYNCSYNCSYNCSYNC"
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
ARTICLES = 6
RULES = {
    MappingKind.SIZE_GRID: ("*", "1"),
    MappingKind.BRAND: ("*", "create"),
    MappingKind.RFS: ("*", "4"),
    MappingKind.ATTRIBUTE: ("coloris", "2"),
    MappingKind.VAT: ("20", "1"),
}


@dataclass
class Pair:
    """A back office and a shop on loopback, and the configuration and state of one lcvsync between them."""

    lcv: EmulatorServer
    shop: EmulatorServer
    directory: Path

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.directory / "state"

    @property
    def settings(self) -> Settings:
        """As the configuration file says."""
        return config.load(self.directory / "lcvsync.toml", {})

    def configure(self, sync: str = "") -> None:
        """Write the configuration; *sync*: lines of `[sync]`."""
        mode = "" if "mode" in sync else 'mode = "complete"'
        (self.directory / "lcvsync.toml").write_text(
            f'[lcv]\nurl = "{self.lcv.url}"\nweb_store = "WEB"\n[prestashop]\nurl = "{self.shop.url}"\nkey = "{KEY}"\n'
            f'[state]\ndirectory = "{self.state}"\n[sync]\n{mode}\n{sync}\n'
        )

    def associate(self) -> None:
        """Pair lcvsync with the back office."""
        made = association.associate(self.lcv.url, "demo", "secret", self.shop.url, SystemClock())
        association.save(made, self.state)

    def map(self) -> None:
        """Set the mappings that everything ordinary needs."""
        with store_of(self.settings) as store, store.transaction():
            for kind, (code, target) in RULES.items():
                MappingTable(store).set(kind, code, Rule((target,)))

    def run(self, *arguments: str) -> int:
        """One command line."""
        return run(["-c", str(self.directory / "lcvsync.toml"), *arguments])

    def lcv_control(self, action: str, body: object = None) -> Any:
        """Do something in the back office."""
        return control(self.lcv.url, f"lcv/{action}", body)

    def shop_control(self, action: str, **body: object) -> Any:
        """Do something in the shop."""
        return control(self.shop.url, f"shop/{action}", body)

    def articles(self) -> list[dict[str, Any]]:
        """The articles of LCV."""
        assert isinstance(self.lcv.emulator, LcvEmulator)
        return [asdict(article) for _, article in self.lcv.emulator.catalogue.articles.records()]

    def rows(self, resource: str) -> list[dict[str, Any]]:
        """The rows of one of the shop's tables."""
        assert isinstance(self.shop.emulator, PrestaShopEmulator)
        return [dict(row) for _, row in self.shop.emulator.shop.tables[resource]]

    def dump(self) -> dict[str, Any]:
        """Everything that the shop holds."""
        found: dict[str, Any] = httpx.get(f"{self.shop.url}/_emulator/shop/dump").json()
        return found

    def product(self, reference: str) -> dict[str, Any]:
        """The shop's product of a reference; there must be exactly one."""
        [found] = [row for row in self.rows("products") if row["reference"] == reference]
        return found

    def sell(self, place: int = 0) -> str:
        """Change the stock of an article in LCV, so that a run has something to do; its sku."""
        sku = str(self.articles()[place]["variants"][0]["sku"])
        level = {"sku": sku, "store": "LYO", "quantity": len(self.shop.requests) + 100}
        self.lcv_control("stock", level)
        return sku

    def writes(self) -> list[str]:
        """What was written to the shop since the log was cleared."""
        return [f"{line.method} {line.path}" for line in self.shop.requests if line.method in WRITES]

    def forget_requests(self) -> None:
        """Clear both logs."""
        self.lcv.requests.clear()
        self.shop.requests.clear()

    def duplicates(self) -> dict[str, list[object]]:
        """Records of the shop that were made twice."""
        dump = self.dump()
        names = {
            "products": [row["reference"] for row in dump["products"] if "-000" in row["reference"]],
            "combinations": [row["reference"] for row in dump["combinations"] if row["reference"].startswith("100")],
            "images": [(row["id_product"], row["sha256"]) for row in dump["images"] if row["sha256"]],
            "specific_prices": [
                (r["id_product"], r["id_product_attribute"], r["from"]) for r in dump["specific_prices"]
            ],
        }
        return {
            name: twice
            for name, keys in names.items()
            if (twice := [key for key, number in Counter(keys).items() if number > 1])
        }


def control(url: str, action: str, body: object) -> Any:
    """A control request that must succeed."""
    answer = httpx.post(f"{url}/_emulator/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def opened(directory: Path, articles: int = ARTICLES) -> Iterator[Pair]:
    """A pair that is associated and mapped, nothing synchronised yet."""
    clock = Clock()
    catalogue = generate(1, articles, now=clock())
    lcv = LcvEmulator(catalogue=catalogue, username="demo", password="secret", clock=clock)
    with (
        EmulatorServer(lcv, clock=clock) as back_office,
        EmulatorServer(PrestaShopEmulator(key=KEY, clock=clock), clock=clock) as shop,
    ):
        pair = Pair(back_office, shop, directory)
        pair.configure()
        pair.associate()
        pair.map()
        yield pair
        assert (back_office.errors, shop.errors) == ([], [])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Pair]:
    """A pair before its first synchronisation."""
    with opened(tmp_path) as pair:
        yield pair


@pytest.fixture(scope="module")
def synchronised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Callable[[], None]]]:
    """A pair after its first synchronisation, and what puts it back to that."""
    with opened(tmp_path_factory.mktemp("pair")) as pair:
        report = run_session(pair.settings, "sync", output.SilentReporter(), synchronise)
        assert (report.exit_code, report.error, report.failed) == (0, "", [])
        office, shop = pair.lcv.emulator, pair.shop.emulator
        assert isinstance(office, LcvEmulator)
        assert isinstance(shop, PrestaShopEmulator)
        shared = {id(pair.shop.clock): pair.shop.clock, id(shop.shop.resources): shop.shop.resources}
        catalogue, kept = deepcopy(vars(office.catalogue)), deepcopy(shop.shop, dict(shared))
        shutil.copytree(pair.state, pair.directory / "kept")

        def restore() -> None:
            vars(office.catalogue).update(deepcopy(catalogue))
            shop.shop = deepcopy(kept, dict(shared))
            shutil.rmtree(pair.state)
            shutil.copytree(pair.directory / "kept", pair.state)
            pair.configure()
            pair.associate()
            pair.lcv.faults, pair.shop.faults = [], []
            pair.forget_requests()

        yield pair, restore


def synchronise(run: Run) -> None:
    """What `sync` does."""
    run.observe()
    run.sync()


@pytest.fixture
def pair(synchronised: tuple[Pair, Callable[[], None]]) -> Pair:
    """A synchronised pair."""
    found, restore = synchronised
    restore()
    return found


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


class HurriedClock(SystemClock):
    """A clock that doesn't wait, and of which every look takes *step* seconds."""

    def __init__(self, step: float = 0.0) -> None:
        self.seconds, self.step = 0.0, step

    def monotonic(self) -> float:
        """Later than at the last look."""
        self.seconds += self.step
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """At once."""
        self.seconds += seconds


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("lcvsync.cli.execution.SystemClock", HurriedClock)


class TestSync:
    """`lcvsync sync`."""

    def test_first(self, fresh: Pair, capsys: Captured) -> None:
        """Under cron a good run says nothing, even if it made a whole shop."""
        assert fresh.run("sync") == 0
        assert capsys.readouterr() == ("", "")
        assert {row["reference"] for row in fresh.rows("products")} >= {
            article["reference"] for article in fresh.articles()
        }

    def test_nothing_to_do(self, pair: Pair, capsys: Captured) -> None:
        """The next run costs one request to LCV and writes nothing."""
        assert pair.run("sync") == 0
        assert capsys.readouterr() == ("", "")
        assert [line.path for line in pair.lcv.requests] == ["/api/v1/revisions"]
        assert pair.writes() == []

    def test_json(self, pair: Pair, capsys: Captured) -> None:
        """`--json` prints one object as the design has it, and the run is kept with the same one."""
        sku = pair.sell()

        assert pair.run("sync", "--json") == 0

        told = json.loads(capsys.readouterr().out)
        assert list(told)[:6] == ["run", "outcome", "exit_code", "dry_run", "mode", "started_at"]
        assert told["changes"] == {"stock": {"update": 1}}
        assert told["requests"]["lcv"] == len(pair.lcv.requests)
        assert told["requests"]["prestashop"] == len(pair.shop.requests)
        assert pair.run("runs", "show", str(told["run"]), "--json") == 0
        assert json.loads(capsys.readouterr().out) == told
        assert pair.run("audit", "--run", str(told["run"]), "--json") == 0
        [entry] = [entry for entry in json.loads(capsys.readouterr().out) if entry["event"] == "change"]
        assert (entry["kind"], entry["key"], entry["result"]) == ("stock", sku, "ok")

    def test_terminal(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """At a terminal a short summary says what was done; with -q nothing does."""
        pair.sell()
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert pair.run("sync") == 0
        told = r"\n1 quantity updated in \d\.\d s; 2 requests to LCV, \d to the shop; \d records? skipped"
        assert re.search(told, stderr())

        monkeypatch.setattr(sys, "stderr", Terminal())
        assert pair.run("-q", "sync") == 0
        assert stderr() == ""

    def test_verbose(self, pair: Pair, capsys: Captured) -> None:
        """-v tells the summary under cron, too."""
        assert pair.run("-v", "sync") == 0
        assert capsys.readouterr().err.startswith("nothing to change in ")

    def test_disabled(self, pair: Pair, capsys: Captured) -> None:
        """`sync.enabled = false`: nothing is asked of anybody, which is no failure; who asks for more is refused."""
        pair.configure("enabled = false")

        assert pair.run("sync") == 0
        assert capsys.readouterr() == ("", "")
        assert pair.run("sync", "--json") == 0
        assert json.loads(capsys.readouterr().out)["outcome"] == "disabled"
        assert pair.run("-v", "sync") == 0
        assert "sync.enabled" in capsys.readouterr().err
        assert pair.run("resync", "--now") == 2
        assert "sync.enabled" in capsys.readouterr().err
        assert (pair.lcv.requests, pair.shop.requests) == ([], [])

    def test_locked(self, pair: Pair, capsys: Captured) -> None:
        """While another run works, this one leaves: silently, with -v a line, with --fail-if-locked the code 11."""
        with run_lock(pair.state):
            assert pair.run("sync") == 0
            assert capsys.readouterr() == ("", "")
            assert pair.run("-v", "sync") == 0
            assert "another run is under way" in capsys.readouterr().err
            assert pair.run("sync", "--fail-if-locked", "--json") == 11
            told = json.loads(capsys.readouterr().out)
            assert (told["outcome"], told["exit_code"]) == ("locked", 11)
            for arguments in (["resync"], ["resync", "--now"]):
                assert pair.run(*arguments) == 5
                assert "another run is under way" in capsys.readouterr().err
        assert (pair.lcv.requests, pair.shop.requests) == ([], [])

    def test_switch_to_complete(self, pair: Pair, capsys: Captured) -> None:
        """After a switch to complete mode a run shows what it would do, until somebody accepts it."""
        pair.configure('mode = "basic"')
        assert pair.run("sync") == 0
        pair.configure()
        article = {**pair.articles()[0], "name": "Pull Neuf"}
        pair.lcv_control("articles", article)
        pair.forget_requests()

        assert pair.run("sync") == 0
        told = capsys.readouterr()
        assert "Pull Neuf" in told.out
        assert "--accept-mode" in told.err
        assert pair.run("sync") == 0
        assert capsys.readouterr() == ("", "")  # cron has mailed it
        assert pair.writes() == []
        assert pair.run("sync", "--accept-mode") == 0
        assert pair.product(article["reference"])["name"][1] == "Pull Neuf"


def stderr() -> str:
    """What the terminal shows, without its colours and movements."""
    assert isinstance(sys.stderr, Terminal)
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", sys.stderr.getvalue()).replace("\r", "")


class TestDryRun:
    """`lcvsync sync --dry-run`."""

    def test_writes_nowhere(self, fresh: Pair, capsys: Captured) -> None:
        """Neither the shop nor the state change, not by a byte; and what follows does exactly what was printed."""
        state, shop = files(fresh.state), fresh.dump()

        assert fresh.run("sync", "--dry-run", "--json") == 0
        told = json.loads(capsys.readouterr().out)

        assert files(fresh.state) == state
        assert fresh.dump() == shop
        assert (told["run"], told["dry_run"], fresh.writes()) == (0, True, [])
        assert Counter((c["kind"], c["action"]) for c in told["plan"]) == flat(told["changes"])
        assert fresh.run("sync", "--json") == 0
        real = json.loads(capsys.readouterr().out)
        assert flat(real["changes"]) == flat(told["changes"])
        assert (real["run"], real["skipped"]) == (1, told["skipped"])

    def test_table(self, pair: Pair, capsys: Captured) -> None:
        """For people it is a table: what, which record, from what to what."""
        sku = pair.sell()

        assert pair.run("sync", "--dry-run") == 0

        [headings, line] = capsys.readouterr().out.splitlines()
        assert headings.split() == ["Kind", "Action", "Record", "Change", "Reason"]
        assert re.match(rf"stock +update +{sku} +quantity \d+ → \d+", line)

    def test_nothing_to_do(self, pair: Pair, capsys: Captured) -> None:
        """An empty plan is an empty list."""
        assert pair.run("sync", "--dry-run", "--json") == 0
        assert json.loads(capsys.readouterr().out)["plan"] == []

    def test_beside_a_run(self, pair: Pair, capsys: Captured) -> None:
        """It only reads, so it works while another run does."""
        with run_lock(pair.state), store_of(pair.settings) as store:
            store.put("under way", True)
            assert pair.run("sync", "--dry-run") == 0
        assert capsys.readouterr().out == ""

    def test_resync(self, pair: Pair, capsys: Captured) -> None:
        """`resync --dry-run` finds what somebody changed in the shop, and marks nothing."""
        reference, product = renamed(pair)
        state = files(pair.state)

        assert pair.run("resync", "--dry-run", "--json") == 0

        [change] = json.loads(capsys.readouterr().out)["plan"]
        assert (change["kind"], change["key"], change["before"]["name"]) == ("product", reference, "Soldé !")
        assert pair.product(reference)["name"] == product["name"]
        assert files(pair.state) == state


class TestPlan:
    """`lcvsync plan` and `apply`."""

    def test_first(self, fresh: Pair, capsys: Captured) -> None:
        """A whole first synchronisation by a reviewed plan: exactly its lines, and nothing the second time."""
        file = fresh.directory / "plan.json"
        state, shop = files(fresh.state), fresh.dump()

        assert fresh.run("plan", "-o", str(file), "--json") == 0
        told = json.loads(capsys.readouterr().out)

        assert (files(fresh.state), fresh.dump()) == (state, shop)
        written = json.loads(file.read_text(encoding="utf-8"))
        assert (file.stat().st_mode & 0o777, written["format"], written["shop"]) == (0o600, 1, fresh.shop.url)
        assert Counter((c["kind"], c["action"]) for c in written["changes"]) == flat(told["changes"])

        assert fresh.run("apply", str(file), "--json") == 0
        real = json.loads(capsys.readouterr().out)
        assert flat(real["changes"]) == flat(told["changes"])
        whole(fresh)
        fresh.forget_requests()
        assert fresh.run("apply", str(file), "--json") == 0
        again = json.loads(capsys.readouterr().out)
        assert (again["changes"], fresh.writes()) == ({}, [])
        number = len(written["changes"])
        assert f"{number} of {number} lines were already so" in again["notes"]

    def test_goes_on(self, fresh: Pair, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the time budget cuts off is carried out by the same file; a product that was half made isn't left so."""
        file = fresh.directory / "plan.json"
        assert fresh.run("plan", "-o", str(file)) == 0
        monkeypatch.setattr("lcvsync.cli.execution.SystemClock", lambda: HurriedClock(0.05))
        fresh.configure("max_seconds = 5")

        codes = [fresh.run("apply", str(file))]
        while codes[-1] == 10 and len(codes) < 100:
            codes.append(fresh.run("apply", str(file)))

        assert (set(codes[:-1]), codes[-1]) == ({10}, 0)
        assert len(codes) > 2
        assert "(sync.max_seconds); the same `lcvsync apply` does the rest" in capsys.readouterr().err
        whole(fresh)

    def test_moved(self, pair: Pair, capsys: Captured) -> None:
        """What a person or LCV moved since is refused by name, the rest is written; what isn't in the file waits."""
        skus = [pair.sell(place) for place in range(4)]
        article = {**pair.articles()[4], "name": "Pull Neuf"}
        pair.lcv_control("articles", article)
        file = pair.directory / "plan.json"
        assert pair.run("plan", "-o", str(file)) == 0
        capsys.readouterr()
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if f'"sku":"{skus[3]}"' not in line), encoding="utf-8")
        level = {"sku": skus[0], "store": "LYO", "quantity": 555}
        pair.lcv_control("stock", level)
        person = stock_of(pair, skus[1])
        pair.shop_control("edit", resource="stock_availables", id=person["id"], fields={"quantity": 9})

        assert pair.run("apply", str(file), "--json") == 3

        told = json.loads(capsys.readouterr().out)
        assert {failed["key"] for failed in told["failed"]} == {skus[0], skus[1]}
        reasons = {failed["key"]: failed["error"] for failed in told["failed"]}
        assert "by LCV" in reasons[skus[0]]
        assert re.search(r"quantity was \d+, is 9 now in the shop", reasons[skus[1]])
        assert told["changes"] == {"product": {"update": 1}, "stock": {"update": 1}}
        assert pair.product(article["reference"])["name"][1] == "Pull Neuf"
        assert stock_of(pair, skus[1])["quantity"] == "9"
        assert pair.run("apply", str(file)) == 3
        assert "2 of 4 lines were already so" in capsys.readouterr().err
        assert pair.run("sync", "--json") == 0
        assert json.loads(capsys.readouterr().out)["changes"] == {"stock": {"update": 3}}
        whole(pair)

    @pytest.mark.parametrize(
        ("members", "told"),
        [
            ({"format": 2}, "format 2"),
            ({"shop": "https://other.example.com"}, "is a plan for https://other.example.com, not for"),
            ({"mode": "basic"}, "was made in basic mode"),
            ({"changes": None}, "is damaged"),
            ({"changes": [{"action": "update", "lane": 1}]}, "damaged: change 1 is none"),
            ({"format": None}, "is no plan of lcvsync"),
        ],
    )
    def test_refused(self, pair: Pair, capsys: Captured, members: dict[str, object], told: str) -> None:
        """A file that is no plan, damaged, of another format, shop or mode: exit 2, and nobody is asked anything."""
        file = pair.directory / "plan.json"
        head = {"format": 1, "shop": pair.shop.url, "shop_id": None, "mode": "complete", "lcvsync": "0", "changes": []}
        file.write_text(json.dumps({**head, "created_at": "2027-01-10T09:00:00+00:00", **members}))

        assert pair.run("apply", str(file)) == 2

        assert told in capsys.readouterr().err
        assert (pair.lcv.requests, pair.shop.requests) == ([], [])

    def test_deleted(self, pair: Pair, capsys: Captured) -> None:
        """Of a product that somebody deleted in the shop meanwhile nothing is written, and that is said."""
        sku = pair.sell()
        file = pair.directory / "plan.json"
        assert pair.run("plan", "-o", str(file)) == 0
        product = pair.product(pair.articles()[0]["reference"])
        pair.shop_control("delete", resource="products", id=product["id"])
        pair.forget_requests()

        assert pair.run("apply", str(file)) == 3

        assert f"stock {sku}: moved since the plan was made, not written: somebody deleted" in capsys.readouterr().err
        assert pair.writes() == []

    def test_mode_waits(self, pair: Pair, capsys: Captured) -> None:
        """`apply` doesn't accept a switch to complete mode: it refuses, and says what does."""
        pair.configure('mode = "basic"')
        assert pair.run("sync") == 0
        pair.configure()
        pair.lcv_control("articles", {**pair.articles()[0], "name": "Pull Neuf"})
        file = pair.directory / "plan.json"
        assert pair.run("plan", "-o", str(file)) == 0
        assert "Pull Neuf" in capsys.readouterr().out

        assert pair.run("apply", str(file)) == 2

        assert "lcvsync sync --accept-mode" in capsys.readouterr().err


def stock_of(pair: Pair, sku: str) -> dict[str, Any]:
    """The stock row of a variant."""
    [combination] = [row for row in pair.rows("combinations") if row["reference"] == sku]
    [found] = [row for row in pair.rows("stock_availables") if row["id_product_attribute"] == combination["id"]]
    return found


def flat(changes: dict[str, dict[str, int]]) -> dict[tuple[str, str], int]:
    """Counts by kind and action."""
    return {(kind, action): number for kind, actions in changes.items() for action, number in actions.items()}


def files(directory: Path) -> dict[str, str]:
    """The files of the state and their contents; SQLite's two helpers are empty ones, or there is nothing in them."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.iterdir()
        if not path.name.endswith(("-shm", "-wal"))
    }


def renamed(pair: Pair, place: int = 0) -> tuple[str, dict[str, Any]]:
    """Let somebody rename a product in the shop; its reference, and the product."""
    reference = str(pair.articles()[place]["reference"])
    product = pair.product(reference)
    pair.shop_control("edit", resource="products", id=product["id"], fields={"name": {"1": "Soldé !", "2": "Sale!"}})
    return reference, pair.product(reference)


class TestStopping:
    """What ends a run before its work."""

    def test_sigterm(self, fresh: Pair, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """SIGTERM lets the batch in hand end, saves and leaves with 143; the next run goes on, and nothing is twice."""
        before = signal.signal(signal.SIGTERM, terminate)
        emulator = fresh.shop.emulator
        handle = emulator.handle

        def killing(request: Request) -> Response:
            if len(fresh.writes()) == 6:
                os.kill(os.getpid(), signal.SIGTERM)
            return handle(request)

        monkeypatch.setattr(emulator, "handle", killing)
        try:
            assert fresh.run("sync", "--json") == 143
        finally:
            signal.signal(signal.SIGTERM, before)
        told = capsys.readouterr()
        assert json.loads(told.out)["outcome"] == "interrupted"
        assert "terminated" in told.err
        assert 6 <= len(fresh.writes()) < 20  # photos are sent several at a time
        monkeypatch.undo()
        assert fresh.run("sync") == 0
        whole(fresh)

    def test_budget(self, fresh: Pair, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """`sync.max_seconds` ends a run with 10; the next ones go on until all is done, and nothing is twice."""
        monkeypatch.setattr("lcvsync.cli.execution.SystemClock", lambda: HurriedClock(0.05))
        fresh.configure("max_seconds = 3")

        codes = [fresh.run("sync")]
        while codes[-1] == 10 and len(codes) < 100:
            codes.append(fresh.run("sync"))

        assert (set(codes[:-1]), codes[-1]) == ({10}, 0)
        assert len(codes) > 2
        told = capsys.readouterr().err.splitlines()
        assert ["sync.max_seconds" in line for line in told] == [True, True]
        assert "trouble over" in told[-1]
        whole(fresh)

    def test_second_signal(self, pair: Pair, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """An interruption that doesn't wait is 130, in JSON as well."""

        def interrupted(_run: Run) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Run, "observe", interrupted)
        assert pair.run("sync", "--json") == 130
        told = json.loads(capsys.readouterr().out)
        assert (told["outcome"], told["exit_code"]) == ("interrupted", 130)


def whole(pair: Pair) -> None:
    """The shop is complete, nothing in it is there twice, and there is nothing left to do."""
    pair.forget_requests()
    assert pair.run("sync") == 0
    assert pair.writes() == []
    assert pair.duplicates() == {}
    references = {article["reference"] for article in pair.articles()}
    made = {row["reference"]: row["active"] for row in pair.rows("products") if row["reference"] in references}
    assert made == dict.fromkeys(references, "1")


class TestTrouble:
    """What goes wrong: named, with its code, and told by the rule."""

    def test_key_revoked(self, pair: Pair, capsys: Captured) -> None:
        """LCV refuses the key: exit 4 and the way out, told once; its end is told too."""
        pair.lcv_control("key", {"revoke": True})

        assert pair.run("sync") == 4
        told = capsys.readouterr()
        assert told.out == ""
        assert "→" in told.err
        assert "lcvsync associate" in told.err
        assert pair.run("sync") == 4
        assert capsys.readouterr() == ("", "")
        pair.associate()
        assert pair.run("sync") == 0
        assert capsys.readouterr().err.startswith("  trouble over: ")
        assert pair.run("sync") == 0
        assert capsys.readouterr() == ("", "")

    def test_error_as_json(self, pair: Pair, capsys: Captured) -> None:
        """`--json` prints its object when the run failed, and when there could be none."""
        pair.lcv_control("key", {"revoke": True})
        assert pair.run("sync", "--json") == 4
        told = json.loads(capsys.readouterr().out)
        assert (told["outcome"], told["exit_code"], told["changes"]) == ("error", 4, {})
        assert told["error"]

        (pair.directory / "lcvsync.toml").write_text("[lcv]\n")
        assert pair.run("sync", "--json") == 2
        told = json.loads(capsys.readouterr().out)
        assert (told["outcome"], told["exit_code"], told["run"]) == ("error", 2, 0)

    def test_not_associated(self, pair: Pair, capsys: Captured) -> None:
        """Without an association: exit 4 and the way out."""
        association.forget(pair.state)
        assert pair.run("sync") == 4
        assert "lcvsync associate" in capsys.readouterr().err

    @pytest.mark.usefixtures("hurried")
    def test_maintenance(self, pair: Pair, capsys: Captured) -> None:
        """The shop is closed: exit 5 each time, told once; when it opens the run does its work and tells the end."""
        sku = pair.sell()
        pair.shop_control("settings", webservice=False)

        assert [pair.run("sync") for _ in range(3)] == [5, 5, 5]
        told = capsys.readouterr().err
        assert told.count("lcvsync: ") == 1
        pair.shop_control("settings", webservice=True)
        assert pair.run("sync") == 0
        assert "trouble over" in capsys.readouterr().err
        assert [path for path in pair.writes() if "stock_availables" in path]
        assert sku

    @pytest.mark.usefixtures("hurried")
    def test_terminal_tells_every_time(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """A person who runs it is told each time."""
        pair.sell()
        pair.shop_control("settings", webservice=False)
        for _ in range(2):
            monkeypatch.setattr(sys, "stderr", Terminal())
            assert pair.run("sync") == 5
            assert "lcvsync: " in stderr()

    def test_failing_record(self, pair: Pair, capsys: Captured) -> None:
        """A record that is refused is named, the rest is done, the code is 3; it is told once until it is cured."""
        article, other = pair.articles()[:2]
        for changed, name in ((article, "Pull Neuf"), (other, "Autre Nom")):
            pair.lcv_control("articles", {**changed, "name": name})
        error = "<error><code>85</code><message>Validation error: \u202e\x9b31m is no name</message></error>"
        body = f"<prestashop><errors>{error}</errors></prestashop>"
        pair.shop.faults = [Fault(FaultKind.STATUS, "PATCH", "/api/products", times=2, status=400, body=body)]

        assert pair.run("sync") == 3
        told = capsys.readouterr().err
        assert told.splitlines()[0].endswith("1 record failed")
        assert f"product {article['reference']}: " in told
        assert "\u202e" not in told
        assert "\x9b" not in told
        assert pair.product(other["reference"])["name"][1] == "Autre Nom"
        assert pair.run("sync") == 0  # it waits for its turn
        assert capsys.readouterr() == ("", "")
        assert pair.run("status", "--json") == 0
        [failed] = json.loads(capsys.readouterr().out)["failed"]
        assert (failed["key"], failed["times"]) == (article["reference"], 1)
        pair.lcv_control("articles", {**article, "name": "Pull Vieux"})
        assert pair.run("sync") == 0
        assert capsys.readouterr().err.startswith(f"  trouble over: product {article['reference']}: ")
        assert pair.product(article["reference"])["name"][1] == "Pull Vieux"

    def test_bug(self, pair: Pair, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bug is 1 and its report a file; the same one isn't mailed every five minutes, and JSON is still whole."""

        def broken(_run: Run) -> None:
            raise RuntimeError(f"a bug with {KEY}")

        monkeypatch.setattr(Run, "observe", broken)
        assert pair.run("sync") == 1
        assert "unexpected failure: RuntimeError" in capsys.readouterr().err
        assert list(pair.state.glob("lcvsync-error-*.txt"))
        assert pair.run("sync") == 1
        assert capsys.readouterr() == ("", "")
        assert pair.run("sync", "--json") == 1
        told = capsys.readouterr().out
        assert json.loads(told)["outcome"] == "error"
        assert KEY not in told

    def test_escape_sequences(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """What names hold from outside never reaches a terminal raw, nor as markup."""
        article = pair.articles()[0]
        pair.lcv_control("articles", {**article, "name": "Pull \x1b[31mEVIL\x07 [bold]gras[/bold] \u202e"})
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, Terminal())

        assert pair.run("sync", "--dry-run") == 0

        assert isinstance(sys.stdout, Terminal)
        shown = sys.stdout.getvalue() + stderr()
        assert "EVIL" in shown
        assert "\x1b[31mEVIL" not in shown
        assert "\x07" not in shown
        assert "\u202e" not in shown
        assert "[bold]" in shown


class TestResync:
    """`lcvsync resync`."""

    def test_everything_at_the_next_run(self, pair: Pair, capsys: Captured) -> None:
        """The next run reads every feed from 0, compares all with the shop and puts right what differs."""
        reference, product = renamed(pair)
        assert pair.run("resync", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {"marked": ARTICLES}
        assert (pair.lcv.requests, pair.writes()) == ([], [])
        assert product["name"][1] == "Soldé !"

        assert pair.run("sync", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert told["changes"] == {"product": {"update": 1}}
        assert {"/api/v1/articles", "/api/v1/stock", "/api/v1/prices"} <= {line.path for line in pair.lcv.requests}
        assert pair.product(reference)["name"][1] == pair.articles()[0]["name"]

    def test_now(self, pair: Pair) -> None:
        """`--now` doesn't wait for the next run."""
        reference, _ = renamed(pair)
        assert pair.run("resync", "--now") == 0
        assert pair.product(reference)["name"][1] != "Soldé !"

    def test_recreate(self, pair: Pair, capsys: Captured) -> None:
        """What was deleted in the shop comes back with --recreate only."""
        reference = pair.articles()[0]["reference"]
        pair.shop_control("delete", resource="products", id=pair.product(reference)["id"])
        assert pair.run("resync", "--now", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert [item["reason"] for item in told["skipped"] if item["key"] == reference] == ["deleted_in_shop"]

        assert pair.run("resync", "--now", "--recreate") == 0
        assert pair.product(reference)["active"] == "1"
        whole(pair)

    def test_one_card(self, pair: Pair, capsys: Captured) -> None:
        """One card is put right at once; stock, and other products, wait for the ordinary run."""
        reference, _ = renamed(pair)
        other, _ = renamed(pair, 1)
        pair.sell()

        assert pair.run("resync", reference, "--json") == 0

        assert json.loads(capsys.readouterr().out)["changes"] == {"product": {"update": 1}}
        assert pair.product(reference)["name"][1] == pair.articles()[0]["name"]
        assert pair.product(other)["name"][1] == "Soldé !"
        assert [path for path in pair.writes() if "stock" in path] == []

    def test_deleted_card(self, pair: Pair) -> None:
        """A product that was deleted in the shop is made again by name."""
        reference = pair.articles()[0]["reference"]
        pair.shop_control("delete", resource="products", id=pair.product(reference)["id"])
        assert pair.run("resync", reference) == 0
        assert pair.run("resync", reference) == 0
        assert pair.product(reference)["active"] == "1"

    def test_unknown(self, pair: Pair, capsys: Captured) -> None:
        """An unknown reference is exit 2 with what may have been meant; the spelling of case doesn't matter."""
        reference = pair.articles()[0]["reference"]
        assert pair.run("resync", f"{reference}X", "ZZZZ") == 2
        told = capsys.readouterr().err
        assert f"{reference}X; did you mean {reference}" in told
        assert "X, ZZZZ\n" in told
        assert "lcvsync product list" in told
        assert pair.writes() == []
        assert pair.run("resync", reference.lower()) == 0

    def test_locked_card(self, pair: Pair, capsys: Captured) -> None:
        """A locked card is left and said so, exit 3; the others are done."""
        reference, _ = renamed(pair)
        other, _ = renamed(pair, 1)
        with store_of(pair.settings) as store, store.transaction():
            Bindings(store).set_product(pair.articles()[0]["id"], locked=1)

        assert pair.run("resync", reference, other) == 3

        assert f"product {reference}: its card is locked: lcvsync product unlock" in capsys.readouterr().err
        assert pair.product(reference)["name"][1] == "Soldé !"
        assert pair.product(other)["name"][1] != "Soldé !"

    def test_recut_needs_references(self, pair: Pair, capsys: Captured) -> None:
        """Cutting anew is for products that somebody names."""
        assert pair.run("resync", "--recut") == 2
        assert "--recut" in capsys.readouterr().err


def test_help(capsys: Captured) -> None:
    """Both commands explain themselves with examples."""
    for command in ("sync", "resync"):
        assert run([command, "--help"], Application()) == 0
        assert "Examples:\n    lcvsync" in capsys.readouterr().out
