"""What an LCV back office keeps, member for member as the contract shows it (`docs/lcv-api.yaml`).

Members have the contract's names, so that `vars(record)` is its JSON. Revisions belong to the feeds, not here.
Amounts, rates and weights are decimal strings. `from_json` raises KeyError, TypeError or ValueError for what is
no such record, and ignores members that it doesn't know.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class Flat:
    """A record without records inside."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that *data* describes."""
        return cls(**known(cls, data))


def known(record: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The members of *data* that *record* has."""
    names = {member.name for member in fields(record)}
    return {name: value for name, value in data.items() if name in names}


@dataclass(frozen=True)
class Coded(Flat):
    """A brand, a payment method, a price list, a department or a part of one."""

    code: str
    name: str


@dataclass(frozen=True)
class Store(Flat):
    """A physical store, or a depot."""

    code: str
    name: str
    city: str | None = None
    postcode: str | None = None


@dataclass(frozen=True)
class WebStore(Flat):
    """A shop on the web; what it sells is the sum over its `stock_stores`."""

    code: str
    name: str
    stock_stores: list[str]
    price_list: str


@dataclass(frozen=True)
class Size(Flat):
    """One size of a grid."""

    code: str
    label: str
    position: int


@dataclass(frozen=True)
class SizeGrid:
    """A grid of sizes, in order of position."""

    code: str
    name: str
    sizes: list[Size]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The grid that *data* describes."""
        return cls(data["code"], data["name"], [Size.from_json(size) for size in data["sizes"]])


@dataclass(frozen=True)
class Department:
    """A row of the RFS: rayon, famille, sous-famille."""

    rayon: Coded
    famille: Coded | None
    sous_famille: Coded | None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The row that *data* describes."""
        famille, sous_famille = data["famille"], data["sous_famille"]
        return cls(
            Coded.from_json(data["rayon"]),
            Coded.from_json(famille) if famille else None,
            Coded.from_json(sous_famille) if sous_famille else None,
        )

    @property
    def code(self) -> tuple[str, str | None, str | None]:
        """What tells it from the other rows."""
        return (
            self.rayon.code,
            self.famille.code if self.famille else None,
            self.sous_famille.code if self.sous_famille else None,
        )


@dataclass(frozen=True)
class Category(Flat):
    """A dynamic category; its code is unique across the axes."""

    axis: str
    code: str
    name: str


@dataclass(frozen=True)
class Attribute(Flat):
    """What describes an article or a variant; `level` is `article` or `variant`."""

    code: str
    name: str
    level: str


@dataclass(frozen=True)
class VatRate(Flat):
    """A rate of VAT in percent."""

    code: str
    rate: str


@dataclass
class Tables:
    """Every table of parameters."""

    currency: str
    stores: list[Store]
    web_stores: list[WebStore]
    size_grids: list[SizeGrid]
    brands: list[Coded]
    departments: list[Department]
    categories: list[Category]
    attributes: list[Attribute]
    payment_methods: list[Coded]
    vat_rates: list[VatRate]
    price_lists: list[Coded]

    def merge(self, data: Mapping[str, Any]) -> None:
        """Take over the rows of *data*: those of a known code are replaced, the others are added."""
        merged: dict[str, list[Any]] = {}
        for name, kind in _ROWS.items():
            rows = {row.code: row for row in getattr(self, name)}
            rows |= {row.code: row for row in map(kind.from_json, data.get(name, []))}
            merged[name] = list(rows.values())
        vars(self).update(merged, currency=data.get("currency", self.currency))


_ROWS: dict[str, Any] = {
    "stores": Store,
    "web_stores": WebStore,
    "size_grids": SizeGrid,
    "brands": Coded,
    "departments": Department,
    "categories": Category,
    "attributes": Attribute,
    "payment_methods": Coded,
    "vat_rates": VatRate,
    "price_lists": Coded,
}


@dataclass(frozen=True)
class Rfs(Flat):
    """Where an article stands in the RFS, by codes."""

    rayon: str
    famille: str | None
    sous_famille: str | None


@dataclass(frozen=True)
class Variant(Flat):
    """One piece that is sold: an article in one size and one set of attributes."""

    sku: str
    ean: str | None
    size: str | None
    attributes: dict[str, str]
    active: bool = True
    weight_kg: str | None = None


@dataclass(frozen=True)
class Photo(Flat):
    """A photo's description; its bytes are on the shelf."""

    id: str
    sha256: str
    position: int
    caption: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Article:
    """A style, with its variants and the descriptions of its photos."""

    id: str
    reference: str
    name: str
    brand: str | None
    department: Rfs
    categories: list[str]
    size_grid: str | None
    vat_rate: str
    attributes: dict[str, str]
    web_stores: list[str]
    active: bool
    variants: list[Variant]
    photos: list[Photo]
    supplier_reference: str | None = None
    short_description: str | None = None
    description: str | None = None
    season: str | None = None
    weight_kg: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The article that *data* describes, in the contract's full shape."""
        return cls(
            **{
                **known(cls, data),
                "department": Rfs.from_json(data["department"]),
                "variants": [Variant.from_json(variant) for variant in data["variants"]],
                "photos": [Photo.from_json(photo) for photo in data["photos"]],
            }
        )


@dataclass(frozen=True)
class StockLevel(Flat):
    """How many pieces of a variant a store has; may be negative."""

    sku: str
    store: str
    quantity: int


@dataclass(frozen=True)
class Price(Flat):
    """A variant's price including tax on one list; None: no longer priced."""

    sku: str
    price_list: str
    price_incl_tax: str | None


@dataclass(frozen=True)
class Promotion(Flat):
    """A reduction in time; with neither articles nor skus it applies to nothing."""

    id: str
    name: str
    kind: str
    """percentage, amount or fixed_price."""
    value: str
    starts_at: str
    ends_at: str | None = None
    """Exclusive."""
    price_list: str | None = None
    """None: every list."""
    articles: list[str] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
