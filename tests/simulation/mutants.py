"""Safeguards switched off, one at a time: each must be missed by some promise, or it is no use.

A switch lives here, never in the program: a named function of it is replaced while the world
runs. Each has a mix in which its hour comes soon, and seeds that are tried in turn.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from edge import allotments, recorder, returns, time_left
from edge.errors import ReplicaError
from edge.protocol import acquire
from sync_server.heart import effects, history, intake, lending, reclaim, units
from sync_server.store import writer
from tests.simulation import nodes
from tests.simulation.house import Shape
from tests.simulation.mix import RHO, Mix, mix_of
from tests.simulation.network import SERVER
from tests.simulation.oracle import Violation
from tests.simulation.running import Outcome, run_seed
from ticketing.admission import AllotmentState
from ticketing.terms import Standing

if TYPE_CHECKING:
    from tests.simulation.tills import Till
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


def no_case_for_two_entries(_world: World) -> AbstractContextManager[object]:
    """Nobody looks whether a ticket went in twice."""
    return _put(effects, "_look_for_cases", lambda *_: None)


def no_quarantine(_world: World) -> AbstractContextManager[object]:
    """A new history begins to lend at once."""
    real = history.begin_generation

    def begin_generation(sql: Any, made: Any) -> None:
        real(sql, made)
        sql.run("UPDATE stream SET quarantine = 0")
        sql.run("DELETE FROM quarantine")

    return _everywhere("begin_generation", real, begin_generation)


def sell_after_expiry(_world: World) -> AbstractContextManager[object]:
    """A till sells on when its term is over."""
    return _put(time_left, "_standing", lambda *_: Standing.NORMAL)


def no_guard(_world: World) -> AbstractContextManager[object]:
    """The centre trusts both clocks to run right."""

    def allowed(granted_ms: int, hard_s: int, now_ms: int, *_: object, **__: object) -> bool:
        return now_ms - granted_ms >= hard_s * 1000

    return _put(reclaim, "write_off_allowed", allowed)


def ttl_from_receive(world: World) -> AbstractContextManager[object]:
    """A till counts a term from when the answer came."""
    real = acquire.on_acquire

    def on_acquire(unit: Any, want: Any, sent: Any, reply: Any) -> Any:
        for actor in world.actors.values():
            if actor.machine.journal.connection is unit:
                sent = replace(sent, sent_mono_s=actor.machine.monotonic_s())
        return real(unit, want, sent, reply)

    return _put(acquire, "on_acquire", on_acquire)


def no_deferral(_world: World) -> AbstractContextManager[object]:
    """In quarantine operations take effect as they come."""
    real = effects.apply_op
    return _put(intake, "apply_op", lambda *given: real(*given, final=False))


def no_idempotent_grant(_world: World) -> AbstractContextManager[object]:
    """A request that comes again is a new one."""
    return _put(lending, "find_by_req", lambda *_: None)


def no_version_bump(_world: World) -> AbstractContextManager[object]:
    """A returned unit is sold again under the same version."""

    def free_returned(work: Any, claim: Any) -> None:
        units.free_unit(work, claim)

    return _everywhere("free_returned", units.free_returned, free_returned)


def sold_again_here(_world: World) -> AbstractContextManager[object]:
    """A till puts what it took back on sale by itself."""

    def mark_returned(unit: Any, stream: str, order_id: Any, ticket_ids: Any) -> None:
        real(unit, stream, order_id, ticket_ids)
        unit.execute("UPDATE allot_unit SET state = 'free' WHERE state = 'returned'")

    real = returns.mark_returned
    return _everywhere("mark_returned", real, mark_returned)


def no_witness(_world: World) -> AbstractContextManager[object]:
    """A node does not ask its witness whether the folder is the one it went on with."""
    return _put(recorder, "contradiction", lambda *_: None)


def no_nonce(_world: World) -> AbstractContextManager[object]:
    """What is random in an operation is made of the journal that both copies share."""
    real = nodes.SimEnv.random_bytes

    def random_bytes(self: Any, count: int) -> bytes:
        journal = self._machine.journal.connection
        if not journal.in_transaction:
            return real(self, count)
        (ops,) = journal.execute("SELECT count(*) FROM op").fetchone()
        seen = f"{self._machine.enrolled.node_id} {ops}".encode()
        return hashlib.shake_256(seen).digest(count)

    return _put(nodes.SimEnv, "random_bytes", random_bytes)


# --- lives in which their hour comes


def copied_whole(world: World) -> None:
    """A till is copied with its witness, and both sell the same unit in the same moment.

    Whether both buyers pay with the same note is the seed's chance.
    """
    till = world.tills[0]
    world.begin()
    _stocked(world, till)
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
    assert all(wrote.values()), wrote
    _rests(world)
    cases = world.server.disk.connection.execute("SELECT 1 FROM case_file WHERE kind = 'fork'")
    if cases.fetchone() is None:
        raise Violation("2.5", f"two copies sold {sold}, and nobody was told of a fork")


def _twin_of(world: World, till: Till) -> Till:
    """The same folder, witness and clock on another machine: E1."""
    ours = till.machine
    twin = nodes.Machine(world, ours.enrolled, f"{till.name}'")
    twin.rate, twin.wall_off_ms = ours.rate, ours.wall_off_ms
    twin.journal.reopen(ours.journal.image())
    twin.mirror.reopen(ours.mirror.image())
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
    _stocked(world, till)
    world.demand = False
    before = till.machine.journal.image()
    sold = till.free_units()[:1]
    _sells(world, till, sold)
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 30)
    till.machine.journal.images = deque([before] * 2, maxlen=2)
    world.breakage.set_back(till)
    world.works.run(world.works.now + 10)
    _sells(world, till, sold)
    _rests(world)


def _stocked(world: World, till: Till) -> None:
    """Until a till has something to sell that nobody has put into a basket yet."""
    while world.works.now < 60 and not (till.node and len(till.free_units()) > 1):
        world.works.run(world.works.now + 1)
    assert till.free_units(), "the house lends nothing"


def _sells(world: World, till: Till, units: list[int]) -> None:
    """Its cashier sells these, or is refused."""
    world.works.spawn(till.process, lambda: _sell_units(till, units))
    world.works.run(world.works.now + 2)


def _sell_units(till: Till, units: list[int]) -> None:
    with suppress(ReplicaError):
        till.sell_units(units)


def _rests(world: World) -> None:
    world.come_to_rest()
    world.oracle.check_at_rest()


def cut_off_for_good(world: World) -> None:
    """A slow till with units to sell is cut off; managers wait for the first moment, on a fast
    server; and just then people come to buy at the till.
    """
    till = world.tills[0]
    world.server.rate, till.machine.rate = 1 + RHO, 1 - RHO
    world.begin()
    while world.works.now < 60 and not (till.node and len(till.free_units()) > 1):
        world.works.run(world.works.now + 1)
    world.demand = False
    world.network.part(((till.name, SERVER), (SERVER, till.name)), 10_000)
    began = world.works.now
    world.works.run(began + world.mix.hard_s * (1 - 2 * RHO) - 5)
    while world.works.now < began + world.mix.hard_s * (1 + 3 * RHO) + 20:
        world.demand = bool(world.written_off)
        world.breakage.write_off()
        world.works.run(world.works.now + 0.2)


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
    shape=Shape(4, 2, 2, 1), server_images=5, edge_images=5, sale_s=1e9, release_s=1e9, ask_s=5.0
)
"""Nobody sells, and nothing breaks, but by the script."""
_RETURNING = replace(_BUSY, return_s=3.0, partition_rate=0.1, partition_s=10.0)

MUTANTS: tuple[Mutant, ...] = (
    Mutant("reopen_closed", reopen_closed, _STRAGGLING, first=21),
    Mutant("no_quarantine", no_quarantine, _LOSING),
    Mutant("no_fork_check", no_fork_check, replace(_COPYING, clone_rate=0.05), first=12),
    Mutant("no_head_check", no_head_check, replace(_COPYING, clone_rate=0.05), first=20),
    Mutant("sell_after_expiry", sell_after_expiry, _EXPIRING, cut_off_for_good),
    Mutant("reply_before_commit", reply_before_commit, _CRASHING, first=4),
    Mutant(
        "ttl_from_receive",
        ttl_from_receive,
        replace(_EXPIRING, latency_s=3.0),
        cut_off_for_good,
        first=43,
    ),
    Mutant("no_guard", no_guard, _DRIFTING, cut_off_for_good),
    Mutant("no_deferral", no_deferral, _LOSING),
    Mutant("no_idempotent_grant", no_idempotent_grant, _STRAGGLING),
    Mutant("no_version_bump", no_version_bump, replace(_RETURNING, shape=Shape(2, 0, 2, 1))),
    Mutant("sold_again_here", sold_again_here, _RETURNING),
    Mutant("no_case_for_two_entries", no_case_for_two_entries, _GATES),
    Mutant("no_witness", no_witness, _DIRECTED, set_back_and_cut_off),
    Mutant("no_nonce", no_nonce, _DIRECTED, copied_whole, first=3),
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
    """The very life in which a mutant died, with nothing switched off: nothing may break in it.

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
            killed += not whole.broken
            if whole.broken:
                died_of = f"SO DOES THE WHOLE PROGRAM: {whole.broken}"
        took_s = time.perf_counter() - began_s
        sys.stdout.write(f"{mutant.name:<24} {seeds:>4} seeds {took_s:5.1f} s  {died_of[:90]}\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps({"mutants": len(MUTANTS), "killed": killed}) + "\n")
    return 0 if killed == len(MUTANTS) else 1
