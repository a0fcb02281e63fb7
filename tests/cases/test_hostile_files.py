"""What a command may read and replace: files, and never an input, a model or what is no file."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import tercet
from tercet.cli import main
from tercet.errors import TercetError
from tercet.files import replace_text

CASES = Path(__file__).parent / "hostile"
SECONDS = 20
"""For a command that must not wait for a pipe."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with models, weights that fit and that do not, and what is no file."""
    for name in ("lin.model", "long.model"):
        shutil.copy(CASES / "overwrite_source" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert main(["weights", "lin.model", "-o", "w.st"]) == 0
    save_file({"dense.weight": np.zeros((3, 5), np.float32)}, tmp_path / "other.st")
    (tmp_path / "link").symlink_to("lin.model")
    return tmp_path


def state(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Everything in the folder: kinds and contents."""
    return {
        path.name: (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in folder.iterdir()
    }


OUTPUTS = [
    "export lin.model -o {}",
    "export lin.model -t pytorch -o {}",
    "weights lin.model -o {}",
    "predict lin.model inputs.npz {} --weights w.st",
    "train long.model --save {}",
    "train long.model --checkpoint {}",
]


@pytest.mark.parametrize("command", OUTPUTS)
@pytest.mark.parametrize("path", ["lin.model", "long.model", "link", "folder", "pipe", "/dev/full"])
def test_outputs_replace_only_outputs(
    command: str, path: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(folder / "inputs.npz", x=np.zeros((2, 4), np.float32))
    before = state(folder)
    assert main(command.format(path).split()) == 2
    assert f"error: {path} is a" in capsys.readouterr().err
    assert state(folder) == before
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize(
    "command",
    [
        "export lin.model --weights w.st -o w.st",
        "predict lin.model inputs.npz inputs.npz --weights w.st",
        "predict lin.model inputs.npz w.st --weights w.st",
        "train long.model --weights w.st --save w.st",
        "train long.model --weights w.st --checkpoint w.st",
    ],
)
def test_outputs_are_no_inputs(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(folder / "inputs.npz", x=np.zeros((2, 4), np.float32))
    before = state(folder)
    assert main(command.split()) == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err
    assert state(folder) == before


def test_the_python_interface_replaces_no_model(folder: Path) -> None:
    before = state(folder)
    with pytest.raises(TercetError, match="would be overwritten"):
        tercet.export("lin.model", output="long.model")
    os.mkfifo(folder / "lin_pytorch.py")
    with pytest.raises(TercetError, match="is a pipe, not a file"):
        tercet.compile("lin.model", targets=["pytorch"])
    (folder / "lin_pytorch.py").unlink()
    with pytest.raises(OSError, match="is a pipe"):
        replace_text(folder / "pipe", "text")
    assert state(folder) == before


@pytest.mark.parametrize(
    "command",
    [
        "check {}",
        "fmt {}",
        "compile {}",
        "export lin.model --weights {}",
        "export lin.model -t pytorch --weights {}",
        "verify lin.model --weights {}",
        "train long.model --weights {}",
        "train long.model --resume {}",
        "train table.model --data {}",
        "predict lin.model {} out.npz --weights w.st",
        "predict lin.model inputs.npz out.npz --weights {}",
    ],
)
@pytest.mark.parametrize("path", ["pipe", "/dev/zero"])
def test_pipes_and_devices_are_refused_at_once(
    command: str, path: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(folder / "inputs.npz", x=np.zeros((2, 4), np.float32))
    (folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (folder / "table.model").write_text(
        "model M { input x: f32[N, 1] output y = x |> dense(1) }\n"
        'train M { data = csv("table.csv") { x = reshape(a, [N, 1]) } loss = mean(y)\n'
        "optimizer = sgd(lr = 0.1) batch = 1 epochs = 1 }"
    )
    signal.alarm(SECONDS)
    try:
        assert main(command.format(path).split()) == 2
    finally:
        signal.alarm(0)
    said = capsys.readouterr().err
    assert path in said
    assert "not a file" in said


def test_an_import_shows_no_line_of_another_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "secret").write_text("root:x:0:0:secret words\n")
    for path in (folder / "secret", "secret", "../../../../../../../../etc/passwd"):
        (folder / "spy.model").write_text(
            f'from "{path}" import B\nmodel M {{ input x: f32[N, 4] output y = x |> B }}\n'
        )
        assert main(["check", "spy.model"]) == 1
        said = capsys.readouterr().err
        assert "is not a .model file" in said
        assert "root:x" not in said
        assert "secret words" not in said


@pytest.mark.parametrize("target", ["pytorch", "tensorflow", "mxnet", "onnx"])
@pytest.mark.parametrize("command", ["export", "verify"])
def test_weights_are_compared_before_a_framework_starts(
    command: str, target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os.times().children_user
    assert main([command, "lin.model", "-t", target, "--weights", "other.st"]) == 2
    assert "`dense.weight` has shape [3, 5], not [3, 4]" in capsys.readouterr().err
    assert os.times().children_user - before < 0.5, "a framework was started"


@pytest.mark.parametrize("flag", ["--save", "--checkpoint"])
def test_train_makes_no_folders(
    flag: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "long.model", flag, "absent/file"]) == 2
    assert "there is no folder absent" in capsys.readouterr().err
    assert not (folder / "absent").exists()


@pytest.mark.slow
def test_messages_name_no_temporary_folder(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "ids.model").write_text(
        "model M { input ids: i64[N, T] output y = ids |> embedding(10, 4) }\n"
        'train M { data = text("absent.txt", window = 8) { ids = ids } loss = mean(y)\n'
        "optimizer = sgd(lr = 0.1) batch = 1 epochs = 1 }"
    )
    assert main(["weights", "ids.model", "-o", "ids.st"]) == 0
    np.savez(folder / "ids.npz", ids=np.full((2, 3), 11))
    commands = {
        "predict ids.model ids.npz out.npz --weights ids.st -t pytorch": "ids.npz: ids must be",
        "train ids.model -t pytorch": f"{folder}/absent.txt: no such file",
    }
    for command, message in commands.items():
        assert main(command.split()) in (1, 2)
        said = capfd.readouterr().err
        assert message in said
        assert "tercet-" not in said
