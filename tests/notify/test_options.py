"""The options of `[notify]`: what they accept, and that the address of pings is a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcvsync.cli import Application
from lcvsync.cli.main import run
from lcvsync.config import Settings, load
from lcvsync.errors import ConfigurationError

SECRET = "https://hc-ping.example.com/5up3r-secret-uuid"
MINIMAL = """\
lcv = { url = "https://lcv.example.com", web_store = "WEB" }
prestashop = { url = "https://www.example.com", key = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567" }
[notify]
"""


def loaded(*lines: str, **environment: str) -> Settings:
    """The settings of a file with these lines under `[notify]`."""
    Path("lcvsync.toml").write_text(MINIMAL + "\n".join(lines))
    return load(None, environment)


def problem(line: str) -> str:
    """What is wrong with one line."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(line)
    [found] = caught.value.problems
    return found


def test_ping_url() -> None:
    """Typed, or kept elsewhere; a slash at its end doesn't matter."""
    assert loaded(f'ping_url = "{SECRET}/"').notify.ping_url.get_secret_value() == SECRET
    assert loaded('ping_url = "env:PING"', PING=SECRET).notify.ping_url.get_secret_value() == SECRET
    Path("ping").write_text(f"{SECRET}\n")
    assert loaded('ping_url = "file:ping"').notify.ping_url.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('ping_url = "hc-ping.example.com/5up3r"', "notify.ping_url: doesn't start with https:// or http://"),
        ('ping_url = "https://hc.example.com/?token=5up3r"', "notify.ping_url: has something behind ? or #"),
        ('command_on_failure = "mail me"', "notify.command_on_failure: is a text, expected a list"),
        ('command_after_changes = ["purge", ""]', "notify.command_after_changes: item 2 is empty, expected a text"),
        ("command_seconds = 0", "notify.command_seconds: is 0, expected at least 1"),
        ('prometheus_file = "lcvsync.txt"', 'notify.prometheus_file: is "lcvsync.txt", expected a path that ends with'),
        ("prometheus_file = 3", "notify.prometheus_file: is a whole number, expected a text"),
    ],
)
def test_problems(line: str, expected: str) -> None:
    """Each slip is named; the address of pings is not repeated."""
    found = problem(line)

    assert found.startswith(expected)
    assert "5up3r" not in found


def test_prometheus_file() -> None:
    """A relative path starts at the configuration's own directory."""
    assert loaded('prometheus_file = "a.prom"').notify.prometheus_file == str(Path("a.prom").absolute())


def test_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`config show` hides it, and the error handler knows it as a secret."""
    loaded(f'ping_url = "{SECRET}"')
    application = Application()
    assert run(["config", "show", "--json"], application) == 0

    shown = capsys.readouterr().out
    assert json.loads(shown)["options"]["notify.ping_url"] == {"value": "***", "source": "file"}
    assert SECRET in application.secrets
    loaded()
    assert run(["config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"]["notify.ping_url"]["value"] == ""
