"""Split orders: one basket that became several orders has one reference, and its payments know only that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.orders import Order, OrderPayment
from lcvsync.domain.sales import SaleKind, payments_total
from lcvsync.planning.sales import Held
from lcvsync.planning.split_orders import allotted
from tests.planning.orders import exported, in_force, kept_by_lcv, line, money, order, payment, then, told

D = Decimal


def split(payments: Sequence[OrderPayment], *totals: str) -> list[Order]:
    """Orders of one reference with ids from 1, each with all of their payments, as the shop has them."""
    return [order(line(1, total), key=key, payments=payments) for key, total in enumerate(totals, 1)]


def shares(orders: Sequence[Order], claims: Mapping[int, str] | None = None) -> list[list[str]]:
    """What each order has of the payments, as `1: 20`."""
    taken = {key: D(amount) for key, amount in (claims or {}).items()}
    return [
        [f"{share.id}: {share.amount.normalize():f}" for share in allotted(each, orders, taken).payments]
        for each in orders
    ]


def claims_of(held: Mapping[int, list[Held]]) -> dict[int, Decimal]:
    """What the first sale of every exported order says was paid."""
    return {key: payments_total(found[0].sale) for key, found in held.items() if found}


def test_one_order() -> None:
    """An order that shares its reference with none keeps its payments, whatever they are."""
    (alone,) = split([payment(1, "99.00"), payment(2, "0")], "20.00")

    assert allotted(alone, [alone], {}) is alone
    assert allotted(alone, [], {}) is alone


@pytest.mark.parametrize(
    ("payments", "found"),
    [
        (["50.00"], [["1: 20"], ["1: 30"]]),
        (["20.00", "30.00"], [["1: 20"], ["2: 30"]]),
        (["10.00", "15.00", "25.00"], [["1: 10", "2: 10"], ["2: 5", "3: 25"]]),
        (["15.00"], [["1: 15"], []]),
        (["60.00"], [["1: 20"], ["1: 40"]]),
        (["50.00", "4.00"], [["1: 20"], ["1: 30", "2: 4"]]),
        ([], [[], []]),
    ],
    ids=["one", "one each", "several", "too little", "too much", "one too many", "none"],
)
def test_payments_of_two_orders(payments: list[str], found: list[list[str]]) -> None:
    """By ids every order takes its total from the payments in theirs; what is left is the last one's."""
    rows = [payment(key, amount) for key, amount in enumerate(payments, 1)]

    assert shares(split(rows, "20.00", "30.00")) == found


def test_order_of_ids() -> None:
    """The order in which siblings are listed doesn't count, and parts of one payment are one."""
    one, two = split([payment(1, "25.00"), payment(2, "25.00")], "20.00", "30.00")

    assert shares([two, one]) == shares([one, two])[::-1]
    three = split([payment(1, "70.00")], "20.00", "30.00", "10.00")
    assert shares(three) == [["1: 20"], ["1: 30"], ["1: 20"]]
    assert allotted(one, [two, one], {}).payments == (replace(payment(1, "25.00"), amount=D("20.00")),)


def test_what_was_exported_keeps_its_share() -> None:
    """An exported order has what its sale says was paid, though it is worth something else since."""
    one, two = split([payment(1, "50.00")], "25.00", "30.00")

    assert shares([one, two], {1: "20.00"}) == [["1: 20"], ["1: 30"]]
    assert shares([replace(one, total=D("5.00")), two], {1: "20.00"}) == [["1: 20"], ["1: 30"]]
    assert shares([replace(one, total=D("5.00")), two]) == [["1: 5"], ["1: 45"]]


def test_late_payment() -> None:
    """What comes later goes to an order that lacks something, else to the last one."""
    paid = [payment(1, "50.00"), payment(2, "5.00", "Chèque")]

    assert shares(split(paid, "25.00", "30.00"), {1: "20.00", 2: "30.00"}) == [["1: 20", "2: 5"], ["1: 30"]]
    assert shares(split(paid, "20.00", "30.00"), {1: "20.00", 2: "30.00"}) == [["1: 20"], ["1: 30", "2: 5"]]
    assert shares(split(paid, "22.00", "30.00"), {1: "20.00", 2: "30.00"}) == [["1: 20", "2: 2"], ["1: 30", "2: 3"]]


