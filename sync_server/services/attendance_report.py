"""How full performances are, and how people came in: read from the summary tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.services.takings import Crowd

SLOTS_MAX = 5_000
CROWDS_MAX = 100_000
"""Of one report. More are lanes times minutes of a performance, or times hours of an event, not."""
_HOUR_MIN = 60


@dataclass(frozen=True, slots=True)
class Slot:
    """A performance: places, tickets sold less those given back, and how many of them went in."""

    event_id: str
    performance: int
    starts_ms: int
    capacity: int
    is_cancelled: bool
    sold: int
    entered: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """Entries of what was asked for, and what there are entries of, by event.

    `step_min`: within so many minutes each.
    """

    crowds: tuple[Crowd, ...]
    performances: Mapping[str, tuple[int, ...]]
    step_min: int


def read_slots(connection: Connection, event_id: str, first_ms: int, end_ms: int) -> list[Slot]:
    """Performances that begin within these times, by their start; of one event, or "" for all."""
    of_event = "AND p.event_id = :e" if event_id else ""
    values: dict[str, object] = {"first": first_ms, "end": end_ms, "most": SLOTS_MAX}
    rows = connection.execute(
        text(
            "SELECT p.event_id, p.perf_id, p.starts_ms, p.unit_count, p.cancelled_ms, "  # noqa: S608
            "(SELECT sum(s.sold_count - s.back_count) FROM sale_sum s JOIN report_mark m "
            "ON m.event_id = s.event_id AND m.build = s.build WHERE s.event_id = p.event_id "
            "AND s.by_what = 'all' AND s.perf_id = p.perf_id AND s.on_day = ''), "
            "(SELECT sum(x.entries - x.again) FROM entry_sum x "
            "WHERE x.event_id = p.event_id AND x.perf_id = p.perf_id) FROM performance p "
            f"WHERE p.starts_ms >= :first AND p.starts_ms < :end {of_event} "
            "ORDER BY p.starts_ms, p.event_id, p.perf_id LIMIT :most"
        ),
        values | ({"e": event_id} if event_id else {}),
    )
    return [
        Slot(row[0], int(row[1]), int(row[2]), int(row[3]), row[4] > 0, *map(_whole, row[5:]))
        for row in rows
    ]


def read_attendance(connection: Connection, event_id: str, performance: int) -> Attendance:
    """By minute of one performance, by hour of more than one."""
    step_min = 1 if event_id and performance else _HOUR_MIN
    conditions = ["entries > 0"]
    values: dict[str, object] = {"step": step_min, "most": CROWDS_MAX}
    if event_id:
        conditions.append("event_id = :e")
        values["e"] = event_id
    if performance:
        conditions.append("perf_id = :p")
        values["p"] = performance
    rows = connection.execute(
        text(
            "SELECT perf_id, node_id, lane, minute / :step * :step, sum(entries), "  # noqa: S608
            f"sum(offline), sum(by_hand) FROM entry_sum WHERE {' AND '.join(conditions)} "
            "GROUP BY 1, 2, 3, 4 ORDER BY 4, 2, 3, 1 LIMIT :most"
        ),
        values,
    )
    crowds = tuple(
        Crowd(int(row[0]), row[1], row[2], int(row[3]), *map(_whole, row[4:])) for row in rows
    )
    known: dict[str, tuple[int, ...]] = {}
    for event, number in connection.execute(
        text(
            "SELECT DISTINCT event_id, perf_id FROM entry_sum WHERE entries > 0 "
            "ORDER BY event_id, perf_id LIMIT :most"
        ),
        {"most": SLOTS_MAX},
    ):
        known[event] = (*known.get(event, ()), int(number))
    return Attendance(crowds, known, step_min)


def _whole(figure: object) -> int:
    """PostgreSQL's sums of whole numbers are decimals, and of nothing there is none."""
    return int(str(figure)) if figure is not None else 0
