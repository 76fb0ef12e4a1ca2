"""Random histories of a catalogue, faults and crashes in between: in the end the shop is what the rules say.

LCV changes its articles, stock, prices, promotions and photos, people change mappings, options and the shop itself,
time goes by, and every now and then cron's run comes: undisturbed, with a fault at any request to either party, short
of time, or killed at any request, its state as it was on disk then. After each of them nothing is in the shop twice,
and nothing half-made is visible. Once all is quiet, a few more runs must bring the shop to what the oracle says, and
one more has nothing to do.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lcvsync.bootstrap import store_of
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.runner.report import Report
from lcvsync.state.bindings import Bindings
from tests.whole.harness import World, world
from tests.whole.oracle import IGNORE, Json

from .disturbances import ACCEPTED, COMMON, FAULTS, Killed

ARTICLES = 5
WHICH, PLACE = st.integers(0, ARTICLES + 1), st.integers(0, 5)
"""Which article, and which of its variants or photos."""
COLOURS = ("#a01020", "#20a030", "#3040b0", "#c0c0c0")
NAMES = ("Robe d'été", "Manteau <3", "Pull {col V}", "Été", "Jupe " + "plissée " * 20)
NEW_VALUES = ("Lin", "Soie & laine", "100 % coton")
TEXTS = ("<p>Douce</p>", "<script>alert(1)</script><p>Chaude &amp; légère</p>", "Simple")
MAPPINGS: list[tuple[str, str, list[str] | None]] = [
    ("rfs", "*", ["4"]),
    ("rfs", "*", ["6", "3"]),
    ("rfs", "*", None),
    ("category", "COL-ICONES", ["9"]),
    ("category", "COL-ICONES", None),
    ("brand", "M009", [IGNORE]),
    ("brand", "M009", ["create"]),
    ("feature", "saison", ["1"]),
    ("feature", "matiere", [IGNORE]),
    ("feature", "matiere", ["1"]),
    ("promotion", "Black Friday", ["8"]),
    ("promotion", "Black Friday", ["7"]),
    ("promotion", "Machine", ["6"]),
    ("vat", "20", ["1"]),
    ("vat", "20", [IGNORE]),
]
OPTIONS: list[tuple[str, Any]] = [
    ("safety_stock", 0),
    ("safety_stock", 2),
    ("hide", False),
    ("hide", True),
    ("remove_variants", False),
    ("remove_variants", True),
    ("require_photo", False),
    ("require_photo", True),
]
ROUNDS = 6
"""Runs after which all must be settled, a day apart: what was refused is tried again within a day."""


class Catalogue(RuleBasedStateMachine):
    """A few articles on one pair of emulators, which are put back before every history."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.restore()
        self.made = 0

    # -- LCV -------------------------------------------------------------------------------------------------------

    def article(self, which: int) -> Json:
        """One of LCV's articles."""
        found = sorted(self.world.in_lcv("articles"), key=lambda article: str(article["id"]))
        chosen: Json = copy.deepcopy(found[which % len(found)])
        del chosen["revision"]
        return chosen

    def put(self, article: Json) -> None:
        """An article as LCV has it from now on."""
        self.world.tell_lcv("articles", article)

    @rule(which=WHICH, name=st.sampled_from(NAMES))
    def rename(self, which: int, name: str) -> None:
        """Another name."""
        self.put({**self.article(which), "name": name})

    @rule(which=WHICH, text=st.sampled_from(TEXTS), member=st.sampled_from(["description", "short_description"]))
    def describe(self, which: int, text: str, member: str) -> None:
        """Another description."""
        self.put({**self.article(which), member: text})

    @rule(which=WHICH, brand=st.sampled_from([None, "M009", "M010"]), supplier=st.sampled_from(["", "S-1"]))
    def make(self, which: int, brand: str | None, supplier: str) -> None:
        """Another brand, another reference of the supplier."""
        self.put({**self.article(which), "brand": brand, "supplier_reference": supplier or None})

    @rule(which=WHICH, codes=st.lists(st.sampled_from(["COL-ICONES", "COL-RIVIERA", "OCC-BUREAU"]), unique=True))
    def file(self, which: int, codes: list[str]) -> None:
        """Other dynamic categories."""
        self.put({**self.article(which), "categories": codes})

    @rule(which=WHICH, code=st.sampled_from(["matiere", "entretien", "saison"]), value=st.sampled_from(NEW_VALUES))
    def compose(self, which: int, code: str, value: str) -> None:
        """Another value of a characteristic."""
        article = self.article(which)
        self.put({**article, "attributes": {**article["attributes"], code: value}})

    @rule(which=WHICH, active=st.booleans(), published=st.booleans())
    def publish(self, which: int, active: bool, published: bool) -> None:
        """On sale, or not."""
        self.put({**self.article(which), "active": active, "web_stores": ["WEB"] if published else []})

    @rule(which=WHICH, place=PLACE, what=st.sampled_from(["off", "on", "gone", "weight", "ean"]))
    def vary(self, which: int, place: int, what: str) -> None:
        """A variant changes, or goes."""
        article = self.article(which)
        variants = article["variants"]
        variant = variants[place % len(variants)]
        if what == "gone" and len(variants) > 1:
            variants.remove(variant)
        elif what == "weight":
            variant["weight_kg"] = "0.750"
        elif what == "ean":
            variant["ean"] = None
        else:
            variant["active"] = what == "on"
        self.put(article)

    @rule(which=WHICH, colour=st.sampled_from(["Safran", "Indigo"]))
    def add_variant(self, which: int, colour: str) -> None:
        """A colour more."""
        article = self.article(which)
        self.made += 1
        sku = f"{article['id']}-N{self.made}"
        added = {**article["variants"][0], "sku": sku, "ean": None, "attributes": {"coloris": f"{colour} {self.made}"}}
        self.put({**article, "variants": [*article["variants"], added]})
        self.world.price_in(sku, "64.90")
        self.world.stock_in(sku, 2)

    @rule(which=WHICH)
    def add_article(self, which: int) -> None:
        """An article more, like another one."""
        like = self.article(which)
        self.made += 1
        variants = [{**v, "sku": f"N{self.made}-{at}", "ean": None} for at, v in enumerate(like["variants"][:3])]
        photo = f"N{self.made}-P"
        sha256 = self.world.sha256_of(photo, COLOURS[self.made % len(COLOURS)])
        photos = [{"id": photo, "sha256": sha256, "position": 1, "caption": None, "attributes": {}}]
        reference = f"NEW-{self.made}"
        self.put({**like, "id": f"9{self.made:05}", "reference": reference, "variants": variants, "photos": photos})
        for variant in variants:
            self.world.price_in(variant["sku"], "29.90")
            self.world.stock_in(variant["sku"], 1)

    @rule(which=WHICH)
    def delete_article(self, which: int) -> None:
        """LCV forgets an article."""
        self.world.expected()  # so that it was heard of
        if len(self.world.in_lcv("articles")) > 2:
            identifier = self.article(which)["id"]
            _delete(self.world, f"articles/{identifier}")

    @rule(which=WHICH, place=PLACE, quantity=st.integers(-1, 6))
    def stock(self, which: int, place: int, quantity: int) -> None:
        """Another quantity."""
        variants = self.article(which)["variants"]
        self.world.stock_in(variants[place % len(variants)]["sku"], quantity)

    @rule(which=WHICH, place=PLACE, price=st.sampled_from(["19.90", "64.90", "129.00", "0.00", None]))
    def price(self, which: int, place: int, price: str | None) -> None:
        """Another price, or none."""
        variants = self.article(which)["variants"]
        self.world.price_in(variants[place % len(variants)]["sku"], price)

    @rule(
        which=WHICH,
        whole=st.booleans(),
        offer=st.sampled_from([("percentage", "30.00"), ("amount", "5.00"), ("fixed_price", "25.00")]),
        starts=st.sampled_from([-48, -1, 1, 30]),
        hours=st.sampled_from([None, 2, 24, 72]),
        number=st.integers(0, 2),
    )
    def promote(
        self, which: int, whole: bool, offer: tuple[str, str], starts: int, hours: int | None, number: int
    ) -> None:
        """A promotion of an article or one of its variants, new or changed."""
        article = self.article(which)
        begin = self.world.clock().replace(minute=0, second=0, microsecond=0) + timedelta(hours=starts)
        self.world.tell_lcv(
            "promotions",
            {
                "id": f"MACHINE{number}",
                "name": "Machine" if number else "Black Friday",
                "kind": offer[0],
                "value": offer[1],
                "price_list": None,
                "starts_at": begin.isoformat(),
                "ends_at": (begin + timedelta(hours=hours)).isoformat() if hours else None,
                "articles": [article["id"]] if whole else [],
                "skus": [] if whole else [article["variants"][0]["sku"]],
            },
        )

    @rule(which=WHICH)
    def end_promotion(self, which: int) -> None:
        """LCV forgets a promotion."""
        found = self.world.in_lcv("promotions")
        if found:
            _delete(self.world, f"promotions/{found[which % len(found)]['id']}")

    @rule(which=WHICH, place=PLACE, what=st.sampled_from(["replace", "remove", "add", "turn"]))
    def photograph(self, which: int, place: int, what: str) -> None:
        """Another picture, one less, one more, another order."""
        article = self.article(which)
        photos = article["photos"]
        self.made += 1
        colour = f"#{(self.made * 3571) % 0xFFFFFF:06x}"
        if what == "add" or not photos:
            photo = f"{article['id']}-X{self.made}"
            entry: Json = {"id": photo, "caption": None, "position": 90 + self.made, "attributes": {}}
            photos.append({**entry, "sha256": self.world.sha256_of(photo, colour)})
        elif what == "replace":
            self.world.put_photo(photos[place % len(photos)]["id"], colour)
            return
        elif what == "remove":
            del photos[place % len(photos)]
        else:
            photos.reverse()
            for position, photo in enumerate(photos, 1):
                photo["position"] = position
        self.put({**article, "photos": photos})

    @rule(feed=st.sampled_from(["articles", "stock", "prices", "promotions"]))
    def restore_lcv(self, feed: str) -> None:
        """LCV was restored from a backup: cursors count for nothing."""
        self.world.tell_lcv("expire-cursors", {"feed": feed})

    # -- people ----------------------------------------------------------------------------------------------------

    @rule(mapping=st.sampled_from(MAPPINGS))
    def map(self, mapping: tuple[str, str, list[str] | None]) -> None:
        """A mapping is set, or unset."""
        self.world.map(*mapping)

    @rule(option=st.sampled_from(OPTIONS))
    def choose(self, option: tuple[str, Any]) -> None:
        """Another option in the configuration."""
        setattr(self.world.rules, *option)

    @rule(which=WHICH, what=st.sampled_from(["category", "image", "off", "delete", "quantity"]))
    def meddle(self, which: int, what: str) -> None:
        """A person does something to a finished product in the shop."""
        found = self.finished()
        if not found:
            return
        reference, product = found[which % len(found)]
        persons = self.world.persons
        row = next(each for each in self.world.in_shop("products") if int(each["id"]) == product)
        if what == "category":
            categories = [int(item["id"]) for item in row["associations"]["categories"]]
            edited = {"categories": [*dict.fromkeys([*categories, 10])]}
            self.world.tell_shop("edit", resource="products", id=product, fields={}, associations=edited)
            persons.categories.setdefault(reference, set()).add(10)
        elif what == "image":
            self.world.eyes.upload(product, "main.jpg", "#00eeee")
            persons.images[reference] = persons.images.get(reference, 0) + 1
        elif what == "off" and row["active"] == "1":
            self.world.tell_shop("edit", resource="products", id=product, fields={"active": 0}, associations={})
            persons.off.add(reference)
        elif what == "delete":
            self.world.tell_shop("delete", resource="products", id=product)
            persons.gone.add(reference)
        elif what == "quantity":
            rows = [s for s in self.world.in_shop("stock_availables") if int(s["id_product"]) == product]
            stock = max(rows, key=lambda row: int(row["id_product_attribute"]))  # 0 is the shop's own sum
            self.world.tell_shop(
                "edit", resource="stock_availables", id=int(stock["id"]), fields={"quantity": 99}, associations={}
            )

    def finished(self) -> list[tuple[str, int]]:
        """Reference and id of the products of ours that are there, finished and untouched by people."""
        persons = self.world.persons
        there = {int(row["id"]) for row in self.world.in_shop("products")}
        with store_of(self.world.configuration()) as store:
            bound = [product for key, _ in Bindings(store).product_keys() if (product := Bindings(store).product(key))]
        known = [(str(each.written["reference"]), each.id) for each in bound if each.ready and each.id in there]
        return [each for each in known if each[0] not in persons.off | persons.gone]

    # -- time and runs ---------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([0.1, 1, 3, 25]))
    def wait(self, hours: float) -> None:
        """Time goes by."""
        self.world.advance(hours=hours)

    @rule()
    def sync(self) -> None:
        """A run that nothing disturbs."""
        self.run({0, 3, 6})

    @rule()
    def resync(self) -> None:
        """Everything is asked for again, of both."""
        self.world.mark_resync()

    @rule(
        fault=st.sampled_from(FAULTS), skip=st.integers(0, 30), at_lcv=st.booleans(), times=st.sampled_from([1, 1, 4])
    )
    def disturbed(self, fault: tuple[FaultKind, int], skip: int, at_lcv: bool, times: int) -> None:
        """A run in which a request goes wrong, or several in a row."""
        server = self.world.lcv if at_lcv else self.world.shop
        server.faults = [Fault(fault[0], status=fault[1], skip=skip, times=times)]
        self.run(ACCEPTED)
        server.faults = []

    @rule(at=st.integers(1, 40))
    def hurried(self, at: int) -> None:
        """A run whose time is up."""
        self.world.run_clock.stop_at = at
        self.run({0, 3, 6, 10})
        self.world.run_clock.stop_at = 0

    @rule(at=st.integers(1, 40), served=st.booleans())
    def killed(self, at: int, served: bool) -> None:
        """A run that is killed."""
        Killed(self.world, at, served).run()

    def run(self, accepted: set[int]) -> Report:
        """A run that may end with one of these exit codes."""
        report = self.world.sync()
        assert report.exit_code in accepted, (report.exit_code, report.error, report.failed)
        return report

    @invariant()
    def nothing_twice(self) -> None:
        """No product, combination, specific price, value or brand is there twice."""
        twice = self.world.look().twice()
        assert not twice, twice

    @invariant()
    def nothing_half_made(self) -> None:
        """What is visible has its price, and its photo where one is required."""
        with store_of(self.world.configuration()) as store:
            unfinished = {
                product.id
                for key, _ in Bindings(store).product_keys()
                if (product := Bindings(store).product(key)) and not product.ready
            }
        seen = {int(row["id"]): row["reference"] for row in self.world.in_shop("products") if row["active"] == "1"}
        assert not seen.keys() & unfinished
        self.world.persons.seen.update(seen.values())

    def teardown(self) -> None:
        """Whatever happened: a few runs later the shop is what the rules say, and there is nothing left to do."""
        for _ in range(ROUNDS):
            self.world.advance(hours=25)
            report = self.run({0, 3})
            if (report.exit_code, report.changes) == (0, {}):
                break
        problems = self.world.problems()
        assert not problems, "\n".join(problems[:20])
        self.world.assert_idle()


def _delete(made: World, what: str) -> None:
    made.tell_lcv(what, method="DELETE")


@pytest.fixture(scope="module", autouse=True)
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A few ordinary articles, synchronised once with a shop that has its demo products."""
    with world(tmp_path_factory.mktemp("catalogue"), articles=ARTICLES, seed=3, demo_data=False) as made:
        Catalogue.world = made
        assert made.sync().exit_code == 0
        made.snapshot()
        yield


class LongHistories(Catalogue):
    """Many more of them, and longer."""


Catalogue.TestCase.settings = settings(max_examples=3, stateful_step_count=20, phases=[Phase.generate], **COMMON)
LongHistories.TestCase.settings = settings(
    settings.get_profile("deep"), max_examples=300, stateful_step_count=40, **COMMON
)
TestCatalogue = Catalogue.TestCase
TestLongHistories = pytest.mark.deep(LongHistories.TestCase)
