"""Records of operations as jobs: scripts of one operation, with weights and inputs at two sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tercet.compiler.constraints import Constraint
from tercet.compiler.graph.ir import Graph
from tercet.compiler.ops.loss_base import Loss
from tercet.compiler.ops.sequence_loss import Ctc
from tercet.compiler.types import DType, TensorType
from tests.backends.onnx_graphs import SPAN, Array, concrete, op_graph
from tests.backends.torch_scripts import Job, printable
from tests.ops.frame import Input, OpCase


def job(case: OpCase, target: str) -> Job:
    """The record in f32, at two sizes of each symbol."""
    types = [_single(type) for type in case.types(case.symbolic)]
    witnesses = [] if any(types) else [TensorType(DType.F32, (2,))]
    required = case.op.constraints(*types)
    constraints = tuple(Constraint(left, sign, right, SPAN) for left, sign, right in required)
    graph = replace(printable(op_graph(case.op, types, witnesses)), constraints=constraints)
    random = case.generator(target)
    probes = [_probe(case, graph, more, random) for more in ((0, 2) if case.symbolic else (0,))]
    parameters = case.parameters()
    weights = {
        path: parameters[parameter.name].astype(parameter.type.dtype.numpy_name)
        for path, parameter in graph.parameters()
    }
    exported = not isinstance(case.op, Loss if target != "mxnet" else Ctc)
    return Job(case.name, graph, weights, tuple(probes), case.tolerance, exported)


def _single(type: TensorType | None) -> TensorType | None:
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


def _probe(case: OpCase, graph: Graph, more: int, random: np.random.Generator) -> dict[str, Array]:
    """Inputs whose symbolic sizes are larger by `more` than the record's."""
    sizes = {f"S{n}": n + more for n in case.symbolic}
    found: dict[str, Array] = {}
    for entry in graph.inputs:
        name, type = entry.value.name, entry.value.type
        given = case.inputs[int(name[1:])] if name[0] == "x" else Input((2,))
        assert given is not None
        drawn = replace(given, shape=concrete(type, sizes)).draw(random)
        found[name] = np.asarray(drawn, dtype=type.dtype.numpy_name)
    return found
