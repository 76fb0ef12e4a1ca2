"""Reading LCV: each page with its cursor, what is unreadable is named and lost to nobody, 410 is a new reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lcvsync.domain.catalogue import Feed
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, ConfigurationError, NotAssociated, Temporary
from lcvsync.lcv import association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.runner.observe import HEARD, NEWS, Observer, web_store_of
from lcvsync.runner.report import Report
from lcvsync.runner.stopping import BudgetReached, Stopper
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror

from .support import NOW, JumpingClock, control, quick_store, tables, trust_quickly


class Quiet:
    """A reporter that nobody listens to."""

    def step(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


class Desk:
    """A back office of three articles, and a state that reads it."""

    def __init__(self, server: EmulatorServer, back_office: HttpBackOffice, directory: Path) -> None:
        self.server = server
        self.clock = JumpingClock()
        self.store = quick_store(directory)
        self.mirror = Mirror(self.store)
        self.journal = Journal(self.store)
        self.mappings = MappingTable(self.store)
        self.back_office = back_office
        self.report = Report(mode="basic", started_at=NOW)

    def observe(self, seconds: float = 1000) -> bool:
        """Look once, as a run does."""
        self.report = Report(mode="basic", started_at=NOW)
        observer = Observer(
            self.back_office, self.store, self.mirror, self.mappings, self.journal, self.report, self.clock, "WEB"
        )
        return observer.observe(Stopper(self.clock, seconds), Quiet())

    def tell(self, action: str, body: object = None, method: str = "POST") -> Any:
        """Change LCV."""
        return control(self.server, method, f"lcv/{action}", body)

    def articles(self) -> list[str]:
        """Ids of LCV's articles."""
        return [article["id"] for article in self.tell("dump", method="GET")["articles"]]

    def asked(self) -> list[str]:
        """The paths asked for since the last time."""
        paths = [f"{line.path.rpartition('/')[2]}" for line in self.server.requests]
        self.server.requests.clear()
        return paths

    def unreadable(self) -> list[str]:
        """Keys of the records that couldn't be read."""
        return [item.key for item in self.journal.skipped() if item.reason == "unreadable"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A state that was never read into."""
    trust_quickly(monkeypatch, tmp_path)
    clock = JumpingClock()
    emulator = LcvEmulator(catalogue=generate(1, 3, now=NOW), username="u", password="p", clock=lambda: NOW)
    with EmulatorServer(emulator) as server:
        made = association.associate(server.url, "u", "p", "https://shop.example", clock)
        with HttpBackOffice.of(made, clock) as back_office:
            opened = Desk(server, back_office, tmp_path)
            server.requests.clear()
            yield opened
            opened.store.close()
            assert server.errors == []


def test_everything_once(desk: Desk) -> None:
    """The first look reads every feed, the next costs one request and finds nothing."""
    assert desk.observe()
    assert desk.asked() == ["revisions", "tables", "articles", "stock", "prices", "promotions"]
    assert [article.id for article in desk.mirror.all_articles()] == sorted(desk.articles())

    news = desk.store.get(NEWS)
    desk.clock.sleep(60)
    assert not desk.observe()
    assert desk.asked() == ["revisions"]
    assert (desk.store.get(NEWS), desk.store.get(HEARD)) == (news, desk.clock.now().isoformat())


def test_only_what_moved(desk: Desk) -> None:
    """A feed that moved is read from its cursor; the others aren't asked."""
    desk.observe()
    desk.asked()
    article = desk.articles()[0]
    desk.tell(f"articles/{article}", method="DELETE")

    assert desk.observe()

    assert desk.asked() == ["revisions", "articles"]
    found = desk.mirror.article(article)
    assert found is not None
    assert found[1]


def test_rows_appear(desk: Desk) -> None:
    """Codes of the tables and of the articles, and the names of promotions, get their mapping rows, unset."""
    desk.observe()

    rows = {(row.kind.value, row.code) for row in desk.mappings.rows()}
    assert {
        ("vat", "20"),
        ("vat", "5.5"),
        ("size-grid", "FEMME"),
        ("attribute", "coloris"),
        ("feature", "matiere"),
    } <= rows
    assert any(kind == "colour" for kind, _ in rows)
    assert all(row.rule is None for row in desk.mappings.rows())


def test_an_unknown_web_store() -> None:
    """A web store that LCV doesn't have is a configuration error that names those that it has."""
    with pytest.raises(ConfigurationError, match=r"lcv\.web_store.*'SHOP'.*WEB"):
        web_store_of(tables(), "SHOP")


@pytest.mark.parametrize("feed", [Feed.ARTICLES, Feed.STOCK, Feed.PRICES, Feed.PROMOTIONS])
def test_cut_off_between_pages(desk: Desk, feed: Feed) -> None:
    """A reading that fails goes on from where it was, in the next run, also when LCV's revisions stay the same."""
    desk.server.faults.append(Fault(FaultKind.STATUS, path=f"/{feed.value}", status=500, times=9))
    with pytest.raises(Temporary):
        desk.observe()
    desk.server.faults.clear()
    desk.asked()

    assert desk.observe()

    assert feed.value in desk.asked()
    assert desk.mirror.cursor(feed) == desk.tell("dump", method="GET")["revisions"][feed.value]
    assert not desk.observe()


def test_time_is_up(desk: Desk) -> None:
    """The budget may end a reading between two pages; the next run goes on."""
    with pytest.raises(BudgetReached):
        desk.observe(0)

    assert desk.observe()
    assert len(list(desk.mirror.all_articles())) == 3


def test_cursor_expired(desk: Desk) -> None:
    """410: the feed is read from 0, and what LCV no longer has is gone."""
    desk.observe()
    gone, *others = sorted(desk.articles())
    desk.tell(f"articles/{gone}", method="DELETE")
    desk.tell("expire-cursors", {"feed": "articles"})
    desk.asked()

    desk.observe()

    assert desk.asked().count("articles") == 2
    assert [article.id for article in desk.mirror.all_articles()] == others


def test_410_for_ever(desk: Desk) -> None:
    """A feed that says 410 even from 0 is a bad answer, not an endless reading."""
    desk.observe()
    desk.tell(f"articles/{desk.articles()[0]}", method="DELETE")
    desk.server.faults.append(Fault(FaultKind.STATUS, path="/articles", status=410, times=0))

    with pytest.raises(BadAnswer, match="410"):
        desk.observe()


def test_key_refused(desk: Desk) -> None:
    """A key that LCV no longer knows stops the run, with the way out."""
    desk.tell("key", {"revoke": True})

    with pytest.raises(NotAssociated) as refusal:
        desk.observe()

    assert "associate" in refusal.value.cure


def sku_of(desk: Desk, number: int = 0) -> str:
    """A sku of LCV's."""
    article = desk.tell("dump", method="GET")["articles"][0]
    return str(article["variants"][number]["sku"])


class TestUnreadable:
    """A record that can't be read stops itself alone, is named, and is over once it can be."""

    @pytest.mark.parametrize(
        ("feed", "bad", "good"),
        [
            ("stock", {"store": "LYO", "quantity": "many"}, {"store": "LYO", "quantity": 5}),
            (
                "prices",
                {"price_list": "WEB", "price_incl_tax": "dear"},
                {"price_list": "WEB", "price_incl_tax": "9.90"},
            ),
        ],
    )
    def test_stock_and_prices(self, desk: Desk, feed: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
        """Quantities and prices, which have two names."""
        desk.observe()
        sku = sku_of(desk)
        desk.tell(feed, {"sku": sku, **bad})
        desk.observe()
        [key] = desk.unreadable()
        assert key == f"{sku}/{bad.get('store', 'WEB')}"
        assert [failed.key for failed in desk.report.failed] == [key]
        desk.tell(feed, {"sku": sku_of(desk, 1), **good})
        desk.observe()
        assert desk.unreadable() == [key]

        desk.tell(feed, {"sku": sku, **good})
        desk.observe()

        assert desk.unreadable() == []

    def test_articles(self, desk: Desk) -> None:
        """An article stays what it was until it can be read again, or is deleted."""
        desk.observe()
        article = desk.tell("dump", method="GET")["articles"][0]
        article.pop("revision")
        desk.tell("articles", {**article, "name": ["no", "name"]})
        desk.observe()
        assert desk.unreadable() == [article["id"]]
        assert len(list(desk.mirror.all_articles())) == 3

        desk.tell("articles", {**article, "name": "Robe"})
        desk.observe()
        assert desk.unreadable() == []
        desk.tell("articles", {**article, "name": ["no", "name"]})
        desk.observe()
        desk.tell(f"articles/{article['id']}", method="DELETE")
        desk.observe()
        assert desk.unreadable() == []

    @pytest.mark.parametrize("feed", ["articles", "stock", "prices", "promotions"])
    def test_read_anew(self, desk: Desk, feed: str) -> None:
        """In a reading from 0 an unreadable record isn't a missing one: what was known of it stays."""
        desk.observe()
        sku = sku_of(desk)
        dump = desk.tell("dump", method="GET")
        article, promotion = dump["articles"][0], {
            "id": "P-1", "name": "Soldes", "kind": "amount", "value": "5.00", "starts_at": "2026-11-01T00:00:00Z",
            "ends_at": None, "price_list": None, "articles": [dump["articles"][0]["id"]], "skus": [],
        }  # fmt: skip
        desk.tell("stock", {"sku": sku, "store": "LYO", "quantity": 4})
        desk.tell("prices", {"sku": sku, "price_list": "WEB", "price_incl_tax": "9.90"})
        desk.tell("promotions", promotion)
        desk.observe()

        def known() -> tuple[object, ...]:
            tables = desk.mirror.tables()
            assert tables is not None
            store = web_store_of(tables, "WEB")
            found = desk.mirror.article(article["id"])
            assert found is not None
            return (
                found[1],
                desk.mirror.quantities([sku], store),  # type: ignore[list-item]
                desk.mirror.prices([sku], "WEB"),  # type: ignore[list-item]
                [*desk.mirror.promotions_naming("article", [article["id"]])],
            )

        before = known()
        article.pop("revision")
        broken: dict[str, object] = {
            "articles": {**article, "name": ["no", "name"]},
            "stock": {"sku": sku, "store": "LYO", "quantity": "many"},
            "prices": {"sku": sku, "price_list": "WEB", "price_incl_tax": "dear"},
            "promotions": {**promotion, "value": "half"},
        }
        desk.tell(feed, broken[feed])
        with desk.store.transaction():
            desk.mirror.restart(Feed(feed))
        desk.observe()

        assert len(desk.unreadable()) == 1
        assert known() == before
