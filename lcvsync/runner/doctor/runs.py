"""Whether runs come, end and succeed. Facts → findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from lcvsync.runner.doctor.facts import Options, Runs, RunSeen
from lcvsync.runner.doctor.findings import Finding, ok, unknown, warning

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
IN_A_ROW = 3
"""How many runs of one kind in a row are a habit."""
SLACK = timedelta(minutes=5)
"""Beyond the time budget: the batch in hand, and what was sold while it was written."""
CRON = "*/5 * * * * lcvsync sync   (crontab -e, as the user who owns the state)"


def examine(runs: Runs | None, options: Options, now: datetime) -> Iterator[Finding]:
    """Everything about runs."""
    if runs is None:
        for check in ("runs.cron", "runs.success", "runs.budget", "runs.lock"):
            yield unknown(check, "the state can't be read")
        return
    syncs = [run for run in runs.newest if run.command == "sync"]
    yield _cron(syncs, options, now)
    yield _success([run for run in syncs if run.outcome != "running"], runs.success, now)
    yield _budget([run for run in syncs if run.outcome != "running"], options)
    yield _lock(runs, options, now)


def _cron(syncs: Sequence[RunSeen], options: Options, now: datetime) -> Finding:
    if not options.enabled:
        return ok("runs.cron", "none is expected: sync.enabled = false")
    if not syncs:
        meaning = "nothing is carried over by itself"
        return warning("runs.cron", "there was no run yet", meaning, f"once `lcvsync sync` went through: {CRON}")
    age = now - syncs[0].started_at
    if age > HOUR:
        hours = age / HOUR
        return warning(
            "runs.cron",
            f"no run for {hours:.0f} hours" if hours < 48 else f"no run for {age.days} days",
            "the shop sells by old stock and old prices",
            f"see whether cron runs (journalctl -u cron, its mail) and has the line: {CRON}",
        )
    return ok("runs.cron", f"run {syncs[0].id}, {int(age.total_seconds() // 60)} minutes ago")


def _success(syncs: Sequence[RunSeen], success: RunSeen | None, now: datetime) -> Finding:
    if not syncs:
        return unknown("runs.success", "there was no run yet")
    last = syncs[0]
    if success is not None and now - success.started_at <= DAY:
        return ok("runs.success", f"run {success.id}, {success.started_at.astimezone():%Y-%m-%d %H:%M}")
    since = f"none since {success.started_at.astimezone():%Y-%m-%d %H:%M} (run {success.id})" if success else "none yet"
    why = f"; the last one, run {last.id}, ended with: {last.error or last.outcome}"
    return warning(
        "runs.success",
        since + why,
        "something is left undone every time",
        f"lcvsync status, lcvsync runs show {last.id}",
    )


def _budget(syncs: Sequence[RunSeen], options: Options) -> Finding:
    ended = [run.outcome == "budget" for run in syncs[:IN_A_ROW]]
    if len(ended) == IN_A_ROW and all(ended):
        return warning(
            "runs.budget",
            f"the last {IN_A_ROW} runs were ended by sync.max_seconds = {options.max_seconds}",
            "they never get to their end: what comes last (new products, increases of stock) waits",
            "let the first synchronisation go on in several runs; if it stays, raise sync.max_seconds",
        )
    return ok("runs.budget", f"within {options.max_seconds} s" if ended else "no run yet")


def _lock(runs: Runs, options: Options, now: datetime) -> Finding:
    last = runs.newest[0] if runs.newest else None
    if not runs.locked:
        if last is not None and last.outcome in {"running", "crashed"}:
            return warning(
                "runs.lock",
                f"run {last.id} ended without a word",
                "it was killed, or the machine went down; what was accepted is kept, the next run goes on",
                "if it happens again: dmesg (out of memory?), and the error report in the state directory",
            )
        return ok("runs.lock", "free")
    if last is None or now - last.started_at <= timedelta(seconds=options.max_seconds) + SLACK:
        return ok("runs.lock", "a run is under way")
    minutes = int((now - last.started_at).total_seconds() // 60)
    return warning(
        "runs.lock",
        f"held for {minutes} minutes, by run {last.id} ({last.command})",
        "no other run can begin",
        "find it (`fuser run.lock` in the state directory); kill it with SIGTERM: what is done is kept",
    )
