"""`lcvsync doctor` on both emulators: what it sees when something is wrong, and that it leaves everything as it was."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lcvsync import bootstrap
from lcvsync.bootstrap import SystemClock, store_of
from lcvsync.cli.main import run
from lcvsync.config import load
from lcvsync.config.secrets import secret_files
from lcvsync.demo.back_office import control as tell_lcv
from lcvsync.demo.shop import control
from lcvsync.domain.catalogue import Feed
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.emulators.faults import FOR_EVER, Fault, FaultKind
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls
from lcvsync.lcv import association
from lcvsync.lcv.certificate import Fingerprint
from lcvsync.runner.adoption import ADOPTED
from lcvsync.runner.doctor.boxes import NEVER
from lcvsync.runner.doctor.facts import Missed
from lcvsync.runner.doctor.findings import CHECKS
from lcvsync.runner.doctor.gather import DEADLINE, Looks
from lcvsync.runner.report import Outcome
from lcvsync.runner.rights import COMPLETE, WRITE, order_rights
from lcvsync.state import migrations
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import DATABASE, Store, run_lock
from lcvsync.transport import Limits

Captured = pytest.CaptureFixture[str]
KEY = "DOCTORDOCTORDOCTORDOCTORDOCTOR00"


class SteadyClock:
    """Seconds that a test lets go by."""

    seconds = 0.0

    def now(self) -> datetime:
        """Asked by nobody here."""
        raise AssertionError

    def monotonic(self) -> float:
        """What went by."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Asked by nobody here."""
        raise AssertionError


@dataclass
class Practice:
    """A healthy pair, and the way to make it ill."""

    lcv: EmulatorServer
    shop: EmulatorServer
    clock: Clock
    capsys: Captured

    def configure(self, *, sections: str = "", shop_url: str = "", key: str = KEY) -> None:
        """Write the configuration, for its owner alone."""
        file = Path("lcvsync.toml")
        file.write_text(
            f'[lcv]\nurl = "{self.lcv.url}"\nweb_store = "WEB"\n'
            f'[prestashop]\nurl = "{shop_url or self.shop.url}"\nkey = "{key}"\n'
            f'[state]\ndirectory = "state"\n{sections or self.sections()}'
        )
        file.chmod(0o600)

    def sections(self, orders: str = "", sync: str = "") -> str:
        """The sections of a shop that sells."""
        orders = orders or 'min_id = 1\nshipping_reference = "PORT"\n'
        return f'[orders]\n{orders}[sync]\nmode = "complete"\n{sync}'

    @property
    def store(self) -> Any:
        """The state, to be written."""
        return store_of(load(Path("lcvsync.toml"), {}))

    def tell(self, action: str, **asked: Any) -> Any:
        """What a person does in the shop."""
        emulator = self.shop.emulator
        assert isinstance(emulator, PrestaShopEmulator)
        return control(emulator, "POST", action, asked)

    def settings(self, **values: str) -> None:
        """Rows of the shop's configuration."""
        self.tell("settings", configurations=values)

    def examine(self) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        """The exit code, and the findings by check."""
        code = run(["doctor", "--json"])
        found = json.loads(self.capsys.readouterr().out)
        assert found["exit_code"] == code
        checks: dict[str, list[dict[str, Any]]] = {}
        for finding in found["checks"]:
            checks.setdefault(finding["check"], []).append(finding)
        assert list(checks) == list(CHECKS)
        return code, checks

    def wrong(self) -> tuple[int, dict[str, str]]:
        """The exit code, and level and words of what is not ok."""
        code, checks = self.examine()
        bad = {
            check: f"{f['level']}: {f['found']} → {f['cure']}"
            for check, found in checks.items()
            for f in found
            if f["level"] in {"warning", "failure"}
        }
        return code, bad


def exact_boxes() -> dict[str, list[str]]:
    """What a key for everything needs, and no more."""
    needed: dict[str, set[str]] = {}
    for wanted in (COMPLETE, order_rights(customers=True, states=True)):
        for name, methods in wanted.items():
            parts = {part for method in methods for part in (["PUT", "PATCH"] if method == WRITE else [method])}
            needed[name] = needed.get(name, set()) | parts
    return {name: sorted(methods) for name, methods in needed.items()}


