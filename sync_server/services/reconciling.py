"""Makes reckonings of what was counted: pure, from one snapshot of the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sync_server.services.accounts import Books, EntryAccount, NodeLine, UnitAccount
from sync_server.services.reckoning import (
    By,
    Check,
    CheckKind,
    Line,
    LineCode,
    Name,
    Note,
    NoteCode,
    Reckoning,
)
from sync_server.services.takings import (
    CASH,
    SLOT_MS,
    Crowd,
    JournalKept,
    LateRecords,
    ShiftSeen,
    Slice,
    StreamTakings,
    Takings,
    TicketCount,
    sum_takings,
)
from ticketing.business_day import business_day_bounds
from ticketing.event import Event, Venue
from ticketing.shift import is_next_z

NOTES_MAX = 200
"""Of one check; what is more is counted in its figures all the same."""
Sliced = tuple[Slice, Takings]


@dataclass(frozen=True, slots=True)
class Facts:
    """One snapshot of the house: books, takings by stream, names.

    `places`: by stream, as `StreamBooks` has them.
    """

    venue: Venue
    events: Mapping[str, Event]
    books: Books
    takings: Mapping[str, StreamTakings]
    places: Mapping[str, Mapping[tuple[int, str], tuple[int, int]]] = field(default_factory=dict)


class House:
    """The facts with what is looked up again and again."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.nodes: dict[str, NodeLine] = {each.id: each for each in facts.books.nodes}
        self.units: dict[tuple[str, int], UnitAccount] = {
            (each.event_id, each.performance): each for each in facts.books.units
        }
        self.entries: dict[tuple[str, int], EntryAccount] = {
            (each.event_id, each.performance): each for each in facts.books.entries
        }
        self.shifts: dict[str, ShiftSeen] = {}
        self._by_till: dict[str, list[Sliced]] = {}
        self._by_shift: dict[str, list[Sliced]] = {}
        self._by_day: dict[date, list[Sliced]] = {}
        self._by_event: dict[str, list[Sliced]] = {}
        self._days: dict[int, date] = {}
        for stream, takings in facts.takings.items():
            self._keep(stream, takings)
        # Looked at by every day and till of a list: once for all of them.
        self._shifts_by_age = sorted(
            self.shifts.values(), key=lambda each: (-each.opened_ms, each.id)
        )
        self._z_notes = self._find_z_gaps()
        self._kept: dict[tuple[str, str, int], int] = {
            (stream, each.node_id, each.inc): each.seq
            for stream, takings in facts.takings.items()
            for each in takings.journals
        }

    def _keep(self, stream: str, takings: StreamTakings) -> None:
        for shift in takings.shifts:
            self.shifts[shift.id] = shift
        for key, sums in takings.slices.items():
            pair = (key, sums)
            self._by_till.setdefault(key.node_id, []).append(pair)
            self._by_shift.setdefault(key.shift, []).append(pair)
            self._by_day.setdefault(self.day_of(key.slot * SLOT_MS), []).append(pair)
            self._by_event.setdefault(stream, []).append(pair)

    def day_of(self, unix_ms: int) -> date:
        """The business day of an instant."""
        slot = unix_ms // SLOT_MS
        if slot not in self._days:
            at = datetime.fromtimestamp(slot * SLOT_MS / 1000, UTC)
            self._days[slot] = self.facts.venue.business_day(at)
        return self._days[slot]

    # --- what there is to reconcile -----------------------------------------------------

    def days(self) -> list[date]:
        """Business days with a sale, a shift or a performance, the newest first."""
        found = set(self._by_day)
        found.update(self.day_of(each.closed_ms or each.opened_ms) for each in self.shifts.values())
        found.update(self.day_of(each.starts_ms) for each in self.units.values())
        return sorted(found, reverse=True)

    def performances(self) -> list[tuple[str, int]]:
        """By their start, the newest first."""
        units = sorted(self.units.values(), key=lambda each: (-each.starts_ms, each.performance))
        return [(each.event_id, each.performance) for each in units]

    def shifts_by_age(self) -> list[ShiftSeen]:
        """The newest first."""
        return self._shifts_by_age

    def of_role(self, role: str) -> list[NodeLine]:
        """Tills, or gates, by their names."""
        return [each for each in self.facts.books.nodes if each.role == role]

    def sold_at(self, window: str) -> list[Sliced]:
        """What one window took and gave back, in every event."""
        return self._by_till.get(window, [])

    def crowds_of(self, by: By, of: str) -> list[Crowd]:
        """Who went in, of a performance or at a gate; nobody of other scopes."""
        event_id, _slash, number = of.rpartition("/")
        if by is By.PERFORMANCE:
            found = self.facts.takings[event_id].crowds
            return [each for each in found if each.performance == int(number)]
        if by is By.GATE:
            streams = self.facts.takings.values()
            return [each for t in streams for each in t.crowds if each.node_id == of]
        return []

    # --- reckonings ---------------------------------------------------------------------

    def reckon(self, by: By, of: str) -> Reckoning | None:
        """All checks of a scope; None when there is no such thing."""
        match by:
            case By.DAY:
                return self._day(of)
            case By.PERFORMANCE:
                return self._performance(of)
            case By.SHIFT:
                return self._shift(of)
            case By.TILL:
                return self._node(By.TILL, of)
            case By.GATE:
                return self._node(By.GATE, of)

    def _day(self, of: str) -> Reckoning | None:
        try:
            day = date.fromisoformat(of)
            venue = self.facts.venue
            bounds = business_day_bounds(day, venue.timezone, venue.day_starts)
        except (ValueError, OverflowError):
            return None
        starts, ends = (round(each.timestamp() * 1000) for each in bounds)
        slots = range(starts // SLOT_MS, ends // SLOT_MS)
        shifts = [
            each
            for each in self.shifts_by_age()
            if slots.start <= (each.closed_ms or each.opened_ms) // SLOT_MS < slots.stop
        ]
        performances = [each for each in self.units.values() if starts <= each.starts_ms < ends]
        checks = (
            *self._takings(self._by_day.get(day, [])),
            *self._drawers(shifts),
            *(check for each in performances for check in self._places(each)),
            self._late(lambda late: late.slot in slots),
            self._gaps(None),
            self._missing(shifts, None),
        )
        return Reckoning(By.DAY, day.isoformat(), {"": day.isoformat()}, starts, ends, checks)

    def _performance(self, of: str) -> Reckoning | None:
        event_id, _slash, number = of.rpartition("/")
        account = self.units.get((event_id, int(number))) if number.isdecimal() else None
        if account is None:
            return None
        crowds = self.crowds_of(By.PERFORMANCE, of)
        checks = (
            *self._places(account),
            self._entered(crowds),
            *self._takings(self._by_event.get(event_id, []), event_id),
        )
        return Reckoning(
            By.PERFORMANCE,
            of,
            self.event_name(event_id),
            account.starts_ms,
            account.starts_ms,
            checks,
        )

    def _shift(self, of: str) -> Reckoning | None:
        shift = self.shifts.get(of)
        if shift is None:
            return None
        checks = (
            *self._takings(self._by_shift.get(of, [])),
            *self._drawers([shift]),
            self._missing([shift], shift.node_id),
        )
        return Reckoning(
            By.SHIFT, of, self.shift_name(shift), shift.opened_ms, shift.closed_ms, checks
        )

    def _node(self, by: By, of: str) -> Reckoning | None:
        node = self.nodes.get(of)
        if node is None or node.role != by.value:
            return None
        shifts = [each for each in self.shifts_by_age() if each.node_id == of]
        crowds = self.crowds_of(by, of)
        money = (*self._takings(self._by_till.get(of, [])), *self._drawers(shifts))
        checks = (
            *(money if by is By.TILL else (self._entered(crowds),)),
            self._late(lambda late: late.node_id == of),
            self._gaps(of),
            self._missing(shifts, of),
        )
        return Reckoning(by, of, {"": node.name}, 0, 0, checks)

    # --- money --------------------------------------------------------------------------

    def _takings(self, slices: Sequence[Sliced], of: str = "") -> list[Check]:
        sums = sum_takings(slices) or {self.facts.venue.currency: Takings()}
        name = self.event_name(of) if of else None
        return [self._taken(each, sums[each], name, of) for each in sorted(sums)]

    def _taken(self, currency: str, sums: Takings, name: Name | None, of: str) -> Check:
        lines = [
            Line(LineCode.ORDERS, sums.orders_minor),
            Line(LineCode.BACK, -sums.back_minor),
            Line(LineCode.FEES, sums.fees_minor),
            Line(LineCode.ROUNDING, sums.rounding_minor),
        ]
        shown = [lines[0], *(line for line in lines[1:] if line.figure)]
        tenders = [
            Line(LineCode.TENDER, minor, self._tender_name(tender))
            for tender, minor in sorted(sums.tenders.items(), key=lambda each: each[0] != CASH)
        ]
        difference, notes = sums.taken_minor - sums.due_minor, []
        booked = sums.sold_minor - sums.orders_minor
        if booked:
            notes.append(Note(NoteCode.BOOKED_OTHERWISE, {"": ""}, booked))
        return Check(
            CheckKind.TAKINGS,
            (
                *shown,
                Line(LineCode.DUE, sums.due_minor, is_sum=True),
                *tenders,
                Line(LineCode.TAKEN, sums.taken_minor, is_sum=True),
            ),
            difference or booked,
            currency,
            tuple(notes),
            name,
            of,
        )

    def _drawers(self, shifts: Sequence[ShiftSeen]) -> list[Check]:
        """Cash counted, and cash by the shifts' own reports, by currency."""
        found = []
        for currency in sorted({each.currency for each in shifts}):
            own = [each for each in shifts if each.currency == currency]
            found += [self._counted(own, currency), self._arrived(own, currency)]
        return found

    def _counted(self, shifts: Sequence[ShiftSeen], currency: str) -> Check:
        closed = [each.closed for each in shifts if each.closed]
        expected = sum(each.report.expected_minor for each in closed)
        counted = sum(each.counted_minor for each in closed)
        notes = [
            Note(NoteCode.SHIFT_OPEN, self.shift_name(each), 0, each.opened_ms)
            for each in shifts
            if each.closed is None
        ]
        notes += [
            Note(
                NoteCode.SHIFT_COUNTED,
                self.shift_name(each),
                each.closed.difference_minor,
                each.closed_ms,
            )
            for each in shifts
            if each.closed and each.closed.difference_minor
        ]
        lines = (Line(LineCode.EXPECTED, expected), Line(LineCode.COUNTED, counted))
        # Two drawers, one short and one over, are two differences although they add up to none.
        uneven = any(note.code is NoteCode.SHIFT_COUNTED for note in notes)
        difference = counted - expected
        if uneven and not difference:
            difference = max(each.figure for each in notes)
        return Check(CheckKind.CASH, lines, difference, currency, tuple(notes[:NOTES_MAX]))

    def _arrived(self, shifts: Sequence[ShiftSeen], currency: str) -> Check:
        reported = arrived = 0
        notes = []
        for shift in shifts:
            if shift.closed is None:
                continue
            report = shift.closed.report
            told = report.cash_taken_minor - report.cash_returned_minor
            sums = sum_takings(self._by_shift.get(shift.id, [])).get(currency, Takings())
            here = sums.tenders.get(CASH, 0)
            reported, arrived = reported + told, arrived + here
            if here != told:
                notes.append(
                    Note(
                        NoteCode.SHIFT_INCOMPLETE,
                        self.shift_name(shift),
                        here - told,
                        shift.closed_ms,
                    )
                )
        difference = arrived - reported or max((note.figure for note in notes), default=0)
        lines = (Line(LineCode.REPORTED, reported), Line(LineCode.ARRIVED, arrived))
        return Check(CheckKind.SHIFTS, lines, difference, currency, tuple(notes[:NOTES_MAX]))

    # --- places and entries -------------------------------------------------------------

    def _places(self, account: UnitAccount) -> list[Check]:
        return [self._stock(account), self._tickets(account)]

    def _stock(self, account: UnitAccount) -> Check:
        written_off = self.facts.takings[account.event_id].written_off.get(account.performance, 0)
        written_off = min(written_off, max(0, account.free))
        plain = account.blocked - account.held - account.returned
        lines = (
            Line(LineCode.FREE, account.free - written_off),
            Line(LineCode.HELD, account.held),
            Line(LineCode.LENT, account.lent),
            Line(LineCode.SOLD, account.sold),
            Line(LineCode.BLOCKED, plain),
            Line(LineCode.RETURNED, account.returned),
            Line(LineCode.WRITTEN_OFF, written_off),
            Line(LineCode.CAPACITY, account.capacity, is_sum=True),
            Line(LineCode.VALID, account.tickets),
        )
        name, notes = self.event_name(account.event_id), []
        uncovered = account.tickets - account.sold
        if account.free < 0:
            notes.append(Note(NoteCode.OVERFULL, name, -account.free))
        if uncovered:
            notes.append(Note(NoteCode.SOLD_WITHOUT_TICKET, name, uncovered))
        return Check(
            CheckKind.STOCK,
            lines,
            uncovered or min(0, account.free),
            "",
            tuple(notes),
            self._performance_name(account),
            f"{account.event_id}/{account.performance}",
        )

    def _tickets(self, account: UnitAccount) -> Check:
        counts: dict[str, TicketCount] = {
            each.state: each
            for each in self.facts.takings[account.event_id].tickets
            if each.performance == account.performance
        }
        nothing = TicketCount(account.performance, "", 0, 0)
        valid, void = counts.get("valid", nothing), counts.get("void", nothing)
        others = [each for state, each in counts.items() if state not in ("valid", "void")]
        entries = self.entries[account.event_id, account.performance]
        disputed = sum(each.count for each in others)
        lines = (
            Line(LineCode.ENTERED, valid.entered),
            Line(LineCode.NOT_COME, valid.count - valid.entered),
            Line(LineCode.TAKEN_BACK, void.count),
            Line(LineCode.DISPUTED, disputed),
            Line(LineCode.ISSUED, valid.count + void.count + disputed, is_sum=True),
            Line(LineCode.LET_IN, entries.entries),
        )
        name = self.event_name(account.event_id)
        found = (
            (NoteCode.ENTERED_TWICE, entries.doubles),
            (NoteCode.ENTERED_UNSOLD, entries.entries_without_ticket),
            (NoteCode.ENTERED_TAKEN_BACK, void.entered),
        )
        notes = tuple(Note(code, name, count) for code, count in found if count)
        return Check(
            CheckKind.TICKETS,
            lines,
            entries.doubles + entries.entries_without_ticket,
            "",
            notes,
            self._performance_name(account),
            f"{account.event_id}/{account.performance}",
        )

    def _entered(self, crowds: Iterable[Crowd]) -> Check:
        lanes: dict[tuple[str, str], int] = {}
        for each in crowds:
            key = (each.node_id, each.lane)
            lanes[key] = lanes.get(key, 0) + each.count
        lines = tuple(
            Line(LineCode.LANE, count, {"": f"{self._node_name(node_id)} · {lane}"})
            for (node_id, lane), count in sorted(lanes.items())
        )
        total = sum(lanes.values())
        return Check(CheckKind.ENTRIES, (*lines, Line(LineCode.LET_IN, total, is_sum=True)))

    # --- records ------------------------------------------------------------------------

    def _late(self, belongs: Callable[[LateRecords], bool]) -> Check:
        late: list[LateRecords] = [
            each for t in self.facts.takings.values() for each in t.late if belongs(each)
        ]
        late.sort(key=lambda each: -each.late_ms)
        by_node: dict[str, list[LateRecords]] = {}
        for each in late:
            by_node.setdefault(each.node_id, []).append(each)
        notes = tuple(
            Note(
                NoteCode.LATE,
                {"": self._node_name(node_id)},
                sum(each.count for each in own),
                min(each.slot for each in own) * SLOT_MS,
            )
            for node_id, own in by_node.items()
        )
        count = sum(each.count for each in late)
        return Check(CheckKind.LATE, (Line(LineCode.RECORDS, count),), notes=notes[:NOTES_MAX])

    def _gaps(self, node_id: str | None) -> Check:
        """Holes in journals, journals that contradict themselves, and in the row of Z reports."""
        notes, count = [], 0
        for each in self._journals(node_id):
            name = {"": self._node_name(each.node_id)}
            if each.count != each.seq:
                count += abs(each.seq - each.count)
                notes.append(Note(NoteCode.JOURNAL_GAP, name, each.seq - each.count))
            if each.state == "forked":
                count += 1
                notes.append(Note(NoteCode.JOURNAL_FORKED, name, 1))
        z_notes = [note for of, note in self._z_notes if node_id in (None, of)]
        count += len(z_notes)
        found = (*notes, *z_notes)
        return Check(
            CheckKind.GAPS, (Line(LineCode.RECORDS, count),), count, notes=found[:NOTES_MAX]
        )

    def _journals(self, node_id: str | None) -> list[JournalKept]:
        return [
            each
            for takings in self.facts.takings.values()
            for each in takings.journals
            if node_id in (None, each.node_id)
        ]

    def _find_z_gaps(self) -> list[tuple[str, Note]]:
        """Where a till's Z reports do not follow each other: the till, and the report."""
        last: dict[str, tuple[int, int]] = {}
        notes = []
        for shift in sorted(self.shifts.values(), key=lambda each: (each.inc, each.closed_ms)):
            if shift.closed is None:
                continue
            number = shift.closed.z_number
            if not is_next_z(number, shift.inc, last.get(shift.node_id)):
                name = {"": self._node_name(shift.node_id)}
                notes.append((shift.node_id, Note(NoteCode.Z_GAP, name, number, shift.closed_ms)))
            last[shift.node_id] = (number, shift.inc)
        return notes

    def _missing(self, shifts: Iterable[ShiftSeen], node_id: str | None) -> Check:
        """What Z reports say was written down, and what nodes say that they have not sent."""
        notes, count = [], 0
        for shift in shifts:
            lacking = sum(
                max(0, seen.seq - self._kept.get((seen.stream, shift.node_id, seen.incarnation), 0))
                for seen in shift.journals
            )
            if lacking:
                count += lacking
                name = self.shift_name(shift)
                notes.append(Note(NoteCode.NOT_ARRIVED, name, lacking, shift.closed_ms))
        for node in self.facts.books.nodes:
            if node.unsynced_count and node_id in (None, node.id):
                count += node.unsynced_count
                notes.append(Note(NoteCode.NOT_SENT, {"": node.name}, node.unsynced_count))
        lines = (Line(LineCode.RECORDS, count),)
        return Check(CheckKind.MISSING, lines, count, notes=tuple(notes[:NOTES_MAX]))

    # --- names --------------------------------------------------------------------------

    def _node_name(self, node_id: str) -> str:
        node = self.nodes.get(node_id)
        return node.name if node else node_id

    def event_name(self, event_id: str) -> Name:
        """What the catalogue calls it; its id where it was never imported."""
        event = self.facts.events.get(event_id)
        if event is not None:
            return event.name.to_json()
        return {"": event_id}

    def _performance_name(self, account: UnitAccount) -> Name:
        at = datetime.fromtimestamp(account.starts_ms / 1000, UTC)
        when = f"{at.astimezone(self.facts.venue.zone):%Y-%m-%d %H:%M}"
        names = self.event_name(account.event_id)
        return {language: f"{name} · {when}" for language, name in names.items()}

    def _tender_name(self, tender: str) -> Name:
        known = self.facts.venue.tender(tender)
        return known.name.to_json() if known else {"": tender}

    def shift_name(self, shift: ShiftSeen) -> Name:
        """Its till, and its Z report's number once there is one."""
        z = f" · Z {shift.closed.z_number}" if shift.closed else ""
        return {"": f"{self._node_name(shift.node_id)}{z}"}
