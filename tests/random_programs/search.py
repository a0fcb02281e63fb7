"""Random programs by number: the same one for the same number, and the smallest like it that fails.

Hypothesis tries the simplest program first, and often programs a little different from others; with
two examples to a number the second is drawn afresh, and a campaign of numbers covers more.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings

from tests.random_programs.programs import Program, programs


def search(number: int, check: Callable[[Program], None]) -> None:
    """Calls `check` with a program; where that raises, with ever smaller ones, and raises last."""

    @seed(number)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(programs())
    def run(program: Program) -> None:
        check(program)

    run()


def program_of(number: int) -> Program:
    found: list[Program] = []
    search(number, found.append)
    return found[-1]
