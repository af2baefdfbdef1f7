"""The forms of an event's parts: a price tier, a ticket type, a rate, a package, a quota."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from aiohttp import web

from program.i18n import translations
from sync_server.console.event_desk import (
    AskedEvent,
    asked_event,
    change_event,
    fault_context,
    read_number,
)
from sync_server.console.event_fields import (
    Faults,
    Field,
    Kind,
    Path,
    faults_by_field,
    put_typed,
    typed_in,
    typed_of,
)
from sync_server.console.event_parts import PARTS, Part, Place
from sync_server.console.event_paths import EVENT_PATH, part_page
from sync_server.console.performance_paths import event_page
from sync_server.console.rendering import language_of, render
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE
from sync_server.services.event_changes import has_sold
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.permissions import Permission
from ticketing.catalogue import event_document
from ticketing.faults import Problem as FileProblem

_FORM_BYTES_MAX = 65_536
_ID_CHARS_MAX = 32
_PATH = f"{EVENT_PATH}/parts/{{part}}"
_MAY = Permission.CATALOGUE_WRITE
_NEW_ID = "new_id"


@route("GET", _PATH, permission=_MAY, page=True)
async def part_form(request: web.Request) -> web.Response:
    """The form, filled in as it is; empty for a new one."""
    asked, part = await asked_event(request), _part_of(request)
    item_id = request.query.get("id", "")
    place = _place(request, asked, part, item_id)
    typed = typed_of(part.fields(place), place.item, asked.venue)
    return await _show(request, asked, part, item_id, typed)


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def save_part(request: web.Request) -> web.Response:
    """Store it, or take it away, as a new version of the event."""
    form = read_form(await request.read())
    asked, part = await asked_event(request), _part_of(request)
    item_id = form.get("id", "")
    place = _place(request, asked, part, item_id)
    if "remove" in form:
        return await _remove(request, asked, part, item_id, form)
    if "earlier" in form and part.is_numbered:
        refused = await change_event(
            request, asked.event.id, lambda members: _put_earlier(members, part, item_id), form
        )
        return await _answered(request, asked, part, item_id, refused)
    fields = _all_fields(part, place, item_id)
    typed, base = typed_in(fields, form), _base_of(asked, part, item_id)
    faults = put_typed(fields, typed, dict(place.item), asked.venue)
    refused = None
    if not faults:
        refused = await change_event(
            request,
            asked.event.id,
            lambda members: _put(members, part, fields, typed, item_id, asked),
            form,
        )
        if refused is None:
            return _done(asked)
        if refused.why is NotChanged.MEANWHILE:
            typed = typed_of(fields, place.item, asked.venue)
        problems = [each for each in refused.rules if isinstance(each, FileProblem)]
        faults = faults_by_field(fields, base, problems)
    return await _show(request, asked, part, item_id, typed, faults, refused)


async def _remove(
    request: web.Request, asked: AskedEvent, part: Part, item_id: str, form: Mapping[str, str]
) -> web.Response:
    event_id = asked.event.id
    sold = await request.app[CENTRE].read(lambda c: has_sold(c, event_id))
    if (sold and part.is_kept) or not part.is_removed:
        refused: Refused | None = Refused(NotChanged.SOLD)
    else:
        refused = await change_event(
            request, event_id, lambda members: _take_out(members, part, item_id), form
        )
    return await _answered(request, asked, part, item_id, refused)


async def _answered(
    request: web.Request, asked: AskedEvent, part: Part, item_id: str, refused: Refused | None
) -> web.Response:
    """To the event's page; or the form as the item is, with why nothing was done."""
    if refused is None:
        return _done(asked)
    place = _place(request, asked, part, item_id)
    typed = typed_of(part.fields(place), place.item, asked.venue)
    faults: Faults = {}
    for each in refused.rules:
        if isinstance(each, FileProblem):
            faults.setdefault("", each)
    return await _show(request, asked, part, item_id, typed, faults, refused)


def _part_of(request: web.Request) -> Part:
    part = PARTS.get(request.match_info["part"])
    if part is None:
        raise Problem(404, "not_found", "an event has no such part")
    return part


def _place(request: web.Request, asked: AskedEvent, part: Part, item_id: str) -> Place:
    """Raises Problem for an item that there is not."""
    item = _item(event_document(*asked.loaded)["event"], part, item_id)
    if item is None:
        raise Problem(404, "not_found", "the event has no such item")
    return Place(asked.event, asked.venue, language_of(request), item)


def _items(members: dict[str, Any], part: Part) -> list[dict[str, Any]]:
    """The list that a part is, made where the document has none yet."""
    inner: Any = members
    for key in part.path[:-1]:
        inner = inner.setdefault(key, {})
    found: list[dict[str, Any]] = inner.setdefault(part.path[-1], [])
    return found


