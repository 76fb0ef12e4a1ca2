"""The traps of the PrestaShop webservice, one test each; every one was measured on a real 8.2.1 or 1.7.8.11."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from lxml import etree
from PIL import Image

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.prestashop import PrestaShopEmulator

KEY = "K" * 32
ROOT = '<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">{}</prestashop>'
BOTH = '<language id="1">{0}</language><language id="2">{0}</language>'
NO_TIME = "0000-00-00 00:00:00"


class Visitor:
    """A client of one emulated shop, with a clock that the test moves."""

    def __init__(self, version: str = "8.2.1", *, notices: bool = False, demo_data: bool = True) -> None:
        self.time = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        self.shop = PrestaShopEmulator(
            key=KEY, version=version, clock=lambda: self.time, demo_data=demo_data, notices=notices
        )
        self.shop.base_url = "http://127.0.0.1:8090/"

    def send(self, method: str, url: str, body: str | bytes = b"", key: str | None = KEY, **headers: str) -> Response:
        """Any request below /api/."""
        parts = urlsplit("/api/" + url)
        sent = {"host": "127.0.0.1:8090", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if key is not None:
            sent["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        query = parse_qsl(parts.query, keep_blank_values=True)
        content = body if isinstance(body, bytes) else ROOT.format(body).encode()
        return self.shop.handle(Request(method, unquote(parts.path), query, sent, content))

    def done(self, method: str, url: str, body: str | bytes = b"") -> etree._Element:
        """A request that succeeds; gives the root of the answer."""
        answer = self.send(method, url, body)
        assert answer.status in {200, 201}, answer.body.decode()
        return etree.fromstring(answer.body) if answer.body else etree.Element("nothing")

    def refused(self, method: str, url: str, body: str | bytes = b"") -> tuple[int, list[int]]:
        """A request that fails; gives the status and the codes."""
        answer = self.send(method, url, body)
        root = etree.fromstring(answer.body)
        return answer.status, [int(each.text or 0) for each in root.iter("code")]

    def one(self, url: str) -> etree._Element:
        """The one entity of a GET."""
        return self.done("GET", url)[0]

    def text(self, url: str, field: str) -> str:
        """One field of one entity."""
        return self.one(url).findtext(field) or ""

    def languages(self, url: str, field: str) -> dict[str, str]:
        """A translated field by language."""
        found = self.one(url).find(field)
        return {each.get("id", ""): each.text or "" for each in found} if found is not None else {}

    def ids(self, url: str) -> list[int]:
        """The ids of a list."""
        return [int(each.get("id", 0)) for each in self.done("GET", url)[0]]

    def product(self, extra: str = "", name: str = "Robe") -> int:
        """A new product's id."""
        body = f"<product><price>10</price><name>{BOTH.format(name)}</name>{extra}</product>"
        return int(self.done("POST", "products", body)[0].findtext("id") or 0)

    def combination(self, product: int, extra: str = "") -> int:
        """A new combination's id."""
        body = f"<a><id_product>{product}</id_product><minimal_quantity>1</minimal_quantity>{extra}</a>"
        return int(self.done("POST", "combinations", body)[0].findtext("id") or 0)

    def stock(self, product: int) -> dict[int, int]:
        """Quantities by combination."""
        url = f"stock_availables?filter[id_product]=[{product}]&display=[id_product_attribute,quantity]"
        return {
            int(each.findtext("id_product_attribute") or 0): int(each.findtext("quantity") or 0)
            for each in self.done("GET", url)[0]
        }

    def stock_row(self, product: int, combination: int = 0) -> int:
        """The id of a stock row."""
        url = f"stock_availables?filter[id_product]=[{product}]&filter[id_product_attribute]=[{combination}]"
        return self.ids(url)[0]

    def control(self, action: str, order: dict[str, Any] | None = None) -> Any:
        """An order to the emulator."""
        method = "GET" if order is None else "POST"
        body = b"" if order is None else json.dumps(order).encode()
        answer = self.shop.control(Request(method, f"/_emulator/shop/{action}", [], {}, body))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def upload(self, url: str, name: str, content: bytes, field: str = "image", kind: str = "image/png") -> Response:
        """A file in a multipart form."""
        head = (
            f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        )
        form = head.encode() + content + b"\r\n--B--\r\n"
        return self.send("POST", url, form, content_type="multipart/form-data; boundary=B")

    def image(self, product: int) -> int:
        """A new image's id."""
        answer = self.upload(f"images/products/{product}", "a.png", picture())
        return int(re.findall(rb"<image>\n<id><!\[CDATA\[(\d+)", answer.body)[0])


@pytest.fixture
def shop() -> Visitor:
    """A client of a fresh 8.2.1 with the demo products."""
    return Visitor()


def picture(kind: str = "PNG") -> bytes:
    """A small valid image."""
    made = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(made, kind)
    return made.getvalue()


def row(shop: Visitor, product: int, combination: int, quantity: object, extra: str = "") -> str:
    """A stock row to write, with the shop as it is read."""
    return (
        f"<a><id>{shop.stock_row(product, combination)}</id><id_product>{product}</id_product>"
        f"<id_product_attribute>{combination}</id_product_attribute><id_shop>1</id_shop><id_shop_group>0</id_shop_group>"
        f"<quantity>{quantity}</quantity><depends_on_stock>0</depends_on_stock><out_of_stock>2</out_of_stock>{extra}</a>"
    )


