"""`lcvsync takeover` as people type it, the walk answer by answer, and `map` on what is never linked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lcvsync import config
from lcvsync.bootstrap import SystemClock, shop_of, store_of
from lcvsync.cli.main import run
from lcvsync.cli.takeover_walk import TakeoverWalk
from lcvsync.emulators.http import Request
from lcvsync.emulators.server import EmulatorServer
from lcvsync.runner.linking import Link
from lcvsync.runner.takeover import Takeover
from lcvsync.state.store import run_lock
from tests.counter import counterparts, piece

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EANS = [f"37000000000{n:02}" for n in range(9)]


@dataclass
class Counter:
    """A configuration with both parties behind it."""

    shop: EmulatorServer
    settings: config.Settings
    capsys: pytest.CaptureFixture[str]

    def type(self, *words: str, code: int = 0) -> str:
        """A command line that ends with *code*; what it says, data and talk."""
        found = run(["-c", str(self.settings.file), *words])
        told = self.capsys.readouterr()
        assert found == code, told.err
        return told.out + told.err

    def data(self, *words: str) -> Any:
        """The JSON that a command prints, alone on stdout."""
        assert run(["-c", str(self.settings.file), *words, "--json"]) == 0
        return json.loads(self.capsys.readouterr().out)

    def person(self, action: str, **order: Any) -> Any:
        """What a person does in the back office of the shop."""
        return control(self.shop, f"shop/{action}", order)

    def walk(self, *answers: str) -> str:
        """A walk with these answers; what was said."""
        left = list(answers)
        said: list[str] = []
        with store_of(self.settings) as store, shop_of(self.settings, SystemClock()) as shop:
            takeover = Takeover(shop, store, "WEB")

            def link(links: Sequence[Link]) -> None:
                takeover.linker.link(links)

            TakeoverWalk(takeover, lambda _question: left.pop(0), said.append, link).run()
        assert left == []
        return "\n".join(said)


def control(server: EmulatorServer, action: str, body: object) -> Any:
    """A request to the control of an emulator, without the network."""
    path = f"/_emulator/{action}"
    content = json.dumps(body).encode()
    head, _, answer = server.exchange(Request("POST", path, [], {}, content), path).data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return json.loads(answer)


@pytest.fixture
def counter(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """A stands in product 3 by EAN, but for one size; B in 6 by reference; the EAN of C is on 7 and 8."""
    with counterparts(tmp_path, monkeypatch, NOW, SystemClock()) as made:
        found = Counter(made.shop, made.settings, capsys)
        sizes = [("A-1", EANS[1]), ("A-2", EANS[2]), ("A-3", EANS[3])]
        articles = [
            piece("A", *sizes, reference="demo_6"),
            piece("B", ("B-1", None), reference="demo_11"),
            piece("C", ("C-1", EANS[4]), reference="C"),
        ]
        control(made.lcv, "lcv/articles", articles)
        for resource, identifier, number in (("combinations", 13, 1), ("combinations", 14, 2), ("products", 7, 4),
                                             ("products", 8, 4)):  # fmt: skip
            found.person("edit", resource=resource, id=identifier, fields={"ean13": EANS[number]})
        found.type("pull-config")
        yield found


def test_scan_and_accept(counter: Counter, tmp_path: Path) -> None:
    """Counts, what isn't sure and why, the next commands; what is sure is linked, locked, and shown by `map list`."""
    assert "lcvsync takeover scan" in counter.type("takeover", "accept", code=2)
    told = counter.type("takeover", "scan")
    for line in ("proposed   3", "ambiguous  3", "special    5", "C-1 may be any of 7, 8", "orders.min_id = 16",
                 "linked in part, so that the base price stays: products 3", "3 are sure: lcvsync takeover accept",
                 "3 are not: lcvsync takeover review"):  # fmt: skip
        assert line in told
    seen = counter.data("takeover", "scan")
    assert (seen["places"], seen["counts"]["proposed"], seen["min_id"]) == (47, 3, 16)
    [size] = [row for row in seen["rows"] if (row["product"], row["combination"]) == (3, 15)]
    assert (size["state"], size["candidates"]) == ("ambiguous", ["A-3"])

    with run_lock(counter.settings.state.directory):
        assert "another run is under way" in counter.type("takeover", "accept", code=5)
    told = counter.type("takeover", "accept")

    assert "3 variants linked, in 2 products; their cards are locked" in told
    assert [line.split()[:2] for line in counter.type("map", "list", "product").splitlines()[1:]] == [
        ["product", "3/13"], ["product", "3/14"], ["product", "6"]
    ]  # fmt: skip
    assert {row["targets"][0]["id"] for row in counter.data("map", "list", "product")} == {"A-1", "A-2", "B-1"}
    sheet = tmp_path / "t.csv"
    assert "47 rows" in counter.type("takeover", "export", str(sheet), "--excel")
    sheet.write_text(sheet.read_text("utf-8-sig").replace(f"7;;Mug The adventure begins;demo_12;{EANS[4]};;",
                                                          f"7;;Mug;demo_12;{EANS[4]};C-1;"))  # fmt: skip
    assert "1 variants linked, 0 ignored, 0 locks changed" in counter.type("takeover", "import", str(sheet))
    sheet.write_text("product,combination,sku\n8,,C-1\n9,,A-3\n")
    told = counter.type("takeover", "import", str(sheet), code=2)
    assert "line 2: C-1 is in product 7 already" in told
    assert "line 3: product 9 has combinations: name one" in told


