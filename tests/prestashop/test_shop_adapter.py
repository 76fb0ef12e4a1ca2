"""The adapter against the emulated 8.2.1 and 1.7.8.11: which requests it makes, and what the shop's database says."""

from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from lcvsync.emulators.faults import Fault
from lcvsync.emulators.http import Request
from lcvsync.emulators.log import LoggedRequest
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, Maintenance, Rejected, ShopRefused, Temporary, Uncertain
from lcvsync.ports import Record, Resource, Value
from lcvsync.prestashop import WebserviceShop, authorization, queries
from lcvsync.transport import SHOP, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "TESTKEYTESTKEYTESTKEYTESTKEYTEST"


class FakeClock:
    """Time that goes on by itself, and jumps where somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Rig:
    """An emulated shop and the adapter under test."""

    shop: WebserviceShop
    server: EmulatorServer
    clock: FakeClock
    transport: Transport

    def control(self, action: str, **order: Any) -> Any:
        """Do what a person does in the back office; see the emulator's `control`."""
        method = "POST" if order else "GET"
        request = Request(method, f"/_emulator/shop/{action}", [], {}, json.dumps(order).encode() if order else b"")
        response = self.server.emulator.control(request)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def row(self, resource: str, number: int) -> dict[str, Any]:
        """A record as the shop's database has it, associations included."""
        found: dict[str, Any] = next(each for each in self.control("dump")[resource] if each["id"] == str(number))
        return found

    def fault(self, kind: str, **described: Any) -> None:
        """Put one fault in waiting."""
        self.server.faults.append(Fault.from_json({"kind": kind, **described}))

    def requests(self, method: str | None = None) -> list[LoggedRequest]:
        """What the shop was asked, by one method or by all."""
        return [each for each in self.server.requests if method in {None, each.method}]


@contextmanager
def running(version: str = "8.2.1", key: str = KEY, **options: Any) -> Iterator[Rig]:
    """A rig with a new shop of *version*; *options* go to the adapter."""
    clock = FakeClock()
    emulator = PrestaShopEmulator(key=KEY, version=version)
    with (
        EmulatorServer(emulator) as server,
        Transport(SHOP, server.url, clock, headers=authorization(key), jitter=lambda: 0.0) as transport,
    ):
        yield Rig(WebserviceShop(transport, **options, clock=clock), server, clock, transport)
        assert server.errors == []


