"""Customers: who is told to LCV, and when (manual, "Pourquoi un de mes comptes client..."; design 3.6).

A customer is told when an order of theirs is exported, unless a marketplace brought it; and every member of the group
"Clients LCV". From then on changes of the account and of its addresses follow. Nothing of a person stays in the state:
an id, LCV's code, and a digest that tells whether something changed.

`customers?display=full` is never asked: it holds password hashes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.domain.sales import Address, CustomerRecord, Title
from lcvsync.domain.texts import fold
from lcvsync.errors import BadAnswer, ConfigurationError, SaleRefused, Uncertain
from lcvsync.planning.changes import Action, Change, Failed, Json, Kind, Lane
from lcvsync.ports import BackOffice, Record, Resource, Shop
from lcvsync.runner.due import is_due
from lcvsync.runner.options import Marketplaces
from lcvsync.runner.orders.facts import is_time
from lcvsync.runner.orders.reading import capped
from lcvsync.runner.orders.settings import state_names
from lcvsync.state.documents import CustomerRow, Customers
from lcvsync.state.encoding import encode
from lcvsync.state.journal import Journal

if TYPE_CHECKING:
    from lcvsync.runner.audit import AuditLog
    from lcvsync.runner.report import Report
    from lcvsync.state.store import Store

GROUP_NAME = "Clients LCV"
CURSORS = "customers.cursors"
PLACES = "customers.places"
DAY = timedelta(days=1)
MARGIN = timedelta(hours=2)
_FIELDS = (
    *("firstname", "lastname", "email", "id_gender", "birthday", "newsletter", "optin", "company", "deleted"),
    *("date_upd", "groups[id]"),
)
_ADDRESS = (
    *("id_customer", "alias", "firstname", "lastname", "company", "address1", "address2", "postcode", "city"),
    *("id_country", "phone", "phone_mobile", "deleted"),
)
_TITLES = {"1": Title.MR, "2": Title.MRS}
"""Of every installation."""


@dataclass(frozen=True)
class Places:
    """Countries by id, and groups by id: names as they compare."""

    countries: Mapping[int, str]
    groups: Mapping[int, tuple[str, ...]]

    def is_named(self, groups: Iterable[int], names: Iterable[str]) -> bool:
        """Whether one of some groups has one of some names."""
        wanted = {fold(name) for name in names}
        return any(wanted.intersection(self.groups.get(group, ())) for group in groups)


class CustomerExport:
    """Tells LCV of customers."""

    def __init__(
        self,
        shop: Shop,
        back_office: BackOffice,
        store: Store,
        marketplaces: Marketplaces,
        association: str,
        zone: ZoneInfo,
        report: Report,
        audit: AuditLog,
        now: datetime,
    ) -> None:
        self._shop = shop
        self._back_office = back_office
        self._store = store
        self._marketplaces = marketplaces
        self._association = association
        self._zone = zone
        self._report = report
        self._audit = audit
        self._now = now
        self._customers = Customers(store)
        self._journal = Journal(store)
        self._places: Places | None = None
        self._cursors = dict(store.get(CURSORS) or {})

    # -- who ---------------------------------------------------------------------------------------------------------

    def buyers(self, orders: Iterable[tuple[int, str]]) -> None:
        """Tell LCV of the customers of (customer, module) orders that are exported."""
        self._tell({customer for customer, module in orders if not self._marketplaces.brought(module)}, bought=True)

    def code(self, customer: int) -> str | None:
        """The name under which LCV was told of a customer; None when it wasn't, or refused."""
        row = self._customers.get(customer)
        return str(customer) if row and row.code else None

    def follow(self) -> None:
        """What changed since the last look, customers and addresses in turn; daily the members of the group."""
        self._daily_members()
        turn = "addresses" if self._cursors.get("turn") == "customers" else "customers"
        self._cursors["turn"] = turn
        resource, owner = (Resource.CUSTOMERS, "") if turn == "customers" else (Resource.ADDRESSES, "id_customer")
        news = self._moved(turn, resource, owner)
        known = set(self._customers.known(news))
        self._tell(known.union(self._customers.unsure(self._now)), bought=True)
        if turn == "customers" and news - known and self._group_exists():
            self._tell(news - known, bought=False)
        self._store.put(CURSORS, self._cursors)

    def everybody(self) -> None:
        """Those who ever bought, and the members of the group (`export-customers --all`)."""
        fields = ("id_customer", "valid", "module")
        orders = [row for row in self._shop.read(Resource.ORDERS, fields=fields) if row.text("valid") == "1"]
        self.buyers((row.number("id_customer"), row.text("module")) for row in orders)
        self._tell(self._members(), bought=False)

    def forget(self) -> None:
        """Customers are not exported: nothing of them stays."""
        if self._store.rows("SELECT 1 FROM customer LIMIT 1").fetchone() or self._cursors:
            with self._store.transaction():
                self._customers.forget_all()
                self._store.put(CURSORS, None)

    def _moved(self, name: str, resource: Resource, owner: str) -> set[int]:
        """Customers whose account or address moved; the first look only learns where the dates stand."""
        seen, before = self._cursors.get(name), dict(self._cursors.get(f"{name}_recent") or {})
        fields = ("date_upd", *([owner] if owner else []))
        since = ("date_upd", f"{datetime.fromisoformat(seen) - MARGIN:%Y-%m-%d %H:%M:%S}") if seen else None
        rows = [row for row in self._shop.read(resource, fields=fields, since=since) if is_time(row.text("date_upd"))]
        newest = capped(max([seen or "", *(row.text("date_upd") for row in rows)]), self._shop.time(), self._zone)
        if not newest:
            return set()
        edge = f"{datetime.fromisoformat(newest) - MARGIN:%Y-%m-%d %H:%M:%S}"
        recent = {str(row.id): row.text("date_upd") for row in rows if row.text("date_upd") > edge}
        self._cursors |= {name: newest, f"{name}_recent": recent}
        if seen is None:
            return set()
        moved = [row for row in rows if before.get(str(row.id)) != row.text("date_upd")]
        return {row.number(owner) if owner else row.id for row in moved} - {0}

    def _daily_members(self) -> None:
        last = self._cursors.get("members")
        if not is_due(last, DAY, self._now):
            return
        self._cursors["members"] = self._now.isoformat()
        if self._group_exists():
            known = set(self._customers.known(members := self._members()))
            self._tell(members - known, bought=False)

    def _group_exists(self) -> bool:
        return any(fold(GROUP_NAME) in names for names in self.places.groups.values())

    def _members(self) -> set[int]:
        """Members of "Clients LCV"; nobody where the shop has no such group."""
        if not self._group_exists():
            return set()
        rows = self._shop.read(Resource.CUSTOMERS, fields=("deleted", "groups[id]"))
        return {row.id for row in rows if self.places.is_named(row.ids("groups"), [GROUP_NAME])}

    # -- what --------------------------------------------------------------------------------------------------------

    @property
    def places(self) -> Places:
        """Countries and groups, read at most daily."""
        if self._places is None:
            kept = self._store.get(PLACES)
            if is_due(kept and kept["at"], DAY, self._now):
                kept = self._read_places()
                self._store.put(PLACES, kept)
            self._places = Places(
                {int(key): iso for key, iso in kept["countries"].items()},
                {int(key): tuple(names) for key, names in kept["groups"].items()},
            )
        return self._places

    def _read_places(self) -> dict[str, object]:
        countries = self._shop.read(Resource.COUNTRIES, fields=("iso_code",))
        groups = self._shop.read(Resource.GROUPS, fields=("name",))
        return {
            "at": self._now.isoformat(),
            "countries": {str(row.id): row.text("iso_code").upper() for row in countries},
            "groups": {str(row.id): [fold(name) for name in state_names(row)] for row in groups},
        }

    def _tell(self, customers: set[int], *, bought: bool) -> None:
        """Tell LCV of those of some customers who are to be told: buyers, or members of the group alone."""
        if not customers:
            return
        where = sorted(customers)
        addresses: defaultdict[int, list[Record]] = defaultdict(list)
        records = list(self._shop.read(Resource.CUSTOMERS, fields=_FIELDS, where={"id": where}))
        wanted = [record for record in records if self._is_told(record, bought=bought)]
        if not wanted:
            return
        owners = [record.id for record in wanted]
        for row in self._shop.read(Resource.ADDRESSES, fields=_ADDRESS, where={"id_customer": owners}):
            addresses[row.number("id_customer")].append(row)
        for record in wanted:
            self._put(record.id, customer_record(record, addresses[record.id], self.places.countries))

    def _is_told(self, record: Record, *, bought: bool) -> bool:
        if record.text("deleted") == "1":
            return False
        groups = record.ids("groups")
        if self.places.is_named(groups, [GROUP_NAME]):
            return True
        foreign = self._marketplaces.relays(record.text("email")) or self.places.is_named(
            groups, self._marketplaces.customer_groups
        )
        return bought and not foreign

    def _put(self, customer: int, record: CustomerRecord) -> None:
        """Tell LCV, unless it knows just this; a refusal is named by its code, never by what was said."""
        digest = hashlib.sha256(f"{self._association}{encode(record)}".encode()).hexdigest()
        known = self._customers.get(customer)
        if known and known.digest == digest:
            return
        code, refused = "", ""
        try:
            code = self._back_office.put_customer(str(customer), record)
        except SaleRefused as refusal:
            refused = f"LCV refuses the customer: {refusal.code}"
        except (Uncertain, BadAnswer) as error:  # of this one; the orders of others go on, and it is told again
            refused, digest = str(error), ""
        self._outcome(customer, Action.UPDATE if known and known.code else Action.CREATE, refused)
        with self._store.transaction():
            self._customers.put(CustomerRow(customer, digest, code, refused), self._now)

    def _outcome(self, customer: int, action: Action, refused: str) -> None:
        change = Change(Kind.CUSTOMER, action, str(customer), "", Lane.VALUES)
        self._audit.change(change, result=refused or "ok")
        with self._store.transaction():
            if refused:
                failure = Failed(Kind.CUSTOMER, str(customer), refused)
                self._report.failed.append(failure)
                self._journal.failed(failure, "", self._now)
            else:
                self._journal.cured_record(Kind.CUSTOMER, str(customer))
        if not refused:
            self._report.count(change.kind, action)


