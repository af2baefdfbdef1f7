"""Binding chips to tickets at this window; with the network or without."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from edge.catalogue import MirrorCatalogue
from edge.chip_keys import ChipKeyring
from edge.credentials import bind_chip, chip_of, chips_of, unbind_chip
from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit
from edge.replica import Replica
from edge.sync import SyncEngine
from pos_app.services.chips_model import BoundChip, ForTicket, NoChip, is_held
from pos_app.services.model import Person
from program.logs import get_logger
from ticketing.code import TicketCode, parse_code
from ticketing.credential import (
    NO_COUNTER,
    ChipKeys,
    CredentialKind,
    CredentialRef,
    Medium,
    credential_ref,
    is_number,
)
from ticketing.ids import TicketId
from ticketing.operations import CredentialBound, CredentialUnbound
from ticketing.sun import SunLink, SunTap, parse_sun, read_sun
from ticketing.tags import UID_BYTES_COUNTS, BoundTicket, code_in, has_lasting_number, parse_tag

_LF_CHARS, _UHF_CHARS = 10, 24
_MEDIA = {"rfid_lf": Medium.LF, "rfid_uhf": Medium.UHF}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Chip:
    """What a chip that is held up could be bound as."""

    ref: CredentialRef
    kind: CredentialKind = CredentialKind.UID
    counter: int = NO_COUNTER
    says: TicketId | None = None


class ChipDesk:
    """Implements ChipServices. Every method may be called from any thread."""

    def __init__(
        self,
        replica: Replica,
        engine: SyncEngine,
        env: Env,
        catalogue: MirrorCatalogue,
        person: Callable[[], Person | None],
    ) -> None:
        self._replica, self._engine, self._env = replica, engine, env
        self._catalogue, self._person = catalogue, person
        self._keyring = ChipKeyring(replica.folder, engine, env)

    def on_link(self) -> None:
        """The server may be reached."""
        self._keyring.on_link()

    def of(self, ticket: ForTicket) -> tuple[BoundChip, ...]:
        """The chips that stand for it."""
        with self._replica.reading() as journal:
            found = chips_of(self._replica.mirror, journal, ticket.event_id, ticket.ticket_id)
        return tuple(BoundChip(chip.ref, chip.ticket_id, chip.kind) for chip in found)

    def standing_for(self, held: str) -> tuple[str, TicketId] | None:
        """The event and ticket that a chip stands for, as far as is known here."""
        keys = self._keyring.keys
        chip = read_held(held, keys) if keys is not None else NoChip.NO_KEYS
        if isinstance(chip, NoChip):
            return None
        with self._replica.reading() as journal:
            for known in self._catalogue.events():
                found = chip_of(self._replica.mirror, journal, known.event.id, chip.ref)
                if found is not None and found.stands:
                    return known.event.id, found.ticket_id
        return None

    def bind(self, ticket: ForTicket, held: str) -> BoundChip | NoChip:
        """Bind what is held up: a chip's number, typed, or what a reader told as news."""
        person, keys = self._person(), self._keyring.keys
        if person is None:
            return NoChip.NOT_SIGNED_IN
        if keys is None:
            return NoChip.NO_KEYS
        if not ticket.is_valid:
            return NoChip.NOT_VALID
        chip = read_held(held, keys)
        if isinstance(chip, NoChip):
            return chip
        if chip.says not in (None, ticket.ticket_id):
            return NoChip.OTHER_TICKET
        bound = CredentialBound(
            chip.ref,
            ticket.ticket_id,
            chip.kind,
            self._type_number(ticket),
            person.id,
            self._env.wall_ms(),
            chip.counter,
        )

        def work(unit: Unit) -> NoChip | None:
            known = chip_of(self._replica.mirror, unit, ticket.event_id, chip.ref)
            if known is not None and known.stands and known.ticket_id != ticket.ticket_id:
                return NoChip.TAKEN
            bind_chip(unit, self._env, ticket.event_id, bound)
            return None

        refused = self._write(work)
        return refused or BoundChip(chip.ref, ticket.ticket_id, chip.kind)

    def take_off(self, ticket: ForTicket, chip: BoundChip, *, lost: bool) -> NoChip | None:
        """It does not stand for the ticket any more. None: done."""
        person = self._person()
        if person is None:
            return NoChip.NOT_SIGNED_IN
        told = CredentialUnbound(
            chip.ref, chip.ticket_id, person.id, self._env.wall_ms(), blocked=lost
        )

        def work(unit: Unit) -> None:
            unbind_chip(unit, self._env, ticket.event_id, told, chip.kind)

        return self._write(work)

    def _type_number(self, ticket: ForTicket) -> int:
        known = self._catalogue.event(ticket.event_id)
        kinds = known.event.ticket_types if known else ()
        return next((kind.number for kind in kinds if kind.id == ticket.ticket_type_id), 0)

    def _write(self, work: Callable[[Unit], NoChip | None]) -> NoChip | None:
        try:
            refused = self._replica.transact(work)
        except (ReplicaError, JournalLocked) as error:
            _log.error("chip_not_written", error=type(error).__name__)
            return NoChip.NOT_WRITTEN
        if refused is None:
            self._engine.nudge()
        return refused


def as_held(kind: str, uid: str, value: str) -> str:
    """What a reader saw, as news tells it."""
    return json.dumps([kind, uid, value])


def read_held(held: str, keys: ChipKeys) -> _Chip | NoChip:
    """The chip in what was typed or seen. Total."""
    if is_held(held):
        try:
            kind, uid, value = json.loads(held)
        except ValueError:
            return NoChip.NOT_A_CHIP
        return _seen(str(kind), str(uid), str(value), keys)
    number = "".join(char for char in held if char not in " :-").upper()
    if not is_number(number):
        return NoChip.NOT_A_CHIP
    if len(number) == _LF_CHARS:
        return _Chip(credential_ref(keys, Medium.LF, number))
    if len(number) == _UHF_CHARS:
        return _Chip(credential_ref(keys, Medium.UHF, number))
    return _nfc(number, keys)


def _seen(kind: str, uid: str, value: str, keys: ChipKeys) -> _Chip | NoChip:
    medium = _MEDIA.get(kind)
    if medium is not None:
        known = is_number(value)
        return _Chip(credential_ref(keys, medium, value)) if known else NoChip.NOT_A_CHIP
    if kind == "nfc_sun":
        link = parse_sun(value)
        tap = read_sun(link, keys.meta) if isinstance(link, SunLink) else None
        if not isinstance(tap, SunTap):
            return NoChip.NOT_A_CHIP
        ref = credential_ref(keys, Medium.NFC, tap.uid.hex().upper())
        return _Chip(ref, CredentialKind.SUN, tap.counter)
    chip = _nfc((uid or value).upper(), keys)
    if kind != "nfc_ndef" or isinstance(chip, NoChip):
        return chip
    said = parse_tag(value)
    code = said.code if isinstance(said, BoundTicket) else parse_code(code_in(value))
    if not isinstance(code, TicketCode):
        return chip
    return _Chip(chip.ref, CredentialKind.TAG, says=code.facts.ticket_id)


def _nfc(number: str, keys: ChipKeys) -> _Chip | NoChip:
    if not is_number(number) or len(number) // 2 not in UID_BYTES_COUNTS:
        return NoChip.NOT_A_CHIP
    if not has_lasting_number(bytes.fromhex(number)):
        return NoChip.NOT_LASTING
    return _Chip(credential_ref(keys, Medium.NFC, number))
