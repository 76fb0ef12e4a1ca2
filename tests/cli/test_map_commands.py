"""`lcvsync map ...` as typed, on the tables and articles of an emulated LCV and the objects of an emulated shop."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lcvsync.cli.errors import ExitCode
from lcvsync.cli.main import run
from lcvsync.domain.mapping import MappingKind
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.lcv import association
from lcvsync.state.mappings import MappingTable
from lcvsync.state.store import open_store

KEY = "MAPMAPMAPMAPMAPMAPMAPMAPMAPMAPMA"
Captured = pytest.CaptureFixture[str]


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Go on."""


@pytest.fixture(scope="module")
def shop() -> Iterator[EmulatorServer]:
    """A shop with a category of a name that a terminal would obey, and an attribute group for the sizes of women."""
    emulator = PrestaShopEmulator(key=KEY)
    for resource, name in (("categories", "Robes\u202e[bold]"), ("product_options", "Taille femme")):
        fields = (
            {"name": {"1": name, "2": name}, "id_parent": "2"} if resource == "categories" else {"name": {"1": name}}
        )
        body = json.dumps({"resource": resource, "fields": fields}).encode()
        emulator.control(Request("POST", "/_emulator/shop/create", [], {}, body))
    with EmulatorServer(emulator) as server:
        yield server


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, shop: EmulatorServer) -> Path:
    """A directory with a configuration and a state, after `pull-config` from a back office of 30 articles."""
    place = tmp_path_factory.mktemp("pulled")
    now = datetime.now(UTC)
    emulator = LcvEmulator(catalogue=generate(1, 30, now=now), username="u", password="p", clock=lambda: now)
    with EmulatorServer(emulator) as lcv:
        (place / "lcvsync.toml").write_text(
            f'[lcv]\nurl = "{lcv.url}"\nweb_store = "WEB"\n[prestashop]\nurl = "{shop.url}"\nkey = "{KEY}"\n'
            '[state]\ndirectory = "state"\n'
        )
        association.save(association.associate(lcv.url, "u", "p", shop.url, _Clock()), place / "state")
        assert run(["-c", str(place / "lcvsync.toml"), "-q", "pull-config"]) == 0
    return place


@pytest.fixture(autouse=True)
def here(pulled: Path, shop: EmulatorServer, capsys: Captured, _isolated: None) -> Path:
    """A copy of it, to be changed by the test, as the working directory."""
    shutil.copytree(pulled, Path.cwd(), dirs_exist_ok=True)
    shop.requests.clear()
    capsys.readouterr()
    return Path.cwd()


