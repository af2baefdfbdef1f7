"""A question that the server is asked every now and then, on the sync engine's thread.

Whatever it says to it, even what makes no sense, is about this question alone: the link stands, and
it is asked again later. Only a connection that breaks takes the link down, as with any call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from edge.client import ServerClient
from edge.env import Env
from edge.errors import AnswerMakesNoSense, ServerRefused
from edge.sync import OFFLINE, Call, NoAnswer, SyncEngine
from program.logs import get_logger

T = TypeVar("T")
FIRST_WAIT_S = 30.0
"""So long after a failure it is asked again at the earliest; twice as long after each further one."""
_NOT_KNOWN = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _NotTold:
    """The server was reached and did not tell. `is_known`: it knows the question at least."""

    is_known: bool


class Asking(Generic[T]):
    """Asks again every `period_s` while there is a link; of an older server no sooner either.

    `told` hears each answer, on the engine's thread. Every method may be called from any thread.
    """

    def __init__(
        self,
        engine: SyncEngine,
        env: Env,
        question: Callable[[ServerClient], T],
        told: Callable[[T], None],
        *,
        period_s: float,
        call: type[Call] = Call,
    ) -> None:
        self._engine, self._env, self._period_s = engine, env, period_s
        self._question, self._told, self._call = question, told, call
        self._guard = threading.Lock()
        self._due_s: float | None = None
        self._wait_s = FIRST_WAIT_S
        self._has_begun = False

    def on_link(self) -> None:
        """The server may be reached: ask it when that is due."""
        now_s = self._env.monotonic_s()
        with self._guard:
            if self._due_s is not None and now_s < self._due_s:
                return
            self._due_s, self._has_begun = now_s + self._period_s, False
        if not self._engine.wish(self._call(self._ask, self._heard)):
            self._heard(NoAnswer(OFFLINE))

    def _ask(self, client: ServerClient) -> object:
        self._has_begun = True
        try:
            return self._question(client)
        except ServerRefused as refusal:
            status, error = refusal.status, refusal.code
        except AnswerMakesNoSense as nonsense:
            status, error = nonsense.status, str(nonsense)
        _log.warning("question_not_answered", status=status, error=error)
        return _NotTold(is_known=status not in _NOT_KNOWN)

    def _heard(self, answer: Any) -> None:
        with self._guard:
            if answer == NoAnswer(OFFLINE) and not self._has_begun:
                self._due_s = None  # nobody was asked: with the next contact
                return
            if isinstance(answer, NoAnswer | _NotTold):
                self._put_off(is_known=answer != _NotTold(is_known=False))
                return
            self._wait_s = FIRST_WAIT_S
        self._told(answer)

    def _put_off(self, *, is_known: bool) -> None:
        self._due_s = self._env.monotonic_s() + (self._wait_s if is_known else self._period_s)
        self._wait_s = min(self._wait_s * 2, self._period_s)
