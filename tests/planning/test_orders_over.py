"""Orders that are over: what is left of them goes back, and comes back when they are revived; and all told anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from lcvsync.domain.orders import Order
from lcvsync.domain.sales import SaleKind
from lcvsync.planning.order_options import OrderOptions
from lcvsync.planning.order_rules import was_restocked
from lcvsync.planning.sales import UNKNOWN, Draft, Drafts, anew, changes, told_by_now
from tests.planning.orders import (
    AWAITING,
    BOTH_BACK,
    CANCELLED,
    CONTEXT,
    ONE_BACK,
    PAID,
    REFUNDED,
    SERVICES,
    SHIPPED,
    SKUS,
    TWO,
    at,
    context,
    entered,
    exported,
    in_force,
    kept_by_lcv,
    line,
    money,
    moved,
    order,
    out_of_stock,
    payment,
    record,
    refunded,
    shown,
    slip,
    then,
    titles,
    told,
    voucher,
)

D = Decimal
VOUCHER = replace(refunded(TWO, 1), issued=(voucher(4, "20.00"),))


# -- worth nothing -----------------------------------------------------------------------------------------------------


def test_cancelled() -> None:
    """Where the shop put the goods back and nothing was refunded, the sale is reversed; two runs must have seen it."""
    drafts = changes(moved(TWO, CANCELLED), exported(TWO), SKUS, CONTEXT)

    assert (titles(drafts.documents), drafts.by_state) == (["reversal of 1"], "state 6")
    assert drafts.documents[0].date == CONTEXT.now
    assert kept_by_lcv(then(exported(TWO), moved(TWO, CANCELLED))) == ("0", [], [])


@pytest.mark.parametrize(("number", "end"), [(CANCELLED, ""), (REFUNDED, " out"), (AWAITING, " out"), (99, " out")])
def test_rest_of_an_order(number: int, end: str) -> None:
    """What came before stands, the rest is refunded; its units return to stock where the shop put them back."""
    held = then(exported(TWO), ONE_BACK)
    drafts = changes(moved(ONE_BACK, number), held, SKUS, CONTEXT)

    (rest,) = drafts.documents
    assert shown(rest.lines) == [f"-2 A 20 @20{end}", f"-2 B 10 @5.5{end}", "-1 PORT 5 @20"]
    assert (rest.kind, rest.cause, rest.target, rest.date) == (SaleKind.REFUND, "rest", "1", CONTEXT.now)
    assert (money(rest.payments), drafts.by_state) == (["CB -65"], f"state {number}")
    assert kept_by_lcv(then(held, moved(ONE_BACK, number))) == ("0", [], [])


def test_refunded_without_slips() -> None:
    """A state that puts nothing back gives the money back and leaves the units out of the stock."""
    assert told(moved(TWO, REFUNDED), exported(TWO)) == ["refund rest -85"]


def test_voucher_stands() -> None:
    """A voucher that came before stays with the customer and its money with the shop: only the rest is paid back."""
    held = then(exported(TWO), VOUCHER, moved(VOUCHER, CANCELLED))

    assert money(held[-1].sale.payments) == ["CB -65"]
    assert kept_by_lcv(held) == ("20", [], ["CB 20"])


def test_slip_seen_with_the_state() -> None:
    """A slip from before the state is a refund of its own; one from after it is part of the rest."""
    before = moved(ONE_BACK, REFUNDED, day=6)
    after = moved(ONE_BACK, REFUNDED, day=4)

    assert told(before, exported(TWO)) == ["refund slip:1 -20", "refund rest -65"]
    assert told(moved(ONE_BACK, REFUNDED, day=5), exported(TWO)) == ["refund slip:1 -20", "refund rest -65"]
    assert told(after, exported(TWO)) == ["refund rest -85"]
    assert told(moved(after, AWAITING, day=6), exported(TWO)) == ["refund rest -85"]
    assert told(moved(after, CANCELLED, day=6), exported(TWO)) == ["reversal of 1"]


def test_rest_of_an_order_that_cost_nothing() -> None:
    """Its units come back, its discount too, and no money."""
    free = order(line(1, "20.00"), discounts="20.00", payments=())
    held = then(exported(free), moved(free, REFUNDED))

    assert shown(held[1].sale.lines) == ["-1 A 20 @20 out", "-1 discount -20 @20"]
    assert kept_by_lcv(held) == ("0", [], [])


def test_nothing_left_to_refund() -> None:
    """Slips that gave everything back leave no rest, and nothing to wait for."""
    everything = slip(1, [(1, 3, "60.00"), (2, 2, "20.00")], shipping="5.00")
    found = replace(refunded(TWO, 3, 2), slips=(everything,))

    assert changes(moved(found, REFUNDED), then(exported(TWO), found), SKUS, CONTEXT) == Drafts()
    assert changes(moved(found, REFUNDED), exported(TWO), SKUS, CONTEXT).by_state == ""


def test_states_that_count_as_paid() -> None:
    """An order in a state that `orders.states` names keeps its worth, paid or not."""
    named = context(OrderOptions(services=SERVICES, states=frozenset({AWAITING})))

    assert changes(moved(TWO, AWAITING), exported(TWO), SKUS, named) == Drafts()
    assert changes(moved(TWO, SHIPPED), exported(TWO), SKUS, CONTEXT) == Drafts()


def test_edited_while_it_is_over() -> None:
    """What becomes of an order that LCV knows to be over tells it nothing."""
    over = moved(ONE_BACK, REFUNDED)
    held = then(exported(TWO), ONE_BACK, over)

    assert told(replace(over, payments=(payment(1, "85.00", "Chèque"),)), held) == []
    assert told(moved(over, AWAITING, day=12), held) == []


def test_put_back_while_it_is_over() -> None:
    """Units that a refund put back after all return to LCV's stock too: the rest is told anew."""
    late = replace(ONE_BACK, slips=(slip(1, [(1, 1, "20.00")], when=12),))
    held = then(exported(TWO), moved(TWO, REFUNDED), moved(late, REFUNDED))

    assert (kept_by_lcv(held), out_of_stock(held)) == (("0", [], []), {"A": 2, "B": 2})


