"""What a finding is, which checks there are, and what the exit code says of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

RECORDS = 3
"""The exit code of a failure that would stop no run at its start."""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but a person should look; the exit code stays 0."""
    FAILURE = "failure"
    """A run stops, or does harm."""
    UNKNOWN = "unknown"
    """It couldn't be looked at, because of another finding."""


CHECKS: dict[str, str] = {
    "configuration.file": "The configuration file is found and right, all of it, and not for everybody to change",
    "configuration.secrets": "Nobody else can read a file that holds a secret",
    "configuration.enabled": "The synchronisation isn't switched off (`sync.enabled`)",
    "state.directory": "The state directory is there, ours, and closed to others",
    "state.files": "Database, key and audit are ours, and closed to others",
    "state.disk": "Space is left on the state's disk",
    "state.database": "The database opens and is whole",
    "state.schema": "Its schema is that of this version of lcvsync",
    "lcv.association": "There is an association, with the back office of `lcv.url`, that doesn't expire soon",
    "lcv.certificate": "LCV's certificate is the accepted one, or one that the system trusts, for 30 days at least",
    "lcv.answer": "LCV answers and accepts the access key",
    "lcv.clock": "LCV's clock and this machine's are less than 2 minutes apart",
    "lcv.web_store": "LCV knows the web store of `lcv.web_store`",
    "lcv.tables": "The tables were read (`lcvsync pull-config`)",
    "shop.https": "The shop is spoken to by https, but for loopback",
    "shop.address": "`prestashop.url` is the shop's own address, and its webservice answers there",
    "shop.key": "The key arrives and is accepted",
    "shop.methods": "PUT, PATCH and DELETE get through to PrestaShop",
    "shop.version": "The version of PrestaShop is one that lcvsync was tried on",
    "shop.clock": "The shop's clock and this machine's are less than 2 minutes apart",
    "key.boxes": "Every box that lcvsync needs is ticked",
    "key.patch": "PATCH is ticked where PrestaShop has it",
    "key.danger": "No box is ticked that lcvsync must never need",
    "settings.shops": "It is clear which of the shops is meant (multishop)",
    "settings.languages": "The shop has the languages of `prestashop.languages`",
    "settings.open": "The shop isn't in maintenance, nor a mere catalogue",
    "settings.indexation": "The search index isn't rebuilt with every product of the first run",
    "settings.stock": "The shop manages stock, and refuses orders for what isn't there",
    "settings.tax": "Taxes are on",
    "settings.rounding": "Prices are rounded half up, by article or by line",
    "orders.adopted": "The state is adopted for this shop",
    "orders.min_id": "`orders.min_id` is set",
    "orders.old_module": "The module that lcvsync replaces has left no sign of life",
    "orders.shipping": "Shipping costs have a reference (`orders.shipping_reference`)",
    "orders.wrapping": "Gift wrapping has a reference (`orders.wrapping_reference`)",
    "orders.payments": "Every way of paying is mapped",
    "mappings.unmapped": "Every code that articles use is mapped",
    "runs.cron": "A run began within the last hour",
    "runs.success": "The last successful run is less than a day old",
    "runs.budget": "Runs come to their end within `sync.max_seconds`",
    "runs.lock": "No run holds the lock for long",
}
"""Check → what it looks at; in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    """A name of `CHECKS`."""
    level: Level
    found: str
    meaning: str = ""
    """What it leads to."""
    cure: str = ""
    """What to do, exactly."""
    exit_code: int = 0
    """Of a failure: how a run ends because of it; 3 where it wouldn't stop one."""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, meaning: str, cure: str) -> Finding:
    """A person should look."""
    return Finding(check, Level.WARNING, found, meaning, cure)


def failure(check: str, found: str, meaning: str, cure: str, exit_code: int = RECORDS) -> Finding:
    """It doesn't work."""
    return Finding(check, Level.FAILURE, found, meaning, cure, exit_code)


def unknown(check: str, why: str) -> Finding:
    """Nobody could look."""
    return Finding(check, Level.UNKNOWN, why)


def exit_code_of(findings: Iterable[Finding]) -> int:
    """0 when nothing failed, else how a run would end by the first failure that stops one, else 3."""
    codes = [finding.exit_code for finding in findings if finding.level is Level.FAILURE]
    return next((code for code in codes if code != RECORDS), codes[0] if codes else 0)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """As `CHECKS` lists them; several of one check stay as they came."""
    places = list(CHECKS)
    return sorted(findings, key=lambda finding: places.index(finding.check))
