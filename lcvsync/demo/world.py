"""Both sides of the demo on loopback: an LCV with a self-signed certificate, and a shop without products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lcvsync.demo.shop import furnish
from lcvsync.demo.window import ShopWindow
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.lcv.tables import WEB_STORE
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls

USERNAME = "demo"
PASSWORD = "demo-password"  # noqa: S105 - of an emulator that lives for a minute
KEY = "DEMOKEYDEMOKEYDEMOKEYDEMOKEYDEMO"
SEED = 1
"""The same catalogue each time."""

_CONFIGURATION = """\
# The demo's configuration: complete mode, orders, availability in stores; other options as they are by default.
[lcv]
url = "{lcv}"
web_store = "{web_store}"

[prestashop]
url = "{shop}"
key = "{key}"

[sync]
mode = "complete"

[orders]
min_id = 1
shipping_reference = "PORT"
wrapping_reference = "EMBALLAGE"

[availability]
directory = "availability"

[state]
directory = "state"
"""


@dataclass(frozen=True)
class World:
    """Both emulators, being served."""

    lcv: LcvEmulator
    lcv_url: str
    fingerprint: str
    """Of the back office's certificate."""
    shop: PrestaShopEmulator
    shop_url: str
    clock: Clock

    def configuration(self) -> str:
        """The file that lcvsync needs; its state and what it publishes lie beside it."""
        return _CONFIGURATION.format(lcv=self.lcv_url, web_store=WEB_STORE, shop=self.shop_url, key=KEY)


@contextmanager
def open_world(articles: int, directory: Path) -> Iterator[World]:
    """Serve both from free ports until the block ends; *directory* gets the certificate."""
    clock = Clock()
    tls = make_tls(CertificateKind.SELF_SIGNED, directory)
    lcv = LcvEmulator(
        catalogue=generate(SEED, articles, now=clock()), username=USERNAME, password=PASSWORD, clock=clock
    )
    lcv.catalogue.services += ["PORT", "EMBALLAGE"]
    shop = PrestaShopEmulator(key=KEY, clock=clock, demo_data=False)
    furnish(shop)
    with (
        EmulatorServer(lcv, tls=tls, clock=clock) as lcv_server,
        EmulatorServer(shop, clock=clock) as shop_server,
    ):
        yield World(lcv, lcv_server.url, tls.fingerprint, shop, shop_server.url, clock)


@contextmanager
def open_window(world: World, availability: Path) -> Iterator[str]:
    """Serve the pages that show the shop, and lcvsync's directory *availability*; their URL."""
    with EmulatorServer(ShopWindow(world.shop, availability)) as server:
        yield server.url
