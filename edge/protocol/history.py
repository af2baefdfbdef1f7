"""Answers that were given in another history of the server than the one we know now."""

from __future__ import annotations

import sqlite3

from edge import replies
from edge.journal import get_meta


def check_generation(connection: sqlite3.Connection, generation: str) -> None:
    """Refuse what another history lent. Raises ServerUnreachable: greet, and ask again.

    An answer may be late: after a failover, units of a grant that was lost with the old history
    are lent to others, and we have declared already what we hold.
    """
    known = get_meta(connection, "generation")
    if known not in ("", generation):
        raise replies.nonsense("gen")