def promotion(product: int, reduction: str = "5", start: str = NO_TIME, extra: str = "") -> str:
    """A specific price to write."""
    zeros = "".join(f"<{each}>0</{each}>" for each in ("id_shop", "id_cart", "id_currency", "id_country", "id_group"))
    return (
        f"<a>{extra}<id_product>{product}</id_product>{zeros}<id_customer>0</id_customer><price>-1</price>"
        f"<from_quantity>1</from_quantity><reduction>{reduction}</reduction><reduction_tax>1</reduction_tax>"
        f"<reduction_type>amount</reduction_type><from>{start}</from><to>{NO_TIME}</to></a>"
    )


class TestConnection:
    """Section 0: host, keys, headers, methods."""

    def test_another_host_is_sent_to_the_front_page(self, shop: Visitor) -> None:
        """Any other Host gets 302 to the front page, the API path lost (section 0)."""
        answer = shop.send("GET", "products?limit=1", host="localhost:8090")
        assert (answer.status, answer.headers["Location"]) == (302, "http://127.0.0.1:8090/?url=products&limit=1")

    def test_missing_entity_has_no_body(self, shop: Visitor) -> None:
        """GET of an unknown id is 404 without body and without Content-Type (section 0)."""
        answer = shop.send("GET", "products/99999")
        assert (answer.status, answer.body, "Content-Type" in answer.headers) == (404, b"", False)

    def test_empty_key(self, shop: Visitor) -> None:
        """An empty Basic user is error 17 (sheet, section 1.3)."""
        answer = shop.send("GET", "products", key="")
        assert (answer.status, b"[17]" in answer.body) == (401, True)

    def test_webservice_switched_off(self, shop: Visitor) -> None:
        """A webservice that is off answers 503 with error 22 (section 0)."""
        shop.control("settings", {"webservice": False})
        assert shop.refused("GET", "products") == (503, [22])

    def test_key_without_a_right(self, shop: Visitor) -> None:
        """A missing resource is 401/26, a missing method 405/25; the root lists what is allowed (section 0)."""
        shop.control("key", {"key": "P" * 32, "permissions": {"products": ["GET"]}})
        root = etree.fromstring(shop.send("GET", "", key="P" * 32).body)[0]
        refused = [
            shop.send("GET", "categories", key="P" * 32),
            shop.send("POST", "products", "<a/>", key="P" * 32),
        ]
        assert [each.status for each in refused] == [401, 405]
        assert [each.tag for each in root] == ["products"]
        assert (root[0].get("get"), root[0].get("post")) == ("true", "false")

    def test_ps_method_replaces_the_method(self, shop: Visitor) -> None:
        """`ps_method` in the query takes the place of the HTTP method (sheet, section 1.4)."""
        product = shop.product()
        assert shop.send("POST", f"products/{product}?ps_method=DELETE").status == 200
        assert shop.send("GET", f"products/{product}").status == 404

    def test_head_has_no_body(self, shop: Visitor) -> None:
        """HEAD answers the headers of GET without the body."""
        answer = shop.send("HEAD", "products/1")
        assert (answer.status, answer.body, answer.headers["PSWS-Version"]) == (200, b"", "8.2.1")

    def test_known_content_is_not_sent_again(self, shop: Visitor) -> None:
        """Local-Content-Sha1 of the last answer gives 304 without body (section 0)."""
        known = shop.send("GET", "products/1").headers["Content-Sha1"]
        answer = shop.send("GET", "products/1", local_content_sha1=known)
        assert (answer.status, answer.body) == (304, b"")

    def test_dates_are_the_shops(self, shop: Visitor) -> None:
        """Times are Europe/Paris without a zone (section 3); Access-Time is the epoch."""
        answer = shop.send("POST", "products", f"<a><price>1</price><name>{BOTH.format('x')}</name></a>")
        assert b"<date_add><![CDATA[2026-11-24 09:00:00]]>" in answer.body
        assert answer.headers["Access-Time"] == str(int(shop.time.timestamp()))


class TestUnknown:
    """What the emulator doesn't know it names and refuses."""

    @pytest.mark.parametrize(
        ("url", "named"),
        [
            ("guests", b"resource guests"),
            ("products?dsplay=full", b"parameter dsplay"),
            ("products?output_format=JSON", b"output_format"),
            ("products?schema=blank", b"schema"),
            ("products?sort=[name_ASC]", b"sort by name"),
        ],
    )
    def test_unknown_is_501(self, shop: Visitor, url: str, named: bytes) -> None:
        """An unknown resource or parameter is 501 with its name."""
        answer = shop.send("GET", url)
        assert (answer.status, named in answer.body) == (501, True)

    def test_writing_settings_is_501(self, shop: Visitor) -> None:
        """Languages, taxes and the like are only shown."""
        assert shop.send("PATCH", "languages", "<a><id>1</id></a>").status == 501


