"""What the smaller resources do beyond their table: unique keys, positions, cascades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.combinations import set_default
from lcvsync.emulators.prestashop.entity import Behaviour, Entity, ids_of, listing
from lcvsync.emulators.prestashop.faults import CrashedError, warning
from lcvsync.emulators.prestashop.products import make_link_rewrite
from lcvsync.emulators.prestashop.stored import is_empty, php_int, url_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.rendering import Item

ROOT_CATEGORY = 1

_UNIQUE_PRICE = (
    *("id_product", "id_product_attribute", "id_customer", "id_cart", "from", "to", "id_shop", "id_shop_group"),
    *("id_currency", "id_country", "id_group", "from_quantity", "id_specific_price_rule"),
)


class SpecificPrices(Behaviour):
    """Promotions: one unique key, hardly a check besides (measured, section 5)."""

    def add(self, call: Call, entity: Entity) -> bool:
        """False when a row with the same key exists: error 46 (measured, section 5)."""
        return not self._exists(entity) and super().add(call, entity)

    def update(self, call: Call, entity: Entity) -> bool:
        """False when the change would make two rows with the same key."""
        return not self._exists(entity) and super().update(call, entity)

    def _exists(self, entity: Entity) -> bool:
        new, rows = self.stored_values(entity), self.table.rows
        same = (each for each in self.table.where("id_product", new["id_product"]) if each != entity.id)
        return any(all(rows[each][name] == new[name] for name in _UNIQUE_PRICE) for each in same)


class Categories(Behaviour):
    """The tree of categories."""

    def shown(self, call: Call, values: Values) -> Values:
        """Adds the number of products in the category and the active ones below; -1 for none (recorded samples)."""
        below = self._below(int(str(values["id"])))
        products = {product for product, held in self.shop.categories_of.items() if not below.isdisjoint(held)}
        return {**values, "nb_products_recursive": str(len(products) or -1)}

    def _below(self, category: int) -> set[int]:
        found, rows = {category}, self.table.rows
        for child in self.table.where("id_parent", category):
            if child != category:
                found |= {each for each in self._below(child) if rows[each]["active"] == "1"}
        return found

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """Active children and all products, each in the order of their positions."""
        if name == "categories":
            rows = self.table.rows
            children = [each for each in self.table.where("id_parent", row_id) if rows[each]["active"] == "1"]
            return listing(sorted(children, key=lambda each: php_int(str(rows[each]["position"]))))
        held = {product: at[row_id] for product, at in self.shop.categories_of.items() if row_id in at}
        return listing(sorted(held, key=lambda product: held[product]))

    def prepare_new(self, call: Call, entity: Entity) -> None:
        """Makes link_rewrite from the name where a language's is empty; without the element the name's letters are
        written into an empty text, which is then refused as a URL part (tried on 8.2.1)."""
        if entity.values.get("link_rewrite") == "":
            entity.values["link_rewrite"] = " "
        line = 2051 if call.old else 2068
        make_link_rewrite(
            call, entity, warning("Invalid argument supplied for foreach()", "classes/Category.php", line)
        )

    def add(self, call: Call, entity: Entity) -> bool:
        """Without id_parent the parent is 0, and the category is nowhere to be seen (measured, section 8)."""
        entity.values["level_depth"] = str(self._depth(entity))
        if not is_empty(entity.values.get("is_root_category")):
            entity.values["id_parent"] = str(ROOT_CATEGORY)
        siblings = self.table.where("id_parent", php_int(entity.text("id_parent")))
        super().add(call, entity)
        positions = [php_int(str(self.table.rows[each]["position"])) for each in siblings]
        self.table.update(entity.id or 0, {"position": str(max(positions, default=-1) + 1)})
        return True

    def update(self, call: Call, entity: Entity) -> bool:
        """A category can't be its own parent; the depth follows the parent."""
        if php_int(entity.text("id_parent")) == entity.id:
            raise CrashedError
        entity.values["level_depth"] = str(self._depth(entity))
        return super().update(call, entity)

    def _depth(self, entity: Entity) -> int:
        parent = php_int(entity.text("id_parent"))
        if not parent:
            return 0
        if parent not in self.table:
            raise CrashedError
        return php_int(str(self.table.rows[parent]["level_depth"])) + 1

    def delete(self, row_id: int) -> bool:
        """Takes the children along; products keep their id_category_default (measured, section 8)."""
        if row_id == ROOT_CATEGORY:
            return False
        for child in self.table.where("id_parent", row_id):
            self.delete(child)
        for held in self.shop.categories_of.values():
            held.pop(row_id, None)
        return super().delete(row_id)


