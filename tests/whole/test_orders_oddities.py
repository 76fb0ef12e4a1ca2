"""Orders that the shop shows half, wrong or not at all, and what nothing may be concluded from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lcvsync.bootstrap import store_of
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.errors import SaleRefused
from lcvsync.lcv import association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.ports import Record, Resource
from lcvsync.runner.orders.facts import FactReader
from lcvsync.runner.orders.settings import EXPORTED_NAME
from lcvsync.runner.orders.standing import Standings

from .harness import World
from .ledger import Ledger, Terms
from .oracle import Json
from .till import CANCELLED, PAID, WIRE, Till

FLAGS = {"paid": "1", "logable": "1", "invoice": "1", "color": "#fff"}


@pytest.fixture
def till(synced: World) -> Till:
    """An adopted shop."""
    return Till(synced)


def problems(till: Till) -> list[str]:
    """What the oracle finds wrong."""
    return Ledger(till.world.shop_dump(), till.world.dump(), Terms({"*": "CB"})).problems()


def rows(till: Till, table: str) -> dict[int, Json]:
    """The rows of the shop's table, to be changed."""
    found: dict[int, Json] = till.world._store().shop.tables[table].rows
    return found


def set_option(till: Till, name: str, value: object) -> None:
    """One option of `[orders]`."""
    till.world.settings["orders"] = {**till.world.settings["orders"], name: value}


class TestStates:
    """States that come, go, or aren't there."""

    def test_new_in_the_shop(self, till: Till) -> None:
        """A state that was made within the hour is read before an order in it is judged."""
        order = till.order()
        till.sync(minutes=1)
        made = till.world.tell_shop("create", resource="order_states", fields={"name": "Prêt", **FLAGS})
        till.state(order, made["id"])
        till.twice()

        assert till.kinds(order) == ["sale"]
        assert problems(till) == []

    def test_unknown(self, till: Till) -> None:
        """Nothing is concluded from a state that the shop doesn't list: no refund, no sale."""
        sold, new = till.order(), None
        till.sync()
        new = till.order(till.piece(1))
        for order in (sold, new):
            rows(till, "orders")[order["id"]] |= {"current_state": "777", "date_upd": "2026-11-23 11:00:00"}
        till.twice()

        assert (till.kinds(sold), till.kinds(new)) == (["sale"], [])
        assert {till.shown(order)["reason"] for order in (sold, new)} == {"state_unknown"}

    def test_being_placed(self, till: Till) -> None:
        """An order without a state is not exported, but what the shop took off its stock for it is not on sale."""
        till.world.stock_in(till.sku(), 5)
        till.sync()
        order = till.order(till.piece(), state=WIRE, columns={"current_state": "0"})
        till.world.stock_in(till.sku(), 4)
        till.sync()

        assert till.quantity(till.sku()) == 3
        assert (till.kinds(order), till.row(order).reason) == ([], "being_placed")

    def test_old_modules_that_was_deleted(self, till: Till) -> None:
        """An order that the old module marked stays the old module's when its state is deleted."""
        made = till.world.tell_shop("create", resource="order_states", fields={"name": EXPORTED_NAME, **FLAGS})
        order = till.order()
        till.state(order, made["id"])
        rows(till, "order_states")[made["id"]]["deleted"] = "1"
        till.sync(minutes=61)

        assert till.kinds(order) == []
        assert till.shown(order)["status"] == "old_module"