def explained_customer(
    shop: Shop, store: Store, marketplaces: Marketplaces, customer: int, *, exported: bool
) -> dict[str, Json]:
    """Whether LCV was told of a customer, and why not; nothing that is personal. Raises ConfigurationError."""
    fields = ("deleted", "email", "groups[id]")
    record = next(iter(shop.read(Resource.CUSTOMERS, fields=fields, where={"id": [customer]})), None)
    if record is None:
        raise ConfigurationError(f"the shop has no customer {customer}", cure="its list of customers shows their ids")
    names = {row.id: state_names(row) for row in shop.read(Resource.GROUPS, fields=("name",))}
    groups = sorted({name for group in record.ids("groups") for name in names.get(group, ())})
    member = fold(GROUP_NAME) in map(fold, groups)
    rows = list(
        shop.read(Resource.ORDERS, fields=("id_customer", "valid", "module"), where={"id_customer": [customer]})
    )
    bought = [row for row in rows if row.text("valid") == "1" and not marketplaces.brought(row.text("module"))]
    known = Customers(store).get(customer)
    foreign = marketplaces.relays(record.text("email")) or bool(
        {fold(name) for name in groups} & {fold(name) for name in marketplaces.customer_groups}
    )
    reasons = [
        (not exported, "customers are not exported (orders.export_customers = false)"),
        (record.text("deleted") == "1", "the account is deleted"),
        (bool(known and known.refused), known.refused if known else ""),
        (bool(known), "LCV was told"),
        (member, f"it is a member of “{GROUP_NAME}”: the next run with a look at members tells it"),
        (foreign, "it is a marketplace's customer (orders.marketplaces)"),
        (not bought, "it has no valid order but those of marketplaces"),
    ]
    later = "it is told with its next exported order; or now: lcvsync export-customers --all"
    return {
        "customer": customer,
        "told": bool(known and known.code),
        "code_in_lcv": known.code if known else "",
        "groups": groups,
        "valid_orders": len(bought),
        "because": next((text for holds, text in reasons if holds), later),
    }


