"""The price list of an event document: what each price tier costs each ticket type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ticketing.event import Event, Price, PriceTier, TicketType
from ticketing.faults import N_, Fault
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX, PERFORMANCES_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ticketing.document_reader import Node

EXCEPTIONS_MAX = 5_000
PRICE_MINOR_MAX = 10_000_000_000
VERSION_MAX = 2**31 - 1

_Line = tuple[int | None, str, str]  # performance number or None, tier id, ticket type id


def read_price_list(
    node: Node,
    tiers: Sequence[PriceTier],
    types: Sequence[TicketType],
    performance_numbers: set[int],
) -> tuple[int, tuple[Price, ...]]:
    """Read the list's version and its lines; `performance_numbers` are the ones that exist."""
    members = node.members(("version", "prices_minor"), ("exceptions",))
    version = members["version"].integer(1, VERSION_MAX)
    names = [tier.id for tier in tiers if tier.id], [kind.id for kind in types if kind.id]
    lines: dict[_Line, int | None] = {
        (None, *pair): price
        for pair, price in _read_price_table(members["prices_minor"], *names).items()
        if price is not None
    }
    if members["exceptions"].present:
        for inner in members["exceptions"].items(0, EXCEPTIONS_MAX, N_("exceptions")):
            _read_exception(inner, names, performance_numbers, lines)
    return version, _sorted_prices(lines, *names)


def _read_exception(
    node: Node,
    names: tuple[list[str], list[str]],
    known: set[int],
    lines: dict[_Line, int | None],
) -> None:
    members = node.members(("performances", "prices_minor"))
    table = _read_price_table(members["prices_minor"], *names)
    for inner in members["performances"].items(1, PERFORMANCES_MAX, N_("performance numbers")):
        number = inner.integer(1, PERFORMANCE_NUMBER_MAX)
        if type(inner.value) is int and number not in known:
            inner.refuse(Fault.NO_PERFORMANCE)
        for (tier_id, type_id), price in table.items():
            key = (number, tier_id, type_id)
            if key in lines:
                inner.refuse(Fault.PRICE_TWICE, tier=tier_id, type=type_id, performance=number)
                break
            lines[key] = price


def _read_price_table(
    node: Node, tier_ids: Sequence[str], type_ids: Sequence[str]
) -> dict[tuple[str, str], int | None]:
    """Read `{"vip": {"adult": 88000, "child": null}}`; null says "not sold"."""
    table: dict[tuple[str, str], int | None] = {}
    for tier_id, row in node.members((), tier_ids).items():
        if not row.present:
            continue
        for type_id, price in row.members((), type_ids).items():
            if price.present:
                sold = price.value is not None
                table[tier_id, type_id] = price.integer(0, PRICE_MINOR_MAX) if sold else None
    return table


def _sorted_prices(
    lines: Mapping[_Line, int | None], tier_ids: Sequence[str], type_ids: Sequence[str]
) -> tuple[Price, ...]:
    """Order the lines so that equal lists are equal: usual ones first, then by performance."""

    def place(line: _Line) -> tuple[int, int, int]:
        number, tier_id, type_id = line
        return number or 0, tier_ids.index(tier_id), type_ids.index(type_id)

    return tuple(
        Price(tier_id, type_id, lines[number, tier_id, type_id], number)
        for number, tier_id, type_id in sorted(lines, key=place)
    )


def price_list_members(event: Event) -> dict[str, Any]:
    """Return the event's price list as `read_price_list` reads it, an exception per performance."""
    tables: dict[int | None, dict[str, dict[str, int | None]]] = {None: {}}
    for price in event.prices:
        table = tables.setdefault(price.performance_number, {})
        table.setdefault(price.tier_id, {})[price.ticket_type_id] = price.price_minor
    return {
        "version": event.price_list_version,
        "prices_minor": tables.pop(None),
        "exceptions": [
            {"performances": [number], "prices_minor": table} for number, table in tables.items()
        ],
    }
