"""Attribute values that no combination uses any more, removed weekly (manual, "Nettoyage automatique des attributs").

Only of the groups that size grids and attributes are mapped to, and only what two sweeps a week apart found unused.
Deleting a value deletes the combinations that use it: right before, what was added since is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from lcvsync.errors import BadAnswer
from lcvsync.planning.cards import OPTION
from lcvsync.planning.changes import Action, Change, Kind, Lane
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.report import Report
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import Store

WEEK = timedelta(days=7)
SWEEP = "cleaning.sweep"
_LINKS = ["product_option_values[id]"]


def sweep_is_due(store: Store, now: datetime) -> bool:
    """Whether the last sweep was a week ago or more."""
    last = store.get(SWEEP)
    return last is None or datetime.fromisoformat(last["at"]) + WEEK <= now


def clean_unused(
    shop: Shop, store: Store, bindings: Bindings, groups: list[int], now: datetime, audit: AuditLog, report: Report
) -> None:
    """Sweep once: delete what this sweep and the last one found unused, remember what this one found."""
    values = {
        record.id: record
        for record in shop.read(
            Resource.OPTION_VALUES, fields=["id_attribute_group", "name"], where={"id_attribute_group": list(groups)}
        )
    }
    used, highest = _used(shop, 0)
    if not used and bindings.has_combinations():
        raise BadAnswer("the shop lists no combination at all: that looks like an error, not like news")
    unused = values.keys() - used
    last = store.get(SWEEP) or {"unused": []}
    doomed = unused & set(last["unused"])
    if doomed:
        doomed -= _used(shop, highest)[0]
        shop.delete(Resource.OPTION_VALUES, sorted(doomed))
        for identifier in sorted(doomed):
            audit.change(_change(values[identifier]))
        report.count(Kind.VALUE, Action.DELETE, len(doomed))
    with store.transaction():
        bindings.forget_values(OPTION, doomed)
        store.put(SWEEP, {"at": now.isoformat(), "unused": sorted(unused - doomed)})


def _used(shop: Shop, after: int) -> tuple[set[int], int]:
    """The values that the combinations above an id use, and the highest id among them."""
    used: set[int] = set()
    highest = after
    for combination in shop.read(Resource.COMBINATIONS, fields=_LINKS, after=after):
        used.update(combination.ids("product_option_values"))
        highest = combination.id
    return used, highest


def _change(value: Record) -> Change:
    name = value.fields.get("name", "")
    text = str(next(iter(name.values()), "")) if isinstance(name, Mapping) else str(name)
    before = {"group": value.number("id_attribute_group"), "name": text}
    return Change(Kind.VALUE, Action.DELETE, text, "", Lane.REMOVAL, {}, before, "unused for a week", id=value.id)
