"""Orders as customers and the back office make, pay, edit, refund and cancel them, through the emulator's control.

The same operations were carried out on a real 8.2.1 by PrestaShop's own commands; the amounts here are its amounts.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lcvsync.emulators.http import Request
from lcvsync.emulators.prestashop import PrestaShopEmulator

Row = dict[str, Any]
PAID, SHIPPED, CANCELLED, ERROR, WIRE = 2, 4, 6, 8, 10
SHIRT = {"id_product": 1, "id_product_attribute": 1}
"""23.90 without tax, 20 % off for everybody: 22.944 with tax."""
PULLOVER = {"id_product": 2, "id_product_attribute": 9}
MUG = {"id_product": 6}
"""11.90 without tax."""
TEN_PERCENT = {"percent": 10, "code": "BIENVENUE10", "name": "Bienvenue -10%"}


class Shop:
    """The back office of one emulated shop, with a clock that the test moves."""

    def __init__(self, version: str = "8.2.1") -> None:
        self.time = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        self.emulator = PrestaShopEmulator(key="K" * 32, version=version, clock=lambda: self.time)

    def asked(self, action: str, order: Row | None = None) -> tuple[int, Any]:
        """An order to the emulator that it may refuse."""
        method, body = ("GET", b"") if order is None else ("POST", json.dumps(order).encode())
        answer = self.emulator.control(Request(method, f"/_emulator/shop/{action}", [], {}, body))
        return answer.status, json.loads(answer.body)

    def control(self, action: str, order: Row | None = None) -> Any:
        """An order to the emulator."""
        status, answer = self.asked(action, order)
        assert status == 200, answer
        return answer

    def refuses(self, action: str, order: Row) -> bool:
        """Whether the order can't be carried out, and nothing of it was."""
        before = self.control("dump")
        return self.asked(action, order)[0] == 400 and self.control("dump") == before

    def order(self, *lines: Row, **asked: Any) -> int:
        """A paid order to Paris."""
        made: int = self.control(
            "order",
            {
                "id_customer": 2,
                "id_address": 7,
                "state": PAID,
                "lines": list(lines or [{**MUG, "quantity": 2}]),
                **asked,
            },
        )["id"]
        return made

    def row(self, resource: str, row_id: int) -> Row:
        """A row as the database holds it."""
        return dict(self.emulator.shop.tables[resource].rows[row_id])

    def rows(self, resource: str, order: int) -> list[Row]:
        """The rows of an order."""
        reference = self.row("orders", order)["reference"]
        return [
            dict(row)
            for _, row in sorted(self.emulator.shop.tables[resource])
            if row.get("id_order") == str(order) or row.get("order_reference") == reference
        ]

    def line(self, order: int, place: int = 0) -> int:
        """The id of a line."""
        return int(self.rows("order_details", order)[place]["id"])

    def totals(self, order: int) -> tuple[str, str, str]:
        """Discounts, total and what was paid."""
        row = self.row("orders", order)
        return tuple(f"{float(row[f'total_{each}']):.2f}" for each in ("discounts", "paid", "paid_real"))  # type: ignore[return-value]  # three

    def stock(self, product: int, combination: int = 0) -> int:
        """What is left."""
        shop = self.emulator.shop
        return int(str(shop.tables["stock_availables"].rows[shop.stock_rows(product, combination)[0]]["quantity"]))

    def mails(self, order: int) -> list[str]:
        """Templates of the order's mails."""
        return [each["template"] for each in self.control("dump")["mails"] if each["id_order"] == str(order)]

    def later(self) -> str:
        """A minute later; the shop's time."""
        self.time += timedelta(minutes=1)
        return self.emulator.shop.now()

    def moved(self, resource: str, row_id: int, action: str, order: Row) -> bool:
        """Whether an order to the emulator, a minute later, moves a row's date_upd."""
        now = self.later()
        self.control(action, order)
        return bool(self.row(resource, row_id)["date_upd"] == now)


@pytest.fixture
def shop() -> Shop:
    """A fresh 8.2.1 with the demo products and orders."""
    return Shop()


