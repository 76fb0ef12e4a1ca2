"""Draw docs/terminal.svg, the picture of the README (`make picture`): real commands on both emulators, at a terminal.

What is shown is what was printed; where it is cut, "…" says so. The clock starts at the same time always, so that one
drawing differs from the next only by the seconds that runs took.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import time_machine
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from lcvsync.cli import Application
from lcvsync.cli.demo_commands import BY_HAND
from lcvsync.cli.main import run
from lcvsync.demo.till import shop_opens
from lcvsync.demo.world import PASSWORD, USERNAME, World, open_world

PICTURE = Path(__file__).parent / "terminal.svg"
COLUMNS = 110
ARTICLES = 20
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SURROUNDINGS = {"COLUMNS": str(COLUMNS), "LINES": "50", "TERM": "dumb", "TZ": "UTC"}
"""A terminal too dumb for progress bars."""

THEME = TerminalTheme((24, 26, 33), (214, 217, 224), [(0, 0, 0)] * 8)
GREEN, GREY = "#7ee787", "#8b93a3"
FORMAT = """\
<svg role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>lcvsync at a terminal</title>
<style>
.{unique_id}-matrix {{
  font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""That of rich without the fonts, which it would fetch from elsewhere."""


class Terminal(io.StringIO):
    """What a command takes for a terminal."""

    def isatty(self) -> bool:
        """As a terminal says it."""
        return True


class Scene:
    """Runs commands on a world, and draws those that are to be seen."""

    def __init__(self, world: World, directory: Path) -> None:
        self._file = directory / "lcvsync.toml"
        self._file.write_text(world.configuration(), encoding="utf-8")
        self._canvas = Console(
            record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )

    def run(self, *arguments: str, typed: str = "") -> str:
        """What a command prints. Raises SystemExit where it fails."""
        shown = Terminal()
        with _typed(typed), contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            code = run(arguments, Application(environment={**os.environ, "LCVSYNC_CONFIG": str(self._file)}))
        if code:
            raise SystemExit(f"lcvsync {shlex.join(arguments)} ended with {code}:\n{shown.getvalue()}")
        return shown.getvalue().strip()

    def show(self, remark: str, *arguments: str, since: str = "", until: str = "") -> None:
        """Draw a remark, a command line, and its output, from a line that begins with *since* to one before *until*."""
        text = self.run(*arguments)
        if since:
            text = f"…\n{since}{_parted(text, since)[1]}"
        if until:
            text = f"{_parted(text, until)[0].rstrip()}\n…"
        self._canvas.print(Text(f"# {remark}", GREY))
        self._canvas.print(Text.assemble(("$ ", GREEN), (shlex.join(["lcvsync", *arguments]), "bold")))
        self._canvas.print(Text(f"{text}\n"))

    def drawn(self) -> str:
        """The picture."""
        return self._canvas.export_svg(title="", theme=THEME, code_format=FORMAT, unique_id="lcvsync")


def _parted(text: str, beginning: str) -> tuple[str, str]:
    """What is before and behind the *beginning* of a line. Raises SystemExit where no line begins so (any more)."""
    before, found, behind = text.partition(f"\n{beginning}")
    if not found:
        raise SystemExit(f"no line begins with {beginning!r}:\n{text}")
    return before, behind


@contextlib.contextmanager
def _typed(text: str) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _set_up(scene: Scene, world: World) -> None:
    """What the demo does before its first synchronisation; one brand and the occasions are left."""
    login = ("--url", world.lcv_url, "--username", USERNAME, "--fingerprint", world.fingerprint)
    scene.run("associate", *login, "--password-stdin", typed=PASSWORD)
    scene.run("pull-config")
    scene.run("map", "suggest", "--accept")
    for arguments in (*BY_HAND, ("map", "ignore", "category", "*"), ("map", "clear", "brand", "M009")):
        scene.run(*arguments)
    scene.run("adopt", "--yes")


def _tell(scene: Scene, world: World) -> None:
    """The story."""
    scene.show("Cron does this every five minutes: what changed in LCV goes to the shop", "sync")
    scene.show("What was left out, why, and the command that cures it", "status", since="Skipped", until="Unmapped")
    scene.show("The cure", "map", "set", "brand", "M009", "create")
    shop_opens(world.shop)
    scene.show("Customers bought: that goes to LCV; what was cured, and what is left, goes to the shop", "sync")
    scene.show("Why does LCV not know order 4?", "why", "4", until="In the shop")
    scene.show("A run with nothing to do", "sync")


def draw() -> str:
    """The picture, as SVG."""
    with _environment(SURROUNDINGS), time_machine.travel(NOW), tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with open_world(ARTICLES, directory) as world:
            scene = Scene(world, directory)
            _set_up(scene, world)
            _tell(scene, world)
            return scene.drawn()


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
