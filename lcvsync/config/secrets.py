"""Which files the secrets of a configuration stand in, and who else can read them."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lcvsync.config import Settings

SECRETS: Final = (("prestashop", "key"), ("notify", "ping_url"))
"""Section and name of every option that is one."""
KEPT: Final = "association.json"
"""What `lcvsync.lcv.association` keeps."""


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


def known_secrets(settings: Settings) -> list[str]:
    """Every secret that a command may meet: those of the options, and the key to LCV that is kept beside the state."""
    known = [settings.prestashop.key.get_secret_value(), settings.notify.ping_url.get_secret_value()]
    with suppress(OSError, ValueError, LookupError, TypeError):
        known.append(str(json.loads((settings.state.directory / KEPT).read_bytes())["access_key"]))
    return known


def exposed(file: Path) -> list[str]:
    """A line for each file of *secret_files* that everybody on this machine can read or change, with the cure.

    It is a warning, not a refusal: a container's mount may have a mode that nobody can choose.
    """
    found = []
    for place, names in secret_files(file):
        with suppress(OSError):
            mode = place.stat().st_mode & 0o777
            if mode & 0o007:
                found.append(f"{place} holds {names} and is open to everybody (mode {mode:04o}): chmod o-rwx '{place}'")
    return found
