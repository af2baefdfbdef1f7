"""Who bought: typed beside the basket or for an order, shown to who may see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pos_app.presenters.language import _
from pos_app.presenters.observable import Observable
from pos_app.services.buyers_model import NoBuyer
from ticketing.personal import Buyer

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.buyers_model import BuyerServices


@dataclass(frozen=True, slots=True)
class BuyerState:
    """`order` is the one that is looked at, None for the basket. `shown` is what is known of it.

    `along` goes with the next sale.
    """

    is_open: bool = False
    order: tuple[str, str] | None = None
    shown: Buyer = field(default_factory=Buyer)
    refused: NoBuyer | None = None
    can_save: bool = True
    along: Buyer = field(default_factory=Buyer)


class BuyerPresenter(Observable[BuyerState]):
    """One card for both; nothing of it is kept here once the card is closed."""

    def __init__(self, services: BuyerServices, run: Run) -> None:
        super().__init__(BuyerState())
        self._services, self._run = services, run
        self._had_lines = False

    def open_for_basket(self) -> None:
        """Who buys what is in the basket."""
        along, can = self._services.along(), self._services.can_note()
        self._become(
            replace(
                self.state, is_open=True, order=None, shown=along, can_save=can,
                refused=None if can else NoBuyer.NO_KEYS,
            )
        )  # fmt: skip

    def open_for_order(self, event_id: str, order_id: str) -> None:
        """Who bought an order."""
        order = (event_id, order_id)
        self._become(replace(self.state, is_open=True, order=order, shown=Buyer(), refused=None))
        self._run(lambda: self._services.open(*order), self._show, self._fail)

    def save(self, name: str, phone: str) -> None:
        """Note it; the card closes when that is done."""
        order = self.state.order
        if not self.state.can_save:
            return
        if order is None:
            self._saved(self._services.take_along(name, phone))
        else:
            self._run(lambda: self._services.note(*order, name, phone), self._saved, self._fail)

    def close(self) -> bool:
        """Forget what was shown; False when nothing was open."""
        if not self.state.is_open:
            return False
        self._become(BuyerState(along=self._services.along()))
        return True

    def basket_has(self, *, lines: bool) -> None:
        """The basket was filled or emptied: who was to buy it goes with it."""
        if self._had_lines and not lines and not self._services.along().is_empty:
            self._services.take_along("", "")
        self._had_lines = lines
        along = self._services.along()
        if along != self.state.along:
            self._become(replace(self.state, along=along))

    # ------------------------------------------------------------------------- what came back

    def _show(self, found: Buyer | NoBuyer) -> None:
        if not self.state.is_open:
            return
        if isinstance(found, Buyer):
            self._become(replace(self.state, shown=found, can_save=True))
            return
        can = found is NoBuyer.NOTHING and self._services.can_note()
        refused = None if found is NoBuyer.NOTHING and can else found
        self._become(replace(self.state, refused=refused, can_save=can))

    def _saved(self, refused: NoBuyer | None) -> None:
        if refused is None:
            self.close()
        else:
            self._become(replace(self.state, refused=refused))

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it, without what was typed."""
        self._become(replace(self.state, refused=NoBuyer.NOT_WRITTEN))


def no_buyer(code: NoBuyer) -> str:
    """Why nothing is noted or shown, in a sentence."""
    return {
        NoBuyer.NO_KEYS: _(
            "Not in contact with the server since the start: names can be neither kept nor shown. "
            "Selling goes on without."
        ),
        NoBuyer.NOT_A_NAME: _("That is no name, or no telephone number."),
        NoBuyer.NOT_YOURS: _("Sold at another window: a supervisor may see the buyer's name."),
        NoBuyer.NOTHING: _("Nothing is known of the buyer."),
        NoBuyer.NOT_WRITTEN: _("It could not be kept: call the manager if that stays so."),
    }[code]


def along_words(along: Buyer) -> str:
    """What the key in the basket says."""
    shown = along.masked
    return shown.name or shown.phone or _("Buyer")
