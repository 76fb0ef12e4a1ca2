"""The guards that every test stands behind, and how hard Hypothesis tries.

No test reaches the network but loopback, nor the home, the configuration, the state or the working directory of whoever
runs it. `tests/cli/test_foundations.py` proves that the guards hold.

Hypothesis has two profiles. "dev" is quick and always the same, so that a failure is the change's and not the day's.
"deep" is thorough and random; tests marked `deep` always use it, `HYPOTHESIS_PROFILE=deep` makes all of them do so.
"""

from __future__ import annotations

import gc
import itertools
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import InvalidArgument
from pytest_socket import socket_allow_hosts

from lcvsync.domain import colours, suggestions, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

gc.set_threshold(50_000, 20, 50)
"""Emulated shops are many small objects that live on: looking through them for garbage takes a tenth of the time."""

LOOPBACK = ("127.0.0.1", "::1")
_LOCAL_NAMES = {None, "", "localhost", *LOOPBACK}
_resolve = socket.getaddrinfo
_numbers = itertools.count()

os.umask(0o077)  # the configurations that tests write hold keys
hypothesis.settings.register_profile("dev", max_examples=30, derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile(
    "mutants",  # `make mutants` runs each test many times in one process, and asks only whether it fails
    hypothesis.settings.get_profile("dev"),
    suppress_health_check=[hypothesis.HealthCheck.differing_executors],
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.register_profile(
    "deep",
    max_examples=1000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
hypothesis.settings.load_profile(_PROFILE)
set_hypothesis_home_dir(str(Path(__file__).parents[1] / ".hypothesis"))  # or it would be in a test's own directory


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Give what is marked `deep` the deep profile, unless it has settings of its own."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("deep"):
            _deepen(item)


def _deepen(item: pytest.Function) -> None:
    deep = hypothesis.settings.get_profile("deep")
    if item.cls is not None and isinstance(getattr(item.cls, "settings", None), hypothesis.settings):
        own: hypothesis.settings = item.cls.settings  # a state machine's TestCase
        if own.max_examples == hypothesis.settings.get_profile(_PROFILE).max_examples:
            item.cls.settings = hypothesis.settings(
                deep, stateful_step_count=own.stateful_step_count, suppress_health_check=own.suppress_health_check
            )
    elif hypothesis.is_hypothesis_test(item.function):
        try:
            deep(item.function)
        except InvalidArgument:
            return  # decorated already: its own settings, or another parameter set of the same function


def pytest_sessionstart() -> None:
    """Forget what an earlier session of this process reckoned: `make mutants` has one for each change of the code."""
    for value in (value for module in (colours, suggestions, texts) for value in vars(module).values()):
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def pytest_runtest_setup() -> None:
    """Refuse every connection but those to loopback, for fixtures as well as for the test."""
    socket_allow_hosts(list(LOOPBACK), allow_unix_socket=True)


def _resolve_loopback(host: Any, *arguments: Any, **options: Any) -> Any:
    """`getaddrinfo` that asks no name server: pytest-socket guards connections only."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOCAL_NAMES:
        return _resolve(host, *arguments, **options)
    if name.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")  # as RFC 6761 promises
    raise RuntimeError(f"a test tried to resolve {name!r}; only loopback is allowed")


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home, configuration, state, working and temporary directory for this test alone, apart from its `tmp_path`."""
    # not mktemp(), which looks through the directories of all tests before this one
    root = tmp_path_factory.getbasetemp() / "isolated" / str(next(_numbers))
    home, work, temporary = root / "home", root / "work", root / "tmp"
    for directory in (home, work, temporary):
        directory.mkdir(parents=True)
    monkeypatch.setattr(socket, "getaddrinfo", _resolve_loopback)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.delenv("LCVSYNC_CONFIG", raising=False)
    monkeypatch.setattr("lcvsync.config.SYSTEM_FILE", root / "etc" / "config.toml")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(work)
