"""A model called like something a script imports: its class has another name everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tercet.project import FRAMEWORKS, open_project, script_text


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_main_builds_the_class_that_the_script_defines(target: str, tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_text("model Path {\n input x: f32[N, 4]\n output y = x |> dense(3)\n}\n")
    text = script_text(open_project(path), target, tmp_path)
    (defined,) = re.findall(r"^class (Path\w*)\(", text, re.MULTILINE)
    assert defined != "Path"
    assert f"model = {defined}()" in text
