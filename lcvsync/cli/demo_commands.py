"""`lcvsync demo`: the real commands, one after the other, on a back office and a shop that live on loopback."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcvsync.cli import Application
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.output import write, write_table

if TYPE_CHECKING:
    from lcvsync.demo.world import World

_LEAST_ARTICLES = 20
"""Fewer have no four ordinary ones for the changes."""
_FEW = 4
"""As many variants of a product show enough."""
BY_HAND: Sequence[Sequence[str]] = (
    ("map", "set", "size-grid", "TU", "Taille"),
    ("map", "set", "attribute", "coloris", "Couleur"),
    ("map", "set", "feature", "origine", "Fabriqué en"),
    ("map", "set", "rfs", "A/10/*", "Sacs et ceintures"),
    ("map", "set", "rfs", "A/30/*", "Bijoux"),
    ("map", "set", "rfs", "E/10/*", "Enfant > Fille"),
    ("map", "set", "rfs", "E/20/*", "Enfant > Garçon"),
    ("map", "ignore", "rfs", "L"),
    ("map", "set", "promotion", "*", "Bonnes affaires"),
    ("map", "ignore", "store", "DEP"),
    ("map", "set", "payment", "Carte bancaire", "CB"),
    ("map", "set", "payment", "Carte cadeau", "CADEAU"),
    ("map", "set", "payment", "ps_checkpayment", "CHQ"),
)
"""What no likeness of names tells."""


class _StoppedError(Exception):
    """A step ended with a code that nobody expected; the demo ends with it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@click.command()
@click.option(
    "--articles",
    default=300,
    show_default=True,
    type=click.IntRange(min=_LEAST_ARTICLES),
    help="How many articles LCV has; the odd ones need 60.",
)
@click.option("--serve", is_flag=True, help="Leave both running at the end, with a page that shows the shop.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the configuration and the state in this directory, which must be new or empty.",
)
def demo(articles: int, serve: bool, keep: Path | None) -> int:
    """Show everything on an emulated back office and shop: nothing is installed, nothing leaves this machine.

    \b
    Examples:
      lcvsync demo
      lcvsync demo --serve                       then try the commands yourself
      lcvsync demo --articles 60 --keep demo     and look at the state afterwards
    """
    if keep and keep.is_dir() and any(keep.iterdir()):
        raise click.BadParameter(f"{keep} is not empty", param_hint="--keep")
    from lcvsync.demo.world import open_world  # noqa: PLC0415 - the emulators are the demo's alone

    with _directory(keep) as directory, tempfile.TemporaryDirectory(prefix="lcvsync-demo-tls-") as certificates:
        _say(f"Starting an LCV back office with {articles} articles, and a PrestaShop shop without products …")
        with open_world(articles, Path(certificates)) as world:
            guide = _Guide(directory, world)
            try:
                _show(guide, world)
            except _StoppedError as stopped:
                return stopped.code
            if serve:
                _serve(guide, world)
    return ExitCode.DONE


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    """Where the configuration and the state go."""
    if keep:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep.absolute()
    else:
        with tempfile.TemporaryDirectory(prefix="lcvsync-demo-") as directory:
            yield Path(directory)


class _Guide:
    """Says what is about to be done, shows the command line that does it, and runs it."""

    def __init__(self, directory: Path, world: World) -> None:
        self.file = directory / "lcvsync.toml"
        self.file.touch(mode=0o600)
        self.file.write_text(world.configuration(), encoding="utf-8")
        self.availability = directory / "availability"
        self._steps = 0

    @property
    def environment(self) -> Mapping[str, str]:
        """What the commands see."""
        return {**os.environ, "LCVSYNC_CONFIG": str(self.file)}

    def step(self, text: str) -> None:
        """A heading."""
        self._steps += 1
        _say("")
        _say(f"{self._steps}. {text}", bold=True)

    def run(self, *arguments: str, password: str = "", also: ExitCode = ExitCode.DONE) -> None:
        """Run one command line of lcvsync. Raises _StoppedError unless it ends with 0 or with the code *also*."""
        from lcvsync.cli.main import run  # noqa: PLC0415 - that module lists this one

        piped = f"printf %s {shlex.quote(password)} | " if password else ""
        _say(f"$ {piped}{shlex.join(['lcvsync', *arguments])}", bold=True)
        with _typed(password):
            code = run(arguments, Application(environment=self.environment))
        if code:
            _say(f"(exit code {code})")
        if code not in {ExitCode.DONE, also}:
            raise _StoppedError(code)


