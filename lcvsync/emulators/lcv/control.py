"""What tests and the demo do to the back office behind its API: `/_emulator/lcv/...`, in JSON.

    GET    dump                              everything, without access keys; dump?only=sales,stock: these parts
    POST   tables                            rows to add or replace, by table
    POST   articles | promotions             one record or a list, whole, to add or replace
    POST   stock | prices                    one row or a list
    DELETE articles/ID | promotions/ID       leave a tombstone
    POST   photo            {id, base64}     replace a photo's bytes, and its sha256 where it is shown
    POST   sell             {sku, store, quantity}
    POST   expire-cursors   {feed}           drop tombstones; cursors get 410 until a reading from 0
    POST   key              {expire: true} or {revoke: true}
    POST   services         references to add, as a list
    POST   lose-sale        {document_id}    forget it, as a restored backup does, and what refers to it

Every answer but the dump's has `revisions`; a malformed body is answered 422 with its reason and changes nothing.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv.answers import RefusalError, answer, json_body
from lcvsync.emulators.lcv.records import Article, Price, Promotion, StockLevel
from lcvsync.emulators.lcv.state import FEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lcvsync.emulators.http import Request, Response
    from lcvsync.emulators.lcv.associations import Associations
    from lcvsync.emulators.lcv.customers import Customers
    from lcvsync.emulators.lcv.feeds import Feed
    from lcvsync.emulators.lcv.sales import Ledger
    from lcvsync.emulators.lcv.state import Catalogue

PREFIX = "/_emulator/lcv/"


class Control:
    """Changes one catalogue and its associations from outside the API."""

    def __init__(self, catalogue: Catalogue, associations: Associations, ledger: Ledger, customers: Customers) -> None:
        self._catalogue = catalogue
        self._associations = associations
        self._ledger = ledger
        self._customers = customers
        self._posts: dict[str, Callable[[Any], Mapping[str, object] | None]] = {
            "tables": self._post_tables,
            "articles": self._posting(Article.from_json, catalogue.put_article),
            "stock": self._posting(StockLevel.from_json, catalogue.put_stock),
            "prices": self._posting(Price.from_json, catalogue.put_price),
            "promotions": self._posting(Promotion.from_json, catalogue.put_promotion),
            "photo": self._post_photo,
            "sell": self._sell,
            "expire-cursors": self._expire_cursors,
            "key": self._key,
            "services": self._post_services,
            "lose-sale": self._lose_sale,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request; 404 for what is not known here."""
        action = request.path.removeprefix(PREFIX)
        try:
            if request.path == f"{PREFIX}dump" and request.method == "GET":
                return answer(self._dump(request.parameter("only")))
            if request.path.startswith(PREFIX) and request.method == "POST" and action in self._posts:
                return self._changed(self._posts[action](json_body(request)))
            if request.path.startswith(PREFIX) and request.method == "DELETE":
                self._delete(action)
                return self._changed(None)
            raise RefusalError(404, "not_found", f"There is no {request.method} {request.path} here.")
        except RefusalError as refusal:
            return refusal.response
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return RefusalError(422, "invalid", f"{type(error).__name__}: {error}").response

    def _changed(self, more: Mapping[str, object] | None) -> Response:
        return answer({"revisions": self._catalogue.revisions(), **(more or {})})

    def _dump(self, only: str | None) -> dict[str, object]:
        parts: dict[str, Callable[[], object]] = {
            "tables": lambda: self._catalogue.tables,
            **{name: partial(self._records, name) for name in FEEDS},
            "revisions": self._catalogue.revisions,
            "oddities": lambda: self._catalogue.oddities,
            "associations": self._associations.to_json,
            "services": lambda: self._catalogue.services,
            "sales": self._ledger.to_json,
            "customers": self._customers.to_json,
        }
        return {name: parts[name]() for name in (only.split(",") if only else parts)}

    def _records(self, feed: str) -> list[dict[str, object]]:
        return [{**vars(record), "revision": revision} for revision, record in getattr(self._catalogue, feed).records()]

    @staticmethod
    def _posting(parse: Callable[[Any], Any], put: Callable[[Any], int]) -> Callable[[Any], None]:
        """Take one record or several; all are parsed before the first is put."""

        def post(body: Any) -> None:
            for record in [parse(data) for data in (body if isinstance(body, list) else [body])]:
                put(record)

        return post

    def _post_tables(self, body: Any) -> None:
        self._catalogue.merge_tables(body)

    def _post_photo(self, body: Any) -> Mapping[str, object]:
        content = base64.b64decode(body["base64"], validate=True)
        return {"sha256": self._catalogue.put_photo(str(body["id"]), content)}

    def _sell(self, body: Any) -> Mapping[str, object]:
        return vars(self._catalogue.sell(body["sku"], body["store"], int(body["quantity"])))

    def _expire_cursors(self, body: Any) -> None:
        self._catalogue.expire_cursors(body["feed"])

    def _key(self, body: Any) -> None:
        if body.get("revoke"):
            self._associations.revoke_all()
        elif body.get("expire"):
            self._associations.expire_all()
        else:
            raise ValueError("expire or revoke must be true")

    def _post_services(self, body: Any) -> None:
        if not isinstance(body, list) or not all(isinstance(reference, str) for reference in body):
            raise TypeError("services are a list of strings")
        self._catalogue.services += [reference for reference in body if reference not in self._catalogue.services]

    def _lose_sale(self, body: Any) -> Mapping[str, object]:
        return {"lost": self._ledger.lose(body["document_id"])}

    def _delete(self, action: str) -> None:
        kind, _, key = action.partition("/")
        feeds: dict[str, Feed[Any]] = {"articles": self._catalogue.articles, "promotions": self._catalogue.promotions}
        if kind not in feeds or not feeds[kind].delete(key):
            raise RefusalError(404, "not_found", f"There is no {action} to delete.")
