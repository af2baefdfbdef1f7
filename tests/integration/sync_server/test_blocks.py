"""Blocking a ticket: nobody gets in with it, everybody hears why, and it can be lifted."""

from __future__ import annotations

import json

import pytest

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest, Denied, NotArbiter
from sync_server.heart.blocks import REASON_CHARS_MAX, BlockTicket, NoBlock
from tests.integration.sync_server.stage import EVENT, Stage
from ticketing.admission import Miss, MissKind, Reason
from ticketing.ids import OpId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import SaleLine, TicketBlocked, encode_blocked


@pytest.fixture
def line(stage: Stage) -> SaleLine:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    line: SaleLine = sale.lines[0]
    return line


def block(stage: Stage, ticket_id: str, reason: str = "stolen", *, lift: bool = False) -> object:
    return stage.take(BlockTicket(EVENT, ticket_id, "li", reason, lift))


def ask(stage: Stage, line: SaleLine, gate: str) -> Accepted | Denied | NotArbiter:
    asked = AdmitRequest(OpId("1" * 32), line.code, "lane 1", ())
    return stage.take(Admit(EVENT, stage.gate(gate).node_id, asked))


def test_a_blocked_ticket_is_refused_with_its_reason_until_it_is_lifted(
    stage: Stage, line: SaleLine
) -> None:
    before = stage.one("SELECT rev FROM ticket")
    assert block(stage, line.ticket_id, " stolen ") is None
    assert stage.one("SELECT rev FROM ticket") > before, "the feed tells the gates"
    answer = ask(stage, line, "Gate 1")
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.miss) == (
        Reason.BLOCKED,
        Miss(MissKind.BLOCKED_FOR, note="stolen"),
    )
    assert stage.cases() == [("blocked", line.ticket_id)]
    assert block(stage, line.ticket_id, "found again", lift=True) is None
    (case,) = stage.rows("SELECT state, resolution FROM case_file")
    assert case.state == "closed"
    assert json.loads(case.resolution) == {"by": "li", "why": "found again"}
    assert isinstance(ask(stage, line, "Gate 2"), Accepted)


def test_money_and_place_stay_as_they_were(stage: Stage, line: SaleLine) -> None:
    block(stage, line.ticket_id)
    assert stage.one("SELECT state FROM ticket") == "valid"
    books = stage.books()
    assert all(each.balanced for each in books.units)
    assert all(each.balanced for each in books.money)


@pytest.mark.parametrize(
    ("ticket_id", "reason", "lift", "answer"),
    [
        pytest.param("0" * 16, "stolen", False, NoBlock.UNKNOWN_TICKET, id="no such ticket"),
        pytest.param("", " ", False, NoBlock.NO_REASON, id="no reason"),
        pytest.param("", "a\nb", False, NoBlock.NO_REASON, id="two lines"),
        pytest.param("", "x" * (REASON_CHARS_MAX + 1), False, NoBlock.NO_REASON, id="a novel"),
        pytest.param("", "found", True, NoBlock.AS_IT_WAS, id="it was not blocked"),
    ],
)
def test_what_cannot_be_done_is_said(
    stage: Stage, line: SaleLine, ticket_id: str, reason: str, lift: bool, answer: NoBlock
) -> None:
    assert block(stage, ticket_id or line.ticket_id, reason, lift=lift) is answer
    assert stage.cases() == []


def test_blocking_again_for_the_same_reason_changes_nothing(stage: Stage, line: SaleLine) -> None:
    block(stage, line.ticket_id)
    assert block(stage, line.ticket_id) is NoBlock.AS_IT_WAS
    assert block(stage, line.ticket_id, "stolen, told by the police") is None


# --- by people at a gate


def say(stage: Stage, gate: str, ticket_id: str, *, lifted: bool = False) -> None:
    blocked = TicketBlocked(TicketId(ticket_id), "p1", "stolen", lifted, stage.now_ms)
    journal = stage.gate(gate)
    journal.say(OpKind.BLOCK, encode_blocked(blocked))
    journal.push()


def test_what_one_gate_blocks_every_gate_refuses_until_one_lifts_it(
    stage: Stage, line: SaleLine
) -> None:
    before = stage.one("SELECT rev FROM ticket")
    say(stage, "Gate 1", line.ticket_id)
    [told] = stage.rows("SELECT verdict, rev FROM op WHERE kind = 'block'")
    assert told.verdict == "ok"
    assert before < stage.one("SELECT rev FROM ticket") <= told.rev, "the feed has told by then"
    answer = ask(stage, line, "Gate 2")
    assert isinstance(answer, Denied)
    assert answer.miss == Miss(MissKind.BLOCKED_FOR, note="stolen")
    assert stage.cases() == [("blocked", line.ticket_id)]
    say(stage, "Gate 3", line.ticket_id, lifted=True)
    assert isinstance(ask(stage, line, "Gate 4"), Accepted)
    assert stage.one("SELECT state FROM case_file") == "closed"


def test_a_block_of_a_ticket_that_nobody_sold_is_for_the_manager(stage: Stage) -> None:
    say(stage, "Gate 1", "00000000000000f9")
    [case] = stage.cases()
    assert case[0] == "poison"
    assert stage.one("SELECT verdict_code FROM op") == "unknown_ticket"


def test_a_till_blocks_nothing(stage: Stage, line: SaleLine) -> None:
    blocked = TicketBlocked(line.ticket_id, "p1", "stolen", False, stage.now_ms)
    till = stage.till("Window 2")
    till.say(OpKind.BLOCK, encode_blocked(blocked))
    till.push()
    assert stage.one("SELECT verdict_code FROM op WHERE kind = 'block'") == "forbidden_kind"
    assert stage.one("SELECT blocked FROM ticket") == ""
