"""What each operation does to the centre's rows, and the verdict it earns.

The node has already acted: the ticket is printed, the person is inside, the money has changed
hands. So a fact is recorded even when it should not have happened, and what is wrong with it
becomes a case. Everything is checked before anything is changed: an operation takes effect whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from sync_server.heart.agencies import is_foreign_ticket, own_order
from sync_server.heart.booking import book
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.credentials import record_at_till
from sync_server.heart.drawer import check_close
from sync_server.heart.effect import Effect
from sync_server.heart.entries import open_entered_case, record_at_gate
from sync_server.heart.handing import hand_over
from sync_server.heart.late import late_claim
from sync_server.heart.order_money import check_paid_back
from sync_server.heart.prices import check_sale_prices
from sync_server.heart.rows import Claim, Order, TicketRow
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.units import (
    close_if_spent,
    give_back,
    revoke_ticket,
    settle_all,
    spend_share,
)
from sync_server.heart.waiting import ask_back
from sync_server.heart.work import Work
from ticketing.admission import AllotmentState
from ticketing.claim import ClaimKind
from ticketing.journal import Op, OpKind, Verdict
from ticketing.operations import (
    CashMoved,
    CredentialBound,
    CredentialUnbound,
    DrawerOpened,
    EntryGranted,
    EntryPassage,
    Exchange,
    ExchangeAction,
    GateOpened,
    GateShut,
    HandOver,
    Interest,
    Print,
    Refund,
    Release,
    Sale,
    SaleLine,
    Settle,
    ShiftClosed,
    ShiftOpened,
    SignedIn,
    TicketBlocked,
    TicketLeft,
    Walked,
    decode_blocked,
    decode_cash_moved,
    decode_credential_bound,
    decode_credential_unbound,
    decode_drawer_opened,
    decode_entry,
    decode_exchange,
    decode_gate_opened,
    decode_gate_shut,
    decode_hand_over,
    decode_interest,
    decode_left,
    decode_passage,
    decode_print,
    decode_refund,
    decode_release,
    decode_sale,
    decode_settle,
    decode_shift_closed,
    decode_shift_opened,
    decode_signed_in,
    decode_walked,
)
from ticketing.order import OrderState
from ticketing.ticket import TicketState

Drawer = ShiftOpened | CashMoved | DrawerOpened | ShiftClosed
"""What happens at a till's drawer."""
AtBarrier = GateOpened | GateShut | Walked
"""What a gate tells of its barriers beside entries: facts that nothing follows from."""
Kind = (
    Sale
    | Release
    | Settle
    | Refund
    | Exchange
    | EntryGranted
    | EntryPassage
    | TicketLeft
    | TicketBlocked
    | Print
    | SignedIn
    | Interest
    | HandOver
    | CredentialBound
    | CredentialUnbound
    | Drawer
    | AtBarrier
)
"""An operation's body, read."""


_OP_VERSION = 1  # of the bodies that this server reads; a later kind of body is kept unread
_DECODERS: Mapping[str, Callable[[str], Kind | None]] = {
    OpKind.SALE: decode_sale,
    OpKind.RELEASE: decode_release,
    OpKind.SETTLE: decode_settle,
    OpKind.REFUND: decode_refund,
    OpKind.EXCHANGE: decode_exchange,
    OpKind.ENTRY: decode_entry,
    OpKind.PASSAGE: decode_passage,
    OpKind.EXIT: decode_left,
    OpKind.BLOCK: decode_blocked,
    OpKind.GATE_OPENED: decode_gate_opened,
    OpKind.GATE_SHUT: decode_gate_shut,
    OpKind.WALKED: decode_walked,
    OpKind.PRINT: decode_print,
    OpKind.HAND_OVER: decode_hand_over,
    OpKind.CREDENTIAL_BOUND: decode_credential_bound,
    OpKind.CREDENTIAL_UNBOUND: decode_credential_unbound,
    OpKind.INTEREST: decode_interest,
    OpKind.SIGN_IN: decode_signed_in,
    OpKind.SIGN_OUT: decode_signed_in,
    OpKind.SHIFT_OPENED: decode_shift_opened,
    OpKind.CASH_MOVED: decode_cash_moved,
    OpKind.DRAWER_OPENED: decode_drawer_opened,
    OpKind.SHIFT_CLOSED: decode_shift_closed,
}
_AT_BARRIER = frozenset({OpKind.GATE_OPENED, OpKind.GATE_SHUT, OpKind.WALKED})
_AT_GATES = frozenset({OpKind.ENTRY, OpKind.PASSAGE, OpKind.EXIT, OpKind.BLOCK}) | _AT_BARRIER
_KINDS_OF = {
    NodeRole.TILL: frozenset(_DECODERS) - _AT_GATES,
    NodeRole.GATE: _AT_GATES,
    NodeRole.HUB: frozenset(),  # it keeps no journal: it passes on those of the nodes below it
}
_AT_DRAWER = frozenset(
    {OpKind.SHIFT_OPENED, OpKind.CASH_MOVED, OpKind.DRAWER_OPENED, OpKind.SHIFT_CLOSED}
)
_IN_HOUSE_ALONE = _AT_DRAWER | _AT_BARRIER
_IN_HOUSE = _IN_HOUSE_ALONE | {OpKind.SIGN_IN, OpKind.SIGN_OUT}
_NOTED = Effect(Verdict.OK)


