"""The benchmarks measure what they say, on a catalogue that takes no time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from lxml import etree

from benchmarks import measure, table
from benchmarks.bare import copy_content
from benchmarks.catalogue import VARIANTS, build
from benchmarks.check import differences
from benchmarks.content import Content
from benchmarks.play import Other, Result, play
from benchmarks.scenarios import FIRST, READ, Group
from benchmarks.world import World, open_world

ARTICLES = 4


@dataclass(frozen=True)
class Played:
    """A world after its first run, and what that cost."""

    world: World
    read: Result
    first: Result


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """A first synchronisation, alone."""
    group = Group(ARTICLES, photos=True, scenarios=[replace(each, pace=0) for each in (READ, FIRST)])
    with open_world(ARTICLES, photos=True) as world:
        read, first = play(world, group, lambda _: None, with_others=False)
        yield Played(world, read, first)


def test_what_a_run_cost(played: Played) -> None:
    """Every product, size and photo came; the requests are all there, and what the shop took is reckoned."""
    first = played.first
    created = ARTICLES * (1 + VARIANTS + 2)
    assert first.changes >= created
    assert first.by["POST images"] == 2 * ARTICLES
    assert sum(first.by.values()) == first.shop_requests
    assert first.real_seconds > first.by["POST images"] * 0.138
    assert 0 < first.cpu <= first.seconds * 2
    assert played.read.lcv_requests >= 4
    assert played.read.shop_requests == 0


def test_the_bare_requests_carry_the_same(played: Played) -> None:
    """A second copy has the same products, combinations, quantities and photos as what lcvsync made."""
    shop = played.world.shop
    content = Content.read(shop, 0, photos=True)
    before = shop.requests
    made = copy_content(shop, content)
    asked = shop.requests - before
    copied = Content.read(shop, max(map(int, content.products)), photos=True)
    shop.delete_products(made)
    assert _shown(copied) == _shown(content)
    assert len(content.combinations) == ARTICLES * VARIANTS
    assert asked == 5 + 2 * ARTICLES


def test_the_usual_way_too(played: Played) -> None:
    """So has what prestapyt carries, in many more requests."""
    pytest.importorskip("prestapyt", reason="only `make bench` installs it")
    from benchmarks.usual import Usual  # noqa: PLC0415

    shop = played.world.shop
    content = Content.read(shop, 0, photos=True)
    usual = Usual(shop)
    made = usual.copy_content(content, ARTICLES)
    copied = Content.read(shop, max(map(int, content.products)), photos=True)
    shop.delete_products(made)
    assert list(copied.quantities.values()) == list(content.quantities.values())
    assert [len(photos) for photos in copied.photos.values()] == [2] * ARTICLES
    assert usual.requests == ARTICLES * (2 + 2 + 4 * VARIANTS)


def _shown(content: Content) -> list[object]:
    """A content without its ids."""
    without_owner = [etree.tostring(each).split(b"</id_product>")[1] for _, each, _ in content.combinations.values()]
    return [
        [etree.tostring(each) for each in content.products.values()],
        without_owner,
        list(content.quantities.values()),
        [len(photos) for photos in content.photos.values()],  # the shop encodes each anew
        [len(images) for _, _, images in content.combinations.values()],
    ]


def test_every_article_has_ten_variants() -> None:
    """In two colours, in stock and priced; photos only where they are asked for."""
    catalogue = build(30, photos=False)
    articles = [article for _, article in catalogue.articles.records()]
    assert {len(article.variants) for article in articles} == {VARIANTS}
    assert len({article.reference for article in articles}) == 30
    assert not any(article.photos for article in articles)


def test_a_process_is_measured_alone() -> None:
    """Its memory is its own, however large whoever starts it."""
    ballast = bytearray(150_000_000)
    cost = measure.run([sys.executable, "-I", "-S", "-c", "print(sum(range(10**6)))"])
    assert cost.output.strip() == "499999500000"
    assert 1_000_000 < cost.peak < len(ballast)
    assert 0 < cost.cpu <= cost.seconds + 0.1


def test_what_grew_is_named() -> None:
    """A run that sends more is named with the numbers, and so is a request that takes the place of another."""
    before = {"nothing to do": {"LCV": 1, "shop: GET orders": 1}}
    now = {"nothing to do": {"LCV": 1, "shop: GET addresses": 1, "shop: GET orders": 2}}
    assert list(differences(before, now, grown=True)) == [
        "nothing to do: in all: 2 before, 4 now (+2)",
        "nothing to do: shop: GET addresses: 0 before, 1 now (+1)",
        "nothing to do: shop: GET orders: 1 before, 2 now (+1)",
    ]
    assert not list(differences(before, now, grown=False))
    assert list(differences(now, before, grown=False))


def test_a_sample_stands_for_all() -> None:
    """The table says how many of the records were carried, and how many times more the others need."""
    result = Result(300, "a run", 1, 300, 2, 10, {}, 0, 0, 20.0, 5.0, 15.0, 80_000_000, 600_000)
    others = {"bare": Other(10, 10.0, 9.0, 300, 300), "usual": Other(900, 60.0, 59.0, 300, 20)}
    (_, _, row) = table.others([replace(result, others=others)])
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:] == ["10", "10", "900 (20)", "1.00", "90", "20.0", "10.0", "60.0", "2.00", "3.0"]
