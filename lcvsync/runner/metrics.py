"""A run as Prometheus' textfile collector reads it (`notify.prometheus_file`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lcvsync.runner.report import Outcome, Report

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the state says beside the run; None: it can't be read, and the lines that need it are left out."""

    success: float | None = None
    """When the last good run ended, in seconds since 1970."""
    waiting: int | None = None
    pending: int | None = None


METRICS: dict[str, str] = {
    "last_run_timestamp_seconds": "When the last run ended.",
    "last_success_timestamp_seconds": "When the last run ended in which nothing went wrong.",
    "last_run_success": "1 when nothing went wrong in the last run.",
    "last_run_exit_code": "Exit code of the last run.",
    "last_run_duration_seconds": "How long the last run took.",
    "last_run_changes": "Changes of the last run, by kind and action.",
    "last_run_skipped": "Records that the last run left out, each with a reason.",
    "last_run_failed": "Records that were refused in the last run.",
    "last_run_held": "Kinds of change that a guard held back in the last run.",
    "last_run_requests": "Requests of the last run, by whom they went to.",
    "waiting_orders": "Orders that are not exported yet.",
    "pending_units": "Units sold that LCV does not count yet.",
}
"""Name, without its prefix → what it is."""


def metrics(report: Report, standing: Standing, shop: str, now: datetime) -> str:
    """The file: every metric with its explanation, the shop's address as a label of each."""
    lines = []
    samples = list(_samples(report, standing, now))
    for name, about in METRICS.items():
        found = [(labels, value) for sample, labels, value in samples if sample == name]
        if found:
            lines += [f"# HELP lcvsync_{name} {about}", f"# TYPE lcvsync_{name} gauge"]
            lines += [f"lcvsync_{name}{_shown({'shop': shop, **labels})} {value:.15g}" for labels, value in found]
    return "\n".join(lines) + "\n"


def _samples(report: Report, standing: Standing, now: datetime) -> Iterator[tuple[str, Labels, float]]:
    yield "last_run_timestamp_seconds", {}, now.timestamp()
    yield "last_run_success", {}, report.outcome is Outcome.OK
    yield "last_run_exit_code", {}, report.exit_code
    yield "last_run_duration_seconds", {}, round(report.seconds, 3)
    for kind, actions in report.changes.items():
        for action, number in actions.items():
            yield "last_run_changes", {"kind": str(kind), "action": str(action)}, number
    yield "last_run_skipped", {}, len({(item.kind, item.key) for item in report.skipped})
    yield "last_run_failed", {}, len(report.failed)
    yield "last_run_held", {}, len(report.held)
    for party, number in report.requests.items():
        yield "last_run_requests", {"to": party}, number
    for name, value in (
        ("last_success_timestamp_seconds", standing.success),
        ("waiting_orders", standing.waiting),
        ("pending_units", standing.pending),
    ):
        if value is not None:
            yield name, {}, value


def _shown(labels: Labels) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    """As the format wants label values (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
