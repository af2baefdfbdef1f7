"""The till's parts put together from its settings."""

from __future__ import annotations

from contextlib import ExitStack

from edge.catalogue import MirrorCatalogue
from edge.env import MachineEnv
from edge.node import open_node
from hardware.errors import BadDeviceAddress
from hardware.reader import Reader, make_reader
from hardware.scanner import SerialScanner, WedgeRules, make_scanner
from pos_app.services.device_model import DrawerKind
from pos_app.services.devices import DeviceParts
from pos_app.services.drawer import CommandDrawer, Drawer
from pos_app.services.drawer_printer import PrinterDrawer
from pos_app.services.paper import warm_up
from pos_app.services.printer import make_printer
from pos_app.services.printing import PrintDesk
from pos_app.services.slip_printer import SlipPrinter, open_slip_printer
from pos_app.services.training import WATERMARK, open_training_node
from pos_app.services.window import Window
from pos_app.settings import DrawerSettings, PdfPage, ScannerSettings, TillSettings
from program.errors import SettingsError
from program.paper_fonts import FontMissing


def open_window(settings: TillSettings) -> Window:
    """A window, opened and not yet started. Raises EdgeError or SettingsError with what to do."""
    printing = settings.printer
    try:
        warm_up(printing.font)
    except FontMissing as error:
        raise SettingsError(str(error)) from error
    target = printing.command or f"folder:{printing.folder}"
    printer = make_printer(target, spool=settings.data_dir / "spool", timeout_s=printing.timeout_s)
    scanners = _scanners(settings.scanner)
    with ExitStack() as undo:
        node = open_node(
            settings.data_dir, settings.server_url, "till", MachineEnv(), settings.witness_dir
        )
        undo.callback(node.replica.close)
        slips = _slips(settings)
        if slips is not None:
            undo.callback(slips.close)
        desk = PrintDesk(
            node.replica,
            MirrorCatalogue(node.replica.mirror),
            printer,
            node.env,
            printing.language.value,
            node.identity.name,
            printing.font,
            slips,
            tickets_as_pdf=bool(printing.device and printing.command),
            a4=printing.page is PdfPage.A4,
        )
        drawer = _drawer(settings.drawer, slips)
        window = Window(node, desk, drawer, parts=_parts(settings, scanners))
        undo.pop_all()
    return window


def open_training(settings: TillSettings) -> Window:
    """A window to practise with, opened and not yet started: nothing of it is the real till's.

    It prints where the till prints, with a watermark; it opens no drawer and hears no serial
    scanner, which the real window may be using. Raises EdgeError or SettingsError.
    """
    printing = settings.printer
    try:
        warm_up(printing.font)
    except FontMissing as error:
        raise SettingsError(str(error)) from error
    node = open_training_node(settings.data_dir, MachineEnv())
    target = printing.command or f"folder:{printing.folder / 'training'}"
    desk = PrintDesk(
        node.replica,
        MirrorCatalogue(node.replica.mirror),
        make_printer(target, spool=node.replica.folder / "spool", timeout_s=printing.timeout_s),
        node.env,
        printing.language.value,
        node.identity.name,
        printing.font,
        watermark=WATERMARK,
        a4=printing.page is PdfPage.A4,
    )
    return Window(node, desk, None, parts=DeviceParts())


def _slips(settings: TillSettings) -> SlipPrinter | None:
    printing = settings.printer
    if not printing.device:
        return None
    spool = settings.data_dir / "spool" / "slips.db"
    return open_slip_printer(
        printing.device, spool=spool, paper_mm=printing.paper_mm, font=printing.font
    )


def _drawer(kick: DrawerSettings, slips: SlipPrinter | None) -> Drawer | None:
    if kick.printer and slips is not None:
        if not slips.has_drawer:
            raise SettingsError("drawer.printer: the printer's address says that it has no drawer")
        return PrinterDrawer(slips)
    return CommandDrawer(kick.command, kick.timeout_s) if kick.command else None


def _scanners(scanner: ScannerSettings) -> tuple[SerialScanner, ...]:
    try:
        return tuple(make_scanner(each) for each in scanner.devices)
    except BadDeviceAddress as error:
        raise SettingsError(f"scanner.devices: {error}") from error


def _chip_readers(scanner: ScannerSettings) -> tuple[Reader, ...]:
    try:
        return tuple(make_reader(each) for each in scanner.chips)
    except BadDeviceAddress as error:
        raise SettingsError(f"scanner.chips: {error}") from error


def _parts(settings: TillSettings, scanners: tuple[SerialScanner, ...]) -> DeviceParts:
    printing, kick = settings.printer, settings.drawer
    by_command = DrawerKind.COMMAND if kick.command else DrawerKind.NONE
    return DeviceParts(
        DrawerKind.PRINTER if kick.printer else by_command,
        scanners,
        _chip_readers(settings.scanner),
        WedgeRules(prefix=settings.scanner.prefix) if settings.scanner.keyboard else None,
        " ".join(printing.command) or str(printing.folder),
        printing.receipts,
    )
