"""Who is signed in at the handheld pages: in memory, so a restart signs everybody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

IDLE_S = 15 * 60
"""A session that nobody uses ends."""
ABSOLUTE_S = 12 * 3_600
"""And one that is used, after a long evening."""
SESSIONS_MAX = 50
"""Beyond it the one not used for longest ends."""


@dataclass(slots=True)
class _Session:
    person_id: str
    begun_s: float
    used_s: float


class Sessions:
    """Random tokens; only their hashes are kept. Used on the loop alone."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._sessions: dict[str, _Session] = {}
        self._form_key = secrets.token_bytes(32)

    def begin(self, person_id: str) -> str:
        """Somebody signed in; gives the session's token."""
        token, now_s = secrets.token_urlsafe(32), self._now_s()
        self._sessions[_hash(token)] = _Session(person_id, now_s, now_s)
        if len(self._sessions) > SESSIONS_MAX:
            oldest = min(self._sessions, key=lambda each: self._sessions[each].used_s)
            del self._sessions[oldest]
        return token

    def person_of(self, token: str, *, uses: bool = True) -> str:
        """Whose session this is, "" for nobody's; a person's use of it keeps it alive."""
        session, now_s = self._sessions.get(_hash(token)), self._now_s()
        if session is None:
            return ""
        if now_s - session.used_s > IDLE_S or now_s - session.begun_s > ABSOLUTE_S:
            self.end(token)
            return ""
        session.used_s = now_s if uses else session.used_s
        return session.person_id

    def end(self, token: str) -> None:
        """Signed out."""
        self._sessions.pop(_hash(token), None)

    def form_token(self, token: str) -> str:
        """What a form of this session must bring back."""
        return hmac.digest(self._form_key, token.encode(), "sha256").hex()

    def is_form_token(self, token: str, given: object) -> bool:
        """Whether a form came from a page of this very session."""
        expected = self.form_token(token).encode()
        return isinstance(given, str) and hmac.compare_digest(expected, given.encode())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
