"""The two forms of a product's availability: JSON for scripts, and the same as a fragment of HTML.

Names come from LCV, the shop and the configuration, and are text wherever they appear: a store called `<img onerror>`
is shown as that. The fragment says everything in words; colours and shapes are the stylesheet's, through the classes.
`lcvsync-availability.js` makes the same fragment from the JSON: what is changed here is changed there
(`tests/browser` compares the two).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

from lcvsync.planning.availability import ProductAvailability, ShownVariant, StoreAvailability

FORMAT = 1
"""Grows when a theme that reads the JSON must be changed."""
BLOCK = "lcvsync-availability"


@dataclass(frozen=True, slots=True)
class Labels:
    """The words that customers read."""

    title: str
    store: str
    state: str
    available: str
    last_pieces: str
    unavailable: str

    def of(self, state: StoreAvailability) -> str:
        """The word for a state."""
        words = {
            StoreAvailability.AVAILABLE: self.available,
            StoreAvailability.LAST_PIECES: self.last_pieces,
            StoreAvailability.UNAVAILABLE: self.unavailable,
        }
        return words[state]


def as_json(shown: ProductAvailability, labels: Labels, *, quantities: bool) -> bytes:
    """The JSON of a product, as docs/availability.md describes it."""
    ids = [str(store.id) for store in shown.stores]
    variants = []
    for variant in shown.variants:
        one: dict[str, object] = {"combination": variant.combination, "name": variant.name}
        one["states"] = dict(zip(ids, (state.value for state in variant.states), strict=True))
        if quantities:
            one["quantities"] = dict(zip(ids, variant.quantities, strict=True))
        variants.append(one)
    whole = {
        "format": FORMAT,
        "product": shown.product,
        "title": labels.title,
        "headings": {"store": labels.store, "state": labels.state},
        "labels": {state.value: labels.of(state) for state in StoreAvailability},
        "stores": [{"id": store.id, "name": store.name} for store in shown.stores],
        "variants": variants,
    }
    return _utf8(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n")


def as_html(shown: ProductAvailability, labels: Labels, *, quantities: bool) -> bytes:
    """The fragment of a product: one table, with a body for each variant."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in (labels.store, labels.state))
    bodies = "".join(_body(shown, variant, labels, quantities) for variant in shown.variants)
    return _utf8(
        f'<div class="{BLOCK}" data-lcvsync-product="{shown.product}">\n'
        f'<table class="{BLOCK}__table">\n'
        f'<caption class="{BLOCK}__title">{escape(labels.title)}</caption>\n'
        f"<thead>\n<tr>{head}</tr>\n</thead>\n"
        f"{bodies}</table>\n</div>\n"
    )


def _body(shown: ProductAvailability, variant: ShownVariant, labels: Labels, quantities: bool) -> str:
    rows = [f'<tbody data-lcvsync-combination="{variant.combination}">']
    if variant.name:
        rows.append(f'<tr class="{BLOCK}__variant"><th scope="rowgroup" colspan="2">{escape(variant.name)}</th></tr>')
    for store, state, quantity in zip(shown.stores, variant.states, variant.quantities, strict=True):
        number = f' <span class="{BLOCK}__quantity">({quantity})</span>' if quantities and quantity else ""
        rows.append(
            f'<tr class="{BLOCK}__store" data-lcvsync-store="{store.id}"><th scope="row">{escape(store.name)}</th>'
            f'<td class="{BLOCK}__state {BLOCK}__state--{state.value.replace("_", "-")}">'
            f'<span class="{BLOCK}__dot" aria-hidden="true"></span> '
            f'<span class="{BLOCK}__label">{escape(labels.of(state))}</span>{number}</td></tr>'
        )
    return "\n".join([*rows, "</tbody>\n"])


def _utf8(text: str) -> bytes:
    """Half a character (a lone surrogate) becomes a question mark: it is no reason to leave a product out."""
    return text.encode("utf-8", "replace")
