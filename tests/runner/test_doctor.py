"""What the doctor says of facts: every check passes on a healthy pair, and each one fails for its own reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lcvsync.ports import CertificateSeen, ShopIdentity, Sighting
from lcvsync.runner.doctor.boxes import DESTRUCTIVE, wanted
from lcvsync.runner.doctor.decide import decide
from lcvsync.runner.doctor.door import STRIPPED
from lcvsync.runner.doctor.facts import (
    Association,
    Facts,
    FileSeen,
    Known,
    Machine,
    Missed,
    Office,
    Options,
    Runs,
    RunSeen,
    ShopSeen,
    State,
    StateOfOrders,
)
from lcvsync.runner.doctor.findings import CHECKS, Finding, Level, exit_code_of, failure, in_order, warning
from lcvsync.runner.rights import WRITE

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PIN = "AB:CD"
OPTIONS = Options(
    lcv_url="https://lcv.example.com",
    web_store="WEB",
    shop_url="https://www.example.com",
    shop_id=None,
    languages=("fr",),
    enabled=True,
    complete=True,
    max_seconds=270,
    min_id=1,
    export_customers=True,
    mark_states=True,
    shipping_reference="PORT",
    wrapping_reference="",
)
WELCOME = Sighting(200, xml=True)
PROXY = Sighting(405)
CONFIGURATION = {
    "PS_SHOP_ENABLE": "1",
    "PS_CATALOG_MODE": "0",
    "PS_SEARCH_INDEXATION": "1",
    "PS_STOCK_MANAGEMENT": "1",
    "PS_ORDER_OUT_OF_STOCK": "0",
    "PS_TAX": "1",
    "PS_PRICE_ROUND_MODE": "2",
    "PS_ROUND_TYPE": "2",
    "PS_GIFT_WRAPPING": "0",
}


def rights(*, without: Iterable[str] = (), **more: Any) -> dict[str, frozenset[str]]:
    """Exactly the boxes that everything needs, PUT and PATCH both; *without*: "POST products"; *more*: beyond them."""
    made = {
        name: {part for method in methods for part in (("PUT", "PATCH") if method == WRITE else (method,))}
        for name, methods in wanted(OPTIONS, orders=True).items()
    }
    for box in without:
        method, _, name = box.partition(" ")
        made[name] = made[name] - {method}
    for name, methods in more.items():
        made[name] = made.get(name, set()) | methods
    return {name: frozenset(methods) for name, methods in made.items()}


def identity(version: str = "8.2.1", **boxes: Any) -> ShopIdentity:
    """A shop with a key."""
    return ShopIdentity("shop", version, rights(**boxes))


def with_box(resource: str, method: str) -> ShopIdentity:
    """One box more than needed."""
    return ShopIdentity("shop", "8.2.1", rights(**{resource: {method}}))


def a_run(
    number: int = 7, outcome: str = "ok", age: timedelta = timedelta(minutes=4), command: str = "sync"
) -> RunSeen:
    """A run."""
    return RunSeen(number, command, NOW - age, outcome, "" if outcome == "ok" else "LCV doesn't answer")


SHOP = ShopSeen(
    knock=WELCOME,
    methods={"PUT": WELCOME, "PATCH": WELCOME, "DELETE": Sighting(405, codes=(101,), xml=True)},
    identity=identity(),
    time=NOW + timedelta(seconds=30),
    asked_at=NOW,
    configuration=CONFIGURATION,
    languages=("fr", "en"),
    shops=(1,),
    states=(),
    traces=(),
)
HEALTHY = Facts(
    configuration="/etc/lcvsync/config.toml",
    options=OPTIONS,
    machine=Machine(
        NOW,
        1000,
        (FileSeen("/etc/lcvsync/config.toml", 0o640, 0, secret="prestashop.key"),),
        (
            FileSeen("/var/lib/lcvsync", 0o700, 1000, directory=True),
            FileSeen("/var/lib/lcvsync/state.db", 0o600, 1000),
            FileSeen("/var/lib/lcvsync/association.json", 0o600, 1000, secret="the key to LCV"),
        ),
        "/var/lib/lcvsync",
        50 * 1024**3,
        10**8,
    ),
    state=State(exists=True),
    runs=Runs((a_run(),), a_run()),
    known=Known(adopted=True, adopted_for="https://www.example.com", tables=True, products=12),
    office=Office(
        Association("https://lcv.example.com", PIN, None),
        CertificateSeen(PIN, NOW + 300 * DAY, "self-signed"),
        NOW - timedelta(seconds=30),
        NOW,
        ("WEB", "WEB2"),
    ),
    shop=SHOP,
)


def machine(**changes: Any) -> Facts:
    """A healthy pair, but for the machine."""
    assert HEALTHY.machine is not None
    return replace(HEALTHY, machine=replace(HEALTHY.machine, **changes))


def state(*files: FileSeen) -> Facts:
    """Other files in the state directory."""
    return machine(state=files)


def known(**changes: Any) -> Facts:
    """A healthy pair, but for what the state knows."""
    assert isinstance(HEALTHY.known, Known)
    return replace(HEALTHY, known=replace(HEALTHY.known, **changes))


def options(facts: Facts = HEALTHY, **changes: Any) -> Facts:
    """A healthy pair with other options."""
    return replace(facts, options=replace(OPTIONS, **changes))


def office(**changes: Any) -> Facts:
    """A healthy pair, but for LCV."""
    assert HEALTHY.office is not None
    return replace(HEALTHY, office=replace(HEALTHY.office, **changes))


def shop(**changes: Any) -> Facts:
    """A healthy pair, but for the shop."""
    return replace(HEALTHY, shop=replace(SHOP, **changes))


def setting(**values: str) -> Facts:
    """A healthy pair, but for the shop's configuration."""
    return shop(configuration={**CONFIGURATION, **values})