def _item(members: dict[str, Any], part: Part, item_id: str) -> dict[str, Any] | None:
    """The item of an id; an empty one for a new one, where there may be one."""
    if part.is_one:
        found: dict[str, Any] = members.get(part.path[-1]) or deepcopy(dict(part.usual))
        return found
    if not item_id:
        return {} if part.add else None
    items = _items(members, part)
    at = _place_of(items, part, item_id)
    return items[at] if at < len(items) else None


def _place_of(items: list[dict[str, Any]], part: Part, item_id: str) -> int:
    """Where in its list an item stands; behind the end where there is none."""
    if part.is_numbered:
        number = read_number(item_id)
        return number - 1 if 1 <= number <= len(items) else len(items)
    return next((at for at, each in enumerate(items) if each["id"] == item_id), len(items))


def _all_fields(part: Part, place: Place, item_id: str) -> list[Field]:
    """With the id, which is given once and stays."""
    fields = part.fields(place)
    if item_id or part.is_one or part.is_numbered:
        return fields
    _ = translations(place.language).gettext
    said = _("a-z, 0-9 and -, at most 32 characters; it stays. Tickets never show it.")
    return [Field(_NEW_ID, ("id",), Kind.TEXT, _("Id"), said), *fields]


def _base_of(asked: AskedEvent, part: Part, item_id: str) -> Path:
    """Where the item stands in the document, as its faults name it."""
    base: Path = ("event", *part.path)
    if part.is_one:
        return base
    items = _items(event_document(*asked.loaded)["event"], part)
    return (*base, _place_of(items, part, item_id))


def _put(
    members: dict[str, Any],
    part: Part,
    fields: list[Field],
    typed: Mapping[str, str],
    item_id: str,
    asked: AskedEvent,
) -> None:
    item = _item(members, part, item_id)
    if item is None:
        return
    put_typed(fields, typed, item, asked.venue)
    if part.rows:
        item[part.rows] = [row for row in item.get(part.rows, ()) if row]
    if part.is_one:
        members[part.path[-1]] = item
    elif not item_id:
        if part.key == "types":
            item["number"] = _next_number(members)
        _items(members, part).append(item)


def _next_number(members: dict[str, Any]) -> int:
    """A number that no ticket type of the event has: it stands in ticket codes."""
    return max((each["number"] for each in members["ticket_types"]), default=0) + 1


def _take_out(members: dict[str, Any], part: Part, item_id: str) -> None:
    items = _items(members, part)
    at = _place_of(items, part, item_id)
    del items[at : at + 1]


def _put_earlier(members: dict[str, Any], part: Part, item_id: str) -> None:
    items = _items(members, part)
    at = _place_of(items, part, item_id)
    if 0 < at < len(items):
        items[at - 1], items[at] = items[at], items[at - 1]


def _done(asked: AskedEvent) -> web.Response:
    return web.Response(status=303, headers={"Location": event_page(asked.event.id)})


async def _show(
    request: web.Request,
    asked: AskedEvent,
    part: Part,
    item_id: str,
    typed: Mapping[str, str],
    faults: Faults | None = None,
    refused: Refused | None = None,
) -> web.Response:
    language, event_id = language_of(request), asked.event.id
    place = _place(request, asked, part, item_id)
    context, status = fault_context(faults or {}, refused, language)
    gettext = translations(language).gettext
    is_new = not item_id and not part.is_one
    is_kept = part.is_kept and await request.app[CENTRE].read(lambda c: has_sold(c, event_id))
    name = place.item.get("name", {}).get(language.partition("_")[0]) or item_id
    context |= {
        "path": part_page(event_id, part.key),
        "query": f"id={item_id}" if item_id else "",
        "venue": asked.venue.name.in_language(language),
        "event_name": asked.event.name.in_language(language),
        "event_path": event_page(event_id),
        "title": gettext(part.add) if is_new else gettext(part.title),
        "name": "" if is_new else name,
        "groups": _groups(_all_fields(part, place, item_id)),
        "typed": typed,
        "item_id": item_id,
        "id_max": _ID_CHARS_MAX,
        "seen": asked.rev,
        "may_remove": part.is_removed and not is_new and not is_kept,
        "is_kept": part.is_removed and not is_new and is_kept,
        "may_put_earlier": part.is_numbered and read_number(item_id) > 1,
        "is_new": is_new,
    }
    return render(request, "event_part.html", context, status=HTTPStatus(status))


def _groups(fields: list[Field]) -> list[tuple[str, list[Field]]]:
    """Fields of one heading, one behind the other."""
    groups: list[tuple[str, list[Field]]] = []
    for field in fields:
        if field.group and groups and groups[-1][0] == field.group:
            groups[-1][1].append(field)
        else:
            groups.append((field.group, [field]))
    return groups
