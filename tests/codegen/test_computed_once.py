"""What a lowering mentions twice is computed once: no second dropout mask, no second update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from tercet.backends.mxnet.target import MXNetTarget
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.codegen.expr import Element, Expr, Name
from tercet.codegen.models import print_model
from tercet.codegen.printed import ClassCode
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import children, find_parts
from tercet.codegen.writer import Assign, Return
from tercet.compiler.graph.ir import Apply, Create, Graph, Item, Region, Site, Value
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.elementwise import Abs, LogicalNot
from tercet.compiler.ops.norm import BatchNorm, Dropout
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import DiagnosticError
from tests.backends.onnx_graphs import SPAN, make_layer, op_graph
from tests.backends.torch_scripts import printable
from tests.ops.cases import CASES as FUNCTION_CASES
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

TARGETS: dict[str, Callable[[Sequence[Graph]], ClassTarget]] = {
    "pytorch": lambda _: PyTorchTarget(),
    "tensorflow": TensorFlowTarget,
    "mxnet": lambda models: MXNetTarget(models[0]),
}


def _behind(case: OpCase, norm: bool) -> Graph:
    """The record's operation on operands that are computed, each by a producer of its own."""
    types = [_single(type) for type in case.types()]
    graph = printable(op_graph(case.op, types))
    made: dict[int, Value] = {}
    items: list[Item] = []
    for entry in graph.inputs:
        value = entry.value
        op = _producer(value.type, norm)
        result = Value("produced", value.type)
        layer = None
        if isinstance(op, LayerOp):
            layer = make_layer(op, [value.type])
            layer = replace(layer, site=Site(f"produced_{value.name}", SPAN, 0))
            items.append(Create(layer))
        items.append(Apply(op, (value,), (result,), SPAN, layer))
        made[id(value)] = result
    for item in graph.body.items:
        if isinstance(item, Apply):
            inputs = tuple(None if v is None else made[id(v)] for v in item.inputs)
            item = replace(item, inputs=inputs)
        items.append(item)
    return replace(graph, body=Region(tuple(items)))


def _single(type: TensorType | None) -> TensorType | None:
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


def _producer(type: TensorType, norm: bool) -> Op:
    if type.dtype is DType.BOOL:
        return LogicalNot()
    if not type.dtype.is_float:
        return Abs()
    return BatchNorm() if norm and type.rank in (2, 3, 4) else Dropout(0.5)


def _times(code: ClassCode, name: str) -> int:
    """How often the producer of an input stands in what is computed."""
    layers = [e for e in find_parts(code.compute, Element) if e.site == f"produced_{name}"]
    if layers:
        return len(layers)
    return sum(_reads(value, name) for value in _values(code, name))


def _values(code: ClassCode, name: str) -> Iterator[Expr]:
    """What the statements compute, but for what becomes of the input on entry."""
    for statement in code.compute:
        match statement:
            case Assign(targets, value) if targets != (Name(name),):
                yield value
            case Return(value):
                yield value
            case Assign():
                pass
            case _:
                raise AssertionError("a record has no loops")


def _reads(expr: Expr, name: str) -> int:
    own = isinstance(expr, Name) and expr.identifier == name
    return own + sum(_reads(part, name) for part in children(expr))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("norm", [False, True], ids=["dropout", "batch_norm"])
def test_every_operand_is_computed_once(target: str, norm: bool) -> None:
    wrong: list[tuple[str, str]] = []
    seen = 0
    for case in (*FUNCTION_CASES, *LAYER_CASES):
        graph = _behind(case, norm)
        try:
            code = print_model(graph, TARGETS[target]).classes[-1]
        except DiagnosticError:
            continue
        seen += 1
        names = [entry.value.name for entry in graph.inputs]
        wrong += [(case.name, name) for name in names if _times(code, name) > 1]
    assert not wrong
    assert seen > 200
