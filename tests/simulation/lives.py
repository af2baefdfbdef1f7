"""Lives that lead to one certain moment: what happens in a world in place of its usual days."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from unittest import mock

from edge.errors import ReplicaError
from gate_agent.admit import LetIn, TurnedAway
from sync_server.heart.lending import Lend
from sync_server.heart.work import Work
from sync_server.store.writer import _Item
from tests.simulation import nodes
from tests.simulation.disks import new_mirror
from tests.simulation.house import PERFORMANCE, STANDING_FROM
from tests.simulation.mix import RHO
from tests.simulation.network import SERVER
from tests.simulation.verdicts import Astray, Violation

if TYPE_CHECKING:
    from tests.simulation.gates import Gate
    from tests.simulation.house import Enrolled
    from tests.simulation.server import SimCentre
    from tests.simulation.tills import Till
    from tests.simulation.world import World


def copied_whole(world: World) -> None:
    """A till is copied with its witness, and both sell the same unit in the same moment.

    Whether both buyers pay with the same note is the seed's chance.
    """
    till = world.tills[0]
    world.begin()
    stocked(world, till)
    world.demand = False
    world.works.run(world.works.now + 5)
    world.crash_node(till.name)
    twin = _twin_of(world, till)
    for each in (till, twin):
        world.network.part(((each.name, SERVER), (SERVER, each.name)), 60)
        world.restart_node(each)
    world.works.run(world.works.now + 20)
    sold = till.free_units()[:1]
    for each in (till, twin):
        world.works.spawn(each.process, functools.partial(_sell_units, each, sold))
    world.works.run(world.works.now + 10)
    wrote = {name: _sales_in(world, name) for name in (till.name, twin.name)}
    if not all(wrote.values()):
        raise Astray(f"they sold {wrote}")
    rests(world)
    cases = world.server.disk.connection.execute("SELECT 1 FROM case_file WHERE kind = 'fork'")
    if cases.fetchone() is None:
        raise Violation("2.5", f"two copies sold {sold}, and nobody was told of a fork")


def _twin_of(world: World, till: Till) -> Till:
    """The same folder, witness and clock on another machine: E1."""
    ours = till.machine
    twin = nodes.Machine(world, ours.enrolled, f"{till.name}'")
    twin.rate, twin.wall_off_ms = ours.rate, ours.wall_off_ms
    twin.copy_disks(ours)
    twin.witness, twin.machine_id = ours.witness, ours.machine_id
    oracle = world.oracle
    oracle.cloned_nodes.add(twin.enrolled.node_id)
    oracle.tampered |= {till.name, twin.name}
    oracle.set_back(twin)
    oracle.clones.add(twin.name)
    oracle.twins.append((till.name, twin.name, world.works.now))
    actor = type(till)(world, twin.enrolled, twin)
    world.actors[actor.name] = actor
    return actor


def _sales_in(world: World, name: str) -> int:
    journal = world.actors[name].machine.journal.connection
    (count,) = journal.execute("SELECT count(*) FROM op WHERE kind = 'sale'").fetchone()
    return int(count)


def set_back_and_cut_off(world: World) -> None:
    """A till sells, its folder is set back to before, and it sells on without the centre."""
    till = world.tills[0]
    world.begin()
    stocked(world, till)
    world.demand = False
    before = till.machine.journal.image()
    sold = till.free_units()[:1]
    _sells(world, till, sold)
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 30)
    till.machine.journal.images = deque([before] * 2, maxlen=2)
    world.breakage.set_back(till)
    world.works.run(world.works.now + 10)
    _sells(world, till, sold)
    rests(world)


def stocked(world: World, till: Till) -> None:
    """Until a till has something to sell that nobody has put into a basket yet."""
    until = world.works.now + 60
    while world.works.now < until and not (till.node and len(till.free_units()) > 1):
        world.works.run(world.works.now + 1)
    if not till.free_units():
        raise Astray("the house lends nothing")


def _sells(world: World, till: Till, units: list[int]) -> None:
    """Its cashier sells these, or is refused."""
    world.works.spawn(till.process, lambda: _sell_units(till, units))
    world.works.run(world.works.now + 2)


def _sell_units(till: Till, units: list[int]) -> None:
    with suppress(ReplicaError):
        till.sell_units(units)


def rests(world: World) -> None:
    world.come_to_rest()
    world.oracle.check_at_rest()


def cut_off_for_good(world: World) -> None:
    """A slow till with units to sell is cut off; managers wait for the first moment, on a fast
    server; and just then people come to buy at the till.
    """
    till = world.tills[0]
    world.server.rate, till.machine.rate = 1 + RHO, 1 - RHO
    world.begin()
    until = world.works.now + 60
    while world.works.now < until and not (till.node and len(till.free_units()) > 1):
        world.works.run(world.works.now + 1)
    world.demand = False
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 10_000)
    began = world.works.now
    world.works.run(began + world.mix.hard_s * (1 - 2 * RHO) - 5)
    while world.works.now < began + world.mix.hard_s * (1 + 3 * RHO) + 20:
        world.demand = bool(world.written_off)
        world.breakage.write_off()
        world.works.run(world.works.now + 0.2)


def named_again(world: World) -> None:
    """The server goes on in a new history three times, and then from before all of them.

    In the second a till was lent units; the third made it tell of them, and is forgotten with the
    rest. To find a lost name again takes so much, because nodes tell of histories and revisions
    that the server lacks, and do not declare twice in what they take for one history.
    """
    first, other = world.tills[:2]
    world.begin()
    world.demand = False
    world.works.run(5)
    image = world.server.disk.image()
    _goes_on_from(world, image)
    _goes_on_from(world, None)
    world.demand = True
    stocked(world, first)
    world.works.run(world.works.now + 5)
    world.demand = False
    world.works.run(world.works.now + 5)
    lent = first.free_units()[:1]
    if not lent:
        raise Astray("the house lends nothing")
    _goes_on_from(world, None)
    _goes_on_from(world, image)
    _asks(world, other, lent)
    world.works.run(world.works.now + 5)
    for till in (first, other):
        _sells(world, till, lent)
    rests(world)


def _asks(world: World, till: Till, units: list[int]) -> None:
    """Its cashier picks these."""
    if till._known() is None:
        raise Astray(f"{till.name} has no catalogue")
    world.works.spawn(till.process, lambda: till.window.ask_for(PERFORMANCE, units))


def _goes_on_from(world: World, image: bytes | None) -> None:
    """A failover to a state of the disk, or to the present one; until nobody is waited for."""
    disk = world.server.disk
    disk.images = deque([image] * 2 if image else [], maxlen=2)
    world.breakage.fail_over()
    for _ in range(60):
        world.works.run(world.works.now + 1)
        (waits,) = disk.connection.execute("SELECT max(quarantine) FROM stream").fetchone()
        told = {till.node and till.node.replica.mirror.position()[0] for till in world.tills}
        if not waits and told == {world.generation()}:
            return
    raise Violation("I13", "a quarantine lasts for ever")


def asked_at_once(world: World) -> None:
    """Two tills ask for the same seat of a database whose row locks do not hold: both writers read
    before either writes, and nobody compares the stream's head. One thing is left: a row only
    replaces the very one that was read.
    """
    one, other = world.tills[:2]
    world.demand = False
    world.begin()
    world.works.run(10)
    free = _free_here(world)
    centre: Any = world.server.centre
    raw = world.server.disk.connection
    held: list[Any] = []
    flush, submit_for = Work.flush, centre.writer.submit_for

    def submitted(task: Any, future: Any) -> None:
        if isinstance(task, Lend) and task.source.node_id == other.machine.enrolled.node_id:
            held.append(_Item(task, future))
        else:
            submit_for(task, future)

    def flushed(self: Any) -> None:
        if held and self.claims.changed:
            raw.execute("COMMIT")  # all has been read, and nothing is written: the other's turn
            centre.writer._queue.put(held.pop())
            centre.writer._turn()
            raw.execute("BEGIN IMMEDIATE")
        flush(self)

    def moved(self: Any) -> None:
        head = "UPDATE stream SET head = max(head, ?) WHERE event_id = ?"
        self.sql.run(head, self.head, self.stream)

    with (
        mock.patch.object(centre.writer, "submit_for", submitted),
        mock.patch.object(Work, "flush", flushed),
        mock.patch.object(Work, "_move_head", moved),
    ):
        for till in (other, one):
            _asks(world, till, [free])
            world.works.run(world.works.now + 1)
            if till is other and not held:
                raise Astray("the other did not ask")
    if held:
        raise Astray("they did not meet")
    for till in (one, other):
        _sells(world, till, [free])
    rests(world)


def _free_here(world: World) -> int:
    """A unit that nobody has."""
    raw = world.server.disk.connection
    taken = {row[0] for row in raw.execute("SELECT unit FROM claim WHERE kind <> 'free'")}
    free = [unit for unit in world.mix.shape.units if unit not in taken]
    if not free:
        raise Astray("nothing is free")
    return free[0]


def followed(world: World) -> None:
    """A server is followed by another and does not notice; a till still talks to the first."""
    one = world.tills[0].machine.enrolled.node_id
    world.begin()
    world.works.run(10)

    def balance(caller: Enrolled, centres: list[SimCentre]) -> SimCentre:
        return centres[0] if caller.node_id == one else centres[-1]

    with mock.patch.object(world.server, "balance", balance):
        world.server.take_over()
        world.works.run(world.works.now + 30)
        rests(world)


def shown_twice(world: World) -> None:
    """A ticket is shown at one gate, which is cut off once it has let it in, then at another."""
    code = sold_and_known(world)
    one, other = world.gates[:2]
    is_let_in(scanned(world, one, code, cut_off_s=30))
    scanned(world, other, code)
    rests(world)


def died_at_the_door(world: World) -> None:
    """A gate dies between the arbiter's word and its own commit; the visitor tries again."""
    code = sold_and_known(world)
    gate = world.gates[0]
    dies_at_the_door(world, gate, code)
    world.works.run(world.works.now + 30)
    outcome = scanned(world, gate, code)
    if not isinstance(outcome, LetIn):
        raise Violation("ADR 6", f"nobody went in, and the visitor is shut out: {outcome}")
    rests(world)


