"""The worklist of cases, and the page of each: who has it, what was said, how it was settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from program.i18n import format_count, format_date, format_datetime, translations
from sync_server.console.case_view import (
    Known,
    make_case,
    suggested_for,
    tickets_of,
)
from sync_server.console.case_words import DISPOSITIONS, NOT_RESOLVED, REFUSALS
from sync_server.console.figures import FIGURES
from sync_server.console.overview import CASES_PATH, Snapshot, case_path
from sync_server.console.rendering import language_of, render
from sync_server.console.unpaid import unpaid_rows
from sync_server.console.wording import CASE_SENTENCES, case_sentence
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.reclaim import NoResolution, Resolved, ResolveOversold
from sync_server.heart.settling import (
    WHY_CHARS_MAX,
    Disposition,
    NoSettlement,
    SettleCase,
    Settled,
    digest_of_facts,
)
from sync_server.heart.source import run_in
from sync_server.services.audit import Deed, audited
from sync_server.services.case_files import (
    COMMENT_CHARS_MAX,
    CaseFile,
    NoteKind,
    Wanted,
    add_note,
    read_case,
    read_cases,
    read_names,
    read_notes,
    read_people,
    read_tickets,
)
from sync_server.services.catalogue import PlanShelf, load_plan
from sync_server.services.permissions import Permission, PersonRole, person_may
from sync_server.services.stock import read_open_revocations
from sync_server.store.writer import Transaction

_FORM_BYTES_MAX = 16_384
_OWNERS = tuple(role.value for role in PersonRole if person_may(role, Permission.CASES_SETTLE))
_ONE = f"{CASES_PATH}/one"
_UNIT_DIGITS = 11  # units are 32 bits wide


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case of the list, ready to show."""

    path: str
    what: str
    where: str
    opened: str
    owner: str
    deadline: str
    is_overdue: bool
    is_open: bool


@route("GET", CASES_PATH, permission=Permission.BOOKS_READ, page=True)
async def cases(request: web.Request) -> web.Response:
    """The worklist: open or settled, of a kind, of a person."""
    language, query = language_of(request), request.query
    state = "closed" if query.get("state") == "closed" else "open"
    kind = query.get("kind", "") if query.get("kind") in CASE_SENTENCES else ""
    owner = request[PERSON].id if query.get("mine") else ""
    wanted = Wanted(state, kind, owner, query.get("after", "")[:120])
    snapshot = await request.app[FIGURES].books()
    page, names = await request.app[CENTRE].read(lambda c: (read_cases(c, wanted), read_names(c)))
    rows = [_row(each, snapshot, names, language) for each in page.cases]
    unpaid = []
    if state == "open" and not (kind or owner or wanted.after):
        lines = await request.app[CENTRE].read(read_open_revocations)
        unpaid = unpaid_rows(lines, snapshot, language, request.app[CENTRE].now_ms())
    if state == "open":
        rows.sort(key=lambda row: not row.is_overdue)
    asked = {"state": state, "kind": kind, "mine": "1" if owner else ""}
    follows = ""
    if page.next:
        follows = f"{CASES_PATH}?{urlencode({**asked, 'after': page.next})}"
    gettext = translations(language).gettext
    return render(
        request,
        "cases.html",
        {
            "venue": snapshot.venue.name.in_language(language),
            "rows": rows,
            "unpaid": unpaid,
            "state": state,
            "kind": kind,
            "mine": bool(owner),
            "kinds": [(each.value, gettext(said)) for each, said in CASE_SENTENCES.items()],
            "next": follows,
            "open_count": format_count(page.open_count, language),
        },
    )


@route("GET", _ONE, permission=Permission.BOOKS_READ, page=True)
async def case_page(request: web.Request) -> web.Response:
    """One case."""
    query = request.query
    return await _show(request, query.get("of", ""), query.get("case", ""))


