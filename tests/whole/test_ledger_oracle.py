"""The oracle of sales itself: orders made by hand in an emulated shop, documents posted by hand to an emulated LCV.

lcvsync has no part in it. Every test that finds nothing wrong has one beside it in which something is, and is found.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator

from .ledger import Book, Json, Ledger, Terms

PAYMENTS = {"*": "CB", "Virement bancaire": "VIR", "ps_checkpayment": "CHQ", "Carte cadeau": "CADEAU"}
PAID, SHIPPED, CANCELLED, REFUNDED, WIRE = 2, 4, 6, 7, 10
FIRST = 16
"""The first order after the shop's recorded ones, which nobody exports."""
SHIRT, PULLOVER = {"id_product": 1, "id_product_attribute": 1}, {"id_product": 2, "id_product_attribute": 9}
MUG, BEAR = {"id_product": 6}, {"id_product": 7}
EVERYTHING = ["amount", "money", "rate", "service", "stock", "total", "units"]
SPOILT: list[tuple[int, int, str, str, str, dict[str, str], str]] = [
    (0, 1, "48.00", "20.00", "8.40", {"VIR": "56.40"}, "stock units"),
    (1, 2, "24.00", "20.00", "8.40", {"VIR": "56.40"}, "amount stock units"),
    (0, 2, "23.99", "20.00", "8.42", {"VIR": "56.40"}, "amount service"),
    (0, 2, "24.00", "10.00", "8.40", {"VIR": "56.40"}, "rate"),
    (0, 2, "24.00", "20.00", "8.40", {"CB": "56.40"}, "money"),
    (0, 2, "24.00", "20.00", "8.40", {"CB": "0.01", "VIR": "56.39"}, "money"),
    (0, 2, "24.00", "20.00", "8.41", {"VIR": "56.41"}, "money total"),
    (0, 2, "24.00", "20.00", "0", {"VIR": "48.00"}, "money rate service total"),
]


