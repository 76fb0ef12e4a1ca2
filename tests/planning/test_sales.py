"""What LCV is told of an order: its sale, its refunds, and the reversal of what no longer holds."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from lcvsync.domain.orders import CreditSlip, IssuedVoucher, Order
from lcvsync.domain.sales import SaleKind
from lcvsync.planning.order_options import OrderOptions, Services
from lcvsync.planning.order_rules import WaitError
from lcvsync.planning.sales import changes, first_export, is_sold
from lcvsync.planning.vouchers import vouchers_of_slips
from tests.planning.orders import (
    BOTH_BACK,
    CONTEXT,
    ONE_BACK,
    SERVICES,
    SKUS,
    TWO,
    at,
    context,
    exported,
    kept_by_lcv,
    line,
    lines_of,
    money,
    order,
    payment,
    record,
    refunded,
    shown,
    slip,
    then,
    titles,
    told,
    used,
    voucher,
)

D = Decimal


# -- the first export --------------------------------------------------------------------------------------------------


def test_sale_of_an_order() -> None:
    """One document: the lines and payments of the order, at the date of its invoice."""
    drafts = first_export(TWO, SKUS, CONTEXT)

    (sale,) = drafts.documents
    assert (sale.kind, sale.cause, sale.target, sale.date, sale.total) == (SaleKind.SALE, "sale", "", at(2), D(85))
    assert (sale.lines, money(sale.payments)) == (lines_of(TWO), ["CB 85"])
    assert drafts.by_state == ""
    assert then(record(drafts.documents), TWO) == record(drafts.documents)


def test_sale_without_invoice() -> None:
    """Then it is dated as the order was placed."""
    (sale,) = first_export(replace(TWO, invoiced_at=None), SKUS, CONTEXT).documents

    assert sale.date == at(1)


def test_unpaid_sale() -> None:
    """A difference between payments and total becomes a payment only where that is asked for."""
    unpaid = replace(TWO, payments=(payment(1, "80.00"),))
    with pytest.raises(WaitError, match=re.escape("its payments are 80.00, its total is 85.00")):
        first_export(unpaid, SKUS, CONTEXT)

    assert money(first_export(unpaid, SKUS, CONTEXT, lenient=True).documents[0].payments) == ["CB 80", "CB 5"]


@pytest.mark.parametrize(
    ("found", "services", "option"),
    [
        (TWO, Services(), "shipping_reference"),
        (order(line(1, "9.00"), wrapping="3.00"), Services("PORT"), "wrapping_reference"),
        (replace(order(line(1, "9.00")), slips=(slip(1, shipping="3.00"),)), Services(), "shipping_reference"),
    ],
    ids=["shipping", "wrapping", "shipping of a refund"],
)
def test_service_without_reference(found: Order, services: Services, option: str) -> None:
    """A service that is sold or given back needs its reference; the cure names the option that lacks."""
    with pytest.raises(WaitError) as caught:
        first_export(found, SKUS, context(OrderOptions(services=services)))

    assert caught.value.reason == f"{option}_missing"
    assert caught.value.cure == f"set orders.{option} in the configuration"


def test_services_that_nobody_needs() -> None:
    """Options for what an order doesn't have may stay empty."""
    found = first_export(order(line(1, "9.00")), SKUS, context(OrderOptions(services=Services())))

    assert titles(found.documents) == ["sale sale 9"]


def test_refunds_from_before_the_export() -> None:
    """An order that was refunded in part comes with its refunds, oldest first, unless changes aren't exported."""
    found = replace(BOTH_BACK, slips=BOTH_BACK.slips[::-1])
    without = context(OrderOptions(services=SERVICES, export_changes=False))

    assert titles(first_export(found, SKUS, CONTEXT).documents) == [
        "sale sale 85",
        "refund slip:1 -20",
        "refund slip:2 -10",
    ]
    assert titles(first_export(found, SKUS, without).documents) == ["sale sale 85"]


# -- refunds -----------------------------------------------------------------------------------------------------------


def test_credit_slip() -> None:
    """A refund that refers to the sale, dated as the slip, its money going back."""
    (refund,) = changes(ONE_BACK, exported(TWO), SKUS, CONTEXT).documents

    assert (refund.kind, refund.cause, refund.target, refund.date) == (SaleKind.REFUND, "slip:1", "1", at(5))
    assert (shown(refund.lines), money(refund.payments)) == (["-1 A 20 @20"], ["CB -20"])
    assert kept_by_lcv(then(exported(TWO), ONE_BACK, BOTH_BACK)) == ("55", ["2 A", "1 B"], ["CB 55"])


