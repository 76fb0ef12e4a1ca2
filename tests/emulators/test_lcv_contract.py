"""Every answer of the LCV emulator, checked against the contract."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator, generate

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "lcv-api.yaml").read_text(encoding="utf-8"))
FEEDS = ("articles", "stock", "prices", "promotions")
PROTECTED = [
    (method.upper(), path)
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
    if operation.get("security") != []
]
CREDENTIALS = {
    "username": "demo",
    "password": "secret",
    "client_name": "lcvsync",
    "client_version": "1",
    "shop_url": "https://shop.example/",
}

formats = FormatChecker()


@formats.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    """RFC 3339 with an offset, as the contract wants every time."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Office:
    """One emulator with one association, asked without sockets; every answer is checked against the contract."""

    def __init__(self, articles: int = 3) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.catalogue = generate(3, articles)
        account = {"username": "demo", "password": "secret"}
        self.emulator = LcvEmulator(catalogue=self.catalogue, clock=lambda: self.now, **account)
        self.key = self.ask("POST", "/associations", body=CREDENTIALS).json["access_key"]

    def ask(self, method: str, target: str, *, key: str | None = None, body: object = None, **headers: str) -> Answer:
        """Ask the API; *key* None sends the association's own, "" none."""
        path, _, query = target.partition("?")
        sent = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        key = getattr(self, "key", "") if key is None else key
        if key:
            sent["authorization"] = f"Bearer {key}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, f"/api/v1{path}", parse_qsl(query, keep_blank_values=True), sent, content)
        answer = Answer(self.emulator.handle(request))
        check(method, path, answer)
        return answer

    def control(self, method: str, action: str, body: object = None) -> Answer:
        """Steer the emulator; must succeed."""
        request = Request(method, f"/_emulator/lcv/{action}", [], {}, json.dumps(body).encode())
        answer = Answer(self.emulator.control(request))
        assert answer.status == 200, answer.body
        return answer


class Answer:
    """An answer, decompressed."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        zipped = response.headers.get("Content-Encoding") == "gzip"
        self.body = gzip.decompress(response.body) if zipped else response.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def fields(self) -> list[str]:
        return [detail["field"] for detail in self.json["error"].get("details", [])]


def validate(schema: dict[str, Any], content: object) -> None:
    """Check *content* against a schema of the contract; raises ValidationError."""
    Draft202012Validator({**schema, "components": CONTRACT["components"]}, format_checker=formats).validate(content)


def template(path: str) -> str:
    """The contract's path for a concrete one."""
    if path in CONTRACT["paths"]:
        return path
    return next((known for known in CONTRACT["paths"] if "{" in known and path.startswith(known.split("{")[0])), path)


def check(method: str, path: str, answer: Answer) -> None:
    """Check one answer against what the contract says of this operation."""
    if answer.status >= 400:
        assert answer.headers["Content-Type"].startswith("application/json")
        validate({"$ref": "#/components/schemas/Error"}, answer.json)
        assert (answer.status in {429, 503}) == ("Retry-After" in answer.headers)
        return
    documented = CONTRACT["paths"][template(path)][method.lower()]["responses"][str(answer.status)]
    content = documented.get("content")
    if content is None:
        assert answer.body == b""
        return
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert media_type in content
    if "schema" in content[media_type]:
        validate(content[media_type]["schema"], answer.json)


@pytest.fixture
def office() -> Office:
    """A small back office, associated."""
    return Office()


@pytest.fixture(scope="module")
def odd_office() -> Office:
    """A back office with every oddity; to be read only."""
    return Office(60)


def test_the_check_itself_can_fail(office: Office) -> None:
    """An article without its name, or a time without offset, would be found."""
    article = office.ask("GET", "/articles?since=0").json["items"][0]
    promotion = office.ask("GET", "/promotions?since=0").json["items"][0]
    del article["name"]
    promotion["starts_at"] = "2026-11-23T10:00:00"

    with pytest.raises(ValidationError):
        validate({"$ref": "#/components/schemas/Article"}, article)
    with pytest.raises(ValidationError):
        validate({"$ref": "#/components/schemas/Promotion"}, promotion)


def test_discovery_needs_no_key(office: Office) -> None:
    """Anybody may ask whether this is an LCV back office."""
    assert office.ask("GET", "/", key="").json["service"] == "lcv-backoffice"


