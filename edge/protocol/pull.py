"""Pull: which streams to ask for, and what a page brings to the journal and to the mirror."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edge import replies
from edge.allotments import Grant, install
from edge.journal import Unit
from edge.mirror import Change
from edge.protocol.history import check_generation
from ticketing.ids import is_stream_id
from ticketing.terms import DRIFT_MAX, Anchor

ROWS_PER_PULL = 5_000
EVENTS_PER_PULL = 100


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One poll over several streams: from which generation, after which revisions."""

    generation: str
    after: Mapping[str, int]
    wait_s: float
    limit: int = ROWS_PER_PULL


@dataclass(frozen=True, slots=True)
class Page:
    """News of one stream. Its grants go into the journal first, then all of it into the mirror."""

    stream: str
    changes: tuple[Change, ...]
    grants: tuple[Grant, ...]
    after: int
    read_to: int
    head: int = 0
    """How far the stream goes at the server; 0 when it does not tell."""

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of rows it has."""
        return frozenset(change.kind for change in self.changes)


@dataclass(frozen=True, slots=True)
class News:
    """What a poll brought. None of it when it is of another history than was asked for.

    `now_ms` is the server's clock, 0 when it does not tell.
    """

    generation: str
    is_new_history: bool
    pages: tuple[Page, ...]
    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """In which history the server gave an answer, and when (0: it does not tell).

    By the clock of who grants allotments: a hub tells that one beside its own.
    """

    generation: str
    now_ms: int


@dataclass(slots=True)
class Follower:
    """Which streams one poll asks for, as a node's memory: forgotten with the program."""

    followed: frozenset[str] = frozenset()
    """Streams that have been asked for since the last failure."""
    turn: int = 0

    def request(
        self,
        venue: str,
        generation: str,
        cursors: Mapping[str, int],
        events: Sequence[str],
        wait_s: float,
    ) -> PullRequest:
        """The next poll. The house is in every one; many events have their turns.

        So that no request grows without limit, and a stream that is new is waited for by nobody.
        """
        events = [event for event in events if is_stream_id(event)]
        turns = max(1, -(-len(events) // EVENTS_PER_PULL))
        first = self.turn % turns * EVENTS_PER_PULL
        self.turn += 1
        asked = [venue, *events[first : first + EVENTS_PER_PULL]]
        after = {stream: cursors.get(stream, 0) for stream in asked}
        has_new = not self.followed.issuperset(after)
        return PullRequest(generation, after, 0 if has_new else wait_s / turns)

    def heard(self, request: PullRequest) -> None:
        """The poll was answered, and its news are stored."""
        self.followed |= frozenset(request.after)

    def forget(self) -> None:
        """The next poll does not wait: is the server back, and what does it say?"""
        self.followed = frozenset()


def read_pull(request: PullRequest, reply: Mapping[str, Any], node_id: str) -> News:
    """The news in an answer. Raises ServerUnreachable when it makes no sense."""
    told = read_told(reply)
    if request.generation not in ("", told.generation):
        return News(told.generation, is_new_history=True, pages=())
    streams = reply.get("streams")
    if not isinstance(streams, dict):
        raise replies.nonsense("streams")
    pages = [
        _page(stream, rev, streams[stream], node_id)
        for stream, rev in request.after.items()
        if stream in streams
    ]
    return News(told.generation, is_new_history=False, pages=tuple(pages), now_ms=told.now_ms)


def read_told(reply: Mapping[str, Any]) -> Told:
    """What an answer says of itself. Raises ServerUnreachable when that makes no sense."""
    clock = "lent_now_ms" if "lent_now_ms" in reply else "now_ms"
    now_ms = replies.number(reply, clock) if clock in reply else 0
    return Told(replies.generation(reply), now_ms)


def take_grants(unit: Unit, news: News, page: Page, sent: Anchor) -> None:
    """Install what is lent to us: before the mirror's cursor moves, so that no grant is lost.

    `sent` is when the poll was sent. Raises ServerUnreachable when a greeting has told of another
    history meanwhile: an allotment of the old one may be lent to somebody else in the new one.
    """
    take_told(unit, Told(news.generation, news.now_ms), page.stream, page.grants, sent)


def take_told(unit: Unit, told: Told, stream: str, grants: Iterable[Grant], sent: Anchor) -> None:
    """The same for rows that came by another call."""
    check_generation(unit, told.generation)
    for grant in grants:
        install(unit, stream, grant, anchor_of_row(grant, told.now_ms, sent))


def anchor_of_row(grant: Grant, now_ms: int, sent: Anchor) -> Anchor | None:
    """A moment before which the server did not grant what a row tells of; None when unknown.

    When the poll was sent is no such moment: a row may be read long after it was written, by a
    node that made its mirror anew, say. But the server says how old the grant was when it
    answered (`now_ms` - `granted_ms`, both of its clock), and it answered after the poll was
    sent: so `sent` less that age is early enough. Both clocks may run wrong, so the age is taken
    for longer than it looks by their drift.
    """
    if not grant.granted_ms or not now_ms:
        return None
    age_s = max(0, now_ms - grant.granted_ms) / 1000 * (1 + DRIFT_MAX) / (1 - DRIFT_MAX)
    return replace(
        sent,
        sent_mono_s=sent.sent_mono_s - age_s,
        sent_wall_ms=sent.sent_wall_ms - math.ceil(age_s * 1000),
    )


def _page(stream: str, after: int, raw: object, node_id: str) -> Page:
    if not isinstance(raw, dict):
        raise replies.nonsense("streams")
    changes = replies.changes(raw)
    read_to = replies.number(raw, "next", low=after + 1 if changes else after)
    head = replies.number(raw, "head") if "head" in raw else 0
    return Page(stream, tuple(changes), grants_of(changes, node_id), after, read_to, head)


def grants_of(changes: Iterable[Change], node_id: str) -> tuple[Grant, ...]:
    """What is lent to this node, of some rows. Raises ServerUnreachable for one that is none."""
    return tuple(
        replies.grant(change.body)
        for change in changes
        if change.kind == "allot" and change.body.get("node") == node_id
    )
