"""What a printer can do: paper, characters, cutter, drawer, and how it tells what it has printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


CELL_DOTS: Final = 12
CELL_ROWS: Final = 24
"""Font A, and half of a Han character: 203 dpi printers of every make agree on it."""
LINE_ROWS: Final = CELL_ROWS + 6
"""A painted line of normal height with the white between lines, near ESC 2's 1/6 inch."""
WIDTH_58_MM: Final = 384
WIDTH_80_MM: Final = 576


class TextMode(StrEnum):
    """How text beyond ASCII reaches the paper."""

    GB18030 = "gb18030"  # the printer's own Chinese font, FS &, four-byte characters included
    GBK = "gbk"  # the same without the four-byte characters: older and cheaper firmware
    BIG5 = "big5"  # traditional characters
    SHIFT_JIS = "shift_jis"  # Japanese, FS C 1
    CODE_PAGE = "code_page"  # one byte a character, ESC t
    RASTER = "raster"  # every line is painted by us and sent as dots


class Codes(StrEnum):
    """Who draws QR codes."""

    NATIVE = "native"  # the printer, GS ( k
    RASTER = "raster"  # we, as dots


class Cutter(StrEnum):
    """How the paper is parted."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class Answers(StrEnum):
    """How much a printer tells, and so what a job's confirmation rests on."""

    NONE = "none"  # nothing: a file, a device without a way back
    STATUS = "status"  # DLE EOT: whether it can print, not what it has printed
    IN_ORDER = "in_order"  # also GS r, answered when everything before was processed
    PROCESS_ID = "process_id"  # also GS ( H: the job's own mark comes back when it is on paper


class DrawerLevel(StrEnum):
    """The level of the connector's pin 3 while the drawer is open."""

    NOT_WIRED = "not_wired"
    HIGH_WHEN_OPEN = "high"
    LOW_WHEN_OPEN = "low"


@dataclass(frozen=True, slots=True)
class Drawer:
    """A cash drawer on the printer's connector. `pin` is 2 or 5; pulse times in milliseconds."""

    pin: int = 2
    pulse_on_ms: int = 100
    pulse_off_ms: int = 100
    level: DrawerLevel = DrawerLevel.NOT_WIRED
    works_offline: bool = False
    """The printer obeys DLE DC4, so that the drawer opens while it has no paper."""

    def __post_init__(self) -> None:
        if self.pin not in {2, 5}:
            raise ValueError(f"a drawer is kicked by pin 2 or 5, not {self.pin}")
        for pulse_ms in (self.pulse_on_ms, self.pulse_off_ms):
            if not 2 <= pulse_ms <= 510:
                raise ValueError(f"a pulse lasts 2 to 510 ms, not {pulse_ms}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of printer.

    `columns` counts half-width characters of font A, which are 12 by 24 dots on every printer here.
    `code_page` is the number of ESC t and Python's name for the same table.
    """

    name: str
    width_dots: int = WIDTH_80_MM
    text: TextMode = TextMode.GB18030
    code_page: tuple[int, str] = (0, "cp437")
    codes: Codes = Codes.NATIVE
    cutter: Cutter = Cutter.PARTIAL
    feed_before_cut_lines: int = 4  # from the head to the knife
    drawer: Drawer | None = None
    answers: Answers = Answers.IN_ORDER
    band_rows: int = 64  # of a picture at a time: small, so that a broken line leaves little open

    @property
    def columns(self) -> int:
        """How many half-width characters a line holds."""
        return self.width_dots // CELL_DOTS

    @property
    def can_confirm(self) -> bool:
        """Whether the printer says of a job that it was printed."""
        return self.answers in {Answers.IN_ORDER, Answers.PROCESS_ID}


_ALL: Final = (
    # Chinese makes (XPrinter, Gprinter, Rongta, ...) and Epson's for the Chinese market.
    Profile("chinese-80", drawer=Drawer()),
    Profile(
        "chinese-58", width_dots=WIDTH_58_MM, cutter=Cutter.NONE, drawer=Drawer(), band_rows=96
    ),
    Profile(
        "epson-80-chinese",
        answers=Answers.PROCESS_ID,
        drawer=Drawer(works_offline=True),
    ),
    Profile("gbk-80", text=TextMode.GBK, drawer=Drawer()),
    Profile("big5-80", text=TextMode.BIG5, drawer=Drawer()),
    Profile("japanese-80", text=TextMode.SHIFT_JIS, drawer=Drawer()),
    # Western printers: no Chinese font in them. Code page 16 is WPC1252 on Epson, Star, Bixolon.
    Profile(
        "epson-80-western",
        text=TextMode.CODE_PAGE,
        code_page=(16, "cp1252"),
        answers=Answers.PROCESS_ID,
        drawer=Drawer(works_offline=True),
    ),
    # For any printer that takes GS v 0: right characters whatever its firmware.
    Profile("raster-80", text=TextMode.RASTER, codes=Codes.RASTER, drawer=Drawer()),
    Profile(
        "raster-58",
        width_dots=WIDTH_58_MM,
        text=TextMode.RASTER,
        codes=Codes.RASTER,
        cutter=Cutter.NONE,
        drawer=Drawer(),
        band_rows=96,
    ),
)

PROFILES: Final[Mapping[str, Profile]] = {each.name: each for each in _ALL}
DEFAULT_PROFILE: Final = "chinese-80"
