"""What people do in the shop stays: lcvsync touches only what is its own."""

from __future__ import annotations

from typing import Any

import pytest

from lcvsync.bootstrap import shop_of, store_of
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.shop_settings import shop_settings
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror

from .harness import World
from .oracle import Json
from .shown import ShownProduct


def _one(world: World) -> tuple[Json, ShownProduct]:
    article = world.ordinary(colours=2)[0]
    return article, world.product(article)


def _edit(world: World, product: ShownProduct, associations: dict[str, Any] | None = None, **fields: Any) -> None:
    world.tell_shop("edit", resource="products", id=product.card.id, fields=fields, associations=associations or {})


def test_categories_and_features_added_by_hand(synced: World) -> None:
    """They stay when LCV's own change: a list is owned element by element."""
    article, product = _one(synced)
    reference = synced.reference(article)
    value = synced.tell_shop(
        "create",
        resource="product_feature_values",
        fields={"id_feature": 2, "custom": 0, "value": {"1": "À la main", "2": "By hand"}},
    )["id"]
    features = [*product.card.lists["product_features"], {"id": 2, "id_feature_value": value}]
    categories = [*product.card.ids("categories"), 7, 8]
    _edit(synced, product, {"product_features": features, "categories": categories})
    synced.persons.categories[reference] = {7, 8}
    synced.persons.features[reference] = {(2, "a la main")}
    more = {"attributes": {**article["attributes"], "matiere": "Ortie"}, "categories": ["COL-RIVIERA"]}
    synced.change_article(article["id"], **more)
    synced.converge()

    synced.change_article(article["id"], attributes={}, categories=[])

    synced.converge()


def test_a_custom_feature_value(synced: World) -> None:
    """A custom value typed in the product's page is left."""
    article, product = _one(synced)
    value = synced.tell_shop(
        "create",
        resource="product_feature_values",
        fields={"id_feature": 1, "custom": 1, "value": {"1": "Sur mesure", "2": "Custom"}},
    )["id"]
    own = {"id": 1, "id_feature_value": value}
    _edit(synced, product, {"product_features": [*product.card.lists["product_features"], own]})
    synced.change_article(article["id"], attributes={**article["attributes"], "entretien": "Jamais"})

    synced.sync()

    row = next(row for row in synced.in_shop("products") if int(row["id"]) == product.card.id)
    values = {int(item["id_feature_value"]) for item in row["associations"]["product_features"]}
    assert value in values
    assert len(values) == len(product.features) + 1


def test_another_default_category(synced: World) -> None:
    """A person's choice of the default category stays, when LCV's categories change too."""
    article, product = _one(synced)
    _edit(synced, product, {"categories": [*product.card.ids("categories"), 7]}, id_category_default=7)
    synced.persons.categories[synced.reference(article)] = {7}
    synced.change_article(article["id"], categories=["COL-RIVIERA"])

    synced.converge()

    assert synced.product(article).card.fields["id_category_default"] == "7"


@pytest.mark.parametrize("asked", ["", "resync"])
def test_a_name_typed_in_the_shop(synced: World, asked: str) -> None:
    """A card that is written is LCV's, all of it; what a person had typed is kept in the audit, and told as theirs."""
    article, product = _one(synced)
    _edit(synced, product, {"categories": [2]}, name={"1": "Nom de la boutique", "2": "Shop's name"})
    synced.persons.categories[synced.reference(article)] = {2}
    if asked:
        synced.mark_resync()
    else:
        synced.change_article(article["id"], description="<p>Autrement</p>")

    synced.converge()

    entries = AuditLog(synced.directory, synced.run_clock).entries()
    [edited] = [entry["edited"] for entry in entries if "name" in entry.get("edited", {})]
    assert edited["name"] == {"1": "Nom de la boutique", "2": "Shop's name"}
    assert edited["categories"] == [2]


