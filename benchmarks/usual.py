"""The usual way: a request for each record, searched for, read and written, as prestapyt is used.

prestapyt is the client that most Python programs for PrestaShop have (PyPI; `pip install --group bench`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import islice
from typing import Any
from xml.etree import ElementTree

from lxml import etree

from benchmarks.content import Content, changed
from benchmarks.shop import Shop

_NOT_WRITABLE = ("manufacturer_name", "quantity", "position_in_category")
_SHOP_MAKES = ("associations/combinations", "associations/stock_availables", "associations/images")


class Usual:
    """prestapyt, speaking to a shop; every request is counted."""

    def __init__(self, shop: Shop) -> None:
        from prestapyt import PrestaShopWebService  # noqa: PLC0415 - the benchmarks' alone, and they may do without it

        warnings.filterwarnings("ignore", module="prestapyt")  # the shop is newer than prestapyt
        self.requests = 0
        self._service = PrestaShopWebService(shop.url, shop.key)
        self._service.client.trust_env = False
        self._service.client.hooks["response"].append(self._count)

    def copy_content(self, content: Content, products: int) -> list[str]:
        """Make *products* of it a second time; their ids."""
        return [self._copy(content, number) for number in islice(content.products, products)]

    def rewrite(self, resource: str, ids: Iterable[str]) -> None:
        """Look for each record, read it, and write it as it is."""
        for number in ids:
            (found,) = self._find(resource, id=number)
            row = self._service.get(resource, found)
            if resource == "products":
                _prepare(row[0])
            self._service.edit(resource, ElementTree.tostring(row))

    def _copy(self, content: Content, number: str) -> str:
        product = content.products[number]
        self._find("products", reference=product.findtext("reference", ""))
        new = self._add("products", product)
        for photo in content.photos.get(number, {}).values():
            self._service.add(f"images/products/{new}", files=[("image", "photo.jpg", photo)])
        for combination, (owner, variant, _) in content.combinations.items():
            if owner == number:
                made = self._add("combinations", changed(variant, id_product=new))
                self._set_stock(new, made, content.quantities[combination])
        return new

    def _set_stock(self, product: str, combination: str, quantity: str) -> None:
        (found,) = self._find("stock_availables", id_product=product, id_product_attribute=combination)
        row = self._service.get("stock_availables", found)
        row.find("stock_available/quantity").text = quantity
        self._service.edit("stock_availables", ElementTree.tostring(row))

    def _find(self, resource: str, **fields: str) -> list[str]:
        """Ids of the records with these values."""
        options = {f"filter[{name}]": f"[{value}]" for name, value in fields.items()}
        return [row.get("id", "") for row in self._service.search(resource, options=options)[0]]

    def _add(self, resource: str, record: etree._Element) -> str:
        body = b"<prestashop>" + etree.tostring(record) + b"</prestashop>"
        return str(self._service.add(resource, body).findtext("*/id"))

    def _count(self, *_: Any, **__: Any) -> None:
        self.requests += 1


def _prepare(row: Any) -> None:
    """Leave out what the PUT of a product refuses, and lists that the shop keeps by itself."""
    for name in (*_NOT_WRITABLE, *_SHOP_MAKES):
        parent, _, child = name.rpartition("/")
        holder = row.find(parent) if parent else row
        for element in [] if holder is None else holder.findall(child):
            holder.remove(element)
