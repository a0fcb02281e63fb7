"""A record of one configuration of an operation, and the arrays it is tried on.

The same records serve inference, the reference and every backend: an operation, inputs
seeded by the record's name, and how near a target in float32 must come.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.slicing import Index
from tercet.compiler.types import DType, TensorType

Array = NDArray[Any]
Kind = Literal[
    "normal",
    "zero",
    "positive",
    "probability",
    "cosine",
    "above_one",
    "sign",
    "halves",
    "special",
    "integer",
    "count",
    "signed_count",
    "index",
    "place",
    "apart",
    "length",
    "grid",
    "mask",
    "hiding",
    "mask_with_empty_rows",
]
_INTEGERS = ("integer", "count", "signed_count", "index", "place", "apart", "length")


@dataclass(frozen=True)
class Input:
    """An operand: its shape, and what its elements are like.

    `integer` is from -9 to 9, `count` from 1 to 9, `signed_count` of either sign, `index` below
    `high`, `length` from 1 to `high`; `halves` are multiples of 1/2, a `grid`
    is from a little below -1 to a little above 1, in multiples of 1/`high` where that is given, and
    `special` has infinities and NaN among the numbers.  The first row of a
    `mask_with_empty_rows` is false, and the second one but for its last element.
    """

    shape: tuple[int, ...]
    kind: Kind = "normal"
    high: int = 0

    @property
    def dtype(self) -> DType:
        if self.kind in _INTEGERS:
            return DType.I64
        return DType.BOOL if self.kind.startswith("mask") else DType.F64

    def type(self, symbolic: tuple[int, ...] = ()) -> TensorType:
        sizes: list[Size] = [dims.symbol(f"S{n}") if n in symbolic else n for n in self.shape]
        return TensorType(self.dtype, tuple(sizes))

    def _apart(self) -> Array:
        """Along the longest axis no index twice, and no tuple of the last axis."""
        axis = self.shape.index(max(self.shape))
        others = tuple(1 if k == axis else n for k, n in enumerate(self.shape))
        shifts = np.square(np.arange(np.prod(others))).reshape(others)
        along = np.indices(self.shape)[axis]
        return np.asarray((2 * along + shifts) % self.high - self.high * (along % 2))

    def draw(self, random: np.random.Generator) -> Array:
        """An array of the type, floating-point numbers as float64."""
        match self.kind:
            case "normal":
                return random.normal(size=self.shape)
            case "zero":
                return np.zeros(self.shape)
            case "positive":
                return random.uniform(0.5, 1.5, self.shape)
            case "probability":
                return random.uniform(0.05, 0.95, self.shape)
            case "cosine":
                return random.uniform(-0.95, 0.95, self.shape)
            case "above_one":
                return random.uniform(1.05, 4, self.shape)
            case "grid":
                grid = random.uniform(-1.4, 1.4, self.shape)
                return np.round(grid * self.high) / self.high if self.high else grid
            case "sign":
                return random.choice([-1.0, 1.0], self.shape)
            case "halves":
                return random.integers(-9, 10, self.shape) / 2
            case "special":
                return random.choice([np.nan, np.inf, -np.inf, 0.0, 1.5], self.shape)
            case "integer":
                return random.integers(-9, 10, self.shape)
            case "count":
                return random.integers(1, 10, self.shape)
            case "signed_count":
                signs = random.choice([-1, 1], self.shape)
                return np.multiply(signs, random.integers(1, 10, self.shape))
            case "index":
                return random.integers(0, self.high, self.shape)
            case "place":
                return random.integers(-self.high, self.high, self.shape)
            case "apart":
                return self._apart()
            case "length":
                return random.integers(1, self.high + 1, self.shape)
            case "hiding":
                bias: Array = random.normal(size=self.shape)
                bias[random.random(self.shape) < 0.4] = -np.inf
                bias[..., :2, :] = -np.inf
                bias[..., 1, -1] = 0.5
                return bias
            case "mask":
                mask: Array = random.random(self.shape) < 0.6
                mask[..., 0] = True
                return mask
            case "mask_with_empty_rows":
                mask = random.random(self.shape) < 0.6
                mask[..., :2, :] = False
                mask[..., 1, -1] = True
                return mask


@dataclass(frozen=True)
class OpCase:
    """One configuration of an operation.

    `symbolic` names the sizes that are also tried as symbols (equal numbers are one symbol).
    `tolerance` is the largest difference of a float32 result, relative to its scale; integers and
    bools are always equal.
    """

    name: str
    op: Op
    inputs: tuple[Input | None, ...]
    symbolic: tuple[int, ...] = ()
    tolerance: float = 1e-5

    def types(self, symbolic: tuple[int, ...] = ()) -> list[TensorType | None]:
        """The operands' types, with the numbers in `symbolic` as symbols S<number>."""
        return [None if i is None else i.type(symbolic) for i in self.inputs]

    def arrays(self) -> list[Array | None]:
        random = self.generator("inputs")
        return [None if i is None else i.draw(random) for i in self.inputs]

    def parameters(self) -> dict[str, Array]:
        """Arrays for the layer's parameters, all different from their initial values."""
        if not isinstance(self.op, LayerOp):
            return {}
        random = self.generator("parameters")
        found: dict[str, Array] = {}
        for spec in self.op.parameters(*self.types()):
            shape = tuple(size for size in spec.type.shape if isinstance(size, int))
            positive = spec.role in ("running_var", "scale")
            found[spec.name] = (
                random.uniform(0.5, 1.5, shape) if positive else random.normal(0, 0.4, shape)
            )
        return found

    def reference(self) -> tuple[Array, ...]:
        """What the operation's reference gives, in float64."""
        keywords: dict[str, Any] = self.parameters()
        if self.op.is_random:
            keywords["random"] = self.generator("random")
        result = self.op.reference(*self.arrays(), **keywords)
        return result if isinstance(result, tuple) else (result,)

    def generator(self, what: str) -> np.random.Generator:
        """Random numbers of this record, the same in every run."""
        digest = hashlib.sha256(f"{self.name}:{what}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def written(op: Op, operand: str) -> str:
    """The application of an operation to one operand, in the language."""
    if isinstance(op, Index):
        return f"{operand}[{', '.join(map(str, op.items))}]"
    given = {f.name: getattr(op, f.name) for f in fields(op)}  # type: ignore[arg-type]
    arguments = [f"{name} = {literal(value)}" for name, value in given.items() if value is not None]
    if isinstance(op, LayerOp):
        return f"{op.name}({', '.join(arguments)})({operand})"
    return f"{op.name}({', '.join([operand, *arguments])})"


def literal(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str() if not isinstance(value, DType):
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(literal, value))}]"
    return str(value)


def make_case(
    name: str,
    op: Op,
    *inputs: Input | tuple[int, ...] | None,
    symbolic: tuple[int, ...] = (),
    tolerance: float = 1e-5,
) -> OpCase:
    """A record; a bare shape is an input of normally distributed numbers."""
    made = tuple(Input(i) if isinstance(i, tuple) else i for i in inputs)
    return OpCase(name, op, made, symbolic, tolerance)
