"""One try to sign in by a provider: bound to the browser that began it, good once and for a while.

The browser keeps a random seed in a cookie; what is told to the provider (`state`, `nonce`, the
challenge of PKCE) comes of it by the server's key. So any server of the house can go on with it,
and the seed alone tells nobody the verifier.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass

LIFE_S = 600
USED_MAX = 10_000
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """A try. Its texts are 256 bits each, in base64url."""

    key: bytes
    seed: str
    until_s: int

    @property
    def state(self) -> str:
        """What the provider gives back, by which we know the browser's try again."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What the ID token has to cite."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """PKCE's secret (RFC 7636): only who began this try can turn its code into a token."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """Its hash, method S256."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return f"{self.seed}.{self.until_s}.{self._derived(f'cookie {self.until_s}')}"

    def _derived(self, purpose: str) -> str:
        message = f"boxgate oidc {purpose}\0{self.seed}".encode()
        return _base64(hmac.digest(self.key, message, "sha256"))


def new_attempt(key: bytes, now_s: float) -> Attempt:
    """A fresh one."""
    return Attempt(key, secrets.token_urlsafe(32), int(now_s) + LIFE_S)


def attempt_of(key: bytes, cookie: str, state: str, now_s: float) -> Attempt | None:
    """The try of this browser that the provider's answer belongs to, while it is good."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        return None
    attempt = Attempt(key, found[1], int(found[2]))
    is_ours = hmac.compare_digest(attempt.cookie.encode(), cookie.encode())
    is_its_answer = hmac.compare_digest(attempt.state.encode(), state.encode())
    return attempt if is_ours and is_its_answer and now_s < attempt.until_s else None


class UsedAttempts:
    """Tries that were used on this server: each is good once. For the loop's thread."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, int] = OrderedDict()

    def use(self, attempt: Attempt, now_s: float) -> bool:
        """False when it was used before, or too many are under way."""
        while self._until and next(iter(self._until.values())) <= now_s:
            self._until.popitem(last=False)
        if attempt.seed in self._until or len(self._until) >= USED_MAX:
            return False
        self._until[attempt.seed] = int(now_s) + LIFE_S  # covers the longest that it may be good
        return True


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
