"""A node never sells from an allotment after the centre permits its write-off.

The model has a true time that nobody sees. The node's clocks and the centre's run at rates within
the drift, from any offsets; the request is sent again and delayed; the node restarts; wall clocks
are set as people set them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from ticketing.terms import Anchor, Standing, Terms, standing, write_off_allowed

RHO = 0.01
RATES = st.sampled_from([1 - RHO, 1 + RHO, 1.0]) | st.floats(1 - RHO, 1 + RHO)
OFFSETS_S = st.integers(-(10**9), 10**9)


@dataclass(frozen=True)
class World:
    """True seconds are counted from the first time the request was sent."""

    terms: Terms
    node_rate: float
    centre_rate: float
    node_offset_s: int
    centre_offset_s: int
    granted_at: float  # after delays, and perhaps by a request sent again
    margin_s: int

    def node_wall_ms(self, at: float) -> int:
        return round((self.node_offset_s + self.node_rate * at) * 1_000)

    def centre_ms(self, at: float) -> int:
        return round((self.centre_offset_s + self.centre_rate * at) * 1_000)

    def permitted_at(self) -> float:
        needed_s = self.terms.hard_s * (1 + RHO) + self.margin_s
        return self.granted_at + needed_s / self.centre_rate

    def permits(self, at: float) -> bool:
        granted_ms, now_ms = self.centre_ms(self.granted_at), self.centre_ms(at)
        return write_off_allowed(granted_ms, self.terms.hard_s, now_ms, RHO, self.margin_s)

    def anchor(self) -> Anchor:
        sent_ms = self.node_wall_ms(0)
        return Anchor(float(self.node_offset_s), "boot-1", sent_ms, sent_ms)

    def standing(self, at: float) -> Standing:
        """Without a restart; the wall clock stands still, since it must not matter."""
        mono_s = self.node_offset_s + self.node_rate * at
        return standing(self.terms, self.anchor(), mono_s, "boot-1", 0, 0, RHO)

    def standing_restarted(self, at: float, down_at: float, forward_ms: int) -> Standing:
        """After a restart; the wall clock was set forward, or back behind what was stored."""
        high_ms = self.node_wall_ms(down_at)
        wall_ms = self.node_wall_ms(at) + forward_ms
        if forward_ms < 0:
            wall_ms = min(wall_ms, high_ms - 1)
        return standing(self.terms, self.anchor(), 1.0, "boot-2", wall_ms, high_ms, RHO)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    hard_s = draw(st.integers(1, 10**6))
    return World(
        Terms(draw(st.integers(0, hard_s)), hard_s),
        draw(RATES),
        draw(RATES),
        draw(OFFSETS_S),
        draw(OFFSETS_S),
        draw(st.sampled_from([0.0, 0.2, 3_600.0]) | st.floats(0, 10**5)),
        draw(st.sampled_from([1, 60, 3_600])),
    )


WORST = World(Terms(4 * 3_600, 24 * 3_600), 1 - RHO, 1 + RHO, 0, 0, 0.0, 60)


@given(
    world=worlds(),
    part=st.sampled_from([1.0, 0.995, 0.99, 0.98]) | st.floats(0, 1),
    late_s=st.sampled_from([0.0, 0.01, 60.0]) | st.floats(0, 10**6),
)
@example(world=WORST, part=1.0, late_s=0.01)
@example(world=WORST, part=0.995, late_s=0.0)
def test_no_node_sells_once_the_centre_permits_the_write_off(
    world: World, part: float, late_s: float
) -> None:
    at = max(world.granted_at, world.permitted_at() * part + late_s)
    assert not world.permits(at) or world.standing(at) is Standing.STOPPED
    assert world.permits(max(at, world.permitted_at()) + 0.01)


@given(
    world=worlds(),
    late_s=st.just(0.01) | st.floats(0.01, 10**6),
    down=st.floats(0, 1),
    forward_ms=st.sampled_from([0, 0, -1, -(10**9), 10**9]),
)
@example(world=WORST, late_s=0.01, down=0.5, forward_ms=0)
@example(world=WORST, late_s=0.01, down=0.5, forward_ms=-(10**8))
def test_nor_after_a_restart_with_its_wall_clock_right_or_behind_or_ahead(
    world: World, late_s: float, down: float, forward_ms: int
) -> None:
    at = world.permitted_at() + late_s
    assert world.permits(at)
    assert world.standing_restarted(at, at * down, forward_ms) is Standing.STOPPED


@given(world=worlds(), part=st.floats(0, 0.99))
def test_a_node_is_not_stopped_before_its_term_less_the_drift_of_two_clocks(
    world: World, part: float
) -> None:
    sellable_s = world.terms.hard_s * (1 - RHO) / (1 + RHO)
    assert world.standing(sellable_s * part) is not Standing.STOPPED
    assert world.standing_restarted(sellable_s * part, 0, 0) in (
        Standing.NORMAL,
        Standing.LIMITED,
    )


@given(world=worlds(), first=st.floats(0, 10**6), then=st.floats(0, 10**6))
def test_time_never_makes_a_node_freer(world: World, first: float, then: float) -> None:
    order = [Standing.NORMAL, Standing.LIMITED, Standing.STOPPED]
    before, after = sorted((first, then))
    assert order.index(world.standing(before)) <= order.index(world.standing(after))


def test_counting_from_the_answer_or_from_a_request_sent_again_would_not_be_safe() -> None:
    """The model notices: an anchor an hour too late still sells when the centre permits."""
    anchor = Anchor(3_600.0, "boot-1", 0, 0)
    at = WORST.permitted_at() + 0.01
    assert WORST.permits(at)
    found = standing(WORST.terms, anchor, WORST.node_rate * at, "boot-1", 0, 0, RHO)
    assert found is Standing.LIMITED
