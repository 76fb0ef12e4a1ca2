"""What is typed on the command line, before anything is done with it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from lcvsync.cli.arguments import RUN, check_target, only_one
from lcvsync.cli.sheets import write_sheet
from lcvsync.errors import ConfigurationError

COLUMNS = ("kind", "code", "label")


@pytest.mark.parametrize("typed", ["abc", "0", "-1", "1.5", "", "٣", "9" * 19])
def test_number(typed: str) -> None:
    """A wrong number is told where the right ones stand."""
    with pytest.raises(click.BadParameter, match="is no number of a run; lcvsync runs lists them"):
        RUN.convert(typed, None, None)
    assert RUN.convert("12", None, None) == 12


def test_only_one() -> None:
    """Options that say different things aren't decided by their order."""
    assert (only_one({"local": True, "revoke": False}), only_one({"local": False})) == ("local", "")
    with pytest.raises(click.UsageError, match="--local and --revoke exclude each other"):
        only_one({"local": True, "revoke": True})


def test_target(tmp_path: Path) -> None:
    """An earlier sheet is replaced, whatever a spreadsheet made of it; another file, or no directory, is refused."""
    sheet, note = tmp_path / "sheet.csv", tmp_path / "note.txt"
    for excel in (True, False):
        assert write_sheet(sheet, COLUMNS, [("brand", "M001", "Armor")], excel=excel)
    sheet.write_text('\ufeff"Kind"\t"Code"\r\nbrand\tM001\r\n', encoding="utf-8")
    assert write_sheet(sheet, COLUMNS, [], excel=False)
    sheet.write_text("")
    assert write_sheet(sheet, COLUMNS, [], excel=False)

    note.write_text("dear diary")
    for path, problem in ((note, "is there, and is no sheet"), (tmp_path / "no" / "x.csv", "there is no directory")):
        with pytest.raises(ConfigurationError, match=problem):
            write_sheet(path, COLUMNS, [], excel=False)
    assert note.read_text() == "dear diary"
    check_target(Path("/dev/null"), "plan", lambda start: False)
