"""Orders over the webservice: what is read, what a write does. Each was measured on a real 8.2.1 (section 6).

That the demo's orders read byte for byte as recorded is proved in `test_prestashop_recordings.py`.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from lxml import etree

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.prestashop import PrestaShopEmulator

KEY = "K" * 32
ROOT = '<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">{}</prestashop>'
RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
PAID, SHIPPED, CANCELLED, REFUNDED, ERROR, WIRE = 2, 4, 6, 7, 8, 10


class Shop:
    """A client of one emulated shop, with a clock that the test moves."""

    def __init__(self, version: str = "8.2.1", *, demo_data: bool = True) -> None:
        self.time = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        self.emulator = PrestaShopEmulator(key=KEY, version=version, clock=lambda: self.time, demo_data=demo_data)
        self.emulator.base_url = "http://127.0.0.1:8090/"

    def send(self, method: str, url: str, body: str = "") -> Response:
        """Any request below /api/."""
        parts = urlsplit("/api/" + url)
        headers = {"host": "127.0.0.1:8090", "authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
        query = parse_qsl(parts.query, keep_blank_values=True)
        content = ROOT.format(body).encode() if body else b""
        return self.emulator.handle(Request(method, unquote(parts.path), query, headers, content))

    def one(self, url: str) -> etree._Element:
        """The one entity of a GET."""
        answer = self.send("GET", url)
        assert answer.status == 200, answer.body
        return etree.fromstring(answer.body)[0]

    def text(self, url: str, field: str) -> str:
        """One field of one entity."""
        return self.one(url).findtext(field) or ""

    def all(self, url: str, *fields: str) -> list[tuple[str, ...]]:
        """Fields of the rows of a list, by id."""
        joined = "&" if "?" in url else "?"
        rows = self.one(f"{url}{joined}display=full&sort=[id_ASC]")
        return [tuple(each.findtext(field) or "" for field in fields) for each in rows]

    def enter(self, order: int, state: int, query: str = "") -> Response:
        """Posts a row of history."""
        fields = f"<id_order>{order}</id_order><id_order_state>{state}</id_order_state>"
        return self.send("POST", f"order_histories{query}", f"<order_history>{fields}</order_history>")

    def control(self, action: str, order: dict[str, Any] | None = None) -> Any:
        """An order to the emulator."""
        status, answer = self.asked(action, order)
        assert status == 200, answer
        return answer

    def asked(self, action: str, order: dict[str, Any] | None = None) -> tuple[int, Any]:
        """An order to the emulator that it may refuse."""
        method, body = ("GET", b"") if order is None else ("POST", json.dumps(order).encode())
        answer = self.emulator.control(Request(method, f"/_emulator/shop/{action}", [], {}, body))
        return answer.status, json.loads(answer.body)

    def stock(self, product: int, combination: int = 0) -> int:
        """What is left."""
        url = f"stock_availables?filter[id_product]=[{product}]&filter[id_product_attribute]=[{combination}]"
        return int(self.all(url, "quantity")[0][0])

    def mails(self) -> list[tuple[str, str]]:
        """Templates and orders of the mails sent so far."""
        return [(each["template"], each["id_order"]) for each in self.control("dump")["mails"]]

    def order(self, **asked: Any) -> int:
        """Two mugs to Paris by bank wire, unless told otherwise; the mails of the order are forgotten."""
        lines = [{"id_product": 6, "quantity": 2}]
        made: int = self.control("order", {"id_customer": 2, "id_address": 7, "lines": lines, **asked})["id"]
        self.emulator.shop.mails.clear()
        return made

    def later(self, minutes: int = 1) -> str:
        """Moves the clock; gives the shop's new time."""
        self.time += timedelta(minutes=minutes)
        return self.emulator.shop.now()


@pytest.fixture
def shop() -> Shop:
    """A fresh 8.2.1 with the demo orders."""
    return Shop()


