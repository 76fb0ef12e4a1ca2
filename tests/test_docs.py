"""What the documentation says is so: commands, options, links, pages made from the code."""

from __future__ import annotations

import html
import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from pydantic import BaseModel

from lcvsync.cli.main import COMMANDS, cli
from lcvsync.config import Settings
from lcvsync.domain.mapping import MappingKind
from lcvsync.planning.changes import Lane
from lcvsync.runner.doctor.findings import CHECKS
from lcvsync.state.store import open_store

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _load(ROOT / "docs" / "generate.py")
EVERY = dict(GENERATE.commands())
"""Full name → command, groups included."""


def read(name: str) -> str:
    """A page below the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def typed(page: Path) -> Iterator[list[str]]:
    """The command lines of lcvsync that a page shows: in its blocks for a shell, and between backticks."""
    text = re.sub(r"<!-- begin .*?<!-- end [a-z-]+ -->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    blocks = re.findall(r"```(?:bash|cron)\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(lcvsync [^`]+)`", text)
    for line in lines:
        words = shlex.split(line, comments=True)
        places = [place for place, word in enumerate(words) if _is_program(word, words[place - 1])]
        if places:
            arguments = list(
                itertools.takewhile(lambda word: word not in {">", ">>", "|", ";"}, words[places[0] + 1 :])
            )
            if arguments and words[0] != "ln":
                yield arguments


def _is_program(word: str, before: str) -> bool:
    """Whether *word* is the program: no user (`sudo -u`), no image (`docker build -t`), no directory of that name."""
    return (word == "lcvsync" and before not in {"-u", "-o", "-g", "-t"}) or word.endswith("/bin/lcvsync")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestPages:
    """Every page."""

    def test_current(self, page: Path) -> None:
        """What comes from the code is as the code says now."""
        text = page.read_text(encoding="utf-8")

        assert text == GENERATE.filled(text), "run: make docs"
        assert page in GENERATE.PAGES or "<!-- begin" not in text

    def test_links(self, page: Path) -> None:
        """Links within the repository lead somewhere, to the heading too."""
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, heading = target.partition("#")
            found = page.parent / name if name else page
            assert found.exists(), target
            if heading:
                headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), flags=re.MULTILINE)
                assert heading in {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}

    def test_commands(self, page: Path) -> None:
        """Commands and options that are shown exist."""
        for words in typed(page):
            _check(words, " ".join(words))

    def test_options(self, page: Path) -> None:
        """Options of the configuration that are named exist, wherever a section's name is before the dot."""
        known = {f"{section}.{name}" for section, name in _options(Settings)}
        named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?: = [^`]*)?`", page.read_text(encoding="utf-8"))
        sections = {name.partition(".")[0] for name in known}
        foreign = {"orders.module", "state.db", *CHECKS}
        wrong = {name for name in named if name.partition(".")[0] in sections} - known - foreign
        assert wrong == set()

    def test_clean(self, page: Path) -> None:
        """No page names a directory of somebody's own machine."""
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:home|Users|work|root)/", text)


def _check(words: list[str], shown: str) -> None:
    """Follow *words* down the tree of commands, then look at the options."""
    if words[0] == "COMMAND":
        return
    command: click.Command = cli
    value_follows = False
    for word in words:
        if value_follows:
            value_follows = False
        elif word.startswith("-") and word != "-":
            options = {name: option for option in command.params for name in option.opts}
            name, _, value = word.partition("=")
            known = name in options or name in {"--help", "--version"}
            assert known, f"{shown}: {command.name} has no option {name}"
            option = options.get(name)
            value_follows = isinstance(option, click.Option) and not (option.is_flag or option.count or value)
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found is not None, f"{shown}: no command {word}"
            command = found


class TestCommands:
    """The commands' own help."""

    @pytest.mark.parametrize("name", sorted(EVERY))
    def test_help(self, name: str) -> None:
        """Every command says what it does; one that does something, or its group, has an example that exists."""
        command = EVERY[name]
        text = GENERATE.help_of(name, command)
        assert command.help, f"{name} has no help"
        if isinstance(command, click.Group) and not command.invoke_without_command:
            return
        assert re.search(r"^ +Examples?:$", text, flags=re.MULTILINE), f"the help of {name} has no heading Examples"
        examples = re.findall(r"^ +(?:.*[|*] )?(lcvsync [^|\n]+)", text, flags=re.MULTILINE)
        examples = [line for line in examples if line.startswith(name)]
        assert examples, f"the help of {name} has no example"
        for line in examples:
            _check(shlex.split(re.split(r"  +", line)[0])[1:], line)

    def test_all_are_named(self) -> None:
        """docs/cli.md has every command."""
        text = read("docs/cli.md")
        for name in EVERY:
            assert f"| [`{name}`](#{name.replace(' ', '-')}) |" in text
            assert f"\n## {name}\n" in text
        assert {name.split()[1] for name in EVERY} == set(COMMANDS)

    def test_changelog(self) -> None:
        """Every command was announced."""
        changes = read("CHANGELOG.md")
        assert [name for name in COMMANDS if not re.search(rf"`{name}[` ]", changes)] == []


