"""Salvage: every branch of a copied machine's log is kept, and its facts count."""

from __future__ import annotations

import json
from dataclasses import replace

from sync_server.heart.intake import Batch, BrokenChain, Forked, Gap
from sync_server.heart.salvage import Kept, NotFenced, Salvage
from tests.integration.sync_server.stage import EVENT, Gate, Journal, Stage, Till
from ticketing.journal import ROOT_HASH, OpKind
from ticketing.operations import Refund, RefundAction, Settle, encode_refund, encode_settle

Answer = Kept | Gap | BrokenChain | NotFenced


def _send(journal: Journal, first: int, last: int) -> Answer:
    return journal.stage.take(Salvage(journal.source, journal.batch(first, last)))


def _salvage(journal: Journal, size: int = 2) -> None:
    """The whole log, a few operations at a time."""
    for first in range(1, len(journal.ops) + 1, size):
        last = min(first + size - 1, len(journal.ops))
        assert _send(journal, first, last) == Kept(last)


def _fork(till: Till, twin: Journal) -> None:
    """The two have different futures; the second to come is found out."""
    till.push()
    twin.acked = 0
    assert isinstance(twin.send(twin.batch(1, len(twin.ops))), Forked)


def _branches(stage: Stage) -> list[tuple[str, list[int]]]:
    rows = stage.rows("SELECT branch, seq FROM op WHERE event_id = :e ORDER BY seq", e=EVENT)
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row.branch, []).append(row.seq)
    return sorted(found.items())


def _pair(stage: Stage) -> tuple[Till, Till]:
    """A till and its copy, which sold different things after the first sale."""
    till = stage.till()
    grant = till.borrow(1, 2, 3, 4)
    till.sell(grant, 1)
    twin = till.twin()
    assert isinstance(twin, Till)
    till.sell(grant, 2)
    twin.sell(grant, 3)
    twin.sell(grant, 2)
    return till, twin


def test_what_a_copy_sold_is_kept_beside_the_trunk(stage: Stage) -> None:
    till, twin = _pair(stage)
    _fork(till, twin)
    _salvage(twin)
    name = twin.ops[1].hash[:16]
    assert _branches(stage) == [("", [1, 2]), (name, [2, 3])]
    assert stage.claims()[3][0] == "sold", "nobody else had it"
    verdicts = stage.rows("SELECT verdict FROM op WHERE branch <> '' ORDER BY seq")
    assert [row.verdict for row in verdicts] == ["ok", "disputed"]
    assert all(account.balanced for account in stage.books().money)
    assert stage.one("SELECT count(*) FROM ledger WHERE branch = :b", b=name) == 4


def test_the_money_and_entries_of_a_branch_stand_in_the_forks_case(stage: Stage) -> None:
    till, twin = _pair(stage)
    _fork(till, twin)
    _salvage(twin)
    (body,) = [
        json.loads(row.body) for row in stage.rows("SELECT body FROM case_file WHERE kind = 'fork'")
    ]
    (told,) = body["branches"].values()
    assert (told["since"], told["operations"], len(told["orders"])) == (2, 2, 2)
    assert told["minor"] == stage.one(
        "SELECT sum(amount_minor) FROM ledger WHERE branch <> '' AND account LIKE 'cash:%'"
    )


def test_what_both_copies_paid_back_stands_in_the_forks_case(stage: Stage) -> None:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    twin = till.twin()
    for copy in (till, twin):
        tickets, total = (sale.lines[0].ticket_id,), sale.total_minor
        refund = Refund(
            sale.order_id, RefundAction.REFUND, tickets, total, 0, "CNY", "li.na", "asked"
        )
        copy.say(OpKind.REFUND, encode_refund(refund))
    _fork(till, twin)
    _salvage(twin)
    (row,) = stage.rows("SELECT body FROM case_file WHERE kind = 'fork'")
    (told,) = json.loads(row.body)["branches"].values()
    assert (told["paid_back"], told["minor"]) == ([sale.order_id], -sale.total_minor)


