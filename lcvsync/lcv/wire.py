"""LCV's payloads as the contract writes them (`docs/lcv-api.yaml`, schemas), and their way to domain values.

Member names are the contract's; `to_domain` gives the value in the domain's words. The types of members, with what
they refuse, are those of `fields`.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from lcvsync.domain import catalogue as domain
from lcvsync.domain.catalogue import ArticleId, PhotoId, PromotionId, Sku
from lcvsync.lcv.fields import (
    AccessKey,
    Key,
    MaybeKey,
    MaybeMoney,
    MaybeText,
    MaybeTime,
    Money,
    NullableKey,
    Payload,
    Revision,
    Small,
    Text,
    Time,
)


class Discovery(Payload):
    """Who answers."""

    service: Literal["lcv-backoffice"]
    api_version: Key
    name: Text


class Association(Payload):
    """An access key, shown once."""

    association_id: Key
    access_key: AccessKey
    expires_at: MaybeTime = None


class Revisions(Payload):
    """The newest revision of every feed."""

    tables: Revision
    articles: Revision
    stock: Revision
    prices: Revision
    promotions: Revision

    def to_domain(self, etag: str | None) -> domain.Revisions:
        """The domain's value; *etag* comes from the headers."""
        return domain.Revisions({feed: getattr(self, feed.value) for feed in domain.Feed}, etag)


class PageEnvelope(Payload):
    """A page before its records are read, each by itself."""

    items: Annotated[list[Any], Field(strict=True)]
    next: Revision
    more: StrictBool


class Coded(Payload):
    """A row that has a code and a name."""

    code: Key
    name: Text

    def to_domain(self) -> domain.Coded:
        return domain.Coded(self.code, self.name)


class Size(Payload):
    code: Key
    label: Text
    position: Small


class SizeGrid(Payload):
    code: Key
    name: Text
    sizes: list[Size]

    def to_domain(self) -> domain.SizeGrid:
        sizes = tuple(domain.Size(size.code, size.label, size.position) for size in self.sizes)
        return domain.SizeGrid(self.code, self.name, sizes)


class Store(Payload):
    code: Key
    name: Text
    city: MaybeText = None
    postcode: MaybeText = None

    def to_domain(self) -> domain.Store:
        return domain.Store(self.code, self.name, self.city, self.postcode)


class WebStore(Payload):
    code: Key
    name: Text
    stock_stores: list[Key]
    price_list: Key

    def to_domain(self) -> domain.WebStore:
        return domain.WebStore(self.code, self.name, tuple(self.stock_stores), self.price_list)


class Department(Payload):
    """A row of the RFS table."""

    rayon: Coded
    famille: Coded | None
    sous_famille: Coded | None

    @model_validator(mode="after")
    def _nested(self) -> Self:
        _check_nested(self)
        return self

    def to_domain(self) -> domain.Department:
        rows = [row for row in (self.rayon, self.famille, self.sous_famille) if row]
        return domain.Department(domain.Rfs(*(row.code for row in rows)), " / ".join(row.name for row in rows))


class Category(Payload):
    axis: Key
    code: Key
    name: Text

    def to_domain(self) -> domain.DynamicCategory:
        return domain.DynamicCategory(self.axis, self.code, self.name)


class AttributeRow(Payload):
    code: Key
    name: Text
    level: Literal["article", "variant"]

    def to_domain(self) -> domain.Attribute:
        return domain.Attribute(self.code, self.name, self.level)


class VatRate(Payload):
    code: Key
    rate: Money

    def to_domain(self) -> domain.VatRate:
        return domain.VatRate(self.code, self.rate)


class Tables(Payload):
    """Every parameter table."""

    revision: Revision
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}\z")]
    stores: list[Store]
    web_stores: list[WebStore]
    size_grids: list[SizeGrid]
    brands: list[Coded]
    departments: list[Department]
    categories: list[Category]
    attributes: list[AttributeRow]
    payment_methods: list[Coded]
    vat_rates: list[VatRate]
    price_lists: list[Coded]

    def to_domain(self) -> domain.Tables:
        return domain.Tables(
            revision=self.revision,
            currency=self.currency,
            stores=tuple(row.to_domain() for row in self.stores),
            web_stores=tuple(row.to_domain() for row in self.web_stores),
            size_grids=tuple(row.to_domain() for row in self.size_grids),
            brands=tuple(row.to_domain() for row in self.brands),
            departments=tuple(row.to_domain() for row in self.departments),
            categories=tuple(row.to_domain() for row in self.categories),
            attributes=tuple(row.to_domain() for row in self.attributes),
            payment_methods=tuple(row.to_domain() for row in self.payment_methods),
            vat_rates=tuple(row.to_domain() for row in self.vat_rates),
            price_lists=tuple(row.to_domain() for row in self.price_lists),
        )


