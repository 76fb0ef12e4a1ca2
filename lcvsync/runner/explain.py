"""Explaining a record from the state, the shop and the audit (design 3.5). Nothing is written anywhere.

The shop is asked once for everything that is shown of it. When it can't be asked, that is said, and the rest is told by
what the state knows; only its settings must have been read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from lcvsync.domain.catalogue import Feed, Sku
from lcvsync.domain.mapping import CREATE, MappingKind
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.planning.changes import Json
from lcvsync.planning.explain.article import explain_article
from lcvsync.planning.explain.model import Code, Explanation, Failure, Reason, Seen, Standing
from lcvsync.planning.explain.verdict import Verdict, article_verdict, cures_of, variant_verdict
from lcvsync.planning.known import BoundProduct, Context, Facts
from lcvsync.planning.plan import plan_article
from lcvsync.ports import Clock, Shop, ShopSettings
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.context import colour_group_id, make_context
from lcvsync.runner.facts import FactsReader
from lcvsync.runner.foreign import ForeignPlaces
from lcvsync.runner.history import Entry, concerns, newest
from lcvsync.runner.observe import NEWEST
from lcvsync.runner.options import CatalogueOptions
from lcvsync.runner.records import Found, RecordKind
from lcvsync.runner.run import ACCEPTED_MODE, MODE_WAITS
from lcvsync.runner.shop_now import shop_now
from lcvsync.runner.shop_settings import last_settings
from lcvsync.runner.targets import Targets
from lcvsync.runner.work import RECREATE
from lcvsync.state.availability import AvailabilityTable
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal
from lcvsync.state.lookup import Lookup
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderBook
from lcvsync.state.store import Store

ATTEMPTS = 10
"""Entries of the audit that are shown."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Told:
    """An article, or one variant or product of it, explained."""

    found: Found
    explanation: Explanation
    verdict: Verdict
    cures: tuple[str, ...]
    attempts: tuple[Entry, ...]
    notes: tuple[str, ...]
    names: Mapping[tuple[str, str], str]
    """(kind of mapping, target) → its name in the shop."""


class OpenShop:
    """The shop, opened when it is asked first; after one failure it isn't asked again."""

    def __init__(self, opener: Callable[[], AbstractContextManager[Shop]], stack: ExitStack) -> None:
        self._opener = opener
        self._stack = stack
        self._shop: Shop | None = None
        self.missed: LcvsyncError | None = None

    def get(self) -> Shop:
        """The shop. Raises what it raised before."""
        if self.missed is not None:
            raise self.missed
        if self._shop is None:
            self._shop = self._stack.enter_context(self._opener())
        return self._shop

    def asked(self, question: Callable[[Shop], Json], otherwise: Json = None) -> Json:
        """What it answers, or *otherwise* when it can't be asked."""
        try:
            return question(self.get())
        except LcvsyncError as error:
            self.missed = error
            return otherwise


