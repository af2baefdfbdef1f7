"""A gate that knows what the server knows gives the server's answer, whatever the rules.

Both look their facts up in their own database, the gate in a mirror that it was told by the feed;
then both decide by the one engine. Other rules, tickets and histories each time.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edge.catalogue import MirrorCatalogue
from edge.mirror import Change
from edge.replica import Replica
from gate_agent.facts import GateKnowledge
from sync_server.heart.arbiter import known_facts
from sync_server.services.catalogue import store_catalogue
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.examples import examples
from tests.integration.sync_server.stage import (
    EVENT,
    GENERATION,
    NOW,
    SERVER_KEY,
    VENUE,
    Gate,
    Stage,
    Till,
    open_stage,
)
from tests.unit.ticketing.house import document
from ticketing.admission import Admit, Refuse, decide_entry
from ticketing.catalogue import parse_catalogue
from ticketing.code import TicketCode, parse_code
from ticketing.credential import CredentialKind, Medium, chip_keys, credential_ref
from ticketing.journal import OpKind
from ticketing.keys import public_of
from ticketing.operations import (
    ByCredential,
    CredentialBound,
    CredentialUnbound,
    EntryPassage,
    Passed,
    SaleLine,
    TicketLeft,
    encode_credential_bound,
    encode_credential_unbound,
    encode_entry,
    encode_left,
    encode_passage,
)

RULES = st.fixed_dictionaries(
    {"entries": st.sampled_from([1, 1, 2, "unlimited"])},
    optional={
        "each_day": st.booleans(),
        "early_minutes": st.sampled_from([0, 60]),
        "late_minutes": st.sampled_from([0, 60]),
        "gates": st.sampled_from(["any", ["own"], ["VIP"], ["own", "VIP"]]),
        "reentry_minutes": st.sampled_from([0, 20, "unlimited"]),
        "passback": st.sampled_from(["none", "soft", "hard"]),
    },
)
KEYS = chip_keys(bytes(range(32)))
UIDS = (bytes.fromhex("04E10CDA993C80"), bytes.fromhex("04E10CDA993C81"))
CHIPS = tuple(credential_ref(KEYS, Medium.NFC, uid.hex().upper()) for uid in UIDS)
KINDS = tuple(CredentialKind)
WHICH = st.integers(0, 2)
MINUTES = st.integers(0, 90)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["enter", "enter", "leave", "return"]), WHICH, MINUTES),
        st.tuples(st.sampled_from(["void", "disputed", "blocked"]), WHICH, st.just(0)),
        st.tuples(st.sampled_from(["revoke", "write_off"]), st.just(0), st.just(0)),
    ),
    max_size=6,
)
GATES = st.sampled_from(["", "VIP", "1 号门", "Gate 1", "Gate 9"])
AFTER = st.one_of(MINUTES, st.sampled_from([-120, -40, 24 * 60, 240]))


@dataclass
class House:
    """A till that sold two tickets and printed a third without telling; a gate with a journal."""

    stage: Stage
    till: Till
    gate: Gate
    lines: tuple[SaleLine, ...]

    @classmethod
    def built(cls, stage: Stage, rules: list[dict[str, Any]]) -> House:
        written = document()
        written["events"][0]["entry_rules"] = {"rules": rules}
        read = parse_catalogue(written, source="test", now=NOW)
        stage.do(lambda tx: store_catalogue(tx, read))
        till = stage.till()
        grant = till.borrow(1, 2, 3)
        sale = till.sell(grant, 1, 2)
        till.push()
        return cls(stage, till, stage.gate(), (*sale.lines, till.line(3, grant.id)))

    def do(self, deed: str, line: SaleLine, minute: int) -> None:
        run = self.stage.do
        match deed:
            case "enter":
                self.gate.let_in(line, minute=minute)
            case "leave":
                at_ms = self.gate.entry(line, minute=minute).at_ms
                unit, version = line.unit, line.version
                left = TicketLeft(line.ticket_id, line.performance, unit, version, 1, "out", at_ms)
                self.gate.say(OpKind.EXIT, encode_left(left))
            case "return":
                entry = self.gate.say(
                    OpKind.ENTRY, encode_entry(self.gate.entry(line, minute=minute))
                )
                passage = EntryPassage(entry.op_id, line.ticket_id, Passed.RETURNED, 1)
                self.gate.say(OpKind.PASSAGE, encode_passage(passage))
            case "blocked":
                run(
                    lambda tx: tx.run(
                        "UPDATE ticket SET blocked = 'x' WHERE unit = :u", u=line.unit
                    )
                )
            case "bind" | "unbind" | "lost" | "tap":
                self.do_with_chip(deed, line, minute)
            case "revoke":
                run(lambda tx: tx.run("UPDATE node SET state = 'revoked' WHERE role = 'till'"))
            case "write_off":
                run(lambda tx: tx.run("UPDATE allot SET state = 'written_off'"))
            case _:
                run(
                    lambda tx: tx.run(
                        "UPDATE ticket SET state = :s WHERE unit = :u", s=deed, u=line.unit
                    )
                )
        self.gate.push()

    def do_with_chip(self, deed: str, line: SaleLine, minute: int) -> None:
        """Something with one of two chips; `minute` chooses which, and of what kind."""
        ref, kind = CHIPS[minute % 2], KINDS[minute % 3]
        at_ms = round(NOW.timestamp() * 1000) + minute
        match deed:
            case "bind":
                bound = CredentialBound(ref, line.ticket_id, kind, 1, "li", at_ms)
                self.till.say(OpKind.CREDENTIAL_BOUND, encode_credential_bound(bound))
            case "tap":
                tap = ByCredential(ref, CredentialKind.SUN, minute % 10)
                entry = replace(self.gate.entry(line, minute=minute), by_credential=tap)
                self.gate.say(OpKind.ENTRY, encode_entry(entry))
            case _:
                off = CredentialUnbound(ref, line.ticket_id, "li", at_ms, deed == "lost")
                self.till.say(OpKind.CREDENTIAL_UNBOUND, encode_credential_unbound(off))
        self.till.push()


@contextmanager
def two_who_know_the_same(
    rules: list[dict[str, Any]], deeds: list[tuple[str, int, int]]
) -> Iterator[tuple[House, GateKnowledge]]:
    """The house after the deeds, and a gate that has read the feed to its end."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        stage = opened.enter_context(open_stage(folder))
        house = House.built(stage, rules)
        for deed, which, minute in deeds:
            house.do(deed, house.lines[which], minute)
        reader = stage.gate("Gate 2")
        enrolled_folder(folder / "gate", "gate", reader.node_id)
        replica = Replica(folder / "gate")
        opened.callback(replica.close)
        for stream in (VENUE, EVENT):
            page = stage.pull(reader, stream)
            assert page is not None
            assert not page.more
            rows: Any = page.rows
            changes = [Change(kind, rev, body) for kind, rev, body in rows]
            replica.mirror.apply(stream, GENERATION, changes, page.next)
        yield (
            house,
            GateKnowledge(replica, MirrorCatalogue(replica.mirror), public_of(SERVER_KEY)),
        )


