"""What stands between a plan and its writing: the guards, and the plan as people see it."""

from __future__ import annotations

from collections.abc import Iterator

from lcvsync.planning.changes import GuardKind, Json, shown
from lcvsync.planning.guards import Guards, Held, left_of, verdict
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal

Kinds = frozenset[GuardKind]


def verdicts(journal: Journal, bindings: Bindings, guards: Guards) -> list[Held]:
    """The kinds of change that are too many in the plan."""
    of = {
        GuardKind.DEACTIVATE: lambda: bindings.count(on=True),
        GuardKind.PRICE_FALL: bindings.count,
        GuardKind.PROMOTION: bindings.count,
        GuardKind.ZERO: bindings.variants_in_stock,
    }
    found = []
    for kind, (count, products) in sorted(journal.guarded().items()):
        examples = [str(bindings.written(key).get("reference") or key) for key in products]
        if held := verdict(kind, count, of[kind](), examples, guards):
            found.append(held)
    return found


def shown_plan(journal: Journal, held: Kinds) -> Iterator[Json]:
    """The plan in the order of its writing, as `--json` and tables have it; what is held bears the guard's name."""
    for change in journal.all_changes():
        holders = [kind for kind in change.guards if kind in held]
        yield shown(change) | ({"held": holders[0].value} if holders else {})
        if holders:
            yield from map(shown, left_of([change], held))
