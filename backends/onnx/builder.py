"""Collects the nodes of one ONNX graph while the IR is walked, and names everything legibly.

Blocks are inlined: ONNX's local functions would keep them, but few runtimes and viewers do.  A
value's name is its path of block instances and its name in the source (`basic_block.0.1/h`), an
initializer's the canonical path of the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tercet.backends.base import Lowerings, Unsupported
from tercet.backends.onnx import protobuf
from tercet.backends.onnx.sizes import RuntimeSizes, reshape_codes
from tercet.compiler.dims import Size
from tercet.compiler.graph.ir import Graph, Parameter
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType, TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

    Array = NDArray[Any]


class Builder:
    """Nodes and initializers of the graph under construction."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, protobuf.Initializer] = {}
        self._weights = weights
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._converted: dict[tuple[str, str], str] = {}
        self.shared: dict[Hashable, str] = {}
        self._taken: dict[str, int] = {}
        for name in (*(i.value.name for i in graph.inputs), *(o.name for o in graph.outputs)):
            self.unique(name)
        shapes = ((i.value.name, i.value.type.shape) for i in graph.inputs)
        self.sizes = RuntimeSizes(self, shapes)

    def unique(self, hint: str) -> str:
        """The hint, numbered where it is taken."""
        count = self._taken.get(hint, 0)
        self._taken[hint] = count + 1
        return self.unique(f"{hint}_{count}") if count else hint

    # ------------------------------------------------------------------------------------- nodes

    def emit_many(
        self, op_type: str, inputs: Sequence[str | None], hints: Sequence[str], **attributes: Any
    ) -> tuple[str, ...]:
        """Adds a node of several outputs; None is an absent optional input."""
        names = tuple(self.unique(hint) for hint in hints)
        self.nodes.append(protobuf.node(op_type, inputs, names, attributes))
        return names

    def emit(self, op_type: str, inputs: Sequence[str | None], hint: str, **attributes: Any) -> str:
        """Adds a node of one output and gives the output's name."""
        return self.emit_many(op_type, inputs, (hint,), **attributes)[0]

    # ------------------------------------------------------------------------------ initializers

    def constant(self, value: Array, dtype: DType | None = None) -> str:
        """A constant, once for each dtype, shape and content."""
        array = np.asarray(value)
        tensor_type = dtype or protobuf.dtype_of(array)
        key = (str(tensor_type), array.shape, array.tobytes())
        if key not in self._constants:
            name = self.unique(_constant_name(tensor_type, array))
            self._constants[key] = name
            self.initializers[name] = protobuf.Initializer(name, tensor_type, array)
        return self._constants[key]

    def ints(self, values: Iterable[int]) -> str:
        """An int64 vector."""
        return self.constant(np.array(tuple(values), dtype=np.int64))

    def parameter(self, path: str, parameter: Parameter) -> str:
        """The initializer of a parameter, by its full path.  Raises KeyError, ValueError."""
        key = (path, "")
        if key not in self._converted:
            name = self._converted[key] = self.unique(path)
            array = self.array(path, parameter)
            self.initializers[name] = protobuf.Initializer(name, parameter.type.dtype, array)
        return self._converted[key]

    def array(self, path: str, parameter: Parameter) -> Array:
        """The weight of that full path.  Raises KeyError, or ValueError for a wrong shape."""
        array = np.asarray(self._weights[path])
        if array.shape != parameter.type.shape:
            expected = list(parameter.type.shape)
            raise ValueError(f"{path}: the weight's shape is {list(array.shape)}, not {expected}")
        return array.astype(parameter.type.dtype.numpy_name, copy=False)

    def derived(self, path: str, form: str, dtype: DType, make: Callable[[], Array]) -> str:
        """A parameter in another form (ONNX's order of gates), once per path and form."""
        key = (path, form)
        if key not in self._converted:
            name = self._converted[key] = self.unique(f"{path}.{form}")
            self.initializers[name] = protobuf.Initializer(name, dtype, make())
        return self._converted[key]


def _constant_name(dtype: DType, array: Array) -> str:
    """`i64_0_-1_64` for a short one, else its dtype and shape."""
    if array.size <= 8 and array.ndim <= 1:
        return "_".join((dtype.value, *(format(v, "g") for v in array.reshape(-1).tolist())))
    return f"{dtype.value}_{'x'.join(map(str, array.shape))}"


