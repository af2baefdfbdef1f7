"""What of an exchange needs a second person, and whether its new places can be had at all.

That is found out before the server is asked: an exchange that is barred leaves every ticket alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pos_app.services import sales
from pos_app.services.after_sale_model import Barred, Refused
from pos_app.services.late_sales import LATE_ROLE
from pos_app.services.model import SaleRefusal
from pos_app.services.people import role_of
from ticketing.refund_rules import Deed, RefundRules

if TYPE_CHECKING:
    from edge.journal import Unit
    from edge.replica import Replica
    from pos_app.services.after_sale_draft import Draft
    from pos_app.services.model import Person
    from pos_app.services.sales import Seller, UnitsGone
    from ticketing.event import Event
    from ticketing.pricing import Role

_CODES: Final = {
    SaleRefusal.LATE_APPROVAL: Barred.LATE_APPROVAL,
    SaleRefusal.TERM_OVER: Barred.TERM_OVER,
    SaleRefusal.LATE_LIMIT: Barred.LATE_LIMIT,
}


class _Rehearsed(Exception):
    """Undo the transaction: it was done to see whether it can be."""


def over_cap(draft: Draft, rules: RefundRules, person: Person) -> Role | None:
    """Who may let an exchange pay out so much; None where this person may."""
    if draft.deed is not Deed.EXCHANGE or draft.paid_minor >= 0:
        return None
    payer = rules.payer_of(-draft.paid_minor)
    return None if role_of(person).covers(payer) else payer


def second_person(draft: Draft) -> str:
    """The id of who let the deed be, unless that was who does it; "" without one.

    Nobody below a supervisor ever does, which is who lets places be sold past their soft term.
    """
    return draft.approved_by if draft.approved_by != draft.by else ""


def lets_be(approver: Person | None, person: Person, role: Role) -> bool:
    """Whether this second person's word counts for that."""
    is_second = approver is not None and approver.id != person.id
    return is_second and role_of(approver).covers(role)


def rehearse(replica: Replica, seller: Seller, event: Event, draft: Draft) -> Refused | None:
    """Why the new places can't be taken, or None; nothing is recorded either way."""
    basket = draft.basket
    if basket is None:
        return None

    def work(unit: Unit) -> None:
        sales.take_lines(unit, seller, event, basket.lines)
        raise _Rehearsed

    try:
        replica.transact(work)
    except _Rehearsed:
        return None
    except sales.UnitsGone as gone:
        return places_gone(gone)
    raise AssertionError("a rehearsal is always undone")


def places_gone(gone: UnitsGone) -> Refused:
    """Why new places are not to be had, before any ticket was revoked for them."""
    code = _CODES.get(gone.reason, Barred.UNITS_GONE_BEFORE)
    approval = LATE_ROLE if code is Barred.LATE_APPROVAL else None
    return Refused(code, gone.units, approval)
