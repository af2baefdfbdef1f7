"""What may still be sold past the terms of what was lent, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import LateLeft

_MINUTE_S: Final = 60
_HOUR_MIN: Final = 60


def late_banner(state: SellState, now: datetime) -> str:
    """Amber: some of what was lent is past its soft term; "" when nothing is."""
    late = state.status.late
    if late is None:
        return ""
    since, house = state.status.offline_since, state.house
    if since is None or house is None:
        begun = _("Past the term")
    else:
        begun = _("Offline since {time}").format(time=words.time_of_day(since, house.venue))
    if late.is_spent:
        return _(
            "{begun}: this window has sold as much as it may past its term. Finding orders, "
            "printing and the shift still work."
        ).format(begun=begun)
    return _("{begun}: a supervisor approves each sale by PIN. Left: {most}, for {time}.").format(
        begun=begun, most=caps_words(state, late), time=time_left(late, now)
    )


def outlived_banner() -> str:
    """Red: some of what was lent is past its hard term."""
    return _(
        "Some places were lent for a time that is over: they cannot be sold until the server "
        "lends them anew. Other places, finding orders, printing and the shift still work."
    )


def late_reason(state: SellState) -> str:
    """What somebody approves."""
    if state.late is None:
        return ""
    said = _(
        "This window has been without the network for so long that a second person approves each "
        "sale. Nothing is sold and no money is booked yet."
    )
    late = state.status.late
    if late is None:
        return said
    left = _("Left in all: {most}.").format(most=caps_words(state, late))
    return said + ("" if words.language().startswith("zh") else " ") + left


def caps_words(state: SellState, late: LateLeft) -> str:
    """How many tickets, for how much at most."""
    count = late.ticket_count
    tickets = ngettext("{n} ticket", "{n} tickets", count).format(n=words.count(count))
    if state.house is None:
        return tickets
    most = words.money(late.amount_minor, state.house.event.currency, compact=True)
    return _("{tickets} up to {amount}").format(tickets=tickets, amount=most)


def time_left(late: LateLeft, now: datetime) -> str:
    """Until nothing may be sold at all; whole minutes, rounded down."""
    minutes = max(0, int((late.until - now).total_seconds()) // _MINUTE_S)
    if minutes < _HOUR_MIN:
        return _("{n} min").format(n=minutes)
    return _("{h} h {n} min").format(h=minutes // _HOUR_MIN, n=minutes % _HOUR_MIN)