class Pair:
    """A shop with its demo products, three of them bound to pieces of an LCV: two at 20 %, the mug at 5.5 %."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        self.shop = PrestaShopEmulator(key="K" * 32, version="8.2.1", clock=lambda: self.time)
        catalogue = generate(1, 12, now=self.time)
        self.lcv = LcvEmulator(catalogue=catalogue, username="u", password="p", clock=lambda: self.time)
        self._numbers, self._key = count(1), ""
        self._bind()
        asked = {"username": "u", "password": "p", "client_name": "x", "client_version": "1", "shop_url": "https://s/"}
        self._key = self.ask("POST", "associations", asked)["access_key"]
        self.tell_lcv("services", ["PORT", "EMB"])
        self.tell_lcv("stock", [{"sku": sku, "store": "LYO", "quantity": 50} for sku in self.skus])

    def _bind(self) -> None:
        articles = sorted(self.dump()["articles"], key=lambda article: -len(article["variants"]))
        alone = next(article for article in articles if len(article["variants"]) == 1)
        self.skus = [article["variants"][0]["sku"] for article in (*articles[:2], alone)]
        for combination, sku in zip((1, 9), self.skus, strict=False):
            self.tell("edit", resource="combinations", id=combination, fields={"reference": sku})
        fields = {"reference": " ".join(alone["reference"].split()), "id_tax_rules_group": 3}
        self.tell("edit", resource="products", id=MUG["id_product"], fields=fields)

    def tell(self, action: str, **body: object) -> Any:
        """What a person does in the shop, a minute after the last thing."""
        self.time += timedelta(minutes=1)
        answer = self.shop.control(Request("POST", f"/_emulator/shop/{action}", [], {}, json.dumps(body).encode()))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def place(self, *lines: Json, **asked: object) -> tuple[int, list[int]]:
        """A paid order with shipping at 8.40; its id and the ids of its lines."""
        made = self.tell("order", **{"id_customer": 2, "id_address": 7, "state": PAID, "lines": lines, **asked})
        return made["id"], made["lines"]

    def enter(self, order: int, state: int) -> None:
        """Another state of an order."""
        self.tell("order/state", id=order, state=state)

    def ask(self, method: str, path: str, body: Json) -> Any:
        """A request of the contract."""
        headers = {"idempotency-key": body.get("document_id", ""), "authorization": f"Bearer {self._key}"}
        answer = self.lcv.handle(Request(method, f"/api/v1/{path}", [], headers, json.dumps(body).encode()))
        assert answer.status == 201, answer.body
        return json.loads(answer.body)

    def tell_lcv(self, action: str, body: object) -> None:
        """A control request."""
        answer = self.lcv.control(Request("POST", f"/_emulator/lcv/{action}", [], {}, json.dumps(body).encode()))
        assert answer.status == 200, answer.body

    def dump(self) -> Json:
        """Everything that LCV knows."""
        dump: Json = json.loads(self.lcv.control(Request("GET", "/_emulator/lcv/dump", [], {}, b"")).body)
        return dump

    def post(self, kind: str, order: int, *lines: Json, refers_to: str | None = None, **payments: str) -> str:
        """A document; its id."""
        head = {"document_id": f"D-{next(self._numbers)}", "kind": kind, "refers_to": refers_to, "order_id": str(order)}
        head |= {"order_reference": "X", "web_store": "WEB", "date": self.time.isoformat()}
        body = {
            **head,
            "lines": lines,
            "payments": [{"method": method, "amount": amount} for method, amount in payments.items()],
            "total_incl_tax": str(sum(map(Decimal, payments.values()), Decimal("0.00"))),
        }
        return str(self.ask("POST", "sales", body)["document_id"])

    @property
    def ledger(self) -> Ledger:
        """The oracle on both parties as they are now."""
        shop = json.loads(self.shop.control(Request("GET", "/_emulator/shop/dump", [], {}, b"")).body)
        return Ledger(shop, self.dump(), Terms(PAYMENTS, min_id=FIRST))

    def problems(self) -> list[str]:
        """What the oracle finds, without the numbers of orders."""
        return [problem.partition(": ")[2] for problem in self.ledger.problems()]

    def kinds(self) -> list[str]:
        """In what respects the oracle finds differences."""
        return sorted({"stock" if "LCV's stock" in each else each.split()[0] for each in self.problems()})


@pytest.fixture
def pair() -> Pair:
    """A shop and an LCV that know the same three pieces."""
    return Pair()


def at(price: str, line: Json, quantity: int = 1) -> Json:
    """A line of an order."""
    return {**line, "quantity": quantity, "unit_price_tax_incl": price}


def piece(sku: str | None, quantity: int, price: str, rate: str = "20.00", **members: object) -> Json:
    """A line of a document."""
    told = {"sku": sku, "quantity": quantity, "unit_price_incl_tax": price, "vat_rate": rate}
    return {"role": "article", "label": "x", **told, **members}


def port(quantity: int = 1, price: str = "8.40") -> Json:
    """Shipping in a document."""
    return piece("PORT", quantity, price, role="shipping")


def discount(quantity: int, price: str, rate: str = "20.00") -> Json:
    """A discount in a document."""
    return piece(None, quantity, price, rate, role="discount")


def shown(book: Book) -> dict[str, dict[str, str]]:
    """A book for reading, without what is 0 and without amounts by sku."""
    kinds = [kind for kind in ("units", "service", "rate", "money", "total") if book.of(kind)]
    return {kind: {key: f"{part.normalize():f}" for key, part in book.of(kind).items()} for kind in kinds}


def sold(pair: Pair, units: int) -> tuple[int, int, str]:
    """An exported order of so many shirts, its line, its document."""
    order, [line] = pair.place(at("24.00", SHIRT, units))
    shirts = piece(pair.skus[0], units, "24.00")
    return order, line, pair.post("sale", order, shirts, port(), VIR=f"{24 * units + 8}.40")


class TestSale:
    """An order that nobody changed."""

    def test_worth(self, pair: Pair) -> None:
        """Pieces, shipping and money, each under LCV's code, lack until LCV has them; then its stock gave the units."""
        order, _ = pair.place(at("24.00", SHIRT, 2), at("12.00", PULLOVER))
        assert shown(pair.ledger.worth(order)) == {
            "units": {pair.skus[0]: "2", pair.skus[1]: "1"},
            "service": {"shipping": "8.4"},
            "rate": {"20": "68.4"},
            "money": {"VIR": "68.4"},
            "total": {"": "68.4"},
        }
        assert pair.problems() == ["isn't in LCV"]
        pair.post("sale", order, piece(pair.skus[0], 2, "24.00"), piece(pair.skus[1], 1, "12.00"), port(), VIR="68.40")
        assert pair.problems() == []
        assert pair.ledger.stock_moved(order) == {pair.skus[0]: 2, pair.skus[1]: 1}

    def test_spoilt(self) -> None:
        """A document that LCV takes and that is wrong in some respect, with shipping and payments: they are named."""
        for place, quantity, price, rate, shipping, payments, found in SPOILT:
            pair = Pair()
            order, _ = pair.place(at("24.00", SHIRT, 2))
            pair.post("sale", order, piece(pair.skus[place], quantity, price, rate), port(1, shipping), **payments)
            assert " ".join(pair.kinds()) == found

    def test_twice(self, pair: Pair) -> None:
        """A second sale in force."""
        order, _ = pair.place(at("24.00", SHIRT))
        for _ in range(2):
            pair.post("sale", order, piece(pair.skus[0], 1, "24.00"), port(), VIR="32.40")
        assert pair.problems()[0] == "D-2 is there twice"

    def test_what_should_not_be(self, pair: Pair) -> None:
        """Documents of an order that isn't paid, of one before the first, of one that the shop doesn't know."""
        unpaid, _ = pair.place(at("24.00", SHIRT), state=WIRE)
        for order in (unpaid, 7, 99):
            pair.post("sale", order, piece(pair.skus[0], 1, "24.00"), port(), VIR="32.40")
        assert sorted(pair.ledger.problems()) == [
            "order 16: is in LCV and should not be",
            "order 7: is in LCV and should not be",
            "order 99: LCV has documents, the shop has no such order",
        ]

    def test_what_need_not_be(self, pair: Pair) -> None:
        """Unpaid, cancelled before anybody saw it, of an unknown product, given back whole."""
        pair.place(at("24.00", SHIRT), state=WIRE)
        cancelled, _ = pair.place(at("24.00", SHIRT))
        pair.enter(cancelled, CANCELLED)
        pair.place(at("24.00", BEAR))
        order, [line] = pair.place(at("24.00", SHIRT))
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}], shipping="8.40")
        assert pair.problems() == []


