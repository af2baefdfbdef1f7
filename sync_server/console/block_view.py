"""Kept places as the console shows them: who keeps what, and who has what was wanted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from program.i18n import format_count, format_datetime, translations
from sync_server.console.block_words import REASONS, Slip
from sync_server.console.overview import Snapshot
from sync_server.console.seat_view import RUNS_SHOWN_MAX, STATE_WORDS, place_runs
from sync_server.heart.kept_back import (
    NEVER_MS,
    OWNER_CHARS_MAX,
    REASON_CHARS_MAX,
    BlockReason,
    Keeping,
    Taken,
)
from sync_server.services.blocking import BlockLine
from sync_server.services.place_choice import CHOICE_CHARS_MAX, Choice
from sync_server.services.seat_states import SEAT_STATES
from ticketing.event import Venue
from ticketing.schedule import UnusableTime, read_start
from ticketing.seating import SeatingPlan

_SHORT_CHARS_MAX = 400


@dataclass(frozen=True, slots=True)
class TypedBlock:
    """The fields of the form as they were sent, to be shown again."""

    area: str = ""
    rows: str = ""
    seats: str = ""
    count: str = ""
    units: str = ""
    pool: str = ""
    pool_count: str = ""
    owner: str = ""
    reason: str = ""
    note: str = ""
    until_date: str = ""
    until_time: str = ""
    what_is_free: str = ""
    ask_back: str = ""

    @property
    def choice(self) -> Choice:
        """The places that it names."""
        return Choice(self.area, self.rows, self.seats, self.count, self.units)


def typed_block(form: Mapping[str, str]) -> TypedBlock:
    """What somebody filled in."""
    names = TypedBlock.__dataclass_fields__
    short = {name: form.get(name, "").strip()[:_SHORT_CHARS_MAX] for name in names}
    units = form.get("units", "").strip()[:CHOICE_CHARS_MAX]
    return replace(TypedBlock(**short), units=units)


def typed_of(keeping: Keeping, venue: Venue) -> TypedBlock:
    """A block's keeping as the form has it; times by the venue's clocks."""
    until = _at(keeping.until_ms).astimezone(venue.zone) if keeping.until_ms < NEVER_MS else None
    return TypedBlock(
        owner=keeping.owner,
        reason=keeping.reason.value,
        note=keeping.note,
        until_date=f"{until:%Y-%m-%d}" if until else "",
        until_time=f"{until:%H:%M}" if until else "",
    )


def read_keeping(typed: TypedBlock, venue: Venue, now: datetime, by: str) -> Keeping | Slip:
    """For whom, why and until when; or what of it is missing."""
    if not 1 <= len(typed.owner) <= OWNER_CHARS_MAX or not typed.owner.isprintable():
        return Slip.OWNER
    known = {each.value: each for each in BlockReason}
    if typed.reason not in known or len(typed.note) > REASON_CHARS_MAX:
        return Slip.REASON
    until_ms = NEVER_MS
    if typed.until_date or typed.until_time:
        until = read_start(f"{typed.until_date}T{typed.until_time}", venue, now)
        is_plain = len(typed.until_date) == len("2026-11-28")
        if isinstance(until, UnusableTime) or not is_plain or until <= now:
            return Slip.TIME
        until_ms = round(until.timestamp() * 1000)
    return Keeping(typed.owner, known[typed.reason], typed.note, until_ms, by)


def read_pool(typed: TypedBlock) -> tuple[tuple[str, int], ...] | Slip:
    """How many rights of which pool; nothing where none is chosen."""
    if not typed.pool:
        return ()
    written = typed.pool_count
    if not (written.isascii() and written.isdecimal() and len(written) <= 9 and int(written)):
        return Slip.POOL
    return ((typed.pool, int(written)),)


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block, ready to show."""

    id: str
    owner: str
    reason: str
    note: str
    until: str
    who: str
    when: str
    count: str
    places: tuple[str, ...]
    more: str


@dataclass(frozen=True, slots=True)
class TakenRow:
    """Places that were wanted and that somebody has."""

    who: str
    count: str
    places: tuple[str, ...]
    more: str


def block_rows(
    blocks: Iterable[BlockLine],
    plan: SeatingPlan,
    people: Mapping[str, str],
    snapshot: Snapshot,
    language: str,
) -> list[BlockRow]:
    """The blocks as a table has them."""
    _, zone = translations(language).gettext, snapshot.venue.zone
    found = []
    for each in blocks:
        keeping = each.keeping
        places, more = _in_words(plan, each.units, language)
        pools = [f"{pool} × {format_count(count, language)}" for pool, count in each.counts]
        until = _("until somebody releases it")
        if keeping.until_ms < NEVER_MS:
            until = format_datetime(_at(keeping.until_ms), language, zone=zone, year=True)
        found.append(
            BlockRow(
                each.id,
                keeping.owner,
                _(REASONS[keeping.reason]),
                keeping.note,
                until,
                people.get(keeping.by, keeping.by),
                format_datetime(_at(each.made_ms), language, zone=zone, year=True),
                format_count(len(each.units), language),
                (*places, *pools),
                more,
            )
        )
    return found


def taken_rows(
    taken: Iterable[Taken], plan: SeatingPlan, names: Mapping[str, str], language: str
) -> list[TakenRow]:
    """Who has what was wanted, each holder once."""
    _ = translations(language).gettext
    by_holder: dict[tuple[str, str], set[int]] = {}
    for each in taken:
        by_holder.setdefault((each.kind, each.node_id), set()).add(each.unit)
    found = []
    for (kind, node_id), units in sorted(by_holder.items()):
        state = _(STATE_WORDS[SEAT_STATES[kind]])
        who = f"{state} · {names.get(node_id, node_id)}" if node_id else state
        places, more = _in_words(plan, units, language)
        found.append(TakenRow(who, format_count(len(units), language), places, more))
    return found


def _in_words(
    plan: SeatingPlan, units: set[int] | frozenset[int], language: str
) -> tuple[tuple[str, ...], str]:
    runs = list(place_runs(plan, units, language))
    more = sum(count for _words, count in runs[RUNS_SHOWN_MAX:])
    said = translations(language).ngettext("and {n} more place", "and {n} more places", more)
    shown = tuple(words for words, _count in runs[:RUNS_SHOWN_MAX])
    return shown, said.format(n=format_count(more, language)) if more else ""


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
