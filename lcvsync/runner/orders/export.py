"""The export of one run: reading what moved in the shop, telling LCV, reckoning what is pending; see `step`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import Feed
from lcvsync.errors import ConfigurationError, ShopRefused
from lcvsync.planning.changes import Action, Failed, GuardKind, Json, Kind
from lcvsync.planning.guards import EXAMPLES, Held, cure_of, limit_of
from lcvsync.runner.orders.reading import ForeignShop
from lcvsync.runner.spool import Spool
from lcvsync.state.encoding import encode
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderRow, OrderStatus

if TYPE_CHECKING:
    from lcvsync.planning.order_rules import OrderContext
    from lcvsync.runner.orders.desk import Desk
    from lcvsync.runner.orders.outbox import Outbox
    from lcvsync.runner.orders.plan import Asked, Unit
    from lcvsync.runner.orders.settings import OrderSettings

OLD = timedelta(days=7)
"""An order that is older is told of by exception: a refund, a late payment. Many at once are an accident."""
OPTIONS = "orders.options"
_KINDS = {"sale": Kind.SALE, "refund": Kind.REFUND, "reversal": Kind.REVERSAL}


class Export:
    """What is done of orders in an adopted state."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store
        self._report = desk.report
        self._options = desk.options
        self._book = desk.book
        self._documents = desk.documents
        self._mirror = Mirror(desk.store)

    # -- what a run does ---------------------------------------------------------------------------------------------

    def run(self, *, dry_run: bool = False, allowed: bool = False) -> None:
        """Read what moved and tell LCV. *allowed*: `--allow orders`, whatever the guard says."""
        try:
            self._desk.reader().observe(self._report.notes)
        except ForeignShop as error:
            self._report.notes.append(f"orders are not exported: {error}. {error.cure}")
            return
        settings = self._settings()
        self._mark_changed_rules(settings)
        if self._has_work():
            try:
                self._export(self._desk.context(settings), dry_run=dry_run, allowed=allowed)
            except ShopRefused as error:  # a right that the export lacks; stock and prices need none of it
                self._report.failed.append(Failed("order", "all", f"{error}; {error.cure}"))
        self._customers_follow(dry_run)
        self.reckon()

    def look(self) -> list[str]:
        """What was sold since the last look; the articles of which other quantities may be on sale now."""
        try:
            news = self._desk.reader().look()
        except ForeignShop:
            return []
        moved: set[str] = set()
        if news:
            context = self._desk.context(self._desk.settings())
            planner = self._desk.planner(context, self._desk.outbox(context))
            for row in filter(None, map(self._book.row, news)):
                planner.learn(row)
            moved = planner.articles
        return sorted(moved.union(self.reckon()))

    def reckon(self) -> list[str]:
        """Reckon anew what is pending; the articles that it concerns are planned anew, and returned."""
        with self._store.transaction():
            skus = self._book.reckon_pending(self._options.start or 0, self._mirror.cursor(Feed.STOCK))
            articles = sorted({article for sku in skus if (article := self._mirror.article_of(sku))})
            self._mirror.mark(articles)
        return articles

    # -- exporting ---------------------------------------------------------------------------------------------------

    def _has_work(self) -> bool:
        return bool(
            self._book.any_dirty()
            or self._documents.orders_pending()
            or (self._options.mark_states and self._book.any_marked())
        )

    def _settings(self) -> OrderSettings:
        """The shop's settings, anew where an order is in a state that they don't know."""
        settings = self._desk.settings()
        known = {0, *settings.states}
        new = (row.order for row in self._book.dirty() if row.reason != "state_unknown")
        if any(order and order.state not in known for order in new):
            return self._desk.settings(fresh=True)
        return settings

    def _export(self, context: OrderContext, *, dry_run: bool, allowed: bool) -> None:
        self._desk.learn_payments()
        outbox = self._desk.outbox(context)
        if not dry_run:
            self._send_pending(outbox)
        units = self._desk.planner(context, outbox).units()
        planned = units
        units = self._guarded(planned, context, allowed=allowed)
        if dry_run:
            self._rehearse(planned, {unit.order.id for unit in units})
            return
        if units:
            self._desk.check_rights()
        self._tell(units, outbox)
        self._mark()

    def _tell(self, units: Sequence[Unit], outbox: Outbox) -> None:
        """Customers first, then the documents; each unit is committed whole and sent."""
        customers = self._desk.customers()
        if customers and units:
            customers.buyers((unit.order.customer, unit.order.module) for unit in units)
        for unit in units:
            self._desk.stopper.check()
            code = customers.code(unit.order.customer) if customers else None
            outbox.commit(unit, code)
            outbox.send(unit.order, fresh=unit)

    def _send_pending(self, outbox: Outbox) -> None:
        """What an earlier run committed and has no answer for, before anything of those orders is planned."""
        for identifier in self._documents.orders_pending():
            self._desk.stopper.check()
            row = self._book.row(identifier)
            if row and row.order:
                outbox.send(row.order)
                with self._store.transaction():
                    self._book.mark_dirty(identifier)

    def _guarded(self, units: list[Unit], context: OrderContext, *, allowed: bool) -> list[Unit]:
        """Without the documents of old orders, when there are too many of them (design 3.9)."""
        old = [unit for unit in units if unit.order.placed_at + OLD < self._desk.now]
        count = sum(len(unit.documents) for unit in old)
        told = self._documents.count()
        limit = limit_of(self._options.guard_percent, told)
        if allowed or count <= limit:
            return units
        from lcvsync.planning.order_rules import WaitError  # noqa: PLC0415 - start-up time

        cure = cure_of(GuardKind.ORDERS)
        planner = self._desk.planner(context, self._desk.outbox(context))
        for unit in old:
            planner.waits(
                unit.order.id, WaitError("held", f"{count} documents of old orders at once, more than {limit}", cure)
            )
        named = ", ".join(str(unit.order.id) for unit in old[:EXAMPLES])
        detail = (
            f"{count:,} documents of {len(old):,} orders older than {OLD.days} days ({named}, …),"
            f" more than {limit:,} in one run"
        )
        self._report.held.append(Held(GuardKind.ORDERS, count, limit, told, detail, cure).as_json())
        return [unit for unit in units if unit not in old]

    def _rehearse(self, planned: Iterable[Unit], passing: Collection[int]) -> None:
        """Show what would be sent; what is held (of orders not *passing*) bears the guard's name and isn't counted."""
        self._report.plan = self._report.plan or Spool()
        for unit in planned:
            held = {} if unit.order.id in passing else {"held": GuardKind.ORDERS.value}
            for draft in unit.documents:
                kind = _KINDS[draft.kind]
                if not held:
                    self._report.count(kind, Action.CREATE)
                self._report.plan.append(
                    {
                        "kind": kind.value,
                        "action": Action.CREATE.value,
                        "key": str(unit.order.id),
                        "product": "",
                        "before": {},
                        "after": {"total": str(draft.total)},
                        "reason": draft.cause,
                        **held,
                    }
                )

    def _mark(self) -> None:
        """Give the orders that were exported, or refused, their states."""
        marker = self._desk.marker()
        marker.recover()
        if self._options.mark_states and self._book.any_marked():
            marker.make_states(self._desk.settings())  # anew: what was recovered may be one of them
            marker.mark(self._desk.settings())

    def _customers_follow(self, dry_run: bool) -> None:
        if dry_run:
            return
        if customers := self._desk.customers():
            customers.follow()
        else:
            self._desk.customer_export().forget()

    def _mark_changed_rules(self, settings: OrderSettings) -> None:
        """Other options, and other states in the shop, may let orders through that waited."""
        options = self._options.orders
        plain: dict[str, Json] = {
            "min_id": options.min_id,
            "days": options.max_age.days,
            "changes": options.export_changes,
            "states": sorted(options.states),
            "services": [options.services.shipping, options.services.wrapping],
            "references": dict(options.service_references),
            "in_the_shop": [asdict(state) for state in settings.states.values()],
        }
        fingerprint = encode(plain)
        if self._store.get(OPTIONS) != fingerprint:
            with self._store.transaction():
                self._book.mark_all()
                self._store.put(OPTIONS, fingerprint)

    # -- one order ---------------------------------------------------------------------------------------------------

    def export_order(self, identifier: int, asked: Asked) -> None:
        """Export one order now, whatever `orders.min_id` and its age say. Raises ConfigurationError: there is none."""
        self._desk.check_rights()
        found = self._desk.reader().read([identifier])
        row = self._book.row(identifier)
        if row is None or row.order is None or identifier not in found:
            if self._report.failed:  # it is there, and can't be read: nothing is told of what it was before
                return
            raise ConfigurationError(f"the shop has no order {identifier}", cure="its list of orders shows their ids")
        context = self._desk.context(self._desk.settings(fresh=True))
        self._desk.learn_payments()
        outbox = self._desk.outbox(context)
        outbox.send(row.order) if self._documents.pending(identifier) else None
        lost = outbox.lost(row.order) if asked.again else []
        if lost:
            outbox.send(row.order)
            asked = replace(
                asked, now=True, again=False, changes=True
            )  # what LCV has again may not be what the order is now
        self._export_row(row, asked, context, outbox, "LCV had lost it, and has it again" if lost else "")
        self._mark()
        self.reckon()

    def _export_row(self, row: OrderRow, asked: Asked, context: OrderContext, outbox: Outbox, done: str) -> None:
        """*done*: what was done already; "": nothing."""
        skipped = len(self._report.skipped)
        if asked.again and not self._documents.of(row.id) and row.order:
            outbox.take_in(row.order, {})
        unit = self._desk.planner(context, outbox).unit(row, asked)
        if unit is not None:
            self._tell([unit], outbox)
            return
        del self._report.skipped[skipped:]
        now = self._book.row(row.id)
        if now is None:
            return
        if now.status is OrderStatus.SETTLED:
            self._refuse(row.id, f"it is settled; to export it: lcvsync orders unsettle {row.id}")
        elif now.status is OrderStatus.OLD_MODULE:
            self._refuse(
                row.id, f"the old module exported it; if LCV has no trace of it: lcvsync export-order {row.id} --again"
            )
        elif now.reason and not any(failed.key == str(row.id) for failed in self._report.failed):
            self._refuse(row.id, f"{now.detail}; {now.cure}")
        elif not now.reason:
            self._report.notes.append(f"order {row.id}: {done or self._nothing_to_tell(row, context)}")

    def _nothing_to_tell(self, row: OrderRow, context: OrderContext) -> str:
        if not self._options.orders.export_changes:
            return "LCV holds it; orders.export_changes is off: --changes tells what became of it"
        again = "; --again reverses that and sends it anew" if row.order and context.is_worth(row.order) else ""
        return f"LCV holds it as it is{again}"

    def _refuse(self, order: int, error: str) -> None:
        self._report.failed.append(Failed("order", str(order), error))

    def export_customers(self) -> None:
        """Tell LCV of everybody who ever bought. Raises ConfigurationError: customers not exported."""
        customers = self._desk.customers()
        if customers is None:
            raise ConfigurationError("customers are not exported", cure="set orders.export_customers = true")
        self._desk.check_rights()
        customers.everybody()
