"""Looking at the shop itself: quantities, deletions, locks, and everything of a product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.errors import BadAnswer, ConfigurationError, Temporary
from lcvsync.planning.known import BoundProduct
from lcvsync.runner import sweep as sweeping
from lcvsync.runner.linking import Link, Linker
from lcvsync.runner.makers import CombinationMaker, ProductMaker, PromotionMaker
from lcvsync.runner.sweep import compare_with_shop, read_lock_category, sweep_stock

from .support import (
    Workshop,
    article,
    fill,
    new_combination,
    new_product,
    new_promotion,
    planned,
    settle,
    variant,
    workshop,
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """Three linked demo products: A in 3 with all its combinations, B and C simple in 6 and 7."""
    with workshop(tmp_path) as made:
        fill(
            made.mirror,
            made.store,
            article("A", *(variant(f"A-{n}") for n in (1, 2, 3))),
            article("B", variant("B-1")),
            article("C", variant("C-1")),
        )
        combinations = [Link(f"A-{n}", 3, 12 + n) for n in (1, 2, 3)]
        Linker(made.shop, made.store).link([*combinations, Link("B-1", 6), Link("C-1", 7)])
        settle(made.mirror, made.store)
        yield made


def get(bench: Workshop, key: str) -> BoundProduct:
    """A product of ours."""
    found = bench.bindings.product(key)
    assert found is not None
    return found


def dirty(bench: Workshop) -> list[str]:
    """The articles to be planned."""
    return bench.mirror.dirty("", 99)


def sweep(bench: Workshop) -> int:
    """The daily look."""
    return sweep_stock(bench.shop, bench.bindings, bench.mirror, bench.store)


class TestStock:
    """All quantities, once a day, whether they are compared together or one by one."""

    @pytest.fixture(autouse=True, params=[1, 2000])
    def _parts(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweeping, "PART", request.param)

    def test_nothing_differs(self, bench: Workshop) -> None:
        """Nobody sold anything: nothing is planned."""
        assert (sweep(bench), dirty(bench)) == (0, [])

    def test_what_differs(self, bench: Workshop) -> None:
        """A quantity that isn't what was written is planned anew, from what the shop has."""
        bench.person("sell", id_product=3, id_product_attribute=14, quantity=2)
        bench.person("sell", id_product=7, quantity=-5)

        assert (sweep(bench), dirty(bench)) == (2, ["A", "C"])
        assert [v.written["quantity"] for v in get(bench, "link:3").variants.values()] == [900, 298, 300]

    def test_a_variant_that_lcv_no_longer_has(self, bench: Workshop) -> None:
        """A variant that left LCV is still ours in the shop: units that appear there are planned away."""
        with bench.store.transaction():
            bench.mirror.put_article(article("A", variant("A-1"), variant("A-2"), revision=2))
        settle(bench.mirror, bench.store)
        bench.person("sell", id_product=3, id_product_attribute=15, quantity=-4)

        assert (sweep(bench), dirty(bench)) == (1, ["A"])

    def test_a_deleted_product(self, bench: Workshop) -> None:
        """A product that somebody deleted is gone, and its article planned (which reports it)."""
        bench.person("delete", resource="products", id=7)

        sweep(bench)

        assert (get(bench, "link:7").gone, get(bench, "link:6").gone, dirty(bench)) == (True, False, ["C"])

    def test_a_deleted_combination(self, bench: Workshop) -> None:
        """A combination that somebody deleted is unbound; its product isn't gone."""
        bench.person("delete", resource="combinations", id=14)

        sweep(bench)

        assert (list(get(bench, "link:3").variants), get(bench, "link:3").gone, dirty(bench)) == (
            ["A-1", "A-3"],
            False,
            ["A"],
        )

    @pytest.mark.parametrize("body", ["", "<stock_availables/>"])
    def test_an_empty_list(self, bench: Workshop, body: str) -> None:
        """A shop that lists nothing is in trouble: nothing is concluded."""
        answer = f'<?xml version="1.0"?><prestashop xmlns:xlink="http://www.w3.org/1999/xlink">{body}</prestashop>'
        bench.fault(Fault(FaultKind.SAVED, path="stock_availables", status=200, body=answer, times=0))

        with pytest.raises(BadAnswer):
            sweep(bench)

        assert (dirty(bench), get(bench, "link:3").gone) == ([], False)

    def test_a_halved_list(self, bench: Workshop) -> None:
        """Less than half of our rows is an error, not news: what lacks isn't gone, but what is listed counts."""
        for combination in (13, 14, 15):
            bench.person("delete", resource="combinations", id=combination)
        bench.person("sell", id_product=7, quantity=-5)

        with pytest.raises(BadAnswer, match="2 of our 5"):
            sweep(bench)

        assert (dirty(bench), len(get(bench, "link:3").variants)) == (["C"], 3)

    @pytest.mark.parametrize("kind", [FaultKind.STATUS, FaultKind.CUT, FaultKind.HTML])
    def test_a_shop_that_fails(self, bench: Workshop, kind: FaultKind) -> None:
        """Nor is a failure anything but a failure."""
        bench.fault(Fault(kind, path="stock_availables", status=500 if kind is FaultKind.STATUS else 200, times=0))

        with pytest.raises(Temporary):
            sweep(bench)

        assert dirty(bench) == []