class TestSeveralEntities:
    """Section 1: several entities in one body."""

    def test_those_before_a_bad_one_stay(self, shop: Visitor) -> None:
        """A bad second of three: the first is kept, the third not done, no id is told (section 1)."""
        names = "".join(
            f"<a><price>1</price><name>{BOTH.format(name)}</name></a>" for name in ("un", "a&lt;b", "trois")
        )
        assert shop.refused("POST", "products", names) == (400, [84])
        assert [shop.languages(f"products/{each}", "name")["1"] for each in shop.ids("products?filter[id]=>[19]")] == [
            "un"
        ]

    def test_unable_to_save_stops_the_rest(self, shop: Visitor) -> None:
        """After error 46 the following entities are read but not saved (sheet, section 3.1)."""
        shop.done("POST", "specific_prices", promotion(3))
        assert shop.refused("POST", "specific_prices", promotion(3) + promotion(4)) == (500, [46])
        assert shop.ids("specific_prices?filter[id_product]=[4]") == []

    @pytest.mark.parametrize(
        ("method", "body", "expected"),
        [
            ("PUT", "<a><id>1</id></a><a><id>1</id></a>", (400, [89])),
            ("PUT", "<a><quantity>1</quantity></a>", (400, [90])),
            ("PUT", "<a><id>99999</id></a>", (404, [92])),
        ],
    )
    def test_ids_in_the_body(self, shop: Visitor, method: str, body: str, expected: tuple[int, list[int]]) -> None:
        """Duplicate, missing and unknown ids (section 1)."""
        assert shop.refused(method, "stock_availables", body) == expected

    def test_id_in_the_url_is_ignored(self, shop: Visitor) -> None:
        """PUT to /20 with 21 in the body changes 21 (section 1)."""
        shop.done("PATCH", "stock_availables/20", "<a><id>21</id><quantity>7</quantity></a>")
        assert (shop.text("stock_availables/20", "quantity"), shop.text("stock_availables/21", "quantity")) == (
            "297",
            "7",
        )

    def test_delete_is_all_or_nothing(self, shop: Visitor) -> None:
        """One unknown id among those of `id=[..]`: nothing is deleted (section 1)."""
        first, second = shop.product(), shop.product()
        assert shop.refused("DELETE", f"products?id=[{first},99999]") == (404, [87])
        assert shop.send("DELETE", f"products?id=[{first},{second}]").status == 200
        assert shop.ids(f"products?filter[id]=[{first}|{second}]") == []


class TestLosses:
    """Section 2: what PUT and PATCH lose."""

    def test_put_empties_what_is_absent(self, shop: Visitor) -> None:
        """PUT with the price alone empties the rest, date_add becomes now, associations stay (section 2)."""
        assert shop.text("products/2", "date_add") == "2026-11-23 12:59:20"
        shop.done("PUT", "products/2", "<product><id>2</id><price>35.9</price></product>")
        product = shop.one("products/2")
        emptied = [
            product.findtext(name) for name in ("active", "state", "reference", "minimal_quantity", "product_type")
        ]
        assert emptied == ["0", "0", "", "0", ""]
        assert product.findtext("date_add") == "2026-11-24 09:00:00"
        assert shop.languages("products/2", "name") == {"1": "", "2": ""}
        assert len(product.findall("associations/combinations/combination")) == 4

    def test_patch_changes_only_what_is_sent(self, shop: Visitor) -> None:
        """PATCH of a price moves the price and date_upd (section 2)."""
        before = {each.tag: each.text for each in shop.one("products/6")}
        shop.done("PATCH", "products", "<product><id>6</id><price>12.345678</price></product>")
        after = {each.tag: each.text for each in shop.one("products/6")}
        assert {name for name in after if after[name] != before[name]} == {"price", "date_upd"}

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_one_language_empties_the_other(self, shop: Visitor, method: str) -> None:
        """A field that isn't required, sent in one language, loses the others (section 2)."""
        body = '<a><id>3</id><price>1</price><name><language id="1">Seul</language></name></a>'
        shop.done(method, "products", body)
        assert shop.languages("products/3", "name") == {"1": "Seul", "2": ""}

    def test_a_required_text_keeps_the_others(self, shop: Visitor) -> None:
        """A required translated field keeps the languages that aren't sent (section 2)."""
        shop.done("PATCH", "product_options", '<a><id>1</id><name><language id="1">Pointure</language></name></a>')
        assert shop.languages("product_options/1", "name") == {"1": "Pointure", "2": "Size"}

    def test_one_text_for_all_languages(self, shop: Visitor) -> None:
        """PATCH of a text without languages sets them all (section 2)."""
        shop.done("PATCH", "products", "<a><id>3</id><name>Tous</name></a>")
        assert shop.languages("products/3", "name") == {"1": "Tous", "2": "Tous"}

    def test_inactive_language_is_hidden_and_lost(self, shop: Visitor) -> None:
        """GET shows active languages; writing that back empties the inactive one; `language=` shows it (section 2)."""
        shop.control("settings", {"languages": {"2": False}})
        assert set(shop.languages("products/1", "name")) == {"1"}
        assert set(shop.languages("products/1?language=[1|2]", "name")) == {"1", "2"}
        shop.done("PATCH", "products", '<a><id>1</id><name><language id="1">x</language></name></a>')
        assert shop.languages("products/1?language=[1|2]", "name") == {"1": "x", "2": ""}

    def test_answer_echoes_what_was_sent(self, shop: Visitor) -> None:
        """The answer shows what was sent, a GET what is stored, rounded half up (sections 2 and 5)."""
        answer = shop.done("PATCH", "products", "<a><id>3</id><price>10.1234565</price></a>")
        assert (answer[0].findtext("price"), shop.text("products/3", "price")) == ("10.1234565", "10.123457")

    @pytest.mark.parametrize("field", ["quantity", "manufacturer_name"])
    def test_read_only_fields(self, shop: Visitor, field: str) -> None:
        """Read-only fields are refused even when empty (section 2)."""
        assert shop.refused("PATCH", "products", f"<a><id>1</id><{field}/></a>") == (400, [93])

    def test_position_in_category_is_a_trap(self, shop: Visitor) -> None:
        """position_in_category outside the default category is 500 with 134 or 135 (section 2; sheet, section 3.2)."""
        product = shop.product("<id_category_default>4</id_category_default>")
        body = f"<a><id>{product}</id><position_in_category>{{}}</position_in_category></a>"
        assert shop.refused("PATCH", "products", body.format(0)) == (500, [134])
        assert shop.refused("PATCH", "products", body.format(9)) == (500, [135])

    def test_unlisted_combinations_are_deleted(self, shop: Visitor) -> None:
        """associations/combinations with two of eight deletes the other six (section 2)."""
        kept = "<combinations><c><id>1</id></c><c><id>2</id></c></combinations>"
        body = f"<a><id>1</id><associations>{kept}</associations></a>"
        shop.done("PATCH", "products", body)
        assert sorted(shop.ids("combinations?filter[id_product]=[1]")) == [1, 2]
        assert set(shop.stock(1)) == {0, 1, 2}

    def test_unknown_combination_makes_a_phantom(self, shop: Visitor) -> None:
        """An unknown id makes a combination that no list shows: GET of it is 404/131, deleting the product 500 (section
        2; tried on 8.2.1, except that the code 88 of that 500 is PrestaShop's source's)."""
        product = shop.product()
        association = "<associations><combinations><c><id>987654</id></c></combinations></associations>"
        shop.done("PATCH", "products", f"<a><id>{product}</id>{association}</a>")
        assert shop.ids("combinations?filter[id]=>[39]") == []
        assert shop.refused("GET", "combinations/40") == (404, [131])
        assert shop.refused("DELETE", f"products/{product}") == (500, [88])

    def test_unknown_association_after_the_save(self, shop: Visitor) -> None:
        """An unknown association is error 86 after the fields were saved (section 2)."""
        body = "<a><id>3</id><reference>neuve</reference><associations><foo/></associations></a>"
        assert shop.refused("PATCH", "products", body) == (400, [86])
        assert shop.text("products/3", "reference") == "neuve"

    def test_date_upd_of_a_product(self, shop: Visitor) -> None:
        """Writes of the product move date_upd; those of its stock, combinations, prices, images don't (section 2)."""
        product = shop.product()
        shop.time += timedelta(hours=1)
        combination = shop.combination(product)
        shop.done("PUT", "stock_availables", row(shop, product, combination, 3))
        shop.done("POST", "specific_prices", promotion(product))
        shop.image(product)
        assert shop.text(f"products/{product}", "date_upd") == "2026-11-24 09:00:00"
        shop.done("PATCH", "products", f"<a><id>{product}</id></a>")
        assert shop.text(f"products/{product}", "date_upd") == "2026-11-24 10:00:00"

    def test_least_product_is_hidden(self, shop: Visitor) -> None:
        """A product posted with price and name alone has state, active and minimal_quantity 0 (section 2)."""
        product = shop.one(f"products/{shop.product()}")
        assert [product.findtext(name) for name in ("state", "active", "minimal_quantity", "show_price")] == ["0"] * 4
        assert product.find("link_rewrite")[0].text == "robe"  # type: ignore[index]  # a missing element fails the test


