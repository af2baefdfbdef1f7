"""What the handheld pages say of lanes and of double entries, in words of one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.admission_looks import Says
from edge.admission_words import N_, tell_causes
from gate_agent.double_entries import DoubleEntry, EntryTold
from gate_agent.lane_desk import NotOpened
from gate_agent.screen.hand_words import told_at
from gate_agent.screen.idle import faults_of, idle_of, until
from gate_agent.screen.places import LANGUAGES, Places, Words
from program.i18n import translations
from ticketing.admission import instant_of

_STATES = {
    "ready": ("ok", "check", N_("Ready")),
    "trouble": ("warn", "triangle-alert", N_("Out of order")),
    "open": ("warn", "door-open", N_("Stands open")),
    "fire": ("danger", "flame", N_("Fire alarm: stands open")),
}
_UNKNOWN = ("warn", "clock", N_("Nothing is known of it yet"))
_NOT_OPENED = {
    NotOpened.NOT_ALLOWED: N_("Only a supervisor or a manager opens a gate."),
    NotOpened.NO_NOTE: N_("Say why."),
    NotOpened.NO_TIME: N_("Choose for how long."),
    NotOpened.NOT_CONFIRMED: N_("The barrier did not answer. Look at it; it is tried again."),
    NotOpened.UNKNOWN_LANE: N_("There is no such lane."),
}
_SAID = {
    "opened": N_("It stands open. Who opened it, why, and how many pass is recorded."),
    "shut": N_("It is shut again."),
}
_HOW = {True: N_("without the server"), False: N_("with the server")}


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane in a list."""

    level: str
    icon: str
    lane: str
    detail: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A double entry: the ticket's place, what it is for, each of its entries, likely causes."""

    ticket: str
    place: str
    when: str
    entries: tuple[tuple[str, str, str], ...]
    """Where, when, how."""
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaneWords:
    """Says things in one language."""

    places: Places
    language: str

    def says(self, status: Mapping[str, object]) -> Says:
        """How a lane is."""
        level, icon, word = _STATES.get(str(status.get("state")), _UNKNOWN)
        lines = (until(status, self.language, self.places.zone()),)
        return Says(level, icon, self._(word), tuple(filter(None, lines)))

    def row(self, lane: str, status: Mapping[str, object]) -> LaneRow:
        """How a lane is, on one line, with the first thing that is wrong."""
        says = self.says(status)
        level, icon = says.level, says.icon
        faults = self.faults(status)
        if faults and level == "ok":
            level, icon = "warn", "triangle-alert"
        return LaneRow(level, icon, lane, " · ".join((says.word, *says.lines, *faults[:1])))

    def faults(self, status: Mapping[str, object]) -> list[str]:
        """What is wrong with it."""
        return [say(self.language) for say in faults_of(status)]

    def facts(self, status: Mapping[str, object]) -> list[tuple[str, str]]:
        """Its gate, what is let in, how many have entered, and what it hears of the others."""
        idle = idle_of("", status, self.places)
        told = [
            (self._(N_("Gate")), str(idle["gate"])),
            (self._(N_("For")), self._of(idle["event"])),
            (self._(N_("Entered")), self._of(idle["counts"])),
            (self._(N_("Link")), self._of(idle["link"])),
            (self._(N_("Data")), self._of(idle["data"])),
        ]
        return [(name, value) for name, value in told if value]

    def minutes(self, count: int) -> str:
        """How long a gate may be opened for."""
        ngettext = translations(self.language).ngettext
        if count % 60:
            return ngettext("{n} minute", "{n} minutes", count).format(n=count)
        return ngettext("{n} hour", "{n} hours", count // 60).format(n=count // 60)

    def not_opened(self, why: NotOpened) -> str:
        """Why a deed was not done."""
        return self._(_NOT_OPENED[why])

    def done(self, said: str) -> str:
        """What was done just now; "" for nothing that we know."""
        return self._(_SAID[said]) if said in _SAID else ""

    def double_entry(self, case: DoubleEntry) -> CaseRow:
        """A ticket that was let in too often."""
        place = self._of(self.places.place(case.performance, case.unit)) or f"#{case.unit}"
        when = self._of(self.places.when(case.performance))
        entries = tuple(self._entry(entry) for entry in case.entries)
        causes = tuple(tell_causes(case.causes, self.language))
        return CaseRow(case.ticket_id, place, when, entries, causes)

    def _entry(self, entry: EntryTold) -> tuple[str, str, str]:
        gate = self._(N_("This gate")) if entry.is_ours else entry.gate
        by_hand = self._(N_("by hand: {people}")).format(people=", ".join(entry.people))
        how = [self._(_HOW[entry.offline]), *([by_hand] if entry.people else [])]
        at = told_at(instant_of(entry.at_ms), self.places.zone(), self.language)
        return f"{gate} · {entry.lane}", at, " · ".join(how)

    def _(self, text: str) -> str:
        return translations(self.language).gettext(text)

    def _of(self, words: object) -> str:
        short = next(each for each, language in LANGUAGES.items() if language == self.language)
        known: Words = words if isinstance(words, dict) else {}
        return known.get(short, "")