def test_money_goes_where_most_is_left() -> None:
    """Refunds of other runs count: the tender of which most is left is another one then."""
    found = replace(TWO, payments=(payment(1, "40.00"), payment(2, "45.00", "Virement")))
    back = [replace(each, payments=found.payments) for each in (ONE_BACK, BOTH_BACK)]

    one_by_one, at_once = then(exported(found), *back), then(exported(found), back[1])
    assert [money(each.sale.payments) for each in one_by_one[1:]] == [["VIR -20"], ["CB -10"]]
    assert [money(each.sale.payments) for each in at_once[1:]] == [["VIR -20"], ["CB -10"]]


def test_units_that_return_by_one_of_two_slips() -> None:
    """The unit that a slip of another run put back doesn't come back with the next slip as well."""
    both = replace(refunded(TWO, 2), slips=(*ONE_BACK.slips, slip(2, [(1, 1, "20.00")], when=6)))
    kept_out = replace(both, lines=(replace(both.lines[0], reinjected=1), both.lines[1]))

    held = then(exported(TWO), ONE_BACK, kept_out)
    assert [shown(each.sale.lines) for each in held[1:]] == [["-1 A 20 @20"], ["-1 A 20 @20 out"]]


@pytest.mark.parametrize(
    ("each", "lines", "payments"),
    [
        (voucher(4, "30.00"), ["-1 discount -20 @20", "-1 discount -10 @5.5"], []),
        (voucher(4, "25.00", taxed=False), ["-1 discount -20 @20", "-1 discount -10 @5.5"], []),
        (voucher(4, "24.99", taxed=False), ["-1 discount -20 @20", "-1 discount -10 @5.5"], []),
        (voucher(4, "12.00"), ["-1 discount -8 @20", "-1 discount -4 @5.5"], ["CB -18"]),
        (voucher(4, "10.00", taxed=False), ["-1 discount -8 @20", "-1 discount -4 @5.5"], ["CB -18"]),
        (voucher(4, "99.00"), ["-1 discount -20 @20", "-1 discount -10 @5.5"], []),
        (voucher(4, "29.98"), ["-1 discount -20 @20", "-1 discount -10 @5.5"], []),
        (voucher(4, "29.97"), ["-1 discount -19.98 @20", "-1 discount -9.99 @5.5"], ["CB -0.03"]),
    ],
    ids=[
        "whole",
        "whole without tax",
        "a cent less",
        "a part",
        "a part without tax",
        "more than the slip",
        "two cents less",
        "three",
    ],
)
def test_voucher_with_a_slip(each: IssuedVoucher, lines: list[str], payments: list[str]) -> None:
    """What a refund gave as a voucher is a negative discount; only the other part of it is money."""
    both = replace(refunded(TWO, 1, 1), slips=(slip(1, [(1, 1, "20.00"), (2, 1, "10.00")]),), issued=(each,))
    (refund,) = changes(both, exported(TWO), SKUS, CONTEXT).documents

    assert shown(refund.lines) == ["-1 A 20 @20", "-1 B 10 @5.5", *lines]
    assert money(refund.payments) == payments


@pytest.mark.parametrize(
    ("issued", "pairs", "loose"),
    [
        ([voucher(4, "7.00", second=5)], {1: 4}, []),
        ([voucher(4, "7.00", second=6)], {}, [4]),
        ([voucher(4, "20.00", second=60)], {1: 4}, []),
        ([voucher(4, "20.00", second=61)], {}, [4]),
        ([voucher(4, "20.00", when=6)], {}, [4]),
        ([voucher(4, "20.03", second=59)], {}, [4]),
        ([voucher(4, "9.00", second=3), voucher(5, "20.00", second=1)], {1: 5}, [4]),
    ],
    ids=[
        "at once",
        "later",
        "the same amount a little later",
        "much later",
        "another day",
        "another amount",
        "the nearest",
    ],
)
def test_which_voucher_is_whose(issued: list[IssuedVoucher], pairs: dict[int, int], loose: list[int]) -> None:
    """The shop doesn't say which voucher a slip gave: it is made at once, or is worth the same a little later."""
    found, others = vouchers_of_slips(replace(ONE_BACK, issued=tuple(issued)))

    assert {key: each.id for key, each in found.items()} == pairs
    assert [each.id for each in others] == loose


