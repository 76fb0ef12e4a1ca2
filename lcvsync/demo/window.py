"""The demo's shop window: every product of the emulated shop with its price, stock and photo, and a page for each."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from lcvsync.demo.product_page import availability_file, product_page
from lcvsync.demo.shop import ShownProduct, read_shop
from lcvsync.emulators.http import Request, Response

if TYPE_CHECKING:
    from pathlib import Path

    from lcvsync.emulators.prestashop import PrestaShopEmulator

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The demo's shop</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222 }}
table.counts td {{ padding: 0 1rem 0 0 }} td + td {{ text-align: right }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, 170px); gap: 1.2rem; padding: 0; list-style: none }}
li.off, li.none img {{ opacity: .45 }}
img, .empty {{ width: 150px; height: 200px; object-fit: contain; background: #f4f2ee; display: block }}
a {{ color: inherit; text-decoration: none }}
s {{ color: #777 }} strong {{ color: #a00 }} small {{ color: #666; display: block }}
</style></head>
<body><h1>The demo's shop</h1>
<p>Read anew at every reload: run <code>lcvsync sync</code>, and look again. A product's page
shows in which stores it is.</p>
<table class="counts">{counts}</table>
<ul>{products}</ul></body></html>
"""


class ShopWindow:
    """An emulator by its form, so that `EmulatorServer` serves it."""

    def __init__(self, shop: PrestaShopEmulator, availability: Path | None = None) -> None:
        """*availability*: the directory of `[availability]`, which is served too."""
        self._shop = shop
        self._availability = availability

    def handle(self, request: Request) -> Response:
        """A page, one of its photos, or what a page shows of the stores."""
        kind, _, name = request.path.removeprefix("/").partition("/")
        if kind == "availability":
            return availability_file(self._availability, name)
        page = self._page() if not kind else None
        if kind == "product" and name.isdecimal():
            page = product_page(self._shop, int(name))
        if page is not None:
            return Response(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
        image = self._shop.shop.images.get(int(name)) if kind == "photo" and name.isdecimal() else None
        if image is None or image.content is None:
            return Response(404, b"not found", {"Content-Type": "text/plain"})
        return Response(200, image.content, {"Content-Type": "image/jpeg"})

    def control(self, request: Request) -> Response:
        """There is nothing to steer here."""
        return Response(404)

    def _page(self) -> str:
        state = read_shop(self._shop)
        counts = "".join(f"<tr><td>{escape(name)}</td><td>{number:,}</td></tr>" for name, number in state.lines())
        return _PAGE.format(counts=counts, products="".join(map(_card, state.products)))


def _card(product: ShownProduct) -> str:
    kind = "off" if not product.active else "none" if not product.stock else ""
    picture = (
        f'<img src="/photo/{product.cover}" alt="" loading="lazy">' if product.cover else '<div class="empty"></div>'
    )
    stock = f"{product.stock} in stock" if product.stock else "out of stock"
    sizes = f", {product.variants} combinations" if product.variants else ""
    return (
        f'<li class="{kind}"><a href="/product/{product.id}">{picture}{escape(product.name)}</a><br>{_price(product)}'
        f"<small>{escape(product.reference)}: {stock}{sizes}{'' if product.active else ', switched off'}</small></li>"
    )


def _price(product: ShownProduct) -> str:
    if product.reduced is None:
        return _euros(product.price)
    return f"<s>{_euros(product.price)}</s> <strong>{_euros(product.reduced)}</strong>"


def _euros(amount: Decimal) -> str:
    return f"{amount:.2f} €".replace(".", ",")
