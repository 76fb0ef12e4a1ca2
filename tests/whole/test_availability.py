"""What runs leave for product pages: files that say of every variant in which stores it is, and nothing to do twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcvsync.bootstrap import shop_of, store_of
from lcvsync.runner.linking import Linker
from lcvsync.runner.report import Report
from lcvsync.runner.rights import COMPLETE
from lcvsync.state.bindings import Bindings

from .harness import KEY, World
from .oracle import IGNORE, Json


@pytest.fixture
def shop(synced: World, tmp_path: Path) -> World:
    """A synchronised pair that shows the availability of two stores; the others are ignored."""
    synced.settings = {"availability": {"directory": tmp_path / "www"}}
    made = {}
    for name in ("Boutique de Paris", "Boutique de Lyon"):
        fields = {"name": {"1": name, "2": name}, "city": "x", "active": 1, "id_country": 8}
        fields |= {"address1": {"1": "1 rue", "2": "1 rue"}}
        made[name] = str(synced.tell_shop("create", resource="stores", fields=fields)["id"])
    synced.map("store", "PAR", [made["Boutique de Paris"]])
    synced.map("store", "LIL", [made["Boutique de Lyon"]])
    for code in ("LYO", "BDX", "DEP"):
        synced.map("store", code, [IGNORE])
    return synced


def read(shop: World, product: int) -> Json:
    """A product's file."""
    told: Json = json.loads((files(shop) / f"{product}.json").read_text())
    return told


def files(shop: World) -> Path:
    """Where they are."""
    directory: Path = shop.settings["availability"]["directory"]
    return directory / "products"


def stamps(shop: World) -> dict[str, int]:
    """What tells whether a file was written anew."""
    return {path.name: path.stat().st_ino for path in files(shop).iterdir()}


def put(shop: World, sku: str, store: str, quantity: int) -> None:
    """Set a quantity of one store."""
    shop.tell_lcv("stock", [{"sku": sku, "store": store, "quantity": quantity}])


def state(shop: World, product: int, combination: int, store: str) -> str:
    """What is shown of one combination in a store."""
    told = read(shop, product)
    identifier = next(str(each["id"]) for each in told["stores"] if each["name"] == store)
    variant = next(each for each in told["variants"] if each["combination"] == combination)
    return str(variant["states"][identifier])


def stores_asked(shop: World) -> int:
    """How often the shop was asked for its stores."""
    return sum(request.path == "/api/stores" for request in shop.shop.requests)


def reasons(report: Report) -> set[tuple[str, str]]:
    """Which stores a run left out, and why."""
    return {(item.key, item.reason) for item in report.skipped if item.kind == "store"}


def test_every_product(shop: World) -> None:
    """Each product of ours gets its files; every quantity is LCV's; a second run has nothing to do and asks nothing."""
    report = shop.sync()
    products = shop.look().products
    stock = {(row["sku"], row["store"]): row["quantity"] for row in shop.in_lcv("stock")}

    assert report.exit_code == 0
    assert report.changes == {"availability": {"create": len(products)}}
    assert set(stamps(shop)) == {f"{product}.{ending}" for product in products for ending in ("json", "html")}
    for number, product in products.items():
        told = read(shop, number)
        assert [store["name"] for store in told["stores"]] == ["Boutique de Paris", "Boutique de Lyon"]
        assert {each["combination"] for each in told["variants"]} == {variant.id for variant in product.variants}
        for variant in product.variants:
            for store, code in (("Boutique de Paris", "PAR"), ("Boutique de Lyon", "LIL")):
                quantity = stock.get((variant.reference, code), 0)
                expected = "available" if quantity > 3 else "last_pieces" if quantity > 0 else "unavailable"
                assert state(shop, number, variant.id, store) == expected, variant.reference
    shop.assert_idle()


