"""What is wrong in a file, and where, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from program.i18n import translations
from sync_server.services.obstacles import DECISIONS, SENTENCES, Obstacle
from ticketing.faults import RULES, WORDS, Problem


def problem_sentence(problem: Problem, language: str) -> str:
    """The rule with what to do, as the command line says it in English."""
    gettext = translations(language).gettext
    facts = {
        name: gettext(fact) if name in WORDS and fact else fact for name, fact in problem.facts
    }
    return gettext(RULES[problem.fault]).format(**facts)


def rule_sentence(rule: Problem | Obstacle, language: str) -> str:
    """Why a catalogue is not taken: with its place in the document, or with what was sold of it."""
    if isinstance(rule, Problem):
        return f"{rule.path.removeprefix('$.')}: {problem_sentence(rule, language)}"
    gettext = translations(language).gettext
    facts = {name: gettext(fact) if fact in DECISIONS else fact for name, fact in rule.facts}
    return gettext(SENTENCES[rule.hindrance]).format(**facts)


def problem_rows(problems: Iterable[Problem], language: str) -> list[tuple[str, str]]:
    """Where in the file, and what is wrong there."""
    return [
        (problem.path.removeprefix("$."), problem_sentence(problem, language))
        for problem in problems
    ]
