"""Cards, photos, variants, mappings and options that change: the shop follows, and only what changed is written."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from .harness import World
from .oracle import Json

CARD = {"PATCH products"}
VALUES = {"POST product_option_values", "POST product_feature_values", "POST manufacturers"}
STOCK = {"PATCH stock_availables"}


# -- cards -------------------------------------------------------------------------------------------------------------

CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"name": "Robe Rebaptisée"}, CARD),
    ({"description": "<p>Un tout autre texte, avec <em>emphase</em>.</p>"}, CARD),
    ({"brand": "M002"}, CARD | {"POST manufacturers"}),
    ({"categories": ["COL-RIVIERA", "OCC-BUREAU"]}, CARD),
    ({"attributes": {"matiere": "Cuir d'ortie", "entretien": "Jamais"}}, CARD | VALUES),
    ({"weight_kg": "1.250"}, CARD),
    ({"supplier_reference": "NEUF-1", "reference": "NEUVE-00001"}, CARD),
    ({"department": {"rayon": "A", "famille": "10", "sous_famille": "01"}}, CARD),
]


@pytest.mark.parametrize(
    ("members", "written"), CHANGES, ids=lambda value: "-".join(sorted(value)) if len(value) < 3 else None
)
def test_a_member_of_the_card_changes(synced: World, members: dict[str, Any], written: set[str]) -> None:
    """The product takes LCV's new value; combinations, stock, prices and other products are left alone."""
    article = synced.ordinary()[0]
    synced.change_article(article["id"], **members)

    report = synced.converge()

    assert synced.written() <= written
    assert sum(r.entities or 0 for r in synced.writes() if r.path == "/api/products") <= 1
    assert report.exit_code == 0


def test_what_lcv_no_longer_has_stays(synced: World) -> None:
    """A description, a brand or a weight that LCV empties isn't taken from the shop: LCV wins when it has a value."""
    article = synced.ordinary()[0]
    before = synced.product(article)
    empty = {"description": None, "short_description": None, "supplier_reference": None, "brand": None}
    synced.change_article(article["id"], **empty)

    report = synced.sync()

    after = synced.product(article)
    assert report.changes == {}
    assert after.card.texts == before.card.texts
    assert after.brand == before.brand


def test_eans_and_weights_of_variants_change(synced: World) -> None:
    """They go to the combinations alone."""
    article = synced.ordinary()[0]
    variants = [
        {**v, "ean": f"37699{place:08d}", "weight_kg": f"0.{place + 2}50"}
        for place, v in enumerate(article["variants"])
    ]
    synced.change_article(article["id"], variants=variants)

    synced.converge()

    assert synced.written() <= {"PATCH products", "PATCH combinations"}


def test_the_label_of_a_size_changes(synced: World) -> None:
    """The combinations get the size by its new name."""
    grids = synced.in_lcv("tables")["size_grids"]
    grid = next(grid for grid in grids if grid["code"] == synced.ordinary()[0]["size_grid"])
    synced.tell_lcv(
        "tables",
        {"size_grids": [{**grid, "sizes": [{**size, "label": f"Taille {size['label']}"} for size in grid["sizes"]]}]},
    )

    synced.converge()

    assert synced.written() <= {"POST product_option_values", "PATCH combinations"}


# -- variants ----------------------------------------------------------------------------------------------------------


def _more(world: World, article: Json, **members: Any) -> Json:
    """A variant more, with price and stock."""
    variant = {**article["variants"][-1], "sku": f"{article['id']}-NEUF", "ean": "3769999999999", **members}
    world.change_article(article["id"], variants=[*article["variants"], variant])
    world.price_in(variant["sku"], "66.60")
    world.stock_in(variant["sku"], 6)
    return variant


def test_a_variant_is_added(synced: World) -> None:
    """A new colour of an article becomes a combination, with its value, price and stock; it is on sale at once."""
    article = synced.ordinary()[0]
    _more(synced, article, attributes={"coloris": "Ultraviolet"})

    synced.converge()

    allowed = {
        "POST product_option_values",
        "POST combinations",
        "PATCH stock_availables",
        "POST specific_prices",
        "PATCH specific_prices",
        "DELETE specific_prices",
        "PATCH products",
    }
    assert synced.written() <= allowed
    assert [r.entities for r in synced.writes() if r.path == "/api/combinations"] == [1]


@pytest.mark.parametrize(
    ("remove", "how", "place"),
    [(False, "removed", 0), (False, "inactive", -1), (True, "removed", -1), (True, "inactive", 0)],
)
def test_a_variant_is_no_longer_sold(synced: World, remove: bool, how: str, place: int) -> None:
    """It has no stock from then on; its combination goes only where `remove_variants` says so. It may come back."""
    synced.rules.remove_variants = remove
    article = synced.ordinary()[0]
    variants = [dict(variant) for variant in article["variants"]]
    if how == "removed":
        del variants[place]
    else:
        variants[place]["active"] = False
    synced.change_article(article["id"], variants=variants)
    synced.converge()
    there = {variant.reference for variant in synced.product(article).variants}
    assert (article["variants"][place]["sku"] in there) is not remove

    synced.change_article(article["id"], variants=article["variants"])

    synced.converge()


