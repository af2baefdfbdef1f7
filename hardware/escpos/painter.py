"""Lines and pictures as dots, by Pillow: for characters that a printer has no type for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from hardware.escpos.cells import measure, unicode_width
from hardware.escpos.document import RASTER_ROWS_MAX, Raster
from hardware.escpos.profile import CELL_DOTS, CELL_ROWS, LINE_ROWS

if TYPE_CHECKING:
    from hardware.escpos.cells import Line, Run

# Faces whose Latin letters are half as wide as their Han characters: they fit the cells as they are.
FACES: Final = (
    (Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"), "WenQuanYi Micro Hei Mono"),  # Debian
    (Path("/usr/share/fonts/wqy-microhei-fonts/wqy-microhei.ttc"), "WenQuanYi Micro Hei Mono"),
    (Path("/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc"), "WenQuanYi Micro Hei Mono"),
    (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), "Noto Sans Mono CJK SC"),
)
INSTALL_HINT: Final = (
    "install WenQuanYi Micro Hei (Debian: apt install fonts-wqy-microhei) or name a font with"
    " Chinese characters in the settings"
)
_GETA: Final = "〓"
_NO_CHARACTER: Final = "\U0010ffff"  # never assigned: its glyph is the box for missing ones
_INK: Final = 110  # of 255: how dark a dot must be; a little below half, since heat spreads
_FACES_COUNT_MAX: Final = 64
BASELINE_ROW: Final = 23
_SIZES_CACHED: Final = 32
_GLYPHS_CACHED: Final = 2048


class NoFont(Exception):
    """No font to paint with; the sentence says what to install."""


Face: TypeAlias = tuple[Path, int]
"""A font file and the number of the face in it."""


class LinePainter:
    """Paints lines of cells. Implements render.Painter; for one thread at a time.

    A character that the first face lacks is taken from the next that has it.
    """

    def __init__(self, *faces: Face) -> None:
        if not faces:
            raise ValueError("a painter needs a face")
        self.faces: Final = faces
        self._font = lru_cache(_SIZES_CACHED)(self._load)
        self._face_for = lru_cache(_GLYPHS_CACHED)(self._find_face)
        self._size = lru_cache(_SIZES_CACHED)(self._fitting_size)
        self._glyph = lru_cache(_GLYPHS_CACHED)(self._draw)
        for face in faces:
            self._font(face, CELL_ROWS)

    def __call__(self, line: Line, width_dots: int) -> Raster:
        """The line as dots, cut off at the right edge of the paper."""
        cell = CELL_DOTS * line.wide
        cells = max((run.at + measure(run.text, unicode_width) for run in line.runs), default=0)
        width = max(8, min(width_dots, cells * cell + line.wide))
        image = Image.new("L", (width, LINE_ROWS * line.high))
        for run in line.runs:
            self._paint(image, run, line)
        return to_raster(image)

    def _paint(self, image: Image.Image, run: Run, line: Line) -> None:
        at = run.at
        for char in run.text:
            width = unicode_width(char)
            glyph = self._glyph(char, max(1, width), line.wide, line.high, run.bold)
            left = (at - (width == 0)) * CELL_DOTS * line.wide
            image.paste(255, (max(0, left), 0), glyph)
            at += width

    def _draw(self, char: str, cells: int, wide: int, high: int, bold: bool) -> Image.Image:
        """One character in the middle of its cells; painted square and then widened."""
        face = self._face_for(char)
        if face is None:
            char = _GETA if cells == 2 and self._face_for(_GETA) else "?"
            face = self._face_for(char) or self.faces[0]
        font = self._font(face, self._size(face, cells, CELL_ROWS * high))
        width = cells * CELL_DOTS * high
        glyph = Image.new("L", (width, LINE_ROWS * high))
        left = (width - font.getlength(char)) / 2
        draw = ImageDraw.Draw(glyph)
        for shift in range(1 + bold * high):
            at = (left + shift, BASELINE_ROW * high)
            draw.text(at, char, fill=255, font=font, anchor="ls")
        return glyph.resize((cells * CELL_DOTS * wide, glyph.height))

    def _fitting_size(self, face: Face, cells: int, size: int) -> int:
        """At which size a character fits its cells: most Latin letters are wider than half a Han."""
        if cells == 2:
            return size
        half = size * CELL_DOTS / CELL_ROWS
        return min(size, int(size * half / self._font(face, size).getlength("0")))

    def _load(self, face: Face, size: int) -> ImageFont.FreeTypeFont:
        path, index = face
        try:
            return ImageFont.truetype(str(path), size, index=index)
        except OSError as error:
            raise NoFont(f"The font {path} cannot be used: {error}; {INSTALL_HINT}") from error

    def _find_face(self, char: str) -> Face | None:
        return next((face for face in self.faces if self._has_glyph(face, char)), None)

    def _has_glyph(self, face: Face, char: str) -> bool:
        if char.isspace():
            return True
        font = self._font(face, CELL_ROWS)
        missing, found = font.getmask(_NO_CHARACTER), font.getmask(char)
        return missing.size != found.size or bytes(missing) != bytes(found)


def load_painter(configured: Path | None = None) -> LinePainter:
    """A painter in the font of the settings and in those that the system keeps; raises NoFont.

    A configured font that cannot be used is an error and not a reason to take another.
    """
    faces = [] if configured is None else [(configured, 0)]
    for path, family in FACES:
        index = _face_of(path, family)
        if index is not None:
            faces.append((path, index))
    if faces:
        return LinePainter(*faces)
    raise NoFont(f"No font to paint slips with: {INSTALL_HINT}")


def to_raster(image: Image.Image) -> Raster:
    """A picture as dots: transparent is white, and what is dark enough on it is black.

    A picture in mode "L" is taken as ink (255 is black); any other as what a person sees.
    """
    if image.height > RASTER_ROWS_MAX:
        raise ValueError(f"a picture has at most {RASTER_ROWS_MAX} rows, not {image.height}")
    if image.mode == "L":
        ink = image.point(lambda level: 255 if level > _INK else 0)
    else:
        seen = Image.new("RGBA", image.size, "white")
        seen.alpha_composite(image.convert("RGBA"))
        ink = seen.convert("L").point(lambda level: 255 if level < 128 else 0)
    return Raster(image.width, image.height, ink.convert("1").tobytes())


def _face_of(path: Path, family: str) -> int | None:
    for face in range(_FACES_COUNT_MAX):
        try:
            if ImageFont.truetype(str(path), CELL_ROWS, index=face).getname()[0] == family:
                return face
        except OSError:  # no such file, or no more faces in it
            return None
    return None