class TestPlacing:
    """POST order."""

    def test_prices_of_the_shop(self, shop: Shop) -> None:
        """Lines at the running price, rounded each; what is to pay comes from unrounded ones, a cent beside the sum."""
        order = shop.order({**SHIRT, "quantity": 3}, PULLOVER, {**MUG, "quantity": 2})
        made = shop.row("orders", order)
        recorded = shop.row("orders", 6)
        same = [name for name in made if name.startswith("total_") or name in {"valid", "module", "carrier_tax_rate"}]
        assert {name: made[name] for name in same} == {name: recorded[name] for name in same}
        for mine, known in zip(shop.rows("order_details", order), shop.rows("order_details", 6), strict=True):
            names = [name for name in mine if "price" in name or "reduction" in name or "discount" in name]
            assert {name: mine[name] for name in names} == {name: known[name] for name in names}

    def test_stock_falls(self, shop: Shop) -> None:
        """The combination's stock, and the product's total with it; an order that can't be served is refused whole."""
        before = shop.stock(1, 1), shop.stock(1)
        shop.order({**SHIRT, "quantity": 3})
        assert (shop.stock(1, 1), shop.stock(1)) == (before[0] - 3, before[1] - 3)
        too_many = {"id_customer": 2, "lines": [MUG, {**SHIRT, "quantity": 9999}]}
        assert shop.refuses("order", too_many)
        assert shop.asked("order", {**too_many, "lines": [{**SHIRT, "quantity": 9999, "oversell": True}]})[0] == 200

    def test_gift_and_voucher(self, shop: Shop) -> None:
        """The amounts of the recorded order 7: wrapping, and 10 % that the lines don't show."""
        lines = ({"id_product": 1, "id_product_attribute": 2}, {"id_product": 8, "quantity": 4})
        order = shop.order(*lines, gift_message="Bises", vouchers=[TEN_PERCENT])
        names = [name for name in shop.row("orders", 7) if name.startswith("total_") or name == "gift"]
        assert [shop.row("orders", order)[name] for name in names] == [shop.row("orders", 7)[name] for name in names]
        [used] = shop.rows("order_cart_rules", order)
        assert (used["value"], used["value_tax_excl"], used["free_shipping"]) == ("8.006000", "6.672000", "0")
        assert shop.row("cart_rules", int(used["id_cart_rule"]))["quantity"] == "0"

    def test_free_shipping(self, shop: Shop) -> None:
        """Shipping stays in the total and comes off as a discount, beside a voucher of 5 euros (recorded order 8)."""
        lines = ({"id_product": 3, "id_product_attribute": 13, "quantity": 2}, {"id_product": 7})
        order = shop.order(*lines, vouchers=[{"free_shipping": True}, {"amount": 5}])
        assert shop.totals(order) == ("13.40", "78.88", "78.88")
        assert [each["free_shipping"] for each in shop.rows("order_cart_rules", order)] == ["1", "0"]

    def test_voucher_larger_than_the_order(self, shop: Shop) -> None:
        """The rest becomes a new voucher, which is mailed."""
        order = shop.order({"id_product": 7}, vouchers=[{"amount": 50, "code": "GROS"}])
        assert shop.totals(order) == ("14.28", "8.40", "8.40")
        rest = shop.row("cart_rules", max(shop.emulator.shop.tables["cart_rules"].rows))
        assert (rest["code"], rest["reduction_amount"]) == ("GROS-2", "35.720000")
        assert "voucher" in shop.mails(order)

    def test_mails(self, shop: Shop) -> None:
        """The customer hears of the state and of the order."""
        assert shop.mails(shop.order()) == ["payment", "order_conf"]

    def test_unpaid(self, shop: Shop) -> None:
        """By bank wire: no invoice, no payment, not valid, but the stock is taken."""
        before = shop.stock(6)
        order = shop.order(state=WIRE)
        assert (shop.totals(order), shop.row("orders", order)["valid"]) == (("0.00", "36.96", "0.00"), "0")
        assert (shop.rows("order_invoices", order), shop.rows("order_payments", order)) == ([], [])
        assert shop.stock(6) == before - 2

    def test_paid_another_amount(self, shop: Shop) -> None:
        """A module that reports another amount: state "payment error", the payment is kept, no stock is taken."""
        before = shop.stock(6)
        order = shop.order(paid=10)
        row = shop.row("orders", order)
        assert (row["current_state"], shop.totals(order)[2], shop.stock(6)) == (str(ERROR), "10.00", before)

    def test_several_payments(self, shop: Shop) -> None:
        """A gift card and a card; the invoice counts both."""
        payments = [{"amount": 20, "method": "Carte cadeau"}, {"amount": 16.96, "method": "CB", "transaction_id": "T"}]
        order = shop.order(payments=payments)
        methods = [(each["payment_method"], each["amount"]) for each in shop.rows("order_payments", order)]
        assert methods == [("Carte cadeau", "20.000000"), ("CB", "16.960000")]
        assert shop.totals(order)[2] == "36.96"

    def test_foreign_currency(self, shop: Shop) -> None:
        """Amounts are in the order's currency."""
        order = shop.order({**MUG}, shipping=0, currency={"iso_code": "USD", "conversion_rate": "1.10"})
        row = shop.row("orders", order)
        assert (row["total_paid"], row["conversion_rate"], row["id_currency"]) == ("15.710000", "1.100000", "2")

    def test_guest(self, shop: Shop) -> None:
        """A guest is a customer of the guests' group; the address may repeat."""
        guest = {"email": "a@example.com", "lastname": "Petit"}
        for _ in range(2):
            made = shop.control("order", {"guest": guest, "lines": [MUG]})
        customer = shop.row("customers", int(shop.row("orders", made["id"])["id_customer"]))
        assert (customer["is_guest"], customer["id_default_group"], customer["email"]) == ("1", "2", "a@example.com")
        assert shop.emulator.shop.groups_of[int(customer["id"])] == [2]

    def test_marketplace(self, shop: Shop) -> None:
        """A marketplace's module writes its own price, label, date and totals."""
        line = {**MUG, "unit_price_tax_incl": "9.99"}
        columns = {"total_shipping": "0"}
        asked = {"module": "sfpayment", "payment": "zalando", "date": "2026-11-01 10:00:00", "columns": columns}
        order = shop.order(line, customer={"email": "x@clemarche.com"}, carrier=1, **asked)
        row = shop.row("orders", order)
        assert [row[each] for each in ("module", "payment", "date_add")] == [
            "sfpayment",
            "zalando",
            "2026-11-01 10:00:00",
        ]
        assert (row["total_paid"], shop.rows("order_payments", order)[0]["payment_method"]) == ("9.990000", "zalando")

    def test_split(self, shop: Shop) -> None:
        """Two parcels are two orders of one reference with one payment, noted on the last."""
        made = shop.control("order", {"id_customer": 2, "state": PAID, "parcels": [[MUG], [SHIRT]]})
        first, last = made["ids"]
        assert shop.row("orders", first)["reference"] == shop.row("orders", last)["reference"] == made["reference"]
        assert len(shop.rows("order_payments", first)) == 1
        assert (shop.totals(first)[2], shop.totals(last)[2]) == ("0.00", "45.62")

    def test_tax_of_the_country(self, shop: Shop) -> None:
        """No tax abroad: the lines have none, and neither has shipping."""
        order = shop.order(MUG, id_address=5)
        [line] = shop.rows("order_details", order)
        assert (line["unit_price_tax_incl"], shop.totals(order)[1]) == ("11.900000", "18.90")
        assert int(line["id"]) not in shop.emulator.shop.taxes_of


