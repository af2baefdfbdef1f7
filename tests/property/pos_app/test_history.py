"""Undoing brings back what was, redoing what came of it, however long the way was."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pos_app.presenters.history import (
    DEPTH_MAX,
    Change,
    Deed,
    History,
    Step,
    changes_between,
    redo,
    undo,
)
from pos_app.services.basket import Picked

PLACES = st.tuples(st.integers(1, 2), st.integers(1, 9))
LINES = st.builds(
    lambda places, kinds: tuple(
        Picked(at, unit, kind) for (at, unit), kind in zip(places, kinds, strict=False)
    ),
    st.lists(PLACES, unique=True, max_size=9),
    st.lists(st.sampled_from(["adult", "child"]), min_size=9, max_size=9),
)


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[Picked, ...]]:
    """A basket after each of the cashier's deeds: added at the end, taken out, of another type."""
    lines: tuple[Picked, ...] = ()
    states = [lines]
    for _step in range(draw(st.integers(0, 12))):
        kept = [line for line in lines if draw(st.booleans()) or draw(st.booleans())]
        kinds = draw(st.lists(st.sampled_from(["adult", "child"]), min_size=20, max_size=20))
        kept = [Picked(*line.place, kind) for line, kind in zip(kept, kinds, strict=False)]
        held = {line.place for line in lines}
        new = [Picked(*place, "adult") for place in draw(st.lists(PLACES, unique=True, max_size=3))]
        lines = (*kept, *(line for line in new if line.place not in held))
        states.append(lines)
    return states


@given(LINES, LINES)
def test_a_change_undone_leaves_the_very_lines_that_were(
    before: tuple[Picked, ...], after: tuple[Picked, ...]
) -> None:
    """As long as what stays is in the same order, and that is all a cashier can do."""
    held = {line.place for line in before}
    stays = [line for line in after if line.place in held]
    order = [line.place for line in before]
    stays.sort(key=lambda line: order.index(line.place))
    after = (*stays, *(line for line in after if line.place not in held))
    changes = changes_between(before, after)
    assert redo(before, changes) == after
    assert undo(after, changes) == before
    assert redo(undo(after, changes), changes) == after


@given(edits())
def test_all_the_way_back_and_forth_again(states: list[tuple[Picked, ...]]) -> None:
    history = History()
    for before, after in pairwise(states):
        history = history.did(Step(Deed.ADD, changes_between(before, after)))
    lines = states[-1]
    for expected in reversed(states[:-1]):
        lines = undo(lines, history.past[-1].changes)
        history = history.undid()
        assert lines == expected
    for expected in states[1:]:
        lines = redo(lines, history.future[-1].changes)
        history = history.redid()
        assert lines == expected
    assert len(history.past) == len(states) - 1
    assert history.future == ()


@given(LINES, LINES, LINES)
def test_what_happened_meanwhile_to_others_is_left_alone(
    before: tuple[Picked, ...], after: tuple[Picked, ...], other: tuple[Picked, ...]
) -> None:
    """A price list or the server took lines out, or put them in: undoing touches its own alone."""
    changes = changes_between(before, after)
    touched = {change.place for change in changes}
    undone = undo(other, changes)
    assert [line for line in undone if line.place not in touched] == [
        line for line in other if line.place not in touched
    ]
    assert len({line.place for line in undone}) == len(undone), "no place is in a basket twice"
    wanted = {change.place for change in changes if change.before is not None}
    here = {line.place for line in other}
    gone = {change.place for change in changes if change.before is None}
    assert {line.place for line in undone} >= (wanted & here) - gone


@given(st.integers(0, 3 * DEPTH_MAX))
def test_the_way_back_is_not_endless(count: int) -> None:
    history = History()
    for number in range(count):
        history = history.did(Step(Deed.PARK, (), number))
    assert len(history.past) == min(count, DEPTH_MAX)
    assert [step.number for step in history.past[-1:]] == ([count - 1] if count else [])


def test_a_new_step_ends_what_could_be_redone() -> None:
    line = Picked(1, 2, "adult")
    step = Step(Deed.ADD, (Change(None, line),))
    history = History().did(step).undid()
    assert history.future == (step,)
    assert history.did(step).future == ()
