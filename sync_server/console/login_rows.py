"""Where a person is signed in, as pages about people and about oneself list it."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sync_server.console.moments import moment
from sync_server.services.sessions import Login


def login_rows(
    logins: Iterable[Login], here: str, language: str, zone: ZoneInfo
) -> list[dict[str, object]]:
    """A row for each login; `here` is the hash of the session that asks."""
    return [
        {
            "id": each.id,
            "agent": each.agent,
            "address": each.address,
            "began": moment(each.created_ms, language, zone),
            "used": moment(each.used_ms or each.created_ms, language, zone),
            "is_here": each.token_hash == here,
        }
        for each in logins
    ]
