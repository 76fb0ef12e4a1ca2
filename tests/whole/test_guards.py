"""Guards of a run (docs/guards.md): a kind of change that is too much at once is held, the others go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lcvsync.bootstrap import run_session, store_of
from lcvsync.cli.report_commands import standing
from lcvsync.planning.changes import Change
from lcvsync.runner.planner import COMPARE
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run
from lcvsync.runner.spool import Spool
from lcvsync.runner.troubles import news
from lcvsync.state.encoding import encode

from .harness import World, world
from .oracle import Json
from .stand_ins import Quiet
from .till import Till


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("guards"), articles=30, seed=3, demo_data=False) as made:
        assert made.sync().exit_code == 0
        made.snapshot()
        yield made


@pytest.fixture
def shop(_kept: World) -> World:
    """A synchronised shop with more products than a guard's floor."""
    _kept.restore()
    return _kept


def _unpublish(made: World, count: int) -> list[str]:
    articles = made.ordinary(count)
    for article in articles:
        made.change_article(article["id"], web_stores=[])
    return [made.reference(article) for article in articles]


def _active(made: World, references: list[str]) -> int:
    rows = made.shop_dump()["products"]
    return sum(row["active"] == "1" or row["active"] == 1 for row in rows if row["reference"] in references)


def _told(made: World, report: Report) -> tuple[int, int]:
    """How many troubles are told of a run, and how many are over."""
    with store_of(made.configuration()) as store:
        decision = news(report, store, made.clock())
    return len(decision.new), len(decision.over)


def _standing(made: World) -> list[Json]:
    """What `lcvsync status` shows as held."""
    with store_of(made.configuration()) as store:
        held: list[Json] = standing(store, made.clock())["held"]
    return held


def test_deactivations(shop: World) -> None:
    """22 products at once stay on, with their stock; another stock goes on; exit 6, told once; `--allow` does it."""
    references = _unpublish(shop, 22)
    other = shop.ordinary(1, skip=22)[0]["variants"][0]["sku"]
    shop.stock_in(other, 77)

    report = shop.sync()

    assert (report.exit_code, report.outcome) == (6, "held")
    [held] = report.held
    assert (held["kind"], held["count"], held["limit"]) == ("deactivate", 22, 20)
    assert references[0] in held["detail"]
    assert "--allow deactivate" in held["cure"]
    assert report.changes == {"stock": {"update": 1}}
    assert _active(shop, references) == 22
    told = [_told(shop, report)]
    again = shop.sync()
    assert (again.held, again.changes) == (report.held, {})
    assert _standing(shop) == report.held
    told.append(_told(shop, again))
    allowed = shop.sync(allow=["deactivate"])
    assert allowed.exit_code == 0
    assert [*told, _told(shop, allowed)] == [(1, 0), (0, 0), (0, 1)]
    assert _active(shop, references) == 0
    assert shop.problems() == []
    shop.assert_idle()


def _quantities(made: World) -> dict[str, int]:
    rows = {row["id_product_attribute"]: int(row["quantity"]) for row in made.shop_dump()["stock_availables"]}
    return {row["reference"]: rows[row["id"]] for row in made.shop_dump()["combinations"]}


