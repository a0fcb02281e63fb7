"""The conversion of a whole Symbol: checks what is declared, walks the nodes, builds the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tercet.compiler.dims import Dim, Size, Symbol

from . import (  # noqa: F401  (importing a family registers its conversions)
    activation,
    arithmetic,
    attention,
    conv,
    creation,
    elementwise,
    indexing,
    linear,
    norm,
    ordering,
    pooling,
    recurrent,
    reduce,
    sampling,
    sequence,
    shape,
    slicing,
)
from .builder import Builder, Tensor
from .errors import ConversionError
from .extents import Extent, Point, recognise
from .inference import Entry, SymbolGraph, SymbolNode
from .probing import GraphInput, Probes, probe
from .registry import Node, Output, convert_node

OPSET = 17
IR_VERSION = 8
MAX_BYTES = 2**31


def convert(
    symbol_file: Path,
    params_file: Path,
    inputs: Sequence[GraphInput],
    output_names: Sequence[str],
    *,
    model_name: str,
    sizes: Mapping[str, int | Sequence[int]] | None = None,
    opset: int = OPSET,
    scalars: Sequence[str] = (),
) -> onnx.ModelProto:
    """The ONNX model of an exported HybridBlock.

    `sizes` states admissible sizes of symbolic dimensions (the first one is the base) where a
    dimension cannot take any size; the others are varied freely.  Outputs get the declared names
    in the declared order; those in `scalars`, of shape [1] in MXNet, lose their axis.  Raises
    ConversionError.
    """
    if opset != OPSET:
        raise ConversionError(f"only opset {OPSET} is written, not {opset}")
    source = SymbolGraph(symbol_file, params_file)
    _check_declared(source, inputs, output_names)
    probes = probe(source, inputs, sizes)
    conversion = _Conversion(source, probes, inputs, output_names, scalars)
    model = _model(conversion, inputs, output_names, model_name)
    if (size := model.ByteSize()) >= MAX_BYTES:
        raise ConversionError(f"the model has {size} bytes; an ONNX file holds less than 2 GiB")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"the converted model is not valid: {error}") from error
    return model


def _check_declared(
    source: SymbolGraph, inputs: Sequence[GraphInput], output_names: Sequence[str]
) -> None:
    names = [item.name for item in inputs]
    for item in inputs:
        _check_input(item)
    for kind, given in (("input", names), ("output", list(output_names))):
        repeated = sorted({name for name in given if given.count(name) > 1})
        if repeated:
            raise ConversionError(f"two {kind}s are called `{repeated[0]}`")
    if both := sorted(set(names) & set(output_names)):
        raise ConversionError(f"`{both[0]}` is the name of an input and of an output")
    if both := sorted(set(names) & source.parameters):
        raise ConversionError(f"`{both[0]}` is the name of an input and of a parameter")
    for node in source.variables:
        if node.name not in source.parameters and node.name not in names:
            raise ConversionError(
                f"variable `{node.name}` of the Symbol is neither an input nor a parameter"
            )
    if len(source.heads) != len(output_names):
        raise ConversionError(
            f"the Symbol has {len(source.heads)} outputs, declared are {len(output_names)}"
        )


def _check_input(item: GraphInput) -> None:
    try:
        helper.np_dtype_to_tensor_dtype(np.dtype(item.dtype))
    except (TypeError, ValueError) as error:
        raise ConversionError(f"input `{item.name}`: unknown dtype {item.dtype}") from error
    for size in item.sizes:
        if isinstance(size, int) and size < 1:
            raise ConversionError(f"input `{item.name}`: sizes are integers >= 1, not {size}")


class _Conversion:
    """One walk over the Symbol's nodes; afterwards `heads` holds the outputs in order."""

    def __init__(
        self,
        source: SymbolGraph,
        probes: Probes,
        inputs: Sequence[GraphInput],
        output_names: Sequence[str],
        scalars: Sequence[str],
    ) -> None:
        self.source = source
        self.probes = probes
        self.inputs = {item.name: item for item in inputs}
        self.builder = Builder([*self.inputs, *output_names])
        self._dtypes = source.dtypes({item.name: item.dtype for item in inputs})
        self._tensors: dict[Entry, Tensor] = {}
        for node in source.nodes:
            self._convert(node)
        self.heads = [
            self._scalar(entry) if name in scalars else self._tensor(entry)
            for entry, name in zip(source.heads, output_names, strict=True)
        ]

    def _scalar(self, entry: Entry) -> Tensor:
        """One element without axes, which MXNet does not have."""
        tensor = self._tensor(entry)
        value = self.builder.emit("Reshape", [tensor.name, self.builder.vector([])])
        return Tensor(value, tensor.dtype, ())

    def _convert(self, symbol_node: SymbolNode) -> None:
        self.builder.scope = symbol_node.name
        fill: float | None = None
        if symbol_node.operator == "null":
            values = [self._variable(symbol_node.name)]
        else:
            node = self._node(symbol_node)
            values = convert_node(node)
            fill = node.fill
        for position, value in enumerate(values):
            entry = (symbol_node.index, position)
            output = self._output(entry)
            self._tensors[entry] = Tensor(value, output.dtype, output.shape, fill)

    def _variable(self, name: str) -> str:
        if name in self.inputs:
            if self.inputs[name].shape:
                return name
            return self.builder.emit("Reshape", [name, self.builder.vector([1])])
        return self.builder.parameter(name, self.source.parameter(name))

    def _node(self, node: SymbolNode) -> Node:
        count = self.source.output_count(node)
        return Node(
            symbol=node,
            source=self.source,
            graph=self.builder,
            inputs=tuple(self._tensor(entry) for entry in node.inputs),
            outputs=tuple(self._output((node.index, k)) for k in range(count)),
            size_of_symbol=self._size_of_symbol,
            points=self.probes.points,
        )

    def _tensor(self, entry: Entry) -> Tensor:
        if entry not in self._tensors:
            node = self.source.nodes[entry[0]]
            raise ConversionError(
                f"{node.operator} `{node.name}`: its output {entry[1]} has no conversion"
            )
        return self._tensors[entry]

    def _output(self, entry: Entry) -> Output:
        return Output(self._dtypes[entry], self.probes.shapes[entry])

    def _size_of_symbol(self, name: str) -> str:
        """The value of a symbolic dimension at run time, from the shape of an input."""
        for item in self.inputs.values():
            for axis, size in enumerate(item.sizes):
                if _solvable(size, name):
                    found = self.builder.shape_slice(item.name, axis, axis + 1)
                    return self._solve(size, found)
        raise ConversionError(f"no input tells the size of the symbolic dimension `{name}`")

    def _solve(self, size: Size, value: str) -> str:
        assert isinstance(size, Dim)
        factor, constant = size.terms[0][1], size.constant
        if constant:
            value = self.builder.emit("Sub", [value, self.builder.vector([constant])])
        if factor != 1:
            value = self.builder.emit("Div", [value, self.builder.vector([factor])])
        return value


