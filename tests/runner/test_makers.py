"""What is sent for a new record, by what it is found again, what is remembered of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lcvsync.domain.catalogue import Sku
from lcvsync.planning.known import BoundProduct
from lcvsync.ports import Record
from lcvsync.runner.makers import CombinationMaker, ProductMaker, PromotionMaker, Resolver, ValueMaker, makers

from .support import Workshop, new_combination, new_product, new_promotion, new_value, planned, workshop


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """A shop of 8.2.1 without products, and some values that are known."""
    with workshop(tmp_path, demo=False) as made:
        with made.store.transaction():
            for kind, parent, name, identifier in (
                ("option", 1, "S", 1),
                ("option", 1, "M", 2),
                ("feature", 1, "Lin", 4),
                ("brand", 0, "Sessùn", 2),
            ):
                made.bindings.add_value(kind, parent, name, identifier)
        yield made


def get(bench: Workshop, key: str) -> BoundProduct:
    """A product of ours."""
    found = bench.bindings.product(key)
    assert found is not None
    return found


def record(maker: ProductMaker | CombinationMaker | PromotionMaker | ValueMaker, change: object) -> Record:
    """What is sent."""
    made = maker.record(change)  # type: ignore[arg-type]
    assert made is not None
    return made


class TestProducts:
    """Inactive, complete, in every language."""

    def test_what_arrives(self, bench: Workshop) -> None:
        """A product as PrestaShop needs it: nothing that a POST resets is left out."""
        change = new_product(
            "A",
            brand="Sessùn",
            features=[[1, "LIN"]],
            categories=[2, 3],
            default_category=3,
            weight="0.25",
            price="41.666667",
        )
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, change))

        [row] = bench.dump("products")
        expected = {
            "active": "0", "state": "1", "minimal_quantity": "1", "show_price": "1", "available_for_order": "1",
            "visibility": "both", "condition": "new", "id_manufacturer": "2", "id_category_default": "3",
            "id_tax_rules_group": "1", "reference": "A", "weight": "0.250000", "price": "41.666667",
            "product_type": "combinations",
        }  # fmt: skip
        assert {name: row[name] for name in expected} == expected
        assert row["name"] == {"1": "Robe A", "2": "Robe A"}
        assert [item["id"] for item in row["associations"]["categories"]] == ["2", "3"]
        assert [item["id_feature_value"] for item in row["associations"]["product_features"]] == ["4"]

    def test_what_is_remembered(self, bench: Workshop) -> None:
        """The card as the next plan compares it: a brand that was made is known by its id."""
        bench.batches.create(
            ProductMaker(bench.resolver), planned(bench, new_product("A", brand="SESSUN", weight="0.3"))
        )

        written = get(bench, "A").written
        assert written["brand"] == 2
        assert (written["name"], written["weight"], written["promotion_categories"]) == ("Robe A", "0.3", [])
        assert written.keys().isdisjoint({"simple", "sku"})

    def test_simple(self, bench: Workshop) -> None:
        """A product without combinations is its variant."""
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, new_product("A", simple=True, sku="A-1")))

        assert (get(bench, "A").simple, get(bench, "A").variants[Sku("A-1")].combination) == (True, 0)
        assert bench.dump("products")[0]["product_type"] == "standard"

    @pytest.mark.parametrize(
        ("version", "expected"),
        [("1.7.8.11", "404"), ("8.0.5", "404"), ("8.1.0", "default"), ("9.0.0", "default"), ("", "404")],
    )
    def test_redirection(self, bench: Workshop, version: str, expected: str) -> None:
        """What an inactive product's page answers has another word from 8.1 on."""
        resolver = Resolver(bench.bindings, (1,), version)

        assert record(ProductMaker(resolver), new_product("A")).fields["redirect_type"] == expected

    @pytest.mark.parametrize("lacking", [{"brand": "Other"}, {"features": [[1, "Soie"]]}, {"features": [[2, "Lin"]]}])
    def test_something_is_lacking(self, bench: Workshop, lacking: dict[str, object]) -> None:
        """Without a value that it needs a product isn't made."""
        assert ProductMaker(bench.resolver).record(new_product("A", **lacking)) is None


