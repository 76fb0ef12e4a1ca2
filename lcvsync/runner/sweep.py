"""Looking at the shop itself: all quantities daily, everything of some products on `resync`, the category of locks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice

from lcvsync.domain.texts import fold
from lcvsync.errors import BadAnswer, ConfigurationError
from lcvsync.planning.cards import FEATURE, OPTION
from lcvsync.planning.changes import Json
from lcvsync.planning.fields import words
from lcvsync.planning.known import BoundProduct, BoundPromotion, BoundVariant, Values
from lcvsync.planning.undone import UNDONE
from lcvsync.ports import Record, Resource, Shop
from lcvsync.state.bindings import LOCKED_BY_CATEGORY, Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

CARD = {
    "reference": "reference",
    "supplier_reference": "supplier_reference",
    "name": "name",
    "short_description": "description_short",
    "description": "description",
    "brand": "id_manufacturer",
    "default_category": "id_category_default",
    "tax": "id_tax_rules_group",
    "ean": "ean13",
    "weight": "weight",
    "price": "price",
}
"""Field of a card → field of the webservice."""
COMBINATION = {"reference": "reference", "ean": "ean13", "weight": "weight", "price": "price"}
PROMOTION_DISPLAY = ("id_product", "reduction", "reduction_type", "from", "to")
AMOUNTS = {"weight", "price"}
CARD_DISPLAY = (*CARD.values(), "visibility", "categories[id]", "product_features[id,id_feature_value]")
PART = 2000
"""Stock rows that are compared at a time."""
TYPED_OVER = "typed_over"
"""In `written`, of the fields in which a comparison found something else: what we had written, for the audit."""


def sweep_stock(shop: Shop, bindings: Bindings, mirror: Mirror, store: Store) -> int:
    """Compare every quantity of ours with the shop's; what differs is planned anew. Returns how many do."""
    rows = shop.read(Resource.STOCK, fields=["id_product", "id_product_attribute", "quantity"])
    differing, missing, seen, last = [], [], 0, 0
    while part := list(islice(rows, PART)):
        there = {row.id: row.number("quantity") for row in part}
        for row, sku, quantity in bindings.stock_rows(last, part[-1].id):
            if row not in there:
                missing.append(sku)
                continue
            seen += 1
            if quantity != there[row]:
                differing.append((sku, there[row]))
        last = part[-1].id
    missing += [sku for _, sku, _ in bindings.stock_rows(last)]
    with store.transaction():
        for sku, quantity in differing:
            bindings.wrote_variant(sku, {"quantity": quantity})
        mirror.mark(article for sku, _ in differing for article in _articles_of(sku, bindings, mirror))
    if len(missing) > seen:
        raise BadAnswer(
            f"the shop lists {seen} of our {seen + len(missing)} stock rows: that looks like an error, not like news;"
            " if the others were deleted in the shop: lcvsync resync"
        )
    _settle_missing(shop, bindings, mirror, store, missing)
    return len(differing)


def _articles_of(sku: str, bindings: Bindings, mirror: Mirror) -> set[str]:
    """A variant's article and that of the product in which it stands: LCV may no longer have the variant."""
    variant = bindings.variant(sku)
    product = bindings.product(variant.product) if variant else None
    return {article for article in (mirror.article_of(sku), product.article if product else None) if article}


def _settle_missing(shop: Shop, bindings: Bindings, mirror: Mirror, store: Store, skus: Sequence[str]) -> None:
    """Stock rows that disappeared: with their product, which is not made again by itself, or with their combination."""
    keys = {variant.product for sku in skus if (variant := bindings.variant(sku))}
    wanted = {product.id: product for key in keys if (product := bindings.product(key)) and not product.gone}
    if not wanted:
        return
    there = {record.id for record in shop.read(Resource.PRODUCTS, fields=["active"], where={"id": sorted(wanted)})}
    with store.transaction():
        for identifier, product in wanted.items():
            if identifier not in there:
                bindings.set_product(product.key, gone=1)
        for sku in skus:
            variant = bindings.variant(sku)
            if variant and variant.combination and bindings.product_id(variant.product):
                bindings.forget_variant(sku)
        mirror.mark(product.article for product in wanted.values())


def read_lock_category(shop: Shop, bindings: Bindings, mirror: Mirror, store: Store, category: int) -> None:
    """Products that somebody in the shop puts into `catalogue.lock_category` are locked as long as they are there."""
    locked = {product for product, _ in bindings.locked(LOCKED_BY_CATEGORY)}
    if not category:
        inside: set[int] = set()
    else:
        found = next(iter(shop.read(Resource.CATEGORIES, fields=["products[id]"], where={"id": [category]})), None)
        if found is None:
            raise ConfigurationError(f"catalogue.lock_category: the shop has no category {category}")
        inside = set(found.ids("products"))
    changed = [(key, 0) for identifier, key in bindings.locked(LOCKED_BY_CATEGORY) if identifier not in inside]
    changed += [
        (key, LOCKED_BY_CATEGORY)
        for key, identifier in bindings.product_keys()
        if identifier in inside and identifier not in locked and not bindings.is_locked(key)
    ]
    with store.transaction():
        for key, value in changed:
            bindings.set_product(key, locked=value)
        mirror.mark(product.article for key, _ in changed if (product := bindings.product(key)))


