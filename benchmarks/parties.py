"""The emulated back office and shop of a benchmark, in one process: `python -m benchmarks.parties DIRECTORY ...`.

It says on standard output where they are, as JSON, and serves until its standard input ends. Beside what emulators
answer to, `POST /_emulator/bench/change` {what, number} lets something happen in LCV, or in the shop; the shop's
`GET /_emulator/bench/zeros` tells when the last quantity of zero came.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import changes
from benchmarks.catalogue import build
from lcvsync.demo.shop import furnish
from lcvsync.demo.world import KEY, PASSWORD, USERNAME
from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.lcv import LcvEmulator
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import Clock, EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls

_BENCH = "/_emulator/bench/"
_ZERO = re.compile(rb"<quantity>(<!\[CDATA\[)?0\D")


class BenchOffice(LcvEmulator):
    """A back office whose records change by the thousand."""

    def control(self, request: Request) -> Response:
        """LCV's control, and the benchmark's."""
        if request.path != f"{_BENCH}change":
            return super().control(request)
        asked = json.loads(request.body)
        changes.IN_LCV[asked["what"]](self.catalogue, asked["number"])
        return Response(200, b"{}")


class BenchShop(PrestaShopEmulator):
    """A shop that sells by the thousand."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(key=KEY, clock=clock, demo_data=False)
        furnish(self)
        self._zero_came: datetime | None = None

    def handle(self, request: Request) -> Response:
        """The shop's answer; a quantity of zero is noted."""
        if request.method in {"PATCH", "PUT"} and "/stock_availables" in request.path and _ZERO.search(request.body):
            self._zero_came = datetime.now(UTC)
        return super().handle(request)

    def control(self, request: Request) -> Response:
        """The shop's control, and the benchmark's."""
        if request.path == f"{_BENCH}zeros":
            came = self._zero_came.timestamp() if self._zero_came else None
            return Response(200, json.dumps({"last": came}).encode())
        if request.path == f"{_BENCH}change":
            asked = json.loads(request.body)
            changes.IN_SHOP[asked["what"]](self, asked["number"])
            return Response(200, b"{}")
        return super().control(request)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--articles", type=int, required=True)
    parser.add_argument("--photos", action="store_true")
    options = parser.parse_args()
    clock = Clock()
    tls = make_tls(CertificateKind.SELF_SIGNED, options.directory)
    catalogue = build(options.articles, photos=options.photos)
    office = BenchOffice(catalogue=catalogue, username=USERNAME, password=PASSWORD, clock=clock)
    with EmulatorServer(office, tls=tls, clock=clock) as lcv, EmulatorServer(BenchShop(clock), clock=clock) as shop:
        print(json.dumps({"lcv": lcv.url, "fingerprint": tls.fingerprint, "shop": shop.url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
