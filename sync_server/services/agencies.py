"""Agencies: others who sell the house's tickets at windows of their own.

A window belongs to its agency from its enrolment on and for ever: its journal, its orders and what
its machine was told are that agency's. So an agency is never deleted, and it is retired only when
none of its windows is left that could still sell.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

NAME_CHARS_MAX = 40
AGENCIES_MAX = 200


class NotChanged(StrEnum):
    """Why an agency was not changed."""

    UNKNOWN = "unknown"
    NAME_TAKEN = "name_taken"
    HAS_WINDOWS = "has_windows"  # or codes that wait for one
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Agency:
    """One of them. `id` is what scopes and windows name."""

    id: str
    name: str
    is_active: bool


def read_agencies(connection: Connection) -> list[Agency]:
    """All of them, the retired ones last."""
    rows = connection.execute(text("SELECT id, name, state FROM agency ORDER BY state, name, id"))
    return [Agency(row.id, row.name, row.state == "active") for row in rows]


def find_agency(connection: Connection, asked: str) -> Agency | None:
    """The active one of this name or id."""
    known = [each for each in read_agencies(connection) if each.is_active]
    return next((each for each in known if asked in (each.id, each.name)), None)


def windows_of(connection: Connection, agency_id: str) -> dict[str, str]:
    """Its windows, and those it had: names by node id. Nothing of the house for no agency."""
    if not agency_id:
        return {}
    rows = connection.execute(
        text("SELECT id, name FROM node WHERE agency = :a AND machine_id <> '' ORDER BY name"),
        {"a": agency_id},
    )
    return {row.id: row.name for row in rows}


def add_agency(tx: Transaction, name: str, actor: Actor) -> str | NotChanged:
    """A new one; gives its id."""
    known = read_agencies(tx.connection)
    if len(known) >= AGENCIES_MAX:
        return NotChanged.TOO_MANY
    if _is_taken(known, name):
        return NotChanged.NAME_TAKEN
    agency_id = secrets.token_hex(8)
    tx.run(
        "INSERT INTO agency (id, name, state) VALUES (:id, :name, 'active')",
        id=agency_id,
        name=name,
    )
    note(tx, Deed.AGENCY_ADDED, f"agency:{agency_id}", actor, after={"name": name})
    return agency_id


def rename_agency(tx: Transaction, agency_id: str, name: str, actor: Actor) -> NotChanged | None:
    """Another name, for screens and papers."""
    known = read_agencies(tx.connection)
    found = next((each for each in known if each.id == agency_id), None)
    if found is None:
        return NotChanged.UNKNOWN
    if found.name == name:
        return None
    if _is_taken(known, name):
        return NotChanged.NAME_TAKEN
    tx.run("UPDATE agency SET name = :name WHERE id = :id", id=agency_id, name=name)
    before, after = {"name": found.name}, {"name": name}
    note(tx, Deed.AGENCY_RENAMED, f"agency:{agency_id}", actor, before=before, after=after)
    return None


def retire_agency(tx: Transaction, agency_id: str, actor: Actor) -> NotChanged | None:
    """It sells no more, and its people see nothing more. Refused while it has windows."""
    if not hold_agency(tx, agency_id):
        return NotChanged.UNKNOWN
    window = tx.row("SELECT 1 FROM node WHERE agency = :a AND state = 'active'", a=agency_id)
    code = tx.row(
        "SELECT 1 FROM enrolment WHERE agency = :a AND used_ms = 0 AND expires_ms > :now",
        a=agency_id,
        now=tx.now_ms,
    )
    if window is not None or code is not None:
        return NotChanged.HAS_WINDOWS
    tx.run("UPDATE agency SET state = 'retired' WHERE id = :id", id=agency_id)
    before, after = {"state": "active"}, {"state": "retired"}
    note(tx, Deed.AGENCY_RETIRED, f"agency:{agency_id}", actor, before=before, after=after)
    return None


def hold_agency(tx: Transaction, agency_id: str) -> bool:
    """Whether it is active, and stays so until this transaction ends."""
    locked = Sql.of(tx.connection).locked
    row = tx.row(
        f"SELECT 1 FROM agency WHERE id = :id AND state = 'active'{locked}",  # noqa: S608
        id=agency_id,
    )
    return row is not None


def _is_taken(known: Iterable[Agency], name: str) -> bool:
    return any(each.name == name for each in known)
