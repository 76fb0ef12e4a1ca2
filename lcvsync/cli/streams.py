"""Standard streams as cron, pipes, nohup and terminals that were closed leave them.

Nothing that happens to stderr stops a run: what can't be said is dropped. On stdout a reader who has left (`| head`) is
no failure either, the rest of the data is dropped; a full disk is one, told once. A stream that was closed (`>&-`) is
held by /dev/null, or the next file that is opened, the database say, would take its number.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from lcvsync.errors import Temporary

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer


class Talk(io.FileIO):
    """What is said to people."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override] # typeshed gives bytes an overload
        """Say it, if anybody can be told."""
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


class Data(io.FileIO):
    """What a command was asked for."""

    lost = False
    """Once something of it is lost, the rest is dropped: at the end of the program there is nobody to tell."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override] # typeshed gives bytes an overload
        """Give it to whoever reads. Raises Temporary when it can't be kept where it goes."""
        if not self.lost:
            try:
                return super().write(data)
            except BrokenPipeError:
                self.lost = True
            except OSError as error:
                self.lost = True
                raise Temporary(
                    f"standard output can't be written: {error.strerror}", cure="look at where it is sent to"
                ) from error
        return memoryview(data).nbytes


def prepare() -> None:
    """Make the standard streams such as this module says. A terminal that isn't UTF-8 gets \\u escapes."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a number; open to the end
    sys.stdout = _text(Data(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(Talk(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    encoding = before.encoding if before is not None else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True)
