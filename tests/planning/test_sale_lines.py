"""The lines of a sale: what was paid for everything, VAT as LCV knows it, a sum that is the order's to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.money import to_cents
from lcvsync.domain.orders import UsedVoucher
from lcvsync.domain.sales import LineRole, SaleLine
from lcvsync.planning.sale_lines import (
    Piece,
    by_rate,
    residue,
    sale_lines,
    service_vat,
    settled,
    spread,
    tolerance,
    total_of,
    vat_rate,
)
from tests.planning.orders import RATES, SERVICES, line, lines_of, order, shown, used

D = Decimal
BASKET = (line(1, "22.944", 3), line(2, "34.464"), line(3, "14.28", 2))
"""The recorded order 6: 131.856 in all, with shipping of 8.40 it is 140.26 or so."""
TWO_RATES = (line(1, "60.00"), line(2, "20.00", 2, rate="5.5"))


def test_three_for_ten() -> None:
    """A price that is no number of cents keeps its six decimals; 9.999999 are 10.00."""
    lines = lines_of(order(line(1, "3.333333", 3), total="10.00"))

    assert shown(lines) == ["3 A 3.333333 @20"]
    assert to_cents(total_of(lines)) == D("10.00")


@pytest.mark.parametrize(
    ("total", "first"),
    [("140.26", "22.944"), ("140.25", "22.942"), ("140.24", "22.938667"), ("140.30", "22.958667")],
    ids=["at the end", "line by line", "item by item", "beside all of them"],
)
def test_however_the_shop_rounds(total: str, first: str) -> None:
    """Where the parts round to the total nothing is touched; else the largest line takes the residue."""
    lines = lines_of(order(*BASKET, shipping="8.40", total=total))

    assert shown(lines) == [f"3 A {first} @20", "1 B 34.464 @20", "2 C 14.28 @20", "1 PORT 8.4 @20"]
    assert to_cents(total_of(lines)) == D(total)


def test_residue_goes_to_no_discount() -> None:
    """The largest line is one that sells something: shipping here, although the discount is larger."""
    lines = lines_of(order(line(1, "5.00"), shipping="9.00", discounts="12.00", total="2.01"))

    assert shown(lines) == ["1 A 5 @20", "1 PORT 9.01 @20", "1 discount -12 @20"]


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        ("50.00", ["1 A 60 @20", "2 B 20 @5.5", "1 discount -30 @20", "1 discount -20 @5.5"]),
        ("99.92", ["1 A 60 @20", "2 B 20 @5.5", "1 discount -0.05 @20", "1 discount -0.03 @5.5"]),
        ("99.93", ["1 A 59.93 @20", "2 B 20 @5.5"]),
        ("120.00", ["1 A 80 @20", "2 B 20 @5.5"]),
    ],
    ids=["half", "just more than rounding", "rounding", "above"],
)
def test_total_that_rounding_does_not_explain(total: str, lines: list[str]) -> None:
    """Prices stay what they are where a total is far below them: the difference is a discount, pro rata."""
    assert shown(lines_of(order(*TWO_RATES, total=total))) == lines


def test_residue_of_discounts_alone() -> None:
    """Lines that are discounts only agree as well."""
    discount = SaleLine(LineRole.DISCOUNT, None, None, "Remise", 1, D("-3.00"), None, D(20))

    assert shown(settled([discount], D("-3.01"))) == ["1 discount -3.01 @20"]


def test_what_a_line_says() -> None:
    """The name, the price before reductions where it was higher, restock as always; lines of 0 units are left out."""
    reduced, same = line(1, "80.00", 2, original="83.333333"), line(2, "24.00", original="20.00")
    lines = lines_of(order(reduced, same, line(3, "5.00", 0)))

    assert lines == (
        SaleLine(LineRole.ARTICLE, "A", None, "Article 1", 2, D("80.000000"), D("100.00"), D("20.00"), restock=True),
        SaleLine(LineRole.ARTICLE, "B", None, "Article 2", 1, D("24.000000"), None, D("20.00"), restock=True),
    )


def test_shipping_and_wrapping() -> None:
    """Both are lines of one unit under LCV's references, each at the rate of its own prices."""
    lines = lines_of(order(line(1, "10.00"), shipping="5.28", shipping_rate="5.5", wrapping="3.00"))

    assert lines[1:] == (
        SaleLine(LineRole.SHIPPING, "PORT", None, "Frais de port", 1, D("5.28"), None, D("5.50")),
        SaleLine(LineRole.WRAPPING, "EMB", None, "Emballage cadeau", 1, D("3.00"), None, D("20.00")),
    )


