"""Basic mode: stock, prices and promotions of linked products, and nothing else of the shop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lcvsync.bootstrap import shop_of, store_of
from lcvsync.runner.takeover import Found, Takeover

from .harness import World, world
from .oracle import Json

FRAME, PILLOW, MUG = 3, 16, 6
"""Demo products: one with three combinations, one with four, one without."""
OFFERS = ("PATCH stock_availables", "PATCH products", "PATCH combinations", "POST specific_prices",
          "PATCH specific_prices", "DELETE specific_prices")  # fmt: skip


@pytest.fixture(scope="module")
def _basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("basic"), articles=10, seed=3, sync={"mode": "basic"}) as made:
        made.snapshot()
        yield made


@pytest.fixture
def basic(_basic: World) -> World:
    """A shop with its demo products, an LCV, basic mode, nothing linked yet."""
    _basic.restore()
    return _basic


def _sell_as_lcv(made: World, product: int, count: int) -> Json:
    """An article whose first *count* variants bear the EANs of a product's combinations, or of the product."""
    model = made.ordinary(sizes=2)[0]
    shown = made.look().products[product]
    variants = [
        {**model["variants"][0], "sku": f"L{product}-{place}", "ean": f"37777{product:02d}{place:06d}"}
        for place in range(count)
    ]
    for variant, combination in zip(variants, shown.variants, strict=False):
        resource, row = ("combinations", combination.id) if combination.id else ("products", product)
        made.tell_shop("edit", resource=resource, id=row, fields={"ean13": variant["ean"]})
    article = {**model, "id": f"8{product}", "reference": f"LCV-{product}", "variants": variants, "photos": []}
    made.tell_lcv("articles", article)
    for place, variant in enumerate(variants):
        made.price_in(variant["sku"], f"{20 + 7 * place}.90")
        made.stock_in(variant["sku"], 3 + place)
    return article


def _link(made: World) -> Found:
    """`lcvsync product link --by-ean`, after LCV was read."""
    made.session(lambda run: run.observe())
    with store_of(made.configuration()) as store, shop_of(made.configuration(), made.run_clock) as shop:
        takeover = Takeover(shop, store, "WEB")
        found = takeover.by_ean()
        takeover.linker.link(found.links)
    return found


def _offers(made: World, product: int, article: Json) -> list[str]:
    """In what a linked product isn't as LCV says."""
    wanted, shown = made.expected(), made.look().products[product]
    problems = []
    for variant, combination in zip(article["variants"], shown.variants, strict=False):
        quantity, prices = wanted.quantities.get(variant["sku"], 0), wanted.prices.get(variant["sku"], {})
        if combination.quantity != quantity:
            problems.append(f"{variant['sku']} has {combination.quantity}, not {quantity}")
        for moment, price in prices.items():
            if (seen := shown.price(combination, moment)) != price:
                problems.append(f"{variant['sku']} costs {seen} at {moment}, not {price}")
    return problems


def test_nothing_linked(basic: World) -> None:
    """The shop isn't written; every article is reported with the command that links it."""
    before = basic.shop_dump()

    report = basic.sync()

    assert report.exit_code == 0
    assert basic.writes() == []
    assert basic.shop_dump() == before
    assert {item.reason for item in report.skipped if item.kind == "article"} == {"not_linked"}
    basic.assert_idle()


