"""What gates ask for a scan, and what hubs tell of the nodes below them."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from sync_server.handlers.shapes.terms import (
    U32,
    Count,
    Cursors,
    Exact,
    Generation,
    Ms,
    Name,
    NodeId,
    NoName,
    OpId,
    That,
    TicketId,
)
from sync_server.heart.arbiter import SEEN_MAX
from sync_server.heart.granted import GRANTED_PER_CALL_MAX
from ticketing.code import CODE_CHARS
from ticketing.credential import CredentialKind
from ticketing.sun import COUNTER_MAX


class Chip(TypedDict):
    """The chip that was held to the reader, and the ticket it stands for."""

    ref: Annotated[str, That(pattern="^[0-9a-f]{32}$")]
    kind: CredentialKind
    ticket: TicketId
    counter: NotRequired[Annotated[int, That(minimum=0, maximum=COUNTER_MAX)]]
    link: NotRequired[Annotated[str, That(maxLength=1_000)]]
    signed: NotRequired[bool]
    checked: NotRequired[bool]


class Scan(TypedDict):
    """A code or a chip at a lane; `seen`: entries that the gate knows of already."""

    op: OpId
    lane: Name
    seen: Annotated[list[OpId], That(maxItems=SEEN_MAX)]
    code: NotRequired[Annotated[str, That(maxLength=CODE_CHARS * 4)]]
    gate: NotRequired[NoName]
    chip: NotRequired[Chip | None]


class Admitted(TypedDict):
    """Let in, and recorded as this operation."""

    accepted: Literal[True]
    op: OpId
    unconfirmed: bool
    notes: NotRequired[list[str]]


class FirstEntry(TypedDict):
    """Who was let in before."""

    op: OpId
    node: NodeId
    lane: str
    at_ms: Ms


class Miss(TypedDict):
    """What exactly stands in the way."""

    kind: str
    at_ms: NotRequired[Ms]
    gate: NotRequired[object]
    note: NotRequired[str]


class Refused(TypedDict):
    """Not let in, and why."""

    accepted: Literal[False]
    reason: str
    first_entry: FirstEntry | None
    miss: NotRequired[Miss]


class HeardNode(TypedDict):
    """A node below the hub: when it was heard, its clock against the hub's, how far it has read."""

    id: NodeId
    ago_ms: Exact
    unsynced: Exact
    version: NoName
    clock_off_ms: Annotated[int, That(minimum=-(2**53 - 1), maximum=2**53 - 1)]
    cursors: Cursors


class HeardBelow(TypedDict):
    """All nodes of which the hub has heard."""

    gen: Generation
    nodes: Annotated[list[HeardNode], That(maxItems=500)]


class Noted(TypedDict):
    """Of how many it was noted."""

    noted: Count


class GrantedEntry(TypedDict):
    """An entry that the hub's arbiter recorded: `p` performance, `u` unit, `type` ticket type."""

    op: OpId
    node: NodeId
    ticket: TicketId
    p: U32
    u: U32
    type: U32
    lane: Name
    at_ms: Ms


class GrantedBelow(TypedDict):
    """Entries, whether or not their gates tell of them."""

    entries: Annotated[list[GrantedEntry], That(maxItems=GRANTED_PER_CALL_MAX)]


class Taken(TypedDict):
    """How many were new."""

    taken: Count


class StoppedArbiter(TypedDict):
    """The hub answers no more gates of the event since it was asked back under this epoch."""

    epoch: Exact


class StoppedTaken(TypedDict):
    """Whether that ended its turn."""

    taken: bool
