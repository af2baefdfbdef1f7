"""The house's keys for chips on this node: asked for at the server, kept for times without it.

They lie beside the node's own key, readable by nobody else, and not in the mirror: a copy of what
the feed told names no chip. A node that is barred gets none any more.
"""

from __future__ import annotations

import json
from pathlib import Path

from edge.asking import Asking
from edge.env import Env
from edge.errors import IdentityError
from edge.identity import read_private, write_private
from edge.sync import Call, SyncEngine
from program.logs import get_logger
from ticketing.credential import ChipKeys, chip_keys_of
from ticketing.personal import DataKey

CHIP_KEYS_FILE = "chips.key"
KEYS_PERIOD_S = 3_600.0
"""So often they are asked for again: the house may have changed who gets which."""
_log = get_logger(__name__)


class AskChipKeys(Call):
    """The question for the keys."""


class ChipKeyring:
    """What this node has of the keys. Every method may be called from any thread."""

    def __init__(self, folder: Path, engine: SyncEngine, env: Env) -> None:
        self._path = folder / CHIP_KEYS_FILE
        self._asking = Asking(
            engine,
            env,
            lambda client: client.chip_keys(),
            self._told,
            period_s=KEYS_PERIOD_S,
            call=AskChipKeys,
        )
        self._keys = self._load()

    @property
    def keys(self) -> ChipKeys | None:
        """The keys; None before the first contact."""
        return self._keys

    def on_link(self) -> None:
        """The server may be reached: have the keys when they are due."""
        self._asking.on_link()

    def _told(self, keys: ChipKeys) -> None:
        if keys != self._keys:
            self._keys = keys
            self._save(keys)

    def _load(self) -> ChipKeys | None:
        if not self._path.exists():
            return None
        try:
            number, sealing, indexing = json.loads(read_private(self._path))
            key = DataKey(int(number), bytes.fromhex(sealing), bytes.fromhex(indexing))
        except IdentityError as error:
            _log.error("chip_keys_not_read", error=str(error))
            return None
        except (ValueError, TypeError):
            _log.error("chip_keys_damaged")  # the server tells them again
            return None
        return chip_keys_of(key)

    def _save(self, keys: ChipKeys) -> None:
        key = keys.to_data_key()
        text = json.dumps([key.number, key.sealing.hex(), key.indexing.hex()])
        try:
            write_private(self._path, text.encode())
        except IdentityError as error:  # good for as long as the program runs
            _log.error("chip_keys_not_written", error=str(error))