def test_a_name_that_is_sent_once(synced: World) -> None:
    """Under the policy `create` it stays what the person typed, whatever else of the card is written."""
    synced.rules.sent_once = frozenset({"name"})
    synced.sync()
    article, product = _one(synced)
    _edit(synced, product, name={"1": "Nom de la boutique", "2": "Shop's name"})
    synced.change_article(article["id"], description="<p>Autrement</p>")

    synced.converge()

    assert synced.product(article).card.texts["name"][1] == "Nom de la boutique"


def _upload(world: World, product: ShownProduct) -> int:
    """An image added by a person, with a picture of its own."""
    known = {row["id"] for row in world.in_shop("images")}
    world.eyes.upload(product.card.id, "main.jpg", "#00eeee")
    return next(int(row["id"]) for row in world.in_shop("images") if row["id"] not in known)


def test_images_added_by_hand(synced: World) -> None:
    """They stay, whatever happens to LCV's photos; the cover is LCV's first again when that changes."""
    article, product = _one(synced)
    image = _upload(synced, product)
    synced.persons.images[synced.reference(article)] = 1
    synced.put_photo(article["photos"][0]["id"], "#909090")
    synced.converge()
    synced.change_article(article["id"], photos=article["photos"][1:])

    synced.converge()

    assert image in synced.product(article).card.ids("images")


def test_specific_prices_made_by_hand(synced: World) -> None:
    """A row that a person made, and one of a catalogue rule, are never touched; ours come and go beside them."""
    article, product = _one(synced)
    row = {
        "id_product": product.card.id,
        "id_product_attribute": 0,
        "id_shop": 0,
        "id_cart": 0,
        "id_currency": 0,
        "id_country": 0,
        "id_group": 3,
        "id_customer": 0,
        "price": "-1",
        "from_quantity": 5,
        "reduction": "0.5",
        "reduction_tax": 1,
        "reduction_type": "percentage",
        "from": "0000-00-00 00:00:00",
        "to": "0000-00-00 00:00:00",
    }
    made = [
        synced.tell_shop("create", resource="specific_prices", fields={**row, "id_group": group})["id"]
        for group in (1, 3)
    ]
    before = [entity for entity in synced.eyes.list("specific_prices") if entity.id in made]
    synced.tell_lcv(
        "promotions",
        {
            "id": "H1",
            "name": "H",
            "kind": "percentage",
            "value": "60.00",
            "price_list": None,
            "starts_at": "2026-11-01T00:00:00+01:00",
            "ends_at": "2026-11-24T00:00:00+01:00",
            "articles": [article["id"]],
            "skus": [],
        },
    )
    synced.converge()
    synced.advance(days=2)

    synced.converge()

    assert [entity for entity in synced.eyes.list("specific_prices") if entity.id in made] == before


@pytest.mark.parametrize("change", [{"name": "Autre nom"}, {"active": False}], ids=["card", "withdrawn"])
def test_a_product_switched_off_by_a_person(synced: World, change: dict[str, Any]) -> None:
    """It stays off, while its card, stock and prices go on, and when its article leaves LCV and comes back."""
    article, product = _one(synced)
    _edit(synced, product, active=0)
    synced.persons.off.add(synced.reference(article))
    synced.change_article(article["id"], **change)
    synced.stock_in(article["variants"][0]["sku"], 17)
    synced.converge()
    synced.tell_lcv("articles", article)

    report = synced.converge()

    assert synced.product(article).card.fields["active"] == "0"
    if "active" in change:
        assert "switched_off" in {item.reason for item in report.skipped}


