"""What the seats mean, at the foot of the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPixmap, QPolygonF

from pos_app.presenters.language import _
from pos_app.ui import theme
from pos_app.ui.seat_areas import Block
from pos_app.ui.seat_looks import Look, Mark, Shape, draw_seat

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState

_TEXT_PX: Final = 13
_EDGE: Final = 18.0
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_SAMPLE: Final = 1
_COVER: Final = 0.92
_SWATCH: Final = QPolygonF(QRectF(-5.5, -5.5, 11.0, 11.0))


@dataclass(frozen=True, slots=True)
class LegendItem:
    """A sample seat (several for a row of colours) and its meaning."""

    looks: tuple[Look, ...]
    text: str
    as_area: bool = False
    """Sample areas as they look from far away, instead of seats."""


def legend_items(
    state: SellState, marks: frozenset[Mark], *, as_areas: bool = False
) -> list[LegendItem]:
    """What can be seen now, the weightiest first; `marks` are those of the house."""
    event = state.house.event if state.house else None
    tiers = [tier.colour_index for tier in event.price_tiers] if event else []
    sample = tiers[min(_SAMPLE, len(tiers) - 1)] if tiers else 0
    if as_areas:
        filled = tuple(Look(Shape.FILLED, tier) for tier in tiers)
        items = [LegendItem(filled, _("Sold here"), as_area=True)]
        if tiers and not state.offline:
            outlined = (Look(Shape.OUTLINED, sample),)
            items.append(LegendItem(outlined, _("On request"), as_area=True))
        gone = _("Sold or not ours") if state.offline else _("Sold")
        selected = LegendItem((Look(Shape.SELECTED),), _("Selected"))
        return [*items, LegendItem((Look(Shape.PALE),), gone, as_area=True), selected]
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


class Legend:
    """The legend, painted once for what it says and how wide it may be."""

    def __init__(self) -> None:
        self._made: tuple[tuple[object, ...], QPixmap] | None = None

    def forget(self) -> None:
        """Paint it anew: colours or the size of texts changed."""
        self._made = None

    def paint(
        self, painter: QPainter, items: Sequence[LegendItem], bounds: QRectF, width_max: float
    ) -> None:
        """Paint what fits into a width, on a ground that covers what lies under it."""
        ratio = painter.device().devicePixelRatio()
        key = (tuple(items), bounds.width(), width_max, ratio)
        if self._made is None or self._made[0] != key:
            made = QPixmap(QSizeF(bounds.width() * ratio, legend_height() * ratio).toSize())
            made.setDevicePixelRatio(ratio)
            _paint_items(made, items, width_max)
            self._made = key, made
        painter.drawPixmap(QPointF(bounds.left(), bounds.bottom() - legend_height()), self._made[1])


def _paint_items(made: QPixmap, items: Sequence[LegendItem], width_max: float) -> None:
    ground = theme.colour("map")
    ground.setAlphaF(_COVER)
    made.fill(ground)
    font = theme.font(_TEXT_PX)
    measure = QFontMetricsF(font)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    height = float(legend_height())
    x = _EDGE
    for item in items:
        step = 14.0 if len(item.looks) > 1 else 16.0
        text_width = measure.horizontalAdvance(item.text)
        if x + step * len(item.looks) + 7 + text_width > width_max:
            break
        for look in item.looks:
            painter.save()
            painter.translate(x + 7, height / 2)
            _paint_sample(painter, look, item)
            painter.restore()
            x += step
        x += 7
        painter.setPen(theme.colour("text2"))
        painter.drawText(QRectF(x, 0, text_width + 2, height), _LEFT, item.text)
        x += text_width + 20
    painter.end()


def _paint_sample(painter: QPainter, look: Look, item: LegendItem) -> None:
    if item.as_area:
        free, ours = look.shape is not Shape.PALE, look.shape is Shape.FILLED
        block = Block(_SWATCH, (0.0, 0.0), (0.0, 0.0), "", look.tier, int(free), int(ours), 1)
        painter.setPen(block.line())
        painter.setBrush(block.fill())
        painter.drawPolygon(block.shape)
    else:
        draw_seat(painter, look, 14.0 if len(item.looks) == 1 else 12.0)
