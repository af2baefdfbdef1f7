"""Places, performances and clocks in words, by the catalogue as this gate has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from edge.catalogue import Known, MirrorCatalogue
from edge.errors import ReplicaError
from program.i18n import format_datetime
from program.logs import get_logger
from ticketing.event import Performance

LANGUAGES = {"zh": "zh_CN", "en": "en"}
"""The languages of the screen, as its texts name them, and as catalogues do."""

_log = get_logger(__name__)

Words = dict[str, str]
"""One text in each of the screen's languages."""


def in_both(say: Callable[[str], str]) -> Words:
    """What `say` says in each language."""
    return {short: say(language) for short, language in LANGUAGES.items()}


@dataclass(frozen=True, slots=True)
class Places:
    """Looks words up in the mirror; knows nothing while that cannot be read. Usable on any thread."""

    catalogue: MirrorCatalogue

    def zone(self) -> tzinfo:
        """The house's; UTC as long as the mirror has no event."""
        try:
            events = self.catalogue.events()
        except ReplicaError:
            return UTC
        return ZoneInfo(events[0].venue.timezone) if events else UTC

    def place(self, performance: int, unit: int) -> Words | None:
        """The seat or area; None for one that the mirror lacks."""
        found = self._found(performance)
        if found is None or not found[0].plan.has_unit(unit):
            return None
        plan = found[0].plan
        return in_both(lambda language: plan.describe(unit, language))

    def gate(self, performance: int, unit: int) -> Words | None:
        """The gate that the place belongs to, where the plan names one."""
        found = self._found(performance)
        if found is None or not found[0].plan.has_unit(unit):
            return None
        gate = found[0].plan.area_of(unit).gate
        return in_both(gate.in_language) if gate else None

    def when(self, performance: int) -> Words | None:
        """The event and when it begins."""
        found = self._found(performance)
        if found is None:
            return None
        known, dated = found
        return in_both(lambda language: _dated(known, dated, language))

    def _found(self, performance: int) -> tuple[Known, Performance] | None:
        try:
            return self.catalogue.performance(performance)
        except ReplicaError as error:
            _log.warning("place_unknown", error=str(error))
            return None


def _dated(known: Known, performance: Performance, language: str) -> str:
    zone = ZoneInfo(known.venue.timezone)
    when = format_datetime(performance.starts_at, language, zone=zone, year=False)
    return f"{known.event.name.in_language(language)} · {when}"
