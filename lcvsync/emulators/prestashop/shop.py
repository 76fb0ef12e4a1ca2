"""The shop's database: plain tables in memory, with the indexes that make bulk work fast.

Nothing here knows the webservice. `tables` hold the rows of the resources, the other attributes hold the link tables
and the files that PrestaShop keeps beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from lcvsync.emulators.prestashop.entity import Behaviour
    from lcvsync.emulators.prestashop.model import Resource, Value, Values

TIME_ZONE = ZoneInfo("Europe/Paris")

_INDEXED = {
    "combinations": ("id_product",),
    "stock_availables": ("id_product",),
    "specific_prices": ("id_product",),
    "categories": ("id_parent",),
    "product_option_values": ("id_attribute_group",),
    "product_feature_values": ("id_feature",),
    "configurations": ("name",),
    "addresses": ("id_customer",),
    "order_details": ("id_order",),
    "order_histories": ("id_order",),
    "order_carriers": ("id_order",),
    "order_invoices": ("id_order",),
    "order_cart_rules": ("id_order",),
    "order_slip": ("id_order",),
    "order_payments": ("order_reference",),
}


class Table:
    """The rows of one resource by id. Ids are never used twice, as AUTO_INCREMENT has it."""

    def __init__(self, indexed: Iterable[str]) -> None:
        self.rows: dict[int, Values] = {}
        self.next_id = 1
        self._indexes: dict[str, dict[Value, dict[int, None]]] = {name: {} for name in indexed}

    def __contains__(self, row_id: int) -> bool:
        return row_id in self.rows

    def __iter__(self) -> Iterator[tuple[int, Values]]:
        return iter(self.rows.items())

    def insert(self, values: Values, row_id: int | None = None) -> int:
        """Adds a row; gives its id."""
        new = self.next_id if row_id is None else row_id
        self.next_id = max(self.next_id, new + 1)
        self.rows[new] = {**values, "id": str(new)}
        self._index(new)
        return new

    def update(self, row_id: int, values: Values) -> None:
        """Changes the given columns of a row."""
        self._forget(row_id)
        self.rows[row_id].update(values)
        self._index(row_id)

    def delete(self, row_id: int) -> None:
        """Removes a row; nothing when it is gone."""
        if row_id in self.rows:
            self._forget(row_id)
            del self.rows[row_id]

    def where(self, column: str, value: object) -> list[int]:
        """Ids of the rows with that value in an indexed column, in the order of their ids."""
        return sorted(self._indexes[column].get(str(value), ()))

    def indexed(self, column: str) -> bool:
        """Whether `where` knows the column."""
        return column in self._indexes

    def _index(self, row_id: int) -> None:
        for column, index in self._indexes.items():
            index.setdefault(self._key(row_id, column), {})[row_id] = None

    def _forget(self, row_id: int) -> None:
        for column, index in self._indexes.items():
            index[self._key(row_id, column)].pop(row_id, None)

    def _key(self, row_id: int, column: str) -> Value:
        value = self.rows[row_id].get(column)
        return None if isinstance(value, dict) else value


@dataclass
class Image:
    """A product's image. Two tables name the cover; the webservice moves it in one only (measured, section 7)."""

    id_product: int
    position: int
    cover: bool
    """In table image, which no later write of the webservice changes."""
    shown_cover: bool
    """In table image_shop, which `id_default_image` writes and every page reads."""
    sent: bytes | None = None
    """The file as it was sent; None for a row without a file and for the demo's images."""
    content: bytes | None = None
    """The file as the shop keeps it, encoded anew."""


@dataclass(frozen=True)
class CartRow:
    """A product in a cart."""

    id_product: int
    id_product_attribute: int
    id_address_delivery: int
    quantity: int


@dataclass(frozen=True)
class Fees:
    """What a cart costs besides its products, without tax, in its currency."""

    shipping: Decimal
    wrapping: Decimal


@dataclass(frozen=True)
class SlipRow:
    """A line of a credit slip."""

    id_order_detail: int
    product_quantity: int
    amount_tax_excl: Decimal
    amount_tax_incl: Decimal


@dataclass
class Key:
    """A webservice key: methods by resource, None for all of them."""

    permissions: dict[str, set[str]] | None
    active: bool = True


