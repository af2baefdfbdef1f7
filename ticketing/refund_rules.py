"""What of a ticket's price goes back, and when: the event's ladder, and its rules beside it.

A step of the ladder holds up to so many minutes before the performance starts. It keeps a fee, in
percent or fixed; a step that keeps anything keeps at least the minimum. Where no step holds any
more nothing goes back, unless the house lets a manager decide. A void undoes a sale shortly after
it was made: nobody went in, nothing is kept.

Every ticket's refund and fee add up to what it cost, so no order ever gives back more than it took.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ticketing.ids import TicketId
from ticketing.money import split_exactly
from ticketing.pricing.rules import Role

WHOLE = 10_000
"""Parts are counted in hundredths of a percent: 1,250 of these are 12.5 %."""


@dataclass(frozen=True, slots=True)
class RefundStep:
    """Holds as long as the performance is at least `minutes_before` away.

    Keeps `fee_hundredths` of a percent of the price, or `fee_minor` of it; one of them is 0.
    """

    minutes_before: int
    fee_hundredths: int = 0
    fee_minor: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.fee_hundredths <= WHOLE or min(self.minutes_before, self.fee_minor) < 0:
            raise ValueError(f"{self} is no step of a ladder")
        if self.fee_hundredths and self.fee_minor:
            raise ValueError("a step keeps a part or an amount, not both")

    def fee_of(self, price_minor: int, minimum_minor: int) -> int:
        """What is kept of a price; half a minor unit counts as a whole one."""
        if not self.fee_hundredths and not self.fee_minor:
            return 0
        part = (price_minor * self.fee_hundredths + WHOLE // 2) // WHOLE
        return min(price_minor, max(part, self.fee_minor, minimum_minor))


class PackageRefund(StrEnum):
    """How one ticket out of a package goes back. Stored in documents; never renamed."""

    SHARE = "share"  # for what it cost in the package
    RELIST = "relist"  # the others then cost their list price, and that is kept first
    WHOLE_ONLY = "whole_only"  # not at all: the whole package or nothing


@dataclass(frozen=True, slots=True)
class RefundRules:
    """An event's rules. `steps` are sorted, the earliest first; the last one holds the longest.

    `void_minutes` 0: a void is possible as long as the shift lasts. Above a cap somebody of the next
    role approves what is paid back of an order, or replaced of it; 0: no cap.
    """

    steps: tuple[RefundStep, ...] = (RefundStep(0),)
    minimum_fee_minor: int = 0
    package: PackageRefund = PackageRefund.SHARE
    void_minutes: int = 0
    later_by_manager: bool = False
    exchange_fee_minor: int = 0
    replacement_fee_minor: int = 0
    cashier_cap_minor: int = 0
    supervisor_cap_minor: int = 0

    def __post_init__(self) -> None:
        before = [step.minutes_before for step in self.steps]
        if before != sorted(set(before), reverse=True):
            raise ValueError("the steps of a ladder come one after the other")

    def payer_of(self, amount_minor: int) -> Role:
        """Who may have so much paid back."""
        if self.supervisor_cap_minor and amount_minor > self.supervisor_cap_minor:
            return Role.MANAGER
        if self.cashier_cap_minor and amount_minor > self.cashier_cap_minor:
            return Role.SUPERVISOR
        return Role.CASHIER

    def step_at(self, starts_at: datetime, now: datetime) -> RefundStep | None:
        """The step that holds now; None when it is too late for all of them."""
        left = starts_at - now
        held = (step for step in self.steps if left >= timedelta(minutes=step.minutes_before))
        return next(held, None)


DEFAULT_RULES = RefundRules()
"""The full price until the performance begins, nothing after it."""


@dataclass(frozen=True, slots=True)
class PaidTicket:
    """A ticket of an order. `package` names the package that it was sold in, or is "".

    `is_cancelled`: its performance is. Then all that was paid goes back, whenever, and no package
    stands in the way: it is not the buyer who changed their mind.
    """

    id: TicketId
    starts_at: datetime
    paid_minor: int
    list_minor: int
    package: str = ""
    is_valid: bool = True
    has_entered: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """What was sold together, and when."""

    sold_at: datetime
    tickets: tuple[PaidTicket, ...]


class Deed(StrEnum):
    """What is to be done with tickets after their sale."""

    VOID = "void"
    REFUND = "refund"
    EXCHANGE = "exchange"
    REPLACEMENT = "replacement"


class Bar(StrEnum):
    """Why a ticket does not go back. Each has a sentence at the faces; never renamed."""

    NOT_OF_ORDER = "not_of_order"
    NOT_VALID = "not_valid"  # it went back before
    ENTERED = "entered"
    NOT_SAME_SHIFT = "not_same_shift"
    VOID_OVER = "void_over"  # sold too long ago: refund it
    TOO_LATE = "too_late"
    NEEDS_MANAGER = "needs_manager"
    WHOLE_PACKAGE = "whole_package"


LIFTABLE = frozenset({Bar.TOO_LATE, Bar.NEEDS_MANAGER, Bar.NOT_SAME_SHIFT, Bar.VOID_OVER})
"""What a manager may let be. Nobody lets be that somebody went in, or that it went back before."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where: `same_shift` as the sale at this till, and whether a manager decides.

    `beyond`: the manager lets be what the rules do not, and for that somebody answers by name.
    """

    same_shift: bool = False
    is_manager: bool = False
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class TicketRefund:
    """One ticket: `refund_minor` + `fee_minor` is what it cost. A barred one gives nothing back."""

    ticket_id: TicketId
    refund_minor: int
    fee_minor: int
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go back. Possible only when there are tickets and none of them is barred."""

    deed: Deed
    tickets: tuple[TicketRefund, ...]

    @property
    def refund_minor(self) -> int:
        """What goes back for all of them."""
        return sum(each.refund_minor for each in self.tickets if each.bar is None)

    @property
    def fee_minor(self) -> int:
        """What is kept of all of them."""
        return sum(each.fee_minor for each in self.tickets if each.bar is None)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Every reason against it, once."""
        return tuple(dict.fromkeys(each.bar for each in self.tickets if each.bar is not None))

    @property
    def can_be_done(self) -> bool:
        """Whether nothing speaks against it."""
        return bool(self.tickets) and not self.bars


def preview(
    deed: Deed,
    order: PaidOrder,
    chosen: Sequence[TicketId],
    now: datetime,
    rules: RefundRules,
    asker: Asker,
) -> Preview:
    """What would go back for the chosen tickets, ticket by ticket. Total.

    For an exchange the refund is the credit for what is taken instead, and the fee of the exchange
    is beside it (`exchange_fee_minor` a ticket); a replacement pays nothing back.
    """
    known = {ticket.id: ticket for ticket in order.tickets}
    wanted = tuple(dict.fromkeys(chosen))
    worths = _worths(deed, order, wanted, rules)
    lines = []
    for ticket_id in wanted:
        ticket = known.get(ticket_id)
        if ticket is None:
            lines.append(TicketRefund(ticket_id, 0, 0, Bar.NOT_OF_ORDER))
            continue
        bar = _bar(deed, order, ticket, wanted, now, rules, asker)
        fee = 0 if bar is not None else _fee(deed, ticket, worths[ticket_id], now, rules)
        refund = 0 if bar is not None else ticket.paid_minor - fee
        lines.append(TicketRefund(ticket_id, refund, fee if bar is None else 0, bar))
    return Preview(deed, tuple(lines))


def fee_on_the_rest(ladder_fee_minor: int, credit_minor: int, taken_minor: int) -> int:
    """What is kept of an exchange's change: for what is not taken anew, the ladder holds.

    `ladder_fee_minor` is what a refund of all `credit_minor` would keep. Who takes nothing instead
    pays all of it, who takes as much or more pays nothing, and what lies between pays its part:
    an exchange for the cheapest place is no way round the fee. Half a minor unit counts as one.
    """
    rest = credit_minor - taken_minor
    if rest <= 0 or credit_minor <= 0:
        return 0
    return min(rest, (ladder_fee_minor * rest * 2 + credit_minor) // (credit_minor * 2))


def _bar(
    deed: Deed,
    order: PaidOrder,
    ticket: PaidTicket,
    chosen: Collection[TicketId],
    now: datetime,
    rules: RefundRules,
    asker: Asker,
) -> Bar | None:
    if not ticket.is_valid:
        return Bar.NOT_VALID
    if ticket.has_entered:
        return Bar.ENTERED
    if deed is Deed.VOID and not asker.beyond:
        return _void_bar(order, now, rules, asker)
    if deed in (Deed.REPLACEMENT, Deed.VOID):
        return None
    if ticket.is_cancelled:
        return None
    if rules.step_at(ticket.starts_at, now) is None:
        if not rules.later_by_manager and not asker.beyond:
            return Bar.TOO_LATE
        if not asker.is_manager:
            return Bar.NEEDS_MANAGER
    if rules.package is PackageRefund.WHOLE_ONLY and not _is_whole(order, ticket, chosen):
        return Bar.WHOLE_PACKAGE
    return None


def _void_bar(order: PaidOrder, now: datetime, rules: RefundRules, asker: Asker) -> Bar | None:
    if not asker.same_shift:
        return Bar.NOT_SAME_SHIFT
    over = rules.void_minutes and now - order.sold_at > timedelta(minutes=rules.void_minutes)
    return Bar.VOID_OVER if over else None


def _is_whole(order: PaidOrder, ticket: PaidTicket, chosen: Collection[TicketId]) -> bool:
    """Whether what is left of the ticket's package goes back with it."""
    return not ticket.package or all(
        other.id in chosen
        for other in order.tickets
        if other.package == ticket.package and other.is_valid
    )


