"""What the tests of the runner's parts stand on: an emulated shop and back office, a real state, a clock that jumps."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
from PIL import Image

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Coded,
    Feed,
    Photo,
    PhotoId,
    Price,
    Rfs,
    Size,
    SizeGrid,
    Sku,
    StockLevel,
    Tables,
    Variant,
    VatRate,
    WebStore,
)
from lcvsync.emulators.faults import Fault
from lcvsync.emulators.http import Request
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.prestashop.control import Control
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Step
from lcvsync.planning.known import Origin
from lcvsync.ports import Page
from lcvsync.prestashop.shop import WebserviceShop, authorization
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.batches import Batches, Ledger, Task
from lcvsync.runner.hands import Hands
from lcvsync.runner.images import Images
from lcvsync.runner.makers import Resolver
from lcvsync.runner.report import Report
from lcvsync.runner.stopping import Stopper
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import DATABASE, Store, open_store
from lcvsync.transport import SHOP, Transport

KEY = "PARTSPARTSPARTSPARTSPARTSPARTS00"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LYON = WebStore("WEB", "Boutique en ligne", ("LYO",), "WEB")
SIZES = SizeGrid("FEMME", "Tailles", tuple(Size(str(n), str(n), place) for place, n in enumerate((36, 38, 40), 1)))


class JumpingClock:
    """Time that only sleeping moves; *during* is called in every sleep, as what others do meanwhile."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self.during: list[Any] = []

    def now(self) -> datetime:
        """The start plus what was slept."""
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """What was slept."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self.sleeps.append(seconds)
        self.seconds += seconds
        if self.during:
            self.during.pop(0)()


class PhotoShelf:
    """A back office that has photos, and nothing else."""

    def __init__(self) -> None:
        self.photos: dict[str, bytes] = {}
        self.asked: list[str] = []

    def put(self, name: str, content: bytes) -> str:
        """Lay a photo on the shelf; its sha256."""
        self.photos[name] = content
        return hashlib.sha256(content).hexdigest()

    def photo(self, photo: PhotoId) -> bytes:
        """A photo's bytes."""
        self.asked.append(photo)
        if photo not in self.photos:
            raise BadAnswer(f"photo {photo}: 404")
        return self.photos[photo]

    def revisions(self, etag: str | None = None) -> None:
        """Nothing is ever new."""

    def tables(self) -> Tables:
        """Asked by nobody here."""
        raise AssertionError

    def articles(self, since: int) -> Page[Any]:
        """Asked by nobody here."""
        raise AssertionError

    stock = prices = promotions = articles

    def record_sale(self, sale: Any) -> Any:
        """Asked by nobody here."""
        raise AssertionError

    def sales_of(self, order_id: str) -> Any:
        """Asked by nobody here."""
        raise AssertionError

    def put_customer(self, external_id: str, customer: Any) -> str:
        """Asked by nobody here."""
        raise AssertionError


@dataclass
class Workshop:
    """A shop, a state, and the parts of the runner between them."""

    server: EmulatorServer
    emulator: PrestaShopEmulator
    shop: WebserviceShop
    store: Store
    clock: JumpingClock
    directory: Path
    shelf: PhotoShelf = field(default_factory=PhotoShelf)

    def __post_init__(self) -> None:
        self.bindings = Bindings(self.store)
        self.journal = Journal(self.store)
        self.mirror = Mirror(self.store)
        self.audit = AuditLog(self.directory, self.clock)
        self.restart()

    def restart(self) -> None:
        """A new run: nothing is known but what the state holds."""
        self.report = Report(mode="complete", started_at=NOW)
        self.ledger = Ledger(self.store, self.journal, self.audit, self.report, self.clock)
        self.stopper = Stopper(self.clock, 10_000)
        self.batches = Batches(self.shop, self.ledger, self.stopper)
        self.resolver = Resolver(self.bindings, (1, 2), "8.2.1")

    def images(self, *, limit: int = 2_000_000, webp: bool = True) -> Images:
        """The uploads and deletions of a run."""
        hands = Hands(self.shop, self.bindings, self.ledger, self.batches, self.resolver)
        return Images(hands, self.shelf, self.stopper, limit, webp)

    def fault(self, *faults: Fault) -> None:
        """Faults in waiting."""
        self.server.faults.extend(faults)

    def dump(self, resource: str) -> list[dict[str, Any]]:
        """What the shop really holds of one resource, as its control shows it: all of it takes too long for a test."""
        shop = self.emulator.shop
        if resource == "images":
            found: list[Any] = [Control(shop)._image(image) for image in sorted(shop.images)]
        else:
            kind, behaviour = shop.resources[resource], shop.behaviours[resource]
            found = [
                {**row, "associations": {each.name: list(behaviour.items(each.name, i)) for each in kind.associations}}
                for i, row in sorted(shop.tables[resource])
            ]
        rows: list[dict[str, Any]] = json.loads(json.dumps(found))
        return rows

    def row(self, resource: str, identifier: int) -> dict[str, Any]:
        """One record of the shop."""
        return next(row for row in self.dump(resource) if int(row["id"]) == identifier)

    def person(self, action: str, **order: Any) -> Any:
        """What a person does in the back office of the shop: edit, create, delete."""
        return control(self.server, "POST", f"shop/{action}", order)

    def product_id(self, key: str) -> int:
        """A product of ours made directly, with no card worth speaking of."""
        order = {"reference": key, "name": {"1": key, "2": key}, "price": "10", "state": "1", "active": "0"}
        made = int(self.person("create", resource="products", fields=order)["id"])
        with self.store.transaction():
            self.bindings.add_product(key, made, key, Origin.MADE, written={"reference": key})
        return made

    def requests(self, method: str, path: str = "") -> list[int]:
        """How many records each request of a kind carried."""
        return [r.entities or 0 for r in self.server.requests if r.method == method and path in r.path]


