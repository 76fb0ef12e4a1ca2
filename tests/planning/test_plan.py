"""The plan of one article, pure: what would be written is enough, and at no step of it is a variant under its price.

`Shelf` remembers what a plan's changes write, as the state does when the shop says yes to all of them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Coded,
    Photo,
    PhotoId,
    Promotion,
    PromotionId,
    PromotionKind,
    Rfs,
    Size,
    SizeGrid,
    Sku,
    Tables,
    Variant,
    WebStore,
)
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.domain.texts import fold
from lcvsync.planning.changes import Action, Change, Kind, Lane, Skipped
from lcvsync.planning.known import (
    BoundImage,
    BoundProduct,
    BoundPromotion,
    BoundVariant,
    Context,
    Facts,
    Foreign,
    Offer,
    Options,
    Origin,
)
from lcvsync.planning.plan import ArticlePlan, plan_article

NOW = datetime(2027, 1, 10, 9, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
RATE = Decimal(20)
STORE = WebStore("WEB", "Web", ("DEP",), "WEB")
GRID = SizeGrid("G", "Grille", tuple(Size(code, code, place) for place, code in enumerate("SML", start=1)))
TABLES = Tables(1, "EUR", web_stores=(STORE,), size_grids=(GRID,), brands=(Coded("B1", "Sessùn"), Coded("B2", "Bash")))
SKUS = tuple(Sku(f"{colour}-{size}") for colour in ("Noir", "Rouge") for size in "SML")
RULES = Mappings(
    {
        MappingKind.SIZE_GRID: {"*": Rule(("1",))},
        MappingKind.ATTRIBUTE: {"coloris": Rule(("2",))},
        MappingKind.RFS: {"*": Rule(("4", "5"))},
        MappingKind.CATEGORY: {"C1": Rule(("6",)), "C2": Rule(("7", "4"))},
        MappingKind.BRAND: {"*": Rule(("create",))},
        MappingKind.FEATURE: {"matiere": Rule(("1",)), "origine": Rule(("2",))},
        MappingKind.PROMOTION: {"Soldes": Rule(("8",)), "Flash": Rule(("5",))},
        MappingKind.VAT: {"20": Rule(("1",)), "5.5": Rule(("3",))},
    }
)


class Shelf:
    """What the state knows of the shop after changes were applied, in the order that the runner keeps."""

    def __init__(self) -> None:
        self.products: dict[str, BoundProduct] = {}
        self.values: dict[tuple[str, int, str], int] = {}
        self._ids = itertools.count(101)

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply every one of them."""
        for change in sorted(changes, key=order):
            self.apply_one(change)

    def apply_one(self, change: Change) -> None:
        """Apply one change."""
        match change.kind:
            case Kind.VALUE:
                key = (change.after["kind"], change.after["group"], fold(change.after["name"]))
                self.values.setdefault(key, next(self._ids))  # the runner makes one of several that are the same
            case Kind.PRODUCT:
                self._product(change)
            case Kind.COMBINATION:
                self._combination(change)
            case Kind.IMAGE:
                self._image(change)
            case Kind.STOCK:
                self._wrote_variant(change, {"quantity": change.after["quantity"]})
            case Kind.PRICE:
                self._price(change)
            case Kind.PROMOTION:
                self._promotion(change)

    def _set(self, change: Change, **members: Any) -> None:
        self.products[change.product] = replace(self.products[change.product], **members)

    def _product(self, change: Change) -> None:
        if change.action is Action.CREATE:
            self._create(change)
            return
        bound, after = self.products[change.product], dict(change.after)
        if change.action is Action.ACTIVATE:
            self._set(change, ready=True, off=False)
            if bound.images and not bound.written.get("cover"):
                first = min((i for i in bound.images.values() if i.image), key=lambda image: image.image, default=None)
                self._wrote(change, {"cover": first.photo} if first else {})
            return
        if change.action is Action.DEACTIVATE:
            self._set(change, off=True)
            return
        if "visibility" in after:
            self._set(change, hidden=after.pop("visibility") == "none")
        if "cover" in after:
            after["cover"] = next(photo for photo in after["cover"] if bound.images[photo].image)
        self._wrote(change, {**after, **({"brand": self._brand(after["brand"])} if "brand" in after else {})})

    def _create(self, change: Change) -> None:
        assert change.product not in self.products, "a product is made twice"
        apart = ("simple", "sku", "visibility")
        written = {name: value for name, value in change.after.items() if name not in apart}
        written["brand"] = self._brand(written["brand"])
        self.products[change.product] = BoundProduct(
            change.product,
            next(self._ids),
            change.article,
            Origin.MADE,
            locked=False,
            ready=False,
            hidden=change.after["visibility"] == "none",
            simple=change.after["simple"],
            written=written,
        )
        if change.after["simple"]:
            sku = Sku(change.after["sku"])
            variants = {sku: BoundVariant(sku, change.product, 0, 1, {"quantity": 0})}
            self._set(change, variants=variants)

    def _brand(self, brand: int | str) -> int:
        return brand if isinstance(brand, int) else self.values["brand", 0, fold(brand)]

    def _wrote(self, change: Change, fields: Mapping[str, Any]) -> None:
        self._set(change, written={**self.products[change.product].written, **fields})

    def _wrote_variant(self, change: Change, fields: Mapping[str, Any]) -> None:
        bound, sku = self.products[change.product], Sku(change.sku)
        if sku not in bound.variants:
            assert change.after == {"quantity": 0}  # an unfinished product's combination that was just removed
            return
        variant = bound.variants[sku]
        written = {**variant.written, **fields}
        self._set(change, variants={**bound.variants, sku: replace(variant, written=written)})

    def _combination(self, change: Change) -> None:
        bound, sku, after = self.products[change.product], Sku(change.sku), dict(change.after)
        if change.action is Action.DELETE:
            left = {key: variant for key, variant in bound.variants.items() if key != sku}
            self._set(change, variants=left)
            return
        for group, name in after.get("options", ()):
            assert ("option", group, fold(name)) in self.values, f"value {name} wasn't made"
        if "photos" in after:
            after["photos"] = [bound.images[photo].image for photo in after["photos"] if bound.images[photo].image]
        if change.action is Action.UPDATE:
            self._wrote_variant(change, after)
            return
        assert sku not in bound.variants, "a combination is made twice"
        default = after.pop("default", False)
        made = BoundVariant(sku, change.product, next(self._ids), 1, {**after, "quantity": 0})
        self._set(change, variants={**bound.variants, sku: made}, **({"default_sku": sku} if default else {}))

    def _image(self, change: Change) -> None:
        bound = self.products[change.product]
        if change.action is Action.DELETE:
            images = {photo: image for photo, image in bound.images.items() if image.image != change.id}
            obsolete = [image for image in bound.obsolete_images if image != change.id]
            self._set(change, images=images, obsolete_images=obsolete)
            return
        photo = PhotoId(change.after["photo"])
        old = bound.images.get(photo)
        obsolete = [*bound.obsolete_images, *([old.image] if old else [])]
        image = BoundImage(photo, change.after["sha256"], next(self._ids))
        self._set(change, images={**bound.images, photo: image}, obsolete_images=obsolete)

    def _price(self, change: Change) -> None:
        if change.sku:
            self._wrote_variant(change, change.after)
            return
        after = dict(change.after)
        default = after.pop("default", None)
        self._wrote(change, after)
        if default:
            assert default in self.products[change.product].variants
            self._set(change, default_sku=Sku(default))

    def _promotion(self, change: Change) -> None:
        rows = [row for row in self.products[change.product].promotions if row.id != change.id or not change.id]
        if change.action is not Action.DELETE:
            after, sku = change.after, Sku(change.sku) if change.sku else None
            assert sku is None or sku in self.products[change.product].variants
            row = BoundPromotion(
                change.id or next(self._ids),
                sku,
                after["starts"],
                after["ends"],
                after["kind"],
                Decimal(after["value"]),
            )
            rows.append(row)
        self._set(change, promotions=rows)


