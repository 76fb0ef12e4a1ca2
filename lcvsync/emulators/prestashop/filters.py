"""`filter`, `sort`, `limit` and `display`, with what they silently ignore (measured, section 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.faults import NotEmulatedError, RefusedError, did_you_mean
from lcvsync.emulators.prestashop.rendering import FULL, Choice
from lcvsync.emulators.prestashop.stored import NO_TIME, folded, php_float, php_int

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Field, Resource, Values
    from lcvsync.emulators.prestashop.shop import Table

Comparable = float | str
Test = Callable[[Comparable], bool]

_FORM = re.compile(r"(.*)\[(.*)\](.*)")
_RANGE = re.compile(r"([\d.:\-\s]+),([\d.:\-\s]+)")
_MOMENT = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{1,2}(:\d{1,2})?)?")
_LISTED = re.compile(r"\[?(\d+(?:\|\d+)*)\]?")
_BOUNDS = re.compile(r"\[(\d{1,18}),(\d{1,18})\]")
DATES = ("date_add", "date_upd")


def compile_filter(kind: str, text: str) -> Test | None:
    """The test that a filter's value makes; None when PrestaShop understands no condition and lets everything pass.

    `[a]`, `[a|b]`, `[a,b]` (numbers and dates only), `[a]%`, `%[a]`, `%[a]%`, `>[a]`, `<[a]`, `![a|b]`, and without
    brackets equality. Anything else, such as `>=[a]`, is no condition at all.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        whole = comparable(kind, text)
        return lambda value: value == whole
    before, inner, after = form.groups()
    if "%" in {before, after}:
        return _like(before + inner + after)
    if not before and not after:
        return _equal(kind, inner)
    return _compare(kind, before, inner)


def _compare(kind: str, operator: str, inner: str) -> Test | None:
    if operator == "!":
        unwanted = {comparable(kind, each) for each in inner.split("|")}
        return lambda value: value not in unwanted
    bound = comparable(kind, inner)
    if operator == ">":
        return lambda value: value > bound  # type: ignore[operator]  # both come from comparable(kind)
    if operator == "<":
        return lambda value: value < bound  # type: ignore[operator]  # both come from comparable(kind)
    return None


def _equal(kind: str, inner: str) -> Test:
    if inner.find("|") > 0:
        wanted = {comparable(kind, each) for each in inner.split("|")}
        return lambda value: value in wanted
    bounds = _RANGE.fullmatch(inner)
    if bounds is not None:
        low, high = sorted(comparable(kind, each) for each in bounds.groups())
        return lambda value: low <= value <= high  # type: ignore[operator]  # both come from comparable(kind)
    only = comparable(kind, inner)
    return lambda value: value == only


def _like(pattern: str) -> Test:
    """SQL's LIKE: `%` any text, `_` any character, no case and no accents."""
    parts = [".*" if each == "%" else "." if each == "_" else re.escape(folded(each) or each) for each in pattern]
    compiled = re.compile("".join(parts), re.DOTALL)
    return lambda value: compiled.fullmatch(str(value)) is not None


def comparable(kind: str, text: str) -> Comparable:
    """What MySQL compares: numbers, folded texts, whole dates; a text that is no date comes before all dates."""
    if kind in {"int", "bool", "float"}:
        return php_float(text)
    if kind in {"date", "datetime"}:
        return _moment(text, NO_TIME if kind == "datetime" else NO_TIME[:10])
    return folded(text)


def _moment(text: str, nothing: str) -> str:
    text = text.strip()
    if _MOMENT.fullmatch(text) is None:
        return nothing
    day, _, time = text.replace("T", " ").partition(" ")
    year, month, number = day.split("-")
    shown = f"{year}-{int(month):02}-{int(number):02}"
    if len(nothing) == len(shown):
        return shown
    hours = [*time.split(":"), "0", "0"][:3] if time else ["0", "0", "0"]
    return shown + " " + ":".join(f"{int(each):02}" for each in hours)


