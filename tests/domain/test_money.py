"""Amounts: rounding half up, tax both ways, PrestaShop's texts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.money import shown, to_cents, with_tax, without_tax

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
