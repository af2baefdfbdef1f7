"""Print jobs on disk. A job survives a crash at any point and is never printed twice unasked.

    queued ──► sending ──► sent ──► confirmed
      │           └────────┴──► in_doubt ──► confirmed (its mark came late)
      └► failed (cancelled)         └──────► settled (a person looked at the paper)

What is committed goes before what is sent: `sending` is on the disk before the first byte leaves,
so a job found `queued` was surely not begun, and one found `sending` may be on paper. `sent` is
where jobs of printers end that cannot confirm; for the others it is a step.

The bytes of a job are erased when it ends: the codes on a ticket open the door to who prints it
again. Its row stays, so that the same id handed in again is known.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from hardware.escpos.protocol import Fault, is_process_id

OPEN_JOBS_MAX: Final = 500
"""Queued, under way or in doubt. More means that nobody looks after the printer."""
JOB_ID_CHARS_MAX: Final = 200
TITLE_CHARS_MAX: Final = 200
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    printer TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    can_confirm INTEGER NOT NULL,
    process_id TEXT NOT NULL,
    payload BLOB,
    bytes_count INTEGER NOT NULL,
    faults TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    again_of TEXT,
    settlement TEXT,
    settled_by TEXT,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_open ON jobs (printer, state, seq)
    WHERE state IN ('queued', 'sending', 'sent', 'in_doubt');
PRAGMA user_version = 1;
"""


class JobState(StrEnum):
    """Where a job is; stored, never renamed."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    SETTLED = "settled"


class Settlement(StrEnum):
    """How a person ended a doubt; stored, never renamed."""

    PRINTED = "printed"  # the paper is there
    NOT_NEEDED = "not_needed"  # it is not there, and nobody wants it
    AGAIN = "again"  # printed again as another job


class SpoolError(Exception):
    """The spool cannot be read or written; the sentence says why."""


class SpoolBusy(SpoolError):
    """Another program has the spool open."""


class SpoolFull(SpoolError):
    """Too many jobs wait; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the spool has it. `payload` is empty once the job has ended.

    `faults` is what the printer last said while this job waited; `detail` an English sentence for
    the log and the curious.
    """

    seq: int
    id: str
    printer: str
    title: str
    state: JobState
    can_confirm: bool
    process_id: str
    payload: bytes
    bytes_count: int
    faults: frozenset[Fault]
    detail: str
    again_of: str | None
    settlement: Settlement | None
    settled_by: str | None
    created_ms: int
    changed_ms: int

    @property
    def is_on_paper(self) -> bool:
        """Whether the printer, or a person, said so; all was handed to one that says nothing."""
        return (
            self.state is JobState.CONFIRMED
            or self.settlement is Settlement.PRINTED
            or (self.state is JobState.SENT and not self.can_confirm)
        )

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by itself and nobody has to decide."""
        return self.state in _ENDED or (self.state is JobState.SENT and not self.can_confirm)


_ENDED: Final = frozenset({JobState.CONFIRMED, JobState.FAILED, JobState.SETTLED})
# A job that waits for a person or for the printer; those `sent` to a mute printer have ended.
_OPEN: Final = (
    "(state IN ('queued', 'sending', 'in_doubt') OR (state = 'sent' AND can_confirm = 1))"
)


