"""Lives in which a chip stands for a ticket: shown beside its paper, lost, or after the money went
back. It says its number alone: whoever knows that can copy it, as a printed code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.credentials import bind_chip, unbind_chip
from gate_agent.admit import LetIn, TurnedAway
from gate_agent.proofs import HeldChip
from tests.simulation.house import EVENT
from tests.simulation.lives import is_let_in, money_goes_back, rests, scanned, sold_and_known
from tests.simulation.lives_of_doors import cut_off
from tests.simulation.verdicts import Astray, Violation
from ticketing.admission import Chip
from ticketing.code import TicketCode, TicketFacts, parse_code
from ticketing.credential import CredentialKind, CredentialRef
from ticketing.operations import CredentialBound, CredentialUnbound

if TYPE_CHECKING:
    from tests.simulation.gates import Gate
    from tests.simulation.world import World

_REF = CredentialRef("c1" * 16)
_HELD = HeldChip(Chip(_REF, CredentialKind.UID))


def shown_beside_its_paper(world: World) -> None:
    """The chip is shown at one gate, which is cut off once it has let it in; the paper at another."""
    code = _bound_and_known(world)
    one, other = world.gates[:2]
    is_let_in(_tapped(world, one, code, cut_off_s=30))
    scanned(world, other, code)
    rests(world)


def shown_with_its_paper_here(world: World) -> None:
    """Chip and paper are shown at a gate that hears nobody."""
    code = _bound_and_known(world)
    gate = world.gates[0]
    cut_off(world, gate, 30)
    is_let_in(_tapped(world, gate, code))
    scanned(world, gate, code)
    rests(world)


def taken_back(world: World) -> None:
    """The ticket's money went back; later, when all know, its chip is shown."""
    code = _bound_and_known(world)
    money_goes_back(world)
    _tapped(world, world.gates[0], code)
    rests(world)


def lost(world: World) -> None:
    """The chip was told to be lost; later, when all know, somebody shows it, to a gate that can ask
    and to one that cannot.
    """
    code = _bound_and_known(world)
    till, (one, other) = world.tills[0], world.gates[:2]
    told = CredentialUnbound(_REF, _facts(code).ticket_id, "p1", till.node.env.wall_ms(), True)
    till.node.replica.transact(
        lambda unit: unbind_chip(unit, till.node.env, EVENT, told, CredentialKind.UID)
    )
    till.node.engine.nudge()
    world.works.run(world.works.now + 20)
    cut_off(world, other, 30)
    for gate in (one, other):
        if isinstance(_tapped(world, gate, code), LetIn):
            raise Violation("I8", f"{gate.name} let a chip in that everybody knows to be lost")
    is_let_in(scanned(world, one, code))  # its ticket is as good as before
    rests(world)


def _bound_and_known(world: World) -> str:
    """The code of a ticket for which a chip stands, as everybody has heard."""
    code = sold_and_known(world)
    facts, till = _facts(code), world.tills[0]
    at_ms = till.node.env.wall_ms()
    bound = CredentialBound(
        _REF, facts.ticket_id, CredentialKind.UID, facts.ticket_type, "p1", at_ms
    )
    till.node.replica.transact(lambda unit: bind_chip(unit, till.node.env, EVENT, bound))
    till.node.engine.nudge()
    world.works.run(world.works.now + 20)
    return code


def _tapped(world: World, gate: Gate, code: str, *, cut_off_s: float = 0) -> LetIn | TurnedAway:
    """What becomes of the chip at a gate, which may be cut off before it can push that."""
    came: list[LetIn | TurnedAway] = []

    def tap() -> None:
        came.append(gate.scan(code, _HELD))
        if cut_off_s:
            cut_off(world, gate, cut_off_s)

    world.works.spawn(gate.process, tap)
    world.works.run(world.works.now + 0.5)
    if not came:
        raise Astray(f"{gate.name} did not answer")
    return came[0]


def _facts(code: str) -> TicketFacts:
    read = parse_code(code)
    assert isinstance(read, TicketCode)
    return read.facts