class ArticleDepartment(Payload):
    """Where an article stands, by codes."""

    rayon: Key
    famille: MaybeKey
    sous_famille: MaybeKey

    @model_validator(mode="after")
    def _nested(self) -> Self:
        _check_nested(self)
        return self


class Variant(Payload):
    sku: Key
    ean: MaybeKey
    size: MaybeKey
    attributes: dict[Key, Text]
    weight_kg: MaybeMoney = None
    active: StrictBool

    def to_domain(self) -> domain.Variant:
        return domain.Variant(Sku(self.sku), self.ean, self.size, self.attributes, self.weight_kg, self.active)


class Photo(Payload):
    id: Key
    sha256: Key
    position: Small
    attributes: dict[Key, Text] = Field(default_factory=dict)

    def to_domain(self) -> domain.Photo:
        return domain.Photo(PhotoId(self.id), self.sha256.lower(), self.position, self.attributes)


class Tombstone(Payload):
    """A deleted record."""

    id: Key
    deleted: Literal[True]
    revision: Revision

    def to_domain(self) -> domain.Tombstone:
        return domain.Tombstone(self.id, self.revision)


class Article(Payload):
    """An article with its variants and the description of its photos."""

    id: Key
    revision: Revision
    reference: Key
    supplier_reference: MaybeText = None
    name: Text
    short_description: MaybeText = None
    description: MaybeText = None
    brand: MaybeKey
    department: ArticleDepartment
    categories: list[Key]
    size_grid: MaybeKey
    vat_rate: Money
    weight_kg: MaybeMoney = None
    attributes: dict[Key, Text]
    web_stores: list[Key]
    active: StrictBool
    variants: list[Variant]
    photos: list[Photo]

    @field_validator("variants")
    @classmethod
    def _once(cls, variants: list[Variant]) -> list[Variant]:
        """A sku that comes twice would be one combination with two meanings."""
        skus = [variant.sku for variant in variants]
        if twice := [sku for sku, times in Counter(skus).items() if times > 1]:
            raise ValueError(f"sku {twice[0]} comes twice")
        return variants

    def to_domain(self) -> domain.Article:
        place = self.department
        return domain.Article(
            id=ArticleId(self.id),
            revision=self.revision,
            reference=self.reference,
            name=self.name,
            rfs=domain.Rfs(place.rayon, place.famille, place.sous_famille),
            vat_rate=self.vat_rate,
            supplier_reference=self.supplier_reference,
            short_description=self.short_description,
            description=self.description,
            brand=self.brand,
            categories=tuple(self.categories),
            size_grid=self.size_grid,
            weight=self.weight_kg,
            attributes=self.attributes,
            web_stores=tuple(self.web_stores),
            active=self.active,
            variants=tuple(variant.to_domain() for variant in self.variants),
            photos=tuple(photo.to_domain() for photo in self.photos),
        )


class StockLevel(Payload):
    """What is in one store of one variant."""

    sku: Key
    store: Key
    quantity: Small
    revision: Revision

    def to_domain(self) -> domain.StockLevel:
        return domain.StockLevel(Sku(self.sku), self.store, self.quantity, self.revision)


class Price(Payload):
    """A variant's price in one price list."""

    sku: Key
    price_list: Key
    price_incl_tax: MaybeMoney
    revision: Revision

    def to_domain(self) -> domain.Price:
        return domain.Price(Sku(self.sku), self.price_list, self.price_incl_tax, self.revision)


class Promotion(Payload):
    """A promotion on articles and variants."""

    id: Key
    revision: Revision
    name: Text
    kind: Literal["percentage", "amount", "fixed_price"]
    value: Money
    price_list: NullableKey = None
    starts_at: Time
    ends_at: MaybeTime = None
    articles: list[Key] = Field(default_factory=list)
    skus: list[Key] = Field(default_factory=list)

    def to_domain(self) -> domain.Promotion:
        return domain.Promotion(
            id=PromotionId(self.id),
            revision=self.revision,
            name=self.name,
            kind=domain.PromotionKind(self.kind),
            value=self.value,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            price_list=self.price_list,
            articles=tuple(ArticleId(article) for article in self.articles),
            skus=tuple(Sku(sku) for sku in self.skus),
        )


def _check_nested(place: Department | ArticleDepartment) -> None:
    """A sous-famille without its famille would read as a famille."""
    if place.sous_famille and not place.famille:
        raise ValueError("expected a famille wherever there is a sous_famille")