def test_the_default_variant_goes_while_another_comes(synced: World) -> None:
    """The default combination is one that is for sale, and the product carries its price."""
    article = synced.ordinary()[0]
    for variant in article["variants"]:
        synced.stock_in(variant["sku"], 0)
    old = [{**variant, "active": place > 0} for place, variant in enumerate(article["variants"])]
    _more(synced, {**article, "variants": old}, attributes={"coloris": "Ultraviolet"})

    synced.converge()


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"web_stores": []}, {"variants": []}, {}],
    ids=["inactive", "unpublished", "empty", "deleted"],
)
def test_an_article_leaves_and_comes_back(synced: World, change: dict[str, Any]) -> None:
    """Its product is switched off and has no stock, never deleted; it is on again when the article is back."""
    article = synced.ordinary()[0]
    product = synced.product(article)
    if change:
        synced.change_article(article["id"], **change)
    else:
        synced.tell_lcv(f"articles/{article['id']}", method="DELETE")
    synced.converge()
    gone = synced.look().products[product.card.id]
    assert gone.card.fields["active"] == "0"
    assert len(gone.variants) == len(product.variants)

    synced.tell_lcv("articles", article)

    synced.converge()
    assert synced.product(article).card.id == product.card.id


def test_a_new_article(synced: World) -> None:
    """It becomes a product; what is there already isn't touched."""
    before = {key: product.card.fields["date_upd"] for key, product in synced.look().products.items()}
    article = synced.ordinary()[0]
    sku = {variant["sku"]: f"NEUF{place}" for place, variant in enumerate(article["variants"])}
    variants = [{**v, "sku": sku[v["sku"]], "ean": None} for v in article["variants"]]
    photos = [{**photo, "id": f"NEUVE{place}"} for place, photo in enumerate(article["photos"])]
    for photo in photos:
        photo["sha256"] = hashlib.sha256(synced.add_photo(photo["id"], "#334455")).hexdigest()
    synced.tell_lcv(
        "articles", {**article, "id": "900001", "reference": "NEUF", "variants": variants, "photos": photos}
    )
    for old, new in sku.items():
        synced.price_in(new, "45.00")
        synced.stock_in(new, 3)
        assert old

    synced.advance(minutes=5)
    synced.converge(in_order=True)

    after = synced.look().products
    assert {key: after[key].card.fields["date_upd"] for key in before} == before


def test_an_article_without_sizes_gets_a_second_variant(synced: World) -> None:
    """Its product would have to be cut anew: that waits and is reported; until then stock and prices go on."""
    article = synced.ordinary()[0]
    single = {**article["variants"][0], "sku": "UNIQUE", "ean": None, "size": None, "attributes": {}}
    photo = {**article["photos"][0], "attributes": {}}
    one = {**article, "id": "900002", "reference": "UNIQUE", "size_grid": None, "variants": [single], "photos": [photo]}
    synced.tell_lcv("articles", one)
    synced.price_in("UNIQUE", "15.00")
    synced.stock_in("UNIQUE", 4)
    synced.converge()
    synced.tell_lcv(
        "articles", {**one, "variants": [single, {**single, "sku": "SECOND", "attributes": {"coloris": "Noir"}}]}
    )
    synced.price_in("SECOND", "15.00")
    synced.stock_in("SECOND", 9)
    synced.stock_in("UNIQUE", 2)

    report = synced.sync()

    assert "recut_needed" in {item.reason for item in report.skipped}
    assert synced.product(one).total == 2
    synced.assert_idle()


# -- mappings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "targets"),
    [
        ("rfs", "F/20/*", ["6"]),
        ("rfs", "*", ["9"]),
        ("category", "OCC-FETES", ["6"]),
        ("feature", "origine", ["2"]),
        ("feature", "matiere", None),
        ("brand", "*", ["1"]),
        ("vat", "20", ["2"]),
    ],
)
def test_a_mapping_changes(synced: World, kind: str, code: str, targets: list[str] | None) -> None:
    """The products concerned follow at the next run; others aren't written."""
    if kind == "feature" and code == "origine":
        synced.map("feature", "entretien", None)
    synced.map(kind, code, targets)

    report = synced.converge()

    assert report.exit_code == 0
    assert synced.written() <= {"PATCH products", "PATCH combinations", "POST product_feature_values"}


