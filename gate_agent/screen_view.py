"""A lane's part of the status, in the flat form that its screen reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from gate_agent.lane_parts import LaneParts
from gate_agent.supervision import PartState


def lane_view(status: Mapping[str, object], lane: LaneParts, now_ms: int) -> dict[str, object]:
    """What a screen shows between two visitors. `now_ms`: the corrected clock.

    `state` as in the status; `open_until_ms` where it was opened by hand; `devices`: part (camera, reader, barrier, passage, disk,
    program), name,
    state (ok | gone). The rest is the gate's: link, offline_since_ms, data_age_s (whole seconds),
    exposed_lanes, entered, total, performances (numbers that are let in at this lane now),
    double_entries and unrecorded (how many).
    """
    link, counts = cast("dict[str, Any]", status["link"]), cast("dict[str, Any]", status["counts"])
    exposure = cast("dict[str, Any]", status["exposure"])
    mine = next(each for each in _lanes(status) if each["name"] == lane.settings.name)
    age_s = link["data_age_s"]
    knowledge = lane.runner.doorman.knowledge
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    served = knowledge.let_in_now(frozenset(lane.settings.performances), now)
    return {
        "gate": lane.settings.gate,
        "direction": mine["direction"],
        "state": mine["state"],
        "open_until_ms": _ms_of(mine["open_until"]),
        "link": link["state"],
        "offline_since_ms": _ms_of(link["since"]),
        "data_age_s": None if age_s is None else int(age_s),
        "exposed_lanes": exposure["lanes"],
        "entered": counts["entered"],
        "total": counts["total"],
        "performances": sorted(served),
        "double_entries": status["double_entries"],
        "unrecorded": status["unrecorded"],
        "devices": _devices(mine, lane),
    }


def _devices(mine: Mapping[str, Any], lane: LaneParts) -> list[dict[str, object]]:
    """Readers, the barrier and its contact, and whether the disk takes what happens."""
    found: list[dict[str, object]] = [
        {
            "part": "camera"
            if lane.camera and reader["address"] == lane.camera.address
            else "reader",
            "name": reader["address"],
            "state": "gone" if reader["state"] in ("gone", "stopped") else "ok",
        }
        for reader in mine["readers"]
    ]
    barrier = mine["barrier"]
    part = "passage" if barrier["state"] == "stuck" else "barrier"
    state = "gone" if barrier["state"] in ("gone", "stuck") else "ok"
    found.append({"part": part, "name": barrier["address"], "state": state})
    found += [
        {"part": "program", "name": part["name"], "state": "gone"}
        for part in mine["parts"]
        if part["state"] == PartState.RESTARTING
    ]
    if mine["unwritten"]:
        found.append({"part": "disk", "name": "", "state": "gone"})
    return found


def _lanes(status: Mapping[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", status["lanes"])


def _ms_of(instant: str | None) -> int | None:
    if instant is None:
        return None
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
