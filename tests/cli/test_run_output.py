"""How a run is told to people."""

from __future__ import annotations

from lcvsync.cli.run_output import difference


def test_difference() -> None:
    """What changes, from what to what; what isn't known to have been there is `?`, and what stays isn't told."""
    before = {"quantity": None, "name": {"1": "Pull", "2": "Pull"}, "weight": "1"}
    after = {"quantity": 3, "name": {"1": "Pull Adèle", "2": "Pull"}, "weight": "1", "ean": ""}

    assert difference({"before": before, "after": after}) == "quantity ? → 3; name Pull → Pull Adèle"
    assert difference({"before": {"value": "0.2"}, "after": {}}) == "value 0.2 → –"
