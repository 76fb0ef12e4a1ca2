"""`lcvsync demo`: the real commands on both emulators, from the association to a run with nothing to do."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lcvsync.cli.errors import ExitCode
from lcvsync.cli.main import run
from lcvsync.demo.back_office import busy_day
from lcvsync.demo.back_office import control as lcv_control
from lcvsync.demo.shop import CATEGORIES, ShownProduct, control, furnish, read_shop
from lcvsync.demo.window import ShopWindow
from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "DEMOKEYDEMOKEYDEMOKEYDEMOKEYDEMO"


@pytest.fixture
def shop() -> PrestaShopEmulator:
    """A furnished shop without products."""
    emulator = PrestaShopEmulator(key=KEY, clock=lambda: NOW, demo_data=False)
    furnish(emulator)
    return emulator


def rows(output: str, word: str) -> list[int]:
    """The numbers behind *word* at the start of a line."""
    return [int(number) for number in re.findall(rf"^{word} +(\d+)$", output, re.MULTILINE)]


class TestDemo:
    """The whole show."""

    def test_story(self, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        """Every command is shown and ends well; the shop fills, changes as LCV does, and a third run does nothing."""
        code = run(["demo", "--articles", "20", "--keep", str(tmp_path / "kept")])
        output, talk = capfd.readouterr()

        assert code == ExitCode.DONE
        for line in ("associate --url https://127.0.0.1:", "pull-config", "map suggest --accept", "-v sync", "status"):
            assert f"lcvsync {line}" in output
        assert output.count("$ lcvsync -v sync") == 6
        assert "exit code" not in output
        assert "Traceback" not in talk
        assert "nothing to change" in talk
        assert "1 request to LCV, 4 to the shop" in talk
        assert "2 sales" in talk or "new sales" in talk
        assert rows(output, "products on sale") == [20, 20]
        assert rows(output, "products switched off") == [0, 1]
        first, last = rows(output, "units in stock")
        assert first != last
        assert "Lille Vieux-Lille" in output
        assert len(list((tmp_path / "kept" / "availability" / "products").glob("*.json"))) == 21
        assert (tmp_path / "kept" / "lcvsync.toml").exists()
        assert (tmp_path / "kept" / "state" / "state.db").exists()

    def test_keeps_nothing_by_default(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """A step that fails ends the demo with its code, and the directory is gone either way."""
        monkeypatch.setattr("lcvsync.cli.demo_commands.BY_HAND", [["map", "set", "rfs", "L", "Nowhere at all"]])
        code = run(["demo", "--articles", "20"])
        output, talk = capfd.readouterr()
        (file,) = re.findall(r"LCVSYNC_CONFIG='?([^'\s]+)", output)

        assert code == ExitCode.USAGE
        assert "(exit code 2)" in output
        assert "Nowhere at all" in talk
        assert not Path(file).parent.exists()

    def test_full_directory(self, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        """A state that is there already is never mixed with the demo's."""
        (tmp_path / "state.db").touch()

        assert run(["demo", "--keep", str(tmp_path)]) == ExitCode.USAGE
        assert "not empty" in capfd.readouterr().err

    @pytest.mark.deep
    def test_serve(self) -> None:
        """With --serve the shop can be looked at, the commands work, and Ctrl-C ends it all with 0."""
        with _serving() as (process, output):
            window = re.findall(r"the shop's products +(\S+)", output)[0]
            export = re.findall(r"LCVSYNC_CONFIG=(\S+)", output)[0]
            with urllib.request.urlopen(window, timeout=10) as answer:
                page = answer.read().decode()
            photo = re.findall(r'src="(/photo/\d+)"', page)[0]
            with urllib.request.urlopen(window.rstrip("/") + photo, timeout=10) as answer:
                assert answer.read().startswith(b"\xff\xd8")
            product = re.findall(r'href="(/product/\d+)"', page)[0]
            with urllib.request.urlopen(window.rstrip("/") + product, timeout=10) as answer:
                assert "lcvsync-availability.js" in answer.read().decode()
            listed = subprocess.run(
                [sys.executable, "-m", "lcvsync", "product", "list"],
                env={**os.environ, "LCVSYNC_CONFIG": export},
                capture_output=True,
                text=True,
                check=True,
            )
            process.send_signal(signal.SIGINT)

            assert process.wait(10) == ExitCode.DONE
            assert "RO-90001" in listed.stdout
            assert "Robe courte Penmarc&#x27;h" in page


