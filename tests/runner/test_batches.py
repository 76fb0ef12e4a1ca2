"""Creations and updates in bulk: each record at most once, whatever the shop, the network and the process do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.errors import Maintenance, Rejected, Temporary
from lcvsync.planning.changes import Action, Change, Kind, Lane
from lcvsync.ports import Record, Resource
from lcvsync.runner.batches import SETTLE_SECONDS, Maker, Task
from lcvsync.runner.makers import CombinationMaker, ProductMaker, PromotionMaker, ValueMaker, makers
from lcvsync.runner.stopping import BudgetReached, Stopper

from .support import Workshop, new_combination, new_product, new_promotion, new_value, planned, workshop


class KilledError(BaseException):
    """The process dies here: nothing of the runner catches it."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """A shop of 8.2.1 with PrestaShop's demo products."""
    with workshop(tmp_path) as made:
        yield made


def ours(bench: Workshop) -> dict[str, int]:
    """Products made after the demo's nineteen: reference → how many."""
    return dict(Counter(row["reference"] for row in bench.dump("products") if int(row["id"]) > 19))


def make(bench: Workshop, *changes: Change, maker: Maker | None = None) -> list[Task]:
    """Create, as one stage of a run."""
    tasks = planned(bench, *changes)
    bench.batches.create(maker or ProductMaker(bench.resolver), tasks)
    return tasks


def bound(bench: Workshop) -> dict[str, str]:
    """What the state says is in the shop: key → reference there."""
    there = {int(row["id"]): row["reference"] for row in bench.dump("products")}
    return {key: there[identifier] for key, identifier in bench.bindings.product_keys()}


def failures(bench: Workshop) -> list[str]:
    """Keys of what was named as failed."""
    return [failed.key for failed in bench.report.failed]


def bad(key: str) -> Change:
    """A product that PrestaShop refuses."""
    return new_product(key, ean="no digits")


