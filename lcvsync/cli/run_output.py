"""How a run, and a plan, are told: JSON or a table on stdout, a summary and the troubles on stderr.

At a terminal everything is said. Otherwise, as under cron, a good run says nothing, and a trouble is told once, then
daily, then its end (`lcvsync.runner.troubles`).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

import click

from lcvsync.cli import Application
from lcvsync.cli.errors import failure, redact
from lcvsync.cli.output import clean, talk, write, write_json, write_long_json, write_table
from lcvsync.planning.changes import Json
from lcvsync.planning.fields import by_language, languages
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.spool import Spool
from lcvsync.runner.troubles import Decision, Trouble
from lcvsync.state.journal import RunRecord

PLAN_LINES = 1000
"""How many changes of a plan a table shows."""
LINES = 10
"""How many records a summary names."""
TYPED = " (typed in the shop)"
WIDTH = 60
"""How much of a value a table shows."""

RUN_HEADINGS = ("Run", "Command", "Started", "Outcome", "Exit", "Seconds", "Changes", "Skipped", "Failed", "Error")
AUDIT_HEADINGS = ("At", "Run", "What", "Record", "Product", "Change", "Reason", "Result")

_NOUNS = {
    "value": ("value", "values"),
    "product": ("product", "products"),
    "combination": ("size", "sizes"),
    "image": ("photo", "photos"),
    "stock": ("quantity", "quantities"),
    "price": ("price", "prices"),
    "promotion": ("promotion", "promotions"),
    "sale": ("sale", "sales"),
    "refund": ("refund", "refunds"),
    "reversal": ("reversal", "reversals"),
    "customer": ("customer", "customers"),
    "order_state": ("order state", "order states"),
    "availability": ("availability file", "availability files"),
}
_DONE = {"create": "new {}", "update": "{} updated", "delete": "{} removed", "deactivate": "{} deactivated"}


def amount(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `1,200 photos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def changed(changes: Mapping[str, Mapping[str, int]]) -> str:
    """What was changed, in words: `12 new products, 40 quantities`."""
    parts = []
    for kind, actions in changes.items():
        one, many = _NOUNS.get(kind, (kind, f"{kind}s"))
        back = actions.get("activate", 0) - actions.get("create", 0)  # a new one is activated as a matter of course
        counts = {**actions, "activate": max(0, back)}
        for action, number in counts.items():
            if number:
                words = _DONE.get(action, f"{{}} {action}d").format(one if number == 1 else many)
                parts.append(f"{number:,} {words}")
    return ", ".join(parts)


def summary(report: Report) -> str:
    """One line for people: what was done (or would be), in what time, at what cost, and what is left out."""
    what = changed(report.as_json()["changes"]) or "nothing to change"
    head = f"would change: {what}" if report.plan and report.dry_run else what
    requests = report.requests
    cost = f"{amount(requests['lcv'], 'request')} to LCV, {requests['prestashop']:,} to the shop"
    parts = [f"{head} in {report.seconds:.1f} s", cost]
    if skipped := len({(item.kind, item.key) for item in report.skipped}):
        parts.append(f"{amount(skipped, 'record')} skipped (lcvsync status)")
    if report.failed:
        parts.append(f"{len(report.failed):,} failed (lcvsync status)")
    return "; ".join(parts)


def write_report(report: Report, *, as_json: bool) -> None:
    """The data of a run on stdout: the object of `--json`, else the plan where it has one."""
    if as_json and report.plan is not None:
        write_long_json(report.as_json(), "plan", report.plan)
    elif as_json:
        write_json(report.as_json())
    elif report.plan is not None:
        _write_plan(report.plan)


def _write_plan(plan: Spool) -> None:
    """A plan as a table, as far as people read."""
    headings = ("Kind", "Action", "Record", "Change", "Reason")
    read = islice(plan, PLAN_LINES)
    write_table(headings, [[c["kind"], c["action"], c["key"], difference(c), _reason(c)] for c in read])
    if len(plan) > PLAN_LINES:
        click.echo(f"… and {len(plan) - PLAN_LINES:,} more: --json has all of them, and lcvsync plan -o FILE", err=True)


def _reason(change: Mapping[str, Json]) -> str:
    held = f"held ({change['held']})" if "held" in change else ""
    return "; ".join(filter(None, (held, change["reason"])))


def difference(change: Mapping[str, Json]) -> str:
    """What a change makes of a record: `quantity 3 → 5; name "Pull" → "Pull Adèle"`."""
    before, after = change.get("before") or {}, change.get("after") or {}
    if not after:
        return "; ".join(f"{name} {_shown(value)} → –" for name, value in before.items())
    edited = change.get("edited") or {}
    return "; ".join(
        f"{name} {_step(before.get(name), value, typed=name in edited)}"
        if name in before
        else f"{name} {_shown(value)}"
        for name, value in after.items()
        if before.get(name) != value and (value not in ("", [], None) or before.get(name) not in ("", [], None))
    )


def _step(before: Json, after: Json, *, typed: bool) -> str:
    """What becomes of a value: of texts, those of the languages that differ; *typed*: by a person, in the shop.

    `?`: what was there isn't known, as of a quantity since an order changed it: to know would cost a request.
    """
    if before is None:
        return f"? → {_shown(after)}"
    pairs = [(by_language(before, each), by_language(after, each)) for each in languages(before, after)]
    steps = dict.fromkeys(f"{_shown(old)}{TYPED * typed} → {_shown(new)}" for old, new in pairs if old != new)
    return ", ".join(steps)


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = clean(text)
    return text if 0 < len(text) <= WIDTH else f"{text[: WIDTH - 1]}…" if text else '""'


def moment(text: str) -> str:
    """A time of the state in the local time of whoever reads."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def watched() -> bool:
    """Whether a person sees stderr, rather than cron or a file."""
    return sys.stderr.isatty()


