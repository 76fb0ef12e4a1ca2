"""Cards, combinations and photos against what was written: policies, and lists that are owned by element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lcvsync.domain.catalogue import Article, ArticleId, Photo, PhotoId, Rfs, Sku, Tables, Variant, WebStore
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.planning.cards import OptionValue, desired_cards
from lcvsync.planning.changes import Action, Change, Kind, Lane, Skipped, Step
from lcvsync.planning.known import BoundImage, BoundProduct, BoundVariant, Context, Facts, Offer, Options, Origin
from lcvsync.planning.offers import Pricing, old_rate, price_changes, pricing
from lcvsync.planning.photos import cover_change, photo_changes
from lcvsync.planning.products import (
    CARD_FIELDS,
    activation,
    card_changes,
    deactivation,
    promotion_category_change,
    value_changes,
    variant_changes,
    visibility_change,
)
from lcvsync.planning.subjects import Subject
from lcvsync.ports import Record
from lcvsync.runner.cards import CardMerger
from lcvsync.runner.makers import Resolver
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import open_store

WEB = WebStore("WEB", "Internet", ("LYO",), "WEB")
RULES = {
    MappingKind.RFS: {"*": Rule(("5", "3"))},
    MappingKind.VAT: {"20": Rule(("1",))},
    MappingKind.BRAND: {"SES": Rule(("7",)), "NEW": Rule(("create",))},
    MappingKind.ATTRIBUTE: {"coloris": Rule(("2",))},
    MappingKind.FEATURE: {"matiere": Rule(("9",))},
}
VALUES = {("option", 2, "ecru"): 11, ("option", 2, "noir"): 12, ("feature", 9, "lin"): 13}
FULL: dict[str, Any] = {
    "supplier_reference": "F-1", "short_description": "<p>Court</p>", "description": "<p>Long</p>", "brand": "SES",
    "attributes": {"matiere": "Lin"}, "weight": Decimal("0.3"),
}  # fmt: skip
SHA = "a" * 64


def context(*once: str, **options: Any) -> Context:
    """The context in which the fields *once* are sent once."""
    options_ = Options(WEB, complete=True, sent_once=frozenset(once), **options)
    return Context(Tables(1, "EUR"), Mappings(RULES), options_, Palette(), {1: Decimal(20)}, VALUES)


def article(*colours: str, photos: tuple[str, ...] = (), **more: Any) -> Article:
    """A dress in colours."""
    variants = tuple(Variant(Sku(f"A-{c}"), f"37000000000{n:02}", None, {"coloris": c}) for n, c in enumerate(colours))
    fields: dict[str, Any] = {"rfs": Rfs("F"), "vat_rate": Decimal(20), "web_stores": ("WEB",), **FULL, **more}
    shown = tuple(Photo(PhotoId(name), SHA, place) for place, name in enumerate(photos, 1))
    return Article(
        ArticleId("A"),
        1,
        "REF",
        "Robe",
        variants=variants or (Variant(Sku("A-1"), None, None),),
        photos=shown,
        **fields,
    )


def subject(found: Article, bound: BoundProduct | None, ctx: Context, *, wanted: bool = True) -> Subject:
    """What is planned for: 3 pieces of everything at 49.00."""
    offers = {v.sku: Offer(v.sku, found.id, 3, Decimal(49), sellable=True) for v in found.variants}
    facts = Facts(found, offers=offers, products=[bound] if bound else [])
    [desired] = desired_cards(facts, ctx).products
    return Subject("A", "REF", facts, bound, desired if wanted else None)


def written(found: Article, ctx: Context, **more: Any) -> BoundProduct:
    """The product once everything of an article is written."""
    made = subject(found, None, ctx)
    assert made.desired is not None
    card = dict(made.desired.card)
    weight = Decimal(made.desired.card["weight"])
    variants = {
        v.sku: BoundVariant(
            v.sku,
            "A",
            0 if made.desired.simple else place,
            place,
            {
                "reference": v.reference, "ean": v.ean or "", "weight": str(v.weight - weight), "price": "0",
                "quantity": 3,
                "options": sorted([o.group, o.name] for o in v.options),
                "photos": [100 + n for n, _ in enumerate(v.photos, 1)],
            },
        )
        for place, v in enumerate(made.desired.variants, 1)
    }  # fmt: skip
    images = {p.id: BoundImage(p.id, p.sha256, 100 + n) for n, p in enumerate(made.desired.photos, 1)}
    fields: dict[str, Any] = {
        "written": {**card, "price": "40.833333", "cover": next(iter(images), "")},
        "variants": variants, "images": images, "simple": made.desired.simple,
        "default_sku": made.desired.variants[0].sku, **more,
    }  # fmt: skip
    return BoundProduct("A", 20, "A", Origin.MADE, locked=False, **fields)


def cards(made: Subject, ctx: Context) -> list[Change]:
    """The changes of the card."""
    assert made.desired is not None
    target = pricing(made, ctx)
    assert target is not None
    assert not isinstance(target, Skipped)
    return list(card_changes(made, made.desired, target, ctx))


def combinations(made: Subject, ctx: Context) -> list[Change | Skipped]:
    """The changes of the combinations."""
    assert made.desired is not None
    target = pricing(made, ctx)
    assert target is not None
    assert not isinstance(target, Skipped)
    return list(variant_changes(made, made.desired, target, ctx))


def photos(made: Subject, ctx: Context) -> list[Any]:
    """The changes of the photos, in short."""
    assert made.desired is not None
    return [
        change.reason if isinstance(change, Skipped) else (change.action.value, change.key, change.id)
        for change in photo_changes(made, made.desired, ctx)
    ]


OTHER: dict[str, dict[str, Any]] = {
    "supplier_reference": {"supplier_reference": "F-2"},
    "short_description": {"short_description": "<p>Plus court</p>"},
    "description": {"description": "<p>Plus long</p>"},
    "brand": {"brand": "NEW"},
    "features": {"attributes": {"matiere": "Soie"}},
    "weight": {"weight": Decimal("0.4")},
}


class TestPolicies:
    """`sync`: LCV's value always wins; `create`: it is sent once."""

    def test_nothing_to_do(self) -> None:
        """What is written as desired changes nothing, card, combinations and photos."""
        ctx, found = context(), article("Écru", "Noir", photos=("P", "Q"))
        made = subject(found, written(found, ctx), ctx)

        assert (cards(made, ctx), combinations(made, ctx), photos(made, ctx)) == ([], [], [])
        assert made.desired is not None
        assert list(cover_change(made, made.desired, ctx)) == list(activation(made, made.desired, ctx)) == []
        assert list(value_changes(made, made.desired, ctx)) == []

    @pytest.mark.parametrize("name", OTHER)
    def test_a_change_in_lcv(self, name: str) -> None:
        """Only the field that changed is written; under `create` nothing is."""
        before, after = article("Écru"), article("Écru", **OTHER[name])
        bound = written(before, context())
        [change] = cards(subject(after, bound, context()), context())

        assert (change.kind, change.action, change.id, change.lane) == (Kind.PRODUCT, Action.UPDATE, 20, Lane.CARD)
        assert list(change.after) == list(change.before) == [name]
        assert change.before[name] == bound.written[name]
        assert cards(subject(after, bound, context(name)), context(name)) == []

    def test_name_and_reference(self) -> None:
        """So it is with what every article has; the address never changes."""
        bound = written(article("Écru"), context())
        renamed = replace(article("Écru"), name="Jupe", reference="R2")

        [change] = cards(subject(renamed, bound, context()), context())

        assert set(change.after) == {"name", "reference"}
        assert cards(subject(renamed, bound, context("name", "reference")), context("name", "reference")) == []

    @pytest.mark.parametrize("name", ["supplier_reference", "short_description", "description", "brand", "weight"])
    def test_lcv_has_none(self, name: str) -> None:
        """Where LCV has no value any more, the shop keeps what it has."""
        bound = written(article("Écru"), context())
        none: dict[str, Any] = {name: None}

        assert cards(subject(article("Écru", **none), bound, context()), context()) == []

    def test_features_are_a_list(self) -> None:
        """A feature that LCV no longer has is taken back."""
        bound = written(article("Écru"), context())
        [change] = cards(subject(article("Écru", attributes={}), bound, context()), context())

        assert (change.before["features"], change.after["features"]) == ([[9, "Lin"]], [])

    def test_categories(self) -> None:
        """Categories come with the default one."""
        bound = written(article("Écru"), context())
        old = replace(bound, written={**bound.written, "categories": [2], "default_category": 2})
        [change] = cards(subject(article("Écru"), old, context()), context())

        assert change.after == {"categories": [5, 3], "default_category": 5}

    def test_creation_sends_everything(self) -> None:
        """A new product has all its fields, whatever their policy; it is made in its own lane."""
        ctx = context(*CARD_FIELDS, "tax", "attributes", "photos")
        [change] = cards(subject(article("Écru", photos=("P",)), None, ctx), ctx)

        assert set(CARD_FIELDS) < set(change.after)
        assert (change.action, change.lane, change.step) == (Action.CREATE, Lane.CREATION, Step.CARD)
        assert (change.after["price"], change.after["tax"], change.after["visibility"]) == ("40.833333", 1, "both")

    def test_values(self) -> None:
        """What the shop lacks is made first, once needed; a field that isn't sent any more needs nothing."""
        bound = written(article("Écru"), context())
        new = article("Rose", brand="NEW", attributes={"matiere": "Soie"})

        def names(bound: BoundProduct | None, *once: str) -> list[str]:
            made = subject(new, bound, context(*once))
            assert made.desired is not None
            return [change.key for change in value_changes(made, made.desired, context(*once))]

        assert names(None, "features", "brand", "attributes") == ["Rose", "Soie", "NEW"]
        assert names(bound) == ["Rose", "Soie", "NEW"]
        assert names(bound, "features", "brand") == ["Rose"]

    def test_values_of_what_stays(self) -> None:
        """Sent once: a variant that is there needs no value any more, one that is new does; none where none is made."""
        bound, now = written(article("Noir"), context()), article("Noir", "Zinc")
        first, second = now.variants
        now = replace(now, variants=(replace(first, attributes={"coloris": "Rose"}), second))

        def names(bound: BoundProduct, *once: str) -> list[str]:
            made = subject(now, bound, context(*once))
            assert made.desired is not None
            return [change.key for change in value_changes(made, made.desired, context(*once))]

        assert names(bound) == ["Rose", "Zinc"]
        assert names(bound, "attributes") == ["Zinc"]
        assert names(replace(bound, simple=True)) == []

    def test_a_size_has_its_rank(self) -> None:
        """A value of a size grid is made with its rank and is no colour, whatever it is called."""
        made = subject(article("Écru"), None, context())
        assert made.desired is not None
        sized = replace(made.desired.variants[0], options=(OptionValue(1, "Noir", 3),))
        (change,) = value_changes(made, replace(made.desired, variants=(sized,)), context())

        after = {"kind": "option", "group": 1, "name": "Noir", "position": 3, "colour": ""}
        assert (change.after, change.product, change.reason) == (after, "", "needed in option 1")

    def test_a_new_colour_has_a_swatch(self) -> None:
        """A colour that is made with its own name gets the shade of its generic one, an unknown one none."""
        made = subject(article("Cognac", "Boreal"), None, context())
        assert made.desired is not None
        found = list(value_changes(made, made.desired, context()))

        shades = {change.key: change.after.get("colour") for change in found}
        assert (shades["Cognac"], shades["Boreal"]) == ("#7b4a2b", "")


