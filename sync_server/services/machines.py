"""The house's machines as people care for them: which are out of date or off time, and lost ones.

A machine that is lost or stolen is shut out at its next call. What it was lent stays reserved until
it is written off; what it sold and the server knows stays good. A stolen one also has what nobody
outside should have: the PIN verifiers of everybody who may sign in at such a machine (six digits do
not withstand a patient computer), so those people get new PINs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.enrolment import code_id
from sync_server.services.house import read_house, read_meta
from sync_server.services.nodes import MIN_VERSION_KEY, name_order, revoke_node
from sync_server.services.people import hash_pin, random_pin
from sync_server.services.permissions import NodeRole, Permission, PersonRole, person_may
from sync_server.services.scopes import scope_of
from sync_server.store.writer import Transaction

_SIGN_INS = {
    NodeRole.TILL: (Permission.TILL_SIGN_IN,),
    NodeRole.GATE: (Permission.GATE_SIGN_IN,),
    NodeRole.HUB: (Permission.TILL_SIGN_IN, Permission.GATE_SIGN_IN),  # it passes on what all know
}
"""Whose PIN verifiers a machine of the role has."""
WAITING_CODES_MAX = 100
_VERSION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}")


class Gone(StrEnum):
    """What became of a machine."""

    LOST = "lost"
    STOLEN = "stolen"


@dataclass(frozen=True, slots=True)
class Machine:
    """A node as the last greeting told. `unknown_at`: active gates that have not read of its key.

    `agency`: the name of the one whose window it is; '' for the house's own.
    """

    id: str
    name: str
    role: NodeRole
    state: str
    incarnation: int
    program_version: str
    is_too_old: bool
    clock_offset_ms: int
    last_seen_ms: int
    unsynced_count: int
    unknown_at: tuple[str, ...]
    agency: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCode:
    """An enrolment code that nobody has used yet. `again`: to take the place of a node.

    `id` names it, and lets nobody in.
    """

    id: str
    role: NodeRole
    name: str
    expires_ms: int
    again: bool


@dataclass(frozen=True, slots=True, repr=False)
class ReadyPin:
    """A random PIN with its verifier: made before a transaction, which should not wait for it."""

    pin: str
    verifier: str


@dataclass(frozen=True, slots=True, repr=False)
class NewPin:
    """Shown once, and kept nowhere."""

    login: str
    name: str
    pin: str


def read_machines(connection: Connection, too_old: frozenset[str]) -> list[Machine]:
    """All nodes by name. `too_old`: the ids of those whose program is below the least version."""
    rows = connection.execute(
        text(
            "SELECT n.id, n.name, n.role, n.state, n.inc, n.program_version, n.clock_offset_ms, "
            "n.last_seen_ms, n.unsynced_count, n.rev, coalesce(a.name, '') AS agency "
            "FROM node n LEFT JOIN agency a ON a.id = n.agency"
        )
    ).all()
    read_by = _read_by_gates(connection)
    return [
        Machine(
            row.id,
            row.name,
            NodeRole(row.role),
            row.state,
            row.inc,
            row.program_version,
            row.id in too_old,
            row.clock_offset_ms,
            row.last_seen_ms,
            row.unsynced_count,
            tuple(name for name, rev in read_by if rev < row.rev),
            row.agency,
        )
        for row in sorted(rows, key=lambda row: name_order(row.name))
    ]


def read_waiting_codes(connection: Connection, now_ms: int) -> list[WaitingCode]:
    """Enrolment codes that still let a machine in, the first to end first; never their secrets."""
    rows = connection.execute(
        text(
            "SELECT secret_hash, role, node_name, expires_ms, node_id FROM enrolment "
            "WHERE used_ms = 0 AND expires_ms > :now ORDER BY expires_ms, node_name LIMIT :most"
        ),
        {"now": now_ms, "most": WAITING_CODES_MAX},
    )
    return [
        WaitingCode(
            code_id(row.secret_hash),
            NodeRole(row.role),
            row.node_name,
            row.expires_ms,
            bool(row.node_id),
        )
        for row in rows
    ]


def count_pins_at(connection: Connection, node_id: str) -> int:
    """How many people's PIN verifiers a machine has."""
    return len(_people_at(connection, node_id))


def ready_pins(count: int) -> tuple[ReadyPin, ...]:
    """So many PINs, all different. Takes about 50 ms of a core for each."""
    return tuple(_further_pins((), count))


