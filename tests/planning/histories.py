"""Random orders, what people do to them, and what they are worth then: the oracle of `test_order_histories`.

`Shop` is one order as a shop keeps it. It notes everything that it gives back (`Act`), and from these notes, not from
slips and vouchers, `Shop.worth` reckons what LCV must hold. It follows design 3.6 and shares only rounding with the
code.

What people do has the bounds of `tests/machine/test_orders.py`: nobody gets more back than was paid, nothing is edited
below what was refunded, and of an order that is over nothing more is refunded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from lcvsync.domain.money import to_cents, to_stored
from lcvsync.domain.orders import CreditSlip, HistoryRow, IssuedVoucher, Order, OrderLine, SlipRow
from tests.planning.orders import CANCELLED, PAID, PAYMENTS, REFUNDED, ZERO, at, line, order, payment, used

SKUS = {1: "A", 2: "B", 3: "A", 4: "C"}
"""Two lines may sell the same, at one rate."""
WAYS = ("Carte bancaire", "Virement", "Chèque", "Seconde carte")
LATE = ("Carte cadeau", "Seconde carte")
"""What is paid after an edit; the second cards have the code of the first."""
SHIPPING_RATE = Decimal(20)
CENT = Decimal("0.01")

Amounts = dict[Decimal, Decimal]
"""By rate of VAT."""


def rate_of(key: int) -> Decimal:
    """The rate of a line."""
    return Decimal(20) if key % 2 else Decimal("5.5")


@dataclass(frozen=True)
class Act:
    """Something given back: (line, units, amount) of rows, shipping, the total, and what of it was a voucher."""

    rows: tuple[tuple[int, int, Decimal], ...]
    shipping: Decimal
    total: Decimal
    voucher: Decimal
    loose: bool
    """A voucher without slip."""

    def rates(self) -> Amounts:
        """What it takes off each rate; rows worth more than the slip are reduced pro rata, a lack is the row's."""
        gross: Amounts = {}
        for key, _, amount in self.rows:
            _add(gross, rate_of(key), amount)
        _add(gross, SHIPPING_RATE, self.shipping)
        beyond = sum(gross.values()) - self.total
        for rate, part in shared(beyond, gross).items():
            _add(gross, rate, -part)
        return gross


@dataclass(frozen=True)
class Event:
    """Something that happens; what it does with its numbers is up to the kind."""

    kind: str
    line: int
    units: int
    shipping: str
    form: str
    """Of a refund: money, or which voucher."""
    amount: str
    """Of a refund: the whole price or half of it, or the slip's total beside its rows. Of an edit: what it changes."""
    restock: bool


