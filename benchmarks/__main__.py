"""Measure runs on the embedded emulators: `python -m benchmarks [--articles N]`.

Seconds are those of this machine with both emulators in the same process; requests are exact. Every start-up time
stands beside that of importing the same dependencies in a bare interpreter, measured in the same minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from lcvsync.bootstrap import run_session
from lcvsync.cli import Application
from lcvsync.cli.main import run as command
from lcvsync.cli.output import SilentReporter
from lcvsync.config import load
from lcvsync.demo.back_office import control
from lcvsync.demo.world import PASSWORD, USERNAME, World, open_world
from lcvsync.runner.run import Run

DEPENDENCIES = "import click, httpx, pydantic, sqlite_utils"
TIMES = 7


@dataclass(frozen=True)
class Measure:
    """A run and what it cost."""

    name: str
    changes: int
    lcv: int
    shop: int
    seconds: float


def start_up(arguments: list[str]) -> float:
    """Median seconds of a process."""

    def once() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return time.perf_counter() - begin

    once()
    return median(once() for _ in range(TIMES))


def prepare(world: World, directory: Path) -> Path:
    """Associate and map as the demo does; the configuration file."""
    file = directory / "lcvsync.toml"
    file.write_text(world.configuration(), encoding="utf-8")
    password = directory / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    base = ["-q", "-c", str(file)]
    with password.open() as sys.stdin:
        call(
            [
                *base,
                "associate",
                "--url",
                world.lcv_url,
                "--username",
                USERNAME,
                "--password-stdin",
                "--fingerprint",
                world.fingerprint,
            ]
        )
    call([*base, "pull-config"])
    call([*base, "map", "suggest", "--accept"])
    for kind, target in (("brand", "create"), ("rfs", "Femme"), ("size-grid", "Taille")):
        call([*base, "map", "set", kind, "*", target])
    call([*base, "map", "set", "attribute", "coloris", "Couleur"])
    return file


def call(arguments: list[str]) -> None:
    """Run a command as a user does; stop the benchmark when it fails."""
    code = command(arguments, Application())
    if code:
        raise SystemExit(f"lcvsync {' '.join(arguments)} ended with {code}")


def measured(name: str, file: Path) -> Measure:
    """One `sync`."""
    settings = load(file, os.environ)

    def work(run: Run) -> None:
        run.observe()
        run.sync()

    report = run_session(settings, "sync", SilentReporter(), work)
    requests = report.requests
    return Measure(name, report.total(), requests["lcv"], requests["prestashop"], report.seconds)


def catalogue_runs(articles: int) -> list[Measure]:
    """First synchronisation, nothing to do, and what changes cost afterwards."""
    with tempfile.TemporaryDirectory() as folder, open_world(articles, Path(folder)) as world:
        file = prepare(world, Path(folder))
        found = [measured("first synchronisation", file), measured("nothing to do", file)]
        for name, change in CHANGES.items():
            change(world)
            found.append(measured(name, file))
    return found


def all_stock(world: World) -> None:
    """Every quantity above 0 falls by one."""
    levels = control(world.lcv, "GET", "dump")["stock"]
    changed = [{**level, "quantity": level["quantity"] - 1} for level in levels if level["quantity"] > 0]
    control(world.lcv, "POST", "stock", [{k: row[k] for k in ("sku", "store", "quantity")} for row in changed])


def all_prices(world: World) -> None:
    """Every price rises by a euro."""
    prices = [row for row in control(world.lcv, "GET", "dump")["prices"] if row["price_incl_tax"]]
    changed = [
        {
            "sku": row["sku"],
            "price_list": row["price_list"],
            "price_incl_tax": f"{float(row['price_incl_tax']) + 1:.2f}",
        }
        for row in prices
    ]
    control(world.lcv, "POST", "prices", changed)


CHANGES: dict[str, Callable[[World], None]] = {"every stock changed": all_stock, "every price changed": all_prices}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bare = start_up(["-c", DEPENDENCIES])
    version = start_up(["-m", "lcvsync", "--version"])
    runs = catalogue_runs(options.articles)
    if options.json:
        print(json.dumps({"import_seconds": bare, "version_seconds": version, "runs": [vars(run) for run in runs]}))
        return
    print(f"import of the dependencies {bare:.3f} s; lcvsync --version {version:.3f} s ({version / bare:.2f} times)\n")
    print(f"{options.articles} articles{'':<14}{'changes':>9}{'to LCV':>8}{'to the shop':>13}{'seconds':>9}")
    for run in runs:
        print(f"{run.name:<25}{run.changes:>9}{run.lcv:>8}{run.shop:>13}{run.seconds:>9.2f}")


if __name__ == "__main__":
    main()