@pytest.mark.parametrize(("tax", "rate"), [(1, "20"), (3, "5.5"), (9, "0"), (None, "10")])
def test_rate_of_what_was_written(tax: int | None, rate: str) -> None:
    """That of the tax rules group; 0 of one that the shop lost, and that to come where none was written."""
    ctx = replace(context(), vat_rates={1: Decimal(20), 3: Decimal("5.5")})
    bound = written(article("Écru"), ctx)
    bound = replace(bound, written={**bound.written, "tax": tax})
    target = Pricing(2, Decimal(10), Decimal(1), {}, None)

    assert old_rate(subject(article("Écru"), bound, ctx), target, ctx) == Decimal(rate)
    assert old_rate(subject(article("Écru"), None, ctx), target, ctx) == 10


@pytest.mark.parametrize(
    ("price", "sellable", "expected"),
    [
        ("49", True, []),
        ("59", True, [({"price": "49.166667"}, {"price": "40.833333"}, Lane.PRICE_RISE)]),
        ("39", True, [({"price": "32.500000"}, {"price": "40.833333"}, Lane.PRICE_FALL)]),
        ("49", False, [({"default": "A-Écru"}, {"default": "A-Noir"}, Lane.PRICE_FALL)]),
    ],
)
def test_base_and_default(price: str, sellable: bool, expected: list[Any]) -> None:
    """The product's price follows its default variant, which is another one once LCV doesn't sell it any more."""
    ctx, found = context(), article("Écru", "Noir")
    made = offered(subject(found, written(found, ctx), ctx), Écru=price, Noir=price if sellable else None)

    assert [each[2:5] for each in priced(made, ctx)] == expected
    assert {each[:2] for each in priced(made, ctx)} <= {("REF", 20)}


