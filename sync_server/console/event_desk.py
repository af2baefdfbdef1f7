"""What the pages of an event have in common: which one is asked for, and storing a change of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from sync_server.console.event_fields import Faults
from sync_server.console.event_words import fault_sentence
from sync_server.console.figures import FIGURES
from sync_server.console.performance_words import refusal_sentence
from sync_server.handlers.actors import actor_of
from sync_server.handlers.problems import Problem
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.catalogue import Plan, document_rev, load_plan
from sync_server.services.event_changes import Change, PreparedEvent, prepare_event, store_event
from sync_server.services.performance_changes import Refused
from sync_server.services.performance_rows import By
from ticketing.event import Event, Venue

_ID_CHARS_MAX = 32
_REV_DIGITS_MAX = 16


@dataclass(frozen=True, slots=True)
class AskedEvent:
    """An event as of now. `rev`: of its document, which a form brings back."""

    loaded: Plan
    rev: int

    @property
    def venue(self) -> Venue:
        """The house as its document has it."""
        return self.loaded[0]

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.loaded[2]


async def asked_event(request: web.Request) -> AskedEvent:
    """The event that the path names. Raises Problem when there is none."""
    event_id = request.match_info["event"]
    if len(event_id) <= _ID_CHARS_MAX:
        loaded, rev = await request.app[CENTRE].read(
            lambda c: (load_plan(c, event_id), document_rev(c, event_id))
        )
        if loaded is not None:
            return AskedEvent(loaded, rev)
    raise Problem(404, "not_found", "there is no such event")


async def change_event(
    request: web.Request, event_id: str, change: Change, form: Mapping[str, str]
) -> Refused | None:
    """Store the event as `change` makes it, if it is as the form was shown; None when done."""
    centre, person, actor = request.app[CENTRE], request[PERSON], actor_of(request)
    prepared = await centre.read(lambda c: prepare_event(c, event_id, change))
    if isinstance(prepared, Refused):
        return prepared
    ready: PreparedEvent = prepared
    seen, by = read_seen(form), By(person.id, person.name)
    refused = await centre.write(
        lambda tx: store_event(tx, centre.venue_id, ready, seen, by, actor)
    )
    if refused is None:
        await request.app[FIGURES].renew()
    return refused


def read_seen(form: Mapping[str, str]) -> int:
    """The revision that the form was shown with; 0, which no document has, for none."""
    return read_number(form.get("seen", ""))


def read_number(written: str) -> int:
    """A number of ours that comes back; 0 for what is none."""
    fits = written.isascii() and written.isdecimal() and len(written) <= _REV_DIGITS_MAX
    return int(written) if fits else 0


def fault_context(
    faults: Faults, refused: Refused | None, language: str
) -> tuple[dict[str, object], HTTPStatus]:
    """What a form says of its faults, beside the fields and above them, and its status."""
    beside = {name: fault_sentence(fault, language) for name, fault in faults.items() if name}
    above = fault_sentence(faults[""], language, with_place=True) if "" in faults else ""
    if refused is not None and not faults:
        above = refusal_sentence(refused, language)
    status = HTTPStatus.OK
    if faults:
        status = HTTPStatus.BAD_REQUEST
    elif refused is not None:
        status = HTTPStatus.CONFLICT
    return {"above": above, "faults": beside}, status
