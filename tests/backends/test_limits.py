"""What a target refuses of an operation is declared, so that its page can say it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tercet.compiler.ops.base import OPERATIONS, Op
from tercet.coverage import TARGETS, lowerings
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, drafts, open_project

ROOT = Path(__file__).parents[2]
FAMILIES = {f"{cls.__module__.rsplit('.', 1)[1]}.py" for cls in OPERATIONS.values()}
FILES = [
    path
    for target in TARGETS
    for path in sorted((ROOT / "backends" / target).glob("*.py"))
    if path.name in FAMILIES
]

REFUSED = {
    "rms_norm with an init": (
        "tensorflow",
        "input x: f32[N, 4] output y = x |> rms_norm(init = normal(std = 0.5))",
        "RMSNormalization starts with ones",
    ),
    "a constant without an input": ("pytorch", "output y = full([2], 1.0)", "its device"),
    "six axes padded": (
        "mxnet",
        "input x: f32[N, 2, 2, 2, 2, 2]"
        "output y = pad(x, [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [1, 1]])",
        "MXNet pads five at most",
    ),
    "weights of classes that are trained": (
        "pytorch",
        "input x: f32[N, 3]\n input t: i64[N]\n param w: f32[3]"
        "output y = cross_entropy(x, t, weight = w)",
        "no gradient",
    ),
    "an average of windows in uneven padding": (
        "pytorch",
        "input x: f32[N, 2, L]"
        "output y = x |> avg_pool1d(4, stride = 2, padding = [[0, 3]], ceil = true)",
        "begin in the padding",
    ),
    "a GRU that resets first, in PyTorch": (
        "pytorch",
        "input x: f32[N, T, 3] output y = x |> gru(2, linear_before_reset = false)",
        "PyTorch's own resets after the product only",
    ),
    "a GRU that resets first, in MXNet": (
        "mxnet",
        "input x: f32[N, T, 3] output y = x |> gru(2, linear_before_reset = false)",
        "MXNet's own resets after the product only",
    ),
    "an alignment in f64": (
        "mxnet",
        "input x: f64[N, 9, 3]\n input t: i64[N, 4]\n input n: i64[N]output y = ctc(x, t, n)",
        "MXNet has it in f32 only",
    ),
    "exact: a recurrent relu in f64": (
        "mxnet",
        'input x: f64[N, T, 3] output y = x |> rnn(2, activation = "relu")',
        "rounds the activation to float32",
    ),
}
"""For every limit a program: its target, what stands in the model, a part of what is said."""


def _limited() -> set[tuple[str, str]]:
    return {
        (target, limit.reason)
        for target in TARGETS
        for cls in OPERATIONS.values()
        for limit in lowerings(target).limits(cls)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_lowering_refuses_by_a_limit(path: Path) -> None:
    """`raise LIMIT.refusal()`; what depends on sizes or dtypes alone is raised elsewhere."""
    tree = ast.parse(path.read_text("utf-8"))
    called = [
        ast.unparse(node.exc.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]
    assert "Unsupported" not in called


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_declared_is_refused(name: str, tmp_path: Path) -> None:
    target, body, reason = REFUSED[name]
    path = tmp_path / "net.model"
    path.write_text(f"model M {{ {body} }}", encoding="utf-8")
    project = open_project(path, exact=name.startswith("exact: "))
    with pytest.raises(DiagnosticError, match=reason):
        drafts(project, [target], tmp_path)
    assert any(reason in said for of, said in _limited() if of == target)


def test_every_limit_of_a_script_has_a_program() -> None:
    tried = {(target, reason) for target, _, reason in REFUSED.values()}
    for target, said in _limited():
        if target in FRAMEWORKS:
            assert any(of == target and reason in said for of, reason in tried), (target, said)


def test_the_page_tells_the_limits() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    found: list[type[Op]] = [cls for cls in OPERATIONS.values() if lowerings("mxnet").limits(cls)]
    assert found
    for target, said in _limited():
        assert f"Not in {target} " in page
        assert said in page