class TestPaying:
    """POST order/pay and order/state."""

    def test_typed_in(self, shop: Shop) -> None:
        """Payments add up and move the order's date, but don't change its state."""
        order = shop.order(state=WIRE)
        assert shop.moved("orders", order, "order/pay", {"id": order, "amount": 10, "date": "2026-11-20 10:00:00"})
        assert (shop.totals(order)[2], shop.row("orders", order)["current_state"]) == ("10.00", str(WIRE))
        assert shop.rows("order_payments", order)[0]["date_add"] == "2026-11-20 10:00:00"

    def test_the_rest(self, shop: Shop) -> None:
        """The back office's state "paid" pays only what is still due."""
        order = shop.order(state=WIRE)
        shop.control("order/pay", {"id": order, "amount": 10})
        shop.control("order/state", {"id": order, "state": PAID})
        assert [each["amount"] for each in shop.rows("order_payments", order)] == ["10.000000", "26.960000"]

    def test_by_module(self, shop: Shop) -> None:
        """A row that a module inserts moves no date and no total."""
        order = shop.order(state=WIRE)
        assert not shop.moved("orders", order, "order/pay", {"id": order, "amount": 5, "by_module": True})
        assert (len(shop.rows("order_payments", order)), shop.totals(order)[2]) == (1, "0.00")

    def test_state(self, shop: Shop) -> None:
        """The back office enters a state with its mail, and not twice in a row."""
        order = shop.order()
        assert shop.moved("orders", order, "order/state", {"id": order, "state": SHIPPED})
        assert shop.mails(order)[-1] == "shipped"
        assert shop.refuses("order/state", {"id": order, "state": SHIPPED})

    def test_cancelled_and_revived(self, shop: Shop) -> None:
        """Stock comes back and goes again; the invoice and the payment stay as they are."""
        order, level = shop.order(), shop.stock(6)
        shop.control("order/state", {"id": order, "state": CANCELLED})
        assert (shop.stock(6), shop.row("orders", order)["valid"]) == (level + 2, "0")
        shop.control("order/state", {"id": order, "state": PAID})
        assert (shop.stock(6), len(shop.rows("order_payments", order))) == (level, 1)


