"""`lcvsync why` and `product show` on a real pair: each kind of record, and what keeps it from being in step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lcvsync.bootstrap import store_of
from lcvsync.cli.main import run
from lcvsync.emulators.faults import FOR_EVER, FaultKind
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import Store

from .harness import KEY, World
from .oracle import Json

Captured = pytest.CaptureFixture[str]


@dataclass
class Person:
    """Somebody at a terminal."""

    world: World
    file: Path
    capsys: Captured

    def type(self, *words: str, code: int = 0) -> str:
        """What a command says, data and talk."""
        found = run(["-c", str(self.file), *words])
        told = self.capsys.readouterr()
        assert found == code, told.err
        return told.out + told.err

    def asks(self, *words: str) -> Json:
        """What `lcvsync why` says of a record, as JSON."""
        assert run(["-c", str(self.file), "why", *words, "--json"]) == 0
        told: Json = json.loads(self.capsys.readouterr().out)
        return told

    def verdict(self, *words: str) -> str:
        """The sentence that comes first; people read the same."""
        said = str(self.asks(*words)["verdict"])
        assert self.type("why", *words).startswith(f"{said}.\n")
        return said


@pytest.fixture
def person(synced: World, tmp_path: Path, capsys: Captured) -> Person:
    """At the pair of the whole tests."""
    file = tmp_path / "lcvsync.toml"
    file.write_text(
        f'[lcv]\nurl = "{synced.lcv.url}"\nweb_store = "WEB"\n[sync]\nmode = "complete"\n'
        f'[prestashop]\nurl = "{synced.shop.url}"\nkey = "{KEY}"\n[state]\ndirectory = "{synced.directory}"\n'
    )
    return Person(synced, file, capsys)


def state_of(world: World, article: Json) -> tuple[int, list[str]]:
    """(shop's id, skus) of an article's product."""
    with store_of(world.configuration()) as store:
        [bound] = Bindings(store).products_of(article["id"])
        return bound.id, sorted(bound.variants)


def test_in_step(person: Person, synced: World) -> None:
    """An article, by each of its names, from LCV's stores to what the shop has; one request a resource."""
    [article] = synced.quiet()
    variant = article["variants"][0]
    product, skus = state_of(synced, article)
    synced.shop.requests.clear()

    told = person.asks(article["reference"])

    resources = [request.path.split("/")[2] for request in synced.shop.requests]
    assert [resources.count(name) for name in ("combinations", "stock_availables", "specific_prices")] == [1, 1, 1]
    assert synced.writes() == []
    assert told["record"] == {"kind": "article", "key": article["id"]}
    assert "in step since run 2" in told["verdict"]
    assert all(field["next"] in {"in step", "kept: LCV has none"} for field in told["products"][0]["fields"])
    assert sorted(each["sku"] for each in told["variants"]) == skus
    for each in told["variants"]:
        assert each["quantity"] == sum(store["quantity"] for store in each["stock"] if store["counts"])
        assert each["quantity"] == each["written"]["quantity"] == each["shop"]["quantity"]
    assert {code["kind"]: code["answered_by"] for code in told["codes"] if code["answer"] == "mapped"}["brand"] == "*"
    assert any(entry["kind"] == "product" and entry["action"] == "activate" for entry in told["attempts"])
    assert person.asks(f"#{product}")["record"] == {"kind": "product", "key": article["id"]}
    for name in (variant["sku"], variant["ean"], variant["sku"].lower()):
        assert person.asks(name)["record"] == {"kind": "variant", "key": variant["sku"]}
    assert "on sale" in person.verdict(variant["sku"]) or "sold out" in person.verdict(variant["sku"])


def test_left_out(person: Person, synced: World) -> None:
    """A brand that is unmapped, a price that is missing, an article that is off: the reason, since when, the cure."""
    first, second, third = synced.ordinary(3)
    synced.map("brand", "*", None)
    synced.change_article(first["id"], brand="SESSUN")
    sku = second["variants"][0]["sku"]
    synced.price_in(sku, None)
    synced.change_article(third["id"], active=False, name="Robe \x1b[31mEVIL\x07")
    synced.sync()

    told = person.asks(first["reference"])
    assert "keeps its card as it is: brand SESSUN has no mapping" in told["verdict"]
    assert told["cures"][0] == "lcvsync map set brand SESSUN TARGET"
    [reason] = [each for each in told["skipped"] if each["reason"] == "brand_unmapped"]
    assert (reason["now"], bool(reason["since"])) == (True, True)
    assert "→ lcvsync map set brand SESSUN TARGET" in person.type("why", first["reference"])
    assert (
        person.verdict(sku) == f"{sku} isn't for sale: it has no price in price list WEB; its quantity in the shop is 0"
    )
    assert "isn't for sale: it is inactive in LCV; product" in person.verdict(third["reference"])
    assert "\x1b" not in person.type("why", third["reference"])


def test_product_show(person: Person, synced: World) -> None:
    """Every field with LCV's value, the written one and the shop's, and what becomes of it: edited, changed, locked."""
    [article] = synced.quiet()
    product, _ = state_of(synced, article)
    texts = {"name": "Tapé à la main", "supplier_reference": "TAPE"}
    synced.tell_shop("edit", resource="products", id=product, fields=texts)
    synced.change_article(article["id"], name="Nom de LCV")
    synced.session(lambda session: session.observe())

    def field(name: str) -> Json:
        told = json.loads(person.type("product", "show", f"#{product}", "--json"))
        return next(each for each in told["fields"] if each["field"] == name)

    name = field("name")
    assert (name["lcv"], name["shop"], name["next"]) == ("Nom de LCV", "Tapé à la main", "will be overwritten")
    assert (
        field("supplier_reference")["next"]
        == "kept: edited in the shop, until anything of the card is written, or a resync"
    )
    assert "for the next run" in person.verdict(article["reference"])
    person.type("product", "lock", f"#{product}")
    assert field("name")["next"] == "kept: locked"
    shown = person.type("product", "show", f"#{product}")
    assert "kept: locked" in shown
    assert "Tapé à la main" in shown
    assert "its card is locked, stock and prices are kept" in person.verdict(article["reference"])
    synced.tell_shop("delete", resource="products", id=product)
    assert "deleted in the shop" in person.type("product", "show", f"#{product}")


def test_promotion(person: Person, synced: World) -> None:
    """Its window by the shop's clock, its rows in the shop, its category; why not for an article that is left out."""
    inside, outside = synced.quiet(2)
    synced.tell_lcv(
        "promotions",
        {
            "id": "P-WHY", "name": "Black Friday", "kind": "percentage", "value": "20.00", "skus": [],
            "articles": [inside["id"], outside["id"], "NOBODY"], "price_list": None,
            "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z",
        },
    )  # fmt: skip
    synced.change_article(outside["id"], web_stores=[])
    synced.sync()

    told = person.asks("P-WHY")

    assert told["record"] == {"kind": "promotion", "key": "P-WHY"}
    assert (told["starts"], told["ends"]) == ("2020-01-01 01:00:00", "2090-01-01 00:59:59")
    assert (told["category"]["targets"], told["unknown"]) == (["8"], ["NOBODY"])
    effects = {effect["article"]: effect for effect in told["effects"]}
    assert (effects[inside["id"]]["outcome"], effects[outside["id"]]["outcome"]) == ("reduced", "left out")
    assert "isn't published" in effects[outside["id"]]["why_not"]
    assert all(row["id"] for row in effects[inside["id"]]["rows"])
    assert "of 2 articles: 1 reduced, 1 left out" in person.verdict("P-WHY", "--promotion")
    [row] = {row["id"] for row in effects[inside["id"]]["rows"]}
    synced.tell_shop("delete", resource="specific_prices", id=row)
    assert "1 missing" in person.verdict("P-WHY")


def test_shop_down(person: Person, synced: World) -> None:
    """A shop that can't be asked is said once, and everything else is told; unless its settings were never read."""
    [article] = synced.quiet()
    synced.fault(FaultKind.STATUS, status=503, times=FOR_EVER)

    text = person.type("why", article["reference"])

    assert "in step since run 2" in text
    assert text.count("the shop can't be asked") == 1
    assert "/?" in text
    in_state(synced, lambda store: store.put("shop.settings", None))
    assert "503" in person.type("why", article["reference"], code=5)
    assert "the shop can't be asked" not in person.type("why", "P-NO-SUCH", code=2)


def in_state(world: World, what: Callable[[Store], object]) -> None:
    """Change the state."""
    with store_of(world.configuration()) as store:
        what(store)


def test_names(person: Person, synced: World) -> None:
    """What could be several records is never guessed, what is none comes with what is near; exit 2."""
    first, second = synced.quiet(2)
    synced.change_article(second["id"], reference=first["reference"])
    synced.session(lambda session: session.observe())

    told = person.type("why", first["reference"], code=2)
    assert f"article {first['id']} (lcvsync why {first['id']})" in told
    assert f"article {second['id']}" in told
    assert person.asks(second["id"])["record"]["key"] == second["id"]
    sku = first["variants"][0]["sku"]
    assert f"did you mean {sku}" in person.type("why", f"{sku}X", code=2)
    assert "product #99999 of the shop isn't ours" in person.type("why", "#99999", code=2)
    assert "no order 1 is known" in person.type("why", "1", "--order", code=2)
    assert "no promotion" in person.type("why", sku, "--promotion", code=2)
    in_state(synced, lambda store: know_order(store, first["id"]))
    assert f"article {first['id']} as well: lcvsync why {first['id']}" in person.type("why", first["id"])


def know_order(store: Store, identifier: str) -> None:
    """An order whose id is also that of an article."""
    with store.transaction():
        store.rows("INSERT INTO shop_order (id, reference, stamp) VALUES (?, 'XKBKNABJK', '')", int(identifier))
