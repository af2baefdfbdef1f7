"""The gate's settings: one TOML file; see docs/operations.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gate_agent.screen.settings import ScreenSettings
from hardware.qr.choice import SeveralCodes
from program.log_settings import LogSettings
from program.settings import OutOfRange
from ticketing.operations import is_name

DEFAULT_FILE = Path("boxgate-gate.toml")


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One door. Without `performances` it serves those whose doors are open; `gate` is the name,
    in any language of the venue, of the gate it is at, as the seating plan has it. `several_codes`:
    what happens when a visitor holds up more than one ticket.
    """

    name: str = "Lane 1"
    camera: str = "usb:0"
    relay: str = "none:"
    pulse_ms: int = 700
    performances: tuple[int, ...] = ()
    gate: str = ""
    several_codes: SeveralCodes = SeveralCodes.MIDDLE

    def check(self) -> None:
        """Refuse what no board and no person could want."""
        if not 100 <= self.pulse_ms <= 60_000 or self.pulse_ms % 100:
            raise OutOfRange("pulse_ms", "must be from 100 to 60000, in steps of 100")
        if not is_name(self.name):
            raise OutOfRange("name", "must have 1 to 64 characters, all on one line")
        if self.gate and not is_name(self.gate):
            raise OutOfRange("gate", "must have at most 64 characters, all on one line")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Everything a gate needs to be told."""

    server_url: str = "http://127.0.0.1:8970"
    data_dir: Path = Path("boxgate-gate-data")
    witness_dir: Path | None = None
    language: str = "zh_CN"
    lane: LaneSettings = field(default_factory=LaneSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def check(self) -> None:
        """Refuse what cannot work."""
        if not self.server_url.startswith(("http://", "https://")):
            raise OutOfRange("server_url", "must begin with http:// or https://")
        if self.language not in ("zh_CN", "en"):
            raise OutOfRange("language", 'must be "zh_CN" or "en"')
