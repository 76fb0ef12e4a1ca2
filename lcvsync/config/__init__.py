"""The TOML file: found, read, and checked whole.

Rules of this file:

- Every problem is told at once, as `section.key: what is wrong, expected what`; an unknown name comes with the nearest
  known one. Values are only repeated where they can't be a secret.
- There is no option that does nothing: a section appears here with the feature that reads it, and in
  `config.example.toml` with its default (a test compares the two).
- Types are strict: `"3"` is no number and `1` is no `true`. Relative paths start at the file's own directory, because
  cron's is not the one in which the file was written.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from lcvsync.config.problems import OptionError, problem, toml_problem
from lcvsync.config.values import (
    LARGEST,
    MOST_DAYS,
    Domain,
    IsoCode,
    Surroundings,
    Text,
    Texts,
    address_of,
    colour_group_of,
    optional_address,
    path_of,
    ping_address,
    prometheus_path,
    secret_of,
    webservice_key,
)
from lcvsync.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


Mode = Literal["basic", "complete"]
OutOfStock = Literal["show", "hide"]
Policy = Literal["sync", "create"]

SYSTEM_FILE: Final = Path("/etc/lcvsync/config.toml")
ROOT_STATE: Final = Path("/var/lib/lcvsync")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Lcv(_Section):
    """`[lcv]`: the back office."""

    url: Annotated[str, AfterValidator(lambda value: address_of(value, "/api/v1"))]
    """Its address, without `/api/v1` and without a slash at the end."""
    web_store: Text
    """Code of the LCV web store (magasin internet) that the shop is."""


class PrestaShop(_Section):
    """`[prestashop]`: the shop and its webservice."""

    url: Annotated[str, AfterValidator(lambda value: address_of(value, "/api"))]
    """Its address, without `/api` and without a slash at the end."""
    key: Annotated[SecretStr, BeforeValidator(secret_of), AfterValidator(webservice_key)]
    shop_id: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Id of the shop to write to; needed where more than one is active (multishop)."""
    languages: Annotated[tuple[IsoCode, ...], Field(strict=False)] = ()
    """ISO codes, in lower case, of the languages that get LCV's texts; empty: all active ones."""
    max_parallel: Annotated[int, Field(ge=1, le=LARGEST)] = 2
    """Requests under way at once."""
    max_requests_per_minute: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """0: no limit."""


class Sync(_Section):
    """`[sync]`: the run."""

    enabled: bool = True
    mode: Mode = "basic"
    max_seconds: Annotated[int, Field(ge=1, le=LARGEST)] = 270
    """A run ends cleanly after so many seconds; the next one goes on."""


class CardFields(_Section):
    """`[catalogue.fields]`: "sync": LCV's value always wins; "create": sent once, then the shop's own."""

    reference: Policy = "sync"
    supplier_reference: Policy = "sync"
    name: Policy = "sync"
    short_description: Policy = "sync"
    description: Policy = "sync"
    brand: Policy = "sync"
    categories: Policy = "sync"
    features: Policy = "sync"
    attributes: Policy = "sync"
    photos: Policy = "sync"
    weight: Policy = "sync"
    ean: Policy = "sync"
    tax: Policy = "sync"


class Catalogue(_Section):
    """`[catalogue]`: products, stock, photos."""

    safety_stock: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """Units of every size that are kept back from the shop."""
    out_of_stock: OutOfStock = "show"
    discriminating_attributes: Texts = ()
    """Codes of LCV attributes whose values make products of their own."""
    colour_group: Annotated[int | str, BeforeValidator(colour_group_of)] = ""
    """Id or exact name of the attribute group that gets generic colours; "": none does."""
    lock_category: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """Id of the category whose products are locked; 0: none."""
    remove_variants: bool = False
    clean_unused: bool = False
    require_photo: bool = True
    fields: CardFields = CardFields()


