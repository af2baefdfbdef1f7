"""Headers that every answer carries."""

from __future__ import annotations

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy, istr

_HEADERS = {
    hdrs.SERVER: "boxgate",
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Cross-Origin-Opener-Policy"): "same-origin",
    istr("Cross-Origin-Resource-Policy"): "same-origin",
}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

HEADERS_OF_PAGES = CIMultiDictProxy(
    CIMultiDict(_HEADERS | {hdrs.CONTENT_SECURITY_POLICY: _PAGE_POLICY})
)
HEADERS_OF_DATA = CIMultiDictProxy(
    CIMultiDict(_HEADERS | {hdrs.CONTENT_SECURITY_POLICY: _DATA_POLICY})
)
