"""No secret leaves its place: many commands, good and failing, and then a search of everything that they left.

The shop and LCV repeat what they were sent, as pages for developers do, and send elsewhere; a bug is made on purpose.
Every secret is looked for as it is, in Base64, percent-encoded, in JSON and as Python quotes it.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from lcvsync import bootstrap
from lcvsync.cli.main import run
from lcvsync.config.secrets import exposed
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.runner.run import Run
from lcvsync.secrecy import forms

Captured = pytest.CaptureFixture[str]

KEY = "K0MARKEDK1MARKEDK2MARKEDK3MARKED"
PASSWORD = "pä ss/marked+w'rd\"%\\&="
WRONG = "wröng marked/pässword"
PING = "p1ng-marked-5up3r-uu1d"
TYPED = "typed-marked-into-the-address"

TELL_ALL = """
import os, sys, pathlib
place = pathlib.Path(sys.argv[1])
with place.open("a") as file:
    for process in (os.getpid(), os.getppid()):
        file.write(pathlib.Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace"))
    file.write(repr(dict(os.environ)) + sys.stdin.read())
sys.exit("told " + os.environ["LCVSYNC_OUTCOME"])
"""
"""A command of [notify] that writes down all it can see, and fails."""


@dataclass
class Stranger:
    """Whoever is at an address that nothing must be sent to, or at that of pings."""

    got: list[str] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        """Keep everything of the request."""
        self.got.append(f"{request.method} {request.path} {request.query} {request.headers} {request.body!r}")
        return Response(200, b"{}")

    control = handle


class Talkative:
    """A party that repeats what it is sent, where it is asked to by *mood*; else the emulator itself."""

    def __init__(self, emulator: Any, elsewhere: str) -> None:
        self.emulator, self.elsewhere, self.mood = emulator, elsewhere, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.emulator, name)

    def handle(self, request: Request) -> Response:
        """The emulator's answer, or what it was sent."""
        sent = request.headers.get("authorization", "")
        told = f"{sent} {sent.partition(' ')[2]} {_decoded(sent)} {request.body.decode(errors='replace')}"
        match self.mood:
            case "page":
                return Response(500, f"<html><pre>{told}</pre></html>".encode())
            case "xml":
                error = f"<error><code>85</code><message><![CDATA[{told}]]></message></error>"
                body = f"<prestashop><errors>{error}</errors></prestashop>"
                return Response(400, body.encode(), {"Content-Type": "text/xml"})
            case "json" | "json401" as mood:
                refusal = {"error": {"code": "invalid", "message": told}}
                return Response(401 if mood == "json401" else 400, json.dumps(refusal).encode())
            case "redirect":
                return Response(307, told.encode(), {"Location": f"{self.elsewhere}/?{quote(told)}"})
            case _:
                answer: Response = self.emulator.handle(request)
                return answer


def _decoded(header: str) -> str:
    try:
        return base64.b64decode(header.partition(" ")[2]).decode()
    except ValueError:
        return ""


def written_as(secret: str) -> set[str]:
    """Every form in which a program may write a secret; not those of the product, which may have forgotten one."""
    return {
        secret,
        *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (secret, f"{secret}:", f":{secret}")),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        json.dumps(secret)[1:-1],
    }