def test_a_voucher_is_that_of_the_slip_of_its_moment() -> None:
    """Two slips of one amount within a minute: the voucher is of the one that was made with it."""
    first, given = slip(1, [(1, 1, "20.00")]), voucher(4, "20.00", second=40)
    second = replace(first, id=2, date=given.date)

    found, others = vouchers_of_slips(replace(refunded(TWO, 2), slips=(first, second), issued=(given,)))

    assert ({key: each.id for key, each in found.items()}, others) == ({2: 4}, [])


def test_voucher_a_little_later_for_other_units() -> None:
    """A voucher of the slip's amount is a refund of its own where more units came back than the slip has."""
    found = replace(refunded(TWO, 2), slips=ONE_BACK.slips, issued=(voucher(4, "20.00", second=30),))

    assert told(found, exported(TWO)) == ["refund slip:1 -20", "refund voucher:4 0"]


def test_voucher_without_slip() -> None:
    """The units that the lines count as refunded beyond the slips', shipping for the rest of its worth, no money."""
    found = replace(refunded(BOTH_BACK, 2, 1), issued=(voucher(4, "23.00", when=7),))
    held = then(exported(TWO), BOTH_BACK, found)

    refund = held[-1]
    assert (refund.cause, refund.sale.date) == ("voucher:4", at(7))
    assert shown(refund.sale.lines[:2]) == ["-1 A 20 @20", "-1 PORT 3 @20"]
    assert shown(refund.sale.lines[2:]) == ["-1 discount -23 @20"]
    assert kept_by_lcv(held) == ("55", ["1 A", "1 B"], ["CB 55"])


def test_vouchers_one_by_one() -> None:
    """The next voucher has the units that the one before had not; what it is worth beyond them is at a common rate."""
    found = order(line(1, "20.00", 3), line(2, "10.00", rate="5.5"), line(3, "9.00", rate="5.5"))
    first = replace(refunded(found, 1), issued=(voucher(4, "20.00"),))
    second = replace(refunded(found, 2), issued=(*first.issued, voucher(5, "22.00", when=6)))

    held = then(exported(found), first, second)
    assert shown(held[2].sale.lines[:2]) == ["-1 A 20 @20", "-1 PORT 2 @5.5"]


def test_two_vouchers_at_once() -> None:
    """Each is a refund of its own, worth what it says; together they take the units that came back."""
    found = replace(refunded(TWO, 2, 1), issued=(voucher(4, "20.00"), voucher(5, "30.00")))
    held = then(exported(TWO), found)

    assert [shown(each.sale.lines) for each in held[1:]] == [
        ["-1 A 20 @20", "-1 discount -20 @20"],
        ["-1 A 20 @20", "-1 B 10 @5.5", "-1 discount -20 @20", "-1 discount -10 @5.5"],
    ]
    assert kept_by_lcv(held) == ("85", ["1 A", "1 B"], ["CB 85"])


@pytest.mark.parametrize("seen", [1, 2], ids=["one by one", "at once"])
@pytest.mark.parametrize("slips", [(), (slip(1, [(1, 1, "20.00")]),)], ids=["two vouchers", "a slip and a voucher"])
def test_refunds_of_one_line(seen: int, slips: tuple[CreditSlip, ...]) -> None:
    """What the shop counts as refunded of a line is what its refunds are worth together: a fee is the last one's."""
    found = order(line(1, "20.00", 4))
    issued = (*(() if slips else (voucher(4, "20.00"),)), voucher(5, "35.00", when=6))
    both = replace(refunded(found, 3, restocked=False), slips=slips, issued=issued)
    both = replace(both, lines=(replace(both.lines[0], refunded_incl_tax=D("55.00")),))
    first = replace(refunded(found, 1, restocked=False), slips=slips, issued=issued[:-1])
    held = then(exported(found), *([first] if seen == 1 else []), both)

    assert shown(held[2].sale.lines) == ["-2 A 17.5 @20 out", "-1 discount -35 @20"]


