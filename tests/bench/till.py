"""How quickly the till answers its cashier: `python -m tests.bench.till`.

The real program as a process of its own, offscreen at 1920x1080, over real files: a stadium of
50,000 seats of which a fifth is lent to this window, a journal of 100,000 orders, and no server.

- `start_s`: from the start of the process to the painted sign-in page, the median of five.
- `feedback_p95_ms`: from a posted tap (tier chip, quantity, best together, a seat, quick cash) to
  the end of the paint that follows it; `feedback_ms` has each of them. `found_p95_ms` and
  `paid_p95_ms` go on to the paint of the seats that were found, and of the change.
- `reprice_p95_ms`: the basket at the prices of now, of two to twenty tickets of the sample theatre.
- `best_seats_p95_ms`: the search as the screen asks for it, among 50,000 seats.
- `commit_p95_ms`: the service that makes a sale final, with its flush to the disk.
- `rss_mib`: the process's memory after the sales.
- `first_...`: the same while a till works that has never read this journal (the others are of its
  second start).

`..._cpu_ms` is what the window's own thread worked for it, and `start_cpu_s` what the process did: on
a busy machine they say more about the till, and the others more about the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pos_app.presenters.sell_house import search
from pos_app.presenters.sell_state import SellState, count_stock
from pos_app.services.basket import Basket, add_unit, empty_basket, reprice
from pos_app.services.model import Link, SyncStatus
from tests.bench._till_house import PERFORMANCE, PERSON, PIN, make_till
from tests.fakes.till import LOT, sample_catalogue
from tests.gui.seat_stage import stadium_till
from ticketing.pricing import Context, Role
from ticketing.seat_index import SeatIndex

STARTS, ROUNDS, ORDERS = 5, 30, 100_000
REPRICED, SEARCHED = 200, 100
"""Times."""
FEEDBACK = ("tier", "quantity", "best", "seat", "cash")
_PROCESS_TIMEOUT_S = 300
_AS_INSTALLED = """
import sys
sys.modules["click"] = None  # a development tool that httpx takes along: no till has it
from tests.bench._till_hands import main
sys.exit(main(sys.argv[1:]))
"""


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.till")
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        settings = make_till(Path(folder), options.orders)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        _start(make_till(Path(folder, "other"), 10), 0)
        first = _start(settings, options.rounds)  # it reads the whole journal, once in its life
        worked = _start(settings, options.rounds)
        starts = [_start(settings, 0) for _start_no in range(STARTS)]
    times: dict[str, list[float]] = worked["times"]
    times["reprice"] = _reprice()
    times["best_seats"] = _search()
    for what, each in times.items():
        print(
            f"   {what:12} median {statistics.median(each):7.2f}"
            f"  p95 {p95(each):7.2f}  max {max(each):7.2f} ms  ({len(each)})"
        )
    feedback = [ms for what in FEEDBACK for ms in times[what]]
    figures = {
        "start_s": _median(starts, "start_s"),
        "feedback_p95_ms": p95(feedback),
        "reprice_p95_ms": p95(times["reprice"]),
        "best_seats_p95_ms": p95(times["best_seats"]),
        "commit_p95_ms": p95(times["commit"]),
        "rss_mib": round(worked["rss_mib"]),
        "feedback_ms": {what: p95(times[what]) for what in FEEDBACK},
        "found_p95_ms": p95(times["found"]),
        "paid_p95_ms": p95(times["paid"]),
        "first_start_s": round(first["start_s"], 2),
        "first_feedback_p95_ms": p95([ms for what in FEEDBACK for ms in first["times"][what]]),
        "performances_s": _median(starts, "performances_s"),
        "start_cpu_s": _median(starts, "start_cpu_s"),
        "feedback_p95_cpu_ms": p95([ms for what in FEEDBACK for ms in times[f"{what}_cpu"]]),
        "orders": options.orders,
    }
    print(json.dumps(figures))


def p95(times: Sequence[float]) -> float:
    """The time that nineteen of twenty stay below."""
    return round(sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)], 2)


def _median(starts: Sequence[dict[str, Any]], key: str) -> float:
    return round(statistics.median(float(start[key]) for start in starts), 2)


def _start(settings: Path, rounds: int) -> dict[str, Any]:
    """Run the till to its end; what the hands in it found."""
    given = [str(settings), str(time.monotonic()), PERSON, PIN, str(rounds)]
    command = [sys.executable, "-c", _AS_INSTALLED, *given]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=_PROCESS_TIMEOUT_S
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _reprice() -> list[float]:
    """Baskets of the sample theatre, whose rules have steps, packages and quotas."""
    event = sample_catalogue().events[0]
    chance = random.Random(11)
    kinds = [kind.id for kind in event.ticket_types]
    shares = {(str(LOT), rate.pool): 50 for rate in event.price_rules.rates if rate.pool}
    took = []
    for _basket in range(REPRICED):
        basket: Basket = empty_basket(event)
        first = chance.randrange(1, 900)
        for unit in range(first, first + chance.randint(2, 20)):
            basket = add_unit(basket, event, PERFORMANCE, unit, chance.choice(kinds))
        context = Context(datetime.now(UTC), Role.CASHIER, PERSON, shares)
        began = time.perf_counter()
        reprice(basket, event, context)
        took.append((time.perf_counter() - began) * 1_000)
    return took


def _search() -> list[float]:
    """Groups of one to ten in the stadium, in all tiers or in one."""
    till = stadium_till()
    house, availability = till.house(PERFORMANCE), till.availability(PERFORMANCE)
    stock = count_stock(house, availability.states)
    online = SyncStatus(Link.ONLINE, None, None, 0, None, 0)
    index, chance = SeatIndex(house.plan), random.Random(5)
    took = []
    for _search_no in range(SEARCHED):
        tier = chance.choice([None, *(tier.id for tier in house.event.price_tiers)])
        state = SellState(house, 1, availability.states, stock, empty_basket(house.event))
        state = replace(state, status=online, quantity=chance.randint(1, 10), tier_id=tier)
        began = time.perf_counter()
        search(state, house, index)
        took.append((time.perf_counter() - began) * 1_000)
    return took


if __name__ == "__main__":
    main(sys.argv[1:])
