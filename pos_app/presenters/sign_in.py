"""Signing in: who, and the PIN. The digits never leave the presenter but for the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pos_app.presenters.observable import Observable
from pos_app.services.model import SignedIn, SignInRefused

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.model import Person
    from pos_app.services.till import TillServices

PIN_DIGITS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class SignInState:
    """What the sign-in screen shows. `digit_count` dots stand for the PIN."""

    people: tuple[Person, ...] = ()
    chosen_id: str = ""
    digit_count: int = 0
    checking: bool = False
    refused: SignInRefused | None = None
    failed: bool = False  # the check itself broke: neither a right nor a wrong PIN


class SignInPresenter(Observable[SignInState]):
    """Holds the PIN while it is typed; one check at a time."""

    def __init__(
        self,
        services: TillServices,
        run: Run,
        signed_in: Callable[[SignedIn], None],
        leave_out: Callable[[], str] = str,
    ) -> None:
        """`leave_out` gives the id of somebody who is not asked: they are signed in already."""
        super().__init__(SignInState())
        self._leave_out = leave_out
        self._services = services
        self._run = run
        self._signed_in = signed_in
        self._pin = ""

    def load(self) -> None:
        """Fetch the people again and forget what was typed."""
        self._pin = ""
        self._become(replace(self.state, digit_count=0, refused=None, failed=False))
        self._run(self._services.people, self._show_people, self._fail)

    def refresh(self) -> None:
        """Fetch the people again; what is being typed stays."""
        self._run(self._services.people, self._show_people, self._fail)

    def choose(self, person_id: str) -> None:
        """Take this person; typed digits are forgotten."""
        self._pin = ""
        self._become(
            replace(self.state, chosen_id=person_id, digit_count=0, refused=None, failed=False)
        )

    def digit(self, digit: str) -> None:
        """Type one digit; more than fit, or anything else, is ignored."""
        if self.state.checking or len(self._pin) >= PIN_DIGITS_MAX:
            return
        if len(digit) == 1 and digit in "0123456789":
            self._type(self._pin + digit)

    def backspace(self) -> None:
        """Forget the last digit."""
        if not self.state.checking:
            self._type(self._pin[:-1])

    def clear(self) -> None:
        """Forget all digits."""
        if not self.state.checking:
            self._type("")

    def submit(self) -> None:
        """Check the PIN; nothing happens without a person and a digit, or while checking."""
        state = self.state
        if state.checking or not state.chosen_id or not self._pin:
            return
        person_id, pin = state.chosen_id, self._pin
        self._become(replace(state, checking=True, refused=None, failed=False))
        self._run(lambda: self._services.sign_in(person_id, pin), self._answered, self._fail)

    def _type(self, pin: str) -> None:
        self._pin = pin
        self._become(replace(self.state, digit_count=len(pin), refused=None, failed=False))

    def _show_people(self, everybody: tuple[Person, ...]) -> None:
        without = self._leave_out()
        people = tuple(person for person in everybody if person.id != without)
        known = {person.id for person in people}
        chosen_id = self.state.chosen_id if self.state.chosen_id in known else ""
        if not chosen_id and len(people) == 1:
            chosen_id = people[0].id
        self._become(replace(self.state, people=people, chosen_id=chosen_id))

    def _answered(self, answer: SignedIn | SignInRefused) -> None:
        self._pin = ""
        refused = answer if isinstance(answer, SignInRefused) else None
        self._become(replace(self.state, checking=False, digit_count=0, refused=refused))
        if isinstance(answer, SignedIn):
            self._signed_in(answer)

    def _fail(self, _error: Exception) -> None:
        self._pin = ""
        self._become(replace(self.state, checking=False, digit_count=0, failed=True))
