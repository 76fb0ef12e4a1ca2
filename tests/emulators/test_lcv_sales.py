"""Sales and customers of the LCV emulator: over loopback, checked against the contract; its ledger, by properties."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "lcv-api.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STORES = ("LYO", "PAR", "DEP")
"""Those of the web store, in its order."""
CREDENTIALS = {
    "username": "u",
    "password": "p",
    "client_name": "lcvsync",
    "client_version": "1",
    "shop_url": "https://shop.example/",
}
CUSTOMER = {
    "email": "jeanne@mail.example",
    "title": "mrs",
    "first_name": "Jeanne",
    "last_name": "Noël",
    "company": None,
    "birthday": "1984-02-29",
    "newsletter": True,
    "partner_offers": False,
    "phone": None,
    "mobile": "+33 6 00 00 00 00",
    "addresses": [
        {"alias": "Maison", "line1": "1 rue X", "line2": None, "postcode": "", "city": "Lyon", "country": "FR"}
    ],
}


def new_emulator(articles: int = 2) -> LcvEmulator:
    return LcvEmulator(catalogue=generate(1, articles, now=NOW), username="u", password="p", clock=lambda: NOW)


def validate(schema: dict[str, Any], content: object) -> None:
    """Check *content* against a schema of the contract."""
    Draft202012Validator({**schema, "components": CONTRACT["components"]}).validate(content)


@dataclass
class Office:
    """An association with a back office on loopback. What it takes, and every answer, is held against the contract."""

    url: str
    shop_url: str = "https://shop.example/"
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=False))

    def __post_init__(self) -> None:
        answer = self.client.post(f"{self.url}/api/v1/associations", json=CREDENTIALS | {"shop_url": self.shop_url})
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_key']}"
        self.sku, self.other = self.skus()[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def ask(self, method: str, path: str, operation: str, **options: Any) -> httpx.Response:
        """Ask the API; *operation* is the path in the contract."""
        answer = self.client.request(method, f"{self.url}/api/v1{path}", **options)
        responses = CONTRACT["paths"][operation][method.lower()]["responses"]
        if answer.status_code in {400, 401}:
            validate({"$ref": "#/components/schemas/Error"}, answer.json())
        else:
            documented = responses[str(answer.status_code)]
            described = CONTRACT["components"]["responses"]["Error"] if "$ref" in documented else documented
            validate(described["content"]["application/json"]["schema"], answer.json())
        return answer

    def post(self, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """Send a document under its own id, or under *key*."""
        sent = {"Idempotency-Key": body["document_id"] if key is None else key, **headers}
        answer = self.ask("POST", "/sales", "/sales", content=json.dumps(body), headers=sent)
        if answer.status_code < 300:
            validate({"$ref": "#/components/schemas/Sale"}, body)
        return answer

    def sales(self, order: str = "O-1") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.ask("GET", f"/sales?order_id={order}", "/sales").json()["items"]
        return items

    def put(self, body: Any, customer: str = "7") -> httpx.Response:
        return self.ask("PUT", f"/customers/{customer}", "/customers/{external_id}", json=body)

    def control(self, method: str, action: str, body: object = None) -> Any:
        return self.client.request(method, f"{self.url}/_emulator/lcv/{action}", json=body).raise_for_status().json()

    def dump(self) -> Any:
        return self.control("GET", "dump")

    def skus(self) -> list[str]:
        return [variant["sku"] for article in self.dump()["articles"] for variant in article["variants"]]

    def stock(self, sku: str | None = None) -> list[int]:
        """What the web store's stores have of a variant, in their order."""
        rows = {row["store"]: row["quantity"] for row in self.dump()["stock"] if row["sku"] == (sku or self.sku)}
        return [rows.get(store, 0) for store in STORES]

    def set_stock(self, *quantities: int) -> None:
        levels = zip(STORES, quantities, strict=True)
        self.control("POST", "stock", [{"sku": self.sku, "store": s, "quantity": q} for s, q in levels])

    def line(self, quantity: int = 1, **members: Any) -> dict[str, Any]:
        """An article at 10.00."""
        line = {"role": "article", "sku": self.sku, "ean": None, "label": "Pull", "quantity": quantity}
        return line | {"unit_price_incl_tax": "10.00", "vat_rate": "20.00"} | members

    def sale(self, document_id: str = "A-1-1", quantity: int = 1, **members: Any) -> dict[str, Any]:
        """A sale that balances, unless *members* say otherwise."""
        lines = members.pop("lines", [self.line(quantity)])
        total = sum((line["quantity"] * Decimal(line["unit_price_incl_tax"]) for line in lines), Decimal(0))
        return {
            "document_id": document_id,
            "kind": "sale",
            "refers_to": None,
            "order_id": "O-1",
            "order_reference": "XKBKNABJK",
            "web_store": "WEB",
            "date": "2026-11-23T10:00:00+01:00",
            "customer": "7",
            "lines": lines,
            "payments": [{"method": "CB", "amount": str(total), "date": None}],
            "total_incl_tax": str(total),
        } | members

    def refund(
        self, document_id: str, refers_to: str | None = "A-1-1", quantity: int = -1, **members: Any
    ) -> dict[str, Any]:
        return self.sale(document_id, quantity, **{"kind": "refund", "refers_to": refers_to} | members)

    def reversal(self, document_id: str, refers_to: str | None = "A-1-1") -> dict[str, Any]:
        return self.sale(document_id, lines=[], payments=[], kind="reversal", refers_to=refers_to) | {
            "total_incl_tax": "0.00"
        }


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """A back office with two articles."""
    with EmulatorServer(new_emulator()) as running:
        yield running
        assert running.errors == []


