"""`lcvsync status`, `runs` and `audit` from the command line, on a state as runs leave it."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lcvsync.cli.main import run
from lcvsync.domain.catalogue import Article, ArticleId, Feed, Photo, PhotoId, Rfs, Sku, Variant
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.planning.changes import Action, Change, Failed, Kind, Lane, Skipped
from lcvsync.planning.known import Origin
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.observe import HEARD, NEWEST, NEWS
from lcvsync.runner.report import Outcome, Report
from lcvsync.state.availability import SHOWN
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    Captured = pytest.CaptureFixture[str]

START = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=2)
"""Two days ago: the commands compare with the machine's clock."""
EVIL = "Pull \x1b[31mEVIL\x07 [bold]gras[/bold] \u202e\u2028fin"
PRICELESS = Skipped("variant", "100-S", "price_missing", "no price", "set its price in LCV")
UNMAPPED = Skipped("article", "PU-2", "brand_unmapped", EVIL, "lcvsync map set brand SESSUN ...")
FAILED = Failed("product", "PU-1", f"refused: {EVIL}")


class StoppedClock:
    """A clock that is put where a test wants it."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        """Where it was put."""
        return self.time

    def monotonic(self) -> float:
        """Nothing takes time."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Don't."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The state directory of a configuration in the working directory; empty."""
    Path("lcvsync.toml").write_text(
        'lcv = { url = "https://lcv.example.com", web_store = "WEB" }\n'
        'prestashop = { url = "https://www.example.com", key = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567" }\n'
        f'state = {{ directory = "{tmp_path / "state"}" }}\n'
    )
    return tmp_path / "state"


@pytest.fixture
def store(directory: Path) -> Iterator[Store]:
    """The state after three runs: one that did much, one that LCV didn't answer, and one today that found nothing."""
    opened = open_store(directory)
    clock = StoppedClock()
    with opened.transaction():
        learn(opened)
    journal, audit = Journal(opened), AuditLog(directory, clock)
    record(journal, audit, clock, first_report(), first_changes())
    clock.time += timedelta(days=1)
    record(journal, audit, clock, Report(mode="complete", started_at=START, outcome=Outcome.ERROR, exit_code=5,
                                         error=f"no answer {EVIL}"))  # fmt: skip
    clock.time = datetime.now(UTC) - timedelta(hours=3)
    record(journal, audit, clock, Report(mode="complete", started_at=START))
    yield opened
    opened.close()


def article(identifier: str, reference: str, *, brand: str = "SESSUN") -> Article:
    """An article of LCV with one size and one photo."""
    return Article(
        id=ArticleId(identifier),
        reference=reference,
        name=EVIL,
        active=True,
        vat_rate=Decimal(20),
        rfs=Rfs("F", "10", "01"),
        brand=brand,
        web_stores=("WEB",),
        variants=(Variant(Sku(f"{identifier}-S"), ean=None, size="S"),),
        photos=(Photo(PhotoId(f"{identifier}-1"), "0" * 64, 1),),
        revision=7,
    )


def learn(store: Store) -> None:
    """Two articles, of which one is a product, nothing mapped but what a wildcard covers; LCV went on meanwhile."""
    mirror, bindings, journal, mappings = Mirror(store), Bindings(store), Journal(store), MappingTable(store)
    mirror.put_article(article("100", "PU-1"))
    mirror.put_article(article("101", "PU-2", brand="AUTRE"))
    mirror.clean("101", None)
    mirror.advance(Feed.ARTICLES, 7)
    store.put(NEWEST, {feed.value: 0 for feed in Feed} | {"articles": 12})
    mappings.learn_codes()
    bindings.add_product("100", 20, "100", Origin.MADE, written={"reference": "PU-1"}, locked=True)
    bindings.add_product("99", 21, "99", Origin.LINKED, written={"reference": "VIEUX"})
    bindings.set_product("99", gone=1)
    journal.set_skipped(
        "100", (PRICELESS, Skipped("variant", "100-M", "price_missing", "no price", PRICELESS.cure)), START
    )
    journal.set_skipped("101", (UNMAPPED,), START)
    journal.failed(FAILED, "100", START)


