"""The audit: who did what to which object, from where, with before and after.

A deed notes itself in the transaction that does it (`note`): either both happened or neither.
What was noted is then moved, in order and each once, into a store of its own where every record
cites the hash of the one before, and where nothing can be changed or removed (`store.audit`).
"""

from __future__ import annotations

import getpass
import hashlib
import itertools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sync_server.store.writer import Transaction

T = TypeVar("T")
ROOT_HASH = "0" * 64
TEXT_CHARS_MAX = 500
_HEAD_MESSAGE = b"boxgate audit\0"


class Deed(StrEnum):
    """What is audited. Stored, never renamed."""

    HOUSE_MADE = "house_made"
    DATABASE_MIGRATED = "database_migrated"
    BACKUP_RESTORED = "backup_restored"
    CATALOGUE_IMPORTED = "catalogue_imported"
    EVENT_CHANGED = "event_changed"  # tiers, ticket types, prices, rules
    EVENT_ADDED = "event_added"
    PERFORMANCE_MOVED = "performance_moved"
    PERFORMANCE_CANCELLED = "performance_cancelled"
    PERFORMANCES_COPIED = "performances_copied"
    PLAN_SAVED = "plan_saved"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"  # the name, the role, where it holds
    PERSON_LEFT = "person_left"
    PERSON_BACK = "person_back"
    PIN_CHANGED = "pin_changed"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    LOGINS_ENDED = "logins_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a deed's name
    SECOND_FACTOR_BEGUN = "second_factor_begun"
    SECOND_FACTOR_ENDED = "second_factor_ended"
    AGENCY_ADDED = "agency_added"
    AGENCY_RENAMED = "agency_renamed"
    AGENCY_RETIRED = "agency_retired"
    AGENCY_LIMIT_SET = "agency_limit_set"
    CLIENT_ADDED = "client_added"
    CLIENT_ENDED = "client_ended"
    CLIENT_TOKEN_REUSED = "client_token_reused"  # noqa: S105 - likewise
    ENROL_CODE_MADE = "enrol_code_made"
    ENROL_CODE_WITHDRAWN = "enrol_code_withdrawn"
    NODE_ENROLLED = "node_enrolled"
    NODE_REVOKED = "node_revoked"
    MIN_VERSION_SET = "min_version_set"
    NODE_GIVEN_UP = "node_given_up"
    STOCK_RECALLED = "stock_recalled"
    ALLOTMENT_WRITTEN_OFF = "allotment_written_off"
    PLACES_BLOCKED = "places_blocked"
    BLOCK_CHANGED = "block_changed"  # for whom, why, until when
    PLACES_RELEASED = "places_released"  # by a person, or at their time
    LENDING_POLICY_SET = "lending_policy_set"
    TICKET_BLOCKED = "ticket_blocked"
    TICKET_UNBLOCKED = "ticket_unblocked"
    BOOKS_SIGNED = "books_signed"
    CASE_SETTLED = "case_settled"
    BUYERS_ERASED = "buyers_erased"
    DATA_KEY_BEGUN = "data_key_begun"
    RETENTION_RUN = "retention_run"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, client or node by id, or somebody at the server's command line.

    `vouched_by`: the logins whose passwords a command asked for. `address` and `request_id`: from
    where, and by which line of the log.
    """

    kind: str
    id: str
    address: str = ""
    request_id: str = ""
    vouched_by: tuple[str, ...] = ()


UNKNOWN = Actor("nobody", "")
"""Whoever has not said who they are: a machine that enrols, a visitor."""


def at_command_line(*vouched_by: str) -> Actor:
    """Whoever runs this command, by the name of their account on this machine."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        name = str(os.getuid())
    return Actor("command", name, vouched_by=vouched_by)


@dataclass(frozen=True, slots=True)
class Noted:
    """A deed as its transaction noted it: `body` is canonical JSON."""

    id: str
    at_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class Record:
    """A deed in its place in the chain."""

    seq: int
    noted: Noted
    prev_hash: str
    hash: str


