"""The comparison of what must be (`oracle`) with what a shop shows (`shown`): a list of differences, empty if none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from .oracle import Expected, Rules, Wanted, WantedVariant, letters, words
from .shown import Eyes, Shown, ShownProduct, ShownVariant, alike, folded

TEXTS = {"short_description": "description_short", "description": "description"}


@dataclass
class Persons:
    """What people did in the shop, which must stay: by product reference."""

    foreign: set[int] = field(default_factory=set)
    """Ids of products that aren't ours."""
    off: set[str] = field(default_factory=set)
    """Switched off by a person."""
    seen: set[str] = field(default_factory=set)
    """Finished once, with a photo: losing it doesn't switch them off."""
    locked: set[str] = field(default_factory=set)
    """Their cards are theirs."""
    gone: set[str] = field(default_factory=set)
    """Deleted by a person."""
    categories: dict[str, set[int]] = field(default_factory=dict)
    features: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    """How many images were added by hand."""
    heard_of: set[str] = field(default_factory=set)
    """References that LCV had once: what it deleted since is withdrawn."""


def differences(
    wanted: Expected, shown: Shown, eyes: Eyes, rules: Rules, persons: Persons, now: datetime, *, in_order: bool = False
) -> list[str]:
    """Everything in which *shown* isn't as *wanted*. *in_order*: images stand in LCV's order, as after a first run."""
    judge = _Judge(wanted, shown, eyes, rules, persons, now)
    judge.in_order = in_order
    return [*judge.all(), *shown.twice()]


