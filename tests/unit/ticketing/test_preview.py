"""What a till says that the gate would say, by the gate's own engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.till import sample_catalogue
from ticketing.admission import (
    Admit,
    AllotmentFacts,
    AllotmentState,
    Entry,
    EntryRule,
    EntryRules,
    IssuerKey,
    KeyState,
    Miss,
    MissKind,
    Reason,
    Refuse,
    RuleFor,
    code_of_row,
)
from ticketing.admission.preview import TillFacts, gates_of, what_the_gate_says
from ticketing.code import TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, OpId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.text import Text
from ticketing.ticket import Ticket, TicketState

TILL = bytes(range(32))
KEY = IssuerKey(public_of(TILL), KeyState.ACTIVE)
CATALOGUE = sample_catalogue()
EVENT = CATALOGUE.events[0]
PLAN = CATALOGUE.plans[0]
SHOWN = EVENT.performances[0]
UNIT = PLAN.areas[0].first_unit
TICKET = TicketId("8f14e45fceea167a")
assert PLAN.areas[0].gate is not None
HOME = PLAN.areas[0].gate
ENTRY = Entry(OpId("0" * 32), "00000000000000aa", "lane 1", SHOWN.doors_at)
ROW = Ticket(TICKET, SHOWN.number, UNIT, 1, TicketState.VALID)
INSIDE = SHOWN.doors_at + timedelta(minutes=5)


def code(performance: int = SHOWN.number) -> str:
    facts = TicketFacts(
        key_id(public_of(TILL)),
        TICKET,
        performance,
        UNIT,
        1,
        1,
        AllotmentId("1a2b3c4d", 7),
        SHOWN.valid_from,
        200,
    )
    return make_code(facts, TILL)


def says(
    text: str, *, at: datetime = INSIDE, key: IssuerKey | None = KEY, **known: Any
) -> Admit | Refuse:
    return what_the_gate_says(parse_code(text), PLAN, EVENT, TillFacts(key, **known), at=at)


def test_a_tills_own_sale_would_be_let_in_unconfirmed() -> None:
    assert says(code()) == Admit(unconfirmed=True)
    assert says(code(), row=ROW) == Admit(unconfirmed=False)


def test_before_doors_it_says_from_when() -> None:
    early = SHOWN.doors_at - timedelta(minutes=25)
    assert says(code(), at=early) == Refuse(
        Reason.TOO_EARLY, miss=Miss(MissKind.OPENS_AT, SHOWN.doors_at)
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, state=TicketState.VOID), Reason.VOID),
        (replace(ROW, state=TicketState.DISPUTED), Reason.DISPUTED),
        (replace(ROW, blocked="stolen"), Reason.BLOCKED),
    ],
)
def test_the_row_decides(row: Ticket, reason: Reason) -> None:
    answer = says(code(), row=row)
    assert isinstance(answer, Refuse)
    assert answer.reason is reason


def test_a_used_ticket_says_where_it_was_used() -> None:
    assert says(code(), row=ROW, entries=(ENTRY,)) == Refuse(Reason.ALREADY_USED, ENTRY)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        pytest.param("https://example.org", KEY, Reason.NOT_A_TICKET, id="another code"),
        pytest.param(code(performance=99), KEY, Reason.WRONG_PERFORMANCE, id="another event's"),
        pytest.param(code(), None, Reason.UNKNOWN_ISSUER, id="another till's"),
        pytest.param(
            code(), replace(KEY, public=bytes(32)), Reason.FORGED, id="not signed by this till"
        ),
    ],
)
def test_what_is_no_ticket_of_this_event_is_said(
    text: str, key: IssuerKey | None, reason: Reason
) -> None:
    answer = says(text, key=key)
    assert isinstance(answer, Refuse)
    assert answer.reason is reason


def test_a_ticket_without_its_code_is_judged_by_its_row_alone() -> None:
    bare = code_of_row(ROW, "")

    def said(known: TillFacts) -> Admit | Refuse:
        return what_the_gate_says(bare, PLAN, EVENT, known, at=INSIDE, is_read=False)

    assert said(TillFacts(row=ROW)) == Admit(unconfirmed=False)
    used = TillFacts(row=ROW, entries=(ENTRY,))
    assert said(used) == Refuse(Reason.ALREADY_USED, ENTRY)


def test_a_place_that_was_sold_again_and_one_that_was_never_lent_are_refused() -> None:
    assert says(code(), unit_version_seen=2) == Refuse(Reason.REPLACED)
    never = AllotmentFacts(has_unit=False, state=AllotmentState.OPEN)
    assert says(code(), allotment=never) == Refuse(Reason.NOT_IN_ALLOTMENT)


@pytest.mark.parametrize(
    ("rule", "gates"),
    [
        pytest.param(EntryRule(), (), id="every gate"),
        pytest.param(EntryRule(own_gate=True), (HOME,), id="its own"),
        pytest.param(EntryRule(gates=("Gate 9",)), ("Gate 9",), id="one that is named"),
        pytest.param(
            EntryRule(own_gate=True, gates=("Gate 9", HOME.in_language("en"))),
            (HOME, "Gate 9"),
            id="its own and another, each once",
        ),
    ],
)
def test_the_gates_that_let_it_in_are_told(rule: EntryRule, gates: tuple[Text | str, ...]) -> None:
    given = frozenset({"own_gate", "gates"})
    event = replace(EVENT, entry_rules=EntryRules((RuleFor(rule, given),)))
    scan = parse_code(code())
    assert isinstance(scan, TicketCode)
    assert gates_of(scan.facts, PLAN, event) == gates
    known = TillFacts(KEY, ROW)
    said = what_the_gate_says(scan, PLAN, event, known, at=INSIDE)
    assert said == Admit(unconfirmed=False), "what is said holds at these gates"
