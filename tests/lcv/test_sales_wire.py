"""Sales and customers on the wire: bodies byte for byte, what answers mean, and how a document's fate is found out."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lcvsync.domain.sales import (
    Address,
    CustomerRecord,
    DocumentId,
    LineRole,
    Payment,
    Sale,
    SaleKind,
    SaleLine,
    Title,
    is_balanced,
    lines_total,
    payments_total,
)
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, LcvsyncError, NotAssociated, SaleRefused, Temporary, Uncertain
from lcvsync.lcv import protocol, sales
from lcvsync.lcv.association import Association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.transport import Answer

from .support import NOW, FakeClock, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "lcv-api.yaml").read_text(encoding="utf-8"))
PARIS = timezone(timedelta(hours=1))
KEY = "k" * 32
LINE = SaleLine(LineRole.ARTICLE, "M-38", "3760", "Pull été", 2, Decimal("44.95"), Decimal("59.9"), Decimal(20))
SALE = Sale(
    document_id=DocumentId("A-1042-1"),
    kind=SaleKind.SALE,
    refers_to=None,
    order_id="1042",
    order_reference="XKBKNABJK",
    web_store="WEB",
    date=datetime(2026, 11, 23, 0, 30, 0, 999, tzinfo=PARIS),
    customer="7",
    lines=(LINE,),
    payments=(Payment("CB", Decimal("89.900000"), datetime(2026, 11, 23, tzinfo=UTC)),),
    total_incl_tax=Decimal("89.9"),
)
CUSTOMER = CustomerRecord(
    "jeanne@mail.example",
    "Jeanne",
    "Noël",
    title=Title.MR,
    birthday=date(1984, 2, 29),
    addresses=(Address("1 rue X", "69002", "Lyon", "FR", phone="04"),),
)
RECEIPT = {
    "document_id": "A-1042-1",
    "sale_number": "V-1",
    "kind": "sale",
    "recorded_at": "2026-11-23T10:00:00+01:00",
    "stock_revision": 7,
    "total_incl_tax": "89.90",
    "refers_to": None,
    "reversed_by": None,
}


def validate(schema: str, content: object) -> None:
    """Check *content* against a schema of the contract, which also must know every member."""
    described = CONTRACT["components"]["schemas"][schema]
    Draft202012Validator({**described, "components": CONTRACT["components"]}).validate(content)
    assert isinstance(content, dict)
    assert set(content) <= set(described["properties"])
    for name in ("lines", "payments", "addresses"):
        for item in content.get(name, ()):
            assert set(item) <= set(described["properties"][name]["items"]["properties"])


class TestBodies:
    def test_a_sale_byte_for_byte(self) -> None:
        """What is in flight during an upgrade must not change, or LCV would answer 409: this text is for ever."""
        assert sales.sale_body(SALE) == (
            b'{"document_id":"A-1042-1","kind":"sale","refers_to":null,"order_id":"1042",'
            b'"order_reference":"XKBKNABJK","web_store":"WEB","date":"2026-11-23T00:30:00+01:00","customer":"7",'
            b'"lines":[{"role":"article","sku":"M-38","ean":"3760","label":"Pull \\u00e9t\\u00e9","quantity":2,'
            b'"unit_price_incl_tax":"44.95","original_unit_price_incl_tax":"59.90","vat_rate":"20.00"}],'
            b'"payments":[{"method":"CB","amount":"89.90","date":"2026-11-23T00:00:00+00:00"}],'
            b'"total_incl_tax":"89.90"}'
        )

    def test_a_customer_byte_for_byte(self) -> None:
        """Everything, since it replaces what LCV has."""
        assert sales.customer_body(CUSTOMER) == (
            b'{"email":"jeanne@mail.example","title":"mr","first_name":"Jeanne","last_name":"No\\u00ebl",'
            b'"company":null,"birthday":"1984-02-29","newsletter":false,"partner_offers":false,"phone":null,'
            b'"mobile":null,"addresses":[{"alias":null,"first_name":null,"last_name":null,"company":null,'
            b'"line1":"1 rue X","line2":null,"postcode":"69002","city":"Lyon","country":"FR","phone":"04"}]}'
        )
        validate("Customer", json.loads(sales.customer_body(CUSTOMER)))

    @pytest.mark.parametrize("restock", [True, False])
    def test_restock_is_for_refunds(self, restock: bool) -> None:
        """In a refund it is said, in a sale it isn't."""
        lines = (replace(LINE, restock=restock),)
        refund = replace(SALE, kind=SaleKind.REFUND, refers_to=DocumentId("A-1042-0"), lines=lines)

        assert json.loads(sales.sale_body(refund))["lines"][0]["restock"] is restock
        assert "restock" not in json.loads(sales.sale_body(replace(SALE, lines=lines)))["lines"][0]

    @given(st.data())
    def test_every_document_is_the_contract_s(self, data: st.DataObject) -> None:
        """Whatever the values, the body has its schema, and its amounts are exactly those of the document."""
        sale = data.draw(documents())
        body = json.loads(sales.sale_body(sale))
        validate("Sale", body)

        assert [Decimal(line["unit_price_incl_tax"]) for line in body["lines"]] == [
            line.unit_price_incl_tax for line in sale.lines
        ]
        assert Decimal(body["total_incl_tax"]) == sale.total_incl_tax
        assert sales.sale_body(sale) == sales.sale_body(replace(sale))

    @pytest.mark.parametrize(
        ("amount", "text"),
        [("0", "0.00"), ("-0.000", "0.00"), ("-5", "-5.00"), ("1E+3", "1000.00"), ("0.1234560", "0.123456")],
    )
    def test_amounts_have_one_spelling(self, amount: str, text: str) -> None:
        """However the Decimal was made, so that the body of a document stays the same."""
        assert json.loads(sales.sale_body(replace(SALE, total_incl_tax=Decimal(amount))))["total_incl_tax"] == text

    @pytest.mark.parametrize("amount", ["0.1234567", "10000000000", "NaN", "Infinity", "-1E+30"])
    def test_amounts_that_the_contract_can_t_hold(self, amount: str) -> None:
        """They are refused rather than rounded: the document might not balance any more."""
        with pytest.raises(ValueError, match="six decimals"):
            sales.sale_body(replace(SALE, total_incl_tax=Decimal(amount)))


