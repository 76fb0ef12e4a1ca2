"""The words of an explanation. All of it can be printed as JSON; amounts are exact, texts those of LCV and the shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from lcvsync.domain.catalogue import Sku
from lcvsync.planning.changes import Change, Json, Skipped


@dataclass(frozen=True, slots=True)
class Code:
    """A code of LCV's and the mapping row that answers for it."""

    kind: str
    code: str
    label: str
    answer: str
    """mapped, ignored, unmapped; of colours also built-in, kept."""
    answered_by: str
    """The row: the code itself or a wildcard; "" when none answers."""
    targets: tuple[str, ...]
    meaning: str = ""
    """What an answer without targets leads to."""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class StoreStock:
    """What is in one store of a variant; *counts*: it is one of the web store's."""

    store: str
    name: str
    quantity: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A specific price that the shop should have: where, when by the shop's clock, and what it makes of a price."""

    sku: str
    """"" for the whole product."""
    starts: str
    ends: str
    kind: str
    value: Decimal
    in_force: bool
    id: int
    """The shop's id of the row of ours that says so; 0: not written yet."""


@dataclass(frozen=True, slots=True)
class SeenPrice:
    """A specific price that the shop has."""

    id: int
    sku: str
    starts: str
    ends: str
    kind: str
    value: Decimal
    ours: bool


@dataclass(frozen=True)
class Seen:
    """What the shop has of one product now, in the words of what was written."""

    card: Mapping[str, Json] = field(default_factory=dict)
    variants: Mapping[Sku, Mapping[str, Json]] = field(default_factory=dict)
    prices: tuple[SeenPrice, ...] = ()


Sights = Mapping[str, Seen | None]
"""By product's key; None: the shop hasn't got it. A key that isn't there wasn't looked at."""


@dataclass(frozen=True)
class Standing:
    """How the runs stand with an article."""

    dirty: bool = False
    """The next run plans it."""
    next_due: datetime | None = None
    """When time alone has it planned again: a promotion, another try."""
    retry_at: datetime | None = None
    """When what failed is tried again."""
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Reason, ...] = ()
    """As the last runs left it."""
    waits_for_mode: bool = False
    """Complete mode isn't accepted yet: runs go on as in basic mode."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that the shop refused."""

    kind: str
    key: str
    error: str
    since: str
    times: int
    retry_at: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that is not done, and since when; *now*: it is so by the state of this moment."""

    kind: str
    key: str
    reason: str
    detail: str
    cure: str
    since: str
    """"" when no run has met it yet."""
    now: bool

    @classmethod
    def of(cls, skipped: Skipped, since: str, *, now: bool) -> Reason:
        """A skipped record with its time."""
        return cls(skipped.kind, skipped.key, skipped.reason, skipped.detail, skipped.cure, since, now)


@dataclass(frozen=True, slots=True)
class Planned:
    """A change that a run of this moment would make."""

    kind: str
    action: str
    key: str
    sku: str
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    reason: str

    @classmethod
    def of(cls, change: Change) -> Planned:
        """A change of the plan, without its place in it."""
        return cls(
            change.kind.value,
            change.action.value,
            change.key,
            change.sku,
            dict(change.before),
            dict(change.after),
            change.reason,
        )


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a card, from LCV to the shop."""

    field: str
    policy: str
    lcv: Json
    """After mappings and options; None: LCV says nothing of it."""
    written: Json
    shop: Json
    """None: it wasn't looked at."""
    next: str
    """What becomes of it: `in step`, `will be overwritten`, `kept: ...`, `waits: ...`."""


@dataclass(frozen=True)
class Variant:
    """A variant: its way from LCV's stock and price to the shop's."""

    sku: str
    ean: str | None
    name: str
    """What tells it from the others: colour and size, in the shop's words where they are known."""
    for_sale: bool
    why_not: str
    stock: tuple[StoreStock, ...]
    pending: int
    safety_stock: int
    quantity: int
    """For sale: the sum of the stores that count, less pending, less safety stock, never below 0."""
    price: Decimal | None
    """LCV's, incl. tax."""
    price_excl_tax: Decimal | None
    """What the product's price and the variant's impact give."""
    impact: Decimal | None
    product: str
    """Key of the product; "": in none."""
    combination: int
    in_shop: bool
    written: Mapping[str, Json]
    shop: Mapping[str, Json] | None
    """None: it wasn't looked at, or isn't there."""
    next: str


@dataclass(frozen=True)
class Product:
    """A product of the shop, or one that is still to be made (id 0)."""

    key: str
    id: int
    reference: str
    origin: str
    state: str
    locked: bool
    seen: bool
    """The shop was looked at, and has it."""
    skus: tuple[str, ...]
    tax: int
    rate: Decimal | None
    base: Decimal | None
    """Price excl. tax of the product, which its default variant has."""
    default_sku: str
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    foreign: tuple[SeenPrice, ...]
    """Specific prices of the shop that aren't ours."""
    planned: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Beaten:
    """A promotion that gives a variant a lower price at the same time; the shop shows the lowest."""

    promotion: str
    price: Decimal
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True)
class PromotionPart:
    """What a promotion does to one variant: lower its price, or nothing, and why."""

    sku: str
    before: Decimal | None
    price: Decimal | None
    """None: it doesn't lower it."""
    why_not: str
    beaten: tuple[Beaten, ...]


@dataclass(frozen=True)
class PromotionTold:
    """A promotion of LCV's, and what it does to the variants of one article."""

    id: str
    name: str
    kind: str
    value: Decimal
    starts: datetime
    ends: datetime | None
    price_list: str | None
    state: str
    """running, planned, over, or other price list."""
    category: Code
    parts: tuple[PromotionPart, ...]


@dataclass(frozen=True)
class Effect:
    """What a promotion does to one article."""

    article: str
    reference: str
    products: tuple[int, ...]
    """Ids in the shop."""
    outcome: str
    """reduced; hidden (a lower one is shown as long as it runs); waiting (for the next run); kept back; missing (in the
    shop); without effect; left out."""
    why_not: str
    cure: str
    parts: tuple[PromotionPart, ...]
    rows: tuple[Row, ...]
    """The specific prices of its variants that fall into its window, whichever promotion they are of."""


@dataclass(frozen=True)
class Explanation:
    """An article from end to end."""

    article: str
    reference: str
    name: str
    deleted: bool
    active: bool
    web_stores: tuple[str, ...]
    for_sale: bool
    why_not: str
    why_not_cure: str
    mode: str
    codes: tuple[Code, ...]
    variants: tuple[Variant, ...]
    promotions: tuple[PromotionTold, ...]
    products: tuple[Product, ...]
    planned: tuple[Planned, ...]
    skipped: tuple[Reason, ...]
    failed: tuple[Failure, ...]
    dirty: bool
    """The next run plans it."""
    next_due: datetime | None
    """When time alone has it planned again."""
