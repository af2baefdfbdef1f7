"""Lives that lead to one certain moment at a door."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from unittest import mock

from gate_agent.admit import LetIn
from tests.simulation.lives import dies_at_the_door, is_let_in, rests, scanned, sold_and_known
from tests.simulation.network import SERVER
from tests.simulation.verdicts import Astray

if TYPE_CHECKING:
    from tests.simulation.gates import Gate
    from tests.simulation.house import Enrolled
    from tests.simulation.world import World

_HOUR_MS = 3_600_000
_LONG_S = 75  # more than a case may be wrong by


def shown_to_wrong_clocks(world: World) -> None:
    """Two gates start without the server, an hour fast and an hour slow, and let one ticket in."""
    for gate, off_ms in zip(world.gates, (_HOUR_MS, -_HOUR_MS), strict=False):
        gate.machine.wall_off_ms = off_ms
    code = sold_and_known(world)
    for gate in world.gates[:2]:
        cut_off(world, gate, 60)
        world.crash_node(gate.name)
        world.restart_node(gate)
    world.works.run(world.works.now + 5)
    for gate in world.gates[:2]:
        is_let_in(scanned(world, gate, code))
        world.works.run(world.works.now + 15)
    rests(world)


def offered_again(world: World) -> None:
    """A gate that is cut off lets somebody in, and dies before its barrier moves. The visitor goes
    in elsewhere; then the ticket is shown again at the first gate, which could ask again and has not
    read anything yet.
    """
    code = sold_and_known(world)
    one, other = world.gates[:2]
    mended_at = world.works.now + 8
    cut_off(world, one, 8)
    died: list[str] = []

    def crashes(who: str, point: str) -> bool:
        if died or (who, point) != (one.name, "before_barrier"):
            return False
        died.append(point)
        return True

    with mock.patch.object(world, "crashes", crashes):
        scanned(world, one, code)
    if not died:
        raise Astray("it did not die")
    is_let_in(scanned(world, other, code))
    world.restart_node(one)
    world.works.run(mended_at + 0.05)
    scanned(world, one, code)
    rests(world)


def given_again_later(world: World) -> None:
    """A gate that is cut off lets somebody in. Another asks, and dies with the arbiter's grant; more
    than a minute later the ticket is shown there once more.
    """
    code = _granted_and_dead(world)
    world.works.run(world.works.now + _LONG_S)
    _is_let_in_again(world, code, offline=False)


def let_in_alone_later(world: World) -> None:
    """The same, but by then that gate has read of the grant, and is cut off."""
    code = _granted_and_dead(world)
    world.works.run(world.works.now + _LONG_S)
    cut_off(world, world.gates[0], 10)
    _is_let_in_again(world, code, offline=True)


def _granted_and_dead(world: World) -> str:
    """The code of a ticket that the second gate has let in by itself, and that the first was granted
    and knows only by the feed.
    """
    code = sold_and_known(world)
    gate, other = world.gates[:2]
    cut_off(world, other, _LONG_S + 10)
    is_let_in(scanned(world, other, code))
    dies_at_the_door(world, gate, code)
    return code


def _is_let_in_again(world: World, code: str, *, offline: bool) -> None:
    outcome = scanned(world, world.gates[0], code)
    if not isinstance(outcome, LetIn) or outcome.offline is not offline:
        raise Astray(f"it is not let in that way: {outcome}")
    rests(world)


def unheard_and_alone(world: World) -> None:
    """The arbiter lets somebody in, and its answer is lost; the gate decides alone."""
    code = sold_and_known(world)
    gate = world.gates[0]
    world.network.part(((SERVER, gate.name),), 10)
    outcome = scanned(world, gate, code)
    if not isinstance(outcome, LetIn) or not outcome.offline:
        raise Astray(f"it did not decide alone: {outcome}")
    known = world.server.disk.connection.execute("SELECT 1 FROM entry").fetchone()
    if known is None:
        raise Astray("the arbiter did not hear of it")
    rests(world)


def pushed_before_it_greeted(world: World) -> None:
    """A gate that is cut off starts with its clock an hour fast, and lets somebody in; so does
    another. Back in touch it greets, and just before its entries arrive the server goes on from
    before that greeting.
    """
    code = sold_and_known(world)
    gate, other = world.gates[:2]
    cut_off(world, gate, 10)
    world.crash_node(gate.name)
    gate.machine.wall_off_ms = _HOUR_MS
    world.restart_node(gate)
    world.works.run(world.works.now + 5)
    for each in (gate, other):
        is_let_in(scanned(world, each, code))
    server = world.server
    image, handle = server.disk.image(), server.handle
    pushed: list[bytes] = []

    def handled(caller: Enrolled, raw: bytes, reply: Callable[[bytes], None]) -> None:
        if caller == gate.machine.enrolled and b"/push" in raw and not pushed:
            pushed.append(raw)
            server.disk.images = deque([image] * 2, maxlen=2)
            world.breakage.fail_over()
            server.restart()
        handle(caller, raw, reply)

    with mock.patch.object(server, "handle", handled):
        world.works.run(world.works.now + 30)
    if not pushed:
        raise Astray("it pushed nothing")
    rests(world)


def cut_off(world: World, gate: Gate, seconds: float) -> None:
    """Nothing goes to or from a gate for a while."""
    world.network.part(((gate.name, SERVER), (SERVER, gate.name)), seconds)
