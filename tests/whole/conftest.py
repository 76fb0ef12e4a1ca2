"""The pair that most tests of whole runs start from: a small catalogue, synchronised, put back before every test."""

from __future__ import annotations

from collections.abc import Iterator

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
