"""Rules set, cleared, carried to a sheet and back; what they concern is planned anew."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Attribute,
    Coded,
    Department,
    DynamicCategory,
    Promotion,
    PromotionId,
    PromotionKind,
    Rfs,
    Sku,
    Store,
    Tables,
    Variant,
    VatRate,
)
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.runner.mapping_service import Line, MappingService, Setting, read_sheet
from lcvsync.runner.sheets import sheet_cell
from lcvsync.runner.targets import Target, Targets
from lcvsync.state import store as state
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

BRAND, RFS, VAT, COLOUR = MappingKind.BRAND, MappingKind.RFS, MappingKind.VAT, MappingKind.COLOUR
TABLES = Tables(
    1,
    "EUR",
    stores=(Store("LYO", "Lyon"),),
    brands=(Coded("M1", "Sessùn"), Coded("M2", "Armor & Fils")),
    departments=(
        Department(Rfs("F", "10", "01"), "Femme / Mailles / Pulls"),
        Department(Rfs("F", "20"), "Femme / Robes"),
        Department(Rfs("H", "10"), "Homme / Mailles"),
    ),
    categories=(DynamicCategory("occasion", "MAR", "Mariage"),),
    attributes=(Attribute("coloris", "Coloris", "variant"), Attribute("matiere", "Matière", "article")),
    payment_methods=(Coded("CB", "Carte bancaire"),),
    vat_rates=(VatRate("N", Decimal("20.00")), VatRate("R", Decimal("5.50"))),
)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
TREE = {"3": ("Femme",), "4": ("Femme", "Pulls"), "5": ("Homme", "Pulls")}


class _Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Go on."""


class _KnownTargets(Targets):
    """Targets of a shop that needs no reading; what a shop answers is test_targets' matter."""

    def _read(self, kind: MappingKind) -> list[Target]:
        if kind in (MappingKind.RFS, MappingKind.CATEGORY, MappingKind.PROMOTION):
            return [Target(key, path[-1], (path[-1],), path) for key, path in TREE.items()]
        if kind in (COLOUR, MappingKind.PAYMENT):
            return list(super()._read(kind))
        return [Target("1", "First", ("First",)), Target("2", "Second", ("Second",))]


def article(number: int, rfs: Rfs, brand: str, colour: str) -> Article:
    """An article of one variant."""
    variant = Variant(Sku(f"S{number}"), None, None, {"coloris": colour})
    return Article(ArticleId(f"A{number}"), number, f"R{number}", "Pull", rfs, Decimal("20.00"), brand=brand,
                   variants=(variant,))  # fmt: skip


def planned(store: state.Store) -> None:
    """A run went by."""
    store.rows("UPDATE article SET dirty = 0")
    store.db.commit()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[state.Store]:
    """A state with tables, three articles and a promotion, nothing of it to be planned."""
    opened = state.open_store(tmp_path)
    mirror, table = Mirror(opened), MappingTable(opened)
    with opened.transaction():
        mirror.put_tables(TABLES)
        table.learn_tables(TABLES)
        mirror.put_article(article(1, Rfs("F", "10", "01"), "M1", "Moutarde"))
        mirror.put_article(article(2, Rfs("F", "20"), "M2", "Moutarde chiné"))
        mirror.put_article(article(3, Rfs("H", "10"), "M2", "Zorglub"))
        mirror.put_promotion(Promotion(PromotionId("P1"), 1, "Soldes", PromotionKind.PERCENTAGE, Decimal(30), NOW,
                                       articles=(ArticleId("A3"),)))  # fmt: skip
        table.learn_codes()
    planned(opened)
    yield opened
    opened.close()


@pytest.fixture
def service(store: state.Store) -> MappingService:
    """The rules of that state."""
    return MappingService(store, _KnownTargets(lambda: pytest.fail("the shop was asked"), store, _Clock()))


@pytest.fixture
def dirty(store: state.Store) -> Callable[[], list[str]]:
    """Ids of the articles that the next run plans."""
    return lambda: [row[0] for row in store.rows("SELECT id FROM article WHERE dirty ORDER BY id")]


def rule_of(service: MappingService, kind: MappingKind, code: str) -> Rule | None:
    """What is set for a code."""
    return service.row(kind, code).rule