def customer_record(record: Record, addresses: Sequence[Record], countries: Mapping[int, str]) -> CustomerRecord:
    """What LCV is told: the account, and the addresses that are still its own (else the last ones it had)."""
    usable = [row for row in addresses if row.text("address1") and row.text("city")]
    own = [row for row in usable if row.text("deleted") != "1"] or usable[-1:]
    return CustomerRecord(
        email=record.text("email"),
        first_name=record.text("firstname"),
        last_name=record.text("lastname"),
        title=_TITLES.get(record.text("id_gender")),
        company=record.text("company") or None,
        birthday=_day(record.text("birthday")),
        newsletter=record.text("newsletter") == "1",
        partner_offers=record.text("optin") == "1",
        phone=next((row.text("phone") for row in own if row.text("phone")), None),
        mobile=next((row.text("phone_mobile") for row in own if row.text("phone_mobile")), None),
        addresses=tuple(_address(row, countries[row.number("id_country")]) for row in own
                        if countries.get(row.number("id_country"))),
    )  # fmt: skip


def _address(row: Record, country: str) -> Address:
    return Address(
        line1=row.text("address1"),
        postcode=row.text("postcode"),
        city=row.text("city"),
        country=country,
        alias=row.text("alias") or None,
        first_name=row.text("firstname") or None,
        last_name=row.text("lastname") or None,
        company=row.text("company") or None,
        line2=row.text("address2") or None,
        phone=row.text("phone") or row.text("phone_mobile") or None,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # 0000-00-00: not told
        return None
