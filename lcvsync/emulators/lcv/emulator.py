"""An LCV back office as `docs/lcv-api.yaml` describes it, answering requests one by one, without sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv.answers import RefusalError, answer, json_body, plain_refusal, zipped
from lcvsync.emulators.lcv.associations import Association, Associations
from lcvsync.emulators.lcv.control import Control
from lcvsync.emulators.lcv.customers import Customers
from lcvsync.emulators.lcv.feeds import CursorExpiredError, Feed
from lcvsync.emulators.lcv.photos import media_type
from lcvsync.emulators.lcv.sales import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import datetime

    from lcvsync.emulators.lcv.state import Catalogue

BASE = "/api/v1"
_LIMITS = {"articles": (200, 500), "stock": (2000, 5000), "prices": (2000, 5000), "promotions": (200, 500)}
"""Of each feed: how many records a page has by default, and at most."""
_GREATEST_INTEGER = 2**63 - 1


class LcvEmulator:
    """One back office: what it knows (*catalogue*), who may ask (*username*, *password*), what time it is (*clock*)."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        username: str,
        password: str,
        clock: Callable[[], datetime],
        name: str = "Boutiques Martin",
    ) -> None:
        self.catalogue = catalogue
        self.associations = Associations(username, password, clock)
        self._ledger = Ledger(catalogue, clock)
        self._customers = Customers()
        self._control = Control(catalogue, self.associations, self._ledger, self._customers)
        self._clock = clock
        self._name = name

    def handle(self, request: Request) -> Response:
        """Answer one request of the contract."""
        try:
            response = self._route(request)
        except RefusalError as refusal:
            response = refusal.response
        return zipped(request, response)

    def control(self, request: Request) -> Response:
        """Answer one request under `/_emulator/lcv/`."""
        return self._control.handle(request)

    def books(self) -> tuple[object, ...]:
        """What it keeps: the catalogue, the documents, the customers."""
        return self.catalogue, self._ledger, self._customers

    def refusal(self, status: int) -> Response:
        """The error that a fault on demand answers with."""
        return plain_refusal(status)

    def _route(self, request: Request) -> Response:
        if not request.path.startswith(f"{BASE}/"):
            raise _unknown(request.path)
        path = request.path.removeprefix(BASE)
        operations = self._operations(path)
        if not operations:
            raise _unknown(request.path)
        operation = operations.get(request.method)
        if operation is None:
            refusal = RefusalError(405, "method_not_allowed", f"{request.method} is not for {path}.")
            refusal.response.headers["Allow"] = ", ".join(operations)
            raise refusal
        if operation not in {self._discover, self._associate}:
            self._asking(request)
        return operation(request)

    def _operations(self, path: str) -> dict[str, Callable[[Request], Response]]:
        """What can be done with *path*, by method; nothing where the contract has no such path."""
        exact: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/": {"GET": self._discover},
            "/associations": {"POST": self._associate},
            "/associations/current": {"DELETE": self._disassociate},
            "/revisions": {"GET": self._revisions},
            "/tables": {"GET": self._tables},
            "/sales": {"GET": self._list_sales, "POST": self._post_sale},
            **{f"/{feed}": {"GET": self._feed} for feed in _LIMITS},
        }
        if path.startswith("/articles/"):
            return {"GET": self._article}
        if path.startswith("/photos/"):
            return {"GET": self._photo}
        if path.startswith("/customers/"):
            return {"PUT": self._put_customer}
        return exact.get(path, {})

    def _asking(self, request: Request) -> Association:
        """Whose key *request* carries; refuses with 401."""
        return self.associations.authenticate(request.headers.get("authorization"))

    def _discover(self, request: Request) -> Response:
        return answer({"service": "lcv-backoffice", "api_version": "1.0", "name": self._name})

    def _associate(self, request: Request) -> Response:
        made = self.associations.associate(json_body(request))
        shown = {"association_id": made.association_id, "access_key": made.access_key, "expires_at": None}
        return answer(shown, 201, {"Cache-Control": "no-store"})

    def _disassociate(self, request: Request) -> Response:
        self.associations.revoke(self._asking(request))
        return Response(204)

    def _revisions(self, request: Request) -> Response:
        revisions = self.catalogue.revisions()
        etag = '"{}"'.format("-".join(str(revision) for revision in revisions.values()))
        wanted = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if etag in wanted or "*" in wanted:
            return Response(304, headers={"ETag": etag})
        time = self._clock().isoformat(timespec="seconds")
        return answer({**revisions, "server_time": time}, headers={"ETag": etag})

    def _tables(self, request: Request) -> Response:
        return answer({"revision": self.catalogue.tables_revision, **vars(self.catalogue.tables)})

    def _feed(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        since, limit = _window(request, *_LIMITS[name])
        feed: Feed[Any] = getattr(self.catalogue, name)
        try:
            page = feed.page(since, limit)
        except CursorExpiredError:
            return plain_refusal(410)
        items = [_item(key, revision, record) for key, revision, record in page.items]
        return answer({"items": items, "next": page.next, "more": page.more})

    def _article(self, request: Request) -> Response:
        key = request.path.removeprefix(f"{BASE}/articles/")
        article = self.catalogue.articles.get(key)
        if article is None:
            raise RefusalError(404, "not_found", f"There is no article {key}.")
        return answer(_item(key, self.catalogue.articles.revision(key), article))

    def _photo(self, request: Request) -> Response:
        key = request.path.removeprefix(f"{BASE}/photos/")
        content = self.catalogue.photos.get(key)
        if content is None:
            raise RefusalError(404, "not_found", f"There is no photo {key}.")
        return Response(200, content, {"Content-Type": media_type(content)})

    def _post_sale(self, request: Request) -> Response:
        receipt, is_new = self._ledger.post(self._asking(request).association_id, request)
        return answer(receipt, 201 if is_new else 200)

    def _list_sales(self, request: Request) -> Response:
        order = request.parameter("order_id")
        if not order:
            raise RefusalError(400, "malformed", "The query can't be understood.", details={"order_id": "is required"})
        return answer({"items": self._ledger.of_order(self._asking(request).association_id, order)})

    def _put_customer(self, request: Request) -> Response:
        external_id = request.path.removeprefix(f"{BASE}/customers/")
        code = self._customers.put(self._asking(request).association_id, external_id, json_body(request))
        return answer({"customer_code": code})


def _item(key: Hashable, revision: int, record: object | None) -> dict[str, object]:
    """A record of a feed, or its tombstone, as the contract shows it."""
    if record is None:
        return {"id": key, "deleted": True, "revision": revision}
    return {**vars(record), "revision": revision}


def _window(request: Request, default: int, greatest: int) -> tuple[int, int]:
    """`since` and `limit` of a request; refuses with 400 and every problem at once."""
    problems: dict[str, str] = {}
    since = _integer(request, "since", 0, _GREATEST_INTEGER, problems)
    limit = default
    if request.parameter("limit") is not None:
        limit = _integer(request, "limit", 1, greatest, problems)
    if problems:
        raise RefusalError(400, "malformed", "The query can't be understood.", details=problems)
    return since, limit


def _integer(request: Request, name: str, least: int, greatest: int, problems: dict[str, str]) -> int:
    """A required parameter; what is wrong with it goes to *problems*."""
    text = request.parameter(name)
    if text is None:
        problems[name] = "is required"
    elif not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= greatest):
        problems[name] = f"must be an integer from {least} to {greatest}"
    else:
        return int(text)
    return least


def _unknown(path: str) -> RefusalError:
    return RefusalError(404, "not_found", f"There is no {path} here.")
