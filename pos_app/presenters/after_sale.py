"""The orders screen's mind: finding, previewing, doing, and what was left unfinished.

The server's answer comes as news. Its yes is acted on at once: it is recorded, and the amount to
pay is shown. An exchange borrows the sell screen: what is picked there is taken instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pos_app.presenters.after_sale_state import BROKEN, AfterSaleState, Approvers, Approving
from pos_app.presenters.giving import Denied, can_approve
from pos_app.presenters.observable import Observable
from pos_app.services.after_sale_model import (
    HANDOUT_ASKED,
    Answer,
    Asked,
    AsksNumber,
    Barred,
    Chosen,
    Done,
    Finding,
    FoundOrder,
    GoReason,
    Offer,
    OrderDetail,
    Refused,
    Request,
    TicketStanding,
    Unfinished,
)
from pos_app.services.model import (
    News,
    NewsKind,
    Person,
    PrintOutcome,
    PrintResult,
    SignInRefused,
)
from pos_app.services.people import role_of
from ticketing.ids import OrderId, TicketId
from ticketing.refund_rules import Deed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pos_app.presenters.runner import Run
    from pos_app.services.after_sale_model import AfterSaleServices
    from pos_app.services.basket import Basket
    from ticketing.ids import OpId

_LIVING: Final = (TicketStanding.VALID, TicketStanding.DISPUTED)
_USUAL_REASONS: Final = {Deed.VOID: GoReason.MISTAKE, Deed.REPLACEMENT: GoReason.LOST}


class AfterSalePresenter(Observable[AfterSaleState]):
    """`print_order` prints an order's tickets, as the sell screen does; on the printing lane."""

    def __init__(
        self,
        services: AfterSaleServices,
        run: Run,
        run_printing: Run,
        print_order: Callable[[str], PrintResult],
        approvers: Approvers | None = None,
    ) -> None:
        super().__init__(AfterSaleState())
        self._services = services
        self._run = run
        self._run_printing = run_printing
        self._print_order = print_order
        self._approvers = approvers
        self._swapping: Request | None = None  # until it is asked for, or has its number

    # ------------------------------------------------------------------------------- finding

    def open(self) -> None:
        """Show the last orders, and what was left unfinished."""
        if not self.state.query:
            self._run(self._services.recent, self._show_recent, self._fail)
        if self.state.detail is not None:
            self._ask_server(self.state.detail.found)
        self._refresh_detail()
        self.refresh_unfinished()

    def refresh(self) -> None:
        """Something of the open order may be other than it is shown."""
        self._refresh_detail()
        if not self.state.query:
            self._run(self._services.recent, self._show_recent, self._fail)

    def warm_up(self) -> None:
        """Read what there is before anybody asks: the first time it takes a while."""
        self._run_printing(self._services.recent, self._show_recent, self._fail)
        self.refresh_unfinished()

    def search(self, text: str, performance: int) -> None:
        """Find by code, number or seat; nothing typed shows the last orders again."""
        if self.state.is_busy:
            return
        wanted = text.strip()
        self._become(replace(self.state, query=wanted, refused=None))
        if not wanted:
            self._become(replace(self.state, note=None))
            self._run(self._services.recent, self._show_recent, self._fail)
            return
        self._run(lambda: self._services.find(wanted, performance), self._show_found, self._fail)

    def pick(self, found: FoundOrder) -> None:
        """Show an order; all of its living tickets are chosen."""
        if self.state.is_busy:
            return
        self._become(replace(self.state, refused=None))
        self._load(found, None)

    def toggle(self, ticket_id: TicketId) -> None:
        """Choose a ticket, or leave it out."""
        detail = self.state.detail
        if detail is None or self.state.is_busy or ticket_id not in _living(detail):
            return
        self._choose(self.state.chosen ^ {ticket_id})

    def choose_all(self) -> None:
        """Choose every living ticket; if they all are chosen, none."""
        detail = self.state.detail
        if detail is not None and not self.state.is_busy:
            living = _living(detail)
            self._choose(frozenset() if self.state.chosen == living else living)

    # --------------------------------------------------------------------------------- doing

    def preview(self, deed: Deed) -> None:
        """Look at a deed before it is done; nothing happens yet."""
        offer = self.state.offers.get(deed)
        if self.state.is_busy or offer is None or not (offer.can_be_done or offer.approval):
            return
        reason = _USUAL_REASONS.get(deed, GoReason.BUYER)
        if deed is Deed.EXCHANGE and offer.approval is not None:
            self._become(replace(self.state, refused=None, reason=reason))
            self._ask_approval(offer)
        elif deed is Deed.EXCHANGE:
            self._become(
                replace(
                    self.state,
                    exchange=offer,
                    card=None,
                    refused=None,
                    reason=reason,
                    approver=None,
                )
            )
        else:
            self._become(replace(self.state, card=offer, refused=None, reason=reason))

    def choose_reason(self, reason: GoReason) -> None:
        """Say why."""
        if not self.state.is_busy:
            self._become(replace(self.state, reason=reason))

    def confirm(self) -> None:
        """Do what the card says, once who has to has let it be. One at a time."""
        card = self.state.card
        if card is None or self.state.is_busy:
            return
        if card.approval is not None:
            self._ask_approval(card)
        else:
            self._do(self._request(card))

    def approve(self, person_id: str, pin: str) -> None:
        """Somebody has typed their PIN to let it be."""
        approving, approvers = self.state.approving, self._approvers
        if approving is None or approvers is None or approving.checking:
            return
        self._become(replace(self.state, approving=replace(approving, checking=True, refused=None)))
        self._run(lambda: approvers.approve(person_id, pin), self._checked, self._fail)

    def _ask_approval(self, offer: Offer) -> None:
        if offer.approval is not None:
            self._ask_for(Approving(offer, offer.approval, offer.bars[0] if offer.bars else ""))

    def _ask_for(self, approving: Approving) -> None:
        approvers, role = self._approvers, approving.role
        if approvers is None:
            return
        self._become(replace(self.state, approving=approving))

        def show(people: tuple[Person, ...]) -> None:
            now = self.state.approving
            if now is not None:
                able = can_approve(people, role, approvers.signed_in)
                self._become(
                    replace(self.state, approving=replace(now, people=able, checking=False))
                )

        self._run(approvers.people, show, self._fail)

    def _checked(self, answer: Person | SignInRefused) -> None:
        approving, approvers = self.state.approving, self._approvers
        if approving is None or approvers is None:
            return  # somebody went back meanwhile
        refused: SignInRefused | Denied | None = None
        asker = approvers.signed_in
        if not isinstance(answer, Person):
            refused = answer
        elif asker is not None and answer.id == asker.id:
            refused = Denied.SAME_PERSON
        elif not role_of(answer).covers(approving.role):
            refused = Denied.ROLE
        if refused is not None or not isinstance(answer, Person):
            now = replace(approving, checking=False, refused=refused)
            self._become(replace(self.state, approving=now))
            return
        offer = approving.offer
        self._become(replace(self.state, approving=None, approver=answer))
        if approving.swap is not None:
            self._swapping = replace(approving.swap, approver=answer)
            self._do(self._swapping)
        elif approving.instead is not None:
            self.refund_instead(approving.instead, answer)
        elif offer is not None and offer.deed is Deed.EXCHANGE:
            self._become(replace(self.state, exchange=offer, card=None))
        elif offer is not None:
            self._do(self._request(offer))

    def swap(self, basket: Basket | None, tendered_minor: int, tender: str = "") -> None:
        """Exchange for what the sell screen holds; the difference in cash or all by a tender."""
        offer = self.state.exchange
        if offer is not None and not self.state.is_busy:
            request = self._request(offer)
            self._swapping = replace(
                request, basket=basket, tendered_minor=tendered_minor, tender=tender
            )
            self._do(self._swapping)

    def answer_number(self, text: str) -> None:
        """The number on the machine's slip; "" where there is none to be read."""
        asks, number = self.state.numbering, text.strip()
        if asks is None:
            return
        self._become(replace(self.state, numbering=None, is_working=True))
        op_id, request = asks.op_id, self._swapping
        if op_id is not None:
            work = partial(self._services.progress, op_id, number)
        else:
            assert request is not None, "it was asked for the number of this one"
            work = partial(self._services.do, replace(request, number=number))
        self._run(work, self._progressed, self._fail)

    def stop_numbering(self) -> None:
        """The buyer does not pay: what the server has granted stays among the unfinished."""
        asks = self.state.numbering
        if asks is None:
            return
        kept = self.state.exchange if asks.op_id is None else None
        self._become(replace(self.state, numbering=None, card=None, exchange=kept))
        self.refresh_unfinished()
        self._refresh_detail()

    def cancel_exchange(self) -> None:
        """Leave everything as it is; from a number or an approval one step back."""
        if self.state.approving is not None:
            self._become(replace(self.state, approving=None))
        elif self.state.numbering is not None:
            self.stop_numbering()
        elif not self.state.is_busy:
            self._become(replace(self.state, exchange=None, refused=None))

    def back(self) -> bool:
        """One step back: a drop not confirmed, the message, what was done, the preview. False when there is none."""
        state = self.state
        if state.approving is not None:
            self._become(replace(state, approving=None))
        elif state.numbering is not None:
            self.stop_numbering()
        elif state.armed is not None:
            self._become(replace(state, armed=None))
        elif state.refused is not None:
            self._become(replace(state, refused=None))
        elif state.done is not None:
            self._become(replace(state, done=None))
            self._refresh_detail()
        elif state.card is not None and not state.is_busy:
            self._become(replace(state, card=None))
        else:
            return False
        return True

    def reprint(self) -> None:
        """Print the order's living tickets once more."""
        detail = self.state.detail
        if detail is not None and detail.found.is_own and not detail.gone_to:
            self._print(detail.found.order_id)

    def hand_out(self) -> None:
        """Print here what another window sold and did not print, as soon as that one lets us."""
        detail = self.state.detail
        if detail is None or not detail.can_be_handed_out or self.state.is_busy:
            return
        found = detail.found
        self._become(replace(self.state, handing=found.order_id, refused=None))
        self._run(lambda: self._services.hand_out(found), self._handing_asked, self._fail)

    # ------------------------------------------------------------------------------ unfinished

    def refresh_unfinished(self) -> None:
        """Read what was begun and has not ended."""
        self._run(self._services.unfinished, self._show_unfinished, self._fail)

    def finish(self, op_id: OpId) -> None:
        """Go on with what the server has granted."""
        if not self.state.is_busy:
            self._become(replace(self.state, asked=op_id, refused=None, armed=None))
            self._ask_progress(op_id)

    def refund_instead(self, op_id: OpId, approver: Person | None = None) -> None:
        """Give an exchange's worth back, where its new places are gone."""
        if self.state.is_busy:
            return

        def answered(answer: Answer) -> None:
            self._progressed(answer)
            if isinstance(answer, Refused) and answer.approval is not None:
                self._become(replace(self.state, refused=None))
                self._ask_for(Approving(None, answer.approval, answer.code, instead=op_id))

        self._become(replace(self.state, asked=op_id, refused=None))
        work = partial(self._services.refund_instead, op_id, approver)
        self._run(work, answered, self._fail)

    def drop(self, op_id: OpId) -> None:
        """Pay nothing for it, when asked for twice. The manager sees it."""
        if self.state.is_busy:
            return
        if self.state.armed != op_id:
            self._become(replace(self.state, armed=op_id))
        else:
            self._become(replace(self.state, armed=None))
            self._run(lambda: self._services.drop(op_id), self._dropped, self._fail)

    def on_news(self, news: News) -> None:
        """Take a piece of news; on the presenter's thread."""
        if news.kind is NewsKind.AFTER_SALE:
            if news.reason == self.state.asked:
                self._ask_progress(self.state.asked)
            else:
                self._refresh_detail()
            self.refresh_unfinished()
        elif news.kind is NewsKind.STATUS:
            if self.state.asked is not None and not self.state.is_working:
                self._ask_progress(self.state.asked)
            if self.state.detail is not None and not self.state.is_busy:
                self._look()
        elif news.kind is NewsKind.AVAILABILITY and self.state.detail is not None:
            self._refresh_detail()

    # ------------------------------------------------------------------------- what came back

    def _show_recent(self, orders: tuple[FoundOrder, ...]) -> None:
        if not self.state.query:
            self._become(replace(self.state, orders=orders, is_search=False, note=None))

    def _show_found(self, finding: Finding) -> None:
        """One order is opened at once; a ticket of the open one is put on the desk."""
        scanned, detail = finding.scanned, self.state.detail
        if scanned is not None and detail is not None and scanned in _living(detail):
            seen = self.state.scanned | {scanned}
            self._become(replace(self.state, scanned=seen, note=None))
            self._ask_server(detail.found)
            self._choose(self.state.chosen & seen | {scanned})
            return
        self._become(replace(self.state, orders=finding.orders, is_search=True, note=finding.note))
        if len(finding.orders) == 1:
            self._load(finding.orders[0], scanned)

    def _load(self, found: FoundOrder, scanned: TicketId | None) -> None:
        self._run(
            lambda: self._services.detail(found), partial(self._show_detail, scanned), self._fail
        )
        self._ask_server(found)

    def _ask_server(self, found: FoundOrder) -> None:
        """Have the server tell of it, where it can be reached: who went in, only it knows."""
        self._run(lambda: self._services.look_up(found), _nothing, self._fail)

    def _show_detail(self, scanned: TicketId | None, detail: OrderDetail | None) -> None:
        papers = frozenset({scanned} if scanned else ())
        chosen = _living(detail) if detail else frozenset()
        self._become(
            replace(
                self.state,
                detail=detail,
                scanned=papers,
                named=frozenset(),
                chosen=chosen & papers or chosen,
                offers={},
                card=None,
                done=None,
                handing="",
            )
        )
        self._look()

    def _refresh_detail(self) -> None:
        """Read the open order again; what was chosen stays chosen as far as it lives."""
        detail = self.state.detail
        if detail is not None and not self.state.is_busy:
            found = detail.found
            self._run(lambda: self._services.detail(found), self._show_again, self._fail)

    def _show_again(self, detail: OrderDetail | None) -> None:
        before = self.state.detail
        if detail is None or before is None or not _is_same(before, detail):
            return
        living = _living(detail)
        chosen = self.state.chosen & living if before.tickets else living
        named = self.state.named
        if before.found.ticket_id and not before.tickets:  # of one ticket the order is known now
            named = frozenset({TicketId(before.found.ticket_id)})
            chosen = living & named or living
        orders = tuple(
            detail.found if one.key in (before.found.key, detail.found.key) else one
            for one in self.state.orders
        )
        self._become(replace(self.state, detail=detail, chosen=chosen, named=named, orders=orders))
        self._go_on_handing(detail)
        self._look()

    def _handing_asked(self, is_asked: bool) -> None:
        if is_asked:
            self._refresh_detail()
        else:
            self._become(replace(self.state, handing="", refused=Refused(Barred.OFFLINE)))

    def _go_on_handing(self, detail: OrderDetail) -> None:
        """The window that sold it has answered: print, or stop waiting."""
        if self.state.handing != detail.found.order_id:
            return
        if detail.found.is_own and not detail.gone_to:
            self._become(replace(self.state, handing=""))
            if not detail.copies:
                self._print(detail.found.order_id)
        elif detail.handout not in ("", HANDOUT_ASKED):
            self._become(replace(self.state, handing="", refused=Refused(detail.handout)))

    def _choose(self, chosen: frozenset[TicketId]) -> None:
        self._become(replace(self.state, chosen=chosen, card=None, refused=None))
        self._look()

    def _look(self) -> None:
        """What could be done with the chosen tickets."""
        detail, chosen, scanned = self.state.detail, self.state.chosen, self.state.scanned
        if detail is None or not detail.tickets:
            self._become(replace(self.state, offers={}))
            return
        tickets = tuple(ticket.id for ticket in detail.tickets if ticket.id in chosen)
        key, order_id = detail.found.key, OrderId(detail.found.order_id)
        asked = Chosen(detail.found.event_id, order_id, tickets, scanned)

        def read() -> Mapping[Deed, Offer]:
            found = {deed: self._services.offer(deed, asked) for deed in Deed}
            return {deed: offer for deed, offer in found.items() if offer is not None}

        self._run(read, partial(self._show_offers, key, chosen), self._fail)

    def _show_offers(
        self, key: Sequence[str], chosen: frozenset[TicketId], offers: Mapping[Deed, Offer]
    ) -> None:
        detail = self.state.detail
        if detail is None or detail.found.key != key or self.state.chosen != chosen:
            return
        card, shown = self.state.card, None
        if card is not None:
            renewed = offers.get(card.deed)
            can = renewed is not None and (renewed.can_be_done or renewed.approval is not None)
            shown = renewed if can else None
        if self.state.is_busy:
            shown = card
        self._become(replace(self.state, offers=offers, card=shown))

    def _show_unfinished(self, unfinished: tuple[Unfinished, ...]) -> None:
        self._become(replace(self.state, unfinished=unfinished))

    def _request(self, offer: Offer) -> Request:
        tickets = tuple(each.ticket_id for each in offer.preview.tickets)
        return Request(
            offer.deed,
            Chosen(offer.event_id, offer.order_id, tickets, self.state.scanned),
            self.state.reason,
            offer.back_minor,
            offer.fee_minor,
            approver=self.state.approver if offer.approval is not None else None,
        )

    def _do(self, request: Request) -> None:
        self._become(replace(self.state, is_working=True, refused=None))
        self._run(lambda: self._services.do(request), self._progressed, self._fail)

    def _ask_progress(self, op_id: OpId) -> None:
        self._run(lambda: self._services.progress(op_id), self._progressed, self._fail)

    def _progressed(self, answer: Answer) -> None:
        if isinstance(answer, Asked):
            self._become(replace(self.state, is_working=False, asked=answer.op_id))
        elif isinstance(answer, AsksNumber):
            self._become(
                replace(self.state, is_working=False, asked=None, card=None, numbering=answer)
            )
        elif isinstance(answer, Refused):
            if not self.state.is_busy:
                return  # an answer to what has ended already
            self._become(
                replace(self.state, is_working=False, asked=None, card=None, refused=answer)
            )
            self._ask_second_person(answer)
            if self.state.detail is not None:  # what the server refuses has changed there
                self._ask_server(self.state.detail.found)
            self._refresh_detail()
        else:
            self._become(
                replace(
                    self.state,
                    is_working=False,
                    asked=None,
                    numbering=None,
                    card=None,
                    exchange=None,
                    done=answer,
                    refused=None,
                    scanned=frozenset(),
                )
            )
            self._print_done(answer)
            self._refresh_detail()
            if not self.state.query:
                self._run(self._services.recent, self._show_recent, self._fail)
        self.refresh_unfinished()

    def _ask_second_person(self, refused: Refused) -> None:
        """A swap that somebody else may let be; who already tried for it was not enough."""
        offer, swap = self.state.exchange, self._swapping
        if refused.approval is None or offer is None or swap is None:
            return
        self._become(replace(self.state, refused=None))
        self._ask_for(Approving(offer, refused.approval, refused.code, swap))

    def wait_no_longer(self) -> None:
        """The server does not answer: go on with other things; it stays among the unfinished."""
        if self.state.asked is not None:
            self._become(replace(self.state, asked=None, card=None, exchange=None))
            self.refresh_unfinished()
            self._refresh_detail()

    def _dropped(self, dropped: bool) -> None:
        if not dropped:
            self._become(replace(self.state, refused=Refused(Barred.STILL_ASKING)))
        self.refresh_unfinished()
        self._refresh_detail()

    def _print_done(self, done: Done) -> None:
        """Paper for what was done: new tickets where there are some, and the buyer's slip."""
        if done.new_order_id:
            self._print(done.new_order_id)
        self._run_printing(lambda: self._services.print_slip(done), _nothing, self._fail)

    def _print(self, order_id: str) -> None:
        if order_id in self.state.printing:
            return
        printing = self.state.printing | {order_id}
        self._become(replace(self.state, printing=printing, print_failed=""))
        self._run_printing(
            lambda: self._print_order(order_id), self._printed, partial(self._not_printed, order_id)
        )

    def _printed(self, result: PrintResult) -> None:
        failed = result.order_id if result.outcome is not PrintOutcome.PRINTED else ""
        printing = self.state.printing - {result.order_id}
        self._become(
            replace(self.state, printing=printing, print_failed=failed, paper=result.outcome)
        )
        self._refresh_detail()

    def _not_printed(self, order_id: str, error: Exception) -> None:
        self._become(
            replace(self.state, printing=self.state.printing - {order_id}, print_failed=order_id)
        )
        self._fail(error)

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it. What was asked stays among the unfinished."""
        self._become(replace(self.state, is_working=False, asked=None, refused=Refused(BROKEN)))


def _living(detail: OrderDetail) -> frozenset[TicketId]:
    return frozenset(ticket.id for ticket in detail.tickets if ticket.standing in _LIVING)


def _is_same(before: OrderDetail, now: OrderDetail) -> bool:
    """Whether it is the same order; of a ticket alone, its order."""
    if before.found.order_id:
        return before.found.key[:2] == now.found.key[:2]
    tickets = {ticket.id for ticket in now.tickets}
    return before.found.key == now.found.key or before.found.ticket_id in tickets


def _nothing(_result: object) -> None:
    """For work whose answer nobody waits for."""