def dies_at_the_door(world: World, gate: Gate, code: str) -> None:
    """The arbiter lets the ticket in, and the gate dies before it has written that."""
    died: list[str] = []

    def crashes(who: str, point: str) -> bool:
        if died or (who, point) != (gate.name, "before_commit"):
            return False
        known = world.server.disk.connection.execute("SELECT 1 FROM entry").fetchone()
        died.extend([point] if known else [])
        return bool(died)

    with mock.patch.object(world, "crashes", crashes):
        scanned(world, gate, code)
    if not died:
        raise Astray("it did not die")


def taken_back_while_cut_off(world: World) -> None:
    """A ticket comes back to a till that cannot ask; a copy of it is shown at a gate that can."""
    code = sold_and_known(world)
    till, gate = world.tills[0], world.gates[0]
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 30)
    world.works.spawn(till.process, till._return)
    world.works.run(world.works.now + 5)
    is_let_in(scanned(world, gate, code))
    rests(world)


def shown_twice_here(world: World) -> None:
    """A ticket is shown twice at a gate that hears nobody."""
    code = sold_and_known(world)
    gate = world.gates[0]
    world.network.part(((gate.name, SERVER), (SERVER, gate.name)), 30)
    is_let_in(scanned(world, gate, code))
    scanned(world, gate, code)
    rests(world)


