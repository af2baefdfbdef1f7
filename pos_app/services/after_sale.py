"""After the sale: void, refund, exchange, replacement. The tickets die first, the money moves second.

What needs the server is planned and kept, then asked for; with its yes the operation is recorded
under the id that was asked with, once, and only then anybody is told to pay. A program that ends
anywhere in between finds the question again, and goes on or drops it; nothing is paid twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from edge.admission_facts import Issuers
from edge.catalogue import Known
from edge.env import Env
from edge.errors import ReplicaFull
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import JournalLocked, Unit
from edge.link import LinkState
from edge.protocol.revoke import (
    Revocation,
    RevocationState,
    drop_revoke,
    find_revocation,
    pending_revocations,
    plan_revoke,
)
from edge.replica import Replica
from edge.returns import promised_units
from edge.sync import RevokeWish, SyncEngine
from pos_app.services import (
    after_sale_draft,
    after_sale_slip,
    after_sale_swap,
    sales,
    tender_back,
)
from pos_app.services.after_sale_difference import (
    asks_number,
    difference_refusal,
    opens_drawer,
    with_tender,
)
from pos_app.services.after_sale_draft import Draft
from pos_app.services.after_sale_elsewhere import Elsewhere
from pos_app.services.after_sale_finding import Finder, OwnOrder
from pos_app.services.after_sale_gate import GateOutlook, LastTold
from pos_app.services.after_sale_index import OrderIndex
from pos_app.services.after_sale_model import (
    Answer,
    Asked,
    AtGate,
    Barred,
    Chosen,
    Done,
    Finding,
    FoundOrder,
    Offer,
    OrderDetail,
    Refused,
    Request,
    Unfinished,
)
from pos_app.services.after_sale_offer import ACTIONS, OfferCounter, make_offer
from pos_app.services.after_sale_record import DeedRecorder, done_of
from pos_app.services.buyers import BuyerDesk
from pos_app.services.model import News, NewsKind, Person, SaleRefusal
from pos_app.services.people import role_of
from pos_app.services.printing import PrintDesk
from pos_app.services.shifts import shift_for
from program.logs import get_logger
from ticketing.ids import OpId, TicketId
from ticketing.journal import Op
from ticketing.operations import (
    Sale,
    encode_exchange,
    encode_sale,
)
from ticketing.pay_back import Funds
from ticketing.refund_rules import Deed
from ticketing.returns import ReturnRefusal, Route

T = TypeVar("T")
_SALE_CODES = {
    SaleRefusal.EMPTY: Barred.EMPTY,
    SaleRefusal.PRICE_CHANGED: Barred.PRICE_CHANGED,
    SaleRefusal.PRICE_OPEN: Barred.PRICE_CHANGED,
    SaleRefusal.UNIT_NOT_OURS: Barred.UNITS_GONE_BEFORE,
    SaleRefusal.SALE_ENDED: Barred.UNITS_GONE_BEFORE,
}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """What the window around these use cases knows and does."""

    person: Callable[[], Person | None]
    now: Callable[[], datetime]
    tell: Callable[[News], None]
    changed: Callable[[int], None]
    """Places of a performance are other than they were."""
    pay: Callable[[], None]
    """Open the drawer: cash goes out or comes in."""


class _NotHere(Exception):
    """Undo the transaction: the deed can't be done at this till alone."""

    def __init__(self, why: ReturnRefusal | Route) -> None:
        super().__init__(str(why))
        self.why = why


