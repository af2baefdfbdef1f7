"""Seats that are not ours yet: asked for in the background, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pos_app.presenters.notice import Notice, Topic
from pos_app.services.model import Link, News

if TYPE_CHECKING:
    from pos_app.presenters.sell_board import SellBoard


class Wishes:
    """`recount` reads anew what is free."""

    def __init__(self, board: SellBoard, recount: Callable[[], None]) -> None:
        self._board = board
        self._recount = recount

    def ask(self, units: Sequence[int]) -> None:
        """Ask for units of the performance shown; say so where nobody can be asked."""
        state = self._board.state
        if state.status.link in (Link.OFFLINE, Link.LOCKED):
            self._say_offline(units)
            return
        number = state.number
        wishes = state.wishes | {(number, unit) for unit in units}
        self._board.become(replace(state, wishes=wishes))

        def asked(taken: bool) -> None:
            if not taken:
                self.forget(units)
                self._say_offline(units)

        self._board.run(
            lambda: self._board.services.ask_for(number, units), asked, self._board.fail
        )

    def forget(self, units: Iterable[int]) -> None:
        """Not wished for any more: what comes of them goes back."""
        gone = {(self._board.state.number, unit) for unit in units}
        self._board.become(replace(self._board.state, wishes=self._board.state.wishes - gone))

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
        if self._board.state.paying or not self._board.holds_event_of(news.performance):
            unwanted, wanted = [*unwanted, *wanted], []
        self._board.add(wanted, number=news.performance)
        if unwanted:
            self._board.give_back(news.performance, unwanted)
        self._recount()

    def not_granted(self, news: News) -> None:
        """Units that are not ours, and will not be."""
        wished = [
            unit for unit in news.units if (news.performance, unit) in self._board.state.wishes
        ]
        wishes = self._board.state.wishes - {(news.performance, unit) for unit in wished}
        self._board.become(replace(self._board.state, wishes=wishes))
        if wished and news.performance == self._board.state.number:
            offer = self._board.nearest_free(wished[0])
            self._board.say(
                Notice(Topic.NOT_GRANTED, code=news.reason, units=tuple(wished), offer=offer)
            )
        self._recount()

    def _say_offline(self, units: Sequence[int]) -> None:
        offer = self._board.nearest_free(units[0])
        self._board.say(Notice(Topic.SEAT_NOT_OURS_OFFLINE, units=tuple(units), offer=offer))
