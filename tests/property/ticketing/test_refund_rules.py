"""Whatever the ladder and the order: never more than was paid, and every part adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ticketing.ids import TicketId
from ticketing.refund_rules import (
    WHOLE,
    Asker,
    Deed,
    PackageRefund,
    PaidOrder,
    PaidTicket,
    RefundRules,
    RefundStep,
    fee_on_the_rest,
    preview,
)

NOW = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)
AMOUNTS = st.integers(0, 10**9)


@st.composite
def rules(draw: st.DrawFn) -> RefundRules:
    minutes = sorted(draw(st.sets(st.integers(0, 5_000), max_size=4)), reverse=True)
    steps = tuple(
        RefundStep(at, fee_hundredths=draw(st.integers(0, WHOLE)))
        if draw(st.booleans())
        else RefundStep(at, fee_minor=draw(AMOUNTS))
        for at in minutes
    )
    return RefundRules(
        steps, draw(AMOUNTS), draw(st.sampled_from(PackageRefund)), later_by_manager=True
    )


@st.composite
def orders(draw: st.DrawFn) -> PaidOrder:
    tickets = tuple(
        PaidTicket(
            TicketId(f"{at:016x}"),
            NOW + timedelta(minutes=draw(st.integers(-100, 6_000))),
            draw(AMOUNTS),
            draw(AMOUNTS),
            draw(st.sampled_from(("", "family", "school"))),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for at in range(draw(st.integers(1, 6)))
    )
    return PaidOrder(NOW - timedelta(minutes=5), tickets)


ASKERS = st.builds(Asker, same_shift=st.booleans(), is_manager=st.booleans())


@given(order=orders(), rules=rules(), asker=ASKERS, deed=st.sampled_from(Deed), data=st.data())
def test_a_ticket_gives_back_at_most_what_it_cost_and_its_parts_add_up(
    order: PaidOrder, rules: RefundRules, asker: Asker, deed: Deed, data: st.DataObject
) -> None:
    ids = [ticket.id for ticket in order.tickets]
    chosen = data.draw(st.lists(st.sampled_from(ids), max_size=8))
    found = preview(deed, order, chosen, NOW, rules, asker)
    paid = {ticket.id: ticket.paid_minor for ticket in order.tickets}
    assert {each.ticket_id for each in found.tickets} == set(chosen)
    for each in found.tickets:
        assert min(each.refund_minor, each.fee_minor) >= 0
        assert each.refund_minor + each.fee_minor == (0 if each.bar else paid[each.ticket_id])
    done = [each for each in found.tickets if each.bar is None]
    assert found.refund_minor + found.fee_minor == sum(paid[each.ticket_id] for each in done)


@given(order=orders(), rules=rules(), asker=ASKERS)
def test_later_is_never_cheaper_on_a_ladder_that_only_rises(
    order: PaidOrder, rules: RefundRules, asker: Asker
) -> None:
    fees = [step.fee_of(10_000, 0) for step in rules.steps]
    if fees != sorted(fees) or not asker.is_manager:
        return
    ticket = order.tickets[0]
    alone = PaidOrder(order.sold_at, (PaidTicket(ticket.id, ticket.starts_at, 10_000, 10_000),))
    kept = [
        preview(Deed.REFUND, alone, [ticket.id], NOW + timedelta(minutes=m), rules, asker).fee_minor
        for m in (0, 500, 2_500, 6_000)
    ]
    assert kept == sorted(kept)


@given(credit=AMOUNTS, share=st.fractions(0, 1), taken=AMOUNTS, more=AMOUNTS)
def test_an_exchange_is_never_a_way_round_the_fee_and_never_dearer_than_it(
    credit: int, share: Fraction, taken: int, more: int
) -> None:
    ladder_fee = int(credit * share)
    kept = fee_on_the_rest(ladder_fee, credit, taken)
    assert 0 <= kept <= ladder_fee
    assert fee_on_the_rest(ladder_fee, credit, 0) == ladder_fee
    assert fee_on_the_rest(ladder_fee, credit, taken + more) <= kept
    if taken >= credit:
        assert kept == 0
    else:  # what goes back bears the fee's part, to the nearest minor unit
        assert abs(kept * credit - ladder_fee * (credit - taken)) * 2 <= credit
