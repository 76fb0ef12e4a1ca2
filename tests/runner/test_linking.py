"""Linking what was in the shop before: by EAN, by reference, by hand; never guessed, never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lcvsync.domain.catalogue import Article, Feed
from lcvsync.errors import ConfigurationError
from lcvsync.planning.known import BoundProduct, Origin
from lcvsync.runner.linking import Link, Linker
from lcvsync.runner.takeover import Found, Takeover

from .support import Workshop, article, fill, photo, settle, variant, workshop

EANS = [f"37000000000{n:02}" for n in range(20)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """PrestaShop's demo products; LCV has A in three sizes, B in one, C in one."""
    with workshop(tmp_path) as made:
        fill(
            made.mirror,
            made.store,
            article("A", *(variant(f"A-{n}", EANS[n], size="38") for n in (1, 2, 3)), reference="REF-A"),
            article("B", variant("B-1", EANS[4])),
            article("C", variant("C-1", EANS[5])),
        )
        settle(made.mirror, made.store)
        with made.store.transaction():
            made.mirror.finish(Feed.ARTICLES)
        yield made


@pytest.fixture
def linker(bench: Workshop) -> Linker:
    """The linker."""
    return Linker(bench.shop, bench.store)


def by_ean(bench: Workshop) -> Found:
    """What EANs alone prove."""
    return Takeover(bench.shop, bench.store, "WEB").by_ean()


def ean(bench: Workshop, resource: str, identifier: int, number: int) -> None:
    """Somebody types an EAN in the shop."""
    bench.person("edit", resource=resource, id=identifier, fields={"ean13": EANS[number]})


def get(bench: Workshop, key: str) -> BoundProduct:
    """A product that is linked."""
    found = bench.bindings.product(key)
    assert found is not None
    return found


def one(bench: Workshop, identifier: str) -> Article:
    """An article of LCV's."""
    found = bench.mirror.article(identifier)
    assert found is not None
    return found[0]


class TestByEan:
    """An EAN that exactly one record of each side bears."""

    def test_exact(self, bench: Workshop, linker: Linker) -> None:
        """Combinations and products without combinations are found, and only by their EAN."""
        ean(bench, "combinations", 9, 1)
        ean(bench, "combinations", 10, 2)
        ean(bench, "products", 6, 4)

        found = by_ean(bench)

        assert (found.links, found.ambiguous) == ([Link("A-1", 2, 9), Link("A-2", 2, 10), Link("B-1", 6)], [])
        assert linker.link(found.links) == 3
        assert by_ean(bench).links == []

    def test_the_product_of_combinations_has_none(self, bench: Workshop, linker: Linker) -> None:
        """The EAN of a product that has combinations sells nothing: it is no match."""
        ean(bench, "products", 1, 1)

        assert by_ean(bench).links == []

    def test_ambiguous_in_the_shop(self, bench: Workshop, linker: Linker) -> None:
        """Two records of the shop with one EAN are listed, not guessed."""
        ean(bench, "combinations", 9, 1)
        ean(bench, "combinations", 13, 1)

        assert (by_ean(bench).links, by_ean(bench).ambiguous) == ([], [EANS[1]])

    def test_ambiguous_in_lcv(self, bench: Workshop, linker: Linker) -> None:
        """Nor are two variants of LCV's."""
        fill(bench.mirror, bench.store, article("D", variant("D-1", EANS[1])))
        ean(bench, "combinations", 9, 1)

        assert (by_ean(bench).links, by_ean(bench).ambiguous) == ([], [EANS[1]])

    def test_special_products(self, bench: Workshop, linker: Linker) -> None:
        """A pack, a virtual and a customisable product are left, and hold up no other."""
        ean(bench, "products", 15, 1)
        ean(bench, "products", 12, 2)
        ean(bench, "products", 19, 4)
        ean(bench, "products", 6, 5)

        found = by_ean(bench)

        assert (found.links, found.special) == ([Link("C-1", 6)], sorted([EANS[1], EANS[2], EANS[4]]))
        assert linker.link(found.links) == 1

    def test_what_is_no_ean(self, bench: Workshop, linker: Linker) -> None:
        """Empty and short codes match nothing."""
        fill(bench.mirror, bench.store, article("D", variant("D-1", ""), variant("D-2", "12345")))
        bench.person("edit", resource="products", id=7, fields={"ean13": "12345"})

        assert by_ean(bench) == Found()

    def test_a_product_linked_in_part(self, bench: Workshop, linker: Linker) -> None:
        """The other combinations of a linked product are found later, when they get their EAN."""
        linker.link([Link("A-1", 2, 9)])
        ean(bench, "combinations", 9, 1)
        ean(bench, "combinations", 10, 2)

        assert by_ean(bench).links == [Link("A-2", 2, 10)]