def test_a_second_association_of_a_shop_revokes_the_first_key(office: Office) -> None:
    """Same user name and shop: same id, new key, and the old key is refused."""
    old = office.key
    again = office.ask("POST", "/associations", key="", body=CREDENTIALS)
    other = office.ask("POST", "/associations", key="", body=CREDENTIALS | {"shop_url": "https://other.example/"})

    assert again.status == 201
    assert again.json["access_key"] not in {old, other.json["access_key"]}
    assert office.emulator.associations.to_json()[0]["association_id"] == again.json["association_id"]
    assert other.json["association_id"] != again.json["association_id"]
    assert office.ask("GET", "/tables", key=old).code == "invalid_key"
    assert office.ask("GET", "/tables", key=again.json["access_key"]).status == 200
    assert office.ask("GET", "/tables", key=other.json["access_key"]).status == 200


@pytest.mark.parametrize("wrong", [{"password": "Secret"}, {"username": "Demo"}])
def test_wrong_credentials(office: Office, wrong: dict[str, str]) -> None:
    """They are refused, and the keys given before stay good."""
    assert office.ask("POST", "/associations", key="", body=CREDENTIALS | wrong).code == "bad_credentials"
    assert office.ask("GET", "/tables").status == 200


def test_too_many_wrong_passwords(office: Office) -> None:
    """After five, even the right one has to wait for as long as Retry-After says."""
    for _ in range(5):
        assert office.ask("POST", "/associations", key="", body=CREDENTIALS | {"password": "x"}).status == 401
    refused = office.ask("POST", "/associations", key="", body=CREDENTIALS)
    assert (refused.status, refused.code) == (429, "too_many_attempts")
    office.now += timedelta(seconds=int(refused.headers["Retry-After"]))

    assert office.ask("POST", "/associations", key="", body=CREDENTIALS).status == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"{", ["body"]),
        ([], ["body"]),
        ({}, ["username", "password", "client_name", "client_version", "shop_url"]),
        (CREDENTIALS | {"password": 1, "client_name": None}, ["password", "client_name"]),
        (CREDENTIALS | {"shop_url": "shop.example"}, ["shop_url"]),
        (CREDENTIALS | {"shop_url": "http://[shop"}, ["shop_url"]),
    ],
)
def test_a_malformed_association_request(office: Office, body: object, fields: list[str]) -> None:
    """422 `invalid`, with every problem at once."""
    answer = office.ask("POST", "/associations", key="", body=body)

    assert (answer.status, answer.code, answer.fields) == (422, "invalid", fields)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_key_is_needed(office: Office, method: str, path: str) -> None:
    """No key, an unknown one and a revoked one are `invalid_key`; an expired one says so."""
    path = path.replace("{id}", "100001").replace("{external_id}", "7")
    codes = [office.ask(method, path, key=key).code for key in ("", "x" * 40)]
    office.control("POST", "key", {"expire": True})
    codes.append(office.ask(method, path).code)
    office.control("POST", "key", {"revoke": True})
    codes.append(office.ask(method, path).code)

    assert codes == ["invalid_key", "invalid_key", "expired_key", "invalid_key"]


def test_another_scheme_than_bearer_is_refused(office: Office) -> None:
    """The key as a Basic password is no key."""
    assert office.ask("GET", "/tables", key="", Authorization=f"Basic {office.key}").status == 401
    assert office.ask("GET", "/tables", key="", Authorization=f"bearer {office.key}").status == 200


def test_disassociation_revokes_the_key_in_use(office: Office) -> None:
    """The key is dead afterwards, another shop's isn't."""
    other = office.ask("POST", "/associations", key="", body=CREDENTIALS | {"shop_url": "https://other.example/"}).json

    assert office.ask("DELETE", "/associations/current").status == 204
    assert office.ask("GET", "/tables").code == "invalid_key"
    assert office.ask("GET", "/tables", key=other["access_key"]).status == 200


def test_revisions_answer_304_until_something_changes(office: Office) -> None:
    """The ETag stays the same while time goes on, and changes with every change."""
    first = office.ask("GET", "/revisions")
    etag = first.headers["ETag"]
    office.now += timedelta(hours=1)
    unchanged = office.ask("GET", "/revisions", If_None_Match=f'"other", W/{etag}')
    office.control("POST", "sell", {"sku": "x", "store": "LYO", "quantity": 1})
    changed = office.ask("GET", "/revisions", If_None_Match=etag)

    assert (unchanged.status, unchanged.body, unchanged.headers["ETag"]) == (304, b"", etag)
    assert changed.status == 200
    assert changed.json["stock"] > max(first.json[feed] for feed in (*FEEDS, "tables"))
    assert {feed: changed.json[feed] for feed in ("tables", "articles", "prices", "promotions")} == {
        feed: first.json[feed] for feed in ("tables", "articles", "prices", "promotions")
    }


