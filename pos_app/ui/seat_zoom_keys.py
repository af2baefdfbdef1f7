"""The map's zoom keys: nearer, further, all of the house."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics

_BUTTON_PX: Final = 46
_EDGE_PX: Final = 14
_FLAT_EDGE_PX: Final = 4


class ZoomKeys(QFrame):
    """A card in the lower right corner of its parent."""

    nearer = Signal()
    further = Signal()
    fit = Signal()

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setProperty("role", "card")
        self.setObjectName("zoom_card")
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(1, 1, 1, 1)
        self._box.setSpacing(2)
        self.buttons = (
            self._add("zoom_in", self.nearer),
            self._add("zoom_out", self.further),
            self._add("zoom_fit", self.fit),
        )
        self.redress()
        self.retranslate()

    @property
    def is_flat(self) -> bool:
        """Whether the keys lie beside each other, over the legend's end."""
        return self._box.direction() is QBoxLayout.Direction.LeftToRight

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window the keys lie beside the legend."""
        flat = QBoxLayout.Direction.LeftToRight
        self._box.setDirection(flat if metrics.compact else QBoxLayout.Direction.TopToBottom)
        self.place()

    def redress(self) -> None:
        """Wear the colours of now."""
        for button, drawing in zip(self.buttons, ("plus", "minus", "maximize"), strict=True):
            button.show_icon(drawing, "text")

    def retranslate(self) -> None:
        """Speak the language of now."""
        texts = (_("Zoom in"), _("Zoom out"), _("Show the whole house"))
        for button, text in zip(self.buttons, texts, strict=True):
            button.setAccessibleName(text)
            button.setToolTip(text)

    def place(self) -> None:
        """Lie in the corner."""
        self._box.activate()
        size, edge = self.sizeHint(), _FLAT_EDGE_PX if self.is_flat else _EDGE_PX
        parent = self._over.size()
        self.setGeometry(
            parent.width() - size.width() - edge,
            parent.height() - size.height() - edge,
            size.width(),
            size.height(),
        )

    def _add(self, name: str, pressed: object) -> Button:
        button = Button(name, "icon")
        button.setFixedSize(_BUTTON_PX, _BUTTON_PX)
        button.clicked.connect(pressed)
        self._box.addWidget(button)
        return button