@pytest.mark.parametrize("edited", [False, True], ids=["seen at once", "told again after an edit"])
def test_voucher_before_a_slip(edited: bool) -> None:
    """A voucher that came before a slip leaves the slip its units, as one that came after it does."""
    both = replace(refunded(TWO, 2), issued=(voucher(4, "20.00", when=4),), slips=ONE_BACK.slips)
    held = then(exported(TWO), replace(refunded(TWO, 1), issued=both.issued), both) if edited else exported(TWO)
    if edited:
        both = replace(both, shipping=D("6.00"), shipping_excl_tax=D("5.00"), total=D("86.00"))

    assert kept_by_lcv(then(held, both))[1] == ["1 A", "2 B"]


# -- edits -------------------------------------------------------------------------------------------------------------

LESS = replace(TWO, lines=(line(1, "20.00", 2), TWO.lines[1]), total=D("65.00"))


@pytest.mark.parametrize(
    "edited",
    [
        LESS,
        replace(TWO, lines=(line(1, "21.00", 3), TWO.lines[1]), total=D("88.00")),
        replace(TWO, lines=(line(1, "18.00", 3), line(2, "13.00", 2, rate="5.5"))),
        replace(TWO, lines=(*TWO.lines, line(3, "1.00")), total=D("86.00")),
        replace(TWO, lines=TWO.lines[:1], total=D("65.00")),
        replace(TWO, discounts=D("5.00"), total=D("80.00")),
        replace(TWO, shipping=D("0"), total=D("80.00")),
        replace(TWO, wrapping=D("3.60"), wrapping_excl_tax=D("3.00"), total=D("88.60")),
        replace(TWO, payments=(*TWO.payments, payment(2, "3.00", "Chèque"))),
        replace(TWO, payments=(payment(1, "85.00", "Chèque"),)),
    ],
    ids=["units", "price", "prices", "line", "no line", "discount", "shipping", "wrapping", "payment", "method"],
)
def test_edit(edited: Order) -> None:
    """Whatever of an order changed, its sale is reversed and told again as it is, dated when that was seen."""
    drafts = changes(edited, exported(TWO), SKUS, CONTEXT)

    assert titles(drafts.documents) == ["reversal of 1", f"sale sale {edited.total.normalize():f}"]
    assert {each.date for each in drafts.documents} == {CONTEXT.now}
    assert drafts.by_state == ""
    assert kept_by_lcv(then(exported(TWO), edited))[0] == f"{edited.total.normalize():f}"


def test_other_kind_of_voucher() -> None:
    """Free shipping in place of another discount of its amount moves VAT, so that it is an edit."""
    found = replace(TWO, discounts=D("5.00"), total=D("80.00"), payments=(payment(1, "80.00"),))
    free = replace(found, vouchers=(used(free_shipping=True),))

    assert told(free, exported(found)) == ["reversal of 1", "sale sale 80"]


def test_what_is_no_edit() -> None:
    """A payment of nothing, a voucher's name, a line without units: LCV is told nothing of them."""
    same = replace(TWO, payments=(*TWO.payments, payment(2, "0")), vouchers=(used("NOEL"),))

    assert told(replace(same, lines=(*same.lines, line(3, "9.00", 0))), exported(TWO)) == []


def test_edit_after_refunds() -> None:
    """Refunds are reversed newest first, then the sale; the new one and the refunds follow, all in one unit."""
    held = then(exported(TWO), ONE_BACK, BOTH_BACK)
    edited = replace(BOTH_BACK, lines=(replace(BOTH_BACK.lines[0], quantity=2), BOTH_BACK.lines[1]), total=D("65.00"))

    drafts = changes(edited, held, SKUS, CONTEXT).documents
    assert titles(drafts[:3]) == ["reversal of 3", "reversal of 2", "reversal of 1"]
    assert titles(drafts[3:]) == ["sale sale 65", "refund slip:1 -20", "refund slip:2 -10"]
    assert [each.date for each in drafts[3:]] == [CONTEXT.now, at(5), at(6)]
    assert kept_by_lcv(record(drafts, held)) == ("35", ["1 A", "1 B"], ["CB 35"])


def test_edit_and_slip_at_once() -> None:
    """A slip that is as new as the edit comes with the new sale."""
    edited = replace(ONE_BACK, shipping=D(0), total=D("80.00"))

    assert told(edited, exported(TWO)) == ["reversal of 1", "sale sale 80", "refund slip:1 -20"]


def test_edit_to_nothing() -> None:
    """Where nothing remains the sale is reversed and none follows."""
    assert told(replace(TWO, lines=(), shipping=D(0), total=D(0)), exported(TWO)) == ["reversal of 1"]


