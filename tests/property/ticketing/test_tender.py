"""The tender leg's machine: whatever happens, in whatever order, money is never lost from sight."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ticketing.tender import FINAL, LegAction, LegState, TenderKind, after_restart, next_state

BEGINNINGS = (LegState.NEW, LegState.REFUND_REQUESTED)
AT_THE_COUNTER = (TenderKind.CASH, TenderKind.HAND)
ELSEWHERE = (TenderKind.CODE, TenderKind.TERMINAL)
ACTIONS = st.lists(st.sampled_from(LegAction), max_size=12)
_NEVER_PAID = {LegState.DECLINED, LegState.REVERSED_CLOSED, LegState.ABANDONED}


def way(kind: TenderKind, start: LegState, actions: list[LegAction]) -> list[LegState]:
    """The states that a leg goes through; what is not lawful changes nothing."""
    states = [start]
    for action in actions:
        states.append(next_state(kind, states[-1], action) or states[-1])
    return states


def reached(kind: TenderKind, start: LegState) -> set[LegState]:
    """Every state that can come of `start`."""
    known = {start}
    for _round in LegState:
        found = {next_state(kind, state, action) for state in known for action in LegAction}
        known |= {state for state in found if state is not None}
    return known


@given(kind=st.sampled_from(TenderKind), start=st.sampled_from(BEGINNINGS), actions=ACTIONS)
def test_what_is_final_stays(kind: TenderKind, start: LegState, actions: list[LegAction]) -> None:
    states = way(kind, start, actions)
    for before, then in itertools.pairwise(states):
        assert before not in FINAL or then is before


@given(kind=st.sampled_from(TenderKind), start=st.sampled_from(BEGINNINGS), actions=ACTIONS)
def test_from_everywhere_there_is_a_way_to_an_end(
    kind: TenderKind, start: LegState, actions: list[LegAction]
) -> None:
    assert reached(kind, way(kind, start, actions)[-1]) & FINAL


@given(kind=st.sampled_from(ELSEWHERE), actions=ACTIONS)
def test_what_left_the_process_is_asked_about_and_never_sent_again(
    kind: TenderKind, actions: list[LegAction]
) -> None:
    states = way(kind, LegState.NEW, actions)
    sent = states.index(LegState.SENT) if LegState.SENT in states else len(states)
    assert LegState.NEW not in states[sent:]
    assert sum(b is LegState.SENT is not a for a, b in itertools.pairwise(states)) <= 1
    assert LegState.ABANDONED not in states


@given(kind=st.sampled_from(ELSEWHERE), actions=ACTIONS)
def test_a_stop_is_no_proof_that_nothing_was_paid(
    kind: TenderKind, actions: list[LegAction]
) -> None:
    """Behind it stands a reversal that was asked about to its end."""
    states = way(kind, LegState.NEW, actions)
    for before, then in itertools.pairwise(states):
        if then in (LegState.REVERSED_CLOSED, LegState.REVERSED_REFUNDED) and then is not before:
            assert before in (LegState.REVERSING, LegState.REVERSE_UNKNOWN, LegState.MANUAL)


@given(kind=st.sampled_from(TenderKind), start=st.sampled_from(BEGINNINGS), actions=ACTIONS)
def test_a_restart_leaves_nothing_that_waits_for_a_program_that_has_ended(
    kind: TenderKind, start: LegState, actions: list[LegAction]
) -> None:
    state = way(kind, start, actions)[-1]
    after = after_restart(kind, state)
    assert after_restart(kind, after) is after
    if state in FINAL:
        assert after is state
    elif kind in AT_THE_COUNTER and start is LegState.NEW:
        assert after is LegState.ABANDONED
    elif kind in ELSEWHERE:
        waiting = (LegState.SENT, LegState.PENDING_USER, LegState.REVERSING)
        assert after not in waiting
        assert after not in _NEVER_PAID or state in _NEVER_PAID, "a restart proves nothing"


@given(kind=st.sampled_from(TenderKind), actions=ACTIONS)
def test_an_order_is_paid_by_what_was_taken_and_by_nothing_else(
    kind: TenderKind, actions: list[LegAction]
) -> None:
    states = way(kind, LegState.NEW, actions)
    if LegState.CAPTURED in states:
        before = states[states.index(LegState.CAPTURED) - 1]
        assert before in (
            LegState.TENDERED,
            LegState.SENT,
            LegState.PENDING_USER,
            LegState.UNKNOWN,
        )
    assert not {LegState.REFUNDED, LegState.REFUND_FAILED} & set(states), (
        "money back is its own leg"
    )


def test_every_state_can_be_reached_and_every_action_does_something() -> None:
    found = {state for kind in TenderKind for start in BEGINNINGS for state in reached(kind, start)}
    assert found == set(LegState)
    lawful = {
        action
        for kind in TenderKind
        for state in LegState
        for action in LegAction
        if next_state(kind, state, action)
    }
    assert lawful == set(LegAction)
