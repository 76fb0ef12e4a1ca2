"""Stock, prices and promotions that change: the shop follows to the unit, the cent and the minute, by few writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from .harness import World
from .oracle import Json
from .shown import ShownProduct

STOCK = {"PATCH stock_availables"}
PRICES = {"PATCH products", "PATCH combinations"}
ROWS = {"POST specific_prices", "PATCH specific_prices", "DELETE specific_prices"}


def _sku(article: Json, place: int = 0) -> str:
    return str(article["variants"][place]["sku"])


def _quantities(world: World) -> dict[int, int]:
    return {row.id: row.number("quantity") for row in world.look().stock.values()}


# -- stock -------------------------------------------------------------------------------------------------------------


def test_stock_up_down_to_nothing_and_below(synced: World) -> None:
    """Quantities follow LCV, negative ones as 0, in one request for each lane of risk; nothing else is written."""
    first, second = synced.ordinary(2)
    for place, quantity in enumerate((7, 0, 1)):
        synced.stock_in(_sku(first, place), quantity)
    synced.stock_in(_sku(second), -4)
    before = _quantities(synced)

    synced.converge()

    assert synced.written() <= STOCK
    assert len(synced.writes()) <= 3
    after = _quantities(synced)
    rows = {row.id for row in synced.look().stock.values() if row.number("id_product_attribute")}
    assert sum(request.entities or 0 for request in synced.writes()) == sum(before[row] != after[row] for row in rows)


def test_falls_are_written_before_rises(synced: World) -> None:
    """What was sold out is off sale before anything else gets more stock."""
    first, second = synced.ordinary(2)
    synced.stock_in(_sku(first), 50)
    synced.stock_in(_sku(second), 9)
    synced.converge()
    synced.stock_in(_sku(first), 90)
    synced.stock_in(_sku(second), 0)
    seen: list[tuple[int, int]] = []

    def note() -> None:
        shown = synced.look().stock.values()
        rows = {row.id: row.number("quantity") for row in shown if row.number("id_product_attribute")}
        seen.append(
            (sum(quantity == 90 for quantity in rows.values()), sum(quantity == 9 for quantity in rows.values()))
        )

    with synced.watched(note):
        synced.sync()

    assert synced.problems() == []
    assert seen[0][0] == 0
    assert seen[0][1] == seen[-1][1]


@pytest.mark.parametrize("change", ["other store", "same again", "shop price list"])
def test_what_means_nothing_costs_nothing(synced: World, change: str) -> None:
    """A store that doesn't count for the web, a revision without news, another price list: the shop isn't asked."""
    article = synced.ordinary()[0]
    if change == "other store":
        synced.tell_lcv("stock", {"sku": _sku(article), "store": "LIL", "quantity": 99})
    elif change == "same again":
        synced.tell_lcv("articles", article)
        synced.tell_lcv("promotions", synced.in_lcv("promotions"))
    else:
        synced.tell_lcv("prices", {"sku": _sku(article), "price_list": "TTC", "price_incl_tax": "1.00"})

    report = synced.sync()

    assert report.exit_code == 0
    assert [request.path for request in synced.shop.requests] == []


def test_safety_stock_changes(synced: World) -> None:
    """Another safety stock moves the quantities that it concerns and nothing else."""
    synced.rules.safety_stock = 3

    synced.converge()

    assert synced.written() == STOCK


def test_a_sale_at_the_till(synced: World) -> None:
    """A piece that a store sells is off the shop at the next run."""
    article = synced.ordinary()[0]
    synced.stock_in(_sku(article), 1)
    synced.converge()
    synced.tell_lcv("sell", {"sku": _sku(article), "store": "DEP", "quantity": 1})

    synced.converge()

    assert [request.entities for request in synced.writes()] == [1]


# -- prices ------------------------------------------------------------------------------------------------------------


def _all_prices(article: Json, *prices: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        for place, variant in enumerate(article["variants"]):
            world.price_in(variant["sku"], prices[place % len(prices)])

    return change


@pytest.mark.parametrize("prices", [("12.90",), ("19.99", "250.00"), ("250.00", "19.99", "7.01")])
@pytest.mark.parametrize("promoted", [False, True])
def test_prices_move_without_being_too_low_in_between(synced: World, prices: tuple[str, ...], promoted: bool) -> None:
    """Up, down, or both by variant: the shop ends at LCV's cents, and no variant is cheaper in between than both."""
    article = synced.ordinary(colours=2)[0]
    if promoted:
        kind = {"id": "X1", "name": "X", "kind": "amount", "value": "5.00"}
        synced.tell_lcv(
            "promotions",
            {
                **kind,
                "starts_at": "2026-11-01T00:00:00+01:00",
                "ends_at": None,
                "price_list": None,
                "articles": [article["id"]],
                "skus": [],
            },
        )
        synced.converge()
    before = _shown_prices(synced, article)
    _all_prices(article, *prices)(synced)
    if promoted:
        synced.tell_lcv("promotions", {**synced.in_lcv("promotions")[-1], "value": "6.50"})
    seen: list[dict[str, Decimal]] = []

    with synced.watched(lambda: seen.append(_shown_prices(synced, article))):
        synced.sync()

    assert synced.problems() == []
    assert synced.written() <= PRICES | ROWS
    after = _shown_prices(synced, article)
    low = {sku: min(before[sku], after[sku]) for sku in before}
    assert [sku for prices_seen in seen for sku in low if prices_seen[sku] < low[sku]] == []
    synced.assert_idle()


