"""ONNX's protocol buffers, written directly: `onnx.helper` checks what is right by construction.

`onnx` is imported when the first of these functions is called, not with this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tercet.compiler.dims import Size
from tercet.compiler.lazy import lazy_module, np
from tercet.compiler.types import DType, TensorType

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    onnx = lazy_module("onnx")

IR_VERSION = 10
"""The newest file format that ONNX Runtime 1.20, the oldest admitted, reads."""

_ELEM_TYPES = {
    DType.F32: 1,
    DType.U8: 2,
    DType.I8: 3,
    DType.I32: 6,
    DType.I64: 7,
    DType.BOOL: 9,
    DType.F16: 10,
    DType.F64: 11,
    DType.BF16: 16,
}
WITHOUT_BF16 = {
    *("AveragePool", "Conv", "ConvTranspose", "Cos", "Elu", "GRU", "GlobalAveragePool"),
    *(
        "GlobalMaxPool",
        "GridSample",
        "HardSigmoid",
        "HardSwish",
        "InstanceNormalization",
        "LSTM",
        "MaxPool",
    ),
    *("RNN", "Round", "Selu", "Sin", "Softplus", "Softsign", "Tan", "TopK"),
    *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Sinh"),
    *("Einsum", "Hardmax", "LRN", "LpPool", "Shrink", "ThresholdedRelu"),
}
"""Operators that take all floats but these in opset 17."""

_BY_NUMPY = {dtype.numpy_name: dtype for dtype in DType if dtype is not DType.BF16}


def elem_type(dtype: DType) -> int:
    """The number of a dtype in `onnx.TensorProto.DataType`."""
    return _ELEM_TYPES[dtype]


def dtype_of(array: Array) -> DType:
    """The dtype of an array.  Raises KeyError for one that the language lacks."""
    return _BY_NUMPY[array.dtype.name]


def node(
    op_type: str,
    inputs: Sequence[str | None],
    outputs: Sequence[str],
    attributes: Mapping[str, Any],
) -> onnx.NodeProto:
    """A node named like its first output; attributes that are None are left out."""
    proto = onnx.NodeProto(
        op_type=op_type,
        name=outputs[0],
        input=["" if name is None else name for name in _without_trailing_none(inputs)],
        output=outputs,
    )
    for name, value in attributes.items():
        if value is not None:
            proto.attribute.append(_attribute(name, value))
    return proto


def _without_trailing_none(inputs: Sequence[str | None]) -> Sequence[str | None]:
    count = len(inputs)
    while count and inputs[count - 1] is None:
        count -= 1
    return inputs[:count]


def _attribute(name: str, value: Any) -> onnx.AttributeProto:
    kinds = onnx.AttributeProto
    match value:
        case bool() | int():
            return onnx.AttributeProto(name=name, type=kinds.INT, i=int(value))
        case float():
            return onnx.AttributeProto(name=name, type=kinds.FLOAT, f=value)
        case str():
            return onnx.AttributeProto(name=name, type=kinds.STRING, s=value.encode())
        case onnx.TensorProto():
            return onnx.AttributeProto(name=name, type=kinds.TENSOR, t=value)
        case [float(), *_]:
            return onnx.AttributeProto(name=name, type=kinds.FLOATS, floats=value)
        case [str(), *_]:
            strings = [item.encode() for item in value]
            return onnx.AttributeProto(name=name, type=kinds.STRINGS, strings=strings)
        case [*integers]:
            return onnx.AttributeProto(name=name, type=kinds.INTS, ints=integers)
    raise TypeError(f"attribute {name}: {value!r}")


def tensor(name: str, dtype: DType, array: Array) -> onnx.TensorProto:
    """A tensor with its elements in ONNX's raw little-endian form."""
    return Initializer(name, dtype, array).proto()


@dataclass(frozen=True, eq=False)
class Initializer:
    """A tensor that is not made a message yet: messages end at 2 GiB, and copy what they hold."""

    name: str
    dtype: DType
    array: Array

    def elements(self) -> Array:
        """In ONNX's raw little-endian form, contiguous."""
        array = np.ascontiguousarray(self.array).reshape(self.array.shape)
        if self.dtype is DType.BF16:
            return _bfloat16_bits(array)
        return array.astype(np.dtype(self.dtype.numpy_name).newbyteorder("<"), copy=False)

    @property
    def size(self) -> int:
        """Bytes of its elements."""
        return int(self.array.size) * self.dtype.size

    def proto(self) -> onnx.TensorProto:
        """The message with the elements in it."""
        return self._declared(raw_data=self.elements().tobytes())

    def external(self, location: str, offset: int) -> onnx.TensorProto:
        """The message for elements that stand in a file beside the model's."""
        return placed(self._declared(), location, offset, self.size)

    def _declared(self, **data: Any) -> onnx.TensorProto:
        return onnx.TensorProto(
            name=self.name, data_type=elem_type(self.dtype), dims=self.array.shape, **data
        )


def placed(proto: onnx.TensorProto, location: str, offset: int, length: int) -> onnx.TensorProto:
    """The message, changed to say where its elements stand in another file."""
    proto.ClearField("raw_data")
    proto.ClearField("external_data")
    proto.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": length}.items():
        proto.external_data.append(onnx.StringStringEntryProto(key=key, value=str(value)))
    return proto


def _bfloat16_bits(array: Array) -> Array:
    """float32 rounded to nearest even at 16 bits."""
    array = np.atleast_1d(array)  # NumPy shifts no scalar of this type
    bits = array.astype("<f4").view("<u4").astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet_nan = (bits >> 16) | 0x40
    return np.where(np.isnan(array), quiet_nan, rounded).astype("<u2")


def value_info(name: str, type: TensorType) -> onnx.ValueInfoProto:
    """A declared value; a symbolic size is a `dim_param` of the same text."""
    proto = onnx.ValueInfoProto(name=name)
    declared = proto.type.tensor_type
    declared.elem_type = elem_type(type.dtype)
    declared.shape.SetInParent()
    for size in type.shape:
        _dimension(declared.shape.dim.add(), size)
    return proto


def _dimension(dimension: Any, size: Size) -> None:
    if isinstance(size, int):
        dimension.dim_value = size
    else:
        dimension.dim_param = str(size)


def model(
    name: str,
    nodes: Iterable[onnx.NodeProto],
    inputs: Iterable[tuple[str, TensorType]],
    outputs: Iterable[tuple[str, TensorType]],
    initializers: Iterable[onnx.TensorProto],
    *,
    opset: int,
) -> onnx.ModelProto:
    """The whole file; nothing in it depends on the time or the machine."""
    graph = onnx.GraphProto(
        name=name,
        node=nodes,
        initializer=initializers,
        input=[value_info(*declared) for declared in inputs],
        output=[value_info(*declared) for declared in outputs],
    )
    return onnx.ModelProto(
        ir_version=IR_VERSION,
        producer_name="tercet",
        opset_import=[onnx.OperatorSetIdProto(domain="", version=opset)],
        graph=graph,
    )


def converted(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model for another opset."""
    from onnx import version_converter

    result = version_converter.convert_version(model, opset)
    result.ir_version = IR_VERSION
    return result