class Spool:
    """The jobs of all printers of one program; any thread may call. Raises SpoolError."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. What was under way when the last program died is in doubt now."""
        self._lock = threading.Lock()
        self._lock_file = _lock_out_others(path)
        try:
            self._database = _open(path)
            with self._write() as database:
                _doubt_what_was_under_way(database)
        except BaseException:
            os.close(self._lock_file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is under way will be in doubt when it is opened again."""
        with self._lock:
            self._database.close()
            os.close(self._lock_file)

    def submit(
        self,
        job_id: str,
        payload: bytes,
        *,
        printer: str,
        title: str,
        can_confirm: bool,
        process_id: str,
        now_ms: int,
    ) -> Job:
        """Take a job; after this returns it is on the disk. The same id again is the same job.

        `process_id` is four characters drawn by chance, by which the printer names the job.
        Raises SpoolFull.
        """
        _check(job_id, title, payload, process_id)
        with self._write() as database:
            known = _find(database, job_id)
            if known is not None:
                return known
            _check_room(database)
            row = (job_id, printer, title, can_confirm, process_id, payload, now_ms)
            return _insert(database, row, again_of=None)

    def print_again(
        self,
        job_id: str,
        again_id: str,
        payload: bytes,
        *,
        title: str,
        process_id: str,
        by: str,
        now_ms: int,
    ) -> Job | None:
        """End a doubt by printing again, as a job of its own with `payload` (marked as a copy).

        None when the job is not in doubt, because its mark came meanwhile or somebody else
        decided: nothing is printed then. The same call again returns the same job.
        """
        _check(again_id, title, payload, process_id)
        with self._write() as database:
            known = _find(database, again_id)
            if known is not None:
                return known if known.again_of == job_id else None
            doubted = _find(database, job_id)
            if doubted is None or not _settle(database, job_id, Settlement.AGAIN, by, now_ms):
                return None
            row = (
                again_id,
                doubted.printer,
                title,
                doubted.can_confirm,
                process_id,
                payload,
                now_ms,
            )
            return _insert(database, row, again_of=job_id)

    def settle(self, job_id: str, settlement: Settlement, *, by: str, now_ms: int) -> bool:
        """End a doubt without printing; False when the job is not in doubt (any more)."""
        if settlement is Settlement.AGAIN:
            raise ValueError("printing again is print_again")
        with self._write() as database:
            return _settle(database, job_id, settlement, by, now_ms)

    def cancel(self, job_id: str, *, now_ms: int) -> bool:
        """Withdraw a job of which nothing was sent; False when it is too late."""
        with self._write() as database:
            changed = database.execute(
                "UPDATE jobs SET state = 'failed', payload = NULL, detail = 'withdrawn',"
                " changed_ms = ? WHERE id = ? AND state = 'queued'",
                (now_ms, job_id),
            )
            return changed.rowcount == 1

    def job(self, job_id: str) -> Job | None:
        """One job, None if it was never handed in."""
        with self._read() as database:
            return _find(database, job_id)

    def open_jobs(self, printer: str | None = None) -> tuple[Job, ...]:
        """What is not done, oldest first: queued, under way, in doubt."""
        with self._read() as database:
            rows = database.execute(
                f"SELECT * FROM jobs WHERE {_OPEN} AND (?1 IS NULL OR printer = ?1)"  # noqa: S608
                " ORDER BY seq LIMIT ?2",
                (printer, OPEN_JOBS_MAX),
            ).fetchall()
        return tuple(map(_job, rows))

    def in_doubt(self, printer: str | None = None) -> tuple[Job, ...]:
        """What a person has to decide about, oldest first."""
        return tuple(job for job in self.open_jobs(printer) if job.state is JobState.IN_DOUBT)

    def recent(self, printer: str, count: int) -> tuple[Job, ...]:
        """The jobs handed in last, whatever became of them, newest first."""
        with self._read() as database:
            rows = database.execute(
                "SELECT * FROM jobs WHERE printer = ? ORDER BY seq DESC LIMIT ?", (printer, count)
            ).fetchall()
        return tuple(map(_job, rows))

    def next_queued(self, printer: str) -> Job | None:
        """The oldest job that was not begun."""
        with self._read() as database:
            row = database.execute(
                "SELECT * FROM jobs WHERE printer = ? AND state = 'queued' ORDER BY seq LIMIT 1",
                (printer,),
            ).fetchone()
        return None if row is None else _job(row)

    def begin(self, seq: int, *, now_ms: int) -> bool:
        """Note that bytes may leave from now on; False when the job was withdrawn."""
        return self._move(seq, "state = 'sending', faults = ''", "queued", now_ms)

    def note_sent(self, seq: int, *, now_ms: int) -> bool:
        """Note that all bytes are out. Ends a job of a printer that cannot confirm."""
        change = "state = 'sent', payload = CASE can_confirm WHEN 1 THEN payload END, faults = ''"
        return self._move(seq, change, "sending", now_ms)

    def note_confirmed(self, seq: int, *, now_ms: int) -> bool:
        """Note that the printer said that the job is on paper."""
        change = "state = 'confirmed', payload = NULL, faults = '', detail = ''"
        return self._move(seq, change, "sent", now_ms)

    def note_heard(self, process_id: str, *, now_ms: int) -> bool:
        """Note a job's mark, whenever it comes: a doubt about it is over."""
        with self._write() as database:
            changed = database.execute(
                "UPDATE jobs SET state = 'confirmed', payload = NULL, faults = '',"
                " detail = 'the printer named it late', changed_ms = ?"
                " WHERE process_id = ? AND state IN ('sent', 'in_doubt')",
                (now_ms, process_id),
            )
            return changed.rowcount > 0

    def note_doubt(self, seq: int, detail: str, *, now_ms: int) -> None:
        """Note that nobody knows whether a job that was begun is on paper."""
        with self._write() as database:
            database.execute(
                "UPDATE jobs SET state = 'in_doubt', detail = ?, changed_ms = ?"
                " WHERE seq = ? AND state IN ('sending', 'sent')",
                (detail, now_ms, seq),
            )

    def note_faults(self, seq: int, faults: frozenset[Fault], *, now_ms: int) -> None:
        """Note why a job waits."""
        words = ",".join(sorted(faults))
        with self._write() as database:
            database.execute(
                "UPDATE jobs SET faults = ?, changed_ms = ? WHERE seq = ? AND faults <> ?",
                (words, now_ms, seq, words),
            )

    def doubt_what_was_under_way(self, printer: str) -> None:
        """For a worker that lost track of its own job, as when the disk was full."""
        with self._write() as database:
            _doubt_what_was_under_way(database, printer)

    def _move(self, seq: int, change: str, state: str, now_ms: int) -> bool:
        with self._write() as database:
            changed = database.execute(
                f"UPDATE jobs SET {change}, changed_ms = ? WHERE seq = ? AND state = ?",  # noqa: S608
                (now_ms, seq, state),
            )
            return changed.rowcount == 1

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _plain_errors():
            yield self._database

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _plain_errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise


def _open(path: Path) -> sqlite3.Connection:
    with _plain_errors():
        # Made by us first, for nobody else to read: tickets are in it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.row_factory = sqlite3.Row
    # No write-ahead log: what is erased would stay readable in it for long.
    for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "secure_delete = ON"):
        database.execute(f"PRAGMA {pragma}")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > _SCHEMA_VERSION:
        raise SpoolError(f"the spool is of a newer version ({version}) of this program")
    if version == 0:
        database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