def fill(store: Store) -> None:
    """What a state knows after a good first run, as far as the doctor looks."""
    now = datetime.now(UTC)
    with store.transaction():
        store.rows("UPDATE article SET dirty = 0")
        store.rows(
            "INSERT INTO product (key, article, id, origin, written) VALUES ('A', 'A', 1, 'made', '{}')"
        )  # what is for sale isn't looked at, only that the first run is over
        for kind in (MappingKind.RFS, MappingKind.SIZE_GRID, MappingKind.BRAND, MappingKind.VAT):
            MappingTable(store).set(kind, "*", Rule(("1",)))
        for kind in (MappingKind.CATEGORY, MappingKind.ATTRIBUTE, MappingKind.FEATURE):
            MappingTable(store).set(kind, "*", Rule(("1",)))
    journal = Journal(store)
    number = journal.start_run("sync", now - timedelta(minutes=3))
    journal.finish_run(number, Outcome.OK, 0, {})


@pytest.fixture
def practice(capsys: Captured) -> Iterator[Practice]:
    """Associated, adopted, mapped, with a run of three minutes ago and exactly the boxes that are needed."""
    clock = Clock()
    lcv = LcvEmulator(catalogue=generate(1, 2, now=clock()), username="demo", password="demo-password", clock=clock)
    emulator = PrestaShopEmulator(key=KEY, clock=clock, demo_data=False)
    with EmulatorServer(lcv, clock=clock) as office, EmulatorServer(emulator, clock=clock) as shop:
        made = Practice(office, shop, clock, capsys)
        made.configure()
        made.tell("key", key=KEY, permissions=exact_boxes())
        paired = association.associate(office.url, "demo", "demo-password", shop.url, SystemClock())
        association.save(paired, Path("state"))
        assert run(["pull-config"]) == 0
        assert run(["adopt", "--yes"]) == 0
        with made.store as store:
            fill(store)
        capsys.readouterr()
        office.requests.clear()
        shop.requests.clear()
        yield made
        assert (office.errors, shop.errors) == ([], [])


def contents() -> dict[str, tuple[int, bytes]]:
    """Every file of the state with its mode, but for SQLite's shared memory."""
    files = sorted(path for path in Path("state").iterdir() if not path.name.endswith(("-shm", "-wal")))
    return {path.name: (path.stat().st_mode, path.read_bytes()) for path in files}