@pytest.fixture
def office(server: EmulatorServer) -> Iterator[Office]:
    """A shop associated with it."""
    with Office(server.url) as made:
        yield made


@pytest.fixture(scope="module")
def refusing() -> Iterator[Office]:
    """A shop whose back office refuses all that the tests send, and so stays as it is."""
    with EmulatorServer(new_emulator()) as running, Office(running.url) as made:
        yield made
        assert (made.dump()["sales"], made.dump()["customers"], running.errors) == ([], [], [])


def refusal(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, code and the fields at fault."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], [detail["field"] for detail in error.get("details", [])]


def put_in(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of *body* with another value at *path* ("lines.0.sku"); a value of ... takes the member away."""
    changed = deepcopy(body)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = changed
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


class TestRecording:
    def test_a_sale_is_recorded_and_moves_stock_at_once(self, office: Office) -> None:
        """The receipt says who, what and up to which revision; the stock feed read up to there counts it."""
        office.set_stock(5, 5, 5)
        before = office.dump()["revisions"]["stock"]
        answer = office.post(office.sale(quantity=2))
        receipt = answer.json()

        assert answer.status_code == 201
        assert receipt == {
            "document_id": "A-1-1",
            "sale_number": "WEB-000001",
            "kind": "sale",
            "recorded_at": NOW.isoformat(),
            "stock_revision": office.dump()["revisions"]["stock"],
            "total_incl_tax": "20.00",
            "refers_to": None,
            "reversed_by": None,
        }
        assert receipt["stock_revision"] > before
        assert office.stock() == [3, 5, 5]

    def test_units_leave_the_stores_in_their_order(self, office: Office) -> None:
        """As many as each has; what none has leaves the first one."""
        office.set_stock(1, -2, 2)
        office.post(office.sale(lines=[office.line(2), office.line(3)]))

        assert office.stock() == [-2, -2, 0]

    def test_the_same_request_again_gives_the_first_answer(self, office: Office) -> None:
        """200, the very same receipt even after a reversal, and nothing moves."""
        office.set_stock(5, 5, 5)
        first = office.post(office.sale())
        office.post(office.reversal("A-1-2"))
        again = office.post(office.sale())

        assert (again.status_code, again.json()) == (200, first.json())
        assert office.stock() == [5, 5, 5]

    def test_the_same_key_with_another_body_conflicts(self, office: Office) -> None:
        """409, whatever the other body is; the first one stays."""
        office.post(office.sale())
        other = office.post(office.sale(quantity=2))
        answers = [other, office.post(office.sale("A-9-9"), key="A-1-1"), office.post(office.sale() | {"kind": "x"})]

        assert [refusal(answer)[:2] for answer in answers] == [(409, "idempotency_conflict")] * 3
        assert [receipt["total_incl_tax"] for receipt in office.sales()] == ["10.00"]

    def test_a_refused_document_may_come_again_corrected(self, office: Office) -> None:
        """Nothing of it was kept or moved."""
        office.set_stock(5, 5, 5)
        assert office.post(office.sale(web_store="X")).status_code == 422
        assert (office.sales(), office.stock()) == ([], [5, 5, 5])
        assert office.post(office.sale()).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 65])
    def test_a_key_is_required(self, office: Office, key: str) -> None:
        """A request without it, or with one too long, is malformed."""
        assert refusal(office.post(office.sale(), key=key)) == (400, "malformed", ["Idempotency-Key"])

    def test_the_key_is_the_document_s_id(self, office: Office) -> None:
        """Another one is refused."""
        assert refusal(office.post(office.sale(), key="A-1-2")) == (422, "invalid", ["document_id"])

    def test_an_association_sees_its_own_documents_alone(self, office: Office) -> None:
        """Another shop's ids, references and listing are its own."""
        office.post(office.sale())
        with Office(office.url, "https://other.example/") as other:
            assert other.sales() == []
            assert refusal(other.post(other.refund("A-1-2")))[1] == "unknown_document"
            assert other.post(other.sale(quantity=3)).status_code == 201
        assert len(office.sales()) == 1

    def test_an_ean_names_a_piece_and_a_sku_wins(self, office: Office) -> None:
        """A line needs one of them; with both the EAN isn't even looked at."""
        ean = office.dump()["articles"][0]["variants"][0]["ean"]
        before = office.stock(office.sku), office.stock(office.other)
        lines = [office.line(sku=None, ean=ean), office.line(sku=office.other, ean="0000")]
        assert office.post(office.sale(lines=lines)).status_code == 201
        after = office.stock(office.sku), office.stock(office.other)

        assert [sum(now) - sum(then) for now, then in zip(after, before, strict=True)] == [-1, -1]

    def test_services_move_nothing(self, office: Office) -> None:
        """Shipping, wrapping, a gift card and a discount are worth something, and aren't in any store."""
        office.control("POST", "services", ["CARTE-CADEAU", "PORT"])
        stock = office.dump()["stock"]
        lines = [
            office.line(role="shipping", sku="PORT", unit_price_incl_tax="4.90"),
            office.line(role="wrapping", sku="EMBALLAGE", unit_price_incl_tax="2.00"),
            office.line(sku="CARTE-CADEAU", vat_rate="0"),
            office.line(role="discount", unit_price_incl_tax="-5.00", vat_rate="5.5"),
            office.line(role="discount", sku=None, unit_price_incl_tax="-0.000001"),
        ]
        total = {"payments": [{"method": "CB", "amount": "11.90"}], "total_incl_tax": "11.9"}
        receipt = office.post(office.sale(lines=lines) | total)
        dump = office.dump()

        assert receipt.status_code == 201
        assert receipt.json()["stock_revision"] == dump["revisions"]["stock"]
        assert dump["stock"] == stock
        assert dump["services"] == ["PORT", "EMBALLAGE", "CARTE-CADEAU"]


class TestChanges:
    def test_a_refund_brings_units_back_unless_told_otherwise(self, office: Office) -> None:
        """To the first store."""
        office.set_stock(1, 1, 1)
        office.post(office.sale(quantity=3))
        office.post(office.refund("A-1-2", quantity=-2))
        office.post(office.refund("A-1-3", lines=[office.line(-1, restock=False)]))

        assert office.stock() == [2, 0, 0]

    def test_a_voucher_in_place_of_money(self, office: Office) -> None:
        """A negative discount in the refund, and no payment."""
        office.post(office.sale())
        lines = [office.line(-1), office.line(-1, role="discount", sku=None, unit_price_incl_tax="-10.00")]

        assert office.post(office.refund("A-1-2", lines=lines, payments=[])).status_code == 201

    @pytest.mark.parametrize("restock", [True, False])
    def test_a_reversal_undoes_what_its_document_moved(self, office: Office, restock: bool) -> None:
        """Store by store, of a refund as of a sale; each says by whom it was reversed."""
        office.set_stock(1, 2, 0)
        office.post(office.sale(quantity=4))
        sold = office.stock()
        office.post(office.refund("A-1-2", lines=[office.line(-2, restock=restock)]))
        office.post(office.reversal("A-1-3", "A-1-2"))
        assert office.stock() == sold
        office.post(office.reversal("A-1-4", "A-1-1"))

        assert office.stock() == [1, 2, 0]
        assert [(receipt["document_id"], receipt["kind"], receipt["reversed_by"]) for receipt in office.sales()] == [
            ("A-1-1", "sale", "A-1-4"),
            ("A-1-2", "refund", "A-1-3"),
            ("A-1-3", "reversal", None),
            ("A-1-4", "reversal", None),
        ]

    def test_a_sale_is_reversed_after_its_refunds(self, office: Office) -> None:
        """`has_refunds` while one of them stands."""
        office.post(office.sale())
        office.post(office.refund("A-1-2"))
        assert refusal(office.post(office.reversal("A-1-3")))[1] == "has_refunds"
        office.post(office.reversal("A-1-4", "A-1-2"))
        assert office.post(office.reversal("A-1-3")).status_code == 201

    def test_what_cannot_be_referred_to(self, office: Office) -> None:
        """Nothing unknown, nothing reversed, no reversal; a refund refers to a sale."""
        office.post(office.sale())
        office.post(office.sale("A-2-1"))
        office.post(office.refund("A-2-2", "A-2-1"))
        office.post(office.reversal("A-1-2"))
        refused = {
            "unknown_document": [office.refund("N", "A-0-0"), office.reversal("N", "N")],
            "invalid": [
                office.reversal("N", "A-1-1"),
                office.refund("N", "A-1-1"),
                office.reversal("N", "A-1-2"),
                office.refund("N", "A-1-2"),
                office.refund("N", "A-2-2"),
            ],
        }
        for code, documents in refused.items():
            for document in documents:
                assert refusal(office.post(document)) == (422, code, ["refers_to"])

    def test_documents_of_an_order_come_oldest_first(self, office: Office) -> None:
        """And those of other orders don't; without an order the query is malformed."""
        for name in ("B-1", "A-1"):
            office.post(office.sale(name))
        office.post(office.sale("C-1", order_id="O-2"))

        assert [receipt["document_id"] for receipt in office.sales()] == ["B-1", "A-1"]
        assert office.sales("O-3") == []
        for query in ("", "?order_id="):
            assert refusal(office.ask("GET", f"/sales{query}", "/sales")) == (400, "malformed", ["order_id"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "value", "code"),
        [
            ("web_store", "INTERNET", "unknown_web_store"),
            ("lines.0.sku", "never-seen", "unknown_sku"),
            ("lines.0.sku", "", "unknown_sku"),
            ("lines.0.vat_rate", "19.60", "unknown_vat_rate"),
            ("payments.0.method", "cb", "unknown_payment_method"),
        ],
    )
    def test_unknown_codes(self, refusing: Office, path: str, value: str, code: str) -> None:
        """Each has its own error, which names the member."""
        assert refusal(refusing.post(put_in(refusing.sale(), path, value))) == (422, code, [path])

    def test_unknown_references(self, office: Office) -> None:
        """An EAN that nobody or more than one piece has; shipping that is no service."""
        articles = office.dump()["articles"]
        shared = articles[0]["variants"][0]["ean"]
        articles[1]["variants"][0]["ean"] = shared
        office.control("POST", "articles", articles)
        for line, code in (
            (office.line(sku=None, ean="0000"), "unknown_ean"),
            (office.line(sku=None, ean=shared), "unknown_ean"),
            (office.line(sku=None, ean=articles[0]["variants"][1]["ean"], role="shipping"), "unknown_ean"),
            (office.line(role="wrapping"), "unknown_sku"),
            (office.line(sku="FRAIS", role="shipping"), "unknown_sku"),
        ):
            assert refusal(office.post(office.sale(lines=[line])))[1] == code

    def test_a_deleted_article_is_unknown(self, office: Office) -> None:
        """From the moment on when it is gone."""
        assert office.post(office.sale()).status_code == 201
        office.control("DELETE", f"articles/{office.dump()['articles'][0]['id']}")
        assert refusal(office.post(office.sale("A-1-2")))[1] == "unknown_sku"

    @pytest.mark.parametrize(
        ("prices", "paid", "total", "balanced"),
        [
            (["10.00"], ["10.00"], "10.00", True),
            (["3.333333"] * 3, ["10.00"], "10", True),
            (["0.005"], ["0.01"], "0.01", True),
            (["0.004999"], ["0.00"], "0.00", True),
            (["0.002", "0.003"], ["0.01"], "0.01", True),
            (["10.00"], ["4.00", "7.00", "-1.00"], "10.00", True),
            ([], [], "0.00", True),
            (["10.00"], ["10.00"], "10.01", False),
            (["10.00"], ["9.99"], "10.00", False),
            (["10.00"], [], "10.00", False),
            (["0.005"], ["0.005"], "0.005", False),
            (["10.00"], ["9.99"], "9.99", False),
        ],
    )
    def test_the_balance(self, office: Office, prices: list[str], paid: list[str], total: str, balanced: bool) -> None:
        """The sum of the lines, rounded once and half up, is that of the payments and the total."""
        lines = [office.line(unit_price_incl_tax=price) for price in prices]
        payments = [{"method": "CB", "amount": amount} for amount in paid]
        answer = office.post(office.sale(lines=lines, payments=payments, total_incl_tax=total))

        assert answer.status_code == (201 if balanced else 422), answer.json()
        assert balanced or refusal(answer)[1] == "unbalanced"

    def test_a_refund_rounds_as_its_sale(self, office: Office) -> None:
        """Half up away from zero, so that both cancel."""
        for sign, document in ((1, office.sale()), (-1, office.refund("A-1-2"))):
            line = office.line(sign, unit_price_incl_tax="10.005")
            payment = {"method": "CB", "amount": f"{sign * Decimal('10.01')}"}
            body = document | {"lines": [line], "payments": [payment], "total_incl_tax": payment["amount"]}
            assert office.post(body).status_code == 201

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("lines.0.quantity", -1),
            ("lines.0.quantity", 0),
            ("lines.0.quantity", 1.0),
            ("lines.0.quantity", True),
            ("lines.0.quantity", 2**31),
            ("lines.0.unit_price_incl_tax", "-10.00"),
            ("lines.0.unit_price_incl_tax", 10),
            ("lines.0.unit_price_incl_tax", "1e1"),
            ("lines.0.unit_price_incl_tax", "10.0000000"),
            ("lines.0.unit_price_incl_tax", "10."),
            ("lines.0.original_unit_price_incl_tax", "x"),
            ("lines.0.vat_rate", None),
            ("lines.0.label", None),
            ("lines.0.role", "service"),
            ("lines.0.role", ["article"]),
            ("lines.0.sku", None),
            ("lines.0.sku", 7),
            ("lines.0.restock", False),
            ("lines.0.restock", None),
            ("lines.0", 7),
            ("lines", None),
            ("payments", {}),
            ("payments.0.amount", "10,00"),
            ("payments.0.date", "2026-11-23"),
            ("refers_to", "A-0-1"),
            ("kind", "return"),
            ("date", "2026-11-23T10:00:00"),
            ("date", "2026-13-23T10:00:00Z"),
            ("order_id", 1),
            ("order_reference", "\ud800"),
            ("customer", 7),
            ("total_incl_tax", 10.0),
        ],
    )
    def test_malformed_sales(self, refusing: Office, path: str, value: object) -> None:
        """422 `invalid` with the member at fault."""
        answer = refusing.post(put_in(refusing.sale(), path, value), key="A-1-1")

        assert refusal(answer) == (422, "invalid", [path])

    @pytest.mark.parametrize("price", ["0.00", "5.00"])
    def test_a_discount_is_negative(self, refusing: Office, price: str) -> None:
        """Nothing and more than nothing is none."""
        line = refusing.line(role="discount", unit_price_incl_tax=price)

        assert refusal(refusing.post(refusing.sale(lines=[line])))[2] == ["lines.0.unit_price_incl_tax"]

    @pytest.mark.parametrize("path", CONTRACT["components"]["schemas"]["Sale"]["required"])
    def test_required_members(self, refusing: Office, path: str) -> None:
        """Every one of the contract's."""
        assert refusal(refusing.post(put_in(refusing.sale(), path, ...), key="A-1-1")) == (422, "invalid", [path])

    def test_problems_come_all_at_once(self, office: Office) -> None:
        """Of shape, then of sense; a body that is no object, or no JSON, says so."""
        shapeless = office.sale() | {"date": 1, "lines": [{}]}
        line = CONTRACT["components"]["schemas"]["Sale"]["properties"]["lines"]["items"]["required"]
        fields = refusal(office.post(shapeless))[2]
        assert set(fields) == {"date", *(f"lines.0.{name}" for name in line)}
        senseless = office.sale() | {"kind": "reversal", "total_incl_tax": "10.00"}
        fields = refusal(office.post(senseless))[2]
        assert fields == ["refers_to", "lines", "payments", "total_incl_tax", "lines.0.quantity"]
        for content in (b"[]", b"{"):
            answer = office.ask("POST", "/sales", "/sales", content=content, headers={"Idempotency-Key": "A"})
            assert refusal(answer) == (422, "invalid", ["body"])

    def test_a_refund_without_its_sale_is_invalid(self, office: Office) -> None:
        """Refunds and reversals refer to something, and a refund's quantities are negative."""
        office.post(office.sale())
        assert refusal(office.post(office.refund("N", refers_to=None)))[2] == ["refers_to"]
        assert refusal(office.post(office.reversal("N", refers_to=None)))[2] == ["refers_to"]
        assert refusal(office.post(office.refund("N", quantity=1)))[2] == ["lines.0.quantity"]


