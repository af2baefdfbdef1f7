"""What is wrong with a scan, one thing at a time, in the order in which it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ticketing.admission import (
    Admit,
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    LaneFacts,
    Passback,
    Reason,
    Refuse,
    decide_entry,
)
from ticketing.code import CodeFault, Flag, TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, OpId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.text import Text
from ticketing.ticket import Ticket, TicketState

TILL, STRANGER = bytes(range(32)), bytes(range(1, 33))
DOORS = datetime(2026, 11, 28, 10, 45, tzinfo=UTC)
ENTRY = Entry(OpId("0" * 32), "00000000000000aa", "lane 1", DOORS + timedelta(minutes=5))
HOME_GATE = Text.from_names({"en": "Gate A", "zh": "甲门"})
TICKET_ID = TicketId("8f14e45fceea167a")


@dataclass(frozen=True)
class Scan:
    """All that `decide_entry` is told. `row` True: the ticket's row is known and sound."""

    code: TicketFacts | CodeFault
    private: bytes
    facts: LaneFacts
    at: datetime

    def decide(self) -> Admit | Refuse:
        code: TicketCode | CodeFault
        if isinstance(self.code, CodeFault):
            code = self.code
        else:
            code = parse_code(make_code(self.code, self.private))
            assert isinstance(code, TicketCode)
        return decide_entry(code, self.facts, at=self.at)


def sound(*, row: bool) -> Scan:
    """A scan that is let in."""
    code = TicketFacts(
        key_id(public_of(TILL)),
        TICKET_ID,
        performance=4,
        unit=141,
        ticket_type=1,
        version=2,
        allotment=AllotmentId("1a2b3c4d", 7),
        valid_from=DOORS,
        valid_minutes=195,
    )
    facts = LaneFacts(
        performances=frozenset({4}),
        key=IssuerKey(public_of(TILL), KeyState.ACTIVE),
        row=Ticket(TICKET_ID, 4, 141, 2, TicketState.VALID) if row else None,
        allotment=AllotmentFacts(has_unit=True, state=AllotmentState.OPEN),
        unit_version_seen=2,
        entries=(),
        home_gate=HOME_GATE,
        lane_gate="甲门",
    )
    return Scan(code, TILL, facts, DOORS + timedelta(minutes=10))


def _code(scan: Scan, **changes: object) -> Scan:
    assert isinstance(scan.code, TicketFacts)
    return replace(scan, code=replace(scan.code, **changes))  # type: ignore[arg-type]


def _facts(scan: Scan, **changes: object) -> Scan:
    return replace(scan, facts=replace(scan.facts, **changes))  # type: ignore[arg-type]


def _key(scan: Scan, state: KeyState) -> Scan:
    key = IssuerKey(public_of(TILL), state)
    return scan if scan.facts.key is None else _facts(scan, key=key)


def _row(scan: Scan, state: TicketState) -> Scan:
    row = scan.facts.row or Ticket(TICKET_ID, 4, 141, 2, TicketState.VALID)
    return _facts(scan, row=replace(row, state=state))


def _block(scan: Scan) -> Scan:
    row = scan.facts.row or Ticket(TICKET_ID, 4, 141, 2, TicketState.VALID)
    return _facts(scan, row=replace(row, blocked="stolen"))


def _dispute(scan: Scan) -> Scan:
    row = scan.facts.row
    return scan if row and row.state is TicketState.VOID else _row(scan, TicketState.DISPUTED)


def _rule(scan: Scan, **changes: object) -> Scan:
    return _facts(scan, rule=replace(scan.facts.rule, **changes))  # type: ignore[arg-type]


def _at_another_gate(scan: Scan) -> Scan:
    return _facts(_rule(scan, own_gate=True), lane_gate="Gate B")


def _inside(scan: Scan) -> Scan:
    """A ticket of two entries, one of them just made, of which nobody has come out."""
    entries = scan.facts.entries or (replace(ENTRY, at=scan.at - timedelta(minutes=1)),)
    hard = _rule(scan, passback=Passback.HARD)
    if not scan.facts.entries:
        hard = _rule(hard, entries=2)
    return _facts(hard, entries=entries)


def _used(scan: Scan) -> Scan:
    return _rule(_facts(scan, entries=(ENTRY,)), entries=1)


def _went_out(scan: Scan) -> Scan:
    """Long ago, with a time to come back that is over."""
    left = Entry(OpId("1" * 32), ENTRY.node_id, "lane 2", ENTRY.at + timedelta(seconds=1))
    return _facts(_rule(_used(scan), reentry_minutes=1), exits=(left,))


