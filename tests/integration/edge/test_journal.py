"""The journal in its file: a chain without gaps, acknowledged never beyond its head."""

from __future__ import annotations

import sqlite3

import pytest

from edge.errors import ReplicaError
from edge.journal import (
    Answered,
    Head,
    JournalLocked,
    Unit,
    acknowledge,
    append,
    backlog,
    get_meta,
    hash_at,
    head_of,
    heads,
    lock,
    set_meta,
    unacked,
)
from edge.replica import Replica, create_journal
from tests.fakes.edge_node import EVENT, NODE, VENUE, new_op_id, write
from ticketing.ids import OpId
from ticketing.journal import BODY_CHARS_MAX, ROOT_HASH, OpKind, first_break


def the_head(replica: Replica, stream: str = EVENT) -> Head:
    with replica.reading() as connection:
        return head_of(connection, stream)


def acknowledged(replica: Replica, acked: int, *answers: Answered) -> int:
    head = the_head(replica)
    replica.transact(lambda unit: acknowledge(unit, head, acked, answers))
    return the_head(replica).acked


def test_operations_are_chained_in_the_order_they_came(replica: Replica) -> None:
    ops = write(replica, count=5)
    assert [op.seq for op in ops] == [1, 2, 3, 4, 5]
    assert first_break(ops, ROOT_HASH, 1, EVENT, NODE, 1) is None
    assert the_head(replica) == Head(EVENT, 1, 5, ops[-1].hash, 0, locked=False)


def test_each_stream_has_its_own_chain(replica: Replica) -> None:
    here, there = write(replica, EVENT)[0], write(replica, VENUE)[0]
    assert (here.seq, there.seq) == (1, 1)
    with replica.reading() as connection:
        assert [head.stream for head in heads(connection)] == [EVENT, VENUE]


def test_a_journal_never_written_to_is_empty_and_reading_makes_none(replica: Replica) -> None:
    assert the_head(replica) == Head(EVENT, 1, 0, ROOT_HASH, 0, locked=False)
    with replica.reading() as connection:
        assert heads(connection) == ()
        assert hash_at(connection, head_of(connection, EVENT), 0) == ROOT_HASH
        assert hash_at(connection, head_of(connection, EVENT), 7) == ""


def test_what_comes_back_is_what_was_written(replica: Replica) -> None:
    body = '{"name":"李娜 \\"Faust\\" \U0001f3ad"}'
    ops = write(replica, body=body, count=2)
    with replica.reading() as connection:
        prev, found = unacked(connection, head_of(connection, EVENT), ops_max=9, bytes_max=9_999)
    assert (prev, found) == (ROOT_HASH, ops)


def test_a_batch_ends_at_its_number_of_operations(replica: Replica) -> None:
    ops = write(replica, count=5)
    acknowledged(replica, 1)
    with replica.reading() as connection:
        prev, found = unacked(connection, head_of(connection, EVENT), ops_max=3, bytes_max=10**6)
    assert prev == ops[0].hash
    assert found == ops[1:4]


@pytest.mark.parametrize(
    ("bytes_max", "count"),
    [
        pytest.param(1, 1, id="at least one, however large"),
        pytest.param(2_700, 2, id="two"),
        pytest.param(10_000, 4, id="all"),
    ],
)
def test_a_batch_ends_at_its_size_as_sent(replica: Replica, bytes_max: int, count: int) -> None:
    # 300 characters of three bytes; with quotation marks that are escaped, some 1,100 bytes each.
    write(replica, body='{"name":"' + "票" * 300 + '"}', count=4)
    with replica.reading() as connection:
        _, found = unacked(connection, head_of(connection, EVENT), ops_max=99, bytes_max=bytes_max)
    assert len(found) == count


def test_nothing_is_left_to_push_after_the_last_acknowledgement(replica: Replica) -> None:
    ops = write(replica, count=2)
    assert acknowledged(replica, 2) == 2
    with replica.reading() as connection:
        prev, found = unacked(connection, head_of(connection, EVENT), ops_max=9, bytes_max=9_999)
    assert (prev, found) == (ops[-1].hash, [])


@pytest.mark.parametrize(("told", "kept"), [(3, 3), (4, 3), (2**52, 3), (0, 0), (-1, 0)], ids=str)
def test_acknowledging_stays_within_the_journal(replica: Replica, told: int, kept: int) -> None:
    write(replica, count=3)
    assert acknowledged(replica, told) == kept


