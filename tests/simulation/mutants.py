"""Mutants: safeguards switched off, one at a time. Each must be missed by some promise, or it is no
use.

A switch is never in the program: `switches.py` replaces a named function of it while the world
runs. Each has a mix in which its hour comes soon, or a life that leads there (`lives.py`), and
seeds that are tried in turn. Where it died, the whole program must break nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.simulation import (
    lives,
    lives_of_chips,
    lives_of_doors,
    lives_of_hubs,
    lives_of_paper,
    switches,
    switches_of_hubs,
)
from tests.simulation.house import Shape
from tests.simulation.hub_world import HubMix, hub_mix_of
from tests.simulation.mix import Mix, mix_of
from tests.simulation.running import Outcome, run_seed

if TYPE_CHECKING:
    from tests.simulation.world import World

SEEDS_MAX = 20
"""So many seeds of its mix a mutant may live."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A safeguard, how it is switched off, and the mix that shows it."""

    name: str
    off: Callable[[World], AbstractContextManager[object]]
    mix: Mix
    script: Callable[[World], object] | None = None
    first: int = 1
    """The seed that is tried first: it was enough when this was written."""


_BUSY = Mix(
    shape=Shape(4, 2, 2, 1),
    runs_s=80.0,
    latency_s=0.1,
    sale_s=3.0,
    ask_s=3.0,
    release_s=5.0,
    scan_s=10.0,
)
_STRAGGLING = replace(_BUSY, straggle=0.3, latency_s=0.5, duplicate=0.2, settle_share=1.0)
_CRASHING = replace(_BUSY, crash={"server:before_commit": 0.1, "server:after_commit": 0.05})
_GATES = replace(_BUSY, shape=Shape(4, 3, 2, 2), latency_s=0.2, straggle=0.2, scan_s=2.0)
_LOSING = replace(
    _BUSY,
    shape=Shape(6, 4, 3, 1),
    server_images=30,
    failover_rate=0.05,
    latency_s=0.3,
    return_s=8.0,
)
_COPYING = replace(_BUSY, shape=Shape(6, 4, 2, 1), edge_images=12, ask_s=2.0)
_DRIFTING = replace(
    _BUSY, shape=Shape(6, 4, 1, 1), soft_s=600, hard_s=600, sale_s=0.5, ask_s=1.0, release_s=1e9
)
_EXPIRING = replace(_DRIFTING, soft_s=60, hard_s=60)
_DIRECTED = Mix(
    shape=Shape(4, 2, 2, 2),
    server_images=5,
    edge_images=5,
    sale_s=1e9,
    release_s=1e9,
    ask_s=5.0,
    scan_s=1e9,
)
"""Nobody sells, and nothing breaks, but by the script."""
_GIVING_UP = replace(_DIRECTED, soft_s=10, hard_s=10)
_PAPER = replace(_DIRECTED, shape=Shape(4, 2, 3, 1))
_WITH_HUB = HubMix(
    shape=Shape(4, 2, 1, 2, hub_gates=1),
    server_images=5,
    sale_s=1e9,
    release_s=1e9,
    ask_s=5.0,
    scan_s=1e9,
)
_BELOW_HUB = replace(_WITH_HUB, shape=Shape(4, 2, 2, 2, hub_gates=1, hub_tills=2), ask_s=1e9)
_RETURNING = replace(_BUSY, return_s=3.0, partition_rate=0.1, partition_s=10.0)

