"""Card updates merged with what the shop has now: lists are owned by element, texts by language (design 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from lcvsync.planning.changes import Change, Json
from lcvsync.planning.fields import edited
from lcvsync.planning.products import CARD_FIELDS, has_value
from lcvsync.ports import Association, Record, Value
from lcvsync.runner.audit import Seen
from lcvsync.runner.makers import Resolver, ids
from lcvsync.runner.sweep import TYPED_OVER, card_now

TEXT_FIELDS = {"name": "name", "short_description": "description_short", "description": "description"}
PLAIN_FIELDS = {
    "reference": "reference",
    "supplier_reference": "supplier_reference",
    "ean": "ean13",
    "weight": "weight",
    "default_category": "id_category_default",
}


OWN_FIELDS = {**TEXT_FIELDS, **PLAIN_FIELDS, "brand": "id_manufacturer", "visibility": "visibility"}
"""Our name of a field → the webservice's, of everything that a card update may write but lists and the cover."""
COMBINATION_FIELDS = {"reference": "reference", "ean": "ean13", "weight": "weight"}
"""The same of a combination's own fields."""
NUMBERS = {"brand", "default_category"}
DISPLAYED = {
    "categories": "categories[id]",
    "promotion_categories": "categories[id]",
    "features": "product_features[id,id_feature_value]",
}
"""How lists are asked for."""


class CardMerger:
    """Makes what to send for an update of a card out of the change and the card in the shop."""

    def __init__(
        self, resolver: Resolver, own_languages: frozenset[int], sent_once: frozenset[str] = frozenset()
    ) -> None:
        self.resolver = resolver
        self._bindings = resolver.bindings
        self._own_languages = own_languages
        self._sent_once = sent_once
        self.found_visibility: dict[str, str] = {}
        """By product's key, what `none` replaces: it returns with the stock."""
        self.found_categories: dict[str, list[int]] = {}
        """By product's key, the categories of ours that it was in before."""

    def completed(self, change: Change, card: Record) -> Change:
        """A *change* of a card, with the other fields that follow LCV and that a person had typed something else in.

        A card that is written is LCV's, all of it (manual, "Informations synchronisées").
        """
        bound = self._bindings.product(change.product) if change.after.keys() & set(CARD_FIELDS) else None
        if bound is None:
            return change
        now = card_now(bound, card, self.resolver.values, self._own_languages)
        typed = {
            name: bound.written[name]
            for name in CARD_FIELDS
            if name in now and name not in self._sent_once and now[name] != bound.written[name]
            if name not in change.after and has_value(name, bound.written[name])
        }
        return replace(change, after={**change.after, **typed}, before={**change.before, **typed}) if typed else change

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

    def seen(self, change: Change, card: Record, record: Record) -> Seen:
        """What the audit says of an update: the *card* as it was, and the *record* that is written to it."""
        promotion = "promotion_categories" if "promotion_categories" in change.after else "categories"
        found, after = own_words(card, categories=promotion), own_words(record, categories=promotion)
        if "cover" in change.after:
            found["cover"], after["cover"] = change.before.get("cover"), change.after["cover"]
        before = {name: found[name] for name in after if name in found}
        written = self._bindings.written(change.product)
        written |= written.get(TYPED_OVER) or {}
        ours = (self.resolver.features([pair]) for pair in written.get("features") or ())
        written["features"] = feature_pairs(tuple(item for pair in ours for item in pair or ()))
        return Seen(before, after, edited(before, after, written))

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


def card_fields(names: Iterable[str]) -> list[str]:
    """What to read of cards before fields of these names are written: all of the card where one of it is."""
    names = set(names)
    if names & set(CARD_FIELDS):
        names.update(CARD_FIELDS)
    fields = {OWN_FIELDS[name] for name in names if name in OWN_FIELDS}
    fields |= {DISPLAYED[name] for name in names if name in DISPLAYED}
    return sorted(fields) or ["active"]


def own_words(record: Record, *, categories: str = "categories") -> dict[str, Json]:
    """What a record of `products` holds, by our names of the fields: the form of the audit.

    A text is plain where all languages have the same, else language id → text. Lists are whole: what is ours and what
    is others'. *categories* is our name for its categories, of which both the card and promotions have theirs.
    """
    values = {name: _plain(name, record.fields[field]) for name, field in OWN_FIELDS.items() if field in record.fields}
    if "categories" in record.associations:
        values[categories] = list(record.ids("categories"))
    if "product_features" in record.associations:
        values["features"] = feature_pairs(record.associations["product_features"])
    return values


def feature_pairs(features: Association) -> list[Json]:
    """[feature, value], both ids, of an association."""
    return [[item["id"], item["id_feature_value"]] for item in features]


def _plain(name: str, value: Value) -> Json:
    if isinstance(value, Mapping):
        texts = {str(language): text for language, text in value.items()}
        return next(iter(texts.values())) if len(set(texts.values())) == 1 else texts
    return int(str(value) or 0) if name in NUMBERS else str(value)
