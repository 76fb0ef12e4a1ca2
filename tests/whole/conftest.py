"""The pair that most tests of whole runs start from: a small catalogue, synchronised, put back before every test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import First, World, world


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("whole"), articles=14, seed=3, demo_data=False) as made:
        report = made.sync()
        assert report.exit_code == 0, report
        made.snapshot()
        yield made


@pytest.fixture
def synced(_kept: World) -> World:
    """14 ordinary articles with promotions, once synchronised with an 8.2.1 that had no products."""
    _kept.restore()
    return _kept


@pytest.fixture(scope="session")
def first_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    """60 articles with every oddity, once synchronised with an 8.2.1 that has its demo products."""
    with world(tmp_path_factory.mktemp("first")) as made:
        yield First.of(made)


@pytest.fixture
def odd(first_of_all: First) -> World:
    """The same as it was after the first run."""
    first_of_all.world.restore()
    return first_of_all.world


ALWAYS_ALL = {"test_one_request_goes_wrong", "test_a_product_deleted_by_a_person"}
"""Tests of which `make test` runs every case."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test's many cases `make test` runs the first, `make test-deep` all: whole runs take time."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("deep"):
            name, _, case = item.nodeid.partition("[")
            version = "1.7" if "1.7.8.11" in case else ""
            cases[f"{name} {version}"].append(item)
    for same in cases.values():
        if getattr(same[0], "originalname", "") not in ALWAYS_ALL:
            for item in same[1:]:
                item.add_marker(pytest.mark.deep)
