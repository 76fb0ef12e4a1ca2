"""Card updates merged with what the shop has now: lists are owned by element, texts by language (design 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lcvsync.planning.changes import Change, Json
from lcvsync.ports import Association, Record, Value
from lcvsync.runner.makers import Resolver, ids

TEXT_FIELDS = {"name": "name", "short_description": "description_short", "description": "description"}
PLAIN_FIELDS = {
    "reference": "reference",
    "supplier_reference": "supplier_reference",
    "ean": "ean13",
    "weight": "weight",
    "default_category": "id_category_default",
}


class CardMerger:
    """Makes what to send for an update of a card out of the change and the card in the shop."""

    def __init__(self, resolver: Resolver, own_languages: frozenset[int]) -> None:
        self.resolver = resolver
        self._bindings = resolver.bindings
        self._own_languages = own_languages
        self.found_visibility: dict[str, str] = {}
        """By product's key, what `none` replaces: it returns with the stock."""
        self.found_categories: dict[str, list[int]] = {}
        """By product's key, the categories of ours that it was in before."""

    def merged(self, change: Change, card: Record) -> Record | None:
        """What to send for an update, merged with what the shop has now; None when a value it needs isn't there."""
        fields: dict[str, Value] = {}
        associations: dict[str, Association] = {}
        for name, value in change.after.items():
            if name in TEXT_FIELDS:
                fields[TEXT_FIELDS[name]] = self._merged_text(card, TEXT_FIELDS[name], value)
            elif name in PLAIN_FIELDS:
                fields.update(self._plain_field(change, card, name, value))
            elif name == "visibility":
                fields["visibility"] = self._visibility(change, card, value)
            elif name == "cover":
                images = self.resolver.images(change.product, value)
                fields.update({"id_default_image": images[0]} if images else {})
        if "categories" in change.after or "promotion_categories" in change.after:
            associations["categories"] = ids(self._merged_categories(change, card))
        complete = self._add_values(change, card, fields, associations)
        return Record(card.id, fields, associations) if complete else None

    def _add_values(
        self, change: Change, card: Record, fields: dict[str, Value], associations: dict[str, Association]
    ) -> bool:
        """Add brand and features; False when one of them couldn't be made."""
        if "brand" in change.after:
            brand = self.resolver.brand(change.after["brand"])
            if brand is None:
                return False
            fields["id_manufacturer"] = brand
        if "features" in change.after:
            features = self.resolver.features(change.after["features"])
            if features is None:
                return False
            associations["product_features"] = self._merged_features(change, card, features)
        return True

    def _plain_field(self, change: Change, card: Record, name: str, value: Json) -> dict[str, Value]:
        if name == "default_category":
            ours = change.before.get("default_category")
            if ours is not None and card.number("id_category_default") != ours:
                return {}  # a person chose another one
        return {PLAIN_FIELDS[name]: Decimal(value) if name == "weight" else value}

    def _merged_text(self, card: Record, field: str, text: str) -> Value:
        """LCV's text in its languages, the others as the shop has them: a field that is sent empties what it lacks."""
        now = card.fields.get(field)
        now = now if isinstance(now, Mapping) else {}
        return {
            language: text if language in self._own_languages else now.get(language, text)
            for language in self.resolver.languages
        }

    def _visibility(self, change: Change, card: Record, value: str) -> str:
        now = card.text("visibility")
        if value == "none":
            self.found_visibility[change.product] = now if now != "none" else "both"
            return "none"
        return self._bindings.visibility(change.product) if now == "none" else now

    def _merged_features(self, change: Change, card: Record, ours: Association) -> Association:
        """(The shop's now - ours before) + ours now; custom values are left."""
        before = [self.resolver.features([pair]) for pair in change.before.get("features") or ()]
        gone = [item for found in before for item in found or ()]
        now = card.associations.get("product_features", ())
        return (*(item for item in now if item not in gone and item not in ours), *ours)

    def _merged_categories(self, change: Change, card: Record) -> list[int]:
        """(The shop's now - ours before) + ours now; ours are those of the card and those of promotions.

        A category that a person had put the product into before us stays when ours ends: `found_categories`.
        """
        written = self._bindings.written(change.product)
        before = {name: written.get(name) or [] for name in ("categories", "promotion_categories")}
        after = {**before, **{name: change.after[name] for name in before if name in change.after}}
        old = {category for categories in before.values() for category in categories}
        ours = list(dict.fromkeys(category for categories in after.values() for category in categories))
        theirs = {
            *(written.get("found_categories") or ()),
            *(c for c in card.ids("categories") if c in ours and c not in old),
        }
        self.found_categories[change.product] = sorted(theirs)
        gone = old.difference(ours, theirs)
        now = [category for category in card.ids("categories") if category not in gone]
        return [*now, *(category for category in ours if category not in now)]


def card_fields(changes: Iterable[Change]) -> list[str]:
    """What to read of the cards before they are written."""
    fields: set[str] = set()
    for change in changes:
        for name in change.after:
            if name in TEXT_FIELDS or name in PLAIN_FIELDS:
                fields.add(TEXT_FIELDS.get(name) or PLAIN_FIELDS[name])
            elif name == "brand":
                fields.add("id_manufacturer")
            elif name == "visibility":
                fields.add("visibility")
            elif name == "features":
                fields.add("product_features[id,id_feature_value]")
            elif name in ("categories", "promotion_categories"):
                fields.add("categories[id]")
    return sorted(fields) or ["active"]


def shown(card: Record, record: Record) -> Json:
    """The shop's values of the fields that are about to be overwritten."""
    values: dict[str, Json] = {name: _plain(card.fields[name]) for name in record.fields if name in card.fields}
    values.update({name: [dict(item) for item in card.associations.get(name, ())] for name in record.associations})
    return values


def _plain(value: Value) -> Json:
    if isinstance(value, Mapping):
        return {str(language): text for language, text in value.items()}
    return str(value)
