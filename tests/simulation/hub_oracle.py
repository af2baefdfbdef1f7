"""What is promised of a hub, watched from outside: one arbiter at a time, and nothing lost on the way.

A reign is a chain of arbiters each of which knew whatever the one before it had let in. It ends
where people give a hub up, or where the machine that answered is lost with what it alone knew.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.link import LinkState
from sync_server.heart.arbiters import ArbiterOf, arbiter_of, read_arbiter
from sync_server.hub.relaying import backlog
from tests.simulation.house import EVENT, SimConnection
from tests.simulation.oracle import Oracle
from tests.simulation.server import read_generation
from tests.simulation.verdicts import Violation

if TYPE_CHECKING:
    from sync_server.heart.work import Work
    from tests.simulation.hub_world import HubWorld
    from tests.simulation.hubs import Hub
    from tests.simulation.server import SimServer
    from tests.simulation.tills import Till

ENDED = ("passed", "returned")
Turn = tuple[str, int, str]
"""A history of the centre, an epoch of the event's arbiter, and the machine that answered in it."""
_SAID_ALIKE = {
    "entry": "op_id, ticket_id, node_id, lane, phase, journalled",
    "ticket": "id, order_id, unit, version, state, allot_id",
    "claim": "perf_id, unit, kind, ref, node_id, version",
    "orders": "id, node_id, receipt_no, state, total_minor, refunded_minor",
    "case_file": "id, kind, state",
}


def _without_till(claim: tuple[Any, ...]) -> tuple[Any, ...]:
    perf, unit, kind, ref, node, version = claim
    return perf, unit, kind, ref, "" if kind == "allot" else node, version


