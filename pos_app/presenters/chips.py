"""Binding chips to the tickets of the order that is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pos_app.presenters.language import _
from pos_app.presenters.observable import Observable
from pos_app.services.chips_model import BoundChip, ForTicket, NoChip
from ticketing.credential import CredentialKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.presenters.runner import Run
    from pos_app.services.chips_model import ChipServices


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket of the order, and how it is called."""

    ticket: ForTicket
    name: str


@dataclass(frozen=True, slots=True)
class ChipState:
    """`places` are the tickets that chips are bound to, `at` the one whose turn it is.

    `made` is the chip that was bound a moment ago: it can be undone.
    """

    places: tuple[Place, ...] = ()
    at: int = 0
    chips: tuple[BoundChip, ...] = ()
    made: BoundChip | None = None
    refused: NoChip | None = None
    is_working: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return bool(self.places)

    @property
    def place(self) -> Place | None:
        """Whose turn it is."""
        return self.places[self.at] if self.places else None


class ChipPresenter(Observable[ChipState]):
    """One ticket after the other. Nothing is bound before a chip is held up."""

    def __init__(self, services: ChipServices, run: Run) -> None:
        super().__init__(ChipState())
        self._services, self._run = services, run

    def open(self, places: Sequence[Place]) -> None:
        """Begin with the first of these tickets."""
        if places:
            self._become(ChipState(tuple(places)))
            self._look()

    def close(self) -> bool:
        """Put it away; False when nothing was open."""
        if not self.state.is_open:
            return False
        self._become(ChipState())
        return True

    def go(self, by: int) -> None:
        """Another ticket's turn."""
        at = self.state.at + by
        if not self.state.is_working and 0 <= at < len(self.state.places):
            self._become(replace(self.state, at=at, chips=(), made=None, refused=None))
            self._look()

    def hold(self, held: str) -> bool:
        """A chip is held up, or its number was typed; False when nobody waits for one."""
        place = self.state.place
        if place is None:
            return False
        if held.strip() and not self.state.is_working:
            self._become(replace(self.state, is_working=True, refused=None, made=None))
            self._run(
                lambda: self._services.bind(place.ticket, held.strip()), self._bound, self._fail
            )
        return True

    def take_off(self, chip: BoundChip, *, lost: bool = False) -> None:
        """It is to stand for the ticket no longer; also how a slip is undone."""
        place = self.state.place
        if place is None or self.state.is_working:
            return
        self._become(replace(self.state, is_working=True, refused=None, made=None))
        self._run(
            lambda: self._services.take_off(place.ticket, chip, lost=lost), self._off, self._fail
        )

    # ------------------------------------------------------------------------- what came back

    def _look(self) -> None:
        place = self.state.place
        if place is not None:
            self._run(lambda: self._services.of(place.ticket), self._show, self._fail)

    def _show(self, chips: tuple[BoundChip, ...]) -> None:
        if self.state.is_open:
            self._become(replace(self.state, chips=chips))

    def _bound(self, answer: BoundChip | NoChip) -> None:
        if not self.state.is_open:
            return
        if isinstance(answer, NoChip):
            self._become(replace(self.state, is_working=False, refused=answer))
            return
        self._become(replace(self.state, is_working=False, made=answer))
        self._look()

    def _off(self, refused: NoChip | None) -> None:
        if self.state.is_open:
            self._become(replace(self.state, is_working=False, refused=refused))
            self._look()

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it."""
        self._become(replace(self.state, is_working=False, refused=NoChip.NOT_WRITTEN))


def no_chip(code: NoChip) -> str:
    """Why nothing was done, in a sentence."""
    return {
        NoChip.NO_KEYS: _(
            "This window was never in contact with the server: chips can be bound after that."
        ),
        NoChip.NOT_A_CHIP: _("That is no chip's number. Hold the chip to the reader again."),
        NoChip.NOT_LASTING: _(
            "A telephone, or a chip that makes up its number: nothing can be bound to it."
        ),
        NoChip.OTHER_TICKET: _("Another ticket is written on this chip."),
        NoChip.TAKEN: _("This chip stands for another ticket. Take it off there first."),
        NoChip.NOT_VALID: _("This ticket lets nobody in: nothing was bound."),
        NoChip.NOT_SIGNED_IN: _("Nobody is signed in: nothing was bound."),
        NoChip.NOT_WRITTEN: _("It could not be recorded: nothing was bound. Call the manager."),
    }[code]


def chip_name(kind: CredentialKind) -> str:
    """What kind of chip it is."""
    return {
        CredentialKind.UID: _("Chip by its number"),
        CredentialKind.TAG: _("Chip with its ticket's text"),
        CredentialKind.SUN: _("Chip that proves itself"),
    }[kind]


def bound_sentence(kind: CredentialKind) -> str:
    """What was bound, and what it is worth."""
    if kind is CredentialKind.SUN:
        return _("Bound. Nobody can copy this chip, as far as is known.")
    return _(
        "Bound. Whoever holds the chip for a few seconds can copy it: it is worth as much as a "
        "printed code, no more."
    )
