"""What nodes have recorded: greeting, pushing, salvaging, declaring."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from sync_server.handlers.shapes.terms import (
    U16,
    U32,
    AllotmentId,
    Count,
    CountFrom1,
    Cursors,
    Exact,
    Generation,
    Hash,
    Ms,
    Name,
    NoGeneration,
    NoName,
    OpId,
    OrderId,
    Proto,
    Seq,
    StreamId,
    That,
    TicketId,
    UnitVersion,
)
from sync_server.heart.history import (
    ASKED_PER_CALL_MAX,
    DECLARED_PER_CALL_MAX,
    UNITS_PER_ALLOTMENT_MAX,
)
from sync_server.heart.intake import OPS_PER_PUSH_MAX
from ticketing.journal import BODY_CHARS_MAX, Verdict
from ticketing.operations import COUNTS_MAX, LINES_MAX
from ticketing.returns import ReturnAction

Kind = Annotated[str, That(pattern="^[a-z][a-z_]{0,31}$")]
Body = Annotated[str, That(maxLength=BODY_CHARS_MAX)]
Operation = tuple[Seq, OpId, Kind, U16, Ms, Body, Hash]
"""Number, id, kind, version, the node's clock, the text that was hashed, the chain's hash."""
Operations = Annotated[list[Operation], That(minItems=1, maxItems=OPS_PER_PUSH_MAX)]
Tickets = Annotated[list[TicketId], That(minItems=1, maxItems=LINES_MAX)]


class JournalHead(TypedDict):
    """How far a journal goes, and its hash there; `locked`: it was told that it is fenced."""

    stream: StreamId
    inc: Seq
    seq: Exact
    hash: Hash
    locked: NotRequired[bool]


class Hello(TypedDict):
    """A node greets: its journals, its clock, and what it believes of the server's history."""

    proto: Proto
    now_ms: Ms
    unsynced: Count
    journals: Annotated[list[JournalHead], That(maxItems=500)]
    inc: NotRequired[Seq]
    all: NotRequired[bool]
    session: NotRequired[Annotated[str, That(maxLength=64)]]
    turn: NotRequired[Exact]
    program_version: NotRequired[NoName]
    gen: NotRequired[NoGeneration]
    cursors: NotRequired[Cursors]


class JournalKnown(TypedDict):
    """What the server has of a journal."""

    stream: StreamId
    inc: Seq
    acked: Exact
    hash: Hash
    forked: bool


class Greeted(TypedDict):
    """The server greets back."""

    gen: Generation
    proto: int
    min_proto: int
    now_ms: Ms
    venue: StreamId
    journals: list[JournalKnown]
    quarantined: list[StreamId]


class Push(TypedDict):
    """Operations `first` and those after it, which follow the hash `prev`."""

    inc: Seq
    first: Seq
    prev: Hash
    ops: Operations
    unsynced: Count


class Verdicts(TypedDict):
    """Of each operation: number, verdict, its code, revision."""

    acked: Exact
    hash: Hash
    verdicts: list[tuple[Seq, Verdict, str, Exact]]


class Log(TypedDict):
    """A piece of a fenced journal, from its first operation on."""

    inc: Seq
    first: Seq
    prev: Hash
    ops: Operations


class Stored(TypedDict):
    """The last operation that is kept."""

    stored: Exact


class DeclaredAllotment(TypedDict):
    """An allotment as the till has it."""

    id: AllotmentId
    p: U32
    units: Annotated[list[UnitVersion], That(maxItems=UNITS_PER_ALLOTMENT_MAX)]
    firm: NotRequired[bool]
    counts: NotRequired[Annotated[dict[Name, CountFrom1], That(maxProperties=COUNTS_MAX)]]
    req: NotRequired[Annotated[str, That(pattern="^([0-9a-f]{32})?$")]]
    granted_ms: NotRequired[Ms]
    soft_s: NotRequired[Count]
    hard_s: NotRequired[Count]
    over: NotRequired[bool]


class AskedRevocation(TypedDict):
    """A revocation that the till asked for and has not recorded."""

    op: OpId
    action: ReturnAction
    order: OrderId
    tickets: Tickets


class Declaration(TypedDict):
    """What a till had from a history that was lost; `done` ends its report on the event."""

    gen: str
    inc: Seq
    allotments: Annotated[list[DeclaredAllotment], That(maxItems=DECLARED_PER_CALL_MAX)]
    done: bool
    revocations: NotRequired[Annotated[list[AskedRevocation], That(maxItems=ASKED_PER_CALL_MAX)]]


class Declared(TypedDict):
    """Whether the event still waits for this node or for others."""

    quarantined: bool
