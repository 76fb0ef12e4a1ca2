"""What the doctor's shell gathers for its decisions. A look that failed is a `Missed`; None: it wasn't possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from lcvsync.ports import CertificateSeen, ShopIdentity, Sighting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Missed:
    """A look that failed, in the words of its error."""

    error: str
    cure: str = ""
    exit_code: int = 5


def got(look: T | Missed | None) -> T | None:
    """What a look found; None when it failed or wasn't possible."""
    return None if isinstance(look, Missed) else look


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file or directory, by what decides who may read it."""

    path: str
    mode: int
    owner: int
    directory: bool = False
    secret: str = ""
    """Which secret it holds: `prestashop.key`; "" none of the configuration's."""


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine: files, disk, who runs lcvsync."""

    now: datetime
    user: int
    secrets: tuple[FileSeen, ...]
    """Files that the configuration's secrets stand in."""
    state: tuple[FileSeen, ...]
    """The state directory and what is in it; empty where it isn't there yet."""
    directory: str
    free_bytes: int | None
    database_bytes: int = 0
    configuration: FileSeen | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The database, without a change to it."""

    exists: bool
    problem: Missed | None = None
    """Why it can't be opened."""
    damage: str = ""
    """What SQLite finds wrong in it."""
    pending: tuple[str, ...] = ()
    """Migrations that the next command will make."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run of the journal."""

    id: int
    command: str
    started_at: datetime
    outcome: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Runs:
    """What the state knows of runs."""

    newest: tuple[RunSeen, ...] = ()
    """Newest first."""
    success: RunSeen | None = None
    locked: bool = False
    """Whether a run is under way at this moment."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the state knows of LCV, of mappings and of orders."""

    adopted: bool = False
    adopted_for: str = ""
    """The address that it was last adopted for; "" never."""
    tables: bool = False
    products: int = 0
    unmapped: Mapping[str, int] = field(default_factory=dict)
    """Kind of mapping → codes that articles use and no row answers for."""
    stopping: frozenset[str] = frozenset()
    """Kinds without whose mapping an article isn't sold at all."""
    payments: tuple[str, ...] = ()
    """Ways of paying that no row answers for."""
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Reason → orders that wait for it."""
    old_module: int = 0
    """Orders that the module that lcvsync replaces exported."""
    old_module_since: int = 0
    """Those of them that were placed after the state was adopted."""


@dataclass(frozen=True, slots=True)
class Association:
    """The pairing with LCV, without its key."""

    url: str
    pinned: str
    """Fingerprint of the accepted certificate; "" where the system decides."""
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Office:
    """What was seen of LCV."""

    association: Association | Missed
    certificate: CertificateSeen | Missed | None = None
    time: datetime | Missed | None = None
    asked_at: datetime | None = None
    """This machine's time at the answer."""
    web_stores: tuple[str, ...] | Missed | None = None


@dataclass(frozen=True, slots=True)
class StateOfOrders:
    """An order state of the shop, as far as its origin matters."""

    id: int
    name: str
    module: str


@dataclass(frozen=True, slots=True)
class ShopSeen:
    """What was seen of the shop."""

    knock: Sighting | Missed
    stranger: Sighting | Missed | None = None
    """The answer to a made-up key in the address; asked only where the real one did not arrive."""
    methods: Mapping[str, Sighting | Missed] = field(default_factory=dict)
    identity: ShopIdentity | Missed | None = None
    time: datetime | None = None
    asked_at: datetime | None = None
    configuration: Mapping[str, str] | Missed | None = None
    languages: tuple[str, ...] | Missed | None = None
    """ISO codes."""
    shops: tuple[int, ...] | Missed | None = None
    """Ids of the active ones."""
    states: tuple[StateOfOrders, ...] | Missed | None = None
    """Order states that carry the names of the export."""
    traces: tuple[str, ...] | Missed | None = None
    """Names of configuration rows that begin with LCV."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the configuration that checks depend on."""

    lcv_url: str
    web_store: str
    shop_url: str
    shop_id: int | None
    languages: tuple[str, ...]
    enabled: bool
    complete: bool
    max_seconds: int
    min_id: int | None
    export_customers: bool
    mark_states: bool
    shipping_reference: str
    wrapping_reference: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything; only `configuration` where the configuration is wrong."""

    configuration: str | Missed
    """The file that was read."""
    problems: tuple[str, ...] = ()
    """All that is wrong in it."""
    options: Options | None = None
    machine: Machine | None = None
    state: State | None = None
    runs: Runs | None = None
    known: Known | Missed | None = None
    office: Office | None = None
    shop: ShopSeen | None = None
