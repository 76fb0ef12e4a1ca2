"""What a product page may say of the physical stores (manual, "Disponibilité des pièces dans les boutiques").

A store of LCV that is mapped to a store of the shop is shown under the name that it has there; `ignore` and unset ones
are not, and unset ones are reported. It is physical stock that is shown: the safety stock and what the web store sold
but LCV doesn't count yet concern the shop's own quantity, and no store in particular.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lcvsync.domain.catalogue import Article, Size, Sku, Store, Tables, Variant
from lcvsync.domain.mapping import Mapped, MappingKind, Mappings, Unmapped
from lcvsync.planning.changes import Skipped


class StoreAvailability(StrEnum):
    """How a variant stands in a store: green, orange, red."""

    AVAILABLE = "available"
    LAST_PIECES = "last_pieces"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ShopStore:
    """A store as the shop knows it."""

    id: int
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class ShownStore:
    """A store of the shop with the codes of the LCV stores that are mapped to it."""

    id: int
    name: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedVariant:
    """A variant with its article and the combination in which it stands; 0: a product without combinations."""

    combination: int
    article: Article
    variant: Variant


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """One variant in every store that is shown, in their order."""

    combination: int
    name: str
    """What tells it from the other variants of its product; "" when it is the only one."""
    states: tuple[StoreAvailability, ...]
    quantities: tuple[int, ...]


@dataclass(frozen=True)
class ProductAvailability:
    """What is shown of one product of the shop."""

    product: int
    stores: tuple[ShownStore, ...]
    variants: tuple[ShownVariant, ...]


def shown_stores(
    mappings: Mappings, stores: Sequence[Store], in_shop: Sequence[ShopStore]
) -> tuple[tuple[ShownStore, ...], tuple[Skipped, ...]]:
    """The stores to show, in the shop's order, and those of LCV that aren't shown although nobody said so."""
    known = {store.id: store for store in in_shop}
    codes: dict[int, list[str]] = {}
    skipped = []
    for store in stores:
        resolution = mappings.resolve(MappingKind.STORE, store.code)
        if isinstance(resolution, Unmapped):
            skipped.append(_skipped(store, "store_unmapped", "it isn't mapped to a store of the shop"))
        elif isinstance(resolution, Mapped):
            for target in resolution.rule.ids:
                if target not in known:
                    skipped.append(_skipped(store, "store_missing", f"the shop has no store {target}"))
                elif not known[target].active:
                    skipped.append(_skipped(store, "store_inactive", f"the shop's store {target} is switched off"))
                else:
                    codes.setdefault(target, []).append(store.code)
    shown = tuple(ShownStore(each.id, each.name, tuple(codes[each.id])) for each in in_shop if each.id in codes)
    return shown, tuple(skipped)


def _skipped(store: Store, reason: str, why: str) -> Skipped:
    detail = f"{store.name}: not shown in the availability by store, {why}"
    return Skipped("store", store.code, reason, detail, f"lcvsync map set store '{store.code}' STORE")


def availability(quantity: int, last_pieces: int) -> StoreAvailability:
    """The state of a quantity; *last_pieces* or fewer are the last ones."""
    if quantity <= 0:
        return StoreAvailability.UNAVAILABLE
    return StoreAvailability.LAST_PIECES if quantity <= last_pieces else StoreAvailability.AVAILABLE


def product_availability(
    product: int,
    variants: Sequence[PlacedVariant],
    stores: tuple[ShownStore, ...],
    stock: Mapping[tuple[Sku, str], int],
    tables: Tables,
    last_pieces: int,
) -> ProductAvailability | None:
    """What to show of a product; None when there is nothing to show: no store, or no variant that is ours.

    *stock* is by variant and LCV store; a pair that isn't there counts 0, and so does a negative quantity: a slip of
    counting in one store takes no piece out of another.
    """
    if not stores or not variants:
        return None
    ordered = sorted(variants, key=lambda each: _order(each, tables))
    shown = []
    for placed, name in zip(ordered, variant_names(ordered, tables), strict=True):
        sku = placed.variant.sku
        quantities = tuple(sum(max(0, stock.get((sku, code), 0)) for code in store.codes) for store in stores)
        states = tuple(availability(quantity, last_pieces) for quantity in quantities)
        shown.append(ShownVariant(placed.combination, name, states, quantities))
    return ProductAvailability(product, stores, tuple(shown))


def variant_names(variants: Sequence[PlacedVariant], tables: Tables) -> list[str]:
    """What tells the variants of a product apart, in LCV's words: the size, then attributes, where they differ."""
    if len(variants) == 1:
        return [""]
    parts = [_parts(each, tables) for each in variants]
    differing = {key for each in parts for key in each if len({other.get(key) for other in parts}) > 1}
    return [", ".join(text for key, text in each.items() if key in differing and text) for each in parts]


def _parts(placed: PlacedVariant, tables: Tables) -> dict[str, str]:
    """The size's label and the attributes' values, in the order of LCV's tables."""
    attributes = placed.variant.attributes
    known = [attribute.code for attribute in tables.attributes if attribute.code in attributes]
    codes = [*known, *sorted(attributes.keys() - set(known))]
    size = placed.variant.size
    labels = {size.code: size.label or size.code for size in _sizes(placed.article, tables)}
    return {"": labels.get(size or "", size or "")} | {code: attributes[code] for code in codes}


def _order(placed: PlacedVariant, tables: Tables) -> tuple[object, ...]:
    """By attributes, then in the order of the size grid; sizes that it lacks go last."""
    parts = _parts(placed, tables)
    positions = {size.code: size.position for size in _sizes(placed.article, tables)}
    place = positions.get(placed.variant.size or "")
    return (tuple(list(parts.values())[1:]), place is None, place or 0, parts[""], placed.variant.sku)


def _sizes(article: Article, tables: Tables) -> tuple[Size, ...]:
    return next((grid.sizes for grid in tables.size_grids if grid.code == article.size_grid), ())
