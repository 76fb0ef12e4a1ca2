"""A back office and a shop, both emulated in this process, with one state of lcvsync between them.

A `World` is made once for a module, brought to the state that its tests start from, kept (`snapshot`) and put back
before every test (`restore`): tests don't see each other, and the first synchronisation is paid once.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx

from lcvsync import config
from lcvsync.bootstrap import belonging, run_session, shop_of, store_of
from lcvsync.cli.resync_command import mark_everything
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.lcv.catalogue import DEFAULT_NOW
from lcvsync.emulators.log import LoggedRequest
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.prestashop.entity import Behaviour
from lcvsync.emulators.prestashop.shop import Shop
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.lcv import association
from lcvsync.runner.adoption import adopt, identity_of
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

from .keeping import Kept
from .oracle import IGNORE, Expected, Json, Rules, expected
from .shown import Eyes, Shown, ShownProduct
from .stand_ins import WRITES, Poisoned, Quiet, RunClock, Watched, picture
from .verdict import Persons, differences

KEY = "WHOLEWHOLEWHOLEWHOLEWHOLEWHOLE00"
PALETTE = Palette()
SIZES, COLOURS, PAPER = "1", "2", "4"
COMPOSITION, PROPERTY = "1", "2"


def default_rules() -> Rules:
    """Mappings under which most of a generated catalogue can be sold."""
    return Rules(
        mappings={
            "size-grid": {"*": [SIZES]},
            "brand": {"*": ["create"]},
            "rfs": {"*": ["4"], "F/*": ["5"], "F/20/*": ["5", "3"], "A/10/01": ["6"]},
            "category": {"COL-RIVIERA": ["9"], "OCC-BUREAU": ["7"]},
            "attribute": {"coloris": [COLOURS]},
            "feature": {"matiere": [COMPOSITION], "entretien": [PROPERTY]},
            "promotion": {"Black Friday": ["8"]},
            "vat": {"20": ["1"], "5.5": ["3"]},
        },
        weights={("rfs", "*"): "0.4", ("category", "COL-RIVIERA"): "0.7"},
    )


@dataclass
class World:
    """Everything that a test of a whole run needs."""

    lcv: EmulatorServer
    shop: EmulatorServer
    clock: Clock
    directory: Path
    eyes: Eyes
    rules: Rules = field(default_factory=default_rules)
    persons: Persons = field(default_factory=Persons)
    settings: dict[str, Any] = field(default_factory=dict)
    """More of the configuration, by section."""

    def __post_init__(self) -> None:
        self.run_clock = RunClock(self.clock, self.shop)
        self._kept: tuple[Any, ...] = ()

    # -- the two parties -------------------------------------------------------------------------------------------

    def tell_lcv(self, action: str, body: object = None, method: str = "POST") -> Json:
        """A control request to the back office; an article comes without its revision."""
        return _control(self.lcv, f"lcv/{action}", body, method)

    def tell_shop(self, action: str, **body: object) -> Json:
        """A control request to the shop: what a person does there."""
        return _control(self.shop, f"shop/{action}", body, "POST")

    def dump(self) -> Json:
        """Everything that LCV knows."""
        return _control(self.lcv, "lcv/dump", None, "GET")

    def shop_dump(self) -> Json:
        """Everything that the shop's tables hold."""
        return _control(self.shop, "shop/dump", None, "GET")

    def in_lcv(self, part: str) -> Any:
        """One part of LCV's dump."""
        return _control(self.lcv, "lcv/dump", None, "GET", part)[part]

    def in_shop(self, table: str) -> Any:
        """One table of the shop's dump."""
        return _control(self.shop, "shop/dump", None, "GET", table)[table]

    def combination(self, sku: str) -> tuple[int, int]:
        """The ids of the product and the combination that a variant is in the shop."""
        found = self.eyes.list("combinations", **{"filter[reference]": f"[{sku}]"})[0]
        return found.number("id_product"), found.id

    def article(self, identifier: str) -> Json:
        """An article of LCV, to be changed and put back."""
        return next(article for article in self.in_lcv("articles") if article["id"] == identifier)

    def change_article(self, identifier: str, **members: object) -> Json:
        """Change members of an article in LCV."""
        article = {**self.article(identifier), **members}
        self.tell_lcv("articles", article)
        return article

    def ordinary(self, count: int = 1, *, skip: int = 0, colours: int = 1, sizes: int = 3) -> list[Json]:
        """Articles without oddities, with at least as many colours and sizes, each of them for sale."""
        odd = {
            identifier
            for name, ids in self.in_lcv("oddities").items()
            if not name.startswith("promotion")
            for identifier in ids
        }
        found = [
            a
            for a in self.in_lcv("articles")
            if a["id"] not in odd
            and a["size_grid"]
            and len({v["attributes"].get("coloris") for v in a["variants"]}) >= colours
            and len(a["variants"]) >= sizes
        ]
        return sorted(found, key=lambda article: str(article["id"]))[skip : skip + count]

    def quiet(self, count: int = 1, *, skip: int = 0, colours: int = 1, sizes: int = 3) -> list[Json]:
        """Ordinary articles that no promotion names."""
        named = {target for p in self.in_lcv("promotions") for target in (*p["articles"], *p["skus"])}
        free = [
            a
            for a in self.ordinary(1000, colours=colours, sizes=sizes)
            if not named & {a["id"], *(v["sku"] for v in a["variants"])}
        ]
        return free[skip : skip + count]

    def reference(self, article: Json) -> str:
        """The reference of an article's product."""
        return " ".join(str(article["reference"]).split())

    def product(self, article: Json) -> ShownProduct:
        """The only product of an article."""
        found = [p for p in self.look().products.values() if p.card.fields["reference"] == self.reference(article)]
        assert len(found) == 1, (article["reference"], len(found))
        return found[0]

    def add_photo(self, photo: str, content: str | bytes) -> bytes:
        """Put a photo, or one of one colour, on LCV's shelf; no article shows it yet."""
        content = picture(content) if isinstance(content, str) else content
        self.tell_lcv("photo", {"id": photo, "base64": base64.b64encode(content).decode()})
        return content

    def sha256_of(self, photo: str, colour: str) -> str:
        """Put a photo of one colour on LCV's shelf; its sha256."""
        return hashlib.sha256(self.add_photo(photo, colour)).hexdigest()

    def put_photo(self, photo: str, colour: str) -> str:
        """Another picture under a photo's id, for every article that shows it; its sha256."""
        return self.sha256_of(photo, colour)

    def stock_in(self, sku: str, quantity: int) -> None:
        """Let the web store have *quantity* in all."""
        self.tell_lcv(
            "stock",
            [
                {"sku": sku, "store": store, "quantity": quantity if store == "DEP" else 0}
                for store in ("LYO", "PAR", "DEP")
            ],
        )

    def price_in(self, sku: str, price: str | None) -> None:
        """Set a price of the web store's list."""
        self.tell_lcv("prices", {"sku": sku, "price_list": "WEB", "price_incl_tax": price})

    # -- lcvsync -----------------------------------------------------------------------------------------------------

    def configuration(self) -> config.Settings:
        """The settings as `settings` and `rules` have them now."""
        rules = self.rules
        catalogue = {
            "safety_stock": rules.safety_stock,
            "out_of_stock": "hide" if rules.hide else "show",
            "discriminating_attributes": rules.discriminating,
            "colour_group": rules.colour_group or "",
            "require_photo": rules.require_photo,
            "remove_variants": rules.remove_variants,
            "fields": dict.fromkeys(rules.sent_once, "create"),
        }
        sections: dict[str, dict[str, Any]] = {
            "lcv": {"url": self.lcv.url, "web_store": "WEB"},
            "prestashop": {"url": self.shop.url, "key": KEY},
            "sync": {"mode": "complete", "max_seconds": 100},
            "catalogue": catalogue,
            "state": {"directory": self.directory},
        }
        for name, options in self.settings.items():
            sections[name] = {**sections.get(name, {}), **options}
        return config.Settings.model_validate(sections)

    def associate(self) -> None:
        """Pair lcvsync with the back office, read it, and set the mappings."""
        paired = association.associate(self.lcv.url, "demo", "demo-password", self.shop.url, self.run_clock)
        association.save(paired, self.directory)
        assert self.session(lambda run: run.observe()).exit_code == 0
        for kind, rows in copy.deepcopy(self.rules.mappings).items():
            for code, targets in rows.items():
                self.map(kind, code, targets, self.rules.weights.get((kind, code)))

    def map(self, kind: str, code: str, targets: list[str] | None, weight: str | None = None) -> None:
        """Set a mapping as `lcvsync map set` does, for lcvsync and for the oracle; None unsets it."""
        rule = None
        if targets is not None:
            ignored = targets == [IGNORE]
            rule = Rule(() if ignored else tuple(targets), ignored, Decimal(weight) if weight else None)
        with store_of(self.configuration()) as store, store.transaction():
            if MappingTable(store).set(MappingKind(kind), code, rule):
                Mirror(store).mark_code(MappingKind(kind), code)
        rows = self.rules.mappings.setdefault(kind, {})
        rows.pop(code, None)
        self.rules.weights.pop((kind, code), None)
        if targets is not None:
            rows[code] = targets
        if weight:
            self.rules.weights[kind, code] = weight

    def session(self, work: Callable[[Run], None]) -> Report:
        """One run of lcvsync that does *work*."""
        return run_session(self.configuration(), "sync", Quiet(), work, clock=self.run_clock)

    def sync(self, *, allowed: bool = False, **options: Any) -> Report:
        """`lcvsync sync`, the log of requests beginning with it."""
        self.shop.requests.clear()
        self.lcv.requests.clear()

        def work(run: Run) -> None:
            run.orders.run(dry_run=bool(options.get("dry_run")), allowed=allowed)
            run.observe()
            run.sync(**options)

        report = self.session(work)
        assert not self.shop.errors, self.shop.errors
        assert not self.lcv.errors, self.lcv.errors
        return report

    def adopt(self) -> Json:
        """What `lcvsync adopt` records."""
        settings = self.configuration()
        with store_of(settings) as store, shop_of(settings, self.run_clock) as shop:
            identity = identity_of(shop, belonging(settings), self.run_clock.now())
            return adopt(shop, store, identity)

    def mark_resync(self) -> None:
        """What `lcvsync resync` asks of the next run: every feed from 0, everything compared with the shop."""
        with store_of(self.configuration()) as store:
            mark_everything(store)

    def writes(self) -> list[LoggedRequest]:
        """The writing requests that the shop got."""
        return [request for request in self.shop.requests if request.method in WRITES]

    def written(self) -> set[str]:
        """Which resources of the shop were written, as "PATCH stock_availables"."""
        paths = ((request.method, request.path.split("/")[2]) for request in self.writes())
        return {f"{'PATCH' if method == 'PUT' else method} {path}" for method, path in paths}

    # -- the oracle ----------------------------------------------------------------------------------------------------

    def expected(self) -> Expected:
        """What the shop must show now."""
        wanted = expected(
            self.dump(),
            self.rules,
            self.clock().replace(microsecond=0),
            photo=self._office().catalogue.photos.get,
            generic=PALETTE.generic,
        )
        self.persons.heard_of.update(wanted.withdrawn, wanted.frozen, (each.reference for each in wanted.products))
        return wanted

    def look(self) -> Shown:
        """The shop as visitors see it."""
        return self.eyes.look()

    def problems(self, *, in_order: bool = False) -> list[str]:
        """In what the shop isn't as the oracle says."""
        return differences(
            self.expected(), self.look(), self.eyes, self.rules, self.persons, self.clock(), in_order=in_order
        )

    def converge(self, *, in_order: bool = False) -> Report:
        """Synchronise: the shop is as the oracle says, and a second run has nothing to do and asks the shop nothing."""
        report = self.sync()
        problems = self.problems(in_order=in_order)
        assert not problems, "\n".join(problems[:20])
        self.assert_idle()
        return report

    def assert_idle(self) -> None:
        """A run now costs one request to LCV and none to the shop."""
        kept = list(self.shop.requests)
        again = self.sync()
        asked = [f"{request.method} {request.path}" for request in (*self.shop.requests, *self.lcv.requests)]
        assert (again.exit_code, again.changes) == (0, {}), (again.exit_code, again.changes, again.error, asked)
        assert asked == ["GET /api/v1/revisions"], asked
        self.shop.requests[:] = kept

    def fault(self, kind: FaultKind, **options: Any) -> None:
        """Let something go wrong at the shop."""
        self.shop.faults = [*self.shop.faults, Fault.from_json({"kind": kind, **options})]

    @contextmanager
    def watched(self, after: Callable[[], object]) -> Iterator[None]:
        """Call *after* once the shop has carried out a write, before its answer leaves."""
        shop = self._store()
        self.shop.emulator = Watched(shop, after)
        try:
            yield
        finally:
            self.shop.emulator = shop

    def poison(self, resource: str, reference: str) -> None:
        """From now on the shop refuses the records of one reference; "" for none."""
        behaviours = self._store().shop.behaviours
        for name, behaviour in behaviours.items():
            own = behaviour.behaviour if isinstance(behaviour, Poisoned) else behaviour
            behaviours[name] = cast("Behaviour", Poisoned(own, reference)) if name == resource else own

    def advance(self, **time: float) -> None:
        """Let time go by for everybody."""
        self.clock.advance(timedelta(**time).total_seconds())

    # -- keeping and putting back -----------------------------------------------------------------------------------

    def snapshot(self) -> None:
        """Keep everything as it is now."""
        kept = self.directory.with_name("kept")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.directory, kept)
        self.expected()  # so that what is deleted later was heard of
        office = self._office().books()
        self._kept = (
            Kept([vars(book) for book in office], (self.clock, *office)),
            self.kept_shop(),
            copy.deepcopy((self.rules, self.persons, self.settings)),
            dict(self.eyes.pictures),
            self.clock(),
        )

    def restore(self) -> None:
        """Put everything back as it was kept."""
        office, shop, told, pictures, now = self._kept
        shutil.rmtree(self.directory)
        shutil.copytree(self.directory.with_name("kept"), self.directory)
        for book, kept in zip(self._office().books(), office.copy(), strict=True):
            vars(book).update(kept)
        self._store().shop = shop.copy()
        self.rules, self.persons, self.settings = copy.deepcopy(told)
        self.eyes.pictures = dict(pictures)
        self.clock.set(now)
        self.run_clock.stop_at = 0
        for server in (self.lcv, self.shop):
            server.faults = []
            server.requests.clear()

    def kept_shop(self) -> Kept[Shop]:
        """The shop as it is; its clock, and what never changes, is shared."""
        shop = self._store().shop
        return Kept(shop, (self.clock, shop.resources, *shop.resources.values()))

    @property
    def version(self) -> str:
        """Of the shop."""
        return self._store().version

    def _office(self) -> LcvEmulator:
        assert isinstance(self.lcv.emulator, LcvEmulator)
        return self.lcv.emulator

    def _store(self) -> PrestaShopEmulator:
        assert isinstance(self.shop.emulator, PrestaShopEmulator)
        return self.shop.emulator


