"""What the tests of commands about linking start from: a back office with a few articles, a shop with demo products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from lcvsync import config
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.lcv import association
from lcvsync.ports import Clock

KEY = "COUNTERCOUNTERCOUNTERCOUNTER0000"


@dataclass(frozen=True)
class Counterparts:
    """Both parties, and the configuration between them."""

    lcv: EmulatorServer
    shop: EmulatorServer
    settings: config.Settings


def piece(identifier: str, *skus: tuple[str, str | None], reference: str = "") -> dict[str, Any]:
    """An article as LCV's contract shows it."""
    return {
        "id": identifier, "reference": reference or f"REF-{identifier}", "name": f"Robe {identifier}", "brand": None,
        "department": {"rayon": "F", "famille": "20", "sous_famille": "01"}, "categories": [], "size_grid": "FEMME",
        "vat_rate": "20.00", "attributes": {}, "web_stores": ["WEB"], "active": True, "photos": [],
        "variants": [
            {"sku": sku, "ean": ean, "size": str(36 + 2 * n), "attributes": {}, "active": True}
            for n, (sku, ean) in enumerate(skus)
        ],
    }  # fmt: skip


@contextmanager
def counterparts(folder: Path, monkeypatch: pytest.MonkeyPatch, now: datetime, clock: Clock) -> Iterator[Counterparts]:
    """A back office without articles and a shop with its demo products, associated, in basic mode."""
    authorities = folder / "authorities.pem"
    authorities.write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))  # reading the system's takes longer than most of these tests
    lcv = LcvEmulator(catalogue=generate(1, 0, now=now), username="u", password="p", clock=lambda: now)
    with EmulatorServer(lcv) as office, EmulatorServer(PrestaShopEmulator(key=KEY)) as shop:
        file = folder / "lcvsync.toml"
        file.write_text(
            f'[lcv]\nurl = "{office.url}"\nweb_store = "WEB"\n[prestashop]\nurl = "{shop.url}"\nkey = "{KEY}"\n'
            f'[state]\ndirectory = "state"\n'
        )
        settings = config.load(file, {})
        association.save(association.associate(office.url, "u", "p", shop.url, clock), settings.state.directory)
        yield Counterparts(office, shop, settings)
        assert office.errors == shop.errors == []
