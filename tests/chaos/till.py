"""A till without a screen, as a process to be killed: it sells, prints, voids and gives back.

    python -m tests.chaos.till SETTINGS.json

Everything that it does to the journal is the till's own code; paper is a line in its facts, written
when the sale has committed.
"""

from __future__ import annotations

import random
import sys
import threading
import time

from edge import giving_back
from edge.allotments import Grant
from edge.catalogue import Known, MirrorCatalogue
from edge.errors import ReplicaError
from edge.id_mint import IdMint
from edge.journal import Unit
from edge.local_view import ALLOT, FREE, UnitView, unit_views
from edge.node import Node
from edge.returns import void_here
from edge.sync import Wish
from pos_app.services import shifts
from pos_app.services.basket import Basket, add_unit, empty_basket
from pos_app.services.sales import Seller, UnitsGone, sell
from pos_app.services.shifts import Clerk
from pos_app.services.tender_model import in_cash
from tests.chaos.facts import FactBook
from tests.chaos.node import Control, NodeSettings, run_node
from ticketing.ids import AllotmentId
from ticketing.journal import Op
from ticketing.operations import Refund, RefundAction, Sale

STOCK, LOW = 60, 25
PERSON = "li.na"
_VOIDS, _FIRM, _SETTLES, _OLD_MAP = 0.06, 0.1, 0.01, 0.4
_TICKETS_MAX = 3


