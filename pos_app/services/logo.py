"""An event's logo: from the PNG of its template to black and white."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from program.logs import get_logger
from ticketing.paper_template import LOGO_HEIGHT_MAX, LOGO_WIDTH_MAX

_log = get_logger(__name__)


def open_logo(png: bytes) -> Image.Image | None:
    """The logo in grey on white; None without one, or when it cannot be drawn: a ticket goes first."""
    if not png:
        return None
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as picture:
            if picture.width > LOGO_WIDTH_MAX or picture.height > LOGO_HEIGHT_MAX:
                return None
            seen = Image.new("RGBA", picture.size, "white")
            seen.alpha_composite(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        _log.warning("logo_not_drawn", error=str(error))
        return None
    return seen.convert("L")
