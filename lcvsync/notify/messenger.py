"""The port `Messenger` on this machine: HTTP, processes, files."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from lcvsync.errors import LcvsyncError
from lcvsync.receiving import Patience, bound
from lcvsync.transport import Limits, harden, make_client, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import IO

LIMITS = Limits(connect_seconds=5.0, read_seconds=10.0, total_seconds=20.0)
"""Of a ping; the answer's body isn't read."""
_READABLE = 0o644
"""The collector that reads the file is another user; there are only numbers in it."""


class SystemMessenger:
    """Pings below *ping_url*, which may be "", and commands that get *seconds* each."""

    def __init__(
        self, ping_url: str, seconds: float, *, limits: Limits = LIMITS, secrets: Collection[str] = ()
    ) -> None:
        """*secrets*: no command gets a variable of the environment that holds one of them."""
        self._url = ping_url
        self._seconds = seconds
        self._limits = limits
        self._secrets = frozenset(secrets)

    def ping(self, suffix: str, text: str = "") -> str:
        """GET the address with *suffix*, or POST *text* to it; "" or what went wrong, without the address."""
        if not self._url:
            return ""
        try:
            with make_client(self._url, _trust(self._url), self._limits, {}) as client:
                patience = Patience(self._limits.total_seconds)
                bound(client, patience)
                with patience.lasting():
                    return self._asked(client, suffix, text)
        except httpx.TimeoutException:
            return "no answer in time"
        except (httpx.HTTPError, LcvsyncError, ssl.SSLError, OSError) as error:
            return f"no answer ({type(error).__name__})"  # its own words may quote the address

    def _asked(self, client: httpx.Client, suffix: str, text: str) -> str:
        method, content = ("POST", text.encode()) if text else ("GET", None)
        headers = {"Content-Type": "text/plain; charset=utf-8"} if text else {}
        with client.stream(method, self._url + suffix, content=content, headers=headers) as response:
            return "" if response.is_success else f"answered {response.status_code}"

    def run(self, command: Sequence[str], text: str, environment: Mapping[str, str]) -> str:
        """Run *command* with *text* as its input; "" or what went wrong. It and what it started end with its time.

        Input and errors go through files: a command that reads nothing, or leaves something running in the background,
        holds up nobody. What it prints is dropped, because stdout is lcvsync's data.
        """
        try:
            with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
                given.write(text.encode())
                given.seek(0)
                process = subprocess.Popen(  # noqa: S603 - the configuration's own command, no shell
                    list(command),
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env={**self._inherited(), **environment},
                    start_new_session=True,
                )
                return self._awaited(process, said)
        except OSError as error:
            return f"can't be started: {error.strerror}"
        except ValueError:  # an argument that this locale can't write
            return "can't be started: the locale of this process has no such characters"

    def _inherited(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not any(s in value for s in self._secrets)}

    def _awaited(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
        try:
            code = process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            return f"took longer than {self._seconds:g} s, and was ended"
        finally:  # an interruption of lcvsync ends it too
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code == 0:
            return ""
        said.seek(0)
        lines = said.read(100_000).decode(errors="replace").strip().splitlines()
        return f"ended with {code}" + (f": {one_line(lines[-1])}" if lines else "")

    def write(self, path: Path, text: str) -> str:
        """Put *text* in place of the file, whole or not at all; "" or what went wrong."""
        draft = ""
        try:
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).chmod(_READABLE)
            Path(draft).replace(path)
        except OSError as error:
            if draft:
                Path(draft).unlink(missing_ok=True)
            return f"can't write {path}: {error.strerror}"
        return ""


def _trust(url: str) -> ssl.SSLContext:
    """What this system trusts; plain http needs none of its authorities, whose loading takes 40 ms."""
    plain = url.startswith("http:")
    return harden(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else ssl.create_default_context())
