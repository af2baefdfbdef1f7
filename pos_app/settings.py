"""The till's settings: one TOML file; see docs/operations.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from program.log_settings import LogSettings
from program.settings import OutOfRange

DEFAULT_FILE = Path("boxgate-pos.toml")


class Theme(StrEnum):
    """How the window looks."""

    LIGHT = "light"
    DARK = "dark"


class Language(StrEnum):
    """Languages of the screen and of the tickets."""

    CHINESE = "zh_CN"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """Where tickets go: a print command, or a folder for PDF files when there is none."""

    folder: Path = Path("boxgate-tickets")
    command: tuple[str, ...] = ()
    font: Path | None = None
    language: Language = Language.CHINESE
    timeout_s: float = 30.0

    def check(self) -> None:
        """Refuse waiting for ever, and a command without a program."""
        if self.command and not self.command[0]:
            raise OutOfRange("command", "must begin with the name of a program")
        if not 1 <= self.timeout_s <= 600:
            raise OutOfRange("timeout_s", "must be from 1 to 600")


@dataclass(frozen=True, slots=True)
class DrawerSettings:
    """The cash drawer: a command that opens it; none without a drawer."""

    command: tuple[str, ...] = ()
    timeout_s: float = 5.0

    def check(self) -> None:
        """Refuse waiting for ever, and a command without a program."""
        if self.command and not self.command[0]:
            raise OutOfRange("command", "must begin with the name of a program")
        if not 1 <= self.timeout_s <= 60:
            raise OutOfRange("timeout_s", "must be from 1 to 60")


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """The window. Width and height 0 mean: as large as fits."""

    language: Language = Language.CHINESE
    theme: Theme = Theme.LIGHT
    fullscreen: bool = False
    width: int = 0
    height: int = 0

    def check(self) -> None:
        """Refuse windows that cannot show a basket."""
        if (self.width or self.height) and (self.width < 1024 or self.height < 700):
            raise OutOfRange("width", "and height must be at least 1024 and 700, or both 0")


@dataclass(frozen=True, slots=True)
class TillSettings:
    """Everything a till needs to be told."""

    server_url: str = "http://127.0.0.1:8970"
    data_dir: Path = Path("boxgate-pos-data")
    witness_dir: Path | None = None
    printer: PrinterSettings = field(default_factory=PrinterSettings)
    drawer: DrawerSettings = field(default_factory=DrawerSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def check(self) -> None:
        """Refuse what cannot work."""
        if not self.server_url.startswith(("http://", "https://")):
            raise OutOfRange("server_url", "must begin with http:// or https://")
