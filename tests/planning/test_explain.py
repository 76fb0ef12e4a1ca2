"""The explanation of an article, pure: it says what the plan does, and the sentence that comes first says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Photo,
    PhotoId,
    Promotion,
    PromotionId,
    PromotionKind,
    Rfs,
    Sku,
    Store,
    Variant,
)
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.planning.drift import ProductNow, drift_of
from lcvsync.planning.explain.article import explain_article
from lcvsync.planning.explain.model import Explanation, Failure, Field, Seen, Standing
from lcvsync.planning.explain.promotions import effect_of
from lcvsync.planning.explain.verdict import Verdict, article_verdict, cures_of, promotion_verdict, variant_verdict
from lcvsync.planning.known import Context, Facts, Foreign, Options
from lcvsync.planning.promotions import promotion_window

from .test_plan import NOW, PARIS, RATE, RULES, STORE, TABLES, Shelf, facts, options, settle, told

NOIR_S, NOIR_M = Sku("Noir-S"), Sku("Noir-M")
OPTIONS = Options(STORE, complete=True)
BASIC = replace(OPTIONS, complete=False)
VALUES = {("option", 1, "s"): 1, ("option", 1, "m"): 2, ("option", 2, "noir"): 3}
VALUES |= {("feature", 1, "lin"): 4, ("brand", 0, "sessun"): 5}


def dress(**more: Any) -> Article:
    """A dress in two sizes with a photo."""
    variants = (
        Variant(NOIR_S, "3760000000012", "S", {"coloris": "Noir"}),
        Variant(NOIR_M, None, "M", {"coloris": "Noir"}),
    )
    members: dict[str, Any] = {"brand": "B1", "size_grid": "G", "web_stores": ("WEB",), "variants": variants}
    members |= {"attributes": {"matiere": "Lin", "col": "V"}, "photos": (Photo(PhotoId("F"), "a", 1),)}
    return replace(Article(ArticleId("A"), 1, "REF", "Robe", Rfs("F", "10"), Decimal("20.00"), **members), **more)


def sold(
    article: Article | None = None,
    promotions: Sequence[Promotion] = (),
    offered: Mapping[Sku, tuple[Decimal | None, int]] | None = None,
) -> Facts:
    """The dress at 60.00, 3 and 2 pieces."""
    article = article or dress()
    return told(article, promotions, offered or {NOIR_S: (Decimal(60), 3), NOIR_M: (Decimal(60), 2)})


def noir_s(known: Facts, **offer: Any) -> Facts:
    """The same with something else about one size."""
    return replace(known, offers={**known.offers, NOIR_S: replace(known.offers[NOIR_S], **offer)})


def shelved(known: Facts, option: Options = OPTIONS, **product: Any) -> Facts:
    """The same with its product, in step, and then what *product* says of it."""
    shelf = Shelf()
    shelf.values = dict(VALUES)
    settle(shelf, known, option)
    return replace(known, products=tuple(replace(each, **product) for each in shelf.products.values()))


def context(option: Options = OPTIONS, rules: Mapping[MappingKind, Mapping[str, Rule]] | None = None) -> Context:
    """What the plan's own tests plan with, and some more rules."""
    merged = {kind: {**RULES.rules.get(kind, {}), **(rules or {}).get(kind, {})} for kind in MappingKind}
    tables = replace(TABLES, stores=(Store("DEP", "Dépôt"), Store("LYO", "Lyon")))
    return Context(tables, Mappings(merged), option, Palette(), {1: RATE}, VALUES)


def explained(known: Facts, within: Context | None = None, **more: Any) -> Explanation:
    """The explanation of now."""
    return explain_article(known, within or context(), NOW, PARIS, **more)


def fields(told: Explanation) -> dict[str, Field]:
    """The fields of the only product."""
    [product] = told.products
    return {each.field: each for each in product.fields}


def seen(known: Facts, **card: Any) -> dict[str, Seen | None]:
    """The shop has what was written, but for *card*."""
    [product] = known.products
    now = {**product.written, "active": True, "images": [1], **card}
    variants = {
        sku: {"quantity": v.written["quantity"], "price": v.written["price"]} for sku, v in product.variants.items()
    }
    return {product.key: Seen(now, variants)}


