"""What the back office's commands change in an order: quantities, prices, products, discounts, addresses (8.2.1).

All of them end in `recount`, which moves the order's date_upd; what was paid stays (measured, section 6).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.basket import Amount, BasketRow
from lcvsync.emulators.prestashop.combinations import move_stock
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import (
    ZERO,
    amount,
    change,
    insert,
    payments_of,
    precise,
    row_of,
    rows_of,
    text,
    touch,
    whole,
)
from lcvsync.emulators.prestashop.lines import Line, OrderLines, check_stock, prices_of, weight_of
from lcvsync.emulators.prestashop.order_flow import enter, has_invoice, was_in
from lcvsync.emulators.prestashop.placing import buyer_of, reckon_basket, totals_of
from lcvsync.emulators.prestashop.prices import Buyer, price_of, tax_of

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.basket import Reckoning
    from lcvsync.emulators.prestashop.ledger import Given
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.shop import Shop


def recount(shop: Shop, order: int, *, invoice: int = 0) -> None:
    """Adds the order up anew from its lines, and its vouchers, parcel and invoices with it (OrderAmountUpdater).

    *invoice* is noted on vouchers that are new.
    """
    row = row_of(shop, "orders", order)
    buyer = _buyer(shop, row)
    for detail, line in rows_of(shop, "order_details", order):
        unit = amount(line, "unit_price_tax_incl"), amount(line, "unit_price_tax_excl")
        prices = prices_of(*unit, whole(line, "product_quantity"))
        change(shop, "order_details", detail, product_price=unit[1], **prices)
    reckoning = _reckoned(shop, order, buyer, [line for _, line in rows_of(shop, "order_details", order)])
    _recount_vouchers(shop, order, reckoning, invoice)
    change(shop, "orders", order, **totals_of(reckoning))
    touch(shop, "orders", order)
    for parcel, _ in rows_of(shop, "order_carriers", order)[:1]:
        incl, excl = reckoning.shipping.incl, reckoning.shipping.excl
        weight = weight_of(shop, order)
        change(shop, "order_carriers", parcel, weight=weight, shipping_cost_tax_incl=incl, shipping_cost_tax_excl=excl)
    for place, (each, _) in enumerate(rows_of(shop, "order_invoices", order)):
        lines = [line for _, line in rows_of(shop, "order_details", order) if whole(line, "id_order_invoice") == each]
        part = _reckoned(shop, order, buyer, lines, shipped=place == 0)
        change(shop, "order_invoices", each, **_invoice_totals(part, reckoning.shipping))


def _buyer(shop: Shop, row: Values) -> Buyer:
    rate = amount(row, "conversion_rate")
    return buyer_of(shop, whole(row, "id_customer"), whole(row, "id_address_delivery"), whole(row, "id_currency"), rate)


def _reckoned(shop: Shop, order: int, buyer: Buyer, lines: list[Values], *, shipped: bool = True) -> Reckoning:
    cart = whole(row_of(shop, "orders", order), "id_cart")
    rows = [
        BasketRow(
            Amount(amount(each, "unit_price_tax_incl"), amount(each, "unit_price_tax_excl")),
            whole(each, "product_quantity"),
        )
        for each in lines
    ]
    return reckon_basket(shop, rows, shop.rules_of.get(cart, ()), shop.fees_of[cart], buyer, shipped=shipped)


def _invoice_totals(part: Reckoning, shipping: Amount) -> dict[str, Given]:
    """Shipping is shown on every invoice, and asked for on the first only (tried on 8.2.1)."""
    return {
        "total_discount_tax_incl": part.discounts.incl,
        "total_discount_tax_excl": part.discounts.excl,
        "total_paid_tax_incl": part.paid.incl,
        "total_paid_tax_excl": part.paid.excl,
        "total_products": part.products.excl,
        "total_products_wt": part.products.incl,
        "total_shipping_tax_incl": shipping.incl,
        "total_shipping_tax_excl": shipping.excl,
    }


def _recount_vouchers(shop: Shop, order: int, reckoning: Reckoning, invoice: int) -> None:
    """Now rounded to cents; those that were taken out stay as deleted rows, new ones are added (recorded order 8)."""
    known = set()
    for each, row in rows_of(shop, "order_cart_rules", order):
        worth = reckoning.vouchers.get(whole(row, "id_cart_rule"))
        if whole(row, "deleted"):
            continue
        known.add(whole(row, "id_cart_rule"))
        if worth is None:
            shop.tables["order_cart_rules"].delete(each)
        else:
            change(shop, "order_cart_rules", each, value=worth.rounded.incl, value_tax_excl=worth.rounded.excl)
    for rule_id, worth in reckoning.vouchers.items():
        if rule_id not in known:
            rule = row_of(shop, "cart_rules", rule_id)
            names = rule["name"]
            insert(
                shop,
                "order_cart_rules",
                id_order=order,
                id_cart_rule=rule_id,
                id_order_invoice=invoice,
                name=names.get(1, "") if isinstance(names, dict) else "",
                value=worth.rounded.incl,
                value_tax_excl=worth.rounded.excl,
                free_shipping=whole(rule, "free_shipping"),
            )


# lines


def _line_of(shop: Shop, order: int, detail: int) -> Values:
    line = row_of(shop, "order_details", detail)
    if whole(line, "id_order") != order:
        raise UnusableError(f"line {detail} isn't of order {order}")
    return line


def edit_line(shop: Shop, order: int, detail: int, *, quantity: int | None = None, incl: Decimal | None = None) -> None:
    """Another quantity or price; 0 takes the line out. Not on a delivered order (UpdateProductInOrderHandler)."""
    line = _line_of(shop, order, detail)
    if was_in(shop, order, "delivery"):
        raise UnusableError("a delivered order can't be edited")
    units = whole(line, "product_quantity") if quantity is None else quantity
    _check_more(shop, line, units)
    if incl is not None:
        change(shop, "order_details", detail, **_new_price(shop, order, line, incl))
    _set_quantity(shop, detail, units)
    recount(shop, order)


def _new_price(shop: Shop, order: int, line: Values, incl: Decimal) -> dict[str, Given]:
    country = _buyer(shop, row_of(shop, "orders", order)).country
    tax = tax_of(shop, whole(line, "id_tax_rules_group"), country)
    return {"unit_price_tax_incl": incl, "unit_price_tax_excl": precise(incl / tax.factor)}


def _check_more(shop: Shop, line: Values, quantity: int) -> None:
    more = quantity - whole(line, "product_quantity")
    if quantity < 0:
        raise UnusableError("a quantity is 0 or more")
    if more > 0:
        check_stock(shop, Line(whole(line, "product_id"), whole(line, "product_attribute_id"), more))


def _set_quantity(shop: Shop, detail: int, quantity: int) -> None:
    """The difference goes back to the stock, or comes from it."""
    line = row_of(shop, "order_details", detail)
    more = quantity - whole(line, "product_quantity")
    move_stock(shop, whole(line, "product_id"), whole(line, "product_attribute_id"), -more)
    if quantity:
        change(shop, "order_details", detail, product_quantity=quantity, reduction_percent=0)
    else:
        shop.tables["order_details"].delete(detail)
        shop.taxes_of.pop(detail, None)


def cancel_line(shop: Shop, order: int, detail: int, quantity: int | None = None) -> None:
    """Cancels units of an order that nobody paid; without any line left the order is cancelled, with its mail."""
    line = _line_of(shop, order, detail)
    if was_in(shop, order, "paid") or payments_of(shop, order):
        raise UnusableError("lines of a paid order aren't cancelled but refunded")
    units = whole(line, "product_quantity") if quantity is None else quantity
    if not 0 < units <= whole(line, "product_quantity"):
        raise UnusableError(f"line {detail} has {whole(line, 'product_quantity')} units")
    _set_quantity(shop, detail, whole(line, "product_quantity") - units)
    recount(shop, order)
    if not rows_of(shop, "order_details", order):
        enter(shop, order, int(shop.setting("PS_OS_CANCELED")), link_payments=False)


def add_product(shop: Shop, order: int, line: Line, *, new_invoice: bool = False) -> None:
    """One more line, on the order's invoice or on a new one with a parcel of its own (AddProductToOrderHandler)."""
    row = row_of(shop, "orders", order)
    check_stock(shop, line)
    if was_in(shop, order, "shipped"):
        raise UnusableError("a shipped order takes no more products")
    invoices = [each for each, found in rows_of(shop, "order_invoices", order) if whole(found, "number")]
    if new_invoice and invoices:
        invoices.insert(0, _another_invoice(shop, order, line))
    invoice = invoices[0] if invoices else 0
    for _, other in rows_of(shop, "order_details", order):
        same = (whole(other, "product_id"), whole(other, "product_attribute_id")) == (line.product, line.combination)
        if same and whole(other, "id_order_invoice") == invoice:
            raise UnusableError("the product is in the order: change its quantity")
    buyer = _buyer(shop, row)
    priced = line.priced(price_of(shop, line.product, line.combination, line.quantity, buyer))
    OrderLines(shop, order).add([priced], buyer, state=whole(row, "current_state"), invoice=invoice)
    recount(shop, order, invoice=invoice)


