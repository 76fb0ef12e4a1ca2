"""When an order waits: every reason, what is the matter and what cures it; and what payments are in LCV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.domain.money import to_cents
from lcvsync.domain.orders import Order, OrderState
from lcvsync.planning.order_options import OrderOptions
from lcvsync.planning.order_rules import (
    OrderContext,
    WaitError,
    check_age,
    check_currency,
    check_id,
    check_known,
    check_state,
    check_totals,
    module_tender,
    pieces_of,
    resolve_payment,
    state_of,
    tenders,
)
from lcvsync.planning.sale_lines import Piece
from tests.planning.orders import (
    AWAITING,
    CANCELLED,
    CONTEXT,
    PAID,
    REFUNDED,
    SKUS,
    STATES,
    at,
    context,
    line,
    money,
    order,
    payment,
    rules,
    state,
)

D = Decimal
FOUND = order(line(1, "20.00", 3), line(2, "10.00", rate="5.5"), shipping="5.00")
"""75.00 by card, of 1 December; today is the 20th."""


def wait(check: Callable[[], object]) -> tuple[str, str, str]:
    """Why an order waits: reason, detail and cure."""
    with pytest.raises(WaitError) as caught:
        check()
    assert str(caught.value) == caught.value.detail
    return caught.value.reason, caught.value.detail, caught.value.cure


def options(min_id: int | None = 1, **others: object) -> OrderContext:
    """Other options."""
    return context(replace(OrderOptions(min_id=min_id), **others))  # type: ignore[arg-type]  # any of its fields


# -- which orders ------------------------------------------------------------------------------------------------------


def test_min_id() -> None:
    """Unset, nothing is exported by itself; set, only orders from it on are."""
    check_id(FOUND, options(7))

    unset, below = wait(lambda: check_id(FOUND, options(None))), wait(lambda: check_id(FOUND, options(8)))
    assert (unset[0], below[0]) == ("min_id_unset", "below_min_id")
    assert "orders.min_id = 8" in below[1]
    assert all(found[2].startswith("lcvsync export-order 7") for found in (unset, below))


def test_age() -> None:
    """The order's own date counts, to the second; the cure has the option that sends it all the same."""
    edge = context(OrderOptions(max_age=timedelta(days=19)))
    late = replace(edge, now=edge.now + timedelta(seconds=1))

    check_age(FOUND, edge)
    reason, detail, cure = wait(lambda: check_age(FOUND, late))
    assert (reason, cure.split(";")[0]) == ("too_old", "lcvsync export-order 7")
    assert "older than 19 days (orders.max_age_days)" in detail
    assert wait(lambda: check_age(FOUND, late, " --changes"))[2].startswith("lcvsync export-order 7 --changes")
    assert (edge.too_old(FOUND), late.too_old(FOUND)) == (False, True)


def test_states_that_are_exported() -> None:
    """One that is paid and invoiced, if the order is valid; or one that `orders.states` names, whatever its flags."""
    check_state(FOUND, CONTEXT)
    check_state(replace(FOUND, state=AWAITING, valid=False), options(states=frozenset({AWAITING})))


@pytest.mark.parametrize(
    ("found", "flags", "lacking"),
    [
        (replace(FOUND, valid=False), STATES[PAID], "valid"),
        (FOUND, state(PAID, invoice=True), "paid"),
        (FOUND, state(PAID, paid=True), "invoiced"),
        (replace(FOUND, valid=False), state(PAID), "paid, not invoiced, not valid"),
    ],
    ids=["not valid", "not paid", "not invoiced", "nothing of it"],
)
def test_states_that_wait(found: Order, flags: OrderState, lacking: str) -> None:
    """The detail says what the state lacks, the cure how to export it or to settle it."""
    reason, detail, cure = wait(lambda: check_state(found, replace(CONTEXT, states={PAID: flags})))

    assert reason == "state_not_paid"
    assert f"“State 2” is not {lacking}" in detail
    assert "orders.states = [2]" in cure
    assert "lcvsync orders settle 7" in cure


def test_cancelled() -> None:
    """An order that the shop took back before it was exported wants nothing."""
    reason, detail, _ = wait(lambda: check_state(replace(FOUND, state=CANCELLED), CONTEXT))

    assert reason == "cancelled"
    assert "State 6" in detail


