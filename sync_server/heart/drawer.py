"""What a till's drawer comes to when a shift is closed, as the centre looks at it."""

from __future__ import annotations

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.source import Source
from sync_server.heart.work import Work
from ticketing.journal import OpKind
from ticketing.operations import ShiftClosed, decode_shift_closed
from ticketing.shift import is_next_z, is_over_threshold


def check_close(work: Work, source: Source, closed: ShiftClosed) -> None:
    """Open a case for a difference that is too large, and for a Z number that is not the next.

    By the centre's own limit: what a till says of its threshold decides nothing here.
    """
    report = closed.report
    if is_over_threshold(closed.difference_minor, report.currency):
        body = {
            "node": source.node_id,
            "shift": report.shift_id,
            "z": closed.z_number,
            "expected": report.expected_minor,
            "counted": closed.counted_minor,
            "difference": closed.difference_minor,
            "currency": report.currency,
            "by": closed.by,
            "approver": closed.approver,
            "reason": closed.reason,
        }
        open_case(work, CaseKind.CASH_DIFFERENCE, report.shift_id, body)
    last = _last_z(work, source)
    if not is_next_z(closed.z_number, source.incarnation, last):
        body = {
            "node": source.node_id,
            "shift": report.shift_id,
            "z": closed.z_number,
            "last": last[0] if last else 0,
        }
        open_case(work, CaseKind.Z_NUMBER, report.shift_id, body)


def _last_z(work: Work, source: Source) -> tuple[int, int] | None:
    """Number and incarnation of the till's Z report before this one; None when it is the first."""
    for row in reversed(work.ops):  # of this very batch, not written yet
        if row.node_id == source.node_id and row.kind == OpKind.SHIFT_CLOSED:
            known = decode_shift_closed(row.body)
            if known is not None:
                return known.z_number, row.inc
    found = work.sql.row(
        "SELECT body, inc FROM op WHERE event_id = ? AND node_id = ? AND kind = ? "
        "AND verdict = 'ok' ORDER BY inc DESC, seq DESC LIMIT 1",
        work.stream,
        source.node_id,
        OpKind.SHIFT_CLOSED.value,
    )
    closed = decode_shift_closed(found[0]) if found is not None else None
    return (closed.z_number, int(found[1])) if found is not None and closed is not None else None
