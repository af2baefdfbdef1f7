"""How much windows of an event are lent, and for how long: the rules, and the form that sets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from program.i18n import format_count, translations
from sync_server.console.figures import FIGURES
from sync_server.console.performance_paths import EVENTS_PATH, lending_page
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.lending_rules import (
    EVERY_WINDOW,
    LendingRule,
    LendMode,
    NoRule,
    SetLendingRule,
)
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import NodeRole, Permission, person_may
from sync_server.services.stock import read_lending_rules, set_lending_rule
from ticketing.ids import is_stream_id
from ticketing.seating import SeatingPlan

_FORM_BYTES_MAX = 16_384
_DIGITS_MAX = 5
_PATH = f"{EVENTS_PATH}/{{event}}/lending"


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


MODES = {
    LendMode.AHEAD: N_("Some to sell from, also without the network"),
    LendMode.ASKED: N_("Only what a basket asks for: it sells online only"),
    LendMode.NONE: N_("Nothing"),
}
_WRONG = N_(
    "Not so: at most 2,000 places, not more to have than at most; terms both or none, of 10 to "
    "10,080 minutes, the first not longer than the second. Nothing was changed."
)
_FIELDS = ("ahead", "most", "soft_min", "hard_min")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What is said of a window, ready to show."""

    node_id: str
    name: str
    mode: str
    ahead: str
    most: str
    terms: str
    first: str


@route("GET", _PATH, permission=Permission.PERFORMANCES_READ, page=True)
async def lending(request: web.Request) -> web.Response:
    """The rules as they are; `window` fills the form with that window's."""
    return await _show(request)


@route("POST", _PATH, permission=Permission.STOCK_POLICY, body_max=_FORM_BYTES_MAX, page=True)
async def set_rule(request: web.Request) -> web.Response:
    """Set a window's rule, or take it away."""
    form, event_id = read_form(await request.read()), _event_id(request)
    node_id = form.get("window", "")
    snapshot = await request.app[FIGURES].books()
    known = {node.id for node in snapshot.books.nodes if node.role == NodeRole.TILL}
    if event_id not in snapshot.events or node_id not in {EVERY_WINDOW, *known}:
        raise Problem(404, "not_found", "there is no such event or window")
    rule = None if form.get("do") == "remove" else _read_rule(form)
    if rule is None and form.get("do") != "remove":
        return await _show(request, form)
    step, actor = SetLendingRule(event_id, node_id, rule), actor_of(request)
    done = await request.app[CENTRE].write(lambda tx: set_lending_rule(tx, step, actor))
    if isinstance(done, NoRule):
        return await _show(request, form)
    return web.Response(status=303, headers={"Location": lending_page(event_id)})


def _read_rule(form: Mapping[str, str]) -> LendingRule | None:
    """The rule that a form says; None where it is none."""
    written = {name: form.get(name, "").strip() or "0" for name in _FIELDS}
    if not all(each.isascii() and each.isdecimal() for each in written.values()):
        return None
    if any(len(each) > _DIGITS_MAX for each in written.values()):
        return None
    first = tuple(name.partition(":")[2] for name in form if name.startswith("first:"))
    try:
        counts = {name: int(each) for name, each in written.items()}
        return LendingRule(LendMode(form.get("mode", "")), first=first, **counts)
    except ValueError:
        return None


def _event_id(request: web.Request) -> str:
    event_id = request.match_info["event"]
    if not is_stream_id(event_id):
        raise Problem(404, "not_found", "there is no such event")
    return event_id


async def _show(request: web.Request, wrong: Mapping[str, str] | None = None) -> web.Response:
    language, event_id = language_of(request), _event_id(request)
    gettext = translations(language).gettext
    snapshot = await request.app[FIGURES].books()
    loaded, rules = await request.app[CENTRE].read(
        lambda c: (load_plan(c, event_id), read_lending_rules(c, event_id))
    )
    if loaded is None:
        raise Problem(404, "not_found", "there is no such event")
    _revision, plan, event = loaded
    names = {EVERY_WINDOW: gettext("All windows without a rule of their own")} | {
        node.id: node.name for node in snapshot.books.nodes if node.role == NodeRole.TILL
    }
    window = (wrong or request.query).get("window", EVERY_WINDOW)
    shown = rules.get(window, LendingRule())
    typed: dict[str, object] = {name: getattr(shown, name) or "" for name in _FIELDS} | {
        "mode": shown.mode.value,
        "first": shown.first,
    }
    if wrong is not None:
        typed = {name: wrong.get(name, "")[:_DIGITS_MAX] for name in _FIELDS}
        typed |= {"mode": wrong.get("mode", ""), "first": [k[6:] for k in wrong]}
    context = {
        "venue": snapshot.venue.name.in_language(language),
        "name": event.name.in_language(language),
        "path": lending_page(event_id),
        "rules": [
            _rule_row(node_id, rule, plan, names, language) for node_id, rule in rules.items()
        ],
        "fault": gettext(_WRONG) if wrong is not None else "",
        "may_set": person_may(request[PERSON].role, Permission.STOCK_POLICY),
        "windows": sorted(names.items(), key=lambda each: (each[0] != EVERY_WINDOW, each[1])),
        "window": window,
        "modes": [(mode.value, gettext(words)) for mode, words in MODES.items()],
        "areas": [(area.id, area.name.in_language(language)) for area in plan.areas],
        "typed": typed,
    }
    status = HTTPStatus.BAD_REQUEST if wrong is not None else HTTPStatus.OK
    return render(request, "lending.html", context, status=status)


def _rule_row(
    node_id: str, rule: LendingRule, plan: SeatingPlan, names: Mapping[str, str], language: str
) -> RuleRow:
    _ = translations(language).gettext
    areas = [area.name.in_language(language) for area in plan.areas if area.id in rule.first]
    terms = _("as the house")
    if rule.hard_min:
        terms = _("{soft} min, then with approval up to {hard} min").format(
            soft=format_count(rule.soft_min, language), hard=format_count(rule.hard_min, language)
        )
    return RuleRow(
        node_id,
        names.get(node_id, node_id),
        _(MODES[rule.mode]),
        format_count(rule.ahead, language) if rule.ahead else _("by its pace"),
        format_count(rule.most, language) if rule.most else _("no limit"),
        terms,
        ", ".join(areas) or "–",
    )
