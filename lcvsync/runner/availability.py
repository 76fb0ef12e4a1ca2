"""The end of a run: what product pages are told of the stores (design 3.7), written where it changed.

Nothing changed costs a look at the state. The shop is asked for its stores when there is something to write and the
last look is an hour old, and after a change of the mappings or options that it depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lcvsync.domain.mapping import MappingKind
from lcvsync.planning.availability import (
    PlacedVariant,
    ProductAvailability,
    ShopStore,
    ShownStore,
    product_availability,
    shown_stores,
)
from lcvsync.planning.changes import Action, Failed, Json, Kind
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.due import is_due
from lcvsync.runner.options import AvailabilityOptions
from lcvsync.runner.rights import check_availability_rights
from lcvsync.runner.shop_settings import HOUR, shop_settings
from lcvsync.runner.stopping import BudgetReached, Stopper
from lcvsync.state.availability import SHOWN, AvailabilityTable
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import Sku, Tables
    from lcvsync.runner.report import Report
    from lcvsync.state.store import Store

BATCH = 50
"""Articles whose files are written, and committed, together."""
LEFT_OUT = "mapping:store"
"""Under which the journal keeps the stores that are not shown."""
DIRECTORY = ("availability", "directory")
"""The record that fails when a file can't be written."""


class Showcase(Protocol):
    """Where the files go. Every writing method raises OSError."""

    def fingerprint(self) -> str:
        """Changes when every file must be written anew."""
        ...

    def is_complete(self) -> bool:
        """Whether what all products share is there."""
        ...

    def prepare(self) -> None:
        """Write what all products share."""
        ...

    def show(self, shown: ProductAvailability, before: str) -> str:
        """Write a product's files unless they are there and their digest is *before*; the digest that they have now."""
        ...

    def remove(self, product: int) -> None:
        """Remove a product's files, if there are any."""
        ...