def order(change: Change) -> tuple[int, ...]:
    """The order of risk, in which the runner applies a plan."""
    return change.lane, change.step, list(Kind).index(change.kind), list(Action).index(change.action)


def plan(shelf: Shelf, facts: Facts, options: Options, now: datetime = NOW) -> ArticlePlan:
    """The plan for *facts* with what stands on the shelf; whatever it leaves out is named, with reason and cure."""
    rates = {1: RATE, 3: Decimal("5.5")}
    context = Context(TABLES, RULES, options, Palette(), rates, dict(shelf.values))
    found = plan_article(replace(facts, products=tuple(shelf.products.values())), context, now, PARIS)
    for each in found.skipped:
        assert each.kind in {"article", "product", "variant", "photo", "promotion"}, each
        assert re.fullmatch("[a-z_]+", each.reason), each
        assert each.key, each
        assert " " in each.detail, each
        assert each.cure.startswith(("lcvsync ", "add ", "check ", "give ", "replace ", "set ", "switch ")), each
    return found


def settle(shelf: Shelf, facts: Facts, options: Options, now: datetime = NOW) -> None:
    """Plan, apply, and prove that the same facts then ask for nothing."""
    shelf.apply(plan(shelf, facts, options, now).changes)
    again = plan(shelf, facts, options, now)
    assert again.changes == ()


