"""Visitors at the lanes of a soak: each holds a ticket up until there is an answer, and walks."""

from __future__ import annotations

import itertools
import os
import queue
import random
import threading
import time
import tty
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hardware.relay.simulator import RelaySimulator
from tests.bench._soak_house import Gate
from tests.fakes.frames import render_code, write_frame

ANSWER_S = 2.5
"""Whoever has no answer by then takes the ticket away and holds it up again."""
PATIENCE_S = 60.0
"""Whoever has none by then has been missed."""
_AWAY_S = 1.7
_CONTACT_S = 0.2
_TURNS_BACK, _SHOWS_AGAIN = 0.01, 0.03
_WAIT_S = 5.5
_DONE_MAX = 500


class Holds(Protocol):
    """Where a ticket is held up."""

    def show(self, code: str) -> bool:
        """Hold it up; False where nobody can see it now."""
        ...

    def unplug(self) -> None:
        """Pull the cable."""
        ...

    def plug_in(self) -> None:
        """Put it back."""
        ...


class PtyImager:
    """An imager at a serial port, which may be pulled out."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._guard = threading.Lock()
        self._ends: tuple[int, int] | None = None
        self.plug_in()

    def show(self, code: str) -> bool:
        """Send the code as a line."""
        with self._guard:
            if self._ends is None:
                return False
            with suppress(BlockingIOError):
                os.write(self._ends[0], code.encode() + b"\r")
            return True

    def unplug(self) -> None:
        """The port vanishes."""
        with self._guard:
            ends, self._ends = self._ends, None
            if ends is not None:
                self._link.unlink(missing_ok=True)
                for end in ends:
                    os.close(end)

    def plug_in(self) -> None:
        """A new port under the same name."""
        with self._guard:
            if self._ends is not None:
                return
            master, slave = os.openpty()
            tty.setraw(master)
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._ends = (master, slave)
            fresh = self._link.with_suffix(".new")
            fresh.symlink_to(os.ttyname(slave))
            fresh.replace(self._link)


class PictureFolder:
    """A camera that sees the pictures of a folder, which may vanish."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._away = folder, folder.with_suffix(".away")
        folder.mkdir()
        self._guard = threading.Lock()
        self._names = itertools.count(1)
        self._is_away = False

    def show(self, code: str) -> bool:
        """One more picture; those before it are thrown away."""
        with self._guard:
            if self._is_away:
                return False
            for old in self._folder.glob("*.png"):
                old.unlink()
            picture = render_code(code, module_pixels=4)
            write_frame(self._folder / f"{next(self._names):08d}.png", picture)
            return True

    def unplug(self) -> None:
        """The folder is gone."""
        with self._guard:
            if not self._is_away:
                self._folder.rename(self._away)
                self._is_away = True

    def plug_in(self) -> None:
        """It is back."""
        with self._guard:
            if self._is_away:
                self._away.rename(self._folder)
                self._is_away = False


@dataclass
class Visitors:
    """The people of one lane, one after the other."""

    name: str
    holds: Holds
    gate: Gate
    board: RelaySimulator
    contact: int
    papers: deque[tuple[str, str]]
    stop: threading.Event
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[dict[str, Any]] = field(default_factory=list)
    """Answers that should not have been."""
    _done: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_DONE_MAX))

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.gate.lines[self.name] = self._answers
        self.thread = threading.Thread(target=self._come, name=self.name, daemon=True)

    def _come(self) -> None:
        while not self.stop.is_set():
            if self._done and self._rng.random() < _SHOWS_AGAIN:
                self._copy(*self._rng.choice(self._done))
            try:
                ticket, code = self.papers.popleft()
            except IndexError:
                self.counts["no_more_tickets"] += 1
                return
            self._visit(ticket, code)

    def _visit(self, ticket: str, code: str) -> None:
        """One person, from the ticket held up to the other side of the barrier."""
        self.counts["visitors"] += 1
        began_s = time.monotonic()
        while not self.stop.is_set():
            line = self._answer_to(ticket, code)
            if line is None:
                if time.monotonic() - began_s > PATIENCE_S:
                    self.counts["missed"] += 1
                    return
                continue
            if line["decision"] == "refuse":
                if self._is_put_off(line):
                    time.sleep(_AWAY_S)
                    continue
                self.counts["shut_out"] += 1
                self.wrong.append(line)
                return
            if line["barrier"] == "opened":
                self._walk(ticket, code)
                return
            self.counts["barrier_failed"] += 1
            time.sleep(_AWAY_S)

    def _is_put_off(self, line: dict[str, Any]) -> bool:
        """Refused for now: a disk that is full, and what nobody has heard of yet."""
        reason = str(line["reason"])
        self.counts[reason] += 1
        # What was granted elsewhere than on our disk is ours again once the server's word has come.
        return reason in ("not_recorded", "cut_off", "already_used") and self.counts[reason] < 200

    def _answer_to(self, ticket: str, code: str) -> dict[str, Any] | None:
        if not self.holds.show(code):
            time.sleep(0.2)
            return None
        end_s = time.monotonic() + ANSWER_S
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                line = self._answers.get(timeout=left_s)
            except queue.Empty:
                break
            if line.get("ticket") == ticket:
                return line
        self.counts["shown_again"] += 1
        return None

    def _walk(self, ticket: str, code: str) -> None:
        if self._rng.random() < _TURNS_BACK:
            self.counts["turned_back"] += 1
            time.sleep(_WAIT_S)
            self.papers.append((ticket, code))
            return
        self.board.set_input(self.contact, on=True)
        time.sleep(_CONTACT_S)
        self.board.set_input(self.contact, on=False)
        time.sleep(_CONTACT_S)
        self.counts["walked"] += 1
        self._done.append((ticket, code))

    def _copy(self, ticket: str, code: str) -> None:
        """Somebody comes with a copy of a ticket that went in here."""
        line = self._answer_to(ticket, code)
        if line is not None and line["decision"] == "admit":
            self.counts["copy_admitted"] += 1
            self.wrong.append(line)
        elif line is not None:
            self.counts["copy_refused"] += 1
