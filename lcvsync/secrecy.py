"""Secrets taken out of texts, in every form that programs write them in; and where they can be overheard."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def forms(secrets: Iterable[str]) -> list[str]:
    """Each secret plain, in Base64 (HTTP Basic's too), in an address, in JSON, in Python's quotes; longest first."""
    return sorted({form for secret in filter(None, secrets) for form in _forms(secret)}, key=len, reverse=True)


def _forms(secret: str) -> tuple[str, ...]:
    plain = secret.encode()
    return (
        secret,
        base64.b64encode(plain + b":").decode(),
        base64.b64encode(plain).decode(),
        base64.urlsafe_b64encode(plain).decode(),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    )


def of_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What an `Authorization` header tells, of the schemes Basic and Bearer."""
    scheme, _, sent = headers.get("Authorization", "").partition(" ")
    return (sent,) if scheme != "Basic" else (sent, *base64.b64decode(sent).decode().split(":"))


def without(text: bytes, told: Iterable[bytes]) -> bytes:
    """*text* with `***` for each of what it must not tell."""
    for form in told:
        text = text.replace(form, b"***")
    return text


def redact(url: str) -> str:
    """*url* without user name, password and the values of parameters that carry keys."""
    bare = re.sub(r"(?<=//).*@", "", url)
    return re.sub(r"(?i)([?&](?:ws_key|key|access_key|password|token)=)[^&#]*", r"\1***", bare)


def is_loopback(host: str) -> bool:
    """Whether *host*, a name or an address, is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
