"""How quickly the map of 50,000 seats moves: `python -m tests.bench.seat_map`.

The sample stadium on the real widget, offscreen, as large as on a 1920x1080 screen. Every time is
from an input, or a new state, to the end of the paint that shows it. Dragging, selecting and
changes are measured at three zooms (all of the house, seats as points, seats with numbers) and the
worst counts; `bulk_change_ms` is 1,000 seats all over the house, until the last of them is painted.
First paint and bulk change are medians. `..._cpu_ms` are the processor's times of the same: on a busy
machine they say more about the map, and the others more about the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pos_app.presenters.seat_field import SeatField
from pos_app.presenters.sell_state import SellState, count_stock
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import Link, SyncStatus, UnitState
from pos_app.ui.app import prepare
from pos_app.ui.seat_map import SeatMap
from tests.gui.seat_stage import stadium_till

WIDTH_PX, HEIGHT_PX = 1330, 884
OPENINGS, DRAGS, SELECTIONS, BULKS, ZOOM_ROUNDS = 7, 150, 100, 9, 5
ZOOM_STEPS = (1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1)
BULK = 1_000
PERFORMANCE = 1
NEAR = {"house": None, "points": 0.75, "seats": 2.7}
"""Pixels per tenth of a seat's pitch; None: whatever shows all of the house."""


class TimedMap(SeatMap):
    """The map, with a count of its paints."""

    paint_count = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.paint_count += 1


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds by the clock on the wall, and those that the processor worked for us."""

    wall_ms: float
    cpu_ms: float

    def __add__(self, other: Took) -> Took:
        return Took(self.wall_ms + other.wall_ms, self.cpu_ms + other.cpu_ms)


class Watch:
    """Started when it is made."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def read(self) -> Took:
        """What it took since then."""
        wall_s, cpu_s = time.perf_counter() - self._wall_s, time.process_time() - self._cpu_s
        return Took(wall_s * 1_000, cpu_s * 1_000)


NOTHING = Took(0.0, 0.0)


@dataclass
class Found:
    """Measurements, by what was done and at which zoom."""

    times: dict[str, dict[str, list[Took]]] = field(default_factory=dict)

    def note(self, what: str, where: str, took: Took) -> None:
        """Keep a measurement."""
        self.times.setdefault(what, {}).setdefault(where, []).append(took)

    def worst(self, what: str, of: Callable[[Sequence[float]], float]) -> float:
        """The slowest zoom's figure."""
        by_zoom = self.times[what].values()
        return round(max(of([took.wall_ms for took in times]) for times in by_zoom), 2)

    def worst_cpu(self, what: str, of: Callable[[Sequence[float]], float]) -> float:
        """The same of the processor's time: what the figure would be on a machine of our own."""
        by_zoom = self.times[what].values()
        return round(max(of([took.cpu_ms for took in times]) for times in by_zoom), 2)


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="tests.bench.seat_map").parse_args(argv)
    application = QApplication.instance() or QApplication([])
    prepare("en", "light")
    state, seat_field = _evening()
    found = Found()
    for _opening in range(OPENINGS):
        seat_map = _open(state, seat_field, found)
        seat_map.deleteLater()
        application.processEvents()
    seat_map = _open(state, seat_field, found)
    _zoom_through(seat_map, found)
    for name, zoom in NEAR.items():
        seat_map.show_state(state, seat_field)
        _go(seat_map, zoom)
        _drag(seat_map, name, found)
        _select(seat_map, state, seat_field, name, found)
        _change(seat_map, state, seat_field, name, found)
    _print(found)


def p95(times: Sequence[float]) -> float:
    """The time that nineteen of twenty stay below."""
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


def _evening() -> tuple[SellState, SeatField]:
    till = stadium_till()
    house = till.house(PERFORMANCE)
    availability = till.availability(PERFORMANCE)
    state = SellState(
        house=house,
        version=availability.version,
        states=availability.states,
        stock=count_stock(house, availability.states),
        basket=empty_basket(house.event),
        status=SyncStatus(Link.ONLINE, None, None, 0, None, 0),
    )
    return state, SeatField(house.plan)


def _open(state: SellState, seat_field: SeatField, found: Found) -> TimedMap:
    """The time from the opened performance to the house on screen; the window is there before."""
    seat_map = TimedMap()
    seat_map.resize(WIDTH_PX, HEIGHT_PX)
    seat_map.show()
    seat_map.setFocus()
    QApplication.processEvents()
    watch = Watch()
    seat_map.show_state(state, seat_field)
    _paint_all(seat_map)
    found.note("first_paint", "house", watch.read())
    return seat_map


