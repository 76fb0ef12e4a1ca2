"""`lcvsync map`: what stands in the shop for LCV's codes (manual, "Mappages"). Alone, it is a walk (`map_walk`).

Data goes to stdout, what was done to stderr. The shop is only read, and only what a command needs of it.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import click

from lcvsync.bootstrap import SystemClock, shop_of, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.map_output import Names, answer, cells, count, proposed, show_proposals, shown, tell, warn
from lcvsync.cli.map_walk import Walk, ask_terminal
from lcvsync.cli.output import clean, json_option, talk, write_json, write_table
from lcvsync.cli.sheets import excel_option, sheet_content, sheet_to_read, sheet_to_write, write_sheet
from lcvsync.domain.mapping import IGNORE, MappingKind, Rule
from lcvsync.errors import ConfigurationError
from lcvsync.runner.mapping_service import (
    COLUMNS,
    MappingService,
    Setting,
    read_sheet,
    weight_of,
)
from lcvsync.runner.targets import Targets, unrivalled

READ_THEM = "lcvsync pull-config reads them from LCV"


def _kind(_context: click.Context, _parameter: click.Parameter, text: str | None) -> MappingKind | None:
    try:
        return MappingKind(text.strip().lower()) if text is not None else None
    except ValueError:
        near = difflib.get_close_matches(str(text), list(MappingKind), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise click.BadParameter(f"{text!r} is none of {', '.join(MappingKind)}.{hint}") from None


def _weight(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Decimal | None:
    try:
        return weight_of(text or "")
    except ConfigurationError as error:
        raise click.BadParameter(f"{error}: {error.cure}") from None


kind_argument = click.argument("kind", callback=_kind)
kind_if_any = click.argument("kind", callback=_kind, required=False)
minimum_option = click.option(
    "--minimum", type=click.FloatRange(0, 100), default=85.0, show_default=True, help="The least score, in percent."
)


@contextmanager
def service_of(application: Application) -> Iterator[MappingService]:
    """The rules of the configured shop; the shop is only contacted if its objects are asked for."""
    settings = application.settings
    clock = SystemClock()
    with ExitStack() as stack:
        store = stack.enter_context(store_of(settings))
        targets = Targets(
            lambda: stack.enter_context(shop_of(settings, clock)), store, clock, settings.prestashop.languages
        )
        yield MappingService(store, targets, colours_wanted=bool(settings.catalogue.colour_group))


@click.group("map", invoke_without_command=True)
@click.pass_context
def map_group(context: click.Context) -> None:
    """Say what stands in the shop for LCV's codes; alone: walk through what is unset.

    KIND is one of size-grid, brand, rfs, category, attribute, feature, colour, promotion, payment, store, vat, and
    product: a product of the shop, which `lcvsync takeover` links, or `map ignore product ID` never. A code that has
    no rule of its own follows the kind's wildcard `*`. What is set is for the next run. For scripts: `map set`,
    `map suggest --accept`, `map import`.

    \b
    Examples:
      lcvsync map                                  walk through what is unset
      lcvsync map list --unset                     what still has no answer
      lcvsync map suggest --accept                 set what is sure
      lcvsync map set brand '*' create             make the brands that the shop lacks
    """
    if context.invoked_subcommand:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("The walk needs a terminal; scripts use `map list`, `map set`, `map import`.", context)
    application = context.ensure_object(Application)
    with service_of(application) as service:
        Walk(service, ask_terminal, lambda text: click.echo(text, err=True)).run()


@map_group.command("list")
@kind_if_any
@click.option("--unset", is_flag=True, help="Only what neither a rule nor a wildcard answers.")
@json_option
@pass_application
def list_rows(application: Application, kind: MappingKind | None, unset: bool, as_json: bool) -> None:
    """Show the rows: code, label, how many products use it, and its targets.

    In brackets: what answers for a code without a rule of its own, a wildcard or the colours that lcvsync knows.

    \b
    Examples:
      lcvsync map list
      lcvsync map list rfs --unset
      lcvsync map list brand --json
    """
    with service_of(application) as service:
        rows = service.unmapped(kind) if unset else service.listed(kind)
        names = Names(application, service)
        records = [shown(listed, names) for listed in rows]
    if as_json:
        write_json(records)
        return
    headings = ("kind", "code", "label", "products", "targets", "weight")
    write_table(headings, [[*(row[name] for name in headings[:4]), answer(row), row["weight"]] for row in records])
    if not records and not unset:
        payment = kind is MappingKind.PAYMENT
        where = "lcvsync export-orders reads them in orders" if payment else READ_THEM
        talk(application, f"there are no rows yet: {where}")


@map_group.command("set")
@kind_argument
@click.argument("code")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--weight", callback=_weight, metavar="KG", help="Default weight in kilograms (rfs, category).")
@pass_application
def set_rule(
    application: Application, kind: MappingKind, code: str, targets: Sequence[str], weight: Decimal | None
) -> None:
    """Set what stands for CODE: an id or exact name of the shop, or `ignore`.

    A category may be given by its path, a brand as `create`, a VAT rate's group as '20%'; rfs, category and promotion
    take several. A colour's target is a generic colour, a payment method's is LCV's code. CODE `*` is for all codes
    without a rule; rfs also knows `F/*` and `F/10/*`. --weight stands only in the rule that it is given with.

    \b
    Examples:
      lcvsync map set brand M001 'Armor & Fils'
      lcvsync map set brand '*' create
      lcvsync map set rfs F/10/01 'Femme > Pulls' 'Nouveautés' --weight 0,4
      lcvsync map set rfs 'F/10/*' 12
      lcvsync map set vat 20 '20%'
      lcvsync map set colour moutarde jaune
      lcvsync map set payment ps_wirepayment VIR
    """
    with service_of(application) as service:
        old = service.row(kind, code).rule
        done = service.set(kind, code, targets, weight)
        tell(application, service, done)
        if done:
            warn(application, service, done, old)


@map_group.command("ignore")
@kind_argument
@click.argument("code")
@pass_application
def ignore(application: Application, kind: MappingKind, code: str) -> None:
    """Ignore CODE: its articles are skipped, or (category, attribute, feature, ...) this datum alone.

    \b
    Examples:
      lcvsync map ignore rfs L
      lcvsync map ignore attribute finition
      lcvsync map ignore product 345
    """
    with service_of(application) as service:
        tell(application, service, service.set(kind, code, [IGNORE]))


@map_group.command("clear")
@kind_argument
@click.argument("code")
@pass_application
def clear(application: Application, kind: MappingKind, code: str) -> None:
    """Unset CODE: the wildcard answers for it, or nothing.

    \b
    Examples:
      lcvsync map clear brand M001
      lcvsync map clear rfs 'F/*'
    """
    with service_of(application) as service:
        tell(application, service, service.clear(kind, code))


@map_group.command("suggest")
@kind_if_any
@click.option("--accept", is_flag=True, help="Set the best suggestion of each row, where no other is as good.")
@minimum_option
@json_option
@pass_application
def suggest(application: Application, kind: MappingKind | None, accept: bool, minimum: float, as_json: bool) -> None:
    """Propose targets for what is unset; with --accept, set those that are sure.

    Size grids are compared by their sizes, an RFS by its place in the tree of categories, VAT by its rate, the rest by
    name. A brand that no manufacturer resembles gets `create`. Colours and payment methods are never suggested.

    \b
    Examples:
      lcvsync map suggest
      lcvsync map suggest rfs --minimum 60
      lcvsync map suggest --accept
    """
    with service_of(application) as service:
        rows, empty = service.unmapped(kind), not service.listed()
        found = [(listed, service.suggestions.of(listed.row, minimum)) for listed in rows]
        sure = [(listed, unrivalled(choices)) for listed, choices in found] if accept else []
        settings = [Setting(one.row.kind, one.row.code, Rule((choice.target.id,))) for one, choice in sure if choice]
        accepted = {(each.kind, each.code) for each in service.apply(settings)}
    records = [
        proposed(listed, choices, accepted=(listed.row.kind, listed.row.code) in accepted) for listed, choices in found
    ]
    if as_json:
        write_json(records)
    else:
        show_proposals(records)
    if empty:
        talk(application, f"there are no rows yet: {READ_THEM}")
        return
    with_one = sum(1 for _, choices in found if choices)
    done = f"{len(accepted)} set, " if accept else ""
    talk(application, f"{done}{with_one - len(accepted)} to decide, {len(found) - with_one} without a suggestion"
         f" of {minimum:g} % or more: lcvsync map, or lcvsync map set")  # fmt: skip


@map_group.command("export")
@sheet_to_write
@click.option("--names", is_flag=True, help="Write names in place of ids, where a name is as sure.")
@excel_option
@pass_application
def export(application: Application, path: Path, names: bool, excel: bool) -> None:
    """Write every row to a sheet (- for stdout); `map import` takes it back.

    \b
    Examples:
      lcvsync map export mappings.csv
      lcvsync map export mappings.csv --names --excel
    """
    with service_of(application) as service:
        rows = service.listed()
        lines = [cells(service, listed, names=names) for listed in rows]
    if write_sheet(path, COLUMNS, lines, excel=excel):
        talk(application, f"{len(lines)} rows are in {path}")
    if not lines:
        talk(application, f"there are no rows yet: {READ_THEM}")


@map_group.command("import")
@sheet_to_read
@click.option("--partial", is_flag=True, help="Set the good lines though others are wrong.")
@pass_application
def import_sheet(application: Application, path: Path, partial: bool) -> ExitCode | None:
    """Set the rules of a sheet (- for stdin): all of its lines, or none if one is wrong.

    The columns are kind, code, label (not read), targets (ids or names, `;` between several, or `ignore`) and weight.
    A line without targets unsets its code; what the sheet doesn't name stays.

    \b
    Examples:
      lcvsync map import mappings.csv
      lcvsync map import mappings.csv --partial
    """
    content = sheet_content(path)
    with service_of(application) as service:
        settings, problems = service.settings_of(read_sheet(content))
        if problems and not partial:
            raise ConfigurationError(
                f"{path}: {count(len(problems), 'line')} can't be taken, nothing was set",
                problems=tuple(problems),
                cure="correct them, or set the others with --partial",
            )
        changed = service.apply(settings)
    for problem in problems:
        click.echo(f"lcvsync: {clean(problem)}", err=True)
    talk(application, f"{count(len(changed), 'rule')} changed, {len(settings) - len(changed)} as before,"
         f" {count(len(problems), 'line')} left out")  # fmt: skip
    return ExitCode.RECORDS_FAILED if problems else None