def test_messages() -> None:
    """No message, cure or help sends people to a command that isn't there."""
    quoted = re.compile(r"(?:`|cure=f?\")lcvsync ([a-z]+(?:-[a-z]+)*)")
    found = {
        f"{path.name}: {name}"
        for path in (ROOT / "lcvsync").rglob("*.py")
        for name in quoted.findall(path.read_text(encoding="utf-8"))
        if name not in COMMANDS
    }
    assert found == set()


class TestFacts:
    """Facts that pages repeat."""

    def test_options(self) -> None:
        """docs/configuration.md has every option; config.example.toml itself is compared in tests/test_config.py."""
        text = read("docs/configuration.md")
        for section, name in _options(Settings):
            after = text.partition(f"### [{section}]")[2].partition("\n### ")[0]
            assert f"| `{name}` |" in after, f"{section}.{name}"

    def test_mapping_kinds(self) -> None:
        """docs/mappings.md has a row for each kind."""
        rows = re.findall(r"^\| `([a-z-]+)` \|", read("docs/mappings.md"), flags=re.MULTILINE)
        assert rows == [kind.value for kind in MappingKind]

    def test_lanes(self) -> None:
        """docs/architecture.md has the lanes in their order."""
        text = read("docs/architecture.md")
        table = text.partition("| Lane |")[2].partition("\n\n")[0]
        cells = re.findall(r"^\| ([A-Z_, ]+) \|", table, flags=re.MULTILINE)
        assert ", ".join(cells).split(", ") == [lane.name for lane in Lane]

    def test_tables(self, tmp_path: Path) -> None:
        """docs/architecture.md has every table of the state."""
        store = open_store(tmp_path)
        names = {row[0] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = {name for name in names if not name.startswith(("sqlite_", "_"))}
        store.close()
        text = read("docs/architecture.md").partition("| Tables |")[2].partition("\n\n")[0]

        assert set(re.findall(r"`([a-z_]+)`", text)) >= tables

    def test_modules(self) -> None:
        """Modules that pages name exist."""
        for page in PAGES:
            for name in re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", page.read_text(encoding="utf-8")):
                assert (ROOT / "lcvsync" / name).exists() or (ROOT / name).exists(), f"{page.name}: {name}"

    def test_make_targets(self) -> None:
        """Targets of make that pages name exist."""
        targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
        for page in PAGES:
            for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
                named = re.findall(r"^make ([a-z-]+)", block, flags=re.MULTILINE)
                assert set(named) <= targets, page.name


def _options(model: type[BaseModel], section: str = "") -> Iterator[tuple[str, str]]:
    for name, about in model.model_fields.items():
        kind = about.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _options(kind, f"{section}.{name}".lstrip("."))
        else:
            yield section, name


def test_picture() -> None:
    """docs/terminal.svg shows commands that exist, no path or address of the machine that drew it, and is small."""
    text = read("docs/terminal.svg")
    shown = re.findall(r">(lcvsync [^<]+)</text>", html.unescape(text).replace("\u00a0", " "))

    for line in shown:
        _check(shlex.split(line)[1:], line)
    assert len(shown) > 3
    assert not re.search(r"127\.0\.0\.1|/tmp/|https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text) < 60_000


def test_manual_is_answered() -> None:
    """No sentence of the module's manual is without its row: they are numbered without a gap."""
    rows = re.findall(r"^\| (\d+) \| .+ \| .+ \|$", read("docs/from-the-module.md"), flags=re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 173))


def test_generator_writes(tmp_path: Path) -> None:
    """`make docs` fills in a page that is out of date, and leaves the rest of it alone."""
    page = "before\n<!-- begin permissions-basic -->\nold\n<!-- end permissions-basic -->\nafter\n"
    made = GENERATE.filled(page)

    assert made.startswith("before\n<!-- begin permissions-basic -->\n| Resource | GET |")
    assert made.endswith("<!-- end permissions-basic -->\nafter\n")
    assert "old" not in made
    checked = subprocess.run(
        [sys.executable, "-c", f"import runpy; runpy.run_path({str(ROOT / 'docs' / 'generate.py')!r})"], check=False
    )
    assert checked.returncode == 0
