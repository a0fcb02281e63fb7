"""`import tercet`: what is called wrongly is told as the command tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

import tercet
from tercet.errors import TercetError

NET = "model Net { input x: f32[N, 4]\n output y = x |> dense(3) }\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.model").write_text(NET)
    (tmp_path / "mine.py").touch()
    return tmp_path


def test_one_target_may_stand_for_itself(folder: Path) -> None:
    assert tercet.compile("net.model", targets="pytorch") == [Path("net_pytorch.py")]
    assert tercet.verify("net.model", targets="onnx").identical


@pytest.mark.parametrize("target", ["pytorhc", "onxn"])
def test_targets_that_are_none(target: str) -> None:
    message = f"there is no target '{target}'.*did you mean"
    with pytest.raises(TercetError, match=message):
        tercet.compile("net.model", targets=[target])
    with pytest.raises(TercetError, match=message):
        tercet.export("net.model", target, output="net.onnx")
    with pytest.raises(TercetError, match=message):
        tercet.verify("net.model", targets=[target])
    with pytest.raises(TercetError, match=message):
        tercet.verify("net.model", scripts={target: "mine.py"})


def test_onnx_has_no_script() -> None:
    with pytest.raises(TercetError, match="onnx has no script"):
        tercet.compile("net.model", targets=["onnx"])


def test_a_device_that_is_none() -> None:
    with pytest.raises(TercetError, match="no device 'gpu'"):
        tercet.verify("net.model", targets=["onnx"], device="gpu")  # type: ignore[arg-type]