class TestMatch:
    """An article against one product that a person named."""

    def test_by_ean_then_reference(self, bench: Workshop, linker: Linker) -> None:
        """EAN first, else the combination's reference is the sku; what doesn't match stays unlinked."""
        ean(bench, "combinations", 12, 1)
        bench.person("edit", resource="combinations", id=10, fields={"reference": "A-2"})

        assert linker.match(one(bench, "A"), 2) == [Link("A-1", 2, 12), Link("A-2", 2, 10)]

    def test_simple(self, linker: Linker, bench: Workshop) -> None:
        """A product without combinations stands for an article of one variant."""
        assert linker.match(one(bench, "B"), 6) == [Link("B-1", 6)]

    def test_nothing_fits(self, linker: Linker, bench: Workshop) -> None:
        """The message has what the product has, and the command that names one."""
        with pytest.raises(ConfigurationError, match=r"9 \(demo_3\)") as refusal:
            linker.match(one(bench, "A"), 2)
        assert refusal.value.cure == "lcvsync product link SKU 2/COMBINATION"

    def test_several_variants_and_no_combinations(self, linker: Linker, bench: Workshop) -> None:
        """Three sizes can't be one simple product."""
        with pytest.raises(ConfigurationError, match="no combinations, REF-A has 3 variants"):
            linker.match(one(bench, "A"), 6)

    def test_no_such_product(self, linker: Linker, bench: Workshop) -> None:
        """A product that isn't there is what the message says."""
        for identifier in ("A", "B"):
            with pytest.raises(ConfigurationError, match="the shop has no product 999"):
                linker.link(linker.match(one(bench, identifier), 999))

    def test_two_variants_of_one_ean(self, linker: Linker, bench: Workshop) -> None:
        """Two variants never share a combination."""
        fill(
            bench.mirror,
            bench.store,
            article("D", variant("D-1", EANS[7]), variant("D-2", EANS[7]), variant("D-3", EANS[8])),
        )
        ean(bench, "combinations", 9, 7)
        ean(bench, "combinations", 10, 8)

        assert linker.match(one(bench, "D"), 2) == [Link("D-3", 2, 10)]


