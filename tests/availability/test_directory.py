"""The directory that is served: files replaced whole, readable by the web server, written only when they differ."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lcvsync.availability.directory import SCRIPT, STYLESHEET, PublicDirectory

from .test_rendering import LABELS, product


@pytest.fixture
def public(tmp_path: Path) -> PublicDirectory:
    """One that isn't there yet."""
    return PublicDirectory(tmp_path / "www" / "shop", "https://www.example.com/lcv", LABELS, quantities=False)


@pytest.fixture
def _private() -> Iterator[None]:
    """A careful administrator's umask."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_private")
def test_anybody_may_read(public: PublicDirectory) -> None:
    """The web server is another user: files are 0644 and directories 0755 under any umask."""
    public.prepare()
    public.show(product(["Lyon"], ["36"]), "")

    found = {path.relative_to(public.path).as_posix(): path for path in public.path.rglob("*")}
    assert set(found) == {SCRIPT, STYLESHEET, "products", "products/12.json", "products/12.html"}
    modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}
    assert {modes[name] for name in found if name != "products"} == {0o644}
    assert modes["products"] == stat.S_IMODE(public.path.stat().st_mode) == 0o755


def test_written_when_it_differs(public: PublicDirectory) -> None:
    """Equal files aren't touched; another state, or a file that somebody deleted, writes both."""
    public.prepare()
    digest = public.show(product(["Lyon"], ["36"]), "")
    file = public.path / "products" / "12.json"
    before = file.stat()

    assert public.show(product(["Lyon"], ["36"]), digest) == digest
    assert file.stat().st_ino == before.st_ino
    (public.path / "products" / "12.html").unlink()
    public.show(product(["Lyon"], ["36"]), digest)
    assert (public.path / "products" / "12.html").exists()
    assert public.show(product(["Lyon"], ["38"]), digest) != digest
    assert file.stat().st_ino != before.st_ino


def test_replaced_whole(public: PublicDirectory) -> None:
    """A reader who has a file open goes on reading what it held."""
    public.prepare()
    public.show(product(["Lyon"], ["36"]), "")
    with (public.path / "products" / "12.json").open() as reader:
        public.show(product(["Ailleurs"], ["36"]), "")
        assert "Lyon" in reader.read()
    assert "Ailleurs" in (public.path / "products" / "12.json").read_text()
    assert list(public.path.rglob("*.new")) == []


def test_removed(public: PublicDirectory) -> None:
    """Both files go; twice does no harm."""
    public.prepare()
    public.show(product(["Lyon"], ["36"]), "")
    public.remove(12)
    public.remove(12)

    assert list((public.path / "products").iterdir()) == []


@pytest.mark.parametrize("base", ["https://www.example.com/lcv", "", 'https://x.example.com/"+alert(1)+"'])
def test_script_knows_its_address(public: PublicDirectory, base: str) -> None:
    """`base_url` goes into the script as a string, for shops that bundle it with others."""
    made = replace(public, base_url=base)
    made.prepare()
    found = re.findall(r'^  const CONFIGURED_BASE = "(.*)";$', (made.path / SCRIPT).read_text(), re.MULTILINE)

    assert found == [base.replace('"', '\\"')]


def test_fingerprint(public: PublicDirectory, tmp_path: Path) -> None:
    """It changes with everything that the files depend on."""
    others = [
        replace(public, path=tmp_path),
        replace(public, base_url=""),
        replace(public, labels=replace(LABELS, title="Où")),
        replace(public, quantities=True),
    ]
    assert len({each.fingerprint() for each in (public, *others)}) == 5
    assert replace(public).fingerprint() == public.fingerprint()


def test_completeness(public: PublicDirectory) -> None:
    """A directory that somebody emptied is noticed."""
    assert not public.is_complete()
    public.prepare()
    assert public.is_complete()
    (public.path / STYLESHEET).unlink()
    assert not public.is_complete()