@dataclass
class Place:
    """Both parties, everybody else, and what was said so far."""

    directory: Path
    shop: EmulatorServer
    lcv: EmulatorServer
    ping: Stranger
    stranger: Stranger
    ping_url: str
    capsys: Captured
    said: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.directory / "state"

    def configure(self, more: str = "", *, shop: str = "", key: str = "env:MARKED_KEY") -> None:
        """Write the configuration."""
        spy = json.dumps([sys.executable, "-c", TELL_ALL, str(self.directory / "spied.txt")])
        file = self.directory / "lcvsync.toml"
        file.write_text(
            f'[lcv]\nurl = "{self.lcv.url}"\nweb_store = "WEB"\n'
            f'[prestashop]\nurl = "{shop or self.shop.url}"\nkey = "{key}"\n'
            f'[sync]\nmode = "complete"\n[state]\ndirectory = "{self.state}"\n[availability]\ndirectory = "shown"\n'
            f'[notify]\nping_url = "file:ping"\nprometheus_file = "lcvsync.prom"\ncommand_on_failure = {spy}\n'
            f"command_on_recovery = {spy}\ncommand_after_changes = {spy}\n{more}"
        )
        file.chmod(0o600)
        ping = self.directory / "ping"
        ping.write_text(f"{self.ping_url}/\n")
        ping.chmod(0o600)

    def run(self, *arguments: str, given: str = "") -> int:
        """One command line; what it says is kept."""
        before, sys.stdin = sys.stdin, io.StringIO(given)
        try:
            code = run(["-c", str(self.directory / "lcvsync.toml"), "-vv", *arguments])
        finally:
            sys.stdin = before
        out, err = self.capsys.readouterr()
        self.said.append(f"{' '.join(arguments)}\n{out}\n{err}")
        self.codes.append(code)
        return code

    @contextmanager
    def mood(self, shop: str = "", lcv: str = "") -> Iterator[None]:
        """Let the parties repeat what they are sent."""
        self.shop.emulator.mood, self.lcv.emulator.mood = shop, lcv  # type: ignore[attr-defined] # both are Talkative
        yield
        self.shop.emulator.mood = self.lcv.emulator.mood = ""  # type: ignore[attr-defined]


