"""The interpreter: runs a graph in NumPy through the operations' own `reference`.

It is the truth that every target is compared with, so it is simple where it can be: one operation
after the other, all floating-point numbers at one precision, whatever their declared dtype.  Every
result is checked against the inferred type, which makes inference and reference test each other.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.graph.ir import Apply, Call, Create, Graph, Parameter, ReadParameter, Value
from tercet.compiler.graph.ownership import Owner
from tercet.compiler.lazy import np
from tercet.compiler.ops.slicing import Integer, Slice
from tercet.compiler.reference.inputs import (
    InputError,
    check_constraints,
    checked_inputs,
    resolve_sizes,
)
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

Precision = Literal["float64", "float32"]
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One operation as it ran; `path` is that of the block instance around it, "" in the model."""

    item: Apply
    path: str
    layer_path: str | None = None
    """The path of the layer that was applied, which a caller of the instance may have made."""


Observer = Callable[[Step, tuple["Array", ...]], "tuple[Array, ...] | None"]
"""Sees the results of every operation, and may give others to go on with."""


def run(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    dtype: Precision = "float64",
    *,
    sizes: Mapping[str, int] | None = None,
    random: np.random.Generator | None = None,
    observe: Observer | None = None,
) -> dict[str, Array]:
    """The graph's outputs by name.

    `inputs` are arrays of the declared shapes by name; floating-point ones may be of any precision
    and are computed with in `dtype`, integers and booleans keep their declared dtype.  `weights`
    are by full path, in the shapes of a weights file (convolution OIHW, dense out x in).  Sizes
    follow from the inputs; `sizes` gives those that do not.  `random` is what random operations
    draw from, `observe` sees every result.  Outputs have the inferred shapes, floating-point ones
    the precision `dtype`.

    Raises InputError for inputs and weights that the graph does not take and sizes that break one
    of its constraints, AssertionError where an operation's reference and its inference disagree.
    """
    given = {name: np.asarray(array) for name, array in inputs.items()}
    known = resolve_sizes(graph, given, sizes or {})
    check_constraints(graph, known)
    arrays = checked_inputs(graph, given, dtype)
    machine = _Machine(weights, known, dtype, random, observe)
    with np.errstate(all="ignore"):
        return machine.run(graph, arrays)


def concretize(op: T, sizes: Mapping[str, int], dtype: Precision | None = None) -> T:
    """The operation with numbers for its symbolic sizes and, if given, one float dtype for all.

    Also of a part of an operation, such as a slice.
    """
    dataclass_op: Any = op  # every operation is one, though their base is not
    changed = {}
    for attribute in dataclasses.fields(dataclass_op):
        value = getattr(op, attribute.name)
        new = _concrete(value, sizes, dtype)
        if new is not value:
            changed[attribute.name] = new
    result: T = dataclasses.replace(dataclass_op, **changed) if changed else op
    return result


def _concrete(value: Any, sizes: Mapping[str, int], dtype: Precision | None) -> Any:
    match value:
        case Dim():
            return dims.evaluate(value, sizes)
        case DType() if dtype is not None and value.is_float:
            wanted = DType.F64 if dtype == "float64" else DType.F32
            return value if value is wanted else wanted
        case tuple():
            items = tuple(_concrete(item, sizes, dtype) for item in value)
            same = all(new is old for new, old in zip(items, value, strict=True))
            return value if same else items
        case Slice() | Integer():
            return concretize(value, sizes, dtype)
    return value


@dataclass(eq=False)
class _Frame:
    """A graph in the middle of its run.  Values leave when nothing reads them any more."""

    graph: Graph
    owner: Owner
    call: Call | None
    items: Iterator[Create | Apply | Call | ReadParameter]
    uses: Counter[Value]
    values: dict[Value, Array] = field(default_factory=dict)

    def take(self, value: Value) -> Array:
        """The array of a value, for one of its uses."""
        self.uses[value] -= 1
        return self.values[value] if self.uses[value] else self.values.pop(value)

    def put(self, value: Value, array: Array) -> None:
        if self.uses[value]:
            self.values[value] = array


