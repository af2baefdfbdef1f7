"""Training: a violet bar that says so, all the time."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QSizePolicy

from pos_app.presenters.language import _
from pos_app.ui.controls import ElidedLabel, Metrics, label, row

FRAME_PX = 4
"""How wide the violet frame around the whole window is."""


class TrainingBanner(QFrame):
    """Stays until the training is closed."""

    def __init__(self, pin: str) -> None:
        super().__init__()
        self.setObjectName("training_banner")
        self.setProperty("role", "banner")
        self.setProperty("tone", "training")
        self._pin = pin
        self._title = label(16, 700, name="training_title")
        self._text = ElidedLabel(15, 500, name="training_text")
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setLayout(row(self._title, 8, self._text, margins=(20, 0, 24, 0)))

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedHeight(metrics.banner)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText("培训 TRAINING")
        self._text.setText(
            _(
                "Nothing here is sold: the tickets open no gate. PIN {pin}. Close it to sell."
            ).format(pin=self._pin)
        )
