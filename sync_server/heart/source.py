"""Whose word it is, and what every step of the heart looks like to the one who runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from sync_server.heart.waiting import honour_waiting
from sync_server.heart.work import Owner, Plans, Work
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class NodeRole(StrEnum):
    """What a machine of the house does. Stored and sent, never renamed."""

    TILL = "till"
    GATE = "gate"
    HUB = "hub"  # a server on a venue's own network: a node to us, the server to those below it


@dataclass(frozen=True, slots=True)
class Source:
    """Whose journal an operation comes from; of a forked one, which branch: '' is the trunk.

    `clock_ahead_ms` is by how much the node's clock was ahead of ours when it sent this; None: it
    did not say.
    """

    node_id: str
    role: NodeRole
    incarnation: int
    stream: str
    branch: str = ""
    clock_ahead_ms: int | None = None


class Step(Protocol[T_co]):
    """One request on one stream, as the batch sees it."""

    @property
    def stream(self) -> str:
        """The stream it changes."""

    def want(self, work: Work) -> None:
        """Check what can be checked without the database, and name the rows it will ask for."""

    def apply(self, work: Work) -> T_co:
        """Decide, and change rows. Revisions in the answer hold once the work is flushed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a batch is run with: the time, where plans come from, and the epoch of the owner."""

    now_ms: int
    plans: Plans
    owner: Owner | None = None


def run_steps(sql: Sql, steps: Sequence[Step[Any]], context: Context) -> tuple[list[Any], bool]:
    """Run steps of one stream as one piece of work, in the caller's transaction.

    Gives their answers, and whether the feed has news. Whatever is raised, the caller rolls back.
    """
    work = Work.begin(sql, steps[0].stream, context.now_ms, context.plans, context.owner)
    began_at = work.head
    for step in steps:
        step.want(work)
    work.fetch()
    answers = []
    for step in steps:
        answers.append(step.apply(work))
        honour_waiting(work)  # before the next one is lent what this one freed
    work.flush()
    return answers, work.head != began_at


def run_in(tx: Transaction, step: Step[T], plans: Plans) -> T:
    """One step inside another change's transaction."""
    answers, has_news = run_steps(Sql.of(tx.connection), [step], Context(tx.now_ms, plans))
    if has_news:
        tx.touched.add(step.stream)
    answer: T = answers[0]
    return answer