def offered(made: Subject, **prices: str | None) -> Subject:
    """The same at other prices by colour; None: it isn't sold."""
    offers = dict(made.facts.offers)
    for colour, price in prices.items():
        sku = Sku(f"A-{colour}")
        offers[sku] = replace(offers[sku], price=Decimal(price or 49), sellable=price is not None)
    return replace(made, facts=replace(made.facts, offers=offers))


def priced(made: Subject, ctx: Context) -> list[tuple[Any, ...]]:
    """The changes of its prices."""
    target = pricing(made, ctx)
    assert isinstance(target, Pricing)
    return [
        (change.key, change.id, change.after, change.before, change.lane, change.step, change.reason)
        for change in price_changes(made, target, target.rate)
    ]


def test_impacts() -> None:
    """What a combination adds to the product's price rises first and falls last, each by its own id."""
    ctx, found = context(), article("Écru", "Noir")
    made = subject(found, written(found, ctx), ctx)

    assert priced(offered(made, Écru="61"), ctx) == [
        ("A-Écru", 2, {"price": "10.000000"}, {"price": "0"}, Lane.PRICE_RISE, Step.PRICES, "")
    ]
    assert priced(offered(made, Écru="37"), ctx) == [
        ("A-Écru", 2, {"price": "-10.000000"}, {"price": "0"}, Lane.PRICE_FALL, Step.PRICES, "")
    ]