class TestCreations:
    """Every record is bound, named as failed, or blocked."""

    def test_all_good(self, bench: Workshop) -> None:
        """One request makes them all; they are bound, counted, audited and out of the plan; nothing is under way."""
        make(bench, *(new_product(f"R{n}") for n in range(7)))

        assert bench.requests("POST") == [7]
        assert bound(bench) == {f"R{n}": f"R{n}" for n in range(7)}
        assert bench.report.changes == {"product": {"create": 7}}
        assert bench.journal.count() == {}
        assert bench.journal.intents() == []
        assert [(e["key"], e["result"]) for e in bench.audit.entries()] == [(f"R{n}", "ok") for n in range(7)]

    @pytest.mark.parametrize("place", range(5))
    def test_a_bad_one_at_every_place(self, bench: Workshop, place: int) -> None:
        """The bad one is named with the shop's words, all others are made once, whatever its place."""
        changes = [bad(f"R{n}") if n == place else new_product(f"R{n}") for n in range(5)]

        make(bench, *changes)

        good = {f"R{n}": f"R{n}" for n in range(5) if n != place}
        assert bound(bench) == good
        assert ours(bench) == dict.fromkeys(good, 1)
        assert failures(bench) == [f"R{place}"]
        assert "ean13" in bench.report.failed[0].error
        assert bench.ledger.failed_articles == {f"R{place}"}
        assert [trouble[:2] for trouble in bench.journal.troubles()] == [("product", f"R{place}")]
        assert bench.journal.intents() == []

    def test_several_bad_ones(self, bench: Workshop) -> None:
        """Each bad one is named, also when all are."""
        make(bench, bad("A"), new_product("B"), bad("C"), bad("D"))

        assert (failures(bench), ours(bench)) == (["A", "C", "D"], {"B": 1})

    def test_what_lacks_a_value_is_blocked(self, bench: Workshop) -> None:
        """A record that hangs on one that failed waits with it, unnamed; its article stays dirty."""
        make(bench, new_product("A", features=[[1, "Lin"]]), new_product("B"), new_product("C", brand="Sessùn"))

        assert (ours(bench), failures(bench)) == ({"B": 1}, [])
        assert bench.ledger.failed_articles == {"A", "C"}
        assert bench.journal.count() == {}

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.BROKEN, FaultKind.SAVED])
    def test_an_answer_lost_after_the_work(self, bench: Workshop, kind: FaultKind) -> None:
        """What was made is found and bound, in order, and nothing is sent again."""
        bench.fault(Fault(kind, method="POST"))

        make(bench, *(new_product(f"R{n}") for n in range(4)))

        assert bench.requests("POST") == [4]
        assert bound(bench) == {f"R{n}": f"R{n}" for n in range(4)}
        assert failures(bench) == []

    @pytest.mark.parametrize(
        "fault", [Fault(FaultKind.STATUS, method="POST", status=500), Fault(FaultKind.REFUSED, method="POST")]
    )
    def test_an_error_before_the_work(self, bench: Workshop, fault: Fault) -> None:
        """Nothing was made: after a look it is sent again, in halves, each record once."""
        bench.fault(fault)

        make(bench, *(new_product(f"R{n}") for n in range(4)))

        assert ours(bench) == {f"R{n}": 1 for n in range(4)}
        assert failures(bench) == []

    def test_a_bad_one_and_a_lost_answer(self, bench: Workshop) -> None:
        """The refusal itself is lost: what was made before it is bound, the bad one is found by the next answer."""
        bench.fault(Fault(FaultKind.LOST, method="POST"))

        make(bench, new_product("A"), new_product("B"), bad("C"), new_product("D"))

        assert ours(bench) == {"A": 1, "B": 1, "D": 1}
        assert failures(bench) == ["C"]

    def test_a_record_that_breaks_the_shop(self, bench: Workshop) -> None:
        """A shop that answers 500 and makes nothing, for ever, gets ever smaller batches, and the record is named."""
        bench.fault(Fault(FaultKind.STATUS, method="POST", status=500, times=0))

        make(bench, *(new_product(f"R{n}") for n in range(4)))

        assert bench.requests("POST") == [4, 2, 1, 1, 1, 1]
        assert failures(bench) == ["R0", "R1", "R2", "R3"]
        assert bench.journal.intents() == []

    def test_maintenance_stops_the_run(self, bench: Workshop) -> None:
        """A shop that closes ends the run; the intent stays, and the next run makes everything once."""
        bench.fault(Fault(FaultKind.STATUS, method="POST", status=503, retry_after=1))

        with pytest.raises(Maintenance):
            make(bench, new_product("A"), new_product("B"))

        assert len(bench.journal.intents()) == 1
        bench.restart()
        bench.batches.recover(makers(bench.resolver))
        make(bench, new_product("A"), new_product("B"))
        assert ours(bench) == {"A": 1, "B": 1}

    def test_the_shop_goes_down_while_looking(self, bench: Workshop) -> None:
        """The answer is lost and the look fails too: the run ends, and the next one binds what was made."""
        bench.fault(
            Fault(FaultKind.LOST, method="POST"),
            Fault(FaultKind.STATUS, method="GET", path="filter", status=500, times=9),
        )
        with pytest.raises(Temporary):
            make(bench, new_product("A"), new_product("B"))
        bench.server.faults.clear()

        bench.restart()
        bench.batches.recover(makers(bench.resolver))

        assert bound(bench) == {"A": "A", "B": "B"}
        assert ours(bench) == {"A": 1, "B": 1}
        assert bench.report.changes == {"product": {"create": 2}}

    def test_notices_of_an_old_shop(self, tmp_path: Path) -> None:
        """1.7.8 with notices on answers 500 to a POST that it carried out: bound, never sent again."""
        with workshop(tmp_path, version="1.7.8.11", notices=True) as bench:
            make(bench, *(new_product(f"R{n}") for n in range(3)))

            assert (ours(bench), failures(bench)) == ({f"R{n}": 1 for n in range(3)}, [])
            assert bench.requests("POST") == [3]

    def test_notices_and_a_bad_one(self, tmp_path: Path) -> None:
        """The same with a bad record in the middle: it alone fails."""
        with workshop(tmp_path, version="1.7.8.11", notices=True) as bench:
            make(bench, new_product("A"), bad("B"), new_product("C"))

            assert (ours(bench), failures(bench)) == ({"A": 1, "C": 1}, ["B"])

    def test_a_shop_that_goes_on_working(self, bench: Workshop) -> None:
        """The connection is cut and PHP makes the rest of the body meanwhile: two looks alike are waited for."""

        def meanwhile(key: str) -> None:
            order = {"reference": key, "name": {"1": key, "2": key}, "price": "10"}
            bench.person("create", resource="products", fields=order)

        bench.fault(Fault(FaultKind.REFUSED, method="POST"))  # the emulator can't work on: a person plays its part
        bench.clock.during = [lambda: meanwhile("A"), lambda: meanwhile("B")]

        make(bench, new_product("A"), new_product("B"), new_product("C"))

        assert ours(bench) == {"A": 1, "B": 1, "C": 1}
        assert bench.clock.sleeps[:3] == [SETTLE_SECONDS] * 3

    def test_twins_in_one_stage(self, bench: Workshop) -> None:
        """Two records of one key are never in one body; both are made, each bound to its own."""
        make(bench, new_product("A"), new_product("B"), new_product("X", reference="A"), new_product("C"))

        assert bench.requests("POST") == [2, 2]
        assert ours(bench) == {"A": 2, "B": 1, "C": 1}
        assert bench.bindings.product_id("A") < bench.bindings.product_id("X")

    def test_twins_that_were_there(self, bench: Workshop) -> None:
        """A product of the same reference with a lower id is a person's: it is never bound."""
        hand_made = bench.person("create", resource="products", fields={"reference": "A", "price": "1"})["id"]
        bench.fault(Fault(FaultKind.LOST, method="POST"))

        make(bench, new_product("A"))

        assert bench.bindings.product_id("A") == hand_made + 1
        assert ours(bench) == {"A": 2}

    def test_twins_that_were_there_and_nothing_made(self, bench: Workshop) -> None:
        """Nor is it taken for ours when nothing was made at all."""
        bench.person("create", resource="products", fields={"reference": "A", "price": "1"})
        bench.fault(Fault(FaultKind.STATUS, method="POST", status=500, times=0))

        make(bench, new_product("A"))

        assert (bound(bench), failures(bench)) == ({}, ["A"])

    def test_time_is_up(self, bench: Workshop) -> None:
        """Between two batches the run may end; what is made is bound, the rest stays in the plan."""
        changes = [new_product(f"R{n:03}") for n in range(150)]
        tasks = planned(bench, *changes)
        bench.batches._stopper = Stopper(bench.clock, 5)
        done = bench.ledger.applied

        def slow(*arguments: object, **named: object) -> None:
            done(*arguments, **named)  # type: ignore[arg-type]
            bench.clock.seconds += 10

        bench.ledger.applied = slow  # type: ignore[method-assign]
        with pytest.raises(BudgetReached):
            bench.batches.create(ProductMaker(bench.resolver), tasks)

        made = bench.requests("POST")[0]
        assert len(bound(bench)) == made < 150
        assert bench.journal.count() == {"product": {"create": 150 - made}}

    def test_killed_before_binding(self, bench: Workshop) -> None:
        """The process dies between the shop's yes and the state's: the next run binds everything and makes nothing."""

        class Mortal(ProductMaker):
            def bind(self, change: Change, record: Record, identifier: int) -> None:
                if change.key == "C":
                    raise KilledError
                super().bind(change, record, identifier)

        with pytest.raises(KilledError):
            make(bench, *(new_product(key) for key in "ABCD"), maker=Mortal(bench.resolver))
        assert bound(bench) == {}

        bench.restart()
        bench.batches.recover(makers(bench.resolver))

        assert bound(bench) == {key: key for key in "ABCD"}
        assert ours(bench) == dict.fromkeys("ABCD", 1)
        assert bench.journal.intents() == []
        assert bench.report.changes == {"product": {"create": 4}}

    def test_killed_before_sending(self, bench: Workshop) -> None:
        """The process dies between the intent and the request: the next run finds nothing and forgets the intent."""
        bench.journal.begin("products", 19, [new_product("A")])

        bench.batches.recover(makers(bench.resolver))

        assert (bound(bench), bench.journal.intents(), bench.report.changes) == ({}, [], {})

    def test_killed_twice(self, bench: Workshop) -> None:
        """A recovery that dies is done again by the next one."""
        bench.journal.begin("products", 19, [new_product("A")])
        bench.person("create", resource="products", fields={"reference": "A", "price": "1"})
        bench.fault(Fault(FaultKind.STATUS, method="GET", status=500, times=3))
        with pytest.raises(Temporary):
            bench.batches.recover(makers(bench.resolver))
        bench.server.faults.clear()

        bench.batches.recover(makers(bench.resolver))
        bench.batches.recover(makers(bench.resolver))

        assert bound(bench) == {"A": "A"}


