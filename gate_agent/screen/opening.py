"""The gate's pages put together, where the settings want them."""

from __future__ import annotations

from collections.abc import Callable

from edge.catalogue import MirrorCatalogue
from gate_agent.hand_desk import HandDesk
from gate_agent.screen.board import Board
from gate_agent.screen.settings import ScreenSettings


def start_screen(
    settings: ScreenSettings,
    language: str,
    board: Board,
    catalogue: MirrorCatalogue,
    desk: HandDesk | None,
) -> Callable[[], None]:
    """Serve the pages from now on; gives what ends that. What goes wrong is logged, not raised.

    Without a `desk` there is nobody to let in, and no page for staff.

    The web server is imported here: a gate without pages does without its memory.
    """
    if not settings.address:
        return _nothing
    from gate_agent.screen.hand_pages import HandPages  # noqa: PLC0415
    from gate_agent.screen.lane_pages import LanePages  # noqa: PLC0415
    from gate_agent.screen.places import Places  # noqa: PLC0415
    from gate_agent.screen.server import Pages, ScreenServer  # noqa: PLC0415

    def pages() -> list[Pages]:
        places = Places(catalogue)
        hand: list[Pages] = [HandPages(board, places, desk)] if desk is not None else []
        return [LanePages(board, places), *hand]

    server = ScreenServer(settings.host_and_port(), settings.key, language, board, pages)
    server.start()
    return server.stop


def _nothing() -> None:
    """There are no pages to end."""
