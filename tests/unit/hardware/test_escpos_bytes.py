"""What a document becomes for each kind of printer: bytes, against the reference and a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.escpos import PROFILES, DoesNotFit, Profile, code128, commands, render
from hardware.escpos.cells import Line
from hardware.escpos.document import (
    Align,
    Bars,
    Cell,
    Columns,
    Cut,
    Document,
    Element,
    Feed,
    KickDrawer,
    Qr,
    QrLevel,
    Raster,
    Rule,
    Text,
)
from hardware.escpos.interpreter import (
    Kick,
    PrintedBars,
    PrintedQr,
    PrintedText,
    PrinterModel,
    Sheet,
)
from hardware.escpos.profile import Cutter, Drawer, TextMode

CHINESE = PROFILES["chinese-80"]
WESTERN = PROFILES["epson-80-western"]
START = b"\x1b@\x1c&"


def _bytes(*elements: Element, profile: Profile = CHINESE) -> bytes:
    return render(Document(elements), profile)


def _paint(_line: Line, width_dots: int) -> Raster:
    """A black bar instead of letters: enough to see what is painted and where."""
    return Raster(min(80, width_dots), 30, b"\xff" * 10 * 30)


def _print(data: bytes, *, han: str | None = "gb18030", width_dots: int = 576) -> list[Sheet]:
    model = PrinterModel(width_dots=width_dots, han=han)
    model.receive(data)
    model.work()
    assert model.waiting_bytes == 0
    assert model.unknown_commands == []
    return model.paper


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(commands.kick(Drawer(2)), "1B 70 00 32 32", id="drawer on pin 2"),
        pytest.param(commands.kick(Drawer(5)), "1B 70 01 32 32", id="drawer on pin 5"),
        pytest.param(commands.kick_now(Drawer(5)), "10 14 01 01 01", id="drawer in real time"),
        pytest.param(commands.cut(Cutter.FULL), "1D 56 00", id="full cut"),
        pytest.param(commands.cut(Cutter.PARTIAL), "1D 56 01", id="partial cut"),
        pytest.param(commands.align(Align.CENTRE), "1B 61 01", id="centred"),
        pytest.param(commands.scale(2, 3), "1D 21 12", id="twice as wide, three times as high"),
        pytest.param(
            commands.qr(b"HELLO-1", 6, QrLevel.M),
            "1D 28 6B 04 00 31 41 32 00 1D 28 6B 03 00 31 43 06 1D 28 6B 03 00 31 45 31"
            " 1D 28 6B 0A 00 31 50 30 48 45 4C 4C 4F 2D 31 1D 28 6B 03 00 31 51 30",
            id="QR code",
        ),
        pytest.param(
            commands.bars(b"2000417", 80, 2),
            "1D 68 50 1D 77 02 1D 48 02 1D 6B 49 09 7B 42 32 30 30 30 34 31 37",
            id="bars",
        ),
        pytest.param(
            b"".join(commands.raster(Raster(16, 2, b"\x80\x00\x00\x01"), 64)),
            "1D 76 30 00 02 00 02 00 80 00 00 01",
            id="picture",
        ),
        pytest.param(_bytes(Text("票")), "1B 40 1C 26 C6 B1 0A", id="a Han character"),
        pytest.param(_bytes(Text("¥5")), "1B 40 1C 26 A3 A4 35 0A", id="yuan as the font has it"),
        pytest.param(_bytes(Text("㐀")), "1B 40 1C 26 81 39 EE 39 0A", id="four bytes"),
        pytest.param(
            _bytes(Text("Zoë €", bold=True), profile=WESTERN),
            "1B 40 1C 2E 1B 74 10 1B 45 01 5A 6F EB 20 80 1B 45 00 0A",
            id="a code page",
        ),
        pytest.param(
            _bytes(Text("¥5"), profile=WESTERN), "1B 40 1C 2E 1B 74 10 A5 35 0A", id="one-byte yen"
        ),
        pytest.param(
            _bytes(Text("票"), profile=PROFILES["big5-80"]), "1B 40 1C 26 B2 BC 0A", id="Big5"
        ),
        pytest.param(
            _bytes(Text("席"), profile=PROFILES["japanese-80"]),
            "1B 40 1C 26 1C 43 01 90 C8 0A",
            id="Shift JIS",
        ),
        pytest.param(_bytes(Cut()), "1B 40 1C 26 1B 64 04 1D 56 01", id="feed and cut"),
        pytest.param(_bytes(KickDrawer()), "1B 40 1C 26 1B 70 00 32 32", id="drawer in a job"),
    ],
)
def test_bytes_are_those_of_the_reference(data: bytes, expected: str) -> None:
    assert data.hex(" ").upper() == expected


def test_a_printer_without_a_cutter_feeds_past_its_edge() -> None:
    profile = PROFILES["chinese-58"]
    assert _bytes(Cut(), profile=profile) == START + b"\x1bd\x04"


def test_no_drawer_no_kick() -> None:
    assert _bytes(KickDrawer(), profile=replace(CHINESE, drawer=None)) == START


def test_the_whole_slip_comes_out_as_it_was_written() -> None:
    data = _bytes(
        Text("湖心剧院", bold=True, align=Align.CENTRE, wide=2, high=2),
        Columns((Cell("合计"), Cell("￥950.00", 14, Align.RIGHT, bold=True))),
        Rule(),
        Qr("BX1ABC", module_dots=5, level=QrLevel.Q),
        Bars("2000417"),
        Feed(),
        Cut(),
    )
    (sheet,) = _print(data)
    title, total, rule, code, bars = (
        item for item in sheet.items if isinstance(item, PrintedText | PrintedQr | PrintedBars)
    )
    assert isinstance(title, PrintedText)
    assert (title.text, title.wide, title.high, title.align) == ("湖心剧院", 2, 2, Align.CENTRE)
    assert all(title.bold)
    assert isinstance(total, PrintedText)
    assert total.text == "合计" + " " * 36 + "￥950.00"
    assert total.align is Align.LEFT
    assert sum(total.bold) == len("￥950.00")
    assert isinstance(rule, PrintedText)
    assert rule.text == "-" * 48
    assert code == PrintedQr("BX1ABC", 5, QrLevel.Q, Align.CENTRE)
    assert bars == PrintedBars("2000417", 80, 2, Align.CENTRE)
    assert sheet.is_cut


def test_a_character_that_the_font_lacks_is_painted_with_its_line() -> None:
    data = render(Document((Text("𠮷田"), Text("田"))), CHINESE, _paint)
    (sheet,) = _print(data)
    assert [type(item) for item in sheet.items] == [Raster, PrintedText]


def test_a_letter_with_an_accent_is_painted_and_not_set_two_cells_wide() -> None:
    data = render(Document((Text("Amélie"),)), CHINESE, _paint)
    assert [type(item) for item in _print(data)[0].items] == [Raster]


def test_without_a_painter_a_missing_character_is_marked() -> None:
    assert _print(_bytes(Text("𠮷田")))[0].texts == ["〓田"]
    assert _print(_bytes(Text("票 x"), profile=WESTERN), han=None)[0].texts == ["?? x"]


def test_old_firmware_is_sent_no_four_byte_characters() -> None:
    data = render(Document((Text("㐀"),)), PROFILES["gbk-80"], _paint)
    assert [type(item) for item in _print(data, han="gbk")[0].items] == [Raster]


def test_a_profile_that_paints_sets_no_character() -> None:
    profile = PROFILES["raster-80"]
    document = Document((Text("票"), Columns((Cell("a"), Cell("b"))), Rule(), Rule(double=True)))
    (sheet,) = _print(render(document, profile, _paint), han=None)
    assert sheet.texts == []
    with pytest.raises(ValueError, match="paints"):
        render(document, profile)


@pytest.mark.parametrize("profile", ["chinese-80", "epson-80-western", "big5-80", "japanese-80"])
def test_a_text_can_never_be_a_command(profile: str) -> None:
    """A name with an escape sequence in it must not open the drawer."""
    hostile = "".join(map(chr, range(0x20))) + "\x1bp\x00\x32\x32\x10\x14\x01\x00\x01\x7f\x9b"
    model = PrinterModel()
    model.receive(_bytes(Text(hostile), Columns((Cell(hostile),)), profile=PROFILES[profile]))
    model.work()
    assert model.kicks == []
    assert len(model.paper) == 1


@given(st.text(max_size=60), st.sampled_from(["chinese-80", "epson-80-western", "gbk-80"]))
def test_no_text_leaves_the_model_in_the_middle_of_a_command(text: str, name: str) -> None:
    profile = PROFILES[name]
    han = {"chinese-80": "gb18030", "gbk-80": "gbk"}.get(name)
    document = Document((Text(text), Text("END"), Cut()))
    model = PrinterModel(han=han)
    assert model.receive(render(document, profile, _paint)) == b""
    assert model.work() == b""
    assert model.kicks == []
    assert model.unknown_commands == []
    (sheet,) = model.paper
    assert sheet.texts[-1] == "END"
    assert sheet.is_cut


@given(st.binary(min_size=72 * 3, max_size=72 * 3))
def test_no_picture_is_taken_for_a_real_time_command(dots: bytes) -> None:
    hostile = bytes.fromhex("10 14 01 00 01 10 04 01 10 10 04 02 10 05 01") + dots[15:]
    model = PrinterModel()
    answers = model.receive(_bytes(Raster(576, 3, hostile), Text("END")))
    model.work()
    assert answers == b""
    assert model.kicks == []
    assert model.paper[0].texts == ["END"]


def test_a_high_picture_is_sent_in_bands_that_join() -> None:
    dots = bytes(range(0x20, 0x20 + 150))
    (sheet,) = _print(_bytes(Raster(8, 150, dots)))
    bands = [item for item in sheet.items if isinstance(item, Raster)]
    assert [band.height_dots for band in bands] == [64, 64, 22]
    assert b"".join(band.rows for band in bands) == dots


def test_a_code_too_large_for_the_paper_is_made_smaller_and_then_refused() -> None:
    profile = PROFILES["chinese-58"]
    (sheet,) = _print(_bytes(Qr("A" * 150, module_dots=12), profile=profile), width_dots=384)
    (code,) = (item for item in sheet.items if isinstance(item, PrintedQr))
    assert 3 <= code.module_dots < 12
    with pytest.raises(DoesNotFit, match="too large"):
        _bytes(Qr("~" * 1000, level=QrLevel.H), profile=profile)


def test_bars_and_pictures_too_wide_are_refused() -> None:
    profile = PROFILES["chinese-58"]
    with pytest.raises(DoesNotFit, match="bars"):
        _bytes(Bars("A" * 40), profile=profile)
    with pytest.raises(DoesNotFit, match="picture"):
        _bytes(Raster(576, 1, bytes(72)), profile=profile)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Text("x" * 3000), id="an endless text"),
        pytest.param(lambda: Text("x", wide=9), id="a giant letter"),
        pytest.param(lambda: Qr("票"), id="a code that readers guess the meaning of"),
        pytest.param(lambda: Qr(""), id="an empty code"),
        pytest.param(lambda: Qr("A", module_dots=1), id="a code too fine to read"),
        pytest.param(lambda: Bars("A" * 49), id="endless bars"),
        pytest.param(lambda: Bars("A", height_dots=0), id="flat bars"),
        pytest.param(lambda: Raster(9, 2, b"123"), id="half a picture"),
        pytest.param(lambda: Raster(0, 1, b""), id="no picture"),
        pytest.param(lambda: Cell("x", 0), id="a cell without room"),
        pytest.param(lambda: Columns(()), id="a line without cells"),
        pytest.param(lambda: Feed(0), id="no feed"),
        pytest.param(lambda: Drawer(3), id="a pin no drawer hangs on"),
        pytest.param(lambda: Drawer(pulse_on_ms=5000), id="a pulse that burns the coil"),
    ],
)
def test_what_cannot_be_printed_cannot_be_written(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"."):
        make()


def test_every_profile_prints_the_columns_it_says() -> None:
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.columns in {32, 48}
        if profile.text is not TextMode.RASTER:
            (sheet,) = _print(_bytes(Rule(), profile=profile), width_dots=profile.width_dots)
            assert sheet.texts == ["-" * profile.columns]


def test_bars_are_those_of_the_standard() -> None:
    # ISO/IEC 15417, table 1: start B, the check character, stop.
    modules = "".join("1" if dark else "0" for dark in code128.modules("A"))
    assert modules == "11010010000" + "10100011000" + "10001011000" + "1100011101011"


def test_a_kick_says_its_pin_and_time() -> None:
    model = PrinterModel()
    model.receive(commands.kick(Drawer(5, pulse_on_ms=200)))
    model.work()
    assert model.kicks == [Kick(5, 200)]