@dataclass(frozen=True, eq=False, slots=True)
class Context:
    """One application of an operation: its operands, and the means to write nodes for it.

    `hint` names the nodes' outputs; `parameters` are the layer's by name, each with its full path.
    """

    builder: Builder
    hint: str
    inputs: tuple[str | None, ...]
    types: tuple[TensorType | None, ...]
    results: tuple[TensorType, ...]
    parameters: Mapping[str, tuple[str, Parameter]]

    @property
    def x(self) -> str:
        return self[0]

    @property
    def type(self) -> TensorType:
        """The first operand's type."""
        return self.type_of(0)

    @property
    def result(self) -> TensorType:
        """The first output's type."""
        return self.results[0]

    def __getitem__(self, index: int) -> str:
        name = self.inputs[index]
        assert name is not None, "an absent operand is read"
        return name

    def type_of(self, index: int) -> TensorType:
        found = self.types[index]
        assert found is not None, "an absent operand is read"
        return found

    def operand(self, index: int) -> str | None:
        """The operand, or None where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def names(self) -> tuple[str, ...]:
        """All operands of a variadic operation."""
        return tuple(self[i] for i in range(len(self.inputs)))

    def node(self, op_type: str, *inputs: str | None, **attributes: Any) -> str:
        """Adds a node of one output.  Raises Unsupported."""
        return self.nodes(op_type, inputs, 1, **attributes)[0]

    def nodes(
        self, op_type: str, inputs: Sequence[str | None], outputs: int, **attributes: Any
    ) -> tuple[str, ...]:
        """Adds a node of several outputs.  Raises Unsupported."""
        if op_type in protobuf.WITHOUT_BF16 and self.type.dtype is DType.BF16:
            raise Unsupported(f"ONNX's {op_type} takes no bf16", help="`cast` to f32 before it")
        return self.builder.emit_many(op_type, inputs, (self.hint,) * outputs, **attributes)

    def scalar(self, value: float | int | bool, dtype: DType | None = None) -> str:
        """A scalar constant, of the first operand's dtype unless another is given."""
        dtype = dtype or self.type.dtype
        return self.builder.constant(np.array(value, dtype=dtype.numpy_name), dtype)

    def constant(self, value: Array, dtype: DType | None = None) -> str:
        return self.builder.constant(value, dtype)

    def ints(self, *values: int) -> str:
        return self.builder.ints(values)

    def size(self, size: Size) -> str:
        """A one-element int64 vector."""
        return self.builder.sizes.size(size)

    def size_scalar(self, size: Size) -> str:
        """An int64 scalar."""
        if isinstance(size, int):
            return self.scalar(size, DType.I64)
        return self.node("Squeeze", self.size(size))

    def shape(self, sizes: Sequence[Size]) -> str:
        """An int64 vector of the sizes."""
        return self.builder.sizes.shape(sizes)

    def reshape(self, x: str, source: Sequence[Size], target: Sequence[Size]) -> str:
        """`x` of shape `source` in shape `target`; nothing where they are equal."""
        if tuple(source) == tuple(target):
            return x
        codes = reshape_codes(source, target)
        shape = self.ints(*codes) if codes is not None else self.shape(target)
        return self.node("Reshape", x, shape)

    def shape_of(self, x: str, type: TensorType) -> str:
        """The shape of `x` as an int64 vector, read from it where it is symbolic."""
        if all(isinstance(size, int) for size in type.shape):
            return self.shape(type.shape)
        return self.once(("shape", x), lambda: self.node("Shape", x))

    def once(self, key: Hashable, make: Callable[[], str]) -> str:
        """A value that other operations of the model may share."""
        if key not in self.builder.shared:
            self.builder.shared[key] = make()
        return self.builder.shared[key]

    def transposed(self, matrix: str) -> str:
        """A parameter's transpose, once."""
        return self.once(
            ("transpose", matrix),
            lambda: self.builder.emit("Transpose", [matrix], f"{matrix}/transposed", perm=[1, 0]),
        )

    def per_channel(self, vector: str) -> str:
        """A parameter of shape [C], ready to broadcast along axis 1 of the first operand."""
        ones = (1,) * (self.type.rank - 2)
        if not ones:
            return vector
        return self.once(
            ("per channel", vector, len(ones)),
            lambda: self.builder.emit(
                "Reshape", [vector, self.ints(-1, *ones)], f"{vector}/per_channel"
            ),
        )

    def cast(self, x: str, source: DType, target: DType) -> str:
        """`x` converted; nothing where the dtypes are equal."""
        return x if source == target else self.node("Cast", x, to=protobuf.elem_type(target))

    def narrow(self, op_type: str, *inputs: str, arity: int = 1, **attributes: Any) -> str:
        """A node for numbers of any dtype: 8-bit integers are computed as i32 and cut again.

        ONNX or ONNX Runtime lacks the operator for them; both wrap around alike, as long as i32
        holds the number.  The first
        `arity` inputs are of the first operand's dtype.
        """
        dtype = self.type.dtype
        if dtype not in (DType.I8, DType.U8):
            return self.node(op_type, *inputs, **attributes)
        wide = [self.cast(name, dtype, DType.I32) for name in inputs[:arity]]
        return self.cast(self.node(op_type, *wide, *inputs[arity:], **attributes), DType.I32, dtype)

    def has(self, name: str) -> bool:
        """Whether the layer has a parameter of that name."""
        return name in self.parameters

    def parameter(self, name: str) -> str:
        return self.builder.parameter(*self.parameters[name])

    def derived(self, names: Sequence[str], form: str, make: Callable[..., Array]) -> str:
        """An initializer made of parameters (ONNX's order of gates), named after the first."""
        found = [self.parameters[name] for name in names]
        path, parameter = found[0]

        def joined() -> Array:
            return make(*(self.builder.array(*item) for item in found))

        return self.builder.derived(path, form, parameter.type.dtype, joined)


Lowering = Callable[[Any, Context], str | tuple[str, ...]]
"""Writes the nodes of an operation and gives the names of its outputs.  May raise Unsupported."""

lower: Lowerings[Lowering] = Lowerings("onnx")


def apply_lowering(op: Op, context: Context) -> tuple[str, ...]:
    """Names of the operation's outputs, one for each of its results.  Raises Unsupported."""
    given = lower.find(op)(op, context)
    return (given,) if isinstance(given, str) else given