class TestCustomers:
    def test_create_and_replace(self, office: Office) -> None:
        """The code stays, what isn't given again is gone; another association's customer is another one."""
        first, second = office.put(CUSTOMER).json(), office.put(CUSTOMER, "8/ü").json()
        bare = {"email": "j@x.example", "first_name": "", "last_name": "N"}
        again = office.put(bare).json()
        with Office(office.url, "https://other.example/") as other:
            foreign = other.put(CUSTOMER).json()

        assert first == again == {"customer_code": "C000001"}
        assert [second["customer_code"], foreign["customer_code"]] == ["C000002", "C000003"]
        kept = {(each["association_id"], each["external_id"]): each["body"] for each in office.dump()["customers"]}
        assert kept == {
            ("ASSOC-000001", "7"): bare,
            ("ASSOC-000001", "8/ü"): CUSTOMER,
            ("ASSOC-000002", "7"): CUSTOMER,
        }

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("email", ...),
            ("email", None),
            ("email", "jeanne"),
            ("first_name", ...),
            ("last_name", 7),
            ("title", "ms"),
            ("title", 1),
            ("birthday", "1983-02-29"),
            ("birthday", "29/02/1984"),
            ("newsletter", None),
            ("partner_offers", 1),
            ("phone", 33),
            ("addresses", None),
            ("addresses.0", None),
            ("addresses.0.line1", ...),
            ("addresses.0.postcode", None),
            ("addresses.0.country", "France"),
            ("addresses.0.alias", 1),
        ],
    )
    def test_malformed_customers(self, refusing: Office, path: str, value: object) -> None:
        """422 `invalid` with the member at fault, and nothing is kept."""
        assert refusal(refusing.put(put_in(CUSTOMER, path, value))) == (422, "invalid", [path])

    def test_an_id_has_1_to_64_characters(self, office: Office) -> None:
        """As the contract says."""
        assert office.put(CUSTOMER, "x" * 64).status_code == 200
        assert refusal(office.put(CUSTOMER, "x" * 65))[2] == refusal(office.put(CUSTOMER, ""))[2] == ["external_id"]


