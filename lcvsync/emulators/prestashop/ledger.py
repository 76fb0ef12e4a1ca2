"""Rows that PrestaShop writes by itself around an order, and the arithmetic of its amounts.

Amounts are `Decimal`. Columns keep six decimals; what a customer sees is rounded half up to cents, line by line
(PS_PRICE_ROUND_MODE and PS_ROUND_TYPE are both 2 on the recorded shop).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.entity import Entity
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.stored import php_int

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.shop import Shop

Given = str | int | bool | Decimal | dict[int, str] | None
"""What a column may be given; `shown` makes MySQL's text of it."""

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_MICRO = Decimal("0.000001")


def cents(amount: Decimal) -> Decimal:
    """The amount as it is shown."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def precise(amount: Decimal) -> Decimal:
    """The amount as a column keeps it."""
    return amount.quantize(_MICRO, ROUND_HALF_UP)


def insert(shop: Shop, resource: str, /, **given: Given) -> int:
    """A new row with PrestaShop's blanks for what isn't given and the shop's time for its dates; gives its id."""
    behaviour = shop.behaviours[resource]
    fields = behaviour.resource.by_name
    values: Values = {name: shop.now() for name in ("date_add", "date_upd") if name in fields}
    values.update({name: _text(each) for name, each in given.items()})
    return behaviour.table.insert(behaviour.stored_values(Entity(behaviour.resource, None, values)))


def change(shop: Shop, resource: str, row_id: int, /, **given: Given) -> None:
    """Changes columns of a row. `date_upd` stays: see `touch`."""
    behaviour = shop.behaviours[resource]
    row = behaviour.table.rows[row_id]
    entity = Entity(behaviour.resource, row_id, {**row, **{name: _text(each) for name, each in given.items()}})
    written = behaviour.stored_values(entity)
    behaviour.table.update(row_id, {name: written[name] for name in given})


def touch(shop: Shop, resource: str, row_id: int) -> None:
    """Moves `date_upd`, as every save of the object does."""
    shop.tables[resource].update(row_id, {"date_upd": shop.now()})


def _text(given: Given) -> str | dict[int, str] | None:
    if given is None or isinstance(given, (str, dict)):
        return given
    return f"{given:f}" if isinstance(given, Decimal) else str(int(given))


def row_of(shop: Shop, resource: str, row_id: int) -> Values:
    """The row, or UnusableError when there is none."""
    row = shop.tables[resource].rows.get(row_id)
    if row is None:
        raise UnusableError(f"{resource}: no id {row_id}")
    return row


def text(row: Values, name: str) -> str:
    """An untranslated column."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def whole(row: Values, name: str) -> int:
    """A column that holds a number or an id."""
    return php_int(text(row, name))


def amount(row: Values, name: str) -> Decimal:
    """A column that holds an amount."""
    return Decimal(text(row, name) or "0")


def rows_of(shop: Shop, resource: str, order: int) -> list[tuple[int, Values]]:
    """The rows of an order in the order of their ids: lines, states, invoices, parcels, vouchers, slips."""
    table = shop.tables[resource]
    return [(each, table.rows[each]) for each in table.where("id_order", order)]


def payments_of(shop: Shop, order: int) -> list[tuple[int, Values]]:
    """The payments of an order, and of its siblings: they know the reference only (measured, section 6)."""
    table = shop.tables["order_payments"]
    reference = text(row_of(shop, "orders", order), "reference")
    return [(each, table.rows[each]) for each in table.where("order_reference", reference)]
