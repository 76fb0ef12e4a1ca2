"""How every kind of record is made in the shop: what is sent, by which key it is found again, what is remembered.

A POST resets what it doesn't carry, so every field that counts is there (webservice sheet, 3.2; measured, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lcvsync.domain.texts import fold
from lcvsync.planning.cards import BRAND, FEATURE, OPTION
from lcvsync.planning.changes import Change, Json
from lcvsync.planning.known import Origin, Values
from lcvsync.ports import Association, Record, Resource, Texts, Value
from lcvsync.runner.batches import Maker
from lcvsync.state.bindings import Bindings


class Resolver:
    """Names of the plan → ids of the shop, and texts → every language of the shop."""

    def __init__(self, bindings: Bindings, languages: Iterable[int], version: str) -> None:
        self.bindings = bindings
        self.languages = tuple(languages)
        self.version = version
        self._values: Values = {}

    def texts(self, text: str) -> Texts:
        """The same text in every language: those that aren't LCV's are copied from it at creation."""
        return dict.fromkeys(self.languages, text)

    def reload(self) -> None:
        """Read the known values anew."""
        self._values = self.bindings.values()

    @property
    def values(self) -> Values:
        """The known values, as `Bindings.values` has them."""
        if not self._values:
            self.reload()
        return self._values

    def value(self, kind: str, parent: int, name: str) -> int:
        """The id of a value; 0 when the shop hasn't got it."""
        return self.values.get((kind, parent, fold(name)), 0)

    def options(self, pairs: Iterable[Iterable[Json]]) -> Association | None:
        """Attribute values as an association; None when one is missing."""
        return _all({"id": self.value(OPTION, int(group), str(name))} for group, name in pairs)

    def features(self, pairs: Iterable[Iterable[Json]]) -> Association | None:
        """Feature values as an association; None when one is missing."""
        return _all(
            {"id": int(feature), "id_feature_value": self.value(FEATURE, int(feature), str(name))}
            for feature, name in pairs
        )

    def brand(self, value: Json) -> int | None:
        """A manufacturer's id, found by name when it was to be made; None when it is missing."""
        return value if isinstance(value, int) else self.value(BRAND, 0, str(value)) or None

    def images(self, product: str, photos: Iterable[str]) -> list[int]:
        """The images of those photos that are in the shop."""
        return [image for photo in photos if (image := self.bindings.image_of(product, photo))]


def _all(items: Iterable[Mapping[str, int]]) -> Association | None:
    found = tuple(items)
    return None if any(0 in item.values() for item in found) else found


def ids(numbers: Iterable[int]) -> Association:
    """An association of plain ids."""
    return tuple({"id": number} for number in numbers)


class ProductMaker:
    """Product cards, inactive until they are finished."""

    resource = Resource.PRODUCTS
    key_fields: tuple[str, ...] = ("reference",)

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def record(self, change: Change) -> Record | None:
        card, resolver = change.after, self._resolver
        features, brand = resolver.features(card["features"]), resolver.brand(card["brand"])
        if features is None or brand is None:
            return None
        texts = {
            "name": card["name"],
            "link_rewrite": card["link_rewrite"],
            "description": card["description"],
            "description_short": card["short_description"],
        }
        fields: dict[str, Value] = {
            "id_manufacturer": brand,
            "id_category_default": card["default_category"],
            "id_tax_rules_group": card["tax"],
            "reference": card["reference"],
            "supplier_reference": card["supplier_reference"],
            "weight": Decimal(card["weight"]),
            "ean13": card["ean"],
            "state": 1,
            "product_type": "standard" if card["simple"] else "combinations",
            "minimal_quantity": 1,
            "low_stock_alert": 0,
            "price": Decimal(card["price"]),
            "active": 0,
            "redirect_type": "default" if _at_least(resolver.version, 8, 1) else "404",
            "available_for_order": 1,
            "condition": "new",
            "show_price": 1,
            "visibility": card["visibility"],
            "pack_stock_type": 3,
            "additional_delivery_times": 1,
            **{name: resolver.texts(text) for name, text in texts.items()},
        }
        return Record(0, fields, {"categories": ids(card["categories"]), "product_features": features})

    def key(self, record: Record) -> object:
        return record.text("reference")

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        written = {name: value for name, value in change.after.items() if name not in ("simple", "sku", "visibility")}
        written["brand"] = record.number("id_manufacturer")
        bindings = self._resolver.bindings
        bindings.add_product(
            change.product, identifier, change.article, Origin.MADE, written=written, simple=change.after["simple"]
        )
        if change.after["visibility"] == "none":
            bindings.set_product(change.product, hidden=1, visibility="both")
        if change.after["simple"]:
            bindings.add_variant(change.after["sku"], change.product, 0, written={"quantity": 0})


