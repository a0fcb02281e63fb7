"""Every code has a page, and the examples on the pages show what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import tercet.compiler.ops  # noqa: F401  (registers the operations)
from tercet.compiler.pipeline import load
from tercet.dsl.codes import CODES, explanation
from tercet.dsl.source import Source

EXAMPLE: Final = re.compile(r"^```model (failing|mended)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

UNCHECKED: Final = frozenset(
    [
        # Of files and the command line.
        *("E0130", "E0133", "E0134", "E0205", "E0206", "E0207", "E0219", "E0614"),
        # Of targets and weights.
        *("E0701", "E0702", "E0703", "E0704"),
        # Of training scripts.
        "E0611",
    ]
)


def examples(code: str) -> dict[str, str]:
    return dict(EXAMPLE.findall(explanation(code)))


def found(text: str) -> set[str]:
    return {d.code for d in load(Source("example.model", text)).diagnostics}


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_its_title_and_text(code: str) -> None:
    title, blank, first, *_ = explanation(code).split("\n")
    assert title == f"# {code}: {CODES[code]}"
    assert blank == ""
    assert first


@pytest.mark.parametrize("code", sorted(CODES.keys() - UNCHECKED))
def test_examples_fail_and_are_mended(code: str) -> None:
    shown = examples(code)
    assert code in found(shown["failing"])
    assert not found(shown["mended"])


def test_no_page_without_a_code() -> None:
    pages = Path(__file__).parents[2].joinpath("dsl", "explain").glob("*.md")
    assert {page.stem for page in pages} == set(CODES)


def test_codes_are_found_in_any_case() -> None:
    assert explanation("e0101") == explanation("E0101")
    for name in ("E9999", "", "../codes"):
        with pytest.raises(KeyError):
            explanation(name)


def test_every_code_that_is_reported_is_listed() -> None:
    root = Path(__file__).parents[2]
    folders = ("dsl", "compiler", "codegen", "backends", "tercet")
    texts = [path.read_text() for folder in folders for path in (root / folder).rglob("*.py")]
    reported = {code for text in texts for code in re.findall(r'"([EW]0\d{3})"', text)}
    assert reported <= CODES.keys()
