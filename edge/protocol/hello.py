"""Hello: where our journals stand, and what the server says of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from edge import replies
from edge.env import Env
from edge.journal import (
    Head,
    Unit,
    acknowledge,
    backlog,
    get_meta,
    heads,
    incarnation_of,
    lock,
    set_meta,
)
from edge.protocol.declare import note_quarantine
from edge.protocol.push import ask_again
from edge.time_left import note_contact

PROTO = 1
JOURNALS_MAX = 500
CURSORS_MAX = 5_000
"""As many as the server reads in one greeting."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the node's program. `turn` counts its hellos, so that a late one is known."""

    id: str
    turn: int
    program_version: str


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """The journals that it tells of, and the text as it is sent."""

    heads: tuple[Head, ...]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HelloOutcome:
    """What a greeting brought. `is_new_history`: the generation is another than we knew.

    `fenced` are journals that the server has just told us to be forked.
    """

    generation: str
    is_new_history: bool
    fenced: tuple[Head, ...]
    quarantined: tuple[str, ...]


def hello_request(
    connection: sqlite3.Connection,
    env: Env,
    session: Session,
    position: tuple[str, Mapping[str, int]],
) -> HelloRequest:
    """The greeting as of now; `position` says of which history the mirror is, and how far.

    A mirror that is still of an older history than the last greeting told of says nothing:
    beside the new generation its cursors would look like news that the server has lost.
    """
    incarnation = incarnation_of(connection)
    known = heads(connection)
    ours = _in_turn(known, incarnation, session.turn)
    current = [head for head in known if head.incarnation == incarnation]
    generation = get_meta(connection, "generation")
    cursors = position[1] if position[0] == generation else {}
    body = {
        "session": session.id,
        "turn": session.turn,
        "proto": [PROTO],
        "program_version": session.program_version,
        "now_ms": env.wall_ms(),
        "unsynced": backlog(connection).count,
        "journals": [
            {"stream": h.stream, "inc": h.incarnation, "seq": h.seq, "hash": h.hash}
            | ({"locked": True} if h.locked else {})
            for h in ours
        ],
        "all": set(current) <= set(ours),  # of this incarnation: what is not named, is not there
        "inc": incarnation,
        "gen": generation,
        "cursors": dict(islice(cursors.items(), CURSORS_MAX)),
    }
    return HelloRequest(ours, body)


def _in_turn(ours: tuple[Head, ...], incarnation: int, turn: int) -> tuple[Head, ...]:
    """Of very many journals those that matter now; the others have their turns, a few each time.

    Those too, for a server that lost a part of its history may miss the end of any of them.
    """
    if len(ours) <= JOURNALS_MAX:
        return ours
    urgent = [h for h in ours if h.incarnation == incarnation or not _is_done(h)]
    others = [h for h in ours if h.incarnation != incarnation and _is_done(h)]
    at_once = _turn_of(urgent, turn, JOURNALS_MAX - 1 if others else JOURNALS_MAX)
    return at_once + _turn_of(others, turn, JOURNALS_MAX - len(at_once))


def _turn_of(journals: list[Head], turn: int, room: int) -> tuple[Head, ...]:
    if len(journals) <= room:
        return tuple(journals)
    first = turn * room % len(journals)
    return tuple((journals[first:] + journals[:first])[:room])


def _is_done(head: Head) -> bool:
    return (head.salvaged if head.locked else head.acked) >= head.seq


def on_hello(unit: Unit, request: HelloRequest, reply: Mapping[str, Any]) -> HelloOutcome:
    """Take the server's word on how far it has each journal; lock what it fenced.

    Raises ServerUnreachable for an answer that makes no sense, and then nothing of it counts.
    """
    generation = replies.generation(reply)
    quarantined = replies.streams(reply, "quarantined")
    told_of = {
        (told.get("stream"), told.get("inc")): told
        for told in replies.objects(reply, "journals")
        if isinstance(told.get("stream"), str) and type(told.get("inc")) is int
    }
    fenced: list[Head] = []
    named = {(head.stream, head.incarnation) for head in request.heads}
    for (stream, incarnation), known_there in told_of.items():
        if known_there.get("forked") is True and (stream, incarnation) not in named:
            lock(unit, str(stream), incarnation)  # of a journal that this folder no longer has
    for head in request.heads:
        told = told_of.get((head.stream, head.incarnation))
        if told is None:
            continue
        if told.get("forked") is True:
            if not head.locked:
                fenced.append(head)
            lock(unit, head.stream, head.incarnation)
            continue
        acked = replies.number(told, "acked", high=head.seq)
        if acked < head.acked:  # what it has beyond that is pushed again, for the verdicts
            acknowledge(unit, head, acked, ())
    known = get_meta(unit, "generation")
    set_meta(unit, "generation", generation)
    note_contact(unit)
    is_new = known not in ("", generation)
    if is_new:  # what the old history kept of fenced journals may be lost with it
        unit.execute("UPDATE journal SET salvaged = 0")
    note_quarantine(unit, generation, quarantined)
    ask_again(unit, quarantined)
    return HelloOutcome(generation, is_new, tuple(fenced), quarantined)
