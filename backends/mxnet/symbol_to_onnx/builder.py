"""The ONNX graph while it grows: nodes, constants without duplicates, unique names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from .extents import Shape


class Tensor:
    """A value of the ONNX graph with what MXNet infers about it."""

    __slots__ = ("dtype", "fill", "name", "shape")

    def __init__(
        self, name: str, dtype: np.dtype[Any], shape: Shape, fill: float | None = None
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.fill = fill  # the one number that all elements are known to be, if any

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def static_shape(self) -> tuple[int, ...] | None:
        """The shape where no dimension is symbolic."""
        sizes = [extent.constant for extent in self.shape]
        return None if None in sizes else tuple(size for size in sizes if size is not None)


class Builder:
    """Collects nodes in topological order; `scope` names what is being converted."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self.scope = ""
        self._names = set(reserved)
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, npt.NDArray[Any]] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._shapes: dict[tuple[str, int, int], str] = {}

    def unique(self, hint: str) -> str:
        """A name that nothing else in the graph has."""
        name, number = hint, 0
        while name in self._names:
            number += 1
            name = f"{hint}_{number}"
        self._names.add(name)
        return name

    # ------------------------------------------------------------------------------ nodes

    def emit(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output and returns the output's name."""
        return self.emit_many(operator, inputs, 1, **attributes)[0]

    def emit_many(
        self, operator: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> list[str]:
        """Adds a node with `count` outputs and returns their names."""
        outputs = [self.unique(f"{self.scope}/{operator}") for _ in range(count)]
        self._add(operator, inputs, outputs, **attributes)
        return outputs

    def name_output(self, value: str, name: str) -> None:
        """Makes `value` the graph output of that name."""
        self._add("Identity", [value], [name])

    def _add(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> None:
        name = outputs[0]
        self._nodes.append(helper.make_node(operator, inputs, outputs, name, **attributes))

    def cast(self, value: str, source: np.dtype[Any], target: npt.DTypeLike) -> str:
        """The value in another dtype; no node where it has it already."""
        if source == np.dtype(target):
            return value
        return self.emit("Cast", [value], to=helper.np_dtype_to_tensor_dtype(np.dtype(target)))

    def shape_slice(self, value: str, start: int, stop: int) -> str:
        """The sizes of the axes from `start` to `stop` at run time, an int64 vector."""
        key = (value, start, stop)
        if key not in self._shapes:
            self._shapes[key] = self.emit("Shape", [value], start=start, end=stop)
        return self._shapes[key]

    # -------------------------------------------------------------------------- constants

    def parameter(self, name: str, array: npt.NDArray[Any]) -> str:
        """Adds an initializer under (nearly) that name."""
        unique = self.unique(name)
        self._initializers[unique] = array
        return unique

    def constant(self, array: npt.NDArray[Any], hint: str = "constant") -> str:
        """Adds an initializer, or returns an equal one that was added as a constant before."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.parameter(hint, array)
        return self._constants[key]

    def vector(self, values: Iterable[int]) -> str:
        """An int64 vector."""
        return self.constant(np.array(list(values), np.int64))

    def scalar(self, value: float, dtype: npt.DTypeLike) -> str:
        """A tensor of rank 0; a number that the dtype cannot hold is cut as in C."""
        kind = np.dtype(dtype)
        if kind.kind in "iu":
            value = int(min(max(value, np.iinfo(kind).min), np.iinfo(kind).max))
        return self.constant(np.array(value, kind))

    # ----------------------------------------------------------------------------- result

    def live(self, outputs: Iterable[str]) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """The nodes and initializers on which the outputs depend, in order."""
        needed = set(outputs)
        nodes: list[onnx.NodeProto] = []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(node.input)
        initializers = [
            numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
            for name, array in self._initializers.items()
            if name in needed
        ]
        return nodes[::-1], initializers
