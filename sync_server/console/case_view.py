"""A case as values: both sides, the corrected timeline, and what it does to money and tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from program.i18n import format_datetime, format_money, format_time, translations
from sync_server.console.case_words import CASE_WORDS, CAUSES, DISPOSITIONS, FACTS
from sync_server.console.plan_words import place_words
from sync_server.console.rows_page import STATES
from sync_server.console.wording import case_sentence, operation_name, price_sentences
from sync_server.heart.cases import CaseKind
from sync_server.heart.settling import Disposition
from sync_server.services.case_files import CaseFile, CaseNote, CaseTicket, NoteKind
from ticketing.seating import SeatingPlan

_MONEY = frozenset({"expected", "counted", "difference"})
_LISTED_MAX = 40
_SHOWN_ELSEWHERE = frozenset(
    {
        "entries",
        "causes",
        "lines",
        "tenders",
        "units",
        "proposals",
        "shares",
        "currency",
        "buckets",
        "rev",
        "decisions",
    }
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the timeline, by the server's clock."""

    time: str
    where: str
    detail: str
    is_alone: bool


@dataclass(frozen=True, slots=True)
class TicketLine:
    """A ticket of the case, ready to show; of a disputed one the places that were proposed."""

    id: str
    place: str
    receipt: str
    price: str
    state: str
    decided: str
    choices: tuple[tuple[int, str], ...]
    is_disputed: bool


