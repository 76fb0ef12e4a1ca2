"""All findings from all facts."""

from __future__ import annotations

from collections.abc import Iterator

from lcvsync.runner.doctor import boxes, door, machine, office, orders, runs, shop
from lcvsync.runner.doctor.facts import Facts, got
from lcvsync.runner.doctor.findings import CHECKS, Finding, in_order, unknown


def decide(facts: Facts) -> list[Finding]:
    """What is to be said; every check has at least one finding."""
    found = list(_examine(facts))
    seen = {finding.check for finding in found}
    why = "the configuration can't be read" if facts.options is None else "the state can't be read"
    return in_order([*found, *(unknown(check, why) for check in CHECKS if check not in seen)])


def _examine(facts: Facts) -> Iterator[Finding]:
    yield from machine.configuration(facts)
    if facts.options is None or facts.machine is None:
        return
    options, now = facts.options, facts.machine.now
    for look in (machine.secrets, machine.directory, machine.disk):
        yield from look(facts.machine)
    if facts.state:
        yield from machine.database(facts.state)
    if facts.office:
        yield from office.examine(facts.office, facts.known, options, now)
    if facts.shop:
        yield from door.examine(facts.shop, options)
        yield from boxes.examine(got(facts.shop.identity), facts.known, options)
        yield from shop.examine(facts.shop, facts.known, options)
    yield from orders.examine(facts.shop, facts.known, options)
    yield from runs.examine(facts.runs, options, now)
