"""The paper chip of the top bar: how the receipt printer is, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pos_app.presenters import device_words
from pos_app.presenters.language import _
from pos_app.ui.controls import RichButton, label, picture, row, show_picture
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from pos_app.services.device_model import DevicesNow

_ICON_PX = 18


class PaperChip(RichButton):
    """Hidden where no printer tells how it is. A narrow bar shows words for trouble, else the icon."""

    def __init__(self) -> None:
        self._icon = picture("printer", "chip_ok", _ICON_PX)
        self._text = label(14, 600, "chip_text", "paper_text")
        super().__init__("paper_chip", "chip", row(self._icon, self._text, margins=(12, 0, 12, 0)))
        self._shown: tuple[str, str, bool] = ("", "", False)
        self.hide()

    def show_devices(self, now: DevicesNow | None, *, compact: bool) -> None:
        """Show how it is."""
        words, tone = device_words.chip(now, short=compact)
        if (words, tone, compact) == self._shown:
            return
        self._shown = (words, tone, compact)
        self.setVisible(bool(words))
        if not words:
            return
        show_picture(self._icon, "printer", f"chip_{tone}", _ICON_PX)
        self._text.setText(words)
        is_trouble = tone != "ok"
        self._icon.setVisible(not (compact and is_trouble))
        self._text.setVisible(not compact or is_trouble)
        restyle(self, alert="" if tone == "ok" else tone)
        whole = device_words.chip(now)[0]
        self.setToolTip(whole)
        self.setAccessibleName(_("Printer: {words}").format(words=whole))
        self.updateGeometry()
