"""Putting baskets aside: each one transaction of the journal's file, with its units kept in it.

A parked basket outlives the program. Its units stay lent to this window and nobody sells them;
when its time is up they are for everybody again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from edge import giving_back
from edge import parked as rows
from edge.env import Env
from edge.errors import ReplicaFull
from edge.journal import JournalLocked, Unit
from edge.replica import Replica
from pos_app.services import people
from pos_app.services.basket import Basket
from pos_app.services.model import Person
from pos_app.services.parking_model import (
    PARK_S,
    PARKED_MAX,
    Parked,
    ParkRefusal,
    ParkRefused,
    Recalled,
)
from pos_app.services.parking_text import from_text, to_text
from program.logs import get_logger
from ticketing.text import Text

_log = get_logger(__name__)
Places = Iterable[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Counter:
    """What parking needs of its window.

    `hand_over` says that places are in a basket from now on, `let_go` that they are in none: the
    window gives back what was acquired and nobody has. `changed` tells of a performance's units,
    `release_recalled` gives an event's recalled units back. `seal_buyer` keeps who is to buy a basket
    with it, in the transaction that parks it; `take_buyer` has it again.
    """

    env: Env
    replica: Replica
    person: Callable[[], Person | None]
    now: Callable[[], datetime]
    event_name: Callable[[str], Text | None]
    hand_over: Callable[[Places], None]
    let_go: Callable[[Places], None]
    changed: Callable[[int], None]
    release_recalled: Callable[[str], None]
    seal_buyer: Callable[[Unit, rows.ParkedRow], None]
    take_buyer: Callable[[rows.ParkedRow], None]


class Parking:
    """Implements ParkingServices. Every method may be called from any thread."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._replica = counter.replica

    def all(self) -> tuple[Parked, ...]:
        """What is parked, the first to end at first; as it is on disk."""
        with self._replica.reading() as connection:
            found = rows.parked(connection)
        return self._parked(found)

    def count(self) -> int:
        """How many are parked; cheap."""
        with self._replica.reading() as connection:
            return rows.parked_count(connection)

    def places(self) -> set[tuple[int, int]]:
        """Every place that a parked basket keeps."""
        with self._replica.reading() as connection:
            return {place for row in rows.parked(connection) for place in row.places}

    def park(self, basket: Basket) -> Parked | ParkRefused:
        """Put a basket aside, durably, and keep its units from every other basket."""
        person = self._counter.person()
        if person is None:
            return ParkRefused(ParkRefusal.NOT_SIGNED_IN)
        if not basket.lines:
            return ParkRefused(ParkRefusal.EMPTY)
        places = [line.place for line in basket.picked]
        body, now_ms = to_text(basket, person.id), self._now_ms()

        def work(unit: Unit) -> rows.ParkedRow | ParkRefused:
            if rows.parked_count(unit) >= PARKED_MAX:
                return ParkRefused(ParkRefusal.TOO_MANY)
            gone = rows.not_ours(unit, basket.event_id, places)
            if gone:
                return ParkRefused(ParkRefusal.UNITS_GONE, gone)
            until_ms = now_ms + PARK_S * 1000
            made = rows.park(
                unit, basket.event_id, places, body, parked_ms=now_ms, until_ms=until_ms
            )
            if made is None:
                return ParkRefused(ParkRefusal.TOO_MANY)
            self._counter.seal_buyer(unit, made)
            return made

        try:
            answer = self._replica.transact(work)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return ParkRefused(ParkRefusal.DISK_FULL)
        if isinstance(answer, ParkRefused):
            return answer
        self._counter.let_go(places)
        self._tell(places)
        return self._parked((answer,))[0]

    def recall(self, number: int) -> Recalled | ParkRefused:
        """Take a basket out again. Done twice, the second is NOT_PARKED."""
        found = next((each for each in self.all() if each.number == number), None)
        if found is None:
            return ParkRefused(ParkRefusal.NOT_PARKED)
        if found.event_name is None:
            return ParkRefused(ParkRefusal.NO_EVENT)
        places = [line.place for line in found.lines]
        self._counter.hand_over(places)  # before they are nobody's, so that nobody gives them back

        def work(unit: Unit) -> tuple[rows.ParkedRow, Recalled] | None:
            row = rows.take_out(unit, number)
            if row is None:
                return None
            event_id = found.event_id
            gone = tuple(
                line for line in found.lines if rows.not_ours(unit, event_id, [line.place])
            )
            return row, Recalled(found, gone, rows.firm_of(unit, event_id, places))

        try:
            answer = self._replica.transact(work)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            self._counter.let_go(places)
            return ParkRefused(ParkRefusal.DISK_FULL)
        if answer is None:
            self._counter.let_go(places)
            return ParkRefused(ParkRefusal.NOT_PARKED)
        row, recalled = answer
        self._counter.take_buyer(row)
        self._tell(places)
        return recalled

    def extend(self, number: int) -> bool:
        """Keep it for another PARK_S from now. False when it is not parked (any more)."""
        until_ms = self._now_ms() + PARK_S * 1000
        return self._replica.transact(lambda unit: rows.extend(unit, number, until_ms))

    def give_back(self, number: int) -> Parked | None:
        """Its buyer does not come: its units are for everybody again. None when it is gone."""
        given = self._give_back([number])
        return given[0] if given else None

    def expire(self) -> tuple[Parked, ...]:
        """Give back what has been parked too long; what that was."""
        now_ms = self._now_ms()
        with self._replica.reading() as connection:
            over = [row.number for row in rows.parked(connection) if row.until_ms <= now_ms]
        return self._give_back(over) if over else ()

    def _give_back(self, numbers: Iterable[int]) -> tuple[Parked, ...]:
        """Each basket and the release of what was acquired for it in one transaction."""
        env = self._counter.env

        def work(number: int, unit: Unit) -> rows.ParkedRow | None:
            row = rows.take_out(unit, number)
            for performance in sorted({place[0] for place in row.places}) if row else ():
                assert row is not None
                units = [one for each, one in row.places if each == performance]
                giving_back.release(unit, env, row.stream, performance, units)
            return row

        done: list[rows.ParkedRow] = []
        for number in numbers:
            try:
                row = self._replica.transact(partial(work, number))
            except (ReplicaFull, JournalLocked) as error:  # it stays parked, and is tried again
                _log.error("parked_not_given_back", number=number, error=str(error))
                break
            done += [row] if row is not None else []
        for row in done:
            self._tell(row.places)
        for stream in {row.stream for row in done}:
            self._counter.release_recalled(stream)
        return self._parked(done)

    def _parked(self, found: Iterable[rows.ParkedRow]) -> tuple[Parked, ...]:
        names = {person.id: person.name for person in people.people(self._replica)}
        return tuple(self._read(row, names) for row in found)

    def _read(self, row: rows.ParkedRow, names: dict[str, str]) -> Parked:
        said = from_text(row.body)
        return Parked(
            row.number,
            row.stream,
            self._counter.event_name(row.stream),
            said.lines[0].performance,
            said.lines,
            said.note,
            names.get(said.person_id, said.person_id),
            _instant(row.parked_ms),
            _instant(row.until_ms),
            said.total_minor,
            said.currency,
        )

    def _tell(self, places: Places) -> None:
        for performance in sorted({place[0] for place in places}):
            self._counter.changed(performance)

    def _now_ms(self) -> int:
        return int(self._counter.now().timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
