"""How a node stands with its server, as its two sync threads see it together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.env import Env
from program.logs import get_logger

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 8.0
_log = get_logger(__name__)


class LinkState(StrEnum):
    """How the node stands with its server."""

    CONNECTING = "connecting"  # no contact yet since start, and no failure either
    ONLINE = "online"
    OFFLINE = "offline"
    LOCKED = "locked"  # fenced: this node must be enrolled again


class Part(StrEnum):
    """The two halves of the sync, each a thread."""

    PUSHER = "pusher"
    PULLER = "puller"


@dataclass(frozen=True, slots=True)
class Link:
    """The link as of the last call. Instants are the node's clock, Unix milliseconds.

    `server_behind_ms`: how long our server, a hub, has not heard of its own; 0 for any other.
    """

    state: LinkState = LinkState.CONNECTING
    offline_since_ms: int | None = None
    last_contact_ms: int | None = None
    last_error: str = ""
    server_ahead_ms: int = 0
    server_behind_ms: int = 0


class LinkKeeper:
    """Puts together what both threads met: offline as long as either of them fails.

    If one success made the node online, a call that fails all the time beside one that works
    would have the banner blink and `offline_since_ms` start again every few seconds.
    """

    def __init__(self, env: Env, tell: Callable[[Link], None]) -> None:
        """`tell` hears every change of state, on the thread that met it."""
        self._env, self._tell = env, tell
        self._guard = threading.Lock()
        self._failing: set[Part] = set()
        self._standing_error = ""
        self._link = Link()

    @property
    def link(self) -> Link:
        """The link as of now."""
        return self._link

    def reached(self, part: Part, server_ahead_ms: int | None = None) -> bool:
        """A call was answered. True when that ends a failure of this part."""
        with self._guard:
            recovered = part in self._failing
            self._failing.discard(part)
            was = self._link
            ahead = was.server_ahead_ms if server_ahead_ms is None else server_ahead_ms
            now = replace(was, last_contact_ms=self._env.wall_ms(), server_ahead_ms=ahead)
            if was.state is not LinkState.LOCKED and not self._failing:
                now = replace(now, state=LinkState.ONLINE, offline_since_ms=None)
                now = replace(now, last_error=self._standing_error)
            self._link = now
        self._announce(was, now)
        return recovered

    def behind(self, server_behind_ms: int) -> None:
        """How old what our server tells may be besides."""
        with self._guard:
            self._link = replace(self._link, server_behind_ms=server_behind_ms)

    def lost(self, part: Part, error: str) -> None:
        """A call was not answered, or not with sense."""
        with self._guard:
            self._failing.add(part)
            was = self._link
            state = LinkState.LOCKED if was.state is LinkState.LOCKED else LinkState.OFFLINE
            since_ms = was.offline_since_ms or self._env.wall_ms()
            now = self._link = replace(
                was, state=state, offline_since_ms=since_ms, last_error=error
            )
        self._announce(was, now)

    def lock(self) -> None:
        """The server fenced a journal of this node. There is no way back in this program."""
        with self._guard:
            was = self._link
            now = self._link = replace(was, state=LinkState.LOCKED)
        self._announce(was, now)

    def note(self, error: str) -> None:
        """Something is wrong although the server answers; '' when that is over."""
        with self._guard:
            self._standing_error = error
            if self._link.state is LinkState.ONLINE:
                self._link = replace(self._link, last_error=error)

    def _announce(self, was: Link, now: Link) -> None:
        if now.state is was.state:
            return
        log = _log.info if now.state is LinkState.ONLINE else _log.warning
        log("link_changed", state=str(now.state), error=now.last_error)
        self._tell(now)


@dataclass(slots=True)
class Backoff:
    """Full jitter: a random wait below a limit that doubles."""

    env: Env
    limit_s: float = BACKOFF_FIRST_S

    def next_s(self) -> float:
        """How long to wait this time."""
        chance = int.from_bytes(self.env.random_bytes(2)) / 0x10000
        wait_s = self.limit_s * (0.1 + 0.9 * chance)
        self.limit_s = min(self.limit_s * 2, BACKOFF_MAX_S)
        return wait_s

    def reset(self) -> None:
        """It worked: start small again."""
        self.limit_s = BACKOFF_FIRST_S
