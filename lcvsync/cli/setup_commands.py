"""`lcvsync adopt` and `pull-config`: whose state this is, and what there is to map."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from lcvsync.bootstrap import SystemClock, belonging, run_session, shop_of, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.output import clean, json_option, reporter, talk, write_json, write_table
from lcvsync.config import Settings
from lcvsync.domain.catalogue import Feed
from lcvsync.domain.mapping import MappingKind
from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.planning.changes import Json
from lcvsync.runner.adoption import ADOPTED, identity_of
from lcvsync.runner.adoption import adopt as record_adoption
from lcvsync.runner.mapping_service import STOPPING, MappingService
from lcvsync.runner.report import Outcome
from lcvsync.runner.rights import check_order_rights
from lcvsync.runner.targets import Targets
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, no_run


def asks() -> bool:
    """Whether a person is there to be asked: both streams of a question are a terminal's."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def refuse_disabled(settings: Settings, command: str, *, allowed: bool = False, cure: str = "") -> None:
    if not settings.sync.enabled and not allowed:
        raise ConfigurationError(
            f"{command}: the synchronisation is switched off (sync.enabled = false)",
            cure=f"set sync.enabled = true, or leave it out{cure}",
        )


@click.command()
@click.option("--yes", is_flag=True, help="Don't ask; for scripts.")
@pass_application
def adopt(application: Application, yes: bool) -> None:
    """Record that this state belongs to the configured shop: from now on its orders and customers go to LCV.

    A new state, a copy of one (staging, a restored backup) and a restored shop export nothing until then. Only one
    program may export the orders of a shop: the module that lcvsync replaces has to be off.

    \b
    Examples:
      lcvsync adopt
      lcvsync adopt --yes
    """
    settings, clock = application.settings, SystemClock()
    with shop_of(settings, clock) as shop, no_run(settings.state.directory), store_of(settings) as store:
        identity = identity_of(shop, belonging(settings), clock.now())
        before = store.get(ADOPTED)
        if before:
            talk(application, f"so far this state belongs to {before['name']} ({before['url']}), since {before['at']}")
        if not yes:
            _ask_whose(identity)
        orders = settings.orders
        check_order_rights(shop.identity(), customers=orders.export_customers, states=orders.mark_states)
        recorded = record_adoption(shop, store, identity)
    write_table(("fact", "value"), list(recorded.items()))
    if settings.orders.min_id is None:
        talk(application, f"next: set orders.min_id, to export orders from {recorded['start_id']} on say")


def _ask_whose(identity: Mapping[str, Json]) -> None:
    if not asks():
        raise click.UsageError("Missing --yes: there is no terminal to ask at.")
    shown = f"{clean(identity['name'])}, PrestaShop {clean(identity['version'])}, {identity['url']}"
    questions = (
        f"Does this state belong to {shown}?",
        "Does no other program export its orders to LCV? The old module must be off, and no copy of this state in use.",
    )
    for question in questions:
        if not click.confirm(question, default=False, err=True):
            raise click.Abort


@click.command("pull-config")
@json_option
@pass_application
def pull_config(application: Application, as_json: bool) -> int:
    """Read LCV's tables and what articles use of them, and give each code a mapping row.

    Rows that exist keep what was set. Nothing is written to the shop.

    \b
    Examples:
      lcvsync pull-config
      lcvsync pull-config --json
    """
    settings, clock = application.settings, SystemClock()
    refuse_disabled(settings, "pull-config")
    with reporter(application) as shown:
        report = run_session(
            settings, "pull-config", shown, lambda run: run.observe(), clock=clock, prepare=_tables_anew
        )
    if report.outcome is Outcome.LOCKED:
        raise Temporary("another run is under way", cure="try again when it is over")
    if report.cause is not None:
        raise report.cause
    with store_of(settings) as store:
        rows = _summary(MappingService(store, Targets(_no_shop, store, clock)))
    if as_json:
        write_json(rows)
    else:
        headings = ("kind", "rows", "set", "answered", "unset", "products waiting")
        write_table(headings, [list(row.values()) for row in rows])
    for failed in report.failed:
        talk(application, f"{failed.kind} {failed.key} can't be read: {failed.error}")
    if report.outcome is Outcome.BUDGET:
        talk(application, "not everything was read within sync.max_seconds: run it again")
    elif any(row["unset"] for row in rows):
        talk(application, "next: lcvsync map, or lcvsync map suggest")
    return report.exit_code


def _tables_anew(store: Store) -> None:
    with store.transaction():
        Mirror(store).restart(Feed.TABLES)


def _summary(service: MappingService) -> list[dict[str, Json]]:
    """A record for each kind that has rows; `answered` are those that a wildcard answers, or a colour that is known."""
    records: list[dict[str, Json]] = []
    for kind in MappingKind:
        rows = service.listed(kind)
        own = sum(1 for listed in rows if listed.row.rule)
        unset = [listed for listed in rows if listed.answered_by is None]
        waiting = sum(listed.row.articles for listed in unset) if kind in STOPPING else None
        if rows:
            answered = len(rows) - own - len(unset)
            records.append(
                {"kind": kind.value, "rows": len(rows), "set": own, "answered": answered, "unset": len(unset)}
                | {"products_waiting": waiting}
            )
    return records


def _no_shop() -> Json:
    raise AssertionError("a summary needs nothing of the shop")
