"""Cases as people work on them: who has one, what was said, how it was settled, who is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest

from sync_server.console.case_view import CaseView, Known, make_case, suggested_for, tickets_of
from sync_server.heart.blocks import BlockTicket
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.settling import (
    Disposition,
    NoSettlement,
    SettleCase,
    Settled,
    digest_of_facts,
)
from sync_server.services import case_files
from sync_server.services.case_files import (
    CaseFile,
    NoteKind,
    Wanted,
    add_note,
    read_case,
    read_cases,
    read_names,
    read_notes,
    read_tickets,
)
from sync_server.services.catalogue import load_plan
from sync_server.store.database import read_only
from tests.integration.sync_server.stage import EVENT, Stage
from ticketing.operations import SaleLine

PERSON = ("p1", "陈静 Chen Jing")


def the_case(stage: Stage, kind: CaseKind) -> CaseFile:
    (row,) = stage.rows("SELECT event_id, id FROM case_file WHERE kind = :k", k=kind.value)
    with read_only(stage.engine).connect() as connection:
        found = read_case(connection, row[0], row[1])
    assert found is not None
    return found


def settle(
    stage: Stage, case: CaseFile, why: str = "talked to both", seen: str = ""
) -> Settled | NoSettlement:
    digest = seen or digest_of_facts(case.body)
    step = SettleCase(case.event_id, case.id, "p1", Disposition.MISUSE, why, digest)
    return stage.take(step)


def open_one(stage: Stage, kind: CaseKind, key: str, body: Mapping[str, object]) -> None:
    stage.work(lambda work: open_case(work, kind, key, body))


def enter_twice(stage: Stage) -> SaleLine:
    """One ticket, two gates that are cut off."""
    till = stage.till()
    line = till.sell(till.borrow(1), 1).lines[0]
    till.push()
    for name in ("Gate 1", "Gate 2"):
        gate = stage.gate(name)
        gate.let_in(line)
        gate.push()
    return line


def view(stage: Stage, case: CaseFile) -> CaseView:
    ticket_ids, order_id = tickets_of(case)
    with read_only(stage.engine).connect() as connection:
        notes = read_notes(connection, case.event_id, case.id)
        tickets = read_tickets(connection, case.event_id, ticket_ids, order_id)
        names, loaded = read_names(connection), load_plan(connection, EVENT)
    assert loaded is not None
    known = Known(names, "Swan Lake", ZoneInfo("Asia/Shanghai"), "CNY", loaded[1])
    return make_case(case, notes, tickets, known, "en")


def test_a_case_is_settled_by_a_word_and_the_nodes_hear_of_it(stage: Stage) -> None:
    enter_twice(stage)
    gate = stage.gate("Gate 3")
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    assert settle(stage, case) == Settled(case.id)
    closed = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert closed.state == "closed"
    assert json.loads(closed.resolution) == {
        "by": "p1",
        "disposition": "misuse",
        "why": "talked to both",
    }
    page = stage.pull(gate, EVENT, head)
    assert page is not None
    told = str(page)
    assert case.id in told
    assert "closed" in told
    assert stage.books().open_case_count == 0


def test_nobody_settles_what_they_did_not_see(stage: Stage) -> None:
    enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert settle(stage, case, seen="0" * 64) is NoSettlement.CHANGED
    assert the_case(stage, CaseKind.DOUBLE_ENTRY).state == "open"


@pytest.mark.parametrize("why", ["", "   ", "x" * 501, "a\x07b"])
def test_a_settlement_says_why(stage: Stage, why: str) -> None:
    enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert settle(stage, case, why) is NoSettlement.NO_REASON


def test_a_settled_case_is_settled_once(stage: Stage) -> None:
    enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    settle(stage, case)
    assert settle(stage, case) is NoSettlement.NO_CASE


def test_facts_that_join_a_settled_case_open_it_again(stage: Stage) -> None:
    line = enter_twice(stage)
    settle(stage, the_case(stage, CaseKind.DOUBLE_ENTRY))
    third = stage.gate("Gate 3")
    third.let_in(line)
    third.push()
    assert the_case(stage, CaseKind.DOUBLE_ENTRY).state == "open"


def test_disputed_tickets_are_decided_about_before_their_case_is_settled(stage: Stage) -> None:
    first, second = stage.till(), stage.till("Window 2")
    grant = first.borrow(1)
    first.sell(grant, 1)
    first.push()
    second.sell(grant, 1)
    second.push()
    case = the_case(stage, CaseKind.OVERSOLD)
    assert settle(stage, case) is NoSettlement.TICKETS_OPEN


def test_settling_the_case_of_a_blocked_ticket_lifts_the_block(stage: Stage) -> None:
    till = stage.till()
    line = till.sell(till.borrow(1), 1).lines[0]
    till.push()
    stage.take(BlockTicket(EVENT, line.ticket_id, "p1", "stolen card"))
    case = the_case(stage, CaseKind.BLOCKED)
    answer = settle(stage, case)
    assert answer == Settled(case.id, ticket_freed=True)
    assert stage.one("SELECT blocked FROM ticket") == ""
    assert the_case(stage, CaseKind.BLOCKED).state == "closed"


# --- who has it


def note(stage: Stage, case: CaseFile, kind: NoteKind, value: str) -> bool:
    return stage.do(lambda tx: add_note(tx, (case.event_id, case.id), PERSON, kind, value))


def add_person(stage: Stage) -> None:
    stage.do(
        lambda tx: tx.run(
            "INSERT INTO person (id, login, name, role, password_hash, pin_hash, state, rev) "
            "VALUES ('p1', 'chen', '陈静 Chen Jing', 'manager', '', '', 'active', 0)"
        )
    )


def test_who_has_a_case_and_until_when_is_what_was_said_last(stage: Stage) -> None:
    add_person(stage)
    enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert note(stage, case, NoteKind.OWNER, "p1")
    assert note(stage, case, NoteKind.DEADLINE, "2026-11-29")
    assert note(stage, case, NoteKind.COMMENT, "asked lane A")
    found = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert (found.owner_id, found.deadline) == ("p1", "2026-11-29")
    assert note(stage, case, NoteKind.OWNER, "")
    assert the_case(stage, CaseKind.DOUBLE_ENTRY).owner_id == ""
    shown = view(stage, the_case(stage, CaseKind.DOUBLE_ENTRY))
    assert [each.what for each in shown.notes] == [
        "陈静 Chen Jing has it now",
        "until 2026-11-29",
        "asked lane A",
        "nobody has it now",
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(NoteKind.OWNER, "nobody-of-the-house", id="a stranger"),
        pytest.param(NoteKind.DEADLINE, "tomorrow", id="no date"),
        pytest.param(NoteKind.DEADLINE, "20261129", id="a date in another form"),
        pytest.param(NoteKind.COMMENT, "  ", id="nothing"),
        pytest.param(NoteKind.COMMENT, "x" * 1_001, id="too long"),
    ],
)
def test_what_makes_no_sense_is_not_noted(stage: Stage, kind: NoteKind, value: str) -> None:
    enter_twice(stage)
    assert not note(stage, the_case(stage, CaseKind.DOUBLE_ENTRY), kind, value)
    assert stage.one("SELECT count(*) FROM case_note") == 0


def test_of_a_case_that_is_not_there_nothing_is_noted(stage: Stage) -> None:
    nothing = CaseFile(EVENT, "double_entry:x", "double_entry", "open", 0, 0, "", "{}")
    assert not note(stage, nothing, NoteKind.COMMENT, "hello")


def test_notes_are_limited(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_files, "NOTES_MAX", 1)
    enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    assert note(stage, case, NoteKind.COMMENT, "one")
    assert not note(stage, case, NoteKind.COMMENT, "two")


# --- the worklist


def test_the_worklist_goes_on_from_page_to_page_without_losing_or_doubling_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_files, "PAGE_ROWS", 2)
    for number in range(5):
        open_one(stage, CaseKind.POOL, f"{number}", {"n": number})
    seen: list[str] = []
    after = ""
    while True:
        with read_only(stage.engine).connect() as connection:
            page = read_cases(connection, Wanted(after=after))
        assert page.open_count == 5
        seen += [case.id for case in page.cases]
        after = page.next
        if not after:
            break
    assert seen == [f"pool:{number}" for number in range(5)]


def test_the_worklist_is_of_a_kind_and_of_a_person(stage: Stage) -> None:
    add_person(stage)
    enter_twice(stage)
    open_one(stage, CaseKind.POOL, "x", {"order": "o"})
    note(stage, the_case(stage, CaseKind.POOL), NoteKind.OWNER, "p1")
    with read_only(stage.engine).connect() as connection:
        of_kind = read_cases(connection, Wanted(kind="double_entry"))
        of_person = read_cases(connection, Wanted(owner_id="p1"))
        settled = read_cases(connection, Wanted(state="closed"))
    assert [case.kind for case in of_kind.cases] == ["double_entry"]
    assert [case.kind for case in of_person.cases] == ["pool"]
    assert settled.cases == ()


# --- its page


def test_a_double_entrys_page_shows_both_sides_in_their_order(stage: Stage) -> None:
    line = enter_twice(stage)
    case = the_case(stage, CaseKind.DOUBLE_ENTRY)
    shown = view(stage, case)
    assert [moment.where.partition(" · ")[0] for moment in shown.timeline] == ["Gate 1", "Gate 2"]
    assert shown.why
    assert [ticket.id for ticket in shown.tickets] == [line.ticket_id]
    assert shown.tickets[0].price == "¥500.00"
    assert shown.tickets[0].place == dict(shown.facts)["Place"] == "Stalls Centre · Row 1 Seat 1"
    assert "Misuse" in shown.suggested or "Technical" in shown.suggested


@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_kind_has_a_page(stage: Stage, kind: CaseKind) -> None:
    body = {"node": "n", "order": "o", "tickets": ["t"], "currency": "CNY", "difference": -500}
    body |= {"lines": [{"ticket": "t", "paid": 1, "list": None, "why": "not_sold"}]}
    body |= {"tenders": [{"tender": "card", "back": 5, "left": 0}], "kind": "sale"}
    open_one(stage, kind, "x", body)
    case = the_case(stage, kind)
    shown = view(stage, case)
    assert shown.title
    assert shown.money
    assert shown.tickets_effect
    assert shown.advice
    assert suggested_for(case) in Disposition
    assert ("Difference", "−¥5.00") in shown.facts