def test_states_that_say_nothing() -> None:
    """From no state yet, or one that the shop doesn't list, nothing is concluded, unless `orders.states` names it."""
    check_known(FOUND, CONTEXT)
    check_known(replace(FOUND, state=99), options(states=frozenset({99})))

    assert wait(lambda: check_known(replace(FOUND, state=0), CONTEXT))[0] == "being_placed"
    reason, detail, _ = wait(lambda: check_known(replace(FOUND, state=99), CONTEXT))
    assert reason == "state_unknown"
    assert "state 99" in detail


def test_state_that_is_gone() -> None:
    """A state that the shop no longer lists has no flag: the order waits, and is worth nothing."""
    gone = replace(FOUND, state=99)

    assert wait(lambda: check_state(gone, CONTEXT))[0] == "state_not_paid"
    assert state_of(gone, CONTEXT) == state_of(gone, replace(CONTEXT, states={}))
    assert not any((state_of(gone, CONTEXT).paid, state_of(gone, CONTEXT).restocks, CONTEXT.is_worth(gone)))


def test_worth() -> None:
    """An exported order is worth something in a paid state or a named one; valid or invoiced is not asked."""
    paid_only = replace(CONTEXT, states={PAID: state(PAID, paid=True)})
    named = options(states=frozenset({REFUNDED}))

    assert paid_only.is_worth(replace(FOUND, valid=False))
    assert not CONTEXT.is_worth(replace(FOUND, state=REFUNDED))
    assert named.is_worth(replace(FOUND, state=REFUNDED))


def test_currency() -> None:
    """An order in another currency than LCV's waits for a person."""
    check_currency(FOUND, CONTEXT)

    reason, detail, cure = wait(lambda: check_currency(replace(FOUND, currency="GBP"), CONTEXT))
    assert (reason, detail) == ("currency", "it is in GBP, LCV keeps EUR")
    assert "lcvsync orders settle 7" in cure


@pytest.mark.parametrize("total", ["74.92", "75.08"])
def test_totals_that_rounding_explains(total: str) -> None:
    """Four units and four totals may be off by a cent each."""
    check_totals(replace(FOUND, total=D(total)))


@pytest.mark.parametrize("total", ["74.91", "75.09", "0"])
def test_totals_that_differ(total: str) -> None:
    """More than that is no rounding: the order waits, and both sums are said."""
    reason, detail, cure = wait(lambda: check_totals(replace(FOUND, total=D(total))))

    assert reason == "totals_differ"
    assert detail == f"its lines, costs and discounts add up to 75.00, its total is {to_cents(D(total))}"
    assert "lcvsync orders settle 7" in cure


# -- lines -------------------------------------------------------------------------------------------------------------


def test_pieces() -> None:
    """Lines by id with LCV's sku and rate; a service's reference wins over a link; lines of 0 units need neither."""
    found = replace(FOUND, lines=(*FOUND.lines, line(3, "9.00", reference="GIFT"), line(9, "1.00", 0)))
    gifts = options(service_references={"GIFT": "CADEAU"})

    assert pieces_of(found, SKUS, gifts) == {
        1: Piece("A", D("20.00")),
        2: Piece("B", D("5.50")),
        3: Piece("CADEAU", D("20.00")),
    }
    assert pieces_of(replace(found, lines=found.lines[2:3]), {}, gifts) == {3: Piece("CADEAU", D("20.00"))}
    emptied = order(line(9, "20.00", 0), line(1, "20.00"))
    assert pieces_of(emptied, SKUS, CONTEXT) == {1: Piece("A", D("20.00"))}


