"""The port `Shop` through the webservice of a real PrestaShop; the only module of this package that does I/O.

One request at a time. Reads are repeated by the transport's rule, writes never: the caller looks before it repeats.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from lcvsync.errors import BadAnswer, Rejected, Temporary, Uncertain
from lcvsync.ports import Record, Resource, ShopIdentity, ShopSettings
from lcvsync.prestashop import merge, pictures, queries, settings
from lcvsync.prestashop.batches import Paces
from lcvsync.prestashop.protocol import Asked, MethodRefusedError, created_ids, decipher
from lcvsync.prestashop.resources import SHAPES
from lcvsync.prestashop.throttle import Throttle
from lcvsync.prestashop.xml import UnreadableError, compose, entities
from lcvsync.transport import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lxml import etree

    from lcvsync.ports import Clock, Language
    from lcvsync.prestashop.queries import Query
    from lcvsync.transport import Answer, Transport

T = TypeVar("T")

_GONE = 87
"""PrestaShop's code for a DELETE with unknown ids; nothing is deleted then (measured, section 1)."""
_DELETE_AT_ONCE = 100
"""Products take 30 ms each (measured, section 1)."""
_DELETE_TRIES = 3
MOST_RECORDS = 3_000_000
"""Of one question: a shop whose list goes on for ever must not be listened to for ever."""


