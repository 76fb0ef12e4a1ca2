"""The composition root: settings → wired objects. The only importer of the concrete adapters."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lcvsync.config import Settings
from lcvsync.errors import ConfigurationError, NotAssociated
from lcvsync.lcv import association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.lcv.certificate import Certificate, Fingerprint, parse_fingerprint, probe_certificate
from lcvsync.notify.messenger import SystemMessenger
from lcvsync.planning.changes import GuardKind
from lcvsync.planning.guards import Guards
from lcvsync.planning.order_options import OrderOptions, Services
from lcvsync.ports import Clock, Reporter, Resource, Shop, ShopProbe
from lcvsync.prestashop.settings import configuration
from lcvsync.prestashop.shop import WebserviceShop, authorization
from lcvsync.runner.adoption import Belonging, start_id
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.notices import Notices, NotifyOptions
from lcvsync.runner.options import AvailabilityOptions, CatalogueOptions, ExportOptions, Marketplaces
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run
from lcvsync.runner.session import Session
from lcvsync.runner.stopping import Stopper
from lcvsync.runner.tools import Tools
from lcvsync.state.store import DATABASE, Store, open_store, telling
from lcvsync.transport import ONCE, SHOP, Limits, RequestCount, Transport

if TYPE_CHECKING:
    from lcvsync.runner.doctor.gather import Ways


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
        shop_id=settings.prestashop.shop_id,
        safety_stock=catalogue.safety_stock,
        out_of_stock=catalogue.out_of_stock,
        discriminating_attributes=catalogue.discriminating_attributes,
        colour_group=catalogue.colour_group,
        lock_category=catalogue.lock_category,
        remove_variants=catalogue.remove_variants,
        clean_unused=catalogue.clean_unused,
        require_photo=catalogue.require_photo,
        sent_once=frozenset(name for name, policy in policies.items() if policy == "create"),
    )


def guards_of(settings: Settings) -> Guards:
    """The limits of the catalogue's kinds of change; that of orders is theirs."""
    limits = settings.guard
    return Guards(
        {
            GuardKind.DEACTIVATE: limits.deactivate,
            GuardKind.PRICE_FALL: limits.price_fall,
            GuardKind.PROMOTION: limits.promotion,
            GuardKind.ZERO: limits.zero,
        }
    )


def belonging(settings: Settings) -> Belonging:
    """The configured shop, as an adopted state knows it."""
    options = settings.prestashop
    digest = hashlib.sha256(options.key.get_secret_value().encode()).hexdigest()
    try:
        paired = association.load(settings.state.directory).association_id
    except NotAssociated:
        paired = None
    return Belonging(options.url, digest, options.shop_id, paired)


def export_options(settings: Settings, store: Store, association_id: str) -> ExportOptions:
    """The options of orders and customers, and whether the state may export at all."""
    orders, marketplaces = settings.orders, settings.orders.marketplaces
    return ExportOptions(
        orders=OrderOptions(
            min_id=orders.min_id,
            max_age=timedelta(days=orders.max_age_days),
            export_changes=orders.export_changes,
            states=frozenset(orders.states),
            services=Services(orders.shipping_reference, orders.wrapping_reference),
            service_references=orders.service_references,
        ),
        export_customers=orders.export_customers,
        mark_states=orders.mark_states,
        marketplaces=Marketplaces(
            frozenset(marketplaces.modules),
            frozenset(domain.lower() for domain in marketplaces.email_domains),
            frozenset(marketplaces.customer_groups),
        ),
        guard_percent=settings.guard.orders,
        web_store=settings.lcv.web_store,
        association=association_id,
        start=start_id(store, belonging(settings)),
    )


def availability_options(settings: Settings) -> AvailabilityOptions:
    """Where and how the availability by store is shown, if at all."""
    options = settings.availability
    if options.directory is None:
        return AvailabilityOptions()
    from lcvsync.availability.directory import PublicDirectory  # noqa: PLC0415 - start-up time: few show it
    from lcvsync.availability.rendering import Labels  # noqa: PLC0415

    labels = Labels(
        options.title,
        options.label_store,
        options.label_state,
        options.label_available,
        options.label_last_pieces,
        options.label_unavailable,
    )
    showcase = PublicDirectory(options.directory, options.base_url, labels, options.show_quantities)
    return AvailabilityOptions(showcase, options.last_pieces, settings.prestashop.languages)


