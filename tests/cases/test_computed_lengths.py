"""Verification of models that work out lengths or indices: probes for which they are legal."""

from __future__ import annotations

from pathlib import Path

import pytest

import tercet

NEVER = """
model Never {
    input tokens: i64[N, T]
    lengths = sum(tokens * 0, axis = 1)
    output h = gru(4)(tokens |> embedding(5, 4), lengths = lengths)
}
"""


@pytest.mark.slow
def test_illegal_probes_are_drawn_again_and_edges_left_out() -> None:
    report = tercet.verify(Path(__file__).parent / "examples/lengths.model", targets=["onnx"])
    assert report.identical, report.not_judged
    assert [probe.name for probe in report.probes] == ["first", "redrawn", "other sizes", "large"]
    (note,) = report.notes
    assert note.startswith("zeros: left out: `gru` at")
    assert note.endswith("lengths must be from 1 to 5")


@pytest.mark.slow
def test_what_is_never_legal_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "never.model").write_text(NEVER)
    report = tercet.verify(tmp_path / "never.model", targets=["onnx"])
    (problem,) = report.not_judged
    assert "lengths must be from 1 to" in problem
