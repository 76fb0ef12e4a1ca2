"""A product of an old module, taken over: what is linked is locked, and what LCV has there already isn't made twice.

The old module's products are lcvsync's own of before, forgotten.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lcvsync.bootstrap import shop_of, store_of
from lcvsync.planning.known import BoundProduct
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.hand_prices import HandPrices, PriceChoice
from lcvsync.runner.linking import Link, Linker
from lcvsync.runner.takeover import Takeover
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror

from .harness import World
from .oracle import Json
from .shown import ShownProduct


def _forget(world: World, article: Json) -> ShownProduct:
    """The product of an article is nobody's."""
    product = world.product(article)
    with store_of(world.configuration()) as store, shop_of(world.configuration(), world.run_clock) as shop:
        bound = Bindings(store).by_shop_id(product.card.id)
        assert bound is not None
        Linker(shop, store).unlink(bound)
    return product


def _take_over(world: World) -> list[Link]:
    """`takeover scan`, `takeover accept`."""
    with store_of(world.configuration()) as store, shop_of(world.configuration(), world.run_clock) as shop:
        takeover = Takeover(shop, store, "WEB")
        takeover.scan(world.clock())
        done = takeover.accept(takeover.rows())
        assert done.refused == {}
    return done.links


def _unlock(world: World, product: int, *, replace: bool = False) -> None:
    """`product unlock`."""
    with store_of(world.configuration()) as store, shop_of(world.configuration(), world.run_clock) as shop:
        bound = _bound(Bindings(store), product)
        found = Mirror(store).article(bound.article)
        assert found is not None
        Linker(shop, store).unlock(bound, found[0], replace_photos=replace)


def _bound(bindings: Bindings, product: int) -> BoundProduct:
    bound = bindings.by_shop_id(product)
    assert bound is not None
    return bound


def _ties(world: World, product: int) -> dict[str, Any]:
    """The images of a product and of its combinations."""
    dump = world.shop_dump()
    combinations = [row for row in dump["combinations"] if int(row["id_product"]) == product]
    return {
        "images": [int(row["id"]) for row in dump["images"] if int(row["id_product"]) == product],
        **{row["id"]: row["associations"].get("images") for row in combinations},
    }


def test_linked_locked_unlocked(synced: World) -> None:
    """Locked: stock and prices alone follow; unlocked: the card does, and no photo is doubled until LCV changes one."""
    article = synced.quiet(colours=2)[0]
    product = _forget(synced, article)
    found = _ties(synced, product.card.id)
    assert {item.reason for item in synced.sync().skipped} >= {"reference_in_shop"}
    assert {link.product for link in _take_over(synced)} == {product.card.id}
    synced.change_article(article["id"], name="Nom de LCV")
    synced.stock_in(article["variants"][0]["sku"], 19)
    synced.price_in(article["variants"][0]["sku"], "71.00")

    synced.sync()

    assert synced.written() <= {"PATCH stock_availables", "PATCH products", "PATCH combinations"}
    locked = synced.product(article)
    assert locked.card.texts == product.card.texts
    assert [v.quantity for v in locked.variants if v.reference == article["variants"][0]["sku"]] == [19]
    synced.assert_idle()
    _unlock(synced, product.card.id)
    synced.converge()
    assert synced.product(article).card.texts["name"][1] == "Nom de LCV"
    assert _ties(synced, product.card.id) == found

    synced.put_photo(article["photos"][-1]["id"], "#909090")
    synced.sync()

    after = _ties(synced, product.card.id)
    [new] = set(after.pop("images")) - set(found["images"])
    assert all(ties in (found[each], [{"id": str(new)}]) for each, ties in after.items()), "the rest is the shop's"
    assert synced.product(article).card.fields["id_default_image"] == product.card.fields["id_default_image"]
    synced.assert_idle()


def test_photos_replaced(synced: World) -> None:
    """`--photos replace`: LCV's are sent, tied, and the first is the cover; only then the old ones go."""
    article = synced.quiet(colours=2)[0]
    product = _forget(synced, article)
    found = _ties(synced, product.card.id)
    _take_over(synced)
    _unlock(synced, product.card.id, replace=True)

    synced.converge(in_order=False)

    after = _ties(synced, product.card.id)
    assert len(after["images"]) == len(found["images"])
    assert set(after["images"]).isdisjoint(found["images"])


def test_unusable_photos_replace_none(synced: World) -> None:
    """Where none of LCV's photos can be used, the shop's stay."""
    article = synced.quiet(colours=2)[0]
    product = _forget(synced, article)
    found = _ties(synced, product.card.id)["images"]
    for photo in article["photos"]:
        synced.add_photo(photo["id"], b"no picture")
    _take_over(synced)
    _unlock(synced, product.card.id, replace=True)

    for _ in range(2):
        synced.sync()

    assert _ties(synced, product.card.id)["images"] == found


