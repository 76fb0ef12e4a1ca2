"""What others write, bent at random: each reading gives a value or its expected error, whatever it is given.

Few examples by default, a thousand with `HYPOTHESIS_PROFILE=deep`. The XML of the shop:
tests/prestashop; descriptions and names: tests/domain.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lcvsync import config
from lcvsync.bootstrap import SystemClock
from lcvsync.cli.audit_command import Filter
from lcvsync.cli.run_output import audit_row
from lcvsync.errors import ConfigurationError
from lcvsync.lcv import sales, wire
from lcvsync.lcv.fields import Payload, read
from lcvsync.planning.changes import Action, Change, Kind, Lane
from lcvsync.runner.audit import AuditLog, entry_time
from lcvsync.runner.mapping_service import read_sheet, weight_of
from lcvsync.runner.plan_file import Head, read_plan, write_plan
from lcvsync.runner.sheets import read_cells, sheet_cell
from lcvsync.state.encoding import change_of, decode_article, encode

ODD: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, -1, 10**30, -(2**63), 1.5, float("nan"), float("inf"), "", "1", "-0", "1e999", "NaN", "\x00",
    "\x1b[31m", "\u202e", "\ud800", "é" * 300, "9" * 5000, "../../etc/passwd", "=cmd|' /C calc'!A0", [], {}, [[[]]],
    "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z", "2026-13-45T99:99:99+99:99", {"id": {"id": []}}, [None] * 50,
])  # fmt: skip


T = TypeVar("T")


def tried(call: Callable[[], T], expected: type[Exception]) -> tuple[T | None, str]:
    """What *call* gives, or "" and the words of the one error that it may raise."""
    try:
        return call(), ""
    except expected as error:
        return None, " ".join([str(error) or "no words", *getattr(error, "problems", ())])


@st.composite
def bent(draw: st.DrawFn, whole: Any) -> Any:
    """*whole* with up to three of its members replaced, dropped, doubled, or given a strange neighbour."""
    made = deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = made
        for _ in range(draw(st.integers(0, 4))):
            members = place.values() if isinstance(place, dict) else place
            inner = [each for each in members if isinstance(each, (dict, list)) and each]
            if not inner:
                break
            place = draw(st.sampled_from(inner))
        if not place:
            continue
        key = draw(st.sampled_from(sorted(place, key=str) if isinstance(place, dict) else range(len(place))))
        how = draw(st.sampled_from(["odd", "odd", "drop", "double"]))
        if how == "odd":
            place[key] = deepcopy(draw(ODD))
        elif how == "drop":
            del place[key]
        elif isinstance(place, list):
            place.append(deepcopy(place[key]))
        else:
            place[f"{key}2"] = place[key]
    return made


VARIANT = {
    "sku": "M-38", "ean": "3700000000012", "size": "38", "attributes": {"coloris": "Noir"}, "weight_kg": "0.2",
    "active": True,
}  # fmt: skip
ARTICLE = {
    "id": "A-1", "revision": 7, "reference": "M", "supplier_reference": "S", "name": "Robe", "short_description": "<p>",
    "description": "<b>x", "brand": "B", "department": {"rayon": "F", "famille": "10", "sous_famille": "01"},
    "categories": ["C"], "size_grid": "G", "vat_rate": "20.00", "weight_kg": None, "attributes": {"matiere": "Lin"},
    "web_stores": ["WEB"], "active": True, "variants": [VARIANT, {**VARIANT, "sku": "M-40"}],
    "photos": [{"id": "P", "sha256": "0" * 64, "position": 1, "attributes": {}}],
}  # fmt: skip
PROMOTION = {
    "id": "OP", "revision": 3, "name": "Soldes", "kind": "percentage", "value": "10", "price_list": None,
    "starts_at": "2026-11-23T10:00:00+01:00", "ends_at": None, "articles": ["A-1"], "skus": [],
}  # fmt: skip
RECEIPT = {
    "document_id": "D-1", "sale_number": "1", "kind": "sale", "recorded_at": "2026-11-23T10:00:00Z",
    "stock_revision": 5, "total_incl_tax": "10.00", "refers_to": None, "reversed_by": None,
}  # fmt: skip
PAYLOADS: list[tuple[type[Payload], dict[str, Any]]] = [
    (wire.Article, ARTICLE),
    (wire.Promotion, PROMOTION),
    (wire.StockLevel, {"sku": "M-38", "store": "PAR", "quantity": 3, "revision": 5}),
    (wire.Price, {"sku": "M-38", "price_list": "WEB", "price_incl_tax": "49.00", "revision": 5}),
    (wire.Tombstone, {"id": "A-1", "deleted": True, "revision": 5}),
    (wire.PageEnvelope, {"items": [ARTICLE], "next": 9, "more": False}),
    (wire.Revisions, dict.fromkeys(("tables", "articles", "stock", "prices", "promotions"), 1)),
    (sales.SaleReceipts, {"items": [RECEIPT]}),
    (sales.CustomerCode, {"customer_code": "C-1"}),
]


@given(st.sampled_from(PAYLOADS).flatmap(lambda pair: st.tuples(st.just(pair[0]), bent(pair[1]))))
def test_payloads_of_lcv(given_one: tuple[type[Payload], Any]) -> None:
    """A value, or one line that names the members at fault; an article that is taken can be kept and read again."""
    kind, data = given_one
    found, words = tried(lambda: read(kind, data), ValueError)
    assert all(character.isprintable() for character in words)
    value = found.to_domain() if isinstance(found, wire.Article) else None
    if value is not None:
        assert decode_article(encode(value)) == value


TOML = """\
[lcv]
url = "https://lcv.example.com"
web_store = "WEB"
[prestashop]
url = "https://www.example.com"
key = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"
languages = ["fr"]
[sync]
mode = "complete"
max_seconds = 270
[orders]
service_references = { A = "B" }
[state]
directory = "state"
"""
PIECES = st.sampled_from([
    "[", "]", "{", "}", "=", '"', "'''", '"""', ".", ",", "\n", "#", "\x00", "\r", "\ufeff", "é", "9" * 5000, "-1",
    "1e400", "nan", "inf", "2026-02-30", "0000-01-01", "true", '"env:NONE"', '"file:/nowhere"', '"file:\\u0000"',
    '"~nobody/x"', '"https://[::1"', '"http://a:99999"', '"ftp://x"', "[[orders]]", "[lcv.url]", "x" * 300, "[" * 5000,
    "{a=" * 5000, "a" + ".a" * 2000 + "=1",
])  # fmt: skip


