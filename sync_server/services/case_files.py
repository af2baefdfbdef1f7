"""Cases as people work on them: lists, one case, what was said about it, who has it until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sync_server.store.writer import Transaction

PAGE_ROWS = 50
NOTES_MAX = 500
COMMENT_CHARS_MAX = 1_000


class NoteKind(StrEnum):
    """What somebody said about a case. Stored, never renamed."""

    COMMENT = "comment"
    OWNER = "owner"  # the value is a person's id, "" for nobody
    DEADLINE = "deadline"  # the value is a business day, "" for none


@dataclass(frozen=True, slots=True)
class CaseNote:
    """Something somebody said about a case, and when."""

    number: int
    at_ms: int
    person_name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with its owner ("" for nobody) and deadline ("" for none)."""

    event_id: str
    id: str
    kind: str
    state: str
    opened_ms: int
    closed_ms: int
    resolution: str
    body: str
    owner_id: str = ""
    deadline: str = ""


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases, and where the next page begins ("" at the end)."""

    cases: tuple[CaseFile, ...]
    next: str
    open_count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: of a state, of a kind, of an owner; empty: no matter. `after`: a page's `next`."""

    state: str = "open"
    kind: str = ""
    owner_id: str = ""
    after: str = ""


_COLUMNS = "c.event_id, c.id, c.kind, c.state, c.opened_ms, c.closed_ms, c.resolution, c.body"
_NEWEST = (
    "(SELECT n.value FROM case_note n WHERE n.event_id = c.event_id AND n.case_id = c.id "
    "AND n.kind = '{kind}' ORDER BY n.number DESC LIMIT 1)"
)
_OWNER, _DEADLINE = _NEWEST.format(kind="owner"), _NEWEST.format(kind="deadline")
_SELECT = (
    f"SELECT {_COLUMNS}, coalesce({_OWNER}, ''), coalesce({_DEADLINE}, '') "  # noqa: S608 - ours
    "FROM case_file c "
)


def read_cases(connection: Connection, wanted: Wanted) -> CasePage:
    """A page of cases: open ones with the oldest first, settled ones with the newest first."""
    is_open = wanted.state == "open"
    parts, values = ["c.state = :state"], {"state": wanted.state, "most": PAGE_ROWS + 1}
    if wanted.kind:
        parts.append("c.kind = :kind")
        values["kind"] = wanted.kind
    if wanted.owner_id:
        parts.append(f"coalesce({_OWNER}, '') = :owner")
        values["owner"] = wanted.owner_id
    at, _bar, case_id = wanted.after.partition("|")
    key, than = ("c.opened_ms", ">") if is_open else ("c.closed_ms", "<")
    if at.isdecimal() and len(at) < 16:
        parts.append(f"({key} {than} :at OR ({key} = :at AND c.id > :id))")
        values |= {"at": int(at), "id": case_id}
    order = f"{key}{'' if is_open else ' DESC'}, c.id"
    rows = connection.execute(
        text(f"{_SELECT} WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT :most"), values
    ).all()
    found = [CaseFile(*row) for row in rows[:PAGE_ROWS]]
    count = connection.execute(text("SELECT count(*) FROM case_file WHERE state = 'open'"))
    follows = ""
    if len(rows) > PAGE_ROWS:
        last = found[-1]
        follows = f"{last.opened_ms if is_open else last.closed_ms}|{last.id}"
    return CasePage(tuple(found), follows, int(count.scalar_one()))


def read_case(connection: Connection, event_id: str, case_id: str) -> CaseFile | None:
    """One case."""
    row = connection.execute(
        text(f"{_SELECT} WHERE c.event_id = :e AND c.id = :id"), {"e": event_id, "id": case_id}
    ).first()
    return CaseFile(*row) if row is not None else None


def read_notes(connection: Connection, event_id: str, case_id: str) -> tuple[CaseNote, ...]:
    """What was said about it, the oldest first."""
    rows = connection.execute(
        text(
            "SELECT number, at_ms, person_name, kind, value FROM case_note "
            "WHERE event_id = :e AND case_id = :id ORDER BY number LIMIT :most"
        ),
        {"e": event_id, "id": case_id, "most": NOTES_MAX},
    )
    return tuple(CaseNote(int(r[0]), int(r[1]), r[2], r[3], r[4]) for r in rows)


