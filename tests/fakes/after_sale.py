"""The use cases after the sale for a till in memory that has sold nothing to give back."""

# ruff: noqa: ARG002 - whatever is asked, there is nothing

from __future__ import annotations

from pos_app.services.after_sale_model import (
    Answer,
    Barred,
    Chosen,
    Done,
    Finding,
    FindNote,
    FoundOrder,
    Offer,
    OrderDetail,
    Refused,
    Request,
    Unfinished,
)
from pos_app.services.model import Person
from ticketing.ids import OpId
from ticketing.refund_rules import Deed


class NothingSold:
    """Finds nothing and does nothing; tests of the deeds have a till on real files."""

    def recent(self) -> tuple[FoundOrder, ...]:
        return ()

    def find(self, text: str, performance: int) -> Finding:
        return Finding((), FindNote.NOTHING)

    def detail(self, found: FoundOrder) -> OrderDetail | None:
        return None

    def look_up(self, found: FoundOrder) -> bool:
        return False

    def hand_out(self, found: FoundOrder) -> bool:
        return False

    def offer(self, deed: Deed, chosen: Chosen) -> Offer | None:
        return None

    def do(self, request: Request) -> Answer:
        return Refused(Barred.ELSEWHERE)

    def progress(self, op_id: OpId, number: str | None = None) -> Answer:
        return Refused(Barred.ELSEWHERE)

    def refund_instead(self, op_id: OpId, approver: Person | None = None) -> Answer:
        return self.progress(op_id)

    def unfinished(self) -> tuple[Unfinished, ...]:
        return ()

    def drop(self, op_id: OpId) -> bool:
        return False

    def print_slip(self, done: Done) -> str:
        return ""