class TestLists:
    """Section 3: filters, sort, limit."""

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("filter[id]=[1|3]", [1, 3]),
            ("filter[id]=[3,5]", [3, 4, 5]),
            ("filter[id]=[5,3]", [3, 4, 5]),
            ("filter[id]=>[17]", [18, 19]),
            ("filter[id]=<[3]", [1, 2]),
            ("filter[id]=![1|2]&filter[id_category_default]=[4|5]", []),
            ("filter[id]=[1,3,5]", [1]),
            ("filter[id]=7", [7]),
            ("filter[id]=>7", []),
            ("filter[reference]=[DEMO_1|demo_3]", [1, 2]),
            ("filter[reference]=[demo_1]", [1]),
            ("filter[reference]=%[EMO_2]%&sort=[id_ASC]&limit=1", [14]),
            ("filter[name]=[T-SHIRT imprime colibri]", [1]),
            ("filter[id]=>[10]&sort=[id_DESC]&limit=1,2", [18, 17]),
            ("limit=0", []),
            ("limit=a", []),
        ],
    )
    def test_filters(self, shop: Visitor, query: str, expected: list[int]) -> None:
        """Each operator, and what looks like one (section 3; sheet, section 2.2)."""
        assert shop.ids(f"products?{query}") == expected

    def test_unknown_operator_lets_everything_pass(self, shop: Visitor) -> None:
        """`>=[5]` is no condition at all (sheet, section 2.2)."""
        assert len(shop.ids("products?filter[id]=>=[5]")) == 19

    def test_dates_need_date_1(self, shop: Visitor) -> None:
        """date_upd is no filter without `date=1`; with it, strictly greater (section 3)."""
        assert shop.refused("GET", "products?filter[date_upd]=>[2026-01-01 00:00:00]") == (500, [32, 5, 5, 5, 5])
        assert shop.ids("products?filter[date_upd]=>[2026-11-23 12:59:20]&date=1") == []
        assert len(shop.ids("products?filter[date_upd]=>[2026-11-23 12:59:19]&date=1")) == 19
        assert len(shop.ids("products?filter[date_upd]=>[hier]&date=1")) == 19

    @pytest.mark.parametrize("resource", ["combinations", "stock_availables", "specific_prices"])
    def test_date_filter_without_such_a_column(self, shop: Visitor, resource: str) -> None:
        """Where no date exists the list is empty, which looks like `nothing changed` (section 3)."""
        assert shop.ids(f"{resource}?filter[date_upd]=>[2000-01-01 00:00:00]&date=1") == []

    def test_old_shop_without_notices_answers_400(self) -> None:
        """1.7.8.11 without notices refuses a bad filter with 400, with notices 500 (section 10)."""
        assert Visitor("1.7.8.11").refused("GET", "products?filter[foo]=1") == (400, [32])
        assert Visitor("1.7.8.11", notices=True).refused("GET", "products?filter[foo]=1")[0] == 500

    @pytest.mark.parametrize(("language", "codes"), [("abc", [79, 81]), ("", [79, 81]), ("9", [81])])
    def test_unknown_languages(self, shop: Visitor, language: str, codes: list[int]) -> None:
        """A language that isn't there, or is no number, is refused (tried on 8.2.1)."""
        assert shop.refused("GET", f"products?language={language}") == (400, codes)

    def test_filter_as_a_list_is_fatal(self, shop: Visitor) -> None:
        """`filter[id][]=1` is 500 with an empty body (section 3)."""
        answer = shop.send("GET", "products?filter[id][]=1")
        assert (answer.status, answer.body) == (500, b"")

    def test_display_of_an_association(self, shop: Visitor) -> None:
        """`display=[id,stock_availables[id]]` shows them; without inner field error 35 (section 3)."""
        found = shop.done("GET", "products?filter[id]=[1]&display=[id,stock_availables[id]]")[0][0]
        assert [each.tag for each in found] == ["id", "associations"]
        assert len(found.findall("associations/stock_availables/stock_available")) == 9
        assert shop.refused("GET", "products?display=[id,combinations]")[1][0] == 35

    def test_order_without_sort_is_the_databases(self, shop: Visitor) -> None:
        """stock_availables come by product, not by id (section 3)."""
        assert shop.ids("stock_availables")[:3] == [1, 20, 21]
        assert shop.ids("combinations?filter[id_product]=[2]") == [10, 11, 12, 9]
        assert shop.ids("stock_availables?sort=[id_ASC]")[:3] == [1, 2, 3]


