"""Placing an order as a payment module does (PaymentModule::validateOrder): cart, lines, vouchers, payment, state.

Prices come from the shop, the stock falls, mails go out. `place` takes what `POST /_emulator/shop/order` was given; see
`sales_control` for the words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.prestashop.basket import Amount, BasketRow, Reckoning, reckon
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import (
    ZERO,
    amount,
    cents,
    change,
    insert,
    precise,
    row_of,
    rows_of,
    text,
    touch,
    whole,
)
from lcvsync.emulators.prestashop.lines import Line, OrderLines, weight_of
from lcvsync.emulators.prestashop.order_flow import MODULES, enter, send_mail, was_in
from lcvsync.emulators.prestashop.prices import Buyer, Tax, price_of, tax_of
from lcvsync.emulators.prestashop.shop import CartRow, Fees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.shop import Shop

_STATES = {"ps_checkpayment": "PS_OS_CHEQUE", "ps_wirepayment": "PS_OS_BANKWIRE"}
_REFERENCE_LETTERS = 9
_HANDLED = Decimal(7)
"""What "My carrier" costs without tax in France, handling included (recorded orders)."""


@dataclass
class Checkout:
    """A basket on its way to becoming an order."""

    customer: int
    address: int
    lines: list[list[Line]]
    """By parcel: each becomes an order, all under one reference."""
    state: int
    module: str
    payment: str
    currency: int
    rate: Decimal
    carrier: int
    fees: Fees
    vouchers: list[int] = field(default_factory=list)
    gift: bool = False
    gift_message: str = ""
    paid: Decimal | None = None
    """What the module says was paid, when it isn't the total."""
    payments: list[dict[str, Any]] = field(default_factory=list)
    reference: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    """Columns of the order that the module sets itself, after all else."""


def place(shop: Shop, checkout: Checkout) -> list[int]:
    """Makes the orders of the basket; gives their ids."""
    buyer = buyer_of(shop, checkout.customer, checkout.address, checkout.currency, checkout.rate)
    cart = _cart(shop, checkout)
    parcels = [[each.priced(price_of(shop, each.product, each.combination, each.quantity, buyer)) for each in lines]
               for lines in checkout.lines]  # fmt: skip
    reckonings = [_reckon(shop, checkout, buyer, each, first=each is parcels[0]) for each in parcels]
    total = sum((each.paid.incl for each in reckonings), ZERO)
    paid = total if checkout.paid is None else checkout.paid
    logable = whole(row_of(shop, "order_states", checkout.state), "logable") > 0
    state = int(shop.setting("PS_OS_ERROR")) if logable and cents(paid) != cents(total) else checkout.state
    reference = checkout.reference or new_reference(shop)
    orders = []
    for lines, reckoning in zip(parcels, reckonings, strict=True):
        order = _order(shop, checkout, cart, reference, reckoning, buyer)
        orders.append(order)
        OrderLines(shop, order).add(lines, buyer, state=state)
        _parcel(shop, order, checkout.carrier)
    _pay(shop, orders[-1], checkout, paid if logable else ZERO)
    for order, reckoning in zip(orders, reckonings, strict=True):
        _use_vouchers(shop, order, checkout, reckoning, state)
        _first_state(shop, order, state, checkout)
        change(shop, "orders", order, **checkout.columns)
    return orders


def buyer_of(shop: Shop, customer: int, address: int, currency: int, rate: Decimal) -> Buyer:
    """The buyer of an order; prices ask for the default group and for the country of the delivery."""
    group = whole(row_of(shop, "customers", customer), "id_default_group")
    return Buyer(customer, group, whole(row_of(shop, "addresses", address), "id_country"), currency, rate)


def _cart(shop: Shop, checkout: Checkout) -> int:
    customer = row_of(shop, "customers", checkout.customer)
    cart = insert(
        shop,
        "carts",
        id_address_delivery=checkout.address,
        id_address_invoice=checkout.address,
        id_currency=checkout.currency,
        id_customer=checkout.customer,
        id_lang=1,
        id_shop_group=1,
        id_shop=1,
        id_carrier=checkout.carrier,
        gift=checkout.gift,
        gift_message=checkout.gift_message,
        delivery_option=f'{{"{checkout.address}":"{checkout.carrier},"}}',
        secure_key=text(customer, "secure_key"),
    )
    lines = [each for parcel in checkout.lines for each in parcel]
    shop.cart_rows_of[cart] = [
        CartRow(each.product, each.combination, checkout.address, each.quantity) for each in lines
    ]
    shop.rules_of[cart] = list(checkout.vouchers)
    shop.fees_of[cart] = checkout.fees
    return cart