def test_part_of_a_payment_twice() -> None:
    """A payment of which an order takes twice is one payment of it."""
    one, two = split([payment(1, "60.00")], "25.00", "30.00")

    assert shares([one, two], {1: "20.00"}) == [["1: 25"], ["1: 35"]]


def test_split_order_told_one_by_one() -> None:
    """Whichever order is exported first, nothing changes for it when the others follow, are edited or paid."""
    one, two = split([payment(1, "50.00")], "20.00", "30.00")
    held: dict[int, list[Held]] = {1: exported(allotted(one, [one, two], {}))}
    held[2] = exported(allotted(two, [one, two], claims_of(held)))

    assert told(allotted(one, [one, two], claims_of(held)), held[1]) == []
    assert told(allotted(two, [one, two], claims_of(held)), held[2]) == []

    edited = replace(two, lines=(line(1, "35.00"),), total=D("35.00"))
    owed = allotted(edited, [one, edited], claims_of(held))
    assert told(owed, held[2]) == ["reversal of 1", "sale sale 35"]
    held[2] = then(held[2], owed)
    assert money(in_force(held[2])[0].sale.payments) == ["CB 30", "CB 5"]
    assert told(allotted(one, [one, edited], claims_of(held)), held[1]) == []

    late = (*two.payments, payment(2, "5.00", "Chèque"))
    paid_one, paid_two = replace(one, payments=late), replace(edited, payments=late)
    assert told(allotted(paid_one, [paid_one, paid_two], claims_of(held)), held[1]) == []
    held[2] = then(held[2], allotted(paid_two, [paid_one, paid_two], claims_of(held)))
    assert kept_by_lcv(held[2]) == ("35", ["1 A"], ["CB 30", "CHQ 5"])


def test_cancelled_part() -> None:
    """One order that is over keeps its share, so that the others stay as they are."""
    one, two = split([payment(1, "50.00")], "20.00", "30.00")
    held = {key: exported(allotted(each, [one, two], {})) for key, each in ((1, one), (2, two))}
    gone = replace(one, lines=(), total=D(0))

    assert told(allotted(two, [gone, two], claims_of(held)), held[2]) == []
    assert [each.sale.kind for each in held[1]] == [SaleKind.SALE]


CENTS = st.integers(1, 5000).map(lambda cents: f"{D(cents) / 100}")


@given(st.lists(CENTS, max_size=4), st.lists(CENTS, min_size=2, max_size=4), st.data())
def test_no_payment_is_lost(amounts: list[str], totals: list[str], data: st.DataObject) -> None:
    """The shares of all orders are the payments, to the cent; nobody has more than its own while another lacks some."""
    orders = split([payment(key, amount) for key, amount in enumerate(amounts, 1)], *totals)
    claims = data.draw(st.dictionaries(st.sampled_from(range(1, len(totals) + 1)), CENTS.map(D)))
    found = {each.id: allotted(each, orders, claims) for each in orders}

    for paid in orders[0].payments:
        parts = [share for each in found.values() for share in each.payments if share.id == paid.id]
        assert sum(part.amount for part in parts) == paid.amount
        assert all((part.method, part.date) == (paid.method, paid.date) and part.amount > 0 for part in parts)
    over = [each for each in found.values() if each.paid > max(each.total, claims.get(each.id, D(0)))]
    assert not over or all(each.paid >= each.total for each in found.values())


def test_payment_that_was_taken_back() -> None:
    """A negative payment (money that a person noted as paid back) counts for one of the orders."""
    orders = split([payment(1, "50.00"), payment(2, "-5.00")], "20.00", "25.00")

    assert sum(allotted(each, orders, {}).paid for each in orders) == D("45.00")