@dataclass(eq=False)
class _Machine:
    weights: Mapping[str, Array]
    sizes: Mapping[str, int]
    dtype: Precision
    random: np.random.Generator | None
    observe: Observer | None
    uses: dict[Graph, Counter[Value]] = field(default_factory=dict)
    shapes: dict[Size, int] = field(default_factory=dict)

    def run(self, graph: Graph, inputs: Mapping[Value, Array]) -> dict[str, Array]:
        """Runs a graph and all it calls, without recursion."""
        stack = [self._frame(graph, Owner(), None, inputs)]
        while True:
            frame = stack[-1]
            match next(frame.items, None):
                case Create(made=made):
                    frame.owner.make(made)
                case Apply() as item:
                    self._apply(frame, item)
                case ReadParameter() as item:
                    prefix = frame.owner.prefix_of(item.layer)
                    frame.put(item.output, self._weight(prefix, item.parameter))
                case Call() as item:
                    formal = [i.value for i in item.graph.inputs]
                    taken = [frame.take(value) for value in item.inputs]
                    bound = dict(zip(formal, taken, strict=True))
                    inner = frame.owner.enter(item.instance)
                    stack.append(self._frame(item.graph, inner, item, bound))
                case None:
                    stack.pop()
                    results = [frame.take(output.value) for output in frame.graph.outputs]
                    if frame.call is None:
                        names = [output.name for output in frame.graph.outputs]
                        return dict(zip(names, results, strict=True))
                    for value, result in zip(frame.call.outputs, results, strict=True):
                        stack[-1].put(value, result)

    def _frame(
        self, graph: Graph, owner: Owner, call: Call | None, inputs: Mapping[Value, Array]
    ) -> _Frame:
        if graph not in self.uses:
            self.uses[graph] = _count_uses(graph)
        frame = _Frame(graph, owner, call, graph.body.walk(), self.uses[graph].copy())
        for value, array in inputs.items():
            frame.put(value, array)
        return frame

    def _apply(self, frame: _Frame, item: Apply) -> None:
        arrays = [None if value is None else frame.take(value) for value in item.inputs]
        parameters: dict[str, Any] = {}
        prefix = frame.owner.prefix_of(item.layer)
        if item.layer is not None:
            owned = item.layer.parameters
            parameters = {p.name: self._weight(prefix, p) for p in owned}
        types = [None if value is None else value.type for value in item.inputs]
        op = concretize(item.op.settled(*types), self.sizes, self.dtype)
        if op.is_random:
            if self.random is None:
                raise InputError(f"`{op.name}` at {item.span} draws numbers: give a generator")
            parameters["random"] = self.random
        try:
            result = op.reference(*arrays, **parameters)
        except (ValueError, IndexError) as error:
            raise InputError(f"`{op.name}` at {item.span}: {error}") from error
        results = result if isinstance(result, tuple) else (result,)
        pairs = zip(results, item.outputs, strict=True)
        found = tuple(self._checked(array, value.type, item) for array, value in pairs)
        if self.observe is not None:
            path = None if item.layer is None else prefix + item.layer.path
            step = Step(item, frame.owner.prefix.removesuffix("."), path)
            found = self.observe(step, found) or found
        for value, array in zip(item.outputs, found, strict=True):
            frame.put(value, array)

    def _checked(self, result: Any, type: TensorType, item: Apply) -> Array:
        """The result at the run's precision, if its shape and kind are those inferred."""
        array = np.asarray(result)
        if type.dtype.is_float and array.dtype.kind == "f":
            array = array.astype(self.dtype, copy=False)
        expected = self.dtype if type.dtype.is_float else type.dtype.numpy_name
        if array.shape != self._shape(type) or array.dtype != expected:
            raise AssertionError(
                f"the reference of `{item.op.name}` at {item.span} gives "
                f"{array.dtype}{list(array.shape)}, but {type} was inferred"
            )
        return array

    def _weight(self, prefix: str, parameter: Parameter) -> Array:
        path = prefix + parameter.path
        if path not in self.weights:
            raise InputError(f"there is no weight `{path}`")
        array = np.asarray(self.weights[path])
        shape = self._shape(parameter.type)
        if array.shape != shape:
            raise InputError(
                f"the weight `{path}` has shape {list(array.shape)}, not {list(shape)}"
            )
        is_float = parameter.type.dtype.is_float
        return array.astype(self.dtype, copy=False) if is_float else array

    def _shape(self, type: TensorType) -> tuple[int, ...]:
        return tuple(self._size(size) for size in type.shape)

    def _size(self, size: Size) -> int:
        if isinstance(size, int):
            return size
        if size not in self.shapes:
            self.shapes[size] = dims.evaluate(size, self.sizes)
        return self.shapes[size]


def _count_uses(graph: Graph) -> Counter[Value]:
    """How often the graph reads each value, its outputs included."""
    uses = Counter(output.value for output in graph.outputs)
    for item in graph.body.walk():
        if isinstance(item, Apply | Call):
            uses.update(value for value in item.inputs if value is not None)
    return uses


__all__ = ["InputError", "Observer", "Precision", "Step", "concretize", "resolve_sizes", "run"]
