"""Forgetting what is over: who bought what, logins, codes and tokens that open nothing any more.

What is known of an event's buyers is dropped some time after its last performance. Orders, tickets,
money and the audit stay: nothing of a person stands in them. Everything happens in bounded pieces,
each in a transaction of its own, which also counts it in the run's record; what closes the run
notes that record in the audit. A run that is broken off is counted together with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.buyers import erase
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

ROWS_PER_BATCH_MAX = 200
BATCHES_PER_RUN_MAX = 5_000
RUN_PERIOD_MS = 24 * 3_600_000
_DAY_MS = 24 * 3_600_000
_RAN_KEY = "retention_ran_ms"
_RECORD_KEY = "retention_record"


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many days something is kept once it is over; 0: for ever.

    `buyers`: who bought, after the end of the event's last performance. `codes`: enrolment codes,
    after they were used or ended. Logins and refresh tokens go as soon as they have ended.
    """

    buyers_days: int
    codes_days: int

    def buyers_before_ms(self, now_ms: int) -> int | None:
        """Of events that ended by then nothing more is known; None: of all of them it is."""
        return _before(self.buyers_days, now_ms)

    def codes_before_ms(self, now_ms: int) -> int | None:
        """Codes that were over by then are forgotten; None: none is."""
        return _before(self.codes_days, now_ms)

    @property
    def in_words(self) -> tuple[str, str]:
        """One sentence for each, for the log and the command line."""
        return (
            f"what is known of buyers is kept {_kept(self.buyers_days, 'buyers_days')}"
            + (" after the event's last performance" if self.buyers_days else ""),
            f"enrolment codes are kept {_kept(self.codes_days, 'codes_days')}"
            + (" after they were used or ended" if self.codes_days else ""),
        )


def _before(days: int, now_ms: int) -> int | None:
    return now_ms - days * _DAY_MS if days else None


def _kept(days: int, key: str) -> str:
    if not days:
        return f"for ever (retention.{key} = 0)"
    return "for 1 day" if days == 1 else f"for {days} days"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were forgotten: buyers' rows and of how many events, logins, codes, tokens."""

    buyers: int = 0
    events: int = 0
    logins: int = 0
    codes: int = 0
    tokens: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.buyers + other.buyers,
            self.events + other.events,
            self.logins + other.logins,
            self.codes + other.codes,
            self.tokens + other.tokens,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What one piece did; `is_last`: there was no more of its kind."""

    counts: Counts
    is_last: bool
    after: str = ""


Piece = Callable[[Transaction, str], Done]
"""One bounded piece of work, behind what an earlier one gave as `after`."""


def buyers_due(connection: Connection, terms: Terms, now_ms: int) -> dict[str, int]:
    """Events that have been over for long enough, and of how many orders the buyer is known."""
    before = terms.buyers_before_ms(now_ms)
    if before is None:
        return {}
    rows = connection.execute(
        text(
            "SELECT b.event_id, count(*) FROM buyer b WHERE b.sealed <> '' AND b.event_id IN "
            "(SELECT event_id FROM performance GROUP BY event_id HAVING max(ends_ms) <= :before) "
            "GROUP BY b.event_id ORDER BY b.event_id"
        ),
        {"before": before},
    )
    return {str(row[0]): int(row[1]) for row in rows}


def count_due(connection: Connection, terms: Terms, now_ms: int) -> Counts:
    """What a run at this moment would forget."""
    buyers = buyers_due(connection, terms, now_ms)
    spent = {
        name: int(
            connection.execute(text(f"SELECT count(*) FROM {where}"), values).scalar_one()  # noqa: S608
        )
        for name, where, values in _spent(terms, now_ms)
    }
    return Counts(buyers=sum(buyers.values()), events=len(buyers), **spent)


def pieces(connection: Connection, terms: Terms, now_ms: int) -> list[Piece]:
    """What is to be done, to be called again and again until each `is_last`."""
    events = buyers_due(connection, terms, now_ms)
    return [
        *(_of_buyers(event_id, terms) for event_id in events),
        *(_of_spent(name, terms) for name, _, _ in _spent(terms, now_ms)),
    ]


def _of_buyers(event_id: str, terms: Terms) -> Piece:
    def forget(tx: Transaction, after: str) -> Done:
        """Looks anew whether the event is over: it may have been moved meanwhile."""
        before = terms.buyers_before_ms(tx.now_ms)
        ends = tx.row("SELECT max(ends_ms) FROM performance WHERE event_id = :e", e=event_id)
        if before is None or ends is None or ends[0] is None or ends[0] > before:
            return Done(Counts(), is_last=True)
        rows = tx.rows(
            "SELECT order_id FROM buyer WHERE event_id = :e AND order_id > :after "
            "AND sealed <> '' ORDER BY order_id LIMIT :most",
            e=event_id,
            after=after,
            most=ROWS_PER_BATCH_MAX,
        )
        order_ids = [str(row[0]) for row in rows]
        erased = len(erase(tx, event_id, order_ids)) if order_ids else 0
        counts = Counts(buyers=erased, events=int(erased > 0 and not after))
        is_last = len(order_ids) < ROWS_PER_BATCH_MAX
        return Done(counts, is_last, order_ids[-1] if order_ids else "")

    return forget


def _of_spent(name: str, terms: Terms) -> Piece:
    def forget(tx: Transaction, _after: str) -> Done:
        where, values = next((w, v) for each, w, v in _spent(terms, tx.now_ms) if each == name)
        table = where.partition(" ")[0]
        key = "secret_hash" if table == "enrolment" else "token_hash"
        gone = tx.run(
            f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608 - our own words
            f"(SELECT {key} FROM {where} ORDER BY {key} LIMIT :most)",
            most=ROWS_PER_BATCH_MAX,
            **values,
        )
        return Done(Counts(**{name: gone}), gone < ROWS_PER_BATCH_MAX)

    return forget


def _spent(terms: Terms, now_ms: int) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """What opens nothing any more: by which name it is counted, table and condition, its values.

    A refresh token that was used stays until it would have ended: by it a copy is noticed.
    """
    yield "logins", "console_session WHERE expires_ms <= :now", {"now": now_ms}
    yield "tokens", "refresh_token WHERE expires_ms <= :now", {"now": now_ms}
    if (before := terms.codes_before_ms(now_ms)) is not None:
        where = "enrolment WHERE expires_ms <= :before AND used_ms <= :before"
        yield "codes", where, {"before": before}


def do_piece(tx: Transaction, piece: Piece, after: str) -> Done:
    """One piece and its place in the run's record, together or not at all."""
    done = piece(tx, after)
    if done.counts != Counts():
        _put_record(tx, _open_record(tx) + done.counts)
    return done


