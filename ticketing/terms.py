"""How long a node may sell what was lent to it, and when the centre may give it up for lost.

A grant carries durations, not dates, so that nobody's wall clock is compared with anybody else's.
The node counts from the moment it FIRST sent the request that was granted, also when it had to
send it again: the centre can't have granted it earlier. It stops at D(1 - rho) of its own clock;
the centre permits the write-off at D(1 + rho) + margin of its own. With both clocks running at a
rate within 1 - rho to 1 + rho, the node has stopped before the centre permits anything.

Within a boot the node counts monotonic seconds, which must go on while the machine sleeps. After
a restart it has only the wall clock. One that is earlier than the highest wall time ever stored
proves nothing, so the term counts as over. What can't be noticed is a clock set back while the
machine was off, by less than it was off: then the two people who write off are the safeguard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DRIFT_MAX = 0.01
"""Rho: clocks run right to within this part."""
WRITE_OFF_MARGIN_S = 60


class Standing(StrEnum):
    """What a node may do with an allotment. Shown and stored, never renamed."""

    NORMAL = "normal"
    LIMITED = "limited"  # past the soft term: under the policy for long absences
    STOPPED = "stopped"  # past the hard term: nothing may be sold


@dataclass(frozen=True, slots=True)
class Terms:
    """The durations of a grant, in seconds; `soft_s` is not longer than `hard_s`."""

    soft_s: int
    hard_s: int

    def __post_init__(self) -> None:
        if not 0 <= self.soft_s <= self.hard_s:
            raise ValueError(f"soft {self.soft_s} s and hard {self.hard_s} s are no terms")


DEFAULT_TERMS = Terms(soft_s=4 * 3600, hard_s=24 * 3600)


@dataclass(frozen=True, slots=True)
class Anchor:
    """When the node first sent the request, by all that it can measure time with.

    `wall_high_ms` is the highest wall time that it had ever stored until then.
    """

    sent_mono_s: float
    boot_id: str
    sent_wall_ms: int
    wall_high_ms: int


def standing(
    terms: Terms,
    anchor: Anchor,
    now_mono_s: float,
    boot_id: str,
    now_wall_ms: int,
    wall_high_ms: int,
    rho: float = DRIFT_MAX,
) -> Standing:
    """What the node may do now. When in doubt about the time, the term is over.

    `wall_high_ms` is the highest wall time that it has ever stored, before this very moment.
    """
    passed_s = elapsed_s(anchor, Anchor(now_mono_s, boot_id, now_wall_ms, wall_high_ms))
    if passed_s is None or passed_s >= terms.hard_s * (1 - rho):
        return Standing.STOPPED
    return Standing.LIMITED if passed_s >= terms.soft_s * (1 - rho) else Standing.NORMAL


def stops_in_s(terms: Terms, anchor: Anchor, now: Anchor, rho: float = DRIFT_MAX) -> float:
    """How long it may still be sold at all; 0 when the hard term is over, or may be."""
    passed_s = elapsed_s(anchor, now)
    return 0.0 if passed_s is None else max(0.0, terms.hard_s * (1 - rho) - passed_s)


def elapsed_s(anchor: Anchor, now: Anchor) -> float | None:
    """How long ago `anchor` was; None when what measures time contradicts itself."""
    if now.boot_id == anchor.boot_id:
        passed_s = now.sent_mono_s - anchor.sent_mono_s
    elif now.sent_wall_ms < max(anchor.wall_high_ms, now.wall_high_ms):
        return None
    else:
        passed_s = (now.sent_wall_ms - anchor.sent_wall_ms) / 1000
    return passed_s if passed_s >= 0 else None


def write_off_allowed(
    granted_ms: int,
    hard_s: int,
    now_ms: int,
    rho: float = DRIFT_MAX,
    margin_s: int = WRITE_OFF_MARGIN_S,
) -> bool:
    """Whether the centre may give up an allotment that it granted (or last extended) then.

    Both instants are of one clock that is never set back or forward in between.
    """
    return (now_ms - granted_ms) / 1000 >= hard_s * (1 + rho) + margin_s


@dataclass(frozen=True, slots=True)
class Sold:
    """So many tickets for so much."""

    tickets: int
    amount_minor: int


class CapReached(StrEnum):
    """Which cap a sale in the limited state would break."""

    TICKETS = "tickets"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Caps:
    """What a till may sell at most while it is limited, since it was last in contact."""

    tickets_max: int
    amount_max_minor: int

    def broken_by(self, already: Sold, basket: Sold) -> CapReached | None:
        """The cap that this basket would break, after what was sold already; None when none."""
        if already.tickets + basket.tickets > self.tickets_max:
            return CapReached.TICKETS
        if already.amount_minor + basket.amount_minor > self.amount_max_minor:
            return CapReached.AMOUNT
        return None

    def left(self, already: Sold) -> Sold:
        """What may still be sold, after what was sold already."""
        tickets = max(0, self.tickets_max - already.tickets)
        return Sold(tickets, max(0, self.amount_max_minor - already.amount_minor))


DEFAULT_CAPS = Caps(tickets_max=50, amount_max_minor=2_000_000)
