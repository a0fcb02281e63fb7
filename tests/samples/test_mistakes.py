"""A mistake in any line of a sample is reported at that line."""

from __future__ import annotations

import pytest

from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tests.samples.catalog import SAMPLES
from tests.samples.mutations import Mutation, mutations

NAMES = sorted(path.stem for path in SAMPLES.glob("*.model"))


def errors(name: str, mutation: Mutation) -> list[tuple[int, str]]:
    """Line and message of every error."""
    path = SAMPLES / f"{name}.model"
    found = load(Source(path.name, mutation.text, path)).errors
    return [(d.span.source.position(d.span.start)[0], str(d)) for d in found]


@pytest.mark.parametrize("name", NAMES)
def test_the_caret_is_in_the_line_of_the_mistake(name: str) -> None:
    text = (SAMPLES / f"{name}.model").read_text(encoding="utf-8")
    tried = list(mutations(text))
    assert len(tried) >= 8
    wrong = {}
    for mutation in tried:
        found = errors(name, mutation)
        if not found or found[0][0] != mutation.line:
            wrong[mutation.what] = found
    assert not wrong