@dataclass
class First:
    """A pair after its first run."""

    world: World
    before: Json
    """The shop's dump before the run."""
    report: Report

    @classmethod
    def of(cls, made: World) -> First:
        """Synchronise for the first time."""
        before = made.shop_dump()
        report = made.sync()
        made.snapshot()
        return cls(made, before, report)


def _inside(server: EmulatorServer, request: httpx.Request) -> httpx.Response:
    """A request to the shop that leaves no trace: not over the wire, not in the log, met by no fault."""
    shop = server.emulator.shop if isinstance(server.emulator, Watched) else server.emulator
    query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    headers = {name.lower(): value for name, value in request.headers.items()}
    response = shop.handle(Request(request.method, request.url.path, query, headers, request.read()))
    return httpx.Response(response.status, headers=response.headers, content=response.body)


def _control(server: EmulatorServer, action: str, body: object, method: str, only: str = "") -> Json:
    """A control request, not over the wire."""
    content = json.dumps(body).encode() if body is not None else b""
    query = [("only", only)] if only else []
    answer = server.emulator.control(Request(method, f"/_emulator/{action}", query, {}, content))
    assert answer.status == 200, answer.body
    told: Json = json.loads(answer.body)
    return told


@contextmanager
def world(
    directory: Path,
    *,
    articles: int = 60,
    seed: int = 1,
    version: str = "8.2.1",
    rules: Rules | None = None,
    demo_data: bool = True,
    **settings: dict[str, Any],
) -> Iterator[World]:
    """A pair that lcvsync is associated with, its mappings set, nothing synchronised yet."""
    clock = Clock()
    clock.set(DEFAULT_NOW)
    lcv = LcvEmulator(
        catalogue=generate(seed, articles, now=DEFAULT_NOW), username="demo", password="demo-password", clock=clock
    )
    shop = PrestaShopEmulator(key=KEY, version=version, clock=clock, demo_data=demo_data)
    state = directory / "state"
    state.mkdir(mode=0o700)
    with EmulatorServer(lcv, clock=clock) as office, EmulatorServer(shop, clock=clock) as store:
        eyes = Eyes(store.url, KEY, httpx.MockTransport(lambda request: _inside(store, request)))
        made = World(office, store, clock, state, eyes, rules or default_rules(), settings=dict(settings))
        made.persons.foreign = {int(row["id"]) for row in made.in_shop("products")}
        made.associate()
        try:
            yield made
        finally:
            eyes.close()
