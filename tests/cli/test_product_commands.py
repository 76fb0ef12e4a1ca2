"""`lcvsync product` as people type it: messages, `--json`, wrong references; and basic mode on what was linked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lcvsync import config
from lcvsync.bootstrap import run_session, store_of
from lcvsync.cli.main import run
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.emulators.http import Request
from lcvsync.emulators.server import EmulatorServer
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingTable
from tests.counter import counterparts, piece

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EANS = [f"37000000000{n:02}" for n in range(20)]


class StillClock:
    """Always the same moment."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.time

    def monotonic(self) -> float:
        """No time goes by."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Go on at once."""


class Quiet:
    """A reporter that nobody listens to."""

    def step(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


@dataclass
class Desk:
    """A configuration with both parties behind it."""

    lcv: EmulatorServer
    shop: EmulatorServer
    settings: config.Settings
    clock: StillClock
    capsys: pytest.CaptureFixture[str]

    def type(self, *words: str, code: int = 0) -> str:
        """A command line that ends with *code*; what it says, data and talk."""
        found = run(["-c", str(self.settings.file), "product", *words])
        told = self.capsys.readouterr()
        assert found == code, told.err
        assert "unexpected" not in told.err
        return told.out + told.err

    def data(self, *words: str) -> Any:
        """The JSON that a command prints, alone on stdout."""
        assert run(["-c", str(self.settings.file), "product", *words, "--json"]) == 0
        return json.loads(self.capsys.readouterr().out)

    def tell(self, action: str, body: object) -> None:
        """Change LCV."""
        control(self.lcv, "POST", f"lcv/{action}", body)

    def person(self, action: str, **order: Any) -> None:
        """What a person does in the back office of the shop."""
        control(self.shop, "POST", f"shop/{action}", order)

    def dump(self, *resources: str) -> list[list[dict[str, Any]]]:
        """What the shop holds."""
        found = control(self.shop, "GET", "shop/dump")
        return [found[name] for name in resources]

    def sync(self) -> Report:
        """A run of basic mode."""

        def work(run: Run) -> None:
            run.observe()
            run.sync()

        report = run_session(self.settings, "sync", Quiet(), work, clock=self.clock)
        assert report.error == ""
        return report


def control(server: EmulatorServer, method: str, action: str, body: object = None) -> Any:
    """A request to the control of an emulator, without the network."""
    path = f"/_emulator/{action}"
    content = b"" if body is None else json.dumps(body).encode()
    head, _, answer = server.exchange(Request(method, path, [], {}, content), path).data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return json.loads(answer)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """LCV has A in three sizes, B and C in one; the shop PrestaShop's demo products; nothing is linked."""
    clock = StillClock()
    with counterparts(tmp_path, monkeypatch, NOW, clock) as made:
        found = Desk(made.lcv, made.shop, made.settings, clock, capsys)
        found.tell(
            "articles",
            [
                piece("A", *((f"A-{n}", EANS[n]) for n in (1, 2, 3))),
                piece("B", ("B-1", EANS[4])),
                piece("C", ("C-1", None)),
            ],
        )
        skus = ["A-1", "A-2", "A-3", "B-1", "C-1"]
        found.tell("stock", [{"sku": sku, "store": "LYO", "quantity": 5 + n} for n, sku in enumerate(skus)])
        prices = ["49.00", "49.00", "59.90", "19.99", "12.00"]
        found.tell(
            "prices", [{"sku": s, "price_list": "WEB", "price_incl_tax": p} for s, p in zip(skus, prices, strict=True)]
        )
        found.sync()
        capsys.readouterr()
        yield found


class TestEmpty:
    """Before anything is linked."""

    def test_list(self, desk: Desk) -> None:
        """Where they come from, an empty array for machines; a reference of nobody is exit 2, with where to look."""
        assert (desk.type("list").split(":")[0], desk.data("list")) == ("no product is ours", [])
        for command in ("show", "unlink", "lock", "unlock"):
            told = desk.type(command, "REF-A", code=2)
            assert "no product of ours has the reference REF-A" in told
            assert "lcvsync product list" in told

    def test_usage(self, desk: Desk) -> None:
        """What can't be meant is exit 2 with the usage."""
        for words in ("", "REF-A", "REF-A 3 --by-ean", "REF-A three", "REF-A 3/x", "REF-A #3", "REF-A -3"):
            assert "Usage:" in desk.type("link", *words.split(), code=2), words

    def test_refused(self, desk: Desk) -> None:
        """What can't be linked says why, and nothing is linked."""
        for words, why in (
            ("REF-X 3", "LCV has no article or variant REF-X"),
            ("REF-B 15", "a pack"),
            ("REF-B 12", "virtual"),
            ("REF-B 19", "customisable"),
            ("REF-B 999", "the shop has no product 999"),
            ("REF-A 999", "the shop has no product 999"),
            ("REF-A 6", "has no combinations, REF-A has 3 variants"),
            ("REF-A 3", "13 (demo_6)"),
            ("B-1 3", "has combinations: name one"),
            ("B-1 3/9", "no combination 9"),
        ):
            assert why in desk.type("link", *words.split(), code=2), words
        assert desk.data("list") == []


class TestLinked:
    """A's three sizes in product 3, B in product 6."""

    @pytest.fixture(autouse=True)
    def _linked(self, desk: Desk) -> None:
        for n, combination in ((1, 13), (2, 14), (3, 15)):
            desk.person("edit", resource="combinations", id=combination, fields={"ean13": EANS[n]})
        desk.person("edit", resource="products", id=6, fields={"ean13": EANS[4]})
        assert "4 variants linked; their cards are locked" in desk.type("link", "--by-ean")

    def test_by_ean(self, desk: Desk) -> None:
        """What is linked already isn't linked again; an EAN on two records, or on a pack, is told."""
        desk.tell("articles", [piece("D", ("D-1", EANS[6])), piece("E", ("E-1", EANS[7]))])
        desk.sync()
        for resource, identifier, number in (("products", 7, 6), ("combinations", 16, 6), ("products", 15, 7)):
            desk.person("edit", resource=resource, id=identifier, fields={"ean13": EANS[number]})

        told = desk.type("link", "--by-ean")

        assert "0 variants linked" in told
        assert f"1 EANs are on several records and were left: {EANS[6]}" in told
        assert f"1 EANs are on packs, virtual or customisable products and were left: {EANS[7]}" in told
        assert desk.data("link", "--by-ean") == {"linked": [], "ambiguous": [EANS[6]], "special": [EANS[7]]}
        assert desk.data("link", "C-1", "8")["linked"] == [{"sku": "C-1", "product": 8, "combination": 0}]

    def test_list(self, desk: Desk) -> None:
        """A row a product; whole for machines."""
        told = desk.type("list")
        assert [line.split() for line in told.splitlines()][1:] == [
            ["demo_6", "3", "linked", "on", "yes", "3", "0"],
            ["demo_11", "6", "linked", "on", "yes", "1", "0"],
        ]
        assert [row["article"] for row in desk.data("list")] == ["A", "B"]

    def test_show(self, desk: Desk) -> None:
        """By article, product, sku or id: every field with policy, what was written and what the shop has."""
        found = desk.data("show", "REF-A")

        assert all(desk.data("show", name) == found for name in ("demo_6", "A-2", "#3"))
        assert (found["product"], found["active"], found["locked"]) == (3, True, True)
        fields = {field["field"]: field for field in found["fields"]}
        assert fields["price"]["written"] == fields["price"]["shop"] == "29.000000"
        assert (fields["name"]["policy"], fields["name"]["written"]) == ("sync", None)
        assert fields["name"]["shop"]
        assert [(v["sku"], v["combination"], v["shop_quantity"]) for v in found["variants"]] == [
            ("A-1", 13, 900), ("A-2", 14, 300), ("A-3", 15, 300)
        ]  # fmt: skip
        assert "A-3" in desk.type("show", "REF-A")

    def test_near(self, desk: Desk) -> None:
        """A slip is answered with what it may have been."""
        assert "did you mean demo_6" in desk.type("show", "demo_66", code=2)
        assert "no product of ours" in desk.type("show", "#99", code=2)

    def test_show_what_was_deleted(self, desk: Desk) -> None:
        """A product that the shop no longer has is shown without its values."""
        desk.person("delete", resource="products", id=3)

        assert desk.data("show", "#3")["active"] is None
        assert "demo_6" in desk.type("show", "#3")

    def test_locks(self, desk: Desk) -> None:
        """Unlock says what comes of it and of the photos; lock; unlink forgets."""
        told = desk.type("unlock", "REF-A")
        assert "product 3 follows LCV from the next run on" in told
        assert "it has photos: LCV has none: they stay" in told
        assert [row["locked"] for row in desk.data("list")] == [False, True]
        assert "product 3 is locked" in desk.type("lock", "A-1")
        assert "product 3 is no longer ours" in desk.type("unlink", "#3")
        assert [row["product"] for row in desk.data("list")] == [6]
        [products] = desk.dump("products")
        assert products[2]["reference"] == "demo_6"

    def test_twice(self, desk: Desk) -> None:
        """A combination that is taken, a variant that is elsewhere: refused, with the way out."""
        assert "stands for A-1" in desk.type("link", "C-1", "3/13", code=2)
        told = desk.type("link", "A-1", "4/16", code=2)
        assert "A-1 is in product 3 already" in told
        assert "lcvsync product unlink '#3'" in told

    def test_several_products_of_one_reference(self, desk: Desk) -> None:
        """A reference on two products is never guessed: each can be named by its id."""
        desk.person("edit", resource="products", id=7, fields={"reference": "demo_11"})
        desk.type("link", "C-1", "7")

        told = desk.type("show", "demo_11", code=2)

        assert "demo_11 (#6), demo_11 (#7)" in told
        assert desk.data("show", "#7")["product"] == 7

    def test_an_article_that_lcv_lost(self, desk: Desk) -> None:
        """A product whose article LCV never gave can't be unlocked."""
        with store_of(desk.settings) as store, store.transaction():
            Bindings(store).set_product("link:6", article="LOST")

        assert "LCV has no article LOST any more" in desk.type("unlock", "#6", code=2)


class TestBasicMode:
    """Stock, prices and promotions of linked products; nothing else of the shop is touched."""

    def test_run(self, desk: Desk) -> None:
        """Prices with tax to the cent, quantities, promotions and their category; cards as they were."""
        desk.tell(
            "promotions",
            {
                "id": "P-1",
                "name": "Soldes",
                "kind": "percentage",
                "value": "30.00",
                "articles": ["A"],
                "skus": [],
                "starts_at": (NOW - timedelta(days=1)).isoformat(),
                "ends_at": (NOW + timedelta(days=9)).isoformat(),
                "price_list": None,
            },
        )
        with store_of(desk.settings) as store, store.transaction():
            MappingTable(store).set(MappingKind.PROMOTION, "Soldes", Rule(("9",)))
        desk.type("link", "A-1", "3/13")
        desk.type("link", "A-2", "3/14")
        desk.type("link", "A-3", "3/15")
        desk.type("link", "B-1", "6")
        names = ("products", "combinations", "specific_prices", "stock_availables", "images")
        before = dict(zip(names, desk.dump(*names), strict=True))

        report = desk.sync()

        assert report.failed == []
        after = dict(zip(before, desk.dump(*before), strict=True))
        base = Decimal(after["products"][2]["price"])
        shown = [
            ((base + Decimal(c["price"])) * Decimal("1.2")).quantize(Decimal("0.01"))
            for c in after["combinations"][12:15]
        ]
        assert shown == [Decimal("49.00"), Decimal("49.00"), Decimal("59.90")]
        assert (Decimal(after["products"][5]["price"]) * Decimal("1.2")).quantize(Decimal("0.01")) == Decimal("19.99")
        rows = {int(row["id"]): int(row["quantity"]) for row in after["stock_availables"]}
        assert [rows[n] for n in (32, 33, 34, 6)] == [5, 6, 7, 8]
        [promotion] = [row for row in after["specific_prices"] if row not in before["specific_prices"]]
        assert (promotion["id_product"], promotion["id_product_attribute"], promotion["reduction"]) == (
            "3",
            "0",
            "0.300000",
        )
        assert (promotion["from"], promotion["to"]) == ("2026-11-22 10:00:00", "2026-12-02 09:59:59")
        assert "9" in [item["id"] for item in after["products"][2]["associations"]["categories"]]
        self.same_cards(before, after)
        assert desk.sync().changes == {}

    def same_cards(self, before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
        """Nothing but price, date and the promotion's category differs, and only on what was linked."""
        for old, new in zip(before["products"], after["products"], strict=True):
            different = {name for name in old if old[name] != new[name]}
            ours = {"price", "date_upd", "associations"} if old["id"] in {"3", "6"} else set()
            assert different <= ours, (old["id"], different)
            for name in old["associations"]:
                if name not in ("categories", "stock_availables"):
                    assert old["associations"][name] == new["associations"][name]
        for old, new in zip(before["combinations"], after["combinations"], strict=True):
            assert {name for name in old if old[name] != new[name]} <= (
                {"price"} if old["id_product"] == "3" else set()
            )
        assert before["images"] == after["images"]
        untouched = [row for row in after["stock_availables"] if row["id_product"] not in {"3", "6"}]
        assert untouched == [row for row in before["stock_availables"] if row["id_product"] not in {"3", "6"}]

    def test_linked_in_part(self, desk: Desk) -> None:
        """Unlinked combinations keep price and stock: the base price stays, the impacts follow it."""
        desk.type("link", "A-3", "3/14")

        desk.sync()

        products, found, stock = desk.dump("products", "combinations", "stock_availables")
        product, combinations = products[2], found[12:15]
        assert product["price"] == "29.000000"
        assert [combinations[0]["price"], combinations[2]["price"]] == ["0.000000", "50.000000"]
        shown = (Decimal(29) + Decimal(combinations[1]["price"])) * Decimal("1.2")
        assert shown.quantize(Decimal("0.01")) == Decimal("59.90")
        rows = {int(row["id"]): int(row["quantity"]) for row in stock}
        assert [rows[n] for n in (32, 33, 34)] == [900, 7, 300]

    def test_no_longer_for_sale(self, desk: Desk) -> None:
        """Basic mode never switches a product off: an article that is no longer for sale has nothing to sell."""
        desk.type("link", "B-1", "6")
        desk.sync()
        desk.tell("articles", {**piece("B", ("B-1", EANS[4])), "active": False})

        desk.sync()

        products, stock = desk.dump("products", "stock_availables")
        assert (products[5]["active"], stock[5]["quantity"]) == ("1", "0")
