"""How this window stands with the server, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.services.model import Link

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


def offline_banner(state: SellState) -> str:
    """Since when, what may still be sold, and that nothing needs doing; "" while online."""
    status, house = state.status, state.house
    if status.link is Link.LOCKED:
        return _(
            "This window may not sell: a manager has to enrol it again. Sales made so far are safe."
        )
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
