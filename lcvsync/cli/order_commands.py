"""`lcvsync export-orders`, `export-order`, `export-customers` and `orders`: sales, refunds and customers to LCV."""

from __future__ import annotations

import click

from lcvsync.bootstrap import SystemClock, belonging, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import ORDER
from lcvsync.cli.execution import Execution, allow_option, dry_run_option
from lcvsync.cli.output import json_option, talk, write_json, write_records
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import amount
from lcvsync.planning.changes import GuardKind
from lcvsync.runner.adoption import start_id
from lcvsync.runner.orders.plan import Asked
from lcvsync.runner.orders.standing import Standings
from lcvsync.runner.run import Run
from lcvsync.state.orders import OrderBook
from lcvsync.state.store import no_run

COLUMNS = {
    "order": "Order",
    "reference": "Reference",
    "total": "Total",
    "status": "Standing",
    "reason": "Reason",
    "detail": "Detail",
    "pending": "Pending",
    "cure": "Cure",
}
disabled_option = click.option("--even-if-disabled", is_flag=True, help="Also with sync.enabled = false.")


@click.command("export-orders")
@dry_run_option
@json_option
@allow_option(GuardKind.ORDERS)
@pass_application
def export_orders(application: Application, dry_run: bool, as_json: bool, allow: tuple[str, ...]) -> int:
    """Tell LCV of orders, refunds, cancellations and customers now: the first part of `sync`, alone.

    \b
    Examples:
      lcvsync export-orders
      lcvsync export-orders --dry-run
      lcvsync export-orders --allow orders    also those of many old orders, which the guard held
    """

    def work(run: Run) -> None:
        run.orders.run(dry_run=dry_run, allowed="orders" in allow)

    execution = Execution(application, "export-orders", as_json=as_json, dry_run=dry_run)
    report = execution.run(work, now=True)
    execution.say(once=False)
    return report.exit_code


@click.command("export-order")
@click.argument("order", type=ORDER, metavar="ID")
@click.option(
    "--again", is_flag=True, help="Reverse what LCV holds of it and send it anew; what LCV lost is sent again."
)
@click.option("--changes", is_flag=True, help="Tell its refunds, edits and cancellation, whatever its age.")
@disabled_option
@json_option
@pass_application
def export_order(
    application: Application, order: int, again: bool, changes: bool, even_if_disabled: bool, as_json: bool
) -> int:
    """Export one order now, whatever orders.min_id and its age say.

    An order whose payments aren't its total is sent with the difference as a payment. One that isn't paid, or that was
    cancelled, is refused. An order that LCV has is not sent again, unless with --again.

    \b
    Examples:
      lcvsync export-order 1234
      lcvsync export-order 1234 --changes    a refund of an old order
      lcvsync export-order 1234 --again      LCV has lost it, or has it wrong
    """
    if again and changes:
        raise click.UsageError("--again and --changes exclude each other: --again tells everything anew.")
    asked = Asked(now=True, again=again, changes=changes)
    execution = Execution(application, "export-order", as_json=as_json, dry_run=False)
    report = execution.run(
        lambda run: run.orders.export_order(order, asked), even_if_disabled=even_if_disabled, now=True
    )
    execution.say(once=False)
    return report.exit_code


@click.command("export-customers")
@click.option("--all", "everybody", is_flag=True, required=True, help="Everybody who ever bought.")
@json_option
@pass_application
def export_customers(application: Application, everybody: bool, as_json: bool) -> int:
    """Tell LCV of the customers of the past: everybody with a valid order, and the members of “Clients LCV”.

    Runs of `sync` tell it of those who buy from the adoption on.

    \b
    Example:
      lcvsync export-customers --all
    """
    execution = Execution(application, "export-customers", as_json=as_json, dry_run=False)
    report = execution.run(lambda run: run.orders.export_customers(), now=True)
    execution.say(once=False)
    return report.exit_code


@click.group()
def orders() -> None:
    """Orders and LCV: what waits, what failed, why, and what cures it; settle what was typed in by hand."""


@orders.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those of which nothing is to be said.")
@json_option
@pass_application
def list_orders(application: Application, everything: bool, as_json: bool) -> None:
    """List the orders that wait or failed, with the reason and its cure.

    \b
    Examples:
      lcvsync orders list
      lcvsync orders list --all
      lcvsync orders list --json | jq '.[] | select(.status == "error")'
    """
    with reading(application) as store:
        start = start_id(store, belonging(application.settings))
        records = Standings(store, start).all(everything=everything)
    write_records(records, COLUMNS, as_json=as_json)
    if start is None:
        talk(application, "this state was not adopted: no order is read or exported; lcvsync adopt")
    elif not records and not as_json:
        talk(application, "no order waits")


@orders.command()
@click.argument("numbers", nargs=-1, required=True, type=ORDER, metavar="ID...")
@json_option
@pass_application
def settle(application: Application, numbers: tuple[int, ...], as_json: bool) -> None:
    """Say that LCV knows these orders by other ways: they are not exported, their units not taken off the stock.

    \b
    Example:
      lcvsync orders settle 1234 1235
    """
    _answer_for(application, numbers, as_json, settled=True)


@orders.command()
@click.argument("numbers", nargs=-1, required=True, type=ORDER, metavar="ID...")
@json_option
@pass_application
def unsettle(application: Application, numbers: tuple[int, ...], as_json: bool) -> None:
    """Take `settle` back: the next run looks at these orders again.

    \b
    Example:
      lcvsync orders unsettle 1234
    """
    _answer_for(application, numbers, as_json, settled=False)


def _answer_for(application: Application, numbers: tuple[int, ...], as_json: bool, *, settled: bool) -> None:
    settings, now = application.settings, SystemClock().now()
    with no_run(settings.state.directory), store_of(settings) as store:
        standings, book = Standings(store, start_id(store, belonging(settings))), OrderBook(store)
        unknown = [number for number in numbers if book.row(number) is None]
        for number in numbers:
            (standings.settle if settled else standings.unsettle)(number, now)
    word = "settled" if settled else "unsettled"
    if as_json:
        write_json({word: list(numbers)})
    else:
        talk(application, f"{amount(len(numbers), 'order')} {word}; the next run reckons the stock anew")
    for number in unknown:
        talk(application, f"no run has seen an order {number} yet; if that is a slip: lcvsync orders unsettle {number}")
