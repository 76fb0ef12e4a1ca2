"""`lcvsync config`: is the file right, and what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from pydantic import BaseModel, SecretStr

from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.output import json_option, talk, write_json, write_table
from lcvsync.config.secrets import exposed
from lcvsync.errors import ConfigurationError
from lcvsync.secrecy import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lcvsync.config import Settings


@click.group()
def config() -> None:
    """Check the configuration file, or show what is in force."""


@config.command()
@json_option
@pass_application
def check(application: Application, as_json: bool) -> ExitCode | None:
    """Find everything that is wrong in the configuration file.

    Nothing is contacted: `lcvsync doctor` tries the addresses and the keys. It warns of files with secrets that
    everybody can read, and of plain http to another machine.

    \b
    Examples:
      lcvsync config check
      lcvsync -c /etc/lcvsync/shop2.toml config check --json
    """
    try:
        file = application.settings.file
    except ConfigurationError as error:
        if not as_json:
            raise
        write_json({"ok": False, "message": str(error), "problems": error.problems, "warnings": []})
        return ExitCode.USAGE
    warnings = _warnings(application.settings)
    if as_json:
        write_json({"ok": True, "file": file, "problems": [], "warnings": warnings})
    else:
        talk(application, f"{file} is correct")
        for warning in warnings:
            talk(application, f"warning: {warning}")
    return None


def _warnings(settings: Settings) -> list[str]:
    """What is allowed, and seldom meant."""
    found = exposed(settings.file) if settings.file else []
    for name, url in (("lcv.url", settings.lcv.url), ("prestashop.url", settings.prestashop.url)):
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            found.append(f"{name} is plain http: whoever is on the way reads the key; write https://")
    return found


@config.command()
@json_option
@pass_application
def show(application: Application, as_json: bool) -> None:
    """Show every option, its value and whether it was set in the file. Secrets are shown as ***.

    \b
    Examples:
      lcvsync config show
      lcvsync config show --json
    """
    settings = application.settings
    options = list(_options(settings))
    talk(application, f"from {settings.file}", level=1 if as_json else 0)
    if as_json:
        values = {name: {"value": value, "source": source} for name, value, source in options}
        write_json({"file": settings.file, "options": values})
    else:
        write_table(
            ("option", "value", "from"),
            [(name, json.dumps(value, ensure_ascii=False), source) for name, value, source in options],
        )


def _options(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object, str]]:
    """The dotted name of every option under *model*, its value fit to be shown, and "file" or "default"."""
    for name, value in model:
        if isinstance(value, BaseModel):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _shown(value), "file" if name in model.model_fields_set else "default"


def _shown(value: object) -> object:
    match value:
        case SecretStr():
            return "***" if value.get_secret_value() else ""
        case Path():
            return str(value)
        case _:
            return value
