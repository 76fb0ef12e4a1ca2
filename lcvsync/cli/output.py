"""stdout is data, stderr is talk.

Data is a table for people (drawn on a terminal, plain columns otherwise) or JSON with `--json`. Text from outside is
never read as markup and never reaches a terminal with its control characters. Progress is drawn on a terminal only:
under cron a good run prints nothing.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from textwrap import indent
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from rich.console import Console
    from rich.progress import TaskID

    from lcvsync.cli import Application

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON need not escape, and a terminal would obey, or no encoding can write."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""`--json`, the parameter `as_json`, of every command that reads."""


def write(text: str, end: str = "\n") -> None:
    """Print data; `lcvsync.cli.streams` knows what to do where it can't go."""
    click.echo(text + end, nl=False)


def write_json(value: object) -> None:
    """Print *value* as JSON. Decimals become texts, so that no amount is rounded; times become ISO 8601."""
    write(_json(value))


def write_long_json(value: Mapping[str, object], name: str, items: Iterable[object]) -> None:
    """Print an object as JSON with one more member, a list that is longer than memory has room for."""
    new_line, step = ("\n", "  ") if sys.stdout.isatty() else ("", "")
    write(f'{_json(value)[:-1].rstrip()},{new_line or " "}{step}"{name}": [', end="")
    between = new_line
    for item in items:
        write(between + indent(_json(item), step * 2), end="")
        between = f",{new_line or ' '}"
    write(f"{new_line}{step}]{new_line}}}")


def _json(value: object) -> str:
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, default=_as_json, ensure_ascii=not utf8, indent=2 if sys.stdout.isatty() else None)
    return _UNSAFE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _as_json(value: object) -> object:
    if isinstance(value, date):  # and datetime, which is one
        return value.isoformat()
    if isinstance(value, (Decimal, PurePath)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def write_records(records: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print records: all of them whole as a JSON array, or the *columns* (member → heading) as a table."""
    if as_json:
        write_json(records)
    else:
        write_table(list(columns.values()), [[record.get(name) for name in columns] for record in records])


def write_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; nothing at all when it has no rows."""
    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        return
    if sys.stdout.isatty():
        _draw(headings, cells)
    else:
        write("\n".join(_columns([list(headings), *cells])))


def cell(value: object) -> str:
    """*value* as one line of text that is safe to show."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(cell(item) for item in value)
        case _:
            return clean(str(value))


def clean(text: str) -> str:
    """*text* on one line, without what a terminal would obey."""
    from lcvsync.domain.texts import printable  # noqa: PLC0415 - start-up time

    return printable(" ".join(text.split()))


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal; a record in lines of its own where the terminal is too narrow for it.

    Names and times stay whole, prose is broken; nothing is cut off, a cure least of all.
    """
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=sys.stdout)
    table = Table(box=None, pad_edge=False)
    least = 0
    for heading, column in zip(headings, zip(*rows, strict=True), strict=True):
        widest = max(map(len, (heading, *column)))
        whole = widest <= _SHORT or not any(" " in text for text in column)
        least += 2 + (widest if whole else max(_NARROW, *map(len, heading.split())))
        table.add_column(Text(heading), no_wrap=whole, overflow="fold")
    if least - 2 > console.width and len(headings) > _FEW:
        for row in rows:
            _draw_lines(console, headings, row)
        return
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)


_SHORT = 20
"""A text of so many characters isn't broken: a time, an amount."""
_NARROW = 10
"""The least room in which prose is still read."""
_FEW = 3
"""So many columns stay a table."""


def _draw_lines(console: Console, headings: Sequence[str], row: Sequence[str]) -> None:
    """One record, a line for each of its values that isn't empty."""
    from rich.table import Table  # noqa: PLC0415 - start-up time
    from rich.text import Text  # noqa: PLC0415

    lines = Table(box=None, pad_edge=False, show_header=False)
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for heading, text in zip(headings, row, strict=True):
        if text:
            lines.add_row(Text(heading), Text(text))
    console.print(lines)
    console.print()


def talk(application: Application, message: str, *, level: int = 0) -> None:
    """Tell people something on stderr, from verbosity *level* on (0: unless `-q`; 1: with `-v`)."""
    if application.verbosity >= level:
        click.echo(clean(message), err=True)


class SilentReporter:
    """A `lcvsync.ports.Reporter` that says nothing: cron, tests. With *notes* (`-v`) its notes are lines on stderr."""

    def __init__(self, *, notes: bool = False) -> None:
        self.notes = notes

    def step(self, name: str, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, count: int = 1) -> None:
        """Nothing to show."""

    def note(self, message: str) -> None:
        """A line, if notes are wanted."""
        if self.notes:
            click.echo(clean(message), err=True)

    def done(self) -> None:
        """Nothing to clear. Repeatable; leaving it as a context manager does it too, so that an error stands alone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done()


class TerminalReporter(SilentReporter):
    """A progress bar on stderr, gone when the work is done; notes stay above it."""

    def __init__(self) -> None:
        super().__init__(notes=True)
        from rich.console import Console  # noqa: PLC0415 - start-up time
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        text = TextColumn("{task.description}", markup=False)
        self._progress = Progress(text, BarColumn(), MofNCompleteColumn(), console=Console(stderr=True), transient=True)
        self._task: TaskID | None = None

    def step(self, name: str, total: int | None = None) -> None:
        """Replace the bar by one for this step."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._progress.start()
        self._task = self._progress.add_task(clean(name), total=total)

    def advance(self, count: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def note(self, message: str) -> None:
        """A line above the bar."""
        self._progress.console.print(clean(message), markup=False, highlight=False)

    def done(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def reporter(application: Application) -> SilentReporter:
    """The one that fits: a bar for people at a terminal, silence under cron or with `-q`; a context manager."""
    if sys.stderr.isatty() and not application.quiet:
        return TerminalReporter()
    return SilentReporter(notes=application.verbosity > 0)
