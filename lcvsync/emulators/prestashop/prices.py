"""What a customer pays for one unit of a product: price, combination, running specific price, group, tax.

The rules are those of Product::priceCalculation and SpecificPrice::getSpecificPrice (sheet, section 5); ecotax, states
and postcodes have no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.ledger import ZERO, amount, precise, row_of, text, whole
from lcvsync.emulators.prestashop.stored import NO_TIME

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.shop import Shop

_FIELDS = {"id_customer": "customer", "id_group": "group", "id_currency": "currency", "id_country": "country"}


@dataclass(frozen=True)
class Buyer:
    """Who buys, where and in which currency: all that a specific price may ask for."""

    customer: int
    group: int
    country: int
    currency: int
    rate: Decimal
    """Units of the currency for one of the shop's."""


@dataclass(frozen=True)
class Tax:
    """The tax of a rules group in a country."""

    ids: tuple[int, ...]
    percent: Decimal

    @property
    def factor(self) -> Decimal:
        """What a price without tax is multiplied with."""
        return 1 + self.percent / 100


@dataclass(frozen=True)
class Price:
    """One unit's price and how it came about; amounts have six decimals."""

    original: Decimal
    """Without tax and before any reduction."""
    tax_excl: Decimal
    tax_incl: Decimal
    tax_group: int
    tax: Tax
    specific: Values | None


def tax_of(shop: Shop, group: int, country: int) -> Tax:
    """The taxes that the rules group has for the country; none for a country without a rule."""
    found = []
    for _, rule in shop.tables["tax_rules"]:
        if whole(rule, "id_tax_rules_group") == group and whole(rule, "id_country") == country:
            found.append(whole(rule, "id_tax"))
    rates = [amount(shop.tables["taxes"].rows[each], "rate") for each in found]
    return Tax(tuple(found), sum(rates, ZERO))


def price_of(shop: Shop, product: int, combination: int, quantity: int, buyer: Buyer) -> Price:
    """The price of one unit when *quantity* of them are bought."""
    row = row_of(shop, "products", product)
    impact = amount(row_of(shop, "combinations", combination), "price") if combination else ZERO
    tax_group = whole(row, "id_tax_rules_group")
    tax = tax_of(shop, tax_group, buyer.country)
    specific = specific_price(shop, product, combination, quantity, buyer)
    original = (amount(row, "price") + impact) * buyer.rate
    base = _overridden(specific, original, impact, buyer)
    excl, incl = base, base * tax.factor
    if specific is not None:
        excl, incl = _reduced(specific, excl, incl, tax, buyer)
    group = shop.tables["groups"].rows.get(buyer.group, {})
    left = 1 - amount(group, "reduction") / 100
    return Price(precise(original), precise(excl * left), precise(incl * left), tax_group, tax, specific)


def _overridden(specific: Values | None, original: Decimal, impact: Decimal, buyer: Buyer) -> Decimal:
    """A fixed price replaces the product's; that of a product-level row takes the combination's impact on top."""
    if specific is None or amount(specific, "price") < 0:
        return original
    rate = buyer.rate if whole(specific, "id_currency") == 0 else Decimal(1)
    fixed = amount(specific, "price") * rate
    return fixed if whole(specific, "id_product_attribute") else fixed + impact * buyer.rate


def _reduced(specific: Values, excl: Decimal, incl: Decimal, tax: Tax, buyer: Buyer) -> tuple[Decimal, Decimal]:
    reduction = amount(specific, "reduction")
    if text(specific, "reduction_type") == "percentage":
        return excl * (1 - reduction), incl * (1 - reduction)
    reduction *= buyer.rate if whole(specific, "id_currency") == 0 else 1
    if whole(specific, "reduction_tax"):
        return max(excl - reduction / tax.factor, ZERO), max(incl - reduction, ZERO)
    return max(excl - reduction, ZERO), max(incl - reduction * tax.factor, ZERO)


def specific_price(shop: Shop, product: int, combination: int, quantity: int, buyer: Buyer) -> Values | None:
    """The one specific price that applies; None when there is none."""
    table = shop.tables["specific_prices"]
    found = [*table.where("id_product", product), *table.where("id_product", 0)]
    rows = [table.rows[each] for each in found]
    fit = [each for each in rows if _applies(each, combination, quantity, buyer, shop.now())]
    return max(fit, key=lambda each: _rank(each, shop.setting("PS_SPECIFIC_PRICE_PRIORITIES")), default=None)


def _applies(row: Values, combination: int, quantity: int, buyer: Buyer, now: str) -> bool:
    minute = now[:17] + "00"
    start, end = text(row, "from"), text(row, "to")
    return (
        whole(row, "id_cart") == 0
        and whole(row, "id_shop") in {0, 1}
        and whole(row, "id_product_attribute") in {0, combination}
        and all(whole(row, name) in {0, getattr(buyer, part)} for name, part in _FIELDS.items())
        and whole(row, "from_quantity") <= quantity
        and (start in {"", NO_TIME} or start <= minute)
        and (end in {"", NO_TIME} or end >= minute)
    )


def _rank(row: Values, priorities: str) -> tuple[int | str, ...]:
    """The combination's own row first, then the larger quantity, then a row of no rule, then the shop's priorities."""
    names = ["id_customer", *priorities.split(";")]
    score = sum(2 ** (len(names) - place) for place, name in enumerate(names) if whole(row, name))
    rule, quantity = whole(row, "id_specific_price_rule"), whole(row, "from_quantity")
    return (whole(row, "id_product_attribute"), quantity, -rule, score, text(row, "to"), text(row, "from"))
