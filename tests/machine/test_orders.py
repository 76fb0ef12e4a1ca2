"""Random histories of several orders, faults and crashes in between: in the end LCV holds what the shop says.

Customers order and pay, people in the back office refund, edit, cancel, revive and ship, LCV's stock changes, time goes
by, and every now and then cron's run comes: undisturbed, with a fault at any request to either party, or killed at any
request, its state as it was on disk then. Once all is quiet, a few more runs must settle everything; `Ledger` judges.

What people do here has its bounds. Nobody gets more back than was paid, in whatever form. Nothing is edited in an
order that isn't waiting or paid, nor below what was refunded of it. Of a cancelled or refunded order nothing more is
refunded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.prestashop.shop import Shop
from lcvsync.runner.report import Report
from tests.whole.harness import World, world
from tests.whole.ledger import Json, Ledger, Terms

from .disturbances import ACCEPTED, COMMON, FAULTS, Killed

ORDERS = {"min_id": 1, "shipping_reference": "PORT", "wrapping_reference": "EMB", "mark_states": True}
PAYMENTS = {"*": "CB", "Virement bancaire": "VIR", "ps_checkpayment": "CHQ", "Carte cadeau": "CADEAU"}
PAID, SHIPPED, CANCELLED, REFUNDED = 2, 4, 6, 7
MODULES = {"payplug": 10, "ps_checkpayment": 1, "ps_wirepayment": 10}
"""How people pay, and the state in which an order waits for it."""
VOUCHERS = ({"percent": 15}, {"amount": "7.50"}, {"free_shipping": True}, {"percent": 10, "free_shipping": True})
PIECE, MOST = ("id_product", "id_product_attribute", "sku"), 10
BASKET = st.lists(st.tuples(st.integers(0, MOST), st.integers(1, 3)), min_size=1, max_size=3)
"""Pieces, and how many of each."""
OPTIONS = st.fixed_dictionaries(
    {"module": st.sampled_from(list(MODULES))},
    optional={
        "vouchers": st.sampled_from(VOUCHERS).map(lambda voucher: [voucher]),
        "gift_message": st.just("Bises"),
        "guest": st.just({}),
        "payments": st.just([{"amount": 10, "method": "Carte cadeau"}]),
        "unpaid": st.just(True),
    },
)
EACH = 4
"""How many units LCV has of each piece: few enough to be sold out."""
QUIET = (61, 6, 6, 6, 6, 6)
"""Minutes between the last runs: what is looked at hourly first, then what two runs must have seen."""


Step = Callable[..., None]


def _with(fits: Callable[[Orders, int], bool], **drawn: Any) -> Callable[[Step], Step]:
    """A rule that is given one of the orders that fit, for histories that have one."""

    def decorate(act: Step) -> Step:
        @wraps(act)
        def step(self: Orders, place: int, **options: Any) -> None:
            found = [order for order in self.orders if fits(self, order)]
            act(self, found[place % len(found)], **options)

        ruled: Callable[[Step], Step] = rule(place=st.integers(0, 5), **drawn)
        return precondition(lambda self: any(fits(self, order) for order in self.orders))(ruled(step))

    return decorate


class Orders(RuleBasedStateMachine):
    """Up to six orders on one pair of emulators, which are put back before every history."""

    world: ClassVar[World]
    pieces: ClassVar[list[Json]]
    """What can be bought."""

    def __init__(self) -> None:
        super().__init__()
        for document in self.world.in_lcv("sales"):
            if document["receipt"]["refers_to"] is None:
                self.world.tell_lcv("lose-sale", {"document_id": document["body"]["document_id"]})
        self.world.restore()
        self.orders: list[int] = []
        self.loose: set[int] = set()

    @property
    def shop(self) -> Shop:
        """The shop's tables."""
        assert isinstance(self.world.shop.emulator, PrestaShopEmulator)
        return self.world.shop.emulator.shop

    @property
    def ledger(self) -> Ledger:
        """The oracle on both parties as they are now."""
        return Ledger(self.world.shop_dump(), self.world.dump(), Terms(PAYMENTS))

    def row(self, resource: str, row_id: int) -> dict[str, Any]:
        """A row of the shop."""
        return self.shop.tables[resource].rows[row_id]

    def lines(self, order: int) -> list[dict[str, Any]]:
        """The lines of an order."""
        return [self.row("order_details", each) for each in self.shop.tables["order_details"].where("id_order", order)]

    def state(self, order: int) -> int:
        """The state that an order is in."""
        return int(self.row("orders", order)["current_state"])

    def is_paid(self, order: int) -> bool:
        """Whether the order is in a paid state."""
        return bool(self.row("order_states", self.state(order))["paid"] == "1")

    def is_waiting(self, order: int) -> bool:
        """Whether the order waits for its first payment."""
        return self.state(order) in MODULES.values()

    def is_open(self, order: int) -> bool:
        """Whether people may edit the order: not once it was prepared for delivery."""
        return (self.is_paid(order) or self.is_waiting(order)) and self.row("orders", order)["delivery_number"] == "0"

    def left(self, piece: Json) -> int:
        """How many the shop has."""
        rows = self.shop.stock_rows(piece["id_product"], piece["id_product_attribute"])
        return int(str(self.row("stock_availables", rows[0])["quantity"]))

    def refunded(self, row: Mapping[str, Any]) -> int:
        """Units of a line that people got their money back for, or a voucher."""
        return int(row["product_quantity_refunded"]) + int(row["product_quantity_return"])

    def do(self, action: str, **body: object) -> Json:
        """What a person does in the shop, a minute after the last thing."""
        self.world.advance(minutes=1)
        return self.world.tell_shop(action, **body)

    def order(self, basket: list[tuple[int, int]], options: Json) -> None:
        """Somebody orders what is there, and pays, perhaps a part with a gift card."""
        chosen = [(self.pieces[at], units) for at, units in dict(basket).items()]
        left = {piece["sku"]: self.left(piece) for piece, _ in chosen}
        lines = [{**each, "quantity": min(units, left[each["sku"]])} for each, units in chosen if left[each["sku"]] > 0]
        known: Json = {} if "guest" in options else {"id_customer": 1} if self.orders else {"customer": {}}
        if lines:
            waiting = {"state": MODULES[options["module"]], "payments": []} if "unpaid" in options else {"state": PAID}
            made = self.do("order", **{"lines": lines, **options, **known, **waiting})
            self.orders.append(made["id"])

    first = initialize(basket=BASKET, options=OPTIONS)(order)
    second = initialize(basket=BASKET, options=OPTIONS)(order)
    another = precondition(lambda self: len(self.orders) < 6)(rule(basket=BASKET, options=OPTIONS)(order))

    @_with(lambda self, order: self.is_waiting(order))
    def pay(self, order: int) -> None:
        """The payment that an order waits for arrives."""
        self.do("order/state", id=order, state=PAID)

    @_with(
        lambda self, order: self.is_paid(order),
        method=st.sampled_from(["Carte bancaire", "Carte cadeau"]),
        by_module=st.booleans(),
    )
    def pay_the_rest(self, order: int, method: str, by_module: bool) -> None:
        """What is still owed of an edited order, or 3 euros too much; typed in or by a module."""
        owed = Decimal(self.row("orders", order)["total_paid"])
        owed -= sum(amount for _, amount in self.ledger.payments(order))
        self.do("order/pay", id=order, amount=str(owed if owed > 0 else 3), method=method, by_module=by_module)

    # -- the back office -------------------------------------------------------------------------------------------

    @_with(
        lambda self, order: self.is_paid(order) and bool(self.lines(order)),
        line=st.integers(0, 2),
        units=st.integers(0, 2),
        part=st.booleans(),
        shipping=st.sampled_from(["0", "0", "3.10", "99"]),
        form=st.sampled_from(["slip", "slip", "slip and voucher", "voucher"]),
        restock=st.booleans(),
    )
    def refund(self, order: int, line: int, units: int, part: bool, shipping: str, form: str, restock: bool) -> None:
        """Units, some or all of their price, shipping: a credit slip, with a voucher, or a voucher alone."""
        row = self.lines(order)[line % len(self.lines(order))]
        units = min(units, int(row["product_quantity"]) - self.refunded(row))
        price = (units * Decimal(row["unit_price_tax_incl"]) / (2 if part else 1)).quantize(Decimal("0.01"))
        lines = [{"line": row["id"], "quantity": units, **({"amount": str(price)} if part else {})}] if units else []
        ledger = self.ledger
        carried = min(Decimal(shipping), ledger.worth(order)["service", "shipping"])
        kept = sum(refund.total for refund in ledger.refunds(order) if refund.voucher)
        if form == "voucher" and order in self.loose:
            return  # of two nobody can say which units are whose (docs/orders.md)
        if 0 < price + carried <= ledger.worth(order)["total", ""] - kept:
            self.loose |= {order} if form == "voucher" else set()
            forms = {"slip": "slip" in form, "voucher": "voucher" in form, "restock": restock}
            self.do("order/refund", id=order, lines=lines, shipping=str(carried), **forms)

    @_with(
        lambda self, order: self.is_paid(order) or self.is_waiting(order),
        state=st.sampled_from([CANCELLED, REFUNDED, SHIPPED]),
    )
    def leave(self, order: int, state: int) -> None:
        """An order is cancelled, paid or not; a paid one is refunded, or shipped."""
        if self.state(order) != state and (self.is_paid(order) or state == CANCELLED):
            self.do("order/state", id=order, state=state)

    @_with(lambda self, order: self.state(order) in {CANCELLED, REFUNDED})
    def revive(self, order: int) -> None:
        """A cancelled or refunded order is paid after all."""
        self.do("order/state", id=order, state=PAID)

    @_with(
        lambda self, order: self.is_open(order) and bool(self.lines(order)),
        line=st.integers(0, 2),
        more=st.sampled_from([-2, -1, 1, 2]),
    )
    def edit(self, order: int, line: int, more: int) -> None:
        """Another quantity."""
        row = self.lines(order)[line % len(self.lines(order))]
        left = self.left({"id_product": int(row["product_id"]), "id_product_attribute": row["product_attribute_id"]})
        units = max(int(row["product_quantity"]) + min(more, max(left, 0)), self.refunded(row), 1)
        self.do("order/edit", id=order, line=row["id"], quantity=units)

    @_with(lambda self, order: self.is_open(order), at=st.integers(0, MOST))
    def add(self, order: int, at: int) -> None:
        """One more piece."""
        piece = self.pieces[at]
        held = {(int(row["product_id"]), int(row["product_attribute_id"])) for row in self.lines(order)}
        if self.left(piece) > 0 and (piece["id_product"], piece["id_product_attribute"]) not in held:
            self.do("order/edit", id=order, add={**piece, "quantity": 1})

    @_with(lambda self, order: self.is_open(order), discount=st.sampled_from([{"percent": 5}, {"amount": "2.20"}]))
    def discount(self, order: int, discount: Json) -> None:
        """A discount after the fact, where enough is left."""
        if self.ledger.worth(order)["total", ""] > 30:
            self.do("order/edit", id=order, discount=discount)

    # -- LCV, time, runs -------------------------------------------------------------------------------------------

    @rule(at=st.integers(0, MOST), quantity=st.integers(0, 6))
    def stock(self, at: int, quantity: int) -> None:
        """LCV counts another stock."""
        self.world.stock_in(self.pieces[at]["sku"], quantity)

    @rule(minutes=st.sampled_from([4, 6, 6, 61, 24 * 60]))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        self.world.advance(minutes=minutes)

    @rule()
    def sync(self) -> None:
        """A run that nothing disturbs."""
        self.run({0, 3, 6})

    @rule(
        fault=st.sampled_from(FAULTS), skip=st.integers(0, 15), at_lcv=st.booleans(), times=st.sampled_from([1, 1, 4])
    )
    def disturbed(self, fault: tuple[FaultKind, int], skip: int, at_lcv: bool, times: int) -> None:
        """A run in which a request goes wrong, or several in a row."""
        server = self.world.lcv if at_lcv else self.world.shop
        server.faults = [Fault(fault[0], status=fault[1], skip=skip, times=times)]
        self.run(ACCEPTED)
        server.faults = []

    @rule(at=st.integers(1, 25), served=st.booleans())
    def killed(self, at: int, served: bool) -> None:
        """A run that is killed."""
        Killed(self.world, at, served).run()

    def run(self, accepted: set[int]) -> Report:
        """A run; whatever happens to it, nothing is ever in LCV twice."""
        report = self.world.sync()
        assert report.exit_code in accepted, (report.exit_code, report.error, report.failed)
        ledger = self.ledger
        assert not [twice for order in ledger.orders for twice in ledger.held(order).twice]
        return report

    def teardown(self) -> None:
        """Whatever happened: a few runs later LCV holds what the shop says, and there is nothing left to do."""
        for minutes in QUIET:
            self.world.advance(minutes=minutes)
            report = self.run({0, 3, 6})
            if minutes != QUIET[0] and (report.exit_code, report.changes) == (0, {}):
                break
        problems = self.ledger.problems()
        assert not problems, "\n".join(problems)
        self.nothing_to_do()
        self.nothing_oversold()

    def nothing_to_do(self) -> None:
        """One more run sends nothing to LCV and writes nothing to the shop."""
        again = self.world.sync()
        sent = [f"{each.method} {each.path}" for each in self.world.lcv.requests if each.method != "GET"]
        written = [f"{each.method} {each.path}" for each in self.world.writes()]
        assert (again.exit_code, sent, written) == (0, [], []), again

    def nothing_oversold(self) -> None:
        """No piece is on sale beyond what LCV has and nobody has bought."""
        left = self.ledger.left()
        over = {piece["sku"]: (self.left(piece), left.get(piece["sku"], 0)) for piece in self.pieces}
        assert not {sku: found for sku, found in over.items() if found[0] > found[1]}, over


