"""`lcvsync export-orders`, `export-order`, `export-customers`, `orders` and `why` from the command line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lcvsync.cli.errors import ExitCode
from lcvsync.cli.main import run
from lcvsync.demo.back_office import control as tell_lcv
from lcvsync.demo.shop import control
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer

KEY = "ORDERSORDERSORDERSORDERSORDERS00"
CONFIGURATION = """\
[lcv]
url = "{lcv}"
web_store = "WEB"
[prestashop]
url = "{shop}"
key = "{key}"
[orders]
min_id = 1
shipping_reference = "PORT"
[state]
directory = "state"
"""
Captured = pytest.CaptureFixture[str]


@dataclass
class Place:
    """An associated shop with one product of LCV, linked by hand."""

    lcv: EmulatorServer
    shop: EmulatorServer
    piece: dict[str, int]

    def tell(self, action: str, **asked: Any) -> Any:
        """What a person does in the shop."""
        emulator = self.shop.emulator
        assert isinstance(emulator, PrestaShopEmulator)
        return control(emulator, "POST", action, asked)

    def order(self, **asked: Any) -> int:
        """A paid order."""
        made = self.tell("order", **{"customer": {}, "state": 2, "lines": [self.piece], **asked})
        return int(made["id"])

    def customers(self) -> list[Any]:
        """LCV's customers."""
        emulator = self.lcv.emulator
        assert isinstance(emulator, LcvEmulator)
        return list(dump(emulator)["customers"])

    def sales(self) -> list[str]:
        """The kinds of LCV's documents."""
        emulator = self.lcv.emulator
        assert isinstance(emulator, LcvEmulator)
        return [str(sale["body"]["kind"]) for sale in dump(emulator)["sales"]]


def dump(emulator: LcvEmulator) -> Any:
    """Everything that LCV knows."""
    return tell_lcv(emulator, "GET", "dump")


@pytest.fixture
def place(capsys: Captured) -> Iterator[Place]:
    """Basic mode, adopted, payments mapped, one product linked."""
    clock = Clock()
    lcv = LcvEmulator(catalogue=generate(1, 2, now=clock()), username="demo", password="demo-password", clock=clock)
    lcv.catalogue.services += ["PORT"]
    shop = PrestaShopEmulator(key=KEY, clock=clock, demo_data=False)
    article = dump(lcv)["articles"][0]
    variant = article["variants"][0]
    fields = {"reference": "HAND-1", "name": "Robe", "price": "50", "active": "1", "id_tax_rules_group": "1"}
    product = control(shop, "POST", "create", {"resource": "products", "fields": fields})["id"]
    with EmulatorServer(lcv, clock=clock) as office, EmulatorServer(shop, clock=clock) as store:
        Path("lcvsync.toml").write_text(CONFIGURATION.format(lcv=office.url, shop=store.url, key=KEY))
        for command in (
            ["associate", "--username", "demo", "--password-stdin"],
            ["pull-config"],
            ["map", "set", "payment", "*", "CB"],
            ["product", "link", variant["sku"], str(product)],
            ["adopt", "--yes"],
        ):
            assert _typed(command) == 0, capsys.readouterr()
        capsys.readouterr()
        yield Place(office, store, {"id_product": int(product), "quantity": 1, "oversell": True})


def _typed(command: list[str]) -> int:
    """Run a command; the password of `associate` on standard input."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"demo-password\n"))
    try:
        return run(command)
    finally:
        sys.stdin = before


def shown(capsys: Captured) -> Any:
    """What a command printed as JSON."""
    return json.loads(capsys.readouterr().out)


class TestExport:
    """The commands that tell LCV."""

    def test_export_orders(self, place: Place, capsys: Captured) -> None:
        """The first part of a run alone; `--dry-run` shows it and does nothing."""
        order = place.order()

        assert run(["export-orders", "--dry-run", "--json"]) == 0
        planned = shown(capsys)
        assert [(each["kind"], each["key"]) for each in planned["plan"]] == [("sale", str(order))]
        assert place.sales() == []

        assert run(["export-orders", "--json"]) == 0
        assert shown(capsys)["changes"]["sale"] == {"create": 1}
        assert place.sales() == ["sale"]

    def test_export_order(self, place: Place, capsys: Captured) -> None:
        """One order, once; `--again` reverses it and sends it anew; one that doesn't exist is an error."""
        order = place.order()

        assert run(["export-order", str(order)]) == 0
        assert run(["export-order", str(order)]) == 0
        assert "--again" in capsys.readouterr().err
        assert place.sales() == ["sale"]

        assert run(["export-order", str(order), "--again"]) == 0
        assert place.sales() == ["sale", "reversal", "sale"]

        assert run(["export-order", "999"]) == ExitCode.USAGE
        assert "no order 999" in capsys.readouterr().err
        assert run(["export-order", str(order), "--again", "--changes"]) == ExitCode.USAGE

    def test_export_order_refused(self, place: Place, capsys: Captured) -> None:
        """An unpaid order: why, and what to do."""
        order = place.order(state=10)

        assert run(["export-order", str(order)]) == ExitCode.RECORDS_FAILED
        assert "not paid" in capsys.readouterr().err

    def test_disabled(self, place: Place, capsys: Captured) -> None:
        """With the synchronisation off it refuses, unless it is insisted."""
        file = Path("lcvsync.toml")
        file.write_text(file.read_text().replace("[orders]", "[sync]\nenabled = false\n[orders]"))
        order = place.order()

        assert run(["export-orders"]) == ExitCode.USAGE
        assert run(["export-order", str(order)]) == ExitCode.USAGE
        assert run(["export-order", str(order), "--even-if-disabled"]) == 0
        assert place.sales() == ["sale"]

    def test_customers_of_the_past(self, place: Place, capsys: Captured) -> None:
        """Everybody who bought; --all must be said."""
        place.order()

        assert run(["export-customers"]) == ExitCode.USAGE
        assert run(["export-customers", "--all", "--json"]) == 0
        capsys.readouterr()
        assert place.customers() != []

    def test_not_adopted(self, place: Place, capsys: Captured) -> None:
        """Another key is another shop: everything refuses and says how to go on."""
        file = Path("lcvsync.toml")
        file.write_text(file.read_text().replace(place.shop.url, place.shop.url.replace("127.0.0.1", "localhost")))
        assert run(["export-order", "1"]) == ExitCode.USAGE
        assert "lcvsync adopt" in capsys.readouterr().err
        assert run(["orders", "list"]) == 0
        assert "lcvsync adopt" in capsys.readouterr().err