def records(capsys: Captured, *arguments: str) -> list[dict[str, object]]:
    """What a command prints with --json."""
    capsys.readouterr()
    assert run(["map", *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def named(capsys: Captured, kind: str, code: str) -> dict[str, object]:
    """One row."""
    return next(row for row in records(capsys, "list", kind) if row["code"] == code)


class TestSet:
    """`map set`, `map ignore`, `map clear`."""

    def test_set(self, shop: EmulatorServer, capsys: Captured) -> None:
        """By name; what was set and what follows is told on stderr, and the shop is asked only for what it takes."""
        row = records(capsys, "list", "brand")[0]
        assert run(["map", "set", "brand", str(row["code"]), "studio design"]) == 0
        products = f"{row['products']} products will follow at the next run"
        expected = f"brand {row['code']} ({row['label']}) → 1 Studio Design; {products}\n"
        assert capsys.readouterr() == ("", expected)
        assert {request.path for request in shop.requests} == {"/api/manufacturers"}
        assert named(capsys, "brand", str(row["code"]))["targets"] == [{"id": "1", "name": "Studio Design"}]

        assert run(["map", "set", "brand", str(row["code"]), "1"]) == 0
        assert "nothing changed" in capsys.readouterr().err

    def test_several_and_a_weight(self, capsys: Captured) -> None:
        """Categories by path and id, kilograms with a comma as well."""
        assert run(["map", "set", "rfs", "F/10/01", "Vêtements > Femmes", "6", "--weight", "0,40"]) == 0
        row = named(capsys, "rfs", "F/10/01")

        assert row["targets"] == [{"id": "5", "name": "Vêtements > Femmes"}, {"id": "6", "name": "Accessoires"}]
        assert row["weight"] == "0.4"

    def test_ignore_and_clear(self, capsys: Captured) -> None:
        """Both are rules that can be seen, and taken back."""
        run(["map", "ignore", "brand", "M001"])
        assert named(capsys, "brand", "M001")["ignored"] is True
        assert run(["map", "clear", "brand", "M001"]) == 0
        assert "brand M001 (Armor & Fils) → unset" in capsys.readouterr().err
        assert named(capsys, "brand", "M001")["answered_by"] is None

    def test_wildcards(self, capsys: Captured) -> None:
        """They are told with all that they answer for; one below which LCV has nothing is doubtful, but set."""
        run(["map", "set", "brand", "*", "create"])
        assert "brand * → create; 30 products will follow" in capsys.readouterr().err
        assert run(["map", "set", "rfs", "Z/*", "5"]) == 0
        assert "careful: LCV has no code that begins with Z/" in capsys.readouterr().err
        assert named(capsys, "brand", "M001")["answered_by"] == "*"

    def test_another_rate(self, capsys: Captured) -> None:
        """A tax rules group of another rate is set, with a warning."""
        run(["map", "set", "vat", "20", "FR Taux réduit (10%)"])

        assert "careful: in the shop that group is 10 %, in LCV 20 %" in capsys.readouterr().err

    def test_recut(self, capsys: Captured) -> None:
        """Another group for sizes that have one doesn't reach products that exist; the first one needs no warning."""
        run(["map", "set", "size-grid", "FEMME", "Size"])
        assert "--recut" not in capsys.readouterr().err
        run(["map", "set", "size-grid", "FEMME", "Taille femme"])
        assert "lcvsync resync REFERENCE --recut" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["set", "brand", "M01", "1"], ["no code 'M01'", "near: M0", "→ lcvsync map list brand"]),
            (
                ["set", "brand", "M001", "Studio Dezign"],
                ["no manufacturer 'Studio Dezign'; near: 1 Studio Design", "create"],
            ),
            (["set", "hat", "1", "2"], ["'hat' is none of size-grid, brand"]),
            (["set", "product", "12", "S1"], ["lcvsync product link"]),
            (["set", "rfs", "L", "5", "--weight", "light"], ["is no weight"]),
            (["set", "vat", "20", "20%"], ["could be any of: 1 FR Taux standard"]),
            (["set", "colour", "moutarde", "mordoré clair"], ["there is no generic colour", "Multicolore"]),
            (["set", "brand", "M001"], ["Missing argument 'TARGET...'"]),
        ],
    )
    def test_wrong(self, capsys: Captured, arguments: list[str], words: list[str]) -> None:
        """Exit 2, what is wrong, and what there is instead."""
        assert run(["map", *arguments]) == ExitCode.USAGE
        err = capsys.readouterr().err
        assert [word for word in words if word not in err] == []


