"""Pages from templates, in the visitor's language; with the suite's own colours and icons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web
from babel import negotiate_locale
from markupsafe import Markup

from program.i18n import LANGUAGES, translations
from program.web_look import icon_svg
from sync_server.console.loaded import loaded
from sync_server.console.navigation import home_of, links_for
from sync_server.console.wording import person_role_name
from sync_server.handlers.state import HEARD_COUNT, PERSON, SETTINGS

LANGUAGE_COOKIE = "boxgate_language"
LANGUAGE_NAMES = {"en": "English", "zh_CN": "中文"}
_LANGUAGE_COOKIE_S = 365 * 24 * 3_600
_QUERY_KEPT_MAX = 12
_SHORT = {"en": "en", "zh": "zh_CN"}
_ENVIRONMENTS = {
    language: web.AppKey(f"templates_{language}", jinja2.Environment) for language in LANGUAGES
}


def set_up_templates(app: web.Application) -> None:
    """One environment per language: gettext belongs to an environment, not to a request."""
    for language, key in _ENVIRONMENTS.items():
        environment = aiohttp_jinja2.setup(
            app,
            app_key=key,
            loader=jinja2.PackageLoader("sync_server.console"),
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
        environment.globals["icon"] = icon
        environment.globals["loaded"] = loaded


def language_of(request: web.Request) -> str:
    """By `?lang`, else by the cookie that the last one left, else by the browser's wish."""
    for asked in (request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in _SHORT:
            return _SHORT[asked]
    wanted = [
        part.partition(";")[0].strip().replace("-", "_")
        for part in request.headers.get("Accept-Language", "").split(",")[:10]
    ]
    known = negotiate_locale([each.partition("_")[0] for each in wanted if each], list(_SHORT))
    return _SHORT.get(known or "", LANGUAGES[0])


def render(
    request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """A page. A language asked for by `?lang` is kept for the next ones."""
    language, person = language_of(request), request.get(PERSON)
    other = next(each for each in LANGUAGES if each != language)
    response = aiohttp_jinja2.render_template(
        template,
        request,
        {
            "html_language": "zh-Hans" if language == "zh_CN" else "en",
            "other_language": other.partition("_")[0],
            "other_language_name": LANGUAGE_NAMES[other],
            "path": request.path,
            "person": person,
            "role": person_role_name(person.role, language) if person else "",
            "sections": links_for(person.role, request.path, language) if person else (),
            "home": home_of(person.role) if person else "/console/",
            "query": _query(request),
            "heard_count": request.get(HEARD_COUNT, 0),
            **context,
        },
        app_key=_ENVIRONMENTS[language],
        status=status,
    )
    if request.query.get("lang") in _SHORT:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language.partition("_")[0],
            max_age=_LANGUAGE_COOKIE_S,
            samesite="Lax",
            httponly=True,
            secure=request.app[SETTINGS].is_secure,
        )
    return response


def _query(request: web.Request) -> str:
    """The page's own question without the language, to be asked again in another one."""
    kept = [(name, value) for name, value in request.query.items() if name != "lang"]
    return urlencode(kept[:_QUERY_KEPT_MAX])


@cache
def icon(name: str) -> Markup:
    """An icon of the suite as SVG that takes the colour of the text around it."""
    return Markup(icon_svg(name))  # noqa: S704 - our own file
