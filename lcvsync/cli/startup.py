"""Importing a command's modules quickly: a run that cron starts every five minutes is little else."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = "httpx._main"
"""httpx's own command line. httpx imports it where Click and rich are installed, as here, and does well without."""


@contextmanager
def importing() -> Iterator[None]:
    """While a command's modules are imported: without httpx's command line, which is a fifth of a run's start.

    And without the collector: what is imported stays, and looking through it again and again is a tenth.
    """
    if "httpx" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    sys.modules[_PROGRAM] = None  # type: ignore[assignment] # so that its import fails (library reference, `sys`)
    try:
        yield
    finally:
        del sys.modules[_PROGRAM]
        gc.freeze()  # else the next collection would look through all of it
        gc.enable()