def tell_all(application: Application, report: Report) -> None:
    """Everything about a run, for a person: its summary, its failures, its notes, what stopped it."""
    if report.outcome is not Outcome.ERROR or report.changes:
        talk(application, summary(report), level=0 if watched() else 1)
    for note in (*report.notes, *report.hints):
        _tell(application, note)
    for held in report.held:
        _tell(application, f"{held['detail']}: held; {held['cure']}")
    lines = [f"{item.kind} {item.key}: {item.error}" for item in report.failed]
    _tell_some(application, lines, f"lcvsync runs show {report.run}")
    _tell_end(application, report)


def tell_news(application: Application, report: Report, decision: Decision) -> None:
    """What cron is to mail about a run."""
    talk(application, summary(report), level=1)
    for hint in report.hints:
        _tell(application, hint)
    records = [trouble for trouble in decision.new if trouble.standing]
    if records:
        _tell(application, f"run {report.run}: {amount(len(records), 'record')} failed")
    _tell_some(application, [trouble.text for trouble in records])
    for trouble in decision.new:
        if not trouble.standing:
            _tell_trouble(application, report, trouble)
    lasting = [f"still, since {_local(since)}: {trouble.text}" for trouble, since in decision.again]
    _tell_some(application, lasting)
    _tell_some(application, [f"trouble over: {told.text} (since {_local(told.since)})" for told in decision.over])
    if report.outcome is Outcome.INTERRUPTED:
        _tell_end(application, report)


def _tell_trouble(application: Application, report: Report, trouble: Trouble) -> None:
    """What stopped a run, with its cure; or a note."""
    if report.cause is not None and trouble.text == report.error:
        failure(report.cause, application)
    else:
        _tell(application, trouble.text)


def _tell_end(application: Application, report: Report) -> None:
    """Why a run ended before its work was done."""
    if report.cause is not None:
        failure(report.cause, application)
    elif report.outcome is Outcome.BUDGET:
        _tell(application, f"the time budget is used up (sync.max_seconds); {report.goes_on}")
    elif report.outcome is Outcome.INTERRUPTED:
        how = "terminated" if report.exit_code == 143 else "interrupted"
        _tell(application, f"{how}; what was done is kept, {report.goes_on}")


