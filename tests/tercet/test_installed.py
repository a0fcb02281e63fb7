"""What an installation brings: one package, which needs no framework and which no folder hides."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOLDERS = ("dsl", "compiler", "codegen", "backends")
FRAMEWORKS = ("torch", "tensorflow", "keras", "mxnet", "tf2onnx", "sklearn")


def python(executable: Path | str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
        timeout=300,
    )


# ------------------------------------------------------------------------------- in a checkout


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_has_two_names(folder: str) -> None:
    """A checkout on the path holds the folders themselves and the links to them in `tercet`."""
    done = python(sys.executable, "-c", f"import {folder}", cwd=ROOT)
    assert done.stderr.endswith(f"ImportError: it is imported as `tercet.{folder}`\n")


def test_the_folders_are_links() -> None:
    for folder in FOLDERS:
        assert (ROOT / "tercet" / folder).readlink() == Path("..", folder)


def test_importing_tercet_loads_no_layer() -> None:
    code = "import sys, tercet; print(sorted(m for m in sys.modules if m.startswith('tercet')))"
    done = python(sys.executable, "-c", code, cwd=ROOT)
    assert done.stdout == "['tercet', 'tercet.version']\n", done.stderr


# ---------------------------------------------------------------------------------- installed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of this checkout, whose own folder stays as it is."""
    source = tmp_path_factory.mktemp("source") / "tercet"
    parts = (*FOLDERS, "tercet", "pyproject.toml", "README.md", "LICENSE")
    for part in parts:
        if (ROOT / part).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, source / part, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / part, source / part)
    build = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", ".")
    done = python(sys.executable, *build, cwd=source)
    assert done.returncode == 0, done.stderr
    (found,) = source.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel and what it requires, no more."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for name in sorted(_required("tercet")):
        _link(metadata.distribution(name), site, folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return folder / "bin" / "python"


def _required(name: str) -> set[str]:
    """The distributions that one needs, without its extras, directly or not."""
    found: set[str] = set()
    pending = [name]
    while pending:
        for text in metadata.requires(pending.pop()) or ():
            requirement = Requirement(text)
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and requirement.name not in found:
                found.add(requirement.name)
                pending.append(requirement.name)
    return found


def _link(distribution: metadata.Distribution, site: Path, folder: Path) -> None:
    """Puts what a distribution has installed here into the other environment, by links."""
    for file in distribution.files or ():
        place = Path(str(file))
        if place.parts[0] == "..":
            target = folder / "bin" / place.name
        else:
            target, place = site / place.parts[0], Path(place.parts[0])
        source = Path(str(distribution.locate_file(str(place)))).resolve()
        if not target.exists() and source.exists():
            target.symlink_to(source)


@pytest.mark.slow
def test_a_wheel_holds_tercet_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {re.sub(r"^tercet-.*\.dist-info$", "metadata", n.split("/")[0]) for n in names} == {
        "tercet",
        "metadata",
    }
    for data in (
        "dsl/grammar.lark",
        "dsl/tables.bin",
        "dsl/std/vision.model",
        "dsl/explain/E0101.md",
    ):
        assert f"tercet/{data}" in names


@pytest.mark.slow
def test_a_clean_environment_compiles_and_exports(installed: Path, tmp_path: Path) -> None:
    for framework in FRAMEWORKS:
        assert python(installed, "-c", f"import {framework}", cwd=tmp_path).returncode == 1
    for command in (
        "new net.model",
        "check net.model",
        "show net.model",
        "compile net.model",
        "export net.model -t onnx -o net.onnx",
    ):
        done = python(installed, "-m", "tercet", *command.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    scripts = {f"net_{target}.py" for target in ("pytorch", "tensorflow", "mxnet")}
    assert {path.name for path in tmp_path.iterdir()} == {"net.model", "net.onnx", *scripts}


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A user's folder, with packages and modules of the names of Tercet's own folders."""
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise SystemExit('a user’s own')\n")
    (tmp_path / "importers.py").write_text("raise SystemExit('a user’s own')\n")
    return tmp_path


@pytest.mark.slow
def test_a_users_folders_of_the_same_names_are_left_alone(installed: Path, crowded: Path) -> None:
    (crowded / "net.model").write_text("model N { input x: f32[N, 3]\n output y = x |> dense(2) }")
    done = python(installed, "-m", "tercet", "compile", "net.model", cwd=crowded)
    assert done.returncode == 0, done.stderr
    code = "import tercet; print(tercet.load('net.model').model.name)"
    assert python(installed, "-c", code, cwd=crowded).stdout == "N\n"
