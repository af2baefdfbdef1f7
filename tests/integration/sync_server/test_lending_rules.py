"""How much windows are lent, as managers say it: policy that moves sizes and terms, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.heart.lending import Grant, NoGrant
from sync_server.heart.lending_rules import (
    AS_EVER,
    EVERY_WINDOW,
    LendingRule,
    LendMode,
    NoRule,
    RuleSet,
    SetLendingRule,
)
from sync_server.services.permissions import PersonRole
from tests.integration.sync_server.console_forms import deeds, page_of, post, signed_in_as
from tests.integration.sync_server.stage import EVENT, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest

Client = TestClient[Any, Any]
LENDING = f"/console/events/{EVENT}/lending"


def say(stage: Stage, rule: LendingRule | None, till: Till | None = None) -> RuleSet | NoRule:
    node_id = till.node_id if till else EVERY_WINDOW
    return stage.take(SetLendingRule(EVENT, node_id, rule))


def test_a_window_of_its_own_rule_gets_none_and_others_go_on(stage: Stage) -> None:
    shut, other = stage.till("Window 1"), stage.till("Window 2")
    say(stage, LendingRule(LendMode.NONE), shut)
    assert shut.ask([1]) is NoGrant.LIMIT
    assert shut.ask(count=4) is NoGrant.LIMIT
    assert isinstance(other.ask([1]), Grant)
    say(stage, None, shut)
    assert isinstance(shut.ask([2]), Grant)


def test_a_window_that_sells_online_only_is_lent_what_a_basket_asks_for(stage: Stage) -> None:
    till = stage.till()
    say(stage, LendingRule(LendMode.ASKED))
    assert till.ask(count=4) is NoGrant.ENOUGH
    assert isinstance(till.ask([1], firm=True), Grant)


def test_a_window_is_lent_to_its_goal_of_its_sections_on_its_terms(stage: Stage) -> None:
    till = stage.till()
    rule = LendingRule(ahead=4, most=4, soft_min=30, hard_min=60, first=("balcony",))
    assert say(stage, rule) == RuleSet(None, rule)
    grant = till.ask(count=1)
    assert isinstance(grant, Grant)
    units = [unit for unit, _version in grant.units]
    assert set(units) & {31, 32, 33, 34}
    assert len(units) <= 4
    assert (grant.soft_s, grant.hard_s) == (1_800, 3_600)
    assert till.ask(count=20) is NoGrant.ENOUGH or len(units) < 2


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"ahead": 2_001}, id="too many"),
        pytest.param({"ahead": 9, "most": 8}, id="more than at most"),
        pytest.param({"soft_min": 60}, id="one term"),
        pytest.param({"soft_min": 60, "hard_min": 30}, id="terms turned round"),
        pytest.param({"soft_min": 5, "hard_min": 30}, id="too short a term"),
        pytest.param({"soft_min": 60, "hard_min": 10_081}, id="too long a term"),
        pytest.param({"first": ("a", "a")}, id="an area twice"),
    ],
)
def test_a_rule_has_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"counts|terms|areas"):
        LendingRule(**wrong)


def test_without_a_rule_the_sizes_are_those_of_the_pace() -> None:
    for asked, unsold, target in ((20, 0, 20), (5, 18, 20), (40, 10, 30), (1, 40, 20)):
        assert AS_EVER.wanted(asked, unsold, target) == min(asked, max(target, asked) - unsold)


def test_an_area_that_is_not_there_is_refused(stage: Stage) -> None:
    assert say(stage, LendingRule(first=("moon",))) is NoRule.AREA


async def test_a_manager_sets_a_rule_and_takes_it_away(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    fields = {"window": "", "mode": "ahead", "ahead": "9", "most": "8", "do": "set"}
    status, page = await post(manager, LENDING, fields, form_of=LENDING)
    assert (status, "Nothing was changed." in page) == (400, True)
    fields |= {"most": "40", "soft_min": "30", "hard_min": "60", "first:stalls-left": "1"}
    assert (await post(manager, LENDING, fields, form_of=LENDING))[0] == 303
    assert "30 min, then with approval up to 60 min" in await page_of(client, LENDING)
    await post(manager, LENDING, {"window": "", "do": "remove"}, form_of=LENDING)
    said, gone = await deeds(client, house, "lending_policy_set")
    assert (said["after"]["ahead"], said["after"]["first"]) == (9, ["stalls-left"])
    assert gone["before"] == said["after"]
    assert "after" not in gone


async def test_an_auditor_sees_the_rules_and_sets_none(client: Client) -> None:
    auditor = await signed_in_as(client, PersonRole.AUDITOR)
    assert "Set a rule" not in await page_of(client, LENDING)
    assert (await post(auditor, LENDING, {"window": "", "mode": "none"}))[0] == 403
