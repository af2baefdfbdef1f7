"""Packing patterns: what the search proves is the best, and its bound holds, whatever the numbers."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.examples import examples
from ticketing.pricing.package_price import split_price
from ticketing.pricing.packing import Pattern, best_packing
from ticketing.pricing.packing_worths import feasible_worths
from ticketing.pricing.rules import Rounding

RESOURCES = 4
COUNTS = st.lists(st.integers(0, 5), min_size=RESOURCES, max_size=RESOURCES)
NEEDS = st.dictionaries(
    st.integers(0, RESOURCES - 1), st.integers(1, 2), min_size=1, max_size=3
).map(lambda needs: tuple(sorted(needs.items())))
PATTERNS = st.lists(st.builds(Pattern, NEEDS, st.integers(1, 40)), max_size=7)


def _most(counts: tuple[int, ...], patterns: list[Pattern]) -> int:
    """What can be saved at most, by trying everything."""

    @cache
    def most(first: int, left: tuple[int, ...]) -> int:
        if first == len(patterns):
            return 0
        best = most(first + 1, left)
        needs = dict(patterns[first].needs)
        after = tuple(have - needs.get(at, 0) for at, have in enumerate(left))
        if min(after) >= 0:
            best = max(best, patterns[first].saving + most(first, after))
        return best

    return most(0, counts)


@settings(max_examples=examples(400))
@given(COUNTS, PATTERNS)
def test_nothing_saves_more_than_the_packing_that_is_called_exact(
    counts: list[int], patterns: list[Pattern]
) -> None:
    packing = best_packing(counts, patterns, 4_000)
    assert packing.exact
    assert packing.saving == _most(tuple(counts), patterns)


@given(COUNTS, PATTERNS, st.integers(0, 5))
def test_a_search_cut_short_still_fits_and_adds_up_and_claims_no_more_than_it_knows(
    counts: list[int], patterns: list[Pattern], steps_max: int
) -> None:
    packing = best_packing(counts, patterns, steps_max)
    chosen = list(zip(packing.times, patterns, strict=True))
    assert packing.saving == sum(often * pattern.saving for often, pattern in chosen)
    for resource, count in enumerate(counts):
        taken = (often * dict(pattern.needs).get(resource, 0) for often, pattern in chosen)
        assert sum(taken) <= count
    most = _most(tuple(counts), patterns)
    assert packing.saving == most if packing.exact else packing.saving <= most


@given(
    st.lists(st.integers(1, 60), min_size=RESOURCES, max_size=RESOURCES),
    st.lists(st.tuples(NEEDS, st.integers(1, 10**12)), min_size=1, max_size=12),
)
def test_no_pattern_saves_more_than_what_it_takes_is_worth(
    counts: list[int], patterns: list[tuple[tuple[tuple[int, int], ...], int]]
) -> None:
    used = sorted({resource for needs, _saving in patterns for resource, _count in needs})
    place = {resource: at for at, resource in enumerate(used)}
    needs = [tuple((place[resource], count) for resource, count in each) for each, _s in patterns]
    savings = [saving for _needs, saving in patterns]
    worths = feasible_worths([counts[resource] for resource in used], needs, savings)
    assert min(worths) >= 0
    for each, saving in zip(needs, savings, strict=True):
        assert sum(worths[at] * count for at, count in each) >= saving


@given(
    st.lists(st.integers(0, 2_000), min_size=1, max_size=8), st.data(), st.sampled_from([1, 5, 100])
)
def test_a_package_price_is_split_exactly_and_no_part_is_above_its_ticket(
    lists: list[int], data: st.DataObject, step: int
) -> None:
    scaled = [minor * data.draw(st.sampled_from([1, step])) for minor in lists]
    price = data.draw(st.integers(0, sum(scaled)))
    parts = split_price(price, scaled, Rounding(step))
    assert sum(parts) == price
    assert all(0 <= part <= minor for part, minor in zip(parts, scaled, strict=True))
