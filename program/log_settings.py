"""The `[log]` table that every program's settings have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from program.logs import configure_logging


class LogLevel(StrEnum):
    """From which level on the log is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How the log is written; `auto` is text for a terminal and JSON for everything else."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO

    def apply(self) -> None:
        """Set the process's logging up."""
        human = None if self.format is LogFormat.AUTO else self.format is LogFormat.TEXT
        configure_logging(level=self.level.upper(), human=human)
