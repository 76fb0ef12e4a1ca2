"""The `BackOffice` port over HTTP: one request a call, one page in memory at a time.

A record that can't be read doesn't hide the others of its page: it becomes a `BadRecord`. What is wrong with a whole
page, or with a table, is a BadAnswer, because nobody could say what the rest is worth.

What was sent to be recorded is never left to guessing: a document without a clear answer is sent again, which the
contract makes harmless, and is `Uncertain` when no try got one.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from lcvsync.domain.catalogue import Feed
from lcvsync.errors import BadAnswer, Temporary, Uncertain
from lcvsync.lcv import protocol, sales, wire
from lcvsync.lcv.association import transport_for
from lcvsync.lcv.fields import Payload, read
from lcvsync.ports import BadRecord, Page
from lcvsync.transport import Budget, one_line, retry_delay

if TYPE_CHECKING:
    from collections.abc import Callable

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
    from lcvsync.domain.sales import CustomerRecord, DocumentId, Receipt, Sale
    from lcvsync.lcv.association import Association
    from lcvsync.ports import Clock
    from lcvsync.transport import Answer, Request, RequestCount, Transport

_log = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P", bound=Payload)

_KEYS = {
    Feed.ARTICLES: ("id",),
    Feed.STOCK: ("sku", "store"),
    Feed.PRICES: ("sku", "price_list"),
    Feed.PROMOTIONS: ("id",),
}
"""The members that name a record of a feed."""


class HttpBackOffice:
    """LCV as the port has it, over *transport*, whose headers carry the access key. Also a context manager."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    @classmethod
    def of(cls, association: Association, clock: Clock, *, count: RequestCount | None = None) -> Self:
        """The back office of an association, its certificate pinned where the association has a fingerprint."""
        return cls(transport_for(association, clock, count=count), clock)

    def revisions(self, etag: str | None = None) -> Revisions | None:
        """The newest revision of every feed; None when nothing changed since *etag*."""

        def decipher(answer: Answer) -> Revisions | None:
            if answer.status == 304 and etag:
                return None
            found = _payload(answer, wire.Revisions, "the newest revisions")
            return found.to_domain(protocol.etag_of(answer))

        return self._transport.ask(protocol.revisions(etag), decipher)

    def tables(self) -> Tables:
        """Every parameter table, whole. One row that can't be read is a BadAnswer naming table and row."""
        return self._transport.ask(
            protocol.tables(), lambda answer: _payload(answer, wire.Tables, "the parameter tables").to_domain()
        )

    def articles(self, since: int) -> Page[Article | Tombstone]:
        """The next articles after revision *since*."""
        return self._page(Feed.ARTICLES, since, _article)

    def stock(self, since: int) -> Page[StockLevel]:
        """The next quantities by variant and store."""
        return self._page(Feed.STOCK, since, lambda item: read(wire.StockLevel, item).to_domain())

    def prices(self, since: int) -> Page[Price]:
        """The next prices by variant and price list."""
        return self._page(Feed.PRICES, since, lambda item: read(wire.Price, item).to_domain())

    def promotions(self, since: int) -> Page[Promotion | Tombstone]:
        """The next promotions."""
        return self._page(Feed.PROMOTIONS, since, _promotion)

    def photo(self, photo: PhotoId) -> bytes:
        """A photo's bytes; whether they are those of its `sha256` is for who knows the article."""

        def decipher(answer: Answer) -> bytes:
            content = protocol.decipher(answer, f"photo {one_line(photo, 60)}")
            kind = one_line(answer.headers.get("content-type", ""), 40)
            if not content or protocol.is_page(answer) or kind.startswith(("text/", "application/json")):
                raise BadAnswer(
                    f"{answer.address}: expected a picture, got {len(content)} bytes of {kind or 'nothing'}"
                )
            return content

        return self._transport.ask(protocol.photo(photo), decipher)

    def record_sale(self, sale: Sale) -> Receipt:
        """Record a document, once however often it is sent."""
        request = protocol.sale(sale.document_id, sales.sale_body(sale))
        tries = 0

        def decipher(answer: Answer) -> Receipt:
            receipt = _receipt(answer, sale.document_id)
            return replace(receipt, repeated=answer.status == 200 and tries == 1)

        def count(request: Request) -> Receipt:
            nonlocal tries
            tries += 1
            return self._transport.ask(request, decipher)

        return self._insist(request, count)

    def sales_of(self, order_id: str) -> list[Receipt]:
        """The documents of one order, oldest first."""
        found = self._transport.ask(
            protocol.sales_of(order_id),
            lambda answer: _payload(answer, sales.SaleReceipts, f"the documents of order {order_id}"),
        )
        return [receipt.to_domain() for receipt in found.items]

    def put_customer(self, external_id: str, customer: CustomerRecord) -> str:
        """Create or replace a customer; LCV's code for it."""
        last: Answer | None = None

        def decipher(answer: Answer) -> str:
            nonlocal last
            last = answer = protocol.discreet(answer)
            protocol.check_taken(answer, f"customer {external_id}")
            return _payload(answer, sales.CustomerCode, "a customer code").customer_code

        try:
            return self._transport.ask(protocol.customer(external_id, sales.customer_body(customer)), decipher)
        except Temporary:
            if last is not None:
                protocol.check_told(last)
            raise

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _insist(self, request: Request, ask: Callable[[Request], T]) -> T:
        """What *ask* makes of a safe *request*, repeated as `Transport.ask` repeats; with Uncertain for any lost try.

        `Transport.ask` can't be left to repeat it, since what it raises tells of the last try only: a lost answer
        followed by a refused connection would look as if nothing had been recorded. Asked as if it were unsafe, each
        try says so.
        """
        started = self._clock.monotonic()
        attempt, doubt = 1, None
        while True:
            try:
                return ask(replace(request, safe=False))
            except Uncertain as failure:
                doubt = failure
                reason = Temporary(str(failure))
            except Temporary as failure:
                reason = failure
            spent = self._clock.monotonic() - started
            delay = retry_delay(reason, attempt, Budget(), spent=spent)
            if delay is None:
                raise doubt or reason
            _log.info("%s; trying again in %.1f s", reason, delay)
            self._clock.sleep(delay)
            attempt += 1

    def _page(self, feed: Feed, since: int, parse: Callable[[Any], T]) -> Page[T]:
        def decipher(answer: Answer) -> Page[T]:
            envelope = _payload(answer, wire.PageEnvelope, f"a page of {feed.value}")
            if envelope.next < since or (envelope.more and envelope.next == since):
                raise BadAnswer(
                    f"{answer.address}: expected a cursor beyond {since}, got {envelope.next}: it doesn't advance",
                    cure="tell who runs the back office; lcvsync reads nothing twice for ever",
                )
            if envelope.more and not any(_is_new(item, since) for item in envelope.items):
                raise BadAnswer(
                    f"{answer.address}: expected records newer than {since}, got none, and more to come",
                    cure="tell who runs the back office; lcvsync reads nothing twice for ever",
                )
            items, bad = _read_all(envelope.items, _KEYS[feed], parse)
            return Page(items, envelope.next, envelope.more, bad)

        return self._transport.ask(protocol.page(feed, since), decipher)