def compare_with_shop(shop: Shop, bindings: Bindings, store: Store, articles: Iterable[str]) -> None:
    """Take what the shop has now as what was written, so that the plan sees every difference (`resync`)."""
    products = {p.id: p for article in articles for p in bindings.products_of(article) if not p.gone}
    if not products:
        return
    where = {"id": sorted(products)}
    by_product = {"id_product": sorted(products)}
    cards = {record.id: record for record in shop.read(Resource.PRODUCTS, fields=CARD_DISPLAY, where=where)}
    if not cards and len(products) > 1:
        raise BadAnswer(
            f"the shop lists none of {len(products)} products of ours: that looks like an error, not like news"
        )
    combinations = {record.id: record for record in shop.read(Resource.COMBINATIONS, where=by_product)}
    stock = {
        (r.number("id_product"), r.number("id_product_attribute")): r
        for r in shop.read(Resource.STOCK, fields=["id_product", "id_product_attribute", "quantity"], where=by_product)
    }
    prices = {
        record.id: record
        for record in shop.read(
            Resource.SPECIFIC_PRICES,
            fields=PROMOTION_DISPLAY,
            where=by_product,
        )
    }
    values = bindings.values()
    with store.transaction():
        for identifier, product in products.items():
            card = cards.get(identifier)
            if card is None:
                bindings.set_product(product.key, gone=1)
                continue
            if UNDONE in product.written:  # its prices and promotions are LCV's again
                Mirror(store).mark([product.article])
            now = card_now(product, card, values)
            typed = {name: product.written[name] for name, value in now.items() if value != product.written[name]}
            bindings.wrote_product(product.key, {UNDONE: None, TYPED_OVER: None})
            bindings.wrote_product(product.key, {TYPED_OVER: typed or None, **now})
            _compare_variants(product, combinations, stock, bindings, values)
            _compare_promotions(product, prices, bindings)


def card_now(product: BoundProduct, card: Record, values: Values, own: Collection[int] = ()) -> dict[str, Json]:
    """The written fields as the shop has them now; lists keep only what is ours and still there.

    *own*: the languages whose texts count; else the first one's.
    """
    now: dict[str, Json] = {}
    for name, field in CARD.items():
        if name not in product.written:
            continue
        value = card.fields.get(field, "")
        texts = [str(value)]
        if isinstance(value, Mapping):
            texts = [value[each] for each in value if each in own] or list(value.values())[:1] or [""]
        found = [like(product.written[name], text, amount=name in AMOUNTS) for text in texts]
        now[name] = next((text for text in found if text != product.written[name]), found[0])
    for name in ("categories", "promotion_categories"):
        if name in product.written:
            now[name] = [category for category in product.written[name] if category in card.ids("categories")]
    if "features" in product.written:
        there = {item["id_feature_value"] for item in card.associations.get("product_features", ())}
        now["features"] = [
            [feature, name]
            for feature, name in product.written["features"]
            if _value(values, FEATURE, feature, name) in there
        ]
    return now


def like(written: Json, text: str, *, amount: bool = False) -> Json:
    """The shop's *text*, as what was written where it says the same: the shop rewrites HTML and pads decimals.

    Only an *amount* is compared as a number: reference 0042 isn't 42, nor is an EAN without its first 0 the same.
    """
    if isinstance(written, int):
        return int(text or 0)
    if words(str(written)) == words(text):
        return written
    try:
        return written if amount and Decimal(text) == Decimal(str(written)) else text
    except ArithmeticError:
        return text


def _value(values: Values, kind: str, parent: int, name: str) -> int:
    return values.get((kind, int(parent), fold(str(name))), 0)


def _compare_variants(
    product: BoundProduct,
    combinations: Mapping[int, Record],
    stock: Mapping[tuple[int, int], Record],
    bindings: Bindings,
    values: Values,
) -> None:
    for sku, variant in product.variants.items():
        row = stock.get((product.id, variant.combination))
        if row is not None:
            bindings.set_stock_row(sku, row.id, row.number("quantity"))
        if not variant.combination:
            continue
        found = combinations.get(variant.combination)
        if found is None:
            bindings.forget_variant(sku)
            continue
        now = {"photos": list(found.ids("images")), **combination_now(variant, found)}
        options = variant.written.get("options") or []
        wanted = {_value(values, OPTION, group, name) for group, name in options}
        if options and wanted != set(found.ids("product_option_values")):
            now["options"] = None
        bindings.wrote_variant(sku, now)


def combination_now(variant: BoundVariant, record: Record) -> dict[str, Json]:
    """The written plain fields of a combination as the shop has them now."""
    return {
        name: like(variant.written[name], record.text(field), amount=name in AMOUNTS)
        for name, field in COMBINATION.items()
        if name in variant.written
    }


def _compare_promotions(product: BoundProduct, prices: Mapping[int, Record], bindings: Bindings) -> None:
    for promotion in product.promotions:
        row = prices.get(promotion.id)
        if row is None:
            bindings.forget_promotions([promotion.id])
        else:
            bindings.add_promotion(promotion.id, product.key, promotion.sku or "", promotion_now(promotion, row))


def promotion_now(promotion: BoundPromotion, row: Record) -> dict[str, Json]:
    """A specific price of ours as the shop has it now."""
    value = Decimal(row.text("reduction"))
    return {
        "starts": row.text("from"),
        "ends": row.text("to"),
        "kind": row.text("reduction_type"),
        "value": str(promotion.value if value == promotion.value else value),
    }
