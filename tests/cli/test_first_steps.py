"""Whoever begins types commands before their time: each names the one that comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcvsync.cli.main import run

EARLY = [
    ("sync", 4, "lcvsync associate"),
    ("takeover scan", 2, "lcvsync pull-config"),
    ("takeover accept", 2, "lcvsync takeover scan"),
    ("product list", 0, "lcvsync takeover scan"),
    ("product link ROBE 1", 2, "lcvsync pull-config"),
    ("map list", 0, "lcvsync pull-config"),
    ("map suggest", 0, "lcvsync pull-config"),
    ("map export -", 0, "lcvsync pull-config"),
    ("map set brand M001 create", 2, "lcvsync pull-config"),
    ("why ROBE", 2, "lcvsync pull-config"),
    ("orders list", 0, "lcvsync adopt"),
    ("adopt --yes", 4, "lcvsync associate"),
    ("undo 1 --yes", 2, "lcvsync runs"),
    ("plan -o no/plan.json", 2, "there is no directory no"),
    ("apply lcvsync.toml", 2, "lcvsync plan -o FILE"),
]


@pytest.mark.parametrize(("typed", "code", "named"), EARLY, ids=[typed for typed, _, _ in EARLY])
def test_too_early(typed: str, code: int, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On an empty state, without an association, and with nobody at either address."""
    Path("lcvsync.toml").write_text(
        '[lcv]\nurl = "https://127.0.0.1:9"\nweb_store = "WEB"\n[state]\ndirectory = "state"\n'
        f'[prestashop]\nurl = "http://127.0.0.1:9"\nkey = "{"K" * 32}"\n'
    )

    assert run(typed.split()) == code
    assert named in capsys.readouterr().err
