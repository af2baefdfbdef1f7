"""The gate's settings: one TOML file; see docs/operations.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gate_agent.screen.settings import ScreenSettings
from hardware.barrier import Wiring
from hardware.qr.choice import SeveralCodes
from program.log_settings import LogSettings
from program.settings import OutOfRange
from ticketing.operations import is_name

DEFAULT_FILE = Path("boxgate-gate.toml")
LANES_MAX = 16
READERS_MAX = 8
NO_CAMERA = "none:"


class Direction(StrEnum):
    """Where a lane leads."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One door. Without `performances` it serves those whose doors are open; `gate` is the name,
    in any language of the venue, of the gate it is at, as the seating plan has it. `several_codes`:
    what happens when a visitor holds up more than one ticket.

    `relay_number` and the inputs are counted from 1 as boards print them; an input of 0 is none.
    `private`: nobody unknown passes here, so a board that does not time its pulses is allowed.
    """

    name: str = "Lane 1"
    direction: Direction = Direction.ENTRY
    camera: str = "usb:0"
    readers: tuple[str, ...] = ()
    relay: str = "none:"
    relay_number: int = 1
    passage_input: int = 0
    fire_input: int = 0
    fire_when_open: bool = False
    private: bool = False
    pulse_ms: int = 700
    performances: tuple[int, ...] = ()
    gate: str = ""
    several_codes: SeveralCodes = SeveralCodes.MIDDLE

    @property
    def wiring(self) -> Wiring:
        """How its barrier hangs on its board."""
        return Wiring(
            self.relay,
            self.relay_number,
            self.passage_input,
            self.fire_input,
            self.fire_when_open,
            self.private,
        )

    def check(self) -> None:
        """Refuse what no board and no person could want."""
        if not 100 <= self.pulse_ms <= 60_000 or self.pulse_ms % 100:
            raise OutOfRange("pulse_ms", "must be from 100 to 60000, in steps of 100")
        if not is_name(self.name):
            raise OutOfRange("name", "must have 1 to 64 characters, all on one line")
        if self.gate and not is_name(self.gate):
            raise OutOfRange("gate", "must have at most 64 characters, all on one line")
        if len(self.readers) > READERS_MAX or len(set(self.readers)) < len(self.readers):
            raise OutOfRange("readers", f"must be at most {READERS_MAX}, each of them once")
        if self.camera == NO_CAMERA and not self.readers:
            raise OutOfRange("camera", "must name a camera where a lane has no other reader")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Everything a gate needs to be told. Its lanes stand in `[[lanes]]`, or a single one in `[lane]`."""

    server_url: str = "http://127.0.0.1:8970"
    data_dir: Path = Path("boxgate-gate-data")
    witness_dir: Path | None = None
    language: str = "zh_CN"
    lane: LaneSettings | None = None
    lanes: tuple[LaneSettings, ...] = ()
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def all_lanes(self) -> tuple[LaneSettings, ...]:
        """The lanes, in either way of writing; one with the defaults where none is written."""
        return self.lanes or (self.lane or LaneSettings(),)

    def check(self) -> None:
        """Refuse what cannot work."""
        if not self.server_url.startswith(("http://", "https://")):
            raise OutOfRange("server_url", "must begin with http:// or https://")
        if self.language not in ("zh_CN", "en"):
            raise OutOfRange("language", 'must be "zh_CN" or "en"')
        if self.lanes and self.lane is not None:
            raise OutOfRange("lane", "must not stand beside [[lanes]]: write it as one of them")
        names = [lane.name for lane in self.all_lanes]
        if len(names) > LANES_MAX:
            raise OutOfRange("lanes", f"must be at most {LANES_MAX}")
        if len(set(names)) < len(names):
            raise OutOfRange("lanes", "must have a name each: entries are bound to it")