@given(first=facts(), option=options)
def test_what_the_plan_leaves_alone_is_in_step(first: Facts, option: Options) -> None:
    """Once a plan is carried out, nothing is said to be written any more; before, everything new is."""
    within = Context(TABLES, RULES, option, Palette(), {1: RATE, 3: Decimal("5.5")})
    before = explain_article(first, within, NOW, PARIS)
    shelf = Shelf()
    settle(shelf, first, option)
    known = replace(first, products=tuple(shelf.products.values()))
    after = explain_article(known, replace(within, values=dict(shelf.values)), NOW, PARIS)

    assert {each.next for product in before.products if before.planned for each in product.fields} <= {
        "will be created", "will be switched on", "waits: photo_missing", "waits: it isn't finished",
        "kept: LCV has none", "in step",
    }  # fmt: skip
    assert after.planned == ()
    following = [each.next for product in after.products for each in product.fields]
    assert not [text for text in (*following, *(v.next for v in after.variants)) if text.startswith("will be")]
    assert all(row.id for product in after.products for row in product.rows)


def test_codes() -> None:
    """Each code with the row that answered: exact, wildcard, a family's, ignored, none; and what comes of it."""
    rules = {
        MappingKind.RFS: {"F/10/*": Rule(("9",))},
        MappingKind.BRAND: {"B1": Rule(ignored=True)},
        MappingKind.COLOUR: {"noir": Rule(("gris",))},
    }
    within = replace(context(replace(OPTIONS, colour_group=2), rules), palette=Palette({"Noir": "gris"}))
    codes = {each.kind + " " + each.code: each for each in explained(sold(), within).codes}

    assert {name: (code.answer, code.answered_by, code.targets) for name, code in codes.items()} == {
        "rfs F/10": ("mapped", "F/10/*", ("9",)),
        "size-grid G": ("mapped", "*", ("1",)),
        "brand B1": ("ignored", "B1", ()),
        "vat 20": ("mapped", "20", ("1",)),
        "feature col": ("unmapped", "", ()),
        "feature matiere": ("mapped", "matiere", ("1",)),
        "attribute coloris": ("mapped", "coloris", ("2",)),
        "colour Noir": ("mapped", "noir", ("Gris",)),
    }
    assert codes["brand B1"].cure == "lcvsync map set brand B1 TARGET"
    assert (codes["feature col"].meaning, codes["brand B1"].label) == ("not synchronised", "Sessùn")


def test_quantity_and_price() -> None:
    """A quantity is the sum of the web store's stores less pending and safety stock; the price with and without tax."""
    known = sold()
    offer = replace(known.offers[NOIR_S], quantity=5, pending=1)
    known = replace(known, offers={**known.offers, NOIR_S: offer})
    levels = {(NOIR_S, "DEP"): 5, (NOIR_S, "LYO"): 2}

    variant = explained(known, context(replace(OPTIONS, safety_stock=1)), levels=levels).variants[0]

    assert [(each.store, each.quantity, each.counts) for each in variant.stock] == [("DEP", 5, True), ("LYO", 2, False)]
    assert (variant.pending, variant.safety_stock, variant.quantity, variant.name) == (1, 1, 3, "S")
    assert (variant.price, variant.price_excl_tax, variant.next) == (Decimal(60), Decimal(50), "will be created")


def test_fields() -> None:
    """What LCV changed is overwritten, what a person edited stays until then, what is sent once or locked stays."""
    once = replace(OPTIONS, sent_once=frozenset({"description"}))
    known = shelved(sold(), once)
    renamed = replace(known, article=replace(known.article, name="Robe longue"))
    edited = seen(known, name="Robe !", supplier_reference="moi", reference="X", categories=[4, 5, 99])

    told = fields(explained(renamed, context(once), seen=edited))

    assert (told["name"].lcv, told["name"].written, told["name"].shop) == ("Robe longue", "Robe", "Robe !")
    assert {name: field.next for name, field in told.items() if field.next != "in step"} == {
        "name": "will be overwritten",
        "reference": "kept: edited in the shop, until anything of the card is written, or a resync",
        "description": "kept: catalogue.fields.description = create",
        "supplier_reference": "kept: LCV has none",
        "short_description": "kept: LCV has none",
        "weight": "kept: LCV has none",
    }
    locked = fields(explained(shelved(sold(), locked=True), seen=seen(known, price="1")))
    assert (locked["name"].next, locked["name"].lcv) == ("kept: locked", "Robe")
    assert locked["price"].next.startswith("kept: edited in the shop")
    basic = fields(explained(known, context(BASIC)))
    assert (basic["brand"].next, basic["price"].next) == ("kept: basic mode", "in step")
    failed = Standing(retry_at=NOW + timedelta(hours=1))
    assert fields(explained(renamed, standing=failed))["name"].next == "waits: its last attempt failed"


