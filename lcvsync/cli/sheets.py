"""Sheets on the command line: FILE.csv or `-`, written as spreadsheets take it, read as they save it."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from lcvsync.cli.arguments import check_target
from lcvsync.cli.output import write
from lcvsync.domain.texts import printable
from lcvsync.errors import ConfigurationError

sheet_to_write = click.argument(
    "path", metavar="FILE.csv", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path)
)
sheet_to_read = click.argument(
    "path", metavar="FILE.csv", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
excel_option = click.option(
    "--excel", is_flag=True, help="Semicolons and a byte order mark, as Excel in French wants them."
)


def write_sheet(path: Path, columns: Sequence[str], lines: Iterable[Sequence[str]], *, excel: bool) -> bool:
    """Write a sheet; whether to a file, rather than to stdout. An earlier one of its kind is replaced.

    Raises ConfigurationError: it can't be written, or another thing would be lost.
    """
    file = io.StringIO()
    csv.writer(file, delimiter=";" if excel else ",", lineterminator="\n").writerows([columns, *lines])
    if str(path) == "-":
        text = file.getvalue().rstrip("\n")
        write("\n".join(map(printable, text.split("\n"))) if sys.stdout.isatty() else text)
        return False
    check_target(path, "sheet of this kind", lambda start: _is_sheet(start, columns))
    try:
        path.write_text(file.getvalue(), encoding="utf-8-sig" if excel else "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}", cure="name another file") from error
    return True


def _is_sheet(start: str, columns: Sequence[str]) -> bool:
    """Whether a file that begins like this has the first two columns of a sheet."""
    header = re.split("[,;\t]", start.partition("\n")[0].lower())
    return set(columns[:2]) <= {name.strip(' "\r') for name in header}


def sheet_content(path: Path) -> bytes:
    """The bytes of a sheet. Raises ConfigurationError."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
