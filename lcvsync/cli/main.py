"""The entry point and the list of commands.

A command's module is imported when the command is run, never before: `lcvsync --version`, the list of commands and a
usage error cost an import of Click and no more.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from lcvsync import __version__
from lcvsync.cli import Application, pass_application, streams
from lcvsync.cli.errors import ExitCode, failure, terminate
from lcvsync.cli.startup import importing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS: dict[str, str] = {
    "associate": "lcvsync.cli.association_commands:associate",
    "dissociate": "lcvsync.cli.association_commands:dissociate",
    "adopt": "lcvsync.cli.setup_commands:adopt",
    "pull-config": "lcvsync.cli.setup_commands:pull_config",
    "sync": "lcvsync.cli.sync_command:sync",
    "plan": "lcvsync.cli.plan_commands:plan",
    "apply": "lcvsync.cli.plan_commands:apply",
    "resync": "lcvsync.cli.resync_command:resync",
    "export-orders": "lcvsync.cli.order_commands:export_orders",
    "export-order": "lcvsync.cli.order_commands:export_order",
    "export-customers": "lcvsync.cli.order_commands:export_customers",
    "orders": "lcvsync.cli.order_commands:orders",
    "why": "lcvsync.cli.why_commands:why",
    "drift": "lcvsync.cli.drift_command:drift",
    "undo": "lcvsync.cli.undo_command:undo",
    "status": "lcvsync.cli.report_commands:status",
    "runs": "lcvsync.cli.report_commands:runs",
    "audit": "lcvsync.cli.audit_command:audit",
    "doctor": "lcvsync.cli.doctor_command:doctor",
    "map": "lcvsync.cli.map_commands:map_group",
    "takeover": "lcvsync.cli.takeover_commands:takeover",
    "product": "lcvsync.cli.product_commands:product",
    "config": "lcvsync.cli.config_commands:config",
    "demo": "lcvsync.cli.demo_commands:demo",
}
"""Name → "module:attribute" of a Click command, in the order in which `--help` lists them."""

SUMMARIES: dict[str, str] = {
    "associate": "Pair this shop with an LCV back office.",
    "dissociate": "End the association with LCV.",
    "adopt": "Record that this state belongs to the configured shop: from now on its orders and customers go to LCV.",
    "pull-config": "Read LCV's tables and what articles use of them, and give each code a mapping row.",
    "sync": "Tell LCV what was sold, then bring the shop up to date with LCV: what changed since the last run.",
    "plan": "What `sync` would change in the shop now.",
    "apply": "Carry out a plan that `lcvsync plan -o FILE` wrote: its lines, and nothing else.",
    "resync": "Do everything again, or the cards of some products.",
    "export-orders": "Tell LCV of orders, refunds, cancellations and customers now: the first part of `sync`, alone.",
    "export-order": "Export one order now, whatever orders.min_id and its age say.",
    "export-customers": (
        "Tell LCV of the customers of the past: everybody with a valid order, and the members of “Clients LCV”."
    ),
    "orders": "Orders and LCV: what waits, what failed, why, and what cures it; settle what was typed in by hand.",
    "why": "Explain one record from end to end: what LCV says, what the shop has, what lies between, and the cure.",
    "drift": (
        "Show what people edited in the shop: what runs overwrote, and what differs now and what will become of it."
    ),
    "undo": "Put cards, prices and promotions that a run wrote back to what they were.",
    "status": (
        "Show how things stand: the last run, what waits, what is left out and why, and the commands that cure it."
    ),
    "runs": "List the runs, newest first, or show one of them.",
    "audit": "Show what was changed, skipped and refused, with what was there before; the newest last.",
    "doctor": "Look at everything that a run depends on, and say what is wrong, what it leads to, and what cures it.",
    "map": "Say what stands in the shop for LCV's codes; alone: walk through what is unset.",
    "takeover": "Link what an existing shop has to LCV's variants: scan, review, accept.",
    "product": "Products of the shop that lcvsync keeps: list, show, link, lock.",
    "config": "Check the configuration file, or show what is in force.",
    "demo": "Show everything on an emulated back office and shop: nothing is installed, nothing leaves this machine.",
}
"""Name → the first sentence of its help, which the list shows without importing the command."""


class LazyGroup(click.Group):
    """A group whose commands are imported on demand; *sources* and *summaries* are as `COMMANDS` and `SUMMARIES`."""

    def __init__(
        self, *arguments: object, sources: Mapping[str, str], summaries: Mapping[str, str], **options: object
    ) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # Click's own twenty, handed through
        self.sources = sources
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of *sources*."""
        return list(self.sources)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None for a name that nobody has."""
        if cmd_name not in self.sources:
            return None
        module, _, attribute = self.sources[cmd_name].partition(":")
        with importing():
            command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.sources[cmd_name]} is no Click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As Click does, from the summaries."""
        width = formatter.width - 6 - max(map(len, self.sources))
        shown = ((name, click.Command(name, help=self.summaries[name])) for name in self.sources)
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in shown])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does, with the nearest name for one that doesn't exist."""
        name = args[0]
        if name not in self.sources and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, self.sources, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup, sources=COMMANDS, summaries=SUMMARIES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "-c",
    "--config",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file. Else: LCVSYNC_CONFIG, ./lcvsync.toml, the user's, /etc/lcvsync/config.toml.",
)
@click.option("-v", "--verbose", count=True, help="Tell more; twice: tracebacks too.")
@click.option("-q", "--quiet", is_flag=True, help="Tell errors only.")
@click.version_option(__version__, prog_name="lcvsync", message="%(prog)s %(version)s")
@pass_application
def cli(application: Application, path: Path | None, verbose: int, quiet: bool) -> None:
    """Keep a PrestaShop shop and an LCV back office in step."""
    application.config_path = path
    application.verbosity = -1 if quiet else verbose


def run(arguments: Sequence[str] | None = None, application: Application | None = None) -> int:
    """Run one command line (default: the process's) and return its exit code; nothing is raised."""
    application = application or Application()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        # Not cli.main(): that one answers Ctrl-C and a closed pipe by itself, before the error handler sees them.
        with cli.make_context("lcvsync", list(arguments), obj=application) as context:
            result: object = cli.invoke(context)
    except BaseException as error:  # noqa: BLE001 - the one place where every exception ends
        return failure(error, application)
    return result if isinstance(result, int) else ExitCode.DONE


def main() -> NoReturn:
    """The program `lcvsync`."""
    streams.prepare()
    if "_LCVSYNC_COMPLETE" in os.environ:
        cli.main(prog_name="lcvsync", obj=Application())  # answers the shell's question and exits
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` asks
            signal.signal(number, terminate)
    sys.exit(run())
