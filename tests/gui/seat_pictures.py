"""Pictures of the seat map, for looking at: `python -m tests.gui.seat_pictures FOLDER`.

The real window over the in-memory till: theatre and stadium, all of the house and two zooms nearer,
both sizes of screen, light and dark.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from pos_app.ui.app import prepare
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill, stocked_till
from tests.gui.robot import at_sale, click, open_window, settle
from tests.gui.screens import LARGE, LOOKS, SMALL, in_few_colours
from tests.gui.seat_stage import stadium_till

HOUSES: dict[str, Callable[[], FakeTill]] = {"theatre": stocked_till, "stadium": stadium_till}
ZOOMS = {"house": None, "near": 1.2, "close": 2.8}


def main(argv: list[str]) -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.gui.seat_pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--offline", action="store_true", help="with the cable out")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for house, made in HOUSES.items():
        for size in (LARGE, SMALL):
            for language, theme in LOOKS:
                prepare(language, theme)
                till = made()
                window = open_window(till, size)
                at_sale(window)
                click(window, "best_together")
                if options.offline:
                    till.go_offline(NOW - timedelta(minutes=3), unsynced_count=12)
                window.sell_view.map.setFocus()
                for name, zoom in ZOOMS.items():
                    file = options.folder / f"{house}_{name}_{theme}_{size[1]}.png"
                    _take(window, zoom, file)
                window.close()
                window.deleteLater()
                QApplication.processEvents()
    return 0


def _take(window: TillWindow, zoom: float | None, file: Path) -> None:
    seat_map = window.sell_view.map
    seat_map.fit()
    if zoom is not None:
        seat_map.settle()
        seat_map.zoom_by(zoom / seat_map.zoom)
    settle(window)
    image = in_few_colours(window.grab().toImage())
    image.save(str(file), quality=0)
    sys.stdout.write(f"{file.name} {file.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
