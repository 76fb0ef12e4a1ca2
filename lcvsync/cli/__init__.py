"""The command line: Click commands and what they print. Nothing else of the package knows Click or rich.

A command takes the `Application` (`@pass_application`), and returns its `ExitCode`, or nothing for success. What goes
wrong it raises; `lcvsync.cli.errors` is the only place that turns an exception into words and a code.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lcvsync.config import Settings


@dataclass
class Application:
    """What the options before the command say, and the settings once a command asks for them."""

    config_path: Path | None = None
    verbosity: int = 0
    """-1: errors only; 0: what matters; 1: more, and the causes of errors; 2: tracebacks as well."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    secrets: list[str] = field(default_factory=list, repr=False)
    """What no message and no report may hold: the secrets of the settings, the access key, a password typed."""
    loaded: Settings | None = field(default=None, init=False, repr=False)
    """The settings if a command asked for them; for the error handler, which must not load them itself."""

    @property
    def settings(self) -> Settings:
        """The settings, loaded at the first use. Raises ConfigurationError."""
        if self.loaded is None:
            from lcvsync import config  # noqa: PLC0415 - pydantic is slow to import, and not every command needs it
            from lcvsync.config.secrets import known_secrets  # noqa: PLC0415

            self.loaded = config.load(self.config_path, self.environment)
            self.secrets += known_secrets(self.loaded)
        return self.loaded

    @property
    def quiet(self) -> bool:
        """Whether only errors are told."""
        return self.verbosity < 0


pass_application = click.make_pass_decorator(Application)
