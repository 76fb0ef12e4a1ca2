"""`lcvsync adopt` and `pull-config`: whose state this is, and what there is to map."""

from __future__ import annotations

import hashlib
import sys

import click

from lcvsync.bootstrap import SystemClock, run_session, shop_of, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.output import clean, json_option, reporter, talk, write_json, write_table
from lcvsync.config import Settings
from lcvsync.domain.catalogue import Feed
from lcvsync.domain.mapping import MappingKind
from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.planning.changes import Json
from lcvsync.runner.mapping_service import STOPPING, MappingService
from lcvsync.runner.report import Outcome
from lcvsync.runner.targets import Targets
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

ADOPTED = "adopted"
"""Which shop the state belongs to: what `adopt` recorded."""


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
    """Record that this state belongs to the configured shop.

    A copy of a state (staging, a restored backup) belongs to another shop until it is adopted.

    \b
    lcvsync adopt
    lcvsync adopt --yes
    """
    settings, clock = application.settings, SystemClock()
    with shop_of(settings, clock) as shop:
        who, shops = shop.identity(), shop.settings().shops
    identity: dict[str, Json] = {
        "url": settings.prestashop.url,
        "shop_id": _shop_id(settings, shops),
        "key_sha256": _key_digest(settings),
        "name": who.name,
        "version": who.version,
        "at": clock.now().isoformat(timespec="seconds"),
    }
    with store_of(settings) as store:
        before = store.get(ADOPTED)
    if before:
        talk(application, f"so far this state belongs to {before['name']} ({before['url']}), since {before['at']}")
    if not yes:
        if not asks():
            raise click.UsageError("Missing --yes: there is no terminal to ask at.")
        shown = f"{clean(who.name)}, PrestaShop {clean(who.version)}, {settings.prestashop.url}"
        if not click.confirm(f"Does this state belong to {shown}?", default=False, err=True):
            raise click.Abort
    with store_of(settings) as store:
        store.put(ADOPTED, identity)
    write_table(("fact", "value"), list(identity.items()))


def is_adopted(store: Store, settings: Settings) -> bool:
    """Whether the state belongs to the configured shop: the same address, shop and key as when it was adopted."""
    kept = store.get(ADOPTED) or {}
    wanted = settings.prestashop.shop_id
    return bool(
        kept
        and kept.get("url") == settings.prestashop.url
        and kept.get("key_sha256") == _key_digest(settings)
        and wanted in (None, kept.get("shop_id"))
    )


def _shop_id(settings: Settings, active: tuple[int, ...]) -> int:
    wanted = settings.prestashop.shop_id
    if wanted is None and len(active) == 1:
        return active[0]
    if wanted is None or wanted not in active:
        known = ", ".join(map(str, active)) or "none"
        what = "is needed, since several shops are active" if wanted is None else f"is {wanted}, which is not active"
        raise ConfigurationError(f"prestashop.shop_id: {what}; active are: {known}")
    return wanted


def _key_digest(settings: Settings) -> str:
    return hashlib.sha256(settings.prestashop.key.get_secret_value().encode()).hexdigest()


@click.command("pull-config")
@json_option
@pass_application
def pull_config(application: Application, as_json: bool) -> int:
    """Read LCV's tables and what articles use of them, and give each code a mapping row.

    Rows that exist keep what was set. Nothing is written to the shop.

    \b
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