@pytest.mark.parametrize(
    ("kind", "targets"), [("rfs", ["ignore"]), ("brand", None), ("size-grid", ["ignore"]), ("vat", None)]
)
def test_products_whose_mapping_is_taken_away_are_frozen(synced: World, kind: str, targets: list[str] | None) -> None:
    """The card stays, stock and prices go on, and why is reported; the mapping given back, the card follows."""
    rows = dict(synced.rules.mappings[kind])
    for code in rows:
        synced.map(kind, code, targets)
    article = synced.ordinary()[0]
    before = synced.product(article).card.texts
    synced.change_article(article["id"], name="Un nom qui attend")
    synced.stock_in(article["variants"][0]["sku"], 42)
    synced.price_in(article["variants"][1]["sku"], "99.99")

    report = synced.converge()

    reason = f"{kind.replace('-', '_')}_{'ignored' if targets else 'unmapped'}"
    assert {item.reason for item in report.skipped if item.key == article["reference"]} == {reason}
    assert synced.product(article).card.texts == before
    for code, kept in rows.items():
        synced.map(kind, code, kept)
    synced.converge()


def test_what_would_cut_products_anew_waits(synced: World) -> None:
    """Another attribute group isn't used for products that exist: nothing is written, and the way is said."""
    synced.map("attribute", "coloris", ["4"])

    report = synced.sync()

    assert report.changes == {}
    assert "recut_needed" in {item.reason for item in report.skipped}
    synced.assert_idle()


def test_colours_people_map(synced: World) -> None:
    """Generic colours replace the names in their group; one mapped to `ignore` keeps its own."""
    synced.rules.colour_group = 2
    synced.converge()
    colour = synced.ordinary()[0]["variants"][0]["attributes"]["coloris"]
    synced.map("colour", colour.casefold(), ["ignore"])
    synced.rules.mappings["colour"] = {colour.casefold(): ["ignore"]}

    synced.converge()

    assert synced.written() <= {"POST product_option_values", "PATCH combinations"}


# -- options -----------------------------------------------------------------------------------------------------------


def test_hidden_without_stock_and_shown_again(synced: World) -> None:
    """`out_of_stock = hide`: no visibility without stock; what it was comes back with stock, or with `show`."""
    first, second = synced.ordinary(2)
    for article in (first, second):
        for variant in article["variants"]:
            synced.stock_in(variant["sku"], 0)
    synced.converge()
    synced.rules.hide = True
    synced.converge()
    assert synced.written() == {"PATCH products"}
    synced.stock_in(first["variants"][0]["sku"], 2)
    synced.converge()
    assert synced.written() == {"PATCH products", "PATCH stock_availables"}

    synced.rules.hide = False

    synced.converge()
    assert synced.written() == {"PATCH products"}


def test_a_product_without_photo(synced: World) -> None:
    """It waits, inactive, with its reason; without `require_photo` it is shown; one that was shown stays shown."""
    article = synced.ordinary()[0]
    skus = [f"SANS{place}" for place, _ in enumerate(article["variants"])]
    variants = [{**v, "sku": sku, "ean": None} for v, sku in zip(article["variants"], skus, strict=True)]
    synced.tell_lcv("articles", {**article, "id": "900003", "reference": "SANS", "variants": variants, "photos": []})
    for sku in skus:
        synced.price_in(sku, "45.00")
    report = synced.converge()
    assert "photo_missing" in {item.reason for item in report.skipped if item.key == "SANS"}

    synced.rules.require_photo = False

    synced.converge()


FIELDS = (
    "name",
    "description",
    "brand",
    "categories",
    "features",
    "photos",
    "weight",
    "ean",
    "supplier_reference",
    "short_description",
    "reference",
    "attributes",
)


def test_fields_that_are_sent_once(synced: World) -> None:
    """Policy `create`: what LCV changes later isn't sent to products that exist, and is to new ones."""
    synced.rules.sent_once = frozenset(FIELDS)
    synced.sync()
    article = synced.ordinary()[0]
    before = synced.product(article)
    changed = {
        "name": "X",
        "description": "X",
        "brand": "M001",
        "categories": [],
        "attributes": {},
        "photos": [],
        "weight_kg": "9.9",
        "supplier_reference": "X",
    }
    synced.change_article(article["id"], **changed)

    report = synced.sync()

    assert report.changes == {}
    after = synced.product(article)
    assert (after.card, after.brand) == (before.card, before.brand)
    synced.assert_idle()


def test_the_policy_is_sync_again(synced: World) -> None:
    """Back to `sync`, LCV's values win again."""
    synced.rules.sent_once = frozenset(FIELDS)
    synced.sync()
    article = synced.ordinary()[0]
    synced.change_article(article["id"], name="Robe Neuve", weight_kg="2.000", photos=article["photos"][:1])
    synced.sync()

    synced.rules.sent_once = frozenset()

    synced.converge()
