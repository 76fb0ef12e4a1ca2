"""A shop as PrestaShop installs it in French, with or without its 19 demo products and the 15 recorded orders.

`data/demo.json` and `data/orders.json` hold what the recordings show (ids, references, prices, texts of the recorded
rows), one row a line; a field that a row doesn't name has the value under `all`. A text stands for both languages.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from PIL import Image as Pillow

from lcvsync.emulators.prestashop import cascades, orders
from lcvsync.emulators.prestashop.catalogue import catalogue_of
from lcvsync.emulators.prestashop.combinations import Combinations, StockAvailables
from lcvsync.emulators.prestashop.entity import Behaviour
from lcvsync.emulators.prestashop.ledger import ZERO, amount, payments_of, rows_of, whole
from lcvsync.emulators.prestashop.people import PEOPLE
from lcvsync.emulators.prestashop.products import Products
from lcvsync.emulators.prestashop.sales import sales_of
from lcvsync.emulators.prestashop.settings import SETTINGS
from lcvsync.emulators.prestashop.shop import CartRow, Fees, Image, Shop, SlipRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lcvsync.emulators.prestashop.model import Resource, Value, Values

_BEHAVIOURS: dict[str, type[Behaviour]] = {
    "products": Products,
    "combinations": Combinations,
    "stock_availables": StockAvailables,
    "specific_prices": cascades.SpecificPrices,
    "categories": cascades.Categories,
    "manufacturers": cascades.Manufacturers,
    "product_options": cascades.Options,
    "product_option_values": cascades.OptionValues,
    "product_features": cascades.Features,
    "product_feature_values": cascades.FeatureValues,
    "currencies": cascades.Currencies,
    "orders": orders.Orders,
    "order_histories": orders.OrderHistories,
    "order_details": orders.OrderDetails,
    "order_carriers": orders.OrderCarriers,
    "order_slip": orders.OrderSlips,
    "customers": orders.Customers,
    "carriers": orders.Carriers,
    "carts": orders.Carts,
}
_SALES = sales_of(old=False)
_DEMO_ROWS = {
    *("products", "combinations", "stock_availables", "specific_prices", "customers", "addresses", "carts"),
    *("cart_rules", *(each.name for each in _SALES)),
}
"""Resources that are empty in a shop without demo data."""
_SHIPPING = Decimal(7)
"""What "My carrier" costs without tax, handling included."""
_OLD_SHOP_NAME = "Boutique Labo 178"
LANGUAGES = (1, 2)


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    for name in ("demo.json", "orders.json"):
        loaded |= json.loads((files(__package__) / "data" / name).read_text("utf-8"))
    return loaded


def new_shop(*, version: str, clock: Callable[[], datetime], demo_data: bool) -> Shop:
    """A shop of that version; without *demo_data* the same settings and no products."""
    old = version.startswith("1.7.")
    resources = {each.name: each for each in (*catalogue_of(old=old), *SETTINGS, *PEOPLE, *sales_of(old=old))}
    shop = Shop(resources, clock)
    for name, resource in resources.items():
        shop.behaviours[name] = _BEHAVIOURS.get(name, Behaviour)(shop, resource)
    for name in resources:
        if demo_data or name not in _DEMO_ROWS:
            _fill(shop, name)
    if demo_data:
        _link(shop)
        _link_sales(shop)
        shop.pictures = {(kind, owner): picture(owner) for kind, ids in _data()["pictures"].items() for owner in ids}
    shop.addresses_of = {int(brand): list(ids) for brand, ids in _data()["addresses_of"].items()}
    _note_version(shop, version, old=old)
    return shop


def _fill(shop: Shop, name: str) -> None:
    for row_id, values in _rows(shop.resources[name], shop.behaviours[name]):
        shop.tables[name].insert(values, row_id)


_prepared: dict[Resource, list[tuple[int, Values]]] = {}


def _rows(resource: Resource, behaviour: Behaviour) -> list[tuple[int, Values]]:
    """The resource's rows as the database holds them, made once: a test starts many shops.

    Fields that the data lacks are those that PrestaShop would put there. The texts of translated fields are shared by
    all shops; nothing writes into them, a write replaces them.
    """
    if resource not in _prepared:
        described = _data().get(resource.name, {"all": {}, "rows": []})
        blank = behaviour.blank(list(LANGUAGES))
        _prepared[resource] = [
            (row["id"], {**blank, **_values(resource, {**described["all"], **row})}) for row in described["rows"]
        ]
    return _prepared[resource]


def _values(resource: Resource, row: dict[str, Any]) -> Values:
    return {
        field.name: _value(row[field.name], translated=field.translated, nullable=field.nullable)
        for field in resource.fields
        if field.name in row and not field.computed
    }


def _value(given: object, *, translated: bool, nullable: bool) -> Value:
    if translated:
        texts = given if isinstance(given, dict) else dict.fromkeys(LANGUAGES, given)
        return {int(language): str(text) for language, text in texts.items()}
    return None if nullable and given == "" else str(given)


def _link(shop: Shop) -> None:
    data = _data()
    shop.categories_of = {
        int(product): {int(category): position for category, position in held.items()}
        for product, held in data["categories_of"].items()
    }
    shop.features_of = {int(product): [(a, b) for a, b in pairs] for product, pairs in data["features_of"].items()}
    shop.accessories_of = {int(product): list(ids) for product, ids in data["accessories_of"].items()}
    shop.bundle_of = {int(product): [(a, b, c) for a, b, c in items] for product, items in data["bundle_of"].items()}
    shop.values_of = {int(each): list(ids) for each, ids in data["values_of"].items()}
    shop.images_of = {int(each): list(ids) for each, ids in data["images_of"].items()}
    for image, product, position, cover in data["images"]:
        shop.images[image] = Image(
            product, position, cover=bool(cover), shown_cover=bool(cover), content=picture(image)
        )
        shop.product_images.setdefault(product, []).append(image)
        shop.next_image = max(shop.next_image, image + 1)


def _link_sales(shop: Shop) -> None:
    data = _data()
    shop.groups_of = {int(each): list(ids) for each, ids in data["groups_of"].items()}
    shop.rules_of = {int(each): list(ids) for each, ids in data["rules_of"].items()}
    shop.taxes_of = {int(each): list(ids) for each, ids in data["taxes_of"].items()}
    shop.cart_rows_of = {int(each): [CartRow(*row) for row in rows] for each, rows in data["cart_rows_of"].items()}
    shop.slip_rows_of = {
        int(each): [SlipRow(int(a), int(b), Decimal(c), Decimal(d)) for a, b, c, d in rows]
        for each, rows in data["slip_details_of"].items()
    }
    for order, row in shop.tables["orders"]:
        wrapping = amount(row, "total_wrapping_tax_excl")
        shop.fees_of[whole(row, "id_cart")] = Fees(_SHIPPING if order != 2 else ZERO, wrapping)  # the second has none
        payments = [each for each, _ in payments_of(shop, order)]
        shop.invoice_payments += [(each, one) for each, _ in rows_of(shop, "order_invoices", order) for one in payments]


@cache
def picture(number: int) -> bytes:
    """A small picture in place of a demo product's photo."""
    drawn = io.BytesIO()
    colour = (number * 37 % 256, number * 91 % 256, number * 151 % 256)
    Pillow.new("RGB", (16, 16), colour).save(drawn, "JPEG")
    return drawn.getvalue()


def _note_version(shop: Shop, version: str, *, old: bool) -> None:
    table = shop.tables["configurations"]
    for name in ("PS_VERSION_DB", "PS_INSTALL_VERSION"):
        for row_id in table.where("name", name):
            table.update(row_id, {"value": version})
    if not old:
        return
    for row_id in table.where("name", "PS_SHOP_NAME"):
        table.update(row_id, {"value": _OLD_SHOP_NAME})
    shop.tables["shops"].update(1, {"name": _OLD_SHOP_NAME})
    _age_combinations(shop)


def _age_combinations(shop: Shop) -> None:
    """1.7.8 shows a quantity of its own on combinations, which no stock row follows (recorded samples)."""
    products, combinations = shop.tables["products"], shop.tables["combinations"]
    for row_id in products.rows:
        products.update(row_id, {"low_stock_threshold": None})
    for row_id in combinations.rows:
        combinations.update(row_id, {"low_stock_threshold": None, "quantity": "100"})
