"""The lines and tenders of refunds: totals count, units return as far as the shop put them back, money goes home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.orders import CreditSlip, IssuedVoucher, Order
from lcvsync.domain.sales import Payment
from lcvsync.planning.refund_lines import (
    Counted,
    Goods,
    Units,
    give_back,
    rest_goods,
    slip_goods,
    units_put_back,
    voucher_goods,
)
from lcvsync.planning.sale_lines import discount_line
from lcvsync.planning.vouchers import voucher_value
from tests.planning.orders import line, lines_of, money, order, shown, slip, sold, used, voucher

D = Decimal
TWO_RATES = (line(1, "20.00", 3, reinjected=3), line(2, "10.00", 2, rate="5.5", reinjected=2))


def by_slip(found: Order, each: CreditSlip, *before: Units) -> Goods:
    """What a credit slip gives back."""
    return slip_goods(each, found, sold(found), before)


def by_voucher(
    found: Order, each: IssuedVoucher, *before: Units, counted: Counted | None = None, last: bool = True
) -> Goods:
    """What a voucher without slip gives back; the only one unless said otherwise."""
    return voucher_goods(each, found, sold(found), before, counted or {}, last=last)


# -- credit slips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "products", "shipping", "lines"),
    [
        ([(1, 2, "40.00")], "", "0", ["-2 A 20 @20"]),
        ([(1, 2, "25.00")], "", "0", ["-2 A 12.5 @20"]),
        ([(1, 3, "10.00")], "", "0", ["-3 A 3.333333 @20"]),
        ([(1, 1, "20.00"), (2, 1, "10.00")], "", "3.60", ["-1 A 20 @20", "-1 B 10 @5.5", "-1 PORT 3.6 @20"]),
        ([], "0", "8.40", ["-1 PORT 8.4 @20"]),
        ([(1, 1, "0")], "", "0", ["-1 A 0 @20"]),
        ([(1, 0, "5.00")], "5.00", "0", ["-1 PORT 5 @20"]),
        ([(1, 2, "40.00"), (1, 2, "40.00")], "", "0", ["-2 A 20 @20", "-1 A 20 @20", "-1 A 20 @20 out"]),
        ([], "0", "0", []),
    ],
    ids=[
        "whole price",
        "a part of it",
        "three for ten",
        "two lines and shipping",
        "shipping alone",
        "goods for nothing",
        "an amount without units",
        "a line twice",
        "nothing",
    ],
)
def test_rows_of_a_slip(rows: list[tuple[int, int, str]], products: str, shipping: str, lines: list[str]) -> None:
    """Rows are articles at what was given back for one; shipping is a line at the rate of the sale's."""
    assert shown(by_slip(order(*TWO_RATES), slip(1, rows, products, shipping)).lines) == lines


@pytest.mark.parametrize(
    ("products", "lines"),
    [
        ("44.00", ["-2 A 20 @20", "-1 B 10 @5.5", "-1 discount -4.8 @20", "-1 discount -1.2 @5.5"]),
        ("49.97", ["-2 A 20 @20", "-1 B 10 @5.5", "-1 discount -0.02 @20", "-1 discount -0.01 @5.5"]),
        ("49.98", ["-2 A 19.99 @20", "-1 B 10 @5.5"]),
        ("49.996", ["-2 A 20 @20", "-1 B 10 @5.5"]),
        ("0", ["-2 A 20 @20", "-1 B 10 @5.5", "-1 discount -40 @20", "-1 discount -10 @5.5"]),
        ("50.01", ["-2 A 20.005 @20", "-1 B 10 @5.5"]),
        ("56.00", ["-2 A 23 @20", "-1 B 10 @5.5"]),
    ],
    ids=["above", "three cents above", "two cents above", "rounded", "for nothing", "a cent below", "below"],
)
def test_totals_count(products: str, lines: list[str]) -> None:
    """Rows worth more are reduced by discounts at their rates, pro rata; cents and what lacks are the largest's."""
    each = replace(slip(1, [(1, 2, "40.00"), (2, 1, "10.00")]), products=D(products))

    goods = by_slip(order(*TWO_RATES), each)

    assert shown(goods.lines) == lines
    assert goods.worth == D(products).quantize(D("0.01"))


