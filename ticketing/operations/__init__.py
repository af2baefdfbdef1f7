"""The bodies of journal operations: JSON texts that nodes write and the server reads.

Decoders are total: a body gives its value, or None when any rule is broken. Encoders sort keys,
so that one value always has one text. A field that came later is left out of the text while it
has its default, so a body that says nothing new reads as it always did.
"""

from __future__ import annotations

from ticketing.operations.after_sale import (
    Exchange,
    ExchangeAction,
    Refund,
    RefundAction,
    decode_exchange,
    decode_refund,
    encode_exchange,
    encode_refund,
    exchange_adds_up,
)
from ticketing.operations.entry import EntryGranted, decode_entry, encode_entry
from ticketing.operations.fields import LINES_MAX, MINOR_MAX, is_name, is_seen_list, op_ids
from ticketing.operations.sale import (
    CashLeg,
    Sale,
    SaleLine,
    adds_up,
    decode_sale,
    encode_sale,
)
from ticketing.operations.stock import (
    COUNTS_MAX,
    UNITS_MAX,
    Interest,
    Release,
    Settle,
    decode_interest,
    decode_release,
    decode_settle,
    encode_interest,
    encode_release,
    encode_settle,
)
from ticketing.operations.till import (
    Print,
    SignedIn,
    decode_print,
    decode_signed_in,
    encode_print,
    encode_signed_in,
)

__all__ = [
    "COUNTS_MAX",
    "LINES_MAX",
    "MINOR_MAX",
    "UNITS_MAX",
    "CashLeg",
    "EntryGranted",
    "Exchange",
    "ExchangeAction",
    "Interest",
    "Print",
    "Refund",
    "RefundAction",
    "Release",
    "Sale",
    "SaleLine",
    "Settle",
    "SignedIn",
    "adds_up",
    "decode_entry",
    "decode_exchange",
    "decode_interest",
    "decode_print",
    "decode_refund",
    "decode_release",
    "decode_sale",
    "decode_settle",
    "decode_signed_in",
    "encode_entry",
    "encode_exchange",
    "encode_interest",
    "encode_print",
    "encode_refund",
    "encode_release",
    "encode_sale",
    "encode_settle",
    "encode_signed_in",
    "exchange_adds_up",
    "is_name",
    "is_seen_list",
    "op_ids",
]
