"""The contract of the port `Shop`, kept by the webservice adapter on an emulated 8.2.1 and on a 1.7.8.11.

Whoever writes another `Shop` adds it to the fixture `shop`; the emulator itself is steered only where a test says so.
"""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, Maintenance, Rejected, ShopRefused, Temporary, Uncertain
from lcvsync.ports import Record, Resource, Shop, Value
from lcvsync.prestashop import WebserviceShop, authorization
from lcvsync.transport import SHOP, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "CONTRACTCONTRACTCONTRACTCONTRACT"


class QuickClock:
    """The machine's time; nobody really sleeps."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Go on at once."""


@pytest.fixture(params=["8.2.1", "1.7.8.11"])
def server(request: pytest.FixtureRequest) -> Iterator[EmulatorServer]:
    """A new emulated shop."""
    with EmulatorServer(PrestaShopEmulator(key=KEY, version=request.param)) as running:
        yield running


@pytest.fixture
def shop(server: EmulatorServer) -> Iterator[Shop]:
    """The implementation under contract."""
    with Transport(SHOP, server.url, QuickClock(), headers=authorization(KEY), jitter=lambda: 0.0) as transport:
        yield WebserviceShop(transport, QuickClock())


def product(reference: str, **fields: Value) -> Record:
    """A complete new product."""
    complete: dict[str, Value] = {
        "reference": reference,
        "name": {1: f"Robe {reference}", 2: f"Dress {reference}"},
        "price": Decimal("49.166667"),
        "state": 1,
        "active": False,
        "minimal_quantity": 1,
        "show_price": True,
        "available_for_order": True,
        "id_category_default": 2,
        "id_tax_rules_group": 1,
    }
    return Record(0, {**complete, **fields}, {"categories": ({"id": 2},)})


def picture() -> bytes:
    """A small JPEG."""
    target = io.BytesIO()
    Image.new("RGB", (40, 40), "blue").save(target, "JPEG")
    return target.getvalue()


