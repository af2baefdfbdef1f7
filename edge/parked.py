"""Baskets that were put aside: rows of journal.db that keep their units from everybody else.

A parked unit stays free and ours, and nothing sells it or gives it back until its basket is taken
out again (`edge.allotments.take`, `give_back` and `edge.giving_back` leave it alone).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from edge.journal import Unit, get_meta, set_meta

NUMBERS = 99
"""Numbers are called out loud: they begin anew after this one."""
_LAST = "parked_last"
Place = tuple[int, int]
"""(performance, unit)"""


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked basket. `body` is its owner's business; instants are Unix milliseconds.

    `buyer` is who is to buy it, as (key number, sealed text): told by `take_out` alone.
    """

    number: int
    stream: str
    parked_ms: int
    until_ms: int
    body: str
    places: tuple[Place, ...]
    buyer: tuple[int, str] | None = None


def park(
    unit: Unit, stream: str, places: Iterable[Place], body: str, *, parked_ms: int, until_ms: int
) -> ParkedRow | None:
    """Put a basket aside under the next number; None when no number is left.

    The caller has seen that the places are ours and free (`not_ours`), in the same transaction.
    """
    used = {row["number"] for row in unit.execute("SELECT number FROM parked")}
    last = int(get_meta(unit, _LAST) or 0)
    numbers = (1 + (last + step) % NUMBERS for step in range(NUMBERS))
    number = next((each for each in numbers if each not in used), None)
    if number is None:
        return None
    set_meta(unit, _LAST, str(number))
    unit.execute(
        "INSERT INTO parked (number, stream, parked_ms, until_ms, body) VALUES (?, ?, ?, ?, ?)",
        (number, stream, parked_ms, until_ms, body),
    )
    kept = tuple(places)
    unit.executemany(
        "INSERT INTO parked_unit (stream, performance, unit, number) VALUES (?, ?, ?, ?)",
        [(stream, performance, one, number) for performance, one in kept],
    )
    return ParkedRow(number, stream, parked_ms, until_ms, body, kept)


def keep_buyer(unit: Unit, number: int, key_no: int, sealed: str) -> None:
    """Keep who is to buy it with a basket that was just parked."""
    unit.execute(
        "INSERT INTO parked_buyer (number, key_no, sealed) VALUES (?, ?, ?)",
        (number, key_no, sealed),
    )


def take_out(unit: Unit, number: int) -> ParkedRow | None:
    """A basket is parked no longer, its units are anybody's of this till; None without one.

    Who was to buy it is erased.
    """
    row = unit.execute("SELECT * FROM parked WHERE number = ?", (number,)).fetchone()
    if row is None:
        return None
    buyer = unit.execute(
        "SELECT key_no, sealed FROM parked_buyer WHERE number = ?", (number,)
    ).fetchone()
    found = replace(_read(unit, row), buyer=tuple(buyer) if buyer else None)
    if buyer:
        unit.execute("PRAGMA secure_delete = ON")  # the old bytes do not stay in free space
        unit.execute("DELETE FROM parked_buyer WHERE number = ?", (number,))
    unit.execute("DELETE FROM parked_unit WHERE number = ?", (number,))
    unit.execute("DELETE FROM parked WHERE number = ?", (number,))
    return found


def extend(unit: Unit, number: int, until_ms: int) -> bool:
    """Keep a basket until then. False when it is not parked (any more)."""
    row = unit.execute(
        "UPDATE parked SET until_ms = ? WHERE number = ? RETURNING number", (until_ms, number)
    ).fetchone()
    return row is not None


def parked(connection: sqlite3.Connection) -> tuple[ParkedRow, ...]:
    """All that is parked, what ends first at first."""
    rows = connection.execute("SELECT * FROM parked ORDER BY until_ms, number").fetchall()
    return tuple(_read(connection, row) for row in rows)


def parked_count(connection: sqlite3.Connection) -> int:
    """How many baskets are parked."""
    return int(connection.execute("SELECT count(*) FROM parked").fetchone()[0])


def parked_places(connection: sqlite3.Connection, stream: str) -> frozenset[Place]:
    """The places of an event that parked baskets keep."""
    rows = connection.execute(
        "SELECT performance, unit FROM parked_unit WHERE stream = ?", (stream,)
    )
    return frozenset((row["performance"], row["unit"]) for row in rows)


def not_ours(
    connection: sqlite3.Connection, stream: str, places: Iterable[Place]
) -> tuple[int, ...]:
    """Units of these places that this node could not sell now: gone, or in a parked basket."""
    return tuple(
        unit
        for performance, unit in places
        if connection.execute(
            "SELECT 1 FROM allot_unit u WHERE stream = ? AND performance = ? AND unit = ? "
            "AND state = 'free' AND NOT EXISTS (SELECT 1 FROM parked_unit p WHERE "
            "p.stream = u.stream AND p.performance = u.performance AND p.unit = u.unit)",
            (stream, performance, unit),
        ).fetchone()
        is None
    )


def firm_of(
    connection: sqlite3.Connection, stream: str, places: Iterable[Place]
) -> frozenset[Place]:
    """Those of these places that were acquired for a basket."""
    return frozenset(
        (performance, unit)
        for performance, unit in places
        if connection.execute(
            "SELECT 1 FROM allot_unit u JOIN allot a ON a.stream = u.stream AND a.id = u.allot_id "
            "WHERE u.stream = ? AND u.performance = ? AND u.unit = ? AND a.firm = 1",
            (stream, performance, unit),
        ).fetchone()
    )


def _read(connection: sqlite3.Connection, row: sqlite3.Row) -> ParkedRow:
    places = connection.execute(
        "SELECT performance, unit FROM parked_unit WHERE number = ? ORDER BY rowid",
        (row["number"],),
    )
    return ParkedRow(
        row["number"],
        row["stream"],
        row["parked_ms"],
        row["until_ms"],
        row["body"],
        tuple((place["performance"], place["unit"]) for place in places),
    )