def authorization(key: str) -> dict[str, str]:
    """The header that carries the webservice key: HTTP Basic, the key as user name, no password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


class WebserviceShop:
    """PrestaShop at the address of *transport*, whose headers carry the key (`authorization`)."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        shop_id: int | None = None,
        max_requests_per_minute: int | None = None,
    ) -> None:
        """*shop_id* chooses the shop of a multishop installation for every request."""
        self._transport = transport
        self._shop_id = shop_id
        self._throttle = Throttle(clock, max_requests_per_minute)
        self._paces = Paces()
        self._identity: ShopIdentity | None = None
        self._language_ids: tuple[int, ...] = ()
        self._without_patch: set[Resource] = set()
        self._time: datetime | None = None

    def identity(self) -> ShopIdentity:
        """Who answers, and what the key may do (`GET /api/`); read once and kept."""
        if self._identity is None:
            self._identity = self._ask(Request("GET", "/api/", safe=True), _identity)
        return self._identity

    def time(self) -> datetime | None:
        """The shop's own time when it last answered (header `Access-Time`, seconds since 1970)."""
        return self._time

    def settings(self) -> ShopSettings:
        """The shop's settings in eight requests at most; PS_TAX off makes every rate 0, as the shop then computes."""
        languages = self._languages()
        found = self.read(
            Resource.CONFIGURATIONS,
            fields=("name", "value", "id_shop", "id_shop_group"),
            where={"name": settings.CONFIGURATION_NAMES},
        )
        values = settings.configuration(found, self._shop_id)
        return ShopSettings(
            languages=languages,
            default_language=settings.required_id(values, "PS_LANG_DEFAULT"),
            time_zone=settings.time_zone(values),
            currency=self._currency(settings.required_id(values, "PS_CURRENCY_DEFAULT")),
            vat_rates=self._vat_rates(values),
            shops=tuple(
                shop.id
                for shop in self.read(Resource.SHOPS, fields=("active", "deleted"))
                if shop.text("active") == "1" and shop.text("deleted") != "1"
            ),
            home_category=settings.required_id(values, "PS_HOME_CATEGORY"),
            image_limit=settings.image_limit(values, self.identity().version),
            short_description_limit=int(settings.decimal(values.get("PS_PRODUCT_SHORT_DESC_LIMIT") or "0")) or 800,
        )

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
        """Records in ascending order of id; see the port.

        A text of *where* with brackets, which PrestaShop's filters can't quote, may bring other records too.
        """
        size = queries.page_size(resource, fields)
        shown = queries.display(resource, fields)
        if queries.has_texts(resource, fields):
            shown += queries.languages(self._known_languages())
        if since:
            shown += queries.since(*since)
        if starting:
            shown += queries.starting(*starting)
        by_id = where is not None and "id" in where
        wanted = {name: set(values) for name, values in (where or {}).items() if _are_numbers(values)}
        count = 0
        for condition in queries.conditions(_above(where or {}, after), size):
            query = condition + shown
            found = (
                self._list(resource, query + queries.sorted_by_id(), after)
                if by_id
                else self._pages(resource, query, after, size)
            )
            for record in found:
                count += 1
                if count > MOST_RECORDS:
                    raise BadAnswer(f"the shop's list of {resource} has no end: {MOST_RECORDS} records were read")
                _check_asked(resource, record, wanted)
                yield _only(record, fields)

    def highest_id(self, resource: Resource) -> int:
        """The highest id in use, 0 when there is none."""
        found = self._entities(resource, queries.newest())
        return found[0].id if found else 0

    def batch_size(self, resource: Resource, waiting: int, *, creating: bool) -> int:
        """How many records the next `create` or `update` should have to take about five seconds."""
        return self._paces.part(resource, waiting, creating=creating)

    def create(self, resource: Resource, records: Sequence[Record]) -> list[int]:
        """Create all records in one request and return their ids in order; see the port."""
        if not records:
            return []
        merge.check_writable(resource, records)
        asked, node, count = Asked("POST", resource.value), SHAPES[resource].node, len(records)
        request = self._body("POST", resource, [replace(record, id=0) for record in records])
        with self._timed(resource, count, creating=True):
            return self._ask(request, lambda answer: created_ids(asked, answer, node, count))

    def update(self, resource: Resource, records: Sequence[Record]) -> None:
        """Write the fields given, leave the others; see the port."""
        if not records:
            return
        merge.check_writable(resource, records)
        with self._timed(resource, len(records), creating=False):
            if not self._patch(resource, records):
                self._put(resource, records)

    def delete(self, resource: Resource, ids: Sequence[int]) -> None:
        """Delete records, a hundred at a time; those that are gone already don't matter."""
        for start in range(0, len(ids), _DELETE_AT_ONCE):
            self._delete(resource, sorted(set(ids[start : start + _DELETE_AT_ONCE])))

    def images(self, product: int) -> list[int]:
        """The ids of a product's images, in the shop's order; empty when it has none (or doesn't exist)."""
        return pictures.listed_ids(self._get(f"images/products/{product}", ()))

    def upload_image(self, product: int, file_name: str, content: bytes) -> int:
        """Add an image and return its id; see the port.

        After the cover was moved and deleted, every upload is Rejected with code 76 until `id_default_image` is
        written with an image that exists (measured, section 7).
        """
        content_type, body = pictures.multipart(file_name, content)
        path = f"/api/images/products/{product}"
        headers = {"Content-Type": content_type}
        request = Request("POST", path, self._context(), headers, body)
        return self._ask(request, pictures.uploaded_id)

    def delete_image(self, product: int, image: int) -> None:
        """Remove an image; one that is gone already doesn't matter."""
        request = Request("DELETE", f"/api/images/products/{product}/{image}", self._context())
        try:
            self._deciphered(request, "images")
        except Rejected as refusal:
            if not pictures.was_gone(refusal):
                raise

    def _languages(self) -> tuple[Language, ...]:
        found = settings.languages(self.read(Resource.LANGUAGES, fields=("iso_code", "active")))
        self._language_ids = tuple(language.id for language in found)
        return found

    def _known_languages(self) -> tuple[int, ...]:
        """The ids of all languages, asked for once and again with every `settings`."""
        if not self._language_ids:
            self._languages()
        return self._language_ids

    def _currency(self, number: int) -> str:
        found = list(self.read(Resource.CURRENCIES, fields=("iso_code",), where={"id": (number,)}))
        if not found:
            raise BadAnswer(f"the shop doesn't show its currency {number}", cure="tick GET for currencies")
        return found[0].text("iso_code")

    def _vat_rates(self, values: Mapping[str, str]) -> dict[int, Decimal]:
        groups = [
            group
            for group in self.read(Resource.TAX_RULE_GROUPS, fields=("active", "deleted"))
            if group.text("active") == "1" and group.text("deleted") != "1"
        ]
        if values.get("PS_TAX") == "0":
            return {group.id: Decimal(0) for group in groups}
        country = settings.required_id(values, "PS_COUNTRY_DEFAULT")
        fields = ("id_tax_rules_group", "id_state", "zipcode_from", "id_tax", "behavior")
        rules = list(self.read(Resource.TAX_RULES, fields=fields, where={"id_country": (country,)}))
        taxes = self.read(Resource.TAXES, fields=("rate",), where={"id": [rule.number("id_tax") for rule in rules]})
        return settings.vat_rates(groups, rules, taxes)

    def _pages(self, resource: Resource, query: Query, after: int, size: int) -> Iterator[Record]:
        """Page after page, each from the last id of the one before, until a page is not full."""
        while True:
            found = self._list(resource, query + queries.page(after, size), after)
            yield from found
            if len(found) < size:
                return
            after = found[-1].id

    def _list(self, resource: Resource, query: Query, after: int) -> list[Record]:
        """One answer, whose ids must rise from *after*: a shop that ignores filter or sort would be read for ever."""
        found = self._entities(resource, query)
        last = after
        for record in found:
            if record.id <= last:
                raise BadAnswer(f"the shop's list of {resource} is not sorted and filtered as asked (id {record.id})")
            last = record.id
        return found

    def _entities(self, resource: Resource, query: Query) -> list[Record]:
        root = self._get(resource.value, query)
        if root is None:
            return []
        try:
            return entities(root, resource)
        except UnreadableError as error:
            raise BadAnswer(f"the shop answered a list of {resource} with {error}") from error

    def _patch(self, resource: Resource, records: Sequence[Record]) -> bool:
        """Write by PATCH; False where the shop or the key has no PATCH, and nothing was written."""
        if resource in self._without_patch or "PATCH" not in self.identity().rights.get(resource.value, ()):
            return False
        lacking = [record.id for record in records if merge.lacks_images(resource, record)]
        if lacking:
            present = {each.id: each for each in self.read(resource, fields=("images[id]",), where={"id": lacking})}
            records = merge.with_images(resource, records, present)
        try:
            self._write("PATCH", resource, records)
        except MethodRefusedError:
            self._without_patch.add(resource)
            return False
        return True

    def _put(self, resource: Resource, records: Sequence[Record]) -> None:
        """Read whole, merge, write whole. What somebody changes in between is lost: PrestaShop has no condition."""
        present = {each.id: each for each in self.read(resource, where={"id": [record.id for record in records]})}
        completed = merge.with_images(resource, records, present)
        self._write("PUT", resource, merge.merge(resource, present, completed))

    def _delete(self, resource: Resource, ids: Sequence[int]) -> None:
        for _ in range(_DELETE_TRIES):
            if not ids:
                return
            query = (*self._context(), ("id", f"[{','.join(map(str, ids))}]"))
            try:
                self._deciphered(Request("DELETE", f"/api/{resource}", query), resource.value)
            except Rejected as refusal:
                if refusal.code != _GONE:
                    raise
            else:
                return
            ids = [] if len(ids) == 1 else [each.id for each in self.read(resource, fields=("id",), where={"id": ids})]
        if ids:
            raise Temporary(f"{resource} to delete disappear while they are deleted: {len(ids)} are left")

    def _write(self, method: str, resource: Resource, records: Sequence[Record]) -> None:
        self._deciphered(self._body(method, resource, records), resource.value)

    def _body(self, method: str, resource: Resource, records: Sequence[Record]) -> Request:
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        return Request(method, f"/api/{resource}", self._context(), headers, compose(resource, records))

    def _get(self, path: str, query: Query) -> etree._Element | None:
        request = Request("GET", f"/api/{path}", self._context() + query, safe=True)
        return self._deciphered(request, path.partition("/")[0])

    def _deciphered(self, request: Request, resource: str) -> etree._Element | None:
        asked = Asked(request.method, resource)
        return self._ask(request, lambda answer: decipher(asked, answer))

    def _ask(self, request: Request, read_answer: Callable[[Answer], T]) -> T:
        def noted(answer: Answer) -> T:
            if (seconds := answer.headers.get("access-time", "")).isdecimal() and len(seconds) < 12:
                self._time = datetime.fromtimestamp(int(seconds), UTC)
            return read_answer(answer)

        return self._transport.ask(request, noted, before=self._throttle.wait)

    def _context(self) -> Query:
        return () if self._shop_id is None else (("id_shop", str(self._shop_id)),)

    @contextmanager
    def _timed(self, resource: Resource, records: int, *, creating: bool) -> Iterator[None]:
        """Let the pace learn from one write: the seconds that the shop took, or that it failed."""
        started = self._transport.count.seconds
        try:
            yield
        except (Uncertain, Temporary):
            self._paces.failed(resource, records, creating=creating)
            raise
        except Rejected as refusal:
            if refusal.code == 413:
                self._paces.failed(resource, records, creating=creating)
            raise
        seconds = self._transport.count.seconds - started
        self._paces.succeeded(resource, records, seconds, creating=creating)