class ChaosTill:
    """What the hand at this till does, by its seed."""

    def __init__(self, node: Node, settings: NodeSettings, control: Control) -> None:
        self._node, self._control, self._pace_s = node, control, settings.pace_s
        self._rng = random.Random(settings.seed)
        self._facts = FactBook(settings.facts)
        self._catalogue = MirrorCatalogue(node.replica.mirror)
        prefix = node.identity.node_id[:4].upper()
        self._seller = Seller(node.env, IdMint(node.env), node.key, PERSON, prefix)
        self._clerk = Clerk(node.env, self._seller.ids, node.identity.venue_id, PERSON)
        self._asking: set[str] = set()
        self._wanted: set[tuple[str, int, int]] = set()
        self._guard = threading.Lock()

    def work(self) -> None:
        """Until the process is told to stop."""
        while not self._control.stop.is_set():
            if self._control.resting.is_set():
                self._tidy()
                self._control.is_idle.set()
                time.sleep(0.05)
                continue
            try:
                self._turn()
            except (ReplicaError, OSError):  # a full disk: nothing was recorded, or not printed
                self._control.count("refused")
                time.sleep(0.1)
            time.sleep(self._rng.uniform(0, 2 * self._pace_s))

    def _turn(self) -> None:
        events = self._catalogue.events()
        if not events:
            time.sleep(0.05)
            return
        known = self._rng.choice(events)
        self._tidy()
        self._open_shift(known.event.currency)
        chance = self._rng.random()
        if chance < _SETTLES:
            self._settle(known)
        elif chance < _SETTLES + _FIRM:
            self._ask_for_others(known)
        else:
            self._sell(known, voids=chance > 1 - _VOIDS)

    def _open_shift(self, currency: str) -> None:
        """Nothing is sold without one. Its drawer is empty: sales alone are counted."""
        with self._node.replica.reading() as connection:
            if shifts.shift_for(connection, currency):
                return
        self._node.replica.transact(lambda unit: shifts.begin(unit, self._clerk, currency, ()))

    def _sell(self, known: Known, *, voids: bool) -> None:
        performance = known.event.performances[0].number
        free = self._free(known.event.id, performance)
        if len(free) < LOW:
            self._stock(known.event.id, performance)
        if not free:
            return
        basket = empty_basket(known.event)
        for number in self._rng.sample(free, min(len(free), self._rng.randint(1, _TICKETS_MAX))):
            basket = add_unit(basket, known.event, performance, number)
        self._sell_basket(known, basket, voids=voids)

    def _sell_basket(self, known: Known, basket: Basket, *, voids: bool) -> None:
        try:
            sale = self._node.replica.transact(
                lambda unit: sell(
                    unit, self._seller, known.event, basket, in_cash(basket.total_minor)
                )
            )
        except UnitsGone:
            self._control.count("gone")
            return
        self._node.engine.nudge()
        self._facts.note(
            {
                "do": "printed",
                "event": known.event.id,
                "order": sale.order_id,
                "total": sale.total_minor,
                "for_gate": not voids,
                "tickets": [
                    [line.ticket_id, line.performance, line.unit, line.version, line.code]
                    for line in sale.lines
                ],
            }
        )
        self._control.count("sold")
        if voids:
            self._void(known.event.id, sale)

    def _void(self, stream: str, sale: Sale) -> None:
        ids = tuple(line.ticket_id for line in sale.lines)
        refund = Refund(
            sale.order_id, RefundAction.VOID, ids, sale.total_minor, 0, sale.currency, PERSON, "no"
        )
        done = self._node.replica.transact(
            lambda unit: void_here(unit, self._node.env, stream, refund, ids, same_shift=True)
        )
        if isinstance(done, Op):
            self._node.engine.nudge()
            self._facts.note({"do": "voided", "order": sale.order_id, "tickets": list(ids)})
            self._control.count("voided")

    # --- what is lent

    def _free(self, stream: str, performance: int) -> list[int]:
        with self._node.replica.reading() as connection:
            rows = connection.execute(
                "SELECT unit FROM allot_unit u JOIN allot a ON a.stream = u.stream "
                "AND a.id = u.allot_id WHERE u.stream = ? AND u.performance = ? "
                "AND u.state = 'free' AND a.firm = 0 ORDER BY unit",
                (stream, performance),
            )
            return [row["unit"] for row in rows]

    def _stock(self, stream: str, performance: int) -> None:
        with self._guard:
            if stream in self._asking:
                return
            self._asking.add(stream)

        def then(_outcome: Grant | str) -> None:
            with self._guard:
                self._asking.discard(stream)

        wish = Wish(stream, self._req(), performance, then, count=STOCK)
        if not self._node.engine.wish(wish):
            then("offline")

    def _ask_for_others(self, known: Known) -> None:
        """Units of the map for a basket: sold or given back when they come.

        Most often they look free. The rest looked free some time ago and is lent to another now.
        """
        stream, performance = known.event.id, known.event.performances[0].number
        with self._node.replica.reading() as own, self._node.replica.mirror.reading() as mirror:
            views = unit_views(own, mirror, stream, performance)
        numbers = list(range(1, known.plan.unit_count + 1))
        is_old = self._rng.random() < _OLD_MAP
        wanted_kind = ALLOT if is_old else FREE
        numbers = [n for n in numbers if _kind(views.get(n)) == wanted_kind]
        units = tuple(sorted(self._rng.sample(numbers, min(2, len(numbers)))))
        if not units:
            return
        places = {(stream, performance, number) for number in units}
        sells = self._rng.random() < 0.5
        with self._guard:
            self._wanted |= places

        def then(outcome: Grant | str) -> None:
            try:
                if isinstance(outcome, Grant) and sells:
                    basket = empty_basket(known.event)
                    for number in units:
                        basket = add_unit(basket, known.event, performance, number)
                    self._sell_basket(known, basket, voids=False)
            except (ReplicaError, OSError):
                self._control.count("refused")
            finally:
                with self._guard:  # what is left of them goes back with the next `_tidy`
                    self._wanted -= places

        wish = Wish(stream, self._req(), performance, then, units=units, firm=True)
        if not self._node.engine.wish(wish):
            then("offline")

    def _settle(self, known: Known) -> None:
        """Be done with one allotment, as at the end of a shift."""
        stream = known.event.id
        with self._node.replica.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM allot WHERE stream = ? AND state = 'open' AND firm = 0", (stream,)
            ).fetchall()
        if not rows:
            return
        allotment = AllotmentId.parse(self._rng.choice(rows)["id"])
        assert allotment is not None
        self._node.replica.transact(
            lambda unit: giving_back.settle(unit, self._node.env, stream, allotment)
        )
        self._node.engine.nudge()
        self._control.count("settled")

    def _tidy(self) -> None:
        """Give back what is recalled, and what was lent for a basket that there is no more."""
        with self._guard, self._node.replica.reading() as connection:
            wanted = set(self._wanted)
            stray = [
                (row["stream"], row["performance"], row["unit"])
                for row in connection.execute(
                    "SELECT u.stream, u.performance, u.unit FROM allot_unit u JOIN allot a "
                    "ON a.stream = u.stream AND a.id = u.allot_id "
                    "WHERE u.state = 'free' AND (a.firm = 1 OR a.recall = 1)"
                )
            ]
        stray = [place for place in stray if place not in wanted]
        if stray:
            self._node.replica.transact(lambda unit: self._give_back(unit, stray, wanted))
            self._node.engine.nudge()
            self._control.count("released")

    def _give_back(
        self,
        unit: Unit,
        stray: list[tuple[str, int, int]],
        wanted: set[tuple[str, int, int]],
    ) -> None:
        for stream, performance, number in stray:
            giving_back.release(unit, self._node.env, stream, performance, [number])
        for stream in {place[0] for place in stray}:
            keep = {(p, n) for of, p, n in wanted if of == stream}
            giving_back.release_recalled(unit, self._node.env, stream, keep)

    def _req(self) -> str:
        return self._node.env.random_bytes(16).hex()


def _kind(view: UnitView | None) -> str:
    """Of a unit: free, or lent to others; '' for what nobody would tap."""
    if view is None:
        return FREE
    return "" if view.is_ours else view.kind


def _work(node: Node, settings: NodeSettings, control: Control) -> None:
    ChaosTill(node, settings, control).work()


if __name__ == "__main__":
    sys.exit(run_node(_work))
