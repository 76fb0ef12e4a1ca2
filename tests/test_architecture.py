"""The direction of imports, and what each part of the package may know (docs/architecture.md).

Imports are read from the source, those inside functions and those for type checkers too: a promise that only holds at
run time is none. An exception to a rule stands here with its reason, or there is none.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

import lcvsync

ROOT = Path(lcvsync.__file__).parent

MAY_IMPORT: dict[str, str] = {
    "__main__": "cli",
    "cli": "cli bootstrap config runner state planning domain ports errors demo secrecy",
    "demo": "demo emulators",
    "emulators": "emulators",
    "bootstrap": "availability config lcv notify prestashop runner state ports planning errors transport",
    "availability": "availability planning",
    "runner": "runner state ports planning domain errors secrecy",
    "state": "state planning domain errors",
    "lcv": "lcv transport ports domain errors secrecy",
    "prestashop": "prestashop transport ports domain errors",
    "notify": "notify transport receiving errors",
    "transport": "receiving ports errors secrecy",
    "receiving": "errors",
    "secrecy": "",
    "config": "config errors",
    "planning": "planning domain",
    "ports": "domain errors",
    "domain": "domain",
    "errors": "",
}
"""Part → the parts that it may import. The state is the runner's own store, with changes and mirror in the words of
planning and domain, so it isn't behind a port."""

ONLY_IN: dict[str, str] = {
    "click": "cli",
    "rich": "cli",
    "lxml": "prestashop emulators",
    "xml": "prestashop emulators",
    "httpx": "transport receiving lcv notify",
    "httpcore": "receiving",
    "sqlite3": "state bootstrap",
    "sqlite_utils": "state",
    "pydantic": "config lcv cli",
    "cryptography": "lcv emulators",
    "http": "emulators transport",
    "socketserver": "emulators",
}
"""Library → the parts that may import it. `notify` needs httpx because its addresses are secrets, and the messages of
`transport` name addresses; `lcv` needs it for addresses, and pydantic for LCV's payloads; `cli` needs pydantic to walk
through the settings; `transport` needs http for a jar that keeps no cookie; `bootstrap` copies the database for
rehearsals."""

IMPURE = {
    "asyncio", "email", "glob", "http", "httpx", "io", "logging", "os", "pathlib", "random", "requests", "secrets",
    "shutil", "socket", "sqlite3", "sqlite_utils", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
"""What a pure part has no use for: clock, chance, network, database, environment."""

ADAPTERS = ("lcvsync.lcv", "lcvsync.prestashop", "lcvsync.availability")
PURE = ("domain", "planning")
DATA_FILES = {"domain.colours"}
"""Reads the list of colours that the package ships, through importlib.resources."""
LONGEST = 400


@dataclass(frozen=True)
class Import:
    """One module that another one imports."""

    target: str
    line: int
    at_start: bool
    """When the module is loaded, rather than in a function or for a type checker."""


@dataclass(frozen=True)
class Module:
    """A module of the package."""

    path: Path

    @property
    def name(self) -> str:
        """Below `lcvsync`: `planning.plan`, `planning` for its `__init__`."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str:
        """The package or module directly below `lcvsync`; "" for `lcvsync` itself."""
        return self.name.partition(".")[0]

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Everything that it imports."""
        return tuple(_imports(_tree(self.path)))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(node: ast.AST, *, at_start: bool = True) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_start) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            for alias in child.names:
                yield Import(_resolved(child.module or "", alias.name), child.lineno, at_start)
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):  # no expression has an import in it
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from _imports(child, at_start=at_start and not (inside or typing))


def _resolved(module: str, name: str) -> str:
    """`from lcvsync.domain import texts` imports a module, `from lcvsync.domain.texts import fold` a name of one."""
    path = ROOT.parent.joinpath(*module.split("."), name)
    found = module.startswith("lcvsync") and (path.is_dir() or path.with_suffix(".py").is_file())
    return f"{module}.{name}" if found else module


MODULES = [Module(path) for path in sorted(ROOT.rglob("*.py"))]


def breaches(module: Module, allowed: set[str]) -> list[str]:
    """Imports of lcvsync's own beyond *allowed*; the version of the package is anybody's."""
    found = []
    for each in module.imports:
        package, _, rest = each.target.partition(".")
        part = rest.partition(".")[0]
        if package == "lcvsync" and part and part not in allowed:
            found.append(f"{module.name}:{each.line} imports {each.target}")
    return found


