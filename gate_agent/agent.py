"""The gate's process: node, lanes with their readers and barriers, and what is told of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from edge.catalogue import MirrorCatalogue
from edge.chip_keys import ChipKeyring
from edge.env import MachineEnv
from edge.errors import ReplicaError
from edge.link import LinkState
from edge.node import Node, open_node
from edge.sync import Listeners
from gate_agent.arbiter import Rest
from gate_agent.case_desk import CaseDesk
from gate_agent.counts import Counts
from gate_agent.desks import Desks
from gate_agent.double_entries import DoubleEntryWatch
from gate_agent.facts import GateKnowledge
from gate_agent.hand_desk import HandDesk
from gate_agent.lane_book import TAILGATE
from gate_agent.lane_desk import LaneDesk
from gate_agent.lane_parts import LaneParts, make_lane
from gate_agent.memory import LaneMemory
from gate_agent.screen.board import Board
from gate_agent.screen.opening import start_screen
from gate_agent.screen_view import lane_view
from gate_agent.service_manager import ServiceManager
from gate_agent.settings import GateSettings
from gate_agent.status import StatusFile, StatusSource, gate_status
from gate_agent.supervision import Part
from hardware.barrier import make_barriers
from program.logs import get_logger

Line = dict[str, object]
Say = Callable[[Line], None]
_JOIN_TIMEOUT_S = 3.0
_log = get_logger(__name__)


class Agent:
    """A gate that is open. Other parts of the process (a screen) listen to it and ask it."""

    def __init__(
        self,
        settings: GateSettings,
        node: Node,
        catalogue: MirrorCatalogue,
        lanes: Sequence[LaneParts],
        counts: Counts,
        memory: LaneMemory,
        board: Board,
        double_entries: DoubleEntryWatch,
    ) -> None:
        self.settings, self.node, self.catalogue = settings, node, catalogue
        self.lanes = tuple(lanes)
        self.counts = counts
        self.board = board
        self.double_entries = double_entries
        self._memory = memory
        self._started_ms = node.env.wall_ms()

    def status(self) -> dict[str, object]:
        """How this gate is now: see `gate_agent.status.gate_status`. From any thread; never raises."""
        source = StatusSource(
            self.node,
            self.lanes,
            self.counts,
            self._memory,
            self._started_ms,
            now_ms := self.corrected_ms(),
            self.double_entries.open_count(now_ms),
        )
        return gate_status(source)

    def show(self, status: Line) -> None:
        """Have the screens show how the lanes are."""
        now_ms = self.corrected_ms()
        with suppress(ReplicaError):  # they go on showing what they showed
            for lane in self.lanes:
                self.board.status(lane.settings.name, lane_view(status, lane, now_ms))

    def corrected_ms(self) -> int:
        """The server's clock as well as this gate knows it, Unix milliseconds."""
        return corrected_ms(self.node)


def run_agent(settings: GateSettings, stop: threading.Event, say: Say) -> None:
    """Run the gate until `stop`. Raises EdgeError or BadDeviceAddress before it has begun."""
    manager = ServiceManager.from_environment(os.environ, os.getpid())
    with open_agent(settings, say) as agent, running(agent, stop) as parts:
        _log.info("gate_running", lanes=[lane.settings.name for lane in agent.lanes])
        manager.ready()
        watch_parts(parts, manager, stop)
        manager.stopping()
    _log.info("gate_stopped")


def watch_parts(parts: Sequence[Part], manager: ServiceManager, stop: threading.Event) -> None:
    """Until `stop`: tell the service manager that the gate lives, as long as all its parts do.

    A part that ends ends nothing else here: where nobody watches, the others go on.
    """
    hung: set[str] = set()
    while True:
        silent = {part.name for part in parts if not part.lives(time.monotonic())}
        if stop.is_set():  # then they end one by one, as they should
            return
        for name in sorted(silent - hung):
            _log.error("part_hangs", part=name)
        hung = silent
        if not silent:
            manager.alive()
        stop.wait(manager.period_s)