@pytest.mark.parametrize("change", ["name", "stock", "prices", "photos", "variant", "promotion"])
def test_a_product_deleted_by_a_person(synced: World, change: str) -> None:
    """It is reported and not made again, however it changes, before somebody asks for it; other products go on."""
    article, product = _one(synced)
    other = synced.ordinary(2, colours=2)[1]
    synced.tell_shop("delete", resource="products", id=product.card.id)
    synced.persons.gone.add(synced.reference(article))
    if change == "name":
        synced.change_article(article["id"], name="Encore là")
    elif change == "photos":
        synced.put_photo(article["photos"][0]["id"], "#909090")
    elif change == "variant":
        added = {**article["variants"][0], "sku": "NEW-1", "ean": None, "attributes": {"coloris": "Ultraviolet"}}
        synced.change_article(article["id"], variants=[*article["variants"], added])
        synced.stock_in("NEW-1", 3)
        synced.price_in("NEW-1", "18.00")
    elif change == "promotion":
        synced.tell_lcv(
            "promotions",
            {
                "id": "D1",
                "name": "D",
                "kind": "amount",
                "value": "3.00",
                "price_list": None,
                "starts_at": "2026-11-01T00:00:00+01:00",
                "ends_at": None,
                "articles": [article["id"]],
                "skus": [],
            },
        )
    for each in (article, other):
        if change == "stock":
            synced.stock_in(each["variants"][-1]["sku"], 23)
        elif change == "prices":
            synced.price_in(each["variants"][0]["sku"], "18.00")
    synced.change_article(other["id"], name="Ça continue")

    first = synced.sync()
    second = synced.sync()

    assert synced.problems() == []
    assert first.exit_code == second.exit_code == 0
    dump = synced.shop_dump()
    rows = [*dump["combinations"], *dump["specific_prices"]]
    orphans = [row for row in rows if int(row["id_product"]) == product.card.id]
    assert orphans == [], "nothing is made for a product that is gone"
    assert "deleted_in_shop" in {item.reason for item in (*first.skipped, *second.skipped)}
    synced.assert_idle()


def test_a_combination_deleted_by_a_person(synced: World) -> None:
    """It is noticed at the next write, and the run goes on."""
    article, product = _one(synced)
    variant = product.variants[-1]
    synced.tell_shop("delete", resource="combinations", id=variant.id)
    synced.stock_in(variant.reference, 31)
    synced.stock_in(product.variants[0].reference, 32)

    reports = [synced.sync() for _ in range(2)]

    assert [report.exit_code for report in reports] == [0, 0]
    assert {p for p in synced.problems() if variant.reference not in p} == set()
    assert article
    synced.assert_idle()


def test_a_row_of_ours_deleted_by_a_person(synced: World) -> None:
    """A specific price of ours that somebody deleted is made again when the promotion changes; nothing fails."""
    article = synced.quiet(sizes=2)[0]
    promotion = {
        "id": "H1",
        "name": "H",
        "kind": "amount",
        "value": "3.00",
        "price_list": None,
        "starts_at": "2026-11-01T00:00:00+01:00",
        "ends_at": None,
        "articles": [article["id"]],
        "skus": [],
    }
    synced.tell_lcv("promotions", promotion)
    synced.converge()
    for row in synced.product(article).rows:
        synced.tell_shop("delete", resource="specific_prices", id=row.id)
    synced.tell_lcv("promotions", {**promotion, "value": "4.00"})
    report = synced.sync()
    assert report.exit_code == 0

    synced.sync()

    assert synced.problems() == []
    synced.assert_idle()


def test_a_locked_product(synced: World) -> None:
    """Its card and photos are the person's; stock, prices and promotions go on; unlocked, LCV's card wins again."""
    article, product = _one(synced)
    _lock(synced, article, 1)
    synced.persons.locked.add(synced.reference(article))
    _edit(synced, product, name={"1": "Nom de la boutique", "2": "Shop's name"})
    synced.change_article(article["id"], name="Nom de LCV", attributes={}, photos=[], categories=[])
    synced.stock_in(article["variants"][0]["sku"], 19)
    synced.price_in(article["variants"][1]["sku"], "71.00")
    synced.converge()
    locked = synced.product(article).card
    assert locked.texts["name"] == {1: "Nom de la boutique", 2: "Shop's name"}
    assert locked.lists["product_features"] == product.card.lists["product_features"]
    assert locked.ids("images") == product.card.ids("images")

    synced.persons.locked.clear()
    synced.tell_lcv("articles", {**article, "name": "Nom de LCV"})
    _lock(synced, article, 0)

    synced.converge()


