"""What becomes of a value of the shop that isn't LCV's, in words: the same in `drift`, `product show` and `why`.

`docs/why.md` explains each of them.
"""

from __future__ import annotations

from lcvsync.planning.known import BoundProduct
from lcvsync.planning.undone import UNDONE

TYPED = "kept: edited in the shop, until anything of the card is written, or a resync"
"""Of a field of the card: what is written of it takes the rest along."""
EDITED = "kept: edited in the shop, until LCV changes it or a resync"
UNDONE_PRICE = "kept: undone, until LCV says something new of its prices or promotions, or a resync"
LOCKED = "kept: locked"
BASIC = "kept: basic mode"
WITHOUT_VALUE = "kept: LCV has none"
CHOSEN = "kept: a person chose it"
SWITCHED_OFF = "kept: a person switched it off"
BASE_FIXED = "kept: it has combinations that aren't linked"
QUANTITY = "differs in the shop: put right by the daily comparison, or a resync"
"""Quantities are compared with the shop once a day, everything else by a resync only."""
LOST = "deleted in the shop: the daily comparison finds it out, and the next run makes it again"
PROMOTION_LOST = "deleted in the shop: made again when LCV changes it, or by a resync"


def sent_once(field: str) -> str:
    """Of a field that is sent with a new product only."""
    return f"kept: catalogue.fields.{field} = create"


def card_kept(*, locked: bool, complete: bool) -> str:
    """Why the card of a product in the shop isn't written; "": it is."""
    return LOCKED if locked else "" if complete else BASIC


def price(bound: BoundProduct) -> str:
    """Of a price that isn't what it was, and that nothing is planned for."""
    return UNDONE_PRICE if UNDONE in bound.written else EDITED


def combination_lost(bound: BoundProduct, kept: str) -> str:
    """Of a combination that somebody deleted; *kept*: why the card isn't written (`card_kept`)."""
    why = kept or (BASE_FIXED if bound.base_fixed else "")
    return f"deleted in the shop, not made again: {why.removeprefix('kept: ')}" if why else LOST