def read_op(work: Work, source: Source, op: Op) -> Kind | str:
    """The operation's body, or why it has no effect. A stolen gate can't sell, nor a till admit."""
    decoder = _DECODERS.get(op.kind)
    misplaced = op.kind not in _IN_HOUSE if work.is_house else op.kind in _IN_HOUSE_ALONE
    if decoder is None or misplaced:
        return "unknown_kind"
    if op.version != _OP_VERSION:
        return "unknown_version"
    if op.kind not in _KINDS_OF[source.role]:
        return "forbidden_kind"
    return decoder(op.body) or "malformed"


def want_rows(work: Work, op: Op, kind: Kind | str) -> None:
    """Name the rows that the operation will ask for."""
    match kind:
        case Sale():
            _want_lines(work, kind.lines)
        case Release():
            work.allots.want([str(kind.allotment)])
            work.claims.want((kind.performance, unit) for unit in kind.units)
        case Settle():
            work.allots.want([str(kind.allotment)])
        case Refund():
            work.orders.want([kind.order_id])
            work.tickets.want(kind.ticket_ids)
            work.want_entries(kind.ticket_ids)
            work.revocations.want([op.op_id])
        case Exchange():
            work.orders.want([kind.of_order])
            work.tickets.want(kind.returned)
            work.want_entries(kind.returned)
            work.revocations.want([op.op_id])
            _want_lines(work, kind.lines)
        case HandOver():
            work.handouts.want([kind.order_id])
        case CredentialBound() | CredentialUnbound():
            work.credentials.want([kind.ref])
            work.tickets.want([kind.ticket_id])
        case EntryGranted() | TicketLeft() | EntryPassage():
            work.entries.want([kind.entry if isinstance(kind, EntryPassage) else op.op_id])
            work.want_entries([kind.ticket_id])
            work.tickets.want([kind.ticket_id])
        case TicketBlocked():
            work.tickets.want([kind.ticket_id])
        case _:
            pass


def apply_op(work: Work, source: Source, op: Op, kind: Kind | str, *, final: bool = True) -> Effect:
    """Apply one operation. In quarantine what concerns units waits for the nodes' reports.

    `kind` is the body as `read_op` gave it, or the code under which the database refused it.
    """
    if isinstance(kind, str):
        if kind == "contradiction":
            _book_contradicted(work, source, op)
        return Effect(Verdict.REJECTED, kind)
    is_of_tickets = isinstance(kind, CredentialBound | CredentialUnbound)
    concerns_units = isinstance(kind, Sale | Release | Settle | Refund | Exchange) or is_of_tickets
    if final and concerns_units and work.awaits(source.node_id):
        return Effect(Verdict.DEFERRED)
    match kind:
        case Sale():
            return _sell(work, source, op, kind)
        case Release():
            return _release(work, source, kind)
        case Settle():
            return _settle(work, source, kind)
        case Refund():
            return _refund(work, source, op, kind)
        case Exchange():
            return _exchange(work, source, op, kind)
        case EntryGranted() | EntryPassage() | TicketLeft() | TicketBlocked():
            return record_at_gate(work, source.node_id, op, kind)
        case _:
            return _note(work, source, op, kind)


def _note(
    work: Work,
    source: Source,
    op: Op,
    kind: Print
    | SignedIn
    | Interest
    | HandOver
    | CredentialBound
    | CredentialUnbound
    | Drawer
    | AtBarrier,
) -> Effect:
    """What changes nothing that can be sold; cash that moved is booked."""
    if isinstance(kind, CredentialBound | CredentialUnbound):
        return record_at_till(work, source.node_id, op, kind)
    if isinstance(kind, HandOver):
        return Effect(Verdict.OK, shows=hand_over(work, source, kind))
    if isinstance(kind, ShiftOpened | CashMoved | ShiftClosed):
        book(work, source, op, kind)
    if isinstance(kind, ShiftClosed):
        check_close(work, source, kind)
    return _NOTED


