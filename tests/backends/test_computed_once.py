"""A value is computed once: no second dropout mask, no second update of averages.

Every record stands behind layers of its own, one an operand, in models of many records; while such
a model is applied once in training mode, each of these layers is applied once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from safetensors.numpy import save_file

import tercet.backends.mxnet.target as mxnet
import tercet.backends.pytorch.target as pytorch
import tercet.backends.tensorflow.target as tensorflow
from tercet.backends.base import Place
from tercet.codegen.expr import Expr, Made
from tercet.codegen.models import print_model
from tercet.compiler.graph.ir import Apply, Create, Graph, GraphOutput, Item, Region, Site, Value
from tercet.compiler.ops.base import Elements, InTraining, LayerOp, Layout, Operand
from tercet.compiler.ops.norm import BatchNorm, Dropout
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, backend
from tests.backends.onnx_graphs import SPAN, make_layer, op_graph
from tests.backends.printing import CLASSES
from tests.backends.torch_scripts import ROOT, class_name, printable
from tests.ops.cases import CASES as FUNCTION_CASES
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

_CHUNK = 60


class Counted(LayerOp):
    """The operand itself: what stands for a layer where numbers are not floating-point."""

    name = "counted"
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.RESHAPED
    in_training = InTraining.SAME

    def infer(self, x: TensorType) -> TensorType:
        return x

    def parameters(self, x: TensorType) -> tuple[()]:
        return ()


@pytorch.lower(Counted)
@tensorflow.lower(Counted)
@mxnet.lower(Counted)
def _apply(op: Counted, at: object, x: Expr) -> Expr:
    return Made()(x)


@pytorch.construct(Counted)
def _identity(op: Counted, layer: object) -> Expr:
    return pytorch.nn.Identity()


@tensorflow.construct(Counted)
def _keras_identity(op: Counted, layer: object, facts: object) -> Expr:
    return tensorflow.layers.Identity()


@mxnet.construct(Counted)
def _gluon_identity(op: Counted, layer: object) -> Expr:
    return mxnet.nn.HybridLambda("identity")


def _producer(type: TensorType, kind: str, norm: bool) -> LayerOp:
    if not type.dtype.is_float:
        return Counted()
    several = type.rank in (2, 3, 4) and type.shape != (1, *type.shape[1:2])  # values a channel
    if norm and several and kind != "probability":
        return BatchNorm()
    return Dropout(0.001)  # which leaves a probability one


def _behind(case: OpCase, number: int, norm: bool) -> Graph:
    """The record's operation on operands that are computed, each by a producer of its own."""
    types = [t.with_dtype(DType.F32) if t and t.dtype is DType.F64 else t for t in case.types()]
    graph = op_graph(case.op, types)
    made: dict[int, Value] = {}
    items: list[Item] = []
    inputs = []
    kinds = [given.kind for given in case.inputs if given is not None]
    for place, (entry, kind) in enumerate(zip(graph.inputs, kinds, strict=True)):
        value = Value(f"x{number}_{place}", entry.value.type)
        inputs.append(replace(entry, value=value))
        op = _producer(value.type, kind, norm)
        layer = make_layer(op, [value.type])
        layer = replace(layer, site=Site(f"produced_{number}_{place}", SPAN, 0))
        result = Value(f"h{number}_{place}", value.type)
        items += [Create(layer), Apply(op, (value,), (result,), SPAN, layer)]
        made[id(entry.value)] = result
    for item in graph.body.items:
        assert isinstance(item, Create | Apply)
        if isinstance(item, Create):
            layer = item.made  # type: ignore[assignment]
            own = replace(layer, site=Site(f"layer_{number}", SPAN, 0))
            items.append(Create(own))
            continue
        given = tuple(None if v is None else made[id(v)] for v in item.inputs)
        items.append(replace(item, inputs=given, layer=own if item.layer else None))
    outputs = tuple(
        GraphOutput(f"y{number}_{k}", output.value, SPAN) for k, output in enumerate(graph.outputs)
    )
    return replace(graph, inputs=tuple(inputs), body=Region(tuple(items)), outputs=outputs)


def _together(graphs: Sequence[Graph]) -> Graph:
    """One model of several."""
    return replace(
        graphs[0],
        inputs=tuple(entry for graph in graphs for entry in graph.inputs),
        body=Region(tuple(item for graph in graphs for item in graph.body.items)),
        outputs=tuple(output for graph in graphs for output in graph.outputs),
    )


def _printed(target: str, norm: bool) -> dict[int, Graph]:
    """The records that the target does not refuse behind such layers, by number."""
    found: dict[int, Graph] = {}
    for number, case in enumerate((*FUNCTION_CASES, *LAYER_CASES)):
        if not any(case.types()):
            continue
        graph = printable(_behind(case, number, norm))
        try:
            print_model(graph, CLASSES[target])
        except DiagnosticError:
            continue
        found[number] = graph
    return found


def _prepare(target: str, numbers: Sequence[int], graph: Graph, folder: Path) -> None:
    folder.mkdir(parents=True)
    place = Place("net.model", folder, folder, "script.py")
    with mock.patch("tercet.backends.finishing._formatted", lambda texts: texts):
        text = backend(target).render(graph, None, place)
    (folder / "script.py").write_text(text)
    (folder / "name.txt").write_text(class_name(text))
    (folder / "order.json").write_text(json.dumps([i.value.name for i in graph.inputs]))
    cases = (*FUNCTION_CASES, *LAYER_CASES)
    arrays = {}
    given = [array for number in numbers for array in cases[number].arrays() if array is not None]
    for entry, array in zip(graph.inputs, given, strict=True):
        dtype = entry.value.type.dtype.numpy_name
        arrays[entry.value.name] = np.array(array, dtype=dtype, order="C")
    save_file(arrays, folder / "inputs.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("target", FRAMEWORKS)
def test_every_operand_is_computed_once(target: str, tmp_path: Path) -> None:
    wanted: dict[Path, set[str]] = {}
    for norm in (False, True):
        graphs = _printed(target, norm)
        numbers = list(graphs)
        assert len(numbers) > 300
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            graph = _together([graphs[number] for number in chunk])
            folder = tmp_path / f"{'norm' if norm else 'dropout'}{start:03}"
            _prepare(target, chunk, graph, folder)
            wanted[folder] = {f"produced_{i.value.name[1:]}" for i in graph.inputs}
    command = [sys.executable, "-m", "tests.backends.counting_worker", target, str(tmp_path)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    for folder, names in wanted.items():
        error = folder / "error.txt"
        assert not error.exists(), error.read_text()
        counts = json.loads((folder / "counts.json").read_text())
        wrong = {name: counts.get(name, 0) for name in names if counts.get(name, 0) != 1}
        assert not wrong, folder
