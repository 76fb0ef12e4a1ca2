"""Complete mode from nothing: the first run makes exactly the shop that the oracle reckons, the second does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .harness import First, default_rules, world
from .oracle import Rules

EVERY_ODDITY = 60
"""So many articles have them all."""


@pytest.fixture(
    scope="module",
    params=[
        ("8.2.1", EVERY_ODDITY),
        ("1.7.8.11", 20),
        pytest.param(("1.7.8.11", EVERY_ODDITY), marks=pytest.mark.deep),
    ],
    ids=lambda made_for: f"{made_for[0]}-{made_for[1]}",
)
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    """Articles, 60 of them with every oddity, sent to a shop with its demo products."""
    version, articles = request.param
    if version == "8.2.1":
        yield request.getfixturevalue("first_of_all")
        return
    with world(tmp_path_factory.mktemp("first"), version=version, articles=articles) as made:
        yield First.of(made)


def test_the_shop_is_as_the_oracle_says(first: First) -> None:
    """Products, combinations, prices at every edge of a promotion, stock, photos: all there, once, and nothing else."""
    first.world.restore()

    assert first.report.exit_code == 0
    assert first.world.problems(in_order=True) == []


def test_the_second_run_does_nothing(first: First) -> None:
    """It costs one request to LCV, and the shop isn't asked anything."""
    first.world.restore()
    before = first.world.shop_dump()

    first.world.assert_idle()

    assert first.world.shop_dump() == before


def test_what_is_not_ours_is_untouched(first: First) -> None:
    """The demo products, their combinations, stock, prices and images, and all settings are as they were."""
    first.world.restore()
    after, foreign = first.world.shop_dump(), first.world.persons.foreign

    assert _of(after, foreign) == _of(first.before, foreign)


def _of(dump: Any, products: set[int]) -> dict[str, Any]:
    """What a dump holds of *products*, and of everything that belongs to no product."""
    kept: dict[str, Any] = {}
    for name, rows in dump.items():
        if name in ("product_option_values", "product_feature_values", "manufacturers", "specific_prices"):
            known = {row["id"] for row in rows if int(row["id"]) <= 25 and name != "specific_prices"}
            kept[name] = [row for row in rows if row["id"] in known and name == "product_option_values"]
        elif name == "products":
            kept[name] = [_sorted(row) for row in rows if int(row["id"]) in products]
        elif rows and "id_product" in rows[0]:
            kept[name] = [row for row in rows if int(row["id_product"]) in products]
        elif name not in ("categories", "product_options", "product_features"):
            kept[name] = rows
    return kept


def _sorted(product: dict[str, Any]) -> dict[str, Any]:
    """Without the order of its associations, which is the database's."""
    lists = {name: sorted(map(str, items)) for name, items in product["associations"].items()}
    return {**product, "associations": lists}


def test_everything_left_out_is_named(first: First) -> None:
    """Each article that isn't in the shop, and each variant that isn't sold, is reported with a reason and a cure."""
    first.world.restore()
    wanted = first.world.expected()
    named = {item.key for item in first.report.skipped}

    assert set(wanted.frozen) <= named
    assert all(item.cure for item in first.report.skipped if item.kind in ("article", "product"))


def test_a_resync_finds_nothing_to_change(first: First) -> None:
    """Everything read from LCV again and compared with the shop itself: what was sent is what is there."""
    first.world.restore()
    first.world.mark_resync()

    report = first.world.sync()

    assert report.exit_code == 0
    assert report.changes == {}
    assert first.world.problems(in_order=True) == []
    first.world.assert_idle()


def _few_rules(**options: Any) -> Rules:
    rules = default_rules()
    for name, value in options.items():
        setattr(rules, name, value)
    return rules


@pytest.mark.parametrize(
    ("articles", "options"),
    [
        pytest.param(20, {"hide": True, "safety_stock": 2, "require_photo": False}, id="hidden-without-stock"),
        pytest.param(60, {"colour_group": 2, "remove_variants": True}, id="generic-colours"),
        pytest.param(20, {"discriminating": ("coloris",)}, id="product-by-colour"),
    ],
)
def test_options_from_the_first_run_on(tmp_path: Any, articles: int, options: dict[str, Any]) -> None:
    """With other options the first run makes another shop, whole and at once, and the second does nothing."""
    with world(tmp_path, articles=articles, rules=_few_rules(**options)) as made:
        made.converge(in_order=True)


def test_french_only(tmp_path: Any) -> None:
    """Languages that aren't LCV's get its texts at creation, inactive ones too, and keep what a person writes then."""
    rules = _few_rules(languages=(1,))
    with world(tmp_path, articles=8, rules=rules, prestashop={"languages": ("fr",)}) as made:
        made.tell_shop("settings", languages={"2": False})
        made.sync()
        made.tell_shop("settings", languages={"2": True})
        article = made.ordinary(1, sizes=1)[0]
        product = next(p for p in made.look().products.values() if p.card.fields["reference"] == article["reference"])
        assert product.card.texts["name"] == {1: article["name"], 2: article["name"]}
        assert product.card.texts["description"][2]
        texts = {name: {"1": product.card.texts[name][1], "2": "In English"} for name in ("name", "description")}
        made.tell_shop("edit", resource="products", id=product.card.id, fields=texts)
        made.change_article(article["id"], name="Robe Rebaptisée", description="<p>Autre texte, plus long.</p>")

        made.converge()

        card = made.look().products[product.card.id].card
        assert card.texts["name"] == {1: "Robe Rebaptisée", 2: "In English"}
        assert card.texts["description"][2] == "In English"
