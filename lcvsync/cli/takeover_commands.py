"""`lcvsync takeover`: linking what an existing shop has to LCV's variants (manual, "Reprise d'un site existant")."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from lcvsync.bootstrap import SystemClock, shop_of, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.hand_prices import prices_option, settle_prices
from lcvsync.cli.map_walk import ask_terminal
from lcvsync.cli.output import clean, json_option, talk, write_json, write_table
from lcvsync.cli.sheets import excel_option, sheet_content, sheet_to_read, sheet_to_write, write_sheet
from lcvsync.cli.takeover_walk import TakeoverWalk
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.links import Proposal, Standing
from lcvsync.ports import Shop
from lcvsync.runner.linking import Link
from lcvsync.runner.takeover import Scan, Takeover
from lcvsync.runner.takeover_sheet import COLUMNS, TakeoverSheet
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import Store, no_run

_TOLD = (Standing.AMBIGUOUS, Standing.CONFLICT)
_MANY_IN_PART = 10


@click.group()
def takeover() -> None:
    """Link what an existing shop has to LCV's variants: scan, review, accept.

    \b
    Start in basic mode (sync.mode = "basic"), and run these in turn:
      lcvsync takeover scan                  what matches by EAN and reference; writes nothing in the shop
      lcvsync takeover review                decide what is not sure, at a terminal, or:
      lcvsync takeover export takeover.csv   ... in a spreadsheet, and back with `takeover import`
      lcvsync takeover accept                link what is sure
      lcvsync sync --dry-run                 what the first run would change
    """


@contextmanager
def _opened(application: Application) -> Iterator[tuple[Takeover, Store, Shop]]:
    settings = application.settings
    with store_of(settings) as store, shop_of(settings, SystemClock()) as shop:
        yield Takeover(shop, store, settings.lcv.web_store), store, shop


@takeover.command()
@json_option
@pass_application
def scan(application: Application, as_json: bool) -> None:
    """Propose what stands in the shop for LCV's variants: by EAN, then by reference. Writes nothing in the shop.

    LCV is taken as it was last read (`lcvsync pull-config`, `lcvsync sync`). What several records could be, and where
    EAN and reference say different things, is listed, not guessed. It also proposes `orders.min_id`.

    \b
    Examples:
      lcvsync takeover scan
      lcvsync takeover scan --json | jq .counts
    """
    with _opened(application) as (found, _, _shop):
        seen = found.scan(SystemClock().now())
    if as_json:
        write_json(
            {
                "products": seen.products,
                "places": len(seen.proposals),
                "counts": seen.counts,
                "in_part": seen.in_part,
                "min_id": seen.min_id,
                "rows": [_record(each) for each in seen.proposals],
            }
        )
        return
    write_table(("State", "Number"), [(standing, number) for standing, number in seen.counts.items() if number])
    told = [each for each in seen.proposals if each.standing in _TOLD]
    write_table(
        ("Product", "Name", "State", "Why", "Candidates"),
        [(each.place.code, each.place.name, each.standing.value, each.why, list(each.candidates)) for each in told],
    )
    _say_next(application, seen)


def _say_next(application: Application, seen: Scan) -> None:
    if seen.in_part:
        shown = ", ".join(map(str, seen.in_part[:_MANY_IN_PART])) + (" …" if len(seen.in_part) > _MANY_IN_PART else "")
        talk(application, f"linked in part, so that the base price stays: products {shown}")
    counts = seen.counts
    if sure := counts[Standing.PROPOSED.value]:
        talk(application, f"{sure} are sure: lcvsync takeover accept links them")
    if left := sum(counts[standing.value] for standing in _TOLD):
        talk(application, f"{left} are not: lcvsync takeover review, or lcvsync takeover export FILE.csv")
    if seen.min_id is None:
        talk(application, "orders can't be read with this key: orders.min_id isn't proposed")
    elif application.settings.orders.min_id is None:
        talk(application, f"to export the orders that come from now on: orders.min_id = {seen.min_id}")


def _record(each: Proposal) -> dict[str, Json]:
    place = each.place
    return {
        "product": place.product,
        "combination": place.combination,
        "name": place.name,
        "shop_reference": place.reference,
        "ean": place.ean,
        "state": each.standing.value,
        "sku": each.sku,
        "by": each.by,
        "candidates": list(each.candidates),
        "why": each.why,
    }


@takeover.command()
@click.option("--unlocked", is_flag=True, help="Leave their cards to lcvsync (complete mode overwrites them).")
@pass_application
def review(application: Application, unlocked: bool) -> None:
    """Walk through what the last scan proposed and what is not sure: accept, choose, ignore, skip.

    Every answer is done at once, and a walk can be left and taken up again. Linked products are locked.

    \b
    Examples:
      lcvsync takeover review
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("The walk needs a terminal; scripts use `takeover accept`, `takeover import`.")
    directory = application.settings.state.directory
    with _opened(application) as (found, _, _shop):

        def link(links: Sequence[Link]) -> None:
            with no_run(directory):
                found.linker.link(links, locked=not unlocked)

        TakeoverWalk(found, ask_terminal, lambda text: click.echo(text, err=True), link).run()


