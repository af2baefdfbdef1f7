"""The cash drawer that hangs on the receipt printer."""

from __future__ import annotations

from pos_app.services.drawer import DrawerError
from pos_app.services.slip_printer import SlipPrinter


class PrinterDrawer:
    """Kicked by the printer, at once or not at all. Implements Drawer."""

    def __init__(self, printer: SlipPrinter) -> None:
        self._printer = printer

    def kick(self) -> None:
        """Have the printer open it; raises DrawerError with what kept it shut."""
        faults = self._printer.kick_drawer()
        if faults:
            raise DrawerError(f"the printer did not open the drawer: {', '.join(sorted(faults))}")
