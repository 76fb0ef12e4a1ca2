"""`/_emulator/shop/order`, `order/...` and `customer`: what customers and people in the back office do.

Each does what PrestaShop's own code does, dates included (measured, section 6). Amounts are numbers or texts.

- `order`: `lines` [{`id_product`, `id_product_attribute`, `quantity`, `unit_price_tax_incl`, `oversell`}] or `parcels`
  (several such lists: orders of one reference); `id_customer`, `customer` {fields, `groups`, `address`} or `guest`
  {the same}; `id_address`; `module`, `payment`, `state`, `paid` (another amount than the total), `payments` [{`amount`,
  `method`, `transaction_id`}]; `vouchers` [cart rule id or {`percent` | `amount` | `free_shipping`, `code`, `name`}];
  `carrier`, `shipping`, `wrapping` (both without tax), `gift_message`; `currency` {`iso_code`, `conversion_rate`};
  `reference`; `date` and `columns`: what a marketplace's module writes into the order itself
- `order/pay`: `id`, `amount`, `method`, `transaction_id`, `date`, `by_module`
- `order/state`: `id`, `state`, and `employee`
- `order/edit`: `id`, `line` with `quantity` or `unit_price_tax_incl`; or `add` {a line, `new_invoice`}; or `discount`
  {`percent` | `amount` | `free_shipping`, `name`}; or `remove_discount` (cart rule id)
- `order/cancel-line`: `id`, `line`, `quantity`
- `order/refund`: `id`, `lines` [{`line`, `quantity`, `amount`}], `shipping`, `slip`, `voucher`, `restock`,
  `without_vouchers`, `chosen_amount`, `without_tax` (amounts are; else as the customer's group sees prices)
- `order/address`: `id`, `type` (delivery or invoice), `id_address` or `fields`
- `customer`: `id` and `fields`, or `fields` of a new one; `groups` (ids); `silently`: as a module adds a group
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.prestashop import editing
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import ZERO, amount, change, insert, row_of, rows_of, text, touch, whole
from lcvsync.emulators.prestashop.lines import Line, check_stock
from lcvsync.emulators.prestashop.order_flow import enter, has_invoice
from lcvsync.emulators.prestashop.placing import (
    Checkout,
    add_payment,
    first_state,
    label_of,
    place,
    shipping_price,
)
from lcvsync.emulators.prestashop.refunding import (
    CHOSEN_AMOUNT,
    WHOLE_PRICE,
    WITHOUT_VOUCHERS,
    Refund,
    RefundLine,
    refund,
)
from lcvsync.emulators.prestashop.shop import Fees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lcvsync.emulators.prestashop.shop import Shop

_EMPLOYEE = 1
_WRAPPING = Decimal("2.5")
"""What the recorded shop asks for gift wrapping, without tax."""
_ADDRESS = {
    "alias": "Mon adresse",
    "address1": "12 rue de la Paix",
    "postcode": "75002",
    "city": "Paris",
    "phone": "0102030405",
}
_PASSWORD = "$2y$10$" + "E" * 53


class SalesControl:
    """What happens to the orders and customers of one shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.actions: dict[str, Callable[[dict[str, Any]], object]] = {
            "order": self._order,
            "order/pay": self._pay,
            "order/state": self._state,
            "order/edit": self._edit,
            "order/cancel-line": self._cancel,
            "order/refund": self._refund,
            "order/address": self._address,
            "customer": self._customer,
        }

    def _order(self, asked: dict[str, Any]) -> object:
        shop = self.shop
        parcels = [[_line(each) for each in parcel] for parcel in asked.get("parcels") or [asked["lines"]]]
        for line in (each for parcel in parcels for each in parcel):
            check_stock(shop, line)
        customer, address = self._buyer(asked)
        currency = self._currency(asked.get("currency"))
        module = str(asked.get("module", "ps_wirepayment"))
        carrier = int(asked.get("carrier", 2))
        rate = amount(row_of(shop, "currencies", currency), "conversion_rate")
        gift = "wrapping" in asked or "gift_message" in asked
        columns = {str(name): str(value) for name, value in asked.get("columns", {}).items()}
        if "date" in asked:
            columns["date_add"] = str(asked["date"])
        orders = place(
            shop,
            Checkout(
                customer=customer,
                address=address,
                lines=parcels,
                state=int(asked.get("state", first_state(shop, module))),
                module=module,
                payment=str(asked.get("payment", label_of(module))),
                currency=currency,
                rate=rate,
                carrier=carrier,
                fees=Fees(
                    _amount(asked["shipping"]) if "shipping" in asked else shipping_price(shop, carrier) * rate,
                    _amount(asked.get("wrapping", _WRAPPING)) if gift else ZERO,
                ),
                vouchers=[self._voucher(each, currency) for each in asked.get("vouchers", ())],
                gift=gift,
                gift_message=str(asked.get("gift_message", "")),
                paid=_amount(asked["paid"]) if "paid" in asked else None,
                payments=list(asked.get("payments", ())),
                reference=str(asked.get("reference", "")),
                columns=columns,
            ),
        )
        row = row_of(shop, "orders", orders[-1])
        return {"id": orders[-1], "ids": orders, "reference": text(row, "reference"), "lines": self._lines(orders)}

    def _lines(self, orders: list[int]) -> list[int]:
        return [each for order in orders for each, _ in rows_of(self.shop, "order_details", order)]

    def _buyer(self, asked: dict[str, Any]) -> tuple[int, int]:
        if "guest" in asked:
            customer = self._new_customer({"is_guest": "1", "id_default_group": "2", **asked["guest"]})
        elif "customer" in asked:
            customer = self._new_customer(asked["customer"])
        else:
            customer = int(asked["id_customer"])
        if "id_address" in asked:
            return customer, int(asked["id_address"])
        table = self.shop.tables["addresses"]
        found = [each for each in table.where("id_customer", customer) if not whole(table.rows[each], "deleted")]
        return customer, found[-1] if found else self._new_address(customer, {})

    def _new_customer(self, asked: Mapping[str, Any]) -> int:
        shop = self.shop
        fields = {name: str(value) for name, value in asked.items() if name not in {"groups", "address"}}
        self._check_fields("customers", fields)
        number = shop.tables["customers"].next_id
        key = hashlib.md5(f"customer {number}".encode(), usedforsecurity=False).hexdigest()
        blank = {
            "id_default_group": "3",
            "id_lang": "1",
            "last_passwd_gen": shop.now(),
            "secure_key": key,
            "passwd": _PASSWORD,
            "lastname": "Martin",
            "firstname": "Claire",
            "email": f"client{number}@example.com",
            "active": "1",
            "id_shop": "1",
            "id_shop_group": "1",
        }
        customer = insert(shop, "customers", **{**blank, **fields})
        default = whole(row_of(shop, "customers", customer), "id_default_group")
        shop.groups_of[customer] = sorted({default, *(int(each) for each in asked.get("groups", ()))})
        self._new_address(customer, asked.get("address", {}))
        return customer

    def _new_address(self, customer: int, asked: Mapping[str, Any]) -> int:
        fields = {name: str(value) for name, value in asked.items()}
        self._check_fields("addresses", fields)
        row = row_of(self.shop, "customers", customer)
        names = {name: text(row, name) for name in ("lastname", "firstname")}
        country = self.shop.setting("PS_COUNTRY_DEFAULT")
        return insert(
            self.shop,
            "addresses",
            **{**_ADDRESS, **names, "id_country": country, "id_customer": str(customer), **fields},
        )

    def _check_fields(self, resource: str, fields: Mapping[str, object]) -> None:
        unknown = set(fields) - set(self.shop.resources[resource].by_name)
        if unknown:
            raise UnusableError(f"{resource}: no field {', '.join(sorted(unknown))}")

    def _currency(self, asked: dict[str, Any] | None) -> int:
        """The shop's own, or one that is made when the shop doesn't have it."""
        shop = self.shop
        if asked is None:
            return int(shop.setting("PS_CURRENCY_DEFAULT"))
        for each, row in shop.tables["currencies"]:
            if text(row, "iso_code") == asked["iso_code"]:
                return each
        iso, rate = str(asked["iso_code"]), str(asked["conversion_rate"])
        names = {"names": iso, "symbol": iso, "iso_code": iso, "precision": "2", "active": "1"}
        return insert(shop, "currencies", **names, conversion_rate=rate)

    def _voucher(self, asked: Any, currency: int) -> int:
        if not isinstance(asked, dict):
            return int(asked)
        now = self.shop.now()
        return insert(
            self.shop,
            "cart_rules",
            date_from=now,
            date_to=f"{int(now[:4]) + 1}{now[4:]}",
            name=str(asked.get("name", asked.get("code", "Bon"))),
            code=str(asked.get("code", "")),
            quantity=1,
            quantity_per_user=1,
            priority=1,
            partial_use=bool(asked.get("partial_use", True)),
            reduction_percent=_amount(asked.get("percent", 0)),
            reduction_amount=_amount(asked.get("amount", 0)),
            reduction_tax=bool(asked.get("tax_incl", True)),
            reduction_currency=currency,
            free_shipping=bool(asked.get("free_shipping", False)),
            active=True,
        )

    def _pay(self, asked: dict[str, Any]) -> object:
        """A payment typed into the back office, on the order's first invoice; or a row that a module inserts itself."""
        shop, order = self.shop, int(asked["id"])
        by_module = bool(asked.get("by_module", False))
        payment = add_payment(
            shop,
            order,
            _amount(asked["amount"]),
            method=str(asked.get("method", text(row_of(shop, "orders", order), "payment"))),
            transaction=str(asked.get("transaction_id", "")),
            date=str(asked["date"]) if "date" in asked else None,
            employee=None if by_module else _EMPLOYEE,
            counted=not by_module,
        )
        if has_invoice(shop, order) and not by_module:
            shop.invoice_payments.append((rows_of(shop, "order_invoices", order)[0][0], payment))
        return {"id": payment}

    def _state(self, asked: dict[str, Any]) -> object:
        """As the back office does: not twice the same state in a row, and with the state's mail."""
        shop, order, state = self.shop, int(asked["id"]), int(asked["state"])
        row_of(shop, "order_states", state)
        if whole(row_of(shop, "orders", order), "current_state") == state:
            raise UnusableError("the order is in that state")
        employee = int(asked.get("employee", _EMPLOYEE))
        return {"id": enter(shop, order, state, employee=employee, link_payments=not has_invoice(shop, order))}

    def _edit(self, asked: dict[str, Any]) -> object:
        shop, order = self.shop, int(asked["id"])
        row_of(shop, "orders", order)
        if "line" in asked:
            quantity = int(asked["quantity"]) if "quantity" in asked else None
            price = _amount(asked["unit_price_tax_incl"]) if "unit_price_tax_incl" in asked else None
            editing.edit_line(shop, order, int(asked["line"]), quantity=quantity, incl=price)
        elif "add" in asked:
            new_invoice = bool(asked["add"].get("new_invoice", False))
            editing.add_product(shop, order, _line(asked["add"]), new_invoice=new_invoice)
        elif "discount" in asked:
            given = asked["discount"]
            kind = next(each for each in ("percent", "amount", "free_shipping") if each in given)
            value = ZERO if kind == "free_shipping" else _amount(given[kind])
            name = str(given.get("name", "Geste commercial"))
            return {"cart_rule": editing.add_discount(shop, order, kind, value, name), **self._shown(order)}
        elif "remove_discount" in asked:
            editing.remove_discount(shop, order, int(asked["remove_discount"]))
        else:
            raise UnusableError("edit: line, add, discount or remove_discount")
        return self._shown(order)

    def _shown(self, order: int) -> dict[str, object]:
        row = row_of(self.shop, "orders", order)
        totals = {name: text(row, name) for name in ("total_paid", "total_paid_real", "current_state")}
        return {"id": order, **totals, "lines": self._lines([order])}

    def _cancel(self, asked: dict[str, Any]) -> object:
        order, quantity = int(asked["id"]), asked.get("quantity")
        row_of(self.shop, "orders", order)
        editing.cancel_line(self.shop, order, int(asked["line"]), None if quantity is None else int(quantity))
        return self._shown(order)

    def _refund(self, asked: dict[str, Any]) -> object:
        kind = CHOSEN_AMOUNT if "chosen_amount" in asked else WHOLE_PRICE
        wanted = Refund(
            lines=[
                RefundLine(
                    int(each["line"]), int(each["quantity"]), _amount(each["amount"]) if "amount" in each else None
                )
                for each in asked.get("lines", ())
            ],
            shipping=_amount(asked.get("shipping", 0)),
            slip=bool(asked.get("slip", True)),
            voucher=bool(asked.get("voucher", False)),
            restock=bool(asked.get("restock", False)),
            kind=WITHOUT_VOUCHERS if asked.get("without_vouchers") else kind,
            chosen=_amount(asked.get("chosen_amount", 0)),
            without_tax=bool(asked.get("without_tax", False)),
        )
        return refund(self.shop, int(asked["id"]), wanted)

    def _address(self, asked: dict[str, Any]) -> object:
        fields = {str(name): str(value) for name, value in asked.get("fields", {}).items()}
        address = int(asked["id_address"]) if "id_address" in asked else None
        kind = str(asked.get("type", "delivery"))
        return {"id_address": editing.change_address(self.shop, int(asked["id"]), kind, address, fields)}

    def _customer(self, asked: dict[str, Any]) -> object:
        """date_upd moves with fields and groups edited in the back office, not with a group that a module adds."""
        shop, fields = self.shop, asked.get("fields", {})
        if "id" not in asked:
            groups = {"groups": asked["groups"]} if "groups" in asked else {}
            return {"id": self._new_customer({**fields, **groups, "address": asked.get("address", {})})}
        customer = int(asked["id"])
        row_of(shop, "customers", customer)
        self._check_fields("customers", fields)
        change(shop, "customers", customer, **{str(name): str(value) for name, value in fields.items()})
        if "groups" in asked:
            shop.groups_of[customer] = sorted({int(each) for each in asked["groups"]})
        if not asked.get("silently", False):
            touch(shop, "customers", customer)
        return {"id": customer}


def _amount(given: object) -> Decimal:
    return Decimal(str(given))


def _line(asked: Mapping[str, Any]) -> Line:
    return Line(
        int(asked["id_product"]),
        int(asked.get("id_product_attribute", 0)),
        int(asked.get("quantity", 1)),
        _amount(asked["unit_price_tax_incl"]) if "unit_price_tax_incl" in asked else None,
        oversell=bool(asked.get("oversell", False)),
    )