class TestOtherKinds:
    """The same for what isn't a product: each kind is found again by its own key."""

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.SAVED])
    def test_combinations(self, bench: Workshop, kind: FaultKind) -> None:
        """Combinations are found by product and values; a product's first one is its default."""
        product = bench.product_id("A")
        with bench.store.transaction():
            for name, identifier in (("S", 1), ("M", 2), ("L", 3)):
                bench.bindings.add_value("option", 1, name, identifier)
        bench.fault(Fault(kind, method="POST"))

        changes = [new_combination("A", f"A-{size}", (1, size), default=size == "M") for size in "MSL"]
        make(bench, *changes, maker=CombinationMaker(bench.resolver))

        there = {
            int(row["id"]): row["reference"] for row in bench.dump("combinations") if row["id_product"] == str(product)
        }
        assert sorted(there.values()) == ["A-L", "A-M", "A-S"]
        assert {v.sku: there[v.combination] for v in bench.bindings.variants_of("A")} == {k: k for k in there.values()}
        known = bench.bindings.product("A")
        assert known is not None
        assert known.default_sku == "A-M"

    def test_promotions(self, bench: Workshop) -> None:
        """Specific prices are found by the shop's unique key; a person's own are never bound."""
        bench.product_id("A")
        bench.fault(Fault(FaultKind.LOST, method="POST"))

        changes = [new_promotion("A", f"2027-01-0{day} 08:00:00") for day in (6, 7)]
        make(bench, *changes, maker=PromotionMaker(bench.resolver))

        known = bench.bindings.product("A")
        assert known is not None
        assert [(p.id, p.starts) for p in known.promotions] == [
            (row_id, f"2027-01-0{day} 08:00:00") for row_id, day in ((3, 6), (4, 7))
        ]

    def test_promotion_of_a_person(self, bench: Workshop) -> None:
        """A hand-made row in the same window (the shop's unique key) fails the creation; it isn't taken for ours."""
        product = bench.product_id("A")
        row = {
            "id_product": product,
            "id_shop": 0,
            "id_cart": 0,
            "id_currency": 0,
            "id_country": 0,
            "id_group": 0,
            "id_customer": 0,
            "price": "-1",
            "from_quantity": 1,
            "reduction": "0.5",
            "reduction_tax": 1,
            "reduction_type": "percentage",
            "from": "2027-01-06 08:00:00",
            "to": "2027-02-01 00:00:00",
        }
        bench.person("create", resource="specific_prices", fields=row)

        make(bench, new_promotion("A", "2027-01-06 08:00:00"), maker=PromotionMaker(bench.resolver))

        known = bench.bindings.product("A")
        assert known is not None
        assert (list(known.promotions), failures(bench)) == ([], ["A"])

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.SAVED])
    def test_values(self, bench: Workshop, kind: FaultKind) -> None:
        """Values are found by group and exact name."""
        bench.fault(Fault(kind, method="POST"))

        make(bench, new_value("T36"), new_value("T38"), new_value("Œillet"), maker=ValueMaker(bench.resolver, "option"))

        names = {int(row["id"]): row["name"]["1"] for row in bench.dump("product_option_values")}
        found = {names[i]: parent for (_, parent, _), i in bench.bindings.values().items()}
        assert found == {"T36": 1, "T38": 1, "Œillet": 1}
        assert Counter(names.values())["T36"] == 1

    def test_a_value_in_trouble_is_cured(self, bench: Workshop) -> None:
        """A value that was refused and is made later is no trouble any more, although no article owns it."""
        bench.fault(Fault(FaultKind.STATUS, method="POST", status=500, times=1))
        make(bench, new_value("T36"), maker=ValueMaker(bench.resolver, "option"))
        assert [trouble[:2] for trouble in bench.journal.troubles()] == [("value", "T36")]

        bench.restart()
        make(bench, new_value("T36"), maker=ValueMaker(bench.resolver, "option"))

        assert bench.journal.troubles() == []