def test_slip_of_a_line_that_is_gone() -> None:
    """What a slip gave back for a line that an edit took out comes back as shipping: its money counts."""
    goods = by_slip(order(*TWO_RATES), slip(1, [(9, 1, "12.00")]))

    assert shown(goods.lines) == ["-1 PORT 12 @20"]


# -- what returns to stock ---------------------------------------------------------------------------------------------


def test_units_that_the_shop_kept_out() -> None:
    """Of three units two went back on the shelf: one line for those, one for the unit that stays out."""
    goods = by_slip(order(line(1, "20.00", 4, reinjected=2)), slip(1, [(1, 3, "60.00")]))

    assert shown(goods.lines) == ["-2 A 20 @20", "-1 A 20 @20 out"]
    assert goods.units == {1: (3, 2)}
    twice = by_slip(
        order(line(1, "20.00", 4, reinjected=1)), slip(1, [(1, 1, "20.00"), (1, 2, "40.00"), (1, 1, "20.00")])
    )
    assert twice.units == {1: (4, 1)}


def test_units_of_a_line_that_is_gone() -> None:
    """Nothing says that the shop put back what a later edit took out of the order; the other lines keep their names."""
    found = order(line(1, "20.00"), line(2, "10.00"))
    goods = slip_goods(
        slip(1, [(1, 1, "20.00"), (2, 1, "10.00"), (1, 1, "20.00")]),
        replace(found, lines=found.lines[1:]),
        sold(found),
        [],
    )

    assert shown(goods.lines) == ["-1 A 20 @20 out", "-1 B 10 @20 out", "-1 A 20 @20 out"]
    assert [each.label for each in goods.lines] == ["A", "Article 2", "A"]


@pytest.mark.parametrize(
    ("rows", "reinjected", "returned"),
    [
        ([2, 1], [0, 1], [0, 1]),
        ([2, 1], [2, 2], [2, 0]),
        ([1, 1, 1], [1, 1, 2], [1, 0, 1]),
        ([1, 2, 1], [3, 3, 3], [1, 2, 0]),
        ([3, 1], [1, 1], [1, 0]),
        ([1, 1], [5, 5], [1, 1]),
    ],
    ids=["the second", "the first", "first and last", "all seen at once", "one of three", "more than was refunded"],
)
def test_restock_over_several_slips(rows: list[int], reinjected: list[int], returned: list[int]) -> None:
    """The shop counts reinjected units over all refunds: those that earlier refunds returned are taken off first."""
    before: list[Units] = []
    for key, (units, count) in enumerate(zip(rows, reinjected, strict=True), 1):
        found = order(line(1, "20.00", 5, refunded=sum(rows[:key]), reinjected=count))
        before.append(by_slip(found, slip(key, [(1, units, "1.00")]), *before).units)

    assert [each[1] for each in before] == list(zip(rows, returned, strict=True))


@given(st.permutations([1, 2, 3]), st.integers(0, 6))
def test_restock_in_any_order(units: Sequence[int], reinjected: int) -> None:
    """In whatever order refunds are told, together they return what the shop put back, and no more than they hold."""
    found = order(line(1, "20.00", 6, refunded=6, reinjected=reinjected))
    before: list[Units] = []
    for key, count in enumerate(units, 1):
        before.append(by_slip(found, slip(key, [(1, count, "1.00")]), *before).units)

    assert sum(each[1][1] for each in before) == reinjected
    assert all(back <= count for count, back in (each[1] for each in before))


# -- vouchers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_value", "lines"),
    [
        ("50.00", ["-1 discount -40 @20", "-1 discount -10 @5.5"]),
        ("12.00", ["-1 discount -9.6 @20", "-1 discount -2.4 @5.5"]),
        ("0.01", ["-1 discount -0.01 @20"]),
        ("0", []),
    ],
    ids=["all of it", "a part", "a cent", "none"],
)
def test_voucher_in_place_of_money(given_value: str, lines: list[str]) -> None:
    """A voucher is a discount of quantity -1 at minus its value, spread over the rates of what came back."""
    goods = by_slip(order(*TWO_RATES), slip(1, [(1, 2, "40.00"), (2, 1, "10.00")]))
    whole = Goods(goods.lines, goods.units, D(given_value))

    assert shown(whole.all_lines()[2:]) == lines
    assert {each.label for each in whole.all_lines()[2:]} <= {"Bon d'achat"}