class TestDiscounts:
    """Vouchers in the basket, gift wrapping, several payments."""

    def test_two_rates(self, pair: Pair) -> None:
        """A discount is spread over the rates of the articles, in cents, and not over shipping or wrapping."""
        order, _ = pair.place(at("50.00", SHIRT), at("20.00", MUG), vouchers=[{"amount": 10}], wrapping=2.5)
        assert shown(pair.ledger.worth(order))["rate"] == {"20": "54.26", "5.5": "17.14"}
        goods = [piece(pair.skus[0], 1, "50.00"), piece(pair.skus[2], 1, "20.00", "5.50"), port()]
        goods.append(piece("EMB", 1, "3.00", role="wrapping"))
        whole = pair.post("sale", order, *goods, discount(1, "-10.00"), VIR="71.40")
        assert pair.problems() == ["rate 20: 51.4 in LCV, 54.26 in the shop", "rate 5.5: 20 in LCV, 17.14 in the shop"]
        pair.post("reversal", order, refers_to=whole)
        pair.post("sale", order, *goods, discount(1, "-7.14"), discount(1, "-2.86", "5.50"), VIR="71.40")
        assert pair.problems() == []

    def test_free_shipping(self, pair: Pair) -> None:
        """Is at the rate of shipping, whatever the articles' is."""
        order, _ = pair.place(at("20.00", MUG), vouchers=[{"free_shipping": True}])
        assert shown(pair.ledger.worth(order))["rate"] == {"5.5": "20"}

    def test_several_payments(self, pair: Pair) -> None:
        """The exact name of a payment, else the module, else `*`."""
        payments = [{"amount": 10, "method": "Carte cadeau"}, {"amount": "22.40", "method": "Chèque"}]
        order, _ = pair.place(at("24.00", SHIRT), payments=payments, module="ps_checkpayment")
        assert shown(pair.ledger.worth(order))["money"] == {"CADEAU": "10", "CHQ": "22.4"}