class TestHealthy:
    """A pair that has everything it needs."""

    def test_nothing_to_say(self, practice: Practice) -> None:
        """Every check passes, whatever version the shop has."""
        assert practice.wrong() == (0, {})

    def test_nothing_written(self, practice: Practice) -> None:
        """Shop, LCV and state are afterwards as they were, though PUT, PATCH and DELETE were tried."""
        emulator, office = practice.shop.emulator, practice.lcv.emulator
        assert isinstance(emulator, PrestaShopEmulator)
        assert isinstance(office, LcvEmulator)
        before = (control(emulator, "GET", "dump", {}), tell_lcv(office, "GET", "dump"), contents())

        practice.examine()

        assert (control(emulator, "GET", "dump", {}), tell_lcv(office, "GET", "dump"), contents()) == before
        writes = [(line.method, line.path, line.status) for line in practice.shop.requests if line.method != "GET"]
        assert writes == [
            ("PUT", "/api/stock_availables", 200),
            ("PATCH", "/api/stock_availables", 200),
            ("DELETE", "/api/stock_availables/0", 405),
        ]
        assert {line.method for line in practice.lcv.requests} == {"GET"}

    def test_key_that_may_do_everything(self, practice: Practice) -> None:
        """Even then the trials do nothing: PrestaShop itself refuses to delete quantities."""
        practice.tell("key", key=KEY, permissions="all")
        emulator = practice.shop.emulator
        assert isinstance(emulator, PrestaShopEmulator)
        before = control(emulator, "GET", "dump", {})

        code, bad = practice.wrong()

        assert (code, list(bad)) == (0, ["key.danger"])
        assert "DELETE is ticked for orders, order_states, order_histories, customers" in bad["key.danger"]
        assert all(name in bad["key.danger"] for name in NEVER)
        assert control(emulator, "GET", "dump", {}) == before

    def test_few_requests(self, practice: Practice) -> None:
        """It costs little, so that it can be run at any time."""
        practice.examine()

        assert len(practice.lcv.requests) == 2
        assert len(practice.shop.requests) <= 12

    def test_for_people(self, practice: Practice) -> None:
        """A line for each check under its area, meaning and cure below what is wrong, a count on stderr."""
        practice.settings(PS_ORDER_OUT_OF_STOCK="1")

        assert run(["doctor"]) == 0

        shown = practice.capsys.readouterr()
        assert re.search(r"^Shop settings$", shown.out, re.MULTILINE)
        assert "  ok       address: the webservice answers\n" in shown.out
        text = (
            "  warning  stock: orders for what is out of stock are allowed\n           the shop sells what isn't there"
        )
        assert text in shown.out
        assert "           → Shop parameters > Product settings > " in shown.out
        assert re.fullmatch(r"\d+ ok, 1 warning\n", shown.err)

    def test_no_configuration(self, capsys: Captured) -> None:
        """Without a configuration it says so as a finding, and nothing else is looked at."""
        assert run(["doctor", "--json"]) == 2

        found = json.loads(capsys.readouterr().out)
        assert found["checks"][0]["found"].startswith("there is no configuration file: lcvsync.toml: not found")
        assert found["counts"] == {"ok": 0, "warning": 0, "failure": 1, "unknown": len(CHECKS) - 1}

    def test_nothing_yet(self, practice: Practice) -> None:
        """Before `associate` nothing is made: no state directory, no database."""
        shutil.rmtree("state")

        code, bad = practice.wrong()

        assert (code, "lcvsync associate" in bad["lcv.association"]) == (4, True)
        assert not Path("state").exists()


class TestMachine:
    """Configuration, files, database, runs."""

    def test_modes(self, practice: Practice) -> None:
        """What others can read is named, with the command that closes it."""
        Path("lcvsync.toml").chmod(0o644)
        Path("state").chmod(0o755)
        (Path("state") / "association.json").chmod(0o640)

        code, bad = practice.wrong()

        assert code == 2
        assert "chmod o-rwx" in bad["configuration.secrets"]
        assert "(0755)" in bad["state.directory"]
        assert "state.database" not in bad
        assert "association.json (0640)" in bad["state.files"]

    def test_secret_in_a_file(self, practice: Practice) -> None:
        """A key in a file of its own is looked at there, one in the environment nowhere."""
        Path("key").write_text(KEY)
        practice.configure(key="file:key")
        Path("key").chmod(0o644)
        assert "/key holds prestashop.key" in practice.wrong()[1]["configuration.secrets"]

        file = Path("lcvsync.toml").absolute()
        assert secret_files(file) == [(file.parent / "key", "prestashop.key")]
        practice.configure(key="env:LCVSYNC_KEY")
        assert secret_files(file) == []

    def test_damaged_state(self, practice: Practice) -> None:
        """A database that isn't whole is a failure, and LCV and the shop are still looked at."""
        path = Path("state") / DATABASE
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(path.read_bytes())
        content[4096 * 3 : 4096 * 8] = bytes(4096 * 5)
        path.write_bytes(content)

        code, bad = practice.wrong()

        assert code == 2
        assert "backup" in bad["state.database"] or "can't open" in bad["state.database"]
        assert "shop.address" not in bad

    def test_newer_state(self, practice: Practice) -> None:
        """A state of a newer lcvsync is refused, as every command does."""
        with practice.store as store, store.transaction():
            store.rows("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('lcvsync', '9', '')")

        code, bad = practice.wrong()

        assert (code, "upgrade lcvsync" in bad["state.database"]) == (2, True)

    def test_older_state(self, practice: Practice) -> None:
        """A state of an older lcvsync is read on a copy: it stays as it is until a command needs it."""
        path = Path("state") / DATABASE
        for file in Path("state").glob(f"{DATABASE}*"):
            file.unlink()
        with closing(sqlite3.connect(path)) as connection:
            migrations.apply(connection, stop_before="0002_orders")
        path.chmod(0o600)
        before = path.read_bytes()

        code, checks = practice.examine()

        assert code == 0
        assert "0002_orders" in checks["state.schema"][0]["found"]
        assert checks["orders.adopted"][0]["level"] == "warning"
        assert path.read_bytes() == before

    def test_lock(self, practice: Practice) -> None:
        """A run under way is nothing bad, one that began long ago is."""
        with practice.store as store:
            Journal(store).start_run("sync", datetime.now(UTC) - timedelta(hours=2))
            with run_lock(Path("state")):
                _, bad = practice.wrong()
            assert "held for 120 minutes" in bad["runs.lock"]
            assert "ended without a word" in practice.wrong()[1]["runs.lock"]

    def test_cron(self, practice: Practice) -> None:
        """No run for long, none that went well for a day; what a person ran by hand doesn't count."""
        with practice.store as store, store.transaction():
            long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
            store.rows("UPDATE run SET started_at = ?, outcome = 'error' WHERE command = 'sync'", long_ago)

        _, bad = practice.wrong()

        assert "no run for 3 days" in bad["runs.cron"]
        assert "none yet" in bad["runs.success"]


