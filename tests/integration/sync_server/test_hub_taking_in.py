"""A hub reads the centre's feed into a database of its own, and joins entries that both know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest, Denied, NotArbiter
from sync_server.heart.arbiters import GiveToHub
from sync_server.heart.returns import Revoke
from sync_server.hub.taking_in import begin_again, disown
from sync_server.services.enrolment import Applicant, begin_anew
from tests.integration.sync_server.hub_copy import HUB, hub_copy, read_on, read_page, said_alike
from tests.integration.sync_server.stage import EVENT, SERVER_KEY, VENUE, Stage, Till
from ticketing.admission import Reason
from ticketing.credential import CredentialKind, CredentialRef
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.keys import public_of
from ticketing.operations import CredentialBound, RefundAction, Sale, encode_credential_bound

TABLES = {
    "doc": "event_id, kind, id, body",
    "node": "id, name, role, public_key, key_id, key_signature, state, inc, hub",
    "performance": "event_id, perf_id, unit_count, starts_ms, ends_ms",
    "claim": "perf_id, unit, kind, ref, node_id, version",
    "allot": "id, node_id, inc, perf_id, req, firm, state, granted_ms, recall, body",
    "orders": "id, node_id, receipt_no, state, total_minor, refunded_minor",
    "ticket": "id, order_id, perf_id, unit, version, state, allot_id, ticket_type_id, blocked",
    "entry": "op_id, ticket_id, node_id, lane, phase, offline, journalled, again, corrected_ms",
    "credential": "ref, ticket_id, kind, state, ticket_type, counter",
    "case_file": "id, kind, state, body",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Stage]:
    with hub_copy(tmp_path / "hub") as made:
        yield made


def sold(stage: Stage, *units: int) -> Sale:
    till = stage.till()
    sale = till.sell(till.borrow(*units), *units)
    till.push()
    return sale


def bind(till: Till, sale: Sale, ref: str, at_ms: int) -> None:
    """A chip is bound to the first ticket, in the place of an earlier one."""
    line = sale.lines[0]
    kind, chip = CredentialKind.UID, CredentialRef(ref * 32)
    told = CredentialBound(chip, line.ticket_id, kind, 1, "li", at_ms)
    till.say(OpKind.CREDENTIAL_BOUND, encode_credential_bound(told))


def ask(hub: Stage, code: str, op: int, node_id: str = "gate") -> Accepted | Denied | NotArbiter:
    asked = AdmitRequest(OpId(f"{op:032x}"), code, "lane 1", ())
    return hub.take(Admit(EVENT, node_id, asked, HUB))


@pytest.mark.parametrize("limit", [1, 3, 5_000])
def test_pages_of_any_size_make_the_same_database(stage: Stage, hub: Stage, limit: int) -> None:
    till, gate = stage.till(), stage.gate()
    first = till.sell(till.borrow(1, 2, 101), 1, 2, 101)
    bind(till, first, "a", 1)
    till.push()
    read_on(stage, hub, limit)
    bind(till, first, "b", 2)
    till.push()
    ticket_ids = tuple(line.ticket_id for line in first.lines[:1])
    revoke = Revoke(
        till.source, f"{stage.mint():032x}", RefundAction.VOID, first.order_id, ticket_ids
    )
    stage.take(revoke)
    gate.let_in(first.lines[1])
    gate.let_in(first.lines[1], minute=3)
    gate.push()
    read_on(stage, hub, limit)
    for table, columns in TABLES.items():
        assert said_alike(stage, hub, table, columns), table


def test_what_is_told_again_is_no_news(stage: Stage, hub: Stage) -> None:
    sold(stage, 1, 2)
    read_on(stage, hub)
    heads = hub.rows("SELECT event_id, head FROM stream ORDER BY event_id")
    hub.do(lambda tx: begin_again(tx, "5a5a5a5a"))
    read_on(stage, hub)
    assert hub.rows("SELECT event_id, head FROM stream ORDER BY event_id") == heads


def test_a_place_whose_tickets_are_told_in_the_wrong_order_has_one_valid_ticket(
    stage: Stage, hub: Stage
) -> None:
    """The row of the first may have moved behind the second's: it was changed once more."""
    first = sold(stage, 1)
    read_on(stage, hub)
    (old,) = hub.rows("SELECT * FROM ticket")
    stage.do(lambda tx: tx.run("UPDATE ticket SET state = 'void'"))
    rev = stage.do(lambda tx: tx.next_rev(EVENT, 2))
    columns = "event_id, order_id, perf_id, unit, version, allot_id, tier_id, ticket_type_id"
    stage.do(
        lambda tx: tx.run(
            f"INSERT INTO ticket ({columns}, id, state, price_minor, rev) "  # noqa: S608
            f"SELECT {columns}, 'ffffffffffffffff', 'valid', 1, :rev FROM ticket",
            rev=rev,
        )
    )
    stage.do(lambda tx: tx.run("UPDATE ticket SET rev = :r WHERE id = :id", r=rev + 1, id=old.id))
    page = read_page(stage, hub, EVENT, limit=1)
    assert page.more
    states = {row.id: row.state for row in hub.rows("SELECT id, state FROM ticket")}
    assert states == {first.lines[0].ticket_id: "void", "ffffffffffffffff": "valid"}
    read_on(stage, hub)
    said_alike(stage, hub, "ticket", "id, state")


