"""Guards of a run (docs/guards.md): a kind of change that is too much at once is held, the others go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import World, world
from .oracle import Json
from .till import Till


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("guards"), articles=34, seed=3, demo_data=False) as made:
        assert made.sync().exit_code == 0
        made.snapshot()
        yield made


@pytest.fixture
def shop(_kept: World) -> World:
    """A synchronised shop with more products than a guard's floor."""
    _kept.restore()
    return _kept


def _unpublish(made: World, count: int) -> list[str]:
    articles = made.ordinary(count)
    for article in articles:
        made.change_article(article["id"], web_stores=[])
    return [made.reference(article) for article in articles]


def _active(made: World, references: list[str]) -> int:
    rows = made.shop_dump()["products"]
    return sum(row["active"] == "1" or row["active"] == 1 for row in rows if row["reference"] in references)


def test_deactivations(shop: World) -> None:
    """25 products at once stay on, with their stock; another stock goes on; exit 6; `--allow` lets them go."""
    references = _unpublish(shop, 25)
    other = shop.ordinary(1, skip=25)[0]["variants"][0]["sku"]
    shop.stock_in(other, 77)

    report = shop.sync()

    assert (report.exit_code, report.outcome) == (6, "held")
    [held] = report.held
    assert (held["kind"], held["count"], held["limit"]) == ("deactivate", 25, 20)
    assert references[0] in held["detail"]
    assert "--allow deactivate" in held["cure"]
    assert report.changes == {"stock": {"update": 1}}
    assert _active(shop, references) == 25
    again = shop.sync()
    assert (again.held, again.changes) == (report.held, {})
    assert shop.sync(allow=["deactivate"]).exit_code == 0
    assert _active(shop, references) == 0
    assert shop.problems() == []
    shop.assert_idle()


def _quantities(made: World) -> dict[str, int]:
    rows = {row["id_product_attribute"]: int(row["quantity"]) for row in made.shop_dump()["stock_availables"]}
    return {row["reference"]: rows[row["id"]] for row in made.shop_dump()["combinations"]}


def test_zeros(shop: World) -> None:
    """An option that would empty the shop is held; what LCV says is sold passes, and no more than it has stays on sale.

    A unit sold while the run writes changes nothing of that.
    """
    till = Till(shop)
    assert till.sync().exit_code == 0
    before = _quantities(shop)
    full = [sku for sku in before if before[sku] > 3 and shop.ordinary(1)[0]["variants"][0]["sku"] != sku]
    none, fewer = full[:2]
    shop.stock_in(none, 0)
    shop.stock_in(fewer, 2)
    shop.rules.safety_stock = 1000

    with shop.watched(lambda: sold or sold.append(till.order(till.piece(0))) if shop.written() else None):
        sold: list[Json] = []
        report = till.sync()

    assert sold
    [held] = report.held
    assert (report.exit_code, held["kind"]) == (6, "zero")
    assert (held["of"], held["limit"]) == (sum(q > 0 for q in before.values()), max(20, held["of"] // 10))
    assert held["count"] == held["of"] - 1
    after = _quantities(shop)
    changed = {sku: after[sku] for sku in before if before[sku] != after[sku]}
    assert changed == {none: 0, fewer: 2, till.sku(0): before[till.sku(0)] - 1}
    assert "stock" not in till.sync().changes
    assert _quantities(shop) == after
    assert till.sync(allow=["zero"]).exit_code == 0
    assert set(_quantities(shop).values()) == {0}


def test_price_falls(shop: World) -> None:
    """Prices that fall in very many products are held whole; a price that rises goes on, and so do a few falls."""
    for article in shop.ordinary(25):
        for variant in article["variants"]:
            shop.price_in(variant["sku"], "9.90")
    dearer = shop.quiet(1, skip=5)[0]
    for variant in dearer["variants"]:
        shop.price_in(variant["sku"], "999.00")
    prices = {row["id"]: row["price"] for row in shop.shop_dump()["products"]}

    report = shop.sync()

    [held] = report.held
    assert (report.exit_code, held["kind"], held["limit"]) == (6, "price-fall", 20)
    now = {row["id"]: row["price"] for row in shop.shop_dump()["products"]}
    assert {row for row in now if now[row] != prices[row]} == {str(shop.product(dearer).card.id)}
    for article in shop.ordinary(10):
        for variant in article["variants"]:
            shop.price_in(variant["sku"], "99.90")
    assert shop.sync().exit_code == 0  # 15 falls are no accident
    assert shop.sync(allow=["price-fall"]).exit_code == 0
    assert shop.problems() == []
    shop.assert_idle()