def _allotment(scan: Scan, *, has_unit: bool, state: AllotmentState) -> Scan:
    return _facts(scan, allotment=AllotmentFacts(has_unit, state))


def _too_soon(scan: Scan) -> Scan:
    return _rule(_inside(scan), passback=Passback.TIMED, passback_minutes=600)


Spoil = Callable[[Scan], Scan]

WITHOUT_ROW: list[tuple[Reason, Spoil]] = [
    (Reason.TRAINING_TICKET, lambda scan: _code(scan, flags=Flag.TRAINING)),
    (Reason.UNKNOWN_ISSUER, lambda scan: _facts(scan, key=None)),
    (Reason.FORGED, lambda scan: replace(scan, private=STRANGER)),
    (Reason.ISSUER_REVOKED, lambda scan: _key(scan, KeyState.REVOKED)),
    (Reason.CANCELLED, lambda scan: _facts(scan, is_cancelled=True)),
    (Reason.WRONG_PERFORMANCE, lambda scan: _facts(scan, performances=frozenset({5}))),
    (Reason.REPLACED, lambda scan: _facts(scan, unit_version_seen=3)),
    (Reason.WRONG_GATE, _at_another_gate),
    (Reason.TOO_EARLY, lambda scan: replace(scan, at=DOORS - timedelta(milliseconds=1))),
    (
        Reason.NOT_IN_ALLOTMENT,
        lambda scan: _allotment(scan, has_unit=False, state=AllotmentState.WRITTEN_OFF),
    ),
    (Reason.ALREADY_USED, _used),
    (Reason.STILL_INSIDE, _inside),
]
"""Each spoils one thing of a scan without a row; in the order of the checks."""

WITH_ROW: list[tuple[Reason, Spoil]] = [
    (Reason.TRAINING_TICKET, lambda scan: _code(scan, flags=Flag.TRAINING)),
    (Reason.UNKNOWN_ISSUER, lambda scan: _facts(scan, key=None)),
    (Reason.FORGED, lambda scan: replace(scan, private=STRANGER)),
    (Reason.CANCELLED, lambda scan: _facts(scan, is_cancelled=True)),
    (Reason.WRONG_PERFORMANCE, lambda scan: _facts(scan, performances=frozenset({5}))),
    (Reason.VOID, lambda scan: _row(scan, TicketState.VOID)),
    (Reason.BLOCKED, _block),
    (Reason.DISPUTED, _dispute),
    (Reason.REPLACED, lambda scan: _facts(scan, unit_version_seen=3)),
    (Reason.WRONG_GATE, _at_another_gate),
    (Reason.TOO_LATE, lambda scan: replace(scan, at=DOORS + timedelta(minutes=195))),
    (Reason.ALREADY_USED, _used),
    (Reason.STILL_INSIDE, _inside),
]
"""The same for a scan whose row is known: key state and allotment are not held against it."""

ALTERNATIVES: list[tuple[Reason, Reason, Spoil]] = [
    (Reason.ALREADY_USED, Reason.REENTRY_TOO_LATE, _went_out),
    (Reason.STILL_INSIDE, Reason.TOO_SOON, _too_soon),
    (
        Reason.NOT_IN_ALLOTMENT,
        Reason.ALLOTMENT_WRITTEN_OFF,
        lambda scan: _allotment(scan, has_unit=True, state=AllotmentState.WRITTEN_OFF),
    ),
    (
        Reason.TOO_EARLY,
        Reason.TOO_LATE,
        lambda scan: replace(scan, at=DOORS + timedelta(minutes=195)),
    ),
    (
        Reason.TOO_LATE,
        Reason.TOO_EARLY,
        lambda scan: replace(scan, at=DOORS - timedelta(milliseconds=1)),
    ),
]
"""Reasons of one check that exclude each other: instead of the first, the second."""

UNREADABLE = {
    Reason.NOT_A_TICKET: CodeFault.NOT_A_TICKET,
    Reason.DAMAGED_CODE: CodeFault.DAMAGED,
    Reason.NEWER_FORMAT: CodeFault.NEWER_FORMAT,
}
BY_THE_GATE_ALONE = {Reason.NOT_RECORDED, Reason.CUT_OFF}
BY_A_CHIP = {
    Reason.CREDENTIAL_BLOCKED,
    Reason.CREDENTIAL_UNKNOWN,
    Reason.CREDENTIAL_OF_OTHER_CHIP,
    Reason.CREDENTIAL_REPLAYED,
}
"""Before the ticket is looked at: `test_chips.py`."""
"""Given by the one who records, or for want of the arbiter: not by the decision."""