class Filters:
    """The condition of one list, checked against the resource."""

    def __init__(self, call: Call, resource: Resource) -> None:
        self._call, self._resource = call, resource
        self.impossible = False
        """True when the SQL fails: 200 and an empty list (measured, section 3: no such date column)."""
        dated = call.parameter("date") not in {None, "", "0"}
        self.plain = [each.name for each in resource.fields if not each.translated]
        self.translated = [each.name for each in resource.fields if each.translated]
        if dated:
            self.plain += [each for each in DATES if each not in self.plain]
        else:
            self.plain = [each for each in self.plain if each not in DATES]
        self._tests: list[tuple[Field, Test]] = []
        self._texts = 0
        for name, text in call.filters.items():
            self._read(name, text)

    def _read(self, name: str, text: str) -> None:
        if name in {"sort", "limit"}:
            return
        if name in self.translated and text:
            self._texts += 1
            self.impossible = self.impossible or self._texts > 1
        elif name not in self.plain:
            raise RefusedError(400, 32, did_you_mean("This filter does not exist", name, self.plain))
        elif text == "":
            raise RefusedError(400, 33, f'The filter "{name}" is malformed.')
        field = self._resource.by_name.get(name)
        if field is None or field.unstored:
            self.impossible = True
            return
        if field.computed:
            message = f'The field "{name}" is dynamic. It is not possible to filter GET query with this field.'
            raise RefusedError(400, 34, message)
        test = compile_filter(field.kind, text)
        if test is not None:
            self._tests.append((field, test))

    def matching(self, table: Table) -> list[int]:
        """Ids of the rows that pass, in no order in particular."""
        if self.impossible:
            return []
        found = self._candidates(table)
        for field, test in self._tests:
            found = [row_id for row_id in found if self._passes(field, test, table.rows[row_id])]
        return found

    def _candidates(self, table: Table) -> list[int]:
        """All rows, or far fewer when one filter names values of an indexed column."""
        for name, text in self._call.filters.items():
            numbers = _named(text, len(table.rows))
            if numbers is None or name not in self._resource.by_name:
                continue
            if name == "id":
                return sorted(each for each in numbers if each in table)
            if table.indexed(name) and self._resource.by_name[name].kind == "int":
                return sorted({row_id for each in numbers for row_id in table.where(name, each)})
        return list(table.rows)

    def _passes(self, field: Field, test: Test, row: Values) -> bool:
        value = row.get(field.name)
        if isinstance(value, dict):
            return any(test(folded(value[each])) for each in self._call.languages if each in value)
        return value is not None and test(comparable(field.kind, value))

    def ordered(self, table: Table, ids: list[int]) -> list[int]:
        """The ids by `sort`; without it in the order in which MySQL happened to give them."""
        asked = self._call.parameter("sort")
        if asked is None:
            fields = [self._resource.by_name[name] for name in (*self._unsorted_order(), "id")]
            return sorted(ids, key=lambda each: [_comparable(field, table.rows[each]) for field in fields])
        for name, descending in reversed(self._sort_keys(asked)):
            ids = _sorted(table, ids, self._resource.by_name.get(name), descending=descending)
        return ids

    def _unsorted_order(self) -> tuple[str, ...]:
        """The index that MySQL reads: of one product's combinations the default comes last (tried on 8.2.1)."""
        by_product = self._resource.name == "combinations" and "id_product" in self._call.filters
        return ("default_on",) if by_product else self._resource.list_order

    def _sort_keys(self, asked: str) -> list[tuple[str, bool]]:
        bracketed = re.fullmatch(r"\[(.*?)\]", asked)
        keys = []
        for each in (bracketed[1] if bracketed else asked).split(","):
            name, underscore, direction = each.rpartition("_")
            if not underscore or direction.upper() not in {"ASC", "DESC"}:
                message = (
                    'The "sort" value has to be formed as this example: "field_ASC" or '
                    "'[field_1_DESC,field_2_ASC,field_3_ASC,...]' (\"field\" has to be an available field)"
                )
                raise RefusedError(400, 37, message)
            if name not in self.plain and name not in self.translated:
                plain, translated = ", ".join(self.plain), ", ".join(self.translated)
                message = "Unable to filter by this field. However, these are available: "
                raise RefusedError(400, 38, f"{message}{plain}, for i18n fields:{translated}")
            field = self._resource.by_name.get(name)
            if field is not None and (field.translated or field.computed):
                raise NotEmulatedError(f"sort by {name}")
            keys.append((name, direction.upper() == "DESC"))
        return keys


