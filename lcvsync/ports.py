"""The ports: what the runner asks of LCV, of the shop, of the clock and of whoever reports.

These protocols define the words and the errors. Every port has one class of contract tests (`tests/contract/`).

The shop's words are PrestaShop's own: a `Record` carries webservice field names, because a second vocabulary for the
same fields would only be one more thing to keep in step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from lcvsync.errors import BadAnswer

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import (
        Article,
        PhotoId,
        Price,
        Promotion,
        Revisions,
        StockLevel,
        Tables,
        Tombstone,
    )
    from lcvsync.domain.sales import CustomerRecord, Receipt, Sale

_NUMBER = re.compile(r"-?[0-9]{1,18}")

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record of a feed that could not be read; the others of its page could."""

    key: str
    """Its id or sku when that much was readable, else its place in the page."""
    reason: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a feed. `next` is the cursor to commit together with the items."""

    items: tuple[T, ...]
    next: int
    more: bool
    bad: tuple[BadRecord, ...] = ()


class BackOffice(Protocol):
    """LCV: what it holds, and the sales and customers that it is told.

    Every method raises NotAssociated (401), CertificateChanged, Temporary (network, 429, 503) or BadAnswer.
    """

    def revisions(self, etag: str | None = None) -> Revisions | None:
        """The newest revision of every feed; None when nothing changed since *etag*."""
        ...

    def tables(self) -> Tables:
        """Every parameter table, whole."""
        ...

    def articles(self, since: int) -> Page[Article | Tombstone]:
        """The next articles after revision *since*. Raises CursorExpired (410), as the other feeds do."""
        ...

    def stock(self, since: int) -> Page[StockLevel]:
        """The next quantities by variant and store."""
        ...

    def prices(self, since: int) -> Page[Price]:
        """The next prices by variant and price list."""
        ...

    def promotions(self, since: int) -> Page[Promotion | Tombstone]:
        """The next promotions."""
        ...

    def photo(self, photo: PhotoId) -> bytes:
        """A photo's bytes. Raises BadAnswer when LCV hasn't got it (404)."""
        ...

    def record_sale(self, sale: Sale) -> Receipt:
        """Record a document, which moves LCV's stock at once; one that was recorded before gives its first receipt.

        A receipt is `repeated` when LCV had the document before this call: another state of ours recorded it.
        Raises SaleRefused: LCV takes it neither now nor later as it is (409, 422). Raises Uncertain: it may have been
        recorded (a lost or unreadable answer, a 5xx other than 503). Temporary and BadAnswer: not by this call.
        After all of these but a refusal the same document, and no other in its place, may be sent again.
        """
        ...

    def sales_of(self, order_id: str) -> list[Receipt]:
        """The documents that this association recorded for one order, oldest first; empty when there is none."""
        ...

    def put_customer(self, external_id: str, customer: CustomerRecord) -> str:
        """Create or replace a customer, whole, and return LCV's customer code. Repeatable.

        Raises SaleRefused when LCV refuses what is told of the customer, Uncertain for a 5xx other than 503; LCV's own
        words, which may quote it, are in no message.
        """
        ...


class Resource(StrEnum):
    """The webservice resources that lcvsync uses, by their name in its addresses."""

    ADDRESSES = "addresses"
    CART_RULES = "cart_rules"
    CATEGORIES = "categories"
    COMBINATIONS = "combinations"
    CONFIGURATIONS = "configurations"
    COUNTRIES = "countries"
    CURRENCIES = "currencies"
    CUSTOMERS = "customers"
    GROUPS = "groups"
    LANGUAGES = "languages"
    MANUFACTURERS = "manufacturers"
    OPTION_VALUES = "product_option_values"
    OPTIONS = "product_options"
    FEATURE_VALUES = "product_feature_values"
    FEATURES = "product_features"
    ORDERS = "orders"
    ORDER_CART_RULES = "order_cart_rules"
    ORDER_DETAILS = "order_details"
    ORDER_HISTORIES = "order_histories"
    ORDER_PAYMENTS = "order_payments"
    ORDER_SLIPS = "order_slip"
    ORDER_STATES = "order_states"
    PRODUCTS = "products"
    SHOPS = "shops"
    SPECIFIC_PRICES = "specific_prices"
    STOCK = "stock_availables"
    STORES = "stores"
    TAX_RULE_GROUPS = "tax_rule_groups"
    TAX_RULES = "tax_rules"
    TAXES = "taxes"


Texts = Mapping[int, str]
"""A multilingual value: language id → text."""

Value = str | int | bool | Decimal | Texts

Association = tuple[Mapping[str, int], ...]
"""The elements of an association: ({"id": 3, "id_feature_value": 7}, ...)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entity of a resource, or the part of it that is read or written.

    Read values are `str` (or `Texts` where the field is multilingual), as PrestaShop gives them.
    """

    id: int
    """0 in what is to be created."""
    fields: Mapping[str, Value] = field(default_factory=dict)
    associations: Mapping[str, Association] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()
    """Of a credit slip its lines, whose amounts are no ids."""

    def text(self, name: str) -> str:
        """A plain field as text; "" when absent."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else str(value)

    def number(self, name: str) -> int:
        """A field that holds an id or a count; 0 when absent or empty. Raises BadAnswer."""
        text = self.text(name).strip()
        if text and not _NUMBER.fullmatch(text):
            raise BadAnswer(f"the shop has {text[:40]!r} where record {self.id} has a number ({name})")
        return int(text or 0)

    def ids(self, association: str) -> tuple[int, ...]:
        """The ids of an association's elements. Raises BadAnswer."""
        items = self.associations.get(association, ())
        if not all("id" in item for item in items):
            raise BadAnswer(f"the shop has {association} of record {self.id} without id")
        return tuple(item["id"] for item in items)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the shop."""

    id: int
    iso_code: str
    active: bool


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """What the shop's own configuration decides about our writes."""

    languages: tuple[Language, ...]
    default_language: int
    time_zone: str
    currency: str
    """ISO 4217 code of the default currency."""
    vat_rates: Mapping[int, Decimal]
    """Tax rules group id → rate in percent for the shop's country; only active groups."""
    shops: tuple[int, ...]
    """Ids of the active shops."""
    home_category: int
    image_limit: int
    """Largest picture in bytes that the webservice takes."""
    short_description_limit: int