def locked_out(status: int, *codes: int, stranger: Any = None, location: str = "", xml: bool | None = None) -> Facts:
    """A shop that answers so at its door."""
    sighting = Sighting(status, location, codes, xml=bool(codes) if xml is None else xml)
    return replace(HEALTHY, shop=ShopSeen(sighting, stranger=stranger))


def runs(*newest: RunSeen, success: RunSeen | None = None, locked: bool = False) -> Facts:
    """A healthy pair with other runs."""
    return replace(HEALTHY, runs=Runs(newest, success, locked))


def certificate(*, pin: str = PIN, shown: str = PIN, days: int = 300, problem: str = "") -> Facts:
    """A certificate that expires in so many days."""
    association = Association("https://lcv.example.com", pin, None)
    return office(association=association, certificate=CertificateSeen(shown, NOW + days * DAY, problem))


def test_healthy() -> None:
    """Everything is looked at, nothing is wrong, and the exit code is 0."""
    findings = decide(HEALTHY)

    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert list(dict.fromkeys(finding.check for finding in findings)) == list(CHECKS)
    assert exit_code_of(findings) == 0


W, F, OK, UNKNOWN = Level.WARNING, Level.FAILURE, Level.OK, Level.UNKNOWN
CASES: list[tuple[str, Facts, str, Level, int, str]] = [
    ("secret for all", machine(secrets=(FileSeen("c.toml", 0o644, 0, secret="prestashop.key"),)),
     "configuration.secrets", W, 0, "chmod o-rwx 'c.toml'"),
    ("writable for all", machine(configuration=FileSeen("c.toml", 0o666, 1000)), "configuration.file", W, 0,
     "chmod o-w 'c.toml'"),
    ("no secret in files", machine(secrets=()), "configuration.secrets", OK, 0, ""),
    ("disabled", options(enabled=False), "configuration.enabled", W, 0, "sync.enabled = true"),
    ("no directory yet", state(), "state.directory", OK, 0, ""),
    ("open directory", state(FileSeen("d", 0o755, 1000, directory=True)), "state.directory", W, 0, "chmod go-rwx 'd'"),
    ("strange directory", state(FileSeen("d", 0o700, 33, directory=True)), "state.directory", F, 2, "chown"),
    ("run as root", machine(user=0), "state.directory", W, 0, "never as root"),
    ("open database", state(FileSeen("d", 0o700, 1000), FileSeen("d/state.db", 0o644, 1000)),
     "state.files", W, 0, "chmod go-rwx 'd/state.db'"),
    ("open key", state(FileSeen("d", 0o700, 1000), FileSeen("d/association.json", 0o640, 1000, secret="key")),
     "state.files", F, 2, "lcvsync associate"),
    ("strange files", state(FileSeen("d", 0o700, 1000), *(FileSeen(f"d/{n}", 0o600, 33) for n in range(9))),
     "state.files", F, 2, "chown"),
    ("little space", machine(free_bytes=500 * 1024**2), "state.disk", W, 0, "make room"),
    ("less than the database twice", machine(database_bytes=40 * 1024**3), "state.disk", W, 0, "make room"),
    ("no space", machine(free_bytes=10**6), "state.disk", F, 2, "make room"),
    ("a disk that doesn't tell", machine(free_bytes=None), "state.disk", UNKNOWN, 0, ""),
    ("no state yet", replace(HEALTHY, state=State(exists=False)), "state.database", OK, 0, ""),
    ("newer state", replace(HEALTHY, state=State(True, Missed("of a newer lcvsync", "upgrade lcvsync", 2))),
     "state.database", F, 2, "upgrade lcvsync"),
    ("damage", replace(HEALTHY, state=State(True, damage="row 7 missing")), "state.database", F, 2, "backup"),
    ("migrations", replace(HEALTHY, state=State(True, pending=("0003_more",))), "state.schema", W, 0, "copy state.db"),
    ("no association", office(association=Missed("there is none", "lcvsync associate", 4)),
     "lcv.association", F, 4, "lcvsync associate"),
    ("another back office", options(lcv_url="https://other.example.com"), "lcv.association", W, 0, "lcv.url"),
    ("key expires", office(association=Association("https://lcv.example.com", PIN, NOW + 9 * DAY)),
     "lcv.association", W, 0, "lcvsync associate"),
    ("key expired", office(association=Association("https://lcv.example.com", PIN, NOW - DAY)),
     "lcv.association", F, 4, "lcvsync associate"),
    ("another certificate", certificate(shown="EF:01"), "lcv.certificate", F, 4, "lcvsync associate"),
    ("pinned, old", certificate(days=12), "lcv.certificate", W, 0, "accept the new one"),
    ("trusted", certificate(pin=""), "lcv.certificate", OK, 0, ""),
    ("trusted, old", certificate(pin="", days=12), "lcv.certificate", W, 0, "renewed"),
    ("not trusted", certificate(pin="", problem="expired"), "lcv.certificate", F, 4, "lcvsync associate"),
    ("plain http", office(certificate=None), "lcv.certificate", W, 0, "--url https"),
    ("silence", office(certificate=Missed("no"), time=Missed("no answer in time", "check", 5)),
     "lcv.answer", F, 5, "check"),
    ("key refused", office(time=Missed("LCV doesn't know the access key", "lcvsync associate", 4)),
     "lcv.answer", F, 4, "lcvsync associate"),
    ("LCV's clock", office(time=NOW + timedelta(minutes=3)), "lcv.clock", W, 0, "NTP"),
    ("web store", options(web_store="WEBB"), "lcv.web_store", F, 2, "lcv.web_store"),
    ("tables unread", office(web_stores=Missed("no")), "lcv.web_store", UNKNOWN, 0, ""),
    ("tables not pulled", known(tables=False), "lcv.tables", W, 0, "lcvsync pull-config"),
    ("plain http to the shop", options(shop_url="http://www.example.com/shop"), "shop.https", W, 0,
     "https://www.example.com/shop"),
    ("http on loopback", options(shop_url="http://127.0.0.1:8080"), "shop.https", OK, 0, ""),
    ("no shop", replace(HEALTHY, shop=ShopSeen(Missed("the host name is unknown", "check DNS", 5))),
     "shop.address", F, 5, "check DNS"),
    ("front page", locked_out(302, location="https://shop.example.com/fr/?url="), "shop.address", F, 4,
     "set prestashop.url to https://shop.example.com/fr"),
    ("https", locked_out(301, location="https://www.example.com/api/"), "shop.address", F, 4,
     "set prestashop.url to https://www.example.com"),
    ("somewhere", locked_out(302, location="/login"), "shop.address", F, 4, "own address"),
    ("webservice off", locked_out(503, 22), "shop.address", F, 5, "Enable PrestaShop's webservice"),
    ("maintenance page", locked_out(503), "shop.address", F, 5, "when it is open"),
    ("firewall", locked_out(403), "shop.address", F, 5, "/api/"),
    ("no rewriting", locked_out(404), "shop.address", F, 5, "/webservice/dispatcher.php?url="),
    ("broken shop", locked_out(500), "shop.address", F, 5, "error log"),
    ("another site", locked_out(200), "shop.address", F, 5, "check prestashop.url"),
    ("unknown key", locked_out(401, 20, 21), "shop.key", F, 4, "is enabled"),
    ("short key", locked_out(401, 18), "shop.key", F, 4, "32 characters"),
    ("key of another shop", locked_out(403, 132), "shop.key", F, 4, "Shop association"),
    ("header dropped", locked_out(401, stranger=Sighting(401, codes=(20,), xml=True)), "shop.key", F, 4, STRIPPED),
    ("header dropped, perhaps", locked_out(401, stranger=Missed("no")), "shop.key", F, 4, STRIPPED),
    ("a password in front", locked_out(401, stranger=Sighting(401)), "shop.address", F, 4, "without that password"),
    ("PUT blocked", shop(methods={"PUT": PROXY, "PATCH": PROXY, "DELETE": WELCOME}), "shop.methods", F, 4,
     "allow PUT, PATCH"),
    ("DELETE cut off", shop(methods={"PUT": WELCOME, "DELETE": Missed("closed")}), "shop.methods", F, 4, "DELETE"),
    ("1.7.8", shop(identity=identity("1.7.8.11")), "shop.version", OK, 0, ""),
    ("9", shop(identity=identity("9.0.3")), "shop.version", W, 0, "copy of the shop"),
    ("1.7.6", shop(identity=identity("1.7.6.9")), "shop.version", W, 0, "update PrestaShop"),
    ("the shop's clock", shop(time=NOW - timedelta(hours=1)), "shop.clock", W, 0, "NTP"),
    ("no clock", shop(time=None), "shop.clock", UNKNOWN, 0, ""),
    ("box missing", shop(identity=identity(without=["POST specific_prices", "GET orders"])), "key.boxes", F, 4,
     "orders: GET; specific_prices: POST"),
    ("PATCH missing", shop(identity=identity(without=["PATCH products"])), "key.patch", W, 0, "PATCH in"),
    ("no PATCH in 1.7", shop(identity=identity("1.7.8.11", without=["PATCH products"])), "key.patch", OK, 0, ""),
    ("harmless excess", shop(identity=identity(categories={"POST"})), "key.danger", W, 0, "POST of categories"),
    ("several shops", shop(shops=(1, 2)), "settings.shops", F, 2, "prestashop.shop_id"),
    ("one of several", options(shop(shops=(1, 2)), shop_id=2), "settings.shops", OK, 0, ""),
    ("a shop that isn't active", options(shop_id=3), "settings.shops", F, 2, "one of 1"),
    ("language", options(languages=("fr", "it")), "settings.languages", F, 2, "prestashop.languages"),
    ("maintenance", setting(PS_SHOP_ENABLE="0"), "settings.open", W, 0, "Enable shop"),
    ("catalogue mode", setting(PS_CATALOG_MODE="1"), "settings.open", W, 0, "Catalogue mode"),
    ("first run and index", known(products=0), "settings.indexation", W, 0, "Indexing: no"),
    ("basic mode and index", options(known(products=0), complete=False), "settings.indexation", OK, 0, ""),
    ("no stock", setting(PS_STOCK_MANAGEMENT="0"), "settings.stock", W, 0, "stock management"),
    ("backorders", setting(PS_ORDER_OUT_OF_STOCK="1"), "settings.stock", W, 0, "out-of-stock products: no"),
    ("no tax", setting(PS_TAX="0"), "settings.tax", W, 0, "Enable tax"),
    ("rounded down", setting(PS_PRICE_ROUND_MODE="1"), "settings.rounding", W, 0, "Round mode"),
    ("rounded at the end", setting(PS_ROUND_TYPE="3"), "settings.rounding", W, 0, "Round type"),
    ("configuration unread", shop(configuration=Missed("no")), "settings.tax", UNKNOWN, 0, ""),
    ("not adopted", known(adopted=False, adopted_for=""), "orders.adopted", W, 0, "lcvsync adopt"),
    ("adopted elsewhere", known(adopted=False, adopted_for="https://old.example.com"), "orders.adopted", W, 0, "adopt"),
    ("no min_id", options(min_id=None), "orders.min_id", W, 0, "orders.min_id"),
    ("made by a module", shop(states=(StateOfOrders(20, "Exportée vers LCV", "lcv"),)), "orders.old_module", W, 0,
     "Module manager"),
    ("ours", shop(states=(StateOfOrders(20, "Exportée vers LCV", ""),)), "orders.old_module", OK, 0, ""),
    ("made before us", replace(known(adopted=False), shop=replace(SHOP, states=(StateOfOrders(20, "x", ""),))),
     "orders.old_module", W, 0, "Module manager"),
    ("rows of a module", shop(traces=tuple(f"LCV_{n}" for n in range(7))), "orders.old_module", W, 0, "Module manager"),
    ("orders of a module", known(old_module=5), "orders.old_module", W, 0, "Module manager"),
    ("a module at work", known(old_module=5, old_module_since=1), "orders.old_module", F, 3, "switch the module off"),
    ("traces unread", shop(states=Missed("no"), traces=Missed("no")), "orders.old_module", UNKNOWN, 0, ""),
    ("shipping", options(shipping_reference=""), "orders.shipping", W, 0, "orders.shipping_reference"),
    ("wrapping", setting(PS_GIFT_WRAPPING="1"), "orders.wrapping", W, 0, "orders.wrapping_reference"),
    ("wrapping waits", known(waiting={"wrapping_reference_missing": 2}), "orders.wrapping", W, 0, "wrapping_reference"),
    ("wrapping is set", options(setting(PS_GIFT_WRAPPING="1"), wrapping_reference="CAD"), "orders.wrapping", OK, 0, ""),
    ("payments", known(payments=("Chèque",), waiting={"payment_unmapped": 2}), "orders.payments", W, 0,
     "lcvsync map set payment 'Chèque' CODE"),
    ("unmapped", known(unmapped={"feature": 2, "brand": 1}, stopping=frozenset({"brand"})), "mappings.unmapped", W, 0,
     "lcvsync map list brand"),
    ("unmapped datum", known(unmapped={"feature": 2}, stopping=frozenset({"brand"})), "mappings.unmapped", W, 0,
     "lcvsync map list feature"),
    ("never run", runs(), "runs.cron", W, 0, "crontab"),
    ("cron sleeps", runs(a_run(age=timedelta(hours=3)), success=a_run()), "runs.cron", W, 0, "crontab"),
    ("disabled cron", options(runs(), enabled=False), "runs.cron", OK, 0, ""),
    ("always failing", runs(a_run(9, "error"), success=a_run(age=2 * DAY)), "runs.success", W, 0, "runs show 9"),
    ("never well", runs(a_run(9, "error")), "runs.success", W, 0, "lcvsync status"),
    ("always out of time", runs(*(a_run(n, "budget") for n in (9, 8, 7)), success=a_run()), "runs.budget", W, 0,
     "sync.max_seconds"),
    ("now and then out of time", runs(a_run(9, "budget"), a_run(8), success=a_run()), "runs.budget", OK, 0, ""),
    ("under way", runs(a_run(9, "running"), success=a_run(), locked=True), "runs.lock", OK, 0, ""),
    ("stuck", runs(a_run(9, "running", timedelta(minutes=40)), success=a_run(), locked=True), "runs.lock", W, 0,
     "SIGTERM"),
    ("killed", runs(a_run(9, "running", timedelta(minutes=40)), success=a_run()), "runs.lock", W, 0, "dmesg"),
]  # fmt: skip
"""What is wrong, the facts, the check that says so, how bad it is, the exit code, and a part of the cure."""


