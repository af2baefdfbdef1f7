"""Slips as a till prints them, in Chinese and in English."""

from __future__ import annotations

from hardware.escpos.document import (
    Align,
    Bars,
    Cell,
    Columns,
    Cut,
    Document,
    Feed,
    Qr,
    Raster,
    Rule,
    Text,
)

CODE = "BX1" + "A7K2M9QZ" * 14


def logo(width: int = 160, height: int = 48) -> Raster:
    """Slanting stripes in a frame."""
    rows = bytearray()
    for y in range(height):
        for left in range(0, width, 8):
            bits = 0
            for x in range(left, left + 8):
                is_frame = x in {0, 1, width - 2, width - 1} or y in {0, 1, height - 2, height - 1}
                bits = bits << 1 | (is_frame or (x + y) % 16 < 6)
            rows.append(bits)
    return Raster(width, height, bytes(rows))


def receipt_zh() -> Document:
    return Document(
        (
            logo(),
            Text("湖心剧院", bold=True, align=Align.CENTRE, wide=2, high=2),
            Text("售票收据", align=Align.CENTRE),
            Rule(),
            Columns((Cell("单号", 8), Cell("2-000417", align=Align.RIGHT))),
            Columns((Cell("窗口", 8), Cell("二号窗口 · 王芳", align=Align.RIGHT))),
            Columns((Cell("时间", 8), Cell("2026年11月23日 14:05", align=Align.RIGHT))),
            Rule(),
            Text("《天鹅湖》莫斯科古典芭蕾舞团访华巡演", bold=True),
            Text("2026年11月28日 星期六 19:30"),
            Columns(
                (Cell("池座 5排12座"), Cell("成人", 6), Cell("￥380.00", 10, align=Align.RIGHT))
            ),
            Columns(
                (Cell("池座 5排13座"), Cell("成人", 6), Cell("￥380.00", 10, align=Align.RIGHT))
            ),
            Columns(
                (
                    Cell("无障碍轮椅席 一层右侧 3排 陪同座位 乙"),
                    Cell("长者", 6),
                    Cell("¥190.00", 10, align=Align.RIGHT),
                )
            ),
            Rule(double=True),
            Columns((Cell("合计", bold=True), Cell("￥950.00", 14, align=Align.RIGHT, bold=True))),
            Columns((Cell("收现金"), Cell("￥1000.00", 14, align=Align.RIGHT))),
            Columns((Cell("找零"), Cell("￥50.00", 14, align=Align.RIGHT))),
            Feed(),
            Text("观众：𠮷田 𣲗（生僻字）, Zoë 😀"),
            Text("退改规则：演出前48小时可退，收取票面价10%的手续费。", align=Align.LEFT),
            Qr(CODE, module_dots=5),
            Text("入场请出示二维码", align=Align.CENTRE),
            Bars("2000417"),
            Cut(),
        )
    )


def receipt_en() -> Document:
    return Document(
        (
            Text("Lakeside Theatre", bold=True, align=Align.CENTRE, wide=2, high=2),
            Text("Receipt", align=Align.CENTRE),
            Rule(),
            Columns((Cell("Order", 8), Cell("2-000418", align=Align.RIGHT))),
            Columns((Cell("Window", 8), Cell("2 · Amélie Dubois", align=Align.RIGHT))),
            Columns((Cell("Time", 8), Cell("23 Nov 2026, 14:07", align=Align.RIGHT))),
            Rule(),
            Text("A Midsummer Night's Dream, open-air performance by the lake", bold=True),
            Text("Saturday 28 November 2026, 19:30"),
            Columns(
                (Cell("Stalls row 5 seat 12"), Cell("Adult", 8), Cell("$38.00", 9, Align.RIGHT))
            ),
            Columns(
                (Cell("Stalls row 5 seat 13"), Cell("Child", 8), Cell("$19.00", 9, Align.RIGHT))
            ),
            Rule(double=True),
            Columns((Cell("Total", bold=True), Cell("$57.00", 12, Align.RIGHT, bold=True))),
            Columns((Cell("Cash"), Cell("$60.00", 12, Align.RIGHT))),
            Columns((Cell("Change"), Cell("$3.00", 12, Align.RIGHT))),
            Qr(CODE, module_dots=5),
            Text("Please show this code at the gate", align=Align.CENTRE),
            Cut(),
        )
    )
