"""Signing a reckoning off: a person's word for the figures as they were, kept for good.

Rows are only ever added. Whoever signs again after something arrived late adds another; the first
one stays what it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.services.reckoning import By, Reckoning, digest_of, from_text, to_text
from sync_server.store.writer import Transaction

NOTE_CHARS_MAX = 500
SIGNED_SHOWN_MAX = 500


class NoSignOff(StrEnum):
    """Why nothing was signed."""

    CHANGED = "changed"  # the figures are no longer those that the person saw
    NO_REASON = "no_reason"  # there is a difference, and not a word about it
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class SignOff:
    """What was signed: `body` is the reckoning's text, `digest` its SHA-256."""

    id: str
    by: By
    of: str
    signed_ms: int
    person_id: str
    person_name: str
    note: str
    digest: str
    body: str

    @property
    def reckoning(self) -> Reckoning:
        """The figures as they were."""
        return from_text(self.body)

    @property
    def is_sound(self) -> bool:
        """Whether the text is still the one whose digest was noted."""
        return digest_of(self.body) == self.digest


def sign(
    tx: Transaction,
    reckoning: Reckoning,
    seen_digest: str,
    person: tuple[str, str],
    note: str,
) -> SignOff | NoSignOff:
    """Write it down. `person` is id and name; `seen_digest` says which figures they looked at."""
    body, note = to_text(reckoning), " ".join(note.split())
    digest = digest_of(body)
    if digest != seen_digest:
        return NoSignOff.CHANGED
    if reckoning.open_checks and not note:
        return NoSignOff.NO_REASON
    if len(note) > NOTE_CHARS_MAX:
        return NoSignOff.TOO_LONG
    person_id, name = person
    made = SignOff(
        secrets.token_hex(8),
        reckoning.by,
        reckoning.of,
        tx.now_ms,
        person_id,
        name,
        note,
        digest,
        body,
    )
    tx.run(
        "INSERT INTO sign_off (id, by_what, of_what, signed_ms, person_id, person_name, note, "
        "digest, body) VALUES (:id, :by, :of, :at, :person, :name, :note, :digest, :body)",
        id=made.id,
        by=made.by.value,
        of=made.of,
        at=made.signed_ms,
        person=person_id,
        name=name,
        note=note,
        digest=digest,
        body=body,
    )
    return made


_COLUMNS = "id, by_what, of_what, signed_ms, person_id, person_name, note, digest, body"


def find_sign_off(connection: Connection, sign_off_id: str) -> SignOff | None:
    """One by its id."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS} FROM sign_off WHERE id = :id"),  # noqa: S608 - our own names
        {"id": sign_off_id},
    ).first()
    return _read(row) if row is not None else None


def sign_offs_of(connection: Connection, by: By, of: str) -> list[SignOff]:
    """All of one scope, the newest first."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM sign_off WHERE by_what = :by AND of_what = :of "  # noqa: S608
            "ORDER BY signed_ms DESC, id LIMIT :most"
        ),
        {"by": by.value, "of": of, "most": SIGNED_SHOWN_MAX},
    )
    return [_read(row) for row in rows]


def newest_sign_offs(
    connection: Connection, by: By, scopes: Sequence[str]
) -> dict[str, tuple[str, int, str]]:
    """By scope: who signed last, when, and the digest of what they signed."""
    if not scopes:
        return {}
    rows = connection.execute(
        text(
            "SELECT of_what, person_name, signed_ms, digest FROM sign_off WHERE by_what = :by "
            "ORDER BY signed_ms, id"
        ),
        {"by": by.value},
    )
    wanted = set(scopes)
    return {row[0]: (row[1], int(row[2]), row[3]) for row in rows if row[0] in wanted}


def _read(row: Sequence[object]) -> SignOff:
    by, signed_ms = By(str(row[1])), row[3]
    assert isinstance(signed_ms, int)
    rest = [str(each) for each in row[4:]]
    return SignOff(str(row[0]), by, str(row[2]), signed_ms, *rest)
