"""Importing a command's modules quickly: a run that cron starts every five minutes is little else."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDLESS = ("httpx._main", "trio")
"""What httpx and httpcore import where it is there, and do well without: httpx's own command line, which comes with
Click and rich, and another way to wait than ours."""


@contextmanager
def importing() -> Iterator[None]:
    """While a command's modules are imported: without what is needless, which is a fifth of a run's start, or more.

    And without the collector: what is imported stays, and looking through it again and again is a tenth.
    """
    needless = [name for name in _NEEDLESS if name not in sys.modules]
    if "httpx" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    for name in needless:
        sys.modules[name] = None  # type: ignore[assignment] # so that its import fails (library reference, `sys`)
    try:
        yield
    finally:
        for name in needless:
            del sys.modules[name]
        gc.freeze()  # else the next collection would look through all of it
        gc.enable()
