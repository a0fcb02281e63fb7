"""Graphs of single operations, and what the reference and ONNX Runtime make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from tercet.backends.onnx import serialize, to_onnx
from tercet.compiler import dims
from tercet.compiler.graph.ir import (
    Apply,
    Create,
    Graph,
    GraphInput,
    GraphOutput,
    Item,
    Layer,
    Parameter,
    Region,
    Site,
    Value,
)
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.reference import interpreter as reference
from tercet.compiler.types import TensorType
from tercet.dsl.source import Source, Span

Array = NDArray[Any]
SPAN = Span(Source("test", "test"), 0, 4)
_BLOCK = cast(Any, None)


def make_layer(op: LayerOp, types: Sequence[TensorType | None]) -> Layer:
    """A layer with the parameters for inputs of these types, at a site of its own name."""
    parameters = tuple(
        Parameter(f"{op.name}.{s.name}", s.name, s.type, s.init, s.role, s.fans, s.trainable)
        for s in op.parameters(*types)
    )
    return Layer(Site(op.name, SPAN, 0), (), op, parameters, inputs=tuple(types))


def op_graph(
    op: Op, types: Sequence[TensorType | None], witnesses: Sequence[TensorType] = ()
) -> Graph:
    """A model of one operation: inputs `x0 x1 …` (None: absent), outputs `y0 y1 …`.

    `witnesses` are inputs `w0 w1 …` that nothing reads but their sizes.
    """
    inputs = [None if t is None else Value(f"x{i}", t) for i, t in enumerate(types)]
    unread = [Value(f"w{i}", t) for i, t in enumerate(witnesses)]
    outputs = tuple(Value(op.name, t) for t in op.infer_types(types))
    layer = make_layer(op, types) if isinstance(op, LayerOp) else None
    apply = Apply(op, tuple(inputs), outputs, SPAN, layer)
    items: tuple[Item, ...] = (apply,) if layer is None else (Create(layer), apply)
    given = tuple(
        GraphInput(value, (None,) * value.type.rank, SPAN)
        for value in (*inputs, *unread)
        if value is not None
    )
    results = tuple(GraphOutput(f"y{i}", value, SPAN) for i, value in enumerate(outputs))
    return Graph("Op", _BLOCK, {}, {}, given, Region(items), results)


def draw_weights(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Lively weights: no zeros, variances positive."""
    random = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for path, parameter in graph.parameters():
        shape = cast(tuple[int, ...], parameter.type.shape)
        values = random.normal(size=shape) * 0.5
        if parameter.role in ("scale", "running_var"):
            values = 0.5 + np.abs(values)
        found[path] = values.astype(parameter.type.dtype.numpy_name)
    return found


def run_model(model: onnx.ModelProto, feed: Mapping[str, Array]) -> list[Array]:
    """The outputs in order, after the checker has accepted the file."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        serialize(model), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(value) for value in session.run(None, dict(feed))]


def concrete(type: TensorType, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(dims.evaluate(size, sizes) for size in type.shape)


Draw = Callable[[str, TensorType, tuple[int, ...]], Array]
"""Makes the array of an input from its name, type and shape."""


def check_graph(
    graph: Graph, sizes: Sequence[Mapping[str, int]], draw: Draw, tolerance: float = 1e-5
) -> None:
    """ONNX Runtime gives the reference's answer, dtype and shape at all these sizes."""
    weights = draw_weights(graph)
    model = to_onnx(graph, weights)
    for setting in sizes:
        feed = {}
        for given in graph.inputs:
            name, type = given.value.name, given.value.type
            array = draw(name, type, concrete(type, setting))
            feed[name] = np.asarray(array, dtype=type.dtype.numpy_name)
        expected = reference.run(graph, feed, weights, "float32")
        for output, ours in zip(graph.outputs, run_model(model, feed), strict=True):
            type, truth = output.value.type, expected[output.name]
            assert ours.dtype == type.dtype.numpy_name
            assert ours.shape == concrete(type, setting)
            scale = float(np.abs(truth.astype(np.float64)).max(initial=1.0))
            np.testing.assert_allclose(ours, truth, rtol=tolerance, atol=tolerance * scale)
