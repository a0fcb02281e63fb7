"""Names of a model in a script: they stay names, wherever they stand and whatever they mean there.

With a hostile name, every function of a script reads the same of the script and of Python as with a
harmless one, but for what the name has become: nothing is captured, and nothing hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from symtable import Function, SymbolTable, symtable

import pytest

from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, Project, drafts, open_project

HARMLESS = "thing"
NAMES = (
    *("self", "super", "print", "len", "list", "int", "type", "object", "Exception", "exec"),
    *("torch", "tf", "mx", "np", "nn", "F", "os", "sys", "main", "args", "model", "Path"),
    *("class", "def", "lambda", "None", "True", "async", "await", "yield", "del", "import_"),
    *("__init__", "__class__", "__import__", "__x", "_", "__name__", "__file__"),
    *("forward", "call", "build", "weight", "bias", "name", "layers", "parameters", "training"),
    *("x", "y", "l", "O", "batch", "loss", "step", "epoch", "device", "load_data", "SEED", "DATA"),
)
"""What means something to Python, to a framework or to the script itself."""

PLACES = {
    "model": "NAME",
    "block": "NAME",
    "input": "NAME",
    "output": "NAME",
    "local": "NAME",
    "layer": "NAME",
    "called": "NAME",
    "parameter": "NAME",
    "model_parameter": "NAME",
    "dimension": "NAME",
    "loop": "NAME",
    "const": "NAME",
    "param": "NAME",
    "target": "NAME",
    "metric": "NAME",
    "alias": "NAME",
}
"""The kinds of names: what `_text` fills in."""
LIBRARY = "block Half { input x: f32[N, D] output x |> dense(D // 2 + 1) }"


def _text(place: str, name: str) -> str:
    of = {each: f"a_{each}" for each in PLACES} | {"model": "AModel", "block": "ABlock"}
    of |= {"dimension": "A", place: name}
    return f"""
from "lib.model" import Half as {of["alias"]}
const {of["const"]} = 3
block {of["block"]}({of["parameter"]}) {{
    input inner: f32[N, {of["dimension"]}]
    assert {of["dimension"]} > 1
    {of["layer"]} = dense({of["parameter"]} * {of["dimension"]})
    output {of["layer"]}(tanh({of["layer"]}(inner |> dense({of["dimension"]}))) |> dense(
        {of["dimension"]}))
}}
model {of["model"]}({of["model_parameter"]} = 5) {{
    input {of["input"]}: f32[N, 4]
    param {of["param"]}: f32[4] = zeros
    {of["local"]} = {of["input"]} * {of["param"]}
    h = {of["local"]} + tanh({of["local"]})
    for {of["loop"]} in range(3) {{ h = h |> dense({of["loop"]} + {of["const"]}) |> relu }}
    h = h |> {of["block"]}(2) |> {of["alias"]} |> dense({of["model_parameter"]})
    g = h |> dense(3, name = "{of["called"]}")
    output {of["output"]} = g
}}
train {of["model"]} {{
    target {of["target"]}: i64[N]
    data = iris() {{ {of["input"]} = features, {of["target"]} = label }}
    loss = cross_entropy({of["output"]}, {of["target"]})
    optimizer = adam()
    metrics = {{ {of["metric"]} = accuracy({of["output"]}, {of["target"]}) }}
}}
"""


def _globals(place: str, name: str, folder: Path) -> dict[str, dict[str, set[str]]]:
    """What every function of every script reads of the script and of Python."""
    (folder / "lib.model").write_text(LIBRARY)
    path = folder / "m.model"
    path.write_text(_text(place, name))
    opened = open_project(path)
    project = Project(Path("m.model"), opened.source, opened.program, opened.model, ())
    return {
        target: dict(_functions(symtable(f"{draft.header}\n{draft.body}", target, "exec")))
        for target, draft in drafts(project, FRAMEWORKS, folder).items()
    }


def _functions(table: SymbolTable, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Functions by their names and the numbers of their classes, with the globals they read."""
    for number, inner in enumerate(table.get_children()):
        if inner.get_type() == "class":
            yield from _functions(inner, f"{path}{number}.")
        elif isinstance(inner, Function):
            yield f"{path}{inner.get_name()}", set(inner.get_globals())
            yield from _functions(inner, f"{path}{inner.get_name()}.")


@cache
def _harmless(place: str, folder: Path) -> dict[str, dict[str, set[str]]]:
    name = HARMLESS.capitalize() if place in ("model", "block", "dimension") else HARMLESS
    return _globals(place, name, folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


EVERY = 8


def _stay_names(place: str, names: Sequence[str], folder: Path) -> int:
    """Asserts it; gives how many of them are names of the language."""
    accepted = 0
    for name in names:
        try:
            scripts = _globals(place, name, folder)
        except DiagnosticError:
            continue  # no name of the language
        accepted += 1
        for target, functions in scripts.items():
            harmless = _harmless(place, folder)[target]
            assert functions.keys() >= harmless.keys(), (name, target)
            for function, known in harmless.items():
                read = functions[function]
                meant = {each for each in known if HARMLESS not in each.lower()}
                assert meant <= read, (name, target, function)
                assert len(read) == len(known), (name, target, function)
    return accepted


@pytest.mark.parametrize("number", range(len(PLACES)), ids=list(PLACES))
def test_some_names_stay_names(number: int, folder: Path) -> None:
    """Every name in some places: at two each."""
    place = list(PLACES)[number]
    assert _stay_names(place, NAMES[number % EVERY :: EVERY], folder) or place == "dimension"


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_names_stay_names(place: str, folder: Path) -> None:
    accepted = _stay_names(place, NAMES, folder)
    assert accepted > len(NAMES) / 2 or place == "dimension"
