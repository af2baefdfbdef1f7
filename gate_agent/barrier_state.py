"""What a barrier does next: who was granted, who passed, who did not, and when it stands open.

Pure: events and monotonic seconds in, a new state and effects out; `gate_agent.barrier` does them.

- One passage for each grant, in the order of the grants. A grant while somebody is on the way opens
  again; the same grant again opens again and counts once.
- A grant that nobody used within WAIT_S is *returned*, but only where the contact was watched all
  the while: what nobody could see counts as passed, or one ticket would let in two.
- A passage that nobody was granted is a tailgate, unless the gate stands open or leads out.
- While it burns the barrier is held open, and nothing here ever shuts it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ticketing.operations import GateCause as Cause

WAIT_S = 5.0
"""Turnstiles give people so long."""
EDGE_GAP_S = 0.3
"""Contacts bounce, and nobody is through so soon after somebody else."""
STUCK_S = 20.0
"""A passage contact that stays closed for so long tells nothing any more."""
WAITING_MAX = 20
"""Grants that nobody has used yet: a turnstile lets nobody queue up so far."""
HOLD_MS = 5_000
HOLD_AGAIN_S = 2.0
"""A gate that stands open is opened again so often, for HOLD_MS: if the program dies, it shuts."""


@dataclass(frozen=True, slots=True)
class BarrierRules:
    """What kind of barrier it is. `leads_out`: people leave by it."""

    pulse_ms: int
    has_contact: bool = False
    leads_out: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody was granted and has not passed yet."""

    key: str
    until_s: float
    is_armed: bool = False
    """The contact was seen open since, so that a passage would have been noticed."""
    has_gap: bool = False
    """For a moment nobody knew what the contact said."""


@dataclass(frozen=True, slots=True)
class BarrierState:
    """A barrier at one moment. `contact` and `fire` are None as long as they are not known."""

    waiting: tuple[Waiting, ...] = ()
    contact: bool | None = None
    contact_since_s: float = 0.0
    edge_s: float = float("-inf")
    fire: bool | None = None
    open_until_s: float | None = None
    held_s: float = float("-inf")

    @property
    def stands_open(self) -> bool:
        """Whether nobody needs a grant to pass."""
        return self.fire is True or self.open_until_s is not None

    def is_stuck(self, at_s: float) -> bool:
        """Whether the passage contact has been closed for longer than anybody stands in it."""
        return self.contact is True and at_s - self.contact_since_s >= STUCK_S


# --- events


@dataclass(frozen=True, slots=True)
class Granted:
    """Somebody may pass. `key` is the same for the same grant."""

    key: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The barrier did not confirm that it opened for this grant: nobody is waited for."""

    key: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the contacts say; None: not known this time, or there is none. Also the ticking clock.

    `has_gap`: so long after the time before that somebody may have passed in between.
    """

    passage: bool | None = None
    fire: bool | None = None
    has_gap: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The board is not there."""


@dataclass(frozen=True, slots=True)
class OpenFor:
    """Somebody of the house opens the gate for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ShutNow:
    """Somebody of the house ends that."""


Event: TypeAlias = Granted | Failed | Told | Lost | OpenFor | ShutNow


# --- effects


@dataclass(frozen=True, slots=True)
class Pulse:
    """Open the barrier for so long. `key`: for this grant, whose lane waits to hear of it."""

    duration_ms: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Shut:
    """Shut the barrier now."""


@dataclass(frozen=True, slots=True)
class Went:
    """The person of this grant passed."""

    key: str


@dataclass(frozen=True, slots=True)
class CameBack:
    """The person of this grant did not pass."""

    key: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """What became of this grant nobody saw: it counts."""

    key: str


@dataclass(frozen=True, slots=True)
class Ungranted:
    """Somebody passed without a grant."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class PeriodBegan:
    """The gate stands open from now on."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class PeriodEnded:
    """The gate is shut again, as far as this cause goes."""

    cause: Cause


Effect: TypeAlias = (
    Pulse | Shut | Went | CameBack | Uncertain | Ungranted | PeriodBegan | PeriodEnded
)
Step: TypeAlias = tuple[BarrierState, tuple[Effect, ...]]


def step(state: BarrierState, event: Event, rules: BarrierRules, at_s: float) -> Step:
    """What comes of an event. Total; `at_s` never goes back."""
    match event:
        case Granted(key):
            return _granted(state, key, rules, at_s)
        case Failed(key):
            rest = tuple(each for each in state.waiting if each.key != key)
            return replace(state, waiting=rest), ()
        case Told():
            return _told(state, event, rules, at_s)
        case Lost():
            gaps = _with_gaps(state.waiting)
            return _tick(replace(state, waiting=gaps, contact=None), rules, at_s)
        case OpenFor(seconds):
            return _open(state, at_s + seconds, at_s)
        case ShutNow():
            return _shut(state)