class TestReading:
    """Orders that can't be read, or move meanwhile."""

    def test_parts_without_dates(self, till: Till) -> None:
        """What an import left without a date has the order's."""
        order = till.order()
        for table in ("order_payments", "order_histories"):
            for row in rows(till, table).values():
                row["date_add"] = "0000-00-00 00:00:00"
        till.sync()

        assert till.kinds(order) == ["sale"]

    def test_unreadable(self, till: Till) -> None:
        """An order without a date of its own fails, waits under its name, and is told once it has one."""
        order, other = till.order(), till.order(till.piece(1))
        before = rows(till, "orders")[order["id"]]["date_add"]
        rows(till, "orders")[order["id"]]["date_add"] = "0000-00-00 00:00:00"
        report = till.sync()

        assert [(each.kind, each.key) for each in report.failed] == [("order", str(order["id"]))]
        assert (till.kinds(order), till.kinds(other)) == ([], ["sale"])
        assert till.shown(order)["reason"] == "unreadable"
        assert till.export_order(order).exit_code == 3
        assert till.kinds(order) == []
        rows(till, "orders")[order["id"]]["date_add"] = before
        till.sync(minutes=180)
        assert till.kinds(order) == ["sale"]

    def test_no_longer_readable(self, till: Till) -> None:
        """Nothing is told of what an order was before it couldn't be read."""
        set_option(till, "shipping_reference", "")
        order = till.order()
        till.sync()
        assert till.shown(order)["reason"] == "shipping_reference_missing"
        set_option(till, "shipping_reference", "PORT")
        rows(till, "orders")[order["id"]] |= {"total_paid": "much", "date_upd": "2026-11-23 11:00:00"}

        assert till.export_order(order).exit_code == 3
        till.sync()
        assert till.kinds(order) == []

    @pytest.mark.parametrize("what", ["refund", "edit"])
    def test_moves_while_it_is_read(self, till: Till, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is read before and after a change is not put together: units that came back return to LCV's stock."""
        order = till.order(till.piece(0, 2))
        till.sync()
        till.edit(order, discount={"amount": "0.01", "name": "x"})
        read, changed = FactReader._by_order, list[str]()

        def meddle(self: FactReader, resource: Resource, *asked: object) -> dict[int, list[Record]]:
            if resource is Resource.ORDER_DETAILS and not changed:
                changed.append(what)
                till.refund(order, 1) if what == "refund" else till.edit(order, line=order["lines"][0], quantity=1)
            return read(self, resource, *asked)  # type: ignore[arg-type]

        monkeypatch.setattr(FactReader, "_by_order", meddle)
        till.sync()
        if what == "refund":  # it moves no date: its slip is new to the next run
            till.sync()

        assert changed
        assert problems(till) == []
        told = till.documents(order)[-1]
        assert told["kind"] == ("refund" if what == "refund" else "sale")
        assert all(line.get("restock", True) for line in told["lines"])

    def test_deleted(self, till: Till) -> None:
        """What the shop deleted is on nobody's stock; LCV keeps what it was told, and a person is."""
        till.world.stock_in(till.sku(), 5)
        sold, open_order = till.order(), till.order(till.piece(), state=WIRE)
        till.sync()
        assert till.pending() == {till.sku(): 1}
        for order in (sold, open_order):
            till.world._store().shop.tables["orders"].delete(order["id"])
        till.sync(minutes=1500)
        till.sync(minutes=1500)

        assert till.pending() == {}
        assert [till.shown(order)["reason"] for order in (sold, open_order)] == ["deleted", "deleted_untold"]
        assert till.kinds(sold) == ["sale"]


class TestOthers:
    """Other states, shops and associations."""

    def test_other_association(self, till: Till) -> None:
        """Documents are an association's: another one is adopted first, and is told nothing of older orders."""
        order = till.order(till.piece(0, 2))
        till.sync()
        world = till.world
        made = association.associate(world.lcv.url, "demo", "demo-password", f"{world.shop.url}/autre", world.run_clock)
        association.save(made, world.directory)
        till.refund(order)
        report = till.sync()
        assert any("not adopted" in note for note in report.notes)

        world.adopt()
        later = till.order(till.piece(1))
        till.sync()
        assert (till.kinds(order), till.kinds(later)) == (["sale"], ["sale"])
        assert till.shown(order)["reason"] == "other_association"
        assert till.export_order(order, again=True).exit_code == 3
        assert till.kinds(order) == ["sale"]

    def test_settled_before_the_first_look(self, till: Till) -> None:
        """Orders that a person settled before lcvsync read them stay settled when the state is adopted again."""
        order = till.order()
        with store_of(till.world.configuration()) as store:
            Standings(store, None).settle(order["id"], till.world.clock())
        till.world.adopt()
        till.sync()

        assert (till.kinds(order), till.shown(order)["status"]) == ([], "settled")

    def test_restored_shop(self, till: Till) -> None:
        """Slips and vouchers of a restored shop have ids that were seen already, and are told."""
        kept = till.order(till.piece(1, 3))
        till.sync()
        backup = till.world.kept_shop()
        lost = till.order(till.piece(0, 3))
        till.sync()
        for slip in (True, False):
            till.refund(lost, slip=slip, voucher=not slip)
            till.sync()
        till.world._store().shop = backup.copy()
        till.world.adopt()
        again = till.order(till.piece(2), reference="NEUEORDER")
        till.sync()
        assert again["id"] == lost["id"]
        assert [each["kind"] for each in till.documents(again) if again["reference"] in each["document_id"]] == ["sale"]
        till.refund(kept)
        till.sync()
        till.refund(kept, slip=False, voucher=True)
        till.sync()

        assert till.totals(kept) == ["68.10", "-19.90", "0.00"]

    def test_reference_beyond_ascii(self, till: Till) -> None:
        """A marketplace's reference that no header can carry is in the document's id as a digest."""
        order = till.order(reference="ÉTÉ1")
        till.twice()

        assert till.kinds(order) == ["sale"]
        assert till.documents(order)[0]["document_id"].isascii()


class TestLcvFails:
    """What LCV fails at with one record stops no other."""

    @pytest.mark.parametrize("fault", [(FaultKind.STATUS, 500), (FaultKind.STATUS, 413), (FaultKind.HTML, 200)])
    def test_one_customer(self, till: Till, fault: tuple[FaultKind, int]) -> None:
        """The sale goes out without its customer, who is told with the next run."""
        order, other = till.order(), till.order(till.piece(1))
        customer = rows(till, "orders")[order["id"]]["id_customer"]
        kind, status = fault
        path = f"customers/{customer}$"
        till.world.lcv.faults = [Fault(kind, status=status, method="PUT", path=path, times=0)]
        report = till.sync()
        till.world.lcv.faults = []

        assert [(each.kind, each.key) for each in report.failed] == [("customer", str(customer))]
        assert (till.kinds(order), till.kinds(other)) == (["sale"], ["sale"])
        assert till.documents(order)[0]["customer"] is None
        till.sync(minutes=180)
        till.sync(minutes=180)
        assert str(customer) in till.customers()

    def test_one_document(self, till: Till) -> None:
        """A document without an answer waits as such, is sent again as it is, and recorded once."""
        order = till.order()
        till.world.lcv.faults = [Fault(FaultKind.STATUS, status=413, method="POST", path="sales", times=0)]
        till.sync()
        assert till.shown(order)["reason"] == "unanswered"
        till.world.lcv.faults = []
        till.sync()

        assert (till.kinds(order), till.shown(order)["reason"]) == (["sale"], "")

    def test_lost_and_changed(self, till: Till) -> None:
        """`--again` sends what LCV lost, and then what became of the order since."""
        order = till.order(till.piece(0, 2))
        till.sync()
        till.refund(order)
        till.world.tell_lcv("lose-sale", {"document_id": till.documents(order)[0]["document_id"]})
        till.sync()
        assert till.shown(order)["reason"] == "refused"
        till.export_order(order, again=True)

        assert till.totals(order) == ["44.74", "-18.17"]
        assert problems(till) == []

    @pytest.mark.parametrize("code", ["idempotency_conflict", "has_refunds"])
    def test_refused_without_a_reason_to_see(self, till: Till, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """LCV says that it holds something else, and holds nothing: a refusal like others, not asked for ever."""
        order = till.order()

        def refuse(*_: object) -> None:
            raise SaleRefused(code, "no")

        with monkeypatch.context() as patched:
            patched.setattr(HttpBackOffice, "record_sale", refuse)
            assert till.sync().exit_code == 3
        assert till.shown(order)["reason"] == "refused"
        till.world.lcv.requests.clear()
        till.sync()
        assert not [each for each in till.world.lcv.requests if each.path.startswith("/api/v1/sales")]


class TestStock:
    """What the shop does to its own stock."""

    def test_put_back_twice(self, till: Till) -> None:
        """A cancellation puts back units that a refund put back before: the quantity is written anew."""
        till.world.stock_in(till.sku(), 5)
        till.sync()
        order = till.order(till.piece(0), till.piece(1))
        till.sync()
        till.refund(order)
        till.sync()
        till.state(order, CANCELLED)
        assert till.quantity(till.sku()) == 6, "the emulator does as the shop does"
        for _ in range(3):
            till.sync()

        assert (till.quantity(till.sku()), till.left(till.sku())) == (5, 5)

    def test_linked_otherwise(self, till: Till) -> None:
        """Until LCV was told, a line is what the product is linked to now, whatever it was at first sight."""
        order = till.order(till.piece(0, 2), state=WIRE)
        till.sync()
        with store_of(till.world.configuration()) as store, store.transaction():
            store.rows("UPDATE order_sku SET sku = ?", till.sku(1))
        till.state(order, PAID)
        till.sync()

        assert [line["sku"] for line in till.documents(order)[-1]["lines"]] == [till.sku(), "PORT"]


class TestOptions:
    """What options change."""

    def test_unclear_without_changes(self, till: Till) -> None:
        """What LCV holds and nobody can explain is told anew, also where later changes are not told."""
        order = till.order(till.piece(0, 3))
        till.sync()
        with store_of(till.world.configuration()) as store, store.transaction():
            for table in ("shop_order", "document", "document_unit", "order_unit", "order_sku"):
                store.rows(f"DELETE FROM {table}")
            store.rows("DELETE FROM meta WHERE name LIKE 'orders.%' OR name = 'adopted'")
        till.world.adopt()
        set_option(till, "export_changes", value=False)
        till.edit(order, line=order["lines"][0], quantity=2)
        till.twice()

        assert till.kinds(order) == ["sale", "reversal", "sale"]

    def test_raised_minimum(self, till: Till) -> None:
        """`min_id` says which orders begin; what was exported is followed whatever it is raised to."""
        order = till.order(till.piece(0, 2))
        till.sync()
        set_option(till, "min_id", order["id"] + 1)
        till.refund(order)
        till.sync()

        assert till.totals(order) == ["44.74", "-18.17"]

    def test_service_references(self, till: Till) -> None:
        """A product that is a service in LCV is on nobody's stock there: none of its units are pending."""
        till.world.tell_lcv("services", ["SERV"])
        order = till.order()
        line = next(each for each in rows(till, "order_details").values() if int(each["id_order"]) == order["id"])
        set_option(till, "service_references", {line["product_reference"]: "SERV"})
        till.twice()

        assert till.kinds(order) == ["sale"]
        assert till.pending() == {}
        assert till.documents(order)[0]["lines"][0]["sku"] == "SERV"

    def test_allowed_once_held(self, till: Till) -> None:
        """What two runs saw and the guard held is sent at once when a person allows it."""
        orders = [till.order() for _ in range(21)]
        till.sync()
        till.world.advance(seconds=timedelta(days=9).total_seconds())
        for order in orders:
            till.state(order, CANCELLED)
        assert till.twice().exit_code == 6
        assert till.sync(allowed=True).exit_code == 0
        assert till.kinds(orders[0]) == ["sale", "reversal"]
        assert till.row(orders[0]).seen == "", "another cancellation has to be seen twice again"