def test_the_tables(odd_office: Office) -> None:
    """All are there; the web store's stock stores and price list exist; famille and sous-famille may be null."""
    tables = odd_office.ask("GET", "/tables").json
    stores = {store["code"] for store in tables["stores"]}
    (web_store,) = tables["web_stores"]

    assert len(stores) >= 5
    assert set(web_store["stock_stores"]) < stores
    assert web_store["price_list"] in {price_list["code"] for price_list in tables["price_lists"]}
    assert len(tables["brands"]) >= 25
    assert {rate["rate"] for rate in tables["vat_rates"]} == {"20.00", "10.00", "5.50", "2.10"}
    assert any(row["famille"] is None for row in tables["departments"])
    assert any(row["famille"] and row["sous_famille"] is None for row in tables["departments"])
    assert {row["axis"] for row in tables["categories"]} == {"collection", "occasion"}


@pytest.mark.parametrize("feed", FEEDS)
def test_every_page_of_every_feed(odd_office: Office, feed: str) -> None:
    """Pages conform, revisions grow, `next` leads on, and the reading ends at the revision that /revisions names."""
    since, more, seen = 0, True, 0
    while more:
        limit = 1 if seen < 3 else 7 if seen < 50 else 500
        page = odd_office.ask("GET", f"/{feed}?since={since}&limit={limit}").json
        revisions = [item["revision"] for item in page["items"]]
        assert revisions == sorted({*revisions})
        assert all(revision > since for revision in revisions)
        assert len(revisions) <= limit
        assert page["next"] == revisions[-1]
        since, more, seen = page["next"], page["more"], seen + len(revisions)

    assert seen == len(getattr(odd_office.catalogue, feed).records())
    assert since == odd_office.ask("GET", "/revisions").json[feed]


@pytest.mark.parametrize("feed", ["articles", "promotions"])
def test_tombstones(office: Office, feed: str) -> None:
    """What is deleted comes once, as a tombstone, and articles/{id} answers 404."""
    before = office.ask("GET", f"/{feed}?since=0").json
    key = before["items"][0]["id"]
    office.control("DELETE", f"{feed}/{key}")
    (tombstone,) = office.ask("GET", f"/{feed}?since={before['next']}").json["items"]

    assert (tombstone["id"], tombstone["deleted"]) == (key, True)
    assert office.ask("GET", "/articles/100001").status == (404 if feed == "articles" else 200)


def test_one_article(odd_office: Office) -> None:
    """By its id, as in the feed; another is 404."""
    items = odd_office.ask("GET", "/articles?since=0").json["items"][::6]

    assert [odd_office.ask("GET", f"/articles/{item['id']}").json for item in items] == items
    assert odd_office.ask("GET", "/articles/none").code == "not_found"


def test_photos_are_what_the_articles_say(odd_office: Office) -> None:
    """The sha256 is of the bytes; the one photo without bytes answers 404."""
    photos = [photo for item in odd_office.ask("GET", "/articles?since=0").json["items"] for photo in item["photos"]]
    answers = {photo["id"]: (photo, odd_office.ask("GET", f"/photos/{photo['id']}")) for photo in photos}
    found = [(photo, answer.body) for photo, answer in answers.values() if answer.status == 200]

    assert len(found) == len(answers) - 1 == len(photos) - 1
    assert all(hashlib.sha256(content).hexdigest() == photo["sha256"] for photo, content in found)


def bound(feed: str) -> int:
    """The greatest limit of a feed, as the contract says."""
    (limit,) = (each for each in CONTRACT["paths"][f"/{feed}"]["get"]["parameters"] if each.get("name") == "limit")
    return int(limit["schema"]["maximum"])


@pytest.mark.parametrize("feed", FEEDS)
def test_the_bounds_of_a_query(office: Office, feed: str) -> None:
    """The greatest limit is accepted, one more isn't; the default page is as long as the contract says."""
    for query, fields in {
        "since=0&limit=0": ["limit"],
        f"since=0&limit={bound(feed) + 1}": ["limit"],
        "limit=1": ["since"],
        "since=-1": ["since"],
        "since=": ["since"],
        "since=1.0&limit=x": ["since", "limit"],
        "since=²": ["since"],
        f"since={10**30}": ["since"],
    }.items():
        answer = office.ask("GET", f"/{feed}?{query}")
        assert (answer.status, answer.fields) == (400, fields), query

    assert office.ask("GET", f"/{feed}?since=0&limit={bound(feed)}").status == 200