class TestLockCategory:
    """Products in `catalogue.lock_category` are locked as long as they are there."""

    def put(self, bench: Workshop, product: int, *categories: int) -> None:
        """Somebody puts a product into categories."""
        bench.person("edit", resource="products", id=product, associations={"categories": list(categories)})

    def read(self, bench: Workshop, category: int = 9) -> list[str]:
        """The look of a run; the articles that it makes dirty."""
        settle(bench.mirror, bench.store)
        read_lock_category(bench.shop, bench.bindings, bench.mirror, bench.store, category)
        return dirty(bench)

    @pytest.fixture(autouse=True)
    def _unlocked(self, bench: Workshop) -> None:
        with bench.store.transaction():
            for key in ("link:3", "link:6", "link:7"):
                bench.bindings.set_product(key, locked=0)

    def test_in_and_out(self, bench: Workshop) -> None:
        """Into the category: locked; out of it: unlocked; each is planned once."""
        self.put(bench, 3, 2, 9)
        self.put(bench, 6, 9)
        self.put(bench, 7, 2)

        assert self.read(bench) == ["A", "B"]
        assert (get(bench, "link:3").locked, get(bench, "link:7").locked) == (True, False)
        assert self.read(bench) == []
        self.put(bench, 3, 2)
        assert self.read(bench) == ["A"]
        assert (get(bench, "link:3").locked, get(bench, "link:6").locked) == (False, True)

    def test_a_persons_own_lock(self, bench: Workshop) -> None:
        """`product lock` stays when the product leaves the category."""
        self.put(bench, 3, 2, 9)
        Linker(bench.shop, bench.store).lock(get(bench, "link:3"))

        self.read(bench)
        self.put(bench, 3, 2)
        self.read(bench)

        assert get(bench, "link:3").locked

    def test_option_removed(self, bench: Workshop) -> None:
        """Without the option nothing is locked by it."""
        self.put(bench, 3, 9)
        self.read(bench)

        assert self.read(bench, 0) == ["A"]
        assert not get(bench, "link:3").locked

    def test_no_such_category(self, bench: Workshop) -> None:
        """A category that isn't there is a configuration error that names the option."""
        with pytest.raises(ConfigurationError, match=r"catalogue\.lock_category.*99"):
            self.read(bench, 99)


TEXT = "<p>Une robe d&eacute;licate<br>en lin &amp; soie</p>"


