"""The lines of an order: what is ordered, how a line is written, what it weighs (OrderDetail of 8.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.combinations import move_stock
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import ZERO, amount, cents, insert, precise, row_of, rows_of, text, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.ledger import Given
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.prices import Buyer, Price
    from lcvsync.emulators.prestashop.shop import Shop


@dataclass(frozen=True)
class Line:
    """So many of a product or combination, at the shop's price unless another one is given."""

    product: int
    combination: int
    quantity: int
    given_incl: Decimal | None = None
    oversell: bool = False
    price: Price | None = None

    def priced(self, price: Price) -> Line:
        """The line with the shop's price."""
        return replace(self, price=price)

    @property
    def unit_incl(self) -> Decimal:
        """One unit with tax."""
        return self.given_incl if self.given_incl is not None else self._price.tax_incl

    @property
    def unit_excl(self) -> Decimal:
        """One unit without tax."""
        if self.given_incl is not None:
            return precise(self.given_incl / self._price.tax.factor)
        return self._price.tax_excl

    @property
    def _price(self) -> Price:
        if self.price is None:
            raise UnusableError("a line without a price")
        return self.price


@dataclass(frozen=True)
class OrderLines:
    """The lines of one order."""

    shop: Shop
    order: int

    def add(self, lines: Sequence[Line], buyer: Buyer, *, state: int, invoice: int = 0) -> None:
        """Writes the lines; the stock falls, unless the order begins cancelled or failed."""
        lost = {int(self.shop.setting(name) or 0) for name in ("PS_OS_ERROR", "PS_OS_CANCELED")}
        for line in lines:
            self._add(line, buyer, invoice)
            if state not in lost:
                move_stock(self.shop, line.product, line.combination, -line.quantity)

    def _add(self, line: Line, buyer: Buyer, invoice: int) -> None:
        shop, price = self.shop, line.price
        if price is None:
            raise UnusableError("a line without a price")
        product = row_of(shop, "products", line.product)
        combination = row_of(shop, "combinations", line.combination) if line.combination else {}
        stock = stock_of(shop, line.product, line.combination)
        wholesale = text(combination, "wholesale_price") if amount(combination, "wholesale_price") else ""
        detail = insert(
            shop,
            "order_details",
            id_order=self.order,
            product_id=line.product,
            product_attribute_id=line.combination,
            id_order_invoice=invoice,
            id_shop=1,
            product_name=name_of(shop, product, line.combination),
            product_quantity=line.quantity,
            product_quantity_in_stock=min(stock, line.quantity),
            product_price=line.unit_excl,
            product_weight=amount(product, "weight") + amount(combination, "weight"),
            id_tax_rules_group=price.tax_group,
            original_product_price=price.original,
            purchase_supplier_price=wholesale or text(product, "wholesale_price"),
            original_wholesale_price=wholesale or text(product, "wholesale_price"),
            group_reduction=amount(shop.tables["groups"].rows.get(buyer.group, {}), "reduction"),
            **{f"product_{each}": text(combination, each) or text(product, each) for each in _CODES},
            **prices_of(line.unit_incl, line.unit_excl, line.quantity),
            **_reductions(price, buyer, line.quantity),
        )
        if price.tax.ids:
            shop.taxes_of[detail] = list(price.tax.ids)


_CODES = ("ean13", "isbn", "upc", "mpn", "reference", "supplier_reference")


def prices_of(incl: Decimal, excl: Decimal, quantity: int) -> dict[str, Given]:
    """The columns of a line that hold its price; the totals are rounded line by line."""
    return {
        "unit_price_tax_incl": incl,
        "unit_price_tax_excl": excl,
        "total_price_tax_incl": cents(incl * quantity),
        "total_price_tax_excl": cents(excl * quantity),
    }


def _reductions(price: Price, buyer: Buyer, quantity: int) -> dict[str, Given]:
    """What the specific price took off (code: OrderDetail::setSpecificPrice, setDetailProductPrice)."""
    specific = price.specific
    if specific is None:
        return {}
    noted: dict[str, Given] = {"discount_quantity_applied": whole(specific, "from_quantity") > 1}
    if whole(specific, "from_quantity") >= quantity:
        quantity_discount = cents(price.tax_incl) - amount(specific, "price") * price.tax.factor
        noted["product_quantity_discount"] = quantity_discount
    reduction = amount(specific, "reduction")
    if text(specific, "reduction_type") == "percentage":
        return {**noted, "reduction_percent": reduction * 100}
    reduction *= buyer.rate if whole(specific, "id_currency") == 0 else 1
    incl, excl = reduction, cents(reduction / price.tax.factor)
    if not whole(specific, "reduction_tax"):
        incl, excl = cents(reduction * price.tax.factor), reduction
    both = {"reduction_amount_tax_incl": incl, "reduction_amount_tax_excl": excl}
    return {**noted, "reduction_amount": reduction, **both}


def name_of(shop: Shop, product: Values, combination: int) -> str:
    """`T-shirt imprimé colibri (Size: S - Color: White)`: groups and values by their positions (recorded orders)."""
    name = _french(product, "name")
    values, groups = shop.tables["product_option_values"].rows, shop.tables["product_options"].rows
    rows = [values[each] for each in shop.values_of.get(combination, ()) if each in values]
    pairs = [
        (groups[whole(each, "id_attribute_group")], each)
        for each in rows
        if whole(each, "id_attribute_group") in groups
    ]
    pairs.sort(key=lambda pair: (whole(pair[0], "position"), whole(pair[1], "position")))
    shown = " - ".join(f"{_french(group, 'public_name')}: {_french(each, 'name')}" for group, each in pairs)
    return f"{name} ({shown})" if shown else name


def _french(row: Values, name: str) -> str:
    texts = row.get(name)
    return texts.get(1, "") if isinstance(texts, dict) else ""


def stock_of(shop: Shop, product: int, combination: int) -> int:
    """What is left of a product or combination."""
    rows = shop.stock_rows(product, combination)
    return whole(shop.tables["stock_availables"].rows[rows[0]], "quantity") if rows else 0


def check_stock(shop: Shop, line: Line) -> None:
    """UnusableError when there is too little and the product isn't sold without stock."""
    rows = shop.stock_rows(line.product, line.combination)
    if not rows:
        raise UnusableError(f"no stock row of product {line.product}, combination {line.combination}")
    row = shop.tables["stock_availables"].rows[rows[0]]
    rule = text(row, "out_of_stock")
    allowed = shop.setting("PS_ORDER_OUT_OF_STOCK") == "1" if rule == "2" else rule == "1"
    if whole(row, "quantity") < line.quantity and not allowed and not line.oversell:
        left = whole(row, "quantity")
        raise UnusableError(f"out of stock: {left} left of product {line.product}, combination {line.combination}")


def weight_of(shop: Shop, order: int) -> Decimal:
    """What an order weighs."""
    rows = [row for _, row in rows_of(shop, "order_details", order)]
    return sum((amount(row, "product_weight") * whole(row, "product_quantity") for row in rows), ZERO)