@dataclass(slots=True)
class HubOracle(Oracle):
    """The record of a house with a hub."""

    world: HubWorld
    reigns: dict[Turn, int] = field(default_factory=dict)
    given_up: set[tuple[str, int]] = field(default_factory=set)
    """Epochs that people ended without the hub's word."""
    _reign: int = 0
    _turn: Turn = ("", -1, "")
    _answered: dict[str, Turn] = field(default_factory=dict)
    _ended: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    # --- who answers

    def arbiter_at(self, raw: sqlite3.Connection) -> ArbiterOf:
        """As this database has it."""
        body = self._document(raw)
        return read_arbiter(body)

    def _document(self, raw: sqlite3.Connection) -> str | None:
        row = raw.execute(
            "SELECT body FROM doc WHERE event_id = ? AND kind = 'arbiter'", (EVENT,)
        ).fetchone()
        return row[0] if row is not None else None

    def server_committed(self, raw: sqlite3.Connection) -> None:
        """The centre has; perhaps somebody else answers from now on."""
        Oracle.server_committed(self, raw)
        body = self._document(raw)
        now, generation = read_arbiter(body), read_generation(raw).short
        machine = self.world.hub.name if now.hub else self.world.server.name
        if (generation, now.epoch) != self._turn[:2]:
            is_new = generation != self._turn[0] or "given_up" in json.loads(body or "{}")
            self._begin_turn((generation, now.epoch, machine), new=is_new)
        self._one_arbiter()

    def _begin_turn(self, turn: Turn, *, new: bool) -> None:
        before, self._turn = self._turn, turn
        if new:
            self._reign += 1
        if new and turn[0] == before[0]:
            self.given_up.add(before[:2])
            self.world.happened("hub_given_up")
        elif turn[0] == before[0]:
            took = turn[2] == self.world.server.name
            self.world.happened("arbiter_came_back" if took else "arbiter_handed_over")
        self.reigns[turn] = self._reign
        self.world.say(turn[2], lambda: f"is to answer, epoch {turn[1]}, reign {self._reign}")

    def hub_replaced(self) -> None:
        """What the lost machine alone knew the next one can't know."""
        generation, epoch, machine = self._turn
        if machine != self.world.server.name:
            self._reign += 1
            self._turn = (generation, epoch, self.world.hub.name)
            self.reigns[self._turn] = self._reign

    def answered(self, op_id: str, server: SimServer, work: Work) -> None:
        """An arbiter lets somebody in; whether that is committed is not known yet."""
        epoch = arbiter_of(work).epoch
        if server is self.world.server:
            generation = read_generation(server.disk.connection).short
        else:
            row = server.disk.connection.execute(
                "SELECT generation FROM upstream WHERE event_id = ?", (EVENT,)
            ).fetchone()
            generation = row[0]
            if self.world.network.cut.get((server.name, self.world.server.name)):
                self.world.happened("hub_granted_while_centre_away")
        self._answered[op_id] = (generation, epoch, server.name)
        self.world.happened("granted_by_hub" if server is not self.world.server else "granted_here")

    def reign_of(self, op_id: str, generation: str) -> str:
        """In whose reign the arbiter let somebody in by this operation."""
        turn = self._answered.get(op_id)
        if turn is None:
            return generation
        if turn not in self.reigns:
            raise Violation("I10", f"{turn[2]} answers in epoch {turn[1]}, which is not its own")
        return f"reign {self.reigns[turn]}"

    def handed_to_buyer(self, till: Till, text: str, *, is_original: bool) -> None:
        """Also: whether a window below the hub sold it, and the centre could not hear of it."""
        Oracle.handed_to_buyer(self, till, text, is_original=is_original)
        if is_original and self.world.is_below(till.name):
            self.world.happened("sold_below_a_hub")
            if self.world.hub.is_cut_off:
                self.world.happened("sold_below_a_hub_line_down")

    def hub_committed(self, hub: Hub) -> None:
        """A hub has."""
        raw = hub.disk.connection
        self.note_heads(read_generation(raw).short, raw)
        self._one_arbiter()
        self._takes_nothing_back(hub)

    def _one_arbiter(self) -> None:
        """By what is on their disks: never the centre and its hub in one history of the centre's."""
        centre = self.world.server.disk.connection
        if self.arbiter_at(centre).hub:
            return
        generation = read_generation(centre).short
        raw = self.world.hub.disk.connection
        ours = self.arbiter_at(raw)
        row = raw.execute(
            "SELECT generation, whole_epoch FROM upstream WHERE event_id = ?", (EVENT,)
        ).fetchone()
        answers = row is not None and ours.hub and not ours.asked_back and row[1] == ours.epoch
        if answers and row[0] == generation and (generation, ours.epoch) not in self.given_up:
            raise Violation("I10", f"the hub answers in epoch {ours.epoch}, and so does the centre")

    def _takes_nothing_back(self, hub: Hub) -> None:
        """How an entry ended, and that its gate's journal told of it, stays known at a hub."""
        for op_id, phase, journalled in hub.disk.connection.execute(
            "SELECT op_id, phase, journalled FROM entry"
        ):
            before = self._ended.get((hub.name, op_id))
            if before is not None:
                undone = before[0] in ENDED and phase != before[0]
                if undone or journalled < before[1]:
                    raise Violation(
                        "I11", f"{hub.name} forgets of {op_id}: {before} is {phase} {journalled}"
                    )
            self._ended[hub.name, op_id] = (phase, journalled)

    # --- when all is quiet

    def check_at_rest(self) -> None:
        """Everything of the house, and that the hub and the centre have each other's word."""
        Oracle.check_at_rest(self)
        hub = self.world.hub
        if hub.process.dead:
            raise Violation("I13", "the hub is not running")
        state = hub.upstream._link.link
        if state.state is not LinkState.ONLINE:
            raise Violation("I13", f"the hub is {state.state}: {state.last_error}")
        left: Any = SimConnection(hub.disk.connection)
        if waiting := backlog(left):
            raise Violation("I13", f"{waiting} operations wait at the hub")
        self._arbiter_is_settled(hub)
        self._each_is_with_one_till()
        self._journals_are_as_they_came(hub)
        self._both_say_alike(hub)

    def _each_is_with_one_till(self) -> None:
        """What a hub was lent it gave to one till at most."""
        holders: dict[str, str] = {}
        for till in self.world.tills:
            if till.name in self.tampered:
                continue
            for (allot_id,) in till.machine.journal.connection.execute("SELECT id FROM allot"):
                other = holders.setdefault(allot_id, till.machine.enrolled.node_id)
                if other != till.machine.enrolled.node_id:
                    raise Violation("I1", f"{allot_id} is with {other}, and with {till.name}")

    def _arbiter_is_settled(self, hub: Hub) -> None:
        told, ours = (
            self.arbiter_at(server.disk.connection) for server in (self.world.server, hub)
        )
        if told != ours:
            raise Violation("I13", f"the centre says {told}, the hub {ours}")
        if told.asked_back:
            raise Violation("I13", "the hub never gives back what it is asked for")
        (whole,) = hub.disk.connection.execute(
            "SELECT whole_epoch FROM upstream WHERE event_id = ?", (EVENT,)
        ).fetchone()
        if told.hub and whole != told.epoch:
            raise Violation("I13", f"nobody answers: the hub is whole as of {whole}, not {told}")

    def _journals_are_as_they_came(self, hub: Hub) -> None:
        """Every operation that a hub has, the centre has under the same id, place and hash."""
        columns = "op_id, event_id, node_id, inc, seq, kind, body, hash"
        query = f"SELECT {columns} FROM op WHERE branch = ''"  # noqa: S608 - our own names
        known = {tuple(row) for row in self.world.server.disk.connection.execute(query)}
        for row in hub.disk.connection.execute(query):
            if tuple(row) not in known:
                raise Violation("I5", f"the centre has not, or otherwise: {tuple(row)[:6]}")

    def _both_say_alike(self, hub: Hub) -> None:
        """Every row of the centre's is at the hub; and no other, unless a history was lost."""
        is_one_history = not self.world.breakage.failovers
        for table, columns in _SAID_ALIKE.items():
            query = f"SELECT {columns} FROM {table}"  # noqa: S608 - our own names
            if table == "claim":
                query += " WHERE kind <> 'hold'"
            theirs, ours = (
                {tuple(row) for row in server.disk.connection.execute(query)}
                for server in (self.world.server, hub)
            )
            if table == "claim":  # at a hub it says which till has what is lent to the hub
                theirs, ours = (set(map(_without_till, rows)) for rows in (theirs, ours))
            if theirs - ours or (is_one_history and ours - theirs):
                raise Violation(
                    "I6", f"{table}: the centre has {theirs - ours}, the hub {ours - theirs}"
                )
