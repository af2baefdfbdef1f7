"""What goes wrong with disks and machines, and what managers and the web shop do meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from edge.journal import begin_incarnation, is_locked
from sync_server.heart.history import ListLost, NewGeneration, begin_generation
from sync_server.heart.lending import NoGrant
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import CloseSpent, Recall, WriteOff, WrittenOff
from sync_server.heart.returns import SweepReturned
from sync_server.heart.stock import Drop, ExpireHolds, Held, Hold, HoldWish, SellHeld, SoldHeld
from sync_server.services.enrolment import Applicant, Enrolled, begin_anew
from sync_server.services.house import Generation
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from tests.simulation import house
from tests.simulation.house import BEGAN, EVENT, PERFORMANCE, SERVER_PRIVATE, VENUE, SimConnection
from tests.simulation.nodes import Machine
from tests.simulation.tills import Till
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, OpId, OrderId, TicketId
from ticketing.keys import key_id
from ticketing.operations import CashLeg, Sale, SaleLine
from ticketing.returns import ResellPolicy

if TYPE_CHECKING:
    from tests.simulation.gates import Gate
    from tests.simulation.world import World

SWEEP_S = 5.0
ENROL_S = 15.0
_WEB: Any = SimpleNamespace(name="web")


class Faults:
    """Everything beyond network and crashes."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng
        self.failovers = 0
        self._clones = 0
        self._web_sales = 0
        self.policy = Policy(
            soft_s=world.mix.soft_s,
            hard_s=world.mix.hard_s,
            margin_s=2,
            resell_seats=world.rng.choice(tuple(ResellPolicy)),
        )

    def begin(self) -> None:
        """Have it all happen, at this seed's rates."""
        world, mix = self.world, self.world.mix
        world.every(mix.failover_rate, self.fail_over)
        world.every(mix.rollback_rate, self.set_back)
        world.every(mix.clone_rate, self.clone)
        world.every(mix.take_over_rate, self.take_over)
        world.every(mix.write_off_rate, self.write_off)
        world.every(1 / mix.recall_s if mix.recall_s else 0, self.recall)
        world.every(1 / mix.online_s if mix.online_s else 0, self.shop)
        self._again(SWEEP_S, self.sweep)
        self._again(ENROL_S, self.enrol_locked)

    def _again(self, seconds: float, what: Any) -> None:
        def once() -> None:
            what()
            self.world.works.after(seconds, once)

        self.world.works.after(seconds, once)

    # --- the server's disk

    def fail_over(self) -> None:
        """The server goes on from an older state of its disk, in a new history."""
        world, server = self.world, self.world.server
        server.crash()
        world.oracle.history_ends(server.disk.connection)
        lost = server.disk.go_back(self.rng.randrange(0, world.mix.server_images + 1))
        raw: Any = server.disk.connection
        raw.execute("BEGIN IMMEDIATE")
        begin_generation(Sql(raw, is_sqlite=True), self._new_generation())
        raw.execute("COMMIT")
        server.disk.committed()
        world.oracle.server_committed(raw)
        self.failovers += 1
        world.happened("double_failover" if self.failovers > 1 else "failover")
        world.say("server", lambda: f"is set back by {lost} commits: a new history")
        world.oracle.history_lost(raw)

    def take_over(self) -> None:
        """A second server takes the first for dead, which it is not; nodes reach both of them."""
        server = self.world.server
        if server.process.dead or server.older:
            return
        server.take_over()
        self.world.happened("taken_over")
        self.world.works.after(self.rng.uniform(5, 30), server.end_older)

    def mint(self) -> Generation:
        """What the program would draw from the system's chance."""
        chance = self.rng.randbytes(8).hex()
        return Generation(f"{chance[:8]}-0000-7000-8000-{chance}0000", chance[8:])

    def _new_generation(self) -> NewGeneration:
        made = self.mint()
        return NewGeneration(made.id, made.short, self.world.server.now_ms(), "failover")

    # --- nodes' disks

    def set_back(self, chosen: Till | None = None) -> None:
        """A backup is put back on a node, an old one if it was chosen."""
        world = self.world
        actor = chosen or self.rng.choice(list(world.actors.values()))
        world.crash_node(actor.name, "for a restore")
        most = world.mix.edge_images
        if actor.machine.journal.go_back(most if chosen else self.rng.randrange(1, most + 1)):
            world.oracle.set_back(actor.machine)
            world.oracle.tampered.add(actor.name)
            world.happened("edge_set_back")
            world.say(actor.name, lambda: "is set back to a backup")

    def clone(self) -> None:
        """A till's disk is copied to another machine, with its witness (E1) or without."""
        world = self.world
        original = self.rng.choice(world.tills)
        self._clones += 1
        twin = Machine(world, original.machine.enrolled, f"{original.name}'{self._clones}")
        twin.copy_disks(original.machine)
        whole = self.rng.random() < 0.5
        if whole:
            twin.witness, twin.machine_id = original.machine.witness, original.machine.machine_id
            world.oracle.cloned_nodes.add(twin.enrolled.node_id)
        world.oracle.tampered |= {original.name, twin.name}
        world.oracle.set_back(twin)
        world.oracle.clones.add(twin.name)
        if whole:
            world.oracle.twins.append((original.name, twin.name, world.works.now))
        world.happened("clone_with_witness" if whole else "clone_without_witness")
        world.say(original.name, lambda: f"is copied to {twin.name}, witness: {whole}")
        actor = Till(world, twin.enrolled, twin)
        world.actors[actor.name] = actor
        actor.start()

    def enrol_locked(self) -> None:
        """People notice a locked node, and enrol it again with a new code."""
        for actor in list(self.world.actors.values()):
            connection = actor.machine.journal.connection
            if actor.name in self.world.oracle.clones or not is_locked(connection):
                continue
            if not self.world.server.process.dead and not actor.process.dead:
                self._enrol(actor)

    def _enrol(self, actor: Till | Gate) -> None:
        world, machine = self.world, actor.machine
        raw = world.server.disk.connection
        old = machine.enrolled
        private = self.rng.randbytes(32)
        applicant = Applicant(house.fake_public(private), machine.machine_id, "0.1.0")
        world.works.kill(actor.process)
        machine.journal.reopen()
        machine.mirror.reopen()
        raw.execute("BEGIN IMMEDIATE")
        tx = Transaction(SimConnection(raw), world.server.now_ms())  # type: ignore[arg-type]
        made = begin_anew(tx, VENUE, SERVER_PRIVATE, old.node_id, applicant)
        assert isinstance(made, Enrolled), made
        raw.execute("COMMIT")
        world.oracle.server_committed(raw)
        world.server.disk.forget_images()
        for centre in world.server.centres:
            centre.nodes.outdate()
            centre.news.publish({VENUE, EVENT})
        connection: Any = machine.journal.connection
        connection.execute("BEGIN IMMEDIATE")
        begin_incarnation(connection, made.incarnation, machine.machine_id)
        connection.execute("COMMIT")
        machine.journal.committed()
        machine.enrolled = house.Enrolled(old.node_id, old.role, old.name, private)
        world.happened("enrolled_again")
        world.say(actor.name, lambda: f"is enrolled again, life {made.incarnation}")
        world.works.after(1.0, lambda: world.restart_node(actor))

    # --- managers

    def write_off(self) -> None:
        """Two managers give up an allotment that they may give up."""
        found = self._open_allotments()
        if not found:
            return
        allotment = self.rng.choice(found)

        def told(answer: Any) -> None:
            if isinstance(answer, WrittenOff):
                self.world.happened("written_off")
                self.world.say("manager", lambda: f"gives up {allotment}: {answer.unknown}")

        step = WriteOff(EVENT, allotment, "m1", "m2", "lost", self.policy)
        self.world.server.admin(step, told)

    def recall(self) -> None:
        """The manager asks for an allotment back."""
        found = self._open_allotments()
        if found:
            self.world.happened("recalled")
            self.world.server.admin(Recall(EVENT, allotment=self.rng.choice(found)))

    def _open_allotments(self) -> list[str]:
        rows = self.world.server.disk.connection.execute(
            "SELECT id FROM allot WHERE state = 'open' ORDER BY id"
        )
        return [row[0] for row in rows]

    def sweep(self) -> None:
        """What the server does now and then by itself."""
        server = self.world.server
        if server.process.dead:
            return
        for centre in server.centres:
            centre.note_heard()
        server.admin(ExpireHolds(EVENT), self._expired)
        server.admin(SweepReturned(EVENT, 0, self.policy))
        server.admin(CloseSpent(EVENT, ("", "")))

    def _expired(self, answer: Any) -> None:
        if answer:
            self.world.happened("hold_expired")

    def list_lost(self) -> None:
        """Supervisors give up waiting for nodes that are not coming back."""
        lost = tuple(
            actor.machine.enrolled.node_id
            for actor in self.world.actors.values()
            if self.world.oracle.node_is_lost(actor.machine)
        )
        if lost:
            self.world.server.admin(ListLost(EVENT, lost, "m1", "m2", "gone"))

    # --- the web shop

    def shop(self) -> None:
        """Somebody puts places into a basket on the web, and pays, or does not."""
        server = self.world.server
        if server.process.dead or not self.world.demand:
            return
        wish = HoldWish(
            self.rng.randbytes(16).hex(),
            PERFORMANCE,
            self.rng.choice((3, 15)),
            units=(self.rng.choice(self.world.mix.shape.units),),
        )

        def held(answer: Any) -> None:
            if isinstance(answer, NoGrant):
                return
            assert isinstance(answer, Held)
            self.world.happened("held")
            after_s = self.rng.uniform(0, 10)
            self.world.works.after(after_s, lambda: self._decide(answer))

        server.admin(Hold(EVENT, "", wish), held)

    def _decide(self, hold: Held) -> None:
        server = self.world.server
        if server.process.dead:
            return
        if self.rng.random() < 0.3:
            server.admin(Drop(EVENT, "", str(hold.id)))
            return
        sale = self._web_sale(hold)

        def sold(answer: Any) -> None:
            if isinstance(answer, SoldHeld):
                self.world.happened("web_sale")
                for line in sale.lines:
                    self.world.oracle.printed(_WEB, line.code)

        op_id = OpId(self.rng.randbytes(16).hex())
        server.admin(SellHeld(EVENT, "", str(hold.id), op_id, sale), sold)

    def _web_sale(self, hold: Held) -> Sale:
        self._web_sales += 1
        lines = []
        for unit, version in hold.units:
            tier = "a" if unit < house.STANDING_FROM else "b"
            ticket_id = TicketId(self.rng.randbytes(8).hex())
            price = 5_000 if tier == "a" else 3_000
            code = self._code(ticket_id, unit, version, hold.id)
            lines.append(
                SaleLine(
                    ticket_id,
                    PERFORMANCE,
                    unit,
                    version,
                    hold.id,
                    tier,
                    "adult",
                    price,
                    "list",
                    code,
                )
            )
        total = sum(line.price_minor for line in lines)
        return Sale(
            OrderId(self.rng.randbytes(8).hex()),
            f"WEB-{self.rng.randbytes(6).hex()}",
            "web",
            "EUR",
            3,
            total,
            tuple(lines),
            CashLeg(total, total),
        )

    def _code(self, ticket_id: TicketId, unit: int, version: int, hold: AllotmentId) -> str:
        facts = TicketFacts(
            key_id(house.fake_public(SERVER_PRIVATE)),
            ticket_id,
            PERFORMANCE,
            unit,
            1,
            version,
            hold,
            BEGAN.replace(hour=0),
            60_000,
        )
        return make_code(facts, SERVER_PRIVATE)
