"""Orders, refunds and cancellations reach LCV, once, and at little cost."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from lcvsync.bootstrap import store_of
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.planning.changes import Skipped
from lcvsync.runner.adoption import ADOPTED

from .harness import World
from .ledger import Ledger, Terms
from .till import CANCELLED, PAID, REFUNDED, SHIPPED, WIRE, Till


@pytest.fixture
def till(synced: World) -> Till:
    """An adopted shop."""
    return Till(synced)


def problems(till: Till) -> list[str]:
    """What the oracle finds wrong."""
    terms = Terms(payments={"*": "CB"})
    return Ledger(till.world.shop_dump(), till.world.dump(), terms).problems()


class TestSale:
    """The first export of an order."""

    def test_everything_that_an_order_has(self, till: Till) -> None:
        """Articles at the price paid, shipping, wrapping and vouchers, to the cent, and the customer before."""
        order = till.order(
            till.piece(0, 2), till.piece(1), wrapping=2.5, vouchers=[{"percent": 10, "code": "DIX", "name": "Dix"}]
        )

        report = till.sync()

        (sale,) = till.documents(order)
        assert [line["role"] for line in sale["lines"]] == ["article", "article", "shipping", "wrapping", "discount"]
        assert [line["sku"] for line in sale["lines"]] == [till.sku(0), till.sku(1), "PORT", "EMB", None]
        total = sum(line["quantity"] * Decimal(line["unit_price_incl_tax"]) for line in sale["lines"])
        assert total == Decimal(sale["total_incl_tax"]) == sum(Decimal(p["amount"]) for p in sale["payments"])
        assert sale["customer"] in till.customers()
        assert report.changes["sale"] == {"create": 1}
        assert problems(till) == []

    def test_three_for_ten(self, till: Till) -> None:
        """Prices of six decimals arrive as they were paid; the sum is that of the order."""
        order = till.order(till.piece(0, 3, unit_price_tax_incl="3.333333"), carrier=1)

        till.sync()

        (sale,) = till.documents(order)
        assert (sale["lines"][0]["unit_price_incl_tax"], sale["total_incl_tax"]) == ("3.333333", "10.00")

    def test_idle_costs_four_requests(self, till: Till) -> None:
        """The run after an export, and every one after it, asks LCV once and the shop four times."""
        till.order()
        till.sync(minutes=30)  # promotions end meanwhile
        till.sync()

        for _ in range(3):
            report = till.sync(minutes=5)
            assert (report.requests, report.changes) == ({"lcv": 1, "prestashop": 4}, {})

    def test_split_order(self, till: Till) -> None:
        """One basket that became two orders under one payment: each has its share."""
        made = till.order(parcels=[[till.piece(0)], [till.piece(1, 2)]], lines=[])

        till.sync()

        for order in made["ids"]:
            (sale,) = till.documents({"id": order})
            assert [payment["amount"] for payment in sale["payments"]] == [sale["total_incl_tax"]]
        assert problems(till) == []

    def test_several_payments(self, till: Till) -> None:
        """Each under its own code: the exact method first, then the module, then the wildcard."""
        till.world.map("payment", "Carte cadeau", ["CADEAU"])
        till.world.map("payment", "stripe", ["3XCB"])
        order = till.order(
            till.piece(0, unit_price_tax_incl="50"),
            carrier=1,
            module="stripe",
            payment="Stripe",
            payments=[{"amount": "20", "method": "Carte cadeau"}, {"amount": "30", "method": "Carte"}],
        )

        till.sync()

        (sale,) = till.documents(order)
        assert [(p["method"], p["amount"]) for p in sale["payments"]] == [("CADEAU", "20.00"), ("3XCB", "30.00")]


class TestWaiting:
    """An order that can't be exported waits, with its reason and the cure."""

    @pytest.mark.parametrize(
        ("asked", "reason"),
        [
            ({"state": WIRE}, "state_not_paid"),
            ({"currency": {"iso_code": "GBP", "conversion_rate": "0.9"}}, "currency"),
            ({}, "unbalanced"),
            ({"date": "2026-05-01 10:00:00"}, "too_old"),
            ({"lines": [{"id_product": 0}]}, "line_unknown"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_reasons(self, till: Till, asked: dict[str, Any], reason: str) -> None:
        """Nothing is sent; `orders list` says why, and what to do."""
        if reason == "line_unknown":
            foreign = till.world.tell_shop(
                "create", resource="products", fields={"name": "Bougie", "price": "10", "active": "1"}
            )
            asked = {"lines": [{"id_product": foreign["id"], "oversell": True}]}
        order = till.order(**asked)
        if reason == "unbalanced":
            till.world.tell_shop("order/pay", id=order["id"], amount="5")

        till.sync()

        shown = till.shown(order)
        assert (shown["status"], shown["reason"]) == ("waiting", reason)
        assert str(order["id"]) in shown["cure"] or "lcvsync" in shown["cure"] or "orders." in shown["cure"]
        assert till.documents(order) == []

    def test_mapping_cures(self, till: Till) -> None:
        """A payment method without a code waits; the next ordinary run after `map set` exports the order."""
        till.world.map("payment", "*", None)
        order = till.order()
        till.sync()
        assert till.shown(order)["reason"] == "payment_unmapped"

        till.world.map("payment", "ps_wirepayment", ["VIR"])
        till.sync()

        assert [p["method"] for p in till.documents(order)[0]["payments"]] == ["VIR"]
        assert till.shown(order)["status"] == "exported"

    def test_ignored_payment(self, till: Till) -> None:
        """`ignore`: never exported, and shown; every run tells it, its record keeps it once: it may wait for months."""
        till.world.map("payment", "*", ["ignore"])
        order = till.order()

        first, second = till.sync(), till.sync()

        assert (first.exit_code, second.exit_code) == (0, 0)
        shown = till.shown(order)
        waits = Skipped("order", str(order["id"]), "payment_ignored", shown["detail"], shown["cure"])
        assert waits in first.skipped
        assert waits in second.skipped
        assert asdict(waits) in first.summary()["skipped"]
        assert asdict(waits) not in second.summary()["skipped"]
        assert second.summary()["skipped_before"] == 1
        assert till.shown(order)["reason"] == "payment_ignored"
        assert till.documents(order) == []

    def test_missing_reference_of_shipping(self, till: Till) -> None:
        """The option is named; once it is set, the order goes."""
        till.world.settings["orders"] = {**till.world.settings["orders"], "shipping_reference": ""}
        order = till.order()
        till.sync()
        assert till.shown(order)["reason"] == "shipping_reference_missing"
        assert "orders.shipping_reference" in till.shown(order)["cure"]

        till.world.settings["orders"] = {**till.world.settings["orders"], "shipping_reference": "PORT"}
        till.sync()
        assert till.kinds(order) == ["sale"]

    def test_paid_later(self, till: Till) -> None:
        """An order that is paid later goes when it is."""
        order = till.order(state=WIRE)
        till.sync()
        till.state(order, PAID)
        till.sync()

        assert till.kinds(order) == ["sale"]

    def test_export_order_sends_the_difference(self, till: Till) -> None:
        """By hand, an order whose payments aren't its total is sent with the difference as a payment."""
        order = till.order(till.piece(0, unit_price_tax_incl="50"), carrier=1)
        till.world.tell_shop("order/pay", id=order["id"], amount="20")
        till.sync()

        assert till.export_order(order).exit_code == 0

        (sale,) = till.documents(order)
        assert [payment["amount"] for payment in sale["payments"]] == ["50.00", "20.00", "-20.00"]
        assert till.shown(order)["reason"] == "overpaid"

    @pytest.mark.parametrize("state", [WIRE, CANCELLED])
    def test_export_order_refuses(self, till: Till, state: int) -> None:
        """Not what isn't paid, nor what was cancelled."""
        order = till.order(state=WIRE)
        if state != WIRE:
            till.state(order, state)

        report = till.export_order(order)

        assert report.exit_code == 3
        assert till.documents(order) == []

    def test_without_minimum(self, till: Till) -> None:
        """`orders.min_id` unset: nothing goes by itself, which is said once; `export-order` sends one order."""
        till.world.settings["orders"] = {"shipping_reference": "PORT"}
        order = till.order()

        notes = [till.sync().hints, till.sync().hints]

        assert [any("orders.min_id" in note for note in each) for each in notes] == [True, False]
        assert till.documents(order) == []
        till.export_order(order)
        assert till.kinds(order) == ["sale"]

    def test_not_adopted(self, synced: World) -> None:
        """A state that nobody adopted exports nothing, gives no states and tells of no customers."""
        till = Till(synced)
        order = till.order()
        with store_of(synced.configuration()) as store:
            store.put(ADOPTED, {**store.get(ADOPTED), "url": "https://staging.example.com"})

        report = till.sync()

        assert any("adopt" in note for note in report.notes)
        assert (till.documents(order), till.customers()) == ([], {})


class TestChanges:
    """What happens to an order after its export."""

    def test_refund(self, till: Till) -> None:
        """A credit slip, which moves no date of its order, is a refund: goods, money, and the units back in stock."""
        order = till.order(till.piece(0, 3))
        till.sync()
        till.refund(order, 2, shipping=3)

        till.sync()

        refund = till.documents(order)[1]
        assert next((line["sku"], line["quantity"], line["restock"]) for line in refund["lines"]) == (
            till.sku(),
            -2,
            True,
        )
        assert problems(till) == []

    def test_refunds_by_voucher(self, till: Till) -> None:
        """With and without slip: the goods come back, no money leaves."""
        for slip in (True, False):
            order = till.order(till.piece(0, 2))
            till.sync()
            till.refund(order, 1, slip=slip, voucher=True)
            till.sync()

            refund = till.documents(order)[1]
            assert (refund["kind"], refund["payments"], refund["total_incl_tax"]) == ("refund", [], "0.00")
        assert problems(till) == []

    def test_cancelled(self, till: Till) -> None:
        """Two runs five minutes apart must see it; then the sale is reversed."""
        order = till.order()
        till.sync()
        till.state(order, CANCELLED)

        till.sync(minutes=4)
        till.sync(minutes=4)
        assert till.kinds(order) == ["sale"]
        till.sync(minutes=4)
        assert till.kinds(order) == ["sale", "reversal"]
        assert problems(till) == []

    def test_a_slip_of_the_finger(self, till: Till) -> None:
        """A state that somebody corrects before the second run is never told."""
        order = till.order()
        till.sync()
        till.state(order, CANCELLED)
        till.sync()
        till.state(order, PAID)
        till.twice()

        assert till.kinds(order) == ["sale"]

    def test_refunded_then_cancelled(self, till: Till) -> None:
        """The slip that came before stands, the rest is refunded."""
        order = till.order(till.piece(0, 3))
        till.sync()
        till.refund(order, 1)
        till.state(order, CANCELLED)
        till.twice()

        assert till.kinds(order) == ["sale", "refund", "refund"]
        assert sum(map(Decimal, till.totals(order))) == 0
        assert problems(till) == []

    def test_refunded_state(self, till: Till) -> None:
        """The state "Remboursé" puts nothing back into stock: a refund of everything without restock."""
        order = till.order(till.piece(0, 2))
        till.sync()
        till.state(order, REFUNDED)
        till.twice()

        refund = till.documents(order)[1]
        assert [line["restock"] for line in refund["lines"] if line["role"] == "article"] == [False]
        assert problems(till) == []

    def test_revived(self, till: Till) -> None:
        """A cancelled order that is taken up again is sold again."""
        order = till.order()
        till.sync()
        till.state(order, CANCELLED)
        till.twice()
        till.state(order, PAID)
        till.twice()

        assert till.kinds(order) == ["sale", "reversal", "sale"]
        assert problems(till) == []

    def test_edited_with_a_refund(self, till: Till) -> None:
        """An edit of an order that has a refund: refund and sale are reversed, both are told anew."""
        order = till.order(till.piece(0, 3))
        till.sync()
        till.refund(order, 1)
        till.sync()
        till.edit(order, line=order["lines"][0], quantity=2)
        till.sync()

        assert till.kinds(order) == ["sale", "refund", "reversal", "reversal", "sale", "refund"]
        assert problems(till) == []
        assert till.shown(order)["reason"] == "overpaid"

    def test_payment_added_later(self, till: Till) -> None:
        """An order that was edited up and paid up: the difference goes from the largest tender to what was paid."""
        till.world.map("payment", "Espèces", ["ESP"])
        order = till.order(till.piece(0, 1, unit_price_tax_incl="40"), carrier=1)
        till.sync()
        till.edit(order, line=order["lines"][0], unit_price_tax_incl="55")
        till.sync()
        assert till.shown(order)["reason"] == "underpaid"
        till.world.tell_shop("order/pay", id=order["id"], amount="15", method="Espèces")
        till.sync()

        assert [(p["method"], p["amount"]) for p in till.documents(order)[-1]["payments"]] == [
            ("CB", "40.00"),
            ("ESP", "15.00"),
        ]
        assert till.shown(order)["reason"] == ""

    def test_not_wanted(self, till: Till) -> None:
        """`orders.export_changes = false`: sales alone."""
        till.world.settings["orders"] = {**till.world.settings["orders"], "export_changes": False}
        order = till.order(till.piece(0, 2))
        till.sync()
        till.refund(order)
        till.state(order, CANCELLED)
        till.twice()

        assert till.kinds(order) == ["sale"]

    def test_old_orders(self, till: Till) -> None:
        """A refund of an order beyond the age waits for `--changes`."""
        order = till.order(till.piece(0, 2))
        till.sync()
        till.world.advance(days=91)
        till.refund(order)
        till.sync()
        assert till.shown(order)["reason"] == "too_old"

        till.export_order(order, changes=True)
        assert till.kinds(order) == ["sale", "refund"]

    def test_shipped_orders_stay(self, till: Till) -> None:
        """Paid states change nothing."""
        order = till.order()
        till.sync()
        till.state(order, SHIPPED)
        till.twice()

        assert till.kinds(order) == ["sale"]


class TestOnce:
    """No crash, lost answer, restored state or repeated run makes a second document."""

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.SAVED, FaultKind.BROKEN])
    def test_lost_answers(self, till: Till, kind: FaultKind) -> None:
        """The same document is sent until LCV answers, whatever happens to the order meanwhile."""
        order = till.order(till.piece(0, 2))
        till.world.lcv.faults = [
            Fault(kind, path="/api/v1/sales", method="POST", times=20, status=200 if kind is FaultKind.BROKEN else 500)
        ]
        report = till.sync()
        assert report.exit_code == 3
        till.world.lcv.faults = []
        till.edit(order, line=order["lines"][0], quantity=1)
        till.sync()

        assert till.kinds(order) == ["sale", "reversal", "sale"]
        assert len({body["document_id"] for body in till.documents(order)}) == 3
        assert problems(till) == []

    def test_refused(self, till: Till) -> None:
        """What LCV refuses stays in error, with the state in the shop, and is tried when something changed."""
        till.world.tell_lcv("tables", {"payment_methods": []})
        order = till.order()
        till.world.lcv.faults = [Fault(FaultKind.STATUS, path="/api/v1/sales", method="POST", status=422, times=99)]

        assert [till.sync().exit_code, till.sync().exit_code] == [3, 3]

        assert till.shown(order)["status"] == "error"
        posts = [r for r in till.world.lcv.requests if r.method == "POST"]
        assert posts == [], "the second run doesn't send it again"
        assert _state_name(till, order) == "Erreur d'exportation LCV"
        till.world.lcv.faults = []
        till.sync()
        assert till.documents(order) == []
        till.state(order, 3)
        till.sync()
        assert till.kinds(order) == ["sale"]
        assert till.shown(order)["status"] == "exported"


def _state_name(till: Till, order: Any) -> str:
    dump = till.world.shop_dump()
    row = next(row for row in dump["orders"] if int(row["id"]) == order["id"])
    state = next(state for state in dump["order_states"] if state["id"] == row["current_state"])
    return str(next(iter(state["name"].values())))
