"""Asking the centre for a caller of the hub's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from edge.client import ServerClient
from edge.errors import EdgeError, ServerRefused
from edge.sync import NO_CENTRE
from sync_server.handlers.problems import Problem
from sync_server.hub.upstream import Upstream

UPSTREAM = web.AppKey("upstream", Upstream)
NO_CENTRE_SENTENCE = "this hub does not reach the centre, which must decide this; try again later"
_OF_A_PROBLEM = frozenset({"type", "title", "status", "code", "detail"})


async def ask_centre(
    request: web.Request, call: Callable[[ServerClient], dict[str, Any]]
) -> dict[str, Any]:
    """The centre's answer, its refusals as ours. Raises Problem."""
    try:
        return await request.app[UPSTREAM].forward(call)
    except ServerRefused as refusal:
        problem = Problem(refusal.status, refusal.code, refusal.detail or "the centre refuses")
        problem.extra |= {k: v for k, v in refusal.body.items() if k not in _OF_A_PROBLEM}
        raise problem from refusal
    except EdgeError as error:
        raise Problem(503, NO_CENTRE, NO_CENTRE_SENTENCE, retry_after_s=5) from error
