"""The options of `[orders]`, apart from the rules that they steer: every run has them, and few plan an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Services:
    """Under which references LCV knows what is no article; "" where none is set."""

    shipping: str = ""
    wrapping: str = ""


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """`[orders]`, as far as what LCV is told depends on it."""

    min_id: int | None = None
    max_age: timedelta = timedelta(days=90)
    export_changes: bool = True
    states: frozenset[int] = frozenset()
    """States whose orders are exported although they are not paid ones."""
    services: Services = field(default_factory=Services)
    service_references: Mapping[str, str] = field(default_factory=dict)
    """Reference of a product of the shop → reference of a service of LCV: gift cards, personalisation."""
