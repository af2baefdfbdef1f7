"""Whatever a lane knows, it gets an answer; and a few things hold for every answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.admission import (
    Admit,
    AllotmentFacts,
    AllotmentState,
    Calendar,
    CutOff,
    Entry,
    EntryRule,
    EntryRules,
    IssuerKey,
    KeyState,
    LaneFacts,
    LetOut,
    Miss,
    MissKind,
    Passback,
    Reason,
    Refuse,
    Unlisted,
    Window,
    decide_alone,
    decide_entry,
    decide_exit,
    is_more_than_allowed,
    miss_from_wire,
    miss_to_wire,
    visits_of,
)
from ticketing.code import CodeFault, Flag, TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, KeyId, OpId, TicketId
from ticketing.keys import public_of
from ticketing.text import Text
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


# --- under any rules

RULES = st.builds(
    EntryRule,
    entries=st.sampled_from([1, 1, 2, 3, None]),
    each_day=st.booleans(),
    early_minutes=st.integers(0, 30),
    late_minutes=st.integers(0, 30),
    own_gate=st.booleans(),
    gates=st.sampled_from([(), ("B",)]),
    reentry_minutes=st.sampled_from([0, 0, 30, None]),
    passback=st.sampled_from(Passback),
    passback_minutes=st.integers(0, 60),
)
HISTORY = st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.op_id).map(tuple)
EXITS = st.lists(
    st.builds(
        Entry,
        st.integers(10, 19).map(lambda n: OpId(f"{n:032x}")),
        st.just("00000000000000ab"),
        st.just("out"),
        INSTANTS,
    ),
    max_size=3,
    unique_by=lambda entry: entry.op_id,
).map(tuple)
CALENDARS = st.sampled_from([Calendar(), Calendar("Asia/Shanghai"), Calendar("Europe/Berlin")])
WINDOWS = st.none() | st.just(Window(OPENS, OPENS + timedelta(minutes=300)))
HOME = Text.from_names({"en": "A", "zh": "甲"})


@st.composite
def ruled_facts(draw: st.DrawFn) -> LaneFacts:
    facts = draw(FACTS)
    return replace(
        facts,
        row=replace(facts.row, blocked=draw(st.sampled_from(["", "", "x"]))) if facts.row else None,
        entries=draw(HISTORY),
        exits=draw(EXITS),
        rule=draw(RULES),
        calendar=draw(CALENDARS),
        window=draw(WINDOWS),
        lane_gate=draw(st.sampled_from(["", "A", "甲", "B", "C"])),
        home_gate=draw(st.sampled_from([None, HOME])),
    )


@given(scan=SCANS, facts=ruled_facts(), at=INSTANTS, policy=st.sampled_from(CutOff))
def test_every_scan_gets_an_answer_under_any_rules(
    scan: TicketCode | CodeFault, facts: LaneFacts, at: datetime, policy: CutOff
) -> None:
    decision = decide_entry(scan, facts, at=at)
    rules = EntryRules(when_cut_off=policy, unlisted=Unlisted.DESK)
    alone = decide_alone(decision, facts, rules, unlisted_count=0)
    if isinstance(decision, Refuse):
        assert alone == decision, "being cut off never opens a door"
        assert decision.step
        assert miss_from_wire(miss_to_wire(decision.miss)) == decision.miss
        assert decision.first_entry is None or decision.first_entry in facts.entries
        return
    assert isinstance(alone, Refuse) or alone == decision
    rule = facts.rule
    if rule.entries is not None and not rule.each_day and rule.reentry_minutes == 0:
        assert len(facts.entries) < rule.entries
    if policy is CutOff.HOME_GATE_ONLY and isinstance(alone, Admit):
        assert facts.lane_gate in ("A", "甲")


@given(scan=SCANS, facts=ruled_facts())
def test_every_genuine_ticket_goes_out(scan: TicketCode | CodeFault, facts: LaneFacts) -> None:
    answer = decide_exit(scan, facts)
    if isinstance(answer, LetOut):
        assert isinstance(scan, TicketCode)
        assert facts.key is not None
        assert scan.is_genuine(facts.key.public)
    else:
        assert answer.reason in set(CodeFault) | {
            Reason.TRAINING_TICKET,
            Reason.UNKNOWN_ISSUER,
            Reason.FORGED,
        }


@given(scan=SCANS, facts=ruled_facts(), at=INSTANTS, data=st.data())
def test_it_does_not_matter_in_which_order_facts_became_known(
    scan: TicketCode | CodeFault, facts: LaneFacts, at: datetime, data: st.DataObject
) -> None:
    entries = tuple(data.draw(st.permutations(facts.entries)))
    exits = tuple(data.draw(st.permutations(facts.exits)))
    other = replace(facts, entries=entries, exits=exits)
    assert decide_entry(scan, other, at=at) == decide_entry(scan, facts, at=at)
    assert visits_of(entries, exits, facts.rule) == visits_of(
        facts.entries, facts.exits, facts.rule
    )


@given(entries=HISTORY, exits=EXITS, rule=RULES, calendar=CALENDARS)
def test_whoever_is_let_in_by_the_rules_makes_no_case(
    entries: tuple[Entry, ...], exits: tuple[Entry, ...], rule: EntryRule, calendar: Calendar
) -> None:
    """Entries one after the other, each decided on what came before it, are never too many."""
    key = IssuerKey(public_of(KEYS[0]), KeyState.ACTIVE)
    scan = next(code for code in codes() if code.is_genuine(key.public) and not code.facts.flags)
    usual = replace(rule, own_gate=False, gates=(), early_minutes=10_000, late_minutes=10_000)
    let_in: list[Entry] = []
    for entry in sorted(entries, key=lambda one: (one.at, one.op_id)):
        before = tuple(one for one in exits if one.at <= entry.at)
        performances = frozenset({scan.facts.performance})
        facts = LaneFacts(performances, key, None, None, 0, tuple(let_in), before, usual, calendar)
        if isinstance(decide_entry(scan, facts, at=entry.at), Admit):
            let_in.append(entry)
    assert not is_more_than_allowed(let_in, exits, usual, calendar)


@given(
    miss=st.builds(
        Miss,
        st.sampled_from(MissKind),
        st.none() | INSTANTS,
        st.none() | st.just(HOME),
        st.text(max_size=20),
    )
)
def test_a_miss_survives_the_wire(miss: Miss) -> None:
    assert miss_from_wire(miss_to_wire(miss)) == miss


@given(raw=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_is_no_miss_is_none(raw: object) -> None:
    assert miss_from_wire(raw) is None
    for kind in MissKind:
        told = miss_from_wire({"kind": kind.value, "at_ms": raw, "gate": raw, "note": raw})
        assert told is not None
        assert told.kind is kind
