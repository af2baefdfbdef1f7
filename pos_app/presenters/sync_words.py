"""What the card about the server says."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pos_app.presenters import language as words
from pos_app.presenters import status_words
from pos_app.presenters.language import _, ngettext
from pos_app.services.model import Link
from pos_app.services.queue import Waits

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.services.model import SyncStatus
    from pos_app.services.queue import Case, Queue
    from ticketing.event import Venue


def link_sentence(status: SyncStatus, venue: Venue | None) -> tuple[str, str]:
    """How it stands with the server, and the tone of it."""
    match status.link:
        case Link.ONLINE:
            return _("The server answers."), "ok"
        case Link.CONNECTING:
            return _("The server was asked and has not answered yet."), "text2"
        case Link.OFFLINE:
            since = status.offline_since
            if since is None or venue is None:
                return _("The server does not answer."), "warn"
            said = _("The server has not answered since {time}.")
            return said.format(time=words.time_of_day(since, venue)), "warn"
        case Link.LOCKED:
            return status_words.lock_sentence(status.lock), "danger"
        case _:
            assert_never(status.link)


def meaning(status: SyncStatus, now: datetime) -> str:
    """What it means for money and seats, and what to do."""
    if not status.unsynced_count:
        return _("Everything that this window recorded is at the server.")
    if status.link is Link.ONLINE:
        return _("What waits is being sent right now. There is nothing to do.")
    kept = _(
        "What waits is safe on this computer's disk and is sent by itself as soon as the server "
        "answers. There is nothing to do."
    )
    if status.oldest_unsynced_at is None:
        return kept
    age = status_words.age_words(status.oldest_unsynced_at, now)
    return kept + " " + _("The oldest was recorded {age}.").format(age=age)


def kind_name(kind: Waits) -> str:
    """What a kind of record is called."""
    match kind:
        case Waits.SALES:
            return _("Sales")
        case Waits.AFTER_SALE:
            return _("Refunds and exchanges")
        case Waits.SEATS:
            return _("Seats given back")
        case Waits.PRINTS:
            return _("Tickets printed")
        case Waits.SHIFT:
            return _("Shift and cash")
        case Waits.OTHER:
            return _("Other records")
        case _:
            assert_never(kind)


def cases_sentence(count: int) -> str:
    """What was not taken as it stands; "" when all was."""
    if not count:
        return ""
    return ngettext(
        "{n} record is looked at by a manager (console, Cases). The money is recorded; "
        "nothing is to be done here.",
        "{n} records are looked at by a manager (console, Cases). The money is recorded; "
        "nothing is to be done here.",
        count,
    ).format(n=words.count(count))


def case_line(case: Case, now: datetime, venue: Venue | None) -> str:
    """One of them."""
    at = ""
    if venue is not None:
        day = words.day(venue.business_day(case.at), venue.business_day(now))
        at = f"{day} {words.time_of_day(case.at, venue)}"
    return " · ".join(each for each in (kind_name(case.kind), case.receipt_no, at) if each)


def details(status: SyncStatus, queue: Queue) -> str:
    """For support: everything that is known, in English whatever is spoken."""
    lines = [
        f"window {status.window_name}",
        f"link {status.link} lock {status.lock or '-'}",
        f"offline since {status.offline_since or '-'}",
        f"last contact {status.last_contact_at or '-'}",
        f"last error {status.last_error or '-'}",
        f"unsynced {status.unsynced_count} oldest {status.oldest_unsynced_at or '-'}",
        f"not accepted {status.rejected_count}",
        *(f"waits {kind} {count}" for kind, count in queue.waiting),
        *(
            f"case {case.kind} {case.receipt_no or '-'} {case.code or '-'} {case.at}"
            for case in queue.cases
        ),
    ]
    return "\n".join(lines)
