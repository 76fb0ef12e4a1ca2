"""What `lcvsync undo` reads: what the audit tells of a run, and what the shop has now of what that run wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Action, Json, Kind
from lcvsync.planning.run_history import Entry
from lcvsync.planning.undo import Present
from lcvsync.ports import Resource, Shop
from lcvsync.runner.audit import AuditLog, entry_time
from lcvsync.runner.cards import COMBINATION_FIELDS, card_fields, own_words
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import RunRecord

_COMBINATION = {**COMBINATION_FIELDS, "price": "price"}
_ROW = {"starts": "from", "ends": "to", "kind": "reduction_type", "value": "reduction"}
UNDOABLE = frozenset({Kind.PRODUCT, Kind.COMBINATION, Kind.PRICE, Kind.PROMOTION})


@dataclass(frozen=True)
class Undoing:
    """What the audit tells of a run that is to be undone, and of the prices and promotions that later runs wrote."""

    run: int
    entries: tuple[Entry, ...]
    later: tuple[Entry, ...]


def undoing(log: AuditLog, record: RunRecord) -> Undoing:
    """What the audit has of a run. Raises ConfigurationError when it has nothing of a run that changed something.

    Entries of before its start belong to a run of the same number in a state that was since replaced by a copy.
    """
    start = datetime.fromisoformat(record.started_at).astimezone(UTC)
    entries, later, seen = [], [], False
    for entry in log.entries(start.date()):
        run = int(entry.get("run") or 0)
        if run < record.id or entry_time(entry) < start or entry.get("event") != "change":
            continue
        seen = seen or run == record.id
        if entry.get("result") != "ok":
            continue
        if run == record.id:
            entries.append(entry if _is_undoable(entry) else {**entry, "before": {}, "after": {}})
        elif entry["kind"] in (Kind.PRICE, Kind.PROMOTION):
            later.append(entry)
    if not seen and (record.report or {}).get("changes"):
        raise ConfigurationError(
            f"the audit has nothing of run {record.id} any more", cure="its files are kept for audit.keep_days"
        )
    return Undoing(record.id, tuple(entries), tuple(later))


def _is_undoable(entry: Entry) -> bool:
    """Whether its values are needed: a first synchronisation has too many others to hold them in memory."""
    made = entry["action"] == Action.CREATE and entry["kind"] != Kind.PROMOTION
    return entry["kind"] in UNDOABLE and not made


def read_present(shop: Shop, bindings: Bindings, entries: Sequence[Entry], products: Sequence[int]) -> Present:
    """What the shop has now of what *entries* wrote to these *products*, in bulk: three lists at most."""
    if not products:
        return Present()
    kinds = {entry["kind"] for entry in entries}
    cards = _cards(
        shop, {name for entry in entries if entry["kind"] == Kind.PRODUCT for name in entry["after"]}, products
    )
    combinations, rows = {}, {}
    where = {"id_product": list(products)}
    if kinds & {Kind.COMBINATION, Kind.PRICE}:
        fields = ["id_product", "default_on", *_COMBINATION.values()]
        for found in shop.read(Resource.COMBINATIONS, fields=fields, where=where):
            combinations[found.id] = {name: found.text(field) for name, field in _COMBINATION.items()}
            product = found.number("id_product")
            if found.text("default_on") == "1" and product in cards:
                cards[product]["default"] = bindings.sku_at(product, found.id)
    if Kind.PROMOTION in kinds:
        for found in shop.read(Resource.SPECIFIC_PRICES, fields=["id_product", *_ROW.values()], where=where):
            rows[found.id] = {name: found.text(field) for name, field in _ROW.items()}
    return Present(cards, combinations, rows)


def _cards(shop: Shop, names: set[str], products: Sequence[int]) -> dict[int, dict[str, Json]]:
    if "categories" in names:
        names = {*names, "default_category"}  # it is not left
    fields = dict.fromkeys([*card_fields(names), "active", "price", "id_tax_rules_group"])
    return {
        card.id: {
            **own_words(card),
            "active": card.text("active") == "1",
            "price": card.text("price"),
            "tax": card.number("id_tax_rules_group"),
        }
        for card in shop.read(Resource.PRODUCTS, fields=list(fields), where={"id": list(products)})
    }
