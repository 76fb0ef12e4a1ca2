"""`[notify]` in whole runs on both emulators: a service that gets pings, commands, a file for Prometheus."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lcvsync.bootstrap import SystemClock, store_of
from lcvsync.cli.main import run
from lcvsync.config import load
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.emulators.faults import FOR_EVER, Fault, FaultKind
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.lcv import association
from lcvsync.state.mappings import MappingTable
from lcvsync.state.store import run_lock

Captured = pytest.CaptureFixture[str]
KEY = "NOTIFYNOTIFYNOTIFYNOTIFYNOTIFY00"
SECRET = "5up3r-secret-uuid"
RULES = {
    MappingKind.SIZE_GRID: ("*", "1"),
    MappingKind.BRAND: ("*", "create"),
    MappingKind.RFS: ("*", "4"),
    MappingKind.ATTRIBUTE: ("coloris", "2"),
    MappingKind.VAT: ("20", "1"),
}
WRITE = (
    "import os, pathlib, sys; file = pathlib.Path(sys.argv[1]); was = file.read_text() if file.exists() else '';"
    " file.write_text(was + os.environ['LCVSYNC_OUTCOME'] + ' ' + sys.stdin.read())"
)


class HurriedClock(SystemClock):
    """A clock that doesn't wait."""

    def sleep(self, seconds: float) -> None:
        """At once."""


@dataclass
class Receiver:
    """A service that gets pings."""

    status: int = 200
    got: list[tuple[str, str, str]] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        """Keep it."""
        self.got.append((request.method, request.path.removeprefix(f"/{SECRET}"), request.body.decode()))
        return Response(self.status, b"OK")

    control = handle


@dataclass
class Place:
    """A pair, a service that gets pings, and files that commands write."""

    lcv: EmulatorServer
    shop: EmulatorServer
    receiver: Receiver
    capsys: Captured

    def pings(self) -> list[str]:
        """The pings since the last look, by method and what stands behind the address."""
        found = [f"{method} {suffix}".strip() for method, suffix, _ in self.receiver.got]
        self.receiver.got.clear()
        return found

    def told(self, name: str) -> str:
        """What a command was told since the last look."""
        path = Path(name)
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def said(self) -> str:
        """What lcvsync printed since the last look."""
        shown = self.capsys.readouterr()
        return shown.out + shown.err


