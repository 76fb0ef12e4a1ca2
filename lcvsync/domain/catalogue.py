"""What LCV says: its tables, articles, stock, prices and promotions, as values.

The words are those of the glossary; the shapes follow LCV's contract (`docs/lcv-api.yaml`) without its wire details.
Prices are euros (or the tables' currency) including tax, weights kilograms, times aware datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

ArticleId = NewType("ArticleId", str)
Sku = NewType("Sku", str)
PhotoId = NewType("PhotoId", str)
PromotionId = NewType("PromotionId", str)


class Feed(StrEnum):
    """What LCV gives revision by revision, in the order in which a run reads it."""

    TABLES = "tables"
    ARTICLES = "articles"
    STOCK = "stock"
    PRICES = "prices"
    PROMOTIONS = "promotions"


@dataclass(frozen=True, slots=True)
class Coded:
    """A row of a table that has only a code and a name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Size:
    """One size of a grid."""

    code: str
    label: str
    position: int


@dataclass(frozen=True, slots=True)
class SizeGrid:
    """Grille de tailles: the sizes an article may have, in order."""

    code: str
    name: str
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Rfs:
    """Rayon, famille, sous-famille: where an article stands in LCV's classification. The last two may lack."""

    department: str
    family: str | None = None
    subfamily: str | None = None

    @property
    def code(self) -> str:
        """The code of mapping rows: `F`, `F/10` or `F/10/01`."""
        return "/".join(part for part in (self.department, self.family, self.subfamily) if part)


@dataclass(frozen=True, slots=True)
class Department:
    """A row of the RFS table, with its names."""

    rfs: Rfs
    label: str


@dataclass(frozen=True, slots=True)
class DynamicCategory:
    """A category of a free axis (collection, occasion, ...); codes are unique across axes."""

    axis: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """What else describes an article or a variant: coloris, matière, ... `level` is "article" or "variant"."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class WebStore:
    """Magasin internet: a point of sale whose stock is the sum over `stock_stores`, at the prices of `price_list`."""

    code: str
    name: str
    stock_stores: tuple[str, ...]
    price_list: str


@dataclass(frozen=True, slots=True)
class Store:
    """Magasin: a physical store of the retailer."""

    code: str
    name: str
    city: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class VatRate:
    """A VAT rate in percent: 20.00."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Tables:
    """Every parameter table of LCV, whole (`GET /tables`)."""

    revision: int
    currency: str
    stores: tuple[Store, ...] = ()
    web_stores: tuple[WebStore, ...] = ()
    size_grids: tuple[SizeGrid, ...] = ()
    brands: tuple[Coded, ...] = ()
    departments: tuple[Department, ...] = ()
    categories: tuple[DynamicCategory, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    payment_methods: tuple[Coded, ...] = ()
    vat_rates: tuple[VatRate, ...] = ()
    price_lists: tuple[Coded, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """Pièce: one colour and size of an article, what stock and prices are about."""

    sku: Sku
    ean: str | None
    size: str | None
    """A size's code in the article's grid."""
    attributes: dict[str, str] = field(default_factory=dict)
    """By attribute code, level variant: {"coloris": "Moutarde"}."""
    weight: Decimal | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of an article; `attributes` says which variants it shows, empty: all."""

    id: PhotoId
    sha256: str
    position: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """An article (style) with its variants and the description of its photos."""

    id: ArticleId
    revision: int
    reference: str
    name: str
    rfs: Rfs
    vat_rate: Decimal
    supplier_reference: str | None = None
    short_description: str | None = None
    description: str | None = None
    brand: str | None = None
    categories: tuple[str, ...] = ()
    size_grid: str | None = None
    weight: Decimal | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    web_stores: tuple[str, ...] = ()
    active: bool = True
    variants: tuple[Variant, ...] = ()
    photos: tuple[Photo, ...] = ()


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted record of a feed."""

    id: str
    revision: int


@dataclass(frozen=True, slots=True)
class StockLevel:
    """What is in one store of one variant; may be negative. A pair never seen counts 0."""

    sku: Sku
    store: str
    quantity: int
    revision: int


@dataclass(frozen=True, slots=True)
class Price:
    """A variant's price including tax in one price list; None: no longer priced."""

    sku: Sku
    price_list: str
    price_incl_tax: Decimal | None
    revision: int


class PromotionKind(StrEnum):
    """What a promotion's value means."""

    PERCENTAGE = "percentage"
    AMOUNT = "amount"
    FIXED_PRICE = "fixed_price"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion on whole articles and on single variants; with neither it applies to nothing."""

    id: PromotionId
    revision: int
    name: str
    """The operation: Soldes d'hiver, Black Friday, ..."""
    kind: PromotionKind
    value: Decimal
    """Percent (30.00 for 30 %), or an amount or price including tax."""
    starts_at: datetime
    ends_at: datetime | None = None
    """Exclusive; None: until it is changed or deleted."""
    price_list: str | None = None
    """None: every price list."""
    articles: tuple[ArticleId, ...] = ()
    skus: tuple[Sku, ...] = ()


@dataclass(frozen=True, slots=True)
class Revisions:
    """The newest revision of every feed (`GET /revisions`)."""

    newest: dict[Feed, int]
    etag: str | None = None
