"""Products: what PrestaShop's class Product does beyond its table."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.combinations import default_of, insert_row, marked_default, set_default
from lcvsync.emulators.prestashop.entity import Behaviour, Entity, ids_of, listing
from lcvsync.emulators.prestashop.faults import NotEmulatedError, notice, warning
from lcvsync.emulators.prestashop.stored import is_empty, php_float, php_int, url_text
from lcvsync.emulators.prestashop.validation import is_link_rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.rendering import Item
    from lcvsync.emulators.prestashop.shop import Shop

OUT_OF_STOCK_DEFAULT = "2"
OUT_OF_STOCK_ALLOW = "1"


class Products(Behaviour):
    """Rows of stock, categories, features, cover and default combination hang on a product."""

    def shown(self, call: Call, values: Values) -> Values:
        """Adds the fields that PrestaShop computes. `quantity` is always 0 (measured, section 3)."""
        product = int(str(values["id"]))
        cover = self.shop.shown_cover(product)
        if cover is None and call.old and call.notices:
            text = "Trying to access array offset on value of type bool"
            call.add(500, notice(text, "classes/Product.php", 7178))
        default = default_of(self.shop, product) or 0
        return {
            "new": None,
            "quantity": "0",
            **values,
            "id_default_image": str(cover) if cover else None,
            "id_default_combination": str(default),
            "position_in_category": self._position(values),
            "manufacturer_name": self._manufacturer(values),
            "type": self._type(product, values),
        }

    def _position(self, values: Values) -> str:
        category = php_int(str(values.get("id_category_default") or ""))
        position = self.shop.categories_of.get(int(str(values["id"])), {}).get(category)
        return "" if position is None else str(position)

    def _manufacturer(self, values: Values) -> str:
        row = self.shop.tables["manufacturers"].rows.get(php_int(str(values.get("id_manufacturer") or "")), {})
        name = row.get("name")
        return name if isinstance(name, str) else ""

    def _type(self, product: int, values: Values) -> str:
        if self.shop.bundle_of.get(product):
            return "pack"
        return "simple" if is_empty(values.get("is_virtual")) else "virtual"

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """Every association is read from its own table."""
        shop = self.shop
        readers: dict[str, Callable[[], list[Item]]] = {
            "categories": lambda: listing(sorted(shop.categories_of.get(row_id, ()))),
            "images": lambda: listing(shop.product_images.get(row_id, [])),
            "combinations": lambda: listing(self._combinations(row_id)),
            "product_option_values": lambda: self._value_items(row_id),
            "product_features": lambda: self._feature_items(row_id),
            "tags": lambda: listing(shop.tags_of.get(row_id, [])),
            "stock_availables": lambda: self._stock_items(row_id),
            "accessories": lambda: listing(shop.accessories_of.get(row_id, [])),
            "product_bundle": lambda: self._bundle_items(row_id),
        }
        return readers[name]() if name in readers else ()

    def _feature_items(self, product: int) -> list[Item]:
        pairs = sorted(self.shop.features_of.get(product, ()))
        return [{"id": str(feature), "id_feature_value": str(value)} for feature, value in pairs]

    def _bundle_items(self, product: int) -> list[Item]:
        return [
            {"id": str(item), "id_product_attribute": str(combination), "quantity": str(quantity)}
            for item, combination, quantity in self.shop.bundle_of.get(product, [])
        ]

    def _value_items(self, product: int) -> list[Item]:
        """Each value once; a combination without any value gives an empty id (tried on 8.2.1)."""
        found: dict[str, None] = {}
        for combination in self._combinations(product):
            values = sorted(self.shop.values_of.get(combination, ()))
            found.update(dict.fromkeys(map(str, values) if values else [""]))
        return [{"id": each} for each in found]

    def _combinations(self, product: int) -> list[int]:
        """By the key (product, default), which puts the default last; MySQL reads the table itself when the product has
        a fifth of its rows (recorded samples: product 1 against 2 and 3)."""
        ids = self.shop.combinations_of(product)
        if len(ids) * 5 >= len(self.shop.tables["combinations"].rows):
            return ids
        default = marked_default(self.shop, product)
        return [each for each in ids if each != default] + ([default] if default is not None else [])

    def _stock_items(self, product: int) -> list[Item]:
        rows = self.shop.tables["stock_availables"].rows
        found = [
            {"id": str(each), "id_product_attribute": str(rows[each]["id_product_attribute"])}
            for each in self.shop.stock_rows(product)
        ]
        return sorted(found, key=lambda item: int(item["id_product_attribute"]))

    # writing

    def set_field(self, call: Call, entity: Entity, name: str, text: str) -> None:
        """The setters write to other tables at once, even when the product is refused afterwards (section 3.1)."""
        product = entity.id or 0
        if name == "id_default_image":
            move_cover(self.shop, product, php_int(text))
        elif name == "id_default_combination":
            set_default(self.shop, product, php_int(text))
            entity.values["cache_default_attribute"] = str(php_int(text))
            if not is_empty(text):
                entity.values["product_type"] = "combinations"
        elif name == "position_in_category":
            self._set_position(call, entity, php_int(text))
        elif name == "type":
            self._set_type(entity, text)

    def _set_position(self, call: Call, entity: Entity, position: int) -> None:
        """Reorders the default category; 500 when the position doesn't exist (measured, section 2)."""
        if position <= 0:
            call.add(500, (134, "You cannot set 0 or a negative position, the minimum is 1."))
            return
        category = php_int(entity.text("id_category_default"))
        members = {each: held[category] for each, held in self.shop.categories_of.items() if category in held}
        if position > len(members):
            text = "You cannot set a position greater than the total number of products in the category, starting at 1."
            call.add(500, (135, text))
            return
        order = sorted(members, key=members.__getitem__)
        if entity.id in order:
            order.remove(entity.id)
            order.insert(position - 1, entity.id)
        for number, product in enumerate(order, 1):
            self.shop.categories_of[product][category] = number

    def _set_type(self, entity: Entity, text: str) -> None:
        if text not in {"simple", "pack", "virtual"}:
            return
        if text != "pack" and entity.id is not None:
            self.shop.bundle_of.pop(entity.id, None)
        entity.values["cache_is_pack"] = "1" if text == "pack" else ""
        entity.values["is_virtual"] = "1" if text == "virtual" else ""
        entity.values["product_type"] = self._dynamic_type(entity, text)

    def _dynamic_type(self, entity: Entity, text: str) -> str:
        if text == "virtual":
            return "virtual"
        if entity.id is not None and self.shop.bundle_of.get(entity.id):
            return "pack"
        return "combinations" if entity.id is not None and self.shop.combinations_of(entity.id) else "standard"

    def prepare_new(self, call: Call, entity: Entity) -> None:
        """Makes link_rewrite from the name; a name without languages is a PHP warning (measured, section 0)."""
        line = 8028 if call.old else 8101
        make_link_rewrite(call, entity, warning("Invalid argument supplied for foreach()", "classes/Product.php", line))

    def add(self, call: Call, entity: Entity) -> bool:
        """A stock row appears with the product (measured, section 4)."""
        self._before_save(entity)
        super().add(call, entity)
        if entity.id is not None:
            virtual = not is_empty(entity.values.get("is_virtual"))
            insert_row(self.shop, entity.id, 0, rule=OUT_OF_STOCK_ALLOW if virtual else OUT_OF_STOCK_DEFAULT)
            self._after_save(entity)
        return True

    def update(self, call: Call, entity: Entity) -> bool:
        """Moves date_upd whether anything changed or not (measured, section 2)."""
        self._before_save(entity)
        if "unit_price" in self.resource.by_name and entity.values.get("unit_price_ratio") is None:
            unit, price = php_float(entity.text("unit_price")), php_float(entity.text("price"))
            entity.values["unit_price_ratio"] = repr(price / unit) if unit else "0"
        super().update(call, entity)
        self._after_save(entity)
        return True

    def _before_save(self, entity: Entity) -> None:
        if not is_empty(entity.values.get("is_virtual")):
            entity.values["product_type"] = "virtual"

    def _after_save(self, entity: Entity) -> None:
        """The search index takes the product in; from 8.0 on unit_price_ratio follows unit_price (sheet, 1.1)."""
        row_id = entity.id or 0
        row = self.table.rows[row_id]
        found = row["active"] == "1" and row["visibility"] in {"both", "search"}
        if found and self.shop.setting("PS_SEARCH_INDEXATION") == "1":
            self.table.update(row_id, {"indexed": "1"})
        if "unit_price" in self.resource.by_name:
            unit, price = Decimal(str(row["unit_price"])), Decimal(str(row["price"]))
            ratio = (price / unit).quantize(Decimal("0.000001"), ROUND_DOWN) if unit else "0.000000"
            self.table.update(row_id, {"unit_price_ratio": str(ratio)})

    def set_items(self, call: Call, entity: Entity, name: str, items: Sequence[Mapping[str, str]]) -> bool:
        """Present means replaced (measured, section 2: associations in PUT and PATCH)."""
        product, shop = entity.id or 0, self.shop
        match name:
            case "categories":
                self._set_categories(product, ids_of(items))
            case "product_features":
                pairs = [(php_int(each.get("id")), php_int(each.get("id_feature_value"))) for each in items]
                shop.features_of[product] = list(dict.fromkeys(pairs))
            case "accessories":
                shop.accessories_of[product] = ids_of(items)
            case "tags":
                shop.tags_of[product] = ids_of(items)
            case "combinations":
                self._set_combinations(product, ids_of(items))
            case "product_bundle":
                return self._set_bundle(entity, items)
            case "attachments":
                if items:
                    raise NotEmulatedError("products: association attachments")
        return True

    def _set_categories(self, product: int, wanted: list[int]) -> None:
        """Positions of kept categories stay, new ones come last (code: setWsCategories)."""
        shop = self.shop
        before = shop.categories_of.get(product, {})
        shop.categories_of[product] = {
            each: before.get(each) or last_position(shop, each) + 1 for each in dict.fromkeys(wanted)
        }

    def _set_combinations(self, product: int, wanted: list[int]) -> None:
        """Combinations that aren't listed are DELETED (measured, section 2). An unknown id makes a row that belongs to
        no shop: lists don't show it, GET of it is 404/131, and the product can't be deleted whole (tried on 8.2.1)."""
        shop, table = self.shop, self.shop.tables["combinations"]
        for each in shop.combinations_of(product):
            if each not in wanted:
                shop.behaviours["combinations"].delete(each)
        for each in wanted:
            if each in table:
                table.update(each, {"id_product": str(product)})
            else:
                shop.phantoms[table.next_id] = product
                table.next_id += 1

    def _set_bundle(self, entity: Entity, items: Sequence[Mapping[str, str]]) -> bool:
        """The contents of a pack; a virtual product can't be one (measured, section 2)."""
        if not is_empty(entity.values.get("is_virtual")):
            return False
        bundle = [
            (php_int(each.get("id")), php_int(each.get("product_attribute_id")), php_int(each.get("quantity")))
            for each in items
        ]
        self.shop.bundle_of[entity.id or 0] = [each for each in bundle if each[0] > 0]
        return True

    def delete(self, row_id: int) -> bool:
        """All that hangs on the product goes with it (measured, section 4). An image without a file stops the work
        half-way: error 88, the product is gone all the same (tried on 8.2.1)."""
        shop = self.shop
        super().delete(row_id)
        for combination in shop.combinations_of(row_id):
            shop.behaviours["combinations"].delete(combination)
        for stock in shop.stock_rows(row_id):
            shop.tables["stock_availables"].delete(stock)
        if row_id in shop.phantoms.values():
            return False
        images = shop.product_images.pop(row_id, [])
        whole = all(shop.images.pop(image).content is not None for image in images)
        if not whole:
            return False
        for price in shop.tables["specific_prices"].where("id_product", row_id):
            shop.tables["specific_prices"].delete(price)
        for links in (shop.categories_of, shop.features_of, shop.accessories_of, shop.tags_of, shop.bundle_of):
            links.pop(row_id, None)
        for linked in shop.accessories_of.values():
            linked[:] = [each for each in linked if each != row_id]
        return True


def last_position(shop: Shop, category: int) -> int:
    """The highest position in a category, 0 when it is empty."""
    return max((held[category] for held in shop.categories_of.values() if category in held), default=0)


def make_link_rewrite(call: Call, entity: Entity, complaint: tuple[int, str]) -> None:
    """Fills link_rewrite from the name, language by language, where it is empty or not a URL part."""
    names, links = entity.values.get("name"), entity.values.get("link_rewrite")
    if not isinstance(names, dict):
        call.add(500, complaint)
        return
    if isinstance(links, str) and links:
        return
    made = links if isinstance(links, dict) else {}
    for language, name in names.items():
        current = made.get(language, "")
        if is_empty(current):
            made[language] = url_text(name)
        elif not is_link_rewrite(current):
            made[language] = url_text(current)
    entity.values["link_rewrite"] = made


def move_cover(shop: Shop, product: int, image: int) -> None:
    """Moves the cover in table image_shop only, not in table image (measured, section 7: the cover trap)."""
    for each in shop.product_images.get(product, ()):
        shop.images[each].shown_cover = False
    target = shop.images.get(image)
    if target is not None and shop.shown_cover(target.id_product) is None:
        target.shown_cover = True