def add_note(
    tx: Transaction,
    case: tuple[str, str],
    person: tuple[str, str],
    kind: NoteKind,
    value: str,
) -> bool:
    """Note something about a case (stream and id) by a person (id and name). False: it is none.

    An owner must be a person of the house, a deadline a date; empty takes either back.
    """
    event_id, case_id = case
    value = value.strip()
    number = _next_number(tx, event_id, case_id) if _is_sound(tx, kind, value) else 0
    if not number:
        return False
    person_id, name = person
    tx.run(
        "INSERT INTO case_note (event_id, case_id, number, at_ms, person_id, person_name, kind, "
        "value) VALUES (:e, :c, :number, :at, :person, :name, :kind, :value)",
        e=event_id,
        c=case_id,
        number=number,
        at=tx.now_ms,
        person=person_id,
        name=name,
        kind=kind.value,
        value=value,
    )
    return True


def _next_number(tx: Transaction, event_id: str, case_id: str) -> int:
    """The next note's number; 0 where there is no such case, or no room."""
    # The row's lock keeps two at once from taking one number, on PostgreSQL as well.
    known = tx.run(
        "UPDATE case_file SET rev = rev WHERE event_id = :e AND id = :c", e=event_id, c=case_id
    )
    last = tx.row(
        "SELECT coalesce(max(number), 0) FROM case_note WHERE event_id = :e AND case_id = :c",
        e=event_id,
        c=case_id,
    )
    count = int(last[0]) if last is not None else 0
    return count + 1 if known == 1 and count < NOTES_MAX else 0


def _is_sound(tx: Transaction, kind: NoteKind, value: str) -> bool:
    match kind:
        case NoteKind.COMMENT:
            return 0 < len(value) <= COMMENT_CHARS_MAX and "\0" not in value
        case NoteKind.OWNER:
            found = tx.row("SELECT 1 FROM person WHERE id = :id AND state = 'active'", id=value)
            return not value or found is not None
        case NoteKind.DEADLINE:
            return not value or _is_date(value)


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def read_people(connection: Connection, roles: Iterable[str]) -> list[tuple[str, str]]:
    """Ids and names of who can have a case: active people of these roles."""
    rows = connection.execute(
        text("SELECT id, name, role FROM person WHERE state = 'active' ORDER BY name")
    )
    wanted = set(roles)
    return [(row[0], row[1]) for row in rows if row[2] in wanted]


def read_names(connection: Connection) -> dict[str, str]:
    """Names of all people there ever were, and of all nodes, by id."""
    found = {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM person"))}
    return found | {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM node"))}


@dataclass(frozen=True, slots=True)
class CaseTicket:
    """A ticket that a case is about, as it stands now."""

    id: str
    order_id: str
    performance: int
    unit: int
    state: str
    price_minor: int
    currency: str
    receipt_no: str
    blocked: str


TICKETS_SHOWN_MAX = 100


def read_tickets(
    connection: Connection, event_id: str, ticket_ids: Iterable[str], order_id: str
) -> tuple[CaseTicket, ...]:
    """Tickets by their ids, or else those of an order."""
    select = (
        "SELECT k.id, k.order_id, k.perf_id, k.unit, k.state, k.price_minor, "
        "coalesce(o.currency, ''), coalesce(o.receipt_no, ''), k.blocked FROM ticket k "
        "LEFT JOIN orders o ON o.event_id = k.event_id AND o.id = k.order_id "
        "WHERE k.event_id = :e AND "
    )
    rows: list[Any] = []
    wanted = list(ticket_ids)[:TICKETS_SHOWN_MAX]
    for ticket_id in wanted:
        rows += connection.execute(text(select + "k.id = :k"), {"e": event_id, "k": ticket_id})
    if not wanted and order_id:
        rows += connection.execute(
            text(select + "k.order_id = :o ORDER BY k.unit LIMIT :most"),
            {"e": event_id, "o": order_id, "most": TICKETS_SHOWN_MAX},
        )
    return tuple(CaseTicket(*row) for row in rows)
