"""How a gate is: one plain JSON object, for `boxgate-gate status`, a screen, or a supervisor."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.database import let_go_of_pages
from edge.errors import ReplicaError
from edge.link import Link, LinkState
from edge.node import Node
from edge.replica import Replica
from gate_agent.counts import Counts
from gate_agent.lane_parts import LaneParts
from gate_agent.memory import LaneMemory
from gate_agent.supervision import PartState
from hardware.camera.grabber import CameraState
from hardware.reader import ReaderState
from program.logs import get_logger
from ticketing.admission import UNRECORDED_MAX
from ticketing.operations import GateCause

FILE_NAME = "status.json"
PERIOD_S = 1.0
STALE_S = 10.0
"""A status file that is older tells nothing any more."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StatusSource:
    """What a status is made from. `now_ms`: the corrected clock; `double_entries_count`: of open
    cases of this evening.
    """

    node: Node
    lanes: Sequence[LaneParts]
    counts: Counts
    memory: LaneMemory
    started_ms: int
    now_ms: int
    double_entries_count: int = 0


def gate_status(source: StatusSource) -> dict[str, object]:
    """The status. Never raises; from any thread. Instants are ISO texts in UTC, or null.

    ```
    at, started_at, node, name   when this was so; since when the program runs; the node's id, name
    healthy, faults              whether nothing is wrong, and what is, in plain English
    link: state                  connecting | online | offline | locked
          since                  offline since then; null while it is not
          data_age_s             how old what the server told is; null before the first contact
          error                  the last call's failure, or ""
    double_entries               open cases of this evening that this gate is part of
    unsynced, unrecorded         operations the server has not got; people let in without a record
    exposure: lanes, data_age_s  at so many other lanes a copy of a ticket could enter just now
              text               the same in a sentence, "" when at none
    counts: entered, total       tickets that went in, of those sold for what is let in now
            inside, areas        people inside, and {area: people} by the area of their place
    lanes: [{
      name, gate, direction      entry | exit
      state                      ready | fire | open | trouble
      open_until                 when it shuts again; null unless it was opened by hand
      readers: [{address, state, fault}]           starting | live | gone | stopped
      barrier: {address, state, fault, passage_contact, waiting}    ready | gone | stuck | none
      admitted, refused, left, passed, returned    since the start
      tailgates, last_tailgate_at
      walked: {fire, hand, tailgate, out}          people without a grant, this evening
      unwritten                  passages that wait for a disk that takes them
      parts: [{name, state, crashes}]              the supervised parts
      last                       the last decision's line, or null
    }]
    ```
    """
    link = source.node.engine.link
    age_s = data_age_s(link, source.node)
    lanes = [_lane(lane, source.now_ms) for lane in source.lanes]
    trouble = [fault for lane in source.lanes for fault in _faults_of(lane)]
    unsynced, unreadable = _unsynced(source.node.replica)
    trouble += unreadable
    if link.state is LinkState.LOCKED:
        trouble.append("this gate is locked: it must be enrolled again")
    if source.memory.unrecorded_count:
        count = source.memory.unrecorded_count
        trouble.append(f"{count} of {UNRECORDED_MAX} people let in without any record")
    numbers = source.counts.numbers
    return {
        "at": instant(source.now_ms),
        "started_at": instant(source.started_ms),
        "node": source.node.identity.node_id,
        "name": source.node.identity.name,
        "healthy": not trouble,
        "faults": trouble,
        "link": {
            "state": link.state.value,
            "since": instant(link.offline_since_ms),
            "data_age_s": age_s,
            "error": link.last_error,
        },
        "double_entries": source.double_entries_count,
        "unsynced": unsynced,
        "unrecorded": source.memory.unrecorded_count,
        "exposure": _exposure(source, link, age_s),
        "counts": {
            "entered": numbers.entered_count,
            "total": numbers.total_count,
            "inside": numbers.inside_count,
            "areas": numbers.inside_by_area,
        },
        "lanes": lanes,
    }


def data_age_s(link: Link, node: Node) -> float | None:
    """How old what the server told is, in seconds; None before the first contact."""
    if link.last_contact_ms is None:
        return None
    age_ms = max(0, node.env.wall_ms() - link.last_contact_ms) + link.server_behind_ms
    return round(age_ms / 1000, 1)