def test_a_default_that_is_still_to_be_made() -> None:
    """Once its combination is there the product gets it as the default; a product's first one is it by itself."""
    ctx, found = context(), article("Écru", "Noir")
    bound = written(found, ctx)
    noir = bound.variants[Sku("A-Noir")]
    reason = "its default combination is no longer for sale"
    moved = ("REF", 20, {"default": "A-Écru"}, {"default": "A-Noir"}, Lane.VARIANT_PROMOTIONS, Step.PROMOTIONS, reason)

    lost = replace(bound, variants={noir.sku: noir})
    assert moved in priced(offered(subject(found, lost, ctx), Noir=None), ctx)
    for other in (replace(lost, simple=True), replace(lost, variants={noir.sku: replace(noir, combination=0)})):
        assert moved not in priced(offered(subject(found, other, ctx), Noir=None), ctx)
    assert moved not in priced(offered(subject(found, bound, ctx), Noir=None), ctx)


class TestCombinations:
    """Made, changed by field and policy, removed only where that is asked for."""

    def test_a_new_variant(self) -> None:
        """A variant that appears is made; the others stay as they are."""
        bound = written(article("Écru"), context())
        [change] = combinations(subject(article("Écru", "Noir"), bound, context()), context())

        assert isinstance(change, Change)
        assert (change.kind, change.action, change.sku, change.lane) == (
            Kind.COMBINATION,
            Action.CREATE,
            "A-Noir",
            Lane.VARIANTS,
        )
        assert change.after["options"] == [[2, "Noir"]]

    @pytest.mark.parametrize(
        ("field", "policy", "value"),
        [("reference", "reference", "old"), ("ean", "ean", "00000000"), ("weight", "weight", "9")],
    )
    def test_fields(self, field: str, policy: str, value: str) -> None:
        """A field that differs is written under `sync`, left under `create`."""
        found = article("Écru", "Noir")
        bound = written(found, context())
        [first, second] = bound.variants.values()
        old = replace(
            bound, variants={first.sku: replace(first, written={**first.written, field: value}), second.sku: second}
        )
        [change] = combinations(subject(found, old, context()), context())

        assert isinstance(change, Change)
        found_ = (change.sku, change.id, list(change.after), change.before)
        assert found_ == (first.sku, first.combination, [field], {field: value})
        assert combinations(subject(found, old, context(policy)), context(policy)) == []

    def test_without_a_barcode(self) -> None:
        """One that LCV took back stays in the shop."""
        found = article("Écru")
        bare = replace(found, variants=(replace(found.variants[0], ean=None),))

        assert combinations(subject(bare, written(found, context()), context()), context()) == []

    def test_another_value(self) -> None:
        """A variant whose colour was renamed gets its new value; another spelling is the same value."""
        bound = written(article("Écru"), context())
        respelled = replace(
            article("Écru"), variants=(replace(article("Écru").variants[0], attributes={"coloris": "ECRU "}),)
        )
        renamed = replace(
            article("Écru"), variants=(replace(article("Écru").variants[0], attributes={"coloris": "Noir"}),)
        )

        assert combinations(subject(respelled, bound, context()), context()) == []
        [change] = combinations(subject(renamed, bound, context()), context())
        assert isinstance(change, Change)
        assert change.after == {"options": [[2, "Noir"]]}
        assert combinations(subject(renamed, bound, context("attributes")), context("attributes")) == []

    def test_gone_variants(self) -> None:
        """A variant that is no longer for sale keeps its combination, unless `remove_variants`."""
        bound = written(article("Écru", "Noir"), context())
        now = article("Écru")

        assert combinations(subject(now, bound, context()), context()) == []
        [change] = combinations(subject(now, bound, context(remove_variants=True)), context(remove_variants=True))
        assert isinstance(change, Change)
        assert (change.action, change.sku, change.id) == (Action.DELETE, "A-Noir", 1)
        assert (change.lane, change.after, change.reason) == (Lane.REMOVAL, {}, "no longer for sale")
        assert change.before == bound.variants[Sku("A-Noir")].written

    def test_cut_anew_to_one_without_combinations(self) -> None:
        """The combination of the variant that is left makes it a product without combinations as it goes."""
        bound, one = written(article("Écru", "Noir"), context()), article("Écru")
        bare = replace(one, variants=(replace(one.variants[0], attributes={}),))
        found = combinations(replace(subject(bare, bound, context()), recut=True), context())

        assert [(each.sku, each.after, each.reason) for each in found if isinstance(each, Change)] == [
            ("A-Noir", {}, "cut anew"),
            ("A-Écru", {"simple": True}, "cut anew"),
        ]

    def test_variant_that_may_be_there(self) -> None:
        """In a product of which other combinations aren't linked none is made: one of them may be the variant's."""
        bound = replace(written(article("Écru"), context()), base_fixed=True)
        [skipped] = combinations(subject(article("Écru", "Noir"), bound, context()), context())

        assert skipped == Skipped(
            "variant",
            "A-Noir",
            "variant_not_linked",
            "product 20 has combinations that aren't linked, one of which may be this variant",
            "lcvsync product link 'A-Noir' 20/COMBINATION",
        )

    def test_recut(self) -> None:
        """From a product without combinations to one with them: reported, with the command."""
        one = article("Écru")
        bound = written(replace(one, variants=(replace(one.variants[0], attributes={}),)), context())
        [skipped] = combinations(subject(one, bound, context()), context())

        assert isinstance(skipped, Skipped)
        assert (skipped.reason, skipped.cure) == ("recut_needed", "lcvsync resync 'REF' --recut")


