"""A gate's lane and the people in front of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from edge.catalogue import MirrorCatalogue
from edge.errors import EdgeError
from edge.sync import Listeners
from gate_agent import arbiter
from gate_agent.admit import Doorman, LetIn
from gate_agent.arbiter import Lane
from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from gate_agent.passages import Passages, WentOut
from gate_agent.proofs import HeldChip
from tests.simulation.fibers import Process
from tests.simulation.house import SERVER_PRIVATE, Enrolled, fake_public
from tests.simulation.nodes import Machine, open_node

if TYPE_CHECKING:
    from tests.simulation.world import World


_TURNS_BACK = 15
_PASSES, _LEAVES = range(8, 15), range(4, 12)


class SimArbiter:
    """Asks within the budget, as the real one does on its thread."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._client = gate.node.new_client()
        self._rest_until_s = 0.0

    def ask(
        self, stream: str, op_id: Any, code: str, lane: Lane, seen: list[Any], chip: Any = None
    ) -> Any:
        """Accepted, Denied, or NoAnswer."""
        env = self._gate.node.env
        if env.monotonic_s() < self._rest_until_s:
            return arbiter.NoAnswer()
        body = arbiter.question(op_id, code, lane, seen, chip)
        self._gate.world.oracle.asked(op_id)
        self._gate.unanswered = op_id
        try:
            reply = self._client.admit(stream, body, budget_s=arbiter.BUDGET_S)
            self._gate.unanswered = ""
            return arbiter._answer(reply)
        except EdgeError:
            self._gate.world.oracle.unheard(op_id)
            self._rest_until_s = env.monotonic_s() + arbiter.REST_S
            return arbiter.NoAnswer()


class Gate:
    """One gate with one lane."""

    def __init__(self, world: World, enrolled: Enrolled, machine: Machine | None = None) -> None:
        self.world = world
        self.machine = machine or Machine(world, enrolled)
        self.process = Process(self.machine.name, dead=True)
        self.node: Any = None
        self.doorman: Doorman
        self.basket: list[int] = []
        self.unanswered = ""
        """The operation id of this scan's question to the arbiter, as long as nobody answers it."""

    @property
    def name(self) -> str:
        """Its name in the story."""
        return self.machine.name

    def start(self) -> None:
        """The program is started."""
        self.process = Process(self.name)
        self.world.say(self.name, lambda: "starts")
        self.world.works.spawn(self.process, self._main)

    def _main(self) -> None:
        self.node = node = open_node(self.machine, self.process)
        catalogue = MirrorCatalogue(node.replica.mirror)
        node.engine.listeners = Listeners()
        self.doorman = Doorman(
            Lane(self.name, frozenset()),
            node.identity.node_id,
            GateKnowledge(node.replica, catalogue, fake_public(SERVER_PRIVATE)),
            node.replica,
            SimArbiter(self),
            node.env,
            LaneMemory(node.env),
        )
        with self.world.starting_process(self.process):
            node.engine.start()
        world = self.world
        while True:
            world.works.sleep(self.process, world.rng.expovariate(1 / world.mix.scan_s))
            if world.demand and not world.oracle.node_is_lost(self.machine):
                code = world.oracle.somebodys_code()
                if code is not None:
                    self.scan(code)

    def scan(self, code: str, held: HeldChip | None = None) -> Any:
        """Somebody holds up a ticket: its code, or the chip that stands for it."""
        node = self.node
        now_ms = node.env.wall_ms() + node.engine.link.server_ahead_ms
        generation = self.world.server.centre.generation.short
        refusal, self.unanswered = self.world.oracle.refusal_read(self.machine, code), ""
        if held is None:
            outcome = self.doorman.scan(code, now_ms)
        else:
            outcome = self.doorman.scan_chip(held, now_ms)
        if not isinstance(outcome, LetIn):
            self.world.say(self.name, lambda: f"refuses {code[-6:]}: {outcome.reason}")
            self.world.happened(f"refused_{outcome.reason}")
            return outcome
        self.world.oracle.let_in_against(self.machine, outcome, refusal)
        self.world.oracle.let_in_as_asked(self.machine, outcome, self.unanswered)
        node.env.maybe_crash("before_barrier")
        # Drawn from the operation's id, so that houses without such doings draw as they always did.
        fate = int(outcome.op_id[-1], 16) if self.world.mix.shape.entries > 1 else 0
        turns_back = fate == _TURNS_BACK and outcome.recorded and not outcome.again
        if not turns_back:
            reign = self.world.reign(outcome.op_id, generation)
            self.world.oracle.went_in(self.machine, outcome, reign)
        node.env.maybe_crash("after_barrier")
        with suppress(EdgeError):  # it did open; at worst the ticket is offered once more
            self.doorman.commanded(outcome)
            self._afterwards(outcome, code, fate, now_ms, turns_back=turns_back)
        node.engine.nudge()
        return outcome

    def _afterwards(
        self, let_in: LetIn, code: str, fate: int, now_ms: int, *, turns_back: bool
    ) -> None:
        """Somebody passes, turns back, or goes out again."""
        passages = Passages(self.doorman)
        if turns_back:
            passages.returned(let_in, now_ms)
            self.world.oracle.turned_back(self.machine, let_in)
        elif fate in _PASSES:
            passages.passed(let_in, now_ms)
            self.world.happened("entry_passed")
        if fate in _LEAVES and not turns_back:
            left = passages.leave(code, now_ms + 1)
            if isinstance(left, WentOut) and left.recorded:
                self.world.oracle.went_out(self.machine, let_in)