@contextlib.contextmanager
def _serving() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`lcvsync demo --serve` once it waits, and what it said."""
    arguments = [sys.executable, "-u", "-m", "lcvsync", "demo", "--serve", "--articles", "20"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while lines[-1:] != ["$ lcvsync sync\n"]:
                line = process.stdout.readline()
                assert line, "".join(lines)
                lines.append(line)
            yield process, "".join(lines)
        finally:
            process.kill()


class TestShop:
    """The shop before and after."""

    def test_furnished(self, shop: PrestaShopEmulator) -> None:
        """It has the categories of a fashion shop below its home, and no product."""
        dump = control(shop, "GET", "dump")
        names = [row["name"]["1"] for row in dump["categories"] if row["id_parent"] == "2"]

        assert names == list(CATEGORIES)
        assert read_shop(shop).products == ()

    def test_prices(self, shop: PrestaShopEmulator) -> None:
        """Prices are shown with tax, and with the promotion of the default combination that runs now."""
        product = _product(shop, price="50", quantity=3)
        assert _read(shop).price == Decimal("60.00")
        assert _read(shop).reduced is None

        for start, end, reduction in (
            ("2026-11-24 00:00:00", "0000-00-00 00:00:00", "0.5"),
            ("2026-11-01 00:00:00", "0000-00-00 00:00:00", "0.2"),
        ):
            fields = {"id_product": product, "from": start, "to": end, "reduction": reduction}
            more = {"reduction_type": "percentage", "id_product_attribute": 0, "price": "-1"}
            control(shop, "POST", "create", {"resource": "specific_prices", "fields": {**fields, **more}})

        assert _read(shop).reduced == Decimal("48.00")
        assert dict(read_shop(shop).lines())["specific prices in force"] == 1

    def test_refusal(self, shop: PrestaShopEmulator) -> None:
        """An order that the emulator doesn't understand is no silent nothing."""
        with pytest.raises(RuntimeError, match="refuses create"):
            control(shop, "POST", "create", {"resource": "nothing"})

    def test_window(self, shop: PrestaShopEmulator) -> None:
        """The page shows names as text, sold-out and switched-off products, and 404 for what isn't there."""
        _product(shop, price="50", quantity=0, name="Pull & Cie")
        window = ShopWindow(shop)
        page = window.handle(Request("GET", "/", [], {}, b""))

        assert "Pull &amp; Cie" in page.body.decode()
        assert "60,00 €" in page.body.decode()
        assert "out of stock" in page.body.decode()
        assert window.handle(Request("GET", "/photo/99", [], {}, b"")).status == 404
        assert window.control(Request("GET", "/_emulator/x", [], {}, b"")).status == 404

    def test_product_page(self, shop: PrestaShopEmulator, tmp_path: Path) -> None:
        """A product has a page with what the script needs; of the directory only what lcvsync publishes is served."""
        product = _product(shop, price="50", quantity=3, name="Pull & Cie")
        (tmp_path / "products").mkdir()
        (tmp_path / "products" / "1.json").write_text("{}")
        (tmp_path / "secret.json").write_text("{}")
        window = ShopWindow(shop, tmp_path)

        def get(path: str) -> tuple[int, str]:
            answer = window.handle(Request("GET", path, [], {}, b""))
            return answer.status, answer.body.decode()

        status, page = get(f"/product/{product}")
        assert status == 200
        assert f'value="{product}" id="product_page_product_id"' in page
        assert "<h1>Pull &amp; Cie</h1>" in page
        assert get("/availability/products/1.json") == (200, "{}")
        for path in ("/product/99", "/product/x", "/availability/secret.json", "/availability/products/../secret.json"):
            assert get(path)[0] == 404
        assert ShopWindow(shop).handle(Request("GET", "/availability/products/1.json", [], {}, b"")).status == 404


def _product(shop: PrestaShopEmulator, *, price: str, quantity: int, name: str = "Pull") -> int:
    fields = {
        "name": {"1": name, "2": name},
        "price": price,
        "id_tax_rules_group": 1,
        "active": 1,
        "reference": "PU-1",
        "state": 1,
    }
    product = int(control(shop, "POST", "create", {"resource": "products", "fields": fields})["id"])
    row = shop.shop.stock_rows(product, 0)[0]
    control(shop, "POST", "edit", {"resource": "stock_availables", "id": row, "fields": {"quantity": quantity}})
    return product


def _read(shop: PrestaShopEmulator) -> ShownProduct:
    return read_shop(shop).products[0]


class TestBackOffice:
    """A day in LCV."""

    @pytest.mark.parametrize("articles", [20, 60])
    def test_busy_day(self, articles: int) -> None:
        """Five things happen: stock, price, promotion, an article that goes and one that comes with its photo."""
        emulator = LcvEmulator(
            catalogue=generate(1, articles, now=NOW), username="demo", password="demo", clock=lambda: NOW
        )
        before = lcv_control(emulator, "GET", "dump")
        assert len(busy_day(emulator, NOW)) == 5
        after = lcv_control(emulator, "GET", "dump")

        assert len(after["articles"]) == len(before["articles"]) + 1
        assert len(after["promotions"]) == len(before["promotions"]) + 1
        assert sum(row["quantity"] for row in after["stock"]) != sum(row["quantity"] for row in before["stock"])
        withdrawn = [sum(not article["active"] for article in dump["articles"]) for dump in (before, after)]
        assert withdrawn[1] == withdrawn[0] + 1
        assert all(photo["sha256"] != "0" * 64 for photo in after["articles"][-1]["photos"])

    def test_refusal(self) -> None:
        """What the emulator refuses is no silent nothing."""
        emulator = LcvEmulator(catalogue=generate(1, 5, now=NOW), username="a", password="b", clock=lambda: NOW)
        with pytest.raises(RuntimeError, match="refuses nothing"):
            lcv_control(emulator, "POST", "nothing", {})
