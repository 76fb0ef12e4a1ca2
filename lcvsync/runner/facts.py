"""Gathering what the plan needs from the state: facts of articles, and the context that a run's articles share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from lcvsync.domain.catalogue import Article, ArticleId, Promotion, Sku
from lcvsync.planning.cards import stop_reason
from lcvsync.planning.known import Context, Facts, Offer
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror


class FactsReader:
    """Facts of one article after the other."""

    def __init__(
        self, mirror: Mirror, bindings: Bindings, context: Context, pending: Mapping[str, int] | None = None
    ) -> None:
        """*pending*: units sold in the shop that LCV's stock doesn't count yet, by variant."""
        self._mirror = mirror
        self._bindings = bindings
        self._context = context
        self._pending = pending or {}
        self._promotion = lru_cache(maxsize=1000)(mirror.promotion)

    def read(self, identifier: str) -> Facts | None:
        """The facts of an article; None when the mirror doesn't know it."""
        found = self._mirror.article(identifier)
        if found is None:
            return None
        article, deleted = found
        products = self._bindings.products_of(identifier)
        elsewhere = self._bindings.sold_elsewhere(identifier)
        if elsewhere:
            article = replace(article, variants=tuple(v for v in article.variants if v.sku not in elsewhere))
            own = {variant.sku for variant in article.variants}
            products = [each for each in products if each.article == identifier or own & each.variants.keys()]
        bound = [sku for product in products for sku in product.variants]
        skus = list(dict.fromkeys([*(variant.sku for variant in article.variants), *bound]))
        offers = self._offers(article, deleted, skus)
        promotions = self._promotions({article.id, *(offer.article for offer in offers.values())}, skus)
        facts = Facts(article, deleted, offers, promotions, products, elsewhere=elsewhere)
        return replace(facts, twins=self._twins(facts), shared_eans=self._shared_eans(facts))

    def _offers(self, article: Article, deleted: bool, skus: list[Sku]) -> dict[Sku, Offer]:
        if not skus:
            return {}
        store = self._context.options.web_store
        counted = self._mirror.counted(skus, store)
        prices = self._mirror.prices(skus, store.price_list)
        owners = {variant.sku: (article, deleted) for variant in article.variants}
        for sku in skus:
            if sku not in owners and (other := self._mirror.article_of(sku)) and (found := self._mirror.article(other)):
                owners[sku] = found
        return {
            sku: self._offer(sku, *owners[sku], counted.get(sku), prices.get(sku))
            if sku in owners
            else Offer(sku, "", counted.get(sku, 0), None, False, self._pending.get(sku, 0), sku in counted)
            for sku in skus
            if sku in owners or sku in counted  # one that left LCV, whose stock may still say that none is left
        }

    def _offer(self, sku: Sku, article: Article, deleted: bool, counted: int | None, price: Decimal | None) -> Offer:
        active = any(variant.sku == sku and variant.active for variant in article.variants)
        sellable = not deleted and active and self._published(article) and price is not None and price > 0
        pending = self._pending.get(sku, 0)
        return Offer(sku, article.id, counted or 0, price, sellable, pending, counted is not None)

    def _published(self, article: Article) -> bool:
        return article.active and self._context.options.web_store.code in article.web_stores

    def _promotions(self, articles: set[str], skus: list[Sku]) -> tuple[Promotion, ...]:
        """Those that name one of these; what else they name, perhaps the whole catalogue, is left out."""
        by_article = self._mirror.promotions_naming("article", articles)
        by_sku = self._mirror.promotions_naming("sku", skus)
        return tuple(
            replace(
                promotion,
                articles=tuple(map(ArticleId, by_article.get(identifier, ()))),
                skus=tuple(map(Sku, by_sku.get(identifier, ()))),
            )
            for identifier in sorted({*by_article, *by_sku})
            if (promotion := self._promotion(identifier))
        )

    def _twins(self, facts: Facts) -> tuple[str, ...]:
        """Other articles of the same reference that are for sale and mapped, when this one is."""
        others = [
            other for other in self._mirror.articles_by_reference(facts.article.reference) if other != facts.article.id
        ]
        return tuple(other for other in others if self._sold(other)) if others else ()

    def _sold(self, identifier: str) -> bool:
        found = self._mirror.article(identifier)
        if found is None or found[1]:
            return False
        article = found[0]
        offers = self._offers(article, False, [variant.sku for variant in article.variants])
        sold = any(offer.sellable for offer in offers.values())
        return sold and stop_reason(Facts(article), self._context) is None

    def _shared_eans(self, facts: Facts) -> frozenset[str]:
        """EANs of variants for sale that another variant for sale bears too."""
        own = [v for v in facts.article.variants if v.ean and facts.offers[v.sku].sellable]
        eans = {v.ean for v in own if v.ean}
        bearers = self._mirror.bearers(list(eans))
        if len(bearers) == len(eans):  # one each
            return frozenset()
        return frozenset(
            ean
            for variant in own
            for ean, sku, article in bearers
            if ean == variant.ean
            and (sku, article) != (variant.sku, facts.article.id)
            and self._variant_sold(sku, article)
        )

    def _variant_sold(self, sku: str, identifier: str) -> bool:
        found = self._mirror.article(identifier)
        if found is None or found[1]:
            return False
        offers = self._offers(found[0], False, [Sku(sku)])
        return any(offer.sellable for offer in offers.values())
