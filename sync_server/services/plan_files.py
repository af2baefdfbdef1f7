"""A seating plan's file, as somebody uploads it: ours, a catalogue with one plan, or pretix's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync_server.services.plan_store import PlanSource, StoredPlan
from ticketing.catalogue import CATALOGUE_FORMAT
from ticketing.document_reader import CatalogueError, Node, Problems
from ticketing.faults import N_, Problem
from ticketing.pretix_plan import Category, convert_plan, id_for, is_pretix_plan
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document, read_plan

PLAN_FORMAT = "boxgate-plan-1"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class NoPlan(StrEnum):
    """Why a file was not even looked through."""

    NOT_JSON = "not_json"
    OTHER_FORMAT = "other_format"
    PLAN_ID = "plan_id"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file that is in order."""

    plan: SeatingPlan
    source: PlanSource
    categories: tuple[Category, ...] = ()
    left_out_count: int = 0


@dataclass(frozen=True, slots=True)
class Faulty:
    """A file that is not: the first faults, and how many there are."""

    problems: tuple[Problem, ...]
    count: int


FindPlan = Callable[[str], StoredPlan | None]


def read_plan_file(
    data: bytes, plan_id: str, languages: Sequence[str], find: FindPlan
) -> PlanFile | Faulty | NoPlan:
    """Read a file's bytes. `plan_id` goes before the file's own; '' takes that one.

    `find` gives the newest version of a plan: rows of pretix's keep their unit numbers by it.
    """
    document = decoded(data)
    if document is NOT_JSON:
        return NoPlan.NOT_JSON
    try:
        if is_pretix_plan(document):
            return _of_pretix(document, plan_id, languages, find)
        return _of_ours(document, plan_id, languages)
    except CatalogueError as error:
        return Faulty(error.problems, error.problem_count)


def plan_file(plan: SeatingPlan) -> bytes:
    """The plan as a file that `read_plan_file` reads."""
    document = {"format": PLAN_FORMAT, "plan": plan_document(plan)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def is_plan_id(plan_id: str) -> bool:
    """Whether it can be the id of a plan."""
    return _ID.fullmatch(plan_id) is not None


NOT_JSON = object()


def decoded(data: bytes) -> object:
    """The JSON of a file; NOT_JSON for what is none."""
    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):  # ValueError: also UTF-8, and numbers of many digits
        return NOT_JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key written twice would silently lose what the first one said."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _of_pretix(
    document: object, plan_id: str, languages: Sequence[str], find: FindPlan
) -> PlanFile | NoPlan:
    assert isinstance(document, dict)
    wanted = plan_id or id_for(document.get("name"))
    if not is_plan_id(wanted):
        return NoPlan.PLAN_ID
    earlier = find(wanted)
    found = convert_plan(
        document,
        source="",
        plan_id=wanted,
        languages=languages,
        earlier=earlier.plan if earlier else None,
        highest_unit=earlier.line.highest_unit if earlier else 0,
    )
    return PlanFile(found.plan, PlanSource.PRETIX, found.categories, found.left_out_count)


def _of_ours(document: object, plan_id: str, languages: Sequence[str]) -> PlanFile | NoPlan:
    if plan_id and not is_plan_id(plan_id):
        return NoPlan.PLAN_ID
    problems = Problems("")
    top = Node(document, problems)
    form = document.get("format") if isinstance(document, dict) else None
    if form == PLAN_FORMAT:
        node = top.members(("format", "plan"))["plan"]
    elif form == CATALOGUE_FORMAT:
        plans = top.members(("plans",), others=True)["plans"].items(1, 1, N_("plan to be uploaded"))
        problems.raise_if_any()
        node = plans[0]
    else:
        return NoPlan.OTHER_FORMAT
    if plan_id and isinstance(node.value, dict):
        node = Node({**node.value, "id": plan_id}, problems, node.parent, node.key)
    plan = read_plan(node, languages)
    problems.raise_if_any()
    assert plan is not None, "a plan was refused without a reason"
    return PlanFile(plan, PlanSource.UPLOAD)