@st.composite
def bent_text(draw: st.DrawFn) -> str:
    """The file with pieces put into it, or in place of a part of it."""
    text = TOML
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 5, 40])))
        text = text[:start] + draw(PIECES | st.text(max_size=4)) + text[end:]
    return text


@given(bent_text() | st.binary(max_size=50))
@example("[" * 100_000)
@example("[sync]\nmax_seconds = " + "9" * 5000)
@example(TOML.replace('"state"', '"a\\u0000b"'))
@example(TOML.replace("270", "9" * 300))
def test_the_configuration(content: str | bytes) -> None:
    """Settings, or every problem, each in one line; never the key."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    Path("fuzz.toml").write_bytes(raw)
    settings, words = tried(lambda: config.load(Path("fuzz.toml"), {}), ConfigurationError)
    assert "ABCDEFGHIJKLMNPQRSTUVWXYZ" not in words
    assert settings is None or 1 <= settings.sync.max_seconds < 2**31


@given(
    st.lists(st.lists(st.text(max_size=8) | ODD.map(str), min_size=5, max_size=6), max_size=4), st.sampled_from(",;\t")
)
def test_sheets(rows: list[list[str]], delimiter: str) -> None:
    """The lines of a sheet, or the error that names one; weights that are numbers; nothing else."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([["kind", "code", "label", "targets", "weight"], *rows])
    lines, words = tried(lambda: read_sheet(file.getvalue().encode("utf-8", "surrogatepass")), ConfigurationError)
    assert lines is not None or "line" in words
    for line in lines or ():
        weight, _ = tried(partial(weight_of, line.weight), ConfigurationError)
        assert weight is None or len(f"{weight:f}") < 80


