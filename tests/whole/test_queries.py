"""How the state's database finds what runs ask it for."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

import pytest

from lcvsync.state.store import DATABASE, Store

from .harness import World

LARGE = {
    "article", "variant", "article_code", "stock", "price", "promotion_target", "product", "bound_variant", "image",
    "specific_price", "planned", "run", "shop_order", "order_unit", "order_sku", "document", "document_unit",
}  # fmt: skip
"""Tables that grow with the catalogue, with orders or with the years."""

ONCE = (
    "UPDATE article SET dirty = 1 WHERE NOT dirty",  # an option, or the shop's settings changed
    "UPDATE article SET deleted = 1, dirty = 1 WHERE generation < ? AND NOT deleted",  # a feed was read from 0
    "UPDATE article SET dirty = 1 WHERE id IN (SELECT article FROM variant JOIN",
    "DELETE FROM stock WHERE generation < ?",
    "DELETE FROM price WHERE generation < ?",
    "SELECT COUNT(*) FROM article WHERE NOT deleted",
    "SELECT COUNT(*) FROM product WHERE",  # a guard has something to judge
    "SELECT key, id FROM product WHERE NOT gone OR ? ORDER BY id",  # an article is to be made
    "SELECT id FROM product WHERE base_fixed AND NOT gone ORDER BY id",
    "SELECT guard.value",  # the plan is judged, counted and closed
    "SELECT kind, action, COUNT(*) FROM planned",
    "SELECT DISTINCT article FROM planned",
    "UPDATE shop_order SET",  # the rules of orders, or the shop, changed
    "SELECT id, reference FROM shop_order WHERE reference != ''",  # a payment came
)
"""Beginnings of what goes through a whole table, once in a run that has a reason for it."""


def test_no_query_goes_through_a_large_table(synced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run asks for what it needs by key or index, but for a few questions that it asks once.

    A partial index, of what is dirty or open, is no way through the table.
    """
    asked: dict[str, tuple[object, ...]] = {}
    rows, many = Store.rows, Store.many

    def noted(store: Store, sql: str, *values: object) -> sqlite3.Cursor:
        asked.setdefault(sql, values)
        return rows(store, sql, *values)

    def all_noted(store: Store, sql: str, values: Iterable[tuple[object, ...]]) -> None:
        found = list(values)
        asked.update({sql: found[0]} if found else {})
        many(store, sql, found)

    monkeypatch.setattr(Store, "rows", noted)
    monkeypatch.setattr(Store, "many", all_noted)
    synced.settings["orders"] = {"min_id": 1}
    synced.adopt()
    synced.advance(minutes=25 * 60)
    synced.stock_in(synced.in_lcv("stock")[0]["sku"], 0)
    synced.price_in(synced.in_lcv("prices")[0]["sku"], "12.00")
    assert synced.sync().exit_code == 0
    synced.mark_resync()
    assert synced.sync().exit_code == 0

    with sqlite3.connect(synced.directory / DATABASE) as database:
        partial = {
            name for name, sql in database.execute("SELECT name, sql FROM sqlite_master") if " WHERE " in (sql or "")
        }
        through = {}
        for sql, values in asked.items():
            if sql.split(maxsplit=1)[0] in ("SELECT", "UPDATE", "DELETE") and not sql.startswith(ONCE):
                plan = [str(row[3]) for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
                scans = [re.match(r"SCAN (\w+)(?:.* INDEX (\w+))?", step) for step in plan]
                if any(scan and scan[1] in LARGE and scan[2] not in partial for scan in scans):
                    through[sql] = plan
    assert len(asked) > 100
    assert not through