class AfterSale:
    """Implements AfterSaleServices. Every method may be called from any thread."""

    def __init__(
        self,
        replica: Replica,
        engine: SyncEngine,
        desk: PrintDesk,
        seller: tuple[Env, IdMint, NodeKey, str],
        counter: Counter,
        buyers: BuyerDesk,
        chips: Callable[[str], tuple[str, TicketId] | None],
        elsewhere: Elsewhere,
        issuers: Issuers,
    ) -> None:
        """`seller`: clock, ids, key and receipt prefix of this window."""
        self._replica, self._engine, self._desk, self._counter = replica, engine, desk, counter
        self._env, _ids, key, prefix = seller
        self._index = OrderIndex(replica)
        self._finder = Finder(replica, desk.catalogue, self._index, prefix, buyers, chips)
        self._recorder = DeedRecorder(seller, self._finder)
        self._elsewhere = elsewhere
        self._outlook = GateOutlook(replica, key, issuers, counter.now)

    def close(self) -> None:
        """Close what is open."""
        self._index.close()

    # --- looking

    def recent(self) -> tuple[FoundOrder, ...]:
        """The last orders of this window, newest first."""
        self._index.refresh()
        return self._finder.recent()

    def find(self, text: str, performance: int) -> Finding:
        """Orders by ticket code, receipt number, ticket number or seat of a performance."""
        return self._finder.find(text, performance)

    def detail(self, found: FoundOrder) -> OrderDetail | None:
        """One of them with its tickets; None when its event is not in the mirror any more."""
        own = self._facts(found.event_id, found.order_id, found.ticket_id)
        same_shift = own is not None and self._is_same_shift(own)
        detail = self._finder.detail(found, own, same_shift=same_shift)
        if detail is None:
            return None
        says = self._at_gate(own) if own is not None else {}
        tickets = tuple(replace(each, at_gate=says.get(each.id)) for each in detail.tickets)
        handout = self._elsewhere.handout(found.event_id, found.order_id)
        return replace(detail, tickets=tickets, handout=handout)

    def look_up(self, found: FoundOrder) -> bool:
        """Have the server tell how an order stands, and who went in; the answer is news."""
        if self._engine.link.state is not LinkState.ONLINE:
            return False
        return self._elsewhere.look_up(found.event_id, found.order_id, found.ticket_id)

    def hand_out(self, found: FoundOrder) -> bool:
        """Ask to print another window's order here; the answer is news. False when offline."""
        return self._elsewhere.hand_out(found.event_id, found.order_id)

    def offer(self, deed: Deed, chosen: Chosen) -> Offer | None:
        """What could be done with these tickets; None for an order that is not known here."""
        found = self._look(chosen)
        return None if found is None else self._offer(deed, chosen, *found)

    # --- doing

    def do(self, request: Request) -> Answer:
        """Do it: here where the rules allow that, else the server is asked first."""
        person = self._counter.person()
        if person is None:
            return Refused(Barred.NOT_SIGNED_IN)
        found = self._look(request.chosen)
        if found is None:
            return Refused(Barred.ELSEWHERE)
        own, known = found
        offer = self._offer(request.deed, request.chosen, own, known)
        approved_by = _approved_by(offer, person, request.approver)
        if approved_by is None:
            return Refused(offer.bars[0] if offer.bars else ReturnRefusal.NO_TICKETS)
        if (offer.back_minor, offer.fee_minor) != (request.back_minor, request.fee_minor):
            return Refused(Barred.TERMS_CHANGED)
        funds = self._funds(own) if own.from_node else ()
        draft = with_tender(
            _draft(request, own, person, offer, approved_by, funds), request, known.venue
        )
        refused = self._basket_refusal(draft, known)
        if refused is not None:
            return refused
        agreed = self._with_second_person(draft, known, person, request.approver)
        if isinstance(agreed, Refused):
            return agreed
        draft = agreed
        if offer.route is Route.HERE:
            if draft.asks_number and request.number is None:
                return asks_number(draft)
            return self._do_here(draft, known, request)
        return self._ask(draft, request.chosen)

    def progress(self, op_id: OpId, number: str | None = None) -> Answer:
        """What became of a question; with the server's yes, record it and say what to pay.

        `number` is what a machine's slip says of the payment, where that is asked for.
        """
        return self._progress(op_id, number, instead=False)

    def refund_instead(self, op_id: OpId, approver: Person | None = None) -> Answer:
        """Give back all that was paid, where the new places of an exchange are gone.

        Above a refund's cap it needs an `approver`.
        """
        person = self._counter.person()
        if person is None:
            return Refused(Barred.NOT_SIGNED_IN)
        with self._replica.reading() as connection:
            draft = after_sale_draft.kept(connection, op_id)
        known = self._desk.catalogue.event(draft.event_id) if draft else None
        if draft is None or known is None:
            return Refused(Barred.ELSEWHERE)
        payer = known.event.refund_rules.payer_of(draft.back_minor)
        if not role_of(person).covers(payer):
            if approver is None or not after_sale_swap.lets_be(approver, person, payer):
                return Refused(Barred.OVER_CAP, approval=payer)
            let = replace(draft, approved_by=approver.id)
            self._replica.transact(lambda unit: after_sale_draft.keep(unit, op_id, let))
        return self._progress(op_id, None, instead=True)

    def unfinished(self) -> tuple[Unfinished, ...]:
        """Everything begun and not ended, oldest first."""
        with self._replica.reading() as connection:
            pending = pending_revocations(connection)
            drafts = [after_sale_draft.kept(connection, each.op_id) for each in pending]
        return tuple(
            Unfinished(
                each.op_id,
                draft.deed,
                each.stream,
                each.order_id,
                draft.receipt_no,
                len(each.ticket_ids),
                draft.currency,
                max(0, -draft.paid_minor),
                max(0, draft.paid_minor),
                datetime.fromtimestamp(each.asked_ms / 1000, UTC),
                each.state is RevocationState.GRANTED,
            )
            for each, draft in zip(pending, drafts, strict=True)
            if draft is not None
        )

    def drop(self, op_id: OpId) -> bool:
        """Pay nothing for what was granted. False while the server has not answered."""

        def work(unit: Unit) -> bool:
            planned = find_revocation(unit, op_id)
            if planned is None or planned.state is not RevocationState.GRANTED:
                return False
            drop_revoke(unit, planned)
            after_sale_draft.forget(unit, op_id)
            return True

        dropped = self._replica.transact(work)
        if dropped:
            _log.warning("revocation_dropped", op_id=op_id)
            self._counter.tell(News(NewsKind.AFTER_SALE, reason=op_id))
        return dropped

    def kept_units(self) -> frozenset[tuple[str, int, int]]:
        """(event, performance, unit) that unfinished deeds need: nobody gives them back."""
        with self._replica.reading() as connection:
            kept = set(promised_units(connection))
            for each in pending_revocations(connection):
                draft = after_sale_draft.kept(connection, each.op_id)
                kept |= draft.units if draft else set()
        return frozenset(kept)

    def print_slip(self, done: Done) -> str:
        """Print the buyer's slip; "" or what went wrong in plain words."""
        return after_sale_slip.print_slip(self._desk, done, self._counter.now())

    # --- inside

    def _look(self, chosen: Chosen) -> tuple[OwnOrder, Known] | None:
        """The order and its event; None for what is not known here."""
        own = self._facts(chosen.event_id, chosen.order_id)
        known = self._desk.catalogue.event(chosen.event_id)
        return None if own is None or known is None else (own, known)

    def _facts(self, event_id: str, order_id: str, ticket_id: str = "") -> OwnOrder | None:
        """An order of this window, or of another as the server told of it."""
        own = self._finder.own(event_id, order_id) if order_id else None
        told = self._elsewhere.told(event_id, order_id, ticket_id)
        if told is None:
            return own
        return self._finder.foreign(told) if own is None else self._finder.joined(own, told)

    def _at_gate(self, own: OwnOrder) -> dict[TicketId, AtGate]:
        """What a gate would say of an order's tickets, as the server told of them last."""
        known = self._desk.catalogue.event(own.event_id)
        if known is None:
            return {}
        told = self._elsewhere.told(own.event_id, own.order.order_id)
        at = self._elsewhere.told_at(own.event_id, own.order.order_id)
        last = LastTold(told.at_gate, at) if told is not None and at is not None else None
        return self._outlook.of_order(own, known, last)

    def _offer(self, deed: Deed, chosen: Chosen, own: OwnOrder, known: Known) -> Offer:
        person = self._counter.person()
        counter = OfferCounter(
            self._counter.now(),
            same_shift=self._is_same_shift(own),
            role=role_of(person),
            is_online=self._engine.link.state is LinkState.ONLINE,
            has_shift=bool(self._shift(own.order.currency)),
        )
        offer = make_offer(deed, chosen, own, known, counter)
        if deed is Deed.EXCHANGE:
            return replace(offer, funds=self._funds(own))
        if deed not in (Deed.VOID, Deed.REFUND):
            return offer
        way = tender_back.paid_back(self._funds(own), offer.back_minor, known.venue)
        return replace(offer, legs=way.legs, cash_minor=way.cash_minor)

    def _funds(self, own: OwnOrder) -> Funds:
        """The money that came with an order, as far as it is known here what is left of it."""
        told = self._elsewhere.told(own.event_id, own.order.order_id) if own.from_node else None
        with self._replica.reading() as connection:
            if own.from_node:
                return tender_back.funds_elsewhere(connection, own.event_id, own, told)
            return tender_back.funds(connection, own.event_id, own.order)

    def _shift(self, currency: str) -> str:
        """The shift that would pay and take; "" without one."""
        with self._replica.reading() as connection:
            return shift_for(connection, currency)

    def _is_same_shift(self, own: OwnOrder) -> bool:
        """Whether the shift that sold it is the one that is open."""
        return own.order.shift != "" and own.order.shift == self._shift(own.order.currency)

    def _basket_refusal(self, draft: Draft, known: Known) -> Refused | None:
        """Why what is to be taken instead can't be sold, or the cash for it does not do."""
        if draft.deed is not Deed.EXCHANGE:
            return None
        basket = draft.basket
        if basket is None or not basket.lines:
            return Refused(Barred.EMPTY)
        if basket.event_id != draft.event_id:
            return Refused(Barred.OTHER_EVENT)
        with self._replica.reading() as connection:
            context = sales.price_context(
                connection, draft.event_id, self._counter.now(), self._counter.person()
            )
        refused = sales.refusal(basket, known.event, context.now, context)
        if refused is not None:
            return Refused(_SALE_CODES.get(refused.reason, str(refused.reason)), refused.units)
        return difference_refusal(draft, known.venue)

    def _with_second_person(
        self, draft: Draft, known: Known, person: Person, approver: Person | None
    ) -> Draft | Refused:
        """An exchange with who let it be, where its payment or its new places need that."""
        if draft.deed is not Deed.EXCHANGE:
            return draft
        let = replace(draft, approved_by=approver.id) if approver is not None else draft
        payer = after_sale_swap.over_cap(draft, known.event.refund_rules, person)
        if payer is not None:
            if not after_sale_swap.lets_be(approver, person, payer):
                return Refused(Barred.OVER_CAP, approval=payer)
            draft = let
        refused = self._rehearsed(draft, known)
        if isinstance(refused, Refused) and refused.approval is not None:
            if not after_sale_swap.lets_be(approver, person, refused.approval):
                return refused
            draft = let
            refused = self._rehearsed(draft, known)
        return draft if refused is None else refused

    def _rehearsed(self, draft: Draft, known: Known) -> Refused | None:
        """Why the new places can't be taken as it stands."""
        try:
            return after_sale_swap.rehearse(
                self._replica, self._recorder.seller_of(draft), known.event, draft
            )
        except JournalLocked:
            return Refused(Barred.SELLING_LOCKED)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return Refused(Barred.DISK_FULL)

    def _commit(self, work: Callable[[Unit], T]) -> T | Refused:
        """One transaction, or why the till can record nothing now."""
        try:
            return self._replica.transact(work)
        except JournalLocked:
            return Refused(Barred.SELLING_LOCKED)
        except sales.NoShift:
            return Refused(Barred.NO_SHIFT)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return Refused(Barred.DISK_FULL)

    def _do_here(self, draft: Draft, known: Known, request: Request) -> Done | Refused:
        chosen = request.chosen

        def work(unit: Unit) -> Op:
            done = self._recorder.here(unit, draft, known, chosen, request.number or "")
            if not isinstance(done, Op):
                raise _NotHere(done)
            return done

        try:
            op = self._commit(work)
        except _NotHere as not_here:
            refusal = not_here.why
            return Refused(Barred.OFFLINE if isinstance(refusal, Route) else refusal)
        except sales.UnitsGone as gone:
            return after_sale_swap.places_gone(gone)
        return op if isinstance(op, Refused) else self._recorded(draft, known, op)

    def _ask(self, draft: Draft, chosen: Chosen) -> Asked | Refused:
        def work(unit: Unit) -> Revocation:
            planned = plan_revoke(
                unit,
                self._env,
                draft.event_id,
                ACTIONS[draft.deed],
                draft.order_id,
                chosen.ticket_ids,
            )
            after_sale_draft.keep(unit, planned.op_id, draft)
            return planned

        planned = self._commit(work)
        if isinstance(planned, Refused):
            return planned
        op_id = planned.op_id
        self._env.maybe_crash("after_plan_before_ask")

        def answered(_outcome: object) -> None:
            self._counter.tell(News(NewsKind.AFTER_SALE, reason=op_id))

        # Not taken because the network just went: it is asked again when it is back.
        self._engine.wish(RevokeWish(op_id, answered))
        return Asked(op_id)

    def _progress(self, op_id: OpId, number: str | None, *, instead: bool) -> Answer:
        with self._replica.reading() as connection:
            planned = find_revocation(connection, op_id)
            draft = after_sale_draft.kept(connection, op_id)
        if planned is None or draft is None:
            return Refused(planned.code if planned else Barred.ELSEWHERE)
        if planned.state is RevocationState.ASKED:
            return Asked(op_id)
        if planned.state is RevocationState.REFUSED:
            self._replica.transact(lambda unit: after_sale_draft.forget(unit, op_id))
            return Refused(planned.code)
        known = self._desk.catalogue.event(draft.event_id)
        if known is None:
            return Refused(Barred.ELSEWHERE)
        if draft.asks_number and number is None and not instead:
            return asks_number(draft, op_id)
        return self._finish(planned, draft, known, number or "", instead=instead)

    def _finish(
        self, planned: Revocation, draft: Draft, known: Known, number: str, *, instead: bool
    ) -> Done | Refused:
        def work(unit: Unit) -> Op | None:
            now = find_revocation(unit, planned.op_id)
            if now is None or now.state is not RevocationState.GRANTED:
                return None  # somebody was quicker: it is paid already
            op = self._recorder.answered(unit, planned, draft, known, number, instead=instead)
            after_sale_draft.forget(unit, planned.op_id)
            return op

        try:
            op = self._commit(work)
        except sales.UnitsGone as gone:
            return Refused(Barred.UNITS_GONE, gone.units)
        if op is None:
            return Refused(ReturnRefusal.ALREADY_REVOKED)
        return op if isinstance(op, Refused) else self._recorded(draft, known, op)

    def _recorded(self, draft: Draft, known: Known, op: Op) -> Done:
        """It stands: now the drawer, and the news."""
        done = done_of(draft, op)
        if opens_drawer(done, known.venue):
            self._counter.pay()
        self._engine.nudge()
        for performance in known.event.performances:
            self._counter.changed(performance.number)
        self._counter.tell(News(NewsKind.STATUS))
        return done