def answers(
    house: House, knowledge: GateKnowledge, line: SaleLine, gate: str, minute: int
) -> tuple[Admit | Refuse, Admit | Refuse]:
    """The server's and the gate's."""
    code = parse_code(line.code)
    assert isinstance(code, TicketCode)
    at = NOW + timedelta(minutes=minute)
    server_facts = house.stage.work(lambda work: known_facts(work, code, gate))
    gate_facts = knowledge.facts(EVENT, code.facts, frozenset({line.performance}), gate)
    return decide_entry(code, server_facts, at=at), decide_entry(code, gate_facts, at=at)


def test_server_and_gate_agree_about_many_things() -> None:
    seen = Counter[str]()

    # Each example builds a house: a smaller failing one would take minutes to find.
    @settings(
        max_examples=examples(25),
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    @given(rules=st.lists(RULES, max_size=2), deeds=DEEDS, gate=GATES, minute=AFTER)
    def compare(
        rules: list[dict[str, Any]], deeds: list[tuple[str, int, int]], gate: str, minute: int
    ) -> None:
        with two_who_know_the_same(rules, deeds) as (house, knowledge):
            for line in house.lines:
                server, at_gate = answers(house, knowledge, line, gate, minute)
                assert at_gate == server
                seen["admit" if isinstance(server, Admit) else server.reason] += 1

    compare()
    assert seen["admit"] > 0
    assert len(seen) > 3, "or this test says little"
