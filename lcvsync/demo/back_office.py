"""A day at the demo's back office: a sale at the till, a price, a promotion, an article that goes and one that comes.

Everything goes through the emulator's control, as `lcvsync.emulators.lcv.control` describes it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv.oddities import ODDITIES
from lcvsync.emulators.lcv.photos import Drawing, render
from lcvsync.emulators.lcv.tables import STOCK_STORES, WEB_PRICE_LIST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lcvsync.emulators.lcv import LcvEmulator

_HARMLESS = {"accents", "no_size_grid", "no_subfamily", "single_size_with_colours", "three_colours_eight_sizes"}
"""Oddities that don't disturb a sale, a price or a promotion."""
_NEW_ID = "900001"
_NEW_NAME = "Robe courte Penmarc'h"
_NEW_COLOUR = "Bleu marine"
_NEW_SIZES = ("36", "38", "40")
_NEW_EANS = ("3760900000018", "3760900000025", "3760900000032")

SALE = json.dumps({"sku": f"{_NEW_ID}-01-38", "store": STOCK_STORES[0], "quantity": 3})
"""What to post to `/_emulator/lcv/sell` after a `busy_day`."""


def control(emulator: LcvEmulator, method: str, action: str, order: object = None) -> Any:
    """What the emulator's control answers. Raises RuntimeError when it refuses."""
    body = b"" if order is None else json.dumps(order).encode()
    answer = emulator.control(Request(method, f"/_emulator/lcv/{action}", [], {}, body))
    found = json.loads(answer.body)
    if answer.status != 200:
        raise RuntimeError(f"the emulated back office refuses {action}: {found}")
    return found


@dataclass(frozen=True)
class _Article:
    """An ordinary article and what its first variant in stock has."""

    id: str
    reference: str
    name: str
    sku: str
    store: str
    quantity: int
    price: Decimal
    skus: tuple[str, ...]


def busy_day(emulator: LcvEmulator, now: datetime) -> list[str]:
    """Change LCV in five ways; what happened, for people. Needs at least four ordinary articles in stock."""
    sold, cheaper, promoted, withdrawn = _ordinary(emulator)[:4]
    control(emulator, "POST", "sell", {"sku": sold.sku, "store": sold.store, "quantity": sold.quantity})
    lower = cheaper.price - 10
    prices = [{"sku": sku, "price_list": WEB_PRICE_LIST, "price_incl_tax": f"{lower:.2f}"} for sku in cheaper.skus]
    control(emulator, "POST", "prices", prices)
    control(emulator, "POST", "promotions", _promotion(promoted, now))
    article = next(each for each in _dump(emulator)["articles"] if each["id"] == withdrawn.id)
    control(emulator, "POST", "articles", {**article, "active": False})
    _add_dress(emulator)
    units = "the last one is" if sold.quantity == 1 else f"all {sold.quantity} are"
    return [
        f"a till sells {sold.sku} ({sold.name}): {units} gone from {sold.store}",
        f"{cheaper.reference} ({cheaper.name}) falls from {cheaper.price} to {lower}",
        f"{promoted.reference} ({promoted.name}) gets 25 % off from now on",
        f"{withdrawn.reference} ({withdrawn.name}) is withdrawn",
        f"RO-90001 ({_NEW_NAME}) is new, in {len(_NEW_SIZES)} sizes",
    ]


def _dump(emulator: LcvEmulator) -> dict[str, Any]:
    dump: dict[str, Any] = control(emulator, "GET", "dump")
    return dump


def _ordinary(emulator: LcvEmulator) -> list[_Article]:
    """Articles on sale without anything odd, with a variant in stock; those without a promotion first, then by id."""
    dump = _dump(emulator)
    odd = {article for name in ODDITIES.keys() - _HARMLESS for article in dump["oddities"].get(name, ())}
    promoted = {article for promotion in dump["promotions"] for article in promotion["articles"]}
    promoted |= {sku.partition("-")[0] for promotion in dump["promotions"] for sku in promotion["skus"]}
    stock = {row["sku"]: row for row in dump["stock"] if row["store"] in STOCK_STORES and row["quantity"] > 0}
    prices = {row["sku"]: row["price_incl_tax"] for row in dump["prices"] if row["price_list"] == WEB_PRICE_LIST}
    found = []
    for article in sorted(dump["articles"], key=lambda each: (each["id"] in promoted, each["id"])):
        skus = tuple(variant["sku"] for variant in article["variants"])
        stocked = next((sku for sku in skus if sku in stock), None)
        if article["id"] not in odd and stocked and len({prices.get(sku) for sku in skus}) == 1:
            row = stock[stocked]
            price = Decimal(prices[stocked])
            found.append(
                _Article(
                    article["id"],
                    article["reference"],
                    article["name"],
                    stocked,
                    row["store"],
                    row["quantity"],
                    price,
                    skus,
                )
            )
    return found


def _promotion(article: _Article, now: datetime) -> Mapping[str, object]:
    return {
        "id": "OP9001",
        "name": "Coup de cœur",
        "kind": "percentage",
        "value": "25.00",
        "starts_at": (now - timedelta(minutes=1)).isoformat(timespec="seconds"),
        "ends_at": (now + timedelta(days=7)).isoformat(timespec="seconds"),
        "price_list": None,
        "articles": [article.id],
        "skus": [],
    }


def _add_dress(emulator: LcvEmulator) -> None:
    """A new article with its prices, its stock and a photo."""
    photo = f"{_NEW_ID}-1"
    variants = [
        {"sku": f"{_NEW_ID}-01-{size}", "ean": ean, "size": size, "attributes": {"coloris": _NEW_COLOUR}}
        for size, ean in zip(_NEW_SIZES, _NEW_EANS, strict=True)
    ]
    skus = [str(variant["sku"]) for variant in variants]
    article = {
        "id": _NEW_ID,
        "reference": "RO-90001",
        "name": _NEW_NAME,
        "brand": "M001",
        "department": {"rayon": "F", "famille": "20", "sous_famille": "01"},
        "categories": ["COL-RIVIERA"],
        "size_grid": "FEMME",
        "vat_rate": "20.00",
        "attributes": {"matiere": "100 % lin", "saison": "PE27", "origine": "France"},
        "web_stores": ["WEB"],
        "active": True,
        "variants": variants,
        "photos": [{"id": photo, "sha256": "0" * 64, "position": 1, "attributes": {"coloris": _NEW_COLOUR}}],
        "description": "<p>Une robe courte en lin, dessinée à Lyon.</p>",
        "weight_kg": "0.300",
    }
    prices = [{"sku": sku, "price_list": WEB_PRICE_LIST, "price_incl_tax": "89.90"} for sku in skus]
    stock = [{"sku": sku, "store": STOCK_STORES[0], "quantity": 4} for sku in skus]
    picture = render(photo, Drawing("dress", "#1c2a4a"))
    control(emulator, "POST", "articles", article)
    control(emulator, "POST", "prices", prices)
    control(emulator, "POST", "stock", stock)
    control(emulator, "POST", "photo", {"id": photo, "base64": base64.b64encode(picture).decode()})
