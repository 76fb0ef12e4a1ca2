"""What real back offices hold besides ordinary articles, when it changes."""

from __future__ import annotations

import pytest

from .harness import World
from .oracle import Json


def _shown(made: World, name: str) -> list[Json]:
    """The articles that show an oddity."""
    return [made.article(identifier) for identifier in made.in_lcv("oddities")[name]]


def _withdraw(made: World, article: Json, how: str) -> None:
    if how == "prices":
        for variant in article["variants"]:
            made.price_in(variant["sku"], None)
    elif how == "unpublished":
        made.change_article(article["id"], web_stores=[])
    elif how == "expired":
        made.tell_lcv(f"articles/{article['id']}", method="DELETE")
        made.tell_lcv("expire-cursors", {"feed": "articles"})
    else:
        made.change_article(article["id"], brand="M999")
        made.map("brand", "M999", ["ignore"])


@pytest.mark.parametrize("how", ["prices", "unpublished", "expired", "ignored"])
def test_of_two_articles_with_one_reference_one_leaves(odd: World, how: str) -> None:
    """Neither was made; the other one is, as soon as only it is for sale and mapped."""
    _withdraw(odd, _shown(odd, "shared_reference")[1], how)
    odd.sync()  # it learns who is no longer sold, which concerns others

    odd.converge()


@pytest.mark.parametrize("how", ["prices", "unpublished", "expired"])
def test_of_two_variants_with_one_ean_one_leaves(odd: World, how: str) -> None:
    """The EAN was sent to none; the other variant gets it as soon as only it is for sale."""
    _withdraw(odd, _shown(odd, "shared_ean")[1], how)
    odd.sync()  # it learns who is no longer sold, which concerns others

    odd.converge()


def test_two_articles_come_to_share_a_reference(odd: World) -> None:
    """Products that exist go on, both are reported, no third one is made."""
    first, second = odd.ordinary(2)
    before = set(odd.look().products)
    odd.change_article(second["id"], reference=first["reference"], name="Jumeau")
    odd.stock_in(second["variants"][0]["sku"], 12)
    odd.stock_in(first["variants"][0]["sku"], 13)

    odd.sync()

    shown = odd.look()
    assert set(shown.products) == before
    quantities = {v.reference: v.quantity for product in shown.products.values() for v in product.variants}
    assert quantities[second["variants"][0]["sku"]] == 12
    assert quantities[first["variants"][0]["sku"]] == 13
    odd.assert_idle()


def test_variants_become_distinct(odd: World) -> None:
    """The article that was left out is made once its attribute is mapped."""
    odd.map("attribute", "finition", ["4"])

    odd.converge()


def test_no_price_gets_one_and_no_photo_gets_one(odd: World) -> None:
    """What waited for LCV comes in by itself."""
    for name in ("no_price", "price_zero"):
        for variant in _shown(odd, name)[0]["variants"]:
            odd.price_in(variant["sku"], "59.00")
    bare = _shown(odd, "no_photo")[0]
    odd.change_article(
        bare["id"], photos=[{"id": "P", "sha256": odd.sha256_of("P", "#998877"), "position": 1, "attributes": {}}]
    )
    odd.change_article(_shown(odd, "not_published")[0]["id"], web_stores=["WEB"])
    odd.change_article(_shown(odd, "inactive")[0]["id"], active=True)

    odd.converge()


@pytest.mark.parametrize("restart", ["articles", "stock", "prices", "promotions"])
def test_a_feed_read_again_costs_the_shop_nothing(odd: World, restart: str) -> None:
    """Every cursor expired and nothing else changed: the feed is read from 0 and the shop isn't asked."""
    odd.tell_lcv("expire-cursors", {"feed": restart})
    if restart == "articles":
        article = odd.ordinary()[0]
        odd.tell_lcv("articles", {**article, "season": "Été 2031"})
    elif restart == "stock":
        odd.tell_lcv("stock", {"sku": odd.ordinary()[0]["variants"][0]["sku"], "store": "LIL", "quantity": 3})
    elif restart == "prices":
        odd.tell_lcv("prices", {"sku": "unknown", "price_list": "WEB", "price_incl_tax": "3.00"})
    else:
        odd.tell_lcv("promotions", {**odd.in_lcv("promotions")[0], "articles": [], "skus": [], "id": "NEW"})

    report = odd.sync()

    assert report.changes == {}
    assert odd.problems() == []


REASONS = {
    "no_active_variant": "no_active_variant",
    "no_price": "price_missing",
    "price_zero": "price_missing",
    "shared_reference": "reference_shared",
    "shared_ean": "ean_shared",
    "size_outside_grid": "size_not_in_grid",
    "no_photo": "photo_missing",
    "broken_photo": "photo_unusable",
    "indistinct_variants": "variants_indistinct",
    "missing_photo": "photo_unavailable",
}


def test_every_oddity_is_reported(odd: World) -> None:
    """A change of the article says again what is wrong with it."""
    shown = {name: _shown(odd, name) for name in REASONS}
    for articles in shown.values():
        for article in articles:
            odd.change_article(article["id"], short_description="<p>Nouvelle accroche.</p>")
    odd.advance(hours=30)

    report = odd.sync()

    for name, articles in shown.items():
        keys = {each["reference"] for each in articles}
        keys |= {variant["sku"] for each in articles for variant in each["variants"]}
        keys |= {photo["id"] for each in articles for photo in each["photos"]}
        said = [item for item in report.skipped if item.reason == REASONS[name] and item.key in keys]
        assert said, (name, sorted({item.reason for item in report.skipped}))
        assert all(item.cure for item in said)
    assert odd.problems() == []
