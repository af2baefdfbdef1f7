"""The most that agencies may have of an event's performances, on record."""

from __future__ import annotations

from sqlalchemy import Connection, text

from sync_server.heart.agency_limits import LimitSet, NoLimit, SetAgencyLimit, limits_of
from sync_server.heart.lending_rules import LENDING_DOC
from sync_server.heart.source import run_in
from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import PlanShelf
from sync_server.store.writer import Transaction


def set_agency_limit(tx: Transaction, step: SetAgencyLimit, actor: Actor) -> LimitSet | NoLimit:
    """Say how much an agency may have; noted with what was said before. Raises UnknownStream."""
    done = run_in(tx, step, PlanShelf())
    if isinstance(done, LimitSet) and done.before != done.after:
        before, after = ({"event": step.stream, "most": each} for each in (done.before, done.after))
        about = f"agency:{step.agency}"
        note(tx, Deed.AGENCY_LIMIT_SET, about, actor, before=before, after=after)
    return done


def read_agency_limits(connection: Connection, agency_id: str) -> dict[str, int]:
    """Units of each performance that an agency may have, by event; no event where nothing is said."""
    rows = connection.execute(
        text("SELECT event_id, body FROM doc WHERE kind = :k AND id = event_id"),
        {"k": LENDING_DOC},
    )
    found = {row.event_id: limits_of(row.body).get(agency_id) for row in rows}
    return {event_id: most for event_id, most in found.items() if most is not None}