def _lock(world: World, article: Json, locked: int) -> None:
    with store_of(world.configuration()) as store, store.transaction():
        Bindings(store).set_product(article["id"], locked=locked)
        Mirror(store).mark([article["id"]])


def test_a_locked_product_whose_article_leaves(synced: World) -> None:
    """It has no stock and stays switched on: the card is the person's."""
    article, _ = _one(synced)
    _lock(synced, article, 1)
    synced.persons.locked.add(synced.reference(article))
    synced.change_article(article["id"], active=False)

    synced.converge()

    assert synced.product(article).card.fields["active"] == "1"


def test_the_category_of_locks(synced: World) -> None:
    """Products that a person puts into `lock_category` are locked as long as they are there."""
    article, product = _one(synced)
    synced.settings = {"catalogue": {"lock_category": 9}}
    synced.sync()
    _edit(synced, product, {"categories": [*product.card.ids("categories"), 9]})
    synced.change_article(article["id"], name="Nom de LCV")
    synced.sync()
    assert synced.product(article).card.texts["name"][1] == product.card.texts["name"][1]

    _edit(synced, product, {"categories": product.card.ids("categories")})
    synced.sync()

    assert synced.product(article).card.texts["name"][1] == "Nom de LCV"
    assert synced.problems() == []


def test_what_a_person_typed_is_kept_in_the_audit(synced: World) -> None:
    """A name that a person changed is overwritten when LCV's changes, and stands in the audit."""
    article, product = _one(synced)
    _edit(synced, product, name={"1": "Typé à la main", "2": "Typed"})
    synced.change_article(article["id"], name="Nom de LCV")

    synced.converge()

    audit = "".join(file.read_text("utf-8") for file in synced.directory.glob("audit-*.jsonl"))
    assert "Typé à la main" in audit


def test_the_daily_look_at_quantities(synced: World) -> None:
    """A quantity that somebody changed in the shop is LCV's again within a day."""
    _, product = _one(synced)
    variant = product.variants[0]
    row = synced.look().stock[product.card.id, variant.id]
    synced.tell_shop("edit", resource="stock_availables", id=row.id, fields={"quantity": 99})
    synced.advance(hours=1)
    synced.sync()
    synced.advance(hours=25)

    synced.sync()

    assert synced.problems() == []


def test_a_product_of_the_shop_with_our_reference(synced: World) -> None:
    """An article whose reference a product of the shop bears isn't made: it is reported, with how to link it."""
    article = synced.ordinary(colours=2)[0]
    foreign = synced.tell_shop(
        "create",
        resource="products",
        fields={"reference": "Étrangère-1", "name": {"1": "À nous", "2": "Ours"}, "price": "10", "state": 1},
    )["id"]
    synced.persons.foreign.add(foreign)
    before = synced.in_shop("products")[-1]
    variants = [{**v, "sku": f"X{place}", "ean": None} for place, v in enumerate(article["variants"])]
    synced.tell_lcv("articles", {**article, "id": "900004", "reference": "etrangere-1", "variants": variants})
    for variant in variants:
        synced.price_in(variant["sku"], "20.00")

    report = synced.sync()

    assert [item.key for item in report.skipped if item.reason == "reference_in_shop"] == ["etrangere-1"]
    assert synced.problems() == ["etrangere-1: missing"]
    assert synced.in_shop("products")[-1] == before
    synced.assert_idle()


def test_values_are_read_hourly(synced: World) -> None:
    """Somebody may have removed some: an hour later they are read, also where the settings were read meanwhile."""
    sku, seen = synced.in_lcv("stock")[0]["sku"], []
    for minutes, quantity in ((61, 5), (5, 6), (61, 7)):
        synced.advance(minutes=minutes)
        settings = synced.configuration()
        with store_of(settings) as store, shop_of(settings, synced.run_clock) as shop:
            shop_settings(shop, store, synced.run_clock.now())
        synced.stock_in(sku, quantity)
        synced.sync()
        seen.append([request.path for request in synced.shop.requests].count("/api/product_option_values"))

    assert seen == [1, 0, 1]