class TestLcv:
    """The back office."""

    def test_silence(self, practice: Practice) -> None:
        """LCV that doesn't answer is exit code 5; the shop is looked at all the same."""
        practice.lcv.faults = [Fault(FaultKind.REFUSED, times=FOR_EVER)]

        code, checks = practice.examine()

        assert (code, checks["lcv.answer"][0]["level"], checks["shop.key"][0]["level"]) == (5, "failure", "ok")
        assert len(practice.lcv.requests) == 1  # it isn't repeated
        assert checks["lcv.web_store"][0]["level"] == "unknown"

    def test_revoked(self, practice: Practice) -> None:
        """A key that LCV doesn't know is exit code 4."""
        assert isinstance(practice.lcv.emulator, LcvEmulator)
        practice.lcv.emulator.associations.revoke_all()

        code, bad = practice.wrong()

        assert (code, "lcvsync associate" in bad["lcv.answer"]) == (4, True)

    def test_strange_answer(self, practice: Practice) -> None:
        """Revisions without a time are no answer of LCV."""
        practice.lcv.faults = [Fault(FaultKind.BROKEN, path="revisions", status=200, body="{}")]

        assert "server_time" in practice.wrong()[1]["lcv.answer"]

    def test_web_store_and_tables(self, practice: Practice) -> None:
        """A web store that LCV doesn't know is named beside those that it knows; tables that were not read, too."""
        practice.configure()
        text = Path("lcvsync.toml").read_text().replace('"WEB"', '"WEBB"')
        Path("lcvsync.toml").write_text(text)
        with practice.store as store, store.transaction():
            store.rows("DELETE FROM meta WHERE name = 'tables'")
            Mirror(store).restart(Feed.TABLES)

        code, bad = practice.wrong()

        assert code == 2
        assert "'WEBB'; it has: WEB" in bad["lcv.web_store"]

    @pytest.mark.parametrize("pinned", [True, False])
    def test_certificate(self, practice: Practice, tmp_path: Path, *, pinned: bool) -> None:
        """A self-signed certificate is right where it is the accepted one, and nothing is sent where it isn't."""
        tls = make_tls(CertificateKind.SELF_SIGNED, tmp_path)
        with EmulatorServer(practice.lcv.emulator, tls=tls, clock=practice.clock) as secure:
            pin = Fingerprint(tls.fingerprint if pinned else ":".join(["AB"] * 32))
            kept = association.load(Path("state"))
            made = association.Association(kept.association_id, kept.access_key, secure.url, kept.name, pin)
            association.save(made, Path("state"))
            practice.lcv.url = secure.url
            practice.configure()

            code, checks = practice.examine()

            level = checks["lcv.certificate"][0]["level"]
            assert (code, level) == ((0, "ok") if pinned else (4, "failure"))
            assert bool(secure.requests) is pinned

    def test_clocks(self, practice: Practice) -> None:
        """Both parties agree with each other and not with this machine."""
        practice.clock.advance(600)

        code, bad = practice.wrong()

        assert code == 0
        assert re.search(r"LCV's clock is \d+ s ahead of this machine's", bad["lcv.clock"])
        assert re.search(r"the shop's clock is \d+ s ahead", bad["shop.clock"])


