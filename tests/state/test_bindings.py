"""What is ours in the shop: written once, read back the same, forgotten whole."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lcvsync.domain.catalogue import Article as LcvArticle
from lcvsync.domain.catalogue import ArticleId, Rfs, Sku, Variant
from lcvsync.planning.known import BoundProduct, Origin
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty state."""
    opened = open_store(tmp_path)
    opened.db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    yield opened
    opened.close()


@pytest.fixture
def bindings(store: Store) -> Bindings:
    """One product with two variants, two photos and a promotion."""
    found = Bindings(store)
    with store.transaction():
        found.add_product(
            "A", 20, "A", Origin.MADE, written={"reference": "REF-A", "brand": 3, "features": [[1, "Lin"]]}
        )
        found.add_variant("A-1", "A", 41, written={"price": "0", "options": [[1, "S"]]})
        found.add_variant("A-2", "A", 42, stock_row=9, written={"quantity": 4})
        found.add_image("A", "face", "a" * 64, 5)
        found.add_image("A", "dos", "b" * 64, 0, "broken")
        found.add_promotion(
            7, "A", "A-1", {"starts": "2027-01-01 00:00:00", "ends": "", "kind": "amount", "value": "5.00"}
        )
    return found


def get(bindings: Bindings, key: str = "A") -> BoundProduct:
    """A product that is there."""
    found = bindings.product(key)
    assert found is not None
    return found


def test_round_trip(bindings: Bindings) -> None:
    """A product comes back with everything of it."""
    product = get(bindings)

    assert (product.id, product.article, product.origin, product.ready, product.locked) == (
        20,
        "A",
        Origin.MADE,
        False,
        False,
    )
    assert product.written == {"reference": "REF-A", "brand": 3, "features": [[1, "Lin"]]}
    assert {v.sku: (v.combination, v.stock_row, v.written) for v in product.variants.values()} == {
        "A-1": (41, 0, {"price": "0", "options": [[1, "S"]]}),
        "A-2": (42, 9, {"quantity": 4}),
    }
    assert {image.photo: (image.image, image.error) for image in product.images.values()} == {
        "face": (5, ""),
        "dos": (0, "broken"),
    }
    [promotion] = product.promotions
    assert (promotion.id, promotion.sku, promotion.kind, promotion.value) == (7, "A-1", "amount", Decimal("5.00"))
    assert bindings.by_shop_id(20) == product == bindings.product("A")


def test_written_fields_are_merged(bindings: Bindings, store: Store) -> None:
    """What is written later replaces its field alone; lists and texts are replaced whole, None forgets."""
    with store.transaction():
        bindings.wrote_product("A", {"features": [], "name": "L'été à 100 %", "brand": None})
        bindings.wrote_variant("A-2", {"price": "1.5"})
        bindings.set_stock_row("A-1", 8, -2)

    assert get(bindings).written == {"reference": "REF-A", "features": [], "name": "L'été à 100 %"}
    assert get(bindings).variants[Sku("A-2")].written == {"quantity": 4, "price": "1.5"}
    assert bindings.stock_rows(0) == [(8, "A-1", -2), (9, "A-2", 4)]
    assert [row for row, _, _ in (*bindings.stock_rows(7, 8), *bindings.stock_rows(8))] == [8, 9]


def test_gone(bindings: Bindings, store: Store) -> None:
    """A product that the shop deleted has no id to write to and no stock rows, but isn't forgotten."""
    with store.transaction():
        bindings.set_product("A", gone=1)

    assert bindings.product_id("A") == 0
    assert bindings.stock_rows(0) == []
    assert (bindings.product_keys(), bindings.product_keys(gone=True)) == ([], [("A", 20)])
    assert get(bindings).gone


def test_made_again(bindings: Bindings, store: Store) -> None:
    """Binding a key anew leaves nothing of what was there before."""
    with store.transaction():
        bindings.add_product("A", 30, "A", Origin.MADE, written={"reference": "REF-A"})

    product = get(bindings)
    assert (product.id, product.variants, product.images, product.promotions) == (30, {}, {}, [])
    assert bindings.variant("A-1") is None


def test_rename(bindings: Bindings, store: Store) -> None:
    """Another key, and everything goes with it."""
    before = get(bindings)
    with store.transaction():
        bindings.rename_product("A", "A|moutarde")

    after = get(bindings, "A|moutarde")
    assert bindings.product("A") is None
    assert (after.id, after.images, after.promotions) == (before.id, before.images, before.promotions)
    assert after.variants.keys() == before.variants.keys()


def test_images(bindings: Bindings, store: Store) -> None:
    """A newer image makes the older one obsolete; one that can't be used doesn't lose it."""
    with store.transaction():
        bindings.add_image("A", "face", "c" * 64, 0, "too large")
    assert bindings.image_of("A", "face") == 5
    with store.transaction():
        bindings.add_image("A", "face", "d" * 64, 6)
    assert (bindings.image_of("A", "face"), list(get(bindings).obsolete_images)) == (6, [5])
    assert bindings.is_obsolete("A", 5)
    assert not bindings.is_obsolete("A", 6)
    with store.transaction():
        bindings.forget_image("A", 5)

    assert list(get(bindings).obsolete_images) == []
    assert bindings.images_of("A") == [6]
    assert (bindings.photo_of("A", 6), bindings.photo_of("A", 99)) == ("face", "")


def test_products_of_an_article(bindings: Bindings, store: Store) -> None:
    """An article's products are its own, and those in which one of its variants stands."""
    mirror = Mirror(store)
    with store.transaction():
        bindings.add_product("link:9", 9, "B", Origin.LINKED, written={}, locked=True)
        bindings.add_variant("A-3", "link:9", 61, written={})
        skus = tuple(Variant(Sku(f"A-{n}"), None, None) for n in (1, 2, 3))
        mirror.put_article(LcvArticle(ArticleId("A"), 1, "A", "Robe", Rfs("F"), Decimal(20), variants=skus))

    assert [product.key for product in bindings.products_of("A")] == ["A", "link:9"]
    assert [product.key for product in bindings.products_of("B")] == ["link:9"]
    assert get(bindings, "link:9").ready


def test_values(bindings: Bindings, store: Store) -> None:
    """Values are known as the shop's database compares them, the first spelling stays; a group is read anew whole."""
    with store.transaction():
        bindings.add_value("option", 1, "Écru", 5)
        bindings.add_value("option", 1, "ECRU ", 6)
        bindings.add_value("option", 2, "Écru", 7)
        bindings.add_value("feature", 1, "Écru", 8)
    assert bindings.values() == {("option", 1, "ecru"): 5, ("option", 2, "ecru"): 7, ("feature", 1, "ecru"): 8}

    with store.transaction():
        bindings.replace_values("option", [1], [(1, "Noir", 9)])
    assert bindings.values() == {("option", 1, "noir"): 9, ("option", 2, "ecru"): 7, ("feature", 1, "ecru"): 8}


def test_unfinished_transaction(bindings: Bindings, store: Store) -> None:
    """What is bound in a transaction that fails is not bound."""

    def forget() -> None:
        with store.transaction():
            bindings.forget_product("A")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        forget()

    assert len(get(bindings).variants) == 2