@given(st.binary(max_size=80).map(lambda tail: b"kind,code,targets\n" + tail) | st.binary(max_size=40))
def test_bytes_that_are_no_sheet(content: bytes) -> None:
    """Any bytes are lines or an error."""
    tried(lambda: read_sheet(content), ConfigurationError)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=10), min_size=1, max_size=4))
@example(["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''", "'"])
def test_cells_are_no_formulas_and_come_back(cells: list[str]) -> None:
    """What a spreadsheet would reckon with is text there, and the same again when the sheet is read."""
    safe = [sheet_cell(cell) for cell in cells]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in safe)
    file = io.StringIO()
    names = [f"c{number}" for number in range(len(cells))]
    csv.writer(file).writerows([names, safe])
    assume(any(cell.strip() for cell in cells))
    assert [list(line.values()) for _, line in read_cells(file.getvalue().encode(), names, names)] == [cells]


CHANGES = [
    Change(Kind.STOCK, Action.UPDATE, "M-38", "A-1", Lane.STOCK_UP, {"quantity": 3}, {"quantity": 1}, sku="M-38"),
    Change(Kind.PRODUCT, Action.UPDATE, "M", "A-1", Lane.CARD, {"name": "Robe"}, {"name": "R"}, id=7, article="A-1"),
]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A plan of two changes, as it stands in its file."""
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    write_plan(path, Head("https://shop.example", None, "complete", datetime.now(UTC), "1"), CHANGES)
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


@given(st.data())
def test_plan_files(plan: dict[str, Any], data: st.DataObject) -> None:
    """A plan whose every line is a change, or the error for a file that isn't one."""
    found = data.draw(bent(plan))
    text = json.dumps(found)
    if data.draw(st.booleans()) and isinstance(found, dict) and isinstance(found.get("changes"), list):
        head = json.dumps({name: value for name, value in found.items() if name != "changes"})[:-1]
        text = f'{head}, "changes": [\n' + ",\n".join(map(json.dumps, found["changes"])) + "\n]}\n"
    Path("fuzz.json").write_text(text, encoding="utf-8")
    read, words = tried(lambda: read_plan(Path("fuzz.json")), ConfigurationError)
    assert read is not None or "fuzz.json" in words
    for line in read.lines if read else ():
        change = change_of(line)
        assert all(isinstance(each, str) for each in (change.key, change.article, change.product, change.sku))
        assert type(change.id) is int


ENTRY = {
    "at": "2026-11-22T10:00:00+00:00", "run": 7, "event": "change", "kind": "product", "action": "update", "key": "M",
    "product": "A-1", "before": {"name": "a"}, "after": {"name": "b"}, "reason": "", "result": "ok",
    "edited": {"name": "c"},
}  # fmt: skip
LINES = (
    bent(ENTRY).map(json.dumps)
    | st.text(max_size=20)
    | st.sampled_from(["[" * 50_000, "9" * 5000, '{"at": 1}', json.dumps(ENTRY)[:-9]])
)


@given(st.lists(LINES, max_size=4))
def test_audit_lines(lines: list[str]) -> None:
    """What isn't an entry is passed over, whatever it is; the good one after it is there, and all can be shown."""
    assume(not any("\n" in line for line in lines))
    content = "\n".join([*lines, json.dumps(ENTRY)]).encode("utf-8", "surrogatepass")
    Path("audit-2026-11-22.jsonl").write_bytes(content + b"\n")
    Path("audit-9999-99-99.jsonl").write_bytes(b"")
    found = list(AuditLog(Path(), SystemClock()).entries())
    assert found[-1] == ENTRY
    assert len(AuditLog(Path(), SystemClock()).days()) == 1
    for entry in found:
        entry_time(entry).astimezone()
        Filter(run=7, names=frozenset({"m"}), order="1", errors=True).wants(entry)
        audit_row(entry, str)


def test_a_change_has_the_members_that_a_plan_s_line_has() -> None:
    """The lines of `test_plan_files` are real ones."""
    assert change_of(json.loads(encode(CHANGES[0]))) == CHANGES[0]
    assert set(asdict(CHANGES[0])) == set(json.loads(encode(CHANGES[0])))
