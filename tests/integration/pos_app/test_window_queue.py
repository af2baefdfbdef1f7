"""What waits for the server, read from the journal."""

from __future__ import annotations

from edge.journal import Unit
from pos_app.services.queue import Waits
from tests.fakes.hall import ROW
from tests.integration.pos_app.window_stage import Stage


def test_what_waits_is_told_by_kind_until_the_server_has_it(till: Stage) -> None:
    till.lend(ROW[:3])
    till.acknowledge_all()
    assert till.window.queue().waiting == ()
    till.sell(ROW[:2])
    till.sell(ROW[2:3])
    assert dict(till.window.queue().waiting) == {Waits.SALES: 2}
    till.acknowledge_all()
    assert till.window.queue().waiting == ()


def test_what_the_server_did_not_take_is_named_the_newest_first(till: Stage) -> None:
    till.lend(ROW[:2])
    first = till.sell(ROW[:1])
    till.env.pass_s(60)
    second = till.sell(ROW[1:2])
    till.acknowledge_all()

    def judge(unit: Unit) -> None:
        for sold, verdict in ((first, "disputed"), (second, "rejected")):
            unit.execute(
                "UPDATE op SET verdict = ?, code = 'unit_sold' WHERE kind = 'sale' AND body LIKE ?",
                (verdict, f"%{sold.receipt_no}%"),
            )

    till.replica.transact(judge)
    cases = till.window.queue().cases
    assert [each.receipt_no for each in cases] == [second.receipt_no, first.receipt_no]
    assert {(each.kind, each.code) for each in cases} == {(Waits.SALES, "unit_sold")}
    assert till.window.status().rejected_count == 2