def test_voucher_is_weighed_by_goods() -> None:
    """What a slip is reduced by doesn't count when its voucher is spread; without goods it is at no rate."""
    lines = lines_of(order(line(1, "20.00"), line(2, "20.00", rate="5.5")))
    goods = [*(replace(each, quantity=-1) for each in lines), discount_line("Remise", D("-10.00"), D(20), -1)]

    assert shown(Goods(tuple(goods), {}, D("30.00")).all_lines()[3:]) == ["-1 discount -15 @20", "-1 discount -15 @5.5"]
    assert shown(Goods((), {}, D("5.00")).all_lines()) == ["-1 discount -5 @0"]


@pytest.mark.parametrize(
    ("refunded", "value", "lines"),
    [
        ((2, 0), "40.00", ["-2 A 20 @20"]),
        ((1, 1), "30.00", ["-1 A 20 @20", "-1 B 10 @5.5"]),
        ((1, 0), "28.40", ["-1 A 20 @20", "-1 PORT 8.4 @20"]),
        ((0, 0), "8.40", ["-1 PORT 8.4 @20"]),
        ((2, 0), "30.00", ["-2 A 20 @20", "-1 discount -10 @20"]),
        ((1, 0), "20.004", ["-1 A 20 @20"]),
        ((0, 0), "0", []),
    ],
    ids=["units", "of two lines", "and shipping", "shipping alone", "less than they cost", "rounded", "worth nothing"],
)
def test_voucher_without_slip(refunded: tuple[int, int], value: str, lines: list[str]) -> None:
    """It stands for the units counted as refunded; beyond them it is shipping, below them a discount."""
    found = order(*(replace(each, refunded=count) for each, count in zip(TWO_RATES, refunded, strict=True)))
    goods = by_voucher(found, voucher(4, value))

    assert shown(goods.lines) == lines
    assert goods.worth == goods.voucher == D(value).quantize(D("0.01"))


def test_voucher_beyond_the_slips() -> None:
    """Units that slips and other vouchers count are not this one's, nor do units return to stock twice."""
    found = order(line(1, "20.00", 4, refunded=3, reinjected=2))

    told, to_come = {1: (1, 1)}, {1: (2, D("40.00"))}
    assert shown(by_voucher(found, voucher(4, "40.00"), told, counted={1: (1, D("20.00"))}).lines) == [
        "-1 A 20 @20",
        "-1 A 20 @20 out",
    ]
    assert shown(by_voucher(found, voucher(4, "20.00"), told, counted=to_come).lines) == ["-1 A 20 @20"]


@pytest.mark.parametrize(
    ("counted", "value", "lines"),
    [
        ("30.00", "30.00", ["-2 A 15 @20 out"]),
        ("30.00", "35.00", ["-2 A 15 @20 out", "-1 PORT 5 @20"]),
        ("0", "40.00", ["-2 A 20 @20 out"]),
        ("99.00", "40.00", ["-2 A 20 @20 out"]),
        ("0.50", "0.50", ["-2 A 0.25 @20 out"]),
        ("40.00", "40.50", ["-2 A 20 @20 out", "-1 PORT 0.5 @20"]),
    ],
    ids=[
        "a part of the price",
        "and shipping",
        "not counted",
        "more than the price",
        "little",
        "and a little shipping",
    ],
)
def test_amount_that_the_line_counts(counted: str, value: str, lines: list[str]) -> None:
    """What the shop counts as refunded of a line says what its units came back for, at most their price."""
    found = order(replace(line(1, "20.00", 4, refunded=2), refunded_incl_tax=D(counted)))

    assert shown(by_voucher(found, voucher(4, value)).lines) == lines


def test_amount_that_is_left_of_what_a_line_counts() -> None:
    """What slips and other vouchers gave back of it is not this one's."""
    found = order(replace(line(1, "20.00", 4, refunded=2), refunded_incl_tax=D("35.00")))

    assert shown(by_voucher(found, voucher(4, "15.00"), counted={1: (1, D("20.00"))}).lines) == ["-1 A 15 @20 out"]