HURRY = Limits(connect_seconds=5.0, read_seconds=15.0, total_seconds=30.0)
"""For what a person waits for: `lcvsync doctor`, `lcvsync why`."""


@contextmanager
def shop_of(
    settings: Settings, clock: Clock, count: RequestCount | None = None, *, hurry: bool = False
) -> Iterator[WebserviceShop]:
    """The shop of the configuration; *hurry*: a person waits, and can do without its answer."""
    options = settings.prestashop
    headers = authorization(options.key.get_secret_value())
    limits, budget = (HURRY, ONCE) if hurry else (None, None)
    with Transport(SHOP, options.url, clock, headers=headers, limits=limits, budget=budget, count=count) as transport:
        yield WebserviceShop(
            transport, clock, shop_id=options.shop_id, max_requests_per_minute=options.max_requests_per_minute or None
        )


@dataclass(frozen=True)
class Pairing:
    """The way to an association and back, in the order of its safety: address, certificate, discovery, password."""

    settings: Settings
    clock: Clock

    def address(self, typed: str, *, allow_http: bool) -> str:
        """The back office's address in one form. Raises ConfigurationError."""
        return association.back_office_url(typed, allow_http=allow_http)

    def certificate(self, url: str) -> Certificate | None:
        """What is shown at *url*, before a byte of a request is sent; None for plain http. Raises Temporary."""
        return probe_certificate(url)

    def fingerprint(self, typed: str) -> Fingerprint:
        """A fingerprint as people type it. Raises ConfigurationError."""
        return parse_fingerprint(typed)

    def discover(self, url: str, pin: Fingerprint | None) -> association.Discovery:
        """Who answers; no credential is sent. Raises NotAssociated, Temporary."""
        return association.discover(url, self.clock, fingerprint=pin)

    def associate(self, url: str, username: str, password: str, pin: Fingerprint | None) -> association.Association:
        """Trade the password for an access key and keep it. Raises NotAssociated, Temporary."""
        shop = self.settings.prestashop.url
        made = association.associate(url, username, password, shop, self.clock, fingerprint=pin)
        association.save(made, self.settings.state.directory)
        return made

    def kept(self) -> association.Association:
        """The association of the state directory. Raises NotAssociated: none, or damaged."""
        return association.load(self.settings.state.directory)

    def revoke(self, kept: association.Association) -> bool:
        """Let LCV forget the key; False when it didn't know it any more."""
        return association.dissociate(kept, self.clock)

    def forget(self) -> bool:
        """Remove the association from the state directory; False when there was none."""
        return association.forget(self.settings.state.directory)


def notices_of(settings: Settings, command: str, clock: Clock, clean: Callable[[str], str]) -> Notices:
    """Whom a run of *command* tells how it went; *clean* takes secrets out of texts."""
    notify = settings.notify
    options = NotifyOptions(
        shop=settings.prestashop.url,
        on_failure=notify.command_on_failure,
        on_recovery=notify.command_on_recovery,
        after_changes=notify.command_after_changes,
        prometheus_file=Path(notify.prometheus_file) if notify.prometheus_file else None,
    )
    ping_url = notify.ping_url.get_secret_value()
    secrets = {settings.prestashop.key.get_secret_value(), ping_url} - {""}
    messenger = SystemMessenger(ping_url, notify.command_seconds, secrets=secrets)
    return Notices(options, messenger, clock, command, clean)


