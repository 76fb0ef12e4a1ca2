"""Customers, as the shops of the association give them."""

from __future__ import annotations

from typing import Any

from lcvsync.emulators.lcv.answers import RefusalError
from lcvsync.emulators.lcv.checks import boolean, day, each, nullable, one_of, record, refuse_unless, text

_OPTIONAL_TEXT = nullable(text())
_ADDRESS = record(
    required={
        "line1": text(shortest=1),
        "postcode": text(),
        "city": text(shortest=1),
        "country": text(pattern="[A-Z]{2}", like="a country of ISO 3166-1 alpha-2"),
    },
    optional=dict.fromkeys(("alias", "first_name", "last_name", "company", "line2", "phone"), _OPTIONAL_TEXT),
)
_CUSTOMER = record(
    required={
        "email": text(pattern=r"[^@\s]+@[^@\s]+", like="an e-mail address"),
        "first_name": text(),
        "last_name": text(),
    },
    optional={
        "title": one_of("mr", "mrs", None),
        "company": _OPTIONAL_TEXT,
        "birthday": nullable(day),
        "newsletter": boolean,
        "partner_offers": boolean,
        "phone": _OPTIONAL_TEXT,
        "mobile": _OPTIONAL_TEXT,
        "addresses": each(_ADDRESS),
    },
)


class Customers:
    """Every customer, by association and the shop's own id."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], dict[str, Any]] = {}
        self._codes: dict[tuple[str, str], str] = {}

    def put(self, association: str, external_id: str, body: Any) -> str:
        """Create or replace one whole; its code, which stays."""
        if not 1 <= len(external_id) <= 64:
            problem = {"external_id": "must have 1 to 64 characters"}
            raise RefusalError(422, "invalid", "The customer can't be accepted.", details=problem)
        refuse_unless(_CUSTOMER, body, "customer")
        key = association, external_id
        self._bodies[key] = body
        return self._codes.setdefault(key, f"C{len(self._codes) + 1:06d}")

    def to_json(self) -> list[dict[str, Any]]:
        """Every customer with what the shop sent last."""
        return [
            {"association_id": key[0], "external_id": key[1], "customer_code": self._codes[key], "body": body}
            for key, body in self._bodies.items()
        ]
