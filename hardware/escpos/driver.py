"""One ESC/POS printer: its status, its bytes, its word that a job is on paper, and its drawer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from hardware.address import DeviceAddress, parse_address
from hardware.errors import BadDeviceAddress, DeviceError, DeviceGone
from hardware.escpos import commands
from hardware.escpos.line import LINE_OPTIONS, make_line
from hardware.escpos.profile import (
    DEFAULT_PROFILE,
    PROFILES,
    Answers,
    Cutter,
    Drawer,
    DrawerLevel,
    Profile,
    TextMode,
)
from hardware.escpos.protocol import (
    AnswerParser,
    Ask,
    AutoStatus,
    Fault,
    OrderedByte,
    ProcessDone,
    Status,
    StatusByte,
    ask_in_order,
    ask_process_id,
    ask_status,
    status_of,
    status_of_auto,
)

if TYPE_CHECKING:
    from hardware.escpos.line import PrinterLine

WordT = TypeVar("WordT", bound=StrEnum)

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1024
HEARD_COUNT_MAX: Final = 100
_PROFILE_OPTIONS: Final = frozenset(
    {"profile", "width", "text", "cut", "answers", "drawer", "pulse_ms", "drawer_level"}
)
_SILENT_POLLS_MAX: Final = 3
# More than answers can be late: one for each job given up on this line, and there is a fence between
# any two of them.
_FENCE_COUNT: Final = 4
# What somebody can mend while the printer keeps the rest of a job.
_MENDABLE: Final = frozenset(
    {Fault.PAPER_OUT, Fault.COVER_OPEN, Fault.CUTTER, Fault.OVERHEATED, Fault.OFFLINE}
)


@dataclass(frozen=True, slots=True)
class Timings:
    """How long to wait for what, in seconds."""

    answer_s: float = 1.0  # to one question
    stall_s: float = 5.0  # without taking a byte, before it is said
    give_up_s: float = 300.0  # without taking a byte, before the line is given up
    poll_s: float = 1.0  # between two looks at the status while a job is awaited
    confirm_s: float = 30.0  # for a job's confirmation by a printer that reports no fault
    patience_s: float = 1800.0  # for it by a printer whose fault somebody has to mend


class EscPosPrinter:
    """Owns the line to one printer; for one thread.

    `is_stopping` ends long waits early. Marks of jobs that come at any time are kept for
    `take_heard`.
    """

    def __init__(
        self,
        line: PrinterLine,
        profile: Profile,
        *,
        timings: Timings | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.profile: Final = profile if line.has_way_back else _mute(profile)
        self._line = line
        self._timings = timings or Timings()
        self._is_stopping = is_stopping
        self._clock = clock
        self._parser = AnswerParser()
        self._heard: list[str] = []
        self._auto: AutoStatus | None = None  # the last that came by itself
        self._awaited: Callable[[object], bool] | None = None
        self._is_confirmed = False
        self._is_lost = False

    @property
    def address(self) -> str:
        """The address it was made from, for messages."""
        return self._line.address

    def set_stopping(self, is_stopping: Callable[[], bool]) -> None:
        """Name who says that long waits shall end."""
        self._is_stopping = is_stopping

    def status(self) -> Status:
        """Ask how it is. Total: a printer that cannot be asked has a fault, too.

        A printer that never answers is taken to be well when it can be opened.
        """
        try:
            self._open()
            if self.profile.answers is Answers.NONE:
                return Status()
            return self._ask_all()
        except DeviceError as error:
            self._lose(error)
            return Status(frozenset({Fault.UNREACHABLE}))

    def send(
        self,
        data: bytes,
        *,
        on_fault: Callable[[Fault], None] = lambda _fault: None,
        on_part: Callable[[int], None] = lambda _sent: None,
    ) -> None:
        """Hand over all of `data`; `on_part` hears how much is out so far.

        A printer that takes nothing for long is STALLED, then given up. Raises DeviceError; then
        nobody knows how much of the data was printed.
        """
        try:
            self._open()
            self._send(data, on_fault, on_part)
            if not self._line.flush(self._timings.give_up_s):
                raise DeviceGone("it takes no more bytes", self.address)
        except DeviceError as error:
            self._lose(error)
            raise

    def confirmation_request(self, process_id: str) -> bytes:
        """What to send behind a job so that the printer says when it is done; may be nothing."""
        match self.profile.answers:
            case Answers.PROCESS_ID:
                return ask_process_id(process_id)
            case Answers.IN_ORDER:
                return ask_in_order()
            case Answers.NONE | Answers.STATUS:
                return b""

    def await_confirmation(
        self, process_id: str, on_status: Callable[[Status], None] = lambda _status: None
    ) -> bool:
        """Wait until the printer says that it has done all that was sent; False when it does not.

        While it reports a fault that a person can mend, it is given `patience_s`: printers go on
        from where they stopped. `on_status` hears each status, and may kick the drawer. Raises
        DeviceError when the line breaks.
        """
        try:
            return self._await(self._confirmation_of(process_id), on_status)
        except DeviceError as error:
            self._lose(error)
            raise

    def await_well(self, on_status: Callable[[Status], None] = lambda _status: None) -> bool:
        """For a printer that tells no more than its status: wait until it can print.

        False when it reports a fault for too long. Raises DeviceError when the line breaks.
        """
        try:
            return self._await(None, on_status)
        except DeviceError as error:
            self._lose(error)
            raise

    def take_heard(self) -> list[str]:
        """The marks of jobs heard since the last call."""
        heard, self._heard = self._heard, []
        return heard

    def clear_remains(self) -> None:
        """End what a broken line left open in the printer, and cut it off; raises DeviceError.

        A printer that still waits for the dots of a picture would take the next job for them:
        NULs fill any picture that we send, and mean nothing to a printer that waits for none.
        Answers to questions of before are waited for, so that none is taken for the next job's.
        """
        picture_bytes = (self.profile.width_dots + 7) // 8 * self.profile.band_rows
        remains = (
            bytes(picture_bytes)
            + commands.INIT
            + commands.feed_lines(self.profile.feed_before_cut_lines)
            + commands.cut(self.profile.cutter)
        )
        if self.profile.answers is not Answers.IN_ORDER:
            self.send(remains)
            return
        self.send(remains + ask_in_order() * _FENCE_COUNT)
        self._await_fence()

    def _await_fence(self) -> None:
        """Wait for the answers to _FENCE_COUNT questions in a row, and for late ones before them.

        They come at once behind each other. So when as many answers have come as were asked for,
        and a late one was among them, the rest follow without a pause.
        """
        count = 0

        def is_last(answer: object) -> bool:
            nonlocal count
            count += isinstance(answer, OrderedByte)
            return count >= _FENCE_COUNT

        try:
            if not self._await(is_last, lambda _status: None):
                raise DeviceGone("it does not say that it has done what it was sent", self.address)
            while self._read_until(lambda _answer: True, self._timings.answer_s) is not None:
                pass
        except DeviceError as error:
            self._lose(error)
            raise

    def kick_drawer(self) -> Status:
        """Open the drawer now, or say why not; never later. A fault means that nothing was sent.

        A kick behind unprinted data would open the drawer when somebody puts in paper, so a printer
        that cannot print is kicked only if it obeys in real time. Raises DeviceError, and
        ValueError where no drawer is configured.
        """
        drawer = self.profile.drawer
        if drawer is None:
            raise ValueError(f"{self.address} has no drawer")
        status = self.status()
        is_mended_by_paper = not status.faults & {Fault.UNREACHABLE, Fault.SILENT, Fault.UNKNOWN}
        if status.can_print:
            self.send(commands.kick(drawer))
            return Status(pin3_high=status.pin3_high)
        if drawer.works_offline and is_mended_by_paper:
            self.send(commands.kick_now(drawer))
            return Status(pin3_high=status.pin3_high)
        return status

    def is_drawer_open(self, status: Status) -> bool | None:
        """What the contact says, None where none is wired or the printer did not tell."""
        level = self.profile.drawer.level if self.profile.drawer else DrawerLevel.NOT_WIRED
        if level is DrawerLevel.NOT_WIRED or status.pin3_high is None:
            return None
        return status.pin3_high == (level is DrawerLevel.HIGH_WHEN_OPEN)

    def release(self) -> None:
        """Let others at a printer in the network, which takes one connection at a time."""
        if self._line.is_shared:
            self._line.close()

    def close(self) -> None:
        """Let go of the line."""
        self._line.close()

    def _open(self) -> None:
        if self._line.is_open:
            return
        self._line.open()
        self._parser.reset()
        if self._is_lost:
            log.info("printer %s is there again", self.address)
            self._is_lost = False

    def _lose(self, error: DeviceError) -> None:
        self._line.close()
        if not self._is_lost:
            self._is_lost = True
            log.warning("printer %s does not work: %s", self.address, error.reason)

    def _send(
        self, data: bytes, on_fault: Callable[[Fault], None], on_part: Callable[[int], None]
    ) -> None:
        sent = 0
        since = self._clock()
        is_told = False
        while sent < len(data):
            count = self._line.send(data[sent : sent + CHUNK_BYTES], self._timings.poll_s / 4)
            now = self._clock()
            if count:
                sent, since, is_told = sent + count, now, False
                on_part(sent)
                continue
            self._notice()
            if now - since >= self._timings.stall_s and not is_told:
                is_told = True
                on_fault(Fault.STALLED)
            if now - since >= self._timings.give_up_s or self._is_stopping():
                raise DeviceGone("it takes no more bytes", self.address)

    def _notice(self) -> None:
        """Read what came, so that a printer that hung up is noticed while it takes nothing."""
        if self._line.has_way_back:
            self._read_until(lambda _answer: False, 0.0)

    def _await(
        self,
        confirms: Callable[[object], bool] | None,
        on_status: Callable[[Status], None],
    ) -> bool:
        """Until an answer confirms; with None, until the printer is well."""
        began = self._clock()
        silent_count = 0
        self._awaited = confirms
        self._is_confirmed = confirms is not None and any(
            confirms(ProcessDone(each)) for each in self._heard
        )
        while not self._is_stopping():
            if self._has_come():
                return True
            status = self._ask_all()
            on_status(status)
            if confirms is None and status.can_print:
                return True
            silent_count = silent_count + 1 if Fault.SILENT in status.faults else 0
            if silent_count >= _SILENT_POLLS_MAX:
                raise DeviceGone("it no longer answers", self.address)
            is_mendable = bool(status.faults & _MENDABLE)
            limit_s = self._timings.patience_s if is_mendable else self._timings.confirm_s
            if self._clock() - began >= limit_s:
                return False
        return False

    def _has_come(self) -> bool:
        """Whether the confirmation was read, in whatever came; waits for one poll."""
        if not self._is_confirmed:
            self._read_until(lambda _answer: self._is_confirmed, self._timings.poll_s)
        return self._is_confirmed

    def _confirmation_of(self, process_id: str) -> Callable[[object], bool]:
        if self.profile.answers is Answers.PROCESS_ID:
            return lambda answer: answer == ProcessDone(process_id)
        return lambda answer: isinstance(answer, OrderedByte)

    def _ask_all(self) -> Status:
        """DLE EOT 1 to 4. A printer that leaves one of 2 to 4 unanswered does not know it."""
        dropped_before = self._parser.dropped_bytes_count
        answers: dict[Ask, int] = {}
        self._auto = None
        for what in Ask:
            self._line.send(ask_status(what), self._timings.answer_s)
            found = self._read_until(_is_status, self._timings.answer_s)
            if isinstance(found, StatusByte):
                answers[what] = found.value
            elif what is Ask.PRINTER:
                break
        if self._parser.dropped_bytes_count > dropped_before:
            return Status(frozenset({Fault.UNKNOWN}))
        if answers:
            return status_of(answers)
        return self._told_by_itself()

    def _told_by_itself(self) -> Status:
        """For a printer that answers no question: what it sent meanwhile, if anything."""
        if self._auto is None:
            return Status(frozenset({Fault.SILENT}))
        return status_of_auto(self._auto)

    def _read_until(self, is_wanted: Callable[[object], bool], timeout_s: float) -> object | None:
        """The first answer that is wanted, None when it does not come in time."""
        deadline = self._clock() + timeout_s
        found: object | None = None
        while found is None:
            data = self._line.receive(max(0.0, deadline - self._clock()))
            for answer in self._parser.feed(data):
                self._keep(answer)
                if found is None and is_wanted(answer):
                    found = answer
            if not data and self._clock() >= deadline:
                break
        return found

    def _keep(self, answer: object) -> None:
        if isinstance(answer, ProcessDone):
            self._heard = [*self._heard[1 - HEARD_COUNT_MAX :], answer.process_id]
        elif isinstance(answer, AutoStatus):
            self._auto = answer
        if self._awaited is not None and self._awaited(answer):
            self._is_confirmed = True


def make_printer(text: str, *, timings: Timings | None = None) -> EscPosPrinter:
    """The printer of an address such as `tcp:192.168.1.50?profile=chinese-80&drawer=2`.

    Options beside those of the line: `profile` (a name of PROFILES), and what differs from it:
    `width` in dots, `text`, `cut`, `answers` (the words of the enumerations), `drawer` (2, 5 or
    0 for none), `pulse_ms`, `drawer_level`. Raises BadDeviceAddress.
    """
    address = parse_address(text)
    address.allow(LINE_OPTIONS.get(address.scheme, frozenset()) | _PROFILE_OPTIONS)
    return EscPosPrinter(make_line(address), profile_of(address), timings=timings)


def profile_of(address: DeviceAddress) -> Profile:
    """The profile that an address describes; raises BadDeviceAddress."""
    name = address.options.get("profile", DEFAULT_PROFILE)
    if name not in PROFILES:
        raise BadDeviceAddress(f"profile is one of {', '.join(PROFILES)}", address.text)
    profile = PROFILES[name]
    return replace(
        profile,
        width_dots=address.whole("width", profile.width_dots, low=192, high=1152),
        text=_word(address, "text", TextMode, profile.text),
        cutter=_word(address, "cut", Cutter, profile.cutter),
        answers=_word(address, "answers", Answers, profile.answers),
        drawer=_drawer(address, profile.drawer),
    )


def _drawer(address: DeviceAddress, usual: Drawer | None) -> Drawer | None:
    base = usual or Drawer()
    pin = address.whole("drawer", base.pin if usual else 0, low=0, high=5)
    if pin == 0:
        return None
    if pin not in {2, 5}:
        raise BadDeviceAddress("drawer is the pin it hangs on, 2 or 5, or 0 for none", address.text)
    return replace(
        base,
        pin=pin,
        pulse_on_ms=address.whole("pulse_ms", base.pulse_on_ms, low=2, high=510),
        level=_word(address, "drawer_level", DrawerLevel, base.level),
    )


def _word(address: DeviceAddress, name: str, kind: type[WordT], usual: WordT) -> WordT:
    text = address.options.get(name)
    if text is None:
        return usual
    try:
        return kind(text)
    except ValueError as error:
        raise BadDeviceAddress(
            f"{name} is one of {', '.join(each.value for each in kind)}", address.text
        ) from error


def _mute(profile: Profile) -> Profile:
    return replace(profile, answers=Answers.NONE)


def _is_status(answer: object) -> bool:
    return isinstance(answer, StatusByte)
