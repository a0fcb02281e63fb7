"""Classes are never called like something else at the top of a script."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from symtable import Function, symtable

import pytest

from tercet.backends.mxnet.target import MXNetTarget
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.codegen.target import ClassTarget
from tercet.project import open_project, script_text
from tests.samples.catalog import ROOT, SAMPLES

TARGETS: dict[str, type[ClassTarget]] = {
    "pytorch": PyTorchTarget,
    "tensorflow": TensorFlowTarget,
    "mxnet": MXNetTarget,
}
TRAINED = """\
model M {{
    input x: f32[N, 4]
    score = x |> dense({units})
    output score
}}
train M {{
    target t: {target}
    data = {data}
    loss = {loss}
    optimizer = {optimizer}
    schedule = {schedule}
    metrics = {{ {metrics} }}
    no_decay = {no_decay}
    clip = {clip}
}}
"""
CLASSES = {
    "units": "3",
    "target": "i64[N]",
    "data": "iris() { x = features, t = label }",
    "loss": "cross_entropy(score, t)",
    "optimizer": "adamw(lr = 1e-3)",
    "schedule": "constant()",
    "metrics": "a = accuracy(score, t), k = top_k_accuracy(score, t, k = 2), "
    "p = perplexity(score, t)",
    "no_decay": '["*.bias"]',
    "clip": "value(0.5)",
}
NUMBERS = CLASSES | {
    "units": "1",
    "target": "f32[N, 1]",
    "data": 'csv("d.csv") { x = stack([a, a, a, a], axis = 1), t = reshape(a, [N, 1]) }',
    "loss": "mse(score, t)",
    "metrics": "a = mae(score, t), b = mse(score, t), c = rmse(score, t), d = r2(score, t)",
}
SIDES = NUMBERS | {
    "loss": "binary_cross_entropy_with_logits(score, t)",
    "metrics": "a = binary_accuracy(score, t), b = precision(score, t), c = recall(score, t), "
    "d = f1(score, t)",
}
PROGRAMS = [
    CLASSES,
    NUMBERS,
    SIDES,
    *(
        CLASSES | {"schedule": schedule}
        for schedule in (
            "step(size = 5, gamma = 0.5, warmup = 3)",
            "multi_step(milestones = [3, 5], gamma = 0.1)",
            "exponential(gamma = 0.9)",
            "polynomial(power = 2, end = 0.1)",
            "cosine(end = 0.1)",
            "one_cycle()",
        )
    ),
    *(
        CLASSES | {"optimizer": f"{optimizer}(lr = 0.01, weight_decay = 0.1)"}
        for optimizer in ("sgd", "adam", "nadam", "rmsprop", "adagrad", "adadelta", "lion")
    ),
    CLASSES | {"optimizer": "sgd(lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.1)"},
]


@pytest.mark.parametrize("target", TARGETS)
def test_all_names_at_the_top_of_scripts_are_reserved(target: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a\n" + "0.5\n" * 100)
    paths = list(SAMPLES.glob("*.model"))
    for number, settings in enumerate(PROGRAMS):
        paths.append(tmp_path / f"m{number}.model")
        paths[-1].write_text(TRAINED.format(**settings))
    sources = [*paths, *(ROOT / "dsl" / "std").glob("*.model")]
    blocks = {
        name
        for path in sources
        for name in re.findall(r"\b(?:block|model) (\w+)", path.read_text(encoding="utf-8"))
    }
    bound = {
        name
        for path in paths
        for lean in (False, True)
        for name in _bound(script_text(open_project(path), target, tmp_path, lean=lean))
    }
    assert bound - blocks - TARGETS[target].reserved_names == set()


def _bound(script: str) -> Iterator[str]:
    """What the top level of a script binds, and `main`, which makes the model."""
    (main,) = (t for t in symtable(script, "", "exec").get_children() if t.get_name() == "main")
    assert isinstance(main, Function)
    yield from main.get_locals()
    for statement in ast.parse(script).body:
        match statement:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((a.asname or a.name).split(".")[0] for a in names)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (t.id for t in targets if isinstance(t, ast.Name))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["Accuracy", "Path", "DataLoader", "Progress", "normalize"])
def test_a_class_gets_another_name_than_what_is_there(
    name: str, target: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.model"
    path.write_text(
        f"block {name} {{\n input x: f32[N, 4]\n"
        "h = x |> reshape([N, 4, 1]) |> batch_norm |> flatten |> layer_norm\n"
        "output h |> dense(3)\n}\n" + TRAINED.format(**CLASSES).replace("dense(3)", name)
    )
    script = script_text(open_project(path), target, tmp_path)
    bound = list(_bound(script))
    assert len(bound) == len(set(bound))
    assert re.search(rf"^class {name}(_1)?\(", script, re.MULTILINE)
