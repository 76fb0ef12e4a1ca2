"""JSON and HTML of a product: complete, in words, and text wherever a name stands."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from lcvsync.availability.rendering import Labels, as_html, as_json
from lcvsync.planning.availability import ProductAvailability, ShownStore, ShownVariant, StoreAvailability

LABELS = Labels(
    "Disponibilité en magasin", "Magasin", "Disponibilité", "Disponible", "Dernières pièces", "Indisponible"
)
HOSTILE = ["<img src=x onerror=alert(1)>", '"><script>', "</caption>", "&lt;b&gt;", "'\"&", "\x00", "\ud800", "]]>"]
STATES = tuple(StoreAvailability)


def product(stores: list[str], names: list[str], quantity: int = 4) -> ProductAvailability:
    """A product with these stores and variants, states going round."""
    variants = tuple(
        ShownVariant(
            40 + place,
            name,
            tuple(STATES[(place + index) % 3] for index in range(len(stores))),
            (quantity,) * len(stores),
        )
        for place, name in enumerate(names)
    )
    return ProductAvailability(12, tuple(ShownStore(i, name, ()) for i, name in enumerate(stores, 1)), variants)


class Outline(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.texts.append(data)


def test_json() -> None:
    """The format that docs/availability.md promises to themes."""
    made = json.loads(as_json(product(["Lyon", "Paris"], ["36", "38"]), LABELS, quantities=False))

    assert made == {
        "format": 1,
        "product": 12,
        "title": "Disponibilité en magasin",
        "headings": {"store": "Magasin", "state": "Disponibilité"},
        "labels": {"available": "Disponible", "last_pieces": "Dernières pièces", "unavailable": "Indisponible"},
        "stores": [{"id": 1, "name": "Lyon"}, {"id": 2, "name": "Paris"}],
        "variants": [
            {"combination": 40, "name": "36", "states": {"1": "available", "2": "last_pieces"}},
            {"combination": 41, "name": "38", "states": {"1": "last_pieces", "2": "unavailable"}},
        ],
    }


def test_html() -> None:
    """Every state stands there as a word, beside the dot that only eyes are for."""
    page = as_html(product(["Lyon"], ["36", "38", "40"]), LABELS, quantities=False)
    outline = Outline(page)

    text = " ".join("".join(outline.texts).split())
    assert text == (
        "Disponibilité en magasin MagasinDisponibilité 36 Lyon Disponible 38 Lyon Dernières pièces 40 Lyon Indisponible"
    )
    assert page.count(b'aria-hidden="true"') == 3
    assert outline.tags.count("tbody") == 3


def test_quantities_only_if_allowed() -> None:
    """Neither form tells a quantity unless it may; 0 is no number that anybody needs."""
    several, none = product(["Lyon"], ["36"], 77), product(["Lyon"], ["36"], 0)

    for make in (as_json, as_html):
        assert b"77" not in make(several, LABELS, quantities=False)
        assert b"77" in make(several, LABELS, quantities=True)
    assert b"(0)" not in as_html(none, LABELS, quantities=True)


@given(
    names=st.lists(st.text() | st.sampled_from(HOSTILE), min_size=5, max_size=5),
    words=st.lists(st.text() | st.sampled_from(HOSTILE), min_size=6, max_size=6),
)
@example(names=HOSTILE[:5], words=HOSTILE[:6])
def test_names_are_text(names: list[str], words: list[str]) -> None:
    """Whatever stores, variants and labels are called: the page has the same elements and attributes, and the names."""
    names = [name or "x" for name in names]
    shown, labels = product(names[:2], names[2:]), Labels(*words)
    page, plain = as_html(shown, labels, quantities=True), product(["a", "b"], ["c", "d", "e"])
    outline, expected = Outline(page), Outline(as_html(plain, LABELS, quantities=True))

    assert outline.tags == expected.tags
    assert outline.attributes == expected.attributes
    told = json.loads(as_json(shown, labels, quantities=True))
    assert [store["name"] for store in told["stores"]] == [_kept(name) for name in names[:2]]
    assert [variant["name"] for variant in told["variants"]] == [_kept(name) for name in names[2:]]
    assert told["title"] == _kept(words[0])


def test_a_name_like_an_element() -> None:
    """The store of the design: its name is what people read."""
    page = as_html(product(["<img onerror=alert(1)>"], ["36"]), LABELS, quantities=False)

    assert "img" not in Outline(page).tags
    assert "<img onerror=alert(1)>" in Outline(page).texts


def _kept(text: str) -> Any:
    """A lone surrogate is no character."""
    return text.encode("utf-8", "replace").decode()
