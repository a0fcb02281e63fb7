"""Verification tells a wrong script: known mistakes, each put into a generated one, are caught."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import tercet

CONVOLUTIONS = """\
model Net {
    input image: f32[N, 3, 9, 9]
    h = image |> conv2d(6, 3, stride = 2, padding = 1) |> batch_norm |> relu
    h = h |> max_pool2d(2, stride = 1) |> avg_pool2d(3, stride = 1, padding = 1)
    h = h |> conv2d(8, 3, groups = 2) |> leaky_relu(alpha = 0.1)
    logits = h |> flatten |> dense(5)
    output logits
}
"""
ATTENTION = """\
model Net {
    input x: f32[N, T, 16]
    q, k, v = layer_norm(x) |> dense(48) |> split(3, axis = -1)
    h = scaled_dot_product_attention(q, k, v, causal = true) - x
    y = h |> dense(32) |> gelu |> dense(16) |> softmax(axis = -1)
    output y
}
"""
RECURRENT = """\
model Net {
    input x: f32[N, T, 4]
    h = x |> lstm(8) |> gru(6)
    y = h[:, -1] |> dense(3)
    output y
}
"""


@dataclass(frozen=True)
class Mutant:
    """`old` in the generated script becomes `new`."""

    name: str
    source: str
    old: str
    new: str
    target: str = "pytorch"


PYTORCH = (
    Mutant("epsilon of batch_norm", CONVOLUTIONS, "BatchNorm2d(6", "BatchNorm2d(6, eps=1e-3"),
    Mutant(
        "padding on the other side",
        CONVOLUTIONS,
        "self.conv2d(image)",
        "self.conv2d(F.pad(image, (0, 1, 0, 1))[..., 1:, 1:])",
    ),
    Mutant("padding counted", CONVOLUTIONS, "count_include_pad=False", "count_include_pad=True"),
    Mutant("another slope", CONVOLUTIONS, ", 0.1)", ", 0.2)"),
    Mutant("flattened channels-last", CONVOLUTIONS, "h.flatten(1)", "h.movedim(1, 3).flatten(1)"),
    Mutant("bias dropped", CONVOLUTIONS, "self.dense(", "-self.dense.bias + self.dense("),
    Mutant("statistics of the batch", CONVOLUTIONS, "    model.eval()\n", "    model.train()\n"),
    Mutant("tanh form of gelu", ATTENTION, "F.gelu(", 'partial(F.gelu, approximate="tanh")('),
    Mutant("epsilon of layer_norm", ATTENTION, "LayerNorm(16", "LayerNorm(16, eps=1e-3"),
    Mutant("not causal", ATTENTION, "is_causal=True", "is_causal=False"),
    Mutant("operands swapped", ATTENTION, "h - x", "x - h"),
    Mutant("softmax over another axis", ATTENTION, "dense_2(y), dim=-1)", "dense_2(y), dim=1)"),
    Mutant("queries and keys swapped", ATTENTION, "q, k, v = ", "k, q, v = "),
    Mutant("wrong step taken", RECURRENT, "[:, -1]", "[:, -2]"),
    Mutant(
        "gates in another order",
        RECURRENT,
        "parameter.copy_(tensors[name])",
        'parameter.copy_(tensors[name].roll(8 if "lstm" in name else 0, 0))',
    ),
)


_PADS = "((0, 0), {0}, {0}, (0, 0))"
TENSORFLOW = (
    ("padding on the other side", CONVOLUTIONS, _PADS.format("(1, 1)"), _PADS.format("(2, 0)")),
    ("flattened channels-last", CONVOLUTIONS, "tf.transpose(h, (0, 3, 1, 2))", "h"),
    ("statistics of the batch", CONVOLUTIONS, "]), training=False)", "]), training=True)"),
    (
        "another model in the export",
        CONVOLUTIONS,
        '{"logits": model(',
        '{"logits": 1.001 * model(',
    ),
    (
        "tanh form of gelu",
        ATTENTION,
        "0.5 * x * (1 + tf.math.erf(x / math.sqrt(2)))",
        "tf.nn.gelu(x, approximate=True)",
    ),
    ("gates in another order", RECURRENT, "np.r_[units : 2 * units, :units,", "np.r_[: 2 * units,"),
)
MXNET = (
    ("a scale that is fixed at one", CONVOLUTIONS, "nn.BatchNorm()", "nn.BatchNorm(scale=False)"),
    ("padding counted", CONVOLUTIONS, "count_include_pad=False", "count_include_pad=True"),
    ("epsilon of layer_norm", ATTENTION, "nn.LayerNorm()", "nn.LayerNorm(epsilon=1e-3)"),
    ("not causal", ATTENTION, "causal=True", "causal=False"),
    (
        "another model in the export",
        ATTENTION,
        "return F.softmax(",
        "return (1 - (F is mx.sym) / 9) * F.softmax(",
    ),
    ("wrong step taken", RECURRENT, "begin=-1, end=None", "begin=0, end=1"),
)
MUTANTS = (
    *PYTORCH,
    *(Mutant(*mutant, target="tensorflow") for mutant in TENSORFLOW),
    *(Mutant(*mutant, target="mxnet") for mutant in MXNET),
)


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tercet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@cache
def _script(source: str, target: str) -> str:
    with TemporaryDirectory() as folder:
        model = Path(folder) / "net.model"
        model.write_text(source)
        (path,) = tercet.compile(model, targets=[target], output=folder)
        return path.read_text()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.target}: {m.name}")
def test_a_mutant_is_of_what_is_generated(mutant: Mutant) -> None:
    assert mutant.old in _script(mutant.source, mutant.target)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.target}: {m.name}")
def test_a_mutant_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    model, script = tmp_path / "net.model", tmp_path / "net.py"
    model.write_text(mutant.source)
    text = _script(mutant.source, mutant.target).replace(mutant.old, mutant.new)
    script.write_text(text.replace("import os", _IMPORTS, 1))
    done = _run(
        *("verify", model, "-t", f"{mutant.target},onnx", "--json", "-o", tmp_path),
        *("--script", f"{mutant.target}={script}"),
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert not report["identical"]
    different = [pair for pair in report["pairs"] if pair["verdict"] == "different"]
    assert any("reference" in (pair["left"], pair["right"]) for pair in different)
    assert all(pair["left"].startswith(mutant.target) for pair in different)


_IMPORTS = "import os\nfrom functools import partial"
