"""`lcvsync plan` and `lcvsync apply`: look at a plan first, then carry out exactly that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from lcvsync import __version__
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import check_target
from lcvsync.cli.execution import Execution, allow_option
from lcvsync.cli.output import json_option, talk
from lcvsync.cli.run_output import amount
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Change
from lcvsync.planning.guards import CATALOGUE
from lcvsync.runner.plan_file import Head, read_plan, write_plan
from lcvsync.runner.planner import COMPARE
from lcvsync.runner.run import Run


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan to a file, for `lcvsync apply`.",
)
@json_option
@pass_application
def plan(application: Application, output: Path | None, as_json: bool) -> int:
    """What `sync` would change in the shop now. It writes nowhere, and sends nothing to LCV.

    With -o the products that are concerned are compared with the shop first, so that what people changed there shows
    too; the file can be reviewed, lines of it deleted, and the rest carried out with `lcvsync apply`.

    \b
    Examples:
      lcvsync plan
      lcvsync plan -o soldes.json
      lcvsync apply soldes.json
    """
    if output:
        check_target(output, "plan", lambda start: '"format"' in start)
    execution = Execution(application, "plan", as_json=as_json, dry_run=True)
    written = 0

    def write(changes: Iterable[Change]) -> None:
        nonlocal written
        if output:
            written = write_plan(output, _head(execution), changes)

    def work(run: Run) -> None:
        run.observe()
        run.sync(dry_run=True, keep=write)

    report = execution.run(work, prepare=lambda store: store.put(COMPARE, True) if output else None)
    execution.say(once=False)
    if output and report.cause is None:
        talk(application, f"{amount(written, 'change')} in {output}; lcvsync apply {output} carries out what it says")
    return report.exit_code


def _head(execution: Execution) -> Head:
    settings = execution.application.settings
    return Head(
        settings.prestashop.url,
        settings.prestashop.shop_id,
        settings.sync.mode,
        execution.report.started_at,
        __version__,
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@allow_option(*CATALOGUE)
@json_option
@pass_application
def apply(application: Application, file: Path, allow: tuple[str, ...], as_json: bool) -> int:
    """Carry out a plan that `lcvsync plan -o FILE` wrote: its lines, and nothing else.

    A line is refused, and named, when the shop or LCV moved since: what it would change isn't as it was, or it would
    become something else. A line that is so already is done. What isn't in the file is left to the next sync. No order
    is exported.

    \b
    Examples:
      lcvsync apply soldes.json
      lcvsync apply soldes.json --allow promotion    more promotions than their guard lets pass
    """
    reviewed = read_plan(file)
    execution = Execution(application, "apply", as_json=as_json, dry_run=False)
    _check(reviewed.head, _head(execution), file)

    def work(run: Run) -> None:
        run.observe()
        run.apply(reviewed.lines, reviewed.articles, allow=allow)

    report = execution.run(work, now=True)
    execution.say(once=False)
    return report.exit_code


def _check(made_for: Head, here: Head, file: Path) -> None:
    """Raises ConfigurationError: the plan is another shop's, or another mode's."""
    if (made_for.shop, made_for.shop_id) != (here.shop, here.shop_id):
        of = f"{made_for.shop}{f' (shop {made_for.shop_id})' if made_for.shop_id else ''}"
        here_is = f"{here.shop}{f' (shop {here.shop_id})' if here.shop_id else ''}"
        raise ConfigurationError(
            f"{file} is a plan for {of}, not for {here_is}", cure="name that shop's configuration with -c FILE"
        )
    if made_for.mode != here.mode:
        raise ConfigurationError(
            f"{file} was made in {made_for.mode} mode, sync.mode is {here.mode} now",
            cure="make another with: lcvsync plan -o FILE",
        )