class TestList:
    """`map list`."""

    def test_table(self, capsys: Captured) -> None:
        """One line a row; in brackets who answers for a row without a rule. Names never steer the terminal."""
        run(["map", "set", "rfs", "F/*", "Robes\u202e[bold]"])
        run(["map", "set", "rfs", "F/10/01", "5", "--weight", "0.4"])
        run(["map", "ignore", "rfs", "L"])
        capsys.readouterr()
        assert run(["map", "list", "rfs"]) == 0
        out = capsys.readouterr().out
        lines = {line.split()[1]: line for line in out.splitlines()}

        assert "5 Vêtements > Femmes" in lines["F/10/01"]
        assert lines["F/10/01"].endswith("0.4")
        assert lines["F/10/02"].endswith("(F/*)")
        assert lines["L"].endswith("ignore")
        assert lines["F/*"].endswith(r"Robes\u202e[bold]")
        assert "\u202e" not in out

    def test_unset(self, capsys: Captured) -> None:
        """What a rule or a wildcard answers is left out, and colours where the shop has no generic ones."""
        run(["map", "set", "brand", "*", "create"])
        kinds = {row["kind"] for row in records(capsys, "list", "--unset")}

        assert "brand" not in kinds
        assert "colour" not in kinds
        assert {"rfs", "vat", "store"} <= kinds

    def test_without_the_shop(self, shop: EmulatorServer, capsys: Captured) -> None:
        """The rules are in the state: without the shop they are shown by id, and it is said why."""
        run(["map", "set", "brand", "M001", "1"])
        shop.faults = [Fault(FaultKind.STATUS, status=403)] * 9
        try:
            assert run(["map", "list"]) == 0
        finally:
            shop.faults = []
        out, err = capsys.readouterr()

        assert "M001" in out
        assert err.count("without names: ") == 1

    def test_a_lost_target(self, here: Path, capsys: Captured) -> None:
        """What the shop no longer has is shown as such."""
        run(["map", "set", "brand", "M001", "1"])
        store = open_store(here / "state")
        with store.transaction():
            store.rows("UPDATE mapping SET targets = '[\"77\"]' WHERE targets IS NOT NULL")
        store.close()

        run(["map", "list", "brand"])
        assert "77 (not in the shop)" in capsys.readouterr().out

    def test_before_pull_config(self, here: Path, capsys: Captured) -> None:
        """Nothing to list yet: the way on is named."""
        shutil.rmtree(here / "state")
        assert run(["map", "list"]) == 0
        assert "lcvsync pull-config" in capsys.readouterr().err


class TestSuggest:
    """`map suggest`."""

    def test_nothing_is_set_by_looking(self, capsys: Captured) -> None:
        """Suggestions are data: rows with their likely targets and scores."""
        found = records(capsys, "suggest", "vat")

        assert found[0]["suggestions"][0] == {"id": "1", "name": "FR Taux standard (20%)", "score": 100.0}  # type: ignore[index]
        assert {row["accepted"] for row in found} == {False}
        assert {row["answered_by"] for row in records(capsys, "list", "vat")} == {None}

    def test_accept(self, shop: EmulatorServer, capsys: Captured) -> None:
        """What is sure is set, the rest stays; the shop is read once for each kind of object."""
        assert run(["map", "suggest", "--accept"]) == 0
        out, err = capsys.readouterr()

        assert "FR Taux standard (20%)" in out
        assert " set, " in err
        asked = [(each.path, each.query) for each in shop.requests if each.path != "/api/languages"]
        assert len(set(asked)) == len(asked)
        assert {row["answered_by"] for row in records(capsys, "list", "vat")} == {"20", "10", "5.5", "2.1"}
        assert named(capsys, "size-grid", "FEMME")["answered_by"] is None

    def test_minimum(self, capsys: Captured) -> None:
        """A lower one shows more; scores are percents."""
        many = sum(bool(row["suggestions"]) for row in records(capsys, "suggest", "rfs", "--minimum", "30"))
        few = sum(bool(row["suggestions"]) for row in records(capsys, "suggest", "rfs", "--minimum", "99"))

        assert few < many
        assert run(["map", "suggest", "--minimum", "101"]) == ExitCode.USAGE


