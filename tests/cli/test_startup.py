"""What a command imports: cron starts a run every five minutes, and nearly every one has nothing to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lcvsync.cli.main import COMMANDS, cli
from tests.whole.harness import KEY, World, world

PROGRAM = """
import sys
from lcvsync.cli.main import run
code = run(sys.argv[1:])
sys.stdout.flush()
print("imported:", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""
NEEDLESS = {
    *("PIL", "nh3", "rapidfuzz", "rich", "pygments", "httpx._main", "trio", "sqlite_utils", "cryptography"),
    *("lcvsync.planning.cards", "lcvsync.planning.plan", "lcvsync.planning.offers", "lcvsync.planning.marks"),
    *("lcvsync.planning.sales", "lcvsync.planning.order_rules", "lcvsync.planning.availability"),
    *("lcvsync.planning.undo", "lcvsync.domain.colours", "lcvsync.domain.html", "lcvsync.domain.suggestions"),
    *("lcvsync.runner.work", "lcvsync.runner.planner", "lcvsync.runner.apply", "lcvsync.runner.context"),
    *("lcvsync.runner.orders.plan", "lcvsync.runner.orders.outbox", "lcvsync.runner.orders.marks"),
    *("lcvsync.runner.availability", "lcvsync.availability.rendering", "lcvsync.runner.sweep"),
}
"""What no run needs that finds nothing to do."""
WITHOUT_ORDERS = {"lcvsync.runner.orders.export", "lcvsync.runner.orders.reading", "lcvsync.domain.orders"}


def imported(*arguments: str) -> set[str]:
    """The modules that a command had imported at its end."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stderr.rpartition("imported:")[2]
    return set(told.split())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shop that is as LCV says."""
    with world(tmp_path_factory.mktemp("startup"), articles=3, seed=3, demo_data=False) as found:
        found.sync()
        yield found


@pytest.mark.parametrize("orders", [False, True], ids=["without-orders", "with-orders"])
def test_a_run_with_nothing_to_do(made: World, tmp_path: Path, orders: bool) -> None:
    """It imports nothing of planning, writing and exporting, nor the libraries that these need."""
    file = tmp_path / "lcvsync.toml"
    sections = {
        "lcv": {"url": made.lcv.url, "web_store": "WEB"},
        "prestashop": {"url": made.shop.url, "key": KEY},
        "sync": {"mode": "complete"},
        "state": {"directory": str(made.directory)},
    }
    if orders:
        made.adopt()
        sections["orders"] = {"min_id": "1"}
    lines = []
    for name, options in sections.items():
        lines += [f"[{name}]", *(f'{key} = "{value}"' for key, value in options.items())]
    file.write_text("\n".join(lines).replace('min_id = "1"', "min_id = 1"))
    file.chmod(0o600)
    sync = ("-c", str(file), "sync")
    imported(*sync)  # other options than those of the fixture: this one plans all of it anew

    found = imported(*sync)

    assert found & (NEEDLESS if orders else NEEDLESS | WITHOUT_ORDERS) == set()
    assert ("lcvsync.runner.orders.reading" in found) == orders


def test_the_list_of_commands() -> None:
    """`--help` imports no command."""
    modules = {source.partition(":")[0] for source in COMMANDS.values()}

    assert imported("--help") & (modules | {"httpx", "pydantic", "sqlite3"}) == set()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_list_says_what_the_commands_say(width: int) -> None:
    """It is what Click makes of the commands' own help."""
    context = click.Context(cli)
    ours, theirs = click.HelpFormatter(width=width), click.HelpFormatter(width=width)

    cli.format_commands(context, ours)
    click.Group.format_commands(cli, context, theirs)

    assert ours.getvalue() == theirs.getvalue()
