"""How long what was lent may still be sold, and what was sold after the soft term."""

from __future__ import annotations

import sqlite3

from edge.env import Env
from edge.journal import Unit, get_meta, set_meta, wall_high_ms
from ticketing.terms import Anchor, Sold, Standing, Terms, standing, stops_in_s

_LATE_TICKETS, _LATE_MINOR = "late_tickets", "late_minor"
_WITH_UNITS = (
    "SELECT * FROM allot a WHERE state = 'open' AND hard_s > 0 AND EXISTS (SELECT 1 FROM "
    "allot_unit u WHERE u.stream = a.stream AND u.allot_id = a.id AND u.state = 'free')"
)
_ORDER = (Standing.NORMAL, Standing.LIMITED, Standing.STOPPED)


def now_of(connection: sqlite3.Connection, env: Env) -> Anchor:
    """Now, by all that can measure it, beside the highest wall time ever stored."""
    return Anchor(env.monotonic_s(), env.boot_id(), env.wall_ms(), wall_high_ms(connection))


def standing_of(
    connection: sqlite3.Connection, stream: str, allot_id: str, now: Anchor
) -> Standing:
    """What may be done with an allotment now. One that we do not have, nothing."""
    row = connection.execute(
        "SELECT * FROM allot WHERE stream = ? AND id = ?", (stream, allot_id)
    ).fetchone()
    return Standing.STOPPED if row is None else _standing(row, now)


def worst_standing(connection: sqlite3.Connection, now: Anchor) -> Standing:
    """The worst standing of all that is open and has units to sell; NORMAL when nothing is."""
    found = [_standing(row, now) for row in connection.execute(_WITH_UNITS).fetchall()]
    return max(found, key=_ORDER.index, default=Standing.NORMAL)


def limited_for_s(connection: sqlite3.Connection, now: Anchor) -> float | None:
    """Until the first of what is past its soft term stops; None when nothing is past it.

    Of open allotments with units to sell.
    """
    rows = connection.execute(_WITH_UNITS).fetchall()
    limited = (row for row in rows if _standing(row, now) is Standing.LIMITED)
    return min((stops_in_s(_terms(row), _anchor(row), now) for row in limited), default=None)


def late_sold(connection: sqlite3.Connection) -> Sold:
    """What was sold past the soft term since the server was last heard."""
    return Sold(*(int(get_meta(connection, key) or 0) for key in (_LATE_TICKETS, _LATE_MINOR)))


def note_late(unit: Unit, sold: Sold) -> None:
    """Count a late sale, in its transaction."""
    before = late_sold(unit)
    set_meta(unit, _LATE_TICKETS, str(before.tickets + sold.tickets))
    set_meta(unit, _LATE_MINOR, str(before.amount_minor + sold.amount_minor))


def note_contact(unit: Unit) -> None:
    """The server was heard: the caps of the next absence begin anew."""
    if late_sold(unit) != Sold(0, 0):
        set_meta(unit, _LATE_TICKETS, "0")
        set_meta(unit, _LATE_MINOR, "0")


def _standing(row: sqlite3.Row, now: Anchor) -> Standing:
    if not row["hard_s"]:
        return Standing.NORMAL  # lent without a term
    return standing(
        _terms(row),
        _anchor(row),
        now.sent_mono_s,
        now.boot_id,
        now.sent_wall_ms,
        now.wall_high_ms,
    )


def _terms(row: sqlite3.Row) -> Terms:
    return Terms(row["soft_s"], row["hard_s"])


def _anchor(row: sqlite3.Row) -> Anchor:
    return Anchor(
        row["sent_mono_ms"] / 1000, row["boot_id"], row["sent_wall_ms"], row["sent_high_ms"]
    )
