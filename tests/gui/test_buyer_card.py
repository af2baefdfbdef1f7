"""The card for a buyer's name and number, through real widgets."""

from __future__ import annotations

from pathlib import Path

from tests.gui.after_sale_scenes import buyer_card
from tests.gui.after_sale_stage import desk
from tests.gui.robot import click, settle


def test_what_is_typed_outlives_another_language_and_larger_text(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        buyer_card(made)
        panel = made.window.buyers.panel
        made.window.switch_language()
        made.window.switch_text_size()
        settle(made.window)
        assert (panel.name.text(), panel.phone.text()) == ("张三", "138 0013 8000")
        made.window.switch_language()
        for _step in range(2):
            made.window.switch_text_size()
        click(made.window, "buyer_save")
        assert made.till.window.buyers.along().name == "张三"
        click(made.window, "customer")
        assert panel.phone.text() == "13800138000", "what is known is shown again"
