"""Product pages as themes make them, around what the script holds on to; written after measurements of a real shop.

Both themes have `#product_page_product_id` in `form#add-to-cart-or-refresh`, `.js-product-additional-info`, where
modules print, and `#product-details[data-product]`, which says which combination the page shows. The theme's own script
replaces these blocks (theme.js).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from lcvsync.availability.directory import PublicDirectory
from lcvsync.availability.rendering import Labels
from lcvsync.planning.availability import ProductAvailability, ShownStore, ShownVariant, StoreAvailability

THEMES = ("classic", "hummingbird")
THEME_SCRIPT = (Path(__file__).parent / "theme.js").read_text(encoding="utf-8")
LABELS = Labels(
    "Disponibilité en magasin", "Magasin", "Disponibilité", "Disponible", "Dernières pièces", "Indisponible"
)
HOSTILE = '<img src=x onerror="window.hacked = 1">'
A, L, U = StoreAvailability.AVAILABLE, StoreAvailability.LAST_PIECES, StoreAvailability.UNAVAILABLE

STORES = (ShownStore(5, "Boutique de Lyon", ()), ShownStore(3, HOSTILE, ()), ShownStore(4, "L'Atelier & Cie", ()))
DRESS = ProductAvailability(
    12,
    STORES,
    (
        ShownVariant(40, "36, Moutarde", (A, L, U), (9, 2, 0)),
        ShownVariant(41, "38, Moutarde", (U, U, A), (0, 0, 4)),
        ShownVariant(42, "36, <b>Rouge</b>", (L, L, L), (1, 2, 3)),
    ),
)
BAG = ProductAvailability(13, STORES[:1], (ShownVariant(0, "", (L,), (1,)),))
SHIRT = ProductAvailability(
    14, STORES, (ShownVariant(50, "M", (A, A, A), (9, 9, 9)), ShownVariant(51, "L", (U, U, U), (0, 0, 0)))
)
COMBINATIONS = {"1-8": 40, "2-8": 41, "1-9": 42, "2-9": 99}
"""Values of both groups → combination; lcvsync knows nothing of the last one."""


def publish(directory: Path, *, base_url: str = "", quantities: bool = False) -> PublicDirectory:
    """The directory as a run leaves it."""
    public = PublicDirectory(directory, base_url, LABELS, quantities)
    public.prepare()
    for product in (DRESS, BAG, SHIRT):
        public.show(product, "")
    return public


@dataclass(frozen=True)
class Page:
    """A product page."""

    theme: str = "classic"
    product: int = 12
    combination: int | None = 40
    """None: the theme doesn't say."""
    script: str = '<script src="/lcvsync/lcvsync-availability.js" defer></script>'
    in_info: str = ""
    """What stands in the block where modules print."""
    below: str = ""
    """What stands at the end of the page."""

    def html(self) -> str:
        """Its source."""
        make = _classic if self.theme == "classic" else _hummingbird
        return (
            f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Robe</title>{self.script}'
            '<script>var prestashop = {"page": {"page_name": "product"}};</script>'
            "<style>body { font: 16px/1.4 sans-serif; margin: 2rem; max-width: 40rem } fieldset { border: 0 }</style>"
            f'</head><body id="product" class="lang-fr page-product product-id-{self.product}">{make(self)}{self.below}'
            f'<script type="application/json" id="combinations">{json.dumps(COMBINATIONS)}</script>'
            f"<script>{THEME_SCRIPT}</script></body></html>"
        )

    def but(self, **more: object) -> Page:
        """The same with something else."""
        return replace(self, **more)  # type: ignore[arg-type]

    @property
    def details(self) -> str:
        """The attribute that says what the page shows."""
        if self.combination is None:
            return ""
        plain = {"id": self.product, "id_product_attribute": self.combination, "reference": 'RO-1 "x"'}
        return f'data-product="{escape(json.dumps(plain))}"'


def _classic(page: Page) -> str:
    return f"""<main><section id="main"><div class="row product-container js-product-container"><div class="col-md-6">
<h1 class="h1">Robe Penmarc'h</h1><div class="product-information"><div class="product-actions js-product-actions">
<form action="#" method="post" id="add-to-cart-or-refresh"><input type="hidden" name="id_product" value="{page.product}"
 id="product_page_product_id"><div class="product-variants js-product-variants">
<span class="control-label">Taille</span><select id="group_1" data-product-attribute="1" name="group[1]">
<option value="1" selected>36</option><option value="2">38</option></select><ul id="group_2">
<li><label><input type="radio" data-product-attribute="2" name="group[2]" value="8" checked> Moutarde</label></li>
<li><label><input type="radio" data-product-attribute="2" name="group[2]" value="9"> Rouge</label></li></ul></div>
<div class="product-add-to-cart"><button type="button" id="buy">Ajouter au panier</button></div>
<div class="product-additional-info js-product-additional-info"><p>Partager</p>{page.in_info}</div></form></div>
<div class="tabs"><div class="js-product-details tab-pane fade" id="product-details" {page.details}>Fiche</div></div>
</div></div></div></section></main>"""


def _hummingbird(page: Page) -> str:
    return f"""<main><div class="product__container product-container js-product-container"><div class="product__right">
<h1 class="h2 product__name">Robe Penmarc'h</h1><div class="product__actions js-product-actions">
<form action="#" method="post" id="add-to-cart-or-refresh"><input type="hidden" name="id_product" value="{page.product}"
 id="product_page_product_id"><div class="product__variants js-product-variants">
<fieldset class="product-variant"><legend>Taille</legend><select class="form-select" id="group_1"
 data-product-attribute="1" name="group[1]"><option value="1" selected>36</option><option value="2">38</option></select>
</fieldset><fieldset class="product-variant"><legend>Couleur</legend><div role="radiogroup">
<label><input type="radio" data-product-attribute="2" name="group[2]" value="8" checked> Moutarde</label>
<label><input type="radio" data-product-attribute="2" name="group[2]" value="9"> Rouge</label></div></fieldset></div>
<button type="button" id="buy">Ajouter au panier</button>
<div class="product__additional-info js-product-additional-info"><p>Partager</p>{page.in_info}</div></form></div></div>
</div><div class="product__bottom"><div class="product-infos-element js-product-details accordion-item"
 id="product-details" {page.details}>Fiche</div></div></main>"""