@pytest.mark.parametrize(
    ("facts", "check", "level", "code", "cure"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_reason(facts: Facts, check: str, level: Level, code: int, cure: str) -> None:
    """A reason is found by its check alone at its level, with the exit code of a run and a cure."""
    findings = decide(facts)

    [found] = [f for f in findings if f.check == check and f.level is level][:1]
    assert cure in found.cure
    assert exit_code_of([found]) == code
    assert {f.check for f in findings} == set(CHECKS)
    assert all(f.meaning and f.cure and f.found for f in findings if f.level in {W, F})
    assert all(f.exit_code for f in findings if f.level is F)


def test_every_check_can_fail() -> None:
    """Each check is shown to find something wrong at least once."""
    fired = {check for _, _, check, level, _, _ in CASES if level in {W, F}} | {"configuration.file"}

    assert fired == set(CHECKS)


def test_wrong_configuration() -> None:
    """All problems are told, and nothing else is claimed to be looked at."""
    findings = decide(Facts(Missed("2 problems in c.toml", "correct the file", 2), ("lcv.url: is empty", "a: b")))

    assert findings[0].found == "2 problems in c.toml: lcv.url: is empty; a: b"
    assert {f.level for f in findings[1:]} == {Level.UNKNOWN}
    assert exit_code_of(findings) == 2


def test_state_unread() -> None:
    """A state that can't be read leaves LCV and the shop to be looked at."""
    damaged = Missed("damaged", "", 2)
    findings = decide(replace(HEALTHY, state=State(True, damaged), runs=None, known=damaged))
    levels = {f.check: f.level for f in findings}

    assert (levels["state.database"], levels["lcv.answer"], levels["shop.key"]) == (F, OK, OK)
    assert {levels[c] for c in ("orders.adopted", "orders.payments", "runs.cron", "lcv.tables")} == {UNKNOWN}


def test_orders_need_no_boxes_before() -> None:
    """A box of orders is a failure once the state is adopted, a warning where min_id is set, else nothing."""
    lacking = shop(identity=identity(without=["GET orders"]))

    def level(facts: Facts) -> Level:
        return next(f.level for f in decide(facts) if f.check == "key.boxes")

    waiting = replace(lacking, known=Known(tables=True))
    assert level(lacking) is F
    assert level(waiting) is W
    assert level(options(waiting, min_id=None)) is OK


@pytest.mark.parametrize("resource", DESTRUCTIVE)
def test_destructive_boxes(resource: str) -> None:
    """DELETE on what can't be brought back is named first."""
    [found] = [f for f in decide(shop(identity=with_box(resource, "DELETE"))) if f.check == "key.danger"]

    assert found.found == f"DELETE is ticked for {resource}"
    assert found.level is W


def test_exit_codes() -> None:
    """The first failure that stops a run decides, 3 only where none would; warnings count for nothing."""

    def failed(code: int) -> Finding:
        return failure("shop.key", "x", "y", "z", code)

    mild = warning("shop.key", "x", "y", "z")
    assert exit_code_of([mild]) == 0
    assert exit_code_of([mild, failed(3)]) == 3
    assert exit_code_of([failed(3), failed(4), failed(5)]) == 4


def test_order() -> None:
    """Findings are shown as the checks are listed, those of one check as they came."""
    first, second = warning("runs.cron", "a", "b", "c"), warning("shop.key", "1", "b", "c")
    third = warning("shop.key", "2", "b", "c")

    assert in_order([first, second, third]) == [second, third, first]