def note(
    tx: Transaction,
    deed: Deed,
    about: str,
    actor: Actor,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """Note a deed in the transaction that does it.

    `about` names the object: "person:<id>". Nothing personal about buyers, no secret and no hash
    of one may be in it.
    """
    body = {
        "deed": deed.value,
        "about": about[:TEXT_CHARS_MAX],
        "actor": {"kind": actor.kind, "id": actor.id[:TEXT_CHARS_MAX]},
        "from": actor.address,
        "request": actor.request_id,
        "vouched_by": list(actor.vouched_by),
        "before": before,
        "after": after,
        "reason": reason[:TEXT_CHARS_MAX],
    }
    kept = {name: value for name, value in body.items() if value not in (None, "", [])}
    tx.run(
        "INSERT INTO audit_outbox (id, at_ms, body) VALUES (:id, :at, :body)",
        id=_new_id(tx.now_ms),
        at=tx.now_ms,
        body=canonical(kept),
    )


def _new_id(now_ms: int) -> str:
    """By time, then in the order in which this process noted; then chance."""
    return f"{now_ms:012x}{next(_numbers) % 2**32:08x}{secrets.token_hex(6)}"


_numbers = itertools.count()


def audited(
    job: Callable[[Transaction], T],
    deed: Deed,
    about: str,
    actor: Actor,
    *,
    after: Callable[[T], Mapping[str, object]] | None = None,
    done: Callable[[T], bool] = bool,
    reason: str = "",
) -> Callable[[Transaction], T]:
    """A job that notes its deed when its answer says that something was done."""

    def run(tx: Transaction) -> T:
        answer = job(tx)
        if done(answer):
            told = None if after is None else after(answer)
            note(tx, deed, about, actor, after=told, reason=reason)
        return answer

    return run


def canonical(value: Mapping[str, object]) -> str:
    """JSON of one form only."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def record_hash(prev_hash: str, seq: int, noted: Noted) -> str:
    """SHA-256 over the hash before and every part of the record."""
    text = json.dumps([prev_hash, seq, noted.id, noted.at_ms, noted.body], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(head: tuple[int, str], coming: Iterable[Noted]) -> Iterator[Record]:
    """Records behind a head (its number and hash; 0 and ROOT_HASH at the beginning)."""
    seq, prev = head
    for noted in coming:
        seq += 1
        found = Record(seq, noted, prev, record_hash(prev, seq, noted))
        yield found
        prev = found.hash


def broken_at(records: Iterable[Record]) -> tuple[int | None, tuple[int, str]]:
    """The number of the first record that does not follow, None when all do; and the head."""
    seq, prev = 0, ROOT_HASH
    for each in records:
        fits = each.seq == seq + 1 and each.prev_hash == prev
        if not fits or each.hash != record_hash(prev, each.seq, each.noted):
            return seq + 1, (seq, prev)
        seq, prev = each.seq, each.hash
    return None, (seq, prev)


def head_message(seq: int, head_hash: str) -> bytes:
    """What the server's key signs at the end of an export."""
    return _HEAD_MESSAGE + f"{seq}\0{head_hash}".encode()


def to_line(record: Record) -> dict[str, Any]:
    """A record as a line of an export has it."""
    return {
        "seq": record.seq,
        "id": record.noted.id,
        "at_ms": record.noted.at_ms,
        "body": record.noted.body,
        "prev": record.prev_hash,
        "hash": record.hash,
    }


def from_line(line: Mapping[str, Any]) -> Record | None:
    """A record of an export's line; None when it is none."""
    kinds = {"seq": int, "id": str, "at_ms": int, "body": str, "prev": str, "hash": str}
    if set(line) != set(kinds) or not all(type(line[n]) is kind for n, kind in kinds.items()):
        return None
    noted = Noted(line["id"], line["at_ms"], line["body"])
    return Record(line["seq"], noted, line["prev"], line["hash"])
