"""Orders of other windows: asked for at the server, and printed by whom their holder lets.

What was looked up is kept in memory, as it was told; every deed asks the server again anyway.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from edge import handing
from edge.client import ServerClient
from edge.env import Env
from edge.errors import ReplicaError
from edge.handing import ToldOrder
from edge.journal import JournalLocked
from edge.replica import Replica
from edge.sync import Call, NoAnswer, SyncEngine
from pos_app.services.after_sale_model import HANDOUT_ASKED
from pos_app.services.model import News, NewsKind
from program.logs import get_logger

KEPT_MAX = 50
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What of the node is needed here."""

    replica: Replica
    engine: SyncEngine
    env: Env
    node_id: str


class Elsewhere:
    """Looks up, hands over, takes over. Any thread."""

    def __init__(self, node: NodeParts, tell: Callable[[News], None]) -> None:
        self._node, self._tell = node, tell
        self._guard = threading.Lock()
        self._told: OrderedDict[tuple[str, str], ToldOrder] = OrderedDict()
        self._told_ms: dict[tuple[str, str], int] = {}
        self._codes: dict[tuple[str, str], str] = {}
        self._fetching: set[tuple[str, str]] = set()
        self.printing = threading.Lock()
        """Held while paper comes out: nothing is handed over meanwhile."""
        self._is_first_try = False

    # --- looking

    def look_up(self, event_id: str, order_id: str, ticket_id: str = "") -> bool:
        """Ask the server for an order as it stands now; False when it can't be reached."""
        path, body = f"/v1/e/{event_id}/order", handing.order_request(order_id, ticket_id)

        def told(answer: object) -> None:
            if isinstance(answer, ToldOrder):
                self._keep(answer)
            self._tell(News(NewsKind.AFTER_SALE, reason=order_id or ticket_id))

        return self._node.engine.wish(Call(_order_at(event_id, path, body), told))

    def told(self, event_id: str, order_id: str, ticket_id: str = "") -> ToldOrder | None:
        """What the server told of an order, or of a ticket's."""
        with self._guard:
            if order_id:
                return self._told.get((event_id, order_id))
            return next((one for one in self._told.values() if ticket_id in one.states), None)

    def told_at(self, event_id: str, order_id: str) -> datetime | None:
        """When the server told of an order last, by the corrected clock."""
        with self._guard:
            told_ms = self._told_ms.get((event_id, order_id))
        return None if told_ms is None else datetime.fromtimestamp(told_ms / 1000, UTC)

    # --- printing what another window sold

    def hand_out(self, event_id: str, order_id: str) -> bool:
        """Ask to print an order here; False when the server can't be reached. News when answered."""
        path, key = f"/v1/e/{event_id}/handout", (event_id, order_id)
        body = {"order": order_id}

        def told(answer: object) -> None:
            code = self._handed(event_id, answer)
            with self._guard:
                self._fetching.discard(key)
                self._codes[key] = code
            self._tell(News(NewsKind.AFTER_SALE, reason=order_id))

        with self._guard:  # before the answer can come
            before, self._codes[key] = self._codes.get(key), HANDOUT_ASKED
        asked = self._node.engine.wish(Call(_handout_at(event_id, path, body), told))
        if not asked:
            with self._guard:
                self._fetching.discard(key)
                self._codes[key] = before or ""
        return asked

    def handout(self, event_id: str, order_id: str) -> str:
        """How a question to print an order here stands: "" for none, else a code."""
        with self._guard:
            return self._codes.get((event_id, order_id), "")

    def on_pulled(self) -> None:
        """The feed told of hand-outs, or we greeted: answer what is asked, fetch what is ours.

        What could not be written is tried again at the next greeting.
        """
        self.answer_wanted()
        node = self._node
        with node.replica.reading() as connection:
            found = handing.unfetched(node.replica.mirror, connection, node.node_id)
        for key in found:
            with self._guard:
                if key in self._fetching:
                    continue
                self._fetching.add(key)
            self.hand_out(*key)

    def answer_wanted(self) -> None:
        """Hand over what another window asks for and has no paper here."""
        node = self._node
        with node.replica.reading() as connection:
            wanted = handing.wanted_of(node.replica.mirror, connection, node.node_id)
        if not wanted or not self.printing.acquire(blocking=False):
            return  # asked again when the paper is out
        try:
            for each in wanted:
                done = node.replica.transact(partial(handing.answer, env=node.env, wanted=each))
                if done is not None:
                    _log.info("order_handed_over", order_id=each.order_id, to=each.by)
        except (ReplicaError, JournalLocked) as error:
            _log.error("order_not_handed_over", error=type(error).__name__)
        finally:
            self.printing.release()
        node.engine.nudge()
        self._tell(News(NewsKind.STATUS))

    # --- paper

    def begin_print(self, order_id: str) -> bool:
        """Paper is about to come out, while `printing` is held. False: it must not.

        Another window prints it, or it can't be noted that there may be paper from here.
        """
        self._is_first_try = False
        with self._node.replica.reading() as connection:
            row = connection.execute(
                "SELECT copies, begun, gone_to FROM orders WHERE id = ?", (order_id,)
            ).fetchone()
        if row is None or (row["gone_to"] == "" and (row["copies"] or row["begun"])):
            return True
        try:
            noted = self._node.replica.transact(lambda unit: handing.begin_print(unit, order_id))
        except ReplicaError as error:
            _log.error("print_not_noted", order_id=order_id, error=str(error))
            return False
        self._is_first_try = bool(noted)
        return self._is_first_try

    def no_paper(self, order_id: str) -> None:
        """Nothing came out, and nothing is on its way. What an earlier try left may still be out."""
        if not self._is_first_try:
            return
        try:
            self._node.replica.transact(lambda unit: handing.no_print(unit, order_id))
        except ReplicaError as error:
            _log.error("print_not_noted", order_id=order_id, error=str(error))

    # --- inside

    def _keep(self, told: ToldOrder) -> None:
        key = (told.stream, str(told.order.order_id))
        with self._guard:
            self._told[key] = told
            ahead_ms = self._node.engine.link.server_ahead_ms
            self._told_ms[key] = self._node.env.wall_ms() + ahead_ms
            self._told.move_to_end(key)
            while len(self._told) > KEPT_MAX:
                gone, _order = self._told.popitem(last=False)
                self._codes.pop(gone, None)
                self._told_ms.pop(gone, None)

    def _handed(self, event_id: str, answer: object) -> str:
        """Take in what came; the code of how it stands now."""
        if isinstance(answer, NoAnswer):
            return answer.code
        if not isinstance(answer, ToldOrder):
            return HANDOUT_ASKED
        try:
            self._node.replica.transact(lambda unit: handing.take_handed(unit, answer))
        except ReplicaError as error:
            _log.error("order_not_taken_over", error=str(error), event_id=event_id)
            return "offline"
        self._tell(News(NewsKind.STATUS))
        return ""


def _order_at(
    event_id: str, path: str, body: dict[str, Any]
) -> Callable[[ServerClient], ToldOrder]:
    return lambda client: handing.read_told_order(event_id, client.post(path, body))


def _handout_at(
    event_id: str, path: str, body: dict[str, Any]
) -> Callable[[ServerClient], ToldOrder | None]:
    """The order, once it is ours to print; None while its holder has not answered."""

    def ask(client: ServerClient) -> ToldOrder | None:
        reply = client.post(path, body)
        return handing.read_told_order(event_id, reply) if reply.get("state") == "yours" else None

    return ask