@pytest.fixture
def place(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A directory with a configuration, nothing associated yet; the umask hides nothing."""
    clock, ping, stranger = Clock(), Stranger(), Stranger()
    lcv = LcvEmulator(catalogue=generate(1, 3, now=clock()), username="demo", password=PASSWORD, clock=clock)
    shop = PrestaShopEmulator(key=KEY, clock=clock)
    monkeypatch.setattr(bootstrap.SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setenv("MARKED_KEY", f"{KEY}\n")
    umask = os.umask(0)
    with (
        EmulatorServer(stranger, clock=clock) as elsewhere,
        EmulatorServer(ping, clock=clock) as pings,
        EmulatorServer(Talkative(lcv, elsewhere.url), clock=clock) as office,
        EmulatorServer(Talkative(shop, elsewhere.url), clock=clock) as store,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere.url)
        made = Place(tmp_path, store, office, ping, stranger, f"{pings.url}/{PING}", capsys)
        made.configure()
        yield made
    os.umask(umask)


def _set_up(place: Place) -> None:
    """From nothing to a shop that is synchronised and adopted."""
    associate = ("associate", "--username", "demo", "--password-stdin")
    assert place.run(*associate, given=WRONG) == 4
    with place.mood(lcv="json"):
        assert place.run(*associate, given=PASSWORD) != 0
    assert place.run(*associate, given=PASSWORD) == 0
    assert place.run("pull-config") == 0
    rules = (("size-grid", "*", "1"), ("brand", "*", "create"), ("rfs", "*", "4"), ("vat", "20", "1"))
    for rule in (*rules, ("attribute", "coloris", "2"), ("payment", "*", "CB"), ("store", "PAR", "1")):
        assert place.run("map", "set", *rule) == 0
    assert place.run("adopt", "--yes") == 0
    assert place.run("sync") == 0


def _look_around(place: Place) -> None:
    """Everything that shows or writes something."""
    file = str(place.directory / "plan.json")
    commands = (
        "config show|config show --json|config check --json|doctor|doctor --json|status --json|status --all|runs"
        "|runs show 1|audit --json|map list --json|map export rules.csv|product list|takeover scan"
        "|takeover export links.csv|drift|sync --json|sync --dry-run|export-orders|orders list|undo 1 --dry-run|resync"
    )
    for command in commands.split("|"):
        place.run(*command.split())
    place.run("plan", "-o", file)
    place.run("apply", file)
    place.run("why", "RO-00001")


def _fail(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where everything goes wrong, and the other side tells what it was sent."""
    for shop, lcv in (("page", ""), ("xml", ""), ("redirect", ""), ("", "page"), ("", "json401"), ("", "redirect")):
        with place.mood(shop, lcv):
            place.run("resync")
            codes = [
                place.run(*command.split()) for command in ("sync", "doctor --json", "pull-config", "export-orders")
            ]
        assert any(codes), (shop, lcv)
    for wrong in (
        {"shop": "http://127.0.0.1:9"},
        {"shop": f"https://me:{TYPED}@127.0.0.1"},
        {"key": KEY[:-1]},
    ):
        place.configure(**wrong)
        assert place.run("sync") != 0
    place.configure()
    with monkeypatch.context() as other:
        other.setenv("MARKED_KEY", "K" * 32)
        assert place.run("sync") == 4


def _break(place: Place, secrets: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug whose message has everything in it."""

    def bug(self: Run) -> None:
        raise RuntimeError(" ".join(form for secret in secrets for form in forms([secret])))

    with monkeypatch.context() as broken:
        broken.setattr(Run, "observe", bug)
        assert place.run("sync") == 1
    assert list(place.state.glob("lcvsync-error-*"))


def test_no_secret_anywhere(place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some sixty commands no output, log or file has a secret, but for the files where each belongs, mode 0600.

    Nobody else was sent a request; a command of [notify] sees none, neither on a command line nor in its environment.
    """
    caplog.set_level(logging.DEBUG)
    _set_up(place)
    kept = place.state / "association.json"
    access = json.loads(kept.read_text())["access_key"]
    _look_around(place)
    _fail(place, monkeypatch)
    _break(place, [KEY, access, place.ping_url], monkeypatch)
    assert place.run("sync") == 0
    assert place.run("dissociate", "--revoke") == 0

    spied = (place.directory / "spied.txt").read_text()
    assert "LCVSYNC_OUTCOME" in spied
    assert len(place.ping.got) > 5
    assert place.stranger.got == []
    _find_nothing(place, [KEY, access, PASSWORD, WRONG, PING, TYPED], caplog.text)
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.state.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert place.state.stat().st_mode & 0o777 == 0o700


def _find_nothing(place: Place, secrets: list[str], logged: str) -> None:
    home = {"lcvsync.toml", "ping"}
    files = [path for path in place.directory.rglob("*") if path.is_file() and path.name not in home]
    files += [path for path in Path.cwd().rglob("*") if path.is_file()]
    assert {"state.db", "plan.json", "rules.csv", "lcvsync.prom", "spied.txt"} <= {path.name for path in files}
    assert any(path.suffix == ".html" for path in files)
    texts = {str(path): path.read_bytes() for path in files}
    texts |= {f"said {place}": said.encode() for place, said in enumerate(place.said)}
    texts["log"] = logged.encode()
    found = [
        (where, form)
        for secret in secrets
        for form in written_as(secret)
        for where, text in texts.items()
        if form.encode() in text
    ]
    assert found == []


def test_where_a_secret_belongs(place: Place) -> None:
    """The key to LCV is in one file of the state, whatever the umask: for its owner alone."""
    place.run("associate", "--username", "demo", "--password-stdin", given=PASSWORD)

    key = json.loads((place.state / "association.json").read_text())["access_key"]
    holding = [path.name for path in place.state.iterdir() if key.encode() in path.read_bytes()]
    assert holding == ["association.json"]
    assert (place.state / "association.json").stat().st_mode & 0o777 == 0o600


def test_open_to_everybody(place: Place) -> None:
    """A run warns of a file with a secret that everybody can read, like a trouble; a key that is ours is refused."""
    place.run("associate", "--username", "demo", "--password-stdin", given=PASSWORD)
    (place.directory / "ping").chmod(0o644)

    assert place.run("sync") == 0
    warning = f"{place.directory / 'ping'} holds notify.ping_url and is open to everybody (mode 0644): chmod o-rwx"
    assert warning in place.said[-1]
    assert place.run("config", "check") == 0
    assert warning in place.said[-1]

    (place.state / "association.json").chmod(0o640)
    assert place.run("sync") == 2
    assert "chmod 600" in place.said[-1]


def test_a_group_may_read(place: Place) -> None:
    """A service reads /etc by its group: nothing is said of that."""
    (place.directory / "ping").chmod(0o640)

    assert exposed(place.directory / "lcvsync.toml") == []


@pytest.mark.parametrize(
    ("shop", "warned"),
    [("http://shop.example.com", True), ("http://localhost.example.com", True), ("http://[::1]:81/shop", False)],
)
def test_plain_http(place: Place, shop: str, warned: bool) -> None:
    """`config check` warns of plain http to another machine, whatever its name begins with."""
    place.configure(shop=shop)

    assert place.run("config", "check", "--json") == 0
    assert ("prestashop.url is plain http" in place.said[-1]) is warned
