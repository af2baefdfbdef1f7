"""What varies from seed to seed: how much is sold, what breaks and how often.

Rates are drawn anew for each seed, many of them nothing at all: a fault that is always there
hides what only happens without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.simulation.house import Shape
from ticketing.terms import DRIFT_MAX

RHO = DRIFT_MAX


@dataclass(slots=True)
class Mix:
    """One seed's house, workload and faults. Times are true seconds, rates are per second."""

    shape: Shape = field(default_factory=lambda: Shape(4, 2, 2, 1))
    runs_s: float = 240.0
    soft_s: int = 0
    hard_s: int = 0
    # the network
    drop: float = 0.0
    duplicate: float = 0.0
    latency_s: float = 0.02
    straggle: float = 0.0
    partition_rate: float = 0.0
    partition_s: float = 20.0
    # programs and machines
    service_s: float = 0.005
    crash: dict[str, float] = field(default_factory=dict)
    kill_rate: float = 0.0
    reboot_share: float = 0.2
    restart_mean_s: float = 4.0
    weak_disk: float = 0.0
    # disks
    server_images: int = 0
    edge_images: int = 0
    mirror_images: int = 0
    failover_rate: float = 0.0
    take_over_rate: float = 0.0
    rollback_rate: float = 0.0
    clone_rate: float = 0.0
    write_off_rate: float = 0.0
    # people
    sale_s: float = 6.0
    ask_s: float = 10.0
    release_s: float = 30.0
    stock_units: int = 4
    settle_share: float = 0.0
    scan_s: float = 5.0
    copied_tickets: float = 0.2
    return_s: float = 0.0
    exchange_share: float = 0.0
    pool_s: float = 0.0
    handout_s: float = 0.0
    recall_s: float = 0.0
    online_s: float = 0.0
    clocks_off: float = 0.0

    def clock_rate(self, rng: Random) -> float:
        """How fast a clock runs; often as wrong as is tolerated."""
        return 1 + rng.choice((-RHO, RHO, -RHO, RHO, 0.0, rng.uniform(-RHO, RHO)))

    def clock_offset_ms(self, rng: Random) -> int:
        """How wrong a wall clock is set."""
        if rng.random() >= self.clocks_off:
            return rng.randrange(-2_000, 2_000)
        return rng.choice((-86_400_000, -3_600_000, -60_000, 60_000, 3_600_000, 86_400_000))

    def restart_s(self, rng: Random) -> float:
        """How long until a program that died is up again."""
        return 0.5 + rng.expovariate(1 / self.restart_mean_s)


EDGE_POINTS = (
    "before_commit",
    "after_commit_before_witness",
    "after_witness_before_print",
    "before_print",
    "after_print",
    "before_barrier",
    "after_barrier",
    "after_legs_before_sale",
)
SERVER_POINTS = ("before_commit", "after_commit", "before_reply")


def mix_of(seed: int) -> Mix:
    """The mix of a seed."""
    rng = Random(f"mix {seed}")

    def sometimes(share: float, low: float, high: float) -> float:
        return rng.uniform(low, high) if rng.random() < share else 0.0

    shape = Shape(
        seats=rng.randrange(2, 7),
        standing=rng.choice((0, 2, 3, 5)),
        tills=rng.choice((2, 2, 2, 3, 3, 4)),
        gates=rng.choice((1, 1, 2)),
        entries=2 if seed % 4 == 0 else 1,
    )
    soft_s = rng.choice((0, 0, 10, 20, 40))
    crash = {
        f"{who}:{point}": sometimes(0.15, 0.005, 0.06)
        for who, points in (("node", EDGE_POINTS), ("server", SERVER_POINTS))
        for point in points
    }
    failing_over = rng.random() < 0.3
    copying = rng.random() < 0.25
    mix = Mix(
        shape=shape,
        runs_s=rng.choice((50.0, 80.0, 120.0)),
        soft_s=soft_s,
        hard_s=soft_s * rng.choice((1, 2)),
        drop=sometimes(0.5, 0.0, 0.25),
        duplicate=sometimes(0.4, 0.0, 0.3),
        latency_s=rng.choice((0.005, 0.05, 0.3, 1.0)),
        straggle=sometimes(0.4, 0.0, 0.2),
        partition_rate=sometimes(0.5, 0.005, 0.05),
        partition_s=rng.choice((5.0, 20.0, 60.0)),
        service_s=rng.choice((0.001, 0.01, 0.2)),
        crash=crash,
        kill_rate=sometimes(0.4, 0.002, 0.02),
        restart_mean_s=rng.choice((1.0, 4.0, 15.0)),
        weak_disk=sometimes(0.15, 0.0, 0.05),
        server_images=rng.choice((2, 5, 30)) if failing_over else 0,
        edge_images=rng.choice((3, 12)) if copying else 0,
        mirror_images=rng.choice((0, 0, 4)),
        failover_rate=rng.uniform(0.003, 0.015) if failing_over else 0.0,
        rollback_rate=sometimes(0.5, 0.002, 0.01) if copying else 0.0,
        clone_rate=sometimes(0.5, 0.002, 0.01) if copying else 0.0,
        write_off_rate=sometimes(0.4, 0.01, 0.1) if soft_s else 0.0,
        sale_s=rng.choice((3.0, 6.0, 15.0)),
        ask_s=rng.choice((4.0, 10.0, 40.0)),
        release_s=rng.choice((10.0, 30.0, 100.0)),
        stock_units=rng.choice((0, 2, 4)),
        settle_share=sometimes(0.3, 0.0, 0.3),
        scan_s=rng.choice((3.0, 8.0, 20.0)),
        copied_tickets=rng.choice((0.0, 0.2, 0.6)),
        return_s=rng.choice((0.0, 8.0, 20.0, 60.0)),
        recall_s=rng.choice((0.0, 20.0, 60.0)),
        online_s=rng.choice((0.0, 10.0, 30.0)),
        clocks_off=rng.choice((0.0, 0.0, 0.5)),
        take_over_rate=sometimes(0.2, 0.005, 0.05),
        exchange_share=rng.choice((0.0, 0.0, 0.5)),
        pool_s=rng.choice((0.0, 0.0, 10.0, 30.0)),
        handout_s=rng.choice((0.0, 0.0, 8.0, 20.0)),
    )
    return _giving_up(mix) if soft_s and rng.random() < 0.3 else mix


def _giving_up(mix: Mix) -> Mix:
    """Tills are cut off for longer than their terms, given up at once, and come back with sales.

    There are standing places enough for somebody who comes late to get another one.
    """
    return replace(
        mix,
        shape=replace(mix.shape, standing=5),
        runs_s=120.0,
        soft_s=10,
        hard_s=10,
        latency_s=min(mix.latency_s, 0.3),
        partition_rate=0.05,
        partition_s=60.0,
        write_off_rate=0.3,
        sale_s=3.0,
        ask_s=4.0,
        stock_units=2,
    )
