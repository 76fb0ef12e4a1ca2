"""Which files the secrets of a configuration stand in; for `lcvsync doctor`, which looks at who can read them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

SECRETS: Final = (("prestashop", "key"), ("notify", "ping_url"))
"""Section and name of every option that is one."""


def secret_files(file: Path) -> list[tuple[Path, str]]:
    """Each file that holds secrets, and which; none for those of the environment. The file must have been loaded."""
    raw = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    found: dict[Path, list[str]] = {}
    for section, name in SECRETS:
        value = str(raw.get(section, {}).get(name, ""))
        kind, _, rest = value.partition(":")
        if value and kind != "env":
            place = file.parent / Path(rest).expanduser() if kind == "file" else file
            found.setdefault(place, []).append(f"{section}.{name}")
    return [(place, " and ".join(names)) for place, names in found.items()]