def instant(ms: int | None) -> str | None:
    """Unix milliseconds as an ISO text in UTC."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _unsynced(replica: Replica) -> tuple[int, list[str]]:
    try:
        with replica.reading() as journal:
            row = journal.execute(
                "SELECT coalesce(sum(seq - max(acked, salvaged)), 0) FROM journal"
            ).fetchone()
    except ReplicaError as error:
        return 0, [str(error)]
    return int(row[0]), []


def _exposure(source: StatusSource, link: Link, age_s: float | None) -> dict[str, object]:
    """Lanes of other gates that a copy could enter by: as long as nobody answers us."""
    count = 0 if link.state is LinkState.ONLINE else _other_lanes_count(source.node)
    text = ""
    if count:
        known = "no data yet" if age_s is None else f"data {age_s:.0f} s old"
        lanes = "1 other lane" if count == 1 else f"{count} other lanes"
        text = f"{known}; a copy could enter at {lanes}"
    return {"lanes": count, "data_age_s": age_s, "text": text}


def _other_lanes_count(node: Node) -> int:
    """Lanes known from entries, and at least one for each other gate of the house."""
    me = node.identity.node_id
    try:
        with node.replica.mirror.reading() as mirror:
            gates = {
                row["id"]
                for row in mirror.execute(
                    "SELECT id FROM node WHERE role = 'gate' AND state = 'active' AND id <> ?",
                    (me,),
                )
            }
            lanes = mirror.execute("SELECT DISTINCT node_id, lane FROM entry").fetchall()
            let_go_of_pages(mirror)
    except ReplicaError:
        return 0
    seen = {(row["node_id"], row["lane"]) for row in lanes if row["node_id"] in gates}
    silent = gates - {node_id for node_id, _lane in seen}
    return len(seen) + len(silent)


def _lane(lane: LaneParts, now_ms: int) -> dict[str, object]:
    tally, book = lane.runner.tally, lane.book.tally
    return {
        "name": lane.settings.name,
        "gate": lane.settings.gate,
        "direction": lane.settings.direction.value,
        "state": _state_of(lane),
        "open_until": _open_until(lane, now_ms),
        "readers": _readers(lane),
        "barrier": _barrier(lane),
        "admitted": tally.admitted_count,
        "refused": tally.refused_count,
        "left": tally.left_count,
        "passed": book.passed_count,
        "returned": book.returned_count,
        "tailgates": book.tailgates_count,
        "last_tailgate_at": instant(book.last_tailgate_ms),
        "walked": {cause.value: book.walked.get(cause, 0) for cause in GateCause},
        "unwritten": lane.book.unwritten_count,
        "parts": [
            {"name": part.name, "state": part.state.value, "crashes": part.crashes_count}
            for part in lane.supervised
        ],
        "last": tally.last,
    }


def _state_of(lane: LaneParts) -> str:
    if lane.barrier.burns:
        return "fire"
    if lane.barrier.state.stands_open:
        return "open"
    return "trouble" if _faults_of(lane) else "ready"


def _open_until(lane: LaneParts, now_ms: int) -> str | None:
    left_s = lane.barrier.open_left_s
    return None if left_s is None else instant(now_ms + round(left_s * 1000))


def _readers(lane: LaneParts) -> list[dict[str, object]]:
    told: list[dict[str, object]] = []
    if lane.camera is not None:
        state = lane.camera.state
        fault = "no picture comes from it" if state is CameraState.GONE else ""
        told.append({"address": lane.camera.address, "state": state.value, "fault": fault})
    for reader in lane.readers:
        health = reader.health
        told.append({"address": reader.address, "state": health.state.value, "fault": health.fault})
    return told


def _barrier(lane: LaneParts) -> dict[str, object]:
    part = lane.barrier
    state = "ready"
    if lane.settings.relay.startswith("none:"):
        state = "none"
    elif part.fault:
        state = "gone"
    elif part.is_stuck:
        state = "stuck"
    return {
        "address": lane.settings.relay,
        "state": state,
        "fault": part.fault or ("the passage contact stays closed" if part.is_stuck else ""),
        "passage_contact": part.barrier.has_passage_contact,
        "waiting": len(part.state.waiting),
    }


def _faults_of(lane: LaneParts) -> list[str]:
    name = lane.settings.name
    silent = (ReaderState.GONE.value, ReaderState.STOPPED.value)
    faults = [
        f"{name}: reader {reader['address']}: {reader['fault'] or 'stopped'}"
        for reader in _readers(lane)
        if reader["state"] in silent
    ]
    fault = _barrier(lane)["fault"]
    if fault:
        faults.append(f"{name}: barrier: {fault}")
    if lane.book.unwritten_count:
        faults.append(f"{name}: {lane.book.unwritten_count} passages are not written down yet")
    faults += [
        f"{name}: {part.name} crashed and is begun again"
        for part in lane.supervised
        if part.state is PartState.RESTARTING
    ]
    return faults


# --- the file


class StatusFile:
    """Writes the status for other programs of this machine, once a second, and has it shown."""

    def __init__(
        self,
        folder: Path,
        status: Callable[[], dict[str, object]],
        show: Callable[[dict[str, object]], None] = lambda _status: None,
    ) -> None:
        self._file = folder / FILE_NAME
        self._status, self._show = status, show
        self._fails = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. A disk that is full keeps nobody from passing: it is said once."""
        while not stop.is_set():
            status = self._status()
            self._show(status)
            self._write(status)
            stop.wait(PERIOD_S)

    def last_word(self) -> None:
        """The program stops: nobody shall take its last status for the present one."""
        self._file.unlink(missing_ok=True)

    def _write(self, status: dict[str, object]) -> None:
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(status, ensure_ascii=False), encoding="utf-8")
            fresh.replace(self._file)
        except OSError as error:
            if not self._fails:
                _log.warning("status_not_written", error=error.strerror or "")
            self._fails = True
        else:
            self._fails = False


def read_status(folder: Path) -> dict[str, Any]:
    """What a gate of this folder last said, for `boxgate-gate status`.

    `{"running": false}` when no program runs; `"stale": true` when it has said nothing for a while.
    """
    if not _is_running(folder):
        return {"running": False}
    try:
        file = folder / FILE_NAME
        age_s = max(0.0, time.time() - file.stat().st_mtime)
        status = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {"running": True, "stale": True, "healthy": False}
    is_stale = age_s > STALE_S
    healthy = bool(status.get("healthy")) and not is_stale
    return {"running": True, "stale": is_stale, **status, "healthy": healthy}


def _is_running(folder: Path) -> bool:
    """Whether a program holds the folder."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
