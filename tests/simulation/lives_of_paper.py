"""Lives that lead to one certain moment of a hand-out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from unittest import mock

from edge.errors import ReplicaError
from pos_app.services.printer import PrinterError, PrinterFault
from tests.simulation.lives import rests, stocked
from tests.simulation.network import SERVER
from tests.simulation.tills import SimPrinter
from tests.simulation.verdicts import Astray

if TYPE_CHECKING:
    from tests.simulation.tills import Till
    from tests.simulation.world import World


def handed_out_elsewhere(world: World) -> None:
    """An order that is not printed is let to another window; then both try to print it."""
    one, other = world.tills[:2]
    order_id = sold_unprinted(world)
    lent_to(world, other, order_id)
    for till in (other, one):
        prints(world, till, order_id)
    _has_paper(world, order_id)
    rests(world)


def printed_and_asked_for(world: World) -> None:
    """Another window asks for an order that is printed, and prints whatever it may."""
    one, other = world.tills[:2]
    order_id = sold_unprinted(world)
    prints(world, one, order_id)
    _has_paper(world, order_id)
    other.ask_to_print(order_id)
    world.works.run(world.works.now + 10)
    prints(world, other, order_id)
    rests(world)


def handed_on_and_forgotten(world: World) -> None:
    """An order goes from window to window, and on to a third. The server forgets both words, and
    hears the second one first.
    """
    one, other, third = world.tills[:3]
    order_id = sold_unprinted(world)
    image = world.server.disk.image()
    lent_to(world, other, order_id)
    lent_to(world, third, order_id)
    world.network.part(((one.name, SERVER), (SERVER, one.name)), 30)
    world.server.disk.images = deque([image] * 2, maxlen=2)
    world.breakage.fail_over()
    world.works.run(world.works.now + 60)
    rests(world)


def printed_on_a_full_disk(world: World) -> None:
    """A till can write nothing while it prints; another asks for the order, and prints it."""
    one, other = world.tills[:2]
    order_id = sold_unprinted(world)
    with _full_disk(world, one):
        prints(world, one, order_id)
    lent_to(world, other, order_id)
    for till in (other, one):
        prints(world, till, order_id)
    _has_paper(world, order_id)
    rests(world)


def printed_and_tried_again(world: World) -> None:
    """A till dies just after its print. It tries again, without paper, and another till asks."""
    one, other = world.tills[:2]
    order_id = sold_unprinted(world)

    def crashes(who: str, point: str) -> bool:
        return (who, point) == (one.name, "after_print")

    with mock.patch.object(world, "crashes", crashes):
        prints(world, one, order_id)
    _has_paper(world, order_id)
    world.restart_node(one)
    world.works.run(world.works.now + 10)
    with mock.patch.object(SimPrinter, "print_pdf", _no_paper):
        prints(world, one, order_id)
    _at(world, other, lambda: other.ask_to_print(order_id))
    world.works.run(world.works.now + 5)
    prints(world, other, order_id)
    rests(world)


def asked_of_a_full_disk(world: World) -> None:
    """A till is asked for an order when it can write nothing, and never again."""
    one, other = world.tills[:2]
    order_id = sold_unprinted(world)
    with _full_disk(world, one):
        _at(world, other, lambda: other.ask_to_print(order_id))
        world.works.run(world.works.now + 5)
    if other.machine.may_print(order_id):
        raise Astray("it could write all the same")
    rests(world)


def handed_out_and_set_back(world: World) -> None:
    """A till prints what another one let it print, is set back, and is enrolled again; a third
    asks for the same order.
    """
    other, third = world.tills[1:3]
    order_id = sold_unprinted(world)
    before = other.machine.journal.image()
    lent_to(world, other, order_id)
    prints(world, other, order_id)
    _has_paper(world, order_id)
    _set_back(world, other, before)
    _at(world, third, lambda: third.ask_to_print(order_id))
    world.works.run(world.works.now + 20)
    prints(world, third, order_id)
    rests(world)


def sold_and_set_back(world: World) -> None:
    """A till is set back after it sold; enrolled again it asks to print, and does."""
    one = world.tills[0]
    order_id = sold_unprinted(world)
    before = one.machine.journal.image()
    _at(world, one, one._sign_in)
    world.works.run(world.works.now + 5)
    _set_back(world, one, before)
    lent_to(world, one, order_id)
    prints(world, one, order_id)
    _has_paper(world, order_id)
    rests(world)


# --- steps


def _has_paper(world: World, order_id: str) -> None:
    if not world.oracle.hand_outs.has_paper(order_id):
        raise Astray("it was not printed")


def _no_paper(*_arguments: object, **_options: object) -> None:
    raise PrinterError(PrinterFault.COMMAND_FAILED, "out of paper")


@contextmanager
def _full_disk(world: World, till: Till) -> Iterator[None]:
    with mock.patch.object(world, "disk_fails", lambda name: name == till.name):
        yield


def _set_back(world: World, till: Till, image: bytes) -> None:
    """A backup is put back, the till is locked, and people enrol it again."""
    till.machine.journal.images = deque([image] * 2, maxlen=2)
    world.breakage.set_back(till)
    world.works.run(world.works.now + 30)
    if not world.counts["enrolled_again"]:
        raise Astray("it was not enrolled again")


def sold_unprinted(world: World) -> str:
    """The id of an order that the first window sold and did not print, and everybody has heard of."""
    till = world.tills[0]
    world.begin()
    stocked(world, till)
    world.demand = False
    world.works.run(world.works.now + 5)
    sold: list[str] = []

    def sell() -> None:
        outcome = till.record_sale(till.free_units()[:1])
        sold.extend([outcome.order_id] if outcome else [])

    _at(world, till, sell)
    world.works.run(world.works.now + 20)
    if not sold:
        raise Astray("nothing was sold")
    return sold[0]


def lent_to(world: World, till: Till, order_id: str) -> None:
    """A window asks to print it, until it may."""
    for _ in range(10):
        _at(world, till, lambda: till.ask_to_print(order_id))
        world.works.run(world.works.now + 3)
        if till.machine.may_print(order_id):
            return
    raise Astray(f"{till.name} was never let print")


def prints(world: World, till: Till, order_id: str) -> None:
    """Its cashier tries to print it, if the window has it at all."""
    if till.machine.knows_order(order_id):
        _at(world, till, lambda: till.window.print_order(order_id))
        world.works.run(world.works.now + 2)


def _at(world: World, till: Till, deed: Callable[[], object]) -> None:
    def do() -> None:
        with suppress(ReplicaError):
            deed()

    world.works.spawn(till.process, do)
