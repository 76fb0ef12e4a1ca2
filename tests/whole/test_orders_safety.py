"""Orders under the worst: kills, restored copies, other programs, sales in the middle of a run, any state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lcvsync.bootstrap import store_of
from lcvsync.emulators.faults import FaultKind
from lcvsync.runner.orders.settings import EXPORTED_NAME, FAILED_NAME
from lcvsync.runner.orders.standing import Standings
from lcvsync.state.journal import Journal
from lcvsync.state.orders import OrderBook
from lcvsync.state.store import Store

from .harness import World
from .ledger import Ledger, Terms
from .oracle import Json
from .till import CANCELLED, PAID, WIRE, Till


@pytest.fixture
def till(synced: World) -> Till:
    """An adopted shop."""
    return Till(synced)


def problems(till: Till) -> list[str]:
    """What the oracle finds wrong."""
    return Ledger(till.world.shop_dump(), till.world.dump(), Terms({"*": "CB"})).problems()


def named(till: Till, name: str) -> int:
    """The id of a state of the shop; 0: it hasn't got it."""
    states = till.world.in_shop("order_states")
    return next((int(each["id"]) for each in states if name in each["name"].values()), 0)


class TestMarks:
    """The states "Exportée vers LCV" and "Erreur d'exportation LCV" do nothing else."""

    @staticmethod
    def traces(till: Till) -> Json:
        """What a state may set off."""
        dump = till.world.shop_dump()
        return {
            name: dump[name]
            for name in ("order_invoices", "order_payments", "stock_availables", "mails")
            if name in dump
        }

    def test_made_once(self, till: Till) -> None:
        """Both are made with the first export, found again by name, and harmless."""
        till.order()
        till.sync()
        till.order()
        till.sync()

        states = [
            s for s in till.world.in_shop("order_states") if {EXPORTED_NAME, FAILED_NAME} & set(s["name"].values())
        ]
        assert len(states) == 2
        for state in states:
            flags = {name: state[name] for name in ("logable", "invoice", "paid", "hidden")}
            assert set(flags.values()) == {"1"}
            assert {state[name] for name in ("delivery", "shipped", "send_email")} == {"0"}

    @pytest.mark.parametrize("state", range(1, 14))
    def test_every_state(self, till: Till, state: int) -> None:
        """Whatever state an order is in: no invoice, payment, mail or stock comes from us, and nothing is revived."""
        till.world.settings["orders"] = {**till.world.settings["orders"], "states": list(range(1, 14))}
        order = till.order(state=PAID if state != PAID else WIRE)
        till.state(order, state)
        before = self.traces(till)

        till.twice()

        after = self.traces(till)
        assert after["order_invoices"] == before["order_invoices"]
        assert after["order_payments"] == before["order_payments"]
        row = next(row for row in till.world.in_shop("orders") if int(row["id"]) == order["id"])
        assert int(row["current_state"]) in {state, named(till, EXPORTED_NAME)}
        harmless = {2, 11}  # paid and valid, neither shipped nor delivered
        assert (int(row["current_state"]) == state) == (state not in harmless | {3})

    def test_moved_on(self, till: Till) -> None:
        """An order that somebody gives another state between the plan and the mark keeps it."""
        order = till.order()
        done: list[int] = []

        def ship(*_: object) -> None:
            if till.world.in_lcv("sales") and not done:
                done.append(1)
                till.state(order, 4)

        with till.world.watched(ship):
            till.sync()

        row = next(row for row in till.world.in_shop("orders") if int(row["id"]) == order["id"])
        assert row["current_state"] == "4" or not done

    def test_edited_up(self, till: Till) -> None:
        """An order that was raised after it was paid is left in its state: the shop would pay the rest by itself."""
        order = till.order()
        till.edit(order, line=order["lines"][0], quantity=2)
        till.world.tell_shop("order/pay", id=order["id"], amount=str(self.due(till, order)))
        payments = len(till.world.in_shop("order_payments"))

        till.sync()

        assert till.kinds(order) == ["sale"]
        assert len(till.world.in_shop("order_payments")) == payments

    @staticmethod
    def due(till: Till, order: Json) -> Any:
        """What an order's payments lack."""
        row = next(row for row in till.world.in_shop("orders") if int(row["id"]) == order["id"])
        return round(float(row["total_paid"]) - float(row["total_paid_real"]), 2)

    def test_not_wanted(self, till: Till) -> None:
        """`orders.mark_states = false`: no state is made or given."""
        till.world.settings["orders"] = {**till.world.settings["orders"], "mark_states": False}
        till.order()
        till.sync()

        assert named(till, EXPORTED_NAME) == 0

    def test_no_longer_wanted(self, till: Till) -> None:
        """A state whose answer was lost is learnt of although `mark_states` was switched off since."""
        till.order()
        till.world.fault(FaultKind.LOST, method="POST", path="/api/order_histories")
        before = len(till.world.in_shop("order_histories"))

        def fail() -> None:
            if len(till.world.in_shop("order_histories")) > before:
                till.world.fault(FaultKind.STATUS, method="GET", path="/api/order_histories", times=9)

        with till.world.watched(fail):
            assert till.world.sync().exit_code == 5
        with store_of(till.world.configuration()) as store:
            assert [intent.resource for intent in Journal(store).intents()] == ["order_histories"]
        till.world.shop.faults = []
        till.world.settings["orders"] = {**till.world.settings["orders"], "mark_states": False}

        till.world.sync()

        with store_of(till.world.configuration()) as store:
            assert Journal(store).intents() == []
            assert not OrderBook(store).marks()


