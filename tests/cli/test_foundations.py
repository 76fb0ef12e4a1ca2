"""What every command stands on: the guards of the tests, lazy start-up, the error handler, output, `lcvsync config`."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from pytest_socket import SocketConnectBlockedError

from lcvsync import __version__, config, errors
from lcvsync.cli import Application, output
from lcvsync.cli.errors import ExitCode, Terminated, failure, redact, terminate, write_report
from lcvsync.cli.main import COMMANDS, cli, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.ports import Reporter

    Captured = pytest.CaptureFixture[str]

DOCS = Path(__file__).parents[2] / "docs"
KEY = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"
BASIC = base64.b64encode(f"{KEY}:".encode()).decode()
CONFIGURATION = f"""\
lcv = {{ url = "https://lcv.example.com", web_store = "WEB" }}
prestashop = {{ url = "https://www.example.com/api/", key = "{KEY}" }}
catalogue = {{ colour_group = "Couleur [red]" }}
"""


@pytest.fixture
def file() -> Path:
    """A correct configuration in the working directory, where it is found without -c."""
    path = Path("lcvsync.toml")
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path.absolute()


def show_command() -> click.Command:
    """`config show`, to be changed by tests."""
    group = cli.get_command(click.Context(cli), "config")
    assert isinstance(group, click.Group)
    return group.commands["show"]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make the command `config show` raise what is given."""

    def raising(error: BaseException) -> None:
        def _raise(**_options: object) -> None:
            local = repr(error)[::-1]
            raise error.with_traceback(None) if local else error

        monkeypatch.setattr(show_command(), "callback", _raise)

    return raising


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


class TestGuards:
    """The guards of `conftest.py` hold."""

    def test_no_network(self) -> None:
        """A connection beyond loopback is refused before it is tried (192.0.2.1 is nobody's: RFC 5737)."""
        with socket.socket() as stream, pytest.raises((SocketConnectBlockedError, UserWarning)):
            stream.connect(("192.0.2.1", 80))

    def test_no_name_server(self) -> None:
        """No name is asked for, either; one that can't exist doesn't, as with a real resolver."""
        with pytest.raises(RuntimeError, match="only loopback"):
            socket.getaddrinfo("www.example.com", 443)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("shop.invalid", 443)

    def test_loopback(self) -> None:
        """The emulators on loopback can be reached, by address and by name."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            for host in ("127.0.0.1", "localhost"):
                socket.create_connection((host, server.getsockname()[1])).close()

    def test_no_home(self, tmp_path: Path) -> None:
        """Home, state, configuration, working and temporary directory are the test's own, and `tmp_path` is empty."""
        root = Path.home().parent
        here = [Path.cwd(), Path(tempfile.gettempdir()), config.SYSTEM_FILE, config.default_state_directory()]

        assert root.is_relative_to(tmp_path.parent)
        assert [path for path in here if not path.is_relative_to(root)] == []
        assert list(tmp_path.iterdir()) == []
        assert "LCVSYNC_CONFIG" not in os.environ

    @given(st.none())
    def test_quick_by_default(self, nothing: None) -> None:
        """Hypothesis tries few examples, always the same, unless HYPOTHESIS_PROFILE says otherwise."""
        chosen = hypothesis.settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
        settings = hypothesis.settings()

        assert (settings.max_examples, settings.derandomize) == (chosen.max_examples, chosen.derandomize)
        assert hypothesis.settings.get_profile("dev").derandomize

    @pytest.mark.deep
    @given(st.none())
    def test_deep_tries_hard(self, nothing: None) -> None:
        """A test marked `deep` gets the deep profile."""
        assert hypothesis.settings().max_examples == 1000


class _Machine(RuleBasedStateMachine):
    @rule()
    def look(self) -> None:
        """A state machine marked `deep` gets the deep profile and keeps its own number of steps."""
        assert hypothesis.settings().max_examples == 1000
        assert hypothesis.settings().stateful_step_count == 1