class TestLink:
    """Bound, locked, and what is remembered of it."""

    def test_part_of_a_product(self, bench: Workshop, linker: Linker) -> None:
        """With combinations left unlinked the base price is theirs too; card, price and stock are as found."""
        assert linker.link([Link("A-1", 3, 13), Link("A-2", 3, 14)]) == 2

        product = get(bench, "link:3")
        assert (product.id, product.origin, product.locked, product.ready, product.simple) == (
            3,
            Origin.LINKED,
            True,
            True,
            False,
        )
        assert (product.base_fixed, product.default_sku, product.article) == (True, "A-1", "A")
        assert product.written == {"price": "29.000000", "tax": 1, "reference": "demo_6"}
        variants = {
            sku: (v.combination, v.stock_row, v.written["quantity"], v.written["price"])
            for sku, v in product.variants.items()
        }
        assert variants == {"A-1": (13, 32, 900, "0.000000"), "A-2": (14, 33, 300, "20.000000")}
        assert bench.mirror.dirty("", 9) == ["A"]

    def test_the_rest_of_it(self, bench: Workshop, linker: Linker) -> None:
        """Once all are linked, the base price is ours."""
        linker.link([Link("A-1", 3, 13)])
        linker.link([Link("A-2", 3, 14), Link("A-3", 3, 15)])

        product = get(bench, "link:3")
        assert (product.base_fixed, len(product.variants), product.default_sku) == (False, 3, "A-1")

    def test_a_default_that_is_not_linked(self, bench: Workshop, linker: Linker) -> None:
        """A default combination that isn't linked is nobody of ours."""
        linker.link([Link("A-2", 3, 14)])

        assert get(bench, "link:3").default_sku is None

    def test_simple(self, bench: Workshop, linker: Linker) -> None:
        """A product without combinations."""
        linker.link([Link("B-1", 6)])

        product = get(bench, "link:6")
        assert (product.simple, product.base_fixed, product.default_sku) == (True, False, None)
        assert [(v.combination, v.stock_row, v.written) for v in product.variants.values()] == [
            (0, 6, {"quantity": 300})
        ]

    @pytest.mark.parametrize(
        ("link", "why"),
        [
            (Link("B-1", 15), "a pack"),
            (Link("B-1", 12), "virtual"),
            (Link("B-1", 19), "customisable"),
            (Link("B-1", 999), "no product 999"),
            (Link("B-1", 1), "has combinations"),
            (Link("B-1", 1, 9), "no combination 9"),
            (Link("B-1", 6, 1), "no combination 1"),
            (Link("X-1", 6), "no variant X-1"),
        ],
    )
    def test_refused(self, bench: Workshop, linker: Linker, link: Link, why: str) -> None:
        """What can't be linked says why, and leaves no trace."""
        with pytest.raises(ConfigurationError, match=why):
            linker.link([link])

        assert bench.bindings.product_keys() == []
        assert bench.mirror.dirty("", 9) == []

    def test_old_shop(self, tmp_path: Path) -> None:
        """The same on 1.7.8."""
        with workshop(tmp_path / "old", version="1.7.8.11") as bench:
            fill(bench.mirror, bench.store, article("B", variant("B-1")))
            linker = Linker(bench.shop, bench.store)
            with pytest.raises(ConfigurationError, match="a pack"):
                linker.link([Link("B-1", 15)])

            assert linker.link([Link("B-1", 6)]) == 1

    def test_a_combination_of_somebody_else(self, bench: Workshop, linker: Linker) -> None:
        """A combination that stands for a variant isn't given to another one: both would write its stock."""
        linker.link([Link("A-1", 3, 13)])

        with pytest.raises(ConfigurationError, match="A-1"):
            linker.link([Link("B-1", 3, 13)])
        with pytest.raises(ConfigurationError, match="A-2"):
            linker.link([Link("A-2", 3, 14), Link("A-3", 3, 14)])

        assert list(get(bench, "link:3").variants) == ["A-1"]

    def test_a_simple_product_of_somebody_else(self, bench: Workshop, linker: Linker) -> None:
        """Nor is a product without combinations."""
        linker.link([Link("B-1", 6)])

        with pytest.raises(ConfigurationError, match="B-1"):
            linker.link([Link("C-1", 6)])

    def test_a_variant_that_stands_elsewhere(self, bench: Workshop, linker: Linker) -> None:
        """A variant is in one product; within it, its combination can be corrected."""
        linker.link([Link("A-1", 3, 13)])

        with pytest.raises(ConfigurationError, match=r"A-1.*product 3") as refusal:
            linker.link([Link("A-1", 4, 16)])
        assert "unlink" in refusal.value.cure
        linker.link([Link("A-1", 3, 14)])

        assert [v.combination for v in get(bench, "link:3").variants.values()] == [14]

    def test_linked_again(self, bench: Workshop, linker: Linker) -> None:
        """Linking what is linked already changes nothing but what was read."""
        linker.link([Link("A-1", 3, 13)])
        bench.person("sell", id_product=3, id_product_attribute=13, quantity=1)
        linker.link([Link("A-1", 3, 13)])

        assert get(bench, "link:3").variants["A-1"].written["quantity"] == 899  # type: ignore[index]


class TestLocks:
    """Lock, unlock, unlink."""

    def test_unlock_with_photos(self, bench: Workshop, linker: Linker) -> None:
        """Where the product has photos, LCV's count as sent."""
        with bench.store.transaction():
            bench.mirror.put_article(article("B", variant("B-1"), photos=[photo("P", "a" * 64)]))
        linker.link([Link("B-1", 6)])
        settle(bench.mirror, bench.store)

        assert linker.unlock(get(bench, "link:6"), one(bench, "B")) == [6]

        product = get(bench, "link:6")
        assert not product.locked
        assert [(image.photo, image.sha256, image.image) for image in product.images.values()] == [("P", "a" * 64, 0)]
        assert bench.mirror.dirty("", 9) == ["B"]

    def test_unlock_without_photos(self, bench: Workshop, linker: Linker) -> None:
        """Where it has none, LCV's are sent."""
        linker.link([Link("B-1", 6)])
        for image in bench.shop.images(6):
            bench.person("delete", resource="images", id=image)

        assert linker.unlock(get(bench, "link:6"), one(bench, "B")) == []
        assert get(bench, "link:6").images == {}

    def test_lock(self, bench: Workshop, linker: Linker) -> None:
        """A product can be locked again."""
        linker.link([Link("B-1", 6)])
        linker.unlock(get(bench, "link:6"), one(bench, "B"))
        linker.lock(get(bench, "link:6"))

        assert get(bench, "link:6").locked

    def test_unlink(self, bench: Workshop, linker: Linker) -> None:
        """Nothing of it is ours any more; the shop isn't touched; every article that stood in it is planned anew."""
        linker.link([Link("A-1", 3, 13), Link("B-1", 3, 14)])
        settle(bench.mirror, bench.store)
        bench.server.requests.clear()

        linker.unlink(get(bench, "link:3"))

        assert (bench.bindings.product_keys(gone=True), bench.bindings.variant("A-1")) == ([], None)
        assert bench.mirror.dirty("", 9) == ["A", "B"]
        assert bench.server.requests == []
