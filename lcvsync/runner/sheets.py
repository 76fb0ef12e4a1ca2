"""Sheets: what people get as CSV, change in a spreadsheet and give back."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence

from lcvsync.errors import ConfigurationError

_RISKY = ("=", "+", "-", "@", "'", "\t", "\r")
"""What a cell begins with that a spreadsheet would reckon with; an apostrophe before it makes it a text."""


def sheet_cell(text: str) -> str:
    """*text* as a cell that no spreadsheet takes for a formula; `read_cells` gives it back as it was."""
    return f"'{text}" if text.startswith(_RISKY) else text


def read_cells(content: bytes, columns: Sequence[str], required: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV file by number, each as its cells by column: UTF-8, comma, semicolon or tab.

    Columns may be in any order; *columns* are those that messages name. Raises ConfigurationError.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"line {line} isn't UTF-8", cure="save the sheet as “CSV UTF-8”") from None
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if missing := set(required) - set(header):
            raise ConfigurationError(
                f"line 1: no column {', '.join(sorted(missing))}", cure=f"the columns are {', '.join(columns)}"
            )
        least = 1 + max(header.index(name) for name in required)
        return [(rows.line_num, _cells(rows.line_num, header, row, least)) for row in rows if any(map(str.strip, row))]
    except csv.Error as error:
        raise ConfigurationError(f"line {rows.line_num}: {error}", cure="check its quotes") from None


def _cells(number: int, header: list[str], row: list[str], least: int) -> dict[str, str]:
    if len(row) > len(header) or len(row) < least:
        raise ConfigurationError(
            f"line {number}: it has {len(row)} cells, the header {len(header)}", cure="check its quotes and separators"
        )
    plain = [cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell for cell in row]
    return dict(zip(header, plain, strict=False))