class TestReading:
    """Lists, filters and associations."""

    def test_lines_by_display(self, shop: Shop) -> None:
        """`order_rows` shows the elements asked for, without xlink of their own."""
        body = shop.send(
            "GET", "orders?filter[id]=[6]&display=[id,order_rows[product_id,product_quantity]]"
        ).body.decode()
        assert (
            '<order_rows nodeType="order_row" virtualEntity="true">\n\t<order_row>\n\t<product_id xlink:href=' in body
        )
        assert body.count("<product_quantity>") == 3
        assert "product_name" not in body

    @pytest.mark.parametrize(
        ("url", "found"),
        [
            ("orders?filter[date_upd]=>[2026-11-23 13:19:50]&date=1", ["9", "11", "13", "14", "15"]),
            ("orders?filter[id]=>[13]", ["14", "15"]),
            ("orders?filter[current_state]=[10|6]", ["1", "5", "9", "14"]),
            ("order_slip?filter[date_upd]=>[2026-11-23 13:19:50]&date=1", ["4"]),
            ("order_histories?filter[date_add]=[2026-11-23 13:19:51,2026-11-24 00:00:00]&date=1&limit=2", ["15", "16"]),
            ("order_histories?filter[date_upd]=>[2020-01-01 00:00:00]&date=1", []),
            ("cart_rules?filter[id]=>[0]&filter[code]=[V]%", ["4", "5"]),
            ("order_details?filter[product_quantity_refunded]=>[0]", ["8", "10", "16", "17", "18", "19"]),
            ("order_payments?filter[order_reference]=[XHIJKJYIP]", ["8", "9"]),
            ("customers?filter[date_upd]=>[2026-11-23 12:59:12]&date=1", ["2"]),
        ],
    )  # fmt: skip
    def test_filters(self, shop: Shop, url: str, found: list[str]) -> None:
        """What lcvsync asks for finds the recorded rows; a date column that isn't there finds nothing, with 200."""
        assert [each for (each,) in shop.all(url, "id")] == found

    def test_date_needs_date(self, shop: Shop) -> None:
        """A filter or sort by date without `date=1` is refused."""
        for url in ("orders?filter[date_upd]=>[2026-11-23 00:00:00]", "orders?sort=[date_upd_DESC]"):
            answer = shop.send("GET", url)
            assert (answer.status, b"does not exist" in answer.body or b"Unable to filter" in answer.body) == (
                500,
                True,
            )

    def test_tracking_number_is_no_filter(self, shop: Shop) -> None:
        """shipping_number is computed: error 34."""
        assert b"[34]" in shop.send("GET", "orders?filter[shipping_number]=[x]").body

    def test_slips_have_two_names(self, shop: Shop) -> None:
        """The resource is `order_slip`, its list `order_slips`; that name is no resource."""
        assert b'<order_slip id="1" xlink:href="http://127.0.0.1:8090/api/order_slips/1"/>' in (
            shop.send("GET", "order_slip").body
        )
        assert shop.send("GET", "order_slips").status == 400

    def test_rights(self, shop: Shop) -> None:
        """A key may have orders without their payments, and reading without writing."""
        permissions = {"orders": ["GET"], "order_histories": ["GET", "POST"]}
        shop.control("key", {"key": KEY, "permissions": permissions})
        answers = [shop.send("GET", "orders").status, shop.send("GET", "order_payments").status]
        answers += [shop.send("PATCH", "orders", "<order><id>6</id></order>").status, shop.enter(6, 3).status]
        assert answers == [200, 401, 405, 201]

    def test_without_demo_data(self) -> None:
        """A shop without demo data has states, groups and carriers, but nobody in it."""
        bare = Shop(demo_data=False)
        empty = ("orders", "order_details", "customers", "addresses", "carts", "cart_rules", "order_slip")
        assert [bare.all(each, "id") for each in empty] == [[]] * len(empty)
        assert len(bare.all("carriers", "id")) == 4

    def test_old_payments(self) -> None:
        """1.7.8 doesn't note who typed a payment."""
        assert Shop("1.7.8.11").one("order_payments/8").find("id_employee") is None


