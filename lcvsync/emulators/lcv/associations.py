"""Who may talk to the back office: user names, passwords and the access keys traded for them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lcvsync.emulators.lcv.answers import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 5
"""Wrong passwords in a row after which a user name has to wait."""
PAUSE = timedelta(minutes=1)
_REQUIRED = ("username", "password", "client_name", "client_version", "shop_url")


@dataclass(frozen=True)
class Association:
    """One shop's right to talk to the back office."""

    association_id: str
    username: str
    shop_url: str
    access_key: str
    expires_at: datetime | None = None


class Associations:
    """Every association, and what guards the way to a new one."""

    def __init__(self, username: str, password: str, clock: Callable[[], datetime]) -> None:
        self._username = username
        self._password = password
        self._clock = clock
        self._known: dict[tuple[str, str], Association] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._failures: dict[str, list[datetime]] = {}

    def associate(self, body: object) -> Association:
        """Trade a user name and a password for a key; the shop's older key is revoked."""
        wanted = _checked(body)
        username, shop = wanted["username"], wanted["shop_url"]
        self._refuse_if_hammered(username)
        if (username, wanted["password"]) != (self._username, self._password):
            self._failures.setdefault(username, []).append(self._clock())
            raise RefusalError(401, "bad_credentials", "This user name and password don't match.")
        self._failures.pop(username, None)
        identity = self._ids.setdefault((username, shop), f"ASSOC-{len(self._ids) + 1:06d}")
        association = Association(identity, username, shop, secrets.token_urlsafe(32))
        self._known[username, shop] = association
        return association

    def authenticate(self, authorization: str | None) -> Association:
        """The association whose key a request carries; refuses with 401."""
        scheme, _, key = (authorization or "").partition(" ")
        for association in self._known.values():
            if scheme.lower() == "bearer" and secrets.compare_digest(association.access_key.encode(), key.encode()):
                if association.expires_at is not None and association.expires_at <= self._clock():
                    raise RefusalError(401, "expired_key", "This access key has expired.")
                return association
        raise RefusalError(401, "invalid_key", "This access key is not known.")

    def revoke(self, association: Association) -> None:
        """Forget one key."""
        self._known.pop((association.username, association.shop_url), None)

    def revoke_all(self) -> None:
        """Forget every key."""
        self._known.clear()

    def expire_all(self) -> None:
        """Let every key expire now."""
        now = self._clock()
        self._known = {shop: replace(known, expires_at=now) for shop, known in self._known.items()}

    def to_json(self) -> list[dict[str, str]]:
        """Every association, without its key."""
        return [
            {"association_id": known.association_id, "username": known.username, "shop_url": known.shop_url}
            for known in self._known.values()
        ]

    def _refuse_if_hammered(self, username: str) -> None:
        now = self._clock()
        recent = [moment for moment in self._failures.get(username, []) if now - moment < PAUSE]
        self._failures[username] = recent
        if len(recent) >= ATTEMPTS:
            wait = max(1, int((recent[-ATTEMPTS] + PAUSE - now).total_seconds()) + 1)
            raise RefusalError(429, "too_many_attempts", "Too many wrong passwords: wait.", retry_after=wait)


def _checked(body: object) -> Mapping[str, str]:
    """The body of an association request; refuses with 422 and every problem at once."""
    if not isinstance(body, dict):
        raise RefusalError(422, "invalid", "The body is no object.", details={"body": "must be an object"})
    problems = {name: "must be a string" for name in _REQUIRED if not isinstance(body.get(name), str)}
    if "shop_url" not in problems and not _is_address(body["shop_url"]):
        problems["shop_url"] = "must be an address, for example https://shop.example/"
    if problems:
        raise RefusalError(422, "invalid", "The association request is not complete.", details=problems)
    return body


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
