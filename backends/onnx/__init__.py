"""ONNX written directly from the IR: the fourth voice beside the three frameworks' own exports.

No framework takes part, so it is there on every machine, and it depends on nothing that the other
three depend on but the IR itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.onnx import protobuf
from backends.onnx.builder import Builder, lower
from backends.onnx.inline import inline
from compiler.ir import Graph
from compiler.lazy import lazy_module

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    onnx = lazy_module("onnx")

OPSET = 17
MAX_FILE_BYTES = 2**31 - 2**24
"""Protocol buffers end at 2 GiB; a margin is left for the nodes."""

_FAMILIES = (
    "activation attention conv elementwise indexing linear loss norm pooling random recurrent "
    "reduce shape"
)
for _family in _FAMILIES.split():
    import_module(f"backends.onnx.{_family}")


def to_onnx(graph: Graph, weights: Mapping[str, Array], *, opset: int = OPSET) -> onnx.ModelProto:
    """The model as ONNX, with these weights by canonical path.

    Inputs, outputs and symbolic dimensions have the names of the source.  The same graph and
    weights give the same bytes (`serialize`).  Raises DiagnosticError for an operation that ONNX
    cannot express, KeyError for a missing weight, ValueError for one of a wrong shape or an opset
    below 17.
    """
    if opset < OPSET:
        raise ValueError(f"opset {opset} is older than {OPSET}, the first with LayerNormalization")
    builder = Builder(graph, weights)
    results = inline(graph, builder)
    outputs = [(output.name, output.value.type) for output in graph.outputs]
    _name_outputs(builder, dict.fromkeys(i.value.name for i in graph.inputs), results, outputs)
    inputs = [(i.value.name, i.value.type) for i in graph.inputs]
    initializers = builder.initializers.values()
    model = protobuf.model(graph.name, builder.nodes, inputs, outputs, initializers, opset=OPSET)
    return model if opset == OPSET else protobuf.converted(model, opset)


def _name_outputs(
    builder: Builder, inputs: Mapping[str, None], results: list[str], outputs: list[tuple[str, Any]]
) -> None:
    """Gives the nodes that compute outputs the outputs' names; copies what has a name already."""
    renamed: dict[str, str] = {}
    copies: list[tuple[str, str]] = []
    for value, (output, _) in zip(results, outputs, strict=True):
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
    """The model's bytes, the same for equal models; beyond 2 GiB only `save` can write it."""
    return bytes(model.SerializeToString(deterministic=True))


def save(model: onnx.ModelProto, path: Path, *, external: bool | None = None) -> None:
    """Writes the model; `external` puts its weights into `<path>.data` beside it.

    By default that is done only where a single file would exceed what protocol buffers allow.
    """
    if external is None:
        size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
        external = size > MAX_FILE_BYTES
    if not external:
        path.write_bytes(serialize(model))
        return
    data = path.with_name(f"{path.name}.data")
    data.unlink(missing_ok=True)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save_model(
        copy, str(path), save_as_external_data=True, location=data.name, size_threshold=1024
    )


__all__ = ["MAX_FILE_BYTES", "OPSET", "lower", "save", "serialize", "to_onnx"]