class TestPhotos:
    """Known by the sha256 of what was sent."""

    def test_new(self) -> None:
        """All of them, in LCV's order."""
        ctx = context()

        assert photos(subject(article("Écru", photos=("P", "Q")), None, ctx), ctx) == [
            ("create", "P", 0),
            ("create", "Q", 0),
        ]

    def test_changed_and_gone(self) -> None:
        """A changed one is sent and the old image removed; one that is gone is removed; `create`: nothing happens."""
        bound = written(article("Écru", photos=("P", "Q", "R")), context())
        now = article("Écru", photos=("P", "Q"))
        now = replace(now, photos=(replace(now.photos[0], sha256="b" * 64), now.photos[1]))

        assert photos(subject(now, bound, context()), context()) == [
            ("update", "P", 101),
            ("delete", "P", 101),
            ("delete", "R", 103),
        ]
        assert photos(subject(now, bound, context("photos")), context("photos")) == []

    def test_unusable(self) -> None:
        """A bad photo is told at every plan, and not sent again until LCV changes it."""
        found = article("Écru", photos=("P",))
        bound = replace(written(found, context()), images={PhotoId("P"): BoundImage(PhotoId("P"), SHA, 0, "broken")})

        assert photos(subject(found, bound, context()), context()) == ["photo_unusable"]
        changed = replace(found, photos=(replace(found.photos[0], sha256="b" * 64),))
        assert photos(subject(changed, bound, context()), context()) == [("create", "P", 0)]

    def test_left_over(self) -> None:
        """An image that a newer one replaced and that is still there is removed."""
        found = article("Écru", photos=("P",))
        bound = replace(written(found, context()), obsolete_images=[99])

        assert photos(subject(found, bound, context()), context()) == [("delete", "99", 99)]

    def test_cover(self) -> None:
        """The first photo that can be used is the cover."""
        bound = written(article("Écru", photos=("P", "Q")), context())
        turned = replace(article("Écru", photos=("Q", "P")))
        made = subject(turned, bound, context())
        assert made.desired is not None
        [change] = cover_change(made, made.desired, context())

        assert (change.after["cover"][0], change.before["cover"], change.lane) == ("Q", "P", Lane.COVER)
        once = context("photos")
        assert list(cover_change(made, made.desired, once)) == []

    def test_tied_to_combinations(self) -> None:
        """A combination whose photos changed is written with them."""
        bound = written(article("Écru", photos=("P",)), context())
        [change] = combinations(subject(article("Écru", photos=("P", "Q")), bound, context()), context())

        assert isinstance(change, Change)
        assert change.after == {"photos": ["P", "Q"]}
        once = context("photos")
        assert combinations(subject(article("Écru", photos=("P", "Q")), bound, once), once) == []


