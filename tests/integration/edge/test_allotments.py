"""Lent units in the journal's file: each is sold or given back once, whatever grants do."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from edge.allotments import (
    Grant,
    LentUnit,
    firm_free_units,
    give_back,
    install,
    take,
    units_of,
)
from edge.replica import Replica
from tests.fakes.edge_node import EVENT, VENUE
from ticketing.ids import AllotmentId
from ticketing.terms import Anchor

NOW = Anchor(0.0, "boot", 0, 0)
"""Without a term, any moment is as good as another."""


def grant(
    number: int, *units: int, state: str = "open", firm: bool = False, version: int = 0
) -> Grant:
    pairs = tuple((unit, version) for unit in units)
    return Grant(AllotmentId("0a1b2c3d", number), 1, firm, state, pairs)


def installed(replica: Replica, *grants: Grant) -> list[bool]:
    return replica.transact(lambda unit: [install(unit, EVENT, each) for each in grants])


def states(replica: Replica) -> dict[int, tuple[int, str]]:
    with replica.reading() as connection:
        return {n: (u.allotment.number, u.state) for n, u in units_of(connection, EVENT, 1).items()}


def sold(replica: Replica, unit: int) -> LentUnit | None:
    return replica.transact(lambda u: take(u, EVENT, 1, unit, NOW))


def returned(replica: Replica, units: Sequence[int]) -> dict[int, list[int]]:
    found = replica.transact(lambda unit: give_back(unit, EVENT, 1, units))
    return {allotment.number: numbers for allotment, numbers in found.items()}


def test_a_grant_brings_its_units_with_their_versions(replica: Replica) -> None:
    assert installed(replica, grant(1, 5, 6, version=3)) == [True]
    with replica.reading() as connection:
        found = units_of(connection, EVENT, 1)
        assert units_of(connection, EVENT, 2) == {}
        assert units_of(connection, VENUE, 1) == {}
    assert found == {
        5: LentUnit(5, AllotmentId("0a1b2c3d", 1), 3, "free"),
        6: LentUnit(6, AllotmentId("0a1b2c3d", 1), 3, "free"),
    }


def test_a_grant_told_twice_changes_nothing(replica: Replica) -> None:
    assert installed(replica, grant(1, 5, 6), grant(1, 5, 6)) == [True, False]
    sold(replica, 5)
    assert installed(replica, grant(1, 5, 6)) == [False]
    assert states(replica) == {5: (1, "sold"), 6: (1, "free")}


@pytest.mark.parametrize("end", ["closed", "written_off"])
def test_a_closed_allotment_never_opens_again(replica: Replica, end: str) -> None:
    installed(replica, grant(1, 5, 6, 7))
    sold(replica, 5)
    assert installed(replica, grant(1, 5, 6, 7, state=end)) == [False]
    assert states(replica) == {5: (1, "sold"), 6: (1, "released"), 7: (1, "released")}
    assert installed(replica, grant(1, 5, 6, 7)) == [False]
    assert sold(replica, 6) is None
    with replica.reading() as connection:
        assert connection.execute("SELECT state FROM allot").fetchone()[0] == end


@pytest.mark.parametrize("end", ["closed", "written_off"])
def test_an_end_that_comes_before_its_beginning_stands(replica: Replica, end: str) -> None:
    assert installed(replica, grant(1, 5, state=end), grant(1, 5)) == [False, False]
    assert states(replica) == {}


def test_an_end_is_told_once_and_does_not_change(replica: Replica) -> None:
    installed(replica, grant(1, 5), grant(1, 5, state="written_off"), grant(1, 5, state="closed"))
    with replica.reading() as connection:
        assert connection.execute("SELECT state FROM allot").fetchone()[0] == "written_off"


def test_a_free_unit_belongs_to_the_allotment_granted_last(replica: Replica) -> None:
    """The server lent it again, so it had ended the first; whichever comes here first."""
    installed(replica, grant(1, 5, 6))
    sold(replica, 5)
    installed(replica, grant(3, 5, 6, 7), grant(2, 6, 7))
    assert states(replica) == {5: (1, "sold"), 6: (3, "free"), 7: (3, "free")}


def test_a_unit_sold_and_freed_by_the_server_can_be_sold_again(replica: Replica) -> None:
    installed(replica, grant(1, 5, version=2))
    sold(replica, 5)
    installed(replica, grant(2, 5, version=2))
    assert states(replica) == {5: (1, "sold")}
    installed(replica, grant(3, 5, version=3))
    assert sold(replica, 5) == LentUnit(5, AllotmentId("0a1b2c3d", 3), 3, "sold")


def test_a_lower_version_never_replaces_a_higher_one(replica: Replica) -> None:
    installed(replica, grant(1, 5, version=3, firm=True), grant(2, 5, version=2))
    assert states(replica) == {5: (1, "free")}
    returned(replica, [5])
    installed(replica, grant(3, 5, version=2))
    assert states(replica) == {5: (1, "released")}


def test_a_unit_is_sold_once(replica: Replica) -> None:
    installed(replica, grant(1, 5, version=2))
    assert sold(replica, 5) == LentUnit(5, AllotmentId("0a1b2c3d", 1), 2, "sold")
    assert sold(replica, 5) is None
    assert sold(replica, 6) is None


def test_many_threads_racing_for_the_same_units_sell_each_once(replica: Replica) -> None:
    units = range(1, 41)
    installed(replica, grant(1, *units))
    won: list[list[int]] = [[] for _ in range(8)]
    gate = threading.Barrier(8)

    def race(mine: list[int]) -> None:
        gate.wait()
        mine.extend(unit for unit in units if sold(replica, unit) is not None)

    threads = [threading.Thread(target=race, args=(mine,)) for mine in won]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(unit for mine in won for unit in mine) == list(units)


def test_only_what_is_firm_and_free_is_given_back(replica: Replica) -> None:
    installed(replica, grant(1, 1, 2, 3, firm=True), grant(2, 4, 5), grant(3, 6, firm=True))
    sold(replica, 2)
    assert returned(replica, [1, 2, 4, 6, 99]) == {1: [1], 3: [6]}
    assert returned(replica, [1, 6]) == {}
    assert sold(replica, 1) is None
    assert states(replica)[4] == (2, "free")


def test_what_was_given_back_may_be_lent_again_by_another_allotment(replica: Replica) -> None:
    installed(replica, grant(1, 5, firm=True))
    returned(replica, [5])
    assert installed(replica, grant(1, 5, firm=True)) == [False]
    assert sold(replica, 5) is None
    assert installed(replica, grant(2, 5, firm=True, version=1)) == [True]
    found = sold(replica, 5)
    assert found is not None
    assert (found.allotment.number, found.version) == (2, 1)


def test_a_restart_finds_what_a_basket_held(replica: Replica) -> None:
    installed(replica, grant(1, 5, 6, firm=True), grant(2, 7))
    sold(replica, 5)
    with replica.reading() as connection:
        assert firm_free_units(connection) == [(EVENT, 1, 6)]


def test_the_same_allotment_id_in_two_events_is_two_allotments(replica: Replica) -> None:
    installed(replica, grant(1, 5))
    assert replica.transact(lambda unit: install(unit, "other", grant(1, 5)))
    assert replica.transact(lambda unit: take(unit, "other", 1, 5, NOW)) is not None
    assert states(replica) == {5: (1, "free")}
