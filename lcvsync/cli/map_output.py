"""How `lcvsync map` shows rows, suggestions and what was set; names of the shop and of LCV are a stranger's texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lcvsync.cli import Application
from lcvsync.cli.output import talk, write_table
from lcvsync.domain.mapping import CREATE, IGNORE, WILDCARD, MappingKind, Rule
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.planning.changes import Json
from lcvsync.runner.mapping_service import STOPPING, Listed, MappingService, Setting
from lcvsync.runner.sheets import sheet_cell
from lcvsync.runner.targets import Choice, Target


class Names:
    """The targets of rules with their names; without names, said once, when the shop can't tell them now."""

    def __init__(self, application: Application, service: MappingService) -> None:
        self._application = application
        self._targets = service.targets
        self._failed = False

    def of(self, kind: MappingKind, rule: Rule | None) -> list[dict[str, Json]]:
        known = self._known(kind) if rule and rule.targets else {}
        return [
            {"id": target, "name": CREATE if target == CREATE else known[target].text if target in known else None}
            for target in (rule.targets if rule else ())
        ]

    def _known(self, kind: MappingKind) -> Mapping[str, Target]:
        if not self._failed:
            try:
                return self._targets.of(kind)
            except LcvsyncError as error:
                self._failed = True
                talk(self._application, f"without names: {error}")
        return {}

    def text(self, kind: MappingKind, rule: Rule) -> str:
        """A rule in a few words."""
        named = [_target(target) for target in self.of(kind, rule)]
        weight = f", {rule.weight} kg" if rule.weight is not None else ""
        return IGNORE if rule.ignored else " + ".join(named) + weight


def _target(target: dict[str, Json]) -> str:
    name = "(not in the shop)" if target["name"] is None else target["name"]
    return str(target["id"] if name == target["id"] else f"{target['id']} {name}")


def shown(listed: Listed, names: Names) -> dict[str, Json]:
    row = listed.row
    return {
        "kind": row.kind.value,
        "code": row.code,
        "label": row.label,
        "products": row.articles,
        "targets": names.of(row.kind, row.rule),
        "ignored": bool(row.rule and row.rule.ignored),
        "weight": row.rule.weight if row.rule else None,
        "answered_by": listed.answered_by,
    }


def answer(row: dict[str, Json]) -> str:
    own = row["answered_by"] in (None, row["code"])
    return IGNORE if row["ignored"] else "; ".join(map(_target, row["targets"])) if own else f"({row['answered_by']})"


def proposed(listed: Listed, choices: Sequence[Choice], *, accepted: bool) -> dict[str, Json]:
    row = listed.row
    return {
        "kind": row.kind.value,
        "code": row.code,
        "label": row.label,
        "products": row.articles,
        "suggestions": [
            {"id": each.target.id, "name": each.target.text, "score": round(each.score, 1)} for each in choices
        ],
        "accepted": accepted,
    }


def show_proposals(records: Sequence[dict[str, Json]]) -> None:
    """One line a suggestion, the best three of each row."""
    headings = ("kind", "code", "label", "products", "suggestion", "score", "set")
    write_table(headings, [
        (record["kind"], record["code"], record["label"], record["products"], f"{one['id']} {one['name']}",
         f"{one['score']:g}", record["accepted"] and place == 0)
        for record in records for place, one in enumerate(record["suggestions"][:3])
    ])  # fmt: skip


def cells(service: MappingService, listed: Listed, *, names: bool) -> list[str]:
    row, rule = listed.row, listed.row.rule or Rule()
    texts = [_sure_name(service, row.kind, target) if names else target for target in rule.targets]
    targets = IGNORE if rule.ignored else ";".join(texts)
    weight = "" if rule.weight is None else str(rule.weight)
    return [row.kind.value, *map(sheet_cell, (row.code, row.label, targets)), weight]


def _sure_name(service: MappingService, kind: MappingKind, target: str) -> str:
    """The name of a target if it leads back to it and to no other, else its id."""
    found = service.targets.of(kind).get(target)
    if found is None or ";" in found.text or found.text in (IGNORE, CREATE):
        return target
    try:
        return found.text if service.targets.find(kind, found.text).id == target else target
    except ConfigurationError:
        return target


def tell(application: Application, service: MappingService, done: Setting | None) -> None:
    if done is None:
        talk(application, "it stands like this already: nothing changed")
        return
    row = service.row(done.kind, done.code)
    label = f" ({row.label})" if row.label else ""
    what = Names(application, service).text(done.kind, done.rule) if done.rule else "unset"
    number = _concerned(service, done, row.articles)
    follow = f"; {count(number, 'product')} will follow at the next run" if number else ""
    talk(application, f"{done.kind} {row.code}{label} → {what}{follow}")


def _concerned(service: MappingService, done: Setting, own: int) -> int:
    """How many articles a rule is about; of a wildcard only where each article has one code of the kind."""
    if not done.code.endswith(WILDCARD) or done.kind not in STOPPING:
        return own
    return sum(listed.row.articles for listed in service.listed(done.kind) if listed.answered_by == done.code)


def warn(application: Application, service: MappingService, done: Setting, old: Rule | None) -> None:
    """What people may not have meant, or not expect."""
    if done.kind is MappingKind.VAT and done.rule and done.code != WILDCARD:
        for target in done.rule.targets:
            rate = service.targets.of(done.kind)[target].rate
            if rate is not None and rate != Decimal(done.code):
                talk(application, f"careful: in the shop that group is {rate.normalize():f} %, in LCV {done.code} %")
    if done.kind in (MappingKind.SIZE_GRID, MappingKind.ATTRIBUTE) and old:
        talk(application, "products that exist keep their combinations until: lcvsync resync REFERENCE --recut")
    prefix = done.code.removesuffix(WILDCARD)
    if done.code.endswith(f"/{WILDCARD}"):
        codes = [listed.row.code for listed in service.listed(done.kind) if listed.row.code != done.code]
        if not any(f"{code}/".startswith(prefix) for code in codes):
            talk(application, f"careful: LCV has no code that begins with {prefix} so far")


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
