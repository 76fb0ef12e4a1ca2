"""Cleaning of attribute values that no combination uses (`catalogue.clean_unused`)."""

from __future__ import annotations

from typing import Any

from .harness import SIZES, World


def _make_value(world: World, name: str) -> int:
    fields = {"id_attribute_group": int(SIZES), "name": {"1": name, "2": name}}
    return int(world.tell_shop("create", resource="product_option_values", fields=fields)["id"])


def _values(world: World) -> set[int]:
    rows: list[dict[str, Any]] = world.in_shop("product_option_values")
    return {int(row["id"]) for row in rows}


def test_what_nothing_uses_in_two_sweeps_goes(synced: World) -> None:
    """A value goes when two sweeps a week apart found it unused; one that is used, or used again, stays."""
    synced.settings["catalogue"] = {**synced.settings.get("catalogue", {}), "clean_unused": True}
    unused = _make_value(synced, "5XL")
    before = _values(synced)

    synced.sync()
    assert _values(synced) == before, "one sweep deletes nothing"
    synced.advance(days=6)
    synced.sync()
    assert _values(synced) == before, "nor does a sweep that isn't due"
    young = _make_value(synced, "6XL")
    synced.advance(days=2)
    report = synced.sync()

    assert unused not in _values(synced)
    assert young in _values(synced)
    assert report.changes["value"]["delete"] >= 1
    assert synced.problems() == []


def test_it_is_off_by_default(synced: World) -> None:
    """Without the option no value is ever deleted."""
    unused = _make_value(synced, "5XL")
    for _ in range(3):
        synced.advance(days=8)
        synced.sync()

    assert unused in _values(synced)
    assert "DELETE product_option_values" not in synced.written()