# -- facts -------------------------------------------------------------------------------------------------------------

amounts = st.integers(1, 30000).map(lambda cents: Decimal(cents) / 100)
promotions = st.builds(
    Promotion,
    id=st.sampled_from([PromotionId("P1"), PromotionId("P2"), PromotionId("P3")]),
    revision=st.just(1),
    name=st.sampled_from(["Soldes", "Flash", "Autre"]),
    kind=st.sampled_from(list(PromotionKind)),
    value=st.sampled_from([Decimal(10), Decimal("33.33"), Decimal("19.99"), Decimal(75)]),
    starts_at=st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours)),
    ends_at=st.one_of(st.none(), st.integers(49, 96).map(lambda hours: NOW + timedelta(hours=hours))),
    articles=st.sampled_from([(), (ArticleId("A"),)]),
    skus=st.lists(st.sampled_from(SKUS), unique=True, max_size=3).map(tuple),
)


@st.composite
def variants(draw: st.DrawFn) -> tuple[Variant, ...]:
    """Some of the six variants, in any order, some of them inactive."""
    chosen = draw(st.lists(st.sampled_from(SKUS), unique=True, min_size=1))
    made = []
    for sku in chosen:
        colour, size = sku.split("-")
        weight = draw(st.sampled_from([None, Decimal("0.2"), Decimal("0.35")]))
        ean = draw(st.sampled_from([None, f"37600000{SKUS.index(sku):05d}"]))
        made.append(Variant(sku, ean, size, {"coloris": colour}, weight, draw(st.sampled_from([True, True, False]))))
    return tuple(made)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """What LCV says of article A at one moment."""
    shown = st.sampled_from([{}, {"coloris": "Noir"}, {"coloris": "Rouge"}])
    names = draw(st.lists(st.sampled_from(["F1", "F2", "F3"]), unique=True))
    photos = [Photo(PhotoId(n), draw(st.sampled_from(["a", "b"])), place, draw(shown)) for place, n in enumerate(names)]
    article = Article(
        ArticleId("A"),
        1,
        "REF",
        draw(st.sampled_from(["Robe", "Jupe"])),
        Rfs("F"),
        draw(st.sampled_from([Decimal("20.00"), Decimal("20.00"), Decimal("5.5")])),
        description=draw(st.sampled_from([None, "<p>Texte</p>"])),
        brand=draw(st.sampled_from([None, "B1", "B2"])),
        categories=draw(st.sampled_from([(), ("C1",), ("C1", "C2")])),
        size_grid="G",
        weight=draw(st.sampled_from([None, Decimal("0.5")])),
        attributes=draw(st.sampled_from([{}, {"matiere": "Lin"}, {"matiere": "Coton", "origine": "Lyon"}])),
        web_stores=draw(st.sampled_from([("WEB",), ("WEB",), ("WEB",), ()])),
        variants=draw(variants()),
        photos=tuple(photos),
    )
    return told(
        article,
        draw(st.lists(promotions, max_size=3, unique_by=lambda promotion: promotion.id)),
        {variant.sku: (draw(st.one_of(st.none(), amounts)), draw(st.integers(-1, 4))) for variant in article.variants},
    )


def told(article: Article, running: Sequence[Promotion], offered: Mapping[Sku, tuple[Decimal | None, int]]) -> Facts:
    """Facts with prices and quantities by sku."""
    on_sale = article.active and "WEB" in article.web_stores
    offers = {}
    for variant in article.variants:
        price, quantity = offered[variant.sku]
        sellable = on_sale and variant.active and price is not None
        offers[variant.sku] = Offer(variant.sku, article.id, quantity, price, sellable)
    return Facts(article, offers=offers, promotions=tuple(running))


