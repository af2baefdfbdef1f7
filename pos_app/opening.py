"""The till's parts put together from its settings."""

from __future__ import annotations

from edge.catalogue import MirrorCatalogue
from edge.env import MachineEnv
from edge.node import open_node
from pos_app.services.drawer import CommandDrawer
from pos_app.services.paper import warm_up
from pos_app.services.paper_fonts import FontMissing
from pos_app.services.printer import make_printer
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from pos_app.settings import TillSettings
from program.errors import SettingsError


def open_window(settings: TillSettings) -> Window:
    """A window, opened and not yet started. Raises EdgeError or SettingsError with what to do."""
    printing = settings.printer
    try:
        warm_up(printing.font)
    except FontMissing as error:
        raise SettingsError(str(error)) from error
    target = printing.command or f"folder:{printing.folder}"
    printer = make_printer(target, spool=settings.data_dir / "spool", timeout_s=printing.timeout_s)
    node = open_node(
        settings.data_dir, settings.server_url, "till", MachineEnv(), settings.witness_dir
    )
    desk = PrintDesk(
        node.replica,
        MirrorCatalogue(node.replica.mirror),
        printer,
        node.env,
        printing.language.value,
        node.identity.name,
        printing.font,
    )
    kick = settings.drawer
    return Window(node, desk, CommandDrawer(kick.command, kick.timeout_s) if kick.command else None)
