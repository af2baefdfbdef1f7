"""The story itself: every step in plain words, every claim checked."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hardware.qr.stills import decode_image_file
from tests.demo.console_picture import take_console_picture
from tests.demo.programs import DemoFailed, Program, wait_until
from tests.demo.stage import WINDOW, Stage
from tests.fakes.frames import (
    make_codeless_frame,
    make_frame,
    read_picture,
    render_code,
    write_frame,
)
from tests.fakes.tickets import forge_like

PERFORMANCE = 1
TOMORROW = 3
ONLINE_SEATS = 2
OFFLINE_SEATS = 4
NOTE_MINOR, FLOAT_NOTES = 100_00, 5
DENOMINATIONS_MINOR = (100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 50, 10)
_TIMEOUT_S = 20.0
_FIRST_ANSWER_S = 120.0  # a till compiles what it imports, and the machine may be busy
_DEBOUNCE_S = 1.7


@dataclass(frozen=True, slots=True)
class Check:
    """One claim of the summary."""

    claim: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether it is as it should be."""
        return self.expected == self.found


@dataclass(slots=True)
class Story:
    """Plays the steps on a stage and keeps what was found."""

    stage: Stage
    language: str
    theme: str
    checks: list[Check] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    _till: Program | None = None
    _gate: Program | None = None
    _step: int = 0

    def play(self) -> None:
        """All of it, in order."""
        self._open_house()
        self._sell_online()
        self._sell_offline()
        self._let_in()
        self._come_back()
        self._close_shift()
        self._reconcile()

    # --- the steps

    def _open_house(self) -> None:
        self._say("A new house: keys, database, the sample theatre with 1,200 seats")
        self.stage.found_house()
        self.stage.start_server()
        self._done(f"server at {self.stage.url}; {WINDOW} and the gate enrol with one-time codes")
        self.stage.enrol("pos_app", "till", WINDOW)
        self.stage.enrol("gate_agent", "gate", "Gate A")
        self.stage.start_barrier()
        self.stage.start_printer()
        self._gate = self.stage.start_gate()
        self._till = self.stage.start_till(self.language, self.theme)
        self._till.ask({"do": "status"}, _FIRST_ANSWER_S)
        self._say("A cashier signs in with her PIN and opens tonight's performance")
        person, pin = self.stage.pin_of("li.na")
        self._wait_for(f"sign_in_{person}")
        self._wait_for_performances()
        self._grab("1-sign-in")
        self._click(f"sign_in_{person}")
        self._till.ask({"do": "pin", "digits": pin})
        if self._exists("sign_in_submit"):
            self._click("sign_in_submit")
        self._open_shift()
        self._wait_for(f"performance_{PERFORMANCE}")
        self._grab("2-performances")
        self._click(f"performance_{PERFORMANCE}")
        self._wait_for("seat_map")
        self._wait_lent(PERFORMANCE)
        lent = len(self._free(PERFORMANCE))
        self._done(f"{lent} units are lent to {WINDOW}: it may sell them with the cable out")

    def _open_shift(self) -> None:
        """Count the float: without an open shift no cash is taken."""
        for _note in range(FLOAT_NOTES):
            self._click(f"more_{NOTE_MINOR}")
        self._grab("1-float")
        self._click("shift_submit")

    def _sell_online(self) -> None:
        self._say("Network up: two seats together and one standing place, for cash")
        self._set_quantity(ONLINE_SEATS)
        self._click("best_together")
        self._wait_for(f"line_{ONLINE_SEATS - 1}_remove")
        self._set_quantity(1)
        self._click("add_standing_standing")
        self._wait_for(f"line_{ONLINE_SEATS}_remove")
        self._grab("3-sell-online")
        self._pay(tickets_sold=3)
        self._say("One ticket for tomorrow, to try it at the wrong door later")
        self._open_performance(TOMORROW)
        self._wait_lent(TOMORROW)
        self._set_quantity(1)
        self._click("best_together")
        self._wait_for("line_0_remove")
        self._pay(tickets_sold=4)
        self._open_performance(PERFORMANCE)

    def _sell_offline(self) -> None:
        self._wait_synced()
        self._say("The cable is out: the server stops")
        self.stage.stop_server()
        wait_until("the till says that it is offline", self._is_offline, _TIMEOUT_S)
        self._done("the till says so, and goes on")
        taken = int(self.stage.init["second_window"]["units"][0])
        self._say("A seat that is lent to the second window is asked for")
        self._till_ask({"do": "tap_unit", "unit": taken})
        time.sleep(0.3)
        self._grab("4-refused-offline")
        self._check("the seat lent to Window 2 is refused", False, self._exists("line_0_remove"))
        self._done("refused, with the reason on screen; nothing is in the basket")
        self._say(f"{OFFLINE_SEATS} seats are sold with the cable out")
        self._set_quantity(OFFLINE_SEATS)
        self._click("best_together")
        self._wait_for(f"line_{OFFLINE_SEATS - 1}_remove")
        self._grab("5-sell-offline")
        self._pay(tickets_sold=8)
        self._grab("6-change")
        waiting = self._till_ask({"do": "status"})["unsynced"]
        self._done(f"sold and printed; {waiting} operations wait for the server, shown on screen")

    def _let_in(self) -> None:
        self._say(
            "The gate's camera sees the printed tickets, tilted, blurred, badly lit; cut off too"
        )
        tonight, tomorrow = self._ticket_pictures()
        for number, picture in enumerate(tonight):
            self._show(f"{number:02}-ticket", make_frame(picture, seed=number))
            self._expect("admit", "")
        self._done(f"{len(tonight)} tickets shown, {len(tonight)} let in")
        self._say("Now the ones that must not get in")
        time.sleep(_DEBOUNCE_S)
        self._show("20-again", make_frame(tonight[0], seed=20))
        self._expect("refuse", "already_used")
        self._done("the first ticket once more: refused, used already")
        forged = render_code(forge_like(self._code_of(tonight[1])))
        self._show("21-forged", make_frame(forged, seed=21))
        self._expect("refuse", "forged")
        self._done("a forged signature: refused")
        self._show("22-tomorrow", make_frame(tomorrow, seed=22))
        self._expect("refuse", "wrong_performance")
        self._done("tomorrow's ticket: refused, wrong performance")
        before = len(self.decisions)
        self._show("23-no-code", make_codeless_frame(seed=23))
        time.sleep(1.0)
        self._collect_waiting()
        self._check("a picture without a code moves nothing", before, len(self.decisions))
        self._done("a picture without a code: nothing moves")

    def _come_back(self) -> None:
        self._say("The server is back: everything syncs by itself")
        self.stage.start_server()
        wait_until("the till has sent everything", self._till_is_empty, 40)
        wait_until("every node has sent everything", self._all_synced, 40)
        self._grab("7-synced")
        self._done("till and gate have nothing left to send")

    def _close_shift(self) -> None:
        self._say("The cashier counts the drawer without seeing what should be in it")
        self._click("rail_shift")
        self._click("shift_count")
        self._wait_for(f"denomination_{NOTE_MINOR}")
        left = self._drawer_minor
        for denomination in DENOMINATIONS_MINOR:
            pieces, left = divmod(left, denomination)
            if pieces:
                self._click(f"denomination_{denomination}")
                for digit in str(pieces):
                    self._click(f"shift_key_{digit}")
        self._click("shift_submit")
        self._wait_for("shift_report")
        self._grab("9-z-report")
        wait_until("the Z report is printed", self._z_reports, _TIMEOUT_S)
        self._wait_synced()
        self._done("counted to the last yuan; the Z report is on paper and at the server")

    @property
    def _drawer_minor(self) -> int:
        """What lies in the drawer: the float, and what the baskets cost."""
        return FLOAT_NOTES * NOTE_MINOR + self._baskets_minor

    def _z_reports(self) -> list[Path]:
        return [*self.stage.papers("Z 报表"), *self.stage.papers("Z report")]

    def _reconcile(self) -> None:
        self._say("The manager's page: is every unit, every yuan and every entry accounted for?")
        books = self.stage.books()
        self._check_units(books)
        self._check_money(books)
        entries = _of(books["entries"], PERFORMANCE)
        self._check("tickets for tonight", 7, entries["tickets"])
        self._check(
            "entries = tickets let in", (7, 7), (entries["entries"], entries["tickets_let_in"])
        )
        admitted = sum(1 for line in self.decisions if line["decision"] == "admit")
        self._check("the gate let in", 7, admitted)
        self._check("the gate refused", 3, len(self.decisions) - admitted)
        opened = sum(1 for line in self.decisions if line["barrier"] == "opened")
        self._check("barrier commands confirmed", 7, opened)
        self._check("open cases", 0, books["open_case_count"])
        self._check("the server itself says: balanced", True, books["balanced"])
        self._picture_of_the_page()
        for check in self.checks:
            mark = "ok" if check.holds else "WRONG"
            print(f"       {mark:>5}  {check.claim}: {check.found}", flush=True)

    def _picture_of_the_page(self) -> None:
        manager = self.stage.init["manager"]
        file = self.stage.folder / "screens" / "8-manager.png"
        take_console_picture(
            self.stage.url, manager["login"], manager["password"], self.language, file
        )

    def _check_units(self, books: dict[str, Any]) -> None:
        for account in books["units"]:
            if account["performance"] not in (PERFORMANCE, TOMORROW):
                continue
            parts = account["free"] + account["lent"] + account["sold"] + account["blocked"]
            self._check(
                f"performance {account['performance']}: free {account['free']} + lent "
                f"{account['lent']} + sold {account['sold']} = units",
                account["capacity"],
                parts,
            )
        self._check("units sold tonight", 7, _of(books["units"], PERFORMANCE)["sold"])
        self._check("units sold for tomorrow", 1, _of(books["units"], TOMORROW)["sold"])

    def _check_money(self, books: dict[str, Any]) -> None:
        (money,) = books["money"]
        self._check(
            "money taken = orders = tickets' prices", money["orders_minor"], money["taken_minor"]
        )
        self._check("tickets' prices", money["orders_minor"], money["tickets_minor"])
        (drawer,) = books["cash"]
        self._check("the drawer as it was counted", self._drawer_minor, drawer["cash_minor"])
        self._check("baskets as the screen showed them", self._baskets_minor, money["orders_minor"])

    # --- the till

    _baskets_minor: int = 0

    def _pay(self, tickets_sold: int) -> None:
        """Take the exact amount in cash; the ticket must be on paper before the story goes on."""
        self._baskets_minor += _minor(self._till_ask({"do": "text", "name": "total"})["text"])
        self._click("pay_cash")
        wait_until("the basket was sold", lambda: not self._exists("line_0_remove"), _TIMEOUT_S)
        wait_until(
            "the tickets are printed",
            lambda: (
                self._till_ask({"do": "status"})["unprinted"] == 0
                and self._printed_count() == tickets_sold
            ),
            _TIMEOUT_S,
        )
        self._done(f"paid and printed: {tickets_sold} tickets so far")

    def _printed_count(self) -> int:
        return len(self._tickets())

    def _tickets(self) -> list[Path]:
        """Pictures of the printed tickets, in the order of sale."""
        return self.stage.papers("[QR ")

    def _set_quantity(self, count: int) -> None:
        for _press in range(20):
            shown = int(self._till_ask({"do": "text", "name": "quantity"})["text"])
            if shown == count:
                return
            self._click("quantity_plus" if shown < count else "quantity_minus")
        raise DemoFailed(f"the quantity does not come to {count}")

    def _open_performance(self, number: int) -> None:
        self._click("event_chip")
        self._wait_for(f"performance_{number}")
        self._click(f"performance_{number}")
        self._wait_for("seat_map")

    def _wait_for_performances(self) -> None:
        wait_until(
            "the till knows the performances",
            lambda: self._till_ask({"do": "status"})["performances"],
            _TIMEOUT_S,
        )

    def _wait_synced(self) -> None:
        wait_until("the till is in step", self._till_is_empty, _TIMEOUT_S)

    def _till_is_empty(self) -> bool:
        status = self._till_ask({"do": "status"})
        return bool(status["link"] == "online" and status["unsynced"] == 0)

    def _is_offline(self) -> bool:
        return self._till_ask({"do": "status"})["link"] == "offline" and self._exists(
            "offline_banner"
        )

    def _wait_lent(self, performance: int) -> None:
        """Units are lent, and the map had a moment to show them."""
        wait_until("units are lent to the till", lambda: self._free(performance), _TIMEOUT_S)
        time.sleep(0.5)

    def _free(self, performance: int) -> list[int]:
        units: list[int] = self._till_ask({"do": "free", "performance": performance})["units"]
        return units

    def _till_ask(self, request: dict[str, object]) -> dict[str, Any]:
        assert self._till is not None
        return self._till.ask(request)

    def _click(self, name: str) -> None:
        """Click, as a person would: once the thing is there and can be clicked."""
        wait_until(f"{name!r} can be clicked", lambda: self._clicked(name), 5)

    def _clicked(self, name: str) -> bool:
        return bool(self._till_ask({"do": "click", "name": name})["clicked"])

    def _exists(self, name: str) -> bool:
        return bool(self._till_ask({"do": "exists", "name": name})["exists"])

    def _wait_for(self, name: str) -> None:
        wait_until(f"{name!r} is on screen", lambda: self._exists(name), _TIMEOUT_S)

    def _grab(self, name: str) -> None:
        file = self.stage.folder / "screens" / f"{name}.png"
        self._till_ask({"do": "grab", "file": str(file)})

    def picture_of_failure(self) -> None:
        """Leave a picture of the till as it stands, if it still stands."""
        if self._till is not None and self._till.process.poll() is None:
            self._grab("failed")

    # --- the gate

    def _ticket_pictures(self) -> tuple[list[Any], Any]:
        """Every printed ticket as pixels: tonight's in the order of sale, and tomorrow's."""
        pictures = [read_picture(file) for file in self._tickets()]
        online = ONLINE_SEATS + 1  # a standing place beside the seats; then tomorrow's
        return [*pictures[:online], *pictures[online + 1 :]], pictures[online]

    def _code_of(self, picture: Any) -> str:
        file = self.stage.folder / "ticket.png"
        write_frame(file, picture)
        text = decode_image_file(file).text
        if text is None:
            raise DemoFailed("a printed ticket cannot be read from its picture")
        return text

    def _show(self, name: str, pixels: Any) -> None:
        write_frame(self.stage.frames / f"{name}.png", pixels)

    def _expect(self, decision: str, reason: str) -> None:
        assert self._gate is not None
        line = json.loads(self._gate.next_line(10))
        self.decisions.append(line)
        if (line["decision"], line["reason"]) != (decision, reason):
            raise DemoFailed(f"the gate should {decision} {reason}, and said {line}")

    def _collect_waiting(self) -> None:
        assert self._gate is not None
        try:
            self.decisions.append(json.loads(self._gate.next_line(0.1)))
        except DemoFailed:
            return

    def _all_synced(self) -> bool:
        books = self.stage.books()
        counts = [node["unsynced_count"] for node in books["nodes"]]
        return not any(counts) and _of(books["entries"], PERFORMANCE)["entries"] >= 7

    # --- telling

    def _say(self, sentence: str) -> None:
        self._step += 1
        print(f"\n  {self._step:>2}  {sentence}", flush=True)

    def _done(self, sentence: str) -> None:
        print(f"       ok    {sentence}", flush=True)

    def _check(self, claim: str, expected: object, found: object) -> None:
        self.checks.append(Check(claim, expected, found))

    def write_summary(self, seconds: float, failure: str = "") -> bool:
        """Write summary.json; whether every check holds."""
        passed = not failure and bool(self.checks) and all(check.holds for check in self.checks)
        summary = {
            "passed": passed,
            "failure": failure,
            "seconds": round(seconds, 1),
            "checks": [{**asdict(check), "holds": check.holds} for check in self.checks],
            "decisions": self.decisions,
        }
        path = self.stage.folder / "summary.json"
        path.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
        return passed


def _of(accounts: Sequence[dict[str, Any]], performance: int) -> dict[str, Any]:
    return next(a for a in accounts if a["performance"] == performance)


def _minor(shown: str) -> int:
    """The amount that the screen shows, in minor units: "¥1,270.00" is 127000."""
    digits = "".join(character for character in shown if character.isdigit())
    return int(digits)
