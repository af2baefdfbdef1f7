"""Safeguards switched off: each switch replaces one named function while the world runs."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from edge import allotments, giving_back, handing, local_view, recorder, returns, sync, time_left
from edge.protocol import acquire, revoke
from gate_agent import admit, facts
from pos_app.services import after_sale_elsewhere, window
from sync_server.heart import (
    arbiter,
    asked,
    effects,
    entries,
    history,
    intake,
    lending,
    reclaim,
    source,
    units,
)
from sync_server.heart import handing as handing_at_centre
from sync_server.heart.effect import Effect
from sync_server.heart.work import Work
from sync_server.services import generations
from sync_server.services.house import Generation
from sync_server.store import sql, writer
from tests.simulation import nodes, tills
from ticketing.admission import AllotmentState, chips, decide
from ticketing.credential import CredentialState
from ticketing.ids import OpId
from ticketing.journal import OpKind, Verdict
from ticketing.operations import encode_refund
from ticketing.terms import Standing

if TYPE_CHECKING:
    from tests.simulation.world import World


def _put(target: Any, name: str, value: object) -> AbstractContextManager[object]:
    return mock.patch.object(target, name, value)


def reopen_closed(_world: World) -> AbstractContextManager[object]:
    """A node opens again what it has seen closed."""
    real = allotments.install

    def install(unit: Any, stream: str, grant: Any, *rest: Any, **options: Any) -> bool:
        if grant.state == AllotmentState.OPEN:
            key = (stream, str(grant.id))
            unit.execute("UPDATE allot SET state = 'open' WHERE stream = ? AND id = ?", key)
            unit.execute(
                "UPDATE allot_unit SET state = 'free' WHERE stream = ? AND allot_id = ? "
                "AND state = 'released'",
                key,
            )
        return real(unit, stream, grant, *rest, **options)

    return _everywhere("install", real, install)


def lost_chips_open(_world: World) -> AbstractContextManager[object]:
    """Nobody asks whether a chip was told to be lost."""

    real = chips.decide_chip

    def decide_chip(chip: Any, row: Any) -> Any:
        return real(chip, row and replace(row, state=CredentialState.BOUND))

    return _everywhere("decide_chip", real, decide_chip)


def clocks_are_believed(_world: World) -> AbstractContextManager[object]:
    """The server takes what a gate's clock shows for the time."""
    return _put(Work, "by_our_clock", lambda _self, _node_id, wall_ms: wall_ms)


def pushes_tell_no_clock(_world: World) -> AbstractContextManager[object]:
    """The server does not hear what a node's clock shows that has not greeted it."""
    return _put(Work, "told_clock", lambda *_: None)


def old_greetings_count(_world: World) -> AbstractContextManager[object]:
    """What a greeting said in another history outdoes what a push says in this one."""
    real = history.begin_generation

    def begin_generation(sql: Any, made: Any) -> None:
        greeted = sql.rows("SELECT hello_session, hello_turn, id FROM node")
        real(sql, made)
        for row in greeted:
            sql.run("UPDATE node SET hello_session = ?, hello_turn = ? WHERE id = ?", *row)

    return _everywhere("begin_generation", real, begin_generation)


def nobody_waits(_world: World) -> AbstractContextManager[object]:
    """A unit that is given back is for anybody, also when somebody has it on paper."""
    return _put(source, "honour_waiting", lambda _work: None)


def nobody_is_asked(_world: World) -> AbstractContextManager[object]:
    """Whoever is lent the unit of a disputed ticket may keep it, and sell it."""
    return _put(effects, "ask_back", lambda *_: None)


def no_returns_kept(_world: World) -> AbstractContextManager[object]:
    """The server takes in how entries ended, and keeps nothing of it."""
    return _put(entries, "record_passage", lambda *_: Effect(Verdict.OK))


def asked_and_forgotten(_world: World) -> AbstractContextManager[object]:
    """A gate that decides alone does not remember what it had asked the arbiter."""
    real = admit.Doorman._record

    def record(self: Any, let_in: Any, *rest: Any) -> Any:
        if let_in.offline and not let_in.again:
            let_in = replace(let_in, op_id=OpId(self.env.random_bytes(16).hex()))
        return real(self, let_in, *rest)

    return _put(admit.Doorman, "_record", record)


def opens_unrecorded(_world: World) -> AbstractContextManager[object]:
    """A gate moves its barrier and writes nothing down."""
    return _put(admit, "write_entry", lambda *_: None)


