"""A hub on the venue's network: it answers its gates with the cable to the centre cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from gate_agent.admit import LetIn, TurnedAway
from pos_app.services.model import Sold
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from tests.bench._house import BenchNode, Journal
from tests.chaos.wires import Mode, Wire
from tests.fakes.edge_node import wait_until
from tests.integration.sync_server.conftest import SampleHouse, house, sample
from tests.integration.sync_server.support import HouseOnDisk
from tests.integration.whole.centre_thread import Counter, counter
from tests.integration.whole.hub_stage import LIMIT_S, Gate, HubHouse, hub_house
from ticketing.admission import Reason
from ticketing.journal import ROOT_HASH, Op, OpKind, op_to_wire
from ticketing.operations import SaleLine, decode_sale

__all__ = ["SampleHouse", "house", "sample"]
EVENT = "swan-lake"


@dataclass
class Below:
    """A house whose hub answers for its event, and two gates below it."""

    all: HubHouse
    hub: Settings
    url: str
    wan: Wire
    gates: tuple[Gate, Gate]


@pytest.fixture
def below(house: HouseOnDisk, tmp_path: Path) -> Iterator[Below]:
    with hub_house(house, tmp_path) as made:
        hub, wan = made.new_hub(), made.lay()
        url = made.stack.enter_context(made.running_hub(hub, wan))
        one, other = (made.gate(url, name) for name in ("Gate A", "Gate B"))
        made.give_to_hub()
        wait_until(partial(made.is_whole, hub), LIMIT_S)
        yield Below(made, hub, url, wan, (one, other))


def test_with_the_cable_cut_a_ticket_enters_once_at_all_gates_of_the_hub(below: Below) -> None:
    house, centre = below.all, below.all.house.settings
    (one, code), (other, later) = house.sell(), house.sell()
    for gate in below.gates:
        wait_until(partial(gate.knows, "ticket", other), LIMIT_S)
    below.wan.set(Mode.REFUSE)

    granted = below.gates[0].ask(code)
    refused = below.gates[1].ask(code)
    assert granted["accepted"]
    assert (refused["accepted"], refused["reason"]) == (False, "already_used")
    wait_until(partial(below.gates[1].knows, "entry", granted["op"], "op_id"), LIMIT_S)
    entered = below.gates[0].show(later)
    assert isinstance(entered, LetIn)
    wait_until(partial(below.gates[1].knows, "entry", entered.op_id, "op_id"), LIMIT_S)
    assert isinstance(below.gates[1].show(later), TurnedAway)
    wait_until(lambda: below.gates[0].unsynced == 0, LIMIT_S)
    assert house.rows(centre, "SELECT 1 FROM entry") == []
    wait_until(lambda: below.gates[0].agent.node.engine.link.server_behind_ms > 0, LIMIT_S)

    below.wan.mend(cut=True)
    found = {one: (granted["op"], 0), other: (entered.op_id, 1)}
    for ticket_id, told in found.items():
        wait_until(
            lambda t=ticket_id, told=told: (
                [  # type: ignore[misc]
                    (e["op_id"], e["journalled"]) for e in house.entries(centre, t)
                ]
                == [told]
            ),
            LIMIT_S,
        )
    kept = "SELECT node_id, seq, op_id, hash FROM op WHERE kind = 'entry'"
    assert house.rows(centre, kept) == house.rows(below.hub, kept)
    assert house.cases(centre, "double_entry") == []


def test_two_gates_that_cannot_hear_each_other_are_found_and_the_hub_gives_back(
    below: Below,
) -> None:
    """One gate at the hub, one at the centre, which answers nobody while the hub does."""
    house, centre = below.all, below.all.house.settings
    gate, far = below.gates[0], house.gate(house.centre_url, "Gate C")
    (first, code), (second, later) = house.sell(), house.sell()
    for each in (gate, far):
        wait_until(partial(each.knows, "ticket", second), LIMIT_S)
    below.wan.set(Mode.REFUSE)
    entered, alone = gate.show(code), far.show(code)
    assert isinstance(entered, LetIn)
    assert isinstance(alone, LetIn)
    assert alone.offline, "the centre does not answer for the hub's event"
    house.ask_back()
    assert gate.ask(later)["accepted"], "the hub has not heard that it is to stop"

    below.wan.mend(cut=True)
    for each in (gate, far):
        wait_until(partial(each.knows, "case_file", f"double_entry:{first}"), LIMIT_S)
    ours = {entered.op_id, alone.op_id}
    wait_until(lambda: {e["op_id"] for e in house.entries(centre, first)} == ours, LIMIT_S)
    wait_until(lambda: {e["op_id"] for e in house.entries(below.hub, first)} == ours, LIMIT_S)
    wait_until(lambda: not house.arbiter().hub, LIMIT_S)
    refused = far.ask(later)
    assert (refused["accepted"], refused["reason"]) == (False, "already_used")
    assert far.ask(house.sell()[1])["accepted"]
    assert gate.ask(house.sell()[1])["accepted"], "the hub asks the centre now"


def test_with_the_cable_cut_tills_below_the_hub_sell_and_its_gates_let_in(below: Below) -> None:
    house, centre = below.all, below.all.house.settings
    names = ("Counter 2", "Counter 3")
    tills = [
        house.stack.enter_context(counter(house.house, below.url, house.folder / name, name))
        for name in names
    ]
    ready = "SELECT 1 FROM allot WHERE node_id = (SELECT v FROM meta WHERE k = 'hub_id') AND perf_id = 1"
    wait_until(lambda: len(house.rows(below.hub, ready)) >= 5, LIMIT_S)
    below.wan.set(Mode.REFUSE)

    sold = [sale for till in tills for sale in [till.sell(2)]]
    lines = [line for till, sale in zip(tills, sold, strict=True) for line in lines_of(till, sale)]
    assert len({line.unit for line in lines}) == 4
    for line in lines[::2]:
        wait_until(partial(below.gates[0].knows, "ticket", line.ticket_id), LIMIT_S)
        assert below.gates[0].ask(line.code)["accepted"]
    assert house.rows(centre, "SELECT 1 FROM ticket") == []

    below.wan.mend(cut=True)
    states = "SELECT state FROM ticket ORDER BY id"
    wait_until(lambda: len(house.rows(centre, states)) == len(lines), LIMIT_S)
    assert {row[0] for row in house.rows(centre, states)} == {"valid"}
    assert house.rows(centre, "SELECT kind FROM case_file") == []
    far = house.gate(house.centre_url, "Gate C")
    wait_until(partial(far.knows, "ticket", lines[1].ticket_id), LIMIT_S)
    assert isinstance(far.show(lines[1].code), LetIn)


@pytest.mark.expected_errors("generation_began", "hub_disowned")
def test_another_machine_takes_a_lost_hubs_place_and_no_entry_is_lost(
    house: HouseOnDisk, tmp_path: Path
) -> None:
    with hub_house(house, tmp_path) as made:
        old, wan = made.new_hub(), made.lay()
        centre = made.house.settings
        with made.running_hub(old, wan) as url:
            gate, other = (made.gate(url, name) for name in ("Gate A", "Gate B"))
            made.give_to_hub()
            wait_until(partial(made.is_whole, old), LIMIT_S)
            ticket_id, code = made.sell()
            wait_until(partial(gate.knows, "ticket", ticket_id), LIMIT_S)
            wan.set(Mode.REFUSE)
            entered = gate.show(code)
            assert isinstance(entered, LetIn)
            op_id = entered.op_id
            wait_until(lambda: gate.unsynced == 0, LIMIT_S)
        assert made.entries(centre, ticket_id) == [], "it was at the lost hub alone"

        new = made.replacement()
        with made.running_hub(new, made.lay(), at=url):
            wait_until(
                lambda: [e["op_id"] for e in made.entries(centre, ticket_id)] == [op_id], LIMIT_S
            )
            wait_until(partial(made.is_whole, new), LIMIT_S)
            wait_until(partial(other.knows, "entry", op_id, "op_id"), LIMIT_S)
            refused = other.show(code)
            assert isinstance(refused, TurnedAway)
            assert refused.reason is Reason.ALREADY_USED
            assert made.cases(centre, "double_entry") == []
            wan.mend(cut=True)
            with made.running_hub(old, wan) as left_behind:
                wait_until(lambda: made.says(left_behind) == "hub_replaced", LIMIT_S)


def test_a_log_that_the_hub_fenced_is_kept_by_the_centre(below: Below) -> None:
    """Two copies of one gate, as far as their journals go."""
    house, centre = below.all, below.all.house.settings
    with httpx.Client(base_url=below.url, timeout=60, trust_env=False) as http:
        copied = BenchNode(http, NodeRole.GATE).enrol(centre, "Gate C").sign_in()
        one, other = Journal(copied, house.event_id), Journal(copied, house.event_id)
        send = partial(sent, http, copied)
        assert send("push", [one.say(OpKind.ENTRY, "{}")]) == (200, None)
        relayed = "SELECT state FROM journal WHERE node_id = :n AND seq = 1"
        wait_until(lambda: house.rows(centre, relayed, n=copied.id), LIMIT_S)
        log = [other.say(OpKind.ENTRY, "{}"), other.say(OpKind.ENTRY, "{}")]
        assert send("push", log) == (409, "journal_forked")
        assert send("salvage", log) == (200, None)
        kept = "SELECT op_id FROM op WHERE node_id = :n AND branch <> '' ORDER BY seq"
        found = [row.op_id for row in house.rows(centre, kept, n=copied.id)]
        assert found == [op.op_id for op in log]
        below.wan.set(Mode.REFUSE)
        assert send("salvage", log) == (503, "no_centre")


def lines_of(till: Counter, sold: Sold) -> tuple[SaleLine, ...]:
    """What a till has just sold."""
    with till.node.replica.reading() as connection:
        row = connection.execute(
            "SELECT body FROM orders WHERE id = ?", (sold.order_id,)
        ).fetchone()
    sale = decode_sale(row["body"])
    assert sale is not None
    return sale.lines


def sent(
    http: httpx.Client, node: BenchNode, call: str, ops: Sequence[Op]
) -> tuple[int, str | None]:
    """The status, and the code of a refusal."""
    body = {"inc": 1, "first": 1, "prev": ROOT_HASH, "ops": list(map(op_to_wire, ops))}
    headers = {"Authorization": f"Bearer {node.token}"}
    answer = http.post(f"/v1/e/{EVENT}/{call}", json=body | {"unsynced": 0}, headers=headers)
    return answer.status_code, answer.json().get("code")
