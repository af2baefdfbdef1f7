"""Training: sold, printed and refunded as ever, and nothing of it ever leaves its own folder."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.catalogue import MirrorCatalogue
from edge.errors import IdentityError, ReplicaError, ReplicaInUse
from edge.replica import Replica
from gate_agent.facts import GateKnowledge
from pos_app.opening import open_training, open_window
from pos_app.services.basket import Basket, add_unit, empty_basket
from pos_app.services.model import Link, PrintOutcome, Sold, UnitState
from pos_app.services.training import PEOPLE, PIN, WATERMARK, training_folder
from pos_app.services.window import Window
from pos_app.settings import Language, PrinterSettings, TillSettings
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.hall import EVENT_ID, Feed, SetEnv, event_row, node_row, server_public
from tests.integration.pos_app.window_stage import Stage
from ticketing.admission import Admit, Reason, Refuse, decide_entry
from ticketing.code import Flag, TicketCode, make_code, parse_code
from ticketing.operations import decode_sale


@pytest.fixture(autouse=True)
def at_a_fixed_time(env: SetEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pos_app.opening.MachineEnv", lambda: env)


@pytest.fixture
def settings(tmp_path: Path) -> TillSettings:
    printer = PrinterSettings(folder=tmp_path / "tickets", language=Language.ENGLISH)
    return TillSettings(
        server_url="http://127.0.0.1:9", data_dir=tmp_path / "till", printer=printer
    )


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("training opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def window(settings: TillSettings, no_network: None) -> Iterator[Window]:
    """A training on a machine that was never enrolled."""
    assert no_network is None
    made = open_training(settings)
    made.start()
    made.sign_in(PEOPLE[0][0], PIN)
    made.shifts.open(())
    yield made
    made.stop()


def basket_of(window: Window, count: int) -> Basket:
    performance = window.performances()[0].number
    event = window.house(performance).event
    states = window.availability(performance).states
    free = [unit for unit, state in states.items() if state is UnitState.FREE]
    basket = empty_basket(event)
    for unit in free[:count]:
        basket = add_unit(basket, event, performance, unit)
    return basket


def sell(window: Window, count: int = 2) -> Sold:
    basket = basket_of(window, count)
    sold = window.pay_cash(basket, basket.total_minor)
    assert isinstance(sold, Sold), sold
    return sold


def codes(window: Window) -> list[TicketCode]:
    """The codes of everything that was sold."""
    with window._replica.reading() as connection:
        bodies = [row["body"] for row in connection.execute("SELECT body FROM orders")]
    sales = [decode_sale(body) for body in bodies]
    parsed = [parse_code(line.code) for sale in sales if sale is not None for line in sale.lines]
    return [code for code in parsed if isinstance(code, TicketCode)]


def test_it_sells_and_prints_without_being_enrolled_and_without_the_network(
    window: Window, settings: TillSettings
) -> None:
    sold = sell(window)
    assert sold.receipt_no == "TRAIN-000001"
    printed = window.print_order(sold.order_id)
    assert printed.outcome is PrintOutcome.PRINTED
    assert Path(printed.path).parent == settings.printer.folder / "training"
    status = window.status()
    assert status.link is Link.ONLINE
    assert window._desk.watermark == WATERMARK


def test_a_folder_of_training_is_no_tills(window: Window, settings: TillSettings) -> None:
    sell(window)
    with pytest.raises(IdentityError, match="not enrolled"):
        open_window(replace(settings, data_dir=training_folder(settings.data_dir)))


def test_each_lesson_begins_anew(settings: TillSettings) -> None:
    for _lesson in range(2):
        window = open_training(settings)
        window.start()
        window.sign_in(PEOPLE[0][0], PIN)
        window.shifts.open(())
        assert sell(window).receipt_no == "TRAIN-000001"
        window.stop()


def test_two_trainings_at_a_time_are_refused(window: Window, settings: TillSettings) -> None:
    assert window is not None
    with pytest.raises(ReplicaInUse):
        open_training(settings)


def test_a_folder_that_somebody_uses_for_something_else_is_never_emptied(
    settings: TillSettings,
) -> None:
    folder = training_folder(settings.data_dir)
    folder.mkdir()
    (folder / "wedding.jpg").write_bytes(b"precious")
    with pytest.raises(ReplicaError, match="no training folder"):
        open_training(settings)
    assert (folder / "wedding.jpg").read_bytes() == b"precious"


class TestBesideTheRealTill:
    """The real till runs, has sold, and knows nothing of it."""

    def test_the_real_journal_gets_no_operation_and_the_same_house_is_sold(
        self, till: Stage, settings: TillSettings, no_network: None
    ) -> None:
        assert no_network is None
        document = json.loads(json.dumps(event_row()[1]))
        document["venue"]["name"] = {"en": "The real house", "zh": "真的剧院"}
        till.feed.open_house(document)
        till.sign_in()
        before = _content(till.replica)
        files = {each.name: each.read_bytes() for each in _journal_files(settings)}
        window = open_training(settings)
        window.start()
        window.sign_in(PEOPLE[1][0], PIN)
        window.shifts.open(())
        house = window.house(window.performances()[0].number)
        assert house.venue.name.in_language("en") == "The real house"
        sold = sell(window, 3)
        window.print_order(sold.order_id)
        window.stop()
        assert _content(till.replica) == before
        assert {each.name: each.read_bytes() for each in _journal_files(settings)} == files

    def test_the_real_people_and_their_pins_stay_where_they_are(
        self, till: Stage, settings: TillSettings
    ) -> None:
        assert till.window.people() != ()
        window = open_training(settings)
        assert {person.id for person in window.people()} == {one for one, _name, _role in PEOPLE}
        window.stop()


def _journal_files(settings: TillSettings) -> list[Path]:
    return sorted(settings.data_dir.glob("journal.db*"))


def _content(replica: Replica) -> list[tuple[object, ...]]:
    with replica.reading() as connection:
        tables = ("op", "journal", "orders", "allot", "allot_unit", "meta")
        return [
            tuple(row)
            for table in tables
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
        ]


class TestAtTheGate:
    """A training ticket at a gate that knows the house: refused, for two reasons."""

    @pytest.fixture
    def decide(self, tmp_path: Path) -> Iterator[Callable[[TicketCode], Admit | Refuse]]:
        """The decision of a gate, by its own facts."""
        enrolled_folder(tmp_path / "gate", "gate")
        replica = Replica(tmp_path / "gate")
        feed = Feed(replica.mirror)
        feed.open_house()
        feed.node(node_row("00000000000000aa", bytes(range(32))))
        knowledge = GateKnowledge(replica, MirrorCatalogue(replica.mirror), server_public())

        def answer(code: TicketCode) -> Admit | Refuse:
            open_now = frozenset({code.facts.performance})
            facts = knowledge.facts(EVENT_ID, code.facts, open_now)
            return decide_entry(code, facts, at=code.facts.valid_from)

        yield answer
        replica.close()

    def test_its_own_words_refuse_it(
        self, window: Window, decide: Callable[[TicketCode], Admit | Refuse]
    ) -> None:
        sell(window)
        assert len(codes(window)) == 2
        for code in codes(window):
            assert decide(code) == Refuse(Reason.TRAINING_TICKET)

    def test_without_those_words_nobody_knows_its_key(
        self, window: Window, decide: Callable[[TicketCode], Admit | Refuse]
    ) -> None:
        sell(window, 1)
        [code] = codes(window)
        plain = parse_code(make_code(replace(code.facts, flags=Flag(0)), window._key.private))
        assert isinstance(plain, TicketCode)
        assert decide(plain) == Refuse(Reason.UNKNOWN_ISSUER)

    def test_the_key_is_another_each_time_and_is_kept_nowhere(self, settings: TillSettings) -> None:
        keys = set()
        for _lesson in range(2):
            window = open_training(settings)
            keys.add(window._key.id)
            private = window._key.private
            window.stop()
            folder = training_folder(settings.data_dir)
            kept = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
            assert private not in kept
        assert len(keys) == 2