def _shown_prices(world: World, article: Json) -> dict[str, Decimal]:
    product = world.product(article)
    return {variant.reference: product.price(variant, world.clock()) for variant in product.variants}


def test_a_price_withdrawn_zero_and_back(synced: World) -> None:
    """A variant without price or with 0 isn't for sale: no stock; a price brings it back."""
    article = synced.ordinary()[0]
    synced.price_in(_sku(article, 0), None)
    synced.price_in(_sku(article, 1), "0.00")
    report = synced.converge()
    assert {item.key for item in report.skipped if item.reason == "price_missing"} == {
        _sku(article, 0),
        _sku(article, 1),
    }

    synced.price_in(_sku(article, 0), "33.30")
    synced.price_in(_sku(article, 1), "44.40")

    synced.converge()


def test_all_prices_withdrawn_and_back(synced: World) -> None:
    """An article without any price leaves the shop, switched off and without stock, and comes back with its prices."""
    article = synced.ordinary()[0]
    for variant in article["variants"]:
        synced.price_in(variant["sku"], None)
    synced.converge()
    assert synced.product(article).card.fields["active"] == "0"

    _all_prices(article, "49.90")(synced)

    synced.converge()
    assert synced.product(article).card.fields["active"] == "1"


def test_the_vat_rate_changes(synced: World) -> None:
    """The price with tax stays; group, base and impacts follow, and no variant is cheaper in between."""
    article = synced.ordinary(colours=2)[0]
    _all_prices(article, "49.90", "59.90", "54.90")(synced)
    synced.converge()
    before = _shown_prices(synced, article)
    synced.change_article(article["id"], vat_rate="5.5")
    seen: list[dict[str, Decimal]] = []

    with synced.watched(lambda: seen.append(_shown_prices(synced, article))):
        synced.sync()

    assert synced.problems() == []
    assert [sku for prices in seen for sku in before if prices[sku] < before[sku] - Decimal("0.01")] == []
    synced.assert_idle()


# -- promotions --------------------------------------------------------------------------------------------------------

NOON = datetime.fromisoformat("2026-11-23T12:00:00+01:00")


def _promotion(article: Json, kind: str = "percentage", value: str = "25.00", **members: Any) -> Json:
    promotion = {
        "id": "T1",
        "name": "Black Friday",
        "kind": kind,
        "value": value,
        "price_list": None,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + timedelta(days=2)).isoformat(),
        "articles": [article["id"]],
        "skus": [],
    }
    return {**promotion, **members}


@pytest.fixture
def calm(synced: World) -> World:
    """The same pair without the catalogue's own promotions."""
    for promotion in synced.in_lcv("promotions"):
        synced.tell_lcv(f"promotions/{promotion['id']}", method="DELETE")
    synced.converge()
    assert synced.written() <= {"DELETE specific_prices", "PATCH products"}
    return synced


@pytest.mark.parametrize(
    ("kind", "value"), [("percentage", "30.00"), ("percentage", "33.33"), ("amount", "7.50"), ("fixed_price", "19.99")]
)
def test_the_life_of_a_promotion(calm: World, kind: str, value: str) -> None:
    """Announced, it is written at once; it starts, is changed, is prolonged, ends: prices and category follow."""
    article = calm.ordinary(colours=2)[0]
    calm.tell_lcv("promotions", _promotion(article, kind, value))
    calm.converge()
    assert "POST specific_prices" in calm.written() <= ROWS

    calm.advance(hours=2, minutes=5)
    report = calm.converge()
    assert calm.written() == {"PATCH products"}, report
    assert 8 in calm.product(article).card.ids("categories")

    changed = _promotion(article, kind, str(Decimal(value) - 3), ends_at=(NOON + timedelta(days=3)).isoformat())
    calm.tell_lcv("promotions", changed)
    calm.converge()
    assert calm.written() <= ROWS

    calm.advance(days=4)
    calm.converge()
    assert calm.written() == {"DELETE specific_prices", "PATCH products"}
    assert calm.look().products[calm.product(article).card.id].rows == []