class TestControl:
    def test_the_dump_has_all_documents(self, office: Office) -> None:
        """As sent, with the receipt of today and what moved."""
        office.set_stock(1, 1, 0)
        body = office.sale(quantity=2)
        office.post(body)
        office.post(office.reversal("A-1-2"))
        sale, reversal = office.dump()["sales"]

        assert sale["association_id"] == "ASSOC-000001"
        assert sale["body"] == body
        assert [sale["receipt"], reversal["receipt"]] == office.sales()
        taken = [{"sku": office.sku, "store": store, "quantity": -1} for store in STORES[:2]]
        assert sale["moves"] == taken
        assert reversal["moves"] == [move | {"quantity": 1} for move in taken]

    def test_a_lost_sale_never_was(self, office: Office) -> None:
        """Its stock is back, with new revisions, and what refers to it is lost with it; it may be sent again."""
        office.set_stock(5, 0, 0)
        office.post(office.sale(quantity=2))
        office.post(office.refund("A-1-2"))
        office.post(office.reversal("A-1-3", "A-1-2"))
        office.post(office.sale("A-1-4"))
        lost = office.control("POST", "lose-sale", {"document_id": "A-1-1"})

        assert lost["lost"] == ["A-1-1", "A-1-2", "A-1-3"]
        assert [receipt["document_id"] for receipt in office.sales()] == ["A-1-4"]
        assert office.stock() == [4, 0, 0]
        assert office.post(office.sale(quantity=2)).status_code == 201

    def test_a_lost_reversal_leaves_its_document_standing(self, office: Office) -> None:
        """It may be reversed anew."""
        office.set_stock(5, 0, 0)
        office.post(office.sale())
        office.post(office.reversal("A-1-2"))
        office.control("POST", "lose-sale", {"document_id": "A-1-2"})

        assert [receipt["reversed_by"] for receipt in office.sales()] == [None]
        assert office.stock() == [4, 0, 0]
        assert office.post(office.reversal("A-1-3")).status_code == 201

    @pytest.mark.parametrize(
        ("action", "body", "status"),
        [("lose-sale", {"document_id": "A"}, 404), ("lose-sale", {}, 422), ("services", "PORT", 422)],
    )
    def test_nonsense_is_refused(self, office: Office, action: str, body: object, status: int) -> None:
        """What isn't there can't be lost."""
        assert office.client.post(f"{office.url}/_emulator/lcv/{action}", json=body).status_code == status


