"""What the simulation found, each as the shortest life in which it happens."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation import lives
from tests.simulation.house import Shape
from tests.simulation.mix import Mix
from tests.simulation.running import Outcome, run_seed
from tests.simulation.world import World

_CALM = Mix(shape=Shape(4, 2, 2, 1), server_images=5)


def _lived(script_s: float, world: World) -> None:
    world.begin()
    world.works.run(script_s)


def _at_rest(world: World) -> None:
    world.come_to_rest()
    world.oracle.check_at_rest()


def _held(outcome: Outcome) -> None:
    assert not outcome.broken, outcome.broken


def test_a_gate_is_in_contact_again_after_a_failover() -> None:
    """It was told to declare allotments, which a gate may not, and never got further than that."""

    def script(world: World) -> None:
        _lived(20, world)
        world.breakage.fail_over()
        _at_rest(world)

    _held(run_seed(1, _CALM, script=script))


def test_a_revocation_that_nobody_heard_of_and_a_failover_lost_is_made_again() -> None:
    """A place was free again and sold anew; then the server had its first buyer's ticket back.

    The second buyer's was disputed; the first one's was revoked once more, and the place sold a
    third time, to somebody who met the second buyer there.
    """

    def script(world: World) -> None:
        seen.update(lives.lost_before_heard(world))

    seen: dict[str, str] = {}
    _held(run_seed(1, replace(_CALM, sale_s=1e9, ask_s=5.0, release_s=1e9), script=script))
    assert sorted(seen.values()) == ["valid", "void"]


def test_a_greeting_that_was_held_up_across_a_failover_locks_nobody() -> None:
    def script(world: World) -> None:
        enrolled.append(lives.greeting_held_up(world))

    enrolled: list[int] = []
    _held(run_seed(1, replace(_CALM, sale_s=1e9, ask_s=5.0, release_s=1e9), script=script))
    assert enrolled == [0]
