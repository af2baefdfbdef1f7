"""Training: a till of its own in a folder of its own, that nothing connects with the real one.

Its key is made anew each time and told to nobody, its codes say that they are for training, and its
"server" is this process: nothing here knows an address. What is sold is gone at the next start.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher

from edge.allotments import Grant, install
from edge.database import open_reader
from edge.env import Env
from edge.errors import ReplicaError, ReplicaInUse
from edge.identity import Identity, NodeKey
from edge.mirror import Change
from edge.node import Node
from edge.replica import Replica, create_journal
from edge.time_left import now_of
from pos_app.services import stock
from pos_app.services.training_centre import GENERATION, TrainingCentre, no_network
from program.logs import get_logger
from ticketing.catalogue import (
    CatalogueError,
    event_documents,
    parse_catalogue,
    parse_event_document,
)
from ticketing.event import Event, Venue
from ticketing.ids import AllotmentId
from ticketing.keys import KEY_BYTES, public_of
from ticketing.seating import SeatingPlan

WATERMARK: Final = "培训 TRAINING - 无效票"
PIN: Final = "1234"
"""Everybody's here, and shown on the screen: it opens nothing but the training."""
NAME: Final = "培训 TRAINING"
PEOPLE: Final = (
    ("trainee", "学员 Trainee", "cashier"),
    ("trainer", "培训经理 Trainer", "manager"),
)
PERFORMANCES_MAX: Final = 12
UNITS_OF_AREA_MAX: Final = 400
UNITS_MAX: Final = 6_000
"""Of each area and performance; a whole stadium would take a minute to lend."""
_POOL_SHARE: Final = 1_000
_MARK: Final = "TRAINING"
_HASHER: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is sold here: a house and its events, as documents of the feed."""

    venue: Venue
    events: tuple[tuple[str, dict[str, Any], SeatingPlan, Event], ...]


def training_folder(data_dir: Path) -> Path:
    """Beside the till's own folder, never in it."""
    return data_dir.with_name(f"{data_dir.name}-training")


def open_training_node(data_dir: Path, env: Env) -> Node:
    """A till with everything lent to it, new each time. Raises ReplicaError (in use, no space)."""
    folder = training_folder(data_dir)
    lesson = _lesson(data_dir, datetime.fromtimestamp(env.wall_ms() / 1000, UTC))
    private = env.random_bytes(KEY_BYTES)
    identity = Identity(
        env.random_bytes(8).hex(), "till", NAME, lesson.venue.id, "training", bytes(32).hex()
    )
    _empty(folder)
    create_journal(
        folder / "journal.db",
        node_id=identity.node_id,
        venue_id=identity.venue_id,
        incarnation=1,
    )
    replica = Replica(folder, env)
    _tell(replica, lesson)
    _lend(replica, lesson, env)
    key = NodeKey(private, public_of(private), training=True)
    return Node(identity, key, replica, TrainingCentre(replica, env), env, no_network)


# --- what is sold


def _lesson(data_dir: Path, now: datetime) -> Lesson:
    """What the real till sells, or the sample where it sells nothing yet."""
    found = tuple(_copied(data_dir / "mirror.db", now))
    if found:
        return Lesson(found[0][0], tuple(each[1:] for each in found))
    file = resources.files("resources") / "samples" / "theatre.json"
    catalogue = parse_catalogue(json.loads(file.read_text("utf-8")), source="theatre", now=now)
    plans = {plan.id: plan for plan in catalogue.plans}
    documents = dict(event_documents(catalogue))
    events = (
        (event.id, documents[event.id], plans[event.plan_id], event) for event in catalogue.events
    )
    return Lesson(catalogue.venue, tuple(events))


def _copied(
    mirror: Path, now: datetime
) -> Iterator[tuple[Venue, str, dict[str, Any], SeatingPlan, Event]]:
    """The real till's events that can be sold now; only read, whether it runs or not."""
    if not mirror.is_file():
        return
    try:
        with closing(open_reader(mirror)) as connection:
            rows = connection.execute(
                "SELECT id, body FROM doc WHERE kind = 'event' AND id = stream ORDER BY id"
            ).fetchall()
    except Exception as error:  # noqa: BLE001 - whatever it is, the sample does as well
        _log.warning("training_without_catalogue", error=str(error))
        return
    for row in rows:
        document = json.loads(row["body"])
        with suppress(CatalogueError):
            venue, plan, event = parse_event_document(document, source=row["id"])
            if any(each.on_sale and each.ends_at > now for each in event.performances):
                yield venue, event.id, document, plan, event


def _tell(replica: Replica, lesson: Lesson) -> None:
    """The mirror, as a server would have filled it."""
    mirror, venue_id = replica.mirror, lesson.venue.id
    names = [
        Change("doc", at, {"kind": "event_list", "id": event_id, "body": {}})
        for at, (event_id, *_rest) in enumerate(lesson.events, 1)
    ]
    verifier = _HASHER.hash(PIN)
    people = [
        Change(
            "person",
            len(names) + at,
            {"id": one, "name": name, "role": role, "pin": verifier, "state": "active"},
        )
        for at, (one, name, role) in enumerate(PEOPLE, 1)
    ]
    mirror.apply(venue_id, GENERATION, [*names, *people], len(names) + len(people))
    for event_id, document, _plan, _event in lesson.events:
        body = {"kind": "event", "id": event_id, "body": document}
        mirror.apply(event_id, GENERATION, [Change("doc", 1, body)], 1)


def _lend(replica: Replica, lesson: Lesson, env: Env) -> None:
    """Everything is ours, for good."""
    number = 0
    for event_id, _document, plan, event in lesson.events:
        pairs = tuple((unit, 0) for area in plan.areas for unit in area.units[:UNITS_OF_AREA_MAX])[
            :UNITS_MAX
        ]
        for performance in event.performances[:PERFORMANCES_MAX]:
            number += 1
            grant = Grant(
                AllotmentId(GENERATION, number),
                performance.number,
                False,
                "open",
                pairs,
                tuple((pool, _POOL_SHARE) for pool in stock.pools_for(event, performance.number)),
            )
            _install(replica, event_id, grant, env)


def _install(replica: Replica, event_id: str, grant: Grant, env: Env) -> None:
    replica.transact(lambda unit: install(unit, event_id, grant, now_of(unit, env)))


def _empty(folder: Path) -> None:
    """Make the folder, or forget the last lesson. Raises ReplicaError.

    Only a folder that bears our mark is emptied: never one in which somebody keeps something.
    """
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
            raise ReplicaError(f"{folder.name} is no training folder; move it out of the way")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / _MARK).touch()
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for each in folder.iterdir():
                if each.name not in ("lock", _MARK):
                    shutil.rmtree(each) if each.is_dir() else each.unlink()
        finally:
            os.close(handle)
    except BlockingIOError as error:
        raise ReplicaInUse("a training runs already; close it first") from error
    except OSError as error:
        raise ReplicaError(f"{folder.name} cannot be made: {error.strerror}") from error
