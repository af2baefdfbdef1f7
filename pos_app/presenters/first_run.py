"""The first run, step by step: language, server, enrolment, printer, scanner."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from pos_app.presenters.observable import Observable
from pos_app.services.first_run import Enrolled, Failed, PrinterChoice, PrinterKind, Trouble

if TYPE_CHECKING:
    from edge.about import About
    from pos_app.presenters.runner import Run
    from pos_app.services.first_run import FirstRun

SCANNED_CHARS_MAX: Final = 400


class Step(StrEnum):
    """The pages, in their order."""

    LANGUAGE = "language"
    SERVER = "server"
    CODE = "code"
    PRINTER = "printer"
    SCANNER = "scanner"
    DONE = "done"


STEPS: Final = tuple(Step)


@dataclass(frozen=True, slots=True)
class FirstRunState:
    """What the assistant shows. `printed`: a test ticket came out, at `paper` if it is a file.

    `finished`: everything is done, and the till may open.
    """

    step: Step = Step.LANGUAGE
    url: str = ""
    about: About | None = None
    enrolled: Enrolled | None = None
    choice: PrinterChoice = field(default_factory=lambda: PrinterChoice(PrinterKind.FOLDER, ""))
    printed: bool = False
    paper: Path | None = None
    scanned: str = ""
    busy: bool = False
    failed: Failed | None = None
    finished: bool = False

    @property
    def can_go_on(self) -> bool:
        """Whether the step's work is done, or is not needed to go on."""
        if self.busy:
            return False
        if self.step is Step.SERVER:
            return self.about is not None
        if self.step is Step.CODE:
            return self.enrolled is not None
        if self.step is Step.PRINTER:
            return bool(self.choice.place.strip())
        return True


class FirstRunPresenter(Observable[FirstRunState]):
    """Does one thing at a time; what went wrong stands until the next try."""

    def __init__(
        self,
        services: FirstRun,
        run: Run,
        *,
        url: str = "",
        printer: PrinterChoice | None = None,
    ) -> None:
        choice = printer or PrinterChoice(PrinterKind.FOLDER, "boxgate-tickets")
        super().__init__(FirstRunState(url=url, choice=choice))
        self._services, self._run = services, run

    def next(self) -> None:
        """On to the next step; from the last but one by saving the settings."""
        state = self.state
        if not state.can_go_on:
            return
        if state.step is Step.DONE:
            self._become(replace(state, finished=True))
        elif state.step is Step.SCANNER:
            self._save()
        else:
            self._go(STEPS[STEPS.index(state.step) + 1])

    def back(self) -> None:
        """To the step before; an enrolment is not undone by it."""
        at = STEPS.index(self.state.step)
        if at > 0 and not self.state.busy:
            self._go(STEPS[at - 1])

    def speak(self, code: str) -> None:
        """Choose the language of the screen."""
        words.set_language(code)
        self._become(self.state)

    def look_for(self, url: str) -> None:
        """Ask the address whether it is a Boxgate server."""
        if not self.state.busy:
            self._begin(replace(self.state, url=url.strip(), about=None))
            self._run(lambda: self._services.look_for(url), self._looked, self._broke)

    def enrol(self, code: str) -> None:
        """Make this machine a till."""
        state = self.state
        if not state.busy and code.strip() and state.enrolled is None:
            self._begin(state)
            self._run(lambda: self._services.enrol(state.url, code), self._enrolled, self._broke)

    def choose_printer(self, kind: PrinterKind, place: str) -> None:
        """Print there; nothing is printed yet."""
        if not self.state.busy:
            choice = PrinterChoice(kind, place)
            if choice != self.state.choice:
                self._become(
                    replace(self.state, choice=choice, printed=False, paper=None, failed=None)
                )

    def try_printer(self) -> None:
        """Print the test ticket."""
        state = self.state
        if not state.busy and state.choice.place.strip():
            self._begin(replace(state, printed=False, paper=None))
            choice, spoken = state.choice, words.language()
            self._run(
                lambda: self._services.try_printer(choice, spoken), self._printed, self._broke
            )

    def scan(self, text: str) -> None:
        """Something arrived from the scanner."""
        self._become(replace(self.state, scanned=text.strip()[:SCANNED_CHARS_MAX]))

    # ------------------------------------------------------------------------------------ inside

    def _go(self, step: Step) -> None:
        self._become(replace(self.state, step=step, failed=None))

    def _begin(self, state: FirstRunState) -> None:
        self._become(replace(state, busy=True, failed=None))

    def _looked(self, answer: About | Failed) -> None:
        if isinstance(answer, Failed):
            self._fail(answer)
        else:
            self._become(replace(self.state, busy=False, about=answer))

    def _enrolled(self, answer: Enrolled | Failed) -> None:
        if isinstance(answer, Failed):
            self._fail(answer)
        else:
            self._become(replace(self.state, busy=False, enrolled=answer))
            self.next()

    def _printed(self, answer: Path | Failed | None) -> None:
        if isinstance(answer, Failed):
            self._fail(answer)
        else:
            self._become(replace(self.state, busy=False, printed=True, paper=answer))

    def _save(self) -> None:
        state, spoken = self.state, words.language()
        self._begin(state)
        self._run(
            lambda: self._services.save(spoken, state.url, state.choice), self._saved, self._broke
        )

    def _saved(self, failed: Failed | None) -> None:
        if failed is not None:
            self._fail(failed)
        else:
            self._become(replace(self.state, busy=False, step=Step.DONE))

    def _fail(self, failed: Failed) -> None:
        self._become(replace(self.state, busy=False, failed=failed))

    def _broke(self, error: Exception) -> None:
        self._fail(Failed(Trouble.DEFECT, f"{type(error).__name__}: {error}"))
