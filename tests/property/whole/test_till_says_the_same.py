"""What a till says that the gate would say is what a gate says that has heard the same.

The till has its own feed and the server's answer about the order, over the wire; the gate has the
gates' feed. Other rules, tickets and histories each time, as in `test_same_answer`.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from edge.admission_facts import Issuers
from edge.catalogue import MirrorCatalogue
from edge.handing import ToldOrder, read_told_order
from edge.identity import NodeKey
from edge.mirror import Change
from edge.replica import Replica
from pos_app.services.after_sale_finding import OwnOrder
from pos_app.services.after_sale_gate import GateOutlook, LastTold
from pos_app.services.after_sale_model import AtGate, TicketStanding
from sync_server.handlers.orders_api import _to_json
from sync_server.services.orders import read_order
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.examples import examples
from tests.integration.sync_server.stage import EVENT, GENERATION, NOW, SERVER_KEY, VENUE
from tests.property.whole.test_same_answer import (
    AFTER,
    DEEDS,
    RULES,
    House,
    answers,
    two_who_know_the_same,
)
from ticketing.admission import Admit, Reason, Refuse
from ticketing.keys import public_of
from ticketing.returns import SoldOrder
from ticketing.text import Text

USED_AND_BLOCKED = [("enter", 0, 1), ("blocked", 1, 0)]
GATES = ("", "VIP", "1 号门", "Gate 1", "Gate 9")


@contextmanager
def outlook(house: House, minute: int) -> Iterator[tuple[GateOutlook, MirrorCatalogue]]:
    """A till that has read its own feed to the end. Its clock stands still."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        key = NodeKey(house.till.private, public_of(house.till.private))
        enrolled_folder(folder / "till", "till", house.till.node_id)
        replica = Replica(folder / "till")
        opened.callback(replica.close)
        for stream in (VENUE, EVENT):
            page = house.stage.pull(house.till, stream)
            assert page is not None
            rows: Any = page.rows
            changes = [Change(kind, rev, body) for kind, rev, body in rows]
            replica.mirror.apply(stream, GENERATION, changes, page.next)
        at = NOW + timedelta(minutes=minute)
        issuers = Issuers(public_of(SERVER_KEY))
        yield GateOutlook(replica, key, issuers, lambda: at), MirrorCatalogue(replica.mirror)


def told_by(house: House, *, with_codes: bool) -> ToldOrder:
    """The server's answer about the order that was pushed, over the wire."""
    ticket = house.lines[0].ticket_id
    found = house.stage.do(lambda tx: read_order(tx.connection, EVENT, "", ticket))
    assert found is not None
    return read_told_order(EVENT, json.loads(json.dumps(_to_json(found, with_codes=with_codes))))


def said_by_the_till(house: House, minute: int, *, own: bool) -> dict[str, AtGate]:
    """Of each ticket of the order, by the till that sold it, or by another that has no code."""
    told = told_by(house, with_codes=own)
    states = dict.fromkeys(told.states, TicketStanding.VALID)
    sold = SoldOrder(told.states, own=own, same_shift=False, acknowledged=True)
    order = OwnOrder(EVENT, told.order, told.sold_ms, 0, sold, states, {})
    with outlook(house, minute) as (said, catalogue):
        known = catalogue.event(EVENT)
        assert known is not None
        of_order = said.of_order(order, known, LastTold(told.at_gate, NOW))
        return {str(ticket): one for ticket, one in of_order.items()}


def names(gates: tuple[Text | str, ...]) -> set[str]:
    each = [{gate} if isinstance(gate, str) else set(dict(gate.names).values()) for gate in gates]
    return set().union(*each)


def test_till_and_gate_agree_at_the_gates_that_the_till_names() -> None:
    seen = Counter[str]()

    # Each example builds a house: a smaller failing one would take minutes to find.
    @settings(
        max_examples=examples(10),
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    @example(rules=[{"entries": 1, "gates": ["own"]}], deeds=USED_AND_BLOCKED, own=True, minute=5)
    @example(rules=[{"entries": 1}], deeds=USED_AND_BLOCKED, own=False, minute=5)
    @given(rules=st.lists(RULES, max_size=2), deeds=DEEDS, own=st.booleans(), minute=AFTER)
    def compare(
        rules: list[dict[str, Any]], deeds: list[tuple[str, int, int]], own: bool, minute: int
    ) -> None:
        with two_who_know_the_same(rules, deeds) as (house, knowledge):
            said = said_by_the_till(house, minute, own=own)
            for line in house.lines[:2]:
                till = said[line.ticket_id]
                for gate in GATES:
                    at_gate = answers(house, knowledge, line, gate, minute)[1]
                    if gate and till.gates and gate not in names(till.gates):
                        is_other = (
                            isinstance(at_gate, Refuse) and at_gate.reason is Reason.WRONG_GATE
                        )
                        assert is_other or at_gate == till.decision, "or refused before"
                        seen["other gate"] += is_other
                    else:
                        assert at_gate == till.decision
                decision = till.decision
                seen["admit" if isinstance(decision, Admit) else decision.reason] += 1

    compare()
    assert seen[Reason.ALREADY_USED] >= 2
    assert seen[Reason.BLOCKED] >= 2
    assert seen["other gate"] >= 2
