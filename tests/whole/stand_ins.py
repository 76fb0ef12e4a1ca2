"""What stands in for something else in tests of whole runs: a clock, a reporter, a shop with faults of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

from PIL import Image

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.prestashop.call import Call
from lcvsync.emulators.prestashop.entity import Behaviour, Entity
from lcvsync.emulators.prestashop.faults import RefusedError
from lcvsync.emulators.server import Clock, EmulatorServer

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class RunClock:
    """The emulators' time for lcvsync, without its waits. From the shop's request number *stop_at* on, time is up."""

    def __init__(self, clock: Clock, shop: EmulatorServer) -> None:
        self._clock = clock
        self._shop = shop
        self.stop_at = 0
        self.slept = 0.0

    def now(self) -> datetime:
        """The present."""
        return self._clock()

    def monotonic(self) -> float:
        """Ten seconds, or two minutes once the run shall stop: more than the budget, less than any time limit."""
        return 120.0 if self.stop_at and len(self._shop.requests) >= self.stop_at else 10.0

    def sleep(self, seconds: float) -> None:
        """Don't."""
        self.slept += seconds


class Quiet:
    """A reporter that nobody listens to."""

    def step(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


class Poisoned:
    """What the shop does with one resource, and with it a module that refuses one reference."""

    def __init__(self, behaviour: Behaviour, reference: str) -> None:
        self.behaviour = behaviour
        self._reference = reference

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behaviour, name)

    def add(self, call: Call, entity: Entity) -> bool:
        """A new record."""
        self._refuse(entity)
        return self.behaviour.add(call, entity)

    def update(self, call: Call, entity: Entity) -> bool:
        """A record that changes."""
        self._refuse(entity)
        return self.behaviour.update(call, entity)

    def _refuse(self, entity: Entity) -> None:
        if entity.values.get("reference") == self._reference:
            raise RefusedError(400, 85, f"A module refuses {self._reference}")


class Watched:
    """A shop whose every write is followed by *after*: what visitors see between two requests of a run."""

    def __init__(self, shop: PrestaShopEmulator, after: Callable[[], object]) -> None:
        self.shop = shop
        self._after = after

    def handle(self, request: Request) -> Response:
        """The shop's answer."""
        response = self.shop.handle(request)
        if request.method in WRITES:
            self._after()
        return response

    def control(self, request: Request) -> Response:
        """The shop's answer."""
        return self.shop.control(request)


def picture(colour: str) -> bytes:
    """A small JPEG of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", (60, 80), colour).save(stream, "JPEG")
    return stream.getvalue()
