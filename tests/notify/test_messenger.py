"""Pings, commands and files: they work, and what goes wrong is told without raising and without the secret address."""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lcvsync.emulators.faults import FOR_EVER, Fault, FaultKind
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.server import EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls
from lcvsync.notify.messenger import SystemMessenger
from lcvsync.transport import Limits

SECRET = "5up3r-secret-uuid"
QUICK = Limits(connect_seconds=0.3, read_seconds=0.3)


@dataclass
class Receiver:
    """A service that keeps the pings it gets."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, str, str]] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        """Keep it."""
        self.got.append((request.method, request.path, request.body.decode()))
        return Response(self.status, b"OK", self.headers)

    control = handle


def python(code: str) -> list[str]:
    """A command that runs Python."""
    return [sys.executable, "-c", code]


class TestPings:
    """`ping`."""

    def test_get_and_post(self) -> None:
        """Without a text it is a GET, with one a POST; the suffix comes behind the address."""
        receiver = Receiver()
        with EmulatorServer(receiver) as server:
            messenger = SystemMessenger(f"{server.url}/{SECRET}", 1)
            told = [messenger.ping("/start"), messenger.ping(""), messenger.ping("/fail", "Réf. 12\n")]

        assert told == ["", "", ""]
        assert receiver.got == [
            ("GET", f"/{SECRET}/start", ""),
            ("GET", f"/{SECRET}", ""),
            ("POST", f"/{SECRET}/fail", "Réf. 12\n"),
        ]

    def test_none(self) -> None:
        """Without an address nothing is asked."""
        assert SystemMessenger("", 1).ping("/start") == ""

    @pytest.mark.parametrize(("status", "headers"), [(404, {}), (500, {}), (302, {"Location": "/elsewhere"})])
    def test_refused(self, status: int, headers: dict[str, str]) -> None:
        """Another status is a failure, a redirect too: it isn't followed."""
        receiver = Receiver(status, headers)
        with EmulatorServer(receiver) as server:
            assert SystemMessenger(f"{server.url}/{SECRET}", 1).ping("") == f"answered {status}"
        assert len(receiver.got) == 1

    def test_no_answer(self, caplog: pytest.LogCaptureFixture) -> None:
        """Whatever happens on the way is told in general words; neither they nor a log line have the address."""
        caplog.set_level(logging.DEBUG)
        told = []
        with EmulatorServer(Receiver()) as server:
            messenger = SystemMessenger(f"{server.url}/{SECRET}", 1, limits=QUICK)
            for fault in (Fault(FaultKind.REFUSED), Fault(FaultKind.SLOW, seconds=60)):
                server.faults = [fault]
                told.append(messenger.ping("/fail", "text"))
        told.append(messenger.ping(""))  # nobody listens any more
        told.append(SystemMessenger(f"https://nobody.invalid/{SECRET}", 1).ping(""))

        assert told[1] == "no answer in time"
        assert all(text.startswith("no answer") for text in told)
        assert SECRET not in str(told) + caplog.text

    def test_untrusted(self, tmp_path: Path) -> None:
        """A certificate that the system doesn't trust ends it before the address is sent."""
        receiver = Receiver()
        with EmulatorServer(receiver, tls=make_tls(CertificateKind.SELF_SIGNED, tmp_path)) as server:
            assert SystemMessenger(f"{server.url}/{SECRET}", 1).ping("") == "no answer (ConnectError)"
        assert receiver.got == []

    def test_answer_is_not_read(self) -> None:
        """A service that answers without end costs nothing: its status is enough."""
        with EmulatorServer(Receiver()) as server:
            server.faults = [Fault(FaultKind.CUT, times=FOR_EVER)]
            assert SystemMessenger(f"{server.url}/{SECRET}", 1, limits=QUICK).ping("") == ""


def _gone(process: int) -> bool:
    """Whether a process that was killed is gone, which takes the system a moment."""
    for _ in range(500):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if "State:\tZ" in Path(f"/proc/{process}/status").read_text():
            return True
        time.sleep(0.01)
    return False


class TestCommands:
    """`run`."""

    def test_input_and_environment(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The text is its input, variables come beside its own; no shell reads its arguments; it prints nowhere."""
        kept = tmp_path / "kept"
        code = (
            "import os, pathlib, sys; print('noise'); pathlib.Path(sys.argv[1]).write_text("
            "sys.stdin.read() + os.environ['LCVSYNC_PRODUCTS'] + os.environ['HOME'] + sys.argv[2])"
        )

        wrong = SystemMessenger("", 10).run(
            [*python(code), str(kept), "$HOME; *"], "1\n22\n", {"LCVSYNC_PRODUCTS": "2"}
        )

        assert wrong == ""
        assert kept.read_text() == f"1\n22\n2{os.environ['HOME']}$HOME; *"
        assert capfd.readouterr() == ("", "")

    def test_input_unread(self) -> None:
        """A command that doesn't want its input isn't held up by it, however long it is."""
        assert SystemMessenger("", 10).run(python("pass"), "1\n" * 1_000_000, {}) == ""

    def test_failure(self) -> None:
        """Its code and its last line are told, fit for a terminal."""
        code = "import sys; print('first\\nno route\\x1b[31m', file=sys.stderr); sys.exit(7)"
        assert SystemMessenger("", 10).run(python(code), "", {}) == "ended with 7: no route [31m"
        assert SystemMessenger("", 10).run(python("raise SystemExit(3)"), "", {}) == "ended with 3"

    def test_not_there(self) -> None:
        """One that can't be started says why."""
        assert SystemMessenger("", 10).run(["/no/such"], "", {}) == "can't be started: No such file or directory"

    def test_time_limit(self, tmp_path: Path) -> None:
        """Beyond its time it is ended, and so is what it started."""
        kept = tmp_path / "pid"
        inner = f"import os, pathlib, time; pathlib.Path({str(kept)!r}).write_text(str(os.getpid())); time.sleep(60)"
        code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
        started = time.monotonic()

        assert SystemMessenger("", 1).run(python(code), "", {}) == "took longer than 1 s, and was ended"
        assert time.monotonic() - started < 20
        if kept.exists():  # a slow machine may not have come so far
            assert _gone(int(kept.read_text()))


class TestFiles:
    """`write`."""

    def test_replaced(self, tmp_path: Path) -> None:
        """The file is replaced, readable by the collector, and no draft is left."""
        path = tmp_path / "lcvsync.prom"
        messenger = SystemMessenger("", 1)

        assert (messenger.write(path, "old\n"), messenger.write(path, "new\n")) == ("", "")

        assert path.read_text() == "new\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert list(tmp_path.iterdir()) == [path]

    def test_failure(self, tmp_path: Path) -> None:
        """A directory that isn't there, or a file that is one, is told, and no draft is left."""
        (tmp_path / "taken.prom").mkdir()
        missing, taken = tmp_path / "no" / "a.prom", tmp_path / "taken.prom"
        messenger = SystemMessenger("", 1)

        assert messenger.write(missing, "x") == f"can't write {missing}: No such file or directory"
        assert messenger.write(taken, "x") == f"can't write {taken}: Is a directory"
        assert list(tmp_path.iterdir()) == [taken]