AMOUNTS = st.decimals(-99999, 99999, places=6) | st.decimals(-99999, 99999, places=2)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, PARIS]))  # noqa: DTZ001
NAMES = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def documents(draw: st.DrawFn) -> Sale:
    """Documents with any values that have the right types, balanced or not."""
    lines = st.builds(
        SaleLine,
        role=st.sampled_from(LineRole),
        sku=NAMES,
        ean=NAMES,
        label=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        quantity=st.integers(-99, 99),
        unit_price_incl_tax=AMOUNTS,
        original_unit_price_incl_tax=st.none() | AMOUNTS,
        vat_rate=st.sampled_from([Decimal("20.00"), Decimal("5.5"), Decimal(0)]),
        restock=st.booleans(),
    )
    payments = st.builds(Payment, st.sampled_from(["CB", "VIR"]), AMOUNTS, st.none() | TIMES)
    return replace(
        SALE,
        kind=draw(st.sampled_from(SaleKind)),
        refers_to=draw(st.none() | st.just(DocumentId("A-1042-0"))),
        date=draw(TIMES),
        customer=draw(NAMES),
        lines=tuple(draw(st.lists(lines, max_size=3))),
        payments=tuple(draw(st.lists(payments, max_size=2))),
        total_incl_tax=draw(AMOUNTS),
    )


