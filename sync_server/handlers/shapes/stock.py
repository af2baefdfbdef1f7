"""What tills ask of the stock and of orders: lending, holding, revoking, printing, buyers."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from sync_server.handlers.shapes.journals import Tickets
from sync_server.handlers.shapes.terms import (
    U8,
    U32,
    AllotmentId,
    Count,
    CountFrom1,
    Exact,
    Generation,
    Hex,
    Key,
    Minor,
    Ms,
    Name,
    NodeId,
    OpId,
    OrderId,
    Seq,
    Signature,
    That,
    TicketId,
    UnitVersion,
)
from sync_server.heart.buyers import BUYERS_PER_CALL_MAX
from sync_server.heart.stock import HOLD_TTL_MAX_S, HOLD_UNITS_MAX
from sync_server.services.orders import MOVEMENTS_MAX
from ticketing.operations import COUNTS_MAX
from ticketing.personal import TOKENS_MAX
from ticketing.returns import ReturnAction

TtlS = Annotated[int, That(minimum=1, maximum=HOLD_TTL_MAX_S)]


class Wish(TypedDict):
    """Borrow these units, or so many: one of the two."""

    req: OpId
    performance: U32
    units: NotRequired[Annotated[list[U32], That(uniqueItems=True)]]
    count: NotRequired[Exact]
    counts: NotRequired[Annotated[dict[Name, U32], That(maxProperties=COUNTS_MAX)]]
    firm: NotRequired[bool]


class Allotment(TypedDict):
    """Units lent to a till, each with its version."""

    id: AllotmentId
    inc: Exact
    p: U32
    firm: bool
    state: Literal["open", "closed", "written_off"]
    units: list[UnitVersion]
    counts: dict[str, Count]
    granted_ms: Ms
    soft_s: Count
    hard_s: Count
    recall: bool


class Lent(TypedDict):
    """An allotment, in the history in which it was decided.

    A hub may pass on several: `more`. It was lent them before; `lent_now_ms` is the time by the
    clock of who granted them, 0 when nobody knows.
    """

    gen: Generation
    now_ms: Ms
    allotment: Allotment
    more: NotRequired[list[Allotment]]
    lent_now_ms: NotRequired[Ms]


class Unlent(TypedDict):
    """Allotments of a hub that it never passed on, and the history in which it has them."""

    gen: Generation
    allotments: Annotated[list[AllotmentId], That(maxItems=200)]


class UnlentTaken(TypedDict):
    """How many of them ended by that."""

    taken: Count


class HoldWish(TypedDict):
    """Hold these units, or so many side by side: one of the two."""

    req: OpId
    performance: U32
    ttl_s: TtlS
    units: NotRequired[Annotated[list[U32], That(uniqueItems=True, maxItems=HOLD_UNITS_MAX)]]
    count: NotRequired[Annotated[int, That(minimum=1, maximum=HOLD_UNITS_MAX)]]
    tier: NotRequired[Name | None]
    counts: NotRequired[Annotated[dict[Name, CountFrom1], That(maxProperties=COUNTS_MAX)]]


class HoldNamed(TypedDict):
    """Which hold."""

    hold: AllotmentId


class HoldLonger(TypedDict):
    """Which hold, and how long from now."""

    hold: AllotmentId
    ttl_s: TtlS


class Hold(TypedDict):
    """Units kept for a while."""

    id: AllotmentId
    p: U32
    units: list[UnitVersion]
    counts: dict[str, Count]
    held: bool
    left_ms: Ms


class Held(TypedDict):
    """The hold as it is now."""

    hold: Hold


class Revocation(TypedDict):
    """Tickets of an order that gates must refuse from now on."""

    op: OpId
    action: ReturnAction
    order: OrderId
    tickets: Tickets
    inc: Seq


class RevokedTicket(TypedDict):
    """A ticket, and what it is now."""

    id: TicketId
    state: str


class Revoked(TypedDict):
    """With the units of a replacement lent."""

    gen: Generation
    now_ms: Ms
    tickets: list[RevokedTicket]
    allotment: Allotment | None


class OrderWanted(TypedDict):
    """An order by its id, or by one of its tickets."""

    order: NotRequired[str]
    ticket: NotRequired[str]


Movement = tuple[OpId, NodeId, str, str, Ms]
"""An entry or exit that counts: its operation, gate, lane, the phase it is in, and when."""


class OrderTicket(TypedDict):
    """`p` performance, `u` unit, `v` version, `in_ms` when somebody went in with it (0: nobody)."""

    id: TicketId
    state: str
    p: U32
    u: U32
    v: U8
    blocked: str
    in_ms: Ms
    moves: Annotated[list[Movement], That(maxItems=MOVEMENTS_MAX)]


class ToldOrder(TypedDict):
    """`left`: what is left of its money; `counted`: the operations that gave back."""

    kind: str
    node: NodeId
    at_ms: Ms
    body: str
    tickets: list[OrderTicket]
    turn: int
    left: list[tuple[str, Minor, str]]
    counted: list[OpId]


class HandoutWanted(TypedDict):
    """An order that is to be printed here."""

    order: OrderId


class HandoutAsked(TypedDict):
    """Who may print it has not answered yet."""

    state: Literal["asked"]
    now_ms: Ms


class HandedOut(ToldOrder):
    """It is this till's now, with its codes."""

    state: Literal["yours"]
    now_ms: Ms


class Buyer(TypedDict):
    """What is known of an order's buyer, sealed with the key of this number; "": erased."""

    order: OrderId
    key: Count
    sealed: Annotated[str, That(pattern="^(([0-9a-f]{2}){13,1024})?$")]
    tokens: Annotated[
        list[Annotated[str, That(pattern="^[0-9a-f]{24}$")]], That(maxItems=TOKENS_MAX)
    ]
    at_ms: Ms


class Buyers(TypedDict):
    """Each order once."""

    buyers: Annotated[list[Buyer], That(minItems=1, maxItems=BUYERS_PER_CALL_MAX)]


class BuyersTaken(TypedDict):
    """How many of them said something new."""

    gen: Generation
    news: Count


class KeysWanted(TypedDict):
    """A key made for this answer (X25519), signed by the node's own."""

    public: Key
    signature: Signature


class Keys(TypedDict):
    """Keys sealed to that key, signed by the server's."""

    keys: Hex
    signature: Signature
