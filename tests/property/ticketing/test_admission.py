"""Whatever a lane knows, it gets an answer; and a few things hold for every answer."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.admission import (
    Admit,
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    LaneFacts,
    Reason,
    Refuse,
    decide_entry,
)
from ticketing.code import CodeFault, Flag, TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, KeyId, OpId, TicketId
from ticketing.keys import public_of
from ticketing.ticket import Ticket, TicketState

KEYS = [bytes([n] * 32) for n in (1, 2)]
TICKET_ID = TicketId("0" * 16)
OPENS = datetime(2026, 1, 2, tzinfo=UTC)
INSTANTS = st.integers(-60, 660).map(lambda minutes: OPENS + timedelta(minutes=minutes))
SMALL = st.integers(1, 3)


def mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Random facts seldom let anybody in; these do, about one time in ten."""
    return st.integers(0, 4).flatmap(lambda dice: usual if dice else other)


@cache
def codes() -> list[TicketCode]:
    """Sound codes that differ in all that matters here."""
    found = [
        parse_code(
            make_code(
                TicketFacts(
                    KeyId("00000000"),
                    TICKET_ID,
                    performance,
                    1,
                    1,
                    version,
                    AllotmentId("00000000", 1),
                    OPENS,
                    600,
                    Flag(flags),
                ),
                key,
            )
        )
        for performance in (1, 2)
        for version in (0, 2)
        for flags in (0, 0, 0, 1, 2)
        for key in KEYS
    ]
    return [code for code in found if isinstance(code, TicketCode)]


SCANS = mostly(st.deferred(lambda: st.sampled_from(codes())), st.sampled_from(CodeFault))
ROWS = st.builds(
    Ticket,
    st.just(TICKET_ID),
    SMALL,
    SMALL,
    st.just(2),
    mostly(st.just(TicketState.VALID), st.sampled_from(TicketState)),
)
ENTRIES = st.builds(
    Entry,
    st.integers(0, 9).map(lambda n: OpId(f"{n:032x}")),
    st.just("00000000000000aa"),
    st.just("lane 1"),
    INSTANTS,
)
PUBLIC = mostly(st.sampled_from([public_of(key) for key in KEYS]), st.binary(max_size=40))
FACTS = st.builds(
    LaneFacts,
    performances=mostly(st.just(frozenset({1, 2, 3})), st.frozensets(SMALL)),
    key=mostly(st.builds(IssuerKey, PUBLIC, st.sampled_from(KeyState)), st.none()),
    row=st.none() | ROWS,
    allotment=st.none() | st.builds(AllotmentFacts, st.booleans(), st.sampled_from(AllotmentState)),
    unit_version_seen=mostly(st.just(0), st.integers(0, 3)),
    entries=mostly(st.just(()), st.lists(ENTRIES, max_size=3).map(tuple)),
)


@given(scan=SCANS, facts=FACTS, at=INSTANTS)
def test_every_scan_gets_an_answer(
    scan: TicketCode | CodeFault, facts: LaneFacts, at: datetime
) -> None:
    decision = decide_entry(scan, facts, at=at)
    assert decision == decide_entry(scan, facts, at=at)
    if isinstance(decision, Refuse):
        assert decision.reason is not Reason.NOT_RECORDED
        assert (decision.first_entry is not None) == (decision.reason is Reason.ALREADY_USED)
        assert decision.first_entry is None or decision.first_entry in facts.entries
        return
    assert isinstance(scan, TicketCode)
    assert facts.key is not None
    assert scan.is_genuine(facts.key.public)
    assert not facts.entries
    assert not scan.facts.flags & Flag.TRAINING
    assert scan.facts.valid_from <= at < scan.facts.valid_to
    assert decision == Admit(unconfirmed=facts.row is None)
    if facts.row is None:
        assert facts.key.state is KeyState.ACTIVE
        assert scan.facts.performance in facts.performances
    else:
        assert facts.row.state is TicketState.VALID
        assert facts.row.performance in facts.performances


@given(scan=SCANS, facts=FACTS, at=INSTANTS, more=ENTRIES)
def test_one_more_entry_never_opens_a_door(
    scan: TicketCode | CodeFault, facts: LaneFacts, at: datetime, more: Entry
) -> None:
    used = LaneFacts(
        facts.performances,
        facts.key,
        facts.row,
        facts.allotment,
        facts.unit_version_seen,
        (*facts.entries, more),
    )
    assert isinstance(decide_entry(scan, used, at=at), Refuse)


def test_random_facts_do_let_somebody_in() -> None:
    """Or the tests above would say nothing about admissions."""
    seen = Counter[str]()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(scan=SCANS, facts=FACTS, at=INSTANTS)
    def count(scan: TicketCode | CodeFault, facts: LaneFacts, at: datetime) -> None:
        decision = decide_entry(scan, facts, at=at)
        seen["admit" if isinstance(decision, Admit) else decision.reason] += 1

    count()
    assert seen["admit"] > 10
    assert len(seen) > 10