class TestGivenBack:
    """Credit slips and vouchers."""

    def test_slip(self, pair: Pair) -> None:
        """Takes off units, money and what the stock gave; a refund that lacks is found, and so is one too many."""
        order, line, sale = sold(pair, 3)
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1, "amount": "20.00"}], shipping="3.00")
        assert pair.kinds() == EVERYTHING
        back = piece(pair.skus[0], -1, "20.00"), port(-1, "3.00")
        pair.post("refund", order, *back, refers_to=sale, VIR="-23.00")
        assert (pair.problems(), pair.ledger.stock_moved(order)) == ([], {pair.skus[0]: 2})
        pair.post("refund", order, *back, refers_to=sale, VIR="-23.00")
        assert pair.problems()[0] == "D-3 is there twice"

    def test_not_put_back(self, pair: Pair) -> None:
        """Units refunded after delivery that the shop's stock didn't get back must not come back into LCV's."""
        order, line, sale = sold(pair, 3)
        pair.enter(order, SHIPPED)
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}])
        pair.post("refund", order, piece(pair.skus[0], -1, "24.00"), refers_to=sale, VIR="-24.00")
        assert pair.problems() == [f"{pair.skus[0]}: 2 units left LCV's stock, 3 to 3 the shop's"]

    def test_voucher(self, pair: Pair) -> None:
        """The goods come back and the money stays; money given back is found."""
        self.against_a_voucher(pair, slip=True)

    def test_voucher_without_slip(self, pair: Pair) -> None:
        """The same; what the voucher is worth beyond the units is shipping."""
        self.against_a_voucher(pair, slip=False)

    def against_a_voucher(self, pair: Pair, *, slip: bool) -> None:
        """A shirt and part of the shipping."""
        order, line, sale = sold(pair, 3)
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}], shipping=4, slip=slip, voucher=True)
        assert shown(pair.ledger.worth(order)) == {
            "units": {pair.skus[0]: "2"},
            "service": {"shipping": "4.4"},
            "rate": {"20": "80.4"},
            "money": {"VIR": "80.4"},
            "total": {"": "80.4"},
        }
        back = piece(pair.skus[0], -1, "24.00"), port(-1, "4.00")
        money = pair.post("refund", order, *back, refers_to=sale, VIR="-28.00")
        assert pair.kinds() == ["money", "rate", "total"]
        pair.post("reversal", order, refers_to=money)
        pair.post("refund", order, *back, discount(-1, "-28.00"), refers_to=sale)
        assert pair.problems() == []

    def test_largest_first(self, pair: Pair) -> None:
        """Money goes back from the payment that has most left, one refund after the other."""
        payments = [{"amount": "30.40", "method": "Carte cadeau"}, {"amount": 50, "method": "CB"}]
        order, [line] = pair.place(at("24.00", SHIRT, 3), payments=payments)
        for left in (("30.4", "26"), ("6.4", "26"), ("6.4", "2")):
            pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}])
            assert tuple(shown(pair.ledger.worth(order))["money"].values()) == left


class TestUnpaid:
    """Orders that leave the paid states, and come back."""

    def test_cancelled(self, pair: Pair) -> None:
        """Worth nothing: the sale in force is found, and its reversal settles it, in the stock as well."""
        order, _, sale = sold(pair, 2)
        pair.enter(order, CANCELLED)
        assert pair.kinds() == ["money", "rate", "stock", "total", "units"]
        pair.post("reversal", order, refers_to=sale)
        assert (pair.problems(), pair.ledger.stock_moved(order)) == ([], {})

    def test_refunded(self, pair: Pair) -> None:
        """The shop keeps the units, so LCV must: a refund without restocking settles it, a reversal doesn't."""
        order, _, sale = sold(pair, 2)
        pair.enter(order, REFUNDED)
        back = piece(pair.skus[0], -2, "24.00", restock=False), port(-1)
        refund = pair.post("refund", order, *back, refers_to=sale, VIR="-56.40")
        assert pair.problems() == []
        for document in (refund, sale):
            pair.post("reversal", order, refers_to=document)
        assert pair.problems() == [f"{pair.skus[0]}: 0 units left LCV's stock, 2 to 2 the shop's"]

    def test_voucher_before(self, pair: Pair) -> None:
        """A voucher given before the cancellation stays with the customer, and what it cost with the shop."""
        order, line, sale = sold(pair, 2)
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}], voucher=True)
        pair.post("refund", order, piece(pair.skus[0], -1, "24.00"), discount(-1, "-24.00"), refers_to=sale)
        assert pair.problems() == []
        pair.enter(order, CANCELLED)
        assert shown(pair.ledger.worth(order)) == {"rate": {"20": "24"}, "money": {"VIR": "24"}, "total": {"": "24"}}
        pair.post("refund", order, piece(pair.skus[0], -1, "24.00"), port(-1), refers_to=sale, VIR="-32.40")
        assert pair.problems() == []

    def test_slip_before(self, pair: Pair) -> None:
        """Money given back before is not given back again."""
        order, line, sale = sold(pair, 2)
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}])
        pair.enter(order, CANCELLED)
        pair.post("refund", order, piece(pair.skus[0], -1, "24.00"), refers_to=sale, VIR="-24.00")
        pair.post("refund", order, piece(pair.skus[0], -1, "24.00"), port(-1), refers_to=sale, VIR="-32.40")
        assert pair.problems() == []

    def test_revived(self, pair: Pair) -> None:
        """Worth its sale again, a new one: the reversed one doesn't count."""
        order, _, sale = sold(pair, 2)
        pair.enter(order, CANCELLED)
        pair.post("reversal", order, refers_to=sale)
        pair.enter(order, PAID)
        assert "total : 0 in LCV, 56.4 in the shop" in pair.problems()
        pair.post("sale", order, piece(pair.skus[0], 2, "24.00"), port(), VIR="56.40")
        assert (pair.problems(), pair.ledger.stock_moved(order)) == ([], {pair.skus[0]: 2})