@pytest.fixture(scope="module", autouse=True)
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Six articles, one of them at 5.5 %, on sale in an adopted shop."""
    with world(tmp_path_factory.mktemp("orders"), articles=6, seed=3, demo_data=False, orders=ORDERS) as made:
        Orders.world = made
        articles = sorted(made.in_lcv("articles"), key=lambda article: str(article["id"]))
        made.change_article(articles[2]["id"], vat_rate="5.50")
        made.tell_lcv("services", ["PORT", "EMB"])
        skus = [variant["sku"] for article in articles for variant in article["variants"][:2]]
        for sku in skus:
            made.stock_in(sku, EACH)
        for name, code in PAYMENTS.items():
            made.map("payment", name, [code])
        assert made.sync().exit_code == 0
        made.adopt()
        assert made.sync().exit_code == 0
        ledger = Ledger(made.shop_dump(), made.dump(), Terms(PAYMENTS))
        bound = [(int(product), int(combination), sku) for (product, combination), sku in ledger.skus.items()]
        Orders.pieces = [dict(zip(PIECE, piece, strict=True)) for piece in bound if piece[2] in skus]
        assert len(Orders.pieces) > MOST
        made.snapshot()
        yield


class LongHistories(Orders):
    """Many more of them, and longer."""


Orders.TestCase.settings = settings(max_examples=3, stateful_step_count=25, phases=[Phase.generate], **COMMON)
"""To make a failing history shorter takes minutes: the long ones do."""
LongHistories.TestCase.settings = settings(
    settings.get_profile("deep"), max_examples=300, stateful_step_count=40, **COMMON
)
TestOrders = Orders.TestCase
TestLongHistories = pytest.mark.deep(LongHistories.TestCase)