def control(server: EmulatorServer, method: str, action: str, body: object = None) -> Any:
    """A request to the control of an emulator, without the network."""
    path = f"/_emulator/{action}"
    content = b"" if body is None else json.dumps(body).encode()
    head, _, answer = server.exchange(Request(method, path, [], {}, content), path).data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return json.loads(answer)


@cache
def _blank_state() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        open_store(Path(directory)).close()
        return (Path(directory) / DATABASE).read_bytes()


def quick_store(directory: Path) -> Store:
    """A new state, migrated once for all tests; nobody pulls the plug, so nothing waits for the disk."""
    directory.mkdir(exist_ok=True)
    (directory / DATABASE).write_bytes(_blank_state())
    store = open_store(directory)
    store.db.execute("PRAGMA synchronous = OFF")
    return store


def trust_quickly(patch: pytest.MonkeyPatch, directory: Path) -> None:
    """One authority instead of the system's, which take longer to read than most tests."""
    directory.mkdir(exist_ok=True)
    authorities = directory / "authorities.pem"
    authorities.write_bytes(_authority())
    patch.setenv("SSL_CERT_FILE", str(authorities))


@cache
def _authority() -> bytes:
    return trustme.CA().cert_pem.bytes()


@contextmanager
def workshop(
    directory: Path, *, version: str = "8.2.1", notices: bool = False, demo: bool = True
) -> Iterator[Workshop]:
    """A workshop with an emulated shop of *version* and a state in *directory*."""
    clock = JumpingClock()
    emulator = PrestaShopEmulator(key=KEY, version=version, notices=notices, demo_data=demo)
    patch = pytest.MonkeyPatch()
    trust_quickly(patch, directory)
    with (
        EmulatorServer(emulator) as server,
        Transport(SHOP, server.url, clock, headers=authorization(KEY), jitter=lambda: 0.0) as transport,
    ):
        patch.undo()
        store = quick_store(directory)
        try:
            yield Workshop(server, emulator, WebserviceShop(transport, clock), store, clock, directory)
            assert server.errors == []
        finally:
            store.close()


# -- records -----------------------------------------------------------------------------------------------------------


def variant(sku: str, ean: str | None = None, size: str | None = None, *, active: bool = True, **more: str) -> Variant:
    """A variant; *more* are its attributes."""
    return Variant(Sku(sku), ean, size, more, None, active)


def article(
    identifier: str,
    *variants: Variant,
    reference: str = "",
    revision: int = 1,
    photos: Sequence[Photo] = (),
    **more: Any,
) -> Article:
    """An article for sale on the web store."""
    fields: dict[str, Any] = {
        "reference": reference or identifier,
        "name": f"Robe {identifier}",
        "rfs": Rfs("F", "10", "01"),
        "vat_rate": Decimal("20.00"),
        "web_stores": ("WEB",),
        **more,
    }
    return Article(ArticleId(identifier), revision, variants=variants, photos=tuple(photos), **fields)


