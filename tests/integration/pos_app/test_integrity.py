"""A journal that was changed or damaged is noticed, and then this window sells no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge import database, integrity
from edge.env import MachineEnv
from edge.errors import ReplicaDamaged
from edge.inspector import Inspector
from edge.integrity import Damage, Fault
from edge.journal import LockReason
from edge.replica import Replica
from edge.witness import WitnessFiles
from pos_app.services import model
from pos_app.services.model import SaleRefusal, SaleRefused
from tests.fakes.edge_node import NODE
from tests.fakes.hall import FIRST, ROW
from tests.integration.pos_app.window_stage import Stage


@pytest.fixture
def sold(till: Stage) -> Stage:
    """A till that has sold twice, with places left, and is not running."""
    till.lend(ROW)
    till.sign_in()
    till.sell(ROW[:2])
    till.sell(ROW[2:3])
    till.close()
    return till


def tamper(stage: Stage, statement: str) -> None:
    """Somebody edits the file while the program does not run."""
    with closing(sqlite3.connect(stage.folder / "till" / "journal.db")) as connection, connection:
        assert connection.execute(statement).rowcount > 0, "nothing was changed"


DEEDS = [
    pytest.param(
        "UPDATE op SET body = replace(body, '00', '01') WHERE kind = 'sale' AND seq = 1",
        Fault.CHAIN,
        id="an amount in a sale",
    ),
    pytest.param(
        "UPDATE op SET wall_ms = wall_ms + 1 WHERE kind = 'sale'", Fault.CHAIN, id="a time"
    ),
    pytest.param("DELETE FROM op WHERE kind = 'sale' AND seq = 1", Fault.CHAIN, id="a sale gone"),
    pytest.param("DELETE FROM op WHERE kind = 'sale' AND seq = 2", Fault.HEAD, id="the last gone"),
    pytest.param(
        "UPDATE journal SET hash = replace(hash, substr(hash, 1, 1), 'x')", Fault.HEAD, id="a head"
    ),
    pytest.param("UPDATE orders SET body = replace(body, '00', '01')", Fault.ORDER, id="an order"),
    pytest.param("DELETE FROM orders", Fault.ORDER, id="orders gone"),
    pytest.param(
        "UPDATE allot_unit SET state = 'free' WHERE state = 'sold'", Fault.UNIT, id="units unsold"
    ),
    pytest.param("DELETE FROM allot_unit WHERE state = 'sold'", Fault.UNIT, id="units gone"),
]


def seen(stage: Stage) -> Damage | None:
    """What a look at the ends of the journals finds."""
    with closing(database.open_reader(stage.folder / "till" / "journal.db")) as connection:
        return integrity.look_at_tails(connection)


def with_witness(stage: Stage) -> Replica:
    """The folder as a till's program opens it."""
    witness = WitnessFiles(stage.folder / "state", NODE, stage.folder / "till")
    return Replica(stage.folder / "till", MachineEnv(), witness)


def test_what_was_recorded_is_sound(sold: Stage) -> None:
    assert seen(sold) is None


@pytest.mark.expected_errors("journal_locked")
@pytest.mark.parametrize(("statement", "fault"), DEEDS)
def test_a_change_behind_our_back_locks_the_till_at_its_start(
    sold: Stage, statement: str, fault: Fault
) -> None:
    with_witness(sold).close()
    tamper(sold, statement)
    found = seen(sold)
    assert found is not None
    assert found.fault is fault
    with closing(with_witness(sold)) as replica:
        reason = replica.lock_reason()
    assert reason in (LockReason.DAMAGED, LockReason.WITNESS_AHEAD)
    with closing(with_witness(sold)) as replica:
        assert replica.lock_reason() is reason, "it stays locked"


