"""Which patterns to cut from what there is, so that the most is saved: a bounded, exact search.

There are so many pieces of each resource. A pattern takes some of them and saves something; it may
be used again while there is enough. Which patterns, how often, saves the most? That is an integer
program. Three ideas keep it small:

* Patterns that share no resource, not even over others, are solved apart.
* Every resource gets a worth, so that no pattern saves more than the worth of what it takes (a
  feasible dual). Then nothing can save more than the worth of all there is, and each decision
  *loses* something against that: a pattern what it takes beyond what it saves, a piece that is left
  over its worth. The best packing is the one that loses least.
* A first packing is taken greedily. The search goes through the others resource by resource and
  turns back as soon as more is lost than in the best one so far. It takes a bounded number of
  steps; where that does not do, the best until then is the answer, and `exact` is False.

No chance and no clock: the same question always has the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

from ticketing.pricing.packing_worths import feasible_worths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SCALE = 1_024  # worths are in parts of a minor unit: rounding them up costs less than one in all


@dataclass(frozen=True, slots=True)
class Pattern:
    """(resource, pieces) that it takes, each resource once; `saving` is above nothing."""

    needs: tuple[tuple[int, int], ...]
    saving: int

    @property
    def size(self) -> int:
        """How many pieces it takes."""
        return sum(count for _resource, count in self.needs)


@dataclass(frozen=True, slots=True)
class Packing:
    """How often each pattern is used, and whether nothing can save more."""

    times: tuple[int, ...]
    saving: int
    exact: bool


def best_packing(counts: Sequence[int], patterns: Sequence[Pattern], steps_max: int) -> Packing:
    """Choose patterns within `counts`; of equal packings the one that earlier patterns make.

    `steps_max` bounds the search over all parts of the question; with 0 the answer is greedy, and
    exact only where that can be seen.
    """
    times = [0] * len(patterns)
    saving, exact = 0, True
    for part in _parts(counts, patterns):
        search = _Search(counts, [patterns[at] for at in part], steps_max)
        search.run()
        steps_max -= search.steps
        exact = exact and search.exact
        for at, often in zip(part, search.best, strict=True):
            times[at] = often
            saving += often * patterns[at].saving
    return Packing(tuple(times), saving, exact)


def _parts(counts: Sequence[int], patterns: Sequence[Pattern]) -> list[list[int]]:
    """Group patterns (by position, in order) that share resources; leave out those that never fit."""
    group_of = list(range(len(counts)))

    def root(resource: int) -> int:
        while group_of[resource] != resource:
            group_of[resource] = group_of[group_of[resource]]
            resource = group_of[resource]
        return resource

    fitting = [
        at
        for at, pattern in enumerate(patterns)
        if all(counts[resource] >= count for resource, count in pattern.needs)
    ]
    for at in fitting:
        first = root(patterns[at].needs[0][0])
        for resource, _count in patterns[at].needs[1:]:
            group_of[root(resource)] = first
    parts: dict[int, list[int]] = {}
    for at in fitting:
        parts.setdefault(root(patterns[at].needs[0][0]), []).append(at)
    return list(parts.values())


class _Search:
    """The search in one part."""

    def __init__(self, counts: Sequence[int], patterns: list[Pattern], steps_max: int) -> None:
        self.patterns, self.steps_max, self.steps = patterns, steps_max, 0
        users = _users(patterns)
        # The resource that fewest patterns use first: it decides most.
        order = sorted(users, key=lambda resource: (len(users[resource]), resource))
        place = {resource: at for at, resource in enumerate(order)}
        self.left = [counts[resource] for resource in order]
        self.needs = [
            tuple((place[resource], count) for resource, count in pattern.needs)
            for pattern in patterns
        ]
        self.savings = [pattern.saving * _SCALE for pattern in patterns]
        # All savings are multiples of this: whatever saves more saves so much more at least.
        self.grain = gcd(*self.savings)
        self.worths = feasible_worths(self.left, self.needs, self.savings)
        self.slacks = [
            sum(self.worths[place] * count for place, count in needs) - saving
            for needs, saving in zip(self.needs, self.savings, strict=True)
        ]
        self.using = [
            sorted(users[resource], key=lambda at: (self.slacks[at], at)) for resource in order
        ]
        self.chosen = [0] * len(patterns)
        self.best = [0] * len(patterns)
        self.least_lost = 0
        self.exact = True
        self.seen: dict[tuple[int, ...], int] = {}

    def run(self) -> None:
        """Find the best packing; `exact` says whether it is proven to be that."""
        most = sum(worth * count for worth, count in zip(self.worths, self.left, strict=True))
        self.best = max(_greedy(self), key=self._saved)
        self.least_lost = most - self._saved(self.best)
        if self.least_lost >= self.grain:
            self._visit(0, 0)

    def _saved(self, times: Sequence[int]) -> int:
        return sum(often * saving for often, saving in zip(times, self.savings, strict=True))

    def _visit(self, place: int, lost: int) -> None:
        """Decide what becomes of the next resource's pieces; a pattern may take some, or they stay."""
        while place < len(self.left) and not self.left[place]:
            place += 1
        if place == len(self.left):
            self.best, self.least_lost = list(self.chosen), lost
            return
        if self.steps >= self.steps_max:
            self.exact = False
            return
        state = tuple(self.left)
        if self.seen.get(state, lost + 1) <= lost:
            return
        self.seen[state] = lost
        self._use_pattern(place, lost)
        staying = self.left[place]
        if lost + staying * self.worths[place] <= self.least_lost - self.grain:
            self.left[place] = 0
            self._visit(place + 1, lost + staying * self.worths[place])
            self.left[place] = staying

    def _use_pattern(self, place: int, lost: int) -> None:
        left = self.left
        for at in self.using[place]:
            if lost + self.slacks[at] > self.least_lost - self.grain:
                return  # the following ones lose more
            self.steps += 1
            needs = self.needs[at]
            for each, count in needs:
                if left[each] < count:
                    break
            else:
                for each, count in needs:
                    left[each] -= count
                self.chosen[at] += 1
                self._visit(place, lost + self.slacks[at])
                self.chosen[at] -= 1
                for each, count in needs:
                    left[each] += count


def _users(patterns: Sequence[Pattern]) -> dict[int, list[int]]:
    users: dict[int, list[int]] = {}
    for at, pattern in enumerate(patterns):
        for resource, _count in pattern.needs:
            users.setdefault(resource, []).append(at)
    return users


# --------------------------------------------------------------------------------- a first packing


def _greedy(search: _Search) -> Iterator[list[int]]:
    """Packings that take what looks best first, in three ways of looking."""
    every = range(len(search.patterns))
    yield _filled(search, sorted(every, key=lambda at: (search.slacks[at], at)))
    yield _filled(search, sorted(every, key=lambda at: (-search.savings[at], at)))
    per_piece = [
        saving // pattern.size
        for saving, pattern in zip(search.savings, search.patterns, strict=True)
    ]
    yield _filled(search, sorted(every, key=lambda at: (-per_piece[at], at)))


def _filled(search: _Search, order: list[int]) -> list[int]:
    left, times = list(search.left), [0] * len(search.patterns)
    for at in order:
        needs = search.needs[at]
        often = min(left[place] // count for place, count in needs)
        if often:
            times[at] = often
            for place, count in needs:
                left[place] -= often * count
    return times
