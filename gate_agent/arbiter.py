"""Asking the arbiter, within a budget: a lane never waits longer than that for the network."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from edge.client import ServerClient
from edge.env import Env
from edge.errors import EdgeError, ServerUnreachable
from gate_agent.proofs import HeldChip
from program.logs import get_logger
from ticketing.admission import Entry, Miss, Note, Reason, miss_from_wire
from ticketing.ids import OpId, TicketId, is_op_id
from ticketing.operations import by_credential_to_wire

BUDGET_S = 0.25
REST_S = 2.0
"""After a call that failed or came too late, the lane decides alone for so long."""
_WARM_UP_PERIOD_S = 30.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """One door: its name, the performances it was told to serve (none: those now open), and the
    gate that it is at ("": none in particular).
    """

    name: str
    performances: frozenset[int]
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The arbiter recorded the entry under this operation id."""

    op_id: OpId
    unconfirmed: bool
    notes: frozenset[Note] = frozenset()


@dataclass(frozen=True, slots=True)
class Denied:
    """The arbiter says no."""

    reason: Reason
    first_entry: Mapping[str, object] | None
    miss: Miss | None = None


class NoAnswer:
    """No answer in time: the lane decides alone, and the operation id stays."""


@dataclass(slots=True)
class Rest:
    """Until when nobody asks, monotonic seconds. Lanes of one gate share it: one has to wait."""

    until_s: float = 0.0


class Arbiter:
    """One thread with one connection that is kept warm; a lane has its own."""

    def __init__(
        self, new_client: Callable[[], ServerClient], env: Env, rest: Rest | None = None
    ) -> None:
        self._new_client, self._env = new_client, env
        self._rest = rest or Rest()
        self._calls: queue.Queue[tuple[str, dict[str, object], Future[dict[str, Any]]] | None] = (
            queue.Queue(1)
        )
        self._busy = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="arbiter", daemon=True)
        self._thread.start()

    def ask(
        self,
        stream: str,
        op_id: OpId,
        code: str,
        lane: Lane,
        seen: list[OpId],
        chip: Mapping[str, object] | None = None,
    ) -> Accepted | Denied | NoAnswer:
        """Ask about one scan; answers within BUDGET_S whatever the network does."""
        if self._busy.is_set() or self._env.monotonic_s() < self._rest.until_s:
            return NoAnswer()
        future: Future[dict[str, Any]] = Future()
        body = question(op_id, code, lane, seen, chip)
        try:
            self._calls.put_nowait((stream, body, future))
            return _answer(future.result(BUDGET_S))
        except (EdgeError, FutureTimeout, queue.Full) as error:
            future.cancel()  # not sent yet: then nobody asks what is decided already
            _log.warning("arbiter_silent", error=type(error).__name__)
            self._rest.until_s = self._env.monotonic_s() + REST_S
            return NoAnswer()

    def stop(self) -> None:
        """End the thread once its present call is over; waits for it one second at most.

        Called by the thread that asks, so nothing comes in between.
        """
        with suppress(queue.Empty):  # a question that was given up
            self._calls.get_nowait()
        self._calls.put_nowait(None)
        self._thread.join(1)
        if self._thread.is_alive():
            _log.warning("arbiter_call_still_under_way")

    def _loop(self) -> None:
        try:
            client = self._new_client()
        except EdgeError as error:  # no client can be made for this address: decide alone
            _log.error("arbiter_without_address", error=str(error))
            return
        with closing(client):
            self._warm_up(client)
            while True:
                try:
                    call = self._calls.get(timeout=_WARM_UP_PERIOD_S)
                except queue.Empty:
                    self._warm_up(client)
                    continue
                if call is None:
                    return
                self._pass_on(client, *call)

    def _pass_on(
        self,
        client: ServerClient,
        stream: str,
        body: dict[str, object],
        future: Future[dict[str, Any]],
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        self._busy.set()
        try:
            future.set_result(client.admit(stream, body, budget_s=BUDGET_S))
        except EdgeError as error:
            future.set_exception(error)
        except Exception:  # noqa: BLE001 - a bug must not leave the lane alone all evening
            _log.exception("arbiter_call_crashed")
            future.set_exception(ServerUnreachable("a defect in the program; see its log"))
        finally:
            self._busy.clear()

    def _warm_up(self, client: ServerClient) -> None:
        try:
            client.warm_up()
        except EdgeError as error:
            _log.debug("arbiter_not_warm", error=type(error).__name__)
        except Exception:  # noqa: BLE001 - as above; the next question tries again
            _log.exception("arbiter_warm_up_crashed")


def _answer(reply: Mapping[str, Any]) -> Accepted | Denied | NoAnswer:
    if reply.get("accepted") is True and is_op_id(reply.get("op")):
        return Accepted(OpId(reply["op"]), reply.get("unconfirmed") is True, _notes(reply))
    reason = reply.get("reason")
    if reply.get("accepted") is False and isinstance(reason, str):
        first = reply.get("first_entry")
        # A reason that only a newer server has is a no all the same; the desk finds out which.
        known = Reason(reason) if reason in tuple(Reason) else Reason.NOT_RECORDED
        first = first if isinstance(first, dict) else None
        return Denied(known, first, miss_from_wire(reply.get("miss")))
    return NoAnswer()


def _notes(reply: Mapping[str, Any]) -> frozenset[Note]:
    told = reply.get("notes")
    known = tuple(Note)
    return (
        frozenset(Note(one) for one in told if one in known)
        if isinstance(told, list)
        else frozenset()
    )


def question(
    op_id: OpId,
    code: str,
    lane: Lane,
    seen: list[OpId],
    chip: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """What is asked. A lane at no gate in particular asks as lanes always did; a chip is named."""
    body: dict[str, object] = {"op": op_id, "lane": lane.name, "seen": seen}
    if code or chip is None:
        body["code"] = code
    if chip is not None:
        body["chip"] = dict(chip)
    return {**body, "gate": lane.gate} if lane.gate else body


def chip_question(held: HeldChip, ticket_id: TicketId) -> dict[str, object]:
    """What is asked about a chip that this gate takes for that ticket's."""
    told = by_credential_to_wire(held.by) | {"ticket": ticket_id}
    if held.link:
        told |= {"link": held.link, "checked": held.is_checked}
    return told | {"signed": True} if held.chip.is_signed else told


def own_op_ids(entries: tuple[Entry, ...] | list[Entry]) -> list[OpId]:
    """The operation ids of the entries that this gate knows of, newest last, at most 64."""
    return [entry.op_id for entry in sorted(entries, key=lambda entry: entry.at)][-64:]
