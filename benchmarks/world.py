"""The two parties of a benchmark as they are seen from outside, and lcvsync between them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import Cost, run
from benchmarks.shop import Shop, id_of
from lcvsync.cli import Application
from lcvsync.cli.main import run as run_lcvsync
from lcvsync.demo.world import KEY, PASSWORD, USERNAME
from lcvsync.emulators.lcv.tables import WEB_STORE

_CONFIGURATION = """\
[lcv]
url = "{lcv}"
web_store = "{web_store}"

[prestashop]
url = "{shop}"
key = "{key}"

[sync]
mode = "complete"
max_seconds = 86400

[catalogue]
require_photo = {photos}

[orders]
min_id = 1
shipping_reference = "PORT"

[state]
directory = "state"
"""


@dataclass(frozen=True)
class World:
    """A back office with a catalogue, a shop without products of it, and a state of lcvsync that knows both."""

    directory: Path
    lcv_url: str
    fingerprint: str
    shop: Shop
    emulated: bool
    """Whether the shop is."""
    articles: int
    older: int
    """The highest id of the products that were there before."""

    @property
    def file(self) -> str:
        """lcvsync's configuration."""
        return str(self.directory / "lcvsync.toml")

    def measured(self, *arguments: str) -> Cost:
        """A command of lcvsync in a process of its own."""
        return run([sys.executable, "-m", "lcvsync", "-c", self.file, *arguments])

    def done(self, *arguments: str, typed: str = "") -> None:
        """A command of lcvsync in this process, which is faster and tells nothing; raises RuntimeError."""
        said, stdin = io.StringIO(), sys.stdin
        sys.stdin = io.TextIOWrapper(io.BytesIO(typed.encode()))
        try:
            with redirect_stdout(said), redirect_stderr(said):
                code = run_lcvsync(["-c", self.file, *arguments], Application())
        finally:
            sys.stdin = stdin
        if code:
            raise RuntimeError(f"lcvsync {' '.join(arguments)} ended with {code}: {said.getvalue()}")

    def change(self, what: str, number: int) -> None:
        """Let *number* records of LCV change; or of the shop, where people order."""
        url = self.shop.url if what == "orders" else self.lcv_url
        self._control("POST", url, "bench/change", {"what": what, "number": number})

    def pace(self, times: float | None) -> None:
        """Let an emulated shop answer *times* as late as a real one; 0 only reckons that, None not even that."""
        if self.emulated:
            self._control("POST", self.shop.url, "pace", {"times": times})

    def forget_requests(self) -> None:
        """Begin the logs of both anew."""
        for url in (self.lcv_url, *([self.shop.url] if self.emulated else [])):
            self._control("DELETE", url, "requests?summary=1")

    def asked(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What LCV and the shop were asked, summed up; a real shop tells nothing."""
        return (
            self._control("GET", self.lcv_url, "requests?summary=1"),
            self._control("GET", self.shop.url, "requests?summary=1") if self.emulated else None,
        )

    def zeros_answered(self) -> float | None:
        """When an emulated shop had answered the last quantity of zero, in seconds since the epoch."""
        came: float | None = self._control("GET", self.shop.url, "bench/zeros")["last"] if self.emulated else None
        if came is None:
            return None
        log = self._control("GET", self.shop.url, "requests")
        written = (datetime.fromisoformat(line["at"]).timestamp() for line in log if "/stock_av" in line["path"])
        return min(at for at in written if at >= came)

    def state_bytes(self) -> int:
        """How much the state takes on the disk."""
        files = (self.directory / "state").iterdir()
        return sum(file.stat().st_size for file in files if file.name.startswith("state.db"))

    def associate(self) -> None:
        """Pair lcvsync with the back office."""
        login = ["--url", self.lcv_url, "--username", USERNAME, "--fingerprint", self.fingerprint]
        self.done("associate", *login, "--password-stdin", typed=PASSWORD)

    def map_everything(self) -> None:
        """Set what the catalogue needs, and let orders go to LCV where the shop is emulated."""
        sheet = self.directory / "mappings.csv"
        with sheet.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("kind", "code", "targets"), *self._targets()])
        self.done("map", "import", str(sheet))
        if self.emulated:
            self.done("adopt", "--yes")

    def change_category(self) -> None:
        """Another category for every article."""
        self.done("map", "set", "rfs", "*", self._categories()[1])

    def _categories(self) -> list[str]:
        """Two below the shop's home."""
        return [id_of(row) for row in self.shop.read("categories", display="[id]")][2:4]

    def _targets(self) -> Iterator[tuple[str, str, str]]:
        groups = self.shop.read("product_options", display="[id,is_color_group]")
        sizes, colours = (
            [id_of(each) for each in groups if each.findtext("is_color_group") == is_it] for is_it in "01"
        )
        yield "size-grid", "*", sizes[0]
        yield "attribute", "coloris", colours[0]
        features = self.shop.read("product_features", display="[id]")
        for code, feature in zip(("matiere", "entretien"), features, strict=False):
            yield "feature", code, id_of(feature)
        yield "brand", "*", "create"
        yield "rfs", "*", self._categories()[0]
        yield "vat", "20", id_of(self.shop.read("tax_rule_groups", display="[id]")[0])
        yield "payment", "*", "CHQ"

    @staticmethod
    def _control(method: str, url: str, action: str, body: object = None) -> Any:
        answer = httpx.request(
            method, f"{url}/_emulator/{action}", json=body, verify=False, trust_env=False, timeout=600
        )
        answer.raise_for_status()
        return answer.json()


@contextmanager
def open_world(articles: int, *, photos: bool, shop_url: str = "", key: str = KEY) -> Iterator[World]:
    """Serve both until the block ends, or only the back office, beside the shop at *shop_url*; associated, no more."""
    with tempfile.TemporaryDirectory(prefix="lcvsync-bench-") as folder:
        directory = Path(folder)
        command = [sys.executable, "-m", "benchmarks.parties", folder, "--articles", str(articles)]
        command += ["--photos"] if photos else []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parties:
            assert parties.stdin
            assert parties.stdout
            served = json.loads(parties.stdout.readline())
            shop = Shop(shop_url or served["shop"], key)
            older = max((int(each.get("id", "")) for each in shop.read("products")), default=0)
            world = World(directory, served["lcv"], served["fingerprint"], shop, not shop_url, articles, older)
            configuration = _CONFIGURATION.format(
                lcv=world.lcv_url, web_store=WEB_STORE, shop=shop.url, key=key, photos=str(photos).lower()
            )
            Path(world.file).touch(mode=0o600)
            Path(world.file).write_text(configuration, encoding="utf-8")
            try:
                world.associate()
                yield world
            finally:
                shop.close()
                parties.stdin.close()
