"""Who may see the gate's pages, and the headers that every answer carries.

On this machine alone nobody is asked. On the network a key is: given once, in the address or in
the form, and then kept by the browser as a cookie that no script can read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy, istr

from gate_agent.screen.settings import is_loopback

COOKIE = "boxgate_gate"
KEY_FIELD = "key"
KEY_PATH = "/key"
_COOKIE_S = 365 * 24 * 3_600
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = CIMultiDictProxy(
    CIMultiDict(
        {
            hdrs.SERVER: "boxgate",
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.CONTENT_SECURITY_POLICY: _POLICY,
            istr("X-Content-Type-Options"): "nosniff",
            # Nobody else hears an address, which may have the key in it; forms to us say where from.
            istr("Referrer-Policy"): "same-origin",
            istr("Cross-Origin-Opener-Policy"): "same-origin",
            istr("Cross-Origin-Resource-Policy"): "same-origin",
        }
    )
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorkeeper:
    """Knows the key, and which hosts a page of this machine may be asked for as."""

    def __init__(self, key: str, *, is_local: bool) -> None:
        """Without a `key` everybody who can connect may look: only where that is this machine."""
        self._key, self._is_local = key.encode(), is_local
        mark = hmac.digest(self._key, b"boxgate gate screen 1", "sha256").hex()
        self._mark = mark if key else ""

    @property
    def asks(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._mark)

    def lets_in(self, request: web.Request) -> bool:
        """Whether the request's browser has shown the key before."""
        shown = request.cookies.get(COOKIE, "")
        return not self.asks or hmac.compare_digest(shown.encode(), self._mark.encode())

    def is_key(self, given: object) -> bool:
        """Whether this is the key; in the same time for every wrong one."""
        if not isinstance(given, str) or not self._key:
            return False
        ours, theirs = (hashlib.sha256(text).digest() for text in (self._key, given.encode()))
        return hmac.compare_digest(ours, theirs)

    def keep(self, response: web.StreamResponse) -> None:
        """Have the browser remember that it has shown the key."""
        response.set_cookie(
            COOKIE, self._mark, max_age=_COOKIE_S, httponly=True, samesite="Strict", path="/"
        )

    def is_for_us(self, host: str) -> bool:
        """Whether the request was meant for this machine.

        Without a key a page of anybody's could ask for ours under a name of its own that it lets
        point here (DNS rebinding); such a request names that host.
        """
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return not self._is_local or self.asks or is_loopback(name.strip("[]"))


def guard(
    keeper: Doorkeeper,
    public: frozenset[str],
    ask: Handler,
    tell: Callable[[web.Request, HTTPStatus], web.Response],
) -> Callable[..., object]:
    """A middleware: whoever has not shown the key gets `ask`'s page, and `tell` makes those that
    say why there is none. `public` are the paths that everybody may have.
    """

    @web.middleware
    async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not keeper.is_for_us(request.host):
            return _plain(HTTPStatus.MISDIRECTED_REQUEST)
        if is_from_elsewhere(request):
            return tell(request, HTTPStatus.FORBIDDEN)
        try:
            known = keeper.lets_in(request) or request.path in public
            return await (handler if known else ask)(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as problem:
            return tell(request, HTTPStatus(problem.status))

    return attend


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: streams send their headers before a middleware sees them."""
    for name, value in HEADERS.items():
        if name not in response.headers or name == hdrs.SERVER:
            response.headers[name] = value


def is_from_elsewhere(request: web.Request) -> bool:
    """Whether another site's page sent a form or a script's call to us."""
    if request.method in ("GET", "HEAD"):
        return False
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get(hdrs.ORIGIN)
    foreign = origin is not None and origin.partition("://")[2] != request.host
    return site not in ("same-origin", "none") or foreign


def _plain(status: HTTPStatus) -> web.Response:
    return web.Response(status=status, text=f"{status.value} {status.phrase}\n")