def _comparable(field: Field, row: Values) -> Comparable:
    value = row.get(field.name)
    return comparable(field.kind, value if isinstance(value, str) else "")


def _named(text: str, most: int) -> Collection[int] | None:
    """The whole numbers that a filter lets pass, where it names them or at most *most* of them lie in its range."""
    if (listed := _LISTED.fullmatch(text)) is not None:
        return {php_int(each) for each in listed[1].split("|")}
    if (bounds := _BOUNDS.fullmatch(text)) is not None:
        low, high = sorted(map(int, bounds.groups()))
        return range(low, high + 1) if high - low < most else None
    return None


def _sorted(table: Table, ids: list[int], field: Field | None, *, descending: bool) -> list[int]:
    """The ids by one field; none at all when the column doesn't exist and the SQL fails."""
    if field is None:
        return []
    return sorted(ids, key=lambda each: _comparable(field, table.rows[each]), reverse=descending)


def limited(call: Call, ids: list[int]) -> list[int]:
    """`limit=count` or `limit=offset,count`; a text that is no number is 0, which is an empty list."""
    asked = call.parameter("limit")
    if asked is None:
        return ids
    numbers = [php_int(each) for each in asked.split(",")]
    if len(numbers) > 2:
        raise RefusedError(400, 39, 'The "limit" value has to be formed as this example: "5,25" or "10"')
    offset, count = numbers if len(numbers) == 2 else (0, numbers[0])
    return ids[max(offset, 0) : max(offset, 0) + max(count, 0)]


def chosen(call: Call, resource: Resource, names: list[str]) -> Choice | None:
    """What `display` asks for; None for the ids only. *names* are the fields that a refusal lists."""
    asked = call.parameter("display")
    if asked in {None, "minimum"}:
        return None
    if asked == "full":
        return FULL
    bracketed = re.fullmatch(r"\[(.*)\]", asked or "")
    available = ", ".join(names)
    if bracketed is None:
        message = "The 'display' syntax is wrong. You can set 'full' or '[field_1,field_2,field_3,...]'."
        raise RefusedError(400, 36, f"{message} These are available: {available}")
    fields, associations = _parts(bracketed[1])
    for name, inner in [*((each, None) for each in fields), *associations.items()]:
        if not _displayable(resource, name, inner):
            details = f" (details : {_exported(inner)})" if inner is not None else ""
            message = f'Unable to display this field "{name}{details}". However, these are available: {available}'
            raise RefusedError(400, 35, message)
    return Choice(full=False, fields=frozenset(fields), associations=associations or None)


def _parts(inner: str) -> tuple[list[str], dict[str, list[str]]]:
    fields, associations = [], {}
    for name, bracket, details in re.findall(r"([^,\[\]]+)(\[([^\]]*)\])?", inner):
        if bracket:
            associations[name.strip()] = details.split(",")
        else:
            fields.append(name.strip())
    return fields, associations


def _displayable(resource: Resource, name: str, inner: list[str] | None) -> bool:
    if inner is None:
        return name in resource.by_name
    association = resource.association(name)
    if association is None:
        return False
    if not association.listed_fields and inner != ["id"]:
        raise NotEmulatedError(f"display=[{name}[...]] with other elements than id")
    return all(each == "id" or each in dict(association.fields) for each in inner)


def _exported(inner: list[str]) -> str:
    """PHP's var_export of a list."""
    return "array (\n" + "".join(f"  {number} => '{each}',\n" for number, each in enumerate(inner)) + ")"