options = st.builds(
    Options,
    web_store=st.just(STORE),
    complete=st.just(True),
    safety_stock=st.sampled_from([0, 2]),
    hide_out_of_stock=st.booleans(),
    discriminating=st.sampled_from([(), (), ("coloris",)]),
    remove_variants=st.booleans(),
    require_photo=st.booleans(),
)


# -- what holds for every plan -----------------------------------------------------------------------------------------


@given(first=facts(), option=options)
def test_a_first_plan_is_enough(first: Facts, option: Options) -> None:
    """Planned again after all of it is written, an article asks for nothing."""
    settle(Shelf(), first, option)


@given(history=st.lists(facts(), min_size=2, max_size=4), option=options)
def test_a_plan_is_enough_whatever_came_before(history: list[Facts], option: Options) -> None:
    """From any state that earlier facts left, one plan leads to where nothing is left to do."""
    shelf = Shelf()

    for each in history:
        settle(shelf, each, option)


@given(first=facts(), hours=st.lists(st.integers(0, 40), min_size=1, max_size=5), option=options)
def test_time_alone_moves_only_promotions(first: Facts, hours: list[int], option: Options) -> None:
    """Whenever it is planned again, only promotions ask for something, and `next_due` told when."""
    shelf, now = Shelf(), NOW
    settle(shelf, first, option)
    due = plan(shelf, first, option).next_due
    for step in hours:
        now += timedelta(hours=step)
        changes = plan(shelf, first, option, now).changes
        assert {change.kind for change in changes} <= {Kind.PROMOTION, Kind.PRODUCT}
        assert not changes or (due is not None and due <= now)
        settle(shelf, first, option, now)
        due = plan(shelf, first, option, now).next_due


@given(before=facts(), after=facts(), option=options, mixed=st.randoms(use_true_random=False))
def test_no_variant_is_under_its_price_in_between(before: Facts, after: Facts, option: Options, mixed: Any) -> None:
    """Whatever the order within a lane, a price on its way from one to another is never below both."""
    option = replace(option, discriminating=())
    before, after = (replace(each, promotions=()) for each in (before, after))
    after = replace(after, article=replace(after.article, vat_rate=before.article.vat_rate))
    shelf = Shelf()
    settle(shelf, before, option)
    old = _shown(shelf)
    changes = list(plan(shelf, after, option).changes)
    mixed.shuffle(changes)
    changes.sort(key=lambda change: (change.lane, change.step))
    steps = [change for change in changes if change.kind in (Kind.PRICE, Kind.STOCK)]
    wanted = {sku: offer.price for sku, offer in after.offers.items() if offer.sellable and offer.price}

    for change in steps:
        if change.sku and not any(change.sku in product.variants for product in shelf.products.values()):
            continue  # of a combination that is made later
        if change.after.get("default") in {None, *old}:
            shelf.apply_one(change)
        for sku, price in _shown(shelf).items():
            if sku in wanted and sku in old:
                assert price >= min(old[sku], wanted[sku]) - Decimal("0.005"), (sku, change)


def _shown(shelf: Shelf) -> dict[Sku, Decimal]:
    """What a visitor would pay for each combination."""
    shown = {}
    for product in shelf.products.values():
        base, rate = Decimal(product.written["price"]), {1: RATE, 3: Decimal("5.5")}[product.written["tax"]]
        for sku, variant in product.variants.items():
            if "price" in variant.written:
                shown[sku] = (base + Decimal(variant.written["price"])) * (100 + rate) / 100
    return shown


@given(before=facts(), after=facts(), option=options)
def test_falling_quantities_come_before_rising_ones(before: Facts, after: Facts, option: Options) -> None:
    """Of finished products: what falls to 0 is written first, what rises last; nothing that is so already."""
    shelf = Shelf()
    settle(shelf, before, option)
    held = {sku: v.written.get("quantity") for p in shelf.products.values() for sku, v in p.variants.items() if p.ready}

    changes = [change for change in plan(shelf, after, option).changes if change.kind is Kind.STOCK]

    for change in changes:
        old, new = held.get(Sku(change.sku)), change.after["quantity"]
        assert old != new
        if old is not None and change.lane is not Lane.CREATION:
            assert change.lane is (Lane.STOCK_ZERO if new == 0 else Lane.STOCK_DOWN if new < old else Lane.STOCK_UP)