def test_line_unknown() -> None:
    """A line that no link, EAN or option says anything about is named with all that helps to find it."""
    named = replace(line(1, "20.00", reference="R-1"), ean="3760001000018")
    reason, detail, cure = wait(lambda: pieces_of(order(named), {}, CONTEXT))
    bare = wait(lambda: pieces_of(order(line(1, "20.00")), {1: ""}, CONTEXT))

    assert reason == bare[0] == "line_unknown"
    assert detail == "LCV's variant for “Article 1” (reference R-1, EAN 3760001000018) is not known"
    assert "(reference none)" in bare[1]
    assert "lcvsync product link REFERENCE 1" in cure
    assert "orders.service_references" in cure


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (order(line(1, "12.00"), line(2, "10.70", excl="10.00")), "“Article 2” (10.70 with, 10.00 without"),
        (order(line(1, "9.00"), shipping="8.00", shipping_rate="7"), "shipping (8.00 with, 7.48 without"),
        (replace(order(line(1, "9.00"), wrapping="3.00"), wrapping_excl_tax=D(0)), "gift wrapping (3.00 with, 0.00"),
    ],
    ids=["article", "shipping", "wrapping"],
)
def test_vat_unknown(found: Order, detail: str) -> None:
    """A rate that LCV doesn't have is said with its prices and LCV's rates, for articles and services."""
    reason, said, cure = wait(lambda: pieces_of(found, SKUS, CONTEXT))

    assert reason == "vat_unknown"
    assert said.startswith(f"the VAT of {detail}")
    assert said.endswith("is none of LCV's rates: 20, 10, 5.5")
    assert "LCV's tables" in cure


def test_orders_without_tax() -> None:
    """Where the shop charged no tax every rate is 0, whatever LCV's tables are."""
    found = order(line(1, "20.00", rate="0"), shipping="5.00", shipping_rate="0")

    assert pieces_of(found, SKUS, replace(CONTEXT, vat_rates=())) == {1: Piece("A", D(0))}


# -- payments ----------------------------------------------------------------------------------------------------------

ALL = {"Carte bancaire": "CB", "ps_checkpayment": "CHQ", "*": "VIR"}
IGNORED = Mappings({MappingKind.PAYMENT: {"Carte bancaire": Rule(ignored=True), "*": Rule(("VIR",))}})


@pytest.mark.parametrize(
    ("method", "module", "code"),
    [
        ("Carte bancaire", "ps_checkpayment", "CB"),
        ("Chèque", "ps_checkpayment", "CHQ"),
        ("", "ps_checkpayment", "CHQ"),
        ("Chèque", "unknown", "VIR"),
        ("", "", "VIR"),
        ("carte bancaire", "unknown", "VIR"),
    ],
    ids=["exact", "module", "no method", "wildcard", "nothing noted", "exact means exact"],
)
def test_which_mapping_answers(method: str, module: str, code: str) -> None:
    """The exact payment method, else the exact module, else the wildcard."""
    paid = replace(order(line(1, "20.00"), payments=[payment(1, "20.00", method)]), module=module)

    assert money(tenders(paid, D("20.00"), replace(CONTEXT, mappings=rules(ALL)), lenient=False)) == [f"{code} 20"]


@pytest.mark.parametrize(
    ("mappings", "method", "reason", "cure"),
    [
        (Mappings(), "Chèque", "payment_unmapped", "lcvsync map set payment 'Chèque' CODE"),
        (Mappings(), "", "payment_unmapped", "lcvsync map set payment 'payplug' CODE"),
        (IGNORED, "Carte bancaire", "payment_ignored", "lcvsync map set payment 'Carte bancaire' CODE"),
        (rules({"*": "OLD"}), "Chèque", "payment_unknown", "lcvsync map set payment '*' CODE"),
        (rules({"payplug": "OLD", "*": "CB"}), "Chèque", "payment_unknown", "lcvsync map set payment 'payplug' CODE"),
    ],
    ids=["none", "none, nor a method", "ignored", "wildcard of a code that is gone", "module of a code that is gone"],
)
def test_payments_that_wait(mappings: Mappings, method: str, reason: str, cure: str) -> None:
    """A payment without LCV code, with one that LCV no longer has, or ignored: the order waits, the row is named."""
    paid = order(line(1, "20.00"), payments=[payment(1, "20.00", method)])

    found = wait(lambda: tenders(paid, D("20.00"), replace(CONTEXT, mappings=mappings), lenient=True))
    assert found[0] == reason
    assert found[2].startswith(cure)


def test_ignored_wins_over_the_wildcard() -> None:
    """What a person ignores is no case for the rows behind it."""
    assert resolve_payment(IGNORED, "Carte bancaire", "payplug") != resolve_payment(IGNORED, "Chèque", "payplug")