class TestStock:
    """Section 4."""

    def test_rows_appear_by_themselves(self, shop: Visitor) -> None:
        """A product brings one row, each combination one more; none can be posted or deleted (section 4)."""
        product = shop.product()
        combination = shop.combination(product)
        assert shop.stock(product) == {0: 0, combination: 0}
        assert shop.refused("POST", "stock_availables", "<a/>") == (405, [101])
        assert shop.refused("DELETE", "stock_availables/1") == (405, [101])

    def test_total_is_the_sum(self, shop: Visitor) -> None:
        """Writing combinations' rows makes the total their sum; the total itself can be written wrong (section 4)."""
        product = shop.product()
        first, second = shop.combination(product), shop.combination(product)
        shop.done("PUT", "stock_availables", row(shop, product, first, 11) + row(shop, product, second, 22))
        assert shop.stock(product) == {0: 33, first: 11, second: 22}
        shop.done("PUT", "stock_availables", row(shop, product, 0, 1000))
        assert shop.stock(product)[0] == 1000
        shop.done(
            "PATCH", "stock_availables", f"<a><id>{shop.stock_row(product, first)}</id><quantity>1</quantity></a>"
        )
        assert shop.stock(product)[0] == 23
        shop.done("DELETE", f"combinations/{second}")
        assert shop.stock(product) == {0: 1, first: 1}

    def test_first_combination_leaves_the_total(self, shop: Visitor) -> None:
        """A simple product with 50 keeps 50 until a combination's row is written (section 4)."""
        product = shop.product()
        shop.done("PUT", "stock_availables", row(shop, product, 0, 50))
        combination = shop.combination(product)
        assert shop.stock(product) == {0: 50, combination: 0}

    def test_put_without_shop_loses_the_row(self, shop: Visitor) -> None:
        """Without id_shop the row gets shop 0 and is gone from lists; GET of it is 404/131 (section 2)."""
        product = shop.product()
        lost = shop.stock_row(product)
        body = row(shop, product, 0, 5).replace("<id_shop>1</id_shop><id_shop_group>0</id_shop_group>", "")
        assert shop.done("PUT", "stock_availables", body)[0].findtext("quantity") == "5"
        assert shop.stock(product) == {}
        assert shop.refused("GET", f"stock_availables/{lost}") == (404, [131])

    @pytest.mark.parametrize("quantity", ["2.5", "abc", "99999999999"])
    def test_bad_quantities(self, shop: Visitor, quantity: str) -> None:
        """Quantities are whole numbers of 32 bits; negative ones are fine (section 4)."""
        assert shop.refused("PUT", "stock_availables", row(shop, 19, 0, quantity)) == (400, [85])
        shop.done("PUT", "stock_availables", row(shop, 19, 0, -3))
        assert shop.stock(19)[0] == -3

    def test_depends_on_stock(self, shop: Visitor) -> None:
        """depends_on_stock=1 is 500 with errors 133 and 46 (section 4)."""
        body = row(shop, 19, 0, 1).replace("<depends_on_stock>0", "<depends_on_stock>1")
        assert shop.refused("PUT", "stock_availables", body) == (500, [133, 46])

    def test_a_sale_lowers_both_rows(self, shop: Visitor) -> None:
        """The emulator's `sell` takes from the combination and from the total."""
        shop.control("sell", {"id_product": 1, "id_product_attribute": 1, "quantity": 2})
        assert (shop.stock(1)[1], shop.stock(1)[0]) == (295, 2393)


