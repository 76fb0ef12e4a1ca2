"""What a change of state does to an order: stock, invoice, payment, delivery, validity, mail (OrderHistory of 8.2.1).

Every path goes through `change_state`: `POST order_histories`, a PUT or PATCH of `current_state`, the back office and
the payment modules. It isn't idempotent (measured, section 6).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.combinations import move_stock
from lcvsync.emulators.prestashop.faults import CrashedError
from lcvsync.emulators.prestashop.ledger import (
    ZERO,
    amount,
    cents,
    change,
    insert,
    payments_of,
    row_of,
    rows_of,
    text,
    touch,
    whole,
)

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.shop import Shop

MODULES = {
    "ps_checkpayment": "Chèque",
    "ps_wirepayment": "Virement bancaire",
    "ps_cashondelivery": "Paiement comptant à la livraison",
}
"""Modules of every installation and the names that they show (recorded payments)."""


def change_state(shop: Shop, order: int, state: int, *, link_payments: bool = False) -> None:
    """Puts the order into the state with all that follows, but without a row of history and without a mail.

    *link_payments*: whether an invoice made on the way counts the payments that are there already; the webservice's
    `order_histories` doesn't say so, everybody else does. An unknown order or state is PHP's fatal error.
    """
    states = shop.tables["order_states"].rows
    row, new = shop.tables["orders"].rows.get(order), states.get(state)
    if row is None or new is None:
        raise CrashedError
    old = states.get(whole(row, "current_state"))
    if old is not None:
        _move_stock(shop, order, old, new)
    change(shop, "orders", order, current_state=state, valid=whole(new, "logable"))
    touch(shop, "orders", order)
    if whole(new, "invoice") and not whole(row, "invoice_number"):
        _make_invoice(shop, order, link_payments=link_payments)
    elif whole(new, "delivery") and not whole(row, "delivery_number") and not has_invoice(shop, order):
        _new_invoice(shop, order, number=0)
    if whole(new, "paid"):
        _pay_the_rest(shop, order)
    if whole(new, "delivery"):
        _deliver(shop, order)


def _move_stock(shop: Shop, order: int, old: Values, new: Values) -> None:
    """Stock comes back in the states "cancelled" and "payment error", and is taken again on leaving them.

    By whole lines: what a refund put back before comes back once more (code: OrderHistory::changeIdOrderState).
    """
    lost = {int(shop.setting(name) or 0) for name in ("PS_OS_ERROR", "PS_OS_CANCELED")}
    was_lost, is_lost = whole(old, "id") in lost, whole(new, "id") in lost
    was_sale, is_sale = whole(old, "logable") > 0, whole(new, "logable") > 0
    sign = 0
    if is_sale and not was_sale:
        sign = -1 if was_lost else 0
    elif is_lost and not is_sale and (was_sale or not was_lost):
        sign = 1
    for _, line in rows_of(shop, "order_details", order) if sign else ():
        units = sign * whole(line, "product_quantity")
        move_stock(shop, whole(line, "product_id"), whole(line, "product_attribute_id"), units)


def has_invoice(shop: Shop, order: int) -> bool:
    """Whether the order has an invoice with a number."""
    return any(whole(row, "number") > 0 for _, row in rows_of(shop, "order_invoices", order))


def _make_invoice(shop: Shop, order: int, *, link_payments: bool) -> None:
    if has_invoice(shop, order):
        return
    found = [each for each, row in rows_of(shop, "order_invoices", order) if whole(row, "delivery_number")]
    invoice = found[0] if found else _new_invoice(shop, order, number=0)
    number = 1 + max(whole(row, "number") for _, row in shop.tables["order_invoices"])
    change(shop, "order_invoices", invoice, number=number)
    parcels = [each for each, row in rows_of(shop, "order_carriers", order) if not whole(row, "id_order_invoice")]
    for each in parcels[:1]:
        change(shop, "order_carriers", each, id_order_invoice=invoice)
    for resource in ("order_details", "order_cart_rules"):
        for each, _ in rows_of(shop, resource, order):
            change(shop, resource, each, id_order_invoice=invoice)
    if link_payments:
        own = {each for each, _ in rows_of(shop, "order_invoices", order)}
        linked = {payment for each, payment in shop.invoice_payments if each in own}
        shop.invoice_payments += [(invoice, each) for each, _ in payments_of(shop, order) if each not in linked]
    made = text(row_of(shop, "order_invoices", invoice), "date_add")
    change(shop, "orders", order, invoice_number=number, invoice_date=made)


def _new_invoice(shop: Shop, order: int, *, number: int) -> int:
    """An invoice with the order's amounts; without a number it is a delivery slip only."""
    row = row_of(shop, "orders", order)
    same = (
        *("total_paid_tax_excl", "total_paid_tax_incl", "total_products", "total_products_wt"),
        *("total_shipping_tax_excl", "total_shipping_tax_incl", "total_wrapping_tax_excl", "total_wrapping_tax_incl"),
    )
    return insert(
        shop,
        "order_invoices",
        id_order=order,
        number=number,
        total_discount_tax_excl=text(row, "total_discounts_tax_excl"),
        total_discount_tax_incl=text(row, "total_discounts_tax_incl"),
        shop_address=shop.setting("PS_SHOP_NAME"),
        **{name: text(row, name) for name in same},
    )


