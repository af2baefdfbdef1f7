"""Which orders a node fetches and which questions it answers, of very many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge import handing
from edge.journal import Unit
from edge.replica import Replica
from tests.fakes.edge_node import NODE, enrolled_folder
from tests.fakes.hall import EVENT_ID, Feed
from ticketing.ids import OrderId

MANY = handing.ANSWERS_MAX + 1
OTHER = "00000000000000bb"


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    enrolled_folder(tmp_path / "till")
    with closing(Replica(tmp_path / "till")) as replica:
        yield replica


def an_order(number: int) -> OrderId:
    return OrderId(f"{number:016x}")


def tell(replica: Replica, numbers: range, *, turn: int, wanted: str = "") -> None:
    """These orders are ours to print first."""
    rows = [
        {"order": an_order(n), "keeper": NODE, "wanted": wanted, "turn": turn, "copies": 0}
        for n in numbers
    ]
    Feed(replica.mirror).tell(EVENT_ID, *[("handout", row) for row in rows])


def keep(replica: Replica, number: int, *, turn: int, gone_to: str = "") -> None:
    """An order is here."""

    def work(unit: Unit) -> None:
        unit.execute(
            "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body, turn, "
            "gone_to) VALUES (?, ?, ?, 1, 1, '{}', ?, ?)",
            (EVENT_ID, an_order(number), f"R-{number}", turn, gone_to),
        )

    replica.transact(work)


def test_what_was_fetched_keeps_nothing_else_from_being_fetched(replica: Replica) -> None:
    """A till to which fifty orders had been handed over in an event never got another one."""
    tell(replica, range(MANY), turn=1)
    for number in range(MANY - 1):
        keep(replica, number, turn=1)
    with replica.reading() as journal:
        found = handing.unfetched(replica.mirror, journal, NODE)
    assert found == ((EVENT_ID, an_order(MANY - 1)),)


def test_what_cannot_be_answered_keeps_nobody_waiting(replica: Replica) -> None:
    """Orders of an earlier life, which the feed tells of for ever."""
    tell(replica, range(MANY), turn=0, wanted=OTHER)
    for number in range(MANY - 1):
        keep(replica, number, turn=0, gone_to=NODE)
    keep(replica, MANY - 1, turn=0)
    with replica.reading() as journal:
        (found,) = handing.wanted_of(replica.mirror, journal, NODE)
    assert (found.order_id, found.by) == (an_order(MANY - 1), OTHER)


def test_very_many_at_once_are_taken_in_their_turns(replica: Replica) -> None:
    tell(replica, range(MANY), turn=1)
    with replica.reading() as journal:
        found = handing.unfetched(replica.mirror, journal, NODE)
    assert found == tuple((EVENT_ID, an_order(n)) for n in range(MANY - 1))