def _granted(state: BarrierState, key: str, rules: BarrierRules, at_s: float) -> Step:
    if state.stands_open:  # whoever passes now cannot be told from the others
        return replace(state, held_s=at_s), (Pulse(HOLD_MS, key), Uncertain(key))
    pulse = Pulse(rules.pulse_ms, key)
    if not rules.has_contact:
        return state, (pulse, Uncertain(key))
    before = [each for each in state.waiting if each.key != key]
    again = next((each for each in state.waiting if each.key == key), None)
    fresh = Waiting(key, at_s + WAIT_S, is_armed=state.contact is False)
    if again is not None:
        fresh = replace(again, until_s=fresh.until_s)
        waiting = tuple(fresh if each.key == key else each for each in state.waiting)
        return replace(state, waiting=waiting), (pulse,)
    crowd = before[: max(0, len(before) + 1 - WAITING_MAX)]
    dropped = tuple(Uncertain(each.key) for each in crowd)
    waiting = (*before[len(crowd) :], fresh)
    return replace(state, waiting=waiting), (pulse, *dropped)


def _told(state: BarrierState, told: Told, rules: BarrierRules, at_s: float) -> Step:
    state, burned = _note_fire(state, told.fire, at_s)
    passed: tuple[Effect, ...] = ()
    if rules.has_contact:
        if told.has_gap:
            state = replace(state, waiting=_with_gaps(state.waiting))
        state, passed = _note_contact(state, told.passage, rules, at_s)
    state, ticked = _tick(state, rules, at_s)
    return state, (*burned, *passed, *ticked)


def _note_fire(state: BarrierState, fire: bool | None, at_s: float) -> Step:
    """A contact that says nothing ends no fire."""
    if fire is None or fire is state.fire:
        return state, ()
    was_burning = state.fire is True
    state = replace(state, fire=fire)
    if fire:
        state, given_up = _give_up_waiting(state)
        held = replace(state, held_s=at_s)
        return held, (*given_up, PeriodBegan(Cause.FIRE), Pulse(HOLD_MS))
    return state, (PeriodEnded(Cause.FIRE),) if was_burning else ()


def _note_contact(
    state: BarrierState, passage: bool | None, rules: BarrierRules, at_s: float
) -> Step:
    if passage is None:
        return replace(state, waiting=_with_gaps(state.waiting)), ()
    before = state.contact
    if passage is not before:
        state = replace(state, contact=passage, contact_since_s=at_s)
    if not passage:
        armed = tuple(replace(each, is_armed=True) for each in state.waiting)
        return replace(state, waiting=armed), ()
    if before is not False:
        return state, ()  # was closed before, perhaps before anybody looked
    if at_s - state.edge_s < EDGE_GAP_S:  # it bounces; or the next one is that quick: nobody knows
        return replace(state, waiting=_with_gaps(state.waiting)), ()
    return _somebody_passed(replace(state, edge_s=at_s), rules, at_s)


def _with_gaps(waiting: tuple[Waiting, ...]) -> tuple[Waiting, ...]:
    """Nobody can tell any more whether these have passed."""
    return tuple(replace(each, has_gap=True) for each in waiting)


def _somebody_passed(state: BarrierState, rules: BarrierRules, at_s: float) -> Step:
    if state.stands_open:
        cause = Cause.FIRE if state.fire else Cause.HAND
        return state, (Ungranted(cause),)
    if not state.waiting:
        return state, (Ungranted(Cause.OUT if rules.leads_out else Cause.TAILGATE),)
    first, *others = state.waiting
    rest = tuple(replace(each, until_s=at_s + WAIT_S) for each in others)
    if first.has_gap:  # it may have gone unseen before: then this was one of those behind
        rest = _with_gaps(rest)
    state = replace(state, waiting=rest)
    if rest:  # a turnstile lets one person through for each time it is opened
        return state, (Went(first.key), Pulse(rules.pulse_ms))
    return state, (Went(first.key),)


def _tick(state: BarrierState, rules: BarrierRules, at_s: float) -> Step:
    """What the time alone brings: grants that run out, periods that end, holding open."""
    effects: list[Effect] = []
    over = [each for each in state.waiting if each.until_s <= at_s]
    if over:
        effects += [_end_of(each, rules) for each in over]
        left = tuple(each for each in state.waiting if each.until_s > at_s)
        state = replace(state, waiting=left)
    if state.open_until_s is not None and state.open_until_s <= at_s:
        state, ended = _shut(state)
        effects += ended
    if state.stands_open and at_s - state.held_s >= HOLD_AGAIN_S:
        state = replace(state, held_s=at_s)
        effects.append(Pulse(HOLD_MS))
    return state, tuple(effects)


def _end_of(waiting: Waiting, rules: BarrierRules) -> Effect:
    was_watched = waiting.is_armed and not waiting.has_gap
    if was_watched and not rules.leads_out:
        return CameBack(waiting.key)
    return Uncertain(waiting.key)


def _open(state: BarrierState, until_s: float, at_s: float) -> Step:
    began = () if state.open_until_s is not None else (PeriodBegan(Cause.HAND),)
    state, given_up = _give_up_waiting(state)
    state = replace(state, open_until_s=until_s, held_s=at_s)
    return state, (*given_up, *began, Pulse(HOLD_MS))


def _shut(state: BarrierState) -> Step:
    if state.open_until_s is None:
        return state, ()
    state = replace(state, open_until_s=None)
    ended = PeriodEnded(Cause.HAND)
    return state, (ended,) if state.fire else (ended, Shut())


def _give_up_waiting(state: BarrierState) -> Step:
    uncertain = tuple(Uncertain(each.key) for each in state.waiting)
    return replace(state, waiting=()), uncertain
