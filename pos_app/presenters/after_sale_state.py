"""What the orders screen shows: the order, the tickets chosen, the deed under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from pos_app.services.after_sale_model import GoReason
from pos_app.services.model import Person, PrintOutcome

if TYPE_CHECKING:
    from pos_app.presenters.giving import Denied
    from pos_app.services.after_sale_model import (
        AsksNumber,
        Done,
        FindNote,
        FoundOrder,
        Offer,
        OrderDetail,
        Refused,
        Request,
        Unfinished,
    )
    from pos_app.services.basket import Basket
    from pos_app.services.model import SignInRefused
    from ticketing.ids import OpId, TicketId
    from ticketing.pricing import Role
    from ticketing.refund_rules import Deed

BROKEN: Final = "broken"
"""The code of a fault in the till itself; the log has it."""


class Approvers(Protocol):
    """Who could let something be, and the check of their PIN."""

    def people(self) -> tuple[Person, ...]:
        """Who may sign in here."""

    def approve(self, person_id: str, pin: str) -> Person | SignInRefused:
        """Check the PIN of somebody who stays signed out."""

    @property
    def signed_in(self) -> Person | None:
        """Who asks."""


@dataclass(frozen=True, slots=True)
class Approving:
    """Somebody of this role has to let a deed be, because of `why`.

    It is about an `offer`, a `swap`, or money back `instead` of an exchange's new places.
    """

    offer: Offer | None
    role: Role
    why: str = ""
    swap: Request | None = None
    instead: OpId | None = None
    people: tuple[Person, ...] = ()
    checking: bool = True
    refused: SignInRefused | Denied | None = None


@dataclass(frozen=True, slots=True)
class AfterSaleState:
    """The orders screen. `chosen` tickets are what deeds are about; `scanned` ones are on the desk,
    and a `named` one is what an order of another window was found by.

    `card` is the deed being looked at; `asked` the question that the server has not answered;
    `done` what was just recorded, until the cashier goes on. While `numbering`, the buyer pays and
    the number on the slip is typed.
    """

    query: str = ""
    orders: tuple[FoundOrder, ...] = ()
    is_search: bool = False
    note: FindNote | None = None
    detail: OrderDetail | None = None
    chosen: frozenset[TicketId] = frozenset()
    scanned: frozenset[TicketId] = frozenset()
    named: frozenset[TicketId] = frozenset()
    offers: Mapping[Deed, Offer] = field(default_factory=dict)
    card: Offer | None = None
    reason: GoReason = GoReason.BUYER
    is_working: bool = False
    asked: OpId | None = None
    done: Done | None = None
    unfinished: tuple[Unfinished, ...] = ()
    refused: Refused | None = None
    printing: frozenset[str] = frozenset()  # order ids
    print_failed: str = ""  # the order whose paper did not come out
    paper: PrintOutcome = PrintOutcome.FAILED  # what became of it instead
    armed: OpId | None = None  # dropping it was asked for once
    exchange: Offer | None = None  # the sell screen picks what is taken instead
    approving: Approving | None = None
    approver: Person | None = None  # who let the exchange be that is under way
    numbering: AsksNumber | None = None
    handing: str = ""  # the order that is printed as soon as its window lets us

    @property
    def is_busy(self) -> bool:
        """Whether a deed is under way: nothing else may be begun."""
        return self.is_working or self.asked is not None or self.numbering is not None

    @property
    def at_gate(self) -> frozenset[TicketId]:
        """The tickets of which it is told what a gate would say."""
        return self.chosen | self.scanned | self.named

    @property
    def owed(self) -> tuple[Unfinished, ...]:
        """What was left unfinished, without what is under way right now."""
        return tuple(one for one in self.unfinished if one.op_id != self.asked)

    def difference_minor(self, basket: Basket | None) -> int:
        """What an exchange for this basket costs the buyer; negative when they get something."""
        if self.exchange is None:
            return 0
        return self.exchange.due_minor(basket.total_minor if basket else 0)

    def fee_minor(self, basket: Basket | None) -> int:
        """What is kept in all when tickets are exchanged for this basket."""
        if self.exchange is None:
            return 0
        return self.exchange.fee_for(basket.total_minor if basket else 0)