class TestEditing:
    """POST order/edit, order/cancel-line and order/address."""

    def test_quantity(self, shop: Shop) -> None:
        """Fewer units: stock and totals follow, what was paid doesn't, there is no slip (recorded order 15)."""
        order, level = shop.order(), shop.stock(6)
        edit = {"id": order, "line": shop.line(order), "quantity": 1}
        assert shop.moved("orders", order, "order/edit", edit)
        assert (shop.totals(order), shop.stock(6)) == (("0.00", "22.68", "36.96"), level + 1)
        assert shop.rows("order_slip", order) == []
        assert shop.rows("order_invoices", order)[0]["total_paid_tax_incl"] == "22.680000"

    def test_price(self, shop: Shop) -> None:
        """Another price for a line."""
        order = shop.order()
        edit = {"id": order, "line": shop.line(order), "unit_price_tax_incl": 9.99}
        assert shop.moved("orders", order, "order/edit", edit)
        line = shop.rows("order_details", order)[0]
        assert (line["unit_price_tax_incl"], line["unit_price_tax_excl"]) == ("9.990000", "8.325000")
        assert shop.totals(order)[1] == "28.38"

    def test_product(self, shop: Shop) -> None:
        """One more product, on the order's invoice; the same one again is refused."""
        order, level = shop.order(), shop.stock(8)
        assert shop.moved("orders", order, "order/edit", {"id": order, "add": {"id_product": 8, "quantity": 2}})
        assert (shop.totals(order)[1], shop.stock(8)) == ("65.52", level - 2)
        invoices = {each["id_order_invoice"] for each in shop.rows("order_details", order)}
        assert invoices == {shop.rows("order_invoices", order)[0]["id"]}
        assert shop.refuses("order/edit", {"id": order, "add": {"id_product": 8}})
        assert shop.refuses("order/edit", {"id": order, "line": shop.line(order), "quantity": 9999})

    def test_product_on_a_new_invoice(self, shop: Shop) -> None:
        """A second invoice and a second parcel; shipping is paid once."""
        order = shop.order()
        shop.control("order/edit", {"id": order, "add": {"id_product": 8, "new_invoice": True}})
        paid = [each["total_paid_tax_incl"] for each in shop.rows("order_invoices", order)]
        assert (paid, len(shop.rows("order_carriers", order))) == (["36.960000", "14.280000"], 2)
        assert shop.totals(order)[1] == "51.24"

    def test_discount(self, shop: Shop) -> None:
        """A discount after payment: a voucher row without invoice, a cart rule without code (recorded order 8)."""
        order = shop.order()
        discount = {"id": order, "discount": {"amount": 2, "name": "Geste commercial"}}
        assert shop.moved("orders", order, "order/edit", discount)
        [used] = shop.rows("order_cart_rules", order)
        assert [used[each] for each in ("id_order_invoice", "value", "name")] == ["0", "2.000000", "Geste commercial"]
        rule = shop.row("cart_rules", int(used["id_cart_rule"]))
        assert (rule["code"], rule["active"], shop.totals(order)) == ("", "0", ("2.00", "34.96", "36.96"))

    def test_discount_removed(self, shop: Shop) -> None:
        """Its row stays, marked as deleted."""
        order = shop.order()
        rule = shop.control("order/edit", {"id": order, "discount": {"percent": 15}})["cart_rule"]
        assert shop.totals(order)[1] == "32.68"
        assert shop.moved("orders", order, "order/edit", {"id": order, "remove_discount": rule})
        assert [each["deleted"] for each in shop.rows("order_cart_rules", order)] == ["1"]
        assert shop.totals(order) == ("0.00", "36.96", "36.96")

    def test_cancelled_before_payment(self, shop: Shop) -> None:
        """Line by line, down to a cancelled order of 0 without lines (recorded order 9)."""
        level = shop.stock(6)
        order = shop.order(state=WIRE)
        cancel = {"id": order, "line": shop.line(order), "quantity": 1}
        assert shop.moved("orders", order, "order/cancel-line", cancel)
        assert (shop.totals(order)[1], shop.row("orders", order)["current_state"]) == ("22.68", str(WIRE))
        shop.control("order/cancel-line", cancel)
        assert (shop.rows("order_details", order), shop.totals(order)[1]) == ([], "0.00")
        assert (shop.row("orders", order)["current_state"], shop.stock(6)) == (str(CANCELLED), level)
        assert shop.mails(order)[-1] == "order_canceled"

    def test_refused(self, shop: Shop) -> None:
        """No cancelled lines on a paid order, no edits on a delivered one."""
        order = shop.order()
        assert shop.refuses("order/cancel-line", {"id": order, "line": shop.line(order)})
        shop.control("order/state", {"id": order, "state": SHIPPED})
        assert shop.refuses("order/edit", {"id": order, "line": shop.line(order), "quantity": 1})

    def test_address(self, shop: Shop) -> None:
        """An edited address is a new row, the former one deleted; the order's date moves."""
        order = shop.order()
        assert shop.moved("orders", order, "order/address", {"id": order, "fields": {"city": "Lyon"}})
        new = int(shop.row("orders", order)["id_address_delivery"])
        assert (shop.row("addresses", new)["city"], shop.row("addresses", 7)["deleted"]) == ("Lyon", "1")


