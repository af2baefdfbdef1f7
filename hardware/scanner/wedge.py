"""Tells a scanner that types from a person who types, by the times of the keys. Pure.

A keyboard wedge sends a code as key presses, to whatever has the focus: a code with a space in it
presses the button there. So every key is held back until it is clear whose it is:

- a run of at least `length_min` characters, no pause longer than `gap_ms`, most of them shorter than
  `typical_gap_ms`, all within `total_ms`, ended by Enter or Tab: a scan. Its keys reach no widget.
- the same run without an end: a scan cut short. Its keys reach no widget either, and the person is
  asked to scan again.
- anything else was typed, and is given back in order, at most `gap_ms` late.

A scanner that is set up to send a prefix needs no timing: from the prefix to the end it is a scan.

Judge by when keys were pressed (the event's own time) and not by when they were handled: a busy
window handles several at once. For the same reason let the window work off its waiting events
before `tick`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median_low
from typing import Final, Generic, TypeVar

EventT = TypeVar("EventT")

CODES_COUNT_MAX: Final = 64
"""Keys of a scan whose release is still to be kept away; no keyboard has more down at once."""


class KeyKind(StrEnum):
    """What a key means to us."""

    TEXT = "text"  # one character, with or without Shift
    END = "end"  # Return, Enter, Tab, line feed
    MODIFIER = "modifier"  # Shift, CapsLock and the like, by themselves: scanners send them
    OTHER = "other"  # everything else: F keys, arrows, Escape, anything with Ctrl or Alt


@dataclass(frozen=True, slots=True)
class Key(Generic[EventT]):
    """One key pressed. `event` is the caller's own, for giving it back.

    `code` tells keys apart for their release; `name` is what a prefix may be called ("F12").
    """

    kind: KeyKind
    at_ms: int
    code: int
    event: EventT
    text: str = ""
    name: str = ""
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class WedgeRules:
    """What counts as a scan. `prefix` is one character or the name of a key; empty for none.

    For `rest_ms` after a scan cut short, what comes is taken for the rest of it.
    """

    gap_ms: int = 100
    typical_gap_ms: int = 45
    total_ms: int = 1500
    length_min: int = 8
    length_max: int = 512
    rest_ms: int = 500
    prefix: str = ""
    prefixed_gap_ms: int = 500
    prefixed_total_ms: int = 5000

    def __post_init__(self) -> None:
        if not 2 <= self.length_min <= self.length_max:
            raise ValueError("a scan has at least two characters, and no fewer than it has at most")
        if not 0 < self.typical_gap_ms <= self.gap_ms:
            raise ValueError("the typical gap is no longer than the longest one")


@dataclass(frozen=True, slots=True)
class Burst:
    """A code that was scanned; not whole when its end is missing or it is too long."""

    text: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class GivenBack(Generic[EventT]):
    """A key that a person typed; when it is up again meanwhile, its release is due, too."""

    key: Key[EventT]
    is_released: bool


@dataclass(frozen=True, slots=True)
class Judged(Generic[EventT]):
    """What to do now: first give back the keys in order, then let the present one through or not.

    `takes_key` says that the present key stays with us: hand it to nobody.
    """

    given_back: tuple[GivenBack[EventT], ...] = ()
    burst: Burst | None = None
    takes_key: bool = False


class Recogniser(Generic[EventT]):
    """Holds keys back and decides. One per window; times are milliseconds that never go back."""

    def __init__(self, rules: WedgeRules | None = None) -> None:
        self._rules = rules or WedgeRules()
        self._held: list[Key[EventT]] = []
        self._released: set[int] = set()
        self._swallowed: list[int] = []
        self._is_prefixed = False
        self._is_overlong = False
        # A second end (line feed after return) and the rest of a scan cut short come after it.
        self._ends_until_ms = -1
        self._rest_until_ms = -1

    @property
    def deadline_ms(self) -> int | None:
        """When `tick` is due if no key comes before; None while nothing is held."""
        if not self._held:
            return None
        return self._held[-1].at_ms + self._gap_ms + 1

    def press(self, key: Key[EventT]) -> Judged[EventT]:
        """A key goes down."""
        if key.kind is KeyKind.MODIFIER:
            return Judged()
        if key.code in self._swallowed:
            self._swallowed.remove(key.code)
        if self._is_remainder(key):
            self._swallow(key)
            return Judged(takes_key=True)
        before = self._leave_stale(key.at_ms)
        now = self._judge(key)
        return Judged(before.given_back + now.given_back, now.burst or before.burst, now.takes_key)

    def release(self, code: int) -> bool:
        """A key goes up; True when that stays with us."""
        if any(key.code == code for key in self._held):
            self._released.add(code)
            return True
        if code in self._swallowed:
            self._swallowed.remove(code)
            return True
        return False

    def tick(self, now_ms: int) -> Judged[EventT]:
        """Time has passed: give back what nobody goes on with."""
        return self._leave_stale(now_ms)

    @property
    def _gap_ms(self) -> int:
        return self._rules.prefixed_gap_ms if self._is_prefixed else self._rules.gap_ms

    @property
    def _total_ms(self) -> int:
        return self._rules.prefixed_total_ms if self._is_prefixed else self._rules.total_ms

    def _leave_stale(self, now_ms: int) -> Judged[EventT]:
        """End a run that a key pressed at `now_ms` cannot belong to."""
        if not self._held:
            return Judged()
        is_fresh = now_ms - self._held[-1].at_ms <= self._gap_ms
        if is_fresh and now_ms - self._held[0].at_ms <= self._total_ms:
            return Judged()
        return self._leave()

    def _is_remainder(self, key: Key[EventT]) -> bool:
        """Whether a key belongs to the scan before it."""
        if key.kind is KeyKind.END and key.at_ms <= max(self._ends_until_ms, self._rest_until_ms):
            self._rest_until_ms = -1
            self._ends_until_ms = key.at_ms + self._rules.gap_ms
            return True
        if key.kind is KeyKind.TEXT and not self._held and key.at_ms <= self._rest_until_ms:
            self._rest_until_ms = max(self._rest_until_ms, key.at_ms + self._rules.gap_ms)
            return True
        return False

    def _judge(self, key: Key[EventT]) -> Judged[EventT]:
        if not self._held and self._is_prefix(key):
            self._is_prefixed = True
            return self._hold(key)
        match key.kind:
            case KeyKind.TEXT if not key.is_repeat:
                return self._hold(key)
            case KeyKind.END if self._is_scan():
                return self._scanned(key)
            case _:
                return self._leave()

    def _is_prefix(self, key: Key[EventT]) -> bool:
        prefix = self._rules.prefix
        return bool(prefix) and not key.is_repeat and prefix in {key.text, key.name}

    def _hold(self, key: Key[EventT]) -> Judged[EventT]:
        if len(self._held) > self._rules.length_max:
            # Nobody types like this: the rest of it is kept away, too, and counts for the time.
            self._is_overlong = True
            self._swallow(self._held.pop())
        self._held.append(key)
        self._released.discard(key.code)
        return Judged(takes_key=True)

    def _is_scan(self) -> bool:
        """Whether what is held was sent by a machine."""
        if self._is_prefixed:
            return True
        if len(self._held) < self._rules.length_min:
            return False
        gaps_ms = [after.at_ms - before.at_ms for before, after in pairwise(self._held)]
        return median_low(gaps_ms) <= self._rules.typical_gap_ms

    def _scanned(self, end: Key[EventT]) -> Judged[EventT]:
        burst = Burst(self._text(), is_whole=not self._is_overlong)
        self._ends_until_ms = end.at_ms + self._rules.gap_ms
        self._swallow(end)
        self._swallow_held()
        return Judged(burst=burst if burst.text else None, takes_key=True)

    def _leave(self) -> Judged[EventT]:
        """The run has ended without an end: a scan cut short is kept away, typing is given back."""
        is_cut_short = self._is_scan() and len(self._text()) >= self._rules.length_min
        if is_cut_short:
            burst = Burst(self._text(), is_whole=False)
            self._rest_until_ms = self._held[-1].at_ms + self._rules.rest_ms
            self._swallow_held()
            return Judged(burst=burst)
        given_back = tuple(GivenBack(key, key.code in self._released) for key in self._held)
        self._forget()
        return Judged(given_back)

    def _text(self) -> str:
        return "".join(key.text for key in self._held[self._is_prefixed :])

    def _swallow_held(self) -> None:
        for key in self._held:
            self._swallow(key)
        self._forget()

    def _swallow(self, key: Key[EventT]) -> None:
        if key.code not in self._released and key.code not in self._swallowed:
            self._swallowed = [*self._swallowed[1 - CODES_COUNT_MAX :], key.code]

    def _forget(self) -> None:
        self._held.clear()
        self._released.clear()
        self._is_prefixed = self._is_overlong = False
