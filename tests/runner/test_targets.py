"""What rules may point to, read from an emulated shop, and what is suggested for LCV's labels."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lcvsync.domain.catalogue import Coded, Size, SizeGrid, Tables
from lcvsync.domain.mapping import CREATE, MappingKind
from lcvsync.emulators.http import Request
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import ConfigurationError
from lcvsync.prestashop import WebserviceShop, authorization
from lcvsync.runner.targets import Suggestions, Targets
from lcvsync.state.mappings import MappingRow
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store
from lcvsync.transport import SHOP, Transport

KEY = "TARGETSTARGETSTARGETSTARGETSTARG"
TABLES = Tables(
    1,
    "EUR",
    size_grids=(SizeGrid("ALPHA", "Lettres", tuple(Size(s, s, i) for i, s in enumerate(("S", "M", "L", "XL")))),),
    payment_methods=(Coded("CB", "Carte bancaire"), Coded("VIR", "Virement")),
)


class _Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Go on."""


def make(emulator: PrestaShopEmulator, resource: str, **fields: Any) -> str:
    """Something that a person adds in the shop's back office; its id."""
    body = json.dumps({"resource": resource, "fields": fields}).encode()
    answer = emulator.control(Request("POST", "/_emulator/shop/create", [], {}, body))
    return str(json.loads(answer.body)["id"])


def both(text: str) -> dict[str, str]:
    """A text in both languages of the shop."""
    return {"1": text, "2": text}


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    """A shop with a tree of categories: Femme > Robes, Homme > Robes, and brands that are easily confused."""
    emulator = PrestaShopEmulator(key=KEY)
    women = make(emulator, "categories", name={"1": "Femme", "2": "Women"}, id_parent="2", active="1")
    men = make(emulator, "categories", name={"1": "Homme", "2": "Men"}, id_parent="2", active="1")
    for parent in (women, men):
        make(emulator, "categories", name=both("Robes"), id_parent=parent, active="1")
    for name in ("Sessùn", "SESSUN", "1083", "Armor et fils"):
        make(emulator, "manufacturers", name=name, active="1")
    with EmulatorServer(emulator) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A state that knows LCV's tables."""
    opened = open_store(tmp_path)
    with opened.transaction():
        Mirror(opened).put_tables(TABLES)
    yield opened
    opened.close()


@pytest.fixture
def targets(server: EmulatorServer, store: Store) -> Iterator[Targets]:
    """Targets of that shop, with an empty log of requests."""
    server.requests.clear()
    with Transport(SHOP, server.url, _Clock(), headers=authorization(KEY)) as transport:
        yield Targets(lambda: WebserviceShop(transport, _Clock()), store, _Clock(), ("fr",))


def row(kind: MappingKind, code: str, label: str = "") -> MappingRow:
    """An unset row."""
    return MappingRow(kind, code, label, None)


def asked(server: EmulatorServer, resource: str) -> int:
    """How often a resource was asked for."""
    return sum(1 for request in server.requests if request.path == f"/api/{resource}")


class TestReading:
    """`Targets.of`."""

    def test_once(self, targets: Targets, server: EmulatorServer) -> None:
        """Each resource is read once, however many kinds and questions are about it; others aren't read at all."""
        for kind in (MappingKind.RFS, MappingKind.CATEGORY, MappingKind.PROMOTION):
            targets.of(kind)
            targets.find(kind, "Femme > Robes")

        assert asked(server, "categories") == 1
        assert asked(server, "manufacturers") == 0

    def test_no_shop(self, store: Store) -> None:
        """Colours and payment methods are known without the shop; products are nothing that `map` points to."""
        targets = Targets(lambda: pytest.fail("the shop was asked"), store, _Clock())

        assert targets.find(MappingKind.COLOUR, "ROUGES").id == "Rouge"
        assert [target.shown for target in targets.of(MappingKind.PAYMENT).values()] == [
            "CB Carte bancaire",
            "VIR Virement",
        ]
        assert targets.of(MappingKind.PRODUCT) == {}

    def test_paths(self, targets: Targets) -> None:
        """A category is known by its path from below the home category; the root is none, home is one."""
        texts = {target.text for target in targets.of(MappingKind.RFS).values()}

        assert {"Femme > Robes", "Homme > Robes", "Home"} <= texts
        assert "Root" not in texts

    def test_rates(self, targets: Targets) -> None:
        """A tax rules group has the rate of the shop's country."""
        rates = {target.id: target.rate for target in targets.of(MappingKind.VAT).values()}

        assert rates["1"] == 20
        assert rates["4"] == Decimal("2.1")

    def test_before_pull_config(self, tmp_path: Path) -> None:
        """LCV's payment methods come with its tables."""
        opened = open_store(tmp_path)
        targets = Targets(lambda: pytest.fail("the shop was asked"), opened, _Clock())
        with pytest.raises(ConfigurationError) as caught:
            targets.of(MappingKind.PAYMENT)
        opened.close()

        assert caught.value.cure == "lcvsync pull-config"


