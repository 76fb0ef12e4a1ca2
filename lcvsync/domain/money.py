"""Amounts of money: rounding, tax, and PrestaShop's way of writing numbers.

LCV's prices include tax and are paid in cents. The shop keeps them without tax in DECIMAL(20,6), adds the tax and
rounds what it shows to the cent, half up (`PS_PRICE_ROUND_MODE` 2, the default; LCV's contract rounds the same way).
A price without tax is off by half a millionth at most, so that the cents shown are exact (`Product::priceCalculation`).

Amounts are Decimals in the shop's currency, rates are in percent: 20.00 is 20 %. A float never meets them.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

LONGEST_NUMBER = 40
"""Characters; PrestaShop's longest column, DECIMAL(20,6), takes 22."""
_LARGEST = 15
_SMALLEST = -30
"""Powers of ten: what is beyond them is no amount, and reckoning with it would be an error or take for ever."""
_CENT = Decimal("0.01")
_STORED = Decimal("0.000001")


def number_or_none(text: str) -> Decimal | None:
    """A number as a shop's database writes one, if *text* is one that can be reckoned with: no NaN, no 1e999."""
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and (not number or _SMALLEST <= number.adjusted() < _LARGEST) else None


def to_cents(amount: Decimal) -> Decimal:
    """*amount* with two decimals, half up; a negative one rounds away from zero, as PHP does."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def to_stored(amount: Decimal) -> Decimal:
    """*amount* with the six decimals that the shop's database keeps, half up as it rounds (measured)."""
    return amount.quantize(_STORED, ROUND_HALF_UP)


def without_tax(incl: Decimal, rate: Decimal) -> Decimal:
    """What the shop stores for a price *incl* that includes tax at *rate* percent."""
    return to_stored(incl * 100 / (100 + rate))


def with_tax(excl: Decimal, rate: Decimal) -> Decimal:
    """A stored price with tax at *rate* percent, not rounded: reductions come before the shop rounds."""
    return excl * (100 + rate) / 100


def shown(base: Decimal, impact: Decimal, rate: Decimal) -> Decimal:
    """The price to the cent that the shop shows for *base* and *impact* without tax, where no reduction applies."""
    return to_cents(with_tax(base + impact, rate))
