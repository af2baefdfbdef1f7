"""What whoever decides a scan has been told: frozen values, fetched already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ticketing.admission.rules import USUAL_RULE, Calendar, EntryRule
from ticketing.ids import OpId
from ticketing.text import Text
from ticketing.ticket import Ticket


class KeyState(StrEnum):
    """Whether a node may still sell."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A selling node's public key as the feed gave it."""

    public: bytes
    state: KeyState


class AllotmentState(StrEnum):
    """Whether an allotment still stands."""

    OPEN = "open"
    CLOSED = "closed"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class AllotmentFacts:
    """The allotment that the ticket cites: is the unit in it, and does it still stand."""

    has_unit: bool
    state: AllotmentState


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that counts (granted and not returned), or one exit."""

    op_id: OpId
    node_id: str
    lane: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """When a performance's tickets are let in, by the catalogue: from, and until just before."""

    valid_from: datetime
    valid_to: datetime


_UTC_DAYS = Calendar()


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """What the decider knows. None means: not known here, which is not a refusal by itself.

    `window` is that of the performance that counts, the row's before the code's, and `is_cancelled`
    says that this one does not take place. `lane_gate` is
    the name of the gate at which the ticket was shown, "" where that gate has none; `home_gate`
    is the one that the ticket's place belongs to.
    """

    performances: frozenset[int]  # let in at this lane now
    key: IssuerKey | None
    row: Ticket | None
    allotment: AllotmentFacts | None
    unit_version_seen: int  # highest version of this unit ever seen here
    entries: Sequence[Entry]
    exits: Sequence[Entry] = ()
    rule: EntryRule = USUAL_RULE
    calendar: Calendar = _UTC_DAYS
    window: Window | None = None
    is_cancelled: bool = False
    lane_gate: str = ""
    home_gate: Text | None = None

    @property
    def is_home(self) -> bool:
        """Whether the lane is known to be at the gate that the ticket's place belongs to."""
        home = self.home_gate
        return home is not None and self.lane_gate in dict(home.names).values()
