"""Which interpreter runs a target, and what is found in it."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

import tercet
from tercet import interpreters
from tercet.errors import TercetError
from tercet.interpreters import (
    TARGETS,
    Interpreters,
    Packages,
    choose_targets,
    installed,
    packages,
    read_interpreters,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def other_python(tmp_path: Path) -> str:
    """This interpreter under another path, as a virtual environment has it."""
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    return str(link)


def read(*flags: str, start: Path, **environment: str) -> Interpreters:
    return read_interpreters(flags, environment, start)


def test_default_is_the_own_interpreter(tmp_path: Path) -> None:
    found = read(start=tmp_path)
    assert [found.path(target) for target in TARGETS] == [sys.executable] * 4


def test_precedence_of_flag_environment_and_settings(tmp_path: Path, other_python: str) -> None:
    settings = "[interpreters]\npytorch = 'bin/python'\ntensorflow = 'bin/python'\n"
    (tmp_path / "tercet.toml").write_text(settings)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = read(start=below)
    assert found.path("pytorch") == other_python
    assert found.path("mxnet") == sys.executable
    found = read(start=below, TERCET_PYTORCH_PYTHON=sys.executable)
    assert found.path("pytorch") == sys.executable
    assert found.path("tensorflow") == other_python
    found = read(f"pytorch={other_python}", start=below, TERCET_PYTORCH_PYTHON=sys.executable)
    assert found.path("pytorch") == other_python


def test_only_the_nearest_settings_count(tmp_path: Path, other_python: str) -> None:
    (tmp_path / "tercet.toml").write_text("[interpreters]\npytorch = 'bin/python'\n")
    below = tmp_path / "a"
    below.mkdir()
    (below / "tercet.toml").write_text("")
    assert read(start=below).path("pytorch") == sys.executable


@pytest.mark.parametrize(
    "settings, message",
    [
        ("[interpreters]\npytorhc = '/bin/sh'", "did you mean pytorch"),
        ("[interpreters]\nonnx = '/bin/sh'", "onnx runs in Tercet's own interpreter"),
        ("[interpreters]\npytorch = '/nowhere/python'", "not a program that can be run"),
        ("[interpreters]\npytorch = 3", "has to map targets to paths"),
        ("interpreters = 3", "has to map targets to paths"),
        ("[interpreters", "not valid TOML"),
    ],
)
def test_bad_settings(tmp_path: Path, settings: str, message: str) -> None:
    (tmp_path / "tercet.toml").write_text(settings)
    with pytest.raises(TercetError, match=message):
        read(start=tmp_path)


@pytest.mark.parametrize(
    "flag, message",
    [("pytorch", "a target and a path"), ("torch=x", "no target 'torch'"), ("mxnet=x/y", "x/y")],
)
def test_bad_flags(tmp_path: Path, flag: str, message: str) -> None:
    with pytest.raises(TercetError, match=message):
        read(flag, start=tmp_path)


def test_a_folder_is_no_interpreter(tmp_path: Path) -> None:
    with pytest.raises(TercetError, match="not a program"):
        read(f"mxnet={tmp_path}", start=tmp_path)


def test_packages_are_the_same_inside_and_outside(other_python: str) -> None:
    modules = ["numpy", "onnxruntime", "sys", "no_such_module"]
    inside = packages(sys.executable, modules)
    assert inside.versions["numpy"] is not None
    assert inside.versions["onnxruntime"] not in (None, "unknown")
    assert inside.versions["no_such_module"] is None
    outside = packages(other_python, modules)
    assert outside.python == inside.python


def test_a_folder_that_has_the_name_is_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no_such_framework").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert packages(sys.executable, ["no_such_framework"]).versions["no_such_framework"] is None


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\necho it broke >&2\nexit 4\n")
    silent.chmod(0o755)
    with pytest.raises(TercetError, match=r"not a Python interpreter.*4: it broke"):
        packages(str(silent), ["numpy"])


@pytest.mark.parametrize(
    "version, says", [("3.10.1", None), ("3.9.18", "is Python 3.9.18; scripts need 3.10 or later")]
)
def test_an_interpreter_that_is_too_old(tmp_path: Path, version: str, says: str | None) -> None:
    python = tmp_path / "python"
    found = json.dumps({"python": version, "packages": {"torch": "2.0"}})
    python.write_text(f"#!/bin/sh\necho '{found}'\n")
    python.chmod(0o755)
    if says is None:
        assert installed("pytorch", Interpreters({"pytorch": str(python)})).version == "2.0"
    else:
        with pytest.raises(TercetError, match=says):
            installed("pytorch", Interpreters({"pytorch": str(python)}))


def only_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(interpreter: str, modules: list[str]) -> Packages:
        return Packages("3.11.0", {m: "2.0" if m in ("torch", "onnx") else None for m in modules})

    monkeypatch.setattr(interpreters, "packages", found)


def test_default_targets_are_the_installed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    only_pytorch(monkeypatch)
    choice = choose_targets()
    assert choice.names == ("pytorch", "onnx")
    assert [info.name for info in choice.absent] == ["tensorflow", "mxnet"]
    assert choice.absent[0].install == 'pip install "tercet[tensorflow]"'


def test_a_named_target_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    only_pytorch(monkeypatch)
    assert choose_targets(["pytorch"]).names == ("pytorch",)
    with pytest.raises(TercetError, match="mxnet is not installed") as caught:
        choose_targets(["pytorch", "mxnet"])
    assert caught.value.exit_code == 2
    assert caught.value.help == 'pip install "tercet[mxnet]"'


def test_another_interpreter_gets_the_framework_and_not_tercet() -> None:
    info = interpreters.TargetInfo("mxnet", "/opt/mx/bin/python", None, "mxnet")
    assert info.install == "/opt/mx/bin/python -m pip install mxnet numpy safetensors tqdm onnx"


@pytest.mark.parametrize("target", ["pytorch", "tensorflow", "mxnet"])
def test_what_scripts_import_is_looked_for(target: str) -> None:
    """Only sets of data need more; exporters import onnx where the script itself does not."""
    imported = {"onnx"}
    for script in (ROOT / "tests" / "golden").glob(f"*/{target}.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    framework = interpreters.FRAMEWORKS[target]
    known = {framework.module, *framework.scripts_import}
    assert imported - sys.stdlib_module_names - {"sklearn"} == known


def test_unknown_target() -> None:
    with pytest.raises(TercetError, match="did you mean mxnet"):
        installed("mxnte")


@pytest.fixture
def without_tercet(tmp_path: Path) -> str:
    """An interpreter that has the frameworks, and nothing that Tercet brings."""
    absent = ("tercet", "lark", "onnxruntime")  # Keras brings rich
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({absent}))\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return str(python)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["pytorch", "tensorflow", "mxnet"])
def test_scripts_and_exporters_need_nothing_of_tercet(
    tmp_path: Path, without_tercet: str, target: str
) -> None:
    assert packages(without_tercet, ["lark"]).versions["lark"] is None
    (tmp_path / "net.model").write_text(
        "model Net { input x: f32[N, 3]\n output y = x |> dense(2) |> tanh }"
    )
    report = tercet.verify(
        tmp_path / "net.model",
        targets=[target, "onnx"],
        interpreters=Interpreters({target: without_tercet}),
    )
    assert report.identical, report.not_judged
