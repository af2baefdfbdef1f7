"""Schema 2, the part about seating plans: those of the events there are become versions 1."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Integer, String, Text, text


def upgrade(op: Operations) -> None:
    """From schema 1."""
    op.create_table(
        "plan",
        Column("id", String, primary_key=True),
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("unit_count", Integer, nullable=False),
        Column("highest_unit", BigInteger, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("source", String, nullable=False),
        Column("saved_ms", BigInteger, nullable=False),
        Column("person_id", String, nullable=False),
        Column("person_name", String, nullable=False),
        Column("categories", Text, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "plan_draft",
        Column("person_id", String, primary_key=True),
        Column("id", String(32), nullable=False),
        Column("made_ms", BigInteger, nullable=False),
        Column("base_version", BigInteger, nullable=False),
        Column("source", String, nullable=False),
        Column("left_out_count", Integer, nullable=False),
        Column("categories", Text, nullable=False),
        Column("body", Text, nullable=False),
    )
    _keep_what_there_is(op)


def _keep_what_there_is(op: Operations) -> None:
    """Where two events have different plans of one id, that of the later event by id."""
    connection = op.get_bind()
    bodies = connection.execute(
        text("SELECT body FROM doc WHERE kind = 'event' ORDER BY event_id")
    ).scalars()
    plans: dict[str, dict[str, Any]] = {}
    for body in bodies:
        plan = json.loads(body)["plan"]
        plans[plan["id"]] = plan
    for plan in plans.values():
        connection.execute(
            text(
                "INSERT INTO plan (id, version, name, unit_count, highest_unit, digest, source, "
                "saved_ms, person_id, person_name, categories, body) VALUES (:id, 1, :name, "
                ":units, :highest, :digest, 'import', 0, '', '', '[]', :body)"
            ),
            _row(plan),
        )


def _row(plan: dict[str, Any]) -> dict[str, object]:
    spans = [span for area in plan["areas"] for span in _spans(area)]
    body = _canonical(plan)
    return {
        "id": plan["id"],
        "name": _canonical(plan["name"]),
        "units": sum(count for _first, count in spans),
        "highest": max(first + count - 1 for first, count in spans),
        "digest": hashlib.sha256(body.encode()).hexdigest(),
        "body": body,
    }


def _spans(area: dict[str, Any]) -> list[tuple[int, int]]:
    """The first unit and the count of each row, or of the whole standing area."""
    if area["kind"] == "standing":
        return [(area["first_unit"], area["capacity"])]
    return [(row["first_unit"], len(row["seats"])) for row in area["rows"]]


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