@pytest.mark.parametrize(
    ("states", "back"),
    [
        ([PAID, CANCELLED], True),
        ([PAID, CANCELLED, REFUNDED], True),
        ([PAID, REFUNDED], False),
        ([PAID, CANCELLED, PAID, REFUNDED], False),
        ([CANCELLED, AWAITING], False),
        ([AWAITING, CANCELLED], True),
        ([99, CANCELLED, 99], False),
    ],
)
def test_what_the_shop_put_back(states: list[int], back: bool) -> None:
    """An order is in the shop's stock again once it was cancelled, since it was last worth something."""
    found = replace(TWO, state=states[-1], history=entered(*((number, day) for day, number in enumerate(states, 1))))

    assert was_restocked(found, CONTEXT) is back
    assert was_restocked(replace(TWO, state=CANCELLED, history=()), CONTEXT)


def test_revived_after_a_reversal() -> None:
    """The order is sold again, with its refunds, when two runs saw it; the refunds keep their dates."""
    held = then(exported(TWO), moved(TWO, CANCELLED))
    revived = moved(moved(ONE_BACK, CANCELLED), PAID, day=12)
    drafts = changes(revived, held, SKUS, CONTEXT)

    assert (titles(drafts.documents), drafts.by_state) == (["sale sale 85", "refund slip:1 -20"], "revived")
    assert [each.date for each in drafts.documents] == [CONTEXT.now, at(5)]
    assert told(moved(TWO, PAID), held) == ["sale sale 85"]
    assert told(moved(replace(TWO, payments=()), PAID), held) == ["sale sale 85"]
    assert changes(replace(revived, lines=(), total=D(0)), held, SKUS, CONTEXT).documents == ()


