"""Stock for sale (design 3.3; manual, "stock de sécurité"): absolute quantities, decreases first, increases last."""

from __future__ import annotations

from collections.abc import Iterable

from lcvsync.domain.catalogue import Sku
from lcvsync.planning.changes import Action, Change, Kind, Lane, Step
from lcvsync.planning.known import Offer
from lcvsync.planning.subjects import Subject


def quantities(subject: Subject, safety_stock: int) -> dict[Sku, int]:
    """What may be sold of every variant: LCV's quantity less what is pending and the safety stock, never below 0."""
    offers = subject.facts.offers
    return {sku: quantity_for_sale(offers.get(sku), safety_stock) for sku in subject.skus}


def quantity_for_sale(offer: Offer | None, safety_stock: int) -> int:
    """What may be sold of one variant; 0 when LCV doesn't sell it."""
    return max(0, offer.quantity - offer.pending - safety_stock) if offer and offer.sellable else 0


def stock_changes(subject: Subject, safety_stock: int) -> Iterable[Change]:
    """Quantities that differ from what was last written; a new row of the shop holds 0 by itself."""
    for sku, quantity in quantities(subject, safety_stock).items():
        variant = subject.variant(sku)
        before = variant.written.get("quantity") if variant else 0
        if before == quantity:
            continue
        if quantity == 0:
            lane = Lane.STOCK_ZERO
        elif before is None or quantity < before:
            lane = Lane.STOCK_DOWN
        else:
            lane = Lane.STOCK_UP
        yield subject.change(
            Kind.STOCK,
            Action.UPDATE,
            lane,
            Step.STOCK,
            sku=sku,
            before={"quantity": before},
            after={"quantity": quantity},
        )
