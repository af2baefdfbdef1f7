"""The gate's pages put together, where the settings want them."""

from __future__ import annotations

from collections.abc import Callable

from edge.catalogue import MirrorCatalogue
from gate_agent.desks import Desks
from gate_agent.screen.board import Board
from gate_agent.screen.settings import ScreenSettings


def start_screen(
    settings: ScreenSettings,
    language: str,
    board: Board,
    catalogue: MirrorCatalogue,
    desks: Desks | None,
) -> Callable[[], None]:
    """Serve the pages from now on; gives what ends that. What goes wrong is logged, not raised.

    Without `desks` there is nobody to let in, and no page for staff.

    The web server is imported here: a gate without pages does without its memory.
    """
    if not settings.address:
        return _nothing
    from gate_agent.screen.hand_lanes import HandLanePages  # noqa: PLC0415
    from gate_agent.screen.hand_pages import HandPages  # noqa: PLC0415
    from gate_agent.screen.hand_visit import Staff  # noqa: PLC0415
    from gate_agent.screen.lane_pages import LanePages  # noqa: PLC0415
    from gate_agent.screen.places import Places  # noqa: PLC0415
    from gate_agent.screen.server import Pages, ScreenServer  # noqa: PLC0415

    def pages() -> list[Pages]:
        places = Places(catalogue)
        lanes = LanePages(board, places)
        if desks is None:
            return [lanes]
        staff = Staff(places, desks)
        return [lanes, HandPages(board, staff), HandLanePages(board, staff)]

    server = ScreenServer(settings.host_and_port(), settings.key, language, board, pages)
    server.start()
    return server.stop


def _nothing() -> None:
    """There are no pages to end."""