class CombinationMaker:
    """Combinations, with their values and images.

    A product's first one is made its default: without `default_on`, the shop only says so in the product's cache
    (tried on 8.2.1 and 1.7.8.11), and lists and the back office show none.
    """

    resource = Resource.COMBINATIONS
    key_fields: tuple[str, ...] = ()
    """Everything: the short display of their associations breaks on PHP 8 (webservice sheet, 2.1)."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def record(self, change: Change) -> Record | None:
        product = self._resolver.bindings.product_id(change.product)
        options = self._resolver.options(change.after["options"])
        if not product or not options:
            return None
        fields: dict[str, Value] = {
            "id_product": product,
            "reference": change.after["reference"],
            "ean13": change.after["ean"],
            "price": Decimal(change.after["price"]),
            "weight": Decimal(change.after["weight"]),
            "minimal_quantity": 1,
        }
        if change.after["default"]:
            fields["default_on"] = 1
        images = ids(self._resolver.images(change.product, change.after["photos"]))
        return Record(0, fields, {"product_option_values": options, "images": images})

    def key(self, record: Record) -> object:
        return record.number("id_product"), frozenset(record.ids("product_option_values"))

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        bindings = self._resolver.bindings
        written = {**change.after, "photos": list(record.ids("images")), "quantity": 0}
        default = written.pop("default")
        bindings.add_variant(change.sku, change.product, identifier, written=written)
        bindings.set_product(change.product, simple=0)
        if default:
            bindings.set_product(change.product, default_sku=change.sku)


class PromotionMaker:
    """Specific prices; a row is told apart by the shop's own unique key."""

    resource = Resource.SPECIFIC_PRICES
    key_fields: tuple[str, ...] = ("id_product", "id_product_attribute", "id_specific_price_rule", "from", "to")

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def record(self, change: Change) -> Record | None:
        product = self._resolver.bindings.product_id(change.product)
        variant = self._resolver.bindings.variant(change.sku) if change.sku else None
        if not product or (change.sku and variant is None):
            return None
        fixed = dict.fromkeys(
            (
                "id_shop_group",
                "id_shop",
                "id_cart",
                "id_currency",
                "id_country",
                "id_group",
                "id_customer",
                "id_specific_price_rule",
            ),
            0,
        )
        fields: dict[str, Value] = {
            **fixed,
            "id_product": product,
            "id_product_attribute": variant.combination if variant else 0,
            "price": "-1",
            "from_quantity": 1,
            "reduction_tax": 1,
            **reduction_fields(change.after),
        }
        return Record(0, fields)

    def key(self, record: Record) -> object:
        return tuple(record.text(name) for name in self.key_fields)

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        self._resolver.bindings.add_promotion(identifier, change.product, change.sku, change.after)


def reduction_fields(fields: Mapping[str, Json]) -> dict[str, Value]:
    """The window and reduction of a promotion in the shop's words."""
    return {
        "reduction": Decimal(fields["value"]),
        "reduction_type": fields["kind"],
        "from": fields["starts"],
        "to": fields["ends"],
    }


class ValueMaker:
    """Attribute values, feature values, or brands."""

    def __init__(self, resolver: Resolver, kind: str) -> None:
        self._resolver = resolver
        self._kind = kind
        self.resource, self._parent, self._name = {
            OPTION: (Resource.OPTION_VALUES, "id_attribute_group", "name"),
            FEATURE: (Resource.FEATURE_VALUES, "id_feature", "value"),
            BRAND: (Resource.MANUFACTURERS, "", "name"),
        }[kind]
        self.key_fields: tuple[str, ...] = (self._parent, self._name) if self._parent else (self._name,)

    def record(self, change: Change) -> Record | None:
        name = change.after["name"]
        fields: dict[str, Value] = {self._name: name if self._kind == BRAND else self._resolver.texts(name)}
        if self._parent:
            fields[self._parent] = change.after["group"]
        if self._kind == OPTION:
            fields["color"] = change.after["colour"]
            if change.after["position"]:
                fields["position"] = change.after["position"]
        elif self._kind == BRAND:
            fields["active"] = 1
        else:
            fields["custom"] = 0
        return Record(0, fields)

    def key(self, record: Record) -> object:
        name = record.fields.get(self._name, "")
        text = next(iter(name.values()), "") if isinstance(name, Mapping) else str(name)
        return record.text(self._parent) if self._parent else "", text

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        self._resolver.bindings.add_value(self._kind, change.after["group"], change.after["name"], identifier)
        self._resolver.reload()


def makers(resolver: Resolver) -> dict[str, Maker]:
    """Every maker by its resource, for what an earlier run left unanswered."""
    found: list[Maker] = [ProductMaker(resolver), CombinationMaker(resolver), PromotionMaker(resolver)]
    found += [ValueMaker(resolver, kind) for kind in (OPTION, FEATURE, BRAND)]
    return {maker.resource.value: maker for maker in found}


def _at_least(version: str, *wanted: int) -> bool:
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal() and len(part) < 9)
    return parts >= wanted