class TestOrders:
    """`lcvsync orders`."""

    def test_list(self, place: Place, capsys: Captured) -> None:
        """What waits, with reason and cure; with --all everything."""
        unpaid, paid = place.order(state=10), place.order()
        run(["export-orders"])
        capsys.readouterr()

        assert run(["orders", "list", "--json"]) == 0
        (waiting,) = shown(capsys)
        assert (waiting["order"], waiting["reason"], waiting["pending"]) == (unpaid, "state_not_paid", 1)
        assert str(unpaid) in waiting["cure"]
        assert run(["orders", "list", "--all", "--json"]) == 0
        assert [row["order"] for row in shown(capsys)] == [unpaid, paid]
        assert run(["orders", "list"]) == 0
        assert "state_not_paid" in capsys.readouterr().out
        assert run(["why", str(unpaid)]) == 0
        assert "1 unit is taken off the stock on sale" in capsys.readouterr().out

    def test_settle(self, place: Place, capsys: Captured) -> None:
        """Typed into LCV by hand: never exported, until it is taken back."""
        order = place.order()

        assert run(["orders", "settle", str(order)]) == 0
        assert run(["export-orders"]) == 0
        assert run(["export-order", str(order)]) == ExitCode.RECORDS_FAILED
        assert "unsettle" in capsys.readouterr().err
        assert place.sales() == []

        assert run(["orders", "unsettle", str(order)]) == 0
        assert run(["orders", "unsettle", str(order)]) == ExitCode.USAGE
        assert run(["export-orders"]) == 0
        assert place.sales() == ["sale"]


class TestWhy:
    """`lcvsync why` of orders and customers."""

    def test_order(self, place: Place, capsys: Captured) -> None:
        """Lines, payments with the rule that answered, documents, and what the shop says now; by id and reference."""
        order = place.order()
        run(["export-orders"])
        capsys.readouterr()

        assert run(["why", str(order), "--json"]) == 0
        told = shown(capsys)
        assert [line["found_by"] for line in told["lines"]] == ["link"]
        assert [(each["code"], each["answered_by"]) for each in told["payments"]] == [("CB", "*")]
        assert [(each["kind"], each["recorded"]) for each in told["documents"]] == [("sale", True)]
        assert told["shop"]["reference"] == told["reference"]
        assert run(["why", told["reference"]]) == 0
        assert "Documents" in capsys.readouterr().out
        assert run(["why", "NOSUCHONE"]) == ExitCode.USAGE

    def test_refused(self, place: Place, capsys: Captured) -> None:
        """A refusal of LCV: its code, and the cure."""
        order = place.order()
        place.lcv.faults = [Fault(FaultKind.STATUS, path="/api/v1/sales", method="POST", status=422)]
        assert run(["export-orders"]) == ExitCode.RECORDS_FAILED
        capsys.readouterr()

        assert run(["why", str(order), "--json"]) == 0
        told = shown(capsys)
        assert (told["status"], told["reason"]) == ("error", "refused")
        assert told["cure"]
        assert any(entry.get("result") not in {None, "ok"} for entry in told["attempts"])

    def test_customer(self, place: Place, capsys: Captured) -> None:
        """Whether LCV was told, and why not; nothing personal."""
        place.order(customer={"email": "claire@example.net"})
        assert run(["why", "1", "--customer", "--json"]) == 0
        assert shown(capsys)["told"] is False
        run(["export-orders"])
        capsys.readouterr()

        assert run(["why", "1", "--customer", "--json"]) == 0
        told = shown(capsys)
        assert (told["told"], told["because"]) == (True, "LCV was told")
        assert "claire@example.net" not in json.dumps(told)
        assert run(["why", "1", "--customer"]) == 0
        assert run(["why", "999", "--customer"]) == ExitCode.USAGE
