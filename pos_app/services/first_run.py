"""Setting a till up: is that the server, who is this machine, does the printer print."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from edge.about import About, NotBoxgate, ask_about
from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.errors import EdgeError, EnrolmentRefused, ServerUnreachable
from edge.node import program_version
from pos_app.services.paper import render_tickets
from pos_app.services.printer import PrinterError, make_printer
from pos_app.services.printing import labels_of
from pos_app.services.slip_printer import SlipOutcome, open_slip_printer
from pos_app.services.slips import ticket_slips
from pos_app.services.trial_papers import blank_trial_face
from pos_app.settings import PrinterSettings
from program.errors import SettingsError
from program.paper_fonts import FontMissing
from program.settings_file import Value, change_settings

_JOB: Final = "first-run-test"


class PrinterKind(StrEnum):
    """Where tickets go."""

    FOLDER = "folder"
    DEVICE = "device"
    COMMAND = "command"


class Trouble(StrEnum):
    """What went wrong in a step. Codes for the screen."""

    NO_ADDRESS = "no_address"
    NO_ANSWER = "no_answer"
    NOT_BOXGATE = "not_boxgate"
    OTHER_VERSION = "other_version"
    CODE_REFUSED = "code_refused"
    FOLDER_UNUSABLE = "folder_unusable"
    NOT_PRINTED = "not_printed"
    NOT_SAVED = "not_saved"
    DEFECT = "defect"


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that did not go through; `detail` is plain English for support."""

    trouble: Trouble
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The machine is a till of the house now, and called so."""

    name: str


@dataclass(frozen=True, slots=True)
class PrinterChoice:
    """What was chosen; `place` is the folder, the address or the command's words."""

    kind: PrinterKind
    place: str

    def settings(self) -> dict[str, Value]:
        """The keys of the settings file for it."""
        words = tuple(self.place.split())
        return {
            "printer.folder": self.place if self.kind is PrinterKind.FOLDER else None,
            "printer.device": self.place if self.kind is PrinterKind.DEVICE else None,
            "printer.command": words if self.kind is PrinterKind.COMMAND else None,
        }


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The steps' work; each call may take seconds and belongs on a worker thread."""

    data_dir: Path
    settings_file: Path
    font: Path | None = None

    def look_for(self, url: str) -> About | Failed:
        """Whether a Boxgate server answers there, and of which house."""
        address = url.strip().rstrip("/")
        if not address.startswith(("http://", "https://")):
            return Failed(Trouble.NO_ADDRESS)
        try:
            about = ask_about(address, program_version())
        except NotBoxgate as error:
            return Failed(Trouble.NOT_BOXGATE, str(error))
        except ServerUnreachable as error:
            return Failed(Trouble.NO_ANSWER, str(error))
        return about if about.is_understood else Failed(Trouble.OTHER_VERSION)

    def enrol(self, url: str, code: str) -> Enrolled | Failed:
        """Make this machine a till. Repeating it after a lost answer is safe."""
        address = url.strip().rstrip("/")
        try:
            identity = enrol(
                self.data_dir, address, code, "till", MachineEnv(), version=program_version()
            )
        except EnrolmentRefused as error:
            return Failed(Trouble.CODE_REFUSED, str(error))
        except ServerUnreachable as error:
            return Failed(Trouble.NO_ANSWER, str(error))
        except EdgeError as error:
            return Failed(Trouble.FOLDER_UNUSABLE, str(error))
        return Enrolled(identity.name)

    def try_printer(self, choice: PrinterChoice, language: str) -> Path | Failed | None:
        """Print a ticket that lets nobody in; where the file is, if it is one."""
        try:
            if choice.kind is PrinterKind.DEVICE:
                return self._try_device(choice.place, language)
            target = (
                f"folder:{choice.place}"
                if choice.kind is PrinterKind.FOLDER
                else tuple(choice.place.split())
            )
            printer = make_printer(target, spool=self.data_dir / "spool")
            face, labels = blank_trial_face(language), labels_of(language, 1)
            return printer.print_pdf(render_tickets([face], labels, font=self.font), job=_JOB)
        except (PrinterError, FontMissing, SettingsError, ValueError) as error:
            return Failed(Trouble.NOT_PRINTED, str(error))

    def _try_device(self, address: str, language: str) -> Path | Failed | None:
        """By a spool of its own: a page that did not come out is not printed on another day."""
        with TemporaryDirectory() as folder:
            spool = Path(folder) / "slips.db"
            paper_mm = PrinterSettings().paper_mm
            with open_slip_printer(
                address, spool=spool, paper_mm=paper_mm, font=self.font
            ) as slips:
                face, labels = blank_trial_face(language), labels_of(language, 1)
                document = ticket_slips([face], labels, columns=slips.columns)
                handed = slips.print_slip(_JOB, document, title="Test")
        if handed.outcome is SlipOutcome.ON_PAPER:
            return None
        return Failed(Trouble.NOT_PRINTED, handed.detail or str(handed.outcome))

    def save(self, language: str, url: str, choice: PrinterChoice | None) -> Failed | None:
        """Write the settings; what else is in the file stays."""
        changes: dict[str, Value] = {
            "server_url": url.strip().rstrip("/"),
            "data_dir": str(self.data_dir.absolute()),
            "screen.language": language,
        }
        if choice is not None:
            changes |= choice.settings()
        try:
            change_settings(self.settings_file, changes)
        except SettingsError as error:
            return Failed(Trouble.NOT_SAVED, str(error))
        return None
