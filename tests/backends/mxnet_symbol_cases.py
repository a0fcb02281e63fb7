"""What a case of the MXNet Symbol exporter is, and the words its tables are written in.

A case is a Gluon block and its inputs.  The worker exports the block once, converts the Symbol, and
compares MXNet's own output with ONNX Runtime's at two sizes of every symbolic dimension.  MXNet is
imported by nothing here: builders get the module from the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SIZES: Mapping[str, tuple[int, int]] = {
    "N": (2, 3),
    "T": (5, 7),
    "S": (4, 6),
    "H": (9, 12),
    "W": (8, 11),
    "E": (8, 12),
}
"""The sizes each symbolic dimension is compared at; conversion tries others."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Input:
    """Random data: normal, or uniform between bounds where there are some."""

    shape: tuple[int | str, ...]
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None

    def draw(self, sizes: Mapping[str, int], random: np.random.Generator) -> Array:
        shape = [_concrete(dim, sizes) for dim in self.shape]
        if self.low is None or self.high is None:
            return (random.standard_normal(shape) * 2).astype(self.dtype)
        if np.dtype(self.dtype).kind == "f" and self.low != int(self.low):
            return random.uniform(self.low, self.high, shape).astype(self.dtype)
        return random.integers(int(self.low), int(self.high), shape).astype(self.dtype)


def _concrete(dim: int | str, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    factor, _, name = dim.rpartition("*")
    return int(factor or 1) * sizes[name.strip()]


@dataclass(frozen=True)
class Case:
    """`dims` are the expected output shapes, `operators` ONNX operators that must be there.

    With `error` the conversion must fail with a message that contains it.  `runtime` is "reference"
    where ONNX Runtime has no kernel for the dtype.
    """

    name: str
    build: Callable[[Any], Any]
    inputs: tuple[Input, ...]
    tolerance: float = 1e-5
    dims: tuple[tuple[int | str, ...], ...] | None = None
    operators: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    output_names: tuple[str, ...] | None = None
    runtime: str = "onnxruntime"
    may_be_zero: bool = False


def real(*shape: int | str, dtype: str = "float32") -> Input:
    return Input(shape, dtype)


def positive(*shape: int | str, dtype: str = "float32") -> Input:
    return Input(shape, dtype, 0.25, 3.0)


def integers(low: int, high: int, *shape: int | str, dtype: str = "int64") -> Input:
    return Input(shape, dtype, low, high)


def layer(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """A layer of `gluon.nn`."""
    return lambda mx: getattr(mx.gluon.nn, name)(*arguments, **options)


def function(body: Callable[..., Any], **constants: Array) -> Callable[[Any], Any]:
    """A block that is one function of `F`, its inputs, and constants."""

    def build(mx: Any) -> Any:
        class Function(mx.gluon.HybridBlock):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                with self.name_scope():
                    for name, value in constants.items():
                        array = mx.nd.array(value, dtype=value.dtype)
                        setattr(self, name, self.params.get_constant(name, array))

            def hybrid_forward(self, F: Any, *inputs: Any, **parameters: Any) -> Any:
                return body(F, *inputs, **parameters)

        return Function()

    return build


def recurrent(kind: str, units: int, width: int, **options: Any) -> Callable[[Any], Any]:
    """A recurrent layer of `gluon.rnn`, batch first."""
    if kind == "RNN":
        options = {"activation": "tanh", **options}
    options = {"layout": "NTC", "input_size": width, **options}

    def build(mx: Any) -> Any:
        class Recurrent(mx.gluon.HybridBlock):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                with self.name_scope():
                    self.layer = getattr(mx.gluon.rnn, kind)(units, **options)

            def hybrid_forward(self, F: Any, x: Any, *states: Any) -> Any:
                if not states:
                    return self.layer(x)
                sequence, finals = self.layer(x, list(states))
                return (sequence, *finals)

        return Recurrent()

    return build


def weights(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
