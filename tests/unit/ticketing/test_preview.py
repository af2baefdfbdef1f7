"""What a till says that the gate would say, by the gate's own engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.till import sample_catalogue
from ticketing.admission import (
    Admit,
    Entry,
    IssuerKey,
    KeyState,
    Miss,
    MissKind,
    Reason,
    Refuse,
)
from ticketing.admission.preview import what_the_gate_says
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, OpId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.ticket import Ticket, TicketState

TILL = bytes(range(32))
KEY = IssuerKey(public_of(TILL), KeyState.ACTIVE)
CATALOGUE = sample_catalogue()
EVENT = CATALOGUE.events[0]
PLAN = CATALOGUE.plans[0]
SHOWN = EVENT.performances[0]
UNIT = PLAN.areas[0].first_unit
TICKET = TicketId("8f14e45fceea167a")
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


def says(text: str, *, at: datetime = INSIDE, **known: object) -> Admit | Refuse:
    key = known.pop("key", KEY)
    return what_the_gate_says(text, PLAN, EVENT, key=key, at=at, **known)  # type: ignore[arg-type]


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
