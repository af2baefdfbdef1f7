"""The centre of the training: answers as a server would, in this very process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Final

from edge.client import ServerClient
from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import Unit, acknowledge, heads
from edge.link import Link, LinkState
from edge.protocol import revoke
from edge.replica import Replica
from edge.returns import read_order
from edge.sync import Call, NoAnswer, RevokeWish, SyncEngine, Wish
from program.logs import get_logger
from ticketing.ids import AllotmentId
from ticketing.operations import ExchangeAction

GENERATION: Final = "7ea11111"
_FIRST_AGAIN: Final = 1_000_000
"""Allotments of what is lent once more; those of the beginning have small numbers."""
_log = get_logger(__name__)


def no_network() -> ServerClient:
    """There is no server to talk to: whoever tries has a bug."""
    raise AssertionError("training has no network")


class TrainingCentre(SyncEngine):
    """Stands where the sync engine stands, without its threads and without any address.

    What was recorded is confirmed at once, tickets are revoked when asked for; everything that can
    be sold was lent at the beginning, so a wish for more is refused.
    """

    def __init__(self, replica: Replica, env: Env) -> None:
        super().__init__(replica, env, no_network, "training")
        self._answering = ThreadPoolExecutor(1, "training-centre")
        self._numbers = count(_FIRST_AGAIN)

    @property
    def link(self) -> Link:
        """Always in contact, with itself."""
        return Link(LinkState.ONLINE, last_contact_ms=self.env.wall_ms())

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self, timeout_s: float = 3.0) -> None:  # noqa: ARG002 - it ends at once
        """Finish what was asked."""
        self._stop.set()
        self._answering.shutdown()

    def nudge(self) -> None:
        """Something was recorded: confirm it."""
        if not self._stop.is_set():
            self._answering.submit(self._guarded, self._confirm)

    def wish(self, wish: Wish | RevokeWish | Call) -> bool:
        """Answer on a thread of its own, as a server does."""
        if self._stop.is_set():
            return False
        self._answering.submit(self._guarded, lambda: self._answer(wish))
        return True

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except ReplicaError as error:
            _log.error("training_not_answered", error=str(error))

    def _answer(self, wish: Wish | RevokeWish | Call) -> None:
        if isinstance(wish, Wish):
            wish.then("unit_taken")
            return
        if isinstance(wish, Call):  # about other tills: there are none
            wish.then(NoAnswer("offline"))
            return
        wish.then(self.replica.transact(lambda unit: self._dead(unit, wish)))

    def _dead(self, unit: Unit, wish: RevokeWish) -> revoke.Revoked | str:
        planned = revoke.find_revocation(unit, wish.op_id)
        assert planned is not None, "ask only for what was planned and committed"
        reply: dict[str, Any] = {
            "tickets": [{"id": each, "state": "void"} for each in planned.ticket_ids]
        }
        if planned.action == ExchangeAction.REPLACEMENT:
            reply["allotment"] = self._lent_again(unit, planned)
        return revoke.on_revoke(unit, planned, reply)

    def _lent_again(self, unit: Unit, planned: revoke.Revocation) -> dict[str, Any]:
        """The same places under the next version, for the tickets in place of the lost ones."""
        row = unit.execute(
            "SELECT body FROM orders WHERE stream = ? AND id = ?",
            (planned.stream, planned.order_id),
        ).fetchone()
        lines = [
            line for line in read_order(row["body"]).lines if line.ticket_id in planned.ticket_ids
        ]
        return {
            "id": str(AllotmentId(GENERATION, next(self._numbers))),
            "p": lines[0].performance,
            "firm": True,
            "units": [[line.unit, line.version + 1] for line in lines],
        }

    def _confirm(self) -> None:
        def work(unit: Unit) -> int:
            waiting = [head for head in heads(unit) if head.acked < head.seq]
            for head in waiting:
                acknowledge(unit, head, head.seq, ())
            return sum(head.seq - head.acked for head in waiting)

        confirmed = self.replica.transact(work)
        if confirmed:
            self.listeners.pushed(confirmed)
