"""`lcvsync map` alone: the walk, answer by answer, and once through a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
import pytest

from lcvsync.cli.map_walk import Walk
from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Coded,
    Department,
    DynamicCategory,
    Rfs,
    Sku,
    Tables,
    Variant,
    VatRate,
)
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.runner.mapping_service import MappingService
from lcvsync.runner.targets import Target, Targets
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store

BRAND, RFS, VAT, COLOUR = MappingKind.BRAND, MappingKind.RFS, MappingKind.VAT, MappingKind.COLOUR
TABLES = Tables(
    1,
    "EUR",
    brands=(Coded("M1", "Sessùn"), Coded("M2", "Armor \x1b[31m[bold]")),
    departments=(Department(Rfs("F", "10"), "Femme / Pulls"), Department(Rfs("F", "20"), "Femme / Robes")),
    categories=(DynamicCategory("occasion", "MAR", "Mariage"),),
    vat_rates=(VatRate("N", Decimal("20.00")),),
)
PATHS = {"3": ("Femme",), "4": ("Femme", "Pulls"), "5": ("Homme", "Pulls"), "6": ("Femme", "Robes")}


class _Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Go on."""


class _KnownTargets(Targets):
    """Targets of a shop that needs no reading."""

    def _read(self, kind: MappingKind) -> list[Target]:
        match kind:
            case MappingKind.RFS | MappingKind.CATEGORY | MappingKind.PROMOTION:
                return [Target(key, path[-1], (path[-1],), path) for key, path in PATHS.items()]
            case MappingKind.VAT:
                return [Target("1", "FR 20%", ("FR 20%",), rate=Decimal(20))]
            case MappingKind.BRAND:
                return [Target("7", "Sessun", ("Sessun",)), Target("8", "Autre", ("Autre",))]
            case _:
                return list(super()._read(kind))


