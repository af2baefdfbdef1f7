"""A chip was bound to a ticket at a till, or is so no longer."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.credential import (
    NO_COUNTER,
    CredentialKind,
    CredentialRef,
    is_credential_ref,
)
from ticketing.ids import TicketId, is_ticket_id
from ticketing.operations.fields import (
    is_instant,
    is_name,
    is_ticket_type,
    to_object,
    to_text,
)
from ticketing.sun import COUNTER_MAX


@dataclass(frozen=True, slots=True)
class CredentialBound:
    """From now on the chip `ref` stands for the ticket. `by` is who did it.

    `ticket_type` is the number that the ticket's code says. `counter` is the tap at which an
    NTAG 424 was bound: only later ones open.
    """

    ref: CredentialRef
    ticket_id: TicketId
    kind: CredentialKind
    ticket_type: int
    by: str
    at_ms: int
    counter: int = NO_COUNTER


@dataclass(frozen=True, slots=True)
class CredentialUnbound:
    """The chip does not stand for the ticket any more; `blocked`: it was lost or stolen."""

    ref: CredentialRef
    ticket_id: TicketId
    by: str
    at_ms: int
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class ByCredential:
    """By which chip a ticket was let in. `counter`: an NTAG 424's tap, else NO_COUNTER."""

    ref: CredentialRef
    kind: CredentialKind
    counter: int = NO_COUNTER


def encode_credential_bound(bound: CredentialBound) -> str:
    """Its body text."""
    body: dict[str, object] = {
        "ref": bound.ref,
        "ticket": bound.ticket_id,
        "kind": bound.kind.value,
        "type": bound.ticket_type,
        "by": bound.by,
        "at_ms": bound.at_ms,
    }
    return to_text(body | {"counter": bound.counter} if bound.counter != NO_COUNTER else body)


def decode_credential_bound(body: str) -> CredentialBound | None:
    """What it says, or None."""
    raw = to_object(body)
    if not (
        is_credential_ref(raw.get("ref"))
        and is_ticket_id(raw.get("ticket"))
        and raw.get("kind") in tuple(CredentialKind)
        and is_ticket_type(raw.get("type"))
        and is_name(raw.get("by"))
        and is_instant(raw.get("at_ms"))
        and ("counter" not in raw or is_tap(raw["counter"]))
    ):
        return None
    return CredentialBound(
        CredentialRef(raw["ref"]),
        TicketId(raw["ticket"]),
        CredentialKind(raw["kind"]),
        raw["type"],
        raw["by"],
        raw["at_ms"],
        raw.get("counter", NO_COUNTER),
    )


def encode_credential_unbound(unbound: CredentialUnbound) -> str:
    """Its body text."""
    body: dict[str, object] = {
        "ref": unbound.ref,
        "ticket": unbound.ticket_id,
        "by": unbound.by,
        "at_ms": unbound.at_ms,
    }
    return to_text(body | {"blocked": True} if unbound.blocked else body)


def decode_credential_unbound(body: str) -> CredentialUnbound | None:
    """What it says, or None."""
    raw = to_object(body)
    if not (
        is_credential_ref(raw.get("ref"))
        and is_ticket_id(raw.get("ticket"))
        and is_name(raw.get("by"))
        and is_instant(raw.get("at_ms"))
        and isinstance(raw.get("blocked", False), bool)
    ):
        return None
    return CredentialUnbound(
        CredentialRef(raw["ref"]),
        TicketId(raw["ticket"]),
        raw["by"],
        raw["at_ms"],
        raw.get("blocked", False),
    )


def by_credential_to_wire(by: ByCredential) -> dict[str, object]:
    """As an entry says it."""
    told: dict[str, object] = {"ref": by.ref, "kind": by.kind.value}
    return told | {"counter": by.counter} if by.counter != NO_COUNTER else told


def by_credential_from_wire(raw: object) -> ByCredential | None:
    """What an entry or a gate's question says; None for anything else."""
    if not isinstance(raw, dict) or not is_credential_ref(raw.get("ref")):
        return None
    if raw.get("kind") not in tuple(CredentialKind):
        return None
    counter = raw.get("counter", NO_COUNTER)
    if "counter" in raw and not is_tap(counter):
        return None
    return ByCredential(CredentialRef(raw["ref"]), CredentialKind(raw["kind"]), counter)


def is_tap(value: object) -> bool:
    """The number of an NTAG 424's tap: three bytes."""
    return type(value) is int and 0 <= value <= COUNTER_MAX
