"""Takeover of PrestaShop's demo shop: scan, accept, the sheet, and the specific prices that were there before."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from lcvsync.domain.catalogue import Feed
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct
from lcvsync.planning.links import Proposal, Standing
from lcvsync.runner.hand_prices import HandPrices, PriceChoice
from lcvsync.runner.linking import Link
from lcvsync.runner.takeover import Takeover
from lcvsync.runner.takeover_sheet import COLUMNS, Done, TakeoverSheet

from .support import NOW, Workshop, article, fill, photo, settle, variant, workshop

EANS = [f"37000000000{n:02}" for n in range(20)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """LCV has A in three sizes, whose EANs product 3's combinations bear, and B, whose sku is product 6's reference."""
    with workshop(tmp_path) as made:
        sizes = (variant(f"A-{n}", EANS[n], size=str(34 + 2 * n)) for n in (1, 2, 3))
        fill(
            made.mirror,
            made.store,
            article("A", *sizes, reference="demo_6", photos=[photo("P", "a" * 64)]),
            article("B", variant("demo_11")),
            prices={"A-1": "20", "A-2": "20", "A-3": "20", "demo_11": "9"},
        )
        settle(made.mirror, made.store)
        with made.store.transaction():
            made.mirror.finish(Feed.ARTICLES)
        for n, combination in ((1, 13), (2, 14), (3, 15)):
            made.person("edit", resource="combinations", id=combination, fields={"ean13": EANS[n]})
        yield made


@pytest.fixture
def takeover(bench: Workshop) -> Takeover:
    """The shop, not looked at yet."""
    return Takeover(bench.shop, bench.store, "WEB")


def at(takeover: Takeover, code: str) -> Proposal:
    """How one place stands now."""
    return next(each for each in takeover.rows() if each.place.code == code)


def get(bench: Workshop, product: int) -> BoundProduct:
    """A linked product."""
    found = bench.bindings.by_shop_id(product)
    assert found is not None
    return found


class TestScan:
    """Reading in bulk, and what is kept."""

    def test_what_is_seen(self, bench: Workshop, takeover: Takeover) -> None:
        """Every place once, with names; what is sure; min_id; nothing is written to the shop, requests are few."""
        bench.server.requests.clear()

        scan = takeover.scan(NOW)

        assert {request.method for request in bench.server.requests} == {"GET"}
        assert len(bench.server.requests) <= 7
        assert scan.products == 19
        assert {each.place.code: (each.sku, each.by) for each in scan.proposals if each.sku} == {
            "3/13": ("A-1", "ean"), "3/14": ("A-2", "ean"), "3/15": ("A-3", "ean"), "6": ("demo_11", "reference")
        }  # fmt: skip
        assert scan.counts[Standing.SPECIAL] == 5
        assert scan.min_id == 16
        assert at(takeover, "3/14").place.name.endswith("(60x90cm)")
        assert takeover.rows() == list(scan.proposals)

    def test_lcv_was_not_read(self, bench: Workshop, takeover: Takeover) -> None:
        """Rivals that aren't there yet would make sure what isn't: the articles must have been read to their end."""
        with bench.store.transaction():
            bench.mirror.restart(Feed.ARTICLES)

        with pytest.raises(ConfigurationError, match="aren't there yet"):
            takeover.scan(NOW)
        with pytest.raises(ConfigurationError, match="wasn't looked at"):
            takeover.rows()

    def test_what_was_decided_since(self, bench: Workshop, takeover: Takeover) -> None:
        """Links and `ignore` of after the scan are seen through; an ignored product is never proposed again."""
        takeover.scan(NOW)
        takeover.linker.link([Link("A-1", 3, 14)])
        takeover.ignore("6")

        assert (at(takeover, "3/14").standing, at(takeover, "3/14").sku) == (Standing.LINKED, "A-1")
        assert (at(takeover, "3/13").standing, at(takeover, "3/13").sku) == (Standing.CONFLICT, "")
        assert at(takeover, "6").standing is Standing.IGNORED
        assert [each.sku for each in takeover.scan(NOW).proposals if each.standing is Standing.PROPOSED] == ["A-3"]
        with pytest.raises(ConfigurationError, match="never linked") as refusal:
            takeover.linker.link([Link("demo_11", 6)])
        assert refusal.value.cure == "lcvsync map clear product 6"


class TestAccept:
    """Linking what is sure."""

    def test_all(self, bench: Workshop, takeover: Takeover) -> None:
        """In a few requests; locked, and once."""
        takeover.scan(NOW)
        bench.server.requests.clear()

        done = takeover.accept(takeover.rows())

        assert (len(done.links), done.refused) == (4, {})
        assert len(bench.server.requests) <= 5
        assert get(bench, 3).locked
        assert not get(bench, 3).base_fixed
        assert takeover.accept(takeover.rows()).links == []

    def test_what_moved_since(self, bench: Workshop, takeover: Takeover) -> None:
        """A product that can't be linked any more is left whole and named; the others are linked."""
        takeover.scan(NOW)
        bench.person("delete", resource="combinations", id=14)

        done = takeover.accept(takeover.rows())

        assert [link.sku for link in done.links] == ["demo_11"]
        assert [link.sku for link in done.refused] == ["A-2"]
        assert bench.bindings.by_shop_id(3) is None

    def test_unlocked(self, bench: Workshop, takeover: Takeover) -> None:
        """Cards that follow LCV at once: the photos of products that have some count as sent."""
        takeover.scan(NOW)

        takeover.accept(takeover.rows(), locked=False)

        product = get(bench, 3)
        assert not product.locked
        assert [(image.photo, image.image) for image in product.images.values()] == [("P", 0)]


