"""The best seats together, against a search that looks at every block of a small house."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ticketing.best_seats import RESTRICTED_VIEW_PITCHES, SINGLE_LEFT_PITCHES, best_seats
from ticketing.event import Event, Price, PriceTier, TicketType, TierSpan
from ticketing.seating import Area, AreaKind, Row, Seat, SeatAttribute, SeatingPlan
from ticketing.text import Text

PITCH = 10.0
AISLE = 25.0
NAME = Text((("en", "x"),))
LIMITED = frozenset({SeatAttribute.RESTRICTED_VIEW})
WHEELCHAIR = frozenset({SeatAttribute.WHEELCHAIR})
TIERS = (PriceTier("dear", NAME, "D", 0), PriceTier("cheap", NAME, "C", 1))
PRICES = (Price("cheap", "adult", 100), Price("dear", "adult", 200))


@dataclass(frozen=True)
class House:
    """A plan of a few rows, its event in two tiers, and what is free of it."""

    plan: SeatingPlan
    event: Event
    free: frozenset[int]

    def blocks(self, count: int) -> list[tuple[Seat, ...]]:
        """Every run of free seats side by side, by looking at each."""
        found = []
        for row in self.plan.areas[0].rows:
            for start in range(len(row.seats) - count + 1):
                block = row.seats[start : start + count]
                near = all(after.x - before.x < AISLE for before, after in pairwise(block))
                if near and all(self.is_open(seat) for seat in block):
                    found.append(block)
        return found

    def is_open(self, seat: Seat) -> bool:
        return seat.unit in self.free and seat.attributes != WHEELCHAIR

    def distance(self, block: tuple[Seat, ...]) -> float:
        """What a block costs without the seats that it leaves alone."""
        x, _y = self.plan.stage[0]
        away = sum(abs(seat.x - x) + seat.y for seat in block)
        limited = sum(RESTRICTED_VIEW_PITCHES * PITCH for s in block if s.attributes == LIMITED)
        return (away + limited) / len(block)

    def singles_left(self, block: tuple[Seat, ...]) -> int:
        """How many seats beside the block would be free with no free one beside them."""
        return sum(
            self._is_neighbour_open(edge, way) and not self._is_second_open(edge, way)
            for edge, way in ((block[0], -1), (block[-1], 1))
        )

    def _neighbour(self, seat: Seat, way: int) -> Seat | None:
        row = self.plan.areas[0].rows[seat.row_index].seats
        at = seat.seat_index + way
        if not 0 <= at < len(row) or abs(row[at].x - seat.x) >= AISLE:
            return None
        return row[at]

    def _is_neighbour_open(self, seat: Seat, way: int) -> bool:
        beside = self._neighbour(seat, way)
        return beside is not None and self.is_open(beside)

    def _is_second_open(self, seat: Seat, way: int) -> bool:
        beside = self._neighbour(seat, way)
        return beside is not None and self._is_neighbour_open(beside, way)

    def tier(self, block: tuple[Seat, ...]) -> str:
        tiers = {self.event.tier_of(seat.unit) for seat in block}
        return tiers.pop() if len(tiers) == 1 else "both"

    def seats(self, units: tuple[int, ...]) -> tuple[Seat, ...]:
        found = tuple(self.plan.seat_by_unit(unit) for unit in units)
        return tuple(seat for seat in found if seat is not None)


@st.composite
def houses(draw: st.DrawFn) -> House:
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    rows, unit = [], 1
    for depth, size in enumerate(sizes):
        gaps = draw(st.lists(st.sampled_from([PITCH] * 4 + [AISLE]), min_size=size, max_size=size))
        x, seats = draw(st.sampled_from([0.0, PITCH / 2])), []
        for at, gap in enumerate(gaps):
            x += gap
            kind = draw(st.sampled_from([frozenset[SeatAttribute]()] * 7 + [LIMITED, WHEELCHAIR]))
            seats.append(
                Seat(unit + at, "hall", str(depth), str(at), x, depth * 11, kind, depth, at)
            )
        rows.append(Row(str(depth), tuple(seats)))
        unit += size
    area = Area("hall", NAME, AreaKind.SEATED, tuple(rows), unit - 1, 1, (), (0, 0))
    plan = SeatingPlan("plan", NAME, (area,), stage=((draw(st.integers(0, 400)), 0.0),))
    cut = draw(st.integers(1, unit))
    spans = (TierSpan(1, cut - 1, "dear"), TierSpan(cut, unit - 1, "cheap"))
    event = Event(
        "event",
        NAME,
        "plan",
        "CNY",
        1,
        TIERS,
        (TicketType(1, "adult", NAME),),
        (),
        tuple(span for span in spans if span.first_unit <= span.last_unit),
        PRICES,
    )
    taken = draw(st.sets(st.integers(1, unit - 1), max_size=unit // 2))
    return House(plan, event, frozenset(range(1, unit)) - taken)


def in_best_tier(house: House, blocks: list[tuple[Seat, ...]]) -> list[tuple[Seat, ...]]:
    """Those of the dearest tier that has any; else whatever lies over both."""
    for tier in ("dear", "cheap"):
        own = [block for block in blocks if house.tier(block) == tier]
        if own:
            return own
    return blocks


@given(house=houses(), count=st.integers(1, 6))
def test_no_block_is_better_than_the_one_found(house: House, count: int) -> None:
    rivals = in_best_tier(house, house.blocks(count))
    found = best_seats(house.plan, house.event, house.free, count)
    if found is None:
        assert not rivals, "a group is not sent away or split while it can sit together"
        return
    block = house.seats(found)
    assert block in rivals, "side by side, free, of the best tier that has room"
    costs = {one: cost(house, one) for one in rivals}
    assert costs[block] <= min(costs.values()) + 1e-6


def cost(house: House, block: tuple[Seat, ...]) -> float:
    return house.distance(block) + SINGLE_LEFT_PITCHES * PITCH * house.singles_left(block)


@given(house=houses(), count=st.integers(1, 6))
def test_a_seat_is_left_alone_only_when_every_other_block_is_worse(
    house: House, count: int
) -> None:
    found = best_seats(house.plan, house.event, house.free, count)
    block = house.seats(found or ())
    if not block or not house.singles_left(block):
        return
    for rival in in_best_tier(house, house.blocks(count)):
        if house.singles_left(rival) < house.singles_left(block):
            assert house.distance(rival) > house.distance(block)


@given(house=houses(), count=st.integers(1, 6))
def test_every_free_block_is_found_when_it_is_the_last(house: House, count: int) -> None:
    """Also one over two tiers, and one that leaves single seats on both sides."""
    for block in house.blocks(count):
        units = tuple(seat.unit for seat in block)
        assert best_seats(house.plan, house.event, frozenset(units), count) == units
