"""Safeguards switched off, one at a time: each must be missed by some promise, or it is no use.

A switch lives here, never in the program: a named function of it is replaced while the world
runs. Each has a mix in which its hour comes soon, and seeds that are tried in turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from edge import allotments
from sync_server.heart import arbiter, effects, intake
from sync_server.store import writer
from tests.simulation.house import Shape
from tests.simulation.mix import Mix, mix_of
from tests.simulation.running import Outcome, run_seed
from ticketing.admission import AllotmentState

if TYPE_CHECKING:
    from tests.simulation.world import World

SEEDS_MAX = 40
"""So many seeds of its mix a mutant may live."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A safeguard, how it is switched off, and the mix that shows it."""

    name: str
    off: Callable[[World], AbstractContextManager[object]]
    mix: Mix


def _put(target: Any, name: str, value: object) -> AbstractContextManager[object]:
    return mock.patch.object(target, name, value)


# --- the switches


def reopen_closed(_world: World) -> AbstractContextManager[object]:
    """A node opens again what it has seen closed."""
    real = allotments.install

    def install(unit: Any, stream: str, grant: Any, *rest: Any, **options: Any) -> bool:
        if grant.state == AllotmentState.OPEN:
            key = (stream, str(grant.id))
            unit.execute("UPDATE allot SET state = 'open' WHERE stream = ? AND id = ?", key)
            unit.execute(
                "UPDATE allot_unit SET state = 'free' WHERE stream = ? AND allot_id = ? "
                "AND state = 'released'",
                key,
            )
        return real(unit, stream, grant, *rest, **options)

    return _everywhere("install", real, install)


@contextmanager
def _everywhere(name: str, real: object, value: object) -> Iterator[None]:
    """Replace a function in every module that has taken it by name."""
    found = [m for m in list(sys.modules.values()) if getattr(m, name, None) is real]
    assert found, name
    patches = [mock.patch.object(module, name, value) for module in found]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def reply_before_commit(_world: World) -> AbstractContextManager[object]:
    """The server answers, and commits afterwards, if at all."""

    def commit(self: Any, items: list[Any], run: Any) -> Exception | None:
        try:
            with self._engine.begin() as connection:
                batch = writer.Transaction(connection, vars(writer)["time"].time_ns() // 1_000_000)
                writer._run_steps(batch, [item for item in items if not item.is_job], run)
                for item in items:
                    if item.is_job:
                        writer._attempt(batch, item)
                self._settle(items)
        except Exception as error:  # noqa: BLE001 - as the real one
            return error
        self._on_commit(frozenset(batch.touched))
        return None

    return _put(writer.Writer, "_commit", commit)


def no_head_check(_world: World) -> AbstractContextManager[object]:
    """The server believes every head that it is told."""

    def apply(self: Any, work: Any) -> Any:
        journal = work.journal(self.source.node_id, self.source.incarnation)
        if journal.state != "open":
            return intake.Forked(journal.seq)
        return intake.Taken(journal.seq, journal.hash, ())

    return _put(intake.HeadCheck, "apply", apply)


def no_fork_check(_world: World) -> AbstractContextManager[object]:
    """The server does not compare what comes twice."""
    return _put(intake, "_continues", lambda *_: True)


def arbiter_forgets(_world: World) -> AbstractContextManager[object]:
    """The arbiter does not give an unheard answer again (ADR 6)."""
    return _put(arbiter.Admit, "_answered_before", lambda *_: None)


def no_case_for_two_entries(_world: World) -> AbstractContextManager[object]:
    """Nobody looks whether a ticket went in twice."""
    return _put(effects, "_look_for_cases", lambda *_: None)


_BUSY = Mix(
    shape=Shape(4, 2, 2, 1),
    runs_s=80.0,
    latency_s=0.1,
    sale_s=3.0,
    ask_s=3.0,
    release_s=5.0,
    scan_s=3.0,
)
_STRAGGLING = replace(_BUSY, straggle=0.3, latency_s=0.5, duplicate=0.2, settle_share=1.0)
_CRASHING = replace(_BUSY, crash={"server:before_commit": 0.1, "server:after_commit": 0.05})
_GATES = replace(_BUSY, shape=Shape(4, 3, 2, 2), latency_s=0.2, straggle=0.2, scan_s=2.0)

MUTANTS: tuple[Mutant, ...] = (
    Mutant("reopen_closed", reopen_closed, _STRAGGLING),
    Mutant("reply_before_commit", reply_before_commit, _CRASHING),
    Mutant("no_case_for_two_entries", no_case_for_two_entries, _GATES),
)


def kill(mutant: Mutant, *, search: int = 0) -> tuple[int, Outcome | None]:
    """Try seeds until the mutant dies; how many it lived, and what it died of."""
    for seed in range(1, (search or SEEDS_MAX) + 1):
        mix = mix_of(seed) if search else mutant.mix
        outcome = run_seed(seed, mix, mutation=mutant.off)
        if outcome.broken:
            return seed, outcome
    return search or SEEDS_MAX, None


def run_mutants(search: int = 0) -> int:
    """All of them; 0 when all are dead. The last line is their number and that of the dead."""
    killed = 0
    for mutant in MUTANTS:
        began_s = time.perf_counter()
        seeds, outcome = kill(mutant, search=search)
        took_s = time.perf_counter() - began_s
        killed += outcome is not None
        died_of = outcome.broken if outcome else "LIVES"
        sys.stdout.write(f"{mutant.name:<24} {seeds:>4} seeds {took_s:5.1f} s  {died_of[:90]}\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps({"mutants": len(MUTANTS), "killed": killed}) + "\n")
    return 0 if killed == len(MUTANTS) else 1