@contextmanager
def _typed(text: str) -> Iterator[None]:
    """Give *text* to whoever reads standard input."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8") if text else before
    try:
        yield
    finally:
        sys.stdin = before


def _show(guide: _Guide, world: World) -> None:
    """The whole story."""
    from lcvsync.demo.back_office import busy_day  # noqa: PLC0415 - the emulators are the demo's alone
    from lcvsync.demo.till import change_of_mind, shop_opens  # noqa: PLC0415
    from lcvsync.demo.world import PASSWORD, USERNAME  # noqa: PLC0415

    failed = ExitCode.RECORDS_FAILED
    _say(f"  LCV   {world.lcv_url}, with a self-signed certificate")
    _say(f"  shop  {world.shop_url}")
    _say(f"$ export LCVSYNC_CONFIG={shlex.quote(str(guide.file))}", bold=True)

    guide.step("Trade a user name and a password for an access key; the certificate's fingerprint is pinned")
    login = ["--url", world.lcv_url, "--username", USERNAME, "--password-stdin", "--fingerprint", world.fingerprint]
    guide.run("associate", *login, password=PASSWORD)

    guide.step("Read LCV's tables: every code becomes a mapping row")
    guide.run("pull-config")

    guide.step("Map LCV's codes to the shop's categories, sizes, brands: first what the names tell, the rest by hand")
    guide.run("map", "suggest", "--accept")
    for arguments in BY_HAND:
        guide.run(*arguments)

    guide.step("Say whose state this is: from now on the shop's orders go to LCV, and no other program may send them")
    guide.run("adopt", "--yes")

    guide.step("The first synchronisation: the whole catalogue")
    guide.run("-v", "sync", also=failed)
    _show_shop(world)

    guide.step("What a product's page can show of the stores, without a module (docs/availability.md)")
    _show_stores(guide.availability)

    guide.step("What was left out, and why: LCV's catalogue has odd articles, as real ones have")
    guide.run("status", also=failed)

    guide.step("Meanwhile, in LCV:")
    for event in busy_day(world.lcv, world.clock()):
        _say(f"  - {event}")

    guide.step("The next run carries over these changes, and nothing else")
    guide.run("-v", "sync", also=failed)

    guide.run("audit", "--limit", "20")

    guide.step("In the shop, people buy:")
    bought = shop_opens(world.shop)
    for event in bought.events:
        _say(f"  - {event}")
    guide.step("The next run tells LCV, and the shop what is left")
    guide.run("-v", "sync", also=failed)
    guide.run("orders", "list", "--all")
    guide.run("map", "set", "payment", "Troc", "ESP")

    guide.step("Somebody gives a piece back, somebody cancels:")
    for event in change_of_mind(world.shop, bought):
        _say(f"  - {event}")
    guide.run("-v", "sync", also=failed)
    guide.run("-v", "export-order", str(bought.orders[1]), "--changes")
    guide.run("why", str(bought.orders[0]))
    guide.run("-v", "sync", also=failed)

    guide.step("A run with nothing to do: one question to LCV, four to the shop")
    guide.run("-v", "sync", also=failed)

    guide.step("The shop in the end")
    _show_shop(world)


def _show_shop(world: World) -> None:
    from lcvsync.demo.shop import read_shop  # noqa: PLC0415 - the emulators are the demo's alone

    write_table(("In the shop", "Number"), read_shop(world.shop).lines())


def _show_stores(directory: Path) -> None:
    """One product's file, of several variants where there is such a one."""
    told = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("products/*.json"))]
    product = max(told, key=lambda each: min(len(each["variants"]), _FEW))
    stores, labels = product["stores"], product["labels"]
    rows = [
        (variant["name"], *(labels[variant["states"][str(store["id"])]] for store in stores))
        for variant in product["variants"][:_FEW]
    ]
    write_table((f"Product {product['product']}", *(store["name"] for store in stores)), rows)


def _serve(guide: _Guide, world: World) -> None:
    """Wait for Ctrl-C while the person plays."""
    from lcvsync.demo.back_office import SALE  # noqa: PLC0415 - the emulators are the demo's alone
    from lcvsync.demo.world import open_window  # noqa: PLC0415

    with open_window(world, guide.availability) as window:
        guide.step("Both go on: try the commands in another terminal; Ctrl-C here ends it")
        _say(f"  the shop's products  {window}/")
        _say(f"  its webservice       {world.shop_url}/api/ (the key is in the configuration)")
        _say(f"  LCV                  {world.lcv_url}")
        _say("In the other terminal:")
        _say(f"$ export LCVSYNC_CONFIG={shlex.quote(str(guide.file))}")
        _say(f"$ export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
        _say("$ lcvsync product list")
        _say(f"$ curl -k -d {shlex.quote(SALE)} {world.lcv_url}/_emulator/lcv/sell   # a till sells")
        _say("$ lcvsync sync")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _say(text: str, *, bold: bool = False) -> None:
    """A line of the guide, in order with what the commands write to either stream."""
    write(click.style(text, bold=True) if bold and sys.stdout.isatty() else text)
    sys.stdout.flush()