@pytest.mark.parametrize(
    ("feed", "records"), [("articles", 200), ("stock", 2000), ("prices", 2000), ("promotions", 200)]
)
def test_the_default_limit(office: Office, feed: str, records: int) -> None:
    """Without a limit a page has what the contract names as the default."""
    entries: Any = getattr(office.catalogue, feed)
    _, record = entries.records()[0]
    for number in range(records + 1):
        entries.put(number, record)
    headers = {"authorization": f"Bearer {office.key}"}
    page = Answer(office.emulator.handle(Request("GET", f"/api/v1/{feed}", [("since", "0")], headers, b""))).json
    assert (len(page["items"]), page["more"]) == (records, True)


@pytest.mark.parametrize("feed", FEEDS)
def test_an_expired_cursor(office: Office, feed: str) -> None:
    """410 until the feed is read from 0."""
    office.control("POST", "expire-cursors", {"feed": feed})
    expired = office.ask("GET", f"/{feed}?since=1")
    fresh = office.ask("GET", f"/{feed}?since=0&limit=1").json

    assert (expired.status, expired.code) == (410, "cursor_expired")
    assert office.ask("GET", f"/{feed}?since={fresh['next']}").status == 200


def test_paths_and_methods_that_the_contract_lacks(office: Office) -> None:
    """They are errors in the contract's shape, too."""
    assert office.ask("GET", "/nothing").status == 404
    assert office.ask("POST", "/tables").status == 405
    assert office.ask("PUT", "/sales").headers["Allow"] == "GET, POST"
    assert office.ask("GET", "/customers/7").headers["Allow"] == "PUT"
    assert office.emulator.handle(Request("GET", "/elsewhere", [], {}, b"")).status == 404


@pytest.mark.parametrize("status", [400, 401, 404, 410, 418, 422, 429, 500, 503])
def test_faults_on_demand_have_the_contracts_shape(office: Office, status: int) -> None:
    """A status that the harness is told to answer has the body `Error`, and Retry-After where it belongs."""
    check("GET", "/tables", Answer(office.emulator.refusal(status)))


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("identity", False), ("gzip;q=0", False), ("", False)],
)
def test_gzip_for_who_accepts_it(office: Office, accepted: str, zipped: bool) -> None:
    """JSON is compressed on request, and says the same."""
    answer = office.ask("GET", "/tables", Accept_Encoding=accepted)

    assert ("Content-Encoding" in answer.headers) is zipped
    assert answer.json == office.ask("GET", "/tables").json


PATHS = (*CONTRACT["paths"], "/sales", "/articles", "/nowhere", "")
WORDS = st.sampled_from(["", "0", "1", "-1", "5000", "9" * 40, "1e9", "é", "\x00", "..", "%2e", "A-1", "true", "[]"])
TOLD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SALE: dict[str, Any] = {
    "document_id": "D-1", "kind": "sale", "refers_to": None, "order_id": "1", "order_reference": "R",
    "web_store": "WEB", "date": "2026-11-23T10:00:00+01:00", "customer": None, "payments": [],
    "total_incl_tax": "0.00", "lines": [],
}  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=30),
    TOLD.map(lambda told: json.dumps(told).encode()),
    st.dictionaries(st.sampled_from([*SALE, *CREDENTIALS]), TOLD, max_size=4).map(
        lambda bent: json.dumps({**SALE, **CREDENTIALS, **bent}).encode()
    ),
)


@pytest.fixture(scope="module")
def poked_office() -> Office:
    """A back office that may be in any state."""
    return Office()


@pytest.mark.deep
@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    st.sampled_from(PATHS),
    WORDS,
    st.lists(st.tuples(st.sampled_from(["since", "limit", "order_id", "x"]), WORDS), max_size=3),
    BODIES,
    st.booleans(),
)
def test_whatever_is_asked(
    poked_office: Office,
    method: str,
    path: str,
    word: str,
    query: list[tuple[str, str]],
    body: bytes,
    known: bool,
) -> None:
    """Every answer to every request has a status and a body that the contract has; `Office.ask` checks them."""
    concrete = re.sub(r"\{[^}]*\}", lambda _: word, path)
    answer = poked_office.ask(
        method,
        f"{concrete}?{urlencode(query)}",
        key=None if known else word or "x",
        body=body,
        Idempotency_Key="D-1",
    )
    assert answer.status in {200, 201, 204, 304, 400, 401, 404, 405, 409, 410, 422, 429}
    if known and answer.status == 401:  # the key was revoked: go on with another one
        poked_office.key = poked_office.ask("POST", "/associations", body=CREDENTIALS, key="").json["access_key"]
