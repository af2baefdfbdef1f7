"""The decision at the door: every reason, and of two at once the one that is checked first."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

import ticketing.admission
from tests.unit.ticketing.admissions import (
    ALTERNATIVES,
    BY_A_CHIP,
    BY_THE_GATE_ALONE,
    DOORS,
    ENTRY,
    UNREADABLE,
    WITH_ROW,
    WITHOUT_ROW,
    Scan,
    Spoil,
    sound,
)
from ticketing.admission import (
    Admit,
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    Reason,
    Refuse,
)
from ticketing.code import CodeFault
from ticketing.ids import OpId
from ticketing.keys import public_of
from ticketing.ticket import TicketState

PAGE = Path(__file__).parents[3] / "docs" / "admission.md"


def tables() -> list[tuple[bool, list[tuple[Reason, Spoil]]]]:
    """Both tables, and each again with one of its reasons exchanged for its alternative."""
    found = []
    for row, table in ((False, WITHOUT_ROW), (True, WITH_ROW)):
        found.append((row, table))
        for usual, other, spoil in ALTERNATIVES:
            if any(reason is usual for reason, _spoil in table):
                swapped = [
                    (other, spoil) if reason is usual else (reason, s) for reason, s in table
                ]
                found.append((row, swapped))
    return found


def spoiled(scan: Scan, *spoils: Spoil) -> Scan:
    for spoil in spoils:
        scan = spoil(scan)
    return scan


ONE_WRONG = [
    pytest.param(row, reason, spoil, id=f"{reason}{' with a row' if row else ''}, table {at}")
    for at, (row, table) in enumerate(tables())
    for reason, spoil in table
]


@pytest.mark.parametrize(("row", "reason", "spoil"), ONE_WRONG)
def test_one_wrong_thing_is_the_reason(row: bool, reason: Reason, spoil: Spoil) -> None:
    decision = spoil(sound(row=row)).decide()
    assert isinstance(decision, Refuse)
    assert decision.reason is reason


TWO_WRONG = [
    pytest.param(row, first, second, id=f"{first[0]} before {second[0]}, table {at}")
    for at, (row, table) in enumerate(tables())
    for first, second in combinations(table, 2)
]


@pytest.mark.parametrize(("row", "first", "second"), TWO_WRONG)
def test_of_two_wrong_things_the_earlier_check_wins(
    row: bool, first: tuple[Reason, Spoil], second: tuple[Reason, Spoil]
) -> None:
    for order in ((first, second), (second, first)):
        decision = spoiled(sound(row=row), *(spoil for _reason, spoil in order)).decide()
        assert isinstance(decision, Refuse)
        assert decision.reason is first[0]


@pytest.mark.parametrize("row", [False, True], ids=["without a row", "with its row"])
def test_a_sound_ticket_is_let_in(row: bool) -> None:
    assert sound(row=row).decide() == Admit(unconfirmed=not row)


@pytest.mark.parametrize(("reason", "fault"), UNREADABLE.items())
def test_what_is_no_code_is_refused_before_all_else(reason: Reason, fault: CodeFault) -> None:
    scan = replace(sound(row=True), code=fault)
    assert scan.decide() == Refuse(reason)
    everything_wrong = spoiled(scan, *(spoil for _reason, spoil in WITH_ROW[1:]))
    assert everything_wrong.decide() == Refuse(reason)


def test_the_row_clears_a_revoked_key_and_a_lost_allotment() -> None:
    scan = sound(row=True)
    facts = replace(
        scan.facts,
        key=IssuerKey(public_of(bytes(range(32))), KeyState.REVOKED),
        allotment=AllotmentFacts(has_unit=False, state=AllotmentState.WRITTEN_OFF),
    )
    assert replace(scan, facts=facts).decide() == Admit(unconfirmed=False)


def test_the_row_says_which_performance_and_version_count() -> None:
    """A ticket moved to another performance, its unit's version raised with it."""
    scan = sound(row=True)
    assert scan.facts.row is not None
    moved = replace(scan.facts.row, performance=9, version=3)
    facts = replace(scan.facts, row=moved, performances=frozenset({9}), unit_version_seen=3)
    assert replace(scan, facts=facts).decide() == Admit(unconfirmed=False)
    at_the_old_door = replace(facts, performances=frozenset({4}))
    assert replace(scan, facts=at_the_old_door).decide() == Refuse(Reason.WRONG_PERFORMANCE)


