"""What managers see and decide of the stock: who holds what, and taking it back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.heart.blocks import BlockTicket, NoBlock
from sync_server.heart.lending_rules import (
    LENDING_DOC,
    LendingRule,
    NoRule,
    RuleSet,
    SetLendingRule,
    rules_of,
)
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import NoWriteOff, Recall, WriteOff, WrittenOff
from sync_server.heart.source import run_in
from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import PlanShelf
from sync_server.services.people import is_password
from sync_server.services.permissions import Permission
from sync_server.services.sessions import find_person_to_sign_in
from sync_server.store.writer import Transaction

ALLOTMENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class AllotmentLine:
    """What a node holds. `unknown_count`: sold or not, only the node knows that now."""

    event_id: str
    id: str
    node_id: str
    node_name: str
    performance: int
    state: str
    recall: bool
    unit_count: int
    sold_count: int
    unknown_count: int
    granted_ms: int
    hard_s: int  # from then on, for so long it may sell from it; 0: for ever
    last_seen_ms: int  # 0: never


@dataclass(frozen=True, slots=True)
class RevocationLine:
    """Tickets that were revoked, and the till has not told yet what became of the money."""

    event_id: str
    op_id: str
    node_id: str
    action: str
    asked_ms: int
    tickets: tuple[str, ...]


def read_allotments(connection: Connection, event_id: str | None = None) -> list[AllotmentLine]:
    """Open allotments, and those written off, by event and age; at most ALLOTMENTS_MAX."""
    rows = connection.execute(
        text(
            """
            SELECT a.event_id, a.id, a.node_id, coalesce(n.name, ''), a.perf_id, a.state,
                   a.recall, a.body, a.granted_ms, a.hard_s, coalesce(n.last_seen_ms, 0),
                   coalesce(t.sold, 0), coalesce(c.lent, 0)
            FROM allot a
            LEFT JOIN node n ON n.id = a.node_id
            LEFT JOIN (SELECT event_id, allot_id, count(*) AS sold FROM ticket
                       WHERE state = 'valid' GROUP BY event_id, allot_id) t
                   ON t.event_id = a.event_id AND t.allot_id = a.id
            LEFT JOIN (SELECT event_id, ref, count(*) AS lent FROM claim
                       WHERE kind = 'allot' GROUP BY event_id, ref) c
                   ON c.event_id = a.event_id AND c.ref = a.id
            WHERE a.state IN ('open', 'written_off') AND (:any = 1 OR a.event_id = :event)
            ORDER BY a.event_id, a.granted_ms, a.id LIMIT :most
            """
        ),
        {"any": int(event_id is None), "event": event_id or "", "most": ALLOTMENTS_MAX},
    )
    return [_allotment_line(*row) for row in rows]


def _allotment_line(
    event_id: str,
    allot_id: str,
    node_id: str,
    name: str,
    performance: int,
    state: str,
    recall: int,
    body: str,
    granted_ms: int,
    hard_s: int,
    last_seen_ms: int,
    sold: int,
    lent: int,
) -> AllotmentLine:
    return AllotmentLine(
        event_id,
        allot_id,
        node_id,
        name,
        performance,
        state,
        bool(recall),
        len(json.loads(body)["units"]),
        sold,
        lent,
        granted_ms,
        hard_s,
        last_seen_ms,
    )


def read_open_revocations(connection: Connection) -> list[RevocationLine]:
    """Revocations whose operation never came, oldest first; at most ALLOTMENTS_MAX."""
    rows = connection.execute(
        text(
            "SELECT event_id, op_id, node_id, action, asked_ms, body FROM revocation "
            "WHERE journalled = 0 ORDER BY asked_ms, op_id LIMIT :most"
        ),
        {"most": ALLOTMENTS_MAX},
    )
    return [
        RevocationLine(
            event_id, op_id, node_id, action, asked_ms, tuple(json.loads(body)["tickets"])
        )
        for event_id, op_id, node_id, action, asked_ms, body in rows
    ]


class NotAllowed(StrEnum):
    """Why a person may not decide."""

    UNKNOWN = "unknown"  # no such login, or another password
    FORBIDDEN = "forbidden"  # the first one's role does not include it
    SAME_PERSON = "same_person"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who somebody says to be."""

    login: str
    password: str


def two_people(connection: Connection, first: SignIn, second: SignIn) -> NotAllowed | None:
    """Whether these are two people of the house, the first with the right to write off."""
    found = [find_person_to_sign_in(connection, each.login) for each in (first, second)]
    right = [
        is_password(one[1] if one else "", each.password)
        for one, each in zip(found, (first, second), strict=True)
    ]
    if found[0] is None or found[1] is None or not all(right):
        return NotAllowed.UNKNOWN
    if found[0][0].id == found[1][0].id:
        return NotAllowed.SAME_PERSON
    if not found[0][0].access.may(Permission.STOCK_RECLAIM):
        return NotAllowed.FORBIDDEN
    return None


def manager_alone(
    connection: Connection,
    person: SignIn,
    permission: Permission = Permission.STOCK_RECLAIM,
) -> NotAllowed | None:
    """Whether this is somebody of the house whose role includes this (deciding about places)."""
    found = find_person_to_sign_in(connection, person.login)
    if not is_password(found[1] if found else "", person.password) or found is None:
        return NotAllowed.UNKNOWN
    return None if found[0].access.may(permission) else NotAllowed.FORBIDDEN


def block_ticket(
    tx: Transaction, event_id: str, ticket_id: str, *, by: str, reason: str, lift: bool
) -> NoBlock | None:
    """Block a ticket, or lift that; None when done. Raises UnknownStream."""
    return run_in(tx, BlockTicket(event_id, ticket_id, by, reason, lift), PlanShelf())


def recall(
    tx: Transaction, event_id: str, *, allotment: str = "", node_id: str = ""
) -> tuple[str, ...]:
    """Ask units back; gives the allotments concerned. Raises UnknownStream."""
    return run_in(tx, Recall(event_id, allotment, node_id), PlanShelf())


def write_off(
    tx: Transaction, event_id: str, allotment: str, by: tuple[str, str], reason: str
) -> WrittenOff | NoWriteOff:
    """Give an allotment up, by two people who were asked for their passwords."""
    step = WriteOff(event_id, allotment, by[0], by[1], reason, Policy())
    return run_in(tx, step, PlanShelf())


def set_lending_rule(tx: Transaction, step: SetLendingRule, actor: Actor) -> RuleSet | NoRule:
    """Say how much windows are lent; noted with what was said before."""
    done = run_in(tx, step, PlanShelf())
    if isinstance(done, RuleSet) and done.before != done.after:
        before, after = (asdict(rule) if rule else None for rule in (done.before, done.after))
        about = f"lending:{step.stream}:{step.node_id or 'every window'}"
        note(tx, Deed.LENDING_POLICY_SET, about, actor, before=before, after=after)
    return done


def read_lending_rules(connection: Connection, event_id: str) -> dict[str, LendingRule]:
    """What is said of an event's windows, by window."""
    row = connection.execute(
        text("SELECT body FROM doc WHERE event_id = :e AND kind = :k AND id = :e"),
        {"e": event_id, "k": LENDING_DOC},
    ).first()
    return rules_of(row[0] if row else None)
