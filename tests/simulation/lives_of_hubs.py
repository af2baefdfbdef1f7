"""Lives that lead to one certain moment at a hub."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from unittest import mock

from gate_agent.admit import LetIn
from sync_server.heart.arbiters import AskBack, GiveToHub, Stopped
from sync_server.hub import upstream
from tests.simulation.house import EVENT
from tests.simulation.hub_world import HubWorld
from tests.simulation.hubs import Hub
from tests.simulation.lives import _goes_on_from as goes_on_from
from tests.simulation.lives import is_let_in, rests, scanned, sold_and_known
from tests.simulation.network import SERVER
from tests.simulation.verdicts import Astray

if TYPE_CHECKING:
    from tests.simulation.server import SimServer
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
