"""What an exchange costs on top: in cash, or all of it by a tender that is recorded by hand."""

from __future__ import annotations

from dataclasses import replace

from pos_app.services.after_sale_draft import Draft
from pos_app.services.after_sale_model import AsksNumber, Barred, Done, Refused, Request
from pos_app.services.tender_back import PaidBack
from ticketing.cash_rounding import round_cash
from ticketing.event import Venue
from ticketing.ids import OpId
from ticketing.operations import HandLeg, is_name
from ticketing.refund_rules import Deed


def with_tender(draft: Draft, request: Request, venue: Venue) -> Draft:
    """The deed with the tender that pays its difference; where nothing is to pay, with none."""
    if draft.deed is not Deed.EXCHANGE or draft.paid_minor <= 0 or not request.tender:
        return draft
    tender = venue.tender(request.tender)
    asks = tender is not None and tender.asks_reference
    return replace(draft, tender=request.tender, asks_number=asks)


def difference_refusal(draft: Draft, venue: Venue) -> Refused | None:
    """Why the difference is not paid by that."""
    if draft.tender:
        return None if venue.tender(draft.tender) else Refused(Barred.UNKNOWN_TENDER)
    too_small = draft.tendered_minor < draft.paid_minor
    return Refused(Barred.TENDER_TOO_SMALL) if too_small else None


def asks_number(draft: Draft, op_id: OpId | None = None) -> AsksNumber:
    """What somebody reads off a slip now."""
    return AsksNumber(op_id, draft.tender, draft.paid_minor, draft.currency)


def taken(draft: Draft, venue: Venue, number: str) -> PaidBack:
    """How the difference comes in: by its tender to the last minor unit, or in coins."""
    if draft.tender:
        reference = number if is_name(number) else ""
        return PaidBack((HandLeg(draft.tender, draft.paid_minor, reference),), 0, 0)
    due = round_cash(draft.paid_minor, venue.cash_unit_minor)
    return PaidBack((), due.cash_minor, due.rounding_minor)


def opens_drawer(done: Done, venue: Venue) -> bool:
    """For cash, and for what is paid by a tender whose slips lie there."""
    paid_by = (venue.tender(leg.tender) for leg in done.legs if done.take_in_minor)
    has_slip = any(tender is not None and tender.opens_drawer for tender in paid_by)
    return bool(done.cash_out_minor or done.cash_in_minor) or has_slip
