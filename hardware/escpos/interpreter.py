"""A printer as a model: bytes in, paper and answers out. No port, no time, no chance.

It does what the reference says of a thermal printer with a receive buffer: real-time commands are
answered as they arrive, all others are obeyed in order, and only while there is paper, the cover is
closed and nothing is broken. A job that stops there goes on when the fault is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hardware.escpos.document import Align, QrLevel, Raster
from hardware.escpos.profile import CELL_DOTS, LINE_ROWS, WIDTH_80_MM
from hardware.escpos.protocol import PROCESS_ID_CHARS

RECEIVE_BUFFER_BYTES: Final = 65_536
SHEETS_COUNT_MAX: Final = 2000
"""The record is for tests and demonstrations: the oldest paper goes first."""

_CODE_PAGES: Final[Mapping[int, str]] = {0: "cp437", 2: "cp850", 16: "cp1252", 19: "cp858"}
_ALIGNS: Final = {0: Align.LEFT, 1: Align.CENTRE, 2: Align.RIGHT}
_LEVELS: Final = {48: QrLevel.L, 49: QrLevel.M, 50: QrLevel.Q, 51: QrLevel.H}
# How many bytes of parameters follow; what is not here has a length of its own.
_FIXED: Final[Mapping[bytes, int]] = {
    b"\x1b@": 0,
    b"\x1ba": 1,
    b"\x1bE": 1,
    b"\x1bt": 1,
    b"\x1bd": 1,
    b"\x1bJ": 1,
    b"\x1bp": 3,
    b"\x1d!": 1,
    b"\x1dV": 1,
    b"\x1dh": 1,
    b"\x1dw": 1,
    b"\x1dH": 1,
    b"\x1dr": 1,
    b"\x1da": 1,
    b"\x1c&": 0,
    b"\x1c.": 0,
    b"\x1cC": 1,
}


@dataclass(frozen=True, slots=True)
class PrintedText:
    """One line of characters as it came out; `bold` and `cells` say how each was set."""

    text: str
    bold: tuple[bool, ...]
    cells: tuple[int, ...]
    wide: int
    high: int
    align: Align


@dataclass(frozen=True, slots=True)
class PrintedQr:
    """A code drawn by the printer."""

    payload: str
    module_dots: int
    level: QrLevel
    align: Align


@dataclass(frozen=True, slots=True)
class PrintedBars:
    """A Code 128 drawn by the printer."""

    payload: str
    height_dots: int
    module_dots: int
    align: Align


@dataclass(frozen=True, slots=True)
class Fed:
    """White paper, in dots."""

    rows: int


Printed: TypeAlias = PrintedText | PrintedQr | PrintedBars | Raster | Fed


@dataclass(slots=True)
class Sheet:
    """A piece of paper between two cuts."""

    items: list[Printed] = field(default_factory=list)
    is_cut: bool = False

    @property
    def texts(self) -> list[str]:
        """Its lines of characters, from the top."""
        return [item.text.rstrip() for item in self.items if isinstance(item, PrintedText)]


@dataclass(frozen=True, slots=True)
class Kick:
    """One pulse to a drawer."""

    pin: int
    on_ms: int


@dataclass(slots=True)
class Setting:
    """What the next characters look like; ESC @ sets all of it back."""

    align: Align = Align.LEFT
    is_bold: bool = False
    wide: int = 1
    high: int = 1
    code_page: str = "cp437"
    is_han: bool = False
    bar_height: int = 162
    bar_module: int = 3
    qr_module: int = 3
    qr_level: QrLevel = QrLevel.L
    qr_stored: bytes = b""


class PrinterModel:
    """One printer. The faults may be changed at any time; `work` goes on when they are mended.

    `han` is the encoding of its double-byte font, None for a printer without one. `rows_left` is
    the paper in dots, None for an endless roll. `knows` says which questions it understands.
    """

    def __init__(
        self,
        *,
        width_dots: int = WIDTH_80_MM,
        han: str | None = "gb18030",
        has_cutter: bool = True,
        knows_process_id: bool = True,
        knows_gs_r: bool = True,
        buffer_bytes: int = RECEIVE_BUFFER_BYTES,
    ) -> None:
        self.width_dots: Final = width_dots
        self.columns: Final = width_dots // CELL_DOTS
        self.has_cutter: Final = has_cutter
        self._han = han
        self._knows_process_id = knows_process_id
        self._knows_gs_r = knows_gs_r
        self._buffer_bytes = buffer_bytes
        # Faults.
        self.rows_left: int | None = None
        self.is_near_end = False
        self.is_cover_open = False
        self.is_cutter_jammed = False
        self.jams_at_next_cut = False
        self.is_overheated = False
        self.is_broken = False
        self.is_offline = False
        # What an onlooker sees.
        self.sheets: list[Sheet] = [Sheet()]
        self.cut_count = 0
        self.kicks: list[Kick] = []
        self.is_drawer_open = False
        self.unknown_commands: list[bytes] = []
        self._buffer = bytearray()
        self._recent = b""
        self._is_starved = False
        self._asb_mask = 0
        self._asb_last = b""
        self._answers = bytearray()
        self._reset()

    # --------------------------------------------------------------------------------- the wire

    @property
    def room_bytes(self) -> int:
        """How much it takes in before it stops the sender; more while it has half a command."""
        if self._is_starved and self._can_work():
            return self._buffer_bytes
        return max(0, self._buffer_bytes - len(self._buffer))

    @property
    def waiting_bytes(self) -> int:
        """What it has taken in and not obeyed."""
        return len(self._buffer)

    def receive(self, data: bytes) -> bytes:
        """Take bytes into the buffer; the answers to real-time commands among them."""
        for byte in data:
            self._recent = (self._recent + bytes((byte,)))[-5:]
            self._obey_now()
        self._buffer += data
        return self._taken_answers()

    def work(self, bytes_max: int | None = None) -> bytes:
        """Obey what is in the buffer, at most about `bytes_max`; the answers to it."""
        done = 0
        while self._buffer and self._can_work() and (bytes_max is None or done < bytes_max):
            length = self._one_command()
            self._is_starved = length == 0
            if self._is_starved:
                break
            del self._buffer[:length]
            done += length
        self._send_changes()
        return self._taken_answers()

    def hang_up(self, *, forgets_half: bool = True) -> None:
        """The line broke. A printer may or may not forget a command that it has half of."""
        if forgets_half and self._can_work():
            self._buffer.clear()
        self._recent = b""

    def power_off(self) -> None:
        """Lose what was not printed."""
        self._buffer.clear()
        self._recent = b""
        self._reset()

    def load_paper(self, rows: int | None = None) -> None:
        """A fresh roll."""
        self.rows_left, self.is_near_end = rows, False

    @property
    def paper(self) -> list[Sheet]:
        """The sheets that have anything on them, the last perhaps not cut off."""
        return [sheet for sheet in self.sheets if sheet.items]

    # ------------------------------------------------------------------------------ the statuses

    @property
    def is_out_of_paper(self) -> bool:
        """Whether the end of the roll is past the sensor."""
        return self.rows_left is not None and self.rows_left <= 0

    def _can_work(self) -> bool:
        return not self._is_stopped() and not self.is_offline

    def _is_stopped(self) -> bool:
        return (
            self.is_out_of_paper
            or self.is_cover_open
            or self.is_cutter_jammed
            or self.is_overheated
            or self.is_broken
        )

    def _status_byte(self, asked: int) -> int:
        """The answer to DLE EOT."""
        bits = {
            1: self.is_drawer_open << 2 | (not self._can_work()) << 3,
            2: self.is_cover_open << 2
            | self.is_out_of_paper << 5
            | (self.is_cutter_jammed or self.is_broken or self.is_overheated) << 6,
            3: self.is_cutter_jammed << 3 | self.is_broken << 5 | self.is_overheated << 6,
            4: (self.is_near_end or self.is_out_of_paper) * 0x0C | self.is_out_of_paper * 0x60,
        }
        return 0x12 | bits[asked]

    def _auto_status(self) -> bytes:
        printer = (
            0x10 | self.is_drawer_open << 2 | (not self._can_work()) << 3 | self.is_cover_open << 5
        )
        error = self.is_cutter_jammed << 3 | self.is_broken << 5 | self.is_overheated << 6
        near = self.is_near_end or self.is_out_of_paper
        return bytes((printer, error, near * 0x03 | self.is_out_of_paper * 0x0C, 0))

    def _send_changes(self) -> None:
        if self._asb_mask and (now := self._auto_status()) != self._asb_last:
            self._asb_last = now
            self._answers += now

    def _taken_answers(self) -> bytes:
        answers = bytes(self._answers)
        self._answers.clear()
        return answers

    def _obey_now(self) -> None:
        """Real-time commands, wherever they stand: printers look for them inside pictures, too."""
        if self._recent[-3:-1] == b"\x10\x04" and 1 <= self._recent[-1] <= 4:
            self._answers.append(self._status_byte(self._recent[-1]))
        if self._recent[-5:-2] == b"\x10\x14\x01" and self._recent[-2] <= 1:
            self._kick(self._recent[-2], self._recent[-1] * 100)

    # ------------------------------------------------------------------------------ the commands

    def _reset(self) -> None:
        self.setting = Setting()
        self._line: list[tuple[str, bool, int]] = []

    def _one_command(self) -> int:
        """Obey what is at the head of the buffer; its length, 0 while it is not whole."""
        head = self._buffer[0]
        if head == 0x10:
            return self._skip_real_time()
        if head in {0x1B, 0x1C, 0x1D}:
            return self._sequence()
        if head == 0x0A:
            self._end_line()
            return 1
        if head < 0x20:
            if head:
                self.unknown_commands.append(bytes((head,)))
            return 1
        return self._character()

    def _skip_real_time(self) -> int:
        if len(self._buffer) < 2:
            return 0
        length = {0x04: 3, 0x05: 3, 0x14: 5}.get(self._buffer[1], 1)
        return length if len(self._buffer) >= length else 0

    def _sequence(self) -> int:
        if len(self._buffer) < 2:
            return 0
        name = bytes(self._buffer[:2])
        length = self._sequence_bytes(name)
        if length == 0 or len(self._buffer) < length:
            return 0
        parameters = bytes(self._buffer[2:length])
        obey = self._TABLE.get(name)
        if obey is None:
            self.unknown_commands.append(name + parameters)
        else:
            obey(self, parameters)
        return length

    def _sequence_bytes(self, name: bytes) -> int:
        """The length of the whole sequence; 0 while it cannot be known."""
        buffer = self._buffer
        if name == b"\x1d(":
            return 5 + _word(buffer, 3) if len(buffer) >= 5 else 0
        if name == b"\x1dv":
            return 8 + _word(buffer, 4) * _word(buffer, 6) if len(buffer) >= 8 else 0
        if name == b"\x1dk":
            return 4 + buffer[3] if len(buffer) >= 4 else 0
        return 2 + _FIXED.get(name, 0)

    def _character(self) -> int:
        head = self._buffer[0]
        if head < 0x80 or not self.setting.is_han or self._han is None:
            text = bytes((head,)).decode(self.setting.code_page, "replace")
            self._put(text, 1)
            return 1
        if len(self._buffer) < 2:
            return 0
        four = self._han == "gb18030" and 0x30 <= self._buffer[1] <= 0x39
        length = 4 if four else 2
        if len(self._buffer) < length:
            return 0
        self._put(bytes(self._buffer[:length]).decode(self._han, "replace"), 2)
        return length

    def _put(self, text: str, cells: int) -> None:
        taken = sum(cells_taken for _, _, cells_taken in self._line)
        if (taken + cells) * self.setting.wide > self.columns:
            self._end_line()
        self._line += [(char, self.setting.is_bold, cells) for char in text]

    def _end_line(self) -> None:
        setting = self.setting
        line = PrintedText(
            "".join(char for char, _, _ in self._line),
            tuple(is_bold for _, is_bold, _ in self._line),
            tuple(cells for _, _, cells in self._line),
            setting.wide,
            setting.high,
            setting.align,
        )
        self._line = []
        self._come_out(line if line.text else Fed(LINE_ROWS), LINE_ROWS * setting.high)

    def _come_out(self, item: Printed, rows: int) -> None:
        self.sheets[-1].items.append(item)
        if self.rows_left is not None:
            self.rows_left -= rows

    def _feed(self, rows: int) -> None:
        if self._line:
            self._end_line()
        self._come_out(Fed(rows), rows)

    def _cut(self, _parameters: bytes) -> None:
        if not self.has_cutter:
            return
        if self.jams_at_next_cut:
            self.jams_at_next_cut, self.is_cutter_jammed = False, True
            return
        self.sheets[-1].is_cut = True
        self.cut_count += 1
        self.sheets = [*self.sheets[1 - SHEETS_COUNT_MAX :], Sheet()]

    def _kick(self, connector: int, on_ms: int) -> None:
        self.kicks.append(Kick(5 if connector & 1 else 2, on_ms))
        self.is_drawer_open = True

    def _picture(self, parameters: bytes) -> None:
        row_bytes, rows = _word(parameters, 2), _word(parameters, 4)
        if self._line:
            self._end_line()
        if row_bytes and rows:
            picture = Raster(row_bytes * 8, rows, parameters[6:], self.setting.align)
            self._come_out(picture, rows)

    def _bars(self, parameters: bytes) -> None:
        setting = self.setting
        payload = parameters[2:].removeprefix(b"{B").replace(b"{{", b"{").decode("ascii", "replace")
        bars = PrintedBars(payload, setting.bar_height, setting.bar_module, setting.align)
        self._come_out(bars, setting.bar_height + LINE_ROWS)

    def _block(self, parameters: bytes) -> None:
        """GS ( ...: a letter, two bytes of length, the function and its data."""
        kind, data = parameters[:1], parameters[3:]
        if kind == b"k":
            self._code(data[1], data[2:])
        elif kind == b"H" and data[:2] == b"\x30\x30" and self._knows_process_id:
            self._answers += b"\x37\x22" + data[2 : 2 + PROCESS_ID_CHARS] + b"\0"
        elif kind != b"H":
            self.unknown_commands.append(b"\x1d(" + parameters)

    def _code(self, function: int, data: bytes) -> None:
        setting = self.setting
        match function:
            case 67:
                setting.qr_module = data[0]
            case 69:
                setting.qr_level = _LEVELS.get(data[0], QrLevel.L)
            case 80:
                setting.qr_stored = data[1:]
            case 81:
                payload = setting.qr_stored.decode("ascii", "replace")
                code = PrintedQr(payload, setting.qr_module, setting.qr_level, setting.align)
                self._come_out(code, setting.qr_module * 33)
            case _:
                return

    def _answer_in_order(self, parameters: bytes) -> None:
        if self._knows_gs_r:
            near = 0x03 if self.is_near_end else 0
            self._answers.append(near if parameters[0] in {1, 49} else int(self.is_drawer_open))

    def _watch(self, parameters: bytes) -> None:
        self._asb_mask = parameters[0]
        self._asb_last = self._auto_status()
        if self._asb_mask:
            self._answers += self._asb_last

    def _scale(self, parameters: bytes) -> None:
        self.setting.wide, self.setting.high = (parameters[0] >> 4) + 1, (parameters[0] & 7) + 1

    def _set(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.setting, name, value)

    _TABLE: Final[Mapping[bytes, Callable[[PrinterModel, bytes], None]]] = {
        b"\x1b@": lambda self, _: self._reset(),
        b"\x1ba": lambda self, data: self._set(align=_ALIGNS.get(data[0], Align.LEFT)),
        b"\x1bE": lambda self, data: self._set(is_bold=bool(data[0] & 1)),
        b"\x1bt": lambda self, data: self._set(code_page=_CODE_PAGES.get(data[0], "cp437")),
        b"\x1bd": lambda self, data: self._feed(data[0] * LINE_ROWS),
        b"\x1bJ": lambda self, data: self._feed(data[0]),
        b"\x1bp": lambda self, data: self._kick(data[0], data[1] * 2),
        b"\x1d!": lambda self, data: self._scale(data),
        b"\x1dV": lambda self, data: self._cut(data),
        b"\x1dh": lambda self, data: self._set(bar_height=data[0]),
        b"\x1dw": lambda self, data: self._set(bar_module=data[0]),
        b"\x1dH": lambda _self, _: None,
        b"\x1dr": lambda self, data: self._answer_in_order(data),
        b"\x1da": lambda self, data: self._watch(data),
        b"\x1d(": lambda self, data: self._block(data),
        b"\x1dv": lambda self, data: self._picture(data),
        b"\x1dk": lambda self, data: self._bars(data),
        b"\x1c&": lambda self, _: self._set(is_han=True),
        b"\x1c.": lambda self, _: self._set(is_han=False),
        b"\x1cC": lambda _self, _: None,
    }


def _word(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
