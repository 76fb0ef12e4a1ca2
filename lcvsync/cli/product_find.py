"""Which product of ours a person means."""

from __future__ import annotations

import difflib
import re

from lcvsync.errors import ConfigurationError
from lcvsync.planning.known import BoundProduct
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store


def find_product(store: Store, reference: str) -> BoundProduct:
    """The product of a reference, a sku, or a shop's id written as #12. Raises ConfigurationError with near ones."""
    bindings, mirror = Bindings(store), Mirror(store)
    if re.fullmatch(r"#[0-9]{1,18}", reference) and (bound := bindings.by_shop_id(int(reference[1:]))):
        return bound
    variant = bindings.variant(reference)
    if variant and (bound := bindings.product(variant.product)):
        return bound
    found = bindings.with_reference(reference)
    for article in mirror.articles_by_reference(reference):
        found += [p.key for p in bindings.products_of(article) if p.key not in found]
    products = [bound for key in found if (bound := bindings.product(key))]
    if len(products) == 1:
        return products[0]
    if products:
        names = ", ".join(f"{bound.written.get('reference')} (#{bound.id})" for bound in products)
        raise ConfigurationError(f"{reference} is on several products: {names}", cure="name one by its #id")
    near = difflib.get_close_matches(reference, bindings.references(), n=3)
    raise ConfigurationError(
        f"no product of ours has the reference {reference}",
        cure=f"did you mean {', '.join(near)}?" if near else "lcvsync product list",
    )
