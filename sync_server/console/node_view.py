"""Windows, gates and hubs as the console shows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from program.i18n import translations
from sync_server.console.moments import moment
from sync_server.console.overview import NodeRow
from sync_server.console.wording import node_role_name
from sync_server.services.machines import Machine, WaitingCode
from sync_server.services.permissions import NodeRole

NODES_PATH = "/console/nodes"
_NOTHING = "–"
_GATES_NAMED_MAX = 4


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine, ready to show. `unknown_at`: gates that do not know its tickets' key yet;
    `unknown_brief`: some of them, for a list.
    """

    id: str
    path: str
    name: str
    kind: str
    is_active: bool
    version: str
    is_too_old: bool
    clock: str
    is_clock_wrong: bool
    last_contact: str
    is_quiet: bool
    unsynced: str
    has_unsynced: bool
    lent: str
    unknown_at: str
    unknown_brief: str
    agency: str

    @property
    def needs_a_look(self) -> bool:
        """Whether something of it is not as it should be."""
        return self.is_active and (
            self.is_too_old or self.is_clock_wrong or self.has_unsynced or bool(self.unknown_at)
        )


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that waits for its machine."""

    id: str
    name: str
    kind: str
    until: str


def machine_rows(
    machines: Sequence[Machine], shown: Mapping[str, NodeRow], language: str
) -> list[MachineRow]:
    """All machines; `shown` are the overview's rows by name."""
    return [_machine_row(each, shown.get(each.name), language) for each in machines]


def _machine_row(machine: Machine, shown: NodeRow | None, language: str) -> MachineRow:
    gettext = translations(language).gettext
    is_active = machine.state == "active"
    signs_tickets = is_active and machine.role is NodeRole.TILL
    unknown = machine.unknown_at if signs_tickets else ()
    return MachineRow(
        id=machine.id,
        path=node_path(machine.id),
        name=machine.name,
        kind=node_role_name(machine.role, language),
        is_active=is_active,
        version=machine.program_version or gettext("unknown"),
        is_too_old=machine.is_too_old and is_active,
        clock=_clock(machine, language),
        is_clock_wrong=is_active and shown is not None and shown.is_clock_wrong,
        last_contact=shown.last_contact if shown else _NOTHING,
        is_quiet=is_active and shown is not None and shown.is_quiet,
        unsynced=shown.unsynced if shown else _NOTHING,
        has_unsynced=machine.unsynced_count > 0,
        lent=shown.lent if shown else _NOTHING,
        unknown_at=gettext(", ").join(unknown),
        unknown_brief=_brief(unknown, language),
        agency=machine.agency,
    )


def _brief(gates: Sequence[str], language: str) -> str:
    """The first of them, and how many more."""
    gettext, ngettext = translations(language).gettext, translations(language).ngettext
    more = len(gates) - _GATES_NAMED_MAX
    named = list(gates[:_GATES_NAMED_MAX])
    if more > 0:
        named.append(ngettext("{n} more", "{n} more", more).format(n=more))
    return gettext(", ").join(named)


def _clock(machine: Machine, language: str) -> str:
    """How far its clock is off, as it found by itself; nothing of a machine never heard of."""
    if not machine.last_seen_ms:
        return _NOTHING
    seconds = f"{machine.clock_offset_ms / 1000:+.1f}".replace("-", "−")
    return translations(language).gettext("{n} s").format(n=seconds)


def code_rows(codes: Sequence[WaitingCode], language: str, zone: ZoneInfo) -> list[CodeRow]:
    """Codes that wait, the first to end first."""
    return [
        CodeRow(
            each.id,
            each.name,
            node_role_name(each.role, language),
            moment(each.expires_ms, language, zone),
        )
        for each in codes
    ]


def node_path(node_id: str) -> str:
    """Where a machine's page is."""
    return f"{NODES_PATH}/one?{urlencode({'id': node_id})}"
