"""A hub gives back allotments that it has lent on to nobody."""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.source import Source
from sync_server.heart.units import settle_all
from sync_server.heart.work import Work

UNLENT_PER_CALL_MAX = 200


@dataclass(frozen=True, slots=True)
class TakeUnlent:
    """End a hub's allotments by its word that no till below it has them, or ever will.

    `generation`: our history that the hub has read these in. It says so until it reads that they
    are closed, so whatever is not done now is done later.
    """

    source: Source
    generation: str
    allotments: tuple[str, ...]

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the allotments."""
        work.allots.want(self.allotments)

    def apply(self, work: Work) -> int:
        """How many ended. None while a lost history is put together, of which it may be a part."""
        if work.awaits(self.source.node_id) or self.generation != work.generation:
            return 0
        found = [work.allots.get(allot_id) for allot_id in self.allotments]
        own = [one for one in found if one is not None and one.node_id == self.source.node_id]
        ended = [one for one in own if one.state == "open"]
        for allot in ended:
            settle_all(work, allot)
        return len(ended)