def test_shop_differs() -> None:
    """A quantity or combination that the shop has otherwise is put right by the daily comparison."""
    known = shelved(sold())
    [product] = known.products
    variants = {NOIR_S: {"quantity": 9, "price": "0"}, NOIR_M: {}}

    told = explained(known, seen={product.key: Seen(seen(known)[product.key].card, variants)})  # type: ignore[union-attr]

    assert [each.next.partition(":")[0] for each in told.variants] == ["differs in the shop", "deleted in the shop"]
    assert [variant_verdict(told, sku).cures for sku in (NOIR_S, NOIR_M)] == [("lcvsync resync",), ()]


@pytest.mark.parametrize(("complete", "locked"), [(True, False), (True, True), (False, False)])
def test_drift_says_the_same(complete: bool, locked: bool) -> None:
    """`drift` and `product show` say of each edit and each deleted combination the same, in the same words."""
    option = replace(OPTIONS, complete=complete, sent_once=frozenset({"description"}))
    known = shelved(sold(), replace(option, complete=True), locked=locked)
    [product] = known.products
    edits = {"name": "X", "description": "X", "supplier_reference": "X", "default_category": 99, "price": "1"}
    variants: dict[Sku, dict[str, Any]] = {NOIR_S: {**product.variants[NOIR_S].written, "quantity": 9}, NOIR_M: {}}
    there = {str(sku): found for sku, found in variants.items() if found}

    told = explained(known, context(option), seen={product.key: Seen({**product.written, **edits}, variants)})
    now = ProductNow({**product.written, **edits}, True, there)
    drifted = drift_of(product, now, complete=complete, sent_once=option.sent_once)

    shown = {("", name): each.next for name, each in fields(told).items() if name in edits}
    shown |= {(each.sku, "combination" if each.sku == NOIR_M else "quantity"): each.next for each in told.variants}
    assert {(each.sku, each.field): each.fate for each in drifted} == shown


WITHOUT_BRAND: dict[MappingKind, dict[str, Rule]] = {MappingKind.BRAND: {"B1": Rule(ignored=True)}}
UNPRICED: dict[Sku, tuple[Decimal | None, int]] = {NOIR_S: (None, 3), NOIR_M: (None, 2)}
SOLD_OUT: dict[Sku, tuple[Decimal | None, int]] = {NOIR_S: (Decimal(60), 0), NOIR_M: (Decimal(60), 0)}
FAILED = Standing(failed=(Failure("product", "REF", "name is not valid", "", 2, ""),))
NOW_ON = Standing()
VERDICTS: list[tuple[Facts, Context, Standing, str, str]] = [
    (sold(), context(), NOW_ON, "will be made by the next run", "lcvsync sync"),
    (replace(sold(), deleted=True), context(), NOW_ON, "isn't for sale: LCV deleted it", ""),
    (replace(shelved(sold()), deleted=True), context(), NOW_ON, "it; product 101 is on, its quantities are 0", ""),
    (shelved(noir_s(sold(), quantity=0)), context(), NOW_ON, "2 variants, 1 of them in stock, in step", ""),
    (sold(dress(active=False)), context(), NOW_ON, "isn't for sale: it is inactive in LCV", "activate it in LCV"),
    (sold(dress(web_stores=("B2B",))), context(), NOW_ON, "isn't published on web store WEB, only on B2B", "publish"),
    (sold(offered=UNPRICED), context(), NOW_ON, "no variant of it has a price in price list WEB", "set its price"),
    (sold(), context(rules=WITHOUT_BRAND), NOW_ON, "left out: brand B1 is mapped to `ignore`", "map set brand"),
    (sold(), context(BASIC), NOW_ON, "REF is left out: basic mode works on linked", "product link"),
    (replace(sold(), twins=("B",)), context(), NOW_ON, "articles of the same reference: B", "its own reference"),
    (
        replace(sold(), foreign=Foreign(7, "reference R", "7")),
        context(),
        NOW_ON,
        "7 of the shop has reference R",
        "link",
    ),
    (sold(), context(), FAILED, "REF fails, 2 times: product REF: name is not valid", "lcvsync sync"),
    (shelved(sold()), context(), NOW_ON, "REF is on sale: 2 variants, in step", ""),
    (shelved(sold(offered=SOLD_OUT)), context(), NOW_ON, "2 variants, sold out, in step", ""),
    (shelved(sold(), locked=True), context(), NOW_ON, "its card is locked, stock and prices are kept", ""),
    (shelved(sold()), context(rules=WITHOUT_BRAND), NOW_ON, "keeps its card as it is: brand B1", "map set brand"),
    (shelved(sold(), gone=True), context(), NOW_ON, "somebody deleted its product there", "--recreate"),
    (shelved(sold(), switched_off=True), context(), NOW_ON, "a person switched it off", "switch it on"),
    (shelved(sold(dress(photos=()))), context(), NOW_ON, "no usable photo", "add a photo"),
    (replace(shelved(sold()), article=dress(name="Jupe")), context(), NOW_ON, "1 change waits for", "lcvsync sync"),
]


