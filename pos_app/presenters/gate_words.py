"""What a gate would say, told at the till: words, colours and icons as on the gate's handheld.

Where nobody here can know whether somebody has gone in already, nothing is green; and what is for
another day is amber, not red: at a window that is how most tickets are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge.admission_looks import LEVELS, WAIT_MAX, Kind, Says, says_of
from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from ticketing.admission import Admit, Reason, Refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pos_app.services.after_sale_model import AtGate, OrderDetail, SoldTicket
    from ticketing.event import Venue
    from ticketing.ids import TicketId

GROUPS_MAX: Final = 3
"""So many different answers are shown at length; each ticket's row has its own word besides."""
_GRAVITY: Final = {"danger": 0, "warn": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One answer, and the tickets that it is about; "" where it is about all that are looked at."""

    says: Says
    about: str

    @property
    def sentence(self) -> str:
        """All of it below the word."""
        return " · ".join(line.rstrip(".。") for line in self.says.lines)


@dataclass(frozen=True, slots=True)
class GatePanel:
    """What is shown of the tickets that are scanned or chosen. `source`: who says so, as of when."""

    answers: tuple[GateAnswer, ...]
    source: str


def gate_says(at_gate: AtGate, venue: Venue) -> Says:
    """The gate's word for one ticket, as far as this window can tell."""
    decision = at_gate.decision
    says = says_of(decision, at=at_gate.at, zone=venue.zone, language=words.language())
    gates = _gates(at_gate)
    if not isinstance(decision, Admit):
        if is_for_later(at_gate):
            level, icon = LEVELS[Kind.WAIT]
            says = replace(says, level=level, icon=icon)
        return replace(says, lines=(*says.lines, gates)) if at_gate.gates else says
    unsent = _("Its sale has not reached the server: gates go by its code.")
    lines = (gates, *says.lines, unsent) if decision.unconfirmed else (gates, *says.lines)
    if at_gate.is_fresh:
        return replace(says, lines=lines)
    level, icon = LEVELS[Kind.ASK]
    return Says(level, icon, says.word, lines)


def is_for_later(at_gate: AtGate) -> bool:
    """Whether nothing is wrong but the day: most tickets on a till's screen are like that."""
    decision = at_gate.decision
    if not isinstance(decision, Refuse) or decision.reason is not Reason.TOO_EARLY:
        return False
    opens_at = decision.miss.at if decision.miss else None
    return opens_at is not None and opens_at - at_gate.at > WAIT_MAX


def gate_panel(detail: OrderDetail, shown: Iterable[TicketId]) -> GatePanel | None:
    """The answers for these tickets of the order, the gravest first; None where there are none."""
    wanted = frozenset(shown)
    found: dict[Says, list[SoldTicket]] = {}
    asked = [one for one in detail.tickets if one.id in wanted and one.at_gate is not None]
    for ticket in asked:
        if ticket.at_gate is not None:
            found.setdefault(gate_says(ticket.at_gate, detail.venue), []).append(ticket)
    if not found:
        return None
    groups = sorted(found.items(), key=lambda each: _GRAVITY[each[0].level])
    many = len(groups) > 1
    answers = tuple(
        GateAnswer(says, _about(detail, tickets) if many else "")
        for says, tickets in groups[:GROUPS_MAX]
    )
    return GatePanel(answers, _source(detail, [one.at_gate for one in asked if one.at_gate]))


def _gates(at_gate: AtGate) -> str:
    if not at_gate.gates:
        return _("At every gate")
    names = [gate if isinstance(gate, str) else words.name(gate) for gate in at_gate.gates]
    return _("At {gates}").format(gates=_(", ").join(names))


def _about(detail: OrderDetail, tickets: list[SoldTicket]) -> str:
    if len(tickets) > 1:
        return ngettext("{n} ticket", "{n} tickets", len(tickets)).format(n=len(tickets))
    plan, unit = detail.plan, tickets[0].unit
    seat = plan.seat_by_unit(unit) if plan.has_unit(unit) else None
    if seat is not None:
        return _("Row {row} Seat {seat}").format(row=seat.row, seat=seat.label)
    return plan.describe(unit, words.language()) if plan.has_unit(unit) else ""


def _source(detail: OrderDetail, known: list[AtGate]) -> str:
    """The least that is known of any of them."""
    told = [one.told_at for one in known if one.told_at is not None]
    if len(told) < len(known):
        now = words.time_of_day(known[0].at, detail.venue)
        return _(
            "By what this window knows, {time}. Whether anybody has gone in, only the server can tell."
        ).format(time=now)
    at = words.time_of_day(min(told), detail.venue)
    if all(one.is_fresh for one in known):
        return _("As the server told at {time}.").format(time=at)
    return _("As the server told at {time}. Who has gone in since is not known here.").format(
        time=at
    )