def _approved_by(offer: Offer, person: Person, approver: Person | None) -> str | None:
    """Who let it be; "" where there was nothing to let be, None where nobody may or did."""
    if offer.can_be_done:
        return person.id if offer.is_beyond else ""
    if offer.approval is None or approver is None or approver.id == person.id:
        return None
    return approver.id if role_of(approver).covers(offer.approval) else None


def _draft(
    request: Request,
    own: OwnOrder,
    person: Person,
    offer: Offer,
    approved_by: str,
    funds: Funds,
) -> Draft:
    basket = request.basket if request.deed is Deed.EXCHANGE else None
    # A void is of the same shift; what a manager lets be later is a refund of everything.
    is_late_void = offer.is_beyond and request.deed is Deed.VOID
    return Draft(
        Deed.REFUND if is_late_void else request.deed,
        request.chosen.event_id,
        request.chosen.order_id,
        own.order.receipt_no,
        len(request.chosen.ticket_ids),
        own.order.currency,
        person.id,
        request.reason.value,
        request.back_minor,
        offer.fee_for(basket.total_minor) if basket else request.fee_minor,
        basket,
        request.tendered_minor,
        _body_of(own) if own.from_node else "",
        approved_by,
        tuple((one.tender, one.amount_minor, one.reference) for one in funds),
    )


def _body_of(own: OwnOrder) -> str:
    order = own.order
    return encode_sale(order) if isinstance(order, Sale) else encode_exchange(order)