def test_revived_after_a_rest() -> None:
    """The rest is reversed; what was refunded before stands, and what was refunded since follows."""
    held = then(exported(TWO), ONE_BACK, moved(ONE_BACK, REFUNDED))
    since = replace(BOTH_BACK, slips=(ONE_BACK.slips[0], slip(2, [(2, 1, "10.00")], when=11)))
    drafts = changes(moved(moved(since, REFUNDED), PAID, day=12), held, SKUS, CONTEXT)

    assert (titles(drafts.documents), drafts.by_state) == (["reversal of 3", "refund slip:2 -10"], "revived")
    assert kept_by_lcv(record(drafts.documents, held)) == ("55", ["2 A", "1 B"], ["CB 55"])


def test_revived_and_edited() -> None:
    """An edit besides reverses everything, the rest first."""
    held = then(exported(TWO), ONE_BACK, moved(ONE_BACK, REFUNDED))
    edited = replace(ONE_BACK, shipping=D(0), total=D(80))

    assert told(edited, held)[:3] == ["reversal of 3", "reversal of 2", "reversal of 1"]
    assert kept_by_lcv(then(held, edited)) == ("60", ["2 A", "2 B"], ["CB 60"])


@pytest.mark.parametrize(
    "edited",
    [
        replace(VOUCHER, lines=(replace(VOUCHER.lines[0], quantity=2), VOUCHER.lines[1]), total=D("65.00")),
        replace(VOUCHER, payments=(payment(1, "85.00", "Chèque"),)),
    ],
    ids=["units", "payment"],
)
def test_edited_and_over_between_two_runs(edited: Order) -> None:
    """Units that an edit put back are back in LCV's stock, and a voucher's money is with the tender that paid."""
    seen = then(exported(TWO), VOUCHER, edited, moved(edited, REFUNDED))
    unseen = then(exported(TWO), VOUCHER, moved(edited, REFUNDED))

    assert (kept_by_lcv(unseen), out_of_stock(unseen)) == (kept_by_lcv(seen), out_of_stock(seen))
    assert changes(moved(edited, REFUNDED), then(exported(TWO), VOUCHER), SKUS, CONTEXT).by_state == "state 7"


def test_refunded_and_cancelled_later() -> None:
    """A refunded order that is cancelled after all returns to the shop's stock, and to LCV's."""
    held = then(exported(TWO), moved(TWO, REFUNDED), moved(moved(TWO, REFUNDED), CANCELLED, day=12))

    assert (kept_by_lcv(held), out_of_stock(held)) == (("0", [], []), {})


# -- all anew ----------------------------------------------------------------------------------------------------------


def test_documents_of_which_nobody_knows() -> None:
    """What LCV holds and nobody can tell is reversed, and the order told again if it is worth something."""
    held = [replace(each, cause=UNKNOWN, basis={}) for each in then(exported(TWO), ONE_BACK)]

    again = ["reversal of 2", "reversal of 1"]
    assert told(ONE_BACK, held) == [*again, "sale sale 85", "refund slip:1 -20"]
    assert told(ONE_BACK, [then(exported(TWO), ONE_BACK)[0], held[1]])[:2] == again
    assert told(ONE_BACK, held[::-1])[:2] == again
    assert changes(moved(ONE_BACK, CANCELLED), held, SKUS, CONTEXT) == Drafts(
        tuple(Draft(SaleKind.REVERSAL, UNKNOWN, CONTEXT.now, target=target) for target in ("2", "1"))
    )
    assert [each.cause for each in in_force(then(held, ONE_BACK))] == ["sale", "slip:1"]


def test_what_would_be_told_by_now() -> None:
    """What LCV would hold of an order told from its beginning: its refunds, and the rest if it is over; paid or not."""
    assert titles(told_by_now(ONE_BACK, SKUS, CONTEXT)) == ["sale sale 85", "refund slip:1 -20"]
    assert titles(told_by_now(replace(ONE_BACK, payments=()), SKUS, CONTEXT)) == ["sale sale 85", "refund slip:1 -20"]
    assert titles(told_by_now(moved(ONE_BACK, REFUNDED), SKUS, CONTEXT)) == [
        "sale sale 85",
        "refund slip:1 -20",
        "refund rest -65",
    ]