def test_entries_that_both_know_are_joined(stage: Stage, hub: Stage) -> None:
    """What the hub granted, and what the centre heard of it by another way, is one entry."""
    sale, gate = sold(stage, 1), stage.gate()
    stage.take(GiveToHub(EVENT, HUB))
    read_on(stage, hub)
    line = sale.lines[0]
    answer = ask(hub, line.code, 7, gate.node_id)
    assert answer == Accepted(OpId(f"{7:032x}"), unconfirmed=False)

    gate.let_in(line, op_id=f"{7:032x}")
    gate.let_in(line, minute=1, op_id=f"{8:032x}")
    gate.push()
    read_on(stage, hub)

    found = hub.rows("SELECT op_id, journalled, offline FROM entry ORDER BY op_id")
    assert [tuple(row) for row in found] == [(f"{7:032x}", 1, 0), (f"{8:032x}", 1, 1)]
    assert hub.cases() == stage.cases() == [("double_entry", line.ticket_id)]


def test_an_entry_of_ours_that_the_centre_lacks_stays_in_the_case(stage: Stage, hub: Stage) -> None:
    sale, gate = sold(stage, 1), stage.gate()
    stage.take(GiveToHub(EVENT, HUB))
    read_on(stage, hub)
    ask(hub, sale.lines[0].code, 7)
    gate.let_in(sale.lines[0], op_id=f"{8:032x}")
    gate.push()
    assert stage.cases() == []
    read_on(stage, hub)
    assert hub.cases() == [("double_entry", sale.lines[0].ticket_id)]


def test_a_hub_answers_from_when_it_has_read_everything_until_it_is_disowned(
    stage: Stage, hub: Stage
) -> None:
    sale = sold(stage, 1, 2)
    read_on(stage, hub)
    one, other = (line.code for line in sale.lines)
    assert ask(hub, one, 1) == NotArbiter(), "nobody gave it to the hub"

    stage.take(GiveToHub(EVENT, HUB))
    till = stage.till("Window 2")
    till.sell(till.borrow(3), 3)
    till.push()
    assert read_page(stage, hub, EVENT, limit=1).more
    assert ask(hub, one, 1) == NotArbiter(), "there is more to read"
    read_on(stage, hub)
    assert isinstance(ask(hub, one, 1), Accepted)
    refused = ask(hub, one, 2, "another gate")
    assert isinstance(refused, Denied)
    assert refused.reason is Reason.ALREADY_USED

    hub.do(disown)
    assert ask(hub, other, 3) == NotArbiter()
    assert stage.take(Admit(EVENT, "gate", AdmitRequest(OpId(f"{4:032x}"), other, "a", ()))) == (
        NotArbiter()
    )


def test_a_gate_that_began_anew_has_its_old_journals_closed_here_too(
    stage: Stage, hub: Stage
) -> None:
    gate = stage.gate()
    sale = sold(stage, 1)
    read_on(stage, hub)
    below = replace(gate, stage=hub)
    below.let_in(sale.lines[0])
    below.push()
    applicant = Applicant(public_of(bytes(32)), "another machine", "0.1.0")
    stage.do(lambda tx: begin_anew(tx, VENUE, SERVER_KEY, gate.node_id, applicant))
    read_on(stage, hub)
    assert hub.one("SELECT state FROM journal") == "closed"
    said_alike(stage, hub, "node", TABLES["node"])