PAIR = ("30.00", "Carte bancaire"), ("30.00", "Virement"), ("15.00", "Chèque")


def paid(*payments: tuple[str, str], total: str = "75.00", lenient: bool = False) -> list[str]:
    """The payments of an order of this total, in LCV."""
    rows = [payment(place, amount, method) for place, (amount, method) in enumerate(payments, 1)]
    return money(tenders(order(line(1, total), payments=rows), D(total), CONTEXT, lenient=lenient))


@pytest.mark.parametrize(
    ("total", "payments"),
    [
        ("75.00", ["CB 30", "VIR 30", "CHQ 15"]),
        ("75.01", ["CB 30.01", "VIR 30", "CHQ 15"]),
        ("74.99", ["CB 29.99", "VIR 30", "CHQ 15"]),
    ],
    ids=["exact", "a cent too little", "a cent too much"],
)
@pytest.mark.parametrize("lenient", [False, True])
def test_payments_that_agree(total: str, payments: list[str], lenient: bool) -> None:
    """Within a cent they are the total: the cent is the largest one's, the older one's on a tie; dates stay."""
    assert paid(*PAIR, total=total, lenient=lenient) == payments
    rows = [payment(place, amount, method) for place, (amount, method) in enumerate(PAIR, 1)]
    found = tenders(order(line(1, total), payments=rows), D(total), CONTEXT, lenient=lenient)
    assert [each.date for each in found] == [row.date for row in rows]


@pytest.mark.parametrize("total", ["75.02", "74.98", "90.00"])
def test_unbalanced(total: str) -> None:
    """Two cents are too many: both sums are said, and how to send the difference."""
    reason, detail, cure = wait(lambda: paid(*PAIR, total=total))

    assert (reason, detail) == ("unbalanced", f"its payments are 75.00, its total is {total}")
    assert "lcvsync export-order 7 sends the difference" in cure


@pytest.mark.parametrize(
    ("payments", "total", "found"),
    [
        (PAIR, "90.00", ["CB 30", "VIR 30", "CHQ 15", "CB 15"]),
        (PAIR, "70.00", ["CB 30", "VIR 30", "CHQ 15", "CB -5"]),
        (PAIR[1:], "40.00", ["VIR 30", "CHQ 15", "VIR -5"]),
        ((), "40.00", ["CB 40"]),
        ((("0.01", "Chèque"),), "0.02", ["CHQ 0.02"]),
        ((("0.01", "Chèque"),), "0.00", []),
        ((("0", "Chèque"),), "5.00", ["CB 5"]),
        ((("10.00", "Virement"), ("0.004", "Carte bancaire")), "10.00", ["VIR 10"]),
    ],
    ids=["paid too little", "too much", "without a card", "not at all", "a cent more", "a cent less", "0", "rounded"],
)
def test_difference_as_a_payment(payments: tuple[tuple[str, str], ...], total: str, found: list[str]) -> None:
    """On demand the difference is a payment under the largest one's code, negative where money is owed back."""
    assert paid(*payments, total=total, lenient=True) == found


def test_nothing_to_pay() -> None:
    """An order of 0.00 needs no payment, and no mapping."""
    free = order(line(1, "20.00"), discounts="20.00", payments=[])

    assert tenders(free, D("0.00"), replace(CONTEXT, mappings=Mappings()), lenient=False) == ()


def test_tender_of_the_module() -> None:
    """Money of which no payment tells is under the module's code; without one the order waits."""
    assert module_tender(FOUND, CONTEXT) == "CB"
    unmapped = replace(CONTEXT, mappings=Mappings())
    assert wait(lambda: module_tender(FOUND, unmapped))[0] == "payment_unmapped"


def test_payments_keep_their_dates() -> None:
    """Payments are dated as they came in; a difference has no date of its own."""
    rows = [payment(1, "30.00"), payment(2, "30.00", "Virement")]
    found = tenders(order(line(1, "75.00"), payments=rows), D("75.00"), CONTEXT, lenient=True)

    assert [each.date for each in found] == [at(1, 12, 1), at(1, 12, 2), None]