def reckon_basket(
    shop: Shop, rows: Sequence[BasketRow], rules: Sequence[int], fees: Fees, buyer: Buyer, *, shipped: bool = True
) -> Reckoning:
    """A basket's totals with the vouchers *rules*; without rows, and where *shipped* is False, nothing is shipped."""
    shipping = Amount(fees.shipping * carrier_tax(shop, buyer).factor, fees.shipping).rounded
    wrapping = Amount(fees.wrapping * wrapping_tax(shop, buyer).factor, fees.wrapping).rounded
    table = shop.tables["cart_rules"].rows
    found = sorted((whole(table[each], "priority"), each) for each in rules)
    vouchers = [(each, table[each], _worth_of_currency(shop, whole(table[each], "reduction_currency"), buyer))
                for _, each in found]  # fmt: skip
    nothing = Amount()
    return reckon(rows, vouchers, shipping if shipped and rows else nothing, wrapping if rows else nothing)


def _reckon(shop: Shop, checkout: Checkout, buyer: Buyer, lines: Sequence[Line], *, first: bool) -> Reckoning:
    rows = [BasketRow(Amount(each.unit_incl, each.unit_excl), each.quantity) for each in lines]
    return reckon_basket(shop, rows, checkout.vouchers if first else (), checkout.fees, buyer, shipped=first)


def _worth_of_currency(shop: Shop, currency: int, buyer: Buyer) -> Decimal:
    if currency in {0, buyer.currency}:
        return Decimal(1)
    return buyer.rate / amount(row_of(shop, "currencies", currency), "conversion_rate")


def carrier_tax(shop: Shop, buyer: Buyer) -> Tax:
    """The tax of shipping: all demo carriers have the first tax rules group."""
    return tax_of(shop, 1, buyer.country)


def wrapping_tax(shop: Shop, buyer: Buyer) -> Tax:
    """The tax of gift wrapping."""
    return tax_of(shop, int(shop.setting("PS_GIFT_WRAPPING_TAX_RULES_GROUP") or 0), buyer.country)


def new_reference(shop: Shop) -> str:
    """Nine letters that no order has; the same ones each time, so that tests see what they saw."""
    number = shop.tables["orders"].next_id
    digest = hashlib.sha1(f"order {number}".encode(), usedforsecurity=False).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:_REFERENCE_LETTERS])


def totals_of(reckoning: Reckoning) -> dict[str, Decimal]:
    """The columns of an order that hold its amounts."""
    columns = {"total_products": reckoning.products.excl, "total_products_wt": reckoning.products.incl}
    for name, each in (
        ("discounts", reckoning.discounts),
        ("paid", reckoning.paid),
        ("shipping", reckoning.shipping),
        ("wrapping", reckoning.wrapping),
    ):
        columns |= {
            f"total_{name}": each.incl,
            f"total_{name}_tax_incl": each.incl,
            f"total_{name}_tax_excl": each.excl,
        }
    return columns


def _order(shop: Shop, checkout: Checkout, cart: int, reference: str, reckoning: Reckoning, buyer: Buyer) -> int:
    customer = row_of(shop, "customers", checkout.customer)
    return insert(
        shop,
        "orders",
        id_address_delivery=checkout.address,
        id_address_invoice=checkout.address,
        id_cart=cart,
        id_currency=checkout.currency,
        id_lang=1,
        id_customer=checkout.customer,
        id_carrier=checkout.carrier,
        module=checkout.module,
        id_shop_group=1,
        id_shop=1,
        secure_key=text(customer, "secure_key"),
        payment=checkout.payment,
        gift=checkout.gift,
        gift_message=checkout.gift_message,
        carrier_tax_rate=carrier_tax(shop, buyer).percent if checkout.carrier else ZERO,
        round_mode=shop.setting("PS_PRICE_ROUND_MODE"),
        round_type=shop.setting("PS_ROUND_TYPE"),
        conversion_rate=checkout.rate,
        reference=reference,
        **totals_of(reckoning),
    )


def _parcel(shop: Shop, order: int, carrier: int) -> None:
    row = row_of(shop, "orders", order)
    if carrier:
        insert(
            shop,
            "order_carriers",
            id_order=order,
            id_carrier=carrier,
            weight=weight_of(shop, order),
            shipping_cost_tax_excl=text(row, "total_shipping_tax_excl"),
            shipping_cost_tax_incl=text(row, "total_shipping_tax_incl"),
        )


def _pay(shop: Shop, order: int, checkout: Checkout, paid: Decimal) -> None:
    """One payment of the whole, on the last of the orders; or those that the module names."""
    for given in checkout.payments or ([{"amount": paid}] if paid else []):
        add_payment(
            shop,
            order,
            Decimal(str(given["amount"])),
            method=str(given.get("method", checkout.payment)),
            transaction=str(given.get("transaction_id", "")),
        )