def tables(revision: int = 1) -> Tables:
    """The parameter tables of a small back office."""
    return Tables(
        revision,
        "EUR",
        web_stores=(LYON,),
        size_grids=(SIZES,),
        brands=(Coded("SES", "Sessùn"),),
        vat_rates=(VatRate("N", Decimal("20.00")),),
    )


def photo(name: str, sha256: str, position: int = 1, **attributes: str) -> Photo:
    """A photo's description."""
    return Photo(PhotoId(name), sha256, position, attributes)


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30), colour: str = "navy", mode: str = "RGB") -> bytes:
    """A small picture."""
    target = io.BytesIO()
    Image.new(mode, size, colour).save(target, kind)
    return target.getvalue()


def fill(
    mirror: Mirror,
    store: Store,
    *articles: Article,
    stock: Mapping[str, int] | None = None,
    prices: Mapping[str, str] | None = None,
) -> None:
    """Let LCV say these things."""
    with store.transaction():
        if mirror.tables() is None:
            mirror.put_tables(tables())
        for each in articles:
            mirror.put_article(each)
        mirror.put_stock((StockLevel(Sku(s), "LYO", n, 1) for s, n in (stock or {}).items()), LYON.stock_stores)
        mirror.put_prices((Price(Sku(s), "WEB", Decimal(p), 1) for s, p in (prices or {}).items()), "WEB")
        for feed in Feed:
            mirror.advance(feed, 1)


def settle(mirror: Mirror, store: Store) -> None:
    """Everything is planned: nothing is dirty."""
    with store.transaction():
        for each in mirror.all_articles():
            mirror.clean(each.id, None)


# -- changes -----------------------------------------------------------------------------------------------------------

CARD: dict[str, Json] = {
    "supplier_reference": "",
    "short_description": "",
    "description": "",
    "brand": 0,
    "categories": [2],
    "default_category": 2,
    "features": [],
    "weight": "0",
    "ean": "",
    "tax": 1,
    "price": "10.000000",
    "visibility": "both",
    "simple": False,
    "sku": "",
    "promotion_categories": [],
}


def new_product(key: str, **fields: Json) -> Change:
    """The creation of a product with that key and reference."""
    after = {**CARD, "reference": key, "name": f"Robe {key}", "link_rewrite": "robe", **fields}
    return Change(Kind.PRODUCT, Action.CREATE, key, key, Lane.CREATION, after, step=Step.CARD, article=key)


def new_value(name: str, group: int = 1) -> Change:
    """The creation of a value of an attribute group."""
    after = {"kind": "option", "group": group, "name": name, "position": 0, "colour": ""}
    return Change(Kind.VALUE, Action.CREATE, name, "", Lane.VALUES, after)


def new_combination(product: str, sku: str, *options: tuple[int, str], default: bool = False) -> Change:
    """The creation of a combination."""
    after = {
        "reference": sku,
        "ean": "",
        "weight": "0",
        "options": [list(option) for option in options],
        "photos": [],
        "price": "0",
        "default": default,
    }
    return Change(
        Kind.COMBINATION,
        Action.CREATE,
        sku,
        product,
        Lane.CREATION,
        after,
        sku=sku,
        step=Step.VARIANTS,
        article=product,
    )


def new_promotion(product: str, starts: str, value: str = "0.300000") -> Change:
    """The creation of a specific price."""
    after = {"starts": starts, "ends": "2027-02-01 00:00:00", "kind": "percentage", "value": value}
    return Change(Kind.PROMOTION, Action.CREATE, product, product, Lane.CREATION, after, article=product)


def upload(product: str, name: str, sha256: str, *, replaces: int = 0) -> Change:
    """Sending a photo."""
    action = Action.UPDATE if replaces else Action.CREATE
    after = {"photo": name, "sha256": sha256}
    return Change(Kind.IMAGE, action, name, product, Lane.PHOTOS, after, id=replaces, article=product)


def removal(product: str, name: str, image: int, reason: str) -> Change:
    """Removing an image of ours."""
    return Change(
        Kind.IMAGE, Action.DELETE, name, product, Lane.REMOVAL, {}, {"photo": name}, reason, id=image, article=product
    )


def planned(bench: Workshop, *changes: Change) -> list[Task]:
    """The changes as the run's plan has them."""
    with bench.store.transaction():
        bench.journal.clear_plan()
        bench.journal.plan(changes, 0, 0)
    return [Task(number, change) for number, change in enumerate(changes)]
