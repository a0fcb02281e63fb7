"""Bounds that keep every later stage free of runaway recursion and memory; see E0130 to E0134.

They are far above what a person writes.  Whoever walks the tree recursively may rely on them.
"""

from __future__ import annotations

from typing import Final

FILE_BYTES: Final = 4 * 2**20
"""Largest file that is read: room for 100,000 operations, and read in seconds."""

BRACKETS: Final = 100
"""Deepest nesting of `(`, `[` and `{` in the text, blocks included."""

EXPRESSION_DEPTH: Final = 200
"""Deepest nesting of expression nodes; `a + b + c` counts as two."""

STATEMENT_DEPTH: Final = 100
"""Deepest nesting of `for`, `if` and `else if`."""

INTEGER: Final = 2**63 - 1
"""Largest integer literal: the tensors of every target hold 64 bits."""

ERRORS: Final = 20
"""Number of syntax errors after which reading stops."""