class TestCombinations:
    """Section 5: combinations."""

    def test_post_checks_nothing(self, shop: Visitor) -> None:
        """Unknown product, unknown value, the same values twice: all are taken (section 5)."""
        values = "<associations><product_option_values><v><id>9999</id></v></product_option_values></associations>"
        assert shop.combination(99999, values) != shop.combination(99999, values)

    def test_first_one_makes_the_type(self, shop: Visitor) -> None:
        """The first combination sets product_type and the default; the type stays when the last goes (section 5)."""
        product = shop.product()
        combination = shop.combination(product)
        found = shop.one(f"products/{product}")
        assert (found.findtext("product_type"), found.findtext("id_default_combination")) == (
            "combinations",
            str(combination),
        )
        shop.done("DELETE", f"combinations/{combination}")
        assert shop.text(f"products/{product}", "product_type") == "combinations"

    def test_one_default_only(self, shop: Visitor) -> None:
        """A second default is 500/46; off then on in one body works (section 5)."""
        assert shop.refused("PATCH", "combinations", "<a><id>11</id><default_on>1</default_on></a>") == (500, [46])
        both = "<a><id>9</id><default_on>0</default_on></a><a><id>11</id><default_on>1</default_on></a>"
        shop.done("PATCH", "combinations", both)
        assert shop.text("products/2", "id_default_combination") == "11"

    def test_default_by_the_product(self, shop: Visitor) -> None:
        """id_default_combination does both in one call; one of another product leaves no default (section 5)."""
        shop.done("PATCH", "products", "<a><id>2</id><id_default_combination>10</id_default_combination></a>")
        assert (shop.text("combinations/9", "default_on"), shop.text("combinations/10", "default_on")) == ("", "1")
        shop.done("PATCH", "products", "<a><id>2</id><id_default_combination>1</id_default_combination></a>")
        assert shop.text("combinations/10", "default_on") == ""

    def test_values_without_images_delete_the_images(self, shop: Visitor) -> None:
        """product_option_values without images empties the images (section 2)."""
        values = "<product_option_values><v><id>1</id></v><v><id>8</id></v></product_option_values>"
        shop.done("PATCH", "combinations", f"<a><id>1</id><associations>{values}</associations></a>")
        assert shop.one("combinations/1").findall("associations/images/image") == []
        images = "<images><i><id>2</id></i></images>"
        shop.done("PATCH", "combinations", f"<a><id>1</id><associations>{values}{images}</associations></a>")
        assert len(shop.one("combinations/1").findall("associations/images/image")) == 1

    def test_deleting_a_value_takes_the_combinations(self, shop: Visitor) -> None:
        """DELETE of option value 1 takes the combinations that used it: 8 become 6 (section 8)."""
        shop.done("DELETE", "product_option_values/1")
        assert len(shop.ids("combinations?filter[id_product]=[1]")) == 6

    def test_old_shop_has_other_fields(self) -> None:
        """1.7.8 combinations have quantity and location, and no PATCH (section 10)."""
        old = Visitor("1.7.8.11")
        names = [each.tag for each in old.one("combinations/1")]
        assert {"quantity", "location"} <= set(names)
        assert "available_now" not in names
        assert old.refused("PATCH", "combinations", "<a><id>1</id></a>") == (405, [23])


class TestPrices:
    """Section 5: specific prices."""

    def test_same_key_twice(self, shop: Visitor) -> None:
        """A second row with the same key is 500/46, other dates are fine, nothing else is checked (section 5)."""
        shop.done("POST", "specific_prices", promotion(3))
        assert shop.refused("POST", "specific_prices", promotion(3, "9")) == (500, [46])
        shop.done("POST", "specific_prices", promotion(3, "9", "2026-11-02"))
        found = shop.done("GET", "specific_prices?filter[id_product]=[3]&display=[from]")[0]
        assert [each.findtext("from") for each in found] == [NO_TIME, "2026-11-02 00:00:00"]

    def test_every_field_is_required(self, shop: Visitor) -> None:
        """An absent field is 41, an empty date 85 (section 5)."""
        assert shop.refused("POST", "specific_prices", promotion(3).replace("<id_group>0</id_group>", "")) == (
            400,
            [41],
        )
        assert shop.refused("POST", "specific_prices", promotion(3, start="")) == (400, [85])
        assert shop.refused("POST", "specific_prices", promotion(3, "-1")) == (400, [85])


