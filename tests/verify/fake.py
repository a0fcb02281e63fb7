"""A framework's script as NumPy: it keeps to docs/scripts.md and takes less than a second.

Tests put mistakes into its text and see whether the verification finds them.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import tercet
from tercet.verification.report import Report

Change = tuple[str, str]

MODEL = """
    model Small {
        input x: f32[N, 3]
        h = tanh(x |> dense(4, name = "first"))
        scores = h |> dense(5, name = "second")
        best = argmax(scores, axis = 1)
        output scores, flipped = -scores, best
    }
"""

_SCRIPT = """
import argparse
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

parser = argparse.ArgumentParser()
parser.add_argument("--device", choices=["cpu"])
parser.add_argument("--weights")
parser.add_argument("--predict", nargs=2, action="append", default=[])
parser.add_argument("--export")
args = parser.parse_args()
weights = load_file(args.weights)
print("the weights are loaded")


def forward(x):
    h = np.tanh(x @ weights["first.weight"].T + weights["first.bias"])
    scores = h @ weights["second.weight"].T + weights["second.bias"]
    flipped = -scores
    best = scores.argmax(axis=1)
    return {"scores": scores, "flipped": flipped, "best": best}


for source, result in args.predict:
    answer = forward(**load_file(source))
    save_file({name: np.ascontiguousarray(array) for name, array in answer.items()}, result)

nodes = [
    helper.make_node("Gemm", ["x", "first.weight", "first.bias"], ["a"], transB=1),
    helper.make_node("Tanh", ["a"], ["h"]),
    helper.make_node("Gemm", ["h", "second.weight", "second.bias"], ["scores"], transB=1),
    helper.make_node("Neg", ["scores"], ["flipped"]),
    helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
]
batch = "N"
ports = {
    "x": (TensorProto.FLOAT, [batch, 3]),
    "scores": (TensorProto.FLOAT, [batch, 5]),
    "flipped": (TensorProto.FLOAT, [batch, 5]),
    "best": (TensorProto.INT64, [batch]),
}
declared = {name: helper.make_tensor_value_info(name, *port) for name, port in ports.items()}
order = ["scores", "flipped", "best"]
graph = helper.make_graph(
    nodes,
    "small",
    [declared["x"]],
    [declared[name] for name in order],
    [numpy_helper.from_array(array, name) for name, array in weights.items()],
)
opset = helper.make_opsetid("", 17)
onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), args.export)
"""


def write_model(folder: Path, text: str = MODEL) -> Path:
    path = folder / "small.model"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def write_script(folder: Path, *changes: Change, name: str = "fake.py") -> Path:
    """The script with some of its text replaced; each old text must be there, once."""
    text = _SCRIPT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def verify(folder: Path, *changes: Change, **settings: object) -> Report:
    """Verifies the small model, its PyTorch played by the script with these changes."""
    script = write_script(folder, *changes)
    model = write_model(folder)
    return tercet.verify(model, scripts={"pytorch": script}, **settings)  # type: ignore[arg-type]
