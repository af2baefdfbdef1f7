"""A gate that knows what the server knows takes a chip for the same ticket, or refuses it alike."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from gate_agent.presented import Presented, by_chip
from gate_agent.proofs import HeldChip
from sync_server.heart.arbiter import known_facts
from sync_server.heart.chips import ShownChip, resolve
from sync_server.heart.work import Work
from tests.fakes.examples import examples
from tests.fakes.hall import SetEnv
from tests.integration.sync_server.stage import EVENT, NOW
from tests.property.whole.test_same_answer import (
    AFTER,
    CHIPS,
    KEYS,
    MINUTES,
    UIDS,
    WHICH,
    House,
    two_who_know_the_same,
)
from ticketing.admission import Admit, Chip, LaneFacts, Refuse, decide_entry, decide_known
from ticketing.code import TicketCode, parse_code
from ticketing.credential import CredentialKind
from ticketing.operations import SaleLine
from ticketing.sun import make_sun

DEEDS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["bind", "bind", "bind", "unbind", "lost", "tap"]), WHICH, MINUTES
        ),
        st.tuples(st.sampled_from(["enter", "leave"]), WHICH, MINUTES),
        st.tuples(st.sampled_from(["void", "blocked"]), WHICH, st.just(0)),
    ),
    max_size=6,
)
COUNTER = 5


def held(at: int, kind: CredentialKind, line: SaleLine, *, signed: bool) -> HeldChip:
    """One of the chips, as it shows itself."""
    if kind is CredentialKind.SUN:
        assert KEYS.sun is not None
        made = make_sun(UIDS[at], COUNTER, KEYS.sun)
        link = f"?picc_data={made.picc_data.hex()}&cmac={made.mac.hex()}"
        return HeldChip(Chip(CHIPS[at], kind, counter=COUNTER), link=link)
    if kind is CredentialKind.UID:
        return HeldChip(Chip(CHIPS[at], kind))
    code = parse_code(line.code)
    assert isinstance(code, TicketCode)
    return HeldChip(Chip(CHIPS[at], kind, line.ticket_id, signed), code)


def answers(
    house: House, knowledge: GateKnowledge, chip: HeldChip, line: SaleLine, minute: int
) -> tuple[object, object]:
    """The server's and the gate's: (ticket, its type, the decision), or why it stands for none."""
    at, served = NOW + timedelta(minutes=minute), frozenset({line.performance})
    here = by_chip(chip, knowledge, LaneMemory(SetEnv()), served)
    ticket_id = here.code.facts.ticket_id if isinstance(here, Presented) else line.ticket_id
    shown = ShownChip(chip.by, ticket_id, chip.link, chip.chip.is_signed)
    scan: TicketCode | str = chip.code or "not_a_ticket"

    def there() -> object:
        def decide(work: Work) -> object:
            found = resolve(work, shown, scan, KEYS)
            if isinstance(found, Refuse):
                return found
            facts = known_facts(work, found, "")
            return told(found, facts, at, has_code=chip.code is not None)

        return house.stage.work(decide)

    if isinstance(here, Refuse):
        return there(), here
    facts = knowledge.facts(EVENT, here.code.facts, served)
    return there(), told(here.code, facts, at, has_code=here.has_code)


def told(code: TicketCode, facts: LaneFacts, at: datetime, *, has_code: bool) -> object:
    """The decision about a ticket, and which one it is about."""
    if has_code:
        decision: Admit | Refuse = decide_entry(code, facts, at=at)
    else:
        decision = decide_known(code.facts, facts, at=at)
    return code.facts.ticket_id, code.facts.ticket_type, decision


def test_server_and_gate_agree_about_chips() -> None:
    seen = Counter[str]()

    # Each example builds a house: a smaller failing one would take minutes to find.
    @settings(
        max_examples=examples(8),
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    @example([("bind", 0, 0), ("bind", 1, 1), ("lost", 1, 3), ("void", 2, 0)], False, 1)
    @example([("bind", 0, 2), ("tap", 0, 26), ("bind", 1, 5)], True, 1)
    @given(deeds=DEEDS, signed=st.booleans(), minute=AFTER)
    def compare(deeds: list[tuple[str, int, int]], signed: bool, minute: int) -> None:
        with two_who_know_the_same([], deeds) as (house, knowledge):
            for line in house.lines:
                for at in range(len(CHIPS)):
                    for kind in CredentialKind:
                        chip = held(at, kind, line, signed=signed)
                        server, gate = answers(house, knowledge, chip, line, minute)
                        assert gate == server
                        seen[gate.reason if isinstance(gate, Refuse) else "a ticket"] += 1

    compare()
    assert seen["a ticket"] > 0
    assert len(seen) > 2, "or this test says little"