class TestCombinations:
    """Values, images, weight and price in one body."""

    def test_what_arrives(self, bench: Workshop) -> None:
        """A product's default one is the shop's default as well."""
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, new_product("A")))
        changes = [new_combination("A", f"A-{size}", (1, size), default=size == "M") for size in "MS"]
        bench.batches.create(CombinationMaker(bench.resolver), planned(bench, *changes))

        first, second = bench.dump("combinations")
        assert [first["reference"], first["default_on"], second["default_on"]] == ["A-M", "1", None]
        assert (first["minimal_quantity"], first["price"]) == ("1", "0.000000")
        variants = get(bench, "A").variants
        assert {sku: v.combination for sku, v in variants.items()} == {"A-M": 1, "A-S": 2}
        assert (get(bench, "A").default_sku, get(bench, "A").simple) == ("A-M", False)
        assert variants[Sku("A-S")].written["quantity"] == 0
        assert "default" not in variants[Sku("A-M")].written

    def test_found_by_its_values(self, bench: Workshop) -> None:
        """In whatever order the shop shows them."""
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, new_product("A")))
        maker = CombinationMaker(bench.resolver)
        sent = record(maker, new_combination("A", "x", (1, "S"), (1, "M")))
        shown = Record(9, {"id_product": "1"}, {"product_option_values": ({"id": 2}, {"id": 1})})

        assert maker.key(sent) == maker.key(shown)

    def test_something_is_lacking(self, bench: Workshop) -> None:
        """No product, no value, or no values at all: not made."""
        maker = CombinationMaker(bench.resolver)
        assert maker.record(new_combination("A", "A-S", (1, "S"))) is None
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, new_product("A")))

        assert maker.record(new_combination("A", "A-XL", (1, "XL"))) is None
        assert maker.record(new_combination("A", "A-0")) is None


class TestPromotions:
    """Specific prices for everybody, tax included."""

    def test_what_arrives(self, bench: Workshop) -> None:
        """For every customer, from one piece on, without a fixed price."""
        bench.batches.create(ProductMaker(bench.resolver), planned(bench, new_product("A")))
        bench.batches.create(PromotionMaker(bench.resolver), planned(bench, new_promotion("A", "2027-01-06 08:00:00")))

        [row] = bench.dump("specific_prices")
        assert (row["reduction"], row["reduction_type"], row["reduction_tax"]) == ("0.300000", "percentage", "1")
        assert (row["price"], row["from_quantity"], row["id_customer"], row["id_shop"]) == ("-1.000000", "1", "0", "0")
        assert (row["from"], row["to"]) == ("2027-01-06 08:00:00", "2027-02-01 00:00:00")

    def test_no_product(self, bench: Workshop) -> None:
        """Without its product it isn't made."""
        assert PromotionMaker(bench.resolver).record(new_promotion("A", "")) is None


class TestValues:
    """Attribute values, feature values, brands."""

    def test_names(self, bench: Workshop) -> None:
        """Names in every language; colours and places only where there are any."""
        change = new_value("Écru", 2)
        made = record(ValueMaker(bench.resolver, "option"), change)
        assert made.fields == {"name": {1: "Écru", 2: "Écru"}, "id_attribute_group": 2, "color": ""}
        feature = record(ValueMaker(bench.resolver, "feature"), change)
        assert feature.fields == {"value": {1: "Écru", 2: "Écru"}, "id_feature": 2, "custom": 0}
        brand = record(ValueMaker(bench.resolver, "brand"), change)
        assert brand.fields == {"name": "Écru", "active": 1}

    def test_compared_exactly(self, bench: Workshop) -> None:
        """Found again by its exact name: the database's own comparison would take another spelling."""
        maker = ValueMaker(bench.resolver, "option")
        sent = record(maker, new_value("Écru", 2))

        assert maker.key(sent) == maker.key(Record(5, {"id_attribute_group": "2", "name": {1: "Écru", 2: "x"}}))
        assert maker.key(sent) != maker.key(Record(5, {"id_attribute_group": "2", "name": {1: "ÉCRU", 2: "ÉCRU"}}))

    def test_known_at_once(self, bench: Workshop) -> None:
        """What was made is found by what needs it in the same run, in any spelling."""
        bench.batches.create(ValueMaker(bench.resolver, "option"), planned(bench, new_value("XXL")))

        assert bench.resolver.value("option", 1, "xxl ") > 0
        assert bench.resolver.options([[1, "XXL"], [1, "S"]]) is not None

    def test_every_resource_has_one(self, bench: Workshop) -> None:
        """Whatever an earlier run left unanswered can be looked for."""
        assert set(makers(bench.resolver)) == {
            "products",
            "combinations",
            "specific_prices",
            "product_option_values",
            "product_feature_values",
            "manufacturers",
        }


def test_amounts_are_exact() -> None:
    """Nothing goes through floats on the way."""
    assert Decimal("41.666667") == Decimal(str(new_product("A", price="41.666667").after["price"]))
