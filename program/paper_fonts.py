"""The one font tickets are set in, always embedded as a subset.

Order of choice: the font of the settings, else WenQuanYi Micro Hei where the system keeps it
(Debian: fonts-wqy-microhei, Apache-2.0), else `FontMissing`. ReportLab's STSong-Light is not in
the list on purpose: it is never embedded, so the printer or viewer would choose what to print.
ReportLab embeds TrueType outlines only; Noto CJK (CFF outlines) is refused with a sentence.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFError
from reportlab.pdfbase.ttfonts import TTFont

MICRO_HEI: Final = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),  # Debian, Ubuntu
    Path("/usr/share/fonts/wqy-microhei-fonts/wqy-microhei.ttc"),  # Fedora
    Path("/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc"),  # Arch
)
INSTALL_HINT: Final = (
    "Install WenQuanYi Micro Hei (Debian: apt install fonts-wqy-microhei) or name a TrueType font"
    " (.ttf or .ttc) with Chinese characters in the settings."
)
TEXT_CHARS_MAX: Final = 300
"""A longer text could never be read on a ticket; cutting it first bounds the work of fitting it."""

# What every ticket needs: a font without one of these would print boxes (fonts-droid-fallback,
# for one, has Han characters and no Latin digits).
_NEEDED = "0123456789AZaz座票元¥…"
# A damaged file fails wherever ReportLab's reader happens to stand.
_UNREADABLE = (PDFError, OSError, ValueError, LookupError, ArithmeticError, struct.error)
_GETA = "〓"  # what printers set for a character they have no type for
_GONE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # controls, format marks and non-characters


class FontMissing(Exception):
    """No usable font for tickets; the sentence says what is wrong and what to install."""


@dataclass(frozen=True, slots=True)
class TicketFont:
    """A loaded font under the name ReportLab knows it by."""

    name: str
    path: Path
    characters: frozenset[int]

    def measure(self, text: str) -> float:
        """The text's width at size 1."""
        return float(pdfmetrics.stringWidth(text, self.name, 1))

    def printable(self, text: str) -> str:
        """The text as this font can print it: one line, NFC, 〓 for a character it lacks."""
        composed = unicodedata.normalize("NFC", " ".join(text[:TEXT_CHARS_MAX].split()))
        kept = (char for char in composed if unicodedata.category(char) not in _GONE)
        return "".join(char if ord(char) in self.characters else self._stand_in for char in kept)

    @property
    def _stand_in(self) -> str:
        return _GETA if ord(_GETA) in self.characters else "?"


def load_font(configured: Path | None = None) -> TicketFont:
    """The font of the settings, or WenQuanYi Micro Hei; loaded once, then remembered.

    A configured font that cannot be used is an error and not a reason to take another: the venue
    chose it. The first load takes about half a second. Raises FontMissing.
    """
    if configured is not None:
        return _load(configured)
    for path in MICRO_HEI:
        if path.is_file():
            return _load(path)
    raise FontMissing(f"No font to print tickets with. {INSTALL_HINT}")


@lru_cache(maxsize=8)
def _load(path: Path) -> TicketFont:
    name = f"ticket:{path}"
    try:
        # No readable ASCII block: the subset then holds only what the tickets use.
        font = TTFont(name, str(path), asciiReadable=False, shapable=False)
    except _UNREADABLE as error:
        raise FontMissing(f"The font {path} cannot be used: {error}. {INSTALL_HINT}") from error
    characters = frozenset(font.face.charToGlyph)
    lacking = "".join(char for char in _NEEDED if ord(char) not in characters)
    if lacking:
        raise FontMissing(f"The font {path} has no glyphs for {lacking}. {INSTALL_HINT}")
    pdfmetrics.registerFont(font)
    return TicketFont(name, path, characters)
