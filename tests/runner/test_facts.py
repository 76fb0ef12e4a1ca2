"""What the plan is told: offers, twins, shared EANs; and the context that articles share."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lcvsync.domain.catalogue import Sku
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.planning.known import Context, Facts, Options, Origin
from lcvsync.runner.facts import FactsReader
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

from .support import LYON, article, fill, quick_store, tables, variant

RULES = {
    MappingKind.RFS: {"*": Rule(("2",))},
    MappingKind.VAT: {"20": Rule(("1",))},
    MappingKind.BRAND: {"BAD": Rule(ignored=True)},
}
CONTEXT = Context(tables(), Mappings(RULES), Options(LYON, complete=True), Palette(), {1: Decimal(20)})
EAN = "3700000000012"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty state."""
    opened = quick_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store) -> FactsReader:
    """A reader of its facts."""
    return FactsReader(Mirror(store), Bindings(store), CONTEXT)


def say(store: Store, *articles: Any, **more: Any) -> None:
    """LCV says so; every variant costs 49.00 unless said otherwise."""
    skus = {v.sku: "49.00" for a in articles for v in a.variants}
    fill(Mirror(store), store, *articles, prices={**skus, **more.get("prices", {})}, stock=more.get("stock"))


def read(reader: FactsReader, identifier: str) -> Facts:
    """The facts of an article that is known."""
    found = reader.read(identifier)
    assert found is not None
    return found


def test_unknown(reader: FactsReader) -> None:
    """Nothing is known of what LCV never gave."""
    assert reader.read("A") is None


@pytest.mark.parametrize(
    ("more", "sellable"),
    [({}, True), ({"active": False}, False), ({"web_stores": ()}, False), ({"web_stores": ("OTHER", "WEB")}, True)],
)
def test_offers(store: Store, reader: FactsReader, more: dict[str, Any], sellable: bool) -> None:
    """A variant sells where it and its article are active, published on our web store, and priced."""
    found = article("A", variant("A-1"), variant("A-2", active=False), variant("A-3"), variant("A-4"), **more)
    say(store, found, prices={"A-3": "0"}, stock={"A-1": 3, "A-2": -2})
    with store.transaction():
        store.rows("DELETE FROM price WHERE sku = 'A-4'")

    offers = read(reader, "A").offers

    assert {s: (o.quantity, o.price, o.sellable) for s, o in offers.items()} == {
        "A-1": (3, Decimal("49.00"), sellable),
        "A-2": (-2, Decimal("49.00"), False),
        "A-3": (0, Decimal(0), False),
        "A-4": (0, None, False),
    }


def test_variants_of_others_in_the_same_product(store: Store, reader: FactsReader) -> None:
    """A product that holds variants of two articles: each plan knows the offers of both; of one that left LCV
    the stock alone, where it says any."""
    say(store, article("A", variant("A-1")), article("B", variant("B-1"), active=False), stock={"B-1": 4, "Y-1": 2})
    bindings = Bindings(store)
    with store.transaction():
        bindings.add_product("link:3", 3, "A", Origin.LINKED, written={}, locked=True)
        for number, sku in enumerate(("A-1", "B-1", "X-1", "Y-1"), 1):
            bindings.add_variant(sku, "link:3", number, written={})

    facts = read(reader, "A")

    assert {s: (o.article, o.sellable, o.quantity) for s, o in facts.offers.items()} == {
        "A-1": ("A", True, 0),
        "B-1": ("B", False, 4),
        "Y-1": ("", False, 2),
    }
    assert [product.key for product in read(reader, "B").products] == ["link:3"]
    assert read(reader, "B").offers.keys() == facts.offers.keys()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, ("B",)),
        ({"active": False}, ()),
        ({"web_stores": ()}, ()),
        ({"brand": "BAD"}, ()),
        ({"brand": "UNMAPPED"}, ()),
        ({"reference": "other"}, ()),
    ],
)
def test_twins(store: Store, reader: FactsReader, other: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Another article of the same reference counts while it is for sale and mapped."""
    say(store, article("A", variant("A-1"), reference="R"), article("B", variant("B-1"), **{"reference": "R", **other}))

    assert read(reader, "A").twins == expected


def test_a_deleted_twin(store: Store, reader: FactsReader) -> None:
    """A deleted one doesn't."""
    say(store, article("A", variant("A-1"), reference="R"), article("B", variant("B-1"), reference="R"))
    with store.transaction():
        Mirror(store).remove_article("B")

    assert read(reader, "A").twins == ()
    assert read(reader, "B").deleted
    assert not read(reader, "B").offers[Sku("B-1")].sellable


@pytest.mark.parametrize(
    ("other", "price", "expected"),
    [
        (variant("B-1", EAN), "49", {EAN}),
        (variant("B-1", EAN, active=False), "49", set()),
        (variant("B-1", EAN), "0", set()),
        (variant("B-1"), "49", set()),
    ],
)
def test_shared_eans(store: Store, reader: FactsReader, other: Any, price: str, expected: set[str]) -> None:
    """An EAN is shared while another variant for sale bears it."""
    say(
        store,
        article("A", variant("A-1", EAN), variant("A-2", "3700000000029")),
        article("B", other),
        prices={"B-1": price},
    )

    assert read(reader, "A").shared_eans == expected


def test_shared_within_an_article(store: Store, reader: FactsReader) -> None:
    """Two variants of one article share it too."""
    say(store, article("A", variant("A-1", EAN), variant("A-2", EAN)))

    assert read(reader, "A").shared_eans == {EAN}


def test_many_variants(store: Store, reader: FactsReader) -> None:
    """An article may have very many variants."""
    say(store, article("A", *(variant(f"A-{n}") for n in range(600))), stock={"A-599": 2})

    assert read(reader, "A").offers[Sku("A-599")].quantity == 2
