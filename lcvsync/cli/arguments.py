"""What is typed on the command line: numbers of records, files to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from lcvsync.errors import ConfigurationError


class Number(click.IntRange):
    """A whole number from 1 on that names a record; a wrong one is told where the right ones stand."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(min=1)
        self.name = what
        self._where = where

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number itself."""
        text = str(value)
        if not (text.isascii() and text.isdecimal() and 0 < len(text) < 19 and int(text)):
            self.fail(f"{text!r} is no {self.name}; {self._where}", param, ctx)
        return int(text)


RUN = Number("number of a run", "lcvsync runs lists them")
ORDER = Number("id of an order", "lcvsync orders list --all lists them")


def only_one(kinds: dict[str, bool]) -> str:
    """The one option of *kinds* that was given; "": none. Raises UsageError: several were."""
    given = [name for name, is_given in kinds.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(f'--{name}' for name in given)} exclude each other.")
    return given[0] if given else ""


def check_target(path: Path, what: str, is_one: Callable[[str], bool]) -> None:
    """Before work is done for a file. Raises ConfigurationError: it has no directory, or would replace another thing.

    *is_one*: whether a file that begins like this is an earlier *what*, which may be replaced.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"{path} can't be written: there is no directory {path.parent}", cure="make it, or name another file"
        )
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            start = file.read(4096)
    except OSError:  # it can't be read; whether it can be written is seen when it is
        return
    if start.strip() and not is_one(start):
        raise ConfigurationError(f"{path} is there, and is no {what}: it would be lost", cure="name another file")
