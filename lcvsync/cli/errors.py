"""One error handler, one exit: what a failure says and which code it ends with (`docs/exit-codes.md`).

Three outcomes. An expected failure (`LcvsyncError`, wrong usage) is one line and what to do about it. An interruption
is 130 or 143. Anything else is a bug: its report goes to a file that can be sent to the maintainers as it is, without
secrets and without local variables, and the same bug every five minutes fills one file, not the disk.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import tempfile
import traceback
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from lcvsync import __version__
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.secrecy import forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from lcvsync.cli import Application


class ExitCode(IntEnum):
    """How a command ends; `docs/exit-codes.md` gives cause and cure of each."""

    DONE = 0
    FAILURE = 1
    USAGE = 2
    RECORDS_FAILED = 3
    REFUSED = 4
    TEMPORARY = 5
    HELD = 6
    TIME_BUDGET = 10
    LOCKED = 11
    INTERRUPTED = 130
    TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM, or SIGHUP of a terminal that was closed, as KeyboardInterrupt is SIGINT."""


def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """The handler of SIGTERM and SIGHUP."""
    raise Terminated


def failure(error: BaseException, application: Application) -> int:
    """Tell *error* on stderr and return its exit code."""
    match error:
        case LcvsyncError():
            return _expected(error, application)
        case click.UsageError():
            _misplaced(error).show()
            return ExitCode.USAGE
        case KeyboardInterrupt() | Terminated() | click.Abort() | click.ClickException():
            message, code = _short(error)
            _say(f"lcvsync: {_line(message)}")
            return code
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        case _:
            return _unexpected(error, application)


_BEFORE = frozenset({"-v", "--verbose", "-q", "--quiet", "-c", "--config"})
"""Options of lcvsync itself, which people type behind the command."""


def _misplaced(error: click.UsageError) -> click.UsageError:
    """*error*, with the right place of an option that belongs before the command."""
    if not (isinstance(error, click.NoSuchOption) and error.option_name in _BEFORE and error.ctx):
        return error
    place = f"lcvsync {error.option_name} {error.ctx.command_path.removeprefix('lcvsync ')} ..."
    return click.UsageError(f"{error.format_message()} It goes before the command: {place}", error.ctx)


def _short(error: BaseException) -> tuple[str, ExitCode]:
    """What to say of an interruption, or of one of Click's own errors."""
    match error:
        case click.ClickException():
            return error.format_message(), ExitCode.USAGE
        case click.Abort() if isinstance(error.__context__, EOFError):
            return "the input ended before a question was answered", ExitCode.USAGE
        case Terminated():
            return "terminated", ExitCode.TERMINATED
        case _:
            return "interrupted", ExitCode.INTERRUPTED


def _expected(error: LcvsyncError, application: Application) -> int:
    def clean(text: str) -> str:
        return _line(redact(text, application.secrets))

    _say(f"lcvsync: {clean(str(error))}")
    if isinstance(error, ConfigurationError):
        for problem in error.problems:
            _say(f"  - {clean(problem)}")
    if application.verbosity == 1:
        for cause in _causes(error):
            _say(f"  because of {type(cause).__name__}: {clean(str(cause))}")
    if error.cure:
        _say(f"  → {clean(error.cure)}")
    if application.verbosity > 1:
        _say(redact(_traceback(error), application.secrets))
    return error.exit_code


def _unexpected(error: BaseException, application: Application) -> int:
    text = redact(_traceback(error), application.secrets)
    message = redact(f"{type(error).__name__}: {error}", application.secrets)
    _say(f"lcvsync: unexpected failure: {_line(message)}")
    path = write_report(text, _digest(error), _directories(application))
    if path:
        _say(f"  → please report it with {path} (secrets are left out of it)")
    if application.verbosity > 1 or not path:
        _say(text)
    return ExitCode.FAILURE


def write_report(text: str, digest: str, directories: Iterable[Path]) -> Path | None:
    """Write a report of a bug into the first directory that takes it, for its owner alone; None if none does.

    *digest* names the bug: the same one again replaces its report.
    """
    head = f"lcvsync {__version__}\nPython {platform.python_version()}\n{platform.platform()}\n\n"
    for directory in directories:
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(prefix="lcvsync-error-", suffix=".txt", dir=directory)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(head + text)
            path = directory / f"lcvsync-error-{digest}.txt"
            with suppress(OSError):
                return Path(name).replace(path)
            return Path(name)
    return None


def _directories(application: Application) -> Iterator[Path]:
    """The state directory when it is known and there, then the one for temporary files."""
    if application.loaded and application.loaded.state.directory.is_dir():
        yield application.loaded.state.directory
    with suppress(OSError):
        yield Path(tempfile.gettempdir())


_SECRETS = (
    (re.compile(r"(?i)\b(basic|bearer)(\s+)[\w+/=.~-]{16,}"), r"\1\2***"),
    (re.compile(r"""(?i)\b(ws_key|access_key|password|token)(["']?\s*[=:]\s*["']?)[^\s"'&,;)]+"""), r"\1\2***"),
    (re.compile(r"://[^/\s@]+@"), "://***@"),
    (re.compile(r"\b[A-Z0-9]{32}\b"), "***"),
)
"""What looks like a secret: HTTP credentials, named values, URLs with a password, PrestaShop's keys."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """*text* with `***` for every one of *secrets*, in all forms that programs write, and for what looks like one."""
    for form in forms(secrets):
        text = text.replace(form, "***")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _causes(error: BaseException) -> Iterator[BaseException]:
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield cause
        error = cause


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _digest(error: BaseException) -> str:
    """The same for the same failure at the same place, whatever record it was about."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in frames)]
    return hashlib.sha256("\n".join(places).encode()).hexdigest()[:12]


def _line(text: str) -> str:
    """One line that no text from outside can break or colour."""
    from lcvsync.domain.texts import printable  # noqa: PLC0415 - start-up time

    return printable(" ".join(text.split()))


def _say(text: str) -> None:
    click.echo(text, err=True)