def _pay_the_rest(shop: Shop, order: int) -> None:
    """A paid state makes a payment of what the invoices still lack (measured, section 6)."""
    row = row_of(shop, "orders", order)
    for invoice, found in rows_of(shop, "order_invoices", order):
        rest = _rest(shop, invoice, found) if whole(found, "number") else ZERO
        if rest > 0:
            module = text(row, "module")
            payment = insert(
                shop,
                "order_payments",
                order_reference=text(row, "reference")[:9],
                id_currency=whole(row, "id_currency"),
                amount=rest,
                payment_method=MODULES.get(module, text(row, "payment")) if amount(row, "total_paid") else None,
                conversion_rate=text(row, "conversion_rate"),
            )
            change(shop, "orders", order, total_paid_real=amount(row, "total_paid_real") + rest)
            touch(shop, "orders", order)
            shop.invoice_payments.append((invoice, payment))


def _rest(shop: Shop, invoice: int, row: Values) -> Decimal:
    """What an invoice lacks; invoices that share its payments count with it (code: OrderInvoice::getRestPaid)."""
    payments = {payment for each, payment in shop.invoice_payments if each == invoice}
    siblings = {each for each, payment in shop.invoice_payments if payment in payments and each != invoice}
    paid = sum((amount(shop.tables["order_payments"].rows[each], "amount") for each in payments), ZERO)
    invoices = shop.tables["order_invoices"].rows
    due = sum((amount(invoices[each], "total_paid_tax_incl") for each in siblings), amount(row, "total_paid_tax_incl"))
    return cents(due - paid)


def _deliver(shop: Shop, order: int) -> None:
    """Numbers the delivery slips; the delivery date moves every time (code: Order::setDelivery)."""
    number = whole(row_of(shop, "orders", order), "delivery_number")
    for invoice, row in rows_of(shop, "order_invoices", order):
        if not whole(row, "delivery_number"):
            number = 1 + max(whole(each, "delivery_number") for _, each in shop.tables["order_invoices"])
            change(shop, "order_invoices", invoice, delivery_number=number, delivery_date=shop.now())
    change(shop, "orders", order, delivery_number=number, delivery_date=shop.now())
    touch(shop, "orders", order)


def enter(shop: Shop, order: int, state: int, *, employee: int = 0, link_payments: bool = True) -> int:
    """Changes the state, writes the row of history and sends the state's mail, as modules and the back office do."""
    change_state(shop, order, state, link_payments=link_payments)
    history = insert(shop, "order_histories", id_order=order, id_order_state=state, id_employee=employee)
    touch(shop, "orders", order)
    mail_of_state(shop, order, state)
    return history


def mail_of_state(shop: Shop, order: int, state: int) -> bool:
    """Sends the customer the state's mail, if it has one; False when the mail can't be sent."""
    row = row_of(shop, "order_states", state)
    if not whole(row, "send_email"):
        return True
    names = row.get("template")
    return send_mail(shop, order, names.get(shop.default_language, "") if isinstance(names, dict) else "")


def send_mail(shop: Shop, order: int, template: str) -> bool:
    """Notes a mail to the order's customer; False when the shop can't send mails."""
    customer = shop.tables["customers"].rows.get(whole(row_of(shop, "orders", order), "id_customer"), {})
    if shop.mail_works:
        shop.mails.append(
            {"template": template, "to": text(customer, "email"), "id_order": str(order), "date": shop.now()}
        )
    return shop.mail_works


def was_in(shop: Shop, order: int, flag: str) -> bool:
    """Whether the order ever was in a state with the flag (code: Order::hasBeenPaid, hasBeenDelivered, …)."""
    states = shop.tables["order_states"].rows
    visited = [whole(row, "id_order_state") for _, row in rows_of(shop, "order_histories", order)]
    return any(whole(states[each], flag) for each in visited if each in states)
