"""What the till's services tell its faces: immutable values, no Qt, no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from ticketing.catalogue import Event, Performance, Venue
from ticketing.operations import HandLeg
from ticketing.seating import SeatingPlan
from ticketing.text import Text


class UnitState(IntEnum):
    """What this window knows of one unit of a performance."""

    FREE = 0  # lent to this window, not sold: may be sold now, with or without the network
    ELSEWHERE = 1  # free in the venue, not lent to us: can be asked for while online
    LENT = 2  # lent to another window
    SOLD = 3
    BLOCKED = 4  # kept back by the house
    ASKING = 5  # we asked the server for it and wait for the answer
    PARKED = 6  # ours, and in a basket that was put aside here


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in at this window."""

    id: str
    name: str
    role: str


class SignInRefusal(StrEnum):
    """Why a PIN did not open the till."""

    WRONG_PIN = "wrong_pin"
    LOCKED_OUT = "locked_out"  # too many wrong PINs; `wait_s` says for how long
    NOT_ALLOWED = "not_allowed"  # the person may not use this window any more
    NEEDS_SUPERVISOR = "needs_supervisor"  # a week without the server: a supervisor signs in first


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The till is open for a person."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """The till stays shut."""

    reason: SignInRefusal
    tries_left: int = 0
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class PerformanceChoice:
    """One line of the performance picker."""

    event_id: str
    number: int
    event_name: Text
    hall: Text
    starts_at: datetime
    doors_at: datetime
    ends_at: datetime
    allotted_free_count: int  # sellable here without the network
    venue_free_count: int  # free in the whole venue as of our mirror (ours included)


@dataclass(frozen=True, slots=True)
class House:
    """The static part of a performance on screen; changes only with the catalogue."""

    venue: Venue
    plan: SeatingPlan
    event: Event
    performance: Performance


@dataclass(frozen=True, slots=True)
class Availability:
    """State of every unit of one performance; a unit missing from `states` is ELSEWHERE.

    `version` rises with every change seen, so that a face can skip what it has drawn. `lots` says
    in which allotment a unit of ours is lent; `shares` has what is left of the counter pools in
    all allotments of the event, by (allotment, pool).
    """

    performance: int
    version: int
    states: Mapping[int, UnitState]
    lots: Mapping[int, str] = field(default_factory=dict)
    shares: Mapping[tuple[str, str], int] = field(default_factory=dict)


class SaleRefusal(StrEnum):
    """Why a basket was not sold. Nothing was recorded and no money is owed."""

    EMPTY = "empty"
    UNIT_NOT_OURS = "unit_not_ours"  # some unit is not (any more) ours to sell; `units` names them
    TERM_OVER = "term_over"  # `units` are ours, but were lent for a time that is over
    LATE_LIMIT = "late_limit"  # so much may not be sold past the terms; `units` are those past them
    LATE_APPROVAL = "late_approval"  # `units` are past their soft term: a supervisor has to let it
    TENDER_TOO_SMALL = "tender_too_small"
    TENDER_TOO_LARGE = "tender_too_large"  # more was recorded than the order costs
    UNKNOWN_TENDER = "unknown_tender"  # the house has not named it, or does not any more
    PAYMENT_GONE = "payment_gone"  # a recorded part was given back meanwhile
    PRICE_CHANGED = "price_changed"  # the prices changed under the basket: show it again
    PRICE_OPEN = "price_open"  # something given by hand waits for an approval, or may not be
    SALE_ENDED = "sale_ended"  # the performance is over, or not on sale any more
    DISK_FULL = "disk_full"  # nothing could be written: call the manager
    SELLING_LOCKED = "selling_locked"  # this window was fenced or needs re-enrolment
    NOT_SIGNED_IN = "not_signed_in"
    NO_SHIFT = "no_shift"  # no shift is open to own the order and its cash


@dataclass(frozen=True, slots=True)
class SaleRefused:
    """Nothing was sold."""

    reason: SaleRefusal
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sold:
    """A committed sale. Printing comes after and can never undo it.

    Of `total_minor` the `legs` were recorded by hand and `cash_minor` came in cash, rounded by
    `rounding_minor`.
    """

    order_id: str
    receipt_no: str
    ticket_count: int
    total_minor: int
    tendered_minor: int
    change_minor: int
    cash_minor: int = 0
    rounding_minor: int = 0
    legs: tuple[HandLeg, ...] = ()


class PrintOutcome(StrEnum):
    """Whether paper came out."""

    PRINTED = "printed"
    FAILED = "failed"  # the paper did not come out; the sale stands and may be printed again
    WAITING = "waiting"  # it comes out by itself as soon as the printer can
    IN_DOUBT = "in_doubt"  # it may be out: a person has to look, nothing is printed again unasked


@dataclass(frozen=True, slots=True)
class PrintResult:
    """What became of one print. `faults` are codes of what keeps the printer from it."""

    order_id: str
    outcome: PrintOutcome
    ticket_count: int
    detail: str = ""  # plain English for log and support code: what failed, or was not counted
    path: str = ""  # where the PDF lies
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnprintedOrder:
    """Sold, not printed: shown until it is printed or handed out otherwise.

    `paper` is FAILED where nothing is on its way, else WAITING or IN_DOUBT; `faults` say why, and
    `job_id` names what is on its way.
    """

    order_id: str
    receipt_no: str
    ticket_count: int
    sold_at: datetime
    paper: PrintOutcome = PrintOutcome.FAILED
    faults: tuple[str, ...] = ()
    job_id: str = ""


class Link(StrEnum):
    """How this window stands with the server."""

    CONNECTING = "connecting"  # since start, no contact yet and no failure either
    ONLINE = "online"
    OFFLINE = "offline"
    LOCKED = "locked"  # the server fenced this window's journal: no selling until re-enrolled


class LockReason(StrEnum):
    """Why this window is locked. As the journal keeps it."""

    FORKED = "forked"  # the server has other operations of this window
    WITNESS_AHEAD = "witness_ahead"  # this machine has done more than the folder knows
    WITNESS_MISSING = "witness_missing"  # nobody vouches for the folder any more
    OTHER_MACHINE = "other_machine"  # the folder was copied from another machine
    DAMAGED = "damaged"  # what it recorded was changed or damaged on the disk


@dataclass(frozen=True, slots=True)
class LateLeft:
    """What may still be sold past the soft term, a supervisor approving each sale.

    At `until` the first of it may not be sold at all. Counted since the last contact.
    """

    until: datetime
    ticket_count: int
    amount_minor: int

    @property
    def is_spent(self) -> bool:
        """Whether a cap is reached."""
        return not self.ticket_count or not self.amount_minor


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Link, queue and age, as the status pill shows them.

    `outlived`: some units lent to this window are past their hard term and can't be sold.
    `late`: some are past the soft one.
    """

    link: Link
    offline_since: datetime | None  # aware UTC
    last_contact_at: datetime | None
    unsynced_count: int  # operations not yet acknowledged by the server, all journals
    oldest_unsynced_at: datetime | None
    rejected_count: int  # operations the server recorded as cases
    last_error: str = ""  # plain words, for the queue view
    window_name: str = ""
    lock: LockReason | None = None
    outlived: bool = False
    late: LateLeft | None = None


class NewsKind(StrEnum):
    """What changed."""

    STATUS = "status"
    CATALOGUE = "catalogue"
    AVAILABILITY = "availability"  # `performance` says which
    GRANTED = "granted"  # the units asked for are ours now
    NOT_GRANTED = "not_granted"  # they are not; `reason` is a code
    SYNCED = "synced"  # the queue drained after an outage: `count` operations
    DEVICES = "devices"  # a printer, a job of it, or another device changed
    SCANNED = "scanned"  # a scanner read a code: `reason` has its text
    CHIP = "chip"  # a chip is held to a reader: `reason` has what it says
    AFTER_SALE = "after_sale"  # the server answered a question about tickets: `reason` is its id


@dataclass(frozen=True, slots=True)
class News:
    """Something changed. Delivered on any thread: faces must queue it home.

    `version` of availabilities: one of this version, or of a later one, knows of the change.
    """

    kind: NewsKind
    performance: int = 0
    units: tuple[int, ...] = ()
    reason: str = ""
    count: int = 0
    version: int | None = field(default=None, compare=False)