# --- sales


def _sell(work: Work, source: Source, op: Op, sale: Sale) -> Effect:
    """Book order, tickets and money; what the till did not hold goes to the ladder."""
    if comes_twice(work, sale):
        return _contradiction(work, source, op)
    verdict, code = _sell_lines(work, source, sale.order_id, sale.lines)
    put_order(work, source, op, sale)
    book(work, source, op, sale)
    check_sale_prices(work, op, sale)
    return Effect(verdict, code, shows=True)


def _sell_lines(
    work: Work, source: Source, order_id: str, lines: tuple[SaleLine, ...]
) -> tuple[Verdict, str]:
    """Tickets for the lines; the worst verdict of them all counts for the sale."""
    verdict = Verdict.OK
    disputed: list[SaleLine] = []
    proposals: dict[str, list[int]] = {}
    for line in lines:
        claim: Claim | None = work.claim(line.performance, line.unit)
        assert claim is not None
        state = TicketState.VALID
        if not holds(work, claim, source.node_id, line):
            late = late_claim(work, source.node_id, claim, line, lines)
            claim = late.claim
            if claim is None:
                state = TicketState.DISPUTED
                disputed.append(line)
                proposals[line.ticket_id] = list(late.proposed)
            elif verdict is Verdict.OK:
                verdict = late.verdict
        if claim is not None:
            claim.kind, claim.ref, claim.node_id = ClaimKind.SOLD, line.ticket_id, source.node_id
            work.put_claim(claim)
        ticket = put_ticket(work, order_id, line, state, claim)
        if state is TicketState.DISPUTED:
            ask_back(work, ticket, source.node_id)
        if line.pool:
            spend_share(work, source, order_id, line)
    if not disputed:
        return verdict, "" if verdict is Verdict.OK else "not_held"
    body = {
        "node": source.node_id,
        "order": order_id,
        "tickets": [line.ticket_id for line in disputed],
        "units": [[line.performance, line.unit] for line in disputed],
        "proposals": proposals,
    }
    open_case(work, CaseKind.OVERSOLD, order_id, body)
    return Verdict.DISPUTED, "not_held"


def holds(work: Work, claim: Claim, node_id: str, line: SaleLine) -> bool:
    """Whether the unit is lent to this node, or its hub, under the allotment and version it sold."""
    return (
        claim.kind == ClaimKind.ALLOT
        and claim.ref == str(line.allotment)
        and claim.version == line.version
        and work.may_sell_for(node_id, claim.node_id)
    )


def comes_twice(work: Work, sale: Sale | Exchange) -> bool:
    """Whether its order or a ticket is there already, as far as this work has read or made it.

    A push reads none of them: what was sold in an earlier batch, the database refuses by itself.
    """
    return work.orders.known(sale.order_id) is not None or any(
        work.tickets.known(line.ticket_id) is not None for line in sale.lines
    )


def _contradiction(work: Work, source: Source, op: Op) -> Effect:
    _book_contradicted(work, source, op)
    return Effect(Verdict.REJECTED, "contradiction")


def _want_lines(work: Work, lines: tuple[SaleLine, ...]) -> None:
    work.claims.want((line.performance, line.unit) for line in lines)
    shares = [(str(line.allotment), line.pool) for line in lines if line.pool]
    if shares:
        work.shares.want(shares)
        work.pools.want(pool for _allot, pool in shares)


def put_ticket(
    work: Work, order_id: str, line: SaleLine, state: TicketState, claim: Claim | None
) -> TicketRow:
    """The ticket of a line; of a claim, that claim's unit."""
    ticket = TicketRow(
        work.stream,
        line.ticket_id,
        order_id,
        line.performance,
        claim.unit if claim else line.unit,
        claim.version if claim else line.version,
        state,
        str(line.allotment),
        line.tier_id,
        line.ticket_type_id,
        line.price_minor,
    )
    work.tickets.put(line.ticket_id, ticket)
    return ticket


def put_order(work: Work, source: Source, op: Op, sale: Sale | Exchange) -> None:
    """The order as it was sold."""
    order = Order(
        source.stream,
        sale.order_id,
        source.node_id,
        source.incarnation,
        op.seq,
        sale.receipt_no,
        OrderState.PAID,
        sale.total_minor,
        sale.currency,
        sale.sold_by,
        op.wall_ms,
    )
    work.orders.put(sale.order_id, order)


def _book_contradicted(work: Work, source: Source, op: Op) -> None:
    """The money has changed hands whatever else is wrong: the ledger has it.

    Orders and ledger then differ by it, which the books show until the case is settled.
    """
    kind = read_op(work, source, op)
    if isinstance(kind, Sale | Exchange | Refund):
        book(work, source, op, kind)