def stock_task(number: int, row: int, quantity: int) -> tuple[Task, Record]:
    """Writing a stock row."""
    change = Change(Kind.STOCK, Action.UPDATE, f"S{row}", "P", Lane.STOCK_UP, {"quantity": quantity}, article=f"A{row}")
    return Task(number, change), Record(row, {"quantity": quantity})


class TestUpdates:
    """Updates may be repeated; the bad record is found by halving."""

    def update(self, bench: Workshop, pairs: list[tuple[Task, Record]], gone: list[str] | None = None) -> list[str]:
        """Write, as one stage of a run; the keys that were accepted."""
        planned(bench, *(task.change for task, _ in pairs))
        good: list[str] = []

        def refused(task: Task, error: Rejected) -> bool:
            if gone is None or error.code != 92:
                return False
            gone.append(task.change.key)
            return True

        bench.batches.update(
            Resource.STOCK, pairs, lambda done: good.extend(task.change.key for task, _ in done), refused
        )
        return good

    def stock(self, bench: Workshop) -> dict[int, int]:
        """Row → quantity."""
        return {int(row["id"]): int(row["quantity"]) for row in bench.dump("stock_availables")}

    def test_all_good(self, bench: Workshop) -> None:
        """One request."""
        good = self.update(bench, [stock_task(n, row, 5) for n, row in enumerate(range(20, 28))])

        assert good == [f"S{row}" for row in range(20, 28)]
        assert bench.requests("PATCH") == [8]
        assert all(self.stock(bench)[row] == 5 for row in range(20, 28))

    @pytest.mark.parametrize("place", [0, 3, 7])
    def test_halves_down_to_the_bad_one(self, bench: Workshop, place: int) -> None:
        """The good ones are kept, the bad one is named."""
        pairs = [stock_task(n, 20 + n, 5) for n in range(8)]
        pairs[place] = (pairs[place][0], Record(20 + place, {"quantity": 2**40}))

        good = self.update(bench, pairs)

        assert sorted(good) == sorted(f"S{20 + n}" for n in range(8) if n != place)
        assert failures(bench) == [f"S{20 + place}"]
        assert bench.journal.count() == {}

    def test_what_is_gone(self, bench: Workshop) -> None:
        """An unknown id (92) is settled by the caller, not named as failed; the others are written."""
        gone: list[str] = []

        good = self.update(bench, [stock_task(0, 20, 5), stock_task(1, 4711, 5), stock_task(2, 22, 5)], gone)

        assert (sorted(good), gone, failures(bench)) == (["S20", "S22"], ["S4711"], [])

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.SAVED, FaultKind.BROKEN])
    def test_a_lost_answer_is_repeated(self, bench: Workshop, kind: FaultKind) -> None:
        """An update is simply sent again."""
        bench.fault(Fault(kind, method="PATCH"))

        good = self.update(bench, [stock_task(n, 20 + n, 5) for n in range(4)])

        assert (len(good), bench.requests("PATCH"), failures(bench)) == (4, [4, 4], [])

    def test_a_shop_that_always_fails(self, bench: Workshop) -> None:
        """Every record is named in the end, and the work comes to an end."""
        bench.fault(Fault(FaultKind.STATUS, method="PATCH", status=500, times=0))

        good = self.update(bench, [stock_task(n, 20 + n, 5) for n in range(4)])

        assert (good, failures(bench)) == ([], ["S20", "S21", "S22", "S23"])

    def test_without_patch(self, tmp_path: Path) -> None:
        """1.7.8 has no PATCH: the same with read, merge and PUT; a bad one is found there too."""
        with workshop(tmp_path, version="1.7.8.11") as bench:
            pairs = [stock_task(n, 20 + n, 5) for n in range(4)]
            pairs[2] = (pairs[2][0], Record(22, {"quantity": 2**40}))

            good = self.update(bench, pairs)

            assert (sorted(good), failures(bench)) == (["S20", "S21", "S23"], ["S22"])
            assert [self.stock(bench)[20 + n] for n in (0, 1, 3)] == [5, 5, 5]
