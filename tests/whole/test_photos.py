"""Photos that are added, removed, replaced, reordered, or bad: images, cover and ties to combinations follow LCV."""

from __future__ import annotations

import hashlib

import pytest

from .harness import World
from .oracle import Json
from .stand_ins import picture


def _photographed(world: World, count: int = 3) -> Json:
    """An article with *count* photos of all its variants, of very different colours, synchronised."""
    article = world.ordinary(colours=2)[0]
    photos = []
    for place, colour in enumerate(("#d01010", "#10d010", "#1010d0", "#d0d010")[:count], start=1):
        content = world.add_photo(f"P{place}", colour)
        photos.append(
            {
                "id": f"P{place}",
                "sha256": hashlib.sha256(content).hexdigest(),
                "position": place,
                "caption": None,
                "attributes": {},
            }
        )
    article = world.change_article(article["id"], photos=photos)
    world.converge()
    return article


def _put(world: World, article: Json, *order: str) -> None:
    """The article's photos, in another order or fewer."""
    known = {photo["id"]: photo for photo in world.article(article["id"])["photos"]}
    photos = [{**known[name], "position": place} for place, name in enumerate(order, start=1)]
    world.change_article(article["id"], photos=photos)


@pytest.mark.parametrize("order", [("P3", "P2", "P1"), ("P2", "P3"), ("P1",)], ids="".join)
def test_photos_are_reordered_and_removed(synced: World, order: tuple[str, ...]) -> None:
    """LCV's first photo is the cover, removed ones are gone; no photo is sent again."""
    article = _photographed(synced)
    _put(synced, article, *order)

    synced.converge()

    assert not any(r.method == "POST" and "images" in r.path for r in synced.shop.requests)


@pytest.mark.parametrize(
    ("replaced", "order"),
    [("P1", ("P1", "P2", "P3")), ("P2", ("P1", "P2", "P3")), ("P3", ("P3", "P1")), ("P1", ("P2", "P1"))],
)
def test_a_photo_is_replaced(synced: World, replaced: str, order: tuple[str, ...]) -> None:
    """The new picture stands where the old one stood, as cover too, and the old one is gone."""
    article = _photographed(synced)
    _put(synced, article, *order)
    synced.converge()
    synced.put_photo(replaced, "#777777")

    synced.converge()

    uploads = [r for r in synced.shop.requests if r.method == "POST" and "images" in r.path]
    assert len(uploads) == 1


def test_all_photos_are_replaced(synced: World) -> None:
    """One after the other, the product never being without a cover."""
    article = _photographed(synced)
    for name, colour in (("P1", "#444444"), ("P2", "#888888"), ("P3", "#cccccc")):
        synced.put_photo(name, colour)
    covers: list[int] = []

    with synced.watched(lambda: covers.append(synced.product(article).card.number("id_default_image"))):
        synced.sync()

    assert synced.problems() == []
    assert 0 not in covers
    synced.assert_idle()


@pytest.mark.parametrize("place", [1, 4])
@pytest.mark.parametrize("fault", ["broken", "missing"])
def test_a_bad_photo_is_added(synced: World, fault: str, place: int) -> None:
    """It is left out and named, everything else of the article goes on, the cover stays the first good one."""
    article = _photographed(synced)
    content = b"no picture at all"
    if fault == "broken":
        synced.add_photo("BAD", content)
    photos = [{**photo, "position": photo["position"] + (place == 1)} for photo in article["photos"]]
    bad = {"id": "BAD", "sha256": hashlib.sha256(content).hexdigest(), "position": place, "attributes": {}}
    synced.change_article(article["id"], photos=[*photos, bad], name="Nouveau nom")

    report = synced.sync()

    assert synced.problems() == []
    assert "BAD" in [item.key for item in report.skipped] + [item.key for item in report.failed]
    sku = article["variants"][0]["sku"]
    synced.stock_in(sku, 0 if synced.expected().quantities[sku] else 5)
    synced.advance(minutes=1)
    synced.sync()
    assert synced.problems() == []


def test_a_missing_photo_arrives(synced: World) -> None:
    """A photo that LCV announced before it had it is sent when it is there."""
    article = _photographed(synced)
    content = picture("#eeaa00")
    late = {"id": "LATE", "sha256": hashlib.sha256(content).hexdigest(), "position": 4, "attributes": {}}
    synced.change_article(article["id"], photos=[*article["photos"], late])
    synced.sync()
    assert synced.problems() == []

    synced.add_photo("LATE", content)
    synced.advance(hours=25)
    synced.sync()

    assert synced.problems() == []
    assert len(synced.product(article).card.ids("images")) == 4
