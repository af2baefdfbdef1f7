"""X and Z reports as rows of words and figures, for paper and screen alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from pos_app.services.rows import Look, Row
from pos_app.services.shift_model import XReport, ZReport
from program.i18n import format_count, format_datetime, format_money, translations
from ticketing.operations import CASH, ShiftReport
from ticketing.text import Text


@dataclass(frozen=True, slots=True)
class Names:
    """What people, ticket types and the house are called, and in which language."""

    language: str
    venue: Text | None
    window: str
    people: Mapping[str, str]
    ticket_types: Mapping[str, Text]
    zone: tzinfo = UTC
    tenders: Mapping[str, Text] = field(default_factory=dict)

    def spoken(self, language: str) -> Names:
        """The same in another language."""
        return replace(self, language=language)

    def house(self) -> str:
        """The venue's name."""
        return self.venue.in_language(self.language) if self.venue else ""

    def person(self, person_id: str) -> str:
        """A person by name; the id of one who is gone."""
        return self.people.get(person_id, person_id)

    def ticket_type(self, ticket_type_id: str) -> str:
        """A ticket type by name; the id of one that is sold no more."""
        known = self.ticket_types.get(ticket_type_id)
        return known.in_language(self.language) if known else ticket_type_id

    def tender(self, tender_id: str) -> str:
        """A means of payment by name; the id of one that the house does not name any more."""
        if tender_id == CASH:
            return translations(self.language).gettext("Cash")
        known = self.tenders.get(tender_id)
        return known.in_language(self.language) if known else tender_id

    def when(self, ms: int) -> str:
        """An instant as the house's clock shows it."""
        at = datetime.fromtimestamp(ms / 1000, UTC)
        return format_datetime(at, self.language, zone=self.zone)


def z_rows(z: ZReport, names: Names, *, copy: bool) -> list[Row]:
    """Every row of a Z report."""
    _ = translations(names.language).gettext
    closed, report = z.closed, z.closed.report
    rows = _head_rows(_("Z report no. {n}").format(n=z.number), report, names)
    if copy:
        rows.append(Row(_("Copy"), "", Look.STRONG))
    rows += figures(report, names)
    money = _money(report, names)
    rows += [
        Row(look=Look.RULE),
        Row(_("Counted"), money(closed.counted_minor), Look.STRONG),
        Row(_("Difference"), signed(closed.difference_minor, money), Look.STRONG),
    ]
    pieces = [(each, count) for each, count in closed.counts[-1]]
    rows += [
        Row(f"{money(each)} × {format_count(n, names.language)}", money(each * n))
        for each, n in pieces
    ]
    if len(closed.counts) > 1:
        rows.append(Row(_("Counts made"), format_count(len(closed.counts), names.language)))
    rows.append(Row(_("Closed by"), names.person(closed.by)))
    if closed.approver:
        rows.append(Row(_("Approved by"), names.person(closed.approver)))
        rows.append(Row(_("Reason"), reason_name(closed.reason, names.language)))
    return rows


def x_rows(x: XReport, names: Names) -> list[Row]:
    """Every row of an X report."""
    _ = translations(names.language).gettext
    title = _("X report no. {n}").format(n=x.number)
    return [*_head_rows(title, x.report, names), *figures(x.report, names)]


def figures(report: ShiftReport, names: Names) -> list[Row]:
    """The rows that X and Z have in common."""
    _, money = translations(names.language).gettext, _money(report, names)
    count = _counted(names.language)
    moved, counts = report.movements, report.counts
    rows = [
        Row(_("Float"), money(report.float_minor)),
        Row(_("Cash received"), money(report.cash_taken_minor)),
        Row(_("Cash paid back"), signed(-report.cash_returned_minor, money)),
        Row(_("Paid in"), money(moved.pay_in_minor)),
        Row(_("Paid out"), signed(-moved.pay_out_minor, money)),
        Row(_("Into the safe"), signed(-moved.safe_drop_minor, money)),
        Row(_("Expected in the drawer"), money(report.expected_minor), Look.STRONG),
        Row(look=Look.RULE),
    ]
    rows += [
        Row(names.tender(one.tender), money(one.taken_minor - one.returned_minor))
        for one in report.tenders
    ]
    if report.rounding_minor:
        rows.append(Row(_("Rounding of cash"), signed(report.rounding_minor, money)))
    rows.append(Row(look=Look.RULE))
    rows += [
        Row(
            f"{names.ticket_type(one.ticket_type_id)} × {count(one.count)}",
            money(one.total_minor),
        )
        for one in report.ticket_types
    ]
    rows += [
        Row(_("Tickets sold"), f"{count(report.ticket_count)} · {money(report.sold_minor)}"),
        Row(_("Taken back"), money(report.returned_minor)),
        Row(_("Fees kept"), money(report.fees_minor)),
        Row(look=Look.RULE),
    ]
    rows += [
        Row(
            names.person(one.person_id),
            f"{count(one.ticket_count)} · {money(one.sold_minor)}",
        )
        for one in report.operators
    ]
    rows += [
        Row(_("Sales"), count(counts.sales)),
        Row(_("Voids and refunds"), f"{count(counts.voids)} / {count(counts.refunds)}"),
        Row(_("Exchanges"), count(counts.exchanges)),
        Row(_("Drawer opened without a sale"), count(counts.drawer)),
        Row(_("Not yet at the server"), count(report.unsynced_count)),
    ]
    rows += [Row(f"  {receipt}") for receipt in report.unsynced_receipts]
    if report.first_receipt:
        receipts = f"{report.first_receipt} – {report.last_receipt}"
        rows.append(Row(_("Receipts"), receipts))
    return rows


def reason_name(reason: str, language: str) -> str:
    """A reason in words; a person's own words stay as they are."""
    _ = translations(language).gettext
    known = {
        "change": _("Change money"),
        "expense": _("Bought for the house"),
        "deposit": _("Deposit"),
        "too_much": _("Too much in the drawer"),
        "end_of_day": _("End of the day"),
        "check": _("To look inside"),
        "wrong_change": _("Wrong change given"),
        "not_found": _("Looked for, not found"),
        "other": _("Another reason"),
    }
    return known.get(reason, reason)


def signed(minor: int, money: Callable[[int], str]) -> str:
    """An amount with its sign: a shortage must never look like a surplus."""
    if minor < 0:
        return f"\N{MINUS SIGN}{money(-minor)}"
    return f"+{money(minor)}" if minor else money(0)


def _head_rows(title: str, report: ShiftReport, names: Names) -> list[Row]:
    _ = translations(names.language).gettext
    return [
        Row(names.house(), look=Look.HEAD),
        Row(title, look=Look.TITLE),
        Row(_("Window"), names.window),
        Row(_("Opened at"), names.when(report.opened_ms)),
        Row(_("Opened by"), names.person(report.opened_by)),
        Row(_("Made at"), names.when(report.made_ms)),
        Row(_("Shift"), report.shift_id),
        Row(look=Look.RULE),
    ]


def _money(report: ShiftReport, names: Names) -> Callable[[int], str]:
    return lambda minor: format_money(minor, report.currency, names.language)


def _counted(language: str) -> Callable[[int], str]:
    return lambda number: format_count(number, language)