@dataclass(frozen=True, slots=True)
class ShopIdentity:
    """Who answered: the shop's name, its PrestaShop version, and the rights of the key."""

    name: str
    version: str
    rights: Mapping[str, frozenset[str]]
    """Resource → methods ("GET", "PATCH", ...) that the key may use."""

    @property
    def takes_webp(self) -> bool:
        """PrestaShop accepts WebP pictures from 8 on (measured, section 10)."""
        major = self.version.partition(".")[0]
        return bool(_NUMBER.fullmatch(major)) and int(major) >= 8


class Shop(Protocol):
    """PrestaShop through its webservice.

    Every method raises ShopRefused (key, permission, address), Maintenance, Temporary, or BadAnswer.
    """

    def identity(self) -> ShopIdentity:
        """Who answers, and what the key may do (`GET /api/`); read once and kept."""
        ...

    def settings(self) -> ShopSettings:
        """The shop's settings, read anew."""
        ...

    def time(self) -> datetime | None:
        """The shop's own time when it last answered, by its clock, aware; None when it didn't tell."""
        ...

    def read(
        self,
        resource: Resource,
        *,
        fields: Sequence[str] = (),
        where: Mapping[str, Sequence[int | str]] | None = None,
        after: int = 0,
        since: tuple[str, str] | None = None,
        starting: tuple[str, str] | None = None,
    ) -> Iterator[Record]:
        """Records in ascending order of id, in pages by keyset, with every language of multilingual fields.

        *fields* are plain names; an association is named as `categories[id]`; empty: everything (`display=full`).
        *where* keeps those whose field is one of the values, compared by PrestaShop without case and accents; long
        lists are cut into several requests, each sorted. *after* keeps ids greater than it, *since* (field, text) times
        later than it in the shop's own time, *starting* (field, text) texts that begin like it.
        """
        ...

    def highest_id(self, resource: Resource) -> int:
        """The highest id in use, 0 when there is none."""
        ...

    def batch_size(self, resource: Resource, waiting: int, *, creating: bool) -> int:
        """How many of *waiting* records the next request should carry to take about five seconds of the shop's pace."""
        ...

    def create(self, resource: Resource, records: Sequence[Record]) -> list[int]:
        """Create all records in one request and return their ids in order.

        Raises Rejected: the records before the first bad one are saved, that one and those after it are not.
        Raises Uncertain: nobody knows; read what is there before repeating.
        """
        ...

    def update(self, resource: Resource, records: Sequence[Record]) -> None:
        """Write the fields given, leave the others: PATCH, or read-merge-PUT where the shop has no PATCH. Repeatable.

        Raises Rejected as `create` does (code 92: a record no longer exists), Uncertain when the answer was lost.
        """
        ...

    def delete(self, resource: Resource, ids: Sequence[int]) -> None:
        """Delete records; those that are gone already don't matter."""
        ...

    def images(self, product: int) -> list[int]:
        """The ids of a product's images, in the shop's order; empty when it has none (or doesn't exist)."""
        ...

    def upload_image(self, product: int, file_name: str, content: bytes) -> int:
        """Add an image and return its id. Raises Rejected (a refusal may leave an empty row) or Uncertain."""
        ...

    def delete_image(self, product: int, image: int) -> None:
        """Remove an image; one that is gone already doesn't matter."""
        ...