class AvailabilityStep:
    """Writes what is stale."""

    def __init__(
        self, shop: Shop, store: Store, options: AvailabilityOptions, report: Report, stopper: Stopper, now: datetime
    ) -> None:
        self._shop = shop
        self._store = store
        self._options = options
        self._report = report
        self._stopper = stopper
        self._now = now
        self._table = AvailabilityTable(store)
        self._mirror = Mirror(store)
        self._journal = Journal(store)

    @contextmanager
    def afterwards(self, *, shown: bool) -> Iterator[None]:
        """Write after what is done within; also where the time budget ended that: what it wrote is shown."""
        try:
            yield
        except BudgetReached:
            if shown:
                with self._stopper.finishing():
                    self.write()
            raise
        if shown:
            self.write()

    def write(self) -> None:
        """Bring the files up to date. Raises what the shop raises; a file that can't be written is a failure."""
        showcase, tables = self._options.showcase, self._mirror.tables()
        if showcase is None:
            self._forget()
        elif tables is not None:
            try:
                self._write(showcase, tables)
            except OSError as error:
                self._fail(error)

    def _forget(self) -> None:
        """The option was taken out: what stands in the directory is left to whoever took it out."""
        if self._store.get(SHOWN):
            with self._store.transaction():
                self._store.put(SHOWN, None)
                self._table.forget_all()
                self._journal.set_skipped(LEFT_OUT, (), self._now)

    def _write(self, showcase: Showcase, tables: Tables) -> None:
        known = self._store.get(SHOWN) or {}
        basis = self._basis(showcase, tables)
        changed = known.get("basis") != basis or not showcase.is_complete()
        if not changed and not self._table.stale(1):
            return
        if changed or is_due(known["at"], HOUR, self._now):
            known = self._look(showcase, tables, known, basis, changed)
        stores = tuple(ShownStore(each["id"], each["name"], tuple(each["codes"])) for each in known["stores"])
        self._write_stale(showcase, tables, stores)
        with self._store.transaction():
            self._journal.cured_record(*DIRECTORY)

    def _basis(self, showcase: Showcase, tables: Tables) -> str:
        """A digest of what decides about all files, but for the shop's stores themselves."""
        rules = MappingTable(self._store).rules().rules.get(MappingKind.STORE, {})
        mapped = {code: [*rule.targets, rule.ignored] for code, rule in rules.items()}
        stores = [[store.code, store.name] for store in tables.stores]
        plain = [showcase.fingerprint(), self._options.last_pieces, self._options.languages, mapped, stores]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def _look(self, showcase: Showcase, tables: Tables, known: Json, basis: str, changed: bool) -> Json:
        """Read the shop's stores; where that or anything else that all files depend on changed, all are stale."""
        shown, skipped = shown_stores(MappingTable(self._store).rules(), tables.stores, self._stores())
        plain = [{**asdict(store), "codes": list(store.codes)} for store in shown]
        if changed:
            showcase.prepare()
        new = {"basis": basis, "at": self._now.isoformat(), "stores": plain}
        with self._store.transaction():
            if changed or known.get("stores") != plain:
                self._table.mark_all()
                self._journal.set_skipped(LEFT_OUT, skipped, self._now)
                self._report.skipped += skipped
            if known.get("basis") != basis:
                self._table.distrust_all()
            self._store.put(SHOWN, new)
        return new

    def _stores(self) -> list[ShopStore]:
        check_availability_rights(self._shop.identity())
        settings = shop_settings(self._shop, self._store, self._now)
        ids = {language.iso_code: language.id for language in settings.languages}
        wanted = [ids[code] for code in self._options.languages if code in ids]
        language = next(iter(wanted), settings.default_language)
        records = self._shop.read(Resource.STORES, fields=["name", "active"])
        return [ShopStore(each.id, _name(each, language), each.text("active") == "1") for each in records]

    def _write_stale(self, showcase: Showcase, tables: Tables, stores: tuple[ShownStore, ...]) -> None:
        touched = False
        while articles := self._table.stale(BATCH):
            self._stopper.check()
            touched = True
            with self._store.transaction():
                for product, variants in self._table.products(articles).items():
                    self._write_product(showcase, tables, stores, product, variants)
                self._table.done(articles)
        if touched:
            with self._store.transaction():
                for product in self._table.orphans():
                    self._remove(showcase, product)

    def _write_product(
        self,
        showcase: Showcase,
        tables: Tables,
        stores: tuple[ShownStore, ...],
        product: int,
        variants: Sequence[tuple[Sku, int]],
    ) -> None:
        stock = self._table.quantities([sku for sku, _ in variants])
        placed = self._placed(variants)
        shown = product_availability(product, placed, stores, stock, tables, self._options.last_pieces)
        before = self._table.digest(product)
        if shown is None:
            if before is not None:
                self._remove(showcase, product)
            return
        digest = showcase.show(shown, before or "")
        if digest != before:
            self._table.wrote(product, digest)
            self._report.count(Kind.AVAILABILITY, Action.CREATE if before is None else Action.UPDATE)

    def _placed(self, variants: Sequence[tuple[Sku, int]]) -> list[PlacedVariant]:
        """The variants that LCV knows, each with its article."""
        places: Mapping[Sku, int] = dict(variants)
        owners = {sku: owner for sku in places if (owner := self._mirror.article_of(sku))}
        known = filter(None, map(self._mirror.article, sorted(set(owners.values()))))
        return [
            PlacedVariant(places[variant.sku], article, variant)
            for article, _ in known
            for variant in article.variants
            if owners.get(variant.sku) == article.id
        ]

    def _remove(self, showcase: Showcase, product: int) -> None:
        showcase.remove(product)
        self._table.forget(product)
        self._report.count(Kind.AVAILABILITY, Action.DELETE)

    def _fail(self, error: OSError) -> None:
        """Nothing else of the run depends on it; what is stale stays so until the next run."""
        text = f"can't write {error.filename}: {error.strerror}"
        failure = Failed(*DIRECTORY, text)
        self._report.failed.append(failure)
        with self._store.transaction():
            self._journal.failed(failure, "", self._now)


def _name(store: Record, language: int) -> str:
    name = store.fields.get("name", "")
    if isinstance(name, Mapping):
        return str(name.get(language) or next(filter(None, name.values()), ""))
    return str(name)