def test_two_vouchers_at_once() -> None:
    """While another waits, a voucher takes the units that it is worth; the last one takes what is left of them."""
    found = order(line(1, "20.00", 3, refunded=2), line(2, "10.00", 2, refunded=1))
    first = by_voucher(found, voucher(4, "20.00"), last=False)
    second = by_voucher(found, voucher(5, "30.00"), first.units, counted={1: (1, D("20.00"))})

    assert shown(first.lines) == ["-1 A 20 @20 out"]
    assert shown(second.lines) == ["-1 A 20 @20 out", "-1 B 10 @20 out"]
    assert shown(by_voucher(found, voucher(4, "19.98"), last=False).lines)[-1] == "-1 PORT 9.98 @20"
    assert shown(by_voucher(found, voucher(4, "19.99"), last=False).lines) == ["-1 A 19.99 @20 out"]


def test_voucher_for_a_gift() -> None:
    """Units that cost nothing go with any voucher."""
    found = order(line(1, "0", 2, refunded=2), line(2, "10.00", 1, refunded=1))

    assert shown(by_voucher(found, voucher(4, "10.00"), last=False).lines) == ["-2 A 0 @0 out", "-1 B 10 @20 out"]


def test_value_of_a_voucher_without_tax() -> None:
    """One that is kept without tax is worth its amount at the average tax of the order's articles."""
    found = order(line(1, "24.00", 1), line(2, "10.55", 1, rate="5.5"))

    assert voucher_value(voucher(4, "15.00", taxed=False), found).quantize(D("0.0001")) == D("17.2750")
    assert voucher_value(voucher(4, "15.00"), found) == D("15.00")
    assert voucher_value(voucher(4, "15.00", taxed=False), order()) == D("15.00")


# -- the rest of an order ----------------------------------------------------------------------------------------------


def rest(found: Order, *refunds: Goods, restock: Mapping[str, int] | None = MappingProxyType({})) -> list[str]:
    """What is left of an order's sale; no unit returns to stock unless said otherwise."""
    return shown(rest_goods(lines_of(found), refunds, sold(found), restock=restock).lines)


FULL = order(
    *TWO_RATES, shipping="8.40", wrapping="3.00", discounts="18.40", vouchers=(used("PORT", free_shipping=True),)
)


def test_rest_is_everything() -> None:
    """Without refunds the rest is the sale, the other way round; its articles return to stock or don't."""
    services = ["-1 PORT 8.4 @20", "-1 EMB 3 @20", "-1 discount -15.9 @20", "-1 discount -2.5 @5.5"]

    assert rest(FULL, restock=None) == ["-3 A 20 @20", "-2 B 10 @5.5", *services]
    assert rest(FULL) == ["-3 A 20 @20 out", "-2 B 10 @5.5 out", *services]


def test_units_that_the_shop_put_back_before() -> None:
    """Of what is left those units return to stock that refunds put back and that no refund returned yet."""
    found = replace(FULL, lines=(replace(FULL.lines[0], reinjected=2), replace(FULL.lines[1], reinjected=1)))
    put_back = units_put_back(found, sold(found), [{1: (1, 1)}, {9: (1, 1)}])

    assert put_back == {"A": 1, "B": 1}
    added = replace(found, lines=(*found.lines, line(9, "5.00", reinjected=1)))
    assert units_put_back(added, sold(found), []) == {"A": 2, "B": 1}
    assert rest(found, restock=put_back)[:4] == ["-1 A 20 @20", "-2 A 20 @20 out", "-1 B 10 @5.5", "-1 B 10 @5.5 out"]
    assert rest(found, restock={"A": 9})[:2] == ["-3 A 20 @20", "-2 B 10 @5.5 out"]


def test_rest_after_refunds() -> None:
    """Units and amounts that came back are taken off, at what is left for one; services as far as they were kept."""
    refund = by_slip(FULL, slip(1, [(1, 1, "14.00"), (2, 2, "20.00")], shipping="8.40"))

    discounts = ["-1 discount -15.9 @20", "-1 discount -2.5 @5.5"]
    assert sorted(rest(FULL, refund, restock=None)) == sorted(["-2 A 23 @20", "-1 EMB 3 @20", *discounts])
    assert rest(order(line(1, "20.00"), shipping="0.90")) == ["-1 A 20 @20 out", "-1 PORT 0.9 @20"]


