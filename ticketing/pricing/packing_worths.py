"""What a piece of each resource is worth at most: the bound that the search for packings rests on.

Worths are feasible when no pattern saves more than what it takes is worth. Then no packing saves
more than everything there is. The lower that sum, the less there is to search; the lowest is the
dual of the linear program without "whole patterns only". The simplex method finds it in floating
point and a bounded number of pivots; the outcome is then made whole and feasible in integers, so
nothing rests on how exactly it was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Needs = tuple[tuple[int, int], ...]
"""(resource, pieces) that a pattern takes."""

PIVOTS_MAX = 40
_TINY = 1e-7
_BLOCK = 64


def feasible_worths(
    counts: Sequence[int], needs: Sequence[Needs], savings: Sequence[int]
) -> list[int]:
    """Return worths, none negative, under which no pattern saves more than it takes.

    Every resource is used by some pattern.
    """
    worths = [max(0, round(worth)) for worth in _dual(counts, needs, savings)]
    for each, saving in zip(needs, savings, strict=True):
        missing = saving - sum(worths[place] * count for place, count in each)
        if missing > 0:
            scarcest = min(each, key=lambda need: (counts[need[0]], need[0]))
            worths[scarcest[0]] += -(-missing // scarcest[1])
    _lower(worths, counts, needs, savings)
    return worths


def _lower(
    worths: list[int], counts: Sequence[int], needs: Sequence[Needs], savings: Sequence[int]
) -> None:
    """Lower each worth in turn, of what there is most first, as far as the others allow."""
    users: list[list[tuple[int, int]]] = [[] for _place in counts]
    for at, each in enumerate(needs):
        for place, count in each:
            users[place].append((at, count))
    borne = [sum(worths[place] * count for place, count in each) for each in needs]
    for place in sorted(range(len(counts)), key=lambda place: (-counts[place], place)):
        old = worths[place]
        needed = (-((borne[at] - old * count - savings[at]) // count) for at, count in users[place])
        new = max(0, *needed)
        if new < old:
            worths[place] = new
            for at, count in users[place]:
                borne[at] -= (old - new) * count


def _dual(counts: Sequence[int], needs: Sequence[Needs], savings: Sequence[int]) -> list[float]:
    """The dual values, or how far the pivots went: the revised simplex method."""
    size = len(counts)
    inverse = [[float(row == at) for at in range(size)] for row in range(size)]
    amounts = [float(count) for count in counts]
    costs = [0.0] * size
    worths = [0.0] * size
    for _pivot in range(PIVOTS_MAX):
        saving, column = _entering(worths, needs, savings)
        if column is None:
            break
        pulled = [sum([row[place] * count for place, count in column]) for row in inverse]
        ratios = [(amounts[at] / pull, at) for at, pull in enumerate(pulled) if pull > _TINY]
        if not ratios:
            break
        _ratio, leaving = min(ratios)
        _pivot_on(inverse, amounts, pulled, leaving)
        costs[leaving] = saving
        worths = [0.0] * size
        for cost, row in zip(costs, inverse, strict=True):
            if cost:
                worths = [worth + cost * by for worth, by in zip(worths, row, strict=True)]
    return worths


def _entering(
    worths: Sequence[float], needs: Sequence[Needs], savings: Sequence[int]
) -> tuple[float, Needs | None]:
    """A pattern that gains much: what it saves, what it takes; or a piece better left over.

    The best one of a block is as good as any: to look at all of them costs more than it gains.
    """
    worst = min(range(len(worths)), key=worths.__getitem__)
    column: Needs = ((worst, 1),)
    most, saving = -worths[worst], 0.0
    for first in range(0, len(needs), _BLOCK):
        if most > _TINY:
            return saving, column
        for at in range(first, min(first + _BLOCK, len(needs))):
            gain = savings[at] - sum([worths[place] * count for place, count in needs[at]])
            if gain > most:
                most, saving, column = gain, float(savings[at]), needs[at]
    return saving, (column if most > _TINY else None)


def _pivot_on(
    inverse: list[list[float]], amounts: list[float], pulled: Sequence[float], leaving: int
) -> None:
    pivot = pulled[leaving]
    pivot_row = inverse[leaving] = [value / pivot for value in inverse[leaving]]
    amount = amounts[leaving] = amounts[leaving] / pivot
    for at, pull in enumerate(pulled):
        if at != leaving and pull:
            inverse[at] = [
                value - pull * by for value, by in zip(inverse[at], pivot_row, strict=True)
            ]
            amounts[at] -= pull * amount
