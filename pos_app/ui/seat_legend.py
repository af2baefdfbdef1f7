"""What the seats mean, at the foot of the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from pos_app.presenters.language import _
from pos_app.ui import theme
from pos_app.ui.seat_looks import Look, Mark, Shape, draw_seat

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState

_TEXT_PX: Final = 13
_EDGE: Final = 18.0
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_MARKS_FOR_TIER: Final = 1


@dataclass(frozen=True, slots=True)
class LegendItem:
    """A sample seat (several for a row of colours) and its meaning."""

    looks: tuple[Look, ...]
    text: str


def legend_items(state: SellState, marks: frozenset[Mark]) -> list[LegendItem]:
    """What can be seen now, the weightiest first; `marks` are those of the house."""
    event = state.house.event if state.house else None
    tiers = [tier.colour_index for tier in event.price_tiers] if event else []
    sample = tiers[min(_MARKS_FOR_TIER, len(tiers) - 1)] if tiers else 0
    items = [LegendItem(tuple(Look(Shape.FILLED, tier) for tier in tiers), _("Sold here"))]
    if tiers and not state.offline:
        items.append(LegendItem((Look(Shape.OUTLINED, sample),), _("On request")))
    items += [
        LegendItem((Look(Shape.SELECTED),), _("Selected")),
        LegendItem((Look(Shape.SLASHED),), _("Held elsewhere")),
        LegendItem((Look(Shape.PALE),), _("Sold or not ours") if state.offline else _("Sold")),
    ]
    for mark, text in (
        (Mark.WHEELCHAIR, _("Wheelchair place")),
        (Mark.RESTRICTED_VIEW, _("Restricted view")),
        (Mark.COMPANION, _("Companion seat")),
    ):
        if mark in marks:
            items.append(LegendItem((Look(Shape.FILLED, sample, mark=mark),), text))
    return items


def legend_height() -> int:
    """The room that the legend needs, in pixels."""
    return max(48, round(QFontMetricsF(theme.font(_TEXT_PX)).height()) + 28)


def paint_legend(
    painter: QPainter, items: Sequence[LegendItem], bounds: QRectF, width_max: float
) -> None:
    """Paint what fits into a width, on a ground that covers what lies under it."""
    font = theme.font(_TEXT_PX)
    measure = QFontMetricsF(font)
    height = legend_height()
    ground = theme.colour("map")
    ground.setAlphaF(0.92)
    foot = QRectF(bounds.left(), bounds.bottom() - height, bounds.width(), height)
    painter.fillRect(foot, ground)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    x, y = bounds.left() + _EDGE, foot.center().y()
    for item in items:
        step = 14.0 if len(item.looks) > 1 else 16.0
        text_width = measure.horizontalAdvance(item.text)
        if x + step * len(item.looks) + 7 + text_width > bounds.left() + width_max:
            break
        for look in item.looks:
            painter.save()
            painter.translate(x + 7, y)
            draw_seat(painter, look, 14.0 if len(item.looks) == 1 else 12.0)
            painter.restore()
            x += step
        x += 7
        painter.setPen(theme.colour("text2"))
        painter.drawText(QRectF(x, foot.top(), text_width + 2, height), _LEFT, item.text)
        x += text_width + 20