def _fee(deed: Deed, ticket: PaidTicket, worth: int, now: datetime, rules: RefundRules) -> int:
    """What is kept of the price: what its package took, and the step's fee on the rest."""
    if deed in (Deed.VOID, Deed.REPLACEMENT) or ticket.is_cancelled:
        return 0
    lost = ticket.paid_minor - worth
    if deed is Deed.EXCHANGE:
        return lost
    step = rules.step_at(ticket.starts_at, now)
    if step is None:  # a manager decides, at the terms of the last step
        step = rules.steps[-1] if rules.steps else RefundStep(0)
    return lost + step.fee_of(worth, rules.minimum_fee_minor)


def _worths(
    deed: Deed, order: PaidOrder, chosen: Sequence[TicketId], rules: RefundRules
) -> dict[TicketId, int]:
    """What each chosen ticket counts for before fees; never more than it cost."""
    worths = {ticket.id: ticket.paid_minor for ticket in order.tickets if ticket.id in chosen}
    if rules.package is not PackageRefund.RELIST or deed in (Deed.VOID, Deed.REPLACEMENT):
        return worths
    for package in {ticket.package for ticket in order.tickets if ticket.package}:
        inside = [ticket for ticket in order.tickets if ticket.package == package]
        if not all(ticket.is_valid for ticket in inside):
            continue  # broken before, and the others paid for then
        back = [ticket for ticket in inside if ticket.id in worths]
        rest = [ticket for ticket in inside if ticket.id not in worths]
        if not back or not rest:
            continue
        paid = [ticket.paid_minor for ticket in back]
        dearer = sum(max(0, ticket.list_minor - ticket.paid_minor) for ticket in rest)
        lost = split_exactly(min(dearer, sum(paid)), paid)
        for ticket, part in zip(back, lost, strict=True):
            worths[ticket.id] = ticket.paid_minor - part
    return worths
