"""One record that is refused: it is named, exit 3, tried again later; everything else goes on, once."""

from __future__ import annotations

import hashlib

import pytest

from lcvsync.emulators.faults import FaultKind

from .harness import World
from .oracle import Json

REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?><prestashop xmlns:xlink="http://www.w3.org/1999/xlink"><errors><error>'
    "<code><![CDATA[85]]></code><message><![CDATA[A module refuses it]]></message></error></errors></prestashop>"
)


def _refuse(world: World, *, method: str, path: str, times: int = 0, skip: int = 0) -> None:
    """A module of the shop that refuses what matches."""
    world.fault(FaultKind.STATUS, method=method, path=path, status=400, body=REFUSAL, times=times, skip=skip)


def _new(world: World, reference: str, **members: object) -> Json:
    """A new article like an ordinary one."""
    article = world.ordinary(sizes=3)[0]
    variants = [{**v, "sku": f"{reference}-{place}", "ean": None} for place, v in enumerate(article["variants"])]
    content = world.add_photo(f"{reference}-P", "#445566")
    photo = {
        **article["photos"][0],
        "id": f"{reference}-P",
        "sha256": hashlib.sha256(content).hexdigest(),
        "attributes": {},
    }
    made = {
        **article,
        "id": f"9{reference}",
        "reference": reference,
        "variants": variants,
        "photos": [photo],
        **members,
    }
    world.tell_lcv("articles", made)
    for variant in variants:
        world.price_in(variant["sku"], "30.00")
        world.stock_in(variant["sku"], 2)
    return made


def test_a_bad_product_in_a_batch(synced: World) -> None:
    """PrestaShop stops a body at its first bad record: those before and after are made once, the bad one is named."""
    for number in range(5):
        _new(synced, f"B{number}")
    synced.poison("products", "B2")

    report = synced.sync()

    assert report.exit_code == 3
    assert {(failure.kind, failure.key) for failure in report.failed} == {("product", "B2")}
    assert synced.problems() == ["B2: missing"]
    synced.poison("", "")
    synced.advance(hours=1)
    synced.converge()


def test_a_bad_combination_in_a_batch(synced: World) -> None:
    """Its product waits, invisible, until it is whole; other products are finished."""
    for number in range(3):
        _new(synced, f"C{number}")
    synced.poison("combinations", "C1-1")

    report = synced.sync()

    assert report.exit_code == 3
    assert [failure.key for failure in report.failed] == ["C1-1"]
    assert {problem.partition(":")[0] for problem in synced.problems()} == {"C1"}
    assert "C1: active is 0" in synced.problems()
    synced.poison("", "")
    synced.advance(hours=1)
    synced.converge()


def test_a_bad_update_in_a_batch(synced: World) -> None:
    """A card that the shop refuses is found by halving; the other cards are written."""
    articles = synced.ordinary(5)
    for article in articles:
        synced.change_article(article["id"], name=f"Nom {article['id']}")
    bad = synced.reference(articles[2])
    synced.poison("products", bad)

    report = synced.sync()

    assert report.exit_code == 3
    assert {failure.key for failure in report.failed} == {bad}
    assert {problem.partition(":")[0] for problem in synced.problems()} == {bad}
    synced.poison("", "")
    synced.advance(hours=1)
    synced.converge()


def test_stock_falls_although_the_card_is_refused(synced: World) -> None:
    """Never oversell: a refused card that waits for its next try holds up no stock and no price of its product."""
    article = synced.ordinary()[0]
    reference = synced.reference(article)
    synced.change_article(article["id"], name="Refusé")
    synced.poison("products", reference)
    for quantity in (9, 0, 4, 0):
        synced.stock_in(article["variants"][0]["sku"], quantity)
        synced.price_in(article["variants"][1]["sku"], f"{40 + quantity}.00")
        report = synced.sync()
        assert {
            problem for problem in synced.problems() if "name in" not in problem and " costs " not in problem
        } == set()
        synced.advance(minutes=1)
    synced.poison("", "")
    synced.advance(hours=25)

    report = synced.sync()

    assert report.exit_code == 0
    assert synced.problems() == []


def test_a_value_that_can_not_be_made(synced: World) -> None:
    """A refused feature value keeps what the product has: neither its features nor its brand are emptied meanwhile."""
    article = synced.ordinary()[0]
    before = synced.product(article)
    _refuse(synced, method="POST", path="/api/product_feature_values")
    _refuse(synced, method="POST", path="/api/manufacturers")
    synced.tell_lcv("tables", {"brands": [{"code": "NOUV", "name": "Nouvelle Marque"}]})
    synced.change_article(article["id"], attributes={"matiere": "Inouï"}, brand="NOUV")

    report = synced.sync()

    assert report.exit_code == 3
    after = synced.product(article)
    assert (after.features, after.brand) == (before.features, before.brand)
    synced.shop.faults = []
    synced.advance(hours=1)
    synced.converge()


@pytest.mark.parametrize("resource", ["products", "combinations", "stock_availables", "specific_prices", "images"])
def test_a_shop_that_refuses_everything_of_a_kind(synced: World, resource: str) -> None:
    """Each record is named, the run ends with 3, and all is made up for when the shop takes it again."""
    _new(synced, "K1")
    for number, article in enumerate(synced.ordinary(3)):
        synced.change_article(article["id"], name=f"Nom {number}")
        synced.stock_in(article["variants"][0]["sku"], 60 + number)
        synced.price_in(article["variants"][1]["sku"], f"{80 + number}.00")
    _refuse(synced, method="POST|PATCH", path=f"/api/{resource}")

    report = synced.sync()

    assert report.exit_code in (0, 3)
    assert report.exit_code == 3 or resource in ("specific_prices", "images")
    synced.shop.faults = []
    synced.advance(hours=25)
    if resource == "images":
        synced.put_photo("K1-P", "#010101")
    synced.sync()
    assert synced.problems() == []
    synced.assert_idle()
