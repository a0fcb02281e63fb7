"""What TensorFlow prints while it starts, before any setting of its reaches its C++ code.

Only these lines are taken out of what a script prints; everything else passes as it is.
"""

from __future__ import annotations

import re

_STARTUP = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    r"|[IW]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ [\w./-]+\.(cc|h|cu):\d+\] "
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] (external/|tensorflow/|xla/)"
    r"|(E\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d:\d+\.\d+.*\] "
    r"(Unable to register cu\w+ factory|.*failed call to cuInit|could not find cuda drivers)"
    r"|To enable the following instructions: .*, in other operations, rebuild TensorFlow"
)
_BEGINNINGS = "WIE0123456789T"
"""What such a line may begin with: another one need not be waited for until it is whole."""


class Quiet:
    """Takes the lines out of text that comes in pieces."""

    def __init__(self) -> None:
        self._kept = ""

    def feed(self, text: str, final: bool) -> str:
        """What may be shown now that `text` has come too; all that is left where it is final."""
        lines = (self._kept + text).splitlines(keepends=True)
        whole = final or not lines or lines[-1].endswith(("\n", "\r"))
        self._kept = "" if whole or lines[-1][0] not in _BEGINNINGS else lines.pop()
        return "".join(line for line in lines if not _STARTUP.match(line))
