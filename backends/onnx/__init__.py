"""ONNX written directly from the IR: the fourth voice beside the three frameworks' own exports.

No framework takes part, so it is there on every machine, and it depends on nothing that the other
three depend on but the IR itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.backends.onnx import protobuf
from tercet.backends.onnx.builder import Builder, lower
from tercet.backends.onnx.files import MAX_FILE_BYTES, DataFile, gather
from tercet.backends.onnx.inline import inline
from tercet.compiler.graph.ir import Graph
from tercet.compiler.lazy import lazy_module

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    onnx = lazy_module("onnx")

OPSET = 17

_FAMILIES = (
    "activation attention conv convolving einsum elementwise indexing linear loss norm not_finite "
    "pooling random recurrent reduce resizing sampling scattering shape"
)
for _family in _FAMILIES.split():
    import_module(f"tercet.backends.onnx.{_family}")


def to_onnx(graph: Graph, weights: Mapping[str, Array], *, opset: int = OPSET) -> onnx.ModelProto:
    """The model as ONNX, with these weights by canonical path.

    Inputs, outputs and symbolic dimensions have the names of the source.  The same graph and
    weights give the same bytes (`serialize`).  Raises DiagnosticError for an operation that ONNX
    cannot express, KeyError for a missing weight, ValueError for one of a wrong shape or an opset
    below 17.
    """
    if opset < OPSET:
        raise ValueError(f"opset {opset} is older than {OPSET}, the first with LayerNormalization")
    builder = _built(graph, weights)
    model = _model(graph, builder, [t.proto() for t in builder.initializers.values()])
    return model if opset == OPSET else protobuf.converted(model, opset)


def write(
    graph: Graph, weights: Mapping[str, Array], path: Path, *, largest: int = MAX_FILE_BYTES
) -> None:
    """Writes `to_onnx`; weights of more than `largest` bytes go into `<path>.data` beside it.

    Raises what `to_onnx` raises, OSError where the files cannot be written.
    """
    builder = _built(graph, weights)
    tensors = builder.initializers.values()
    if sum(tensor.size for tensor in tensors) <= largest:
        path.write_bytes(serialize(_model(graph, builder, [t.proto() for t in tensors])))
        return
    with DataFile(path) as data:
        placed = [data.added(tensor) for tensor in tensors]
    path.write_bytes(serialize(_model(graph, builder, placed)))


def _built(graph: Graph, weights: Mapping[str, Array]) -> Builder:
    """The nodes and initializers, with the names of the source."""
    builder = Builder(graph, weights)
    results = inline(graph, builder)
    inputs = dict.fromkeys(i.value.name for i in graph.inputs)
    _name_outputs(builder, inputs, results, [output.name for output in graph.outputs])
    return builder


def _model(
    graph: Graph, builder: Builder, initializers: Iterable[onnx.TensorProto]
) -> onnx.ModelProto:
    inputs = [(i.value.name, i.value.type) for i in graph.inputs]
    outputs = [(output.name, output.value.type) for output in graph.outputs]
    return protobuf.model(graph.name, builder.nodes, inputs, outputs, initializers, opset=OPSET)


def _name_outputs(
    builder: Builder, inputs: Mapping[str, None], results: list[str], outputs: list[str]
) -> None:
    """Gives the nodes that compute outputs the outputs' names; copies what has a name already."""
    renamed: dict[str, str] = {}
    copies: list[tuple[str, str]] = []
    for value, output in zip(results, outputs, strict=True):
        if value in inputs or value in builder.initializers or value in renamed:
            copies.append((value, output))
        else:
            renamed[value] = output
    for node in builder.nodes:
        _rename(node.input, renamed)
        _rename(node.output, renamed)
        node.name = renamed.get(node.name, node.name)
    for value, output in copies:
        source = renamed.get(value, value)
        builder.nodes.append(protobuf.node("Identity", [source], [output], {}))


def _rename(names: Any, renamed: Mapping[str, str]) -> None:
    for place, name in enumerate(names):
        if name in renamed:
            names[place] = renamed[name]


def serialize(model: onnx.ModelProto) -> bytes:
    """The model's bytes, the same for equal models; beyond 2 GiB only `write` can make a file."""
    return bytes(model.SerializeToString(deterministic=True))


__all__ = ["MAX_FILE_BYTES", "OPSET", "gather", "lower", "serialize", "to_onnx", "write"]
