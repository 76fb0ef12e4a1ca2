"""A plan as a file, for people to review: `plan -o FILE` writes it, `apply FILE` reads it (docs/guards.md).

JSON with a head and one change a line, each whole, so that it can be compared exactly with a plan that is made later.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Change, Json
from lcvsync.runner.spool import Spool
from lcvsync.state.encoding import change_of, encode

FORMAT = 1
"""Grows when an older lcvsync would misread a file."""
_TEXTS = ("key", "product", "sku", "article", "reason")
_ANOTHER = "make another with: lcvsync plan -o FILE"


@dataclass(frozen=True)
class Head:
    """What a plan was made for."""

    shop: str
    """Address of the shop."""
    shop_id: int | None
    """`prestashop.shop_id`."""
    mode: str
    created_at: datetime
    lcvsync: str
    """Version that made it; for people."""


@dataclass(frozen=True)
class PlanFile:
    """A plan that was read."""

    head: Head
    lines: Spool
    articles: tuple[str, ...]
    """Those whose plan it is, in order."""


def write_plan(path: Path, head: Head, changes: Iterable[Change]) -> int:
    """Write a plan whole or not at all, for its owner alone; how many changes. Raises ConfigurationError: it can't."""
    number = 0
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(_opening(head))
                for change in changes:
                    file.write(f"{',' if number else ''}\n{encode(change)}")
                    number += 1
                file.write("\n]}\n")
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}", cure="name another file") from error
    return number


def _opening(head: Head) -> str:
    facts = {**asdict(head), "created_at": head.created_at.isoformat()}
    return f'{json.dumps({"format": FORMAT, **facts}, ensure_ascii=False)[:-1]}, "changes": ['


def read_plan(path: Path) -> PlanFile:
    """The plan of a file. Raises ConfigurationError: none, damaged, or of another version."""
    try:
        try:
            data, changes = _line_by_line(path)
        except ValueError:  # somebody laid it out otherwise
            data, changes = _whole(path)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}", cure="name a file of plan -o") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no plan, or is damaged: {error}", cure=_ANOTHER) from error
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ConfigurationError(f"{path} is no plan of lcvsync", cure=_ANOTHER)
    if data["format"] != FORMAT:
        other = f"plans of format {data['format']}, this lcvsync reads format {FORMAT}"
        raise ConfigurationError(f"{path} was made by a lcvsync that writes {other}", cure=_ANOTHER)
    return _plan(path, data, changes)


def _line_by_line(path: Path) -> tuple[Json, Spool]:
    """The head and the changes of a file as `write_plan` writes it, or with lines deleted. Raises ValueError."""
    with path.open("rb") as file:
        head = json.loads(file.readline().rstrip() + b"]}")
        changes = Spool(json.loads(line) for each in file if (line := each.strip().removesuffix(b",")) != b"]}")
        file.seek(-4, os.SEEK_END)
        if file.read() != b"\n]}\n":
            raise ValueError("it has no end")
    return head, changes


def _whole(path: Path) -> tuple[Json, Spool]:
    data = json.loads(path.read_bytes())
    changes = data.get("changes") if isinstance(data, dict) else None
    if not isinstance(changes, list):
        raise ValueError("it has no list of changes")
    return data, Spool(changes)


def _plan(path: Path, data: dict[str, Json], lines: Spool) -> PlanFile:
    articles: dict[str, None] = {}
    try:
        created = datetime.fromisoformat(data["created_at"])
        head = Head(data["shop"], data["shop_id"], data["mode"], created, data["lcvsync"])
        for number, line in enumerate(lines, start=1):
            if not _is_change(line):
                raise ValueError(f"change {number} is none")
            if article := line.get("article"):
                articles[article] = None
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ConfigurationError(f"{path} is damaged: {what}", cure=_ANOTHER) from error
    return PlanFile(head, lines, tuple(articles))


def _is_change(data: Json) -> bool:
    """Whether it can be read back as the change that it was."""
    if not isinstance(data, dict):
        return False
    try:
        change = change_of(dict(data))
    except (TypeError, ValueError, KeyError):
        return False
    return (
        all(isinstance(getattr(change, name), str) for name in _TEXTS)
        and all(isinstance(getattr(change, name), dict) for name in ("before", "after", "if_held"))
        and type(change.id) is int
    )
