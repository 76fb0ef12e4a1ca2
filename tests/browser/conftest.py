"""A headless Chromium for the tests of pages, and a web server that serves what they ask for.

`make test` installs Debian's chromium where it may. Where there is none, these tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=900,900",
)
TYPES = {"js": "text/javascript", "css": "text/css", "json": "application/json", "html": "text/html"}


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The browser of this session, with a profile of its own that is empty at the start."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("no Chromium with its driver: `make browser` as root installs them on Debian and Ubuntu")
    options = ChromeOptions()
    options.binary_location = binary
    profile, home = tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("home")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(driver, env={**os.environ, "HOME": str(home)})
    chrome = Chrome(options=options, service=service)
    try:
        chrome.set_script_timeout(10)
        yield chrome
    finally:
        chrome.quit()


@dataclass
class Site:
    """A shop's web server: pages by path, and the directory that lcvsync writes at `/lcvsync/`."""

    directory: Path
    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False
    """Whether the files answer 503."""

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body."""
        self.asked.append(path)
        if path in self.pages:
            return 200, "text/html; charset=utf-8", self.pages[path].encode()
        file = self.directory / path.removeprefix("/lcvsync/")
        if self.broken and path.endswith(".json"):
            return 503, "text/html", b"<h1>Maintenance</h1>"
        if path.startswith("/lcvsync/") and ".." not in path and file.is_file():
            return 200, f"{TYPES[file.suffix[1:]]}; charset=utf-8", file.read_bytes()
        return 404, "text/plain", b"not found"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server on loopback for this test."""
    made = Site(tmp_path / "lcvsync")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = made.answer(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
