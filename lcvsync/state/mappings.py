"""The mapping rows: they appear by themselves, people set them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.mapping import IGNORE, LEAVING_OUT, WILDCARD, MappingKind, Mappings, Rule, Unmapped, normal_code

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import Tables
    from lcvsync.domain.orders import Order
    from lcvsync.state.store import Store


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A row as `map list` shows it; *rule* None: unset."""

    kind: MappingKind
    code: str
    label: str
    rule: Rule | None
    articles: int = 0
    """How many articles that LCV hasn't deleted use the code."""


class MappingTable:
    """The rows of every kind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sql = store.rows

    def rules(self) -> Mappings:
        """Every rule that is set."""
        rules: dict[MappingKind, dict[str, Rule]] = {}
        for kind, code, targets, weight in self._sql(
            "SELECT kind, code, targets, weight FROM mapping WHERE targets IS NOT NULL"
        ):
            rules.setdefault(MappingKind(kind), {})[code] = _rule(targets, weight)
        return Mappings(rules)

    def rows(self, kind: MappingKind | None = None) -> list[MappingRow]:
        """The rows of a kind, or all: unset ones and those that most articles use first."""
        query = (
            "SELECT kind, code, label, targets, weight, (SELECT COUNT(*) FROM article_code AS used JOIN article ON"
            " article.id = used.article WHERE used.kind = mapping.kind AND used.code = mapping.code"
            " AND NOT deleted) AS uses FROM mapping WHERE ? IN ('', kind) ORDER BY kind, uses DESC, code"
        )
        return [
            MappingRow(MappingKind(r[0]), r[1], r[2], _rule(r[3], r[4]) if r[3] else None, r[5])
            for r in self._sql(query, kind or "")
        ]

    def unanswered(self) -> dict[MappingKind, list[MappingRow]]:
        """By kind, the codes that articles use, that no row answers for, and that leave something out of the shop."""
        rules, found = self.rules(), {}
        for kind in LEAVING_OUT:
            used = [row for row in self.rows(kind) if row.articles]
            if rows := [row for row in used if isinstance(rules.resolve_code(kind, row.code), Unmapped)]:
                found[kind] = rows
        return found

    def add(self, kind: MappingKind, codes: Iterable[tuple[str, str]]) -> None:
        """Rows for (code, label) that were met; those that exist keep what people set and take the label."""
        for code, label in codes:
            self._sql(
                "INSERT INTO mapping (kind, code, label) VALUES (?, ?, ?) ON CONFLICT (kind, code) DO UPDATE SET"
                " label = excluded.label WHERE excluded.label NOT IN ('', label)",
                kind,
                normal_code(kind, code),
                label,
            )

    def set(self, kind: MappingKind, code: str, rule: Rule | None) -> bool:
        """Set a rule (None: unset) and tell whether that changed anything."""
        code = normal_code(kind, code)
        old = self._sql("SELECT targets, weight FROM mapping WHERE kind = ? AND code = ?", kind, code).fetchone()
        targets = None if rule is None else json.dumps(IGNORE if rule.ignored else list(rule.targets))
        weight = str(rule.weight) if rule and rule.weight is not None else None
        if (old or (None, None)) == (targets, weight):
            return False
        self._sql(
            "INSERT INTO mapping (kind, code, targets, weight) VALUES (?, ?, ?, ?) ON CONFLICT (kind, code) DO UPDATE"
            " SET targets = excluded.targets, weight = excluded.weight",
            kind,
            code,
            targets,
            weight,
        )
        return True

    def drop_unused(self, kind: MappingKind, code: str) -> None:
        """Remove an unset row that only a person had made: a wildcard, a product, or a colour that no article has."""
        if code.endswith(WILDCARD) or kind in (MappingKind.COLOUR, MappingKind.PRODUCT):
            self._sql(
                "DELETE FROM mapping WHERE kind = ?1 AND code = ?2 AND targets IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM article_code WHERE kind = ?1 AND code = ?2)",
                kind,
                code,
            )

    def learn_tables(self, tables: Tables) -> None:
        """Rows for everything that LCV's tables name."""
        self.add(MappingKind.SIZE_GRID, ((grid.code, grid.name) for grid in tables.size_grids))
        self.add(MappingKind.BRAND, ((brand.code, brand.name) for brand in tables.brands))
        self.add(MappingKind.RFS, ((row.rfs.code, row.label) for row in tables.departments))
        self.add(MappingKind.CATEGORY, ((row.code, f"{row.axis}: {row.name}") for row in tables.categories))
        self.add(MappingKind.ATTRIBUTE, ((a.code, a.name) for a in tables.attributes if a.level == "variant"))
        self.add(MappingKind.FEATURE, ((a.code, a.name) for a in tables.attributes if a.level == "article"))
        self.add(MappingKind.STORE, ((store.code, store.name) for store in tables.stores))
        self.add(MappingKind.VAT, ((str(vat.rate), f"{vat.rate} %") for vat in tables.vat_rates))

    def learn_payments(self, orders: Iterable[Order]) -> None:
        """Rows for the payment methods and modules of orders: both may be mapped, the method first."""
        for order in orders:
            methods = [(payment.method, f"module {order.module}") for payment in order.payments if payment.method]
            self.add(MappingKind.PAYMENT, [*methods, *([(order.module, "module")] if order.module else [])])

    def learn_codes(self) -> None:
        """Rows for codes that articles use and promotions' names, where the tables don't name them."""
        self._sql("INSERT OR IGNORE INTO mapping (kind, code) SELECT DISTINCT kind, code FROM article_code")
        self._sql("INSERT OR IGNORE INTO mapping (kind, code) SELECT DISTINCT 'promotion', name FROM promotion")


def _rule(targets: str, weight: str | None) -> Rule:
    value = json.loads(targets)
    if value == IGNORE:
        return Rule(ignored=True)
    return Rule(tuple(str(target) for target in value), weight=Decimal(weight) if weight else None)
