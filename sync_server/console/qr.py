"""QR codes as SVG inside a page: attributes only, so that the page's policy needs no exception."""

from __future__ import annotations

import segno
from markupsafe import Markup

_QUIET_MODULES = 4
"""White around it: ISO/IEC 18004 asks for four modules."""


def qr_svg(text: str) -> Markup:
    """The text as a QR code, black on white in any colour scheme; its size is the style's matter.

    Error correction M: a screen is clean, and larger modules are read from further away.
    """
    symbol = segno.make(text, error="m", micro=False, boost_error=False)
    drawn = symbol.svg_inline(
        border=_QUIET_MODULES,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
        dark="#000",
        light="#fff",
    )
    return Markup(drawn)  # noqa: S704 - drawn from modules; the text itself is not in it
