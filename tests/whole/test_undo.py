"""`lcvsync undo`: a run's cards, prices and promotions go back to what they were, and stay there."""

from __future__ import annotations

import io
import json
import sys
from functools import partial
from typing import Any

import pytest

from lcvsync.bootstrap import run_session, store_of
from lcvsync.cli.main import run
from lcvsync.emulators.faults import FaultKind
from lcvsync.planning.changes import Json
from lcvsync.planning.fates import EDITED, TYPED, UNDONE_PRICE
from lcvsync.planning.undo import Undo
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.report import Report
from lcvsync.runner.run import Run
from lcvsync.runner.undo_reading import undoing
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Journal

from .harness import KEY, World
from .stand_ins import Quiet

PROMOTION: Json = {
    "id": "U1",
    "name": "Black Friday",
    "kind": "percentage",
    "value": "30.00",
    "price_list": None,
    "starts_at": "2026-11-01T00:00:00+01:00",
    "ends_at": "2027-01-24T00:00:00+01:00",
    "skus": [],
}


def undo(world: World, number: int, *, dry_run: bool = False) -> tuple[Report, Undo]:
    """`lcvsync undo RUN --yes`."""
    plans: list[Undo] = []
    settings = world.configuration()
    with store_of(settings) as store:
        record = Journal(store).run(number)
    assert record is not None
    wanted = undoing(AuditLog(world.directory, world.run_clock), record)

    def work(session: Run) -> None:
        plans.append(session.undo(wanted, dry_run=dry_run))

    report = run_session(settings, "undo", Quiet(), work, clock=world.run_clock, rehearsal=dry_run)
    assert not world.shop.errors, world.shop.errors
    return report, plans[0]


def kept(world: World) -> dict[str, Any]:
    """What the shop has of what `undo` is about, by plain GETs."""
    volatile = {"date_upd", "id", "quantity"}
    found: dict[str, Any] = {}
    for resource in ("products", "combinations", "specific_prices"):
        for entity in world.eyes.list(resource):
            key = (
                entity.id
                if resource != "specific_prices"
                else tuple(entity.fields[n] for n in ("id_product", "from", "to"))
            )
            fields = {name: value for name, value in entity.fields.items() if name not in volatile}
            lists = {
                name: sorted(map(str, value)) for name, value in entity.lists.items() if name != "stock_availables"
            }
            found[f"{resource} {key}"] = (fields, entity.texts, lists)
    return found


def change_everything(world: World) -> tuple[Json, Json]:
    """Card, categories, features, a price that rises and one that falls, and promotions of two products."""
    first, second = world.quiet(2)
    more = {"attributes": {**first["attributes"], "matiere": "Ortie"}, "categories": ["COL-RIVIERA"]}
    world.change_article(first["id"], name="Nom de LCV", description="<p>Autre</p>", **more)
    world.price_in(first["variants"][0]["sku"], "18.00")
    world.price_in(first["variants"][1]["sku"], "98.00")
    world.tell_lcv("promotions", {**PROMOTION, "articles": [first["id"], second["id"]]})
    return first, second