class TestActivation:
    """Set once at the end, and after our own deactivation."""

    def plan(self, bound: BoundProduct | None, *names: str, **options: Any) -> list[Any]:
        """What activation says."""
        ctx = context(**options)
        made = subject(article("Écru", photos=names), bound, ctx)
        assert made.desired is not None
        return [
            c.reason if isinstance(c, Skipped) else (c.action.value, c.lane)
            for c in activation(made, made.desired, ctx)
        ]

    def test_new(self) -> None:
        """A new product with a photo becomes visible; without one it waits, unless that is allowed."""
        assert self.plan(None, "P") == [("activate", Lane.CREATION)]
        assert self.plan(None) == ["photo_missing"]
        assert self.plan(None, require_photo=False) == [("activate", Lane.CREATION)]

    def test_only_bad_photos(self) -> None:
        """A photo that can't be used is none."""
        bound = written(article("Écru", photos=("P",)), context(), ready=False)
        bad = replace(bound, images={PhotoId("P"): BoundImage(PhotoId("P"), SHA, 0, "broken")})

        assert self.plan(bad, "P") == ["photo_missing"]

    def test_off(self) -> None:
        """Ours is undone, a person's stays and is told."""
        bound = written(article("Écru", photos=("P",)), context())

        assert self.plan(bound, "P") == []
        assert self.plan(replace(bound, off=True), "P") == [("activate", Lane.ACTIVATION)]
        assert self.plan(replace(bound, switched_off=True), "P") == ["switched_off"]

    @pytest.mark.parametrize(
        ("more", "reason"), [({"off": True}, "for sale again"), ({"ready": False}, "finished")], ids=["again", "first"]
    )
    def test_switched_on(self, more: dict[str, Any], reason: str) -> None:
        """The product's own switch, from off to on."""
        bound = replace(written(article("Écru", photos=("P",)), context()), **more)
        made = subject(article("Écru", photos=("P",)), bound, context())
        assert made.desired is not None
        (change,) = activation(made, made.desired, context())

        assert isinstance(change, Change)
        assert (change.id, change.before, change.after) == (20, {"active": False}, {"active": True})
        assert change.reason == reason

    def test_a_person_switched_it_off(self) -> None:
        """It is said, with who can change it."""
        bound = written(article("Écru", photos=("P",)), context(), switched_off=True)
        made = subject(article("Écru", photos=("P",)), bound, context())
        assert made.desired is not None

        said = Skipped(
            "product",
            "REF",
            "switched_off",
            "a person switched it off in the shop: it stays off",
            "switch it on in the shop",
        )
        assert list(activation(made, made.desired, context())) == [said]

    @pytest.mark.parametrize(
        ("more", "number"), [({}, 1), ({"off": True}, 0), ({"locked": True}, 0), ({"ready": False}, 0)]
    )
    def test_deactivation(self, more: dict[str, Any], number: int) -> None:
        """Only a finished product of ours whose card we keep, once."""
        ctx, found = context(), article("Écru")
        made = subject(found, replace(written(found, ctx), **more), ctx, wanted=False)

        off = Change(
            Kind.PRODUCT, Action.DEACTIVATE, "REF", "A", Lane.CARD, {"active": False}, {"active": True},
            "no longer for sale", "", 20, Step.CARD, "A",
        )  # fmt: skip
        assert list(deactivation(made, ctx)) == [off] * number
        basic = replace(ctx, options=replace(ctx.options, complete=False))
        assert list(deactivation(made, basic)) == []


