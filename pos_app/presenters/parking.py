"""Baskets put aside and taken out again, and what becomes of those that nobody comes for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from pos_app.presenters.history import Deed, History, Step, Toast
from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.sell_board import nothing
from pos_app.services.basket import empty_basket, put_back
from pos_app.services.parking_model import Parked, ParkRefusal, ParkRefused, Recalled

if TYPE_CHECKING:
    from collections.abc import Callable

    from pos_app.presenters.sell_board import SellBoard
    from pos_app.presenters.sell_house import Opened
    from pos_app.presenters.shown import Shown

_RETRY_S: Final = 30
"""How long to wait after what was parked too long could not be given back."""


def _stay() -> None:
    """Nothing follows."""


class Parking:
    """One basket at a time is on its way; nothing may touch the basket meanwhile."""

    def __init__(self, board: SellBoard, shown: Shown) -> None:
        self._board = board
        self._shown = shown
        self._try_again_at = board.services.now()

    def load(self) -> None:
        """Read what is parked."""
        self._board.run(self._board.services.parking.all, self._show, self._board.fail)

    # ------------------------------------------------------------------------- aside and back

    def park_or_recall(self) -> None:
        """Put the basket aside; an empty one takes out the one that waits, or shows which do."""
        state = self._board.state
        if state.is_frozen:
            return
        if state.basket is not None and state.basket.lines:
            self.park()
        elif state.recalling:
            self.close()
        elif not state.parked:
            self._board.say(Notice(Topic.NOTHING_PARKED))
        elif len(state.parked) == 1:
            self.recall(state.parked[0].number)
        else:
            self.open_list()

    def open_list(self) -> None:
        """Show what is parked."""
        if self._board.state.parked and not self._board.state.is_frozen:
            self._board.did(replace(self._board.state, recalling=True, notice=None))

    def close(self) -> bool:
        """Back to the basket; False when the list was not open."""
        if not self._board.state.recalling:
            return False
        self._board.become(replace(self._board.state, recalling=False))
        return True

    def park(self, then: Callable[[], None] = _stay, otherwise: Callable[[], None] = _stay) -> None:
        """Put the basket aside and then do `then`; `otherwise` when it may not be put aside.

        What was asked for is not waited for.
        """
        self._park(then, otherwise, again=False)

    def redo(self) -> None:
        """Put the basket aside once more."""
        self._park(_stay, _stay, again=True)

    def recall(self, number: int) -> None:
        """Take a basket out; one that is being filled is put aside first."""
        state = self._board.state
        if state.is_frozen or state.house is None:
            return
        if state.basket is not None and state.basket.lines:
            self.park(partial(self.recall, number))
        else:
            self._recall(number, None)

    def undo(self, step: Step) -> None:
        """Take out the basket that a step put aside, if no other was begun since."""
        state = self._board.state
        if state.basket is not None and state.basket.lines:
            self._board.say(Notice(Topic.UNPARK_NEEDS_ROOM, count=step.number))
        else:
            self._recall(step.number, step)

    def extend(self, number: int) -> None:
        """Keep a basket for a while more."""
        work = partial(self._board.services.parking.extend, number)
        self._board.run(work, lambda _done: self.load(), self._board.fail)

    def give_back(self, number: int) -> None:
        """Its buyer does not come."""
        if self._board.state.is_frozen:
            return
        work = partial(self._board.services.parking.give_back, number)
        self._board.run(work, lambda _gone: self.load(), self._board.fail)

    def tick(self) -> None:
        """Time passes: what has waited too long goes back."""
        now = self._board.services.now()
        over = any(each.until <= now for each in self._board.state.parked)
        if over and now >= self._try_again_at:
            self._try_again_at = now + timedelta(seconds=_RETRY_S)
            self._board.run(self._board.services.parking.expire, self._expired, self._board.fail)

    # ------------------------------------------------------------------------- what came back

    def _show(self, parked: tuple[Parked, ...]) -> None:
        recalling = self._board.state.recalling and bool(parked)
        self._board.become(replace(self._board.state, parked=parked, recalling=recalling))

    def _park(
        self, then: Callable[[], None], otherwise: Callable[[], None], *, again: bool
    ) -> None:
        state = self._board.state
        basket = state.basket
        if basket is None or not basket.lines or state.is_frozen:
            return
        if state.payment.recorded:
            self._board.say(Notice(Topic.NOT_PARKED, code=ParkRefusal.PARTLY_PAID))
            otherwise()
            return
        self._board.did(
            replace(state, parking=True, notice=None, giving=None, wishes=frozenset(), toast=None)
        )
        work = partial(self._board.services.parking.park, basket)
        self._board.run(work, partial(self._parked, then, otherwise, again), self._broke)

    def _parked(
        self,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        again: bool,
        answer: Parked | ParkRefused,
    ) -> None:
        state = self._board.state
        if isinstance(answer, ParkRefused) or state.house is None:
            self._not_parked(answer)
            otherwise()
            return
        step = Step(Deed.PARK, (), answer.number)
        history = state.history.redid(step) if again else state.history.did(step)
        self._board.become(
            replace(
                state,
                parking=False,
                recalling=False,
                basket=empty_basket(state.house.event),
                history=history,
                toast=Toast(step),
                parked=_sorted((*state.parked, answer)),
            )
        )
        self._shown.recount()
        then()

    def _not_parked(self, answer: Parked | ParkRefused) -> None:
        state = self._board.state
        refused = answer if isinstance(answer, ParkRefused) else ParkRefused(ParkRefusal.NO_EVENT)
        basket = state.basket
        if basket is not None and refused.reason is ParkRefusal.UNITS_GONE:
            kept = tuple(line for line in basket.lines if line.unit not in refused.units)
            basket = replace(basket, lines=kept, quote=None)
        notice = Notice(Topic.NOT_PARKED, code=refused.reason, units=refused.units)
        self._board.become(replace(state, parking=False, basket=basket, notice=notice))
        self._shown.recount()

    def _recall(self, number: int, undone: Step | None) -> None:
        """Read the house first: a basket that is taken out must have somewhere to be shown."""
        state = self._board.state
        found = next((each for each in state.parked if each.number == number), None)
        if found is None:
            self._not_recalled(ParkRefused(ParkRefusal.NOT_PARKED), undone)
            return
        self._board.did(replace(state, parking=True, notice=None, toast=None))

        def work() -> tuple[Opened, Recalled | ParkRefused]:
            opened = self._shown.read(found.performance)
            return opened, self._board.services.parking.recall(number)

        self._board.run(work, partial(self._recalled, undone), self._broke)

    def _recalled(self, undone: Step | None, answer: tuple[Opened, Recalled | ParkRefused]) -> None:
        opened, recalled = answer
        if isinstance(recalled, ParkRefused):
            self._not_recalled(recalled, undone)
            return
        parked, event = recalled.parked, opened.house.event
        basket = replace(empty_basket(event), note=parked.note)
        for line in recalled.kept:
            basket = put_back(basket, event, line)
        history = self._board.state.history.undid() if undone else History()
        state = replace(
            self._shown.showing(opened),
            parking=False,
            recalling=False,
            basket=basket,
            history=history,
            firm=recalled.firm,
            parked=tuple(each for each in self._board.state.parked if each.number != parked.number),
        )
        self._board.become(state)
        self._after(recalled)

    def _after(self, recalled: Recalled) -> None:
        """Say what is not as it was, and give back what is not sold any more."""
        basket = self._board.state.basket
        assert basket is not None, "it was just shown"
        for line in recalled.kept:
            if not basket.has(*line.place):
                self._board.give_back(line.performance, [line.unit])
        lost = [line.unit for line in recalled.parked.lines if not basket.has(*line.place)]
        before, now = recalled.parked.total_minor, basket.total_minor
        if lost:
            self._board.say(Notice(Topic.RECALLED_WITHOUT, units=tuple(lost)))
        elif now != before:
            self._board.say(Notice(Topic.RECALLED_AT_OTHER_PRICE, amounts=(before, now)))
        number = self._board.state.number
        self._board.run(lambda: self._board.services.stock(number), nothing, self._board.fail)
        self._shown.recount()

    def _not_recalled(self, refused: ParkRefused, undone: Step | None) -> None:
        state = self._board.state
        history = state.history.without_last() if undone else state.history
        notice = Notice(Topic.NOT_PARKED, code=refused.reason)
        self._board.become(replace(state, parking=False, history=history, notice=notice))
        self.load()

    def _expired(self, over: tuple[Parked, ...]) -> None:
        self.load()
        if over:
            self._try_again_at = self._board.services.now()
            numbers = ", ".join(str(each.number) for each in over)
            count = sum(len(each.lines) for each in over)
            self._board.say(Notice(Topic.PARKED_TOO_LONG, code=numbers, count=count))
            self._shown.recount()

    def _broke(self, error: Exception) -> None:
        self._board.become(replace(self._board.state, parking=False))
        self._board.fail(error)
        self.load()


def _sorted(parked: tuple[Parked, ...]) -> tuple[Parked, ...]:
    return tuple(sorted(parked, key=lambda each: (each.until, each.number)))