@pytest.mark.parametrize("part", sorted({module.part for module in MODULES} - {""}))
def test_direction(part: str) -> None:
    """Imports point one way: cli → bootstrap → runner and adapters → ports, planning → domain."""
    assert part in MAY_IMPORT, f"{part} is new: say in MAY_IMPORT, and in docs/architecture.md, what it may import"
    allowed = set(MAY_IMPORT[part].split())
    assert [breach for module in MODULES if module.part == part for breach in breaches(module, allowed)] == []


def test_parts_exist() -> None:
    """The table of this test has no part that is gone."""
    assert set(MAY_IMPORT) == {module.part for module in MODULES} - {""}


def test_adapters_have_one_importer() -> None:
    """Only the composition root imports the adapters; they never import each other, which `test_direction` holds."""
    importers = {
        module.name
        for module in MODULES
        for each in module.imports
        if each.target.startswith(ADAPTERS) and module.part not in {"lcv", "prestashop", "availability"}
    }
    assert importers == {"bootstrap"}


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_libraries(library: str) -> None:
    """Only cli knows Click and rich, only prestashop knows XML, only the state knows SQLite."""
    allowed = set(ONLY_IN[library].split())
    users = {module.part for module in MODULES for each in module.imports if each.target.partition(".")[0] == library}
    assert users <= allowed


@pytest.mark.parametrize("module", [m for m in MODULES if m.part in PURE], ids=lambda module: module.name)
def test_pure(module: Module) -> None:
    """Domain and planning see no clock, network, database or environment, neither by import nor by a builtin."""
    found = {each.target.partition(".")[0] for each in module.imports} & IMPURE
    assert found == set()
    for node in ast.walk(_tree(module.path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"open", "input", "print"}, f"{module.name}:{node.lineno} calls {called}"
            assert called.rpartition(".")[2] not in {"now", "utcnow", "today"}, f"{module.name}:{node.lineno}: a clock"
    readers = any(each.target.startswith("importlib") for each in module.imports)
    assert not readers or module.name in DATA_FILES


def test_contract_paths() -> None:
    """Only lcv (and the emulator) knows the paths of LCV's contract; config takes it off what people paste."""
    assert {module.part for module in MODULES if _mentions(module, "/api/v1")} == {"lcv", "emulators", "config"}


def _mentions(module: Module, text: str) -> bool:
    """Whether a string that isn't a docstring holds *text*."""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and text in node.value
        for node in _code(_tree(module.path))
    )


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but the strings that stand alone, which are documentation."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield child
            yield from _code(child)


def test_demo_stays_apart() -> None:
    """Nothing but the command `demo` loads the emulators, and that only while it runs."""
    users = {
        (module.name, each.at_start)
        for module in MODULES
        for each in module.imports
        if each.target.startswith(("lcvsync.demo", "lcvsync.emulators")) and module.part not in {"demo", "emulators"}
    }
    assert users == {("cli.demo_commands", False)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name or "lcvsync")
def test_size_and_header(module: Module) -> None:
    """A module is a page or a few, and says at its head what it is."""
    lines = module.path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST
    assert ast.get_docstring(_tree(module.path)) or not lines


class TestTheseRules:
    """The rules would notice a breach."""

    def test_hidden_imports(self, tmp_path: Path) -> None:
        """Imports in functions and for type checkers count, and are told apart from those at the start."""
        path = tmp_path / "module.py"
        path.write_text(
            "import os\nif TYPE_CHECKING:\n    import ssl\ndef f():\n    from lcvsync.planning import plan\n"
        )
        found = list(_imports(_tree(path)))

        assert found == [Import("os", 1, True), Import("ssl", 3, False), Import("lcvsync.planning.plan", 5, False)]

    def test_names_are_no_modules(self) -> None:
        """A name taken from a module isn't taken for one."""
        assert _resolved("lcvsync", "__version__") == "lcvsync"
        assert _resolved("lcvsync.lcv", "association") == "lcvsync.lcv.association"
        assert importlib.util.find_spec("lcvsync.lcv.association") is not None
