"""Allotments against a model: whatever comes in whatever order, each unit is sold once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge.allotments import Grant, give_back, install, take, units_of
from edge.journal import Unit, acknowledge, head_of, set_meta, unacked
from edge.journal_schema import SCHEMA
from edge.replica import Replica
from tests.fakes.edge_node import EVENT, enrolled_folder, write
from tests.fakes.examples import examples
from ticketing.ids import AllotmentId
from ticketing.terms import Anchor

UNITS = range(1, 6)
numbers = st.integers(1, 4)


def lent(number: int) -> tuple[int, ...]:
    """What allotment `number` lends: the server always says the same of the same id."""
    return tuple(unit for unit in UNITS if (unit + number) % 3)


class LentUnits(RuleBasedStateMachine):
    """The journal's tables against two dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA)
        self.unit = Unit(self.connection)
        set_meta(self.unit, "incarnation", "1")
        self.allotments: dict[int, str] = {}
        self.units: dict[int, tuple[int, str]] = {}
        self.sold: list[int] = []

    def teardown(self) -> None:
        self.connection.close()

    @rule(number=numbers, state=st.sampled_from(["open", "open", "closed", "written_off"]))
    def hear_of(self, number: int, state: str) -> None:
        pairs = tuple((unit, number) for unit in lent(number))
        grant = Grant(AllotmentId("0a1b2c3d", number), 1, number % 2 == 0, state, pairs)
        install(self.unit, EVENT, grant)
        known = self.allotments.get(number)
        if known is None:
            self.allotments[number] = state
            if state == "open":
                for unit in lent(number):
                    if self.units.get(unit, (0, "released"))[0] < number:
                        self.units[unit] = (number, "free")
                        self.sold = [each for each in self.sold if each != unit]
        elif known == "open" and state != "open":
            self.allotments[number] = state
            self._release(number)

    def _release(self, number: int) -> None:
        for unit, (owner, state) in self.units.items():
            if (owner, state) == (number, "free"):
                self.units[unit] = (owner, "released")

    @rule(wanted=st.sampled_from(UNITS))
    def sell(self, wanted: int) -> None:
        got = take(self.unit, EVENT, 1, wanted, Anchor(0.0, "", 0, 0))
        owner, state = self.units.get(wanted, (0, "released"))
        assert (got is not None) == (state == "free")
        if got is not None:
            assert (got.allotment.number, got.version) == (owner, owner)
            self.units[wanted] = (owner, "sold")
            self.sold.append(wanted)

    @rule(wanted=st.lists(st.sampled_from(UNITS), max_size=4))
    def put_back(self, wanted: list[int]) -> None:
        told = give_back(self.unit, EVENT, 1, wanted)
        for allotment, units in told.items():
            for unit in units:
                assert self.units[unit] == (allotment.number, "free")
                assert allotment.number % 2 == 0
                self.units[unit] = (allotment.number, "released")
        assert all(
            self.units[unit][1] != "free" or self.units[unit][0] % 2
            for unit in wanted
            if unit in self.units
        )

    @invariant()
    def file_and_model_agree(self) -> None:
        found = units_of(self.connection, EVENT, 1)
        assert {n: (unit.allotment.number, unit.state) for n, unit in found.items()} == self.units
        assert len(set(self.sold)) == len(self.sold)


TestLentUnits = LentUnits.TestCase
TestLentUnits.settings = settings(max_examples=examples(40), stateful_step_count=25)


@settings(max_examples=examples(12))
@given(
    bodies=st.lists(st.text('a票"\\\U0001f3ad', max_size=60), min_size=1, max_size=12),
    ops_max=st.integers(1, 5),
    bytes_max=st.integers(1, 900),
)
def test_batches_together_are_the_journal(bodies: list[str], ops_max: int, bytes_max: int) -> None:
    with TemporaryDirectory() as place:
        enrolled_folder(Path(place))
        with closing(Replica(Path(place))) as replica:
            written = [write(replica, body=body)[0] for body in bodies]
            sent, prev_hash = [], "0" * 64
            while True:
                with replica.reading() as connection:
                    head = head_of(connection, EVENT)
                    prev, ops = unacked(connection, head, ops_max=ops_max, bytes_max=bytes_max)
                assert prev == prev_hash
                if not ops:
                    break
                assert len(ops) <= ops_max
                sent += ops
                prev_hash = ops[-1].hash
                acked = ops[-1].seq
                replica.transact(partial(acknowledge, head=head, acked=acked, answers=()))
            assert sent == written