def test_all_anew_on_demand() -> None:
    """A person can have an order told again although nothing of it changed; a difference becomes a payment."""
    held = then(exported(TWO), ONE_BACK)
    unpaid = replace(ONE_BACK, payments=())

    assert titles(anew(ONE_BACK, held, SKUS, CONTEXT).documents)[2:] == ["sale sale 85", "refund slip:1 -20"]
    assert money(anew(unpaid, held, SKUS, CONTEXT).documents[2].payments) == ["CB 85"]
    assert titles(anew(replace(TWO, lines=(), total=D(0)), held, SKUS, CONTEXT).documents) == [
        "reversal of 2",
        "reversal of 1",
    ]


# -- amounts that are hard to tell -------------------------------------------------------------------------------------


def test_units_of_which_the_price_came_back() -> None:
    """A unit that is left comes back with the rest, also where its line's refund was worth more than the line."""
    cheaper = replace(ONE_BACK, lines=(line(1, "5.00", 3, refunded=1, reinjected=1), TWO.lines[1]), total=D("40.00"))

    held = then(exported(TWO), ONE_BACK, cheaper)
    assert kept_by_lcv(held) == ("20", ["2 A", "2 B"], ["CB 20"])
    assert kept_by_lcv(then(held, moved(cheaper, REFUNDED))) == ("0", [], [])


def test_cents_of_a_rest_after_a_voucher() -> None:
    """Sale, voucher and rest are each rounded, and still a cancelled order keeps exactly the voucher's money."""
    pair = order(line(1, "10.006", 2), total="20.01")
    back = replace(refunded(pair, 1), issued=(voucher(4, "10.01"),))

    assert kept_by_lcv(then(exported(pair), back, moved(back, REFUNDED))) == ("10.01", [], ["CB 10.01"])


def test_cents_of_a_rest_after_a_slip() -> None:
    """Of a sale of 10.005, rounded to 10.01, and a slip of 3.35 for three units the rest is 6.66."""
    found = order(line(1, "1.115", 3), line(2, "3.33", 2), total="10.01")
    back = replace(refunded(found, 3), slips=(slip(1, [(1, 3, "3.35")]),))

    assert kept_by_lcv(then(exported(found), back, moved(back, REFUNDED))) == ("0", [], [])


@pytest.mark.parametrize("number", [CANCELLED, REFUNDED])
@pytest.mark.parametrize("day", [28, 29], ids=["before", "at that moment"])
def test_revived_and_over_again_between_two_runs(number: int, day: int) -> None:
    """A voucher given while the order was worth something again stands, though no run saw it so; an edit counts too."""
    over = moved(TWO, number, day=4)
    slips, issued = (slip(1, [(1, 1, "20.00")], when=day),), (voucher(4, "20.00", when=day),)
    again = replace(refunded(moved(moved(over, PAID, day=27), number, day=29), 1), slips=slips, issued=issued)
    edited = replace(again, payments=(payment(1, "85.00", "Chèque"),))
    held = then(exported(TWO), over)

    assert changes(again, held, SKUS, CONTEXT).by_state == f"state {number}"
    assert kept_by_lcv(then(held, again)) == ("20", [], ["CB 20"])
    assert kept_by_lcv(then(held, edited)) == ("20", [], ["CHQ 20"])


@pytest.mark.parametrize("seen", [TWO, ONE_BACK], ids=["bare", "with a slip"])
def test_emptied_and_over_between_two_runs(seen: Order) -> None:
    """An order whose lines were all taken out before it was over isn't sold again."""
    emptied = replace(seen, lines=(), shipping=D(0), total=D(0))

    assert kept_by_lcv(then(exported(TWO), moved(emptied, REFUNDED))) == ("0", [], [])
    assert changes(moved(emptied, REFUNDED), exported(TWO), SKUS, CONTEXT).by_state == "state 7"


def test_over_with_an_article_that_lcv_does_not_know() -> None:
    """What LCV holds goes back though an edit that nobody saw added a line that can't be told."""
    added = replace(TWO, lines=(*TWO.lines, line(9, "5.00")), total=D("90.00"))

    assert kept_by_lcv(then(exported(TWO), moved(added, REFUNDED))) == ("0", [], [])
