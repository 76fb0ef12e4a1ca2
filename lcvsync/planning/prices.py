"""A product's base price and its combinations' impacts, from LCV's prices including tax.

The shop adds the combination's impact to the product's base price, both without tax with six decimals. The product
carries the price of its default variant. An impact is the difference of two stored prices, so that base + impact is
exactly the stored price of the variant, and the shop shows LCV's cents for every one of them.

**Order of a change.** What rises is written first and what falls last. A price shown grows with base and impact and
shrinks with the reduction. While the rises are written, each part is at its old value or above: no variant is under its
old price. When all are written each part is at its new value or above, and the falls keep it there: no variant is under
its new price. So at no moment is a variant cheaper than both.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.money import to_cents, without_tax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.domain.catalogue import Sku

_SAME = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class PriceParts:
    """What the shop stores, without tax: the product's price, and by variant what its combination adds to it."""

    base: Decimal
    impacts: Mapping[Sku, Decimal]


@dataclass(frozen=True, slots=True)
class DefaultCandidate:
    """A variant that may be its product's default one."""

    sku: Sku
    active: bool
    in_stock: bool


def price_parts(prices: Mapping[Sku, Decimal], default: Sku, rate: Decimal) -> PriceParts:
    """The parts for *prices* including tax at *rate* percent; *default*, one of them, has no impact."""
    base = _stored(prices[default], rate)
    return PriceParts(base, impacts_from(base, prices, rate))


def impacts_from(base: Decimal, prices: Mapping[Sku, Decimal], rate: Decimal) -> dict[Sku, Decimal]:
    """The impacts that give *prices* on a *base* that must stay: the product has combinations that aren't linked."""
    return {sku: _stored(price, rate) - base for sku, price in prices.items()}


def _stored(price: Decimal, rate: Decimal) -> Decimal:
    # The contract allows LCV six decimals. Half cents would be left to the shop's floats, so they are rounded here.
    return without_tax(to_cents(price), rate)


def same_price(a: Decimal, b: Decimal) -> bool:
    """Whether two stored prices differ by a millionth at most: a foreign rounding, no reason to write again."""
    return abs(a - b) <= _SAME


def default_variant(candidates: Sequence[DefaultCandidate], current: Sku | None) -> Sku | None:
    """The default variant among *candidates* in grid order.

    *current* is kept while it is there and active: a default that followed the stock would move the address and the
    photo that customers see. Else the first active one with stock, else the first active one, else the first.
    """
    active = [candidate for candidate in candidates if candidate.active]
    if any(candidate.sku == current for candidate in active):
        return current
    stocked = [candidate for candidate in active if candidate.in_stock]
    best = stocked or active or candidates
    return best[0].sku if best else None


def rises(before: Decimal | None, after: Decimal) -> bool:
    """Whether a base price or an impact is written with what rises (first), not with what falls (last).

    A new impact (*before* None) isn't: made before its product's base has risen, its variant would be too cheap.
    """
    return before is not None and after > before
