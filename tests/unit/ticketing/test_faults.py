"""Faults of files: each has a sentence, in whose language ever."""

from __future__ import annotations

import string

import pytest

from program.i18n import translations
from sync_server.console.fault_words import problem_rows
from ticketing.faults import RULES, WORDS, Fault, Problem


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_sentence_in_both_languages(fault: Fault) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(RULES[fault]) if name}
    facts = tuple((name, f"<{name}>") for name in sorted(names))
    problem = Problem("a file", "$.plans[0].id", fault, facts)
    ((where, english),) = problem_rows([problem], "en")
    ((_, chinese),) = problem_rows([problem], "zh_CN")
    assert (where, english) == ("plans[0].id", problem.rule)
    assert chinese != english
    assert all(f"<{name}>" in chinese for name in names)


def test_words_of_ours_are_translated_and_the_files_own_are_not() -> None:
    facts = (("what", "ticket types"), ("value", '"plan"'))
    ((_, said),) = problem_rows([Problem("", "$", Fault.NO_LIST, facts)], "zh_CN")
    assert said == '应为列表（票种）；现在是 "plan"'
    assert {name for name, _ in facts} <= WORDS
    assert translations("zh_CN").gettext("plan") != "plan"