class TestComparison:
    """`resync`: what the shop has now is taken as written, so that the plan sees every difference."""

    @pytest.fixture
    def made(self, bench: Workshop) -> Workshop:
        """A product M of ours with two combinations and a promotion."""
        with bench.store.transaction():
            for name, identifier in (("S", 1), ("M", 2)):
                bench.bindings.add_value("option", 1, name, identifier)
            bench.mirror.put_article(article("M", variant("M-S"), variant("M-M")))
        self.make(
            bench,
            new_product(
                "M",
                description=TEXT,
                ean="0012345678905",
                reference="0042",
                weight="0.3",
                categories=[2, 3],
                promotion_categories=[],
                supplier_reference="1e3",
            ),
            ProductMaker,
        )
        for size in "SM":
            self.make(bench, new_combination("M", f"M-{size}", (1, size)), CombinationMaker)
        self.make(bench, new_promotion("M", "2027-01-06 08:00:00"), PromotionMaker)
        self.look(bench, "M")  # the stock rows are read
        return bench

    def make(self, bench: Workshop, change: Any, maker: Any) -> None:
        """One record."""
        bench.batches.create(maker(bench.resolver), planned(bench, change))
        assert bench.report.failed == []

    def look(self, bench: Workshop, *articles: str) -> None:
        """The comparison."""
        compare_with_shop(bench.shop, bench.bindings, bench.store, articles)

    def test_nothing_differs(self, made: Workshop) -> None:
        """The shop rewrites HTML, pads decimals and leaves the rest: no difference."""
        before = get(made, "M")
        assert made.row("products", before.id)["description"]["1"] != TEXT

        self.look(made, "M")

        assert get(made, "M") == before

    @pytest.mark.parametrize(
        ("fields", "name", "now"),
        [
            ({"name": {"1": "Robe d'été", "2": "Robe M"}}, "name", "Robe d'été"),
            ({"reference": "42"}, "reference", "42"),
            ({"ean13": "12345678905"}, "ean", "12345678905"),
            ({"supplier_reference": "1000"}, "supplier_reference", "1000"),
            ({"weight": "0.31"}, "weight", "0.310000"),
            ({"price": "11"}, "price", "11.000000"),
            ({"id_tax_rules_group": "3"}, "tax", 3),
            ({"id_manufacturer": "2"}, "brand", 2),
            ({"id_category_default": "3"}, "default_category", 3),
            ({"description": {"1": "<p>Une autre</p>", "2": ""}}, "description", "<p>Une autre</p>"),
        ],
    )
    def test_a_persons_edit(self, made: Workshop, fields: dict[str, Any], name: str, now: object) -> None:
        """What a person typed is what the shop has, and what it replaced is known; other fields are as written."""
        before = get(made, "M")
        made.person("edit", resource="products", id=before.id, fields=fields)

        self.look(made, "M")

        assert get(made, "M").written == {**before.written, name: now, "typed_over": {name: before.written[name]}}

    def test_lists(self, made: Workshop) -> None:
        """Of the lists only what is ours and still there counts as written; a person's own elements don't matter."""
        product = get(made, "M").id
        made.person("edit", resource="products", id=product, associations={"categories": [3, 7]})

        self.look(made, "M")

        assert get(made, "M").written["categories"] == [3]

    def test_combinations(self, made: Workshop) -> None:
        """A combination that is gone is unbound; an edited one is seen; quantities are taken."""
        small, medium = (get(made, "M").variants[sku] for sku in ("M-S", "M-M"))  # type: ignore[index]
        made.person("delete", resource="combinations", id=small.combination)
        made.person("edit", resource="combinations", id=medium.combination, fields={"price": "5", "reference": "mine"})
        made.person("sell", id_product=get(made, "M").id, id_product_attribute=medium.combination, quantity=-3)

        self.look(made, "M")

        variants = get(made, "M").variants
        assert list(variants) == ["M-M"]
        written = variants["M-M"].written  # type: ignore[index]
        assert (written["price"], written["reference"], written["quantity"]) == ("5.000000", "mine", 3)

    def test_values(self, made: Workshop) -> None:
        """A combination that somebody gave other values gets its own again."""
        [variant_, *_] = get(made, "M").variants.values()
        made.person(
            "edit", resource="combinations", id=variant_.combination, associations={"product_option_values": [3]}
        )

        self.look(made, "M")

        assert "options" not in get(made, "M").variants[variant_.sku].written

    def test_promotions(self, made: Workshop) -> None:
        """A row that is gone is unbound, an edited one is seen; those of others don't matter."""
        [promotion] = get(made, "M").promotions
        made.person("edit", resource="specific_prices", id=promotion.id, fields={"reduction": "0.5"})
        self.look(made, "M")
        assert [str(row.value) for row in get(made, "M").promotions] == ["0.500000"]

        made.person("delete", resource="specific_prices", id=promotion.id)
        self.look(made, "M")
        assert list(get(made, "M").promotions) == []

    def test_a_deleted_product(self, made: Workshop) -> None:
        """A product that is gone is known to be."""
        made.person("delete", resource="products", id=get(made, "M").id)

        self.look(made, "M", "A")

        assert (get(made, "M").gone, get(made, "link:3").gone) == (True, False)

    def test_an_empty_list(self, made: Workshop) -> None:
        """A shop that lists none of several products is in trouble: nothing is concluded."""
        made.person("delete", resource="products", id=get(made, "M").id)
        made.person("delete", resource="products", id=3)

        with pytest.raises(BadAnswer):
            self.look(made, "M", "A")

        assert not get(made, "M").gone

    def test_nothing_of_ours(self, made: Workshop) -> None:
        """Articles without products cost nothing."""
        made.server.requests.clear()
        self.look(made, "unknown")
        assert made.server.requests == []
