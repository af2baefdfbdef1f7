"""A window and the person behind it: the till's real use cases, in a random order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge import giving_back, returns
from edge.catalogue import MirrorCatalogue
from edge.errors import ReplicaError
from edge.id_mint import IdMint
from edge.journal import JournalLocked, Unit, is_locked
from edge.protocol import revoke
from edge.sync import RevokeWish
from pos_app.services import printing
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import News, NewsKind, Person, SaleRefusal, SaleRefused, Sold
from pos_app.services.printer import PrinterError, PrinterFault
from pos_app.services.tender_model import Payment
from pos_app.services.window import Window
from tests.simulation import desk
from tests.simulation.fibers import Process
from tests.simulation.house import EVENT, PERFORMANCE, Enrolled
from tests.simulation.nodes import Machine, open_node
from ticketing.ids import AllotmentId, TicketId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    Exchange,
    ExchangeAction,
    HandLeg,
    Refund,
    RefundAction,
    Sale,
    SaleLine,
    encode_refund,
)
from ticketing.returns import ReturnAction, Route

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulation.world import World

_MONEY_BACK = RefundAction.REFUND
_BY_CARD = "7"
"""How the ids of those refunds begin that go back by card, however the order was paid."""
_FLOAT = ((1_000, 10),)
_COMES_LATER, _COMES_HERE, _HAS_NO_PAPER, _NO_PAPER = 0.6, 0.2, 0.8, 0.2
"""Where hand-outs are asked for: chances that a buyer comes for the tickets later, that this is to
the window that sold them, that who wants tickets elsewhere has none yet, and that the printer has
no paper just then."""


class SimPrinter:
    """Paper: what comes out of here exists, whatever any database says."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def print_pdf(self, pdf: bytes, *, job: str) -> Path | None:
        """Put out the tickets of one order."""
        till, world = self._till, self._till.world
        till.node.env.maybe_crash("before_print")
        no_paper = _NO_PAPER if world.mix.handout_s and world.demand else 0.0
        if world.rng.random() < max(no_paper, world.mix.weak_disk):
            raise PrinterError(PrinterFault.COMMAND_FAILED, "out of paper")
        for code in json.loads(pdf):
            world.oracle.handed_to_buyer(till, code, is_original="-copy" not in job)
        till.node.env.maybe_crash("after_print")
        return None


