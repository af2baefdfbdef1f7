"""The till's settings: one TOML file; see docs/operations.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from program.log_settings import LogSettings
from program.settings import OutOfRange

DEFAULT_FILE = Path("boxgate-pos.toml")
PAPER_WIDTHS_MM = (80, 58)
SCANNERS_MAX = 4
TEXT_SIZES = (100, 125, 150)


class Theme(StrEnum):
    """How the window looks."""

    LIGHT = "light"
    DARK = "dark"


class Language(StrEnum):
    """Languages of the screen and of the tickets."""

    CHINESE = "zh_CN"
    ENGLISH = "en"


class PdfPage(StrEnum):
    """What a page of a PDF is: ticket stock or a roll of 80 mm; or A4, to be cut."""

    STOCK = "stock"
    A4 = "a4"


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """Where tickets go: a receipt printer, a print command, or else a folder for PDF files.

    With a receipt printer and a command, tickets go to the command, all else to the printer.
    `device` is a printer's address (`tcp:192.168.1.50`); `paper_mm` how wide its paper is, unless
    the address names a profile. `receipts`: whether a receipt follows each sale by itself.
    """

    folder: Path = Path("boxgate-tickets")
    command: tuple[str, ...] = ()
    device: str = ""
    paper_mm: int = 80
    receipts: bool = False
    page: PdfPage = PdfPage.STOCK
    font: Path | None = None
    language: Language = Language.CHINESE
    timeout_s: float = 30.0

    def check(self) -> None:
        """Refuse paper that nobody makes, waiting for ever, no program."""
        if self.paper_mm not in PAPER_WIDTHS_MM:
            raise OutOfRange("paper_mm", "must be 80 or 58")
        if self.command and not self.command[0]:
            raise OutOfRange("command", "must begin with the name of a program")
        if not 1 <= self.timeout_s <= 600:
            raise OutOfRange("timeout_s", "must be from 1 to 600")


@dataclass(frozen=True, slots=True)
class DrawerSettings:
    """The cash drawer: `printer` says that it hangs on the receipt printer; else a command opens it."""

    printer: bool = False
    command: tuple[str, ...] = ()
    timeout_s: float = 5.0

    def check(self) -> None:
        """Refuse two ways to open it, waiting for ever, and a command without a program."""
        if self.printer and self.command:
            raise OutOfRange("printer", "and command cannot both open the drawer: choose one")
        if self.command and not self.command[0]:
            raise OutOfRange("command", "must begin with the name of a program")
        if not 1 <= self.timeout_s <= 60:
            raise OutOfRange("timeout_s", "must be from 1 to 60")


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """Code scanners: one that types (`keyboard`, with the prefix it is set up to send), and serial
    ones by their addresses (`serial:/dev/serial/by-id/...`). `chips`: readers by which chips are
    bound to tickets, by the addresses that lanes of gates use too.
    """

    keyboard: bool = True
    prefix: str = ""
    devices: tuple[str, ...] = ()
    chips: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse more scanners than a counter has hands."""
        if len(self.devices) > SCANNERS_MAX:
            raise OutOfRange("devices", f"must be at most {SCANNERS_MAX}")
        if len(self.chips) > SCANNERS_MAX:
            raise OutOfRange("chips", f"must be at most {SCANNERS_MAX}")


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """The buyer's screen: a second window, on the second screen where there is one."""

    customer: bool = False


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """The window. Width and height 0 mean: as large as fits; `lock_after_s` 0: never."""

    language: Language = Language.CHINESE
    theme: Theme = Theme.LIGHT
    fullscreen: bool = False
    width: int = 0
    height: int = 0
    lock_after_s: int = 180
    text_size: int = 100

    def check(self) -> None:
        """Refuse windows that cannot show a basket, and a lock that nobody could work with."""
        if (self.width or self.height) and (self.width < 1024 or self.height < 700):
            raise OutOfRange("width", "and height must be at least 1024 and 700, or both 0")
        if self.text_size not in TEXT_SIZES:
            raise OutOfRange("text_size", "must be 100, 125 or 150 (percent)")
        if self.lock_after_s and not 30 <= self.lock_after_s <= 3_600:
            raise OutOfRange("lock_after_s", "must be from 30 to 3600, or 0 for never")


@dataclass(frozen=True, slots=True)
class TillSettings:
    """Everything a till needs to be told."""

    server_url: str = "http://127.0.0.1:8970"
    data_dir: Path = Path("boxgate-pos-data")
    witness_dir: Path | None = None
    printer: PrinterSettings = field(default_factory=PrinterSettings)
    drawer: DrawerSettings = field(default_factory=DrawerSettings)
    scanner: ScannerSettings = field(default_factory=ScannerSettings)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def check(self) -> None:
        """Refuse what cannot work."""
        if self.drawer.printer and not self.printer.device:
            raise OutOfRange("drawer", "on the printer needs printer.device: a PDF opens none")
        if not self.server_url.startswith(("http://", "https://")):
            raise OutOfRange("server_url", "must begin with http:// or https://")