def close_run(tx: Transaction, terms: Terms, actor: Actor) -> Counts:
    """Note in the audit what was forgotten since the last run was closed; gives the counts."""
    counts = _open_record(tx)
    tx.run("DELETE FROM meta WHERE k = :k", k=_RECORD_KEY)
    kept = {"buyers": terms.buyers_days, "codes": terms.codes_days}
    note(tx, Deed.RETENTION_RUN, "house", actor, after={**asdict(counts), "kept_days": kept})
    return counts


def claim_run(tx: Transaction) -> bool:
    """Whether a run is due, which then is the caller's: one a day, whichever server asks first.

    A run that was claimed in a future that did not come, by a wrong clock, counts for nothing.
    """
    locked = Sql.of(tx.connection).locked
    first = tx.run(
        "INSERT INTO meta (k, v) VALUES (:k, '0') ON CONFLICT (k) DO NOTHING", k=_RAN_KEY
    )
    row = tx.row(f"SELECT v FROM meta WHERE k = :k{locked}", k=_RAN_KEY)  # noqa: S608
    assert row is not None, "it has just been put there"
    if not first and 0 <= tx.now_ms - int(row.v) < RUN_PERIOD_MS:
        return False
    tx.run("UPDATE meta SET v = :v WHERE k = :k", k=_RAN_KEY, v=str(tx.now_ms))
    return True


def _open_record(tx: Transaction) -> Counts:
    """What was forgotten and not noted yet; its row is locked."""
    locked = Sql.of(tx.connection).locked
    row = tx.row(f"SELECT v FROM meta WHERE k = :k{locked}", k=_RECORD_KEY)  # noqa: S608
    return Counts() if row is None else Counts(**json.loads(row.v))


def _put_record(tx: Transaction, counts: Counts) -> None:
    tx.run(
        "INSERT INTO meta (k, v) VALUES (:k, :v) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
        k=_RECORD_KEY,
        v=json.dumps(asdict(counts)),
    )