def _is_new(item: Any, since: int) -> bool:
    """Whether a record is newer than the page before it; what can't be read is named, so it counts."""
    revision = item.get("revision") if isinstance(item, dict) else None
    return type(revision) is not int or revision > since


def _article(item: Any) -> Article | Tombstone:
    return (read(wire.Tombstone, item) if _is_gone(item) else read(wire.Article, item)).to_domain()


def _promotion(item: Any) -> Promotion | Tombstone:
    return (read(wire.Tombstone, item) if _is_gone(item) else read(wire.Promotion, item)).to_domain()


def _is_gone(item: Any) -> bool:
    return isinstance(item, dict) and item.get("deleted") is True


def _payload(answer: Answer, kind: type[P], what: str) -> P:
    """The whole answer as one payload; *what* it should be. Raises BadAnswer naming the members at fault."""
    data = protocol.read_json(answer, what)
    try:
        return read(kind, data)
    except ValueError as error:
        raise BadAnswer(f"{answer.address}: expected {what}: {error}") from error


def _receipt(answer: Answer, document: DocumentId) -> Receipt:
    """The receipt of the *document* that was sent; Uncertain where the answer says yes, but not to what."""
    protocol.check_taken(answer, f"document {document}")
    protocol.check_told(answer)
    try:
        receipt = _payload(answer, sales.SaleReceipt, f"the receipt of {document}").to_domain()
        if receipt.document_id != document:
            found = one_line(receipt.document_id, 80)
            raise BadAnswer(f"{answer.address}: expected the receipt of {document}, got that of {found}")
    except BadAnswer as error:
        if answer.status < 300:
            raise Uncertain(f"{error}; the document may have been recorded", cure=error.cure) from error
        raise
    return receipt


def _read_all(
    items: list[Any], members: tuple[str, ...], parse: Callable[[Any], T]
) -> tuple[tuple[T, ...], tuple[BadRecord, ...]]:
    """Every record by itself, and those that can't be read; *members* are what names one."""
    good: list[T] = []
    bad: list[BadRecord] = []
    for place, item in enumerate(items, 1):
        try:
            good.append(parse(item))
        except ValueError as error:
            bad.append(BadRecord(_name(item, members) or f"record {place} of the page", str(error)))
    return tuple(good), tuple(bad)


def _name(item: Any, members: tuple[str, ...]) -> str:
    """The record's key as far as it can be read: `M-104-38/PARIS`; "" when not at all."""
    found = [item.get(member) for member in members] if isinstance(item, dict) else []
    return one_line("/".join(part for part in found if isinstance(part, str)), 100)
