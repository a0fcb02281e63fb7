"""The MXNet Symbol exporter against MXNet itself: each case is a test, all run in one process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tercet.backends.mxnet.symbol_to_onnx.registry import operators
from tests.backends.mxnet_symbol_cases import Case
from tests.backends.mxnet_symbol_tables import CASES

ROOT = Path(__file__).parents[2]
TIMEOUT = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("mxnet") is None, reason="MXNet is not installed"),
]


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the worker leaves its Symbols in."""
    return tmp_path_factory.mktemp("symbols")


@pytest.fixture(scope="module")
def problems(exported: Path) -> dict[str, str | None]:
    """What the worker found for each case."""
    done = _python("tests.backends.mxnet_symbol_worker", str(exported))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, str | None] = {line["name"]: line["problem"] for line in lines}
    for case in CASES:
        found.setdefault(case.name, f"the worker ended before this case: {done.stderr[-2000:]}")
    return found


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, problems: dict[str, str | None]) -> None:
    problem = problems[case.name]
    if problem is not None:
        pytest.fail(problem, pytrace=False)


def test_every_conversion_has_a_case(exported: Path, problems: dict[str, str | None]) -> None:
    used = {
        node["op"]
        for path in exported.glob("*-symbol.json")
        for node in json.loads(path.read_text())["nodes"]
    }
    assert len(problems) == len(CASES)
    assert set(operators()) - used == set()


def _convert(exported: Path, name: str, out: Path, **spec: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command on the files of a case with inputs f32[N, 7]."""
    path = out.with_name("spec.json")
    path.write_text(json.dumps({"model": "model", **spec}))
    files = (str(exported / f"{name}{end}") for end in ("-symbol.json", "-0000.params"))
    return _python("tercet.backends.mxnet.symbol_to_onnx", *files, str(path), str(out))


def _input(name: str, *shape: int | str) -> dict[str, Any]:
    return {"name": name, "dtype": "float32", "shape": shape}


@pytest.mark.usefixtures("problems")
def test_the_command_writes_a_model(exported: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    out = tmp_path / "model.onnx"
    data = _input("data", "N", 7)
    done = _convert(exported, "dense", out, inputs=[data], outputs=["y"], sizes={"N": [4, 6]})
    assert (done.returncode, done.stderr) == (0, "")
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 17
    assert [output.name for output in model.graph.output] == ["y"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "spec.json"]


@pytest.mark.usefixtures("problems")
def test_the_command_is_silent_where_mxnet_computes_constants(
    exported: Path, tmp_path: Path
) -> None:
    data = _input("data", "N", "T", 5)
    done = _convert(exported, "lstm_2", tmp_path / "m.onnx", inputs=[data], outputs=["y"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "name, inputs, outputs, message",
    [
        ("dense", [_input("data", "N", 7)], ["y", "z"], "the Symbol has 1 outputs, declared are 2"),
        ("gammaln", [_input("data", "N", 4)], ["y"], "unknown operator gammaln (node `function"),
        (
            "output_named_like_parameter",
            [_input("data", "N", 6), _input("odd_weight", 3, 6)],
            ["y"],
            "`odd_weight` is the name of an input and of a parameter",
        ),
        ("dense", [_input("image", "N", 7)], ["y"], "variable `data` of the Symbol is neither"),
        ("dense", [_input("data", "N -", 7)], ["y"], "`N -` is not a size"),
        ("dense", [_input("data", "N", 8)], ["y"], "with N=5: "),
        ("dense", [_input("data", "N", 0)], ["y"], "sizes are integers >= 1, not 0"),
        ("absent", [_input("data", "N", 8)], ["y"], "No such file"),
    ],
)
@pytest.mark.usefixtures("problems")
def test_the_command_says_what_is_wrong(
    exported: Path,
    tmp_path: Path,
    name: str,
    inputs: list[dict[str, Any]],
    outputs: list[str],
    message: str,
) -> None:
    out = tmp_path / "model.onnx"
    done = _convert(exported, name, out, inputs=inputs, outputs=outputs)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