class TestRefunding:
    """POST order/refund."""

    def test_slip(self, shop: Shop) -> None:
        """Two lines and shipping: only the lines' counters, the slip and the stock change (recorded order 6)."""
        order = shop.order({**SHIRT, "quantity": 3}, PULLOVER, {**MUG, "quantity": 2})
        level, before = shop.stock(1, 1), shop.row("orders", order)
        lines = [{"line": shop.line(order), "quantity": 1, "amount": 15}, {"line": shop.line(order, 2), "quantity": 1}]
        shop.later()
        made = shop.control("order/refund", {"id": order, "lines": lines, "shipping": 3, "without_tax": True})
        slip, known = shop.row("order_slip", made["order_slip"]), shop.row("order_slip", 1)
        names = [name for name in slip if name not in {"id", "id_order", "date_add", "date_upd"}]
        assert {name: slip[name] for name in names} == {name: known[name] for name in names}
        counters = ("product_quantity_refunded", "product_quantity_reinjected", "total_refunded_tax_incl")
        refunded = [[each[name] for name in counters] for each in shop.rows("order_details", order)]
        assert refunded == [["1", "1", "18.000000"], ["0", "0", "0.000000"], ["1", "1", "14.280000"]]
        assert (shop.row("orders", order), shop.stock(1, 1)) == (before, level + 1)

    def test_with_tax(self, shop: Shop) -> None:
        """A group that sees prices with tax is refunded with tax."""
        order = shop.order()
        lines = [{"line": shop.line(order), "quantity": 1, "amount": 10}]
        made = shop.control("order/refund", {"id": order, "lines": lines, "shipping": 2, "voucher": True})
        slip, rule = shop.row("order_slip", made["order_slip"]), shop.row("cart_rules", made["cart_rule"])
        names = ("total_products_tax_excl", "total_products_tax_incl", "total_shipping_tax_excl", "amount")
        assert [slip[name] for name in names] == ["8.330000", "10.000000", "1.670000", "10.000000"]
        assert (rule["reduction_amount"], rule["reduction_tax"]) == ("12.000000", "1")

    def test_voucher_only(self, shop: Shop) -> None:
        """No slip, no date moves: only the voucher's code tells of it, and the next order spends it (orders 10, 13)."""
        order = shop.order({**SHIRT, "quantity": 2})
        asked = {"id": order, "lines": [{"line": shop.line(order), "quantity": 1}], "slip": False, "voucher": True}
        assert not shop.moved("orders", order, "order/refund", {**asked, "without_tax": True})
        voucher = max(shop.emulator.shop.tables["cart_rules"].rows)
        rule = shop.row("cart_rules", voucher)
        assert rule["code"] == f"V{voucher}C2O{order}"
        assert [rule[each] for each in ("reduction_amount", "reduction_tax", "id_customer")] == ["19.120000", "0", "2"]
        assert shop.rows("order_slip", order) == []
        spent = shop.order({"id_product": 2, "id_product_attribute": 10}, vouchers=[voucher])
        assert shop.totals(spent) == ("22.94", "19.92", "19.92")
        assert shop.rows("order_cart_rules", spent)[0]["value"] == "22.941337"

    def test_after_delivery(self, shop: Shop) -> None:
        """Delivered units go back to the stock only when asked, and count as returned where the shop takes returns."""
        order = shop.order()
        shop.control("order/state", {"id": order, "state": SHIPPED})
        level, asked = shop.stock(6), {"id": order, "lines": [{"line": shop.line(order), "quantity": 1}]}
        shop.control("order/refund", asked)
        assert shop.stock(6) == level
        shop.control("settings", {"configurations": {"PS_ORDER_RETURN": "1"}})
        shop.control("order/refund", {**asked, "restock": True})
        line = shop.rows("order_details", order)[0]
        counted = [line[f"product_quantity_{each}"] for each in ("refunded", "return", "reinjected")]
        assert (shop.stock(6), counted) == (level + 1, ["1", "1", "1"])

    def test_totals_that_disagree(self, shop: Shop) -> None:
        """Vouchers are taken off one of the slip's totals and off no line, a chosen amount off neither."""
        order = shop.order({**SHIRT, "quantity": 2}, {"id_product": 7, "quantity": 2}, vouchers=[TEN_PERCENT])
        lines = [{"line": shop.line(order), "quantity": 1}]
        asked = {"id": order, "lines": lines, "without_tax": True}
        slip = shop.row("order_slip", shop.control("order/refund", {**asked, "without_vouchers": True})["order_slip"])
        names = ("total_products_tax_excl", "total_products_tax_incl", "order_slip_type")
        assert [slip[name] for name in names] == ["19.120000", "15.490000", "1"]
        slip = shop.row("order_slip", shop.control("order/refund", {**asked, "chosen_amount": 7.5})["order_slip"])
        assert [slip[name] for name in (*names, "amount")] == ["19.120000", "22.940000", "2", "7.500000"]

    def test_refused(self, shop: Shop) -> None:
        """An unpaid order, too many units, neither slip nor voucher, nothing."""
        unpaid, order = shop.order(state=WIRE), shop.order()
        one = [{"line": shop.line(order), "quantity": 1}]
        for asked in (
            {"id": unpaid, "lines": [{"line": shop.line(unpaid), "quantity": 1}]},
            {"id": order, "lines": [{"line": shop.line(order), "quantity": 3}]},
            {"id": order, "lines": one, "slip": False},
            {"id": order, "lines": []},
        ):
            assert shop.refuses("order/refund", asked)