@dataclass
class Shop:
    """All the state of an emulated shop."""

    resources: dict[str, Resource]
    clock: Callable[[], datetime]
    keys: dict[str, Key] = field(default_factory=dict)
    webservice: bool = True
    notices: bool = False
    tables: dict[str, Table] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """What each resource does beyond storing its fields."""
    categories_of: dict[int, dict[int, int]] = field(default_factory=dict)
    """Product → category → position in it."""
    features_of: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    accessories_of: dict[int, list[int]] = field(default_factory=dict)
    tags_of: dict[int, list[int]] = field(default_factory=dict)
    bundle_of: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    values_of: dict[int, list[int]] = field(default_factory=dict)
    """Combination → option values."""
    phantoms: dict[int, int] = field(default_factory=dict)
    """Combinations that belong to no shop → their product. Lists don't show them, and they spoil deletions."""
    images_of: dict[int, list[int]] = field(default_factory=dict)
    """Combination → images."""
    addresses_of: dict[int, list[int]] = field(default_factory=dict)
    """Manufacturer → addresses."""
    images: dict[int, Image] = field(default_factory=dict)
    product_images: dict[int, list[int]] = field(default_factory=dict)
    """Product → its images by position."""
    next_image: int = 1
    pictures: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """The single image of a category, manufacturer, supplier or store."""

    groups_of: dict[int, list[int]] = field(default_factory=dict)
    """Customer → groups."""
    cart_rows_of: dict[int, list[CartRow]] = field(default_factory=dict)
    rules_of: dict[int, list[int]] = field(default_factory=dict)
    """Cart → cart rules (vouchers, discounts) in it."""
    fees_of: dict[int, Fees] = field(default_factory=dict)
    """Cart → what its carrier and its gift wrapping cost."""
    taxes_of: dict[int, list[int]] = field(default_factory=dict)
    """Line of an order → taxes."""
    slip_rows_of: dict[int, list[SlipRow]] = field(default_factory=dict)
    invoice_payments: list[tuple[int, int]] = field(default_factory=list)
    """Invoices and the payments that pay them."""
    mails: list[dict[str, str]] = field(default_factory=list)
    """Every mail sent to a customer: template, address, order, time."""
    mail_works: bool = True

    def __post_init__(self) -> None:
        for name in self.resources:
            self.tables[name] = Table(_INDEXED.get(name, ()))

    def now(self) -> str:
        """The shop's time, as it writes it."""
        return self.clock().astimezone(TIME_ZONE).strftime("%Y-%m-%d %H:%M:%S")

    def setting(self, name: str) -> str:
        """A configuration's value, '' when there is none."""
        ids = self.tables["configurations"].where("name", name)
        value = self.tables["configurations"].rows[ids[0]].get("value") if ids else ""
        return value if isinstance(value, str) else ""

    @property
    def default_language(self) -> int:
        """PS_LANG_DEFAULT."""
        return int(self.setting("PS_LANG_DEFAULT") or 1)

    def languages(self, *, active: bool = False) -> list[int]:
        """Ids of the shop's languages."""
        return [row_id for row_id, row in self.tables["languages"] if not active or row.get("active") == "1"]

    def combinations_of(self, product: int) -> list[int]:
        """Ids of a product's combinations."""
        return self.tables["combinations"].where("id_product", product)

    def stock_rows(self, product: int, combination: int | None = None) -> list[int]:
        """Ids of a product's stock rows that belong to the shop; those of one combination, or 0, when given."""
        table = self.tables["stock_availables"]
        return [
            row_id
            for row_id in table.where("id_product", product)
            if belongs_to_shop(table.rows[row_id])
            and (combination is None or table.rows[row_id].get("id_product_attribute") == str(combination))
        ]

    def shown_cover(self, product: int) -> int | None:
        """The image shown as the product's cover."""
        return next((image for image in self.product_images.get(product, ()) if self.images[image].shown_cover), None)


def belongs_to_shop(stock: Values) -> bool:
    """Whether a stock row is the shop's own: a PUT without id_shop writes 0 there (measured, section 2)."""
    return stock.get("id_shop") == "1" and stock.get("id_shop_group") == "0"
