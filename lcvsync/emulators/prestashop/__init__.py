"""A PrestaShop webservice in one process, as measured on 8.2.1 and 1.7.8.11.

It behaves as the recordings and the measured facts say, traps included; what it doesn't know it refuses with 501 and
the name of the thing. `PrestaShopEmulator.handle` answers `/api/...`, `control` answers `/_emulator/shop/...`.

- `model`, `catalogue`, `settings`, `names`: what the resources are
- `service`, `call`, `faults`: the way of a request
- `reading`, `filters`, `rendering`: GET
- `writing`, `validation`, `stored`, `html`: POST, PUT, PATCH, DELETE
- `entity`, `products`, `combinations`, `cascades`, `images`, `multipart`: what each resource does on top
- `sales`, `people`: what the resources around an order are; `orders`, `order_flow`: what a write does to them
- `prices`, `basket`, `lines`, `ledger`: what an order costs; `placing`, `editing`, `refunding`: how it comes about and
  changes
- `shop`, `demo`, `control`, `sales_control`: the data
- `pace`: how long the real one takes
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.control import Control
from lcvsync.emulators.prestashop.demo import new_shop
from lcvsync.emulators.prestashop.pace import real_seconds
from lcvsync.emulators.prestashop.service import Service
from lcvsync.emulators.prestashop.shop import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.emulators.http import Request, Response

__all__ = ["PrestaShopEmulator"]


def _now() -> datetime:
    return datetime.now(UTC)


class PrestaShopEmulator:
    """One emulated shop with its webservice."""

    def __init__(
        self,
        *,
        key: str,
        version: str = "8.2.1",
        clock: Callable[[], datetime] = _now,
        demo_data: bool = True,
        notices: bool = False,
    ) -> None:
        self.base_url = ""
        """Set by the server once it is bound; the xlinks begin with it and other hosts are redirected to it."""
        self.version = version
        self.shop = new_shop(version=version, clock=clock, demo_data=demo_data)
        self.shop.notices = notices
        self.shop.keys[key] = Key(None)

    def handle(self, request: Request) -> Response:
        """The answer to a request outside `/_emulator/`."""
        return Service(self.shop, self.base_url, self.version).answer(request)

    def real_seconds(self, request: Request, response: Response) -> float:
        """How long the measured shop takes for this request."""
        return real_seconds(request, response)

    def control(self, request: Request) -> Response:
        """The answer to a request below `/_emulator/shop/`: JSON in, JSON out."""
        return Control(self.shop).answer(request)
