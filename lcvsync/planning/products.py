"""Cards, combinations and photos of one product: what differs from what was last written.

Policy `sync`: LCV's value always wins, when LCV has one; `create`: it is sent once (manual, "Informations
synchronisées"). Creation in this order: inactive card, photos, combinations, stock, prices, promotions, active.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from lcvsync.domain.texts import fold
from lcvsync.planning.cards import BRAND, FEATURE, OPTION, DesiredProduct, DesiredVariant, OptionValue
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Skipped, Step
from lcvsync.planning.known import BoundProduct, BoundVariant, Context
from lcvsync.planning.offers import Pricing
from lcvsync.planning.photos import photo_missing, photos_differ, to_upload
from lcvsync.planning.stock import quantities
from lcvsync.planning.subjects import Subject

CARD_FIELDS = (
    "reference",
    "supplier_reference",
    "name",
    "short_description",
    "description",
    "brand",
    "categories",
    "features",
    "weight",
    "ean",
)
"""What a card update compares. `tax` goes with the price, `link_rewrite` never changes after creation."""


FINISHED = "finished"
"""Why a product is switched on at the end of its creation."""


def value_changes(subject: Subject, desired: DesiredProduct, context: Context) -> Iterator[Change]:
    """Attribute values, feature values and brands that the product needs and the shop lacks."""
    once = context.options.sent_once if subject.bound else frozenset()
    wanted: dict[tuple[int, str], OptionValue] = {}
    for variant in desired.variants if not subject.misfit else ():
        if "attributes" in once and subject.variant(variant.sku):
            continue
        for option in variant.options:
            wanted.setdefault((option.group, option.name), option)
    for option in wanted.values():
        if not context.value_id(OPTION, option.group, option.name):
            colour = "" if option.position else context.palette.swatch(option.name)
            yield _value(OPTION, option.group, option.name, position=option.position, colour=colour)
    for feature, name in desired.card["features"] if "features" not in once else ():
        if not context.value_id(FEATURE, feature, name):
            yield _value(FEATURE, feature, name)
    if isinstance(desired.card["brand"], str) and "brand" not in once:
        yield _value(BRAND, 0, desired.card["brand"])


def _value(kind: str, group: int, name: str, **more: Json) -> Change:
    after = {"kind": kind, "group": group, "name": name, **more}
    return Change(
        Kind.VALUE, Action.CREATE, name, "", Lane.VALUES, after, reason=f"needed in {kind} {group or ''}".strip()
    )


def card_changes(subject: Subject, desired: DesiredProduct, target: Pricing, context: Context) -> Iterator[Change]:
    """The product itself: created inactive, or those of its card's fields that differ."""
    if subject.bound is None:
        options = context.options
        hidden = options.hide_out_of_stock and not any(quantities(subject, options.safety_stock).values())
        after = {
            **desired.card,
            "price": str(target.base),
            "tax": target.tax,
            "simple": desired.simple,
            "sku": desired.variants[0].sku if desired.simple else "",
            "visibility": "none" if hidden else "both",
            "promotion_categories": [],
        }
        yield subject.change(Kind.PRODUCT, Action.CREATE, Lane.CREATION, Step.CARD, after=after)
        return
    written = subject.bound.written
    fields = [name for name in CARD_FIELDS if _differs(name, desired.card[name], written, context)]
    if fields:
        after = {name: desired.card[name] for name in fields}
        if "categories" in after:
            after["default_category"] = desired.card["default_category"]
        yield subject.change(
            Kind.PRODUCT,
            Action.UPDATE,
            Lane.CARD,
            Step.CARD,
            after=after,
            id=subject.bound.id,
            before={name: written.get(name) for name in after},
        )


def _differs(name: str, value: Json, written: Mapping[str, Json], context: Context) -> bool:
    if name in context.options.sent_once or not has_value(name, value):
        return False
    return bool(written.get(name) != value)


def has_value(name: str, value: Json) -> bool:
    """Whether LCV has a value for a field of the card; without one, what the shop has stays."""
    return name == "features" or value not in ("", 0, "0")