class TestEdited:
    """What the back office changes after payment."""

    def test_quantity(self, pair: Pair) -> None:
        """What is owed to the customer is under the largest payment; an order like that isn't exported as a new one."""
        order, [line] = pair.place(at("24.00", SHIRT, 2))
        pair.tell("order/edit", id=order, line=line, quantity=1)
        assert pair.problems() == []  # waits: its payments aren't its total
        sale = pair.post("sale", order, piece(pair.skus[0], 2, "24.00"), port(), VIR="56.40")
        assert "money VIR: 56.4 in LCV, 32.4 in the shop" in pair.problems()
        pair.post("reversal", order, refers_to=sale)
        pair.post("sale", order, piece(pair.skus[0], 1, "24.00"), port(), VIR="32.40")
        assert pair.problems() == []

    def test_underpaid(self, pair: Pair) -> None:
        """What is still owed is under the largest payment, until it comes under another code."""
        payments = [{"amount": 10, "method": "Carte cadeau"}, {"amount": "22.40", "method": "CB"}]
        order, [line] = pair.place(at("24.00", SHIRT), payments=payments)
        pair.tell("order/edit", id=order, line=line, quantity=2)
        assert shown(pair.ledger.worth(order))["money"] == {"CADEAU": "10", "CB": "46.4"}
        pair.tell("order/pay", id=order, amount=24, method="Virement bancaire")
        assert shown(pair.ledger.worth(order))["money"] == {"CADEAU": "10", "CB": "22.4", "VIR": "24"}
        assert pair.problems() == ["isn't in LCV"]

    def test_refund_and_edit(self, pair: Pair) -> None:
        """What was given back is given back of the new sale."""
        order, [line] = pair.place(at("24.00", SHIRT, 3))
        pair.tell("order/refund", id=order, lines=[{"line": line, "quantity": 1}])
        pair.tell("order/edit", id=order, add=at("12.00", PULLOVER))
        worth = shown(pair.ledger.worth(order))
        assert (worth["units"], worth["total"]) == ({pair.skus[0]: "2", pair.skus[1]: "1"}, {"": "68.4"})


def test_what_is_left(pair: Pair) -> None:
    """LCV's stock less what the shop sold and LCV doesn't know of: until it is paid, exported, or cancelled."""
    sku = pair.skus[0]
    before = pair.ledger.left()[sku]
    order, _ = pair.place(at("24.00", SHIRT, 2), state=WIRE)
    other, _ = pair.place(at("24.00", SHIRT, 5))
    waiting = pair.ledger.left()[sku]
    pair.post("sale", other, piece(sku, 5, "24.00"), port(), VIR="128.40")
    exported = pair.ledger.left()[sku]
    pair.enter(order, CANCELLED)
    assert (waiting, exported, pair.ledger.left()[sku]) == (before - 7, before - 7, before - 5)
