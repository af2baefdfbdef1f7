"""Safeguards of a hub switched off, as `switches.py` does with the house's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from sync_server.heart import arbiter, arbiters, below, granted, intake
from sync_server.heart.rows import EntryRow
from sync_server.hub import api, centre_time, relaying, stock, taking_in, upstream
from ticketing.ids import OpId
from ticketing.journal import Op, chain_op, op_to_wire

if TYPE_CHECKING:
    from sync_server.heart.work import Work
    from tests.simulation.world import World


def hub_answers_unread(_world: World) -> AbstractContextManager[object]:
    """A hub answers once it reads its name, whatever the feed has behind it."""

    def answers_here(work: Work, us: str) -> bool:
        now = arbiters.arbiter_of(work)
        return now.hub == us and not now.asked_back

    return mock.patch.object(arbiter, "answers_here", answers_here)


def hub_stops_before_it_told(_world: World) -> AbstractContextManager[object]:
    """A hub that is asked back says at once that it has stopped, and tells the rest later."""
    real = upstream.Upstream._relay_turn

    def relay_turn(self: Any, client: Any) -> None:
        for stream, epoch in self._read(lambda c: relaying.asked_back(c, self.hub_id)).items():
            client.post(f"/v1/e/{stream}/stopped", {"epoch": epoch})
            self._asleep_until = self._hub.world.works.now + 5
        if self._hub.world.works.now >= getattr(self, "_asleep_until", 0.0):
            real(self, client)

    return mock.patch.object(upstream.Upstream, "_relay_turn", relay_turn)


def old_word_counts(_world: World) -> AbstractContextManager[object]:
    """What a hub said of an earlier turn is taken for this one."""

    def apply(_self: arbiters.Stopped, work: Work) -> Any:
        now = arbiters.arbiter_of(work)
        return arbiters._put(work, arbiters.ArbiterOf(epoch=now.epoch + 1))

    return mock.patch.object(arbiters.Stopped, "apply", apply)


def old_hub_goes_on(_world: World) -> AbstractContextManager[object]:
    """A hub that was replaced, and knows it, takes what gates send."""

    async def let_through(request: Any, handler: Any) -> Any:
        return await handler(request)

    return mock.patch.object(api, "refuse_beyond_us", let_through)


def hub_takes_untold(_world: World) -> AbstractContextManager[object]:
    """A hub judges what comes of an event of which it knows the name alone."""

    async def is_told(_request: Any, _stream: str) -> bool:
        return True

    return mock.patch.object(api, "_is_told", is_told)


def relay_names_anew(_world: World) -> AbstractContextManager[object]:
    """A hub passes entries on as operations of its own making, with hashes that fit."""
    real, hashes = relaying.next_batch, dict[tuple[str, str, int, int], str]()

    def next_batch(connection: Any, journal: Any) -> Any:
        batch = real(connection, journal)
        place = (journal.stream, journal.node_id, journal.incarnation)
        prev = first = hashes.get((*place, journal.seq), journal.hash)
        ops: list[Op] = []
        for op in batch.ops:
            stream, node_id, incarnation = place
            name, said = OpId(op.op_id[::-1]), (op.kind, op.version, op.wall_ms, op.body)
            anew = chain_op(prev, stream, node_id, incarnation, op.seq, name, *said)
            prev = hashes[*place, op.seq] = anew.hash
            ops.append(anew)
        return replace(batch, journal=replace(journal, hash=first), ops=tuple(ops))

    return mock.patch.object(upstream, "next_batch", next_batch)


def relay_counts_anew(_world: World) -> AbstractContextManager[object]:
    """A hub numbers what it passes on by its own count."""

    def counted(op: Op) -> list[object]:
        return op_to_wire(replace(op, seq=op.seq + 1))

    return mock.patch.object(relaying, "op_to_wire", counted)


def rows_overwrite_entries(_world: World) -> AbstractContextManager[object]:
    """The centre's row of an entry takes the place of what a hub knows."""

    def put_entries(work: Work, told: Any) -> set[str]:
        rows = [taking_in._row(work, EntryRow, columns) for columns in told]
        taking_in._put_rows(work, work.entries, EntryRow, told, lambda row: row.op_id)
        work.want_entries(row.ticket_id for row in rows)
        work.fetch()
        return {row.ticket_id for row in rows}

    return mock.patch.object(taking_in, "_put_entries", put_entries)


def hub_clock_is_believed(_world: World) -> AbstractContextManager[object]:
    """The centre takes what a hub's clock shows for the time."""
    real = granted.TakeGranted.apply

    def apply(self: granted.TakeGranted, work: Work) -> int:
        return real(replace(self, hub=""), work)

    return mock.patch.object(granted.TakeGranted, "apply", apply)


def clocks_below_are_not_told(_world: World) -> AbstractContextManager[object]:
    """A hub passes journals on without saying how wrong their nodes' clocks are."""
    real = relaying.next_batch

    def next_batch(connection: Any, journal: Any) -> Any:
        return replace(real(connection, journal), clock_ahead_ms=None)

    return mock.patch.object(upstream, "next_batch", next_batch)


def told_clock_is_not_kept(_world: World) -> AbstractContextManager[object]:
    """What a node told of its clock with its operations a hub forgets with its run."""
    return mock.patch.object(below.PushBelow, "apply", intake.Push.apply)


def lent_on_twice(_world: World) -> AbstractContextManager[object]:
    """A hub gives one till what another has."""
    real = stock.LendOn._may_lend

    def may_lend(self: stock.LendOn, allot: Any) -> bool:
        is_open = allot.state == "open" and allot.perf_id == self.wish.performance
        return real(self, allot) or is_open

    def ready(self: stock.LendOn, work: Any) -> list[Any]:
        rows = work.sql.rows("SELECT id FROM allot WHERE event_id = ?", work.stream)
        found = [work.allots.get(row[0]) for row in rows]
        return [one for one in found if may_lend(self, one)]

    return mock.patch.object(stock.LendOn, "_ready", ready)


def old_stock_is_lent_on(_world: World) -> AbstractContextManager[object]:
    """A hub's new machine lends on what the lost one may have given to a till."""

    def may_lend(self: stock.LendOn, allot: Any) -> bool:
        is_here = (allot.node_id, allot.perf_id) == (self.hub_id, self.wish.performance)
        return is_here and allot.state == "open" and not allot.recall

    return mock.patch.object(stock.LendOn, "_may_lend", may_lend)


def hub_forgets_who_has_it(_world: World) -> AbstractContextManager[object]:
    """The centre's row of an allotment says at a hub too that it is the hub's."""
    return mock.patch.object(taking_in, "merge_own", lambda *_: None)  # noqa: PT008


def hub_reports_nothing(_world: World) -> AbstractContextManager[object]:
    """After a lost history the centre does not ask a hub what tills below it sell from."""
    return mock.patch.object(stock, "declarations", lambda *_: [])  # noqa: PT008


def hub_lends_as_new(_world: World) -> AbstractContextManager[object]:
    """A hub tells its own time with what the centre granted long before."""
    return mock.patch.object(centre_time.CentreTime, "now_ms", lambda self: self._told[1])
