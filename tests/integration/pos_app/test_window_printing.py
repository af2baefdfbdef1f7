"""From a recorded sale to paper: the same codes each time, every copy counted once."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from edge.errors import ReplicaFull
from edge.journal import JournalLocked, LockReason
from edge.sync import SyncEngine
from pos_app.services import printing
from pos_app.services.model import NewsKind, PrintOutcome, PrintResult, UnprintedOrder
from pos_app.services.paper import TicketFace, TicketLabels, render_tickets
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from tests.fakes.hall import ROW
from tests.fakes.till import NOW, sample_catalogue
from tests.integration.pos_app.window_stage import BrokenPrinter, Stage, at_once
from ticketing.catalogue import event_document
from ticketing.event import Event
from ticketing.journal import OpKind
from ticketing.operations import decode_print


def copies(stage: Stage) -> list[tuple[str, int]]:
    found = [decode_print(op.body) for op in stage.ops(OpKind.PRINT)]
    assert None not in found
    return [(printed.order_id, printed.copy) for printed in found if printed is not None]


def window_over(stage: Stage, **changes: object) -> Window:
    """Another window's program over the same files, with another desk."""
    desk: PrintDesk = replace(stage.desk, **changes)  # type: ignore[arg-type]
    return stage.window_with(desk, cast("SyncEngine", stage.engine))


def test_a_sale_waits_for_paper_until_it_is_printed(till: Stage) -> None:
    till.lend(ROW)
    first = till.sell(ROW[:2])
    till.env.pass_s(5)
    second = till.sell(ROW[2:3])
    assert [(one.order_id, one.ticket_count) for one in till.window.unprinted()] == [
        (first.order_id, 2),
        (second.order_id, 1),
    ]
    assert till.window.unprinted()[0] == UnprintedOrder(first.order_id, first.receipt_no, 2, NOW)
    till.restart()
    assert len(till.window.unprinted()) == 2, "a restart forgets no paper"
    till.heard()
    result = till.window.print_order(first.order_id)
    path = till.folder / "tickets" / f"{first.receipt_no}.pdf"
    assert result == PrintResult(first.order_id, PrintOutcome.PRINTED, 2, path=str(path))
    assert path.read_bytes().startswith(b"%PDF")
    assert [one.order_id for one in till.window.unprinted()] == [second.order_id]
    assert NewsKind.STATUS in till.heard_kinds()


def test_a_reprint_has_the_same_code_and_says_which_copy_it_is(
    till: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:2])
    drawn: list[tuple[list[TicketFace], TicketLabels]] = []

    def draw(
        faces: list[TicketFace], labels: TicketLabels, *, font: Path | None, a4: bool
    ) -> bytes:
        drawn.append((faces, labels))
        return render_tickets(faces, labels, font=font, a4=a4)

    monkeypatch.setattr(printing, "render_tickets", draw)
    results = [till.window.print_order(sold.order_id) for _ in range(2)]
    till.restart()
    results.append(till.window.print_order(sold.order_id))
    papers = [Path(result.path) for result in results]
    assert len(set(papers)) == 3
    assert copies(till) == [(sold.order_id, number) for number in (1, 2, 3)]
    first, *others = drawn
    assert "COPY" not in first[0][0].hall + first[1].stub
    for number, (faces, labels) in enumerate(others, 1):
        assert [face.code for face in faces] == [face.code for face in first[0]]
        assert all(face.hall.endswith(f"COPY {number}") for face in faces)
        assert labels.stub == f"COPY {number}"


def test_two_threads_that_print_one_order_make_two_copies(till: Stage) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:1])
    results = at_once(*[lambda: till.window.print_order(sold.order_id)] * 3)
    assert len({cast("PrintResult", result).path for result in results}) == 3
    assert copies(till) == [(sold.order_id, number) for number in (1, 2, 3)]


def test_a_printer_that_fails_leaves_the_sale_and_shows_it_as_unprinted(till: Stage) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:2])
    result = window_over(till, printer=BrokenPrinter()).print_order(sold.order_id)
    assert result == PrintResult(
        sold.order_id, PrintOutcome.FAILED, 2, detail="The printer has no paper."
    )
    assert [one.order_id for one in till.window.unprinted()] == [sold.order_id]
    assert copies(till) == []
    assert till.window.print_order(sold.order_id).outcome is PrintOutcome.PRINTED
    assert copies(till) == [(sold.order_id, 1)]


def test_a_font_that_is_gone_is_a_failed_print(till: Stage) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:1])
    result = window_over(till, font=Path("/nowhere/font.ttf")).print_order(sold.order_id)
    assert result.outcome is PrintOutcome.FAILED
    assert "font" in result.detail.lower()
    assert len(till.window.unprinted()) == 1


def test_an_order_of_another_window_is_a_lookup_error(till: Stage) -> None:
    with pytest.raises(LookupError):
        till.window.print_order("00" * 8)


def test_without_the_catalogue_a_ticket_waits_for_the_network(till: Stage) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:1])
    till.replica.mirror.forget()
    result = till.window.print_order(sold.order_id)
    assert result.outcome is PrintOutcome.FAILED
    assert "network" in result.detail
    till.feed.open_house()
    assert till.window.print_order(sold.order_id).outcome is PrintOutcome.PRINTED


def _without_performance(event: Event) -> Event:
    return replace(event, performances=event.performances[1:])


def _without_type(event: Event) -> Event:
    prices = tuple(price for price in event.prices if price.ticket_type_id != "adult")
    return replace(event, ticket_types=event.ticket_types[1:], prices=prices)


@pytest.mark.parametrize("change", [_without_performance, _without_type])
def test_a_ticket_that_the_catalogue_no_longer_has_is_a_failed_print(
    till: Stage, change: object
) -> None:
    assert callable(change)
    till.lend(ROW)
    sold = till.sell(ROW[:1])
    catalogue = sample_catalogue()
    changed = change(catalogue.events[0])
    till.feed.open_house(event_document(catalogue.venue, catalogue.plans[0], changed))
    result = till.window.print_order(sold.order_id)
    assert result.outcome is PrintOutcome.FAILED
    assert "catalogue" in result.detail
    assert len(till.window.unprinted()) == 1


@pytest.mark.expected_errors("copy_not_counted")
@pytest.mark.parametrize("error", [ReplicaFull("no room"), JournalLocked(LockReason.FORKED)])
def test_paper_that_is_out_is_never_called_missing(
    till: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    till.lend(ROW)
    sold = till.sell(ROW[:1])
    with monkeypatch.context() as patched:
        patched.setattr("pos_app.services.printing.append", fail)
        result = till.window.print_order(sold.order_id)
    assert result.outcome is PrintOutcome.PRINTED
    assert "not counted" in result.detail
    assert Path(result.path).exists()
    assert len(till.window.unprinted()) == 1, "as long as it is not counted"


def test_a_sale_goes_on_while_a_printer_takes_its_time(till: Stage) -> None:
    started, paper = threading.Event(), threading.Event()

    class SlowPrinter:
        def print_pdf(self, pdf: bytes, *, job: str) -> None:
            assert pdf
            assert job
            started.set()
            assert paper.wait(20)

    till.lend(ROW)
    sold = till.sell(ROW[:1])
    window = window_over(till, printer=SlowPrinter())
    thread = threading.Thread(target=window.print_order, args=(sold.order_id,))
    thread.start()
    assert started.wait(20)
    till.sell(ROW[1:2])
    paper.set()
    thread.join(20)
    assert copies(till) == [(sold.order_id, 1)]
