"""What a node is told of an allotment, in the answer to whatever brought it."""

from __future__ import annotations

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.wire import reply
from sync_server.heart.lending import Grant


def lent(grant: Grant, generation: str) -> web.Response:
    """The answer to `acquire` and `firm`.

    `generation` is the history that was asked, not the one by the time of the answer: a node that
    knows of a newer one must not take the grant in.
    """
    body = {"gen": generation, "now_ms": Centre.now_ms(), "allotment": grant_to_json(grant)}
    return reply(body)


def grant_to_json(grant: Grant) -> dict[str, object]:
    """An allotment as the protocol has it."""
    return {
        "id": str(grant.id),
        "inc": grant.incarnation,
        "p": grant.performance,
        "firm": grant.firm,
        "state": grant.state,
        "units": grant.units,
        "counts": grant.counts,
        "granted_ms": grant.granted_ms,
        "soft_s": grant.soft_s,
        "hard_s": grant.hard_s,
        "recall": grant.recall,
    }