class TestSheets:
    """`map export`, `map import`."""

    def rules(self, here: Path) -> object:
        """Everything that is set."""
        store = open_store(here / "state")
        found = MappingTable(store).rules()
        store.close()
        return found

    @pytest.mark.parametrize("options", [[], ["--names", "--excel"]])
    def test_round_trip(self, here: Path, capsys: Captured, options: list[str]) -> None:
        """What was exported and is imported brings every rule back, and takes away what came since."""
        run(["map", "set", "rfs", "F/10/01", "5", "6", "--weight", "0.4"])
        run(["map", "set", "rfs", "F/*", "4"])
        run(["map", "set", "brand", "*", "create"])
        run(["map", "ignore", "category", "OCC-FETES"])
        run(["map", "set", "colour", "moutarde", "jaune"])
        run(["map", "set", "payment", "ps_wirepayment", "VIR"])
        before = self.rules(here)
        assert run(["map", "export", "rules.csv", *options]) == 0
        run(["map", "set", "brand", "M001", "1"])
        run(["map", "clear", "rfs", "F/10/01"])
        capsys.readouterr()

        assert run(["map", "import", "rules.csv"]) == 0
        assert "2 rules changed" in capsys.readouterr().err
        assert self.rules(here) == before
        assert run(["map", "import", "rules.csv"]) == 0
        assert "0 rules changed" in capsys.readouterr().err

    def test_columns(self, capsys: Captured) -> None:
        """The header is that of the manual; several targets are parted by semicolons; - is stdout."""
        run(["map", "set", "rfs", "F/10/01", "5", "6", "--weight", "0.4"])
        capsys.readouterr()
        run(["map", "export", "-"])
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

        assert list(rows[0]) == ["kind", "code", "label", "targets", "weight"]
        assert {"kind": "rfs", "code": "F/10/01", "label": "Femme / Mailles / Pulls", "targets": "5;6",
                "weight": "0.4"} in rows  # fmt: skip

    def test_formulas(self, here: Path, capsys: Captured) -> None:
        """A label that a spreadsheet would reckon with is text."""
        store = open_store(here / "state")
        with store.transaction():
            MappingTable(store).add(MappingKind.BRAND, [("M777", "=HYPERLINK(1)")])
        store.close()
        run(["map", "export", "-"])

        assert "brand,M777,'=HYPERLINK(1),," in capsys.readouterr().out

    def test_all_or_nothing(self, here: Path, capsys: Captured) -> None:
        """One bad line and nothing is set; every bad line is named; --partial sets the good ones and ends with 3."""
        Path("rules.csv").write_text(
            "kind;code;targets\nbrand;M001;1\nbrand;M999;1\nvat;20;777\n", encoding="utf-8-sig"
        )

        assert run(["map", "import", "rules.csv"]) == ExitCode.USAGE
        err = capsys.readouterr().err
        assert "rules.csv: 2 lines can't be taken, nothing was set" in err
        assert "line 3: brand: LCV has no code 'M999'" in err
        assert "line 4: vat: the shop has no tax rules group '777'" in err
        assert named(capsys, "brand", "M001")["answered_by"] is None

        assert run(["map", "import", "rules.csv", "--partial"]) == ExitCode.RECORDS_FAILED
        assert "1 rule changed, 0 as before, 2 lines left out" in capsys.readouterr().err
        assert named(capsys, "brand", "M001")["answered_by"] == "M001"

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        """- is stdin."""
        sheet = io.TextIOWrapper(io.BytesIO(b"kind,code,targets\nbrand,M001,Studio Design\n"))
        monkeypatch.setattr(sys, "stdin", sheet)

        assert run(["map", "import", "-"]) == 0
        assert named(capsys, "brand", "M001")["targets"] == [{"id": "1", "name": "Studio Design"}]

    def test_files(self, capsys: Captured) -> None:
        """A file that isn't there, or can't be written, is exit 2."""
        assert run(["map", "import", "none.csv"]) == ExitCode.USAGE
        assert run(["map", "export", "none/rules.csv"]) == ExitCode.USAGE
        assert "none/rules.csv can't be written" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", "list", "set", "ignore", "clear", "suggest", "export", "import"])
def test_help_has_examples(command: str, capsys: Captured) -> None:
    """`--help` shows how the command is typed."""
    assert run(["map", *command.split(), "--help"]) == 0
    assert f"  lcvsync map {command}".rstrip() in capsys.readouterr().out


def test_the_walk_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Without one `map` alone says what scripts use."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    assert run(["map"]) == ExitCode.USAGE
    assert "`map list`, `map set`, `map import`" in capsys.readouterr().err


def test_a_payment_method_of_the_tables(shop: EmulatorServer, capsys: Captured) -> None:
    """LCV's code for what the shop calls by a module's name; the shop isn't asked."""
    assert run(["map", "set", "payment", "Carte bancaire", "CB"]) == 0
    assert "payment Carte bancaire → CB Carte bancaire" in capsys.readouterr().err
    assert shop.requests == []