LINES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.booleans()), min_size=1, max_size=3)
"""Which variant, how many, and whether a refund returns them."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sale", "sale", "refund", "refund", "reversal", "repeat", "lose"]), st.integers(0, 9), LINES
    ),
    max_size=25,
)
"""What is done, to which of the documents that are there, and with what."""


class Bench:
    """An emulator without sockets, and a ledger of our own: the documents that should be there, by id."""

    def __init__(self) -> None:
        self.emulator = new_emulator(1)
        [(_, article)] = self.emulator.catalogue.articles.records()
        self.skus = [variant.sku for variant in article.variants]
        self.start = self.quantities()
        self.expected: dict[str, dict[str, Any]] = {}
        self.sent = 0
        association = self.emulator.associations.associate(CREDENTIALS)
        self._headers = {"authorization": f"Bearer {association.access_key}"}

    def quantities(self) -> dict[str, int]:
        """Units of each variant over the web store's stores."""
        catalogue = self.emulator.catalogue
        return {sku: sum(catalogue.quantity(sku, store) for store in STORES) for sku in self.skus}

    def step(self, kind: str, number: int, lines: list[tuple[int, int, bool]]) -> None:
        """Do one thing, and check that it is taken or refused as the contract has it."""
        known = list(self.expected.values())
        target = known[number % len(known)] if known else None
        if kind == "lose":
            self._lose(target)
        elif kind == "repeat":
            assert target is None or self._post(target) == 200
        else:
            self.sent += 1
            body = self._body(
                kind, None if kind == "sale" else "D-0" if target is None else target["document_id"], lines
            )
            taken = self._is_fit(body, target)
            assert self._post(body) == (201 if taken else 422)
            if taken:
                self.expected[body["document_id"]] = body

    def reversed_ids(self) -> set[str]:
        """What our own ledger holds as undone."""
        return {body["refers_to"] for body in self.expected.values() if body["kind"] == "reversal"}

    def moved(self) -> Counter[str]:
        """What the documents that stand say should have moved."""
        undone, moved = self.reversed_ids(), Counter[str]()
        for name, body in self.expected.items():
            for line in [] if name in undone else body["lines"]:
                moved[line["sku"]] -= line["quantity"] if line.get("restock", True) else 0
        return moved

    def dump(self) -> Any:
        return json.loads(self.emulator.control(Request("GET", "/_emulator/lcv/dump", [], {}, b"")).body)

    def _is_fit(self, body: dict[str, Any], target: dict[str, Any] | None) -> bool:
        """Whether the contract lets a document refer to its target."""
        if body["kind"] == "sale":
            return True
        undone = self.reversed_ids()
        if target is None or target["document_id"] in undone:
            return False
        if body["kind"] == "refund":
            return bool(target["kind"] == "sale")
        refunds = {
            name
            for name, each in self.expected.items()
            if (each["kind"], each["refers_to"]) == ("refund", body["refers_to"])
        }
        return target["kind"] != "reversal" and refunds <= undone

    def _body(self, kind: str, refers_to: str | None, drawn: list[tuple[int, int, bool]]) -> dict[str, Any]:
        sign = 1 if kind == "sale" else -1
        lines: list[dict[str, Any]] = [
            {"role": "article", "sku": self.skus[place % len(self.skus)], "label": "x", "quantity": sign * units}
            | {"unit_price_incl_tax": "1.00", "vat_rate": "20.00"}
            | ({"restock": restock} if kind == "refund" else {})
            for place, units, restock in ([] if kind == "reversal" else drawn)
        ]
        total = f"{sum(line['quantity'] for line in lines)}.00"
        return {
            "document_id": f"D-{self.sent}",
            "kind": kind,
            "refers_to": refers_to,
            "order_id": "O",
            "order_reference": "R",
            "web_store": "WEB",
            "date": "2026-11-23T10:00:00Z",
            "lines": lines,
            "payments": [{"method": "CB", "amount": total}] if lines else [],
            "total_incl_tax": total,
        }

    def _post(self, body: dict[str, Any]) -> int:
        headers = {**self._headers, "idempotency-key": body["document_id"]}
        request = Request("POST", "/api/v1/sales", [], headers, json.dumps(body).encode())
        return self.emulator.handle(request).status

    def _lose(self, target: dict[str, Any] | None) -> None:
        """Lose a document and all that refers to it, there and in our own ledger."""
        name = target["document_id"] if target else "D-0"
        body = json.dumps({"document_id": name}).encode()
        answer = self.emulator.control(Request("POST", "/_emulator/lcv/lose-sale", [], {}, body))
        assert answer.status == (200 if target else 404)
        gone = {name}
        for each in self.expected.values():
            gone |= {each["document_id"]} if each["refers_to"] in gone else set()
        self.expected = {name: body for name, body in self.expected.items() if name not in gone}


class TestLedger:
    @given(STEPS)
    def test_stock_is_the_sum_of_the_documents_that_stand(self, steps: list[Any]) -> None:
        """After every step: the start and what the documents not reversed moved; the ledger is the one expected."""
        bench = Bench()
        for kind, number, lines in steps:
            bench.step(kind, number, lines)
            moved = bench.moved()
            assert bench.quantities() == {sku: bench.start[sku] + moved[sku] for sku in bench.skus}
        sales, undone = bench.dump()["sales"], bench.reversed_ids()

        assert [sale["body"] for sale in sales] == list(bench.expected.values())
        assert {sale["body"]["document_id"] for sale in sales if sale["receipt"]["reversed_by"]} == undone