def fill(store: Store) -> None:
    """Three articles of brand M2, two of them in F/10; one colour that nobody knows."""
    mirror, table = Mirror(store), MappingTable(store)
    with store.transaction():
        mirror.put_tables(TABLES)
        table.learn_tables(TABLES)
        for number, rfs, colour in (
            (1, Rfs("F", "10"), "Zorglub"),
            (2, Rfs("F", "10"), "Noir"),
            (3, Rfs("F", "20"), ""),
        ):
            variants = (Variant(Sku(f"S{number}"), None, None, {"coloris": colour} if colour else {}),)
            mirror.put_article(Article(ArticleId(f"A{number}"), number, f"R{number}", "Pull", rfs, Decimal(20),
                                       brand="M2", variants=variants))  # fmt: skip
        table.learn_codes()
        table.set(MappingKind.ATTRIBUTE, "coloris", Rule(("2",)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A state to be mapped."""
    opened = open_store(tmp_path)
    fill(opened)
    yield opened
    opened.close()


class Person:
    """Somebody who types answers and keeps what was said."""

    def __init__(self, store: Store, *, colours: bool = False) -> None:
        self.service = MappingService(
            store, _KnownTargets(lambda: pytest.fail("the shop was asked"), store, _Clock()), colours_wanted=colours
        )
        self.said: list[str] = []

    def walk(self, *answers: str) -> str:
        """Walk with these answers, then the input ends; what was said."""
        typed = iter(answers)

        def ask(question: str) -> str:
            self.said.append(question)
            for answer in typed:
                return answer
            raise click.Abort

        Walk(self.service, ask, self.said.append).run()
        return "\n".join(self.said)

    def rule(self, kind: MappingKind, code: str) -> Rule | None:
        """What is set by now."""
        return self.service.row(kind, code).rule


@pytest.fixture
def person(store: Store) -> Person:
    """At the start of a walk."""
    return Person(store)


class TestWalk:
    """`Walk`."""

    def test_order_and_progress(self, person: Person) -> None:
        """What articles can't do without comes first, most products first; each question says where one is."""
        said = person.walk(*["s"] * 6)
        heads = [line for line in said.splitlines() if "[" in line and " of 6; " in line]

        assert [head.split()[:2] for head in heads] == [
            ["rfs", "F/10"],
            ["rfs", "F/20"],
            ["vat", "20"],
            ["brand", "M2"],
            ["brand", "M1"],
            ["category", "MAR"],
        ]
        assert "[1 of 6; 2 products wait for this]" in heads[0]
        assert "[2 of 6; 1 product waits for this]" in heads[1]
        assert "[6 of 6; 0 products have it]" in heads[5]
        assert said.endswith("0 set, 6 left")

    def test_by_number_and_by_name(self, person: Person) -> None:
        """The suggestion's number, an exact name, a path, an id; nothing leaves the row for now."""
        said = person.walk("1", "Femme > Robes", "", "=8", "2", "q")

        assert "  1  4 Femme > Pulls  (100 %)" in said
        assert person.rule(RFS, "F/10") == Rule(("4",))
        assert person.rule(RFS, "F/20") == Rule(("6",))
        assert person.rule(VAT, "20") is None
        assert person.rule(BRAND, "M2") == Rule(("8",))
        assert person.rule(BRAND, "M1") == Rule(("create",))
        assert said.endswith("4 set, 2 left")

    def test_several(self, person: Person) -> None:
        """Kinds with several targets take several numbers of what was found, in the order typed."""
        person.walk("/femme", "3 1", "q")

        assert person.rule(RFS, "F/10") == Rule(("6", "3"))

    def test_search(self, person: Person) -> None:
        """What a search finds is numbered; one that finds nothing leaves the suggestions as they were."""
        said = person.walk("/hom", "1", "/chapeau", "q")

        assert "  1  5 Homme > Pulls" in said
        assert person.rule(RFS, "F/10") == Rule(("5",))
        assert "nothing has 'chapeau' in its name" in said

    def test_ignore(self, person: Person) -> None:
        """`i` ignores the code."""
        person.walk("i", "q")

        assert person.rule(RFS, "F/10") == Rule(ignored=True)

    def test_wildcard(self, person: Person) -> None:
        """`w` says what stands for all others; what it answers isn't asked about any more."""
        said = person.walk("w", "Femme", "1", "w", "create", "s")

        assert person.rule(RFS, "*") == Rule(("3",))
        assert person.rule(BRAND, "*") == Rule(("create",))
        assert "rfs F/20" not in said
        assert said.endswith("3 set, 1 left")

    def test_a_wildcard_not_given(self, person: Person) -> None:
        """Skipping that question comes back to the code."""
        person.walk("w", "s", "1", "q")

        assert (person.rule(RFS, "*"), person.rule(RFS, "F/10")) == (None, Rule(("4",)))

    def test_a_slip(self, person: Person) -> None:
        """What is no target is said, with what there is, and asked again."""
        said = person.walk("Pulls", "Pullovers", "1", "q")

        assert "could be any of: 4 Femme > Pulls, 5 Homme > Pulls" in said
        assert "the shop has no category 'Pullovers'" in said
        assert person.rule(RFS, "F/10") == Rule(("4",))

    def test_help(self, person: Person) -> None:
        """`?` explains every answer, and asks again."""
        said = person.walk("?", "1", "q")

        assert "several: 3 5" in said
        assert person.rule(RFS, "F/10") == Rule(("4",))

    def test_saved_at_once(self, person: Person) -> None:
        """An input that ends takes nothing back."""
        with pytest.raises(click.Abort):
            person.walk("1")

        assert person.rule(RFS, "F/10") == Rule(("4",))

    def test_nothing_to_do(self, person: Person) -> None:
        """A walk whose rows all have answers says so."""
        for kind in (RFS, VAT, BRAND, MappingKind.CATEGORY):
            person.service.set(kind, "*", ["ignore"])

        assert person.walk() == "everything has an answer: nothing to map"

    def test_colours(self, store: Store) -> None:
        """Where the shop has generic ones, colours that the package doesn't know are asked for, without wildcard."""
        person = Person(store, colours=True)
        person.walk(*["s"] * 6, "w", "vert")

        assert person.rule(COLOUR, "zorglub") == Rule(("Vert",))

    def test_names_of_strangers(self, person: Person) -> None:
        """A label never steers the terminal."""
        said = person.walk(*["s"] * 6)

        assert r"Armor \x1b[31m[bold]" in said
        assert "\x1b" not in said


def test_in_a_terminal(tmp_path: Path, spoken: Callable[[list[str], list[tuple[str, str]]], str]) -> None:
    """The command itself, on a pseudo-terminal: asks, takes an answer, leaves with `q`."""
    (tmp_path / "lcvsync.toml").write_text(
        '[lcv]\nurl = "https://lcv.invalid"\nweb_store = "WEB"\n[prestashop]\nurl = "http://127.0.0.1:9"\n'
        f'key = "{"K" * 32}"\n[catalogue]\ncolour_group = 2\n[state]\ndirectory = "state"\n'
    )
    opened = open_store(tmp_path / "state")
    table = MappingTable(opened)
    with opened.transaction():
        table.add(COLOUR, [("zorglub", ""), ("quux", "")])
    opened.close()

    text = spoken(["-c", str(tmp_path / "lcvsync.toml"), "map"], [("quux →", "gris\n"), ("zorglub →", "q\n")])

    assert "1 set, 1 left" in text
    opened = open_store(tmp_path / "state")
    assert MappingTable(opened).rules().rules == {COLOUR: {"quux": Rule(("Gris",))}}
    opened.close()


@pytest.fixture
def spoken() -> Callable[[list[str], list[tuple[str, str]]], str]:
    """Runs a command line on a terminal, answering each question when it stands there; all that was shown."""

    def speak(arguments: list[str], talk: list[tuple[str, str]]) -> str:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "lcvsync", *arguments]
        with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True) as process:
            os.close(slave)
            shown, rest = "", list(talk)
            while chunk := _read(master):
                shown += chunk
                if rest and rest[0][0] in shown:
                    os.write(master, rest.pop(0)[1].encode())
            if rest:
                process.kill()
            assert process.wait(10) == 0, shown
        os.close(master)
        return shown

    return speak


def _read(terminal: int) -> str:
    if not select.select([terminal], [], [], 10)[0]:
        return ""  # nobody speaks any more: the test fails with what was said
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # Linux's way to say that the other end is closed
        return ""