class Till:
    """One window of the house."""

    def __init__(self, world: World, enrolled: Enrolled, machine: Machine | None = None) -> None:
        self.world = world
        self.machine = machine or Machine(world, enrolled)
        self.process = Process(self.machine.name, dead=True)
        self.window: Window
        self.ids: IdMint
        self.node: Any = None
        self.basket: list[int] = []

    @property
    def name(self) -> str:
        """Its name in the story."""
        return self.machine.name

    def start(self) -> None:
        """The program is started."""
        world = self.world
        self.process = process = Process(self.name)
        self.basket = []
        world.say(self.name, lambda: "starts")
        world.works.spawn(process, self._main)

    def _main(self) -> None:
        world = self.world
        self.node = node = open_node(self.machine, self.process)
        self.ids = IdMint(node.env)
        printer = printing.PrintDesk(
            node.replica,
            MirrorCatalogue(node.replica.mirror),
            SimPrinter(self),
            node.env,
            "en",
            self.name,
        )
        self.window = Window(node, printer)
        self.window._person = Person("p1", "Ada", "cashier")
        self.window.subscribe(self._hears)
        with world.starting_process(self.process):
            self.window.start()
        self._work()

    def _work(self) -> None:
        """The cashier's day. The program asks for nothing else than a person would."""
        world, rng, mix = self.world, self.world.rng, self.world.mix
        doings = (
            (mix.sale_s, self._sell),
            (mix.ask_s, self._ask),
            (mix.release_s, self._put_back),
            (mix.ask_s, self._stock),
            (mix.sale_s * 2, self._print_unprinted),
            (60.0, self._sign_in),
            (20.0 / mix.settle_share if mix.settle_share else 0.0, self._settle),
            (mix.return_s, self._return),
            (mix.pool_s, self._share),
            (mix.handout_s, self._hand_out),
        )
        rates = [1 / every if every else 0.0 for every, _doing in doings]
        total = sum(rates)
        while True:
            world.works.sleep(self.process, rng.expovariate(total))
            (doing,) = rng.choices([doing for _every, doing in doings], rates)
            if not world.demand and doing not in (self._print_unprinted, self._put_back):
                continue
            if world.oracle.node_is_lost(self.machine):
                continue
            with suppress(ReplicaError):  # the face would say so, and the person tries again
                doing()
                self._look()

    def _look(self) -> None:
        """The cashier looks at the plan."""
        if self._known() is not None:
            states = self.window.availability(PERFORMANCE).states
            seen = {unit: state.name for unit, state in states.items()}
            self.world.oracle.sees(self.machine, seen)

    def _known(self) -> Any:
        return self.window._catalogue.event(EVENT)

    def free_units(self) -> list[int]:
        """What this window could sell now, as it believes."""
        with self.node.replica.reading() as connection:
            return [
                row[0]
                for row in connection.execute(
                    "SELECT unit FROM allot_unit WHERE stream = ? AND state = 'free' ORDER BY unit",
                    (EVENT,),
                )
            ]

    def _sell(self) -> None:
        known, free = self._known(), self.free_units()
        if known is None or not free:
            return
        rng = self.world.rng
        mine = [unit for unit in self.basket if unit in free]
        units = mine or rng.sample(free, min(len(free), rng.choice((1, 1, 2))))
        self.basket = [unit for unit in self.basket if unit not in units]
        self.sell_units(units)

    def sell_units(self, units: Sequence[int]) -> Sold | None:
        """Sell these units, and print the tickets, now or when the buyer comes for them."""
        sold = self.record_sale(units)
        # Paid on the telephone: its buyer comes later, and to whichever window.
        comes_later = self.world.mix.handout_s and self.world.rng.random() < _COMES_LATER
        if sold is not None and not comes_later:
            self.window.print_order(sold.order_id)
        return sold

    def record_sale(self, units: Sequence[int]) -> Sold | None:
        """Sell these units, some by card or in parts."""
        known = self._known()
        basket = empty_basket(known.event)
        for unit in units:
            basket = add_unit(basket, known.event, PERFORMANCE, unit)
        more = self.world.rng.choice((0, 700))
        by_card = basket.total_minor * (sum(units) % 4 // 2) // (1 + sum(units) % 2)
        legs = (HandLeg("card", by_card),) if by_card else ()
        cash = basket.total_minor - by_card
        payment = Payment(legs=legs, tendered_minor=cash + more if cash else 0)
        outcome = self.window.pay(basket, payment)
        if by_card:
            self.world.happened("paid_in_parts" if cash else "paid_by_card")
        if isinstance(outcome, SaleRefused) and outcome.reason is SaleRefusal.NO_SHIFT:
            self.window.shifts.open(_FLOAT)
            self.world.happened("shift_opened")
            outcome = self.window.pay(basket, payment)
        if not isinstance(outcome, Sold):
            self.world.say(self.name, lambda: f"may not sell {units}: {outcome.reason}")
            self.world.happened("sale_refused")
            return None
        return outcome

    def _ask(self) -> None:
        known = self._known()
        if known is None:
            return
        rng = self.world.rng
        count = rng.choice((1, 1, 2))
        units = rng.sample(self.world.mix.shape.units, min(count, len(self.world.mix.shape.units)))
        if self.window.ask_for(PERFORMANCE, units):
            self.basket.extend(unit for unit in units if unit not in self.basket)

    def _put_back(self) -> None:
        if self._known() is None:
            return
        units, self.basket = tuple(self.basket), []
        self.window.give_back(PERFORMANCE, units)

    def empty_basket(self) -> None:
        """A basket's time is over."""
        if self.node is not None:
            with suppress(ReplicaError):
                self._put_back()

    def _stock(self) -> None:
        if self._known() is not None and self.world.mix.stock_units:
            self.window.stock(PERFORMANCE)

    def _sign_in(self) -> None:
        self.window._note_person(OpKind.SIGN_IN, "p1")

    def _print_unprinted(self) -> None:
        world = self.world
        for order in self.window.unprinted():
            waits = world.mix.handout_s and world.demand
            if not waits or world.rng.random() < _COMES_HERE:
                desk.print_order(self, order.order_id)

    def _settle(self) -> None:
        with self.node.replica.reading() as connection:
            found = connection.execute(
                "SELECT id FROM allot WHERE stream = ? AND state = 'open' ORDER BY id", (EVENT,)
            ).fetchall()
            locked = is_locked(connection)
        if not found or locked:
            return
        allotment = AllotmentId.parse(self.world.rng.choice(found)[0])
        assert allotment is not None

        def work(unit: Unit) -> object:
            return giving_back.settle(unit, self.node.env, EVENT, allotment)

        try:
            self.node.replica.transact(work)
        except (ReplicaError, JournalLocked):
            return
        self.world.happened("settled")
        self.node.engine.nudge()

    def _return(self) -> None:
        """Somebody brings tickets back: the paper is taken first, the money paid last."""
        with self.node.replica.reading() as connection:
            pending = revoke.pending_revocations(connection)
            rows = connection.execute(
                "SELECT id FROM orders WHERE stream = ? ORDER BY rowid", (EVENT,)
            ).fetchall()
        if pending:
            self._go_on(self.world.rng.choice(pending))
            return
        if not rows or self._known() is None:
            return
        sale = desk.order_of(self, self.world.rng.choice(rows)["id"])
        live = [line for line in sale.lines if self.world.oracle.is_live(line.ticket_id)]
        if live:
            lines = live if self.world.rng.random() < 0.7 else live[:1]
            self._take_back(sale, lines)

    def _take_back(self, sale: Sale | Exchange, lines: Sequence[SaleLine]) -> None:
        world, env = self.world, self.node.env
        tickets = tuple(line.ticket_id for line in lines)
        if world.rng.random() < world.mix.exchange_share:
            self._have_revoked(world.rng.choice(tuple(ExchangeAction)), sale, tickets)
            return
        action = world.rng.choice(tuple(RefundAction))
        refund = _refund(sale, lines, action)
        outcome = self._transact(
            lambda unit: returns.void_here(unit, env, EVENT, refund, tickets, same_shift=True)
        )
        if isinstance(outcome, Op):
            world.oracle.handed_in(tickets)
            world.happened("void_unpushed")
            return
        if outcome is Route.CENTRE:
            self._have_revoked(action, sale, tickets)

    def _have_revoked(
        self, action: ReturnAction, sale: Sale | Exchange, tickets: tuple[TicketId, ...]
    ) -> None:
        world, env = self.world, self.node.env
        world.oracle.handed_in(tickets)
        planned = self._transact(
            lambda unit: revoke.plan_revoke(unit, env, EVENT, action, sale.order_id, tickets)
        )
        if planned is None:
            world.oracle.handed_back(tickets)
        else:
            self._go_on(planned)

    def _go_on(self, asked: revoke.Revocation) -> None:
        """Ask for what was planned, again if need be; the answer is acted on when it comes."""

        def told(answer: revoke.Revoked | str) -> None:
            self.world.say(self.name, lambda: f"hears of {asked.op_id[:6]}: {answer}")
            if isinstance(answer, revoke.Revoked):
                if asked.action not in tuple(ExchangeAction) or not self._give_others(asked):
                    self._pay_back(asked, self._refund_of(asked))
            elif answer in ("offline", "quarantine"):  # the question stands
                self.world.happened("revoke_unheard")
            else:
                self.world.oracle.handed_back(self._not_asked_anew(asked))
                self.world.happened(f"revoke_refused_{answer}")

        self.world.say(self.name, lambda: f"asks to revoke {asked.ticket_ids}: {asked.op_id[:6]}")
        self.node.engine.wish(RevokeWish(asked.op_id, told))

    def _not_asked_anew(self, asked: revoke.Revocation) -> list[str]:
        """Its tickets, without those that have been handed in again since for something else."""
        with self.node.replica.reading() as connection:
            rows = connection.execute(
                "SELECT tickets FROM revocation WHERE op_id <> ? AND state <> 'refused'",
                (asked.op_id,),
            ).fetchall()
        anew = " ".join(row["tickets"] for row in rows)
        return [ticket_id for ticket_id in asked.ticket_ids if ticket_id not in anew]

    def _refund_of(self, asked: revoke.Revocation) -> Refund:
        sale = desk.order_of(self, asked.order_id)
        lines = [line for line in sale.lines if line.ticket_id in asked.ticket_ids]
        is_refund = asked.action in tuple(RefundAction)
        refund = _refund(sale, lines, RefundAction(asked.action) if is_refund else _MONEY_BACK)
        if asked.op_id[0] == _BY_CARD:  # as chance would have it, and asks for no more of that
            legs = (HandLeg("card", refund.cash_minor),) if refund.cash_minor else ()
            refund = replace(refund, cash_minor=0, legs=legs)
        return refund

    def _give_others(self, asked: revoke.Revocation) -> bool:
        """Tickets for the revoked ones. False when there are none, and money goes back instead."""
        try:
            made = self._transact(lambda unit: desk.exchange(self, unit, asked))
        except desk.NotToBeHad:
            self.world.happened("exchange_not_to_be_had")
            return False
        if made is not None:
            self.world.happened(f"given_in_{made.action}")
            desk.print_order(self, made.order_id)
            self.node.engine.nudge()
        return True

    def _hand_out(self) -> None:
        """Somebody paid at another window, and wants the tickets here."""
        with self.node.replica.mirror.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM orders WHERE stream = ? AND node_id <> ? ORDER BY id",
                (EVENT, self.machine.enrolled.node_id),
            ).fetchall()
        orders = [row["id"] for row in rows]
        has_paper = self.world.oracle.hand_outs.has_paper
        without = [order_id for order_id in orders if not has_paper(order_id)]
        if without and self.world.rng.random() < _HAS_NO_PAPER:
            orders = without
        if orders:
            self.ask_to_print(self.world.rng.choice(orders))

    def ask_to_print(self, order_id: str) -> None:
        """Ask for the right to print another window's order."""
        self.world.say(self.name, lambda: f"asks to print {order_id}")
        self.window._elsewhere.hand_out(EVENT, order_id)

    def _hears(self, news: News) -> None:
        """The screen is told of something."""
        if news.kind is NewsKind.AFTER_SALE:
            self.world.oracle.hand_outs.heard(self, news.reason)

    def _share(self) -> None:
        """Somebody wants a place at the price of the first few."""
        if self._known() is None:
            return
        with suppress(desk.NotToBeHad):
            sale = self._transact(lambda unit: desk.sell_by_share(self, unit))
            if sale is not None:
                self.world.happened("sold_by_share")
                self.window.print_order(sale.order_id)
                return
        desk.ask_for_share(self, self.world.rng.choice(self.world.mix.shape.units))

    def _pay_back(self, asked: revoke.Revocation, refund: Refund) -> None:
        def work(unit: Unit) -> object:
            found = revoke.find_revocation(unit, asked.op_id)
            if found is None or found.state is not revoke.RevocationState.GRANTED:
                return None
            body = encode_refund(refund)
            return revoke.finish_revoke(unit, self.node.env, found, OpKind.REFUND, body)

        if self._transact(work) is not None:
            self.world.happened("refunded")
            self.node.engine.nudge()

    def _transact(self, work: Callable[[Unit], Any]) -> Any:
        try:
            return self.node.replica.transact(work)
        except (ReplicaError, JournalLocked):
            return None


def _refund(sale: Sale | Exchange, lines: Sequence[SaleLine], action: RefundAction) -> Refund:
    return Refund(
        sale.order_id,
        action,
        tuple(line.ticket_id for line in lines),
        sum(line.price_minor for line in lines),
        0,
        sale.currency,
        "p1",
        "asked for",
    )
