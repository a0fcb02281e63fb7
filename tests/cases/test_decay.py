"""One rule of weight decay, one of the moving variance; who has another one says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tercet
from tercet.cli import main
from tercet.compiler.graph.weights import initial_weights
from tests.e2e.running import Forks

CASE = Path(__file__).with_name("decay")
FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
BATCH = 4


@pytest.mark.slow
def test_the_same_weights_come_out_everywhere(tmp_path: Path) -> None:
    shutil.copytree(CASE, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "small.model"
    start = initial_weights(tercet.load(path).model, 0)
    save_file(start, tmp_path / "start.safetensors")
    tercet.compile(path, output=tmp_path)
    ends = {}
    for framework in FRAMEWORKS:
        forks = Forks(tmp_path, framework)
        files = [str(tmp_path / f"{name}.safetensors") for name in ("start", framework)]
        flags = ["--weights", files[0], "--save", files[1]]
        done = forks.run(f"small_{framework}.py", *flags)
        forks.close()
        assert done.code == 0, done.stderr
        ends[framework] = load_file(files[1])
    for name, truth in ends["mxnet"].items():
        moved = np.abs(truth - start[name]).max()
        assert moved > 1e-3, name
        for framework in ("pytorch", "tensorflow"):
            difference = np.abs(ends[framework][name] - truth).max()
            unbiased = framework == "pytorch" and name.endswith("running_var")
            assert (difference > 0.1 * moved) if unbiased else (difference < 1e-4 * moved), name
    # PyTorch's variance is that of the others times n / (n - 1), but for the 1 it began with.
    rows, steps = 90, 90 // BATCH
    left = 0.9**steps
    assert rows // BATCH == steps
    of_pytorch, of_mxnet = (ends[f]["batch_norm.running_var"] - left for f in ("pytorch", "mxnet"))
    np.testing.assert_allclose(of_pytorch, of_mxnet * BATCH / (BATCH - 1), rtol=1e-4)


def test_it_is_told_once_when_compiling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(CASE / "small.model"), "-o", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert told.count("averages unbiased variances") == 1
    scripts = {f: (tmp_path / f"small_{f}.py").read_text() for f in FRAMEWORKS}
    assert [f for f, text in scripts.items() if "averages unbiased variances" in text] == [
        "pytorch"
    ]
    (tmp_path / "plain.model").write_text(
        (CASE / "small.model").read_text().replace("|> batch_norm ", "")
    )
    shutil.copy(CASE / "crowd.npz", tmp_path)
    assert main(["compile", str(tmp_path / "plain.model"), "-o", str(tmp_path)]) == 0
    assert "averages" not in capsys.readouterr().err