def test_zeros(shop: World) -> None:
    """An option that would empty the shop is held; what LCV says is sold passes, and no more than it has stays on sale.

    A unit sold while the run writes changes nothing of that.
    """
    till = Till(shop)
    assert till.sync().exit_code == 0
    before = _quantities(shop)
    full = [sku for sku in before if before[sku] > 3 and shop.ordinary(1)[0]["variants"][0]["sku"] != sku]
    none, fewer = full[0], full[-1]
    shop.stock_in(none, 0)
    shop.stock_in(fewer, 2)
    shop.rules.safety_stock = 1000

    sold: list[Json] = []

    def sell() -> None:
        if not sold:
            sold.append(till.order(till.piece(0)))

    with shop.watched(sell):
        report = till.sync()

    assert sold
    [held] = report.held
    assert (report.exit_code, held["kind"]) == (6, "zero")
    assert (held["of"], held["limit"]) == (sum(q > 0 for q in before.values()), max(20, held["of"] // 10))
    assert held["count"] == held["of"] - 1
    after = _quantities(shop)
    changed = {sku: after[sku] for sku in before if before[sku] != after[sku]}
    assert changed == {none: 0, fewer: 2, till.sku(0): before[till.sku(0)] - 1}
    assert "stock" not in till.sync().changes
    assert _quantities(shop) == after
    assert till.sync(allow=["zero"]).exit_code == 0
    assert set(_quantities(shop).values()) == {0}


def test_price_falls(shop: World) -> None:
    """Prices that fall in very many products are held whole; a price that rises goes on, and so do a few falls."""
    for article in shop.ordinary(22):
        for variant in article["variants"]:
            shop.price_in(variant["sku"], "9.90")
    dearer = shop.quiet(1, skip=5)[0]
    for variant in dearer["variants"]:
        shop.price_in(variant["sku"], "999.00")
    prices = {row["id"]: row["price"] for row in shop.shop_dump()["products"]}

    report = shop.sync()

    [held] = report.held
    assert (report.exit_code, held["kind"], held["limit"]) == (6, "price-fall", 20)
    now = {row["id"]: row["price"] for row in shop.shop_dump()["products"]}
    assert {row for row in now if now[row] != prices[row]} == {str(shop.product(dearer).card.id)}
    for article in shop.ordinary(10):
        for variant in article["variants"]:
            shop.price_in(variant["sku"], "99.90")
    assert shop.sync().exit_code == 0  # 15 falls are no accident
    assert shop.sync(allow=["price-fall"]).exit_code == 0
    assert shop.problems() == []
    shop.assert_idle()


def _rehearse(made: World, keep: list[Change]) -> Report:
    """`lcvsync plan -o`: its report, and what it keeps."""

    def work(run: Run) -> None:
        run.observe()
        run.sync(dry_run=True, keep=keep.extend)

    settings, ask = made.configuration(), lambda store: store.put(COMPARE, True)
    return run_session(settings, "plan", Quiet(), work, clock=made.run_clock, prepare=ask, rehearsal=True)


def _apply(made: World, plan: list[Change], **options: Any) -> Report:
    """`lcvsync apply`."""

    def work(run: Run) -> None:
        run.observe()
        run.apply(
            Spool(json.loads(encode(c)) for c in plan), tuple({c.article: 0 for c in plan if c.article}), **options
        )

    return made.session(work)


def test_apply_meets_the_guards(shop: World) -> None:
    """A reviewed plan is held as a run would be, also where it was shown; with `--allow` it is carried out."""
    references = _unpublish(shop, 22)
    plan: list[Change] = []
    rehearsed = _rehearse(shop, plan)
    assert (rehearsed.exit_code, rehearsed.changes) == (6, {})
    assert {line.get("held") for line in rehearsed.plan or ()} == {"deactivate"}

    report = _apply(shop, plan)

    assert (report.exit_code, [held["kind"] for held in report.held]) == (6, ["deactivate"])
    assert (report.changes, _active(shop, references)) == ({}, 22)
    assert _apply(shop, plan, allow=["deactivate"]).exit_code == 0
    assert _active(shop, references) == 0
    shop.assert_idle()


def test_a_plan_of_every_kind(shop: World) -> None:
    """Everything that a plan may hold is carried out by its file, and is there already when that is applied again."""
    shop.rules.hide = shop.rules.remove_variants = True
    first, second, third, fourth = shop.quiet(4, colours=2)
    for number, article in enumerate((first, second)):
        _promote(shop, f"EVERY{number}", article, "10")
    assert shop.sync().exit_code == 0
    shop.change_article(
        first["id"], name="Nom", brand="M010", attributes={"matiere": "Ortie"}, variants=first["variants"][1:]
    )
    shop.price_in(second["variants"][1]["sku"], "33.00")
    _promote(shop, "EVERY0", first, "20")
    shop.tell_lcv("promotions/EVERY1", method="DELETE")
    _promote(shop, "EVERY2", third, "20")
    shop.put_photo(second["photos"][0]["id"], "#123456")
    shop.change_article(third["id"], photos=third["photos"][1:])
    for variant in third["variants"]:
        shop.stock_in(variant["sku"], 0)
    shop.change_article(fourth["id"], active=False)
    plan: list[Change] = []
    _rehearse(shop, plan)
    kinds = {f"{change.kind} {change.action}" for change in plan}
    products = {f"product {action}" for action in ("update", "deactivate")}
    images = {f"image {action}" for action in ("update", "delete")}
    promotions = {f"promotion {action}" for action in ("create", "update", "delete")}
    others = {"value create", "combination update", "combination delete", "stock update", "price update"}
    assert kinds >= {*products, *images, *promotions, *others}

    report = _apply(shop, plan)

    assert (report.exit_code, report.failed) == (0, [])
    assert shop.problems() == []
    again = _apply(shop, plan)
    assert (again.exit_code, again.changes) == (0, {})
    assert again.notes == [f"{len(plan)} of {len(plan)} lines were already so"]
    shop.assert_idle()


def _promote(made: World, name: str, article: Json, value: str) -> None:
    promotion = {"id": name, "name": name, "kind": "percentage", "value": value, "price_list": None}
    window = {"starts_at": "2026-11-01T00:00:00+01:00", "ends_at": "2026-12-24T00:00:00+01:00"}
    made.tell_lcv("promotions", {**promotion, **window, "articles": [article["id"]], "skus": []})


def test_sold_while_a_plan_is_applied(shop: World) -> None:
    """A quantity of which a unit was sold since the plan was compared is not written, and named; the others are."""
    till = Till(shop)
    assert till.sync().exit_code == 0
    before = _quantities(shop)
    skus = [till.sku(place) for place in range(2)]
    for sku in skus:
        shop.stock_in(sku, before[sku] + 5)
    shop.change_article(str(shop.ordinary(1, skip=2)[0]["id"]), name="Pull Neuf")
    plan: list[Change] = []
    _rehearse(shop, plan)
    sold: list[Json] = []

    def sell() -> None:
        if not sold:
            sold.append(till.order(till.piece(0)))

    with shop.watched(sell):
        report = _apply(shop, plan)

    assert (report.exit_code, [failed.key for failed in report.failed]) == (3, [skus[0]])
    assert "sold meanwhile" in report.failed[0].error
    after = _quantities(shop)
    assert [after[sku] - before[sku] for sku in skus] == [-1, 5]
    till.sync()
    assert _quantities(shop)[skus[0]] == before[skus[0]] + 4
