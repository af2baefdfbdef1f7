"""What the use cases after a sale tell their faces: immutable values, no Qt, no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pos_app.services.basket import Basket
from pos_app.services.model import Person
from ticketing.admission import Admit, Refuse
from ticketing.event import Event, Venue
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.operations import HandLeg, legs_minor
from ticketing.pay_back import Funds
from ticketing.pricing import Role
from ticketing.refund_rules import Deed, Preview, fee_on_the_rest
from ticketing.returns import Route
from ticketing.seating import SeatingPlan
from ticketing.text import Text

HANDOUT_ASKED = "asked"
"""How a question to print another window's order stands while that has not answered."""
FOUND_MAX = 50
"""Orders listed at once; a search that finds more shows the newest."""


class Standing(StrEnum):
    """How an order stands."""

    PAID = "paid"
    PARTLY_BACK = "partly_back"
    BACK = "back"


class TicketStanding(StrEnum):
    """How a ticket stands, as far as this window knows."""

    VALID = "valid"
    ENTERED = "entered"
    ASKED = "asked"  # the server was asked to revoke it, and has not answered for good
    VOID = "void"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """One line of the list. An order of another window has no more than this here.

    `ticket_id` is set when a single ticket was found and its order is not known at this window.
    """

    event_id: str
    order_id: str
    receipt_no: str
    event_name: Text
    sold_at: datetime | None
    ticket_count: int
    total_minor: int
    currency: str
    standing: Standing
    is_own: bool
    ticket_id: str = ""
    place: str = ""
    buyer: str = ""  # masked

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from every other."""
        return self.event_id, self.order_id, self.ticket_id


class FindNote(StrEnum):
    """Why a search found nothing, or not all."""

    NOTHING = "nothing"
    DAMAGED_CODE = "damaged_code"
    NEWER_CODE = "newer_code"
    UNKNOWN_CODE = "unknown_code"  # a ticket, but nobody here has heard of it
    UNKNOWN_CHIP = "unknown_chip"  # it stands for no ticket that anybody here has heard of
    ELSEWHERE = "elsewhere"  # sold at another window: only what the server told of it


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found. `scanned` is the ticket whose very code was read, if it is our own."""

    orders: tuple[FoundOrder, ...]
    note: FindNote | None = None
    scanned: TicketId | None = None