@route(
    "POST",
    f"{_ONE}/settle",
    permission=Permission.CASES_SETTLE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def settle(request: web.Request) -> web.Response:
    """Settle it by the person's word, on the facts that they were shown."""
    form = read_form(await request.read())
    event_id, case_id = form.get("of", ""), form.get("case", "")
    try:
        disposition = Disposition(form.get("disposition", ""))
    except ValueError:
        raise Problem(400, "bad_form", "this is no way to settle a case") from None
    why = form.get("why", "")
    step = SettleCase(event_id, case_id, request[PERSON].id, disposition, why, form.get("seen", ""))

    def settle_it(tx: Transaction) -> Settled | NoSettlement:
        return run_in(tx, step, PlanShelf())

    answer = await request.app[CENTRE].write(
        audited(
            settle_it,
            Deed.CASE_SETTLED,
            f"case:{event_id}:{case_id}",
            actor_of(request),
            done=lambda found: not isinstance(found, NoSettlement),
            after=lambda _: {"disposition": disposition},
            reason=why,
        )
    )
    if isinstance(answer, NoSettlement):
        return await _show(request, event_id, case_id, refused=answer, why=why)
    return web.Response(status=303, headers={"Location": case_path(event_id, case_id)})


@route(
    "POST",
    f"{_ONE}/decide",
    permission=Permission.CASES_SETTLE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def decide(request: web.Request) -> web.Response:
    """A disputed ticket: another place, or (`unit` empty) the money back."""
    form = read_form(await request.read())
    event_id, case_id, unit = form.get("of", ""), form.get("case", ""), form.get("unit", "")
    if unit and not (unit.isascii() and unit.isdecimal() and len(unit) < _UNIT_DIGITS):
        raise Problem(400, "bad_form", "this is no place")
    number = int(unit) if unit else None
    step = ResolveOversold(event_id, case_id, form.get("ticket", ""), number, request[PERSON].id)

    def decide_it(tx: Transaction) -> Resolved | NoResolution:
        return run_in(tx, step, PlanShelf())

    answer = await request.app[CENTRE].write(decide_it)
    if isinstance(answer, NoResolution):
        said = translations(language_of(request)).gettext(NOT_RESOLVED[answer])
        return await _show(request, event_id, case_id, undecided=said)
    return web.Response(status=303, headers={"Location": case_path(event_id, case_id)})


@route(
    "POST",
    f"{_ONE}/note",
    permission=Permission.CASES_SETTLE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def note(request: web.Request) -> web.Response:
    """A comment, or who has it, or until when."""
    form = read_form(await request.read())
    event_id, case_id = form.get("of", ""), form.get("case", "")
    try:
        kind = NoteKind(form.get("kind", ""))
    except ValueError:
        raise Problem(400, "bad_form", "this cannot be noted") from None
    person = (request[PERSON].id, request[PERSON].name)
    value = form.get("value", "")
    noted = await request.app[CENTRE].write(
        lambda tx: add_note(tx, (event_id, case_id), person, kind, value)
    )
    if not noted:
        raise Problem(400, "bad_form", "this could not be noted")
    return web.Response(status=303, headers={"Location": case_path(event_id, case_id)})


async def _show(
    request: web.Request,
    event_id: str,
    case_id: str,
    *,
    refused: NoSettlement | None = None,
    why: str = "",
    undecided: str = "",
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    snapshot = await request.app[FIGURES].books()
    case = await centre.read(lambda c: read_case(c, event_id, case_id))
    if case is None:
        raise Problem(404, "not_found", "there is no such case")
    ticket_ids, order_id = tickets_of(case)
    loaded, notes, tickets, names, people = await centre.read(
        lambda c: (
            load_plan(c, event_id),
            read_notes(c, event_id, case_id),
            read_tickets(c, event_id, ticket_ids, order_id),
            read_names(c),
            read_people(c, _OWNERS),
        )
    )
    gettext = translations(language).gettext
    venue = snapshot.venue
    plan = loaded[1] if loaded is not None else None
    known = Known(names, _where(case, snapshot, language), venue.zone, venue.currency, plan)
    suggested = suggested_for(case)
    return render(
        request,
        "case.html",
        {
            "venue": venue.name.in_language(language),
            "page": make_case(case, notes, tickets, known, language),
            "of": event_id,
            "case": case_id,
            "seen": digest_of_facts(case.body),
            "owner": case.owner_id,
            "people": people,
            "deadline": case.deadline,
            "may_settle": person_may(request[PERSON].role, Permission.CASES_SETTLE),
            "dispositions": [
                (each.value, gettext(said), each is suggested)
                for each, said in DISPOSITIONS.items()
            ],
            "refused": gettext(REFUSALS[refused]) if refused else "",
            "undecided": undecided,
            "why": why[:WHY_CHARS_MAX],
            "why_max": WHY_CHARS_MAX,
            "comment_max": COMMENT_CHARS_MAX,
        },
        status=HTTPStatus.CONFLICT if refused or undecided else HTTPStatus.OK,
    )


def _row(case: CaseFile, snapshot: Snapshot, names: dict[str, str], language: str) -> CaseRow:
    venue = snapshot.venue
    at = datetime.fromtimestamp(case.opened_ms / 1000, UTC)
    deadline, is_overdue = "", False
    if case.deadline:
        day = date.fromisoformat(case.deadline)
        deadline = format_date(day, language, year=False)
        is_overdue = case.state == "open" and day < venue.business_day(snapshot.at)
    return CaseRow(
        path=case_path(case.event_id, case.id),
        what=case_sentence(case.kind, language),
        where=_where(case, snapshot, language),
        opened=format_datetime(at, language, zone=venue.zone, year=False),
        owner=names.get(case.owner_id, ""),
        deadline=deadline,
        is_overdue=is_overdue,
        is_open=case.state == "open",
    )


def _where(case: CaseFile, snapshot: Snapshot, language: str) -> str:
    event = snapshot.events.get(case.event_id)
    if event is not None:
        return event.name.in_language(language)
    venue = snapshot.venue
    return venue.name.in_language(language) if case.event_id == venue.id else case.event_id
