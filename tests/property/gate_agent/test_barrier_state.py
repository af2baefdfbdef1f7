"""Whatever happens at a barrier, in whatever order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gate_agent.barrier_state import (
    WAIT_S,
    WAITING_MAX,
    BarrierRules,
    BarrierState,
    CameBack,
    Effect,
    Event,
    Failed,
    Granted,
    Lost,
    OpenFor,
    Shut,
    ShutNow,
    Told,
    Uncertain,
    Ungranted,
    Went,
    step,
)

# Few of each, so that what matters meets: random times and keys hardly ever would.
events = st.sampled_from(
    [
        Granted("a"), Granted("b"), Failed("a"), Lost(), OpenFor(3), OpenFor(30), ShutNow(),
        Told(), Told(passage=False), Told(passage=True),
        Told(passage=False, fire=False), Told(passage=False, fire=True),
    ]
)  # fmt: skip
pauses_s = st.sampled_from([0.05, 0.05, 0.5, 2.0, 5.0])
histories = st.lists(st.tuples(events, pauses_s), max_size=25)
LATE = Told(passage=False, has_gap=True)
at_work = st.sampled_from(
    [Granted("a"), Lost(), Told(), LATE, Told(passage=False), Told(passage=True)]
)
workdays = st.lists(st.tuples(at_work, pauses_s), max_size=25)
kinds = st.builds(BarrierRules, st.just(700), st.booleans(), st.booleans())


def play(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> list[tuple[Event, float, BarrierState, tuple[Effect, ...]]]:
    state, now_s, played = BarrierState(), 0.0, []
    for event, pause_s in history:
        now_s += pause_s
        state, effects = step(state, event, rules, now_s)
        played.append((event, now_s, state, effects))
    return played


@given(histories, kinds)
def test_each_grant_ends_once_and_never_without_having_begun(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> None:
    going: set[str] = set()
    ends: Counter[str] = Counter()
    for event, _at, state, effects in play(history, rules):
        if isinstance(event, Granted):
            going.add(event.key)
        for effect in effects:
            if isinstance(effect, Went | CameBack | Uncertain):
                assert effect.key in going, "ended, and nobody had been granted"
                going.discard(effect.key)
                ends[effect.key] += 1
        if isinstance(event, Failed):
            going.discard(event.key)
        waiting = [each.key for each in state.waiting]
        assert set(waiting) == going
        assert len(waiting) == len(set(waiting)) <= WAITING_MAX


@given(histories, kinds)
def test_a_passage_is_one_grants_or_nobodys(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> None:
    passages = 0
    ended = 0
    before: bool | None = None
    for event, _at, _state, effects in play(history, rules):
        if isinstance(event, Told) and event.passage is True and before is False:
            passages += 1
        if isinstance(event, Told) and event.passage is not None:
            before = event.passage
        if isinstance(event, Lost):
            before = None
        ended += sum(isinstance(effect, Went | Ungranted) for effect in effects)
    assert ended <= passages, "more people than the contact saw"
    if not rules.has_contact:
        assert ended == 0


@given(histories, kinds)
def test_nothing_is_shut_while_it_burns(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> None:
    for _event, _at, state, effects in play(history, rules):
        if state.fire:
            assert not any(isinstance(effect, Shut) for effect in effects)


@given(st.one_of(workdays, histories), kinds)
def test_nobody_comes_back_who_was_not_watched(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> None:
    """The contact was known at every event from the grant on: else one ticket lets in two."""
    blind: dict[str, bool] = {}
    for event, _at, _state, effects in play(history, rules):
        if isinstance(event, Lost) or (
            isinstance(event, Told) and (event.passage is None or event.has_gap)
        ):
            blind = dict.fromkeys(blind, True)
        if isinstance(event, Granted):
            blind.setdefault(event.key, False)
        for effect in effects:
            if isinstance(effect, CameBack):
                assert not blind[effect.key]
                assert rules.has_contact
                assert not rules.leads_out
            if isinstance(effect, Went | CameBack | Uncertain):
                blind.pop(effect.key, None)
        if isinstance(event, Failed):
            blind.pop(event.key, None)


@given(st.lists(st.tuples(st.booleans(), pauses_s), max_size=12))
def test_nobody_comes_back_who_passed_in_turn(people: list[tuple[bool, float]]) -> None:
    """Everybody walks after their grant; some while nobody could see it."""
    history: list[tuple[Event, float]] = [(Told(passage=False), 0.0)]
    for number, (is_seen, pause_s) in enumerate(people):
        walks = Told(passage=True) if is_seen else LATE
        history += [(Granted(str(number)), pause_s), (walks, 0.5), (Told(passage=False), 0.2)]
    history.append((Told(passage=False), 2 * WAIT_S))
    for _event, _at, _state, effects in play(history, BarrierRules(700, has_contact=True)):
        assert not any(isinstance(effect, CameBack) for effect in effects)


@given(histories, kinds)
def test_nobody_is_waited_for_for_ever(
    history: list[tuple[Event, float]], rules: BarrierRules
) -> None:
    played = play(history, rules)
    if not played:
        return
    _event, now_s, state, _effects = played[-1]
    state, _effects = step(state, Told(), rules, now_s + WAIT_S)
    assert state.waiting == ()
