"""Where a person is signed in, as pages about people and about oneself list it."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sync_server.console.moments import moment
from sync_server.services.sessions import Login

_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
"""Each names those below it, too: the first one that is found is it."""
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}
_AGENT_CHARS_MAX = 60


def login_rows(
    logins: Iterable[Login], here: str, language: str, zone: ZoneInfo
) -> list[dict[str, object]]:
    """A row for each login; `here` is the hash of the session that asks."""
    return [
        {
            "id": each.id,
            "agent": browser_words(each.agent),
            "agent_whole": each.agent,
            "address": each.address,
            "began": moment(each.created_ms, language, zone),
            "used": moment(each.used_ms or each.created_ms, language, zone),
            "is_here": each.token_hash == here,
        }
        for each in logins
    ]


def browser_words(agent: str) -> str:
    """A User-Agent as people say it, "Chrome · Windows"; its beginning where it is no browser's."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    if not browser:
        return agent[:_AGENT_CHARS_MAX]
    return f"{browser} · {system}" if system else browser
