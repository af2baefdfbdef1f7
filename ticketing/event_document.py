"""An event's part of a document: reading both of its forms, and writing the self-contained one.

A catalogue, which people write, gives a performance's start as a wall time with minutes around it.
A stored event document gives instants in UTC. All else is the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ticketing.document_reader import Node, unique
from ticketing.entry_rules_document import entry_rules_members, read_entry_rules
from ticketing.event import Event, PriceTier, TicketType, TierSpan
from ticketing.faults import N_, Fault
from ticketing.paper_template_document import paper_members, read_papers
from ticketing.performance_document import (
    Setting,
    declared_numbers,
    performance_members,
    read_performances,
)
from ticketing.price_list_document import price_list_members, read_price_list
from ticketing.pricing.document import Scope, price_rules_members, read_price_rules
from ticketing.refund_rules_document import read_refund_rules, refund_rules_members
from ticketing.seating import UNIT_MAX, SeatingPlan
from ticketing.seating_document import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TIERS_MAX = 32
TICKET_TYPES_MAX = 64
PLACES_MAX = 20_000
TICKET_TYPE_NUMBER_MAX = 255  # one byte in the ticket code
COLOUR_INDEX_MAX = 31
LETTER_CHARS_MAX = 2

_EVENT_KEYS = tuple("id name plan price_tiers ticket_types price_list performances".split())


def read_event(node: Node, setting: Setting) -> Event | None:
    """Read one event; None, with its problems recorded, when anything in it is wrong."""
    mark = node.problems.count
    members = node.members(_EVENT_KEYS, ("price_rules", "refund_rules", "entry_rules", "papers"))
    languages = setting.venue.languages
    event_id = members["id"].identifier()
    name = read_text(members["name"], languages)
    plan = _read_plan_id(members["plan"], setting.plans)
    tier_nodes = members["price_tiers"].items(1, TIERS_MAX, N_("price tiers"))
    tiers = _read_tiers(tier_nodes, languages)
    types = _read_ticket_types(members["ticket_types"], languages)
    performances = read_performances(members["performances"], event_id, plan, setting)
    numbers = declared_numbers(members["performances"])
    version, prices = read_price_list(members["price_list"], tiers, types, numbers)
    scope = Scope(
        [tier.id for tier in tiers if tier.id],
        [kind.id for kind in types if kind.id],
        frozenset(numbers),
    )
    rules = read_price_rules(members["price_rules"], scope, setting)
    refund_rules = read_refund_rules(members["refund_rules"])
    entry_rules = read_entry_rules(members["entry_rules"], scope, setting.venue)
    papers = read_papers(members["papers"], languages)
    spans = _read_tier_spans(tier_nodes, tiers, plan, members["price_tiers"])
    if node.problems.since(mark) or plan is None:
        return None
    return Event(
        id=event_id,
        name=name,
        plan_id=plan.id,
        currency=setting.venue.currency,
        price_list_version=version,
        price_tiers=tiers,
        ticket_types=types,
        performances=performances,
        tier_spans=spans,
        prices=prices,
        price_rules=rules,
        refund_rules=refund_rules,
        papers=papers,
        entry_rules=entry_rules,
    )


def event_members(event: Event) -> dict[str, Any]:
    """Return the event in its stored form; reading it with its venue and plan gives an equal one."""
    rules = price_rules_members(event.price_rules)
    refunds = refund_rules_members(event.refund_rules)
    entries = entry_rules_members(event.entry_rules)
    return {
        "id": event.id,
        "name": event.name.to_json(),
        "plan": event.plan_id,
        "price_tiers": [_tier_document(event, tier) for tier in event.price_tiers],
        "ticket_types": [
            {"number": kind.number, "id": kind.id, "name": kind.name.to_json()}
            for kind in event.ticket_types
        ],
        "price_list": price_list_members(event),
        **({"price_rules": rules} if rules else {}),
        **({"refund_rules": refunds} if refunds else {}),
        **({"papers": paper_members(event.papers)} if event.papers else {}),
        **({"entry_rules": entries} if entries else {}),
        "performances": [performance_members(one) for one in event.performances],
    }


# -------------------------------------------------------------------------- plan, tiers and types


def _read_plan_id(node: Node, plans: Mapping[str, SeatingPlan | None]) -> SeatingPlan | None:
    if not plans:  # said already, where the plans are
        return None
    plan_id = node.one_of(plans, N_("the id of one of the plans"))
    return plans.get(plan_id)


def _read_tiers(nodes: Iterable[Node], languages: Sequence[str]) -> tuple[PriceTier, ...]:
    seen: dict[Any, Node] = {}
    tiers = []
    for at, node in enumerate(nodes):
        members = node.members(("id", "name", "letter", "places"), ("colour_index",))
        tier_id = members["id"].identifier()
        unique(seen, tier_id, members["id"], N_("price tier"))
        colour = members["colour_index"]
        tiers.append(
            PriceTier(
                id=tier_id,
                name=read_text(members["name"], languages),
                letter=members["letter"].string(N_("the letter in its seats"), LETTER_CHARS_MAX),
                colour_index=colour.integer(0, COLOUR_INDEX_MAX) if colour.present else at,
            )
        )
    return tuple(tiers)


def _read_ticket_types(node: Node, languages: Sequence[str]) -> tuple[TicketType, ...]:
    ids: dict[Any, Node] = {}
    numbers: dict[Any, Node] = {}
    types = []
    for inner in node.items(1, TICKET_TYPES_MAX, N_("ticket types")):
        mark = node.problems.count
        members = inner.members(("number", "id", "name"))
        number = members["number"].integer(1, TICKET_TYPE_NUMBER_MAX)
        if not node.problems.since(mark):
            unique(numbers, number, members["number"], N_("ticket type number"))
        type_id = members["id"].identifier()
        unique(ids, type_id, members["id"], N_("ticket type"))
        types.append(TicketType(number, type_id, read_text(members["name"], languages)))
    return tuple(types)


# --------------------------------------------------------------------------- which unit costs what


def _read_tier_spans(
    nodes: Sequence[Node],
    tiers: Sequence[PriceTier],
    plan: SeatingPlan | None,
    whole: Node,
) -> tuple[TierSpan, ...]:
    """Read which tier each unit has; refuse units with two tiers, or with none."""
    mark = whole.problems.count
    tier_of: dict[int, str] = {}
    for node, tier in zip(nodes, tiers, strict=True):
        if isinstance(node.value, dict) and "places" in node.value:
            places = Node(node.value["places"], node.problems, node, "places")
            for inner in places.items(1, PLACES_MAX, N_("places")):
                _give_tier(inner, _read_place(inner, plan), tier.id, tier_of)
    if plan is not None and not whole.problems.since(mark):
        _refuse_units_without_tier(whole, plan, tier_of)
    return _as_spans(tier_of)


def _read_place(node: Node, plan: SeatingPlan | None) -> list[int]:
    """Read `{"area": id}`, `{"area": id, "rows": [labels]}` or `{"units": [[first, last]]}`."""
    if isinstance(node.value, dict) and "units" in node.value:
        return _read_units(node.members(("units",))["units"], plan)
    members = node.members(("area",), ("rows",))
    if plan is None:
        return []
    area_id = members["area"].one_of([area.id for area in plan.areas], N_("the id of an area"))
    area = plan.area(area_id)
    if area is None:
        return []
    if not members["rows"].present:
        return list(area.units)
    rows = {row.label: row for row in area.rows}
    if not rows:
        members["rows"].refuse(Fault.NO_ROWS_STANDING)
        return []
    labels = [
        inner.one_of(rows, N_("the label of a row of this area"))
        for inner in members["rows"].items(1, len(rows), N_("row labels"))
    ]
    return [seat.unit for label in labels if label for seat in rows[label].seats]


def _read_units(node: Node, plan: SeatingPlan | None) -> list[int]:
    units: list[int] = []
    for inner in node.items(1, PLACES_MAX, N_("spans [first, last]")):
        pair = inner.items(2, 2, N_("unit numbers [first, last]"))
        if len(pair) != len(("first", "last")):
            continue
        first, last = (end.integer(1, UNIT_MAX) for end in pair)
        if last < first:
            inner.refuse(Fault.FIRST_ABOVE_LAST)
        elif plan is not None:
            # Counted before it is listed: a span may claim four thousand million units.
            missing = _first_missing(first, last, plan)
            if missing is not None:
                inner.refuse(Fault.UNIT_NOT_IN_PLAN, unit=missing, plan=plan.id)
            else:
                units += range(first, last + 1)
    return units


def _first_missing(first: int, last: int, plan: SeatingPlan) -> int | None:
    looked_at = range(first, min(last, first + plan.unit_count) + 1)
    return next((unit for unit in looked_at if not plan.has_unit(unit)), None)


def _give_tier(node: Node, units: Iterable[int], tier_id: str, tier_of: dict[int, str]) -> None:
    doubled = [unit for unit in units if tier_of.setdefault(unit, tier_id) != tier_id]
    if doubled:
        first = doubled[0]
        node.refuse(Fault.TWO_TIERS, unit=first, tier=tier_of[first], count=len(doubled))


def _refuse_units_without_tier(node: Node, plan: SeatingPlan, tier_of: dict[int, str]) -> None:
    for area in plan.areas:
        missing = [unit for unit in area.units if unit not in tier_of]
        if missing and node.present:
            place = plan.describe(missing[0], "en")
            node.refuse(
                Fault.NO_TIER, unit=missing[0], place=place, area=area.id, count=len(missing)
            )


def _as_spans(tier_of: Mapping[int, str]) -> tuple[TierSpan, ...]:
    """Join neighbouring units of one tier, so that equal assignments give equal spans."""
    spans: list[TierSpan] = []
    for unit in sorted(tier_of):
        last = spans[-1] if spans else None
        if last and last.last_unit == unit - 1 and last.tier_id == tier_of[unit]:
            spans[-1] = TierSpan(last.first_unit, unit, last.tier_id)
        else:
            spans.append(TierSpan(unit, unit, tier_of[unit]))
    return tuple(spans)


def _tier_document(event: Event, tier: PriceTier) -> dict[str, Any]:
    spans = [span for span in event.tier_spans if span.tier_id == tier.id]
    return {
        "id": tier.id,
        "name": tier.name.to_json(),
        "letter": tier.letter,
        "colour_index": tier.colour_index,
        "places": [{"units": [[span.first_unit, span.last_unit] for span in spans]}],
    }