def test_amount_without_units_to_bear_it() -> None:
    """What was kept of units that all came back is given back under the shipping's reference."""
    found = order(line(1, "20.00", 2))
    refund = by_slip(found, slip(1, [(1, 2, "25.00")]))

    assert rest(found, refund) == ["-1 PORT 15 @20"]
    assert rest_goods(lines_of(found), [refund], sold(found), restock=None).lines[0].label == "Solde de la commande"


def test_more_given_back_than_was_paid() -> None:
    """Shipping given back twice, or units for more than their line, is a discount of the rest; units come back."""
    found = order(line(1, "20.00", 2), shipping="5.00")
    refunds = [by_slip(found, slip(key, shipping="5.00")) for key in (1, 2)]

    assert rest(found, *refunds) == ["-2 A 20 @20 out", "-1 discount -5 @20"]
    assert rest(found, by_slip(found, slip(1, [(1, 1, "45.00")]))) == [
        "-1 A 0 @20 out",
        "-1 PORT 5 @20",
        "-1 discount -5 @20",
    ]


def test_no_rest() -> None:
    """Where everything came back there is none, nor where only millionths are left."""
    found = order(line(1, "3.333333", 3))
    part, other = by_slip(found, slip(1, [(1, 1, "3.33")])), by_slip(found, slip(2, [(1, 2, "6.67")]))

    assert rest(found, part, other) == []


def test_rest_of_a_cent() -> None:
    """A cent that is too small at each rate, and was paid all the same, is shipping."""
    found = order(line(1, "0.004"), line(2, "0.004", rate="5.5"))

    assert rest(found, by_slip(found, slip(1, [(1, 1, "0"), (2, 1, "0")]))) == ["-1 PORT 0.01 @20"]


def test_vouchers_count_by_their_goods() -> None:
    """Goods that came back for a voucher are no part of the rest."""
    found = order(line(1, "20.00", 3, refunded=1, reinjected=1))

    assert rest(found, by_voucher(found, voucher(4, "20.00"))) == ["-2 A 20 @20 out"]


# -- tenders -----------------------------------------------------------------------------------------------------------


def tenders(*parts: str) -> tuple[Payment, ...]:
    """Payments as `CB 10`."""
    pairs = (part.split() for part in parts)
    return tuple(Payment(code, D(amount)) for code, amount in pairs)


@pytest.mark.parametrize(
    ("amount", "paid", "before", "given_back"),
    [
        ("10", ["CB 30", "VIR 50"], [], ["VIR -10"]),
        ("60", ["CB 30", "VIR 50"], [], ["VIR -50", "CB -10"]),
        ("10", ["CB 30", "VIR 50"], [["VIR -25"]], ["CB -10"]),
        ("10", ["CB 30", "VIR 30"], [], ["CB -10"]),
        ("10", ["VIR 30", "CB 30"], [], ["VIR -10"]),
        ("10", ["CB 30", "VIR 50"], [["VIR -20"]], ["CB -10"]),
        ("40", ["CB 20", "VIR 30", "CB 20"], [], ["CB -40"]),
        ("90", ["CB 30", "VIR 50"], [], ["VIR -60", "CB -30"]),
        ("10", ["CB 30"], [["CB -30"]], ["CB -10"]),
        ("25", ["CB 30", "CB -10", "VIR 10"], [], ["CB -20", "VIR -5"]),
        ("40", ["CB 30", "VIR -5"], [], ["CB -40"]),
        ("-4", ["CB 30", "VIR 50"], [], ["VIR 4"]),
        ("0", ["CB 30"], [], []),
    ],
    ids=[
        "the largest",
        "then the next",
        "of which most is left",
        "on a tie the older",
        "which may be another",
        "also when refunds made the tie",
        "payments of one tender together",
        "more than was paid",
        "more than is left",
        "what is owed counts against it",
        "nothing from what is owed",
        "less than nothing",
        "nothing",
    ],
)
def test_money_goes_back(amount: str, paid: list[str], before: list[list[str]], given_back: list[str]) -> None:
    """To the tender of which most is left, on a tie the older, then to the next; what is beyond all to the first."""
    assert money(give_back(D(amount), tenders(*paid), [tenders(*each) for each in before])) == given_back
