"""What the handheld pages say: tickets, decisions and refusals in words of one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from edge.admission_looks import LEVELS, Kind, Says, says_of
from edge.admission_words import N_, tell_not_by_hand
from edge.pins import PinRefusal, PinRefused
from gate_agent.found import FoundTicket
from gate_agent.hand_desk import Looked, NoBlock, NotNow, NoUndo, Visit
from gate_agent.screen.board import Decided
from gate_agent.screen.faces import kind_of_line, refusal_in
from gate_agent.screen.places import LANGUAGES, Places
from program.i18n import format_date, format_time, translations
from ticketing.admission import NotByHand
from ticketing.ticket import TicketState

_LET_IN = N_("Let in")
_PHASES = {
    "granted": _LET_IN,
    "passed": N_("Went in"),
    "returned": N_("Entry taken back"),
    "left": N_("Went out"),
}
_STATES = {
    TicketState.VALID: N_("Valid"),
    TicketState.VOID: N_("Refunded"),
    TicketState.DISPUTED: N_("To be checked"),
}
_ROLES = {
    "manager": N_("Manager"),
    "supervisor": N_("Supervisor"),
    "security": N_("Security"),
}
_PINS = {
    PinRefusal.NOT_ALLOWED: N_("This person may not sign in here."),
    PinRefusal.WRONG_PIN: N_("Wrong PIN."),
    PinRefusal.LOCKED_OUT: N_("Too many wrong PINs."),
}
_NO_UNDO = {
    NoUndo.NOT_OURS: N_("This entry is not of this gate."),
    NoUndo.ENDED: N_("This entry has ended: somebody passed, or it was taken back before."),
    NoUndo.TOO_LATE: N_("It is too late to take this entry back."),
    NoUndo.NOT_RECORDED: N_("It could not be recorded. Call the operator."),
}
_NO_BLOCK = {
    NoBlock.NO_REASON: N_("Say why: up to 120 characters, on one line."),
    NoBlock.UNKNOWN: N_("Its sale has not arrived here yet: the box office can block it."),
    NoBlock.AS_IT_WAS: N_("The ticket is like that already."),
    NoBlock.NOT_ALLOWED: N_("Only a supervisor or a manager lifts a block."),
    NoBlock.NOT_RECORDED: N_("It could not be recorded. Call the operator."),
}
_NOT_NOW = {NotNow.FIRE: N_("Fire alarm: nobody is let in now.")}
_SAID = {
    "let_in": N_("Let in, and recorded. Let the visitor pass."),
    "let_in_stuck": N_("Recorded, but the barrier did not open: let the visitor pass by hand."),
    "undone": N_("Taken back: the entry does not count any more."),
    "blocked": N_(
        "Blocked: no lane of this gate lets it in. The others hear of it from the server."
    ),
    "freed": N_("The block is lifted."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket in a list. `lane` is the number of the lane's page."""

    ticket: str
    level: str
    icon: str
    title: str
    detail: str
    time: str
    lane: int