@pytest.mark.parametrize(("known", "within", "standing", "text", "cure"), VERDICTS, ids=range(len(VERDICTS)))
def test_verdict(known: Facts, within: Context, standing: Standing, text: str, cure: str) -> None:
    """One sentence says how an article stands and why, and what changes it."""
    verdict = article_verdict(explained(known, within, standing=standing))

    assert text in verdict.text
    assert cure in " ".join(verdict.cures)
    assert bool(verdict.cures) == bool(cure)


def test_variant_verdict() -> None:
    """The same of one variant: its own reason before its article's."""
    told = explained(shelved(sold(offered={NOIR_S: (Decimal(60), 0), NOIR_M: (Decimal(60), 2)})))
    assert variant_verdict(told, NOIR_S).text == "Noir-S is sold out (0 in stock): 0 at 60, in step"
    assert variant_verdict(told, NOIR_M, changed_in=31).text == "Noir-M is on sale: 2 at 60, in step since run 31"
    unpriced = explained(sold(offered={NOIR_S: (None, 3), NOIR_M: (Decimal(60), 2)}))
    assert variant_verdict(unpriced, NOIR_S).text == "Noir-S isn't for sale: it has no price in price list WEB"


INACTIVE = dress(variants=(replace(dress().variants[0], active=False), dress().variants[1]))
IN_SHOP = shelved(sold())
ZERO = noir_s(sold(), quantity=2, pending=2)
VARIANT_VERDICTS: list[tuple[Facts, Context, str, str]] = [
    (sold(INACTIVE), context(), "Noir-S isn't for sale: it is inactive in LCV", "activate it in LCV"),
    (replace(noir_s(IN_SHOP, sellable=False), article=INACTIVE), context(),
     "Noir-S isn't for sale: it is inactive in LCV; its quantity in the shop is 0", "activate it in LCV"),
    (noir_s(IN_SHOP, sellable=False, price=None), context(),
     "Noir-S isn't for sale: it has no price in price list WEB; its quantity in the shop is 0", "set its price in LCV"),
    (shelved(sold(), off=True), context(), "Noir-S: REF is off: the next run switches it on again", "lcvsync sync"),
    (shelved(sold(), locked=True), context(),
     "Noir-S is on sale: 3 at 60, in step since run 31; its card is locked, stock and prices are kept", ""),
    (IN_SHOP, context(BASIC),
     "Noir-S is on sale: 3 at 60, in step since run 31; basic mode: only stock and prices are kept", ""),
    (sold(), context(rules=WITHOUT_BRAND),
     "Noir-S isn't in the shop: REF is left out: brand B1 is mapped to `ignore`", "lcvsync map set brand B1 TARGET"),
    (noir_s(IN_SHOP, quantity=9), context(),
     "Noir-S will be overwritten by the next run: 9 at 60", "lcvsync sync"),
    (shelved(ZERO, replace(OPTIONS, safety_stock=1)), context(replace(OPTIONS, safety_stock=1)),
     "Noir-S is sold out (2 in stock, 2 pending, safety stock 1): 0 at 60, in step since run 31", ""),
    (shelved(sold(), gone=True), context(),
     "Noir-S isn't in the shop: REF isn't in the shop: somebody deleted its product there",
     "lcvsync resync 'REF' --recreate"),
]  # fmt: skip