def ways(settings: Settings, clock: Clock) -> Ways:
    """How the doctor reaches LCV and the shop: each question once, with little patience."""
    from lcvsync.lcv.probe import probing  # noqa: PLC0415 - start-up time: no other command needs any of this
    from lcvsync.prestashop.probe import WebserviceProbe  # noqa: PLC0415
    from lcvsync.runner.doctor.facts import Association as PairedOffice  # noqa: PLC0415
    from lcvsync.runner.doctor.gather import Ways  # noqa: PLC0415

    directory, options = settings.state.directory, settings.prestashop

    def paired() -> PairedOffice:
        kept = association.load(directory)
        return PairedOffice(kept.url, kept.fingerprint or "", kept.expires_at)

    @contextmanager
    def shop() -> Iterator[tuple[Shop, ShopProbe]]:
        key = authorization(options.key.get_secret_value())
        with (
            Transport(SHOP, options.url, clock, headers=key, limits=HURRY, budget=ONCE) as transport,
            Transport(SHOP, options.url, clock, limits=HURRY, budget=ONCE) as bare,
        ):
            yield WebserviceShop(transport, clock, shop_id=options.shop_id), WebserviceProbe(transport, bare)

    def values(shop: Shop, names: tuple[str, ...]) -> dict[str, str]:
        fields = ("name", "value", "id_shop", "id_shop_group")
        return configuration(shop.read(Resource.CONFIGURATIONS, fields=fields, where={"name": names}), options.shop_id)

    return Ways(paired, lambda: probing(association.load(directory), clock, HURRY), shop, values)


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """The state of the configuration. Raises as `open_store` and `telling` do."""
    store = open_store(settings.state.directory)
    try:
        with telling():
            yield store
    finally:
        store.close()


@contextmanager
def state_copy(settings: Settings) -> Iterator[Path]:
    """A directory with a copy of the state, gone afterwards: what is written there is forgotten.

    The copy is on disk, for the owner alone, since a state may be larger than a run may grow in memory. Raises
    ConfigurationError: no room for it.
    """
    original = settings.state.directory / DATABASE
    try:
        temporary = tempfile.TemporaryDirectory(prefix="lcvsync-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigurationError(
            f"the directory for temporary files can't be written: {error.strerror}",
            cure="name another one in TMPDIR; in a container with a read-only root: --tmpfs /tmp",
        ) from error
    with temporary as name:
        if original.exists():
            _copy(original, Path(name) / DATABASE)
        yield Path(name)


def _copy(original: Path, copy: Path) -> None:
    """Copy a database as it is at this moment, whoever writes to it; the original is opened for reading only."""
    address = f"{original.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=30)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"state.directory: can't copy {original}: {error}", cure="check its owner and the space left on the disk"
        ) from error


def run_session(
    settings: Settings,
    command: str,
    reporter: Reporter,
    work: Callable[[Run], None],
    *,
    clock: Clock | None = None,
    report: Report | None = None,
    prepare: Callable[[Store], object] | None = None,
    rehearsal: bool = False,
) -> Report:
    """Do *work* with a run: lock taken, start and end recorded, every outcome in the report; see `Session`.

    *report* is filled in where one is given, so that it can be read after an exception. *prepare* writes to the state
    before. A *rehearsal* (`--dry-run`) needs no lock and works on a copy of the state: it leaves nothing behind.
    """
    clock = clock or SystemClock()
    if report is None:
        report = Report(mode=settings.sync.mode, started_at=clock.now())
    report.dry_run = rehearsal
    with state_copy(settings) if rehearsal else nullcontext(settings.state.directory) as directory:
        session = Session(directory, clock, report, settings.audit.keep_days)
        audit = AuditLog(directory, clock)
        try:
            session.execute(command, _session_work(settings, clock, report, audit, reporter, work, prepare))
        finally:
            report.run = 0 if rehearsal else report.run  # a rehearsal is no run
    return report


def _session_work(
    settings: Settings,
    clock: Clock,
    report: Report,
    audit: AuditLog,
    reporter: Reporter,
    work: Callable[[Run], None],
    prepare: Callable[[Store], object] | None,
) -> Callable[[Store], None]:
    """*work*, with both connections open around it and their requests counted."""
    counts = Counts()
    stopper = Stopper(clock, settings.sync.max_seconds)

    def begin(store: Store) -> None:
        audit.run = report.run
        if prepare is not None:
            prepare(store)
        paired = association.load(settings.state.directory)
        with (
            HttpBackOffice.of(paired, clock, count=counts.lcv) as back_office,
            shop_of(settings, clock, counts.prestashop) as shop,
            stopper.listening(),
        ):
            tools = Tools(shop, back_office, store, clock, audit, reporter, settings.prestashop.max_parallel)
            try:
                export = export_options(settings, store, paired.association_id)
                shown = availability_options(settings)
                work(Run(tools, catalogue_options(settings), report, stopper, export, shown, guards_of(settings)))
            finally:
                report.requests = {"lcv": counts.lcv.requests, "prestashop": counts.prestashop.requests}

    return begin
