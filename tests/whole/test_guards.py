"""Guards of a run (docs/guards.md): a kind of change that is too much at once is held, the others go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import World, world


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("guards"), articles=34, seed=3, demo_data=False) as made:
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


def test_deactivations(shop: World) -> None:
    """25 products at once stay on, with their stock; another stock goes on; exit 6; `--allow` lets them go."""
    references = _unpublish(shop, 25)
    other = shop.ordinary(1, skip=25)[0]["variants"][0]["sku"]
    shop.stock_in(other, 77)

    report = shop.sync()

    assert (report.exit_code, report.outcome) == (6, "held")
    [held] = report.held
    assert (held["kind"], held["count"], held["limit"]) == ("deactivate", 25, 20)
    assert references[0] in held["detail"]
    assert "--allow deactivate" in held["cure"]
    assert report.changes == {"stock": {"update": 1}}
    assert _active(shop, references) == 25
    again = shop.sync()
    assert (again.held, again.changes) == (report.held, {})
    assert shop.sync(allow=["deactivate"]).exit_code == 0
    assert _active(shop, references) == 0
    assert shop.problems() == []
    shop.assert_idle()