def test_an_unknown_allotment_is_no_refusal_by_itself() -> None:
    scan = sound(row=False)
    facts = replace(scan.facts, allotment=None)
    assert replace(scan, facts=facts).decide() == Admit(unconfirmed=True)


@pytest.mark.parametrize("state", [AllotmentState.OPEN, AllotmentState.CLOSED])
def test_an_allotment_that_was_not_written_off_vouches(state: AllotmentState) -> None:
    scan = sound(row=False)
    facts = replace(scan.facts, allotment=AllotmentFacts(has_unit=True, state=state))
    assert replace(scan, facts=facts).decide() == Admit(unconfirmed=True)


def test_a_lower_version_seen_is_no_obstacle() -> None:
    scan = sound(row=False)
    facts = replace(scan.facts, unit_version_seen=0)
    assert replace(scan, facts=facts).decide() == Admit(unconfirmed=True)


@pytest.mark.parametrize(
    ("after_doors", "expected"),
    [
        pytest.param(timedelta(microseconds=-1), Reason.TOO_EARLY, id="a moment early"),
        pytest.param(timedelta(0), None, id="when doors open"),
        pytest.param(timedelta(minutes=195, microseconds=-1), None, id="the last moment"),
        pytest.param(timedelta(minutes=195), Reason.TOO_LATE, id="the end"),
    ],
)
def test_the_bounds_of_time(after_doors: timedelta, expected: Reason | None) -> None:
    decision = replace(sound(row=True), at=DOORS + after_doors).decide()
    assert (decision.reason if isinstance(decision, Refuse) else None) is expected


def test_the_first_entry_is_named_whatever_the_order() -> None:
    later = Entry(OpId("f" * 32), "00000000000000bb", "lane 2", ENTRY.at + timedelta(seconds=1))
    scan = sound(row=True)
    for entries in ((ENTRY, later), (later, ENTRY)):
        facts = replace(scan.facts, entries=entries)
        assert replace(scan, facts=facts).decide() == Refuse(Reason.ALREADY_USED, ENTRY)


@pytest.mark.parametrize("state", TicketState)
def test_every_state_of_a_row_has_an_answer(state: TicketState) -> None:
    scan = sound(row=True)
    assert scan.facts.row is not None
    facts = replace(scan.facts, row=replace(scan.facts.row, state=state))
    decision = replace(scan, facts=facts).decide()
    assert isinstance(decision, Admit) == (state is TicketState.VALID)


# --- the page says what the code does


def test_every_reason_is_tested_here() -> None:
    tested = {reason for _row, table in tables() for reason, _spoil in table}
    assert tested | set(UNREADABLE) | BY_THE_GATE_ALONE | BY_A_CHIP == set(Reason)


def documented_checks() -> list[tuple[int, tuple[str, ...]]]:
    """(number, reasons) of the page's table of checks."""
    rows = re.findall(
        r"^\| (\d+) \|[^|]*\|([^|]*)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [(int(number), tuple(re.findall(r"`(\w+)`", codes))) for number, codes in rows]


def test_the_page_has_the_checks_in_the_order_of_the_tables() -> None:
    checks = documented_checks()
    assert [number for number, _reasons in checks] == list(range(1, 17))
    place = {reason: number for number, reasons in checks for reason in reasons}
    assert {Reason(reason) for reason in place} == set(Reason) - BY_THE_GATE_ALONE - BY_A_CHIP
    for _row, table in tables():
        places = [place[reason] for reason, _spoil in table]
        assert places == sorted(places)
        assert len(set(places)) == len(places)


def test_the_module_says_the_same_order_in_short() -> None:
    assert ticketing.admission.__doc__ is not None
    numbers = re.findall(r"(?:^|\s)(\d+) [a-z]", ticketing.admission.__doc__)
    assert [int(number) for number in numbers] == list(range(1, 17))


def test_the_page_explains_every_reason() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{reason}`" in page for reason in Reason)
