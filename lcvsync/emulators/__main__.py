"""Run one emulator until it is told to stop: `python -m lcvsync.emulators lcv|prestashop`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lcvsync.emulators.server import Clock, EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.tls import ServerTls

_DEMO_KEY = "DEMOKEYDEMOKEYDEMOKEYDEMOKEYDEMO"
_CERTIFICATES = ("self-signed", "expired", "wrong-host", "trusted")
_EXAMPLES = """\
examples:
  python -m lcvsync.emulators lcv --articles 300 --tls --ready-file lcv.json
  python -m lcvsync.emulators prestashop --version 9.0.0 --ready-file shop.json

The ready file gets one line of JSON once requests are answered: the url, and what a client needs to log in.
Both run until SIGTERM or Ctrl-C. GET /_emulator/requests shows what was asked, ?summary=1 what it adds up to;
/_emulator/faults and /_emulator/clock make things go wrong and time go by, and POST /_emulator/pace {"times": 1}
makes the shop as slow as a measured one.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code, 0 for an end that was asked for."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="lcvsync-emulator-") as directory:
        tls = _tls(options, Path(directory))
        server, ready = _lcv(options, tls) if options.emulator == "lcv" else _prestashop(options, tls)
        with server:
            _announce(ready, options.ready_file)
            stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lcvsync.emulators",
        description="Run an emulator of an LCV back office or of a PrestaShop webservice on loopback.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="emulator", required=True, metavar="lcv|prestashop")
    lcv = _command(commands.add_parser("lcv", help="an LCV back office with a generated catalogue"))
    lcv.add_argument("--seed", type=int, default=1, help="another seed, another catalogue (default: 1)")
    lcv.add_argument("--articles", type=int, default=300, help="how many; the odd ones need 60 (default: 300)")
    lcv.add_argument("--username", default="demo", help="default: demo")
    lcv.add_argument("--password", default="demo-password", help="default: demo-password")
    shop = _command(commands.add_parser("prestashop", help="a PrestaShop webservice"))
    shop.add_argument("--version", default="8.2.1", help="of PrestaShop (default: 8.2.1)")
    shop.add_argument("--key", default=_DEMO_KEY, help="the webservice key")
    shop.add_argument("--no-demo-data", action="store_true", help="a shop just installed, without demo products")
    return parser


def _command(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what both emulators take."""
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--tls", action="store_true", help="speak HTTPS")
    parser.add_argument("--certificate", choices=_CERTIFICATES, help="which kind; implies --tls (default: self-signed)")
    parser.add_argument("--ready-file", type=Path, help="written once requests are answered; default: standard output")
    return parser


def _tls(options: argparse.Namespace, directory: Path) -> ServerTls | None:
    """The certificate asked for, if any."""
    if not options.tls and options.certificate is None:
        return None
    from lcvsync.emulators.tls import CertificateKind, make_tls  # noqa: PLC0415 - needs an optional package

    return make_tls(CertificateKind(options.certificate or "self-signed"), directory)


def _lcv(options: argparse.Namespace, tls: ServerTls | None) -> tuple[EmulatorServer, dict[str, str | None]]:
    """The back office's server, and what its ready file says."""
    from lcvsync.emulators.lcv import LcvEmulator, generate  # noqa: PLC0415 - the other emulator does without Pillow

    clock = Clock()
    catalogue = generate(options.seed, options.articles, now=clock())
    emulator = LcvEmulator(catalogue=catalogue, username=options.username, password=options.password, clock=clock)
    server = EmulatorServer(emulator, port=options.port, tls=tls, clock=clock)
    return server, {
        "url": server.url,
        "username": options.username,
        "password": options.password,
        **_certificate(tls),
    }


def _prestashop(options: argparse.Namespace, tls: ServerTls | None) -> tuple[EmulatorServer, dict[str, str | None]]:
    """The shop's server, and what its ready file says."""
    from lcvsync.emulators.prestashop import PrestaShopEmulator  # noqa: PLC0415 - the other emulator does without

    clock = Clock()
    emulator = PrestaShopEmulator(
        key=options.key, version=options.version, clock=clock, demo_data=not options.no_demo_data
    )
    server = EmulatorServer(emulator, port=options.port, tls=tls, clock=clock)
    return server, {"url": server.url, "key": options.key, **(_certificate(tls) if tls else {})}


def _certificate(tls: ServerTls | None) -> dict[str, str | None]:
    """What a client needs to know of the certificate."""
    if tls is None:
        return {"fingerprint": None}
    return {"fingerprint": tls.fingerprint, **({"ca_file": str(tls.ca_file)} if tls.ca_file else {})}


def _announce(ready: dict[str, str | None], path: Path | None) -> None:
    """Say that requests are answered; a reader of the file never finds half a line."""
    line = json.dumps(ready) + "\n"
    if path is None:
        sys.stdout.write(line)
        sys.stdout.flush()
        return
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(line)
    Path(draft).replace(path)


if __name__ == "__main__":
    sys.exit(main())