def _another_invoice(shop: Shop, order: int, line: Line) -> int:
    """A second invoice, and a second parcel that weighs and costs what the whole order does (tried on 8.2.1)."""
    row, product = row_of(shop, "orders", order), row_of(shop, "products", line.product)
    number = 1 + max(whole(row, "number") for _, row in shop.tables["order_invoices"])
    invoice = insert(shop, "order_invoices", id_order=order, number=number, shop_address=shop.setting("PS_SHOP_NAME"))
    combination = row_of(shop, "combinations", line.combination) if line.combination else {}
    weight = (amount(product, "weight") + amount(combination, "weight")) * line.quantity
    insert(
        shop,
        "order_carriers",
        id_order=order,
        id_carrier=whole(row, "id_carrier"),
        id_order_invoice=invoice,
        weight=weight_of(shop, order) + weight,
        shipping_cost_tax_excl=text(row, "total_shipping_tax_excl"),
        shipping_cost_tax_incl=text(row, "total_shipping_tax_incl"),
    )
    return invoice


# discounts


def add_discount(shop: Shop, order: int, kind: str, value: Decimal, name: str, *, invoice: int = 0) -> int:
    """A discount made in the back office: an inactive cart rule with an empty code; gives its id (recorded order 8)."""
    row = row_of(shop, "orders", order)
    if kind not in {"percent", "amount", "free_shipping"}:
        raise UnusableError("a discount is a percent, an amount or free_shipping")
    if kind == "amount" and not ZERO < value <= amount(row, "total_paid_tax_incl"):
        raise UnusableError("the discount is larger than the order")
    started = datetime.fromisoformat(text(row, "date_add")) - timedelta(hours=1)
    until = datetime.fromisoformat(shop.now()) + timedelta(hours=1)
    rule = insert(
        shop,
        "cart_rules",
        id_customer=whole(row, "id_customer"),
        date_from=str(started),
        date_to=str(until),
        name=name,
        quantity=1,
        quantity_per_user=1,
        priority=1,
        partial_use=1,
        reduction_currency=whole(row, "id_currency"),
        reduction_percent=value if kind == "percent" else ZERO,
        reduction_amount=value if kind == "amount" else ZERO,
        reduction_tax=kind == "amount",
        free_shipping=kind == "free_shipping",
    )
    shop.rules_of.setdefault(whole(row, "id_cart"), []).append(rule)
    recount(shop, order, invoice=invoice if has_invoice(shop, order) else 0)
    return rule


