"""The bare bulk requests: the least that carries the same content, from a list that lies ready.

No question what is there, no plan, no state, nothing looked at but the ids that the shop gives: what a synchronisation
is measured against. The content is read back from the shop that lcvsync has filled, and sent as a second copy of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypeVar

import httpx
from lxml import etree

SIZES = {"products": 100, "combinations": 500, "stock_availables": 1000}
"""As many to a request: what a shop takes within usual limits (measured, section 1)."""
_SHOP_MAKES = {
    *("id", "manufacturer_name", "quantity", "position_in_category", "id_default_image", "id_default_combination"),
    *("cache_default_attribute", "type", "indexed", "id_shop_default", "date_add", "date_upd"),
}
_LISTS = {"product": {"categories", "product_features"}, "combination": {"product_option_values"}}
_NOTHING = {"", "0", "0.000000", "0000-00-00", "0000-00-00 00:00:00"}


T = TypeVar("T")


class Shop:
    """A shop's webservice; every request is counted."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url.rstrip("/"), key
        self.requests = 0
        self._client = httpx.Client(base_url=f"{self.url}/api/", auth=(key, ""), trust_env=False, timeout=600)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def read(self, resource: str, **query: str) -> list[etree._Element]:
        """The records of a list, by id."""
        root = self._ask("GET", resource, params={"sort": "[id_ASC]", **query})
        return list(root[0]) if len(root) else []

    def write(self, method: str, resource: str, records: Sequence[etree._Element]) -> list[etree._Element]:
        """Send *records* in bodies as large as the shop takes; the answers, in the same order."""
        answers: list[etree._Element] = []
        for some in slices(records, SIZES[resource]):
            body = b"<prestashop>" + b"".join(map(etree.tostring, some)) + b"</prestashop>"
            answers += self._ask(method, resource, content=body)
        return answers

    def upload(self, product: str, photo: bytes) -> str:
        """Add a photo; its id."""
        root = self._ask("POST", f"images/products/{product}", files={"image": ("photo.jpg", photo)})
        return root.findtext("image/id") or ""

    def photo(self, product: str, image: str) -> bytes:
        """A product's photo."""
        return self._client.get(f"images/products/{product}/{image}").content

    def delete_products(self, ids: Sequence[str]) -> None:
        """Undo a copy."""
        for some in slices(ids, SIZES["products"]):
            self._client.delete("products", params={"id": f"[{','.join(some)}]"}).raise_for_status()

    def _ask(self, method: str, path: str, **more: object) -> etree._Element:
        self.requests += 1
        answer = self._client.request(method, path, **more)  # type: ignore[arg-type]  # httpx's own keywords
        if answer.is_error:
            raise RuntimeError(f"the shop refuses {method} {path}: {answer.text[:500]}")
        return etree.fromstring(answer.content, etree.XMLParser(huge_tree=True))


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
        products = {_id(each): each for each in _pages(shop, "products", after)}
        combinations = {_id(each): each for each in _pages(shop, "combinations", after)}
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


def copy_content(shop: Shop, content: Content) -> list[str]:
    """Make everything a second time, products visible last; the new products' ids."""
    new = [changed(each, active="0") for each in content.products.values()]
    ids = dict(zip(content.products, map(_id, shop.write("POST", "products", new)), strict=True))
    images = {
        image: shop.upload(ids[product], photo)
        for product, photos in content.photos.items()
        for image, photo in photos.items()
    }
    made = shop.write(
        "POST",
        "combinations",
        [
            with_images(changed(each, id_product=ids[product]), [images[image] for image in shown if image in images])
            for product, each, shown in content.combinations.values()
        ],
    )
    quantities = dict(zip(map(_id, made), map(content.quantities.__getitem__, content.combinations), strict=True))
    first, last = min(map(int, ids.values())), max(map(int, ids.values()))
    rows = shop.read(
        "stock_availables", display="[id,id_product_attribute]", **{"filter[id_product]": f"[{first},{last}]"}
    )
    shop.write(
        "PATCH",
        "stock_availables",
        [
            record("stock_available", id=_id(row), quantity=quantities[combination])
            for row in rows
            if (combination := row.findtext("id_product_attribute", "")) in quantities
        ],
    )
    shop.write("PATCH", "products", [record("product", id=number, active="1") for number in ids.values()])
    return list(ids.values())


def rewrite(shop: Shop, resource: str, records: Sequence[etree._Element]) -> None:
    """Write what is there once more."""
    shop.write("PATCH", resource, records)


def some_of(shop: Shop, resource: str, number: int, after: int) -> list[etree._Element]:
    """The first *number* records of the products with ids above *after*, as they are to be written again."""
    rows = _pages(shop, resource, after)
    if resource == "products":
        return [changed(bare(row), id=_id(row)) for row in islice(rows, number)]
    sizes = (row for row in rows if row.findtext("id_product_attribute") != "0")
    return [
        record("stock_available", id=_id(row), quantity=row.findtext("quantity", "")) for row in islice(sizes, number)
    ]


def slices(records: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The records, so many at a time."""
    return (records[start : start + size] for start in range(0, len(records), size))


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


def with_images(row: etree._Element, images: Sequence[str]) -> etree._Element:
    """A combination that shows *images*; after its values, whose writing drops images (measured, section 2)."""
    lists = row.find("associations")
    if images and lists is not None:
        shown = etree.SubElement(lists, "images")
        for image in images:
            etree.SubElement(etree.SubElement(shown, "image"), "id").text = image
    return row


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
        last = int(_id(page[-1]))


def _listed(row: etree._Element, name: str) -> list[str]:
    return [each.text or "" for each in row.iterfind(f"associations/{name}/*/id")]


def _id(row: etree._Element) -> str:
    return row.findtext("id", "")
