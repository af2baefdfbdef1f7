"""Chips that this node bound, or unbound, and what the server told of all of them.

What this node said last counts until the server's rows show it; from then on the server's do.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from edge.env import Env
from edge.journal import Unit, append
from edge.mirror import Mirror
from ticketing.credential import CredentialKind, CredentialRef, CredentialState
from ticketing.ids import OpId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import (
    CredentialBound,
    CredentialUnbound,
    encode_credential_bound,
    encode_credential_unbound,
)


@dataclass(frozen=True, slots=True)
class KnownChip:
    """A chip, and the ticket that it stands for, or stood for last."""

    ref: CredentialRef
    ticket_id: TicketId
    kind: CredentialKind
    state: CredentialState

    @property
    def stands(self) -> bool:
        """Whether it stands for its ticket."""
        return self.state is CredentialState.BOUND


def chips_of(
    mirror: Mirror, journal: sqlite3.Connection, stream: str, ticket_id: str
) -> tuple[KnownChip, ...]:
    """The chips that stand for a ticket, as far as is known here."""
    with mirror.reading() as told:
        rows = told.execute(
            "SELECT ref FROM credential WHERE stream = ? AND ticket_id = ?", (stream, ticket_id)
        ).fetchall()
    own = journal.execute(
        "SELECT ref FROM credential WHERE stream = ? AND ticket_id = ?", (stream, ticket_id)
    ).fetchall()
    refs = sorted({row["ref"] for row in (*rows, *own)})
    found = (chip_of(mirror, journal, stream, ref) for ref in refs)
    standing = [chip for chip in found if chip and chip.stands and chip.ticket_id == ticket_id]
    ours = {chip.kind: chip.ref for chip in standing if _own(mirror, journal, stream, chip.ref)}
    return tuple(chip for chip in standing if ours.get(chip.kind, chip.ref) == chip.ref)


def chip_of(mirror: Mirror, journal: sqlite3.Connection, stream: str, ref: str) -> KnownChip | None:
    """What is known here of a chip."""
    own = _own(mirror, journal, stream, ref)
    if own is not None:
        return own
    with mirror.reading() as told:
        row = told.execute(
            "SELECT ref, ticket_id, kind, state FROM credential WHERE stream = ? AND ref = ?",
            (stream, ref),
        ).fetchone()
    return _known(row) if row else None


def bind_chip(unit: Unit, env: Env, stream: str, bound: CredentialBound) -> None:
    """Record that a chip stands for a ticket; an earlier one of its kind does so no longer."""
    op_id = OpId(env.random_bytes(16).hex())
    body = encode_credential_bound(bound)
    append(unit, stream, OpKind.CREDENTIAL_BOUND, body, op_id=op_id, wall_ms=bound.at_ms)
    unit.execute(
        "UPDATE credential SET state = ? WHERE stream = ? AND ticket_id = ? AND kind = ?",
        (CredentialState.UNBOUND, stream, bound.ticket_id, bound.kind),
    )
    _put(unit, stream, bound.ref, bound.ticket_id, bound.kind, CredentialState.BOUND, op_id)


def unbind_chip(
    unit: Unit, env: Env, stream: str, unbound: CredentialUnbound, kind: CredentialKind
) -> None:
    """Record that it stands for the ticket no longer."""
    op_id = OpId(env.random_bytes(16).hex())
    body = encode_credential_unbound(unbound)
    append(unit, stream, OpKind.CREDENTIAL_UNBOUND, body, op_id=op_id, wall_ms=unbound.at_ms)
    state = CredentialState.BLOCKED if unbound.blocked else CredentialState.UNBOUND
    _put(unit, stream, unbound.ref, unbound.ticket_id, kind, state, op_id)


def _put(
    unit: Unit,
    stream: str,
    ref: str,
    ticket_id: str,
    kind: CredentialKind,
    state: CredentialState,
    op_id: OpId,
) -> None:
    unit.execute(
        "INSERT OR REPLACE INTO credential (stream, ref, ticket_id, kind, state, at_ms, op_id) "
        "VALUES (?, ?, ?, ?, ?, 0, ?)",
        (stream, ref, ticket_id, kind, state, op_id),
    )


def _own(mirror: Mirror, journal: sqlite3.Connection, stream: str, ref: str) -> KnownChip | None:
    """What this node said of a chip, if the server's rows cannot show it yet."""
    row = journal.execute(
        "SELECT c.ref, c.ticket_id, c.kind, c.state, o.verdict, o.rev FROM credential c "
        "JOIN op o ON o.op_id = c.op_id WHERE c.stream = ? AND c.ref = ?",
        (stream, ref),
    ).fetchone()
    if row is None or row["verdict"] in ("disputed", "rejected"):
        return None
    is_told = row["verdict"] != "" and row["rev"] <= mirror.cursors().get(stream, 0)
    return None if is_told else _known(row)


def _known(row: sqlite3.Row) -> KnownChip:
    return KnownChip(
        CredentialRef(row["ref"]),
        TicketId(row["ticket_id"]),
        CredentialKind(row["kind"]),
        CredentialState(row["state"]),
    )
