"""Forms that give or take keys ask for the own password of whoever sends them.

A session's cookie alone, on a page left open or stolen, changes no keys of the house.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sync_server.console.sign_in import check_own_password
from sync_server.handlers.state import PERSON

OWN_PASSWORD_FIELD = "own_password"  # noqa: S105 - a field's name


async def is_own_password(request: web.Request, form: Mapping[str, str]) -> bool:
    """Whether the form brought the password of the person who is signed in; guesses are limited."""
    return await check_own_password(
        request, request[PERSON].login, form.get(OWN_PASSWORD_FIELD, "")
    )
