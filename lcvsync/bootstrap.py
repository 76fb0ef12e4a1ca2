"""The composition root: settings → wired objects. The only importer of the concrete adapters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lcvsync.config import Settings
from lcvsync.lcv import association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.ports import Clock, Reporter
from lcvsync.prestashop.shop import WebserviceShop, authorization
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.context import CatalogueOptions
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run, Tools
from lcvsync.runner.session import Session
from lcvsync.runner.stopping import Stopper
from lcvsync.state.store import Store, open_store
from lcvsync.transport import SHOP, RequestCount, Transport


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class Counts:
    """Requests to both parties, for the report."""

    lcv: RequestCount = field(default_factory=RequestCount)
    prestashop: RequestCount = field(default_factory=RequestCount)


def catalogue_options(settings: Settings) -> CatalogueOptions:
    """The options that planning and applying depend on."""
    catalogue = settings.catalogue
    policies = catalogue.fields.model_dump()
    return CatalogueOptions(
        web_store=settings.lcv.web_store,
        mode=settings.sync.mode,
        languages=settings.prestashop.languages,
        safety_stock=catalogue.safety_stock,
        out_of_stock=catalogue.out_of_stock,
        discriminating_attributes=catalogue.discriminating_attributes,
        colour_group=catalogue.colour_group,
        lock_category=catalogue.lock_category,
        remove_variants=catalogue.remove_variants,
        require_photo=catalogue.require_photo,
        sent_once=frozenset(name for name, policy in policies.items() if policy == "create"),
    )


@contextmanager
def shop_of(settings: Settings, clock: Clock, count: RequestCount | None = None) -> Iterator[WebserviceShop]:
    """The shop of the configuration."""
    options = settings.prestashop
    headers = authorization(options.key.get_secret_value())
    with Transport(SHOP, options.url, clock, headers=headers, count=count) as transport:
        yield WebserviceShop(
            transport, clock, shop_id=options.shop_id, max_requests_per_minute=options.max_requests_per_minute or None
        )


@contextmanager
def back_office_of(settings: Settings, clock: Clock, count: RequestCount | None = None) -> Iterator[HttpBackOffice]:
    """LCV as associated. Raises NotAssociated."""
    with HttpBackOffice.of(association.load(settings.state.directory), clock, count=count) as back_office:
        yield back_office


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """The state of the configuration."""
    store = open_store(settings.state.directory)
    try:
        yield store
    finally:
        store.close()


def run_session(
    settings: Settings,
    command: str,
    reporter: Reporter,
    work: Callable[[Run], None],
    *,
    clock: Clock | None = None,
) -> Report:
    """Do *work* with a run: lock taken, start and end recorded, every outcome in the report; see `Session`."""
    clock = clock or SystemClock()
    counts = Counts()
    options = catalogue_options(settings)
    report = Report(mode=options.mode, started_at=clock.now())
    session = Session(settings.state.directory, clock, report, settings.audit.keep_days)
    stopper = Stopper(clock, settings.sync.max_seconds)

    def begin(store: Store) -> None:
        audit = AuditLog(settings.state.directory, clock)
        audit.run = report.run
        with (
            back_office_of(settings, clock, counts.lcv) as back_office,
            shop_of(settings, clock, counts.prestashop) as shop,
            stopper.listening(),
        ):
            tools = Tools(shop, back_office, store, clock, audit, reporter)
            try:
                work(Run(tools, options, report, stopper))
            finally:
                report.requests = {"lcv": counts.lcv.requests, "prestashop": counts.prestashop.requests}

    session.execute(command, begin)
    return report
