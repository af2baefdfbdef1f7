"""Void, refund, exchange, replacement: who may do it where, and when the unit is sold again.

A void undoes a sale in the same shift at the same till; a refund comes later; an exchange gives
tickets for others; a replacement gives a new ticket for a lost one. All of them need the centre,
which knows of entries and of other tills, with one exception: the till's own sale that the centre
has not acknowledged, against its paper tickets, scanned.

A revoked ticket is void, and its unit `returned`: never sold again from local stock. The centre
alone frees it, one version up, so that gates refuse the old code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import U8_MAX, TicketId
from ticketing.operations import ExchangeAction, RefundAction
from ticketing.order import OrderAction, OrderState, next_state
from ticketing.ticket import TicketState

SILENT_AFTER_MS = 15 * 60_000

ReturnAction = RefundAction | ExchangeAction


def return_action(text: object) -> ReturnAction | None:
    """The action that a text names; None when it names none."""
    actions: dict[object, ReturnAction] = {each.value: each for each in RefundAction}
    actions |= {each.value: each for each in ExchangeAction}
    return actions.get(text) if isinstance(text, str) else None


class Route(StrEnum):
    """Where it may be done."""

    HERE = "here"  # at this till, also without the network
    CENTRE = "centre"  # with the centre's answer only


class ReturnRefusal(StrEnum):
    """Why it may not be done at all. Stored and sent, never renamed."""

    NO_TICKETS = "no_tickets"
    NOT_OF_ORDER = "not_of_order"
    ALREADY_REVOKED = "already_revoked"
    NOT_SAME_SHIFT = "not_same_shift"  # a void of another shift or till: refund it


@dataclass(frozen=True, slots=True)
class SoldOrder:
    """What the till knows of the order: its tickets' states, and whose sale it was."""

    tickets: Mapping[TicketId, TicketState]
    own: bool  # sold at this till
    same_shift: bool
    acknowledged: bool  # the centre has the sale, or may have told others of it


def return_route(
    action: ReturnAction,
    order: SoldOrder,
    tickets: Collection[TicketId],
    scanned: Collection[TicketId],
) -> Route | ReturnRefusal:
    """Where these tickets of the order may be revoked. `scanned`: the paper ones handed in."""
    if not tickets:
        return ReturnRefusal.NO_TICKETS
    if any(ticket not in order.tickets for ticket in tickets):
        return ReturnRefusal.NOT_OF_ORDER
    if any(order.tickets[ticket] is TicketState.VOID for ticket in tickets):
        return ReturnRefusal.ALREADY_REVOKED
    if action is RefundAction.VOID and not (order.own and order.same_shift):
        return ReturnRefusal.NOT_SAME_SHIFT
    if action is ExchangeAction.REPLACEMENT:  # there is no paper: its old code must die everywhere
        return Route.CENTRE
    unheard = order.own and not order.acknowledged
    return Route.HERE if unheard and set(tickets) <= set(scanned) else Route.CENTRE


def order_after(state: OrderState, action: ReturnAction, *, all_revoked: bool) -> OrderState | None:
    """The order's state when tickets of it were revoked; None when that can't be.

    `all_revoked`: it has no valid ticket left. A void of a part counts as a refund of a part, and
    what is given for other tickets is refunded in them.
    """
    if action is RefundAction.VOID and all_revoked and state is OrderState.PAID:
        return next_state(state, OrderAction.VOID)
    return next_state(state, OrderAction.REFUND_REST if all_revoked else OrderAction.REFUND_PART)


def version_after(version: int) -> int | None:
    """The version at which a revoked unit is sold again; None when a code can't carry a higher
    one: then it is never sold again.
    """
    return version + 1 if version < U8_MAX else None


class ResellPolicy(StrEnum):
    """When a revoked unit may be sold again. Stored and sent, never renamed."""

    NOW = "now"
    WHEN_GATES_ACKED = "when_gates_acked"


def default_resell(*, standing: bool) -> ResellPolicy:
    """Two people can't sit on one seat, but a standing place more is nobody's place."""
    return ResellPolicy.NOW if standing else ResellPolicy.WHEN_GATES_ACKED


@dataclass(frozen=True, slots=True)
class GateCursor:
    """How far an active gate has read the feed of this generation (0: nothing), and when heard."""

    node_id: str
    rev: int
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Resale:
    """Whether the unit is free, and which gates don't know of the revocation yet.

    `waiting` are in contact and will know soon; `silent` were not heard for 15 minutes, and a
    manager may decide to do without them. On a free unit, both are its exposure.
    """

    free: bool
    waiting: tuple[str, ...]
    silent: tuple[str, ...]


def resale(
    policy: ResellPolicy,
    revoked_rev: int,
    gates: Iterable[GateCursor],
    now_ms: int,
    without: Collection[str] = (),
) -> Resale:
    """Whether a unit whose ticket was revoked at `revoked_rev` may be sold again.

    `without`: gates that a manager does without; it counts for silent ones only.
    """
    behind = sorted(
        (gate for gate in gates if gate.rev < revoked_rev), key=lambda gate: gate.node_id
    )
    silent = tuple(g.node_id for g in behind if now_ms - g.heard_ms >= SILENT_AFTER_MS)
    waiting = tuple(g.node_id for g in behind if now_ms - g.heard_ms < SILENT_AFTER_MS)
    known = not waiting and all(node_id in without for node_id in silent)
    return Resale(policy is ResellPolicy.NOW or known, waiting, silent)
