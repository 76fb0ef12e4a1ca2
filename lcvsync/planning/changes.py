"""A change is a value: what, to which record, from what, to what, and why. A plan is changes by risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

Json = Any
"""What the state and `--json` can hold: None, bool, int, str, lists and dicts of these. Amounts are decimal strings."""


class Kind(StrEnum):
    """What a change is about, by the name that reports and `sync --json` use."""

    VALUE = "value"
    """A value of an attribute group or feature, or a brand: made when a product needs it."""
    PRODUCT = "product"
    COMBINATION = "combination"
    IMAGE = "image"
    STOCK = "stock"
    PRICE = "price"
    PROMOTION = "promotion"
    SALE = "sale"
    REFUND = "refund"
    REVERSAL = "reversal"
    CUSTOMER = "customer"
    ORDER_STATE = "order_state"
    """"Exportée vers LCV" or "Erreur d'exportation LCV", made or given to an order."""
    AVAILABILITY = "availability"
    """The files of a product that say in which stores its variants are."""


class Action(StrEnum):
    """What is done to it."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"


class GuardKind(StrEnum):
    """A kind of change of which many at once look like an accident, by the name that `--allow` takes (design 3.9)."""

    DEACTIVATE = "deactivate"
    PRICE_FALL = "price-fall"
    PROMOTION = "promotion"
    ZERO = "zero"
    ORDERS = "orders"


class Lane(IntEnum):
    """The order in which a run writes, by risk (design, section 2, step 8).

    Products that are not finished yet go last, slice by slice, each from its card to its activation, so that a first
    synchronisation that is interrupted leaves finished products behind it.
    """

    VALUES = 0
    STOCK_ZERO = 1
    STOCK_DOWN = 2
    PRICE_RISE = 3
    PRICE_FALL = 4
    CARD = 5
    PHOTOS = 6
    VARIANTS = 7
    VARIANT_PROMOTIONS = 8
    COVER = 9
    REMOVAL = 10
    ACTIVATION = 11
    STOCK_UP = 12
    CREATION = 13
    STOCK_SOLD = 14
    """Quantities of what was sold while the others were written."""


class Step(IntEnum):
    """The order within a slice of creations: inactive card, photos, combinations, stock, prices, promotions, active."""

    CARD = 0
    PHOTOS = 1
    VARIANTS = 2
    STOCK = 3
    PRICES = 4
    PROMOTIONS = 5
    ACTIVATION = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record of the shop."""

    kind: Kind
    action: Action
    key: str
    """What people call the record: a reference, a sku, a value's name."""
    product: str
    """Key of the product that it belongs to; "" for values."""
    lane: Lane
    after: Mapping[str, Json] = field(default_factory=dict)
    before: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""
    sku: str = ""
    id: int = 0
    """The shop's id of the record, when it exists already."""
    step: Step = Step.CARD
    article: str = ""
    """Id of the article whose plan it is; "" for values, which several may share."""
    guards: tuple[GuardKind, ...] = ()
    """The guards that may hold it: one that does is enough."""
    if_held: Mapping[str, Json] = field(default_factory=dict)
    """What is written instead when it is held; empty: nothing."""


def shown(change: Change) -> dict[str, Json]:
    """A change as plans show it, and `--json`."""
    names = ("kind", "action", "key", "product", "before", "after", "reason")
    return {name: getattr(change, name) for name in names}


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not done, or not as LCV says it, with the command that cures it."""

    kind: str
    key: str
    reason: str
    detail: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that the shop or LCV refused; it is tried again later."""

    kind: str
    key: str
    error: str
