"""What is shown of the stores: which of them, in which state every variant is, and what the variants are called."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lcvsync.domain.catalogue import Article, ArticleId, Attribute, Rfs, Size, SizeGrid, Sku, Store, Tables, Variant
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.planning.availability import (
    PlacedVariant,
    ProductAvailability,
    ShopStore,
    ShownStore,
    StoreAvailability,
    availability,
    product_availability,
    shown_stores,
    variant_names,
)

LYON, PARIS, DEPOT = Store("LYO", "Lyon"), Store("PAR", "Paris"), Store("DEP", "Dépôt")
GRID = SizeGrid("F", "Femme", (Size("W38", "38", 2), Size("W36", "36", 1), Size("W100", "100", 3)))
TABLES = Tables(
    1,
    "EUR",
    stores=(LYON, PARIS, DEPOT),
    size_grids=(GRID,),
    attributes=(Attribute("coloris", "Coloris", "variant"), Attribute("matiere", "Matière", "variant")),
)
IN_SHOP = (ShopStore(3, "Boutique de Paris"), ShopStore(7, "Boutique de Lyon"), ShopStore(9, "Ancienne", False))


def stores(**rules: Rule) -> tuple[list[tuple[int, tuple[str, ...]]], list[str]]:
    """(id, codes) of the stores that are shown, and the reasons why others aren't."""
    mappings = Mappings({MappingKind.STORE: {code.replace("ALL", "*"): rule for code, rule in rules.items()}})
    shown, skipped = shown_stores(mappings, TABLES.stores, IN_SHOP)
    return [(store.id, store.codes) for store in shown], [f"{item.key} {item.reason}" for item in skipped]


class TestStores:
    """Which stores are shown."""

    def test_mapped(self) -> None:
        """Under the shop's names and in the shop's order; ignored ones aren't, and nobody is told."""
        assert stores(LYO=Rule(("7",)), PAR=Rule(("3",)), DEP=Rule(ignored=True)) == (
            [(3, ("PAR",)), (7, ("LYO",))],
            [],
        )

    def test_unset(self) -> None:
        """An unset store isn't shown, and is reported with the command that cures it."""
        mappings = Mappings({MappingKind.STORE: {"LYO": Rule(("7",)), "PAR": Rule(ignored=True)}})
        _, skipped = shown_stores(mappings, TABLES.stores, IN_SHOP)

        assert [(item.kind, item.key, item.reason) for item in skipped] == [("store", "DEP", "store_unmapped")]
        assert skipped[0].cure == "lcvsync map set store 'DEP' STORE"

    def test_wrong_targets(self) -> None:
        """A store that the shop lost or switched off isn't shown, and is reported."""
        rules = {"LYO": Rule(("4",)), "PAR": Rule(("9",)), "DEP": Rule(ignored=True)}
        assert stores(**rules) == ([], ["LYO store_missing", "PAR store_inactive"])

    def test_shared(self) -> None:
        """Two stores of LCV may be one of the shop; a wildcard answers for those without a rule."""
        assert stores(LYO=Rule(("7",)), ALL=Rule(("7",))) == ([(7, ("LYO", "PAR", "DEP"))], [])


@pytest.mark.parametrize(
    ("quantity", "limit", "expected"),
    [
        (-2, 3, StoreAvailability.UNAVAILABLE),
        (0, 3, StoreAvailability.UNAVAILABLE),
        (1, 3, StoreAvailability.LAST_PIECES),
        (3, 3, StoreAvailability.LAST_PIECES),
        (4, 3, StoreAvailability.AVAILABLE),
        (1, 0, StoreAvailability.AVAILABLE),
    ],
)
def test_state(quantity: int, limit: int, expected: StoreAvailability) -> None:
    """At the threshold or below are the last pieces; with a threshold of 0 there is no such state."""
    assert availability(quantity, limit) is expected


def placed(sku: str, combination: int = 0, size: str | None = None, **attributes: str) -> PlacedVariant:
    """A variant of a dress in the grid."""
    variant = Variant(Sku(sku), None, size, attributes)
    article = Article(ArticleId("A"), 1, "A", "Robe", Rfs("F"), Decimal(20), size_grid="F", variants=(variant,))
    return PlacedVariant(combination, article, variant)


def shown(*variants: PlacedVariant, stock: dict[tuple[str, str], int], limit: int = 3) -> ProductAvailability | None:
    """What is shown of them in Paris, and in Lyon together with the depot."""
    places = (ShownStore(3, "Paris", ("PAR",)), ShownStore(7, "Lyon", ("LYO", "DEP")))
    return product_availability(1, variants, places, {(Sku(s), c): n for (s, c), n in stock.items()}, TABLES, limit)


class TestProduct:
    """A product's variants in the stores."""

    def test_quantities(self) -> None:
        """Stores that are one in the shop are summed; a negative one takes nothing from the other, unknown is 0."""
        made = shown(placed("a", 11), stock={("a", "LYO"): -5, ("a", "DEP"): 4, ("b", "PAR"): 9})

        assert made is not None
        assert [(v.combination, v.quantities, v.name) for v in made.variants] == [(11, (0, 4), "")]
        assert made.variants[0].states == (StoreAvailability.UNAVAILABLE, StoreAvailability.AVAILABLE)

    def test_order(self) -> None:
        """By attributes, then as the grid says, not as texts compare; a size that the grid lacks comes last."""
        variants = [
            placed(f"{colour}{size}", 1, size, coloris=colour) for colour in "ba" for size in ("W100", "X", "W36")
        ]
        made = shown(*variants, stock={})

        assert made is not None
        assert [v.name for v in made.variants] == ["36, a", "100, a", "X, a", "36, b", "100, b", "X, b"]

    def test_nothing_to_show(self) -> None:
        """Without a variant that is ours, or without a store, there is nothing."""
        assert shown(stock={}) is None
        assert product_availability(1, [placed("a")], (), {}, TABLES, 3) is None


class TestNames:
    """What tells variants apart."""

    def test_only_what_differs(self) -> None:
        """What all have in common isn't repeated."""
        variants = [placed("a", size="W36", coloris="Bleu", matiere="Lin"), placed("b", size="W38", coloris="Bleu")]
        assert variant_names(variants, TABLES) == ["36, Lin", "38"]

    def test_one(self) -> None:
        """One alone needs no name."""
        assert variant_names([placed("a", size="W36")], TABLES) == [""]

    def test_attributes_that_tables_lack(self) -> None:
        """They follow those that LCV's tables have, in the order of their codes."""
        variants = [placed("a", motif="Pois", coupe="Droite", coloris="Rouge"), placed("b")]
        assert variant_names(variants, TABLES) == ["Rouge, Droite, Pois", ""]