MUTANTS: tuple[Mutant, ...] = (
    Mutant("reopen_closed", switches.reopen_closed, _STRAGGLING, first=21),
    Mutant("no_quarantine", switches.no_quarantine, _LOSING),
    Mutant("no_fork_check", switches.no_fork_check, replace(_COPYING, clone_rate=0.05), first=13),
    Mutant("no_head_check", switches.no_head_check, replace(_COPYING, clone_rate=0.05), first=26),
    Mutant("sell_after_expiry", switches.sell_after_expiry, _EXPIRING, lives.cut_off_for_good),
    Mutant("reply_before_commit", switches.reply_before_commit, _CRASHING, first=4),
    Mutant(
        "ttl_from_receive",
        switches.ttl_from_receive,
        replace(_EXPIRING, latency_s=3.0),
        lives.cut_off_for_good,
        first=183,
    ),
    Mutant("no_guard", switches.no_guard, _DRIFTING, lives.cut_off_for_good),
    Mutant("no_deferral", switches.no_deferral, _LOSING),
    Mutant("no_idempotent_grant", switches.no_idempotent_grant, _STRAGGLING, first=4),
    Mutant(
        "no_version_bump", switches.no_version_bump, replace(_RETURNING, shape=Shape(2, 0, 2, 1))
    ),
    Mutant("sold_again_here", switches.sold_again_here, _RETURNING),
    Mutant("no_case_for_two_entries", switches.no_case_for_two_entries, _GATES, first=2),
    Mutant(
        "no_exits_kept", switches.no_exits_kept, replace(_GATES, shape=Shape(4, 3, 2, 2, entries=2))
    ),
    Mutant("no_witness", switches.no_witness, _DIRECTED, lives.set_back_and_cut_off),
    Mutant("no_nonce", switches.no_nonce, _DIRECTED, lives.copied_whole, first=4),
    Mutant("gen_counter", switches.gen_counter, _DIRECTED, lives.named_again, first=2),
    Mutant("gen_counter_unread", switches.gen_counter, _DIRECTED, lives.named_again_unread),
    Mutant("no_cas", switches.no_cas, _DIRECTED, lives.asked_at_once),
    Mutant("asked_is_forgotten", switches.asked_is_forgotten, _DIRECTED, lives.lost_before_heard),
    Mutant("no_epoch", switches.no_epoch, _BUSY, lives.followed),
    Mutant(
        "pay_before_revoke", switches.pay_before_revoke, _DIRECTED, lives.taken_back_while_cut_off
    ),
    Mutant("rows_refuse_nobody", switches.rows_refuse_nobody, _DIRECTED, lives.taken_back),
    Mutant("no_own_doings", switches.no_own_doings, _DIRECTED, lives.sold_unheard),
    Mutant("no_own_entries", switches.no_own_entries, _DIRECTED, lives.shown_twice_here),
    Mutant("released_is_free", switches.released_is_free, _BUSY),
    Mutant(
        "shares_last_for_ever",
        switches.shares_last_for_ever,
        replace(_BUSY, pool_s=4.0, sale_s=1e9),
    ),
    Mutant("arbiter_forgets", switches.arbiter_forgets, _DIRECTED, lives.shown_twice),
    Mutant(
        "arbiter_does_not_repeat",
        switches.arbiter_does_not_repeat,
        _DIRECTED,
        lives.died_at_the_door,
    ),
    Mutant(
        "granted_at_first",
        switches.granted_at_first,
        _DIRECTED,
        lives_of_doors.given_again_later,
    ),
    Mutant(
        "granted_and_unmoved",
        switches.granted_and_unmoved,
        _DIRECTED,
        lives_of_doors.let_in_alone_later,
    ),
    Mutant(
        "clocks_are_believed",
        switches.clocks_are_believed,
        _DIRECTED,
        lives_of_doors.shown_to_wrong_clocks,
    ),
    Mutant(
        "pushes_tell_no_clock",
        switches.pushes_tell_no_clock,
        _DIRECTED,
        lives_of_doors.pushed_before_it_greeted,
    ),
    Mutant(
        "old_greetings_count",
        switches.old_greetings_count,
        _DIRECTED,
        lives_of_doors.pushed_before_it_greeted,
    ),
    Mutant("nobody_waits", switches.nobody_waits, _GIVING_UP, lives.given_up_and_forgotten),
    Mutant("nobody_is_asked", switches.nobody_is_asked, _GIVING_UP, lives.given_up_and_forgotten),
    Mutant(
        "no_returns_kept",
        switches.no_returns_kept,
        replace(_GATES, shape=Shape(4, 3, 2, 2, entries=2)),
        first=2,
    ),
    Mutant(
        "asked_and_forgotten",
        switches.asked_and_forgotten,
        _DIRECTED,
        lives_of_doors.unheard_and_alone,
    ),
    Mutant(
        "opens_unrecorded",
        switches.opens_unrecorded,
        _DIRECTED,
        lives.shown_twice_here,
    ),
    Mutant("offers_unasked", switches.offers_unasked, _DIRECTED, lives_of_doors.offered_again),
    Mutant(
        "arbiter_forgets_by_chip",
        switches.arbiter_forgets,
        _DIRECTED,
        lives_of_chips.shown_beside_its_paper,
    ),
    Mutant(
        "no_own_entries_by_chip",
        switches.no_own_entries,
        _DIRECTED,
        lives_of_chips.shown_with_its_paper_here,
    ),
    Mutant(
        "rows_refuse_nobody_by_chip",
        switches.rows_refuse_nobody,
        _DIRECTED,
        lives_of_chips.taken_back,
    ),
    Mutant("lost_ones_open_by_chip", switches.lost_chips_open, _DIRECTED, lives_of_chips.lost),
    Mutant(
        "keeps_the_right_to_print",
        switches.keeps_the_right_to_print,
        _DIRECTED,
        lives_of_paper.handed_out_elsewhere,
    ),
    Mutant(
        "paper_is_not_minded",
        switches.paper_is_not_minded,
        _DIRECTED,
        lives_of_paper.printed_and_asked_for,
    ),
    Mutant(
        "prints_unnoted", switches.prints_unnoted, _PAPER, lives_of_paper.printed_on_a_full_disk
    ),
    Mutant(
        "second_try_undoes_first",
        switches.second_try_undoes_first,
        _PAPER,
        lives_of_paper.printed_and_tried_again,
    ),
    Mutant(
        "earlier_lives_printed_nothing",
        switches.earlier_lives_printed_nothing,
        _PAPER,
        lives_of_paper.handed_out_and_set_back,
    ),
    Mutant("answers_once", switches.answers_once, _PAPER, lives_of_paper.asked_of_a_full_disk),
    Mutant(
        "late_word_wins",
        switches.late_word_wins,
        _PAPER,
        lives_of_paper.handed_on_and_forgotten,
    ),
    Mutant("locked_is_unheard", switches.locked_is_unheard, mix_of(17_025), first=17_025),
    Mutant("hub_takes_untold", switches_of_hubs.hub_takes_untold, hub_mix_of(290), first=290),
    Mutant(
        "hub_answers_unread",
        switches_of_hubs.hub_answers_unread,
        _WITH_HUB,
        lives_of_hubs.read_in_two_pages,
    ),
    Mutant(
        "hub_stops_before_it_told",
        switches_of_hubs.hub_stops_before_it_told,
        _WITH_HUB,
        lives_of_hubs.asked_back_while_cut_off,
        first=2,
    ),
    Mutant("old_word_counts", switches_of_hubs.old_word_counts, _WITH_HUB, lives_of_hubs.told_late),
    Mutant(
        "old_hub_goes_on", switches_of_hubs.old_hub_goes_on, _WITH_HUB, lives_of_hubs.replaced_alive
    ),
    Mutant(
        "relay_names_anew",
        switches_of_hubs.relay_names_anew,
        _WITH_HUB,
        lives_of_hubs.let_in_and_relayed,
    ),
    Mutant(
        "relay_counts_anew",
        switches_of_hubs.relay_counts_anew,
        _WITH_HUB,
        lives_of_hubs.let_in_and_relayed,
    ),
    Mutant(
        "rows_overwrite_entries",
        switches_of_hubs.rows_overwrite_entries,
        _WITH_HUB,
        lives_of_hubs.told_of_what_it_knows_better,
    ),
    Mutant(
        "hub_clock_is_believed",
        switches_of_hubs.hub_clock_is_believed,
        _WITH_HUB,
        lives_of_hubs.let_in_by_a_wrong_clock,
    ),
    Mutant(
        "clocks_below_are_not_told",
        switches_of_hubs.clocks_below_are_not_told,
        _WITH_HUB,
        lives_of_hubs.started_with_a_wrong_clock,
    ),
    Mutant(
        "told_clock_is_not_kept",
        switches_of_hubs.told_clock_is_not_kept,
        _WITH_HUB,
        lives_of_hubs.pushed_before_it_greeted,
    ),
    Mutant(
        "lent_on_twice",
        switches_of_hubs.lent_on_twice,
        _BELOW_HUB,
        lives_of_hubs.sold_while_cut_off,
    ),
    Mutant(
        "old_stock_is_lent_on",
        switches_of_hubs.old_stock_is_lent_on,
        _BELOW_HUB,
        lives_of_hubs.sold_below_a_lost_hub,
    ),
    Mutant(
        "hub_forgets_who_has_it",
        switches_of_hubs.hub_forgets_who_has_it,
        _BELOW_HUB,
        lives_of_hubs.told_anew_whose_it_is,
    ),
    Mutant(
        "hub_reports_nothing",
        switches_of_hubs.hub_reports_nothing,
        _BELOW_HUB,
        lives_of_hubs.lent_in_a_lost_history,
    ),
    Mutant(
        "hub_lends_as_new",
        switches_of_hubs.hub_lends_as_new,
        replace(_BELOW_HUB, soft_s=600, hard_s=600),
        lives_of_hubs.lent_on_late,
    ),
)


