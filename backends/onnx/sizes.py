"""Sizes that only a run knows, computed by the exported graph itself.

A symbol is read from the shape of a model's input; an expression becomes integer arithmetic on such
readings.  Every size is a one-element int64 vector, so that a shape is a concatenation, and every
expression is computed once per model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Protocol

from tercet.backends.base import Unsupported
from tercet.compiler import dims
from tercet.compiler.dims import Dim, FloorDiv, Max, Min, Mod, Product, Size, Sum, Symbol


class Emitter(Protocol):
    """What this module needs of the builder."""

    def emit(self, op_type: str, inputs: Sequence[str], hint: str, **attributes: object) -> str: ...

    def ints(self, values: Iterable[int]) -> str: ...


class RuntimeSizes:
    """Symbolic sizes as names of one-element int64 vectors."""

    def __init__(self, emitter: Emitter, inputs: Iterable[tuple[str, Sequence[Size]]]) -> None:
        """`inputs` are the model's inputs by name with their shapes: where symbols are read."""
        self._emitter = emitter
        self._names: dict[Size, str] = {}
        self._shapes: dict[tuple[Size, ...], str] = {}
        self._sources: dict[str, tuple[str, int, int, int]] = {}
        for name, shape in inputs:
            for axis, size in enumerate(shape):
                self._note_source(name, axis, size)

    def _note_source(self, name: str, axis: int, size: Size) -> None:
        """Remembers the plainest place to read a symbol: `H` before `16 * H`."""
        form = dims.affine(size)
        if form is not None:
            symbol, factor, addend = form
            place = (name, axis, factor, addend)
            known = self._sources.get(symbol, place)
            self._sources[symbol] = min(known, place, key=lambda read: read[2:] != (1, 0))

    def size(self, size: Size) -> str:
        """The name of a one-element vector that holds the size.  Raises Unsupported."""
        if isinstance(size, int):
            return self._emitter.ints((size,))
        name = self._names.get(size)
        if name is None:
            name = self._names[size] = self._compute(size)
        return name

    def shape(self, sizes: Sequence[Size]) -> str:
        """The name of a vector of the sizes, neighbouring integers in one constant."""
        if all(isinstance(size, int) for size in sizes):
            return self._emitter.ints(size for size in sizes if isinstance(size, int))
        key = tuple(sizes)
        if key not in self._shapes:
            self._shapes[key] = self._concatenate(key)
        return self._shapes[key]

    def _concatenate(self, sizes: Sequence[Size]) -> str:
        parts: list[str] = []
        run: list[int] = []
        for size in sizes:
            if isinstance(size, int):
                run.append(size)
                continue
            if run:
                parts.append(self._emitter.ints(run))
                run = []
            parts.append(self.size(size))
        if run:
            parts.append(self._emitter.ints(run))
        if len(parts) == 1:
            return parts[0]
        hint = f"shape/{'x'.join(str(size).replace(' ', '') for size in sizes)}"
        return self._emitter.emit("Concat", parts, hint, axis=0)

    def _compute(self, size: Dim) -> str:
        hint = f"size/{str(size).replace(' ', '')}"
        match size.expression:
            case Symbol(symbol):
                return self._read(symbol, hint)
            case FloorDiv(left, right):
                return self._floor_divide(left, right, hint)
            case Mod(left, right):
                return self._emit("Mod", left, right, hint)
            case Min(items):
                return self._emitter.emit("Min", [self.size(i) for i in items], hint)
            case Max(items):
                return self._emitter.emit("Max", [self.size(i) for i in items], hint)
            case Product(factors):
                return self._fold("Mul", [self.size(f) for f in factors], hint)
            case Sum() as total:
                return self._sum(total, hint)
        raise TypeError(size)

    def _sum(self, total: Sum, hint: str) -> str:
        (sign, first), *others = total.signed
        name = self.size(first if sign > 0 else -first)
        for sign, term in others:
            name = self._emitter.emit("Add" if sign > 0 else "Sub", [name, self.size(term)], hint)
        return name

    def _read(self, symbol: str, hint: str) -> str:
        if symbol not in self._sources:
            raise Unsupported(f"no input's shape tells the size {symbol} alone")
        name, axis, factor, addend = self._sources[symbol]
        if (factor, addend) == (1, 0):
            return self._emitter.emit("Shape", [name], hint, start=axis, end=axis + 1)
        value = self._emitter.emit("Shape", [name], f"{hint}/of", start=axis, end=axis + 1)
        if addend:
            value = self._emitter.emit(
                "Sub", [value, self._emitter.ints((addend,))], f"{hint}/linear"
            )
        if factor == 1:
            return value
        return self._emitter.emit("Div", [value, self._emitter.ints((factor,))], hint)

    def _floor_divide(self, left: Size, right: Size, hint: str) -> str:
        """ONNX's Div truncates; what may be negative is first made a multiple of the divisor."""
        dividend = self.size(left)
        if dims.less_equal(0, left) is not True or dims.less(0, right) is not True:
            rest = self._emit("Mod", left, right, f"{hint}/rest")
            dividend = self._emitter.emit("Sub", [dividend, rest], f"{hint}/multiple")
        return self._emitter.emit("Div", [dividend, self.size(right)], hint)

    def _emit(self, op_type: str, left: Size, right: Size, hint: str) -> str:
        return self._emitter.emit(op_type, [self.size(left), self.size(right)], hint)

    def _fold(self, op_type: str, names: Sequence[str], hint: str) -> str:
        return reduce(lambda a, b: self._emitter.emit(op_type, [a, b], hint), names)


def reshape_codes(source: Sequence[Size], target: Sequence[Size]) -> tuple[int, ...] | None:
    """The constant shape for ONNX's Reshape: 0 keeps a size, -1 is inferred; None if not enough."""
    codes: list[int] = []
    for axis, size in enumerate(target):
        if isinstance(size, int):
            codes.append(size)
        elif axis < len(source) and source[axis] == size:
            codes.append(0)
        else:
            codes.append(-1)
    return tuple(codes) if codes.count(-1) <= 1 and 0 not in target else None
