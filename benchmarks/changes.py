"""What happens in LCV and in the shop between two runs: each changes as many records as it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from benchmarks.catalogue import VARIANTS
from lcvsync.demo.shop import control
from lcvsync.emulators.lcv.records import Price, StockLevel
from lcvsync.emulators.lcv.state import Catalogue
from lcvsync.emulators.lcv.tables import STOCK_STORES, WEB_PRICE_LIST
from lcvsync.emulators.prestashop import PrestaShopEmulator

_SOLD_OUT = 10
"""Every tenth changed size falls to zero."""


def names(catalogue: Catalogue, articles: int) -> None:
    """So many articles are called otherwise."""
    for _, article in catalogue.articles.records()[:articles]:
        catalogue.put_article(replace(article, name=f"{article.name} bis"))


def stocks(catalogue: Catalogue, sizes: int) -> None:
    """So many sizes that can be bought have another quantity; every tenth is sold out."""
    skus = (variant.sku for _, article in catalogue.articles.records() for variant in article.variants)
    in_stock = (sku for sku in skus if any(catalogue.quantity(sku, store) for store in STOCK_STORES))
    for place, sku in enumerate(list(islice(in_stock, sizes))):
        if place % _SOLD_OUT:
            catalogue.sell(sku, STOCK_STORES[0], -1)
        else:
            for store in STOCK_STORES:
                catalogue.put_stock(StockLevel(sku, store, 0))


def prices(catalogue: Catalogue, variants: int) -> None:
    """So many variants cost a euro more, article by article."""
    for _, article in catalogue.articles.records()[: variants // VARIANTS]:
        for variant in article.variants:
            price = catalogue.prices.get((variant.sku, WEB_PRICE_LIST))
            if price and price.price_incl_tax:
                dearer = str(Decimal(price.price_incl_tax) + 1)
                catalogue.put_price(Price(variant.sku, WEB_PRICE_LIST, dearer))


def orders(shop: PrestaShopEmulator, number: int) -> None:
    """So many paid orders of two pieces, each by somebody else."""
    stock = shop.shop.tables["stock_availables"]
    pieces = [
        {"id_product": row["id_product"], "id_product_attribute": row["id_product_attribute"], "quantity": 1}
        for _, row in stock
        if row["id_product_attribute"] != "0" and int(str(row["quantity"])) > 0
    ]
    for place in range(number):
        customer = {"firstname": "Claire", "lastname": "Martin", "email": f"claire.{place}@example.com"}
        lines = [pieces[(2 * place + piece) % len(pieces)] for piece in range(2)]
        order = {"customer": customer, "lines": lines, "module": "ps_checkpayment", "payment": "Carte", "state": 2}
        control(shop, "POST", "order", order)


IN_LCV: Mapping[str, Callable[[Catalogue, int], None]] = {"names": names, "stocks": stocks, "prices": prices}
IN_SHOP: Mapping[str, Callable[[PrestaShopEmulator, int], None]] = {"orders": orders}