def money_goes_back(world: World) -> None:
    """The first till gives a ticket's money back, and all hear of it."""
    till = world.tills[0]
    world.works.spawn(till.process, till._return)
    world.works.run(world.works.now + 20)
    if not world.oracle.paid_back:
        raise Astray("nothing was paid back")


def taken_back(world: World) -> None:
    """A ticket's money went back; later, when all know, a copy of it is shown."""
    code = sold_and_known(world)
    money_goes_back(world)
    scanned(world, world.gates[0], code)
    rests(world)


def sold_unheard(world: World) -> None:
    """A till sells a unit that the feed has told it is its own, and the cashier looks at it."""
    till = world.tills[0]
    world.begin()
    stocked(world, till)
    world.demand = False
    world.works.run(world.works.now + 20)
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 30)
    _sells(world, till, till.free_units()[:1])
    if not world.oracle.papers:
        raise Astray("nothing was sold")
    world.works.spawn(till.process, till._look)
    world.works.run(world.works.now + 2)
    rests(world)


def sold_and_known(world: World) -> str:
    """The code of a ticket that a till sold and everybody has heard of."""
    till = world.tills[0]
    world.begin()
    stocked(world, till)
    world.demand = False
    world.works.run(world.works.now + 5)
    _sells(world, till, till.free_units()[:1])
    world.works.run(world.works.now + 20)
    if not world.oracle.papers:
        raise Astray("nothing was sold")
    (paper,) = world.oracle.papers.values()
    return paper.code


def scanned(
    world: World, gate: Gate, code: str, *, cut_off_s: float = 0
) -> LetIn | TurnedAway | None:
    """What becomes of a ticket at a gate, which may be cut off before it can push that; None when
    the gate died over it.
    """
    came: list[LetIn | TurnedAway] = []
    if gate.process.dead:
        raise Astray(f"{gate.name} is not running")

    def scan() -> None:
        came.append(gate.scan(code))
        if cut_off_s:
            server = world.server_of(gate.name).name
            world.network.part(((gate.name, server), (server, gate.name)), cut_off_s)

    world.works.spawn(gate.process, scan)
    world.works.run(world.works.now + 0.5)
    return came[0] if came else None