@dataclass(frozen=True, slots=True)
class NoteLine:
    """What somebody said, ready to show."""

    who: str
    when: str
    what: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """The page of one case."""

    title: str
    where: str
    opened: str
    is_open: bool
    why: tuple[str, ...]
    money: str
    tickets_effect: str
    advice: str
    suggested: str
    facts: tuple[tuple[str, str], ...]
    timeline: tuple[Moment, ...]
    tickets: tuple[TicketLine, ...]
    notes: tuple[NoteLine, ...]
    settled: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the words need beside the case: names of people and nodes, the venue's zone and money,
    and the plan of a case of an event.
    """

    names: Mapping[str, str]
    where: str
    zone: ZoneInfo
    currency: str
    plan: SeatingPlan | None = None


def make_case(
    case: CaseFile,
    notes: tuple[CaseNote, ...],
    tickets: tuple[CaseTicket, ...],
    known: Known,
    language: str,
) -> CaseView:
    """The page in a language. Pure."""
    return _Words(case, known, language).view(notes, tickets)


def suggested_for(case: CaseFile) -> Disposition:
    """What is usual for a case of this kind; what its facts explain needs no more."""
    if case.kind not in set(CaseKind):
        return Disposition.TECHNICAL
    causes = json.loads(case.body).get("causes", [])
    if "clock" in causes:
        return Disposition.EXPLAINED
    if "answer_lost" in causes:
        return Disposition.TECHNICAL
    return CASE_WORDS[CaseKind(case.kind)].disposition


def tickets_of(case: CaseFile) -> tuple[list[str], str]:
    """The tickets that a case names, and its order."""
    body = json.loads(case.body)
    found = [str(each) for each in body.get("tickets", [])]
    if "ticket" in body:
        found.append(str(body["ticket"]))
    found += [str(line["ticket"]) for line in body.get("lines", []) if "ticket" in line]
    return list(dict.fromkeys(found)), str(body.get("order", ""))


class _Words:
    def __init__(self, case: CaseFile, known: Known, language: str) -> None:
        self._case, self._known, self._language = case, known, language
        self._body: dict[str, Any] = json.loads(case.body)
        found = translations(language)
        self.gettext, self.ngettext = found.gettext, found.ngettext

    def view(self, notes: tuple[CaseNote, ...], tickets: tuple[CaseTicket, ...]) -> CaseView:
        _, case = self.gettext, self._case
        kind = CaseKind(case.kind) if case.kind in set(CaseKind) else None
        words = CASE_WORDS[kind] if kind else None
        return CaseView(
            title=case_sentence(case.kind, self._language),
            where=self._known.where,
            opened=self._when(case.opened_ms),
            is_open=case.state == "open",
            why=self._why(),
            money=_(words.money) if words else "",
            tickets_effect=_(words.tickets) if words else "",
            advice=_(words.advice) if words else "",
            suggested=_(DISPOSITIONS[suggested_for(case)]),
            facts=tuple(self._facts()),
            timeline=tuple(self._moments()),
            tickets=tuple(self._ticket(each) for each in tickets),
            notes=tuple(self._note(each) for each in notes),
            settled=self._settled(),
        )

    def _why(self) -> tuple[str, ...]:
        if self._case.kind == CaseKind.PRICE:
            return price_sentences(self._case.body, self._language)
        causes = self._body.get("causes", [])
        return tuple(self.gettext(CAUSES[each]) if each in CAUSES else each for each in causes)

    # --- facts --------------------------------------------------------------------------

    def _facts(self) -> list[tuple[str, str]]:
        found = [
            (self.gettext(FACTS[key]) if key in FACTS else key, self._fact(key, value))
            for key, value in self._body.items()
            if key not in _SHOWN_ELSEWHERE
        ]
        found += [self._tender(each) for each in self._body.get("tenders", [])]
        found += [self._line(each) for each in self._body.get("lines", [])]
        return [(label, text) for label, text in found if text]

    def _fact(self, key: str, value: object) -> str:
        if key in _MONEY and isinstance(value, int):
            return format_money(value, str(self._body.get("currency", "")), self._language)
        if key == "kind":
            return operation_name(str(value), self._language)
        if key == "unit":
            return self._place(value)
        if key.endswith("_ms") and isinstance(value, int):
            return self._when(value)
        if isinstance(value, list):
            shown = [self._plain(each) for each in value[:_LISTED_MAX]]
            return ", ".join([*shown, "…"] if len(value) > _LISTED_MAX else shown)
        return self._plain(value)

    def _plain(self, value: object) -> str:
        if isinstance(value, list):
            return " × ".join(str(each) for each in value)
        return self._known.names.get(str(value), str(value))

    def _tender(self, told: Mapping[str, Any]) -> tuple[str, str]:
        currency = str(self._body.get("currency", ""))
        back = format_money(int(told["back"]), currency, self._language)
        left = format_money(int(told["left"]), currency, self._language)
        said = self.gettext("{back} went back, {left} was there").format(back=back, left=left)
        return str(told["tender"]), said

    def _line(self, told: Mapping[str, Any]) -> tuple[str, str]:
        """A price case's ticket: what was paid, and what the list asks."""
        if "paid" not in told:
            return "", ""
        listed = told.get("list")
        said = self.gettext("paid {paid}, the list says {listed}").format(
            paid=self._money(told["paid"]), listed="–" if listed is None else self._money(listed)
        )
        return str(told.get("ticket", "")), said

    def _money(self, minor: object) -> str:
        return format_money(int(str(minor)), self._known.currency, self._language)

    # --- both sides ---------------------------------------------------------------------

    def _moments(self) -> list[Moment]:
        return [self._moment(each) for each in self._body.get("entries", [])]

    def _moment(self, told: Mapping[str, Any]) -> Moment:
        _ = self.gettext
        at = datetime.fromtimestamp(int(told["at_ms"]) / 1000, UTC)
        node = str(told["node_id"])
        parts = [_("decided alone") if told["offline"] else _("asked the server")]
        if not told.get("heard", 1):
            parts.append(_("its journal has not told of it yet"))
        off_s = round(int(told.get("clock_off_ms", 0)) / 1000)
        if abs(off_s) > 1:
            size = self.ngettext("{n} second", "{n} seconds", abs(off_s)).format(n=abs(off_s))
            said = _("clock {time} ahead") if off_s > 0 else _("clock {time} behind")
            parts.append(said.format(time=size))
        people = [self._known.names.get(each, each) for each in told.get("by", [])]
        if people:
            parts.append(_("let in by hand: {people}").format(people=", ".join(people)))
        return Moment(
            time=format_time(at, self._language, zone=self._known.zone, seconds=True),
            where=f"{self._known.names.get(node, node)} · {told['lane']}",
            detail=" · ".join(parts),
            is_alone=bool(told["offline"]),
        )

    def _ticket(self, ticket: CaseTicket) -> TicketLine:
        _ = self.gettext
        state = _(STATES[ticket.state]) if ticket.state in STATES else ticket.state
        if ticket.blocked:
            blocked = _("blocked")
            state = f"{state} · {blocked}: {ticket.blocked}"
        price = ""
        if ticket.currency:
            price = format_money(ticket.price_minor, ticket.currency, self._language)
        proposed = self._body.get("proposals", {}).get(ticket.id, [])
        return TicketLine(
            ticket.id,
            self._place(ticket.unit),
            ticket.receipt_no,
            price,
            state,
            decided=self._decided(ticket.id),
            choices=tuple((int(unit), self._place(int(unit))) for unit in proposed),
            is_disputed=ticket.state == "disputed" and self._case.kind == CaseKind.OVERSOLD,
        )

    def _place(self, unit: object) -> str:
        plan = self._known.plan
        if plan is None or not isinstance(unit, int):
            return self.gettext("place {unit}").format(unit=unit)
        return place_words(plan, unit, self._language)

    def _decided(self, ticket_id: str) -> str:
        _, told = self.gettext, self._body.get("decisions", {}).get(ticket_id)
        if told is None:
            return ""
        if told["unit"] is None:
            return _("The buyer gets the money back, at a window.")
        return _("Now {place}").format(place=self._place(told["unit"]))

    # --- people -------------------------------------------------------------------------

    def _note(self, note: CaseNote) -> NoteLine:
        _ = self.gettext
        what = note.value
        if note.kind == NoteKind.OWNER:
            name = self._known.names.get(note.value, note.value)
            what = _("{name} has it now").format(name=name) if name else _("nobody has it now")
        elif note.kind == NoteKind.DEADLINE:
            what = _("until {day}").format(day=note.value) if note.value else _("no deadline")
        return NoteLine(note.person_name, self._when(note.at_ms), what)

    def _settled(self) -> str:
        _, case = self.gettext, self._case
        if case.state == "open" or not case.resolution:
            return ""
        told = json.loads(case.resolution)
        by = str(told.get("by", ""))
        how = str(told.get("disposition", ""))
        if how in set(Disposition):
            how = _(DISPOSITIONS[Disposition(how)])
        parts = [self._when(case.closed_ms), self._known.names.get(by, by), how]
        parts.append(str(told.get("why", told.get("reason", ""))))
        return " · ".join(part for part in parts if part)

    def _when(self, unix_ms: int) -> str:
        at = datetime.fromtimestamp(unix_ms / 1000, UTC)
        return format_datetime(at, self._language, zone=self._known.zone, year=True)
