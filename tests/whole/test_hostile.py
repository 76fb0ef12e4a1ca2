"""A back office and a shop that answer anything but the truth, in whole runs.

Whatever one answer is: the run ends in time with 3, 4 or 5 and says why, what isn't ours is never written, and once the
other side is itself again the next run brings everything into step.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from lcvsync.cli.main import run
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.server import Emulator, EmulatorServer
from lcvsync.runner.report import Report

from .harness import KEY, World, world
from .test_failures import _new as new_article
from .till import Till

HERE = "http://127.0.0.1:9/elsewhere?ws_key=SECRET"
ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\u2066\x00evil"


class Lying:
    """An emulator of whose answers *lie* makes others; None: it says the truth."""

    def __init__(self, emulator: Emulator, lie: Callable[[Request, Response], Response | None]) -> None:
        self.emulator = emulator
        self._lie = lie
        self.lies = 0

    def handle(self, request: Request) -> Response:
        response = self.emulator.handle(request)
        if response.body[:2] == b"\x1f\x8b":
            response = Response(response.status, gzip.decompress(response.body), {"Content-Type": "application/json"})
        lie = self._lie(request, response)
        self.lies += lie is not None
        return response if lie is None else lie

    def control(self, request: Request) -> Response:
        return self.emulator.control(request)


@contextlib.contextmanager
def lying(server: EmulatorServer, lie: Callable[[Request, Response], Response | None]) -> Iterator[Lying]:
    honest = server.emulator
    server.emulator = liar = Lying(honest, lie)
    try:
        yield liar
    finally:
        server.emulator = honest


def about(path: str, made: Callable[[Response], Response], method: str = "GET") -> Callable[..., Response | None]:
    """A lie about one path only."""
    return lambda request, response: (
        made(response) if request.path.endswith(path) and request.method == method else None
    )


def said(data: object, **headers: str) -> Callable[[Response], Response]:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return lambda _: Response(200, body, headers)


def failed_well(made: World, report: Report, *, codes: tuple[int, ...] = (3, 4, 5)) -> None:
    """An expected failure, told in one line that a terminal can show."""
    assert report.exit_code in codes, (report.exit_code, report.error)
    for text in (report.error, *(failure.error for failure in report.failed)):
        assert all(character.isprintable() for character in text), text
        assert KEY not in text
        assert "SECRET" not in text


NEWEST = dict.fromkeys(("tables", "articles", "stock", "prices", "promotions"), 10**9)
LCV_LIES: dict[str, tuple[str, Callable[[Response], Response]]] = {
    "no object": ("revisions", said([])),
    "numbers beyond everything": ("revisions", said({**NEWEST, "stock": 10**30})),
    "a number of thousands of digits": ("revisions", said(b'{"tables": ' + b"9" * 5000 + b"}")),
    "1e999": ("revisions", said(b'{"tables": 1e999, "articles": NaN, "stock": -0.0}')),
    "deep": ("revisions", said(b"[" * 200_000)),
    "an error with 200": ("revisions", said({"error": {"code": "internal", "message": ESCAPES}})),
    "another host": ("revisions", lambda _: Response(302, b"", {"Location": HERE})),
    "permanently": ("stock", lambda _: Response(308, b"", {"Location": HERE})),
    "no gzip": ("stock", said({"items": [], "next": 1, "more": False}, **{"Content-Encoding": "gzip"})),
    "not UTF-8": ("stock", said('{"items": ["é"]}'.encode("utf-16"))),
    "a status of its own": ("stock", lambda _: Response(299, b"{}")),
    "401 in escapes": (
        "stock",
        lambda _: Response(401, json.dumps({"error": {"code": ESCAPES, "message": ESCAPES}}).encode()),
    ),
    "a cursor behind": ("stock", said({"items": [], "next": 0, "more": True})),
    "more of nothing": ("stock", said({"items": [], "next": 10**9, "more": True})),
}


def test_every_lie_of_lcv(synced: World) -> None:
    """Each ends the run before anything is written, and the next good run brings what was missed."""
    sku = synced.quiet()[0]["variants"][0]["sku"]
    synced.stock_in(sku, 41)
    for name, (path, made) in LCV_LIES.items():
        with lying(synced.lcv, about(path, made)) as liar:
            report = synced.sync()
        assert liar.lies, name
        failed_well(synced, report, codes=(4, 5))
        assert report.error, name
        assert synced.writes() == [], name

    assert synced.converge().changes == {"stock": {"update": 1}}


def test_a_cursor_far_ahead(synced: World) -> None:
    """LCV skips everything to come, once; its next news lie behind the cursor, so the feed is read from 0."""
    first, second = (variant["sku"] for variant in synced.quiet()[0]["variants"][:2])
    synced.stock_in(first, 41)
    with lying(synced.lcv, about("stock", said({"items": [], "next": 10**15, "more": False}))):
        assert synced.sync().exit_code == 0

    synced.stock_in(second, 42)

    assert synced.converge().changes == {"stock": {"update": 2}}


def test_bad_records_among_good_ones(synced: World) -> None:
    """Every bad one is named, the good one of the same page arrives, and what the bad ones were before stays."""
    good, *_ = synced.quiet()
    sku = good["variants"][0]["sku"]
    synced.stock_in(sku, 41)

    def spoilt(response: Response) -> Response:
        page = json.loads(response.body)
        level = {"sku": "X", "store": "DEP", "quantity": 1, "revision": 10**6}
        page["items"] += [
            {**level, "quantity": 10**30},
            {**level, "sku": ESCAPES},
            {**level, "sku": "y" * 10**6},
            {**level, "revision": -1},
            {**level, "quantity": "1"},
            [level],
            None,
        ]
        return Response(200, json.dumps(page).encode())

    with lying(synced.lcv, about("stock", spoilt)):
        report = synced.sync()

    failed_well(synced, report, codes=(3,))
    assert len(report.failed) == 7
    assert report.changes == {"stock": {"update": 1}}
    assert synced.problems() == []


def test_one_sku_in_two_articles(synced: World) -> None:
    """The second article of one page has a variant of the first: what is in the shop stays the first one's."""
    article, other = synced.quiet(2)
    sku = article["variants"][0]["sku"]
    before = synced.combination(sku)
    stolen = [{**variant, "sku": sku} if place == 0 else variant for place, variant in enumerate(other["variants"])]
    synced.change_article(article["id"], supplier_reference="S1")
    synced.change_article(other["id"], variants=stolen)

    new_article(synced, "N1")
    new_article(synced, "N2")
    twin = synced.article("9N2")
    synced.change_article("9N2", variants=[{**twin["variants"][0], "sku": "N1-0"}, *twin["variants"][1:]])

    report = synced.sync()

    assert report.exit_code == 0
    shared = [(item.key, item.detail) for item in report.skipped if item.reason == "sku_shared"]
    assert sorted(shared) == [
        (sku, f"article {article['id']} has this sku too, and it is sold as that one's"),
        ("N1-0", "article 9N1 has this sku too, and it is sold as that one's"),
    ]
    assert synced.combination(sku) == before
    bearers = [row["reference"] for row in synced.in_shop("combinations")]
    assert (bearers.count(sku), bearers.count("N1-0")) == (1, 1)
    synced.change_article("9N2", variants=twin["variants"])
    synced.change_article(other["id"], variants=other["variants"])
    synced.converge()