@contextmanager
def open_agent(settings: GateSettings, say: Say) -> Iterator[Agent]:
    """Everything opened, nothing started. Raises EdgeError or BadDeviceAddress."""
    barriers = make_barriers(lane.wiring for lane in settings.all_lanes)
    board = Board([lane.name for lane in settings.all_lanes])

    def show_and_say(line: Line) -> None:
        if "decision" in line or "hint" in line or line.get("event") == TAILGATE:
            board.decided(line)
        elif "case" in line:
            board.case()
        say(line)

    with ExitStack() as opened:  # closed in the opposite order, each whatever the others do
        env = MachineEnv()
        node = open_node(settings.data_dir, settings.server_url, "gate", env, settings.witness_dir)
        opened.callback(node.replica.close)
        opened.callback(node.engine.stop)
        catalogue = MirrorCatalogue(node.replica.mirror)
        memory, rest = LaneMemory(env), Rest()
        counts = Counts(node.replica, catalogue, lambda: corrected_ms(node), settings.language)

        def nudge() -> None:
            counts.changed()
            node.engine.nudge()

        keyring = ChipKeyring(node.replica.folder, node.engine, env)
        lanes = []
        for lane_settings, barrier in zip(settings.all_lanes, barriers, strict=True):
            lane = make_lane(
                lane_settings,
                settings.language,
                node,
                catalogue,
                memory,
                rest,
                barrier,
                show_and_say,
                lambda: corrected_ms(node),
                nudge,
                lambda: keyring.keys,
            )
            opened.callback(lane.close)
            lanes.append(lane)
        watch = _watch(settings, node, catalogue, show_and_say)

        def pulled(_stream: str, kinds: frozenset[str]) -> None:
            _read_ahead(catalogue, counts, kinds)
            watch.on_pulled(kinds)

        node.engine.listeners = Listeners(pulled=pulled, greeted=keyring.on_link)
        yield Agent(settings, node, catalogue, lanes, counts, memory, board, watch)


@contextmanager
def running(agent: Agent, stop: threading.Event) -> Iterator[Sequence[Part]]:
    """Everything started; gives its parts. All ended at the end, which sets `stop`."""
    agent.catalogue.events()
    agent.double_entries.on_pulled(frozenset({"case"}))  # what has been open since before
    settings = agent.settings
    status = StatusFile(agent.node.replica.folder, agent.status, agent.show)
    parts = [part for lane in agent.lanes for part in lane.parts(stop)]
    parts += [Part("status", status.run, stop), Part("counts", agent.counts.run, stop)]
    agent.node.engine.start()
    try:
        for lane in agent.lanes:
            lane.start()
        for part in parts:
            part.start()
        end_screen = start_screen(
            settings.screen, settings.language, agent.board, agent.catalogue, _desks(agent)
        )
        try:
            yield tuple(parts)
        finally:
            end_screen()
    finally:
        stop.set()
        for part in parts:
            if not part.join(_JOIN_TIMEOUT_S):
                _log.warning("part_still_running", part=part.name)
        status.last_word()


def _desks(agent: Agent) -> Desks | None:
    """What staff may do here; None where no lane leads in."""
    runners = [lane.runner for lane in agent.lanes]
    ways_in = [runner for runner in runners if not runner.leads_out]
    if not ways_in:
        return None
    link, node = agent.node.engine, agent.node
    tickets = HandDesk(ways_in, lambda: link.link.state is not LinkState.ONLINE)
    return Desks(tickets, LaneDesk(runners), CaseDesk(node.replica.mirror, node.identity.node_id))


def _watch(
    settings: GateSettings, node: Node, catalogue: MirrorCatalogue, say: Say
) -> DoubleEntryWatch:
    knowledge = GateKnowledge(node.replica, catalogue, bytes.fromhex(node.identity.server_key))
    return DoubleEntryWatch(
        node.replica.mirror,
        node.identity.node_id,
        lambda performance, unit: knowledge.place_of(performance, unit, settings.language),
        settings.language,
        say,
    )


def corrected_ms(node: Node) -> int:
    """The node's clock, put right by what the server's said."""
    return node.env.wall_ms() + node.engine.link.server_ahead_ms


def _read_ahead(catalogue: MirrorCatalogue, counts: Counts, kinds: frozenset[str]) -> None:
    """Parse new plans when they arrive, not when the first visitor holds up a ticket."""
    if "doc" in kinds:
        catalogue.events()
    if kinds & {"entry", "ticket", "doc"}:
        counts.changed()
