"""What becomes of each field of a product, from LCV over what was last written to what the shop has now.

A run compares LCV's value with what was **written**, not with the shop: what somebody typed there stays until something
of the card is written, or somebody asks for a resync (`compare_with_shop`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lcvsync.domain.catalogue import Sku
from lcvsync.planning import fates
from lcvsync.planning.changes import Action, Change, Json, Kind
from lcvsync.planning.explain.model import Field, Seen
from lcvsync.planning.known import BoundProduct, Context
from lcvsync.planning.offers import Pricing
from lcvsync.planning.prices import same_price
from lcvsync.planning.products import CARD_FIELDS
from lcvsync.planning.subjects import Subject

IN_STEP = "in step"
OVERWRITTEN = "will be overwritten"
CREATED = "will be created"
REMOVED = "will be removed"

_EMPTY: tuple[Json, ...] = (None, "", 0, "0", [])
_LISTS = {"categories", "features", "promotion_categories"}
_AMOUNTS = {"weight", "price"}


@dataclass(frozen=True)
class Outlook:
    """What holds for every field of a product."""

    card: str = ""
    """Why its card isn't written: `kept: locked`, `waits: ...`; "": it follows LCV."""
    offers: str = ""
    """The same for stock, prices and promotions."""
    waits: str = ""
    """Why what is planned isn't done by the next run; "": it is."""


@dataclass(frozen=True)
class Facets:
    """One product as wanted, known and seen."""

    subject: Subject
    card: Mapping[str, Json] | None
    """LCV's, after mappings and options, also where it isn't ours to write; None: LCV has none for the shop."""
    photos: tuple[str, ...]
    combinations: int | None
    """How many LCV wants; None: none at all."""
    price: Pricing | None
    changes: tuple[Change, ...]
    """Of the plan, those of this product."""
    seen: Seen | None
    policies: Mapping[str, str]
    outlook: Outlook

    @property
    def bound(self) -> BoundProduct | None:
        """The product as it is known in the shop."""
        return self.subject.bound

    def shop(self, name: str) -> Json:
        """A field as the shop has it; None where that isn't known."""
        return self.seen.card.get(name) if self.seen else None

    def will(self) -> str:
        """What becomes of something that is planned."""
        return self.outlook.waits or (OVERWRITTEN if self.bound else CREATED)


def fields_of(facets: Facets, context: Context) -> tuple[Field, ...]:
    """Every field, in the order in which a card is read."""
    return tuple(_fields(facets, context))


def next_of_variant(sku: Sku, facets: Facets, quantity: int, price: Decimal | None) -> str:
    """What becomes of a variant's quantity and price."""
    outlook, bound = facets.outlook, facets.bound
    own = [change for change in facets.changes if change.sku == sku and change.kind is not Kind.PROMOTION]
    if bound is None or any(change.action is Action.CREATE for change in own):
        return outlook.waits or outlook.card or CREATED
    if own:
        return outlook.waits or (REMOVED if any(change.action is Action.DELETE for change in own) else OVERWRITTEN)
    if sku not in bound.variants:
        return outlook.card or "not in this product"
    now = facets.seen.variants.get(sku) if facets.seen else None
    if now is not None and not now:
        return fates.combination_lost(bound, outlook.card)
    return outlook.offers or _unplanned(now, quantity, price, fates.price(bound))


def _unplanned(now: Mapping[str, Json] | None, quantity: int, price: Decimal | None, kept: str) -> str:
    """A variant that the plan leaves alone: as it was written, but for what somebody did in the shop."""
    if now and "quantity" in now and now["quantity"] != quantity:
        return fates.QUANTITY
    edited = now and "price" in now and price is not None and not _same("price", str(price), now["price"])
    return kept if edited else IN_STEP


def _fields(facets: Facets, context: Context) -> Iterator[Field]:
    planned = _planned_card(facets)
    for name in CARD_FIELDS:
        if name != "ean" or _simple(facets):
            yield _field(facets, name, name, planned)
        if name == "categories":
            yield _field(facets, "default_category", "categories", planned)
    yield _combinations(facets)
    yield _photos(facets)
    yield _tax(facets)
    yield _price(facets)
    if context.options.hide_out_of_stock or (facets.bound and facets.bound.hidden):
        yield _visibility(facets, planned)
    if facets.bound and (facets.bound.written.get("promotion_categories") or "promotion_categories" in planned):
        yield _promotion_categories(facets, planned)
    yield _active(facets)


def _planned_card(facets: Facets) -> dict[str, Json]:
    """The fields of the card that a run of this moment would write."""
    found: dict[str, Json] = {}
    for change in facets.changes:
        if change.kind is Kind.PRODUCT and change.action in {Action.CREATE, Action.UPDATE}:
            found.update(change.after)
    return found


def _simple(facets: Facets) -> bool:
    desired = facets.subject.desired
    return desired.simple if desired else bool(facets.bound and facets.bound.simple)


def _field(facets: Facets, name: str, policy: str, planned: Mapping[str, Json]) -> Field:
    lcv = facets.card.get(name) if facets.card is not None else None
    written = facets.bound.written.get(name) if facets.bound else None
    policy = facets.policies.get(policy, "sync")
    shop = facets.shop(name)
    return Field(name, policy, lcv, written, shop, _next(facets, name, policy, lcv, name in planned))