def offers_unasked(_world: World) -> AbstractContextManager[object]:
    """What a gate granted alone, and whose barrier never moved, is offered again without asking."""
    real = admit.Doorman._unfinished

    def unfinished(self: Any, stream: str, code: Any) -> Any:
        found = real(self, stream, code)
        return replace(found, offline=False) if found is not None else None

    return _put(admit.Doorman, "_unfinished", unfinished)


@contextmanager
def _both(*switches: AbstractContextManager[object]) -> Iterator[None]:
    with ExitStack() as stack:
        for switch in switches:
            stack.enter_context(switch)
        yield


@contextmanager
def _everywhere(name: str, real: object, value: object) -> Iterator[None]:
    """Replace a function in every module that has taken it by name."""
    found = [m for m in list(sys.modules.values()) if getattr(m, name, None) is real]
    assert found, name
    patches = [mock.patch.object(module, name, value) for module in found]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def reply_before_commit(_world: World) -> AbstractContextManager[object]:
    """The server answers, and commits afterwards, if at all."""

    def commit(self: Any, items: list[Any], run: Any) -> Exception | None:
        try:
            with self._engine.begin() as connection:
                batch = writer.Transaction(connection, vars(writer)["time"].time_ns() // 1_000_000)
                writer._run_steps(batch, [item for item in items if not item.is_job], run)
                for item in items:
                    if item.is_job:
                        writer._attempt(batch, item)
                self._settle(items)
        except Exception as error:  # noqa: BLE001 - as the real one
            return error
        self._on_commit(frozenset(batch.touched))
        return None

    return _put(writer.Writer, "_commit", commit)


def no_head_check(_world: World) -> AbstractContextManager[object]:
    """The server believes every head that it is told."""

    def apply(self: Any, work: Any) -> Any:
        journal = work.journal(self.source.node_id, self.source.incarnation)
        if journal.state != "open":
            return intake.Forked(journal.seq)
        return intake.Taken(journal.seq, journal.hash, ())

    return _put(intake.HeadCheck, "apply", apply)


def locked_is_unheard(_world: World) -> AbstractContextManager[object]:
    """A node that was fenced in a lost history is believed open in the new one."""
    real = intake.HeadCheck.apply

    def apply(self: intake.HeadCheck, work: Work) -> intake.Taken | intake.Forked:
        return real(replace(self, is_locked=False), work)

    return _put(intake.HeadCheck, "apply", apply)


def no_fork_check(_world: World) -> AbstractContextManager[object]:
    """The server does not compare what comes twice."""
    return _put(intake, "_continues", lambda *_: True)


def no_case_for_two_entries(_world: World) -> AbstractContextManager[object]:
    """Nobody looks whether a ticket went in twice."""
    return _put(entries, "look_for_cases", lambda *_: None)


def no_exits_kept(_world: World) -> AbstractContextManager[object]:
    """The server takes in that somebody went out, and keeps nothing of it."""
    return _put(entries, "record_exit", lambda *_: Effect(Verdict.OK))


def no_quarantine(_world: World) -> AbstractContextManager[object]:
    """A new history begins to lend at once."""
    real = history.begin_generation

    def begin_generation(sql: Any, made: Any) -> None:
        real(sql, made)
        sql.run("UPDATE stream SET quarantine = 0")
        sql.run("DELETE FROM quarantine")

    return _everywhere("begin_generation", real, begin_generation)


def sell_after_expiry(_world: World) -> AbstractContextManager[object]:
    """A till sells on when its term is over."""
    return _put(time_left, "_standing", lambda *_: Standing.NORMAL)


def no_guard(_world: World) -> AbstractContextManager[object]:
    """The centre trusts both clocks to run right."""

    def allowed(granted_ms: int, hard_s: int, now_ms: int, *_: object, **__: object) -> bool:
        return now_ms - granted_ms >= hard_s * 1000

    return _put(reclaim, "write_off_allowed", allowed)


def ttl_from_receive(world: World) -> AbstractContextManager[object]:
    """A till counts a term from when the answer came."""
    real = acquire.on_acquire

    def on_acquire(unit: Any, want: Any, sent: Any, reply: Any) -> Any:
        for actor in world.actors.values():
            if actor.machine.journal.connection is unit:
                sent = replace(sent, sent_mono_s=actor.machine.monotonic_s())
        return real(unit, want, sent, reply)

    return _put(acquire, "on_acquire", on_acquire)


def asked_is_forgotten(world: World) -> AbstractContextManager[object]:
    """In a new history nothing is revoked again that a till had asked for in the old one.

    And nobody waits for its place: a till that asks again would free it for the second buyer.
    """
    make_again = _put(asked.AskedRevocations, "make_again", lambda *_: None)
    return _both(make_again, nobody_waits(world))


def no_deferral(_world: World) -> AbstractContextManager[object]:
    """In quarantine operations take effect as they come."""
    real = effects.apply_op
    return _put(intake, "apply_op", lambda *given: real(*given, final=False))


def no_idempotent_grant(_world: World) -> AbstractContextManager[object]:
    """A request that comes again is a new one.

    It is kept under a name of its own: the database has a unique index over requests' names.
    """
    real = lending.Lender.lend

    def lend(self: Any, work: Any, req: str, *rest: Any, **options: Any) -> Any:
        return real(self, work, f"{req}-{work.head}-{len(work.allots.changed)}", *rest, **options)

    return _both(_put(lending, "find_by_req", lambda *_: None), _put(lending.Lender, "lend", lend))


def no_version_bump(_world: World) -> AbstractContextManager[object]:
    """A returned unit is sold again under the same version."""

    def free_returned(work: Any, claim: Any) -> None:
        units.free_unit(work, claim)

    return _everywhere("free_returned", units.free_returned, free_returned)


def sold_again_here(_world: World) -> AbstractContextManager[object]:
    """A till puts what it took back on sale by itself."""

    def mark_returned(unit: Any, stream: str, order_id: Any, ticket_ids: Any) -> None:
        real(unit, stream, order_id, ticket_ids)
        unit.execute("UPDATE allot_unit SET state = 'free' WHERE state = 'returned'")

    real = returns.mark_returned
    return _everywhere("mark_returned", real, mark_returned)


def no_witness(_world: World) -> AbstractContextManager[object]:
    """A node does not ask its witness whether the folder is the one it went on with."""
    return _put(recorder, "contradiction", lambda *_: None)


def no_nonce(_world: World) -> AbstractContextManager[object]:
    """What is random in an operation is made of the journal that both copies share."""
    real = nodes.SimEnv.random_bytes

    def random_bytes(self: Any, count: int) -> bytes:
        journal = self._machine.journal.connection
        if not journal.in_transaction:
            return real(self, count)
        (ops,) = journal.execute("SELECT count(*) FROM op").fetchone()
        seen = f"{self._machine.enrolled.node_id} {ops}".encode()
        return hashlib.shake_256(seen).digest(count)

    return _put(nodes.SimEnv, "random_bytes", random_bytes)


@contextmanager
def gen_counter(world: World) -> Iterator[None]:
    """A new history is named by the number of those that the database remembers."""

    def mint() -> Generation:
        raw = world.server.disk.connection
        (known,) = raw.execute("SELECT count(*) FROM generation").fetchone()
        number = 0x10000000 + known
        return Generation(f"{number:08x}-0000-7000-8000-000000000000", f"{number:08x}")

    with _put(world.breakage, "mint", mint), _put(generations, "new_generation", mint):
        yield


@contextmanager
def no_cas(_world: World) -> Iterator[None]:
    """A row replaces whatever row is there."""
    real = sql._tail

    def tail(table: Any) -> str:
        return real(table).partition(" WHERE ")[0]

    sql._insert_values.cache_clear()
    try:
        with _put(sql, "_tail", tail):
            yield
    finally:
        sql._insert_values.cache_clear()


def no_epoch(_world: World) -> AbstractContextManager[object]:
    """A server writes whatever it ever owned."""
    real = Work.begin

    def begin(sql: Any, stream: str, now_ms: int, plans: Any, _owner: Any = None) -> Work:
        return real(sql, stream, now_ms, plans)

    return _put(Work, "begin", staticmethod(begin))


def arbiter_forgets(_world: World) -> AbstractContextManager[object]:
    """The arbiter lets in, and does not note whom."""
    return _put(arbiter.Admit, "_record", lambda *_: True)


def arbiter_does_not_repeat(_world: World) -> AbstractContextManager[object]:
    """The arbiter does not ask itself whether an answer of its was ever heard."""
    return _put(arbiter.Admit, "_answered_before", lambda *_: None)


def granted_at_first(_world: World) -> AbstractContextManager[object]:
    """An entry that the arbiter grants once more keeps the time of the first grant."""
    return _put(arbiter, "give_again", lambda *_: None)


def granted_and_unmoved(_world: World) -> AbstractContextManager[object]:
    """An entry keeps the arbiter's time, whenever its gate let somebody in by it."""
    return _put(entries, "give_again", lambda *_: None)


def pay_before_revoke(_world: World) -> AbstractContextManager[object]:
    """A till pays out and asks for the revocation later."""
    real = tills.Till._go_on

    def go_on(self: Any, asked: Any) -> None:
        real(self, asked)
        refund = self._refund_of(asked)
        body = encode_refund(refund)
        self._transact(
            lambda unit: revoke.finish_revoke(unit, self.node.env, asked, OpKind.REFUND, body)
        )

    return _put(tills.Till, "_go_on", go_on)


def no_own_doings(_world: World) -> AbstractContextManager[object]:
    """A window believes the feed, whatever it did itself since."""
    return _put(local_view, "_is_after", lambda *_: True)


def no_own_entries(_world: World) -> AbstractContextManager[object]:
    """A gate counts the entries that the feed tells of."""
    return _put(facts, "_own_entries", lambda *_: [])


def released_is_free(_world: World) -> AbstractContextManager[object]:
    """A till gives units back, and goes on counting them as its own."""
    real = allotments.give_back

    def give_back(unit: Any, stream: str, performance: int, wanted: Any) -> Any:
        released = real(unit, stream, performance, wanted)
        unit.execute("UPDATE allot_unit SET state = 'free' WHERE state = 'released'")
        return released

    return _everywhere("give_back", real, give_back)


def rows_refuse_nobody(_world: World) -> AbstractContextManager[object]:
    """Whoever decides an entry does not look at the ticket's row."""
    return _put(decide, "_refused_by_row", lambda *_: None)


def keeps_the_right_to_print(_world: World) -> AbstractContextManager[object]:
    """A till lets another print an order, and would still print it itself."""
    real = handing.answer

    def answer(unit: Any, env: Any, wanted: Any) -> Any:
        op = real(unit, env, wanted)
        unit.execute("UPDATE orders SET gone_to = '' WHERE id = ?", (wanted.order_id,))
        return op

    return _put(handing, "answer", answer)


def paper_is_not_minded(_world: World) -> AbstractContextManager[object]:
    """A till lets another print what it has printed."""
    real = handing.answer

    def answer(unit: Any, env: Any, wanted: Any) -> Any:
        kept = unit.execute(
            "SELECT copies, begun, id FROM orders WHERE id = ?", (wanted.order_id,)
        ).fetchone()
        put = "UPDATE orders SET copies = ?, begun = ? WHERE id = ?"
        unit.execute(put, (0, 0, wanted.order_id))
        op = real(unit, env, wanted)
        if kept is not None:
            unit.execute(put, tuple(kept))
        return op

    return _put(handing, "answer", answer)


def prints_unnoted(_world: World) -> AbstractContextManager[object]:
    """A till prints although it cannot note that there may be paper."""
    real = after_sale_elsewhere.Elsewhere.begin_print

    def begin_print(self: Any, order_id: str) -> bool:
        with self._node.replica.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM orders WHERE id = ? AND gone_to = ''", (order_id,)
            ).fetchone()
        return real(self, order_id) or row is not None

    return _put(after_sale_elsewhere.Elsewhere, "begin_print", begin_print)


