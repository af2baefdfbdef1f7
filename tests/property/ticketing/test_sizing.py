"""Sizes: whatever is free and whoever asks, the limits of the policy hold."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ticketing.sizing import (
    GRANT_UNITS_MAX,
    Holder,
    Pace,
    TierRows,
    recalls,
    refill_units,
    share,
    target_units,
)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[TierRows, ...]:
    """Up to three tiers of up to four rows, numbered on."""
    unit, found = 1, []
    for name in "abc"[: draw(st.integers(1, 3))]:
        rows = []
        for size in draw(st.lists(st.integers(1, 30), min_size=1, max_size=4)):
            rows.append(tuple(range(unit, unit + size)))
            unit += size
        found.append(TierRows(name, tuple(rows)))
    return tuple(found)


@st.composite
def stocks(draw: st.DrawFn) -> tuple[tuple[TierRows, ...], frozenset[int]]:
    found = draw(tiers())
    units = [unit for tier in found for row in tier.rows for unit in row]
    few = frozenset(draw(st.sets(st.sampled_from(units), max_size=12)))
    return found, few if draw(st.booleans()) else frozenset(units) - few


@given(stock=stocks(), wanted=st.integers(0, 400), nodes=st.integers(0, 40))
def test_a_share_is_free_and_never_more_than_half_of_an_even_part_nor_the_last(
    stock: tuple[tuple[TierRows, ...], frozenset[int]], wanted: int, nodes: int
) -> None:
    found, free = stock
    units = share(found, free, wanted, nodes)
    assert len(set(units)) == len(units) <= min(wanted + len(found), GRANT_UNITS_MAX)
    assert set(units) <= free
    for tier in found:
        own = {unit for row in tier.rows for unit in row}
        tier_free = len(own & free)
        assert len(own & set(units)) <= max(1, tier_free // (2 * max(1, nodes)))
        assert own.isdisjoint(units) or len((own & free) - set(units)) >= tier.capacity // 50


@given(stock=stocks(), wanted=st.integers(1, 400), nodes=st.integers(0, 40))
def test_a_share_is_whole_rows_but_for_a_first_one_cut(
    stock: tuple[tuple[TierRows, ...], frozenset[int]], wanted: int, nodes: int
) -> None:
    found, free = stock
    units = share(found, free, wanted, nodes)
    for tier in found:
        rows = [[unit for unit in row if unit in free] for row in tier.rows]
        lent = [row for row in rows if row and row[0] in units]
        assert lent == [row for row in rows if row][: len(lent)], "from the front"
        assert len(lent) == 1 or all(unit in units for row in lent for unit in row)


@given(stock=stocks(), wanted=st.integers(1, 400), nodes=st.integers(1, 40))
def test_who_asks_gets_something_while_more_than_the_last_is_free(
    stock: tuple[tuple[TierRows, ...], frozenset[int]], wanted: int, nodes: int
) -> None:
    found, free = stock
    counts = [
        (tier.capacity // 50, sum(len(free & set(row)) for row in tier.rows)) for tier in found
    ]
    assert bool(share(found, free, wanted, nodes)) == any(n > last for last, n in counts)


HOLDERS = st.builds(
    Holder,
    st.integers(0, 6).map("n{}".format),
    st.integers(0, 60),
    st.integers(0, 40),
    st.booleans(),
)


@given(
    asker=HOLDERS,
    others=st.lists(HOLDERS, max_size=6, unique_by=lambda one: one.node_id),
    wanted=st.integers(0, 80),
    chance=st.randoms(use_true_random=False),
)
def test_recalls_are_fair_and_the_same_in_any_order(
    asker: Holder, others: list[Holder], wanted: int, chance: Random
) -> None:
    asked = dict(recalls(asker, others, wanted))
    got = sum(asked.values())
    assert got <= wanted
    holders = {one.node_id: one for one in others}
    mine = (asker.unsold + got) / max(1, asker.target)
    for node_id, count in asked.items():
        giver = holders[node_id]
        assert giver.connected
        assert node_id != asker.node_id
        assert 1 <= count <= giver.unsold
        assert (giver.unsold - count) / max(1, giver.target) >= mine
    if got < wanted:
        one_more = (asker.unsold + got + 1) / max(1, asker.target)
        for other in others:
            left = other.unsold - asked.get(other.node_id, 0) - 1
            given_up = not other.connected or other.node_id == asker.node_id
            assert given_up or left / max(1, other.target) < one_more
    chance.shuffle(others)
    assert dict(recalls(asker, others, wanted)) == asked


@given(
    sold=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10**7)), max_size=20),
    later=st.integers(0, 10**8),
)
def test_a_pace_is_never_negative_nor_faster_for_waiting(
    sold: list[tuple[int, int]], later: int
) -> None:
    pace, now_ms = Pace(0, 0), 0
    for count, after_ms in sold:
        now_ms += after_ms
        pace = pace.after(count, now_ms)
    assert 0 <= pace.per_minute(now_ms + later) <= pace.per_minute(now_ms) + 1e-9


@given(per_minute=st.floats(0, 10**4), unsold=st.integers(0, 4_000))
def test_a_refill_fills_up_to_the_target(per_minute: float, unsold: int) -> None:
    target = target_units(per_minute)
    asked = refill_units(target, unsold)
    assert asked in (0, target - unsold)
    assert (asked > 0) == (2 * unsold < target)