@dataclass(frozen=True, slots=True)
class Sighting:
    """What answered the shop's address, before anybody makes sense of it; for `lcvsync doctor`."""

    status: int
    location: str = ""
    """Where a redirect leads."""
    codes: tuple[int, ...] = ()
    """The error codes of PrestaShop's own XML, in order; 0 to 15 are messages of PHP."""
    xml: bool = False
    """Whether it is PrestaShop's XML at all: else something in front of it answered."""


class ShopProbe(Protocol):
    """Questions to a shop that may be anything. Every method raises Temporary or ShopRefused: no answer, no trust."""

    def knock(self) -> Sighting:
        """The list of resources, asked for with the key as always."""
        ...

    def knock_as_stranger(self) -> Sighting:
        """The same with a made-up key in the address, where no web server drops it."""
        ...

    def try_method(self, method: str) -> Sighting:
        """A PUT, PATCH or DELETE that changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """The certificate that LCV shows."""

    fingerprint: str
    expires_at: datetime | None
    """None where it can't be read."""
    problem: str
    """Why this system doesn't trust it; "" when it does."""


class BackOfficeProbe(Protocol):
    """Questions to LCV for `lcvsync doctor`; the errors are those of `BackOffice`."""

    def certificate(self) -> CertificateSeen | None:
        """What it shows, before a byte of a request is sent; None for plain http."""
        ...

    def server_time(self) -> datetime:
        """Its clock, aware, from an answer that the access key was good for."""
        ...

    def tables(self) -> Tables:
        """Every parameter table, whole."""
        ...


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> datetime:
        """The present as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin, never going back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Reporter(Protocol):
    """Whoever follows a run: a terminal, or nobody."""

    def step(self, name: str, total: int | None = None) -> None:
        """A new stage of the run begins; *total* steps, when known."""
        ...

    def advance(self, count: int = 1) -> None:
        """*count* steps of the stage are done."""
        ...

    def note(self, message: str) -> None:
        """Something worth saying to a person who watches."""
        ...