def _next(facets: Facets, name: str, policy: str, lcv: Json, planned: bool) -> str:
    shop, written = facets.shop(name), facets.bound.written.get(name) if facets.bound else None
    if planned:
        return IN_STEP if facets.bound and _same(name, lcv, shop) else facets.will()
    if facets.outlook.card:
        return facets.outlook.card
    if policy == "create":
        return fates.sent_once("categories" if name == "default_category" else name)
    if lcv in _EMPTY:
        return fates.WITHOUT_VALUE
    edited = {"default_category": fates.CHOSEN, "tax": fates.EDITED}.get(name, fates.TYPED)
    return IN_STEP if shop is None or _same(name, written, shop) else edited


def _same(name: str, value: Json, shop: Json) -> bool:
    """Whether the shop says what was meant; a list is owned by element, so that it may hold more."""
    if name in _LISTS:
        return shop is not None and all(item in shop for item in value or ())
    if name in _AMOUNTS and shop is not None:
        return same_price(Decimal(str(value or 0)), Decimal(str(shop or 0)))
    return bool(value == shop)


def _combinations(facets: Facets) -> Field:
    """How many sizes; which ones is told with the variants."""
    bound = facets.bound
    own = [change for change in facets.changes if change.kind is Kind.COMBINATION]
    written = sum(1 for variant in bound.variants.values() if variant.combination) if bound else None
    if facets.outlook.card:
        following = facets.outlook.card
    elif any("options" in change.after or change.action is not Action.UPDATE for change in own):
        following = facets.will()
    elif facets.subject.misfit:
        following = "waits: recut_needed"
    else:
        following = fates.sent_once("attributes") if facets.policies.get("attributes") == "create" else IN_STEP
    policy = facets.policies.get("attributes", "sync")
    return Field("combinations", policy, facets.combinations, written, facets.shop("combinations"), following)


def _photos(facets: Facets) -> Field:
    bound, policy = facets.bound, facets.policies.get("photos", "sync")
    sent = [image.photo for image in bound.images.values() if image.image] if bound else []
    unusable = [image.photo for image in bound.images.values() if image.error] if bound else []
    written = [photo for photo in facets.photos if photo in sent] if bound else None
    if facets.outlook.card:
        following = facets.outlook.card
    elif any(change.kind is Kind.IMAGE for change in facets.changes):
        following = facets.will()
    elif policy == "create":
        following = fates.sent_once("photos")
    elif unusable:
        following = f"waits: photo_unusable {', '.join(unusable)}"
    else:
        following = IN_STEP if facets.photos else fates.WITHOUT_VALUE
    lcv = list(facets.photos) if facets.card is not None else None
    return Field("photos", policy, lcv, written, facets.shop("images"), following)


def _tax(facets: Facets) -> Field:
    lcv = facets.card.get("tax") if facets.card is not None else None
    policy = facets.policies.get("tax", "sync")
    planned = any(change.kind is Kind.PRICE and "tax" in change.after for change in facets.changes)
    written = facets.bound.written.get("tax") if facets.bound else None
    following = _next(facets, "tax", policy, lcv, planned or (facets.bound is None and not facets.outlook.card))
    return Field("tax", policy, lcv, written, facets.shop("tax"), following)


def _price(facets: Facets) -> Field:
    """Excl. tax; kept in both modes, locked or not."""
    lcv = str(facets.price.base) if facets.price else None
    written, shop = facets.bound.written.get("price") if facets.bound else None, facets.shop("price")
    planned = any(change.kind is Kind.PRICE and "price" in change.after and not change.sku for change in facets.changes)
    if facets.bound is None:
        following = facets.outlook.waits or facets.outlook.card or CREATED
    elif facets.outlook.offers or lcv is None:
        following = facets.outlook.offers or fates.WITHOUT_VALUE
    elif facets.bound.base_fixed:
        following = fates.BASE_FIXED
    elif planned:
        following = IN_STEP if _same("price", lcv, shop) else facets.will()
    else:
        following = IN_STEP if shop is None or _same("price", lcv, shop) else fates.price(facets.bound)
    return Field("price", "sync", lcv, written, shop, following)


def _visibility(facets: Facets, planned: Mapping[str, Json]) -> Field:
    hidden = bool(facets.bound and facets.bound.hidden)
    following = facets.will() if "visibility" in planned else IN_STEP
    wanted = planned.get("visibility", "none" if hidden else None)
    return Field("visibility", "sync", wanted, "none" if hidden else None, facets.shop("visibility"), following)


def _promotion_categories(facets: Facets, planned: Mapping[str, Json]) -> Field:
    written = facets.bound.written.get("promotion_categories") if facets.bound else None
    wanted = planned.get("promotion_categories", written)
    following = facets.will() if "promotion_categories" in planned else IN_STEP
    return Field("promotion_categories", "sync", wanted, written, facets.shop("categories"), following)


def _active(facets: Facets) -> Field:
    """Set once at the end of creation, and after our own deactivation; what a person switched off stays off."""
    bound, shop = facets.bound, facets.shop("active")
    actions = {change.action for change in facets.changes if change.kind is Kind.PRODUCT}
    written = None if bound is None or not bound.ready else not bound.off
    if Action.ACTIVATE in actions:
        following = facets.outlook.waits or "will be switched on"
    elif Action.DEACTIVATE in actions:
        following = facets.outlook.waits or "will be switched off"
    elif bound is None or not bound.ready:
        following = facets.outlook.card or facets.outlook.waits or "waits: it isn't finished"
    elif bound.switched_off or (shop is False and not bound.off):
        following = fates.SWITCHED_OFF
    else:
        following = facets.outlook.card or IN_STEP
    return Field("active", "", facets.card is not None, written, shop, following)
