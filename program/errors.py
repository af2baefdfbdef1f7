"""What can be wrong around a program, as opposed to inside it.

ProgramError            one clear sentence for a person and an exit code
  SettingsError         the settings file is missing or wrong
"""

from __future__ import annotations

from program.exit_codes import ExitCode


class ProgramError(Exception):
    """The program cannot go on, and a person can mend it.

    `str(error)` is one sentence that names what is wrong; it ends up on stderr behind the
    program's name. Not for bugs: those keep their own exception and their traceback.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SettingsError(ProgramError):
    """The settings cannot be used: the sentence names the file, the key and the rule."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.SETTINGS)
