"""What the composition root does itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from lcvsync.bootstrap import state_copy
from lcvsync.config import Settings
from lcvsync.errors import ConfigurationError


def test_no_room_for_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run where nothing temporary can be written, as in a container with a read-only root, says what to do."""
    settings = Settings.model_validate(
        {
            "lcv": {"url": "https://lcv.example.com", "web_store": "WEB"},
            "prestashop": {"url": "https://www.example.com", "key": "K" * 32},
            "state": {"directory": tmp_path},
        }
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(ConfigurationError, match="temporary files can't be written") as caught, state_copy(settings):
        pass

    assert "TMPDIR" in caught.value.cure