class TestVisibility:
    """`out_of_stock = hide`."""

    @pytest.mark.parametrize(
        ("hidden", "in_stock", "hide", "expected"),
        [
            (False, False, True, ["none"]),
            (False, True, True, []),
            (False, False, False, []),
            (True, True, True, ["as before"]),
            (True, False, True, []),
            (True, False, False, ["as before"]),
        ],
    )
    def test_visibility(self, hidden: bool, in_stock: bool, hide: bool, expected: list[str]) -> None:
        """Hidden without stock, back with it, or when the option goes."""
        ctx, found = context(), article("Écru")
        made = subject(found, replace(written(found, ctx), hidden=hidden), ctx)

        assert [change.after["visibility"] for change in visibility_change(made, in_stock, hide)] == expected

    def test_promotion_categories(self) -> None:
        """A product is in a promotion's categories exactly while it runs; the order doesn't matter."""
        ctx, found = context(), article("Écru")
        bound = written(found, ctx)
        inside = replace(bound, written={**bound.written, "promotion_categories": [8, 4]})

        def change(bound: BoundProduct, *categories: int) -> list[Any]:
            return [
                c.after["promotion_categories"]
                for c in promotion_category_change(subject(found, bound, ctx), list(categories))
            ]

        assert change(bound) == change(inside, 4, 8) == []
        assert change(bound, 8, 4) == [[4, 8]]
        assert change(inside) == [[]]