def test_everything_goes_back_and_stays(synced: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Exactly what was there, by plain GETs; the card is locked, and neither the next run nor one that a sold piece
    starts writes it again; a new price of LCV brings LCV's prices and promotions back, a resync does."""
    before = kept(synced)
    first, second = change_everything(synced)
    changed = synced.sync()
    assert kept(synced) != before

    report, _ = undo(synced, changed.run)

    assert (report.exit_code, report.failed) == (0, [])
    assert kept(synced) == before
    with store_of(synced.configuration()) as store:
        assert [Bindings(store).is_locked(article["id"]) for article in (first, second)] == [True, False]
    synced.assert_idle()
    fields = told(synced, capsys, "product", "show", synced.reference(first))[1]["fields"]
    assert UNDONE_PRICE in {field["next"] for field in fields if field["field"] == "price"}
    synced.stock_in(second["variants"][0]["sku"], 3)
    assert set(synced.sync().changes) == {"stock"}
    assert {key: value for key, value in kept(synced).items() if "products" not in key} == {
        key: value for key, value in before.items() if "products" not in key
    }
    synced.price_in(second["variants"][0]["sku"], "44.00")
    synced.sync()
    assert len(synced.product(second).rows) == 1
    assert not synced.product(first).rows
    synced.mark_resync()
    synced.sync()
    assert len(synced.product(first).rows) == 1
    assert synced.product(first).card.texts["name"][1] != "Nom de LCV"


def test_what_a_person_changed_since_is_refused_by_name(synced: World) -> None:
    """A field typed since stays, and so do all prices of a product of which one was changed; the rest goes back."""
    first, second = change_everything(synced)
    changed = synced.sync()
    product, other = synced.product(first), synced.product(second)
    synced.tell_shop(
        "edit", resource="products", id=product.card.id, fields={"name": {"1": "Typé depuis", "2": "Typed since"}},
        associations={},
    )  # fmt: skip
    synced.tell_shop(
        "edit", resource="combinations", id=product.variants[0].id, fields={"price": "31"}, associations={}
    )

    shown, _ = undo(synced, changed.run, dry_run=True)
    report, _ = undo(synced, changed.run)

    assert (shown.exit_code, report.exit_code) == (3, 3)
    assert {line["key"] for line in shown.plan or []} == {synced.reference(first), synced.reference(second)}
    assert {(failed.kind, failed.key) for failed in report.failed} == {
        ("product", synced.reference(first)),
        ("price", synced.reference(first)),
    }
    assert any("name" in failed.error and "Typé depuis" in failed.error for failed in report.failed)
    now = synced.product(first)
    assert now.card.texts["name"] == {1: "Typé depuis", 2: "Typed since"}
    assert now.card.texts["description"] != product.card.texts["description"]
    assert [row.fields for row in now.rows] == [row.fields for row in product.rows]
    assert other.rows
    assert not synced.product(second).rows
    synced.assert_idle()
    again, plan = undo(synced, changed.run)
    assert (plan.changes, again.exit_code) == ((), 3)


def test_a_promotion_that_a_run_took_away(synced: World) -> None:
    """It is made again, is ours, and goes when it ends; undoing the undo takes it away once more."""
    article = synced.quiet(1)[0]
    synced.tell_lcv("promotions", {**PROMOTION, "articles": [article["id"]], "ends_at": "2026-11-25T00:00:00+01:00"})
    synced.sync()
    before = kept(synced)
    synced.tell_lcv(f"promotions/{PROMOTION['id']}", method="DELETE")
    deleting = synced.sync()
    after = kept(synced)
    categories = synced.product(article).card.ids("categories")
    assert after != before

    back, _ = undo(synced, deleting.run)

    assert kept(synced) == before
    undo(synced, back.run)
    assert kept(synced) == after
    undo(synced, deleting.run)
    synced.assert_idle()
    with store_of(synced.configuration()) as store:
        due = store.rows("SELECT next_due FROM article WHERE id = ?", article["id"]).fetchone()[0]
    assert due == "2026-11-24T23:00:00+00:00"
    synced.stock_in(article["variants"][0]["sku"], 3)
    synced.sync()
    assert len(synced.product(article).rows) == 1
    synced.advance(days=2)
    synced.sync()
    assert not synced.product(article).rows
    assert synced.product(article).card.ids("categories") == categories


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def told(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """What a command says of the world's state: exit code, JSON, talk."""
    code = run(["-c", configured(world), *arguments, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out or "null"), err


def configured(world: World) -> str:
    """The path of a configuration of the world."""
    path = world.directory.with_name("undo.toml")
    path.write_text(
        f'lcv = {{ url = "{world.lcv.url}", web_store = "WEB" }}\n'
        f'prestashop = {{ url = "{world.shop.url}", key = "{KEY}" }}\n'
        'sync = { mode = "complete" }\n'
        f'state = {{ directory = "{world.directory}" }}\n'
    )
    return str(path)


def test_drift_tells_of_an_edit_and_of_its_end(synced: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs now, with what becomes of it, in few requests and without a write; once it is overwritten, the
    audit has it, in every language."""
    article = synced.quiet(1)[0]
    product, reference = synced.product(article), synced.reference(article)
    nothing = told(synced, capsys, "drift", "--since", "2026-11-01")[1]
    assert (nothing["overwritten"], nothing["different"]) == ([], [])
    edit = partial(synced.tell_shop, "edit", associations={})
    edit(resource="products", id=product.card.id, fields={"name": {"1": "Typé", "2": "Typed"}, "price": "77"})
    edit(resource="combinations", id=product.variants[0].id, fields={"reference": "MIENNE"})
    synced.shop.requests.clear()

    _, found, _ = told(synced, capsys, "drift", reference, "--since", "2026-11-01")

    assert {(each["field"], each["shop"], each["fate"]) for each in found["different"]} == {
        ("name", "Typé", TYPED),
        ("price", "77.000000", EDITED),
        ("reference", "MIENNE", EDITED),
    }
    assert synced.writes() == []
    assert len(synced.shop.requests) <= 6
    synced.change_article(article["id"], name="Nom de LCV")
    synced.price_in(article["variants"][0]["sku"], "18.00")
    synced.sync()
    overwritten = told(synced, capsys, "drift", "--since", "2026-11-01")[1]["overwritten"]
    assert {(each["product"], each["field"], str(each["typed"])) for each in overwritten} == {
        (reference, "name", "{'1': 'Typé', '2': 'Typed'}"),
        (reference, "price", "77.000000"),
    }
    assert [entry["kind"] for entry in told(synced, capsys, "audit", "--edited")[1]] == ["price", "product"]
    assert run(["-c", configured(synced), "drift", "--since", "2026-11-01"]) == 0
    assert "  Typé, Typed  " in capsys.readouterr().out
    assert told(synced, capsys, "drift", "NOBODY")[0] == 2
    synced.fault(FaultKind.STATUS, status=400, times=0)
    code, down, _ = told(synced, capsys, "drift", "--since", "2026-11-01")
    assert (code != 0, down["overwritten"], down["different"]) == (True, overwritten, None)


def test_the_command(synced: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown run, nobody to ask, a dry run, a no, a yes, and nothing left are told apart."""
    article = synced.quiet(1)[0]
    synced.change_article(article["id"], name="Nom de LCV")
    number = str(synced.sync().run)
    assert told(synced, capsys, "undo", "999", "--yes")[0] == 2
    assert told(synced, capsys, "undo", number)[0] == 2

    _, shown, _ = told(synced, capsys, "undo", number, "--dry-run")
    assert [(line["key"], line["action"]) for line in shown["plan"]] == [(synced.reference(article), "update")]
    for answer, name in (("n", "Nom de LCV"), ("y", article["name"])):
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
        assert run(["-c", configured(synced), "undo", number]) == 0
        assert "name Nom de LCV → " in capsys.readouterr().out
        assert synced.product(article).card.texts["name"][1] == name
    monkeypatch.undo()
    code, again, _ = told(synced, capsys, "undo", number, "--yes")
    assert (code, again["changes"]) == (0, {})
    assert "nothing to put back" in again["notes"][0]
    for path in synced.directory.glob("audit-*"):
        path.unlink()
    assert told(synced, capsys, "undo", number, "--yes")[0] == 2
