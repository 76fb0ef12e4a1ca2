"""The emulated shop answers as late as the measured one, when it is told to."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.prestashop.pace import real_seconds
from lcvsync.emulators.server import EmulatorServer

KEY = "PACEPACEPACEPACEPACEPACEPACEPACE"


def taken(method: str, path: str, *, entities: int = 0, rows: int = 0, status: int = 200, **query: str) -> float:
    """Milliseconds of a request with so many entities whose answer shows so many rows."""
    body = b"<prestashop>" + b"<it/>" * entities + b"</prestashop>" if entities else b""
    answer = b"<prestashop><its>" + b"<it/>" * rows + b"</its></prestashop>"
    request = Request(method, f"/api/{path}", list(query.items()), {}, body)
    return 1000 * real_seconds(request, Response(status, answer))


@pytest.mark.parametrize(
    ("milliseconds", "request_"),
    [
        (16.7, {"method": "GET", "path": ""}),
        (20.6, {"method": "GET", "path": "products/1", "rows": 1}),
        (31, {"method": "GET", "path": "products", "rows": 2019}),
        (1154, {"method": "GET", "path": "products", "rows": 2019, "display": "[id]"}),
        (391, {"method": "GET", "path": "products", "rows": 100, "display": "full"}),
        (350, {"method": "GET", "path": "stock_availables", "rows": 2058, "display": "[id,id_product,quantity]"}),
        (22.1, {"method": "PUT", "path": "stock_availables", "entities": 1}),
        (620, {"method": "PATCH", "path": "stock_availables", "entities": 200}),
        (41.7, {"method": "PATCH", "path": "products", "entities": 1}),
        (56.3, {"method": "POST", "path": "products", "entities": 1}),
        (1100, {"method": "POST", "path": "combinations", "entities": 200}),
        (138, {"method": "POST", "path": "images/products/1"}),
        (3050, {"method": "DELETE", "path": "products", "id": "[" + ",".join(map(str, range(100))) + "]"}),
        (30.5, {"method": "POST", "path": "order_histories", "entities": 1}),
    ],
)
def test_what_was_measured(milliseconds: float, request_: dict[str, Any]) -> None:
    """Requests that were measured on a real shop come out within 7 % of it."""
    assert taken(**request_) == pytest.approx(milliseconds, rel=0.07)


PRODUCTS, COMBINATIONS, PHOTOS = 59, 779, 119


def test_whole_loads() -> None:
    """What a real shop took for 59 products, 779 combinations and 119 photos comes out within 15 %.

    The bare bulk requests took it 23 seconds, the usual way (search, read, write; one record a request) 81 seconds;
    1,000 stocks 2.4 to 3.3 and 56 to 65.
    """
    photos = PHOTOS * taken("POST", "images/products/1")
    search = taken("GET", "stock_availables", rows=1)
    stock = search + taken("GET", "stock_availables/1", rows=1) + taken("PUT", "stock_availables", entities=1)
    bare = (
        taken("POST", "products", entities=PRODUCTS)
        + photos
        + 2 * taken("POST", "combinations", entities=COMBINATIONS // 2)
        + taken("PATCH", "stock_availables", entities=COMBINATIONS)
        + taken("PATCH", "products", entities=PRODUCTS)
    )
    usual = (
        PRODUCTS * (taken("GET", "products", rows=0) + taken("POST", "products", entities=1))
        + photos
        + COMBINATIONS * (taken("POST", "combinations", entities=1) + stock)
    )
    assert bare == pytest.approx(23_000, rel=0.15)
    assert usual == pytest.approx(81_000, rel=0.15)
    assert 2_400 <= taken("PATCH", "stock_availables", entities=1000) <= 3_300
    assert 1000 * stock == pytest.approx(60_000, rel=0.15)


def test_a_refusal_costs_the_start_alone() -> None:
    """Nobody waits for the work of what was refused."""
    assert taken("POST", "products", entities=100, status=400) < 20


def test_the_shop_waits_for_what_its_own_work_leaves() -> None:
    """Off: no wait. On: the measured time as often as asked, less the emulator's own. 0: it is noted only."""
    waited: list[float] = []
    with (
        EmulatorServer(PrestaShopEmulator(key=KEY)) as server,
        httpx.Client(base_url=server.url, auth=(KEY, ""), trust_env=False) as client,
    ):
        server.wait = waited.append

        def ask(times: float | None) -> None:
            assert client.post("/_emulator/pace", content=json.dumps({"times": times})).json() == {"times": times}
            assert client.get("/api/products?display=full").status_code == 200

        for times in (None, 0, 100):
            ask(times)
        reckoned = [line.real_seconds for line in server.requests]
        own = server.requests[-1].seconds
        summary = client.get("/_emulator/requests?summary=1").json()
    real = 0.0166 + 19 * 0.004
    assert reckoned == [None, pytest.approx(real), pytest.approx(real)]
    assert 100 * real - own <= waited[0] < 100 * real
    assert len(waited) == 1
    assert (summary["requests"], summary["real_seconds"]) == (3, pytest.approx(2 * real))
    assert list(summary["by"]) == ["GET products"]
