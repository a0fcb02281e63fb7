"""Every sample compiles, as what it says it is, to scripts that read and run like Python."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tercet.compiler.pipeline import load
from tercet.compiler.graph.printer import print_program
from tercet.project import script_text
from tests.samples.catalog import CATALOG, GOLDEN, ROOT, SAMPLES, TARGETS, Sample, project

BY_ID = [pytest.param(sample, id=sample.id) for sample in CATALOG]
STRUCTURED = [pytest.param(s, id=s.id) for s in CATALOG if s.name in ("digits_resnet", "resnet18")]


def test_every_file_is_in_the_catalog() -> None:
    assert {path.stem for path in SAMPLES.glob("*.model")} == {sample.name for sample in CATALOG}


@pytest.mark.parametrize("sample", BY_ID)
def test_nothing_to_complain_about(sample: Sample) -> None:
    assert load(sample.path, parameters=sample.parameters).diagnostics == ()


@pytest.mark.parametrize("sample", BY_ID)
def test_parameters(sample: Sample) -> None:
    count = 0
    for _, parameter in project(sample).model.parameters():
        size = 1
        for n in parameter.type.shape:
            assert isinstance(n, int)
            size *= n
        count += size if parameter.trainable else 0
    assert count == sample.trainable


@pytest.mark.parametrize("sample", BY_ID)
def test_several_norms_of_a_block_have_names(sample: Sample) -> None:
    paths = [path for path, _ in project(sample).model.parameters()]
    assert [path for path in paths if re.search(r"\b(batch|layer)_norm_\d+\b", path)] == []


@pytest.mark.parametrize("sample", BY_ID)
def test_trained(sample: Sample) -> None:
    assert project(sample).training is not None


def test_each_says_in_its_first_line_what_it_demonstrates() -> None:
    listed = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for path in SAMPLES.glob("*.model"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# ")
        row = f"| [`{path.stem}`]({path.name}) | {first.removeprefix('# ').rstrip('.')} |"
        assert row in listed


# ---------------------------------------------------------------------------------------- scripts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


def script(sample: Sample, target: str, folder: Path, *, lean: bool = False) -> Path:
    style = "lean_" if lean else ""
    path = folder / f"{style}{sample.id.replace('=', '_')}_{target}.py"
    if not path.exists():
        text = script_text(project(sample), target, folder, lean=lean)
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", BY_ID)
def test_is_python(sample: Sample, target: str, folder: Path) -> None:
    path = script(sample, target, folder)
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", BY_ID)
def test_is_clean(sample: Sample, target: str, folder: Path) -> None:
    paths = [str(script(sample, target, folder, lean=lean)) for lean in (False, True)]
    for command in (
        ["format", "--isolated", "--check"],
        ["check", "--isolated", "--line-length", "88", "--select", "E,F,W,I,UP,B"],
    ):
        ruff = [sys.executable, "-m", "ruff", *command, *paths]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    for path in paths:
        assert "noqa: E501" not in Path(path).read_text(encoding="utf-8"), "a line of ours is too long"


@pytest.mark.parametrize("sample", BY_ID)
def test_compiles_in_well_under_a_second(sample: Sample, folder: Path) -> None:
    started = time.process_time()
    for target in TARGETS:
        script_text(project(sample), target, folder)
    assert time.process_time() - started < 1


_DIGESTS = """
import hashlib, sys
from pathlib import Path
from tercet.project import script_text
from tests.samples.catalog import CATALOG, TARGETS, project
for sample in CATALOG:
    for target in TARGETS:
        text = script_text(project(sample), target, Path(sys.argv[1]))
        print(sample.id, target, hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_same_text_gives_the_same_bytes(folder: Path) -> None:
    """In another process, where sets and dictionaries by identity are in another order."""
    done = subprocess.run(
        [sys.executable, "-c", _DIGESTS, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    here = [
        f"{sample.id} {target} {digest(script(sample, target, folder))}"
        for sample in CATALOG
        for target in TARGETS
    ]
    assert done.stdout.splitlines() == here


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", STRUCTURED)
def test_the_model_takes_at_most_a_hundred_lines(sample: Sample, target: str, folder: Path) -> None:
    """From the first import to the end of the last class of the model."""
    lines = script(sample, target, folder).read_text(encoding="utf-8").splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(("import ", "from ")))
    model = next(
        k for k, line in enumerate(lines) if line.startswith(f"class {model_name(sample)}(")
    )
    last = next(
        k for k, line in enumerate(lines) if k > model and line and not line.startswith((" ", ")"))
    )
    assert len([line for line in lines[first:last] if line]) <= 100


def model_name(sample: Sample) -> str:
    return project(sample).model.name


LEAN_LINES = 250


@pytest.mark.parametrize("target", TARGETS)
def test_a_lean_script_is_short(target: str, folder: Path) -> None:
    (sample,) = (s for s in CATALOG if s.name == "digits_resnet")
    text = script(sample, target, folder, lean=True).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LEAN_LINES


# ---------------------------------------------------------------------------------------- goldens

GOLDENS = [
    *(
        (name, part)
        for name in GOLDEN
        for part in ("program.txt", *(f"{target}.py" for target in TARGETS))
    ),
    *(("digits_resnet", f"lean_{target}.py") for target in TARGETS),
    *(
        (name, f"lean_exact_{target}.py")
        for name in ("digits_cnn", "tiny_gpt")
        for target in TARGETS
    ),
]


@pytest.mark.parametrize("name, part", GOLDENS)
def test_golden(name: str, part: str, update_golden: bool) -> None:
    sample = next(s for s in CATALOG if s.name == name)
    path = ROOT / "tests" / "golden" / name / part
    *style, target = part.removesuffix(".py").split("_")
    if target in TARGETS:
        opened = replace(project(sample), exact="exact" in style)
        text = script_text(opened, target, path.parent, lean="lean" in style)
    else:
        text = print_program(project(sample).program)
    if update_golden:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