class Explainer:
    """Explains one record after the other, at *now*."""

    def __init__(
        self, store: Store, options: CatalogueOptions, shop: OpenShop, log: AuditLog, clock: Clock, *, enabled: bool
    ) -> None:
        """*enabled*: `sync.enabled`."""
        self._store = store
        self._options = options
        self.shop = shop
        self._log = log
        self._clock = clock
        self._enabled = enabled
        self.now = clock.now()
        self.mirror = Mirror(store)
        self.bindings = Bindings(store)
        self._journal = Journal(store)
        self.lookup = Lookup(store)

    # -- what all records share --------------------------------------------------------------------------------------

    @cached_property
    def settings(self) -> ShopSettings:
        """The shop's settings, however old. Raises what the shop raises when they were never read."""
        return last_settings(self._store) or self.shop.get().settings()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.settings.time_zone)

    @cached_property
    def waits_for_mode(self) -> bool:
        """Whether complete mode is configured, but nobody accepted it yet."""
        return self._options.mode == "complete" and self._store.get(ACCEPTED_MODE) not in (None, "complete")

    @cached_property
    def context(self) -> Context:
        """What a run of now would plan with. Raises ConfigurationError: LCV's tables aren't there yet."""
        tables = self.mirror.tables()
        if tables is None:
            raise ConfigurationError("LCV's tables aren't there yet", cure="lcvsync pull-config")
        rules = MappingTable(self._store).rules()
        name = self._options.colour_group
        kept = self._store.get("colour_group")
        known = isinstance(name, int) or not name or (kept and kept["name"] == name)
        group = int((kept["id"] if kept and name == kept["name"] else name) or 0) if known else self._colour_group()
        context = make_context(self._options, tables, rules, self.settings, self.bindings, group)
        context = replace(context, recreate=frozenset(self._store.get(RECREATE) or ()))
        if self.waits_for_mode:
            context = replace(context, options=replace(context.options, complete=False))
        return context

    def _colour_group(self) -> int:
        return colour_group_id(self.shop.get(), self._store, self._options.colour_group)

    @cached_property
    def reader(self) -> FactsReader:
        """Facts of articles."""
        return FactsReader(self.mirror, self.bindings, self.context, OrderBook(self._store).pending())

    def notes(self) -> tuple[str, ...]:
        """What concerns every record: runs that don't come, mode, what a guard held."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        last = next(iter(self._journal.runs(1)), None)
        if not self._enabled:
            yield "sync.enabled = false: no run carries anything over"
        elif last is None:
            yield "there was no run yet: lcvsync sync"
        elif (age := self.now - datetime.fromisoformat(last.started_at)) > HOUR:
            yield f"there was no run for {age // HOUR} hours: does cron run? (lcvsync doctor)"
        if self.waits_for_mode:
            yield MODE_WAITS
        newer = self._store.get(NEWEST) or {}
        behind = [feed.value for feed in Feed if newer.get(feed.value, 0) > self.mirror.cursor(feed)]
        if behind:
            yield f"LCV has newer {', '.join(behind)} than was read: lcvsync sync"
        for held in (last.report or {}).get("held", ()) if last else ():
            yield f"the last run held something back: {held['detail']}; {held['cure']}"

    # -- articles ----------------------------------------------------------------------------------------------------

    def facts(self, article: str) -> Facts:
        """The facts of an article. Raises ConfigurationError: LCV never gave it."""
        found = self.reader.read(article)
        if found is None:
            raise ConfigurationError(
                f"LCV never gave article {article}, which a product of the shop is linked to",
                cure="lcvsync resync reads everything again",
            )
        return found

    def told(self, found: Found) -> Told:
        """An article, variant or product of ours explained."""
        facts = self._with_foreign(self.facts(found.article))
        products = [product for product in facts.products if not product.gone]
        explanation = self.explanation(facts, self.look(products))
        attempts = self._attempts(found, facts)
        changed = [e["run"] for e in attempts if e.get("event") == "change" and e.get("result") == "ok"]
        verdict = _verdict(found, explanation, int(changed[-1]) if changed else 0)
        cures = cures_of(explanation, verdict)
        names = self.names([*explanation.codes, *(promotion.category for promotion in explanation.promotions)])
        return Told(found, explanation, verdict, cures, tuple(attempts), self.notes(), names)

    def look(self, products: Sequence[BoundProduct]) -> dict[str, Seen | None]:
        """What the shop has of products now; empty when it can't be asked."""
        values = self.context.values
        found: dict[str, Seen | None] = self.shop.asked(lambda shop: shop_now(shop, products, values), {})
        return found

    def explanation(self, facts: Facts, seen: Mapping[str, Seen | None]) -> Explanation:
        """An article by the state, beside what was *seen* of its products."""
        skus = list(facts.offers)
        levels = AvailabilityTable(self._store).quantities(skus) if skus else {}
        standing = self._standing(facts)
        return explain_article(facts, self.context, self.now, self.zone, levels=levels, seen=seen, standing=standing)

    def _with_foreign(self, facts: Facts) -> Facts:
        """With what stands in the shop for an article already, unlinked, if it is about to be made."""
        changes = {str(facts.article.id): plan_article(facts, self.context, self.now, self.zone).changes}
        found = self.shop.asked(lambda shop: ForeignPlaces(shop, self._store).of(changes), {})
        return replace(facts, foreign=found.get(facts.article.id))

    def _standing(self, facts: Facts) -> Standing:
        article = facts.article
        names = _names_of(facts)
        dirty, due = self.lookup.dirty(article.id)
        return Standing(
            dirty=dirty,
            next_due=due,
            retry_at=self._journal.retry_at(article.id),
            failed=tuple(Failure(*row) for row in self.lookup.troubles(article.id, names)),
            skipped=tuple(
                Reason(*row, now=False) for row in self.lookup.skipped(article.id, [*names, *article.categories])
            ),
            waits_for_mode=self.waits_for_mode,
        )

    def _attempts(self, found: Found, facts: Facts) -> list[Entry]:
        """The newest entries of the audit about the record: of a variant without those of its sisters."""
        names = frozenset(map(fold, _names_of(facts)))
        sisters = {fold(sku) for sku in facts.offers if sku != found.key} if found.kind is RecordKind.VARIANT else set()

        def wanted(entry: Entry) -> bool:
            return concerns(entry, names) and fold(str(entry.get("key") or "")) not in sisters

        return newest(self._log, wanted, ATTEMPTS)

    def names(self, codes: Iterable[Code]) -> dict[tuple[str, str], str]:
        """What the shop calls the targets of codes; without them when it can't be asked."""
        targets = Targets(self.shop.get, self._store, self._clock, self._options.languages)
        found: dict[tuple[str, str], str] = {}
        for code in codes:
            if code.kind == MappingKind.COLOUR or not set(code.targets) - {CREATE}:
                continue
            known = self.shop.asked(partial(_targets, targets, MappingKind(code.kind)), {})
            found |= {(code.kind, each): known[each].text for each in code.targets if each in known}
        return found


def _targets(targets: Targets, kind: MappingKind, _shop: Shop) -> Json:
    return targets.of(kind)


def _verdict(found: Found, explanation: Explanation, changed_in: int) -> Verdict:
    if found.kind is RecordKind.VARIANT:
        return variant_verdict(explanation, found.key, changed_in=changed_in)
    product = found.key if found.kind is RecordKind.PRODUCT else ""
    return article_verdict(explanation, product=product, changed_in=changed_in)


def _names_of(facts: Facts) -> list[str]:
    """Everything that journal and audit may call an article by."""
    article = facts.article
    skus: Iterable[Sku] = facts.offers
    products = [name for p in facts.products for name in (p.key, str(p.written.get("reference") or ""))]
    photos = [photo.id for photo in article.photos]
    names = [article.id, article.reference, *(v.sku for v in article.variants), *skus, *products, *photos]
    return list(dict.fromkeys(filter(None, names)))