@contextmanager
def killed(patch: pytest.MonkeyPatch, commit: int) -> Iterator[None]:
    """The process dies right after a commit of the state: what follows it never happens, nothing is tidied up."""
    original, left = Store.transaction, [commit]

    @contextmanager
    def transaction(store: Store) -> Iterator[None]:
        outer = not store.db.in_transaction
        with original(store):
            yield
        left[0] -= outer
        if outer and left[0] == 0:
            raise KilledError

    with patch.context() as patched, suppress(KilledError):
        patched.setattr(Store, "transaction", transaction)
        yield


class KilledError(BaseException):
    """Dead."""


class TestKills:
    """Every commit of an export is a place to die."""

    @pytest.mark.parametrize("commit", range(1, 25))
    def test_after_a_commit(self, till: Till, commit: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """The next run goes on; no document, customer or state comes twice."""
        order = till.order(till.piece(0, 2))
        till.refund(order, 1)
        with killed(monkeypatch, commit):
            till.sync()

        till.sync()
        till.sync()

        assert till.kinds(order) == ["sale", "refund"]
        histories = [row for row in till.world.in_shop("order_histories") if int(row["id_order"]) == order["id"]]
        marks = [row for row in histories if int(row["id_order_state"]) == named(till, EXPORTED_NAME)]
        assert len(marks) == 1
        assert [name for state in till.world.in_shop("order_states") for name in state["name"].values()].count(
            EXPORTED_NAME
        ) == len(till.world.in_shop("languages"))
        assert problems(till) == []


class TestCopies:
    """States that aren't the one that told LCV, and shops that aren't the one that the state knows."""

    def test_restored_state(self, till: Till, tmp_path: Path) -> None:
        """A backup of the state is put back: LCV knows more than it, and nothing is told twice."""
        shutil.copytree(till.world.directory, tmp_path / "backup")
        order = till.order(till.piece(0, 3))
        till.sync()
        till.refund(order, 1)
        till.sync()
        shutil.rmtree(till.world.directory)
        shutil.copytree(tmp_path / "backup", till.world.directory)
        till.edit(order, line=order["lines"][0], quantity=2)

        for _ in range(3):
            till.sync()

        assert problems(till) == []
        assert till.kinds(order).count("sale") - till.kinds(order).count("reversal") // 2 == 1

    @pytest.mark.parametrize("edited", [False, True])
    def test_new_state(self, till: Till, edited: bool) -> None:
        """A state that starts anew, for orders that were told before: LCV is asked first."""
        order = till.order(till.piece(0, 3))
        till.sync()
        till.refund(order, 1)
        till.sync()
        with store_of(till.world.configuration()) as store, store.transaction():
            for table in ("shop_order", "document", "document_unit", "order_unit", "order_sku"):
                store.rows(f"DELETE FROM {table}")
            store.rows("DELETE FROM meta WHERE name LIKE 'orders.%' OR name = 'adopted'")
        till.world.adopt()
        if edited:
            till.edit(order, line=order["lines"][0], quantity=2)

        for _ in range(3):
            till.sync()

        assert till.kinds(order)[:2] == ["sale", "refund"]
        assert (len(till.kinds(order)) == 2) == (not edited)
        assert problems(till) == []

    def test_restored_shop(self, till: Till) -> None:
        """The shop was restored and gave an id to another order: nothing goes until somebody adopts it again."""
        order = till.order()
        till.sync()
        with store_of(till.world.configuration()) as store, store.transaction():
            store.rows("UPDATE shop_order SET reference = 'BEFOREXXX'")
        new = till.order()

        report = till.sync()

        assert any("restored" in note for note in report.notes)
        assert (till.kinds(order), till.kinds(new)) == (["sale"], [])

        till.world.adopt()
        till.sync()
        assert (till.kinds(order), till.kinds(new)) == (["sale"], ["sale"])

    def test_lost_by_lcv(self, till: Till) -> None:
        """A document that LCV lost is sent again under its own id."""
        order = till.order(till.piece(0, 2))
        till.sync()
        (sale,) = till.documents(order)
        till.world.tell_lcv("lose-sale", {"document_id": sale["document_id"]})

        report = till.export_order(order, again=True)

        assert (report.exit_code, till.documents(order)) == (0, [sale])
        assert report.notes == [f"order {order['id']}: LCV had lost it, and has it again"]

    def test_again(self, till: Till) -> None:
        """`--again` reverses what LCV holds and sends the order anew."""
        order = till.order(till.piece(0, 2))
        till.sync()
        till.refund(order)
        till.sync()

        till.export_order(order, again=True)

        assert till.kinds(order) == ["sale", "refund", "reversal", "reversal", "sale", "refund"]
        assert problems(till) == []

    def test_plain_export_order_repeats_nothing(self, till: Till) -> None:
        """An order that LCV has is not sent again."""
        order = till.order()
        till.sync()

        assert till.export_order(order).exit_code == 0
        assert till.kinds(order) == ["sale"]


class TestOldModule:
    """Orders of the module that lcvsync replaces."""

    def test_recognised(self, till: Till) -> None:
        """One that carries its state is no new sale; what changes of it is listed."""
        till.order()
        till.sync()  # makes the states
        order = till.order(till.piece(0, 2))
        till.state(order, named(till, EXPORTED_NAME))
        till.twice()
        assert (till.documents(order), till.shown(order)["status"]) == ([], "old_module")
        assert till.pending() == {}

        till.refund(order)
        till.sync()

        assert till.documents(order) == []
        assert till.shown(order)["reason"] == "old_module_changed"


class TestStock:
    """Units sold in the shop, and the quantities on sale."""

    def test_pending(self, till: Till) -> None:
        """What LCV doesn't know of is taken off: unpaid orders too, until they are cancelled."""
        sku = till.sku()
        till.world.stock_in(sku, 9)
        till.sync()
        order = till.order(till.piece(0, 2), state=WIRE)
        till.world.stock_in(sku, 10)
        till.sync()
        assert (till.pending(), till.quantity(sku)) == ({sku: 2}, 8)

        till.state(order, CANCELLED)
        till.sync()
        assert (till.pending(), till.quantity(sku)) == ({}, 10)

    def test_exported(self, till: Till) -> None:
        """Once LCV's stock counts the sale, nothing is pending: no unit is taken off twice."""
        sku = till.sku()
        till.world.stock_in(sku, 9)
        till.sync()
        till.order(till.piece(0, 2))
        till.sync()

        assert (till.left(sku), till.pending(), till.quantity(sku)) == (7, {}, 7)

    @pytest.mark.parametrize("write", range(1, 8))
    def test_sold_during_a_run(self, till: Till, write: int) -> None:
        """Whatever is sold while a run writes: at its end no quantity is above what is left."""
        skus = [till.sku(place) for place in range(3)]
        for sku in skus:
            till.world.stock_in(sku, 5)
        till.sync()
        for sku, quantity in zip(skus, (3, 0, 9), strict=True):
            till.world.stock_in(sku, quantity)
        till.world.change_article(till.world.ordinary(1, skip=4)[0]["id"], name="Autre nom")
        writes = [0]

        def sell() -> None:
            writes[0] += 1
            if writes[0] == write:
                for place in range(3):
                    till.order(till.piece(place, 1), state=WIRE)

        with till.world.watched(sell):
            till.sync()

        sold = 1 if writes[0] >= write else 0
        for sku in skus:
            assert till.quantity(sku) <= max(0, till.left(sku) - sold), sku

    def test_settled(self, till: Till) -> None:
        """An order that somebody answers for is neither exported nor pending."""
        order = till.order(till.piece(0, 2), state=WIRE)
        till.sync()
        with store_of(till.world.configuration()) as store:
            standings = Standings(store, 1)
            standings.settle(order["id"], till.world.clock())
        till.state(order, PAID)
        till.sync()
        assert (till.documents(order), till.pending()) == ([], {})

        with store_of(till.world.configuration()) as store:
            Standings(store, 1).unsettle(order["id"], till.world.clock())
        till.sync()
        assert till.kinds(order) == ["sale"]


class TestGuard:
    """Many documents of old orders are held."""

    def test_held_and_allowed(self, till: Till) -> None:
        """The others go; exit code 6, with the numbers; `--allow orders` sends them."""
        old = [till.order(till.piece(0), state=WIRE) for _ in range(21)]
        till.sync()
        till.world.advance(days=8)
        for order in old:
            till.state(order, PAID)
        young = till.order(till.piece(1))

        report = till.sync()

        assert (report.exit_code, report.outcome) == (6, "held")
        assert [(held["kind"], held["count"], held["limit"]) for held in report.held] == [("orders", 21, 20)]
        assert [len(till.documents(order)) for order in (*old[:2], young)] == [0, 0, 1]
        assert till.shown(old[0])["reason"] == "held"

        assert till.sync(allowed=True).exit_code == 0
        assert [len(till.documents(order)) for order in old] == [1] * 21


class TestClocks:
    """Times are the shop's."""

    def test_equal_seconds(self, till: Till) -> None:
        """Orders and changes of the very second of the last reading are seen."""
        first = till.order()
        till.sync(minutes=0)
        second = till.order()
        till.sync(minutes=0)
        till.edit(first, line=first["lines"][0], quantity=2)
        till.sync(minutes=0)

        assert till.kinds(second) == ["sale"]
        assert till.kinds(first) == ["sale", "reversal", "sale"]

    def test_the_hour_that_comes_twice(self, till: Till) -> None:
        """In the night in which summer time ends, local times go back; nothing is missed."""
        till.world.clock.set(datetime(2027, 10, 31, 0, 58, tzinfo=UTC))  # 02:58 in Paris, an hour before 02:58
        first = till.order()
        till.sync(minutes=1)
        second = till.order()
        till.sync(minutes=4)
        third = till.order()
        till.sync(minutes=1)

        assert [till.kinds(order) for order in (first, second, third)] == [["sale"]] * 3

    def test_a_clock_that_ran_ahead(self, till: Till) -> None:
        """The shop's clock was a day ahead and is set right: what comes then is seen at once."""
        till.world.advance(days=1)
        till.order()
        till.sync()
        till.world.clock.set(till.world.clock() - timedelta(days=1))
        order = till.order()
        till.sync()

        assert till.kinds(order) == ["sale"]


class TestCustomers:
    """Who is told of, and what is kept."""

    PERSON: ClassVar = {"firstname": "Zénobie", "lastname": "Quatresous", "email": "zenobie.quatresous@example.net"}

    def test_buyers(self, till: Till) -> None:
        """A buyer, with addresses; later changes of the account and of an address follow."""
        till.order(customer={**self.PERSON, "address": {"city": "Nantes", "postcode": "44000"}})
        till.sync()
        ((number, body),) = till.customers().items()
        assert (body["email"], body["addresses"][0]["city"]) == (self.PERSON["email"], "Nantes")

        till.world.tell_shop("customer", id=int(number), fields={"email": "z@example.net"})
        till.sync()
        till.sync()

        assert {key: row["email"] for key, row in till.customers().items()} == {number: "z@example.net"}

    def test_two_accounts_of_one_address(self, till: Till) -> None:
        """A guest who comes back is another account: never merged."""
        till.order(guest=self.PERSON)
        till.order(guest=self.PERSON)
        till.sync()

        assert [body["email"] for body in till.customers().values()] == [self.PERSON["email"]] * 2

    @pytest.mark.parametrize("how", ["module", "domain", "group"])
    def test_marketplaces(self, till: Till, how: str) -> None:
        """Their orders are exported, their customers aren't; a member of "Clients LCV" is."""
        till.world.settings["orders"] = {
            **till.world.settings["orders"],
            "marketplaces": {"modules": ["amazon"], "email_domains": ["amazon.example"], "customer_groups": ["Marché"]},
        }
        group = till.world.tell_shop(
            "create", resource="groups", fields={"name": "Marché", "price_display_method": "0"}
        )
        asked: dict[str, Json] = {
            "module": {"module": "amazon"},
            "domain": {"customer": {"email": "x@relay.amazon.example"}},
            "group": {"customer": {"groups": [group["id"]]}},
        }
        order = till.order(**asked[how])

        till.sync()

        assert (till.kinds(order), till.customers()) == (["sale"], {})
        assert till.documents(order)[0]["customer"] is None

    def test_group(self, till: Till) -> None:
        """A member of "Clients LCV" is told of without an order."""
        group = till.world.tell_shop(
            "create", resource="groups", fields={"name": "Clients LCV", "price_display_method": "0"}
        )
        made = till.world.tell_shop("customer", fields=self.PERSON, groups=[group["id"]])
        till.sync()
        till.world.advance(days=1)
        till.sync()

        assert list(till.customers()) == [str(made["id"])]

    def test_refused(self, till: Till) -> None:
        """A customer that LCV refuses doesn't stop the sale, and is named without a word of the person."""
        order = till.order(customer={**self.PERSON, "email": "not an address"})

        report = till.sync()

        assert till.kinds(order) == ["sale"]
        assert till.documents(order)[0]["customer"] is None
        assert [failed.kind for failed in report.failed] == ["customer"]
        assert "not an address" not in str(report.failed)

    @pytest.mark.parametrize("exported", [True, False])
    def test_personal_data(self, till: Till, exported: bool) -> None:
        """No file of the state holds a name, an e-mail or an address; switched off, LCV is told nothing either."""
        till.world.settings["orders"] = {**till.world.settings["orders"], "export_customers": exported}
        till.order(customer={**self.PERSON, "address": {"address1": "7 quai des Brumes", "city": "Honfleur"}})
        till.sync()
        till.sync()

        kept = b"".join(path.read_bytes() for path in till.world.directory.rglob("*") if path.is_file())
        for word in ("Quatresous", "Zénobie", "zenobie.quatresous", "Brumes", "Honfleur"):
            assert word.encode() not in kept, word
        assert (till.customers() != {}) == exported
        with store_of(till.world.configuration()) as store:
            assert bool(store.rows("SELECT 1 FROM customer").fetchone()) == exported
