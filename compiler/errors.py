"""The error of a value that the language's rules do not allow.

It stands below operations, initializers and the settings of `train`, which all raise it; what
catches it knows the place in the source.
"""

from __future__ import annotations


class OpError(Exception):
    """A rule of an operation is broken; elaboration adds the place.

    `operand` is the index of the input at fault, `attribute` the name of the field, if one is.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str | None = None,
        operand: int | None = None,
        attribute: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.operand = operand
        self.attribute = attribute


def require(condition: bool, attribute: str, message: str, help: str | None = None) -> None:
    """An attribute has a legal value.  Raises OpError E0504."""
    if not condition:
        raise OpError("E0504", message, attribute=attribute, help=help)
