"""Why the till does not start, for people: what happened, money and seats, what to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from edge.errors import (
    IdentityError,
    ReplicaDamaged,
    ReplicaError,
    ReplicaFromNewerVersion,
    ReplicaFull,
    ReplicaInUse,
    ReplicaMissing,
)
from pos_app.presenters.language import _
from program.errors import ProgramError, SettingsError


class StartFault(StrEnum):
    """What keeps the till from starting. Part of the support code, never renamed."""

    DAMAGED = "damaged"
    NEWER = "newer"
    MISSING = "missing"
    FULL = "full"
    IN_USE = "in_use"
    UNUSABLE = "unusable"
    IDENTITY = "identity"
    SETTINGS = "settings"
    PROGRAM = "program"
    DEFECT = "defect"


_KINDS: tuple[tuple[type[Exception], StartFault], ...] = (
    (ReplicaDamaged, StartFault.DAMAGED),
    (ReplicaFromNewerVersion, StartFault.NEWER),
    (ReplicaMissing, StartFault.MISSING),
    (ReplicaFull, StartFault.FULL),
    (ReplicaInUse, StartFault.IN_USE),
    (ReplicaError, StartFault.UNUSABLE),
    (IdentityError, StartFault.IDENTITY),
    (SettingsError, StartFault.SETTINGS),
    (ProgramError, StartFault.PROGRAM),
)


@dataclass(frozen=True, slots=True)
class StartWords:
    """What the screen says."""

    happened: str
    means: str
    to_do: str


def fault_of(error: Exception) -> StartFault:
    """The kind of an error at start; total."""
    return next((fault for kind, fault in _KINDS if isinstance(error, kind)), StartFault.DEFECT)


def support_code(error: Exception) -> str:
    """What to tell support on the telephone: the kind, and which of its sentences it was."""
    digest = hashlib.sha256(f"{type(error).__name__}: {error}".encode()).hexdigest()
    return f"{fault_of(error).upper()}-{digest[:4].upper()}"


def start_words(fault: StartFault) -> StartWords:
    """The sentences, in the language spoken now."""
    return StartWords(_happened(fault), _means(fault), _to_do(fault))


def _happened(fault: StartFault) -> str:  # noqa: C901 - one sentence for each of ten
    match fault:
        case StartFault.DAMAGED:
            return _("This till's records are damaged: the file on the disk is not whole.")
        case StartFault.NEWER:
            return _("This till's records were written by a newer Boxgate than this one.")
        case StartFault.MISSING:
            return _("This till's records are gone from its data folder.")
        case StartFault.FULL:
            return _("The disk is full: the till could not write anything.")
        case StartFault.IN_USE:
            return _("The till runs already, perhaps behind this window.")
        case StartFault.UNUSABLE:
            return _("This till's records cannot be read or written just now.")
        case StartFault.IDENTITY:
            return _("This till's key or its enrolment cannot be used.")
        case StartFault.SETTINGS:
            return _("The settings file has a mistake.")
        case StartFault.PROGRAM:
            return _("The till cannot start.")
        case StartFault.DEFECT:
            return _("The program failed while it started: a defect.")
        case _:
            assert_never(fault)


def _means(fault: StartFault) -> str:
    match fault:
        case StartFault.DAMAGED | StartFault.MISSING:
            return _(
                "Nothing can be sold here. What the server has is safe; sales that it has not got "
                "yet are on this disk alone. The seats of this till stay reserved."
            )
        case StartFault.FULL | StartFault.UNUSABLE | StartFault.DEFECT:
            return _(
                "Nothing was sold or changed by this start. What was recorded before is on the "
                "disk; the seats of this till stay reserved."
            )
        case (
            StartFault.NEWER
            | StartFault.IN_USE
            | StartFault.IDENTITY
            | StartFault.SETTINGS
            | StartFault.PROGRAM
        ):
            return _("No money and no seat is touched by this; what was sold is kept.")
        case _:
            assert_never(fault)


def _to_do(fault: StartFault) -> str:
    match fault:
        case StartFault.DAMAGED | StartFault.MISSING:
            return _(
                "Sell at another window. Leave the data folder as it is and call the manager: this "
                "till is enrolled anew, in a new folder."
            )
        case StartFault.NEWER:
            return _("Install the newer program on this machine, then start again.")
        case StartFault.FULL:
            return _("Free some space on the disk, then start again.")
        case StartFault.IN_USE:
            return _("Go to the window that is open, or close it first.")
        case StartFault.UNUSABLE:
            return _(
                "Close other programs that use the data folder, check the disk, then start again."
            )
        case StartFault.IDENTITY:
            return _("Call the manager: this till may have to be enrolled anew.")
        case StartFault.SETTINGS:
            return _("Correct the file where the line below says so, then start again.")
        case StartFault.PROGRAM:
            return _("Do what the line below says, then start again.")
        case StartFault.DEFECT:
            return _("Start again. If it stays, tell support the code below; the log has the rest.")
        case _:
            assert_never(fault)
