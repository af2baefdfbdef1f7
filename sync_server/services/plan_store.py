"""Seating plans as they are kept: every version that was ever saved, and what waits to be saved.

A version is never changed. What somebody has uploaded and not confirmed is theirs alone: one at a
time, for an hour.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sync_server.store.writer import Transaction
from ticketing.document_reader import Node, Problems
from ticketing.pretix_plan import Category
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document, read_plan
from ticketing.text import Text

DRAFT_LIFE_MS = 3_600_000
VERSIONS_SHOWN_MAX = 50


CATALOGUE_DRAFT = "catalogue"
"""Where a draft came from that is no plan: a whole catalogue, see `catalogue_uploads`."""


class PlanSource(StrEnum):
    """Where a version came from. Stored, never renamed."""

    IMPORT = "import"  # a catalogue, at the command line
    UPLOAD = "upload"  # a file of ours, at the console
    PRETIX = "pretix"  # one of pretix's


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A version of a plan without its seats. `person_name` is empty for an import."""

    id: str
    version: int
    name: Text
    unit_count: int
    highest_unit: int
    digest: str
    source: PlanSource
    saved_ms: int
    person_name: str


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A version with all that it is, and the groups of seats that its file had."""

    line: PlanLine
    plan: SeatingPlan
    categories: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that waits for its confirmation. `base_version`: the newest when it came; 0: none."""

    id: str
    person_id: str
    base_version: int
    source: PlanSource
    plan: SeatingPlan
    categories: tuple[Category, ...]
    left_out_count: int


_LINE = "id, version, name, unit_count, highest_unit, digest, source, saved_ms, person_name"  # of `plan`


def plan_digest(document: object) -> str:
    """The SHA-256 of a plan's document, by which two are the same."""
    return hashlib.sha256(_canonical(document).encode()).hexdigest()


def keep_plan(
    tx: Transaction,
    plan: SeatingPlan,
    source: PlanSource,
    *,
    person_id: str = "",
    person_name: str = "",
    categories: Sequence[Category] = (),
) -> int:
    """Add a version, unless the newest one is the same already; its number."""
    document = plan_document(plan)
    digest, newest = plan_digest(document), newest_line(tx.connection, plan.id)
    if newest is not None and newest.digest == digest:
        return newest.version
    version = newest.version + 1 if newest else 1
    used = max((last for area in plan.areas for _first, last in area.unit_spans), default=0)
    tx.run(
        "INSERT INTO plan (id, version, name, unit_count, highest_unit, digest, source, saved_ms, "
        "person_id, person_name, categories, body) VALUES (:id, :version, :name, :units, :highest, "
        ":digest, :source, :saved, :person, :person_name, :categories, :body)",
        id=plan.id,
        version=version,
        name=_canonical(plan.name.to_json()),
        units=plan.unit_count,
        highest=max(used, newest.highest_unit if newest else 0),
        digest=digest,
        source=source.value,
        saved=tx.now_ms,
        person=person_id,
        person_name=person_name,
        categories=_categories_text(categories),
        body=_canonical(document),
    )
    return version


def read_plan_lines(connection: Connection) -> list[PlanLine]:
    """The newest version of each plan, by id."""
    rows = connection.execute(
        text(
            f"SELECT {_LINE} FROM plan p WHERE version = "  # noqa: S608 - our own names
            "(SELECT max(version) FROM plan q WHERE q.id = p.id) ORDER BY id"
        )
    )
    return [_line(row) for row in rows]


def read_versions(connection: Connection, plan_id: str) -> list[PlanLine]:
    """The versions of a plan, newest first; at most VERSIONS_SHOWN_MAX."""
    rows = connection.execute(
        text(
            f"SELECT {_LINE} FROM plan WHERE id = :id "  # noqa: S608 - our own names
            "ORDER BY version DESC LIMIT :most"
        ),
        {"id": plan_id, "most": VERSIONS_SHOWN_MAX},
    )
    return [_line(row) for row in rows]