def is_let_in(outcome: LetIn | TurnedAway | None) -> None:
    if not isinstance(outcome, LetIn):
        raise Astray(f"the ticket is not let in: {outcome}")


def named_again_unread(world: World) -> None:
    """The server is set back to the same state twice, and no node remembers what it had read.

    In what they take for one history nobody declares twice.
    """
    world.demand = False
    world.begin()
    world.works.run(5)
    image = world.server.disk.image()
    _goes_on_from(world, image)
    world.works.run(world.works.now + 20)
    for actor in list(world.actors.values()):
        world.crash_node(actor.name)
        actor.machine.mirror.reopen(new_mirror())
    world.server.disk.images = deque([image] * 2, maxlen=2)
    world.breakage.fail_over()
    world.works.run(world.works.now + 30)
    rests(world)


def lost_before_heard(world: World) -> dict[str, str]:
    """A ticket is revoked for a till that does not hear of it; another till sells the place anew;
    then the server forgets both. Gives the tickets' states when all is quiet.
    """
    one, other = world.tills[:2]
    world.begin()
    world.demand = False
    world.works.run(10)
    _asks(world, one, [STANDING_FROM])
    world.works.run(world.works.now + 2)
    _sells(world, one, [STANDING_FROM])
    world.works.run(world.works.now + 20)
    image = world.server.disk.image()
    world.network.part(((SERVER, one.name),), 60)
    world.works.spawn(one.process, one._return)
    world.works.run(world.works.now + 2)
    _asks(world, other, [STANDING_FROM])
    world.works.run(world.works.now + 2)
    _sells(world, other, [STANDING_FROM])
    if len(world.oracle.papers) != 2 or world.counts["refunded"]:
        raise Astray("it was not sold twice")
    world.server.disk.images = deque([image] * 2, maxlen=2)
    world.breakage.fail_over()
    world.works.run(world.works.now + 60)
    rests(world)
    rows = world.server.disk.connection.execute("SELECT id, state FROM ticket")
    return {row[0]: row[1] for row in rows}


def given_up_and_forgotten(world: World) -> dict[str, str]:
    """What a till holds that is cut off is given up; another till sells it; then the server forgets
    that, and both hold it: the one on paper, the other to sell. Gives the tickets' states at rest.
    """
    one, other = world.tills[:2]
    world.begin()
    stocked(world, one)
    world.demand = False
    world.works.run(world.works.now + 5)
    place = [unit for unit in one.free_units() if unit not in one.basket][:1]
    if not place:
        raise Astray("all that it has is in a basket")
    image = world.server.disk.image()
    world.network.part(((one.name, SERVER), (SERVER, one.name)), 60)
    for _ in range(200):
        world.breakage.write_off()
        world.works.run(world.works.now + 0.2)
    _asks(world, other, place)
    world.works.run(world.works.now + 2)
    _sells(world, other, place)
    if not world.oracle.papers:
        raise Astray("it was not sold anew")
    world.server.disk.images = deque([image] * 2, maxlen=2)
    world.breakage.fail_over()
    rests(world)
    rows = world.server.disk.connection.execute("SELECT id, state FROM ticket")
    return {row[0]: row[1] for row in rows}


def greeting_held_up(world: World) -> int:
    """A till's greeting is held up on its way; a later one comes; then the server goes on from
    before both, the till pushes a sale, and the first one comes at last. How often it was enrolled
    again, since it was locked.
    """
    till, server = world.tills[0], world.server
    world.begin()
    stocked(world, till)
    world.demand = False
    image = server.disk.image()
    held: list[bytes] = []
    handle = server.handle

    def handled(caller: Enrolled, raw: bytes, reply: Callable[[bytes], None]) -> None:
        if b"/v1/hello" in raw and caller == till.machine.enrolled and not held:
            held.append(raw)
        else:
            handle(caller, raw, reply)

    with mock.patch.object(server, "handle", handled):
        till.node.engine._greet.set()
        till.node.engine.nudge()
        world.works.run(world.works.now + 30)
    if not held:
        raise Astray("it did not greet")
    server.disk.images = deque([image] * 2, maxlen=2)
    world.breakage.fail_over()
    server.restart()
    _sells(world, till, till.free_units()[:1])
    handle(till.machine.enrolled, held[0], lambda _answer: None)
    world.works.run(world.works.now + 5)
    rests(world)
    return world.counts["enrolled_again"]
