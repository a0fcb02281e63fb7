"""Errors a user can mend.  The command prints them in a line or two, never with a traceback."""

from __future__ import annotations


class TercetError(Exception):
    """Something outside the model is not as it has to be: a file, an option, an installation.

    `help` says what to do instead; `exit_code` is what the command ends with.
    """

    exit_code = 2

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
