"""Selling past the soft term of what was lent: who may let it be, and how much of it is left."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Final

from edge.env import Env
from edge.time_left import late_sold, limited_for_s, now_of, worst_standing
from pos_app.services.model import LateLeft, Person
from pos_app.services.people import role_of
from ticketing.pricing import Role
from ticketing.terms import DEFAULT_CAPS, Caps, Standing

LATE_ROLE: Final = Role.SUPERVISOR
"""Who lets it be: a second person, of this role or above."""


def may_approve_late(approver: Person, seller: Person | None) -> bool:
    """Whether this person's approval counts for that one's sale."""
    is_second = seller is None or approver.id != seller.id
    return is_second and role_of(approver).covers(LATE_ROLE)


def late_approver(approver: Person | None, seller: Person) -> str:
    """The id of who lets it be; "" when nobody does who may."""
    if approver is None or not may_approve_late(approver, seller):
        return ""
    return approver.id


def terms_of(
    connection: sqlite3.Connection, env: Env, at: datetime, caps: Caps = DEFAULT_CAPS
) -> tuple[bool, LateLeft | None]:
    """Whether something lent may not be sold any more, and what may be with an approval.

    `at` is the same moment by the corrected clock.
    """
    now = now_of(connection, env)
    worst = worst_standing(connection, now)
    if worst is Standing.NORMAL:
        return False, None
    left_s = limited_for_s(connection, now)
    if left_s is None:
        return True, None
    left = caps.left(late_sold(connection))
    late = LateLeft(at + timedelta(seconds=left_s), left.tickets, left.amount_minor)
    return worst is Standing.STOPPED, late