@pytest.mark.parametrize(("known", "within", "text", "cure"), VARIANT_VERDICTS, ids=range(len(VARIANT_VERDICTS)))
def test_one_sentence_of_a_variant(known: Facts, within: Context, text: str, cure: str) -> None:
    """How it stands, why, and what changes it."""
    verdict = variant_verdict(explained(known, within, levels={(NOIR_S, "DEP"): 2}), NOIR_S, changed_in=31)

    assert (verdict.text, verdict.cures) == (text, (cure,) if cure else ())


@pytest.mark.parametrize(
    ("state", "price_list", "outcomes", "text"),
    [
        ("other price list", "SHOPS", [], "P is one of price list SHOPS, which isn't the web store's"),
        ("over", None, ["over"], "P is over"),
        ("running", None, [], "P names no article that LCV has given"),
        ("running", None, ["reduced"], "P runs; of 1 article: 1 reduced"),
        ("future", None, ["hidden", "waits", "waits"], "P is still to start; of 3 articles: 2 waits, 1 hidden"),
    ],
)
def test_one_sentence_of_a_promotion(state: str, price_list: str | None, outcomes: list[str], text: str) -> None:
    """Whether it runs, and what became of each article that it names."""
    assert promotion_verdict("P", state, price_list, outcomes).text == text


def test_every_cure_once() -> None:
    """The verdict's first, then those of whatever else is left out."""
    told = explained(sold(), context(rules=WITHOUT_BRAND))
    first = article_verdict(told)

    assert cures_of(told, first) == ("lcvsync map set brand B1 TARGET",)
    assert cures_of(told, Verdict("", ("lcvsync sync", "")))[:1] == ("lcvsync sync",)


def promotion(identifier: str, value: str, *, starts: int = -1, ends: int | None = 5, **more: Any) -> Promotion:
    """A percentage on the dress, from and to in days from now."""
    until = None if ends is None else NOW + timedelta(days=ends)
    members: dict[str, Any] = {"articles": (ArticleId("A"),), **more}
    return Promotion(
        PromotionId(identifier), 1, "Soldes", PromotionKind.PERCENTAGE, Decimal(value), NOW + timedelta(days=starts),
        until, **members,
    )  # fmt: skip


def test_promotions() -> None:
    """What each promotion does, by the shop's clock: shown, hidden by a lower one, without effect, over, elsewhere."""
    all_of_them = [
        promotion("LOW", "50"),
        promotion("HIDDEN", "20"),
        promotion("LONG", "30", ends=9),
        promotion("FREE", "100"),
        promotion("OVER", "10", starts=-9, ends=-1),
        promotion("SHOPS", "10", price_list="SHOPS"),
    ]
    known = shelved(sold(promotions=all_of_them))
    told, waiting = explained(known), explained(sold(promotions=all_of_them))

    def outcome(number: int, of: Explanation) -> tuple[str, str]:
        each = all_of_them[number]
        effect = effect_of(each.id, of, promotion_window(each, PARIS), {}, NOW)
        return effect.outcome, effect.why_not

    assert outcome(0, told) == ("reduced", "")
    assert outcome(1, told) == ("hidden", "lower at the same time: LOW")
    assert outcome(2, told) == ("reduced", "")
    assert outcome(3, told) == ("without effect", "promotion_zero_price: 60.00 would become 0.00")
    assert (outcome(4, told)[0], outcome(5, told)[0]) == ("over", "other price list")
    assert outcome(0, waiting) == ("left out", "REF will be made by the next run")
    [row, later] = told.products[0].rows
    assert (row.starts, row.ends, row.value, row.in_force) == (
        "2027-01-09 10:00:00", "2027-01-15 09:59:59", Decimal("0.5"), True,
    )  # fmt: skip
    assert (later.starts, later.value, later.in_force) == ("2027-01-15 10:00:00", Decimal("0.3"), False)
    assert promotion_window(all_of_them[0], PARIS) == (row.starts, row.ends)
    lost = effect_of("LOW", told, promotion_window(all_of_them[0], PARIS), {"A": Seen()}, NOW)
    assert (lost.outcome, lost.cure) == ("missing", "lcvsync resync")