def test_what_is_never_linked(counter: Counter) -> None:
    """`map ignore product` takes a product or combination that isn't linked; it is not proposed, and not linked."""
    told = counter.type("map", "ignore", "product", "6")
    assert "product 6 → ignore" in told
    assert counter.data("takeover", "scan")["counts"]["ignored"] == 1
    assert "marked `ignore`" in counter.type("product", "link", "B-1", "6", code=2)
    assert "6,,Mug The best is yet to come,demo_11,,,,ignored,yes," in counter.type("takeover", "export", "-")
    assert "no PRODUCT or PRODUCT/COMBINATION" in counter.type("map", "ignore", "product", "*", code=2)

    counter.type("map", "clear", "product", "6")

    assert counter.data("map", "list", "product") == []
    counter.type("product", "link", "B-1", "6")
    assert "lcvsync product unlink '#6'" in counter.type("map", "ignore", "product", "6", code=2)


def test_review(counter: Counter) -> None:
    """Sure ones by product, candidates by number or sku, wrong answers asked again; what was answered is done."""
    assert "needs a terminal" in counter.type("takeover", "review", code=2)
    counter.type("takeover", "scan")

    said = counter.walk("?", "y", "1", "x", "s", "A-1", "NONE", "C-1")

    assert "  3/13 Affiche encadrée The best is yet to come (40x60cm) demo_6 3700000000001 → A-1 demo_6" in said
    assert "    1  A-3 demo_6 Robe A 40 3700000000003" in said
    assert "answer with y, a number" in said
    assert "A-1 is in product 3 already" in said
    assert "LCV has no variant NONE" in said
    assert "4 linked, 0 ignored, 1 left" in said, "8 could only be what 7 is: nobody is asked"
    places = {row["code"]: row["targets"][0]["id"] for row in counter.data("map", "list", "product")}
    assert places == {"3/13": "A-1", "3/14": "A-2", "3/15": "A-3", "7": "C-1"}

    assert "0 linked, 0 ignored, 1 left" in counter.walk("q")
    assert "0 linked, 1 ignored, 0 left" in counter.walk("i")
    assert counter.walk() == "nothing is left to decide: lcvsync takeover scan looks again"


def test_prices_of_before(counter: Counter) -> None:
    """A product's own specific price is shown when it is linked; adopted it is ours, deleted it is gone."""
    row: dict[str, Any] = dict.fromkeys(
        ("id_shop", "id_cart", "id_currency", "id_country", "id_group", "id_customer"), 0
    )
    row |= {"price": "-1", "from_quantity": 1, "reduction_tax": 1, "reduction_type": "amount", "reduction": "2"}
    times = {"from": "0000-00-00 00:00:00", "to": "0000-00-00 00:00:00"}
    counter.person("create", resource="specific_prices", fields={**row, **times, "id_product": 6, "id_group": 3})
    counter.person("create", resource="specific_prices", fields={**row, **times, "id_product": 6})

    told = counter.type("product", "link", "B-1", "6")
    assert "2 specific prices of the shop's own: they stay" in told
    assert "the whole product, -2.00, for one group" in told
    told = counter.type("product", "unlock", "#6", "--prices", "adopt")
    assert "1 specific price of the shop's own: they are lcvsync's now" in told
    assert "1 specific price of the shop's own: they stay" in told
    assert "1 specific price of the shop's own: they are deleted" in counter.type("product", "lock", "#6", "--prices",
                                                                                  "delete")  # fmt: skip
    assert "specific price" not in counter.type("product", "lock", "#6")
