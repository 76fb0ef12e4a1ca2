"""Fill in what the documentation takes from the code: `make docs`. A test compares it (tests/test_docs.py).

In a page, `<!-- begin NAME -->` and `<!-- end NAME -->` hold what `SOURCES[NAME]` makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from lcvsync.cli.main import cli
from lcvsync.runner import rights
from lcvsync.runner.doctor.findings import CHECKS
from lcvsync.runner.metrics import METRICS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WIDTH = 100
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def commands(group: click.Group = cli, names: tuple[str, ...] = ("lcvsync",)) -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name, groups before what is in them."""
    context = click.Context(group, info_name=" ".join(names))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield " ".join((*names, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def help_of(name: str, command: click.Command) -> str:
    """What `--help` prints, whatever the width of the terminal."""
    context = click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    return command.get_help(context).rstrip()


def command_help() -> str:
    """One section for each command."""
    sections = [("lcvsync", cli), *commands()]
    return "\n\n".join(f"## {name}\n\n```text\n{help_of(name, command)}\n```" for name, command in sections)


def command_table() -> str:
    """Commands and subcommands with the first sentence of their help, each a link to its section."""
    rows = ["| Command | What it does |", "|---|---|"]
    rows += [
        f"| [`{name}`](#{name.replace(' ', '-')}) | {command.get_short_help_str(200)} |" for name, command in commands()
    ]
    return "\n".join(rows)


def options() -> str:
    """Every option of config.example.toml with its default and its line of explanation, by section."""
    lines: list[str] = []
    comment: list[str] = []
    for line in (ROOT / "config.example.toml").read_text(encoding="utf-8").splitlines():
        if section := re.fullmatch(r"\[([a-z.]+)\]", line):
            lines += ["", f"### [{section[1]}]", "", *comment, *([""] if comment else [])]
            lines += ["| Option | Default | Meaning |", "|---|---|---|"]
            comment = []
        elif option := re.fullmatch(r"(?:# )?([a-z_]+) = (.+)", line):
            none = line.startswith("#") or any("No default" in each for each in comment)
            default = "" if none else f"`{option[2]}`"
            lines.append(f"| `{option[1]}` | {default} | {' '.join(comment)} |")
            comment = []
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        else:
            comment = []
    return "\n".join(lines).strip()


def permissions(needed: Mapping[str, tuple[str, ...]]) -> str:
    """The boxes of the webservice key, as PrestaShop's page shows them."""
    rows = [f"| Resource | {' | '.join(METHODS)} |", f"|---|{':-:|' * len(METHODS)}"]
    for resource, methods in sorted(needed.items()):
        wanted = {part for method in methods for part in method.split(" or ")}
        rows.append(f"| {resource} | {' | '.join('✓' if each in wanted else '' for each in METHODS)} |")
    return "\n".join(rows)


def doctor_checks() -> str:
    """The checks of `lcvsync doctor`."""
    rows = [f"| `{name}` | {text} |" for name, text in CHECKS.items()]
    return "\n".join(["| Check | All is well when |", "|---|---|", *rows])


def metrics() -> str:
    """The metrics of `notify.prometheus_file`."""
    rows = [f"| `lcvsync_{name}` | {text} |" for name, text in METRICS.items()]
    return "\n".join(["| Metric | What it is |", "|---|---|", *rows])


SOURCES: dict[str, Callable[[], str]] = {
    "command-help": command_help,
    "command-table": command_table,
    "doctor-checks": doctor_checks,
    "metrics": metrics,
    "options": options,
    "permissions-basic": lambda: permissions(rights.BASIC),
    "permissions-complete": lambda: permissions(rights.COMPLETE),
    "permissions-orders": lambda: permissions(rights.ORDERS),
    "permissions-customers": lambda: permissions(rights.CUSTOMERS),
    "permissions-availability": lambda: permissions(
        {name: methods for name, methods in rights.AVAILABILITY.items() if name not in rights.SETTINGS}
    ),
    "permissions-order-marks": lambda: permissions(rights.ORDER_MARKS),
}
PAGES = tuple(
    DOCS / name for name in ("cli.md", "configuration.md", "doctor.md", "notifications.md", "prestashop-permissions.md")
)


def filled(text: str) -> str:
    """A page's *text* with everything between its markers made anew."""
    for name in re.findall(r"<!-- begin ([a-z-]+) -->", text):
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        made = SOURCES[name]()
        text = re.sub(pattern, lambda found, made=made: f"{found[1]}{made}\n{found[2]}", text, flags=re.DOTALL)
    return text


def main() -> None:
    """Write every page that has markers."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
