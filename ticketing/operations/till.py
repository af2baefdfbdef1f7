"""What a till notes beside its sales: tickets printed, people signed in and out."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.ids import OrderId, is_order_id, is_u32
from ticketing.operations.fields import is_name, to_object, to_text


@dataclass(frozen=True, slots=True)
class Print:
    """An order's tickets came out of the printer, as copy 1, 2..."""

    order_id: OrderId
    copy: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person opened (or locked) a till with a PIN."""

    person_id: str


def encode_print(printed: Print) -> str:
    """A print as its body text."""
    return to_text({"order": printed.order_id, "copy": printed.copy})


def decode_print(body: str) -> Print | None:
    """The print, or None."""
    raw = to_object(body)
    if not is_order_id(raw.get("order")) or not is_u32(raw.get("copy")):
        return None
    return Print(OrderId(raw["order"]), raw["copy"])


def encode_signed_in(signed: SignedIn) -> str:
    """A sign-in or sign-out as its body text."""
    return to_text({"person": signed.person_id})


def decode_signed_in(body: str) -> SignedIn | None:
    """The sign-in, or None."""
    raw = to_object(body)
    return SignedIn(raw["person"]) if is_name(raw.get("person")) else None
