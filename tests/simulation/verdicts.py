"""How a simulated life can end other than well. None is an Exception: no program is to catch it."""

from __future__ import annotations


class Astray(BaseException):
    """A life that is led to one certain moment did not come there: it shows nothing."""


class Defect(BaseException):
    """A bug: one that a program caught by itself, or one of the simulated house."""


class Violation(BaseException):
    """A promise of the design is broken."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise
