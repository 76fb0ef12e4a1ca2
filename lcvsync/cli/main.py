"""The entry point and the list of commands.

A command's module is imported when the command is run (or listed in `--help`), never before: `lcvsync --version` and a
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


class LazyGroup(click.Group):
    """A group whose commands are imported on demand from *sources*, a mapping as `COMMANDS`."""

    def __init__(self, *arguments: object, sources: Mapping[str, str], **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # Click's own twenty, handed through
        self.sources = sources

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


@click.group(cls=LazyGroup, sources=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