def test_promotions_that_overlap(calm: World) -> None:
    """At every moment the lowest price is in force, variant by variant, whatever starts and ends meanwhile."""
    article = calm.ordinary(colours=2)[0]
    hours = [
        (0, 30, "percentage", "20.00"),
        (10, 20, "amount", "15.00"),
        (5, 12, "fixed_price", "24.90"),
        (18, 60, "percentage", "45.00"),
    ]
    for number, (start, end, kind, value) in enumerate(hours):
        window = {
            "starts_at": (NOON + timedelta(hours=start)).isoformat(),
            "ends_at": (NOON + timedelta(hours=end)).isoformat(),
        }
        scope: Json = (
            {"articles": [], "skus": [v["sku"] for v in article["variants"][number % 2 :: 2]]} if number % 2 else {}
        )
        calm.tell_lcv("promotions", _promotion(article, kind, value, id=f"T{number}", **window, **scope))
    calm.converge()

    for _ in range(5):
        calm.advance(hours=9)
        calm.converge()
        assert calm.written() <= {"DELETE specific_prices", "PATCH products"}
    calm.advance(days=2)
    calm.converge()
    assert calm.product(article).rows == []


@pytest.mark.parametrize("end", ["deleted", "ended", "nobody"])
def test_a_running_promotion_is_called_off(calm: World, end: str) -> None:
    """Deleted, ended by hand, or left without articles: the price is the old one again, the category is left."""
    article = calm.ordinary()[0]
    running = _promotion(article, starts_at="2026-11-20T00:00:00+01:00")
    calm.tell_lcv("promotions", running)
    calm.converge()
    if end == "deleted":
        calm.tell_lcv("promotions/T1", method="DELETE")
    else:
        more: Json = {"ends_at": "2026-11-23T09:00:00+01:00"} if end == "ended" else {"articles": []}
        calm.tell_lcv("promotions", {**running, **more})

    calm.converge()

    assert calm.written() == {"DELETE specific_prices", "PATCH products"}


def test_a_price_and_its_promotion_fall_together(calm: World) -> None:
    """A fixed price stays what it is while the price below it moves, and an amount still is one."""
    first, second = calm.ordinary(2)
    start = {"starts_at": "2026-11-20T00:00:00+01:00"}
    calm.tell_lcv(
        "promotions",
        [_promotion(first, "fixed_price", "15.00", **start), _promotion(second, "amount", "4.00", id="T2", **start)],
    )
    calm.converge()
    for article, prices in ((first, ("29.90", "39.90")), (second, ("11.00", "99.00"))):
        _all_prices(article, *prices)(calm)

    calm.converge()


def test_a_category_that_is_both_filing_and_promotion(calm: World) -> None:
    """A product stays in the category of its own RFS when a promotion mapped to the same category ends."""
    article = calm.ordinary()[0]
    own = calm.product(article).card.number("id_category_default")
    calm.map("promotion", "Black Friday", [str(own)])
    calm.tell_lcv("promotions", _promotion(article, starts_at="2026-11-20T00:00:00+01:00"))
    calm.converge()

    calm.advance(days=5)

    calm.converge()


def test_a_mapping_for_all_promotions(synced: World) -> None:
    """`*` puts products into its category while any operation without a row of its own runs."""
    synced.map("promotion", "*", ["7"])

    synced.converge()

    assert synced.written() == {"PATCH products"}
    assert any(7 in product.card.ids("categories") for product in _ours(synced))


def _ours(world: World) -> list[ShownProduct]:
    return [product for key, product in world.look().products.items() if key not in world.persons.foreign]


# -- feeds read again --------------------------------------------------------------------------------------------------


def _forget(world: World, feed: str) -> None:
    """Let the back office drop something together with its tombstone."""
    article = world.ordinary(skip=1)[0]
    if feed == "articles":
        world.tell_lcv(f"articles/{article['id']}", method="DELETE")
    elif feed == "stock":
        world.stock_in(_sku(article), 0)
    elif feed == "prices":
        world.price_in(_sku(article), None)
    else:
        world.tell_lcv(f"promotions/{world.in_lcv('promotions')[0]['id']}", method="DELETE")
    world.tell_lcv("expire-cursors", {"feed": feed})


@pytest.mark.parametrize("feed", ["articles", "stock", "prices", "promotions"])
def test_a_feed_whose_cursor_has_expired(synced: World, feed: str) -> None:
    """After a 410 the feed is read from 0, what it lacks is gone in the shop too, and nothing else is written."""
    _forget(synced, feed)

    synced.converge()

    assert synced.written() <= {"PATCH stock_availables", "PATCH products", "PATCH combinations", *ROWS}