def remove_discount(shop: Shop, order: int, rule: int) -> None:
    """Takes a discount out of the order; its row stays, marked as deleted (measured, section 6)."""
    found = [each for each, row in rows_of(shop, "order_cart_rules", order)
             if whole(row, "id_cart_rule") == rule and not whole(row, "deleted")]  # fmt: skip
    if not found:
        raise UnusableError(f"order {order} has no discount of cart rule {rule}")
    change(shop, "order_cart_rules", found[0], deleted=1)
    shop.rules_of[whole(row_of(shop, "orders", order), "id_cart")].remove(rule)
    recount(shop, order)


# addresses


def change_address(shop: Shop, order: int, kind: str, address: int | None, fields: dict[str, str]) -> int:
    """Replaces the order's address, or edits it: the edited one is a new row, the former is marked as deleted."""
    row = row_of(shop, "orders", order)
    if kind not in {"delivery", "invoice"}:
        raise UnusableError("an address is of the delivery or of the invoice")
    before = whole(row, f"id_address_{kind}")
    if address is None:
        address = _edited(shop, before, fields)
    new, old = row_of(shop, "addresses", address), row_of(shop, "addresses", before)
    if text(new, "id_country") != text(old, "id_country"):
        raise UnusableError("addresses: moving an order to another country")
    change(shop, "orders", order, **{f"id_address_{kind}": address})
    change(shop, "carts", whole(row, "id_cart"), **{f"id_address_{kind}": address})
    recount(shop, order)
    return address


def _edited(shop: Shop, address: int, fields: dict[str, str]) -> int:
    old = row_of(shop, "addresses", address)
    unknown = set(fields) - set(shop.resources["addresses"].by_name)
    if unknown:
        raise UnusableError(f"addresses: no field {', '.join(sorted(unknown))}")
    kept = {name: text(old, name) for name in old if name not in {"id", "date_add", "date_upd"}}
    new = insert(shop, "addresses", **{**kept, "deleted": "0", **fields})
    change(shop, "addresses", address, deleted=1)
    touch(shop, "addresses", address)
    return new