@given(before=facts(), after=facts(), option=options, locked=st.booleans())
def test_what_is_not_sold_is_not_on_sale(before: Facts, after: Facts, option: Options, locked: bool) -> None:
    """After every plan, locked or not, quantities are LCV's less the safety stock, 0 for what isn't sold."""
    shelf = Shelf()
    settle(shelf, before, option)
    shelf.products = {key: replace(product, locked=locked) for key, product in shelf.products.items()}

    settle(shelf, after, option)

    for product in shelf.products.values():
        for sku, variant in product.variants.items():
            offer = after.offers.get(sku)
            sold = max(0, offer.quantity - option.safety_stock) if offer and offer.sellable else 0
            assert variant.written.get("quantity", 0) == sold, sku


@given(before=facts(), after=facts(), option=options)
def test_a_locked_card_is_left(before: Facts, after: Facts, option: Options) -> None:
    """Stock, prices, promotions, their category and visibility: no other change of a locked product is ever planned."""
    shelf = Shelf()
    settle(shelf, before, option)
    shelf.products = {key: replace(product, locked=True) for key, product in shelf.products.items()}

    changes = [change for change in plan(shelf, after, option).changes if change.product in shelf.products]

    assert {change.kind for change in changes} <= {Kind.STOCK, Kind.PRICE, Kind.PROMOTION, Kind.PRODUCT}
    for change in changes:
        if change.kind is Kind.PRODUCT:
            assert set(change.after) <= {"promotion_categories", "visibility"}


@given(before=facts(), after=facts(), option=options)
def test_basic_mode_writes_no_card(before: Facts, after: Facts, option: Options) -> None:
    """On what complete mode left: no card, no combination, no image, no activation; and nothing is made."""
    shelf = Shelf()
    settle(shelf, before, option)
    basic = replace(option, complete=False)

    changes = plan(shelf, after, basic).changes

    assert {change.kind for change in changes} <= {Kind.STOCK, Kind.PRICE, Kind.PROMOTION, Kind.PRODUCT}
    assert all(
        set(change.after) <= {"promotion_categories", "visibility"} for change in changes if change.kind is Kind.PRODUCT
    )
    settle(shelf, after, basic)


def test_creation_goes_step_by_step() -> None:
    """A new product: card, photos, combinations, stock, promotions and at last its activation."""
    offered = {sku: (Decimal(50), 2) for sku in SKUS[:2]}
    made = [Variant(sku, None, sku[-1], {"coloris": "Noir"}) for sku in SKUS[:2]]
    article = Article(
        ArticleId("A"),
        1,
        "REF",
        "Robe",
        Rfs("F"),
        RATE,
        size_grid="G",
        web_stores=("WEB",),
        variants=tuple(made),
        photos=(Photo(PhotoId("F1"), "a", 1),),
    )
    sale = Promotion(PromotionId("P"), 1, "Soldes", PromotionKind.AMOUNT, Decimal(5), NOW, articles=(ArticleId("A"),))

    changes = sorted(plan(Shelf(), told(article, [sale], offered), Options(STORE, complete=True)).changes, key=order)

    steps = [(change.kind, change.action) for change in changes if change.kind is not Kind.VALUE]
    assert list(dict.fromkeys(steps)) == [
        (Kind.PRODUCT, Action.CREATE),
        (Kind.IMAGE, Action.CREATE),
        (Kind.COMBINATION, Action.CREATE),
        (Kind.STOCK, Action.UPDATE),
        (Kind.PRODUCT, Action.UPDATE),
        (Kind.PROMOTION, Action.CREATE),
        (Kind.PRODUCT, Action.ACTIVATE),
    ]
    assert {change.lane for change in changes if change.kind is not Kind.VALUE} == {Lane.CREATION}