@takeover.command()
@click.option("--unlocked", is_flag=True, help="Leave their cards to lcvsync (complete mode overwrites them).")
@prices_option
@pass_application
def accept(application: Application, unlocked: bool, prices: str) -> ExitCode | None:
    """Link everything that the last scan was sure of; the products are locked.

    \b
    Examples:
      lcvsync takeover accept
      lcvsync takeover accept --prices adopt
    """
    with no_run(application.settings.state.directory), _opened(application) as (found, store, shop):
        done = found.accept(found.rows(), locked=not unlocked)
        products = {link.product for link in done.links}
        locked = "their cards follow LCV in complete mode" if unlocked else "their cards are locked"
        talk(application, f"{len(done.links)} variants linked, in {len(products)} products; {locked}")
        _settle(application, store, shop, products, prices)
    for link, error in done.refused.items():
        click.echo(clean(f"lcvsync: {link.sku} to {link.place}: {error}"), err=True)
    if done.refused:
        talk(application, "these products were left as a whole: lcvsync takeover scan looks again")
    return ExitCode.RECORDS_FAILED if done.refused else None


def _settle(application: Application, store: Store, shop: Shop, products: set[int], prices: str) -> None:
    bound = (Bindings(store).by_shop_id(product) for product in sorted(products))
    settle_prices(application, store, shop, [each for each in bound if each], prices)


@takeover.command("export")
@sheet_to_write
@excel_option
@pass_application
def export(application: Application, path: Path, excel: bool) -> None:
    """Write what the last scan saw to a sheet (- for stdout), one row a product or combination.

    Where nothing is sure the cell of the sku is empty; `takeover import` links what stands there.

    \b
    Examples:
      lcvsync takeover export takeover.csv
      lcvsync takeover export takeover.csv --excel
    """
    with _opened(application) as (found, store, _shop):
        lines = list(TakeoverSheet(found, store).lines())
    if write_sheet(path, COLUMNS, lines, excel=excel):
        talk(application, f"{len(lines)} rows are in {path}")


@takeover.command("import")
@sheet_to_read
@pass_application
def import_sheet(application: Application, path: Path) -> None:
    """Link what a sheet says (- for stdin): all of its lines, or none if one is wrong.

    Read are product, combination, sku (or an EAN of LCV), lock (yes unless it says no) and state: `ignored` means
    that it is never linked. A line without a sku leaves its product alone, and so does no line.

    \b
    Examples:
      lcvsync takeover import takeover.csv
    """
    content = sheet_content(path)
    with no_run(application.settings.state.directory), _opened(application) as (found, store, shop):
        before = {product for _, product in Bindings(store).product_keys()}
        try:
            done = TakeoverSheet(found, store).carry_out(content)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}", problems=error.problems, cure=error.cure) from None
        talk(application, f"{done.linked} variants linked, {done.ignored} ignored, {done.locks} locks changed")
        fresh = {product for _, product in Bindings(store).product_keys()} - before
        _settle(application, store, shop, fresh, "keep")
