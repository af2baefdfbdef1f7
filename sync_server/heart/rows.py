"""Rows of an event as objects: one attribute per column, as `store.schema` has them.

`rev` is the revision the row had when it was read, 0 for a new one; the unit of work gives it the
next one when it writes the row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Claim:
    """Who has one unit of a performance. `ref`: the allotment's or the ticket's id."""

    event_id: str
    perf_id: int
    unit: int
    kind: str = "free"
    ref: str = ""
    node_id: str = ""
    version: int = 0
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class Allot:
    """Units and shares of pools lent to a node, or held by the server (`node_id` empty)."""

    event_id: str
    id: str
    node_id: str
    inc: int
    perf_id: int
    req: str
    firm: int
    state: str
    granted_ms: int
    expires_ms: int
    soft_s: int
    hard_s: int
    recall: int
    body: str
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class Pool:
    """Counted rights. free + lent + spent = capacity, says the database too."""

    event_id: str
    id: str
    capacity: int
    free: int
    lent: int
    spent: int
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class Share:
    """What of a pool is lent with an allotment, and what of it has been spent."""

    event_id: str
    allot_id: str
    pool_id: str
    lent: int
    spent: int


@dataclass(slots=True)
class Journal:
    """How far the centre has a node's journal."""

    event_id: str
    node_id: str
    inc: int
    seq: int
    hash: str
    state: str


@dataclass(slots=True)
class OpRow:
    """An operation as it came, with the verdict it earned. `rev` is set when it is written."""

    event_id: str
    node_id: str
    inc: int
    seq: int
    branch: str
    op_id: str
    kind: str
    version: int
    wall_ms: int
    body: str
    hash: str
    received_ms: int
    verdict: str
    verdict_code: str
    rev: int = 0


@dataclass(slots=True)
class Order:
    """An order, where it was written down, and what of its money has been paid back."""

    event_id: str
    id: str
    node_id: str
    inc: int
    seq: int
    receipt_no: str
    state: str
    total_minor: int
    currency: str
    sold_by: str
    sold_ms: int
    refunded_minor: int = 0
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class TicketRow:
    """A ticket. The database admits one valid ticket per unit."""

    event_id: str
    id: str
    order_id: str
    perf_id: int
    unit: int
    version: int
    state: str
    allot_id: str
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rev: int = 0
    was: int = 0
    blocked: str = ""


@dataclass(slots=True)
class LedgerLine:
    """Money moved by one operation; the lines of an operation sum to nothing."""

    event_id: str
    node_id: str
    inc: int
    seq: int
    branch: str
    line: int
    order_id: str
    account: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class EntryRow:
    """A ticket let in at a lane, or (`phase` left) gone out there. `again`: a further entry that
    the ticket's rule allows. `ticket_type`: the number in the code, 0 when it was not told. `by_hand`: let
    in by two people against the rules, `people`. `corrected_ms`: `at_ms` by the centre's clock, 0 when
    nobody measured how wrong the gate's was.
    """

    event_id: str
    op_id: str
    ticket_id: str
    perf_id: int
    unit: int
    node_id: str
    lane: str
    phase: str
    at_ms: int
    offline: int
    journalled: int
    rev: int = 0
    was: int = 0
    again: int = 0
    ticket_type: int = 0
    by_hand: int = 0
    people: str = ""
    corrected_ms: int = 0


@dataclass(slots=True)
class Case:
    """Something a person must settle."""

    event_id: str
    id: str
    kind: str
    state: str
    opened_ms: int
    closed_ms: int
    resolution: str
    body: str
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class BuyerRow:
    """Who bought an order, sealed; `sealed` is "" once it was erased."""

    event_id: str
    order_id: str
    key_no: int
    sealed: str
    tokens: str
    node_id: str
    at_ms: int
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class HandoutRow:
    """Who may print an order's tickets first, and who asks for it."""

    event_id: str
    order_id: str
    keeper: str
    wanted_by: str = ""
    turn: int = 0
    copies: int = 0
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class CredentialRow:
    """A chip (`ref`: see `ticketing.credential`) and the ticket it stands for, or stood for.

    `node_id` and `at_ms`, by the centre's clock: who said so last. `counter` is the highest tap
    that was let in, -1 for none.
    """

    event_id: str
    ref: str
    ticket_id: str
    kind: str
    state: str
    ticket_type: int
    counter: int
    node_id: str
    at_ms: int
    rev: int = 0
    was: int = 0


@dataclass(slots=True)
class Revocation:
    """Tickets revoked at a till's word; `journalled` once its journal told of the money."""

    event_id: str
    op_id: str
    node_id: str
    action: str
    asked_ms: int
    journalled: int
    body: str
