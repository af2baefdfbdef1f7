"""Recall, release and settlement: what goes back is told in the transaction that gives it up."""

from __future__ import annotations

import pytest

from edge import giving_back
from edge.allotments import Grant, install, take, units_of
from edge.journal import JournalLocked, LockReason, lock_node
from edge.replica import Replica
from tests.fakes.edge_node import EVENT, TurnedEnv
from ticketing.ids import AllotmentId
from ticketing.journal import Op, OpKind
from ticketing.operations import Release, Settle, decode_release, decode_settle
from ticketing.terms import Anchor

NOW = Anchor(0.0, "boot", 0, 0)
ONE = AllotmentId("0a1b2c3d", 1)


def lend(replica: Replica, *units: int, recall: bool = False, firm: bool = False) -> None:
    pairs = tuple((unit, 0) for unit in units)
    grant = Grant(ONE, 1, firm, "open", pairs, (("child", 3), ("first", 1)), recall=recall)
    replica.transact(lambda unit: install(unit, EVENT, grant))


def recalled(replica: Replica, keep: frozenset[tuple[int, int]] = frozenset()) -> list[Op]:
    return replica.transact(
        lambda unit: giving_back.release_recalled(unit, TurnedEnv(), EVENT, keep)
    )


def bodies(ops: list[Op]) -> list[Release | None]:
    assert {op.kind for op in ops} <= {OpKind.RELEASE}
    return [decode_release(op.body) for op in ops]


def states(replica: Replica) -> dict[int, str]:
    with replica.reading() as connection:
        return {n: unit.state for n, unit in units_of(connection, EVENT, 1).items()}


def test_what_is_recalled_goes_back_at_once_but_for_what_was_sold(replica: Replica) -> None:
    lend(replica, 5, 6, 7)
    replica.transact(lambda unit: take(unit, EVENT, 1, 5, NOW))
    replica.transact(lambda unit: giving_back.spend(unit, EVENT, ONE, "child"))
    assert recalled(replica) == []
    lend(replica, 5, 6, 7, recall=True)
    counts = (("child", 2), ("first", 1))
    assert bodies(recalled(replica)) == [Release(1, ONE, (6, 7), counts)]
    assert states(replica) == {5: "sold", 6: "released", 7: "released"}
    assert recalled(replica) == []


def test_what_is_in_a_basket_goes_back_when_it_leaves_it(replica: Replica) -> None:
    lend(replica, 5, 6, recall=True)
    assert bodies(recalled(replica, frozenset({(1, 6)}))) == [Release(1, ONE, (5,))]
    assert states(replica) == {5: "released", 6: "free"}
    counts = (("child", 3), ("first", 1))
    assert bodies(recalled(replica)) == [Release(1, ONE, (6,), counts)]


def test_the_last_unit_out_of_a_basket_takes_the_shares_with_it(replica: Replica) -> None:
    lend(replica, 5, 6, firm=True)

    def give_up(number: int) -> list[Op]:
        return replica.transact(
            lambda unit: giving_back.release(unit, TurnedEnv(), EVENT, 1, [number])
        )

    assert bodies(give_up(5)) == [Release(1, ONE, (5,))]
    assert bodies(give_up(6)) == [Release(1, ONE, (6,), (("child", 3), ("first", 1)))]
    assert give_up(6) == []


def test_a_large_recall_is_told_in_parts(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_back, "UNITS_MAX", 2)
    lend(replica, 1, 2, 3, 4, 5, recall=True)
    told = [release for release in bodies(recalled(replica)) if release]
    assert [release.units for release in told] == [(1, 2), (3, 4), (5,)]
    assert [bool(release.counts) for release in told] == [False, False, True]


def test_a_settled_allotment_is_closed_here_and_told_once(replica: Replica) -> None:
    lend(replica, 5, 6)
    replica.transact(lambda unit: take(unit, EVENT, 1, 5, NOW))
    op = replica.transact(lambda unit: giving_back.settle(unit, TurnedEnv(), EVENT, ONE))
    assert op is not None
    assert (op.kind, decode_settle(op.body)) == (OpKind.SETTLE, Settle(1, ONE))
    assert states(replica) == {5: "sold", 6: "released"}
    assert replica.transact(lambda unit: giving_back.settle(unit, TurnedEnv(), EVENT, ONE)) is None
    lend(replica, 5, 6)
    assert states(replica)[6] == "released"


def test_shares_are_spent_one_by_one_and_no_further(replica: Replica) -> None:
    lend(replica, 5)

    def spend(pool: str) -> bool:
        return replica.transact(lambda unit: giving_back.spend(unit, EVENT, ONE, pool))

    assert [spend("first"), spend("first"), spend("none")] == [True, False, False]
    with replica.reading() as connection:
        assert giving_back.shares_left(connection, EVENT, ONE) == {"child": 3}


def test_a_locked_node_gives_nothing_back_that_it_cannot_tell(replica: Replica) -> None:
    lend(replica, 5, recall=True)
    replica.transact(lambda unit: lock_node(unit, LockReason.FORKED))
    with pytest.raises(JournalLocked):
        recalled(replica)
    assert states(replica) == {5: "free"}
