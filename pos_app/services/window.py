"""One window: the till's use cases over its replica, its sync engine and its printer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from edge import giving_back
from edge.admission_facts import Issuers
from edge.allotments import Grant, firm_free_units
from edge.errors import ReplicaError, ReplicaFull
from edge.id_mint import IdMint
from edge.inspector import Inspector
from edge.journal import JournalLocked, Unit, append, backlog
from edge.node import Node
from edge.sync import Link, LinkState, Listeners, Wish
from pos_app.services import after_sale, model, parking, people, printing, stock
from pos_app.services.absence import Absence
from pos_app.services.after_sale_elsewhere import Elsewhere, NodeParts
from pos_app.services.basket import Basket
from pos_app.services.buyers import BuyerDesk
from pos_app.services.chip_readers import ChipReaders
from pos_app.services.chips import ChipDesk
from pos_app.services.devices import DeviceDesk, DeviceParts
from pos_app.services.drawer import Drawer, DrawerLine
from pos_app.services.habits import Habits
from pos_app.services.late_sales import terms_of
from pos_app.services.queue import Queue, read_queue
from pos_app.services.selling import Selling
from pos_app.services.shift_desk import Counter, ShiftDesk
from pos_app.services.tender_model import Payment
from program.logs import get_logger
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import SignedIn, encode_signed_in
from ticketing.text import Text

STOCK_UNITS = 300
"""Asked for when a performance is opened and fewer than half of it are left."""
_TRAINING_PREFIX = "TRAIN"
_log = get_logger(__name__)


class Window:
    """Implements TillServices. Every method may be called from any thread."""

    def __init__(
        self,
        node: Node,
        desk: printing.PrintDesk,
        drawer: Drawer | None = None,
        parts: DeviceParts | None = None,
    ) -> None:
        self._identity, self._key, self._env = node.identity, node.key, node.env
        self._replica, self._engine = node.replica, node.engine
        self._catalogue, self._desk = desk.catalogue, desk
        self._ids = IdMint(node.env)
        self._listeners: list[Callable[[model.News], None]] = []
        self._guard = threading.Lock()
        self._person: model.Person | None = None
        self._absence = Absence(
            node.replica, lambda: node.engine.link.last_contact_ms, node.env.wall_ms
        )
        self._asking: dict[int, set[int]] = {}
        self._handed_over: set[tuple[int, int]] = set()
        self._stocking: set[int] = set()
        self._version = 0
        self._sent_while_catching_up = 0
        self._was_offline = False
        self._drawer = DrawerLine(drawer)
        self._habits = Habits(node.replica)
        self._buyers = BuyerDesk(node.replica, node.engine, node.env, lambda: self._person)
        self._chips = ChipDesk(
            node.replica, node.engine, node.env, desk.catalogue, lambda: self._person
        )
        self._chip_readers = ChipReaders(
            parts.chips if parts is not None else (),
            lambda held: self._tell(model.News(model.NewsKind.CHIP, reason=held)),
        )
        self._parking = parking.Parking(
            parking.Counter(
                node.env,
                node.replica,
                lambda: self._person,
                self._now,
                self._event_name,
                self._hand_over,
                self._let_go,
                self._changed,
                self._release_recalled,
                self._buyers.seal_parked,
                self._buyers.take_parked,
            )
        )
        self._devices = DeviceDesk(
            desk, parts or DeviceParts(), lambda: self._person, self._tell, self._now
        )
        self._elsewhere = Elsewhere(
            NodeParts(node.replica, node.engine, node.env, node.identity.node_id), self._tell
        )
        self._selling = Selling(
            node.replica,
            desk.catalogue,
            node.env,
            self._ids,
            node.key,
            _receipt_prefix(node),
            lambda: self._person,
            self._now,
            self._buyers.seal_along,
        )
        self._shifts = ShiftDesk(
            Counter(
                node.env,
                self._ids,
                node.identity.venue_id,
                node.replica,
                desk,
                self._drawer,
                lambda: self._person,
                self._noted,
                self._parking.count,
            )
        )
        self._after_sale = after_sale.AfterSale(
            node.replica,
            node.engine,
            desk,
            (node.env, self._ids, node.key, _receipt_prefix(node)),
            after_sale.Counter(
                lambda: self._person, self._now, self._tell, self._changed, self._drawer.kick
            ),
            self._buyers,
            self._chips.standing_for,
            self._elsewhere,
            Issuers(bytes.fromhex(node.identity.server_key)),
        )
        self._inspector = Inspector(node.replica, self._told_of_damage)
        node.engine.listeners = Listeners(
            self._on_link, self._on_pulled, self._on_pushed, self._on_greeted
        )

    def start(self) -> None:
        """Close what the program left behind when it last ended, then begin to sync."""
        self._selling.close_unfinished()
        self._release_stray()
        self._engine.start()
        self._devices.start()
        self._chip_readers.start()

    def inspect(self) -> None:
        """Look the whole journal over beside the work; what is wrong with it ends the selling."""
        self._inspector.start()

    def stop(self) -> None:
        """End the sync and close the files. Nothing is lost: everything is on disk already."""
        self._inspector.stop()
        self._engine.stop()
        self._drawer.close()
        self._devices.stop()
        self._chip_readers.close()
        self._after_sale.close()
        self._replica.close()

    def subscribe(self, listener: Callable[[model.News], None]) -> None:
        """Call `listener` with every piece of news, on whatever thread it happens."""
        self._listeners.append(listener)

    @property
    def after_sale(self) -> after_sale.AfterSale:
        """The use cases after the sale."""
        return self._after_sale

    @property
    def chips(self) -> ChipDesk:
        """Chips that stand for tickets."""
        return self._chips

    @property
    def buyers(self) -> BuyerDesk:
        """Who bought."""
        return self._buyers

    @property
    def shifts(self) -> ShiftDesk:
        """The drawer's use cases."""
        return self._shifts

    @property
    def parking(self) -> parking.Parking:
        """Baskets put aside."""
        return self._parking

    @property
    def habits(self) -> Habits:
        """What this window remembers of its cashiers' habits."""
        return self._habits

    def sync_now(self) -> None:
        """Send at once what waits for the server."""
        self._engine.nudge()

    @property
    def devices(self) -> DeviceDesk:
        """Printer, drawer and scanners."""
        return self._devices

    # --- people

    def people(self) -> tuple[model.Person, ...]:
        """Who may sign in here, by name."""
        return people.people(self._replica)

    def sign_in(self, person_id: str, pin: str) -> model.SignedIn | model.SignInRefused:
        """Check a PIN; wrong tries are counted on disk. Who was signed in until then is not now."""
        checked = people.check_pin(self._replica, person_id, pin, self._env.wall_ms())
        if isinstance(checked, model.SignInRefused):
            return checked
        if self._absence.keeps_out(checked):
            return model.SignInRefused(model.SignInRefusal.NEEDS_SUPERVISOR)
        if self._person is None or self._person.id != checked.id:
            self.sign_out()
            self._note_person(OpKind.SIGN_IN, checked.id)
        self._person = checked
        return model.SignedIn(checked, self._now())

    def sign_out(self) -> None:
        """Lock the till."""
        person, self._person = self._person, None
        self._absence.note()
        if person is not None:
            self._note_person(OpKind.SIGN_OUT, person.id)

    @property
    def signed_in(self) -> model.Person | None:
        """Who sells."""
        return self._person

    def now(self) -> datetime:
        """The corrected clock."""
        return self._now()

    def approve(self, person_id: str, pin: str) -> model.Person | model.SignInRefused:
        """Check the PIN of a second person, who stays signed out; wrong tries are counted."""
        return people.check_pin(self._replica, person_id, pin, self._env.wall_ms())

    # --- what can be sold

    def performances(self) -> tuple[model.PerformanceChoice, ...]:
        """What can be sold, soonest first; performances that are over are left out."""
        now = self._now()
        choices = [
            model.PerformanceChoice(
                known.event.id,
                performance.number,
                known.event.name,
                performance.hall,
                performance.starts_at,
                performance.doors_at,
                performance.ends_at,
                stock.free_count(self._replica, known.event.id, performance.number),
                stock.venue_free_count(
                    self._replica, known.event.id, performance.number, known.plan.unit_count
                ),
            )
            for known in self._catalogue.events()
            for performance in known.event.performances
            if performance.on_sale and performance.ends_at > now
        ]
        return tuple(sorted(choices, key=lambda choice: (choice.starts_at, choice.number)))

    def house(self, performance: int) -> model.House:
        """Plan, prices and times of one performance. KeyError when the mirror lacks it."""
        found = self._catalogue.performance(performance)
        if found is None:
            raise KeyError(performance)
        known, chosen = found
        return model.House(known.venue, known.plan, known.event, chosen)

    def availability(self, performance: int) -> model.Availability:
        """State of every unit as of now."""
        event_id = self.house(performance).event.id
        with self._guard:
            version, asking = self._version, set(self._asking.get(performance, ()))
        states = stock.unit_states(self._replica, event_id, performance, asking)
        return model.Availability(
            performance,
            version,
            states,
            stock.lots(self._replica, event_id, performance),
            stock.shares(self._replica, event_id),
        )

    # --- asking and giving back

    def stock(self, performance: int) -> None:
        """Have units lent in the background when few are left."""
        event = self.house(performance).event
        event_id = event.id
        left = stock.free_count(self._replica, event_id, performance)
        wanted = STOCK_UNITS - left
        counts = tuple((pool, wanted) for pool in stock.pools_for(event, performance))
        with self._guard:
            if left * 2 >= STOCK_UNITS or performance in self._stocking:
                return
            self._stocking.add(performance)

        def stocked(outcome: Grant | str) -> None:
            with self._guard:
                self._stocking.discard(performance)
            if isinstance(outcome, Grant):
                self._changed(performance)

        asked = self._engine.wish(
            Wish(event_id, self._req(), performance, stocked, count=wanted, counts=counts)
        )
        if not asked:
            stocked("offline")

    def ask_for(self, performance: int, units: Sequence[int]) -> bool:
        """Ask for units that are not ours. False when offline (then nothing was asked)."""
        event = self.house(performance).event
        event_id = event.id
        with self._guard:
            asking = self._asking.setdefault(performance, set())
            wanted = tuple(unit for unit in units if unit not in asking)
            asking.update(wanted)
            self._version += 1
        if not wanted:  # all of them were asked for, and the answer is on its way
            return True
        places = {(performance, unit) for unit in wanted}
        tiers = frozenset(event.tier_of(unit) for unit in wanted)
        pools = stock.pools_for(event, performance, tiers)

        def ask(counts: tuple[tuple[str, int], ...]) -> bool:
            return self._engine.wish(
                Wish(
                    event_id,
                    self._req(),
                    performance,
                    answered,
                    units=wanted,
                    firm=True,
                    counts=counts,
                )
            )

        def answered(outcome: Grant | str) -> None:
            nonlocal pools
            if outcome == "pool_empty" and pools:  # then the places alone, at a price without it
                pools = ()
                if ask(()):
                    return
            with self._guard:
                self._handed_over |= places
                asking.difference_update(wanted)
            # Another grant may have brought them in the meantime: what counts is what we hold.
            granted = stock.are_free(self._replica, event_id, performance, wanted)
            if not granted:  # some may be ours all the same, and nobody will take them
                self._forget_and_release(event_id, performance, wanted)
            self._changed(performance)
            kind = model.NewsKind.GRANTED if granted else model.NewsKind.NOT_GRANTED
            reason = outcome if isinstance(outcome, str) and not granted else ""
            self._tell(model.News(kind, performance, wanted, reason))

        asked = ask(tuple((pool, len(wanted)) for pool in pools))
        if not asked:
            with self._guard:
                asking.difference_update(wanted)
                self._version += 1
        return asked

    def give_back(self, performance: int, units: Sequence[int]) -> None:
        """Units leave the basket unsold; those acquired for it are released to the server.

        What an unfinished exchange waits for is kept for it.
        """
        kept = self._kept()
        free = tuple(unit for unit in units if (performance, unit) not in kept)
        self._forget_and_release(self.house(performance).event.id, performance, free)
        self._changed(performance)

    # --- selling

    @property
    def tenders(self) -> Selling:
        """Payments in parts."""
        return self._selling

    def pay_cash(self, basket: Basket, tendered_minor: int) -> model.Sold | model.SaleRefused:
        """Sell the basket for cash: then it is final."""
        return self.pay(basket, Payment(tendered_minor=tendered_minor))

    def pay(self, basket: Basket, payment: Payment) -> model.Sold | model.SaleRefused:
        """Sell the basket, paid by one or several tenders: then it is final."""
        sold = self._selling.pay(basket, payment)
        if isinstance(sold, model.SaleRefused):
            return sold
        told, opens_drawer = sold
        if opens_drawer:
            self._drawer.kick()
        self._engine.nudge()
        for performance in {line.performance for line in basket.lines}:
            self._changed(performance)
        self._buyers.sold()
        self._tell(model.News(model.NewsKind.STATUS))
        return told

    def print_order(self, order_id: str) -> model.PrintResult:
        """Print an order's tickets (again). One at a time, so that each copy has its number."""
        try:
            with self._elsewhere.printing:
                if not self._elsewhere.begin_print(order_id):
                    failed = model.PrintOutcome.FAILED
                    why = "another window prints these tickets, or nothing can be noted here"
                    return model.PrintResult(order_id, failed, 0, detail=why)
                is_first = printing.is_unprinted(self._replica, order_id)
                result = printing.print_order(self._desk, order_id)
                if is_first:
                    self._devices.follow(order_id, result.outcome)
                    if result.outcome is model.PrintOutcome.FAILED:
                        self._elsewhere.no_paper(order_id)
            self._elsewhere.answer_wanted()
        except ReplicaError as error:
            _log.error("order_not_read", error=str(error))
            return model.PrintResult(order_id, model.PrintOutcome.FAILED, 0, detail=str(error))
        if result.outcome is model.PrintOutcome.FAILED:
            _log.warning("print_failed", order_id=order_id, detail=result.detail)
        elif result.outcome is model.PrintOutcome.PRINTED and result.detail:
            _log.error("copy_not_counted", order_id=order_id, detail=result.detail)
        self._engine.nudge()
        self._tell(model.News(model.NewsKind.STATUS))
        return result

    def unprinted(self) -> tuple[model.UnprintedOrder, ...]:
        """Sold but not printed, oldest first."""
        return printing.unprinted(self._replica, self._desk.slips)

    def queue(self) -> Queue:
        """What waits for the server, by kind, and what it did not take as it stands."""
        return read_queue(self._replica)

    def status(self) -> model.SyncStatus:
        """Link, queue and age."""
        link = self._engine.link
        with self._replica.reading() as connection:
            waiting = backlog(connection)
            outlived, late = terms_of(connection, self._env, self._now())
        lock = self._replica.lock_reason()
        locked = lock is not None or link.state is LinkState.LOCKED
        return model.SyncStatus(
            model.Link.LOCKED if locked else model.Link(link.state.value),
            _instant(link.offline_since_ms),
            _instant(link.last_contact_ms),
            waiting.count,
            _instant(waiting.oldest_ms),
            waiting.refused_count,
            link.last_error,
            self._identity.name,
            model.LockReason(lock.value) if lock else None,
            outlived,
            late,
        )

    # --- inside

    def _now(self) -> datetime:
        """The corrected clock."""
        ms = self._env.wall_ms() + self._engine.link.server_ahead_ms
        return datetime.fromtimestamp(ms / 1000, UTC)

    def _req(self) -> str:
        return self._env.random_bytes(16).hex()

    def _op_id(self) -> OpId:
        return OpId(self._env.random_bytes(16).hex())

    def _told_of_damage(self) -> None:
        self._tell(model.News(model.NewsKind.STATUS))

    def _noted(self) -> None:
        """Something was added to the house journal."""
        self._engine.nudge()
        self._tell(model.News(model.NewsKind.STATUS))

    def _note_person(self, kind: OpKind, person_id: str) -> None:
        body = encode_signed_in(SignedIn(person_id))

        def note(unit: Unit) -> None:
            append(
                unit,
                self._identity.venue_id,
                kind,
                body,
                op_id=self._op_id(),
                wall_ms=self._env.wall_ms(),
            )

        try:
            self._replica.transact(note)
        except (ReplicaFull, JournalLocked) as error:
            _log.error("sign_in_not_recorded", error=str(error))
        self._engine.nudge()

    def _release_stray(self) -> None:
        """Release units lent for a basket that no basket has.

        What a basket held when the program ended; and grants whose answer was lost, which come by
        the feed when whoever asked was told "offline" long ago.
        """
        with self._guard:  # also while reading: nothing is handed over in between
            with self._replica.reading() as connection:
                firm = firm_free_units(connection)
            self._handed_over &= {(performance, unit) for _stream, performance, unit in firm}
            taken = {(p, unit) for p, units in self._asking.items() for unit in units}
            taken |= self._handed_over
            taken |= self._kept()
        stray: dict[tuple[str, int], list[int]] = {}
        for stream, performance, unit in sorted(firm):
            if (performance, unit) not in taken:
                stray.setdefault((stream, performance), []).append(unit)
        for (stream, performance), units in stray.items():
            self._release(stream, performance, tuple(units))

    def _forget_and_release(self, stream: str, performance: int, units: tuple[int, ...]) -> None:
        with self._guard:
            self._handed_over.difference_update((performance, unit) for unit in units)
        self._release(stream, performance, units)

    def _release(self, stream: str, performance: int, units: tuple[int, ...]) -> None:
        try:
            self._replica.transact(
                lambda unit: giving_back.release(unit, self._env, stream, performance, units)
            )
        except (ReplicaFull, JournalLocked) as error:
            _log.error("release_not_recorded", error=str(error))
        self._engine.nudge()

    def _release_recalled(self, stream: str) -> None:
        """Give back what the server recalls, but for what a basket asked for."""
        with self._guard:
            keep = self._handed_over | self._kept()
        try:
            self._replica.transact(
                lambda unit: giving_back.release_recalled(unit, self._env, stream, keep)
            )
        except (ReplicaFull, JournalLocked) as error:
            _log.error("release_not_recorded", error=str(error))
        self._engine.nudge()

    def _kept(self) -> set[tuple[int, int]]:
        """Places that parked baskets and unfinished exchanges and replacements wait for."""
        kept = self._after_sale.kept_units()
        return {(performance, unit) for _event, performance, unit in kept} | self._parking.places()

    def _hand_over(self, places: Iterable[tuple[int, int]]) -> None:
        """These are in a basket."""
        with self._guard:
            self._handed_over.update(places)

    def _let_go(self, places: Iterable[tuple[int, int]]) -> None:
        """These are in a basket no longer, and not to be given back either."""
        with self._guard:
            self._handed_over.difference_update(places)

    def _event_name(self, event_id: str) -> Text | None:
        known = self._catalogue.event(event_id)
        return known.event.name if known else None

    def _changed(self, performance: int) -> None:
        with self._guard:
            self._version += 1
            version = self._version
        self._tell(model.News(model.NewsKind.AVAILABILITY, performance, version=version))

    def _tell(self, news: model.News) -> None:
        for listener in list(self._listeners):
            try:
                listener(news)
            except Exception:  # noqa: BLE001 - a sale that is recorded must not look failed
                _log.exception("listener_failed", news=str(news.kind))

    def _on_link(self, link: Link) -> None:
        if link.state is LinkState.OFFLINE:
            self._was_offline = True
            self._sent_while_catching_up = 0
        elif link.state is LinkState.ONLINE and self._backlog_count() == 0:
            self._was_offline = False  # nothing was sold meanwhile: there is nothing to tell of
        if link.state is LinkState.ONLINE:
            self._buyers.on_link()
            self._chips.on_link()
            self._elsewhere.on_pulled()
        self._tell(model.News(model.NewsKind.STATUS))

    def _on_greeted(self) -> None:
        self._absence.note()
        self._chips.on_link()
        self._buyers.on_link()  # the link may stay up for days, and the house begin a new key
        self._elsewhere.on_pulled()

    def _on_pushed(self, count: int) -> None:
        self._sent_while_catching_up += count
        self._tell(model.News(model.NewsKind.STATUS))
        if self._was_offline and self._backlog_count() == 0:
            self._was_offline = False
            self._tell(model.News(model.NewsKind.SYNCED, count=self._sent_while_catching_up))

    def _backlog_count(self) -> int:
        with self._replica.reading() as connection:
            return backlog(connection).count

    def _on_pulled(self, stream: str, kinds: frozenset[str]) -> None:
        if "allot" in kinds:
            self._release_recalled(stream)
            self._release_stray()
        if "handout" in kinds:
            self._elsewhere.on_pulled()
        if stream == self._identity.venue_id or "doc" in kinds:
            self._tell(model.News(model.NewsKind.CATALOGUE))
        known = self._catalogue.event(stream)
        if known is not None and not kinds.isdisjoint({"claim", "allot", "doc"}):
            for performance in known.event.performances:
                self._changed(performance.number)


def _receipt_prefix(node: Node) -> str:
    """What this window's receipt numbers begin with; in training with what no till's do."""
    return _TRAINING_PREFIX if node.key.training else node.identity.node_id[:4].upper()


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