class TestBalance:
    @given(
        st.lists(st.tuples(st.integers(1, 9), st.decimals(0, 99, places=6) | st.decimals(0, 9, places=3)), max_size=4),
        st.decimals("-0.02", "0.02", places=3) | st.just(Decimal(0)),
        st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("0.005")]),
        st.booleans(),
    )
    def test_it_is_lcv_s(
        self, lines: list[tuple[int, Decimal]], unpaid: Decimal, beyond: Decimal, refund: bool
    ) -> None:
        """The domain says that a document balances exactly where LCV records it, which reckons by itself."""
        judge, sign = the_judge(), -1 if refund else 1
        line = replace(LINE, ean=None, sku=judge.sku)
        priced = tuple(replace(line, quantity=sign * count, unit_price_incl_tax=price) for count, price in lines)
        first = replace(SALE, lines=priced, payments=(), kind=SaleKind.REFUND if refund else SaleKind.SALE)
        worth = lines_total(first) - unpaid
        sale = replace(
            first,
            document_id=judge.next_id(),
            refers_to=judge.sold if refund else None,
            payments=(Payment("CB", worth), Payment("VIR", Decimal(0))),
            total_incl_tax=worth + beyond,
        )
        status, code = judge.post(sale)

        assert (status, code) == ((201, "") if is_balanced(sale) else (422, "unbalanced"))
        assert lines_total(sale) - payments_total(sale) == unpaid
        assert is_balanced(sale) == (unpaid == 0 == beyond)

    def test_half_a_cent_goes_away_from_zero(self) -> None:
        """The sum is rounded, not each line; a refund is minus its sale."""
        half = replace(LINE, quantity=1, unit_price_incl_tax=Decimal("0.0025"))
        sale = replace(SALE, lines=(half, half), payments=())
        back = tuple(replace(line, quantity=-1) for line in sale.lines)

        assert lines_total(sale) == Decimal("0.01")
        assert lines_total(replace(sale, lines=back)) == Decimal("-0.01")
        assert lines_total(replace(sale, lines=())) == 0

    def test_times_need_an_offset(self) -> None:
        """A naive one is a mistake of ours, found where it is made."""
        with pytest.raises(ValueError, match="offset"):
            replace(SALE, date=datetime(2026, 11, 23))  # noqa: DTZ001
        with pytest.raises(ValueError, match="offset"):
            Payment("CB", Decimal(1), datetime(2026, 11, 23))  # noqa: DTZ001

    def test_people_have_no_repr(self) -> None:
        """Neither a log line nor a traceback shows them."""
        assert not any(word in f"{CUSTOMER!r}{CUSTOMER.addresses!r}" for word in ("eanne", "rue"))


class Judge:
    """An emulator without sockets that judges documents; one sale is there to be referred to."""

    def __init__(self) -> None:
        self._emulator = LcvEmulator(catalogue=generate(1, 1, now=NOW), username="u", password="p", clock=lambda: NOW)
        body = {"username": "u", "password": "p", "client_name": "c", "client_version": "1", "shop_url": "https://s.x"}
        self._headers = {"authorization": f"Bearer {self._emulator.associations.associate(body).access_key}"}
        [(_, article)] = self._emulator.catalogue.articles.records()
        self.sku = article.variants[0].sku
        self._sent = 0
        self.sold = self.next_id()
        assert self.post(replace(SALE, document_id=self.sold, lines=(replace(LINE, sku=self.sku),))) == (201, "")

    def next_id(self) -> DocumentId:
        self._sent += 1
        return DocumentId(f"A-{self._sent}")

    def post(self, sale: Sale) -> tuple[int, str]:
        """Status and error code."""
        request = protocol.sale(sale.document_id, sales.sale_body(sale))
        headers = {**self._headers, **{name.lower(): value for name, value in request.headers.items()}}
        response = self._emulator.handle(Request("POST", request.path, [], headers, request.body))
        return response.status, json.loads(response.body).get("error", {}).get("code", "")


@cache
def the_judge() -> Judge:
    """One for all examples."""
    return Judge()


class TestRequests:
    def test_all_of_them_are_safe(self) -> None:
        """The contract says so; the header carries the id."""
        request = protocol.sale(SALE.document_id, b"{}")

        assert (request.safe, request.headers["Idempotency-Key"]) == (True, "A-1042-1")
        assert protocol.sales_of("1042").safe
        assert protocol.customer("7", b"{}").safe

    @pytest.mark.parametrize("name", ["", "x" * 65, "A 1", "A\r\nX: 1", "É-1"])
    def test_ids_that_no_header_carries(self, name: str) -> None:
        """They never leave."""
        with pytest.raises(ValueError, match="no id of a document"):
            protocol.sale(name, b"{}")

    @pytest.mark.parametrize("name", ["", ".", "..", "x" * 65])
    def test_ids_that_no_path_carries(self, name: str) -> None:
        """They never leave either."""
        with pytest.raises(ValueError, match="no id of a customer"):
            protocol.customer(name, b"{}")

    def test_other_ids_are_encoded(self) -> None:
        """A slash doesn't make another path."""
        assert protocol.customer("8/é?", b"").path == "/api/v1/customers/8%2F%C3%A9%3F"