class TestFinding:
    """`Targets.find`: never a guess."""

    @pytest.mark.parametrize(
        ("kind", "text", "name"),
        [
            (MappingKind.SIZE_GRID, "1", "Size"),
            (MappingKind.ATTRIBUTE, " color ", "Color"),
            (MappingKind.BRAND, "sessùn", None),
            (MappingKind.BRAND, "Sessùn", "Sessùn"),
            (MappingKind.BRAND, "SESSUN", "SESSUN"),
            (MappingKind.BRAND, "1083", "1083"),
            (MappingKind.RFS, "Femme > Robes", "Robes"),
            (MappingKind.RFS, "homme>robes", "Robes"),
            (MappingKind.RFS, "Women", "Femme"),
            (MappingKind.RFS, "Robes", None),
            (MappingKind.FEATURE, "composition", "Composition"),
            (MappingKind.STORE, "dade county", "Dade County"),
            (MappingKind.VAT, "FR taux réduit (10%)", "FR Taux réduit (10%)"),
            (MappingKind.VAT, "5,5 %", "FR Taux réduit (5.5%)"),
            (MappingKind.PAYMENT, "virement", "Virement"),
            (MappingKind.PAYMENT, "CB", "Carte bancaire"),
        ],
    )
    def test_by_id_or_name(self, targets: Targets, kind: MappingKind, text: str, name: str | None) -> None:
        """The id, then the exact name, then the name as the shop's database compares; two that fit are an error."""
        if name is not None:
            assert targets.find(kind, text).name == name
            return
        with pytest.raises(ConfigurationError, match="could be any of") as caught:
            targets.find(kind, text)

        assert "by its id" in caught.value.cure

    def test_ambiguous_category(self, targets: Targets) -> None:
        """Both are named with id and path."""
        with pytest.raises(ConfigurationError, match=r"\d+ Femme > Robes, \d+ Homme > Robes"):
            targets.find(MappingKind.CATEGORY, "Robes")

    def test_mistyped(self, targets: Targets) -> None:
        """The nearest names are offered."""
        with pytest.raises(ConfigurationError, match=r"no manufacturer 'Sesun'; near: .*Sessùn") as caught:
            targets.find(MappingKind.BRAND, "Sesun")
        assert "`create`" in caught.value.cure

        with pytest.raises(ConfigurationError, match="there is no generic colour 'azur'") as caught:
            targets.find(MappingKind.COLOUR, "azur")
        assert "Multicolore" in caught.value.cure

    def test_unknown_id(self, targets: Targets) -> None:
        """An id that the shop doesn't have is no target."""
        with pytest.raises(ConfigurationError, match="no category '999'"):
            targets.find(MappingKind.RFS, "999")

    def test_ambiguous_rate(self, targets: Targets) -> None:
        """A rate names a group only if no other one has it."""
        with pytest.raises(ConfigurationError, match=r"1 FR Taux standard \(20%\), 5 EU VAT"):
            targets.find(MappingKind.VAT, "20%")

    def test_search(self, targets: Targets) -> None:
        """Every word must be in the path, in any order and case."""
        assert [target.text for target in targets.search(MappingKind.RFS, "robe FEM")] == ["Femme > Robes"]
        assert targets.search(MappingKind.RFS, "chapeau") == []


class TestSuggestions:
    """`Suggestions.of` and `.sure`."""

    @pytest.fixture
    def suggestions(self, targets: Targets) -> Suggestions:
        """Of that shop."""
        return Suggestions(targets, lambda: TABLES)

    @pytest.mark.parametrize(
        ("kind", "code", "label", "name"),
        [
            (MappingKind.SIZE_GRID, "ALPHA", "Lettres", "Size"),
            (MappingKind.RFS, "F/20", "Femme / Robes", "Femme > Robes"),
            (MappingKind.CATEGORY, "C1", "rayon: ACCESSOIRES", "Accessoires"),
            (MappingKind.FEATURE, "compo", "Composition", "Composition"),
            (MappingKind.STORE, "DAD", "Dade county", "Dade County"),
            (MappingKind.BRAND, "M1", "Armor & Fils", "Armor et fils"),
            (MappingKind.BRAND, "M2", "Villa Mirabelle", "make the manufacturer Villa Mirabelle"),
            (MappingKind.VAT, "20", "20.00 %", "FR Taux standard (20%)"),
            (MappingKind.VAT, "2.1", "2.10 %", "FR Taux super réduit (2.1%)"),
        ],
    )
    def test_sure(self, suggestions: Suggestions, kind: MappingKind, code: str, label: str, name: str) -> None:
        """Grids by sizes, an RFS by path, VAT by rate, the rest by name; `create` for a brand that is like none."""
        found = suggestions.sure(row(kind, code, label), 85)

        assert found is not None
        assert found.target.text == name

    def test_a_near_brand_is_not_doubled(self, suggestions: Suggestions) -> None:
        """Where a manufacturer could be meant, making another one is no sure thing, and two alike are for a person."""
        made = [
            choice for choice in suggestions.of(row(MappingKind.BRAND, "M3", "Sessun"), 0) if choice.target.id == CREATE
        ]

        assert [choice.score for choice in made] == [0]
        assert suggestions.sure(row(MappingKind.BRAND, "M3", "Sessun"), 85) is None

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            (MappingKind.COLOUR, "moutarde"),
            (MappingKind.PAYMENT, "CB"),
            (MappingKind.PRODUCT, "1"),
            (MappingKind.SIZE_GRID, "GONE"),
            (MappingKind.VAT, "abc"),
            (MappingKind.RFS, "X"),
        ],
    )
    def test_none(self, suggestions: Suggestions, kind: MappingKind, code: str) -> None:
        """Nothing is made up for kinds that have no likeness, and for codes that say nothing."""
        assert suggestions.of(row(kind, code)) == []
