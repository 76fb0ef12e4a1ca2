"""This machine: the configuration, who may read what, the disk, the database. Facts → findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lcvsync.runner.doctor.facts import Facts, FileSeen, Machine, Missed, State
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning

USAGE = 2
GIGABYTE = 1024**3
LITTLE = GIGABYTE
"""Space on the disk below which people should look."""
NONE_LEFT = GIGABYTE // 20
"""Space below which a run is likely to fail: a copy of the write-ahead log must fit."""
SHOWN = 5
"""How many files a finding names."""


def configuration(facts: Facts) -> Iterator[Finding]:
    """The file itself, and whether it switches everything off."""
    if isinstance(facts.configuration, Missed):
        problems = f": {'; '.join(facts.problems)}" if facts.problems else ""
        yield failure(
            "configuration.file",
            f"{facts.configuration.error}{problems}",
            "no command that needs the configuration does anything",
            facts.configuration.cure,
            USAGE,
        )
        return
    file = facts.machine.configuration if facts.machine else None
    if file is not None and file.mode & 0o002:
        yield warning(
            "configuration.file",
            f"{file.path} can be changed by everybody (mode {file.mode:04o})",
            "it names the addresses that keys are sent to, and commands that are run",
            f"chmod o-w '{file.path}'",
        )
    else:
        yield ok("configuration.file", f"{facts.configuration} is correct")
    if facts.options is None:
        return
    if facts.options.enabled:
        yield ok("configuration.enabled", "the synchronisation is on")
    else:
        yield warning(
            "configuration.enabled",
            "sync.enabled = false",
            "`lcvsync sync` does nothing, and other commands that write refuse",
            "set sync.enabled = true, or leave it out",
        )


def secrets(machine: Machine) -> Iterator[Finding]:
    """Who can read the files that the secrets stand in. A group may: that is how a service reads /etc."""
    if not machine.secrets:
        yield ok("configuration.secrets", "no file holds one")
    for file in machine.secrets:
        if file.mode & 0o007:
            yield warning(
                "configuration.secrets",
                f"{file.path} holds {file.secret} and is open to everybody (mode {file.mode:04o})",
                "whoever has an account on this machine can read it, and write to the shop with it",
                f"chmod o-rwx '{file.path}'; if others may have read it, make a new key in the shop",
            )
        else:
            yield ok("configuration.secrets", f"{file.path} (mode {file.mode:04o})")


def directory(machine: Machine) -> Iterator[Finding]:
    """The state directory and the files in it."""
    if not machine.state:
        yield ok("state.directory", f"{machine.directory} isn't there yet; the first command makes it")
        yield ok("state.files", "none yet")
        return
    folder, *files = machine.state
    yield from _owned("state.directory", [folder], machine.user)
    yield from _owned("state.files", files, machine.user) if files else [ok("state.files", "none yet")]


def disk(machine: Machine) -> Iterator[Finding]:
    """Space for the database, which may double while a feed is read again."""
    free = machine.free_bytes
    if free is None:
        yield unknown("state.disk", "the disk doesn't say how much space is left")
        return
    shown = f"{free / GIGABYTE:.1f} GB left for {machine.directory}"
    cure = "make room, or move state.directory to another disk while no run is under way"
    if free < NONE_LEFT:
        yield failure("state.disk", shown, "the next run can't save what it does, and stops", cure, USAGE)
    elif free < max(LITTLE, 2 * machine.database_bytes):
        yield warning("state.disk", shown, "the state and the audit grow; a run stops when they can't", cure)
    else:
        yield ok("state.disk", shown)


def database(state: State) -> Iterator[Finding]:
    """Whether it opens, is whole, and has this version's schema."""
    if not state.exists:
        yield ok("state.database", "there is none yet; the first command makes it")
        yield ok("state.schema", "there is none yet")
        return
    if state.problem or state.damage:
        yield _unusable(state)
        return
    yield ok("state.database", "it opens and is whole")
    if state.pending:
        yield warning(
            "state.schema",
            f"{len(state.pending)} migrations are to come: {', '.join(state.pending)}",
            "the next command makes them; an older lcvsync can't read the state afterwards",
            "copy state.db first if you may want to go back",
        )
    else:
        yield ok("state.schema", "up to date")


def _unusable(state: State) -> Finding:
    if state.problem:
        meaning = "no run can begin"
        return failure("state.database", state.problem.error, meaning, state.problem.cure, state.problem.exit_code)
    return failure(
        "state.database",
        f"it is damaged: {state.damage}",
        "what was written and told is no longer known for sure",
        "stop cron, and put a backup of state.db in its place; without one: sqlite3 state.db .recover",
        USAGE,
    )


def _owned(check: str, files: Iterable[FileSeen], user: int) -> Iterator[Finding]:
    """Findings about ownership, then about modes; one line for all where all is well."""
    files = list(files)
    strange = [file for file in files if file.owner != user]
    opened = [file for file in files if file.mode & 0o077]
    if strange:
        yield _not_ours(check, strange, user)
    if opened:
        paths = " ".join(f"'{file.path}'" for file in opened[:SHOWN])
        keys = [file for file in opened if file.secret]
        yield (failure if keys else warning)(
            check,
            f"open to others: {_named(opened)}",
            "a run refuses to use a key that others may have read" if keys else "others can read what the shop sells",
            f"chmod go-rwx {paths}" + ("; then `lcvsync associate` for a new key" if keys else ""),
            *((USAGE,) if keys else ()),
        )
    if not strange and not opened:
        yield ok(check, f"{files[0].path}, mode {files[0].mode:04o}" if len(files) == 1 else f"{len(files)} files")


def _not_ours(check: str, strange: list[FileSeen], user: int) -> Finding:
    """Root can write all of it, and leaves files behind that the usual user can't."""
    found = f"belongs to another user than this one ({user}): {_named(strange)}"
    if user == 0:
        meaning = "what root writes here, the user whose cron runs lcvsync can't write any more: a run as root refuses"
        return warning(check, found, meaning, f"run lcvsync as user {strange[0].owner}, never as root")
    meaning = "a run can't write it, and stops"
    return failure(check, found, meaning, f"chown -R {user} the state directory, or run lcvsync as its owner", USAGE)


def _named(files: list[FileSeen]) -> str:
    more = f", and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return ", ".join(f"{file.path} ({file.mode:04o})" for file in files[:SHOWN]) + more
