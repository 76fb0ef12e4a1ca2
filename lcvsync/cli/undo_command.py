"""`lcvsync undo`: what a run wrote to cards, prices and promotions, put back."""

from __future__ import annotations

import click

from lcvsync.bootstrap import SystemClock
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import RUN
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.execution import Execution, dry_run_option
from lcvsync.cli.output import json_option, talk
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import amount, changed
from lcvsync.cli.setup_commands import asks
from lcvsync.errors import ConfigurationError
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.report import Outcome
from lcvsync.runner.run import Run
from lcvsync.runner.undo_reading import Undoing, undoing
from lcvsync.state.journal import Journal


@click.command()
@click.argument("number", type=RUN, metavar="RUN")
@click.option("--yes", is_flag=True, help="Don't ask; for scripts.")
@dry_run_option
@json_option
@pass_application
def undo(application: Application, number: int, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Put cards, prices and promotions that a run wrote back to what they were.

    Shows what goes back, and asks. What was changed again since is left, and named (exit code 3). Cards that go back
    are locked; prices and promotions stay until LCV says something new of the product's, or until resync. Stock,
    orders, photos and what the run made are not undone. It is a run itself, which can be undone.

    \b
    Examples:
      lcvsync runs                     which run it was
      lcvsync undo 1234 --dry-run      what would go back
      lcvsync undo 1234
      lcvsync undo 1234 --yes --json   for scripts
    """
    wanted = _wanted(application, number)
    if dry_run or yes:
        return _execute(application, wanted, as_json=as_json, dry_run=dry_run).report.exit_code
    if as_json or not asks():
        raise click.UsageError("Missing --yes: there is nobody to ask.")
    shown = _execute(application, wanted, as_json=False, dry_run=True).report
    if shown.outcome not in (Outcome.OK, Outcome.FAILURES) or not shown.plan:
        return shown.exit_code
    if not click.confirm(f"Put back {amount(len(shown.plan), 'record')}?", default=False, err=True):
        talk(application, "nothing was changed")
        return ExitCode.DONE
    return _execute(application, wanted, as_json=False, dry_run=False).report.exit_code


def _wanted(application: Application, number: int) -> Undoing:
    """What is to be undone. Raises ConfigurationError: no such run, or the audit doesn't go back so far."""
    log = AuditLog(application.settings.state.directory, SystemClock())
    with reading(application) as store:
        record = Journal(store).run(number)
    if record is None:
        raise ConfigurationError(f"there is no run {number}", cure="lcvsync runs")
    return undoing(log, record)


def _execute(application: Application, wanted: Undoing, *, as_json: bool, dry_run: bool) -> Execution:
    execution = Execution(application, "undo", as_json=as_json, dry_run=dry_run)

    def work(run: Run) -> None:
        plan = run.undo(wanted, dry_run=dry_run)
        notes = execution.report.notes
        if left := changed(plan.left):
            notes.append(f"not undone: {left}")
        if not plan.changes and not plan.refused:
            notes.append(f"nothing to put back: what run {wanted.run} wrote is back already, or is not undone")

    execution.run(work, now=True)
    execution.say(once=False)
    return execution