def add_payment(
    shop: Shop,
    order: int,
    paid: Decimal,
    *,
    method: str,
    transaction: str = "",
    date: str | None = None,
    employee: int | None = None,
    counted: bool = True,
) -> int:
    """A payment row. *counted*: the order's total_paid_real and date_upd move with it, as Order::addOrderPayment does;
    a module that inserts the row itself moves nothing (measured, section 6)."""
    row = row_of(shop, "orders", order)
    given: dict[str, Any] = {} if date is None else {"date_add": date}
    if "id_employee" in shop.resources["order_payments"].by_name:
        given["id_employee"] = employee
    payment = insert(
        shop,
        "order_payments",
        order_reference=text(row, "reference")[:9],
        id_currency=whole(row, "id_currency"),
        amount=paid,
        payment_method=method,
        conversion_rate=text(row, "conversion_rate"),
        transaction_id=transaction,
        **given,
    )
    if counted:
        change(shop, "orders", order, total_paid_real=amount(row, "total_paid_real") + paid)
        touch(shop, "orders", order)
    return payment


def _use_vouchers(shop: Shop, order: int, checkout: Checkout, reckoning: Reckoning, state: int) -> None:
    """A row for each voucher that was worth something; it is used up unless the order failed.

    Of a voucher of an amount that is larger than the basket a new one with the rest is made, code `…-2`.
    """
    row = row_of(shop, "orders", order)
    used = Amount()
    failed = state in {int(shop.setting("PS_OS_ERROR")), int(shop.setting("PS_OS_CANCELED"))}
    for rule_id, worth in reckoning.vouchers.items():
        rule = row_of(shop, "cart_rules", rule_id)
        if not worth.excl:
            continue
        taxed = whole(rule, "reduction_tax") > 0
        rest = precise(amount(rule, "reduction_amount") - (worth.incl if taxed else worth.excl))
        counted = worth
        if rest > 0 and whole(rule, "partial_use"):
            code = f"{text(rule, 'code')}-2" if text(rule, "code") else new_reference(shop)
            copy: dict[str, Any] = {**rule, "code": code, "reduction_amount": rest, "quantity": 1}
            copy |= {"quantity_per_user": 1, "id_customer": checkout.customer, "date_add": shop.now()}
            copy.pop("id")
            insert(shop, "cart_rules", **{**copy, "date_upd": shop.now()})
            send_mail(shop, order, "voucher")
            counted = Amount(amount(row, "total_products_wt"), amount(row, "total_products")) - used
        used += counted
        name = rule["name"]
        insert(
            shop,
            "order_cart_rules",
            id_order=order,
            id_cart_rule=rule_id,
            name=name.get(1, "") if isinstance(name, dict) else "",
            value=counted.incl,
            value_tax_excl=counted.excl,
            free_shipping=whole(rule, "free_shipping"),
        )
        if not failed:
            change(shop, "cart_rules", rule_id, quantity=max(whole(rule, "quantity") - 1, 0))
            touch(shop, "cart_rules", rule_id)


def _first_state(shop: Shop, order: int, state: int, checkout: Checkout) -> None:
    """The first state; what isn't in stock goes on to "on backorder" (code: validateOrder)."""
    enter(shop, order, state)
    short = any(whole(row, "product_quantity_in_stock") < whole(row, "product_quantity")
                for _, row in rows_of(shop, "order_details", order))  # fmt: skip
    if short and shop.setting("PS_ENABLE_BACKORDER_STATUS") == "1":
        name = "PS_OS_OUTOFSTOCK_PAID" if was_in(shop, order, "paid") else "PS_OS_OUTOFSTOCK_UNPAID"
        enter(shop, order, int(shop.setting(name)))
    if state not in {int(shop.setting("PS_OS_ERROR")), int(shop.setting("PS_OS_CANCELED"))}:
        send_mail(shop, order, "order_conf")


def first_state(shop: Shop, module: str) -> int:
    """The state in which a module's orders begin."""
    if module == "ps_cashondelivery":
        return 13
    return int(shop.setting(_STATES.get(module, "PS_OS_PAYMENT")))


def label_of(module: str) -> str:
    """What a module writes as the order's payment."""
    return MODULES.get(module, module)


def shipping_price(shop: Shop, carrier: int) -> Decimal:
    """What a carrier costs without tax."""
    if not carrier or whole(row_of(shop, "carriers", carrier), "is_free"):
        return ZERO
    if carrier != 2:
        raise UnusableError(f"carrier {carrier}: say what it costs (shipping)")
    return _HANDLED