class TestSheet:
    """Out and in."""

    def lines(self, bench: Workshop, takeover: Takeover, **cells: dict[str, str]) -> bytes:
        """The exported sheet with cells changed, by place."""
        table = [dict(zip(COLUMNS, row, strict=True)) for row in TakeoverSheet(takeover, bench.store).lines()]
        for row in table:
            code = f"p{row['product']}_{row['combination']}".removesuffix("_")
            row.update(cells.get(code, {}))
        file = io.StringIO()
        writer = csv.DictWriter(file, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows(table)
        return file.getvalue().encode("utf-8-sig")

    def bring(self, bench: Workshop, takeover: Takeover, **cells: dict[str, str]) -> Done:
        """Import it."""
        return TakeoverSheet(takeover, bench.store).carry_out(self.lines(bench, takeover, **cells))

    def test_as_it_came(self, bench: Workshop, takeover: Takeover) -> None:
        """What was exported links what is sure; a second time it changes nothing."""
        takeover.scan(NOW)

        assert self.bring(bench, takeover) == Done(4, 0, 0)
        assert self.bring(bench, takeover) == Done(0, 0, 0)
        assert get(bench, 3).locked

    def test_typed(self, bench: Workshop, takeover: Takeover) -> None:
        """An EAN for a sku, `no` for the lock, `ignored`, and back."""
        takeover.scan(NOW)
        line = {"p3_13": {"sku": EANS[1], "lock": "non"}, "p3_14": {"lock": "no"}, "p3_15": {"lock": "no"}}

        assert self.bring(bench, takeover, **line, p6={"state": "ignored"}, p7={"sku": "ignore"}) == Done(3, 2, 0)
        assert not get(bench, 3).locked
        assert at(takeover, "7").standing is Standing.IGNORED
        assert self.bring(bench, takeover, p7={"state": "", "sku": "demo_11"}, p3_13={"lock": "yes"},
                          p3_14={"lock": "yes"}, p3_15={"lock": "yes"}) == Done(1, 0, 1)  # fmt: skip
        assert get(bench, 3).locked
        assert get(bench, 7).variants.keys() == {"demo_11"}

    def test_wrong_lines(self, bench: Workshop, takeover: Takeover) -> None:
        """Every wrong line is named, and nothing is done, not even what other lines say of `ignore`."""
        takeover.scan(NOW)
        takeover.ignore("7")

        with pytest.raises(ConfigurationError, match="6 lines can't be taken, nothing was linked") as refusal:
            self.bring(
                bench, takeover, p3_13={"lock": "maybe"}, p6={"sku": "demo_11"}, p7={"sku": "demo_11", "state": ""},
                p8={"sku": "NONE"}, p9_22={"product": "x"}, p9_23={"product": "8", "combination": ""},
                p15={"sku": "A-1"},
            )  # fmt: skip

        assert [problem.partition(": ")[2] for problem in refusal.value.problems] == [
            "lock is yes or no, not 'maybe'",
            "demo_11 is linked to 6: it can't be at 7 too",
            "LCV has no variant NONE",
            "product 'x' is no id of the shop",
            "8 has a line already, 25",
            "product 15 is a pack: it is never linked",
        ]
        assert bench.bindings.product_keys() == []
        assert at(takeover, "7").standing is Standing.IGNORED

    def test_links_are_not_lost_by_a_slip(self, bench: Workshop, takeover: Takeover) -> None:
        """An emptied or ignored cell of what is linked is a wrong line: unlinking is a command of its own."""
        takeover.scan(NOW)
        takeover.accept(takeover.rows())

        for cells in ({"sku": ""}, {"state": "ignored"}, {"sku": "A-1"}):
            with pytest.raises(ConfigurationError) as refusal:
                self.bring(bench, takeover, p6=cells)
            assert len(refusal.value.problems) == 1
            assert list(get(bench, 6).variants) == ["demo_11"]


class TestHandPrices:
    """Specific prices that were there."""

    def row(self, bench: Workshop, **fields: Json) -> int:
        """A person prices product 3."""
        zero = dict.fromkeys(("id_shop", "id_cart", "id_currency", "id_country", "id_group", "id_customer"), 0)
        times = {"from": "0000-00-00 00:00:00", "to": "2027-01-01 00:00:00"}
        price = {"price": "-1", "from_quantity": 1, "reduction": "0.2", "reduction_tax": 1}
        row = {**zero, **times, **price, "id_product": 3, "id_product_attribute": 0, "reduction_type": "percentage"}
        return int(bench.person("create", resource="specific_prices", fields={**row, **fields})["id"])

    @pytest.fixture
    def rows(self, bench: Workshop, takeover: Takeover) -> dict[str, int]:
        """Two that LCV could have made, one for a group, one of a cart; 3/15 isn't linked."""
        takeover.linker.link([Link("A-1", 3, 13), Link("A-2", 3, 14)])
        settle(bench.mirror, bench.store)
        return {
            "whole": self.row(bench),
            "size": self.row(bench, id_product_attribute=13),
            "group": self.row(bench, id_product_attribute=14, id_group=3),
            "other": self.row(bench, id_product_attribute=15),
            "cart": self.row(bench, id_product_attribute=13, id_cart=1),
        }

    def test_shown(self, bench: Workshop, rows: dict[str, int]) -> None:
        """Each with what keeps it from being LCV's; a cart's row is none of the product's."""
        found = HandPrices(bench.shop, bench.store, bench.audit, None).of([get(bench, 3)])

        assert [row.record.id for row in found] == [rows[name] for name in ("whole", "size", "group", "other")]
        assert [row.limit for row in found] == [
            "it reaches combinations that aren't linked", "", "for one group",
            "it reaches combinations that aren't linked",
        ]  # fmt: skip
        assert found[1].text == "A-1, -20 %, to 2027-01-01 00:00:00"

    def test_adopt(self, bench: Workshop, rows: dict[str, int]) -> None:
        """What LCV could have made is ours, as it is; the article is planned anew."""
        hand = HandPrices(bench.shop, bench.store, bench.audit, None)

        done = hand.settle(hand.of([get(bench, 3)]), PriceChoice.ADOPT)

        assert [row.record.id for row in done] == [rows["size"]]
        [ours] = get(bench, 3).promotions
        assert (ours.id, ours.sku, ours.ends, str(ours.value)) == (
            rows["size"], "A-1", "2027-01-01 00:00:00", "0.200000"
        )  # fmt: skip
        assert bench.mirror.dirty("", 9) == ["A"]
        assert rows["size"] not in [row.record.id for row in hand.of([get(bench, 3)])]

    def test_delete(self, bench: Workshop, rows: dict[str, int]) -> None:
        """They go but for what reaches other combinations; the audit has them."""
        hand = HandPrices(bench.shop, bench.store, bench.audit, None)

        hand.settle(hand.of([get(bench, 3)]), PriceChoice.DELETE)

        left = {int(row["id"]) for row in bench.dump("specific_prices")}
        assert left & set(rows.values()) == {rows["whole"], rows["other"], rows["cart"]}
        kept = [entry for entry in bench.audit.entries() if entry["kind"] == "promotion"]
        assert [(entry["action"], entry["before"]["reduction"]) for entry in kept] == [("delete", "0.200000")] * 2
