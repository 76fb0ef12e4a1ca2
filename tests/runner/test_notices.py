"""What a run tells whom: pings, troubles once and daily, their end, changed products, the file for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Action, Failed, Kind, Skipped
from lcvsync.planning.known import Origin
from lcvsync.runner.metrics import METRICS, Standing, metrics
from lcvsync.runner.notices import Notices, NotifyOptions
from lcvsync.runner.report import Outcome, Report
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
DAY = timedelta(days=1)
SHOP = "https://www.example.com"
OPTIONS = NotifyOptions(SHOP, ("alarm",), ("calm",), ("purge", "--all"), Path("/metrics/lcvsync.prom"))


@dataclass
class Post:
    """A messenger that keeps what it is given, and fails where it is told to."""

    pings: list[tuple[str, str]] = field(default_factory=list)
    commands: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    files: dict[Path, str] = field(default_factory=dict)
    wrong: str = ""

    def ping(self, suffix: str, text: str = "") -> str:
        """Keep it."""
        self.pings.append((suffix, text))
        return self.wrong

    def run(self, command: Sequence[str], text: str, environment: Mapping[str, str]) -> str:
        """Keep it."""
        self.commands.append((" ".join(command), text, dict(environment)))
        return self.wrong

    def write(self, path: Path, text: str) -> str:
        """Keep it."""
        self.files[path] = text
        return self.wrong


class Stopped:
    """A clock that a test sets."""

    time = NOW

    def now(self) -> datetime:
        """Where it was set."""
        return self.time

    def monotonic(self) -> float:
        """Asked by nobody here."""
        raise AssertionError

    def sleep(self, seconds: float) -> None:
        """Asked by nobody here."""
        raise AssertionError


class Desk:
    """Runs that end, one after the other, with one state."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock, self.post = Stopped(), Post()
        self.options = OPTIONS

    def end(self, command: str = "sync", *, after: timedelta = MINUTES, **report: Any) -> Report:
        """A run that ends so, *after* the one before."""
        self.clock.time += after
        made = Report(mode="complete", started_at=self.clock.time, run=7, **report)
        notices = Notices(self.options, self.post, self.clock, command, lambda text: text.replace("SECRET", "***"))
        if made.outcome not in {Outcome.LOCKED, Outcome.DISABLED}:
            notices.started()
        notices.ended(made, self.open)
        return made

    def fail(self, error: str = "LCV doesn't answer", **more: Any) -> Report:
        """A run that an error stopped."""
        return self.end(outcome=Outcome.ERROR, exit_code=5, error=error, **more)

    def open(self) -> Store:
        """The state."""
        return open_store(self.directory)

    def commands(self) -> list[tuple[str, str]]:
        """The commands since the last look, with their input."""
        found = [(command, text) for command, text, _ in self.post.commands]
        self.post.commands.clear()
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with everything configured."""
    return Desk(tmp_path)


class TestPings:
    """When which address is asked."""

    def test_good(self, desk: Desk) -> None:
        """A good run pings its start and its end; one that the next goes on with is alive as well."""
        assert desk.end().notes == []
        desk.end(outcome=Outcome.BUDGET, exit_code=10)

        assert desk.post.pings == [("/start", ""), ("", "")] * 2

    @pytest.mark.parametrize(
        ("outcome", "code"), [(Outcome.ERROR, 4), (Outcome.FAILURES, 3), (Outcome.HELD, 6), (Outcome.ERROR, 1)]
    )
    def test_bad(self, desk: Desk, outcome: Outcome, code: int) -> None:
        """A bad one pings /fail with what went wrong, without secrets."""
        failed = [Failed("order", str(number), "refused with SECRET") for number in range(12)]
        held = [{"kind": "orders", "detail": "30 of 40 documents", "cure": "lcvsync sync --allow orders"}]

        desk.end(
            outcome=outcome, exit_code=code, error="it failed", cure="do this", failed=failed, held=held, notes=["look"]
        )

        (start, _), (suffix, text) = desk.post.pings
        assert (start, suffix) == ("/start", "/fail")
        assert text.splitlines()[:5] == [
            f"sync of {SHOP}, run 7: {outcome}, exit {code}",
            "it failed",
            "→ do this",
            "look",
            "30 of 40 documents: held; lcvsync sync --allow orders",
        ]
        assert "SECRET" not in text
        assert text.endswith("order 9: refused with ***\n… and 2 more: lcvsync status\n")

    @pytest.mark.parametrize("outcome", [Outcome.LOCKED, Outcome.DISABLED])
    def test_silent(self, desk: Desk, outcome: Outcome) -> None:
        """A run that did nothing, because of another one or the configuration, tells nobody anything."""
        desk.end(outcome=outcome, products={"A"})

        assert (desk.post.pings, desk.post.commands, desk.post.files) == ([], [], {})

    def test_interrupted(self, desk: Desk) -> None:
        """An interrupted run is neither good nor bad: only its start was told."""
        desk.end(outcome=Outcome.INTERRUPTED, exit_code=143)

        assert desk.post.pings == [("/start", "")]

    def test_other_commands(self, desk: Desk) -> None:
        """What a person runs by hand isn't what cron is watched by."""
        desk.end("export-order", outcome=Outcome.ERROR, exit_code=3, error="it waits")

        assert (desk.post.pings, desk.post.commands, desk.post.files) == ([], [], {})


