"""What the simulation found, each as the shortest life in which it happens."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation import lives, lives_of_doors, lives_of_hubs, lives_of_paper
from tests.simulation.house import Shape
from tests.simulation.hub_world import HubMix, hub_mix_of
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
    assert not outcome.astray, outcome.astray


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


def test_a_ticket_gets_its_place_when_a_till_gives_it_back_that_a_lost_write_off_had_ended() -> (
    None
):
    """It stayed disputed for ever, although nobody else had, or was lent, the place."""

    def script(world: World) -> None:
        seen.update(lives.given_up_and_forgotten(world))

    seen: dict[str, str] = {}
    mix = replace(_BY_SCRIPT, soft_s=10, hard_s=10)
    _held(run_seed(1, mix, script=script))
    assert list(seen.values()) == ["valid"]


def test_an_entry_that_comes_before_its_gates_greeting_is_put_right() -> None:
    """The server had forgotten the greeting, and took an hour too late for the time."""
    mix = replace(_BY_SCRIPT, shape=Shape(4, 2, 1, 2))
    _held(run_seed(1, mix, script=lives_of_doors.pushed_before_it_greeted))


_BY_SCRIPT = replace(
    _CALM,
    shape=Shape(4, 2, 3, 1),
    edge_images=5,
    sale_s=1e9,
    ask_s=5.0,
    release_s=1e9,
    scan_s=1e9,
)


def test_paper_whose_beginning_cannot_be_noted_does_not_come_out() -> None:
    """It came out, and the till, which could not note that either, let another one print."""
    _held(run_seed(1, _BY_SCRIPT, script=lives_of_paper.printed_on_a_full_disk))


def test_a_second_try_without_paper_does_not_undo_the_first() -> None:
    """A till died after its print; when it tried again the printer had no paper, and so it said
    that nothing was out.
    """
    _held(run_seed(1, _BY_SCRIPT, script=lives_of_paper.printed_and_tried_again))


def test_a_question_that_met_a_full_disk_is_answered_later() -> None:
    """Nothing led to a second try, as long as the feed and the link stood still."""
    _held(run_seed(1, _BY_SCRIPT, script=lives_of_paper.asked_of_a_full_disk))


def test_a_till_that_was_set_back_hands_on_nothing_that_it_may_have_printed() -> None:
    """Enrolled again, it had the order once more and unprinted, and let a third till print it."""
    _held(run_seed(1, _BY_SCRIPT, script=lives_of_paper.handed_out_and_set_back))


def test_a_till_that_was_set_back_prints_what_it_had_not_printed() -> None:
    """The server said that it may, and the till did not take that in: nobody ever could."""
    _held(run_seed(1, _BY_SCRIPT, script=lives_of_paper.sold_and_set_back))


_WITH_HUB = HubMix(
    shape=Shape(4, 2, 1, 2, hub_gates=1), sale_s=1e9, ask_s=5.0, release_s=1e9, scan_s=1e9
)


def test_a_hubs_clock_that_is_an_hour_fast_moves_no_entry() -> None:
    """The centre took the hub's time of what its arbiter granted for its own."""
    _held(run_seed(1, _WITH_HUB, script=lives_of_hubs.let_in_by_a_wrong_clock))


def test_a_gate_below_a_hub_that_starts_with_a_wrong_clock_moves_no_entry() -> None:
    """Its journal went up before the hub said how wrong the clock is."""
    _held(run_seed(1, _WITH_HUB, script=lives_of_hubs.started_with_a_wrong_clock))


def test_a_hub_takes_nothing_of_an_event_that_it_knows_by_name_alone() -> None:
    """Hub seed 290, and 204: a call for it was a defect, and so was a report before its own row."""
    _held(run_seed(290, hub_mix_of(290)))


def test_a_hub_answers_a_request_that_is_repeated_in_the_order_of_the_first_time() -> None:
    """Hub seed 324: of several allotments the second answer named another first."""
    _held(run_seed(324, hub_mix_of(324)))


def test_what_a_gate_told_a_hub_of_its_clock_outlives_the_hubs_run() -> None:
    """Hub seed 11: the gate had not greeted that machine yet, and its entry went up without a clock."""
    _held(run_seed(1, _WITH_HUB, script=lives_of_hubs.pushed_before_it_greeted))
