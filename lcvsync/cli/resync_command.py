"""`lcvsync resync`: doing again what was done."""

from __future__ import annotations

import difflib

import click

from lcvsync.bootstrap import store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.execution import Execution, allow_option, dry_run_option
from lcvsync.cli.output import json_option, talk, write_json
from lcvsync.cli.run_output import amount
from lcvsync.domain.catalogue import Feed
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Failed
from lcvsync.planning.guards import CATALOGUE
from lcvsync.runner.observe import ETAG
from lcvsync.runner.planner import COMPARE, Selection
from lcvsync.runner.run import Run
from lcvsync.runner.work import RECREATE
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, no_run

CLOSE = 3
"""How many similar references a message names."""


@click.command()
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@click.option("--now", is_flag=True, help="Run at once instead of leaving it to the next run.")
@click.option("--recreate", is_flag=True, help="Make again the products that were deleted in the shop.")
@click.option("--recut", is_flag=True, help="Make the combinations of these products anew, after a change of mapping.")
@allow_option(*CATALOGUE)
@dry_run_option
@json_option
@pass_application
def resync(
    application: Application,
    references: tuple[str, ...],
    now: bool,
    recreate: bool,
    recut: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Do everything again, or the cards of some products.

    Without REFERENCE the next run reads all of LCV anew and compares every product with the shop. With REFERENCE the
    cards of these products are written now, without their stock and promotions; one that was deleted in the shop is
    made again.

    \b
    Examples:
      lcvsync resync                        at the next run
      lcvsync resync --now --recreate       now, and what was deleted in the shop too
      lcvsync resync PU-00012 RO-00031      two cards
      lcvsync resync PU-00012 --recut       after a change of its size grid or attributes
      lcvsync resync --dry-run              what it would change
    """
    if recut and not references:
        raise click.UsageError("--recut takes references: name the products that may be cut anew")
    if allow and not (references or now or dry_run):
        raise click.UsageError("--allow takes --now: the next run has its own")
    execution = Execution(application, "resync", as_json=as_json, dry_run=dry_run)
    if references:
        report = execution.run(lambda run: _resync_cards(run, references, recut, allow, execution), now=True)
    elif now or dry_run:
        report = execution.run(
            lambda run: _resync_all(run, dry_run, allow),
            prepare=lambda store: mark_everything(store, recreate),
            now=True,
        )
    else:
        return _leave_to_next_run(application, recreate, as_json)
    execution.say(once=False)
    return report.exit_code


def mark_everything(store: Store, recreate: bool = False) -> int:
    """Let the next run read every feed from 0 and compare every product with the shop; the number of articles.

    *recreate*: it makes again the products that the shop deleted, too.
    """
    mirror = Mirror(store)
    with store.transaction():
        for feed in Feed:
            if feed is not Feed.TABLES:
                mirror.restart(feed)
        mirror.mark_all()
        store.put(ETAG, None)  # else LCV may answer that nothing changed, and no feed is read
        store.put(COMPARE, True)
        if recreate:
            store.put(RECREATE, [row[0] for row in store.rows("SELECT DISTINCT article FROM product WHERE gone")])
        return int(store.rows("SELECT COUNT(*) FROM article WHERE NOT deleted").fetchone()[0])


def _leave_to_next_run(application: Application, recreate: bool, as_json: bool) -> int:
    settings = application.settings
    with no_run(settings.state.directory), store_of(settings) as store:
        articles = mark_everything(store, recreate)
    if as_json:
        write_json({"marked": articles})
    else:
        talk(application, f"the next run does everything again: {amount(articles, 'article')}")
    return ExitCode.DONE


def _resync_all(run: Run, dry_run: bool, allow: tuple[str, ...]) -> None:
    run.observe()
    run.sync(dry_run=dry_run, allow=allow)


def _resync_cards(
    run: Run, references: tuple[str, ...], recut: bool, allow: tuple[str, ...], execution: Execution
) -> None:
    """The cards of some products; those that are locked are named, and the others done."""
    run.observe()
    articles = _find(run, references)
    products = {article: run.bindings.products_of(article) for article in articles}
    for article, bound in products.items():
        if any(product.locked and not product.gone for product in bound):
            cure = f"lcvsync product unlock '{articles[article]}'"
            execution.report.failed.append(Failed("product", articles[article], f"its card is locked: {cure}"))
    wanted = tuple(article for article, bound in products.items() if not bound or not all(p.locked for p in bound))
    if wanted:
        selection = Selection(wanted, recut=recut, recreate=True)
        run.sync(dry_run=execution.dry_run, selection=selection, allow=allow)


def _find(run: Run, references: tuple[str, ...]) -> dict[str, str]:
    """Article id → its reference as LCV writes it. Raises ConfigurationError naming what LCV doesn't know."""
    found: dict[str, str] = {}
    unknown = []
    for reference in references:
        articles = run.mirror.articles_by_reference(reference)
        found |= dict.fromkeys(articles, reference)
        if not articles:
            unknown.append(reference)
    if not unknown:
        return found
    known = {fold(article.reference): (article.id, article.reference) for article in run.mirror.all_articles()}
    problems: dict[str, str] = {}
    for reference in unknown:
        if fold(reference) in known:
            found |= [known[fold(reference)]]
        else:
            near = difflib.get_close_matches(fold(reference), known, n=CLOSE, cutoff=0.6)
            hint = f"; did you mean {' or '.join(known[key][1] for key in near)}?" if near else ""
            problems[reference] = f"{reference}{hint}"
    if problems:
        names = ", ".join(problems)
        hints = tuple(text for name, text in problems.items() if text != name)
        cure = "lcvsync product list shows what is in the shop; lcvsync pull-config reads what is new in LCV"
        raise ConfigurationError(f"LCV has no article of reference {names}", problems=hints, cure=cure)
    return found
