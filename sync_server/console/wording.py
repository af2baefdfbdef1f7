"""The console's words for codes: every code has a sentence in every language."""

from __future__ import annotations

import json

from program.i18n import translations
from sync_server.heart.cases import CaseKind
from sync_server.heart.prices import PriceDoubt
from sync_server.services.permissions import NodeRole, PersonRole
from ticketing.journal import OpKind
from ticketing.pricing import Unlawful


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


CASE_SENTENCES = {
    CaseKind.DOUBLE_ENTRY: N_("A ticket was let in more than once"),
    CaseKind.OVERSOLD: N_("A place was sold that the till did not hold"),
    CaseKind.PRICE: N_("A ticket was sold at another price than the list's"),
    CaseKind.POISON: N_("A record of a node could not be understood"),
    CaseKind.FORK: N_("A node's journal contradicts what it sent before"),
    CaseKind.DIVERGENCE: N_("A node's copy differed from the server's data"),
    CaseKind.WRITTEN_OFF: N_("Places of a lost node were written off"),
    CaseKind.ENTERED_REVOKED: N_("Somebody went in on a ticket that was refunded"),
    CaseKind.RESOLD: N_("Returned places were sold again without a silent gate"),
    CaseKind.POOL: N_("More was sold at a limited price than was lent"),
    CaseKind.REFUND: N_("Money was paid out for a ticket that was not valid"),
    CaseKind.PAID_BACK: N_("More money went back by a tender than had come in by it"),
    CaseKind.REENROLLED: N_("A node was enrolled again while places were lent to it"),
    CaseKind.CASH_DIFFERENCE: N_("A drawer was counted with too large a difference"),
    CaseKind.Z_NUMBER: N_("A till's Z reports do not follow each other"),
    CaseKind.BLOCKED: N_("A ticket is blocked"),
    CaseKind.CREDENTIAL: N_("A chip was bound that cannot stand for its ticket"),
    CaseKind.GRANT: N_("A node holds places that this server cannot confirm"),
}
_PRICES: dict[str, str] = {
    Unlawful.NOT_SOLD: N_("The list has no price for such a ticket"),
    Unlawful.UNKNOWN_RULE: N_("The rule that made the price does not exist"),
    Unlawful.NOT_FOR_THIS_TICKET: N_("The rule does not hold for such a ticket"),
    Unlawful.OUT_OF_TIME: N_("The rule had not begun, or was over"),
    Unlawful.WRONG_POOL: N_("The limited price was not counted in its pool"),
    Unlawful.WRONG_PRICE: N_("The rule makes another price"),
    Unlawful.BROKEN_PACKAGE: N_("The tickets do not make the package"),
    Unlawful.OVER_EVERY_CAP: N_("More was taken off than anybody may"),
    PriceDoubt.OTHER_TIER: N_("The place is of another price tier"),
    PriceDoubt.NOT_APPROVED: N_("Nobody approved it"),
}
_NODE_ROLES = {NodeRole.TILL: N_("Window"), NodeRole.GATE: N_("Gate"), NodeRole.HUB: N_("Hub")}
_OPERATIONS: dict[str, str] = {
    OpKind.SALE: N_("Sale"),
    OpKind.RELEASE: N_("Places given back"),
    OpKind.PRINT: N_("Tickets printed"),
    OpKind.ENTRY: N_("Entry"),
    OpKind.PASSAGE: N_("Passage"),
    OpKind.EXIT: N_("Exit"),
    OpKind.BLOCK: N_("Ticket blocked or unblocked"),
    OpKind.GATE_OPENED: N_("Gate left open"),
    OpKind.GATE_SHUT: N_("Gate shut again"),
    OpKind.WALKED: N_("Passed without a ticket"),
    OpKind.SETTLE: N_("Loan settled"),
    OpKind.REFUND: N_("Refund"),
    OpKind.EXCHANGE: N_("Exchange"),
    OpKind.HAND_OVER: N_("Order handed over"),
    OpKind.CREDENTIAL_BOUND: N_("Chip bound"),
    OpKind.CREDENTIAL_UNBOUND: N_("Chip taken off"),
    OpKind.INTEREST: N_("Interest noted"),
    OpKind.SIGN_IN: N_("Sign-in"),
    OpKind.SIGN_OUT: N_("Sign-out"),
    OpKind.SHIFT_OPENED: N_("Shift opened"),
    OpKind.CASH_MOVED: N_("Cash moved"),
    OpKind.DRAWER_OPENED: N_("Drawer opened"),
    OpKind.SHIFT_CLOSED: N_("Shift closed"),
}
_PERSON_ROLES = {
    PersonRole.ADMIN: N_("Administrator"),
    PersonRole.MANAGER: N_("Manager"),
    PersonRole.SUPERVISOR: N_("Supervisor"),
    PersonRole.CASHIER: N_("Cashier"),
    PersonRole.AGENT: N_("Agent"),
    PersonRole.SECURITY: N_("Security"),
    PersonRole.AUDITOR: N_("Auditor"),
}
_PROBLEMS = {
    "busy": N_("The server is busy. Please try again in a moment."),
    "forbidden": N_("You are signed in, but your role does not include this page."),
    "form_expired": N_("This form is out of date. Please load the page again."),
    "not_found": N_("There is no such page."),
    "too_large": N_("That is too large to be taken here."),
    "store_unavailable": N_("The database does not answer. Please try again in a moment."),
}
_DEFECT = N_("Something went wrong in the server. Its log knows more.")
_REFUSED = N_("This request could not be taken.")


def case_sentence(kind: str, language: str) -> str:
    """What a case is about; its code for a kind of a later version."""
    known = CASE_SENTENCES.get(CaseKind(kind)) if kind in set(CaseKind) else None
    return translations(language).gettext(known) if known else kind


def price_sentences(body: str, language: str) -> tuple[str, ...]:
    """Why the prices of a price case are not explained; a later version's reason by its code."""
    codes = [line["why"] for line in json.loads(body)["lines"] if "why" in line]
    gettext = translations(language).gettext
    return tuple(
        gettext(_PRICES[code]) if code in _PRICES else code for code in dict.fromkeys(codes)
    )


def node_role_name(role: str, language: str) -> str:
    """What people call a machine of this role."""
    return translations(language).gettext(_NODE_ROLES[NodeRole(role)])


def operation_name(kind: str, language: str) -> str:
    """What people call an operation of a journal; its code for a kind of a later version."""
    return translations(language).gettext(_OPERATIONS[kind]) if kind in _OPERATIONS else kind


def person_role_name(role: PersonRole, language: str) -> str:
    """What people call a person of this role."""
    return translations(language).gettext(_PERSON_ROLES[role])


def problem_sentence(code: str, status: int, language: str) -> str:
    """What an error page says."""
    sentence = _PROBLEMS.get(code, _DEFECT if status >= 500 else _REFUSED)
    return translations(language).gettext(sentence)