def test_pieces_say_sku_and_rate() -> None:
    """What a line is in LCV is told from outside: a service's reference stands like an article's."""
    lines = sale_lines(order(line(1, "10.00")), {1: Piece("GIFT", D(0))}, SERVICES, RATES)

    assert shown(lines) == ["1 GIFT 10 @0"]


@pytest.mark.parametrize(
    ("discounts", "parts"),
    [
        ("10.00", ["1 discount -6 @20", "1 discount -4 @5.5"]),
        ("8.01", ["1 discount -4.81 @20", "1 discount -3.2 @5.5"]),
        ("0.01", ["1 discount -0.01 @20"]),
        ("100.00", ["1 discount -60 @20", "1 discount -40 @5.5"]),
    ],
    ids=["even", "rounded", "a cent", "everything"],
)
def test_vouchers_over_two_rates(discounts: str, parts: list[str]) -> None:
    """Vouchers are one discount for each VAT rate of the articles, pro rata; the largest share takes the rounding."""
    assert shown(lines_of(order(*TWO_RATES, discounts=discounts)))[2:] == parts


@pytest.mark.parametrize(
    ("vouchers", "label"),
    [
        ((used("BIENVENUE"), used("NOEL"), used("NOEL")), "BIENVENUE + NOEL"),
        ((used(), used("NOEL")), "NOEL"),
        ((), "Remise"),
    ],
    ids=["two", "one without name", "none"],
)
def test_names_of_vouchers(vouchers: tuple[UsedVoucher, ...], label: str) -> None:
    """A discount is called what its vouchers are, each once; without a name it is a plain one."""
    found = replace(order(line(1, "50.00"), discounts="5.00"), vouchers=vouchers)

    assert [each.label for each in lines_of(found) if each.role is LineRole.DISCOUNT] == [label]


@pytest.mark.parametrize(
    ("discounts", "free", "parts"),
    [
        ("8.40", True, ["1 discount -8.4 @10"]),
        ("18.40", True, ["1 discount -8.4 @10", "1 discount -6 @20", "1 discount -4 @5.5"]),
        ("5.00", True, ["1 discount -5 @10"]),
        ("8.40", False, ["1 discount -5.04 @20", "1 discount -3.36 @5.5"]),
    ],
    ids=["alone", "with a percentage", "less than the shipping", "another voucher of that amount"],
)
def test_free_shipping(discounts: str, free: bool, parts: list[str]) -> None:
    """What free shipping takes off is at shipping's rate, up to the shipping; what is beyond it is pro rata."""
    found = order(
        *TWO_RATES, shipping="8.40", shipping_rate="10", discounts=discounts, vouchers=(used(free_shipping=free),)
    )

    assert shown(lines_of(found))[3:] == parts


def test_free_shipping_at_the_rate_of_articles() -> None:
    """Two discounts of one rate are one line."""
    free = (used("PORT GRATUIT", free_shipping=True), used("DIX"))
    lines = lines_of(order(*TWO_RATES, shipping="8.40", discounts="18.40", vouchers=free))

    assert shown(lines)[3:] == ["1 discount -14.4 @20", "1 discount -4 @5.5"]


def test_discount_on_an_order_of_gifts() -> None:
    """Where no article costs anything, a discount can only be on the shipping."""
    lines = lines_of(order(line(1, "0"), shipping="8.40", shipping_rate="10", discounts="2.00"))

    assert shown(lines) == ["1 A 0 @0", "1 PORT 8.4 @10", "1 discount -2 @10"]