@pytest.fixture
def answering(stack: ExitStack, clock: FakeClock) -> Callable[..., tuple[HttpBackOffice, Scripted]]:
    """Makes a back office that gives these answers, and shows what it received."""

    def make(*responses: Response) -> tuple[HttpBackOffice, Scripted]:
        emulator = Scripted(*responses)
        server = stack.enter_context(EmulatorServer(emulator))
        association = Association("A", KEY, server.url, "Martin")
        return stack.enter_context(HttpBackOffice.of(association, clock)), emulator

    return make


def said(data: object, status: int = 200, **headers: str) -> Response:
    return Response(status, json.dumps(data).encode(), {"Content-Type": "application/json", **headers})


def error(status: int, code: str, message: str = "words", **more: object) -> Response:
    return said({"error": {"code": code, "message": message, **more}}, status)


PAGE = Response(200, b"<!DOCTYPE html><p>Log in", {"Content-Type": "text/html"})


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201])
    def test_a_receipt(self, answering: Any, status: int) -> None:
        """New or not, it is the domain's value; unknown members don't matter. The request is the contract's."""
        made, emulator = answering(said({**RECEIPT, "more": 1}, status))
        receipt = made.record_sale(SALE)
        [sent] = emulator.received

        assert (receipt.document_id, receipt.stock_revision) == ("A-1042-1", 7)
        assert receipt.recorded_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
        assert (sent.method, sent.path, sent.body) == ("POST", "/api/v1/sales", sales.sale_body(SALE))
        assert (sent.headers["idempotency-key"], sent.headers["content-type"]) == ("A-1042-1", "application/json")

    @pytest.mark.parametrize(
        "bad",
        [
            said({**RECEIPT, "document_id": "A-1042-2"}),
            said({**RECEIPT, "stock_revision": "7"}),
            said({**RECEIPT, "kind": "return"}),
            said({key: value for key, value in RECEIPT.items() if key != "reversed_by"}),
            said([]),
            PAGE,
            Response(201),
            Response(204),
            error(500, "internal"),
            error(502, "x"),
            Response(504, b"<html>"),
        ],
    )
    def test_answers_that_leave_it_open(self, answering: Any, clock: FakeClock, bad: Response) -> None:
        """Uncertain, after three tries of the same bytes; when one is clear, that one counts."""
        made, emulator = answering(bad)
        with pytest.raises(Uncertain, match="may have been recorded") as caught:
            made.record_sale(SALE)
        assert str(caught.value).startswith(f"POST {made._transport.base_url}/api/v1/sales: ")
        assert {(sent.headers["idempotency-key"], sent.body) for sent in emulator.received} == {
            ("A-1042-1", sales.sale_body(SALE))
        }
        assert (len(emulator.received), len(clock.slept)) == (3, 2)

        made, _ = answering(bad, said(RECEIPT))
        assert made.record_sale(SALE).sale_number == "V-1"

    @pytest.mark.parametrize(
        ("response", "expected", "tries"),
        [
            (error(400, "malformed"), SaleRefused, 1),
            (error(409, "idempotency_conflict"), SaleRefused, 1),
            (error(422, "unknown_sku"), SaleRefused, 1),
            (error(422, "a code of tomorrow"), SaleRefused, 1),
            (Response(422, b"<html>", {"Content-Type": "text/html"}), BadAnswer, 1),
            (said({}, 409), BadAnswer, 1),
            (error(404, "not_found"), BadAnswer, 1),
            (said({}, 302, Location="https://login.example/"), BadAnswer, 1),
            (error(401, "expired_key"), NotAssociated, 1),
            (error(429, "slow_down"), Temporary, 3),
            (error(503, "closed"), Temporary, 3),
        ],
    )
    def test_clear_answers(self, answering: Any, response: Response, expected: type[LcvsyncError], tries: int) -> None:
        """Nothing has been recorded; only LCV itself refuses a document, no proxy does."""
        made, emulator = answering(response)
        with pytest.raises(expected) as caught:
            made.record_sale(SALE)

        assert type(caught.value) is expected
        assert len(emulator.received) == tries

    def test_a_refusal_in_lcv_s_words(self, answering: Any) -> None:
        """In one line: what was refused, the code, the members at fault."""
        details = [{"field": "lines.0.sku", "message": "is not known"}]
        made, _ = answering(error(422, "unknown_sku", "There is no\n sku M-38.", details=details))
        with pytest.raises(SaleRefused) as caught:
            made.record_sale(SALE)

        words = "LCV refuses document A-1042-1 (unknown_sku: There is no sku M-38.; lines.0.sku: is not known)"
        assert str(caught.value).endswith(words)
        assert caught.value.code == "unknown_sku"

    @pytest.mark.parametrize("last", [error(503, "closed"), error(404, "x"), error(429, "slow_down")])
    def test_a_doubt_outlives_the_try_that_raised_it(self, answering: Any, last: Response) -> None:
        """A later answer about itself says nothing about an earlier one."""
        made, _ = answering(error(500, "internal"), last)
        with pytest.raises(Uncertain):
            made.record_sale(SALE)

    def test_a_refused_connection_after_a_lost_answer(self, stack: ExitStack) -> None:
        """The server that died may have recorded it; one that was never reached has not."""
        server = EmulatorServer(Scripted(said(RECEIPT)))
        running = stack.enter_context(ExitStack())
        running.enter_context(server)
        clock = Closing(running)
        server.faults = [Fault(FaultKind.LOST)]
        made = stack.enter_context(HttpBackOffice.of(Association("A", KEY, server.url, "Martin"), clock))
        with pytest.raises(Uncertain):
            made.record_sale(SALE)
        with pytest.raises(Temporary):
            made.record_sale(SALE)

    def test_documents_of_an_order(self, answering: Any) -> None:
        """Asked for by the order's id, encoded; all of them or none."""
        made, emulator = answering(said({"items": [RECEIPT, {**RECEIPT, "reversed_by": "A-2"}]}), said({"items": [7]}))
        found = made.sales_of("10&42")

        assert [receipt.reversed_by for receipt in found] == [None, "A-2"]
        assert emulator.received[0].query == [("order_id", "10&42")]
        with pytest.raises(BadAnswer, match="the documents of order 1042"):
            made.sales_of("1042")


