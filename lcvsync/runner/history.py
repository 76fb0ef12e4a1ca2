"""What the audit says of one record: the names under which it may stand there, and its newest entries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from lcvsync.domain.texts import fold
from lcvsync.planning.changes import Json
from lcvsync.runner.audit import AuditLog
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

Entry = Mapping[str, Json]
"""A line of the audit."""


def newest(log: AuditLog, wanted: Callable[[Entry], bool], limit: int) -> list[Entry]:
    """The newest entries, oldest first. Day by day backwards, so that the files of three months aren't read for ten."""
    found: list[Entry] = []
    for day in reversed(log.days()):
        found = [*deque(filter(wanted, log.entries(day, day)), maxlen=limit - len(found)), *found]
        if len(found) >= limit:
            break
    return found


def names_of(store: Store, reference: str) -> frozenset[str]:
    """Everything that the audit may call a product by: its reference, its articles, products, sizes and photos."""
    folded = fold(reference)
    mirror = Mirror(store)
    exact = [found[0] for key in mirror.articles_by_reference(reference) if (found := mirror.article(key))]
    articles = exact or [article for article in mirror.all_articles() if fold(article.reference) == folded]
    names = {reference}
    for article in articles:
        names |= {article.id, article.reference, *(variant.sku for variant in article.variants)}
        names |= {photo.id for photo in article.photos}
    products = store.rows("SELECT key, article, json_extract(written, '$.reference') FROM product").fetchall()
    names |= {key for key, article, written in products if article in names or fold(written or key) == folded}
    return frozenset(fold(name) for name in names)


def concerns(entry: Entry, names: frozenset[str]) -> bool:
    """Whether an entry is about a record of one of these folded names."""
    return any(fold(str(entry.get(member) or "")) in names for member in ("product", "key"))