class TestSetting:
    """`set`, `clear`."""

    def test_marks_its_articles(self, service: MappingService, dirty: Callable[[], list[str]]) -> None:
        """A rule concerns the articles that use its code, and only when it changes."""
        assert service.set(BRAND, "M2", ["First"]) == Setting(BRAND, "M2", Rule(("1",)))
        assert dirty() == ["A2", "A3"]

    def test_unchanged(self, service: MappingService, store: state.Store, dirty: Callable[[], list[str]]) -> None:
        """The same rule again is no change, however it is typed: nothing is planned for it."""
        service.set(RFS, "F/20", ["4"], Decimal("0.40"))
        planned(store)

        assert service.set(RFS, "F/20", ["Femme > Pulls"], Decimal("0.4")) is None
        assert dirty() == []

    @pytest.mark.parametrize(
        ("kind", "code", "marked"),
        [
            (RFS, "*", ["A1", "A2", "A3"]),
            (RFS, "F/*", ["A1", "A2"]),
            (RFS, "F/10/*", ["A1"]),
            (BRAND, "*", ["A1", "A2", "A3"]),
            (VAT, "20%", ["A1", "A2", "A3"]),
            (MappingKind.PROMOTION, "Soldes", ["A3"]),
            (MappingKind.PROMOTION, "*", ["A3"]),
            (MappingKind.STORE, "LYO", []),
        ],
    )
    def test_what_a_rule_reaches(
        self, service: MappingService, dirty: Callable[[], list[str]], kind: MappingKind, code: str, marked: list[str]
    ) -> None:
        """Wildcards reach everything below them, a promotion the articles that it names."""
        service.set(kind, code, ["ignore"])

        assert dirty() == marked

    def test_a_colour_reaches_its_shades(self, service: MappingService, dirty: Callable[[], list[str]]) -> None:
        """What "moutarde" means decides "moutarde chiné" as well; a colour of no article may be set too."""
        service.set(COLOUR, "MOUTARDE", ["vert"])
        assert dirty() == ["A1", "A2"]
        assert rule_of(service, COLOUR, "Moutarde") == Rule(("Vert",))

        service.set(COLOUR, "zinzolin", ["Violet"])
        assert dirty() == ["A1", "A2"]

    def test_several_targets(self, service: MappingService) -> None:
        """In the order typed, since the first category is the default one; each once."""
        service.set(RFS, "F/20", ["Homme > Pulls", "3", "5"], Decimal("0.35"))

        assert rule_of(service, RFS, "F/20") == Rule(("5", "3"), weight=Decimal("0.35"))

    def test_numbers_are_rates(self, service: MappingService) -> None:
        """20, 20.00 and 20 % are one rate."""
        service.set(VAT, "20.00", ["1"])

        assert service.set(VAT, "20 %", ["1"]) is None

    def test_create(self, service: MappingService) -> None:
        """Brands may be made in the shop; nothing else may."""
        service.set(BRAND, "*", ["create"])
        assert rule_of(service, BRAND, "*") == Rule(("create",))

        with pytest.raises(ConfigurationError):
            service.set(MappingKind.FEATURE, "matiere", ["create"])

    def test_clear(self, service: MappingService, store: state.Store, dirty: Callable[[], list[str]]) -> None:
        """The row stays, unset; one that only a person had made goes with its rule."""
        service.set(BRAND, "M1", ["1"])
        service.set(BRAND, "*", ["create"])
        service.set(COLOUR, "zinzolin", ["Violet"])
        planned(store)

        assert service.clear(BRAND, "M1") == Setting(BRAND, "M1", None)
        assert dirty() == ["A1"]
        assert service.clear(BRAND, "M1") is None
        assert service.clear(RFS, "X/*") is None
        service.clear(BRAND, "*")
        service.clear(COLOUR, "zinzolin")
        codes = {(listed.row.kind, listed.row.code) for listed in service.listed()}
        assert (BRAND, "M1") in codes
        assert not codes & {(BRAND, "*"), (COLOUR, "zinzolin"), (RFS, "X/*")}