_Machine.TestCase.settings = hypothesis.settings(stateful_step_count=1)
TestDeepMachine = pytest.mark.deep(_Machine.TestCase)


class TestStart:
    """Starting up."""

    @pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["sinc"], 2)])
    def test_imports_nothing_slow(self, arguments: list[str], code: int) -> None:
        """--version and a typing error import none of the libraries that commands need."""
        program = f"""
import sys
from lcvsync.cli.main import run
code = run({arguments!r})
slow = {{"pydantic", "httpx", "rich", "lxml", "platformdirs", "sqlite_utils", "PIL"}} & set(sys.modules)
sys.exit(f"imported {{slow}}" if slow else code)
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

        assert done.returncode == code, done.stderr

    def test_module(self) -> None:
        """`python -m lcvsync` is the same program."""
        done = subprocess.run(
            [sys.executable, "-m", "lcvsync", "--version"], capture_output=True, text=True, check=True
        )

        assert done.stdout == f"lcvsync {__version__}\n"

    def test_every_command_loads(self, capsys: Captured) -> None:
        """Each line of the list of commands leads to a command with a help text of its own."""
        for name in COMMANDS:
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            assert command.help
            assert run([name, "--help"]) == 0
        assert capsys.readouterr().err == ""

    def test_options(self, file: Path, capsys: Captured) -> None:
        """What is said before the command reaches it."""
        application = Application()

        assert run(["-c", str(file), "-vv", "config", "check"], application) == 0
        assert (application.config_path, application.verbosity) == (file, 2)

        assert run(["-q", "config", "check"], application) == 0
        assert application.quiet
        assert capsys.readouterr().err == f"{file} is correct\n"

    def test_result_is_exit_code(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        """What a command returns is the exit code, and so is `ctx.exit`."""
        for callback in (lambda: ExitCode.LOCKED, lambda: click.get_current_context().exit(11), lambda: sys.exit(11)):
            monkeypatch.setattr(show_command(), "params", [])
            monkeypatch.setattr(show_command(), "callback", callback)
            assert run(["config", "show"]) == 11
        assert capsys.readouterr() == ("", "")


class TestUsage:
    """Wrong usage is exit 2."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], "Usage: lcvsync"),
            (["confg"], "No such command 'confg'. Did you mean 'config'?"),
            (["zzz"], "No such command 'zzz'."),
            (["--nope"], "No such option"),
            (["config", "show", "-v"], "It goes before the command: lcvsync -v config show ..."),
            (["config", "show", "extra"], "unexpected extra argument"),
            (["-c"], "requires an argument"),
        ],
    )
    def test_usage(self, arguments: list[str], expected: str, capsys: Captured) -> None:
        """Click's own words on stderr, with the nearest command."""
        assert run(arguments) == ExitCode.USAGE

        out, err = capsys.readouterr()
        assert expected in err
        assert out == ""


