"""Sheets on the command line: FILE.csv or `-`, written as spreadsheets take it, read as they save it."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from lcvsync.cli.output import write
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
    """Write a sheet; whether to a file, rather than to stdout. Raises ConfigurationError."""
    file = io.StringIO()
    csv.writer(file, delimiter=";" if excel else ",", lineterminator="\n").writerows([columns, *lines])
    if str(path) == "-":
        write(file.getvalue().rstrip("\n"))
        return False
    try:
        path.write_text(file.getvalue(), encoding="utf-8-sig" if excel else "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from error
    return True


def sheet_content(path: Path) -> bytes:
    """The bytes of a sheet. Raises ConfigurationError."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
