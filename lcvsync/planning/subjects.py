"""The subject of a plan: one product of the shop as it is known and as it should be, and where its changes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from lcvsync.domain.catalogue import Sku
from lcvsync.planning.cards import DesiredProduct, DesiredVariant
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Step
from lcvsync.planning.known import BoundProduct, BoundVariant, Facts


@dataclass(frozen=True)
class Subject:
    """A product to plan for. One of *bound* and *desired* is there, mostly both."""

    key: str
    reference: str
    facts: Facts
    bound: BoundProduct | None
    desired: DesiredProduct | None
    """None: its card is not ours to write (basic mode, lock), or stays as it is (unmapped, no longer for sale)."""

    recut: bool = False
    """Its combinations may be cut anew (`resync --recut`)."""

    @cached_property
    def misfit(self) -> bool:
        """Whether its combinations stand in other attribute groups than they should, and may not be cut anew."""
        bound, desired = self.bound, self.desired
        if bound is None or desired is None or self.recut or not bound.variants:
            return False
        return bound.simple != desired.simple or any(self._regrouped(variant) for variant in desired.variants)

    def _regrouped(self, wanted: DesiredVariant) -> bool:
        known = self.variant(wanted.sku)
        written = {group for group, _ in (known.written.get("options") if known else None) or ()}
        return bool(written) and written != {option.group for option in wanted.options}

    @property
    def closed(self) -> bool:
        """Whether no combination is made in it: they would be cut otherwise, or one that isn't linked may be it."""
        return self.misfit or bool(self.bound and self.bound.base_fixed)

    @property
    def unfinished(self) -> bool:
        """Not visible yet: its changes go step by step, at the end of the run."""
        return self.bound is None or not self.bound.ready

    def variant(self, sku: Sku) -> BoundVariant | None:
        """The variant in the shop, if it is there."""
        return self.bound.variants.get(sku) if self.bound else None

    @cached_property
    def skus(self) -> tuple[Sku, ...]:
        """Every variant that the product has or is to get, in the order of the card, then as bound."""
        wanted = [variant.sku for variant in self.desired.variants] if self.desired and not self.closed else []
        return tuple(dict.fromkeys([*wanted, *(self.bound.variants if self.bound else ())]))

    def price(self, sku: Sku) -> Decimal | None:
        """LCV's price incl. tax; None when it has none or it is 0."""
        offer = self.facts.offers.get(sku)
        return offer.price if offer and offer.price else None

    @cached_property
    def prices(self) -> Mapping[Sku, Decimal]:
        """The price incl. tax of every variant that has one."""
        return {sku: price for sku in self.skus if (price := self.price(sku)) is not None}

    def sellable(self, sku: Sku) -> bool:
        """Whether LCV sells the variant on the web store now."""
        offer = self.facts.offers.get(sku)
        return bool(offer and offer.sellable)

    def change(
        self,
        kind: Kind,
        action: Action,
        lane: Lane,
        step: Step,
        *,
        after: dict[str, Json],
        before: dict[str, Json] | None = None,
        key: str = "",
        sku: str = "",
        id: int = 0,  # noqa: A002 - the shop's word
        reason: str = "",
    ) -> Change:
        """A change of this product, in its lane, or in its step of the creations when it is unfinished."""
        lane = Lane.CREATION if self.unfinished else lane
        return Change(
            kind,
            action,
            key or sku or self.reference,
            self.key,
            lane,
            after,
            before or {},
            reason,
            sku,
            id,
            step,
            self.facts.article.id,
        )