def test_the_file_itself_refuses_an_acknowledgement_beyond_the_head(replica: Replica) -> None:
    write(replica)
    with pytest.raises(sqlite3.IntegrityError):
        replica.transact(lambda unit: unit.execute("UPDATE journal SET acked = 2"))


def test_a_server_that_lost_something_is_believed(replica: Replica) -> None:
    write(replica, count=3)
    acknowledged(replica, 3)
    assert acknowledged(replica, 1) == 1


def test_the_backlog_counts_all_journals_and_knows_its_oldest(replica: Replica) -> None:
    write(replica, EVENT, count=3)
    write(replica, VENUE, count=2)

    def late(unit: Unit) -> None:
        append(unit, VENUE, OpKind.PRINT, "{}", op_id=new_op_id(), wall_ms=5)

    replica.transact(late)
    answers = [Answered(1, "ok", "", 1), Answered(2, "disputed", "oversold", 2)]
    acknowledged(replica, 2, *answers)
    with replica.reading() as connection:
        found = backlog(connection)
    assert (found.count, found.oldest_ms, found.refused_count, found.locked) == (4, 5, 1, False)


def test_an_empty_backlog_has_no_oldest(replica: Replica) -> None:
    with replica.reading() as connection:
        found = backlog(connection)
    assert (found.count, found.oldest_ms, found.refused_count, found.locked) == (0, None, 0, False)


def test_an_acknowledgement_of_another_incarnation_changes_nothing(replica: Replica) -> None:
    write(replica)
    head = Head(EVENT, 2, 1, "", 0, locked=False)
    replica.transact(lambda unit: acknowledge(unit, head, 1, [Answered(1, "ok", "", 0)]))
    assert the_head(replica).acked == 0


@pytest.mark.parametrize("stream", [EVENT, VENUE])
def test_a_locked_journal_takes_nothing_and_neither_do_the_others(
    replica: Replica, stream: str
) -> None:
    write(replica)
    replica.transact(lambda unit: lock(unit, EVENT))
    with pytest.raises(JournalLocked):
        write(replica, stream)
    with replica.reading() as connection:
        assert backlog(connection).locked
    assert the_head(replica).seq == 1


def test_an_operation_id_is_used_once_in_the_whole_file(replica: Replica) -> None:
    used = write(replica)[0].op_id

    def again(unit: Unit) -> None:
        append(unit, VENUE, OpKind.PRINT, "{}", op_id=used, wall_ms=1)

    with pytest.raises(sqlite3.IntegrityError, match=r"op\.op_id"):
        replica.transact(again)
    assert the_head(replica, VENUE).seq == 0


@pytest.mark.parametrize(
    ("body", "op_id", "wall_ms"),
    [
        pytest.param("x" * (BODY_CHARS_MAX + 1), "0" * 32, 1, id="a body too long"),
        pytest.param("{}", "0" * 31, 1, id="an id too short"),
        pytest.param("{}", "0" * 32, -1, id="a time before 1970"),
        pytest.param("{}", "0" * 32, 2**53, id="a time beyond all calendars"),
    ],
)
def test_what_no_server_would_take_is_never_recorded(
    replica: Replica, body: str, op_id: str, wall_ms: int
) -> None:
    def poison(unit: Unit) -> None:
        append(unit, EVENT, OpKind.PRINT, body, op_id=OpId(op_id), wall_ms=wall_ms)

    with pytest.raises(AssertionError, match="no server would take"):
        replica.transact(poison)
    assert the_head(replica).seq == 0


def test_meta_keeps_the_last_value(replica: Replica) -> None:
    replica.transact(lambda unit: set_meta(unit, "k", "1"))
    replica.transact(lambda unit: set_meta(unit, "k", "2"))
    with replica.reading() as connection:
        assert get_meta(connection, "k") == "2"
        assert get_meta(connection, "never set") == ""


def test_making_the_journal_again_for_the_same_node_keeps_what_is_in_it(replica: Replica) -> None:
    write(replica)
    path = replica._journal_path
    replica.close()
    create_journal(path, node_id=NODE, venue_id=VENUE, incarnation=1)
    again = Replica(path.parent)
    assert the_head(again).seq == 1
    again.close()


def test_another_nodes_journal_is_not_taken_over(replica: Replica) -> None:
    write(replica)
    path = replica._journal_path
    replica.close()
    with pytest.raises(ReplicaError, match=f"belongs to another node \\({NODE}\\)"):
        create_journal(path, node_id="00000000000000bb", venue_id=VENUE, incarnation=1)
    again = Replica(path.parent)
    with again.reading() as connection:
        assert get_meta(connection, "node_id") == NODE
    again.close()