def read_stored_plan(
    connection: Connection, plan_id: str, version: int | None = None
) -> StoredPlan | None:
    """A version of a plan, the newest unless one is asked for."""
    row = connection.execute(
        text(
            f"SELECT {_LINE}, categories, body FROM plan WHERE id = :id "  # noqa: S608
            "AND (version = :version OR :version = 0) ORDER BY version DESC LIMIT 1"
        ),
        {"id": plan_id, "version": version or 0},
    ).first()
    if row is None:
        return None
    return StoredPlan(_line(row), _plan(row[-1]), _categories(row[-2]))


def put_draft(
    tx: Transaction,
    person_id: str,
    plan: SeatingPlan,
    source: PlanSource,
    categories: Sequence[Category] = (),
    left_out_count: int = 0,
) -> str:
    """Keep what somebody uploaded, in place of what they uploaded before; the id to confirm it by."""
    newest, draft_id = newest_line(tx.connection, plan.id), secrets.token_hex(16)
    tx.run("DELETE FROM plan_draft WHERE made_ms < :old", old=tx.now_ms - DRAFT_LIFE_MS)
    drop_draft(tx, person_id)
    tx.run(
        "INSERT INTO plan_draft (person_id, id, made_ms, base_version, source, left_out_count, "
        "categories, body) VALUES (:person, :id, :made, :base, :source, :left, :categories, :body)",
        person=person_id,
        id=draft_id,
        made=tx.now_ms,
        base=newest.version if newest else 0,
        source=source.value,
        left=left_out_count,
        categories=_categories_text(categories),
        body=_canonical(plan_document(plan)),
    )
    return draft_id


def read_draft(connection: Connection, person_id: str, draft_id: str, now_ms: int) -> Draft | None:
    """What this very person uploaded under this id, while it lives."""
    row = connection.execute(
        text(
            "SELECT base_version, source, left_out_count, categories, body FROM plan_draft "
            "WHERE person_id = :person AND id = :id AND made_ms >= :since AND source <> :other"
        ),
        {
            "person": person_id,
            "id": draft_id,
            "since": now_ms - DRAFT_LIFE_MS,
            "other": CATALOGUE_DRAFT,
        },
    ).first()
    if row is None:
        return None
    return Draft(
        draft_id,
        person_id,
        int(row[0]),
        PlanSource(row[1]),
        _plan(row[4]),
        _categories(row[3]),
        int(row[2]),
    )


def has_draft(tx: Transaction, person_id: str, draft_id: str) -> bool:
    """Whether it still waits: nobody has confirmed or replaced it."""
    found = tx.row(
        "SELECT 1 FROM plan_draft WHERE person_id = :p AND id = :id", p=person_id, id=draft_id
    )
    return found is not None


def drop_draft(tx: Transaction, person_id: str) -> None:
    """Keep nothing of it."""
    tx.run("DELETE FROM plan_draft WHERE person_id = :person", person=person_id)


def newest_line(connection: Connection, plan_id: str) -> PlanLine | None:
    """The newest version of a plan, if there is such a plan."""
    row = connection.execute(
        text(
            f"SELECT {_LINE} FROM plan WHERE id = :id "  # noqa: S608 - our own names
            "ORDER BY version DESC LIMIT 1"
        ),
        {"id": plan_id},
    ).first()
    return None if row is None else _line(row)


def _line(row: Any) -> PlanLine:
    return PlanLine(
        row[0],
        int(row[1]),
        Text.from_names(json.loads(row[2])),
        int(row[3]),
        int(row[4]),
        row[5],
        PlanSource(row[6]),
        int(row[7]),
        row[8],
    )


def _plan(body: str) -> SeatingPlan:
    document = json.loads(body)
    problems = Problems("stored plan")
    plan = read_plan(Node(document, problems), list(document["name"]))
    problems.raise_if_any()
    assert plan is not None, "it was written by us"
    return plan


def _categories_text(categories: Iterable[Category]) -> str:
    return _canonical([[each.name, each.seat_count, each.spans] for each in categories])


def _categories(body: str) -> tuple[Category, ...]:
    return tuple(
        Category(name, count, tuple((first, last) for first, last in spans))
        for name, count, spans in json.loads(body)
    )


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
