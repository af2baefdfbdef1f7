"""Reconciliation: what there is to reconcile, one scope's accounts, their rows, signing them off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from program.i18n import format_count, format_date, format_datetime, format_money, translations
from sync_server.console.account_words import BY_MANY, refusal_sentence
from sync_server.console.entry_curve import make_curve
from sync_server.console.figures import FIGURES
from sync_server.console.paper import statement_pdf
from sync_server.console.rendering import language_of, render
from sync_server.console.rows_page import show_rows
from sync_server.console.statement import ACCOUNTS_PATH, make_statement, name_in, scope_path
from sync_server.console.tables import to_csv, to_xlsx
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.audit import Deed, audited
from sync_server.services.permissions import Permission, person_may
from sync_server.services.reckoning import By, Reckoning, digest_of, to_text
from sync_server.services.reconciling import House
from sync_server.services.sign_off import (
    NOTE_CHARS_MAX,
    NoSignOff,
    SignOff,
    find_sign_off,
    newest_sign_offs,
    sign,
    sign_offs_of,
)

SCOPES_SHOWN_MAX = 60
_FORM_BYTES_MAX = 16_384
_KINDS = {
    "report.pdf": "application/pdf",
    "report.csv": "text/csv",
    "report.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One thing to reconcile, ready to show."""

    path: str
    name: str
    when: str
    difference: str
    is_open: bool
    signed: str
    is_outdated: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """One sign-off, ready to show."""

    id: str
    who: str
    when: str
    note: str
    digest: str
    is_now: bool
    paths: tuple[tuple[str, str], ...]


@route("GET", ACCOUNTS_PATH, permission=Permission.BOOKS_READ, page=True)
async def accounts(request: web.Request) -> web.Response:
    """A list of what there is to reconcile, or with `of` one of them."""
    by = _by(request.query.get("by", By.DAY.value))
    house = await request.app[FIGURES].house()
    of = request.query.get("of")
    if of is None:
        return await _list(request, house, by)
    return await _one(request, house, _reckoned(house, by, of))


@route("GET", f"{ACCOUNTS_PATH}/rows", permission=Permission.BOOKS_READ, page=True)
async def rows(request: web.Request) -> web.Response:
    """What is behind a figure."""
    house = await request.app[FIGURES].house()
    reckoning = _reckoned(house, _by(request.query.get("by", "")), request.query.get("of", ""))
    return await show_rows(request, house, reckoning)


@route("GET", f"{ACCOUNTS_PATH}/{{name}}", permission=Permission.BOOKS_READ, page=True)
async def report(request: web.Request) -> web.Response:
    """The statement as paper or table: of the present figures, or of those that were signed."""
    name = request.match_info["name"]
    if name not in _KINDS:
        raise Problem(404, "not_found", "there is no such page")
    house, signed = await request.app[FIGURES].house(), None
    if "signed" in request.query:
        signed_id = request.query["signed"]
        signed = await request.app[CENTRE].read(lambda c: find_sign_off(c, signed_id))
        if signed is None:
            raise Problem(404, "not_found", "nobody signed this")
        reckoning = signed.reckoning
    else:
        by = _by(request.query.get("by", ""))
        reckoning = _reckoned(house, by, request.query.get("of", ""))
    body = await asyncio.to_thread(_made, name, house, reckoning, signed, language_of(request))
    response = web.Response(body=body, content_type=_KINDS[name])
    file = f"boxgate-{reckoning.by.value}-{_file_name(reckoning.of)}.{name.rpartition('.')[2]}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


