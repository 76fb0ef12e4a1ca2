"""What stands in the shop already of articles about to be made: found by name or in the whole, in a few requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lcvsync.planning.changes import Change
from lcvsync.planning.known import Foreign
from lcvsync.runner import foreign
from lcvsync.runner.foreign import ForeignPlaces
from lcvsync.runner.linking import Link, Linker

from .support import Workshop, article, fill, new_combination, new_product, variant, workshop

EANS = [f"37000000000{n:02}" for n in range(9)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """PrestaShop's demo products, some with EANs; product 3 is linked but for one combination, 7 wholly."""
    with workshop(tmp_path) as made:
        fill(made.mirror, made.store, article("A", variant("A-1"), variant("A-2")), article("B", variant("B-1")))
        fill(made.mirror, made.store, article("C", *(variant(f"C-{n}") for n in (16, 17, 18))))
        whole = [Link("B-1", 7), *(Link(f"C-{n}", 4, n) for n in (16, 17, 18))]
        Linker(made.shop, made.store).link([Link("A-1", 3, 13), Link("A-2", 3, 14), *whole])
        with made.store.transaction():
            made.bindings.forget_variant("C-18")
        bearing = {1: 9, 4: 15, 5: 13, 6: 18}
        for number, identifier in bearing.items():
            made.person("edit", resource="combinations", id=identifier, fields={"ean13": EANS[number]})
        for number, identifier in {2: 6, 3: 7}.items():
            made.person("edit", resource="products", id=identifier, fields={"ean13": EANS[number]})
        made.person("edit", resource="combinations", id=10, fields={"reference": "Écru-1"})
        yield made


def making(reference: str, *skus: str, ean: str = "") -> list[Change]:
    """A product about to be made, with its combinations; the last one has the EAN."""
    found = [new_product(reference), *(new_combination(reference, sku, (1, "M")) for sku in skus)]
    last = found[-1]
    return [*found[:-1], replace(last, after={**last.after, "ean": ean})]


PLANNED = {
    "product": making("DEMO_11", "x"),
    "sku": making("N1", "ecru-1"),
    "ean": making("N2", "N2-1", ean=EANS[1]),
    "simple": making("N3", ean=EANS[2]),
    "pack": making("demo_21"),
    "in part": making("N4", "N4-1", ean=EANS[4]),
    "ours": making("demo_12", ean=EANS[3]),
    "ours too": making("N5", "N5-1", ean=EANS[5]),
    "of a product of ours": making("N7", "N7-1", ean=EANS[6]),
    "new": making("N6", "N6-1"),
    "updated": [new_combination("other", "demo_3", (1, "M"))],
}
FOUND = {
    "product": Foreign(6, "reference DEMO_11", "6"),
    "sku": Foreign(2, "reference ecru-1", "2/10"),
    "ean": Foreign(2, f"EAN {EANS[1]}", "2/9", by_ean=True),
    "simple": Foreign(6, f"EAN {EANS[2]}", "6", by_ean=True),
    "pack": Foreign(15, "reference demo_21", "15", never="it is a pack, which is never linked"),
    "in part": Foreign(3, f"EAN {EANS[4]}", "3/15", by_ean=True),
}


def test_by_name(bench: Workshop) -> None:
    """A few articles are asked for by what they bear, in four requests; without anything to make none is sent."""
    places = ForeignPlaces(bench.shop, bench.store)
    bench.server.requests.clear()

    assert places.of({"updated": PLANNED["updated"]}) == {}
    assert bench.server.requests == []
    assert places.of(PLANNED) == FOUND
    assert len(bench.server.requests) == 4


def test_the_whole(bench: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many articles, or a second slice: what isn't ours is read once a run, and says the same."""
    monkeypatch.setattr(foreign, "FEW", 3)
    places = ForeignPlaces(bench.shop, bench.store)
    bench.server.requests.clear()

    assert places.of(PLANNED) == FOUND
    first = len(bench.server.requests)
    assert places.of(PLANNED) == FOUND
    assert (first, len(bench.server.requests)) == (2, 2)
