"""Lives that lead to one certain moment at a hub."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from unittest import mock

from gate_agent.admit import LetIn
from sync_server.heart.arbiters import AskBack, GiveToHub, Stopped
from sync_server.heart.reclaim import Recall
from sync_server.hub import upstream
from tests.simulation.house import EVENT
from tests.simulation.hub_world import HubWorld
from tests.simulation.hubs import Hub
from tests.simulation.lives import _asks as asks
from tests.simulation.lives import _goes_on_from as goes_on_from
from tests.simulation.lives import _sells as sells
from tests.simulation.lives import is_let_in, rests, scanned, sold_and_known
from tests.simulation.network import SERVER
from tests.simulation.server import read_generation
from tests.simulation.verdicts import Astray, Violation

if TYPE_CHECKING:
    from tests.simulation.server import SimServer
    from tests.simulation.tills import Till
    from tests.simulation.world import World

_WAITS_S = 30
_HOUR_MS = 3_600_000
_STEP_S = 0.01


def read_in_two_pages(world: World) -> None:
    """The hub is named, and has read that; the entry that the centre let in just before comes on
    the feed's next page, and the cable is cut in between.
    """
    house, code = _with_hub(world)
    near, far = house.gates[0], house.gates[-1]
    _cut(house, house.hub, 20)
    is_let_in(scanned(world, far, code, cut_off_s=3))
    house.server.admin(GiveToHub(EVENT, house.hub.enrolled.node_id))
    world.works.run(world.works.now + 8)
    (rev,) = _of(house, "SELECT rev FROM entry")
    (named,) = _of(house, "SELECT rev FROM doc WHERE kind = 'arbiter'")
    if rev < named:
        raise Astray("its gate told of the entry before the hub was named")
    with mock.patch.object(upstream, "ROWS_PER_PULL", 1):
        _until(world, lambda: house.oracle.arbiter_at(house.hub.disk.connection).hub != "")
        _cut(house, house.hub, 10)
        scanned(world, near, code)
    rests(world)


def asked_back_while_cut_off(world: World) -> None:
    """The hub lets somebody in with the cable cut, and is asked back meanwhile: the centre answers
    when it has heard of that, and not before.
    """
    house, code = _hub_answers(world)
    near, far = house.gates[0], house.gates[-1]
    _cut(house, house.hub, 10)
    outcome = scanned(world, near, code)
    if not isinstance(outcome, LetIn) or outcome.offline:
        raise Astray(f"the hub did not let it in: {outcome}")
    house.server.admin(AskBack(EVENT))
    until = world.works.now + _WAITS_S
    while world.works.now < until and house.oracle.arbiter_at(house.server.disk.connection).hub:
        world.works.run(world.works.now + _STEP_S)
    scanned(world, far, code)
    rests(world)


def told_late(world: World) -> None:
    """The word of a hub that it has stopped comes a second time, when it answers again."""
    house, code = _hub_answers(world)
    near, far = house.gates[0], house.gates[-1]
    hub_id, epoch = house.hub.enrolled.node_id, _epoch(house)
    house.server.admin(AskBack(EVENT))
    _until(world, lambda: not house.oracle.arbiter_at(house.server.disk.connection).hub)
    house.server.admin(GiveToHub(EVENT, hub_id))
    _until(world, lambda: _is_whole(house))
    _cut(house, house.hub, 10)
    is_let_in(scanned(world, near, code))
    house.server.admin(Stopped(EVENT, hub_id, epoch))
    world.works.run(world.works.now + 1)
    scanned(world, far, code)
    rests(world)


def replaced_alive(world: World) -> None:
    """A hub is believed to be lost, and is not; a gate still has its address when it hears so."""
    house, code = _hub_answers(world)
    near = house.gates[0]
    _cut(house, house.hub, 5)
    old = house.hub
    house.lose_hub(lives_on=True)
    with mock.patch.object(house, "move"):
        house.replace_hub()
        _until(world, lambda: old.heard_of_its_end)
        scanned(world, near, code)
        world.works.run(world.works.now + 25)
    rests(world)


def told_of_what_it_knows_better(world: World) -> None:
    """The centre is set back to before it heard how an entry ended, and the hub reads it all anew."""
    house, code = _hub_answers(world)
    near = house.gates[0]
    is_let_in(scanned(world, near, code, cut_off_s=5))
    _until(world, lambda: _journalled(house.server) == [0])
    image = house.server.disk.image()
    _until(world, lambda: _journalled(house.server) == [1])
    goes_on_from(world, image)
    world.works.run(world.works.now + 20)
    rests(world)


def let_in_and_relayed(world: World) -> None:
    """A hub lets somebody in, and passes on what the gate writes of it."""
    house, code = _hub_answers(world)
    is_let_in(scanned(world, house.gates[0], code))
    world.works.run(world.works.now + 10)
    rests(world)


def let_in_by_a_wrong_clock(world: World) -> None:
    """The hub's clock is an hour fast, and all that the centre hears of an entry is the hub's word."""
    house = _house(world)
    house.hub.wall_off_ms = _HOUR_MS
    house, code = _hub_answers(world)
    near, far = house.gates[0], house.gates[-1]
    house.network.part(((far.name, SERVER), (SERVER, far.name)), 10)
    is_let_in(scanned(world, near, code, cut_off_s=5))
    is_let_in(scanned(world, far, code))
    _until(world, lambda: _journalled(house.server) == [0])
    rests(world)


def started_with_a_wrong_clock(world: World) -> None:
    """With the cable cut a gate below the hub starts an hour slow, and lets somebody in who goes in
    at the centre's gate too.
    """
    house, code = _hub_answers(world)
    near, far = house.gates[0], house.gates[-1]
    _cut(house, house.hub, 15)
    near.machine.wall_off_ms -= _HOUR_MS
    world.crash_node(near.name)
    world.restart_node(near)
    world.works.run(world.works.now + 5)
    is_let_in(scanned(world, near, code))
    is_let_in(scanned(world, far, code))
    rests(world)


def pushed_before_it_greeted(world: World) -> None:
    """A gate, whose clock is an hour slow by now, tells a hub's new machine of an entry before it
    greets it; that machine passes the entry on in its next run, and hears no more of the gate.
    """
    house, code = _with_hub(world)
    near, far = house.gates[0], house.gates[-1]
    near.machine.wall_off_ms -= _HOUR_MS
    house.lose_hub()
    with mock.patch.object(house, "move"):
        house.replace_hub()
        world.works.run(world.works.now + 3)
    hub = house.hub
    _cut(house, hub, 5)
    house.move(near.name)
    is_let_in(scanned(world, near, code))
    raw = hub.disk.connection
    _until(world, lambda: bool(raw.execute("SELECT 1 FROM op").fetchone()))
    if raw.execute("SELECT 1 FROM node WHERE hello_session <> ''").fetchone():
        raise Astray("it greeted before")
    hub.crash()
    house.network.part(((near.name, hub.name), (hub.name, near.name)), 30)
    hub.restart()
    is_let_in(scanned(world, far, code))
    _until(world, lambda: _journalled(house.server) == [1, 1])
    rests(world)


def _house(world: World) -> HubWorld:
    assert isinstance(world, HubWorld)
    return world


def _with_hub(world: World) -> tuple[HubWorld, str]:
    """A house whose hub has read everything, with a ticket that everybody knows."""
    return _house(world), sold_and_known(world)


def _hub_answers(world: World) -> tuple[HubWorld, str]:
    house, code = _with_hub(world)
    house.server.admin(GiveToHub(EVENT, house.hub.enrolled.node_id))
    _until(world, partial(_is_whole, house))
    return house, code


def _is_whole(house: HubWorld) -> bool:
    raw = house.hub.disk.connection
    row = raw.execute("SELECT whole_epoch FROM upstream WHERE event_id = ?", (EVENT,)).fetchone()
    now = house.oracle.arbiter_at(house.server.disk.connection)
    return bool(row and now.hub and row[0] == now.epoch)


def _epoch(house: HubWorld) -> int:
    return house.oracle.arbiter_at(house.server.disk.connection).epoch


def _journalled(server: SimServer) -> list[int]:
    return [row[0] for row in server.disk.connection.execute("SELECT journalled FROM entry")]


def _of(house: HubWorld, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] | None = house.server.disk.connection.execute(query).fetchone()
    if row is None:
        raise Astray(f"nothing: {query}")
    return row


def _until(world: World, holds: Callable[[], bool]) -> None:
    until = world.works.now + _WAITS_S
    while not holds():
        if world.works.now >= until:
            raise Astray("it did not come to that")
        world.works.run(world.works.now + _STEP_S)


def _cut(house: HubWorld, hub: Hub, seconds: float) -> None:
    house.network.part(((hub.name, SERVER), (SERVER, hub.name)), seconds)


# --- tills below a hub


def sold_while_cut_off(world: World) -> None:
    """With the cable cut two windows below the hub ask it for the same seat, and sell what they get."""
    house = _stocked_hub(world)
    one, other = house.tills[:2]
    _cut(house, house.hub, 30)
    place = _ready_units(house)[:1]
    _asks_and_sells(house, one, place)
    _asks_and_sells(house, other, place)
    if not house.counts["sold_below_a_hub_line_down"]:
        raise Astray("nothing was sold")
    rests(world)


def sold_below_a_lost_hub(world: World) -> None:
    """A window is cut off with what a hub gave it, and the hub is lost; its new machine is asked for
    the same seat by another window.
    """
    house = _stocked_hub(world)
    one, other = house.tills[:2]
    place = _ready_units(house)[:1]
    _picks(world, one, place)
    old = house.hub
    house.network.part(((one.name, old.name), (old.name, one.name)), 60)
    house.lose_hub()
    house.replace_hub()
    house.move(other.name)
    _until(world, lambda: other.node.replica.mirror.position()[0] == _history_of(house.hub))
    _until(world, lambda: bool(_held(house)))
    house.network.part(((one.name, house.hub.name), (house.hub.name, one.name)), 60)
    _asks_and_sells(house, one, place)
    _asks_and_sells(house, other, place)
    rests(world)


def told_anew_whose_it_is(world: World) -> None:
    """The centre lives in another history, and tells the hub anew of what it has lent it."""
    house = _stocked_hub(world)
    one, other = house.tills[:2]
    place = _ready_units(house)[:1]
    _picks(world, one, place)
    _goes_on_with_hub(house, None)
    _asks_and_sells(house, other, place)
    _asks_and_sells(house, one, place)
    rests(world)


def lent_in_a_lost_history(world: World) -> None:
    """A window below the hub sells what the centre has forgotten to have lent it, and nobody else is
    lent that.
    """
    house = _house(world)
    world.begin()
    world.demand = False
    image = house.server.disk.image()
    _until(world, lambda: bool(_ready_units(house)))
    place = _ready_units(house)[:1]
    _asks_and_sells(house, house.tills[0], place)
    _goes_on_with_hub(house, image)
    rests(world)
    states = [row[0] for row in house.server.disk.connection.execute("SELECT state FROM ticket")]
    if states != ["valid"]:
        raise Violation("2.7", f"the ticket is {states}")


def lent_on_late(world: World) -> None:
    """With the cable cut a window is given what was lent to the hub long ago; two people give that up."""
    house = _stocked_hub(world)
    one = house.tills[0]
    _cut(house, house.hub, 1_000)
    place = _ready_units(house)[:1]
    until = world.works.now + world.mix.hard_s * 1.01 + 50
    world.works.run(until)
    _picks(world, one, place)
    while world.works.now < until + 60:
        house.breakage.write_off()
        world.works.run(world.works.now + 0.5)
    if not house.written_off:
        raise Astray("nothing was given up")
    sells(world, one, place)
    house.network.heal()
    rests(world)


def asked_back_from_the_hub(world: World) -> None:
    """The centre asks back what the hub has given to nobody, and what a window has of it."""
    house = _stocked_hub(world)
    one = house.tills[0]
    _picks(world, one, _ready_units(house)[:1])
    house.server.admin(Recall(EVENT, node_id=house.hub.enrolled.node_id))
    _until(world, lambda: bool(house.counts["stock_given_back"]))
    rests(world)


def _stocked_hub(world: World) -> HubWorld:
    """A house whose hub has something ready, and nobody has anything else."""
    house = _house(world)
    world.begin()
    world.demand = False
    _until(world, lambda: bool(_ready_units(house)))
    _until(world, lambda: all(till.node and till._known() for till in house.tills))
    world.works.run(world.works.now + 3)
    return house


def _held(house: HubWorld) -> list[str]:
    """Allotments that the hub's database says are the hub's."""
    raw = house.hub.disk.connection
    query = "SELECT body FROM allot WHERE node_id = ? AND state = 'open' ORDER BY id"
    return [row[0] for row in raw.execute(query, (house.hub.enrolled.node_id,))]


def _ready_units(house: HubWorld) -> list[int]:
    return [unit for body in _held(house) for unit, _version in json.loads(body)["units"]]


def _history_of(server: SimServer) -> str:
    return read_generation(server.disk.connection).short


def _picks(world: World, till: Till, units: list[int]) -> None:
    asks(world, till, units)
    world.works.run(world.works.now + 3)


def _asks_and_sells(house: HubWorld, till: Till, units: list[int]) -> None:
    _picks(house, till, units)
    mine = [unit for unit in till.free_units() if unit in units]
    if mine:
        sells(house, till, mine)


def _goes_on_with_hub(house: HubWorld, image: bytes | None) -> None:
    """A failover of the centre, until the hub has read all of its new history."""
    disk = house.server.disk
    disk.images = deque([image] * 2 if image else [], maxlen=2)
    house.breakage.fail_over()
    for _ in range(90):
        house.works.run(house.works.now + 1)
        (waits,) = disk.connection.execute("SELECT max(quarantine) FROM stream").fetchone()
        rows = house.hub.disk.connection.execute("SELECT generation FROM upstream").fetchall()
        if not waits and {row[0] for row in rows} == {house.generation()}:
            house.works.run(house.works.now + 3)
            return
    raise Violation("I13", "a quarantine lasts for ever")
