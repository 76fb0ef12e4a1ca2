"""Amounts: rounding half up, tax both ways, PrestaShop's texts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.money import LONGEST_NUMBER, number_or_none, shown, to_cents, to_stored, with_tax, without_tax

RATES = ("0", "2.10", "5.50", "8.5", "10", "20.00")


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("9.995", "10.00"),
        ("9.9949", "9.99"),
        ("0.125", "0.13"),
        ("0.135", "0.14"),
        ("-0.125", "-0.13"),
        ("3", "3.00"),
    ],
)
def test_half_a_cent_rounds_up(amount: str, cents: str) -> None:
    """Half up and not to even, away from zero for negative amounts, always with two decimals."""
    assert str(to_cents(Decimal(amount))) == cents


@pytest.mark.parametrize(
    ("amount", "stored"), [("0.0000005", "0.000001"), ("0.0000025", "0.000003"), ("-0.0000005", "-0.000001")]
)
def test_half_a_millionth_rounds_up(amount: str, stored: str) -> None:
    """As the shop's database rounds to its six decimals."""
    assert str(to_stored(Decimal(amount))) == stored


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.500000", "12.5"),
        ("-3", "-3"),
        ("0.000000", "0"),
        ("0E-40", "0"),
        ("1E+14", "1E+14"),
        ("1E+15", None),
        ("1E-30", "1E-30"),
        ("9E-31", None),
        ("9" * 14 + "." + "9" * 25, "9" * 14 + "." + "9" * 25),
        ("9" * 14 + "." + "9" * 26, None),
        ("NaN", None),
        ("Infinity", None),
        ("12,5", None),
        ("", None),
    ],
)
def test_numbers_of_a_shop(text: str, number: str | None) -> None:
    """A number is one that can be reckoned with: finite, of 40 characters and neither too large nor too small."""
    assert number_or_none(text) == (None if number is None else Decimal(number))
    assert number is None or len(text) <= LONGEST_NUMBER == 40


def test_known_prices_without_tax() -> None:
    """Prices without tax have six decimals, rounded half up; tax comes back unrounded."""
    assert without_tax(Decimal("39.90"), Decimal(20)) == Decimal("33.250000")
    assert without_tax(Decimal("39.99"), Decimal("5.5")) == Decimal("37.905213")
    assert str(without_tax(Decimal(10), Decimal(0))) == "10.000000"
    assert with_tax(Decimal("37.905213"), Decimal("5.5")) == Decimal("39.989999715")


@given(price=st.integers(1, 10**9), part=st.integers(-(10**9), 10**9), rate=st.sampled_from(RATES))
def test_every_price_in_cents_survives_the_shop(price: int, part: int, rate: str) -> None:
    """Stored without tax, cut in base and impact at any place, each price is shown to the cent as it was."""
    incl, impact = Decimal(price) / 100, Decimal(part).scaleb(-6)

    assert shown(without_tax(incl, Decimal(rate)) - impact, impact, Decimal(rate)) == incl