def _tell(application: Application, text: str, head: str = "lcvsync: ") -> None:
    click.echo(head + clean(redact(text, application.secrets)), err=True)


def _tell_some(application: Application, lines: Sequence[str], rest: str = "lcvsync status") -> None:
    for line in lines[:LINES]:
        _tell(application, line, "  ")
    if len(lines) > LINES:
        _tell(application, f"… and {len(lines) - LINES:,} more: {rest}", "  ")


def _local(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def reasons(items: Iterable[Mapping[str, Json]]) -> list[tuple[str, int, Mapping[str, Json]]]:
    """Skipped records by reason: how many, and the first as an example; the most frequent first."""
    items = list(items)
    counts = Counter(str(item["reason"]) for item in items)
    first: dict[str, Mapping[str, Json]] = {}
    for item in items:
        first.setdefault(str(item["reason"]), item)
    return [(reason, number, first[reason]) for reason, number in counts.most_common()]


def run_line(run: RunRecord) -> dict[str, Json]:
    """A run in short, for `runs` and `status`."""
    report = run.report or {}
    return {
        "run": run.id,
        "command": run.command,
        "started_at": run.started_at,
        "outcome": run.outcome,
        "exit_code": run.exit_code,
        "seconds": report.get("seconds"),
        "changes": report.get("changes", {}),
        "skipped": len(report.get("skipped", ())) + report.get("skipped_before", 0),
        "failed": len(report.get("failed", ())),
        "error": report.get("error", ""),
    }


def run_row(run: Mapping[str, Json]) -> tuple[Json, ...]:
    """The row of a run under `RUN_HEADINGS`."""
    facts = (run["run"], run["command"], moment(run["started_at"]), run["outcome"], run["exit_code"], run["seconds"])
    return (*facts, changed(run["changes"]), run["skipped"], run["failed"], run["error"])


def audit_row(entry: Mapping[str, Json], reference: Callable[[str], str]) -> tuple[Json, ...]:
    """The row of an entry under `AUDIT_HEADINGS`; *reference* gives what people call a product."""
    what = " ".join(filter(None, (entry.get("kind"), entry.get("action") or entry.get("event"))))
    change = difference(entry) or entry.get("detail", "")
    product = reference(entry["product"]) if entry.get("product") else ""
    at = moment(str(entry["at"]))
    return (at, entry.get("run"), what, entry.get("key"), product, change, entry.get("reason"), entry.get("result"))


def fact(name: str, value: str) -> None:
    """Print one line of facts."""
    write(f"{name:<15}{clean(value)}")


def described(run: Mapping[str, Json] | None) -> str:
    """A run in a few words."""
    if run is None:
        return "none yet"
    seconds = "" if run["seconds"] is None else f" in {run['seconds']:.1f} s"
    return f"{moment(run['started_at'])}, run {run['run']} ({run['command']}): {run['outcome']}{seconds}"


def write_skipped(skipped: Sequence[Mapping[str, Json]]) -> None:
    """What is skipped: by reason where it was counted, else one by one."""
    if skipped and "count" in skipped[0]:
        rows = [(s["reason"], s["count"], s["example"]["key"], s["example"]["detail"], s["cure"]) for s in skipped]
        section("Skipped", ("Reason", "Records", "Example", "Detail", "Cure"), rows)
    else:
        every = [(s["reason"], s["kind"], s["key"], s["detail"], s["cure"]) for s in skipped]
        section("Skipped", ("Reason", "Kind", "Record", "Detail", "Cure"), every)


def write_held(held: Sequence[Mapping[str, Json]]) -> None:
    """Kinds of change that a guard held."""
    section(
        "Held by a guard", ("Kind", "Detail", "Cure"), [(item["kind"], item["detail"], item["cure"]) for item in held]
    )


def section(title: str, headings: tuple[str, ...], rows: list[tuple[Json, ...]]) -> None:
    """A table under its title; nothing where it has no rows."""
    if rows:
        write(f"\n{title}")
        write_table(headings, rows)
