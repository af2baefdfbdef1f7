"""What can be undone: the cashier's deeds on one basket, as changes of what was chosen. Pure.

A step says what became of which places, and not what the basket looked like: undone later, it
touches those places alone, whatever a price list or the server did to the others meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.services.basket import Picked

DEPTH_MAX: Final = 50
"""Steps that are kept; nobody goes back further within one sale."""
TOAST_S: Final = 8
"""How long something that was taken away is offered back."""

Lines = tuple["Picked", ...]


class Deed(StrEnum):
    """What the cashier did."""

    ADD = "add"
    REMOVE = "remove"
    CLEAR = "clear"
    TYPE = "type"
    GIVE = "give"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Change:
    """One place of the basket: what was chosen there, and the line it stood in.

    None: the place was not in the basket.
    """

    before: Picked | None
    after: Picked | None
    at_before: int = 0
    at_after: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """(performance, unit)."""
        chosen = self.before or self.after
        assert chosen is not None, "a change has one side at least"
        return chosen.place


@dataclass(frozen=True, slots=True)
class Step:
    """One deed. `number` is the parked basket's where the deed is PARK, `note` what CLEAR took."""

    deed: Deed
    changes: tuple[Change, ...]
    number: int = 0
    note: str = ""

    @property
    def removed(self) -> Lines:
        """The lines that the deed took out of the basket."""
        return tuple(
            change.before
            for change in self.changes
            if change.before is not None and change.after is None
        )


@dataclass(frozen=True, slots=True)
class Toast:
    """What was just taken away, while it is offered back."""

    step: Step
    left_s: int = TOAST_S


@dataclass(frozen=True, slots=True)
class History:
    """Steps done, the last at the end; and steps undone, the next to be redone at the end."""

    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()

    def did(self, step: Step) -> History:
        """A new step: what was undone before it is gone for good."""
        return History((*self.past, step)[-DEPTH_MAX:])

    def undid(self) -> History:
        """The last step was undone."""
        return History(self.past[:-1], (*self.future, self.past[-1]))

    def redid(self, step: Step | None = None) -> History:
        """The last step undone was done again; as `step`, where it came out another way."""
        again = step or self.future[-1]
        return History((*self.past, again)[-DEPTH_MAX:], self.future[:-1])

    def only_parking(self) -> History:
        """Another event is sold now: what can still be undone is that a basket was put aside."""
        last = self.past[-1:]
        return History(last if last and last[0].deed is Deed.PARK else ())

    def without_last(self) -> History:
        """The last step cannot be undone any more."""
        return History(self.past[:-1], self.future)


def changes_between(before: Sequence[Picked], after: Sequence[Picked]) -> tuple[Change, ...]:
    """What makes the one basket the other, apart from the order of lines in both."""
    old = {line.place: (at, line) for at, line in enumerate(before)}
    new = {line.place: (at, line) for at, line in enumerate(after)}
    gone = [
        Change(line, None, at_before=at) for place, (at, line) in old.items() if place not in new
    ]
    come = [
        Change(None, line, at_after=at) for place, (at, line) in new.items() if place not in old
    ]
    other = [
        Change(line, new[place][1], at, new[place][0])
        for place, (at, line) in old.items()
        if place in new and new[place][1] != line
    ]
    return (*gone, *come, *other)


def undo(lines: Sequence[Picked], changes: Sequence[Change]) -> Lines:
    """The lines without these changes; a change whose place is not as it left it is let be."""
    return _apply(lines, [Change(c.after, c.before, c.at_after, c.at_before) for c in changes])


def redo(lines: Sequence[Picked], changes: Sequence[Change]) -> Lines:
    """The lines with these changes once more."""
    return _apply(lines, changes)


def _apply(lines: Sequence[Picked], changes: Sequence[Change]) -> Lines:
    """Take out, replace, then put in from the first line to the last: so each finds its line."""
    made = list(lines)
    for change in changes:
        here = next((at for at, line in enumerate(made) if line.place == change.place), None)
        if here is None or change.before is None:
            continue
        if change.after is None:
            del made[here]
        else:
            made[here] = change.after
    places = {line.place for line in made}
    coming = [change for change in changes if change.before is None]
    for change in sorted(coming, key=lambda change: change.at_after):
        if change.after is not None and change.place not in places:
            made.insert(change.at_after, change.after)
    return tuple(made)
