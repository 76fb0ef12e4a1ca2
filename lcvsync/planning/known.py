"""What the state knows of the shop: which records are ours, and what was last written to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from lcvsync.domain.texts import fold

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import Article, PhotoId, Promotion, Sku, Tables, WebStore
    from lcvsync.domain.colours import Palette
    from lcvsync.domain.mapping import Mappings
    from lcvsync.planning.changes import Json

Values = Mapping[tuple[str, int, str], int]
"""(kind, group or feature, folded name) → id of the attribute and feature values and brands that are known."""


class Origin(StrEnum):
    """Who made a product of the shop."""

    MADE = "made"
    """lcvsync did."""
    LINKED = "linked"
    """It was there and a person linked it."""


@dataclass(frozen=True, slots=True)
class BoundVariant:
    """A variant in the shop: a combination, or the product itself when it has none."""

    sku: Sku
    product: str
    combination: int
    """Id of the combination; 0 for a product without combinations."""
    stock_row: int = 0
    """Id of its stock row; 0: not read yet."""
    written: Mapping[str, Json] = field(default_factory=dict)
    """Last written, by field: quantity, price (impact excl. tax), weight, ean, reference, options, photos."""


@dataclass(frozen=True, slots=True)
class BoundImage:
    """A photo of LCV in the shop; *image* 0: it can't be used (*error* says why), or it counts as sent (takeover)."""

    photo: PhotoId
    sha256: str
    image: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class BoundPromotion:
    """A specific price of ours. `starts` and `ends` are in the shop's local time, as written."""

    id: int
    sku: Sku | None
    starts: str
    ends: str
    kind: str
    value: Decimal


@dataclass(frozen=True)
class BoundProduct:
    """A product of the shop that is ours, with everything of it that is ours."""

    key: str
    id: int
    article: str
    origin: Origin
    locked: bool
    ready: bool = True
    """Finished once: it became visible. A linked product is ready from the start."""
    off: bool = False
    """Deactivated by us."""
    switched_off: bool = False
    """A person had switched it off before we came to do it: it stays off."""
    hidden: bool = False
    """Its visibility `none` is ours."""
    gone: bool = False
    """Deleted in the shop."""
    simple: bool = False
    """Without combinations."""
    base_fixed: bool = False
    """It has combinations that aren't linked: its base price is theirs too, and stays."""
    default_sku: Sku | None = None
    written: Mapping[str, Json] = field(default_factory=dict)
    """Last written, by card field, and `price` (excl. tax) and `tax` (tax rules group)."""
    variants: Mapping[Sku, BoundVariant] = field(default_factory=dict)
    images: Mapping[PhotoId, BoundImage] = field(default_factory=dict)
    promotions: Sequence[BoundPromotion] = ()
    obsolete_images: Sequence[int] = ()
    """Images of ours that a newer one replaced and that are still to be deleted."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What LCV says about selling one variant now."""

    sku: Sku
    article: str
    quantity: int
    """Sum over the web store's stock stores; may be negative."""
    price: Decimal | None
    """Including tax, in the web store's price list."""
    sellable: bool
    """Article for sale, variant active, with a price above 0."""
    pending: int = 0
    """Units sold in the shop that `quantity` doesn't count yet."""
    counted: bool = True
    """LCV gave a quantity of it in one of these stores; otherwise `quantity` is 0 for want of any."""

    @property
    def left(self) -> int | None:
        """Units that LCV says are left, whatever mappings and options make of it; None: it says nothing."""
        return max(0, self.quantity - self.pending) if self.counted else None


@dataclass(frozen=True, slots=True)
class Foreign:
    """What stands in the shop for an article already, unlinked."""

    product: int
    bears: str
    """What it is known by: `reference ROBE-12`, `EAN 3700000000011`."""
    place: str
    """Product, or product/combination."""
    by_ean: bool = False
    never: str = ""
    """Why it can't be linked: it is a pack, say."""


@dataclass(frozen=True)
class Facts:
    """Everything that the plan for one article needs; the runner gathers it, the plan decides."""

    article: Article
    deleted: bool = False
    """LCV deleted it."""
    offers: Mapping[Sku, Offer] = field(default_factory=dict)
    """Of its variants, and of every variant bound to the same products."""
    promotions: Sequence[Promotion] = ()
    products: Sequence[BoundProduct] = ()
    """Of the article, and those that one of its variants is bound to."""
    twins: Sequence[str] = ()
    """Ids of other articles of the same reference that are for sale and mapped."""
    shared_eans: frozenset[str] = frozenset()
    """EANs of its variants that another variant for sale bears too."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Skus that LCV gives this article, and another one whose they are; they aren't among its variants here."""
    foreign: Foreign | None = None
    """A product of the shop that isn't ours, or a combination, with its reference, a sku or an EAN of it."""


@dataclass(frozen=True)
class Options:
    """The options of the catalogue (`[sync]`, `[catalogue]`), resolved against the shop."""

    web_store: WebStore
    complete: bool
    safety_stock: int = 0
    hide_out_of_stock: bool = False
    discriminating: tuple[str, ...] = ()
    colour_group: int = 0
    remove_variants: bool = False
    require_photo: bool = True
    sent_once: frozenset[str] = frozenset()
    """Card fields whose policy is `create`."""
    short_description_limit: int = 800


@dataclass(frozen=True)
class Context:
    """What every article of a run is planned with."""

    tables: Tables
    mappings: Mappings
    options: Options
    palette: Palette
    vat_rates: Mapping[int, Decimal]
    """Tax rules group → rate in percent for the shop's country."""
    values: Values = field(default_factory=dict)
    colours_kept: frozenset[str] = frozenset()
    """Folded colours that keep their name although a generic one is known (mapped to `ignore`)."""
    recut: frozenset[str] = frozenset()
    """Articles whose combinations may be cut anew (`resync --recut`)."""
    recreate: frozenset[str] = frozenset()
    """Articles whose products may be made again although the shop deleted them (`resync --recreate`)."""

    def value_id(self, kind: str, group: int, name: str) -> int:
        """The id of a value by its name as the shop compares it; 0: not known."""
        return self.values.get((kind, group, fold(name)), 0)