class MarketplaceOptions(_Section):
    """`[orders.marketplaces]`: whose customers LCV is not told of."""

    modules: Texts = ("amazon", "cdiscount", "fnac", "mirakl", "priceminister", "lengow_payment", "sfpayment")
    """Names of payment modules (`orders.module`)."""
    email_domains: Annotated[tuple[Domain, ...], Field(strict=False)] = (
        "mp.common-services.com",
        "clemarche.com",
        "marketplace.amazon.fr",
    )
    """Domains of e-mail addresses; those below them too."""
    customer_groups: Texts = ()
    """Names of customer groups."""


class Orders(_Section):
    """`[orders]`: sales, refunds and customers to LCV."""

    min_id: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Id of the first order to export; unset: nothing is exported by itself."""
    max_age_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 90
    """Older orders, and their changes, are not exported by themselves."""
    export_customers: bool = True
    export_changes: bool = True
    """Cancellations, edits, refunds and returns of exported orders."""
    states: Annotated[tuple[Annotated[int, Field(ge=1, le=LARGEST)], ...], Field(strict=False)] = ()
    """Ids of order states whose orders are exported although they are not paid ones."""
    shipping_reference: str = ""
    """LCV's reference for shipping costs."""
    wrapping_reference: str = ""
    """LCV's reference for gift wrapping."""
    mark_states: bool = True
    """Give orders the state "Exportée vers LCV" or "Erreur d'exportation LCV"."""
    service_references: dict[Text, Text] = Field(default_factory=dict)
    """Reference of a product of the shop → reference of a service of LCV."""
    marketplaces: MarketplaceOptions = MarketplaceOptions()


class Guard(_Section):
    """`[guard]`: how much a run may do before a person is asked, in percent; 20 of each kind always pass."""

    deactivate: Annotated[int, Field(ge=0, le=100)] = 10
    """Products to switch off, of those that are on."""
    price_fall: Annotated[int, Field(ge=0, le=100)] = 20
    """Products of which a variant gets cheaper."""
    promotion: Annotated[int, Field(ge=0, le=100)] = 80
    """Products that get a new or larger reduction."""
    zero: Annotated[int, Field(ge=0, le=100)] = 10
    """Variants in stock that would go to 0 although LCV doesn't say that they are sold."""
    orders: Annotated[int, Field(ge=0, le=100)] = 5
    """Documents of orders older than a week, in percent of the orders that LCV was told of; 20 always pass."""


class Audit(_Section):
    """`[audit]`: the record of every change."""

    keep_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 90


def default_state_directory() -> Path:
    """The user's state directory; for root the system's, unless XDG_STATE_HOME asks for another one."""
    if os.geteuid() == 0 and not os.environ.get("XDG_STATE_HOME"):
        return ROOT_STATE
    if not _has_home("XDG_STATE_HOME"):
        raise ConfigurationError(
            "state.directory: is not set, and the user has no home directory", cure="set it to an absolute path"
        )
    return platformdirs.user_state_path("lcvsync")


def _has_home(variable: str) -> bool:
    """Whether *variable* or a home says where: a container's user may have neither HOME nor a line in /etc/passwd."""
    if os.environ.get(variable):
        return True
    try:
        Path.home()
    except RuntimeError:
        return False
    return True


class Notify(_Section):
    """`[notify]`: whom a run tells how it went; nobody by default."""

    ping_url: Annotated[SecretStr, BeforeValidator(secret_of), AfterValidator(ping_address)] = SecretStr("")
    """Of a check of healthchecks.io or its like."""
    command_on_failure: Texts = ()
    command_on_recovery: Texts = ()
    command_after_changes: Texts = ()
    """Gets the ids of the shop's products that changed on its standard input, one a line."""
    command_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    prometheus_file: Annotated[str, AfterValidator(prometheus_path)] = ""
    """Absolute where the settings come from a file; "": none."""


