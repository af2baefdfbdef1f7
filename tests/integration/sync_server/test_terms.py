"""A greeting extends what a node was lent, and the write-off counts from there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_server.heart.lending import Grant
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import NoWriteOff, Recall, WriteOff, WrittenOff
from sync_server.heart.terms import ExtendTerms, due_streams
from sync_server.heart.work import ALL_REPORT, LOST_REPORT
from sync_server.store.sql import Sql
from tests.integration.sync_server.stage import EVENT, Stage, Till
from ticketing.ids import OpId

HALF = timedelta(seconds=Policy().soft_s / 2)
HARD = timedelta(seconds=Policy().hard_s)


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


def due(stage: Stage, till: Till, incarnation: int = 1) -> list[str]:
    return stage.do(
        lambda tx: list(due_streams(Sql.of(tx.connection), till.node_id, incarnation, stage.now_ms))
    )


def extend(stage: Stage, till: Till) -> int:
    return stage.take(ExtendTerms(till.source))


def granted_ms(stage: Stage, grant: Grant) -> int:
    return int(stage.one("SELECT granted_ms FROM allot WHERE id = :id", id=str(grant.id)))


def write_off(stage: Stage, grant: Grant) -> object:
    return stage.take(WriteOff(EVENT, str(grant.id), "li", "wu", "fell into the sea"))


def test_terms_begin_anew_from_half_of_the_soft_term_on(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    began_ms = stage.now_ms
    assert (grant.granted_ms, grant.incarnation) == (began_ms, 1)
    stage.now += HALF - timedelta(seconds=1)
    assert (due(stage, till), extend(stage, till)) == ([], 0)
    stage.now += timedelta(seconds=1)
    assert (due(stage, till), extend(stage, till)) == ([EVENT], 1)
    assert granted_ms(stage, grant) == stage.now_ms > began_ms
    assert (due(stage, till), extend(stage, till)) == ([], 0), "once, not with every greeting"


def test_a_write_off_counts_from_the_extension(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    stage.now += HALF
    extend(stage, till)
    stage.now += HARD * 1.01
    assert write_off(stage, grant) is NoWriteOff.TOO_EARLY
    stage.now += timedelta(seconds=60)
    assert isinstance(write_off(stage, grant), WrittenOff)


def test_what_was_asked_back_or_given_up_is_not_extended(stage: Stage, till: Till) -> None:
    recalled, lost = till.borrow(1), till.borrow(2)
    stage.take(Recall(EVENT, str(recalled.id)))
    stage.now += HARD * 1.02 + timedelta(minutes=2)
    assert isinstance(write_off(stage, lost), WrittenOff)
    assert (due(stage, till), extend(stage, till)) == ([], 0)


def test_a_fenced_node_and_another_life_of_it_extend_nothing(stage: Stage, till: Till) -> None:
    grant = till.borrow(1)
    stage.now += HALF
    assert due(stage, till, incarnation=2) == []
    till.say("sign_in", '{"person":"li.na"}', op_id=OpId("a" * 32))
    till.push()
    twin = till.twin()
    twin.ops.clear()
    twin.say("sign_in", '{"person":"chen"}', op_id=OpId("b" * 32))
    twin.send(twin.batch(1, 1))
    assert extend(stage, till) == 0
    assert granted_ms(stage, grant) < stage.now_ms


@pytest.mark.parametrize("level", [ALL_REPORT, LOST_REPORT])
def test_nothing_is_extended_before_the_node_has_reported(
    stage: Stage, till: Till, level: int
) -> None:
    till.borrow(1)
    stage.now += HALF
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = :q", q=level))
    stage.do(
        lambda tx: tx.run(
            "INSERT INTO quarantine (event_id, node_id, state) VALUES (:e, :n, 'lost')",
            e=EVENT,
            n=till.node_id,
        )
    )
    assert extend(stage, till) == 0


def test_a_clock_that_was_set_back_shortens_nothing(stage: Stage, till: Till) -> None:
    grant = till.borrow(1)
    began_ms = stage.now_ms
    stage.now -= HARD
    assert (due(stage, till), extend(stage, till)) == ([], 0)
    assert granted_ms(stage, grant) == began_ms


def test_without_a_term_there_is_nothing_to_extend(stage: Stage, till: Till) -> None:
    grant = till.borrow(1)
    stage.do(lambda tx: tx.run("UPDATE allot SET soft_s = 0, hard_s = 0"))
    stage.now += HARD
    assert (due(stage, till), extend(stage, till)) == ([], 0)
    assert granted_ms(stage, grant) < stage.now_ms


def test_many_are_extended_a_piece_at_a_time(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_server.heart.terms.EXTENDED_MAX", 2)
    for unit in (1, 2, 3):
        till.borrow(unit)
    stage.now += HALF
    assert [extend(stage, till) for _ in range(3)] == [2, 1, 0]