def report_gone(
    tx: Transaction,
    venue_id: str,
    name: str,
    how: Gone,
    actor: Actor,
    reason: str,
    ready: Sequence[ReadyPin] = (),
) -> tuple[NewPin, ...] | None:
    """Shut a machine out; of a stolen one the people's new PINs. None: no such active machine.

    `ready`: PINs made before; where they are too few, the others are made here.
    """
    row = tx.row("SELECT id FROM node WHERE name = :name AND state = 'active'", name=name)
    if row is None or not revoke_node(tx, venue_id, row.id):
        return None
    pins: tuple[NewPin, ...] = ()
    if how is Gone.STOLEN:
        pins = _renew_pins(tx, venue_id, row.id, ready)
    told = {"state": "revoked", "how": how, "new_pins": [each.login for each in pins]}
    deed, before = Deed.NODE_REVOKED, {"state": "active"}
    note(tx, deed, f"node:{row.id}", actor, before=before, after=told, reason=reason)
    return pins


def put_min_version(tx: Transaction, venue_id: str, version: str, actor: Actor) -> None:
    """From now on older programs are told nothing and lent nothing; what they send is taken.

    '' takes every version. Raises ValueError for what is no version.
    """
    if version and not is_version(version):
        raise ValueError("a version is like 1.2.0")
    before = read_meta(tx.connection).get(MIN_VERSION_KEY, "")
    tx.run("DELETE FROM meta WHERE k = :k", k=MIN_VERSION_KEY)
    tx.run("INSERT INTO meta (k, v) VALUES (:k, :v)", k=MIN_VERSION_KEY, v=version)
    tx.next_rev(venue_id)  # so that every server looks at its nodes again
    told = {"version": version}
    note(tx, Deed.MIN_VERSION_SET, "house", actor, before={"version": before}, after=told)


def is_version(version: str) -> bool:
    """Whether it is numbers with dots."""
    return _VERSION.fullmatch(version) is not None


def _read_by_gates(connection: Connection) -> Sequence[tuple[str, int]]:
    """How far each active gate has read the house's feed, in the present history."""
    house = read_house(connection)
    if house is None:
        return ()
    rows = connection.execute(
        text(
            "SELECT n.name, coalesce(c.rev, 0) FROM node n LEFT JOIN gate_cursor c "
            "ON c.node_id = n.id AND c.event_id = :venue AND c.generation = :generation "
            "WHERE n.role = 'gate' AND n.state = 'active'"
        ),
        {"venue": house.venue_id, "generation": house.generation.short},
    )
    read_by = [(str(row[0]), int(row[1])) for row in rows]
    return sorted(read_by, key=lambda each: name_order(each[0]))


def _people_at(connection: Connection, node_id: str) -> list[Row[Any]]:
    """Id, login and name of everybody whose PIN verifier a machine has."""
    machine = connection.execute(
        text("SELECT role, agency FROM node WHERE id = :id"), {"id": node_id}
    ).one()
    rows = connection.execute(
        text(
            "SELECT id, login, name, role, scope_kind, scope_ids FROM person "
            "WHERE state = 'active' AND pin_hash <> '' ORDER BY login"
        )
    )
    return [row for row in rows if _is_known_at(NodeRole(machine.role), machine.agency, row)]


def _is_known_at(machine: NodeRole, agency: str, person: Row[Any]) -> bool:
    """As the feed tells: a window knows the people of the house, or those of its agency."""
    role = PersonRole(person.role)
    if machine is NodeRole.TILL and (bool(agency) or role is PersonRole.AGENT):
        scope = scope_of(person.scope_kind, person.scope_ids)
        return role is PersonRole.AGENT and bool(agency) and scope.has_agency(agency)
    return any(person_may(role, each) for each in _SIGN_INS[machine])


def _renew_pins(
    tx: Transaction, venue_id: str, node_id: str, ready: Sequence[ReadyPin]
) -> tuple[NewPin, ...]:
    people = _people_at(tx.connection, node_id)
    pins = [*ready, *_further_pins(ready, len(people) - len(ready))]
    for row, made in zip(people, pins, strict=False):
        tx.run(
            "UPDATE person SET pin_hash = :pin, rev = :rev WHERE id = :id",
            pin=made.verifier,
            rev=tx.next_rev(venue_id),
            id=row.id,
        )
    return tuple(
        NewPin(row.login, row.name, made.pin) for row, made in zip(people, pins, strict=False)
    )


def _further_pins(ready: Sequence[ReadyPin], count: int) -> Iterator[ReadyPin]:
    taken = [each.pin for each in ready]
    for _ in range(count):
        taken.append(random_pin(taken))
        yield ReadyPin(taken[-1], hash_pin(taken[-1]))
