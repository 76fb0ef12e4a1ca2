"""The bare bulk requests: the least that carries the same content, from a list that lies ready.

No question what is there, no plan, no state, nothing looked at but the ids that the shop gives: what a synchronisation
is measured against. It makes a second copy of what lcvsync has made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from benchmarks.content import Content, changed, record
from benchmarks.shop import Shop, id_of


def copy_content(shop: Shop, content: Content) -> list[str]:
    """Make everything a second time, products visible last; the new products' ids."""
    ids = _copy_products(shop, content)
    images = {
        image: shop.upload(ids[product], photo)
        for product, photos in content.photos.items()
        for image, photo in photos.items()
    }
    quantities = _copy_combinations(shop, content, ids, images)
    first, last = min(map(int, ids.values())), max(map(int, ids.values()))
    rows = shop.read(
        "stock_availables", display="[id,id_product_attribute]", **{"filter[id_product]": f"[{first},{last}]"}
    )
    stocks = [
        record("stock_available", id=id_of(row), quantity=quantities[combination])
        for row in rows
        if (combination := row.findtext("id_product_attribute", "")) in quantities
    ]
    shop.write("PATCH", "stock_availables", stocks)
    shop.write("PATCH", "products", [record("product", id=number, active="1") for number in ids.values()])
    return list(ids.values())


def _copy_products(shop: Shop, content: Content) -> Mapping[str, str]:
    """New ids by old ones."""
    made = shop.write("POST", "products", [changed(each, active="0") for each in content.products.values()])
    return dict(zip(content.products, map(id_of, made), strict=True))


def _copy_combinations(
    shop: Shop, content: Content, ids: Mapping[str, str], images: Mapping[str, str]
) -> Mapping[str, str]:
    """Quantities by new combination, for products and images whose new *ids* stand by their old ones."""
    made = shop.write(
        "POST",
        "combinations",
        [
            _with_images(changed(each, id_product=ids[product]), [images[image] for image in shown if image in images])
            for product, each, shown in content.combinations.values()
        ],
    )
    return dict(zip(map(id_of, made), map(content.quantities.__getitem__, content.combinations), strict=True))


def _with_images(row: etree._Element, images: Sequence[str]) -> etree._Element:
    """A combination that shows *images*; after its values, whose writing drops images (measured, section 2)."""
    lists = row.find("associations")
    if images and lists is not None:
        shown = etree.SubElement(lists, "images")
        for image in images:
            etree.SubElement(etree.SubElement(shown, "image"), "id").text = image
    return row