class TestHistories:
    """POST order_histories."""

    def test_answer_as_recorded(self, shop: Shop) -> None:
        """The recorded answer, but for id and time."""
        known = (RECORDINGS / "samples" / "order_histories_post_answer.xml").read_text("utf-8")
        fields = "<id_employee>1</id_employee><id_order_state>2</id_order_state><id_order>3</id_order>"
        answer = shop.send("POST", "order_histories", f"<order_history>{fields}</order_history>")
        changing = re.compile(r"(?<=<id><!\[CDATA\[)\d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
        assert (answer.status, changing.sub("?", answer.body.decode())) == (201, changing.sub("?", known))

    def test_paid(self, shop: Shop) -> None:
        """A paid state makes an invoice and a payment of the whole, validates the order and moves its date; no mail."""
        now = shop.later()
        assert shop.enter(4, PAID).status == 201
        order = shop.one("orders/4")
        names = ("current_state", "valid", "invoice_number", "invoice_date", "total_paid_real", "date_upd")
        assert [order.findtext(each) for each in names] == ["2", "1", "9", now, "21.300000", now]
        payments = shop.all(f"order_payments?filter[order_reference]=[{order.findtext('reference')}]", "amount")
        assert payments == [("21.300000",)]
        assert shop.text("order_details/6", "id_order_invoice") == "9"
        assert shop.mails() == []

    def test_not_idempotent(self, shop: Shop) -> None:
        """The same state again writes another row, but no second payment."""
        shop.enter(4, PAID)
        shop.enter(4, PAID)
        assert len(shop.all("order_histories?filter[id_order]=[4]", "id")) == 3
        assert shop.text("orders/4", "total_paid_real") == "21.300000"

    def test_pays_twice_what_was_typed_in(self, shop: Shop) -> None:
        """The webservice's invoice doesn't count payments made before: an order paid by hand is paid once more."""
        shop.enter(14, PAID)
        amounts = [each for (each,) in shop.all("order_payments?filter[order_reference]=[XHIJKJYIP]", "amount")]
        assert amounts == ["10.000000", "26.960000", "36.960000"]
        assert shop.text("orders/14", "total_paid_real") == "73.920000"

    def test_stock(self, shop: Shop) -> None:
        """Cancelling puts the lines back, once; leaving the state takes them again, by way of "error" too."""
        order, levels = shop.order(), []
        for state in (CANCELLED, ERROR, CANCELLED, PAID, REFUNDED, CANCELLED):
            shop.enter(order, state)
            levels.append(shop.stock(6))
        left = levels[3]
        assert levels == [left + 2, left + 2, left + 2, left, left, left + 2]

    def test_restocks_whole_lines(self, shop: Shop) -> None:
        """What a refund put back comes back once more when the order is cancelled."""
        before = shop.stock(6)
        order = shop.order(state=PAID)
        line = int(shop.all(f"order_details?filter[id_order]=[{order}]", "id")[0][0])
        shop.control("order/refund", {"id": order, "lines": [{"line": line, "quantity": 1}]})
        shop.enter(order, CANCELLED)
        assert shop.stock(6) == before + 1

    def test_delivery(self, shop: Shop) -> None:
        """A state with delivery numbers the delivery slip, which later ones keep; its date moves."""
        order = shop.order(state=PAID)
        shop.enter(order, SHIPPED)
        now = shop.later()
        shop.enter(order, 5)
        assert shop.all(f"orders?filter[id]=[{order}]", "delivery_number", "delivery_date") == [("1", now)]

    @pytest.mark.parametrize(("query", "sent"), [("?sendemail=1", 1), ("?sendemail=true", 1), ("?sendemail=0", 0)])
    def test_mail_on_demand(self, shop: Shop, query: str, sent: int) -> None:
        """A mail only when asked for."""
        shop.enter(6, 3, query)
        assert shop.mails() == [("preparation", "6")] * sent

    def test_mail_only_of_states_that_have_one(self, shop: Shop) -> None:
        """A state without send_email mails nobody, asked or not."""
        shop.enter(6, 5, "?sendemail=1")
        assert shop.mails() == []

    def test_mail_that_fails(self, shop: Shop) -> None:
        """500 with error 46, yet the state is changed and the row written."""
        shop.control("settings", {"mail": False})
        answer = shop.enter(6, 3, "?sendemail=1")
        assert (answer.status, b"[46]" in answer.body) == (500, True)
        assert shop.text("orders/6", "current_state") == "3"
        assert len(shop.all("order_histories?filter[id_order]=[6]", "id")) == 2

    @pytest.mark.parametrize(("order", "state"), [(6, 99), (999, 2)])
    def test_unknown(self, shop: Shop, order: int, state: int) -> None:
        """An unknown state or order is PHP's fatal error, and nothing is written."""
        before = shop.control("dump")
        answer = shop.enter(order, state)
        assert (answer.status, answer.body) == (500, b"")
        assert shop.control("dump") == before

    def test_required(self, shop: Shop) -> None:
        """Both ids are required, and checked."""
        missing = shop.send("POST", "order_histories", "<a><id_order>3</id_order></a>")
        wrong = shop.send("POST", "order_histories", "<a><id_order>3</id_order><id_order_state>x</id_order_state></a>")
        assert [b"[41]" in missing.body, b"[85]" in wrong.body] == [True, True]

    def test_delete(self, shop: Shop) -> None:
        """A row is really deleted, as an order and a core state are; the order's lines stay behind."""
        for url in ("order_histories/1", "orders/2", "order_states/2"):
            assert (shop.send("DELETE", url).status, shop.send("GET", url).status) == (200, 404)
        assert len(shop.all("order_details?filter[id_order]=[2]", "id")) == 2


class TestWritingOrders:
    """PUT and PATCH of orders, parcels, slips and states."""

    def test_put_as_read(self, shop: Shop) -> None:
        """What GET gave can be PUT back: only date_upd changes, nobody is mailed."""
        order = shop.one("orders/8")
        now = shop.later()
        sent = etree.tostring(order, encoding="unicode")
        before, answer = shop.one("orders/8"), shop.send("PUT", "orders/8", sent)
        changed = [each.tag for each, old in zip(shop.one("orders/8"), before, strict=True) if each.text != old.text]
        assert (answer.status, changed, shop.text("orders/8", "date_upd")) == (200, ["date_upd"], now)
        assert (len(shop.all("order_histories?filter[id_order]=[8]", "id")), shop.mails()) == (1, [])

    def test_patched_state_mails(self, shop: Shop) -> None:
        """Another current_state is entered, and the customer mailed without being asked; the same one does nothing."""
        shop.send("PATCH", "orders", "<order><id>6</id><current_state>2</current_state></order>")
        assert shop.mails() == []
        answer = shop.send("PATCH", "orders", "<order><id>6</id><current_state>4</current_state></order>")
        assert (answer.status, shop.mails()) == (200, [("shipped", "6")])
        assert shop.all("order_histories?filter[id_order]=[6]", "id_order_state", "id_employee")[-1] == ("4", "0")
        assert shop.all("orders?filter[id]=[6]", "current_state", "delivery_number") == [("4", "1")]

    def test_patched_to_an_unknown_state(self, shop: Shop) -> None:
        """An unknown state is PHP's fatal error; 0 is ignored."""
        assert shop.send("PATCH", "orders", "<order><id>6</id><current_state>99</current_state></order>").status == 500
        assert shop.send("PATCH", "orders", "<order><id>6</id><current_state>0</current_state></order>").status == 200
        assert shop.text("orders/6", "current_state") == "2"

    def test_tracking_number(self, shop: Shop) -> None:
        """It is the parcel's, whichever of the two is written; the demo's carriers have no URL to mail."""
        shop.send("PATCH", "orders", "<order><id>6</id><shipping_number>T1</shipping_number></order>")
        assert shop.text("order_carriers/6", "tracking_number") == "T1"
        body = "<order_carrier><id>6</id><tracking_number>T2</tracking_number></order_carrier>"
        shop.send("PATCH", "order_carriers?sendemail=1", body)
        assert (shop.text("orders/6", "shipping_number"), shop.mails()) == ("T2", [])

    def test_unknown_writes(self, shop: Shop) -> None:
        """What wasn't measured is refused with 501: placing an order, writing payments, lines and customers."""
        for method, resource in (
            ("POST", "orders"),
            ("POST", "order_payments"),
            ("PATCH", "order_details"),
            ("PATCH", "order_histories"),
            ("PATCH", "customers"),
            ("POST", "cart_rules"),
        ):
            assert shop.send(method, resource, "<a><id>1</id></a>").status == 501

    def test_posted_slip_is_no_refund(self, shop: Shop) -> None:
        """A bare row: no lines, nothing counted as refunded."""
        totals = "".join(
            f"<total_{each}>1</total_{each}>"
            for each in ("products_tax_excl", "products_tax_incl", "shipping_tax_excl", "shipping_tax_incl")
        )
        ids = "<id_customer>2</id_customer><id_order>7</id_order><conversion_rate>1</conversion_rate>"
        answer = shop.send("POST", "order_slip", f"<order_slip>{ids}{totals}</order_slip>")
        assert (answer.status, b'virtualEntity="true"/>' in answer.body) == (201, True)
        assert shop.text("order_details/11", "product_quantity_refunded") == "0"

    def test_posted_state(self, shop: Shop) -> None:
        """A state needs a name only; its flags are then 0, and it can be entered."""
        name = "".join(f'<language id="{each}">Exportée vers LCV</language>' for each in (1, 2))
        answer = shop.send("POST", "order_states", f"<order_state><name>{name}</name></order_state>")
        assert answer.status == 201
        state = shop.one("order_states/14")
        assert [state.findtext(each) for each in ("logable", "paid", "invoice", "hidden", "deleted")] == ["0"] * 5
        assert state.findtext("name/language") == "Exportée vers LCV"
        assert shop.enter(6, 14).status == 201
        assert shop.all("orders?filter[id]=[6]", "current_state", "valid") == [("14", "0")]

    def test_state_flags(self, shop: Shop) -> None:
        """lcvsync's own state keeps an order valid and paid without a delivery or a mail."""
        name = '<name><language id="1">x</language><language id="2">x</language></name>'
        flags = "".join(f"<{each}>1</{each}>" for each in ("logable", "invoice", "paid", "hidden"))
        shop.send("POST", "order_states", f"<order_state>{flags}{name}</order_state>")
        shop.enter(6, 14, "?sendemail=1")
        assert shop.all("orders?filter[id]=[6]", "valid", "invoice_number", "delivery_number", "total_paid_real") == [
            ("1", "1", "0", "140.260000")
        ]
        assert shop.mails() == []
