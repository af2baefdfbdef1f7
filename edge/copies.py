"""Keeping the mirror whole: a snapshot file when it is far behind, digests to see that it is sound.

For the puller's thread alone, between two polls: only the puller writes the mirror. Neither may
hold the feed up: what goes wrong here is logged and tried again later, and the polls go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edge import digest, replies, snapshot
from edge.client import ServerClient
from edge.env import Env
from edge.errors import EdgeError, ReplicaError, ServerRefused, SnapshotUnusable
from edge.journal import get_meta
from edge.mirror import Change
from edge.protocol import pull
from edge.replica import Replica
from edge.time_left import now_of
from program import memory
from program.logs import get_logger
from ticketing.digest import KINDS
from ticketing.terms import Anchor

FOLDER_NAME = "snapshot"
CHECK_PERIOD_S = 3_600.0
RETRY_S = 60.0
"""After a file or a digest that did not come, the feed alone has to do for so long."""
STALLS_MAX = 3
"""So often a piece may bring a download no further: the server has another file by now."""
_log = get_logger(__name__)


@dataclass(slots=True)
class Copies:
    """What the puller remembers of it, as long as the program runs."""

    replica: Replica
    env: Env
    is_stopping: Callable[[], bool]
    _not_before_s: dict[str, float] = field(default_factory=dict)
    """Streams of which a file is not tried again before then."""
    _few_at: dict[str, int] = field(default_factory=dict)
    """Heads at which the server had too few rows for a file."""
    _tidied: set[str] = field(default_factory=set)
    _checked_s: dict[str, float] = field(default_factory=dict)
    _check_all: threading.Event = field(default_factory=threading.Event)

    # --- snapshots

    def fetch(self, client: ServerClient, news: pull.News, page: pull.Page) -> bool:
        """After a page that left much to read: take the rest in as a file, if there is one.

        True when the mirror has it now.
        """
        stream = page.stream
        if not self._is_wanted(page):
            return False
        download = self._download(client, stream)
        self._tidied.discard(stream)
        try:
            return self._take_in(client, news, stream, download)
        except ServerRefused as refusal:
            if refusal.code == "just_pull":
                self._few_at[stream] = page.head
            else:
                self._later(stream, refusal)
            download.discard()
        except (ReplicaError, SnapshotUnusable) as error:
            download.discard()  # a file that is of no use, or that the disk has no room for
            self._later(stream, error)
        except EdgeError as error:  # what is here of the file stays, and the rest comes later
            self._later(stream, error)
        return False

    def tidy(self, client: ServerClient, page: pull.Page) -> None:
        """Drop what an earlier run left of a file that is not needed any more."""
        if page.stream not in self._tidied and not snapshot.wanted(page.read_to, page.head):
            self._tidied.add(page.stream)
            self._download(client, page.stream).discard()

    def forget(self) -> None:
        """Another history: what was learnt of the old one is of no use."""
        self._not_before_s.clear()
        self._few_at.clear()
        self._checked_s.clear()

    def _is_wanted(self, page: pull.Page) -> bool:
        few_at = self._few_at.get(page.stream)
        return (
            snapshot.wanted(page.read_to, page.head)
            and (few_at is None or snapshot.wanted(few_at, page.head))
            and self.env.monotonic_s() >= self._not_before_s.get(page.stream, 0.0)
        )

    def _download(self, client: ServerClient, stream: str) -> snapshot.Download:
        return snapshot.Download(self.replica.folder / FOLDER_NAME, stream, client.role)

    def _take_in(
        self, client: ServerClient, news: pull.News, stream: str, download: snapshot.Download
    ) -> bool:
        stalls = 0
        while (asked := download.next_request()) is not None:
            if self.is_stopping():
                return False
            before = download.received
            download.take(client.piece(asked))
            stalls += download.received <= before
            if stalls > STALLS_MAX:
                raise replies.nonsense("pieces")
        header = snapshot.read_header(download.file)
        if (header.stream, header.role) != (stream, client.role):
            raise SnapshotUnusable("the snapshot is of something else; pulling instead")
        mirror = self.replica.mirror
        if header.generation != news.generation or header.rev <= mirror.cursors().get(stream, 0):
            download.discard()  # the feed was faster than this file
            return False
        own = self._own_rows(client, header)
        if own is None:
            return False
        snapshot.import_file(mirror, download.file, header, own)
        memory.give_back()
        _log.info("snapshot_taken_in", stream=stream, rev=header.rev, rows=header.rows)
        download.discard()
        return True

    def _own_rows(self, client: ServerClient, header: snapshot.Header) -> list[Change] | None:
        """What the file lacks; grants among it are in the journal when this returns."""
        found: list[Change] = []
        after, more = 0, True
        while more:
            if self.is_stopping():
                return None
            sent = self._anchor()
            reply = client.get(*snapshot.own_request(header, after))
            page = snapshot.read_own(header, after, reply)
            told = pull.read_told(reply)
            self._install(told, header.stream, page.changes, sent)
            found.extend(page.changes)
            after, more = page.next, page.more
        return found

    def _later(self, stream: str, error: EdgeError) -> None:
        _log.warning("snapshot_not_taken_in", stream=stream, error=str(error))
        self._not_before_s[stream] = self.env.monotonic_s() + RETRY_S

    # --- digests

    def check_soon(self) -> None:
        """On any thread: compare every stream with the server between the next polls."""
        self._check_all.set()

    def check_due(self, client: ServerClient) -> tuple[str, int] | None:
        """Compare one stream whose turn it is, and put right what differs.

        Gives the stream and the number of buckets that differed; None when it is nobody's turn.
        """
        if self._check_all.is_set():
            self._check_all.clear()
            self._checked_s = dict.fromkeys(self.replica.mirror.cursors(), float("-inf"))
        now_s = self.env.monotonic_s()
        for stream in self.replica.mirror.cursors():
            if self._checked_s.setdefault(stream, self._first_s(now_s)) + CHECK_PERIOD_S > now_s:
                continue
            self._checked_s[stream] = now_s
            try:
                return stream, self._check(client, stream)
            except ReplicaError:
                raise
            except EdgeError as error:
                _log.warning("mirror_not_checked", stream=stream, error=str(error))
                self._checked_s[stream] = now_s + RETRY_S - CHECK_PERIOD_S
                return None
        return None

    def _first_s(self, now_s: float) -> float:
        """As if it had been checked within the last half period: not all at the same time."""
        part = int.from_bytes(self.env.random_bytes(2)) / 2**17
        return now_s - part * CHECK_PERIOD_S

    def _check(self, client: ServerClient, stream: str) -> int:
        mirror = self.replica.mirror
        asked = digest.digest_request(mirror, stream)
        if asked is None:
            return 0
        different = digest.read_digest(mirror, asked, client.post(asked.path, asked.body))
        left = different
        for _round in range(digest.ROUNDS_MAX):
            if not left:
                return len(different)
            sent = self._anchor()
            question = digest.rows_request(asked, left)
            reply = client.post(question.path, question.body)
            rows = digest.read_rows(question, reply)
            self._install(pull.read_told(reply), stream, rows.changes, sent)
            digest.mend(mirror, stream, rows)
            left = tuple(bucket for bucket in left if bucket not in rows.buckets)
        mirror.forget_stream(stream)
        return len(different)

    # --- both

    def _install(
        self, told: pull.Told, stream: str, changes: Iterable[Change], sent: Anchor
    ) -> None:
        with self.replica.reading() as connection:
            node_id = get_meta(connection, "node_id")
        grants = pull.grants_of(changes, node_id)
        if grants:
            self.replica.transact(lambda unit: pull.take_told(unit, told, stream, grants, sent))

    def _anchor(self) -> Anchor:
        with self.replica.reading() as connection:
            return now_of(connection, self.env)


ALL_KINDS = frozenset(KINDS)
"""What a file may have brought."""
