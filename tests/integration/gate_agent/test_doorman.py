"""The doorman over a real replica: every row of the table of docs/admission.md."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.catalogue import MirrorCatalogue
from gate_agent.admit import LetIn, TurnedAway
from gate_agent.arbiter import Accepted, Denied
from tests.fakes.edge_node import new_op_id
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND, node_row
from tests.fakes.tickets import forge_like
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import (
    ALLOTMENT,
    DOORS,
    END,
    LANE,
    OTHER_GATE,
    PERFORMANCES,
    STRANGER_KEY,
    TILL,
    TILL_KEY,
    Stage,
    no,
    yes,
)
from ticketing.admission import UNLISTED_MAX, Reason
from ticketing.code import Flag
from ticketing.ids import AllotmentId
from ticketing.keys import public_of

UNHEARD_OF = AllotmentId("ffffffff", 1)
TICKET = "00000000000000f0"


# --- let in


def test_a_ticket_with_a_row_is_let_in_by_the_arbiters_yes(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    gate.arbiter.says = yes
    code = gate.code(ticket_id=TICKET)
    outcome = gate.let_in(code)
    [asked] = gate.arbiter.asked
    assert (asked.stream, asked.code, asked.lane, asked.seen) == (EVENT_ID, code, LANE, [])
    assert (outcome.op_id, outcome.offline, outcome.unconfirmed) == (asked.op_id, False, False)
    [(op_id, entry)] = gate.entries()
    assert op_id == asked.op_id
    assert (entry.ticket_id, entry.performance, entry.unit) == (TICKET, FIRST, ROW[0])
    assert (entry.lane, entry.allotment, entry.offline) == (LANE, ALLOTMENT, False)
    assert entry.at_ms == round(NOW.timestamp() * 1000)


def test_a_ticket_with_a_row_is_let_in_offline_too(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    outcome = gate.let_in(gate.code(ticket_id=TICKET))
    [asked] = gate.arbiter.asked
    assert (outcome.op_id, outcome.offline, outcome.unconfirmed) == (asked.op_id, True, False)
    [(op_id, entry)] = gate.entries()
    assert op_id == asked.op_id, "the late answer is about this very entry"
    assert entry.offline


def test_a_sale_not_yet_heard_of_is_let_in_by_its_allotment(gate: Stage) -> None:
    gate.lend()
    outcome = gate.let_in(gate.code())
    assert (outcome.offline, outcome.unconfirmed) == (True, True)


def test_whether_the_sale_is_confirmed_is_the_arbiters_to_say(gate: Stage) -> None:
    gate.arbiter.says = lambda asked: Accepted(asked.op_id, unconfirmed=True)
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    assert gate.let_in(gate.code(ticket_id=TICKET)).unconfirmed


def test_the_arbiters_operation_id_is_recorded_where_it_differs(gate: Stage) -> None:
    gate.lend()
    earlier = new_op_id()
    gate.arbiter.says = lambda _asked: Accepted(earlier, unconfirmed=False)
    assert gate.let_in(gate.code()).op_id == earlier
    assert [op_id for op_id, _entry in gate.entries()] == [earlier]


def test_a_revoked_tills_ticket_is_good_when_its_sale_is_known(gate: Stage) -> None:
    gate.feed.node(node_row(TILL, public_of(TILL_KEY), state="revoked"))
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    assert gate.let_in(gate.code(ticket_id=TICKET)).offline


def test_the_row_wins_over_the_code(gate: Stage) -> None:
    gate.feed.ticket(TICKET, SECOND, ROW[0])
    code = gate.code(ticket_id=TICKET)
    assert gate.refused(code).reason is Reason.WRONG_PERFORMANCE
    gate.doorman = gate.doorman_at(LANE, SECOND)
    assert gate.refused(code).reason is Reason.TOO_EARLY, "its performance has times of its own"
    gate.env.set_clock(PERFORMANCES[1].doors_at - NOW)
    gate.let_in(code)


# --- refused, one reason each


def _void(gate: Stage) -> str:
    gate.feed.ticket(TICKET, FIRST, ROW[0], state="void")
    return gate.code(ticket_id=TICKET)


def _disputed(gate: Stage) -> str:
    gate.feed.ticket(TICKET, FIRST, ROW[0], state="disputed")
    return gate.code(ticket_id=TICKET)


def _replaced(gate: Stage) -> str:
    gate.lend()
    gate.feed.ticket("00000000000000f1", FIRST, ROW[0], version=1)
    return gate.code(version=0)


def _written_off(gate: Stage) -> str:
    gate.feed.allotment(str(ALLOTMENT), FIRST, ROW, state="written_off", node=TILL)
    return gate.code()


def _not_in_allotment(gate: Stage) -> str:
    gate.lend(ROW[1:])
    return gate.code()


def _in_another_performances_allotment(gate: Stage) -> str:
    gate.feed.allotment(str(ALLOTMENT), SECOND, ROW, node=TILL)
    return gate.code()


def _in_another_tills_allotment(gate: Stage) -> str:
    gate.feed.allotment(str(ALLOTMENT), FIRST, ROW, node="00000000000000cc")
    return gate.code()


def _revoked(gate: Stage) -> str:
    gate.lend()
    gate.feed.node(node_row(TILL, public_of(TILL_KEY), state="revoked"))
    return gate.code()


def _entered_elsewhere(gate: Stage) -> str:
    gate.lend()
    gate.feed.entry(new_op_id(), TICKET, OTHER_GATE, "Lane 9", gate.env.wall_ms() - 60_000)
    return gate.code(ticket_id=TICKET)


def _too_early(gate: Stage) -> str:
    """At a lane that serves its performance whatever time it is."""
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.env.now = DOORS - timedelta(minutes=10)
    return gate.code()


def _too_late(gate: Stage) -> str:
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.env.now = END
    return gate.code()


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        pytest.param(Reason.NOT_A_TICKET, lambda _: "https://example.org", id="another code"),
        pytest.param(Reason.NOT_A_TICKET, lambda _: "", id="an empty code"),
        pytest.param(Reason.NOT_A_TICKET, lambda _: "\ud800\0" * 2_000, id="garbage"),
        pytest.param(Reason.DAMAGED_CODE, lambda gate: gate.code()[:-1], id="cut off"),
        pytest.param(Reason.NEWER_FORMAT, lambda _: "BXG2ANYTHING", id="of a later version"),
        pytest.param(Reason.FORGED, lambda gate: forge_like(gate.code()), id="forged"),
        pytest.param(
            Reason.TRAINING_TICKET, lambda gate: gate.code(flags=Flag.TRAINING), id="training"
        ),
        pytest.param(
            Reason.WRONG_PERFORMANCE, lambda gate: gate.code(performance=SECOND), id="tomorrow"
        ),
        pytest.param(
            Reason.WRONG_PERFORMANCE, lambda gate: gate.code(performance=99), id="never heard of"
        ),
        pytest.param(Reason.TOO_EARLY, _too_early, id="too early"),
        pytest.param(Reason.TOO_LATE, _too_late, id="too late"),
        pytest.param(Reason.VOID, _void, id="void"),
        pytest.param(Reason.DISPUTED, _disputed, id="disputed"),
        pytest.param(Reason.REPLACED, _replaced, id="replaced"),
        pytest.param(Reason.NOT_IN_ALLOTMENT, _not_in_allotment, id="another's unit"),
        pytest.param(
            Reason.NOT_IN_ALLOTMENT, _in_another_performances_allotment, id="another evening's unit"
        ),
        pytest.param(Reason.NOT_IN_ALLOTMENT, _in_another_tills_allotment, id="another till's"),
        pytest.param(Reason.ALLOTMENT_WRITTEN_OFF, _written_off, id="written off"),
        pytest.param(Reason.ISSUER_REVOKED, _revoked, id="a stolen till"),
        pytest.param(Reason.ALREADY_USED, _entered_elsewhere, id="entered elsewhere"),
    ],
)
def test_a_gate_refuses_by_what_it_knows_without_asking(
    gate: Stage, reason: Reason, make: object
) -> None:
    assert callable(make)
    gate.arbiter.says = yes
    assert gate.refused(make(gate)).reason is reason
    assert gate.arbiter.asked == []
    assert gate.entries() == []


def test_the_entry_that_used_the_ticket_is_told(gate: Stage) -> None:
    refused = gate.refused(_entered_elsewhere(gate))
    assert refused.first_entry is not None
    told = dict(refused.first_entry)
    assert told.pop("op")
    at_ms = gate.env.wall_ms() - 60_000
    assert told == {"node": OTHER_GATE, "lane": "Lane 9", "at_ms": at_ms}


def test_a_lane_serves_the_performances_it_was_told(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET)
    gate.doorman = gate.doorman_at(LANE, SECOND)
    assert gate.refused(code).reason is Reason.WRONG_PERFORMANCE
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.let_in(code)


def test_a_lane_without_orders_serves_what_is_open_now(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET, valid_from=DOORS - timedelta(days=1), valid_minutes=9_999)
    gate.env.set_clock(DOORS - timedelta(milliseconds=1) - NOW)
    assert gate.refused(code).reason is Reason.WRONG_PERFORMANCE
    gate.env.now = END
    assert gate.refused(code).reason is Reason.WRONG_PERFORMANCE
    gate.env.now = DOORS
    gate.let_in(code)


def test_an_event_that_the_mirror_lacks_lets_nobody_in(gate: Stage) -> None:
    gate.replica.mirror.forget()
    gate.feed.node(node_row(TILL, public_of(TILL_KEY)))
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.arbiter.says = yes
    assert gate.refused(gate.code()).reason is Reason.WRONG_PERFORMANCE
    assert gate.entries() == [], "no journal could take it"


# --- keys


def test_a_ticket_of_an_unknown_till_is_the_arbiters_to_decide(gate: Stage) -> None:
    code = gate.code(key=STRANGER_KEY)
    gate.arbiter.says = yes
    assert gate.let_in(code).offline is False
    assert len(gate.entries()) == 1


def test_a_ticket_of_an_unknown_till_is_refused_when_cut_off(gate: Stage) -> None:
    refused = gate.refused(gate.code(key=STRANGER_KEY))
    assert (refused.reason, refused.offline) == (Reason.UNKNOWN_ISSUER, True)
    assert len(gate.arbiter.asked) == 1
    assert gate.entries() == []


def test_a_key_without_the_servers_signature_is_not_believed(gate: Stage) -> None:
    gate.lend()
    row = node_row("00000000000000cc", public_of(STRANGER_KEY))
    other = node_row("00000000000000cd", public_of(STRANGER_KEY))
    gate.feed.node({**row, "signature": other["signature"]})
    assert gate.refused(gate.code(key=STRANGER_KEY)).reason is Reason.UNKNOWN_ISSUER
    gate.feed.node(row)
    gate.feed.allotment(str(ALLOTMENT), FIRST, ROW, node="00000000000000cc")
    gate.let_in(gate.code(key=STRANGER_KEY))


def test_a_key_that_was_believed_is_not_taken_for_another(gate: Stage) -> None:
    gate.lend()
    gate.let_in(gate.code())
    row = node_row(TILL, public_of(TILL_KEY))
    gate.feed.node({**row, "key": public_of(STRANGER_KEY).hex()})
    code = gate.code(key=STRANGER_KEY, claims_key=TILL_KEY, unit=ROW[1])
    assert gate.refused(code).reason is Reason.UNKNOWN_ISSUER


def test_a_gates_key_vouches_for_no_ticket(gate: Stage) -> None:
    gate.lend()
    gate.feed.node(node_row(OTHER_GATE, public_of(STRANGER_KEY), role="gate"))
    assert gate.refused(gate.code(key=STRANGER_KEY)).reason is Reason.UNKNOWN_ISSUER
    as_till = node_row(OTHER_GATE, public_of(STRANGER_KEY), role="gate")
    gate.feed.node({**as_till, "role": "till"})
    refused = gate.refused(gate.code(key=STRANGER_KEY))
    assert refused.reason is Reason.UNKNOWN_ISSUER, "the role is part of what the server signed"


# --- allotments never heard of


def test_at_most_fifty_unlisted_tickets_are_let_in_also_over_a_restart(gate: Stage) -> None:
    for _ in range(UNLISTED_MAX - 1):
        assert gate.let_in(gate.code(allotment=UNHEARD_OF)).unconfirmed
    gate.restart()
    gate.let_in(gate.code(allotment=UNHEARD_OF))
    refused = gate.refused(gate.code(allotment=UNHEARD_OF))
    assert refused == TurnedAway(Reason.NOT_IN_ALLOTMENT, refused.code, offline=True)
    gate.restart()
    assert gate.refused(gate.code(allotment=UNHEARD_OF)).reason is Reason.NOT_IN_ALLOTMENT
    assert len(gate.entries()) == UNLISTED_MAX
    gate.lend()
    gate.let_in(gate.code())
    gate.arbiter.says = yes
    gate.let_in(gate.code(allotment=UNHEARD_OF))


def test_only_what_the_lane_decided_alone_counts_as_unlisted(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.admission.alone.UNLISTED_MAX", 1)
    gate.arbiter.says = yes
    for _ in range(3):
        gate.let_in(gate.code(allotment=UNHEARD_OF))
    gate.arbiter.says = no(Reason.NOT_IN_ALLOTMENT)
    gate.refused(gate.code(allotment=UNHEARD_OF))
    gate.arbiter = gate.arbiter.__class__()
    gate.doorman = gate.doorman_at(LANE)
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    gate.let_in(gate.code(allotment=UNHEARD_OF, ticket_id=TICKET))
    gate.let_in(gate.code(allotment=UNHEARD_OF))
    assert gate.refused(gate.code(allotment=UNHEARD_OF)).reason is Reason.NOT_IN_ALLOTMENT


# --- twice


def test_a_ticket_is_let_in_once(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    first = gate.let_in(code)
    refused = gate.refused(code)
    assert refused.reason is Reason.ALREADY_USED
    assert refused.first_entry is not None
    assert refused.first_entry["op"] == first.op_id
    assert refused.first_entry["lane"] == LANE
    assert len(gate.arbiter.asked) == 1, "its own journal is enough"


@pytest.mark.parametrize("after_s", [1, 30, 7_200])
def test_a_ticket_that_was_let_in_stays_used_after_a_restart(gate: Stage, after_s: float) -> None:
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    gate.restart(after_s=after_s)
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert len(gate.entries()) == 1


def test_a_lost_mirror_forgets_no_entry_of_this_lane(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    gate.replica.mirror.forget()
    gate.feed.open_house()
    gate.feed.node(node_row(TILL, public_of(TILL_KEY)))
    gate.lend()
    gate.catalogue = MirrorCatalogue(gate.replica.mirror)
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_an_older_version_of_a_unit_is_refused_after_a_newer_one_entered(gate: Stage) -> None:
    gate.lend()
    gate.let_in(gate.code(version=3))
    assert gate.refused(gate.code(version=2)).reason is Reason.REPLACED


def test_the_arbiters_no_is_obeyed_and_nothing_is_recorded(gate: Stage) -> None:
    gate.lend()
    first = {"op": new_op_id(), "node": OTHER_GATE, "lane": "Lane 9", "at_ms": 5}
    gate.arbiter.says = lambda _asked: Denied(Reason.ALREADY_USED, first)
    refused = gate.refused(gate.code())
    assert (refused.reason, refused.offline, refused.first_entry) == (
        Reason.ALREADY_USED,
        False,
        first,
    )
    assert gate.entries() == []


def test_the_arbiter_hears_which_entries_the_gate_knows_of(gate: Stage) -> None:
    """An unknown issuer's ticket is asked about although it was let in before."""
    gate.arbiter.says = yes
    code = gate.code(key=STRANGER_KEY)
    first = gate.let_in(code)
    gate.arbiter.says = no(Reason.ALREADY_USED)
    gate.refused(code)
    assert gate.arbiter.asked[-1].seen == [first.op_id]


def test_an_arbiter_that_answers_with_an_entry_of_another_scan_lets_nobody_in(gate: Stage) -> None:
    gate.lend()
    first = gate.let_in(gate.code())
    gate.arbiter.says = lambda _asked: Accepted(first.op_id, unconfirmed=False)
    assert gate.refused(gate.code(unit=ROW[1])).reason is Reason.ALREADY_USED
    assert len(gate.entries()) == 1


def test_a_jump_of_the_clock_neither_reuses_nor_loses_an_entry(gate: Stage) -> None:
    gate.lend()
    code, other = gate.code(), gate.code(unit=ROW[1])
    gate.let_in(code)
    gate.env.set_clock(timedelta(minutes=-4))
    assert gate.refused(code).reason is Reason.ALREADY_USED
    outcome = gate.scan(other)
    assert isinstance(outcome, LetIn)
    gate.env.set_clock(timedelta(minutes=90))
    assert gate.refused(code).reason is Reason.ALREADY_USED
