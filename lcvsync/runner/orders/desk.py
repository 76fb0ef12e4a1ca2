"""What the export of orders works with: ports, state and options of one run, and the parts made of them.

Every run reads what moved and follows the customers; the parts that only an order with something to tell needs are
imported when they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.runner.orders.customers import CustomerExport
from lcvsync.runner.orders.reading import OrderReader, Scope
from lcvsync.runner.orders.settings import OrderSettings, order_settings
from lcvsync.runner.shop_settings import shop_settings, time_zone
from lcvsync.state.documents import Documents
from lcvsync.state.mappings import MappingTable
from lcvsync.state.orders import OrderBook

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import Tables
    from lcvsync.planning.order_rules import OrderContext
    from lcvsync.ports import BackOffice, Clock, Shop
    from lcvsync.runner.audit import AuditLog
    from lcvsync.runner.batches import Ledger
    from lcvsync.runner.options import ExportOptions
    from lcvsync.runner.orders.marks import Marker
    from lcvsync.runner.orders.outbox import Outbox
    from lcvsync.runner.orders.plan import OrderPlanner
    from lcvsync.runner.report import Report
    from lcvsync.runner.stopping import Stopper
    from lcvsync.state.store import Store


class Desk:
    """Makes the parts; each is as the state and the options are at that moment."""

    def __init__(
        self,
        shop: Shop,
        back_office: BackOffice,
        store: Store,
        clock: Clock,
        audit: AuditLog,
        report: Report,
        stopper: Stopper,
        ledger: Ledger,
        options: ExportOptions,
        tables: Callable[[], Tables],
        now: datetime,
    ) -> None:
        """*now*: the moment of the whole run: what its parts read is as old for one as for the other."""
        self.shop = shop
        self.store = store
        self.report = report
        self.stopper = stopper
        self.options = options
        self.now = now
        self.book = OrderBook(store)
        self.documents = Documents(store)
        self._back_office = back_office
        self._clock = clock
        self._audit = audit
        self._ledger = ledger
        self._tables = tables

    def customers(self) -> CustomerExport | None:
        """Who tells LCV of customers; None: they are not exported."""
        return self.customer_export() if self.options.export_customers else None

    def customer_export(self) -> CustomerExport:
        """The same, whatever the options say."""
        options = self.options
        return CustomerExport(
            self.shop, self._back_office, self.store, options.marketplaces, options.association, self._zone(),
            self.report, self._audit, self.now,
        )  # fmt: skip

    def reader(self) -> OrderReader:
        """Who reads the shop's orders."""
        options, start = self.options.orders, self.options.start or 1
        scope = Scope(min(start, options.min_id or start), options.max_age, self._zone())
        return OrderReader(self.shop, self.store, self.book, scope, self.now, self.report.failed)

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(time_zone(self.shop, self.store, self.now))

    def settings(self, *, fresh: bool = False) -> OrderSettings:
        """States and currencies, of the last hour unless *fresh*."""
        return order_settings(self.shop, self.store, self.now, fresh=fresh)

    def context(self, settings: OrderSettings) -> OrderContext:
        """What orders are planned with."""

        from lcvsync.planning.order_rules import OrderContext  # noqa: PLC0415 - start-up time, as all of these

        tables = self._tables()
        return OrderContext(
            options=self.options.orders,
            mappings=MappingTable(self.store).rules(),
            currency=tables.currency,
            vat_rates=tuple(rate.rate for rate in tables.vat_rates),
            payment_codes=frozenset(method.code for method in tables.payment_methods),
            states=settings.states,
            now=self.now.astimezone(self._zone()),
            exported_states=settings.ours,
            failed_states=settings.failures,
        )

    def outbox(self, context: OrderContext) -> Outbox:
        """Who sends documents."""

        from lcvsync.runner.orders.outbox import Outbox, Sender  # noqa: PLC0415

        sender = Sender(self.options.association, self.options.web_store, self.options.mark_states)
        return Outbox(self._back_office, self.store, sender, context, self.report, self._audit, self._clock)

    def planner(self, context: OrderContext, outbox: Outbox) -> OrderPlanner:
        """Who decides what LCV is to be told."""

        from lcvsync.runner.orders.plan import OrderPlanner  # noqa: PLC0415

        return OrderPlanner(
            self.store, context, self.report, self._audit, start=self.options.start or 0,
            association=self.options.association, known_elsewhere=outbox.take_in,
        )  # fmt: skip

    def marker(self) -> Marker:
        """Who gives orders their states."""

        from lcvsync.runner.orders.marks import Marker  # noqa: PLC0415

        languages = [each.id for each in shop_settings(self.shop, self.store, self.now).languages]
        return Marker(self.shop, self.store, self._ledger, self.stopper, languages)

    def check_rights(self) -> None:
        """Raise ShopRefused naming every box of the key that orders need and that isn't ticked."""

        from lcvsync.runner.rights import check_order_rights  # noqa: PLC0415

        options = self.options
        check_order_rights(self.shop.identity(), customers=options.export_customers, states=options.mark_states)

    def learn_payments(self) -> None:
        """Mapping rows for the payment methods and modules of the orders that were read."""
        orders = [row.order for row in self.book.dirty() if row.order]
        with self.store.transaction():
            MappingTable(self.store).learn_payments(orders)