def first_report() -> Report:
    """What the first run did."""
    report = Report(mode="complete", started_at=START, seconds=4.25, skipped=[PRICELESS, UNMAPPED], failed=[FAILED],
                    outcome=Outcome.FAILURES, exit_code=3)  # fmt: skip
    report.count(Kind.PRODUCT, Action.CREATE, 1)
    report.count(Kind.PRODUCT, Action.ACTIVATE, 1)
    report.count(Kind.STOCK, Action.UPDATE, 1200)
    return report


def first_changes() -> list[Change]:
    """Some of it."""
    card = {"reference": "PU-1", "name": EVIL}
    return [
        Change(Kind.PRODUCT, Action.CREATE, "PU-1", "100", Lane.CREATION, card),
        Change(Kind.STOCK, Action.UPDATE, "100-S", "100", Lane.STOCK_UP, {"quantity": 5}, {"quantity": 3}, "sold"),
        Change(Kind.STOCK, Action.UPDATE, "99-S", "99", Lane.STOCK_UP, {"quantity": 1}, {"quantity": 0}),
    ]


def record(
    journal: Journal, audit: AuditLog, clock: StoppedClock, report: Report, changes: list[Change] | None = None
) -> None:
    """Do as a session does: the run's record, and its lines in the audit."""
    report.run = audit.run = journal.start_run("sync", clock.now())
    for change in changes or []:
        audit.change(change)
    for item in report.skipped:
        audit.skip(item)
    for failed in report.failed:
        audit.failure(failed)
    if report.error:
        audit.error(report.error)
    journal.finish_run(report.run, report.outcome, report.exit_code, report.summary())


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def told(capsys: Captured, *arguments: str) -> Any:
    """The JSON that a command prints."""
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def lines(capsys: Captured, *arguments: str) -> list[str]:
    """The lines that a command prints for people."""
    assert run(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


COMMANDS = (["status"], ["status", "--all"], ["runs"], ["audit"])


class TestNothingYet:
    """Before the first run."""

    @pytest.mark.parametrize("arguments", COMMANDS)
    def test_no_state(self, directory: Path, capsys: Captured, arguments: list[str]) -> None:
        """They say that there is nothing, and make no state by looking."""
        assert run(arguments) == 0
        assert run([*arguments, "--json"]) == 0
        assert not directory.exists()
        assert capsys.readouterr().out

    def test_status(self, directory: Path, capsys: Captured) -> None:
        """Every member is there, so that a script needs no special case."""
        state = told(capsys, "status")
        assert not directory.exists()
        assert (state["last_run"], state["last_success"], state["hours_without_run"], state["lag"]) == (None,) * 4
        assert state["articles"] == {"known": 0, "waiting": 0}
        assert (state["skipped"], state["failed"], state["unmapped"]) == ([], [], [])


@pytest.mark.usefixtures("store")
class TestStatus:
    """`lcvsync status`."""

    def test_json(self, capsys: Captured) -> None:
        """Runs, lag, counts, and what is left out with its cure."""
        state = told(capsys, "status")

        assert (state["last_run"]["run"], state["last_run"]["outcome"]) == (3, "ok")
        assert state["last_success"]["run"] == 3
        assert state["hours_without_run"] == pytest.approx(3, abs=0.02)
        assert state["lag"] == {"tables": 0, "articles": 5, "stock": 0, "prices": 0, "promotions": 0}
        assert state["articles"] == {"known": 2, "waiting": 1}
        assert state["products"] == {"made": 1, "linked": 0, "locked": 1, "unfinished": 1, "gone": 1}
        assert [(item["reason"], item["count"], item["cure"]) for item in state["skipped"]] == [
            ("price_missing", 2, "set its price in LCV"),
            ("brand_unmapped", 1, "lcvsync map set brand SESSUN ..."),
        ]
        [failed] = state["failed"]
        assert (failed["kind"], failed["key"], failed["times"]) == ("product", "PU-1", 1)
        assert failed["retry_at"] == (START + timedelta(minutes=5)).isoformat()

    def test_unmapped(self, store: Store, capsys: Captured) -> None:
        """Codes that articles use and no row answers for; those that a wildcard covers are mapped."""

        assert {row["kind"]: row["count"] for row in told(capsys, "status")["unmapped"]} == {
            "rfs": 1,
            "brand": 2,
            "vat": 1,
        }
        with store.transaction():
            MappingTable(store).set(MappingKind.RFS, "F/*", Rule(("4",)))
            MappingTable(store).set(MappingKind.BRAND, "SESSUN", Rule(ignored=True))
            MappingTable(store).set(MappingKind.VAT, "20.0", Rule(("1",)))
        [row] = told(capsys, "status")["unmapped"]
        assert row == {"kind": "brand", "count": 1, "example": "AUTRE", "cure": "lcvsync map list brand"}

    def test_all(self, capsys: Captured) -> None:
        """`--all` lists every skipped record."""
        keys = [item["key"] for item in told(capsys, "status", "--all")["skipped"]]
        assert keys == ["PU-2", "100-M", "100-S"]
        text = lines(capsys, "status", "--all")
        assert len([line for line in text if "price_missing" in line]) == 2

    def test_for_people(self, capsys: Captured) -> None:
        """Facts first, then tables with the cures."""
        text = lines(capsys, "status")

        assert re.fullmatch(r"Last run       \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, run 3 \(sync\): ok in 0\.0 s", text[0])
        assert text[2:6] == [
            "Without a run  3 hours",
            "LCV            behind by articles 5",
            "Articles       2 known, 1 waiting",
            "Products       1 made, 0 linked, 1 locked, 1 unfinished, 1 gone",
        ]
        assert [line for line in text if line in {"Skipped", "Failed", "Unmapped"}] == ["Skipped", "Failed", "Unmapped"]

    def test_news(self, store: Store, capsys: Captured) -> None:
        """When LCV last answered and had news, what a guard held and the last run said, what time will bring."""
        now = datetime.now(UTC)
        report = Report(mode="complete", started_at=now, notes=["the mode waits"])
        report.held = [{"kind": "zero", "detail": "40 stocks to zero", "cure": "lcvsync sync --allow zero"}]
        Journal(store).finish_run(3, Outcome.HELD, 6, report.summary())
        store.put(HEARD, (now - timedelta(minutes=5)).isoformat())
        store.put(NEWS, (now - timedelta(hours=7)).isoformat())
        with store.transaction():
            Mirror(store).clean("100", now + timedelta(hours=1))

        state = told(capsys, "status")
        assert (state["hours_without_answer"], state["hours_without_news"]) == pytest.approx((0.08, 7), abs=0.02)
        assert (state["notes"], state["held"][0]["kind"]) == (["the mode waits"], "zero")
        assert state["next_due"] == (now + timedelta(hours=1)).isoformat()
        assert state["availability"] is None
        store.put(SHOWN, {"basis": ""})
        assert told(capsys, "status")["availability"] == {"products": 0, "waiting": 2}
        text = lines(capsys, "status")
        assert text[3] == "LCV            behind by articles 5; no news for 7 hours"
        assert "Note           the mode waits" in text
        assert ["zero", "40", "stocks", "to", "zero"] in [line.split()[:5] for line in text]

    def test_a_wait_is_no_failure(self, store: Store, capsys: Captured) -> None:
        """A photo that LCV hasn't got yet is looked at again; it is listed once, with its cure."""
        skipped = Skipped("photo", "100-1", "photo_unavailable", "404", "check it in LCV")
        with store.transaction():
            Journal(store).add_skipped("100", skipped, START)
            Journal(store).failed(Failed("photo", "100-1", "404"), "100", START)

        assert [item["key"] for item in told(capsys, "status")["failed"]] == ["PU-1"]


@pytest.mark.usefixtures("store")
class TestRuns:
    """`lcvsync runs`."""

    def test_list(self, capsys: Captured) -> None:
        """Newest first, in short."""
        found = told(capsys, "runs")
        assert [(item["run"], item["outcome"], item["failed"]) for item in found] == [
            (3, "ok", 0),
            (2, "error", 0),
            (1, "failures", 1),
        ]
        text = lines(capsys, "runs")
        assert "1 new product, 1,200 quantities updated" in text[3]

    def test_limit(self, capsys: Captured) -> None:
        """As many as are asked for."""
        assert [item["run"] for item in told(capsys, "runs", "--limit", "1")] == [3]

    def test_show(self, capsys: Captured) -> None:
        """One run: what it did, skipped and failed; as JSON the object that `sync --json` printed."""
        found = told(capsys, "runs", "show", "1")
        assert (found["run"], found["changes"]["stock"], found["skipped"][0]["key"]) == (1, {"update": 1200}, "100-S")
        text = lines(capsys, "runs", "show", "1")
        assert text[1] == "Changes        1 new product, 1,200 quantities updated"
        assert [line.split()[:2] for line in text if line.startswith("product")] == [["product", "PU-1"]]

    def test_unknown(self, capsys: Captured) -> None:
        """A run that isn't there is a mistake of usage."""
        assert run(["runs", "show", "99"]) == 2
        assert "there is no run 99" in capsys.readouterr().err

    def test_crashed(self, store: Store, capsys: Captured) -> None:
        """A run that never ended is shown without a report."""
        Journal(store).start_run("sync", START)
        assert told(capsys, "runs", "show", "4")["outcome"] == "running"
        assert lines(capsys, "runs", "show", "4")[1] == "Changes        none"


@pytest.mark.usefixtures("store")
class TestAudit:
    """`lcvsync audit`."""

    def test_everything(self, capsys: Captured) -> None:
        """Oldest first, over the files of several days, whatever characters names hold."""
        found = told(capsys, "audit")
        assert [item["event"] for item in found] == ["change"] * 3 + ["skip"] * 2 + ["failure", "error"]
        assert found[0]["after"]["name"] == EVIL
        assert [item["at"] for item in found] == sorted(item["at"] for item in found)

    def test_limit(self, capsys: Captured) -> None:
        """The newest so many, from as many days as it takes."""
        assert [item["event"] for item in told(capsys, "audit", "-n", "3")] == ["skip", "failure", "error"]

    def test_run(self, capsys: Captured) -> None:
        """Of one run."""
        assert [item["event"] for item in told(capsys, "audit", "--run", "2")] == ["error"]

    def test_product(self, capsys: Captured) -> None:
        """Card, sizes, skips and failures of one product, by its reference in any case, or that of a gone one."""
        assert [item["key"] for item in told(capsys, "audit", "--product", "pu-1")] == [
            "PU-1",
            "100-S",
            "100-S",
            "PU-1",
        ]
        assert [item["key"] for item in told(capsys, "audit", "--product", "VIEUX")] == ["99-S"]

    def test_errors(self, capsys: Captured) -> None:
        """Only what went wrong."""
        assert [item["event"] for item in told(capsys, "audit", "--errors")] == ["failure", "error"]

    def test_date(self, capsys: Captured) -> None:
        """Of one day where the reader is."""
        day = START.astimezone().date()
        assert {item["run"] for item in told(capsys, "audit", "--date", f"{day}")} == {1}
        assert told(capsys, "audit", "--date", f"{day - timedelta(days=5)}") == []
        assert run(["audit", "--date", "yesterday"]) == 2

    def test_torn(self, directory: Path, capsys: Captured) -> None:
        """What a crash tore, or somebody else wrote, is passed over."""
        path = max(directory.glob("audit-*.jsonl"))
        path.write_bytes(path.read_bytes() + b'[1]\nnonsense\n{"at": "2026-11-2\xc3')
        (directory / "audit-some-da-te.jsonl").write_text("{}\n")
        assert len(told(capsys, "audit")) == 7

    def test_for_people(self, capsys: Captured) -> None:
        """A line for each: when, what, which record of which product, from what to what, why."""
        text = lines(capsys, "audit", "--run", "1")
        assert text[0].split() == ["At", "Run", "What", "Record", "Product", "Change", "Reason", "Result"]
        assert re.search(r"1    stock update  +100-S  +PU-1  +quantity 3 → 5  +sold +ok$", text[2])


@pytest.mark.usefixtures("store")
class TestTerminal:
    """What names hold from outside."""

    @pytest.mark.parametrize("arguments", [*COMMANDS, ["runs", "show", "1"], ["runs", "show", "2"]])
    def test_escape_sequences(self, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
        """Nothing of it reaches a terminal raw, nor as markup."""
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, Terminal())

        assert run(arguments) == 0

        shown = "".join(stream.getvalue() for stream in (sys.stdout, sys.stderr) if isinstance(stream, Terminal))
        assert shown
        for raw in ("\x1b[31m", "\x07", "\u202e", "\u2028"):
            assert raw not in shown

    @pytest.mark.parametrize("command", ["status", "runs", "audit"])
    def test_help(self, capsys: Captured, command: str) -> None:
        """Every command has examples."""
        assert run([command, "--help"]) == 0
        assert "Examples:\n    lcvsync" in capsys.readouterr().out
