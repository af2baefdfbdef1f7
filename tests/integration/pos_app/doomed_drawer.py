"""A till that is killed between the record of a drop and the kick of its drawer.

python -m tests.integration.pos_app.doomed_drawer FOLDER AMOUNT_MINOR
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import cast

from edge.catalogue import MirrorCatalogue
from edge.identity import load_key
from edge.node import Node
from edge.replica import Replica
from edge.sync import SyncEngine
from pos_app.services.printer import FolderPrinter
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from tests.fakes.edge_node import an_identity
from tests.fakes.hall import SetEnv
from tests.integration.pos_app.window_stage import CASHIER, PIN, ScriptedEngine, no_client
from ticketing.operations import CashAction


class Doomed(SetEnv):
    """The power goes right before the drawer is kicked."""

    def maybe_crash(self, point: str) -> None:
        if point == "before_drawer_kick":
            os.kill(os.getpid(), signal.SIGKILL)


class TellingDrawer:
    """Leaves a file when it opens."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "kicked"

    def kick(self) -> None:
        self._file.touch()


def main() -> None:
    """Sign in and drop cash into the safe."""
    folder = Path(sys.argv[1])
    env, replica = Doomed(), Replica(folder / "till")
    desk = PrintDesk(
        replica,
        MirrorCatalogue(replica.mirror),
        FolderPrinter(folder / "tickets"),
        env,
        "en",
        "POS-01",
    )
    engine = cast("SyncEngine", ScriptedEngine())
    node = Node(an_identity(), load_key(folder / "till"), replica, engine, env, no_client)
    window = Window(node, desk, TellingDrawer(folder))
    window.sign_in(CASHIER, PIN)
    window.shifts.move_cash(CashAction.SAFE_DROP, int(sys.argv[2]), "too_much")


if __name__ == "__main__":
    main()
