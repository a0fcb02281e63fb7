"""Random programs: valid ones, whose numbers are the same in every framework and the reference."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tercet.compiler.float64 import float64
from tercet.compiler.graph.verifier import verify
from tercet.compiler.pipeline import load
from tercet.dsl.render import render
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS
from tests.compiler.twins import remains
from tests.random_programs.changes import CHANGES
from tests.random_programs.judging import judge
from tests.random_programs.losses import LOSSES
from tests.random_programs.programs import Program
from tests.random_programs.search import program_of, search
from tests.random_programs.statements import STATEMENTS
from tests.random_programs.terms import TERMS
from tests.random_programs.workers import Workers

COUNT = 60
_DRAWN = 200
_RARE = 500
"""Among so many programs every construct is met, in half of them today."""
_UNKNOWN_SIZE = "cannot be had from the inputs' shapes"
"""MXNet has no number for a `2 * T` that only an input tells; all else that is drawn is printed."""
_DTYPES = {"f32": "float32", "f64": "float64", "i64": "int64", "i32": "int32", "bool": "bool"}


@cache
def _drawn() -> tuple[Program, ...]:
    return tuple(map(program_of, range(_DRAWN)))


def test_every_program_is_valid(tmp_path: Path) -> None:
    """A program that is refused would be looked at by no target."""
    path = tmp_path / "program.model"
    for program in _drawn():
        columns = {
            c.name: np.zeros((program.rows, *c.data_shape[1:]), _DTYPES[c.dtype])
            for c in program.columns
        }
        np.savez(tmp_path / "data.npz", **columns)
        result = load(Source(str(path), program.text, path))
        assert not result.errors, "\n".join([program.text, *map(render, result.errors)])
        assert result.program is not None
        assert remains(verify(float64(result.program))) == [], program.text


def test_every_construct_is_drawn() -> None:
    """A net has no holes: what is registered is used."""
    used: set[object] = set()
    makes = {term.make for term in TERMS} | {make for _, make in CHANGES}
    codes = {make.__code__: make.__qualname__ for make in (*makes, *STATEMENTS, *LOSSES)}

    def watch(frame: object, event: str, _: object) -> None:
        code = getattr(frame, "f_code", None)
        if event == "call" and code in codes:
            used.add(code)

    sys.setprofile(watch)
    try:
        for number in range(_RARE):
            program_of(number)
            if used == set(codes):
                break
    finally:
        sys.setprofile(None)
    assert used == set(codes), sorted(codes[code] for code in set(codes) - used)


def test_programs_differ_in_what_matters() -> None:
    """Of every kind that faults hid in there are some among those that run each time."""
    texts = [program.text for program in _drawn()[:COUNT]]
    patterns = (
        *(
            r"\bfor ",
            r"\bif ",
            r"\b_\w+\d\b",
            "f64",
            r"bool\[",
            r"i(32|64)\[",
            r"\bT\b",
            r"layers? =",
        ),
        *("-inf", "mask =", r"net = M\(", r"model B\d", "width", "roll", r"\bH\b", "inner = "),
    )
    for pattern in patterns:
        assert sum(bool(re.search(pattern, text)) for text in texts) >= 3, pattern
    assert sum(program.exported for program in _drawn()[:COUNT]) >= COUNT // 10
    assert sum(program.lean for program in _drawn()[:COUNT]) >= 3
    assert sum(bool(program.variant) for program in _drawn()[:COUNT]) >= 3
    assert sum(program.is_random for program in _drawn()[:COUNT]) <= COUNT // 3


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(FRAMEWORKS) as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COUNT))
def test_all_targets_agree(number: int, workers: Workers) -> None:
    def check(program: Program) -> None:
        verdict = judge(program, workers)
        assert not verdict.findings, "\n".join([str(program), *map(str, verdict.findings)])
        refused = {t: why for t, why in verdict.refusals.items() if _UNKNOWN_SIZE not in why}
        assert not refused, f"{program.text}\n{refused}"

    search(number, check)