class Manufacturers(Behaviour):
    """Brands."""

    def shown(self, call: Call, values: Values) -> Values:
        """Adds the URL part, which is made from the name."""
        name = values.get("name")
        return {**values, "link_rewrite": url_text(name if isinstance(name, str) else "")}

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The addresses of the brand."""
        return listing(self.shop.addresses_of.get(row_id, []))

    def set_items(self, call: Call, entity: Entity, name: str, items: Sequence[Mapping[str, str]]) -> bool:
        """Replaces the addresses of the brand."""
        self.shop.addresses_of[entity.id or 0] = ids_of(items)
        return True


class Positioned(Behaviour):
    """A resource whose new rows come last."""

    def _siblings(self, entity: Entity) -> list[int]:
        return list(self.table.rows)

    def add(self, call: Call, entity: Entity) -> bool:
        """Gives a position when none, or 0, was sent."""
        if php_int(entity.text("position")) <= 0:
            rows = self.table.rows
            taken = [php_int(str(rows[each]["position"])) for each in self._siblings(entity)]
            entity.values["position"] = str(max(taken, default=-1) + 1)
        return super().add(call, entity)


class Options(Positioned):
    """Attribute groups: sizes, colours."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The values of the group."""
        return listing(self.shop.tables["product_option_values"].where("id_attribute_group", row_id))

    def add(self, call: Call, entity: Entity) -> bool:
        """is_color_group follows group_type."""
        no = "0" if call.old else ""
        entity.values["is_color_group"] = "1" if entity.text("group_type") == "color" else no
        return super().add(call, entity)

    def set_items(self, call: Call, entity: Entity, name: str, items: Sequence[Mapping[str, str]]) -> bool:
        """Values that aren't listed are deleted by plain SQL, without their combinations (sheet, section 3.3)."""
        table, wanted = self.shop.tables["product_option_values"], ids_of(items)
        if wanted:
            for each in table.where("id_attribute_group", entity.id):
                if each not in wanted:
                    table.delete(each)
        for each in wanted:
            if each in table:
                table.update(each, {"id_attribute_group": str(entity.id)})
        return True

    def delete(self, row_id: int) -> bool:
        """Deletes its values, and the combinations left without any value (sheet, section 4)."""
        shop, table = self.shop, self.shop.tables["product_option_values"]
        gone = set(table.where("id_attribute_group", row_id))
        for combination, values in list(shop.values_of.items()):
            left = [each for each in values if each not in gone]
            if len(left) != len(values):
                shop.values_of[combination] = left
                if not left:
                    shop.behaviours["combinations"].delete(combination)
        for each in gone:
            table.delete(each)
        return super().delete(row_id)


class OptionValues(Positioned):
    """Sizes and colours themselves."""

    def _siblings(self, entity: Entity) -> list[int]:
        return self.table.where("id_attribute_group", php_int(entity.text("id_attribute_group")))

    def delete(self, row_id: int) -> bool:
        """Deletes every combination that used the value (measured, section 8: 8 combinations became 6)."""
        shop, rows = self.shop, self.shop.tables["combinations"].rows
        orphaned = []
        for combination in [each for each, values in shop.values_of.items() if row_id in values]:
            if rows[combination]["default_on"] == "1":
                orphaned.append(php_int(str(rows[combination]["id_product"])))
            shop.behaviours["combinations"].delete(combination)
        for product in orphaned:
            left = shop.combinations_of(product)
            if left:
                set_default(shop, product, left[0])
        return super().delete(row_id)


class Features(Positioned):
    """Features of products, such as the composition."""

    def delete(self, row_id: int) -> bool:
        """Deletes its values and takes it off the products."""
        table = self.shop.tables["product_feature_values"]
        for each in table.where("id_feature", row_id):
            table.delete(each)
        for product, pairs in self.shop.features_of.items():
            self.shop.features_of[product] = [pair for pair in pairs if pair[0] != row_id]
        return super().delete(row_id)


class FeatureValues(Behaviour):
    """Values of features."""

    def delete(self, row_id: int) -> bool:
        """Takes the value off the products."""
        for product, pairs in self.shop.features_of.items():
            self.shop.features_of[product] = [pair for pair in pairs if pair[1] != row_id]
        return super().delete(row_id)


class Currencies(Behaviour):
    """Currencies."""

    def shown(self, call: Call, values: Values) -> Values:
        """`name` is computed: the currency's name in the default language, with a capital (recorded sample)."""
        names = values.get("names")
        text = names.get(self.shop.default_language, "") if isinstance(names, dict) else ""
        return {**values, "name": text[:1].upper() + text[1:]}