@dataclass(frozen=True, slots=True)
class HandWords:
    """Says things in one language."""

    places: Places
    language: str

    def says(self, looked: Looked) -> Says:
        """What the lane would say of a ticket."""
        _ = translations(self.language).gettext
        if looked.burns:
            why = (_(_NOT_NOW[NotNow.FIRE]), _("The barrier stands open; no tickets are taken."))
            return Says("danger", "flame", _("Fire alarm"), why)
        zone = self.places.zone()
        return says_of(looked.decision, at=looked.at, zone=zone, language=self.language)

    def facts(self, looked: Looked) -> list[tuple[str, str]]:
        """What is known of the ticket: nothing of its buyer."""
        _ = translations(self.language).gettext
        facts, row = looked.found.facts, looked.row
        state = _(_STATES[row.state]) if row else _("Its sale has not arrived yet")
        if row and row.blocked:
            state = _("Blocked: {reason}").format(reason=row.blocked)
        told = [
            (_("Place"), self.place(facts.performance, facts.unit)),
            (_("For"), self._of(self.places.when(facts.performance))),
            (_("Gate"), self._of(self.places.gate(facts.performance, facts.unit))),
            (_("State"), state),
            (_("Code"), _("Read at a lane") if looked.found.is_read else _("Not read")),
        ]
        return [(name, value) for name, value in told if value]

    def visit(self, visit: Visit) -> tuple[str, str, str]:
        """A line of the history: what, where, when."""
        _ = translations(self.language).gettext
        phase = _(_PHASES[visit.phase]) if visit.phase in _PHASES else visit.phase
        return phase, " · ".join(filter(None, (visit.gate, visit.lane))), self.time(visit.at)

    def found(self, ticket: FoundTicket) -> Row:
        """A ticket that was found."""
        facts = ticket.facts
        when = self._of(self.places.when(facts.performance))
        title = self.place(facts.performance, facts.unit)
        return Row(facts.ticket_id, "", "ticket", title, when, facts.ticket_id[:8], 1)

    def recent(self, decided: Decided, lane: int) -> Row | None:
        """A decision of a lane; None for one that is about no ticket."""
        line, ticket = decided.line, decided.line.get("ticket")
        if not isinstance(ticket, str):
            return None
        level, icon, said = self._decision(line)
        performance, unit = line.get("performance"), line.get("unit")
        known = isinstance(performance, int) and isinstance(unit, int)
        place = self.place(int(str(performance)), int(str(unit))) if known else ""
        at = self._time_of(line.get("at"))
        detail = " · ".join(filter(None, (place, decided.lane)))
        return Row(ticket, level, icon, said, detail, at, lane)

    def refusal(self, why: NotByHand | NoUndo | NoBlock | NotNow | PinRefused) -> str:
        """Why a deed was not done."""
        _ = translations(self.language).gettext
        if isinstance(why, NoBlock):
            return _(_NO_BLOCK[why])
        if isinstance(why, NotNow):
            return _(_NOT_NOW[why])
        if isinstance(why, NotByHand):
            return tell_not_by_hand(why, self.language)
        if isinstance(why, NoUndo):
            return _(_NO_UNDO[why])
        return self._pin(why)

    def turned_away(self, line: Mapping[str, object]) -> str:
        """Why the lane let nobody in all the same, by its line."""
        _ = translations(self.language).gettext
        told = refusal_in(line, self.language, self.places.zone())[2]
        return _("The gate says now: {word}").format(word=told.word)

    def role(self, role: str) -> str:
        """What people call a role."""
        return translations(self.language).gettext(_ROLES[role]) if role in _ROLES else role

    def done(self, said: str) -> str:
        """What was done just now; "" for nothing that we know."""
        return translations(self.language).gettext(_SAID[said]) if said in _SAID else ""

    def place(self, performance: int, unit: int) -> str:
        """The seat or area; its number where the catalogue lacks it."""
        return self._of(self.places.place(performance, unit)) or f"#{unit}"

    def time(self, at: datetime) -> str:
        """The time of day at the house, with the day when that is another one than now's."""
        return told_at(at, self.places.zone(), self.language)

    def _pin(self, refused: PinRefused) -> str:
        _, ngettext = translations(self.language).gettext, translations(self.language).ngettext
        text = _(_PINS[refused.reason])
        if refused.wait_s:
            n = -(-refused.wait_s // 60)
            more = ngettext("Wait {n} minute.", "Wait {n} minutes.", n).format(n=n)
            return f"{text} {more}"
        if refused.tries_left:
            n = refused.tries_left
            left = ngettext("{n} try left.", "{n} tries left.", n).format(n=n)
            return f"{text} {left}"
        return text

    def _decision(self, line: Mapping[str, object]) -> tuple[str, str, str]:
        if line.get("decision") != "refuse":
            stuck = line.get("barrier") == "failed"
            level, icon = LEVELS[Kind.ASK if stuck else Kind.ADMIT]
            return level, icon, translations(self.language).gettext(_LET_IN)
        told = refusal_in(line, self.language, self.places.zone())[2]
        level, icon = LEVELS[kind_of_line(line)]
        return level, icon, " ".join(filter(None, (told.word, told.seen)))

    def _time_of(self, raw: object) -> str:
        try:
            at = datetime.fromisoformat(str(raw))
        except ValueError:
            return ""
        if at.tzinfo is None:
            return ""
        return format_time(at, self.language, zone=self.places.zone())

    def _of(self, words: Mapping[str, str] | None) -> str:
        short = next(each for each, language in LANGUAGES.items() if language == self.language)
        return (words or {}).get(short, "")


def told_at(at: datetime, zone: tzinfo, language: str) -> str:
    """A day and a time of day at the house."""
    day = at.astimezone(zone).date()
    time = format_time(at, language, zone=zone)
    return f"{format_date(day, language, weekday=False, year=False)} {time}"