class TestExpectedFailures:
    """One line, what to do, and the code of the class."""

    def fail(self, error: BaseException, capsys: Captured, verbosity: int = 0) -> tuple[int, str]:
        """The exit code and what stderr says of *error*; stdout stays empty."""
        application = Application(verbosity=verbosity, secrets=["hunter-two"])
        try:
            raise error
        except BaseException as raised:  # noqa: BLE001 - as main does
            code = failure(raised, application)
        out, err = capsys.readouterr()
        assert out == ""
        return code, err

    def test_line_and_cure(self, capsys: Captured) -> None:
        """The message, then the cure behind an arrow."""
        error = errors.NotAssociated("LCV refuses the key", cure="lcvsync associate")

        assert self.fail(error, capsys) == (4, "lcvsync: LCV refuses the key\n  → lcvsync associate\n")

    def test_every_problem(self, capsys: Captured) -> None:
        """A configuration error lists all of its problems."""
        error = errors.ConfigurationError("2 problems in x", problems=("lcv.url: a", "lcv.web_store: b"))

        assert self.fail(error, capsys) == (2, "lcvsync: 2 problems in x\n  - lcv.url: a\n  - lcv.web_store: b\n")

    def test_hostile_text(self, capsys: Captured) -> None:
        """Text from outside neither breaks the line nor commands the terminal, and secrets are left out."""
        code, err = self.fail(errors.BadAnswer("a\nb \x1b[31mred hunter-two", cure="c\rd"), capsys)

        assert (code, err) == (5, "lcvsync: a b \\x1b[31mred ***\n  → c d\n")

    @pytest.mark.parametrize(("verbosity", "shown"), [(0, []), (1, ["because of"]), (2, ["Traceback"])])
    def test_verbose(self, verbosity: int, shown: list[str], capsys: Captured) -> None:
        """-v tells the cause, -vv the traceback."""
        error = errors.Temporary("no answer")
        error.__cause__ = OSError("connection refused, hunter-two")

        code, err = self.fail(error, capsys, verbosity)
        assert code == 5
        assert [words for words in ("because of", "Traceback") if words in err] == shown
        assert "hunter-two" not in err

    @pytest.mark.parametrize(
        ("error", "code", "message"),
        [
            (KeyboardInterrupt(), 130, "lcvsync: interrupted\n"),
            (click.Abort(), 130, "lcvsync: interrupted\n"),
            (Terminated(), 143, "lcvsync: terminated\n"),
            (click.ClickException("no such thing"), 2, "lcvsync: no such thing\n"),
            (SystemExit(None), 0, ""),
            (SystemExit(7), 7, ""),
            (SystemExit("why"), 1, ""),
        ],
    )
    def test_others(self, error: BaseException, code: int, message: str, capsys: Captured) -> None:
        """Interruptions have the codes of the shell; what asks to exit does."""
        assert self.fail(error, capsys) == (code, message)

    def test_no_answer(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        """A question that cron can't answer is wrong usage, not an interruption."""
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(click.Abort) as caught:
            click.confirm("sure?")
        capsys.readouterr()

        assert failure(caught.value, Application()) == ExitCode.USAGE
        assert "input ended" in capsys.readouterr().err


class TestBugs:
    """Anything else is a bug: exit 1 and a report."""

    def test_report(self, file: Path, broken: Callable[[BaseException], None], capsys: Captured) -> None:
        """The report is where the message says, has what a maintainer needs, and no secrets or local variables."""
        application = Application()
        (directory := application.settings.state.directory).mkdir(parents=True)
        error = KeyError(f"lost {KEY} Basic {BASIC}")
        broken(error)

        assert run(["config", "show"], application) == ExitCode.FAILURE

        err = capsys.readouterr().err
        (report,) = directory.iterdir()
        text = report.read_text(encoding="utf-8")
        assert err.startswith("lcvsync: unexpected failure: KeyError: 'lost *** Basic ***'\n")
        assert str(report) in err
        assert re.match(rf"lcvsync {re.escape(__version__)}\nPython 3\.\d+\.\d+\n.+\n\nTraceback ", text)
        assert report.stat().st_mode & 0o777 == 0o600
        for secret in (KEY, BASIC, "lost"[::-1]):
            assert secret not in text + err
        assert file.exists()

    def test_one_report_for_one_bug(self, broken: Callable[[BaseException], None], capsys: Captured) -> None:
        """The same bug every five minutes fills one file. Without state directory it is a temporary one."""
        for record in range(3):
            broken(ValueError(f"record {record}"))
            assert run(["config", "show"]) == ExitCode.FAILURE

        (report,) = Path(tempfile.gettempdir()).iterdir()
        assert "record 2" in report.read_text(encoding="utf-8")
        assert capsys.readouterr().err.count(str(report)) == 3

    def test_nowhere_to_write(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        """If no directory takes the report, stderr does."""
        monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")

        assert failure(ValueError("lost"), Application()) == ExitCode.FAILURE
        assert capsys.readouterr().err.endswith("ValueError: lost\n\n")
        assert write_report("", "digest", [Path("/nonexistent")]) is None

    @pytest.mark.parametrize(
        ("text", "redacted"),
        [
            (f"Authorization: Basic {BASIC}", "Authorization: Basic ***"),
            ("Bearer abcdefghijklmnopqrstuvwxyz", "Bearer ***"),
            (f"GET /api/?ws_key={KEY}&x=1", "GET /api/?ws_key=***&x=1"),
            ('{"password": "a b", "access_key": "xyz"}', '{"password": "*** b", "access_key": "***"}'),
            ("https://user:pass@host/x", "https://***@host/x"),
            (f"'{KEY}'", "'***'"),
            ("KeyError: 'size', basic mode, 32 records", "KeyError: 'size', basic mode, 32 records"),
        ],
    )
    def test_redact(self, text: str, redacted: str) -> None:
        """What looks like a secret goes even if nobody named it; ordinary words stay."""
        assert redact(text, []) == redacted


class TestSignals:
    """Ctrl-C, SIGTERM, and SIGHUP of a terminal that was closed."""

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
    def test_process(self, number: signal.Signals, code: int) -> None:
        """The program ends with the shell's code and one line."""
        program = f"""
import os, sys, lcvsync.cli.main as main
main.cli.callback = None
main.LazyGroup.get_command = lambda *_: main.click.Command("x", callback=lambda: os.kill(os.getpid(), {number:d}))
main.COMMANDS["x"] = ""
sys.argv = ["lcvsync", "x"]
main.main()
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

        assert done.returncode == code, done.stderr
        assert done.stderr.count("\n") == 1

    def test_handler(self) -> None:
        """SIGTERM's handler raises what the error handler knows."""
        with pytest.raises(Terminated):
            terminate(signal.SIGTERM, None)


class TestOutput:
    """stdout is data, stderr is talk."""

    ROWS = (("A-1", 3, None), ("[red]B\n\x1b[0m[/red]", Decimal("1.50"), ["x", "y"]))

    def test_plain(self, capsys: Captured) -> None:
        """Without a terminal a table is plain columns, and text from outside is shown, not obeyed."""
        output.write_table(("reference", "n", "list"), self.ROWS)

        assert capsys.readouterr() == (
            "reference             n     list\nA-1                   3\n[red]B \\x1b[0m[/red]  1.50  x, y\n",
            "",
        )

    def test_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a terminal rich draws it, and markup in the data stays text."""
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "100")
        output.write_table(("[bold]reference", "n", "list"), self.ROWS)

        text = terminal.getvalue()
        assert "[bold]reference" in text
        assert "[red]B \\x1b[0m[/red]" in text

    def test_narrow_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a table is too wide, prose is broken and names stay whole; no character of a cure is lost."""
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "80")
        cure = "lcvsync map set payment 'Virement bancaire à réception de facture' CODE"
        output.write_table(("reason", "cure", "mail"), [("payment_unmapped", cure, "x" * 40), ("held", "none", "")])

        assert {"payment_unmapped", "x" * 40, *cure.split()} <= set(terminal.getvalue().split())

    def test_too_narrow_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A table that has no room even so becomes a line for each value that isn't empty, record by record."""
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "40")
        sizes = [("100003-01-XXL", "2026-11-28 16:24:41", "90.90", "in step"), ("100003-01-L", "", "90.90", "in step")]
        output.write_table(("Sku", "Since", "Price", "Follows"), sizes)

        lines = [" ".join(line.split()) for line in terminal.getvalue().splitlines()]
        first = ["Sku 100003-01-XXL", "Since 2026-11-28 16:24:41", "Price 90.90", "Follows in step", ""]
        assert lines == [*first, "Sku 100003-01-L", "Price 90.90", "Follows in step", ""]

    def test_empty(self, capsys: Captured) -> None:
        """A table without rows prints nothing."""
        output.write_table(("reference",), [])

        assert capsys.readouterr() == ("", "")

    def test_json(self, capsys: Captured) -> None:
        """JSON keeps amounts exact and times unmistakable; records are whole, whichever columns a table shows."""
        record = {"price": Decimal("19.90"), "at": datetime(2026, 1, 2, tzinfo=UTC), "file": Path("x"), "é": {"b", "a"}}
        output.write_records([record], {"price": "Price"}, as_json=True)
        assert json.loads(capsys.readouterr().out) == [
            {"price": "19.90", "at": "2026-01-02T00:00:00+00:00", "file": "x", "é": ["a", "b"]}
        ]

        output.write_records([record], {"price": "Price"}, as_json=False)
        assert capsys.readouterr().out == "Price\n19.90\n"
        with pytest.raises(TypeError, match="object has no form in JSON"):
            output.write_json(object())

    def test_reader_left(self) -> None:
        """`lcvsync ... | head` goes on with its work and ends as if everything had been read."""
        program = """
import sys, time
from lcvsync.cli import output, streams
streams.prepare()
sys.stdin.readline()
for _ in range(3): output.write("x" * 100_000)
print("done", file=sys.stderr)
"""
        with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, stderr=-1, text=True) as process:
            assert process.stdout is not None
            process.stdout.close()
            process.stdout = None
            _, err = process.communicate("\n")

        assert (process.returncode, err) == (0, "done\n")

    @pytest.mark.parametrize(
        ("streams", "code"), [(">&- 2>&- <&-", 0), (">/dev/null 2>/dev/full", 0), (">/dev/full", 5)]
    )
    def test_streams(self, tmp_path: Path, streams: str, code: int) -> None:
        """Closed ones are no failure and take no file's number; what can't be said is dropped; lost data is exit 5."""
        program = """
import os, sys, lcvsync.cli.main as main
def work():
    main.click.echo("talk", err=True)
    main.click.echo("data " * 10_000)
    main.click.echo("more", err=True)
    assert not (sys.stdout.isatty() or sys.stderr.isatty() or sys.stdin.isatty())
    os.write(os.open("file", os.O_CREAT | os.O_WRONLY), b"untouched")
main.LazyGroup.get_command = lambda *_: main.click.Command("x", callback=work)
main.COMMANDS["x"] = ""
sys.argv = ["lcvsync", "x"]
main.main()
"""
        done = subprocess.run(
            ["sh", "-c", f'"$0" -c "$1" {streams}', sys.executable, program],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == code, done.stderr
        if code:
            assert done.stderr == (
                "talk\nlcvsync: standard output can't be written: No space left on device\n"
                "  → look at where it is sent to\n"
            )
        else:
            assert (tmp_path / "file").read_text() == "untouched"

    @pytest.mark.parametrize(
        ("verbosity", "level", "told"), [(-1, 0, False), (0, 0, True), (0, 1, False), (1, 1, True)]
    )
    def test_talk(self, verbosity: int, level: int, told: bool, capsys: Captured) -> None:
        """-q silences, -v tells more; all of it on stderr."""
        output.talk(Application(verbosity=verbosity), "hello\n", level=level)

        assert capsys.readouterr() == ("", "hello\n" if told else "")


class TestReporter:
    """Progress."""

    def work(self, application: Application) -> None:
        """A run in two steps, as the runner tells it."""
        with output.reporter(application) as fitting:
            reporter: Reporter = fitting
            reporter.step("photos [red]", 2)
            reporter.advance()
            reporter.note("note [bold]x")
            reporter.step("stock")
            reporter.advance(2)
        fitting.done()

    @pytest.mark.parametrize(("verbosity", "expected"), [(0, ""), (-1, ""), (1, "note [bold]x\n")])
    def test_cron(self, verbosity: int, expected: str, capsys: Captured) -> None:
        """Under cron progress is silent; with -v its notes are lines."""
        self.work(Application(verbosity=verbosity))

        assert capsys.readouterr() == ("", expected)

    def test_terminal(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        """On a terminal there is a bar on stderr with notes above it, and no markup is obeyed."""
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        self.work(Application())

        assert "note [bold]x" in terminal.getvalue()
        assert "stock" in terminal.getvalue()
        assert capsys.readouterr().out == ""

    def test_quiet_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """-q draws nothing, even for people."""
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        self.work(Application(verbosity=-1))

        assert terminal.getvalue() == ""


class TestConfigCommands:
    """`lcvsync config`."""

    def test_check(self, file: Path, capsys: Captured) -> None:
        """A correct file is said to be so on stderr, or in JSON on stdout."""
        assert run(["config", "check"]) == 0
        assert capsys.readouterr() == ("", f"{file} is correct\n")

        assert run(["config", "check", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"ok": True, "file": str(file), "problems": [], "warnings": []}

    def test_check_faulty(self, file: Path, capsys: Captured) -> None:
        """All problems of a faulty one are listed, with exit 2 either way."""
        file.write_text(CONFIGURATION + "[sync]\nmod = 1\n[prestashp]\n", encoding="utf-8")
        expected = f"""\
lcvsync: 2 problems in {file}
  - sync.mod: is no known option, did you mean sync.mode?
  - prestashp: is no known section, did you mean prestashop?
  → correct the file, then look with: lcvsync config check
"""
        assert run(["config", "check"]) == ExitCode.USAGE
        assert capsys.readouterr() == ("", expected)

        assert run(["config", "check", "--json"]) == ExitCode.USAGE
        answer = json.loads(capsys.readouterr().out)
        assert (answer["ok"], len(answer["problems"])) == (False, 2)

    def test_show(self, file: Path, capsys: Captured) -> None:
        """Every effective value and whether the file says it; the key as ***."""
        assert run(["config", "show"]) == 0
        out, err = capsys.readouterr()
        lines = [re.split(r" {2,}", line) for line in out.splitlines()]
        assert lines[0] == ["option", "value", "from"]
        assert ["prestashop.url", '"https://www.example.com"', "file"] in lines
        assert ["prestashop.key", '"***"', "file"] in lines
        assert ["prestashop.shop_id", "null", "default"] in lines
        assert ["catalogue.colour_group", '"Couleur [red]"', "file"] in lines
        assert ["catalogue.fields.name", '"sync"', "default"] in lines
        assert (KEY in out, err) == (False, f"from {file}\n")

    def test_show_json(self, file: Path, capsys: Captured) -> None:
        """The same for programs, with values in their own types."""
        assert run(["config", "show", "--json"]) == 0

        out, err = capsys.readouterr()
        answer = json.loads(out)
        assert answer["file"] == str(file)
        assert answer["options"]["sync.max_seconds"] == {"value": 270, "source": "default"}
        assert answer["options"]["lcv.web_store"] == {"value": "WEB", "source": "file"}
        assert answer["options"]["prestashop.key"] == {"value": "***", "source": "file"}
        assert (KEY in out, err) == (False, "")


def test_exit_codes_are_documented() -> None:
    """`docs/exit-codes.md` has a line with cause and cure for each code, and names every error under its own."""
    table = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    rows = [re.split(r" ?\| ?", line)[1:-1] for line in table.splitlines() if re.match(r"\| \d", line)]
    documented = {(int(row[0]), name) for row in rows for name in re.findall(r"`(\w+)`", row[4])}
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.LcvsyncError)
    ]

    assert [int(row[0]) for row in rows] == sorted(ExitCode)
    assert [row for row in rows if not all(row[1:4])] == []
    assert documented == {(error.exit_code, error.__name__) for error in classes}
