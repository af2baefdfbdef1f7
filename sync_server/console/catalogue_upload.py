"""A catalogue file in the console: upload it, see in plain words what it would change, store it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from program.i18n import translations
from sync_server.console.event_words import difference_rows
from sync_server.console.fault_words import problem_rows, rule_sentence
from sync_server.console.figures import FIGURES
from sync_server.console.performance_paths import CATALOGUE_PATH, EVENTS_PATH
from sync_server.console.plan_words import PlanFault, plan_fault_sentence
from sync_server.console.plans import PLAN_DESK, UPLOAD_BYTES_MAX
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.handlers.uploads import read_upload
from sync_server.services.catalogue import NotStored
from sync_server.services.catalogue_uploads import (
    EventPreview,
    Preview,
    preview_catalogue,
    put_catalogue_draft,
    read_catalogue_file,
    store_uploaded,
)
from sync_server.services.obstacles import Obstacle
from sync_server.services.permissions import Permission
from sync_server.services.plan_files import Faulty, NoPlan
from ticketing.event import Venue

_FORM_BYTES_MAX = 4_096
_DRAFT_PATH = f"{CATALOGUE_PATH}/draft"
_MAY = Permission.CATALOGUE_WRITE


@route("GET", CATALOGUE_PATH, permission=_MAY, page=True)
async def catalogue_form(request: web.Request) -> web.Response:
    """Where a file is chosen."""
    return await _form(request)


@route("POST", f"{CATALOGUE_PATH}/upload", permission=_MAY, body_max=UPLOAD_BYTES_MAX, page=True)
async def upload_catalogue(request: web.Request) -> web.Response:
    """Look through a file. What is in order is kept for its confirmation, and nothing is stored."""
    desk, centre, person_id = request.app[PLAN_DESK], request.app[CENTRE], request[PERSON].id
    if desk.reading.locked():
        raise Problem(503, "busy", "another file is being read", retry_after_s=5)
    async with desk.reading:
        sent = read_upload(request.headers.get("Content-Type", ""), await request.read())
        data = sent.files.get("file", b"")
        if not data:
            return await _form(request, PlanFault.NO_FILE)
        found = await centre.read(lambda _c: read_catalogue_file(data, datetime.now(UTC)))
        if isinstance(found, NoPlan):
            is_json = found is not NoPlan.NOT_JSON
            fault = PlanFault.NO_CATALOGUE if is_json else PlanFault.NOT_JSON
            return await _form(request, fault)
        if isinstance(found, Faulty):
            return await _form(request, PlanFault.FAULTY, found)
        draft_id = await centre.write(lambda tx: put_catalogue_draft(tx, person_id, data))
    return web.Response(status=303, headers={"Location": f"{_DRAFT_PATH}?id={draft_id}"})


@route("GET", _DRAFT_PATH, permission=_MAY, page=True)
async def catalogue_draft(request: web.Request) -> web.Response:
    """What the file would change. Nothing is changed."""
    preview = await _preview(request, request.query.get("id", ""))
    if preview is None:
        return await _form(request, PlanFault.GONE)
    return await _draft(request, preview)


@route("POST", f"{CATALOGUE_PATH}/save", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def save_catalogue(request: web.Request) -> web.Response:
    """Store it, unless something is against it or its events have changed since it was shown."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    person_id, actor = request[PERSON].id, actor_of(request)
    preview = await _preview(request, form.get("id", ""))
    if preview is None:
        return await _form(request, PlanFault.GONE)
    if form.get("seen", "") != _seen(preview):
        return await _draft(request, preview, is_stale=True)
    ready = preview
    stored = await centre.write(
        lambda tx: store_uploaded(tx, centre.venue_id, ready, person_id, actor)
    )
    if stored is None:
        return await _draft(request, preview, is_stale=True)
    if isinstance(stored, NotStored):
        return await _draft(request, preview, stored.reasons)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": EVENTS_PATH})


async def _preview(request: web.Request, draft_id: str) -> Preview | None:
    centre, person_id = request.app[CENTRE], request[PERSON].id
    venue_id, now_ms = centre.venue_id, centre.now_ms()
    return await centre.read(lambda c: preview_catalogue(c, venue_id, person_id, draft_id, now_ms))


def _seen(preview: Preview) -> str:
    """The revisions that the page was shown with."""
    return ",".join(f"{each}:{rev}" for each, rev in sorted(preview.revisions.items()))


async def _draft(
    request: web.Request,
    preview: Preview,
    reasons: Sequence[Obstacle] = (),
    *,
    is_stale: bool = False,
) -> web.Response:
    language, venue = language_of(request), preview.catalogue.venue
    context = {
        "path": _DRAFT_PATH,
        "query": f"id={preview.draft_id}",
        "venue": venue.name.in_language(language),
        "draft_id": preview.draft_id,
        "seen": _seen(preview),
        "is_stale": is_stale,
        "reasons": [rule_sentence(each, language) for each in reasons],
        "obstacles": [rule_sentence(each, language) for each in preview.obstacles if not reasons],
        "is_empty": preview.is_empty,
        "house": difference_rows(preview.venue, [], venue, language),
        "plans": preview.plans,
        "events": [_event(each, venue, language) for each in preview.events],
    }
    status = HTTPStatus.CONFLICT if reasons or is_stale else HTTPStatus.OK
    return render(request, "catalogue_draft.html", context, status=status)


def _event(each: EventPreview, venue: Venue, language: str) -> dict[str, object]:
    versions = [each.event] if each.before is None else [each.before, each.event]
    gettext = translations(language).gettext
    more = each.differences.count - len(each.differences.places)
    return {
        "name": each.event.name.in_language(language),
        "is_new": each.before is None,
        "note": gettext("It gets another seating plan.") if each.has_other_plan else "",
        "performances": len(each.event.performances),
        "rows": []
        if each.before is None
        else difference_rows(each.differences, versions, venue, language),
        "more": max(0, more) if each.before is not None else 0,
    }


async def _form(
    request: web.Request, fault: PlanFault | None = None, faulty: Faulty | None = None
) -> web.Response:
    language, snapshot = language_of(request), await request.app[FIGURES].books()
    problems = faulty.problems if faulty else ()
    context = {
        "path": CATALOGUE_PATH,
        "query": "",
        "venue": snapshot.venue.name.in_language(language),
        "fault": plan_fault_sentence(fault, language),
        "problems": problem_rows(problems, language),
        "more": faulty.count - len(problems) if faulty else 0,
        "megabytes_max": UPLOAD_BYTES_MAX // 1_000_000,
    }
    gone = fault is PlanFault.GONE
    status = HTTPStatus.CONFLICT if gone else HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK
    return render(request, "catalogue.html", context, status=status)
