"""The directory that the web server serves: files are replaced whole, so that no visitor reads half of one.

```
DIRECTORY/
  lcvsync-availability.js    the script, which knows `availability.base_url`
  lcvsync-availability.css   the stylesheet
  products/ID.json           of each product of the shop, by the shop's id
  products/ID.html
```

Files are readable by everybody, whatever the umask: the web server is somebody else. Nothing is synchronised to the
disk file by file: 20,000 times two of them would take minutes, and what a power cut spoils is written again when its
product changes.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from lcvsync import __version__
from lcvsync.availability.rendering import FORMAT, Labels, as_html, as_json
from lcvsync.planning.availability import ProductAvailability

SCRIPT = "lcvsync-availability.js"
STYLESHEET = "lcvsync-availability.css"
_UNSET_BASE = 'const CONFIGURED_BASE = "";'
"""The line of the script that gets `availability.base_url`."""
_PUBLIC_FILE = 0o644
_PUBLIC_FOLDER = 0o755


@dataclass(frozen=True)
class PublicDirectory:
    """`availability.directory`. Every method raises OSError with the file that couldn't be written."""

    path: Path
    base_url: str
    labels: Labels
    quantities: bool

    def fingerprint(self) -> str:
        """Changes with everything but the products that decides what the files hold, and where they are."""
        plain = [FORMAT, __version__, str(self.path), self.base_url, asdict(self.labels), self.quantities]
        return _digest(json.dumps(plain).encode())

    def is_complete(self) -> bool:
        """Whether the script and the stylesheet are there: somebody may have emptied the directory."""
        return (self.path / SCRIPT).exists() and (self.path / STYLESHEET).exists()

    def prepare(self) -> None:
        """Make the directory, write the script and the stylesheet."""
        for folder in (self.path, self.path / "products"):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(_PUBLIC_FOLDER)
        self._write(self.path / STYLESHEET, _shipped(STYLESHEET))
        base = f"const CONFIGURED_BASE = {json.dumps(self.base_url)};"
        script = _shipped(SCRIPT).decode().replace(_UNSET_BASE, base)
        self._write(self.path / SCRIPT, script.encode())

    def show(self, shown: ProductAvailability, before: str) -> str:
        """Write a product's files unless they are there and their digest is *before*; the digest that they have now."""
        bodies = {
            "json": as_json(shown, self.labels, quantities=self.quantities),
            "html": as_html(shown, self.labels, quantities=self.quantities),
        }
        digest = _digest(*bodies.values())
        paths = {ending: self._file(shown.product, ending) for ending in bodies}
        if digest != before or not all(path.exists() for path in paths.values()):
            for ending, path in paths.items():
                self._write(path, bodies[ending])
        return digest

    def remove(self, product: int) -> None:
        """Remove a product's files; those that are gone already don't matter."""
        for ending in ("json", "html"):
            self._file(product, ending).unlink(missing_ok=True)

    def _file(self, product: int, ending: str) -> Path:
        return self.path / "products" / f"{product}.{ending}"

    def _write(self, path: Path, content: bytes) -> None:
        new = path.with_name(f".{path.name}.new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PUBLIC_FILE)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _PUBLIC_FILE)
            file.write(content)
        new.replace(path)


def _shipped(name: str) -> bytes:
    return files("lcvsync.availability").joinpath(name).read_bytes()


def _digest(*bodies: bytes) -> str:
    return hashlib.sha256(b"\0".join(bodies)).hexdigest()[:32]