@pytest.mark.parametrize(
    ("product", "count"),
    [
        pytest.param(FRAME, 3, id="whole"),
        pytest.param(PILLOW, 3, id="in-part"),
        pytest.param(MUG, 1, id="simple"),
    ],
)
def test_linked_products_follow(basic: World, product: int, count: int) -> None:
    """Stock, prices and promotions are LCV's; card, photos, filing and combinations that aren't linked stay."""
    article = _sell_as_lcv(basic, product, count)
    _link(basic)
    before, first = basic.look(), _other_fields(basic, product)
    basic.sync()
    assert _offers(basic, product, article) == []
    assert basic.written() <= set(OFFERS)
    basic.assert_idle()

    sku = article["variants"][0]["sku"]
    basic.stock_in(sku, 0)
    basic.price_in(sku, "77.70")
    basic.change_article(article["id"], name="Pas pour la boutique", brand=None)
    start = {"starts_at": "2026-11-20T00:00:00+01:00", "ends_at": "2026-11-25T00:00:00+01:00", "price_list": None}
    flash = {"id": "B1", "name": "Black Friday", "kind": "percentage", "value": "20.00", "articles": [article["id"]]}
    basic.tell_lcv("promotions", {**flash, **start, "skus": []})
    basic.sync()

    assert _offers(basic, product, article) == []
    assert basic.written() <= set(OFFERS)
    assert 8 in basic.look().products[product].card.ids("categories")
    basic.assert_idle()
    basic.advance(days=3)
    basic.sync()
    assert _offers(basic, product, article) == []
    assert basic.look().products[product].rows == []
    last = _other_fields(basic, product)
    assert {name: last[name] for name in last if last[name] != first[name]} == {}
    after = basic.look()
    for old, new in zip(
        before.products[product].variants[count:], after.products[product].variants[count:], strict=True
    ):
        assert new == old
    assert set(after.products) == set(before.products)


def _other_fields(made: World, product: int) -> Json:
    """A card without what basic mode writes."""
    card = made.look().products[product].card
    apart = ("price", "date_upd", "quantity", "cache_default_attribute", "id_default_combination", "id_tax_rules_group")
    lists = {name: items for name, items in card.lists.items() if name != "categories"}
    fields = {name: value for name, value in card.fields.items() if name not in apart}
    return {"fields": fields, "texts": card.texts, "lists": lists, "categories": set(card.ids("categories"))}


def test_an_article_that_leaves_is_sold_out(basic: World) -> None:
    """Basic mode never switches a product off: what LCV doesn't sell any more has no stock."""
    article = _sell_as_lcv(basic, FRAME, 3)
    _link(basic)
    basic.sync()
    basic.change_article(article["id"], web_stores=[])

    basic.sync()

    shown = basic.look().products[FRAME]
    assert [variant.quantity for variant in shown.variants] == [0, 0, 0]
    assert shown.card.fields["active"] == "1"
    basic.assert_idle()


def test_hidden_in_basic_mode(basic: World) -> None:
    """`out_of_stock = hide` works on linked products too, and gives back the visibility that was there."""
    article = _sell_as_lcv(basic, FRAME, 3)
    basic.tell_shop("edit", resource="products", id=FRAME, fields={"visibility": "search"})
    _link(basic)
    basic.rules.hide = True
    for variant in article["variants"]:
        basic.stock_in(variant["sku"], 0)
    basic.sync()
    assert basic.look().products[FRAME].card.fields["visibility"] == "none"
    basic.stock_in(article["variants"][1]["sku"], 5)

    basic.sync()

    assert basic.look().products[FRAME].card.fields["visibility"] == "search"
    basic.assert_idle()


def test_the_switch_to_complete_shows_its_plan_first(basic: World) -> None:
    """A state that becomes `complete`: the plan is shown, offers go on, until `--accept-mode`; linked cards stay."""
    article = _sell_as_lcv(basic, FRAME, 3)
    _link(basic)
    basic.sync()
    basic.settings = {"sync": {"mode": "complete"}}
    before = basic.shop_dump()

    shown = basic.sync()

    assert shown.plan
    assert basic.shop_dump() == before
    basic.stock_in(article["variants"][0]["sku"], 11)
    basic.sync()
    assert _offers(basic, FRAME, article) == []
    assert basic.written() == {"PATCH stock_availables"}
    first = _other_fields(basic, FRAME)
    basic.sync(accept_mode=True)
    assert len(basic.look().products) > len(before["products"])
    assert _other_fields(basic, FRAME) == first
    assert _offers(basic, FRAME, article) == []
    basic.assert_idle()


def test_ambiguous_eans_are_not_guessed(basic: World) -> None:
    """Two combinations with one EAN: listed, not linked."""
    article = _sell_as_lcv(basic, FRAME, 3)
    last = basic.look().products[FRAME].variants[-1]
    basic.tell_shop("edit", resource="combinations", id=last.id, fields={"ean13": article["variants"][0]["ean"]})

    found = _link(basic)

    assert found.ambiguous == [article["variants"][0]["ean"]]
    assert [link.sku for link in found.links] == [article["variants"][1]["sku"]]