class State(_Section):
    """`[state]`: where the shop's database, association and audit are kept."""

    directory: Annotated[Path, BeforeValidator(path_of)] = Field(default_factory=default_state_directory)
    """Absolute where the settings come from a file."""


class Availability(_Section):
    """`[availability]`: in which stores a product is, for its page in the shop."""

    directory: Annotated[Path | None, BeforeValidator(path_of)] = None
    """Where the files go, for the web server to serve; None: none are made."""
    base_url: Annotated[str, AfterValidator(optional_address)] = ""
    """Address under which the web server serves them; "": the script takes its own."""
    last_pieces: Annotated[int, Field(ge=0, le=LARGEST)] = 3
    """So many pieces or fewer in a store are the last ones."""
    show_quantities: bool = False
    title: Text = "Disponibilité en magasin"
    label_store: Text = "Magasin"
    label_state: Text = "Disponibilité"
    label_available: Text = "Disponible"
    label_last_pieces: Text = "Dernières pièces"
    label_unavailable: Text = "Indisponible"


class Settings(_Section):
    """The whole file, checked; `model_fields_set` of each section tells what was typed and what is a default."""

    lcv: Lcv
    prestashop: PrestaShop
    sync: Sync = Sync()
    catalogue: Catalogue = Catalogue()
    orders: Orders = Orders()
    guard: Guard = Guard()
    audit: Audit = Audit()
    notify: Notify = Notify()
    state: State = Field(default_factory=State)
    availability: Availability = Availability()

    _file: Path | None = PrivateAttr(default=None)

    @field_validator("availability")
    @classmethod
    def _apart_from_state(cls, value: Availability, info: ValidationInfo) -> Availability:
        """The state holds the key to LCV: it must not lie where the web server serves it."""
        state: State | None = info.data.get("state")
        served = value.directory
        if served and state and state.directory.resolve().is_relative_to(served.resolve()):
            what = f"would publish state.directory ({state.directory}), expected another one"
            raise OptionError("directory", what)
        return value

    @property
    def file(self) -> Path | None:
        """The file that these settings were read from; None when they were made without one."""
        return self._file


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of *path*, or of the first file of the search order that exists.

    Raises ConfigurationError with every problem of the file, or with the places where there is none.
    """
    file = _find(path, environment).absolute()
    raw: dict[str, Any] = {"lcv": {}, "prestashop": {}} | _read(file)  # so that each missing option is named
    try:
        settings = Settings.model_validate(raw, context=Surroundings(environment, file.parent))
    except ValidationError as error:
        raise _faulty(file, [problem(detail, Settings) for detail in error.errors(include_url=False)]) from None
    settings._file = file
    return settings


def _find(path: Path | None, environment: Mapping[str, str]) -> Path:
    """A file that was asked for, whether it exists or not; else the first of the usual ones that does."""
    if named := path or environment.get("LCVSYNC_CONFIG"):
        return Path(named).expanduser()
    own: tuple[Path, ...] = (
        (platformdirs.user_config_path("lcvsync") / "config.toml",) if _has_home("XDG_CONFIG_HOME") else ()
    )
    usual = (Path("lcvsync.toml"), *own, SYSTEM_FILE)
    for file in usual:
        if os.access(file, os.F_OK):
            return file
    raise ConfigurationError(
        "there is no configuration file",
        problems=tuple(f"{file}: not found" for file in usual),
        cure="copy config.example.toml to one of these places, or name a file with -c FILE or LCVSYNC_CONFIG",
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}", cure="name another with -c FILE") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _faulty(file, [f"line {line}: is not UTF-8, expected a file saved as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise _faulty(file, [toml_problem(error)]) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in thousands of brackets
        raise _faulty(file, ["it holds what no option can be, expected TOML"]) from None


def _faulty(file: Path, problems: list[str]) -> ConfigurationError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigurationError(
        f"{count} in {file}", problems=tuple(problems), cure="correct the file, then look with: lcvsync config check"
    )