def test_a_store_that_does_not_count_for_the_shop(shop: World) -> None:
    """Stock in a store from which the web store doesn't sell: one product's files are written, the shop isn't."""
    article = shop.ordinary(sizes=2)[0]
    product = shop.product(article)
    sku = article["variants"][0]["sku"]
    put(shop, sku, "LIL", 4)
    shop.sync()
    before = stamps(shop)

    put(shop, sku, "LIL", 2)
    report = shop.sync()

    assert (report.changes, shop.writes()) == ({"availability": {"update": 1}}, [])
    changed = {name for name, stamp in stamps(shop).items() if before[name] != stamp}
    assert changed == {f"{product.card.id}.json", f"{product.card.id}.html"}
    assert "Dernières pièces" in (files(shop) / f"{product.card.id}.html").read_text()
    put(shop, sku, "LIL", 3)
    assert shop.sync().changes == {}, "still the last pieces: nothing to write"
    shop.assert_idle()


def test_a_store_that_counts(shop: World) -> None:
    """A sale at a till of a stock store changes the shop's quantity and the page in one run."""
    shop.sync()
    article = shop.ordinary(sizes=2)[0]
    sku = article["variants"][0]["sku"]
    put(shop, sku, "PAR", 50)

    report = shop.sync()

    assert report.changes == {"stock": {"update": 1}, "availability": {"update": 1}}
    product = shop.product(article)
    combination = next(variant.id for variant in product.variants if variant.reference == sku)
    assert state(shop, product.card.id, combination, "Boutique de Paris") == "available"
    shop.assert_idle()


def test_unset_stores_are_reported(shop: World) -> None:
    """An unset store isn't shown and is reported once; mapping it shows it, ignoring all removes the files."""
    shop.map("store", "BDX", None)
    report = shop.sync()
    assert reasons(report) == {("BDX", "store_unmapped")}
    assert reasons(shop.sync()) == set()

    target = shop.rules.mappings["store"]["PAR"]
    shop.map("store", "BDX", target)
    assert reasons(shop.sync()) == set()
    for code in ("PAR", "LIL", "BDX"):
        shop.map("store", code, [IGNORE])
    report = shop.sync()

    assert set(report.changes["availability"]) == {"delete"}
    assert stamps(shop) == {}
    shop.assert_idle()


def test_names_are_the_shops(shop: World) -> None:
    """A store renamed in the shop is shown so an hour later, with the next thing to write; a store that goes, too."""
    shop.sync()
    article = shop.ordinary(sizes=2)[0]
    number = shop.product(article).card.id
    lyon, paris = (int(shop.rules.mappings["store"][code][0]) for code in ("LIL", "PAR"))
    shop.tell_shop(
        "edit", resource="stores", id=lyon, fields={"name": {"1": "L'Atelier & Cie", "2": "L'Atelier & Cie"}}
    )
    put(shop, article["variants"][0]["sku"], "LIL", 60)
    shop.sync()
    assert stores_asked(shop) == 0
    shop.advance(minutes=61)
    put(shop, article["variants"][0]["sku"], "LIL", 0)
    shop.sync()

    assert stores_asked(shop) == 1
    assert [store["name"] for store in read(shop, number)["stores"]] == ["Boutique de Paris", "L'Atelier & Cie"]
    assert "L&#x27;Atelier &amp; Cie" in (files(shop) / f"{number}.html").read_text()
    shop.tell_shop("edit", resource="stores", id=paris, fields={"active": 0})
    shop.advance(minutes=61)
    put(shop, article["variants"][0]["sku"], "LIL", 60)
    assert reasons(shop.sync()) == {("PAR", "store_inactive")}
    assert [store["name"] for store in read(shop, number)["stores"]] == ["L'Atelier & Cie"]


def test_options(shop: World, tmp_path: Path) -> None:
    """A changed option writes everything anew; another directory gets everything; without one nothing is written."""
    shop.sync()
    count = len(shop.look().products)
    shop.settings["availability"] |= {"show_quantities": True, "label_available": "En rayon"}
    assert shop.sync().changes == {"availability": {"update": count}}
    assert all("quantities" in variant for path in files(shop).glob("*.json") for variant in _variants(path))
    shop.settings["availability"]["directory"] = tmp_path / "other"
    assert shop.sync().changes == {"availability": {"update": count}}
    assert len(stamps(shop)) == 2 * count
    shop.settings = {}
    shop.assert_idle()


