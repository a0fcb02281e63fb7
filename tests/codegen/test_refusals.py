"""What no script can express is an error that names its place, never a broken script."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, open_project, script_text

LAYER_AS_ARGUMENT = """\
block Uses(layer) {
    input x: f32[N, 4]
    output x |> layer |> relu
}
model M {
    input x: f32[N, 4]
    shared = dense(4)
    output y = x |> shared |> Uses(shared)
}
"""


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_a_layer_passed_into_a_block(target: str, tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_text(LAYER_AS_ARGUMENT)
    with pytest.raises(DiagnosticError) as caught:
        script_text(open_project(path), target, tmp_path)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.span.line, diagnostic.span.text) == ("E0701", 7, "dense(4)")
