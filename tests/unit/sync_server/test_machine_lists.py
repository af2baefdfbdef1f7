"""Lists of machines: as people count, and no longer than people read."""

from __future__ import annotations

import random

from sync_server.console.node_view import machine_rows
from sync_server.services.machines import Machine
from sync_server.services.nodes import name_order
from sync_server.services.permissions import NodeRole


def test_machines_are_in_the_order_in_which_people_count() -> None:
    names = ["", "2", "10", "Gate 1", "Gate 2", "Gate 2 b", "Gate 10", "Window 007", "二号窗"]
    mixed = random.Random(7).sample(names, len(names))
    assert sorted(mixed, key=name_order) == names


def test_a_list_names_some_of_the_gates_that_do_not_know_a_till() -> None:
    gates = tuple(f"Gate {number}" for number in range(1, 100))
    till = Machine("n1", "Window 1", NodeRole.TILL, "active", 1, "", False, 0, 0, 0, gates, "")
    (row,) = machine_rows([till], {}, "en")
    assert row.unknown_brief == "Gate 1, Gate 2, Gate 3, Gate 4, 95 more"
    assert row.unknown_at.endswith("Gate 98, Gate 99")
    (row,) = machine_rows([till], {}, "zh_CN")
    assert row.unknown_brief.endswith("Gate 4、另 95 个")