def test_an_order_that_was_put_in_is_noticed(sold: Stage) -> None:
    tamper(
        sold,
        "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body) "
        "SELECT stream, 'ffffffffffffffff', 'X-1', 1, 1, body FROM orders LIMIT 1",
    )
    with closing(database.open_reader(sold.folder / "till" / "journal.db")) as connection:
        assert integrity.count_orders(connection) == Damage(Fault.ORDER, "2 sold, 3 kept")


def test_only_the_ends_are_looked_at_before_the_start(
    sold: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "BATCH_OPS", 1)
    tamper(sold, "UPDATE op SET wall_ms = 7 WHERE kind = 'sale' AND seq = 1")
    with closing(database.open_reader(sold.folder / "till" / "journal.db")) as connection:
        assert integrity.look_at_tails(connection, ops_max=2) is None
        found = integrity.look_at_tails(connection)
    assert found is not None
    assert found.fault is Fault.CHAIN


class TestWhileItRuns:
    """`Inspector`: the till is open already when it finds something."""

    def inspect(self, stage: Stage) -> list[str]:
        told: list[str] = []
        inspector = Inspector(stage.replica, lambda: told.append("found"), pause_s=0.0)
        inspector.start()
        inspector.wait(20)
        return told

    def test_a_sound_journal_says_nothing(self, till: Stage) -> None:
        till.lend(ROW)
        till.sign_in()
        till.sell(ROW[:2])
        assert self.inspect(till) == []
        till.sell(ROW[2:3])

    @pytest.mark.expected_errors("journal_damaged")
    @pytest.mark.parametrize(("statement", "_fault"), DEEDS)
    def test_what_it_finds_ends_the_selling_at_once(
        self, sold: Stage, statement: str, _fault: Fault
    ) -> None:
        tamper(sold, statement)
        sold.start_again()
        sold.sign_in()
        assert self.inspect(sold) == ["found"]
        basket = sold.basket(ROW[4:5])
        refused = sold.window.pay_cash(basket, basket.total_minor)
        assert refused == SaleRefused(SaleRefusal.SELLING_LOCKED)
        status = sold.window.status()
        assert (status.link, status.lock) == (model.Link.LOCKED, model.LockReason.DAMAGED)
        sold.close()

    @pytest.mark.expected_errors("lock_not_stored")
    def test_it_holds_also_where_the_file_takes_no_lock(
        self, till: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(_replica: Replica, _work: object) -> None:
            raise ReplicaDamaged("journal.db is damaged")

        till.lend(ROW)
        till.sign_in()
        with monkeypatch.context() as patch:
            patch.setattr(Replica, "transact", broken)
            till.replica.condemn(LockReason.DAMAGED)
        basket = till.basket(ROW[:1])
        refused = till.window.pay_cash(basket, basket.total_minor)
        assert refused == SaleRefused(SaleRefusal.SELLING_LOCKED)
        assert till.count("orders") == 0
        states = till.window.availability(FIRST).states
        assert states[ROW[0]] is model.UnitState.FREE

    @pytest.mark.expected_errors("journal_damaged")
    def test_a_page_of_a_large_file_is_found_after_the_start(
        self, sold: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "CHECKED_BYTES_MAX", 0)
        path = sold.folder / "till" / "journal.db"
        _spoil_an_index(path)
        sold.start_again()
        assert self.inspect(sold) == ["found"]
        assert sold.window.status().lock is model.LockReason.DAMAGED
        sold.close()


def _spoil_an_index(path: Path) -> None:
    """One byte in the page of an index that nothing at the start reads."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'entry_by_ticket'"
        ).fetchone()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((row[0] - 1) * size)
        file.write(b"\xff")  # no kind of page


def test_giving_back_and_swapping_leave_a_sound_journal(till: Stage) -> None:
    look: Callable[[], Damage | None] = lambda: seen(till)  # noqa: E731 - read after each deed
    till.lend(ROW)
    till.lend([ROW[0]], firm=True, version=1)
    till.sign_in()
    first = till.sell(ROW[:2])
    till.window.give_back(FIRST, [ROW[3]])
    till.window.print_order(first.order_id)
    assert look() is None
