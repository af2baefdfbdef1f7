"""A catalogue file uploaded in the console: looked through, kept, compared, stored when confirmed.

What somebody has uploaded and not confirmed is theirs alone, one at a time, for an hour; it stands
where an uploaded plan would. Times such as "+45m" count from the upload.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import (
    NotStored,
    Stored,
    document_rev,
    load_plan,
    lock_streams,
    reasons_against,
    store_catalogue,
)
from sync_server.services.event_changes import note_event
from sync_server.services.event_differences import Differences, differences_of
from sync_server.services.obstacles import Obstacle
from sync_server.services.plan_files import NOT_JSON, Faulty, NoPlan, decoded
from sync_server.services.plan_store import (
    CATALOGUE_DRAFT,
    DRAFT_LIFE_MS,
    drop_draft,
    has_draft,
    newest_line,
    plan_digest,
)
from sync_server.store.writer import Transaction
from ticketing.catalogue import (
    CATALOGUE_FORMAT,
    Catalogue,
    CatalogueError,
    event_document,
    event_documents,
    parse_catalogue,
    parse_venue_document,
    venue_document,
)
from ticketing.event import Event
from ticketing.seating_document import plan_document


@dataclass(frozen=True, slots=True)
class EventPreview:
    """What the file would make of an event. `before` is None for a new one."""

    event: Event
    before: Event | None
    differences: Differences
    has_other_plan: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the file would change. `plans`: ids of those that get a version; `obstacles`: why it
    cannot be stored.
    """

    draft_id: str
    catalogue: Catalogue
    venue: Differences
    plans: tuple[str, ...]
    events: tuple[EventPreview, ...]
    revisions: Mapping[str, int]
    """Of every document that is written, as it was compared."""
    obstacles: tuple[Obstacle, ...]

    @property
    def is_empty(self) -> bool:
        """Whether all of it is known already."""
        return not (self.venue.count or self.plans or self.events)


def read_catalogue_file(data: bytes, now: datetime) -> Catalogue | Faulty | NoPlan:
    """Read a file's bytes as the command line does."""
    document = decoded(data)
    if document is NOT_JSON:
        return NoPlan.NOT_JSON
    if not isinstance(document, dict) or document.get("format") != CATALOGUE_FORMAT:
        return NoPlan.OTHER_FORMAT
    try:
        return parse_catalogue(document, source="", now=now)
    except CatalogueError as error:
        return Faulty(error.problems, error.problem_count)


def put_catalogue_draft(tx: Transaction, person_id: str, data: bytes) -> str:
    """Keep a file that is in order, in place of what they uploaded before; its id."""
    draft_id = secrets.token_hex(16)
    tx.run("DELETE FROM plan_draft WHERE made_ms < :old", old=tx.now_ms - DRAFT_LIFE_MS)
    drop_draft(tx, person_id)
    tx.run(
        "INSERT INTO plan_draft (person_id, id, made_ms, base_version, source, left_out_count, "
        "categories, body) VALUES (:person, :id, :made, 0, :source, 0, '[]', :body)",
        person=person_id,
        id=draft_id,
        made=tx.now_ms,
        source=CATALOGUE_DRAFT,
        body=json.dumps(json.loads(data.decode("utf-8-sig")), ensure_ascii=False),
    )
    return draft_id


def preview_catalogue(
    connection: Connection, venue_id: str, person_id: str, draft_id: str, now_ms: int
) -> Preview | None:
    """What this very person's file would change; None when it is no longer kept."""
    row = connection.execute(
        text(
            "SELECT made_ms, body FROM plan_draft WHERE person_id = :person AND id = :id "
            "AND source = :source AND made_ms >= :since"
        ),
        {
            "person": person_id,
            "id": draft_id,
            "source": CATALOGUE_DRAFT,
            "since": now_ms - DRAFT_LIFE_MS,
        },
    ).first()
    if row is None:
        return None
    made_at = datetime.fromtimestamp(int(row[0]) / 1000, UTC)
    catalogue = parse_catalogue(json.loads(row[1]), source="", now=made_at)
    found = tuple(reasons_against(Transaction(connection, now_ms), catalogue))
    return _compared(connection, venue_id, draft_id, catalogue, found)


def store_uploaded(
    tx: Transaction, venue_id: str, preview: Preview, person_id: str, actor: Actor
) -> Stored | NotStored | None:
    """Store it, in place of the very documents that it was compared with; None when they moved."""
    lock_streams(tx, [venue_id, *sorted(preview.revisions)])
    if not has_draft(tx, person_id, preview.draft_id):
        return None
    if any(document_rev(tx, each) != rev for each, rev in preview.revisions.items()):
        return None
    stored = store_catalogue(tx, preview.catalogue)
    if isinstance(stored, NotStored):
        return stored
    drop_draft(tx, person_id)
    after = {"events": stored.event_count, "changed": stored.changed_count}
    note(tx, Deed.CATALOGUE_IMPORTED, f"venue:{venue_id}", actor, after=after)
    for each in preview.events:
        if not each.differences.count:
            continue  # its seating plan or its house became another: that is noted above
        deed = Deed.EVENT_CHANGED if each.before is not None else Deed.EVENT_ADDED
        note_event(tx, each.event.id, each.differences, actor, deed)
    return stored


def _compared(
    connection: Connection,
    venue_id: str,
    draft_id: str,
    catalogue: Catalogue,
    obstacles: tuple[Obstacle, ...],
) -> Preview:
    body = connection.execute(
        text("SELECT body FROM doc WHERE event_id = :v AND kind = 'venue' AND id = :v"),
        {"v": venue_id},
    ).scalar_one()
    before = venue_document(parse_venue_document(json.loads(body)))["venue"]
    venue = differences_of(before, venue_document(catalogue.venue)["venue"])
    plans = []
    for plan in catalogue.plans:
        newest = newest_line(connection, plan.id)
        if newest is None or newest.digest != plan_digest(plan_document(plan)):
            plans.append(plan.id)
    events, revisions = [], {}
    for event_id, document in event_documents(catalogue):
        revisions[event_id] = document_rev(connection, event_id)
        event, loaded = catalogue.event(event_id), load_plan(connection, event_id)
        assert event is not None, "its document was made of it"
        old = event_document(*loaded) if loaded is not None else {"plan": None, "event": {}}
        if old == document:
            continue
        found = differences_of(old["event"], document["event"])
        is_other = loaded is not None and old["plan"] != document["plan"]
        events.append(EventPreview(event, loaded[2] if loaded else None, found, is_other))
    return Preview(draft_id, catalogue, venue, tuple(plans), tuple(events), revisions, obstacles)