# --- stock


def _release(work: Work, source: Source, release: Release) -> Effect:
    """Free what the till still held of this allotment; others are left as they are."""
    allot = work.allots.get(str(release.allotment))
    if allot is None or not work.may_sell_for(source.node_id, allot.node_id):
        return Effect(Verdict.REJECTED, "not_held")
    freed = give_back(work, allot, release.performance, release.units, release.counts)
    close_if_spent(work, allot)
    if freed or allot.state == AllotmentState.WRITTEN_OFF:  # then the centre took it back before
        return Effect(Verdict.OK, shows=True)
    return Effect(Verdict.REJECTED, "not_held", shows=True)


def _settle(work: Work, source: Source, settle: Settle) -> Effect:
    """The node is done with the allotment: what it did not sell is free, and it is closed.

    Every sale from it came before. One that was written off stays so, but the shares that were kept
    for late sales go back.
    """
    allot = work.allots.get(str(settle.allotment))
    if allot is None or not work.may_sell_for(source.node_id, allot.node_id):
        return Effect(Verdict.REJECTED, "not_held")
    settle_all(work, allot)
    return Effect(Verdict.OK, shows=True)


# --- after the sale


def _refund(work: Work, source: Source, op: Op, refund: Refund) -> Effect:
    """Money was paid out for tickets, which the centre revoked before or revokes now."""
    order = own_order(work, source.node_id, refund.order_id)
    verdict = _take_back(work, source.node_id, op, refund.order_id, refund.ticket_ids)
    if order is not None:
        check_paid_back(work, source, op, refund)
    book(work, source, op, refund)
    if order is None:
        return Effect(Verdict.DISPUTED, "unknown_order", shows=True)
    order.refunded_minor += refund.worth_minor
    _note_refunded(work, order, voided=refund.action == "void")
    return Effect(verdict, "" if verdict is Verdict.OK else "not_valid", shows=True)


def _exchange(work: Work, source: Source, op: Op, exchange: Exchange) -> Effect:
    """Tickets went back and others were sold for their worth, in one go."""
    if comes_twice(work, exchange):
        return _contradiction(work, source, op)
    order = own_order(work, source.node_id, exchange.of_order)
    returned = _take_back(work, source.node_id, op, exchange.of_order, exchange.returned)
    sold, code = _sell_lines(work, source, exchange.order_id, exchange.lines)
    if order is not None:
        check_paid_back(work, source, op, exchange)
    put_order(work, source, op, exchange)
    book(work, source, op, exchange)
    if exchange.action is not ExchangeAction.REPLACEMENT:  # which costs what it cost, then
        check_sale_prices(work, op, exchange)
    if order is not None:
        order.refunded_minor += exchange.credit_minor
        _note_refunded(work, order, voided=False)
    if order is None or returned is not Verdict.OK:
        return Effect(Verdict.DISPUTED, "not_valid" if order else "unknown_order", shows=True)
    return Effect(sold, code, shows=True)


def _note_refunded(work: Work, order: Order, *, voided: bool) -> None:
    whole = order.refunded_minor >= order.total_minor
    if whole:
        order.state = OrderState.VOIDED if voided else OrderState.REFUNDED
    else:
        order.state = OrderState.PARTLY_REFUNDED
    work.orders.put(order.id, order)


def _take_back(
    work: Work, node_id: str, op: Op, order_id: str, ticket_ids: tuple[str, ...]
) -> Verdict:
    """Revoke tickets of an order, unless the centre has done so under this operation already.

    A ticket that was not there to be revoked, or that somebody went in on, is a case: the money
    has been paid out for it.
    """
    asked = work.revocations.get(op.op_id)
    revoked: frozenset[str] = frozenset()
    if asked is not None and asked.node_id == node_id:
        revoked = frozenset(json.loads(asked.body)["tickets"])
        asked.journalled = 1
        work.revocations.put(op.op_id, asked)
    wrong = []
    for ticket_id in ticket_ids:
        ticket = work.tickets.get(ticket_id)
        if (
            ticket is None
            or ticket.order_id != order_id
            or is_foreign_ticket(work, node_id, ticket_id)
            or (ticket_id not in revoked and not revoke_ticket(work, ticket))
        ):
            wrong.append(ticket_id)
        elif any(entry.phase != "returned" for entry in work.entries_of(ticket_id)):
            open_entered_case(work, ticket, op.op_id)
    if wrong:
        body = {"node": node_id, "order": order_id, "tickets": wrong, "op": op.op_id}
        open_case(work, CaseKind.REFUND, op.op_id, body)
        return Verdict.DISPUTED
    return Verdict.OK
