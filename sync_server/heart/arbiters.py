"""Who answers the gates of an event: the centre, or one hub. Never both, and sometimes nobody.

A document of the event says who. The centre gives the answering to a hub by writing its name, and
stops with that commit; the hub begins when it has read everything up to there. It comes back only
when the hub says that it has stopped and has passed everything on, or when people give the hub
up: then its gates and the centre's may let a ticket in twice until the hub is heard of (see
docs/invariants.md, I10). `epoch` counts the changes, so that a late word of a hub means nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum

from sync_server.heart.work import Work

ARBITER_DOC = "arbiter"


@dataclass(frozen=True, slots=True)
class ArbiterOf:
    """Who answers. `hub`: a hub's node id, '' the centre. `asked_back`: the hub is to stop."""

    hub: str = ""
    epoch: int = 0
    asked_back: bool = False


class NoChange(StrEnum):
    """Why who answers stays as it is."""

    ALREADY = "already"
    AT_ANOTHER_HUB = "at_another_hub"  # ask it back first
    NOT_AT_A_HUB = "not_at_a_hub"
    OLD_WORD = "old_word"  # of an epoch that is over


def arbiter_of(work: Work) -> ArbiterOf:
    """Who answers the gates of this event."""
    return read_arbiter(work.doc(ARBITER_DOC))


def read_arbiter(body: str | None) -> ArbiterOf:
    """The document's body, or None where there is no document."""
    if body is None:
        return ArbiterOf()
    told = json.loads(body)
    return ArbiterOf(told["hub"], told["epoch"], told["asked_back"])


def answers_here(work: Work, us: str) -> bool:
    """Whether we answer: the centre ('') or a hub, which must have read all from before its turn."""
    arbiter = arbiter_of(work)
    if arbiter.hub != us or arbiter.asked_back:
        return False
    if not us:
        return True
    row = work.sql.row("SELECT whole_epoch FROM upstream WHERE event_id = ?", work.stream)
    return row is not None and row[0] == arbiter.epoch


@dataclass(frozen=True, slots=True)
class GiveToHub:
    """A hub answers from now on."""

    stream: str
    hub: str

    def want(self, _work: Work) -> None:
        """Nothing."""

    def apply(self, work: Work) -> ArbiterOf | NoChange:
        """From the centre alone: two hubs would not know when the first has stopped."""
        now = arbiter_of(work)
        if now.hub == self.hub and not now.asked_back:
            return NoChange.ALREADY
        if now.hub:
            return NoChange.AT_ANOTHER_HUB
        return _put(work, ArbiterOf(self.hub, now.epoch + 1))


@dataclass(frozen=True, slots=True)
class AskBack:
    """The hub is to stop. `given_up`: who decided, and why, not to wait for it."""

    stream: str
    given_up: str = ""

    def want(self, _work: Work) -> None:
        """Nothing."""

    def apply(self, work: Work) -> ArbiterOf | NoChange:
        """Until the hub has said that it stopped, nobody new answers."""
        now = arbiter_of(work)
        if not now.hub:
            return NoChange.NOT_AT_A_HUB
        if self.given_up:
            return _put(work, ArbiterOf(epoch=now.epoch + 1), given_up=self.given_up)
        if now.asked_back:
            return NoChange.ALREADY
        return _put(work, replace(now, asked_back=True))


@dataclass(frozen=True, slots=True)
class Stopped:
    """A hub says that it answers no more, and that all it recorded has been passed on."""

    stream: str
    hub: str
    epoch: int

    def want(self, _work: Work) -> None:
        """Nothing."""

    def apply(self, work: Work) -> ArbiterOf | NoChange:
        """The centre answers from now on. Said again it changes nothing."""
        now = arbiter_of(work)
        if (now.hub, now.epoch, now.asked_back) != (self.hub, self.epoch, True):
            return NoChange.OLD_WORD
        return _put(work, ArbiterOf(epoch=now.epoch + 1))


def _put(work: Work, arbiter: ArbiterOf, **why: str) -> ArbiterOf:
    body = {"hub": arbiter.hub, "epoch": arbiter.epoch, "asked_back": arbiter.asked_back, **why}
    work.put_doc(ARBITER_DOC, json.dumps(body, sort_keys=True, separators=(",", ":")))
    return arbiter
