"""What lcvsync has put into a shop, read back so that it can be sent in other ways."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from lxml import etree

from benchmarks.shop import SIZES, Shop, id_of

_SHOP_MAKES = {
    *("id", "manufacturer_name", "quantity", "position_in_category", "id_default_image", "id_default_combination"),
    *("cache_default_attribute", "type", "indexed", "id_shop_default", "date_add", "date_upd"),
}
_LISTS = {"product": {"categories", "product_features"}, "combination": {"product_option_values"}}
_NOTHING = {"", "0", "0.000000", "0000-00-00", "0000-00-00 00:00:00"}


@dataclass(frozen=True)
class Content:
    """What is to be carried: products with what hangs on them, by the ids that they have now."""

    products: Mapping[str, etree._Element]
    photos: Mapping[str, Mapping[str, bytes]]
    combinations: Mapping[str, tuple[str, etree._Element, Sequence[str]]]
    """Product, combination, its images."""
    quantities: Mapping[str, str]
    """By combination."""

    @classmethod
    def read(cls, shop: Shop, after: int, *, photos: bool) -> Self:
        """The products with ids above *after*."""
        products = {id_of(each): each for each in _pages(shop, "products", after)}
        combinations = {id_of(each): each for each in _pages(shop, "combinations", after)}
        shown = {product: _listed(each, "images") if photos else [] for product, each in products.items()}
        return cls(
            products={number: bare(each) for number, each in products.items()},
            photos={
                product: {image: shop.photo(product, image) for image in images} for product, images in shown.items()
            },
            combinations={
                number: (each.findtext("id_product", ""), bare(each), _listed(each, "images"))
                for number, each in combinations.items()
            },
            quantities={
                each.findtext("id_product_attribute", ""): each.findtext("quantity", "")
                for each in _pages(shop, "stock_availables", after)
            },
        )


def some_of(shop: Shop, resource: str, number: int, after: int) -> list[etree._Element]:
    """The first *number* records of the products with ids above *after*, as they are to be written again."""
    rows = _pages(shop, resource, after)
    if resource == "products":
        return [changed(bare(row), id=id_of(row)) for row in islice(rows, number)]
    sizes = (row for row in rows if row.findtext("id_product_attribute") != "0")
    return [
        record("stock_available", id=id_of(row), quantity=row.findtext("quantity", "")) for row in islice(sizes, number)
    ]


def bare(row: etree._Element) -> etree._Element:
    """A record without what is empty and what the shop makes by itself."""
    made = etree.Element(row.tag)
    for field in row:
        texts = [(each.text or "").strip() for each in field] or [(field.text or "").strip()]
        if field.tag == "associations":
            lists = etree.SubElement(made, "associations")
            lists.extend(_plain(each) for each in field if each.tag in _LISTS.get(row.tag, ()) and len(each))
        elif field.tag not in _SHOP_MAKES and not set(texts) <= _NOTHING:
            made.append(_plain(field))
    return made


def changed(row: etree._Element, **fields: str) -> etree._Element:
    """A copy with other values."""
    made = copy.copy(row)
    for name, text in fields.items():
        field = made.find(name)
        if field is None:
            field = etree.Element(name)
            made.insert(0, field)
        field.text = text
    return made


def record(name: str, **fields: str) -> etree._Element:
    """A record of plain fields."""
    return changed(etree.Element(name), **fields)


def _plain(element: etree._Element) -> etree._Element:
    """A copy without links."""
    made = etree.Element(element.tag, {"id": element.get("id", "")} if element.tag == "language" else {})
    made.text = element.text if not len(element) else None
    made.extend(_plain(each) for each in element)
    return made


def _pages(shop: Shop, resource: str, after: int) -> Iterator[etree._Element]:
    """Whole records of the products with ids above *after*, by id."""
    size = 10 * SIZES[resource]
    last = after if resource == "products" else 0
    query = {} if resource == "products" else {"filter[id_product]": f">[{after}]"}
    while page := shop.read(resource, display="full", limit=str(size), **query, **{"filter[id]": f">[{last}]"}):
        yield from page
        last = int(id_of(page[-1]))


def _listed(row: etree._Element, name: str) -> list[str]:
    return [each.text or "" for each in row.iterfind(f"associations/{name}/*/id")]