def second_try_undoes_first(_world: World) -> AbstractContextManager[object]:
    """A print that failed is taken for the first, and there is no paper then."""
    real = after_sale_elsewhere.Elsewhere.no_paper

    def no_paper(self: Any, order_id: str) -> None:
        self._is_first_try = True
        real(self, order_id)

    return _put(after_sale_elsewhere.Elsewhere, "no_paper", no_paper)


def earlier_lives_printed_nothing(_world: World) -> AbstractContextManager[object]:
    """A till that was enrolled again takes what it is let print for unprinted."""
    return _put(handing, "incarnation_of", lambda _unit: 1)


def answers_once(_world: World) -> AbstractContextManager[object]:
    """A till tries to answer, and to fetch, when the feed tells of it and never again."""
    real = sync.Listeners
    return _put(window, "Listeners", lambda *given: real(*given[:3]))


def late_word_wins(_world: World) -> AbstractContextManager[object]:
    """The server believes the last word that comes about who prints, not the last one said."""
    real = handing_at_centre.hand_over

    def hand_over(work: Any, source: Any, told: Any) -> bool:
        row = work.handouts.get(told.order_id)
        if row is not None:
            row.turn = -1
        return real(work, source, told)

    return _put(effects, "hand_over", hand_over)


def shares_last_for_ever(_world: World) -> AbstractContextManager[object]:
    """A till does not count what it spends of a pool."""
    return _put(giving_back, "spend", lambda *_: True)
