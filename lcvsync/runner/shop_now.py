"""What the shop has of some products of ours now, in the words of what was written: four requests for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lcvsync.domain.catalogue import Sku
from lcvsync.domain.texts import fold
from lcvsync.planning.cards import FEATURE
from lcvsync.planning.changes import Json
from lcvsync.planning.explain.model import Seen, SeenPrice
from lcvsync.planning.known import BoundProduct, Values
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.sweep import AMOUNTS, CARD, CARD_DISPLAY, like

_NUMBERS = {"brand", "default_category", "tax"}
_COMBINATION = ("id_product", "reference", "ean13", "weight", "price")
_PRICE = ("id_product", "id_product_attribute", "id_cart", "reduction", "reduction_type", "from", "to")


def shop_now(shop: Shop, products: Sequence[BoundProduct], values: Values) -> dict[str, Seen | None]:
    """By key, each product as the shop has it; None: it hasn't got it. *values* are the known ones of `Bindings`."""
    if not products:
        return {}
    where = {"id": sorted({product.id for product in products})}
    by_product = {"id_product": where["id"]}
    fields = (*CARD_DISPLAY, "active", "images[id]")
    cards = {record.id: record for record in shop.read(Resource.PRODUCTS, fields=fields, where=where)}
    combinations = list(shop.read(Resource.COMBINATIONS, fields=_COMBINATION, where=by_product))
    stock = list(shop.read(Resource.STOCK, fields=("id_product", "id_product_attribute", "quantity"), where=by_product))
    prices = list(shop.read(Resource.SPECIFIC_PRICES, fields=_PRICE, where=by_product))
    features = {value: (parent, name) for (kind, parent, name), value in values.items() if kind == FEATURE}
    found: dict[str, Seen | None] = {}
    for product in products:
        card = cards.get(product.id)
        if card is None:
            found[product.key] = None
            continue
        own = {row.id: row for row in combinations if row.number("id_product") == product.id}
        rows = {
            row.number("id_product_attribute"): row.number("quantity")
            for row in stock
            if row.number("id_product") == product.id
        }
        found[product.key] = Seen(
            _card(product, card, features, len(own)),
            {sku: _variant(product, sku, own, rows) for sku in product.variants},
            tuple(_price(product, row) for row in prices if row.number("id_product") == product.id),
        )
    return found


def _card(
    product: BoundProduct, card: Record, features: Mapping[int, tuple[int, str]], combinations: int
) -> dict[str, Json]:
    now: dict[str, Json] = {"combinations": combinations, "images": list(card.ids("images"))}
    for name, field in CARD.items():
        value = card.fields.get(field, "")
        text = next(iter(value.values()), "") if isinstance(value, Mapping) else str(value)
        written = product.written.get(name)
        if written is not None and not (name in _NUMBERS and isinstance(written, str)):
            now[name] = like(written, text, amount=name in AMOUNTS)
        else:
            now[name] = int(text or 0) if name in _NUMBERS else text
    now["categories"] = list(card.ids("categories"))
    now["features"] = _features(product, card, features)
    now["visibility"] = card.text("visibility")
    now["active"] = card.text("active") == "1"
    return now


def _features(product: BoundProduct, card: Record, features: Mapping[int, tuple[int, str]]) -> list[Json]:
    """[feature, value's name]; a value that isn't known, such as a custom one, by its id."""
    ours = {(int(feature), fold(str(name))): name for feature, name in product.written.get("features") or ()}
    found: list[Json] = []
    for item in card.associations.get("product_features", ()):
        feature, value = item["id"], item["id_feature_value"]
        name = features.get(value, (feature, f"#{value}"))[1]
        found.append([feature, ours.get((feature, name), name)])
    return found


def _variant(
    product: BoundProduct, sku: Sku, combinations: Mapping[int, Record], stock: Mapping[int, int]
) -> dict[str, Json]:
    """Quantity and, of a combination, what it has; nothing where it is gone."""
    variant = product.variants[sku]
    now: dict[str, Json] = {}
    if variant.combination in stock:
        now["quantity"] = stock[variant.combination]
    row = combinations.get(variant.combination)
    if row is not None:
        now |= {"price": row.text("price"), "reference": row.text("reference"), "ean": row.text("ean13")}
    return now


def _price(product: BoundProduct, row: Record) -> SeenPrice:
    skus = {variant.combination: sku for sku, variant in product.variants.items() if variant.combination}
    combination = row.number("id_product_attribute")
    return SeenPrice(
        row.id,
        skus.get(combination, f"combination {combination}") if combination else "",
        row.text("from"),
        row.text("to"),
        row.text("reduction_type"),
        Decimal(row.text("reduction") or 0),
        any(promotion.id == row.id for promotion in product.promotions),
    )
