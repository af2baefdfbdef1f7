"""One lane put together: its readers, its barrier, and the parts that the supervisor keeps going."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from edge.catalogue import MirrorCatalogue
from edge.node import Node
from gate_agent.admit import Doorman
from gate_agent.arbiter import Arbiter, Lane, Rest
from gate_agent.barrier import BarrierPart
from gate_agent.barrier_state import BarrierRules
from gate_agent.facts import GateKnowledge
from gate_agent.lane import LaneRunner
from gate_agent.lane_book import LaneBook
from gate_agent.lane_lines import LaneLines
from gate_agent.looking import CameraWatch, ReaderWatch
from gate_agent.memory import LaneMemory
from gate_agent.passages import Passages
from gate_agent.settings import NO_CAMERA, Direction, LaneSettings
from gate_agent.supervision import Part
from hardware.barrier import Barrier
from hardware.camera.grabber import Camera
from hardware.camera.source import make_source
from hardware.errors import DeviceError
from hardware.qr.eye import Eye
from hardware.reader import Reader, make_reader
from ticketing.credential import ChipKeys


@dataclass(slots=True)
class LaneParts:
    """One lane. Started once, closed once."""

    settings: LaneSettings
    runner: LaneRunner
    barrier: BarrierPart
    book: LaneBook
    arbiter: Arbiter
    camera: Camera | None
    readers: tuple[Reader, ...]
    chip_keys: Callable[[], ChipKeys | None] = lambda: None
    supervised: tuple[Part, ...] = field(default=())

    def start(self) -> None:
        """Have the devices begin to read."""
        self.book.begin()
        if self.camera is not None:
            self.camera.start()
        for reader in self.readers:
            reader.start()

    def parts(self, stop: threading.Event) -> tuple[Part, ...]:
        """What the supervisor keeps going until `stop`."""
        name = self.settings.name
        parts = [Part(f"{name}: barrier", self.barrier.run, stop)]
        if self.camera is not None:
            watch = CameraWatch(self.camera, Eye(), self.runner, self.settings.several_codes)
            parts.append(Part(f"{name}: camera", watch.run, stop))
        parts += [
            Part(
                f"{name}: {reader.address}",
                ReaderWatch(reader, self.runner, self.chip_keys).run,
                stop,
            )
            for reader in self.readers
        ]
        self.supervised = tuple(parts)
        return self.supervised

    def close(self) -> None:
        """Let go of everything; the barrier's part did so with its board when it ended."""
        for reader in self.readers:
            reader.stop()
        if self.camera is not None:
            self.camera.stop()
        with suppress(DeviceError):  # a port whose device is gone may refuse even to be closed
            self.barrier.barrier.close()
        self.book.close()
        self.arbiter.stop()


def make_lane(
    settings: LaneSettings,
    language: str,
    node: Node,
    catalogue: MirrorCatalogue,
    memory: LaneMemory,
    rest: Rest,
    barrier: Barrier,
    say: Callable[[dict[str, object]], None],
    corrected_ms: Callable[[], int],
    nudge: Callable[[], None],
    chip_keys: Callable[[], ChipKeys | None] = lambda: None,
) -> LaneParts:
    """A lane, not yet started. `nudge` is called when something was recorded. Raises BadDeviceAddress. Its arbiter's thread waits already."""
    camera = None if settings.camera == NO_CAMERA else Camera(make_source(settings.camera))
    readers = tuple(make_reader(address) for address in settings.readers)
    arbiter = Arbiter(node.new_client, node.env, rest)
    knowledge = GateKnowledge(node.replica, catalogue, bytes.fromhex(node.identity.server_key))
    doorman = Doorman(
        Lane(settings.name, frozenset(settings.performances), settings.gate),
        node.identity.node_id,
        knowledge,
        node.replica,
        arbiter,
        node.env,
        memory,
    )
    leads_out = settings.direction is Direction.EXIT
    book = LaneBook(Passages(doorman), leads_out, say, corrected_ms, nudge)
    rules = BarrierRules(settings.pulse_ms, barrier.has_passage_contact, leads_out)
    part = BarrierPart(barrier, rules, book)
    lines = LaneLines(settings.name, knowledge, language, say)
    runner = LaneRunner(doorman, part, book, lines, corrected_ms, nudge, leads_out=leads_out)
    return LaneParts(settings, runner, part, book, arbiter, camera, readers, chip_keys)