def test_what_is_left_out_is_told() -> None:
    """An article that is sold in part, a product that was deleted, and one that would be cut otherwise now."""
    option = Options(STORE, complete=True, require_photo=False)
    article = Article(
        ArticleId("A"), 1, "REF", "Robe", Rfs("F"), RATE, web_stores=("WEB",),
        variants=tuple(Variant(sku, None, None, {"coloris": sku.partition("-")[0]}) for sku in (SKUS[0], SKUS[3])),
    )  # fmt: skip
    sold = told(article, [], {SKUS[0]: (Decimal(20), 3), SKUS[3]: (Decimal(20), 3)})
    shelf = Shelf()
    settle(shelf, sold, option)
    part = replace(told(article, [], {SKUS[0]: (Decimal(20), 3), SKUS[3]: (None, 3)}), elsewhere={Sku("X-1"): "B"})

    assert [(each.kind, each.key, each.reason) for each in plan(shelf, part, option).skipped] == [
        ("variant", "X-1", "sku_shared"),
        ("variant", "Rouge-S", "price_missing"),
    ]
    [apart] = {each.reason for each in plan(shelf, sold, replace(option, discriminating=("coloris",))).skipped}
    assert apart == "recut_needed"
    fewer = told(article, [], {SKUS[0]: (Decimal(20), 1), SKUS[3]: (Decimal(20), 3)})
    [stock] = plan(shelf, fewer, replace(option, discriminating=("coloris",))).changes
    assert (stock.kind, stock.sku, stock.after) == (Kind.STOCK, SKUS[0], {"quantity": 1})  # it stays on sale meanwhile
    [bound] = shelf.products.values()
    shelf.products = {bound.key: replace(bound, origin=Origin.LINKED)}
    linked = plan(shelf, fewer, replace(option, discriminating=("coloris",)))
    assert linked.changes == (stock,)
    assert {(each.reason, each.cure) for each in linked.skipped} == {("recut_needed", "lcvsync product lock 'REF'")}
    shelf.products = {bound.key: replace(bound, gone=True)}
    [deleted] = plan(shelf, sold, option).skipped
    assert (deleted.kind, deleted.key, deleted.reason) == ("product", "REF", "deleted_in_shop")
    assert deleted.cure == "lcvsync resync 'REF' --recreate"


@pytest.mark.parametrize(
    ("foreign", "reason", "detail", "cure"),
    [
        (Foreign(9, "reference REF", "9"), "reference_in_shop", "", "lcvsync product link 'REF' 9"),
        (Foreign(9, "EAN 37", "9/4", by_ean=True), "ean_in_shop", "", "lcvsync product link 'REF' 9"),
        (
            Foreign(9, "reference REF", "9", never="it is a pack"),
            "reference_in_shop",
            ": it is a pack",
            "give product 9 another reference in the shop",
        ),
        (
            Foreign(9, "EAN 37", "9", by_ean=True, never="it is a pack"),
            "ean_in_shop",
            ": it is a pack",
            "give product 9 another EAN in the shop",
        ),
    ],
    ids=["reference", "EAN", "reference of a pack", "EAN of a pack"],
)
def test_what_the_shop_has_already(foreign: Foreign, reason: str, detail: str, cure: str) -> None:
    """An article of which the shop has an unlinked product is not made a second time; who reads it can cure it."""
    article = Article(
        ArticleId("A"), 1, "REF", "Robe", Rfs("F"), RATE, web_stores=("WEB",), variants=(Variant(SKUS[0], None, None),)
    )
    there = replace(told(article, [], {SKUS[0]: (Decimal(20), 3)}), foreign=foreign)
    found = plan(Shelf(), there, Options(STORE, complete=True, require_photo=False))

    told_ = f"product {foreign.place} of the shop has {foreign.bears} and isn't linked{detail}"
    assert (found.changes, found.skipped) == ((), (Skipped("article", "REF", reason, told_, cure),))


@pytest.mark.parametrize(("written", "shown"), [("OLD", "OLD"), ("", "NEW")])
def test_a_product_that_goes_is_called_as_in_the_shop(written: str, shown: str) -> None:
    """By the reference that was last written, whatever LCV calls its article now."""
    option = Options(STORE, complete=True, require_photo=False)
    article = Article(
        ArticleId("A"), 1, "OLD", "Robe", Rfs("F"), RATE, web_stores=("WEB",), variants=(Variant(SKUS[0], None, None),)
    )
    shelf = Shelf()
    settle(shelf, told(article, [], {SKUS[0]: (Decimal(20), 3)}), option)
    [bound] = shelf.products.values()
    shelf.products = {bound.key: replace(bound, written={**bound.written, "reference": written})}
    gone = told(replace(article, reference="NEW", active=False), [], {SKUS[0]: (Decimal(20), 3)})

    changes = plan(shelf, gone, option).changes

    assert {(change.kind, change.action) for change in changes} == {
        (Kind.PRODUCT, Action.DEACTIVATE),
        (Kind.STOCK, Action.UPDATE),
    }
    assert [change.key for change in changes if change.kind is Kind.PRODUCT] == [shown]
    assert {change.product for change in changes} == {bound.key}
