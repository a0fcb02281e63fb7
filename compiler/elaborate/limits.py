"""Bounds of elaboration: whatever the text says, it ends soon, and with a diagnostic.

They are documented in `docs/language.md`; codes E0408 to E0412 report them.
"""

from __future__ import annotations

from typing import Final

BLOCK_DEPTH: Final = 64
"""Deepest nesting of calls of blocks."""

OPERATIONS: Final = 10_000
"""Most operations of a model and outputs of calls, those in called blocks counted at every call;
and most outputs of a block or model."""

SPECIALISATIONS: Final = 2_000
"""Most blocks told apart by their arguments and the types of their inputs."""

STEPS: Final = 1_000_000
"""Most statements, iterations and elements of lists that are worked through."""

ITERATION: Final = 10
"""Steps that an iteration counts, its statements aside: every target looks at it again."""

ITEMS: Final = 100_000
"""Longest list, elements of lists in it counted too, and most iterations of one loop."""

LIST_DEPTH: Final = 100
"""Deepest nesting of lists: as deep as brackets may stand in a text."""

STRING: Final = 100_000
"""Longest string that an expression may make."""

INTEGER: Final = 2**63 - 1
"""Largest absolute value of an integer."""

ERRORS: Final = 50
"""Number of errors after which elaboration stops."""

REPEATS: Final = 1_000
"""Errors, those that loops and blocks repeat counted each time, after which elaboration stops."""

LOOP_REPEATS: Final = 100
"""The same, after which a loop ends with an iteration in which there was one."""

PYTHON_FRAMES: Final = 100_000
"""Recursion limit of the interpreter while elaborating; the depths above keep well below it."""
