"""A till without its screen, as a process to be killed: real services, real files, real network.

    python -m tests.fakes.till_process SETTINGS.toml PERSON_ID PIN

answers JSON requests line by line: {"do": "ready"}, {"do": "sell", "count": 2, "print": true},
{"do": "print", "order": "..."}, {"do": "close", "counted": 12345}, {"do": "status"}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from pos_app.opening import open_window
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import Sold, UnitState
from pos_app.services.shift_model import ZReport
from pos_app.services.window import Window
from pos_app.settings import TillSettings
from program.settings import load_settings
from ticketing.operations import cash_count

PERFORMANCE = 1
_WAIT_S = 20.0


def main() -> int:
    """Serve until standard input ends."""
    settings = load_settings(TillSettings, Path(sys.argv[1]))
    settings.log.apply()
    window = open_window(settings)
    window.start()
    for line in sys.stdin:
        reply = _do(window, json.loads(line))
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    window.stop()
    return 0


def _do(window: Window, request: dict[str, Any]) -> dict[str, Any]:
    match request:
        case {"do": "ready"}:
            return {"free": _get_ready(window)}
        case {"do": "sell", "count": int(count), "print": bool(printing)}:
            return _sell(window, count, printing)
        case {"do": "print", "order": str(order)}:
            return {"outcome": window.print_order(order).outcome}
        case {"do": "close", "counted": int(counted)}:
            closed = window.shifts.close(cash_count([(1, counted)]))
            return {"z": closed.number if isinstance(closed, ZReport) else 0}
        case {"do": "status"}:
            status = window.status()
            return {
                "link": status.link,
                "unsynced": status.unsynced_count,
                "unprinted": [order.order_id for order in window.unprinted()],
            }
    raise ValueError(f"no such request: {request}")


def _get_ready(window: Window) -> int:
    """Sign in and have units lent, while the server is there; else go on with what is held."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        if window.performances() and window.people():
            break
        time.sleep(0.05)
    window.sign_in(sys.argv[2], sys.argv[3])
    if window.shifts.current() is None:  # one that a kill interrupted is still open
        window.shifts.open(())
    while time.monotonic() < deadline and not _free(window):
        window.stock(PERFORMANCE)
        time.sleep(0.1)
    return len(_free(window))


def _sell(window: Window, count: int, printing: bool) -> dict[str, Any]:
    event = window.house(PERFORMANCE).event
    basket = empty_basket(event)
    for unit in _free(window)[:count]:
        basket = add_unit(basket, event, PERFORMANCE, unit)
    sold = window.pay_cash(basket, basket.total_minor)
    if not isinstance(sold, Sold):
        return {"refused": sold.reason}
    outcome = window.print_order(sold.order_id).outcome if printing else ""
    return {"order": sold.order_id, "total": sold.total_minor, "print": outcome}


def _free(window: Window) -> list[int]:
    states = window.availability(PERFORMANCE).states
    return sorted(unit for unit, state in states.items() if state is UnitState.FREE)


if __name__ == "__main__":
    sys.exit(main())