class Stripping:
    """A shop behind a web server that keeps the Authorization header to itself."""

    base_url = ""

    def __init__(self, emulator: PrestaShopEmulator) -> None:
        self._emulator = emulator
        self.control = emulator.control
        self.with_key: list[bool] = []

    def handle(self, request: Request) -> Response:
        """Hand on what is left of the request."""
        self._emulator.base_url = self.base_url
        self.with_key.append("authorization" in request.headers)
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        return self._emulator.handle(Request(request.method, request.path, request.query, headers, request.body))


class Elsewhere:
    """A server that sends everybody elsewhere, with the key in the address."""

    def handle(self, request: Request) -> Response:
        """Send them."""
        return Response(302, b"", {"Location": f"https://x.example.com/{KEY}/api/"})

    control = handle


class TestShop:
    """The shop's door, the key's boxes, the settings."""

    def test_redirect(self, practice: Practice) -> None:
        """Another name of the same shop redirects to its own address, which the cure names."""
        practice.configure(shop_url=practice.shop.url.replace("127.0.0.1", "localhost"))

        code, bad = practice.wrong()

        assert (code, f"set prestashop.url to {practice.shop.url}" in bad["shop.address"]) == (4, True)

    def test_foreign_words(self, practice: Practice) -> None:
        """What a server says is shown without secrets."""
        with EmulatorServer(Elsewhere()) as server:
            practice.configure(shop_url=server.url)
            assert run(["doctor"]) == 4

        shown = practice.capsys.readouterr().out
        assert "https://x.example.com/***" in shown
        assert KEY not in shown

    def test_webservice_off(self, practice: Practice) -> None:
        """A webservice that is switched off says so itself."""
        practice.tell("settings", webservice=False)

        code, bad = practice.wrong()

        assert (code, "Enable PrestaShop's webservice" in bad["shop.address"]) == (5, True)

    def test_unknown_key(self, practice: Practice) -> None:
        """A key that the shop doesn't know is exit code 4; it is never shown."""
        practice.configure(key="Z" * 32)

        code, bad = practice.wrong()

        assert (code, "PrestaShop refuses it (error 20)" in bad["shop.key"]) == (4, True)
        assert "Z" * 32 not in str(bad)

    def test_key_stripped(self, practice: Practice) -> None:
        """A web server that drops the header is told from a wrong key; the real key never stands in an address."""
        assert isinstance(practice.shop.emulator, PrestaShopEmulator)
        behind = Stripping(practice.shop.emulator)
        with EmulatorServer(behind, clock=practice.clock) as stripping:
            practice.configure(shop_url=stripping.url)
            code, bad = practice.wrong()
            queries = [line.query for line in stripping.requests]

        assert (code, "drops the Authorization header" in bad["shop.key"]) == (4, True)
        for cure in ("CGIPassAuth On", "E=HTTP_AUTHORIZATION", "SetEnvIf Authorization"):
            assert cure in bad["shop.key"]
        assert queries == ["", "ws_key=***"]
        assert behind.with_key == [True, False]

    def test_password_in_front(self, practice: Practice) -> None:
        """A password of the web server's own is told from both."""
        practice.shop.faults = [Fault(FaultKind.HTML, status=401, times=FOR_EVER)]

        code, bad = practice.wrong()

        assert (code, "a password of its own" in bad["shop.address"]) == (4, True)

    @pytest.mark.parametrize("fault", [FaultKind.HTML, FaultKind.REFUSED])
    def test_blocked_methods(self, practice: Practice, fault: FaultKind) -> None:
        """A server that answers PUT and DELETE itself, or hangs up on them, is found without writing."""
        practice.shop.faults = [Fault(fault, method="PUT|DELETE", status=405, times=FOR_EVER)]

        code, bad = practice.wrong()

        assert (code, bad["shop.methods"].startswith("failure: PUT, DELETE doesn't get through")) == (4, True)

    def test_slow_shop(self, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
        """A shop that never answers is given up, and LCV was looked at."""
        monkeypatch.setattr(bootstrap, "HURRY", Limits(0.2, 0.2, 0.5))
        practice.shop.faults = [Fault(FaultKind.SLOW, seconds=60, times=FOR_EVER)]

        code, checks = practice.examine()

        assert (code, checks["lcv.answer"][0]["level"]) == (5, "ok")
        assert "no answer in time" in checks["shop.address"][0]["found"]
        assert len(practice.shop.requests) <= 1

    @pytest.mark.parametrize("path", ["configurations", "shops", "languages", "order_states"])
    def test_one_look_fails(self, practice: Practice, path: str) -> None:
        """A resource that can't be read costs the checks that need it, and no other."""
        practice.shop.faults = [Fault(FaultKind.STATUS, path=f"/api/{path}", status=500, times=FOR_EVER)]

        code, checks = practice.examine()

        assert code == 0
        assert len([line for line in practice.shop.requests if line.path == f"/api/{path}"]) <= 2  # none is repeated
        assert checks["shop.methods"][0]["level"] == "ok"
        lost = {check for check, found in checks.items() if found[0]["level"] == "unknown"}
        expected = {
            "configurations": {"open", "indexation", "stock", "tax", "rounding"},
            "shops": {"shops"},
            "languages": {"languages"},
            "order_states": set(),
        }
        assert lost >= {f"settings.{name}" for name in expected[path]}

    def test_boxes(self, practice: Practice) -> None:
        """Every box that lacks is named, and PATCH apart from PUT."""
        boxes = exact_boxes()
        boxes["specific_prices"].remove("POST")
        boxes["products"].remove("PATCH")
        boxes["orders"].append("DELETE")
        practice.tell("key", key=KEY, permissions=boxes)

        code, bad = practice.wrong()

        assert code == 4
        assert bad["key.boxes"].endswith("the key: specific_prices: POST")
        assert "not ticked for products" in bad["key.patch"]
        assert "DELETE is ticked for orders" in bad["key.danger"]

    @pytest.mark.parametrize(("version", "level"), [("1.7.8.11", None), ("9.0.1", "warning")])
    def test_versions(self, practice: Practice, version: str, level: str | None) -> None:
        """1.7.8 is tried and has no PATCH to tick; 9 is not tried."""
        assert isinstance(practice.shop.emulator, PrestaShopEmulator)
        practice.shop.emulator.version = version

        code, bad = practice.wrong()

        assert code == 0
        assert [text.partition(":")[0] for text in bad.values()] == ([level] if level else [])

    def test_settings(self, practice: Practice) -> None:
        """Settings of the shop that change what lcvsync's work is worth."""
        practice.settings(
            PS_SHOP_ENABLE="0", PS_ORDER_OUT_OF_STOCK="1", PS_TAX="0", PS_PRICE_ROUND_MODE="1", PS_GIFT_WRAPPING="1"
        )
        practice.tell("create", resource="shops", fields={"name": "B", "active": "1", "deleted": "0"})
        practice.configure(sections='[sync]\nmode = "complete"\n[orders]\nmin_id = 1\n')

        code, bad = practice.wrong()

        assert code == 2
        assert set(bad) == {
            *("settings.shops", "settings.open", "settings.stock", "settings.tax", "settings.rounding"),
            *("orders.wrapping", "orders.shipping"),
        }

    def test_shops_that_are_none(self, practice: Practice) -> None:
        """Shops that are deleted or switched off don't count."""
        for active, deleted in (("1", "1"), ("0", "0")):
            practice.tell("create", resource="shops", fields={"name": "B", "active": active, "deleted": deleted})
        names = {"1": "Exportée vers LCV", "2": "Exportée vers LCV"}
        old = {"name": names, "module_name": "lcvmodule", "deleted": "1"}
        practice.tell("create", resource="order_states", fields=old)

        assert practice.wrong() == (0, {})

    def test_first_run(self, practice: Practice) -> None:
        """The search index is only spoken of before the first run."""
        with practice.store as store, store.transaction():
            store.rows("DELETE FROM product")

        assert list(practice.wrong()[1]) == ["settings.indexation"]

    def test_language(self, practice: Practice) -> None:
        """A language that the shop hasn't got is exit code 2, as a run has it."""
        text = Path("lcvsync.toml").read_text().replace("[prestashop]", '[prestashop]\nlanguages = ["it"]')
        Path("lcvsync.toml").write_text(text)

        code, bad = practice.wrong()

        assert (code, "it has en, fr" in bad["settings.languages"]) == (2, True)


class TestOrders:
    """Adoption, the old module, what orders need."""

    def test_not_adopted(self, practice: Practice) -> None:
        """A copy of a state for another shop is not adopted, and says for which one it is."""
        with practice.store as store:
            store.put(ADOPTED, {**store.get(ADOPTED), "url": "https://old.example.com"})

        assert "adopted for https://old.example.com" in practice.wrong()[1]["orders.adopted"]

    def test_old_module(self, practice: Practice) -> None:
        """What the old module leaves is found by its names; values of its configuration are not read."""
        names = {"1": "Exportée vers LCV", "2": "Exportée vers LCV"}
        practice.tell("create", resource="order_states", fields={"name": names, "module_name": "lcvmodule"})
        practice.settings(LCV_URL="https://secret.example.com", LCV_MODE="basic")
        practice.shop.requests.clear()

        code, bad = practice.wrong()

        assert code == 0
        for trace in ("of module lcvmodule", "LCV_URL, LCV_MODE"):
            assert trace in bad["orders.old_module"]
        [asked] = [line.query for line in practice.shop.requests if "LCV" in line.query]
        assert "value" not in asked

    def test_old_module_at_work(self, practice: Practice) -> None:
        """An order placed since the adoption that somebody else exported: two programs export, exit code 3."""
        with practice.store as store, store.transaction():
            start = store.get(ADOPTED)["start_id"]
            for order in (start - 1, start):
                store.rows(
                    "INSERT INTO shop_order (id, reference, stamp, status) VALUES (?, 'R', '', 'old_module')", order
                )

        code, bad = practice.wrong()

        assert (code, "exported 1 orders" in bad["orders.old_module"]) == (3, True)

    def test_waiting(self, practice: Practice) -> None:
        """Orders that wait for a mapping or an option are counted there; a method is mapped by its module too."""
        with practice.store as store, store.transaction():
            table = MappingTable(store)
            mapped = [("ps_checkpayment", "module"), ("Chèque", "module ps_checkpayment")]
            table.add(MappingKind.PAYMENT, [*mapped, ("Carte", "module paybox"), ("paybox", "module")])
            table.set(MappingKind.PAYMENT, "ps_checkpayment", Rule(("CHQ",)))
            for order, reason in ((1, "payment_unmapped"), (2, "shipping_reference_missing")):
                store.rows(
                    "INSERT INTO shop_order (id, reference, stamp, status, reason) VALUES (?, 'R', '', 'waiting', ?)",
                    order,
                    reason,
                )
        practice.configure(sections='[sync]\nmode = "complete"\n[orders]\nmin_id = 1\n')

        _, bad = practice.wrong()

        assert "not mapped: Carte; 1 orders wait for it → lcvsync map set payment 'Carte'" in bad["orders.payments"]
        assert "1 orders wait for it" in bad["orders.shipping"]

    def test_unmapped(self, practice: Practice) -> None:
        """Codes that articles use and nobody mapped are counted by kind."""
        with practice.store as store, store.transaction():
            MappingTable(store).set(MappingKind.BRAND, "*", None)

        assert re.search(r"not mapped: \d of brand", practice.wrong()[1]["mappings.unmapped"])


def test_deadline() -> None:
    """No look begins after the deadline, so that many slow answers don't add up."""
    clock = SteadyClock()
    looks = Looks(clock)
    clock.seconds = DEADLINE - 1
    assert looks.take(lambda: "seen") == "seen"
    clock.seconds = DEADLINE

    late = looks.take(lambda: "seen")

    assert isinstance(late, Missed)