class TestMerging:
    """Lists are owned by element: (the shop's now − ours before) + ours now."""

    @pytest.fixture
    def merger(self, tmp_path: Path) -> Iterator[CardMerger]:
        """A product with categories 5 and 3, of a promotion 8, and feature value 13."""
        store = open_store(tmp_path)
        bindings = Bindings(store)
        with store.transaction():
            card = {"categories": [5, 3], "promotion_categories": [8], "features": [[9, "Lin"]]}
            bindings.add_product("A", 20, "A", Origin.MADE, written=card)
            for (kind, parent, name), identifier in {**VALUES, ("feature", 9, "soie"): 14}.items():
                bindings.add_value(kind, parent, name, identifier)
        yield CardMerger(Resolver(bindings, (1, 2), "8.2.1"), frozenset({1}))
        store.close()

    def merged(self, merger: CardMerger, after: dict[str, Any], before: dict[str, Any], card: Record) -> Record:
        """What is sent."""
        change = Change(Kind.PRODUCT, Action.UPDATE, "REF", "A", Lane.CARD, after, before, id=20)
        found = merger.merged(change, card)
        assert found is not None
        return found

    @pytest.mark.parametrize(
        ("now", "after", "expected"),
        [
            ([2, 3, 5, 7, 8], {"categories": [5, 6]}, (2, 5, 7, 8, 6)),
            ([2, 5, 7], {"categories": [5, 3]}, (2, 5, 7, 3, 8)),
            ([2, 3, 5, 8], {"promotion_categories": []}, (2, 3, 5)),
            ([2, 3, 5], {"promotion_categories": [5]}, (2, 3, 5)),
            ([3, 5, 8], {"promotion_categories": [3]}, (3, 5)),
            ([5, 8], {"categories": [8]}, (8,)),
        ],
    )
    def test_categories(
        self, merger: CardMerger, now: list[int], after: dict[str, Any], expected: tuple[int, ...]
    ) -> None:
        """A person's stay, ours come and go; one that is ours for two reasons goes with the last."""
        card = Record(20, {}, {"categories": tuple({"id": n} for n in now)})

        assert self.merged(merger, after, {}, card).ids("categories") == expected

    def test_features(self, merger: CardMerger) -> None:
        """A person's own and custom values are left."""
        now = tuple({"id": f, "id_feature_value": v} for f, v in ((9, 13), (9, 77), (4, 5)))
        card = Record(20, {}, {"product_features": now})

        sent = self.merged(merger, {"features": [[9, "Soie"]]}, {"features": [[9, "Lin"]]}, card)

        values = [item["id_feature_value"] for item in sent.associations["product_features"]]
        assert values == [77, 5, 14]

    @pytest.mark.parametrize(("now", "expected"), [("5", {"id_category_default": 6}), ("7", {})])
    def test_default_category(self, merger: CardMerger, now: str, expected: dict[str, int]) -> None:
        """The default category changes only if it was ours."""
        card = Record(20, {"id_category_default": now}, {"categories": ()})
        sent = self.merged(merger, {"categories": [6], "default_category": 6}, {"default_category": 5}, card)

        assert dict(sent.fields) == expected

    def test_languages(self, merger: CardMerger) -> None:
        """LCV's languages get its text, the others keep the shop's."""
        card = Record(20, {"name": {1: "Ancien", 2: "Old"}})

        assert self.merged(merger, {"name": "Neuf"}, {}, card).fields == {"name": {1: "Neuf", 2: "Old"}}


def weighing(light: str | None, heavy: str | None) -> Article:
    """A dress in black, which comes first, and in ecru, with their weights."""
    ecru, black = article("Écru", "Noir").variants
    weights = [Decimal(w) if w else None for w in (light, heavy)]
    return replace(article(weight=None), variants=(replace(black, weight=weights[0]), replace(ecru, weight=weights[1])))


def test_weights_add_up() -> None:
    """The product's weight and a combination's impact are its weight."""
    ctx = context()
    made = subject(weighing("0.25", "0.5"), None, ctx)
    assert made.desired is not None
    created = [change for change in combinations(made, ctx) if isinstance(change, Change)]

    total = {c.sku: Decimal(made.desired.card["weight"]) + Decimal(c.after["weight"]) for c in created}
    assert total == {"A-Noir": Decimal("0.25"), "A-Écru": Decimal("0.5")}


def test_weights_add_up_later() -> None:
    """They still do when the first variant loses its weight: the product keeps what it has, impacts follow it."""
    ctx = context()
    bound = written(weighing("0.3", "0.4"), ctx)
    made = subject(weighing(None, "0.4"), bound, ctx)
    sent = [str(change.after["weight"]) for change in cards(made, ctx) if "weight" in change.after]
    base = Decimal(sent[0] if sent else str(bound.written["weight"]))
    changed = {c.sku: c.after["weight"] for c in combinations(made, ctx) if isinstance(c, Change)}

    ecru = Sku("A-Écru")
    assert base + Decimal(str(changed.get(ecru, bound.variants[ecru].written["weight"]))) == Decimal("0.4")
