"""Seats that are not ours yet: asked for in the background, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pos_app.presenters.history import Deed
from pos_app.presenters.notice import Notice, Topic
from pos_app.services.basket import put_back
from pos_app.services.model import Link, News
from pos_app.services.parking_model import HOLD_S

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_board import SellBoard
    from pos_app.services.basket import Picked


SLOW_S: Final = 0.3
"""Who waits longer for the server is told, and offered what is here."""


class Wishes:
    """`recount` reads anew what is free."""

    def __init__(self, board: SellBoard, recount: Callable[[], None]) -> None:
        self._board = board
        self._recount = recount
        self._again: dict[tuple[int, int], Picked] = {}  # as they are to come back
        self._since: dict[tuple[int, int], datetime] = {}  # asked for, and nothing was said of it

    def ask(self, units: Sequence[int], number: int | None = None) -> None:
        """Ask for units, of the performance shown if none is told; say so where nobody can be."""
        state = self._board.state
        if state.status.link in (Link.OFFLINE, Link.LOCKED):
            self._say_offline(units)
            return
        number = number or state.number
        wished = {(number, unit) for unit in units}
        self._since |= dict.fromkeys(wished, self._board.services.now())
        self._board.become(replace(state, wishes=state.wishes | wished))

        def asked(taken: bool) -> None:
            if not taken:
                self.forget(units, number)
                self._say_offline(units)

        self._board.run(
            lambda: self._board.services.ask_for(number, units), asked, self._board.fail
        )

    def ask_again(self, lines: Sequence[Picked]) -> None:
        """Ask for seats that were in the basket before, to have them back as they were."""
        self._again |= {line.place: line for line in lines}
        for number in sorted({line.performance for line in lines}):
            self.ask([line.unit for line in lines if line.performance == number], number)

    def forget(self, units: Iterable[int], number: int | None = None) -> None:
        """Not wished for any more: what comes of them goes back."""
        gone = {(number or self._board.state.number, unit) for unit in units}
        for place in gone:
            self._again.pop(place, None)
        self._board.become(replace(self._board.state, wishes=self._board.state.wishes - gone))

    def tick(self) -> None:
        """Time passes: seats that were acquired for the basket and are not paid go back."""
        self._offer_instead()
        state = self._board.state
        until, basket = state.hold_until, state.basket
        if until is None or basket is None or self._board.services.now() < until:
            return
        if state.is_frozen or state.payment.recorded:  # what was begun to be paid may be finished
            return
        over = [line for line in basket.lines if line.picked.place in state.firm]
        kept = tuple(line for line in basket.lines if line not in over)
        notice = Notice(Topic.HELD_TOO_LONG, units=tuple(line.unit for line in over))
        changed = replace(state, basket=replace(basket, lines=kept, quote=None), notice=notice)
        self._board.edit(Deed.REMOVE, changed)
        self._board.become(replace(self._board.state, toast=None))  # the notice says it
        self._board.give_back_lines(over)

    def _offer_instead(self) -> None:
        """Say once that the server takes its time, with the nearest seat that is here."""
        state, now = self._board.state, self._board.services.now()
        self._since = {place: at for place, at in self._since.items() if place in state.wishes}
        slow = sorted(
            (number, unit)
            for (number, unit), at in self._since.items()
            if number == state.number and (now - at).total_seconds() >= SLOW_S
        )
        if not slow or state.notice is not None or state.is_frozen:
            return
        for place in slow:
            del self._since[place]
        units = tuple(unit for _number, unit in slow)
        offer = self._board.nearest_free(units[0])
        self._board.say(Notice(Topic.STILL_ASKING, units=units, offer=offer))

    def _no_longer_slow(self) -> None:
        """The answer came: what was said about its delay is over."""
        notice = self._board.state.notice
        if notice is not None and notice.topic is Topic.STILL_ASKING:
            self._board.become(replace(self._board.state, notice=None))

    def extend(self) -> None:
        """Keep them for as long again, from now."""
        if self._board.state.hold_until is not None:
            until = self._board.services.now() + timedelta(seconds=HOLD_S)
            self._board.become(replace(self._board.state, hold_until=until))

    def granted(self, news: News) -> None:
        """Units are ours: into the basket with those still wished for, back with the others."""
        wanted = [
            unit for unit in news.units if (news.performance, unit) in self._board.state.wishes
        ]
        held = self._board.state.basket
        unwanted = [
            unit
            for unit in news.units
            if unit not in wanted and not (held and held.has(news.performance, unit))
        ]
        wishes = self._board.state.wishes - {(news.performance, unit) for unit in wanted}
        self._board.become(replace(self._board.state, wishes=wishes))
        if wanted:
            self._no_longer_slow()
        if self._board.state.is_frozen or not self._board.holds_event_of(news.performance):
            unwanted, wanted = [*unwanted, *wanted], []
        unwanted += self._take(news.performance, wanted)
        if unwanted:
            self._board.give_back(news.performance, unwanted)
        self._recount()

    def not_granted(self, news: News) -> None:
        """Units that are not ours, and will not be."""
        wished = [
            unit for unit in news.units if (news.performance, unit) in self._board.state.wishes
        ]
        places = {(news.performance, unit) for unit in wished}
        for place in places:
            self._again.pop(place, None)
        wishes = self._board.state.wishes - places
        self._board.become(replace(self._board.state, wishes=wishes))
        if wished and news.performance == self._board.state.number:
            offer = self._board.nearest_free(wished[0])
            self._board.say(
                Notice(Topic.NOT_GRANTED, code=news.reason, units=tuple(wished), offer=offer)
            )
        self._recount()

    def _take(self, number: int, units: Sequence[int]) -> list[int]:
        """Put units that were granted into the basket; those that found no room in it."""
        again = [self._again.pop((number, unit), None) for unit in units]
        fresh = [unit for unit, line in zip(units, again, strict=True) if line is None]
        self._put_back([line for line in again if line is not None])
        if fresh:
            self._board.add(fresh, number=number)
        state = self._board.state
        firm = state.firm | {(number, unit) for unit in units}
        self._board.become(replace(state, firm=firm))
        return [unit for unit in units if not (state.basket and state.basket.has(number, unit))]

    def _put_back(self, lines: Sequence[Picked]) -> None:
        """These come back by an undoing: that is no new step."""
        state = self._board.state
        if state.basket is None or state.house is None or not lines:
            return
        basket = state.basket
        for line in lines:
            basket = put_back(basket, state.house.event, line)
        self._board.did(replace(state, basket=basket))

    def _say_offline(self, units: Sequence[int]) -> None:
        offer = self._board.nearest_free(units[0])
        self._board.say(Notice(Topic.SEAT_NOT_OURS_OFFLINE, units=tuple(units), offer=offer))