def _zoom_through(seat_map: TimedMap, found: Found) -> None:
    """Wheel in and out again around places of the house; every frame of each glide counts."""
    chance = random.Random(4711)
    for _round in range(ZOOM_ROUNDS):
        at = QPointF(chance.randrange(200, WIDTH_PX - 200), chance.randrange(200, HEIGHT_PX - 200))
        for step in ZOOM_STEPS:
            watch = Watch()
            QApplication.sendEvent(seat_map, _wheel(seat_map, at, step))
            handled = watch.read()
            for frame in _frames(seat_map):
                found.note("zoom", "sweep", handled + frame)
                handled = NOTHING


def _drag(seat_map: TimedMap, where: str, found: Found) -> None:
    """Hold the map and move it, there and back, twelve pixels at a time."""
    at = QPoint(WIDTH_PX // 2, HEIGHT_PX // 2)
    QTest.mousePress(seat_map, Qt.MouseButton.LeftButton, pos=at)
    for number in range(DRAGS):
        forth = number % 50 < 25
        at += QPoint(12, 7) if forth else QPoint(-12, -7)
        watch = Watch()
        QTest.mouseMove(seat_map, at)
        _paint_all(seat_map)
        found.note("pan", where, watch.read())
    QTest.mouseRelease(seat_map, Qt.MouseButton.LeftButton, pos=at)


def _select(
    seat_map: TimedMap, state: SellState, seat_field: SeatField, where: str, found: Found
) -> None:
    """Put a seat that is in view into the basket, and the next one in its place."""
    house = state.house
    assert house is not None
    assert state.basket is not None
    first = seat_map.cursor_unit or 1
    for unit in range(first, first + SELECTIONS):
        basket = add_unit(state.basket, house.event, PERFORMANCE, unit)
        watch = Watch()
        seat_map.show_state(replace(state, basket=basket), seat_field)
        _paint_all(seat_map)
        found.note("select", where, watch.read())


def _change(
    seat_map: TimedMap, state: SellState, seat_field: SeatField, where: str, found: Found
) -> None:
    """A thousand seats at once become something else."""
    assert state.house is not None
    chance = random.Random(815)
    units = [seat.unit for seat in state.house.plan.seats]
    states = dict(state.states)
    for number in range(BULKS):
        states = dict(states)
        states.update(
            dict.fromkeys(chance.sample(units, BULK), (UnitState.SOLD, UnitState.FREE)[number % 2])
        )
        now = replace(state, states=states, version=number + 2)
        now = replace(now, stock=count_stock(state.house, states))
        watch = Watch()
        seat_map.show_state(now, seat_field)
        _paint_all(seat_map)
        found.note("bulk_change", where, watch.read())


def _frames(seat_map: TimedMap) -> Iterator[Took]:
    """What each frame took, until none has come for a tenth of a second."""
    quiet_from = time.perf_counter()
    while time.perf_counter() - quiet_from < 0.1:
        painted = seat_map.paint_count
        watch = Watch()
        QApplication.processEvents()
        if seat_map.paint_count > painted:
            yield watch.read()
            quiet_from = time.perf_counter()
        else:
            time.sleep(0.0005)


def _paint_all(seat_map: TimedMap) -> None:
    """Turn the loop until everything that changed is painted."""
    painted = -1
    while painted != seat_map.paint_count:
        painted = seat_map.paint_count
        QApplication.processEvents()


def _go(seat_map: TimedMap, zoom: float | None) -> None:
    """Stand still at a zoom, over the cursor's seat; None: all of the house."""
    if zoom is None:
        seat_map.fit()
    else:
        seat_map.zoom_by(zoom / seat_map.zoom)
    seat_map.settle()
    for _frame in _frames(seat_map):
        pass


def _wheel(seat_map: SeatMap, at: QPointF, step: int) -> QWheelEvent:
    return QWheelEvent(
        at,
        seat_map.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * step),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def _print(found: Found) -> None:
    for what, by_zoom in found.times.items():
        for where, times in by_zoom.items():
            wall, cpu = [took.wall_ms for took in times], [took.cpu_ms for took in times]
            print(
                f"   {what:12} {where:7} median {statistics.median(wall):7.2f}"
                f"  p95 {p95(wall):7.2f}  max {max(wall):7.2f} ms;"
                f"  processor {statistics.median(cpu):7.2f} {p95(cpu):7.2f}  ({len(times)})"
            )
    print(
        json.dumps(
            {
                "seats": 50_000,
                "first_paint_ms": found.worst("first_paint", statistics.median),
                "pan_p95_ms": found.worst("pan", p95),
                "zoom_p95_ms": found.worst("zoom", p95),
                "select_p95_ms": found.worst("select", p95),
                "bulk_change_ms": found.worst("bulk_change", statistics.median),
                "first_paint_cpu_ms": found.worst_cpu("first_paint", statistics.median),
                "pan_p95_cpu_ms": found.worst_cpu("pan", p95),
                "zoom_p95_cpu_ms": found.worst_cpu("zoom", p95),
                "select_p95_cpu_ms": found.worst_cpu("select", p95),
                "bulk_change_cpu_ms": found.worst_cpu("bulk_change", statistics.median),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
