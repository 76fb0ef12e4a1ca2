"""Which changes of a product a guard may hold, decided where everything about them is known (design 3.9).

Products that are still to be made are never guarded. What belongs together is held together: everything of a product
that would be switched off, a zero with the combination that would be removed, all prices of a product with what is
reckoned from them, a new reduction with the end of the one that it replaces. What LCV itself says is over (units sold,
an ended promotion) always passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import product

from lcvsync.domain.catalogue import Sku
from lcvsync.domain.money import shown, to_cents
from lcvsync.planning.changes import Action, Change, GuardKind, Json, Kind, Skipped
from lcvsync.planning.known import BoundProduct, Context
from lcvsync.planning.offers import Pricing, old_rate
from lcvsync.planning.promotions import ReductionKind
from lcvsync.planning.subjects import Subject

_NEVER = "9999"
"""Sorts after every time of the shop."""


def marked(
    subject: Subject, target: Pricing | Skipped | None, changes: Sequence[Change], context: Context, now: str
) -> list[Change]:
    """The *changes* of one product, each with the guards that may hold it; *now* as rows have their times.

    *target*: what the product is to cost (`pricing`).
    """
    if not changes or subject.bound is None or subject.unfinished:
        return list(changes)
    price = target if isinstance(target, Pricing) else None
    marker = _Marker(subject, subject.bound, price, changes, context, now)
    return [marker.mark(change) for change in changes]


class _Marker:
    def __init__(
        self,
        subject: Subject,
        bound: BoundProduct,
        target: Pricing | None,
        changes: Sequence[Change],
        context: Context,
        now: str,
    ) -> None:
        self._subject = subject
        self._bound = bound
        self._target = target
        self._changes = changes
        self._context = context
        self._now = now

    def mark(self, change: Change) -> Change:
        """*change*, with its guards and with what is written when one of them holds it."""
        kinds = tuple(dict.fromkeys(self._kinds(change)))
        if not kinds:
            return change
        return replace(change, guards=kinds, if_held=self._if_held(change) if change.kind is Kind.STOCK else {})

    def _kinds(self, change: Change) -> Iterator[GuardKind]:
        if self._off:
            if change.kind is not Kind.STOCK or change.sku in self._zeros:
                yield GuardKind.DEACTIVATE
        elif self._withdraws(change):
            yield GuardKind.ZERO
        elif self._reduces(change):
            yield from [GuardKind.PROMOTION] * self._larger
            yield from [GuardKind.PRICE_FALL] * self._cheaper
        if self._cheaper and (change.kind is Kind.PRICE or self._is_new(change.sku)):
            yield GuardKind.PRICE_FALL  # a new combination's impact is reckoned from the base that is held

    def _is_new(self, sku: str) -> bool:
        return bool(sku) and self._subject.variant(Sku(sku)) is None

    # -- stocks to zero ----------------------------------------------------------------------------------------------

    @cached_property
    def _off(self) -> bool:
        """It would be switched off: that is one thing to decide, with its stock and all that goes with it."""
        return any(change.action is Action.DEACTIVATE for change in self._changes)

    def _withdraws(self, change: Change) -> bool:
        """Whether a change takes variants off sale of which LCV doesn't say that none is left, or follows from that."""
        match change.kind, change.action:
            case Kind.STOCK, _:
                return change.sku in self._zeros
            case Kind.COMBINATION, Action.DELETE:
                return change.sku in self._zeros
            case Kind.PROMOTION, Action.DELETE:
                covered = [sku for sku in self._subject.skus if change.sku in ("", sku)]
                return not self._unsold.isdisjoint(covered) and not any(map(self._subject.sellable, covered))
            case Kind.PRODUCT, Action.UPDATE if "promotion_categories" in change.after:
                return bool(self._unsold) and not _enters(change)
            case Kind.PRODUCT, Action.UPDATE:
                return bool(self._zeros) and change.after.get("visibility") == "none"
        return False

    @cached_property
    def _unsold(self) -> frozenset[str]:
        """Those of `_zeros` that LCV doesn't sell any more, so that their promotions go too."""
        return frozenset(sku for sku in self._zeros if not self._subject.sellable(Sku(sku)))

    @cached_property
    def _zeros(self) -> frozenset[str]:
        """The variants that go to 0 although LCV doesn't say that none is left: it says nothing, or an option does."""
        zeros = (c for c in self._changes if c.kind is Kind.STOCK and c.after["quantity"] == 0)
        return frozenset(c.sku for c in zeros if c.before["quantity"] != 0 and self._left(c) != 0)

    def _left(self, change: Change) -> int | None:
        offer = self._subject.facts.offers.get(Sku(change.sku))
        return offer.left if offer else None

    def _if_held(self, change: Change) -> Mapping[str, Json]:
        """The shop keeps what it has on sale, but never more than LCV says is left."""
        left, before = self._left(change), change.before["quantity"]
        return {"quantity": left} if left is not None and (before is None or left < before) else {}

    # -- prices ------------------------------------------------------------------------------------------------------

    @cached_property
    def _before(self) -> dict[Sku, Decimal]:
        """What the shop shows now, incl. tax and without promotions, by variant."""
        base = self._bound.written.get("price")
        if base is None or self._target is None:
            return {}
        rate, found = old_rate(self._subject, self._target, self._context), {}
        for sku, variant in self._bound.variants.items():
            impact = variant.written.get("price") if variant.combination else 0
            if impact is not None:
                found[sku] = shown(Decimal(base), Decimal(impact), rate)
        return found

    @cached_property
    def _after(self) -> dict[Sku, Decimal]:
        """The same as it will be."""
        target = self._target
        return {s: shown(target.base, impact, target.rate) for s, impact in target.impacts.items()} if target else {}

    @cached_property
    def _cheaper(self) -> bool:
        """Whether the shop would show less for some variant; what a change of tax or default moves about is no fall."""
        if not any(change.kind is Kind.PRICE for change in self._changes):
            return False
        return any(price < self._before.get(sku, price) for sku, price in self._after.items())

    # -- promotions --------------------------------------------------------------------------------------------------

    @cached_property
    def _old_rows(self) -> list[_Row]:
        rows = self._bound.promotions
        return [_Row(row.id, row.sku or "", row.starts, _end(row.ends), row.kind, row.value) for row in rows]

    @cached_property
    def _new_rows(self) -> list[_Row]:
        changes = [change for change in self._changes if change.kind is Kind.PROMOTION]
        touched = {change.id for change in changes}
        kept = [row for row in self._old_rows if row.id not in touched]
        return kept + [_row(change, change.after) for change in changes if change.after]

    @cached_property
    def _larger(self) -> bool:
        """Whether a variant will be reduced by more than by now, and cost less for it, at some moment to come."""
        if not any(change.kind is Kind.PROMOTION and change.after for change in self._changes):
            return False
        return any(self._reduced_more(sku, moment) for sku, moment in self._moments([*self._old_rows, *self._new_rows]))

    def _reduced_more(self, sku: Sku, moment: str) -> bool:
        price = self._after[sku]
        old = _reduction(self._old_rows, sku, price, moment)
        new = _reduction(self._new_rows, sku, price, moment)
        return new > old and price - new < self._before.get(sku, price) - old

    def _moments(self, rows: Iterable[_Row]) -> Iterator[tuple[Sku, str]]:
        """The variants for sale, each with every moment from now on at which its reduction may change."""
        moments = {max(self._now, moment) for row in rows for moment in (row.starts, row.after)}
        return product(filter(self._subject.sellable, self._after), moments)

    def _reduces(self, change: Change) -> bool:
        """Whether a change belongs to a reduction: its row, the category that is entered with it, or the end of a row
        that another one replaces so that it isn't missed."""
        match change.kind, change.action:
            case Kind.PROMOTION, Action.CREATE:
                return True
            case Kind.PROMOTION, Action.UPDATE:
                old, new = _row(change, change.before), _row(change, change.after)
                return new.value > old.value or new.ends > old.ends
            case Kind.PROMOTION, Action.DELETE:
                return self._replaced(_row(change, change.before))
            case Kind.PRODUCT, Action.UPDATE:
                return _enters(change)
        return False

    def _replaced(self, row: _Row) -> bool:
        """Whether at every moment to come of a row that goes, its variants are reduced by no less without it."""
        covered = [
            (sku, self._after[sku], moment)
            for sku, moment in self._moments([row, *self._new_rows])
            if row.covers(sku, moment)
        ]
        return bool(covered) and all(
            _reduction(self._new_rows, *where) >= _reduction([row], *where) for where in covered
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A specific price, its times as the shop compares them."""

    id: int
    sku: str
    starts: str
    ends: str
    kind: str
    value: Decimal

    @property
    def after(self) -> str:
        """Between its last second and the next."""
        return f"{self.ends}+"

    def covers(self, sku: Sku, moment: str) -> bool:
        """Whether it reduces a variant at a moment."""
        return self.sku in ("", sku) and self.starts <= moment <= self.ends

    def worth(self, price: Decimal) -> Decimal:
        """What it takes off a price, in cents."""
        return to_cents(price * self.value if self.kind == ReductionKind.PERCENTAGE else self.value)


def _row(change: Change, fields: Mapping[str, Json]) -> _Row:
    value = Decimal(fields["value"])
    return _Row(change.id, change.sku, fields["starts"], _end(fields["ends"]), fields["kind"], value)


def _end(ends: str) -> str:
    return _NEVER if ends < "0001" else ends


def _reduction(rows: Iterable[_Row], sku: Sku, price: Decimal, moment: str) -> Decimal:
    return max((row.worth(price) for row in rows if row.covers(sku, moment)), default=Decimal(0))


def _enters(change: Change) -> bool:
    """Whether a product enters the category of a promotion."""
    new = set(change.after.get("promotion_categories", ()))
    return not new <= set(change.before.get("promotion_categories", ()))
