"""Who hands tickets out: what windows asked of each other, and from which printer paper came."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.house import EVENT
from tests.simulation.verdicts import Violation
from ticketing.operations import Exchange, HandOver, Sale

if TYPE_CHECKING:
    from sqlite3 import Connection

    from tests.simulation.fibers import Process
    from tests.simulation.nodes import Machine
    from tests.simulation.tills import Till
    from tests.simulation.world import World


@dataclass(slots=True)
class Original:
    """The last paper of a ticket that does not say that it is a copy."""

    machine: str
    process: Process
    """The run of the program that printed it."""


@dataclass(slots=True)
class HandOuts:
    """The record of them, and the check at each print."""

    world: World
    _sold_at: dict[str, Machine] = field(default_factory=dict)
    """By ticket."""
    _order_of: dict[str, str] = field(default_factory=dict)
    _tickets_of: dict[str, list[str]] = field(default_factory=dict)
    _nodes_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By order: who sold it, and everybody who said anything of its hand-out."""
    _originals: dict[str, Original] = field(default_factory=dict)
    _printed_at: dict[str, Machine] = field(default_factory=dict)
    """By ticket: where its first paper came out."""
    _granted: set[tuple[str, str]] = field(default_factory=set)
    """Window and order of every grant that the window heard of."""
    _unheard: set[tuple[str, str]] = field(default_factory=set)
    """The same of those whose first answer was lost."""
    _died_with: set[tuple[str, str]] = field(default_factory=set)
    _keepers: dict[str, str] = field(default_factory=dict)

    # --- what happens

    def sold(self, machine: Machine, order: Sale | Exchange) -> None:
        """A window has recorded an order."""
        tickets: list[str] = [line.ticket_id for line in order.lines]
        self._tickets_of[order.order_id] = tickets
        self._nodes_of[order.order_id].add(machine.enrolled.node_id)
        for ticket_id in tickets:
            self._sold_at[ticket_id] = machine
            self._order_of[ticket_id] = order.order_id

    def seller_of(self, ticket_id: str) -> Machine | None:
        """The machine that sold a ticket; None: the server."""
        return self._sold_at.get(ticket_id)

    def has_paper(self, order_id: str) -> bool:
        """Whether any ticket of an order came out anywhere."""
        return any(one in self._printed_at for one in self._tickets_of.get(order_id, ()))

    def answered(self, machine: Machine, told: HandOver) -> None:
        """A window has recorded that another may print, or that it has printed."""
        self._nodes_of[told.order_id] |= {machine.enrolled.node_id, told.to}
        if not told.copies:
            self.world.happened("handed_on" if told.turn > 1 else "handed_over")
        elif machine.enrolled.node_id not in self._sellers(told.order_id):
            self.world.happened("handout_refused_another_had_it")

    def heard(self, till: Till, order_id: str) -> None:
        """The window that asked has an answer, or knows that there is none."""
        key = (EVENT, order_id)
        code = till.window._elsewhere._codes.get(key)
        if code is None:
            return
        self.world.say(till.name, lambda: f"hears of printing {order_id}: {code or 'granted'}")
        mine = (till.name, order_id)
        if not code:
            if mine not in self._granted:
                self.world.happened("handout_granted")
                if mine in self._unheard:
                    self.world.happened("handout_granted_when_asked_again")
            self._granted.add(mine)
            return
        self.world.happened(f"handout_{code}")
        keeper = self._keepers_now().get(order_id, "")
        if code == "offline" and keeper == till.machine.enrolled.node_id:
            self._unheard.add(mine)

    def died(self, machine: Machine) -> None:
        """A window's program ended."""
        rows = machine.journal.connection.execute(
            "SELECT id FROM orders WHERE from_node <> '' AND gone_to = '' AND copies = 0"
        )
        for (order_id,) in rows.fetchall():
            if not self.has_paper(order_id):
                self._died_with.add((machine.name, order_id))

    def history_ends(self) -> None:
        """The last moment of a history."""
        self._keepers = self._keepers_now()

    def history_lost(self) -> None:
        """The next one knows less, perhaps."""
        now = self._keepers_now()
        if any(now.get(order_id) != keeper for order_id, keeper in self._keepers.items()):
            self.world.happened("handout_lost")

    def _keepers_now(self) -> dict[str, str]:
        raw: Connection = self.world.server.disk.connection
        rows = raw.execute("SELECT order_id, keeper FROM handout WHERE turn > 0")
        return {row[0]: row[1] for row in rows}

    def _sellers(self, order_id: str) -> set[str]:
        machines = (self._sold_at[one] for one in self._tickets_of.get(order_id, ()))
        return {machine.enrolled.node_id for machine in machines}

    # --- paper

    def printed(self, till: Till, ticket_id: str, *, is_original: bool) -> None:
        """A ticket comes out at one till alone, however often; and, but for copies, once.

        Whole copies of a machine (E1) are excepted. A till that died, or could not write, after a
        print and before its note of that prints it again itself.
        """
        machine = till.machine
        first = self._printed_at.setdefault(ticket_id, machine)
        order_id = self._order_of.get(ticket_id, "")
        nodes = {machine.enrolled.node_id, first.enrolled.node_id}
        if not (nodes | self._nodes_of[order_id]).isdisjoint(self.world.oracle.cloned_nodes):
            return
        if len(nodes) > 1:
            raise Violation(
                "I16", f"{ticket_id} of {order_id} is printed by {first.name} and {machine.name}"
            )
        if is_original:
            self._once(till, ticket_id)
            self._count(till, ticket_id)

    def _once(self, till: Till, ticket_id: str) -> None:
        before = self._originals.get(ticket_id)
        self._originals[ticket_id] = Original(till.name, till.process)
        if before is None or before.process is not till.process or self.world.mix.weak_disk:
            return
        if till.name not in self.world.oracle.tampered:
            raise Violation("I16", f"{till.name} prints {ticket_id} twice, and neither is a copy")

    def _count(self, till: Till, ticket_id: str) -> None:
        seller, order_id = self._sold_at.get(ticket_id), self._order_of.get(ticket_id, "")
        if seller is None or seller.enrolled.node_id == till.machine.enrolled.node_id:
            return
        self.world.happened("handed_out")
        if (till.name, order_id) in self._died_with:
            self.world.happened("handed_out_after_a_crash")