SHOP_LIES: dict[str, Callable[[Response], Response]] = {
    "another list": said(b"<prestashop><carriers><carrier><id>1</id></carrier></carriers></prestashop>"),
    "an error with 200": said(
        f"<prestashop><errors><error><code>32</code><message><![CDATA[{'x' * 9}]]></message></error></errors>"
        "</prestashop>".encode()
    ),
    "cut": lambda response: Response(200, response.body[: len(response.body) * 2 // 3]),
    "a page": said(b"<!DOCTYPE html><html><body>Index of /</body></html>"),
    "another host": lambda _: Response(301, b"", {"Location": HERE}),
    "no host": lambda _: Response(307, b"", {"Location": "http://[::1"}),
    "ids of others": lambda r: Response(200, re.sub(rb"<id><!\[CDATA\[(\d+)\]", rb"<id><![CDATA[9\g<1>]", r.body)),
    "no ids": lambda r: Response(200, re.sub(rb"<id>.*?</id>", b"<id>-1</id>", r.body)),
    "a document type": lambda r: Response(200, b'<!DOCTYPE p [<!ENTITY a "b">]>' + r.body[r.body.find(b"<pre") :]),
    "huge numbers": lambda r: Response(200, re.sub(rb"CDATA\[\d+", b"CDATA[" + b"9" * 400, r.body)),
    "1e999": lambda r: Response(200, re.sub(rb"CDATA\[\d+\.\d+", b"CDATA[1e999999", r.body)),
    "deep": lambda r: Response(200, r.body.replace(b"<id>", b"<a>" * 300 + b"</a>" * 300 + b"<id>", 1)),
    "control characters": lambda r: Response(200, r.body.replace(b"CDATA[", b"CDATA[\x00\x1b[31m\xff")),
    "nothing": lambda _: Response(200, b""),
}


NAMED_BY_ID = ("/api/product_option_values", "/api/product_feature_values", "/api/manufacturers")
"""Nothing but their own list says that ids of values are others: that lie looks like the truth, and is believed."""


def _shop_news(made: World) -> None:
    """Something of every kind to do, so that a run asks the shop for everything."""
    till = Till(made)
    till.sync()
    article = made.quiet(colours=1)[0]
    made.change_article(article["id"], name="Robe neuve", weight_kg="0.77")
    made.stock_in(article["variants"][0]["sku"], 37)
    made.price_in(article["variants"][1]["sku"], "61.00")
    new_article(made, "HN")
    till.refund(till.order(), 1)
    made.advance(hours=25)


@pytest.mark.parametrize("thorough", [False, True], ids=["one lie each", "every lie"])
def test_every_lie_of_the_shop(synced: World, thorough: bool) -> None:
    """About each list that a run reads: the failure is expected, and the next day's run brings everything into step."""
    _shop_news(synced)
    assert synced.sync().exit_code == 0
    paths = list(dict.fromkeys(unquote(request.path) for request in synced.shop.requests if request.method == "GET"))
    assert {"/api/orders", "/api/order_slip", "/api/products", "/api/combinations", "/api/configurations"} <= {*paths}
    lies = itertools.cycle(SHOP_LIES)
    for path in paths if thorough else paths[::7]:
        for name in SHOP_LIES if thorough else [next(lies)]:
            if path in NAMED_BY_ID and name == "ids of others":
                continue
            synced.restore()
            _shop_news(synced)
            with lying(synced.shop, about(path, SHOP_LIES[name])) as liar:
                report = synced.sync()
            assert liar.lies, (path, name)
            failed_well(synced, report, codes=(0, 3, 4, 5))

            synced.advance(hours=30)
            again = synced.sync()
            assert (again.exit_code, again.error) == (0, ""), (path, name, again)
            assert synced.problems() == [], (path, name)


def test_stock_rows_that_are_others_now(synced: World) -> None:
    """A row that is gone while its combination stands is read anew: nothing is made twice for it."""
    new_article(synced, "HN")
    with lying(synced.shop, about("/api/stock_availables", SHOP_LIES["ids of others"])):
        report = synced.sync()
    assert (report.exit_code, {failure.kind for failure in report.failed}) == (3, {"stock"})

    synced.advance(minutes=6)
    synced.converge()
    bearers = [row["reference"] for row in synced.in_shop("combinations")]
    assert bearers.count("HN-0") == 1


def test_dates_of_orders_that_are_none(synced: World) -> None:
    """They don't become the time from which orders are read next: the order is named, and later ones come."""
    till = Till(synced)
    till.order()
    till.sync()
    second = till.order()
    dates = re.compile(rb"<date_upd>.*?</date_upd>", re.DOTALL)
    for text in (b"zzzz", b"9999-99-99 00:00:00", b"", b"9998-12-31 23:59:59"):
        lie = partial(_dated, dates, b"<date_upd>" + text + b"</date_upd>")
        with lying(synced.shop, about("/api/orders", lie)):
            failed_well(synced, till.sync(), codes=(0, 3, 5))

    third = till.order()
    assert till.sync(minutes=30 * 60).exit_code == 0
    assert [len(till.documents(order)) for order in (second, third)] == [1, 1]


def _dated(dates: re.Pattern[bytes], told: bytes, response: Response) -> Response:
    """The answer with other dates, and without the shop's own time."""
    return Response(200, dates.sub(told, response.body))


def test_a_tax_that_the_shop_lost_for_an_hour(synced: World) -> None:
    """Prices and new products wait for it and come by themselves once it is back; a piece that is sold doesn't wait."""
    article = synced.quiet()[0]
    sku = article["variants"][0]["sku"]
    synced.price_in(article["variants"][1]["sku"], "61.00")
    synced.stock_in(sku, 1)
    synced.advance(hours=2)
    with lying(synced.shop, about("/api/tax_rule_groups", SHOP_LIES["ids of others"])):
        report = synced.sync()
    assert report.exit_code == 0
    assert "tax_unknown" in {item.reason for item in report.skipped}
    assert report.changes["stock"] == {"update": 1}
    assert "price" not in report.changes

    synced.advance(minutes=61)
    assert synced.converge().changes["price"] == {"update": 1}


CREATED: dict[str, Callable[[bytes], bytes]] = {
    "ids that were there": lambda body: re.sub(
        rb"(<product>\s*<id>(?:<!\[CDATA\[)?)(\d+)", lambda found: found[1] + b"%d" % (int(found[2]) - 15), body
    ),
    "one id for all": lambda body: re.sub(rb"(<product>\s*<id>(?:<!\[CDATA\[)?)\d+", rb"\g<1>77", body),
    "fewer ids": lambda body: re.sub(rb"<product>\s*<id>", b"<product><x/><id>", body, count=1),
    "more ids": lambda body: body.replace(b"</prestashop>", b"<product><id>999</id></product></prestashop>"),
    "an error with 200": lambda _: b"<prestashop><errors><error><code>999</code></error></errors></prestashop>",
    "nothing": lambda _: b"",
    "a page": lambda _: b"<html><body>Thank you</body></html>",
}


@pytest.mark.parametrize("name", CREATED)
def test_lies_about_what_was_made(tmp_path: Path, name: str) -> None:
    """The shop made the products and names others: they are found by their references, made once, bound to no other."""
    with world(tmp_path, articles=4, seed=3, demo_data=True) as made:
        mine = {int(row["id"]) for row in made.in_shop("products")}
        lie = about("products", lambda r: Response(r.status, CREATED[name](r.body), r.headers), "POST")
        with lying(made.shop, lie) as liar:
            report = made.sync()
        assert liar.lies
        assert report.exit_code in (0, 3, 5), report

        made.advance(hours=30)
        made.sync()
        assert made.problems() == []
        references = [row["reference"] for row in made.in_shop("products") if int(row["id"]) not in mine]
        assert len(references) == len(set(references))


def test_the_pictures_of_a_photo_that_is_none(synced: World) -> None:
    """Bombs, programs and paths are no pictures: named, never sent; the article goes on with its good ones."""
    article = synced.quiet()[0]
    ids = ["../../../etc/passwd", "/etc/passwd", "%2e%2e%2fetc", "..", ".", "a\u202eb", "x" * 490]
    contents = [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\x89PNG\r\n\x1a\n", b"<svg onload=alert(1)>"]
    photos = list(article["photos"])
    for number, identifier in enumerate(ids):
        content = contents[number % 3]
        with contextlib.suppress(AssertionError):  # the emulator has no shelf for some of them
            synced.add_photo(identifier, content)
        photos.append({"id": identifier, "sha256": "0" * 64, "position": 50 + number, "attributes": {}})
    synced.change_article(article["id"], photos=photos)

    report = synced.sync()

    failed_well(synced, report, codes=(0, 3))
    assert {item.reason for item in report.skipped if item.kind == "photo"} <= {"photo_unusable", "photo_unavailable"}
    assert len([item for item in report.skipped if item.kind == "photo"]) == len(ids)
    assert not [request for request in synced.writes() if "/images/" in request.path]
    asked = [request.path for request in synced.lcv.requests if "/photos/" in request.path]
    assert all(path.count("/") == 4 for path in asked), asked


COMMANDS = (
    "status", "runs", "runs show 1", "audit", "product list", "map list", "orders list", "plan", "drift",
    "takeover scan", "why {reference}", "why {order}", "product show {reference}", "map export -", "takeover export -",
)  # fmt: skip


def test_no_command_says_what_a_terminal_would_obey(
    synced: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, codes and errors of LCV and of the shop, orders, promotions: everywhere, for people and as JSON."""
    till = Till(synced)
    article = synced.quiet()[0]
    reference = f"R{ESCAPES[-6:-4]}1"
    synced.tell_lcv("articles", {**article, "name": f"Robe {ESCAPES}", "short_description": ESCAPES})
    synced.tell_lcv("articles", {**article, "id": "E1", "reference": reference, "brand": "B\u202e1", "variants": []})
    promotion = {**synced.in_lcv("promotions")[0], "id": "PE", "name": f"Solde {ESCAPES}", "articles": [article["id"]]}
    synced.tell_lcv("promotions", {name: value for name, value in promotion.items() if name != "revision"})
    product, _ = synced.combination(article["variants"][0]["sku"])
    synced.tell_shop("edit", resource="products", id=product, fields={"supplier_reference": ESCAPES})
    order = till.order(payment=ESCAPES)["id"]
    synced.sync()
    file = tmp_path / "lcvsync.toml"
    file.write_text(
        f'[lcv]\nurl = "{synced.lcv.url}"\nweb_store = "WEB"\n[prestashop]\nurl = "{synced.shop.url}"\nkey = "{KEY}"\n'
        f'[state]\ndirectory = "{synced.directory}"\n[sync]\nmode = "complete"\n',
        encoding="utf-8",
    )
    for command in COMMANDS:
        words = command.format(reference=article["reference"], order=order).split()
        for json_wanted in ([], ["--json"]) if words[-1] != "-" else ([],):
            monkeypatch.setattr(sys.stdout, "isatty", lambda: words[-1] == "-")  # noqa: B023 - it is called at once
            code = run(["-c", str(file), *words, *json_wanted])
            shown = capsys.readouterr()
            assert code != 1, (command, shown.err)
            harmful = {c for c in shown.out + shown.err if not c.isprintable() and c != "\n"}
            assert not harmful, (command, json_wanted, harmful)
            assert not json_wanted or code == 2 or json.loads(shown.out) is not None
