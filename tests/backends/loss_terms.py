"""Operations as terms of one loss: many in a script, told apart by the weight that each moves.

A model has a weight of 1 for each term, which multiplies what the operation takes and what it
gives.  After a step of SGD at rate 1, how far it moved is the term's value and gradient in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from tercet.compiler.errors import OpError
from tercet.compiler.ops.base import Layout, Op
from tercet.compiler.ops.class_loss import ClassLoss
from tercet.compiler.ops.random import StopGradient
from tercet.compiler.ops.slicing import Index
from tercet.compiler.types import DType, TensorType, shape_text
from tests.ops.frame import Array, OpCase, literal

_STEP = 1e-5


@dataclass(frozen=True)
class Term:
    """A record with operands of these types."""

    case: OpCase
    types: tuple[TensorType | None, ...]

    @property
    def name(self) -> str:
        return f"{self.case.name}({', '.join(str(t.dtype) for t in self.types if t)})"

    @property
    def dtypes(self) -> set[DType]:
        """Those of operands and results."""
        return {t.dtype for t in (*self.types, *self.results) if t is not None}

    @cached_property
    def results(self) -> tuple[TensorType, ...]:
        return self.case.op.infer_types(self.types)

    def expected(self) -> float | None:
        """The value and the derivative by the weight, in float64.

        None where the value jumps or has a kink, so that no quotient tells the derivative.
        """
        row = slice(None) if self._whole else 0
        given = self.columns(0)
        shares = [given[f"c0_{place}"][1][row] for place in range(len(self.results))]
        arrays = [
            given[f"t0_{place}"][1][row] if type is not None else None
            for place, type in enumerate(self.types)
        ]
        moved = [
            type is not None and type.dtype.is_float and not self._weighs(place)
            for place, type in enumerate(self.types)
        ]

        def value(scale: float) -> float:
            scaled = [
                a
                if a is None or a.dtype.kind != "f"
                else a.astype(np.float64) * (scale if m else 1)
                for a, m in zip(arrays, moved, strict=True)
            ]
            with np.errstate(all="ignore"):
                result = self.case.op.reference(*scaled)
                results = result if isinstance(result, tuple) else (result,)
                pairs = zip(results, shares, strict=True)
                return float(sum(np.mean(r.astype(np.float64) * c) for r, c in pairs))

        low, middle, high = value(1 - _STEP), value(1.0), value(1 + _STEP)
        if isinstance(self.case.op, StopGradient) or not np.isfinite(middle):
            return middle
        bend = abs(low - 2 * middle + high)
        smooth = bend <= _STEP * 1e-3 * (1 + abs(middle))
        return middle + (high - low) / (2 * _STEP) if smooth else None

    @property
    def _whole(self) -> bool:
        """Whether the operation takes columns as they are; else it takes their one row."""
        return self.case.op.layout is Layout.AGNOSTIC and any(t and t.shape for t in self.types)

    def columns(self, number: int) -> dict[str, tuple[TensorType, Array]]:
        """The targets of the term: operands, and by what results are multiplied."""
        found: dict[str, tuple[TensorType, Array]] = {}
        rank = max((t.rank for t in self.types if t), default=0)
        for place, (type, array) in enumerate(zip(self.types, self.case.arrays(), strict=True)):
            if type is not None and array is not None:
                ones = (1,) * (rank - type.rank) if self._whole else ()
                shape = (*ones, *array.shape)
                held = _as(array, type.dtype).reshape((1, *shape))
                found[f"t{number}_{place}"] = TensorType(type.dtype, shape), held
        random = self.case.generator("shares")
        for place, result in enumerate(self.results):
            share = random.normal(size=(1, *_numbers(result)))
            type = result.with_dtype(DType.F32)
            found[f"c{number}_{place}"] = type, share.astype(np.float32)
        return found

    def lines(self, number: int) -> Iterator[str]:
        """The statements whose value is `p{number}`."""
        row = "" if self._whole else "[0]"
        yield f"s{number} = y[0, {number}]"
        operands: list[str | None] = []
        for place, type in enumerate(self.types):
            if type is None:
                operands.append(None)
                continue
            text = f"t{number}_{place}{row}"
            if type.dtype.is_float and not self._weighs(place):
                scale = (
                    f"s{number}" if type.dtype is DType.F32 else f"cast(s{number}, {type.dtype})"
                )
                text = f"{text} * {scale}"
            operands.append(text)
        names = [f"r{number}_{place}" for place in range(len(self.results))]
        yield f"{', '.join(names)} = {self._application(operands)}"
        if self.case.op.gives_tuple and len(names) == 1:
            names = [f"{names[0]}[0]"]
        parts = [
            f"mean(cast({name}, f32) * c{number}_{place}{row})" for place, name in enumerate(names)
        ]
        yield f"p{number} = s{number} * ({' + '.join(parts)})"

    def _weighs(self, place: int) -> bool:
        """Whether an operand is the weights of classes, which PyTorch gives no gradient."""
        return isinstance(self.case.op, ClassLoss) and self.case.op.operands[place].name == "weight"

    def _application(self, operands: Sequence[str | None]) -> str:
        op = self.case.op
        if isinstance(op, Index):
            return f"({operands[0]})[{', '.join(map(str, op.items))}]"
        given = [text for text in operands if text is not None]
        if op.operands and op.operands[0].variadic:
            given = [f"[{', '.join(given)}]"]
        elif None in operands:
            first = operands.index(None)
            named = zip(op.operands[first:], operands[first:], strict=True)
            given[first:] = [f"{formal.name} = {text}" for formal, text in named if text]
        attributes = {f.name: (getattr(op, f.name), f.default) for f in fields(op)}  # type: ignore[arg-type]
        given += [
            f"{n} = {literal(v)}"
            for n, (v, usual) in attributes.items()
            if v is not None or usual is not None
        ]
        return f"{op.name}({', '.join(given)})"


def _numbers(type: TensorType) -> tuple[int, ...]:
    return tuple(size for size in type.shape if isinstance(size, int))


def _as(array: Array, dtype: DType) -> Array:
    """Numbers of the same kind in another dtype; what is positive stays so."""
    if dtype is DType.BOOL:
        return array > 0 if array.dtype != np.bool_ else array
    if dtype.is_integer and array.dtype.kind == "f":
        array = np.sign(array) * np.ceil(np.abs(np.nan_to_num(array, posinf=3, neginf=-3)))
    if dtype is DType.U8:
        array = np.abs(array)
    return array.astype(dtype.numpy_name)


def terms(cases: Sequence[OpCase]) -> list[Term]:
    """Every operation in every dtype that it takes, and every record in its own."""
    found: dict[str, Term] = {}
    tried: set[tuple[type[Op], frozenset[DType]]] = set()
    for case in cases:
        own = tuple(map(_single, case.types()))
        for replaced in (DType.F64, DType.I64):
            for dtype in DType:
                types = tuple(
                    t.with_dtype(dtype) if t and t.dtype is replaced else _single(t)
                    for t in case.types()
                )
                key = type(case.op), frozenset(t.dtype for t in types if t)
                if types == own or (key not in tried and _takes(case.op, types)):
                    term = Term(case, types)
                    found.setdefault(term.name, term)
                    tried.add(key)
    return list(found.values())


def _takes(op: Op, types: Sequence[TensorType | None]) -> bool:
    try:
        op.infer_types(types)
    except OpError:
        return False
    return True


def _single(type: TensorType | None) -> TensorType | None:
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


def program(chosen: Sequence[Term]) -> tuple[str, dict[str, Array]]:
    """The text of a model trained by all these terms, and its columns."""
    count = len(chosen)
    columns: dict[str, Array] = {"x": np.ones((1, 1), np.float32)}
    narrow: set[str] = set()
    head = [
        "model M {",
        "    input x: f32[N, 1]",
        f"    param w: f32[{count}] = ones",
        "    output y = x * w",
        "}",
        "train M {",
    ]
    for number, term in enumerate(chosen):
        for name, (type, array) in term.columns(number).items():
            head.append(f"    target {name}: {type.dtype}{shape_text(('N', *type.shape))}")
            columns[name] = array
            if type.dtype is DType.BF16:  # which no file of NumPy holds
                narrow.add(name)
    mapping = ", ".join(
        f"{name} = {f'cast({name}, bf16)' if name in narrow else name}" for name in columns
    )
    head.append(f'    data = npz("data.npz", split = 1.0) {{ {mapping} }}')
    for number, term in enumerate(chosen):
        head += [f"    {line}" for line in term.lines(number)]
    total = " + ".join(f"p{number}" for number in range(count))
    tail = [f"    loss = {total}", "    optimizer = sgd(lr = 1)", "    batch = 1", "    epochs = 1"]
    return "\n".join([*head, *tail, "}"]) + "\n", columns
