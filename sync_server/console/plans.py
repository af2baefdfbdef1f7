"""Venue and seating plans: look, upload, look at what was uploaded, save it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from program.i18n import format_count, translations
from sync_server.console.fault_words import problem_rows
from sync_server.console.plan_view import (
    DRAFT_PATH,
    ONE_PATH,
    PLANS_PATH,
    make_picture,
    plan_path,
    plan_row,
)
from sync_server.console.plan_words import (
    PlanFault,
    plan_fault_sentence,
    reason_sentence,
    source_words,
)
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.handlers.uploads import read_upload
from sync_server.services.catalogue import load_venue
from sync_server.services.permissions import Permission, person_may
from sync_server.services.plan_files import Faulty, NoPlan, PlanFile, plan_file, read_plan_file
from sync_server.services.plan_store import (
    Draft,
    PlanLine,
    StoredPlan,
    newest_line,
    put_draft,
    read_draft,
    read_plan_lines,
    read_stored_plan,
    read_versions,
)
from sync_server.services.plan_uses import PlanUse, PlanUses
from sync_server.services.plans import Reason, SavedPlan, Weighed, save_plan, weigh
from ticketing.event import Venue

UPLOAD_BYTES_MAX = 20_000_000
_FORM_BYTES_MAX = 4_096
_PLAN_ID_CHARS_MAX = 32
_FAULTS = {
    NoPlan.NOT_JSON: PlanFault.NOT_JSON,
    NoPlan.OTHER_FORMAT: PlanFault.OTHER_FORMAT,
    NoPlan.PLAN_ID: PlanFault.PLAN_ID,
}


@dataclass(frozen=True, slots=True)
class PlanDesk:
    """Files are read one at a time; who comes meanwhile is asked to come again."""

    reading: asyncio.Semaphore
    uses: PlanUses


PLAN_DESK = web.AppKey("plan_desk", PlanDesk)


def set_up_plans(app: web.Application) -> None:
    """What the pages about plans share."""
    app[PLAN_DESK] = PlanDesk(asyncio.Semaphore(1), PlanUses())


@route("GET", PLANS_PATH, permission=Permission.CONSOLE_VIEW, page=True)
async def plans(request: web.Request) -> web.Response:
    """The venue, its plans, and the form for another one."""
    return await _list(request)


@route("GET", ONE_PATH, permission=Permission.CONSOLE_VIEW, page=True)
async def plan(request: web.Request) -> web.Response:
    """A version of a plan; the newest unless one is asked for."""
    centre, desk = request.app[CENTRE], request.app[PLAN_DESK]
    plan_id, version = request.query.get("id", ""), _version(request)

    def read(
        connection: Connection,
    ) -> tuple[Venue, StoredPlan | None, list[PlanLine], list[PlanUse]]:
        stored = read_stored_plan(connection, plan_id, version)
        versions = read_versions(connection, plan_id) if stored else []
        uses = desk.uses.read(connection, centre.generation.short) if stored else []
        return load_venue(connection, centre.venue_id), stored, versions, uses

    venue, stored, versions, uses = await centre.read(read)
    if stored is None:
        raise Problem(404, "not_found", "there is no such plan")
    language, line = language_of(request), stored.line
    base = plan_path(line.id, line.version)
    picture = await asyncio.to_thread(
        make_picture, stored.plan, stored.categories, language, base, _area(request)
    )
    context = {
        "path": ONE_PATH,
        "query": _query(id=line.id, version=str(line.version), area=_area(request)),
        "venue": venue.name.in_language(language),
        "row": plan_row(line, language, venue.zone),
        "base": base,
        "file_path": f"{PLANS_PATH}/file?{_query(id=line.id, version=str(line.version))}",
        "picture": picture,
        "events": _events(uses, line, language),
        "versions": [plan_row(each, language, venue.zone) for each in versions],
        "is_newest": line.version == versions[0].version,
    }
    return render(request, "plan.html", context)


@route("GET", f"{PLANS_PATH}/file", permission=Permission.CONSOLE_VIEW, page=True)
async def plan_as_file(request: web.Request) -> web.Response:
    """A version of a plan as a file that can be uploaded again."""
    plan_id, version = request.query.get("id", ""), _version(request)
    stored = await request.app[CENTRE].read(
        lambda connection: read_stored_plan(connection, plan_id, version)
    )
    if stored is None:
        raise Problem(404, "not_found", "there is no such plan")
    body = await asyncio.to_thread(plan_file, stored.plan)
    name = f"{stored.line.id}-{stored.line.version}.json"  # an id has no character to be quoted
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type="application/json", headers=headers)


@route(
    "POST",
    f"{PLANS_PATH}/upload",
    permission=Permission.PLANS_WRITE,
    body_max=UPLOAD_BYTES_MAX,
    page=True,
)
async def upload(request: web.Request) -> web.Response:
    """Look through a file. What is in order is kept for its confirmation, and nothing is saved."""
    desk, centre = request.app[PLAN_DESK], request.app[CENTRE]
    if desk.reading.locked():
        raise Problem(503, "busy", "another plan is being read", retry_after_s=5)
    async with desk.reading:
        sent = read_upload(request.headers.get("Content-Type", ""), await request.read())
        plan_id = sent.fields.get("id", "").strip()
        data = sent.files.get("file", b"")
        if not data:
            return await _list(request, fault=PlanFault.NO_FILE, plan_id=plan_id)
        found = await centre.read(lambda c: _read_file(c, centre.venue_id, data, plan_id))
        if isinstance(found, NoPlan):
            return await _list(request, fault=_FAULTS[found], plan_id=plan_id)
        if isinstance(found, Faulty):
            return await _list(request, fault=PlanFault.FAULTY, plan_id=plan_id, faulty=found)
        person_id = request[PERSON].id
        draft_id = await centre.write(
            lambda tx: put_draft(
                tx, person_id, found.plan, found.source, found.categories, found.left_out_count
            )
        )
    return web.Response(status=303, headers={"Location": f"{DRAFT_PATH}?{_query(id=draft_id)}"})


@route("GET", DRAFT_PATH, permission=Permission.PLANS_WRITE, page=True)
async def draft(request: web.Request) -> web.Response:
    """What was uploaded, as it would be saved, and what is against that."""
    return await _draft(request, request.query.get("id", ""))


@route(
    "POST",
    f"{PLANS_PATH}/save",
    permission=Permission.PLANS_WRITE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def save(request: web.Request) -> web.Response:
    """Save what was uploaded, unless anything is against it by now."""
    draft_id = read_form(await request.read()).get("id", "")
    centre, person, actor = request.app[CENTRE], request[PERSON], actor_of(request)
    looked = await _look(request, draft_id)
    if looked is None:
        return await _list(request, fault=PlanFault.GONE)
    _venue, _newest, found, weighed = looked
    answer = await centre.write(lambda tx: save_plan(tx, found, weighed, actor, person.name))
    if not isinstance(answer, SavedPlan):
        return await _draft(request, draft_id, answer)
    return web.Response(status=303, headers={"Location": plan_path(found.plan.id, answer.version)})


def _read_file(
    connection: Connection, venue_id: str, data: bytes, plan_id: str
) -> PlanFile | Faulty | NoPlan:
    languages = load_venue(connection, venue_id).languages
    return read_plan_file(
        data, plan_id, languages, lambda wanted: read_stored_plan(connection, wanted)
    )


async def _look(
    request: web.Request, draft_id: str
) -> tuple[Venue, PlanLine | None, Draft, Weighed] | None:
    """What this person uploaded, weighed anew; None when it is no longer kept."""
    centre, person_id = request.app[CENTRE], request[PERSON].id
    now_ms = centre.now_ms()

    def read(connection: Connection) -> tuple[Venue, PlanLine | None, Draft, Weighed] | None:
        found = read_draft(connection, person_id, draft_id, now_ms)
        if found is None:
            return None
        venue = load_venue(connection, centre.venue_id)
        newest = newest_line(connection, found.plan.id)
        return venue, newest, found, weigh(connection, venue, found)

    return await centre.read(read)


async def _draft(
    request: web.Request, draft_id: str, reasons: Sequence[Reason] = ()
) -> web.Response:
    looked = await _look(request, draft_id)
    if looked is None:
        return await _list(request, fault=PlanFault.GONE)
    venue, newest, found, weighed = looked
    language = language_of(request)
    base = f"{DRAFT_PATH}?{_query(id=draft_id)}"
    picture = await asyncio.to_thread(
        make_picture, found.plan, found.categories, language, base, _area(request)
    )
    against = list(reasons or weighed.reasons)
    context = {
        "path": DRAFT_PATH,
        "query": _query(id=draft_id, area=_area(request)),
        "venue": venue.name.in_language(language),
        "draft_id": draft_id,
        "base": base,
        "name": found.plan.name.in_language(language),
        "plan_id": found.plan.id,
        "places": format_count(found.plan.unit_count, language),
        "source": source_words(found.source, language),
        "left_out": found.left_out_count,
        "newest": plan_row(newest, language, venue.zone) if newest else None,
        "events": [change.event.name.in_language(language) for change in weighed.changes],
        "reasons": [reason_sentence(each, language) for each in against],
        "picture": picture,
    }
    status = HTTPStatus.CONFLICT if reasons else HTTPStatus.OK
    return render(request, "plan_draft.html", context, status=status)


async def _list(
    request: web.Request,
    *,
    fault: PlanFault | None = None,
    plan_id: str = "",
    faulty: Faulty | None = None,
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    desk = request.app[PLAN_DESK]

    def read(connection: Connection) -> tuple[Venue, list[PlanLine], list[PlanUse]]:
        venue = load_venue(connection, centre.venue_id)
        return (
            venue,
            read_plan_lines(connection),
            desk.uses.read(connection, centre.generation.short),
        )

    venue, lines, uses = await centre.read(read)
    problems = faulty.problems if faulty else ()
    context = {
        "path": PLANS_PATH,
        "query": "",
        "venue": venue.name.in_language(language),
        "facts": _venue_facts(venue, language),
        "rows": [
            plan_row(
                each,
                language,
                venue.zone,
                [use.event_name.in_language(language) for use in uses if use.plan_id == each.id],
            )
            for each in lines
        ],
        "fault": plan_fault_sentence(fault, language),
        "problems": problem_rows(problems, language),
        "more": faulty.count - len(problems) if faulty else 0,
        "plan_id": plan_id[:_PLAN_ID_CHARS_MAX],
        "plan_id_max": _PLAN_ID_CHARS_MAX,
        "megabytes_max": UPLOAD_BYTES_MAX // 1_000_000,
        "may_write": person_may(request[PERSON].role, Permission.PLANS_WRITE),
    }
    gone = fault is PlanFault.GONE
    status = HTTPStatus.CONFLICT if gone else HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK
    return render(request, "plans.html", context, status=status)


def _venue_facts(venue: Venue, language: str) -> list[tuple[str, str]]:
    _ = translations(language).gettext
    return [
        (_("Name"), venue.name.in_language(language)),
        (_("Time zone"), venue.timezone),
        (_("Currency"), venue.currency),
        (_("Languages of its names"), " · ".join(venue.languages)),
        (_("The business day begins"), f"{venue.day_starts:%H:%M}"),
    ]


def _events(uses: Sequence[PlanUse], line: PlanLine, language: str) -> list[Mapping[str, object]]:
    """The events that use the plan, and whether in this very version."""
    return [
        {"name": use.event_name.in_language(language), "is_this": use.digest == line.digest}
        for use in uses
        if use.plan_id == line.id
    ]


def _version(request: web.Request) -> int | None:
    """The version that the address asks for. Raises Problem for what is no number of one."""
    asked = request.query.get("version", "")
    if not asked:
        return None
    if not asked.isascii() or not asked.isdecimal() or len(asked) > 9 or int(asked) == 0:
        raise Problem(404, "not_found", "there is no such version")
    return int(asked)


def _area(request: web.Request) -> str:
    return request.query.get("area", "")[:_PLAN_ID_CHARS_MAX]


def _query(**asked: str) -> str:
    return urlencode({name: value for name, value in asked.items() if value})