EVENTS = st.builds(
    Event,
    st.sampled_from(["refund"] * 5 + ["edit"] * 3 + ["cancel", "refunded", "revive", "revive", "pay", "run", "run"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["0", "0", "2.10", "99"]),
    st.sampled_from(["money", "money", "whole", "part", "without tax", "loose"]),
    st.sampled_from(["whole", "half", "exact", "less", "more"]),
    st.booleans(),
)


@dataclass(frozen=True)
class Reckoned:
    """What LCV must hold in sum, without what is 0."""

    total: Decimal
    units: dict[str, int]
    money: dict[str, Decimal]
    rates: Amounts
    """But for cents."""
    out: dict[str, int]
    """Units that left the shop's stock."""


@dataclass
class Shop:
    """One order, as it is now, and what was given back of it."""

    order: Order
    rounding: str
    percent: int = 0
    """Taken off the articles."""
    off: Decimal = ZERO
    """Taken off besides."""
    acts: list[Act] = field(default_factory=list)
    minutes: int = 0
    is_back: bool = False
    """Whether cancelling put everything back into the shop's stock."""

    @property
    def now(self) -> datetime:
        """Later than everything that happened."""
        return at(3) + timedelta(minutes=self.minutes)

    @property
    def is_over(self) -> bool:
        """Whether the order is worth nothing."""
        return self.order.state != PAID

    def recounted(self, lines: tuple[OrderLine, ...], percent: int) -> Order:
        """The order with other lines or another discount, added up as the shop rounds."""
        exact = [(each.quantity, each.unit_incl_tax) for each in lines]
        goods = {
            "total": to_cents(sum((count * unit for count, unit in exact), ZERO)),
            "line": sum((to_cents(count * unit) for count, unit in exact), ZERO),
            "item": sum((count * to_cents(unit) for count, unit in exact), ZERO),
        }[self.rounding]
        free = self.order.shipping if any(each.free_shipping for each in self.order.vouchers) else ZERO
        discounts = min(goods, to_cents(goods * percent / 100) + self.off) + free
        total = goods + self.order.shipping + self.order.wrapping - discounts
        return replace(self.order, lines=lines, discounts=discounts, total=total)

    # -- what happens --------------------------------------------------------------------------------------------------

    def do(self, event: Event) -> None:
        """Let something happen, a few minutes after the last; what isn't possible doesn't happen."""
        self.minutes += 5
        if event.kind in {"cancel", "refunded"}:
            self._enter(CANCELLED if event.kind == "cancel" else REFUNDED)
        elif event.kind == "revive" and self.is_over:
            self._enter(PAID)
        elif self.is_over or not self.order.lines:
            return
        elif event.kind == "refund":
            self._refund(event)
        elif event.kind == "edit":
            self._edit(event)
        elif event.kind == "pay":
            paid = payment(len(self.order.payments) + 1, "3.00", LATE[event.units % 2])
            self.order = replace(self.order, payments=(*self.order.payments, paid))

    def _enter(self, state: int) -> None:
        row = HistoryRow(len(self.order.history) + 1, state, self.now)
        self.order = replace(self.order, state=state, history=(*self.order.history, row))
        self.is_back = state == CANCELLED or (self.is_back and state != PAID)

    def _edit(self, event: Event) -> None:
        """Another quantity, another price, a line less, or another discount."""
        found = self.order.lines[event.line % len(self.order.lines)]
        new: OrderLine | None = found
        percent = self.percent
        if event.amount in {"whole", "half"}:
            new = replace(found, quantity=max(1, found.refunded, event.units + found.quantity - 1))
        elif event.amount == "more":
            percent = event.units * 5
        elif not event.units and not found.refunded:
            new = None
        elif found.unit_incl_tax:
            price = to_cents(found.unit_incl_tax * (event.units + 1) / 2) or Decimal("0.50")
            excl = to_stored(price * 100 / (100 + rate_of(found.id)))
            new = replace(found, unit_incl_tax=price, unit_excl_tax=excl)
        edited = self.recounted(self._with(found, new), percent)
        if edited.total >= sum(act.total for act in self.acts):
            self.order, self.percent = edited, percent

    def _with(self, old: OrderLine, new: OrderLine | None) -> tuple[OrderLine, ...]:
        lines = (new if each is old else each for each in self.order.lines)
        return tuple(each for each in lines if each)

    def _refund(self, event: Event) -> None:
        found = self.order.lines[event.line % len(self.order.lines)]
        units, loose = min(event.units, found.quantity - found.refunded), event.form == "loose"
        exact = units * found.unit_incl_tax / (2 if event.amount == "half" else 1)
        goods = to_cents(exact)
        besides = {"exact": exact - goods, "less": -to_cents(goods * 15 / 100), "more": units * Decimal("0.30")}
        beside = ZERO if loose else besides.get(event.amount, ZERO)
        kept = self.order.shipping - sum(act.shipping for act in self.acts)
        shipping = min(Decimal(event.shipping), kept) if beside <= 0 else ZERO
        total = to_cents(goods + beside + shipping)
        voucher = {"money": ZERO, "part": to_cents(total / 3)}.get(event.form, total)
        act = Act(((found.id, units, goods),) if units else (), shipping, total, voucher, loose)
        left = self.order.total - sum(each.total for each in self.acts)
        if 0 < total <= left:
            self.acts.append(act)
            self._note(act, goods + beside, untaxed=event.form == "without tax")
            back = units * event.restock
            counted = replace(
                found,
                refunded=found.refunded + units,
                reinjected=found.reinjected + back,
                refunded_incl_tax=found.refunded_incl_tax + goods,
            )
            self.order = replace(self.order, lines=self._with(found, counted))

    def _note(self, act: Act, products: Decimal, *, untaxed: bool) -> None:
        """What the shop's tables have of it: a slip, a voucher."""
        key, excl = len(self.acts), [to_cents(each / Decimal("1.2")) for each in (products, act.shipping)]
        if not act.loose:
            rows = tuple(SlipRow(*row) for row in act.rows)
            slip = CreditSlip(key, self.now, products, act.shipping, excl[0], excl[1], rows)
            self.order = replace(self.order, slips=(*self.order.slips, slip))
        if act.voucher:
            issued = IssuedVoucher(key, self.now, sum(excl, ZERO) if untaxed else act.voucher, taxed=not untaxed)
            self.order = replace(self.order, issued=(*self.order.issued, issued))

    # -- what it is worth ----------------------------------------------------------------------------------------------

    def worth(self) -> Reckoned:
        """What LCV must hold."""
        units, out, money = Counter[str](), Counter[str](), self._money()
        for each in self.order.lines:
            units[SKUS[each.id]] += 0 if self.is_over else each.quantity - each.refunded
            gone = each.refunded if self.is_back else each.quantity
            out[SKUS[each.id]] += gone - each.reinjected
        return Reckoned(
            sum(money.values(), ZERO),
            {sku: count for sku, count in units.items() if count},
            {code: amount for code, amount in money.items() if amount},
            self._rates(),
            {sku: count for sku, count in out.items() if count},
        )

    def _money(self) -> dict[str, Decimal]:
        """Payments by code, the difference to the total under the largest, less what was given back as money."""
        left: dict[str, Decimal] = {}
        for each in self.order.payments:
            left[PAYMENTS[each.method]] = left.get(PAYMENTS[each.method], ZERO) + each.amount
        beside = self.order.total - sum(left.values())
        largest = max(left, key=lambda code: left[code], default="CB")
        if abs(beside) <= CENT and left:  # a rounding, which is the largest payment's
            largest = PAYMENTS[max(self.order.payments, key=lambda each: each.amount).method]
        left[largest] = left.get(largest, ZERO) + beside
        for act in self.acts:
            _give(left, act.total - act.voucher)
        if self.is_over:
            _give(left, sum(left.values()) - sum((act.voucher for act in self.acts), ZERO))
        return left

    def _rates(self) -> Amounts:
        """Lines and services less discounts and refunds; when it is over, what vouchers keep. But for cents."""
        rates: Amounts = {}
        for each in self.order.lines:
            _add(rates, rate_of(each.id), each.quantity * each.unit_incl_tax)
        free = self.order.shipping if any(each.free_shipping for each in self.order.vouchers) else ZERO
        for rate, part in shared(self.order.discounts - free, dict(rates)).items():
            _add(rates, rate, -part)
        _add(rates, SHIPPING_RATE, self.order.shipping - free + self.order.wrapping)
        kept: Amounts = {}
        for act in self.acts:
            back = {} if act.loose else act.rates()  # what a loose voucher takes off it gives
            for rate, part in shared(act.voucher, back).items() if back else ():
                _add(kept, rate, part)
            for rate, amount in back.items():
                _add(rates, rate, -amount)
        return kept if self.is_over else {rate: amount + kept.get(rate, ZERO) for rate, amount in rates.items()}


def shared(amount: Decimal, weights: Mapping[Decimal, Decimal]) -> Amounts:
    """An amount pro rata; at no rate where nothing weighs anything."""
    whole = sum(weights.values())
    return {rate: amount * weight / whole for rate, weight in weights.items()} if whole else {ZERO: amount}


def _add(amounts: Amounts, rate: Decimal, amount: Decimal) -> None:
    amounts[rate] = amounts.get(rate, ZERO) + amount


def _give(left: dict[str, Decimal], amount: Decimal) -> None:
    """Give money back: from the code of which most is left, on a tie the older one, then from the next."""
    ranked = sorted(left, key=lambda code: -left[code])
    for code in ranked:
        part = min(amount, max(left[code], ZERO))
        left[code] -= part
        amount -= part
    left[ranked[0]] -= amount


# -- random orders -----------------------------------------------------------------------------------------------------

PRICES = st.one_of(
    st.integers(500_000, 90_000_000).map(lambda micros: Decimal(micros) / 10**6),
    st.sampled_from(["8.338333", "2.777778", "10", "0", "19.12"]).map(Decimal),
)
"""Without tax, up to six decimals."""


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """One to four lines at two rates, with or without shipping, wrapping and discounts, and up to three payments."""
    lines = []
    for key in range(1, draw(st.integers(1, 4)) + 1):
        excl = draw(PRICES)
        incl = to_stored(excl * (100 + rate_of(key)) / 100)
        lines.append(line(key, str(incl), draw(st.integers(1, 4)), excl=str(excl)))
    services = draw(st.sampled_from(["0", "4.90", "8.40"])), draw(st.sampled_from(["0", "0", "3.00"]))
    free = draw(st.booleans()) and services[0] != "0"
    found = order(*lines, shipping=services[0], wrapping=services[1], vouchers=(used(free_shipping=free),))
    percent, off = draw(st.sampled_from([0, 0, 10, 33])), Decimal(draw(st.sampled_from(["0", "0", "2.20", "0.01"])))
    shop = Shop(found, draw(st.sampled_from(["total", "line", "item"])), percent, off)
    shop.order = shop.recounted(found.lines, percent)
    shop.order = replace(shop.order, payments=())
    rest = shop.order.total
    ways = draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=3))
    for key, way in enumerate(ways, 1):
        last = key == len(ways)
        part = rest if last else to_cents(rest * draw(st.integers(1, 3)) / 4)
        cent = Decimal(draw(st.sampled_from(["0", "0", "0.01", "-0.01"]))) if last else ZERO
        rest -= part
        if part:
            paid = payment(key, str(part + cent), way)
            shop.order = replace(shop.order, payments=(*shop.order.payments, paid))
    return shop
