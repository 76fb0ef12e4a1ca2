"""`lcvsync audit`: what it is asked for beyond runs and products, and how it shows what people typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcvsync.bootstrap import SystemClock
from lcvsync.cli.main import run
from lcvsync.planning.changes import Action, Change, Kind, Lane, Skipped
from lcvsync.runner.audit import AuditLog, Seen

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _audit(tmp_path: Path) -> None:
    """A run that told LCV of an order and overwrote a name that a person had typed."""
    Path("lcvsync.toml").write_text(
        'lcv = { url = "https://lcv.example.com", web_store = "WEB" }\n'
        'prestashop = { url = "https://www.example.com", key = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567" }\n'
        f'state = {{ directory = "{tmp_path}" }}\n'
    )
    log = AuditLog(tmp_path, SystemClock())
    for kind in (Kind.SALE, Kind.REFUND, Kind.ORDER_STATE, Kind.CUSTOMER):
        log.change(Change(kind, Action.CREATE, "1042", "", Lane.VALUES))
    log.skip(Skipped("order", "1042", "unbalanced"))
    log.skip(Skipped("order", "1043", "unbalanced"))
    change = Change(Kind.PRODUCT, Action.UPDATE, "PU-1", "100", Lane.CARD, {"name": "Pull"}, {"name": "Gilet"}, id=20)
    before, after = {"name": {"1": "Mon pull", "2": "Jumper"}}, {"name": {"1": "Pull", "2": "Jumper"}}
    log.change(change, seen=Seen(before, after, before))


def told(capsys: Captured, *arguments: str) -> list[dict[str, object]]:
    """The entries."""
    assert run(["audit", *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_order(capsys: Captured) -> None:
    """What was told of an order, its state, why it waits; a customer of the same number is another record."""
    kinds = [entry["kind"] for entry in told(capsys, "--order", "1042")]
    assert kinds == ["sale", "refund", "order_state", "order"]


def test_edited(capsys: Captured) -> None:
    """A person's value is kept whole, in every language; for people, the languages that changed, marked."""
    [entry] = told(capsys, "--edited")
    assert (entry["id"], entry["edited"]) == (20, {"name": {"1": "Mon pull", "2": "Jumper"}})
    assert run(["audit", "--edited"]) == 0
    assert "name Mon pull (typed in the shop) → Pull " in capsys.readouterr().out