class TestCustomers:
    """POST customer."""

    def test_new(self, shop: Shop) -> None:
        """A customer with groups and an address."""
        made = shop.control("customer", {"fields": {"lastname": "Petit"}, "groups": [1], "address": {"city": "Lille"}})
        assert shop.emulator.shop.groups_of[made["id"]] == [1, 3]
        addresses = shop.emulator.shop.tables["addresses"]
        [address] = addresses.where("id_customer", made["id"])
        assert [addresses.rows[address][each] for each in ("lastname", "city")] == ["Petit", "Lille"]

    def test_dates(self, shop: Shop) -> None:
        """Fields and groups edited in the back office move the date; a module's group and an address don't."""
        assert shop.moved("customers", 2, "customer", {"id": 2, "fields": {"firstname": "Jean"}})
        assert shop.moved("customers", 2, "customer", {"id": 2, "groups": [3, 1]})
        assert not shop.moved("customers", 2, "customer", {"id": 2, "groups": [3], "silently": True})
        edit = {"resource": "addresses", "id": 7, "fields": {"city": "Nice"}}
        assert not shop.moved("customers", 2, "edit", edit)
        assert shop.moved("addresses", 7, "edit", edit)

    def test_unknown_field(self, shop: Shop) -> None:
        """A misspelt field is refused."""
        assert shop.refuses("customer", {"id": 2, "fields": {"surname": "x"}})
