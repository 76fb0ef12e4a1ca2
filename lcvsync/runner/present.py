"""Whether what a change makes of a record is there already, by what the state knows of the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from lcvsync.domain.texts import fold
from lcvsync.planning.cards import BRAND
from lcvsync.planning.changes import Action, Change, Json, Kind
from lcvsync.planning.known import BoundProduct, Values
from lcvsync.state.bindings import Bindings


def is_present(change: Change, bindings: Bindings, values: Values) -> bool:
    """Whether nothing is left to do of *change*; not of one that nobody could have planned, as a person may write."""
    try:
        return _is_present(change, bindings, values)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        return False


def _is_present(change: Change, bindings: Bindings, values: Values) -> bool:
    if change.kind is Kind.VALUE:
        wanted = (change.after["kind"], change.after["group"], fold(change.after["name"]))
        return wanted in values
    product = bindings.product(change.product)
    if product is None or product.gone:
        return False
    if change.kind is Kind.PRODUCT:
        return _product(change, product, values)
    return _OF_PRODUCTS[change.kind](change, product)


def _product(change: Change, product: BoundProduct, values: Values) -> bool:
    match change.action:
        case Action.CREATE:
            return True
        case Action.ACTIVATE:
            return product.ready and not product.off
        case Action.DEACTIVATE:
            return product.off or product.switched_off
    return all(_field(name, value, product, values) for name, value in change.after.items())


def _field(name: str, value: Json, product: BoundProduct, values: Values) -> bool:
    written = product.written.get(name)
    match name:
        case "visibility":
            return product.hidden is (value == "none")
        case "cover":
            return written in value
        case "brand" if isinstance(value, str):
            return bool(written) and written == values.get((BRAND, 0, fold(value)))
    return bool(written == value)


def _variant(change: Change, product: BoundProduct) -> bool:
    variant = next((each for sku, each in product.variants.items() if sku == change.sku), None)
    if change.action is Action.DELETE:
        return variant is None or not variant.combination
    if variant is None:  # nothing of it is on sale
        return change.kind is Kind.STOCK and change.after["quantity"] == 0
    if change.action is Action.CREATE:
        return bool(variant.combination)
    photos = {"photos"}  # written as ids of images, planned as photos: their own lines tell
    return all(variant.written.get(name) == value for name, value in change.after.items() if name not in photos)


def _price(change: Change, product: BoundProduct) -> bool:
    if change.sku:
        variant = next((each for sku, each in product.variants.items() if sku == change.sku), None)
        return variant is not None and _same(variant.written.get("price"), change.after["price"])
    written = {**product.written, "default": product.default_sku}
    return all(
        _same(written.get(name), value) if name == "price" else written.get(name) == value
        for name, value in change.after.items()
    )


def _same(written: Json, amount: str) -> bool:
    return written is not None and Decimal(written) == Decimal(amount)


def _image(change: Change, product: BoundProduct) -> bool:
    if change.action is Action.DELETE:
        images = {image.image for image in product.images.values()}
        return change.id not in images | set(product.obsolete_images)
    return any(
        photo == change.after["photo"] and image.sha256 == change.after["sha256"]
        for photo, image in product.images.items()
    )


def _promotion(change: Change, product: BoundProduct) -> bool:
    if change.action is Action.DELETE:
        return all(row.id != change.id for row in product.promotions)
    after = change.after
    return any(
        (row.sku or "") == change.sku
        and (row.starts, row.ends, row.kind) == (after["starts"], after["ends"], after["kind"])
        and row.value == Decimal(after["value"])
        for row in product.promotions
    )


_OF_PRODUCTS: Mapping[Kind, Callable[[Change, BoundProduct], bool]] = {
    Kind.COMBINATION: _variant,
    Kind.STOCK: _variant,
    Kind.PRICE: _price,
    Kind.IMAGE: _image,
    Kind.PROMOTION: _promotion,
}
"""The kinds that a plan has beside values and products."""
