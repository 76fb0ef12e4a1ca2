"""`lcvsync sync`: the run that cron starts."""

from __future__ import annotations

import click

from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.execution import Execution, allow_option, dry_run_option
from lcvsync.cli.output import json_option
from lcvsync.cli.run_output import watched
from lcvsync.runner.report import Outcome
from lcvsync.runner.run import Run


@click.command()
@dry_run_option
@json_option
@click.option("--accept-mode", is_flag=True, help="Carry out the first run after a switch to complete mode.")
@click.option("--fail-if-locked", is_flag=True, help="Exit with 11 instead of 0 when another run is under way.")
@allow_option()
@pass_application
def sync(
    application: Application,
    dry_run: bool,
    as_json: bool,
    accept_mode: bool,
    fail_if_locked: bool,
    allow: tuple[str, ...],
) -> int:
    """Tell LCV what was sold, then bring the shop up to date with LCV: what changed since the last run.

    Meant for cron: a good run prints nothing, a trouble is told once, then daily, then its end. Only one run works at a
    time; a second one leaves at once.

    \b
    Examples:
      lcvsync sync
      lcvsync sync --dry-run          what would be done
      lcvsync sync --json             what was done, for scripts
      lcvsync sync --allow zero       also what the guard of stocks to zero held
      */5 * * * * lcvsync sync        in a crontab
    """

    def work(run: Run) -> None:
        run.orders.run(dry_run=dry_run, allowed="orders" in allow)
        run.observe()
        run.sync(dry_run=dry_run, accept_mode=accept_mode, allow=allow)

    execution = Execution(application, "sync", as_json=as_json, dry_run=dry_run)
    report = execution.run(work, may_be_disabled=True)
    if report.outcome is Outcome.LOCKED and fail_if_locked:
        report.exit_code = ExitCode.LOCKED
    execution.say(once=not watched() and not dry_run)
    return report.exit_code