class TestShopContract:
    """What every `Shop` does."""

    def test_identity(self, shop: Shop) -> None:
        """Name, version and rights of the key; PATCH is a right from version 8 on."""
        identity = shop.identity()

        assert identity.name
        assert {"GET", "PUT", "POST", "DELETE"} <= identity.rights["products"]
        assert ("PATCH" in identity.rights["products"]) == (int(identity.version.split(".")[0]) >= 8)

    def test_settings(self, shop: Shop) -> None:
        """What a French shop says of itself."""
        settings = shop.settings()

        assert [(each.id, each.iso_code, each.active) for each in settings.languages] == [
            (1, "fr", True),
            (2, "en", True),
        ]
        assert (settings.default_language, settings.time_zone, settings.currency) == (1, "Europe/Paris", "EUR")
        assert (settings.shops, settings.home_category, settings.short_description_limit) == ((1,), 2, 800)
        assert settings.vat_rates[1] == 20
        assert settings.image_limit >= 2_000_000

    def test_read_everything(self, shop: Shop) -> None:
        """Ascending ids; plain fields as text, texts by language, associations with their numbers."""
        found = list(shop.read(Resource.PRODUCTS))

        assert [each.id for each in found] == list(range(1, 20))
        assert found[0].text("reference") == "demo_1"
        assert list(found[0].fields["name"]) == [1, 2]  # type: ignore[arg-type]
        assert found[0].ids("categories") == (2, 3, 4)
        assert found[0].associations["product_features"][0].keys() == {"id", "id_feature_value"}

    def test_read_named_fields(self, shop: Shop) -> None:
        """Only what was named, associations of combinations too."""
        found = next(iter(shop.read(Resource.COMBINATIONS, fields=("reference", "product_option_values[id]"))))

        assert found == Record(1, {"reference": "demo_1"}, {"product_option_values": ({"id": 1}, {"id": 8})})

    def test_read_after(self, shop: Shop) -> None:
        """Ids greater than the given one, in ascending order; also together with a list."""
        assert [each.id for each in shop.read(Resource.PRODUCTS, fields=("id",), after=16)] == [17, 18, 19]
        assert [each.id for each in shop.read(Resource.PRODUCTS, where={"id": [16, 17, 40]}, after=16)] == [17]
        assert list(shop.read(Resource.PRODUCTS, fields=("id",), after=19)) == []

    def test_read_since(self, shop: Shop) -> None:
        """Times later than one of the shop's own; nothing is without the end of time."""
        dates = {each.id: each.text("date_upd") for each in shop.read(Resource.ORDERS, fields=("date_upd",))}
        middle = sorted(dates.values())[len(dates) // 2]
        later = sorted(order for order, date in dates.items() if date > middle)

        found = shop.read(Resource.ORDERS, fields=("reference",), since=("date_upd", middle))

        assert [each.id for each in found] == later
        assert list(shop.read(Resource.ORDERS, fields=("reference",), since=("date_upd", "2999-01-01 00:00:00"))) == []

    def test_read_starting(self, shop: Shop) -> None:
        """Texts that begin like another, also behind an id."""
        codes = {each.id: each.text("code") for each in shop.read(Resource.CART_RULES, fields=("code",))}
        wanted = [rule for rule, code in codes.items() if code.startswith("V")]

        found = [each.id for each in shop.read(Resource.CART_RULES, fields=("code",), starting=("code", "V"))]
        assert found == wanted
        after = shop.read(Resource.CART_RULES, fields=("code",), starting=("code", "V"), after=wanted[0])
        assert [each.id for each in after] == wanted[1:]

    def test_lines_of_credit_slips(self, shop: Shop) -> None:
        """Their amounts are texts, as they stand in the shop."""
        slip = next(iter(shop.read(Resource.ORDER_SLIPS, where={"id": [4]})))

        assert [row["id_order_detail"] for row in slip.rows] == ["18"]
        assert slip.rows[0]["amount_tax_incl"] == "16.680000"

    def test_time(self, shop: Shop) -> None:
        """The shop tells its own time with every answer."""
        shop.identity()

        assert shop.time() is not None

    def test_read_where(self, shop: Shop) -> None:
        """Values are alternatives, fields go together, case doesn't count; no value finds nothing."""
        fields = ("reference",)

        def found(**where: list[int | str]) -> list[int]:
            return [each.id for each in shop.read(Resource.PRODUCTS, fields=fields, where=where)]

        assert found(reference=["demo_1", "DEMO_3", "unknown"]) == [1, 2]
        assert found(reference=["demo_1", "demo_3"], id=[2, 3]) == [2]
        assert found(reference=[]) == []
        assert found(id=[7, 3, 3, 999]) == [3, 7]

    def test_read_with_long_lists(self, shop: Shop) -> None:
        """Hundreds of ids with gaps, and of texts, find what is there once."""
        stock = list(shop.read(Resource.STOCK, fields=("id_product",), where={"id_product": range(1, 2000, 2)}))
        assert {each.number("id_product") for each in stock} == set(range(1, 20, 2))
        assert len({each.id for each in stock}) == len(stock)

        references = [f"demo_{number}" for number in range(1, 400)]
        assert len(list(shop.read(Resource.PRODUCTS, fields=("id",), where={"reference": references}))) >= 18

    @pytest.mark.parametrize("text", ["a|b", "12,5", "L'été & cie", "50 %", "a,b;c", ">[3]"])
    def test_read_where_any_text(self, shop: Shop, text: str) -> None:
        """A text with the filters' own signs is found, never taken for an operator."""
        [new] = shop.create(Resource.OPTION_VALUES, [Record(0, {"id_attribute_group": 1, "name": {1: "x", 2: "y"}})])
        if not set("<>{}=") & set(text):
            shop.update(Resource.OPTION_VALUES, [Record(new, {"name": {1: text, 2: text}})])

        found = [each.id for each in shop.read(Resource.OPTION_VALUES, fields=("name",), where={"name": [text]})]

        assert found == ([] if ">" in text else [new])

    def test_highest_id(self, shop: Shop) -> None:
        """The newest id, also after deletions; 0 for an empty resource."""
        assert shop.highest_id(Resource.PRODUCTS) == 19
        assert shop.highest_id(Resource.SPECIFIC_PRICES) == 2
        shop.delete(Resource.SPECIFIC_PRICES, [1, 2])
        assert shop.highest_id(Resource.SPECIFIC_PRICES) == 0

    def test_create(self, shop: Shop) -> None:
        """Ids come back in the order sent, and what was sent is there."""
        ids = shop.create(Resource.PRODUCTS, [product("A"), product("B", active=True), product("C")])

        found = list(shop.read(Resource.PRODUCTS, fields=("reference", "price", "active", "name"), after=19))
        assert [each.id for each in found] == ids
        assert [(each.text("reference"), each.text("active")) for each in found] == [("A", "0"), ("B", "1"), ("C", "0")]
        assert found[0].text("price") == "49.166667"
        assert found[0].fields["name"] == {1: "Robe A", 2: "Dress A"}

    def test_create_rejected(self, shop: Shop) -> None:
        """The records before the bad one are saved, the others are not; the code is PrestaShop's."""
        with pytest.raises(Rejected) as caught:
            shop.create(Resource.PRODUCTS, [product("A"), product("B", ean13="no digits"), product("C")])

        assert caught.value.code in {84, 85}
        assert [each.text("reference") for each in shop.read(Resource.PRODUCTS, fields=("reference",), after=19)] == [
            "A"
        ]

    def test_create_uncertain(self, shop: Shop, server: EmulatorServer) -> None:
        """The answer is lost: nobody knows, and it was done here."""
        server.faults.append(Fault(FaultKind.LOST, method="POST"))

        with pytest.raises(Uncertain):
            shop.create(Resource.PRODUCTS, [product("A")])

        assert shop.highest_id(Resource.PRODUCTS) == 20

    def test_update(self, shop: Shop) -> None:
        """Given fields are written, everything else stays; twice is the same as once."""
        [before] = shop.read(Resource.PRODUCTS, where={"id": [2]})

        for _ in range(2):
            shop.update(Resource.PRODUCTS, [Record(2, {"price": "31.5", "name": {1: "Pull", 2: "Sweater"}})])

        [after] = shop.read(Resource.PRODUCTS, where={"id": [2]})
        assert after.associations == before.associations
        different = {name: value for name, value in after.fields.items() if before.fields[name] != value}
        different.pop("date_upd", None)
        assert different == {"price": "31.500000", "name": {1: "Pull", 2: "Sweater"}}

    def test_update_stock(self, shop: Shop) -> None:
        """Quantities of many rows in one call; the product's total follows."""
        rows = list(shop.read(Resource.STOCK, where={"id_product": [1]}))

        shop.update(
            Resource.STOCK, [Record(each.id, {"quantity": 3}) for each in rows if each.number("id_product_attribute")]
        )

        after = list(shop.read(Resource.STOCK, where={"id_product": [1]}))
        assert [each.number("quantity") for each in after] == [24, *[3] * 8]
        assert [each.text("id_shop") for each in after] == ["1"] * 9

    def test_update_of_what_is_gone(self, shop: Shop) -> None:
        """Code 92 says that a record no longer exists."""
        with pytest.raises(Rejected) as caught:
            shop.update(Resource.STOCK, [Record(4711, {"quantity": 1})])

        assert caught.value.code == 92

    def test_delete(self, shop: Shop) -> None:
        """Deleted records are gone; those gone already don't matter."""
        new = shop.create(Resource.PRODUCTS, [product("A"), product("B")])

        shop.delete(Resource.PRODUCTS, [new[0]])
        shop.delete(Resource.PRODUCTS, new)
        shop.delete(Resource.PRODUCTS, new)

        assert shop.highest_id(Resource.PRODUCTS) == 19

    def test_images(self, shop: Shop) -> None:
        """Uploads are listed in order; a deleted one is gone, deleting it again does nothing."""
        [number] = shop.create(Resource.PRODUCTS, [product("A")])
        assert shop.images(number) == []
        assert shop.images(4711) == []

        ids = [shop.upload_image(number, name, picture()) for name in ("face.jpg", "dos.jpg")]
        assert shop.images(number) == ids

        shop.delete_image(number, ids[0])
        shop.delete_image(number, ids[0])
        assert shop.images(number) == ids[1:]

    def test_refused_image(self, shop: Shop) -> None:
        """What isn't an image is Rejected, and may leave an empty row."""
        with pytest.raises(Rejected):
            shop.upload_image(6, "face.png", b"not a picture")

    def test_wrong_key(self, server: EmulatorServer) -> None:
        """Another key is ShopRefused, with a cure."""
        with Transport(SHOP, server.url, QuickClock(), headers=authorization("X" * 32)) as transport:
            stranger = WebserviceShop(transport, QuickClock())
            with pytest.raises(ShopRefused) as caught:
                stranger.identity()

        assert caught.value.cure

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (Fault(FaultKind.STATUS, status=503, times=9), Maintenance),
            (Fault(FaultKind.HTML, status=200, times=9), BadAnswer),
            (Fault(FaultKind.BROKEN, status=200, times=9), BadAnswer),
            (Fault(FaultKind.CUT, times=9), Temporary),
            (Fault(FaultKind.REFUSED, times=9), Temporary),
            (Fault(FaultKind.STATUS, status=500, times=9), Temporary),
        ],
        ids=lambda value: getattr(value, "kind", ""),
    )
    def test_failing_reads(self, shop: Shop, server: EmulatorServer, fault: Fault, expected: type[Temporary]) -> None:
        """Every way in which a read fails for now is a Temporary, some of a kind of their own."""
        server.faults.append(fault)

        with pytest.raises(expected):
            shop.highest_id(Resource.PRODUCTS)