@pytest.fixture(params=["8.2.1", "1.7.8.11"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """An emulated shop that has PATCH, then one that hasn't."""
    with running(request.param) as found:
        yield found


@pytest.fixture
def recent() -> Iterator[Rig]:
    """An emulated 8.2.1."""
    with running() as found:
        yield found


JPEG = io.BytesIO()
Image.new("RGB", (40, 40), "red").save(JPEG, "JPEG")


def product(reference: str, **fields: Value) -> Record:
    """A complete new product."""
    complete: dict[str, Value] = {
        "reference": reference,
        "name": {1: f"Robe {reference}", 2: f"Dress {reference}"},
        "link_rewrite": {1: "robe", 2: "dress"},
        "price": "49.166667",
        "state": 1,
        "active": False,
        "minimal_quantity": 1,
        "show_price": True,
        "available_for_order": True,
        "id_category_default": 2,
        "id_tax_rules_group": 1,
    }
    return Record(0, {**complete, **fields}, {"categories": ({"id": 2},)})


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that differ, but for the shop's own `date_upd`."""
    return {name: value for name, value in after.items() if before[name] != value and name != "date_upd"}


WRITES: list[tuple[Resource, int, dict[str, Value], dict[str, Any]]] = [
    (Resource.PRODUCTS, 1, {"price": "31.5"}, {"price": "31.500000"}),
    (Resource.COMBINATIONS, 9, {"weight": "0.5"}, {"weight": "0.500000"}),
    (Resource.STOCK, 20, {"quantity": 77}, {"quantity": "77"}),
    (Resource.CATEGORIES, 4, {"name": {1: "Lui", 2: "Him"}}, {"name": {"1": "Lui", "2": "Him"}}),
    (Resource.MANUFACTURERS, 1, {"name": "Studio D"}, {"name": "Studio D"}),
    (Resource.OPTION_VALUES, 8, {"color": "#123456"}, {"color": "#123456"}),
    (Resource.FEATURE_VALUES, 1, {"value": {1: "Lin", 2: "Linen"}}, {"value": {"1": "Lin", "2": "Linen"}}),
    (Resource.SPECIFIC_PRICES, 1, {"reduction": "0.25"}, {"reduction": "0.250000"}),
]


@pytest.mark.parametrize("write", WRITES, ids=[str(write[0]) for write in WRITES])
def test_update_changes_nothing_else(rig: Rig, write: tuple[Resource, int, dict[str, Value], dict[str, Any]]) -> None:
    """By PATCH and by PUT: one column changes; dates, associations, shop ids and inactive languages stay."""
    resource, number, fields, expected = write
    rig.control("settings", languages={"2": False})
    before = rig.row(resource, number)

    rig.shop.update(resource, [Record(number, fields)])

    assert changed(before, rig.row(resource, number)) == expected


def test_update_of_all_products_leaves_their_texts(rig: Rig) -> None:
    """A bulk write of prices costs two requests at most for the products themselves and touches no text."""
    rig.control("settings", languages={"2": False})
    before = {row["id"]: row for row in rig.control("dump")["products"]}

    rig.shop.update(Resource.PRODUCTS, [Record(number, {"price": "9.99"}) for number in range(1, 20)])

    after = {row["id"]: row for row in rig.control("dump")["products"]}
    assert all(changed(before[number], row) == {"price": "9.990000"} for number, row in after.items())
    assert sum("/api/products" in each.path for each in rig.requests()) <= 2


def test_associations_given_are_replaced_and_others_stay(rig: Rig) -> None:
    """Categories change, features and combinations don't."""
    before = rig.row("products", 1)

    rig.shop.update(Resource.PRODUCTS, [Record(1, {}, {"categories": ({"id": 2}, {"id": 9})})])

    after = rig.row("products", 1)
    assert [int(item["id"]) for item in after["associations"]["categories"]] == [2, 9]
    kept = {name: items for name, items in after["associations"].items() if name != "categories"}
    assert kept == {name: items for name, items in before["associations"].items() if name != "categories"}


def test_values_of_a_combination_do_not_cost_its_images(rig: Rig) -> None:
    """Writing a combination's option values alone would delete its images (measured, section 2)."""
    before = rig.row("combinations", 1)["associations"]
    assert before["images"]

    rig.shop.update(Resource.COMBINATIONS, [Record(1, {}, {"product_option_values": ({"id": 2}, {"id": 8})})])

    after = rig.row("combinations", 1)["associations"]
    assert after["images"] == before["images"]
    assert [int(item["id"]) for item in after["product_option_values"]] == [2, 8]


def test_patch_is_used_where_the_key_has_it(rig: Rig) -> None:
    """8.x gets one PATCH; 1.7 gets a read and one PUT. Nothing is configured for that."""
    rig.shop.update(Resource.STOCK, [Record(20, {"quantity": 1}), Record(21, {"quantity": 2})])

    recent = rig.shop.identity().version == "8.2.1"
    assert [each.method for each in rig.requests()] == (["GET", "PATCH"] if recent else ["GET", "GET", "PUT"])
    assert rig.requests()[-1].entities == 2


def test_refused_patch_falls_back_to_put(recent: Rig) -> None:
    """A web server that refuses PATCH (405) costs one request; afterwards PUT is used at once."""
    recent.fault("html", method="PATCH", status=405, times=0)

    recent.shop.update(Resource.STOCK, [Record(20, {"quantity": 5})])
    recent.shop.update(Resource.STOCK, [Record(21, {"quantity": 6})])

    assert [recent.row("stock_availables", number)["quantity"] for number in (20, 21)] == ["5", "6"]
    assert len(recent.requests("PATCH")) == 1


def test_key_without_patch() -> None:
    """A key made before 8.0 lacks the PATCH right: PUT is used, without trying."""
    with running() as rig:
        every = {"GET", "HEAD", "PUT", "POST", "DELETE"}
        names = ("products", "stock_availables", "languages")
        rig.control("key", key="OLDKEYOLDKEYOLDKEYOLDKEYOLDKEY12", permissions={name: sorted(every) for name in names})
        with Transport(
            SHOP, rig.server.url, rig.clock, headers=authorization("OLDKEYOLDKEYOLDKEYOLDKEYOLDKEY12")
        ) as transport:
            WebserviceShop(transport, rig.clock).update(Resource.STOCK, [Record(20, {"quantity": 4})])

        assert rig.row("stock_availables", 20)["quantity"] == "4"
        assert not rig.requests("PATCH")


@pytest.mark.parametrize("place", [0, 2, 4])
def test_bad_record_in_a_batch(rig: Rig, place: int) -> None:
    """Those before the bad one are saved, that one and those after it are not, and nothing tells which it was."""
    records = [product(f"R{index}", **({"name": {1: "a<b", 2: "x"}} if index == place else {})) for index in range(5)]
    highest = rig.shop.highest_id(Resource.PRODUCTS)

    with pytest.raises(Rejected, match="name") as caught:
        rig.shop.create(Resource.PRODUCTS, records)

    assert caught.value.code == 84
    saved = [each.text("reference") for each in rig.shop.read(Resource.PRODUCTS, fields=["reference"], after=highest)]
    assert saved == [f"R{index}" for index in range(place)]


def test_put_of_a_missing_record_writes_nothing() -> None:
    """Where the record must be read first, its absence is found before any write."""
    with running("1.7.8.11") as rig:
        with pytest.raises(Rejected) as caught:
            rig.shop.update(Resource.STOCK, [Record(20, {"quantity": 1}), Record(9999, {"quantity": 1})])

        assert caught.value.code == 92
        assert not rig.requests("PUT")


def test_create_survives_the_broken_echo(rig: Rig) -> None:
    """`]]>` in a description makes the shop's answer invalid XML (measured, section 8); the id is found."""
    [number] = rig.shop.create(Resource.PRODUCTS, [product("X", description={1: "<p>a ]]> b</p>", 2: ""})])

    assert rig.row("products", number)["reference"] == "X"


def test_created_although_php_complained() -> None:
    """1.7 with notices shown answers 500 to a POST that it did (measured, section 0): Uncertain, not refused."""
    with running("1.7.8.11") as rig:
        rig.control("settings", notices=True)
        with pytest.raises(Uncertain):
            rig.shop.create(Resource.PRODUCTS, [product("N")])

        assert [row["reference"] for row in rig.control("dump")["products"]][-1] == "N"


def test_unlike_reads_writes_are_never_repeated(recent: Rig) -> None:
    """A lost answer to a POST leaves one product and one request; a failed read is simply asked again."""
    recent.fault("lost", method="POST")
    with pytest.raises(Uncertain):
        recent.shop.create(Resource.PRODUCTS, [product("L")])
    assert len(recent.requests("POST")) == 1
    assert [row["reference"] for row in recent.control("dump")["products"]].count("L") == 1

    recent.fault("status", method="GET", status=500)
    assert recent.shop.highest_id(Resource.PRODUCTS) == 20


def test_a_write_halves_its_pace_when_it_is_lost(recent: Rig) -> None:
    """The next batch is smaller than the one that got no answer."""
    before = recent.shop.batch_size(Resource.STOCK, 999, creating=False)
    recent.fault("status", method="PATCH", status=504)
    with pytest.raises(Uncertain):
        recent.shop.update(Resource.STOCK, [Record(20, {"quantity": 1})] * 1)

    assert recent.shop.batch_size(Resource.STOCK, 999, creating=False) == 1 < before


def test_permissions_are_told_by_resource_and_method(recent: Rig) -> None:
    """What the key may not do is refused with the resource, the method, and what to tick."""
    recent.control("key", key="READONLYREADONLYREADONLYREADONLY", permissions={"stock_availables": ["GET"]})
    with Transport(
        SHOP, recent.server.url, recent.clock, headers=authorization("READONLYREADONLYREADONLYREADONLY")
    ) as transport:
        shop = WebserviceShop(transport, recent.clock)
        with pytest.raises(ShopRefused, match="PUT is refused for stock_availables") as write:
            shop.update(Resource.STOCK, [Record(20, {"quantity": 1})])
        with pytest.raises(ShopRefused, match="GET is refused for products"):
            list(shop.read(Resource.PRODUCTS, fields=["id"]))

    assert "tick GET and PUT for stock_availables" in write.value.cure


def test_another_host_is_a_wrong_address(recent: Rig) -> None:
    """PrestaShop redirects whoever calls it by another name; nothing is followed, the right name is told."""
    port = recent.server.url.rpartition(":")[2]
    with Transport(SHOP, f"http://localhost:{port}", recent.clock) as transport:
        shop = WebserviceShop(transport, recent.clock)
        with pytest.raises(ShopRefused, match="wrong address") as caught:
            shop.identity()

    assert recent.server.url in caught.value.cure


def test_address_with_a_wrong_path(recent: Rig) -> None:
    """`/api` typed with the address, or a folder that isn't the shop's: the cure says what to check."""
    with Transport(SHOP, f"{recent.server.url}/api", recent.clock, headers=authorization(KEY)) as transport:
        shop = WebserviceShop(transport, recent.clock)
        with pytest.raises(ShopRefused) as doubled:
            shop.identity()
    recent.fault("html", status=404)
    with pytest.raises(BadAnswer, match="404 with an HTML page") as missing:
        recent.shop.identity()

    assert "prestashop.url" in doubled.value.cure
    assert "prestashop.url" in missing.value.cure


def test_broken_answers(recent: Rig) -> None:
    """Half an answer and a proxy's page are BadAnswer, and a maintenance is Maintenance; none is asked twice."""
    recent.fault("broken", path="/api/languages")
    with pytest.raises(BadAnswer, match="cut short"):
        list(recent.shop.read(Resource.LANGUAGES))
    recent.fault("html", path="/api/languages")
    with pytest.raises(BadAnswer, match="HTML"):
        list(recent.shop.read(Resource.LANGUAGES))
    recent.control("settings", webservice=False)
    with pytest.raises(Maintenance):
        list(recent.shop.read(Resource.LANGUAGES))
    assert len(recent.requests()) == 3


def test_overload_is_waited_for(recent: Rig) -> None:
    """429 with Retry-After: the read is repeated after that time, a write is not."""
    recent.fault("status", status=429, retry_after=3, times=2)
    assert recent.shop.highest_id(Resource.SHOPS) == 1
    assert recent.clock.slept == [3, 3]

    recent.fault("status", method="PATCH", status=429)
    with pytest.raises(Temporary) as caught:
        recent.shop.update(Resource.STOCK, [Record(20, {"quantity": 1})])
    assert caught.value.retry_after == 1
    assert len(recent.requests("PATCH")) == 1


def test_a_list_in_another_order_is_refused(recent: Rig) -> None:
    """A shop or proxy that drops the filter would be read in circles: the ids must rise."""
    page = b"<prestashop><shops><shop id='2'/><shop id='2'/></shops></prestashop>"
    recent.fault("broken", path="/api/shops", body=page.decode())

    with pytest.raises(BadAnswer, match="not sorted"):
        list(recent.shop.read(Resource.SHOPS, fields=["id"]))


def test_pages(recent: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages follow each other by the last id; an exactly full last page costs one empty answer."""
    monkeypatch.setattr(queries, "page_size", lambda *_: 5)

    assert [each.id for each in recent.shop.read(Resource.PRODUCTS, fields=["reference"])] == list(range(1, 20))
    assert len(recent.requests()) == 4
    assert [each.id for each in recent.shop.read(Resource.OPTION_VALUES, fields=["id"])] == list(range(1, 26))
    assert len(recent.requests()) == 10


def test_inactive_languages_are_read(recent: Rig) -> None:
    """Every language of a text is shown, active or not, and the list of languages is asked for once."""
    recent.control("settings", languages={"2": False})

    for _ in range(2):
        [found] = recent.shop.read(Resource.PRODUCTS, fields=["name"], where={"id": [1]})
        name = found.fields["name"]
        assert isinstance(name, dict)
        assert list(name) == [1, 2]

    assert len(recent.requests()) == 3


def test_settings_cost_few_requests(recent: Rig) -> None:
    """Eight requests with the identity; taxes switched off make every rate 0."""
    assert set(recent.shop.settings().vat_rates.values()) > {20}
    assert len(recent.requests()) == 8

    recent.control("settings", configurations={"PS_TAX": "0"})
    assert set(recent.shop.settings().vat_rates.values()) == {0}


def test_delete_with_some_gone(recent: Rig) -> None:
    """One unknown id makes PrestaShop delete nothing (measured, section 1): what remains is found and deleted."""
    new = recent.shop.create(Resource.PRODUCTS, [product("A"), product("B")])

    recent.shop.delete(Resource.PRODUCTS, [*new, 4711])
    recent.shop.delete(Resource.PRODUCTS, [*new, 4711])

    assert recent.shop.highest_id(Resource.PRODUCTS) == 19


def test_many_deletions_are_cut(recent: Rig) -> None:
    """A hundred records a request, so that neither the address nor the time grows too long."""
    new = recent.shop.create(Resource.MANUFACTURERS, [Record(0, {"name": f"M{n}", "active": 1}) for n in range(120)])

    recent.shop.delete(Resource.MANUFACTURERS, new)

    assert recent.shop.highest_id(Resource.MANUFACTURERS) == 2
    assert len(recent.requests("DELETE")) == 2


def test_requests_a_minute() -> None:
    """The limit of the configuration is kept by waiting."""
    with running(max_requests_per_minute=2) as rig:
        for _ in range(3):
            rig.shop.highest_id(Resource.SHOPS)

        assert [round(seconds) for seconds in rig.clock.slept] == [60]


def test_repeated_requests_count_too() -> None:
    """A request that is tried again is one more of that minute."""
    with running(max_requests_per_minute=2) as rig:
        rig.fault("cut", times=1)
        rig.shop.highest_id(Resource.SHOPS)
        rig.shop.highest_id(Resource.SHOPS)

        assert sum(rig.clock.slept) == pytest.approx(60, abs=1)
        assert len(rig.clock.slept) == 2


def test_shop_id_goes_with_every_request() -> None:
    """Reads and writes alike name the chosen shop of a multishop."""
    with running(shop_id=1) as rig:
        rig.shop.update(Resource.STOCK, [Record(20, {"quantity": 1})])
        list(rig.shop.read(Resource.SHOPS, fields=["id"]))

        assert all("id_shop=1" in each.query for each in rig.requests() if each.path != "/api/")


def test_upload_and_cover_trap(rig: Rig) -> None:
    """An upload gives the new id; a refused one keeps PrestaShop's code."""
    new = rig.shop.upload_image(6, "rouge.jpg", JPEG.getvalue())

    assert rig.shop.images(6)[-1] == new
    with pytest.raises(Rejected) as caught:
        rig.shop.upload_image(6, "rouge.bmp", JPEG.getvalue())
    assert caught.value.code == 76


def test_never_written_fields_are_refused_loudly(recent: Rig) -> None:
    """`combinations` of a product would delete those not listed: no request is made."""
    with pytest.raises(ValueError, match="combinations"):
        recent.shop.update(Resource.PRODUCTS, [Record(1, {}, {"combinations": ({"id": 1},)})])

    assert not recent.requests()


def test_no_records_no_request(recent: Rig) -> None:
    """Empty batches cost nothing."""
    assert recent.shop.create(Resource.PRODUCTS, []) == []
    recent.shop.update(Resource.PRODUCTS, [])
    recent.shop.delete(Resource.PRODUCTS, [])
    assert list(recent.shop.read(Resource.PRODUCTS, fields=["id"], where={"id": []})) == []

    assert not recent.requests()