@pytest.mark.parametrize(
    ("paid", "total", "payments"),
    [
        (["85.00"], "65.00", ["CB 85", "CB -20"]),
        (["85.00"], "85.02", ["CB 85", "CB 0.02"]),
        (["85.00"], "84.99", ["CB 84.99"]),
        (["35.00", "50.00"], "65.00", ["CB 35", "VIR 50", "VIR -20"]),
        (["85.00", "5.00"], "90.00", ["CB 85", "VIR 5"]),
    ],
    ids=["owed to the customer", "owed by the customer", "a cent", "the largest tender", "paid later"],
)
def test_paid_beside_the_total(paid: list[str], total: str, payments: list[str]) -> None:
    """After an edit the difference is a payment line under the largest tender, a cent is part of its payment."""
    rows = [payment(place, each, ("Carte bancaire", "Virement")[place - 1]) for place, each in enumerate(paid, 1)]
    edited = replace(TWO, lines=(line(1, "10.00"),), total=D(total), payments=tuple(rows))

    assert money(changes(edited, exported(TWO), SKUS, CONTEXT).documents[1].payments) == payments


# -- what remains ------------------------------------------------------------------------------------------------------

FREE = order(line(1, "20.00"), discounts="20.00", payments=())


@pytest.mark.parametrize(
    ("found", "sold"),
    [
        (TWO, True),
        (ONE_BACK, True),
        (FREE, True),
        (refunded(FREE, 1), False),
        (replace(refunded(TWO, 3, 2), slips=(slip(1, [(1, 3, "60.00"), (2, 2, "20.00")], shipping="5.00"),)), False),
        (replace(refunded(TWO, 3, 2), slips=(slip(1, [(1, 3, "60.00"), (2, 2, "20.00")]),)), True),
        (replace(refunded(TWO, 3, 2), slips=(slip(1, (), "85.00"),), issued=(voucher(4, "85.00"),)), True),
        (order(line(1, "20.00", 0)), False),
        (replace(refunded(FREE, 1), total=D("0.01")), True),
        (order(), False),
        (order(shipping="5.00"), True),
        (order(wrapping="3.00"), True),
    ],
    ids=[
        "all",
        "less",
        "free",
        "free and back",
        "money back",
        "shipping kept",
        "voucher",
        "no units",
        "a cent",
        "no lines",
        "shipping",
        "wrapping",
    ],
)
def test_what_remains(found: Order, sold: bool) -> None:
    """Something of an order remains while it has a unit that wasn't refunded, or money that wasn't given back."""
    assert is_sold(found) is sold


# -- amounts that are hard to tell -------------------------------------------------------------------------------------


def test_voucher_that_a_run_saw_after_its_slip() -> None:
    """A refund makes its slip first: what a run between the two told as money is told as a voucher then."""
    held = then(exported(TWO), ONE_BACK)
    late = replace(ONE_BACK, issued=(voucher(4, "20.00", second=2),))
    drafts = changes(late, held, SKUS, CONTEXT)

    assert (titles(drafts.documents), drafts.by_state) == (["reversal of 2", "refund slip:1 0"], "")
    assert kept_by_lcv(then(held, late)) == ("85", ["2 A", "2 B"], ["CB 85"])


def test_largest_tender_of_several_payments() -> None:
    """A tender is as large as all of its payments: two by card count together."""
    paid = payment(1, "15.00"), payment(2, "20.00", "Virement"), payment(3, "15.00", "Seconde carte")

    assert money(changes(replace(TWO, payments=paid), exported(TWO), SKUS, CONTEXT).documents[1].payments) == [
        "CB 15",
        "VIR 20",
        "CB 15",
        "CB 35",
    ]


def test_money_back_for_an_order_without_payments() -> None:
    """A refund balances also where nothing was paid: the tender is the one that the order's module is mapped to."""
    back = replace(refunded(FREE, 1), slips=(slip(1, [(1, 1, "20.00")]),))

    assert kept_by_lcv(then(exported(FREE), back)) == ("-20", [], ["CB -20"])


def test_amount_kept_without_an_article() -> None:
    """An order whose articles an edit took out is worth what it still costs: its shipping."""
    edited = replace(TWO, lines=(), total=D("5.00"))

    assert told(edited, exported(TWO)) == ["reversal of 1", "sale sale 5"]