class TestImages:
    """Section 7."""

    def test_first_image_is_the_cover(self, shop: Visitor) -> None:
        """The first image becomes the cover, the others follow; the list names them in order (section 7)."""
        product = shop.product()
        assert shop.send("GET", f"images/products/{product}").status == 404
        first, second = shop.image(product), shop.image(product)
        assert shop.text(f"products/{product}", "id_default_image") == str(first)
        listed = shop.done("GET", f"images/products/{product}")[0]
        assert [each.get("id") for each in listed] == [str(first), str(second)]

    @pytest.mark.parametrize(
        ("name", "content", "field"),
        [
            ("a.bmp", picture("BMP"), "image"),
            ("a.tiff", picture("TIFF"), "image"),
            ("a", picture(), "image"),
            ("a.svg", b"<svg/>", "image"),
            ("a.jpg", picture(), "file"),
        ],
    )
    def test_refused_files(self, shop: Visitor, name: str, content: bytes, field: str) -> None:
        """Extension, content and the field's name decide (section 7); no row is left behind."""
        answer = shop.upload("images/products/1", name, content, field)
        assert (answer.status, b"[76]" in answer.body) == (400, True)
        assert len(shop.done("GET", "images/products/1")[0]) == 2

    @pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.jpe", "a.png", "a.gif", "a.webp"])
    def test_accepted_names(self, shop: Visitor, name: str) -> None:
        """PNG bytes are accepted under any image's name (section 7)."""
        assert shop.upload("images/products/1", name, picture()).status == 200

    def test_old_shop_refuses_webp(self) -> None:
        """1.7.8.11 takes .gif, .jpg and .png only (section 10)."""
        assert Visitor("1.7.8.11").upload("images/products/1", "a.webp", picture("WEBP")).status == 400

    def test_size_limit(self, shop: Visitor) -> None:
        """Above 2000 KB error 72, and the limit is the shop's setting (section 7)."""
        big = picture() + bytes(2_000_001)
        assert b"(maximum allowed is 2000 KB)" in shop.upload("images/products/1", "a.png", big).body
        shop.control("settings", {"configurations": {"PS_LIMIT_UPLOAD_IMAGE_VALUE": 3}})
        assert shop.upload("images/products/1", "a.png", big).status == 200

    def test_a_text_leaves_a_ghost(self, shop: Visitor) -> None:
        """A text named .png is refused, and an empty row stays; deleting the product then fails half-way (section 7;
        the latter tried on 8.2.1)."""
        product = shop.product()
        answer = shop.upload(f"images/products/{product}", "a.png", b"no image at all")
        assert (answer.status, b"[76]" in answer.body) == (400, True)
        [ghost] = [each.get("id") for each in shop.done("GET", f"images/products/{product}")[0]]
        assert shop.refused("GET", f"images/products/{product}/{ghost}") == (500, [61])
        assert shop.refused("DELETE", f"products/{product}") == (500, [88])
        assert shop.send("GET", f"products/{product}").status == 404

    def test_cover_trap_and_cure(self, shop: Visitor) -> None:
        """Cover moved, then deleted: no cover, every POST fails with 76 until the cover is set again (section 7)."""
        product = shop.product()
        first, second = shop.image(product), shop.image(product)
        move = f"<a><id>{product}</id><id_default_image>{{}}</id_default_image></a>"
        shop.done("PATCH", "products", move.format(second))
        shop.done("DELETE", f"images/products/{product}/{second}")
        assert shop.text(f"products/{product}", "id_default_image") == ""
        assert b"Error while creating image" in shop.upload(f"images/products/{product}", "a.png", picture()).body
        shop.done("PATCH", "products", move.format(first))
        assert shop.image(product) > second

    def test_deleted_cover_is_followed_by_the_next_post(self, shop: Visitor) -> None:
        """A cover that was never moved is deleted: none is left, the next image becomes it (section 7)."""
        product = shop.product()
        first, _ = shop.image(product), shop.image(product)
        shop.done("DELETE", f"images/products/{product}/{first}")
        assert shop.text(f"products/{product}", "id_default_image") == ""
        assert shop.text(f"products/{product}", "id_default_image") != str(new := shop.image(product))
        assert shop.text(f"products/{product}", "id_default_image") == str(new)

    def test_deletions(self, shop: Visitor) -> None:
        """Twice the same image: 57; without an image's id: 200 and nothing happens (section 7)."""
        shop.done("DELETE", "images/products/1/2")
        assert shop.refused("DELETE", "images/products/1/2") == (400, [57])
        shop.done("DELETE", "images/products/1")
        assert len(shop.done("GET", "images/products/1")[0]) == 1

    def test_replace_by_ps_method(self, shop: Visitor) -> None:
        """POST on an existing image is 65; with ps_method=PUT it replaces and answers the file (section 7)."""
        assert b"[65]" in shop.upload("images/products/1/1", "a.png", picture()).body
        answer = shop.upload("images/products/1/1?ps_method=PUT", "a.png", picture())
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        assert shop.send("GET", "images/products/1/1/large_default").headers["Content-Type"] == "image/jpeg"

    def test_file_is_encoded_anew(self, shop: Visitor) -> None:
        """What comes back isn't what was sent; the dump knows the hash of what was sent."""
        product = shop.product()
        noisy = picture() + b"trailing"
        shop.upload(f"images/products/{product}", "a.png", noisy)
        [image] = [each for each in shop.control("dump")["images"] if each["id_product"] == product]
        assert shop.send("GET", f"images/products/{product}/{image['id']}").body != noisy
        assert (image["size"], image["cover"]) == (len(noisy), True)


