"""A till that is killed between the parts of a payment and its sale.

python -m tests.integration.pos_app.doomed_payment FOLDER UNIT
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
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.printer import FolderPrinter
from pos_app.services.printing import PrintDesk
from pos_app.services.tender_model import Payment
from pos_app.services.window import Window
from tests.fakes.edge_node import an_identity
from tests.fakes.hall import FIRST, SetEnv
from tests.integration.pos_app.window_stage import CASHIER, PIN, ScriptedEngine, no_client
from ticketing.operations import HandLeg


class Doomed(SetEnv):
    """The power goes when the legs are on the disk, and before the sale is."""

    def maybe_crash(self, point: str) -> None:
        if point == "after_legs_before_sale":
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Sign in and sell a unit, half of it by card."""
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
    window = Window(node, desk)
    window.sign_in(CASHIER, PIN)
    event = window.house(FIRST).event
    basket = add_unit(empty_basket(event), event, FIRST, int(sys.argv[2]))
    legs = (HandLeg("card", 50_000, "0042"),)
    window.pay(basket, Payment(legs=legs, tendered_minor=basket.total_minor))


if __name__ == "__main__":
    main()