class Closing(FakeClock):
    """A clock whose first pause closes what is open."""

    def __init__(self, opened: ExitStack) -> None:
        super().__init__()
        self._opened = opened

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._opened.close()


class TestCustomers:
    @pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422, 429, 500, 503])
    @pytest.mark.parametrize("code", ["invalid", "Jeanne Noël"])
    def test_what_lcv_says_of_a_person_is_never_told(self, answering: Any, status: int, code: str) -> None:
        """Neither its message nor its code nor the members that it names, unless they look like code and member."""
        details = [{"field": "Jeanne Noël", "message": "Noël"}, {"field": "addresses.0.city", "message": "Jeanne"}]
        made, _ = answering(error(status, code, "Jeanne Noël lives in 1 rue X", details=details))
        with pytest.raises(LcvsyncError) as caught:
            made.put_customer("7", CUSTOMER)
        told = f"{caught.value} {caught.value.cure}"

        assert not any(word in told for word in ("Jeanne", "Noël", "rue", "mail.example"))
        assert "customers/7" in told
        if status == 422 and code == "invalid":
            assert isinstance(caught.value, SaleRefused)
            assert "customer 7" in told
            assert "addresses.0.city" in told

    @pytest.mark.parametrize("bad", [PAGE, said({}), said({"customer_code": "C", "error": 1}, 202), Response(204)])
    def test_no_code_is_a_bad_answer(self, answering: Any, bad: Response) -> None:
        """A page, a missing member, a status that the contract lacks."""
        made, _ = answering(bad)
        with pytest.raises(BadAnswer, match="expected a customer code"):
            made.put_customer("7", CUSTOMER)

    def test_the_request(self, answering: Any) -> None:
        """PUT with everything; the answer is LCV's code."""
        made, emulator = answering(said({"customer_code": "C-7"}))

        assert made.put_customer("8/é", CUSTOMER) == "C-7"
        assert (emulator.received[0].method, emulator.received[0].path) == ("PUT", "/api/v1/customers/8/é")
        assert emulator.received[0].body == sales.customer_body(CUSTOMER)

    def test_a_success_is_left_as_it_is(self) -> None:
        """Only errors lose their words."""
        answer = Answer(200, {}, b"x", "PUT http://lcv/x")
        assert protocol.discreet(answer) is answer