@route(
    "POST",
    f"{ACCOUNTS_PATH}/sign",
    permission=Permission.BOOKS_SIGN,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def sign_it(request: web.Request) -> web.Response:
    """Put one's name under the figures that were shown, and under no others."""
    form = read_form(await request.read())
    house = await request.app[FIGURES].house()
    reckoning = _reckoned(house, _by(form.get("by", "")), form.get("of", ""))
    person = request[PERSON]
    signed = await request.app[CENTRE].write(
        audited(
            lambda tx: sign(
                tx,
                reckoning,
                form.get("digest", ""),
                (person.id, person.name),
                form.get("note", ""),
            ),
            Deed.BOOKS_SIGNED,
            f"books:{reckoning.by}:{reckoning.of}",
            actor_of(request),
            done=lambda answer: not isinstance(answer, NoSignOff),
            after=lambda _: {"digest": form.get("digest", "")[:64]},
        )
    )
    if isinstance(signed, NoSignOff):
        return await _one(request, house, reckoning, refused=signed, note=form.get("note", ""))
    return web.Response(
        status=303, headers={"Location": scope_path(reckoning.by, reckoning.of) + "#signed"}
    )


def _by(text: str) -> By:
    try:
        return By(text)
    except ValueError:
        raise Problem(404, "not_found", "there is no such reconciliation") from None


def _reckoned(house: House, by: By, of: str) -> Reckoning:
    found = house.reckon(by, of)
    if found is None:
        raise Problem(404, "not_found", "there is nothing of this name to reconcile")
    return found


def _file_name(of: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in of)[:60]


def _made(
    name: str, house: House, reckoning: Reckoning, signed: SignOff | None, language: str
) -> bytes:
    venue = house.facts.venue
    statement = make_statement(reckoning, language, venue.zone)
    if name == "report.csv":
        return to_csv(statement, language)
    if name == "report.xlsx":
        return to_xlsx(statement, language)
    return statement_pdf(statement, venue.name.in_language(language), signed, language, venue.zone)


# --- the list ---------------------------------------------------------------------------


async def _list(request: web.Request, house: House, by: By) -> web.Response:
    language = language_of(request)
    asked = request.query.get("find", "").strip()[:60]
    scopes = [(of, name, ms) for of, name, ms in _scopes(house, by, language) if _fits(asked, name)]
    shown = scopes[:SCOPES_SHOWN_MAX]
    signed = await request.app[CENTRE].read(
        lambda c: newest_sign_offs(c, by, [of for of, _name, _ms in shown])
    )
    # On a thread: in a house with years of shifts this is tenths of a second.
    found = await asyncio.to_thread(
        lambda: [_scope_row(house, by, scope, signed, language) for scope in shown]
    )
    found.sort(key=lambda row: not row.is_open)
    gettext = translations(language).gettext
    return render(
        request,
        "accounts.html",
        {
            "venue": house.facts.venue.name.in_language(language),
            "by": by.value,
            "tabs": [
                (f"{ACCOUNTS_PATH}?by={each.value}", gettext(BY_MANY[each]), each is by)
                for each in By
            ],
            "title": gettext(BY_MANY[by]),
            "rows": found,
            "find": asked,
            "left_out": len(scopes) - len(shown),
        },
    )


def _fits(asked: str, name: str) -> bool:
    return asked.casefold() in name.casefold()


def _scopes(house: House, by: By, language: str) -> list[tuple[str, str, int]]:
    """Of what there is one: its id, its name and when it was."""
    match by:
        case By.DAY:
            return [(day.isoformat(), format_date(day, language), 0) for day in house.days()]
        case By.PERFORMANCE:
            return [
                (f"{event_id}/{number}", _event(house, event_id, language), unit.starts_ms)
                for event_id, number in house.performances()
                for unit in [house.units[event_id, number]]
            ]
        case By.SHIFT:
            shifts = islice(house.shifts_by_age(), 5_000)
            return [
                (each.id, name_in(house.shift_name(each), language), each.opened_ms)
                for each in shifts
            ]
        case By.TILL | By.GATE:
            return [(each.id, each.name, 0) for each in house.of_role(by.value)]


def _event(house: House, event_id: str, language: str) -> str:
    return name_in(house.event_name(event_id), language)


def _scope_row(
    house: House,
    by: By,
    scope: tuple[str, str, int],
    signed: dict[str, tuple[str, int, str]],
    language: str,
) -> ScopeRow:
    of, name, at_ms = scope
    reckoning = _reckoned(house, by, of)
    zone = house.facts.venue.zone
    known = signed.get(of)
    said = ""
    if known is not None:
        when = format_datetime(_at(known[1]), language, zone=zone, year=False)
        said = f"{known[0]} · {when}"
    return ScopeRow(
        path=scope_path(by, of),
        name=name,
        when=format_datetime(_at(at_ms), language, zone=zone, year=True) if at_ms else "",
        difference=_differences(reckoning, language),
        is_open=bool(reckoning.open_checks),
        signed=said,
        is_outdated=known is not None and known[2] != digest_of(to_text(reckoning)),
    )


def _differences(reckoning: Reckoning, language: str) -> str:
    """`-¥5.00 · 2`: money by currency, then what is counted."""
    parts = [
        format_money(figure, currency, language) if currency else format_count(figure, language)
        for currency, figure in sorted(reckoning.differences().items(), reverse=True)
    ]
    return " · ".join(parts)


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


# --- one of them ------------------------------------------------------------------------


async def _one(
    request: web.Request,
    house: House,
    reckoning: Reckoning,
    *,
    refused: NoSignOff | None = None,
    note: str = "",
) -> web.Response:
    language, venue = language_of(request), house.facts.venue
    digest = digest_of(to_text(reckoning))
    signed = await request.app[CENTRE].read(lambda c: sign_offs_of(c, reckoning.by, reckoning.of))
    gettext = translations(language).gettext
    paths = _report_paths({"by": reckoning.by.value, "of": reckoning.of})
    context = {
        "venue": venue.name.in_language(language),
        "back": (f"{ACCOUNTS_PATH}?by={reckoning.by.value}", gettext(BY_MANY[reckoning.by])),
        "page": make_statement(reckoning, language, venue.zone),
        "curve": make_curve(house.crowds_of(reckoning.by, reckoning.of), language, venue.zone),
        "by": reckoning.by.value,
        "of": reckoning.of,
        "digest": digest,
        "note": note[:NOTE_CHARS_MAX],
        "note_max": NOTE_CHARS_MAX,
        "refused": refusal_sentence(refused, language) if refused else "",
        "may_sign": person_may(request[PERSON].role, Permission.BOOKS_SIGN),
        "signatures": [_signature(each, digest, language, venue.zone) for each in signed],
        "reports": paths,
    }
    status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
    return render(request, "account.html", context, status=status)


def _report_paths(asked: dict[str, str]) -> tuple[tuple[str, str], ...]:
    tail = urlencode(asked)
    return tuple(
        (name.rpartition(".")[2].upper(), f"{ACCOUNTS_PATH}/{name}?{tail}") for name in _KINDS
    )


def _signature(signed: SignOff, digest: str, language: str, zone: ZoneInfo) -> Signature:
    return Signature(
        id=signed.id,
        who=signed.person_name,
        when=format_datetime(_at(signed.signed_ms), language, zone=zone, year=True),
        note=signed.note,
        digest=signed.digest,
        is_now=signed.digest == digest and signed.is_sound,
        paths=_report_paths({"signed": signed.id}),
    )
