"""Acquire: asking for units, and taking the grant in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edge import replies
from edge.allotments import Grant, install
from edge.journal import Unit
from edge.protocol.history import check_generation
from edge.protocol.pull import anchor_of_row
from ticketing.terms import Anchor


@dataclass(frozen=True, slots=True)
class Want:
    """Units of a performance, these or so many, and shares of counter pools.

    `req` is the request's own id: repeated, it brings the same grant.
    """

    stream: str
    req: str
    performance: int
    units: tuple[int, ...] = ()
    count: int = 0
    firm: bool = False
    counts: tuple[tuple[str, int], ...] = ()


def acquire_request(want: Want) -> dict[str, Any]:
    """As it is sent."""
    body: dict[str, Any] = {
        "req": want.req,
        "performance": want.performance,
        "units": list(want.units),
        "count": want.count,
        "firm": want.firm,
    }
    return body | {"counts": dict(want.counts)} if want.counts else body


def on_acquire(unit: Unit, want: Want, sent: Anchor, reply: Mapping[str, Any]) -> Grant:
    """Install the grant and return it. `sent` is when this `req` was sent for the FIRST time.

    A repeated request brings a grant that may be as old as the first try, and its terms count
    from there. A hub passes on what it was lent before (`lent_now_ms`: the time by the clock of who
    granted it), and may give several allotments: then as if one had all their units. Raises ServerUnreachable for an answer that makes no sense, or is of another
    history than the last greeting's.
    """
    grant = replies.grant(reply.get("allotment"))
    more = [replies.grant(one) for one in replies.objects({"more": []} | dict(reply), "more")]
    # A server that does not say in which history it answers: the allotment's own.
    told = replies.generation(reply) if "gen" in reply else grant.id.generation
    check_generation(unit, told)
    if "lent_now_ms" not in reply:
        install(unit, want.stream, grant, sent, req=want.req)
        return grant
    now_ms = replies.number(reply, "lent_now_ms")
    for one in (grant, *more):
        install(unit, want.stream, one, anchor_of_row(one, now_ms, sent), req=want.req)
    units = [pair for one in (grant, *more) for pair in one.units]
    return replace(grant, units=tuple(units))
