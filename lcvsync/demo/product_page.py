"""A product's page in the demo's shop: what a theme has that the availability by store holds on to, and the one line.

`prestashop` is the theme's: it tells listeners of the combination that is chosen, as PrestaShop's own does.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

from lcvsync.demo.shop import control
from lcvsync.emulators.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lcvsync.emulators.prestashop import PrestaShopEmulator

_TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".html": "text/html"}
_FILES = re.compile(r"lcvsync-availability\.(js|css)|products/\d+\.(json|html)")
_PAGE = """\
<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width">
<script src="/availability/lcvsync-availability.js" defer></script>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #222 }}
main {{ display: flex; flex-wrap: wrap; gap: 2rem }} img {{ width: 300px; background: #f4f2ee }} form {{ flex: 1 }}
</style></head>
<body id="product" class="page-product product-id-{product}">
<p><a href="/">The demo's shop</a></p>
<main class="product-container js-product-container">{picture}
<form id="add-to-cart-or-refresh"><h1>{name}</h1>
<input type="hidden" name="id_product" value="{product}" id="product_page_product_id">
<p class="js-product-variants"><label>Déclinaison <select name="combination">{options}</select></label></p>
<div class="product-additional-info js-product-additional-info"></div>
</form></main>
<div id="product-details" data-product="{details}"></div>
<script>
const listeners = [];
const prestashop = window.prestashop = {{ on: (name, listener) => listeners.push(listener) }};
document.querySelector("select").addEventListener("change", (event) => {{
  listeners.forEach((listener) => listener({{ id_product_attribute: Number(event.target.value) }}, []));
}});
</script></body></html>
"""


def product_page(emulator: PrestaShopEmulator, product: int) -> str | None:
    """The page of a product; None when the shop has no such product."""
    dump = control(emulator, "GET", "dump")
    row = next((each for each in dump["products"] if int(each["id"]) == product), None)
    if row is None:
        return None
    values = {str(each["id"]): _text(each["name"]) for each in dump["product_option_values"]}
    combinations = {
        int(each["id"]): ", ".join(values[str(value["id"])] for value in each["associations"]["product_option_values"])
        for each in dump["combinations"]
        if int(each["id_product"]) == product
    }
    default = next((int(each["id"]) for each in dump["combinations"] if _is_default(each, product)), 0)
    cover = next((each["id"] for each in dump["images"] if int(each["id_product"]) == product and each["cover"]), None)
    options = "".join(
        f'<option value="{number}"{" selected" if number == default else ""}>{escape(name)}</option>'
        for number, name in combinations.items()
    )
    return _PAGE.format(
        product=product,
        name=escape(_text(row["name"])),
        picture=f'<img src="/photo/{cover}" alt="">' if cover else "",
        options=options or '<option value="0">–</option>',
        details=escape(json.dumps({"id_product_attribute": default})),
    )


def _is_default(row: Mapping[str, Any], product: int) -> bool:
    return int(row["id_product"]) == product and row["default_on"] == "1"


def _text(name: Mapping[str, str] | Mapping[int, str] | str) -> str:
    return str(next(iter(name.values()), "")) if not isinstance(name, str) else name


def availability_file(directory: Path | None, name: str) -> Response:
    """One of the files that lcvsync wrote, as a web server would serve it."""
    file = directory / name if directory and _FILES.fullmatch(name) else None
    if file is None or not file.is_file():
        return Response(404, b"not found", {"Content-Type": "text/plain"})
    kind = f"{_TYPES[file.suffix]}; charset=utf-8"
    return Response(200, file.read_bytes(), {"Content-Type": kind, "Cache-Control": "no-cache"})
