"""Chips that stand for tickets: what tills bound and unbound, in whatever order it arrives.

A chip stands for one ticket of an event, and a ticket has one chip of each kind: binding another
one to it unbinds the first, as a new wristband takes the place of a lost one. By whose time a deed
came later counts, not by which one arrived last; times are the centre's, as far as it could measure
how wrong each till's clock was. A chip that stands for a living ticket is not bound to another one:
whoever was there first has it, and a person settles the second.
"""

from __future__ import annotations

from sync_server.heart.agencies import is_foreign_ticket
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.rows import CredentialRow
from sync_server.heart.work import Work
from ticketing.credential import (
    NO_COUNTER,
    Credential,
    CredentialKind,
    CredentialRef,
    CredentialState,
)
from ticketing.ids import TicketId
from ticketing.journal import Op, Verdict
from ticketing.operations import ByCredential, CredentialBound, CredentialUnbound
from ticketing.ticket import TicketState

_OK = Effect(Verdict.OK, shows=True)
_TOO_LATE = Effect(Verdict.OK_LATE, "newer_word", shows=True)


def record_at_till(
    work: Work, node_id: str, op: Op, told: CredentialBound | CredentialUnbound
) -> Effect:
    """Take what a till's journal tells of a chip."""
    at_ms = work.by_our_clock(node_id, told.at_ms)
    if isinstance(told, CredentialUnbound):
        return _unbind(work, node_id, told, at_ms)
    return _bind(work, node_id, op, told, at_ms)


def _bind(work: Work, node_id: str, op: Op, bound: CredentialBound, at_ms: int) -> Effect:
    ticket = work.tickets.get(bound.ticket_id)
    if ticket is None or is_foreign_ticket(work, node_id, bound.ticket_id):
        return _refused(work, node_id, op, bound, "unknown_ticket")
    row = work.credentials.get(bound.ref)
    if row is not None and row.ticket_id != bound.ticket_id and _stands(work, row):
        return _refused(work, node_id, op, bound, "stands_for_another")
    if row is not None and at_ms < row.at_ms:
        return _TOO_LATE
    newer = [one for one in _siblings(work, bound) if one.at_ms > at_ms]
    counter = bound.counter
    if row is not None:  # the chip counts on, whatever it is bound to
        counter = max(counter, row.counter)
    state = CredentialState.UNBOUND if newer else CredentialState.BOUND
    made = CredentialRow(
        work.stream,
        bound.ref,
        bound.ticket_id,
        bound.kind.value,
        state.value,
        bound.ticket_type,
        counter,
        node_id,
        at_ms,
        rev=row.rev if row is not None else 0,
    )
    work.credentials.put(bound.ref, made)
    if newer:
        return _TOO_LATE
    for one in _siblings(work, bound):
        one.state = CredentialState.UNBOUND.value
        work.credentials.put(one.ref, one)
    return _OK


def _unbind(work: Work, node_id: str, unbound: CredentialUnbound, at_ms: int) -> Effect:
    row = work.credentials.get(unbound.ref)
    if row is not None and row.ticket_id != unbound.ticket_id:
        return Effect(Verdict.OK, "not_bound")  # what it asks for is so already
    if is_foreign_ticket(work, node_id, unbound.ticket_id):
        return Effect(Verdict.OK, "not_bound")
    if row is not None and at_ms < row.at_ms:
        return _TOO_LATE
    state = CredentialState.BLOCKED if unbound.blocked else CredentialState.UNBOUND
    if row is None:  # another till bound it, and has not told yet: by then this is the newer word
        nothing = (CredentialKind.UID.value, state.value, 0, NO_COUNTER)
        row = CredentialRow(work.stream, unbound.ref, unbound.ticket_id, *nothing, node_id, at_ms)
    row.state, row.node_id, row.at_ms = state.value, node_id, at_ms
    work.credentials.put(row.ref, row)
    return _OK


def note_tap(work: Work, ticket_id: str, by: ByCredential) -> None:
    """A tap was let in: nothing up to it opens again, at any gate that hears of it."""
    row = work.credentials.get(by.ref)
    if row is not None and row.ticket_id == ticket_id and by.counter > row.counter:
        row.counter = by.counter
        work.credentials.put(row.ref, row)


def known_credential(work: Work, ref: str) -> Credential | None:
    """What the centre knows of a chip."""
    row = work.credentials.get(ref)
    if row is None:
        return None
    return Credential(
        CredentialRef(row.ref),
        TicketId(row.ticket_id),
        CredentialKind(row.kind),
        CredentialState(row.state),
        row.ticket_type,
        row.counter,
    )


def _siblings(work: Work, bound: CredentialBound) -> list[CredentialRow]:
    """Other chips of this kind that stand for the same ticket."""
    return [
        row
        for row in work.credentials_of(bound.ticket_id)
        if row.ref != bound.ref and row.kind == bound.kind and row.state == CredentialState.BOUND
    ]


def _stands(work: Work, row: CredentialRow) -> bool:
    """Whether a chip stands for a ticket that may still let somebody in."""
    ticket = work.tickets.get(row.ticket_id)
    living = ticket is not None and ticket.state != TicketState.VOID
    return living and row.state == CredentialState.BOUND


def _refused(work: Work, node_id: str, op: Op, bound: CredentialBound, code: str) -> Effect:
    """A visitor was told that the chip opens for them, and it does not."""
    body = {"node": node_id, "ticket": bound.ticket_id, "op": op.op_id, "why": code}
    open_case(work, CaseKind.CREDENTIAL, op.op_id, body)
    return Effect(Verdict.DISPUTED, code, shows=True)
