"""Every box that isn't ticked is named before the first write."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcvsync.errors import ShopRefused
from lcvsync.ports import ShopIdentity
from lcvsync.prestashop.shop import WebserviceShop, authorization
from lcvsync.runner.rights import (
    AVAILABILITY,
    BASIC,
    COMPLETE,
    WRITE,
    check_availability_rights,
    check_rights,
    missing_rights,
)
from lcvsync.transport import SHOP, Transport

from .support import JumpingClock, control, workshop

ALL = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def identity(rights: dict[str, set[str]], version: str = "8.2.1") -> ShopIdentity:
    """Who answers with these rights."""
    return ShopIdentity("shop", version, {name: frozenset(methods) for name, methods in rights.items()})


def needed(*, complete: bool) -> list[tuple[str, str]]:
    """(resource, method) of a mode."""
    return [(name, method) for name, methods in (COMPLETE if complete else BASIC).items() for method in methods]


@pytest.mark.parametrize("complete", [False, True])
def test_every_missing_right(complete: bool) -> None:
    """Each right is missed by its name, alone and with all the others."""
    full = {name: set(ALL) for name, _ in needed(complete=complete)}
    assert missing_rights(identity(full), complete=complete) == []
    for name, method in needed(complete=complete):
        lacking = {**full, name: full[name] - ({"PUT", "PATCH"} if method == WRITE else {method})}
        assert missing_rights(identity(lacking), complete=complete) == [f"{method} {name}"]
    assert missing_rights(identity({}), complete=complete) == [f"{m} {n}" for n, m in needed(complete=complete)]


@pytest.mark.parametrize("methods", [{"GET", "PUT"}, {"GET", "PATCH"}])
def test_one_way_to_write(methods: set[str]) -> None:
    """PUT or PATCH: either is enough."""
    rights = {name: set(ALL) for name in BASIC} | {"stock_availables": methods}

    assert missing_rights(identity(rights), complete=False) == []


def test_availability() -> None:
    """What is shown of the stores needs nothing but their names, and says so."""
    rights = {name: {"GET"} for name in AVAILABILITY}
    check_availability_rights(identity(rights))

    with pytest.raises(ShopRefused, match=r"lacks: GET stores$"):
        check_availability_rights(identity({**rights, "stores": set()}))


def test_basic_asks_for_less() -> None:
    """Basic mode creates and deletes nothing but promotions."""
    assert {(name, method) for name, method in needed(complete=False) if method in {"POST", "DELETE"}} == {
        ("specific_prices", "POST"),
        ("specific_prices", "DELETE"),
    }


@pytest.mark.parametrize("version", ["8.2.1", "1.7.8.11"])
def test_against_a_shop(tmp_path: Path, version: str) -> None:
    """The shop itself says what its key may do; the message names everything at once, and where to tick it."""
    with workshop(tmp_path, version=version, demo=False) as bench:
        check_rights(bench.shop.identity(), complete=True)
        rights = {name: ["GET"] for name in COMPLETE} | {"images": ["GET", "POST", "DELETE"]}
        order = {"key": "L" * 32, "permissions": rights}
        control(bench.server, "POST", "shop/key", order)
        clock = JumpingClock()
        with Transport(SHOP, bench.server.url, clock, headers=authorization("L" * 32)) as transport:
            found = WebserviceShop(transport, clock).identity()

        with pytest.raises(ShopRefused) as refusal:
            check_rights(found, complete=False)

        assert str(refusal.value) == (
            "the webservice key lacks: PUT or PATCH products, PUT or PATCH combinations, PUT or PATCH stock_availables,"
            " POST specific_prices, PUT or PATCH specific_prices, DELETE specific_prices"
        )
        assert "Webservice" in refusal.value.cure