@dataclass(frozen=True, slots=True)
class AtGate:
    """What a gate would say of a ticket at `at`, a whole minute, by what is known here.

    It holds at these `gates`; none named, at all of them. The server told at `told_at` who has gone
    in with the ticket; None: nobody here knows. `is_fresh`: that was a moment ago.
    """

    decision: Admit | Refuse
    at: datetime
    gates: tuple[Text | str, ...] = ()
    told_at: datetime | None = None
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class SoldTicket:
    """One ticket of an order."""

    id: TicketId
    performance: int
    unit: int
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rule: str
    standing: TicketStanding
    entered_at: datetime | None = None
    at_gate: AtGate | None = None


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order on screen. `tickets` is empty for one of another window until the server told of it.

    `window` sold it, if that was another one; `gone_to` is the window that prints it, if that is
    another. `handout` is how a question to print it here stands: "asked", or why not. `note` is
    what was written on it when it was sold.
    """

    found: FoundOrder
    venue: Venue
    plan: SeatingPlan
    event: Event
    tickets: tuple[SoldTicket, ...]
    copies: int
    is_acknowledged: bool
    same_shift: bool
    sold_by: str = ""
    window: str = ""
    gone_to: str = ""
    handout: str = ""
    note: str = ""

    @property
    def can_be_handed_out(self) -> bool:
        """Whether this window may ask to print it."""
        is_elsewhere = not self.found.is_own or self.gone_to != ""
        return is_elsewhere and bool(self.found.order_id) and self.handout != HANDOUT_ASKED


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be done with tickets, and at what terms. `bars` say why it can't, in codes.

    `fee_minor` is all that is kept or asked for; `back_minor` what the buyer gets: in cash for a
    void or refund, as credit for an exchange. `ladder_fee_minor` is what a refund of an exchange's
    credit would keep: its part is kept of what is paid back. `approval`: somebody else of this role
    may let it be in spite of the bars, at these terms; `is_beyond`: the rules alone do not.
    Of what goes back, `legs` do so by hand-recorded tenders and `cash_minor` in cash, rounded. An
    exchange's way back depends on what is taken instead: `funds` is what came with the order.
    """

    deed: Deed
    event_id: str
    order_id: OrderId
    currency: str
    preview: Preview
    route: Route | None
    bars: tuple[str, ...]
    back_minor: int
    fee_minor: int
    ladder_fee_minor: int = 0
    approval: Role | None = None
    is_beyond: bool = False
    legs: tuple[HandLeg, ...] = ()
    cash_minor: int = 0
    funds: Funds = ()

    @property
    def can_be_done(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.bars and self.preview.can_be_done

    def fee_for(self, taken_minor: int) -> int:
        """All that is kept when so much is taken instead."""
        credit = self.preview.refund_minor
        return self.fee_minor + fee_on_the_rest(self.ladder_fee_minor, credit, taken_minor)

    def due_minor(self, taken_minor: int) -> int:
        """What an exchange for so much costs the buyer; negative when they get something."""
        return taken_minor + self.fee_for(taken_minor) - self.back_minor


class Barred(StrEnum):
    """Why nothing can be done here and now, beside what rules and server say. Never renamed."""

    OFFLINE = "offline"
    OFFLINE_SCAN = "offline_scan"  # the paper tickets, scanned, would do
    ELSEWHERE = "elsewhere"  # sold at another window
    NOT_SIGNED_IN = "not_signed_in"
    NO_SHIFT = "no_shift"  # no shift is open to pay from
    SELLING_LOCKED = "selling_locked"
    DISK_FULL = "disk_full"
    TERMS_CHANGED = "terms_changed"  # the amounts are not those that were shown
    UNKNOWN_TENDER = "unknown_tender"  # the house does not take it (any more)
    UNITS_GONE = "units_gone"  # the new places are not ours to sell any more
    UNITS_GONE_BEFORE = "units_gone_before"  # the same, and nothing was revoked for them
    STILL_ASKING = "still_asking"
    EMPTY = "empty"  # nothing to take instead
    OTHER_EVENT = "other_event"
    TENDER_TOO_SMALL = "tender_too_small"
    PRICE_CHANGED = "price_changed"
    OVER_CAP = "over_cap"  # more than this role may have paid back
    LATE_APPROVAL = "late_approval"  # new places are past their soft term: a second person decides
    TERM_OVER = "term_over"  # new places were lent for a time that is over
    LATE_LIMIT = "late_limit"  # no more may be sold past the terms


class GoReason(StrEnum):
    """Why tickets go back, as the cashier chose. Stored in operations, never renamed."""

    BUYER = "buyer"
    MISTAKE = "mistake"
    EVENT = "event"
    LOST = "lost"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tickets of one order; the papers of those `scanned` lie on the desk."""

    event_id: str
    order_id: OrderId
    ticket_ids: tuple[TicketId, ...]
    scanned: frozenset[TicketId] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """What to do. `back_minor` and `fee_minor` are the terms that were shown and agreed to.

    An exchange has a `basket` of what is taken instead. The difference is paid in cash, of which
    `tendered_minor` is handed over, or all of it by `tender`, recorded by hand under `number`: None
    while nobody was asked for it. `approver` has typed their PIN for it.
    """

    deed: Deed
    chosen: Chosen
    reason: GoReason
    back_minor: int
    fee_minor: int
    basket: Basket | None = None
    tendered_minor: int = 0
    approver: Person | None = None
    tender: str = ""
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done and no money is owed. `code` is of Barred, Bar, or what the server says.

    `approval`: a second person of this role may let it be, asked with the same request once more.
    """

    code: str
    units: tuple[int, ...] = ()
    approval: Role | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The server was asked; the answer comes as News, and by `progress`."""

    op_id: OpId


@dataclass(frozen=True, slots=True)
class Done:
    """Recorded for good. Now the money: `pay_out_minor` to the buyer, or `change_minor` of it.

    Of what is paid out, or taken in, `legs` go by hand-recorded tenders, and the rest in cash.
    `new_order_id` has the tickets to print, after an exchange or a replacement.
    """

    deed: Deed
    event_id: str
    receipt_no: str
    ticket_count: int
    currency: str
    pay_out_minor: int
    take_in_minor: int
    change_minor: int
    fee_minor: int
    new_order_id: str = ""
    new_receipt_no: str = ""
    legs: tuple[HandLeg, ...] = ()

    @property
    def cash_out_minor(self) -> int:
        """What goes out of the drawer."""
        return self.pay_out_minor - legs_minor(self.legs) if self.pay_out_minor else 0

    @property
    def cash_in_minor(self) -> int:
        """What comes into it, without the change."""
        return self.take_in_minor - legs_minor(self.legs) if self.take_in_minor else 0


@dataclass(frozen=True, slots=True)
class AsksNumber:
    """Now the buyer pays: nothing is recorded before the number on the slip, or that there is none.

    Without an `op_id` the request is made again with the number, else `progress` takes it.
    """

    op_id: OpId | None
    tender: str
    amount_minor: int
    currency: str


Answer = Done | Asked | AsksNumber | Refused
"""What a deed has come to."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Begun and not ended. `is_granted`: the tickets are dead; the money is still owed."""

    op_id: OpId
    deed: Deed
    event_id: str
    order_id: str
    receipt_no: str
    ticket_count: int
    currency: str
    pay_out_minor: int
    take_in_minor: int
    asked_at: datetime
    is_granted: bool


class AfterSaleServices(Protocol):
    """Use cases after the sale. As TillServices: never the network, any thread."""

    def recent(self) -> tuple[FoundOrder, ...]:
        """The last orders of this window, newest first."""

    def find(self, text: str, performance: int) -> Finding:
        """Orders by ticket code, receipt number, ticket number or seat of a performance."""

    def detail(self, found: FoundOrder) -> OrderDetail | None:
        """One of them with its tickets; None when its event is not in the mirror any more."""

    def look_up(self, found: FoundOrder) -> bool:
        """Have the server tell how an order stands, and who went in; the answer is news.

        False when it can't be reached.
        """

    def hand_out(self, found: FoundOrder) -> bool:
        """Ask to print another window's order here; the answer is news. False when offline."""

    def offer(self, deed: Deed, chosen: Chosen) -> Offer | None:
        """What could be done with these tickets; None for an order that is not known here."""

    def do(self, request: Request) -> Answer:
        """Do it: here where the rules allow that, else the server is asked first."""

    def progress(self, op_id: OpId, number: str | None = None) -> Answer:
        """What became of a question; with the server's yes, record it and say what to pay.

        `number` is what a machine's slip says of the payment, where that is asked for.
        """

    def unfinished(self) -> tuple[Unfinished, ...]:
        """Everything begun and not ended, oldest first."""

    def refund_instead(self, op_id: OpId, approver: Person | None = None) -> Answer:
        """Give back all that was paid, where the new places of an exchange are gone.

        Above a refund's cap it needs an `approver`.
        """

    def drop(self, op_id: OpId) -> bool:
        """Pay nothing for what was granted. False while the server has not answered."""

    def print_slip(self, done: Done) -> str:
        """Print the buyer's slip; "" or what went wrong in plain words."""
