"""Tender legs in the journal's file: written before anything else, and moved by the machine alone.

A leg that did not come to a sale is closed as abandoned when the program starts again, and the
cashier is told, for the buyer's money may lie on the counter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from edge.env import Env
from edge.journal import Unit
from ticketing.operations import CASH, HandLeg
from ticketing.tender import LegAction, LegState, TenderKind, after_restart, next_state

UNFINISHED_MAX: Final = 1_000
"""Legs closed in one start; what is beyond waits for the next."""
UNTOLD_MAX: Final = 20
"""Abandoned payments told of at once."""
_FINAL: Final = (
    "('captured', 'declined', 'abandoned', 'reversed_closed', 'reversed_refunded', 'refunded', "
    "'refund_failed')"
)


class LegGone(Exception):
    """A leg is not what the sale takes it for: nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg as it stands in the file. Money paid back has a negative amount."""

    id: str
    stream: str
    order_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    currency: str
    state: LegState
    reference: str
    begun_ms: int


def begin(unit: Unit, env: Env, stream: str, order_id: str, currency: str, leg: HandLeg) -> Leg:
    """Write down that cash lies there, or that a person says what a machine took."""
    assert leg.amount_minor > 0, "nothing is no payment"
    new = _insert(unit, env, stream, order_id, currency, leg, LegState.NEW)
    return _move(unit, env, new, LegAction.TENDER)


def capture(unit: Unit, env: Env, leg_ids: Iterable[str], order_id: str) -> None:
    """The sale takes them, in its own transaction. Raises LegGone."""
    for leg_id in leg_ids:
        leg = find(unit, leg_id)
        if leg is None or leg.state is not LegState.TENDERED or leg.order_id != order_id:
            raise LegGone(leg_id)
        _move(unit, env, leg, LegAction.CAPTURE)


def close(unit: Unit, env: Env, leg_ids: Iterable[str], reason: str) -> None:
    """They were given back before there was a sale; one that is final stays as it is."""
    for leg_id in leg_ids:
        leg = find(unit, leg_id)
        if leg is not None and next_state(leg.kind, leg.state, LegAction.CLOSE) is not None:
            _move(unit, env, leg, LegAction.CLOSE, reason)


def pay_back(
    unit: Unit, env: Env, stream: str, order_id: str, currency: str, legs: Iterable[HandLeg]
) -> None:
    """Write down what goes back, in the transaction that records why."""
    for leg in legs:
        asked = _insert(unit, env, stream, order_id, currency, leg, LegState.REFUND_REQUESTED)
        _move(unit, env, asked, LegAction.PAY_BACK)


def close_unfinished(unit: Unit, env: Env) -> tuple[Leg, ...]:
    """What the program left behind when it ended; legs that are final are none of it."""
    rows = unit.execute(
        f"SELECT * FROM tender_leg WHERE state NOT IN {_FINAL} ORDER BY begun_ms LIMIT ?",  # noqa: S608
        (UNFINISHED_MAX,),
    ).fetchall()
    moved = []
    for leg in map(_leg, rows):
        state = after_restart(leg.kind, leg.state)
        if state is not leg.state:
            _set(unit, env, leg, state, "restart")
            moved.append(leg)
    return tuple(moved)


def untold(connection: sqlite3.Connection) -> tuple[Leg, ...]:
    """Abandoned legs that nobody has been told of, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM tender_leg WHERE state = 'abandoned' AND told = 0 ORDER BY begun_ms LIMIT ?",
        (UNTOLD_MAX,),
    )
    return tuple(map(_leg, rows))


def note_told(unit: Unit) -> None:
    """Somebody has read of them."""
    unit.execute("UPDATE tender_leg SET told = 1 WHERE state = 'abandoned' AND told = 0")


def unfinished_count(connection: sqlite3.Connection) -> int:
    """How many legs are not final."""
    row = connection.execute(
        f"SELECT count(*) FROM tender_leg WHERE state NOT IN {_FINAL}"  # noqa: S608
    ).fetchone()
    return int(row[0])


def legs_of(connection: sqlite3.Connection, stream: str, order_id: str) -> tuple[Leg, ...]:
    """All legs of an order in the order in which they were begun."""
    rows = connection.execute(
        "SELECT * FROM tender_leg WHERE stream = ? AND order_id = ? ORDER BY rowid",
        (stream, order_id),
    )
    return tuple(map(_leg, rows))


def find(connection: sqlite3.Connection, leg_id: str) -> Leg | None:
    """One leg."""
    row = connection.execute("SELECT * FROM tender_leg WHERE id = ?", (leg_id,)).fetchone()
    return _leg(row) if row else None


def _insert(
    unit: Unit, env: Env, stream: str, order_id: str, currency: str, leg: HandLeg, state: LegState
) -> Leg:
    now_ms = env.wall_ms()
    back = state is LegState.REFUND_REQUESTED
    made = Leg(
        env.random_bytes(16).hex(),
        stream,
        order_id,
        leg.tender,
        TenderKind.CASH if leg.tender == CASH else TenderKind.HAND,
        -leg.amount_minor if back else leg.amount_minor,
        currency,
        state,
        leg.reference,
        now_ms,
    )
    unit.execute(
        "INSERT INTO tender_leg (id, stream, order_id, tender, kind, amount_minor, currency, state, "
        "reference, begun_ms, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            made.id,
            stream,
            order_id,
            made.tender,
            made.kind,
            made.amount_minor,
            currency,
            state,
            leg.reference,
            now_ms,
            now_ms,
        ),
    )
    return made


def _move(unit: Unit, env: Env, leg: Leg, action: LegAction, reason: str = "") -> Leg:
    state = next_state(leg.kind, leg.state, action)
    assert state is not None, f"{action} is not lawful for {leg.kind} in {leg.state}"
    return _set(unit, env, leg, state, reason)


def _set(unit: Unit, env: Env, leg: Leg, state: LegState, reason: str) -> Leg:
    changed = unit.execute(
        "UPDATE tender_leg SET state = ?, reason = ?, changed_ms = ? WHERE id = ? AND state = ?",
        (state, reason, env.wall_ms(), leg.id, leg.state),
    )
    assert changed.rowcount == 1, "one writer moves legs"
    return replace(leg, state=state)


def _leg(row: sqlite3.Row) -> Leg:
    return Leg(
        row["id"],
        row["stream"],
        row["order_id"],
        row["tender"],
        TenderKind(row["kind"]),
        row["amount_minor"],
        row["currency"],
        LegState(row["state"]),
        row["reference"],
        row["begun_ms"],
    )
