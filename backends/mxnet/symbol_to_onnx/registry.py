"""What a conversion sees of its node, and the table of conversions by MXNet operator.

A node remembers which of its attributes were read: one that a conversion neither reads nor declares
as irrelevant is an error, so an option of MXNet is never dropped silently.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from .builder import Builder, Tensor
from .errors import ConversionError
from .extents import Shape
from .inference import SymbolGraph, SymbolNode


@dataclass(frozen=True)
class Output:
    """What MXNet infers about one output of a node."""

    dtype: np.dtype[Any]
    shape: Shape


@dataclass
class Node:
    """One node of the Symbol, with its inputs already converted."""

    symbol: SymbolNode
    source: SymbolGraph
    graph: Builder
    inputs: tuple[Tensor, ...]
    outputs: tuple[Output, ...]
    size_of_symbol: Callable[[str], str]
    points: Sequence[Mapping[str, int]]
    fill: float | None = None
    """The one number that all elements of its output are known to be, if the conversion says so."""
    _read: set[str] = field(default_factory=set)

    # --------------------------------------------------------------------------- attributes

    @cached_property
    def operator(self) -> str:
        return self.symbol.operator

    def text(self, key: str, default: str | None = None) -> str:
        self._read.add(key)
        value = self.symbol.attributes.get(key, default)
        if value is None:
            self.refuse(f"attribute `{key}` is missing")
        return value

    def _literal(self, key: str) -> Any:
        """The value of an attribute, None where it is absent or the text `None`."""
        self._read.add(key)
        text = self.symbol.attributes.get(key)
        if text is None:
            return None
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError):
            return self.refuse(f"attribute `{key}` has the unexpected value {text!r}")

    def optional_integer(self, key: str) -> int | None:
        value = self._literal(key)
        return None if value is None else int(value)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.optional_integer(key)
        if value is None:
            value = default
        return int(self.text(key)) if value is None else value

    def optional_real(self, key: str) -> float | None:
        """A number; MXNet writes infinities and NaN as C does."""
        self._read.add(key)
        text = self.symbol.attributes.get(key, "None")
        return None if text == "None" else float(text)

    def real(self, key: str, default: float | None = None) -> float:
        value = self.optional_real(key)
        if value is None:
            value = default
        return float(self.text(key)) if value is None else value

    def flag(self, key: str, default: bool = False) -> bool:
        self._read.add(key)
        text = self.symbol.attributes.get(key)
        return default if text is None else text in ("True", "true", "1")

    def entries(self, key: str) -> tuple[int | None, ...]:
        """A tuple whose entries may be None; () where the attribute is absent or None."""
        value = self._literal(key)
        if value is None:
            return ()
        return (value,) if isinstance(value, int) else tuple(value)

    def integers(self, key: str) -> tuple[int, ...]:
        """A tuple of integers; () where the attribute is absent or None."""
        return tuple(int(value) for value in self.entries(key) if value is not None)

    def expect(self, key: str, *allowed: str) -> None:
        """Refuses the node unless the attribute is absent, `None`, or one of these texts."""
        value = self.text(key, "None")
        if value not in ("None", *allowed):
            self.refuse(f"{key}={value} has no conversion")

    def finish(self, irrelevant: frozenset[str]) -> None:
        """Refuses the node if an attribute was neither read nor is irrelevant."""
        unread = sorted(set(self.symbol.attributes) - self._read - irrelevant)
        if unread:
            self.refuse(f"attribute `{unread[0]}` has no conversion")

    def refuse(self, reason: str) -> NoReturn:
        raise ConversionError(f"{self.symbol.operator} `{self.symbol.name}`: {reason}")

    # ------------------------------------------------------------------------------- inputs

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def names(self) -> list[str]:
        return [tensor.name for tensor in self.inputs]

    def axis(self, key: str = "axis", default: int | None = None, rank: int | None = None) -> int:
        """A non-negative axis of the first input."""
        return self.integer(key, default) % (self.x.rank if rank is None else rank)

    def constant(self, index: int) -> npt.NDArray[Any] | None:
        """The value of an input that depends on parameters alone, else None."""
        return self.source.constant(self.symbol.inputs[index])

    # ------------------------------------------------------------------------------ emitting

    def emit(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        return self.graph.emit(operator, inputs, **attributes)

    def vector(self, *values: int) -> str:
        return self.graph.vector(values)

    def scalar(self, value: float, dtype: npt.DTypeLike | None = None) -> str:
        return self.graph.scalar(value, self.x.dtype if dtype is None else dtype)

    def cast(self, value: str, source: npt.DTypeLike, target: npt.DTypeLike) -> str:
        return self.graph.cast(value, np.dtype(source), target)


Conversion = Callable[[Node], str | Sequence[str]]
"""Emits ONNX nodes; returns the name of each visible output."""

_CONVERSIONS: dict[str, tuple[Conversion, frozenset[str]]] = {}


def converts(*operators: str, irrelevant: Sequence[str] = ()) -> Callable[[Conversion], Conversion]:
    """Registers a conversion; `irrelevant` attributes do not change what inference computes."""

    def register(conversion: Conversion) -> Conversion:
        for operator in operators:
            if operator in _CONVERSIONS:
                raise ValueError(f"{operator} has two conversions")
            _CONVERSIONS[operator] = (conversion, frozenset(irrelevant))
        return conversion

    return register


def convert_node(node: Node) -> list[str]:
    """The names of the node's visible outputs.  Raises ConversionError."""
    found = _CONVERSIONS.get(node.symbol.operator)
    if found is None:
        raise ConversionError(
            f"unknown operator {node.symbol.operator} (node `{node.symbol.name}`): "
            "it has no conversion to ONNX"
        )
    conversion, irrelevant = found
    result = conversion(node)
    node.finish(irrelevant)
    return [result] if isinstance(result, str) else list(result)


def operators() -> list[str]:
    """All MXNet operators that have a conversion."""
    return sorted(_CONVERSIONS)