class TestRefusals:
    """What a person must correct is said with the nearest that exists, and nothing is set."""

    @pytest.mark.parametrize(
        ("kind", "code", "targets", "weight", "message", "cure"),
        [
            (BRAND, "Sessun", ["1"], None, r"no code 'Sessun'; near: M1 \(Sessùn\)", "map list brand"),
            (RFS, "F/10/1", ["3"], None, "no code 'F/10/1'; near: F/10/01", "map list rfs"),
            (RFS, "F/10/01/*", ["3"], None, "no code", "map list rfs"),
            (RFS, "*/10", ["3"], None, "no code", "map list rfs"),
            (MappingKind.SIZE_GRID, "ALPHA", ["1"], None, "no code is known yet", "pull-config"),
            (MappingKind.PRODUCT, "12", ["S1"], None, "aren't linked by `map`", "lcvsync product link"),
            (COLOUR, "*", ["Noir"], None, "has no wildcard", "name each"),
            (BRAND, " ", ["1"], None, "the code is empty", ""),
            (BRAND, "M1", [" "], None, "a target is missing", "map clear brand"),
            (BRAND, "M1", ["*"], None, "stands for codes", ""),
            (BRAND, "M1", ["1", "2"], None, "takes one target, not 2", "quotes"),
            (RFS, "F/20", ["3", "ignore"], None, "ignore stands alone", ""),
            (BRAND, "M1", ["1"], Decimal("0.4"), "only rfs and category have a default weight", ""),
            (RFS, "F/20", ["ignore"], Decimal("0.4"), "only with a target", ""),
            (RFS, "F/20", ["3"], Decimal(-1), "is no weight", "kilograms"),
            (RFS, "F/20", ["3"], Decimal(1500), "is no weight", "kilograms"),
            (RFS, "F/20", ["Pulls"], None, "could be any of: 4 Femme > Pulls, 5 Homme > Pulls", "path"),
            (MappingKind.PAYMENT, "paypal", ["PP"], None, "LCV has no payment method 'PP'", "exact name"),
        ],
    )
    def test_refused(
        self,
        service: MappingService,
        dirty: Callable[[], list[str]],
        kind: MappingKind,
        code: str,
        targets: list[str],
        weight: Decimal | None,
        message: str,
        cure: str,
    ) -> None:
        """Codes that LCV hasn't, targets that the shop hasn't, and what the kind doesn't take."""
        with pytest.raises(ConfigurationError, match=message) as caught:
            service.set(kind, code, targets, weight)

        assert cure in caught.value.cure
        assert dirty() == []
        assert [listed for listed in service.listed() if listed.row.rule] == []

    def test_all_or_nothing(self, service: MappingService, monkeypatch: pytest.MonkeyPatch) -> None:
        """A failure amid several rules leaves none of them."""

        def refuse(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(Mirror, "mark_code", refuse)
        with pytest.raises(RuntimeError):
            service.apply([Setting(BRAND, "M1", Rule(("1",))), Setting(BRAND, "M2", Rule(("1",)))])

        assert rule_of(service, BRAND, "M1") is None


class TestLooking:
    """`listed`, `unmapped`."""

    def test_answers(self, service: MappingService) -> None:
        """Own rule, wildcard from the nearest to the widest, the colours that the package knows, or nobody."""
        service.set(BRAND, "M1", ["1"])
        service.set(BRAND, "*", ["ignore"])
        service.set(RFS, "F/10/*", ["3"])
        service.set(RFS, "F/*", ["3"])
        found = {(one.row.kind, one.row.code): one.answered_by for one in service.listed()}

        assert (found[BRAND, "M1"], found[BRAND, "M2"]) == ("M1", "*")
        assert (found[RFS, "F/10/01"], found[RFS, "F/20"], found[RFS, "H/10"]) == ("F/10/*", "F/*", None)
        assert (found[COLOUR, "moutarde chine"], found[COLOUR, "zorglub"]) == ("colours", None)

    def test_order(self, service: MappingService) -> None:
        """Kinds as they are listed everywhere; in a kind what most articles use comes first."""
        rows = [listed.row for listed in service.listed()]

        assert [row.kind for row in rows] == sorted((row.kind for row in rows), key=list(MappingKind).index)
        assert [(row.code, row.articles) for row in rows if row.kind is BRAND] == [("M2", 2), ("M1", 1)]

    def test_colours_only_where_wanted(self, service: MappingService, store: state.Store) -> None:
        """A shop without generic colours needs none; asked for by name they are shown."""
        assert [one.row.code for one in service.unmapped(COLOUR)] == ["zorglub"]
        assert COLOUR not in {one.row.kind for one in service.unmapped()}
        wanted = MappingService(store, service.targets, colours_wanted=True)
        assert COLOUR in {one.row.kind for one in wanted.unmapped()}


class TestDuringARun:
    """Nobody waits for a run to end; SQLite's own lock is short."""

    def test_waits_for_a_transaction(self, service: MappingService, tmp_path: Path) -> None:
        """A rule set while a run commits a page is set right after it, though it was read before."""
        began, done = threading.Event(), threading.Event()

        def run() -> None:
            other = state.open_store(tmp_path)
            with other.transaction():
                other.put("x", 1)
                began.set()
                done.wait(0.2)
            other.close()

        thread = threading.Thread(target=run)
        thread.start()
        began.wait(5)
        service.listed()
        assert service.set(BRAND, "M1", ["1"]) is not None
        thread.join()
        assert rule_of(service, BRAND, "M1") == Rule(("1",))

    def test_a_state_that_stays_locked(self, service: MappingService, store: state.Store, tmp_path: Path) -> None:
        """It is temporary, and says so."""
        store.rows("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(tmp_path / state.DATABASE)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Temporary, match="the state can't be written"):
            service.set(BRAND, "M1", ["1"])
        other.close()


def lines(*cells: tuple[str, str, str, str]) -> list[Line]:
    """Lines of a sheet."""
    return [Line(number, *each) for number, each in enumerate(cells, start=2)]


class TestSheets:
    """`settings_of`, `read_sheet`, `sheet_cell`."""

    def test_good_and_bad_lines(self, service: MappingService) -> None:
        """Every bad line is named with its number and what is unknown; the good ones are understood."""
        settings, problems = service.settings_of(
            lines(
                ("brand", "M1", "First", ""),
                ("RFS", "F/20", "Femme > Pulls; 3", "0,4"),
                ("brand", "M9", "1", ""),
                ("rfs", "H/10", "99", ""),
                ("hats", "1", "1", ""),
                ("brand", "M1", "2", ""),
                ("rfs", "*", "", "0.4"),
                ("rfs", "*", "3", "heavy"),
                ("vat", "5,5", "ignore", ""),
                ("store", "LYO", "", ""),
            )
        )

        assert settings == [
            Setting(BRAND, "M1", Rule(("1",))),
            Setting(RFS, "F/20", Rule(("4", "3"), weight=Decimal("0.4"))),
            Setting(VAT, "5.5", Rule(ignored=True)),
            Setting(MappingKind.STORE, "LYO", None),
        ]
        words = [
            "no code 'M9'",
            "no category '99'",
            "'hats' is no kind",
            "has a line already",
            "has a weight",
            "'heavy'",
        ]
        assert [problem.partition(":")[0] for problem in problems] == [f"line {n}" for n in (4, 5, 6, 7, 8, 9)]
        assert all(word in problem for word, problem in zip(words, problems, strict=True))

    def test_what_stands_is_not_looked_up(self, service: MappingService, store: state.Store) -> None:
        """A rule whose target the shop lost in the meantime still comes back as it was."""
        gone = Rule(("77",), weight=Decimal("0.3"))
        MappingTable(store).set(RFS, "F/20", gone)

        assert service.settings_of(lines(("rfs", "F/20", "77", "0.3"))) == ([Setting(RFS, "F/20", gone)], [])

    @pytest.mark.parametrize(
        "content",
        [
            b"kind,code,label,targets,weight\r\nrfs,F/20,Robes,3;4,0.4\r\n",
            b'\xef\xbb\xbfKind;Code;Label;Targets;Weight\r\nrfs;F/20;Robes;"3;4";0.4\r\n;;;;\r\n',
            b"weight\ttargets\tcode\tkind\n0.4\t3;4\tF/20\trfs\n",
        ],
    )
    def test_spreadsheets(self, content: bytes) -> None:
        """What Excel and LibreOffice write: separators, a byte order mark, columns in any order, empty lines."""
        assert read_sheet(content) == [Line(2, "rfs", "F/20", "3;4", "0.4")]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "no column code, kind, targets"),
            (b"kind,code\nrfs,F\n", "line 1: no column targets"),
            (b"kind,code,targets\nrfs,F,3\nrfs,\xe9t\xe9,3\n", "line 3 isn't UTF-8"),
            (b"kind;code;targets\nrfs;F;3;4\n", "line 2: it has 4 cells, the header 3"),
            (b"kind;code;targets\nrfs;F\n", "line 2: it has 2 cells"),
            (b'kind,code,targets\nrfs,"F,3\n', "line 2: "),
        ],
    )
    def test_unreadable(self, content: bytes, message: str) -> None:
        """A sheet that can't be read whole isn't read at all, and the line is named."""
        with pytest.raises(ConfigurationError, match=message):
            read_sheet(content)

    @given(st.text(st.characters(exclude_characters="\x00\r", codec="utf-8")))
    def test_cells(self, text: str) -> None:
        """No cell is a formula to a spreadsheet, and each comes back as it was."""
        cell = sheet_cell(text)
        quoted = cell.replace('"', '""')
        found = read_sheet(f'kind,code,targets\nrfs,"{quoted}",3\n'.encode())

        assert not cell.startswith(("=", "+", "-", "@"))
        assert [line.code for line in found] == [text]