def promotion_category_change(subject: Subject, categories: list[int]) -> Iterator[Change]:
    """A product is in a promotion's category exactly while it runs, in both modes and when locked."""
    bound = subject.bound
    before = list(bound.written.get("promotion_categories") or []) if bound else []
    if sorted(categories) != sorted(before):
        yield subject.change(
            Kind.PRODUCT,
            Action.UPDATE,
            Lane.CARD,
            Step.PROMOTIONS,
            id=bound.id if bound else 0,
            before={"promotion_categories": before},
            after={"promotion_categories": sorted(categories)},
            reason="promotions that run",
        )


def visibility_change(subject: Subject, in_stock: bool, hide: bool) -> Iterator[Change]:
    """`out_of_stock = hide`: out of lists and search without stock, back with it; the page stays reachable."""
    bound = subject.bound
    if bound is None or bound.base_fixed:
        return
    if hide and not in_stock and not bound.hidden:
        yield subject.change(
            Kind.PRODUCT,
            Action.UPDATE,
            Lane.CARD,
            Step.STOCK,
            id=bound.id,
            before={},
            after={"visibility": "none"},
            reason="out of stock",
        )
    elif bound.hidden and (in_stock or not hide):
        yield subject.change(
            Kind.PRODUCT,
            Action.UPDATE,
            Lane.STOCK_UP,
            Step.STOCK,
            id=bound.id,
            before={"visibility": "none"},
            after={"visibility": "as before"},
            reason="in stock again",
        )


def variant_changes(
    subject: Subject, desired: DesiredProduct, target: Pricing, context: Context
) -> Iterator[Change | Skipped]:
    """Combinations to make, to change, and to remove where `remove_variants` says so."""
    bound = subject.bound
    recut = subject.recut
    if subject.misfit:
        yield _recut_needed(subject)
        return
    if not desired.simple:
        yield from _combinations(subject, desired, target, context)
    if bound and (context.options.remove_variants or recut):
        yield from _removals(subject, bound, desired, recut)


def _removals(subject: Subject, bound: BoundProduct, desired: DesiredProduct, recut: bool) -> Iterator[Change]:
    """Combinations that the product should no longer have."""
    kept = set() if desired.simple else {variant.sku for variant in desired.variants}
    for sku, variant in bound.variants.items():
        if sku not in kept and variant.combination:
            after = {"simple": True} if desired.simple and sku == desired.variants[0].sku else {}
            yield subject.change(
                Kind.COMBINATION,
                Action.DELETE,
                Lane.REMOVAL,
                Step.PROMOTIONS,
                sku=sku,
                after=after,
                id=variant.combination,
                before=dict(variant.written),
                reason="cut anew" if recut else "no longer for sale",
            )


def _combinations(
    subject: Subject, desired: DesiredProduct, target: Pricing, context: Context
) -> Iterator[Change | Skipped]:
    bare = subject.bound is None or not any(variant.combination for variant in subject.bound.variants.values())
    default_first = sorted(desired.variants, key=lambda variant: bare and variant.sku != target.default)
    for variant in default_first:
        known = subject.variant(variant.sku)
        fields = _variant_fields(subject, desired, variant, context)
        if known is None and subject.bound and subject.bound.base_fixed:
            yield _may_be_there(subject.bound, variant)
        elif known is None or not known.combination:
            price = str(target.impacts.get(variant.sku, Decimal(0)))
            after = {**fields, "price": price, "default": bare and variant.sku == target.default}
            yield subject.change(
                Kind.COMBINATION, Action.CREATE, Lane.VARIANTS, Step.VARIANTS, sku=variant.sku, after=after
            )
        else:
            yield from _combination_update(subject, variant, known, fields, context)


def _may_be_there(bound: BoundProduct, variant: DesiredVariant) -> Skipped:
    """A variant of a product with combinations that aren't linked (takeover): one of them may be it."""
    return Skipped(
        "variant",
        variant.sku,
        "variant_not_linked",
        f"product {bound.id} has combinations that aren't linked, one of which may be this variant",
        f"lcvsync product link '{variant.sku}' {bound.id}/COMBINATION",
    )


