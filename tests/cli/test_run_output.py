"""How a run is told to people."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest

from lcvsync.cli import run_output
from lcvsync.cli.run_output import difference, write_report
from lcvsync.planning.changes import Json
from lcvsync.runner.report import Report
from lcvsync.runner.spool import Spool

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_difference() -> None:
    """What changes, from what to what; what isn't known to have been there is `?`, and what stays isn't told."""
    before = {"quantity": None, "name": {"1": "Pull", "2": "Pull"}, "weight": "1"}
    after = {"quantity": 3, "name": {"1": "Pull Adèle", "2": "Pull"}, "weight": "1", "ean": ""}

    assert difference({"before": before, "after": after}) == "quantity ? → 3; name Pull → Pull Adèle"
    assert difference({"before": {"value": "0.2"}, "after": {}}) == "value 0.2 → –"


def line(number: int) -> dict[str, Json]:
    """A change of a plan."""
    after = {"quantity": number, "note": "Écru\u2028"}
    return {"kind": "stock", "action": "update", "key": f"S{number}", "before": {}, "after": after, "reason": ""}


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_plan_as_json(
    count: int, terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan is printed change by change, and is one object with the rest; laid out for people at a terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    report = Report("basic", NOW, plan=Spool(map(line, range(count))))

    write_report(report, as_json=True)

    said = capsys.readouterr().out
    assert json.loads(said) == {**report.as_json(), "plan": [line(number) for number in range(count)]}
    assert "\u2028" not in said
    assert said.count("\n") > 1 if terminal else said.count("\n") == 1


def test_long_plan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A table shows as much as people read, and says how much more there is."""
    monkeypatch.setattr(run_output, "PLAN_LINES", 3)

    write_report(Report("basic", NOW, plan=Spool(map(line, range(1003)))), as_json=False)

    said = capsys.readouterr()
    assert said.out.count("S2") == 1
    assert "S3" not in said.out
    assert "1,000 more" in said.err