class TestTroubles:
    """`command_on_failure` and `command_on_recovery`."""

    def test_once_then_daily_then_its_end(self, desk: Desk) -> None:
        """The same trouble is told once, again after a day, and when it is over."""
        desk.fail("LCV doesn't answer in 7 s: SECRET")
        assert desk.commands() == [("alarm", "LCV doesn't answer in 7 s: ***\n")]
        desk.fail("LCV doesn't answer in 9 s: SECRET")
        assert desk.commands() == []
        desk.fail("LCV doesn't answer in 3 s: SECRET", after=DAY)
        [(command, text)] = desk.commands()
        assert (command, text.endswith(": LCV doesn't answer in 3 s: ***\n")) == ("alarm", True)
        assert text.startswith("still, since 2026-11-23 ")
        desk.end()
        [(command, text)] = desk.commands()
        assert (command, text.startswith("over: LCV doesn't answer in 3 s: *** (since 2026-11-23 ")) == ("calm", True)
        desk.end()
        assert desk.commands() == []

    def test_records(self, desk: Desk) -> None:
        """A record that is refused is a trouble until it is cured, whatever runs come in between."""
        store = desk.open()
        with store.transaction():
            Journal(store).failed(Failed("image", "A-1", "404"), "A", NOW)
        desk.end(outcome=Outcome.FAILURES, exit_code=3)
        desk.end()
        assert desk.commands() == [("alarm", "image A-1: 404\n")]
        with store.transaction():
            Journal(store).cured("A")
        desk.end()
        assert [command for command, _ in desk.commands()] == ["calm"]
        store.close()

    def test_no_failures(self, desk: Desk) -> None:
        """Notes, skipped records and the time budget are no failures."""
        skipped = [Skipped("article", "A", "brand_unmapped", "no brand", "map it")]
        desk.end(notes=["orders.min_id is not set"], skipped=skipped)
        desk.end(outcome=Outcome.BUDGET, exit_code=10)

        assert desk.commands() == []

    def test_environment(self, desk: Desk) -> None:
        """A command gets the facts as variables."""
        desk.fail()

        assert desk.post.commands[0][2] == {
            "LCVSYNC_SHOP": SHOP,
            "LCVSYNC_COMMAND": "sync",
            "LCVSYNC_RUN": "7",
            "LCVSYNC_OUTCOME": "error",
            "LCVSYNC_EXIT_CODE": "5",
            "LCVSYNC_TROUBLES": "1",
        }

    def test_command_fails(self, desk: Desk) -> None:
        """A command that fails is a note of the run, and the trouble is told again by the next run."""
        desk.post.wrong = "ended with 1: SECRET"
        report = desk.fail()
        assert "notify.command_on_failure: ended with 1: ***" in report.notes
        desk.post.wrong = ""
        desk.fail()
        desk.fail()
        assert [command for command, _ in desk.commands()] == ["alarm", "alarm"]

    def test_only_recovery(self, desk: Desk) -> None:
        """One command without the other works."""
        desk.options = replace(OPTIONS, on_failure=())
        desk.fail()
        desk.end()

        assert [command for command, _ in desk.commands()] == ["calm"]

    def test_nothing_configured(self, desk: Desk) -> None:
        """Without commands and file nothing is run, written or remembered."""
        desk.options = NotifyOptions(SHOP)
        desk.fail()
        store = desk.open()

        assert (desk.commands(), desk.post.files, store.get("troubles.notified")) == ([], {}, None)
        store.close()

    def test_state_unreadable(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the state itself is the trouble, it is told by every run, since nobody can remember."""

        def refuse() -> Store:
            raise ConfigurationError("state.directory: can't open it")

        monkeypatch.setattr(desk, "open", refuse)
        desk.fail("state.directory: can't open it")
        desk.fail("state.directory: can't open it")

        assert desk.commands() == [("alarm", "state.directory: can't open it\n")] * 2
        assert "lcvsync_last_run_success" in desk.post.files[Path("/metrics/lcvsync.prom")]


class TestChanges:
    """`command_after_changes`."""

    def test_products(self, desk: Desk) -> None:
        """The shop's ids of the products that changed, sorted, one a line, and how many."""
        store = desk.open()
        with store.transaction():
            for key, number in (("A", 30), ("B", 4), ("C", 7)):
                Bindings(store).add_product(key, number, key, Origin.MADE, written={})
        store.close()

        desk.end("resync", products={"A", "B", "unknown"})

        [(command, text, environment)] = desk.post.commands
        assert (command, text) == ("purge --all", "4\n30\n")
        assert (environment["LCVSYNC_PRODUCTS"], environment["LCVSYNC_COMMAND"]) == ("2", "resync")

    def test_none(self, desk: Desk) -> None:
        """Without a change there is nothing to purge."""
        desk.end()

        assert desk.commands() == []

    def test_its_failure_is_a_note(self, desk: Desk) -> None:
        """It changes neither outcome nor exit code."""
        store = desk.open()
        with store.transaction():
            Bindings(store).add_product("A", 30, "A", Origin.MADE, written={})
        store.close()
        desk.post.wrong = "took longer than 60 s, and was ended"

        report = desk.end("resync", products={"A"})

        assert (report.outcome, report.exit_code) == (Outcome.OK, 0)
        assert report.notes == ["notify.command_after_changes: took longer than 60 s, and was ended"]


class TestMetrics:
    """`prometheus_file`."""

    def test_every_metric(self) -> None:
        """Each metric has its explanation and its type, and every sample the shop as a label."""
        report = Report(
            mode="complete",
            started_at=NOW,
            seconds=12.3456,
            requests={"lcv": 3, "prestashop": 11},
            failed=[Failed("image", "A", "404")],
            held=[{"kind": "orders"}],
            skipped=[Skipped("article", "A", "x", "y", "z"), Skipped("article", "A", "x2", "y", "z")],
        )
        report.count(Kind.STOCK, Action.UPDATE, 40)
        text = metrics(report, Standing(NOW.timestamp(), 2, 5), 'https://a/"b\\', NOW)
        lines = text.splitlines()

        assert text.endswith("\n")
        assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == [
            f"lcvsync_{name}" for name in METRICS
        ]
        samples = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines if not line.startswith("#")}
        shop = r'shop="https://a/\"b\\"'
        assert samples[f'lcvsync_last_run_changes{{{shop},kind="stock",action="update"}}'] == "40"
        assert samples[f'lcvsync_last_run_requests{{{shop},to="prestashop"}}'] == "11"
        assert samples[f"lcvsync_last_run_duration_seconds{{{shop}}}"] == "12.346"
        assert samples[f"lcvsync_last_success_timestamp_seconds{{{shop}}}"] == str(int(NOW.timestamp()))
        assert [
            samples[f"lcvsync_{name}{{{shop}}}"] for name in ("last_run_skipped", "waiting_orders", "pending_units")
        ] == [
            "1",
            "2",
            "5",
        ]

    def test_after_a_bad_run(self, desk: Desk) -> None:
        """The last good run stays known after a bad one."""
        store = desk.open()
        journal = Journal(store)
        journal.finish_run(journal.start_run("sync", NOW), Outcome.OK, 0, {"seconds": 60})
        store.close()

        desk.fail()

        text = desk.post.files[Path("/metrics/lcvsync.prom")]
        assert f'lcvsync_last_success_timestamp_seconds{{shop="{SHOP}"}} {int(NOW.timestamp()) + 60}\n' in text
        assert f'lcvsync_last_run_success{{shop="{SHOP}"}} 0\n' in text
        assert f'lcvsync_last_run_exit_code{{shop="{SHOP}"}} 5\n' in text
