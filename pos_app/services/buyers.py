"""Buyers at this window. The house's keys live in memory only: a disk alone opens nothing.

They come from the server at the first contact of the program's run. Until then nothing is noted and
nothing shown, and selling goes on without.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.asking import Asking
from edge.buyers import SealedBuyer, buyer_of, note_buyer, orders_of_tokens
from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit
from edge.parked import ParkedRow, keep_buyer
from edge.replica import Replica
from edge.sync import SyncEngine
from pos_app.services.buyers_model import NoBuyer
from pos_app.services.model import Person
from pos_app.services.people import role_of
from program.logs import get_logger
from ticketing.ids import OrderId
from ticketing.personal import (
    NONCE_BYTES,
    Buyer,
    DataKey,
    index_tokens,
    normal_buyer,
    query_tokens,
    seal,
    unseal,
)
from ticketing.pricing import Role

KEYS_PERIOD_S = 3_600.0
"""So often the keys are asked for again: a house may have begun a new one."""
_log = get_logger(__name__)


class BuyerDesk:
    """Implements BuyerServices. Every method may be called from any thread."""

    def __init__(
        self, replica: Replica, engine: SyncEngine, env: Env, person: Callable[[], Person | None]
    ) -> None:
        self._replica, self._engine, self._env, self._person = replica, engine, env, person
        self._keys: tuple[DataKey, ...] = ()
        self._asking = Asking(
            engine,
            env,
            lambda client: client.data_keys(),
            self._told,
            period_s=KEYS_PERIOD_S,
        )
        self._along = Buyer()

    def on_link(self) -> None:
        """The link changed, or something was heard: have the keys when they are due."""
        self._asking.on_link()

    def can_note(self) -> bool:
        """Whether something could be noted now; at once."""
        return bool(self._keys)

    def take_along(self, name: str, phone: str) -> NoBuyer | None:
        """Note it with the next sale of this window; two empty texts take it back."""
        buyer = normal_buyer(name, phone)
        if buyer is None:
            return NoBuyer.NOT_A_NAME
        if not self._keys and not buyer.is_empty:
            return NoBuyer.NO_KEYS
        self._along = buyer
        return None

    def along(self) -> Buyer:
        """What goes with the next sale."""
        return self._along

    def seal_along(self, unit: Unit, event_id: str, order_id: OrderId) -> None:
        """In the sale's own transaction: who bought goes with it."""
        if not self._along.is_empty and self._keys:
            note_buyer(unit, self._sealed(self._along, event_id, order_id))

    def seal_parked(self, unit: Unit, basket: ParkedRow) -> None:
        """In the transaction that parks a basket: who is to buy it is kept with it."""
        if not self._along.is_empty and self._keys:
            key, nonce = self._keys[0], self._env.random_bytes(NONCE_BYTES)
            sealed = seal(self._along, key, basket.stream, _bound_to(basket), nonce)
            keep_buyer(unit, basket.number, key.number, sealed)

    def take_parked(self, basket: ParkedRow) -> None:
        """It was taken out again: who is to buy it goes with the next sale.

        Without the keys nobody can read it; then it is asked for again.
        """
        buyer = None
        if basket.buyer is not None:
            number, sealed = basket.buyer
            key = next((key for key in self._keys if key.number == number), None)
            buyer = unseal(sealed, key, basket.stream, _bound_to(basket)) if key else None
        self._along = buyer or Buyer()

    def sold(self) -> None:
        """The sale stands: the next one is somebody else's."""
        self._along = Buyer()

    def note(self, event_id: str, order_id: str, name: str, phone: str) -> NoBuyer | None:
        """Note who bought an order, in the place of what was known."""
        buyer = normal_buyer(name, phone)
        if buyer is None or buyer.is_empty:
            return NoBuyer.NOT_A_NAME
        if not self._keys:
            return NoBuyer.NO_KEYS
        sealed = self._sealed(buyer, event_id, OrderId(order_id))
        try:
            self._replica.transact(lambda unit: note_buyer(unit, sealed))
        except (ReplicaError, JournalLocked) as error:
            _log.error("buyer_not_written", error=type(error).__name__, order_id=order_id)
            return NoBuyer.NOT_WRITTEN
        self._engine.nudge()
        return None

    def open(self, event_id: str, order_id: str) -> Buyer | NoBuyer:
        """All that is known, for who may see it: of another window's order, a supervisor or above."""
        if not self._keys:
            return NoBuyer.NO_KEYS
        person = self._person()
        if person is None or not (
            role_of(person).covers(Role.SUPERVISOR) or self._is_own(event_id, order_id)
        ):
            return NoBuyer.NOT_YOURS
        buyer = self._read(event_id, order_id)
        if buyer is None:
            return NoBuyer.NOTHING
        _log.info("buyer_opened", order_id=order_id, person_id=person.id)
        return buyer

    def masked(self, event_id: str, order_id: str) -> str:
        """What may be shown to anybody: 张* · 138****8000; "" for nobody."""
        buyer = self._read(event_id, order_id)
        if buyer is None:
            return ""
        shown = buyer.masked
        return " · ".join(part for part in (shown.name, shown.phone) if part)

    def find(self, text: str, most: int) -> tuple[tuple[str, str], ...]:
        """(event, order) of buyers of this name, this number, or whose number ends so."""
        tokens = query_tokens(text, self._keys)
        if not tokens:
            return ()
        with self._replica.mirror.reading() as mirror, self._replica.reading() as connection:
            return orders_of_tokens(mirror, connection, tokens, most)

    # --- inside

    def _told(self, keys: tuple[DataKey, ...]) -> None:
        self._keys = keys

    def _sealed(self, buyer: Buyer, event_id: str, order_id: OrderId) -> SealedBuyer:
        key = self._keys[0]
        nonce = self._env.random_bytes(NONCE_BYTES)
        sealed = seal(buyer, key, event_id, order_id, nonce)
        tokens, at_ms = index_tokens(buyer, key), self._env.wall_ms()
        return SealedBuyer(event_id, order_id, key.number, sealed, tokens, at_ms)

    def _read(self, event_id: str, order_id: str) -> Buyer | None:
        """The newer of what was noted here and what the server told; None for an erased one."""
        if not self._keys or not order_id:
            return None
        with self._replica.mirror.reading() as mirror:
            told = buyer_of(mirror, event_id, order_id)
        with self._replica.reading() as connection:
            ours = buyer_of(connection, event_id, order_id)
        found = [one for one in (told, ours) if one is not None]
        if not found or not all(one.sealed for one in found):
            return None
        newest = max(found, key=lambda one: one.at_ms)
        key = next((key for key in self._keys if key.number == newest.key_no), None)
        if key is None and told is not None:  # sealed anew by the house, and ours is the old text
            newest, key = told, next((k for k in self._keys if k.number == told.key_no), None)
        return None if key is None else unseal(newest.sealed, key, event_id, order_id)

    def _is_own(self, event_id: str, order_id: str) -> bool:
        with self._replica.reading() as connection:
            row = connection.execute(
                "SELECT from_node FROM orders WHERE stream = ? AND id = ?", (event_id, order_id)
            ).fetchone()
        return row is not None and not row["from_node"]


def _bound_to(basket: ParkedRow) -> str:
    """What a text is sealed for in the place of an order's id: this very basket."""
    return f"parked:{basket.number}:{basket.parked_ms}"
