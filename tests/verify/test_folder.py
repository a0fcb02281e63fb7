"""The folder that a user keeps: nothing old passes for new, and nothing of the user's is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

import tercet
from tercet.errors import TercetError
from tercet.verification.folder import working_folder
from tests.verify.fake import verify, write_model

pytestmark = pytest.mark.usefixtures("all_installed")


def test_an_answer_of_an_earlier_run_is_not_taken(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert verify(tmp_path, output=kept).identical
    silent = [("save_file({name", "print({name"), ("onnx.save(", "print(")]
    assert verify(tmp_path, *silent, output=kept).exit_code == 2


def test_a_symbol_of_an_earlier_run_is_not_converted(tmp_path: Path) -> None:
    """MXNet's export has two steps: the second must not take what an earlier first one left."""
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("mxnet-symbol.json", "mxnet-0000.params", "mxnet.onnx", "probe0.safetensors"):
        (kept / name).write_text("old")
    with working_folder(kept) as folder:
        assert list(folder.path.iterdir()) == []


def test_files_of_the_users_own_stay(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    own = {"net.onnx", "net.onnx.data", "probe.safetensors", "my_answer0.safetensors"}
    for name in own:
        (kept / name).write_text("mine")
    assert verify(tmp_path, output=kept).identical
    assert all((kept / name).read_text() == "mine" for name in own)
    (kept / "probe0.safetensors").unlink()
    with pytest.raises(TercetError, match=r"weights\.safetensors would be overwritten"):
        verify(tmp_path, output=kept)


def test_an_edited_script_in_the_folder_stays(tmp_path: Path) -> None:
    tercet.compile(write_model(tmp_path), targets=["pytorch"], output=tmp_path)
    script = tmp_path / "small_pytorch.py"
    script.write_text("# mine\n" + script.read_text())
    with pytest.raises(TercetError, match="was edited") as caught:
        tercet.verify(tmp_path / "small.model", targets=["pytorch"], output=tmp_path)
    assert str(caught.value.help).startswith(f"--script pytorch={script}")
    assert script.read_text().startswith("# mine")


def test_a_folder_is_for_one_verification_at_a_time(tmp_path: Path) -> None:
    with (
        working_folder(tmp_path),
        pytest.raises(TercetError, match="another verification is at work"),
    ):
        verify(tmp_path, output=tmp_path)
    assert verify(tmp_path, output=tmp_path).identical