@pytest.mark.parametrize(
    ("incl", "excl", "rate"),
    [
        ("22.944000", "19.120000", "20.00"),
        ("10.550000", "10.000000", "5.50"),
        ("1000.999", "834.125000", "20.00"),
        ("100.099999", "83.416666", "20.00"),
        ("1.0009", "0.8335", "20.00"),
        ("120.101201", "100.001", "20.00"),
        ("120.100101", "100.000001", None),
        ("119.899900", "100.000001", None),
        ("112.000000", "100.000000", None),
        ("0.05", "0.04", "20.00"),
        ("8.39", "7.00", "20.00"),
        ("8.38", "7.00", None),
        ("0.050000", "0.040500", None),
        ("5.00", "5.00", "0"),
        ("0", "0", "0"),
        ("5.00", "0", None),
        ("-5.00", "-4.17", None),
    ],
    ids=[
        "exact",
        "exact at 5.5",
        "rounded prices",
        "six decimals",
        "within a tenth",
        "exactly a tenth above",
        "more than a tenth above",
        "more than a tenth below",
        "between two rates",
        "25 % in cents",
        "a cent off",
        "two cents off",
        "a cent off, but not in cents",
        "no tax",
        "for nothing",
        "all tax",
        "negative",
    ],
)
def test_vat_rates(incl: str, excl: str, rate: str | None) -> None:
    """The nearest of LCV's rates within 0.1, or within a cent where prices are cents; 0 where no tax was charged."""
    assert vat_rate(D(incl), D(excl), RATES) == (None if rate is None else D(rate))


def test_vat_without_tables() -> None:
    """Tables without rates answer for untaxed prices only; a service's rate is 0 where none is found."""
    assert vat_rate(D("12.00"), D("10.00"), ()) is None
    assert vat_rate(D("12.00"), D("12.00"), ()) == D(0)
    assert service_vat(D("12.00"), D("10.00"), ()) == D(0)
    assert service_vat(D("12.00"), D("10.00"), RATES) == D(20)


def test_residue_and_tolerance() -> None:
    """Rounding explains a cent for every piece and for each of four totals; the residue is what it must explain."""
    found = order(*BASKET, shipping="8.40", wrapping="3.00", discounts="8.00", total="135.30")

    assert residue(found) == D("0.044")
    assert tolerance(found) == D("0.10")


def test_worth_by_rate() -> None:
    """Amounts at every rate are without sign, so that they weigh in a refund as in its sale; nothing weighs nothing."""
    lines = lines_of(order(*TWO_RATES, line(3, "0")))
    given_back = [replace(each, quantity=-each.quantity) for each in lines]

    assert by_rate(lines) == by_rate(given_back) == {D(20): D(60), D("5.5"): D(40)}


def test_rounding_of_shares() -> None:
    """The largest weight takes what rounding leaves, up or down."""
    assert spread(D("0.02"), {D("5.5"): D(25), D(20): D(75)}) == {D("5.5"): D("0.01"), D(20): D("0.01")}
    assert spread(D("0.10"), {D("5.5"): D(1), D(10): D(1), D(20): D(1)})[D("5.5")] == D("0.04")


CENTS = st.integers(1, 10**7).map(lambda cents: D(cents) / 100)


@given(CENTS, st.dictionaries(st.sampled_from(RATES), CENTS, min_size=1))
def test_shares_are_the_whole(amount: Decimal, weights: dict[Decimal, Decimal]) -> None:
    """Shares are in cents, and their sum is what was shared, to the cent."""
    shares = spread(amount, weights)

    assert sum(shares.values()) == amount
    assert all(share == to_cents(share) for share in shares.values())
    exact = {key: amount * weight / sum(weights.values()) for key, weight in weights.items()}
    assert all(abs(share - exact[key]) <= D("0.02") for key, share in shares.items())


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10**9)), min_size=1, max_size=4), st.integers(-9, 9))
def test_lines_agree_with_the_total(parts: list[tuple[int, int]], beyond: int) -> None:
    """Whatever prices have for decimals and the shop rounds, the lines round to the total, half up."""
    lines = [line(place, str(D(micros) / 10**6), count) for place, (count, micros) in enumerate(parts, 1)]
    total = to_cents(sum((each.quantity * each.unit_incl_tax for each in lines), D(0))) + D(beyond) / 100
    pieces = {each.id: Piece("A", D(20)) for each in lines}
    told = sale_lines(order(*lines, total=str(total)), pieces, SERVICES, RATES)

    assert to_cents(total_of(told)) == total


def test_total_far_below_the_lines() -> None:
    """A person has it sent: prices stay what was paid, the difference is a discount over the VAT rates."""
    found = lines_of(order(line(1, "20.00", 2), line(2, "10.55", rate="5.5"), total="5.00"))

    assert [each.unit_price_incl_tax for each in found if each.role is LineRole.ARTICLE] == [D("20"), D("10.55")]
    assert [each.vat_rate for each in found if each.role is LineRole.DISCOUNT] == [D("20.00"), D("5.50")]
    assert total_of(found) == D("5.00")