@pytest.fixture
def place(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Mapped and ready for its first run, everything of `[notify]` configured."""
    monkeypatch.setattr("lcvsync.cli.execution.SystemClock", HurriedClock)
    clock = Clock()
    lcv = LcvEmulator(catalogue=generate(1, 2, now=clock()), username="demo", password="secret", clock=clock)
    shop, receiver = PrestaShopEmulator(key=KEY, clock=clock, demo_data=False), Receiver()
    with (
        EmulatorServer(lcv, clock=clock) as office,
        EmulatorServer(shop, clock=clock) as store,
        EmulatorServer(receiver) as pinged,
    ):
        commands = {
            f"command_{name}": json.dumps([sys.executable, "-c", WRITE, str(Path(file).absolute())])
            for name, file in {"on_failure": "failure", "on_recovery": "recovery", "after_changes": "changes"}.items()
        }
        Path("lcvsync.toml").write_text(
            f'[lcv]\nurl = "{office.url}"\nweb_store = "WEB"\n[prestashop]\nurl = "{store.url}"\nkey = "{KEY}"\n'
            f'[sync]\nmode = "complete"\n[state]\ndirectory = "state"\n[notify]\nping_url = "{pinged.url}/{SECRET}"\n'
            + "".join(f"{name} = {value}\n" for name, value in commands.items())
            + 'prometheus_file = "lcvsync.prom"\n'
        )
        settings = load(None, {})
        association.save(
            association.associate(office.url, "demo", "secret", store.url, SystemClock()), settings.state.directory
        )
        with store_of(settings) as state, state.transaction():
            for kind, (code, target) in RULES.items():
                MappingTable(state).set(kind, code, Rule((target,)))
        yield Place(office, store, receiver, capsys)


def test_good_run(place: Place) -> None:
    """Start and end are pinged, the products that were made are told, the file is written; nothing is printed."""
    assert run(["sync"]) == 0

    assert place.pings() == ["GET /start", "GET"]
    outcome, *ids = place.told("changes").split()
    emulator = place.shop.emulator
    assert isinstance(emulator, PrestaShopEmulator)
    assert (outcome, ids) == ("ok", [str(number) for number in sorted(emulator.shop.tables["products"].rows)])
    metrics = Path("lcvsync.prom").read_text()
    assert f'lcvsync_last_run_success{{shop="{place.shop.url}"}} 1\n' in metrics
    assert re.search(r'lcvsync_last_run_changes\{shop="[^"]+",kind="product",action="create"\} 2\n', metrics)
    assert "lcvsync_last_success_timestamp_seconds" in metrics
    assert place.said() == ""

    assert run(["sync"]) == 0
    assert (place.pings(), place.told("changes")) == (["GET /start", "GET"], "")


def test_bad_runs(place: Place) -> None:
    """A failing LCV: every run pings /fail with what is wrong; the commands are told once, and its end."""
    place.lcv.faults = [Fault(FaultKind.REFUSED, times=FOR_EVER)]
    assert run(["sync"]) == 5
    (_, _, body) = place.receiver.got[-1]
    assert "exit 5" in body.splitlines()[0]
    assert "the connection closed" in body
    assert place.pings() == ["GET /start", "POST /fail"]
    assert place.told("failure").startswith("error GET http://127.0.0.1")
    assert run(["sync"]) == 5
    assert (place.pings(), place.told("failure")) == (["GET /start", "POST /fail"], "")

    place.lcv.faults = []
    assert run(["sync"]) == 0
    assert place.told("recovery").startswith("ok over: GET http://127.0.0.1")
    assert place.told("failure") == ""


def test_dry_run(place: Place) -> None:
    """A dry run tells nobody, whether it goes well or not."""
    assert run(["sync", "--dry-run"]) == 0
    place.lcv.faults = [Fault(FaultKind.REFUSED, times=FOR_EVER)]
    assert run(["sync", "--dry-run"]) == 5

    assert place.pings() == []
    assert [name for name in ("failure", "recovery", "changes", "lcvsync.prom") if Path(name).exists()] == []


def test_nothing_done(place: Place) -> None:
    """A run that finds another one under way, or is switched off, tells nobody."""
    with run_lock(Path("state")):
        assert run(["sync"]) == 0
        assert run(["sync", "--fail-if-locked"]) == 11
        assert run(["resync", "--now"]) == 5
    text = Path("lcvsync.toml").read_text()
    Path("lcvsync.toml").write_text(text.replace("[sync]", "[sync]\nenabled = false"))
    assert run(["sync"]) == 0

    assert (place.pings(), place.told("failure")) == ([], "")


def test_before_the_first_request(place: Place) -> None:
    """A missing association is a failed run like any other."""
    (Path("state") / association.FILE_NAME).unlink()

    assert run(["sync"]) == 4
    assert place.pings() == ["GET /start", "POST /fail"]
    assert "there is no association" in place.told("failure")


def test_by_hand(place: Place) -> None:
    """A command that a person runs is no sign of life of cron; what it changed is told."""
    assert run(["resync", "--now"]) == 0

    assert place.pings() == []
    assert place.told("changes").startswith("ok ")
    assert not Path("lcvsync.prom").exists()


def test_notifying_fails(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """It changes nothing about the run, is told once like any trouble, and the secret address is nowhere."""
    caplog.set_level("DEBUG")
    place.receiver.status = 404
    text = Path("lcvsync.toml").read_text()
    Path("lcvsync.toml").write_text(text.replace('"lcvsync.prom"', '"no/lcvsync.prom"'))

    assert run(["sync"]) == 0
    said = place.said()
    assert "lcvsync: notify.ping_url: answered 404" in said
    assert "notify.prometheus_file: can't write" in said
    assert run(["sync"]) == 0
    assert place.said() == ""
    assert run(["sync", "--json"]) == 0
    report: dict[str, Any] = json.loads(place.capsys.readouterr().out)
    assert "notify.ping_url: answered 404" in report["notes"]

    place.receiver.status = 200
    Path("lcvsync.toml").write_text(text)
    assert run(["sync"]) == 0
    assert "trouble over: notify.ping_url: answered 404" in place.said()
    kept = b"".join(path.read_bytes() for path in Path("state").iterdir())
    assert SECRET not in said + caplog.text + str(report)
    assert SECRET.encode() not in kept


def test_off_by_default(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the section nothing is asked, run or written."""
    text = Path("lcvsync.toml").read_text().partition("[notify]")[0]
    Path("lcvsync.toml").write_text(text)

    def blow_up(*arguments: object, **options: object) -> None:
        raise AssertionError("started a process")

    monkeypatch.setattr("lcvsync.notify.messenger.subprocess.Popen", blow_up)
    assert run(["sync"]) == 0

    assert (place.pings(), place.told("changes"), Path("lcvsync.prom").exists()) == ([], "", False)