class TestTexts:
    """Section 8."""

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ('<p style="color:red">x</p>', '<p style="color:#FF0000;">x</p>'),
            ("<p>x", "<p>x</p>"),
            ("a<br>b", "a<br />b"),
            ("&eacute;&nbsp;!", "é\u00a0!"),
            ("a & b", "a &amp; b"),
            ("a < b", "a &lt; b"),
            ('<p data-z="1">x</p>', "<p>x</p>"),
            (
                '<a href="https://x.fr" target="_blank">l</a>',
                '<a href="https://x.fr" target="_blank" rel="noreferrer noopener">l</a>',
            ),
            ("<table><tr><td>1</td></tr></table>", "<table><tr><td>1</td></tr></table>"),
            ('<img src="a.jpg">', '<img src="a.jpg" alt="a.jpg" />'),
        ],
    )
    def test_html_is_rewritten(self, shop: Visitor, sent: str, kept: str) -> None:
        """The answer echoes the HTML, a GET shows it rewritten (section 8; the last two tried on 8.2.1)."""
        cdata = BOTH.format(f"<![CDATA[{sent}]]>")
        answer = shop.send("PATCH", "products", f"<a><id>3</id><description>{cdata}</description></a>")
        assert f"<![CDATA[{sent}]]>" in answer.body.decode()
        assert shop.languages("products/3", "description")["1"] == kept

    def test_end_of_cdata_breaks_the_answer(self, shop: Visitor) -> None:
        """`]]>` in a description makes the echo invalid XML, the stored text is fine (section 8)."""
        body = f"<a><id>3</id><description>{BOTH.format('x ]]&gt; y')}</description></a>"
        answer = shop.send("PATCH", "products", body)
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(answer.body)
        assert shop.languages("products/3", "description")["1"] == "x ]]&gt; y"

    def test_day_that_does_not_exist(self, shop: Visitor) -> None:
        """available_date 2026-02-31 is accepted and stored as zeros (section 8)."""
        shop.done("PATCH", "products", "<a><id>3</id><available_date>2026-02-31</available_date></a>")
        assert shop.text("products/3", "available_date") == "0000-00-00"

    def test_category_without_parent(self, shop: Visitor) -> None:
        """Without id_parent a category is made below 0, invisible (section 8)."""
        body = (
            f"<a><active>1</active><name>{BOTH.format('Été')}</name><link_rewrite>{BOTH.format('')}</link_rewrite></a>"
        )
        category = shop.done("POST", "categories", body)[0].findtext("id")
        assert (
            shop.text(f"categories/{category}", "id_parent"),
            shop.text(f"categories/{category}", "level_depth"),
        ) == (
            "0",
            "0",
        )
        assert shop.languages(f"categories/{category}", "link_rewrite")["1"] == "ete"

    def test_category_without_link_rewrite(self, shop: Visitor) -> None:
        """A category posted without link_rewrite is refused with 84 (tried on 8.2.1)."""
        assert shop.refused("POST", "categories", f"<a><active>1</active><name>{BOTH.format('x')}</name></a>") == (
            400,
            [84],
        )

    def test_deleted_category_stays_the_default(self, shop: Visitor) -> None:
        """DELETE of a category leaves the products' id_category_default (section 8)."""
        shop.done("DELETE", "categories/4")
        assert shop.text("products/1", "id_category_default") == "4"
        left = shop.one("products/1").iterfind("associations/categories/category")
        assert [each.findtext("id") for each in left] == ["2", "3"]

    def test_nothing_is_unique(self, shop: Visitor) -> None:
        """The same reference and the same names twice are accepted (section 8)."""
        assert shop.product("<reference>demo_1</reference>") != shop.product("<reference>demo_1</reference>")

    def test_nameless_product_is_a_php_warning(self, shop: Visitor) -> None:
        """POST without a name, or with one text for all languages, is 500/3 and creates nothing (sections 0 and 2)."""
        assert shop.refused("POST", "products", "<a><price>1</price></a>") == (500, [3])
        assert shop.refused("POST", "products", "<a><price>1</price><name>x</name></a>") == (500, [3])
        assert shop.ids("products?filter[id]=>[19]") == []

    def test_notice_hides_a_created_product(self) -> None:
        """1.7.8.11 with notices answers 500 to POST products although the product is there (section 0)."""
        old = Visitor("1.7.8.11", notices=True)
        body = f"<a><price>1</price><name>{BOTH.format('x')}</name><reference>N-1</reference></a>"
        assert old.refused("POST", "products", body) == (500, [5])
        assert old.ids("products?filter[reference]=[N-1]") == [20]


class TestControl:
    """`/_emulator/shop/`."""

    def test_edit_moves_date_upd(self, shop: Visitor) -> None:
        """An edit in the back office needs no rights and moves date_upd."""
        shop.control("edit", {"resource": "products", "id": 3, "fields": {"name": {"1": "Main", "2": "Hand"}}})
        assert shop.languages("products/3", "name") == {"1": "Main", "2": "Hand"}
        assert shop.text("products/3", "date_upd") == "2026-11-24 09:00:00"

    def test_create_and_delete(self, shop: Visitor) -> None:
        """Rows made by hand bring what PrestaShop brings along; deleting takes it away."""
        made = shop.control("create", {"resource": "products", "fields": {"name": {"1": "x"}, "price": "3"}})["id"]
        assert shop.stock(made) == {0: 0}
        shop.control("delete", {"resource": "products", "id": made})
        assert shop.stock(made) == {}

    def test_edit_of_stock_counts_the_total(self, shop: Visitor) -> None:
        """A quantity typed by hand changes the total too."""
        shop.control("edit", {"resource": "stock_availables", "id": 20, "fields": {"quantity": 0}})
        assert shop.stock(1)[0] == 2395 - 297

    def test_dump_has_everything(self, shop: Visitor) -> None:
        """The dump lists every row with its stored values and associations."""
        dump = shop.control("dump")
        assert len(dump["products"]) == 19
        assert dump["products"][0]["name"]["1"] == "T-shirt imprimé colibri"
        assert dump["combinations"][0]["associations"]["product_option_values"] == [{"id": "1"}, {"id": "8"}]

    def test_nonsense_is_refused(self, shop: Visitor) -> None:
        """An unknown field, id or action is refused with its name."""
        order = json.dumps({"resource": "products", "id": 3, "fields": {"nom": "x"}}).encode()
        assert shop.shop.control(Request("POST", "/_emulator/shop/edit", [], {}, order)).status == 400
        assert shop.shop.control(Request("GET", "/_emulator/shop/rows", [], {}, b"")).status == 404

    def test_without_demo_data(self) -> None:
        """A shop without products has the same settings."""
        bare = Visitor(demo_data=False)
        assert (bare.ids("products"), len(bare.ids("tax_rule_groups"))) == ([], 5)


def test_bulk_work_is_fast(shop: Visitor) -> None:
    """Writing 1,000 stock rows and listing them is well below a second (design, section 6)."""
    table = shop.shop.shop.tables["stock_availables"]
    for number in range(1000):
        table.insert({**table.rows[1], "id_product": str(100 + number), "quantity": "0"})
    rows = "".join(f"<a><id>{each}</id><quantity>4</quantity></a>" for each in list(table.rows)[-1000:])
    started = datetime.now(UTC)
    shop.done("PATCH", "stock_availables", rows)
    listed = shop.done("GET", "stock_availables?filter[quantity]=[4]&display=full&sort=[id_ASC]")[0]
    assert (len(listed), datetime.now(UTC) - started < timedelta(seconds=2)) == (1000, True)
