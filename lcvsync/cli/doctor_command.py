"""`lcvsync doctor`: what is wrong, what it leads to, and the exact cure. It only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import click

from lcvsync.bootstrap import SystemClock, belonging, ways
from lcvsync.cli import Application, pass_application
from lcvsync.cli.errors import redact
from lcvsync.cli.output import clean, json_option, reporter, talk, write, write_json
from lcvsync.cli.run_output import amount
from lcvsync.config import Settings
from lcvsync.config.secrets import secret_files
from lcvsync.errors import ConfigurationError
from lcvsync.ports import Clock, Reporter
from lcvsync.runner.doctor import gather, local
from lcvsync.runner.doctor.decide import decide
from lcvsync.runner.doctor.facts import Facts, Missed, Options
from lcvsync.runner.doctor.findings import Finding, Level, exit_code_of

AREAS = {
    "configuration": "Configuration",
    "state": "State",
    "lcv": "LCV",
    "shop": "Shop",
    "key": "Webservice key",
    "settings": "Shop settings",
    "orders": "Orders",
    "mappings": "Mappings",
    "runs": "Runs",
}
"""What a check's name begins with → its heading."""


@click.command()
@json_option
@pass_application
def doctor(application: Application, as_json: bool) -> int:
    """Look at everything that a run depends on, and say what is wrong, what it leads to, and what cures it.

    The configuration, files and their owners, LCV, the shop, the boxes of the webservice key, the shop's settings, the
    module that lcvsync replaces, cron. Nothing is written anywhere. Exit code 0 when nothing failed (warnings are no
    failure), else that of a run that stops because of it, else 3.

    \b
    Examples:
      lcvsync doctor
      lcvsync doctor --json | jq '.checks[] | select(.level != "ok")'
    """
    with reporter(application) as shown:
        findings = decide(examined(application, SystemClock(), shown))
    findings = [_redacted(finding, application) for finding in findings]
    code = exit_code_of(findings)
    counts = Counter(finding.level for finding in findings)
    if as_json:
        found = [asdict(finding) for finding in findings]
        write_json({"exit_code": code, "counts": {level.value: counts[level] for level in Level}, "checks": found})
        return code
    _write(findings)
    talk(application, ", ".join(_counted(level, counts[level]) for level in Level if counts[level]))
    return code


def examined(application: Application, clock: Clock, shown: Reporter) -> Facts:
    """All the facts; where the configuration is wrong, only that."""
    try:
        settings = application.settings
    except ConfigurationError as error:
        return Facts(Missed(str(error), error.cure, error.exit_code), error.problems)
    directory = settings.state.directory
    shown.step("this machine", 3)
    secrets = secret_files(settings.file) if settings.file else []
    machine = local.machine(clock.now(), directory, settings.file, secrets)
    state, runs, known = local.state(directory, lambda: belonging(settings))
    shown.advance()
    shown.step("LCV", 3)
    office = gather.office(ways(settings, clock), clock)
    shown.step("the shop", 3)
    shop = gather.shop(ways(settings, clock), clock)
    return Facts(str(settings.file), (), _options(settings), machine, state, runs, known, office, shop)


def _options(settings: Settings) -> Options:
    orders = settings.orders
    return Options(
        lcv_url=settings.lcv.url,
        web_store=settings.lcv.web_store,
        shop_url=settings.prestashop.url,
        shop_id=settings.prestashop.shop_id,
        languages=settings.prestashop.languages,
        enabled=settings.sync.enabled,
        complete=settings.sync.mode == "complete",
        max_seconds=settings.sync.max_seconds,
        min_id=orders.min_id,
        export_customers=orders.export_customers,
        mark_states=orders.mark_states,
        shipping_reference=orders.shipping_reference,
        wrapping_reference=orders.wrapping_reference,
    )


def _redacted(finding: Finding, application: Application) -> Finding:
    """What servers answered is quoted in findings: no secret may be in it."""

    def safe(text: str) -> str:
        return clean(redact(text, application.secrets))

    return Finding(
        finding.check,
        finding.level,
        safe(finding.found),
        safe(finding.meaning),
        safe(finding.cure),
        finding.exit_code,
    )


def _write(findings: Sequence[Finding]) -> None:
    for place, (area, found) in enumerate(groupby(findings, lambda finding: finding.check.partition(".")[0])):
        write(f"{chr(10) if place else ''}{AREAS[area]}")
        for finding in found:
            name = finding.check.partition(".")[2].replace("_", " ")
            write(f"  {finding.level.value:<8} {name}: {finding.found}")
            if finding.meaning:
                write(f"           {finding.meaning}")
            if finding.cure:
                write(f"           → {finding.cure}")


def _counted(level: Level, number: int) -> str:
    match level:
        case Level.OK:
            return f"{number} ok"
        case Level.UNKNOWN:
            return f"{number} not looked at"
        case _:
            return amount(number, level.value)
