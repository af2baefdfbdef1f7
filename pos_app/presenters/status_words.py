"""How this window stands with the server, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, assert_never

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.late_words import late_banner, outlived_banner
from pos_app.services.model import Link, LockReason

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import SyncStatus

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def link_words(status: SyncStatus, now: datetime, *, compact: bool = False) -> str:
    """A few words for the pill: "Synced · 3 s ago"."""
    match status.link:
        case Link.CONNECTING:
            return _("Connecting…")
        case Link.OFFLINE:
            return _("Offline")
        case Link.LOCKED:
            return _("Locked")
        case _:
            if compact or status.last_contact_at is None:
                return _("Online")
            return _("Synced · {age}").format(age=age_words(status.last_contact_at, now))


def training_words() -> str:
    """What stands there in a training, which has no server."""
    return _("Training, nothing leaves this window")


def queue_words(count: int) -> str:
    """How many records the server has not got yet."""
    return _("{n} unsynced").format(n=words.count(count))


def age_words(at: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit; a clock that ran back says 0 s."""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < _MINUTE_S:
        return _("{n} s ago").format(n=seconds)
    if seconds < _HOUR_S:
        return _("{n} min ago").format(n=seconds // _MINUTE_S)
    return _("{n} h ago").format(n=seconds // _HOUR_S)


def status_sentence(status: SyncStatus, now: datetime) -> str:
    """The pill's tool tip."""
    waiting = ngettext(
        "{n} record waits for the server.",
        "{n} records wait for the server.",
        status.unsynced_count,
    ).format(n=words.count(status.unsynced_count))
    lines = [link_words(status, now), waiting]
    if status.rejected_count:
        lines.append(
            ngettext(
                "{n} record needs a manager (console, Cases).",
                "{n} records need a manager (console, Cases).",
                status.rejected_count,
            ).format(n=words.count(status.rejected_count))
        )
    return "\n".join(lines)


def is_barred(status: SyncStatus) -> bool:
    """Whether something keeps this window from selling what it was lent, whoever approves it."""
    late = status.late
    return status.link is Link.LOCKED or (late.is_spent if late else status.outlived)


def offline_banner(state: SellState, now: datetime) -> str:
    """What keeps this window from selling, or makes it ask; else since when it is offline; "" when all is well."""
    status, house = state.status, state.house
    if status.link is Link.LOCKED:
        return lock_sentence(status.lock)
    if status.late is not None:
        return late_banner(state, now)
    if status.outlived:
        return outlived_banner()
    if status.link is not Link.OFFLINE:
        return ""
    since = status.offline_since
    if since is None or house is None:
        return _("Offline. Sales go on and are sent by themselves when the network is back.")
    free = state.stock.total(ours_only=True)
    return ngettext(
        "Selling offline since {time}. This window's {n} allotted place can be sold; the others "
        "belong to other windows. Sync resumes by itself.",
        "Selling offline since {time}. This window's {n} allotted places can be sold; the others "
        "belong to other windows. Sync resumes by itself.",
        free,
    ).format(time=words.time_of_day(since, house.venue), n=words.count(free))


def lock_sentence(reason: LockReason | None) -> str:
    """Why this window may not sell, and who helps."""
    match reason:
        case LockReason.FORKED:
            return _(
                "This window may not sell: its data was copied or set back. "
                "A manager has to enrol it again; what it recorded is kept."
            )
        case LockReason.WITNESS_AHEAD:
            return _(
                "This window may not sell: its data is older than what it has sold. "
                "A manager has to enrol it again; what it recorded is kept."
            )
        case LockReason.WITNESS_MISSING:
            return _(
                "This window may not sell: its proof of what it has sold is gone. "
                "A manager has to enrol it again; what it recorded is kept."
            )
        case LockReason.OTHER_MACHINE:
            return _(
                "This window may not sell: its data belongs to another computer. "
                "A manager has to enrol this one; what was recorded is kept."
            )
        case LockReason.DAMAGED:
            return _(
                "This window may not sell: what it recorded was changed or damaged on its disk. "
                "Money and seats that the server has are safe. Leave the folder alone; a manager "
                "has to enrol this window in a new one."
            )
        case None:
            return _(
                "This window may not sell: a manager has to enrol it again. "
                "Sales made so far are safe."
            )
        case _:
            assert_never(reason)
