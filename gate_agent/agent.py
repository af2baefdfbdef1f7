"""The gate's process: node, camera, decoder, relay and lane put together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from edge.catalogue import MirrorCatalogue
from edge.env import MachineEnv
from edge.node import Node, open_node
from edge.sync import Listeners
from gate_agent.admit import Doorman
from gate_agent.arbiter import Arbiter, Lane
from gate_agent.facts import GateKnowledge
from gate_agent.lane import LaneRunner
from gate_agent.memory import LaneMemory
from gate_agent.screen.board import Board
from gate_agent.screen.opening import start_screen
from gate_agent.settings import GateSettings
from hardware.camera.grabber import Camera
from hardware.camera.source import make_source
from hardware.errors import DeviceError
from hardware.qr.eye import Eye
from hardware.relay.driver import Relay, make_relay
from program.logs import get_logger

_log = get_logger(__name__)


def run_agent(
    settings: GateSettings, stop: threading.Event, say: Callable[[dict[str, object]], None]
) -> None:
    """Run one lane until `stop`. Raises EdgeError or BadDeviceAddress before it has begun."""
    relay = make_relay(settings.lane.relay)
    camera = Camera(make_source(settings.lane.camera))
    with ExitStack() as opened:  # closed in the opposite order, each whatever the others do
        env, url = MachineEnv(), settings.server_url
        node = open_node(settings.data_dir, url, "gate", env, settings.witness_dir)
        opened.callback(node.replica.close)
        opened.callback(node.engine.stop)
        arbiter = Arbiter(node.new_client, node.env)
        opened.callback(arbiter.stop)
        opened.callback(_let_go, relay)
        opened.callback(camera.stop)
        catalogue = MirrorCatalogue(node.replica.mirror)
        node.engine.listeners = Listeners(
            pulled=lambda _stream, kinds: _read_ahead(catalogue, kinds)
        )
        _shut(relay)
        catalogue.events()
        node.engine.start()
        camera.start()
        board = Board([settings.lane.name])
        opened.callback(start_screen(settings.screen, settings.language, board, catalogue))

        def show_and_say(line: dict[str, object]) -> None:
            board.decided(line)
            say(line)

        _log.info("lane_running", lane=settings.lane.name, camera=camera.address)
        _runner(settings, node, catalogue, arbiter, camera, relay, show_and_say).run(stop)
    _log.info("lane_stopped", lane=settings.lane.name)


def _runner(
    settings: GateSettings,
    node: Node,
    catalogue: MirrorCatalogue,
    arbiter: Arbiter,
    camera: Camera,
    relay: Relay,
    say: Callable[[dict[str, object]], None],
) -> LaneRunner:
    server_key = bytes.fromhex(node.identity.server_key)

    def corrected_ms() -> int:
        return node.env.wall_ms() + node.engine.link.server_ahead_ms

    doorman = Doorman(
        Lane(settings.lane.name, frozenset(settings.lane.performances), settings.lane.gate),
        node.identity.node_id,
        GateKnowledge(node.replica, catalogue, server_key),
        node.replica,
        arbiter,
        node.env,
        LaneMemory(node.env),
    )
    return LaneRunner(
        doorman,
        camera,
        Eye(),
        relay,
        settings.lane.pulse_ms,
        settings.language,
        say,
        corrected_ms,
        node.engine.nudge,
        settings.lane.several_codes,
    )


def _read_ahead(catalogue: MirrorCatalogue, kinds: frozenset[str]) -> None:
    """Parse new plans when they arrive, not when the first visitor holds up a ticket."""
    if "doc" in kinds:
        catalogue.events()


def _shut(relay: Relay) -> None:
    """A restart leaves the barrier shut; a board that is away is opened when it is back."""
    try:
        relay.all_off()
    except DeviceError as error:
        _log.warning("relay_gone", error=str(error))


def _let_go(relay: Relay) -> None:
    """A port whose device is gone may refuse even to be closed."""
    with suppress(DeviceError):
        relay.close()
