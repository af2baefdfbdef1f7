"""Disputed tickets that wait for their unit.

A ticket is disputed when its sale is judged and somebody else has its unit. Often that is all that
is ever wrong with it: a lost history, or a write-off, left the unit lent to two tills, of which one
sold it and the other has not reported yet. Once the other gives it back, or it turns out that the
centre had taken back what was sold before, the unit belongs to whoever has it on paper: with no
person's doing, and before anybody else is lent it.

What a person has decided about a ticket stands. So does a unit that was sold and taken back under
the very version of the ticket: gates could not tell the two apart.
"""

from __future__ import annotations

import json
from typing import Any

from sync_server.heart.cases import CaseKind, close_case
from sync_server.heart.rows import Case, Claim, TicketRow
from sync_server.heart.units import was_lent
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.ticket import TicketState

_WHY = "free_again"


def honour_waiting(work: Work) -> None:
    """Give units that have just become free to the disputed tickets that wait for them."""
    if not work.freed or work.quarantine:
        return
    freed = frozenset(work.freed)
    work.freed.clear()
    for case in work.open_cases(CaseKind.OVERSOLD):
        body: dict[str, Any] = json.loads(case.body)
        decided = body.get("decisions", {})
        places = zip(body["tickets"], map(tuple, body["units"]), strict=True)
        waiting = [one for one, unit in places if unit in freed and one not in decided]
        work.tickets.want(waiting)
        if [one for one in waiting if _honour(work, one)]:
            close_if_settled(work, case, {"why": _WHY})


def ask_back(work: Work, ticket: TicketRow, node_id: str) -> None:
    """Ask whoever is lent the unit of a disputed ticket, and has not sold it, to give it back.

    `node_id`: who sold the ticket, and must have been lent the unit too.
    """
    claim = work.claim(ticket.perf_id, ticket.unit)
    if claim.kind != ClaimKind.ALLOT or not _was_lent(work, ticket, node_id):
        return
    rival = work.allots.get(claim.ref)
    if rival is not None and rival.state == "open" and not rival.recall:
        rival.recall = 1
        work.allots.put(rival.id, rival)


def close_if_settled(work: Work, case: Case, resolution: dict[str, object]) -> bool:
    """Close an oversold case whose tickets all have a unit or were revoked."""
    tickets = json.loads(case.body)["tickets"]
    work.tickets.want(tickets)
    work.tickets.fetch()
    rows = [work.tickets.get(ticket_id) for ticket_id in tickets]
    if any(row is None or row.state == TicketState.DISPUTED for row in rows):
        return False
    return close_case(work, case.id, resolution) or case.state == "closed"


def is_free_for(claim: Claim, version: int) -> bool:
    """Whether nobody has a unit that was lent at this version.

    A higher version than the claim's proves that the centre took a ticket back and freed the unit.
    """
    if claim.kind == ClaimKind.FREE:
        return claim.version <= version
    return claim.kind == ClaimKind.RETURNED and claim.version < version


def _honour(work: Work, ticket_id: str) -> bool:
    ticket = work.tickets.get(ticket_id)
    if ticket is None or ticket.state != TicketState.DISPUTED:
        return False
    claim = work.claim(ticket.perf_id, ticket.unit)
    order = work.orders.get(ticket.order_id)
    assert order is not None, ticket.order_id
    if not is_free_for(claim, ticket.version) or not _was_lent(work, ticket, order.node_id):
        return False
    claim.kind, claim.ref, claim.node_id = ClaimKind.SOLD, ticket.id, order.node_id
    claim.version = ticket.version
    work.put_claim(claim)
    ticket.state = TicketState.VALID
    work.tickets.put(ticket.id, ticket)
    _close_grant(work, ticket, order.node_id)
    return True


def _was_lent(work: Work, ticket: TicketRow, node_id: str) -> bool:
    """Whether its seller was lent the unit, as far as this history knows or was told."""
    allot = work.allots.get(ticket.allot_id)
    if allot is not None:
        if allot.perf_id != ticket.perf_id or not work.may_sell_for(node_id, allot.node_id):
            return False
        if was_lent(allot, ticket.unit, ticket.version):
            return True
    body = _declared(work, ticket.allot_id, node_id)
    if body is None or body["p"] != ticket.perf_id:
        return False
    return [ticket.unit, ticket.version] in body["units"]


def _declared(work: Work, allot_id: str, node_id: str) -> dict[str, Any] | None:
    """An allotment as its node declared it after a failover: whole, whatever it was given of it."""
    row = work.sql.row(
        "SELECT body FROM declared WHERE event_id = ? AND id = ? AND node_id IN (?, ?)",
        work.stream,
        allot_id,
        node_id,
        work.hub_of(node_id) or node_id,
    )
    return json.loads(row[0]) if row is not None else None


def _close_grant(work: Work, ticket: TicketRow, node_id: str) -> None:
    """The case of an allotment of which units were missing, once every one is its tickets'."""
    holder = work.hub_of(node_id) or node_id
    case = work.cases.get(f"{CaseKind.GRANT}:{ticket.allot_id}:{holder}")
    if case is None or case.state != "open":
        return
    body: dict[str, Any] = json.loads(case.body)
    if body.get("pools") or not all(_is_sold_from(work, ticket, unit) for unit in body["units"]):
        return
    close_case(work, case.id, {"why": _WHY})


def _is_sold_from(work: Work, ticket: TicketRow, unit: int) -> bool:
    claim = work.claim(ticket.perf_id, unit)
    sold = work.tickets.get(claim.ref) if claim.kind == ClaimKind.SOLD else None
    return sold is not None and sold.allot_id == ticket.allot_id