def test_salvaging_again_changes_nothing(stage: Stage) -> None:
    till, twin = _pair(stage)
    _fork(till, twin)
    _salvage(twin)
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    _salvage(twin, size=3)
    _salvage(till)
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == head


def test_a_branch_that_leaves_a_branch_gets_a_name_of_its_own(stage: Stage) -> None:
    till, twin = _pair(stage)
    third = twin.twin()
    third.ops = third.ops[:2]
    third.say(OpKind.PRINT, "{}")
    third.say(OpKind.PRINT, "{}")
    _fork(till, twin)
    _salvage(twin)
    _salvage(third)
    second, own = twin.ops[1].hash[:16], third.ops[2].hash[:16]
    assert dict(_branches(stage)) == {"": [1, 2], second: [2, 3], own: [3, 4]}


def test_a_log_is_salvaged_from_its_beginning(stage: Stage) -> None:
    till, twin = _pair(stage)
    _fork(till, twin)
    assert _send(twin, 3, 3) == Gap(0, ROOT_HASH), "its second operation is not known"
    ops = replace(twin.ops[1], body="{}")
    broken = Salvage(twin.source, Batch(2, twin.ops[0].hash, (ops,)))
    assert stage.take(broken) == BrokenChain(2)


def test_an_open_journal_is_pushed_and_not_salvaged(stage: Stage) -> None:
    till, _twin = _pair(stage)
    till.push()
    assert _send(till, 1, 2) == NotFenced()


def test_what_a_branch_gives_back_stays_reserved(stage: Stage) -> None:
    """The other copy may have sold it and not said so yet."""
    till = stage.till()
    grant = till.borrow(1, 2)
    twin = till.twin()
    assert isinstance(twin, Till)
    till.sell(grant, 1)
    twin.release(grant.id, 2)
    twin.say(OpKind.SETTLE, encode_settle(Settle(1, grant.id)))
    _fork(till, twin)
    _salvage(twin)
    assert stage.claims()[2] == ("allot", str(grant.id), till.node_id)


def test_an_entry_on_a_branch_is_an_entry(stage: Stage) -> None:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    gate = stage.gate()
    twin = gate.twin()
    assert isinstance(twin, Gate)
    gate.let_in(sale.lines[0])
    twin.let_in(sale.lines[0], lane="lane 2")
    gate.push()
    assert isinstance(twin.send(twin.batch(1, 1)), Forked)
    _salvage(twin)
    assert stage.one("SELECT count(*) FROM entry") == 2
    assert "double_entry" in stage.case_kinds()


def test_a_closed_journal_grows_on_where_it_ended(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.push()
    till.sell(grant, 2)
    stage.do(lambda tx: tx.run("UPDATE journal SET state = 'closed'"))
    _salvage(till)
    assert _branches(stage) == [("", [1, 2])]
    assert stage.claims()[2][0] == "sold"
    assert stage.cases() == []


def test_a_fork_that_was_lost_with_its_history_is_known_again_by_the_tills_word(
    stage: Stage,
) -> None:
    """Else its log, which goes by salvage alone, was taken by nobody for ever (seed 17025)."""
    till = stage.till()
    till.sell(till.borrow(1), 1)
    assert isinstance(till.compare(1, till.head_hash, locked=True), Forked)
    assert stage.case_kinds() == ["fork"]
    _salvage(till)
    assert [seqs for _branch, seqs in _branches(stage)] == [[1]]
    assert stage.claims()[1][0] == "sold"


def test_a_forged_copy_of_an_order_is_a_contradiction(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    twin = till.twin()
    assert isinstance(twin, Till)
    sale = till.sell(grant, 1)
    twin.say_sale(replace(sale))
    _fork(till, twin)
    _salvage(twin)
    verdict = stage.one("SELECT verdict_code FROM op WHERE branch <> ''")
    assert verdict == "contradiction"
    assert stage.one("SELECT count(*) FROM orders") == 1