def _combination_update(
    subject: Subject, variant: DesiredVariant, known: BoundVariant, fields: dict[str, Json], context: Context
) -> Iterator[Change | Skipped]:
    after = {}
    for name, policy in (("reference", "reference"), ("ean", "ean"), ("weight", "weight")):
        empty = name == "ean" and not fields[name]
        if policy not in context.options.sent_once and not empty and known.written.get(name) != fields[name]:
            after[name] = fields[name]
    options, written = fields["options"], known.written.get("options")
    if _folded(options) != _folded(written or []) and "attributes" not in context.options.sent_once:
        after["options"] = options
    if photos_differ(subject, variant, known) and "photos" not in context.options.sent_once:
        after["photos"] = fields["photos"]
    if after:
        yield subject.change(
            Kind.COMBINATION,
            Action.UPDATE,
            Lane.VARIANTS,
            Step.VARIANTS,
            sku=variant.sku,
            id=known.combination,
            after=after,
            before={n: known.written.get(n) for n in after},
        )


def _product_weight(subject: Subject, desired: DesiredProduct, context: Context) -> Decimal:
    """What the product weighs in the shop, from which impacts are reckoned: LCV's weight where that is written."""
    written = subject.bound.written.get("weight") if subject.bound else None
    stays = "weight" in context.options.sent_once or desired.card["weight"] == "0"
    return Decimal(written if written is not None and stays else desired.card["weight"])


def _variant_fields(
    subject: Subject, desired: DesiredProduct, variant: DesiredVariant, context: Context
) -> dict[str, Json]:
    weight = _product_weight(subject, desired, context)
    return {
        "reference": variant.reference,
        "ean": variant.ean or "",
        "weight": str(variant.weight - weight),
        "options": sorted([option.group, option.name] for option in variant.options),
        "photos": list(variant.photos),
    }


def _folded(options: list[list[Json]]) -> set[tuple[int, str]]:
    """Values as the shop's database compares them."""
    return {(group, fold(name)) for group, name in options}


def _recut_needed(subject: Subject) -> Skipped:
    return Skipped(
        "product",
        subject.reference,
        "recut_needed",
        "its combinations would be cut otherwise now",
        f"lcvsync resync '{subject.facts.article.reference}' --recut",
    )


def activation(subject: Subject, desired: DesiredProduct, context: Context) -> Iterator[Change | Skipped]:
    """`active` is set once at the end of creation, and after our own deactivation; what a person switched off stays."""
    bound = subject.bound
    if bound and bound.ready:
        if bound.off:
            yield subject.change(
                Kind.PRODUCT,
                Action.ACTIVATE,
                Lane.ACTIVATION,
                Step.ACTIVATION,
                id=bound.id,
                before={"active": False},
                after={"active": True},
                reason="for sale again",
            )
        elif bound.switched_off:
            detail = "a person switched it off in the shop: it stays off"
            yield Skipped("product", subject.reference, "switched_off", detail, "switch it on in the shop")
        return
    usable = any(to_upload(subject, photo) or (bound and bound.images[photo.id].image) for photo in desired.photos)
    if context.options.require_photo and not usable:
        yield photo_missing(subject.reference)
        return
    yield subject.change(
        Kind.PRODUCT,
        Action.ACTIVATE,
        Lane.ACTIVATION,
        Step.ACTIVATION,
        id=bound.id if bound else 0,
        before={"active": False},
        after={"active": True},
        reason=FINISHED,
    )


def deactivation(subject: Subject, context: Context) -> Iterator[Change]:
    """No longer for sale: switched off, never deleted; only a finished product of ours whose card we keep."""
    bound = subject.bound
    if bound and bound.ready and not bound.off and not bound.locked and context.options.complete:
        yield subject.change(
            Kind.PRODUCT,
            Action.DEACTIVATE,
            Lane.CARD,
            Step.CARD,
            id=bound.id,
            before={"active": True},
            after={"active": False},
            reason="no longer for sale",
        )