def _solvable(size: Size, name: str) -> bool:
    """Whether the size is `a * name + b`."""
    match size:
        case Dim(terms=(((Symbol(found),), factor), *rest)) if found == name and factor > 0:
            return not rest or rest[0][0] == ()
    return False


def _model(
    conversion: _Conversion,
    inputs: Sequence[GraphInput],
    output_names: Sequence[str],
    model_name: str,
) -> onnx.ModelProto:
    for tensor, name in zip(conversion.heads, output_names, strict=True):
        conversion.builder.name_output(tensor.name, name)
    nodes, initializers = conversion.builder.live(output_names)
    points = conversion.probes.points
    graph = helper.make_graph(
        nodes,
        model_name,
        [_value_info(item.name, np.dtype(item.dtype), item.sizes) for item in inputs],
        [
            _value_info(name, tensor.dtype, [_named(extent, points) for extent in tensor.shape])
            for name, tensor in zip(output_names, conversion.heads, strict=True)
        ],
        initializers,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tercet"
    )


def _named(extent: Extent, points: Sequence[Point]) -> Size | None:
    return recognise(extent, points)


def _value_info(
    name: str, dtype: np.dtype[Any], sizes: Sequence[Size | None]
) -> onnx.ValueInfoProto:
    """Symbolic sizes are written as the source writes them; None is a size without a name."""
    dims = [str(size) if isinstance(size, Dim) else size for size in sizes]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), dims)


__all__ = ["GraphInput", "convert", "OPSET"]