def _variants(path: Path) -> list[Json]:
    told: Json = json.loads(path.read_text())
    return list(told["variants"])


def test_a_product_that_goes(shop: World) -> None:
    """A product that somebody deleted in the shop loses its files as soon as the run knows; the others keep theirs."""
    shop.sync()
    article = shop.ordinary(sizes=2)[0]
    number = shop.product(article).card.id
    before = set(stamps(shop))
    shop.tell_shop("delete", resource="products", id=number)
    shop.change_article(article["id"], name="Encore une robe")
    shop.sync()

    assert before - set(stamps(shop)) == {f"{number}.json", f"{number}.html"}


def test_an_emptied_directory(shop: World) -> None:
    """Somebody cleared the directory: everything is there again after the next run."""
    shop.sync()
    before = set(stamps(shop))
    for path in [*files(shop).iterdir(), *files(shop).parent.glob("*.*")]:
        path.unlink()

    shop.sync()

    assert set(stamps(shop)) == before
    shop.assert_idle()


def test_a_directory_that_cannot_be_written(shop: World, tmp_path: Path) -> None:
    """It is a failure of its own, named by `status`; the shop is brought up to date all the same, and it is cured."""
    obstacle = tmp_path / "www"
    obstacle.write_text("a file")
    article = shop.ordinary(sizes=2)[0]
    put(shop, article["variants"][0]["sku"], "PAR", 70)

    report = shop.sync()

    assert report.exit_code == 3
    assert [(item.kind, item.key) for item in report.failed] == [("availability", "directory")]
    assert str(obstacle) in report.failed[0].error
    assert shop.written() == {"PATCH stock_availables"}
    obstacle.unlink()
    assert shop.sync().exit_code == 0
    assert stamps(shop)
    shop.assert_idle()


def test_a_rehearsal_writes_nothing(shop: World) -> None:
    """`sync --dry-run` leaves no file."""
    shop.sync(dry_run=True)
    assert not files(shop).exists()


def test_the_time_is_up(shop: World) -> None:
    """A run that ends at its budget still shows what it knows; LCV's newest stock isn't kept back from pages."""
    shop.sync()
    article = shop.ordinary(sizes=2)[0]
    number = shop.product(article).card.id
    sku = article["variants"][0]["sku"]
    put(shop, sku, "LIL", 0)
    shop.sync()
    put(shop, sku, "LIL", 55)
    before = stamps(shop)[f"{number}.json"]
    for other in shop.ordinary(3, skip=1):
        shop.change_article(other["id"], name=f"{other['name']} bis")
    shop.run_clock.stop_at = 1
    report = shop.sync()

    assert report.exit_code == 10
    assert stamps(shop)[f"{number}.json"] != before


def test_a_key_without_the_right(shop: World) -> None:
    """A key that may not read stores: the shop is brought up to date, then the run says which box to tick."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    shop.tell_shop("key", key=KEY, permissions=dict.fromkeys(COMPLETE, methods))
    article = shop.ordinary(sizes=2)[0]
    put(shop, article["variants"][0]["sku"], "PAR", 70)

    report = shop.sync()

    assert (report.exit_code, report.error) == (4, "the webservice key lacks: GET stores")
    assert shop.written() == {"PATCH stock_availables"}
    shop.tell_shop("key", key=KEY, permissions=dict.fromkeys((*COMPLETE, "stores"), methods))
    assert shop.sync().exit_code == 0
    assert stamps(shop)


def test_a_linked_product_that_is_let_go(shop: World) -> None:
    """A product that isn't ours any more has no files: nobody would keep them true."""
    shop.sync()
    article = shop.ordinary(sizes=2)[0]
    number = shop.product(article).card.id
    with store_of(shop.configuration()) as store, shop_of(shop.configuration(), shop.run_clock) as webservice:
        bound = Bindings(store).by_shop_id(number)
        assert bound is not None
        Linker(webservice, store).unlink(bound)

    report = shop.sync()

    assert report.changes["availability"] == {"delete": 1}
    assert f"{number}.json" not in stamps(shop)
