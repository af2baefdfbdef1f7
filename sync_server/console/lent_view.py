"""What windows and hubs of an event hold, as the console shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from program.i18n import format_count, translations
from sync_server.console.moments import moment
from sync_server.console.node_view import node_path
from sync_server.console.overview import Snapshot
from sync_server.console.performance_paths import give_up_page
from sync_server.console.performance_view import when_of
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import NoWriteOff
from sync_server.services.stock import AllotmentLine
from ticketing.event import Event
from ticketing.terms import write_off_allowed


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Slip(StrEnum):
    """Why a form that gives something up was not carried out, beside what the heart says."""

    REASON = "reason"
    PASSWORD = "password"  # noqa: S105 - a code
    SECOND = "second"


FAULTS: dict[Slip | NoWriteOff, str] = {
    Slip.REASON: N_("Write down why: it is for the record."),
    Slip.PASSWORD: N_("Your own password is not right: nothing was changed."),
    Slip.SECOND: N_(
        "The second person's login, password or code is not right, or they work for an agency: "
        "nothing was changed."
    ),
    NoWriteOff.QUARANTINE: N_(
        "After a restore or a failover this event waits for what its windows report. Try again "
        "then."
    ),
    NoWriteOff.NOT_OPEN: N_("It is not lent any more: nothing was changed."),
    NoWriteOff.TWO_PEOPLE: N_("Two different people must decide this."),
    NoWriteOff.NO_TERM: N_("It was lent without a term, so the window may sell from it for ever."),
    NoWriteOff.TOO_EARLY: N_(
        "The window may still be selling from it: its term, and some time for clocks that run "
        "wrong, are not over."
    ),
    NoWriteOff.ALL_KNOWN: N_("The fate of every place of it is known: it closes by itself."),
}


@dataclass(frozen=True, slots=True)
class LentRow:
    """An allotment, ready to show. `give_up_path`: '' where nothing can be given up yet or more."""

    id: str
    node_id: str
    node_name: str
    node_path: str
    when: str
    state: str
    is_asked_back: bool
    is_open: bool
    places: str
    sold: str
    unknown: str
    heard: str
    term_end: str
    give_up_path: str


def lent_rows(
    lines: Sequence[AllotmentLine], event: Event, snapshot: Snapshot, language: str, now_ms: int
) -> list[LentRow]:
    """Allotments by window and performance, without those that are sold to the last place: what can
    be given up first.
    """
    rows = [
        _row(line, event, snapshot, language, now_ms)
        for line in lines
        if line.unknown_count or line.state != "open"
    ]
    return sorted(rows, key=lambda row: (not row.give_up_path, row.node_name, row.when, row.id))


def _row(
    line: AllotmentLine, event: Event, snapshot: Snapshot, language: str, now_ms: int
) -> LentRow:
    _, zone = translations(language).gettext, snapshot.venue.zone
    performance = event.performance(line.performance)
    is_open = line.state == "open"
    state = _("written off")
    if is_open:
        state = _("asked back") if line.recall else _("lent")
    policy = Policy()
    may_end = (
        is_open
        and line.unknown_count > 0
        and line.hard_s > 0
        and write_off_allowed(line.granted_ms, line.hard_s, now_ms, policy.rho, policy.margin_s)
    )
    return LentRow(
        id=line.id,
        node_id=line.node_id,
        node_name=line.node_name or line.node_id,
        node_path=node_path(line.node_id),
        when=when_of(performance.starts_at, snapshot, language) if performance else "–",
        state=state,
        is_asked_back=line.recall,
        is_open=is_open,
        places=format_count(line.unit_count, language),
        sold=format_count(line.sold_count, language),
        unknown=format_count(line.unknown_count, language) if is_open else "–",
        heard=moment(line.last_seen_ms, language, zone) if line.last_seen_ms else _("never"),
        term_end=moment(line.granted_ms + line.hard_s * 1_000, language, zone)
        if is_open and line.hard_s
        else "–",
        give_up_path=give_up_page(event.id, line.id) if may_end else "",
    )


def fault_sentence(fault: Slip | NoWriteOff | None, language: str) -> str:
    """Why nothing was done; '' when something was."""
    return translations(language).gettext(FAULTS[fault]) if fault else ""
