"""What windows and hubs of an event hold: asked back, or given up for lost by two people."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from sync_server.console.figures import FIGURES
from sync_server.console.lent_view import LentRow, Slip, fault_sentence, lent_rows
from sync_server.console.overview import Snapshot
from sync_server.console.own_password import is_own_password
from sync_server.console.performance_paths import EVENTS_PATH, lent_page
from sync_server.console.rendering import language_of, render
from sync_server.console.sign_in import vouching_person
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.reclaim import NoWriteOff, WrittenOff
from sync_server.services.audit import TEXT_CHARS_MAX, Deed, audited
from sync_server.services.people import LOGIN_CHARS_MAX
from sync_server.services.permissions import Permission, person_may
from sync_server.services.stock import ALLOTMENTS_MAX, read_allotments, recall, write_off
from ticketing.event import Event
from ticketing.ids import AllotmentId, is_stream_id

_FORM_BYTES_MAX = 8_192
_NODE_CHARS_MAX = 64
_PATH = f"{EVENTS_PATH}/{{event}}/lent"
_ONE = f"{_PATH}/one"


@route("GET", _PATH, permission=Permission.PERFORMANCES_READ, page=True)
async def lent(request: web.Request) -> web.Response:
    """Who holds what of an event, and since when nothing was heard of them."""
    language = language_of(request)
    event, snapshot, rows = await _read(request)
    holders = {row.node_id: row.node_name for row in rows if row.is_open and not row.is_asked_back}
    context = _context(request, event, snapshot) | {
        "rows": rows,
        "is_cut": len(rows) >= ALLOTMENTS_MAX,
        "holders": sorted(holders.items(), key=lambda each: each[1]),
        "may_reclaim": person_may(request[PERSON].role, Permission.STOCK_RECLAIM),
        "name": event.name.in_language(language),
    }
    return render(request, "lent.html", context)


@route("POST", _PATH, permission=Permission.STOCK_RECLAIM, body_max=_FORM_BYTES_MAX, page=True)
async def ask_back(request: web.Request) -> web.Response:
    """Ask for what is not sold: of one allotment, or of all that a window holds."""
    form, event_id = read_form(await request.read()), _event_id(request)
    allotment, node_id = form.get("allotment", ""), form.get("window", "")
    is_one = AllotmentId.parse(allotment) is not None
    if is_one == (0 < len(node_id) <= _NODE_CHARS_MAX):
        raise Problem(400, "bad_form", "the form could not be read")
    job = audited(
        lambda tx: recall(tx, event_id, allotment=allotment, node_id=node_id),
        Deed.STOCK_RECALLED,
        f"allotment:{allotment}" if is_one else f"node:{node_id}",
        actor_of(request),
        after=lambda found: {"event": event_id, "allotments": list(found)},
    )
    await _event(request, event_id)
    await request.app[CENTRE].write(job)
    return web.Response(status=303, headers={"Location": lent_page(event_id)})


@route("GET", _ONE, permission=Permission.STOCK_RECLAIM, page=True)
async def give_up_form(request: web.Request) -> web.Response:
    """What giving it up means, and the form for two people."""
    return await _show_one(request, request.query.get("id", ""))


@route("POST", _ONE, permission=Permission.STOCK_RECLAIM, body_max=_FORM_BYTES_MAX, page=True)
async def give_up(request: web.Request) -> web.Response:
    """Free what a lost window may have sold: who is signed in and a second person vouch for it."""
    form, event_id = read_form(await request.read()), _event_id(request)
    allotment, reason = form.get("id", ""), form.get("reason", "").strip()
    await _one(request, allotment)
    if not reason or len(reason) > TEXT_CHARS_MAX:
        return await _show_one(request, allotment, Slip.REASON, form)
    if not await is_own_password(request, form):
        return await _show_one(request, allotment, Slip.PASSWORD, form)
    second = await vouching_person(
        request, form.get("second", ""), form.get("second_password", ""), form.get("code", "")
    )
    if second is None:
        return await _show_one(request, allotment, Slip.SECOND, form)
    by = (request[PERSON].login, second.login)
    if request[PERSON].id == second.id:
        return await _show_one(request, allotment, NoWriteOff.TWO_PEOPLE, form)
    done = await request.app[CENTRE].write(
        audited(
            lambda tx: write_off(tx, event_id, allotment, by, reason),
            Deed.ALLOTMENT_WRITTEN_OFF,
            f"allotment:{allotment}",
            actor_of(request),
            done=lambda answer: isinstance(answer, WrittenOff),
            after=lambda answer: _told(answer, second.login),
            reason=reason,
        )
    )
    if isinstance(done, NoWriteOff):
        return await _show_one(request, allotment, done, form)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": lent_page(event_id)})


def _told(answer: WrittenOff | NoWriteOff, second: str) -> dict[str, object]:
    assert isinstance(answer, WrittenOff)
    return {
        "confirmed": answer.confirmed_count,
        "unknown": len(answer.unknown),
        "second": second,
    }


def _event_id(request: web.Request) -> str:
    event_id = request.match_info["event"]
    if not is_stream_id(event_id):
        raise Problem(404, "not_found", "there is no such event")
    return event_id


async def _event(request: web.Request, event_id: str) -> tuple[Event, Snapshot]:
    snapshot = await request.app[FIGURES].books()
    event = snapshot.events.get(event_id)
    if event is None:
        raise Problem(404, "not_found", "there is no such event")
    return event, snapshot


async def _read(request: web.Request) -> tuple[Event, Snapshot, list[LentRow]]:
    event_id, centre = _event_id(request), request.app[CENTRE]
    event, snapshot = await _event(request, event_id)
    lines = await centre.read(lambda c: read_allotments(c, event_id))
    return event, snapshot, lent_rows(lines, event, snapshot, language_of(request), centre.now_ms())


async def _one(request: web.Request, allotment: str) -> tuple[Event, Snapshot, LentRow]:
    event, snapshot, rows = await _read(request)
    row = next((each for each in rows if each.id == allotment), None)
    if row is None:
        raise Problem(404, "not_found", "nothing like this is lent")
    return event, snapshot, row


def _context(request: web.Request, event: Event, snapshot: Snapshot) -> dict[str, object]:
    language = language_of(request)
    return {
        "venue": snapshot.venue.name.in_language(language),
        "event": event.name.in_language(language),
        "path": lent_page(event.id),
    }


async def _show_one(
    request: web.Request,
    allotment: str,
    fault: Slip | NoWriteOff | None = None,
    typed: dict[str, str] | None = None,
) -> web.Response:
    event, snapshot, row = await _one(request, allotment)
    context = _context(request, event, snapshot) | {
        "row": row,
        "fault": fault_sentence(fault, language_of(request)),
        "reason": (typed or {}).get("reason", "")[:TEXT_CHARS_MAX],
        "second": (typed or {}).get("second", "")[:LOGIN_CHARS_MAX],
        "reason_max": TEXT_CHARS_MAX,
        "login_max": LOGIN_CHARS_MAX,
    }
    status = HTTPStatus.OK
    if fault is not None:
        is_ours = isinstance(fault, NoWriteOff)
        status = HTTPStatus.CONFLICT if is_ours else HTTPStatus.BAD_REQUEST
    return render(request, "give_up.html", context, status=status)
