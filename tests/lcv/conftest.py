"""Fixtures of the LCV adapter's tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer

from .support import NOW, PASSWORD, USERNAME, FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only by sleeping."""
    return FakeClock()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens, closed at its end."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def back_office() -> Iterator[EmulatorServer]:
    """An LCV back office without articles, over plain http."""
    emulator = LcvEmulator(catalogue=generate(1, 0, now=NOW), username=USERNAME, password=PASSWORD, clock=lambda: NOW)
    with EmulatorServer(emulator) as server:
        yield server
