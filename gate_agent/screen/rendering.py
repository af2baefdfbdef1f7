"""Pages from templates, in the gate's languages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources

import jinja2
from aiohttp import hdrs, web
from markupsafe import Markup

from edge.admission_words import N_
from program.i18n import LANGUAGES, translations
from program.web_look import icon_svg, theme_css

LANGUAGE_COOKIE = "boxgate_gate_language"
_COOKIE_S = 365 * 24 * 3_600
_SHORT = {"en": "en", "zh": "zh_CN"}
_HTML = {"en": "en", "zh_CN": "zh-Hans"}
_NAMES = {"en": "English", "zh_CN": "中文"}
_PROBLEMS = {
    HTTPStatus.NOT_FOUND: N_("There is no such page."),
    HTTPStatus.FORBIDDEN: N_("This form is out of date. Please load the page again."),
    HTTPStatus.TOO_MANY_REQUESTS: N_("Too many tries. Please wait a little."),
    HTTPStatus.SERVICE_UNAVAILABLE: N_("This gate's records cannot be read just now."),
}
_REFUSED = N_("This request could not be taken.")
_STATIC = {
    "favicon.svg": "image/svg+xml",
    "hand.css": "text/css",
    "hand.js": "text/javascript",
    "lane.css": "text/css",
    "lane.js": "text/javascript",
    "sounds.js": "text/javascript",
    "theme.css": "text/css",
}
USUAL_LANGUAGE = web.AppKey("usual_language", str)


def language_of(request: web.Request) -> str:
    """By `?lang`, else by the cookie that the last one left, else the gate's own."""
    for asked in (request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in _SHORT:
            return _SHORT[asked]
    return request.app[USUAL_LANGUAGE]


def render(
    request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """A page. A language asked for by `?lang` is kept for the next ones."""
    language = language_of(request)
    other = next(each for each in LANGUAGES if each != language)
    text = (
        _environment(language)
        .get_template(template)
        .render(
            html_language=_HTML[language],
            first=language.partition("_")[0],
            other=other.partition("_")[0],
            other_name=_NAMES[other],
            path=request.path,
            **context,
        )
    )
    response = web.Response(text=text, content_type="text/html", status=status)
    asked = request.query.get("lang")
    if asked in _SHORT:
        response.set_cookie(
            LANGUAGE_COOKIE, asked, max_age=_COOKIE_S, samesite="Lax", httponly=True
        )
    return response


def page_for_problem(request: web.Request, status: HTTPStatus) -> web.Response:
    """Why there is no page."""
    sentence = translations(language_of(request)).gettext(_PROBLEMS.get(status, _REFUSED))
    context = {"sentence": sentence, "status": status.value}
    return render(request, "problem.html", context, status=status.value)


async def static_file(request: web.Request) -> web.Response:
    """Style, script and icon; they hold nothing of the house."""
    name = request.match_info["name"]
    if name not in _STATIC:
        raise web.HTTPNotFound
    data, tag = _file(name)
    headers = {hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: f'"{tag}"'}
    if request.headers.get(hdrs.IF_NONE_MATCH) == f'"{tag}"':
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type=_STATIC[name], charset="utf-8", headers=headers)


@cache
def pages_version() -> str:
    """Changes with the script and style: a page left open loads itself again."""
    return hashlib.sha256("".join(_file(name)[1] for name in _STATIC).encode()).hexdigest()[:16]


@cache
def _file(name: str) -> tuple[bytes, str]:
    """A file's bytes, and a tag that changes when they do."""
    if name == "theme.css":
        data = theme_css()
    else:
        data = (resources.files("gate_agent.screen") / "static" / name).read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:16]


@cache
def _environment(language: str) -> jinja2.Environment:
    """One environment per language: gettext belongs to an environment, not to a request."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gate_agent.screen"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by i18n
        found.gettext, found.ngettext, newstyle=False
    )
    environment.globals["icon"] = _icon
    environment.globals["in_language"] = _in_language
    return environment


def _icon(name: str) -> Markup:
    return Markup(icon_svg(name))  # noqa: S704 - our own file


def _in_language(short: str, text: str) -> str:
    """A text that stands in the page's own language too, in the other one."""
    return translations(_SHORT[short]).gettext(text)