def test_linked_in_part_and_unlocked(synced: World) -> None:
    """What stays unlinked keeps price, stock and photos; nothing is made beside it: it may be the variant."""
    article = synced.quiet(colours=2)[0]
    product = _forget(synced, article)
    first = product.variants[0]
    with store_of(synced.configuration()) as store, shop_of(synced.configuration(), synced.run_clock) as shop:
        Linker(shop, store).link([Link(first.reference, product.card.id, first.id)])
    _unlock(synced, product.card.id)
    synced.map("vat", "20", ["2"])
    for variant in article["variants"]:
        synced.price_in(variant["sku"], "91.00")
        synced.stock_in(variant["sku"], 3)

    left = {each.reference for each in product.variants[1:]}
    assert not left & {change["key"] for change in synced.sync(dry_run=True).plan or ()}

    report = synced.sync()

    assert report.exit_code == 0
    shown = synced.product(article)
    assert [each for each in shown.variants if each.id != first.id] == list(product.variants[1:])
    for name in ("price", "id_tax_rules_group"):
        assert Decimal(shown.card.fields[name]) == Decimal(product.card.fields[name])
    assert shown.price(next(each for each in shown.variants if each.id == first.id), synced.clock()) == Decimal("91.00")
    assert {item.key for item in report.skipped if item.reason == "variant_not_linked"} == left
    synced.assert_idle()


def test_what_is_in_the_shop_is_not_made_again(synced: World) -> None:
    """By the reference of a combination and by EAN too: reported with the command; what is new is made."""
    model = synced.quiet(colours=2)[0]
    product = _forget(synced, model)
    synced.tell_shop("edit", resource="products", id=product.card.id, fields={"reference": "OLD"})
    mug = {"reference": "MUG", "name": {"1": "M", "2": "M"}, "price": "10", "state": 1, "ean13": "3777700000017"}
    single = synced.tell_shop("create", resource="products", fields=mug)["id"]
    synced.persons.foreign |= {product.card.id, single}
    for identifier, ean in (("900001", "3777700000017"), ("900002", "3777700000024")):
        variant = {**model["variants"][0], "sku": f"V{identifier}", "ean": ean}
        synced.tell_lcv("articles", {**model, "id": identifier, "reference": f"N{identifier}", "variants": [variant]})
        synced.price_in(variant["sku"], "20.00")

    report = synced.sync()

    told = {(item.key, item.reason, item.cure) for item in report.skipped if item.reason.endswith("_in_shop")}
    assert told == {
        (
            synced.reference(model),
            "reference_in_shop",
            f"lcvsync product link '{model['reference']}' {product.card.id}",
        ),
        ("N900001", "ean_in_shop", f"lcvsync product link 'N900001' {single}"),
    }
    assert {each.card.fields["reference"] for each in synced.look().products.values()} >= {"OLD", "MUG", "N900002"}
    asked = [request for request in synced.shop.requests if request.method == "GET"]
    assert len([request for request in asked if "ean13" in str(request)]) == 4, asked
    synced.assert_idle()


@pytest.mark.parametrize("choice", [PriceChoice.ADOPT, PriceChoice.KEEP])
def test_prices_of_before(synced: World, choice: PriceChoice) -> None:
    """Kept they stay untouched; adopted they go with the next run, since LCV has no such promotion."""
    article = synced.quiet(colours=2)[0]
    product = _forget(synced, article)
    row: dict[str, Any] = dict.fromkeys(
        ("id_shop", "id_cart", "id_currency", "id_country", "id_group", "id_customer"), 0
    )
    row |= {"price": "-1", "from_quantity": 1, "reduction_tax": 1, "reduction_type": "amount", "reduction": "2"}
    times = {"from": "0000-00-00 00:00:00", "to": "0000-00-00 00:00:00", "id_product": product.card.id}
    made = synced.tell_shop("create", resource="specific_prices", fields={**row, **times})["id"]
    _take_over(synced)
    configuration = synced.configuration()
    with store_of(configuration) as store, shop_of(configuration, synced.run_clock) as shop:
        hand = HandPrices(shop, store, AuditLog(synced.directory, synced.run_clock), None)
        hand.settle(hand.of([_bound(Bindings(store), product.card.id)]), choice)

    synced.sync()

    left = {entity.id for entity in synced.eyes.list("specific_prices")}
    assert (made in left) is (choice is PriceChoice.KEEP)
    synced.assert_idle()
