"""What `tercet doctor` finds, here and where things are broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tercet import doctor
from tercet.cli import main
from tercet.interpreters import Interpreters
from tercet.runner import Finished, Job

ORT_SAYS = (
    "\x1b[1;31m2026-11-23 [E:onnxruntime:Default, provider.cc:2 operator()] FAIL : Failed to load"
    " library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared"
    " object file: No such file or directory\n\x1b[m\n"
)


def finished(output: str, exit_code: int = 0) -> Finished:
    return Finished(Job("onnxruntime", []), exit_code, 0.1, output)


def test_quick_answer_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [t["target"] for t in found["targets"]] == ["pytorch", "tensorflow", "mxnet", "onnx"]
    onnx = found["targets"][3]
    assert (onnx["interpreter"], onnx["problem"]) == (sys.executable, None)
    assert "CPUExecutionProvider" in found["onnxruntime"]["providers"]
    assert found["onnxruntime"]["cuda"] is (found["onnxruntime"]["why_not_cuda"] is None)


def test_cuda_that_is_listed_and_does_not_start_is_told() -> None:
    listed = {"version": "1.31", "providers": ["CUDAExecutionProvider"], "started": False}
    report = doctor._runtime(finished(ORT_SAYS + json.dumps(listed)))
    assert report.problem is None
    assert report.no_cuda == (
        "libcublasLt.so.13: cannot open shared object file: No such file or directory"
    )
    report = doctor._runtime(finished(json.dumps({**listed, "started": True})))
    assert report.no_cuda is None
    report = doctor._runtime(finished(json.dumps({**listed, "providers": ["CPU"]})))
    assert "no CUDA provider" in str(report.no_cuda)


def test_a_runtime_that_crashes_is_a_problem() -> None:
    report = doctor._runtime(finished("ImportError: broken", exit_code=1))
    assert report.problem is not None
    assert "ImportError: broken" in report.problem


def broken_python(folder: Path, first_line: str) -> str:
    """An interpreter that says every package is there, and fails when a framework starts."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        "if sys.argv[1].endswith('packages.py'):\n"
        "    packages = dict.fromkeys(sys.argv[2:], '1.0')\n"
        "    print(json.dumps({'python': '3.10.0', 'packages': packages}))\n"
        f"else:\n    {first_line}\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "first_line, says",
    [
        ("raise ImportError('numpy is too new')", "ImportError: numpy is too new"),
        ("import time; print('loading', flush=True); time.sleep(60)", "did not end within 2 s"),
    ],
)
def test_a_framework_that_does_not_start_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first_line: str, says: str
) -> None:
    python = broken_python(tmp_path, first_line)
    report = doctor.examine(
        Interpreters(dict.fromkeys(("pytorch", "tensorflow", "mxnet"), python)), timeout=2.0
    )
    assert report.targets[2].info.version == "1.0"
    assert says in str(report.targets[2].problem)
    assert len([p for p in report.problems if says in p]) == 3


def test_exit_code_and_text_where_an_interpreter_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--quick", "--interpreter", "mxnet=/bin/sh"]) == 1
    text = capsys.readouterr().out
    assert "problem: mxnet: /bin/sh is not a Python interpreter" in text
    assert "mxnet is not installed" not in text


@pytest.mark.slow
def test_the_installed_frameworks_start() -> None:
    report = doctor.examine(Interpreters())
    assert report.problems == ()
    for target in report.targets:
        assert (target.import_seconds is not None) == (
            target.info.version is not None and target.info.name != "onnx"
        )
