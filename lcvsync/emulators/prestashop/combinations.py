"""Combinations, their default, and the stock rows (measured, sections 4 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.entity import Behaviour, Entity, ids_of, listing
from lcvsync.emulators.prestashop.faults import NotEmulatedError
from lcvsync.emulators.prestashop.shop import belongs_to_shop
from lcvsync.emulators.prestashop.stored import is_empty, php_int

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Value, Values
    from lcvsync.emulators.prestashop.rendering import Item
    from lcvsync.emulators.prestashop.shop import Shop


class Combinations(Behaviour):
    """A POST checks nothing: unknown product, unknown values, the same values twice are all taken (section 5)."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """Option values and images, by id."""
        links = self.shop.values_of if name == "product_option_values" else self.shop.images_of
        return listing(sorted(links.get(row_id, ())))

    def add(self, call: Call, entity: Entity) -> bool:
        """One more stock row, quantity 0; the product's type becomes `combinations` (measured, sections 4 and 5)."""
        if not self._default_is_free(entity):
            return False
        super().add(call, entity)
        row_id, product = entity.id or 0, php_int(entity.text("id_product"))
        self.shop.values_of[row_id], self.shop.images_of[row_id] = [], []
        insert_row(self.shop, product, row_id)
        refresh_default(self.shop, product)
        return True

    def update(self, call: Call, entity: Entity) -> bool:
        """RefusedError by the unique key when another combination is the default (measured, section 5)."""
        stored = self.table.rows[entity.id or 0]
        if php_int(entity.text("id_product")) != php_int(str(stored["id_product"])):
            raise NotEmulatedError("combinations: moving a combination to another product")
        if not self._default_is_free(entity):
            return False
        super().update(call, entity)
        refresh_default(self.shop, php_int(entity.text("id_product")))
        return True

    def _default_is_free(self, entity: Entity) -> bool:
        wanted = not is_empty(entity.values.get("default_on"))
        entity.values["default_on"] = "1" if wanted else None
        holder = marked_default(self.shop, php_int(entity.text("id_product")))
        return not wanted or holder in {None, entity.id}

    def set_items(self, call: Call, entity: Entity, name: str, items: Sequence[Mapping[str, str]]) -> bool:
        """Writing the option values deletes the images, whether or not the values change (measured, section 2)."""
        row_id, wanted = entity.id or 0, ids_of(items)
        twice = len(set(wanted)) != len(wanted)
        if name == "product_option_values":
            self.shop.images_of[row_id] = []
            self.shop.values_of[row_id] = [] if twice else wanted
            return not twice
        self.shop.images_of[row_id] = [] if twice else wanted
        return True

    def delete(self, row_id: int) -> bool:
        """Its stock row goes, the total is counted again, its specific prices go (measured, section 4)."""
        shop, product = self.shop, php_int(str(self.table.rows[row_id]["id_product"]))
        super().delete(row_id)
        stocks, prices = shop.tables["stock_availables"], shop.tables["specific_prices"]
        for each in shop.stock_rows(product, row_id):
            stocks.delete(each)
        count_total(shop, product)
        for each in prices.where("id_product", product):
            if prices.rows[each]["id_product_attribute"] == str(row_id) and prices.rows[each]["id_cart"] == "0":
                prices.delete(each)
        shop.values_of.pop(row_id, None)
        shop.images_of.pop(row_id, None)
        refresh_default(shop, product)
        return True


class StockAvailables(Behaviour):
    """Quantities. Rows appear and go with products and combinations only."""

    def listed(self, row: Values) -> bool:
        """A row of shop 0 and group 0 is gone from the lists (measured, section 2)."""
        return belongs_to_shop(row) or (row.get("id_shop") == "0" and row.get("id_shop_group") == "1")

    def update(self, call: Call, entity: Entity) -> bool:
        """A combination's row makes the total the sum of the rows (measured, section 4)."""
        if not is_empty(entity.values.get("depends_on_stock")):
            call.add(500, (133, "You cannot update the available stock when it depends on stock."))
            return False
        super().update(call, entity)
        if php_int(entity.text("id_product_attribute")) != 0:
            count_total(self.shop, php_int(entity.text("id_product")))
        return True


def insert_row(shop: Shop, product: int, combination: int, quantity: int = 0, rule: Value = None) -> int:
    """A stock row as PrestaShop makes it by itself; *rule* is the product's for orders without stock when not given."""
    table = shop.tables["stock_availables"]
    if rule is None:
        total = shop.stock_rows(product, 0)
        rule = table.rows[total[0]]["out_of_stock"] if total else "0"
    return table.insert(
        {
            "id_product": str(product),
            "id_product_attribute": str(combination),
            "id_shop": "1",
            "id_shop_group": "0",
            "quantity": str(quantity),
            "depends_on_stock": "0",
            "out_of_stock": rule,
            "location": "",
        }
    )


def count_total(shop: Shop, product: int) -> None:
    """Makes the product's own row the sum of its combinations' rows; makes the row when the shop has none."""
    table = shop.tables["stock_availables"]
    rows = shop.stock_rows(product)
    parts = [each for each in rows if table.rows[each]["id_product_attribute"] != "0"]
    total = sum(php_int(str(table.rows[each]["quantity"])) for each in parts)
    own = next((each for each in rows if each not in parts), None)
    if own is None:
        insert_row(shop, product, 0, total)
    else:
        table.update(own, {"quantity": str(total)})


def move_stock(shop: Shop, product: int, combination: int, units: int) -> int | None:
    """Adds units to a stock row, and to the product's total with it; what is left, None when there is no such row."""
    table, found = shop.tables["stock_availables"], shop.stock_rows(product, combination)
    if not found:
        return None
    left = php_int(str(table.rows[found[0]]["quantity"])) + units
    table.update(found[0], {"quantity": str(left)})
    if combination:
        count_total(shop, product)
    return left


def marked_default(shop: Shop, product: int) -> int | None:
    """The combination whose default_on is 1."""
    rows = shop.tables["combinations"].rows
    return next((each for each in shop.combinations_of(product) if rows[each]["default_on"] == "1"), None)


def default_of(shop: Shop, product: int) -> int | None:
    """The default combination: the one marked, else the first, None without combinations."""
    return marked_default(shop, product) or next(iter(shop.combinations_of(product)), None)


def refresh_default(shop: Shop, product: int) -> None:
    """Notes the default combination on the product; with one, the product's type is `combinations` for ever after."""
    products = shop.tables["products"]
    if product not in products:
        return
    default = default_of(shop, product)
    products.update(product, {"cache_default_attribute": str(default or 0)})
    if default is not None:
        products.update(product, {"product_type": "combinations"})


def set_default(shop: Shop, product: int, combination: int) -> None:
    """Makes a combination the default; one of another product leaves the product without a default (section 5)."""
    table, products = shop.tables["combinations"], shop.tables["products"]
    for each in shop.combinations_of(product):
        table.update(each, {"default_on": "1" if each == combination else None})
    if product in products:
        products.update(product, {"cache_default_attribute": str(combination)})
        if combination:
            products.update(product, {"product_type": "combinations"})