def _identity(answer: Answer) -> ShopIdentity:
    """The list of resources, which shows only what the key may use (measured, section 0)."""
    root = decipher(Asked("GET", ""), answer)
    api = root.find("api") if root is not None else None
    if api is None:
        raise BadAnswer(
            f"{answer.address}: this is not PrestaShop's webservice, expected its list of resources",
            cure="check prestashop.url, and that /api is rewritten (.htaccess)",
        )
    rights = {
        str(each.tag): frozenset(str(name).upper() for name, value in each.attrib.items() if value == "true")
        for each in api
    }
    return ShopIdentity(api.get("shopName", ""), answer.headers.get("psws-version", "0"), rights)


def _are_numbers(values: Sequence[int | str]) -> bool:
    return all(isinstance(value, int) for value in values)


def _check_asked(resource: Resource, record: Record, wanted: Mapping[str, set[int | str]]) -> None:
    """Raise BadAnswer for a record that nobody asked for; texts are compared by PrestaShop's own rules, not here."""
    for name, values in wanted.items():
        if name != "id" and name not in record.fields:
            continue
        if (record.id if name == "id" else record.number(name)) not in values:
            raise BadAnswer(f"the shop's list of {resource} is not filtered as asked ({name}; id {record.id})")


def _only(record: Record, fields: Sequence[str]) -> Record:
    """*record* with the named fields and associations alone, where PrestaShop had to be asked for everything."""
    if not fields:
        return record
    associations = {name.partition("[")[0] for name in fields}
    return Record(
        record.id,
        {name: value for name, value in record.fields.items() if name in fields},
        {name: items for name, items in record.associations.items() if name in associations},
        record.rows,
    )


def _above(where: Mapping[str, Sequence[int | str]], after: int) -> dict[str, Sequence[int | str]]:
    """*where* with the ids up to *after* left out, because two filters on `id` can't be sent."""
    return {
        name: [value for value in values if int(value) > after] if name == "id" else values
        for name, values in where.items()
    }