def _lock_out_others(path: Path) -> int:
    """Two programs on one spool would both send its jobs."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(
            path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise SpoolError(f"the folder of {path} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SpoolBusy(f"another program has {path} open") from error
    return descriptor


def _doubt_what_was_under_way(database: sqlite3.Connection, printer: str | None = None) -> None:
    database.execute(
        "UPDATE jobs SET state = 'in_doubt', detail = 'the program ended while it was printed'"
        " WHERE (state = 'sending' OR (state = 'sent' AND can_confirm = 1))"
        " AND (?1 IS NULL OR printer = ?1)",
        (printer,),
    )


def _check(job_id: str, title: str, payload: bytes, process_id: str) -> None:
    if not 1 <= len(job_id) <= JOB_ID_CHARS_MAX:
        raise ValueError(f"a job's id has 1 to {JOB_ID_CHARS_MAX} characters")
    if len(title) > TITLE_CHARS_MAX:
        raise ValueError(f"a job's title has at most {TITLE_CHARS_MAX} characters")
    if not payload:
        raise ValueError("a job without bytes prints nothing")
    if not is_process_id(process_id):
        raise ValueError(f"{process_id!r} is no process id")


def _check_room(database: sqlite3.Connection) -> None:
    (count,) = database.execute(f"SELECT count(*) FROM jobs WHERE {_OPEN}").fetchone()  # noqa: S608
    if count >= OPEN_JOBS_MAX:
        raise SpoolFull(f"{count} jobs wait for a printer or for a decision; no more are taken")


def _insert(
    database: sqlite3.Connection,
    row: tuple[str, str, str, bool, str, bytes, int],
    *,
    again_of: str | None,
) -> Job:
    job_id, printer, title, can_confirm, process_id, payload, now_ms = row
    database.execute(
        "INSERT INTO jobs (id, printer, title, state, can_confirm, process_id, payload,"
        " bytes_count, again_of, created_ms, changed_ms)"
        " VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            printer,
            title,
            int(can_confirm),
            process_id,
            payload,
            len(payload),
            again_of,
            now_ms,
            now_ms,
        ),
    )
    job = _find(database, job_id)
    assert job is not None, "it was inserted just now"
    return job


def _settle(
    database: sqlite3.Connection, job_id: str, settlement: Settlement, by: str, now_ms: int
) -> bool:
    changed = database.execute(
        "UPDATE jobs SET state = 'settled', payload = NULL, settlement = ?, settled_by = ?,"
        " changed_ms = ? WHERE id = ? AND state = 'in_doubt'",
        (settlement, by, now_ms, job_id),
    )
    return changed.rowcount == 1


def _find(database: sqlite3.Connection, job_id: str) -> Job | None:
    row = database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else _job(row)


def _job(row: sqlite3.Row) -> Job:
    words = filter(None, row["faults"].split(","))
    settlement = row["settlement"]
    return Job(
        seq=row["seq"],
        id=row["id"],
        printer=row["printer"],
        title=row["title"],
        state=JobState(row["state"]),
        can_confirm=bool(row["can_confirm"]),
        process_id=row["process_id"],
        payload=row["payload"] or b"",
        bytes_count=row["bytes_count"],
        faults=frozenset(map(Fault, words)),
        detail=row["detail"],
        again_of=row["again_of"],
        settlement=Settlement(settlement) if settlement else None,
        settled_by=row["settled_by"],
        created_ms=row["created_ms"],
        changed_ms=row["changed_ms"],
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolError(f"the print spool failed: {error}") from error