class _Judge:
    in_order = False

    def __init__(
        self, wanted: Expected, shown: Shown, eyes: Eyes, rules: Rules, persons: Persons, now: datetime
    ) -> None:
        self.wanted, self.eyes, self.rules, self.persons, self.now = wanted, eyes, rules, persons, now
        self.ours = {key: product for key, product in shown.products.items() if key not in persons.foreign}
        self.by_reference = {product.card.fields["reference"]: product for product in self.ours.values()}

    def all(self) -> Iterator[str]:
        """Products that must be there, and those that must not be for sale."""
        known = set()
        for product in self.wanted.products:
            found = self.find(product)
            if found is None:
                if product.reference not in self.persons.gone:
                    yield f"{product.reference}: missing"
                continue
            known.add(found.card.id)
            yield from self.prefixed(product.reference, self.product(product, found))
        for product_id, left in self.ours.items():
            if product_id not in known:
                yield from self.prefixed(left.card.fields["reference"], self.left(left))

    @staticmethod
    def prefixed(reference: str, problems: Iterator[str]) -> Iterator[str]:
        """Problems with the product they are about."""
        return (f"{reference}: {problem}" for problem in problems)

    def find(self, product: Wanted) -> ShownProduct | None:
        """By its reference, else by a combination's."""
        found = self.by_reference.get(product.reference)
        skus = {variant.reference for variant in product.variants.values()}
        candidates = (p for p in self.ours.values() if skus & {v.reference for v in p.variants if v.id})
        return found or next(candidates, None)

    def left(self, shown: ShownProduct) -> Iterator[str]:
        """A product that isn't wanted: withdrawn or frozen, never something unheard of."""
        reference = shown.card.fields["reference"]
        withdrawn = reference in self.wanted.withdrawn or reference in self.persons.heard_of
        if reference in self.wanted.frozen:
            yield from self.offers(shown)
        elif withdrawn or any(variant.reference in self.wanted.unsold for variant in shown.variants):
            if shown.card.fields["active"] != "0" and reference not in self.persons.locked:
                yield "still active"
            if any(variant.quantity for variant in shown.variants) or shown.total:
                yield "still has stock"
        else:
            yield "unheard of"

    def offers(self, shown: ShownProduct) -> Iterator[str]:
        """Stock and prices of a product whose card isn't ours to write."""
        for variant in shown.variants:
            if variant.reference in self.wanted.quantities:
                if variant.quantity != self.wanted.quantities[variant.reference]:
                    yield f"{variant.reference} has {variant.quantity}"
                yield from self.prices(shown, variant, self.wanted.prices[variant.reference])

    # -- a product that must be there ----------------------------------------------------------------------------------

    def product(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """Everything about one product."""
        if wanted.reference not in self.persons.locked:
            yield from self.visible(wanted, shown)
            yield from self.texts(wanted, shown)
            yield from self.filing(wanted, shown)
            yield from self.photos(wanted, shown)
        yield from self.variants(wanted, shown)

    def visible(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """Active, in lists, and fit to be ordered."""
        hand = self.persons.images.get(wanted.reference, 0)
        fit = bool(wanted.photos) or not self.rules.require_photo or wanted.reference in self.persons.seen
        active = fit and wanted.reference not in self.persons.off
        fields = {
            "active": str(int(active)),
            "state": "1",
            "show_price": "1",
            "available_for_order": "1",
            "minimal_quantity": "1",
        }
        if not (hand and not wanted.photos):
            yield from (
                f"{name} is {shown.card.fields[name]}"
                for name, value in fields.items()
                if shown.card.fields[name] != value
            )
        stock = any(variant.quantity for variant in wanted.variants.values())
        visibility = "none" if self.rules.hide and not stock else "both"
        if shown.card.fields["visibility"] != visibility:
            yield f"visibility is {shown.card.fields['visibility']}, not {visibility}"

    def texts(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """Name and descriptions in LCV's languages, and what identifies the product."""
        for language in self.rules.languages:
            name = shown.card.texts["name"][language]
            if "name" not in self.rules.sent_once and not _name_fits(wanted.names, name):
                yield f"name in {language} is {name!r}, not {wanted.names}"
            for field_name, field_in_shop in TEXTS.items():
                text = getattr(wanted, field_name)
                if text and field_name not in self.rules.sent_once:
                    found = shown.card.texts[field_in_shop][language]
                    if not _similar(words(text), words(found)):
                        yield f"{field_name} in {language} is {found!r}, not {text!r}"
        for name in ("reference", "supplier_reference"):
            value = getattr(wanted, name)
            if value and name not in self.rules.sent_once and shown.card.fields[name] != value:
                yield f"{name} is {shown.card.fields[name]}, not {value}"

    def filing(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """Brand, categories, features, tax."""
        card, once = shown.card, self.rules.sent_once
        brand = shown.brand if isinstance(wanted.brand, str) else card.number("id_manufacturer")
        fits = folded(str(brand)) == folded(str(wanted.brand)) if wanted.brand is not None else True
        if not fits and "brand" not in once:
            yield f"brand is {brand!r}, not {wanted.brand!r}"
        hand = self.persons.categories.get(wanted.reference, set())
        categories = {*wanted.categories, *hand}
        if "categories" in once:
            categories |= set(card.ids("categories")) - wanted.promotion_categories
        if set(card.ids("categories")) != categories | wanted.promotion_categories:
            yield f"categories are {card.ids('categories')}, not {categories} and {wanted.promotion_categories}"
        if "categories" not in once and card.number("id_category_default") != wanted.categories[0] and not hand:
            yield f"default category is {card.fields['id_category_default']}, not {wanted.categories[0]}"
        features = wanted.features | self.persons.features.get(wanted.reference, set())
        if shown.features != features and "features" not in once:
            yield f"features are {shown.features}, not {features}"
        if card.number("id_tax_rules_group") != wanted.tax_group and "tax" not in once:
            yield f"tax group is {card.fields['id_tax_rules_group']}, not {wanted.tax_group}"

    # -- photos --------------------------------------------------------------------------------------------------------

    def photos(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """As many as LCV has, each looking like its own, the first as cover, tied to the combinations that it shows."""
        if "photos" in self.rules.sent_once:
            return
        images = shown.card.ids("images")
        hand = self.persons.images.get(wanted.reference, 0)
        if len(images) != len(wanted.photos) + hand:
            yield f"{len(images)} images, not {len(wanted.photos)} and {hand} by hand"
            return
        looks = {image: self.eyes.picture(shown.card.id, image) for image in images}
        cover = shown.card.number("id_default_image")
        if wanted.photos and not _same(looks.get(cover), next(iter(wanted.photos.values()))):
            yield f"cover {cover} isn't the first photo"
        left = [look for image, look in looks.items() if not hand or look is not None]
        for photo, look in wanted.photos.items():
            match = next((other for other in left[: 1 if self.in_order else None] if _same(other, look)), None)
            if match is None:
                yield f"no image looks like photo {photo}" + (" at its place" if self.in_order else "")
                return
            left.remove(match)
        for variant in shown.variants:
            sku = next((v for v in wanted.variants.values() if v.reference == variant.reference), None)
            if variant.id and sku is not None:
                tied = [looks.get(image) for image in variant.images]
                own = [wanted.photos[photo] for photo in sku.photos]
                if len(tied) != len(own) or not all(any(_same(t, look) for t in tied) for look in own):
                    yield f"{variant.reference} is tied to {variant.images}, not to the images of {sku.photos}"

    # -- variants ------------------------------------------------------------------------------------------------------

    def variants(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """Every variant once, with its attributes, price and stock; nothing else for sale."""
        simple = len(wanted.variants) == 1 and not next(iter(wanted.variants.values())).attributes
        if simple:
            yield from self.simple(wanted, shown)
            return
        by_reference = {variant.reference: variant for variant in shown.variants}
        for variant in wanted.variants.values():
            found = by_reference.pop(variant.reference, None)
            if found is None or not found.id:
                if wanted.reference not in self.persons.locked:
                    yield f"no combination {variant.reference}"
            else:
                yield from (f"{variant.sku} {problem}" for problem in self.variant(variant, found, shown))
        for reference, left in by_reference.items():
            if self.rules.remove_variants:
                yield f"combination {reference} is still there"
            if left.quantity:
                yield f"{reference} is no longer sold and has {left.quantity}"
        yield from self.defaults(wanted, shown)
        if shown.total != sum(variant.quantity for variant in shown.variants):
            yield f"stock row 0 has {shown.total}"

    def simple(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """A product without combinations."""
        variant = next(iter(wanted.variants.values()))
        if len(shown.variants) != 1 or shown.variants[0].id:
            yield "has combinations"
            return
        found = shown.variants[0]
        if variant.ean and found.ean != variant.ean and "ean" not in self.rules.sent_once:
            yield f"ean13 is {found.ean}, not {variant.ean}"
        if shown.total != variant.quantity:
            yield f"has {shown.total}, not {variant.quantity}"
        yield from self.weight(variant, found, shown)
        yield from self.prices(shown, found, variant.prices)

    def variant(self, wanted: WantedVariant, found: ShownVariant, shown: ShownProduct) -> Iterator[str]:
        """One combination."""
        if found.attributes != wanted.attributes and "attributes" not in self.rules.sent_once:
            yield f"is {sorted(found.attributes)}, not {sorted(wanted.attributes)}"
        if "ean" not in self.rules.sent_once and found.ean != (wanted.ean or "") and (wanted.ean or not found.ean):
            yield f"ean13 is {found.ean!r}, not {wanted.ean!r}"
        if found.quantity != wanted.quantity:
            yield f"has {found.quantity}, not {wanted.quantity}"
        yield from self.weight(wanted, found, shown)
        yield from self.prices(shown, found, wanted.prices)

    def weight(self, wanted: WantedVariant, found: ShownVariant, shown: ShownProduct) -> Iterator[str]:
        """The product's weight and the combination's on top."""
        weight = shown.card.decimal("weight") + found.weight
        if wanted.weight and weight != wanted.weight and "weight" not in self.rules.sent_once:
            yield f"weighs {weight}, not {wanted.weight}"

    def prices(self, shown: ShownProduct, found: ShownVariant, prices: dict[datetime, Decimal]) -> Iterator[str]:
        """What a visitor pays now and around every start and end of a promotion."""
        for moment, price in prices.items():
            if (seen := shown.price(found, moment)) != price:
                yield f"costs {seen} at {moment.isoformat()}, not {price}"

    def defaults(self, wanted: Wanted, shown: ShownProduct) -> Iterator[str]:
        """One default combination, of a variant that is for sale."""
        chosen = [variant for variant in shown.variants if variant.default]
        if len(chosen) != 1 or shown.card.number("id_default_combination") != chosen[0].id:
            yield f"default combinations {[v.id for v in chosen]}, {shown.card.fields['id_default_combination']}"
        elif wanted.reference in self.persons.locked:
            return
        elif chosen[0].reference not in {variant.reference for variant in wanted.variants.values()}:
            yield f"its default {chosen[0].reference} isn't for sale"


def _same(one: tuple[int, ...] | None, other: tuple[int, ...] | None) -> bool:
    return one is not None and other is not None and alike(one, other)


def _name_fits(names: list[str], shown: str) -> bool:
    """Ordinary names to the letter; what the shop can't take, nearly."""
    name, suffix = names[0], (names[1:] or [""])[0]
    whole = " ".join(f"{name} - {suffix}".split()) if suffix else " ".join(name.split())
    if re.fullmatch(r"[\w\s'’«»–\-,.&()/]{0,120}", whole):
        return shown == whole
    return (not suffix or shown.endswith(f" - {suffix}")) and _similar(letters(whole), letters(shown))


def _similar(one: str, other: str) -> bool:
    """Nearly the same letters, or the beginning of them where the shop cuts."""
    if len(other) >= 80 and len(one) > len(other):
        one = one[: len(other)]
    return one == other or difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() > 0.9
