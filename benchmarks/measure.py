"""A command in a process of its own, and what it cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_LAUNCH = Path(__file__).with_name("launch.py")
_OK = (0, 3)
"""Exit codes: done; done, but records failed."""


@dataclass(frozen=True)
class Cost:
    """Of one process."""

    seconds: float
    cpu: float
    """Seconds of the processor, the system's for it among them."""
    peak: int
    """Bytes of memory, at most."""
    started: float
    """Seconds since the epoch."""
    output: str = ""


def run(command: Sequence[str]) -> Cost:
    """Run *command*; raises RuntimeError with what it said when it fails."""
    with tempfile.NamedTemporaryFile(prefix="lcvsync-bench-") as file:
        launched = [sys.executable, "-I", "-S", str(_LAUNCH), file.name, *command]
        done = subprocess.run(
            launched, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(), check=False
        )
        if done.returncode not in _OK:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return Cost(**json.loads(Path(file.name).read_text(encoding="utf-8")), output=done.stdout)


def _environment() -> Mapping[str, str]:
    """This one, with modules that are compiled once and not at every start, as installed ones are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def alternating(commands: Mapping[str, Sequence[str]], times: int) -> dict[str, Cost]:
    """The median of several runs of each, one after the other in turn, so that the machine's moods meet all of them."""
    for command in commands.values():
        run(command)
    found = [{name: run(command) for name, command in commands.items()} for _ in range(times)]
    return {
        name: Cost(
            seconds=median(each[name].seconds for each in found),
            cpu=median(each[name].cpu for each in found),
            peak=int(median(each[name].peak for each in found)),
            started=found[0][name].started,
        )
        for name in commands
    }