def kill(mutant: Mutant, *, search: int = 0) -> tuple[int, Outcome | None]:
    """Try seeds until the mutant dies; how many it lived, and what it died of."""
    for tried in range(search or SEEDS_MAX):
        seed = tried + (1 if search else mutant.first)
        mix = mix_of(seed) if search else mutant.mix
        script = None if search else mutant.script
        outcome = run_seed(seed, mix, mutation=mutant.off, script=script)
        if outcome.broken:
            return tried + 1, outcome
    return search or SEEDS_MAX, None


def sound(mutant: Mutant, seed: int, *, search: bool = False) -> Outcome:
    """The very life in which a mutant died, with nothing switched off: nothing may break in it,
    and a script must come to its end.

    Else it was the script that broke, and not the safeguard that was missed.
    """
    if search:
        return run_seed(seed, mix_of(seed))
    return run_seed(seed, mutant.mix, script=mutant.script)


def run_mutants(search: int = 0) -> int:
    """All of them; 0 when all are dead. The last line is their number and that of the dead.

    Dead is who breaks a promise in a life in which the whole program breaks none.
    """
    killed = 0
    for mutant in MUTANTS:
        began_s = time.perf_counter()
        seeds, outcome = kill(mutant, search=search)
        died_of = outcome.broken if outcome else "LIVES"
        if outcome is not None:
            whole = sound(mutant, outcome.seed, search=bool(search))
            trouble = whole.broken or whole.astray
            killed += not trouble
            if trouble:
                died_of = f"AND THE WHOLE PROGRAM: {trouble}"
        took_s = time.perf_counter() - began_s
        sys.stdout.write(f"{mutant.name:<24} {seeds:>4} seeds {took_s:5.1f} s  {died_of[:90]}\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps({"mutants": len(MUTANTS), "killed": killed}) + "\n")
    return 0 if killed == len(MUTANTS) else 1
